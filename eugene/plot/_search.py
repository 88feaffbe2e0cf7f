"""Pictures of a search: which values were tried, what came of them, and which mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from eugene.errors import EugeneError, did_you_mean
from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, VERMILION, axes_or_new, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LONGEST_LABEL = 18


@picture(passes="plot")
def parallel_coordinates(
    table: pd.DataFrame,
    columns: Sequence[str],
    value: str,
    *,
    better: Literal["min", "max"] = "min",
    logarithmic: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw each row of a table as a line through what it has in some columns.

    Parameters
    ----------
    table
        One row a trial.
    columns
        What was varied, one upright axis each, from left to right; numbers go up by their size,
        anything else in the order of its text.
    value
        Column with what came of it: the last axis, and the colour.
    better
        Whether low or high values are good; the best row is drawn last, and thick.
    logarithmic
        Columns whose axis is logarithmic.
    labels
        What columns are called in the picture.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    eugene.errors.EugeneError
        If the table lacks a column, or has no finite value.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"lr": [0.1, 0.01], "act": ["relu", "gelu"], "loss": [0.5, 0.4]})
    >>> ax = parallel_coordinates(table, ["lr", "act"], "loss", logarithmic=["lr"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['lr', 'act', 'loss']
    """
    import matplotlib as mpl

    for name in (*columns, value):
        if name not in table:
            raise EugeneError(
                f"the table has no column {name!r}{did_you_mean(name, table.columns)}"
            )
    scores = table[value].to_numpy(dtype=float)
    shown = np.isfinite(scores)
    if not shown.any():
        raise EugeneError(f"no row of the table has a finite {value!r}: nothing to draw.")
    ax = axes_or_new(ax)
    names = [*columns, value]
    rows = table[shown]
    placed = [_placed(rows[name], logarithmic=name in logarithmic) for name in names]
    heights = np.stack([height for height, _ in placed], axis=1)
    for i, (_, ticks) in enumerate(placed):
        ax.axvline(i, color=GREY, lw=0.8, zorder=1)
        for at, text in ticks:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4}
            ax.text(i + 0.03, at, text, bbox=box, fontsize=7, va="center", zorder=4)
    sign = 1 if better == "max" else -1
    order = np.argsort(sign * scores[shown], kind="stable")
    rank = np.linspace(0, 1, len(order)) if len(order) > 1 else np.ones(1)
    colours = mpl.colormaps["viridis_r"]
    for place, row in enumerate(order):
        style = {"color": colours(rank[place] * 0.9), "lw": 1.0, "alpha": 0.8, "zorder": 2}
        if place == len(order) - 1:
            style |= {"color": VERMILION, "lw": 2.4, "alpha": 1.0, "zorder": 3}
        ax.plot(range(len(names)), heights[row], **{**style, **kwargs})
    called = dict(labels or {})
    ax.set_xticks(range(len(names)), [called.get(name, name) for name in names], rotation=20)
    ax.set_yticks([])
    ax.set_xlim(-0.1, len(names) - 1 + 0.35)
    ax.set_ylim(-0.06, 1.06)
    for side in ("left", "right", "top", "bottom"):
        ax.spines[side].set_visible(False)
    return ax


def _placed(
    values: pd.Series, *, logarithmic: bool
) -> tuple[NDArray[np.float64], list[tuple[float, str]]]:
    """Return heights from 0 to 1 of the values of an axis, and its ticks."""
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
    if kind in "iuf":
        numbers = values.to_numpy(dtype=float)
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        distinct = np.unique(numbers[np.isfinite(numbers)])
        scale = np.log10 if logarithmic and low > 0 else np.asarray
        spread = float(scale(high) - scale(low)) or 1.0

        def height(number: NDArray[np.float64] | float) -> NDArray[np.float64]:
            at = (scale(number) - scale(low)) / spread
            return np.asarray(at if high > low else at + 0.5, dtype=float)

        marked = distinct if len(distinct) <= 6 else _marks(low, high, logarithmic)
        ticks = [(float(height(mark)), f"{mark:.3g}") for mark in marked]
        return height(numbers), ticks
    words = values.astype(str)
    known = sorted(words.unique())
    steps = {word: i / max(len(known) - 1, 1) if len(known) > 1 else 0.5
             for i, word in enumerate(known)}  # fmt: skip
    ticks = [(at, _cut(word)) for word, at in steps.items()]
    return words.map(steps).to_numpy(dtype=float), ticks


def _marks(low: float, high: float, logarithmic: bool) -> NDArray[np.float64]:
    if logarithmic and low > 0:
        return np.geomspace(low, high, 5)
    return np.linspace(low, high, 5)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


@picture(passes="bar")
def importance_bars(
    importance: Mapping[str, float],
    *,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how much each of some settings mattered, the most important on top.

    Parameters
    ----------
    importance
        Setting -> its share, from 0 to 1.
    labels
        What settings are called in the picture.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.barh``.

    Returns
    -------
    Axes
        The axes.

    Examples
    --------
    >>> importance_bars({"lr": 0.8, "width": 0.2}).get_xlabel()
    'importance'
    """
    ax = axes_or_new(ax)
    ranked = sorted(importance.items(), key=lambda item: item[1])
    called = dict(labels or {})
    names = [called.get(name, name) for name, _ in ranked]
    shares = [share for _, share in ranked]
    ax.barh(range(len(ranked)), shares, **{"color": BLUE, **kwargs})
    ax.set_yticks(range(len(ranked)), names)
    return tidy(ax, x="importance", y="")
