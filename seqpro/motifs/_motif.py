"""A motif and an ordered set of motifs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import Literal, TypeAlias, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro import cards
from seqpro.alphabets import DNA, BaseAlphabet, NucleotideAlphabet, named
from seqpro.errors import SeqproError
from seqpro.motifs import _convert
from seqpro.motifs._svg import logo_svg

Kind: TypeAlias = Literal["pfm", "ppm", "pwm"]

_UNKNOWN_SITES = 100.0
"""Number of sites assumed where counts are asked of a motif that states none."""
_MOST_DRAWN = 12
"""Motifs of a set that a notebook draws."""


@final
@dataclass(frozen=True, eq=False)
class Motif:
    """One motif.

    Parameters
    ----------
    name : str
    matrix : ndarray of float64, shape (A, width)
        Rows in the order of the alphabet.
    kind : {"pfm", "ppm", "pwm"}
        Whether matrix holds counts, probabilities, or log2-odds against background.
    accession : str, optional
        Identifier in its database, such as MA0139.1.
    alphabet : NucleotideAlphabet or AminoAlphabet
    n_sites : float, optional
        Number of sites behind the matrix; the largest column sum of counts by default.
    background : ndarray of float64, shape (A,), optional
        Letter frequencies; uniform where absent.
    family, source, url : str, optional
    strands : {"+", "+-"}, optional
        Strands on which it was found, where its file says so.

    Raises
    ------
    SeqproError
        If the matrix does not fit the alphabet or holds impossible numbers.

    Examples
    --------
    >>> import seqpro as sp
    >>> motif = sp.motifs.Motif("ex", [[9, 0], [1, 0], [0, 10], [0, 0]], kind="pfm")
    >>> motif.width, motif.consensus(), motif.n_sites
    (2, 'AG', 10.0)
    """

    name: str
    matrix: NDArray[np.float64]
    kind: Kind = "ppm"
    accession: str | None = None
    alphabet: BaseAlphabet = DNA
    n_sites: float | None = None
    background: NDArray[np.float64] | None = None
    family: str | None = None
    source: str | None = None
    url: str | None = None
    strands: str | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        object.__setattr__(self, "alphabet", named(self.alphabet))
        if self.kind not in ("pfm", "ppm", "pwm"):
            raise SeqproError(f"kind must be pfm, ppm or pwm, got {self.kind!r}")
        if matrix.ndim != 2 or matrix.shape[0] != len(self.alphabet) or matrix.shape[1] == 0:
            raise SeqproError(
                f"motif {self.name!r}: matrix must have shape ({len(self.alphabet)}, width), got "
                f"{matrix.shape}"
            )
        self._check_values(matrix)
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        if self.background is not None:
            background = _convert._background(self.background, len(self.alphabet))
            background.flags.writeable = False
            object.__setattr__(self, "background", background)
        if self.n_sites is None and self.kind == "pfm":
            object.__setattr__(self, "n_sites", float(matrix.sum(0).max()))

    def _check_values(self, matrix: NDArray[np.float64]) -> None:
        if np.isnan(matrix).any() or (self.kind != "pwm" and not np.isfinite(matrix).all()):
            raise SeqproError(f"motif {self.name!r}: matrix holds NaN or infinite numbers")
        if self.kind != "pwm" and (matrix < 0).any():
            raise SeqproError(f"motif {self.name!r}: a {self.kind} cannot hold negative numbers")
        if self.kind == "ppm" and abs(matrix.sum(0) - 1).max() > 0.02:
            column = int(abs(matrix.sum(0) - 1).argmax())
            raise SeqproError(
                f"motif {self.name!r}: position {column} sums to {matrix[:, column].sum():.4g}, "
                'expected 1; pass kind="pfm" for counts'
            )

    def __repr__(self) -> str:
        accession = f", {self.accession}" if self.accession else ""
        return f"Motif({self.name!r}{accession}, {self.consensus()}, {self.kind})"

    def _repr_html_(self) -> str:
        rows = [("consensus", self.consensus()), ("width", f"{self.width} bp")]
        rows += [("accession", self.accession)] if self.accession else []
        rows += [("sites", f"{self.n_sites:g}")] if self.n_sites is not None else []
        rows += [("family", self.family)] if self.family else []
        return cards.card(self.name, rows, drawing=_logo(self))

    @property
    def width(self) -> int:
        """Number of positions, in bp."""
        return int(self.matrix.shape[1])

    def pfm(self, *, n_sites: float | None = None) -> NDArray[np.float64]:
        """Give counts.

        Parameters
        ----------
        n_sites : float, optional
            Scale every column to this sum. By default counts stay as they are, and
            probabilities are multiplied by the motif's n_sites (100 where it states none).

        Returns
        -------
        ndarray of float64, shape (A, width)

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.motifs.Motif("ex", [[1.0], [0.0], [0.0], [0.0]]).pfm(n_sites=20)[0, 0].item()
        20.0
        """
        if n_sites is None and self.kind == "pfm":
            return self.matrix.copy()
        if n_sites is None:
            n_sites = _UNKNOWN_SITES if self.n_sites is None else self.n_sites
        return self.ppm() * n_sites

    def ppm(self, *, pseudocount: float = 0.0) -> NDArray[np.float64]:
        """Give probabilities.

        Parameters
        ----------
        pseudocount : float
            Added to every count (to every probability where the number of sites is unknown).

        Returns
        -------
        ndarray of float64, shape (A, width)

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.motifs.Motif("ex", [[3], [1], [0], [0]], kind="pfm").ppm()[0, 0].item()
        0.75
        """
        if self.kind == "pwm":
            matrix = _convert.pwm_to_ppm(self.matrix, background=self.background)
        else:
            matrix = self.matrix
        if pseudocount and self.kind != "pfm" and self.n_sites:
            matrix = matrix * self.n_sites
        return _convert.pfm_to_ppm(matrix, pseudocount=pseudocount)

    def pwm(
        self,
        *,
        pseudocount: float = _convert.DEFAULT_PSEUDOCOUNT,
        background: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Give log2-odds.

        Parameters
        ----------
        pseudocount : float
            As in `ppm`; 0 gives ``-inf`` for letters that never occur.
        background : ndarray of float, shape (A,), optional
            The motif's own, else uniform, by default.

        Returns
        -------
        ndarray of float64, shape (A, width)

        Examples
        --------
        >>> import seqpro as sp
        >>> motif = sp.motifs.Motif("ex", [[0.5], [0.5], [0.0], [0.0]])
        >>> motif.pwm(pseudocount=0)[:, 0].tolist()
        [1.0, 1.0, -inf, -inf]
        """
        if background is None:
            background = self.background
        return _convert.ppm_to_pwm(self.ppm(pseudocount=pseudocount), background=background)

    def information_content(self, *, background: ArrayLike | None = None) -> NDArray[np.float64]:
        """Give the information of each position in bits.

        Parameters
        ----------
        background : ndarray of float, shape (A,), optional
            Uniform by default.

        Returns
        -------
        ndarray of float64, shape (width,)

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.motifs.Motif("ex", [[1.0], [0.0], [0.0], [0.0]]).information_content().tolist()
        [2.0]
        """
        return _convert.information_content(self.ppm(), background=background)

    def consensus(self, *, degenerate: bool = False) -> str:
        """Spell the most likely sequence; see `seqpro.motifs.consensus`.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.motifs.Motif("ex", [[0.5], [0.5], [0.0], [0.0]]).consensus(degenerate=True)
        'M'
        """
        return _convert.consensus(self.ppm(), alphabet=self.alphabet, degenerate=degenerate)

    def reverse_complement(self) -> Motif:
        """Give the motif on the other strand.

        Raises
        ------
        SeqproError
            If the alphabet has no complement.

        Examples
        --------
        >>> import seqpro as sp
        >>> motif = sp.motifs.Motif("ex", [[1, 1], [0, 0], [0, 0], [0, 0]])
        >>> motif.reverse_complement().consensus()
        'TT'
        """
        if not isinstance(self.alphabet, NucleotideAlphabet):
            raise SeqproError(f"alphabet {self.alphabet.alphabet!r} has no complement")
        background = None if self.background is None else self.background[::-1].copy()
        return replace(self, matrix=_convert.reverse_complement(self.matrix), background=background)

    def trim(self, *, min_bits: float = 0.25) -> Motif:
        """Cut positions of little information off both ends.

        Parameters
        ----------
        min_bits : float
            Outer positions below this are cut; at least one position stays.

        Examples
        --------
        >>> import seqpro as sp
        >>> motif = sp.motifs.Motif("ex", [[0.25, 1], [0.25, 0], [0.25, 0], [0.25, 0]])
        >>> motif.trim().width
        1
        """
        bits = self.information_content()
        kept = np.flatnonzero(bits >= min_bits)
        if kept.size == 0:
            kept = np.array([int(bits.argmax())])
        return replace(self, matrix=self.matrix[:, kept[0] : kept[-1] + 1])


