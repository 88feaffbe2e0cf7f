from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqdata import schema, splits
from seqdata.errors import SeqdataError

LETTERS = np.frombuffer(b"ACGT", "S1")


def genome_rows() -> xr.Dataset:
    chrom = np.repeat(["chr1", "chr2", "chr3"], [5, 3, 2])
    return xr.Dataset(
        {"y": ("_sequence", np.arange(10.0))},
        coords={
            "chrom": schema.coded_coordinate(chrom),
            "start": ("_sequence", np.array([0, 10, 20, 30, 40, 0, 10, 20, 0, 5])),
            "end": ("_sequence", np.array([10, 20, 30, 40, 50, 10, 20, 30, 10, 15])),
        },
    )


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(0, 300),
    parts=st.tuples(*[st.integers(0, 10)] * 3).filter(lambda p: sum(p) > 0),
    seed=st.integers(0, 2**63),
)
def test_random_is_exact_and_repeatable(n, parts, seed):
    fractions = np.array(parts) / sum(parts)
    codes = splits.random(n, fractions=fractions, seed=seed)
    assert codes.dtype == np.int8
    counts = np.array([(codes == c).sum() for c in (0, 1, 2)])
    assert counts.sum() == n
    assert (np.abs(counts - fractions * n) < 1).all()
    np.testing.assert_array_equal(codes, splits.random(n, fractions=fractions, seed=seed))


def test_random_depends_on_the_seed():
    assert not np.array_equal(splits.random(100, seed=0), splits.random(100, seed=1))


@pytest.mark.parametrize(
    ("fractions", "message"),
    [((0.5, 0.4), "add up to 0.9"), ((1.2, -0.2, 0), "from 0 up"), ((1,), "three numbers")],
)
def test_fractions_are_checked(fractions, message):
    with pytest.raises(SeqdataError, match=message):
        splits.random(10, fractions=fractions)


def test_stratified_keeps_shares_of_classes_and_of_ranges():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    codes = splits.stratified(labels, fractions=(0.6, 0.2, 0.2), seed=4)
    for label, n in ((0, 700), (1, 200), (2, 100)):
        found = [int(((codes == c) & (labels == label)).sum()) for c in (0, 1, 2)]
        assert found == [round(n * 0.6), round(n * 0.2), round(n * 0.2)]
    ds = xr.Dataset({"y": ("_sequence", np.random.default_rng(0).normal(size=1000))})
    ds["y"][3] = np.nan
    codes = splits.stratified(ds, by="y")
    means = [float(np.nanmean(ds["y"].values[codes == c])) for c in (0, 1, 2)]
    assert np.ptp(means) < 0.1
    with pytest.raises(SeqdataError, match="Did you mean 'y'"):
        splits.stratified(ds, by="Y")
    with pytest.raises(SeqdataError, match="needs `by`"):
        splits.stratified(ds)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=200), st.integers(0, 1000))
def test_groups_stay_together(groups, seed):
    codes = splits.group(np.array(groups), seed=seed)
    for value in set(groups):
        assert len(set(codes[np.array(groups) == value].tolist())) == 1


@settings(max_examples=30, deadline=None)
@given(n=st.integers(5, 80), n_folds=st.integers(3, 6), seed=st.integers(0, 99))
def test_folds_test_every_row_once(n, n_folds, seed):
    turns = [splits.kfold(n, n_folds=n_folds, fold=f, seed=seed) for f in range(n_folds)]
    tested = sum((t == 2).astype(int) for t in turns)
    validated = sum((t == 1).astype(int) for t in turns)
    assert tested.tolist() == validated.tolist() == [1] * n
    sizes = [int((t == 2).sum()) for t in turns]
    assert max(sizes) - min(sizes) <= 1


def test_folds_of_groups():
    groups = np.repeat(np.arange(10), 4)
    ds = xr.Dataset({"gene": ("_sequence", groups)})
    for codes in (splits.kfold(40, groups=groups), splits.kfold(ds, groups="gene")):
        assert all(len(set(codes[groups == g])) == 1 for g in range(10))
    with pytest.raises(SeqdataError, match="at least 3 folds"):
        splits.kfold(10, n_folds=2)
    with pytest.raises(SeqdataError, match="needs a dataset"):
        splits.kfold(10, groups="gene")


def test_homology_keeps_mutated_copies_together():
    rng = np.random.default_rng(3)
    base = rng.choice(LETTERS, (60, 200))
    mutated = base.copy()
    for row in mutated:
        row[rng.choice(200, 4, replace=False)] = rng.choice(LETTERS, 4)
    turned = sp.reverse_complement(base, sp.DNA, length_axis=1)
    codes = splits.homology(np.concatenate([base, mutated, turned]), threshold=0.4)
    a, b, c = codes[:60], codes[60:120], codes[120:]
    assert (a == b).mean() == 1.0
    assert (a == c).mean() == 1.0
    counts = [int((codes == k).sum()) for k in (0, 1, 2)]
    assert counts == [144, 18, 18]
    with pytest.raises(SeqdataError, match="threshold is 0"):
        splits.homology(base, threshold=0)


