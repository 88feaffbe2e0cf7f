"""What the test step found, and on which data: read in one place by report, compare and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict, cast

from eugene._files import read_object

OTHER = "other_data"
"""Folder inside a run for what its network gives on data that it was not trained on."""

_NAME = "evaluation.json"


class Metric(TypedDict, total=False):
    """A figure: of the test rows its ``value``, of several runs their ``mean``.

    ``low`` and ``high`` are its 95 % interval, over rows or over runs; ``per_task`` has those of
    each task of a profile network.
    """

    value: float | None
    mean: float
    low: float | None
    high: float | None
    sd: float | None
    t_low: float | None
    t_high: float | None
    per_target: list[float]
    per_seed: list[float]
    per_fold: list[float]
    every_seed_above: bool
    per_task: dict[str, Metric]
    every_fold_above: bool
    why: str


Metrics: TypeAlias = dict[str, Metric]


class Measured(TypedDict, total=False):
    """What was measured on some rows: of the network, and of each baseline.

    ``against`` has for each baseline the figures of the network minus its own, paired by row. Of
    a profile network also: ``n_empty``, rows of each task in which nothing was counted;
    ``halves``, the figures on one half of the reads; and ``reach``, where the network stands
    between a floor (0) and the other half of the reads (1).
    """

    n: int
    n_empty: dict[str, int]
    metrics: Metrics
    baselines: dict[str, Metrics]
    against: dict[str, Metrics]
    halves: dict[str, Metrics]
    reach: Metrics


class Calibration(TypedDict, total=False):
    """How honest predictions are: temperatures of classes, or intervals; or why there is neither.

    ``nll`` and ``ece`` are those before and after; the others have one number a target.
    """

    temperature: list[float | None]
    nll: list[float]
    ece: list[float]
    level: float
    width: list[float | None]
    coverage: list[float | None]
    why: str


class StageMeasured(Measured, total=False):
    """What was measured of the network that an earlier stage kept, or why nothing was."""

    number: int
    why: str


class OwnUnits(Measured, total=False):
    """What was measured after transforms of the targets were undone, or why nothing was."""

    why: str


class Evaluation(Measured, total=False):
    """Content of ``evaluation.json``; ``stages`` has those before the last.

    ``own_units`` has the figures in the units of the file, where targets were transformed.
    """

    split: str
    other_data: str | None
    task: str
    targets: list[str]
    subsets: dict[str, Measured]
    stages: dict[str, StageMeasured]
    strata: dict[str, dict[str, Measured]]
    curves: dict[str, object]
    averaged: dict[str, object]
    calibration: Calibration
    own_units: OwnUnits
    mean_profile_rows: dict[str, int]
    pseudo_replicates: dict[str, object]
    smooth_bp: int | None


def read_evaluation(run: Path) -> Evaluation:
    """Return what the test step of a folder wrote, empty where it has not been run.

    Parameters
    ----------
    run : Path
        Folder of a run, or of its results on other data.

    Returns
    -------
    dict
        ``metrics``, ``baselines``, ``n``, and under ``other_data`` the name of the data if they
        are not the run's own.

    Raises
    ------
    NotARunError
        If the file is damaged.
    """
    path = run / _NAME
    return cast(Evaluation, read_object(path) if path.is_file() else {})


def with_measures(run: Path) -> Evaluation:
    """Return what the test step of a run wrote, and among its metrics what later steps measured.

    Parameters
    ----------
    run : Path
        Folder of a run.

    Returns
    -------
    dict
        As `read_evaluation` gives it; ``metrics`` also has those of the steps that measure, such
        as the consistency of attributions.

    Raises
    ------
    NotARunError
        If a file is damaged.
    """
    from eugene._step import steps

    found = read_evaluation(run)
    metrics = dict(found.get("metrics", {}))
    for step in steps().values():
        path = run / step.measures
        if step.measures and path.is_file():
            metrics |= cast(Metrics, read_object(path).get("metrics", {}))
    return cast(Evaluation, {**found, "metrics": metrics} if metrics else found)


def of_other_data(run: Path) -> list[str]:
    """Return a line for each result of a run that is not of its own data.

    Parameters
    ----------
    run : Path
        Folder of a run, or of its results on other data.

    Returns
    -------
    list of str
        Sentences that name the data, and where the figures are.

    Raises
    ------
    NotARunError
        If a file is damaged.
    """
    lines = []
    here = read_evaluation(run).get("other_data")
    if here is not None:
        lines.append(
            f"The test results of {run.name} are of other data ({here}), not of the test rows of "
            "the data that the network was trained on."
        )
    for folder in sorted((run / OTHER).glob("*/")):
        found = read_evaluation(folder)
        if found:
            lines.append(
                f"Results on other data ({found.get('other_data')}, {found.get('n')} rows) are in "
                f"{OTHER}/{folder.name}/{_NAME}."
            )
    return lines


def baseline_labels(sections: Sequence[Mapping[str, object]]) -> list[str]:
    """Return what each baseline of a configuration is called in the files of a run.

    Examples
    --------
    >>> baseline_labels([{"name": "kmer_ridge"}, {"name": "kmer_ridge", "both_strands": True}])
    ['kmer_ridge', 'kmer_ridge_both_strands']
    """
    labels: list[str] = []
    for position, section in enumerate(sections):
        name = str(section.get("name", section.get("class_path")))
        label = f"{name}_both_strands" if section.get("both_strands") else name
        labels.append(label if label not in labels else f"{label}_{position}")
    return labels
