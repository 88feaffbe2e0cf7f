"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._evaluation import of_other_data, with_measures
from eugene._table import aligned, write_table
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import check_out, check_path
from eugene.errors import UsageError, did_you_mean
from eugene.runs import RunFolder
from eugene.runs._results import HEADLINES

if TYPE_CHECKING:
    import pandas as pd


def summary_row(folder: RunFolder) -> dict[str, object]:
    """Return the figures of one run in a flat dict.

    Parameters
    ----------
    folder : RunFolder
        A run, or the parent folder of replicates.

    Returns
    -------
    dict
        Column -> value; figures that the run lacks are absent.
    """
    state = folder.state()
    seconds = [step.get("seconds") or 0.0 for step in state.get("steps", {}).values()]
    row: dict[str, object] = {"run": str(folder.path), "status": state.get("status")}
    if folder.summary.is_file():
        for arm, metrics in folder.read_json("summary.json").get("arms", {}).items():
            for metric, entry in metrics.get("metrics", {}).items():
                row[f"{arm}:{metric}"] = entry.get("mean")
    evaluation = with_measures(folder.path)
    if evaluation:
        if evaluation.get("other_data") is not None:
            row["other_data"] = evaluation["other_data"]
        row["n"] = evaluation.get("n")
        row |= {name: entry.get("value") for name, entry in evaluation["metrics"].items()}
        for baseline, metrics in evaluation.get("baselines", {}).items():
            row |= {f"{baseline}:{name}": entry.get("value") for name, entry in metrics.items()}
    row["seconds"] = round(sum(seconds), 1)
    return row


def trained_row(folder: RunFolder) -> dict[str, object]:
    """Return the figures of a folder of `eugene.train.fit`: those of its best epoch."""
    from eugene.train import read_checkpoint

    record = read_checkpoint(folder.best)["eugene"]["record"]
    rows = record["rows"]
    best: dict[str, Any] = next((row for row in rows if row["epoch"] == record["best_epoch"]), {})
    found = {name: value for name, value in best.items() if name.startswith("val_")}
    row: dict[str, object] = {"run": str(folder.path), "status": "trained", "epochs": len(rows)}
    seconds = round(sum(entry.get("seconds", 0.0) for entry in rows), 1)
    return {**row, **found, "seconds": seconds}


def compare(call: Call) -> int:
    """Print a table with one run a line.

    Parameters
    ----------
    call : Call
        The folders, ``--out``, and how groups of seeds are tested.

    Returns
    -------
    int
        0.
    """
    out = check_out(call, ".csv", ".tsv", ".txt")
    page = check_path(call, "report", ".html")
    asked = _Asked.of(call)
    folders = [RunFolder.open(path, or_trained=True) for path in call.words]
    rows = [
        trained_row(folder) if folder.trained_in_python else summary_row(folder)
        for folder in folders
    ]
    header = list(dict.fromkeys(key for row in rows for key in row))
    table = [[row.get(key) for key in header] for row in rows]
    if out is not None:
        write_table(out, header, table)
    say(aligned(header, table))
    if page is not None:
        from eugene.report import compare_runs

        say(f"page: {compare_runs(folders, page)}")
    for folder in folders:
        for line in of_other_data(folder.path):
            say(f"{folder.path}: {line}")
    if asked.by is not None:
        _choose(folders, asked)
    _test_groups(folders, asked)
    return 0


@dataclass(frozen=True)
class _Asked:
    """How groups of seeds are to be tested, a run is to be chosen, and where that is written."""

    metric: str | None
    by: str | None
    within: float
    scatter: Path | None
    tests: Path | None
    plot: Path | None
    alpha: float

    @classmethod
    def of(cls, call: Call) -> _Asked:
        """Read the options, before anything is computed."""
        alpha, within = _a_number(call, "alpha", "0.05"), _a_number(call, "within", "0.005")
        if not 0 < alpha < 1:
            raise UsageError(f"--alpha {call.get('alpha')}: expected a number between 0 and 1")
        if not within >= 0:
            raise UsageError(f"--within {call.get('within')}: expected a number from 0")
        for option in ("within", "scatter"):
            if call.get(option) and not call.get("by"):
                raise UsageError(f"--{option} needs --by, the figure to choose a run by")
        return cls(
            metric=call.get("metric"),
            by=call.get("by"),
            within=within,
            scatter=check_path(call, "scatter", ".png", ".svg", ".pdf"),
            tests=check_path(call, "tests", ".csv", ".tsv", ".txt"),
            plot=check_path(call, "plot", ".png", ".svg", ".pdf"),
            alpha=alpha,
        )


def _a_number(call: Call, option: str, default: str) -> float:
    """Return the number of an option, NaN where it is none."""
    try:
        return float(call.get(option) or default)
    except ValueError:
        return float("nan")


