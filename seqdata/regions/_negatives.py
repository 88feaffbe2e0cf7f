"""Regions outside peaks that match them in contig, GC content and unknown bases."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import LengthError, SchemaError, SeqdataError
from seqdata.readers._base import Windows
from seqdata.readers.fasta import GenomeFASTA
from seqdata.regions._contigs import check_known
from seqdata.windows._regions import as_regions, centres, make_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH_BYTES = 16 * 1024 * 1024
_ROUNDS = 12
_TRIES = 4096

_IS_GC = np.zeros(256, dtype=np.uint8)
_IS_GC[[ord(letter) for letter in "GCgcSs"]] = 1
_IS_ACGT = np.zeros(256, dtype=np.uint8)
_IS_ACGT[[ord(letter) for letter in "ACGTUacgtu"]] = 1


def sample_negatives(
    fasta: str | Path | GenomeFASTA,
    bed: str | Path | pd.DataFrame,
    *,
    width: int,
    n: int | None = None,
    ratio: float = 1.0,
    exclude: str | Path | pd.DataFrame | list[str | Path | pd.DataFrame] | None = None,
    gc_tolerance: float = 0.02,
    max_n: int = 0,
    margin: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Draw windows outside the peaks that match them one by one in contig and GC content.

    Each negative has a peak of its own: same contig (another one with peaks where that has no
    room, which is told), GC share within ``gc_tolerance``, no more unknown bases than ``max_n`` or
    than the peak has. Negatives touch neither peaks, nor excluded
    regions, nor each other. Candidates are drawn evenly along the contig.

    Parameters
    ----------
    fasta : str, Path or GenomeFASTA
        FASTA file of the contigs.
    bed : path or DataFrame
        Peaks.
    width : int
        Length of the windows in bp; peaks are measured on a window of this length around their
        centre.
    n : int, optional
        Number of negatives; by default ``ratio`` times the number of peaks.
    ratio : float, default 1.0
        Negatives a peak.
    exclude : path, DataFrame or list of these, optional
        Further regions to keep away from (a blacklist, other peaks).
    gc_tolerance : float, default 0.02
        Largest difference of the GC shares.
    max_n : int, default 0
        Unknown bases (not A, C, G, T) that a negative may hold, in bp.
    margin : int, default 0
        Distance to keep from peaks and excluded regions in bp.
    seed : int, default 0
        The same seed gives the same regions.

    Returns
    -------
    DataFrame
        Sorted as the peaks that they match: ``chrom``, ``chromStart``, ``chromEnd``, ``name``,
        ``score`` (0), ``strand`` ("."), ``gc`` (share of G and C among known bases), ``n_unknown``
        (bp), ``peak_row`` (row of the matched peak), ``gc_difference``.

    Raises
    ------
    LengthError
        If ``width`` is less than 1.
    ContigError
        If no region of ``exclude`` lies on a contig of the genome; some that do not are told.
    SeqdataError
        If there is not enough room for them on the contigs of the peaks.

    Warns
    -----
    UserWarning
        If some had to be matched further away than ``gc_tolerance``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = pathlib.Path(folder) / "g.fa"
    ...     _ = fasta.write_text(">c\n" + "ACGT" * 100 + "\n")
    ...     bed = pd.DataFrame({"chrom": ["c"], "chromStart": [100], "chromEnd": [140]})
    ...     out = sample_negatives(fasta, bed, width=20, seed=1)
    >>> len(out), out["gc"].tolist()
    (1, [0.5])
    """
    if isinstance(width, bool) or int(width) != width or width < 1:
        raise LengthError(f"width must be a whole number of bp, 1 or more, got {width!r}.")
    if n is None:
        if ratio <= 0:
            raise SchemaError(f"ratio must be greater than 0, got {ratio}.")
        wanted = None
    else:
        wanted = int(n)
        if wanted < 1:
            raise SchemaError(f"n must be 1 or more, got {n}.")
    peaks, _ = as_regions(bed)
    genome = fasta if isinstance(fasta, GenomeFASTA) else GenomeFASTA("seq", fasta, on_unknown="n")
    try:
        total = round(len(peaks) * ratio) if wanted is None else wanted
        if not total:
            msg = f"ratio {ratio} of {len(peaks)} peaks makes no negative: raise it, or pass n."
            raise SchemaError(msg)
        return _sample(
            genome, peaks, _others(exclude, genome), width=int(width), total=total,
            gc_tolerance=gc_tolerance, max_n=max_n, margin=margin, seed=seed,
        )  # fmt: skip
    finally:
        if genome is not fasta:
            genome.close()


