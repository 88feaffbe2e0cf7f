"""Sections that let somebody run it again: configuration, versions, timings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eugene.report._blocks import Section, duration
from eugene.report._folder import read_json
from eugene.report._found import list_files


def configuration(run: Path) -> Section:
    """Show the resolved configuration, folded, and every file of the interpretation."""
    section = Section("configuration", "Configuration")
    path = run / "config.yaml"
    if path.is_file():
        section.text(
            "Every setting as it was used, defaults included; 'eugene run' on this file repeats "
            "the run."
        )
        section.code(path.read_text(encoding="utf8"), summary="config.yaml")
    list_files(section, run)
    return section


def timings(run: Path) -> Section:
    """List how long each step took."""
    section = Section("timings", "Timings")
    steps = read_json(run / "state.json").get("steps", {})
    rows = [
        (name, duration(float(step["seconds"])))
        for name, step in steps.items()
        if isinstance(step, dict) and step.get("seconds") is not None
    ]
    if rows:
        total = sum(float(s["seconds"]) for s in steps.values() if s.get("seconds") is not None)
        section.table(("step", "time"), [*rows, ("all", duration(total))], numbers=(1,))
    return section


def versions(run: Path) -> Section:
    """List what the run was made with."""
    section = Section("versions", "Versions")
    section.table(("part", "version"), _flat(read_json(run / "versions.json")))
    return section


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested entries as (dotted name, text) pairs."""
    rows: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            rows.extend(_flat(value, f"{name}."))
        else:
            rows.append((name, "–" if value is None else str(value)))
    return rows
