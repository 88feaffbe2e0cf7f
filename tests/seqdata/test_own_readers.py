"""Readers of one's own: what the base classes do not ask for has defaults that work everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import seqdata as sd
from seqdata.errors import ContigError, SchemaError
from seqdata.readers import Block, FlatReader, RegionReader, Track, Windows

GENOME = "ACGTTGCAACCGGTTAACGT"


class Place(RegionReader):
    """The number of each base of a contig, counted from 1."""

    name = "place"

    def track(self) -> Track:
        return Track(self.name, np.int32, samples=["bp"])

    def contigs(self) -> dict[str, int]:
        return {"c": len(GENOME)}

    def read(self, windows: Windows, width: int) -> NDArray[np.int32]:
        out = np.zeros((len(windows), 1, width), np.int32)
        sizes = np.array([self.contigs()[name] for name in windows.names])[windows.contig]
        for row, (start, stop, lead) in enumerate(zip(*windows.within(sizes), strict=True)):
            out[row, 0, lead : lead + stop - start] = np.arange(start, stop) + 1
        return out


class Words(FlatReader):
    name = "seq"

    def blocks(self, fixed: dict[str, str]) -> Iterator[Block]:
        yield Block.of([b"ACGT", b"TTGA"], {"y": np.array([1.5, 0.5])})
        yield Block.of([b"GGGG"], {"y": np.array([2.0])})


@pytest.fixture
def bed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chrom": "c",
            "chromStart": [2, 15, 8],
            "chromEnd": [6, 19, 12],
            "strand": ["+", "-", "+"],
            "name": ["t", "u", "t"],
        }
    )


EXPECTED = [[3, 4, 5, 6], [19, 18, 17, 16], [9, 10, 11, 12]]


def test_a_reader_of_windows_is_built_opened_and_added(tmp_path: Path, bed: pd.DataFrame) -> None:
    built = sd.from_region_files(Place(), path=tmp_path / "x.zarr", bed=bed, fixed_length=4)
    assert built["place"].dims == ("_sequence", "place_sample", "_length")
    assert built["place"].values[:, 0].tolist() == EXPECTED
    assert built["place_strand"].values.tolist() == ["."]
    opened = sd.open_regions(Place(), bed=bed, fixed_length=4)
    assert opened["place"].values[:, 0].tolist() == EXPECTED
    added = sd.add_layers_from_files(built[["chrom", "start", "end", "strand"]], Place())
    assert added["place"].values[:, 0].tolist() == EXPECTED
    assert "total_reads_place" not in built
    loader = sd.get_torch_dataloader(opened, variables=["place"], max_jitter=1, batch_size=3)
    (batch,) = loader
    assert (np.abs(np.diff(batch["place"][:, 0], axis=1)) == 1).all()


def test_its_windows_are_joined_masked_and_checked(tmp_path: Path, bed: pd.DataFrame) -> None:
    spliced = sd.from_region_files(
        Place(), path=tmp_path / "x.zarr", bed=bed, fixed_length=False, splice=True
    )
    assert spliced["place"].values[:, 0].tolist() == [
        [3, 4, 5, 6, 9, 10, 11, 12],
        [19, 18, 17, 16, 0, 0, 0, 0],
    ]
    assert spliced["mask"].values.sum(axis=1).tolist() == [8, 4]
    wide = sd.open_regions(Place(), bed=bed, fixed_length=12)
    # windows of 12 bp around 4, 17 and 10 on a contig of 20 bp
    assert wide["mask"].values.sum(axis=1).tolist() == [10, 9, 12]
    with pytest.raises(ContigError, match="place has no contig 'd'"):
        sd.open_regions(Place(), bed=bed.assign(chrom="d"), fixed_length=4)


def test_a_reader_of_rows_is_built_and_added(tmp_path: Path) -> None:
    built = sd.from_flat_files(Words(), path=tmp_path / "x.zarr", fixed_length=True)
    assert [b"".join(row) for row in built["seq"].values] == [b"ACGT", b"TTGA", b"GGGG"]
    assert built["seq"].attrs["alphabet"] == "ACGT"
    added = sd.add_layers_from_files(built[["y"]].rename(y="x"), Words())
    assert added["y"].values.tolist() == [1.5, 0.5, 2.0]


def test_what_is_none_is_told_how_to_become_one(tmp_path: Path, bed: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match=r"of your own.*seqdata\.readers\.RegionReader"):
        sd.from_region_files(Words(), path=tmp_path / "x", bed=bed, fixed_length=4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="abstract"):
        RegionReader()  # type: ignore[abstract]
