"""Runs: one configuration, one folder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene._files import write_atomic as write_atomic
from eugene._folder import STEPS as STEPS
from eugene._folder import RunFolder as RunFolder
from eugene.runs._versions import package_versions as package_versions
from eugene.runs._versions import versions as versions

if TYPE_CHECKING:
    from eugene.runs._data import build_store as build_store
    from eugene.runs._data import load_data as load_data
    from eugene.runs._input import read_input as read_input
    from eugene.runs._load import RunInfo as RunInfo
    from eugene.runs._load import load as load
    from eugene.runs._load import read_config as read_config
    from eugene.runs._pipeline import run as run
    from eugene.runs._run import Run as Run

_NAMES = {
    "Run": "_run",
    "RunInfo": "_load",
    "build_store": "_data",
    "load": "_load",
    "load_data": "_data",
    "read_config": "_load",
    "read_input": "_input",
    "run": "_pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(f"eugene.runs.{_NAMES[name]}"), name)
    message = f"module 'eugene.runs' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
