"""Whether attribution columns, a few next to each other, point in the same directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqexplainer._inputs import check_choice
from seqexplainer.errors import InputError
from seqexplainer.metrics import _kernels
from seqexplainer.metrics._divergence import (
    Divergence,
    checked_k,
    checked_options,
    checked_share,
    said,
)
from seqexplainer.metrics._maps import Letters, Maps, batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

_THIRD = {"orthonormal": 1.0, "acme": 0.0}
BASES: dict[str, NDArray[np.float64]] = {
    name: np.array([[-1, 1, 0, 0], [-0.5, -0.5, third, 0], [-1 / 3, -1 / 3, -1 / 3, 1]])
    * np.sqrt([[1 / 2], [2 / 3], [3 / 4]])
    for name, third in _THIRD.items()
}
"""Rows that turn a column of A, C, G, T into three coordinates; the original forgets G in one."""

SCOPES = ("global", "sequence")
MODES = ("paper", "improved")
N_BINS = 31
"""Bins of either angle."""
_REACH = 3  # bins to either side that the prior is a mean of
_BITS = 48  # of a radius are left out where radii are counted
_ROWS, _FEW, _MANY = 128, 1 << 17, 1 << 20  # maps and positions of a first look at the radii
ENOUGH = 10
"""How many points there should be for each bin."""


class Points(NamedTuple):
    """Windows whose sum is long enough to count, in the order of sequences and positions.

    Attributes
    ----------
    phi, theta : ndarray of float64, shape (n_points,)
        Angles (rad). phi is halved and lies in 0 to pi, or in -pi to pi where ``mode`` is
        ``"improved"``; theta lies in 0 to pi.
    r : ndarray of float64, shape (n_points,)
        Length of the sum of the window's scaled columns.
    sequence, position : ndarray of int64, shape (n_points,)
        Where the window begins.
    """

    phi: NDArray[np.float64]
    theta: NDArray[np.float64]
    r: NDArray[np.float64]
    sequence: NDArray[np.int64]
    position: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class KAttrMeanKLD(Divergence):
    """Divergence of the directions of summed attribution columns from a smooth distribution.

    Attributes
    ----------
    hist, prior : ndarray of float64, shape (31, 31)
        Density over phi and theta, weighted by the squared length, and the same smoothed.
    counts : ndarray of int64, shape (31, 31)
        Points in each bin.
    bin_area : float
        ``hist.sum() * bin_area`` is 1.
    n_points : int
        Windows that count.
    cuts : ndarray of float64, shape (1,) or (n_seqs,)
        Length above which a window counts: one for all, or one for each sequence.
    kept : tuple
        What `points` is put together from, when it is asked for.

    Notes
    -----
    The other attributes are those of `Divergence`.
    """

    hist: NDArray[np.float64]
    prior: NDArray[np.float64]
    counts: NDArray[np.int64]
    bin_area: float
    n_points: int
    cuts: NDArray[np.float64]
    kept: tuple[tuple[NDArray[np.generic], ...], ...] = field(repr=False)

    @cached_property
    def points(self) -> Points | None:
        """The windows that count, if they were kept."""
        if not self.kept:
            return None
        phi, theta, r, place = (np.concatenate(part) for part in zip(*self.kept, strict=True))
        order = np.argsort(place, kind="stable")
        sequence, position = np.divmod(place[order], self.length)
        return Points(phi[order], theta[order], r[order], sequence, position)


def k_attr_mean_kld(
    attr: object,
    X: object = None,
    *,
    k: int = 3,
    keep: float = 0.1,
    basis: str = "orthonormal",
    compat: str | None = None,
    threshold_scope: str = "global",
    mode: str = "paper",
    correction: str | None = None,
    null: str | None = None,
    n_null: int = 20,
    seed: int | None = None,
    points: bool = True,
    progress: bool = False,
) -> KAttrMeanKLD:
    """Measure how unevenly the directions of attribution columns are distributed.

    Columns have their mean over the letters taken away and each map is divided by the sum of its
    columns' lengths. The sum of k columns next to each other is a vector in three dimensions; of
    the longest ones the two angles are counted, weighted by the squared length. The divergence is
    that of this histogram from its own smooth version: large where attributions come back to the
    same few shapes, small where they point anywhere.

    Parameters
    ----------
    attr : array of float, shape (n_seqs, 4, length)
        Hypothetical attributions in the order ACGT, as in `kmer_kld`.
    X : array, optional
        The sequences, as in `kmer_kld`. They change nothing; it is checked that they fit.
    k : int
        Columns that are added up.
    keep : float
        Share of the windows that count, the longest ones: strictly longer than the
        ``int(keep * n)``-th longest of n. The paper takes 0.1 for real data, 0.99 for simulated.
    basis : {"orthonormal", "acme"}
        Coordinates; the original forgets G in the second one.
    compat : {"acme"}, optional
        Compute as the original does, for published numbers: its basis and its value of pi. The
        original rounds the divergence to 3 digits.
    threshold_scope : {"global", "sequence"}
        Whether the cut is one for all windows (the original), or for each sequence the quantile
        ``1 - keep`` of its own windows (the paper's text).
    mode : {"paper", "improved"}
        The paper's bins are 31 of each angle, those at the border are left out, and the prior is
        an off-centre mean of 6 x 6 bins. ``"improved"`` takes all of phi, which goes round, bins
        of one area, all bins, a centred prior of 7 x 7 that adds up to 1; its divergence is never
        negative. Its numbers are not those of the paper.
    correction : {"miller_madow"}, optional
        Take the first-order bias of a small sample away; points weigh as they do.
    null : {"shuffled"}, optional
        Compare with the same maps, the letters of each column in random order: lengths stay where
        they are, directions are any. Random directions fill more bins than motifs do, and the
        divergence of few windows over many bins is large: with fewer windows than are wanted
        ``z`` can be negative for maps of true motifs, and says nothing.
    n_null : int
        Draws of the null.
    seed : int, optional
        Seed of the null; None means 0.
    points : bool
        Whether the result holds the windows that count, for pictures: 40 bytes each.
    progress : bool
        Whether to draw a progress bar.

    Returns
    -------
    KAttrMeanKLD
        The divergence (nats), histograms, points and warnings.

    Raises
    ------
    InputError
        If an array has the wrong form or an option is out of range.

    Notes
    -----
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html. The divergence
    is larger where there are fewer points: compare models on the same sequences (`incomparable`).
    Neither the scale of a map nor a number added to all letters of a position changes it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(600, 4, 200))
    >>> motif = noise.copy()
    >>> motif[:, :, 90:100] += 4 * rng.normal(size=(4, 10))
    >>> k_attr_mean_kld(motif).kld > k_attr_mean_kld(noise).kld + 0.5
    True
    """
    maps = Maps.of(attr)
    if X is not None:
        Letters.of(X, maps)
    checked_k(k, maps.length)
    check_choice(basis, tuple(BASES), "basis")
    check_choice(threshold_scope, SCOPES, "threshold_scope")
    check_choice(mode, MODES, "mode")
    draws, seed = checked_options(correction, null, n_null, seed, compat)
    if compat and mode != "paper":
        raise InputError(f"compat={compat!r} computes as the paper's code does, not mode={mode!r}")
    basis = "acme" if compat else basis
    kind = _kernels.ACME if compat else _kernels.EXACT
    grid = _Improved(_kernels.EVEN) if mode == "improved" else _Grid(kind)
    share = checked_share(keep, "keep", zero=False)
    windows = _Windows(maps, k, _THIRD[basis], share, threshold_scope, progress)
    found = windows.counted(grid, points=points)
    kld, prior = grid.divergence(found, correction)
    shuffles = (replace(windows, shuffle=(seed, draw)) for draw in range(1, draws + 1))
    others = [grid.divergence(s.counted(grid, points=False), correction)[0] for s in shuffles]
    return KAttrMeanKLD(
        kld=kld,
        null=np.array(others),
        n_seqs=maps.n,
        length=maps.length,
        n_empty=found.n_empty,
        warnings=said(_notes(found, maps), "k_attr_mean_kld"),
        settings={
            "k": k,
            "keep": share,
            "basis": basis,
            "compat": compat,
            "threshold_scope": threshold_scope,
            "mode": mode,
            "correction": correction,
            "null": null,
            "n_null": draws,
            "seed": seed,
        },
        hist=grid.density(found.weights[0]),
        prior=prior,
        counts=found.counts,
        bin_area=grid.area,
        n_points=found.n_points,
        cuts=found.cuts,
        kept=tuple(found.kept),
    )


def _notes(found: _Counted, maps: Maps) -> list[str]:
    """Return what to know of a result."""
    notes, wanted = [], ENOUGH * N_BINS**2
    if found.n_empty:
        notes.append(
            f"{found.n_empty} of {maps.n} maps hold no attribution (all zeros, a NaN, or all "
            "letters alike) and take no part"
        )
    if not found.n_points:
        notes.append("no window is above the cut, so that there is no divergence (NaN)")
    elif found.n_points < wanted:
        notes.append(
            f"{found.n_points:,} windows count, {wanted:,} are wanted for {N_BINS} x {N_BINS} "
            "bins: the divergence of fewer is larger by chance, and shuffled maps are no measure "
            "of by how much (z may be below 0 for true motifs). Take more sequences or a larger "
            "keep, and compare at equal numbers only"
        )
    return notes


@dataclass
class _Counted:
    """Windows in bins.

    Attributes
    ----------
    weights : ndarray of float64, shape (2, 31, 31)
        Sums of the weights, and of their squares.
    counts : ndarray of int64, shape (31, 31)
        Numbers.
    cuts : ndarray of float64
        Radius above which windows count.
    n_empty : int
        Maps without attributions.
    kept : list of tuple
        Angles, radii and places, of parts of the windows.
    """

    length: int
    cuts: NDArray[np.float64]
    n_empty: int = 0
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, N_BINS, N_BINS)))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((N_BINS, N_BINS), np.int64))
    kept: list[tuple[NDArray[np.generic], ...]] = field(default_factory=list)

    @property
    def n_points(self) -> int:
        """Windows that count."""
        return int(self.counts.sum())

    def add(self, grid: _Grid, window: _Window, *, points: bool) -> None:
        """Put windows into their bins."""
        phi, theta = np.empty_like(window.r), np.empty_like(window.r)
        _kernels.bin_windows(window[:3], window.r, grid.kind, phi, theta, self.weights, self.counts)
        if points:
            self.kept.append((phi, theta, window.r.copy(), window.place.copy()))


class _Window(NamedTuple):
    """Coordinates (n,), length (n,) and place (n,) in all windows, of some of them."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    third: NDArray[np.float64]
    r: NDArray[np.float64]
    place: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_] | slice) -> _Window:
        return _Window(
            self.first[chosen],
            self.second[chosen],
            self.third[chosen],
            self.r[chosen],
            self.place[chosen],
        )

    @classmethod
    def joined(cls, parts: list[_Window]) -> _Window:
        """Return the windows of several parts as one."""
        first, second, third, r = (np.concatenate([p[i] for p in parts]) for i in range(4))
        return cls(first, second, third, r, np.concatenate([p.place for p in parts]))


