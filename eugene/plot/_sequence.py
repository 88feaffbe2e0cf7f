"""Attribution tracks and filter logos of a dataset, by EUGENe's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import seqpro as sp
from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import ORANGE, as_list, axes_or_new, column, tidy

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def _array(sdata: xr.Dataset, name: str, ndim: int) -> NDArray[np.float64]:
    """Return a variable with ``ndim`` axes, or say which there are."""
    if not isinstance(name, str) or name not in sdata or sdata[name].ndim != ndim:
        fits = [str(v) for v in sdata.data_vars if sdata[v].ndim == ndim]
        raise EugeneError(
            f"{name!r} is not a variable with {ndim} axes; the dataset has: "
            f"{', '.join(fits) or 'none of that kind'}."
        )
    return np.asarray(sdata[name].values, dtype=float)


def _alphabet(sdata: xr.Dataset, name: str, options: dict[str, object]) -> dict[str, Any]:
    """Return the options of a logo with the letters that a variable, or the sequences, are over."""
    if options.get("alphabet") is not None:
        return options
    said = sdata[name].attrs.get("alphabet")
    if said is None and "seq" in sdata.variables:
        said = sdata["seq"].attrs.get("alphabet")
    if said is not None and len(sp.alphabet_of(said)) not in sdata[name].shape:
        said = None
    return {**options, "alphabet": said}


def _row(sdata: xr.Dataset, seq_id: int | str, id_var: str | None) -> int:
    """Return the row of an identifier, or of a number as it is."""
    if id_var is None and isinstance(seq_id, str) and "id" in sdata.variables:
        id_var = "id"
    if id_var is None:
        count = sdata.sizes["_sequence"]
        if not isinstance(seq_id, int | np.integer) or not -count <= int(seq_id) < count:
            raise EugeneError(
                f"sequence {seq_id!r}: pass a row from 0 to {count - 1}, or id_var= with the name "
                "of the variable that holds identifiers."
            )
        return int(seq_id)
    names = np.asarray(column(sdata, id_var, role="id_var").astype(str))
    found = np.flatnonzero(names == str(seq_id))
    if not found.size:
        raise EugeneError(f"no sequence {seq_id!r} in {id_var!r}; the first is {names[0]!r}.")
    return int(found[0])


@picture(passes="logo", same={"vocab": "alphabet", "return_ax": "return_axes"})
def seq_track(
    sdata: xr.Dataset,
    seq_id: int | str,
    attrs_var: str,
    *,
    id_var: str | None = None,
    start: int = 0,
    end: int | None = None,
    highlights: Sequence[tuple[int, int]] = (),
    highlight_colors: str | Sequence[str] = ORANGE,
    title: str | None = None,
    ylab: str = "attribution",
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw the attributions of one sequence as a logo.

    Parameters
    ----------
    sdata
        Dataset with ``attrs_var``.
    seq_id
        Row number, or an identifier; ``id_var`` is then "id" unless given.
    attrs_var
        Variable of projected attributions, float, ``(_sequence, _ohe, _length)``.
    id_var
        Variable with identifiers.
    start, end
        The stretch to show, in bp, 0-based and half-open.
    highlights
        Stretches to shade, (start, end) in bp of the whole sequence.
    highlight_colors
        A colour, or colours that the stretches take in turn.
    title
        Title; the sequence's name by default.
    ylab
        Name of the y axis.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to :func:`seqexplainer.plot.logo`.

    Returns
    -------
    Axes
        The axes with the logo.

    Raises
    ------
    eugene.errors.EugeneError
        If the variable or the sequence is not in the dataset.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"attrs": (("_sequence", "_ohe", "_length"), np.ones((1, 4, 6)))})
    >>> seq_track(ds, 0, "attrs").get_ylabel()
    'attribution'
    """
    from seqexplainer.plot import logo

    values = _array(sdata, attrs_var, 3)[_row(sdata, seq_id, id_var)]
    end = values.shape[1] if end is None else min(end, values.shape[1])
    ax = axes_or_new(ax, size=(max(4.0, 0.06 * (end - start)), 1.6))
    logo(values[:, start:end], ax=ax, **_alphabet(sdata, attrs_var, kwargs))
    colours = [highlight_colors] if isinstance(highlight_colors, str) else [*highlight_colors]
    for i, (low, high) in enumerate(_ranges(highlights)):
        place, colour = (low - start - 0.5, high - start - 0.5), colours[i % len(colours)]
        ax.axvspan(*place, color=colour, alpha=0.25, lw=0, zorder=0)
    return tidy(ax, title=str(seq_id) if title is None else title, x="position (bp)", y=ylab)


