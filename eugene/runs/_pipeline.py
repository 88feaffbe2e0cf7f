"""A whole run, or one step of it, with the rules about what may be overwritten."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eugene import interpret
from eugene._folder import SECTIONS_OF, STEPS, RunFolder
from eugene._holding import follows, holding
from eugene.config import RunConfig, find_recipe, load_run_config
from eugene.config._config import Overrides
from eugene.errors import ConfigError, Problem, RunExistsError
from eugene.runs import _explain, _steps
from eugene.runs._data import other_folder, same_source, same_values
from eugene.runs._load import read_config, require_single, require_trained, resolved_config
from eugene.runs._needs import require_files, require_steps
from eugene.runs._run import Run, logger

LATER_STEPS: dict[str, Callable[[Run], Any]] = {
    name: getattr(_steps if name == "test" else _explain, f"{name}_step")
    for name in STEPS
    if name not in ("data", "fit")
}
"""Steps after training, in their order."""

_ALWAYS_AGAIN = frozenset({"truth", "report"})
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


def default_folder(config: RunConfig) -> Path:
    """Return the folder of a run: what its file says, else ``runs/<name>``."""
    chosen = config.tree.get("run_dir")
    return Path(str(chosen)) if chosen else Path("runs") / config.name


def following(config: RunConfig) -> bool:
    """Tell whether this process takes part in a training that another one leads."""
    trainer = config.section("trainer")
    return follows(devices=trainer.get("devices", 1), strategy=trainer.get("strategy", "auto"))


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


def _flat(value: Any, path: str = "$") -> dict[str, Any]:
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= _flat(item, f"{path}.{key}")
        return found
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
    before = resolved_config(folder).tree
    sources = folder.state().get("sources") or {}
    problems = []
    for name in sections:
        old = _flat(before.get(name), f"$.{name}")
        new = _flat(config.tree.get(name), f"$.{name}")
        for path in dict.fromkeys([*old, *new]):
            changed = not same_values(old.get(path), new.get(path), sources)
            if changed and path.rpartition(".")[2] not in set(allow):
                message = (
                    f"the run in {folder.path} was made with {old.get(path)!r}, now it is "
                    f"{new.get(path)!r}; use the run's own value, or --overwrite to train anew"
                )
                problems.append(Problem(path, message, config.document.where(path)))
    if problems:
        raise ConfigError(problems)


def prepare(
    config: RunConfig,
    path: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    store: RunFolder | None = None,
    progress: bool = False,
    baselines: dict[str, Any] | None = None,
    steps: Iterable[str] = (),
    device: str | None = None,
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
    steps : iterable of str, optional
        Steps that are to follow: what they need is looked for now.
    device : str, optional
        Where the trained network computes; the CPU by default.

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
            "asks for a training a seed, and this trains one network: 'eugene run' does all of "
            "them; leave the section out to train one"
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
        same = ("seed", "data", "model", "module", "trainer")
        require_same(folder, config, same, allow=_MAY_CHANGE)
    aside = folder.set_aside() if overwrite and not resume and folder.is_run() else None
    try:
        folder = RunFolder.create(path, resume=resume)
        run = Run(
            config, folder, store=store, progress=progress, baselines=baselines, device=device
        )
        kept = folder.unless_refused() if continued else contextlib.nullcontext()
        with kept, folder.step("data"):
            run.datamodule.input_len  # noqa: B018  builds the data
            module = run.new_module()
            run.check(module)
            check_outputs(run)
            require_steps(run, module, steps)
    except BaseException as error:
        if not continued and not isinstance(error, RunExistsError) and folder.is_run():
            folder.clear()
            folder.discard()
        if aside is not None:
            folder.take_back(aside)
        raise
    if aside is not None:
        RunFolder(aside).clear()
        aside.rmdir()
    return run


def _is_trained(folder: RunFolder, config: RunConfig, *, resume: bool) -> bool:
    """Tell whether a resumed run has nothing left to train."""
    if not (resume and folder.status("fit") == "done" and folder.weights.is_file()):
        return False
    return bool(resolved_config(folder).tree.get("trainer") == config.tree.get("trainer"))


def check_outputs(run: Run) -> None:
    """Raise before training where a later step asks for an output that the network lacks.

    Raises
    ------
    ConfigError
        With the key that names it.
    """
    for name, part in (run.config.tree.get("interpret") or {}).items():
        target = part.get("target") if isinstance(part, dict) else None
        if isinstance(target, int) and not -run.output_dim <= target < run.output_dim:
            last = run.output_dim - 1
            raise run.config.fail(
                f"$.interpret.{name}.target",
                f"the network has no output {target}: expected 0{f' to {last}' if last else ''}",
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
    if not resume:
        _steps.fit_step(run)
        return
    done = folder.status("fit") == "done"
    results = ("predictions.zarr", "attributions.zarr", "evaluation.json", "interpretation")
    out_of_date = {"forget": tuple(LATER_STEPS)} if done else {}
    with folder.unless_refused(*(results if done else ()), **out_of_date):
        _steps.fit_step(run, resume=True)


def later_step(run: Run, step: str, *, overwrite: bool = False) -> None:
    """Do one step of a trained run.

    Parameters
    ----------
    run : Run
        Trained.
    step : str
        A key of `LATER_STEPS`.
    overwrite : bool, optional
        Do it again although it was done.

    Raises
    ------
    RunExistsError
        If it was done and ``overwrite`` is not given.
    """
    if step != "report":
        require_trained(run.network)
    done = run.folder.status(step) == "done" and _was_for(run, step) == run.other_data
    # what is beside the run is not the run's: it is done again for the asking
    done = done and run.folder.path == run.network.path
    if done and not overwrite and step not in _ALWAYS_AGAIN:
        message = f"the step {step!r} of {run.folder.path} is done; give --overwrite to do it again"
        raise RunExistsError(message)
    LATER_STEPS[step](run)
    if run.folder.status(step) is not None:
        run.folder.record(step, settings=settings_of(run.config, step), other_data=run.other_data)
    if step in {"attribute", "filters"} and interpret.planted_motifs(run.data.ds):
        LATER_STEPS["truth"](run)


def _was_for(run: Run, step: str) -> Any:
    """Return the other data that a step was done for last, or None for the run's own."""
    return run.folder.state().get("steps", {}).get(step, {}).get("other_data")


