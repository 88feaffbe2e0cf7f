"""Folds of a cross-validation keep the rules of the split that they are made like."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from seqdata import splits
from seqdata.errors import SeqdataError

SIZES = {"chr1": 50, "chr2": 45, "chr3": 30, "chr4": 25, "chr5": 20, "chrM": 10}


def rows() -> xr.Dataset:
    rng = np.random.default_rng(4)
    chrom = rng.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (len(chrom), 60))
    letters[90:] = letters[:90]  # each is there twice
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters),
            "label": ("_sequence", (np.arange(len(chrom)) % 9 == 0).astype(np.int64)),
            "gene": ("_sequence", np.arange(len(chrom)) // 4),
        },
        coords={"chrom": ("_sequence", chrom)},
    )


def test_whole_contigs_are_dealt_into_folds_of_similar_size():
    ds = rows()
    # chrM is named nowhere, so it is in no fold
    like = {"name": "chromosome", "train": ["chr1", "chr2", "chr3"], "test": ["chr4", "chr5"]}
    found = splits.folds(ds, n_folds=3, like=like, seed=1)
    chrom = ds["chrom"].values
    assert all(len(set(found[chrom == c])) == 1 for c in SIZES)
    assert set(found[chrom == "chrM"]) == {-1}
    # largest first, each to the smallest: {50}, {45, 20}, {30, 25}
    assert sorted(np.bincount(found[found >= 0])) == [50, 55, 65]
    whole = splits.folds(ds, n_folds=3, like={"name": "chromosome"}, seed=1)
    assert sorted(np.bincount(whole)) == [55, 60, 65]


def test_folds_keep_relatives_groups_and_classes():
    ds = rows()
    homology = splits.folds(ds, like={"name": "homology", "k": 9}, seed=2)
    np.testing.assert_array_equal(homology[:90], homology[90:])
    genes = splits.folds(ds, like={"name": "group", "by": "gene", "fractions": [0.8, 0.1, 0.1]})
    assert all(len(set(genes[ds["gene"].values == g])) == 1 for g in range(45))
    even = splits.folds(ds, like={"name": "stratified", "by": "label"}, seed=5)
    assert np.bincount(even[ds["label"].values == 1]).tolist() == [4] * 5
    assert np.bincount(even).tolist() == [36] * 5
    at_random = splits.folds(ds, like={"name": "random"}, seed=5)
    np.testing.assert_array_equal(at_random, splits.folds(180, seed=5))
    assert (at_random != splits.folds(180, seed=6)).any()


def test_turns_of_folds_test_every_assigned_row_once():
    ds = rows()
    like = {"name": "chromosome", "val": ["chr1"], "train": ["chr2", "chr3", "chr4"]}
    turns = [splits.kfold(ds, n_folds=4, fold=f, like=like, seed=3) for f in range(4)]
    assigned = np.isin(ds["chrom"].values, ["chr1", "chr2", "chr3", "chr4"])
    np.testing.assert_array_equal(sum((t == 2).astype(int) for t in turns), assigned)
    np.testing.assert_array_equal(sum((t == 1).astype(int) for t in turns), assigned)
    assert all(set(t[~assigned]) == {-1} for t in turns)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"like": {"name": "column", "column": "set"}}, "nothing to deal"),
        ({"like": {"name": "chromosom"}}, "did you mean 'chromosome'"),
        ({"like": {"name": "chromosome", "test": ["chr9"]}}, "chr9"),
        ({"like": {"name": "group", "by": "gen"}}, "did you mean 'gene'"),
        ({"like": {"name": "random"}, "groups": "gene"}, "one of them"),
        ({"n_folds": 2}, "at least 3 folds"),
    ],
)
def test_what_makes_no_folds_is_refused(arguments, words):
    with pytest.raises(SeqdataError, match=f"(?i){words}"):
        splits.folds(rows(), **arguments)
