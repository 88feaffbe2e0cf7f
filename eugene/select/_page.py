"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._folder import RunFolder
from eugene.report._blocks import Picture, Section, Tile, number, picture
from eugene.report._build import STYLE, write_page
from eugene.report._words import method_name
from eugene.select._tables import by_class, predicted
from eugene.select._verdict import NAMES, amount_name, headline, span

if TYPE_CHECKING:
    import pandas as pd

    from eugene.select._compare import Comparison

_DRAWN = ("smooth_precision", "smooth_recall")
_SCORES = ("roc_macro_auc", "pr_macro_auc", "metrics_accuracy", "metrics_loss")
_MOST_LINES = 400


def write_comparison(found: Comparison, place: Path) -> Path:
    """Write the page of a comparison, with its pictures inside.

    Parameters
    ----------
    found : Comparison
        What it shows.
    place : Path
        Folder of the tables; pictures are kept there, too.

    Returns
    -------
    Path
        The page.
    """
    import matplotlib as mpl

    figures = place / "figures"
    with mpl.rc_context(STYLE):
        sections = [
            _said(found),
            _learning(found, figures),
            _importance(found, figures),
            _curves(found, figures),
            _runs(found),
        ]
    metric = headline(found.learning)
    models = found.table["model_id"].nunique()
    return write_page(
        found.page,
        title=f"Comparison: {found.folder.resolve().name.replace('_', ' ')}",
        subtitle=f"{len(found.table)} runs of {models} networks, {found.set_name} rows",
        tiles=list(_tiles(found, metric)),
        sections=sections,
    )


def _tiles(found: Comparison, metric: str) -> Iterator[Tile]:
    """Yield the best figure of each grammar with the most data."""
    chosen = found.learning[found.learning["metric"] == metric]
    for grammar, rows in chosen.groupby("grammar_id", sort=False):
        most = rows[rows["amount"] == rows["amount"].max()]
        best = most.loc[most["mean"].idxmax()]
        label = f"{NAMES.get(metric, metric)}, {best['model_id']} on {grammar}"
        yield Tile(number(float(best["mean"])), label)


def _said(found: Comparison) -> Section:
    section = Section("verdict", "Which network")
    for line in found.verdict:
        section.text(line)
    section.text(
        "Brackets hold Student's 95 % intervals over seeds. A network is said to have found the "
        "rules if its importance is on planted positions at least twice as much as their share of "
        "the sequence; what it does with them only its figures say."
    )
    if found.missing:
        section.heading("Runs that are not here")
        section.table(("run", "why"), list(found.missing.items()))
    return section


def _of(found: Comparison, grammar: str, metric: str) -> pd.DataFrame:
    learning = found.learning
    return learning[(learning["grammar_id"] == grammar) & (learning["metric"] == metric)]


def _of_rate(found: Comparison) -> bool:
    return bool(found.table["d_rate"].notna().any())


def _learning(found: Comparison, figures: Path) -> Section:
    """Show figures against the amount of data."""
    section = Section("learning", "Performance and amount of data")
    there = set(found.learning["metric"])
    metrics = [m for m in dict.fromkeys((headline(found.learning), *_SCORES)) if m in there]
    for grammar in dict.fromkeys(found.learning["grammar_id"]):
        section.heading(str(grammar))
        drawn = [_amounts(found, grammar, metric, figures) for metric in metrics[:2]]
        section.figures(one for one in drawn if one is not None)
        section.table(
            ("network", "data", "seeds", *(NAMES.get(m, m) for m in metrics)),
            _rows(found, grammar, metrics),
            numbers=(2,),
        )
    return section


def _rows(found: Comparison, grammar: str, metrics: list[str]) -> Iterator[list[object]]:
    """Yield a line a network and amount, with a cell a metric."""
    first = _of(found, grammar, metrics[0])
    for _, row in first.iterrows():
        same = [_of(found, grammar, m) for m in metrics]
        cells = [
            own[(own["model_id"] == row["model_id"]) & (own["amount"] == row["amount"])]
            for own in same
        ]
        amount = amount_name(float(row["amount"]), of_rate=_of_rate(found))
        said = [span(own.iloc[0]) if len(own) else "–" for own in cells]
        yield [row["model_id"], amount, int(row["n"]), *said]


