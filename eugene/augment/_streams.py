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


def key(bits: torch.Tensor) -> torch.Tensor:
    """Return streams as whole numbers that can be sorted."""
    return _right(bits, 1)


def normal(states: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw standard normal numbers for rows, by the method of Box and Muller.

    Parameters
    ----------
    states : torch.Tensor of int64, shape (n_rows,)
        The stream of each row.
    shape : tuple of int
        Shape of what each row gets.

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
    wanted = math.prod(shape)
    half = (wanted + 1) // 2
    # 24 bits each are what float32 tells apart; one half keeps the logarithm off zero
    if states.device.type == "cpu":
        first, second = torch.empty(2, len(states), half).unbind()
        kernels.draw_pairs(states.numpy().view(np.uint64), first.numpy(), second.numpy())
    else:
        bits = combine(states[:, None], torch.arange(half, device=states.device)[None])
        first = (_right(bits, 40).float() + 0.5) * 2.0**-24
        second = (bits & 0xFFFFFF).float() * 2.0**-24
    radius, angle = first.log().mul_(-2.0).sqrt_(), second.mul_(2.0 * math.pi)
    both = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)
    return both[:, :wanted].reshape(len(states), *shape)
