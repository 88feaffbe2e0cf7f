from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from seqdata.build import _regions as _region_build
from seqdata.errors import SeqdataError, UnknownLetterError
from seqdata.store import StoreWriter, _shards


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes of one thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as workers,
        Client(workers) as client,
    ):
        yield client


def contents(folder: Path) -> dict[str, bytes]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("ragged", [False, True])
def test_worker_processes_give_the_same_bytes(
    cluster: Any, genome: Any, tmp_path: Path, ragged: bool
) -> None:
    bed = genome.random_bed(2500)
    if ragged:
        bed.loc[7, ["chrom", "chromStart", "chromEnd"]] = ["chr1", 10, 900]
    options = {"bed": bed, "fixed_length": False if ragged else 16}
    ds = sd.from_region_files(*genome.readers(), path=tmp_path / "a.zarr", **options)
    assert ("seq_offsets" in ds) == ragged
    sd.from_region_files(*genome.readers(), path=tmp_path / "b.zarr", client=cluster, **options)
    assert len(contents(tmp_path / "a.zarr")) > 15
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")


def test_a_worker_that_is_killed(
    cluster: Any, genome: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed = genome.random_bed(3000).drop(columns="peak")
    options = {"bed": bed, "fixed_length": 400, "max_jitter": 9}
    monkeypatch.setattr(_shards, "SHARD_ROWS", 128)
    sd.from_region_files(*genome.readers(), path=tmp_path / "a.zarr", **options)
    shards = sum(1 for _ in (tmp_path / "a.zarr" / "cov" / "c").iterdir())
    processes = cluster.run(os.getpid)
    put, submit = StoreWriter.put_packed, cluster.submit
    in_flight, most, victims = set(), [0], list(processes.values())[:1]

    def counted(function: Any, *args: Any, **kwargs: Any) -> Any:
        future = submit(function, *args, **kwargs)
        if function is _region_build._remote_shard:
            in_flight.add(future.key)
            most[0] = max(most[0], len(in_flight))
        return future

    def stop_one(self: StoreWriter, name: str, *args: Any) -> None:
        put(self, name, *args)
        if name == "mask":
            in_flight.pop()
        if victims and name == "cov":
            os.kill(victims.pop(), signal.SIGKILL)

    monkeypatch.setattr(cluster, "submit", counted)
    monkeypatch.setattr(StoreWriter, "put_packed", stop_one)
    sd.from_region_files(*genome.readers(), path=tmp_path / "b.zarr", client=cluster, **options)
    assert not victims
    assert shards > 20
    assert most[0] <= 4
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.zarr", "b.zarr"]


def test_errors_of_workers_are_ours(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\n" + "ACGT" * 5000 + "Z\n")
    bed = pd.DataFrame({"chrom": "c", "chromStart": np.arange(0, 20000, 5)})
    bed["chromEnd"] = bed["chromStart"] + 5
    with pytest.raises(UnknownLetterError, match="record 'c', position 20001"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed,
            fixed_length=9, client=cluster,
        )  # fmt: skip
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["g.fa", "g.fa.fai"]


def test_an_address_is_no_client(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\nACGTACGT\n")
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [0], "chromEnd": [4]})
    with pytest.raises(SeqdataError, match=r"got str 'tcp://a:1'; an address is Client"):
        sd.from_region_files(
            sd.GenomeFASTA("seq", tmp_path / "g.fa"), path=tmp_path / "x.zarr", bed=bed,
            fixed_length=4, client="tcp://a:1",
        )  # fmt: skip
    assert not (tmp_path / "x.zarr").exists()
