"""The plan of a region build: which windows make which rows, checked against the readers."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from seqdata._codes import SEQUENCE_DIM, STRANDS, code_attrs, code_type
from seqdata.errors import LengthError, SchemaError
from seqdata.readers._base import RegionReader, Windows
from seqdata.readers._columns import column_values
from seqdata.readers._track import Variable
from seqdata.windows._regions import as_regions, centres, make_windows, plain_length
from seqdata.windows._splice import exons_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

Layout = Literal["fixed", "padded", "flat"]

_FLAT_BYTES = 8 * 1024 * 1024

# contigs that are listed in a store, whether they have rows or not
_MOST_CONTIGS = 50_000

# variables are padded to the longest row unless that is this many times the median
RAGGED_RATIO = 4


@dataclass(frozen=True)
class RegionPlan:
    """What a region build will write.

    Parameters
    ----------
    windows : Windows
        All windows; with ``splice`` several a row.
    row_of : ndarray of int64, shape (n_rows + 1,)
        Row ``i`` is made of windows ``row_of[i]`` to ``row_of[i + 1]``.
    chrom, start, end, strand : ndarray, shape (n_rows,)
        Coordinates of the rows.
    lengths : ndarray of int64, shape (n_rows,)
        Length of each row in bp.
    width : int
        Longest row in bp.
    layout : {"fixed", "padded", "flat"}
        How rows are stored.
    columns : dict of str to ndarray, shape (n_rows,)
        Further columns of the regions.
    splice : bool, default False
        Whether rows are joined of exons, also those of a single one.
    contigs : tuple of str, default ()
        Names of the codes in ``chrom``: the contigs of the genome in its own order.
    """

    windows: Windows
    row_of: NDArray[np.int64]
    chrom: NDArray[np.generic]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    lengths: NDArray[np.int64]
    width: int
    layout: Layout
    columns: dict[str, NDArray[np.generic]]
    splice: bool = False
    contigs: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.strand)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each row begins in the flat layout, int64, shape (n_rows + 1,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    def coordinates(self, dim: str = SEQUENCE_DIM) -> dict[str, Variable]:
        """Return where the rows lie: contigs and strands as codes, bounds in bp."""
        contigs = {name: i for i, name in enumerate(self.contigs)}
        return {
            "chrom": ((dim,), self.chrom, code_attrs(contigs)),
            "start": ((dim,), self.start, {"units": "bp"}),
            "end": ((dim,), self.end, {"units": "bp"}),
            "strand": ((dim,), self.strand, code_attrs(STRANDS)),
        }

    def part(self, first: int, last: int) -> RegionPlan:
        """Return the plan of some rows, without their columns."""
        last = min(last, self.n_rows)
        rows, span = slice(first, last), slice(int(self.row_of[first]), int(self.row_of[last]))
        return RegionPlan(
            self.windows[span],
            self.row_of[first : last + 1] - self.row_of[first],
            self.chrom[rows],
            self.start[rows],
            self.end[rows],
            self.strand[rows],
            self.lengths[rows],
            self.width,
            self.layout,
            {},
            self.splice,
        )

    def flat_rows(self, most: int) -> int:
        """Return how many rows of the longest length are read at a time."""
        return int(np.clip(_FLAT_BYTES // max(1, self.width), 1, max(1, most)))


def layout_of(counts: Counter[int]) -> tuple[Layout, int]:
    """Choose between padded and flat rows from a histogram of lengths.

    Parameters
    ----------
    counts : Counter
        Length (bp) to number of rows.

    Returns
    -------
    layout : {"padded", "flat"}
    longest : int

    Examples
    --------
    >>> layout_of(Counter({10: 5, 12: 5})), layout_of(Counter({10: 5, 41: 1}))
    (('padded', 12), ('flat', 41))
    """
    if not counts:
        return "padded", 0
    lengths = sorted(counts)
    half = sum(counts.values()) / 2
    passed = 0
    median = lengths[-1]
    for length in lengths:
        passed += counts[length]
        if passed >= half:
            median = length
            break
    longest = lengths[-1]
    return ("flat" if longest > RAGGED_RATIO * median else "padded"), longest


def plan_regions(
    bed: str | Path | pd.DataFrame,
    readers: Sequence[RegionReader],
    *,
    fixed_length: bool | int,
    max_jitter: int = 0,
    splice: bool = False,
) -> RegionPlan:
    """Check the regions against the readers, and lay out what will be written.

    Parameters
    ----------
    bed : path or DataFrame
    readers : sequence of RegionReader
    fixed_length : bool or int
    max_jitter : int, default 0
    splice : bool, default False
        As :func:`seqdata.from_region_files` takes them.

    Returns
    -------
    RegionPlan

    Raises
    ------
    BedError, ContigError, LengthError, SchemaError
        If regions, readers and options do not fit each other.
    """
    table, where = as_regions(bed)
    fixed_length = plain_length(fixed_length)
    if isinstance(max_jitter, bool) or int(max_jitter) != max_jitter or max_jitter < 0:
        msg = f"max_jitter must be a whole number of bp, 0 or more, got {max_jitter!r}."
        raise SchemaError(msg)
    start, end = _bounds(table, fixed_length, where)
    start, end = start - max_jitter, end + max_jitter
    if splice and fixed_length is not False:
        msg = "splice=True joins exons of any length: pass fixed_length=False with it."
        raise SchemaError(msg)
    if splice and max_jitter:
        msg = (
            "splice=True joins exons without what lies between them, which max_jitter would add "
            "to each: pass max_jitter=0 with it."
        )
        raise SchemaError(msg)
    empty = end <= start
    if empty.any():
        row = int(np.argmax(empty))
        msg = f"{where}: region {row} is empty ({start[row]}-{end[row]}), it has no base to read."
        raise LengthError(msg)
    row_of = np.arange(len(table) + 1)
    if splice:
        table, row_of = exons_of(table, where)
        start, end = (table[name].to_numpy(np.int64) for name in ("chromStart", "chromEnd"))
    windows = make_windows(table, start, end)
    has = {name for reader in readers if reader.sizes_are_known for name in reader.contigs()}
    windows = replace(windows, known=frozenset(has.intersection(windows.names)))
    _check_contigs(windows, readers, where)
    lengths = np.add.reduceat(windows.lengths, row_of[:-1])
    layout: Layout = "fixed"
    if fixed_length is False:
        values, number = np.unique(lengths, return_counts=True)
        layout, _ = layout_of(Counter(dict(zip(values.tolist(), number.tolist(), strict=True))))
    first = row_of[:-1]
    skip = {"chrom", "chromStart", "chromEnd", "strand"}
    columns = {
        str(name): column_values(table[name].iloc[first])
        for name in table.columns
        if name not in skip
    }
    contigs = _genome_order(windows.names, readers)
    codes = {name: i for i, name in enumerate(contigs)}
    place = np.array([codes[name] for name in windows.names], code_type(codes))
    return RegionPlan(
        windows,
        row_of.astype(np.int64),
        place[windows.contig[first]],
        np.minimum.reduceat(start, first),
        np.maximum.reduceat(end, first),
        windows.strand[first],
        lengths,
        int(lengths.max()),
        layout,
        columns,
        bool(splice),
        contigs,
    )


def _genome_order(names: Sequence[str], readers: Sequence[RegionReader]) -> tuple[str, ...]:
    """Return the contigs of the genome in its order, so that its datasets share their codes.

    A genome of a great many contigs, such as a transcriptome, gives only those that have rows.
    """
    ranked = sorted(readers, key=lambda r: (r.track().kind != "sequence", not r.sizes_are_known))
    known = list(ranked[0].contigs()) if ranked else []
    if len(known) > _MOST_CONTIGS:
        used = set(names)
        known = [name for name in known if name in used]
    return tuple(dict.fromkeys([*(name for name in known if name.split() == [name]), *names]))


def _bounds(
    table: pd.DataFrame, fixed_length: bool | int, where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start = table["chromStart"].to_numpy(dtype=np.int64)
    end = table["chromEnd"].to_numpy(dtype=np.int64)
    if fixed_length is False:
        return start, end
    if fixed_length is True:
        width = int(end[0] - start[0])
        other = int((end - start != width).sum())
        if other:
            warnings.warn(
                f"fixed_length=True takes the length of the first region of {where}, {width} bp; "
                f"{other} regions of another length are cut or widened to it. Pass "
                "fixed_length=<bp> to choose, or False to keep them as they are.",
                UserWarning,
                stacklevel=4,
            )
    else:
        width = fixed_length
    if width < 1:
        msg = f"Windows of {width} bp hold nothing: fixed_length must be 1 or more."
        raise LengthError(msg)
    begin = centres(table) - width // 2
    return begin, begin + width


def _check_contigs(windows: Windows, readers: Sequence[RegionReader], where: str) -> None:
    sizes: dict[str, tuple[int, str]] = {}
    for reader in readers:
        contigs = reader.contigs()
        file = next(iter(reader.files()), reader.name)
        reader.check_contigs(windows, where)
        if not reader.sizes_are_known:
            continue
        if not sizes:
            _warn_of_lost(windows, contigs, file, where)
        for name in windows.names:
            if name not in contigs:
                continue
            known, other = sizes.setdefault(name, (contigs[name], file))
            if known != contigs[name]:
                warnings.warn(
                    f"Contig {name!r} has {known} bp in {other} and {contigs[name]} bp in {file}: "
                    "are they of the same genome assembly?",
                    UserWarning,
                    stacklevel=5,
                )


def _warn_of_lost(windows: Windows, contigs: dict[str, int], file: str, where: str) -> None:
    """Warn of windows that hold no base at all, as those of another genome assembly do."""
    size = np.array([contigs.get(name, 0) for name in windows.names], dtype=np.int64)
    lost = (windows.start >= size[windows.contig]) & (size[windows.contig] > 0)
    if not lost.any():
        return
    row = int(np.argmax(lost))
    name = windows.names[int(windows.contig[row])]
    warnings.warn(
        f"{int(lost.sum())} of {len(lost)} windows of {where} begin behind the end of their contig "
        f"in {file} (first: {name}:{windows.start[row]}-{windows.end[row]} of {contigs[name]} bp) "
        "and will hold nothing but N: are they of the same genome assembly?",
        UserWarning,
        stacklevel=6,
    )
