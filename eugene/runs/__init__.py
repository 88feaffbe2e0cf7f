"""Runs: one configuration, one folder. Names are loaded when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene._files import write_atomic as write_atomic
    from eugene._folder import RunFolder as RunFolder
    from eugene._step import Part as Part
    from eugene._step import Step as Step
    from eugene._step import step as step
    from eugene._verb import Option as Option
    from eugene._verb import Verb as Verb
    from eugene.runs._data import build_store as build_store
    from eugene.runs._data import load_data as load_data
    from eugene.runs._input import read_input as read_input
    from eugene.runs._later import do_step as do_step
    from eugene.runs._load import RunInfo as RunInfo
    from eugene.runs._load import load as load
    from eugene.runs._load import read_config as read_config
    from eugene.runs._recipe import run as run
    from eugene.runs._run import Run as Run
    from eugene.runs._versions import package_versions as package_versions
    from eugene.runs._versions import versions as versions

    STEPS: tuple[str, ...]
    """Names of the steps in their order."""

_shown, __dir__ = facade(__name__)


def __getattr__(name: str) -> object:
    if name == "STEPS":
        from eugene._step import steps

        return tuple(steps())
    return _shown(name)
