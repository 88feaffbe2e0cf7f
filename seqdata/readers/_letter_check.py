"""What to do with letters that an alphabet does not know."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

import seqpro as sp
from seqdata.errors import SchemaError, UnknownLetterError
from seqdata.readers._kernels import first_unknown, replace_unknown
from seqdata.schema import alphabet_letters, known_letters, wild_letter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.schema import AlphabetLike

OnUnknown = Literal["error", "warn", "n"]


class LetterCheck:
    """Check letters against an alphabet, and count what had to be replaced.

    Parameters
    ----------
    alphabet : NucleotideAlphabet, AminoAlphabet or str
        The letters; their ambiguity codes and both cases are known too.
    on_unknown : {"error", "warn", "n"}
        Raise at the first unknown letter; or write N (X for amino acids) in its place, with or
        without a warning at the end.
    padded : bool, default False
        Whether NUL may stand behind a sequence.
    """

    def __init__(
        self, alphabet: AlphabetLike, on_unknown: OnUnknown, *, padded: bool = False
    ) -> None:
        if on_unknown not in ("error", "warn", "n"):
            msg = f"on_unknown must be 'error', 'warn' or 'n', got {on_unknown!r}."
            raise SchemaError(msg)
        self.letters = alphabet_letters(alphabet)
        self.policy = on_unknown
        self.known = known_letters(alphabet)
        self.known[0] = padded
        self._common = _common_letters(self.known, self.letters + chr(wild_letter(alphabet)))
        self.wild = np.uint8(wild_letter(alphabet))
        self.count = 0

    def __call__(
        self, letters: NDArray[np.uint8], describe: Callable[[int], str]
    ) -> NDArray[np.uint8]:
        """Return the letters, with unknown ones replaced if the policy says so.

        Parameters
        ----------
        letters : ndarray of uint8, any shape, C order
        describe : callable
            Says where the letter at a flat index stands (file, record, position).

        Returns
        -------
        ndarray of uint8, same shape

        Raises
        ------
        UnknownLetterError
            At the first unknown letter, under the policy "error"; under the others where letters
            are those of another alphabet.
        """
        flat = letters.reshape(-1)
        place = first_unknown(flat, self.known, self._common)
        if place < 0:
            return letters
        if self.policy == "error":
            raise UnknownLetterError(self._unknown(int(flat[place]), describe(place)))
        shown = sp.other_alphabet(flat, self.letters)
        if shown is not None:
            name = sp.alphabet_name(shown)
            msg = (
                f"The letters around {describe(place)} are those of {name}, not of "
                f"{self.letters!r}: pass alphabet={name!r}. Unknown letters are only "
                f"replaced by {chr(self.wild)!r} among letters of the right alphabet."
            )
            raise UnknownLetterError(msg)
        if not flat.flags.writeable:
            letters = letters.copy()
            flat = letters.reshape(-1)
        self.count += int(replace_unknown(flat, self.known, self.wild))
        return letters

    def _unknown(self, byte: int, where: str) -> str:
        shown = chr(byte) if 32 < byte < 127 else f"byte {byte}"
        hint = ""
        if shown in "Uu" and "T" in self.letters:
            hint = " Is this RNA? Then pass alphabet='RNA'."
        elif shown in "Tt" and "U" in self.letters:
            hint = (
                " Is this DNA? Then pass alphabet='DNA'; seqpro.xr.transcribe writes U for T "
                "in the dataset."
            )
        return (
            f"Unknown letter {shown!r} in {where}. Expected letters of "
            f"{self.letters!r} or their ambiguity codes.{hint} "
            f"on_unknown='warn' or 'n' writes {chr(self.wild)!r} instead."
        )

    def without_padding(self) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Return what `first_unknown` takes, where NUL is no letter."""
        known = self.known.copy()
        known[0] = False
        return known, self._common

    def report(self, where: str) -> None:
        """Warn once about what was replaced, under the policy "warn"."""
        if self.count and self.policy == "warn":
            warnings.warn(
                f"{self.count} unknown letters in {where} were replaced by {chr(self.wild)!r}.",
                UserWarning,
                stacklevel=3,
            )
        self.count = 0


def _common_letters(known: NDArray[np.bool_], letters: str) -> NDArray[np.uint8]:
    """Return up to five letters that are known in both cases, filled up with a byte that is none.

    Examples
    --------
    >>> bytes(_common_letters(known_letters("DNA"), "ACGTN"))
    b'ACGTN'
    """
    capitals = [ord(letter) for letter in letters.upper()]
    both = [code for code in capitals if known[code] and known[code | 0x20]]
    return np.array([*both, *[0xFF] * 5][:5], dtype=np.uint8)
