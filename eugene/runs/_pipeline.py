"""A whole run, or one step of it, with the rules about what may be overwritten."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from eugene._folder import RunFolder
from eugene._holding import follows, holding
from eugene._step import Step, steps
from eugene.config import RunConfig, value_at
from eugene.errors import ConfigError, DoesNotApplyError, Problem, RunExistsError
from eugene.runs._data import other_folder, same_source, same_values
from eugene.runs._load import read_config, require_single, require_trained, resolved_config
from eugene.runs._run import Baselines, Run, logger

if TYPE_CHECKING:
    import pytorch_lightning as pl

_TRAINED_WITH = ("seed", "data", "model", "module", "augment", "trainer", "stages")
_KEPT_SECTIONS = ("baselines", "evaluate", "interpret")
_MAY_CHANGE = frozenset(
    {
        "max_epochs",
        "patience",
        "accelerator",
        "devices",
        "strategy",
    }
)


class Options(TypedDict, total=False):
    """How a run is done, beside its configuration; see `prepare`."""

    overwrite: bool
    resume: bool
    progress: bool
    device: str | None


class Shared(Options, total=False):
    """The same for one of several runs that share data and baselines."""

    store: RunFolder | None
    baselines: Baselines | None
    callbacks: Sequence[pl.Callback]


def default_folder(config: RunConfig) -> Path:
    """Return the folder of a run: what its file says, else ``runs/<name>``."""
    chosen = config.tree.get("run_dir")
    return Path(str(chosen)) if chosen else Path("runs") / config.name


def following(config: RunConfig) -> bool:
    """Tell whether this process takes part in a training that another one leads."""
    trainer = config.section("trainer")
    alone = {"devices": 1, "strategy": "auto", "num_nodes": 1}
    return follows(**{key: trainer.get(key, value) for key, value in alone.items()})


@contextlib.contextmanager
def working(config: RunConfig, path: Path) -> Iterator[None]:
    """Keep everybody else away from a run folder, apart from those who follow.

    Parameters
    ----------
    config : RunConfig
        The run.
    path : Path
        Its folder.

    Raises
    ------
    RunExistsError
        If another process is at work in it.
    """
    with contextlib.nullcontext() if following(config) else holding(path):
        yield


def _flat(value: object, path: str = "$") -> dict[str, object]:
    if isinstance(value, dict):
        found: dict[str, object] = {}
        for key, item in value.items():
            found |= _flat(item, f"{path}.{key}")
        return found
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return {
            k: v for i, item in enumerate(value) for k, v in _flat(item, f"{path}[{i}]").items()
        }
    return {path: value}


def require_same(
    folder: RunFolder, config: RunConfig, sections: Iterable[str], *, allow: Iterable[str] = ()
) -> None:
    """Raise if a configuration is not the one that a folder was made with.

    Parameters
    ----------
    folder : RunFolder
        Has a ``config.yaml``.
    config : RunConfig
        What is asked for now.
    sections : iterable of str
        Sections that must agree.
    allow : iterable of str, optional
        Last keys that may differ.

    Raises
    ------
    ConfigError
        With every difference.
    """
    problems = _changes(folder, config, sections, set(allow))
    if problems:
        raise ConfigError(problems)


def _changes(
    folder: RunFolder, config: RunConfig, sections: Iterable[str], allow: Set[str] = frozenset()
) -> list[Problem]:
    """Return what differs between a configuration and the one that a folder was made with."""
    before = resolved_config(folder).tree
    sources = folder.store.state().get("sources") or {}
    problems = []
    for name in sections:
        old = _flat(before.get(name), f"$.{name}")
        new = _flat(config.tree.get(name), f"$.{name}")
        for path in dict.fromkeys([*old, *new]):
            changed = not same_values(old.get(path), new.get(path), sources)
            if changed and path.rpartition(".")[2] not in allow:
                message = (
                    f"the run in {folder.path} was made with {old.get(path)!r}, now it is "
                    f"{new.get(path)!r}; use the run's own value, or --overwrite to train anew"
                )
                problems.append(Problem(path, message, config.document.where(path)))
    return problems


def require_resumable(folder: RunFolder, config: RunConfig) -> None:
    """Raise if a run cannot go on, or be trained for longer, with a configuration.

    Raises
    ------
    ConfigError
        With every difference.
    """
    require_same(folder, config, _TRAINED_WITH, allow=_MAY_CHANGE)


def prepare(
    config: RunConfig,
    path: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    store: RunFolder | None = None,
    progress: bool = False,
    baselines: Baselines | None = None,
    later: Iterable[str] = (),
    device: str | None = None,
    callbacks: Sequence[pl.Callback] = (),
) -> Run:
    """Make or reopen a run folder and see that data and network fit together.

    Parameters
    ----------
    config : RunConfig
        The run.
    path : Path
        Its folder.
    overwrite, resume : bool, optional
        What to do about a run that is already there.
    store : RunFolder, optional
        Folder whose data store is shared.
    progress : bool, optional
        Whether bars are drawn.
    baselines : dict, optional
        See `Run`.
    later : iterable of str, optional
        Steps that are to follow: what they need is looked for now.
    device : str, optional
        Where the trained network computes; the CPU by default.
    callbacks : sequence of pytorch_lightning.Callback, optional
        What else listens to the training.

    Returns
    -------
    Run
        Ready to train. If anything is wrong, the disk is as it was before.

    Raises
    ------
    RunExistsError
        If a run is there and neither ``overwrite`` nor ``resume`` is given.
    """
    if config.tree.get("replicates"):
        message = (
            "asks for a training a seed or fold, and this trains one network: 'eugene run' does "
            "all of them; leave the section out to train one"
        )
        raise config.fail("$.replicates", message)
    folder = RunFolder(path)
    if following(config):
        if not _is_trained(folder, config, resume=resume):
            folder.follow()
        return Run(config, folder, store=store, progress=False, baselines=baselines)
    folder.remove_stale()
    if resume:
        require_single(folder)
    continued = folder.is_run() and resume
    if continued and folder.config.is_file():
        require_resumable(folder, config)
    with (
        folder.begun(overwrite=overwrite, resume=resume),
        folder.unless_refused() if continued else contextlib.nullcontext(),
    ):
        run = Run(
            config,
            folder,
            store=store,
            progress=progress,
            baselines=baselines,
            device=device,
            callbacks=callbacks,
        )
        steps()["data"](run, later=later)
    return run


def _is_trained(folder: RunFolder, config: RunConfig, *, resume: bool) -> bool:
    """Tell whether a resumed run has nothing left to train."""
    if not (resume and folder.status("fit") == "done" and folder.weights.is_file()):
        return False
    before = resolved_config(folder).tree
    return all(before.get(key) == config.tree.get(key) for key in ("trainer", "stages"))


def is_finished(config: RunConfig, path: Path, later: Iterable[str]) -> bool:
    """Tell whether a run is there, trained as asked for, with all its steps done.

    Parameters
    ----------
    config : RunConfig
        The run.
    path : Path
        Its folder.
    later : iterable of str
        Steps after training.
    """
    folder = RunFolder(path)
    if not folder.config.is_file() or not _is_trained(folder, config, resume=True):
        return False
    if _changes(folder, config, _TRAINED_WITH):
        return False
    done = folder.state().get("steps", {})
    entries = {name: done.get(name, {}) for name in later}
    return all(
        entry.get("status") == "done" and entry.get("settings") == settings_of(config, name)
        for name, entry in entries.items()
    )


def fit_run(run: Run, *, resume: bool = False) -> None:
    """Train a prepared run unless it is already trained.

    Parameters
    ----------
    run : Run
        From `prepare`.
    resume : bool, optional
        Whether a finished training is left as it is and an unfinished one continued.
    """
    folder = run.folder
    if _is_trained(folder, run.config, resume=resume):
        return
    fit = steps()["fit"]
    if not resume:
        fit(run)
        return
    done = folder.status("fit") == "done"
    results = ("predictions.zarr", "attributions.zarr", "evaluation.json", "interpretation")
    forget = tuple(name for name, step in steps().items() if step.when != "train")
    with folder.unless_refused(*(results if done else ()), forget=forget if done else ()):
        fit(run, resume=True)


def later_step(run: Run, name: str, *, overwrite: bool = False, along: bool = True) -> None:
    """Do one step of a trained run.

    Parameters
    ----------
    run : Run
        Trained.
    name : str
        A step that comes after training.
    overwrite : bool, optional
        Do it again although it was done.
    along : bool, optional
        Whether the steps that go along with it follow at once.

    Raises
    ------
    RunExistsError
        If it was done and ``overwrite`` is not given.
    """
    step = steps()[name]
    if name != "report":
        require_trained(run.network)
    done = run.folder.status(name) == "done" and _was_for(run, name) == run.other_data
    # what is beside the run is not the run's: it is done again for the asking
    done = done and run.folder.path == run.network.path
    if done and not overwrite and not step.again:
        message = f"the step {name!r} of {run.folder.path} is done; give --overwrite to do it again"
        raise RunExistsError(message)
    _require_before(run, step)
    step(run)
    if run.folder.status(name) is not None:
        run.folder.record(name, settings=settings_of(run.config, name), other_data=run.other_data)
    if along:
        _go_along(run, [name])


def _go_along(run: Run, done: Collection[str]) -> None:
    """Do the steps that follow others without being asked for, each once."""
    for step in steps().values():
        if set(step.along) & set(done):
            step(run)


def _along(name: str) -> list[str]:
    """Return the steps that follow a step without being asked for."""
    return [other.name for other in steps().values() if name in other.along]


def do_later(run: Run, name: str, *, overwrite: bool = False) -> None:
    """Do one step of a reopened run, alone in its folder, and keep the settings that it had.

    Parameters
    ----------
    run : Run
        From `reopen`.
    name : str
        A step that comes after training.
    overwrite : bool, optional
        Do it again although it was done.
    """
    with holding(run.network.path):
        later_step(run, name, overwrite=overwrite)
        if run.other_data is None:
            keep_settings(run.folder, run.config)


def _require_before(run: Run, step: Step) -> None:
    """Raise where a step finds nothing of those that it builds on."""
    for other, what in step.needs.items():
        if not any((run.folder / written).exists() for written in steps()[other].writes):
            message = f"needs {what}: add '{other}:' beside it, or do 'eugene {other}' first"
            raise run.config.fail(f"$.{step.section}", message)


def _was_for(run: Run, step: str) -> object:
    """Return the other data that a step was done for last, or None for the run's own."""
    return run.folder.state().get("steps", {}).get(step, {}).get("other_data")


