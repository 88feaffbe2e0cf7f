"""The counter-based random numbers of `seqpro.random`, on the device of a batch."""

from __future__ import annotations

import math

import numpy as np
import torch

from seqpro import kernels

_UNIT = 2.0**-53


def _signed(value: int) -> int:
    """Return 64 bits as the signed number that torch calculates with."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


def _right(bits: torch.Tensor, by: int) -> torch.Tensor:
    """Shift to the right and fill up with zeros."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    bits = (bits ^ _right(bits, 30)) * _MIX_1
    bits = (bits ^ _right(bits, 27)) * _MIX_2
    return bits ^ _right(bits, 31)


def combine(states: torch.Tensor, counters: torch.Tensor | int) -> torch.Tensor:
    """Return the streams that belong to counters within streams.

    Parameters
    ----------
    states : torch.Tensor of int64
        Streams.
    counters : torch.Tensor of int64 or int
        Broadcast against them.

    Returns
    -------
    torch.Tensor of int64, shape of both

    Examples
    --------
    >>> from seqpro import random
    >>> rows = row_states(3, torch.arange(2))
    >>> combine(rows, 5).tolist() == [
    ...     int(v) for v in random.counter_seed(3, [0, 1], 5).astype("int64")]
    True
    """
    if isinstance(counters, int):
        counters = torch.tensor(counters, device=states.device)
    return _mix(states ^ _mix(counters + _GOLDEN))


def nth(streams: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return the 64 bits at places of streams: one mix, where `combine` takes two.

    Parameters
    ----------
    streams : torch.Tensor of int64
    places : torch.Tensor of int64
        Broadcast against them.

    Returns
    -------
    torch.Tensor of int64, shape of both

    Examples
    --------
    >>> nth(torch.zeros(1, dtype=torch.int64), torch.arange(2)).tolist()
    [0, -2152535657050944081]
    """
    return _mix(streams + places * _GOLDEN)


def below(bits: torch.Tensor, bound: torch.Tensor | int) -> torch.Tensor:
    """Return whole numbers in [0, bound) made of streams; bound is below 2**31."""
    return (_right(bits, 32) * bound) >> 32


def row_states(seed: int, rows: torch.Tensor) -> torch.Tensor:
    """Return the stream of each row: ``seqpro.random.counter_seed(seed, rows)``.

    Parameters
    ----------
    seed : int
    rows : torch.Tensor of int64, shape (n_rows,)

    Returns
    -------
    torch.Tensor of int64, shape (n_rows,)
        The same bits as those of NumPy, on the device of the rows.
    """
    first = torch.full((1,), _signed(int(seed)), dtype=torch.int64, device=rows.device)
    return combine(_mix(first + _GOLDEN), rows)


def uniform(bits: torch.Tensor) -> torch.Tensor:
    """Return uniform numbers in [0, 1) made of streams, float64."""
    return _right(bits, 11).double() * _UNIT


def normal(states: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw standard normal numbers for rows, by the method of Box and Muller.

    Parameters
    ----------
    states : torch.Tensor of int64, shape (n_rows,)
        The stream of each row.
    shape : tuple of int
        Shape of what each row gets. A number depends on its place along the last axis and on the
        planes that the axes before it count, not on how long the last axis is.

    Returns
    -------
    torch.Tensor of float32, shape (n_rows, *shape)
        doi:10.1214/aoms/1177706645

    Examples
    --------
    >>> drawn = normal(row_states(0, torch.arange(3)), (4, 5))
    >>> drawn.shape, bool((drawn[2] == normal(row_states(0, torch.tensor([2])), (4, 5))).all())
    (torch.Size([3, 4, 5]), True)
    """
    planes, width = math.prod(shape[:-1]), shape[-1]
    if states.is_cpu:
        drawn = torch.zeros(len(states), planes, width)
        kernels.add_normal(states.contiguous().numpy().view(np.uint64), drawn.numpy())
    else:
        drawn = normal_on_device(states, planes, width)
    return drawn.reshape(len(states), *shape)


def normal_on_device(states: torch.Tensor, planes: int, width: int) -> torch.Tensor:
    """Draw as `normal` does, in torch: the same but for the last bits of float32.

    Parameters
    ----------
    states : torch.Tensor of int64, shape (n_rows,)
    planes, width : int
        Shape of what each row gets.

    Returns
    -------
    torch.Tensor of float32, shape (n_rows, planes, width)
    """
    half = (planes + 1) // 2
    # two planes share what is drawn for a position; 24 bits each are what float32 tells apart, and
    # one half keeps the logarithm off zero
    place = torch.arange(width, device=states.device) * half
    place = place[None] + torch.arange(half, device=states.device)[:, None]
    bits = nth(states[:, None, None], place)
    radius = ((_right(bits, 40).float() + 0.5) * 2.0**-24).log().mul_(-2.0).sqrt_()
    angle = (bits & 0xFFFFFF).float() * (2.0 * math.pi * 2.0**-24)
    both = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=2)
    return both.flatten(1, 2)[:, :planes]
