"""How the numbers of a bin are pressed into a range that can be learned from, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import TrackError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Each = float | None | Sequence[float | None]
"""One number, none, or one for each sample."""


@dataclass(frozen=True)
class Squash:
    """Square root, soft clip, clip and scale of binned signal, one number for each sample.

    In this order: ``sqrt(1 + x) - 1``; above ``clip_soft`` = c, ``c - 1 + sqrt(x - c + 1)``; a cut
    at ``-clip`` and ``clip``; a product with ``scale``. It is what Borzoi is trained on, ``clip``
    and ``scale`` in the order of its later releases.

    Parameters
    ----------
    sqrt : tuple of bool
        Whether the root is taken of each sample.
    clip_soft, clip : tuple of float or None
        Bounds of each sample, in units of what was there before; None for none.
    scale : tuple of float
        Factor of each sample.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> squash = Squash.of(1, sqrt=True, clip_soft=4.0)
    >>> values = squash.apply(np.array([[3.0, 63.0]]))
    >>> values, squash.invert(values)
    (array([[1., 5.]]), array([[ 3., 63.]]))
    """

    sqrt: tuple[bool, ...]
    clip_soft: tuple[float | None, ...]
    clip: tuple[float | None, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(
        cls,
        n_samples: int,
        *,
        sqrt: bool | Sequence[bool] = False,
        clip_soft: Each = None,
        clip: Each = None,
        scale: float | Sequence[float] = 1.0,
    ) -> Squash:
        """Return the transform of some samples from one number, or one each.

        Parameters
        ----------
        n_samples : int
        sqrt, clip_soft, clip, scale
            As the class takes them; one value stands for all samples.

        Returns
        -------
        Squash

        Raises
        ------
        TrackError
            If there are other numbers than samples, or a number is out of range.
        """
        made = cls(
            tuple(bool(v) for v in _each("sqrt", sqrt, n_samples)),
            tuple(_number(v) for v in _each("clip_soft", clip_soft, n_samples)),
            tuple(_number(v) for v in _each("clip", clip, n_samples)),
            tuple(float(v) for v in _each("scale", scale, n_samples)),  # type: ignore[arg-type]
        )
        for name in ("clip_soft", "clip", "scale"):
            for value in getattr(made, name):
                if value is not None and not 0 < value < np.inf:
                    msg = f"{name} is {value}: expected a number above 0."
                    raise TrackError(msg)
        for soft, hard in zip(made.clip_soft, made.clip, strict=True):
            if soft is not None and hard is not None and hard < soft:
                msg = f"clip is {hard}, below clip_soft, {soft}: nothing would be clipped softly."
                raise TrackError(msg)
        return made

    @property
    def is_identity(self) -> bool:
        """Whether nothing is changed."""
        none = {None}
        whole = set(self.clip_soft) <= none and set(self.clip) <= none
        return whole and not any(self.sqrt) and set(self.scale) <= {1.0}

    def to_dict(self) -> dict[str, list[bool] | list[float | None] | list[float]]:
        """Return plain lists, as an attribute of a store."""
        return {f.name: list(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[float | None]]) -> Squash:
        """Return what `to_dict` described."""
        sqrt = [bool(v) for v in values["sqrt"]]
        scale = [float(v) for v in values["scale"] if v is not None]
        return cls.of(
            len(sqrt), sqrt=sqrt, clip_soft=values["clip_soft"], clip=values["clip"], scale=scale
        )

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return squashed values.

        Parameters
        ----------
        values : ndarray of float, shape (..., n_samples, bins)

        Returns
        -------
        ndarray of float, shape (..., n_samples, bins)
            NaN stays NaN.

        Raises
        ------
        TrackError
            If a root is to be taken of a value below -1.
        """
        out = np.array(values)
        for i, soft, hard, scale in self._samples():
            x = out[..., i, :]
            if self.sqrt[i]:
                if (x < -1).any():
                    msg = (
                        f"sample {i} has a bin of {float(np.nanmin(x)):g}, below -1, of which "
                        "there is no root: give files of absolute values, or another aggregate."
                    )
                    raise TrackError(msg)
                x = np.sqrt(1 + x) - 1
            if soft is not None:
                x = np.where(x > soft, soft - 1 + np.sqrt(np.maximum(x - soft, 0) + 1), x)
            if hard is not None:
                x = np.clip(x, -hard, hard)
            out[..., i, :] = x * scale
        return out

    def invert(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return values as they were before, exact but for rounding below ``clip``.

        What reached ``clip`` was at least what is returned (see `saturated`).

        Parameters
        ----------
        values : array_like of float, shape (..., n_samples, bins)

        Returns
        -------
        ndarray of float64, shape (..., n_samples, bins)
        """
        out = np.array(values, dtype=np.float64)
        for i, soft, hard, scale in self._samples():
            x = out[..., i, :] / scale
            if hard is not None:
                x = np.clip(x, -hard, hard)
            if soft is not None:
                x = np.where(x > soft, (x - soft + 1) ** 2 + soft - 1, x)
            if self.sqrt[i]:
                x = (x + 1) ** 2 - 1
            out[..., i, :] = x
        return out

    def saturated(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Return which values reached ``clip``, so that `invert` gives a bound of them.

        Parameters
        ----------
        values : array_like of float, shape (..., n_samples, bins)

        Returns
        -------
        ndarray of bool, shape (..., n_samples, bins)
        """
        given = np.asarray(values, dtype=np.float64)
        out = np.zeros(given.shape, np.bool_)
        for i, _, hard, scale in self._samples():
            if hard is not None:
                out[..., i, :] = np.abs(given[..., i, :]) >= hard * scale
        return out

    def _samples(self) -> list[tuple[int, float | None, float | None, float]]:
        return list(zip(range(len(self.sqrt)), self.clip_soft, self.clip, self.scale, strict=True))


def _number(value: object) -> float | None:
    """Return a number, None for what stands for none."""
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return None if np.isnan(number) else number


def _each(name: str, given: object, n_samples: int) -> list[object]:
    if given is None or isinstance(given, (bool, int, float, str, np.generic)):
        return [given] * n_samples
    values: list[object] = list(given)  # type: ignore[call-overload]
    if len(values) != n_samples:
        msg = f"{name} has {len(values)} values, there are {n_samples} samples: give one for each."
        raise TrackError(msg)
    return values