def settings_of(config: RunConfig, step: str) -> dict[str, object]:
    """Return the sections of a configuration that a step is done with."""
    return {section: value_at(config.tree, section) for section in steps()[step].done_with}


def _settings_changed(run: Run, step: str, before: RunConfig | None) -> list[str]:
    """Return what differs between the settings of a finished step and those asked for."""
    entry = run.folder.state().get("steps", {}).get(step, {})
    if entry.get("other_data") is not None:
        return [f"it was done for {entry['other_data']}"]
    old = entry.get("settings")
    if old is None:  # of a version that did not write them down
        old = settings_of(before, step) if before is not None else settings_of(run.config, step)
    flat_old, flat_new = _flat(old), _flat(settings_of(run.config, step))
    return [
        f"{path[2:]} was {flat_old.get(path)!r}, now it is {flat_new.get(path)!r}"
        for path in dict.fromkeys([*flat_old, *flat_new])
        if flat_old.get(path) != flat_new.get(path)
    ]


def keep_settings(folder: RunFolder, config: RunConfig) -> None:
    """Write what later steps are done with into the run's configuration."""
    before = read_config(folder)
    changed = {k: config.tree.get(k) for k in _KEPT_SECTIONS if config.tree.get(k) is not None}
    kept = RunConfig({**before.tree, **changed}, before.document, config.allow_class_path)
    if kept.tree != before.tree:
        folder.write_text("config.yaml", kept.to_yaml())


