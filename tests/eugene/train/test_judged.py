"""What is judged before the first step: splits, targets, weights, outputs, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
import xarray as xr

import eugene as eu
from eugene.errors import EugeneError, EugeneWarning

N, LENGTH = 48, 40
ROW = np.arange(N)
SPLIT = np.where(ROW < 32, 0, 1)
HALF = ROW % 2 * 1.0


def dataset(**variables: Any) -> xr.Dataset:
    letters = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", "S1"), (N, LENGTH))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    for name, values in variables.items():
        array = np.asarray(values)
        ds[name] = (("_sequence", *(f"_{name}{i}" for i in range(1, array.ndim))), array)
    return ds


def train(
    y: Any = HALF,
    task: str = "regression",
    *,
    arch: Any = None,
    outputs: int = 1,
    split: Any = SPLIT,
    module: dict[str, Any] | None = None,
    weight: Any = None,
    **options: Any,
) -> eu.train.FitResult:
    ds = dataset(y=y) if weight is None else dataset(y=y, w=weight)
    data = eu.data.SequenceDataModule(
        ds,
        target_vars="y",
        split=split,
        weight_var=None if weight is None else "w",
        **{"batch_size": 16, **options},
    )
    arch = arch or {"name": "cnn", "input_len": LENGTH, "output_dim": outputs}
    made = eu.models.SequenceModule(arch, task, **(module or {}))
    return eu.train.fit(made, data, max_epochs=1, accelerator="cpu", seed=0)


class Ends(torch.nn.Module):
    """A network whose output has any shape."""

    def __init__(self, turn: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.turn = turn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.turn(x * self.scale)


@pytest.mark.parametrize(
    ("split", "codes"),
    [
        (ROW < 32, SPLIT),
        (SPLIT.astype(float), SPLIT),
        (np.where(ROW < 32, "train", "valid"), SPLIT),
        ((ROW < 32).astype(object), SPLIT),
    ],
)
def test_splits_that_are_understood(split: Any, codes: np.ndarray) -> None:
    data = eu.data.SequenceDataModule(dataset(y=HALF), target_vars="y", split=split)
    np.testing.assert_array_equal(data.codes, codes)


@pytest.mark.parametrize("odd", [0.7, np.nan, 3, 300, -2, "half"])
def test_splits_that_are_none(odd: Any) -> None:
    names = np.where(ROW < 32, "train", "val").astype(object)
    split = names if isinstance(odd, str) else SPLIT.astype(float)
    split[5] = odd
    with pytest.raises(EugeneError, match="row 5"):
        eu.data.SequenceDataModule(dataset(y=HALF), target_vars="y", split=split)
    with pytest.raises(EugeneError, match="do not fit"):
        eu.data.SequenceDataModule(dataset(y=HALF), target_vars="y", split=SPLIT[:-1])


@pytest.mark.parametrize("where", [3, 40])
@pytest.mark.parametrize(
    ("task", "odd"),
    [
        ("binary_classification", -1),
        ("binary_classification", 2),
        ("binary_classification", 0.3),
        ("multilabel_classification", 0.5),
        ("multiclass_classification", 0.5),
        ("multiclass_classification", 3),
        ("multiclass_classification", -1),
        ("poisson", -1),
        *((task, np.inf) for task in ("regression", "poisson", "binary_classification")),
        ("regression", -np.inf),
    ],
)
def test_targets_outside_the_task(task: str, odd: float, where: int) -> None:
    y = HALF.copy()
    y[where] = odd
    with pytest.raises(EugeneError, match=f"row {where}"):
        train(y, task, outputs=3 if task.startswith("multiclass") else 1)


@pytest.mark.parametrize("task", ["binary_classification", "multiclass_classification"])
def test_one_class_is_never_wrong_and_so_refused(task: str) -> None:
    with pytest.raises(EugeneError, match="one class"):
        train(np.zeros(N), task, outputs=1 + task.startswith("multi"))


def test_no_target_to_learn_from() -> None:
    with pytest.raises(EugeneError, match="no target to learn from"):
        train(np.where(ROW < 32, np.nan, 1.0))
    with pytest.raises(EugeneError, match="no validation row has a target"):
        train(np.where(ROW < 32, ROW * 1.0, np.nan))


@pytest.mark.parametrize(
    ("y", "said"), [(HALF, "binary_classification"), (ROW % 4, "multiclass_classification")]
)
def test_classes_trained_as_regression_are_said(y: np.ndarray, said: str) -> None:
    with pytest.warns(EugeneWarning, match=said):
        train(y)


@pytest.mark.parametrize("odd", [-1.0, np.nan, np.inf])
def test_weights_that_are_none(odd: float) -> None:
    weight = np.ones(N)
    weight[7] = odd
    with pytest.raises(EugeneError, match=r"weight 'w' is .* in row 7"):
        train(ROW * 1.0, weight=weight)
    with pytest.raises(EugeneError, match="0 in every training row"):
        train(ROW * 1.0, weight=(SPLIT == 1) * 1.0)
    with pytest.raises(EugeneError, match="has shape"):
        train(ROW * 1.0, weight=np.ones((N, 3)))


@pytest.mark.parametrize(
    "turn",
    [
        lambda x: x.mean((1, 2))[:, None, None],
        lambda x: x.mean((1, 2))[:, None].expand(-1, 2),
        lambda x: x.mean(1, keepdim=True),
    ],
)
def test_outputs_that_would_be_broadcast(turn: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.raises(EugeneError, match="output"):
        train(ROW * 1.0, arch=Ends(turn))


def test_tracks_are_no_single_values() -> None:
    tracks = np.random.default_rng(0).random((N, 1, LENGTH))
    with pytest.raises(EugeneError, match="tracks, one value a position"):
        train(tracks)


def test_a_last_batch_of_one_row_is_left_out_and_said() -> None:
    arch = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(4 * LENGTH, 3), torch.nn.BatchNorm1d(3),
        torch.nn.Linear(3, 1),
    )  # fmt: skip
    with pytest.warns(EugeneWarning, match="would hold one row"):
        train(ROW * 1.0, arch=arch, batch_size=31)
    with pytest.raises(EugeneError, match="batch normalisation needs at least two rows"):
        train(ROW * 1.0, arch=arch, batch_size=1)


@pytest.mark.parametrize("size", [0, -3, 2.5, True])
def test_batches_are_counted_from_one(size: Any) -> None:
    with pytest.raises(EugeneError, match="batch_size"):
        train(ROW * 1.0, batch_size=size)


@pytest.mark.parametrize(
    "module",
    [
        {"loss_fxn": lambda p, t: (p - t) ** 4},
        {"loss_fxn": torch.nn.SmoothL1Loss(beta=0.5)},
        {"metric": torchmetrics.MeanAbsoluteError()},
        {"optimizer": torch.optim.NAdam},
        {"scheduler": torch.optim.lr_scheduler.StepLR, "scheduler_kwargs": {"step_size": 1}},
    ],
)
def test_objects_stand_where_names_do(module: dict[str, Any], tmp_path: Any) -> None:
    result = train(ROW * 1.0, module=module)
    assert np.isfinite(result.best_score or np.nan)
    if "metric" in module:
        assert result.history[0]["val_mean_absolute_error"] > 0


@pytest.mark.parametrize(
    "module",
    [
        {"loss_fxn": "huber", "loss_kwargs": {"delt": 2}},
        {"loss_fxn": "huber", "loss_kwargs": {"delta": "a"}},
        {"scheduler": "cosine", "scheduler_kwargs": {"warm": 1}},
        {"optimizer_kwargs": {"weight_decays": 1}},
        {"optimizer_lr": -1.0},
        {"loss_fxn": "cross_entropy"},
        {"loss_fxn": 3},
    ],
)
def test_arguments_that_nothing_takes(module: dict[str, Any]) -> None:
    with pytest.raises(EugeneError):
        train(ROW * 1.0, module=module)
