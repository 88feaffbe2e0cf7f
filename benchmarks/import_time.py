"""What each import costs in a fresh process: ours, the command line's help, and the big libraries.

python benchmarks/import_time.py [--rounds 5] [--save]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).with_name("results") / "import_time.json"
CASES = {
    "python -c pass": "pass",
    "numpy": "import numpy",
    "numba": "import numba",
    "seqpro": "import seqpro",
    "xarray": "import xarray",
    "seqdata": "import seqdata",
    "torch": "import torch",
    "seqexplainer": "import seqexplainer",
    "eugene": "import eugene",
    "eugene --help": (
        "from eugene.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    ),
    "pytorch_lightning": "import pytorch_lightning",
    "tangermeme": "import tangermeme.predict",
}


def seconds(code: str) -> float | None:
    """Return the wall seconds of one fresh process, None if it fails."""
    start = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    return time.perf_counter() - start if run.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(options.rounds + 1):  # the first round warms the page cache
        for name, code in CASES.items():
            taken = seconds(code)
            if taken is not None:
                found[name].append(taken)
    medians = {n: statistics.median(v[1:]) for n, v in found.items() if len(v) > 1}
    base = medians["python -c pass"]
    for name, value in medians.items():
        print(f"{name:20s} {value:6.2f} s   {value - base:+6.2f} s over an empty process")
    if options.save:
        RESULTS.write_text(json.dumps(medians, indent=2) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
