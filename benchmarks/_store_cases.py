"""What the store benchmarks time: building a data set from files, and epochs of shuffled batches.

Every build writes sequence and profiles of the regions into ``$BENCH_STORES/<name>``; its digest
is that of all letters and values read back, row by row in the order of the regions. Values are
rounded to the three decimals that the inputs have, since SeqData's Delta filter on floats loses
the last bits (up to 2e-6 here).

GenVarLoader 0.43.1 lays the values of several tracks out as (track, row, base) and hands them over
as (row, track, base), so that rows get each other's profiles. Its bytes are read as what they are.
Its buffered loader does the same for a whole buffer, which cannot be undone batch by batch.

An epoch yields batches of 128 rows, letters (one byte each) and four float32 profiles. Its digest
is the sum over all rows of a number that letters and values of the row have in common, and the
number of different rows, so that it is equal only if each row came exactly once, letters and
values together.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from _genome_inputs import TRACKS, WIDTH, bigwigs

BATCH = 128
# rows of a chunk in the store of SeqData: its readers' batch_size, as in its tutorials
SEQDATA_ROWS = 1000


def _stores() -> Path:
    return Path(os.environ["BENCH_STORES"])


def _bed(folder: Path) -> Path:
    return folder / f"{os.environ.get('BENCH_BED', 'regions')}.bed"


def _content(parts: Iterable[tuple[Any, Any]]) -> bytes:
    """Return digests of all letters and of all values."""
    letters, values = hashlib.sha256(), hashlib.sha256()
    for seq, cov in parts:
        letters.update(np.ascontiguousarray(seq))
        values.update(np.round(np.ascontiguousarray(cov, dtype=np.float64), 3) + 0.0)
    return letters.digest() + values.digest()


def build_ours(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    path = _stores() / "ours.zarr"

    def run() -> Any:
        return sd.from_region_files(
            sd.GenomeFASTA("seq", folder / "genome.fa"),
            sd.BigWig("cov", bigwigs(folder), TRACKS),
            path=path,
            fixed_length=WIDTH,
            bed=_bed(folder),
            overwrite=True,
        )

    def digest(ds: Any) -> bytes:
        steps = range(0, ds.sizes["_sequence"], 1024)
        parts = (ds.isel(_sequence=slice(i, i + 1024)) for i in steps)
        return _content((part["seq"].values, part["cov"].values) for part in parts)

    return run, digest


def build_seqdata(folder: Path) -> tuple[Any, Any]:
    import seqdata as sd

    path = _stores() / "seqdata.zarr"

    def run() -> Any:
        files = [str(file) for file in bigwigs(folder)]
        return sd.from_region_files(
            sd.GenomeFASTA("seq", folder / "genome.fa", batch_size=SEQDATA_ROWS),
            sd.BigWig("cov", files, list(TRACKS), batch_size=SEQDATA_ROWS, n_jobs=1),
            path=path,
            fixed_length=WIDTH,
            bed=str(_bed(folder)),
            overwrite=True,
        )

    def digest(ds: Any) -> bytes:
        steps = range(0, ds.sizes["_sequence"], 1000)
        parts = (ds.isel(_sequence=slice(i, i + 1000)) for i in steps)
        return _content((part["seq"].values, part["cov"].values) for part in parts)

    return run, digest


def _open_gvl(folder: Path) -> Any:
    import genvarloader as gvl

    ds = gvl.Dataset.open(_stores() / "gvl", folder / "genome.fa", rc_neg=False)
    return ds.with_seqs("reference").with_tracks(list(TRACKS)).with_len(WIDTH)


def _as_laid_out(cov: Any) -> np.ndarray:
    """Return GenVarLoader's values of several tracks under their own rows."""
    values = np.asarray(cov)
    return values.reshape(values.shape[1], values.shape[0], -1).transpose(1, 0, 2)


def build_gvl(folder: Path) -> tuple[Any, Any]:
    import genvarloader as gvl

    files = zip(TRACKS, bigwigs(folder), strict=True)
    tracks = [gvl.BigWigs(name, {"sample": str(file)}) for name, file in files]

    def run() -> None:
        gvl.write(_stores() / "gvl", gvl.read_bedlike(_bed(folder)), tracks=tracks, overwrite=True)

    def digest(_: None) -> bytes:
        ds = _open_gvl(folder)
        steps = range(0, ds.shape[0], 1000)
        rows = (slice(i, min(i + 1000, ds.shape[0])) for i in steps)
        parts = (ds[part, 0] for part in rows)
        return _content((seq, _as_laid_out(cov)) for seq, cov in parts)

    return run, digest


def _bytes(letters: Any) -> np.ndarray:
    array = np.asarray(letters)
    if array.ndim == 3:
        return np.frombuffer(b"ACGT", np.uint8)[array.argmax(2)]
    return array if array.dtype == np.uint8 else array.view(np.uint8)


def _epoch(batches: Callable[[], Iterable[tuple[Any, Any]]]) -> tuple[Any, Any]:
    weights = np.random.default_rng(3).integers(0, 1 << 40, WIDTH, dtype=np.uint64)

    def run() -> int:
        return sum(len(seq) for seq, _ in batches())

    def digest(_: int) -> bytes:
        rows = []
        for seq, cov in batches():
            values = np.round(np.asarray(cov).astype(np.float64), 3).astype(np.float32) + 0
            word = (_bytes(seq).astype(np.uint64) * weights).sum(1, dtype=np.uint64)
            sums = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64)
            word ^= (sums * weights).sum(2, dtype=np.uint64) @ np.array([1, 3, 5, 7], np.uint64)
            rows.append(word)
        every = np.concatenate(rows)
        return repr((len(every), len(np.unique(every)), int(every.sum(dtype=np.uint64)))).encode()

    return run, digest


