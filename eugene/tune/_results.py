"""What a search found: a table of its trials, the best as a file, and what mattered."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._folder import RunFolder
from eugene.config import RunConfig, dump_yaml
from eugene.errors import MissingFileError
from eugene.tune._records import TRIALS, Record, best_so_far, records, rows_of
from eugene.tune._space import Space, shown

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 4
_NOTE = (
    "fANOVA of optuna.importance: the share of the variance of the trials' best values that a "
    "random forest over them gives to each value alone and in its interactions. With few trials, "
    "or a narrow space, it is noise; trials that were stopped early count with what they had "
    "reached, so that what learns fast looks better; and it says what mattered within this space, "
    "not what matters."
)


def trials(folder: str | Path) -> pd.DataFrame:
    """Return the table of a search, the best trial first.

    Parameters
    ----------
    folder : path
        Folder of the search.

    Returns
    -------
    pandas.DataFrame
        One row a trial: its name, status, epochs, best value of the metric and the epoch (from 0)
        that has it, seconds, and the value in each place of the space, by its dotted name.

    Raises
    ------
    MissingFileError
        If the search has not come to its end.

    Examples
    --------
    >>> trials("runs/quickstart_tune").columns[:3].tolist()  # doctest: +SKIP
    ['trial', 'status', 'epochs']
    """
    found = RunFolder.open(folder).table("trials.csv")
    if found.empty:
        raise MissingFileError(
            f"{folder} has no table of trials: 'eugene tune --resume' goes on with the search"
        )
    return found.assign(trial=[f"{int(trial):04d}" for trial in found["trial"]])


def best_config(folder: str | Path) -> RunConfig:
    """Return the configuration that was best in a search.

    Parameters
    ----------
    folder : path
        Folder of the search.

    Returns
    -------
    RunConfig
        That of ``best.yaml``, checked.

    Raises
    ------
    MissingFileError
        If the search has not come to its end.
    """
    from eugene.config import load_run_config

    return load_run_config(RunFolder.open(folder) / "best.yaml")


def _rows(
    folder: RunFolder, space: Space, metric: str, mode: str, min_delta: float
) -> list[dict[str, Any]]:
    """Return one row a trial, the best first."""
    found: list[dict[str, Any]] = []
    for record in records(folder.path):
        rows = rows_of(folder.path, record["trial"])
        best = best_so_far(rows, metric, mode, min_delta)
        value = best[-1] if best and math.isfinite(best[-1]) else None
        values: Mapping[str, object] = record.get("values") or {}
        found.append(
            {
                "trial": record["trial"],
                "status": record.get("status"),
                "epochs": len(rows),
                metric: value,
                "best_epoch": None if value is None else best.index(value),
                "seconds": round(sum(row.get("seconds", 0.0) for row in rows), 1),
                **{dotted: shown(values.get(dotted)) for dotted in space.domains},
            }
        )
    sign = -1 if mode == "max" else 1
    found.sort(key=lambda row: math.inf if row[metric] is None else sign * row[metric])
    return found


def write_results(config: RunConfig, folder: RunFolder, mode: str) -> None:
    """Write ``trials.csv``, ``best.yaml``, ``tune.json`` and the report of a search.

    Parameters
    ----------
    config : RunConfig
        With the search space.
    folder : RunFolder
        Folder of the search.
    mode : str
        Whether ``min`` or ``max`` of the metric is better.
    """
    import pandas as pd

    from eugene.config import first_values

    space = Space(config)
    first = config.candidate(first_values(config.document))
    trainer = first.last.section("trainer")
    metric = str(trainer.get("monitor") or "val_loss").removesuffix("_epoch")
    table = _rows(folder, space, metric, mode, float(trainer.get("min_delta") or 0.0))
    folder.write_table("trials.csv", pd.DataFrame(table))
    best = next(r for r in records(folder.path) if r["trial"] == table[0]["trial"])
    folder.write_text("best.yaml", _best_yaml(config, folder, best, table[0], metric))
    section = config.section("tune")
    importance, why = _importance(space, records_by_trial(folder), table, metric, mode, config.seed)
    folder.write_json(
        "tune.json",
        {
            "metric": metric,
            "mode": mode,
            "algorithm": section["algorithm"],
            "scheduler": section["scheduler"],
            "best": best["trial"],
            "places": list(space.domains),
            "logarithmic": [d for d, one in space.domains.items() if getattr(one, "log", False)],
            "importance": importance,
            "importance_note": why,
        },
    )
    from eugene.report import build

    with folder.step("report"):
        build(folder.path)


def records_by_trial(folder: RunFolder) -> dict[str, Record]:
    """Return what is known of each trial by its name."""
    return {record["trial"]: record for record in records(folder.path)}


def _best_yaml(
    config: RunConfig, folder: RunFolder, best: Record, row: Mapping[str, Any], metric: str
) -> str:
    """Return the best trial as the file of a run, with what the search left out of it."""
    found = config.candidate(best["values"])
    tree = {key: value for key, value in found.tree.items() if key != "run_dir"}
    tree["name"] = f"{config.name}_best"
    if config.tree.get("replicates"):
        tree["replicates"] = config.tree["replicates"]
    head = [
        f"The best of {sum(1 for _ in records(folder.path))} trials of {folder.path.name}: "
        f"{TRIALS}/{best['trial']}, {metric} {row[metric]:.6g} at epoch {row['best_epoch'] + 1}.",
        "It was chosen on validation rows, so that its value there is optimistic: judge it on test",
        "rows. eugene run best.yaml",
    ]
    if len(best.get("lineage") or ()) > 1:
        head += [
            "Its values changed while it was trained (pbt): these are the last ones, and to train",
            f"with them from the start is another thing. {TRIALS}/{best['trial']}.json has all.",
        ]
    return "".join(f"# {line}\n" for line in head) + dump_yaml(tree)


def _importance(
    space: Space,
    known: Mapping[str, Record],
    table: list[dict[str, Any]],
    metric: str,
    mode: str,
    seed: int,
) -> tuple[dict[str, float], str]:
    """Return how much each place mattered, and what that is, or why there is nothing to say."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    measured = [row for row in table if row[metric] is not None]
    numbers = np.array([row[metric] for row in measured])
    if len(measured) < _FEWEST or np.ptp(numbers) == 0:
        return {}, f"not computed: it needs {_FEWEST} trials with different values of {metric}"
    distributions = {d: space.distribution(d, optuna.distributions) for d in space.domains}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize" if mode == "max" else "minimize")
        for row in measured:
            values = known[row["trial"]]["values"]
            drawn = {d: space.number(d, values[d]) for d in space.domains}
            study.add_trial(
                optuna.trial.create_trial(
                    params=drawn, distributions=distributions, value=float(row[metric])
                )
            )
        try:
            found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
        except (RuntimeError, ValueError) as error:
            return {}, f"not computed: {error}"
    return {dotted: float(value) for dotted, value in found.items()}, _NOTE


def result_lines(folder: RunFolder, most: int = 20) -> list[str]:
    """Return the table of a search as lines for the terminal, and where its files are.

    Parameters
    ----------
    folder : RunFolder
        Folder of the search.
    most : int, optional
        Most trials that are shown.
    """
    from eugene._table import aligned
    from eugene.report._search import short_names

    table = trials(folder.path)
    said = folder.read("tune.json")
    short = short_names(said["places"])
    rows = [
        [None if isinstance(v, float) and math.isnan(v) else _cell(v) for v in row]
        for row in table.head(most).itertuples(index=False)
    ]
    lines = [aligned([short.get(str(c), str(c)) for c in table.columns], rows)]
    if len(table) > most:
        lines.append(f"and {len(table) - most} more in {folder / 'trials.csv'}")
    if said["importance"]:
        ranked = sorted(said["importance"].items(), key=lambda item: -item[1])
        lines.append("importance: " + ", ".join(f"{short[d]} {v:.2f}" for d, v in ranked))
    return [
        *lines,
        f"best:   {folder / 'best.yaml'} (eugene run {folder / 'best.yaml'})",
        f"report: {folder.report}",
    ]


def _cell(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value
