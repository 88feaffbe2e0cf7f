"""Where the rows of a store come from: files, versions and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from seqdata.schema import SCHEMA_VERSION, file_record, versions


class HasFiles(Protocol):
    """What reads files, as readers do."""

    def files(self) -> list[str]:
        """Return the files read."""
        ...


def build_attrs(
    readers: Sequence[HasFiles],
    *,
    row_dim: str,
    length_dim: str,
    options: Mapping[str, object],
    max_jitter: int = 0,
    sources: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the attributes of a dataset that was built from files.

    Parameters
    ----------
    readers : sequence
        Readers, each with its ``files()``.
    row_dim, length_dim : str
        Dimension names.
    options : mapping
        Arguments that shaped the rows.
    max_jitter : int, default 0
        Bp by which windows are wider on each side.
    sources : sequence of str, optional
        Further files (regions).

    Returns
    -------
    dict
    """
    files = list(
        dict.fromkeys([*(file for reader in readers for file in reader.files()), *sources])
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "sequence_dim": row_dim,
        "length_dim": length_dim,
        "max_jitter": max_jitter,
        "provenance": {
            "files": [file_record(file) for file in files],
            "versions": versions(),
            "options": dict(options),
        },
    }
