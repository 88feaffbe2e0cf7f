"""Compiled loops over bytes; serial and free of the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from seqpro.kernels import letter_planes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llvmlite.ir import IRBuilder, Value
    from numba.core.types import Type
    from numba.core.typing.context import Context
    from numba.core.typing.templates import Signature
    from numpy.typing import NDArray

# bytes that a few vector instructions copy; most lines of FASTA files are as short
_SHORT = 64
# letters that are checked at once
_CHECKED = 4096


def _type_copy(
    _typing: Context, out: Type, to: Type, data: Type, begin: Type, count: Type
) -> tuple[Signature, Callable[..., object]]:
    """Copy data[begin : begin + count] to place ``to`` of out, both C-contiguous uint8.

    A line of FASTA is too short for the vector loop that a compiler makes, not for memcpy.
    """

    def generate(
        context: Any, builder: IRBuilder, signature: Signature, args: Sequence[Value]
    ) -> Value:
        target = context.make_array(signature.args[0])(context, builder, args[0]).data
        source = context.make_array(signature.args[2])(context, builder, args[2]).data
        target, source = builder.gep(target, [args[1]]), builder.gep(source, [args[3]])
        memcpy: Any = cgutils.raw_memcpy
        memcpy(builder, target, source, args[4], 1)
        return context.get_dummy_value()

    return types.void(out, types.int64, data, types.int64, types.int64), generate


_copy_bytes: Any = intrinsic(_type_copy)


@nb.njit(nogil=True, cache=True)
def gather_lines(
    data: NDArray[np.uint8],
    origin: NDArray[np.int64],
    bases: NDArray[np.int64],
    width: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Copy windows out of wrapped FASTA lines, without the line ends.

    Window ``i`` covers bases ``start[i]`` to ``stop[i]`` of a record whose first base is byte
    ``origin[i]`` of ``data`` and whose lines hold ``bases[i]`` letters in ``width[i]`` bytes. It
    goes to ``out[i, lead[i]:]``; out is C-contiguous. Returns -1, or the first window in which a
    line does not end where the index says.
    """
    for i in range(start.shape[0]):
        per_line = bases[i]
        line = start[i] // per_line
        column = start[i] - line * per_line
        byte = origin[i] + line * width[i] + column
        run = per_line - column
        left = stop[i] - start[i]
        k = i * out.shape[1] + lead[i]
        while left > 0:
            run = min(run, left)
            if run <= _SHORT <= left and byte + _SHORT <= data.shape[0]:
                # a copy of fixed size needs no call; the next line overwrites what is too much
                _copy_bytes(out, k, data, byte, _SHORT)
            else:
                _copy_bytes(out, k, data, byte, run)
            byte += run
            k += run
            left -= run
            if left > 0:
                if data[byte] != 10 and data[byte] != 13:
                    return i
                byte += width[i] - per_line
                run = per_line
    return -1


@nb.njit(nogil=True, cache=True)
def first_unknown(
    letters: NDArray[np.uint8], known: NDArray[np.bool_], common: NDArray[np.uint8]
) -> int:
    """Return the place of the first byte that is not known, or -1.

    ``common`` holds five capital letters that are known in both cases: blocks of nothing else
    are passed by vector instructions, others are looked at byte by byte.
    """
    a, b, c, d, e = common[0], common[1], common[2], common[3], common[4]
    n = letters.shape[0]
    for begin in range(0, n, _CHECKED):
        block = letters[begin : begin + _CHECKED]
        odd = np.uint8(0)
        for letter in block:
            # the casts keep all numbers in one byte, so that 32 letters are compared at once
            capital = np.uint8(letter & np.uint8(0xDF))
            other = np.uint8(capital != a) & np.uint8(capital != b) & np.uint8(capital != c)
            other = np.uint8(other & np.uint8(capital != d) & np.uint8(capital != e))
            odd = np.uint8(odd | other)
        if odd:
            for j in range(block.shape[0]):
                if not known[block[j]]:
                    return begin + j
    return -1


@nb.njit(nogil=True, cache=True)
def encode_lines(
    data: NDArray[np.uint8],
    origin: NDArray[np.int64],
    bases: NDArray[np.int64],
    width: NDArray[np.int64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    lead: NDArray[np.int64],
    known: NDArray[np.bool_],
    common: NDArray[np.uint8],
    upper: NDArray[np.uint8],
    row: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> int:
    """Write windows of wrapped FASTA lines as one-hot, rows in the order of ``upper``.

    Arguments are those of `gather_lines` and `first_unknown`; ``row`` (1, width) holds the letters
    of a window, which stay in the first cache, ``out`` is (n, A, width). Returns -1, or the first
    window with a byte that is not known, or a line that does not end where the index says.
    """
    lower = upper | np.uint8(0x20)
    for i in range(start.shape[0]):
        one = slice(i, i + 1)
        bad = gather_lines(
            data, origin[one], bases[one], width[one], start[one], stop[one], lead[one], row
        )
        if bad >= 0 or first_unknown(row[0], known, common) >= 0:
            return i
        letter_planes(row, upper, lower, out[one])
    return -1


@nb.njit(nogil=True, cache=True)
def replace_unknown(letters: NDArray[np.uint8], known: NDArray[np.bool_], wild: np.uint8) -> int:
    """Overwrite bytes that are not known; return how many there were."""
    count = 0
    for i in range(letters.shape[0]):
        if not known[letters[i]]:
            letters[i] = wild
            count += 1
    return count


@nb.njit(nogil=True, cache=True)
def pad_rows(flat: NDArray[np.uint8], lengths: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Lay sequences that stand one behind the other into the rows of a zeroed matrix."""
    k = 0
    for i in range(lengths.shape[0]):
        for j in range(lengths[i]):
            out[i, j] = flat[k + j]
        k += lengths[i]
