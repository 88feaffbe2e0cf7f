"""Two elements of their own length at growing distances, on shuffled background, seen in tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import nn

from seqexplainer._inputs import check_one_hot
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._backgrounds import backgrounds
from seqexplainer.perturb._edit import check_position, pattern, write
from seqexplainer.predict import predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqpro.motifs import Motif


def distance_assay(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    fixed: str | Motif | NDArray[np.generic],
    mobile: str | Motif | NDArray[np.generic],
    *,
    step: int = 10_000,
    positions: Sequence[int] | None = None,
    anchor: int | None = None,
    track: int = 0,
    bin_size: int = 128,
    centre: int = 256,
    n: int = 10,
    seed: int | None = 0,
    batch_size: int = 4,
) -> pd.DataFrame:
    """Move one element away from another on shuffled background, and watch a track at both.

    Parameters
    ----------
    model : torch.nn.Module
        Of one-hot sequences (N, 4, L) to tracks (N, tracks, bins), whose bins lie in their middle.
    X : ndarray or Tensor, shape (M, 4, L)
        Sequences that the backgrounds are shuffled from; their dinucleotides are kept.
    fixed, mobile : str, Motif or one-hot array (4, w)
        The elements.
    step : int
        Distance (bp) from one place of the mobile element to the next, to both sides as far as
        they go.
    positions : sequence of int, optional
        First bases (bp) of the mobile element instead.
    anchor : int, optional
        First base (bp) of the fixed element; by default that which puts it into the middle.
    track : int
        Track that is watched.
    bin_size : int
        Bases (bp) of a bin.
    centre : int
        Bases (bp) around the middle of the fixed element whose mean is reported.
    n : int
        Number of backgrounds.
    seed : int, optional
        Seed of the shuffles; background i depends on it and i only.
    batch_size : int
        Sequences at a time.

    Returns
    -------
    pandas.DataFrame
        A row for each place, the first without the mobile element: ``position`` (bp), ``distance``
        from middle to middle (bp, negative where the mobile element is on the left), ``fixed``
        and ``fixed_sd``, mean and standard deviation over backgrounds of the mean of the bins
        around the fixed element, ``mobile`` and ``mobile_sd`` of the largest bin under the mobile
        one.

    Raises
    ------
    SeqexplainerError
        If an element does not fit, the elements overlap where positions are given, there is no
        such track, or bins do not lie in the middle of the sequences.

    Examples
    --------
    >>> model = torch.nn.AvgPool1d(4)
    >>> X = np.eye(4)[:, np.arange(64) % 4][None]
    >>> table = distance_assay(model, X, "AAAA", "AAAA", anchor=28, step=16, bin_size=4,
    ...                        centre=4, n=2)
    >>> table["distance"].tolist()[1:], table["fixed"].tolist()[1]
    ([-16.0, 16.0, 32.0], 1.0)
    """
    length = check_one_hot(X).shape[2]
    one, other = pattern(fixed), pattern(mobile)
    width_a, width_b = one.shape[1], other.shape[1]
    at = (length - width_a) // 2 if anchor is None else anchor
    check_position(at, width_a, length, "element")
    middle = at + width_a / 2
    if step < 1:
        raise SeqexplainerError(f"step is {step}, expected at least 1 bp")
    if positions is None:
        home = round(middle - width_b / 2)
        reach = range(-(length // step), length // step + 1)
        places = [home + k * step for k in reach if 0 <= home + k * step <= length - width_b]
        places = [place for place in places if _apart(place, width_b, at, width_a)]
        if not places:
            raise SeqexplainerError(
                f"no place {step} bp or a multiple of it away holds the mobile element of "
                f"{width_b} bp in {length} bp: take a smaller step"
            )
    else:
        places = [int(p) for p in positions]
        for place in places:
            check_position(place, width_b, length, "element")
            if not _apart(place, width_b, at, width_a):
                raise SeqexplainerError(
                    f"the mobile element at {place} overlaps the fixed one at {at}"
                )
    ground = backgrounds(X, kind="dinuc_shuffle", n=n, seed=seed).float()
    write(ground, one, at)
    rows = []
    steps: list[int | None] = [None, *places]
    for spot in steps:
        built = ground.clone()
        if spot is not None:
            write(built, other, spot)
        found = predict(model, built, batch_size=batch_size)
        if not isinstance(found, torch.Tensor) or found.ndim != 3:
            raise SeqexplainerError("the model gives no tracks in bins, (N, tracks, bins)")
        if not 0 <= track < found.shape[1]:
            raise SeqexplainerError(f"track is {track}, the model gives {found.shape[1]}, from 0")
        values = found[:, track].double().numpy()
        lead = _lead(values.shape[1], bin_size, length)
        here = _bins(values, lead, bin_size, int(middle - centre / 2), int(middle + centre / 2))
        near = here.mean(1)
        far = np.full(n, np.nan)
        if spot is not None:
            far = _bins(values, lead, bin_size, spot, spot + width_b).max(1)
        rows.append(
            (np.nan if spot is None else spot,
             np.nan if spot is None else spot + width_b / 2 - middle,
             near.mean(), near.std(ddof=1) if n > 1 else np.nan,
             far.mean(), far.std(ddof=1) if n > 1 else np.nan)
        )  # fmt: skip
    columns = ["position", "distance", "fixed", "fixed_sd", "mobile", "mobile_sd"]
    return pd.DataFrame(rows, columns=columns)


def _apart(place: int, width: int, at: int, width_at: int) -> bool:
    return place + width <= at or place >= at + width_at


def _lead(bins: int, bin_size: int, length: int) -> int:
    """Return the base at which the first bin begins."""
    rest = length - bins * bin_size
    if rest < 0 or rest % 2:
        raise SeqexplainerError(
            f"{bins} bins of {bin_size} bp do not lie in the middle of {length} bp: give the "
            "bin_size of the model"
        )
    return rest // 2


def _bins(
    values: NDArray[np.float64], lead: int, bin_size: int, start: int, end: int
) -> NDArray[np.float64]:
    """Return the bins that bases from start to end lie in, (N, bins)."""
    low = max(0, (start - lead) // bin_size)
    high = min(values.shape[1], -(-(end - lead) // bin_size))
    if low >= high:
        raise SeqexplainerError(
            f"no bin is predicted of the bases from {start} to {end}: move the element further in"
        )
    return values[:, low:high]