def figures_of(folders: Sequence[RunFolder]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of every single run, those over seeds or folds and arms among them.

    Parameters
    ----------
    folders : sequence of RunFolder
        Runs, and parent folders of replicates.

    Returns
    -------
    dict
        Group, an arm or a folder -> run -> metric -> value.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for folder in folders:
        for path in folder.replicates or [folder.path]:
            metrics = with_measures(path).get("metrics", {})
            group = str(path.parent if folder.replicates else path)
            known = {n: v for n, e in metrics.items() if (v := e.get("value")) is not None}
            found.setdefault(group, {})[str(path)] = known
    return found


def _choose(folders: Sequence[RunFolder], asked: _Asked) -> None:
    """Choose a run by a second figure among those that are about as good as the best."""
    from eugene.evaluate import choose

    assert asked.by is not None
    groups = figures_of(folders)
    runs = {run: figures for group in groups.values() for run, figures in group.items()}
    metric = asked.metric or next((m for m in HEADLINES if any(m in f for f in runs.values())), "")
    found = choose(runs, asked.by, metric=metric, within=asked.within)
    say(f"\n{found.sentence}")
    columns = [metric, asked.by]
    say(aligned(["run", *columns], [[r, *(runs[r][c] for c in columns)] for r in found.equal]))
    if asked.scatter is not None:
        import matplotlib as mpl

        from eugene.plot import runs_scatter
        from eugene.report._words import metric_name

        shown = {
            group: {r: (f[metric], f[asked.by]) for r, f in own.items() if r not in found.left_out}
            for group, own in groups.items()
        }
        with mpl.rc_context({"backend": "Agg", "svg.fonttype": "path"}):
            runs_scatter(
                {group: own for group, own in shown.items() if own},
                x=metric_name(metric),
                y=metric_name(asked.by),
                chosen=found.chosen,
                limit=found.limit,
                save=str(asked.scatter),
            )
        say(f"picture: {asked.scatter}")


def groups_of(folders: Sequence[RunFolder]) -> dict[str, dict[str, list[float]]]:
    """Return the figures of every seed or fold of the runs that were repeated.

    Parameters
    ----------
    folders : sequence of RunFolder
        Runs, and parent folders of replicates.

    Returns
    -------
    dict
        Group -> metric -> one number a seed or fold. A group is named after its folder, and its
        arm where there are several.
    """
    found: dict[str, dict[str, list[float]]] = {}
    shared = len({folder.path.resolve().name for folder in folders}) < len(folders)
    for folder in folders:
        summary = folder.read("summary.json")
        arms, over = summary.get("arms", {}), summary.get("over") or "seed"
        place = str(folder.path) if shared else folder.path.resolve().name
        for arm, entry in arms.items():
            alone = arm if len(folders) == 1 else f"{place}/{arm}"
            name = place if len(arms) == 1 else alone
            found[name] = {m: list(e[f"per_{over}"]) for m, e in entry["metrics"].items()}
    return found


def _test_groups(folders: Sequence[RunFolder], asked: _Asked) -> None:
    """Test groups of seeds against each other, where there are two or more of them."""
    groups = groups_of(folders)
    if len(groups) < 2 or any(len(v) < 2 for g in groups.values() for v in g.values()):
        if (asked.metric and not asked.by) or asked.tests or asked.plot:
            raise UsageError(
                f"there are {len(groups)} groups of several seeds or folds, and tests and pictures "
                "need two or more, of two runs or more each: name folders of runs with replicates"
            )
        return
    known = [m for m in next(iter(groups.values())) if all(m in g for g in groups.values())]
    metric = asked.metric or next((m for m in HEADLINES if m in known), None)
    if metric is None or metric not in known:
        raise UsageError(
            f"--metric {metric}: not every group has it{did_you_mean(str(metric), known)}"
        )
    from eugene.evaluate import compare_groups
    from eugene.evaluate._groups import too_few

    scores = {name: group[metric] for name, group in groups.items()}
    found = compare_groups(scores, alpha=asked.alpha)
    header = [str(column) for column in found.columns]
    rows: list[list[object]] = found.astype(object).to_numpy().tolist()
    if asked.tests is not None:
        write_table(asked.tests, header, rows)
    say(f"\n{metric}: Mann-Whitney between each two, Benjamini-Hochberg over {len(rows)} tests")
    shown = ["a", "b", "median_a", "median_b", "cliffs_delta", "u", "p", "p_adjusted"]
    exact = found[shown].astype({"p": object, "p_adjusted": object})
    for column in ("p", "p_adjusted"):
        exact[column] = [f"{value:.3g}" for value in found[column]]
    say(aligned(shown, exact.to_numpy().tolist()))
    for line in too_few(found, asked.alpha):
        say(line)
    if any(folder.read("summary.json").get("over") == "fold" for folder in folders):
        say(
            "folds of one run share training rows, so their figures depend on each other and "
            "p-values are too small; seeds give honest ones"
        )
    if asked.plot is not None:
        _draw(scores, found, metric, asked.plot)
        say(f"picture: {asked.plot}")


def _draw(
    scores: Mapping[str, Sequence[float]], found: pd.DataFrame, metric: str, path: Path
) -> None:
    import matplotlib as mpl

    from eugene.plot import compared_groups
    from eugene.report._words import metric_name

    with mpl.rc_context({"backend": "Agg", "svg.fonttype": "path"}):
        compared_groups(scores, found, metric=metric_name(metric), save=str(path))
