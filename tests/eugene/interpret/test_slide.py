"""Sequences that evolve, as a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import eugene as eu
import seqexplainer as se
from seqexplainer.design import SEARCHES


@pytest.mark.parametrize("method", sorted(SEARCHES))
def test_every_method_gives_the_same_table(method):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * 15, 1))
    X = se.backgrounds(kind="random", n=3, length=15).numpy()
    limits = {"max_edits": 3, "protected": [[0, 4]]}
    options = {"method": method, "rounds": 6, "constraints": limits}
    table = eu.interpret.evolve_dataset(model, X, index=[4, 7, 9], **options)
    columns = ["sequence", "round", "position", "ref", "alt", "score", "kind"]
    assert table.columns.tolist() == columns
    assert set(table["sequence"]) == {4, 7, 9}
    wide = table.pivot_table(index="sequence", columns="round", values="score", aggfunc="last")
    assert wide.shape == (3, 7)
    assert (wide[6] > wide[0]).all()
    np.testing.assert_allclose(wide[0], se.predict(model, X)[:, 0], rtol=1e-5)
    assert table.loc[table["position"] >= 0, "position"].min() >= 4
