"""Motifs under the names and arguments of motifdata."""

from __future__ import annotations

import dataclasses
import importlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro._which import alphabet_of
from seqpro.alphabets import DNA, BaseAlphabet
from seqpro.errors import SeqproError, did_you_mean
from seqpro.family import PAGE
from seqpro.motifs import _fasta_like, _meme, _read
from seqpro.motifs._motif import Kind
from seqpro.motifs._motif import Motif as _Motif
from seqpro.motifs._motif import MotifSet as _MotifSet
from seqpro.motifs._text import Source

logger = logging.getLogger(__name__)


class Motif:
    """A motif as MotifData held it: positions first, and everything said as an attribute.

    Parameters
    ----------
    identifier : str
        Its accession.
    pfm : array_like, shape (width, letters)
        Probabilities, counts or weights.
    consensus : str, optional
        By default read from the matrix.
    length, alphabet_length : int, optional
        Read from the matrix; a number that is not the matrix's is refused.
    name : str, optional
        Its name.

    Raises
    ------
    SeqproError
        If the matrix does not fit.

    Examples
    --------
    >>> motif = Motif("MA1", [[1, 0, 0, 0], [0, 0, 0, 1]])
    >>> motif.consensus, motif.length, motif.pfm.shape
    ('AT', 2, (2, 4))
    >>> motif.today
    Motif('MA1', MA1, AT, ppm)
    """

    def __init__(
        self,
        identifier: str,
        pfm: ArrayLike,
        consensus: str | None = None,
        length: int | None = None,
        alphabet_length: int | None = None,
        name: str | None = None,
    ) -> None:
        self.identifier, self.name = identifier, name
        self.pfm: NDArray[np.float64] = np.array(pfm, dtype=np.float64)
        if self.pfm.ndim != 2:
            raise SeqproError(f"motif {identifier!r}: pfm must be (width, letters); see {PAGE}")
        self.length, self.alphabet_length = self.pfm.shape
        for given, found, what in (
            (length, self.length, "length"),
            (alphabet_length, self.alphabet_length, "alphabet_length"),
        ):
            if given is not None and given != found:
                raise SeqproError(
                    f"motif {identifier!r}: {what}={given}, but pfm has shape {self.pfm.shape}, "
                    f"which is (width, letters); see {PAGE}"
                )
        letters = DNA.alphabet if self.alphabet_length == len(DNA) else ""
        best = "".join(letters[i] for i in self.pfm.argmax(1)) if letters else ""
        self.consensus = best if consensus is None else consensus

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"Motif({self.identifier!r}, {self.consensus or self.length}; motifdata's form)"

    @property
    def today(self) -> _Motif:
        """The motif as `seqpro.motifs` holds it, letters first."""
        return self.over(DNA)

    def over(self, alphabet: BaseAlphabet) -> _Motif:
        """Return the motif as `seqpro.motifs` holds it, over an alphabet."""
        kind: Kind = "pwm" if (self.pfm < 0).any() else "pfm"
        if kind == "pfm" and np.allclose(self.pfm.sum(-1), 1, atol=0.02):
            kind = "ppm"
        return _Motif(
            self.name or self.identifier, self.pfm.T, kind, accession=self.identifier,
            alphabet=alphabet,
        )  # fmt: skip

    @classmethod
    def of(cls, motif: _Motif) -> Motif:
        """Return a motif of `seqpro.motifs` as MotifData held it, with probabilities."""
        return cls(
            motif.accession or motif.name, motif.ppm().T, motif.consensus(), motif.width,
            len(motif.alphabet), motif.name,
        )  # fmt: skip


