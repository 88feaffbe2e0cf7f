"""One process at a time at work in a run folder; the others of a distributed training follow."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from eugene.errors import RunExistsError

LOCK = ".lock"
"""File of a run folder that names who is at work in it."""

_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
_HELD: ContextVar[frozenset[Path]] = ContextVar("_HELD", default=frozenset())


def follows(*, devices: object = 1, strategy: object = "auto", num_nodes: object = 1) -> bool:
    """Tell whether this is a process of a distributed training that is not its first.

    Parameters
    ----------
    devices, strategy, num_nodes : object
        Lightning's; a training on one device has one process, whatever the environment says.

    Returns
    -------
    bool
        The first one makes folders and files, the others use them.

    Examples
    --------
    >>> follows(devices=1)
    False
    """
    if strategy == "auto" and str(devices) == "1" and str(num_nodes) == "1":
        return False
    return any(os.environ.get(name, "0") not in ("", "0") for name in _RANKS)


@contextlib.contextmanager
def holding(folder: str | Path) -> Iterator[None]:
    """Keep other processes and threads from working in a run folder.

    What is done inside, in the same thread, may hold it again.

    Parameters
    ----------
    folder : str or Path
        The folder; it is made, and removed again if nothing was put into it.

    Raises
    ------
    RunExistsError
        If somebody else is at work in it; says who, and since when.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, holding(place):
    ...     (Path(place) / LOCK).is_file()
    True
    """
    place = Path(folder).expanduser().resolve()
    if place in _HELD.get() or (place.exists() and not place.is_dir()):
        yield
        return
    from seqdata.errors import LockedError
    from seqdata.store import FileLock

    made = not place.exists()
    fix = "Nothing was touched. Wait until it is done, stop it, or choose another run folder."
    lock = FileLock(place / LOCK, f"the run in {folder} is being worked on", fix=fix)
    try:
        lock.acquire()
    except LockedError as error:
        raise RunExistsError(str(error)) from error
    token = _HELD.set(_HELD.get() | {place})
    try:
        yield
    finally:
        _HELD.reset(token)
        lock.release()
        if made:
            with contextlib.suppress(OSError):
                place.rmdir()
