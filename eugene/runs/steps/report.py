"""The report of a run, and its sections on how to do the run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from eugene._step import Part, step, steps
from eugene._verb import REPLACE, TRUST, Verb, out
from eugene.report._blocks import Section, duration
from eugene.report._methods import methods, provenance

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run


def _configuration(section: Section, run: RunFolder) -> None:
    """Show the resolved configuration, folded, and every file of the interpretation."""
    if run.config.is_file():
        section.text(
            "Every setting as it was used, defaults included; 'eugene run' on this file repeats "
            "the run."
        )
        section.code(run.config.read_text(encoding="utf8"), summary="config.yaml")
    said = {name: what for one in steps().values() for name, what in one.writes.items()}
    folder = run.interpretation
    listed = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    found = [f"interpretation/{name}" for name in listed if not name.startswith(".")]
    if found:
        section.heading("Files of the interpretation")
        section.links([(name, said.get(name, "")) for name in found])


def _versions(section: Section, run: RunFolder) -> None:
    """List what the run was made with."""
    section.table(("part", "version"), _flat(run.read("versions.json")))


def _flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested entries as (dotted name, text) pairs."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", "–" if value is None else str(value)


def _timings(section: Section, run: RunFolder) -> None:
    """List how long each step took."""
    entries = run.state().get("steps", {}).items()
    seconds = {name: e["seconds"] for name, e in entries if e.get("seconds") is not None}
    if seconds:
        rows = [*seconds.items(), ("all", sum(seconds.values()))]
        section.table(("step", "time"), [(n, duration(float(s))) for n, s in rows], numbers=(1,))


@step(
    when="last",
    again=True,
    writes={"report.html": "the self-contained page", "figures": "its pictures"},
    report=(
        Part("methods", "Methods, to be pasted", methods),
        Part("provenance", "Provenance", provenance),
        Part("configuration", "Configuration", _configuration),
        Part("versions", "Versions", _versions),
        Part("timings", "Timings", _timings),
    ),
    verb=Verb(
        "report",
        "write report.html of a run",
        "eugene report runs/first",
        "eugene.cli._run:report",
        options=(out("HTML file to write instead"), REPLACE, TRUST),
    ),
)
def report(run: Run) -> None:
    """Write ``report.html``.

    Parameters
    ----------
    run : Run
        A run.
    """
    from eugene.report import build

    build(run.folder.path)
