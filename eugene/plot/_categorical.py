"""Distributions of dataset variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import (
    BLUE,
    as_list,
    axes_or_new,
    categories,
    coloured,
    column,
    is_upright,
    numbers,
    one,
    rows_of,
    tidy,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def _groups(
    sdata: xr.Dataset, var: str, groupby: str | None
) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Split a variable by the values of another; NaN are left out."""
    values = numbers(sdata, var)
    keep = np.isfinite(values)
    if not keep.any():
        raise EugeneError(f"variable {var!r} has no finite value: there is nothing to draw")
    if groupby is None:
        return [var], [values[keep]]
    labels, codes = categories(sdata, groupby, role="groupby variable")
    present = np.unique(codes[keep])
    return [labels[i] for i in present], [values[keep & (codes == i)] for i in present]


def _samples(
    sdata: xr.Dataset, names: list[str], groupby: str | None
) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Return a sample a variable, or a group of the only variable."""
    if groupby is None:
        return names, [_groups(sdata, name, None)[1][0] for name in names]
    return _groups(sdata, one(names, "a picture by group"), groupby)


def _oriented(
    ax: Axes, along: str, up: str, *, upright: bool, ticks: Mapping[int, str] | None = None
) -> Axes:
    """Name the axis that a picture runs along, with its ticks, and the other."""
    if ticks is not None:
        (ax.set_xticks if upright else ax.set_yticks)([*ticks], [*ticks.values()])
    return tidy(ax, x=along, y=up) if upright else tidy(ax, x=up, y=along)


@picture(passes="bar", same={"hue": "groupby"}, each="vars")
def countplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    orient: str = "v",
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how often each value of a variable occurs.

    Parameters
    ----------
    sdata
        Dataset with ``vars`` over ``_sequence``.
    vars
        Name of a 1-D variable with few distinct values; missing ones are counted as "missing".
        Several get axes side by side, and an array of axes is returned.
    groupby
        Name of a variable whose groups stand side by side.
    orient
        ``"v"`` for bars that stand, ``"h"`` for bars that lie.
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
    upright = is_upright(orient)
    name = one(vars, "countplot")
    labels, codes = categories(sdata, name)
    groups, by = [""], np.zeros_like(codes)
    if groupby is not None:
        groups, by = categories(sdata, groupby, role="groupby variable")
    ax = axes_or_new(ax)
    width = 0.8 / len(groups)
    for i, (group, colour) in enumerate(coloured(groups)):
        counts = np.bincount(codes[by == i], minlength=len(labels))
        where = np.arange(len(labels)) + (i - (len(groups) - 1) / 2) * width
        style = {"color": colour, "label": group or None, **kwargs}
        size = {"width" if upright else "height": width, **style}
        bars = (ax.bar if upright else ax.barh)(where, counts, **size)
        ax.bar_label(bars, labels=[f"{c:,}" for c in counts], fontsize=8)
    if groupby is not None:
        ax.legend(frameon=False, fontsize=8, title=groupby)
    return _oriented(ax, name, "sequences", upright=upright, ticks=dict(enumerate(labels)))


@picture(passes="hist", same={"hue": "groupby"}, each="vars", apart="groupby")
def histplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    orient: str = "v",
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
        Draw a histogram a group; several variables then get axes side by side, and an array of
        axes is returned.
    orient
        ``"v"`` for bars that stand, ``"h"`` for bars that lie.
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
    upright = is_upright(orient)
    names = as_list(vars)
    labels, values = _samples(sdata, names, groupby)
    edges = np.histogram_bin_edges(np.concatenate(values), bins=bins).tolist()
    ax = axes_or_new(ax)
    lying: dict[str, object] = {} if upright else {"orientation": "horizontal"}
    for (label, sample), colour in coloured(zip(labels, values, strict=True)):
        style = {"color": colour, "alpha": 0.6, "label": label, **lying, **kwargs}
        ax.hist(sample, bins=edges, **style)
    if len(labels) > 1:
        ax.legend(frameon=False, fontsize=8, title=groupby)
    along = names[0] if len(names) == 1 else ""
    return _oriented(ax, along, "sequences", upright=upright)


def _spread(
    kind: str,
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    groupby: str | None,
    orient: str,
    ax: Axes | None,
    kwargs: dict[str, Any],
) -> tuple[Axes, list[NDArray[np.float64]]]:
    """Draw boxes or violins of variables, or of one variable's groups."""
    upright = is_upright(orient)
    names = as_list(vars)
    labels, values = _samples(sdata, names, groupby)
    ax = axes_or_new(ax)
    lying: dict[str, object] = {} if upright else {"orientation": "horizontal"}
    if kind == "box":
        ax.boxplot(values, **{"widths": 0.6, "flierprops": {"markersize": 2}, **lying, **kwargs})
    else:
        ax.violinplot(values, **{"showmedians": True, "widths": 0.8, **lying, **kwargs})
    up = names[0] if len(names) == 1 else "value"
    ticks = dict(enumerate(labels, start=1))
    return _oriented(ax, groupby or "", up, upright=upright, ticks=ticks), values


