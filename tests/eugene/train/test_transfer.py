"""Heads, weights of other runs, adapters, rates and averages of stages."""

from __future__ import annotations

import copy
import runpy
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

import eugene as eu
from eugene.errors import EugeneError, MissingFileError, NotARunError
from eugene.models import SequenceModule, build, start_from
from eugene.models._transfer import head_of, with_head
from eugene.nn import SameConv1d
from eugene.nn._lora import adapt, merge, merged_state
from eugene.train import Stage, fit, read_checkpoint, stages
from eugene.train._adapters import load_delta

HERE = runpy.run_path(str(Path(__file__).parent / "test_stages.py"))
QUIET, Data, made, encoded = (HERE[n] for n in ("QUIET", "Data", "made", "encoded"))
SMALL: dict[str, Any] = {
    "name": "cnn",
    "input_len": 12,
    "conv_kwargs": {"conv_channels": [5], "conv_kernels": [3], "pool_kernels": [2]},
    "dense_kwargs": {"hidden_dims": [4]},
}


def small(outputs: int = 1, seed: int = 0) -> SequenceModule:
    torch.manual_seed(0)
    return SequenceModule({**SMALL, "output_dim": outputs}, seed=seed, optimizer="sgd")


def three() -> Any:
    data = Data(1)
    for batch in data.rows:
        batch["target"] = batch["target"] * torch.tensor([[1.0, -1.0, 0.5]])
    return data


# --- heads


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cnn", {}),
        ("deepstarr", {}),
        ("bpnet", {"n_filters": 4, "n_layers": 1, "profile": False}),
        ("explainn", {"num_units": 3}),
        ("legnet", {}),
        ("malinois", {}),
    ],
)
def test_the_head_is_what_follows_from_the_number_of_outputs(
    name: str, arguments: dict[str, Any]
) -> None:
    length = 249 if name == "deepstarr" else 600 if name == "malinois" else 200
    known = eu.config.registries.MODELS.signature(name).names
    network = build(
        name, input_len=length, output_dim=1, **{k: v for k, v in arguments.items() if k in known}
    )
    head = head_of(network)
    other = with_head(network, {"output_dim": 3}, seed=4)
    before, after = network.state_dict(), other.state_dict()
    assert head
    assert all(torch.equal(after[k], v) for k, v in before.items() if k not in head)
    assert all(after[k].shape != before[k].shape for k in head)
    assert other.eval()(torch.rand(2, 4, length)).shape == (2, 3)


def test_what_has_no_head_is_told() -> None:
    with pytest.raises(EugeneError, match="does not say how it is built"):
        head_of(nn.Linear(4, 1))
    with pytest.raises(EugeneError, match="do not fit"):
        with_head(build(**SMALL, output_dim=1), {"dense_kwargs": {"hidden_dims": [9]}})


# --- weights