class MotifSet:
    """A set of motifs as MotifData held it: a dict, and what is said of all of them.

    Parameters
    ----------
    motifs : mapping of str to Motif, optional
        By identifier.
    alphabet, version, strands, background, background_source : optional
        What holds for all of them.

    Examples
    --------
    >>> motifs = MotifSet({"MA1": Motif("MA1", [[1, 0, 0, 0]])})
    >>> motifs["MA1"].consensus, "MA1" in motifs, len(motifs)
    ('A', True, 1)
    >>> motifs.today
    MotifSet(1: MA1)
    """

    def __init__(
        self,
        motifs: Mapping[str, Motif] | None = None,
        alphabet: str | None = None,
        version: str | None = None,
        strands: str | None = None,
        background: Mapping[str, float] | None = None,
        background_source: str | None = None,
    ) -> None:
        self.motifs: dict[str, Motif] = dict(motifs or {})
        self.alphabet, self.version, self.strands = alphabet, version, strands
        self.background, self.background_source = background, background_source

    def add_motif(self, motif: Motif) -> None:
        """Add a motif under its identifier."""
        self.motifs[motif.identifier] = motif

    def __len__(self) -> int:
        return len(self.motifs)

    def __iter__(self) -> Iterator[Motif]:
        return iter(self.motifs.values())

    def __contains__(self, key: object) -> bool:
        return key in self.motifs

    def __getitem__(self, key: str) -> Motif:
        if key not in self.motifs:
            near = did_you_mean(key, self.motifs, listed=5)
            raise KeyError(f"no motif has the identifier {key!r}{near}")
        return self.motifs[key]

    def __repr__(self) -> str:
        return f"MotifSet with {len(self)} motifs"

    @property
    def today(self) -> _MotifSet:
        """The motifs as `seqpro.motifs` holds them."""
        letters = alphabet_of(self.alphabet or DNA)
        return _MotifSet(
            dataclasses.replace(
                motif.over(letters),
                strands=None if self.strands is None else "+-" if "-" in self.strands else "+",
                background=_shares(self.background, letters),
            )
            for motif in self
        )

    @classmethod
    def of(cls, motifs: Iterable[_Motif]) -> MotifSet:
        """Return motifs of `seqpro.motifs` as MotifData held them.

        Raises
        ------
        SeqproError
            If two have one identifier.
        """
        made = cls()
        for motif in motifs:
            old = Motif.of(motif)
            if old.identifier in made:
                raise SeqproError(
                    f"two motifs have the identifier {old.identifier!r}, which MotifData's sets "
                    f"keep once: seqpro.motifs.read keeps both; see {PAGE}"
                )
            made.add_motif(old)
            letters = motif.alphabet.alphabet
            made.alphabet = letters
            made.strands = "+ -" if motif.strands == "+-" else motif.strands
            if motif.background is not None:
                made.background = dict(zip(letters, motif.background.tolist(), strict=True))
        return made


# as our own modules call them, which know the present ones by these names
OldMotif = Motif
OldMotifSet = MotifSet


def _shares(
    background: Mapping[str, float] | None, letters: BaseAlphabet
) -> NDArray[np.float64] | None:
    return None if background is None else np.array([background[k] for k in letters.alphabet])


def _today(motifs: MotifSet | _MotifSet) -> _MotifSet:
    return motifs.today if isinstance(motifs, MotifSet) else motifs


def read_meme(
    filename: Source, return_type: Literal["MotifSet", "list", "dict"] = "MotifSet"
) -> MotifSet | list[Motif] | dict[str, Motif]:
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
    found = MotifSet.of(_meme.read_meme(filename))
    if return_type == "MotifSet":
        return found
    if return_type == "list":
        return list(found)
    if return_type == "dict":
        return found.motifs
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
    return MotifSet.of(_fasta_like.read_homer(filename))


def read_motifs(filename: Source, transpose: bool = True, counts: bool = True) -> MotifSet:
    """Read motifs of any format that is known; the file says which.

    Parameters
    ----------
    filename : path
        The file.
    transpose, counts : bool
        Unused: the format says both.
    """
    return MotifSet.of(_read.read(filename))


