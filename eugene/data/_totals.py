"""What the rows of tracks hold: their counts, and what no counts can be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr
from numpy.typing import NDArray

from eugene._tracks import TrackLayout
from eugene.data._bins import bins_of
from eugene.data._summary import statistics
from eugene.errors import DataError
from seqdata.schema import SPLITS
from seqdata.torch import SequenceLoader

_MOST_TASKS = 16


@dataclass
class TrackTotals:
    """Counts of rows and tracks, over the positions that a network is compared with.

    Attributes
    ----------
    names : sequence of str
        Name of each track.
    counts : ndarray of float64, shape (rows, tracks)
        Sums over positions; NaN where all are missing.
    missing : ndarray of int64, shape (tracks,)
        Positions that are NaN or masked.
    fractional : ndarray of int64, shape (tracks,)
        Values that are no whole numbers.
    negative : list of tuple
        Row, track and value of negative values, the first of each batch.
    infinite : list of tuple
        The same of infinite values.
    """

    names: Sequence[str]
    counts: NDArray[np.float64]
    missing: NDArray[np.int64]
    fractional: NDArray[np.int64]
    negative: list[tuple[int, int, float]] = field(default_factory=list)
    infinite: list[tuple[int, int, float]] = field(default_factory=list)

    @classmethod
    def of(cls, batches: Iterable[Mapping[str, torch.Tensor]], names: Sequence[str]) -> TrackTotals:
        """Read all batches once.

        Parameters
        ----------
        batches : iterable of dict
            With ``target`` (n, tracks, positions), ``index``, and perhaps ``mask``.
        names : sequence of str
            Name of each track.

        Returns
        -------
        TrackTotals
            Rows in the order of the batches.
        """
        parts: list[NDArray[np.float64]] = []
        n = len(names)
        found = cls(names, np.empty((0, n)), np.zeros(n, np.int64), np.zeros(n, np.int64))
        for batch in batches:
            values = batch["target"].numpy().astype(np.float64)
            if "mask" in batch:
                mask = batch["mask"].numpy() > 0
                values = np.where(mask[:, None] if mask.ndim == 2 else mask, values, np.nan)
            there = ~np.isnan(values)
            rows = batch["index"].numpy()
            for wrong, noted in (
                (values < 0, found.negative),
                (np.isinf(values), found.infinite),
            ):
                if wrong.any():
                    row, track, place = (int(i) for i in np.argwhere(wrong)[0])
                    noted.append((int(rows[row]), track, float(values[row, track, place])))
            kept = np.where(there, values, 0.0)
            found.missing += (~there).sum((0, 2))
            found.fractional += (kept != np.floor(kept)).sum((0, 2))
            parts.append(np.where(there.any(2), kept.sum(2), np.nan))
        if parts:
            found.counts = np.concatenate(parts)
        return found

    def remarks(self, split: str) -> list[str]:
        """Raise where values are no counts; return what should be said.

        Parameters
        ----------
        split : str
            Name of the rows, for messages.

        Returns
        -------
        list of str
            That values are no whole numbers, or positions are missing.

        Raises
        ------
        DataError
            With the track, the value and its row.
        """
        for what, noted in (("infinite", self.infinite), ("negative", self.negative)):
            if noted:
                row, track, value = noted[0]
                raise DataError(
                    f"{self.names[track]!r} holds {what} values, such as {value:g} in row {row} "
                    f"({split}): profiles are counts, 0 or more at each position. Files of the "
                    "minus strand often hold negative values: write their absolute ones. A signal "
                    "that is no count (log ratios, z-scores) wants module: tracks with loss mse."
                )
        said = []
        if broken := [n for n, k in zip(self.names, self.fractional, strict=True) if k]:
            said.append(
                f"{', '.join(map(repr, broken))}: values of the {split} rows are no whole numbers, "
                "so they were scaled or smoothed; the likelihood takes them for counts, and its "
                "size follows their scale. Raw counts are what it is made for."
            )
        size = max(len(self.counts), 1)
        for name, k in zip(self.names, self.missing, strict=True):
            if k:
                said.append(
                    f"{name!r}: {int(k)} positions of {size} {split} rows are missing or masked, "
                    "and have no part in loss and metrics."
                )
        return said


def per_task(counts: NDArray[np.float64], tracks: Sequence[int]) -> NDArray[np.float64]:
    """Return the counts of a task, all of its tracks together.

    Parameters
    ----------
    counts : ndarray of float64, shape (rows, tracks)
        NaN where missing.
    tracks : sequence of int
        Of the task.

    Returns
    -------
    ndarray of float64, shape (rows,)
        NaN where all are missing.

    Examples
    --------
    >>> per_task(np.array([[1.0, 2.0], [np.nan, np.nan]]), [0, 1])
    array([ 3., nan])
    """
    chosen = counts[:, list(tracks)]
    return np.where(np.isfinite(chosen).any(1), np.nansum(chosen, axis=1), np.nan)


class TracksServed(pl.LightningDataModule, ABC):
    """The part of a data module that knows the tracks that it serves as targets."""

    ds: xr.Dataset
    target_vars: list[str]
    control_var: str | None
    _totals: dict[str, TrackTotals]

    target_length: int | None
    codes: NDArray[np.int8] | None

    def __str__(self) -> str:
        rows = f"{self.ds.sizes['_sequence']} rows"
        if self.codes is not None:
            counts = {name: int((self.codes == code).sum()) for name, code in SPLITS.items()}
            rows += f" ({', '.join(f'{n} {name}' for name, n in counts.items() if n)})"
        targets = ", ".join(self.target_vars)
        return f"{type(self).__name__}: {rows}, {self.input_len} bp, targets {targets}"

    __repr__ = __str__

    @property
    @abstractmethod
    def input_len(self) -> int:
        """Positions (bp) of the windows a model sees."""

    @abstractmethod
    def loader(
        self,
        split: str = "all",
        *,
        batch_size: int | None = None,
        variables: Sequence[str] | None = None,
    ) -> SequenceLoader:
        """Return a loader over a split."""

    @property
    def layout(self) -> TrackLayout | None:
        """Names, strands and tasks of the tracks that are predicted; None where none are."""
        first = self.ds[self.target_vars[0]]
        return TrackLayout.of(first) if first.ndim == 3 else None

    @property
    def bins(self) -> dict[str, Any] | None:
        """Bins of a binned target, as `eugene.data._bins.bins_of` tells them; or None."""
        return bins_of(self.ds, self.target_vars[0], self.target_length)

    @property
    def control_pairs(self) -> list[int] | None:
        """For each control track the one that takes its place on the other strand."""
        if self.control_var is None or self.ds[self.control_var].ndim != 3:
            return None
        return list(TrackLayout.of(self.ds[self.control_var]).pairs)

    def shapes(self) -> dict[str, Any]:
        """Return what a network of tracks has to know of them, as plain values.

        Returns
        -------
        dict
            ``layout`` (what `TrackLayout.to_dict` returns), ``control_pairs``,
            ``target_length`` (positions) and, of binned tracks, ``bins``; empty where targets are
            no tracks.
        """
        layout, bins = self.layout, self.bins
        if layout is None:
            return {}
        length = self.input_len if bins is None else bins["target_bins"]
        return {
            "layout": layout.to_dict(),
            "control_pairs": self.control_pairs,
            "target_length": self.target_length or length,
            **({} if bins is None else {"bins": bins}),
        }

    def totals(self, split: str) -> TrackTotals:
        """Return what the tracks of a split hold, read once from beginning to end.

        Parameters
        ----------
        split : str
            ``"train"``, ``"val"`` or ``"test"``.

        Returns
        -------
        TrackTotals
            Counts of each row and track, over the positions of the targets.
        """
        layout = self.layout
        assert layout is not None
        if split not in self._totals:
            batches: Any = self.loader(split, variables=("target", "mask"), batch_size=256)
            self._totals[split] = TrackTotals.of(batches, layout.names)
        return self._totals[split]

    def count_statistics(self) -> dict[str, dict[str, object]]:
        """Return statistics of the counts of each task in each split, as plain numbers.

        Returns
        -------
        dict
            Task -> split -> what `eugene.data._summary.statistics` returns, over the positions
            of the targets; empty where there is no split, for bins, and for very many tracks.
        """
        layout, codes = self.layout, getattr(self, "codes", None)
        binned = "bin_size" in self.ds[self.target_vars[0]].attrs
        if layout is None or codes is None or binned or len(layout.tasks) > _MOST_TASKS:
            return {}
        splits = [name for name in ("train", "val", "test") if (codes == SPLITS[name]).any()]
        return {
            task: {
                split: statistics(per_task(self.track_totals(split), tracks)) for split in splits
            }
            for task, tracks in layout.tasks.items()
        }

    def track_totals(self, split: str) -> NDArray[np.float64]:
        """Return the counts of each row and track of a split, float64 (rows, tracks)."""
        return self.totals(split).counts
