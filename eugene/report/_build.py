"""Put the sections of a run on one page."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eugene._evaluation import read_evaluation
from eugene._version import __version__
from eugene.errors import NotARunError
from eugene.report._blocks import Section, Tile, number
from eugene.report._data import data
from eugene.report._explain import attributions, control, evolution, filters, positional
from eugene.report._folder import read_json
from eugene.report._found import modisco, seqlets
from eugene.report._performance import metric_name, performance, training
from eugene.report._provenance import configuration, timings, versions
from eugene.report._replicates import replicates

_SECTIONS: tuple[Callable[[Path], Section], ...] = (
    replicates,
    data,
    training,
    performance,
    attributions,
    seqlets,
    modisco,
    filters,
    positional,
    evolution,
    control,
    configuration,
    versions,
    timings,
)
_HEADLINE = ("auroc", "auprc", "accuracy", "pearson_r2", "pearson", "r2")
_STYLE: dict[Any, Any] = {
    "backend": "Agg",  # draws without a screen, whatever the caller uses
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.labelsize": 9,
    "svg.fonttype": "path",
    "figure.dpi": 100,
}


def build(run_dir: str | Path, *, out: str | Path | None = None) -> Path:
    """Write the report of a run.

    The page needs nothing beside itself: pictures, style and text are inside. Sections of steps
    that did not run are left out.

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
    import jinja2
    import matplotlib as mpl

    from eugene._folder import RunFolder

    run = RunFolder.open(run_dir, or_trained=True).path
    with mpl.rc_context(_STYLE):
        sections = [section for make in _SECTIONS if (section := _made(make, run)).blocks]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    path = run / "report.html" if out is None else Path(out)
    base = os.path.relpath(run, path.parent).replace(os.sep, "/")
    title = _title(run)
    page = environment.get_template("_page.html.j2").render(
        title=title,
        subtitle=_subtitle(run),
        tiles=_tiles(run),
        sections=sections,
        base="" if base == "." else f"{quote(base)}/",
        version=__version__,
        date=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    RunFolder(path.parent).write_text(path.name, page)
    return path


def _made(make: Callable[[Path], Section], run: Path) -> Section:
    """Make a section; a file of the run that holds what no run writes is told as that."""
    try:
        return make(run)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        message = (
            f"the section {make.__name__!r} of the report cannot be made from the files of {run} "
            f"({type(error).__name__}: {error}): one of them is damaged; do its step again"
        )
        raise NotARunError(message) from error


def _config(run: Path) -> dict[str, Any]:
    """Return the run's resolved configuration, empty where it has none."""
    from eugene.config import parse_file

    path = run / "config.yaml"
    return parse_file(path).tree if path.is_file() else {}


def _title(run: Path) -> str:
    """Return the run's name."""
    return str(_config(run).get("name") or run.resolve().name).replace("_", " ")


def _subtitle(run: Path) -> str:
    """Say in a line what was trained on what."""
    config = _config(run)
    model, source = config.get("model") or {}, config.get("data") or {}
    module = config.get("module") or {}
    parts = []
    if model.get("name"):
        parts.append(f"Model {model['name']}")
    if module.get("task"):
        parts.append(str(module["task"]).replace("_", " "))
    if source.get("name"):
        place = source.get("path") or source.get("fasta")
        parts.append(f"data: {source['name']}" + (f" ({Path(str(place)).name})" if place else ""))
    if config.get("seed") is not None:
        parts.append(f"seed {config['seed']}")
    return " · ".join(parts)


def _tiles(run: Path) -> list[Tile]:
    """Return the numbers that a reader wants first."""
    tiles = []
    for arm, entry in read_json(run / "summary.json").get("arms", {}).items():
        name = next((m for m in _HEADLINE if m in entry["metrics"]), None)
        if name is not None:
            mean = number(entry["metrics"][name]["mean"])
            label = f"{metric_name(name)}, {arm.replace('_', ' ')}, mean of {len(entry['seeds'])}"
            tiles.append(Tile(mean, label))
    evaluation = read_evaluation(run)
    where = "other data" if evaluation.get("other_data") else "test"
    metrics = evaluation.get("metrics", {})
    for name in [m for m in _HEADLINE if m in metrics][:2]:
        entry = metrics[name]
        value = entry.get("value") if isinstance(entry, dict) else entry
        tiles.append(Tile(number(value), f"{where} {metric_name(name)}"))
    truth = read_json(run / "interpretation" / "truth.json")
    best = max(truth.get("mean_auprc", {}).values(), default=None)
    if best is not None:
        chance = number(truth.get("planted_fraction"), 2)
        tiles.append(Tile(number(best, 2), f"attribution AUPRC (chance {chance})"))
    found = truth.get("planted_found", {})
    if found:
        hits = sum(bool(hit.get("found")) for hit in found.values())
        tiles.append(Tile(f"{hits} of {len(found)}", "planted motifs found by filters"))
    return tiles
