"""Files told apart by what they hold: sizes and times of change can be the same, or be set."""

from __future__ import annotations

import functools
import hashlib
import time
from pathlib import Path

# bytes of a file that is read whole; of a larger one, pieces are
_WHOLE = 64 << 20
_PIECES, _PIECE = 256, 64 << 10
# nanoseconds within which two changes of a file can bear one time
_TICK = 2_000_000_000


def content_of(path: Path) -> str:
    """Return a checksum of what a file holds: of all of it up to 64 MiB, else of 256 pieces.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (one := Path(folder) / "a").write_text("ACGT")
    ...     _ = (two := Path(folder) / "b").write_text("ACGA")
    ...     content_of(one) == content_of(two)
    False
    """
    stat = path.stat()
    state = stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
    # no program can set the time at which a file's record was changed, but its clock has ticks
    old = time.time_ns() - stat.st_ctime_ns > _TICK
    return (_content if old else _content.__wrapped__)(path.resolve(), state)


@functools.lru_cache(maxsize=1024)
def _content(path: Path, state: tuple[int, ...]) -> str:
    size, changed = state[:2]
    with path.open("rb") as handle:
        if size <= _WHOLE:
            return hashlib.file_digest(handle, "sha256").hexdigest()
        sums = hashlib.sha256(f"{size} {changed}".encode())
        for i in range(_PIECES):
            handle.seek(i * (size - _PIECE) // (_PIECES - 1))
            sums.update(handle.read(_PIECE))
    return sums.hexdigest()
