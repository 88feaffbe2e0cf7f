"""Predictions averaged over strands and shifts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seqpro as sp
from eugene.errors import EugeneError
from eugene.evaluate import predict_batches
from eugene.models import SequenceModule
from eugene.nn import InputShapeError

SEQS = sp.random_seqs((5, 30), sp.DNA, seed=0)
ARCH = {"name": "deepbind", "input_len": 30, "output_dim": 3}


def module(task: str, **kwargs) -> SequenceModule:
    return SequenceModule(ARCH, task=task, seed=1, **kwargs).eval()


def moved(shift: int) -> np.ndarray:
    """Return the sequences moved by hand, N where nothing is left."""
    blank = np.full((5, abs(shift)), b"N", "S1")
    if shift >= 0:
        return np.concatenate([blank, SEQS[:, : 30 - shift]], axis=1)
    return np.concatenate([SEQS[:, -shift:], blank], axis=1)


@pytest.mark.parametrize("task", ["regression", "multilabel_classification", "poisson"])
def test_predictions_are_the_mean_of_those_of_each_view(task: str) -> None:
    made = module(task)
    views = [moved(s) for s in (-2, -1, 0, 1, 2)]
    views += [sp.reverse_complement(v, sp.DNA, length_axis=-1) for v in views]
    expected = torch.stack([made.predict(v) for v in views]).mean(0)
    found = made.predict(SEQS, reverse_complement=True, shifts=2, batch_size=2)
    torch.testing.assert_close(found, expected)
    one = made.predict(SEQS, shifts=[-2])
    torch.testing.assert_close(one, made.predict(views[0]))
    assert made.predict(SEQS, raw=True, shifts=1).shape == (5, 3)


@pytest.mark.parametrize("task", ["multilabel_classification", "multiclass_classification"])
def test_scores_of_averages_are_their_log_odds(task: str) -> None:
    batch = {"seq": torch.from_numpy(SEQS.view("u1").copy())}
    found = predict_batches(module(task), [batch], scores=True, reverse_complement=True, shifts=1)
    np.testing.assert_allclose(
        found["prediction"], 1 / (1 + np.exp(-found["score"])), rtol=1e-4, atol=1e-6
    )
    plain = predict_batches(module(task), [batch], reverse_complement=True, shifts=1)
    assert set(plain) == {"prediction"}
    np.testing.assert_array_equal(plain["prediction"], found["prediction"])


def test_values_along_positions_are_turned_back() -> None:
    """The share of A and T is that of the other strand, position by position."""
    made = SequenceModule(_Tracks(), task="regression")
    straight = made.predict(SEQS)
    torch.testing.assert_close(made.predict(SEQS, reverse_complement=True), straight)
    with pytest.raises(InputShapeError, match="average those over strands only"):
        made.predict(SEQS, shifts=1)


class _Tracks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] + x[:, 3:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shifts": 1.5}, "expected a whole number"),
        ({"shifts": []}, "expected a whole number"),
        ({"shifts": True}, "expected a whole number"),
        ({"shifts": 30}, "leaves nothing of a sequence of 30 bp"),
    ],
)
def test_views_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        module("regression").predict(SEQS, **options)


def test_proteins_have_one_strand() -> None:
    made = SequenceModule(nn.Sequential(nn.Flatten(), nn.LazyLinear(1)), alphabet="AA")
    with pytest.raises(ValueError, match="no complement"):
        made.predict(np.full((2, 5), b"A", "S1"), reverse_complement=True)
