"""Colours, empty axes and variable look-up that every picture shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# Okabe and Ito's colours stay apart for colour-blind eyes (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#8A8A8A",
)
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = (4.2, 3.4)) -> Axes:
    """Return ``ax``, or the only axes of a new figure of ``size`` inches."""
    from seqexplainer.plot import _style

    return _style.axes_or_new(ax, *size)


def tidy(ax: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """Name the axes and take the upper and right spines away."""
    from seqexplainer.plot import _style

    _style.tidy(ax)
    if title:
        ax.set_title(title, fontsize=10)
    if x:
        ax.set_xlabel(x)
    if y:
        ax.set_ylabel(y)
    return ax


def column(sdata: xr.Dataset, name: str, *, role: str = "variable") -> NDArray[np.generic]:
    """Return a 1-D variable of a Dataset as an array, or say which names there are."""
    if name not in sdata.variables:
        one_d = [str(n) for n in sdata.variables if sdata[n].ndim == 1]
        raise EugeneError(
            f"{role} {name!r} is not in the dataset{did_you_mean(name, one_d)}"
            if one_d
            else f"{role} {name!r} is not in the dataset, which has no 1-D variable"
        )
    values = np.asarray(sdata[name].values)
    if values.ndim != 1:
        raise EugeneError(
            f"{role} {name!r} has shape {values.shape}; a 1-D variable over _sequence is needed."
        )
    return values


def as_list(names: str | Sequence[str]) -> list[str]:
    """Return one name or several as a list."""
    return [names] if isinstance(names, str) else list(names)
