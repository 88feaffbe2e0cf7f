"""Several runs side by side."""

from __future__ import annotations

from typing import Any

from eugene._evaluation import of_other_data, read_evaluation
from eugene._table import aligned, write_table
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import check_out
from eugene.runs import RunFolder


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
    evaluation = read_evaluation(folder.path)
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
        The folders, and ``--out``.

    Returns
    -------
    int
        0.
    """
    out = check_out(call, ".csv", ".tsv", ".txt")
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
    for folder in folders:
        for line in of_other_data(folder.path):
            say(f"{folder.path}: {line}")
    return 0
