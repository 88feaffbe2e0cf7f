"""Names of what is being written, and an end to what killed processes left of it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
from pathlib import Path
from typing import Literal

State = Literal["building", "replaced"]


def working_path(path: Path, state: State) -> Path:
    """Return a hidden folder or file beside a store or file, named after this process.

    Parameters
    ----------
    path : Path
        Place of the store or file.
    state : {"building", "replaced"}
        Whether it holds the store to come or the one to go.

    Returns
    -------
    Path

    Examples
    --------
    >>> working_path(Path("/data/x.zarr"), "building").name.startswith(".x.zarr.building-")
    True
    """
    name = f".{path.name}.{state}-{machine()}-{os.getpid()}-{secrets.token_hex(3)}"
    return path.with_name(name)


def clear_leftovers(path: Path) -> None:
    """Remove what writers of a store or file left beside it when they were killed.

    Only what belongs to processes of this machine that are no more is touched. A store that was
    moved aside in the instant of the kill, with none in its place yet, is moved back.

    Parameters
    ----------
    path : Path
        Place of the store.
    """
    if os.name != "posix" or not path.parent.is_dir():
        return
    form = re.compile(
        rf"\.{re.escape(path.name)}\.(building|replaced)-{machine()}-(\d+)-[0-9a-f]{{6}}"
    )
    with contextlib.suppress(OSError):
        for entry in sorted(path.parent.iterdir()):
            found = form.fullmatch(entry.name)
            if found is None or _is_running(int(found[2])):
                continue
            if found[1] == "replaced" and not path.exists():
                entry.rename(path)
            elif entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


@functools.cache
def machine() -> str:
    """Return what tells this machine, and this container, from others that see the same disk."""
    space = ""
    with contextlib.suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{platform.node()}|{space}".encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
