"""Groups of scores as boxes, with brackets over those that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import axes_or_new, coloured, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_STARS = ((0.0001, "****"), (0.001, "***"), (0.01, "**"), (0.05, "*"))


def stars(p: float) -> str:
    """Return the usual sign of a p-value.

    Examples
    --------
    >>> stars(0.03), stars(0.5)
    ('*', 'n.s.')
    """
    return next((sign for limit, sign in _STARS if p < limit), "n.s.")


@picture()
def compared_groups(
    scores: Mapping[str, Sequence[float]],
    tests: pd.DataFrame | None = None,
    *,
    metric: str = "score",
    all_pairs: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw groups of scores as boxes with their points, and brackets over pairs that differ.

    Parameters
    ----------
    scores
        Scores of each group, such as those of the seeds of an architecture.
    tests
        What `eugene.evaluate.compare_groups` says of these groups.
    metric
        Name of the score, for the axis.
    all_pairs
        Whether pairs without a significant difference have a bracket too.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; boxes span quartiles with the median inside, whiskers reach the furthest score
        within 1.5 times that, stars stand for corrected p-values below 0.05, 0.01, 0.001 and
        0.0001.

    Raises
    ------
    eugene.errors.EugeneError
        If there is no group, or the tests are of others.

    Examples
    --------
    >>> from eugene.evaluate import compare_groups
    >>> scores = {"cnn": [0.5, 0.6, 0.55, 0.52, 0.58], "rnn": [0.7, 0.71, 0.8, 0.75, 0.72]}
    >>> ax = compared_groups(scores, compare_groups(scores), metric="r2")
    >>> [text.get_text() for text in ax.texts]
    ['**']
    """
    if not scores:
        raise EugeneError("no group to draw; pass a mapping from groups to their scores.")
    names = list(scores)
    ax = axes_or_new(ax, size=(max(3.2, 0.9 * len(names) + 1.2), 3.6))
    values = [np.asarray(given, dtype=float) for given in scores.values()]
    places = np.arange(len(names))
    made = ax.boxplot(values, positions=places, widths=0.55, showfliers=False, patch_artist=True)
    for at, (given, colour) in enumerate(coloured(values)):
        made["boxes"][at].set(facecolor=colour, alpha=0.35, edgecolor=colour)
        made["medians"][at].set(color="black")
        spread = np.linspace(-0.12, 0.12, len(given)) if len(given) > 1 else np.zeros(1)
        ax.scatter(at + spread, given, color=colour, s=16, zorder=3)
    ax.set_xticks(places, names, rotation=30 if len(names) > 4 else 0)
    if tests is not None:
        _brackets(ax, names, values, tests, all_pairs=all_pairs)
    return tidy(ax, y=metric)


def _brackets(
    ax: Axes,
    names: list[str],
    values: list[np.ndarray],
    tests: pd.DataFrame,
    *,
    all_pairs: bool,
) -> None:
    """Draw a bracket a pair, the narrow ones below the wide ones."""
    unknown = sorted({*tests["a"], *tests["b"]} - set(names))
    if unknown:
        raise EugeneError(f"the tests are of groups that are not drawn: {', '.join(unknown)}")
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    step = 0.09 * ((high - low) or abs(high) or 1.0)
    shown = tests if all_pairs else tests[tests["significant"]]
    pairs = [
        (*sorted((names.index(row.a), names.index(row.b))), float(row.p_adjusted))
        for row in shown.itertuples()
    ]
    for level, (left, right, p) in enumerate(sorted(pairs, key=lambda q: (q[1] - q[0], q[0]))):
        y = high + step * (level + 1)
        ax.plot([left, left, right, right], [y - step / 4, y, y, y - step / 4], color="black", lw=1)
        ax.text((left + right) / 2, y, stars(p), ha="center", va="bottom", fontsize=9)
    ax.set_ylim(low - step, high + step * (len(pairs) + 1.5))