def test_unrelated_sequences_are_their_own_clusters():
    from seqdata.splits._homology import clusters

    seqs = np.random.default_rng(0).choice(LETTERS, (300, 150))
    assert len(set(clusters(seqs, k=11, threshold=0.3, seed=0))) == 300


def test_chromosome():
    ds = genome_rows()
    assert splits.chromosome(ds, val=["chr2"], test="chr3").tolist() == [0] * 5 + [1] * 3 + [2] * 2
    codes = splits.chromosome(ds, train=["chr1"], test=["chr3"])
    assert codes.tolist() == [0] * 5 + [-1] * 3 + [2] * 2
    with pytest.raises(SeqdataError, match=r"val: contig 'chr22' .* Did you mean 'chr2'.*"):
        splits.chromosome(ds, val=["chr22"], test=["chr3"])
    with pytest.raises(SeqdataError, match="'chr3' is named for val and for test"):
        splits.chromosome(ds, val=["chr3"], test=["chr3"])
    with pytest.raises(SeqdataError, match="no column 'chrom'"):
        splits.chromosome(ds.drop_vars("chrom"), val=["chr2"])


def test_column_with_carving_on_real_promoters(data_files):
    table = pd.read_csv(data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz", sep="\t")
    ds = xr.Dataset({"split_here": ("_sequence", table["split_here"].to_numpy(object))})
    mapping = {"train": "train", "val": "test"}
    carve = {"from": "train", "fraction": 0.1, "to": "val"}
    codes = splits.column(ds, "split_here", mapping, carve=carve, seed=2)
    n_train = int((table["split_here"] == "train").sum())
    assert (codes == 2).sum() == (table["split_here"] == "val").sum()
    assert (codes == 1).sum() == round(n_train * 0.1)
    assert (table["split_here"].to_numpy()[codes != 2] == "train").all()
    other = splits.column(ds, "split_here", mapping, carve=carve, seed=3)
    assert not np.array_equal(codes, other)
    with pytest.raises(SeqdataError, match="Did you mean 'split_here'"):
        splits.column(ds, "split_her", mapping)


def test_column_mistakes():
    ds = xr.Dataset({"part": ("_sequence", np.array(["a", "b", "a"], object))})
    with pytest.raises(SeqdataError, match=r"no split is given for: \['a', 'b'\]"):
        splits.column(ds, "part")
    with pytest.raises(SeqdataError, match=r"never holds \['c'\]"):
        splits.column(ds, "part", {"a": "train", "b": "val", "c": "test"})
    with pytest.raises(SeqdataError, match="'tran' is no split"):
        splits.column(ds, "part", {"a": "tran", "b": "val"})
    good = {"a": "train", "b": "test"}
    with pytest.raises(SeqdataError, match="expected 'from'"):
        splits.column(ds, "part", good, carve={"frac": 0.1, "to": "val"})
    with pytest.raises(SeqdataError, match="fraction is 2"):
        splits.column(ds, "part", good, carve={"fraction": 2, "to": "val"})


def test_column_of_truth_values():
    ds = xr.Dataset({"train_val": ("_sequence", np.array([True, False, True]))})
    assert splits.column(ds, "train_val").tolist() == [0, 1, 0]
    assert splits.codes_of(ds).tolist() == [0, 1, 0]


def test_assign_and_mask():
    ds = splits.assign(genome_rows(), splits.chromosome(genome_rows(), val=["chr2"]))
    assert splits.mask(ds, "val").sum() == 3
    assert splits.mask(ds, "all").sum() == 10
    assert ds["split"].attrs["flag_values"] == [0, 1, 2, -1]
    assert splits.codes_of(ds).dtype == np.int8
    text = ds.assign_coords(split=("_sequence", np.array(["train", "test"] * 5, object)))
    assert splits.codes_of(text).tolist() == [0, 2] * 5
    with pytest.raises(SeqdataError, match="Did you mean 'train'"):
        splits.mask(ds, "trian")
    with pytest.raises(SeqdataError, match="do not fit a dataset of 10 rows"):
        splits.assign(ds, [0, 1])
    with pytest.raises(SeqdataError, match="one of 0"):
        splits.assign(ds, [7] * 10)
    with pytest.raises(SeqdataError, match="has no split"):
        splits.codes_of(genome_rows())
    with pytest.raises(SeqdataError, match="holds 'half'"):
        splits.codes_of(ds.assign_coords(split=("_sequence", np.array(["half"] * 10, object))))


def test_splits_of_nothing():
    assert splits.random(0).tolist() == []
    with pytest.raises(SeqdataError, match="number of rows is -3"):
        splits.random(-3)
    with pytest.raises(SeqdataError, match=r"all are missing \(NaN\)"):
        splits.stratified(np.full(5, np.nan))


def some_rows(n: int, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "seq": (("row", "bp"), rng.choice(LETTERS, (n, 40))),
            "y": ("row", rng.normal(size=n)),
            "gene": ("row", rng.integers(0, max(n // 3, 1), n)),
            "part": ("row", rng.choice(["train", "val", "test"], n).astype(object)),
            "chrom": ("row", rng.choice(["chr1", "chr2", "chr3"], n).astype(object)),
        },
        attrs={"sequence_dim": "row"},
    )


SPLITS = {
    "random": lambda ds, seed: splits.random(ds, seed=seed),
    "stratified": lambda ds, seed: splits.stratified(ds, by="y", seed=seed),
    "group": lambda ds, seed: splits.group(ds, by="gene", seed=seed),
    "kfold": lambda ds, seed: splits.kfold(ds, n_folds=4, fold=2, seed=seed),
    "kfold of groups": lambda ds, seed: splits.kfold(ds, groups="gene", seed=seed),
    "homology": lambda ds, seed: splits.homology(ds, seed=seed),
    "column": lambda ds, seed: splits.column(
        ds, "part", carve={"to": "val", "fraction": 0.5}, seed=seed
    ),
    "chromosome": lambda ds, seed: splits.chromosome(
        ds, val=np.unique(ds["chrom"].values.astype(str))[1:2]
    ),
}


@pytest.mark.parametrize("make", SPLITS.values(), ids=SPLITS)
@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**40))
def test_every_split_is_a_seeded_partition_along_the_row_dimension(make, n, seed):
    ds = some_rows(n, seed)
    codes = make(ds, seed)
    assert codes.dtype == np.int8
    assert codes.shape == (n,)
    assert set(codes.tolist()) <= {0, 1, 2}
    np.testing.assert_array_equal(codes, make(ds, seed))
    done = splits.assign(ds, codes)
    assert done["split"].dims == ("row",)
    parts = [splits.mask(done, part) for part in ("train", "val", "test")]
    np.testing.assert_array_equal(np.sum(parts, axis=0), np.ones(n))


@pytest.mark.parametrize("name", ["group", "kfold of groups", "chromosome"])
@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**20))
def test_splits_of_names_do_not_depend_on_the_order_of_rows(name, n, seed):
    ds = some_rows(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    codes = SPLITS[name](ds, seed)
    np.testing.assert_array_equal(SPLITS[name](ds.isel(row=order), seed), codes[order])


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**20))
def test_groups_stay_together_in_folds_and_in_splits(n, seed):
    ds = some_rows(n, seed)
    for name in ("group", "kfold of groups"):
        codes = SPLITS[name](ds, seed)
        for gene in np.unique(ds["gene"]):
            assert len(set(codes[ds["gene"].values == gene].tolist())) == 1


