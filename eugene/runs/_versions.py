"""What a run was made with."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import eugene
from eugene.config._source import module_file
from seqpro.family import meanings_on


def package_versions() -> dict[str, str | None]:
    """Return the installed version of each package that is needed, ``None`` if absent.

    Examples
    --------
    >>> "numpy" in package_versions()
    True
    """
    ours = "eugene-genomics"
    found: dict[str, str | None] = {ours: None}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        needed = importlib.metadata.requires(ours) or []
        # those of an extra, or of some machines alone, have a marker
        found |= dict.fromkeys(re.split(r"[^\w.-]", one)[0] for one in needed if ";" not in one)
    for name in found:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
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


def plugin_checksums(plugins: Iterable[str]) -> dict[str, str | None]:
    """Return the SHA-256 checksum of the source of each plugin, ``None`` where it has none.

    Parameters
    ----------
    plugins : iterable of str
        Modules or files, as `eugene.config.load_plugin` names them.

    Examples
    --------
    >>> plugin_checksums(["no.such.module"])
    {'no.such.module': None}
    """
    files = {p: Path(p) if p.endswith(".py") else module_file(p) for p in plugins}
    return {
        plugin: hashlib.sha256(file.read_bytes()).hexdigest() if file and file.is_file() else None
        for plugin, file in files.items()
    }


def versions(plugins: Iterable[str] = ()) -> dict[str, Any]:
    """Return what is written to ``versions.json``.

    Parameters
    ----------
    plugins : iterable of str, optional
        What registered things that the run names.

    Returns
    -------
    dict
        Python, platform, processor count, commit, package versions, checksums of plugins, and
        ``as_it_was`` where `seqpro.family.as_it_was` brought old meanings back.

    Examples
    --------
    >>> sorted(versions())
    ['command', 'cpu_count', 'git', 'packages', 'platform', 'plugins', 'python']
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "git": git_revision(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "packages": package_versions(),
        "plugins": plugin_checksums(plugins),
        **({"as_it_was": ", ".join(sorted(on))} if (on := meanings_on()) else {}),
    }
