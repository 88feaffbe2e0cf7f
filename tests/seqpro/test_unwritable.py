"""An installation and a home that cannot be written: everything runs, one warning says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
# numba finds no place, whoever runs the test
NOWHERE = "from numba.core.caching import CacheImpl; CacheImpl._locator_classes = []\n"
KERNELS = {
    "ohe": ("sp.ohe(x, sp.DNA).sum(-1).tolist()", "[[1, 1, 1, 1]]"),
    "reverse complement": (
        "b''.join(sp.reverse_complement(x, alphabet=sp.DNA, length_axis=-1)[0].tolist()).decode()",
        "TTGC",
    ),
}


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPO), **environment},
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_run_without_their_cache(kernel: str) -> None:
    call, expected = KERNELS[kernel]
    code = f"import numpy as np, seqpro as sp; x = np.array([list('GCAA')], 'S1'); print({call})"
    found = run(NOWHERE + code)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == expected
    assert found.stderr.count("compiled code can be kept nowhere") == 1


@pytest.mark.parametrize(
    "module",
    [
        "seqpro",
        "seqdata",
        "seqexplainer.motifs, memelite",
        "eugene.data",
        "seqdata.loading._kernels",
    ],
)
def test_every_package_is_imported_without_the_cache(module: str) -> None:
    found = run(f"{NOWHERE}import {module}")
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("compiled code can be kept nowhere") <= 1


def test_other_errors_of_numba_stay() -> None:
    code = (
        "import numba.core.caching as c, seqpro, numba\n"
        "class Broken:\n"
        "    @classmethod\n"
        "    def from_function(cls, *_): raise RuntimeError('own')\n"
        "c.CacheImpl._locator_classes = [Broken]\n"
        "try:\n    numba.njit(cache=True)(lambda x: x)\n"
        "except RuntimeError as error:\n    print(error)\n"
    )
    assert run(code).stdout.strip() == "own"


def test_nobody_with_no_home() -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("needs root, to become nobody")
    nobody = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    code = "import seqpro as sp; print(sp.random_seqs((1, 4), sp.DNA, seed=0).shape)"
    found = subprocess.run(
        [*nobody, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"], "PYTHONPATH": str(REPO)},
    )
    if "No module named" in found.stderr or "Permission denied" in found.stderr:
        pytest.skip("nobody cannot read this checkout")
    assert found.stdout.strip() == "(1, 4)", found.stderr
