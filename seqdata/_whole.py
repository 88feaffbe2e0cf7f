"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def whole_files(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Give files other names while they are written, and their own when all of them are.

    Parameters
    ----------
    targets : sequence of Path
        Where the files go; folders that are missing are made.

    Yields
    ------
    list of Path
        Where to write them. After an error they are gone, and so are folders made for them.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_files([Path(folder, "x.txt")]) as (part,):
    ...         _ = part.write_text("all of it")
    ...     Path(folder, "x.txt").read_text()
    'all of it'
    """
    made = [
        folder
        for target in targets
        for folder in (target.parent, *target.parent.parents)
        if not folder.exists()
    ]
    parts = [
        target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}")
        for target in targets
    ]
    done = False
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        yield parts
        for part, target in zip(parts, targets, strict=True):
            part.replace(target)
        done = True
    finally:
        with contextlib.suppress(OSError):
            for part in parts:
                part.unlink(missing_ok=True)
            if not done:
                for folder in sorted(set(made), reverse=True):
                    folder.rmdir()
