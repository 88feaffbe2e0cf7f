"""What a run was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import eugene

PACKAGES = (
    "eugene-genomics",
    "numpy",
    "numba",
    "pandas",
    "xarray",
    "zarr",
    "dask",
    "scipy",
    "scikit-learn",
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "captum",
    "memelite",
    "pyfaidx",
    "pyBigWig",
    "pysam",
    "bioframe",
    "safetensors",
    "matplotlib",
)
"""Distributions whose versions are written down."""


def package_versions() -> dict[str, str | None]:
    """Return the installed version of each package that matters, ``None`` if absent.

    Examples
    --------
    >>> "numpy" in package_versions()
    True
    """
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def git_revision() -> str | None:
    """Return the commit of the source tree, with ``+`` if it was changed; else ``None``."""
    root = Path(eugene.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        options: dict[str, Any] = {
            "cwd": root,
            "capture_output": True,
            "text": True,
            "timeout": 10,
            "check": True,
        }
        commit = subprocess.run(["git", "rev-parse", "HEAD"], **options).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], **options
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}{'+' if changed else ''}"


def versions() -> dict[str, Any]:
    """Return what is written to ``versions.json``.

    Returns
    -------
    dict
        Python, platform, processor count, commit and package versions.

    Examples
    --------
    >>> sorted(versions())
    ['command', 'cpu_count', 'git', 'packages', 'platform', 'python']
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "git": git_revision(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "packages": package_versions(),
    }
