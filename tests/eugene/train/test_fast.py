"""The fast path: the same numbers with the channels last, and only where they are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import eugene as eu
from eugene.data import SequenceDataModule
from eugene.models import SequenceModule, zoo
from eugene.nn import _channels_last
from eugene.nn._channels_last import ChannelsLast
from eugene.train import FitResult, _fast, read_checkpoint

CONV = {"conv_channels": [16, 16], "conv_kernels": [7, 4], "pool_kernels": 2, "dropout_rates": 0.3}
NETS = {
    "cnn": lambda: zoo.CNN(60, 2, conv_kwargs=CONV),
    "bpnet": lambda: zoo.BPNet(160, n_filters=16, n_layers=3, n_outputs=2, n_control_tracks=1),
    "chrombpnet": lambda: zoo.ChromBPNet(
        200, n_filters=8, n_layers=3, bias_filters=4, bias_layers=2, freeze_bias=False
    ),
    "explainn": lambda: zoo.ExplaiNN(60, 2, n_units=3),
    "legnet": lambda: zoo.LegNet(60, 1),
    "jores": lambda: zoo.Jores21CNN(60, 1),
}


def one_hot(n: int, length: int) -> torch.Tensor:
    letters = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(1))
    return nn.functional.one_hot(letters, 4).transpose(1, 2).float().contiguous()


def step(net: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return outputs side by side, and gradients and buffers by name."""
    torch.manual_seed(0)
    net.zero_grad()
    output = net(x)
    parts = [output] if isinstance(output, torch.Tensor) else list(output)
    values = torch.cat([part.flatten() for part in parts])
    (values * torch.linspace(-1, 1, len(values))).sum().backward()
    grads = {k: p.grad.clone() for k, p in net.named_parameters() if p.grad is not None}
    return values.detach(), grads | {k: v.float().clone() for k, v in net.named_buffers()}


@pytest.mark.parametrize("name", NETS)
def test_channels_last_gives_what_the_plain_path_gives(name):
    torch.manual_seed(3)
    net = NETS[name]().train()
    start = {k: v.clone() for k, v in net.state_dict().items()}
    x = one_hot(4, net.input_len)
    plain, kept = step(net, x)
    net.load_state_dict(start)
    with ChannelsLast():
        fast, other = step(net, x)
    # dropout drew the same, or these would have nothing in common
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-5 * float(plain.abs().max()))
    largest = max(float(v.abs().max()) for v in kept.values())
    assert other.keys() == kept.keys()
    for key, value in kept.items():
        gap, own = float((other[key] - value).abs().max()), float(value.abs().max())
        assert gap <= 1e-4 * (own + largest / 10), key


def test_convolutions_are_really_computed_with_the_channels_last():
    conv, x = nn.Conv1d(4, 8, 5, stride=2, padding=2, dilation=2), one_hot(2, 40)
    with ChannelsLast():
        out = conv(x)
        pooled = nn.functional.max_pool1d(out, 3, 2, 1, ceil_mode=True)
        _, where = nn.functional.max_pool1d(out, 3, return_indices=True)
    assert out.stride(1) == pooled.stride(1) == 1
    expected = nn.functional.conv1d(x, conv.weight, conv.bias, 2, 2, 2)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(pooled, nn.functional.max_pool1d(expected, 3, 2, 1, ceil_mode=True))
    assert torch.equal(where, nn.functional.max_pool1d(expected, 3, return_indices=True)[1])
    assert conv(x).stride(1) > 1


@pytest.mark.parametrize(("filters", "width", "padding"), [(1, 75, 37), (2, 20, 10), (4, 16, 0)])
def test_few_wide_filters_are_a_product_of_matrices(filters, width, padding):
    torch.manual_seed(0)
    conv = nn.Conv1d(16, filters, width, padding=padding)
    x = torch.randn(2, 16, 90, requires_grad=True)
    found = []
    for path in (contextlib.nullcontext(), ChannelsLast()):
        with path:
            out = conv(x)
        pull = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
        first = torch.autograd.grad((out.square() * pull).sum(), [x, conv.weight, conv.bias])
        found.append((out, *first))
    assert _channels_last._is_narrow(conv.weight, (1,), (padding,), (1,), 1)
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)


def data(n: int = 96) -> SequenceDataModule:
    letters = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", "S1"), (n, 60))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1).astype("f4"))
    return SequenceDataModule(ds, target_vars="y", split={"name": "random"}, batch_size=16, seed=1)


def train(folder: Path | None, fast: Any, **more: Any) -> tuple[SequenceModule, FitResult]:
    arch = {"name": "cnn", "input_len": 60, "output_dim": 1, "conv_kwargs": CONV}
    module = SequenceModule(arch, seed=2)
    options: dict[str, Any] = {"max_epochs": 3, "accelerator": "cpu", "seed": 1} | more
    result = eu.train.fit(
        module, data(), run_dir=folder, fast=fast, tensorboard=False, progress=False, **options
    )
    return module, result


