"""What a training had is there again when it is taken up, or it is refused before a step."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import xarray as xr
from pytorch_lightning.callbacks import EarlyStopping, StochasticWeightAveraging

from eugene.data import SequenceDataModule
from eugene.errors import EugeneError, EugeneWarning, ResumeError
from eugene.models import SequenceModule
from eugene.train import FitResult, fit, read_checkpoint

LENGTH, ROWS = 24, 48
SPLIT = np.repeat([0, 1], [32, 16]).astype(np.int8)


def rows(shift: float = 0.0) -> xr.Dataset:
    rng = np.random.default_rng(4)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (ROWS, LENGTH))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    return ds.assign(y=("_sequence", (letters == b"C").mean(1) + shift))


def network(**options: Any) -> SequenceModule:
    blocks = {"batchnorm": options.pop("batchnorm", False), "dropout_rates": 0.4}
    conv = {"conv_channels": [4], "conv_kernels": [5], "pool_kernels": 20, **blocks}
    arch = {"name": "cnn", "input_len": LENGTH, "output_dim": 1, "conv_kwargs": conv}
    arch["dense_kwargs"] = {"hidden_dims": [3], **blocks}
    kind = options.pop("kind", SequenceModule)
    return kind(arch, seed=2, optimizer_lr=0.03, **options)


def train(folder: Path | None, epochs: int, module: Any = None, **options: Any) -> FitResult:
    data = options.pop("data", None) or SequenceDataModule(
        rows(), target_vars="y", split=SPLIT, batch_size=8, seed=5, **options.pop("batches", {})
    )
    given = {"accelerator": "cpu", "tensorboard": False, "patience": None, **options}
    return fit(module or network(), data, run_dir=folder, max_epochs=epochs, seed=6, **given)


class Count(pl.Callback):
    """Count what happens, and keep the counts in the checkpoint."""

    def __init__(self) -> None:
        self.n = {"epochs": 0, "batches": 0, "validations": 0}

    def on_train_epoch_start(self, *_: Any) -> None:
        self.n["epochs"] += 1

    def on_train_batch_end(self, *_: Any) -> None:
        self.n["batches"] += 1

    def on_validation_end(self, *_: Any) -> None:
        self.n["validations"] += 1

    def state_dict(self) -> dict[str, Any]:
        return dict(self.n)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.n = dict(state_dict)


class Remembers(SequenceModule):
    """A module that keeps something of its own in the checkpoint."""

    seen = 0

    def on_train_epoch_start(self) -> None:
        self.seen += 1

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seen"] = self.seen

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seen = checkpoint["seen"]


class Fed(SequenceDataModule):
    """A data module with state, which changes batches on their way."""

    moved = 0

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self.moved += 1
        return {**batch, "target": batch["target"] * 2}

    def state_dict(self) -> dict[str, Any]:
        return {"moved": self.moved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.moved = state_dict["moved"]


class Die(pl.Callback):
    """Stop in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.current_epoch == self.epoch:
            raise OSError("killed")


def cut(folder: Path, after: int, epochs: int, module: Any, **options: Any) -> None:
    options["callbacks"] = [*options.get("callbacks", ()), Die(after)]
    with pytest.raises(OSError, match="killed"):
        train(folder, epochs, module, **options)


@pytest.mark.parametrize("stopped", ["killed", "finished"])
def test_states_of_callbacks_module_and_data_come_back(tmp_path: Path, stopped: str) -> None:
    def parts() -> tuple[Any, Any, Any]:
        data = Fed(rows(), target_vars="y", split=SPLIT, batch_size=8, seed=5)
        return network(kind=Remembers), data, [Count(), EarlyStopping("val_loss", patience=9)]

    whole, fed, (counted, watch) = parts()
    train(tmp_path / "whole", 3, whole, data=fed, callbacks=[counted, watch])
    module, data, callbacks = parts()
    if stopped == "killed":
        cut(tmp_path / "cut", 1, 3, module, data=data, callbacks=callbacks)
    else:
        train(tmp_path / "cut", 1, module, data=data, callbacks=callbacks)
    again, data, (count, early) = parts()
    train(tmp_path / "cut", 3, again, data=data, callbacks=[count, early], resume=True)
    assert counted.n == {"epochs": 3, "batches": 12, "validations": 3}
    assert count.n == counted.n
    assert again.seen == whole.seen == 3
    assert data.moved == fed.moved == 3 * (4 + 2)
    assert early.state_dict() == watch.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    with (tmp_path / "cut" / "metrics.csv").open() as table:
        assert [line.split(",")[0] for line in table] == ["epoch", "0", "1", "2"]


