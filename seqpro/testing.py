"""Hypothesis strategies that draw sequences, one-hot arrays, tracks and motifs.

The package hypothesis is imported at the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqpro import _encode
from seqpro.alphabets import DNA, BaseAlphabet
from seqpro.errors import SeqproError
from seqpro.motifs import Motif

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def _strategies() -> Any:
    try:
        from hypothesis import strategies
    except ImportError as error:
        msg = "seqpro.testing needs the package hypothesis: pip install hypothesis"
        raise ImportError(msg) from error
    return strategies


def _check_sizes(**sizes: tuple[int, int]) -> None:
    for name, (low, high) in sizes.items():
        if not 0 <= low <= high:
            raise SeqproError(f"{name}: expected 0 <= min <= max, got {low} and {high}")


def sequences(
    alphabet: BaseAlphabet = DNA,
    *,
    min_length: int = 1,
    max_length: int = 60,
    unknown: str = "N",
    lower: bool = True,
) -> SearchStrategy[str]:
    """Draw single sequences.

    Parameters
    ----------
    alphabet : NucleotideAlphabet or AminoAlphabet
    min_length, max_length : int
        In bp.
    unknown : str
        Letters outside the alphabet to mix in; empty for none.
    lower : bool
        Mix in lower case.

    Returns
    -------
    hypothesis strategy of str

    Examples
    --------
    >>> import seqpro.testing as spt
    >>> strategy = spt.sequences(max_length=5, unknown="", lower=False)
    """
    _check_sizes(length=(min_length, max_length))
    letters = alphabet.alphabet + unknown
    if lower:
        letters += letters.lower()
    strategy: SearchStrategy[str] = _strategies().text(
        sorted(set(letters)), min_size=min_length, max_size=max_length
    )
    return strategy


def sequence_arrays(
    alphabet: BaseAlphabet = DNA,
    *,
    min_seqs: int = 1,
    max_seqs: int = 6,
    min_length: int = 1,
    max_length: int = 40,
    unknown: str = "N",
    lower: bool = True,
) -> SearchStrategy[NDArray[np.bytes_]]:
    """Draw arrays of equally long sequences.

    Parameters
    ----------
    alphabet, min_length, max_length, unknown, lower
        As in `sequences`.
    min_seqs, max_seqs : int

    Returns
    -------
    hypothesis strategy of ndarray of S1, shape (n_seqs, length)

    Examples
    --------
    >>> import seqpro.testing as spt
    >>> strategy = spt.sequence_arrays(min_seqs=2, max_seqs=2)
    """
    _check_sizes(seqs=(min_seqs, max_seqs), length=(min_length, max_length))
    st = _strategies()
    letters = alphabet.alphabet + unknown
    if lower:
        letters += letters.lower()
    pool = np.frombuffer("".join(sorted(set(letters))).encode("ascii"), "S1")

    @st.composite
    def build(draw: Any) -> NDArray[np.bytes_]:
        n_seqs = draw(st.integers(min_seqs, max_seqs))
        length = draw(st.integers(min_length, max_length))
        size = n_seqs * length
        codes = draw(st.lists(st.integers(0, pool.size - 1), min_size=size, max_size=size))
        return pool[np.array(codes, np.int64)].reshape(n_seqs, length)

    strategy: SearchStrategy[NDArray[np.bytes_]] = build()
    return strategy


def one_hots(
    alphabet: BaseAlphabet = DNA,
    *,
    channels_first: bool = False,
    min_seqs: int = 1,
    max_seqs: int = 6,
    min_length: int = 1,
    max_length: int = 40,
    unknown: str = "N",
) -> SearchStrategy[NDArray[np.uint8]]:
    """Draw one-hot arrays.

    Parameters
    ----------
    alphabet, min_length, max_length, unknown
        As in `sequences`.
    channels_first : bool
        Draw (N, A, L), the layout of models, instead of (N, L, A).
    min_seqs, max_seqs : int

    Returns
    -------
    hypothesis strategy of ndarray of uint8

    Examples
    --------
    >>> import seqpro.testing as spt
    >>> strategy = spt.one_hots(channels_first=True)
    """

    def encode(letters: NDArray[np.bytes_]) -> NDArray[np.uint8]:
        hot = _encode.ohe(letters, alphabet).astype(np.uint8, copy=False)
        return np.ascontiguousarray(hot.swapaxes(1, 2)) if channels_first else hot

    return sequence_arrays(
        alphabet,
        min_seqs=min_seqs,
        max_seqs=max_seqs,
        min_length=min_length,
        max_length=max_length,
        unknown=unknown,
        lower=False,
    ).map(encode)


def tracks(shape: tuple[int, ...], *, max_value: int = 1000) -> SearchStrategy[NDArray[np.float32]]:
    """Draw tracks of counts.

    Parameters
    ----------
    shape : tuple of int
        For example (n_seqs, n_strands, length).
    max_value : int
        Largest count per position.

    Returns
    -------
    hypothesis strategy of ndarray of float32, shape ``shape``

    Examples
    --------
    >>> import seqpro.testing as spt
    >>> strategy = spt.tracks((2, 2, 10))
    """
    st = _strategies()
    size = int(np.prod(shape, dtype=np.int64))
    values = st.lists(st.integers(0, max_value), min_size=size, max_size=size)
    strategy: SearchStrategy[NDArray[np.float32]] = values.map(
        lambda v: np.array(v, np.float32).reshape(shape)
    )
    return strategy


def motifs(
    alphabet: BaseAlphabet = DNA, *, min_width: int = 1, max_width: int = 15
) -> SearchStrategy[Motif]:
    """Draw motifs of counts.

    Parameters
    ----------
    alphabet : NucleotideAlphabet or AminoAlphabet
    min_width, max_width : int
        In bp.

    Returns
    -------
    hypothesis strategy of seqpro.motifs.Motif

    Examples
    --------
    >>> import seqpro.testing as spt
    >>> strategy = spt.motifs(max_width=8)
    """
    _check_sizes(width=(min_width, max_width))
    st = _strategies()
    column = st.lists(st.integers(0, 500), min_size=len(alphabet), max_size=len(alphabet)).filter(
        lambda counts: sum(counts) > 1
    )
    name = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:-]{0,11}", fullmatch=True)
    matrix = st.lists(column, min_size=min_width, max_size=max_width)
    strategy: SearchStrategy[Motif] = st.builds(
        lambda label, columns: Motif(
            label, np.array(columns, np.float64).T, "pfm", alphabet=alphabet
        ),
        name,
        matrix,
    )
    return strategy