def _amounts(
    found: Comparison, grammar: str, metric: str, figures: Path, chance: float | None = None
) -> Picture | None:
    """Draw a figure against the amount of data."""
    import matplotlib.pyplot as plt

    from eugene.plot import learning_by_amount

    rows = _of(found, grammar, metric)
    if rows.empty:
        return None
    name = _named(metric)
    figure, ax = plt.subplots(figsize=(5.8, 3.4), layout="constrained")
    learning_by_amount(rows, name, chance=chance, ax=ax)
    return picture(
        figure,
        f"{grammar}_{metric}",
        folder=figures,
        alt=f"{name} of each network against the amount of data, {grammar}",
        caption=f"{name}: means over seeds with Student's 95 % intervals.",
    )


def _named(metric: str) -> str:
    """Return what people call a figure, that of a method included."""
    if metric in NAMES:
        return NAMES[metric]
    for kind in ("smooth", "thresholded"):
        method, _, what = metric.partition(f"_{kind}_")
        if what:
            return f"{kind} {what} of {method_name(method)}"
    return metric.replace("_", " ")


def _importance(found: Comparison, figures: Path) -> Section:
    """Show how importance agrees with what was planted."""
    section = Section("importance", "Importance against the grammar")
    if found.importance.empty:
        return section
    section.text(
        "Importance of each position, scaled to a maximum of 1. Smooth precision is the share of "
        "it that lies on planted positions, smooth recall the mean importance of these; the dotted "
        "line is the share of planted positions, which importance without aim would have."
    )
    for grammar, own in found.importance.groupby("grammar_id", sort=False):
        section.heading(str(grammar))
        share = float(own["grammar_fraction"].mean())
        for method in dict.fromkeys(own["method"]):
            drawn = [
                _amounts(
                    found, str(grammar), f"{method}_{what}", figures, share if i == 0 else None
                )
                for i, what in enumerate(_DRAWN)
            ]
            section.figures(one for one in drawn if one is not None)
            scores = [
                f"{method}_smooth_{what}" for what in ("precision", "recall", "specificity", "f1")
            ]
            section.table(
                ("network", "data", "seeds", *(_named(score) for score in scores)),
                _rows(found, str(grammar), scores),
                numbers=(2,),
            )
    return section


def _curves(found: Comparison, figures: Path) -> Section:
    """Show ROC and PR curves of each network, with the most data and the first seed."""
    section = Section("curves", "ROC and precision-recall curves")
    if found.roc.empty:
        return section
    import matplotlib.pyplot as plt

    from eugene.plot import auprc, auroc

    section.text(
        "One against all others for each class, with the micro average (all pairs of a row and a "
        "class together) and the macro average (mean of the classes); of the run with the most "
        "data and the first seeds. Numbers are areas."
    )
    for grammar, own in found.table.groupby("grammar_id", sort=False):
        section.heading(str(grammar))
        drawn = []
        for model, rows in own.groupby("model_id", sort=False):
            amount = rows["d_size"].where(rows["d_size"].notna(), rows["d_rate"])
            run = rows[amount == amount.max()].iloc[0]
            ds = by_class(predicted(RunFolder(found.folder / run["path"]), found.set_name))
            if ds is None:
                continue
            names = list(ds.attrs["names"])
            figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.6), layout="constrained")
            auroc(ds, names, averages=True, ax=axes[0])
            auprc(ds, names, averages=True, iso_f1=True, ax=axes[1])
            drawn.append(
                picture(
                    figure,
                    f"{grammar}_{model}_curves",
                    folder=figures,
                    alt=f"ROC and precision-recall curves of {model} on {grammar}",
                    caption=f"{model}, {run['path']}",
                )
            )
        section.figures(drawn)
    return section


def _runs(found: Comparison) -> Section:
    """List the runs, and the files beside the page."""
    section = Section("runs", "Runs")
    section.text(
        f"Tables are in {found.folder.name}/comparison as TSV files: table, curve-table, fie-table "
        "(importance against the grammar), fie-table-labels, learning, roc, pr. Each run has a "
        "folder of its own."
    )
    shown = [c for c in found.table.columns if found.table[c].notna().any()]
    section.frame(found.table[shown].head(_MOST_LINES))
    if len(found.table) > _MOST_LINES:
        section.text(f"and {len(found.table) - _MOST_LINES} more in table.tsv")
    return section
