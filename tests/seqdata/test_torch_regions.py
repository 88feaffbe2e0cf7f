"""Windows cut from genome files by the loader, beside the store built from the same files."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import xarray as xr

import seqdata as sd
import seqpro as sp
from seqdata.errors import SchemaError, SeqdataError
from seqdata.torch import SequenceLoader, get_torch_dataloader
from seqdata.windows._signal_cache import StepFile

SIZES = {"c1": 3000, "c2": 900, "c3": 400}
WIDTH, ROOM = 60, 6
OPTIONS: dict[str, Any] = {"batch_size": 16, "shuffle": True, "seed": 3, "index": "index"}


def write_signal(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = pyBigWig.open(str(path), "w")
    out.addHeader(list(SIZES.items()))
    for contig, size in SIZES.items():
        edges = np.unique(rng.integers(0, size, size // 8))
        keep = rng.random(len(edges) - 1) < 0.8
        values = rng.integers(0, 5, len(edges) - 1).astype(float) * 0.3
        out.addEntries(
            [contig] * int(keep.sum()),
            edges[:-1][keep].tolist(),
            ends=edges[1:][keep].tolist(),
            values=values[keep].tolist(),
        )
    out.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    with (folder / "g.fa").open("w") as out:
        for contig, size in SIZES.items():
            letters = "".join(rng.choice(list("ACGTN"), size, p=[0.24] * 4 + [0.04]))
            lines = [letters[i : i + 50] for i in range(0, size, 50)]
            out.write(f">{contig}\n" + "\n".join(lines) + "\n")
    for seed, name in enumerate(("plus", "minus", "input")):
        write_signal(folder / f"{name}.bw", seed)
    return folder


@pytest.fixture(scope="module")
def bed() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 83
    contig = rng.choice(list(SIZES), n)
    centre = np.array([rng.integers(-5, SIZES[c] + 5) for c in contig])
    return pd.DataFrame(
        {
            "chrom": contig,
            "chromStart": np.maximum(centre - 20, 0),
            "chromEnd": np.maximum(centre + 20, 5),
            "strand": rng.choice(["+", "-", "."], n),
            "score": rng.random(n),
            "is_peak": rng.random(n) < 0.3,
        }
    )


def readers(folder: Path) -> list[Any]:
    return [
        sd.GenomeFASTA("seq", folder / "g.fa"),
        sd.BigWig(
            "cov",
            [folder / f"{s}.bw" for s in ("plus", "minus", "input")],
            ["x.plus", "x.minus", "input"],
            strands=["+", "-", "."],
        ),
    ]


@pytest.fixture(scope="module")
def opened(files: Path, bed: pd.DataFrame) -> xr.Dataset:
    return sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH)


@pytest.fixture(scope="module")
def stored(files: Path, bed: pd.DataFrame) -> dict[int, xr.Dataset]:
    made = {}
    for room in (0, ROOM):
        path = files / f"room{room}.zarr"
        made[room] = sd.from_region_files(
            *readers(files), path=path, bed=bed, fixed_length=WIDTH, max_jitter=room
        )
    return made


def collect(loader: SequenceLoader) -> dict[str, np.ndarray]:
    batches = list(loader)
    assert len(batches) == len(loader)
    return {k: np.concatenate([b[k].numpy() for b in batches]) for k in batches[0]}


def assert_same(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> None:
    assert got.keys() == want.keys()
    for name, values in want.items():
        assert got[name].dtype == values.dtype
        np.testing.assert_array_equal(got[name], values, err_msg=name)


def test_the_dataset_is_that_of_the_store(opened, stored):
    store = stored[0]
    assert set(opened.variables) == set(store.variables)
    assert set(opened.coords) == set(store.coords)
    for name, variable in store.variables.items():
        assert opened[name].dims == variable.dims, name
        assert opened[name].dtype == variable.dtype, name
        np.testing.assert_array_equal(opened[name].values, variable.values, err_msg=str(name))
        for key, value in variable.attrs.items():
            np.testing.assert_array_equal(opened[name].attrs[key], value)
    assert {k: opened.attrs[k] for k in ("length_dim", "max_jitter", "schema_version")} == {
        k: store.attrs[k] for k in ("length_dim", "max_jitter", "schema_version")
    }
    recorded = [f["path"] for f in opened.attrs["provenance"]["files"]]
    assert recorded == [f["path"] for f in store.attrs["provenance"]["files"]]


@pytest.mark.parametrize("in_memory", [True, False, None])
@pytest.mark.parametrize(("max_jitter", "rc_prob"), [(None, 0.0), (0, 0.5), (ROOM, 0.0), (4, 0.5)])
def test_batches_are_those_of_the_store(opened, stored, in_memory, max_jitter, rc_prob):
    options = OPTIONS | {"max_jitter": max_jitter, "rc_prob": rc_prob}
    loader = get_torch_dataloader(opened, in_memory=in_memory, **options)
    if max_jitter:
        options["length"] = WIDTH
    store = stored[ROOM if max_jitter else 0]
    beside = get_torch_dataloader(store, in_memory=True, **options)
    for epoch in (0, 3):
        loader.set_epoch(epoch)
        beside.set_epoch(epoch)
        got = collect(loader)
        assert_same(got, collect(beside))
        assert sorted(got["index"]) == list(range(83))


@pytest.mark.parametrize("length", [41, 60, 75])
def test_windows_of_another_length_share_the_middle(files, bed, opened, length):
    store = sd.from_region_files(
        *readers(files), path=files / f"len{length}.zarr", bed=bed, fixed_length=100
    )
    options = OPTIONS | {"max_jitter": 5, "length": length + length % 2, "lengths": {"cov": 30}}
    got = collect(get_torch_dataloader(opened, in_memory=False, **options))
    assert_same(got, collect(get_torch_dataloader(store, **options)))


@pytest.mark.parametrize("batch_size, workers", [(1, 0), (7, 0), (83, 0), (7, 2), (83, 2)])
def test_batch_size_and_workers_change_nothing(opened, batch_size, workers):
    options = OPTIONS | {"max_jitter": 4, "rc_prob": 0.5}
    want = collect(get_torch_dataloader(opened, in_memory=True, **options))
    options |= {"batch_size": batch_size, "num_workers": workers, "in_memory": False}
    loader = get_torch_dataloader(opened, buffer_bytes=60_000, **options)
    assert_same(collect(loader), want)


@pytest.mark.parametrize("stop", [0, 2, 5])
@pytest.mark.parametrize("workers", [0, 1])
def test_resume_in_the_middle_of_an_epoch(opened, stop, workers):
    options = OPTIONS | {"max_jitter": 4, "rc_prob": 0.5, "in_memory": False}
    whole = list(get_torch_dataloader(opened, **options))
    first = get_torch_dataloader(opened, **options)
    batches = iter(first)
    for _ in range(stop):
        next(batches)
    again = get_torch_dataloader(opened, num_workers=workers, buffer_bytes=40_000, **options)
    again.load_state_dict(first.state_dict())
    rest = list(again)
    assert len(rest) == len(whole) - stop
    for a, b in zip(rest, whole[stop:], strict=True):
        assert all(np.array_equal(a[k], b[k]) for k in b)


def test_ranks_share_the_rows(opened):
    options = OPTIONS | {"in_memory": False, "world_size": 3}
    parts = [collect(get_torch_dataloader(opened, rank=r, **options))["index"] for r in range(3)]
    assert {len(p) for p in parts} == {28}
    assert set(np.concatenate(parts)) == set(range(83))


def test_other_strand_is_what_pybigwig_has_on_the_opposite_strand(files, bed, opened):
    options = {"batch_size": 83, "rc_prob": 1.0, "max_jitter": 0, "in_memory": False}
    turned = collect(get_torch_dataloader(opened, variables=["seq", "cov", "mask"], **options))
    signal = [pyBigWig.open(str(files / f"{s}.bw")) for s in ("plus", "minus", "input")]
    start = opened["start"].values
    for row in range(83):
        contig = bed["chrom"][row]
        inside = np.arange(start[row], start[row] + WIDTH)
        known = (inside >= 0) & (inside < SIZES[contig])
        want = np.zeros((3, WIDTH), np.float32)
        for i, handle in enumerate(signal):
            if known.any():
                low, high = inside[known][0], inside[known][-1] + 1
                want[i, known] = np.nan_to_num(handle.values(contig, int(low), int(high)))
        if bed["strand"][row] != "-":
            # a row of the forward strand is shown as the reverse one: strands swap
            want, known = want[[1, 0, 2], ::-1], known[::-1]
        np.testing.assert_array_equal(turned["cov"][row], want)
        np.testing.assert_array_equal(turned["mask"][row], known)
    for handle in signal:
        handle.close()
    once = turned["seq"].view("S1")
    np.testing.assert_array_equal(
        sp.reverse_complement(once, sp.DNA, length_axis=1), opened["seq"].values
    )


def test_a_written_copy_is_the_same(opened, tmp_path):
    sd.to_zarr(opened, tmp_path / "copy.zarr")
    copy = sd.open_zarr(tmp_path / "copy.zarr")
    for name in opened.variables:
        np.testing.assert_array_equal(copy[name].values, opened[name].values)


def test_rows_can_be_chosen_and_indexed(opened, stored):
    rows = np.array([70, 3, 3, 20])
    part = opened.isel(_sequence=rows)
    assert repr(part["seq"].variable.data).startswith("<seq of 4 regions")
    np.testing.assert_array_equal(part["cov"].values, stored[0]["cov"].values[rows])
    got = collect(get_torch_dataloader(part, batch_size=3, in_memory=False))
    np.testing.assert_array_equal(got["cov"], stored[0]["cov"].values[rows])
    np.testing.assert_array_equal(
        opened["cov"][5, :, 10:20].values, stored[0]["cov"].values[5, :, 10:20]
    )
    np.testing.assert_array_equal(opened["seq"][-3:, ::2].values, stored[0]["seq"].values[-3:, ::2])
    assert float(opened["cov"].sum()) == pytest.approx(float(stored[0]["cov"].sum()))
    np.testing.assert_array_equal(
        (opened["cov"] + 1).transpose("_length", ...).values,
        (stored[0]["cov"] + 1).transpose("_length", ...).values,
    )
    empty = opened.isel(_sequence=[])
    assert list(get_torch_dataloader(empty, batch_size=3, in_memory=False)) == []
    assert empty["cov"].values.shape == (0, 3, WIDTH)


def test_two_sample_dimensions(opened, stored):
    dims = ["_sequence", "cov_sample"]
    options = OPTIONS | {"variables": ["seq", "cov", "score"]}
    got = collect(get_torch_dataloader(opened, dims, in_memory=False, **options))
    assert_same(got, collect(get_torch_dataloader(stored[0], dims, in_memory=True, **options)))


def test_signal_is_decoded_once(files, bed, tmp_path, monkeypatch):
    ds = sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH, cache_dir=tmp_path)
    want = collect(get_torch_dataloader(ds, in_memory=False, **OPTIONS))
    kept = sorted((tmp_path / "signal").rglob("*.steps"))
    # one file a BigWig, whatever the number of its contigs
    assert sorted((tmp_path / "signal").iterdir()) == kept
    assert len(kept) == 3

    asked: list[str] = []
    decode = StepFile._decode
    monkeypatch.setattr(
        StepFile, "_decode", lambda self, contig: (asked.append(contig), decode(self, contig))
    )
    ds = sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH, cache_dir=tmp_path)
    assert_same(collect(get_torch_dataloader(ds, in_memory=False, **OPTIONS)), want)
    assert asked == []
    # cut short in its last contig, and empty
    kept[0].write_bytes(kept[0].read_bytes()[:-8])
    kept[1].write_bytes(b"")
    ds = sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH, cache_dir=tmp_path)
    assert_same(collect(get_torch_dataloader(ds, in_memory=False, **OPTIONS)), want)
    assert len(asked) == 4
    asked.clear()
    # a damaged head is written over in its place, and what lies behind it is found again
    kept[2].write_bytes(b"\0" + kept[2].read_bytes()[1:])
    ds = sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH, cache_dir=tmp_path)
    assert_same(collect(get_torch_dataloader(ds, in_memory=False, **OPTIONS)), want)
    assert len(asked) == 1


def test_what_a_killed_decoder_left_is_written_over(files, tmp_path):
    signal = sd.BigWig("cov", files / "plus.bw", "x")
    whole = StepFile(files / "plus.bw", signal.contigs(), tmp_path)
    want = {name: whole.steps(name).copy() for name in SIZES}
    killed = StepFile(files / "plus.bw", signal.contigs(), tmp_path / "other")
    killed.steps("c2")
    with killed.file.open("ab") as out:
        # steps without the head that tells of them
        out.write(b"\0" * 24 + b"\x07" * 1000)
    for name in SIZES:
        np.testing.assert_array_equal(killed.steps(name), want[name])
    again = StepFile(files / "plus.bw", signal.contigs(), tmp_path / "other")
    for name in SIZES:
        np.testing.assert_array_equal(again._mapped(name), want[name])


def test_processes_decode_into_one_file(files, tmp_path):
    contigs = sd.BigWig("cov", files / "minus.bw", "x").contigs()
    names = list(SIZES)
    sets = [StepFile(files / "minus.bw", contigs, tmp_path) for _ in range(6)]
    threads = [
        threading.Thread(target=lambda f=f, i=i: [f.steps(n) for n in names[i:] + names[:i]])
        for i, f in enumerate(sets)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    size = sum(24 + f.nbytes for f in (sets[0].steps(name) for name in SIZES))
    assert sets[0].file.stat().st_size == size
    for f in sets[1:]:
        for name in SIZES:
            np.testing.assert_array_equal(f.steps(name), sets[0].steps(name))


def test_genomes_of_many_contigs(tmp_path):
    # what a batch costs depends on its windows, not on the contigs of the genome
    names = [f"t{i}" for i in range(3000)]
    with pyBigWig.open(str(tmp_path / "x.bw"), "w") as out:
        out.addHeader([(name, 60) for name in names])
        out.addEntries(names, [10] * 3000, ends=[20] * 3000, values=[float(i) for i in range(3000)])
    bed = pd.DataFrame({"chrom": names, "chromStart": 5, "chromEnd": 25})
    signal = sd.BigWig("cov", tmp_path / "x.bw", "x")
    opened = []
    before = sd.BigWig.__init__
    ds = sd.open_regions(signal, bed=bed, fixed_length=20, cache_dir=tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def counted(self, *args, **options):
            opened.append(args)
            before(self, *args, **options)

        patch.setattr(sd.BigWig, "__init__", counted)
        rows = np.arange(0, 3000, 50)
        loader = get_torch_dataloader(ds, indices=rows, batch_size=10, in_memory=False)
        got = collect(loader)["cov"]
    want = np.zeros((60, 1, 20), np.float32)
    want[:, 0, 5:15] = rows[:, None]
    np.testing.assert_array_equal(got, want)
    assert len(opened) == 1


def test_a_changed_bigwig_is_decoded_anew(tmp_path):
    bed = pd.DataFrame({"chrom": ["c1"] * 4, "chromStart": [0, 100, 200, 300]})
    bed["chromEnd"] = bed["chromStart"] + 50
    values = []
    for seed in (7, 8):
        write_signal(tmp_path / "x.bw", seed)
        os.utime(tmp_path / "x.bw", ns=(seed, seed))
        signal = sd.BigWig("cov", tmp_path / "x.bw", "x")
        ds = sd.open_regions(signal, bed=bed, fixed_length=50, cache_dir=tmp_path)
        got = collect(get_torch_dataloader(ds, batch_size=4, in_memory=False))["cov"]
        np.testing.assert_array_equal(got, ds["cov"].values)
        values.append(got)
    assert not np.array_equal(*values)


def test_a_failed_decoding_leaves_nothing(files, bed, tmp_path, monkeypatch):
    ds = sd.open_regions(*readers(files), bed=bed, fixed_length=WIDTH, cache_dir=tmp_path)

    def fail(self: StepFile, contig: str, out: Any) -> None:
        out.write(b"half")
        raise OSError("no room")

    monkeypatch.setattr(StepFile, "_write_steps", fail)
    with pytest.raises(OSError, match="no room"):
        list(get_torch_dataloader(ds, in_memory=False, batch_size=9))
    assert [p for p in (tmp_path / "signal").rglob("*") if p.is_file()] == []


def test_mistakes_are_explained(files, bed, opened):
    with pytest.raises(SchemaError, match="No reader was given"):
        sd.open_regions(bed=bed, fixed_length=10)
    with pytest.raises(SchemaError, match="have one length: pass fixed_length=<bp>"):
        sd.open_regions(*readers(files), bed=bed, fixed_length=False)
    with pytest.raises(SchemaError, match="Table is no reader of regions"):
        table = files / "t.csv"
        table.write_text("s\nA\n")
        sd.open_regions(sd.Table("seq", table, "s"), bed=bed, fixed_length=5)
    with pytest.raises(SchemaError, match="'seq'"):
        sd.open_regions(
            *readers(files), bed=bed.rename(columns={"score": "seq"}), fixed_length=WIDTH
        )
    with pytest.raises(SeqdataError, match="leave `cache` away"):
        get_torch_dataloader(opened, cache="memmap")


def test_real_yeast_signal(data_files, tmp_path):
    yeast = data_files / "sacCer3"
    peaks = sd.read_bedlike(yeast / "ATAC_macs3_callpeak_derived.narrowPeak").iloc[:300:2]
    ds = sd.open_regions(
        sd.GenomeFASTA("seq", yeast / "sacCer3.fa.gz", on_unknown="n"),
        sd.BigWig(
            "cov",
            [yeast / "ATAC_cutsites_both_ends.bw", yeast / "ATAC_fragment_coverage.bw"],
            ["cuts", "depth"],
        ),
        bed=peaks,
        fixed_length=500,
        cache_dir=tmp_path,
    )
    options = OPTIONS | {"max_jitter": 50, "rc_prob": 0.5, "variables": ["seq", "cov"]}
    got = collect(get_torch_dataloader(ds, in_memory=False, **options))
    assert_same(got, collect(get_torch_dataloader(ds, in_memory=True, **options)))
    assert got["cov"].sum() > 0


def test_files_are_closed_with_the_dataset(tmp_path: Path) -> None:
    pysam = pytest.importorskip("pysam")
    (tmp_path / "g.fa").write_text(">c\nACGTACGTAC\n")
    pysam.tabix_compress(str(tmp_path / "g.fa"), str(tmp_path / "g.fa.gz"))
    with pyBigWig.open(str(tmp_path / "t.bw"), "w") as track:
        track.addHeader([("c", 10)])
        track.addEntries("c", 0, values=[1.0] * 10, span=1, step=1)
    bed = pd.DataFrame({"chrom": ["c"], "chromStart": [2], "chromEnd": [6]})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ds = sd.open_regions(
            sd.GenomeFASTA("seq", tmp_path / "g.fa.gz"),
            sd.BigWig("cov", tmp_path / "t.bw", "a"),
            bed=bed,
            fixed_length=4,
        )
        assert ds["cov"].values.sum() == 4
        assert ds["seq"].values.tobytes() == b"GTAC"
        del ds
        gc.collect()
    assert [str(w.message) for w in seen if w.category is ResourceWarning] == []