def shape_of(value: object) -> object:
    """Return a checkpoint with its numbers left out."""
    if isinstance(value, Mapping):
        return {k: shape_of(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.stride()
    return type(value).__name__ if isinstance(value, int | float | list | bool) else value


def test_a_training_ends_alike_and_its_checkpoint_has_the_same_form(tmp_path):
    (_, plain), (module, fast) = (train(tmp_path / str(on), on) for on in (False, True))
    assert fast.speed["fast_path"] is True
    assert "fast_path" not in plain.speed
    for a, b in zip(plain.history, fast.history, strict=True):
        assert b["val_loss"] == pytest.approx(a["val_loss"], rel=1e-3)
    kept = [
        read_checkpoint(tmp_path / name / "checkpoints/last.ckpt") for name in ("False", "True")
    ]
    for checkpoint in kept:
        checkpoint["eugene"]["settings"].pop("fast")
        checkpoint["eugene"]["record"].pop("rows")
    assert shape_of(kept[0]) == shape_of(kept[1])
    for name, value in kept[0]["state_dict"].items():
        torch.testing.assert_close(kept[1]["state_dict"][name], value, rtol=1e-2, atol=1e-4)
    assert all(v.is_contiguous() for v in module.state_dict().values())
    # nothing of it is left: what explains the network sees plain layers and plain numbers
    assert not any(layer._forward_hooks for layer in module.modules())
    seen = module.arch.eval()(one_hot(2, 60))
    with ChannelsLast():
        torch.testing.assert_close(module.arch(one_hot(2, 60)), seen, rtol=1e-4, atol=1e-6)


def test_what_differs_is_not_taken(tmp_path, monkeypatch):
    right = _channels_last._INSTEAD[torch.conv1d]

    def wrong(x: torch.Tensor, weight: torch.Tensor, *rest: Any, **more: Any) -> Any:
        return right(x, 1.001 * weight, *rest, **more)

    instead = {**_channels_last._INSTEAD, torch.conv1d: wrong}
    monkeypatch.setattr(_channels_last, "_INSTEAD", instead)
    plain, _ = train(tmp_path / "plain", False)
    module, result = train(tmp_path / "tried", True)
    assert result.speed["fast_path"] is False
    remark = " ".join(result.speed["remarks"])
    assert "not taken" in remark
    assert "allowed: 1e-04 and 1e-03" in remark
    for name, value in plain.state_dict().items():
        assert torch.equal(module.state_dict()[name], value), name


def test_double_precision_decides_where_gradients_differ():
    trial = _fast.Trial(1e-6, 2e-2, 1.0, 0.5)
    assert not trial.passed
    assert _fast.Trial(1e-6, 2e-2, 1.0, 0.5, off=(2e-2, 1e-5)).passed
    assert not _fast.Trial(1e-6, 2e-2, 1.0, 0.5, off=(1e-5, 2e-2)).passed
    assert not _fast.Trial(1e-3, 2e-2, 1.0, 0.5, off=(2e-2, 1e-5)).passed
    # a unit at its kink, where the plain path of this pretended module is off by rounding
    module, batch = SequenceModule(Kinked(), seed=0), {"seq": torch.full((2, 8), 65).byte()}
    batch["target"] = torch.ones(2, 1)
    tried = _fast.compare(module.train(), batch)
    assert tried.gradient > _fast.GRADIENT
    assert tried.off is not None
    assert tried.off[1] < 1e-6 < tried.off[0]
    assert tried.passed


class Kinked(nn.Module):
    """A network of which the plain path in single precision is on the wrong side of a kink."""

    input_channels, input_len, output_dim = 4, 8, 1

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.scale = nn.Conv1d(4, 1, 3), nn.Parameter(torch.tensor(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.conv(x).squeeze(1).mean(1, keepdim=True) * self.scale
        rounded = self.conv(x).stride(1) == 6 and x.dtype == torch.float32
        kink = torch.relu((self.scale - 1.0) + (1e-9 if rounded else -1e-9))
        return found + kink


def test_what_cannot_be_copied_is_said(monkeypatch):
    def refuse(*_: object) -> None:
        raise TypeError("cannot be copied")

    monkeypatch.setattr(_fast, "compare", refuse)
    _, result = train(None, True, max_epochs=1)
    assert result.speed["remarks"] == [
        "fast path: not taken, the network cannot be tried (TypeError: cannot be copied)"
    ]


def test_a_resumed_training_keeps_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(_fast, "WORTH", 1)
    whole, _ = train(tmp_path / "whole", "auto")
    train(tmp_path / "parts", "auto", max_epochs=2)
    monkeypatch.setattr(_fast, "WORTH", 10**9)  # it would not be tried now
    parts, _ = train(tmp_path / "parts", "auto", resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(parts.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("arch", "suits"),
    [
        ({"name": "cnn", "input_len": 60, "output_dim": 1, "conv_kwargs": CONV}, True),
        ({"name": "fcn", "input_len": 60, "output_dim": 1}, False),
        ({"name": "legnet", "input_len": 60, "output_dim": 1}, False),
        ({"name": "rnn", "input_len": 60, "output_dim": 1}, False),
    ],
)
def test_auto_tries_plain_convolutions_only(arch, suits):
    from pytorch_lightning import Trainer

    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    assert _fast.suits(SequenceModule(arch), trainer) is suits


def test_bf16_is_suggested_and_never_taken(monkeypatch):
    pretended = iter([1.0, 1.0, 1.0, 1.0, 0.25, 0.25])
    monkeypatch.setattr(_fast._Twin, "seconds", lambda *_, **__: next(pretended))
    monkeypatch.setattr(_fast, "_has_bf16", lambda _: True)
    module, result = train(None, True, max_epochs=1)
    remarks = result.speed["remarks"]
    assert any("bf16 is 4.0 times as fast" in r and "precision: bf16-mixed" in r for r in remarks)
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    with contextlib.suppress(StopIteration):
        assert next(pretended) is None
