"""Tables of divergences over k and cuts, and their picture."""

from __future__ import annotations

import numpy as np
import pytest

import seqexplainer as se
import seqpro as sp
from seqexplainer.errors import InputError, SeqexplainerError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = sp.ohe(sp.random_seqs((200, 60), sp.DNA, seed=0), sp.DNA, ohe_axis=-2)
    return rng.normal(size=X.shape), X


def test_each_row_is_a_call(data, caplog):
    attr, X = data
    table = se.metrics.sensitivity(attr, X, ks=[2, 5], cuts=[0.5, 0.9], null="shuffled", n_null=3)
    assert caplog.text == ""  # the table says it
    assert table[["k", "threshold"]].to_numpy().tolist() == [[2, 0.5], [2, 0.9], [5, 0.5], [5, 0.9]]
    for row in table.itertuples():
        found = se.metrics.kmer_kld(
            attr, X, k=row.k, threshold=row.threshold, null="shuffled", n_null=3
        )
        assert (row.kld, row.z, row.n) == (found.kld, found.z, found.n_kmers)
        assert row.enough == (not found.warnings)
    assert table["enough"].tolist() == [True, True, False, False]


def test_windows_have_a_share_that_is_kept(data):
    table = se.metrics.sensitivity(data[0], measure="k_attr_mean", ks=[3], cuts=[0.1, 0.99])
    expected = [se.metrics.k_attr_mean_kld(data[0], keep=keep).kld for keep in (0.1, 0.99)]
    assert table["kld"].tolist() == expected
    assert table["enough"].tolist() == [False, True]


def test_the_map_shows_the_numbers(data):
    table = se.metrics.sensitivity(*data, ks=[2, 5], cuts=[0.5, 0.9])
    ax = se.plot.sensitivity_map(table)
    shown = np.asarray(ax.images[0].get_array())
    assert np.allclose(shown.ravel(), table["kld"])
    assert [text.get_text()[0] == "(" for text in ax.texts] == [False, False, True, True]
    assert float(ax.texts[0].get_text()) == pytest.approx(table["kld"][0], rel=0.01)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.5", "0.9"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2", "5"]


def test_wrong_arguments(data):
    with pytest.raises(InputError, match="X is missing"):
        se.metrics.sensitivity(data[0])
    with pytest.raises(InputError, match="at least one value"):
        se.metrics.sensitivity(*data, ks=[])
    with pytest.raises(InputError, match="unknown measure 'kmers'"):
        se.metrics.sensitivity(*data, measure="kmers")
    table = se.metrics.sensitivity(*data, ks=[2], cuts=[0.5])
    with pytest.raises(SeqexplainerError, match="z of a table with null"):
        se.plot.sensitivity_map(table, value="z")
    with pytest.raises(SeqexplainerError, match="expected one of `sensitivity`"):
        se.plot.sensitivity_map(table.drop(columns="threshold"))
