"""What the divergences of attribution maps have in common: small samples, notes, comparison."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqexplainer._inputs import as_seed, check_choice, check_whole
from seqexplainer.errors import InputError

CORRECTIONS = ("miller_madow",)
NULLS = ("shuffled",)
COMPAT = ("acme",)
logger = logging.getLogger("seqexplainer")
_silent = ContextVar("silent", default=False)

Setting = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A Kullback-Leibler divergence of attribution maps.

    Attributes
    ----------
    kld : float
        The divergence in nats; NaN where nothing was counted. Not rounded.
    null : ndarray of float64, shape (n_null,)
        Divergences of shuffled maps; empty without a null.
    n_seqs, length : int
        Maps, and positions (bp) of each.
    n_empty : int
        Maps that took no part: of zeros, with NaN, or flat.
    warnings : tuple of str
        What to know before the number is believed; also logged.
    settings : dict
        What was asked for.
    """

    kld: float
    null: NDArray[np.float64]
    n_seqs: int
    length: int
    n_empty: int
    warnings: tuple[str, ...]
    settings: Mapping[str, Setting]

    @property
    def null_mean(self) -> float:
        """Mean of shuffled maps; NaN without a null."""
        return float(self.null.mean()) if len(self.null) else float("nan")

    @property
    def null_sd(self) -> float:
        """Standard deviation of shuffled maps; NaN without a null."""
        return float(self.null.std(ddof=1)) if len(self.null) else float("nan")

    @property
    def z(self) -> float:
        """Standard deviations that the divergence is above shuffled maps; NaN without a null."""
        spread = self.null_sd
        return (self.kld - self.null_mean) / spread if spread > 0 else float("nan")


def checked_options(
    correction: str | None, null: str | None, n_null: int, seed: int | None, compat: str | None
) -> tuple[int, int]:
    """Return how many draws of the null there are, and their seed, after a look at all options."""
    for value, choices, name in (
        (correction, CORRECTIONS, "correction"),
        (null, NULLS, "null"),
        (compat, COMPAT, "compat"),
    ):
        if value is not None:
            check_choice(value, choices, name)
    if null is None:
        return 0, as_seed(seed)
    check_whole(n_null=n_null)
    if n_null < 2:
        raise InputError("n_null is 1; a standard deviation takes at least 2 draws")
    return n_null, as_seed(seed)


def checked_share(value: float, name: str, *, zero: bool) -> float:
    """Return a share after checking that it lies in [0, 1], or above 0 unless zero is allowed."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1 or (value == 0 and not zero):
        raise InputError(
            f"{name} is {value!r}; expected a number from {'0' if zero else 'above 0'} to 1"
        )
    return float(value)


def checked_k(k: int, length: int) -> None:
    """Check that k is a number of positions that there are."""
    check_whole(k=k)
    if k > length:
        raise InputError(f"k is {k}, the maps are {length} positions long")


@contextmanager
def quiet() -> Iterator[None]:
    """Let notes on results stand in the results alone."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def said(notes: list[str], name: str) -> tuple[str, ...]:
    """Log notes on a result, and return them."""
    for note in () if _silent.get() else notes:
        logger.warning("%s: %s", name, note)
    return tuple(notes)


def incomparable(results: Mapping[str, Divergence]) -> tuple[str, ...]:
    """Say why divergences should not be compared, where they should not.

    Both divergences grow as there is less to count, so models are compared on the same sequences
    and with the same settings.

    Parameters
    ----------
    results : mapping of str to Divergence
        Results of one function, by the name of the model.

    Returns
    -------
    tuple of str
        Empty if nothing stands against it.

    Examples
    --------
    >>> import seqexplainer as se
    >>> maps = np.random.default_rng(0).normal(size=(300, 4, 50))
    >>> found = {"a": se.metrics.k_attr_mean_kld(maps, keep=1.0),
    ...          "b": se.metrics.k_attr_mean_kld(maps[:200], keep=1.0)}
    >>> incomparable(found)
    ('n_seqs differ (a 300, b 200): the divergence is larger where there are fewer',)
    """
    found = []
    for name, why in (
        ("n_seqs", "the divergence is larger where there are fewer"),
        ("length", "the divergence is larger where there is less to count"),
        ("n_empty", "maps that took no part are missing in one and not in the other"),
    ):
        values = {label: getattr(result, name) for label, result in results.items()}
        if len(set(values.values())) > 1:
            shown = ", ".join(f"{label} {value}" for label, value in values.items())
            found.append(f"{name} differ ({shown}): {why}")
    keys = {key: None for result in results.values() for key in result.settings}
    for key in keys:
        given = {label: result.settings.get(key) for label, result in results.items()}
        if key not in ("null", "n_null", "seed") and len(set(given.values())) > 1:
            shown = ", ".join(f"{label} {value!r}" for label, value in given.items())
            found.append(f"{key} differs ({shown}): these are different numbers")
    if len({type(result) for result in results.values()}) > 1:
        found.append("they are results of different functions")
    return tuple(found)