def test_weights_of_a_run_and_a_part_of_them(tmp_path: Path) -> None:
    fit(small(2), three_of(2), run_dir=tmp_path / "run", max_epochs=1, **QUIET)
    given = eu.load(tmp_path / "run").arch.state_dict()
    network: Any = start_from(build(**SMALL, output_dim=2), tmp_path / "run")
    assert all(torch.equal(v, given[k]) for k, v in network.state_dict().items())
    assert str(network.taken).startswith("6 tensors of")

    with pytest.raises(EugeneError, match=r"dense_block\.layers\.2\.weight is \(2, 4\), here"):
        start_from(build(**SMALL, output_dim=3), tmp_path / "run")
    fresh = build(**SMALL, output_dim=3, seed=9)
    drawn = {k: v.clone() for k, v in fresh.state_dict().items()}
    swapped: Any = start_from(fresh, tmp_path / "run", head=True)
    assert swapped.taken.head == ("dense_block.layers.2.weight", "dense_block.layers.2.bias")
    for name, value in swapped.state_dict().items():
        assert torch.equal(value, (drawn if name in swapped.taken.head else given)[name]), name

    part: Any = start_from(build(**SMALL, output_dim=3, seed=9), tmp_path / "run", part=["conv*"])
    assert len(part.taken.taken) == 2
    assert len(part.taken.missing) == 4
    assert torch.equal(part.conv1d_tower.layers[0].weight, given["conv1d_tower.layers.0.weight"])
    assert torch.equal(part.dense_block.layers[0].weight, drawn["dense_block.layers.0.weight"])
    with pytest.raises(EugeneError, match=r"part: 'cnv\*' matches no .*one of conv1d_tower"):
        start_from(build(**SMALL, output_dim=2), tmp_path / "run", part=["cnv*"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="holds no trained network"):
        start_from(build(**SMALL, output_dim=2), tmp_path / "empty")


def three_of(outputs: int) -> Any:
    data = three()
    for batch in data.rows:
        batch["target"] = batch["target"][:, :outputs]
    return data


def test_a_new_head_in_a_stage_is_kept_by_the_next(tmp_path: Path) -> None:
    plan = [
        Stage("one"),
        Stage("head", head={"output_dim": 3}, train=["dense_block"], datamodule=three),
        Stage("all", head={"output_dim": 3}, datamodule=three, freeze=["*"], train=["*.bias"]),
    ]
    found = stages(small(), Data(), plan, run_dir=tmp_path, max_epochs=1, **QUIET)
    head = ["dense_block.layers.2.weight", "dense_block.layers.2.bias"]
    assert found.stages[1].record["carried"]["head"] == head
    assert "head" not in found.stages[2].record["carried"]
    one, two = (
        read_checkpoint(tmp_path / "stages" / name / "checkpoints" / "best.ckpt")["state_dict"]
        for name in ("2_head", "3_all")
    )
    assert torch.equal(
        one["arch.dense_block.layers.2.weight"], two["arch.dense_block.layers.2.weight"]
    )
    assert eu.load(tmp_path).arch.output_dim == 3
    with pytest.raises(NotARunError, match=r"another one.*\(3, 4\), here \(1, 4\)"):
        stages(small(), Data(), [*plan[:2], Stage("none")], max_epochs=1, **QUIET)


# --- adapters


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(6, 5),
        nn.Conv1d(6, 4, 3, groups=2, dilation=2, stride=2, padding=1),
        nn.Conv1d(6, 5, 4, padding="same", padding_mode="circular", bias=False),
        SameConv1d(6, 5, 4, dilation=3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_an_adapted_layer_is_its_weights_and_a_product_of_two(layer: nn.Module) -> None:
    g = torch.Generator().manual_seed(0)
    x = (
        torch.rand(2, 6, generator=g)
        if isinstance(layer, nn.Linear)
        else torch.rand(2, 6, 30, generator=g)
    )
    before, plain = layer(x), copy.deepcopy(layer)
    assert adapt(layer, rank=2, alpha=3, generator=g) == 2
    adapted: Any = layer
    assert torch.equal(layer(x), before)
    with torch.no_grad():
        adapted.lora_b.normal_(generator=g)
    update = 1.5 * torch.einsum("or,ri->oi", adapted.lora_b, adapted.lora_a)
    wanted: Any = plain
    with torch.no_grad():
        wanted.weight += update.reshape(wanted.weight.shape)
    torch.testing.assert_close(layer(x), wanted(x))
    assert not torch.allclose(layer(x), before, atol=1e-3)
    state = merged_state(layer.state_dict())
    torch.testing.assert_close(state["weight"], wanted.weight.data)
    # dropout thins what the adapter reads, and its mean is what it was
    adapted.lora_dropout = 0.5
    torch.manual_seed(0)
    seen = torch.stack([adapted(x) for _ in range(500)]).detach()
    assert seen.std(0).max() > 0.05
    assert (seen.mean(0) - adapted.eval()(x)).abs().max() < 0.3
    output = layer(x)
    assert merge(layer) == 1
    assert type(layer) is type(plain)
    assert list(layer.state_dict()) == list(plain.state_dict())
    torch.testing.assert_close(layer(x), output)


def test_adapters_in_a_stage(tmp_path: Path) -> None:
    lora = {"name": "lora", "rank": 2, "alpha": 4.0, "targets": ["trunk", "head"]}
    module = made()
    plan = [Stage("one"), Stage("two", adapters=lora, module={"optimizer_lr": 0.1})]
    found = stages(module, Data(), plan, run_dir=tmp_path, max_epochs=2, patience=None, **QUIET)
    folder, record = tmp_path / "stages" / "2_two", found.stages[1].record
    assert record["adapters"] == {"trunk.0": 2, "head": 1}
    assert record["trained_parameters"] == 2 * (12 + 5) + (5 + 1)
    before = read_checkpoint(tmp_path / "stages" / "1_one" / "checkpoints" / "best.ckpt")
    after = read_checkpoint(folder / "checkpoints" / "best.ckpt")
    for name, value in before["state_dict"].items():
        assert torch.equal(value, after["state_dict"][name]), name
    a, b = (after["state_dict"][f"arch.trunk.0.lora_{x}"] for x in "ab")
    weight = before["state_dict"]["arch.trunk.0.weight"]
    wanted = weight + 2 * (b @ a).reshape(weight.shape)
    torch.testing.assert_close(found.module.arch.trunk[0].weight.data, wanted)
    assert type(found.module.arch.trunk[0]) is nn.Conv1d

    # the small file is enough, on the weights that it was trained on
    network = made().arch
    state = {k.removeprefix("arch."): v for k, v in before["state_dict"].items()}
    with pytest.raises(NotARunError, match="was trained on the weights"):
        load_delta(network, folder / "adapters.safetensors")
    network.load_state_dict(state)
    load_delta(network, folder / "adapters.safetensors")
    x = torch.rand(3, 4, 12)
    torch.testing.assert_close(network(x), found.module.arch.eval()(x))
    small = tmp_path / "damaged.safetensors"
    packed = bytearray((folder / "adapters.safetensors").read_bytes())
    packed[-2] ^= 64  # of a weight
    small.write_bytes(packed)
    with pytest.raises(NotARunError, match="is damaged"):
        load_delta(network, small)
    with pytest.raises(EugeneError, match=r"adapters\.targets: 'trnk'.*mean 'trunk'"):
        stages(made(), Data(), [Stage("a", adapters={"targets": ["trnk"]})], **QUIET)


# --- rates


class Rates(pl.Callback):
    def __init__(self) -> None:
        self.groups: list[tuple[float, int]] = []

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self.groups = [
            (g["lr"], sum(p.numel() for p in g["params"]))
            for g in trainer.optimizers[0].param_groups
        ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"lr_decay": 0.5}, [(0.05, 6), (0.025, 75)]),
        ({"lr_scale": {"trunk": 0.1, "trunk.1": 2}}, [(0.1, 10), (0.05, 6), (0.005, 65)]),
        ({"lr_scale": {"*.bias": 0.2}, "freeze": ["trunk"]}, [(0.05, 5), (0.01, 1)]),
    ],
)
def test_rates_are_those_of_the_groups(given: Any, wanted: list[tuple[float, int]]) -> None:
    rates = Rates()
    plan = [Stage("a", **given, trainer={"callbacks": [rates]})]
    stages(made(), Data(), plan, max_epochs=1, **QUIET)
    assert rates.groups == [(pytest.approx(lr), n) for lr, n in wanted]
    with pytest.raises(EugeneError, match="not above 0"):
        stages(made(), Data(), [Stage("a", lr_scale={"head": 0.0})], max_epochs=1, **QUIET)