def _ranges(highlights: Sequence[Sequence[int]] | tuple[int, int]) -> list[tuple[int, int]]:
    """Return ranges of positions; one may stand alone."""
    try:
        pairs = np.atleast_2d(np.asarray(highlights))
    except ValueError:  # of several lengths
        pairs = np.empty((0, 0))
    if len(highlights) and (pairs.ndim != 2 or pairs.shape[1] != 2):
        raise EugeneError(
            f"highlights: pairs of a first position and one behind the last, got {highlights!r}"
        )
    return [(int(low), int(high)) for low, high in pairs.reshape(-1, 2)]


@picture(passes="logo", same={"vocab": "alphabet", "return_ax": "return_axes"})
def multiseq_track(
    sdata: xr.Dataset,
    seq_ids: Sequence[int | str],
    attrs_vars: str | Sequence[str],
    *,
    id_var: str | None = None,
    start: int = 0,
    end: int | None = None,
    width: float | None = None,
    height: float | None = None,
    ylabs: Sequence[str] | None = None,
    **kwargs: object,
) -> Figure:
    """Draw attributions of several sequences below each other, a column a method.

    Parameters
    ----------
    sdata
        Dataset with the variables.
    seq_ids
        Rows, or identifiers together with ``id_var``.
    attrs_vars
        One attribution variable or several, each ``(_sequence, _ohe, _length)``.
    id_var
        Variable with identifiers.
    start, end
        The stretch to show, in bp.
    width
        Width of a panel in inches; from the length by default.
    height
        Height of a panel in inches; 1.5 by default.
    ylabs
        Name of the y axis of each column; "attribution" by default.
    **kwargs
        Passed to :func:`seq_track`.

    Returns
    -------
    Figure
        The figure with a panel a sequence and method.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable or a sequence is not in the dataset.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"attrs": (("_sequence", "_ohe", "_length"), np.ones((2, 4, 6)))})
    >>> len(multiseq_track(ds, [0, 1], "attrs").axes)
    2
    """
    import matplotlib.pyplot as plt

    methods = as_list(attrs_vars)
    seq_ids = [seq_ids] if isinstance(seq_ids, (str, int)) else list(seq_ids)
    if not seq_ids:
        raise EugeneError("seq_ids is empty: name at least one sequence")
    names = ["attribution"] * len(methods) if ylabs is None else as_list(ylabs)
    if len(names) != len(methods):
        raise EugeneError(f"{len(names)} ylabs for {len(methods)} attrs_vars: give one for each")
    for method in methods:
        for seq_id in seq_ids:
            _row(sdata, seq_id, id_var)
        _array(sdata, method, 3)
    length = sdata.sizes["_length"] if end is None else end
    wide = max(4.0, 0.06 * (length - start)) if width is None else width
    figure, axes = plt.subplots(
        len(seq_ids),
        len(methods),
        figsize=(wide * len(methods), (height or 1.5) * len(seq_ids)),
        layout="constrained",
        squeeze=False,
    )
    for line, seq_id in zip(axes, seq_ids, strict=True):
        for ax, method, name in zip(line, methods, names, strict=True):
            seq_track(
                sdata, seq_id, method, id_var=id_var, start=start, end=end, ax=ax,
                title=f"{seq_id} · {method}", ylab=name, **kwargs,
            )  # fmt: skip
    return figure


def _filter_logo(pfm: NDArray[np.float64], title: str, ax: Axes, kwargs: dict[str, Any]) -> Axes:
    """Draw one count matrix in bits."""
    from seqexplainer.plot import logo

    ppm = sp.motifs.pfm_to_ppm(pfm)
    logo(ppm * sp.motifs.information_content(ppm), ax=ax, **kwargs)
    ax.set_ylim(0, np.log2(len(ppm)))
    return tidy(ax, title=title, y="bits")