@final
class MotifSet:
    """Motifs in order, found by position, accession or name.

    Parameters
    ----------
    motifs : iterable of Motif

    Examples
    --------
    >>> import seqpro as sp
    >>> one = sp.motifs.Motif("CTCF", [[1.0], [0.0], [0.0], [0.0]], accession="MA0139.1")
    >>> motifs = sp.motifs.MotifSet([one])
    >>> motifs["MA0139.1"] is motifs["CTCF"] is motifs[0]
    True
    """

    def __init__(self, motifs: Iterable[Motif] = ()) -> None:
        self._motifs = tuple(motifs)
        self._index: dict[str, int] = {}
        for labels in ("accession", "name"):
            for position, motif in enumerate(self._motifs):
                label = getattr(motif, labels)
                if label:
                    self._index.setdefault(label, position)

    def __len__(self) -> int:
        return len(self._motifs)

    def __iter__(self) -> Iterator[Motif]:
        return iter(self._motifs)

    def __contains__(self, label: object) -> bool:
        return label in self._index or label in self._motifs

    @overload
    def __getitem__(self, key: int | str) -> Motif: ...
    @overload
    def __getitem__(self, key: slice | list[int] | list[str]) -> MotifSet: ...
    def __getitem__(self, key: int | str | slice | list[int] | list[str]) -> Motif | MotifSet:
        if isinstance(key, slice):
            return MotifSet(self._motifs[key])
        if isinstance(key, list):
            return MotifSet(self[item] for item in key)
        if isinstance(key, str):
            if key not in self._index:
                close = difflib.get_close_matches(key, self._index, n=3)
                hint = f"; did you mean {', '.join(close)}?" if close else ""
                raise KeyError(f"no motif with accession or name {key!r} among {len(self)}{hint}")
            return self._motifs[self._index[key]]
        return self._motifs[key]

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:4]) + (", ..." if len(self) > 4 else "")
        return f"MotifSet({len(self)}: {shown})"

    def _repr_html_(self) -> str:
        drawn = "".join(
            f'<div style="display:inline-block;margin:0.3em 1em 0.3em 0">{_logo(motif)}'
            f"<div>{escape(motif.name)} "
            f'<span style="opacity:0.75">{escape(motif.accession or "")}</span></div></div>'
            for motif in self._motifs[:_MOST_DRAWN]
        )
        more = len(self) - _MOST_DRAWN
        note = f"the first {_MOST_DRAWN}; {more} more" if more > 0 else ""
        return cards.card(f"{len(self)} motifs", [], note=note, drawing=f"<div>{drawn}</div>")

    @property
    def names(self) -> list[str]:
        """Name of each motif, in order."""
        return [motif.name for motif in self._motifs]

    @property
    def accessions(self) -> list[str | None]:
        """Accession of each motif, in order; None where it has none."""
        return [motif.accession for motif in self._motifs]

    def keys(self) -> list[str]:
        """Give each motif a distinct label.

        The name where no other motif shares it, else name and accession (or number) together.

        Examples
        --------
        >>> import seqpro as sp
        >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
        >>> sp.motifs.MotifSet([one, one]).keys()
        ['SP1', 'SP1 (2)']
        """
        taken: dict[str, int] = {}
        labels = []
        counts = {name: self.names.count(name) for name in set(self.names)}
        for motif in self._motifs:
            shared = counts[motif.name] > 1 and motif.accession
            label = f"{motif.name} ({motif.accession})" if shared else motif.name
            taken[label] = taken.get(label, 0) + 1
            labels.append(label if taken[label] == 1 else f"{label} ({taken[label]})")
        return labels

    def to_dict(self) -> dict[str, NDArray[np.float64]]:
        """Give probabilities by label.

        Returns
        -------
        dict of str to ndarray of float64, shape (A, width)
            Labels as in `keys`.

        Examples
        --------
        >>> import seqpro as sp
        >>> one = sp.motifs.Motif("SP1", [[3], [1], [0], [0]], kind="pfm")
        >>> sp.motifs.MotifSet([one]).to_dict()["SP1"][:, 0].tolist()
        [0.75, 0.25, 0.0, 0.0]
        """
        return {k: m.ppm() for k, m in zip(self.keys(), self._motifs, strict=True)}

    def filter(self, keep: Callable[[Motif], bool]) -> MotifSet:
        """Keep the motifs for which keep(motif) is true.

        Examples
        --------
        >>> import seqpro as sp
        >>> one = sp.motifs.Motif("SP1", [[1.0], [0.0], [0.0], [0.0]])
        >>> len(sp.motifs.MotifSet([one]).filter(lambda motif: motif.width > 1))
        0
        """
        return MotifSet(motif for motif in self._motifs if keep(motif))


def _logo(motif: Motif) -> str:
    """Draw a motif for a notebook."""
    return logo_svg(motif.ppm(), motif.alphabet.alphabet, label=f"logo of {motif.name}")
