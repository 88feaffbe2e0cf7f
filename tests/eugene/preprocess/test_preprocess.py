from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from sklearn.preprocessing import StandardScaler

import eugene.preprocess as pp
import seqpro as sp
from eugene.errors import EugeneError
from seqdata import schema
from seqdata.targets import ZScore

LETTERS = np.frombuffer(b"ACGT", "S1")


@pytest.fixture
def ds() -> xr.Dataset:
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(LETTERS, (120, 30))),
            "y": ("_sequence", rng.normal(4, 3, 120)),
            "z": ("_sequence", rng.exponential(2, 120)),
            "gene": ("_sequence", np.arange(120) // 4),
        },
        coords={"chrom": schema.coded_coordinate(np.repeat(["chr1", "chr2", "chr3"], 40))},
    )


STEPS = [
    ("id", lambda ds, **k: pp.make_unique_ids_sdata(ds, **k)),
    ("seq_padded", lambda ds, **k: pp.pad_seqs_sdata(ds, 40, **k)),
    ("ohe_seq", lambda ds, **k: pp.ohe_seqs_sdata(ds, **k)),
    ("train_val", lambda ds, **k: pp.train_test_random_split(ds, **k)),
    ("train_val", lambda ds, **k: pp.train_test_chrom_split(ds, ["chr3"], **k)),
    ("train_val", lambda ds, **k: pp.train_test_homology_split(ds, **k)),
    ("y_clamped", lambda ds, **k: pp.clamp_targets_sdata(ds, "y", suffix=True, **k)),
    ("y_scaled", lambda ds, **k: pp.scale_targets_sdata(ds, "y", suffix=True, **k)),
    ("y_binarized", lambda ds, **k: pp.binarize_targets_sdata(ds, "y", 4.0, suffix=True, **k)),
]


@pytest.mark.parametrize(("made", "step"), STEPS)
def test_copies_leave_the_dataset_alone(ds, made, step):
    before = ds.copy(deep=True)
    changed = step(ds, copy=True)
    assert made in changed
    xr.testing.assert_identical(ds, before)
    assert step(ds) is None
    xr.testing.assert_identical(ds, changed)


def test_ids(ds):
    pp.make_unique_ids_sdata(ds, id_var="name")
    assert ds["name"].values[[0, 119]].tolist() == ["seq000", "seq119"]


@pytest.mark.parametrize(
    ("pad", "length", "want"),
    [
        ("right", 5, ["ACGNN", "AANNN"]),
        ("left", 5, ["NNACG", "NNNAA"]),
        ("both", 5, ["NACGN", "NAANN"]),
        ("right", 2, ["AC", "AA"]),
    ],
)
def test_padding(pad, length, want):
    ds = xr.Dataset({"seq": ("_sequence", ["ACG", "AA"])})
    pp.pad_seqs_sdata(ds, length, pad=pad)
    assert [b"".join(r).decode() for r in ds["seq_padded"].values] == want


def test_one_hot(ds):
    pp.ohe_seqs_sdata(ds)
    np.testing.assert_array_equal(ds["ohe_seq"].values, sp.ohe(ds["seq"].values, sp.DNA))
    assert ds["ohe_seq"].dims == ("_sequence", "_length", "_ohe")
    with pytest.raises(EugeneError, match="alphabet: 'dna' is none of"):
        pp.ohe_seqs_sdata(ds, alphabet="dna")
    with pytest.raises(EugeneError, match="'sek'; did you mean 'seq'"):
        pp.ohe_seqs_sdata(ds, seq_var="sek")


def test_splits(ds):
    pp.train_test_random_split(ds, "_sequence", test_size=0.25, random_state=1)
    assert int(ds["train_val"].sum()) == 90
    pp.train_test_random_split(ds, groups="gene", test_size=0.2)
    train = ds["train_val"].values
    assert all(len(set(train[ds["gene"].values == g])) == 1 for g in range(30))
    pp.train_test_chrom_split(ds, "chr2")
    assert (ds["train_val"].values == (np.arange(120) // 40 != 1)).all()
    with pytest.raises(ValueError, match="'chr9' is not in the dataset"):
        pp.train_test_chrom_split(ds, ["chr9"])
    with pytest.raises(EugeneError, match=r"test_size is 1\.5"):
        pp.train_test_random_split(ds, test_size=1.5)
    with pytest.raises(EugeneError, match="nucleotides only"):
        pp.train_test_homology_split(ds, nucleotide=False)


def test_clamping(ds):
    pp.train_test_random_split(ds)
    train = ds["train_val"].values
    before = ds["y"].values.copy()
    limit = np.quantile(before[train], 0.9)
    pp.clamp_targets_sdata(ds, ["y"], 0.9, "train_val", store_clamp_nums=True)
    np.testing.assert_allclose(ds["y"].values, np.minimum(before, limit))
    assert ds["clamp_nums"].values.tolist() == [pytest.approx(limit)]
    pp.clamp_targets_sdata(ds, ["y", "z"], clamp_nums=[3.0, 1.0])
    assert ds["y"].values.max() == 3.0
    assert ds["z"].values.max() == 1.0
    with pytest.raises(EugeneError, match="1 limits for 2 targets"):
        pp.clamp_targets_sdata(ds, ["y", "z"], clamp_nums=[3.0])
    with pytest.raises(EugeneError, match="expected one value a row"):
        pp.clamp_targets_sdata(ds, "seq")


def test_scaling(ds):
    pp.train_test_random_split(ds)
    train = ds["train_val"].values
    before = np.stack([ds["y"].values, ds["z"].values], 1)
    want = StandardScaler().fit(before[train])
    scaler = pp.scale_targets_sdata(ds, ["y", "z"], "train_val", return_scaler=True)
    got = np.stack([ds["y"].values, ds["z"].values], 1)
    np.testing.assert_allclose(got, want.transform(before))
    np.testing.assert_allclose(scaler.inverse(got), before)
    other = ds.assign(y=("_sequence", before[:, 0]), z=("_sequence", before[:, 1]))
    pp.scale_targets_sdata(other, ["y", "z"], scaler=scaler)
    xr.testing.assert_allclose(other, ds)
    pp.scale_targets_sdata(
        other.assign(y=("_sequence", before[:, 0])), ["y", "z"], scaler=want, copy=True
    )
    fresh = pp.scale_targets_sdata(ds, "y", scaler=ZScore(), return_scaler=True, copy=True)
    assert isinstance(fresh, tuple)


def test_binarising(ds):
    pp.binarize_targets_sdata(ds, ["y"], upper=5.0, lower=2.0)
    values = ds["y"].values
    assert set(values[np.isfinite(values)]) == {0.0, 1.0}
    assert np.isnan(values).any()
    with pytest.raises(EugeneError, match="exchange them"):
        pp.binarize_targets_sdata(ds, "z", upper=1.0, lower=2.0)
