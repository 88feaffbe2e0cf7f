"""Distributions of dataset variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.plot._style import BLUE, CYCLE, as_list, axes_or_new, column, tidy

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def _groups(
    sdata: xr.Dataset, var: str, groupby: str | None
) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Split a variable by the values of another; NaN are left out."""
    values = column(sdata, var).astype(float)
    keep = np.isfinite(values)
    if groupby is None:
        return [var], [values[keep]]
    by = column(sdata, groupby, role="groupby variable")
    labels = np.unique(by[keep])
    return [str(label) for label in labels], [values[keep & (by == label)] for label in labels]


def countplot(sdata: xr.Dataset, vars: str, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw how often each value of a variable occurs.

    Parameters
    ----------
    sdata
        Dataset with ``vars`` over ``_sequence``.
    vars
        Name of a 1-D variable with few distinct values.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.bar``.

    Returns
    -------
    Axes
        The axes with one bar a value and the count above it.

    Raises
    ------
    eugene.errors.EugeneError
        If the variable is missing or not 1-D.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"label": ("_sequence", np.array([0, 1, 1]))})
    >>> [int(bar.get_height()) for bar in countplot(ds, "label").patches]
    [1, 2]
    """
    ax = axes_or_new(ax)
    values, counts = np.unique(column(sdata, vars), return_counts=True)
    bars = ax.bar([str(v) for v in values], counts, **{"color": BLUE, **kwargs})
    ax.bar_label(bars, labels=[f"{c:,}" for c in counts], fontsize=8)
    return tidy(ax, x=vars, y="sequences")


def histplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    bins: int = 40,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw histograms of one or more variables on shared bins.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``; NaN are left out.
    vars
        One name or several.
    groupby
        With one variable: draw a histogram a group.
    bins
        Number of bins over the common range.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.hist``.

    Returns
    -------
    Axes
        The axes with the histograms.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or not 1-D.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"activity": ("_sequence", np.arange(5.0))})
    >>> histplot(ds, "activity").get_ylabel()
    'sequences'
    """
    ax = axes_or_new(ax)
    names = as_list(vars)
    if groupby is not None:
        labels, values = _groups(sdata, names[0], groupby)
    else:
        labels, values = names, [_groups(sdata, name, None)[1][0] for name in names]
    pooled = np.concatenate(values) if values else np.zeros(0)
    edges = np.histogram_bin_edges(pooled, bins=bins).tolist() if pooled.size else [0.0, 1.0]
    for label, sample, colour in zip(labels, values, CYCLE * len(values), strict=False):
        ax.hist(sample, bins=edges, **{"color": colour, "alpha": 0.6, "label": label, **kwargs})
    if len(labels) > 1:
        ax.legend(frameon=False, fontsize=8, title=groupby)
    return tidy(ax, x=names[0] if len(names) == 1 else "", y="sequences")


def _spread(
    kind: str,
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    groupby: str | None,
    ax: Axes | None,
    kwargs: dict[str, Any],
) -> Axes:
    """Draw boxes or violins of variables, or of one variable's groups."""
    ax = axes_or_new(ax)
    names = as_list(vars)
    if groupby is not None:
        labels, values = _groups(sdata, names[0], groupby)
    else:
        labels, values = names, [_groups(sdata, name, None)[1][0] for name in names]
    if kind == "box":
        ax.boxplot(values, **{"widths": 0.6, "flierprops": {"markersize": 2}, **kwargs})
    else:
        ax.violinplot(values, **{"showmedians": True, "widths": 0.8, **kwargs})
    ax.set_xticks(range(1, len(labels) + 1), labels)
    return tidy(ax, x=groupby or "", y=names[0] if len(names) == 1 else "value")


def boxplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the quartiles of variables, or of one variable by group.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``; NaN are left out.
    vars
        One name or several.
    groupby
        Name of the variable that splits the first one.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.boxplot``.

    Returns
    -------
    Axes
        The axes with a box a variable or group.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or not 1-D.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"activity": ("_sequence", np.arange(5.0))})
    >>> boxplot(ds, "activity").get_ylabel()
    'activity'
    """
    return _spread("box", sdata, vars, groupby, ax, kwargs)


def violinplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the densities of variables, or of one variable by group.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``; NaN are left out.
    vars
        One name or several.
    groupby
        Name of the variable that splits the first one.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.violinplot``.

    Returns
    -------
    Axes
        The axes with a violin a variable or group.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or not 1-D.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"activity": ("_sequence", np.arange(5.0))})
    >>> violinplot(ds, "activity").get_ylabel()
    'activity'
    """
    return _spread("violin", sdata, vars, groupby, ax, kwargs)


def scatterplot(
    sdata: xr.Dataset,
    x: str,
    y: str,
    *,
    hue: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one variable against another.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``.
    x, y
        Names of the variables on the axes.
    hue
        Name of a variable that colours the points.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.scatter``.

    Returns
    -------
    Axes
        The axes with one point a sequence.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or not 1-D.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"a": ("_sequence", np.arange(3)), "b": ("_sequence", np.arange(3))})
    >>> scatterplot(ds, "a", "b").get_xlabel()
    'a'
    """
    ax = axes_or_new(ax)
    style: dict[str, Any] = {"s": 8, "alpha": 0.5, "linewidths": 0, **kwargs}
    across, up = column(sdata, x), column(sdata, y)
    if hue is None:
        ax.scatter(across, up, **{"color": BLUE, **style})
    else:
        by = column(sdata, hue, role="hue variable")
        for label, colour in zip(np.unique(by), CYCLE * by.size, strict=False):
            mask = by == label
            ax.scatter(across[mask], up[mask], **{"color": colour, "label": str(label), **style})
        ax.legend(frameon=False, fontsize=8, title=hue)
    return tidy(ax, x=x, y=y)
