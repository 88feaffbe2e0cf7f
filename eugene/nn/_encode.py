"""One-hot encoding on the device."""

from __future__ import annotations

import torch

import seqpro as sp
from eugene.nn._errors import InputShapeError


def ohe_bytes(
    seq: torch.Tensor,
    alphabet: str = "ACGT",
    *,
    unknown: str = "zero",
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """One-hot encode ASCII bytes where they are, without a table on the host.

    Lower case encodes like upper case. Letters outside the alphabet, and the NUL bytes that pad
    short sequences, give a column of zeros.

    Parameters
    ----------
    seq : torch.Tensor of uint8, shape (batch, length)
        ASCII letters.
    alphabet : str
        ``"DNA"``, ``"RNA"``, ``"AA"``, or the letters in the order of the channels.
    unknown : {"zero", "uniform"}
        What a letter outside the alphabet becomes: zeros, or ``1 / len(alphabet)`` everywhere
        (NUL padding stays zero).
    dtype : torch.dtype
        Type of the result.

    Returns
    -------
    torch.Tensor, shape (batch, len(alphabet), length)
        One-hot sequences on the device of ``seq``.

    Raises
    ------
    InputShapeError
        If ``seq`` is not a two-dimensional uint8 tensor.

    Examples
    --------
    >>> ohe_bytes(torch.tensor([[65, 99, 78]], dtype=torch.uint8))[0, :, :].T
    tensor([[1., 0., 0., 0.],
            [0., 1., 0., 0.],
            [0., 0., 0., 0.]])
    """
    if seq.dtype != torch.uint8 or seq.ndim != 2:
        raise InputShapeError(
            f"expected ASCII bytes, a uint8 tensor of shape (batch, length), got {seq.dtype} of "
            f"shape {tuple(seq.shape)}. Letters of dtype S1 become such bytes with x.view('u1')."
        )
    if unknown not in ("zero", "uniform"):
        raise InputShapeError(f"unknown={unknown!r} must be 'zero' or 'uniform'")
    alphabet = sp.alphabet_of(alphabet).alphabet.upper()
    upper = torch.where((seq >= 97) & (seq <= 122), seq - 32, seq)
    encoded = torch.stack([upper == ord(letter) for letter in alphabet], dim=1).to(dtype)
    if unknown == "uniform":
        missing = (encoded.sum(dim=1, keepdim=True) == 0) & (seq != 0).unsqueeze(1)
        encoded = torch.where(missing, torch.full_like(encoded, 1 / len(alphabet)), encoded)
    return encoded
