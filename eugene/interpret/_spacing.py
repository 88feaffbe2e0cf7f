"""How far apart the places of two motifs are, against places that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqpro.random import uniform

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """Places of two motifs in the same sequences, and what is expected of their distances.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a pair of places that do not overlap: ``sequence``, ``position`` (middle of the
        first, bp), ``distance`` (middle of the other less that, bp), and the bounds ``start``,
        ``end``, ``start_other``, ``end_other``.
    drawn : ndarray of float64, shape (n_permutations, pairs that there can be)
        Distances after the places of the other motif were dealt anew to the same sequences; NaN
        where places overlap, or there is none.
    """

    table: pd.DataFrame
    drawn: NDArray[np.float64]

    def closeness(self) -> tuple[float, float, float, float, float]:
        """Return the mean size of a distance, what is expected of it, and how often it is less.

        Returns
        -------
        observed, expected, low, high : float
            Means (bp); ``low`` and ``high`` hold 95 % of the permutations.
        p : float
            ``(1 + permutations at most as far apart) / (1 + permutations)``.
        """
        observed = float(self.table["distance"].abs().mean())
        there = np.isfinite(self.drawn)
        sums = np.where(there, np.abs(self.drawn), 0.0).sum(axis=1)
        means = sums / np.maximum(there.sum(axis=1), 1)
        low, high = np.percentile(means, [2.5, 97.5])
        p = (1 + int((means <= observed).sum())) / (1 + len(means))
        return observed, float(means.mean()), float(low), float(high), p

    def histogram(self, bin_size: int) -> pd.DataFrame:
        """Count pairs by distance.

        Parameters
        ----------
        bin_size : int
            Width of a bin (bp); 0 is where two of them meet.

        Returns
        -------
        pandas.DataFrame
            ``distance`` (start of the bin, bp), ``observed``, ``expected`` (mean of the
            permutations, each scaled to as many pairs as were observed), ``low`` and ``high``
            (95 % of the permutations).
        """
        import pandas as pd

        values = self.table["distance"].to_numpy(float)
        every = np.concatenate([values, self.drawn[np.isfinite(self.drawn)]])
        reach = bin_size * int(np.ceil((np.abs(every).max() + 1) / bin_size))
        edges = np.arange(-reach, reach + bin_size, bin_size)
        counts = np.stack([np.histogram(row[np.isfinite(row)], edges)[0] for row in self.drawn])
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * len(values)
        low, high = np.percentile(share, [2.5, 97.5], axis=0)
        return pd.DataFrame(
            {
                "distance": edges[:-1],
                "observed": np.histogram(values, edges)[0],
                "expected": share.mean(axis=0),
                "low": low,
                "high": high,
            }
        )


def motif_pairs(
    places: pd.DataFrame, first: str, other: str, *, n_permutations: int = 200, seed: int = 0
) -> Pairs | None:
    """Put the places of two motifs of the same sequences beside each other.

    Parameters
    ----------
    places : pandas.DataFrame
        ``sequence``, ``motif``, ``start``, ``end`` (bp, 0-based half-open).
    first, other : str
        Two motifs.
    n_permutations : int
        How often the places of ``other`` are dealt anew to the sequences that hold both motifs:
        what is expected if each motif keeps to its own positions and does not know the other.
    seed : int
        Seed of the permutations.

    Returns
    -------
    Pairs or None
        None where no sequence holds both without an overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> places = pd.DataFrame({"sequence": [0, 0, 1, 1], "motif": ["a", "b"] * 2,
    ...                        "start": [0, 20, 30, 50], "end": [10, 30, 40, 60]})
    >>> motif_pairs(places, "a", "b").table["distance"].tolist()
    [20.0, 20.0]
    """
    import pandas as pd

    one, two = (places[places["motif"] == name] for name in (first, other))
    both = np.intersect1d(one["sequence"], two["sequence"])
    if not len(both):
        return None
    a, b = (_padded(part, both) for part in (one, two))
    distance = _distances(a, b)
    where = np.argwhere(np.isfinite(distance))
    if not len(where):
        return None
    row, i, j = where.T
    table = pd.DataFrame(
        {
            "sequence": both[row],
            "position": a[row, i].mean(axis=1),
            "distance": distance[row, i, j],
            "start": a[row, i, 0].astype(np.int64),
            "end": a[row, i, 1].astype(np.int64),
            "start_other": b[row, j, 0].astype(np.int64),
            "end_other": b[row, j, 1].astype(np.int64),
        }
    )
    drawn = np.empty((n_permutations, distance.size))
    for k in range(n_permutations):
        order = np.argsort(uniform(seed, k, np.arange(len(both))), kind="stable")
        drawn[k] = _distances(a, b[order]).ravel()
    return Pairs(table, drawn)


def _padded(places: pd.DataFrame, sequences: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the bounds of the places of each sequence, (n, most, 2), NaN behind the last."""
    here = places[places["sequence"].isin(sequences)].sort_values(["sequence", "start"])
    row = np.searchsorted(sequences, here["sequence"].to_numpy())
    counts = np.bincount(row, minlength=len(sequences))
    column = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full((len(sequences), int(counts.max()), 2), np.nan)
    found[row, column] = here[["start", "end"]].to_numpy(float)
    return found


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return middle of b less that of a, (n, places of a, of b); NaN where they overlap."""
    far = b.mean(axis=2)[:, None, :] - a.mean(axis=2)[:, :, None]
    begin = np.maximum(a[:, :, None, 0], b[:, None, :, 0])
    end = np.minimum(a[:, :, None, 1], b[:, None, :, 1])
    return np.where(begin < end, np.nan, far)