@picture(
    passes="logo", same={"vocab": "alphabet", "return_ax": "return_axes", "filter_num": "filter_id"}
)
def filter_viz(
    sdata: xr.Dataset, filter_id: int, pfms_var: str, *, ax: Axes | None = None, **kwargs: object
) -> Axes:
    """Draw one filter as a motif logo, in bits.

    Parameters
    ----------
    sdata
        Dataset with ``pfms_var``.
    filter_id
        Number of the filter.
    pfms_var
        Variable of counts, float, ``(filters, 4, width)``.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to :func:`seqexplainer.plot.logo`.

    Returns
    -------
    Axes
        The axes with the logo.

    Raises
    ------
    eugene.errors.EugeneError
        If the variable or the filter is not in the dataset.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"pfms": (("filter", "_ohe", "width"), np.ones((1, 4, 6)))})
    >>> filter_viz(ds, 0, "pfms").get_ylabel()
    'bits'
    """
    pfms = _array(sdata, pfms_var, 3)
    if not isinstance(filter_id, int | np.integer) or not 0 <= filter_id < pfms.shape[0]:
        raise EugeneError(f"filter {filter_id} is not among the {pfms.shape[0]} of {pfms_var!r}.")
    return _filter_logo(
        pfms[filter_id],
        f"filter {filter_id}",
        axes_or_new(ax, size=(3.6, 1.6)),
        _alphabet(sdata, pfms_var, kwargs),
    )


@picture(
    passes="logo",
    same={"vocab": "alphabet", "return_ax": "return_axes", "filter_nums": "filter_ids"},
)
def multifilter_viz(
    sdata: xr.Dataset,
    filter_ids: Sequence[int],
    pfms_var: str,
    *,
    num_cols: int | None = None,
    num_rows: int | None = None,
    titles: Sequence[str] | None = None,
    **kwargs: object,
) -> Figure:
    """Draw several filters as motif logos, in bits.

    Parameters
    ----------
    sdata
        Dataset with ``pfms_var``.
    filter_ids
        Numbers of the filters.
    pfms_var
        Variable of counts, float, ``(filters, 4, width)``.
    num_cols
        Logos in a line; 4 by default.
    num_rows
        Lines, instead.
    titles
        A title for each logo.
    **kwargs
        Passed to :func:`seqexplainer.plot.logo`.

    Returns
    -------
    Figure
        The figure.

    Raises
    ------
    eugene.errors.EugeneError
        If the variable or a filter is not in the dataset.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"pfms": (("filter", "_ohe", "width"), np.ones((3, 4, 6)))})
    >>> sum(ax.has_data() for ax in multifilter_viz(ds, [0, 1, 2], "pfms").axes)
    3
    """
    import matplotlib.pyplot as plt

    filter_ids = [filter_ids] if isinstance(filter_ids, int) else list(filter_ids)
    if not filter_ids:
        raise EugeneError("filter_ids is empty: name at least one filter")
    if titles is not None and len(titles) != len(filter_ids):
        raise EugeneError(f"{len(titles)} titles for {len(filter_ids)} filters: give one for each")
    for value in (num_cols, num_rows):
        if value is not None and value < 1:
            raise EugeneError(f"num_cols and num_rows must be at least 1, got {value}")
    if num_cols is None:
        num_cols = 4 if num_rows is None else -(-len(filter_ids) // num_rows)
    lines = -(-len(filter_ids) // num_cols)
    figure, axes = plt.subplots(
        lines, num_cols, figsize=(2.9 * num_cols, 1.5 * lines), layout="constrained", squeeze=False
    )
    for ax in axes.flat[len(filter_ids) :]:
        ax.set_axis_off()
    for position, (ax, filter_id) in enumerate(zip(axes.flat, filter_ids, strict=False)):
        filter_viz(sdata, filter_id, pfms_var, ax=ax, **kwargs)
        if titles is not None:
            ax.set_title(titles[position], fontsize=9)
    return figure
