"""Runs: one configuration, one folder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eugene._files import write_atomic as write_atomic
from eugene._folder import RunFolder as RunFolder
from eugene._step import Part as Part
from eugene._step import Step as Step
from eugene._step import step as step
from eugene._verb import Option as Option
from eugene._verb import Verb as Verb
from eugene.runs._versions import package_versions as package_versions
from eugene.runs._versions import versions as versions

if TYPE_CHECKING:
    from eugene.runs._data import build_store as build_store
    from eugene.runs._data import load_data as load_data
    from eugene.runs._input import read_input as read_input
    from eugene.runs._load import RunInfo as RunInfo
    from eugene.runs._load import load as load
    from eugene.runs._load import read_config as read_config
    from eugene.runs._recipe import run as run
    from eugene.runs._run import Run as Run

    STEPS: tuple[str, ...]
    """Names of the steps in their order."""

_NAMES = {
    "Run": "_run",
    "RunInfo": "_load",
    "build_store": "_data",
    "load": "_load",
    "load_data": "_data",
    "read_config": "_load",
    "read_input": "_input",
    "run": "_recipe",
}


def __getattr__(name: str) -> Any:
    if name == "STEPS":
        from eugene._step import steps

        return tuple(steps())
    if name in _NAMES:
        return getattr(importlib.import_module(f"eugene.runs.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'eugene.runs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
