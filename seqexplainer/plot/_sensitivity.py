"""Divergences over the choices they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot.style import axes_or_new, color_scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_CUTS = {"threshold": "threshold (quantile of each sequence)", "keep": "share of windows kept"}
_LABELS = {"kld": "divergence (nats)", "z": "standard deviations above shuffled maps"}


def sensitivity_map(
    table: pd.DataFrame,
    *,
    value: str = "kld",
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a divergence over k and the cut as a heat map with its numbers.

    Numbers of too few k-mers or windows stand in brackets.

    Parameters
    ----------
    table : pandas.DataFrame
        Result of `seqexplainer.metrics.sensitivity`.
    value : {"kld", "z"}
        What is shown.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    title : str, optional
        Text above.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    SeqexplainerError
        If the table is another one, or does not hold what is to be shown.

    Examples
    --------
    >>> import matplotlib, seqexplainer as se
    >>> matplotlib.use("Agg")
    >>> maps = np.random.default_rng(0).normal(size=(50, 4, 60))
    >>> table = se.metrics.sensitivity(maps, measure="k_attr_mean", ks=[2, 3], cuts=[0.1, 0.5])
    >>> [text.get_text()[0] for text in sensitivity_map(table).texts]
    ['(', '(', '(', '(']
    """
    cut = next((name for name in _CUTS if name in table), None)
    if cut is None or not {"k", "enough", *_LABELS} <= set(table):
        msg = f"the table has columns {', '.join(map(str, table))}; expected one of `sensitivity`"
        raise SeqexplainerError(msg)
    if value not in _LABELS or not table[value].notna().any():
        msg = f"value={value!r} cannot be shown; choose kld, or z of a table with null='shuffled'"
        raise SeqexplainerError(msg)
    wide = table.pivot(index="k", columns=cut, values=value)
    enough = table.pivot(index="k", columns=cut, values="enough").to_numpy(dtype=bool)
    numbers = wide.to_numpy(dtype=np.float64)
    ax = axes_or_new(ax, 1.9 + 0.75 * wide.shape[1], 1.2 + 0.42 * len(wide))
    image = ax.imshow(numbers, cmap="cividis", aspect="auto")
    middle = (np.nanmin(numbers) + np.nanmax(numbers)) / 2
    for (i, j), number in np.ndenumerate(numbers):
        text = "NaN" if np.isnan(number) else f"{number:.3g}"
        color = "black" if number > middle or np.isnan(number) else "white"
        text = text if enough[i, j] else f"({text})"
        ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
    ax.set_xticks(range(wide.shape[1]), [f"{c:g}" for c in wide.columns])
    ax.set_yticks(range(len(wide)), [str(k) for k in wide.index])
    ax.set_xlabel(_CUTS[cut])
    ax.set_ylabel("k")
    ax.spines[:].set_visible(False)
    if title:
        ax.set_title(title, loc="left")
    color_scale(ax, image, _LABELS[value])
    return ax
