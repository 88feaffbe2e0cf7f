"""Whether predictions mean what they say: reliability, and predicted against observed by bin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eugene.report._blocks import Picture, Section, interval, number, picture

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

_BINS, _MOST = 10, 6
_SHARE = "share measured positive"
Columns = list[tuple[str, "NDArray[np.float64]", "NDArray[np.float64]"]]


def columns_of(ds: xr.Dataset) -> tuple[Columns, bool]:
    """Return name, targets and predictions of each output, and whether they are labels.

    Of classes there is one: whether the most probable class is right, and its probability.

    Parameters
    ----------
    ds : xarray.Dataset
        Rows of ``predictions.zarr``.
    """
    target = np.asarray(ds["target"].values, dtype=float).reshape(ds.sizes["_sequence"], -1)
    guess = np.asarray(ds["prediction"].values, dtype=float).reshape(len(target), -1)
    task = str(ds.attrs.get("task", ""))
    labels = task.endswith("classification")
    if target.shape[1] == 1 < guess.shape[1]:
        missing = ~np.isfinite(target[:, 0])
        right = np.where(missing, np.nan, guess.argmax(axis=1) == target[:, 0])
        return [("most probable class", right, guess.max(axis=1))], True
    names = [str(name) for name in np.atleast_1d(ds.attrs.get("targets", []))]
    if len(names) != target.shape[1]:
        names = [f"target {i}" for i in range(target.shape[1])]
    return list(zip(names, target.T, guess.T, strict=True)), labels


def show_bins(section: Section, ds: xr.Dataset, folder: Path) -> None:
    """Draw and list predictions beside measurements, bin by bin.

    Parameters
    ----------
    section : Section
        Of the report.
    ds : xarray.Dataset
        Test rows of ``predictions.zarr``, in the units that are to be shown.
    folder : Path
        For the picture.
    """
    columns, labels = columns_of(ds)
    show_columns(section, columns, folder, labels=labels)


def show_columns(
    section: Section,
    columns: Columns,
    folder: Path,
    *,
    labels: bool,
    rows: str = "rows",
    unit: str = "",
) -> None:
    """Draw and list predictions beside measurements, bin by bin.

    Parameters
    ----------
    section : Section
        Of the report.
    columns : list of (str, ndarray, ndarray)
        Name, measurements and predictions of each output.
    folder : Path
        For the picture.
    labels : bool
        Whether they are labels and probabilities.
    rows : str
        What a row is called, in the plural.
    unit : str
        Of measurements and predictions.
    """
    from eugene.evaluate import calibration_bins

    each = {name: (y, p) for name, y, p in columns[:_MOST] if np.isfinite(y).any()}
    # a bin of fewer has no interval to speak of
    bins = _BINS if labels else min(_BINS, max(1, min(map(_known, each.values()), default=1) // 5))
    found = {
        name: calibration_bins(y, p, labels=labels, bins=bins) for name, (y, p) in each.items()
    }
    if not found:
        return
    many = f" The first {_MOST} of {len(columns)} outputs." if len(columns) > _MOST else ""
    if labels:
        section.text(
            "Of ten rows with a predicted probability of 0.8, eight should be measured positive. "
            f"Test {rows} by their predicted probability, in {bins} bins of one width; brackets "
            f"hold Wilson's 95 % intervals.{many}"
        )
    else:
        section.text(
            f"Test {rows} by their prediction, "
            + (f"in {bins} bins of as many" if bins > 1 else "all in one bin, for they are few")
            + ": where predictions are right on the whole, the mean measurement of a bin is its "
            f"mean prediction{f', in {unit}' if unit else ''}. Brackets hold Student's 95 % "
            f"intervals of the mean.{many}"
        )
    section.figures([_picture(found, folder, labels=labels, unit=unit)])
    several = len(found) > 1
    section.table(
        (*(("output",) if several else ()), rows, "mean prediction",
         _SHARE if labels else "mean measurement"),
        [
            (*((name,) if several else ()), number(int(row.rows)), number(float(row.predicted)),
             interval({"value": row.observed, "low": _there(row.low), "high": _there(row.high)}))
            for name, table in found.items()
            for row in table.itertuples()
        ],
        numbers=(1, 2) if several else (0, 1),
        caption="Predicted and observed, bin by bin",
    )  # fmt: skip


def _known(pair: tuple[NDArray[np.float64], NDArray[np.float64]]) -> int:
    """Return the number of rows with both."""
    return int((np.isfinite(pair[0]) & np.isfinite(pair[1])).sum())


def _there(value: float) -> float | None:
    return None if np.isnan(value) else value


def _picture(found: dict[str, pd.DataFrame], folder: Path, *, labels: bool, unit: str) -> Picture:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(4.4, 4.0), layout="constrained")
    for name, table in found.items():
        middle = table["observed"].to_numpy()
        reach = np.nan_to_num(np.stack([middle - table["low"], table["high"] - middle]))
        ax.errorbar(
            table["predicted"], middle, yerr=np.maximum(reach, 0), marker="o", markersize=4,
            linewidth=1.0, elinewidth=0.9, capsize=2, label=name,
        )  # fmt: skip
    every = np.concatenate(
        [t[["predicted", "observed"]].to_numpy().ravel() for t in found.values()]
    )
    ends = (0.0, 1.0) if labels else (float(every.min()), float(every.max()))
    ax.plot(ends, ends, color="black", linewidth=0.7, linestyle=":")
    of = f" ({unit})" if unit else ""
    ax.set_xlabel("mean predicted probability" if labels else f"mean prediction{of}")
    ax.set_ylabel(_SHARE if labels else f"mean measurement{of}")
    if len(found) > 1:
        ax.legend(fontsize=7, frameon=False)
    return picture(
        figure, "calibration", folder=folder,
        alt="What was measured against what was predicted, in bins, with the line where both agree",
        caption="On the dotted line both agree on the whole; bars are 95 % intervals.",
    )  # fmt: skip
