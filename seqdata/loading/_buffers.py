"""Memory that is handed out again when no array on it is left.

The system gives large arrays fresh pages, which it has to clear first: for a batch of a few MB that
costs as much as filling it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

# below, memory comes without fresh pages
_LARGE = 256 * 1024


class Pool:
    """Empty arrays, on memory of earlier ones that nothing refers to any more.

    Parameters
    ----------
    spare : int
        Pieces of memory to keep while they are not in use.
    """

    def __init__(self, spare: int = 2) -> None:
        self._spare = spare
        self._free: list[NDArray[np.uint8]] = []

    def __reduce__(self) -> tuple[type[Pool], tuple[int]]:
        return Pool, (self._spare,)

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[np.generic]:
        """Return an array whose values are not set.

        Parameters
        ----------
        shape : sequence of int
            Its shape.
        dtype : dtype
            Its type.

        Returns
        -------
        ndarray
            Views of it and tensors on it hold the memory as the array does.

        Examples
        --------
        >>> Pool().empty((2, 3), "f4").shape
        (2, 3)
        """
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if size < _LARGE:
            return np.empty(shape, dtype)
        memory = self._take(size)
        return np.asarray(_Lease(memory, self))[:size].view(dtype).reshape(shape)

    def _take(self, size: int) -> NDArray[np.uint8]:
        while self._free:
            try:
                memory = self._free.pop()
            except IndexError:  # another thread was faster
                break
            if size <= len(memory) <= 2 * size:
                return memory
        return np.empty(size, np.uint8)

    def _put(self, memory: NDArray[np.uint8]) -> None:
        if len(self._free) < self._spare:
            self._free.append(memory)


class _Lease:
    """What arrays on a piece of memory refer to; its end gives the memory back."""

    def __init__(self, memory: NDArray[np.uint8], pool: Pool) -> None:
        self._memory = memory
        self._pool = pool
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self._pool._put(self._memory)
