"""Sequences as people hand them over, as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from eugene.errors import EugeneError
from eugene.nn import InputShapeError

_EXPECTED = (
    "give a list of strings, letters (N, L) of dtype S1 or uint8, or one-hot sequences "
    "(N, letters, L)"
)


def as_tensor(x: Any) -> torch.Tensor:
    """Return sequences as bytes, uint8 (N, L), or as they are where they are one-hot.

    Parameters
    ----------
    x : str, bytes, list, array, tensor or pandas.Series
        One sequence or several, as text; letters, one a cell; or one-hot, any number.

    Returns
    -------
    torch.Tensor
        uint8 (N, L) for letters, (N, A, L) of any number for one-hot.

    Raises
    ------
    InputShapeError
        If sequences differ in length, or the shape is another.
    EugeneError
        If it is nothing of the kind.

    Examples
    --------
    >>> as_tensor(["ACG", "TTT"]).tolist()
    [[65, 67, 71], [84, 84, 84]]
    """
    if isinstance(x, torch.Tensor):
        return _checked(x.detach())
    if isinstance(x, (str, bytes)):
        x = [x]
    if isinstance(x, dict) or not (hasattr(x, "__array__") or isinstance(x, (list, tuple))):
        raise EugeneError(f"sequences cannot be read from a {type(x).__name__}: {_EXPECTED}")
    if hasattr(x, "columns"):
        raise EugeneError(f"a table has no one column of sequences: pick it; {_EXPECTED}")
    try:
        array = np.asarray(x)
    except ValueError:  # nested lists of several lengths
        array = np.array([*x], dtype=object)
    if array.dtype.kind in "OUS":
        return _checked(_bytes(array))
    if array.dtype.kind not in "biuf":
        raise EugeneError(f"sequences cannot be numbers of dtype {array.dtype}: {_EXPECTED}")
    native = array.astype(array.dtype.newbyteorder("=")) if not array.dtype.isnative else array
    return _checked(torch.from_numpy(np.array(native)))


def _bytes(array: np.ndarray) -> torch.Tensor:
    """Return text, a sequence or a letter a cell, as ASCII bytes."""
    if array.ndim == 2 and array.dtype == "S1":
        return torch.from_numpy(np.array(np.ascontiguousarray(array).view(np.uint8)))
    if array.ndim not in (1, 2):
        raise InputShapeError(f"text of shape {array.shape} is no list of sequences: {_EXPECTED}")
    rows = array.tolist()
    if array.ndim == 2:
        rows = [b"".join(map(_encoded, row, range(len(row)))) for row in rows]
    encoded = [_encoded(row, i) for i, row in enumerate(rows)]
    lengths = {len(row) for row in encoded}
    if len(lengths) > 1:
        other = next(i for i, row in enumerate(encoded) if len(row) != len(encoded[0]))
        raise InputShapeError(
            f"sequence {other} is {len(encoded[other])} bp long, sequence 0 {len(encoded[0])} bp: "
            "pad or cut them to one length, for example with seqpro.pad_seqs"
        )
    if not encoded or not encoded[0]:
        return torch.empty((len(encoded), 0), dtype=torch.uint8)
    flat = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return torch.from_numpy(flat.reshape(len(encoded), -1).copy())


def _encoded(row: object, i: int) -> bytes:
    if isinstance(row, (list, tuple, np.ndarray)) and all(isinstance(v, (str, bytes)) for v in row):
        return b"".join(_encoded(v, i) for v in row)
    if isinstance(row, bytes):
        return row
    if not isinstance(row, str):
        raise EugeneError(f"sequence {i} is {row!r}, no text: {_EXPECTED}")
    if not row.isascii():
        raise EugeneError(f"sequence {i} holds letters outside ASCII: {row[:30]!r}")
    return row.encode("ascii")


def _checked(x: torch.Tensor) -> torch.Tensor:
    """Refuse shapes and numbers that are neither letters nor one-hot."""
    if x.ndim == 3 or (x.ndim == 2 and x.dtype == torch.uint8):
        return x
    shape = tuple(x.shape)
    if x.numel() == 0 and x.ndim == 1:
        raise InputShapeError(f"there is no sequence: {_EXPECTED}")
    if x.ndim == 2:
        raise InputShapeError(
            f"got numbers of dtype {x.dtype} and shape {shape}: one sequence alone needs a first "
            f"axis, x[None]; letters as numbers are uint8; {_EXPECTED}"
        )
    raise InputShapeError(f"got an array of shape {shape}: {_EXPECTED}")


def check_length(network: object, length: int, what: str = "the sequences") -> None:
    """Raise where sequences are longer or shorter than a network of one length reads.

    Parameters
    ----------
    network : object
        Judged where it says its ``input_len``, and not that any length does (``length_free``).
    length : int
        Of the sequences, in bp.
    what : str, optional
        Names them in the message, such as a file.

    Raises
    ------
    InputShapeError
        If the network reads another length.

    Examples
    --------
    >>> check_length(object(), 50)
    """
    wanted = getattr(network, "input_len", None)
    if not isinstance(wanted, int) or getattr(network, "length_free", False) or length == wanted:
        return
    raise InputShapeError(
        f"{what} are {length} bp long, the network reads {wanted} bp: cut or pad the sequences to "
        f"{wanted} (seqpro.pad_seqs), or build the network with input_len={length}"
    )


def as_device(device: str | torch.device | None, home: torch.device) -> torch.device:
    """Return where to compute: the device asked for, if it is there, else where the module is.

    Examples
    --------
    >>> as_device(None, torch.device("cpu"))
    device(type='cpu')
    """
    if device is None:
        return home
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise EugeneError(
            f"device={device!r} cannot be used ({first}): expected 'cpu', or 'cuda', 'cuda:1' ... "
            "or 'mps' where torch finds one"
        ) from error
    return where


def as_batch_size(value: int | None, default: int) -> int:
    """Return the number of sequences at a time, or say that it cannot be.

    Examples
    --------
    >>> as_batch_size(None, 128)
    128
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise EugeneError(f"batch_size must be a whole number of at least 1, got {value!r}")
    return int(value)
