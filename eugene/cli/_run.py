"""The verbs that work on runs."""

from __future__ import annotations

import contextlib
import glob
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._folder import RunFolder
from eugene._holding import holding
from eugene._step import steps
from eugene._table import copy_to
from eugene._verb import TRAIN_DEVICE
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.config import RunConfig, find_recipe, load_run_config
from eugene.errors import MissingFileError, UsageError

if TYPE_CHECKING:
    import xarray as xr

    from eugene.runs import Run
    from eugene.runs._pipeline import Options

_MAY_MOVE = (
    "path",
    "fasta",
    "bed",
    "bigwigs",
    "blacklist",
    "batch_size",
    "num_workers",
)


@contextlib.contextmanager
def spoken(call: Call) -> Iterator[None]:
    """Show what the steps say on stderr, and warnings in one line, unless asked to be quiet."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if not call.has("quiet"):
            sys.stderr.write(f"warning: {message}\n")

    shown = warnings.showwarning
    warnings.showwarning = show
    logger = logging.getLogger("eugene")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if call.has("quiet") else logging.INFO)
    try:
        yield
    finally:
        warnings.showwarning = shown
        logger.removeHandler(handler)
        logger.setLevel(level)


def load_config(
    call: Call,
    source: str | Path | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    searched: bool = False,
) -> RunConfig:
    """Read the configuration of a call with its overrides, and check all of it.

    Parameters
    ----------
    call : Call
        Carries ``--config`` and overrides; where these name the data, no file is needed.
    source : str or Path, optional
        The file, where the verb itself says which.
    defaults : mapping, optional
        Sections to take where the file leaves them out.
    searched : bool, optional
        Whether it has to hold a search space.

    Raises
    ------
    UsageError
        If neither names a file or the data.
    """
    chosen = source if source is not None else call.config_file
    if chosen is None and not {"data", "data.name"} & set(dict(call.overrides)):
        raise UsageError(
            f"'eugene {call.verb.name}' needs --config FILE.yaml, or --data.name NAME with what "
            f"the data source needs. Example: {call.verb.example}"
        )
    return load_run_config(
        None if chosen is None else find_recipe(chosen),
        overrides=(*call.overrides, *_training_device(call)),
        defaults=defaults,
        plugins=call.plugins,
        allow_class_path=call.has("allow_class_path"),
        searched=searched,
    )


def device_of(call: Call) -> str | None:
    """Return the device asked for, after a look whether it is there."""
    asked = call.get("device")
    if asked is None:
        return None
    import torch

    from eugene.modules._input import as_device

    found = as_device("cuda" if asked == "gpu" else asked, torch.device("cpu"))
    return str(found)


def _training_device(call: Call) -> tuple[tuple[str, str], ...]:
    """Return ``--device`` of a verb that trains as settings of the trainer."""
    if not any(option is TRAIN_DEVICE for option in call.verb.options):
        return ()
    device = device_of(call)
    if device is None:
        return ()
    kind, _, number = device.partition(":")
    accelerator = ("trainer.accelerator", {"cuda": "gpu"}.get(kind, kind))
    return (accelerator, ("trainer.devices", f"[{number}]")) if number else (accelerator,)


_SEVERAL = {".bw", ".bigwig", ".bedgraph"}
"""Forms of which a track makes a file, beside the one that is named."""


def check_out(call: Call, *suffixes: str) -> Path | None:
    """Return ``--out``, after a look at its suffix and place before anything is computed."""
    return check_path(call, "out", *suffixes)


def check_path(call: Call, option: str, *suffixes: str, default: str | None = None) -> Path | None:
    """Return a file that an option says is to be written, after a look at its suffix and place.

    Raises
    ------
    UsageError
        If its name ends in something else, its folder is not there, it is a folder, or it is there
        already and ``--overwrite`` is not given.
    """
    out = call.get(option) or default
    if out is None:
        return None
    flag, path = f"--{option}", Path(out)
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{flag} {out}: expected a name that ends in {' or '.join(suffixes)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{flag} {out}: the folder {path.absolute().parent} does not exist")
    if path.is_dir():
        raise UsageError(f"{flag} {out} is a folder; expected the name of a file")
    several = f"{glob.escape(path.stem)}.*{path.suffix}"  # a file for each output beside it
    beside = path.parent.glob(several) if path.suffix.lower() in _SEVERAL else ()
    there = next((p for p in (path, *beside) if p.exists()), None)
    if there is not None and not call.has("overwrite"):
        raise UsageError(f"{flag} {out}: {there} exists; give --overwrite to replace it")
    return path


def printed(call: Call, config: RunConfig) -> bool:
    """Print the configuration if that is all that is asked for, and tell whether it was."""
    if call.has("print_config"):
        sys.stdout.write(config.to_yaml())
        return True
    return False


def _trained(call: Call, config: RunConfig, *, whole: bool) -> RunFolder | None:
    """Train a run, and do the steps that follow; None if its configuration was only printed."""
    from eugene.runs._needs import require_files
    from eugene.runs._public import with_public_data

    with spoken(call):
        config = with_public_data(config)
    if printed(call, config):
        return None
    require_files(config)
    from eugene.runs import _pipeline as pipeline
    from eugene.runs import run as run_recipe

    options: Options = {
        "overwrite": call.has("overwrite"),
        "resume": call.has("resume"),
        "progress": call.progress,
        "device": device_of(call),
    }
    with spoken(call):
        if whole:
            return run_recipe(config, **options)
        return pipeline.train(config, pipeline.default_folder(config), **options).folder


def _whole(call: Call, config: RunConfig) -> int:
    folder = _trained(call, config, whole=True)
    if folder is not None and not folder.follows:
        show_results(folder)
    return 0


def fit_config(call: Call, config: RunConfig) -> int:
    """Do everything that a configuration asks for, and show what came of it."""
    return _whole(call, config)


def quickstart(call: Call) -> int:
    """Run the recipe ``quickstart``."""
    source = call.config_file or (call.words[0] if call.words else "quickstart")
    return _whole(call, load_config(call, source))


def run(call: Call) -> int:
    """Run a recipe: everything that it asks for."""
    if call.words and call.has("config"):
        raise UsageError(f"{call.words[0]} and --config {call.get('config')}: give one of them")
    return _whole(call, begun(call) if call.config_file is None else load_config(call))


def fit(call: Call) -> int:
    """Train."""
    config = begun(call) if call.config_file is None else load_config(call)
    folder = _trained(call, config, whole=False)
    if folder is None or folder.follows:
        return 0
    training = folder.state().get("training", {})
    best = training.get("best_score")
    score = "" if best is None else f", best {training.get('monitor')} {best:.4f}"
    say(f"trained {training.get('epochs')} epochs{score}: {folder.path}")
    return 0


def begun(call: Call, *, searched: bool = False) -> RunConfig:
    """Return the configuration of the folder that ``--resume DIR`` names, or of a recipe.

    Parameters
    ----------
    call : Call
        Names them.
    searched : bool, optional
        Whether it has to hold a search space.
    """
    named = call.run_dir
    if call.words and not Path(call.words[0]).is_dir():
        return load_config(call, call.words[0], searched=searched)
    if call.words and not call.has("resume"):
        raise UsageError(
            f"{named} is a folder: 'eugene {call.verb.name} {named} --resume' goes on with the "
            f"run in it, and 'eugene {call.verb.name} FILE.yaml' begins one"
        )
    if named is None or not call.has("resume"):
        return load_config(call, searched=searched)
    found = load_config(call, RunFolder.open(named).config, searched=searched)
    return found.replaced({"run_dir": str(named)})


def folder_of(call: Call) -> tuple[RunFolder, RunConfig]:
    """Return the run that a later step works on, with overrides applied."""
    from eugene.runs import _pipeline as pipeline

    named, source = call.run_dir, call.config_file
    if named is None and source is None:
        raise UsageError(
            f"'eugene {call.verb.name}' needs the run: a folder, or the FILE.yaml that it was "
            f"made with. Example: {call.verb.example}"
        )
    if source is not None:
        config = load_config(call, source)
        folder = RunFolder.open(named or pipeline.default_folder(config))
    else:
        folder = RunFolder.open(str(named))
        if not folder.config.is_file():
            message = f"{folder.path} has no config.yaml; begin it again with 'eugene fit'"
            raise MissingFileError(message)
        config = load_config(call, folder.config)
    pipeline.require_same(
        folder, config, ("seed", "data", "model", "module", "stages"), allow=_MAY_MOVE
    )
    return folder, config


def network_of(call: Call) -> tuple[RunFolder, RunConfig]:
    """Return the run, or the folder of `eugene.train.fit`, whose network a verb works with."""
    from eugene.config import Document
    from eugene.settings import settings

    named = call.run_dir
    if named is not None and RunFolder(named).trained_in_python:
        changed = [f"--{key}" for key, _ in call.overrides if key != "run_dir"]
        if changed or call.config_file is not None:
            raise UsageError(
                f"{named} was filled by eugene.train.fit and has no configuration: leave "
                f"{', '.join(changed) or 'the file'} out"
            )
        tree = {"name": Path(named).name, "seed": settings.seed}
        return RunFolder(named), RunConfig(tree, Document(tree))
    return folder_of(call)


def read_file(call: Call, folder: RunFolder) -> tuple[xr.Dataset, list[str]]:
    """Return the sequences of ``--input``, read as the run read its own, and their names."""
    from eugene.runs import read_input

    return read_input(
        folder.path,
        str(call.get("input")),
        seq_col=call.get("seq_col"),
        fasta=call.get("fasta"),
        allow_class_path=call.has("allow_class_path"),
    )


def reopened(call: Call) -> Run | None:
    """Return the trained run of a call, or ``None`` if its configuration was only printed."""
    folder, config = folder_of(call)
    if printed(call, config):
        return None
    from eugene.runs import _pipeline as pipeline

    return pipeline.reopen(
        folder,
        config,
        overwrite=call.has("overwrite"),
        progress=call.progress,
        device=device_of(call),
    )


def do_step(call: Call) -> int:
    """Do the step whose verb it is on the run that is named, and say what came of it."""
    from eugene.runs import _pipeline as pipeline

    verb = call.verb
    name = next(n for n, step in steps().items() if step.verb == verb)
    out = check_out(call, *verb.suffixes) if verb.suffixes else None
    with spoken(call):
        current = reopened(call)
        if current is None:
            return 0
        pipeline.do_later(current, name, overwrite=call.has("overwrite"))
    if out is not None and callable(verb.save):
        verb.save(current.folder, out)
    elif out is not None:
        copy_to(current.folder / str(verb.save), out)
    for line in verb.show(current.folder) if verb.show is not None else ():
        say(line)
    return 0


def report(call: Call) -> int:
    """Write the report."""
    out = check_out(call, ".html", ".htm")
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    from eugene.report import build

    keeps_steps = contextlib.nullcontext() if folder.trained_in_python else folder.step("report")
    with holding(folder.path), keeps_steps:
        build(folder.path, out=out)
    say(f"report: {folder.report if out is None else out}")
    return 0


def show_results(folder: RunFolder) -> None:
    """Print the chief figures of a run and where its report is."""
    from eugene.runs._results import result_lines

    for line in result_lines(folder):
        say(line)
