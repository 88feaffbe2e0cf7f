"""Training: files, stopping, errors, silence."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import xarray as xr
from safetensors import safe_open

import eugene as eu
from eugene.data import SequenceDataModule
from eugene.errors import EugeneError, MissingFileError, NotARunError, RunExistsError
from eugene.models import SequenceModule
from eugene.train import (
    fit,
    fit_sequence_module,
    load_checkpoint,
    load_weights,
    read_checkpoint,
)

LENGTH = 30
ARCH = {
    "name": "cnn",
    "input_len": LENGTH,
    "output_dim": 1,
    "conv_kwargs": {"conv_channels": [8], "conv_kernels": [5], "pool_kernels": 26},
    "dense_kwargs": {"hidden_dims": []},
}


def dataset(n: int = 120) -> xr.Dataset:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (n, LENGTH))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1).astype("f4"))
    ds["label"] = ("_sequence", (ds["y"].to_numpy() > 0.25).astype("i1"))
    ds["split"] = ("_sequence", np.repeat([0, 1, 2], [n // 2, n // 4, n // 4]).astype("i1"))
    return ds


def data(target: str = "y", **kwargs: Any) -> SequenceDataModule:
    return SequenceDataModule(dataset(), target_vars=target, batch_size=20, **kwargs)


def module(**kwargs: Any) -> SequenceModule:
    return SequenceModule(ARCH, seed=1, optimizer_lr=0.02, **kwargs)


def train(folder: Path | None = None, **kwargs: Any) -> eu.train.FitResult:
    options: dict[str, Any] = {"max_epochs": 3, "accelerator": "cpu", "tensorboard": False}
    made = kwargs.pop("module", None) or module()
    source = kwargs.pop("data", None) or data()
    return fit(made, source, run_dir=folder, **{**options, **kwargs})


def test_the_run_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = module()
    result = train(tmp_path, module=made, tensorboard=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        f"epoch {i} of 3" for i in (1, 2, 3)
    ]  # and nothing of Lightning's
    with result.metrics_path.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("epoch", "train_loss", "val_loss", "val_pearson", "val_r2", "lr", "seconds")
    ]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    losses = [float(row["val_loss"]) for row in rows]
    assert result.best_epoch == int(np.argmin(losses))
    assert result.best_score == pytest.approx(min(losses), rel=1e-5)
    assert result.epochs == 3
    assert not result.stopped_early
    assert {p.name for p in (tmp_path / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert list((tmp_path / "tensorboard").glob("events*"))
    # the module has its best weights, and the files say the same
    sequences = dataset()["seq"].to_numpy()
    expected = made.predict(sequences)
    torch.testing.assert_close(load_checkpoint(result.best_path).predict(sequences), expected)
    torch.testing.assert_close(
        SequenceModule(load_weights(result.weights_path)).predict(sequences), expected
    )
    with safe_open(result.weights_path, framework="pt") as handle:
        assert json.loads(handle.metadata()["arch"])["name"] == "cnn"


def test_logged_values_are_those_of_all_validation_rows(tmp_path: Path) -> None:
    made = module(metric=["pearson", "r2", "mse"])
    result = train(tmp_path, module=made, max_epochs=1)
    table = eu.evaluate.predictions(made, data(), "val")
    scores = eu.evaluate.evaluate(table["y_target"], table["y_prediction"], n_bootstrap=0)
    row = result.history[0]
    assert row["val_loss"] == pytest.approx(scores["mse"]["value"], rel=1e-4)
    for name in ("pearson", "r2", "mse"):
        assert row[f"val_{name}"] == pytest.approx(scores[name]["value"], rel=1e-4)


def test_patience(tmp_path: Path) -> None:
    frozen = SequenceModule(ARCH, seed=1, optimizer_lr=0.0)
    result = train(tmp_path, module=frozen, max_epochs=20, patience=2)
    assert result.stopped_early
    assert (result.epochs, result.best_epoch) == (3, 0)
    # a run that has stopped stays stopped
    again = train(tmp_path, module=frozen, max_epochs=20, patience=2, resume=True)
    assert again.epochs == 3


@pytest.mark.parametrize("restore", [True, False])
def test_best_or_last_weights(tmp_path: Path, restore: bool) -> None:
    made = module()
    result = train(tmp_path, module=made, restore_best=restore, monitor="val_loss_epoch")
    path = result.best_path if restore else result.last_path
    for key, value in read_checkpoint(path)["state_dict"].items():
        assert torch.equal(value, made.state_dict()[key])


def test_more_epochs_later_are_the_same_epochs(tmp_path: Path) -> None:
    train(tmp_path / "a", max_epochs=2, patience=None)
    longer = train(tmp_path / "a", max_epochs=4, patience=None, resume=True)
    whole = train(tmp_path / "b", max_epochs=4, patience=None)
    for one, two in zip(longer.history, whole.history, strict=True):
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_without_a_folder_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = train()
    assert result.best_path is None
    assert len(result.history) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_global_random_state_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    train(max_epochs=1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_classification_watches_its_metrics() -> None:
    made = module(task="binary_classification")
    result = train(module=made, data=data("label"), monitor="val_auroc", max_epochs=2)
    assert {"val_auroc", "val_auprc", "val_accuracy"} <= set(result.history[0])
    assert result.best_score == pytest.approx(max(row["val_auroc"] for row in result.history))


def test_several_targets_are_logged_each_and_on_average() -> None:
    made = SequenceModule({**ARCH, "output_dim": 2}, target_names=["y", "label"], seed=1)
    source = SequenceDataModule(dataset(), target_vars=["y", "label"], batch_size=20)
    row = train(module=made, data=source, max_epochs=1).history[0]
    mean = (row["val_pearson_y"] + row["val_pearson_label"]) / 2
    assert row["val_pearson"] == pytest.approx(mean, rel=1e-5)


def test_the_error_of_one_target_is_better_when_lower() -> None:
    data = SequenceDataModule(dataset(), target_vars=["y", "label"], split="random", batch_size=32)
    module = SequenceModule(
        {**ARCH, "output_dim": 2}, metric="mse", target_names=["y", "label"], optimizer_lr=0.05
    )
    found = fit(module, data, monitor="val_mse_y", max_epochs=3, patience=None)
    column = [row["val_mse_y"] for row in found.history]
    assert found.best_score == min(column) != max(column)


def test_a_resume_with_more_patience_has_not_stopped_early(tmp_path: Path) -> None:
    def again(patience: int, **options: Any) -> Any:
        data = SequenceDataModule(dataset(), target_vars="y", split="random", batch_size=32)
        module = SequenceModule({**ARCH, "seed": 0}, optimizer_lr=0.0)
        return fit(
            module, data, run_dir=tmp_path, max_epochs=5, patience=patience, seed=0, **options
        )

    first = again(1)
    assert (first.epochs, first.stopped_early) == (2, True)
    assert again(1, resume=True).stopped_early
    second = again(9, resume=True)
    assert (second.epochs, second.stopped_early) == (5, False)


def test_without_validation_rows_the_training_loss_is_watched() -> None:
    ds = dataset()
    ds["split"] = ("_sequence", np.zeros(120, "i1"))
    source = SequenceDataModule(ds, target_vars="y", batch_size=20)
    with pytest.warns(UserWarning, match="no validation rows"):
        result = train(data=source)
    assert result.monitor == "train_loss"
    plateau = SequenceModule(ARCH, scheduler="reduce_lr_on_plateau")
    with pytest.warns(UserWarning, match="no validation rows"):
        assert train(module=plateau, data=source, max_epochs=2).epochs == 2


def test_other_lightning_modules_can_be_trained(tmp_path: Path) -> None:
    class Plain(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
            loss = self.layer(batch["target"]).square().mean()
            self.log("train_loss", loss, on_epoch=True, on_step=False, batch_size=20)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    class Data:
        def train_dataloader(self) -> SequenceDataModule:
            return data().train_dataloader()

    with pytest.warns(UserWarning, match="no validation rows"):
        result = fit(Plain(), Data(), run_dir=tmp_path, max_epochs=2, accelerator="cpu")
    assert load_weights(result.weights_path, arch=Plain()) is not None


def test_eugene_s_names() -> None:
    made = module()
    result = fit_sequence_module(
        made,
        dataset(),
        seq_var="seq",
        target_vars="y",
        epochs=2,
        early_stopping_metric="val_loss_epoch",
        batch_size=32,
        accelerator="cpu",
    )
    assert result.epochs == 2


def test_overwriting_has_to_be_asked_for(tmp_path: Path) -> None:
    train(tmp_path, max_epochs=1)
    with pytest.raises(RunExistsError, match="resume=True, train anew with overwrite=True"):
        train(tmp_path, max_epochs=1)
    assert train(tmp_path, max_epochs=2, overwrite=True).epochs == 2


@pytest.mark.parametrize("change", [{"seed": 99}, {"monitor": "val_r2"}])
def test_a_resume_must_be_the_same_run(tmp_path: Path, change: dict[str, Any]) -> None:
    train(tmp_path, max_epochs=1, seed=1)
    with pytest.raises(EugeneError, match=f"was trained with {next(iter(change))}="):
        train(tmp_path, **{"seed": 1, **change}, resume=True)


def test_a_resume_must_have_the_same_network_and_batches(tmp_path: Path) -> None:
    train(tmp_path, max_epochs=1)
    wider = SequenceModule({**ARCH, "dense_kwargs": {"hidden_dims": [3]}})
    with pytest.raises(EugeneError, match="was trained with another network"):
        train(tmp_path, module=wider, resume=True)
    content = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    other = SequenceDataModule(dataset(), target_vars="y", batch_size=30)
    with pytest.raises(EugeneError, match="with 3 batches an epoch, there are 2 now"):
        train(tmp_path, data=other, resume=True)
    del content["eugene"]
    torch.save(content, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(NotARunError, match=r"not written by eugene\.train\.fit"):
        train(tmp_path, resume=True)


def test_an_interrupted_training_is_interrupted_not_ended(tmp_path: Path) -> None:
    class Interrupt(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Interrupt()])
    assert train(tmp_path, resume=True).epochs == 3


def test_what_cannot_be_watched_is_said() -> None:
    with pytest.raises(EugeneError, match="monitor='val_auroc' was not logged; there are"):
        train(monitor="val_auroc", max_epochs=99)


def test_nan_is_said() -> None:
    made = SequenceModule(ARCH, seed=1, optimizer_lr=1e30, optimizer="sgd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(EugeneError, match="is NaN in every epoch"):
            train(module=made, max_epochs=1)


def test_resume_needs_a_folder() -> None:
    with pytest.raises(EugeneError, match="resume=True needs run_dir="):
        train(resume=True)


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "none.ckpt")
    text = tmp_path / "text.ckpt"
    text.write_text("hello")
    with pytest.raises(NotARunError, match="not a checkpoint that can be read safely"):
        read_checkpoint(text)
    torch.save({"state_dict": {}, "object": Path("x")}, tmp_path / "object.ckpt")
    with pytest.raises(NotARunError, match="not a checkpoint that can be read safely"):
        read_checkpoint(tmp_path / "object.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(NotARunError, match="holds list without 'state_dict'"):
        read_checkpoint(tmp_path / "list.ckpt")
    torch.save({"state_dict": {}, "hyper_parameters": {}}, tmp_path / "other.ckpt")
    with pytest.raises(NotARunError, match="names no task"):
        load_checkpoint(tmp_path / "other.ckpt")
    torch.save({"state_dict": {}, "hyper_parameters": {"task": "poisson"}}, tmp_path / "bare.ckpt")
    with pytest.raises(NotARunError, match="give it as arch="):
        load_checkpoint(tmp_path / "bare.ckpt")
    hparams = {"task": "poisson", "arch": ARCH}
    torch.save({"state_dict": {}, "hyper_parameters": hparams}, tmp_path / "misfit.ckpt")
    with pytest.raises(NotARunError, match="do not fit the network"):
        load_checkpoint(tmp_path / "misfit.ckpt")
    with pytest.raises(MissingFileError, match="no weights at"):
        load_weights(tmp_path / "none.safetensors")
    with pytest.raises(NotARunError, match="is not a safetensors file"):
        load_weights(text)


def test_lazy_names() -> None:
    assert "fit" in dir(eu.train)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        eu.train.fitt  # noqa: B018


def test_what_lightning_refuses_is_told_as_a_mistake_of_the_call() -> None:
    wrong = SequenceModule(ARCH, scheduler="reduce_lr_on_plateau", scheduler_monitor="val_los")
    with pytest.raises(EugeneError, match=r"training cannot be set up: .*val_los"):
        train(module=wrong)
    with pytest.raises(EugeneError, match=r"training cannot be set up: .*bf17"):
        train(precision="bf17")
