"""What SeqData's names gave, on request: objects of any length, and tables of polars."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import eugene as eu
import seqdata as sd
import seqpro as sp
from seqdata.errors import BedError, SeqdataError
from seqpro import family


def _fasta(path: Path, seqs: list[str]) -> Path:
    path.write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(seqs)))
    return path


@pytest.mark.parametrize("seqs", [["ACGT", "AC", "TTGCA"], ["AC", "G", "A", "CGTTACGTAACC" * 3]])
def test_sequences_of_any_length_are_objects(tmp_path: Path, seqs: list[str]) -> None:
    fasta = _fasta(tmp_path / "x.fa", seqs)
    out = tmp_path / "x.zarr"
    with family.as_it_was("objects"):
        ds = sd.read_flat_fasta("seq", out, fasta, fixed_length=False)
        assert ds["seq"].dims == ("_sequence",)
        assert ds["seq"].values.astype(str).tolist() == seqs
        assert "seq_length" not in ds and "seq_offsets" not in ds
        eu.preprocess.pad_seqs_sdata(ds, 5)
        assert [b"".join(r).decode() for r in ds["seq_padded"].values] == [
            s[:5].ljust(5, "N") for s in seqs
        ]
        sd.to_zarr(ds, tmp_path / "y.zarr")
        again = sd.open_zarr(tmp_path / "y.zarr")
        assert again["seq"].values.tolist() == ds["seq"].values.tolist()
    texts = [row.tobytes().decode() for row in sd.open_zarr(tmp_path / "y.zarr").sd.rows("seq")]
    assert texts == seqs


def test_tracks_of_any_length_are_objects(tmp_path: Path) -> None:
    lengths = np.array([2, 3], np.int32)
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    values[0, :, 2] = 0
    ds = xr.Dataset({
        "cov": (("_sequence", "cov_sample", "_length"), values),
        "cov_length": ("_sequence", lengths),
    }, coords={"cov_sample": ["a", "b"]})  # fmt: skip
    sd.to_zarr(ds, tmp_path / "x.zarr")
    with family.as_it_was("objects"):
        held = sd.open_zarr(tmp_path / "x.zarr")
        assert [row.tolist() for row in held.sel(cov_sample="b")["cov"].values] == [
            [3.0, 4.0], [9.0, 10.0, 11.0]
        ]  # fmt: skip
        sd.to_zarr(held, tmp_path / "y.zarr")
    again = sd.open_zarr(tmp_path / "y.zarr")
    assert np.array_equal(again["cov"].values, values)
    assert again["cov_length"].values.tolist() == [2, 3]


def test_bed_tables_are_those_of_polars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.narrowPeak"
    path.write_text("chr1\t1\t2\ta\t1.5\t.\t1.0\t2.0\t3.0\t1\n")
    monkeypatch.setitem(sys.modules, "polars", None)
    with family.as_it_was("polars"), pytest.raises(SeqdataError, match="pip install polars"):
        sd.read_bedlike(path)
    monkeypatch.setitem(sys.modules, "polars", SimpleNamespace(DataFrame=dict))
    with family.as_it_was("polars"):
        table = sd.read_bedlike(path)
    names = ["chrom", "chromStart", "chromEnd", "name", "score", "strand"]
    assert list(table) == [*names, "signalValue", "pValue", "qValue", "peak"]
    row = [values[0] for values in table.values()]
    assert row == ["chr1", 1, 2, "a", 1.5, None, 1.0, 2.0, 3.0, 1]


def test_a_summit_outside_its_peak_is_refused_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "x.narrowPeak"
    path.write_text("chr1\t1\t2\ta\t1.5\t.\t1.0\t2.0\t3.0\t1\n")
    with pytest.raises(BedError, match="summit 1 lies outside"):
        sd.read_bedlike(path)
    assert sd.read_bedlike(path, check_summits=False)["peak"].tolist() == [1]


def test_private_write_takes_any_number_for_yes(tmp_path: Path) -> None:
    fasta = _fasta(tmp_path / "x.fa", ["ACGTA", "TTGCA"])
    sd.FlatFASTA("seq", fasta)._write(out=tmp_path / "x.zarr", fixed_length=20)
    assert sd.open_zarr(tmp_path / "x.zarr")["seq"].shape == (2, 5)


def test_loaders_take_functions_of_variables() -> None:
    letters = sp.random_seqs((6, 8), sp.DNA, seed=0)
    ds = xr.Dataset({
        "seq": (("_sequence", "_length"), letters),
        "a": ("_sequence", np.arange(6.0)),
        "b": ("_sequence", np.arange(6.0)[::-1].copy()),
    })  # fmt: skip
    each = {"seq": lambda x: sp.ohe(x, sp.DNA, ohe_axis=-2), ("a", "b"): lambda ab: ab[::-1]}
    for loader in (
        sd.get_torch_dataloader(ds, "_sequence", ["seq", "a", "b"], transforms=each, batch_size=6),
        sd.get_torch_dataloader(ds, "_sequence", ["seq", "a", "b"], each, batch_size=6),
    ):
        batch = next(iter(loader))
        assert np.array_equal(batch["seq"].numpy(), sp.ohe(letters, sp.DNA, ohe_axis=-2))
        assert batch["a"].tolist() == ds["b"].values.tolist()
        assert batch["b"].tolist() == ds["a"].values.tolist()
    with pytest.raises(SeqdataError, match="transforms: 'seqs' is not in the batch"):
        next(iter(sd.get_torch_dataloader(ds, "_sequence", ["a"], transforms={"seqs": len})))
    with pytest.raises(SeqdataError, match="give one"):
        sd.get_torch_dataloader(ds, "_sequence", ["a"], len, transforms={"a": len})


def test_no_alphabet_is_that_of_dna(tmp_path: Path) -> None:
    fasta = _fasta(tmp_path / "g.fa", ["ACGTTGCAAC"])
    bed = tmp_path / "r.bed"
    bed.write_text("s0\t2\t6\n")
    ds = sd.read_genome_fasta("seq", tmp_path / "x.zarr", fasta, bed, 10, 4, 1, None)
    assert ds["seq"].values.tobytes() == b"GTTG" and ds["seq"].attrs["alphabet"] == "ACGT"
