"""Curves of in-silico experiments, by EUGENe's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.errors import EugeneError, did_you_mean
from eugene.plot._picture import picture
from eugene.plot._style import GREY, as_list, axes_or_new, coloured, numbers, tidy

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def _two_axes(sdata: xr.Dataset, name: str, what: str) -> None:
    if name not in sdata or sdata[name].ndim != 2:
        there = [str(v) for v in sdata.data_vars if sdata[v].ndim == 2]
        raise EugeneError(
            f"{name!r} must be a variable (backgrounds, {what}){did_you_mean(name, there)}"
        )


def _places(sdata: xr.Dataset, id_var: str | None, count: int) -> NDArray[np.float64]:
    """Return where the columns are, in bp."""
    if id_var is None or (id_var in sdata and "_sequence" in sdata[id_var].dims):
        return np.arange(count, dtype=float)  # EUGENe's names of the sequences say no place
    places = numbers(sdata, id_var, role="id_var")
    if places.size != count:
        raise EugeneError(f"id_var {id_var!r} has {places.size} values for {count} columns")
    return places


def _bands(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    id_var: str | None,
    ax: Axes | None,
    style: Mapping[str, Any],
    *,
    what: str,
    band: Callable[[NDArray[np.float64]], Sequence[NDArray[np.float64]]],
) -> Axes:
    """Draw the middle of each variable over its columns, and the band around it."""
    ax = axes_or_new(ax, size=(6.4, 3.0))
    names = as_list(vars)
    for name, colour in coloured(names):
        _two_axes(sdata, name, what)
        values = np.asarray(sdata[name].values, dtype=float)
        where = _places(sdata, id_var, values.shape[1])
        low, middle, high = band(values)
        ax.plot(where, middle, **{"color": colour, "label": name, **style})
        ax.fill_between(where, low, high, color=colour, alpha=0.2, lw=0)
    if len(names) > 1:
        ax.legend(frameon=False, fontsize=8)
    return ax


def _mean_interval(effects: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
    mean = effects.mean(axis=0)
    error = 1.96 * effects.std(axis=0, ddof=1) / np.sqrt(effects.shape[0])
    return mean - error, mean, mean + error


def _quartiles(folds: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
    return tuple(np.percentile(folds, (25, 50, 75), axis=0))


@picture(passes="plot")
def positional_gia_plot(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    *,
    id_var: str | None = None,
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw the mean effect of a motif against its position, with a 95 % interval.

    Parameters
    ----------
    sdata
        Dataset with effects.
    vars
        Variables of effects, float, ``(backgrounds, positions)``, one line each.
    id_var
        Coordinate with the positions in bp; 0, 1, 2 ... by default, and where it names the
        sequences, as EUGENe's did.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes; bands are mean +- 1.96 standard errors over backgrounds.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or has not two axes.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"gata": (("_background", "_position"), np.ones((3, 5)))})
    >>> positional_gia_plot(ds, "gata").get_xlabel()
    'position (bp)'
    """
    ax = _bands(sdata, vars, id_var, ax, kwargs, what="positions", band=_mean_interval)
    ax.axhline(0, color=GREY, ls=":", lw=0.8)
    return tidy(ax, x="position (bp)", y="effect")


def _by_distance(
    sdata: xr.Dataset,
    vars: str | Sequence[str],
    id_var: str | None,
    col_names: Sequence[str] | None,
    cols_to_plot: Sequence[str] | None,
) -> tuple[xr.Dataset, str | Sequence[str], str | None]:
    """Return EUGENe's folds, (distances, sequences, outputs), as a variable an output."""
    if not isinstance(vars, str) or vars not in sdata or sdata[vars].ndim != 3:
        return sdata, vars, id_var
    folds = sdata[vars]
    names = [*(col_names or (f"output {i}" for i in range(folds.shape[2])))]
    if len(names) != folds.shape[2]:
        raise EugeneError(f"col_names: {len(names)} names for {folds.shape[2]} outputs of {vars!r}")
    outputs = {n: folds[:, :, i].transpose() for i, n in enumerate(names)}
    shown = [n for n in names if cols_to_plot is None or n in cols_to_plot]
    found = sdata.drop_vars([n for n in shown if n in sdata]).assign({n: outputs[n] for n in shown})
    distances = id_var if id_var is not None else "distance"
    if distances not in sdata:
        return found, shown, None
    order = np.argsort(sdata[distances].astype(int).to_numpy())
    found = found.assign({distances: sdata[distances].astype(int)})
    return found.isel({folds.dims[0]: order}), shown, distances


@picture(same={"results_var": "vars", "distance_var": "id_var"}, passes="plot")
def distance_cooperativity_gia_plot(
    sdata: xr.Dataset,
    vars: str | Sequence[str] | None = None,
    *,
    id_var: str | None = None,
    col_names: Sequence[str] | None = None,
    cols_to_plot: Sequence[str] | None = None,
    motif_a_name: str = "",
    motif_b_name: str = "",
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw the cooperativity of two motifs against the distance between them.

    Parameters
    ----------
    sdata
        Dataset with fold changes over the additive expectation.
    vars
        Variables of fold changes, float, ``(backgrounds, distances)``, one line each; or one of
        ``(distances, backgrounds, outputs)``, as `motif_distance_dependence_gia` of EUGENe's
        makes them, whose ``cooperativity`` is the default.
    id_var
        Coordinate with the distances in bp; 0, 1, 2 ... by default.
    col_names, cols_to_plot
        Names of the outputs, and those to draw.
    motif_a_name, motif_b_name
        Named in the title.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes; the dotted line at 1 is no cooperation.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing or has not two axes.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"fold": (("_background", "_distance"), np.ones((3, 5)))})
    >>> distance_cooperativity_gia_plot(ds, "fold").get_xlabel()
    'distance (bp)'
    """
    style = {"marker": "o", "ms": 3, **kwargs}
    if vars is None:
        if "cooperativity" not in sdata:
            raise EugeneError(
                "distance_cooperativity_gia_plot: missing a required argument: 'vars', where the "
                "dataset has no 'cooperativity'"
            )
        vars = "cooperativity"
    sdata, vars, id_var = _by_distance(sdata, vars, id_var, col_names, cols_to_plot)
    ax = _bands(sdata, vars, id_var, ax, style, what="distances", band=_quartiles)
    ax.axhline(1, color=GREY, ls=":", lw=0.8)
    title = f"{motif_a_name}/{motif_b_name}" if motif_a_name or motif_b_name else ""
    return tidy(ax, title=title, x="distance (bp)", y="fold change over additive")
