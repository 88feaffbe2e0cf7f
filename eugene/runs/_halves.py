"""The reads of windows dealt at random to two halves: pseudo-replicates."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from eugene.errors import EugeneError
from eugene.evaluate import thin

if TYPE_CHECKING:
    import xarray as xr

    from seqdata import Fragments

logger = logging.getLogger("eugene.runs")
Pair = tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]
# what a signal of fragments may count, and how the ends of reads may have been moved
Counted: TypeAlias = Literal["cutsite", "fragment", "midpoint"]
_SHIFTS = ((0, 0), (4, -5), (4, -4))


class How(TypedDict, total=False):
    """How reads were dealt to halves: of ``fragments`` (a file), or by ``thinning`` of counts."""

    method: str
    file: str
    counted: str
    shift: list[int]
    seed: int
    smooth_bp: int
    kernel: str
    why: str


class Halves:
    """Deals the reads of windows to two halves, each read by chance.

    Where there is a file of fragments and its counts are those of the signal, both ends of a
    fragment go to one half. Elsewhere every count is dealt by itself, which takes the ends of a
    fragment for independent.

    Parameters
    ----------
    places : xarray.Dataset
        ``chrom``, ``start``, ``end`` and perhaps ``strand`` of every row.
    fragments : Path, optional
        BED or TSV file of fragments.
    seed : int
        Decides which read goes where.
    """

    def __init__(self, places: xr.Dataset, fragments: Path | None, seed: int) -> None:
        self.how: How = {"method": "thinning", "seed": seed}
        self._places, self._seed = places, seed
        self._file = fragments
        self._reader: Fragments | None = None
        self._tried = fragments is None

    def deal(self, counts: NDArray[np.floating[Any]], rows: NDArray[np.int64]) -> Pair | None:
        """Return the counts of both halves.

        Parameters
        ----------
        counts : ndarray of float, shape (n, samples, length)
            Observed counts of the rows.
        rows : ndarray of int64, shape (n,)
            Which rows these are.

        Returns
        -------
        pair of ndarray of float, each of the shape of ``counts``, or None
            They add up to the counts. None where the signal holds no counts, which is said once.
        """
        if self.how["method"] == "none":
            return None
        if not self._tried:
            self._tried = True
            self._reader = self._fitting(counts, rows)
        if self._reader is not None:
            return self._read(self._reader, rows, counts)
        try:
            return thin(counts, self._seed, rows)
        except EugeneError as error:
            self.how = {"method": "none", "why": str(error)}
            logger.warning("test: there are no pseudo-replicates: %s", error)
            return None

    def _fitting(
        self, counts: NDArray[np.floating[Any]], rows: NDArray[np.int64]
    ) -> Fragments | None:
        """Return the reader of the fragments whose counts are those of the signal, if any is."""
        import seqdata as sd

        known = np.nan_to_num(counts)
        if counts.shape[1] == 1:
            choices: tuple[Counted, ...] = get_args(Counted)
            for method in choices:
                for shift in _SHIFTS:
                    reader = sd.Fragments(
                        "half", str(self._file), "reads", count_method=method, shift=shift,
                        halves=self._seed, dtype=np.uint32, missing="zero",
                    )  # fmt: skip
                    pair = self._read(reader, rows, counts)
                    if np.array_equal(np.nan_to_num(pair[0] + pair[1]), known):
                        self.how = {
                            "method": "fragments", "file": str(self._file), "counted": method,
                            "shift": list(shift), "seed": self._seed,
                        }  # fmt: skip
                        return reader
        what = (
            "its fragments do not give the counts of the signal"
            if counts.shape[1] == 1
            else f"the signal has {counts.shape[1]} tracks, and fragments have no strand"
        )
        self.how["why"] = f"{self._file}: {what}, so counts are dealt one by one"
        logger.warning("test: %s", self.how["why"])
        return None

    def _read(
        self, reader: Fragments, rows: NDArray[np.int64], counts: NDArray[np.floating[Any]]
    ) -> Pair:
        """Return the counts of both halves in rows, NaN where the signal has none."""
        from seqdata.readers import Windows
        from seqdata.schema import decode

        length = counts.shape[2]
        own = self._places.isel(_sequence=rows)
        start, end = (own[key].to_numpy().astype(np.int64) for key in ("start", "end"))
        lead = (end - start - length) // 2
        turned = np.zeros(len(rows), bool)
        if "strand" in own:
            turned = np.asarray(decode(own["strand"]) == "-")
        begin = np.where(turned, end - lead - length, start + lead)
        names, codes = np.unique(decode(own["chrom"]).astype(str), return_inverse=True)
        windows = Windows(
            tuple(names.tolist()),
            codes.astype(np.int32),
            begin,
            begin + length,
            np.zeros(len(rows), np.int8),
        )
        found = reader.read(windows, length).astype(np.float32)
        found[turned] = found[turned, :, ::-1]
        halves = np.where(np.isnan(counts), np.nan, found)
        return halves[:, :1], halves[:, 1:]
