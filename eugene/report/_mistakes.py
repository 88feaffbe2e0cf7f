"""The test rows that a network gets most wrong, by name, with their sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eugene.report._blocks import Section, number
from eugene.report._calibration import columns_of
from eugene.report._rows import data_of, row_letters, row_names

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from eugene._folder import RunFolder

_EACH, _TARGETS = 10, 3


def worst(
    y: NDArray[np.float64], p: NDArray[np.float64], count: int, *, labels: bool
) -> NDArray[np.int64]:
    """Return rows by how wrong their predictions are, the worst first.

    Parameters
    ----------
    y, p : ndarray of float64, shape (n,)
        Targets, NaN where missing, and predictions.
    count : int
        Most rows.
    labels : bool
        Whether they are labels and probabilities: only rows on the wrong side of one half count.

    Returns
    -------
    ndarray of int64
        Places in the arrays.

    Examples
    --------
    >>> worst(np.array([1.0, 0.0, 1.0]), np.array([0.2, 0.9, 0.8]), 5, labels=True)
    array([1, 0])
    """
    off = np.abs(y - p)
    off = np.where(np.isfinite(off), off, -1.0)
    order = np.argsort(-off, kind="stable")
    least = 0.5 if labels else 0.0
    return order[off[order] > least][:count]


def show_mistakes(section: Section, run: RunFolder, ds: xr.Dataset) -> None:
    """List the rows that the network gets most wrong.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        Its data have the names and the letters of rows.
    ds : xarray.Dataset
        Test rows of ``predictions.zarr``, in the units that are to be shown.
    """
    if "index" not in ds:
        return
    if ds["target"].size < ds["prediction"].size and ds["target"].size == ds.sizes["_sequence"]:
        _show_classes(section, run, ds)
        return
    columns, labels = columns_of(ds)
    numbers = np.asarray(ds["index"].values)
    probability = "predicted probability" if labels else "predicted"
    chosen = [worst(y, p, _EACH, labels=labels) for _, y, p in columns[:_TARGETS]]
    seq_var = str(run.read("data.json").get("seq_var", "seq"))
    with data_of(run) as data:
        called = [row_names(data, numbers[rows]) for rows in chosen]
        read = [row_letters(data, numbers[rows].tolist(), seq_var) for rows in chosen]
    shown = zip(columns[:_TARGETS], chosen, called, read, strict=True)
    for (name, y, p), rows, names, letters in shown:
        heading = "Rows that the network gets most wrong"
        section.heading(heading if len(columns) == 1 else f"{heading}: {name}")
        if not len(rows):
            section.text("None: every test row is predicted on its side of one half.")
            continue
        section.text(
            "Look at these first: wrong labels, repeats and sequences unlike the rest are found "
            "here. "
            + ("" if letters else "The data of the run are not there, so no sequence is shown.")
        )
        section.table(
            ("row", "measured", probability, "off by", *(("sequence",) if letters else ())),
            [
                (names[i], number(_short(y[row])), number(float(p[row])),
                 number(float(abs(y[row] - p[row]))), *((letters[i],) if letters else ()))
                for i, row in enumerate(rows)
            ],
            numbers=(1, 2, 3),
            letters=(4,),
        )  # fmt: skip
    if len(columns) > _TARGETS:
        section.text(f"Of {len(columns)} outputs, the first {_TARGETS}.")


def _show_classes(section: Section, run: RunFolder, ds: xr.Dataset) -> None:
    """List rows of another class than the most probable one, the surest mistakes first."""
    target = np.asarray(ds["target"].values, dtype=float).ravel()
    guess = np.asarray(ds["prediction"].values, dtype=float)
    there = np.isfinite(target)
    own = np.where(there, target, 0).astype(np.int64)
    of_own = guess[np.arange(len(own)), own]
    wrong = np.flatnonzero(there & (guess.argmax(axis=1) != own))
    rows = wrong[np.argsort(of_own[wrong], kind="stable")][:_EACH]
    section.heading("Rows that the network gets most wrong")
    if not len(rows):
        section.text("None: the class of every test row is the most probable one.")
        return
    numbers = np.asarray(ds["index"].values)[rows]
    seq_var = str(run.read("data.json").get("seq_var", "seq"))
    with data_of(run) as data:
        names, letters = row_names(data, numbers), row_letters(data, numbers.tolist(), seq_var)
    section.text(
        f"{number(len(wrong))} of {number(int(there.sum()))} test rows are of another class than "
        "the most probable one. These are the rows whose own class is least probable."
    )
    section.table(
        ("row", "class", "probability", "most probable class", "its probability",
         *(("sequence",) if letters else ())),
        [
            (names[i], str(own[row]), number(float(of_own[row])), str(int(guess[row].argmax())),
             number(float(guess[row].max())), *((letters[i],) if letters else ()))
            for i, row in enumerate(rows)
        ],
        numbers=(1, 2, 3, 4),
        letters=(5,),
    )  # fmt: skip


def _short(value: float) -> int | float:
    """Return labels as whole numbers."""
    return int(value) if float(value).is_integer() else float(value)