@pytest.mark.parametrize("scheduler", [None, "reduce_lr_on_plateau"])
@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("after", [1, 3])
def test_averaged_weights_are_those_of_one_training(
    tmp_path: Path, scheduler: str | None, batchnorm: bool, after: int
) -> None:
    def options() -> dict[str, Any]:
        swa = StochasticWeightAveraging(swa_lrs=0.01, swa_epoch_start=2)
        return {"callbacks": [swa], "restore_best": False}

    whole, again = (network(scheduler=scheduler, batchnorm=batchnorm) for _ in range(2))
    train(tmp_path / "whole", 4, whole, **options())
    half = network(scheduler=scheduler, batchnorm=batchnorm)
    cut(tmp_path / "cut", after, 4, half, **options())
    train(tmp_path / "cut", 4, again, resume=True, **options())
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_averaging_has_one_end_and_says_what_becomes_of_it(tmp_path: Path) -> None:
    swa = StochasticWeightAveraging(swa_lrs=0.01, swa_epoch_start=1)
    with pytest.warns(EugeneWarning, match="averaged give way to those of the best epoch"):
        train(tmp_path, 2, callbacks=[swa])
    before = (tmp_path / "checkpoints" / "last.ckpt").read_bytes()
    swa = StochasticWeightAveraging(swa_lrs=0.01, swa_epoch_start=1)
    with pytest.raises(ResumeError, match=r"given 8 steps.* cannot be taken up for 16"):
        train(tmp_path, 4, callbacks=[swa], resume=True)
    assert (tmp_path / "checkpoints" / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize(
    ("scheduler", "outcome"),
    [
        ("one_cycle", r"one_cycle schedule, which was made for 5 steps .* taken up for 13"),
        ("cosine", r"LambdaLR\) was made for 4 steps, and 12 are asked for now"),
        ("exponential", r"LambdaLR\) was made for 4 steps, and 12 are asked for now"),
        ("reduce_lr_on_plateau", None),
        (None, None),
    ],
)
def test_more_epochs_under_each_schedule(
    tmp_path: Path, scheduler: str | None, outcome: str | None
) -> None:
    train(tmp_path, 1, network(scheduler=scheduler))
    module = network(scheduler=scheduler)
    start = {name: value.clone() for name, value in module.state_dict().items()}
    if scheduler == "one_cycle":
        with pytest.raises(ResumeError, match=outcome):
            train(tmp_path, 3, module, resume=True)
        # nothing was written, and the training ends as it was meant to
        assert train(tmp_path, 1, module, resume=True).epochs == 1
    elif outcome:
        with pytest.warns(EugeneWarning, match=outcome):
            assert train(tmp_path, 3, module, resume=True).epochs == 3
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert train(tmp_path, 3, module, resume=True).epochs == 3
    assert any(not torch.equal(start[name], v) for name, v in module.state_dict().items())


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"module": {"optimizer": "sgd"}}, r"optimizer='adam' \(now 'sgd'\)"),
        ({"module": {"optimizer_kwargs": {"weight_decay": 0.5}}}, "optimizer_kwargs=None"),
        ({"module": {"scheduler": "cosine"}}, r"scheduler=None \(now 'cosine'\)"),
        ({"module": {"loss_fxn": "mae"}}, "loss_fxn=None"),
        ({"module": {"metric": ["mse"]}}, "metric="),
        ({"batches": {"targets": ["zscore"]}}, "transforms="),
        ({"monitor": "train_loss"}, r"monitor='val_loss' \(now 'train_loss'\)"),
    ],
)
def test_other_settings_are_refused_by_name(
    tmp_path: Path, changed: dict[str, Any], match: str
) -> None:
    train(tmp_path, 1)
    before = {p.name: p.read_bytes() for p in (tmp_path / "checkpoints").iterdir()}
    module = network(**changed.pop("module", {}))
    with pytest.raises(ResumeError, match=match):
        train(tmp_path, 2, module, resume=True, **changed)
    assert {p.name: p.read_bytes() for p in (tmp_path / "checkpoints").iterdir()} == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("gradient_clip_val", 0.5), ("accumulate_grad_batches", 2), ("min_delta", 0.1)],
)
def test_settings_of_the_trainer_that_change_are_said(
    tmp_path: Path, name: str, value: float
) -> None:
    train(tmp_path, 1)
    said = rf"{name} was .* for the 1 epochs trained and is {value}"
    with pytest.warns(EugeneWarning, match=said):
        train(tmp_path, 2, resume=True, **{name: value})


