"""How well tracks are predicted, of each track and at each bin, with intervals over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eugene._judge import ROUNDINGS
from eugene.errors import EugeneError
from eugene.evaluate._intervals import mean_of, percentiles, resamples
from eugene.settings import session_seed

Values = NDArray[np.float64]
_EPS = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Moments:
    """Sums over values, of which correlations are made; arrays of one shape.

    Attributes
    ----------
    n, y, p : ndarray of float64
        Number of values, and means of the observed and the predicted.
    yy, pp, yp : ndarray of float64
        Sums of squares and products about these means.
    """

    n: Values
    y: Values
    p: Values
    yy: Values
    pp: Values
    yp: Values

    @classmethod
    def of(cls, observed: Values, predicted: Values, axis: int) -> Moments:
        """Return the sums along an axis; observed values that are NaN are left out."""
        there = np.isfinite(observed)
        n = there.sum(axis).astype(np.float64)
        share = 1 / np.maximum(n, 1)
        y = np.where(there, observed, 0.0)
        p = np.where(there, predicted, 0.0)
        means = [side.sum(axis) * share for side in (y, p)]
        dy, dp = (
            np.where(there, side - np.expand_dims(mean, axis), 0.0)
            for side, mean in zip((y, p), means, strict=True)
        )
        return cls(
            n, means[0], means[1], (dy * dy).sum(axis), (dp * dp).sum(axis), (dy * dp).sum(axis)
        )

    @classmethod
    def joined(cls, parts: Sequence[Moments]) -> Moments:
        """Put parts below each other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))

    def take(self, rows: Sequence[int]) -> Moments:
        """Return some of the parts along the first axis."""
        some = list(rows)
        return Moments(*(getattr(self, name)[some] for name in _FIELDS))

    def merged(self, weights: Values | None = None) -> Moments:
        """Return the sums over the first axis, each part counted as often as its weight says.

        Parameters
        ----------
        weights : ndarray of float64, shape (b, n), optional
            By default each part counts once.

        Returns
        -------
        Moments
            Arrays of shape (b, ...); b is 1 by default.
        """
        w = np.ones((1, len(self.n))) if weights is None else weights

        def over(values: Values) -> Values:
            return np.tensordot(w, values, 1)

        n = over(self.n)
        share = 1 / np.maximum(n, 1)
        # about the mean of all, so that no difference of large numbers is taken
        mid_y, mid_p = (
            (self.n * side).sum(0) / np.maximum(self.n.sum(0), 1) for side in (self.y, self.p)
        )
        dy, dp = self.y - mid_y, self.p - mid_p
        y, p = over(self.n * dy) * share, over(self.n * dp) * share
        return Moments(
            n,
            y + mid_y,
            p + mid_p,
            over(self.yy + self.n * dy * dy) - n * y * y,
            over(self.pp + self.n * dp * dp) - n * p * p,
            over(self.yp + self.n * dy * dp) - n * y * p,
        )

    def pearson(self) -> Values:
        """Return Pearson's correlation; NaN where a side varies by no more than rounding."""
        least = self.n * (ROUNDINGS * _EPS) ** 2
        varies = (self.yy > least * self.y**2) & (self.pp > least * self.p**2) & (self.n > 1)
        varies &= (self.yy > 0) & (self.pp > 0)
        below = np.sqrt(np.where(varies, self.yy, 1.0)) * np.sqrt(np.where(varies, self.pp, 1.0))
        return np.where(varies, np.clip(self.yp / below, -1, 1), np.nan)

    def r2(self) -> Values:
        """Return the coefficient of determination; NaN where the observed do not vary."""
        error = self.yy + self.pp - 2 * self.yp + self.n * (self.y - self.p) ** 2
        varies = (self.yy > self.n * (ROUNDINGS * _EPS * self.y) ** 2) & (self.yy > 0)
        return np.where(varies, 1 - error / np.where(varies, self.yy, 1.0), np.nan)


_FIELDS = ("n", "y", "p", "yy", "pp", "yp")


@dataclass(frozen=True)
class TrackRows:
    """What windows gave, in sums over their bins: enough for correlations, and small.

    Attributes
    ----------
    plain, logs : Moments
        Of values and of ``log(1 + value)``, arrays of shape (windows, tracks).
    bins : Moments
        Of values over the windows seen, arrays of shape (1, tracks, bins).
    """

    plain: Moments
    logs: Moments
    bins: Moments

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.plain.n)

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return int(self.plain.n.shape[1])

    def window_pearson(self) -> Values:
        """Return Pearson's correlation over the bins of each window, the mean over its tracks.

        Returns
        -------
        ndarray of float64, shape (windows,)
            NaN where no track of a window varies.
        """
        each = self.plain.pearson()
        there = np.isfinite(each)
        total = np.where(there, each, 0.0).sum(axis=1)
        return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)

    def take(self, rows: Sequence[int]) -> TrackRows:
        """Return some windows; sums at each bin, which are over all windows, stay."""
        return TrackRows(self.plain.take(rows), self.logs.take(rows), self.bins)

    @classmethod
    def joined(cls, parts: Sequence[TrackRows]) -> TrackRows:
        """Put windows below each other.

        Raises
        ------
        EugeneError
            If there are none.
        """
        if not parts:
            raise EugeneError("there is no window to score")
        return cls(
            Moments.joined([part.plain for part in parts]),
            Moments.joined([part.logs for part in parts]),
            Moments.joined([part.bins for part in parts]).merged(),
        )


