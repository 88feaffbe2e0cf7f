"""What profiles are measured beside: the mean of the training rows, and one half of the reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene._evaluation import Metric
from eugene.errors import EugeneError
from eugene.evaluate._intervals import mean_of, percentiles
from eugene.evaluate._profile_rows import Smooth, jensen_shannon, smooth_profiles
from eugene.evaluate._profiles import ProfileRows, Tasks, draw_profiles, one_task_a_sample
from seqpro.random import counter_seed

Values: TypeAlias = NDArray[np.float64]
# whole numbers are exact in float64 up to here
_LARGEST = 2**53


class MeanProfile:
    """The mean of normalised profiles: what is predicted of every row by who knows no sequence.

    Each row in which something was counted weighs the same, and one flat row is added, so that no
    position is impossible.

    Parameters
    ----------
    tasks : mapping of str to sequence of int, optional
        Samples of each task; by default each sample is one.

    Attributes
    ----------
    rows : dict of str to int
        Rows with counts, by task.

    Examples
    --------
    >>> mean = MeanProfile()
    >>> mean.add([[[4, 0]], [[0, 0]], [[1, 1]]])
    >>> mean.rows, mean.profile.round(3).tolist()
    ({'0': 2}, [[[0.667, 0.333]]])
    """

    def __init__(self, tasks: Tasks | None = None) -> None:
        self.tasks = tasks
        self.rows: dict[str, int] = {}
        self._sums: Values | None = None
        self._times: Values | None = None

    def add(self, observed: ArrayLike, mask: ArrayLike | None = None) -> None:
        """Take rows into the mean.

        Parameters
        ----------
        observed : array_like of float, shape (n, samples, length)
            Counts of every position; NaN where missing.
        mask : array_like, shape of ``observed``, optional
            1 where a position counts.

        Raises
        ------
        EugeneError
            If the shape is not that of the rows before.
        """
        y = np.asarray(observed, dtype=np.float64)
        if y.ndim != 3 or (self._sums is not None and y.shape[1:] != self._sums.shape):
            wanted = "(rows, samples, positions)" if self._sums is None else self._sums.shape
            raise EugeneError(f"profiles have shape {y.shape}: expected {wanted}")
        if self._sums is None or self._times is None:
            self._sums, self._times = np.zeros(y.shape[1:]), np.zeros(y.shape[1:])
            self.tasks = one_task_a_sample(y.shape[1]) if self.tasks is None else self.tasks
            self.rows = dict.fromkeys(self.tasks, 0)
        there = ~np.isnan(y)
        if mask is not None:
            there &= np.asarray(mask) > 0
        y = np.where(there, y, 0.0)
        for name, samples in (self.tasks or {}).items():
            chosen = list(samples)
            counts = y[:, chosen]
            totals = counts.sum(axis=(1, 2))
            some = totals > 0
            shares = counts[some] / totals[some][:, None, None]
            self._sums[chosen] += shares.sum(axis=0)
            self._times[chosen] += there[some][:, chosen].sum(axis=0)
            self.rows[name] += int(some.sum())

    @property
    def profile(self) -> Values:
        """The mean as one row of predictions, float64 (1, samples, length); a task sums to 1.

        Raises
        ------
        EugeneError
            If no row was added.
        """
        if self._sums is None or self._times is None or self.tasks is None:
            raise EugeneError("there is no row to take the mean profile of")
        found = np.zeros_like(self._sums)
        for samples in self.tasks.values():
            chosen = list(samples)
            flat = 1 / self._sums[chosen].size
            mean = (self._sums[chosen] + flat) / (self._times[chosen] + 1)
            found[chosen] = mean / mean.sum()
        return found[None]


def thin(
    counts: ArrayLike, seed: int, rows: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Deal counts at random to two halves, as if every read had been thrown to one of two sides.

    The number on the first side is binomial with chance one half. A draw depends on the seed, the
    row and the position alone.

    Parameters
    ----------
    counts : array_like of float, shape (n, samples, length)
        Whole numbers; NaN where missing.
    seed : int
        Seed.
    rows : array_like of int, shape (n,)
        Identity of each row.

    Returns
    -------
    first, second : ndarray of float32, shape of ``counts``
        They sum to the counts; NaN where those are missing.

    Raises
    ------
    EugeneError
        If a count is negative or no whole number: of normalised signal there are no reads to
        deal.

    Examples
    --------
    >>> first, second = thin([[[5.0, 0.0, 900.0]]], 0, [7])
    >>> (first + second).tolist(), bool(abs(first[0, 0, 2] - 450) < 60)
    ([[[5.0, 0.0, 900.0]]], True)
    """
    y, names = np.asarray(counts, dtype=np.float64), np.asarray(rows)
    if y.ndim != 3 or names.shape != (len(y),):
        raise EugeneError(
            f"counts of shape {y.shape} with {names.shape} names of rows: expected (rows, samples, "
            "positions), and a name a row"
        )
    first = np.where(np.isnan(y), np.nan, 0.0)
    places = np.nonzero(np.nan_to_num(y) != 0)
    numbers = y[places]
    wrong = (numbers < 0) | (numbers != np.floor(numbers)) | (numbers > _LARGEST)
    if wrong.any():
        raise EugeneError(
            f"the signal holds {numbers[wrong][0]:g}, which is no count of reads: only whole "
            "numbers can be dealt to two halves"
        )
    row, sample, position = (np.asarray(place, dtype=np.int64) for place in places)
    left, drawn = numbers.astype(np.int64), np.zeros(len(numbers), dtype=np.int64)
    turn, active = 0, np.arange(len(numbers))
    while len(active):
        # 64 coins a draw, of which as many are looked at as there are reads
        coins = counter_seed(seed, names[row[active]], sample[active], position[active], turn)
        taken = np.minimum(left[active], 64)
        coins = coins >> (64 - taken).astype(np.uint64)
        drawn[active] += np.bitwise_count(coins)
        left[active] -= taken
        active, turn = active[left[active] > 0], turn + 1
    first[places] = drawn
    return first.astype(np.float32), (y - first).astype(np.float32)


