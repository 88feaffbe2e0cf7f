"""Standard normal numbers by the method of Box and Muller, many to an instruction.

The logarithm, sine and cosine are polynomials of multiplications and additions, each rounded by
itself: the compiler may not fuse or reorder them, so that every processor gives the same bits.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from seqpro._kernels._random import nth
from seqpro._kernels._types import Array, Number

BLOCK = 256
"""Pairs that are drawn together; they stay in the first cache."""

_F = np.float32
_ONE, _HALF = _F(1), _F(0.5)
_ROOT_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2) as float32
_HALF_PI = _F(np.pi / 2)
# log(1 + f) for 1 + f from sqrt(1/2) to sqrt(2), Cephes' logf
_L0, _L1, _L2 = _F(7.0376836292e-2), _F(-1.1514610310e-1), _F(1.1676998740e-1)
_L3, _L4, _L5 = _F(-1.2420140846e-1), _F(1.4249322787e-1), _F(-1.6668057665e-1)
_L6, _L7, _L8 = _F(2.0000714765e-1), _F(-2.4999993993e-1), _F(3.3333331174e-1)
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(-2.12194440e-4)
# sine and cosine from -pi/4 to pi/4, Cephes' sinf and cosf
_S0, _S1, _S2 = _F(-1.9515295891e-4), _F(8.3321608736e-3), _F(-1.6666654611e-1)
_C0, _C1, _C2 = _F(2.443315711809948e-5), _F(-1.388731625493765e-3), _F(4.166664568298827e-2)


@nb.njit(nogil=True, cache=True)
def _add(
    stream: Number,
    first: Number,
    step: Number,
    mean: Number,
    std: Number,
    room: Array,
    one: Array,
    two: Array,
) -> None:
    """Add pairs of normal numbers, drawn at places ``first + step * i`` of a stream.

    room (2, BLOCK) float32 is overwritten; one and two, at most BLOCK long, are added to.
    """
    radius, angle = room[0], room[1]
    bits, turns = radius.view(np.int32), angle.view(np.int32)
    count = np.uint64(one.size)
    for i in range(count):
        drawn = nth(stream, np.uint64(first) + np.uint64(step) * i)
        # one half keeps the logarithm off zero
        radius[i] = _F(np.int32(drawn >> np.uint64(40))) + _HALF
        turns[i] = np.int32(drawn & np.uint64(0xFFFFFF))
    for i in range(count):
        # a number is mantissa * 2 ** exponent, the mantissa from sqrt(1/2) to sqrt(2); the
        # exponent goes into the eight bits that the angle leaves
        shifted = np.int32(bits[i] - _ROOT_HALF)
        exponent = np.int32(shifted >> np.int32(23))
        bits[i] = np.int32(np.int32(shifted & np.int32(0x7FFFFF)) + _ROOT_HALF)
        turns[i] = np.int32(turns[i] | np.int32(np.int32(exponent + np.int32(1)) << np.int32(24)))
    for i in range(count):
        power = _F(np.int32(np.int32(turns[i] >> np.int32(24)) - np.int32(25)))
        f = radius[i] - _ONE
        z = f * f
        y = ((_L0 * f + _L1) * f + _L2) * f + _L3
        y = (((y * f + _L4) * f + _L5) * f + _L6) * f
        y = ((y + _L7) * f + _L8) * f * z
        y = y + power * _LN2_LOW - _HALF * z
        log = (f + y) + power * _LN2_HIGH
        r = np.sqrt(max(_F(-2) * log, _F(0)))
        # the angle is some quarters of a turn, and the rest from one eighth before to one after
        turn = np.int32(turns[i] & np.int32(0xFFFFFF))
        quarter = np.int32(np.int32(turn + np.int32(1 << 21)) >> np.int32(22))
        x = _F(np.int32(turn - np.int32(quarter << np.int32(22)))) * _F(2.0**-22) * _HALF_PI
        z = x * x
        sine = ((_S0 * z + _S1) * z + _S2) * z * x + x
        cosine = ((_C0 * z + _C1) * z + _C2) * z * z - _HALF * z + _ONE
        odd = np.int32(quarter & np.int32(1)) != 0
        a = r * (sine if odd else cosine)
        b = r * (cosine if odd else sine)
        a = -a if np.int32(np.int32(quarter + np.int32(1)) & np.int32(2)) else a
        b = -b if np.int32(quarter & np.int32(2)) else b
        one[i] += mean + std * a
        two[i] += mean + std * b


@nb.njit(nogil=True, cache=True)
def noise_room(out: Array) -> tuple[Array, Array]:
    """Make room for `add_row`: for pairs, and for the half of a pair that no plane takes."""
    return np.empty((2, BLOCK), np.float32), np.empty(BLOCK, out.dtype)


@nb.njit(nogil=True, cache=True)
def add_row(
    stream: Number,
    first: Number,
    last: Number,
    mean: Number,
    std: Number,
    room: tuple[Array, Array],
    out: Array,
) -> None:
    """Add normal noise to out (planes, positions) from position first up to last.

    mean and std are float32. Two planes share what is drawn for a position, so that a number
    depends on stream, plane and position alone.
    """
    planes = out.shape[0]
    pairs = (planes + 1) // 2
    for pair in range(pairs):
        for begin in range(first, last, BLOCK):
            end = min(begin + BLOCK, last)
            one = out[2 * pair, begin:end]
            two = room[1][: end - begin]
            if 2 * pair + 1 < planes:
                two = out[2 * pair + 1, begin:end]
            _add(stream, begin * pairs + pair, pairs, mean, std, room[0], one, two)


@nb.njit(nogil=True, cache=True)
def add_normal(streams: Array, out: Array) -> None:
    """Add standard normal numbers to out (N, planes, positions); streams (N,) uint64 of rows."""
    room = noise_room(out)
    for i in range(out.shape[0]):
        add_row(streams[i], 0, out.shape[2], np.float32(0), np.float32(1), room, out[i])
