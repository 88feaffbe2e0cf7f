"""Section on what a page lacks: each section that is not there, why, and how to have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eugene._step import Part, Step, steps
from eugene.report._blocks import Section

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_NO_LINE = "–"


def absent(section: Section, run: RunFolder, empty: Sequence[tuple[str, Part]]) -> None:
    """List sections that have nothing to show, with the reason and the line that asks for them.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        Whose page it is.
    empty : sequence of (str, Part)
        Sections without a block, each with the name of its step; without one, it is of a folder
        that holds several runs.
    """
    if not run.config.is_file():
        return
    if run.replicates or run.read("tune.json"):
        section.text(
            "This page is of several runs. What each of them was asked for, and what it was not, "
            "is on its own page."
        )
        return
    known = steps()
    asked = [key for key, value in run.settings("interpret").items() if value is not None]
    within = bool(run.state().get("store"))
    rows = []
    for name, part in empty:
        step = known.get(name)
        if step is None or part.asks:
            rows.append(_of_top(part, run, step, within=within))
        elif step.when != "last":
            rows.append(_of_step(part, run, step, asked))
    if not rows:
        return
    section.text(
        "Sections that other pages have. A line goes into the YAML file of the run, beside what "
        "stands under the same key; every other setting of it has a default, and whether it suits "
        "data and network is checked before anything is done. What stands under 'interpret' is "
        "then added to this run by 'eugene run FILE.yaml --resume'; the rest is a run of its own."
    )
    section.table(("section", "what it would show", "why it is not here", "line"), rows)


def _of_top(part: Part, run: RunFolder, step: Step | None, *, within: bool) -> tuple[str, ...]:
    """Return the row of what a section at the top of the file asks for."""
    from eugene.config.schema import TOP

    key = part.asks.partition(":")[0]
    what = next(p.description for p in TOP if p.name == key)
    if step is None and within:
        return part.title, what, "this run is one of several: see the folder above", _NO_LINE
    if run.settings().get(key):
        return part.title, what, _undone(run, step), _NO_LINE
    return part.title, what, f"the file has no '{key}'", part.asks


def _of_step(part: Part, run: RunFolder, step: Step, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the row of a step."""
    what = (step.function.__doc__ or "").strip().partition("\n")[0]
    outer, _, key = step.section.rpartition(".")
    if not outer or key in asked:
        return part.title, what, _undone(run, step), _NO_LINE
    lacking = [name for name in step.needs if name in steps() and name not in asked]
    wanted = [n for n in lacking if steps()[n].section.rpartition(".")[0] == outer] + [key]
    why = f"'{outer}' does not ask for it"
    if step.extra:
        why += f"; it needs the extra '{step.extra}'"
    return part.title, what, why, f"{outer}: {{{', '.join(f'{n}: {{}}' for n in wanted)}}}"


def _undone(run: RunFolder, step: Step | None) -> str:
    """Say how far a step came that was asked for and left nothing to show."""
    status = None if step is None else run.status(step.name)
    if status is None:
        return "asked for, and not done yet"
    if status == "done":
        return "done, with nothing to show"
    return f"asked for; the step is recorded as {status}"
