"""EUGENe's splits in two: a boolean variable, True for training rows.

`seqdata.splits` divides in three, with the same functions and more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from eugene.preprocess._common import PreprocessError, require, rows_of
from eugene.settings import session_seed
from seqdata import splits


def _fractions(test_size: float) -> tuple[float, float, float]:
    if not 0.0 < test_size < 1.0:
        raise PreprocessError(f"test_size is {test_size}: expected a share between 0 and 1.")
    return (1.0 - test_size, test_size, 0.0)


def train_test_chrom_split(
    sdata: xr.Dataset,
    test_chroms: str | Sequence[str],
    train_var: str = "train_val",
    *,
    copy: bool = False,
) -> xr.Dataset | None:
    """Mark the rows on some contigs for testing.

    Parameters
    ----------
    sdata : xarray.Dataset
        Dataset with a coordinate ``chrom``.
    test_chroms : str or sequence of str
        Contigs to test on.
    train_var : str
        Variable to write to: bool (_sequence,), True for the other contigs.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Raises
    ------
    SeqdataError
        Where a contig is not in the dataset.

    Examples
    --------
    >>> ds = xr.Dataset(coords={"chrom": ("_sequence", ["chr1", "chr2"])})
    >>> train_test_chrom_split(ds, ["chr2"])
    >>> ds["train_val"].values.tolist()
    [True, False]
    """
    sdata = sdata.copy() if copy else sdata
    require(sdata, "chrom", "chromosome split")
    chosen = [test_chroms] if isinstance(test_chroms, str) else list(test_chroms)
    sdata[train_var] = ("_sequence", splits.chromosome(sdata, val=chosen) == 0)
    return sdata if copy else None


def train_test_random_split(
    sdata: xr.Dataset,
    dim: str = "_sequence",
    train_var: str = "train_val",
    groups: ArrayLike | str | None = None,
    test_size: float = 0.1,
    random_state: int | None = None,
    *,
    copy: bool = False,
) -> xr.Dataset | None:
    """Mark a random share of the rows for testing.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    dim : str
        Dimension to split.
    train_var : str
        Variable to write to: bool (dim,), True for training.
    groups : array_like of shape (n,), str or None
        Groups of rows, or the variable that holds them, that stay together.
    test_size : float
        Share to test on.
    random_state : int or None
        Seed; None is that of the session, `eugene.settings.seed`.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", np.arange(10.0))})
    >>> train_test_random_split(ds, test_size=0.2)
    >>> int(ds["train_val"].sum())
    8
    """
    sdata = sdata.copy() if copy else sdata
    if dim not in sdata.sizes:
        raise PreprocessError(f"dim: {dim!r} is none of {list(sdata.sizes)}.")
    seed = session_seed(random_state, "random_state")
    fractions = _fractions(test_size)
    if groups is None:
        codes = splits.random(int(sdata.sizes[dim]), fractions=fractions, seed=seed)
    else:
        if isinstance(groups, str):
            groups = sdata[require(sdata, groups, "groups")[0]].to_numpy()
        codes = splits.group(np.asarray(groups), fractions=fractions, seed=seed)
    sdata[train_var] = (dim, codes == 0)
    return sdata if copy else None


def train_test_homology_split(
    sdata: xr.Dataset,
    seq_var: str = "seq",
    train_var: str = "train_val",
    test_size: float = 0.1,
    nucleotide: bool = True,
    *,
    threshold: float = 0.5,
    random_state: int | None = None,
    copy: bool = False,
) -> xr.Dataset | None:
    """Mark a share of the rows for testing so that no training row resembles them.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset.
    seq_var : str
        Variable that holds the sequences.
    train_var : str
        Variable to write to: bool (_sequence,), True for training.
    test_size : float
        Share to test on.
    nucleotide : bool
        Whether sequences are nucleotides; others are not clustered.
    threshold : float
        Share of common k-mers from which two sequences resemble each other.
    random_state : int or None
        Seed; None is that of the session, `eugene.settings.seed`.
    copy : bool
        Whether to return a changed copy.

    Returns
    -------
    xarray.Dataset or None
        The copy, if one was asked for.

    Raises
    ------
    PreprocessError
        For sequences that are not nucleotides.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> seqs = rng.choice(np.frombuffer(b"ACGT", "S1"), (20, 60))
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.concatenate([seqs, seqs]))})
    >>> train_test_homology_split(ds, test_size=0.2)
    >>> train = ds["train_val"].values
    >>> bool((train[:20] == train[20:]).all()), int(train.sum())
    (True, 32)
    """
    sdata = sdata.copy() if copy else sdata
    require(sdata, seq_var, "seq_var")
    rows_of(sdata)
    if not nucleotide:
        raise PreprocessError("a homology split is there for nucleotides only: use groups.")
    codes = splits.homology(
        sdata,
        seq_var=seq_var,
        fractions=_fractions(test_size),
        threshold=threshold,
        seed=session_seed(random_state, "random_state"),
    )
    sdata[train_var] = ("_sequence", codes == 0)
    return sdata if copy else None