@picture(passes="boxplot", same={"hue": "groupby"}, each="vars", apart="groupby")
def boxplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    orient: str = "v",
    jitter: bool = False,
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw the quartiles of variables, or of one variable by group.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``; NaN are left out.
    vars
        One name or several.
    groupby
        Name of the variable that splits them; several then get axes side by side, and an array
        of axes is returned.
    orient
        ``"v"`` for boxes that stand, ``"h"`` for boxes that lie.
    jitter
        Draw the values as points as well.
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
    ax, values = _spread("box", sdata, vars, groupby, orient, ax, kwargs)
    for i, sample in enumerate(values if jitter else [], start=1):
        across = i + 0.3 * (np.random.default_rng(0).random(sample.size) - 0.5)
        where = (across, sample) if is_upright(orient) else (sample, across)
        ax.scatter(*where, s=6, alpha=0.4, linewidths=0, color=BLUE, zorder=3)
    return ax


@picture(passes="violinplot", same={"hue": "groupby"}, each="vars", apart="groupby")
def violinplot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    groupby: str | None = None,
    orient: str = "v",
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw the densities of variables, or of one variable by group.

    Parameters
    ----------
    sdata
        Dataset with the variables over ``_sequence``; NaN are left out.
    vars
        One name or several.
    groupby
        Name of the variable that splits them; several then get axes side by side, and an array
        of axes is returned.
    orient
        ``"v"`` for violins that stand, ``"h"`` for violins that lie.
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
    return _spread("violin", sdata, vars, groupby, orient, ax, kwargs)[0]


@picture(passes="scatter", same={"groupby": "hue"})
def scatterplot(
    sdata: xr.Dataset,
    x: str,
    y: str,
    *,
    hue: str | None = None,
    seq_idx: Sequence[int] | NDArray[np.generic] | None = None,
    ax: Axes | None = None,
    **kwargs: object,
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
    seq_idx
        Rows to show, numbers or a mask of shape (n_rows,); all by default.
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
    sdata = rows_of(sdata, seq_idx)
    across, up = column(sdata, x), column(sdata, y)
    ax = axes_or_new(ax)
    style: dict[str, Any] = {"s": 8, "alpha": 0.5, "linewidths": 0, **kwargs}
    if hue is None:
        own = {} if "c" in style else {"color": BLUE}
        ax.scatter(across, up, **{**own, **style})
    else:
        labels, codes = categories(sdata, hue, role="hue variable")
        for i, (label, colour) in enumerate(coloured(labels)):
            mask = codes == i
            ax.scatter(across[mask], up[mask], **{"color": colour, "label": label, **style})
        ax.legend(frameon=False, fontsize=8, title=hue)
    return tidy(ax, x=x, y=y)
