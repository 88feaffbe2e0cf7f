"""Colours, empty axes and variable look-up that every picture shares."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")

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


def coloured(things: Iterable[T]) -> Iterator[tuple[T, str]]:
    """Yield things with their colours, which begin anew after the last."""
    return zip(things, itertools.cycle(CYCLE), strict=False)


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] = (4.2, 3.4)) -> Axes:
    """Return ``ax``, or the only axes of a new figure of ``size`` inches."""
    from seqexplainer.plot import style

    return style.axes_or_new(ax, *size)


def tidy(ax: Axes, *, title: str = "", x: str = "", y: str = "") -> Axes:
    """Name the axes and take the upper and right spines away."""
    from seqexplainer.plot import style

    style.tidy(ax)
    if title:
        ax.set_title(title, fontsize=10)
    ax.set_xlabel(x or ax.get_xlabel())
    ax.set_ylabel(y or ax.get_ylabel())
    return ax


def column(sdata: xr.Dataset, name: str, *, role: str = "variable") -> NDArray[np.generic]:
    """Return a 1-D variable of a Dataset as an array, or say which names there are."""
    if not isinstance(name, str):
        raise EugeneError(f"{role}: expected the name of a variable, got {name!r}")
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


def numbers(sdata: xr.Dataset, name: str, *, role: str = "variable") -> NDArray[np.float64]:
    """Return a 1-D variable as floats, missing ones NaN, or say that it holds something else."""
    values = column(sdata, name, role=role)
    try:
        if values.dtype.kind == "O":
            values = np.array([np.nan if missing(v) else v for v in values], dtype=object)
        if values.dtype.kind in "SUMm":
            raise TypeError
        return values.astype(float)
    except (TypeError, ValueError):
        shown = next((v for v in values.tolist() if isinstance(v, (str, bytes))), values[0])
        raise EugeneError(
            f"{role} {name!r} holds {shown!r}; numbers are needed. To split by it, name it as "
            "groupby or hue"
        ) from None


def missing(value: object) -> bool:
    """Tell whether a label is None, NaN, NaT or pandas' NA."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def categories(
    sdata: xr.Dataset, name: str, *, role: str = "variable"
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the labels of a 1-D variable in order, and the number of its label for each row.

    Labels may be text, numbers, truth values or a mixture; missing ones come last, as "missing".
    """
    values = column(sdata, name, role=role).tolist()
    plain = [v.decode() if isinstance(v, bytes) else v for v in values]
    seen = {v for v in plain if not missing(v)}
    try:
        ordered = sorted(seen)
    except TypeError:
        ordered = sorted(seen, key=str)
    place = {v: i for i, v in enumerate(ordered)}
    codes = np.array([-1 if missing(v) else place[v] for v in plain], dtype=np.int64)
    labels = [str(v) for v in ordered]
    if (codes < 0).any():
        codes[codes < 0] = len(labels)
        labels.append("missing")
    return labels, codes


def rows_of(sdata: xr.Dataset, rows: ArrayLike | None) -> xr.Dataset:
    """Return the rows that are to be shown: numbers or a mask, all for None."""
    if rows is None:
        return sdata
    try:
        return sdata.isel(_sequence=np.asarray(rows))
    except (IndexError, TypeError, ValueError) as error:
        raise EugeneError(f"seq_idx: not rows of {sdata.sizes.get('_sequence')}: {error}") from None


def as_list(names: str | Sequence[str]) -> list[str]:
    """Return one name or several as a list."""
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise EugeneError(f"expected the name of a variable or a list of names, got {names!r}")
    if not names:
        raise EugeneError("no variable is named: give at least one")
    return list(names)


def is_upright(value: str) -> bool:
    """Return whether values run up the page: ``"v"``, or ``"h"`` for along it."""
    if value not in ("v", "h", "vertical", "horizontal"):
        raise EugeneError(f"orient={value!r} must be 'v' or 'h'")
    return value.startswith("v")


def one(names: str | Sequence[str], what: str) -> str:
    """Return the only name, or say that one picture shows one variable."""
    listed = as_list(names)
    if len(listed) != 1:
        raise EugeneError(f"{what} shows one variable, got {len(listed)}: call it for each")
    return listed[0]
