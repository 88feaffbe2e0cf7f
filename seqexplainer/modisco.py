"""Motifs of attributions: TF-MoDISco through the package modisco-lite."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqexplainer._inputs import ArrayLike, as_array, as_sequences, letters_there
from seqexplainer.errors import InputError, SeqexplainerError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from seqpro.motifs import MotifSet

__all__ = ["MissingModiscoError", "NothingToClusterError", "Pattern", "Patterns", "modisco"]


class MissingModiscoError(SeqexplainerError, ImportError):
    """The package modisco-lite is not installed."""


class NothingToClusterError(SeqexplainerError):
    """Too few stretches of the attributions stand out for TF-MoDISco."""


class Pattern(NamedTuple):
    """One motif of attributions, from the seqlets that were found to be alike.

    Attributes
    ----------
    name : str
        ``"pos_0"`` is the pattern with most seqlets that raise the output, ``"neg_0"`` that
        lower it.
    ppm : ndarray of float64, shape (4, w)
        Mean of the letters of its seqlets.
    contributions : ndarray of float64, shape (4, w)
        Mean of their projected attributions, in units of the model's output.
    hypothetical : ndarray of float64, shape (4, w)
        Mean of their hypothetical attributions.
    sequence : ndarray of int64, shape (n,)
        Row of each seqlet.
    start : ndarray of int64, shape (n,)
        First position of each seqlet, on the forward strand.
    reverse : ndarray of bool, shape (n,)
        Whether it was reverse-complemented to fit.
    """

    name: str
    ppm: NDArray[np.float64]
    contributions: NDArray[np.float64]
    hypothetical: NDArray[np.float64]
    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    reverse: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Positions of the pattern (bp)."""
        return int(self.ppm.shape[1])

    @property
    def n_seqlets(self) -> int:
        """Number of its seqlets."""
        return len(self.sequence)

    def core(self, *, trim: float = 0.3, flank: int = 0) -> slice:
        """Return the columns between those with a large contribution.

        Parameters
        ----------
        trim : float
            What is large, as a share of the largest column's total contribution.
        flank : int
            Columns to keep on either side (bp).
        """
        weight = np.abs(self.contributions.sum(axis=0))
        inside = np.flatnonzero(weight >= trim * weight.max())
        return slice(max(int(inside[0]) - flank, 0), int(inside[-1]) + 1 + flank)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Motifs of attributions, those that raise the output first, each kind by its seqlets.

    Attributes
    ----------
    patterns : tuple of Pattern
        The motifs.
    window : tuple of int
        First and last position that was searched, half-open.
    """

    patterns: tuple[Pattern, ...]
    window: tuple[int, int]

    def __len__(self) -> int:
        return len(self.patterns)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self.patterns)

    def __getitem__(self, key: int | str) -> Pattern:
        if isinstance(key, str):
            for pattern in self.patterns:
                if pattern.name == key:
                    return pattern
            raise KeyError(f"no pattern is called {key!r}; there are {self.names}")
        return self.patterns[key]

    @property
    def names(self) -> list[str]:
        """Names of the patterns."""
        return [pattern.name for pattern in self.patterns]

    def motifs(self, *, trim: float = 0.3) -> MotifSet:
        """Return the patterns as motifs, for TomTom, FIMO and MEME files.

        Parameters
        ----------
        trim : float
            Flanking columns whose total contribution is below this share of the largest
            column's are cut off.

        Returns
        -------
        seqpro.motifs.MotifSet
            Letter probabilities with the number of sites.
        """
        from seqpro.motifs import Motif, MotifSet

        found = []
        for pattern in self.patterns:
            matrix = pattern.ppm[:, pattern.core(trim=trim)]
            found.append(
                Motif(
                    pattern.name,
                    matrix / matrix.sum(axis=0),
                    kind="ppm",
                    n_sites=pattern.n_seqlets,
                )
            )
        return MotifSet(found)

    def seqlets(self, *, core: bool = False) -> pd.DataFrame:
        """Return the seqlets of all patterns: pattern, sequence, start, end, strand.

        Parameters
        ----------
        core : bool
            Whether ``start`` and ``end`` are those of the columns with a large contribution
            (`Pattern.core`), not of the whole pattern.

        Returns
        -------
        pandas.DataFrame
            One row a seqlet; ``start`` and ``end`` in bp, 0-based half-open, on the forward strand.
        """
        import pandas as pd

        parts = []
        for pattern in self.patterns:
            inside = pattern.core() if core else slice(0, pattern.width)
            # a seqlet that was turned has its last column first
            left = np.where(pattern.reverse, pattern.width - inside.stop, inside.start)
            start = pattern.start + left
            columns = {
                "pattern": pattern.name,
                "sequence": pattern.sequence,
                "start": start,
                "end": start + inside.stop - inside.start,
                "strand": np.where(pattern.reverse, "-", "+"),
            }
            parts.append(pd.DataFrame(columns))
        if not parts:
            names = ("pattern", "sequence", "start", "end", "strand")
            return pd.DataFrame({name: [] for name in names})
        return pd.concat(parts, ignore_index=True)


def modisco(
    X: ArrayLike,
    hypothetical: ArrayLike,
    *,
    window: int | None = 400,
    max_seqlets: int = 20_000,
    n_leiden_runs: int = 50,
    min_seqlets: int = 20,
    target_fdr: float = 0.2,
    verbose: bool = False,
    **options: Any,
) -> Patterns:
    """Find the motifs that attributions are made of, by TF-MoDISco.

    Stretches of high attribution (seqlets) are compared by their hypothetical attributions,
    clustered and aligned. The work is done by modisco-lite, which the extra ``modisco`` installs.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, 4, length)
        One-hot sequences.
    hypothetical : ndarray or Tensor, shape (n_seqs, 4, length)
        Hypothetical attributions, as ``attribute(..., hypothetical=True)`` returns them.
    window : int, optional
        Central positions to search (bp), at most the whole length; None searches everything.
    max_seqlets : int
        Most seqlets of either sign.
    n_leiden_runs : int
        Runs of the clustering with different seeds, of which the best is taken.
    min_seqlets : int
        Fewest seqlets of a pattern.
    target_fdr : float
        False discovery rate of seqlets.
    verbose : bool
        Whether modisco-lite shows its progress.
    **options
        Further arguments of ``modiscolite.tfmodisco.TFMoDISco`` under their names there.

    Returns
    -------
    Patterns

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    MissingModiscoError
        If modisco-lite is not installed.
    NothingToClusterError
        If too few stretches stand out for any pattern.

    References
    ----------
    Shrikumar et al. 2018, doi:10.48550/arXiv.1811.00416

    Examples
    --------
    >>> modisco(np.zeros((2, 4, 9)), np.zeros((2, 4, 8)))
    Traceback (most recent call last):
    seqexplainer.errors.InputError: X is (2, 4, 9) but hypothetical is (2, 4, 8); both must be ...
    """
    letters = letters_there(as_sequences(X)).float().cpu().numpy()
    scores = as_array(hypothetical).astype(np.float32)
    if scores.shape != letters.shape:
        raise InputError(
            f"X is {letters.shape} but hypothetical is {scores.shape}; both must be "
            "(n_seqs, 4, length)"
        )
    if letters.shape[1] != 4:
        raise InputError(f"TF-MoDISco reads 4 letters, X has {letters.shape[1]}")
    if not np.isfinite(scores).all():
        raise InputError("hypothetical holds numbers that are not finite")
    length = letters.shape[2]
    width = length if window is None else min(window, length)
    if width < 1:
        raise InputError(f"window must be at least 1, got {window}")
    first = (length - width) // 2
    run = _tfmodisco()
    turned = [
        np.ascontiguousarray(a[:, :, first : first + width].swapaxes(1, 2))
        for a in (letters, scores)
    ]
    try:
        raising, lowering = run(
            *turned,
            max_seqlets_per_metacluster=max_seqlets,
            n_leiden_runs=n_leiden_runs,
            final_min_cluster_size=min_seqlets,
            target_seqlet_fdr=target_fdr,
            verbose=verbose,
            **options,
        )
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise NothingToClusterError(
            f"TF-MoDISco found nothing to cluster in {len(letters)} sequences of {width} bp "
            f"({type(error).__name__}: {error}); give more sequences, or attributions in which "
            "some stretches stand out"
        ) from error
    patterns = [
        _pattern(f"{sign}_{i}", found, first)
        for sign, group in (("pos", raising), ("neg", lowering))
        for i, found in enumerate(group or ())
    ]
    return Patterns(tuple(patterns), (first, first + width))


def _tfmodisco() -> Any:
    try:
        return importlib.import_module("modiscolite.tfmodisco").TFMoDISco
    except ModuleNotFoundError as error:
        raise MissingModiscoError(
            f"TF-MoDISco needs modisco-lite ({error.name!r} is not installed); install it with: "
            "pip install 'eugene-genomics[modisco]'"
        ) from error


def _pattern(name: str, found: Any, first: int) -> Pattern:
    seqlets = found.seqlets
    return Pattern(
        name=name,
        ppm=np.asarray(found.sequence, dtype=np.float64).T,
        contributions=np.asarray(found.contrib_scores, dtype=np.float64).T,
        hypothetical=np.asarray(found.hypothetical_contribs, dtype=np.float64).T,
        sequence=np.array([s.example_idx for s in seqlets], dtype=np.int64),
        start=np.array([s.start for s in seqlets], dtype=np.int64) + first,
        reverse=np.array([s.is_revcomp for s in seqlets], dtype=np.bool_),
    )
