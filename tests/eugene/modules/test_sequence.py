"""The module that trains: losses from the task, batches, shapes, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import seqpro as sp
from eugene.config.registries import MODELS
from eugene.errors import EugeneError
from eugene.models import SequenceModule, build, zoo
from eugene.modules.tasks import TASKS
from eugene.nn import InputShapeError, ohe_bytes
from eugene.train import load_checkpoint

LENGTH = 40
ARCH = {
    "name": "cnn",
    "input_len": LENGTH,
    "output_dim": 2,
    "conv_kwargs": {"conv_channels": [6], "conv_kernels": [5], "pool_kernels": 4},
}
SEQS = torch.from_numpy(sp.random_seqs((8, LENGTH), sp.DNA, seed=0).view("u1").copy())


def module(task: str = "regression", **kwargs: Any) -> SequenceModule:
    return SequenceModule(ARCH, task=task, seed=1, **kwargs)


@pytest.mark.parametrize(
    ("task", "loss"),
    [
        ("regression", "mse"),
        ("binary_classification", "bce"),
        ("multilabel_classification", "bce"),
        ("multiclass_classification", "cross_entropy"),
        ("poisson", "poisson"),
    ],
)
def test_the_task_settles_the_loss(task: str, loss: str) -> None:
    made = module(task)
    assert made.loss_name == loss
    columns = 1 if task == "multiclass_classification" else 2
    batch = {"seq": SEQS, "target": torch.ones(8, columns)}
    value = made.training_step(batch, 0)
    value.backward()
    assert torch.isfinite(value)
    assert set(TASKS) >= {task}


def test_the_other_loss_can_be_named() -> None:
    assert module("regression", loss_fxn="huber", loss_kwargs={"delta": 2.0}).loss_name == "huber"


def test_calling_the_module_is_calling_the_network() -> None:
    made = module().eval()
    x = ohe_bytes(SEQS)
    torch.testing.assert_close(made(x), made.arch(x))


def test_bytes_and_one_hot_give_the_same() -> None:
    made = module().eval()
    target = torch.zeros(8, 2)
    from_bytes = made.training_step({"seq": SEQS, "target": target}, 0)
    one_hot = made.training_step({"ohe_seq": ohe_bytes(SEQS).to(torch.uint8), "target": target}, 0)
    torch.testing.assert_close(from_bytes, one_hot)


def test_shapes_are_named_in_errors() -> None:
    made = module()
    with pytest.raises(InputShapeError, match=r"swapaxes\(1, 2\)"):
        made(torch.zeros(3, LENGTH, 4))
    with pytest.raises(InputShapeError, match="are 30 bp long, the network reads 40 bp"):
        made(torch.zeros(3, 4, 30))
    with pytest.raises(InputShapeError, match=r"got an array of shape \(3, 40\)"):
        made(torch.zeros(3, LENGTH))
    with pytest.raises(InputShapeError, match="1 targets a sequence, the network gives 2"):
        made.training_step({"seq": SEQS, "target": torch.zeros(8, 1)}, 0)
    with pytest.raises(EugeneError, match="expected 'seq'"):
        made.training_step({"sequence": SEQS}, 0)
    with pytest.raises(EugeneError, match="needs 'target', got 'seq'"):
        made.training_step({"seq": SEQS}, 0)


def test_a_network_of_any_length_reads_any_length() -> None:
    made = SequenceModule(zoo.DeepBind(41, 1))
    assert made(torch.rand(2, 4, 77)).shape == (2, 1)


def test_one_dimensional_targets_and_single_rows() -> None:
    made = SequenceModule({**ARCH, "output_dim": 1})
    value = made.training_step({"seq": SEQS[:1], "target": torch.zeros(1)}, 0)
    assert value.ndim == 0


def test_missing_targets_give_finite_weights() -> None:
    made = module()
    target = torch.zeros(8, 2)
    target[::2] = torch.nan
    optimizer = made.configure_optimizers()
    made.training_step({"seq": SEQS, "target": target}, 0).backward()
    optimizer.step()
    assert all(torch.isfinite(p).all() for p in made.parameters())


def test_weights_of_rows_count() -> None:
    made = module().eval()
    target = torch.zeros(8, 2)
    weight = torch.tensor([1.0] + [0.0] * 7)
    one = made.training_step({"seq": SEQS[:1], "target": target[:1]}, 0)
    weighted = made.training_step({"seq": SEQS, "target": target, "weight": weight}, 0)
    torch.testing.assert_close(one, weighted)


def test_predictions_need_no_targets_and_are_on_the_scale_of_the_targets() -> None:
    for task, link in (
        ("regression", lambda x: x),
        ("binary_classification", torch.sigmoid),
        ("multiclass_classification", lambda x: torch.softmax(x, 1)),
        ("poisson", torch.exp),
    ):
        made = module(task).eval()
        with torch.no_grad():
            raw = made(ohe_bytes(SEQS))
            found = made.predict_step({"seq": SEQS, "index": torch.arange(8)}, 0)
        torch.testing.assert_close(found["prediction"], link(raw))
        assert set(found) == {"prediction", "index"}


def test_predict_takes_letters_bytes_and_one_hot_and_leaves_no_trace() -> None:
    made = module().train()
    letters = SEQS.numpy().view("S1")
    first = made.predict(letters, batch_size=3)
    assert made.training
    assert all(layer.training for layer in made.modules())
    for other in (SEQS, SEQS.numpy(), ohe_bytes(SEQS), ohe_bytes(SEQS).numpy().astype("u1")):
        torch.testing.assert_close(made.predict(other), first)
    binary = module("binary_classification")
    torch.testing.assert_close(
        binary.predict(letters), torch.sigmoid(binary.predict(letters, raw=True))
    )
    assert made.predict(letters[:0]).shape == (0, 2)


def saved(made: SequenceModule, path: Path) -> Path:
    """Save a module as a checkpoint of plain values and return its path."""
    import pytorch_lightning as pl

    trainer = pl.Trainer(logger=False, enable_checkpointing=False, max_epochs=0, accelerator="cpu")
    trainer.strategy.connect(made)
    trainer.save_checkpoint(path, weights_only=True)
    return path


def test_checkpoints_hold_plain_values_only(tmp_path: Path) -> None:
    made = SequenceModule(
        build("cnn", **{k: v for k, v in ARCH.items() if k != "name"}),
        task="binary_classification",
        optimizer_lr=np.float64(0.01),
        optimizer_kwargs={"betas": (0.9, 0.99)},
        metric=["auroc"],
        target_names=["a", "b"],
    )
    path = saved(made, tmp_path / "module.ckpt")
    torch.load(path, weights_only=True)
    for again in (load_checkpoint(path), SequenceModule.load_from_checkpoint(path)):
        torch.testing.assert_close(again.predict(SEQS), made.predict(SEQS))
        assert again.hparams["optimizer_lr"] == 0.01
        assert again.target_names == ["a", "b"]


def test_other_networks_need_no_configuration() -> None:
    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4 * LENGTH, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x.flatten(1)).squeeze(-1)

    made = SequenceModule(Linear())
    assert made.training_step({"seq": SEQS, "target": torch.zeros(8, 1)}, 0).ndim == 0
    assert made.predict(SEQS).shape == (8, 1)
    assert made.hparams["arch"] is None


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"task": "regresion"}, "did you mean 'regression'"),
        ({"loss_fxn": "mmse"}, "no loss is called"),
        ({"metric": "perason"}, "did you mean 'pearson'"),
        ({"optimizer": "adamm"}, "did you mean 'adam"),
        ({"optimizer_kwargs": {"betas": {1, 2}}}, r"optimizer_kwargs\.betas is a set"),
    ],
)
def test_wrong_arguments(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        SequenceModule(ARCH, **kwargs)


def test_the_network_is_needed() -> None:
    with pytest.raises(EugeneError, match="needs the network as arch="):
        SequenceModule()


def test_summary_counts_parameters() -> None:
    made = module()
    total = sum(p.numel() for p in made.arch.parameters())
    assert f"{total:,}" in made.summary().splitlines()[-1]


@pytest.mark.parametrize(
    ("monitor", "kwargs", "mode"),
    [
        ("val_loss", {}, "min"),
        ("val_r2", {}, "max"),
        ("val_pearson", {"mode": "min"}, "min"),
    ],
)
def test_the_plateau_of_a_metric_is_one_that_rises_no_more(
    monitor: str, kwargs: dict[str, Any], mode: str
) -> None:
    module = SequenceModule(
        {"name": "deepbind", "input_len": 50, "output_dim": 1},
        scheduler="reduce_lr_on_plateau",
        scheduler_monitor=monitor,
        scheduler_kwargs=kwargs,
    )
    found = module.configure_optimizers()["lr_scheduler"]
    assert found["scheduler"].mode == mode
    assert found["monitor"] == monitor


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("where", ["end", "inside"])
def test_networks_that_drop_the_axis_of_a_single_row(n_outputs, where):
    class Squeezing(torch.nn.Module):
        def __init__(self, squeezes: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.last = torch.nn.Conv1d(4, 5, 3), torch.nn.Linear(5, n_outputs)
            self.input_len, self.output_dim, self.squeezes = 20, n_outputs, squeezes

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.conv(x).amax(dim=-1, keepdim=True)
            inside = self.squeezes and where == "inside"
            y = self.last(h.squeeze() if inside else h.flatten(1))
            return y.squeeze() if self.squeezes and where == "end" else y

    letters = np.random.default_rng(0).choice(list("ACGT"), (5, 20)).astype("S1")
    plain, squeezing = (SequenceModule(Squeezing(s), task="regression") for s in (False, True))
    expected = plain.predict(letters)
    for batch_size in (1, 4, 5):
        torch.testing.assert_close(squeezing.predict(letters, batch_size=batch_size), expected)
    torch.testing.assert_close(squeezing.predict(letters[:1]), expected[:1])


@pytest.mark.parametrize("built", [True, False])
def test_a_network_of_a_registered_name_is_loaded_without_being_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: bool
) -> None:
    for own in ("_entries", "_objects", "_origins"):
        monkeypatch.setattr(MODELS, own, dict(getattr(MODELS, own)))

    class Short(nn.Module):
        """Takes no ``input_channels``."""

        def __init__(self, input_len: int, output_dim: int, *, width: int = 3) -> None:
            super().__init__()
            self.conv = nn.Conv1d(4, output_dim, width)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return self.conv(X).mean(-1)

    MODELS.register("own_short", Short)
    asked = {"name": "own_short", "input_len": LENGTH, "output_dim": 2, "width": 5}
    made = SequenceModule(build(**asked) if built else asked, seed=1).eval()
    again = load_checkpoint(saved(made, tmp_path / "own.ckpt"))
    assert type(again.arch) is Short
    assert torch.equal(again.predict(SEQS), made.eval().predict(SEQS))
    # what is no plain value is not remembered, and the network has to be given
    odd = build("own_short", input_len=LENGTH, output_dim=2, width=np.int64(5))
    assert not hasattr(odd, "config")
