"""Contigs and strands are codes on disk and names in memory, through everything that reads them."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

import seqdata as sd

CHROM = ["chr3", "chr1", "chr1", "chr10"]
STRAND = ["-", "+", ".", "+"]


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    rng = np.random.default_rng(0)
    names = ["chr1", "chr2", "chr10", "chr3"]
    path.write_text("".join(f">{n}\n{''.join(rng.choice(list('ACGT'), 80))}\n" for n in names))
    return path


def bed(chrom: list[str], strand: list[str]) -> pd.DataFrame:
    start = 5 * np.arange(len(chrom))
    return pd.DataFrame(
        {"chrom": chrom, "chromStart": start, "chromEnd": start + 8, "strand": strand}
    )


def built(fasta: Path, path: Path, chrom: list[str], strand: list[str]) -> xr.Dataset:
    reader = sd.GenomeFASTA("seq", fasta)
    return sd.from_region_files(reader, path=path, bed=bed(chrom, strand), fixed_length=8)


@pytest.fixture(params=["store", "loaded", "unchunked", "regions", "netcdf", "hdf5", "zarr"])
def ds(request: pytest.FixtureRequest, fasta: Path, tmp_path: Path) -> xr.Dataset:
    """Return the same rows from everywhere that they can come from."""
    kind = request.param
    if kind == "regions":
        return sd.open_regions(sd.GenomeFASTA("seq", fasta), bed=bed(CHROM, STRAND), fixed_length=8)
    found = built(fasta, tmp_path / "a.zarr", CHROM, STRAND)
    if kind == "loaded":
        return found.load()
    if kind == "unchunked":
        return sd.open_zarr(tmp_path / "a.zarr", chunks=None)
    if kind == "netcdf":
        found.drop_vars("seq").to_netcdf(tmp_path / "a.nc", engine="scipy")
        return xr.open_dataset(tmp_path / "a.nc", engine="scipy").load()
    if kind == "hdf5":
        pytest.importorskip("h5py")
        sd.convert.to_hdf5(found, tmp_path / "a.h5")
        return sd.convert.read_hdf5(tmp_path / "a.h5")
    if kind == "zarr":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of zarr, on types of text
            found.isel(_sequence=slice(1, 3)).to_zarr(tmp_path / "part.zarr")
            found.to_zarr(tmp_path / "b.zarr")
        return sd.open_zarr(tmp_path / "b.zarr", allow_incomplete=True)
    return found


def test_names_compare_and_select(ds: xr.Dataset) -> None:
    chrom = ds["chrom"].astype(str)
    assert chrom.values.tolist() == CHROM
    assert ds["strand"].astype(str).values.tolist() == STRAND
    test = ds.sel(_sequence=(chrom == "chr1").compute())
    assert test["start"].values.tolist() == [5, 10]
    assert (~(chrom == "chr1")).values.tolist() == [True, False, False, True]
    assert sd.splits.chromosome(ds, val=["chr10"], test=["chr3"]).tolist() == [2, 0, 0, 1]
    assert ds.sd.regions()["chrom"].tolist() == CHROM
    assert ds.sd.codes("chrom") == {"chr1": 0, "chr2": 1, "chr10": 2, "chr3": 3}


def test_a_store_holds_codes_in_the_order_of_the_genome(ds: xr.Dataset, tmp_path: Path) -> None:
    if ds["chrom"].dtype.kind == "S":
        ds = ds.assign_coords(chrom=ds["chrom"].astype(str), strand=ds["strand"].astype(str))
    sd.to_zarr(ds.drop_vars("seq", errors="ignore"), tmp_path / "again.zarr")
    group: Any = zarr.open_group(tmp_path / "again.zarr", mode="r")
    assert group["chrom"].dtype == np.int8
    assert group["chrom"][:].tolist() == [3, 0, 0, 2]
    assert group["strand"][:].tolist() == [-1, 1, 0, 1]
    assert group["chrom"].attrs["flag_meanings"] == "chr1 chr2 chr10 chr3"
    plain = xr.open_zarr(tmp_path / "again.zarr")
    assert sd.schema.decode(plain["chrom"]).tolist() == CHROM


def test_the_idiom_of_seqdata_as_it_stands(fasta: Path, tmp_path: Path) -> None:
    ds = built(fasta, tmp_path / "a.zarr", CHROM, STRAND)
    assert ds.sel(_sequence=(ds["chrom"] == "chr1").compute()).sizes["_sequence"] == 2
    assert (~(ds["chrom"] == "chr1").compute()).values.tolist() == [True, False, False, True]
    assert ds["chrom"].chunks is not None
    assert pickle.loads(pickle.dumps(ds))["chrom"].values.tolist() == CHROM


def test_rows_of_one_genome_concatenate(fasta: Path, tmp_path: Path) -> None:
    one = built(fasta, tmp_path / "a.zarr", ["chr10", "chr2"], ["+", "-"])
    two = built(fasta, tmp_path / "b.zarr", ["chr3", "chr10"], [".", "+"])
    for parts in ([one, two], [one, two.load()]):
        both = xr.concat(parts, "_sequence")
        assert both["chrom"].values.tolist() == ["chr10", "chr2", "chr3", "chr10"]
        assert sd.splits.chromosome(both, test=["chr10"]).tolist() == [2, 0, 0, 2]
    sd.to_zarr(two, tmp_path / "a.zarr", mode="a", append_dim="_sequence")
    grown = sd.open_zarr(tmp_path / "a.zarr")
    assert grown["chrom"].values.tolist() == ["chr10", "chr2", "chr3", "chr10"]


def test_contigs_of_another_genome_are_appended_by_name(fasta: Path, tmp_path: Path) -> None:
    one = built(fasta, tmp_path / "a.zarr", ["chr10"], ["+"])
    many = {f"scaffold_{i}": i for i in range(200)}
    other = one.load().assign_coords(
        chrom=("_sequence", ["scaffold_150"], sd.schema.code_attrs(many))
    )
    both = xr.concat([one, other], "_sequence")
    sd.to_zarr(both, tmp_path / "b.zarr")
    assert sd.open_zarr(tmp_path / "b.zarr")["chrom"].values.tolist() == ["chr10", "scaffold_150"]


def test_batches_hold_codes(fasta: Path, tmp_path: Path) -> None:
    ds = built(fasta, tmp_path / "a.zarr", CHROM, STRAND)
    loader = sd.get_torch_dataloader(ds, variables=["seq", "chrom", "strand"], batch_size=4)
    batch = next(iter(loader))
    assert batch["chrom"].tolist() == [3, 0, 0, 2]
    assert batch["strand"].tolist() == [-1, 1, 0, 1]


def test_nested_attributes_are_text_that_reads_as_a_mapping(fasta: Path, tmp_path: Path) -> None:
    ds = built(fasta, tmp_path / "a.zarr", CHROM, STRAND)
    provenance = ds.attrs["provenance"]
    assert provenance["options"]["fixed_length"] == 8
    assert dict(provenance)["options"] == provenance.get("options")
    assert copy.deepcopy(provenance) == pickle.loads(pickle.dumps(provenance)) == dict(provenance)
    sd.to_zarr(ds, tmp_path / "b.zarr")
    group: Any = zarr.open_group(tmp_path / "b.zarr", mode="r")
    assert group.attrs["provenance"]["options"] == dict(provenance["options"])


def test_legacy_stores_without_a_length_dimension(tmp_path: Path) -> None:
    from numcodecs import VLenBytes

    (tmp_path / "seq").mkdir()
    array = (
        '{"chunks": [2], "compressor": null, "dtype": "|O", "fill_value": null, "order": "C", '
        '"filters": [{"id": "vlen-bytes"}], "shape": [2], "zarr_format": 2}'
    )
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    (tmp_path / ".zattrs").write_text('{"length_dim": null, "sequence_dim": "_sequence"}')
    (tmp_path / "seq" / ".zarray").write_text(array)
    (tmp_path / "seq" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["_sequence"]}')
    rows = np.array([b"GATTA", b"CA"], dtype=object)
    (tmp_path / "seq" / "0").write_bytes(VLenBytes().encode(rows))
    ds = sd.convert.read_legacy(tmp_path)
    assert dict(ds.sizes) == {"_sequence": 2, "_length": 5}
    assert ds.sd.length_dim == "_length"
