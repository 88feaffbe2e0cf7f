"""Read damaged files in a process of its own, so that a crash of the interpreter is noticed.

``python fuzz_worker.py FOLDER`` takes one JSON list ``[kind, mutation, seed]`` a line on standard
input. For each it copies the sound files of the kind, damages one of them, reads it with seqdata,
and prints one JSON object: what came out, and whether an independent reading of the same bytes
(``fuzz_oracles``) agrees. ``prepare(FOLDER)`` makes the sound files.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_oracles as oracles
import numpy as np
import pandas as pd
import zarr
from fuzz_sources import KINDS, WINDOWS, prepare

import seqdata as sd
from seqdata.readers import Windows

MUTATIONS = (
    "bit", "bits", "byte", "cut", "zero", "swap", "drop", "double", "length", "tail",
)  # fmt: skip


def mutate(data: bytes, mutation: str, rng: np.random.Generator) -> bytes:
    """Damage bytes; three of ten times near their beginning, where headers are."""
    out = bytearray(data)
    size = len(out)
    at = int(rng.integers(size if rng.random() < 0.7 else min(size, 256)))
    if mutation == "bit":
        out[at] ^= 1 << int(rng.integers(8))
    elif mutation == "bits":
        for place in rng.integers(size, size=8):
            out[place] ^= 1 << int(rng.integers(8))
    elif mutation == "byte":
        out[at] = int(rng.integers(256))
    elif mutation == "cut":
        del out[at:]
    elif mutation == "zero":
        run = min(int(rng.integers(1, 200)), size - at)
        out[at : at + run] = bytes(run)
    elif mutation == "swap":
        run = min(64, size // 4)
        one, two = (int(place) for place in rng.integers(size - run, size=2))
        first, second = bytes(out[one : one + run]), bytes(out[two : two + run])
        out[one : one + run] = second
        out[two : two + run] = first
    elif mutation == "drop":
        del out[at : at + int(rng.integers(1, 50))]
    elif mutation == "double":
        out[at:at] = out[at : at + int(rng.integers(1, 50))]
    elif mutation == "length":
        for i in range(min(4, size - at)):
            out[at + i] = (0xFF, 0, 0x7F, 1)[int(rng.integers(4))]
    elif mutation == "tail":
        out += bytes(rng.integers(256, size=int(rng.integers(1, 64)), dtype=np.uint8))
    return bytes(out)


def windows(name: str) -> tuple[Windows, int]:
    """Return the windows that readers of a kind are asked for, and the longest."""
    spec = WINDOWS[name]
    names = tuple(dict.fromkeys(contig for contig, _, _ in spec))
    made = Windows(
        names,
        np.array([names.index(contig) for contig, _, _ in spec], dtype=np.int32),
        np.array([start for _, start, _ in spec]),
        np.array([end for _, _, end in spec]),
        np.ones(len(spec), dtype=np.int8),
    )
    return made, int(made.lengths.max())


def flat_rows(reader: Any, first: str | None) -> list[list[Any]]:
    rows = []
    for block in reader.blocks({}):
        text = block.letters.tobytes().decode()
        ends = np.cumsum(block.lengths)
        for i, end in enumerate(ends):
            letters = text[end - block.lengths[i] : end]
            values = [column[i] for column in block.columns.values()]
            rows.append([letters, *values] if first is None else [*values, letters])
    return rows


def region_values(reader: Any, name: str) -> Any:
    asked, width = windows(name)
    values = reader.read(asked, width)
    reader.close()
    return values if values.ndim == 2 else values[:, 0]


def stored_values(path: Path) -> list[list[Any]]:
    ds = sd.open_zarr(path)
    return [[str(n), np.asarray(ds[n].values).tolist()] for n in sorted(map(str, ds.variables))]


def make_reader(kind: str, folder: Path) -> Any:
    """Return the reader of a kind over the files in a folder."""
    file = folder / KINDS[kind].file
    if KINDS[kind].reads == "table":
        return sd.Table("seq", file, "sequence")
    if KINDS[kind].reads == "fasta":
        return sd.FlatFASTA("seq", file)
    if KINDS[kind].reads == "genome":
        return sd.GenomeFASTA("seq", file)
    if KINDS[kind].reads == "bigwig":
        return sd.BigWig("x", file, "s")
    if KINDS[kind].reads == "fragments":
        return sd.Fragments("x", file, "s", missing="zero")
    options = {"reference": folder / "ref.fa"} if kind in ("cram", "crai") else {}
    return sd.BAM("x", file, "s", proper_pairs=False, **options)


def read(kind: str, folder: Path) -> Any:
    reads = KINDS[kind].reads
    if reads == "bed":
        table = sd.read_bedlike(folder / KINDS[kind].file)
        return [list(row) for row in table.itertuples(index=False)]
    if reads == "store":
        return stored_values(folder / KINDS[kind].file)
    if reads in ("table", "fasta"):
        return flat_rows(make_reader(kind, folder), None if reads == "table" else "id")
    return region_values(make_reader(kind, folder), KINDS[kind].windows)


def build(kind: str, folder: Path) -> None:
    """Build a store from damaged files: whatever goes wrong, nothing may be left behind."""
    if KINDS[kind].reads in ("store",):
        return
    target = folder / "out.zarr"
    before = {entry.name for entry in folder.iterdir()}
    with contextlib.suppress(sd.SeqdataError):
        if KINDS[kind].reads in ("table", "fasta"):
            sd.from_flat_files(make_reader(kind, folder), path=target, fixed_length=False)
        elif KINDS[kind].reads == "bed":
            genome = sd.GenomeFASTA("seq", folder / "ref.fa")
            bed = folder / KINDS[kind].file
            sd.from_region_files(genome, path=target, bed=bed, fixed_length=False)
        else:
            spec = pd.DataFrame(
                WINDOWS[KINDS[kind].windows], columns=["chrom", "chromStart", "chromEnd"]
            )
            spec = spec[spec["chromStart"] >= 0]
            reader = make_reader(kind, folder)
            sd.from_region_files(reader, path=target, bed=spec, fixed_length=False)
        sd.open_zarr(target)
        return
    left = {entry.name for entry in folder.iterdir()} - before
    if any("zarr" in name for name in left):
        msg = f"a build that failed left {sorted(left)} behind"
        raise AssertionError(msg)


def damage(kind: str, mutation: str, rng: np.random.Generator, source: Path, work: Path) -> None:
    """Copy the sound files of a kind and damage one; indexes are the newest."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    names = [KINDS[kind].file, *KINDS[kind].beside]
    for name in names:
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, work / name)
    target = work / KINDS[kind].damaged
    if target.is_dir():
        inside = sorted(path for path in target.rglob("*") if path.is_file())
        target = inside[int(rng.integers(len(inside)))]
    if mutation != "none":
        target.write_bytes(mutate(target.read_bytes(), mutation, rng))
    for name in KINDS[kind].beside:
        os.utime(work / name)


