"""What distances between positions look like to attention, as Enformer has it."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.nn._errors import ModelError

GAMMAS = ("tensorflow", "exact", "enformer-pytorch")
_TABLE = Path(__file__).with_name("tf_gamma.npz")
_FLOOR = 1e-8


def relative_features(length: int, n_features: int, gamma: str = "exact") -> torch.Tensor:
    """Return what distances look like to relative attention.

    A sixth each of exponential decays with half-lives from 8 to ``length``, masks of the
    central ``2 ** i`` positions, and gamma densities, then the same with the sign of the distance.

    The densities are differences of numbers of some ten thousands, of which single precision
    keeps three places: those that Enformer was trained with lie up to 0.0025 beside the true ones.

    Parameters
    ----------
    length : int
        Number of positions.
    n_features : int
        Number of features, a multiple of 6.
    gamma : {"exact", "tensorflow", "enformer-pytorch"}
        Densities in double precision, or as TensorFlow 2.15 computes them: to the last bit for
        192 features of 200 or 1,536 positions, of which a table is kept, and by the same steps in
        single precision otherwise (within 6e-5 at 200 positions, 2e-3 at 1,536).
        enformer-pytorch (0.8.12, and gReLU by way of it) divides the densities of a distance by
        the largest of these, not each feature by its largest: networks that were trained so
        predict otherwise without it.

    Returns
    -------
    torch.Tensor of float32, shape (2 * length - 1, n_features)
        Features of the distances ``1 - length`` to ``length - 1``.

    Raises
    ------
    ModelError
        If ``n_features`` is no multiple of 6 or ``gamma`` is unknown.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> relative_features(4, 6).shape
    torch.Size([7, 6])
    """
    check_features(n_features, gamma)
    return torch.from_numpy(_features(length, n_features // 6, gamma).copy())


def central_features(length: int, n_features: int, trained: int) -> torch.Tensor:
    """Return what distances look like to the attention of Borzoi: masks of the centre, with signs.

    Parameters
    ----------
    length : int
        Number of positions.
    n_features : int
        Number of features, an even number.
    trained : int
        Positions that the widths of the masks are spaced for: they grow by equal factors up to it.

    Returns
    -------
    torch.Tensor of float32, shape (2 * length - 1, n_features)
        Features of the distances ``1 - length`` to ``length - 1``.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> central_features(3, 4, 3)[:, :2].T
    tensor([[0., 0., 1., 0., 0.],
            [1., 1., 1., 1., 1.]])
    """
    half = n_features // 2
    growth = np.float32(math.exp(math.log(trained + 1) / half))
    widths = growth ** np.arange(1, half + 1, dtype=np.float32) - np.float32(1)
    distance = np.arange(1 - length, length, dtype=np.float32)[:, None]
    masks = (widths > np.abs(distance)).astype(np.float32)
    return torch.from_numpy(np.concatenate((masks, np.sign(distance) * masks), axis=1))


def check_features(n_features: int, gamma: str) -> None:
    """Refuse what `relative_features` cannot make.

    Raises
    ------
    ModelError
        If ``n_features`` is no multiple of 6 or ``gamma`` is unknown.
    """
    if n_features < 6 or n_features % 6:
        raise ModelError(f"n_features={n_features} must be a multiple of 6")
    if gamma not in GAMMAS:
        raise ModelError(f"gamma={gamma!r} must be {' or '.join(map(repr, GAMMAS))}")


@functools.lru_cache(maxsize=16)
def _features(length: int, n: int, gamma: str) -> NDArray[np.float32]:
    """Return the features of all distances, float32 (2 * length - 1, 6 * n)."""
    distance = np.arange(length, dtype=np.float64)
    half_lives = np.exp2(np.linspace(3.0, math.log2(length), n))
    decay = np.exp2(-distance[:, None] / half_lives)
    central = np.exp2(np.arange(1, n + 1)) - 1 > distance[:, None]
    table = _tables().get((length, n)) if gamma == "tensorflow" else None
    if table is None:
        density = _densities(length, n, "float64" if gamma == "exact" else "float32")
        over = 1 if gamma == "enformer-pytorch" else 0
        table = density / density.max(axis=over, keepdims=True)
    basis = np.concatenate((decay, central, table), axis=1).astype(np.float32)
    both = np.concatenate((basis[:0:-1], basis))
    sign = np.sign(np.arange(1 - length, length, dtype=np.float32))[:, None]
    return np.concatenate((both, sign * both), axis=1)


def _densities(length: int, n: int, kind: str) -> NDArray[np.floating]:
    """Return gamma densities of distances, (length, n), computed in a precision by its name."""

    def of(value: object) -> NDArray[np.floating]:
        return np.asarray(value, dtype=kind)

    x = of(np.arange(length))
    deviation, first = of(length / (2 * n)), of(length / n)
    step = (of(length) - first) / of(max(n - 1, 1))
    mean = of(first + step * of(np.arange(n)))
    mean[n - 1] = length
    shape, rate = (mean / deviation) ** 2, mean / deviation**2
    # at distance 0 the density is that of 0 ** (shape - 1)
    logarithm = np.log(np.maximum(x, of(1)))
    powers = (shape - of(1)) * logarithm[:, None]
    powers[0] = np.where(shape > 1, -np.inf, np.where(shape < 1, np.inf, 0))
    constant = of([math.lgamma(float(s)) for s in shape]) - shape * np.log(rate)
    return of(np.exp(powers - rate * x[:, None] - constant) + of(_FLOOR))


@functools.cache
def _tables() -> dict[tuple[int, int], NDArray[np.float32]]:
    """Return the densities that TensorFlow gave, by number of positions and of features."""
    with np.load(_TABLE, allow_pickle=False) as kept:
        return {(len(kept[key]), kept[key].shape[1]): kept[key] for key in kept.files}
