"""Two figures of many runs against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import GREY, axes_or_new, coloured, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@picture()
def runs_scatter(
    runs: Mapping[str, Mapping[str, tuple[float, float]]],
    *,
    x: str = "performance",
    y: str = "consistency",
    chosen: str | None = None,
    limit: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw two figures of many runs against each other, a colour a group.

    Parameters
    ----------
    runs
        Group -> run -> its two figures; such as arms and their seeds.
    x, y
        Names of the figures, for the axes.
    chosen
        A run that gets a ring.
    limit
        Value of the first figure that was asked for; drawn as a line.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes.

    Raises
    ------
    eugene.errors.EugeneError
        If there is no run.

    Examples
    --------
    >>> runs = {"relu": {"relu/0": (0.98, 0.25)}, "exp": {"exp/0": (0.979, 0.81)}}
    >>> ax = runs_scatter(runs, x="AUROC", y="k-attr-mean KLD", chosen="exp/0", limit=0.975)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['relu', 'exp', 'chosen']
    """
    if not any(runs.values()):
        raise EugeneError("no run to draw; pass a mapping from groups to their runs.")
    ax = axes_or_new(ax, size=(5.4, 3.8))
    for (group, pairs), colour in coloured(runs.items()):
        across, up = [at[0] for at in pairs.values()], [at[1] for at in pairs.values()]
        ax.scatter(across, up, color=colour, s=26, label=group, zorder=3)
    if limit is not None:
        ax.axvline(limit, color=GREY, linestyle=":", zorder=1)
    for pairs in runs.values():
        if chosen is not None and chosen in pairs:
            ax.scatter(
                [pairs[chosen][0]],
                [pairs[chosen][1]],
                s=130,
                facecolors="none",
                edgecolors="black",
                label="chosen",
                zorder=4,
            )
    ax.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return tidy(ax, x=x, y=y)
