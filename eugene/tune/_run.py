"""A search: many runs that differ in some values, and the best of them written down."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._folder import RunFolder
from eugene._step import steps
from eugene.config import RunConfig, find_recipe, first_values, listed_plugins, load_run_config
from eugene.config._config import Overrides
from eugene.errors import EugeneError
from eugene.runs import Run, versions
from eugene.runs import _pipeline as pipeline
from eugene.runs._data import draws_with_run_seed
from eugene.runs._needs import require_files
from eugene.tune._cluster import cluster, remove_left, require_extra
from eugene.tune._records import RAY, TRIALS, allot, note, records
from eugene.tune._results import write_results
from eugene.tune._space import Space

if TYPE_CHECKING:
    from ray.tune import Tuner

    from eugene.tune._trial import Plan

logger = logging.getLogger("eugene.tune")
_SAMPLES = 10
# a trial whose machine was lost is taken up so often
_RETRIES = 3
_MAY_DIFFER = frozenset({"max_concurrent", "resources", "address", "accelerator"})
_CHECKPOINTS_KEPT = 4
_SECTIONS = ("seed", "data", "model", "module", "trainer", "augment", "stages", "tune")


def default_folder(config: RunConfig) -> Path:
    """Return the folder of a search: what its file says, else ``runs/<name>_tune``."""
    chosen = config.tree.get("run_dir")
    return Path(str(chosen)) if chosen else Path("runs") / f"{config.name}_tune"


def run(
    config: str | Path | Mapping[str, object] | RunConfig,
    *,
    overrides: Overrides = (),
    run_dir: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    plugins: Sequence[str | Path] = (),
    allow_class_path: bool = False,
    progress: bool = False,
) -> RunFolder:
    """Search for the values that make the best network, on Ray Tune.

    The file is that of a run in which some values are replaced by where to look for them, such as
    ``optimizer_lr: {search: loguniform, low: 1e-4, high: 1e-2}``; its section ``tune`` says how.
    Every trial is a run in ``trials/`` of the folder: on the same rows, with the same split and
    the same seed. They are compared on validation rows; no test row is looked at.

    Parameters
    ----------
    config : str, Path, mapping or RunConfig
        A YAML file, the name of a shipped recipe, or its content.
    overrides : sequence of (str, str) or mapping, optional
        Dotted keys and what to set them to.
    run_dir : path, optional
        The folder, instead of ``runs/<name>_tune``.
    overwrite : bool, optional
        Replace a search that is already there.
    resume : bool, optional
        Continue it instead: finished trials are kept, others go on from their checkpoints.
    plugins : sequence of str or Path, optional
        Modules or Python files that register what the file names; they are imported first.
    allow_class_path : bool, optional
        Whether the file may name things by import path, and plugins.
    progress : bool, optional
        Draw a bar.

    Returns
    -------
    RunFolder
        With ``trials.csv``, ``best.yaml``, which `eugene.runs.run` takes, and ``report.html``.

    Raises
    ------
    MissingExtraError
        If Ray or Optuna is not installed.
    ConfigError
        With every mistake of the file, among them values that the search would try.
    RunExistsError
        If a search is there and neither ``overwrite`` nor ``resume`` is given.
    EugeneError
        If no trial could be trained.

    Examples
    --------
    >>> import eugene as eu
    >>> space = {"module.optimizer_lr": {"search": "loguniform", "low": 1e-4, "high": 1e-2}}
    >>> found = eu.tune.run("quickstart", overrides=space)  # doctest: +SKIP
    >>> eu.tune.trials(found.path).iloc[0]["module.optimizer_lr"]  # doctest: +SKIP
    0.0021
    """
    if not isinstance(config, RunConfig):
        source = config if isinstance(config, Mapping) else find_recipe(config)
        config = load_run_config(
            source,
            overrides=overrides,
            plugins=plugins,
            allow_class_path=allow_class_path,
            searched=True,
        )
    if not config.searched:
        raise EugeneError("the configuration was read for a run; read it with searched=True")
    require_extra()
    if draws_with_run_seed(config):
        config = config.replaced({"data.seed": config.seed})
    path = Path(run_dir) if run_dir is not None else default_folder(config)
    with pipeline.working(config, path):
        folder, mode = _begin(config, path, overwrite=overwrite, resume=resume)
        if folder.status("tune") != "done":
            with folder.step("tune"):
                _search(config, folder, mode, progress=progress)
        write_results(config, folder, mode)
    return folder


def _begin(
    config: RunConfig, path: Path, *, overwrite: bool, resume: bool
) -> tuple[RunFolder, str]:
    """Make the folder and the data, and see that a network fits them; say what is better."""
    first = config.candidate(first_values(config.document))
    unplaced = [p for p in listed_plugins(first.document) if p == "__main__"]
    if unplaced:
        message = (
            "what was registered in this session is not known to the processes of a search: put "
            "it into a module and give that as a plugin"
        )
        raise config.fail("$.plugins", message)
    require_files(first)
    folder = RunFolder(path)
    if resume and folder.config.is_file():
        pipeline.require_same(folder, config, _SECTIONS, allow=_MAY_DIFFER)
    folder.remove_stale()
    remove_left(folder.state().get("ray"))
    with folder.begun(overwrite=overwrite, resume=resume):
        run = Run(first, folder)
        steps()["data"](run)
        if not len(run.rows("val")):
            message = "the split leaves no val rows, on which trials are compared"
            raise config.fail("$.data.split", message)
        # the trials read from it what their splits share, which is looked for once
        folder.write_json("data.json", run.describe())
        metric = _metric(first)
        mode = first.last.section("trainer").get("mode") or _better(run, metric)
    folder.write_text("config.yaml", config.to_yaml())
    folder.write_json("versions.json", versions(listed_plugins(config.document)))
    return folder, str(mode)


def _metric(first: RunConfig) -> str:
    """Return what trials are compared by: what each of them watches."""
    trainer = first.last.section("trainer")
    return str(trainer.get("monitor") or "val_loss").removesuffix("_epoch")


def _better(run: Run, metric: str) -> str:
    from eugene.modules.metrics import better_when

    return better_when(metric, getattr(run.new_module(), "metric_objects", None))


def _resources(config: RunConfig) -> dict[str, float]:
    """Return what a trial takes."""
    given = config.section("tune").get("resources")
    if given:
        return {"cpu": 1.0, **{str(k): float(v) for k, v in given.items()}}
    from eugene.config import value_at

    accelerator = value_at(config.tree, "trainer.accelerator")
    found = {"cpu": 1.0}
    if accelerator in ("gpu", "cuda"):
        return {**found, "gpu": 1.0}
    if accelerator in (None, "auto"):
        import torch

        if torch.cuda.is_available():
            found["gpu"] = 1.0
    return found


def _search(config: RunConfig, folder: RunFolder, mode: str, *, progress: bool) -> None:
    """Run the trials."""
    from eugene.tune._trial import Plan

    section = config.section("tune")
    resources = _resources(config)
    plan = Plan(
        folder=str(folder.path.absolute()),
        metric=_metric(config.candidate(first_values(config.document))),
        mode=mode,
        plugins=tuple(listed_plugins(config.document)),
        trusted=config.allow_class_path,
        population=section["scheduler"] == "pbt",
        threads=max(int(resources["cpu"]), 1),
    )
    seed = section.get("seed")
    seed = config.seed if seed is None else int(seed)
    with cluster(section.get("address"), seed=seed) as temporary:
        if temporary is not None:
            folder.note(ray=temporary)
        tuner, total = _tuner(config, folder, plan, resources, seed=seed, progress=progress)
        logger.info(
            "search: %d trials, compared by %s (%s is better), in %s",
            *(total, plan.metric, "lower" if mode == "min" else "higher", folder.path),
        )
        with contextlib.redirect_stdout(io.StringIO()):
            # Ray prints a line on a trial that told it nothing, whatever it is asked
            grid = tuner.fit()
        errors = [str(error).strip().splitlines()[-1] for error in grid.errors]
    folder.note(ray=None)
    _settle(folder, errors)


def _tuner(
    config: RunConfig,
    folder: RunFolder,
    plan: Plan,
    resources: dict[str, float],
    *,
    seed: int,
    progress: bool,
) -> tuple[Tuner, int]:
    """Return what runs the trials, made anew or as it was left, and how many there are."""
    from ray import tune

    from eugene.tune._progress import watcher
    from eugene.tune._schedulers import scheduler, searcher
    from eugene.tune._trial import run_trial

    section, space = config.section("tune"), Space(config)
    grid = section["algorithm"] == "grid"
    samples = 1 if grid else int(section.get("num_samples") or _SAMPLES)
    total = space.points() if grid else samples * space.size()
    trainable: Any = tune.with_resources(tune.with_parameters(run_trial, plan=plan), resources)
    state = Path(plan.folder) / RAY
    if tune.Tuner.can_restore(str(state)) and any(state.glob("experiment_state-*.json")):
        return tune.Tuner.restore(str(state), trainable=trainable, resume_unfinished=True), total
    # without a state of Ray nothing says which values the trials had
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(folder / TRIALS, ignore_errors=True)
    highest = _highest_epochs(config)
    limit = section.get("max_concurrent") if section["algorithm"] == "optuna" else None
    tuner = tune.Tuner(
        trainable,
        param_space=space.in_ray(tune, grid=grid),
        tune_config=tune.TuneConfig(
            metric=plan.objective,
            mode=plan.mode,
            search_alg=searcher(section, seed),
            scheduler=scheduler(section, plan, space, max_epochs=highest),
            num_samples=samples,
            max_concurrent_trials=limit,
            reuse_actors=True,
            trial_dirname_creator=_Names(plan.folder),
        ),
        run_config=tune.RunConfig(
            name=RAY,
            storage_path=plan.folder,
            failure_config=tune.FailureConfig(max_failures=_RETRIES),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=_CHECKPOINTS_KEPT),
            callbacks=[watcher(plan, total, bar=progress)],
            verbose=0,
        ),
    )
    return tuner, total


class _Names:
    """Gives each trial of Ray the number of one of ours as the name of its folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, trial: object) -> str:
        return allot(Path(self.folder))


def _highest_epochs(config: RunConfig) -> int:
    """Return the most epochs that a trial may have."""
    values = first_values(config.document)
    found = [int(config.candidate(values).section("trainer")["max_epochs"])]
    domain = Space(config).domains.get("trainer.max_epochs")
    if domain is not None:
        found += [int(str(value)) for value in domain.probes()]
    return max(found)


def _settle(folder: RunFolder, errors: list[str]) -> None:
    """Bring the records in line with the end of the search, and remove what was for Ray alone."""
    for record in records(folder.path):
        trial, status = record["trial"], record.get("status")
        if status == "running":
            note(folder.path, trial, status="stopped")
            one = RunFolder(folder.path / TRIALS / trial)
            if one.status("fit") == "running":
                one.record("fit", status="stopped")
        elif status == "waiting":
            note(folder.path, trial, status="failed", error="; ".join(errors) or "never begun")
    for checkpoint in (folder / RAY).glob("*/checkpoint_*"):
        shutil.rmtree(checkpoint, ignore_errors=True)
    found = list(records(folder.path))
    if found and all(record.get("status") == "failed" for record in found):
        raise EugeneError(
            f"none of the {len(found)} trials could be trained; the first: {found[0].get('error')}"
        )