def reopen(
    folder: RunFolder,
    config: RunConfig,
    *,
    overwrite: bool = False,
    progress: bool = False,
    device: str | None = None,
) -> Run:
    """Return a trained run for a later step.

    On data that it was not trained on, results have a folder of their own inside the run's, and
    the run's own data and results stay what they are; ``overwrite`` puts the results in place of
    the run's own, never the data.

    Parameters
    ----------
    folder : RunFolder
        The run.
    config : RunConfig
        What is asked for, perhaps with other data.
    overwrite : bool, optional
        Replace the results of the run.
    progress : bool, optional
        Whether bars are drawn.
    device : str, optional
        Where the network computes.

    Returns
    -------
    Run
        Its network is trained.
    """
    options: dict[str, Any] = {"progress": progress, "device": device, "network": folder}
    if same_source(folder, config):
        run = Run(config, folder, **options)
        run.check_rows()
        return run
    other = other_folder(folder, config)
    where = f"what is computed is in {other.path}, and the run's own results stay"
    if overwrite:
        where = "--overwrite puts what is computed in place of the run's own results"
    logger.warning(
        "these are not the data that the run in %s was trained on: %s", folder.path, where
    )
    place = folder if overwrite else RunFolder.create(other.path, resume=True)
    return Run(config, place, store=other, **options)


