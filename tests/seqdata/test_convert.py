from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import pytest
import xarray as xr
from numcodecs import Blosc, VLenArray, VLenBytes, VLenUTF8

import seqdata as sd
from seqdata import convert
from seqdata.errors import MissingFileError, SchemaError, StoreError


@pytest.fixture
def regions(tmp_path: Path) -> xr.Dataset:
    (tmp_path / "g.fa").write_text(">c\nACGTACGTAC\n")
    bed = pd.DataFrame(
        {"chrom": ["c", "c"], "chromStart": [1, 4], "chromEnd": [4, 9], "strand": ["+", "-"],
         "y": [0.5, 1.5]}
    )  # fmt: skip
    return sd.from_region_files(
        sd.GenomeFASTA("seq", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed,
        fixed_length=False,
    )  # fmt: skip


def test_fasta_out_and_in(regions: xr.Dataset, tmp_path: Path) -> None:
    convert.to_fasta(regions, tmp_path / "out.fa")
    back = pysam.FastaFile(str(tmp_path / "out.fa"))
    assert dict(zip(back.references, map(back.fetch, back.references), strict=True)) == {
        "c:1-4": "CGT",
        "c:4-9": "TACGT",
    }
    convert.to_fasta(regions.assign(id=("_sequence", ["a", "b"])), tmp_path / "out.fa.gz")
    text = gzip.decompress((tmp_path / "out.fa.gz").read_bytes())
    assert text == b">a\nCGT\n>b\nTACGT\n"
    with pytest.raises(SchemaError, match="no variable of letters"):
        convert.to_fasta(regions, tmp_path / "x.fa", seq_var="y")
    with pytest.raises(SchemaError, match="no variable 'who'"):
        convert.to_fasta(regions, tmp_path / "x.fa", id_var="who")


def test_bed_out_and_in(regions: xr.Dataset, tmp_path: Path) -> None:
    convert.to_bed(regions, tmp_path / "out.bed")
    back = sd.read_bedlike(tmp_path / "out.bed")
    assert back[["chrom", "chromStart", "chromEnd", "strand"]].to_numpy().tolist() == [
        ["c", 1, 4, "+"],
        ["c", 4, 9, "-"],
    ]


def test_anndata(regions: xr.Dataset) -> None:
    anndata = pytest.importorskip("anndata")
    out = convert.to_anndata(regions)
    assert isinstance(out, anndata.AnnData)
    assert out.obs["chrom"].tolist() == ["c", "c"]


def test_anndata_names_the_extra(regions: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anndata", None)
    with pytest.raises(SchemaError, match=r"eugene-genomics\[anndata\]"):
        convert.to_anndata(regions)


# ------------------------------------------------------------------ stores of seqdata 0.1 and 0.2


def write_v2(
    folder: Path, name: str, values: np.ndarray, dims: list[str], chunks: list[int], codec: Any
) -> None:
    """Write an array as Zarr v2 did, variable-length ones through an object codec."""
    blosc = Blosc("zstd", clevel=7, shuffle=-1)
    child = folder / name
    child.mkdir(parents=True)
    meta = {
        "zarr_format": 2, "shape": list(values.shape), "chunks": chunks, "order": "C",
        "dtype": "|O" if codec else values.dtype.str, "compressor": blosc.get_config(),
        "filters": [codec.get_config()] if codec else None,
        "fill_value": None if codec or values.dtype.kind in "Sb" else 0,
    }  # fmt: skip
    (child / ".zarray").write_text(json.dumps(meta))
    (child / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": dims}))
    for index in np.ndindex(*[-(-s // c) for s, c in zip(values.shape, chunks, strict=True)]):
        block = np.zeros(chunks, dtype=values.dtype)
        if codec:
            block = np.full(chunks, codec_fill(codec), dtype=object)
        part = values[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunks, strict=True))]
        block[tuple(slice(0, n) for n in part.shape)] = part
        data = codec.encode(block) if codec else block
        (child / ".".join(map(str, index))).write_bytes(blosc.encode(data))


def codec_fill(codec: Any) -> Any:
    return {"vlen-utf8": "", "vlen-bytes": b""}.get(codec.codec_id)


def test_fixed_length_store(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "old.zarr"
    seq = rng.choice(np.array([b"A", b"C", b"G", b"T"]), (7, 5))
    cov = rng.integers(0, 9, (7, 2, 5)).astype(np.uint16)
    write_v2(folder, "seq", seq, ["_sequence", "_length"], [3, 5], None)
    write_v2(folder, "cov", cov, ["_sequence", "cov_sample", "_length"], [3, 1, 5], None)
    chrom = np.array(["chr1", "chr2", "chr1", "chrX", "chr1", "chr2", "chr1"], dtype=object)
    write_v2(folder, "chrom", chrom, ["_sequence"], [7], VLenUTF8())
    strand = np.array(list("+-+-+-."), dtype=object)
    write_v2(folder, "strand", strand, ["_sequence"], [7], VLenUTF8())
    write_v2(folder, "chromStart", np.arange(7), ["_sequence"], [4], None)
    write_v2(folder, "chromEnd", np.arange(7) + 5, ["_sequence"], [4], None)
    write_v2(folder, "train_val", np.arange(7) > 2, ["_sequence"], [7], None)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / ".zattrs").write_text('{"max_jitter": 0, "length_dim": "_length"}')
    ds = convert.read_legacy(folder)
    np.testing.assert_array_equal(ds["seq"], seq)
    np.testing.assert_array_equal(ds["cov"], cov)
    assert ds.sd.labels("chrom").tolist() == chrom.tolist()
    assert ds.sd.labels("strand").tolist() == strand.tolist()
    assert ds["start"].values.tolist() == list(range(7))
    assert ds.sd.labels("split").tolist() == ["val"] * 3 + ["train"] * 4
    with pytest.warns(UserWarning, match=r"Zarr v2 store .* was read into memory"):
        opened = sd.open_zarr(folder, chunks="auto")
    xr.testing.assert_identical(opened, ds)
    with pytest.warns(UserWarning, match="Zarr v2"):
        some = sd.open_zarr(folder, variables=["seq"], chunks={"_sequence": 4}, letters=False)
    assert list(some.data_vars) == ["seq"]
    assert some["seq"].chunksizes["_sequence"] == (4, 3)
    assert some["seq"].values.tolist() == seq.view("u1").tolist()
    with pytest.raises(StoreError, match=r"Zarr v2 store.*to a path of its own"):
        sd.to_zarr(ds.isel(_sequence=[0]), folder, mode="a", append_dim="_sequence")
    sd.to_zarr(ds, tmp_path / "new.zarr")
    np.testing.assert_array_equal(sd.open_zarr(tmp_path / "new.zarr")["seq"], seq)


def test_variable_length_store(tmp_path: Path) -> None:
    folder = tmp_path / "old.zarr"
    seqs = np.array([b"ACG", b"T", b"ACGTA"], dtype=object)
    write_v2(folder, "seq", seqs, ["_sequence"], [2], VLenBytes())
    cov = np.empty((3, 2), dtype=object)
    for i, n in enumerate((3, 1, 5)):
        for k in range(2):
            cov[i, k] = np.arange(n, dtype=np.float32) + k
    write_v2(folder, "cov", cov, ["_sequence", "cov_sample"], [3, 2], VLenArray("<f4"))
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    ds = convert.read_legacy(folder)
    assert ds["seq"].dtype == np.dtype("S1")
    assert [row.tobytes() for row in ds.sd.rows("seq")] == [b"ACG", b"T", b"ACGTA"]
    assert ds["cov"].dims == ("_sequence", "cov_sample", "_length")
    np.testing.assert_array_equal(ds["cov"].values[2, 1], np.arange(5) + 1)
    np.testing.assert_array_equal(ds["cov"].values[1, 1], [1, 0, 0, 0, 0])


def test_what_is_no_old_store(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no store"):
        convert.read_legacy(tmp_path / "none")
    with pytest.raises(StoreError, match="no Zarr v2 group"):
        convert.read_legacy(tmp_path)
    folder = tmp_path / "old.zarr"
    write_v2(folder, "y", np.arange(5), ["_sequence"], [5], None)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / "y" / "0").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="cannot be decoded"):
        convert.read_legacy(folder)


def test_fasta_that_cannot_be_finished(tmp_path: Path) -> None:
    flat = xr.Dataset(
        {
            "seq": ("_seq_flat", np.frombuffer(b"ACGTAC", "S1")),
            "seq_offsets": ("_seq_offsets", [0, 4, 6]),
            "y": ("_sequence", [1.0, 2.0]),
        }
    )
    convert.to_fasta(flat, tmp_path / "x.fa.gz")
    assert gzip.decompress((tmp_path / "x.fa.gz").read_bytes()) == b">seq0\nACGT\n>seq1\nAC\n"
    with pytest.raises(SchemaError, match="stored one behind the other"):
        convert.to_fasta(flat.isel(_sequence=[0]), tmp_path / "y.fa")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.fa.gz"]


# ---------------------------------------------------------------------------------------- HDF5


@pytest.mark.parametrize("letters", ["bytes", "ohe"])
def test_hdf5_out_and_in(regions: xr.Dataset, tmp_path: Path, letters: str) -> None:
    h5py = pytest.importorskip("h5py")
    ds = regions.assign(
        label=("_sequence", np.array(["é", ""], dtype=object)), flag=("_sequence", [True, False])
    )
    ds = ds.drop_vars("seq_length") if letters == "ohe" else ds
    if letters == "ohe":
        # one-hot has no padding: rows of one length
        ds = ds.isel(_length=slice(0, 3))
    convert.to_hdf5(ds, tmp_path / "x.h5", letters=letters)
    back = convert.read_hdf5(tmp_path / "x.h5")
    assert back.sd.labels("strand").tolist() == ["+", "-"]
    xr.testing.assert_equal(back, ds.compute())
    assert set(back.coords) == set(ds.coords)
    assert back["seq"].attrs["alphabet"] == "ACGT"
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["seq"].dtype == np.uint8
        assert file["seq"].shape == (*ds["seq"].shape, *([4] if letters == "ohe" else []))
        assert json.loads(file["y"].attrs["dims"]) == ["_sequence"]
    sd.to_zarr(back, tmp_path / "back.zarr")
    np.testing.assert_array_equal(sd.open_zarr(tmp_path / "back.zarr")["seq"], ds["seq"])
    with pytest.raises(StoreError, match="overwrite=True"):
        convert.to_hdf5(ds, tmp_path / "x.h5")


def test_hdf5_files_that_are_none(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with pytest.raises(MissingFileError, match="does not exist"):
        convert.read_hdf5(tmp_path / "none.h5")
    (tmp_path / "x.h5").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="no HDF5 file"):
        convert.read_hdf5(tmp_path / "x.h5")
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["a"] = [1]
    with pytest.raises(StoreError, match="not written by"):
        convert.read_hdf5(tmp_path / "y.h5")
    strange = xr.Dataset({"t": ("_sequence", np.array([1j]))})
    with pytest.raises(StoreError, match="complex128"):
        convert.to_hdf5(strange, tmp_path / "z.h5")
    assert not (tmp_path / "z.h5").exists()


def test_windows_over_the_beginning_of_a_contig(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\nACGTACGTAC\n")
    bed = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [0, 4], "chromEnd": [4, 9]})
    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed, fixed_length=8
    )
    assert ds["start"].values.tolist() == [-2, 2]
    convert.to_bed(ds, tmp_path / "x.bed")
    back = sd.read_bedlike(tmp_path / "x.bed")
    assert back[["chromStart", "chromEnd"]].to_numpy().tolist() == [[0, 6], [2, 10]]
    outside = ds.compute().assign_coords(start=("_sequence", [-9, 2]), end=("_sequence", [-1, 10]))
    with pytest.raises(SchemaError, match="lies before its contig"):
        convert.to_bed(outside, tmp_path / "y.bed")


def test_bed_takes_names(regions: xr.Dataset, tmp_path: Path) -> None:
    named = regions.assign(name=("_sequence", ["peak a", ""]), id=("_sequence", ["x", "y"]))
    convert.to_bed(named, tmp_path / "six.bed")
    lines = (tmp_path / "six.bed").read_text().splitlines()
    assert [line.split("\t")[3:5] for line in lines] == [["peak a", "0"], [".", "0"]]
    convert.to_bed(named.drop_vars(["strand", "name"]), tmp_path / "four.bed")
    lines = (tmp_path / "four.bed").read_text().splitlines()
    assert [line.split("\t")[3:] for line in lines] == [["x"], ["y"]]
    broken = regions.assign(name=("_sequence", ["a", "b\tc"]))
    with pytest.raises(SchemaError, match=r"'name' of row 1 is .* would break the BED"):
        convert.to_bed(broken, tmp_path / "no.bed")
    assert not (tmp_path / "no.bed").exists()
