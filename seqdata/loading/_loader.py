"""Batches of NumPy arrays from a dataset in memory or on disk, in a reproducible order.

The order of rows, the jitter and the strand of a row are functions of the seed, the epoch and the
row's number alone. Nothing depends on the batch size, on threads or on processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.loading._buffers import Pool
from seqdata.loading._epoch_plan import Planner
from seqdata.loading._open_source import BUFFER_LIMIT, describe_all, open_source
from seqdata.loading._order import DrawnRows, Draws, Order, Plan, Segment, as_rows
from seqdata.loading._samplers import RowSampler
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
    variables : sequence of str
        Variables to put in a batch.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    batch_size : int
        Rows in a batch.
    indices : ndarray of int, or None
        Rows to visit; default all.
    sampler : RowSampler, iterable of int, or callable(epoch) -> indices, or None
        Chooses the rows of every epoch, or gives the order instead of ``shuffle``.
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
    cache : {"memmap"} or None
        Whether lazy variables are decoded into files, of which rows are read where they lie.
    cache_dir : Path or None
        Where those are kept.
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
        sampler: RowSampler | Order | Callable[[int], Order] | None = None,
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
        cache: Literal["memmap"] | None = None,
        cache_dir: Path | None = None,
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
        chooser: RowSampler | None = None
        order: Order | Callable[[int], Order] | None = None
        if isinstance(sampler, RowSampler):
            chooser = sampler
        else:
            order = sampler
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
        orders = sum((bool(shuffle), order is not None, batch_sampler is not None))
        if orders > 1:
            raise SeqdataError("give only one of `shuffle`, `sampler` and `batch_sampler`.")
        if chooser is not None and batch_sampler is not None:
            raise SeqdataError("give only one of `sampler`, `weights` and `batch_sampler`.")
        for dim in sample_dims:
            if dim not in ds.dims:
                raise SeqdataError(
                    f"sample dimension {dim!r} is not in the dataset, which has {list(ds.sizes)}."
                )
        # tensors hold no text: contigs and strands go into a batch as the codes of the store
        ds = with_codes(ds, variables)
        self.fields = describe_all(
            ds,
            variables,
            sample_dims=sample_dims,
            length=length,
            lengths=lengths or {},
            max_jitter=max_jitter,
        )
        self._pools = {f.name: Pool() for f in self.fields}
        self.max_jitter = max_jitter or 0
        self.rc_prob = float(rc_prob)
        self._check_windows(ds, length, max_jitter, named=lengths or {})
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.index = index
        self.rank = rank
        self.world_size = world_size
        self.prefetch = prefetch
        self.source = open_source(
            ds,
            self.fields,
            sample_dims=sample_dims,
            in_memory=in_memory,
            cache=cache,
            cache_dir=cache_dir,
            buffer_bytes=buffer_bytes // (2 if prefetch else 1),
            batch_size=self.batch_size,
        )
        self.in_memory = self.source.at_hand
        n = self.source.n_rows
        self.rows = np.arange(n, dtype=np.int64) if indices is None else as_rows(indices, n)
        if chooser is not None and len(sample_dims) > 1:
            raise SeqdataError("rows of several sample dimensions cannot be chosen by a variable.")
        self.chooser = chooser
        self.planner = Planner(
            self.source,
            self.rows,
            batch_size=self.batch_size,
            selection=None if chooser is None else chooser.bind(ds, self.rows, self.seed),
            sampler=order,
            batch_sampler=batch_sampler,
            shuffle=shuffle,
            seed=self.seed,
            drop_last=drop_last,
            rank=rank,
            world_size=world_size,
            blocks_at_once=max(
                2, buffer_bytes // ((2 if prefetch else 1) * self.source.block_bytes)
            ),
        )

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
        if length is not None and max_jitter is None:
            for f in turned:
                if f.letters and f.name not in named and f.width != length and f.slack == 0:
                    raise SeqdataError(
                        f"length is {length}, but rows of {f.name!r} are {f.width} bp long and are "
                        "shown whole: pass max_jitter=0 to cut windows out of their middle."
                    )
        uneven = [f.lengths is not None or f"{f.name}_length" in ds.variables for f in turned]
        if self.max_jitter and any(uneven):
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
        if self.index is not None:
            out[self.index][place] = rows

    def _empty(self, rows: NDArray[np.int64]) -> Arrays:
        index = self.source.index_of(rows)
        out = {f.name: f.empty(index, self._pools[f.name]) for f in self.fields}
        if self.index is not None:
            out[self.index] = np.empty(len(rows), np.int64)
        return out

    def _finish(self, out: Arrays) -> Arrays:
        for field in self.fields:
            out[field.name] = field.finish(out[field.name])
        return out

    def _buffers(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, Held]]:
        """Yield segments with their rows, the next being read meanwhile."""
        if self.source.at_hand or not self.prefetch:
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