def outcome(kind: str, work: Path, sound: Any, fetch: Callable[[], Any]) -> dict[str, Any]:
    """Say what became of a damaged file: told, sound, as the bytes say, or something bad."""
    try:
        got = fetch()
    except sd.SeqdataError as error:
        text = str(error)
        said = f"{type(error).__name__}: {text.replace(str(work), '')}"
        return {"out": "told" if work.name in text else "unnamed", "said": said}
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        # a lazy variable of a store is read by zarr, which has its own exceptions
        known = KINDS[kind].reads == "store"
        return {"out": "told" if known else "stray", "said": said}
    if sound is None or oracles.same(got, sound):
        return {"out": "sound", "got": got}
    try:
        agreed = oracles.agrees(kind, work, got)
    except Exception as error:
        return {"out": "silent", "said": f"no oracle can read it ({error!r})"}
    return {"out": "as written" if agreed else "silent", "said": "" if agreed else "other values"}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    zarr.config.set({"async.concurrency": 1})
    work = folder / "work"
    sound: dict[str, Any] = {}
    for line in sys.stdin:
        kind, mutation, seed = json.loads(line)
        if kind not in sound:
            damage(kind, "none", np.random.default_rng(0), folder, work)
            sound[kind] = read(kind, work)
        damage(kind, mutation, np.random.default_rng(seed), folder, work)
        result = outcome(kind, work, sound[kind], lambda kind=kind: read(kind, work))
        if result["out"] == "told" and seed % 5 == 0:
            try:
                build(kind, work)
            except Exception as error:
                result = {"out": "stray", "said": f"build: {type(error).__name__}: {error}"}
        result.pop("got", None)
        print(json.dumps({"kind": kind, "mutation": mutation, "seed": seed, **result}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        prepare(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
