"""Section on the data: rows, lengths, letters, targets, leakage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eugene.report._blocks import Section, number
from eugene.report._folder import read_json, transformed


def data(run: Path) -> Section:
    """Summarise what the model was given."""
    section = Section("data", "Data")
    summary = read_json(run / "data.json")
    if not summary:
        return section
    sequence, splits = summary.get("sequence", {}), summary.get("splits", {})
    text = f"{number(summary.get('n'))} sequences"
    if sequence.get("shortest") is not None:
        low, high = sequence["shortest"], sequence["longest"]
        text += (
            f" of {number(low)} bp" if low == high else f" of {number(low)} to {number(high)} bp"
        )
    if sequence.get("gc_mean") is not None:
        text += f", GC {sequence['gc_mean']:.1%} (standard deviation {sequence['gc_std']:.1%})"
    section.text(text + ".")
    changed = transformed(run)
    for name, values in summary.get("targets", {}).items():
        section.heading(f"Target: {name}")
        if name in changed:
            section.text(
                f"The numbers are those of the transformed target, after {changed[name]}, as the "
                "network learns it; they are not in the units of the file."
            )
        rows = [
            _target_row(part, values[part]) for part in ("train", "val", "test") if part in values
        ]
        has_classes = any("classes" in values[part] for part in values)
        head = ("split", "rows", "missing", "classes" if has_classes else "range", "mean", "sd")
        section.table(head, rows, numbers=(1, 2, 4, 5))
    if not summary.get("targets"):
        section.table(("split", "rows"), [(k, number(v)) for k, v in splits.items()], numbers=(1,))
    for name, count in summary.get("dropped", {}).items():
        section.text(f"{str(name).replace('_', ' ').capitalize()}: {count}.")
    _leakage(section, summary.get("leakage", {}))
    return section


def _target_row(part: str, values: dict[str, Any]) -> tuple[str, ...]:
    """Return a table row of one target in one split."""
    classes = values.get("classes")
    if classes:
        spread = ", ".join(f"{label}: {number(count)}" for label, count in classes.items())
    else:
        spread = f"{number(values.get('min'), 2)} to {number(values.get('max'), 2)}"
    return (
        part,
        number(values.get("n")),
        number(values.get("missing")),
        spread,
        number(values.get("mean")),
        number(values.get("std")),
    )


def _leakage(section: Section, leakage: dict[str, Any]) -> None:
    """Say how many rows one split shares with another."""
    kinds = {
        "duplicates": "the same sequence",
        "overlaps": "overlapping windows",
        "near_duplicates": f"nearly the same sequence (identity {leakage.get('identity')} or more)",
    }
    looked = [kind for kind in kinds if leakage.get(kind) is not None]
    if not looked:
        return
    found = [
        f"{number(count)} rows of {pair.replace('-', ' and ')} with {kinds[kind]}"
        for kind in looked
        for pair, count in leakage[kind].items()
        if count
    ]
    if found:
        section.text(f"Shared between splits: {'; '.join(found)}.")
    else:
        what = {
            "duplicates": "sequence",
            "overlaps": "base of the genome",
            "near_duplicates": f"sequence at an identity of {leakage.get('identity')} or more",
        }
        section.text(f"No {' and no '.join(what[kind] for kind in looked)} is in two splits.")