def test_a_dataset_without_its_row_dimension_is_refused():
    ds = xr.Dataset({"y": ("row", [1.0, 2.0])})
    for attempt in (splits.random, splits.kfold, lambda ds: splits.assign(ds, [0, 1])):
        with pytest.raises(SeqdataError, match=r"no dimension '_sequence', only \['row'\]"):
            attempt(ds)


def test_fewer_training_rows_are_nested_and_nothing_else_moves() -> None:
    ds = xr.Dataset({"y": ("_sequence", np.arange(200))})
    like = {"name": "random", "fractions": [0.6, 0.2, 0.2]}
    whole = splits.random(ds, fractions=(0.6, 0.2, 0.2), seed=0)
    kept = [splits.fewer(ds, rate=rate, like=like, seed=3) for rate in (0.1, 0.25, 0.5, 1.0)]
    assert [int((codes == 0).sum()) for codes in kept] == [12, 30, 60, 120]
    for less, more in itertools.pairwise(kept):
        assert set(np.flatnonzero(less == 0)) < set(np.flatnonzero(more == 0))
        for code in (1, 2):
            np.testing.assert_array_equal(less == code, whole == code)
    np.testing.assert_array_equal(kept[-1], whole)
    other = splits.fewer(ds, rate=0.1, like=like, seed=4)
    assert set(np.flatnonzero(other == 0)) != set(np.flatnonzero(kept[0] == 0))
    carried = splits.fewer(splits.assign(ds, whole), rate=0.1, seed=3)
    np.testing.assert_array_equal(carried, kept[0])
    with pytest.raises(SeqdataError, match="above 0 and at most 1"):
        splits.fewer(ds, rate=0.0, like=like)
    with pytest.raises(SeqdataError, match="leaves none"):
        splits.fewer(ds, rate=0.001, like=like)
    with pytest.raises(SeqdataError, match="Did you mean 'random'"):
        splits.fewer(ds, rate=0.5, like={"name": "rando"})
