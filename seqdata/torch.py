"""Batches of PyTorch tensors from a dataset; the only module of the package that needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.loading._loader import Loader
from seqdata.loading._old import in_one_transform
from seqdata.loading._options import BUFFER_LIMIT, LoaderOptions
from seqdata.loading._order import Order, Segment
from seqdata.loading._ragged import is_ragged, with_lengths
from seqdata.loading._samplers import RatioSampler as RatioSampler
from seqdata.loading._samplers import RowSampler
from seqdata.loading._samplers import WeightedSampler as WeightedSampler
from seqdata.loading._source import Arrays
from seqdata.loading._workers import Queue, packed, unpacked
from seqpro.family import old_call

Transform = Callable[[Arrays], Mapping[str, object]]
Batch = dict[str, torch.Tensor] | tuple[torch.Tensor, ...]


class EpochSampler:
    """Handle by which a trainer tells a loader the epoch.

    Parameters
    ----------
    loader : SequenceLoader
        The loader that is told.
    """

    def __init__(self, loader: SequenceLoader) -> None:
        self._loader = loader

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch on to the loader.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        """
        self._loader.set_epoch(epoch)


@dataclass(frozen=True)
class _Converter:
    """Turns a batch of arrays into tensors of the types asked for."""

    transform: Transform | None
    dtypes: torch.dtype | Mapping[str, torch.dtype] | None
    tuples: bool
    letters: frozenset[str]
    index: str | None

    def __call__(self, arrays: Arrays) -> Batch:
        values: Mapping[str, object] = arrays
        if self.transform is not None:
            values = self.transform(
                {k: v.view("S1") if k in self.letters else v for k, v in arrays.items()}
            )
            if not isinstance(values, Mapping):
                raise SeqdataError(
                    f"the transform returned {type(values).__name__}: expected a dictionary of "
                    "arrays, as it was given."
                )
        out = {k: _as_tensor(v, self._dtype_of(k)) for k, v in values.items()}
        return tuple(out.values()) if self.tuples else out

    def _dtype_of(self, name: str) -> torch.dtype | None:
        if self.dtypes is None or name == self.index:
            return None
        return self.dtypes if isinstance(self.dtypes, torch.dtype) else self.dtypes.get(name)


class _Parts(Dataset[object]):
    """What a worker process computes: a batch in memory, or a whole buffer from disk.

    It holds no reference to the loader: a cycle through the worker processes would leave their
    end to the garbage collector, which waits seconds for each.
    """

    def __init__(self, core: Loader, convert: _Converter) -> None:
        self._core = core
        self._convert = convert

    def __getitem__(self, item: tuple[int, Segment]) -> Any:
        epoch, segment = item
        if self._core.in_memory:
            return packed(self._convert(self._core.batch(epoch, segment.rows)))
        piece = self._core.piece(epoch, segment)
        return packed({k: torch.from_numpy(v) for k, v in piece.items()})


