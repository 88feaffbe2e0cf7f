"""Fine-tuning on Enformer's trunk: frozen, whole, by adapters, resumed (F7, F8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from eugene.errors import EugeneError
from eugene.models import SequenceModule
from eugene.train import Stage, stages

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "progress": False,
    "tensorboard": False,
    "seed": 7,
    "patience": None,
}
LENGTH, ROWS = 256, 8
TRUNK = {"channels": 12, "n_transformers": 1, "n_heads": 2, "key_size": 3}


class Data:
    """Sequences whose activity is their share of G, in one batch an epoch of many steps."""

    def __init__(self, steps: int) -> None:
        rng = np.random.default_rng(0)
        shares = rng.uniform(0.05, 0.85, (2 * ROWS, 1))
        letters = np.where(rng.random((2 * ROWS, LENGTH)) < shares, ord("G"), ord("A"))
        self.seq = torch.from_numpy(letters.astype(np.uint8))
        self.target = torch.from_numpy((4 * (letters == ord("G")).mean(1)).astype("f4"))[:, None]
        self.steps = steps

    def batch(self, part: slice) -> dict[str, torch.Tensor]:
        return {"seq": self.seq[part], "target": self.target[part]}

    def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return [self.batch(slice(ROWS))] * self.steps

    def val_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return [self.batch(slice(ROWS, None))]


def made(*, lr: float = 0.01, dropout: float = 0.0, **trunk: object) -> SequenceModule:
    still = {"dropout": dropout, "attention_dropout": dropout, "position_dropout": dropout}
    arch = {
        "name": "enformer_finetune", "input_len": LENGTH, "key_size": 4, "value_size": 4,
        "dropout": dropout, "trunk_kwargs": {**TRUNK, **still, **trunk},
    }  # fmt: skip
    return SequenceModule(arch, task="regression", optimizer="adam", optimizer_lr=lr, seed=1)


def copied(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def mse(module: SequenceModule, data: Data) -> float:
    """Return the error of the training rows, in evaluation mode."""
    found = module.predict(data.seq[:ROWS].numpy().view("S1"))
    return float((found - data.target[:ROWS]).square().mean())


def test_a_head_learns_on_a_trunk_that_does_not_move_by_a_bit() -> None:
    module, data = made(dropout=0.2), Data(steps=4)
    before, head = copied(module.arch.trunk), copied(module.arch.head)
    plan = [Stage("head", freeze=["trunk"])]
    found = stages(module, data, plan, max_epochs=2, **QUIET)
    after = found.module.arch.trunk.state_dict()
    assert any(name.endswith("running_var") for name in after)
    for name, value in after.items():
        assert torch.equal(value, before[name]), name
    assert not torch.equal(found.module.arch.head.linear.weight, head["linear.weight"])
    assert found.stages[0].record["still"] == ["arch.trunk"[5:]]
    assert found.stages[0].record["trained_parameters"] == 3 * 24 * 4 + 2 * 4 + 1


@pytest.mark.parametrize("batchnorm", ["updated", "frozen"])
def test_the_whole_network_halves_its_error_in_fifty_steps(batchnorm: str) -> None:
    module, data = made(lr=0.005, batchnorm=batchnorm), Data(steps=25)
    before, start = copied(module.arch.trunk), mse(module, data)
    found = stages(module, data, [Stage("all", trainer={"max_epochs": 2})], **QUIET)
    assert mse(found.module, data) < start / 2
    after = found.module.arch.trunk.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    kept = {name for name in after if "running" in name or "num_batches" in name}
    assert moved & kept == (kept if batchnorm == "updated" else set())
    assert {"stem.first.weight", "tower.0.first.0.weight", "final.0.2.bias"} < moved


class Rates(pl.Callback):
    def __init__(self) -> None:
        self.groups: list[tuple[float, int]] = []

    def on_train_start(self, trainer: Any, module: Any) -> None:
        for group in trainer.optimizers[0].param_groups:
            self.groups.append((group["lr"], sum(p.numel() for p in group["params"])))


def test_adapters_in_the_attention_and_rates_of_parts() -> None:
    module, data, rates = made(), Data(steps=2), Rates()
    before = copied(module.arch.trunk)
    lora = {"name": "lora", "rank": 2, "targets": ["trunk.transformer.*.attention"]}
    plan = [
        Stage("adapters", adapters=lora, train=["head"]),
        Stage("all", lr_scale={"trunk": 0.1}, trainer={"callbacks": [rates]}),
    ]
    found = stages(module, data, plan, max_epochs=1, **QUIET)
    first = found.stages[0].record
    layers = ("query", "key", "value", "distance", "output")
    assert first["adapters"] == {f"trunk.transformer.0.attention.{name}": 2 for name in layers}
    # (12 + 6) for queries and keys, (12 + 12) for values and output, (6 + 6) for distances
    assert first["trained_parameters"] == 2 * (2 * 18 + 2 * 24 + 12) + 297
    head = sum(p.numel() for p in module.arch.head.parameters())
    trunk = sum(p.numel() for p in module.arch.trunk.parameters())
    assert rates.groups == [(pytest.approx(0.01), head), (pytest.approx(0.001), trunk)]
    merged = found.module.arch.trunk.state_dict()
    assert list(merged) == list(before)
    assert not torch.equal(
        merged["transformer.0.attention.value.weight"],
        before["transformer.0.attention.value.weight"],
    )


class Killed(pl.Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.current_epoch == self.epoch:
            raise RuntimeError("killed")


def test_a_fine_tuning_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    def run(place: str, *callbacks: pl.Callback, resume: bool = False) -> dict[str, torch.Tensor]:
        plan = [Stage("all", trainer={"max_epochs": 2, "callbacks": list(callbacks)})]
        module = made(dropout=0.2, recompute=True)
        done = stages(module, Data(2), plan, run_dir=tmp_path / place, resume=resume, **QUIET)
        return done.module.arch.state_dict()

    whole = run("whole")
    with pytest.raises(RuntimeError, match="killed"):
        run("stopped", Killed(1))
    for name, value in run("stopped", resume=True).items():
        assert torch.equal(value, whole[name]), name


def test_unknown_parts_are_told() -> None:
    with pytest.raises(EugeneError, match=r"'trunk.transfomer' matches no parameter"):
        stages(made(), Data(1), [Stage("a", freeze=["trunk.transfomer"])], **QUIET)
    with pytest.raises(EugeneError, match="batchnorm='still' must be 'updated' or 'frozen'"):
        made(batchnorm="still")