def _ours(**options: Any) -> tuple[Any, Any]:
    import seqdata as sd

    ds = sd.open_zarr(_stores() / "ours.zarr")
    loader = sd.get_torch_dataloader(
        ds, "_sequence", ["seq", "cov"], batch_size=BATCH, shuffle=True, **options
    )
    return _epoch(lambda: ((batch["seq"], batch["cov"]) for batch in loader))


def epoch_ours_memory(folder: Path) -> tuple[Any, Any]:
    return _ours(in_memory=True)


def epoch_ours_one_hot(folder: Path) -> tuple[Any, Any]:
    import torch

    import seqpro as sp

    return _ours(
        in_memory=True,
        transform=lambda batch: {"seq": sp.ohe(batch["seq"]), "cov": batch["cov"]},
        dtypes=torch.float32,
    )


def epoch_ours_zarr(folder: Path) -> tuple[Any, Any]:
    return _ours(in_memory=False)


def epoch_ours_memmap(folder: Path) -> tuple[Any, Any]:
    return _ours(cache="memmap")


def epoch_zarr(folder: Path) -> tuple[Any, Any]:
    """Whole shards with plain zarr, rows permuted within each: the least a reader can do."""
    import zarr

    group = zarr.open_group(_stores() / "ours.zarr", mode="r")
    seq, cov = group["seq"], group["cov"]
    step = cov.shards[0]
    rng = np.random.default_rng(0)

    def batches() -> Iterable[tuple[Any, Any]]:
        for start in rng.permutation(range(0, seq.shape[0], step)).tolist():
            letters, values = seq[start : start + step], cov[start : start + step]
            order = rng.permutation(len(letters))
            for i in range(0, len(order), BATCH):
                chosen = order[i : i + BATCH]
                yield letters[chosen], values[chosen]

    return _epoch(batches)


def epoch_numpy(folder: Path) -> tuple[Any, Any]:
    """Fancy indexing of arrays in memory: what a batch costs as a copy."""
    import zarr

    group = zarr.open_group(_stores() / "ours.zarr", mode="r")
    seq, cov = group["seq"][:], group["cov"][:]
    rng = np.random.default_rng(0)

    def batches() -> Iterable[tuple[Any, Any]]:
        order = rng.permutation(len(seq))
        for i in range(0, len(order), BATCH):
            chosen = order[i : i + BATCH]
            yield seq[chosen], cov[chosen]

    return _epoch(batches)


def epoch_gvl(folder: Path) -> tuple[Any, Any]:
    loader = _open_gvl(folder).to_dataloader(batch_size=BATCH, shuffle=True)
    return _epoch(lambda: ((seq, _as_laid_out(cov)) for seq, cov in loader))


def epoch_gvl_buffered(folder: Path) -> tuple[Any, Any]:
    loader = _open_gvl(folder).to_dataloader(batch_size=BATCH, shuffle=True, mode="buffered")
    return _epoch(lambda: iter(loader))


def _seqdata_letters(batch: dict[str, Any]) -> dict[str, Any]:
    return {"seq": batch["seq"].view(np.uint8), "cov": batch["cov"]}


def _seqdata_one_hot(batch: dict[str, Any]) -> dict[str, Any]:
    import seqpro as sp

    return {"seq": sp.ohe(batch["seq"], sp.alphabets.DNA), "cov": batch["cov"]}


def _seqdata_memory(transform: Any, dtype: str) -> tuple[Any, Any]:
    import torch

    import seqdata as sd

    ds = sd.open_zarr(_stores() / "seqdata.zarr")
    loader = sd.get_torch_dataloader(
        ds[["seq", "cov"]].load(),
        "_sequence",
        ["seq", "cov"],
        transform=transform,
        dtypes={"seq": getattr(torch, dtype), "cov": torch.float32},
        batch_size=BATCH,
        shuffle=True,
    )
    return _epoch(lambda: ((batch["seq"], batch["cov"]) for batch in loader))


def epoch_seqdata_memory(folder: Path) -> tuple[Any, Any]:
    """Letters as bytes, the least that SeqData's loader can do."""
    return _seqdata_memory(_seqdata_letters, "uint8")


def epoch_seqdata_one_hot(folder: Path) -> tuple[Any, Any]:
    """One-hot float32, as SeqData's documentation has it."""
    return _seqdata_memory(_seqdata_one_hot, "float32")


def epoch_seqdata_disk(folder: Path) -> tuple[Any, Any]:
    import torch

    import seqdata as sd

    ds = sd.open_zarr(_stores() / "seqdata.zarr")
    loader = sd.XArrayDataLoader(
        ds,
        "_sequence",
        ["seq", "cov"],
        transform=_seqdata_letters,
        dtypes={"seq": torch.uint8, "cov": torch.float32},
        batch_size=BATCH,
        shuffle=True,
        seed=0,
    )
    return _epoch(lambda: ((batch["seq"], batch["cov"]) for batch in loader))


def size(path: Path) -> int:
    """Return the bytes of all files of a store."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
