"""Rows of an array in a file, read where they are wanted."""

from __future__ import annotations

import os
import sys
import weakref
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from numpy.typing import NDArray

from seqdata.errors import SeqdataError
from seqdata.loading._buffers import Pool

#: whether rows can be read by position here; if not, files are mapped into memory
AT_POSITION = (
    hasattr(os, "pread")
    and sys.maxsize > 2**32
    and llvmlite.binding.address_of_symbol("pread") is not None
)

# numbers of 64 bits stand for the address and the size: those of numba without a sign would turn
# into floats beside those with one
_pread: Any = numba.types.ExternalFunction(
    "pread",
    numba.types.int64(numba.types.int32, numba.types.int64, numba.types.int64, numba.types.int64),
)


class FileRows:
    """Rows of a .npy file.

    A row takes one system call, which copies it from the system's cache to where it belongs. Pages
    of a mapped file come with their neighbours, count as memory of the process, and have to be
    given back and mapped anew; for rows in random order that costs more than the copy.

    Parameters
    ----------
    path : Path
        The file, with an array in C order.
    lead : int
        How many of its dimensions count rows.

    Raises
    ------
    SeqdataError
        From `take`, if the file has become shorter.
    """

    def __init__(self, path: Path, lead: int) -> None:
        self.path = path
        header = np.load(path, mmap_mode="r")
        self._begin = int(header.offset)
        self.dtype: np.dtype[np.generic] = header.dtype
        self.shape = (int(np.prod(header.shape[:lead], dtype=np.int64)), *header.shape[lead:])
        self._pool = Pool(spare=1)
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return int(self.shape[0])

    def take(self, rows: NDArray[np.int64], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return rows of the file.

        Parameters
        ----------
        rows : ndarray of int64, shape (b,)
            Numbers of the rows, from 0.
        out : ndarray, shape (b, ...), optional
            Receives the rows; C-contiguous, of the type stored.

        Returns
        -------
        ndarray, shape (b, ...)
        """
        if out is None:
            out = self._pool.empty((len(rows), *self.shape[1:]), self.dtype)
        size = int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize
        if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= len(self)):
            msg = f"row {rows.min()} or {rows.max()} is not among the {len(self)} of {self.path}."
            raise IndexError(msg)
        if not out.flags.c_contiguous or out.nbytes != size * len(rows):
            msg = f"out is {out.nbytes} bytes, expected {size * len(rows)} one behind the other."
            raise ValueError(msg)
        if size and _read_rows(self._file, self._begin, size, rows, _bytes_of(out)) != len(rows):
            msg = (
                f"{self.path} could not be read to its end: it was cut short or removed while in "
                "use. Make the loader anew, so that it is decoded again."
            )
            raise SeqdataError(msg)
        return out


def _bytes_of(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    return values.reshape(-1).view(np.uint8)


@numba.njit(nogil=True, cache=True)
def _read_rows(
    file: int, begin: int, size: int, rows: NDArray[np.int64], out: NDArray[np.uint8]
) -> int:
    """Read rows one behind the other, and return how many could be read."""
    target = np.int64(out.ctypes.data)
    i = 0
    while i < rows.shape[0]:
        last = i + 1
        # rows that follow each other are read at once
        while last < rows.shape[0] and rows[last] == rows[last - 1] + 1:
            last += 1
        place = begin + rows[i] * size
        left = (last - i) * size
        while left > 0:
            got = _pread(np.int32(file), target, left, place)
            if got <= 0:
                return i
            target += got
            place += got
            left -= got
        i = last
    return i
