from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/thread-self/children").exists(), reason="reads /proc"
)

# Resident memory of this process and of all it started, as MB above what it was at the start.
WATCH = """
import os, threading, time

def family(process):
    yield process
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/children") as handle:
            for child in handle.read().split():
                yield from family(child)

def resident():
    total = 0
    try:
        # the whole of /proc would be looked through many times a second
        for process in family(os.getpid()):
            with open(f"/proc/{process}/statm") as handle:
                total += int(handle.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:  # a thread or child that has just ended; the next look is soon
        pass
    return total / 1e6

class Watch:
    def __init__(self):
        self.base = self.peak = resident()
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        while True:
            self.peak = max(self.peak, resident())
            time.sleep(0.005)

    @property
    def grown(self):
        return max(self.peak, resident()) - self.base
"""

PLAIN = """
import sys
import numpy as np, pandas as pd, seqdata as sd

folder = sys.argv[1]
rng = np.random.default_rng(0)
letters = rng.choice(np.frombuffer(b"ACGT", "u1"), 3_000_000).tobytes().decode()
with open(folder + "/g.fa", "w") as out:
    out.write(">c\\n" + letters + "\\n")
start = rng.integers(0, 2_990_000, 80_000)
bed = pd.DataFrame({"chrom": "c", "chromStart": start, "chromEnd": start + 8192})
fasta = sd.GenomeFASTA("seq", folder + "/g.fa")

def use(n, name):
    path = f"{folder}/{name}.zarr"
    ds = sd.from_region_files(fasta, path=path, bed=bed[:n], fixed_length=True)
    for k in range(0, n, 1024):
        assert ds["seq"][k : k + 1024].values[0, 0] in b"ACGT"
    return ds

use(20, "warm")
watch = Watch()
ds = use(len(bed), "big")
print(watch.grown, ds["seq"].nbytes + ds["mask"].nbytes)
"""

LOADED = """
import sys
import numpy as np, pandas as pd, pyBigWig, seqdata as sd, torch
import seqdata.torch

watch = Watch()
folder, n_rows, width = sys.argv[1], int(sys.argv[2]), 2114
rng = np.random.default_rng(0)
size = 3_000_000
letters = rng.choice(np.frombuffer(b"ACGT", "u1"), size).tobytes().decode()
with open(folder + "/g.fa", "w") as out:
    out.write(">c\\n" + letters + "\\n")
with pyBigWig.open(folder + "/x.bw", "w") as bw:
    bw.addHeader([("c", size)])
    begin = np.arange(0, size - 50, 50)
    values = rng.integers(0, 5, len(begin)).astype(float)
    bw.addEntries(["c"] * len(begin), begin.tolist(), ends=(begin + 50).tolist(),
                  values=values.tolist())
start = rng.integers(0, size - width, n_rows)
bed = pd.DataFrame({"chrom": "c", "chromStart": start, "chromEnd": start + width})
ds = sd.from_region_files(
    sd.GenomeFASTA("seq", folder + "/g.fa"), sd.BigWig("cov", folder + "/x.bw", "a"),
    path=folder + "/x.zarr", bed=bed, fixed_length=True)
built = watch.grown
loader = sd.get_torch_dataloader(
    ds, variables=["seq", "cov", "mask"], batch_size=128, shuffle=True, drop_last=False)
rows = sum(len(batch["seq"]) for batch in loader)
assert rows == n_rows, rows
size = sum(ds[name].nbytes for name in ("seq", "cov", "mask"))
print(watch.grown, size, built)
"""


def measure(code: str, *arguments: object) -> list[float]:
    # without this glibc keeps freed memory in one arena a thread, which is not ours to count
    env = {**os.environ, "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", WATCH + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return [float(value) for value in done.stdout.split()]


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """Build and read 1.3 GB (uncompressed) within 64 MB above what the imports take."""
    grown, size = measure(PLAIN, tmp_path)
    assert size > 1.3e9
    assert grown < 64, f"{grown} MB above the baseline"


@pytest.mark.slow
def test_memory_stays_bounded_over_ten_gigabytes(tmp_path: Path) -> None:
    """Build 10 GB (uncompressed) and draw an epoch of them within 512 MB above the imports."""
    grown, size, built = measure(LOADED, tmp_path, 790_000)
    assert size > 10e9
    assert grown < 512, f"{grown} MB above the baseline, {built} of them for the build"
