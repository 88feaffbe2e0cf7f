"""Ground-truth measures against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqexplainer as se
from seqexplainer.errors import InputError


@given(st.integers(0, 10**6), st.integers(3, 40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_areas_equal_scikit_learn(seed, length, tied):
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (3, length)) / 4 if tied else rng.normal(size=(3, length))
    truth = rng.random((3, length)) < 0.3
    truth[:, 0], truth[:, 1] = True, False
    found = se.metrics.agreement(scores, truth)
    for i in range(3):
        size = np.abs(scores[i])
        assert found.auprc[i] == pytest.approx(average_precision_score(truth[i], size))
        assert found.auroc[i] == pytest.approx(roc_auc_score(truth[i], size))
    assert np.array_equal(se.metrics.position_auprc(scores, truth), found.auprc)


def test_letters_are_summed_before_the_absolute_value():
    attributions = torch.zeros(1, 4, 3)
    attributions[0, 1] = torch.tensor([-3.0, 1.0, 0.5])
    truth = np.array([[1, 0, 0]])
    assert se.metrics.position_auprc(attributions, truth).tolist() == [1.0]


def test_no_annotation_is_nan():
    found = se.metrics.agreement(np.ones((2, 4)), np.array([[0, 0, 0, 0], [1, 1, 1, 1]]))
    assert np.isnan(found.auprc[0])
    assert np.isnan(found.precision[0])
    assert found.auprc[1] == found.precision[1] == 1
    assert np.isnan(found.auroc[1])


def test_top_positions():
    scores = np.array([[5.0, 4, 3, 2, 1]])
    found = se.metrics.agreement(scores, np.array([[1, 0, 1, 0, 0]]), n_top=3)
    assert found.precision[0] == pytest.approx(2 / 3)
    assert found.recall[0] == 1
    assert found.f1[0] == pytest.approx(0.8)
    assert found.jaccard[0] == pytest.approx(2 / 3)


def test_gradient_correction():
    gradients = torch.rand(2, 4, 5)
    found = se.metrics.gradient_correction(gradients)
    assert found.mean(dim=1).abs().max() < 1e-6
    assert torch.allclose(found - found[:, :1], gradients - gradients[:, :1], atol=1e-6)


@pytest.mark.parametrize(
    ("attributions", "annotation", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "annotation must have shape"),
        (np.zeros(3), np.zeros(3), "attributions must have shape"),
        (np.full((1, 3), np.nan), np.ones((1, 3)), "NaN or infinite"),
    ],
)
def test_wrong_forms(attributions, annotation, message):
    with pytest.raises(InputError, match=message):
        se.metrics.position_auprc(attributions, annotation)


def test_wrong_n_top():
    with pytest.raises(InputError, match="between 1 and 3"):
        se.metrics.agreement(np.zeros((1, 3)), np.ones((1, 3)), n_top=4)
