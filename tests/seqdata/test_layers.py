from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
from seqdata.errors import LengthError, SchemaError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    letters = "".join(rng.choice(list("ACGT"), 500))
    (tmp_path / "g.fa").write_text(f">c\n{letters}\n")
    for name in "pm":
        with pyBigWig.open(str(tmp_path / f"{name}.bw"), "w") as out:
            out.addHeader([("c", 500)])
            values = rng.random(50)
            out.addEntries(["c"] * 50, list(range(0, 500, 10)), ends=list(range(10, 510, 10)),
                           values=values)  # fmt: skip
    return tmp_path


BED = pd.DataFrame(
    {"chrom": "c", "chromStart": [5, 100, 470], "chromEnd": [45, 140, 499],
     "strand": ["+", "-", "-"]}
)  # fmt: skip


def readers(files: Path) -> tuple[sd.GenomeFASTA, sd.BigWig]:
    signal = sd.BigWig("cov", [files / "p.bw", files / "m.bw"], ["p", "m"], strands=["+", "-"])
    return sd.GenomeFASTA("seq", files / "g.fa"), signal


@pytest.mark.parametrize("fixed_length, jitter", [(40, 0), (40, 7), (False, 0)])
def test_layers_are_what_a_build_with_all_readers_makes(
    files: Path, fixed_length: int, jitter: int
) -> None:
    options = {"bed": BED, "fixed_length": fixed_length, "max_jitter": jitter}
    genome, signal = readers(files)
    whole = sd.from_region_files(genome, signal, path=files / "whole.zarr", **options)
    genome, signal = readers(files)
    part = sd.from_region_files(genome, path=files / "part.zarr", **options)
    lazy = sd.add_layers_from_files(part, signal)
    assert lazy["cov"].chunks is not None
    xr.testing.assert_equal(lazy.compute(), whole.compute())
    assert lazy["cov"].attrs == whole["cov"].attrs
    stored = sd.add_layers_from_files(part, signal, path=files / "part.zarr", overwrite=True)
    xr.testing.assert_equal(stored.compute(), whole.compute())
    assert stored.attrs["max_jitter"] == jitter


def test_sequences_and_tables_are_added_too(files: Path) -> None:
    genome, signal = readers(files)
    ds = sd.from_region_files(signal, path=files / "x.zarr", bed=BED, fixed_length=20)
    (files / "t.csv").write_text("dna,y\nACGT,1\nAC,\nGGT,3\n")
    out = sd.add_layers_from_files(
        ds, genome, sd.Table("guide", files / "t.csv", "dna", batch_size=1)
    )
    assert [row.tobytes() for row in out.sd.rows("guide")] == [b"ACGT", b"AC", b"GGT"]
    np.testing.assert_array_equal(out["y"], [1, np.nan, 3])
    whole = sd.from_region_files(genome, path=files / "y.zarr", bed=BED, fixed_length=20)
    np.testing.assert_array_equal(out["seq"], whole["seq"])


def test_layers_that_do_not_fit(files: Path) -> None:
    genome, signal = readers(files)
    ds = sd.from_region_files(signal, path=files / "x.zarr", bed=BED, fixed_length=20)
    with pytest.raises(SchemaError, match="would be called 'cov'"):
        sd.add_layers_from_files(ds, signal)
    with pytest.raises(SchemaError, match="No reader"):
        sd.add_layers_from_files(ds)
    with pytest.raises(SchemaError, match="int is no reader"):
        sd.add_layers_from_files(ds, 3)
    with pytest.raises(SchemaError, match="no coordinate 'chrom'"):
        sd.add_layers_from_files(ds.drop_vars("chrom"), genome)
    with pytest.raises(LengthError, match="reach 20 bp"):
        sd.add_layers_from_files(ds.isel(_length=slice(0, 10)), genome)
    (files / "x.fa").write_text(">a\nACGT\n")
    with pytest.raises(LengthError, match="has 1 rows, the dataset 3"):
        sd.add_layers_from_files(ds, sd.FlatFASTA("more", files / "x.fa"))
    assert not (files / "y.zarr").exists()