def wanted_steps(config: RunConfig) -> list[str]:
    """Return the steps after training that a configuration asks for, in their order."""
    return [name for name, step in steps().items() if step.is_asked(config)]


def finish(
    run: Run, names: Iterable[str], *, resume: bool = False, before: RunConfig | None = None
) -> None:
    """Do the steps after training, leaving out what a resumed run has done with the same settings.

    Parameters
    ----------
    run : Run
        Trained.
    names : iterable of str
        Steps that come after training.
    resume : bool, optional
        Whether finished steps are left as they are, if they were done with the settings that are
        asked for now.
    before : RunConfig, optional
        What the run was made with until now.
    """
    done: list[str] = []
    for name in names:
        if name == "report":
            _go_along(run, done)
            done = []
        if resume and run.folder.status(name) == "done" and not steps()[name].again:
            changed = _settings_changed(run, name, before)
            if not changed:
                # what goes along with it was not reached by a run that broke off
                if any(run.folder.status(other) != "done" for other in _along(name)):
                    done.append(name)
                continue
            run.check_rows()
            logger.warning("%s is done again: %s", name, "; ".join(changed))
        try:
            later_step(run, name, overwrite=True, along=False)
            run.folder.forget(*_along(name))
            done.append(name)
        except DoesNotApplyError as error:
            # there is nothing to do for this network, which is told, and the rest goes on
            logger.warning("%s is left out: %s", name, error)
            left_out = {"status": "done", "error": None, "skipped": str(error)}
            run.folder.record(name, settings=settings_of(run.config, name), **left_out)
    _go_along(run, done)


def train(
    config: RunConfig,
    path: Path,
    *,
    later: Iterable[str] | None = None,
    **options: Unpack[Shared],
) -> Run:
    """Train the network of a run, and do the steps that follow.

    Parameters
    ----------
    config : RunConfig
        The run.
    path : Path
        Its folder.
    later : iterable of str, optional
        Steps after training; without them the settings of later steps are not looked at.
    **options
        As in `prepare`.

    Returns
    -------
    Run
        Trained.
    """
    resume = options.get("resume", False)
    with working(config, path):
        existing = RunFolder(path)
        before = resolved_config(existing) if resume and existing.config.is_file() else None
        current = prepare(config, path, later=later or (), **options)
        fit_run(current, resume=resume)
        if later is not None and not following(config):
            keep_settings(current.folder, config)
            finish(current, later, resume=resume, before=before)
    return current
