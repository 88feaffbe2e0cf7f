"""Pictures of a selection of networks: figures against amounts of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import GREY, axes_or_new, coloured, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@picture()
def learning_by_amount(
    table: pd.DataFrame,
    metric: str = "score",
    *,
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a figure of several networks against the amount of data they were trained on.

    Parameters
    ----------
    table
        One row a network and amount: ``model_id``, ``amount`` and ``mean``, and where there are
        several seeds ``t_low`` and ``t_high``, as `eugene.select.compare` gives it as ``learning``
        for one metric.
    metric
        Name of the figure, for the axis.
    chance
        Where a line is drawn, such as what guessing gives.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; points are means over seeds, bars 95 % intervals of Student.

    Raises
    ------
    eugene.errors.EugeneError
        If the table is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"model_id": ["cnn"] * 2, "amount": [1000, 2000], "mean": [0.6, 0.8]})
    >>> [line.get_label() for line in learning_by_amount(table, "AUROC").lines]
    ['cnn']
    """
    if table.empty:
        raise EugeneError("no figure to draw; the table has no rows.")
    ax = axes_or_new(ax, size=(4.6, 3.4))
    groups = list(table.groupby("model_id", sort=False))
    for number, ((model, rows), colour) in enumerate(coloured(groups)):
        rows = rows.sort_values("amount")
        # side by side, so that intervals do not hide each other
        x = rows["amount"].to_numpy(float) * 1.03 ** (number - (len(groups) - 1) / 2)
        mean = rows["mean"].to_numpy(float)
        ax.plot(x, mean, color=colour, marker="o", ms=4, lw=1.4, label=str(model))
        if "t_low" in rows and rows["t_low"].notna().any():
            low, high = (rows[name].to_numpy(float) for name in ("t_low", "t_high"))
            ax.vlines(x, low, high, color=colour, lw=1.2, alpha=0.7)
    if chance is not None:
        ax.axhline(chance, color=GREY, lw=0.9, ls=":")
    amounts = np.unique(table["amount"].to_numpy(float))
    if len(amounts) > 1:
        ax.set_xscale("log")
    ax.set_xticks(amounts, [f"{v:,.0f}" if v >= 1 else f"{v:g}" for v in amounts], rotation=30)
    ax.minorticks_off()
    whole = bool(amounts.min() >= 1)
    what = "sequences in all sets" if whole else "share of the training rows"
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return tidy(ax, x=what, y=metric)
