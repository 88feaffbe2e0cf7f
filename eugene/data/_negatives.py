"""Negatives of regions, by the method that a run names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xarray as xr

import seqdata as sd
from eugene.errors import EugeneError, did_you_mean

METHODS = ("gc_matched", "shuffled", "tiled")


class SourceError(EugeneError, ValueError):
    """Files do not hold what a data source was asked to take from them."""


def negatives_method(
    negatives: Mapping[str, object] | Literal[False],
) -> tuple[str | None, dict[str, object]]:
    """Return the method that makes negatives, and its arguments.

    Parameters
    ----------
    negatives : mapping or False
        ``method`` and its arguments; False for no negatives.

    Returns
    -------
    method : str or None
        One of ``"gc_matched"``, ``"shuffled"`` and ``"tiled"``; None for no negatives.
    options : dict
        The other arguments.

    Raises
    ------
    SourceError
        For another method.

    Examples
    --------
    >>> negatives_method({"method": "shuffled", "k": 1})
    ('shuffled', {'k': 1})
    """
    if negatives is False:
        return None, {}
    options = dict(negatives)
    method = str(options.pop("method", METHODS[0]))
    if method not in METHODS:
        message = f"negatives: there is no method {method!r}{did_you_mean(method, METHODS)}"
        raise SourceError(message)
    return method, options


def matched_windows(
    fasta: str | Path | sd.GenomeFASTA,
    kept: pd.DataFrame,
    peaks: pd.DataFrame,
    width: int,
    max_jitter: int,
    blacklist: pd.DataFrame | None,
    options: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Return windows outside all peaks that match the kept ones, one by one."""
    given = {"seed": seed, "margin": max_jitter, **options}
    away: list[object] = [peaks, *([] if blacklist is None else [blacklist])]
    other = given.pop("exclude", None)
    if other is not None:
        away += list(other) if isinstance(other, list) else [other]
    try:
        return sd.regions.sample_negatives(fasta, kept, width=width, exclude=away, **given)
    except TypeError as error:
        raise SourceError(f"negatives: {error}.") from error


def tiled_windows(
    peaks: pd.DataFrame,
    sizes: Mapping[str, int],
    width: int,
    max_jitter: int,
    blacklist: pd.DataFrame | None,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """Return bins around peaks, with flanks up to the width of a window, and their labels."""
    given = {"bin_width": min(200, width), **options}
    flank, odd = divmod(width - given["bin_width"], 2)
    if flank < 0 or odd:
        raise SourceError(
            f"negatives: bins of {given['bin_width']} bp do not lie in the middle of windows of "
            f"width {width} bp: make the width larger by a multiple of 2 bp."
        )
    try:
        bins = sd.regions.tiled_bins(
            peaks, sizes, flank=flank + max_jitter, blacklist=blacklist, **given
        )
    except TypeError as error:
        raise SourceError(f"negatives: {error}.") from error
    if not bins["label"].any():
        raise SourceError(
            f"negatives: none of {len(bins)} bins of {given['bin_width']} bp overlaps a peak as "
            "asked for: lower `fraction` or `min_overlap`, or look at the blacklist."
        )
    windows = bins.assign(chromStart=bins["chromStart"] - flank, chromEnd=bins["chromEnd"] + flank)
    return windows.drop(columns="overlap")


def shuffled_rows(
    ds: xr.Dataset, seq_var: str, negatives: Mapping[str, object], targets: Sequence[str]
) -> xr.Dataset:
    """Return sequences without places in a genome with shuffled copies behind them.

    Parameters
    ----------
    ds : xarray.Dataset
        The sequences; positives are those with a label of 1, all where there is no label.
    seq_var : str
        Variable of the sequences.
    negatives : mapping
        ``{"method": "shuffled"}``, with ``k``, ``ratio`` and ``seed``.
    targets : sequence of str
        The label, if it has another name than ``label``.

    Returns
    -------
    xarray.Dataset
        As `seqdata.regions.add_shuffled_negatives` makes it.

    Raises
    ------
    SourceError
        For another method, or targets that are not one label.
    """
    method, options = negatives_method({"method": "shuffled", **negatives})
    if method != "shuffled":
        raise SourceError(
            f"negatives: {method!r} takes windows of a genome, and these sequences have no places "
            "in one: expected {method: shuffled}, which keeps the dinucleotides."
        )
    if len(targets) > 1:
        raise SourceError(
            f"negatives: of {len(targets)} targets a shuffled copy would have no values: name one "
            "label of 1 and 0, or none."
        )
    return shuffled_copies(ds, seq_var, {"label_var": (*targets, "label")[0], **options}, 0)


def shuffled_copies(
    ds: xr.Dataset, seq_var: str, options: Mapping[str, Any], seed: int
) -> xr.Dataset:
    """Return the dataset with shuffled copies of its rows behind them, and their number in it."""
    make = sd.regions.add_shuffled_negatives
    given: dict[str, Any] = {"seed": seed, "k": inspect.signature(make).parameters["k"].default}
    given |= options
    try:
        made = make(ds, seq_var=seq_var, **given)
    except TypeError as error:
        raise SourceError(f"negatives: {error}.") from error
    copies = int((made["source_row"].to_numpy() >= 0).sum())
    return made.assign_attrs(shuffled_negatives=copies, shuffled_k=int(given["k"]))
