"""Plans of epochs: which rows, in which order, cut where, and which of them are this rank's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized

import numpy as np
from numpy.typing import NDArray

from seqdata.loading._order import Order, Plan, Segment, as_rows, hashed_order
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
    batch_size : int
        Rows in a batch.
    selection : callable or None
        Chooses the rows of each epoch.
    sampler : iterable of int, or callable(epoch) -> indices, or None
        Gives the order instead of ``shuffle``.
    batch_sampler : iterable of sequences of int, or None
        Gives the batches themselves.
    shuffle : bool
        Whether to permute rows anew in every epoch.
    seed : int
        Seed of the order.
    drop_last : bool
        Whether to leave out the last, smaller batch.
    rank, world_size : int
        Which of how many equal parts of every epoch to plan.
    blocks_at_once : int
        Stored blocks that can be held at a time.
    """

    def __init__(
        self,
        source: Source,
        rows: NDArray[np.int64],
        *,
        batch_size: int,
        selection: Selection | None,
        sampler: Order | Callable[[int], Order] | None,
        batch_sampler: Iterable[Sequence[int]] | None,
        shuffle: bool,
        seed: int,
        drop_last: bool,
        rank: int,
        world_size: int,
        blocks_at_once: int,
    ) -> None:
        self.source = source
        self.rows = rows
        self.batch_size = batch_size
        self.selection = selection
        # an iterator is spent after one pass, and even its length costs one
        self.sampler = list(sampler) if isinstance(sampler, Iterator) else sampler
        self.batch_sampler = (
            list(batch_sampler) if isinstance(batch_sampler, Iterator) else batch_sampler
        )
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.rank = rank
        self.world_size = world_size
        self.blocks_at_once = blocks_at_once
        self._plans: OrderedDict[int, Plan] = OrderedDict()

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
        if self.batch_sampler is not None:
            batches = [as_rows(b, self.source.n_rows) for b in self.batch_sampler]
            batches = batches[self.rank :: self.world_size]
            rows = np.concatenate([*batches, np.zeros(0, np.int64)]).astype(np.int64)
            bounds = np.cumsum([0, *(len(b) for b in batches)]).astype(np.int64)
            segments = self._in_order(rows)
        elif self.sampler is not None:
            given = self.sampler(epoch) if callable(self.sampler) else self.sampler
            segments = self._in_order(self._share(as_rows(given, self.source.n_rows)))
        else:
            rows = self.rows if self.selection is None else self.selection(epoch)
            if not self.shuffle:
                segments = self._in_order(self._share(rows))
            elif self.source.n_blocks <= 1:
                segments = self._in_order(self._share(hashed_order(rows, self.seed, epoch, _ORDER)))
            else:
                segments = self._by_blocks(epoch, np.sort(rows))
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

    def __len__(self) -> int:
        if self.sampler is not None and callable(self.sampler):
            return len(self.plan(0).bounds) - 1
        if self.batch_sampler is not None:
            return len(list(self.batch_sampler)[self.rank :: self.world_size])
        if self.sampler is not None:
            given = self.sampler
            n = len(given) if isinstance(given, Sized) else sum(1 for _ in given)
        elif self.selection is not None:
            return len(self.plan(0).bounds) - 1
        else:
            n = len(self.rows)
        if self.world_size > 1:
            n = n // self.world_size if self.drop_last else -(-n // self.world_size)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def _share(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the part of the ordered rows that belongs to this rank; all ranks get as many.

        Ranks take turns, so that their batches together are those of one process with batches as
        large as all of theirs; where blocks are read from disk, each takes a run of rows instead.
        Where rows do not divide evenly, the last ranks repeat rows from the beginning, or, with
        ``drop_last``, the remainder is left out.
        """
        if self.world_size == 1:
            return rows
        n = len(rows)
        each = n // self.world_size if self.drop_last else -(-n // self.world_size)
        if n == 0 or each == 0:
            return rows[:0]
        places = np.arange(each, dtype=np.int64)
        if self.source.n_blocks <= 1:
            places = places * self.world_size + self.rank
        else:
            places += self.rank * each
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
        blocks = self.source.blocks_of(rows)
        by_block = np.argsort(blocks, kind="stable")
        rows = rows[by_block]
        present, first, counts = np.unique(blocks[by_block], return_index=True, return_counts=True)
        order = hashed_order(np.arange(len(present), dtype=np.int64), self.seed, epoch, _BLOCKS)
        pieces = [rows[first[i] : first[i] + counts[i]] for i in order]
        mine = self._share(np.concatenate(pieces)) if pieces else rows
        return [
            Segment(s.blocks, hashed_order(s.rows, self.seed, epoch, _ORDER))
            for s in self._in_order(mine)
        ]
