"""Attribution maps and their sequences, some rows at a time, from memory or from disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Protocol, TypeGuard, cast

import numpy as np
import torch
from numpy.typing import NDArray

import seqpro as sp
from seqexplainer._inputs import as_array, check_one_hot
from seqexplainer.errors import InputError
from seqpro.progress import bar
from seqpro.random import integers

_POSITIONS = 1 << 17  # that are held at a time
_FROM_DISK = 8  # times as many where rows are not in memory
_ORDERS = np.array(list(permutations(range(4))))


class Sliced(Protocol):
    """What can be read some rows at a time: NumPy, torch, Zarr, dask, xarray."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""

    @property
    def dtype(self) -> object:
        """Type of the numbers."""

    def __getitem__(self, rows: slice, /) -> object:
        """Return some rows."""


@dataclass(frozen=True)
class Maps:
    """Attribution maps (n, 4, length) in anything that has a shape and can be sliced.

    Attributes
    ----------
    values : array, shape (n, 4, length)
        Of numbers.
    n, length : int
        Sequences and positions.
    """

    values: Sliced
    n: int
    length: int

    @classmethod
    def of(cls, attr: object) -> Maps:
        """Return maps after checking their shape and type.

        Raises
        ------
        InputError
            If they are no (n, 4, length) of real numbers.
        """
        values = cast("Sliced", attr if hasattr(attr, "shape") else np.asarray(attr))
        shape = tuple(int(size) for size in values.shape)
        if len(shape) != 3 or shape[1] != 4:
            turned = len(shape) == 3 and shape[2] == 4
            raise InputError(
                f"attr must have shape (n_seqs, 4, length), got {shape}"
                + ("; it looks like (n_seqs, length, 4): use attr.swapaxes(1, 2)" if turned else "")
                + ("; add a first axis with attr[None]" if len(shape) == 2 else "")
            )
        if not shape[0] or not shape[2]:
            raise InputError(f"attr is empty: its shape is {shape}")
        real = (
            not values.is_complex()
            if isinstance(values, torch.Tensor)
            else np.dtype(str(values.dtype)).kind in "biuf"
        )
        if not real:
            raise InputError(f"attr must hold real numbers, got dtype {values.dtype}")
        return cls(values, shape[0], shape[2])

    def spans(self) -> list[slice]:
        """Return the rows that are held at a time."""
        there = isinstance(self.values, np.ndarray | torch.Tensor)
        step = max(1, _POSITIONS * (1 if there else _FROM_DISK) // self.length)
        return [slice(at, min(at + step, self.n)) for at in range(0, self.n, step)]

    def rows(self, span: slice) -> NDArray[np.floating]:
        """Return some maps in C order, as float32 or float64, shape (rows, 4, length).

        Compiled code is compiled once more for what cannot be written to: that is copied.
        """
        values: NDArray[np.floating] = np.asarray(as_array(self.values[span]))
        kind = values.dtype.newbyteorder("=")
        exact = kind if kind in (np.float32, np.float64) else np.dtype(np.float64)
        return np.require(values, dtype=exact, requirements=("C", "W"))

    def shuffled(self, span: slice, seed: int, draw: int) -> NDArray[np.floating]:
        """Return some maps, the letters of each column in a random order.

        It depends on the seed, the number of the draw, that of the sequence and the position.
        """
        numbers = np.arange(self.n)[span, None]
        drawn = integers(seed, len(_ORDERS), draw, numbers, np.arange(self.length))
        return np.take_along_axis(self.rows(span), _ORDERS[drawn].swapaxes(1, 2), axis=1)


@dataclass(frozen=True)
class Letters:
    """The sequences of maps, one-hot or spelt.

    Attributes
    ----------
    values : array
        One-hot (n, 4, length), or letters (n, length) as S1 or ASCII.
    """

    values: Sliced

    @classmethod
    def of(cls, X: object, maps: Maps) -> Letters:
        """Return sequences after checking that they fit maps.

        Raises
        ------
        InputError
            If there are not as many, as long.
        """
        if isinstance(X, str | bytes):
            raise InputError("X is one text; expected a list of sequences, one a map")
        values = cast("Sliced", X if hasattr(X, "shape") else np.asarray(X))
        if getattr(values.dtype, "kind", "b") in "UOS" and values.dtype != "S1":
            values = _spelt([*np.asarray(values).ravel()])
        shape, want = tuple(int(size) for size in values.shape), (maps.n, 4, maps.length)
        if shape != want and (len(shape) == 3 or shape != (maps.n, maps.length)):
            turned = len(shape) == 3 and shape[2] == 4 != shape[1]
            raise InputError(
                f"X must have shape {want} for one-hot sequences, or ({maps.n}, {maps.length}) for "
                f"letters, as attr has; got {shape}" + ("; use X.swapaxes(1, 2)" if turned else "")
            )
        if len(shape) == 2 and str(values.dtype).removeprefix("torch.") not in ("uint8", "|S1"):
            raise InputError(f"letters in X must be S1 or ASCII in uint8, got {values.dtype}")
        return cls(values)

    def rows(self, span: slice) -> NDArray[np.bytes_]:
        """Return some sequences as letters, S1 (rows, length); N where none is known."""
        part = self.values[span]
        if len(self.values.shape) == 2:
            array = np.require(as_array(part), requirements=("C", "W"))
            return array if array.dtype == "S1" else array.view("S1")
        part = part if isinstance(part, torch.Tensor) else np.asarray(part)
        if not _plainly_one_hot(part):
            onehot = check_one_hot(part, f"X[{span.start}:{span.stop}]")
            part = as_array((onehot == 1).to(torch.uint8))
        letters: NDArray[np.bytes_] = sp.decode_ohe(part, ohe_axis=1)
        return letters


def _plainly_one_hot(part: object) -> TypeGuard[NDArray[np.uint8]]:
    """Tell whether an array is of uint8, with at most a single 1 a column: seen at a glance."""
    if not isinstance(part, np.ndarray) or part.dtype != np.uint8 or part.max() > 1:
        return False
    return bool((part[:, 0] + part[:, 1] + part[:, 2] + part[:, 3]).max() <= 1)


def _spelt(texts: list[str | bytes]) -> NDArray[np.bytes_]:
    """Return texts of one length as letters (n, length)."""
    lengths = {len(text) for text in texts}
    if len(lengths) != 1:
        raise InputError(
            f"sequences in X are {min(lengths)} to {max(lengths)} letters long; expected one length"
        )
    whole = b"".join(text if isinstance(text, bytes) else text.encode() for text in texts)
    return np.frombuffer(whole, dtype="S1").reshape(len(texts), -1)


def codes() -> NDArray[np.uint8]:
    """Return the code of each byte, shape (256,): A, C, G, T (U) are 0 to 3, all else 4."""
    found = np.full(256, 4, dtype=np.uint8)
    for code, letters in enumerate(("Aa", "Cc", "Gg", "TtUu")):
        found[[ord(letter) for letter in letters]] = code
    return found


def batches(maps: Maps, *, shown: bool, what: str) -> Iterator[slice]:
    """Yield the spans of maps, with a progress bar if it is to be shown."""
    yield from bar(maps.spans(), desc=what, shown=shown)