class SequenceLoader:
    """Iterate over a dataset in batches of tensors; made by `get_torch_dataloader`.

    Every iteration is one epoch: the loader counts them itself, and `set_epoch` overrules the
    count. Order, jitter and strands are functions of the seed, the epoch and the row, so a run
    that is resumed, or that uses another number of worker processes, sees the same batches.

    Parameters
    ----------
    core : Loader
        Makes the batches as arrays.
    transform : callable or None
        Applied to every batch of arrays; sequences are letters (S1) there.
    dtypes : torch.dtype, mapping of str to torch.dtype, or None
        Types of the tensors.
    return_tuples : bool
        Whether a batch is a tuple instead of a dictionary.
    num_workers : int
        Worker processes; 0 computes batches where they are used.
    pin_memory : bool
        Whether tensors are put in page-locked memory.
    worker_options : mapping
        Passed on to `torch.utils.data.DataLoader` where there are worker processes.
    """

    def __init__(
        self,
        core: Loader,
        *,
        transform: Transform | None = None,
        dtypes: torch.dtype | Mapping[str, torch.dtype] | None = None,
        return_tuples: bool = False,
        num_workers: int = 0,
        pin_memory: bool = False,
        worker_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.core = core
        self.num_workers = num_workers
        self.pin_memory = pin_memory and torch.cuda.is_available()
        self.batch_size = core.options.batch_size
        self.drop_last = core.options.drop_last
        letters = frozenset(f.name for f in core.fields if f.letters)
        self._convert = _Converter(transform, dtypes, return_tuples, letters, core.options.index)
        self._epoch = 0
        self._position = 0
        self._begun = False
        self._queue = Queue()
        self._options = dict(worker_options or {})
        self._workers: DataLoader[Any] | None = None

    @property
    def sampler(self) -> EpochSampler:
        """Handle by which Lightning sets the epoch."""
        return EpochSampler(self)

    @property
    def batch_sampler(self) -> None:
        """None: Lightning looks here before it looks at ``sampler``."""
        return None

    @property
    def epoch(self) -> int:
        """Number of the epoch that the next iteration shows, or that is being shown."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0. A place restored within this epoch is kept.
        """
        if epoch != self._epoch or self._begun:
            self._epoch, self._position, self._begun = int(epoch), 0, False

    def __len__(self) -> int:
        return len(self.core)

    def repeated(self, epoch: int) -> NDArray[np.int64]:
        """Return the rows that this rank shows although another one does, so that all are even.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.

        Returns
        -------
        ndarray of int64
            Row numbers, fewer than there are ranks; none where the rows divide evenly.
        """
        return self.core.plan(epoch).repeated

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the epoch, to go on from after a restart.

        Returns
        -------
        dict
            Plain numbers: epoch, batches already given out, and what the order depends on.
        """
        return {"epoch": self._epoch, "position": self._position, **self._identity()}

    def _identity(self) -> dict[str, object]:
        """Return what the order of the rows depends on, in plain numbers."""
        options = self.core.options
        return {
            "seed": int(options.seed),
            "batch_size": int(options.batch_size),
            "n_rows": len(self.core.rows),
            "rank": options.rank,
            "world_size": options.world_size,
            "shuffle": bool(options.shuffle),
            "drop_last": bool(options.drop_last),
            "sampler": None if options.chooser is None else repr(options.chooser),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a place that `state_dict` returned.

        Parameters
        ----------
        state : mapping
            What `state_dict` returned, for a loader with the same settings.

        Raises
        ------
        SeqdataError
            Where the settings differ, so that the place means other rows.
        """
        now = self._identity()
        different = [k for k in now if k in state and state[k] != now[k]]
        if different:
            told = ", ".join(f"{k}: {state[k]} then, {now[k]} now" for k in different)
            raise SeqdataError(
                f"the loader's place was saved under other settings ({told}): batches would not be "
                "the same. Restore the settings, or start the epoch anew with set_epoch."
            )
        self._epoch, self._position = int(state["epoch"]), int(state["position"])
        if self._position >= len(self):
            self._epoch, self._position = self._epoch + 1, 0
        self._begun = False

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_workers": None}

    def __iter__(self) -> Iterator[Batch]:
        if self._begun:
            self._epoch, self._position = self._epoch + 1, 0
        self._begun = True
        epoch, start = self._epoch, self._position
        batches = (
            self._from_workers(epoch, start)
            if self.num_workers
            else (self._convert(b) for b in self.core.batches(epoch, start=start))
        )
        for number, batch in enumerate(batches, start + 1):
            if self._epoch == epoch:
                self._position = number
            yield self._pin(batch) if self.pin_memory else batch

    def _from_workers(self, epoch: int, start: int) -> Iterator[Batch]:
        if self._workers is None:
            options = dict(self._options)
            options.setdefault("persistent_workers", True)
            if not self.core.in_memory:
                options.setdefault("prefetch_factor", 1)
            self._workers = DataLoader(
                _Parts(self.core, self._convert),
                batch_size=None,
                sampler=self._queue,
                num_workers=self.num_workers,
                # of its own: how many workers there are changes no draw of the network's
                generator=torch.Generator().manual_seed(self.core.options.seed),
                **options,
            )
        plan = self.core.plan(epoch)
        if self.core.in_memory:
            rows = [s.rows for s in plan.segments]
            order = np.concatenate(rows) if rows else np.zeros(0, np.int64)
            self._queue.items = [
                (epoch, Segment(np.zeros(1, np.int64), order[begin:end]))
                for begin, end in pairwise(plan.bounds[start:].tolist())
            ]
            yield from self._handed_over()
            return
        self._queue.items = [(epoch, s) for s in plan.segments[plan.segment_of(start) :]]
        pieces = ({k: v.numpy() for k, v in piece.items()} for piece in self._handed_over())
        for arrays in self.core.recut(plan, pieces, start=start):
            yield self._convert(arrays)

    def _handed_over(self) -> Iterator[Any]:
        assert self._workers is not None
        try:
            yield from unpacked(self._workers)
        except Exception:
            self._workers = None
            raise

    def _pin(self, batch: Batch) -> Batch:
        return _each(batch, torch.Tensor.pin_memory)


def on_device(batches: Iterable[Batch], device: torch.device | str) -> Iterator[Batch]:
    """Yield batches on a device; on a GPU the next is copied while one is used.

    Batches that lie in page-locked memory (``pin_memory=True``) are copied by a stream of their
    own; others are put there first. Lightning copies pinned batches without blocking by itself.

    Parameters
    ----------
    batches : iterable of dict or tuple of Tensor
        A loader.
    device : torch.device or str
        Where batches are wanted.

    Yields
    ------
    dict or tuple of Tensor
        The batches, in order.

    Examples
    --------
    >>> [batch["y"].tolist() for batch in on_device([{"y": torch.arange(2)}], "cpu")]
    [[0, 1]]
    """
    place = torch.device(device)
    if place.type != "cuda":
        for batch in batches:
            yield _each(batch, lambda v: v.to(place))
        return
    copying = torch.cuda.Stream(place)  # type: ignore[no-untyped-call]
    ahead: tuple[Batch, torch.cuda.Event] | None = None
    for batch in batches:
        locked = _each(batch, lambda v: v if v.is_pinned() else v.pin_memory())
        with torch.cuda.stream(copying):
            moved = _each(locked, lambda v: v.to(place, non_blocking=True))
        copied = copying.record_event()
        if ahead is not None:
            yield _arrived(*ahead)
        ahead = moved, copied
    if ahead is not None:
        yield _arrived(*ahead)


def _arrived(batch: Batch, copied: torch.cuda.Event) -> Batch:
    """Let the stream in use wait for a copy, and keep the copy's memory until it is done with."""
    using = torch.cuda.current_stream()
    using.wait_event(copied)
    for tensor in batch.values() if isinstance(batch, dict) else batch:
        tensor.record_stream(using)
    return batch


def _each(batch: Batch, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
    if isinstance(batch, tuple):
        return tuple(change(v) for v in batch)
    return {k: change(v) for k, v in batch.items()}


def _as_tensor(value: object, dtype: torch.dtype | None) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        tensor = value
    else:
        array: NDArray[np.generic] = np.asarray(value)
        if array.dtype.kind == "S":
            array = array.view(np.uint8)
        elif array.dtype == np.float64 and dtype is None:
            array = array.astype(np.float32)
        tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor if dtype is None else tensor.to(dtype)


@old_call("seqdata.get_torch_dataloader", translate=in_one_transform, error=SeqdataError)
def get_torch_dataloader(
    sdata: xr.Dataset,
    sample_dims: str | Sequence[str] = "_sequence",
    variables: str | Sequence[str] | None = None,
    transform: Transform | None = None,
    dtypes: torch.dtype | Mapping[str, torch.dtype] | None = None,
    *,
    return_tuples: bool = False,
    batch_size: int = 1,
    shuffle: bool = False,
    seed: int = 0,
    sampler: RowSampler | Order | Callable[[int], Order] | None = None,
    weights: str | Sequence[float] | NDArray[np.generic] | None = None,
    batch_sampler: Iterable[Sequence[int]] | None = None,
    indices: Order | None = None,
    num_workers: int = 0,
    pin_memory: bool = False,
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
    cache_dir: str | Path | None = None,
    engine: Literal["auto", "zarr"] = "auto",
    buffer_bytes: int = BUFFER_LIMIT,
    prefetch: bool = True,
    generator: torch.Generator | None = None,
    timeout: float = 0.0,
    worker_init_fn: Callable[[int], None] | None = None,
    multiprocessing_context: object = None,
    prefetch_factor: int | None = None,
    persistent_workers: bool = True,
) -> SequenceLoader:
    """Return a loader of batches of tensors.

    A dataset in memory is gathered by row numbers, and so is one that is decoded into mapped files
    (``cache="memmap"``). Windows of `seqdata.open_regions` are cut from the genome's files batch by
    batch. A store on disk is streamed: stored blocks are visited in random order, as many as the
    buffer holds are read whole, and rows are permuted within the buffer. Every row comes exactly
    once an epoch. The first three kinds share one order for a seed; that of a streamed store
    depends on its blocks and the buffer besides.

    Parameters
    ----------
    sdata : xarray.Dataset
        The dataset, in memory or lazy as `seqdata.open_zarr` returns it.
    sample_dims : str or sequence of str
        Dimensions indexed by a row number. With ``["_sequence", "_sample"]`` every pair of a
        sequence and a sample is a row.
    variables : str, sequence of str, or None
        Variables to put in a batch; default all numbers and sequences with a sample dimension.
    transform : callable or None
        Function of a dictionary of arrays that returns a dictionary. It sees sequences as
        letters (S1), as `seqpro` takes them.
    dtypes : torch.dtype, mapping of str to torch.dtype, or None
        Types of the tensors. By default 64-bit floats become 32-bit and the rest stays.
    return_tuples : bool
        Whether a batch is a tuple in the order of ``variables`` instead of a dictionary.
    batch_size : int
        Rows in a batch.
    shuffle : bool
        Whether rows come in a new random order every epoch.
    seed : int
        Seed of the order, the jitter and the strand.
    sampler : RatioSampler, WeightedSampler, iterable of int, callable, or None
        Chooses the rows of every epoch, for example all peaks and as many negatives; ``shuffle``
        says whether those are permuted. Or row numbers in the order to visit; a callable is given
        the epoch and returns them.
    weights : str, sequence of float, or None
        Variable of one weight a row, or the weights: rows are drawn by them with replacement, as
        `WeightedSampler` does.
    batch_sampler : iterable of sequences of int, or None
        Row numbers of every batch.
    indices : sequence of int, mask of bool, or None
        Rows to visit; default all.
    num_workers : int
        Worker processes. With 0 batches are made in this process, which is fastest unless
        ``transform`` is slow.
    pin_memory : bool
        Whether tensors are put in page-locked memory, where there is a GPU.
    drop_last : bool
        Whether to leave out the last, smaller batch.
    length : int or None
        Positions (bp) in a window where ``max_jitter`` is given; default what is stored, less
        the jitter on both sides.
    lengths : mapping of str to int, or None
        Positions (bp) shown of single variables, cut around the middle of the same window.
    max_jitter : int or None
        Largest shift (bp) of a window to either side. 0 cuts the middle out of rows that were
        stored with room for jitter; None returns rows as they are stored.
    rc_prob : float
        Chance that a row is shown as its other strand: sequences reverse-complemented, all else
        reversed along the length, and paired strands swapped.
    index : str or None
        Name under which a batch carries its row numbers (int64).
    rank, world_size : int
        Which of how many parts of every epoch to serve. Parts are equally long: the last ones
        repeat rows, or, with ``drop_last``, a remainder is left out. Ranks take turns at rows, so
        that their batches together are one process's batch of that size; while streaming, each
        has blocks of its own.
    in_memory : bool or None
        Whether to read everything at once; by default up to 512 MiB.
    cache : {"memmap"} or None
        ``"memmap"`` decodes lazy variables once into .npy files and reads rows of these where they
        lie: any order at nearly the speed of memory, for uncompressed room on disk. Files of a
        local store are kept and used again until the store changes; what was computed from a
        store is decoded anew.
    cache_dir : path or None
        Where those files are kept; default the cache directory.
    engine : {"auto", "zarr"}
        Accepted for compatibility; both read shards as this package writes them straight into the
        buffer, and other arrays by zarr.
    buffer_bytes : int
        Bytes held while streaming, both buffers together; two stored blocks at least.
    prefetch : bool
        Whether a thread reads ahead while streaming.
    generator : torch.Generator or None
        Its initial seed is used in place of ``seed``.
    timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers
        As in `torch.utils.data.DataLoader`; used where there are worker processes.

    Returns
    -------
    SequenceLoader
        Iterable with ``len``, ``set_epoch``, ``state_dict`` and ``load_state_dict``. Sequences
        are uint8 ASCII codes, shape (batch, length).

    Raises
    ------
    SeqdataError
        For unknown variables, rows out of range, or settings that contradict each other.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> letters = np.array([list("ACGT"), list("GGCC"), list("TTTT")], dtype="S1")
    >>> ds = xr.Dataset(
    ...     {"seq": (("_sequence", "_length"), letters), "y": ("_sequence", [0.0, 1.0, 2.0])}
    ... )
    >>> loader = get_torch_dataloader(ds, "_sequence", ["seq", "y"], batch_size=2)
    >>> [tuple(batch["seq"].shape) for batch in loader]
    [(2, 4), (1, 4)]
    """
    dims = [sample_dims] if isinstance(sample_dims, str) else list(sample_dims)
    if variables is None:
        variables = [
            str(name)
            for name, v in sdata.data_vars.items()
            if (set(dims) & set(v.dims) or is_ragged(sdata, str(name), dims))
            and (v.dtype.kind in "biuf" or v.dtype == "S1")
        ]
    names = [variables] if isinstance(variables, str) else list(variables)
    unknown = [name for name in names if name not in sdata.variables]
    if unknown:
        known = [str(v) for v in sdata.variables]
        hints = "".join(
            f" {name!r} is not in the dataset.{did_you_mean(name, known)}" for name in unknown
        )
        raise SeqdataError(f"variables:{hints}")
    sdata, names = with_lengths(sdata, names, dims)
    if weights is not None:
        if sampler is not None:
            raise SeqdataError("give only one of `sampler` and `weights`.")
        sampler = WeightedSampler(weights)
    if engine not in ("auto", "zarr"):
        raise SeqdataError(
            f"engine is {engine!r}: expected 'auto' or 'zarr'. Shards are read by this package "
            "itself, which took half the time of tensorstore: leave `engine` away."
        )
    options = LoaderOptions(
        variables=names,
        sample_dims=dims,
        batch_size=batch_size,
        indices=indices,
        sampler=sampler,
        batch_sampler=batch_sampler,
        shuffle=shuffle,
        seed=seed if generator is None else generator.initial_seed() % 2**63,
        drop_last=drop_last,
        length=length,
        lengths=lengths or {},
        max_jitter=max_jitter,
        rc_prob=rc_prob,
        index=index,
        rank=rank,
        world_size=world_size,
        in_memory=in_memory,
        cache=cache,
        cache_dir=None if cache_dir is None else Path(cache_dir),
        buffer_bytes=buffer_bytes,
        prefetch=prefetch,
    )
    workers: dict[str, Any] = {"persistent_workers": persistent_workers, "timeout": timeout}
    if worker_init_fn is not None:
        workers["worker_init_fn"] = worker_init_fn
    if multiprocessing_context is not None:
        workers["multiprocessing_context"] = multiprocessing_context
    if prefetch_factor is not None:
        workers["prefetch_factor"] = prefetch_factor
    return SequenceLoader(
        Loader(sdata, options),
        transform=transform,
        dtypes=dtypes,
        return_tuples=return_tuples,
        num_workers=num_workers,
        pin_memory=pin_memory,
        worker_options=workers,
    )
