"""Whether letters, data and a network speak of the same alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import seqpro as sp
from eugene.errors import EugeneError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class AlphabetMismatchError(EugeneError, ValueError):
    """Data are over another alphabet than the one that a network reads."""


def check_same_alphabet(module: object, data: Any, what: str = "the data") -> None:
    """Raise where data are over another alphabet than the module reads.

    Parameters
    ----------
    module : torch.nn.Module
        Judged where it says its ``alphabet``.
    data : object
        A variable, dataset module or alphabet; judged where it says its own.
    what : str
        Names the data in the message.

    Raises
    ------
    AlphabetMismatchError
        If the two differ.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> check_same_alphabet(SimpleNamespace(alphabet="ACGT"), "DNA")
    """
    said = getattr(module, "alphabet", None)
    if said is None or not (isinstance(data, str) or hasattr(data, "attrs")):
        data = getattr(data, "alphabet", None)
    if said is None or data is None:
        return
    try:
        reads = sp.alphabet_of(said)
        if hasattr(data, "attrs") and "alphabet" not in data.attrs:
            if "_ohe" not in data.dims:
                sp.check_letters(data, reads, what)
            return
        holds = sp.alphabet_of(data)
    except sp.errors.AlphabetError as error:
        raise AlphabetMismatchError(f"{what}: {error}") from error
    if reads.alphabet.upper() != holds.alphabet.upper():
        raise AlphabetMismatchError(
            f"{what} are over {holds.alphabet!r}, the module reads {reads.alphabet!r}: letters "
            "that it does not know would be columns of zeros. Make the module with "
            f"alphabet={sp.alphabet_name(holds)!r}, or turn the sequences into letters of "
            f"{sp.alphabet_name(reads)}."
        )


def check_bytes(letters: torch.Tensor | NDArray[np.uint8], alphabet: str) -> None:
    """Raise where ASCII letters belong to another alphabet, such as U among those of DNA.

    Parameters
    ----------
    letters : Tensor or ndarray of uint8, shape (n, length)
        ASCII.
    alphabet : str
        What the network reads.

    Raises
    ------
    AlphabetMismatchError
        If there is a letter that says so.
    """
    array = letters.detach().cpu().numpy() if isinstance(letters, torch.Tensor) else letters
    try:
        sp.check_letters(array, alphabet)
    except sp.errors.AlphabetError as error:
        raise AlphabetMismatchError(str(error)) from error
