"""Plans of epochs: which rows, in which order, cut where, and which of them are this rank's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sized

import numpy as np
from numpy.typing import NDArray

from seqdata.loading._options import LoaderOptions
from seqdata.loading._order import Plan, Segment, as_rows, hashed_order
from seqdata.loading._samplers import Selection
from seqdata.loading._source import Source

_ORDER, _BLOCKS = 1, 2


class Planner:
    """Plan the epochs of a loader.

    Parameters
    ----------
    source : Source
        Where rows come from: its blocks decide the order on disk.
    rows : ndarray of int64, shape (n,)
        Rows to visit.
    options : LoaderOptions
        Batches, order and ranks.
    selection : callable or None
        Chooses the rows of each epoch.
    """

    def __init__(
        self,
        source: Source,
        rows: NDArray[np.int64],
        options: LoaderOptions,
        selection: Selection | None = None,
    ) -> None:
        self.source = source
        self.rows = rows
        self.options = options
        self.selection = selection
        # an iterator is spent after one pass, and even its length costs one
        given, batches = options.order, options.batch_sampler
        self.sampler = list(given) if isinstance(given, Iterator) else given
        self.batch_sampler = list(batches) if isinstance(batches, Iterator) else batches
        self.blocks_at_once = max(2, options.read_bytes // source.block_bytes)
        self._plans: OrderedDict[int, Plan] = OrderedDict()
        self._again = np.zeros(0, np.int64)

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
        options = self.options
        if epoch in self._plans:
            return self._plans[epoch]
        bounds: NDArray[np.int64] | None = None
        self._again = np.zeros(0, np.int64)
        if self.batch_sampler is not None:
            batches = [as_rows(b, self.source.n_rows) for b in self.batch_sampler]
            batches = batches[options.rank :: options.world_size]
            rows = np.concatenate([*batches, np.zeros(0, np.int64)]).astype(np.int64)
            bounds = np.cumsum([0, *(len(b) for b in batches)]).astype(np.int64)
            segments = self._in_order(rows)
        elif self.sampler is not None:
            given = self.sampler(epoch) if callable(self.sampler) else self.sampler
            segments = self._in_order(self._share(as_rows(given, self.source.n_rows)))
        else:
            rows = self.rows if self.selection is None else self.selection(epoch)
            if not options.shuffle:
                segments = self._in_order(self._share(rows))
            elif self.source.n_blocks <= 1:
                segments = self._in_order(
                    self._share(hashed_order(rows, options.seed, epoch, _ORDER))
                )
            else:
                segments = self._by_blocks(epoch, np.sort(rows))
        starts = np.cumsum([0, *(len(s.rows) for s in segments)]).astype(np.int64)
        n = int(starts[-1])
        if bounds is None:
            count = self._divided(n, options.batch_size)
            bounds = np.minimum(np.arange(count + 1, dtype=np.int64) * options.batch_size, n)
        made = Plan(epoch, tuple(segments), starts, bounds, self._again)
        if self.sampler is None and self.batch_sampler is None:
            self._plans[epoch] = made
            while len(self._plans) > 2:
                self._plans.popitem(last=False)
        return made

    def __len__(self) -> int:
        options = self.options
        if self.sampler is not None and callable(self.sampler):
            return len(self.plan(0).bounds) - 1
        if self.batch_sampler is not None:
            return len(list(self.batch_sampler)[options.rank :: options.world_size])
        if self.sampler is not None:
            given = self.sampler
            n = len(given) if isinstance(given, Sized) else sum(1 for _ in given)
        elif self.selection is not None:
            return len(self.plan(0).bounds) - 1
        else:
            n = len(self.rows)
        return self._divided(self._divided(n, options.world_size), options.batch_size)

    def _divided(self, n: int, parts: int) -> int:
        """Return how often ``parts`` goes into ``n``, a remainder counted unless it is dropped."""
        return n // parts if self.options.drop_last else -(-n // parts)

    def _share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the part of the ordered rows that belongs to this rank; all ranks get as many.

        Ranks take turns, so that their batches together are those of one process with batches as
        large as all of theirs; where blocks are read from disk, each takes a run of rows instead.
        Where rows do not divide evenly, the last ranks repeat rows from the beginning, or, with
        ``drop_last``, the remainder is left out.
        """
        options = self.options
        if options.world_size == 1:
            return rows
        n = len(rows)
        each = self._divided(n, options.world_size)
        if n == 0 or each == 0:
            return rows[:0]
        places = np.arange(each, dtype=np.int64)
        if self.source.n_blocks <= 1:
            places = places * options.world_size + options.rank
        else:
            places += options.rank * each
        self._again = rows[places[places >= n] % n]
        return rows[places % n]

    def _in_order(self, rows: NDArray[np.int64]) -> list[Segment]:
        """Cut rows in a given order into segments that need few enough blocks."""
        if len(rows) == 0:
            return []
        if self.source.n_blocks <= 1:
            step = self.source.rows_at_once or len(rows)
            return [
                Segment(np.zeros(1, np.int64), rows[low : low + step])
                for low in range(0, len(rows), step)
            ]
        blocks = self.source.blocks_of(rows)
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

    def _by_blocks(self, epoch: int, rows: NDArray[np.int64]) -> list[Segment]:
        """Permute blocks, then the rows inside every buffer of blocks."""
        options = self.options
        blocks = self.source.blocks_of(rows)
        by_block = np.argsort(blocks, kind="stable")
        rows = rows[by_block]
        present, first, counts = np.unique(blocks[by_block], return_index=True, return_counts=True)
        order = hashed_order(np.arange(len(present), dtype=np.int64), options.seed, epoch, _BLOCKS)
        pieces = [rows[first[i] : first[i] + counts[i]] for i in order]
        mine = self._share(np.concatenate(pieces)) if pieces else rows
        return [
            Segment(s.blocks, hashed_order(s.rows, options.seed, epoch, _ORDER))
            for s in self._in_order(mine)
        ]
