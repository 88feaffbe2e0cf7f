"""Where things may be written: one place decides, and says where it could not be."""

from __future__ import annotations

import functools
import os
import tempfile
import warnings
from pathlib import Path


def can_write(folder: Path) -> bool:
    """Tell whether a file can be made in a folder, which is made if it is not there.

    Examples
    --------
    >>> can_write(Path(tempfile.gettempdir()))
    True
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@functools.cache
def usable(folder: Path, *, to_read: bool = False) -> Path:
    """Return a cache folder, or a temporary one of this user where it cannot be written.

    Parameters
    ----------
    folder : Path
        Where the cache should be.
    to_read : bool, optional
        Whether one that is there is good enough although nothing can be added, as a shared one is.

    Returns
    -------
    Path
        ``folder``, or one below the system's temporary folder, with a warning.
    """
    if (to_read and folder.is_dir()) or can_write(folder):
        return folder
    other = _temporary()
    warnings.warn(
        f"{folder} cannot be written; {other} takes its place. Set EUGENE_CACHE_DIR to a folder "
        "that can be written",
        RuntimeWarning,
        stacklevel=3,
    )
    return other


@functools.cache
def _temporary() -> Path:
    """Return a temporary folder that nobody else can write: the same for all of a user's runs."""
    owner = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"eugene-{owner}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        private = folder.is_dir() and not folder.is_symlink() and not facts.st_mode & 0o022
        if private and facts.st_uid == owner and can_write(folder):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="eugene-"))
