"""Trainings one after another, against a loop written by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from eugene.augment import Augmenter, Mutation
from eugene.errors import EugeneError, ResumeError, RunExistsError
from eugene.models import SequenceModule
from eugene.train import Stage, fit, read_checkpoint, stages
from eugene.train._freeze import freeze

QUIET: dict[str, Any] = {"accelerator": "cpu", "progress": False, "tensorboard": False, "seed": 7}


class Net(nn.Module):
    """A convolution with batch normalisation and dropout, and a head."""

    input_channels, input_len, output_dim = 4, 12, 1

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(4, 5, 3), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.2)
        )
        self.head = nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.trunk(x).amax(2))
        return found


def batches(n: int = 4, seed: int = 0) -> list[dict[str, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGT", np.uint8)
    return [
        {
            "seq": torch.from_numpy(letters[rng.integers(4, size=(6, 12))]),
            "target": torch.from_numpy(rng.normal(size=(6, 1)).astype("f4")),
        }
        for _ in range(n)
    ]


class Data:
    def __init__(self, seed: int = 0) -> None:
        self.rows = batches(seed=seed)

    def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return self.rows[:3]

    def val_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return self.rows[3:]


def made(lr: float = 0.05) -> SequenceModule:
    torch.manual_seed(0)
    return SequenceModule(Net(), optimizer="sgd", optimizer_lr=lr)


def encoded(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    codes = torch.searchsorted(torch.tensor([65, 67, 71, 84]), batch["seq"].long())
    return nn.functional.one_hot(codes, 4).transpose(1, 2).float()


def by_hand(net: Net, data: Data, epochs: int, lr: float, *, frozen: bool) -> list[dict[str, Any]]:
    """Train as a stage does, with torch alone; return weights and loss of each epoch."""
    from eugene.train._callbacks import mix

    moving = [p for n, p in net.named_parameters() if not (frozen and n.startswith("trunk"))]
    optimizer, found = torch.optim.SGD(moving, lr), []
    for epoch in range(epochs):
        torch.manual_seed(mix(7, epoch))
        net.train()
        if frozen:
            net.trunk.eval()
        for batch in data.train_dataloader():
            loss = (net(encoded(batch)) - batch["target"]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        batch = data.val_dataloader()[0]
        with torch.no_grad():
            loss = (net(encoded(batch)) - batch["target"]).square().mean()
        state = {k: v.clone() for k, v in net.state_dict().items()}
        found.append({"loss": float(loss), "state": state})
    return found


@pytest.mark.parametrize("start", ["best", "last"])
def test_two_stages_are_the_loop_written_by_hand(tmp_path: Path, start: Any) -> None:
    plan = [
        Stage("all", module={"optimizer_lr": 0.05}),
        Stage("head", freeze=["trunk"], start=start, datamodule=lambda: Data(1)),
    ]
    module = made(lr=0.03)
    found = stages(module, Data(), plan, run_dir=tmp_path, max_epochs=3, patience=None, **QUIET)

    net = made().arch
    assert isinstance(net, Net)
    first = by_hand(net, Data(), 3, 0.05, frozen=False)
    chosen = min(first, key=lambda e: e["loss"]) if start == "best" else first[-1]
    net.load_state_dict(chosen["state"])
    second = by_hand(net, Data(1), 3, 0.03, frozen=True)
    best = min(second, key=lambda e: e["loss"])
    np.testing.assert_allclose(
        [row["val_loss"] for row in found.history],
        [e["loss"] for e in (*first, *second)],
        rtol=1e-5,
    )
    for name, value in found.module.arch.state_dict().items():
        torch.testing.assert_close(value, best["state"][name], rtol=1e-5, atol=1e-6)
    assert [(r["epoch"], r["stage"], r["stage_epoch"], r["lr"]) for r in found.history] == [
        *((i, "all", i, 0.05) for i in range(3)),
        *((3 + i, "head", i, 0.03) for i in range(3)),
    ]
    table = (tmp_path / "metrics.csv").read_text().splitlines()
    assert len(table) == 7
    assert table[0].endswith("stage,stage_epoch,lr,seconds")
    assert all(p.requires_grad for p in found.module.parameters())


class Watch(pl.Callback):
    """Look at the frozen part in every batch, and disturb its mode as careless code would."""

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []
        self.x = torch.rand(3, 4, 12, generator=torch.Generator().manual_seed(1))

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        with torch.no_grad():
            self.seen.append(module.arch.trunk(self.x).clone())
        module.eval()
        module.train()


def test_a_frozen_trunk_does_not_move_by_a_bit(tmp_path: Path) -> None:
    watch, module = Watch(), made()
    before = {k: v.clone() for k, v in module.arch.trunk.state_dict().items()}
    with torch.no_grad():
        expected = module.arch.trunk.eval()(watch.x).clone()
    head = module.arch.head.weight.clone()
    plan = [Stage("head", train=["head"], trainer={"callbacks": [watch]})]
    found = stages(module, Data(), plan, max_epochs=3, patience=None, **QUIET)
    assert len(watch.seen) == 9
    assert all(torch.equal(seen, expected) for seen in watch.seen)
    for name, value in module.arch.trunk.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not torch.equal(module.arch.head.weight, head)
    record = found.stages[0].record
    assert record["trained_parameters"] == 6
    assert record["frozen_parameters"] == 4 * 5 * 3 + 5 + 10
    assert record["still"] == ["trunk"]
    # afterwards it is a module like any other
    assert module.train().arch.trunk.training


def test_statistics_alone_stay_where_all_of_a_normalisation_is_frozen() -> None:
    module = made()
    trained = freeze(module, ["*.bias", "trunk.1.weight"])
    assert trained.still == ("trunk.1",)
    assert trained.trained_names == ("trunk.0.weight", "head.weight")
    # what was frozen before stays so unless it is named
    assert freeze(module, ["trunk.1.weight"]).still == ("trunk.1",)
    assert freeze(made(), ["trunk.1.weight"]).still == ()
    both = freeze(module, ["*"], ["trunk.0"])
    assert both.trained_names == ("trunk.0.weight", "trunk.0.bias")
    assert both.still == ("trunk.1", "head")


def test_globs_that_match_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(EugeneError, match=r"stage 'a': freeze: 'trnk\.\*'.*mean 'trunk'"):
        stages(made(), Data(), [Stage("a", freeze=["trnk.*"])], max_epochs=1, **QUIET)
    with pytest.raises(EugeneError, match="nothing to train"):
        stages(made(), Data(), [Stage("a", freeze=["*"])], max_epochs=1, **QUIET)
    for plan, message in (
        ([], "at least one"),
        ([Stage("a/b")], "names a folder"),
        ([Stage("a"), Stage("a")], "two stages"),
        ([Stage("a", module={"lr": 1})], "no argument 'lr'"),
    ):
        with pytest.raises(EugeneError, match=message):
            stages(made(), Data(), plan, max_epochs=1, **QUIET)


def noted(module: Any, data: Any) -> dict[str, float]:
    """Shift a bias before a stage, and say by how much."""
    with torch.no_grad():
        module.arch.head.bias += 1.5
    return {"shift": np.float32(1.5)}  # type: ignore[dict-item]


PLAN = [
    Stage("one", train=["head"]),
    Stage("two", module={"optimizer_lr": 0.02}, before=noted),
    Stage("three", freeze=["trunk.0"], start="last", datamodule=lambda: Data(1)),
]


class Stop(pl.Callback):
    """End a training, as an error or the hard way, in the middle of an epoch of a stage."""

    def __init__(self, stage: str, epoch: int, *, hard: bool = False) -> None:
        self.stage, self.epoch, self.hard = stage, epoch, hard

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        here = Path(trainer.default_root_dir).name.endswith(self.stage)
        if here and (trainer.current_epoch, batch_idx) == (self.epoch, 1):
            if self.hard:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("stopped")


def trained(folder: Path, *callbacks: pl.Callback, resume: bool = False) -> Any:
    options = {**QUIET, "max_epochs": 2, "patience": None, "callbacks": callbacks}
    return stages(made(), Data(), PLAN, run_dir=folder, resume=resume, **options)


def same(first: Path, second: Path) -> None:
    """Compare two run folders, apart from times."""
    found = sorted(str(p.relative_to(first)) for p in first.rglob("*") if p.is_file())
    assert found == sorted(str(p.relative_to(second)) for p in second.rglob("*") if p.is_file())
    for name in found:
        if name.endswith(("safetensors", "stage.json")):
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
        elif name.endswith("metrics.csv"):
            cut = [
                [r.rpartition(",")[0] for r in (f / name).read_text().splitlines()]
                for f in (first, second)
            ]
            assert cut[0] == cut[1]
        elif name.endswith(".ckpt"):
            one, two = (read_checkpoint(f / name) for f in (first, second))
            assert one["global_step"] == two["global_step"]
            assert all(torch.equal(v, two["state_dict"][k]) for k, v in one["state_dict"].items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stages") / "whole"
    trained(folder)
    return folder


@pytest.mark.parametrize(("stage", "epoch"), [("one", 1), ("two", 0), ("three", 1)])
def test_a_training_that_was_stopped_ends_with_the_same_bits(
    tmp_path: Path, whole: Path, stage: str, epoch: int
) -> None:
    with pytest.raises(RuntimeError, match="stopped"):
        trained(tmp_path, Stop(stage, epoch))
    assert not (tmp_path / "model.safetensors").exists()
    trained(tmp_path, resume=True)
    same(whole, tmp_path)


def test_what_a_stage_did_is_noted(whole: Path) -> None:
    record = json.loads((whole / "stages" / "2_two" / "stage.json").read_text())
    assert record["hook"] == {"shift": 1.5}
    assert record["carried"]["tensors"] == 9
    assert (record["number"], record["status"], record["optimizer_lr"]) == (2, "done", 0.02)
    before = read_checkpoint(whole / "stages" / "1_one" / "checkpoints" / "best.ckpt")
    assert before["hyper_parameters"]["optimizer_lr"] == 0.05


def test_another_training_is_not_taken_up(whole: Path) -> None:
    with pytest.raises(RunExistsError, match="1_one, 2_two, 3_three"):
        trained(whole)
    other = [Stage("one", freeze=["head"]), *PLAN[1:]]
    with pytest.raises(ResumeError, match=r"freeze was \[\], now it is \['head'\]"):
        stages(made(), Data(), other, run_dir=whole, resume=True, max_epochs=2, **QUIET)
    with pytest.raises(ResumeError, match="3_three, which are not among"):
        stages(made(), Data(), PLAN[:2], run_dir=whole, resume=True, max_epochs=2, **QUIET)


def test_a_module_that_was_trained_before_is_trained_in_training_mode() -> None:
    module = made()
    for trained_on in (3, 6):
        fit(module, Data(), max_epochs=1, **QUIET)
        assert int(module.arch.trunk[1].num_batches_tracked) == trained_on


def test_an_augmenter_keeps_what_a_stage_does_not_name() -> None:
    module = SequenceModule(Net(), augment=Augmenter([Mutation(0.1)], max_augs=1, seed=5))
    resting = Stage("original", module={"augment": {"active": False}})
    found = stages(module, Data(), [Stage("augmented"), resting], max_epochs=1, **QUIET).module
    assert isinstance(found, SequenceModule)
    assert module.augmenter is not None
    assert module.augmenter.active
    assert found.augmenter is not None
    assert found.augmenter.settings == {**module.augmenter.settings, "active": False}


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "epoch"), [("two", 1), ("three", 0)])
def test_a_killed_training_ends_with_the_same_bits(
    tmp_path: Path, whole: Path, stage: str, epoch: int
) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "cut"), stage, str(epoch)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    trained(tmp_path / "cut", resume=True)
    same(whole, tmp_path / "cut")


if __name__ == "__main__":
    torch.set_num_threads(1)
    trained(Path(sys.argv[1]), Stop(sys.argv[2], int(sys.argv[3]), hard=True))
