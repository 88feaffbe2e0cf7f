"""The choice of a run by a second figure among those that are equally good by the first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from eugene.errors import EugeneError, did_you_mean
from eugene.modules.metrics import better_when


@dataclass(frozen=True)
class Choice:
    """The run with the best second figure among those that are about as good as the best.

    Attributes
    ----------
    chosen, best : str
        The run that is chosen, and the best one by ``metric``.
    equal : tuple of str
        Runs within the tolerance, from the best ``by`` down; the chosen one first.
    left_out : tuple of str
        Runs that lack one of both figures.
    limit : float
        The value of ``metric`` that runs have to reach.
    sentence : str
        All of it in words.
    """

    chosen: str
    best: str
    equal: tuple[str, ...]
    left_out: tuple[str, ...]
    limit: float
    sentence: str


def choose(
    figures: Mapping[str, Mapping[str, object]], by: str, *, metric: str, within: float = 0.005
) -> Choice:
    """Choose the run that is best by one figure among those that are equally good by another.

    Parameters
    ----------
    figures : mapping
        Run -> metric -> value.
    by : str
        What decides among equals, such as ``k_attr_mean_kld``: whether higher or lower is better
        follows from the name.
    metric : str
        Performance, such as ``auroc``.
    within : float
        How far from the best ``metric`` a run may be, in units of it.

    Returns
    -------
    Choice

    Raises
    ------
    EugeneError
        If no run has both figures, or the tolerance is none.

    Examples
    --------
    >>> figures = {"relu": {"auroc": 0.981, "k_attr_mean_kld": 0.25},
    ...            "exp": {"auroc": 0.979, "k_attr_mean_kld": 0.81},
    ...            "noisy": {"auroc": 0.95, "k_attr_mean_kld": 0.9}}
    >>> found = choose(figures, "k_attr_mean_kld", metric="auroc")
    >>> found.chosen, found.best, found.equal
    ('exp', 'relu', ('exp', 'relu'))
    """
    if not 0 <= within < math.inf:
        raise EugeneError(f"within={within}: expected a number from 0, in units of {metric}")
    known = dict.fromkeys(name for run in figures.values() for name in run)
    for name in (metric, by):
        if name not in known:
            raise EugeneError(f"no run has {name!r}{did_you_mean(name, known, listed=20)}")
    pairs = {run: (_number(f.get(metric)), _number(f.get(by))) for run, f in figures.items()}
    both = {run: (a, b) for run, (a, b) in pairs.items() if not (math.isnan(a) or math.isnan(b))}
    if not both:
        raise EugeneError(f"no run has both {metric!r} and {by!r}")
    sign, sign_by = (1 if better_when(f"test_{n}") == "max" else -1 for n in (metric, by))
    best = max(both, key=lambda run: sign * both[run][0])
    limit = both[best][0] - sign * within
    near = [run for run in both if sign * both[run][0] >= sign * limit - 1e-12]
    equal = sorted(near, key=lambda run: -sign_by * both[run][1])
    chosen, left_out = equal[0], tuple(run for run in figures if run not in both)
    side = "highest" if sign_by > 0 else "lowest"
    of = f"{len(both)} runs" if len(both) > 1 else "1 run"
    have = "has" if len(equal) == 1 else "have"
    sentence = (
        f"Of {of}, {len(equal)} {have} {metric} within {within:g} of the best "
        f"({both[best][0]:.4f}, {best}). Among them {chosen} has the {side} {by}, "
        f"{both[chosen][1]:.4f}, with {metric} {both[chosen][0]:.4f}"
    )
    sentence += "." if chosen == best else f"; the best one has {both[best][1]:.4f}."
    if left_out:
        sentence += f" Left out for lack of a figure: {', '.join(left_out)}."
    return Choice(chosen, best, tuple(equal), left_out, limit, sentence)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