def settings_of(config: RunConfig, step: str) -> dict[str, Any]:
    """Return the sections of a configuration that a step is done with."""
    found: dict[str, Any] = {}
    for section in SECTIONS_OF[step]:
        value: Any = config.tree
        for key in section.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        found[section] = value
    return found


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
    parts = config.tree.get("interpret") or {}
    asked = [name for name in LATER_STEPS if parts.get(name) is not None]
    return ["test", *asked, "report"]


def finish(
    run: Run, steps: Iterable[str], *, resume: bool = False, before: RunConfig | None = None
) -> None:
    """Do the steps after training, leaving out what a resumed run has done with the same settings.

    Parameters
    ----------
    run : Run
        Trained.
    steps : iterable of str
        Keys of `LATER_STEPS`.
    resume : bool, optional
        Whether finished steps are left as they are, if they were done with the settings that are
        asked for now.
    before : RunConfig, optional
        What the run was made with until now.
    """
    for step in steps:
        if resume and run.folder.status(step) == "done" and step not in _ALWAYS_AGAIN:
            changed = _settings_changed(run, step, before)
            if not changed:
                continue
            run.check_rows()
            logger.warning("%s is done again: %s", step, "; ".join(changed))
        later_step(run, step, overwrite=True)


def run(
    recipe: str | Path | Mapping[str, Any] | RunConfig,
    *,
    overrides: Overrides = (),
    run_dir: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    allow_class_path: bool = False,
    progress: bool = False,
    device: str | None = None,
) -> RunFolder:
    """Do everything that a recipe asks for: train, test, explain, report.

    Parameters
    ----------
    recipe : str, Path, mapping or RunConfig
        Name of a shipped recipe, a YAML file, or its content.
    overrides : sequence of (str, str) or mapping, optional
        Dotted keys and what to set them to.
    run_dir : path, optional
        The folder, instead of ``runs/<name>``.
    overwrite : bool, optional
        Replace a run that is already there.
    resume : bool, optional
        Continue it instead; finished steps are not done again.
    allow_class_path : bool, optional
        Whether the file may name things by import path.
    progress : bool, optional
        Draw bars.
    device : str, optional
        Where the trained network computes; the CPU by default. Training has ``trainer``.

    Returns
    -------
    RunFolder
        Where everything is.

    Raises
    ------
    ConfigError
        With every mistake of the recipe.
    RunExistsError
        If a run is there and neither ``overwrite`` nor ``resume`` is given.

    Examples
    --------
    >>> folder = run("quickstart", overrides={"trainer.max_epochs": 5})  # doctest: +SKIP
    >>> folder.read_json("evaluation.json")["metrics"]["auroc"]["value"] > 0.9  # doctest: +SKIP
    True
    """
    if isinstance(recipe, RunConfig):
        config = recipe
    else:
        source = recipe if isinstance(recipe, Mapping) else find_recipe(recipe)
        config = load_run_config(source, overrides=overrides, allow_class_path=allow_class_path)
    require_files(config)
    path = Path(run_dir) if run_dir is not None else default_folder(config)
    if config.tree.get("replicates"):
        from eugene.runs._replicates import run_replicates

        return run_replicates(
            config, path, overwrite=overwrite, resume=resume, progress=progress, device=device
        )
    steps = wanted_steps(config)
    with working(config, path):
        existing = RunFolder(path)
        before = resolved_config(existing) if resume and existing.config.is_file() else None
        current = prepare(
            config,
            path,
            overwrite=overwrite,
            resume=resume,
            progress=progress,
            steps=steps,
            device=device,
        )
        fit_run(current, resume=resume)
        if not following(config):
            keep_settings(current.folder, config)
            finish(current, steps, resume=resume, before=before)
    return current.folder
