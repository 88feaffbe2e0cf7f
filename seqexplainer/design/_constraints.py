"""What a designed sequence must respect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplainer.errors import SeqexplainerError, did_you_mean
from seqexplainer.perturb._edit import iupac_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GC = np.array([0, 1, 1, 0])


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Limits that every edit of a designed sequence respects.

    A sequence that breaks a limit before it is edited is not rejected: edits may not make it
    worse. Insertions and deletions shift what stands on their right, so with protected spans
    they are made only behind the last of them.

    Parameters
    ----------
    protected : sequence of (int, int), optional
        Spans (bp, 0-based half-open) in which nothing changes.
    gc : (float, float), optional
        Lowest and highest fraction of G and C in the sequence.
    max_homopolymer : int, optional
        Longest run of one letter (bp).
    forbidden : sequence of str, optional
        Patterns of IUPAC letters, for example restriction sites, that no edit may create, on
        either strand.
    max_edits : int, optional
        Number of positions that may differ from the original sequence; of edits, where bases
        may be inserted and deleted.

    Raises
    ------
    SeqexplainerError
        If a limit cannot be met by any sequence.

    Examples
    --------
    >>> limits = Constraints(protected=[(0, 2)], forbidden=["GAATTC"])
    >>> codes = np.array([[0, 0, 0, 0]])
    >>> limits.allowed(codes, codes)[0].astype(int).tolist()
    [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1]]
    """

    protected: Sequence[tuple[int, int]] = ()
    gc: tuple[float, float] | None = None
    max_homopolymer: int | None = None
    forbidden: Sequence[str] = ()
    max_edits: int | None = None
    _masks: tuple[NDArray[np.bool_], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for start, end in self.protected:
            if not 0 <= start < end:
                msg = f"protected span ({start}, {end}) is empty or starts before base 0"
                raise SeqexplainerError(msg)
        if self.gc is not None and not 0 <= self.gc[0] <= self.gc[1] <= 1:
            msg = f"gc is {self.gc}; expected (lowest, highest) fractions between 0 and 1"
            raise SeqexplainerError(msg)
        if self.max_homopolymer is not None and self.max_homopolymer < 1:
            msg = f"max_homopolymer is {self.max_homopolymer}; a run has at least 1 bp"
            raise SeqexplainerError(msg)
        if self.max_edits is not None and self.max_edits < 0:
            raise SeqexplainerError(f"max_edits is {self.max_edits}; it cannot be negative")
        if isinstance(self.forbidden, str):
            msg = f"forbidden is one text; give a list of sites: forbidden=[{self.forbidden!r}]"
            raise SeqexplainerError(msg)
        masks: list[NDArray[np.bool_]] = []
        for site in self.forbidden:
            forward = iupac_mask(site).T
            masks.append(forward)
            if not np.array_equal(forward, forward[::-1, ::-1]):
                masks.append(forward[::-1, ::-1])
        object.__setattr__(self, "_masks", tuple(masks))

    @classmethod
    def of(cls, limits: Constraints | Mapping[str, Any] | None) -> Constraints:
        """Return constraints from themselves, from a plain mapping as YAML holds it, or none.

        Parameters
        ----------
        limits : Constraints, mapping or None
            A mapping has the parameters of this class as keys.

        Returns
        -------
        Constraints
            The limits.

        Raises
        ------
        SeqexplainerError
            If a key is not a limit, or a limit cannot be met.

        Examples
        --------
        >>> Constraints.of({"gc": [0.4, 0.6], "protected": [[0, 10]]}).gc
        (0.4, 0.6)
        """
        if limits is None or isinstance(limits, Constraints):
            return limits or cls()
        names = [f.name for f in fields(cls) if f.init]
        for key in limits:
            if key not in names:
                hint = did_you_mean(key, names, listed=0) or "."
                msg = f"{key!r} is not a constraint{hint} Choose from: {', '.join(names)}"
                raise SeqexplainerError(msg)
        given = dict(limits)
        spans = given.get("protected") or ()
        try:
            given["protected"] = tuple((int(start), int(end)) for start, end in spans)
            if given.get("gc") is not None:
                low, high = given["gc"]
                given["gc"] = (float(low), float(high))
        except (TypeError, ValueError) as error:
            raise SeqexplainerError(
                f"protected is {limits.get('protected')!r} and gc {limits.get('gc')!r}; expected "
                "pairs (start, end) and one pair (lowest, highest)"
            ) from error
        sites = given.get("forbidden") or ()
        given["forbidden"] = (sites,) if isinstance(sites, str) else tuple(sites)
        return cls(**given)

    def within(self, length: int, n_letters: int = 4) -> Constraints:
        """Return the constraints, or raise if sequences have no such bases or no such letters."""
        if n_letters != 4 and (self.gc is not None or self.forbidden):
            msg = "gc and forbidden sites are limits of DNA and RNA, these sequences are of neither"
            raise SeqexplainerError(msg)
        for start, end in self.protected:
            if end > length:
                raise SeqexplainerError(
                    f"protected span ({start}, {end}) ends behind the sequences, which have "
                    f"{length} bp"
                )
        return self

    def allowed(
        self,
        codes: NDArray[np.integer],
        original: NDArray[np.integer],
        edits: NDArray[np.integer] | None = None,
        n_letters: int = 4,
    ) -> NDArray[np.bool_]:
        """Tell which single substitutions are allowed.

        Parameters
        ----------
        codes : ndarray of int, shape (n, L)
            Sequences as they are now: letters 0 to 3, -1 for an unknown base.
        original : ndarray of int, shape (n, L)
            Sequences before any edit.
        edits : ndarray of int, shape (n,), optional
            Edits made so far, where bases were inserted or deleted and places do not compare.
        n_letters : int, optional
            Letters A of the alphabet.

        Returns
        -------
        ndarray of bool, shape (n, L, A)
            False at the letter that is there, at unknown bases, and where a limit forbids it.
        """
        letters = np.arange(n_letters)
        known = (codes >= 0)[:, :, None]
        result: NDArray[np.bool_] = (codes[:, :, None] != letters) & known
        for start, end in self.protected:
            result[:, start:end] = False
        if self.gc is not None:
            result &= self._gc_allows(codes)
        if self.max_homopolymer is not None:
            result &= _run_after(codes, n_letters) <= self.max_homopolymer
        for mask in self._masks:
            result &= ~_creates(codes, mask)
        if self.max_edits is not None and edits is not None:
            result &= (edits < self.max_edits)[:, None, None]
        elif self.max_edits is not None:
            differs = codes != original
            others = differs.sum(axis=1)[:, None, None] - differs[:, :, None]
            after = others + (letters != original[:, :, None])
            result &= after <= self.max_edits
        return result

    def satisfied(
        self,
        codes: NDArray[np.integer],
        original: NDArray[np.integer],
        edits: NDArray[np.integer] | None = None,
    ) -> NDArray[np.bool_]:
        """Tell which sequences respect every limit, or break none worse than the original did.

        Parameters
        ----------
        codes, original : ndarray of int, shape (n, L)
            Sequences now and before any edit: letters 0 to 3, -1 for an unknown base.
        edits : ndarray of int, shape (n,), optional
            Edits made, where bases were inserted or deleted: differing places are not counted
            then, and of a forbidden site there may not be more copies than before.

        Returns
        -------
        ndarray of bool, shape (n,)
            True where the sequence may be proposed.
        """
        differs = codes != original
        good = np.ones(len(codes), dtype=bool)
        for start, end in self.protected:
            good &= ~differs[:, start:end].any(axis=1)
        if self.gc is not None:
            good &= self._gc_excess(codes) <= self._gc_excess(original)
        if self.max_homopolymer is not None:
            limit = np.maximum(self.max_homopolymer, _longest_run(original))
            good &= _longest_run(codes) <= limit
        for mask in self._masks:
            now, before = _sites(codes, mask), _sites(original, mask)
            if edits is None:
                good &= ~(now & ~before).any(axis=1)
            else:
                good &= now.sum(axis=1) <= before.sum(axis=1)
        if self.max_edits is not None:
            made = differs.sum(axis=1) if edits is None else edits
            good &= made <= self.max_edits
        return good

    @property
    def shifts_from(self) -> int:
        """The first position (bp) at which a base may be inserted or deleted."""
        return max((end for _, end in self.protected), default=0)

    def _gc_excess(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return how far the GC fraction of each sequence lies outside the band."""
        assert self.gc is not None
        known = codes >= 0
        fraction = (_GC[codes] * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        outside: NDArray[np.float64] = np.maximum(self.gc[0] - fraction, fraction - self.gc[1])
        return np.maximum(outside, 0.0)

    def _gc_allows(self, codes: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Tell which substitutions keep GC in the band, or do not move it farther out."""
        assert self.gc is not None
        known = codes >= 0
        total = np.maximum(known.sum(axis=1), 1)[:, None, None]
        now = (_GC[codes] * known).sum(axis=1)[:, None, None]
        after = now + _GC - _GC[codes][:, :, None]
        low, high = (limit * total for limit in self.gc)

        def excess(count: NDArray[np.integer]) -> NDArray[np.float64]:
            outside: NDArray[np.float64] = np.maximum(np.maximum(low - count, count - high), 0.0)
            return outside

        return np.asarray((excess(after) <= 1e-9) | (excess(after) <= excess(now)))


def _run_after(codes: NDArray[np.integer], n_letters: int) -> NDArray[np.int64]:
    """Return the run length that each substitution would stand in, (n, L, A)."""
    n, length = codes.shape
    same = codes[:, :, None] == np.arange(n_letters)
    left = np.zeros((n, length, n_letters), dtype=np.int64)
    right = np.zeros((n, length, n_letters), dtype=np.int64)
    for i in range(1, length):
        left[:, i] = np.where(same[:, i - 1], left[:, i - 1] + 1, 0)
        j = length - 1 - i
        right[:, j] = np.where(same[:, j + 1], right[:, j + 1] + 1, 0)
    return left + right + 1


def _longest_run(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the longest run of one known letter in each sequence, (n,)."""
    after = _run_after(codes, int(codes.max(initial=0)) + 1)
    runs = np.take_along_axis(after, np.maximum(codes, 0)[:, :, None], axis=2)[..., 0]
    return np.asarray(np.where(codes >= 0, runs, 0).max(axis=1))


def _sites(codes: NDArray[np.integer], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the starts at which a pattern (w, 4) matches, (n, max(L - w + 1, 0))."""
    width, n_windows = len(mask), codes.shape[1] - len(mask) + 1
    hit = np.ones((len(codes), max(n_windows, 0)), dtype=bool)
    for offset in range(width if n_windows > 0 else 0):
        part = codes[:, offset : offset + n_windows]
        hit &= mask[offset][part] & (part >= 0)
    return hit


def _creates(codes: NDArray[np.integer], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which substitutions complete a new match of a pattern (w, 4), (n, L, 4)."""
    n, length = codes.shape
    result = np.zeros((n, length, 4), dtype=bool)
    width, n_windows = len(mask), length - len(mask) + 1
    if n_windows < 1:
        return result
    fits = np.stack(
        [
            mask[o][codes[:, o : o + n_windows]] & (codes[:, o : o + n_windows] >= 0)
            for o in range(width)
        ]
    )
    misses = (~fits).sum(axis=0)
    for offset in range(width):
        only_here = (misses == 1) & ~fits[offset]
        result[:, offset : offset + n_windows] |= only_here[:, :, None] & mask[offset]
    return result
