"""Defaults that a session can change: ``eu.settings.batch_size = 256``.

Values are read when a function is called, never when it is defined. As a context manager the
change is undone at the end::

    with eu.settings(batch_size=256, seed=1):
        ...
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from eugene.errors import DataError, EugeneError, did_you_mean
from seqpro.family import PAGE


@dataclass
class Settings:
    """The settings and what they start as.

    Attributes
    ----------
    seed : int
        Seed where none is given.
    batch_size : int
        Sequences at a time in training and prediction.
    accelerator : str
        Lightning's accelerator; ``"auto"`` takes a GPU where there is one.
    dl_num_workers : int
        Processes that load data; 0 loads in the process itself.
    progress_bar : bool or None
        Whether to draw progress bars; None draws them on terminals only. False leaves out the
        line an epoch, too.
    dpi : int
        Resolution of figures in dots per inch.
    rc_context : dict
        Matplotlib parameters used while drawing.
    dataset_dir, logging_dir, output_dir, config_dir, figure_dir : pathlib.Path
        Where files go and bare names are looked for.

    EUGENe's ``gpus`` is understood: 0 for the CPU. Its ``verbosity``, ``progress_bar_style`` and
    ``dl_pin_memory_gpu_training`` are kept and decide nothing.
    """

    seed: int = 13
    batch_size: int = 128
    accelerator: str = "auto"
    dl_num_workers: int = 0
    progress_bar: bool | None = None
    dpi: int = 300
    rc_context: dict[str, object] = field(default_factory=dict)
    dataset_dir: Path = Path("eugene_data")
    logging_dir: Path = Path("eugene_logs")
    output_dir: Path = Path("eugene_output")
    config_dir: Path = Path("eugene_configs")
    figure_dir: Path = Path("eugene_figures")


_NAMES = tuple(f.name for f in fields(Settings))
# EUGENe's settings that decide nothing here, and what they started as
_UNHEARD: dict[str, object] = {
    "dl_pin_memory_gpu_training": False,
    "logging_level": "warning",
    "progress_bar_style": "tqdm",
    "verbosity": 0,
}
_LOWEST = {"batch_size": 1, "dl_num_workers": 0, "dpi": 1, "seed": 0}


def _accelerator_for(gpus: object) -> str:
    """Return the accelerator that EUGENe's ``gpus`` asks for."""
    if isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 0:
        raise EugeneError(
            f"settings.gpus is a number of GPUs, 0 for the CPU, got {gpus!r}; see {PAGE}"
        )
    return "gpu" if gpus else "cpu"


def _checked(name: str, value: Any) -> Any:
    if name not in _NAMES:
        raise EugeneError(f"there is no setting {name!r}{did_you_mean(name, _NAMES)}")
    if name.endswith("_dir"):
        return Path(value)
    if name in _LOWEST:
        lowest = _LOWEST[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise EugeneError(
                f"settings.{name} must be a whole number of at least {lowest}, got {value!r}"
            )
    return value


def _gpu_there() -> bool:
    import torch

    return torch.cuda.is_available()


class _SettingsModule(ModuleType):
    """The module itself, with the settings as its attributes."""

    _current: Settings

    def __getattr__(self, name: str) -> Any:
        if name in _NAMES:
            return getattr(self.__dict__["_current"], name)
        if name == "gpus":
            return int(self.accelerator != "cpu" and _gpu_there())
        if name in _UNHEARD:
            return _UNHEARD[name]
        raise AttributeError(f"settings have no {name!r}{did_you_mean(name, _NAMES)}")

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name == "gpus":
            self.accelerator = _accelerator_for(value)
        elif name in _UNHEARD:
            _UNHEARD[name] = value
        else:
            setattr(self.__dict__["_current"], name, _checked(name, value))

    def __dir__(self) -> list[str]:
        return sorted({*_NAMES, "reset", "session_seed", "settings", "Settings"})

    @contextlib.contextmanager
    def __call__(self, **changes: object) -> Iterator[Settings]:
        """Change settings until the end of a ``with`` block."""
        if "gpus" in changes:
            changes["accelerator"] = _accelerator_for(changes.pop("gpus"))
        told = {name: changes.pop(name) for name in [*changes] if name in _UNHEARD}
        checked = {name: _checked(name, value) for name, value in changes.items()}
        _UNHEARD.update(told)
        before = self.__dict__["_current"]
        super().__setattr__("_current", replace(before, **checked))
        try:
            yield self.__dict__["_current"]
        finally:
            super().__setattr__("_current", before)


def reset() -> None:
    """Put every setting back to what it started as.

    Examples
    --------
    >>> import eugene as eu
    >>> with eu.settings(batch_size=7):
    ...     eu.settings.batch_size
    7
    >>> eu.settings.batch_size
    128
    """
    sys.modules[__name__].__dict__["_current"] = Settings()


def session_seed(seed: int | None, name: str = "seed") -> int:
    """Return a seed that every generator takes; where none is given, that of the session.

    Parameters
    ----------
    seed : int or None
        The seed; None for ``settings.seed``.
    name : str
        Its name, for the message.

    Returns
    -------
    int
        From 0 to 2**63 - 1.

    Raises
    ------
    DataError
        If it is no such number.

    Examples
    --------
    >>> session_seed(7), session_seed(None)
    (7, 13)
    """
    given = settings.seed if seed is None else seed
    index = None if isinstance(given, bool) else getattr(given, "__index__", None)
    whole = -1 if index is None else int(index())
    if not 0 <= whole < 2**63:
        raise DataError(f"{name} is {given!r}: expected a whole number from 0 to 2**63 - 1.")
    return whole


_current = Settings()
settings = sys.modules[__name__]
settings.__class__ = _SettingsModule
