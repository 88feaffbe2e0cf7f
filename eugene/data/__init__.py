"""From files or a dataset to the batches that a network is trained on.

`SequenceDataModule` turns a dataset into Lightning loaders; `sources` makes datasets from tables,
FASTA files, genome regions and stores, as the ``data`` section of a run names them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eugene.data._summary import summarise as summarise
    from eugene.data.module import SequenceDataModule as SequenceDataModule

__all__ = ["SequenceDataModule", "sources", "summarise"]

_NAMES = {
    "SequenceDataModule": "eugene.data.module:SequenceDataModule",
    "summarise": "eugene.data._summary:summarise",
}


def __getattr__(name: str) -> Any:
    if name == "sources":
        return importlib.import_module("eugene.data.sources")
    if name in _NAMES:
        where, _, attribute = _NAMES[name].partition(":")
        return getattr(importlib.import_module(where), attribute)
    message = f"module 'eugene.data' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
