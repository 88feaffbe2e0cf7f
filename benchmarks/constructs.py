"""Strides of constructs: drawn as views, beside one-hot files as finetune-enformer writes them.

Run with ``python benchmarks/constructs.py [--constructs 40] [--strides 48] [--save]``. Both give
the same windows of 25,600 bp of constructs of 26,880 bp. "drawn" is `seqdata.constructs.sample`
and every window's letters gathered in batches of 4, as a loader asks for them; "written" is the
original's way: each window encoded one-hot as float32 and written to one .npy file. The file goes
to the system's temporary folder, and is not synchronised with the disk, which favours it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save

from seqdata import constructs
from seqdata.windows import region_array

LENGTH, TOTAL, BATCH = 25_600, 26_880, 4
TARGET = 50.0
ROUNDS = 3


def made(n: int) -> xr.Dataset:
    """Return constructs of random letters."""
    letters = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", "S1"), (n, TOTAL))
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters, {"kind": "sequence", "alphabet": "ACGT"}),
            "payload_start": ("_sequence", np.full(n, 10_000)),
            "payload_end": ("_sequence", np.full(n, 16_000)),
            "sites": ("_sequence", np.array([""] * n, object)),
        }
    )


def drawn(ds: xr.Dataset, strides: int) -> int:
    """Draw strides and gather the letters of all, a batch at a time; return a checksum."""
    array = region_array(constructs.sample(ds, LENGTH, 1, strides)["seq"])
    assert array is not None
    total = 0
    for low in range(0, len(array.rows), BATCH):
        rows = array.rows[low : low + BATCH]
        found = array.files.read(["seq"], rows, first=0, width=LENGTH, scattered=True)["seq"]
        total += int(found[:, ::997].sum())
    return total


def written(ds: xr.Dataset, strides: int, path: str) -> None:
    """Write the same windows one-hot."""
    constructs.to_npy(constructs.sample(ds, LENGTH, 1, strides), path, overwrite=True)


def checksum(path: str) -> int:
    """Return that of the letters of a file."""
    codes = np.asarray(np.load(path, mmap_mode="r")[:, ::997]).argmax(2)
    return int(np.frombuffer(b"ACGT", np.uint8)[codes].astype(np.int64).sum())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constructs", type=int, default=20)
    parser.add_argument("--strides", type=int, default=48)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    ds = made(options.constructs)
    drawn(ds.isel(_sequence=slice(2)), 2)  # compiles
    times: dict[str, list[float]] = {"drawn": [], "written": []}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/x.npy"
        total = 0
        for _ in range(ROUNDS):
            start = time.process_time()
            total = drawn(ds, options.strides)
            times["drawn"].append(time.process_time() - start)
            start = time.process_time()
            written(ds, options.strides, path)
            times["written"].append(time.process_time() - start)
        size = Path(path).stat().st_size
        if checksum(path) != total:
            print("the windows differ")
            return 1
    n = options.constructs * options.strides
    mine, theirs = (statistics.median(times[name]) for name in ("drawn", "written"))
    ratio = theirs / mine
    verdict = "met" if ratio >= TARGET else "missed"
    print(
        f"{n:,} windows of {LENGTH:,} bp: drawn in {mine:.3f} s CPU, a one-hot file of "
        f"{size / 1e9:.2f} GB written in {theirs:.2f} s: {ratio:.0f}x  target {TARGET:g}x  "
        f"{verdict}"
    )
    if options.save:
        result = {"windows": n, "drawn_s": mine, "written_s": theirs, "file_gb": size / 1e9,
                  "ratio": ratio, "target": TARGET, "met": ratio >= TARGET}  # fmt: skip
        print(save("constructs", [result], unit="CPU seconds, median of 3"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
