"""Letters to one-hot and tokens, and back."""

from __future__ import annotations

import math
import sys
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from seqpro import _kernels
from seqpro._cast import blocks, check_width, common_length, normalize_axis, view_letters
from seqpro._types import Letters
from seqpro.alphabets import DNA, BaseAlphabet, named
from seqpro.errors import AlphabetError, SeqproError

FEW_LETTERS = 1 << 14
"""Below so many, NumPy alone is as fast, and the compiled kernels need not be loaded."""


def ohe(
    seqs: Letters,
    alphabet: BaseAlphabet | str = DNA,
    *,
    unknown: Literal["zero", "uniform"] = "zero",
    ohe_axis: int = -1,
    out: NDArray[np.uint8] | NDArray[np.float32] | None = None,
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """One-hot encode letters.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1, shape (..., length)
        Lower case encodes like upper case.
    alphabet : NucleotideAlphabet, AminoAlphabet or str
        Its letters, in their order, are the columns.
    unknown : {"zero", "uniform"}
        What N and the other ambiguous letters become: a column of zeros, or 1/A in every row.
        All other letters outside the alphabet become zeros.
    ohe_axis : int, default -1
        Where the axis of size A stands in the result, counted from either end: -1 for
        ``(..., length, A)``, -2 for ``(..., A, length)``, which models take.
    out : ndarray of uint8 or float32, shape and dtype of the result, optional
        Written to and returned; any strides.

    Returns
    -------
    ndarray of uint8, shape (..., length, A)
        float32 with ``unknown="uniform"``; the last axis stands at ``ohe_axis``.

    Raises
    ------
    SeqproError
        If seqs is uint8 (already one-hot), unknown is neither choice, or out has the wrong shape
        or dtype or is read-only.
    AxisError
        If the result has no axis ``ohe_axis``.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> sp.ohe("ACn", sp.DNA).tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    >>> sp.ohe("N", sp.DNA, unknown="uniform").tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    >>> batch = np.empty((2, 4, 3), np.uint8)
    >>> sp.ohe(["ACn", "GTA"], sp.DNA, ohe_axis=-2, out=batch) is batch
    True
    >>> batch[0].tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    """
    alphabet = named(alphabet)
    if unknown not in ("zero", "uniform"):
        raise SeqproError(f"unknown must be 'zero' or 'uniform', got {unknown!r}")
    width = len(alphabet)
    plain = unknown == "zero"
    length = 0
    if plain and width == 4 and out is None and ohe_axis in (-1, 2):
        length = common_length(seqs)
    if length:
        return _ohe_strings(cast(list[str], seqs), length, _zero_table(alphabet))
    letters = view_letters(seqs, "ohe")
    dtype = np.dtype(np.uint8 if plain else np.float32)
    axis = normalize_axis(ohe_axis, letters.ndim + 1, "ohe_axis")
    shape = (*letters.shape[:axis], width, *letters.shape[axis:])
    target: NDArray[np.uint8] | NDArray[np.float32]
    if out is None:
        target = np.empty(shape, dtype)
    else:
        _check_out(out, shape, dtype)
        # results go straight to out where the kernels can write there and nothing is overwritten
        # that is still to be read
        direct = out.flags.c_contiguous and out.ctypes.data % 4 == 0
        direct = direct and not np.may_share_memory(out, letters)
        target = out if direct else np.empty(shape, dtype)
    _encode_at(np.ascontiguousarray(letters), axis, alphabet, target)
    if out is None or target is out:
        return target
    out[...] = target
    return out


def _encode_at(
    letters: NDArray[np.uint8],
    axis: int,
    alphabet: BaseAlphabet,
    target: NDArray[np.uint8] | NDArray[np.float32],
) -> None:
    """Write contiguous letters as one-hot along an axis of target; float32 counts N evenly."""
    width = len(alphabet)
    flat = letters.reshape(-1)
    inner, outer = math.prod(letters.shape[axis:]), math.prod(letters.shape[:axis])
    if axis < letters.ndim and target.dtype == np.uint8:
        rows, planes = letters.reshape(outer, inner), target.reshape(outer, width, inner)
        _kernels.letter_planes(rows, *_bytes_of(alphabet), planes)
    elif axis < letters.ndim:
        rows, planes = letters.reshape(outer, inner), target.reshape(outer, width, inner)
        _kernels.gather_planes(rows, _uniform_table(alphabet), planes)
    elif target.dtype == np.float32:
        _kernels.gather_rows(flat, _uniform_table(alphabet), target.reshape(flat.size, width))
    elif width == 4:
        entries = _zero_table(alphabet).view(np.uint32).reshape(256)
        _kernels.gather(flat, entries, target.reshape(-1).view(np.uint32))
    else:
        _kernels.gather_rows(flat, _zero_table(alphabet), target.reshape(flat.size, width))


def _zero_table(alphabet: BaseAlphabet) -> NDArray[np.uint8]:
    """Return the one-hot row of each byte, uint8 (256, A)."""
    return _unit_rows(len(alphabet))[alphabet.lookup]


def _uniform_table(alphabet: BaseAlphabet) -> NDArray[np.float32]:
    """Return the one-hot row of each byte, float32 (256, A), even for ambiguous letters."""
    table = _zero_table(alphabet).astype(np.float32)
    for letter in alphabet.ambiguous + alphabet.ambiguous.lower():
        if alphabet.lookup[ord(letter)] == len(alphabet):
            table[ord(letter)] = 1.0 / len(alphabet)
    return table


def _bytes_of(alphabet: BaseAlphabet) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the two bytes that stand for each letter: both cases, or the same byte twice."""
    upper = alphabet.array.view(np.uint8)
    other = upper ^ np.uint8(0x20)
    mine = alphabet.lookup[other] == np.arange(upper.size)
    return upper, np.where(mine, other, upper)


def _check_out(
    out: NDArray[np.generic], shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> None:
    if not isinstance(out, np.ndarray):
        msg = f"out must be an ndarray of {dtype} and shape {shape}, got {type(out).__name__}"
        raise SeqproError(msg)
    if out.dtype != dtype or out.shape != shape:
        msg = f"out must be {dtype} of shape {shape}, got {out.dtype} of shape {out.shape}"
        raise SeqproError(msg)
    if not out.flags.writeable:
        raise SeqproError(f"out (shape {shape}) is read-only; pass an array that can be written to")


def _ohe_strings(seqs: list[str], length: int, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    words = np.empty(len(seqs) * length, np.uint32)
    entries = table.view(np.uint32).reshape(256)
    at = 0
    for block in blocks(seqs, length):
        _kernels.gather(block, entries, words[at : at + block.size])
        at += block.size
    return words.view(np.uint8).reshape(len(seqs), length, 4)


def single_letter(letter: str, name: str) -> int:
    """Return the byte of one ASCII letter, or raise naming the argument."""
    if len(letter) != 1 or not letter.isascii():
        raise SeqproError(f"{name} must be one ASCII letter, got {letter!r}")
    return ord(letter)


def decode_ohe(
    seqs: NDArray[np.uint8],
    ohe_axis: int = -1,
    alphabet: BaseAlphabet | str = DNA,
    unknown_char: str | None = None,
) -> NDArray[np.bytes_]:
    """Turn one-hot columns into letters.

    Parameters
    ----------
    seqs : ndarray of uint8 (or bool, or any number), one axis of size A
    ohe_axis : int
        The axis of size A, counted from either end.
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    unknown_char : str, optional
        Letter for a column of zeros; by default N, and X for amino acids, of which N is one.

    Returns
    -------
    ndarray of S1, shape of seqs without ohe_axis
        Where several entries of a column are set, the last one wins. Numbers with a fraction
        count as set above 0.5, so that the even columns of ``unknown="uniform"`` are unknown.

    Raises
    ------
    SeqproError
        If the axis is not A wide or unknown_char is not one letter.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.decode_ohe(sp.ohe("ACGTN", sp.DNA), ohe_axis=-1, alphabet=sp.DNA).tobytes()
    b'ACGTN'
    """
    alphabet = named(alphabet)
    array = np.asarray(seqs)
    if array.dtype.kind not in "uibf":
        raise SeqproError(f"decode_ohe takes a one-hot array of numbers, got dtype {array.dtype}")
    columns = normalize_axis(ohe_axis, array.ndim, "ohe_axis")
    check_width(array, columns, alphabet)
    if array.dtype != np.uint8:
        array = (array > 0.5 if array.dtype.kind == "f" else array != 0).astype(np.uint8)
    wild = alphabet.wild if unknown_char is None else unknown_char
    unknown = np.array([single_letter(wild, "unknown_char")], np.uint8)
    letters = np.concatenate([alphabet.array.view(np.uint8), unknown])
    return read_columns(array, columns, letters).view("S1")


def read_columns(
    array: NDArray[np.uint8], columns: int, letters: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Replace the one-hot axis by what stands in letters for it; its last entry is for none."""
    width = letters.size - 1
    shape = array.shape[:columns] + array.shape[columns + 1 :]
    inner = int(np.prod(array.shape[columns + 1 :], dtype=np.int64))
    outer = int(np.prod(array.shape[:columns], dtype=np.int64))
    array = np.ascontiguousarray(array)
    out = np.empty(outer * inner, np.uint8)
    if inner == 1 and width == 4 and sys.byteorder == "little":
        _kernels.decode_words(_as_words(array), letters, out)
    elif inner == 1:
        _kernels.decode_last(array.reshape(-1, width), letters, out)
    else:
        _kernels.decode_planes(
            array.reshape(outer, width, inner), letters, out.reshape(outer, inner)
        )
    return out.reshape(shape)


def write_columns(codes: NDArray[np.uint8], columns: int, width: int) -> NDArray[np.uint8]:
    """Insert a one-hot axis at columns; codes of width and above become zeros."""
    shape = (*codes.shape[:columns], width, *codes.shape[columns:])
    outer = int(np.prod(codes.shape[:columns], dtype=np.int64))
    inner = int(np.prod(codes.shape[columns:], dtype=np.int64))
    codes = np.ascontiguousarray(codes)
    if inner == 1 and width == 4:
        words = np.empty(outer, np.uint32)
        table = _unit_rows(width)[np.arange(256).clip(max=width)]
        _kernels.gather(codes.reshape(-1), table.view(np.uint32).reshape(256), words)
        return words.view(np.uint8).reshape(shape)
    out = np.empty((outer, width, inner), np.uint8)
    _kernels.encode_planes(codes.reshape(outer, inner), out)
    return out.reshape(shape)


def _unit_rows(width: int) -> NDArray[np.uint8]:
    """Return the one-hot row of each code, and a row of zeros."""
    return np.vstack([np.eye(width, dtype=np.uint8), np.zeros((1, width), np.uint8)])


def _as_words(array: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """View contiguous bytes as uint32, copying only where memory is not aligned."""
    if array.ctypes.data % 4:
        array = array.copy()
    return array.reshape(-1).view(np.uint32)


def _check_tokens(token_map: dict[str, int]) -> None:
    for letter, token in token_map.items():
        single_letter(letter, "each key of token_map")
        _check_int32(token, f"token {token} of letter {letter!r}")


def _check_int32(token: int, what: str) -> None:
    if not -(2**31) <= token < 2**31:
        raise AlphabetError(f"{what} does not fit int32")


def tokenize(
    seqs: Letters,
    token_map: dict[str, int],
    unknown_token: int,
    out: NDArray[np.int32] | None = None,
    *,
    parallel: bool = False,
) -> NDArray[np.int32]:
    """Turn letters into integer tokens.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1, shape (..., length)
    token_map : dict of str to int
        Token of each letter, taken literally: give lower-case letters their own entries, as
        ``alphabet.token_map`` does.
    unknown_token : int
        Token of every other letter.
    out : ndarray of int32, shape (..., length), optional
        Written to and returned.
    parallel : bool
        Use several threads; pays from about ten million letters.

    Returns
    -------
    ndarray of int32, shape (..., length)

    Raises
    ------
    SeqproError
        If a key is not one ASCII letter, or out has the wrong shape or dtype.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.tokenize("ACgN", {"A": 7, "C": 8, "G": 9}, -1).tolist()
    [7, 8, -1, -1]
    >>> sp.tokenize("ACgN", sp.DNA.token_map, -1).tolist()
    [0, 1, 2, -1]
    """
    _check_tokens(token_map)
    _check_int32(unknown_token, f"unknown_token {unknown_token}")
    letters = view_letters(seqs, "tokenize")
    table = np.full(256, unknown_token, np.int32)
    for letter, token in token_map.items():
        table[ord(letter)] = token
    if out is not None and (out.dtype != np.int32 or out.shape != letters.shape):
        msg = f"out must be int32 of shape {letters.shape}, got {out.dtype} of shape {out.shape}"
        raise SeqproError(msg)
    flat = np.ascontiguousarray(letters).reshape(-1)
    direct = out is not None and out.flags.c_contiguous
    target = out.reshape(-1) if out is not None and direct else np.empty(flat.size, np.int32)
    if flat.size < FEW_LETTERS and not parallel:
        target[...] = table[flat]
    else:
        (_kernels.gather_parallel if parallel else _kernels.gather)(flat, table, target)
    if out is None:
        return target.reshape(letters.shape)
    if not direct:
        out[...] = target.reshape(letters.shape)
    return out


def decode_tokens(
    seqs: NDArray[np.integer], token_map: dict[str, int], unknown_char: str = "N"
) -> NDArray[np.bytes_]:
    """Turn integer tokens into letters.

    Parameters
    ----------
    seqs : ndarray of int, any shape
    token_map : dict of str to int
        The map that `tokenize` was given. Where several letters share a token, the first wins.
    unknown_char : str
        Letter for a token that is not in the map.

    Returns
    -------
    ndarray of S1, same shape

    Raises
    ------
    SeqproError
        If seqs does not hold integers or a key is not one ASCII letter.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> sp.decode_tokens(np.array([1, 0, 9]), {"A": 0, "C": 1}).tobytes()
    b'CAN'
    """
    _check_tokens(token_map)
    tokens = np.asarray(seqs)
    if tokens.dtype.kind not in "iu":
        raise SeqproError(f"decode_tokens takes integers, got dtype {tokens.dtype}")
    unknown = single_letter(unknown_char, "unknown_char")
    if not token_map:
        return np.full(tokens.shape, unknown, np.uint8).view("S1")
    first: dict[int, int] = {}
    for letter, token in token_map.items():
        first.setdefault(token, ord(letter))
    keys = np.array(sorted(first), np.int64)
    values = np.array([first[key] for key in sorted(first)], np.uint8)
    at = np.searchsorted(keys, tokens).clip(max=keys.size - 1)
    found = np.where(keys[at] == tokens, values[at], np.uint8(unknown))
    return found.astype(np.uint8).view("S1")
