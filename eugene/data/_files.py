"""Signal files by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eugene.data._negatives import SourceError

PathLike = str | Path


def signal_files(
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None,
) -> dict[str, PathLike]:
    """Return signal files by the name of their sample.

    Parameters
    ----------
    bigwigs : path, sequence of paths, mapping of str to path, or None
        Files; those without a name are named by their file.

    Returns
    -------
    dict of str to path

    Raises
    ------
    SourceError
        Where two files have the same name.
    """
    if bigwigs is None:
        return {}
    if isinstance(bigwigs, Mapping):
        return {str(k): v for k, v in bigwigs.items()}
    files = [bigwigs] if isinstance(bigwigs, str | Path) else list(bigwigs)
    named = {Path(f).name.split(".")[0]: f for f in files}
    if len(named) < len(files):
        raise SourceError(
            "bigwigs: files of the same name cannot be told apart: give {sample: path}."
        )
    return named