def score_tracks(observed: ArrayLike, predicted: ArrayLike) -> TrackRows:
    """Sum up what some windows gave; blocks of windows are put together by `TrackRows.joined`.

    Parameters
    ----------
    observed : array_like of float, shape (n, tracks, bins)
        Measured signal; NaN where missing.
    predicted : array_like of float, shape (n, tracks, bins)
        Predictions.

    Returns
    -------
    TrackRows
        Of n windows.

    Raises
    ------
    EugeneError
        If shapes differ, or predictions are not finite where something was measured.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> observed = rng.random((2, 3, 8))
    >>> score_tracks(observed, observed).plain.merged().pearson().round(6).tolist()
    [[1.0, 1.0, 1.0]]
    """
    y, p = np.asarray(observed, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if y.shape != p.shape or y.ndim != 3:
        raise EugeneError(
            f"observed {y.shape} and predicted {p.shape}: expected (windows, tracks, bins) twice"
        )
    wrong = np.isfinite(y) & ~np.isfinite(p)
    if wrong.any():
        row, track, place = (int(i) for i in np.argwhere(wrong)[0])
        raise EugeneError(
            f"the prediction of window {row}, track {track}, bin {place} is {p[row, track, place]}"
        )
    # what is below 0 has no logarithm worth the name, and counts as 0
    logs = [np.log1p(np.maximum(side, 0)) for side in (y, np.where(np.isfinite(p), p, 0.0))]
    each = Moments.of(y[None], p[None], 1)
    return TrackRows(Moments.of(y, p, 2), Moments.of(logs[0], logs[1], 2), each)


def track_table(
    rows: TrackRows,
    names: Sequence[str],
    *,
    references: Mapping[str, TrackRows] | None = None,
    metadata: Mapping[str, Sequence[object]] | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return a row for each track, with intervals over windows.

    Correlations are over all bins of all windows; a bootstrap draws whole windows, because bins
    side by side are alike.

    Parameters
    ----------
    rows : TrackRows
        What the network gave.
    names : sequence of str
        Names of the tracks.
    references : mapping of str to TrackRows, optional
        What others gave for the same windows.
    metadata : mapping of str to sequence, optional
        More columns, such as ``assay``.
    n_bootstrap : int
        Number of resamples; 0 for none.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    pandas.DataFrame
        ``track``, the metadata, ``bins`` that were measured, ``pearson`` with ``pearson_low`` and
        ``pearson_high``, ``pearson_log`` (of ``log(1 + value)``), ``r2``, and for each reference
        ``{name}_pearson`` with its ends.

    Raises
    ------
    EugeneError
        If there are other numbers of names, or references of other windows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> observed = rng.random((4, 2, 50))
    >>> table = track_table(score_tracks(observed, observed + 0.1), ["a", "b"], seed=0)
    >>> table["pearson"].round(3).tolist(), table["bins"].tolist()
    ([1.0, 1.0], [200, 200])
    """
    seed = session_seed(seed)
    if len(names) != rows.n_tracks:
        raise EugeneError(f"{len(names)} names for {rows.n_tracks} tracks")
    table = pd.DataFrame({"track": list(map(str, names))})
    for key, values in (metadata or {}).items():
        table[key] = list(values)
    all_of = rows.plain.merged()
    table["bins"] = all_of.n[0].astype(np.int64)
    for name, part in {"": rows, **(references or {})}.items():
        if len(part) != len(rows) or part.n_tracks != rows.n_tracks:
            raise EugeneError(
                f"the reference {name!r} has {len(part)} windows of {part.n_tracks} tracks, the "
                f"network {len(rows)} of {rows.n_tracks}"
            )
        key = f"{name}_pearson" if name else "pearson"
        table[key] = part.plain.merged().pearson()[0]
        draws = drawn_pearson(part, n_bootstrap, seed)
        ends = [percentiles(column, level) for column in draws.T]
        table[f"{key}_low"], table[f"{key}_high"] = [e[0] for e in ends], [e[1] for e in ends]
        if not name:
            table["pearson_log"] = rows.logs.merged().pearson()[0]
            table["r2"] = all_of.r2()[0]
    return table


def drawn_pearson(rows: TrackRows, n_bootstrap: int, seed: int) -> Values:
    """Return each track's correlation in resamples of windows, float64 (n_bootstrap, tracks)."""
    found = [rows.plain.merged(w).pearson() for w in resamples(len(rows), n_bootstrap, seed)]
    return np.concatenate(found) if found else np.empty((0, rows.n_tracks))


def group_table(
    rows: TrackRows,
    groups: Sequence[str],
    *,
    references: Mapping[str, TrackRows] | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return the mean correlation of the tracks of each group, such as an assay, and of all.

    Parameters
    ----------
    rows : TrackRows
        What the network gave.
    groups : sequence of str
        Group of each track.
    references, n_bootstrap, level, seed
        As `track_table` takes them.

    Returns
    -------
    pandas.DataFrame
        ``group``, ``tracks``, ``pearson`` with its ends, the mean over the tracks for which it
        exists, and for each reference ``{name}_pearson`` with its ends.
    """
    seed = session_seed(seed)
    labels = np.asarray(groups, dtype=object)
    chosen = {"all": np.ones(len(labels), np.bool_)}
    chosen |= {str(g): labels == g for g in dict.fromkeys(labels.tolist())}
    table = pd.DataFrame({"group": list(chosen), "tracks": [int(c.sum()) for c in chosen.values()]})
    for name, part in {"": rows, **(references or {})}.items():
        key = f"{name}_pearson" if name else "pearson"
        values = part.plain.merged().pearson()[0]
        draws = drawn_pearson(part, n_bootstrap, seed)
        found: dict[str, list[float]] = {key: [], f"{key}_low": [], f"{key}_high": []}
        for some in chosen.values():
            # the mean in a resample is over the tracks that the value itself is a mean of
            there = some & np.isfinite(values)
            means = np.array([mean_of(draw[there]) for draw in draws])
            ends = percentiles(means, level)
            for column, value in zip(found, (mean_of(values[there]), *ends), strict=True):
                found[column].append(value)
        for column, numbers in found.items():
            table[column] = numbers
    return table


def bin_table(rows: TrackRows, *, bin_size: int = 1) -> pd.DataFrame:
    """Return a row for each bin of the output: how well windows are told apart at that place.

    Parameters
    ----------
    rows : TrackRows
        What the network gave.
    bin_size : int
        Bases (bp) of a bin.

    Returns
    -------
    pandas.DataFrame
        ``bin``, ``offset`` (bp of its middle from that of the window), ``tracks`` that vary
        there, ``pearson`` across windows, its mean over these tracks, and the means of the
        ``observed`` and the ``predicted`` over windows and tracks.
    """
    at = rows.bins
    values = at.pearson()[0]
    there = np.isfinite(values)
    count = there.sum(0)
    mean = np.where(there, values, 0.0).sum(0) / np.maximum(count, 1)
    n = np.maximum(at.n[0].sum(0), 1)
    bins = values.shape[1]
    return pd.DataFrame(
        {
            "bin": np.arange(bins),
            "offset": (np.arange(bins) - (bins - 1) / 2) * bin_size,
            "tracks": count,
            "pearson": np.where(count > 0, mean, np.nan),
            "observed": (at.n[0] * at.y[0]).sum(0) / n,
            "predicted": (at.n[0] * at.p[0]).sum(0) / n,
        }
    )


class MeanTracks:
    """The mean over training windows of each track at each bin: what needs no sequence.

    Attributes
    ----------
    total, count : ndarray of float64, shape (tracks, bins), or None
        Sum over windows, and the number of those that were measured there.

    Examples
    --------
    >>> mean = MeanTracks()
    >>> mean.add(np.array([[[1.0, 2.0]], [[3.0, np.nan]]]))
    >>> mean.predict(1).tolist()
    [[[2.0, 2.0]]]
    """

    def __init__(self) -> None:
        self.total: Values | None = None
        self.count: Values | None = None

    def add(self, observed: ArrayLike) -> None:
        """Take in windows.

        Parameters
        ----------
        observed : array_like of float, shape (n, tracks, bins)
            Measured signal; NaN where missing.
        """
        y = np.asarray(observed, dtype=np.float64)
        there = np.isfinite(y)
        total, count = np.where(there, y, 0.0).sum(0), there.sum(0).astype(np.float64)
        self.total = total if self.total is None else self.total + total
        self.count = count if self.count is None else self.count + count

    def predict(self, n: int) -> Values:
        """Return the mean for so many windows, float64 (n, tracks, bins).

        A bin that was never measured has the mean of its track.

        Raises
        ------
        EugeneError
            If no window was taken in.
        """
        if self.total is None or self.count is None:
            raise EugeneError("there is no training window to take the mean of")
        whole = self.total.sum(1) / np.maximum(self.count.sum(1), 1)
        mean = np.where(self.count > 0, self.total / np.maximum(self.count, 1), whole[:, None])
        return np.broadcast_to(mean, (n, *mean.shape))


def metadata_of(ds: Any, name: str) -> dict[str, list[object]]:
    """Return what a dataset says of the samples of a track, beside their names.

    Parameters
    ----------
    ds : xarray.Dataset
        Dataset.
    name : str
        The track.

    Returns
    -------
    dict of str to list
        ``strand``, ``assay``, ``weight`` and ``description``, as far as it says.
    """
    keys = ("assay", "strand", "weight", "description")
    return {
        key: ds[f"{name}_{key}"].to_numpy().tolist() for key in keys if f"{name}_{key}" in ds.coords
    }