@dataclass(frozen=True)
class _Windows:
    """The windows of maps, and which of them count.

    With ``shuffle``, a seed and the number of a draw, the letters of columns are in random order.
    """

    maps: Maps
    k: int
    third: float
    keep: float
    scope: str
    progress: bool
    shuffle: tuple[int, int] | None = None

    def counted(self, grid: _Grid, *, points: bool) -> _Counted:
        """Return the windows that count."""
        if self.scope == "sequence":
            found = _Counted(self.maps.length, np.zeros(self.maps.n))
            for window, _ in self._longer(found):
                found.add(grid, window, points=points)
            return found
        wanted = int(self.keep * self.maps.n * self.maps.length)
        for bounds in (self._guessed, self._known):
            found, held = self._between(grid, *bounds(wanted), points=points)
            rank = wanted - found.n_points  # of the cut among those held, from 1
            if 0 < rank <= len(held.r):
                found.cuts = np.partition(held.r, len(held.r) - rank)[[len(held.r) - rank]]
                found.add(grid, held.where(held.r > found.cuts[0]), points=points)
                break
            if not wanted:
                break
        return found

    def _between(
        self, grid: _Grid, low: float, high: float, *, points: bool
    ) -> tuple[_Counted, _Window]:
        """Count the windows above an upper bound, and return those between it and a lower one."""
        found = _Counted(self.maps.length, np.full(1, np.nan))
        held = []
        for above, between in self._longer(found, low, high):
            found.add(grid, above, points=points)
            held.append(_Window.joined([between]))  # a copy
        return found, _Window.joined(held)

    def _guessed(self, wanted: int) -> tuple[float, float]:
        """Return bounds between which the cut is likely to be, from some of the maps."""
        if not wanted:
            return np.inf, np.inf
        n, length = self.maps.n, self.maps.length
        rows = min(max(_ROWS, _FEW // length), max(8, _MANY // length))
        r = self._radii(slice(0, n, max(1, n // rows)))
        at = r.size * (1 - wanted / (n * length))
        pivot = _smallest(r, int(at))
        error = (r > pivot).mean(axis=1).std() / np.sqrt(len(r))
        margin = 8 + 5 * error * r.size
        return _smallest(r, int(at - margin)), _smallest(r, int(at + margin))

    def _known(self, wanted: int) -> tuple[float, float]:
        """Return narrow bounds between which the cut is: radii of its first bits."""
        heads = np.zeros(1 << (64 - _BITS), dtype=np.int64)
        for rows in batches(self.maps, shown=self.progress, what="cut"):
            first = self._radii(rows).view(np.int64) >> _BITS
            heads += np.bincount(first.ravel(), minlength=len(heads))
        above = heads[::-1].cumsum()[::-1]  # radii with these first bits or higher ones
        edge = np.flatnonzero(above >= wanted)[-1] + np.arange(2)
        low, high = np.nextafter((edge << _BITS).view(np.float64), -1)
        return float(low), float(high)

    def _maps(self, rows: slice) -> NDArray[np.floating]:
        return self.maps.rows(rows) if not self.shuffle else self.maps.shuffled(rows, *self.shuffle)

    def _radii(self, rows: slice) -> NDArray[np.float64]:
        """Return the lengths of all windows of some maps, (n, L)."""
        maps = self._maps(rows)
        r = np.empty((len(maps), self.maps.length))
        _kernels.radii(maps, self.k, self.third, r)
        return r

    def _longer(
        self, found: _Counted, low: float | None = None, high: float = -1.0
    ) -> Iterator[tuple[_Window, _Window]]:
        """Yield the windows longer than an upper bound, and those between it and a lower one.

        Without bounds those are yielded that are longer than the quantile of their map. What is
        learnt of the maps on the way is noted. The arrays are written to anew each time.
        """
        room = max(rows.stop - rows.start for rows in self.maps.spans()) * self.maps.length
        coordinates, r, place = np.empty((3, room)), np.empty(room), np.empty(room, np.int64)
        whole = _Window(coordinates[0], coordinates[1], coordinates[2], r, place)
        for rows in batches(self.maps, shown=self.progress, what="maps"):
            bounds = np.full(rows.stop - rows.start, low)
            if low is None:
                bounds = found.cuts[rows]
                _kernels.row_quantiles(self._radii(rows), 1 - self.keep, bounds)
            begin = rows.start * self.maps.length
            first, last, empty = _kernels.take(
                self._maps(rows), self.k, self.third, bounds, high, begin, coordinates, r, place
            )
            found.n_empty += empty
            yield whole.where(slice(0, first)), whole.where(slice(room - last, room))


def _smallest(values: NDArray[np.float64], rank: int) -> float:
    """Return the value of a rank from 0, -1 before the first and infinity behind the last one."""
    if rank < 0:
        return -1.0
    return float(np.partition(values, rank, axis=None)[rank]) if rank < values.size else np.inf


@dataclass(frozen=True)
class _Grid:
    """Bins of both angles and the divergence over them, as the paper's code has them.

    Attributes
    ----------
    kind : int
        How angles are computed and binned, as of `_kernels.bin_windows`.
    """

    kind: int = _kernels.EXACT
    area = _kernels.WIDTH**2

    def density(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return weights as a density; NaN of nothing."""
        total = weights.sum() * self.area
        return weights / total if total else np.full_like(weights, np.nan)

    def prior(self, hist: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over the bins from 3 before to 2 behind; the first bins do not count."""
        there = np.zeros_like(hist)
        there[1:, 1:] = 1
        steps = range(-_REACH, _REACH)
        return _box_mean(hist * there, there, steps, _shifted)

    def inside(self) -> NDArray[np.bool_]:
        """Return which bins are summed over."""
        inside = np.zeros((N_BINS, N_BINS), dtype=bool)
        inside[1:-1, 1:-1] = True
        return inside

    def divergence(
        self, found: _Counted, correction: str | None
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the divergence and the prior."""
        hist = self.density(found.weights[0])
        if not found.n_points:
            return float("nan"), hist.copy()
        prior = self.prior(hist)
        summed = self.inside() & (hist > 0)
        kld = self.area * float(np.sum(hist[summed] * np.log(hist[summed] / prior[summed])))
        if correction:
            # the variance of each share over twice the share, as in Miller and Madow's formula
            first, second = found.weights
            total = first.sum()
            terms = second[summed] / first[summed]
            kld -= float(terms.sum() / total - second.sum() / total**2) / 2
        return kld, prior


@dataclass(frozen=True)
class _Improved(_Grid):
    """Bins of one area on the sphere, without a border in phi, all of them summed over."""

    area = 4 * np.pi / N_BINS**2

    def prior(self, hist: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = range(-_REACH, _REACH + 1)
        prior = _box_mean(hist, np.ones_like(hist), steps, _round)
        whole: NDArray[np.float64] = prior / (prior.sum() * self.area)
        return whole

    def inside(self) -> NDArray[np.bool_]:
        return np.ones((N_BINS, N_BINS), dtype=bool)


def _box_mean(
    values: NDArray[np.float64],
    there: NDArray[np.float64],
    steps: range,
    shift: Callable[[NDArray[np.float64], int, int], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the mean over those neighbours of each bin that are there."""
    total, count = np.zeros_like(values), np.zeros_like(values)
    for down in steps:
        for right in steps:
            total += shift(values, down, right)
            count += shift(there, down, right)
    mean: NDArray[np.float64] = total / count
    return mean


def _shifted(values: NDArray[np.float64], down: int, right: int) -> NDArray[np.float64]:
    """Return at (i, j) what stands at (i + down, j + right), 0 beyond the borders."""
    n, m = values.shape
    wide = np.pad(values, _REACH)
    return wide[_REACH + down : _REACH + down + n, _REACH + right : _REACH + right + m]


def _round(values: NDArray[np.float64], down: int, right: int) -> NDArray[np.float64]:
    """Return as `_shifted` what stands there, the first axis going round."""
    return np.roll(_shifted(values, 0, right), -down, axis=0)
