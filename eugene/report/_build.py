"""Put the sections of a run on one page."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eugene._evaluation import read_evaluation
from eugene._folder import RunFolder
from eugene._step import Part, steps
from eugene._version import __version__
from eugene.errors import NotARunError
from eugene.report._absent import absent
from eugene.report._blocks import Section, Tile, number
from eugene.report._replicates import replicates
from eugene.report._search import search
from eugene.report._verdict import CHIEF, Verdict, verdicts
from eugene.report._words import metric_name

_ABOVE = (
    Part(
        "search",
        "Search",
        search,
        "tune: {num_samples: 20}  # by 'eugene tune', with values such as "
        "optimizer_lr: {search: loguniform, low: 0.0001, high: 0.01}",
    ),
    Part("replicates", "Replicates", replicates, "replicates: {seeds: [0, 1, 2]}"),
)
"""Of folders that hold several runs."""
STYLE: dict[Any, object] = {
    "backend": "Agg",  # draws without a screen, whatever the caller uses
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.labelsize": 9,
    "svg.fonttype": "path",
    "figure.dpi": 100,
}
"""How pictures of a page are drawn."""


def build(run_dir: str | Path, *, out: str | Path | None = None) -> Path:
    """Write the report of a run.

    The page needs nothing beside itself: pictures, style and text are inside. Sections of steps
    that did not run are left out, and listed at its end.

    Parameters
    ----------
    run_dir
        A run folder, the folder above the replicates of one, or one of `eugene.train.fit`.
    out
        Where to write; ``report.html`` in the folder by default.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    eugene.errors.MissingFileError
        If the folder is not there.
    eugene.errors.NotARunError
        If it is not the folder of a run.

    Examples
    --------
    >>> import eugene as eu
    >>> eu.report.build("runs/quickstart")  # doctest: +SKIP
    PosixPath('runs/quickstart/report.html')
    """
    import matplotlib as mpl

    run = RunFolder.open(run_dir, or_trained=True)
    with mpl.rc_context(STYLE):
        made = _sections(run)
    path = run.report if out is None else Path(out)
    base = os.path.relpath(run.path, path.parent).replace(os.sep, "/")
    title = str(run.settings().get("name") or run.path.resolve().name).replace("_", " ")
    return write_page(
        path,
        title=title,
        subtitle=_subtitle(run),
        tiles=_tiles(run),
        sections=made,
        judged=verdicts(run),
        base="" if base == "." else f"{quote(base)}/",
    )


def write_page(
    path: Path,
    *,
    title: str,
    subtitle: str,
    tiles: Sequence[Tile],
    sections: Sequence[Section],
    judged: Sequence[Verdict] = (),
    base: str = "",
) -> Path:
    """Write a page that needs nothing beside itself.

    Parameters
    ----------
    path : Path
        Where to.
    title, subtitle : str
        What stands above it.
    tiles : sequence of Tile
        Numbers that a reader wants first.
    sections : sequence of Section
        Empty ones are left out.
    judged : sequence of Verdict, optional
        What stands below the title.
    base : str, optional
        Way from the page to the folder that links start from, with a slash at its end.

    Returns
    -------
    Path
        The page.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("_page.html.j2").render(
        title=title,
        subtitle=subtitle,
        tiles=tiles,
        verdicts=judged,
        sections=[section for section in sections if section.blocks],
        base=base,
        version=__version__,
        date=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    RunFolder(path.parent).write_text(path.name, page)
    return path


def _sections(run: RunFolder) -> list[Section]:
    """Make every section; what is not there is listed before the configuration."""
    left_out = _left_out(run)
    parts = [*(("", part) for part in _ABOVE), *_of_steps()]
    made = [
        _said(part, left_out[name]) if name in left_out else _made(part, run)
        for name, part in parts
    ]
    empty = [given for given, one in zip(parts, made, strict=True) if not one.blocks]
    lacking = Part("absent", "What is not here", lambda section, of: absent(section, of, empty))
    place = next((i for i, one in enumerate(made) if one.id == "configuration"), len(made))
    made.insert(place, _made(lacking, run))
    return made


def _of_steps() -> Iterator[tuple[str, Part]]:
    """Yield the sections of the steps with the names of these, in their order."""
    for name, step in steps().items():
        yield from ((name, part) for part in step.report)


def _left_out(run: RunFolder) -> dict[str, str]:
    """Return the steps that do not apply to the network of a run, and why."""
    entries = run.state().get("steps", {})
    return {name: str(e["skipped"]) for name, e in entries.items() if e.get("skipped")}


def _said(part: Part, reason: str) -> Section:
    """Make a section that says why there is nothing in it."""
    section = Section(part.id, part.title)
    section.text(f"This step does not apply to the network: {reason}.")
    return section


def _made(part: Part, run: RunFolder) -> Section:
    """Make a section; a file of the run that holds what no run writes is told as that."""
    title = part.title
    section = Section(part.id, title)
    try:
        part.fill(section, run)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise NotARunError(
            f"the section {title!r} of the report cannot be made from the files of {run.path} "
            f"({type(error).__name__}: {error}): one of them is damaged; do its step again"
        ) from error
    return section


def _subtitle(run: RunFolder) -> str:
    """Say in a line what was trained on what."""
    model, source, module = (run.settings(name) for name in ("model", "data", "module"))
    parts = []
    if model.get("name"):
        parts.append(f"Model {model['name']}")
    if module.get("task"):
        parts.append(str(module["task"]).replace("_", " "))
    if source.get("name"):
        place = source.get("path") or source.get("fasta")
        parts.append(f"data: {source['name']}" + (f" ({Path(str(place)).name})" if place else ""))
    seed = run.settings().get("seed")
    if seed is not None:
        parts.append(f"seed {seed}")
    return " · ".join(parts)


def _tiles(run: RunFolder) -> list[Tile]:
    """Return the numbers that a reader wants first."""
    tiles = []
    summary = run.read("summary.json")
    over = str(summary.get("over") or "seed")
    for arm, entry in summary.get("arms", {}).items():
        name = next((m for m in CHIEF if m in entry["metrics"]), None)
        if name is not None:
            mean = number(entry["metrics"][name]["mean"])
            label = (
                f"{metric_name(name)}, {arm.replace('_', ' ')}, mean of {len(entry[f'{over}s'])}"
            )
            tiles.append(Tile(mean, label))
    evaluation = read_evaluation(run.path)
    where = "other data" if evaluation.get("other_data") else "test"
    metrics = evaluation.get("metrics", {})
    tiles += [
        Tile(number(metrics[name].get("value")), f"{where} {metric_name(name)}")
        for name in [m for m in CHIEF if m in metrics][:2]
    ]
    truth = run.read("interpretation/truth.json")
    best = max(truth.get("mean_auprc", {}).values(), default=None)
    if best is not None:
        chance = number(truth.get("planted_fraction"), 2)
        tiles.append(Tile(number(best, 2), f"attribution AUPRC (chance {chance})"))
    found = truth.get("planted_found", {})
    if found:
        hits = sum(bool(hit.get("found")) for hit in found.values())
        tiles.append(Tile(f"{hits} of {len(found)}", "planted motifs found by filters"))
    return tiles
