"""Clients of dask that a test leaves behind: later tests would read their stores by them.

A client that could not start is one of them: it has made itself the one that dask computes by
before it fails, and whoever computes next waits for ever.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client


def open_clients() -> list[Client]:
    """Return the clients that dask may compute by, oldest first; nothing is imported for it."""
    module = sys.modules.get("distributed.client")
    clients = [] if module is None else [c for _, c in sorted(module._global_clients.items())]
    return [client for client in clients if client.status != "closed"]


def _scheduler() -> object:
    dask = sys.modules.get("dask")
    return None if dask is None else dask.config.get("scheduler", None)


@contextlib.contextmanager
def none_left() -> Iterator[list[str]]:
    """Close the clients that are new at the end, the newest first, and compute as before.

    Yields
    ------
    list of str
        Empty; at the end it says what was left.
    """
    said: list[str] = []
    before, scheduler = open_clients(), _scheduler()
    yield said
    left = [client for client in open_clients() if not any(client is one for one in before)]
    for client in reversed(left):
        said.append(repr(client))
        client.close(timeout=5)
    if _scheduler() != scheduler:
        said.append(f"the scheduler {_scheduler()!r}")
        sys.modules["dask"].config.set(scheduler=scheduler)