def write_meme(motif_set: MotifSet | _MotifSet, filename: Source) -> None:
    """Write motifs in MEME format."""
    _meme.write_meme(_today(motif_set), filename)


def write_homer(
    motif_set: MotifSet | _MotifSet, filename: Source, log_odds_threshold: float | None = None
) -> None:
    """Write motifs in HOMER format, with the threshold of their log odds."""
    _fasta_like.write_homer(_today(motif_set), filename, threshold=log_odds_threshold)


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
    labels = [f"filter_{i}" for i in range(len(kernel))]
    shown, given = list(names or identifiers or labels), list(identifiers or labels)
    made = MotifSet(alphabet=alphabet, strands=strands, background=bg)
    for name, identifier, matrix in zip(shown, given, kernel, strict=True):
        made.add_motif(Motif(identifier, matrix.T, alphabet_length=len(alphabet), name=name))
    return made


def from_biopython(biopyhon_motifs: Sequence[object], verbose: bool = False) -> MotifSet:
    """Return motifs of ``Bio.motifs``, with probabilities.

    Parameters
    ----------
    biopyhon_motifs : sequence of Bio.motifs.Motif, or of lists of them
        The motifs.
    verbose : bool
        Log a warning of those that are left out because their identifier is there already; that
        they are is what MotifData did.
    """
    made = MotifSet()
    for motif in _flat(biopyhon_motifs):
        counts: Mapping[str, Sequence[float]] = motif.counts  # type: ignore[attr-defined]
        matrix = np.array([list(counts[letter]) for letter in counts], dtype=np.float64).T
        name = getattr(motif, "name", None)
        identifier = str(getattr(motif, "matrix_id", None) or name or len(made))
        if identifier in made:
            if verbose:
                logger.warning("motif %r is there already: another one is left out", identifier)
            continue
        made.add_motif(Motif(identifier, matrix / matrix.sum(1, keepdims=True), name=name))
        made.alphabet = "".join(counts)
    return made


def _flat(motifs: Iterable[object]) -> Iterator[object]:
    for motif in motifs:
        if isinstance(motif, list | tuple):
            yield from _flat(motif)
        else:
            yield motif


def to_biopython(motif_set: MotifSet | _MotifSet, **kwargs: object) -> list[object]:
    """Return motifs as ``Bio.motifs.jaspar.Motif``; Biopython is needed for it.

    Parameters
    ----------
    motif_set : MotifSet
        The motifs; their matrices become the counts as they are.
    **kwargs
        Further arguments of ``Bio.motifs.jaspar.Motif``.

    Raises
    ------
    SeqproError
        If Biopython is not installed.
    """
    try:
        jaspar = importlib.import_module("Bio.motifs.jaspar")
    except ImportError as error:
        raise SeqproError("to_biopython needs Biopython: pip install biopython") from error
    old = motif_set if isinstance(motif_set, MotifSet) else MotifSet.of(motif_set)
    letters = old.alphabet or DNA.alphabet
    return [
        jaspar.Motif(
            motif.identifier, motif.name or motif.identifier, alphabet=letters,
            counts=dict(zip(letters, motif.pfm.T.tolist(), strict=True)), **kwargs,
        )
        for motif in old
    ]  # fmt: skip


def from_pymemesuite(pymemesuite_motifs: Iterable[object]) -> MotifSet:
    """Return motifs that ``pymemesuite`` read.

    Parameters
    ----------
    pymemesuite_motifs : iterable of pymemesuite.common.Motif
        With ``accession``, ``name``, ``frequencies`` and ``consensus``.
    """
    made = MotifSet()
    for motif in pymemesuite_motifs:
        said = {k: getattr(motif, k) for k in ("accession", "name")}
        texts = {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in said.items()}
        matrix = np.asarray(motif.frequencies, dtype=np.float64)  # type: ignore[attr-defined]
        made.add_motif(Motif(texts["accession"], matrix, name=texts["name"]))
    return made