# --- averages


class Keep(pl.Callback):
    """Keep the weights after each step, and those that are validated."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []
        self.validated: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.steps.append({k: v.clone() for k, v in module.arch.state_dict().items()})

    def on_validation_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.validated.append({k: v.clone() for k, v in module.arch.state_dict().items()})


def averages(steps: list[dict[str, torch.Tensor]], decay: float) -> list[dict[str, torch.Tensor]]:
    """Average by hand: the first is itself, then decay * before + (1 - decay) * now."""
    found = [{k: v.double() for k, v in steps[0].items()}]
    for step in steps[1:]:
        found.append({k: decay * found[-1][k] + (1 - decay) * v.double() for k, v in step.items()})
    return found


def test_the_moving_average_is_what_is_validated_and_saved(tmp_path: Path) -> None:
    plain, keep = Keep(), Keep()
    options = {**QUIET, "max_epochs": 3, "patience": None}
    fit(made(), Data(), callbacks=[plain], **options)
    module = made()
    result = fit(module, Data(), callbacks=[keep], run_dir=tmp_path, ema=0.8, **options)
    # training itself is not touched
    assert all(
        torch.equal(a[k], b[k]) for a, b in zip(plain.steps, keep.steps, strict=True) for k in a
    )
    by_hand = averages(keep.steps, 0.8)
    for epoch, seen in enumerate(keep.validated):
        for name, value in seen.items():
            if value.is_floating_point():  # running statistics too
                torch.testing.assert_close(value.double(), by_hand[3 * epoch + 2][name])
    best = by_hand[3 * result.best_epoch + 2]
    last = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    for name, value in module.arch.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), best[name])
            torch.testing.assert_close(
                last["state_dict"][f"arch.{name}"].double(), by_hand[-1][name]
            )
            assert torch.equal(
                last["eugene_average"]["weights"][f"arch.{name}"], keep.steps[-1][name]
            )


def test_an_averaged_training_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    options = {**QUIET, "patience": None}
    for given in ({"ema": 0.8}, {"swa_from": 1}):
        whole, cut = (tmp_path / f"{n}_{next(iter(given))}" for n in ("whole", "cut"))
        fit(made(), Data(), run_dir=whole, max_epochs=4, **given, **options)
        fit(made(), Data(), run_dir=cut, max_epochs=2, **given, **options)
        fit(made(), Data(), run_dir=cut, max_epochs=4, resume=True, **given, **options)
        one, two = (read_checkpoint(f / "checkpoints" / "last.ckpt") for f in (whole, cut))
        for name, value in one["state_dict"].items():
            assert torch.equal(value, two["state_dict"][name]), name


def test_equal_averages_are_the_mean_over_epochs() -> None:
    keep, module = Keep(), made()
    fit(module, Data(), callbacks=[keep], max_epochs=4, patience=None, swa_from=2, **QUIET)
    ends = keep.steps[2::3]
    wanted = (ends[2]["head.weight"] + ends[3]["head.weight"]) / 2
    torch.testing.assert_close(keep.validated[3]["head.weight"], wanted)
    torch.testing.assert_close(keep.validated[1]["head.weight"], ends[1]["head.weight"])
    for given in ({"ema": 0.9, "swa_from": 1}, {"ema": 1.5}):
        with pytest.raises(EugeneError, match=r"give one of them|from 0 to below 1"):
            fit(made(), Data(), max_epochs=1, **given, **QUIET)


def test_a_compiled_network_trains_the_same_and_is_plain_afterwards() -> None:
    first, second = made(), made()
    options = {**QUIET, "max_epochs": 2, "patience": None}
    fit(first, Data(), **options)
    fit(second, Data(), compiled="eager", **options)
    for name, value in first.arch.state_dict().items():
        torch.testing.assert_close(second.arch.state_dict()[name], value)
    assert second.arch._compiled_call_impl is None
    with pytest.raises(EugeneError, match="no backend 'inductr'; did you mean 'inductor'"):
        fit(made(), Data(), compiled="inductr", **options)
