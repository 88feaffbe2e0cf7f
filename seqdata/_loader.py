"""Batches of NumPy arrays from a dataset in memory or on disk, in a reproducible order.

The order of rows, the jitter and the strand of a row are functions of the seed, the epoch and the
row's number alone. Nothing depends on the batch size, on threads or on processes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata._fields import describe, is_nucleotide
from seqdata._order import DrawnRows, Draws, Order, Plan, Segment, as_rows, hashed_order
from seqdata._source import Arrays, Source
from seqdata.errors import SeqdataError, did_you_mean
from seqpro._rng import integers, uniform

#: Datasets up to this size (bytes) are read whole rather than streamed.
IN_MEMORY_LIMIT = 512 * 2**20
#: Bytes a streamed loader may hold, both buffers together.
BUFFER_LIMIT = 256 * 2**20

_ORDER, _BLOCKS, _SHIFT, _STRAND = 1, 2, 3, 4

Held = tuple[Arrays, NDArray[np.int64]]
Part = Callable[[Arrays, slice, slice], None]


class Loader:
    """Iterate over batches of NumPy arrays.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset; arrays in memory or lazy (dask).
    variables : sequence of str
        Variables to put in a batch.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    batch_size : int
        Rows in a batch.
    indices : ndarray of int, or None
        Rows to visit; default all.
    sampler : iterable of int, or callable(epoch) -> indices, or None
        Gives the order instead of ``shuffle``.
    batch_sampler : iterable of sequences of int, or None
        Gives the batches themselves.
    shuffle : bool
        Whether to permute rows anew in every epoch.
    seed : int
        Seed of the order, the jitter and the strand.
    drop_last : bool
        Whether to leave out the last, smaller batch.
    length : int or None
        Positions (bp) in a window.
    lengths : mapping of str to int, or None
        Positions (bp) in the window of single variables, cut around the same middle.
    max_jitter : int or None
        Largest shift (bp) of a window; None leaves windows whole.
    rc_prob : float
        Chance of a row to be shown as its other strand.
    index : str or None
        Name under which a batch carries its row numbers (int64).
    rank, world_size : int
        Which of how many equal parts of every epoch to serve.
    in_memory : bool or None
        Whether to read everything at once; None decides by size.
    buffer_bytes : int
        Bytes a streamed loader may hold; it holds no less than two blocks.
    prefetch : bool
        Whether a thread reads the next buffer while this one is used up.

    Raises
    ------
    SeqdataError
        For unknown variables, rows out of range, or settings that contradict each other.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        *,
        variables: Sequence[str],
        sample_dims: Sequence[str] = ("_sequence",),
        batch_size: int = 1,
        indices: Order | None = None,
        sampler: Order | Callable[[int], Order] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        length: int | None = None,
        lengths: Mapping[str, int] | None = None,
        max_jitter: int | None = None,
        rc_prob: float = 0.0,
        index: str | None = None,
        rank: int = 0,
        world_size: int = 1,
        in_memory: bool | None = None,
        buffer_bytes: int = BUFFER_LIMIT,
        prefetch: bool = True,
    ) -> None:
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise SeqdataError(f"batch_size is {batch_size!r}: expected a whole number from 1 up.")
        if not 0 <= rank < world_size:
            raise SeqdataError(f"rank is {rank} of world_size {world_size}: ranks count from 0.")
        if not 0.0 <= rc_prob <= 1.0:
            raise SeqdataError(f"rc_prob is {rc_prob}: expected a probability from 0 to 1.")
        if max_jitter is not None and (max_jitter < 0 or int(max_jitter) != max_jitter):
            raise SeqdataError(f"max_jitter is {max_jitter!r}: expected a whole number from 0 up.")
        for name in lengths or ():
            if name not in variables:
                raise SeqdataError(
                    f"lengths names {name!r}, which is no variable of the batch."
                    f"{did_you_mean(name, variables)}"
                )
        if index is not None and index in variables:
            raise SeqdataError(
                f"index={index!r} takes the name of a variable of the batch: choose another."
            )
        orders = sum((bool(shuffle), sampler is not None, batch_sampler is not None))
        if orders > 1:
            raise SeqdataError("give only one of `shuffle`, `sampler` and `batch_sampler`.")
        for dim in sample_dims:
            if dim not in ds.dims:
                raise SeqdataError(
                    f"sample dimension {dim!r} is not in the dataset, which has {list(ds.sizes)}."
                )
        stored = int(ds.attrs.get("max_jitter", 0) or 0)
        trim = 0 if max_jitter is None else max(max_jitter, stored)
        length_dim = str(ds.attrs.get("length_dim", "_length"))
        fields = []
        for name in variables:
            own = (lengths or {}).get(name)
            fields.append(
                describe(
                    ds,
                    name,
                    sample_dims=sample_dims,
                    length_dim=length_dim,
                    width=own if own is not None else (length if max_jitter is not None else None),
                    trim=trim if own is None and length is None else (max_jitter or 0),
                )
            )
        self.fields = tuple(fields)
        self.max_jitter = max_jitter or 0
        self.rc_prob = float(rc_prob)
        self._check_windows(ds, length, max_jitter, named=lengths or {})
        size = sum(
            f.row_bytes * math.prod(ds.sizes[sample_dims[i]] for i in f.axes) for f in fields
        )
        lazy = any(ds[f.name].chunks is not None for f in fields)
        if in_memory is None:
            in_memory = not lazy or size <= IN_MEMORY_LIMIT
        if not in_memory and len(sample_dims) > 1:
            raise SeqdataError(
                f"a dataset on disk can be streamed along one dimension, not {list(sample_dims)}: "
                "pass in_memory=True, or one sample dimension."
            )
        self.source = Source(ds, fields, sample_dims=sample_dims, in_memory=in_memory)
        self.in_memory = in_memory
        self.rows = self._check_rows(indices)
        self.batch_size = int(batch_size)
        # an iterator is spent after one pass, and even its length costs one
        self.sampler = list(sampler) if isinstance(sampler, Iterator) else sampler
        self.batch_sampler = (
            list(batch_sampler) if isinstance(batch_sampler, Iterator) else batch_sampler
        )
        self.shuffle = shuffle
        self.seed = int(seed)
        self.drop_last = drop_last
        self.index = index
        self.rank = rank
        self.world_size = world_size
        self.prefetch = prefetch
        each = max(1, self.source.block_bytes)
        self.blocks_at_once = max(2, buffer_bytes // ((2 if prefetch else 1) * each))
        self._plans: OrderedDict[int, Plan] = OrderedDict()

    def _check_windows(
        self,
        ds: xr.Dataset,
        length: int | None,
        max_jitter: int | None,
        *,
        named: Mapping[str, int],
    ) -> None:
        turned = [f for f in self.fields if f.position is not None]
        if self.rc_prob:
            for f in turned:
                alphabet = str(ds[f.name].attrs.get("alphabet", "ACGT"))
                if f.letters and not is_nucleotide(alphabet):
                    raise SeqdataError(
                        f"sequences {f.name!r} are over {alphabet!r}: only nucleotides have a "
                        "reverse complement. Set rc_prob=0."
                    )
            odd = {(f.stored_width - f.width) % 2 for f in turned}
            if len(odd) > 1:
                raise SeqdataError(
                    "windows of "
                    + ", ".join(f"{f.name} ({f.width} of {f.stored_width} bp)" for f in turned)
                    + " cannot share one middle on both strands: make all lengths even or all odd."
                )
        if length is not None and max_jitter is None:
            for f in turned:
                if f.letters and f.name not in named and f.width != length:
                    raise SeqdataError(
                        f"length is {length}, but rows of {f.name!r} are {f.width} bp long and are "
                        "shown whole: pass max_jitter=0 to cut windows out of their middle."
                    )
        uneven = [f.lengths is not None or f"{f.name}_length" in ds.variables for f in turned]
        if self.max_jitter and any(uneven):
            raise SeqdataError("rows of different lengths cannot be jittered: set max_jitter=0.")

    def _check_rows(self, indices: Order | None) -> NDArray[np.int64]:
        n = self.source.n_rows
        if indices is None:
            return np.arange(n, dtype=np.int64)
        return as_rows(indices, n)

    def _order(self, epoch: int) -> NDArray[np.int64] | None:
        """Return the rows in an order given from outside, or None."""
        if self.sampler is None:
            return None
        given = self.sampler(epoch) if callable(self.sampler) else self.sampler
        return as_rows(given, self.source.n_rows)

    def _share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the part of the ordered rows that belongs to this rank; all ranks get as many.

        Where they do not divide evenly, the last rank repeats rows from the beginning, or, with
        ``drop_last``, the remainder is left out.
        """
        if self.world_size == 1:
            return rows
        n = len(rows)
        each = n // self.world_size if self.drop_last else -(-n // self.world_size)
        if n == 0 or each == 0:
            return rows[:0]
        places = np.arange(self.rank * each, (self.rank + 1) * each, dtype=np.int64) % n
        return rows[places]

    def plan(self, epoch: int) -> Plan:
        """Return the visiting order of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.

        Returns
        -------
        Plan
            Segments of rows, and the ends of the batches.
        """
        if epoch in self._plans:
            return self._plans[epoch]
        bounds: NDArray[np.int64] | None = None
        shuffle = self.shuffle
        if self.batch_sampler is not None:
            batches = [as_rows(b, self.source.n_rows) for b in self.batch_sampler]
            batches = batches[self.rank :: self.world_size]
            rows = np.concatenate([*batches, np.zeros(0, np.int64)]).astype(np.int64)
            bounds = np.cumsum([0, *(len(b) for b in batches)]).astype(np.int64)
            segments = self._in_order(rows)
        else:
            given = self._order(epoch)
            if given is not None:
                segments = self._in_order(self._share(given))
            elif not shuffle:
                segments = self._in_order(self._share(self.rows))
            elif self.source.n_blocks <= 1:
                segments = self._in_order(
                    self._share(hashed_order(self.rows, self.seed, epoch, _ORDER))
                )
            else:
                segments = self._by_blocks(epoch)
        starts = np.cumsum([0, *(len(s.rows) for s in segments)]).astype(np.int64)
        n = int(starts[-1])
        if bounds is None:
            count = n // self.batch_size if self.drop_last else -(-n // self.batch_size)
            bounds = np.minimum(np.arange(count + 1, dtype=np.int64) * self.batch_size, n)
        made = Plan(epoch, tuple(segments), starts, bounds)
        if self.sampler is None and self.batch_sampler is None:
            self._plans[epoch] = made
            while len(self._plans) > 2:
                self._plans.popitem(last=False)
        return made

    def _blocks_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.source.edges, rows, side="right") - 1

    def _in_order(self, rows: NDArray[np.int64]) -> list[Segment]:
        """Cut rows in a given order into segments that need few enough blocks."""
        if len(rows) == 0:
            return []
        if self.source.n_blocks <= 1:
            return [Segment(np.zeros(1, np.int64), rows)]
        blocks = self._blocks_of(rows)
        turns = np.concatenate([[0], np.flatnonzero(np.diff(blocks)) + 1, [len(rows)]])
        segments: list[Segment] = []
        held: dict[int, None] = {}
        begin = 0
        for low in turns[:-1]:
            block = int(blocks[low])
            if block not in held and len(held) == self.blocks_at_once:
                segments.append(Segment(np.array(sorted(held), np.int64), rows[begin:low]))
                held, begin = {}, int(low)
            held[block] = None
        segments.append(Segment(np.array(sorted(held), np.int64), rows[begin:]))
        return segments

    def _by_blocks(self, epoch: int) -> list[Segment]:
        """Permute blocks, then the rows inside every buffer of blocks."""
        rows = np.sort(self.rows)
        present, first, counts = np.unique(
            self._blocks_of(rows), return_index=True, return_counts=True
        )
        order = hashed_order(np.arange(len(present), dtype=np.int64), self.seed, epoch, _BLOCKS)
        pieces = [rows[first[i] : first[i] + counts[i]] for i in order]
        mine = self._share(np.concatenate(pieces)) if pieces else rows
        return [
            Segment(s.blocks, hashed_order(s.rows, self.seed, epoch, _ORDER))
            for s in self._in_order(mine)
        ]

    def __len__(self) -> int:
        if self.sampler is not None and callable(self.sampler):
            return len(self.plan(0).bounds) - 1
        if self.batch_sampler is not None:
            return len(list(self.batch_sampler)[self.rank :: self.world_size])
        if self.sampler is not None:
            given = self.sampler
            n = len(given) if isinstance(given, Sized) else sum(1 for _ in given)
        else:
            n = len(self.rows)
        if self.world_size > 1:
            n = n // self.world_size if self.drop_last else -(-n // self.world_size)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

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
        if self.max_jitter:
            span = 2 * self.max_jitter + 1
            shift = integers(self.seed, span, epoch, _SHIFT, rows) - self.max_jitter
        if self.rc_prob:
            flip = uniform(self.seed, epoch, _STRAND, rows) < self.rc_prob
        return shift, flip

    def _fill(
        self,
        out: Arrays,
        place: slice,
        held: Held,
        rows: NDArray[np.int64],
        draws: Draws,
    ) -> None:
        arrays, bases = held
        shift, flip = draws
        sizes = self.source.sample_sizes
        local = rows if self.in_memory else rows + bases[self._blocks_of(rows)]
        split = np.unravel_index(rows, sizes) if len(sizes) > 1 else ()
        for field in self.fields:
            at = local
            if len(sizes) > 1:
                at = np.ravel_multi_index(
                    tuple(split[i] for i in field.axes), tuple(sizes[i] for i in field.axes)
                ).astype(np.int64)
            field.gather(
                arrays[field.name],
                at,
                shift=shift,
                flip=flip,
                row_ids=rows,
                out=out[field.name][place],
            )
        if self.index is not None:
            out[self.index][place] = rows

    def _empty(self, n: int) -> Arrays:
        out = {f.name: f.empty(n) for f in self.fields}
        if self.index is not None:
            out[self.index] = np.empty(n, np.int64)
        return out

    def _finish(self, out: Arrays) -> Arrays:
        for field in self.fields:
            out[field.name] = field.finish(out[field.name])
        return out

    def _buffers(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, Held]]:
        """Yield segments with their rows, the next being read meanwhile."""
        if self.source.arrays is not None:
            for segment in segments:
                yield segment, (self.source.arrays, np.zeros(1, np.int64))
            return
        if not self.prefetch:
            for segment in segments:
                yield segment, self.source.read(segment.blocks)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="seqdata-prefetch") as pool:
            ahead: Future[Held] | None = None
            try:
                for i, segment in enumerate(segments):
                    held = (ahead or pool.submit(self.source.read, segment.blocks)).result()
                    ahead = None
                    if i + 1 < len(segments):
                        ahead = pool.submit(self.source.read, segments[i + 1].blocks)
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
                    rows: slice,
                    draws: DrawnRows = draws,
                    held: Held = held,
                ) -> None:
                    self._fill(out, place, held, draws.rows[rows], draws.of(rows))

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
                        out[name][place] = values[rows]

                yield fill

        return self._cut(plan, parts(), start)

    def _cut(self, plan: Plan, parts: Iterator[Part], start: int) -> Iterator[Arrays]:
        """Yield batches filled from consecutive segments, a batch may span several."""
        last = len(plan.bounds) - 1
        if start >= last:
            return
        batch, place = start, int(plan.bounds[start])
        size = int(plan.bounds[batch + 1]) - place
        out, filled = self._empty(size), 0
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
                    out, filled = self._empty(size), 0

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
        held = (
            (self.source.arrays, np.zeros(1, np.int64))
            if self.source.arrays is not None
            else self.source.read(segment.blocks)
        )
        out = self._empty(len(segment.rows))
        draws = self.draw(epoch, segment.rows)
        self._fill(out, slice(0, len(segment.rows)), held, segment.rows, draws)
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
