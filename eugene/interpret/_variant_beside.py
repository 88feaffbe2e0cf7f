"""What the effect of a variant is held against: control substitutions, and those around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqdata.variants import cut_windows
from seqpro.random import uniform

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from seqdata.readers.fasta import GenomeFASTA

_LETTERS = np.array([b"A", b"C", b"G", b"T"])


def is_substitution(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which variants put one letter in the place of another, of A, C, G and T.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``ref`` and ``alt``.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    letters = list("ACGT")
    found = table["ref"].isin(letters) & table["alt"].isin(letters) & (table["ref"] != table["alt"])
    return np.asarray(found, dtype=np.bool_)


def _around(genome: GenomeFASTA, table: pd.DataFrame, reach: int) -> NDArray[np.bytes_]:
    """Return upper-case letters of the genome, S1 (n, 2 * reach + 1), variants in the middle."""
    cut = cut_windows(genome, table, 2 * reach + 1).reference
    return np.ascontiguousarray(np.char.upper(cut))


def control_substitutions(
    genome: GenomeFASTA, table: pd.DataFrame, n: int, *, reach: int, seed: int
) -> pd.DataFrame:
    r"""Draw substitutions of the same letters at other places near those of a table.

    Parameters
    ----------
    genome : GenomeFASTA
        The contigs.
    table : pandas.DataFrame
        Variants that are substitutions, whose ``ref`` the genome holds.
    n : int
        How many are drawn; those drawn twice count once, so there may be fewer.
    reach : int
        How far from a variant its controls lie at most (bp).
    seed : int
        Seed of the draws; the i-th is a function of it and of i.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``pos`` (1-based), ``ref``, ``alt``; none at the place of a variant.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from seqdata.readers.fasta import GenomeFASTA
    >>> fasta = Path(tempfile.mkdtemp()) / "g.fa"
    >>> _ = fasta.write_text(">c\nCCACCACC\n")
    >>> given = pd.DataFrame({"chrom": ["c"], "pos": [3], "ref": ["A"], "alt": ["T"]})
    >>> genome = GenomeFASTA("seq", fasta)
    >>> control_substitutions(genome, given, 5, reach=4, seed=0).values.tolist()
    [['c', 6, 'A', 'T']]
    >>> genome.close()
    """
    import pandas as pd

    columns = ["chrom", "pos", "ref", "alt"]
    if not len(table) or not n:
        return pd.DataFrame({name: [] for name in columns})
    taken = set(zip(table["chrom"], table["pos"], strict=True))
    draws = np.arange(n)
    # spread over the variants, each as often as any other
    owner = draws * len(table) // n if len(table) > n else draws % len(table)
    used, place = np.unique(owner, return_inverse=True)
    near = table.iloc[used].reset_index(drop=True)
    letters = _around(genome, near, reach)
    rows = []
    shares = uniform(seed, draws)
    for row, variant in enumerate(near[columns].itertuples(index=False)):
        positions = np.flatnonzero(letters[row] == variant.ref.encode()) + variant.pos - reach
        free = [int(p) for p in positions if (variant.chrom, int(p)) not in taken]
        if free:
            picks = (shares[place == row] * len(free)).astype(np.int64)
            rows += [(variant.chrom, free[i], variant.ref, variant.alt) for i in picks]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(ignore_index=True)


def substitutions_around(genome: GenomeFASTA, variant: pd.DataFrame, reach: int) -> pd.DataFrame:
    """Return every substitution near one variant.

    Parameters
    ----------
    genome : GenomeFASTA
        The contigs.
    variant : pandas.DataFrame
        One row, whose ``ref`` the genome holds.
    reach : int
        How far to either side of the first letter that the alleles do not share (bp).

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``pos`` (1-based), ``ref``, ``alt``, three rows a position whose letter is known.
    """
    import pandas as pd

    cut = cut_windows(genome, variant, 2 * reach + 1)
    letters = np.char.upper(cut.reference[0])
    first = int(cut.table["start"].iloc[0]) + 1
    rows = [
        (str(variant["chrom"].iloc[0]), first + i, letter.decode(), other.decode())
        for i, letter in enumerate(letters)
        if letter in _LETTERS
        for other in _LETTERS
        if other != letter
    ]
    return pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])


def empirical_p(effects: NDArray[np.float64], controls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often a control changes the output at least as much, counting the variant itself.

    Parameters
    ----------
    effects : ndarray of float64, shape (n,)
        NaN where there is none.
    controls : ndarray of float64, shape (m,)
        Effects of controls; NaN are left out.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``(1 + controls at least as far from 0) / (1 + controls)``; NaN without an effect, or
        without controls.

    References
    ----------
    Phipson & Smyth 2010, https://doi.org/10.2202/1544-6115.1585

    Examples
    --------
    >>> empirical_p(np.array([3.0, 0.0, np.nan]), np.array([1.0, -4.0, 2.0])).tolist()
    [0.5, 1.0, nan]
    """
    sizes = np.sort(np.abs(controls[np.isfinite(controls)]))
    if not len(sizes):
        return np.full(len(effects), np.nan)
    beyond = len(sizes) - np.searchsorted(sizes, np.abs(effects), side="left")
    return np.where(np.isfinite(effects), (1 + beyond) / (1 + len(sizes)), np.nan)
