"""A step of a finished run, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eugene._folder import RunFolder
from eugene._step import steps
from eugene.config import load_run_config
from eugene.errors import EugeneError, did_you_mean
from eugene.runs import _pipeline as pipeline


def do_step(
    run_dir: str | Path,
    step: str,
    settings: Mapping[str, object] | None = None,
    *,
    overwrite: bool = False,
    progress: bool = False,
    device: str | None = None,
    allow_class_path: bool = False,
) -> RunFolder:
    """Do a step of a run that is trained, as its verb of the command line does.

    Parameters
    ----------
    run_dir : str or Path
        Folder of a run.
    step : str
        A step that comes after training, such as ``"grammar"``.
    settings : mapping, optional
        Keys of the step's section; the run's own where they are left out.
    overwrite : bool
        Do it again although it was done.
    progress : bool
        Whether bars are drawn.
    device : str, optional
        Where the network computes; the CPU by default.
    allow_class_path : bool
        Whether the run's file may name things by import path, and plugins.

    Returns
    -------
    RunFolder
        The run, with what the step wrote.

    Raises
    ------
    EugeneError
        If there is no such step, or it comes before training.
    RunExistsError
        If it was done and ``overwrite`` is not given.
    ConfigError
        If a setting is wrong.

    Examples
    --------
    >>> do_step("runs/first", "grammar", {"methods": ["saliency"], "n_per_label": 50}).path
    ... # doctest: +SKIP
    """
    later = {name: one for name, one in steps().items() if one.when != "train"}
    if step not in later:
        raise EugeneError(f"there is no step {step!r} after training{did_you_mean(step, later)}")
    folder = RunFolder.open(run_dir)
    section = later[step].section
    if settings and not section:
        raise EugeneError(f"the step {step!r} has no settings, got {', '.join(settings)}")
    config = load_run_config(
        folder.config,
        overrides={f"{section}.{key}": value for key, value in (settings or {}).items()},
        allow_class_path=allow_class_path,
    )
    run = pipeline.reopen(folder, config, overwrite=overwrite, progress=progress, device=device)
    pipeline.do_later(run, step, overwrite=overwrite)
    return run.folder