def _others(exclude: object, genome: GenomeFASTA) -> list[pd.DataFrame]:
    if exclude is None:
        return []
    many = exclude if isinstance(exclude, (list, tuple)) else [exclude]
    tables = []
    for one in many:
        table, where = as_regions(one)
        check_known(
            table, genome.contigs(), where="exclude" if where == "regions" else where,
            genome=genome.files()[0], then="they keep no negative away",
        )  # fmt: skip
        tables.append(table)
    return tables


def _sample(
    genome: GenomeFASTA,
    peaks: pd.DataFrame,
    others: list[pd.DataFrame],
    *,
    width: int,
    total: int,
    gc_tolerance: float,
    max_n: int,
    margin: int,
    seed: int,
) -> pd.DataFrame:
    from seqpro.random import counter_seed

    start = centres(peaks) - width // 2
    windows = make_windows(peaks, start, start + width)
    gc, unknown = measure(genome, windows)
    contigs = genome.contigs()
    # which peak each negative matches: whole rounds over the peaks, then a random part of them
    order = np.random.default_rng(int(counter_seed(seed, 0))).permutation(len(peaks))
    owner = np.concatenate(
        [np.arange(len(peaks))] * (total // len(peaks)) + [order[: total % len(peaks)]]
    )
    owner = np.sort(owner.astype(np.int64))
    out_start = np.full(total, -1, dtype=np.int64)
    out_gc = np.full(total, np.nan)
    out_n = np.zeros(total, dtype=np.int64)
    place = windows.contig[owner].copy()
    pickers: dict[int, _Picker] = {}
    allowed = np.maximum(unknown[owner], max_n)
    for code, name in enumerate(windows.names):
        slots = np.flatnonzero(windows.contig[owner] == code)
        if not len(slots):
            continue
        taken = _forbidden(name, peaks, windows, code, others, margin)
        rng = np.random.default_rng(int(counter_seed(seed, 1, code)))
        pickers[code] = _Picker(genome, name, contigs[name], width, taken, rng)
        chosen = pickers[code].match(gc[owner[slots]], allowed[slots], gc_tolerance)
        out_start[slots], out_gc[slots], out_n[slots] = chosen
    crowded = np.flatnonzero(out_start < 0)
    for code in sorted(pickers, key=lambda code: -int(pickers[code].room.sum())):
        slots = crowded[(out_start[crowded] < 0) & (windows.contig[owner[crowded]] != code)]
        if not len(slots):
            continue
        chosen = pickers[code].match(gc[owner[slots]], allowed[slots], gc_tolerance)
        out_start[slots], out_gc[slots], out_n[slots] = chosen
        place[slots[out_start[slots] >= 0]] = code
    _tell_crowded(windows, windows.contig[owner], out_start, crowded, width)
    difference = np.abs(out_gc - gc[owner])
    far = int((difference > gc_tolerance + 1e-9).sum())
    if far:
        warnings.warn(
            f"{far} of {total} negatives differ from their peak by more than {gc_tolerance} in GC "
            f"(at most {difference.max():.3f}): nothing nearer was free on their contigs.",
            UserWarning,
            stacklevel=3,
        )
    chrom = np.array(windows.names, dtype=object)[place]
    return pd.DataFrame(
        {
            "chrom": chrom,
            "chromStart": out_start,
            "chromEnd": out_start + width,
            "name": [f"negative_{i + 1}" for i in range(total)],
            "score": 0.0,
            "strand": ".",
            "gc": out_gc,
            "n_unknown": out_n,
            "peak_row": owner,
            "gc_difference": difference,
        }
    )


def _tell_crowded(
    windows: Windows,
    contig: NDArray[np.int32],
    start: NDArray[np.int64],
    crowded: NDArray[np.int64],
    width: int,
) -> None:
    """Say which contigs had no room for the negatives of their peaks, or raise if none had."""
    if not len(crowded):
        return
    left = np.flatnonzero(start < 0)
    code = int(contig[left[0]] if len(left) else contig[crowded[0]])
    name, n = windows.names[code], int((contig == code).sum())
    if len(left):
        raise SeqdataError(
            f"No room for {int((contig[left] == code).sum())} of {n} negatives of {width} bp on "
            f"{name!r} outside peaks and excluded regions (or too many unknown bases there), nor "
            "on the other contigs of peaks. Lower n or ratio, shorten width, raise max_n, or "
            "exclude less."
        )
    names = ", ".join(windows.names[i] for i in np.unique(contig[crowded])[:4])
    tell(
        f"{len(crowded)} of {len(start)} negatives found no room of {width} bp on the contig of "
        f"their peak ({names}) and lie on another contig with peaks."
    )


def measure(genome: GenomeFASTA, windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Measure GC share and unknown bases of windows.

    Parameters
    ----------
    genome : GenomeFASTA
    windows : Windows

    Returns
    -------
    gc : ndarray of float64, shape (n,)
        G and C among known bases; 0.5 where none is known.
    unknown : ndarray of int64, shape (n,)
        Bases that are none of A, C, G, T, in bp.
    """
    gc = np.empty(len(windows))
    unknown = np.empty(len(windows), dtype=np.int64)
    width = int(windows.lengths.max(initial=1))
    step = max(1, _BATCH_BYTES // width)
    for begin in range(0, len(windows), step):
        rows = slice(begin, begin + step)
        letters = genome.read(windows[rows], width)
        known = _IS_ACGT[letters].sum(axis=1, dtype=np.int64)
        strong = _IS_GC[letters].sum(axis=1, dtype=np.int64)
        gc[rows] = np.where(known > 0, strong / np.maximum(known, 1), 0.5)
        unknown[rows] = windows.lengths[rows] - known
    return gc, unknown


def _forbidden(
    name: str,
    peaks: pd.DataFrame,
    windows: Windows,
    code: int,
    others: list[pd.DataFrame],
    margin: int,
) -> NDArray[np.int64]:
    """Return the merged stretches of a contig that negatives must not touch, shape (k, 2)."""
    here = windows.contig == code
    parts = [np.stack([windows.start[here], windows.end[here]], axis=1)]
    for table in [peaks, *others]:
        rows = table[table["chrom"].astype(str) == name]
        parts.append(rows[["chromStart", "chromEnd"]].to_numpy(dtype=np.int64))
    return merge(np.concatenate(parts) + np.array([-margin, margin]))


def merge(intervals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge intervals that overlap or touch.

    Parameters
    ----------
    intervals : ndarray of int64, shape (n, 2)
        Starts and ends.

    Returns
    -------
    ndarray of int64, shape (k, 2)
        Sorted, apart from each other.

    Examples
    --------
    >>> merge(np.array([[5, 9], [0, 3], [3, 6]])).tolist()
    [[0, 9]]
    """
    if not len(intervals):
        return np.empty((0, 2), dtype=np.int64)
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(intervals[:, 1])
    new = np.concatenate([[True], intervals[1:, 0] > reach[:-1]])
    first = np.flatnonzero(new)
    last = np.concatenate([first[1:] - 1, [len(intervals) - 1]])
    return np.stack([intervals[first, 0], reach[last]], axis=1)


class _Picker:
    """Free windows of one contig, matched to GC shares."""

    def __init__(
        self,
        genome: GenomeFASTA,
        name: str,
        size: int,
        width: int,
        forbidden: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        self.genome, self.name, self.width, self.rng = genome, name, width, rng
        # a window may start where it ends before the next stretch begins
        edges = np.clip(forbidden, 0, size)
        free_start = np.concatenate([[0], edges[:, 1]])
        free_end = np.concatenate([edges[:, 0], [size]])
        room = free_end - free_start - width + 1
        self.free_start = free_start[room > 0]
        self.room = room[room > 0]
        self.used: list[tuple[int, int]] = []

    def match(
        self, gc: NDArray[np.float64], allowed: NDArray[np.int64], tolerance: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Find a free window for each GC share; the nearest ones where none is near enough.

        The start is -1 where there is no room.
        """
        n = len(gc)
        start = np.full(n, -1, dtype=np.int64)
        got_gc = np.full(n, np.nan)
        got_n = np.zeros(n, dtype=np.int64)
        pool: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]] | None = None
        if len(self.room):
            for _ in range(_ROUNDS):
                left = np.flatnonzero(start < 0)
                if not len(left):
                    break
                pool = self._candidates(8 * len(left) + 64)
                self._assign(left, pool, gc, allowed, tolerance, (start, got_gc, got_n))
            left = np.flatnonzero(start < 0)
            if len(left):
                pool = self._candidates(64 * len(left) + 4096)
                self._assign(left, pool, gc, allowed, 2.0, (start, got_gc, got_n))
        return start, got_gc, got_n

    def _candidates(
        self, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Draw starts evenly over the free places and measure their windows."""
        ends = np.cumsum(self.room)
        draw = np.unique(self.rng.integers(0, int(ends[-1]), count))
        self.rng.shuffle(draw)
        piece = np.searchsorted(ends, draw, side="right")
        start = self.free_start[piece] + draw - (ends[piece] - self.room[piece])
        n = len(start)
        windows = Windows(
            (self.name,), np.zeros(n, np.int32), start, start + self.width, np.zeros(n, np.int8)
        )
        return (start, *measure(self.genome, windows))

    def _assign(
        self,
        left: NDArray[np.int64],
        pool: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]],
        gc: NDArray[np.float64],
        allowed: NDArray[np.int64],
        tolerance: float,
        out: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]],
    ) -> None:
        """Give each place the nearest candidate that is free, within the tolerance."""
        place, share, unknown = pool
        by_gc = np.argsort(share, kind="stable")
        sorted_gc = share[by_gc]
        for slot in self.rng.permutation(left):
            low = np.searchsorted(sorted_gc, gc[slot] - tolerance - 1e-12)
            high = np.searchsorted(sorted_gc, gc[slot] + tolerance + 1e-12, side="right")
            near = by_gc[low:high]
            if tolerance > 1:
                near = near[np.argsort(np.abs(share[near] - gc[slot]), kind="stable")]
            shift = int(self.rng.integers(0, max(1, len(near)))) if tolerance <= 1 else 0
            # they stand in the order of their GC: a cut of the list would prefer one side
            for k in range(len(near) if tolerance > 1 else min(len(near), _TRIES)):
                candidate = int(near[(k + shift) % len(near)])
                if unknown[candidate] > allowed[slot] or not self._take(int(place[candidate])):
                    continue
                out[0][slot] = place[candidate]
                out[1][slot] = share[candidate]
                out[2][slot] = unknown[candidate]
                break

    def _take(self, start: int) -> bool:
        """Reserve a window if it touches none that is taken."""
        import bisect

        i = bisect.bisect_left(self.used, (start, start))
        if i and self.used[i - 1][1] > start:
            return False
        if i < len(self.used) and self.used[i][0] < start + self.width:
            return False
        self.used.insert(i, (start, start + self.width))
        return True
