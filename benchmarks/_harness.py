"""Timing side by side: every contender in its own process, turns taken, fresh pages, one thread.

A case is a module-level function ``case(folder) -> (run, digest)``: it loads its inputs from a
folder of .npy files and returns a function to time and a function that reduces its result to
bytes, so that contenders can be shown to agree. Each contender runs in a process of its own
Python (peers live in their own environments), single-threaded; the rounds go through all
contenders in turn. Before every timed call the process reads a buffer larger than the caches,
and glibc is told to give every large block back, so that results are written to fresh pages.

CPU seconds are compared, since other work may share the machine; wall seconds are kept beside.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
POOLS = ("OMP", "NUMBA", "RAYON", "MKL", "OPENBLAS")
ONE_THREAD = {f"{pool}_NUM_THREADS": "1" for pool in POOLS} | {"POLARS_MAX_THREADS": "1"}
FRESH_PAGES = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "0"}
FLUSH_BYTES = 64 << 20
SAID = ("numpy", "numba", "torch", "xarray", "zarr")
"""Programs whose versions stand beside every figure; peers carry theirs in their labels."""
CPU_MS = "CPU milliseconds, median; one thread; fresh pages; caches flushed"


@dataclass(frozen=True)
class Contender:
    """One way to do the work: a label, the Python that runs it, and ``file.py:function``."""

    label: str
    target: str
    python: str = sys.executable
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Timing:
    """CPU and wall seconds of each round, and the digest of the result."""

    label: str
    cpu: list[float]
    wall: list[float]
    digest: str

    @property
    def median(self) -> float:
        return statistics.median(self.cpu)

    @property
    def best(self) -> float:
        return min(self.cpu)


class Worker:
    """A contender's process, which answers one JSON line to each request."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.contender = contender
        env = os.environ | ONE_THREAD | FRESH_PAGES | contender.env
        ours = contender.python == sys.executable
        env["PYTHONPATH"] = str(REPO) if ours else ""
        self.process = subprocess.Popen(
            [contender.python, str(Path(__file__)), "--worker", contender.target, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )

    def ask(self, request: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            msg = f"{self.contender.label}: worker ended with {self.process.wait()}"
            raise RuntimeError(msg)
        return json.loads(line)

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def compare(contenders: list[Contender], folder: Path, rounds: int = 7) -> list[Timing]:
    """Time contenders in turns; the first round, which may compile, is not counted."""
    return compare_each(contenders, folder, ["time"], rounds)[0]


def compare_each(
    contenders: list[Contender], folder: Path, requests: list[str], rounds: int = 7
) -> list[list[Timing]]:
    """Time contenders in turns in several ways; return the timings of each.

    ``"time"`` is one call with flushed caches; ``"loop 30"`` the mean of thirty calls one after the
    other, as a loop over batches makes them: caches are warm then.
    """
    workers = [Worker(c, folder) for c in contenders]
    kept: list[list[list[dict[str, float]]]] = [[[] for _ in workers] for _ in requests]
    try:
        digests = [w.ask("digest")["digest"] for w in workers]
        for _ in range(rounds):
            for request, answers in zip(requests, kept, strict=True):
                for worker, seconds in zip(workers, answers, strict=True):
                    seconds.append(worker.ask(request))
    finally:
        for worker in workers:
            worker.close()
    return [
        [
            Timing(c.label, [s["cpu"] for s in seconds], [s["wall"] for s in seconds], digest)
            for c, seconds, digest in zip(contenders, answers, digests, strict=True)
        ]
        for answers in kept
    ]


def report(case: str, timings: list[Timing], *, targets: dict[str, float]) -> dict[str, Any]:
    """Print ratios to the first contender and whether targets hold; return them as a dict.

    targets maps a label to the smallest acceptable peer / ours, where ours is the first.
    """
    ours = timings[0]
    print(f"\n{case}: {ours.label} {1e3 * ours.median:.2f} ms (CPU, median of {len(ours.cpu)})")
    rows = []
    for timing in timings[1:]:
        ratio = timing.median / ours.median
        equal = timing.digest == ours.digest
        target = targets.get(timing.label)
        verdict = "" if target is None else ("  met" if ratio >= target else "  MISSED")
        best = timing.best / ours.best
        aim = "" if target is None else f"  target {target:g}x{verdict}"
        same = "-" if timing.digest == "none" else "equal" if equal else "DIFFERENT"
        print(
            f"  {timing.label:<34}{1e3 * timing.median:>10.2f} ms  {ratio:>7.2f}x "
            f"(best {best:.2f}x)  {same}{aim}"
        )
        rows.append(
            {
                "peer": timing.label,
                "peer_ms": 1e3 * timing.median,
                "peer_wall_ms": 1e3 * statistics.median(timing.wall),
                "ratio": ratio,
                "ratio_of_best": best,
                "equal": equal if timing.digest != "none" else None,
                "target": target,
                "met": None if target is None else ratio >= target,
            }
        )
    return {
        "case": case,
        "ours": ours.label,
        "ours_ms": 1e3 * ours.median,
        "ours_wall_ms": 1e3 * statistics.median(ours.wall),
        "peers": rows,
    }


def save(name: str, results: list[dict[str, Any]], *, unit: str = CPU_MS) -> Path:
    """Write results with the machine they were taken on to benchmarks/results."""
    path = REPO / "benchmarks" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    machine = {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "date": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in SAID},
        "unit": unit,
    }
    path.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
    return path


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), "")


def _serve(target: str, folder: str) -> None:
    """Answer requests of `Worker` on standard input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    file, name = target.split(":")
    spec = importlib.util.spec_from_file_location("cases", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run, digest = getattr(module, name)(Path(folder))
    flush = bytearray(FLUSH_BYTES)
    for line in sys.stdin:
        if line.strip() == "digest":
            value = digest(run())
            text = "none" if value is None else hashlib.sha256(value).hexdigest()
            answer: dict[str, Any] = {"digest": text}
        else:
            word, _, number = line.strip().partition(" ")
            if word == "time":
                sum(flush[::4096])
                flush.count(1)
            times = int(number or 1)
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(times):
                result = run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            answer = {"cpu": cpu / times, "wall": wall / times}
            del result
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("TARGET", "FOLDER"), required=True)
    _serve(*parser.parse_args().worker)
