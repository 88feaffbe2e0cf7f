"""Batches of NumPy arrays from a dataset in memory or on disk, in a reproducible order.

The order of rows, the jitter and the strand of a row are functions of the seed, the epoch and the
row's number alone. Nothing depends on the batch size, on threads or on processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata.errors import SeqdataError
from seqdata.loading._buffers import Pool
from seqdata.loading._epoch_plan import Planner
from seqdata.loading._open_source import describe_all, open_source
from seqdata.loading._options import LoaderOptions
from seqdata.loading._order import DrawnRows, Draws, Plan, Segment, as_rows
from seqdata.loading._source import Arrays, Held
from seqdata.schema import is_nucleotide, letters_of, with_codes
from seqpro.random import integers, uniform

_SHIFT, _STRAND = 3, 4

Part = Callable[[Arrays, slice, slice], None]


class Loader:
    """Iterate over batches of NumPy arrays.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset; arrays in memory or lazy (dask).
    options : LoaderOptions
        What of it is shown, and how.

    Raises
    ------
    SeqdataError
        For unknown variables, rows out of range, or settings that contradict the dataset.
    """

    def __init__(self, ds: xr.Dataset, options: LoaderOptions) -> None:
        dims = options.sample_dims
        for dim in dims:
            if dim not in ds.dims:
                raise SeqdataError(
                    f"sample dimension {dim!r} is not in the dataset, which has {list(ds.sizes)}."
                )
        # tensors hold no text: contigs and strands go into a batch as the codes of the store
        ds = with_codes(ds, options.variables)
        self.options = options
        self.fields = describe_all(ds, options)
        self._pools = {f.name: Pool() for f in self.fields}
        self._check_windows(ds)
        self.source = open_source(ds, self.fields, options)
        self.in_memory = self.source.at_hand
        n, given = self.source.n_rows, options.indices
        self.rows = np.arange(n, dtype=np.int64) if given is None else as_rows(given, n)
        if options.chooser is not None and len(dims) > 1:
            raise SeqdataError("rows of several sample dimensions cannot be chosen by a variable.")
        selection = None
        if options.chooser is not None:
            selection = options.chooser.bind(ds, self.rows, options.seed)
        self.planner = Planner(self.source, self.rows, options, selection)

    def _check_windows(self, ds: xr.Dataset) -> None:
        options = self.options
        turned = [f for f in self.fields if f.position is not None]
        if options.rc_prob:
            for f in turned:
                alphabet = letters_of(ds[f.name])
                if f.letters and not is_nucleotide(alphabet):
                    raise SeqdataError(
                        f"sequences {f.name!r} are over {alphabet!r}: only nucleotides have a "
                        "reverse complement. Set rc_prob=0."
                    )
            odd = {f.slack % 2 for f in turned}
            if len(odd) > 1:
                raise SeqdataError(
                    "windows of "
                    + ", ".join(f"{f.name} ({f.width} of {f.stored_width} bp)" for f in turned)
                    + " cannot share one middle on both strands: make all lengths even or all odd."
                )
        length, named = options.length, options.lengths
        if length is not None and options.max_jitter is None:
            for f in turned:
                if f.letters and f.name not in named and f.width != length and f.slack == 0:
                    raise SeqdataError(
                        f"length is {length}, but rows of {f.name!r} are {f.width} bp long and are "
                        "shown whole: pass max_jitter=0 to cut windows out of their middle."
                    )
        uneven = [f.lengths is not None or f"{f.name}_length" in ds.variables for f in turned]
        if options.max_jitter and any(uneven):
            raise SeqdataError("rows of different lengths cannot be jittered: set max_jitter=0.")

    def plan(self, epoch: int) -> Plan:
        """Return the visiting order of an epoch, from 0."""
        return self.planner.plan(epoch)

    def __len__(self) -> int:
        return len(self.planner)

    def draw(self, epoch: int, rows: NDArray[np.int64]) -> Draws:
        """Return the shift (bp) and the strand of rows in an epoch, None where there is none.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        rows : ndarray of int64, shape (b,)
            Row numbers.

        Returns
        -------
        shift : ndarray of int64, shape (b,), or None
            Distance of the window from the middle.
        flip : ndarray of bool, shape (b,), or None
            Whether the row is shown as its other strand.
        """
        shift = flip = None
        seed, most = self.options.seed, self.options.max_jitter
        if most:
            shift = integers(seed, 2 * most + 1, epoch, _SHIFT, rows) - most
        if self.options.rc_prob:
            flip = uniform(seed, epoch, _STRAND, rows) < self.options.rc_prob
        return shift, flip

    def _fill(
        self,
        out: Arrays,
        place: slice,
        held: Held,
        segment: Segment,
        part: slice,
        draws: Draws,
    ) -> None:
        """Gather places of a segment into places of a batch."""
        shift, flip = draws
        rows = segment.rows[part]
        index = self.source.index_of(rows)
        for field in self.fields:
            values = out[field.name][place]
            field.gather(
                held.arrays[field.name],
                self.source.place(field, held, part, rows),
                shift=shift,
                flip=flip,
                row_ids=index,
                out=values,
            )
        if self.options.index is not None:
            out[self.options.index][place] = rows

    def _empty(self, rows: NDArray[np.int64]) -> Arrays:
        index = self.source.index_of(rows)
        out = {f.name: f.empty(index, self._pools[f.name]) for f in self.fields}
        if self.options.index is not None:
            out[self.options.index] = np.empty(len(rows), np.int64)
        return out

    def _finish(self, out: Arrays) -> Arrays:
        for field in self.fields:
            out[field.name] = field.finish(out[field.name])
        return out

    def _buffers(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, Held]]:
        """Yield segments with their rows, the next being read meanwhile."""
        if self.source.at_hand or not self.options.prefetch:
            for segment in segments:
                yield segment, self.source.read(segment)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="seqdata-prefetch") as pool:
            ahead: Future[Held] | None = None
            try:
                for i, segment in enumerate(segments):
                    held = (ahead or pool.submit(self.source.read, segment)).result()
                    ahead = None
                    if i + 1 < len(segments):
                        ahead = pool.submit(self.source.read, segments[i + 1])
                    yield segment, held
                    del held
            finally:
                if ahead is not None:
                    ahead.cancel()

    def batches(self, epoch: int, *, start: int = 0) -> Iterator[Arrays]:
        """Yield the batches of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        start : int
            First batch to yield.

        Yields
        ------
        dict of ndarray
            One entry a variable, rows first.
        """
        plan = self.plan(epoch)
        first = plan.segment_of(start)

        def parts() -> Iterator[Part]:
            for segment, held in self._buffers(plan.segments[first:]):
                draws = DrawnRows(self.draw, epoch, segment.rows)

                def fill(
                    out: Arrays,
                    place: slice,
                    part: slice,
                    segment: Segment = segment,
                    draws: DrawnRows = draws,
                    held: Held = held,
                ) -> None:
                    self._fill(out, place, held, segment, part, draws.of(part))

                yield fill

        return self._cut(plan, parts(), start)

    def recut(self, plan: Plan, pieces: Iterable[Arrays], *, start: int = 0) -> Iterator[Arrays]:
        """Cut whole segments, as `piece` returns them, into the batches of an epoch.

        Parameters
        ----------
        plan : Plan
            The visiting order that the pieces follow.
        pieces : iterable of dict of ndarray
            Segments from the one that holds the first row of batch ``start``.
        start : int
            First batch to yield.

        Yields
        ------
        dict of ndarray
            One entry a variable, rows first.
        """

        def parts() -> Iterator[Part]:
            for piece in pieces:

                def fill(out: Arrays, place: slice, rows: slice, piece: Arrays = piece) -> None:
                    for name, values in piece.items():
                        # a piece of rows of many lengths may be wider or narrower than a batch
                        some = values[rows]
                        width = min(some.shape[-1], out[name].shape[-1])
                        if some.ndim > 1:
                            out[name][place][..., :width] = some[..., :width]
                        else:
                            out[name][place] = some

                yield fill

        return self._cut(plan, parts(), start)

    def _cut(self, plan: Plan, parts: Iterator[Part], start: int) -> Iterator[Arrays]:
        """Yield batches filled from consecutive segments, a batch may span several."""
        last = len(plan.bounds) - 1
        if start >= last:
            return
        batch, place = start, int(plan.bounds[start])
        size = int(plan.bounds[batch + 1]) - place
        out, filled = self._empty(plan.rows(place, place + size)), 0
        for number, fill in enumerate(parts, plan.segment_of(start)):
            at = place - int(plan.starts[number])
            end = int(plan.starts[number + 1] - plan.starts[number])
            while at < end:
                take = min(size - filled, end - at)
                fill(out, slice(filled, filled + take), slice(at, at + take))
                at, place, filled = at + take, place + take, filled + take
                if filled == size:
                    yield self._finish(out)
                    batch += 1
                    if batch == last:
                        return
                    size = int(plan.bounds[batch + 1] - plan.bounds[batch])
                    out, filled = self._empty(plan.rows(place, place + size)), 0

    def piece(self, epoch: int, segment: Segment) -> Arrays:
        """Return all rows of a segment, in visiting order.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        segment : Segment
            Rows, and the stored blocks that hold them.

        Returns
        -------
        dict of ndarray
            One entry a variable, rows first, in kernel layout.
        """
        held = self.source.read(segment)
        out = self._empty(segment.rows)
        whole = slice(0, len(segment.rows))
        self._fill(out, whole, held, segment, whole, self.draw(epoch, segment.rows))
        return out

    def batch(self, epoch: int, rows: NDArray[np.int64]) -> Arrays:
        """Return rows of a dataset in memory as one batch.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        rows : ndarray of int64, shape (b,)
            Row numbers.

        Returns
        -------
        dict of ndarray
            One entry a variable, rows first.
        """
        return self._finish(self.piece(epoch, Segment(np.zeros(1, np.int64), rows)))
