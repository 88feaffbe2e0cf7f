"""What a loader shows of a dataset, and how: the settings of all that makes its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.loading._order import Order
from seqdata.loading._samplers import RowSampler

#: Bytes a streamed loader may hold, both buffers together.
BUFFER_LIMIT = 256 * 2**20


@dataclass(frozen=True, kw_only=True)
class LoaderOptions:
    """Settings of a loader, checked for what can be told without its dataset.

    Parameters
    ----------
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
    lengths : mapping of str to int
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
        For settings that are out of range, or contradict each other.
    """

    variables: Sequence[str]
    sample_dims: Sequence[str] = ("_sequence",)
    batch_size: int = 1
    indices: Order | None = None
    sampler: RowSampler | Order | Callable[[int], Order] | None = None
    batch_sampler: Iterable[Sequence[int]] | None = None
    shuffle: bool = False
    seed: int = 0
    drop_last: bool = False
    length: int | None = None
    lengths: Mapping[str, int] = field(default_factory=dict)
    max_jitter: int | None = None
    rc_prob: float = 0.0
    index: str | None = None
    rank: int = 0
    world_size: int = 1
    in_memory: bool | None = None
    cache: Literal["memmap"] | None = None
    cache_dir: Path | None = None
    buffer_bytes: int = BUFFER_LIMIT
    prefetch: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.batch_size, int | np.integer) or self.batch_size < 1:
            raise SeqdataError(
                f"batch_size is {self.batch_size!r}: expected a whole number from 1 up."
            )
        if not 0 <= self.rank < self.world_size:
            raise SeqdataError(
                f"rank is {self.rank} of world_size {self.world_size}: ranks count from 0."
            )
        if not 0.0 <= self.rc_prob <= 1.0:
            raise SeqdataError(f"rc_prob is {self.rc_prob}: expected a probability from 0 to 1.")
        jitter = self.max_jitter
        if jitter is not None and (jitter < 0 or int(jitter) != jitter):
            raise SeqdataError(f"max_jitter is {jitter!r}: expected a whole number from 0 up.")
        for name in self.lengths:
            if name not in self.variables:
                raise SeqdataError(
                    f"lengths names {name!r}, which is no variable of the batch."
                    f"{did_you_mean(name, self.variables)}"
                )
        if self.index is not None and self.index in self.variables:
            raise SeqdataError(
                f"index={self.index!r} takes the name of a variable of the batch: choose another."
            )
        orders = (bool(self.shuffle), self.order is not None, self.batch_sampler is not None)
        if sum(orders) > 1:
            raise SeqdataError("give only one of `shuffle`, `sampler` and `batch_sampler`.")
        if self.chooser is not None and self.batch_sampler is not None:
            raise SeqdataError("give only one of `sampler`, `weights` and `batch_sampler`.")
        if self.cache not in (None, "memmap"):
            raise SeqdataError(
                f"cache is {self.cache!r}: expected None or 'memmap'."
                f"{did_you_mean(str(self.cache), ['memmap'])}"
            )
        if self.cache is not None and self.in_memory:
            raise SeqdataError("give only one of in_memory=True and cache='memmap'.")

    @property
    def chooser(self) -> RowSampler | None:
        """What chooses the rows of every epoch."""
        return self.sampler if isinstance(self.sampler, RowSampler) else None

    @property
    def order(self) -> Order | Callable[[int], Order] | None:
        """The order of the rows, in place of ``shuffle``."""
        return None if isinstance(self.sampler, RowSampler) else self.sampler

    @property
    def read_bytes(self) -> int:
        """Bytes that are read at a time while streaming."""
        return self.buffer_bytes // (2 if self.prefetch else 1)
