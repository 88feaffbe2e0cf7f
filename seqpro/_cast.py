"""Turning whatever holds sequences into arrays of letters, and naming their axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from seqpro._types import Letters, Scalar, Sequences
from seqpro.errors import AxisError, SeqproError

if TYPE_CHECKING:
    from seqpro.alphabets import BaseAlphabet

BLOCK_BYTES = 1 << 16
"""Letters that are encoded at a time from a list of strings."""


def cast_seqs(seqs: Sequences) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Turn sequences into an array of single letters.

    Parameters
    ----------
    seqs : str, bytes, (nested) list of them, ndarray of S, U, object or uint8
        Also what turns into such an array: a pandas Series, an xarray DataArray, a tensor.
        Sequences of different length are padded on the right with NUL (``b""``).

    Returns
    -------
    ndarray of S1, shape (..., length)
        A uint8 array is taken for one-hot and returned as it is.

    Raises
    ------
    SeqproError
        If a string is empty, holds a character that is not ASCII, or the input is of a type
        that cannot hold sequences.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.cast_seqs(["ACG", "T"])
    array([[b'A', b'C', b'G'],
           [b'T', b'', b'']], dtype='|S1')
    """
    if isinstance(seqs, str | bytes):
        if len(seqs) == 0:
            raise SeqproError("an empty string cannot be cast to a sequence array")
        return np.array(_letters_of(seqs))
    if isinstance(seqs, np.ndarray):
        return _cast_array(seqs)
    if isinstance(seqs, Sequence):
        return _cast_list(seqs)
    if hasattr(seqs, "__array__"):
        return _cast_array(np.asarray(seqs))
    raise SeqproError(
        f"cannot read sequences from {type(seqs).__name__}; give str, bytes, a list of them, or "
        "an array of letters (S1) or one-hot (uint8)"
    )


def _letters_of(text: str | bytes) -> NDArray[np.bytes_]:
    """View ASCII text as letters; the result is read-only."""
    return np.frombuffer(_encode_ascii(text), "S1")


def _encode_ascii(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise SeqproError(
            f"sequences must be ASCII, got {text[error.start]!r} at character {error.start} of "
            f"{_shorten(text)}"
        ) from None


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 30 else f"{text[:30]}...")


def _cast_array(array: NDArray[np.generic]) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return cast("NDArray[np.uint8]", array)
    if array.dtype == np.dtype("S1") and array.ndim > 0:
        return cast("NDArray[np.bytes_]", array)
    if kind in "OT":
        return _cast_list(array.tolist())
    if kind == "U":
        try:
            array = array.astype("S")
        except UnicodeEncodeError:
            for text in array.ravel().tolist():
                _encode_ascii(text)
        kind = "S"
    if kind != "S":
        raise SeqproError(
            f"cannot read sequences from an array of dtype {array.dtype}; expected letters (S1) "
            "or one-hot (uint8)"
        )
    if array.ndim == 0:
        return cast_seqs(array.item())
    if array.dtype.itemsize == 1:
        return array.view("S1")
    return np.ascontiguousarray(array)[..., None].view("S1")


def join_letters(seqs: Sequence[Any]) -> NDArray[np.bytes_] | None:
    """View a flat list of equally long strings as letters (n, L), or return None."""
    if not seqs:
        return None
    first = seqs[0]
    if isinstance(first, str):
        try:
            joined = "".join(seqs)
        except TypeError:
            return None
        whole = joined.encode("ascii") if joined.isascii() else None
    elif isinstance(first, bytes):
        try:
            whole = b"".join(seqs)
        except TypeError:
            return None
    else:
        return None
    length = len(first)
    if whole is None or length == 0 or len(whole) != length * len(seqs):
        return None
    if len(set(map(len, seqs))) != 1:
        return None
    return np.frombuffer(whole, "S1").reshape(len(seqs), length)


def common_length(seqs: object) -> int:
    """Return the length of the strings of a flat list, or 0 where they differ or are not str."""
    if not isinstance(seqs, list) or not seqs or not isinstance(seqs[0], str):
        return 0
    try:
        lengths = set(map(len, seqs))
    except TypeError:
        return 0
    return lengths.pop() if len(lengths) == 1 else 0


