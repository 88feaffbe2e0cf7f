"""The same run over several seeds or folds and variants, and what they say together."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict, Unpack, cast

import numpy as np

from eugene._evaluation import Evaluation, Measured, Metric, Metrics, with_measures
from eugene._folder import RunFolder
from eugene._step import steps
from eugene.config import RunConfig, listed_plugins
from eugene.runs import _pipeline as pipeline
from eugene.runs._data import draws_with_run_seed, fingerprint, load_data
from eugene.runs._folds import check_folds, fold_table, gather
from eugene.runs._pipeline import Options
from eugene.runs._run import Baselines, logger
from eugene.runs._versions import versions

_RESAMPLES = 10_000
_SEEDS = (0, 1, 2, 3, 4)
_PER_SEED = ("per_seed", "every_seed_above")


class Arm(Measured, total=False):
    """What the runs of one arm say together."""

    seeds: list[int]
    folds: list[int]
    above_baseline: dict[str, Metrics]
    subsets: dict[str, Arm]
    stages: dict[str, Arm]


class Difference(TypedDict, total=False):
    """What two arms differ in, over the seeds or folds that both have."""

    seeds: list[int]
    folds: list[int]
    metrics: Metrics


class Summary(TypedDict, total=False):
    """Content of ``summary.json``; ``over`` is what ran several times: seeds or folds."""

    over: str
    arms: dict[str, Arm]
    paired: dict[str, Difference]
    out_of_fold: dict[str, Measured]
    left_out: list[str]


Evaluations: TypeAlias = dict[str, dict[int, Evaluation]]
"""Arm -> seed or fold -> content of ``evaluation.json``."""


def mean_interval(values: list[float], *, seed: int = 0) -> Metric:
    """Return the mean of some runs with a 95 % bootstrap interval.

    Parameters
    ----------
    values : list of float
        One a seed.
    seed : int, optional
        Seed of the resampling.

    Returns
    -------
    dict
        ``mean``, ``low``, ``high``, ``sd`` (all but the mean ``None`` for one run), ``per_seed``.

    Examples
    --------
    >>> found = mean_interval([0.5, 0.7])
    >>> round(found["mean"], 3), round(found["low"], 3), round(found["high"], 3)
    (0.6, 0.5, 0.7)
    """
    array = np.asarray(values, dtype=np.float64)
    result: Metric = {"mean": float(array.mean()), "low": None, "high": None, "sd": None}
    result["per_seed"] = array.tolist()
    if len(array) < 2:
        return result
    draws = np.random.default_rng(seed).integers(len(array), size=(_RESAMPLES, len(array)))
    low, high = np.quantile(array[draws].mean(axis=1), [0.025, 0.975])
    return {**result, "low": float(low), "high": float(high), "sd": float(array.std(ddof=1))}


def paired(first: list[float], second: list[float]) -> Metric:
    """Return the mean of second - first over paired runs with 95 % intervals.

    Parameters
    ----------
    first, second : list of float
        One a seed, in the same order.

    Returns
    -------
    dict
        ``mean``; ``low`` and ``high`` of a bootstrap over the pairs; ``t_low`` and ``t_high`` of
        Student's interval, the wider and for few seeds the more honest one (all four ``None``
        for one pair); ``per_seed``.

    Examples
    --------
    >>> found = paired([0.5, 0.6, 0.7], [0.6, 0.8, 0.8])
    >>> round(found["mean"], 3), round(found["t_low"], 3), round(found["t_high"], 3)
    (0.133, -0.01, 0.277)
    """
    from eugene.evaluate import paired_difference
    from eugene.evaluate._intervals import student

    found = paired_difference(second, first, seed=0)
    change = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    mean, low, high = (found[key] for key in ("value", "low", "high"))
    result: Metric = {"mean": mean, "low": None, "high": None, "t_low": None, "t_high": None}
    result["per_seed"] = change.tolist()
    if len(change) < 2:
        return result
    t_low, t_high = student(change)
    return {**result, "low": low, "high": high, "t_low": t_low, "t_high": t_high}


def _values(runs: Sequence[Metrics]) -> dict[str, list[float]]:
    """Return metric -> one value a run, for metrics that every run has."""
    found = {name: [run.get(name, {}).get("value") for run in runs] for name in runs[0]}
    return {
        name: [float(v) for v in values if v is not None]
        for name, values in found.items()
        if None not in values
    }


def _arm(runs: Sequence[Measured]) -> Arm:
    metrics = _values([run.get("metrics", {}) for run in runs])
    baselines = {
        name: _values([run.get("baselines", {}).get(name, {}) for run in runs])
        for name in runs[0].get("baselines", {})
    }
    return {
        "metrics": {name: mean_interval(values) for name, values in metrics.items()},
        "baselines": {
            baseline: {name: mean_interval(values) for name, values in theirs.items()}
            for baseline, theirs in baselines.items()
        },
        "above_baseline": {
            baseline: {
                name: {
                    **paired(values, metrics[name]),
                    "every_seed_above": bool(np.greater(metrics[name], values).all()),
                }
                for name, values in theirs.items()
                if name in metrics
            }
            for baseline, theirs in baselines.items()
        },
    }


def _stages_of(runs: Sequence[Evaluation]) -> dict[str, Arm]:
    """Bring together what earlier stages gave, where all runs measured them."""
    every = [run.get("stages") or {} for run in runs]
    names = [n for n in every[0] if all("metrics" in stages.get(n, {}) for stages in every)]
    return {name: _arm([stages[name] for stages in every]) for name in names}


def summarise(evaluations: Evaluations, over: str = "seed") -> Summary:
    """Bring the evaluations of all replicates together.

    Parameters
    ----------
    evaluations : dict
        Arm -> seed or fold -> content of ``evaluation.json``.
    over : {"seed", "fold"}
        What the numbers are.

    Returns
    -------
    dict
        ``arms``: for each arm its ``seeds``, ``metrics`` (mean over seeds with bootstrap
        interval and each seed's value), ``baselines``, ``above_baseline`` (paired by seed),
        ``subsets`` and ``stages`` (those before the last); ``paired``: for each two arms the
        difference of each metric over the seeds that both have, with its intervals. Of folds the
        keys are ``folds`` and ``per_fold``.
    """
    arms: dict[str, Arm] = {}
    for arm, by_seed in evaluations.items():
        runs = list(by_seed.values())
        arms[arm] = {
            "seeds": list(by_seed),
            **_arm(runs),
            "subsets": {
                name: _arm([run["subsets"][name] for run in runs])
                for name in runs[0].get("subsets") or ()
            },
            "stages": _stages_of(runs),
        }
    differences: dict[str, Difference] = {}
    for first, second in itertools.combinations(evaluations, 2):
        seeds = [seed for seed in evaluations[first] if seed in evaluations[second]]
        before, after = (
            _values([evaluations[arm][s]["metrics"] for s in seeds]) if seeds else {}
            for arm in (first, second)
        )
        differences[f"{second} - {first}"] = {
            "seeds": seeds,
            "metrics": {n: paired(before[n], after[n]) for n in before if n in after},
        }
    if over != "seed":
        arms = {arm: cast(Arm, _named_after(found, over)) for arm, found in arms.items()}
        differences = {
            pair: cast(Difference, _named_after(found, over)) for pair, found in differences.items()
        }
    return {"over": over, "arms": arms, "paired": differences}


def _named_after(found: object, over: str) -> object:
    """Return what was found over seeds with the keys that say over what it was found."""
    if not isinstance(found, dict):
        return found
    names = {"seeds": f"{over}s", **{n: n.replace("seed", over) for n in _PER_SEED}}
    return {names.get(key, key): _named_after(value, over) for key, value in found.items()}


def _summary_csv(evaluations: Evaluations, over: str) -> str:
    """Return one line a run, model or baseline, subset and metric."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["arm", over, "model", "subset", "metric", "value", "low", "high"])
    for arm, by_seed in evaluations.items():
        for seed, evaluation in by_seed.items():
            parts: dict[str, Measured] = {"all": evaluation, **(evaluation.get("subsets") or {})}
            for subset, part in parts.items():
                models = {"network": part["metrics"], **part.get("baselines", {})}
                for model, metrics in models.items():
                    for metric, entry in metrics.items():
                        line = [arm, seed, model, subset, metric]
                        writer.writerow([*line, entry["value"], entry["low"], entry["high"]])
    return buffer.getvalue()


def _begin(
    config: RunConfig, path: Path, over: str, *, overwrite: bool, resume: bool
) -> tuple[RunFolder, list[str]]:
    """Begin the folder above all runs; of folds, return what they are called as well."""
    existing, names = RunFolder(path), list[str]()
    left_out = config.section("replicates").get("leave_out") is not None
    if pipeline.following(config):
        existing.follow()
        if over == "fold":
            names = check_folds(config, load_data(config, existing, dealt=not left_out).ds)
        return existing, names
    if resume and existing.config.is_file():
        pipeline.require_same(existing, config, ("seed", "data"))
        others = [p.name for p in existing.replicates if not p.name.startswith(f"{over}_")]
        if others:
            message = (
                f"{path} holds runs of another kind ({', '.join(others[:3])}); give another --name "
                "or --run_dir, or --overwrite"
            )
            raise config.fail("$.replicates", message)
    existing.remove_stale()
    with existing.begun(overwrite=overwrite, resume=resume), existing.step("data"):
        # where groups are left out, each fold is dealt by itself
        data = load_data(config, existing, dealt=not left_out)
        if over == "fold":
            names = check_folds(config, data.ds)
    existing.write_text("config.yaml", config.to_yaml())
    existing.write_json("versions.json", versions(listed_plugins(config.document)))
    return existing, names


def run_replicates(
    config: RunConfig,
    path: Path,
    **options: Unpack[Options],
) -> RunFolder:
    """Do a run for every arm and seed or fold, and summarise them.

    Parameters
    ----------
    config : RunConfig
        With ``replicates``.
    path : Path
        The parent folder; each run is in ``<arm>/seed_<seed>`` or ``<arm>/fold_<fold>`` and
        shares the data store here.
    **options
        As in `eugene.runs.run`.

    Returns
    -------
    RunFolder
        The parent folder with ``summary.json``, ``summary.csv`` and ``report.html``; of folds
        also with ``folds.tsv``, their figures in a table, and ``predictions.zarr``, the predictions
        of every row by the network that never saw it (of several arms, one in the folder of each).
    """
    if draws_with_run_seed(config):
        config = config.replaced({"data.seed": config.seed})
    resume, overwrite = options.get("resume", False), options.pop("overwrite", False)
    section = config.section("replicates")
    arms = list(section.get("arms") or {"default": {}})
    leave_out, which = section.get("leave_out"), section.get("interpret", "first")
    over = "fold" if section.get("folds") or leave_out is not None else "seed"
    given = section.get("seeds")
    seeds = [int(seed) for seed in (_SEEDS if given is None else given)]
    numbers = list(range(int(section.get("folds") or 0))) if over == "fold" else seeds
    made = config.fold if over == "fold" else config.arm
    configs = {(arm, number): made(arm, number) for arm in arms for number in numbers}
    taken_up = (
        RunFolder(path).unless_refused()
        if resume and not pipeline.following(config)
        else contextlib.nullcontext()
    )
    with pipeline.working(config, path), taken_up:
        folder, names = _begin(config, path, over, overwrite=overwrite, resume=resume)
        if leave_out is not None:  # how many groups there are only the data tell
            count = len(names)
            configs = {(a, k): config.fold(a, k, count) for a in arms for k in range(count)}
        evaluations = _train_all(configs, folder, over, fingerprint(config), which, options)
        if folder.follows:
            return folder
        summary = summarise(evaluations, over)
        if over == "fold":
            pooled = {
                arm: gather(config, folder, arm, len(names), alone=len(arms) == 1) for arm in arms
            }
            summary["out_of_fold"] = pooled
            if leave_out is not None:
                summary["left_out"] = names
            table = fold_table(evaluations, pooled, names)
            folder.write_text("folds.tsv", table)
            logger.info("folds.tsv:\n%s", table.rstrip())
        folder.write_json("summary.json", summary)
        folder.write_text("summary.csv", _summary_csv(evaluations, over))
        from eugene.report import build

        with folder.step("report"):
            build(folder.path)
    return folder


def later_steps(config: RunConfig, *, explained: bool) -> list[str]:
    """Return the steps after training of one of many runs: all, or those that measure it.

    Parameters
    ----------
    config : RunConfig
        The run.
    explained : bool
        Whether it does all of them.
    """
    wanted = pipeline.wanted_steps(config)
    known = steps()
    return [name for name in wanted if explained or name == "test" or known[name].measures]


def _train_all(
    configs: dict[tuple[str, int], RunConfig],
    folder: RunFolder,
    over: str,
    data_key: str,
    which: str,
    options: Options,
) -> Evaluations:
    """Do the runs of all arms and seeds or folds; return what each wrote as its evaluation."""
    baselines: Baselines = {}
    evaluations: Evaluations = {arm: {} for arm, _ in configs}
    with contextlib.nullcontext() if folder.follows else folder.step("fit"):
        for number, ((arm, which_one), replicate) in enumerate(configs.items()):
            told = (number + 1, len(configs), arm, over, which_one)
            logger.info("replicate %d of %d: %s, %s %d", *told)
            place = folder.path / arm / f"{over}_{which_one}"
            shared = folder if fingerprint(replicate) == data_key else None
            explained = which == "all" or (which == "first" and number == 0)
            current = pipeline.train(
                replicate,
                place,
                later=later_steps(replicate, explained=explained),
                store=shared,
                baselines=baselines,
                **options,
            )
            if pipeline.following(replicate):
                continue
            evaluations[arm][which_one] = with_measures(current.folder.path)
    return evaluations
