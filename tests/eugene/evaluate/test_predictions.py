"""Predictions for rows of a dataset."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

import eugene as eu
from eugene.data import SequenceDataModule
from eugene.errors import EugeneError
from eugene.evaluate import predict_batches, predictions
from eugene.models import SequenceModule

RNG = np.random.default_rng(0)
LETTERS = RNG.choice(np.frombuffer(b"ACGT", "S1"), (30, 25))
ARCH = {"name": "deepbind", "input_len": 25, "output_dim": 2}


def dataset() -> xr.Dataset:
    ds = xr.Dataset({"seq": (("_sequence", "_length"), LETTERS)})
    ds["a"] = ("_sequence", RNG.random(30).astype("f4"))
    ds["b"] = ("_sequence", RNG.random(30).astype("f4"))
    ds["split"] = ("_sequence", np.repeat([0, 1, 2], 10).astype("i1"))
    return ds


def module() -> SequenceModule:
    return SequenceModule(ARCH, seed=0).train()


def test_datamodule_and_dataset_agree() -> None:
    made, ds = module(), dataset()
    source = SequenceDataModule(ds, target_vars=["a", "b"], batch_size=7)
    first = predictions(made, source, "test")
    second = predictions(made, ds, "test", target_vars=["a", "b"], batch_size=4)
    assert list(first.columns) == ["a_target", "b_target", "a_prediction", "b_prediction"]
    assert first.index.tolist() == list(range(20, 30))
    np.testing.assert_allclose(first, second, rtol=1e-5)
    np.testing.assert_allclose(first["a_target"], ds["a"][20:])
    np.testing.assert_allclose(
        first[["a_prediction", "b_prediction"]], made.predict(LETTERS[20:]), rtol=1e-5
    )
    assert made.training


def test_targets_are_not_needed() -> None:
    table = predictions(module(), dataset().drop_vars(["a", "b"]))
    assert list(table.columns) == ["0_prediction", "1_prediction"]
    assert len(table) == 30
    named = SequenceModule(ARCH, target_names=["x", "y"])
    assert list(predictions(named, dataset()).columns) == ["x_prediction", "y_prediction"]


def test_one_hot_variables() -> None:
    made, ds = module(), dataset()
    one_hot = np.stack([base == LETTERS for base in (b"A", b"C", b"G", b"T")], axis=1)
    ds["ohe"] = (("_sequence", "_ohe", "_length"), one_hot.astype("u1"))
    first, second = predictions(made, ds), predictions(made, ds, seq_var="ohe")
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_errors() -> None:
    with pytest.raises(EugeneError, match="no variable 'sek'; did you mean 'seq'"):
        predictions(module(), dataset(), seq_var="sek")
    with pytest.raises(EugeneError, match="gave no batch"):
        predict_batches(module(), [])
    with pytest.raises(AttributeError, match="no attribute 'score'"):
        eu.evaluate.score  # noqa: B018
    assert {"baselines", "predictions"} <= set(dir(eu.evaluate))
    assert torch.is_grad_enabled()
