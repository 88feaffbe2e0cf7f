"""Section on a search: its trials, what was tried, and what mattered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eugene.report._blocks import Section, number, picture

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_MOST = 50
_WAYS = {
    "random": "drawn at random",
    "optuna": "proposed by Optuna from those before",
    "grid": "all points of a grid",
}
_ENDS = {
    "none": "each trained to its end",
    "asha": "stopped early by successive halving (asha)",
    "median": "stopped early where worse than the median of the others",
    "pbt": "the worst given the weights of the best, with changed values (pbt)",
}


def search(section: Section, run: RunFolder) -> None:
    """Show the trials of a search, the best first, their values, and how much each mattered."""
    said, table = run.read("tune.json"), run.table("trials.csv")
    if not said or table.empty:
        return
    from eugene.plot import importance_bars, parallel_coordinates

    metric, places = said["metric"], said["places"]
    names = short_names(places)
    way, end = _WAYS[said["algorithm"]], _ENDS[said["scheduler"]]
    low = "the lowest" if said["mode"] == "min" else "the highest"
    section.text(
        f"{len(table)} trials, {way}, {end}. They are compared by {low} {metric} on validation "
        f"rows; the best is trial {said['best']}, written as best.yaml. As the best of many, its "
        "value on validation rows is optimistic: only its test rows say how good it is."
    )
    head = [names.get(str(column), str(column).replace("_", " ")) for column in table.columns]
    rows = [[_cell(value) for value in row] for row in table.head(_MOST).itertuples(index=False)]
    section.table(head, rows, numbers=range(2, len(head)))
    if len(table) > _MOST:
        section.text(f"The {len(table) - _MOST} others are in trials.csv.")
    import matplotlib.pyplot as plt

    pictures = []
    measured = table[table[metric].notna()]
    if len(measured):
        width = min(2.2 + 1.5 * len(places), 11.5)
        figure, ax = plt.subplots(figsize=(width, 3.8), layout="constrained")
        parallel_coordinates(
            measured, places, metric, better=said["mode"], logarithmic=said["logarithmic"],
            labels=names, ax=ax,
        )  # fmt: skip
        pictures.append(
            picture(
                figure, "search", folder=run.figures,
                alt="A line for each trial through the values that it was given",
                caption="A line a trial; the darker, the better, and thick the best.",
            )
        )  # fmt: skip
    if said["importance"]:
        height = 1.1 + 0.34 * len(said["importance"])
        figure, ax = plt.subplots(figsize=(4.6, height), layout="constrained")
        importance_bars(said["importance"], labels=names, ax=ax)
        pictures.append(
            picture(
                figure, "importance", folder=run.figures,
                alt="How much each searched value mattered",
                caption="Share of the variance of the metric over the trials (fANOVA).",
            )
        )  # fmt: skip
    section.figures(pictures)
    section.text(f"Importance: {said['importance_note']}")
    section.links(
        [("best.yaml", "the best trial as the file of a run"), ("trials.csv", "the table")]
    )


def short_names(places: list[str]) -> dict[str, str]:
    """Return dotted places by fewer words: as many from the end as tell all of them apart.

    Parameters
    ----------
    places : list of str
        Such as ``"module.optimizer_lr"``.

    Returns
    -------
    dict of str to str
        Place -> its name; a number never stands alone.

    Examples
    --------
    >>> short_names(["module.optimizer_lr", "model.dense_kwargs.hidden_dims.0"])
    {'module.optimizer_lr': 'optimizer_lr', 'model.dense_kwargs.hidden_dims.0': 'hidden_dims.0'}
    """
    for words in range(1, max((dotted.count(".") + 2 for dotted in places), default=2)):
        short = {dotted: _last(dotted, words) for dotted in places}
        if len(set(short.values())) == len(short):
            break
    return short if places else {}


def _last(dotted: str, words: int) -> str:
    parts = dotted.split(".")
    numbers = next((i for i, part in enumerate(reversed(parts)) if not part.isdigit()), 0)
    return ".".join(parts[-words - numbers :])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    return number(value)