def test_a_training_is_not_taken_back(tmp_path: Path) -> None:
    train(tmp_path, 2)
    with pytest.raises(ResumeError, match="has 2 epochs, max_epochs=1 asks for fewer"):
        train(tmp_path, 1, resume=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"epochs": 0}, "max_epochs=0 asks for none"),
        ({"batches": {"drop_last": True, "batch_size": 40}}, "there is no training batch"),
        ({"trainer_kwargs": {"max_time": {"seconds": 0}}}, "max_time was used up first"),
        ({"trainer_kwargs": {"limit_train_batches": 0}}, "there is no training batch"),
        ({"trainer_kwargs": {"max_steps": 0}}, "max_steps=0 asks for none"),
    ],
)
def test_no_epoch_was_finished(options: dict[str, Any], match: str) -> None:
    batches = {"batch_size": 8, **options.pop("batches", {})}
    data = SequenceDataModule(rows(), target_vars="y", split=SPLIT, **batches)
    with pytest.raises(EugeneError, match=f"no epoch was finished.*{match}"):
        train(None, options.pop("epochs", 2), data=data, **options)


@pytest.mark.parametrize(("patience", "epochs"), [(0, 2), (1, 2), (2, 3), (None, 4)])
def test_patience_counts_epochs_that_are_no_better(patience: int | None, epochs: int) -> None:
    frozen = network()
    for parameter in frozen.parameters():
        parameter.requires_grad = parameter is next(frozen.parameters())
    frozen.hparams["optimizer_lr"] = 0.0
    assert train(None, 4, frozen, patience=patience).epochs == epochs


class Letters(torch.utils.data.Dataset):
    """The rows, for torch's own loader."""

    def __init__(self) -> None:
        ds = rows()
        self.seq = torch.from_numpy(ds["seq"].to_numpy().view(np.uint8).copy())
        self.y = torch.from_numpy(ds["y"].to_numpy()).float()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        return {"seq": self.seq[i], "target": self.y[i : i + 1]}


class Torch(pl.LightningDataModule):
    """Torch's own loaders, which draw the order and the seeds of workers."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers

    def train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(
            Letters(), batch_size=8, shuffle=True, num_workers=self.workers
        )

    def val_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(Letters(), batch_size=16, num_workers=self.workers)


@pytest.mark.parametrize("kind", ["ours", "torch"])
def test_workers_and_a_resume_change_neither_order_nor_dropout(tmp_path: Path, kind: str) -> None:
    def data(workers: int) -> Any:
        if kind == "torch":
            return Torch(workers)
        options = {"split": SPLIT, "batch_size": 8, "num_workers": workers}
        return SequenceDataModule(rows(), target_vars="y", **options)

    alone, several, again = (network() for _ in range(3))
    train(tmp_path / "a", 2, alone, data=data(0))
    train(tmp_path / "b", 2, several, data=data(1), trainer_kwargs={"val_check_interval": 2})
    train(tmp_path / "c", 1, network(), data=data(0))
    train(tmp_path / "c", 2, again, data=data(1), resume=True)
    last = [
        read_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt")["state_dict"]
        for name in "abc"
    ]
    for name, value in last[0].items():
        assert torch.equal(value, last[1][name]), name
        assert torch.equal(value, last[2][name]), name


@pytest.mark.parametrize("refusal", ["schedule", "averaging", "optimiser", "network", "batches"])
def test_what_is_refused_leaves_every_file_as_it_was(tmp_path: Path, refusal: str) -> None:
    def parts(now: bool) -> dict[str, Any]:
        options: dict[str, Any] = {"tensorboard": True, "restore_best": refusal != "averaging"}
        if refusal == "schedule":
            options["module"] = network(scheduler="one_cycle")
        elif refusal == "averaging":
            options["callbacks"] = [StochasticWeightAveraging(0.01, swa_epoch_start=1)]
        elif refusal == "optimiser":
            options["module"] = network(optimizer="sgd" if now else "adam")
        elif refusal == "network":
            options["module"] = network(batchnorm=now)
        else:
            options["data"] = SequenceDataModule(
                rows(), target_vars="y", split=SPLIT, batch_size=4 if now else 8, seed=5
            )
        return options

    def files() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    train(tmp_path, 2, **parts(now=False))
    before = files()
    assert any("tfevents" in name for name in before)
    with pytest.raises(ResumeError):
        train(tmp_path, 4, resume=True, **parts(now=True))
    assert files() == before
