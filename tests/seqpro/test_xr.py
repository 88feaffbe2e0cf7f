"""The array functions on xarray objects."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import seqpro as sp
import seqpro.xr as spx
from seqpro.errors import SeqproError


@pytest.fixture(params=[None, 2], ids=["numpy", "dask"])
def seqs(request):
    data = xr.DataArray(sp.random_seqs((6, 12), sp.DNA, seed=0), dims=["_sequence", "_length"])
    return data if request.param is None else data.chunk(_sequence=request.param)


@pytest.fixture(params=[None, 4], ids=["numpy", "dask"])
def coverage(request):
    data = xr.DataArray(np.arange(72).reshape(6, 12), dims=["_sequence", "_length"])
    return data if request.param is None else data.chunk(_length=request.param)


def is_lazy(data):
    return data.chunks is not None


def test_ohe(seqs):
    out = spx.ohe(seqs, sp.DNA)
    assert out.dims == ("_sequence", "_length", "_ohe")
    assert is_lazy(out) == is_lazy(seqs)
    np.testing.assert_array_equal(out.values, sp.ohe(seqs.values))


@pytest.mark.parametrize("normalize", [False, True])
def test_bin_coverage(coverage, normalize):
    out = spx.bin_coverage(coverage, 3, "_length", normalize=normalize)
    assert out.dims == ("_sequence", "_bin")
    expected = sp.bin_coverage(coverage.values, 3, -1, normalize)
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out.values, expected)


def test_translate(seqs):
    out = spx.translate(seqs.transpose(), sp.AA, "_length")
    assert out.dims == ("_sequence", "_aa_length")
    np.testing.assert_array_equal(out.values, sp.translate(seqs.values))


def test_transcribe(seqs):
    out = spx.transcribe(seqs.assign_attrs(alphabet="ACGT", kind="sequence"))
    assert out.attrs == {"alphabet": "ACGU", "kind": "sequence"}
    np.testing.assert_array_equal(out.values, np.where(seqs.values == b"T", b"U", seqs.values))
    assert sp.alphabet_of(out).alphabet == "ACGU"


def test_datasets(seqs):
    both = xr.Dataset({"a": seqs, "b": seqs})
    out = spx.ohe(both)
    np.testing.assert_array_equal(out["b"].values, sp.ohe(seqs.values))


def test_errors(coverage):
    with pytest.raises(SeqproError, match="divide the length 12, got 5"):
        spx.bin_coverage(coverage, 5, "_length")
    with pytest.raises(SeqproError, match="no dimension 'length'; there are _sequence, _length"):
        spx.bin_coverage(coverage, 3, "length")
