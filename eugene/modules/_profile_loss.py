"""What a profile network is compared with: counts over the positions that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from eugene._judge import say
from eugene._tracks import TrackLayout
from eugene.errors import DataError, EugeneError
from eugene.modules._groups import Groups

# of the median of the counts; that of ChromBPNet
_AUTO_SHARE = 10


def compared(
    groups: Groups, logits: torch.Tensor, counts: torch.Tensor, target: torch.Tensor, *, joint: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return expected and observed ln(1 + N) over the positions there, and where are any.

    Parameters
    ----------
    groups : Groups
        Which tracks make a task.
    logits : torch.Tensor of float, shape (n, tracks, positions)
        Profile of the network.
    counts : torch.Tensor of float, shape (n, tasks) or (n, tracks)
        Its ln(1 + N).
    target : torch.Tensor of float, shape (n, tracks, positions)
        Counts; NaN where missing.
    joint : bool
        Whether shares of a task are over all of its tracks.

    Returns
    -------
    expected, observed : torch.Tensor of float, shape (n, tasks) or (n, tracks)
        The former less what the profile puts on positions that are missing; the latter 0
        where all are.
    counted : torch.Tensor of bool, of that shape
        Where there is a position.
    """
    present = torch.isfinite(target)
    sums, some = target.where(present, 0.0).sum(-1), present.any(-1)
    with torch.no_grad():
        if joint and not groups.per_track:
            reach = groups.by_task(
                lambda x, p: log_reach(x.flatten(2), p.flatten(2)), logits, present
            )
        else:
            reach = log_reach(logits, present)
            if not groups.per_track:
                # shares of single tracks do not say how the task is dealt to them: evenly
                reach = groups.by_task(lambda r: r.exp().mean(2).log(), reach)
        beyond = (-torch.expm1(reach)).log()
    if not groups.per_track:
        sums = groups.by_task(lambda y: y.sum(2), sums)
        some = groups.by_task(lambda p: p.any(2), some)
    # ln(1 + N p) = ln((1 - p) + p (1 + N)); with nothing missing it is what was predicted
    expected = torch.logaddexp(beyond, counts + reach)
    return expected, torch.log1p(sums).where(some, 0.0), some


def log_reach(logits: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the share that is predicted for positions that are there."""
    there = logits.where(present, torch.finfo(logits.dtype).min).logsumexp(-1)
    return (there - logits.logsumexp(-1)).clamp_max(0.0)


def shape_problem(output: tuple[int, ...], target: tuple[int, ...]) -> str:
    """Say how a profile and its target differ, and what to do."""
    text = f"the network gives profiles of shape {output}, the targets have shape {target}: "
    if len(target) != 3:
        return text + "tracks (sequences, tracks, positions) are expected as targets"
    if output[1] != target[1]:
        return text + f"build it with n_outputs={target[1]}, one track a sample"
    return (
        text + f"cut the targets to {output[2]} bp (data.target_length), or build the network "
        f"with another trimming"
    )


def checked_weight(
    given: object,
) -> list[float] | Literal["auto", "learned"]:
    """Return the weight of the counts as a list of one or a number for each task, or the word."""
    if given in ("auto", "learned"):
        return given
    listed = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    fits = all(
        isinstance(w, int | float) and not isinstance(w, bool) and math.isfinite(w) and w >= 0
        for w in listed
    )
    if not listed or not fits:
        raise EugeneError(
            f"count_weight is {given!r}: expected a number from 0 up (one for each task, or one "
            "for all), 'auto' or 'learned'"
        )
    return [float(w) for w in listed]  # type: ignore[arg-type]


def auto_weights(layout: TrackLayout, totals: NDArray[np.float64]) -> list[float]:
    """Return a tenth of the median number of counts of each task; of the mean where it is 0.

    Parameters
    ----------
    layout : TrackLayout
        Tasks.
    totals : ndarray of float64, shape (rows, tracks)
        Counts of training rows; NaN where missing.

    Returns
    -------
    list of float
        One number a task.

    Raises
    ------
    DataError
        If no row has counts.

    Examples
    --------
    >>> auto_weights(TrackLayout.made(["atac"]), np.array([[10.0], [20.0], [90.0]]))
    [2.0]
    """
    found = []
    for name, tracks in layout.tasks.items():
        counts = totals[:, list(tracks)]
        counts = np.nansum(counts, axis=1)[np.isfinite(counts).any(axis=1)]
        middle = float(np.median(counts)) if len(counts) else 0.0
        if middle <= 0 and len(counts):
            middle = float(counts.mean())
            if middle > 0:
                say(
                    f"count_weight: half of the training rows have no counts in {name!r}, so "
                    "'auto' takes a tenth of the mean instead of the median"
                )
        if middle <= 0:
            raise DataError(f"no training row has counts in {name!r}: there is nothing to learn.")
        found.append(middle / _AUTO_SHARE)
    return found
