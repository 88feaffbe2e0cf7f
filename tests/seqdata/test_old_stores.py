"""What SeqData's users build and open: several readers, any lengths, RNA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from seqdata.errors import SchemaError

GENOME = {"chr1": "ACGTTGCAAC" * 6, "chr2": "GGATCCTTAG" * 5}


def write_genome(folder: Path) -> Path:
    path = folder / "g.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in GENOME.items()))
    return path


def write_signal(folder: Path, name: str, factor: float) -> Path:
    pyBigWig = pytest.importorskip("pyBigWig")
    path = folder / name
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([(contig, len(letters)) for contig, letters in GENOME.items()])
        for contig, letters in GENOME.items():
            values = (factor * (1.0 + np.arange(len(letters)))).tolist()
            out.addEntries(contig, 0, values=values, span=1, step=1)
    return path


@pytest.mark.parametrize("chunks", ["auto", "shards", None])
def test_regions_of_any_length_with_several_readers(tmp_path: Path, chunks: str | None) -> None:
    files = [write_signal(tmp_path, f"{i}.bw", i) for i in (1, 2)]
    bed = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2", "chr1"],
            "chromStart": [3, 10, 40],
            "chromEnd": [9, 21, 44],
            "strand": ["+", "-", "+"],
        }
    )
    sd.from_region_files(
        sd.GenomeFASTA("seq", write_genome(tmp_path), batch_size=2),
        sd.BigWig("cov", files, ["one", "two"], batch_size=2),
        sd.BigWig("again", files[:1], ["one"], batch_size=2),
        path=tmp_path / "x.zarr",
        bed=bed,
        fixed_length=False,
    )
    ds = sd.open_zarr(tmp_path / "x.zarr", chunks=chunks)  # type: ignore[arg-type]
    pairs = str.maketrans("ACGT", "TGCA")
    for row, (chrom, start, end, strand) in enumerate(bed.itertuples(index=False)):
        letters = GENOME[chrom][start:end]
        signal = 1.0 + np.arange(start, end)
        if strand == "-":
            letters, signal = letters[::-1].translate(pairs), signal[::-1]
        assert list(ds.sd.rows("seq"))[row].tobytes().decode() == letters
        length = int(ds["seq_length"][row])
        assert length == end - start
        np.testing.assert_array_equal(ds["cov"].values[row, :, :length], [signal, 2 * signal])
        np.testing.assert_array_equal(ds["again"].values[row, 0, :length], signal)
        assert not ds["cov"].values[row, :, length:].any()


def test_letters_of_rna(tmp_path: Path) -> None:
    table = tmp_path / "x.tsv"
    table.write_text("seq\ty\nACGU\t1\nUUGA\t2\n")
    ds = sd.read_table("seq", tmp_path / "x.zarr", table, "seq", fixed_length=True, alphabet="RNA")
    again = sd.open_zarr(tmp_path / "x.zarr", chunks="auto")
    assert again["seq"].values.tolist() == [[b"A", b"C", b"G", b"U"], [b"U", b"U", b"G", b"A"]]
    assert again["seq"].attrs["alphabet"] == "ACGU" == ds["seq"].attrs["alphabet"]


def test_readers_that_share_a_column(tmp_path: Path) -> None:
    one, two, other = (tmp_path / f"{name}.tsv" for name in ("one", "two", "other"))
    one.write_text("seq\ttarget\tname\nACGTA\t1.5\ta\nTTGAC\t2\tb\n")
    two.write_text("seq\ttarget\tname\nAC\t1.5\ta\nTTG\t2\tb\n")
    other.write_text("seq\ttarget\tname\nAC\t1.5\ta\nTTG\t2.5\tb\n")

    def build(second: Path) -> None:
        sd.from_flat_files(
            sd.Table("long", one, "seq", batch_size=1),
            sd.Table("short", second, "seq", batch_size=2),
            path=tmp_path / "x.zarr",
            fixed_length=False,
            overwrite=True,
        )

    build(two)
    ds = sd.open_zarr(tmp_path / "x.zarr")
    assert ds["target"].values.tolist() == [1.5, 2.0]
    assert ds["name"].values.tolist() == ["a", "b"]
    assert [row.tobytes() for row in ds.sd.rows("long")] == [b"ACGTA", b"TTGAC"]
    assert [row.tobytes() for row in ds.sd.rows("short")] == [b"AC", b"TTG"]
    with pytest.raises(SchemaError, match=r"called 'target' \(reader 'short'\), and their values"):
        build(other)
