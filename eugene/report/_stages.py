"""The stages of a training, on the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene.report._blocks import Section, interval, number
from eugene.report._words import METRIC_NAMES, metric_name

if TYPE_CHECKING:
    from eugene._evaluation import Evaluation
    from eugene._folder import RunFolder


def stage_records(folder: Path) -> list[dict[str, Any]]:
    """Return what each stage of a run noted, in their order; empty for a run without stages.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    """
    found = []
    for path in folder.glob("stages/*/stage.json"):
        try:
            record = json.loads(path.read_text(encoding="utf8"))
        except ValueError:  # of a run that was killed while it was written
            continue
        if isinstance(record, dict) and isinstance(record.get("number"), int):
            found.append(record)
    return sorted(found, key=lambda record: int(record["number"]))


def show_stages(section: Section, run: RunFolder) -> None:
    """Add a table of stages: what was trained, how, and the metrics before and after.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        Its stages are read from ``stages/``.
    """
    records = stage_records(run.path)
    if not records:
        return
    history = run.table("metrics.csv")
    watched = [c for c in history.columns if c.startswith("val_")][:3]
    rows, before, rows_before = [], None, None
    for record in records:
        own = history[history["stage"] == record["name"]] if "stage" in history else history[:0]
        kept = own[own["stage_epoch"] == record.get("best_epoch")] if len(own) else own
        after = kept.iloc[0] if len(kept) else None
        same = record.get("rows_sha256") == rows_before
        shown = []
        for name in watched:
            first = number(before[name]) if before is not None and same else "-"
            shown.append(f"{first} → {number(after[name]) if after is not None else '-'}")
        rows.append((
            str(record["number"]), str(record["name"]), _trained(record), _rates(record),
            number(record.get("epochs")), number((record.get("best_epoch") or 0) + 1), *shown,
        ))  # fmt: skip
        before, rows_before = after, record.get("rows_sha256")
    section.heading("Stages")
    head = ("", "stage", "trained", "learning rate", "epochs", "epoch kept")
    names = tuple(f"{name.removeprefix('val_')} (validation)" for name in watched)
    section.table((*head, *names), rows, numbers=(4, 5))
    section.text(
        "Validation values before and after are those of the epochs that were kept, of the stage "
        "before and of this one; a dash where there is none before, or its rows were others."
    )
    for record in records:
        for key, value in (record.get("hook") or {}).items():
            said = ", ".join(map(str, value)) if isinstance(value, list) else value
            section.text(f"Before stage {record['name']}: {key} {said}.")


def stage_table(section: Section, run: RunFolder, evaluation: Evaluation) -> None:
    """Add the test figures of the networks that the stages of a training kept, side by side.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        Says what its last stage is called.
    evaluation : dict
        Content of ``evaluation.json``.
    """
    earlier = evaluation.get("stages") or {}
    measured = {name: found["metrics"] for name, found in earlier.items() if "metrics" in found}
    if not earlier:
        return
    section.heading("After each stage")
    listed = run.settings().get("stages") or []
    last = str(listed[-1]["name"]) if listed else "last"
    columns = {**measured, last: evaluation["metrics"]}
    names = [name for name in evaluation["metrics"] if name in METRIC_NAMES]
    section.table(
        ("metric", *columns),
        [(metric_name(n), *(interval(found.get(n)) for found in columns.values())) for n in names],
    )
    section.text(
        f"The network that each stage kept, on the same test rows; {last!r} is the network of this "
        "run. Intervals are those of the rows, not of the difference, which is more certain."
    )
    for name, found in earlier.items():
        if "why" in found:
            section.text(f"Stage {name!r} was not measured: {found['why']}.")


def _trained(record: dict[str, Any]) -> str:
    """Say how much of the network was trained, and what of it."""
    trained, frozen = record.get("trained_parameters", 0), record.get("frozen_parameters", 0)
    if record.get("adapters"):
        return f"{number(trained)} of adapters and what was named, beside {number(frozen)}"
    if not frozen:
        return f"all {number(trained)} parameters"
    still = ", ".join(record.get("still") or ()) or "single tensors"
    return f"{number(trained)} of {number(trained + frozen)} parameters; frozen: {still}"


def _rates(record: dict[str, Any]) -> str:
    """Say the learning rate, and the factors where it differs along the network."""
    rate = record.get("optimizer_lr")
    groups = record.get("lr_groups") or []
    factors = ", ".join(f"{group['factor']:g}" for group in groups)
    shown = "-" if rate is None else f"{rate:g}"
    return shown if len(groups) < 2 else f"{shown} times {factors}"