def half_profile(
    counts: ArrayLike, smooth: Smooth, mean: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return what one half of the reads says of the other: its profile, smoothed.

    Parameters
    ----------
    counts : array_like of float, shape (n, samples, length)
        Counts of the half; NaN where missing, which count as 0.
    smooth : Smooth
        How to smooth.
    mean : array_like of float, shape (1, samples, length), optional
        Mean profile, of which one read is added: it speaks where the half holds nothing.

    Returns
    -------
    ndarray of float64, shape (n, samples, length)
        Proportional to probabilities.
    """
    held = np.nan_to_num(np.asarray(counts, dtype=np.float64))
    found = smooth_profiles(held, smooth.width, kernel=smooth.kernel)
    return found if mean is None else found + np.asarray(mean)


def best_smoothing(
    halves: Iterable[tuple[ArrayLike, ArrayLike]],
    tasks: Tasks | None = None,
    *,
    mean: ArrayLike | None = None,
    widths: Sequence[int] = (1, 2, 5, 10, 20, 40, 80),
) -> Smooth:
    """Return the Gaussian by which one half of the reads says most of the other.

    Parameters
    ----------
    halves : iterable of pairs of array_like, each of shape (n, samples, length)
        Counts of both halves, batch by batch.
    tasks : mapping of str to sequence of int, optional
        Samples of each task; by default each sample is one.
    mean : array_like of float, shape (1, samples, length), optional
        As of `half_profile`.
    widths : sequence of int
        Standard deviations in bp to choose from.

    Returns
    -------
    Smooth
        With the least mean distance; the narrowest of equal ones.

    Raises
    ------
    EugeneError
        If no row has counts in both halves.
    """
    sums, n = np.zeros(len(widths)), 0
    for first, second in halves:
        one, other = (np.nan_to_num(np.asarray(x, dtype=np.float64)) for x in (first, second))
        groups = one_task_a_sample(one.shape[1]) if tasks is None else tasks
        guesses = [half_profile(other, Smooth(int(width)), mean) for width in widths]
        for samples in groups.values():
            chosen = list(samples)
            a, b = one[:, chosen], other[:, chosen]
            some = (a.sum(axis=(1, 2)) > 0) & (b.sum(axis=(1, 2)) > 0)
            flat = (int(some.sum()), len(chosen) * one.shape[2])
            n += flat[0]
            for i, guess in enumerate(guesses):
                shares = guess[some][:, chosen].reshape(flat)
                sums[i] += jensen_shannon(a[some].reshape(flat), shares).sum()
    if not n:
        raise EugeneError("no row has reads in both halves, so none can say anything of the other")
    return Smooth(int(widths[int(sums.argmin())]))


def fraction_of_reach(
    model: ProfileRows,
    floor: ProfileRows,
    ceiling: ProfileRows,
    *,
    metric: str = "jsd",
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> Metric:
    """Say where a model stands between what knows nothing (0) and what has seen the data (1).

    The median distance of a model, for example, between that of the mean profile and that of
    the other half of the reads. All three are of the same rows, drawn alike in every resample. A
    model can be above 1, where the other half is too sparse to say more.

    Parameters
    ----------
    model, floor, ceiling : ProfileRows
        Scores of the same rows.
    metric : str
        What is compared.
    n_bootstrap : int
        Resamples of the rows; 0 for none.
    level : float
        Share of resamples inside the interval.
    seed : int, optional
        Seed of the resamples; by default ``settings.seed``.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``, the mean over tasks, and ``per_task`` where there are
        several; NaN with ``why`` where the ceiling is no better than the floor.

    Raises
    ------
    EugeneError
        If the rows differ in number.
    """
    if not len(model) == len(floor) == len(ceiling):
        raise EugeneError(
            f"scores of {len(model)}, {len(floor)} and {len(ceiling)} rows: expected the same rows"
        )
    better = -1 if metric in ("jsd", "mnll") else 1
    sides = [
        draw_profiles(rows, [metric], n_bootstrap=n_bootstrap, seed=seed)[metric]
        for rows in (model, floor, ceiling)
    ]
    found: dict[str, Metric] = {}
    draws = []
    for t, task in enumerate(model.tasks):
        of, low, high = (values[t] for values, _ in sides)
        entry, drawn = Metric(value=float("nan"), low=float("nan"), high=float("nan")), None
        if better * (high - low) > 0:
            drawn = _fraction(sides[0][1][t], sides[1][1][t], sides[2][1][t], better)
            entry["value"] = float((of - low) / (high - low))
            entry["low"], entry["high"] = percentiles(drawn, level)
            draws.append(drawn)
        else:
            entry["why"] = (
                f"{metric} of the other half of the reads, {high:.3g}, is no better than the "
                f"{low:.3g} that the fraction begins at: there are too few reads a row"
            )
        found[task] = entry
    values = np.array([entry["value"] for entry in found.values()], dtype=np.float64)
    result = Metric(value=mean_of(values), low=float("nan"), high=float("nan"))
    if draws:
        result["low"], result["high"] = percentiles(np.stack(draws).mean(axis=0), level)
    if len(found) > 1:
        result["per_task"] = found
    if whys := dict.fromkeys(_named(found)):
        result["why"] = "; ".join(whys)
    return result


def _fraction(of: Values, low: Values, high: Values, better: int) -> Values:
    """Return the fraction in each resample, NaN where there is none."""
    there = better * (high - low) > 0
    found: Values = np.full(len(of), np.nan)
    return np.divide(of - low, high - low, out=found, where=there)


def _named(found: Mapping[str, Metric]) -> list[str]:
    several: Any = len(found) > 1
    return [
        f"{task}: {entry['why']}" if several else entry["why"]
        for task, entry in found.items()
        if "why" in entry
    ]
