"""Motifs under the names and arguments of motifdata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro._which import alphabet_of
from seqpro.errors import SeqproError
from seqpro.family import PAGE
from seqpro.motifs import _fasta_like, _meme, _read
from seqpro.motifs._motif import Kind, MotifSet
from seqpro.motifs._motif import Motif as _Motif
from seqpro.motifs._text import Source


def Motif(
    identifier: str,
    pfm: ArrayLike,
    consensus: str | None = None,
    length: int | None = None,
    alphabet_length: int | None = None,
    name: str | None = None,
) -> _Motif:
    """Return a motif of a matrix as motifdata held it.

    Parameters
    ----------
    identifier : str
        Its accession.
    pfm : array_like, shape (width, letters)
        Counts or probabilities, positions first.
    consensus, length, alphabet_length : optional
        Read from the matrix; a number that is not the matrix's is refused.
    name : str, optional
        By default the identifier.

    Returns
    -------
    seqpro.motifs.Motif
        Whose matrix has letters first.

    Raises
    ------
    SeqproError
        If the matrix does not fit.

    Examples
    --------
    >>> Motif("MA1", [[1, 0, 0, 0], [0, 0, 0, 1]], "AT", 2).consensus()
    'AT'
    """
    matrix = np.asarray(pfm, dtype=np.float64)
    for given, axis, what in ((length, 0, "length"), (alphabet_length, 1, "alphabet_length")):
        if given is not None and matrix.ndim == 2 and given != matrix.shape[axis]:
            raise SeqproError(
                f"motif {identifier!r}: {what}={given}, but pfm has shape {matrix.shape}, which "
                f"is (width, letters); see {PAGE}"
            )
    kind: Kind = "ppm" if np.allclose(matrix.sum(-1), 1, atol=0.02) else "pfm"
    return _Motif(name or identifier, matrix.T, kind, accession=identifier)


def motif_set(
    motifs: Mapping[str, _Motif] | Sequence[_Motif] = (),
    alphabet: str | None = None,
    version: str | None = None,
    strands: str | None = None,
    background: ArrayLike | None = None,
    background_source: str | None = None,
) -> MotifSet:
    """Return a set of motifs.

    Parameters
    ----------
    motifs : mapping or sequence of Motif
        The motifs; keys are left out, names are the motifs' own.
    alphabet, version, strands, background, background_source : optional
        Properties of the motifs here: each has its alphabet, strands and background, and only
        what all of them have may be said.

    Returns
    -------
    seqpro.motifs.MotifSet

    Raises
    ------
    SeqproError
        If a motif is over another alphabet.
    """
    found = list(motifs.values() if isinstance(motifs, Mapping) else motifs)
    wanted = None if alphabet is None else alphabet_of(alphabet)
    for motif in found if wanted is not None else ():
        if motif.alphabet != wanted:
            raise SeqproError(f"motif {motif.name!r} is not over {alphabet!r}; see {PAGE}")
    return MotifSet(found)


def read_meme(
    filename: Source, return_type: Literal["MotifSet", "list", "dict"] = "MotifSet"
) -> MotifSet | list[_Motif] | dict[str, _Motif]:
    """Read motifs in MEME format.

    Parameters
    ----------
    filename : path
        The file.
    return_type : {"MotifSet", "list", "dict"}
        What holds them.

    Raises
    ------
    SeqproError
        If ``return_type`` is none of them.
    """
    found = _meme.read_meme(filename)
    if return_type == "MotifSet":
        return found
    if return_type == "list":
        return list(found)
    if return_type == "dict":
        return dict(zip(found.keys(), found, strict=True))
    raise SeqproError(f"return_type={return_type!r} must be MotifSet, list or dict; see {PAGE}")


def read_homer(
    filename: Source,
    transpose: bool = False,
    counts: bool = False,
    alphabet: str = "ACGT",
    background: ArrayLike | None = None,
) -> MotifSet:
    """Read motifs in HOMER format, whose lines are positions and hold probabilities.

    Parameters
    ----------
    filename : path
        The file.
    transpose, counts : bool
        Only False: the format says both.
    alphabet : str
        Only ACGT.
    background : array_like, optional
        Only None: HOMER's is uniform.

    Raises
    ------
    SeqproError
        If something else is asked for.
    """
    if transpose or counts or alphabet != "ACGT" or background is not None:
        raise SeqproError(
            "read_homer: HOMER files have a line a position, probabilities of ACGT and a uniform "
            f"background: leave transpose, counts, alphabet and background out; see {PAGE}"
        )
    return _fasta_like.read_homer(filename)


def read_motifs(filename: Source, transpose: bool = True, counts: bool = True) -> MotifSet:
    """Read motifs of any format that is known; the file says which.

    Parameters
    ----------
    filename : path
        The file.
    transpose, counts : bool
        Unused: the format says both.
    """
    return _read.read(filename)


def write_meme(motif_set: MotifSet, filename: Source) -> None:
    """Write motifs in MEME format."""
    _meme.write_meme(motif_set, filename)


def write_homer(
    motif_set: MotifSet, filename: Source, log_odds_threshold: float | None = None
) -> None:
    """Write motifs in HOMER format, with the threshold of their log odds."""
    _fasta_like.write_homer(motif_set, filename, threshold=log_odds_threshold)


def from_kernel(
    kernel: NDArray[np.floating],
    identifiers: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    alphabet: str = "ACGT",
    bg: Mapping[str, float] | None = None,
    strands: str = "+ -",
) -> MotifSet:
    """Return motifs of the weights of filters, which are log2 odds here.

    Parameters
    ----------
    kernel : ndarray, shape (filters, letters, width)
        The weights.
    identifiers, names : sequence of str, optional
        By default numbers.
    alphabet : str
        Letters of the second axis.
    bg : mapping, optional
        Share of each letter; equal by default.
    strands : str
        Strands that the motifs are for.

    Examples
    --------
    >>> len(from_kernel(np.zeros((3, 4, 5))))
    3
    """
    labels = [str(i) for i in range(len(kernel))]
    shown, given = list(names or identifiers or labels), list(identifiers or labels)
    letters = alphabet_of(alphabet)
    background = None if bg is None else np.array([bg[letter] for letter in letters.alphabet])
    both = "+-" if "-" in strands else "+"
    return MotifSet(
        _Motif(
            name, matrix, "pwm", accession=accession, alphabet=letters, background=background,
            strands=both,
        )
        for name, accession, matrix in zip(shown, given, kernel, strict=True)
    )  # fmt: skip
