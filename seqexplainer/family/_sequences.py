"""Letters and one-hot arrays, letters on the first axis of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

import seqpro as sp
from seqexplainer.errors import InputError

Sequences: TypeAlias = "Sequence[str] | NDArray[np.generic]"


def _alphabet(vocab: str) -> sp.NucleotideAlphabet:
    found = sp.alphabet_of(vocab)
    if not isinstance(found, sp.NucleotideAlphabet):
        raise InputError(f"vocab={vocab!r} must be DNA or RNA")
    return found


def sanitize_seq(seq: str) -> str:
    """Return a sequence without blanks around it, in capitals."""
    return seq.strip().upper()


def sanitize_seqs(seqs: Sequence[str]) -> NDArray[np.str_]:
    """Return sequences without blanks around them, in capitals, shape (n,)."""
    return np.array([sanitize_seq(seq) for seq in seqs])


def ascii_encode_seq(seq: str, pad: int = 0) -> NDArray[np.int64]:
    """Return the codes of letters, shape (length + pad,); 36, a dollar sign, pads."""
    return np.array([ord(letter) for letter in seq + "$" * pad], dtype=np.int64)


def ascii_encode_seqs(seqs: Sequence[str], pad: int = 0) -> NDArray[np.int64]:
    """Return the codes of letters, shape (n, length + pad)."""
    return np.array([ascii_encode_seq(seq, pad) for seq in seqs], dtype=np.int64)


def ascii_decode_seq(seq: NDArray[np.generic]) -> str:
    """Return the letters of codes, shape (length,), without dollar signs."""
    return "".join(chr(int(code)) for code in seq).replace("$", "")


def ascii_decode_seqs(seqs: NDArray[np.generic]) -> NDArray[np.object_]:
    """Return the letters of codes, shape (n, length)."""
    return np.array([ascii_decode_seq(seq) for seq in seqs], dtype=object)


def ohe_seq(
    seq: str, vocab: str = "DNA", neutral_vocab: str = "N", fill_value: float = 0
) -> NDArray[np.generic]:
    """One-hot encode a sequence.

    Parameters
    ----------
    seq : str
        Letters of either case.
    vocab : str
        DNA or RNA.
    neutral_vocab : str
        Letters that are none of these; anything else is refused.
    fill_value : float
        What stands in the column of such a letter.

    Returns
    -------
    ndarray of uint8 or float64, shape (letters, length)

    Raises
    ------
    InputError
        If a letter is neither.

    Examples
    --------
    >>> ohe_seq("acgN")[:, 3].tolist(), ohe_seq("AN", fill_value=0.25)[:, 1].tolist()
    ([0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25])
    """
    letters = sanitize_seq(seq)
    alphabet = _alphabet(vocab)
    strangers = sorted(set(letters) - set(alphabet.alphabet) - set("".join(neutral_vocab)))
    if strangers:
        raise InputError(f"letter {strangers[0]!r} is none of {alphabet.alphabet}{neutral_vocab}")
    encoded: NDArray[np.generic] = sp.ohe(sp.cast_seqs(letters), alphabet).T
    if fill_value:
        unknown = ~encoded.any(0)
        encoded = encoded.astype(float)
        encoded[:, unknown] = fill_value
    return encoded


def ohe_seqs(
    seqs: Sequence[str],
    vocab: str = "DNA",
    neutral_vocab: str = "N",
    maxlen: int | None = None,
    pad: bool = True,
    pad_value: str = "N",
    fill_value: float | None = None,
    seq_align: str = "start",
    verbose: bool = True,
) -> NDArray[np.generic]:
    """One-hot encode sequences, padded to one length.

    Parameters
    ----------
    seqs : sequence of str
        Letters.
    vocab, neutral_vocab, fill_value
        As in `ohe_seq`.
    maxlen : int, optional
        The length; that of the longest by default.
    pad : bool
        Whether to pad; without it an array of arrays is returned.
    pad_value : str
        The letter that pads.
    seq_align : {"start", "end", "center"}
        Where sequences stand in what is padded.
    verbose : bool
        Unused.

    Returns
    -------
    ndarray, shape (n, letters, length)

    Raises
    ------
    InputError
        If ``seqs`` is one string, or ``seq_align`` none of the three.

    Examples
    --------
    >>> ohe_seqs(["ACGT", "AC"]).shape
    (2, 4, 4)
    """
    if isinstance(seqs, str):
        raise InputError("seqs is one string: give a list of them, or call ohe_seq")
    sides = {"start": "right", "end": "left", "center": "both"}
    if seq_align not in sides:
        raise InputError(f"seq_align={seq_align!r} must be one of {', '.join(sides)}")
    words = [sanitize_seq(seq) for seq in seqs]
    if pad:
        padded = sp.pad_seqs(words, sides[seq_align], pad_value, maxlen)  # type: ignore[arg-type]
        words = [row.tobytes().decode() for row in padded]
    encoded = [ohe_seq(word, vocab, neutral_vocab, fill_value or 0) for word in words]
    if pad:
        return np.stack(encoded)
    ragged = np.empty(len(encoded), dtype=object)
    ragged[:] = encoded
    return ragged


def decode_seq(
    arr: NDArray[np.generic] | torch.Tensor,
    vocab: str = "DNA",
    neutral_value: int = -1,
    neutral_char: str = "N",
) -> str:
    """Return the letters of a one-hot array.

    Parameters
    ----------
    arr : ndarray or Tensor, shape (letters, length)
        One-hot sequence.
    vocab : str
        DNA or RNA.
    neutral_value : int
        Unused.
    neutral_char : str
        Letter of columns without a one.

    Examples
    --------
    >>> decode_seq(ohe_seq("ACNT"))
    'ACNT'
    """
    array = np.asarray(arr).T.astype(np.uint8)
    decoded = sp.decode_ohe(array, -1, _alphabet(vocab), neutral_char)
    return str(decoded.tobytes().decode())


def decode_seqs(
    arr: NDArray[np.generic] | torch.Tensor,
    vocab: str = "DNA",
    neutral_char: str = "N",
    neutral_value: int = -1,
    verbose: bool = True,
) -> NDArray[np.str_]:
    """Return the letters of one-hot arrays, shape (n, letters, length); see `decode_seq`."""
    return np.array([decode_seq(one, vocab, neutral_value, neutral_char) for one in arr])


def reverse_complement_seq(seq: str | NDArray[np.generic], vocab: str = "DNA") -> object:
    """Return the other strand of letters, or of a one-hot array, shape (letters, length).

    Examples
    --------
    >>> reverse_complement_seq("AACN")
    'NGTT'
    """
    if isinstance(seq, str):
        turned = sp.reverse_complement(sp.cast_seqs(seq), _alphabet(vocab), length_axis=-1)
        return str(turned.tobytes().decode())
    return np.flip(seq, (0, 1)).copy()


def reverse_complement_seqs(
    seqs: Sequences, vocab: str = "DNA", verbose: bool = True
) -> NDArray[np.generic]:
    """Return the other strands of sequences, or of one-hot arrays (n, letters, length)."""
    return np.array([reverse_complement_seq(seq, vocab) for seq in seqs])


def gc_content_seq(seq: str | NDArray[np.generic], ohe: bool = False) -> float:
    """Return the share of G and C in letters, or in a one-hot array, shape (letters, length).

    Examples
    --------
    >>> gc_content_seq("GGAT")
    0.5
    """
    letters = decode_seq(np.asarray(seq)) if ohe else str(seq)
    return float(sp.gc_content(letters))


def gc_content_seqs(seqs: Sequences, ohe: bool = False) -> NDArray[np.float64]:
    """Return the share of G and C of each sequence, shape (n,); see `gc_content_seq`."""
    return np.array([gc_content_seq(seq, ohe) for seq in seqs])


def dinuc_shuffle_seq(
    seq: str | NDArray[np.generic],
    num_shufs: int | None = None,
    rng: np.random.RandomState | None = None,
) -> object:
    """Shuffle a sequence, keeping how often each pair of letters follows another.

    Parameters
    ----------
    seq : str or ndarray, shape (length, letters)
        The sequence.
    num_shufs : int, optional
        How many shuffles; by default one, without an axis of its own.
    rng : numpy.random.RandomState, optional
        Source of the seed; by default another shuffle with every call.

    Returns
    -------
    str, list of str, or ndarray (num_shufs, length, letters)

    Examples
    --------
    >>> sorted(dinuc_shuffle_seq("AACCGGTT", rng=np.random.RandomState(0)))
    ['A', 'A', 'C', 'C', 'G', 'G', 'T', 'T']
    """
    source = np.random.RandomState() if rng is None else rng
    n = 1 if num_shufs is None else num_shufs
    seed = int(source.randint(2**31))
    if isinstance(seq, str):
        rows = np.repeat(sp.cast_seqs(seq)[None], n, 0)
        made = sp.k_shuffle(rows, 2, length_axis=-1, seed=seed)
        words = [row.tobytes().decode() for row in made]
        return words[0] if num_shufs is None else words
    rows = np.repeat(np.asarray(seq, np.uint8)[None], n, 0)
    shuffled = sp.k_shuffle(rows, 2, length_axis=1, ohe_axis=2, seed=seed).astype(seq.dtype)
    return shuffled[0] if num_shufs is None else shuffled


def dinuc_shuffle_seqs(
    seqs: Sequences, num_shufs: int | None = None, rng: np.random.RandomState | None = None
) -> NDArray[np.generic]:
    """Shuffle sequences, shape (n, length, letters) or strings; see `dinuc_shuffle_seq`."""
    source = np.random.RandomState() if rng is None else rng
    rows = [seqs] if isinstance(seqs, str) else seqs
    return np.array([dinuc_shuffle_seq(seq, num_shufs, source) for seq in rows])
