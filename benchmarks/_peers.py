"""The environments of peers that share our import names or would crowd ours; one venv each.

Set them up with ``python benchmarks/_peers.py [NAME ...]`` (or ``make bench-peers``): a few minutes
and 5 GB under the cache folder of the benchmarks. A case whose peer is not there says so and
goes on without it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _genome_inputs
import _harness as h

REPO = Path(__file__).resolve().parents[1]
# PyPI's newest torch brings CUDA; the pinned one has a CPU build
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """What pip installs, step by step, and the module that shows that it worked."""

    module: str
    steps: tuple[tuple[str, ...], ...]


ENVIRONMENTS = {
    "tools": Environment(
        "figwig",
        ((TORCH, "tangermeme==1.6.*", "pyBigWig", "pysam", "pybigtools==0.3.*", "figwig==0.2.*"),),
    ),
    "evoaug": Environment("evoaug", ((TORCH, "pytorch-lightning", "evoaug==1.0.6"),)),
    # it also brings Lightning, SciPy and h5py
    "evoaug2": Environment("evoaug", ((TORCH, "evoaug2==2.0.4"),)),
    "gvl": Environment("genvarloader", ((TORCH, "genvarloader==0.43.*"),)),
    "enformer": Environment("enformer_pytorch", ((TORCH, "enformer-pytorch==0.8.12"),)),
    "bpnetlite": Environment("bpnetlite", ((TORCH, "bpnet-lite==1.1.*"),)),
    # pybedtools builds from source and does not say with what; SeqData needs numpy 1 and zarr 2
    "seqdata": Environment(
        "seqdata",
        (
            ("setuptools<70", "wheel", "cython", "numpy<2"),
            ("--no-build-isolation", TORCH, "seqdata==0.2.2", "zarr<3"),
        ),
    ),
}


def python_of(name: str) -> Path | None:
    """Return the Python of a peer's environment; None, with a message, where there is none."""
    path = _genome_inputs.cache() / "peers" / name / "bin" / "python"
    if path.exists():
        return path
    print(f"not installed: {name} (set it up with: python benchmarks/_peers.py {name})")
    return None


def contenders(
    cases: str, plan: Sequence[tuple[str, str, str]], env: dict[str, str] | None = None
) -> list[h.Contender]:
    """Return contenders for (label, function, environment), without peers that are not there."""
    out = []
    for label, function, name in plan:
        python = sys.executable if name == "own" else python_of(name)
        if python is not None:
            out.append(h.Contender(label, f"{cases}:{function}", str(python), env or {}))
    return out


def set_up(name: str) -> None:
    """Make one environment."""
    environment = ENVIRONMENTS[name]
    folder = _genome_inputs.cache() / "peers" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for step in environment.steps:
        subprocess.run([python, "-m", "pip", "install", "-q", *step], check=True)
    # from a folder without our packages, which would come first
    subprocess.run([python, "-c", f"import {environment.module}"], check=True, cwd=folder)
    print(f"{name}: {python}")


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ENVIRONMENTS, []], default=[])
    for chosen in parser.parse_args().names or list(ENVIRONMENTS):
        set_up(chosen)