def blocks(seqs: list[str], length: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the letters of equally long strings in flat pieces that fit into the cache.

    Joining everything at once would write two more arrays of full size to fresh memory.
    """
    step = max(1, BLOCK_BYTES // length)
    for begin in range(0, len(seqs), step):
        try:
            text = "".join(seqs[begin : begin + step])
        except TypeError:
            wrong = next(s for s in seqs[begin:] if not isinstance(s, str))
            msg = f"a list of sequences must hold strings alike, got {type(wrong).__name__}"
            raise SeqproError(msg) from None
        yield np.frombuffer(_encode_ascii(text), np.uint8)


def _cast_list(seqs: Sequence[Any]) -> NDArray[np.bytes_]:
    if len(seqs) == 0:
        return np.empty((0, 0), "S1")
    joined = join_letters(seqs)
    if joined is not None:
        return joined.copy()
    if all(isinstance(s, np.ndarray) and s.dtype == np.dtype("S1") and s.ndim for s in seqs):
        return _stack(seqs)
    try:
        array = np.array(seqs, dtype="S")
    except UnicodeEncodeError:
        for text in _flatten(seqs):
            _encode_ascii(text)
        raise
    except (ValueError, TypeError) as error:
        raise SeqproError(f"cannot read sequences from a list: {error}") from error
    for item in _flatten(seqs):
        if not isinstance(item, str | bytes):
            raise SeqproError(f"a list of sequences must hold strings, got {type(item).__name__}")
    return array[..., None].view("S1")


def _stack(rows: Sequence[NDArray[np.bytes_]]) -> NDArray[np.bytes_]:
    """Put arrays of letters one under the other, padded on the right with NUL."""
    leading = {row.shape[:-1] for row in rows}
    if len(leading) != 1:
        msg = f"arrays of letters in a list differ in their leading axes: {sorted(leading)}"
        raise SeqproError(msg)
    out = np.zeros((len(rows), *leading.pop(), max(row.shape[-1] for row in rows)), "S1")
    for target, row in zip(out, rows, strict=True):
        target[..., : row.shape[-1]] = row
    return out


def _flatten(seqs: object) -> list[Any]:
    if isinstance(seqs, list | tuple):
        return [leaf for item in seqs for leaf in _flatten(item)]
    if isinstance(seqs, np.ndarray):
        return list(seqs.ravel().tolist())
    return [seqs]


def view_letters(seqs: Letters, what: str) -> NDArray[np.uint8]:
    """Return letters as uint8 ASCII of shape (..., L); may share memory with the input.

    Raises
    ------
    SeqproError
        If seqs is uint8, which stands for one-hot.
    """
    if isinstance(seqs, list):
        joined = join_letters(seqs)
        if joined is not None:
            return joined.view(np.uint8)
    array = cast_seqs(seqs)
    if array.dtype == np.uint8:
        raise SeqproError(
            f"{what} takes letters, got a uint8 array of shape {array.shape}, which stands for "
            'one-hot; if it holds ASCII codes, pass x.view("S1")'
        )
    return array.view(np.uint8)


def normalize_axis(axis: int, ndim: int, name: str) -> int:
    """Return axis counted from the front.

    Raises
    ------
    AxisError
        If the array has no such axis.
    """
    if not -ndim <= axis < ndim:
        raise AxisError(f"{name}={axis} does not exist in an array of {ndim} dimensions")
    return axis % ndim


def letter_axis(array: NDArray[np.generic], length_axis: int | None) -> int:
    """Return the length axis of letters, the last one by default."""
    return normalize_axis(-1 if length_axis is None else length_axis, array.ndim, "length_axis")


def one_hot_axes(
    array: NDArray[np.generic],
    length_axis: int | None,
    ohe_axis: int | None,
    alphabet: BaseAlphabet | None,
) -> tuple[int, int]:
    """Return (length axis, one-hot axis) counted from the front, and check the width.

    The default is the layout of `seqpro.ohe`: (..., length, alphabet).

    Raises
    ------
    AxisError
        If an axis does not exist or both are the same.
    SeqproError
        If the one-hot axis is not as wide as the alphabet.
    """
    if array.ndim < 2:
        raise SeqproError(
            f"a one-hot array needs a length and an alphabet axis, got shape {array.shape}; if "
            'these are ASCII codes, pass x.view("S1")'
        )
    ndim = array.ndim
    if ohe_axis is None:
        last = length_axis is not None and length_axis % ndim == ndim - 1
        ohe_axis = -2 if last else -1
    columns = normalize_axis(ohe_axis, ndim, "ohe_axis")
    if length_axis is None:
        length_axis = ndim - 2 if columns == ndim - 1 else ndim - 1
    positions = normalize_axis(length_axis, ndim, "length_axis")
    if columns == positions:
        raise AxisError(f"length_axis and ohe_axis are both {columns}; they must differ")
    if alphabet is not None:
        check_width(array, columns, alphabet)
    return positions, columns


def check_width(array: NDArray[np.generic], columns: int, alphabet: BaseAlphabet) -> None:
    """Raise `SeqproError` where the one-hot axis is not as wide as the alphabet."""
    if array.shape[columns] != len(alphabet):
        raise SeqproError(
            f"a uint8 array stands for one-hot, but axis {columns} of shape {array.shape} is "
            f"{array.shape[columns]} wide and alphabet {alphabet.alphabet!r} has "
            f'{len(alphabet)} letters; if these are ASCII codes, pass x.view("S1"), else name '
            "length_axis and ohe_axis"
        )


def to_rows(array: NDArray[Scalar], *axes: int) -> tuple[NDArray[Scalar], tuple[int, ...]]:
    """Move axes to the end and flatten the others; return contiguous rows and leading shape."""
    moved = np.moveaxis(array, axes, range(-len(axes), 0))
    leading = moved.shape[: moved.ndim - len(axes)]
    n_rows = int(np.prod(leading, dtype=np.int64))
    rows = np.ascontiguousarray(moved).reshape(n_rows, *moved.shape[moved.ndim - len(axes) :])
    return rows, leading


def from_rows(rows: NDArray[Scalar], leading: tuple[int, ...], *axes: int) -> NDArray[Scalar]:
    """Undo `to_rows`."""
    full = rows.reshape(*leading, *rows.shape[1:])
    return np.moveaxis(full, range(-len(axes), 0), axes)
