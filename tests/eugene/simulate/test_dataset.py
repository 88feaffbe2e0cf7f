from __future__ import annotations

import numpy as np
import pytest

from eugene.errors import EugeneError
from eugene.simulate import KINDS, find_motif, simulated


@pytest.fixture(scope="module")
def ds():
    return simulated(2000, seed=5)


@pytest.fixture(scope="module")
def ds_random():
    return simulated(2000, seed=5, strands="random")


def test_shapes_and_types(ds):
    assert ds["seq"].dtype == "S1"
    assert ds["seq"].shape == ds["annotation"].shape == (2000, 200)
    assert ds["seq"].dims == ("_sequence", "_length")
    assert ds["annotation"].dtype == np.uint8
    assert ds["annotation"].attrs["motif_names"] == ["CEBPB", "GABPA"]
    assert ds["annotation"].attrs["motifs"] == ["MA0466.3", "MA0062.3"]
    assert set(np.unique(ds["seq"].values).tolist()) == {b"A", b"C", b"G", b"T"}


@pytest.mark.parametrize("n", [1, 7, 8, 100, 1999])
def test_any_beginning_is_the_same(ds, n):
    part = simulated(n, seed=5)
    assert part.identical(ds.isel(_sequence=slice(0, n)))


def test_seed_matters(ds):
    other = simulated(50, seed=6)
    assert (other["seq"].values != ds["seq"].values[:50]).mean() > 0.6


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("n", [1, 40, 99])
def test_class_balance(fraction, n):
    data = simulated(n, length=160, positive_fraction=fraction, seed=0)
    assert int(data["label"].sum()) == int(np.floor(n * fraction + 1e-9))
    negatives = np.bincount(data["kind"].values, minlength=5)[:4]
    assert negatives.max() - negatives.min() <= 1
    assert ((data["kind"] == KINDS["near"]) == data["label"].astype(bool)).all()


@pytest.mark.parametrize("strands", ["forward", "random"])
def test_gaps_and_presence(ds, ds_random, strands):
    data = ds if strands == "forward" else ds_random
    kind = data["kind"].values
    start = data["motif_start"].values
    width = np.array([find_motif(m).width for m in ("MA0466.3", "MA0062.3")])
    present = np.stack([np.isin(kind, [1, 3, 4]), np.isin(kind, [2, 3, 4])], axis=1)
    assert ((start >= 0) == present).all()
    assert (start + width <= 200).all()
    left = start.argmin(1)
    rows = np.arange(len(kind))
    between = start[rows, 1 - left] - start[rows, left] - width[left]
    both = kind >= KINDS["far"]
    assert (between[both] == data["gap"].values[both]).all()
    assert (data["gap"].values[~both] == -1).all()
    near, far = between[kind == KINDS["near"]], between[kind == KINDS["far"]]
    assert (near.min(), near.max()) == (0, 20)
    assert (far.min(), far.max()) == (50, 100)
    assert 0.4 < left[both].mean() < 0.6
    strand = data["motif_strand"].values
    assert ((strand != 0) == present).all()
    forward = (strand[present] == 1).mean()
    assert forward == 1.0 if strands == "forward" else 0.45 < forward < 0.55


def test_annotation_covers_the_motifs(ds_random):
    start = ds_random["motif_start"].values
    expected = np.zeros((2000, 200), np.uint8)
    for i, name in enumerate(("CEBPB", "GABPA")):
        for row in np.flatnonzero(start[:, i] >= 0):
            expected[row, start[row, i] : start[row, i] + find_motif(name).width] = i + 1
    np.testing.assert_array_equal(ds_random["annotation"].values, expected)


@pytest.mark.parametrize("strands", ["forward", "random"])
def test_planted_letters_follow_the_matrix(ds, ds_random, strands):
    data = ds if strands == "forward" else ds_random
    letters = data["seq"].values
    for i, name in enumerate(("CEBPB", "GABPA")):
        motif = find_motif(name)
        sites = []
        for row in np.flatnonzero(data["motif_start"].values[:, i] >= 0):
            at = int(data["motif_start"].values[row, i])
            site = letters[row, at : at + motif.width].tobytes()
            if data["motif_strand"].values[row, i] < 0:
                site = site.translate(bytes.maketrans(b"ACGT", b"TGCA"))[::-1]
            sites.append(np.frombuffer(site, "S1"))
        stack = np.stack(sites)
        share = np.stack([(stack == base).mean(0) for base in (b"A", b"C", b"G", b"T")])
        np.testing.assert_allclose(share, motif.matrix / motif.n_sites, atol=0.06)
        impossible = motif.matrix == 0
        assert (share[impossible] == 0).all()


def test_background_around_the_motifs(ds):
    plain = simulated(2000, seed=5, positive_fraction=0.0)
    outside = (ds["annotation"].values == 0) & (plain["annotation"].values == 0)
    assert (ds["seq"].values[outside] == plain["seq"].values[outside]).all()


def test_store_and_back(ds, tmp_path):
    stored = simulated(60, seed=5, out=tmp_path / "toy.zarr")
    assert (stored["seq"].values == ds["seq"].values[:60]).all()
    assert (stored["annotation"].values == ds["annotation"].values[:60]).all()
    assert stored["annotation"].attrs["motif_names"] == ["CEBPB", "GABPA"]
    assert (stored["kind"].values == ds["kind"].values[:60]).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"n": 0}, "n and length"),
        ({"length": 100}, "126 bp, but sequences are 100"),
        ({"positive_fraction": 1.5}, "positive_fraction"),
        ({"strands": "both"}, "strands"),
        ({"motifs": ["CEBPB"]}, "two accessions"),
        ({"motifs": "CEBPB"}, "two accessions"),
        ({"motifs": ["CEBPB", "MA0466.3"]}, "different"),
        ({"motifs": ["CEBPB", "GABPB"]}, "did you mean 'GABPA'"),
        ({"near": [5, 2]}, "near"),
        ({"far": [-1, 2]}, "far"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(EugeneError, match=message):
        simulated(**kwargs)
