"""What goes to the worker processes of a loader, and comes back from them."""

from __future__ import annotations

import contextlib
import pickle
import shutil
from collections.abc import Iterable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any

from seqdata.errors import WorkerError
from seqdata.loading._order import Segment


class Queue:
    """Rows handed to the worker processes, set anew for every epoch.

    The rows themselves travel: a sampler that draws would draw otherwise in every worker.
    """

    def __init__(self) -> None:
        self.items: list[tuple[int, Segment]] = []

    def __iter__(self) -> Iterator[tuple[int, Segment]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def packed(parts: Any) -> bytes:
    """Pickle tensors, their values in shared memory, where an error is passed on.

    The queue of a worker would do so in a thread that drops what it cannot pickle, and the loader
    would wait for it for ever.

    Parameters
    ----------
    parts : dict or tuple of Tensor
        A batch, or a piece of one.

    Returns
    -------
    bytes

    Raises
    ------
    WorkerError
        If there is no room in the shared memory.
    """
    try:
        return bytes(ForkingPickler.dumps(parts))
    except RuntimeError as error:
        if not any(word in str(error) for word in ("shared memory", "shm", "No space left")):
            raise
        tensors = parts.values() if isinstance(parts, dict) else parts
        size = sum(v.numel() * v.element_size() for v in tensors) / 1e6
        free = ""
        with contextlib.suppress(OSError):
            free = f" ({shutil.disk_usage('/dev/shm').free / 1e6:.1f} MB free)"
        raise WorkerError(
            f"there is no room in the shared memory /dev/shm{free} for the {size:.1f} MB that a "
            f"worker process hands over ({error}). Make it larger (docker run --shm-size=2g), or "
            "choose num_workers=0, a smaller batch_size, or smaller buffer_bytes."
        ) from error


def unpacked(loader: Iterable[bytes]) -> Iterator[Any]:
    """Yield what worker processes hand over; the workers end with the first error.

    Parameters
    ----------
    loader : torch DataLoader
        Yields what :func:`packed` made.

    Yields
    ------
    dict or tuple of Tensor

    Raises
    ------
    WorkerError
        If a worker process dies.
    """
    try:
        for parts in loader:
            yield pickle.loads(parts)
    except Exception as error:
        running = getattr(loader, "_iterator", None)
        if running is not None:
            running._shutdown_workers()
        if isinstance(error, RuntimeError) and str(error).startswith("DataLoader worker"):
            raise WorkerError(
                f"{error} A worker process of the loader died: killed for its memory perhaps (then "
                "choose fewer num_workers or smaller buffer_bytes), or by another program."
            ) from error
        raise
