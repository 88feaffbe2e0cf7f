"""How alike motifs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import axes_or_new, tidy

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_WRITTEN = 12
"""Up to so many motifs the numbers stand in the fields."""


@picture()
def motif_matrix(values: xr.DataArray, *, ax: Axes | None = None) -> Axes:
    """Draw a matrix that compares motifs as a map of colours.

    Parameters
    ----------
    values
        `eugene.simulate.motif_kld_matrix` or `eugene.simulate.motif_ess_matrix`: two dimensions
        whose coordinates are the names of motifs.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; the first dimension goes down, the second to the right.

    Raises
    ------
    eugene.errors.EugeneError
        If there are not two dimensions, or there is no motif.

    Examples
    --------
    >>> import xarray as xr
    >>> names = {"first": ["a", "b"], "second": ["a", "b"]}
    >>> ax = motif_matrix(xr.DataArray([[0.0, 3.0], [2.0, 0.0]], names, ("first", "second")))
    >>> [text.get_text() for text in ax.texts]
    ['0.0', '3.0', '2.0', '0.0']
    """
    if values.ndim != 2 or not values.size:
        raise EugeneError(f"values has shape {values.shape}: expected (motifs, motifs)")
    rows, columns = ([str(name) for name in values[dim].values] for dim in values.dims)
    side = 2.4 + 0.3 * min(max(values.shape), 30)
    ax = axes_or_new(ax, size=(side + 0.9, side))
    numbers = np.asarray(values.values, np.float64)
    image = ax.imshow(numbers, cmap="viridis", aspect="equal")
    small = 8 if max(numbers.shape) <= _WRITTEN else 5
    ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=small)
    ax.set_yticks(range(len(rows)), rows, fontsize=small)
    if max(numbers.shape) <= _WRITTEN:
        middle = (np.nanmin(numbers) + np.nanmax(numbers)) / 2
        for (row, column), value in np.ndenumerate(numbers):
            colour = "black" if value > middle else "white"
            ax.text(
                column,
                row,
                f"{round(value, 1) + 0.0:.1f}",
                ha="center",
                va="center",
                fontsize=7,
                color=colour,
            )
    said = str(values.attrs.get("long_name", values.name or ""))
    units = values.attrs.get("units")
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
    bar.set_label(f"{said} ({units})" if units else said, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    first, second = (str(dim) for dim in values.dims)
    return tidy(ax, x=f"{second} motif", y=f"{first} motif")
