"""What all transforms of targets share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqdata.errors import SeqdataError, did_you_mean

Values = NDArray[np.float64]


class TargetTransform(ABC):
    """What all transforms share; subclasses are frozen dataclasses of plain numbers.

    A transform is made unfitted, ``fit`` returns a fitted one, and both are values: nothing is
    changed in place. Missing targets (NaN) are left out of a fit and stay missing; infinite ones
    are left out of a fit, too, and come to the nearest limit where a transform has limits.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return every name that it may be asked for by."""
        return (cls.name, *cls.aliases)

    def fit(self, values: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Return the transform with what it learned from training rows.

        Parameters
        ----------
        values : array_like of float, shape (n,) or (n, n_targets)
            Targets.
        mask : array_like of bool, shape (n,), or None
            Rows to learn from; default all.

        Returns
        -------
        TargetTransform
            The fitted transform.

        Raises
        ------
        SeqdataError
            Where a target has no finite value among these rows.
        """
        return self._learn(training_columns(values, mask, self.name))

    def transform(self, values: ArrayLike) -> Values:
        """Return transformed targets.

        Parameters
        ----------
        values : array_like of float, shape (n,) or (n, n_targets)
            Targets in their own units.

        Returns
        -------
        ndarray of float64, of the same shape
            Transformed targets; NaN stays NaN.
        """
        return self._apply(values, self._forward)

    def inverse(self, values: ArrayLike) -> Values:
        """Return targets in their own units.

        Parameters
        ----------
        values : array_like of float, shape (n,) or (n, n_targets)
            Transformed targets, or predictions of them.

        Returns
        -------
        ndarray of float64, of the same shape
            Targets in their own units; NaN stays NaN.
        """
        return self._apply(values, self._backward)

    def to_dict(self) -> dict[str, object]:
        """Return the transform as plain values, ``name`` among them."""
        return {"name": self.name, **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the transform that `to_dict` described.

        Parameters
        ----------
        values : mapping
            Plain values.

        Returns
        -------
        TargetTransform
            The transform.

        Raises
        ------
        SeqdataError
            For another transform's name, or an argument it does not have.
        """
        given = {k: _frozen(v) for k, v in values.items() if k != "name"}
        if values.get("name", cls.name) != cls.name:
            raise SeqdataError(f"{values['name']!r} is not {cls.name!r}.")
        known = list(cls.__dataclass_fields__)  # type: ignore[attr-defined]
        for key in given:
            if key not in known:
                raise SeqdataError(
                    f"target transform {cls.name!r} has no argument {key!r}."
                    f"{did_you_mean(key, known)}"
                )
        return cls(**given)

    def _apply(self, values: ArrayLike, function: Callable[[Values], Values]) -> Values:
        array = np.asarray(values, dtype=np.float64)
        columns = array[:, None] if array.ndim == 1 else array
        n = self._n_columns()
        if columns.ndim != 2 or (n is not None and columns.shape[1] != n):
            raise SeqdataError(
                f"target transform {self.name!r} was fitted on {n} target(s) and got an array of "
                f"shape {array.shape}."
            )
        return np.asarray(function(columns), dtype=np.float64).reshape(array.shape)

    def _n_columns(self) -> int | None:
        return None

    def _learn(self, columns: Sequence[Values]) -> Self:
        return self

    @abstractmethod
    def _forward(self, columns: Values) -> Values:
        """Transform the columns."""

    @abstractmethod
    def _backward(self, columns: Values) -> Values:
        """Undo the transform of the columns."""

    def _unfitted(self) -> SeqdataError:
        return SeqdataError(f"target transform {self.name!r} is not fitted: call .fit first.")


def _frozen(value: object) -> object:
    return tuple(_frozen(v) for v in value) if isinstance(value, list | tuple) else value


def limited(*limits: ArrayLike | None) -> int | None:
    """Return for how many targets limits were set.

    Parameters
    ----------
    *limits : array_like of float or None
        One limit, or one a target.

    Returns
    -------
    int or None
        None where one serves all.
    """
    most = max((np.size(limit) for limit in limits if limit is not None), default=1)
    return None if most == 1 else most


def training_columns(values: ArrayLike, mask: ArrayLike | None, name: str) -> list[Values]:
    """Return the finite values of each target among the training rows.

    Parameters
    ----------
    values : array_like of float, shape (n,) or (n, n_targets)
        Targets.
    mask : array_like of bool, shape (n,), or None
        Training rows; None for all.
    name : str
        Transform that wants them, for messages.

    Returns
    -------
    list of ndarray of float64
        One array a target.

    Raises
    ------
    SeqdataError
        Where a target has no finite value, or the mask does not fit.
    """
    array = np.asarray(values, dtype=np.float64)
    columns = array[:, None] if array.ndim == 1 else array
    if columns.ndim != 2:
        raise SeqdataError(f"targets have shape {array.shape}: expected (n,) or (n, n_targets).")
    if mask is not None:
        rows = np.asarray(mask, dtype=bool)
        if rows.shape != (len(columns),):
            raise SeqdataError(f"a mask of shape {rows.shape} does not fit {len(columns)} targets.")
        columns = columns[rows]
    found = [c[np.isfinite(c)] for c in columns.T]
    for i, column in enumerate(found):
        if not len(column):
            raise SeqdataError(
                f"target transform {name!r}: target {i} has no finite value among the "
                f"{len(columns)} training rows."
            )
    return found
