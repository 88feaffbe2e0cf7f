"""How well tracks are predicted over genes: sums over their bins, across genes and tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from eugene.errors import EugeneError
from eugene.evaluate._intervals import percentiles, resamples
from eugene.evaluate._tracks import Moments
from eugene.settings import session_seed
from seqdata.readers import Squash
from seqdata.schema import pair_index
from seqdata.windows import as_regions

Values = NDArray[np.float64]


@dataclass
class GeneSignal:
    """Sums of signal over the bins of genes, filled window by window.

    Attributes
    ----------
    genes : pandas.DataFrame
        ``name``, ``chrom``, ``start``, ``end`` (bp), ``strand``, ``row`` (the window whose bins
        are used) and ``bins`` (how many).
    left_out : int
        Genes that no window holds whole.
    observed, predicted : ndarray of float64, shape (genes, tracks)
        The sums; NaN where a bin is missing, or not seen yet.
    """

    genes: pd.DataFrame
    left_out: int
    observed: Values
    predicted: Values
    _bins: list[NDArray[np.int64]]
    _partner: NDArray[np.int64]
    _minus: NDArray[np.bool_]
    _opposite: NDArray[np.bool_]
    _squash: Squash | None = None
    _seen: set[int] = field(default_factory=set)

    def add(self, observed: ArrayLike, predicted: ArrayLike, rows: ArrayLike) -> None:
        """Take in windows.

        Parameters
        ----------
        observed, predicted : array_like of float, shape (n, tracks, bins)
            Signal as the network is trained on it; what was squashed is put back first.
        rows : array_like of int, shape (n,)
            Which windows of the dataset they are.
        """
        wanted = self.genes["row"].to_numpy()
        sides = [np.asarray(side, dtype=np.float64) for side in (observed, predicted)]
        for place, row in enumerate(np.asarray(rows).tolist()):
            here = np.flatnonzero(wanted == row)
            if not len(here):
                continue
            for values, sums in zip(sides, (self.observed, self.predicted), strict=True):
                one = values[place]
                if self._minus[row]:
                    one = one[self._partner][:, ::-1]
                if self._squash is not None:
                    one = self._squash.invert(one)
                for gene in here.tolist():
                    sums[gene] = one[:, self._bins[gene]].sum(1)
            # a track of the other strand says nothing of a gene
            self.predicted[here] = np.where(self._opposite[here], np.nan, self.predicted[here])
            self.observed[here] = np.where(self._opposite[here], np.nan, self.observed[here])
            self._seen.add(row)


def plan_genes(
    ds: xr.Dataset,
    genes: str | Path | pd.DataFrame,
    *,
    target: str = "cov",
    rows: ArrayLike | None = None,
    bins: int | None = None,
    stranded: bool = True,
) -> GeneSignal:
    """Find the bins of genes in the windows of a dataset.

    A gene is looked for in the windows whose bins hold it whole, and taken from the one where it
    lies nearest to the middle. Several lines of one name on one strand, such as exons, are one
    gene. All bins that it touches are summed.

    Parameters
    ----------
    ds : xarray.Dataset
        Dataset with ``chrom``, ``start`` and ``end``, and perhaps ``strand``, of each window.
    genes : path or DataFrame
        BED file of genes, or a table with its columns; the fourth names them.
    target : str
        Variable of the binned signal.
    rows : array_like of int, shape (n,), optional
        Windows to look in; by default all.
    bins : int, optional
        Bins of a window that are predicted, cut out of the middle; by default all that are stored.
    stranded : bool
        Whether tracks of a strand say nothing of genes on the other one.

    Returns
    -------
    GeneSignal
        Not filled yet.

    Raises
    ------
    EugeneError
        If windows have no coordinates, the signal is not in bins, or no gene lies in a window.

    Examples
    --------
    >>> ds = xr.Dataset({"cov": (("_sequence", "cov_sample", "_length_cov"), np.ones((1, 1, 4)),
    ...                          {"bin_size": 8, "crop": 0})})
    >>> places = {"chrom": ["c"], "start": [100], "end": [132]}
    >>> ds = ds.assign_coords({k: ("_sequence", v) for k, v in places.items()})
    >>> table = pd.DataFrame({"chrom": ["c"], "chromStart": [110], "chromEnd": [117]})
    >>> signal = plan_genes(ds, table)
    >>> signal.add(ds["cov"], 2 * ds["cov"], [0])
    >>> signal.observed.tolist(), signal.predicted.tolist()
    ([[2.0]], [[4.0]])
    """
    variable = ds[target]
    if "bin_size" not in variable.attrs:
        raise EugeneError(f"{target!r} is not in bins: genes are summed over bins")
    lacking = [name for name in ("chrom", "start", "end") if name not in ds.variables]
    if lacking:
        raise EugeneError(
            f"the windows have no {', '.join(lacking)}, so genes cannot be found in them: build "
            "the data from a genome, or give data.bed"
        )
    bin_size, crop = int(variable.attrs["bin_size"]), int(variable.attrs["crop"])
    n_tracks = int(variable.shape[1])
    contigs = ds["chrom"].to_numpy().astype(str)
    rest = 0 if bins is None else int(variable.shape[2]) - bins
    if rest < 0 or rest % 2:
        raise EugeneError(f"{bins} bins are not cut out of the middle of {variable.shape[2]}")
    crop += rest // 2 * bin_size
    low = ds["start"].to_numpy().astype(np.int64) + crop
    high = ds["end"].to_numpy().astype(np.int64) - crop
    allowed = np.zeros(len(low), np.bool_)
    allowed[np.arange(len(low)) if rows is None else np.asarray(rows, dtype=np.int64)] = True
    strand = np.full(len(low), ".")
    if "strand" in ds.variables:
        strand = ds["strand"].to_numpy().astype(str)
    found, of_genes = [], []
    parts = _gene_parts(genes)
    for (name, contig, side), (starts, ends) in parts.items():
        first, last = int(starts.min()), int(ends.max())
        inside = np.flatnonzero(allowed & (contigs == contig) & (low <= first) & (last <= high))
        if not len(inside):
            continue
        off = np.abs((low[inside] + high[inside]) - (first + last))
        row = int(inside[int(np.argmin(off))])
        touched = [
            np.arange((s - low[row]) // bin_size, -(-(e - low[row]) // bin_size))
            for s, e in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        of_genes.append(np.unique(np.concatenate(touched)))
        found.append((name, contig, first, last, side, row, len(of_genes[-1])))
    if not found:
        raise EugeneError(
            f"none of {len(parts)} genes lies whole in the bins of a window: look whether genes "
            "and windows are of the same assembly"
        )
    columns = ["name", "chrom", "start", "end", "strand", "row", "bins"]
    table = pd.DataFrame(found, columns=columns)
    sides = _track_strands(ds, target, n_tracks)
    opposite = np.zeros((len(table), n_tracks), np.bool_)
    if stranded:
        of_gene = table["strand"].to_numpy()[:, None]
        opposite = np.isin(of_gene, ("+", "-")) & np.isin(sides, ("+", "-")) & (of_gene != sides)
    squash = variable.attrs.get("squash")
    return GeneSignal(
        table,
        len(parts) - len(table),
        np.full((len(table), n_tracks), np.nan),
        np.full((len(table), n_tracks), np.nan),
        of_genes,
        pair_index(ds, target),
        strand == "-",
        opposite,
        None if squash is None else Squash.from_dict(squash),
    )


def _gene_parts(
    genes: str | Path | pd.DataFrame,
) -> dict[tuple[str, str, str], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return starts and ends of the parts of each gene, by name, contig and strand."""
    table, _ = as_regions(genes)
    names = (
        table["name"].astype(str)
        if "name" in table
        else pd.Series([f"gene{i + 1}" for i in range(len(table))])
    )
    side = table["strand"].astype(str) if "strand" in table else pd.Series(["."] * len(table))
    keys = list(zip(names, table["chrom"].astype(str), side, strict=True))
    places: dict[tuple[str, str, str], list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    start, end = (table[c].to_numpy(np.int64) for c in ("chromStart", "chromEnd"))
    return {key: (start[some], end[some]) for key, some in places.items()}


def _track_strands(ds: xr.Dataset, target: str, n: int) -> NDArray[np.object_]:
    name = f"{target}_strand"
    if name not in ds.coords:
        return np.full(n, ".", object)
    return np.asarray(ds[name].to_numpy().astype(str), dtype=object)


def quantile_normalised(values: ArrayLike) -> Values:
    """Give all columns one distribution, the mean of theirs; ranks in a column stay.

    Parameters
    ----------
    values : array_like of float, shape (n, columns)
        NaN is left out.

    Returns
    -------
    ndarray of float64, shape (n, columns)

    References
    ----------
    Bolstad et al. 2003, https://doi.org/10.1093/bioinformatics/19.2.185

    Examples
    --------
    >>> quantile_normalised([[1.0, 20.0], [2.0, 10.0]]).tolist()
    [[5.5, 11.0], [11.0, 5.5]]
    """
    x = np.asarray(values, dtype=np.float64)
    grid = np.linspace(0, 1, max(len(x), 2))
    there = np.isfinite(x)
    columns = [np.sort(x[some, i]) for i, some in enumerate(there.T) if some.any()]
    if not columns:
        return np.full(x.shape, np.nan)
    common = np.mean(
        [np.interp(grid, np.linspace(0, 1, len(c)), c) if len(c) > 1 else np.repeat(c, len(grid))
         for c in columns], axis=0,
    )  # fmt: skip
    out = np.full(x.shape, np.nan)
    for i, some in enumerate(there.T):
        n = int(some.sum())
        if n:
            place = (rankdata(x[some, i]) - 1) / max(n - 1, 1)
            out[some, i] = np.interp(place, grid, common)
    return out


def gene_table(
    signal: GeneSignal,
    names: Sequence[str],
    *,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return a row for each track: how well genes are told apart by their signal.

    Of ``log(1 + sum)`` of each gene: the correlation across genes, and that of what is special
    to a track, after both sides were quantile-normalised across tracks and the mean over the
    tracks was taken off each gene.

    Parameters
    ----------
    signal : GeneSignal
        Sums over genes.
    names : sequence of str
        Names of the tracks.
    n_bootstrap, level, seed
        As `track_table` takes them; genes are drawn.

    Returns
    -------
    pandas.DataFrame
        ``track``, ``genes``, ``pearson`` with ``pearson_low`` and ``pearson_high``, and
        ``pearson_specific``, which needs two tracks.

    Raises
    ------
    EugeneError
        If there are other numbers of names than tracks.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6
    """
    seed = session_seed(seed)
    if len(names) != signal.observed.shape[1]:
        raise EugeneError(f"{len(names)} names for {signal.observed.shape[1]} tracks")
    y, p = (np.log1p(np.maximum(side, 0)) for side in (signal.observed, signal.predicted))
    p = np.where(np.isfinite(y), p, np.nan)
    each = Moments.of(y[:, :, None], np.nan_to_num(p)[:, :, None], 2)
    whole = each.merged()
    draws = [each.merged(w).pearson() for w in resamples(len(y), n_bootstrap, seed)]
    drawn = np.concatenate(draws) if draws else np.empty((0, len(names)))
    ends = [percentiles(column, level) for column in drawn.T]
    table = pd.DataFrame(
        {
            "track": list(map(str, names)),
            "genes": whole.n[0].astype(np.int64),
            "pearson": whole.pearson()[0],
            "pearson_low": [low for low, _ in ends],
            "pearson_high": [high for _, high in ends],
        }
    )
    special = [_special(side) for side in (y, p)]
    table["pearson_specific"] = (
        Moments.of(special[0], np.nan_to_num(special[1]), 0).pearson() if len(names) > 1 else np.nan
    )
    return table


def _special(values: Values) -> Values:
    """Return what is special to each track, float64 (genes, tracks)."""
    alike = quantile_normalised(values)
    there = np.isfinite(alike)
    mean = np.where(there, alike, 0.0).sum(1) / np.maximum(there.sum(1), 1)
    # a gene that one track alone tells of has nothing special
    return np.where(there.sum(1)[:, None] > 1, alike - mean[:, None], np.nan)
