"""Curated datasets by their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

import seqdata as sd
from eugene.data._files import PathLike
from eugene.data._negatives import SourceError


def dataset(
    dataset: str,
    *,
    options: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    mirrors: str | Sequence[str] | None = None,
    unverified: bool = False,
    offline: bool | None = None,
    cache_dir: PathLike | None = None,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Take a curated dataset by its name, fetched and built the first time.

    Parameters
    ----------
    dataset : str
        Name, as ``eugene datasets list`` shows it.
    options : mapping of str to value, or None
        Options of the dataset, as ``eugene datasets info NAME`` shows them.
    files : mapping of str to str, or None
        Files of your own in place of downloads, by the names that ``info`` shows.
    mirrors : str, sequence of str, or None
        Base addresses to try first.
    unverified : bool
        Whether files may be fetched whose checksum is not known beforehand.
    offline : bool or None
        Use only what is in the cache.
    cache_dir : path or None
        Where downloads are kept; default the cache directory.
    out : path or None
        Where to write the dataset; by default it stays in the cache.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), the targets, and the published split as ``split``.

    Raises
    ------
    SourceError
        Where the name is that of a genome or a motif set.
    SeqdataError
        Where the dataset is not known, cannot be fetched or cannot be built.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = dataset("random1000", options={"n": 20}, cache_dir=folder).load()
    >>> ds["seq"].shape
    (20, 100)
    """
    kind = sd.datasets.info(dataset)["kind"]
    if kind != "sequences":
        known = ", ".join(sd.datasets.list("sequences")["name"])
        raise SourceError(
            f"dataset: {dataset!r} is a set of {kind}, and a network needs sequences: {known}."
            if kind == "motifs"
            else f"dataset: {dataset!r} is a {kind}; name a set of sequences ({known}), or cut "
            "windows from the genome with `name: regions`."
        )
    return sd.datasets.get(
        dataset,
        out=out,
        overwrite=overwrite,
        files=files,
        mirrors=mirrors,
        unverified=unverified,
        offline=offline,
        cache_dir=cache_dir,
        **(options or {}),
    )
