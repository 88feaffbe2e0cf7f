"""Which alphabet data, models and names are over: one judge for all packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpro.alphabets import AA, DNA, NAMED, PROTEIN, RNA, AminoAlphabet, BaseAlphabet, named
from seqpro.errors import AlphabetError

_BLOCK = 1 << 20


def alphabet_of(source: object, default: BaseAlphabet | str | None = None) -> BaseAlphabet:
    """Return the alphabet of data, of a model or of a name: the one judge of all packages.

    Parameters
    ----------
    source : BaseAlphabet, str, DataArray, array or object with an attribute ``alphabet``
        An alphabet; the name ``"DNA"``, ``"RNA"`` or ``"AA"``, or the letters themselves; a
        variable whose attribute ``alphabet`` says it; letters (``S1``, or ASCII as ``uint8``) that
        carry no word about it, which then show it themselves; or a model, a motif or the like.
    default : BaseAlphabet or str, optional
        What things are that say nothing. One-hot arrays that say nothing are DNA with four
        letters, amino acids with 21 (20: without the stop).

    Returns
    -------
    BaseAlphabet

    Raises
    ------
    AlphabetError
        If nothing says which alphabet it is, or letters contradict each other.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> sp.alphabet_of("RNA") is sp.RNA, sp.alphabet_of("ACGU") is sp.RNA
    (True, True)
    >>> sp.alphabet_of(np.array([[b"G", b"U"]])).alphabet
    'ACGU'
    """
    if isinstance(source, BaseAlphabet | str):
        return named(source)
    attrs = getattr(source, "attrs", None)
    said = attrs.get("alphabet") if isinstance(attrs, Mapping) else None
    said = getattr(source, "alphabet", None) if said is None else said
    if said is not None:
        return named(said if isinstance(said, BaseAlphabet) else _text(said))
    if _are_letters(source):
        return _judged(letter_counts(source))
    width = _letters_wide(source)
    found = next((known for known in (DNA, AA, PROTEIN) if len(known) == width), None)
    if found is not None:
        return found
    if default is None:
        msg = "nothing says which letters these are: give alphabet=, 'DNA', 'RNA' or 'AA'"
        raise AlphabetError(msg)
    return alphabet_of(default)


def letter_counts(letters: Any) -> NDArray[np.int64]:
    """Count the bytes of letters, a block of rows at a time.

    Parameters
    ----------
    letters : ndarray or DataArray of S1 or uint8

    Returns
    -------
    ndarray of int64, shape (256,)
        How often each byte is there; lower case counts as upper case.

    Examples
    --------
    >>> import numpy as np
    >>> int(letter_counts(np.array([b"a", b"A", b"C"]))[ord("A")])
    2
    """
    counts = np.zeros(256, np.int64)
    for text in _texts(letters):
        counts += np.bincount(np.frombuffer(text, np.uint8), minlength=256)
    counts[ord("A") : ord("Z") + 1] += counts[ord("a") : ord("z") + 1]
    counts[ord("a") : ord("z") + 1] = 0
    return counts


def foreign_letters(alphabet: BaseAlphabet) -> str:
    """Return the letters that say that a sequence is over another alphabet: U for DNA, and so on.

    Examples
    --------
    >>> import seqpro as sp
    >>> foreign_letters(sp.DNA), foreign_letters(sp.RNA), foreign_letters(sp.AA)
    ('EFILPQU', 'EFILPQT', '')
    """
    own = set(alphabet.alphabet.upper() + alphabet.ambiguous)
    if isinstance(alphabet, AminoAlphabet):
        return ""
    if not _is_nucleic(alphabet):
        # of letters that no other alphabet of ours has, every other one is foreign
        return "".join(sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(alphabet.alphabet) - {*"NX"}))
    return "".join(sorted(set("U" + AA.alphabet) - own - {"*"}))


def other_alphabet(letters: Any, expected: BaseAlphabet | str) -> BaseAlphabet | None:
    """Return the alphabet that letters show, where it is another than the one they should have.

    Parameters
    ----------
    letters : ndarray or DataArray of S1 or uint8
    expected : BaseAlphabet or str

    Returns
    -------
    BaseAlphabet or None
        None too where letters show none, or hold but stray letters of another one.

    Examples
    --------
    >>> import numpy as np
    >>> other_alphabet(np.array([b"A", b"U"]), "DNA").alphabet
    'ACGU'
    """
    alphabet = alphabet_of(expected)
    counts = letter_counts(letters)
    if not any(counts[ord(letter)] for letter in foreign_letters(alphabet)):
        return None
    try:
        shown = _judged(counts)
    except AlphabetError:
        return None
    return None if shown == alphabet else shown


def check_letters(letters: Any, alphabet: BaseAlphabet | str, where: str = "the sequences") -> None:
    """Raise where letters say that they are over another alphabet.

    Parameters
    ----------
    letters : ndarray or DataArray of S1 or uint8
        Any letters; those that no alphabet knows are not judged.
    alphabet : BaseAlphabet or str
        What they are said to be.
    where : str
        Names them in the message.

    Raises
    ------
    AlphabetError
        If there is a U among the letters of DNA, a T among those of RNA, or a letter that only
        amino acids have among nucleotides.

    Examples
    --------
    >>> import numpy as np
    >>> check_letters(np.array([b"A", b"N"]), "DNA")
    """
    expected = alphabet_of(alphabet)
    foreign = foreign_letters(expected)
    if not foreign:
        return
    wanted = (foreign + foreign.lower()).encode("ascii")
    # whatever is deleted is foreign: one pass in C, without a table of indices
    if all(len(text) == len(text.translate(None, wanted)) for text in _texts(letters)):
        return
    counts = letter_counts(letters)
    found = [letter for letter in foreign if counts[ord(letter)]]
    raise AlphabetError(_contradiction(counts, found, expected, where))


def _texts(letters: Any) -> Iterator[bytes]:
    """Yield letters as bytes, a block of rows at a time."""
    rows = max(1, _BLOCK // max(1, int(np.prod(letters.shape[1:], dtype=np.int64))))
    for start in range(0, letters.shape[0], rows):
        block = np.asarray(letters[start : start + rows])
        # an array of objects holds addresses, whose bytes are no letters
        block = block.astype("S1") if block.dtype.kind in "UO" else block
        yield np.ascontiguousarray(block).tobytes()


def _contradiction(
    counts: NDArray[np.int64], found: list[str], expected: BaseAlphabet, where: str
) -> str:
    total = int(counts[1:].sum())
    number = sum(int(counts[ord(letter)]) for letter in found)
    shown = ", ".join(map(repr, found))
    try:
        other = _judged(counts)
    except AlphabetError:
        other = expected
    hint = "Remove or replace these letters."
    if other != expected:
        hint = (
            f"These are letters of {alphabet_name(other)}: say alphabet={alphabet_name(other)!r}."
        )
    if {"T", "U"} & set(found) and _is_nucleic(other):
        swap = "U by T" if "U" in found else "T by U"
        hint = f"{hint} Or replace {swap}, where they are meant to be {alphabet_name(expected)}."
    return (
        f"{where} are said to be over {expected.alphabet!r}, but {number} of their {total} letters "
        f"are {shown}, which that alphabet does not have. {hint}"
    )


def alphabet_name(alphabet: BaseAlphabet) -> str:
    """Return the name of an alphabet, or its letters where it has none."""
    return next((name for name, known in NAMED.items() if known == alphabet), alphabet.alphabet)


def _is_nucleic(alphabet: BaseAlphabet) -> bool:
    return set(alphabet.alphabet.upper()) <= set("ACGTUN")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return b"".join(np.asarray(value).astype("S1").ravel().tolist()).decode("ascii")


def _are_letters(source: Any) -> bool:
    dtype, dims = getattr(source, "dtype", None), getattr(source, "dims", ())
    if dtype is None or not getattr(source, "shape", ()) or "_ohe" in dims:
        return False
    if dtype in (np.dtype("S1"), np.dtype("U1")):
        return True
    # ASCII letters are no one-hot: that has an axis of letters, and ones and zeros
    return dtype == np.uint8 and len(source.shape) <= 2


def _letters_wide(source: object) -> int | None:
    """Return how many letters a one-hot array has, None where that cannot be told."""
    shape, dims = tuple(getattr(source, "shape", ())), tuple(getattr(source, "dims", ()))
    if "_ohe" in dims:
        return int(shape[dims.index("_ohe")])
    return int(shape[1]) if len(shape) == 3 else None


def _judged(counts: NDArray[np.int64]) -> BaseAlphabet:
    """Return the alphabet that letters show."""

    def share(letters: str) -> int:
        return int(sum(counts[ord(letter)] for letter in letters))

    written = share("ABCDEFGHIJKLMNOPQRSTUVWXYZ*")
    bases = share("ACGTUN")
    if bases >= 0.8 * written:
        if counts[ord("T")] and counts[ord("U")]:
            raise AlphabetError(
                f"letters hold both T ({counts[ord('T')]}) and U ({counts[ord('U')]}): say which "
                "they are with alphabet='DNA' or 'RNA', and replace the other letter"
            )
        return RNA if counts[ord("U")] else DNA
    if bases <= 0.6 * written and share("EFILPQ"):
        return AA
    raise AlphabetError(
        f"{bases} of {written} letters are those of nucleotides: too few for DNA or RNA, too many "
        "for amino acids. Say which they are with alphabet='DNA', 'RNA' or 'AA'"
    )
