"""What figures of attributions are of: rows, the same for every network, maps, and the truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from eugene.errors import EugeneError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eugene.interpret._attribute import Explainer
    from eugene.interpret._targets import Target
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
Rows: TypeAlias = Literal["measured", "predicted", "random"]
"""The rows with the highest target, with the highest prediction, or any."""


def active_rows(
    run: Run, split: str, count: int | None, *, by: Rows, target: object, seed: int
) -> NDArray[np.int64]:
    """Return rows of a split whose attributions are looked at.

    Parameters
    ----------
    run : Run
        A trained run.
    split : str
        The rows to choose from.
    count : int or None
        How many; all of them by default, and all where there are fewer.
    by : {"measured", "predicted", "random"}
        The rows with the highest target or prediction, or any. Equal ones are drawn by lot. With
        ``measured`` and ``random`` they are the same rows for every network of the data.
    target : object
        The output in question, by number or name; all else stands for the first.
    seed : int
        Of the lots.

    Returns
    -------
    ndarray of int64, shape (n,)
        Numbers of rows, in the order of the data.

    Raises
    ------
    EugeneError
        If no row is left.
    """
    from eugene.interpret._targets import output_number
    from seqpro import random

    rows = run.rows(split)
    column = output_number(target, run.output_names)
    column = column if isinstance(column, int) else 0
    activity = np.zeros(len(rows))
    if by == "measured" and any(run.data.ds[name].ndim > 1 for name in run.data.target_vars):
        logger.info("rows with the highest prediction: targets are tracks, which rank no rows")
        by = "predicted"
    if by == "measured":
        values = run.data.targets[rows]
        if run.task == "multiclass_classification":
            activity = (values[:, 0] == column).astype(np.float64)
        else:
            activity = values[:, min(column, values.shape[1] - 1)].astype(np.float64)
    elif by == "predicted":
        activity = run.predictions[rows][:, column].astype(np.float64)
    there = np.isfinite(activity)
    rows, activity = rows[there], activity[there]
    if not len(rows):
        raise EugeneError(f"no {split} row has a target; choose another split")
    lots = random.uniform(seed, rows.astype(np.uint64), np.uint64(0))
    order = np.lexsort((lots, -activity))
    return np.sort(rows[order[:count]])


def asked_targets(run: Run, step: str) -> dict[str, Target]:
    """Return the outputs that a step's settings name, by label, as `chosen_targets` does."""
    from eugene._step import steps
    from eugene.interpret._targets import chosen_targets, output_number, tasks_of

    asked = output_number(steps()[step].settings(run.config)["target"], run.output_names)
    return chosen_targets(asked, tasks_of(run.module))


def one_target(run: Run, target: int | str | None) -> Target:
    """Return the one output that is explained, as `seqexplainer.attribute` takes it.

    Parameters
    ----------
    run : Run
        A trained run.
    target : int, str or None
        Number or name of an output, or of a profile network its label, such as ``counts``; the
        first by default, of a profile network the counts of its first task.

    Raises
    ------
    EugeneError
        If there is no such output, or it stands for several.
    """
    from eugene.interpret._targets import chosen_targets, tasks_of

    found = chosen_targets(target, tasks_of(run.module), run.output_names)
    if len(found) > 1 and target is not None:
        raise EugeneError(f"target {target!r} stands for {', '.join(found)}: choose one of them")
    label, chosen = next(iter(found.items()))
    if len(found) > 1:
        logger.warning("no target is given: %s is explained of %s", label, ", ".join(found))
    return chosen


def kept_maps(
    run: Run, explainer: Explainer, rows: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Return the hypothetical maps of rows that the step ``attribute`` kept.

    Parameters
    ----------
    run : Run
        A trained run.
    explainer : Explainer
        Method, output, references and seed that the maps have to be of.
    rows : ndarray of int64, shape (n,)
        Numbers of rows.

    Returns
    -------
    ndarray of float32, shape (n, letters, length), or None
        None where the store lacks a row, or is of another network, method, output, reference or
        seed.
    """
    import seqdata as sd

    if not run.folder.attributions.exists():
        return None
    wanted = explainer.name(explainer.methods[0], "hypothetical")
    layout = explainer.layout()[wanted].attrs
    store = sd.open_zarr(run.folder.attributions)
    if wanted not in store or store.attrs.get("model_sha256") != run.weights_sha256:
        return None
    attrs = store[wanted].attrs
    if any(attrs.get(key) != value for key, value in layout.items()):
        return None
    there = {int(row): place for place, row in enumerate(store["index"].to_numpy())}
    if any(int(row) not in there for row in rows):
        return None
    places = np.array([there[int(row)] for row in rows])
    return np.asarray(store[wanted].to_numpy()[places], dtype=np.float32)


def planted_model(
    run: Run, rows: NDArray[np.int64], X: NDArray[np.generic]
) -> NDArray[np.float64] | None:
    """Return what rows were made of, as a probability of each letter at each position.

    Parameters
    ----------
    run : Run
        Its data say what was planted, or not.
    rows : ndarray of int64, shape (n,)
        Numbers of rows.
    X : ndarray, shape (n, letters, length)
        Their sequences.

    Returns
    -------
    ndarray of float64, shape (n, letters, length), or None
        The variable ``pwm`` of the data; otherwise the letters that are there at positions that
        ``annotation`` says were planted, and equal chances elsewhere. None where neither is known.
    """
    from eugene.interpret._truth import planted_rows

    if "pwm" in run.data.ds.variables:
        model = run.data.ds["pwm"].isel(_sequence=rows).to_numpy().astype(np.float64)
        start = (model.shape[2] - X.shape[2]) // 2
        return np.asarray(model[:, :, start : start + X.shape[2]])
    planted = planted_rows(run.data.ds, rows, X.shape[2])
    if planted is None:
        return None
    return np.where(planted[:, None] != 0, np.asarray(X, np.float64), 1 / X.shape[1])


def window_motifs(
    run: Run,
    rows: NDArray[np.int64],
    windows: Mapping[str, NDArray[np.generic]],
    length: int,
    width: int,
) -> NDArray[np.str_]:
    """Return the name of the motif that was planted in the middle of each window.

    Parameters
    ----------
    run : Run
        Its data say what was planted, or not.
    rows : ndarray of int64, shape (n,)
        Rows whose maps the windows are of.
    windows : mapping
        ``sequence`` and ``position``, ints (n_windows,): where each begins.
    length, width : int
        Of the sequences and of a window (bp).

    Returns
    -------
    ndarray of str, shape (n_windows,)
        Empty where nothing was planted, or nothing is known.
    """
    from eugene.interpret import planted_motifs
    from eugene.interpret._truth import planted_rows

    planted = planted_rows(run.data.ds, rows, length)
    if "position" not in windows or planted is None:
        return np.full(len(windows.get("position", ())), "")
    names = np.array(["", *planted_motifs(run.data.ds).values()])
    # windows go round the end, as those of the original do
    middle = (np.asarray(windows["position"], np.int64) + width // 2) % length
    codes = planted[np.asarray(windows["sequence"], np.int64), middle].astype(np.int64)
    return names[np.where(codes < len(names), codes, 0)]
