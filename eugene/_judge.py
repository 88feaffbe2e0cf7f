"""One judge of targets, weights and outputs, for Python, YAML and the shell alike.

Splits are judged by `seqdata.splits.as_codes`. Everything here reads NumPy arrays and shapes, and
either raises `DataError` or returns what has to be said.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene._tasks import CLASSES, COUNTS, LABELS, TASKS, Task
from eugene.errors import DataError, EugeneWarning

#: Losses of counts, whose predictions are logarithms of rates.
COUNT_LOSSES = ("poisson", "negative_binomial", "poisson_multinomial", "mnll")
_OF_LOSS = {
    "bce": "between 0 and 1",
    "cross_entropy": CLASSES,
    "focal": "between 0 and 1",
    **dict.fromkeys(COUNT_LOSSES, COUNTS),
    "log1p_mse": "above -1",
    "rmsle": "above -1",
}
_MOST_CLASSES = 10
#: Numbers that differ by so many roundings of their type do not differ.
ROUNDINGS = 4


def say(message: str, *, stacklevel: int = 3) -> None:
    """Warn of something that was guessed, left out or cannot be."""
    warnings.warn(message, EugeneWarning, stacklevel=stacklevel)


def name_of(thing: object) -> str:
    """Return the name of a metric, loss or optimiser: the name itself, or that of an object.

    Examples
    --------
    >>> name_of("auroc"), name_of(dict.fromkeys), name_of(DataError("x"))
    ('auroc', 'fromkeys', 'data_error')
    """
    if isinstance(thing, str):
        return thing
    thing = getattr(thing, "func", thing)
    name = getattr(thing, "__name__", type(thing).__name__).strip("<>")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def rounding(values: ArrayLike) -> float:
    """Return the relative rounding of the type of numbers, that of float64 for whole ones."""
    kind = np.asarray(values).dtype
    return float(np.finfo(kind if kind.kind == "f" else np.float64).eps)


def no_spread(x: NDArray[np.floating[Any]], eps: float) -> bool:
    """Tell whether numbers differ by no more than the rounding of their type.

    Parameters
    ----------
    x : ndarray of float, shape (n,)
        The numbers, finite.
    eps : float
        Relative rounding of the type that they were computed in.

    Returns
    -------
    bool
        True for less than two numbers.

    Examples
    --------
    >>> no_spread(np.array([0.1 + 0.2, 0.3]), 2.2e-16), no_spread(np.array([1e6, 1e6 + 1]), 2.2e-16)
    (True, False)
    """
    if len(x) < 2:
        return True
    return bool(x.max() - x.min() <= ROUNDINGS * eps * np.abs(x).max())


def _misfits(values: NDArray[np.float64], wanted: str, n_classes: int | None) -> NDArray[np.bool_]:
    """Return which values are not what is wanted; NaN never is."""
    wrong = values < (-np.inf if wanted == "above -1" else 0)
    if wanted == "above -1":
        return np.asarray(wrong | (values <= -1))
    if wanted in (LABELS, "between 0 and 1"):
        wrong |= values > 1
    if wanted in (LABELS, CLASSES):
        wrong |= values != np.floor(values)
        wrong &= ~np.isnan(values)
    if wanted == CLASSES and n_classes is not None:
        wrong |= values >= n_classes
    return np.asarray(wrong)


def check_targets(
    targets: Mapping[str, ArrayLike],
    task: str | None = None,
    *,
    loss: str | None = None,
    n_classes: int | None = None,
    rows: ArrayLike | None = None,
) -> None:
    """Raise where targets cannot be what a task or a loss takes them for.

    Parameters
    ----------
    targets : mapping of str to array_like, each of shape (n, ...)
        Values by name; NaN where missing.
    task : str, optional
        The task; without one only infinite values are refused.
    loss : str, optional
        Name of the loss, where it asks for more than the task.
    n_classes : int, optional
        Number of classes that are predicted.
    rows : array_like of int, shape (n,), optional
        Numbers of the rows, for the message.

    Raises
    ------
    DataError
        With the name, the value and its row.

    Examples
    --------
    >>> check_targets({"y": [0, 1, 2]}, "binary_classification")
    Traceback (most recent call last):
    ...
    eugene.errors.DataError: targets of binary_classification must be 0, 1 or NaN, found 2.0 in \
'y', row 2: choose another task or other targets, or data.targets: [binarise].
    """
    for name, given in targets.items():
        values = np.asarray(given, dtype=np.float64)

        def where(wrong: NDArray[np.bool_], name: str = name) -> str:
            row = int(np.argwhere(wrong)[0][0])
            return f"in {name!r}, row {row if rows is None else np.asarray(rows)[row]}"

        infinite = np.isinf(values)
        if infinite.any():
            raise DataError(
                f"{int(infinite.sum())} target(s) are infinite, the first {where(infinite)}: an "
                "infinite value is no missing one. Write NaN (or nothing, in a table) where a "
                "value is missing, or limit the values, for example with data.targets: [clamp]."
            )
        of_task = TASKS[task].targets if task in TASKS else ""
        for what, wanted in ((task, of_task), (loss, _OF_LOSS.get(loss or "", ""))):
            if not wanted:
                continue
            wrong = _misfits(values, wanted, n_classes)
            if not wrong.any():
                continue
            found = float(values[wrong][0])
            if wanted == CLASSES and n_classes is not None and found == np.floor(found) >= 0:
                raise DataError(
                    f"targets of {what} are classes 0 to {n_classes - 1} here, because there are "
                    f"{n_classes} outputs; found {found:g} {where(wrong)}: give the network one "
                    "output a class (output_dim), or number the classes from 0."
                )
            hint = ", or data.targets: [binarise]" if wanted == LABELS else ""
            raise DataError(
                f"targets of {what} must be {wanted}, found {found} {where(wrong)}: choose "
                f"another {'task' if what == task else 'loss'} or other targets{hint}."
            )


def check_training(targets: Mapping[str, ArrayLike], task: str) -> list[str]:
    """Raise where nothing can be learned from training targets; return what should be said.

    Parameters
    ----------
    targets : mapping of str to array_like, each of shape (n, ...)
        Targets of the training rows by name.
    task : str
        The task.

    Returns
    -------
    list of str
        Remarks, such as that a 0/1 target is trained as regression.

    Raises
    ------
    DataError
        If no row has a target, or a classification has one class only.
    """
    columns = {n: np.asarray(v, dtype=np.float64).reshape(-1) for n, v in targets.items()}
    there = {name: values[~np.isnan(values)] for name, values in columns.items()}
    empty = [name for name, values in there.items() if not len(values)]
    named = ", ".join(map(repr, empty))
    if len(empty) == len(there):
        raise DataError(
            f"no target to learn from: {named} is missing in every training row. Change the "
            "split, or the targets."
        )
    said = (
        [f"{named}: no training row has a value, so that output learns nothing."] if empty else []
    )
    constant, classes = [], []
    for name, values in there.items():
        distinct = np.unique(values[: 1 << 20])
        if len(distinct) == 1 and len(values) > 1:
            constant.append(name)
            said.append(f"{name!r} is {distinct[0]:g} in every training row.")
        elif task == "regression" and len(values) > 2 * len(distinct):
            classes += _as_classes(name, distinct)
    if len(classes) == len(there):  # beside others there is no task for a target of its own
        said += classes
    if len(constant) + len(empty) == len(there) and TASKS[task].classification and constant:
        names = ", ".join(map(repr, constant))
        raise DataError(
            f"all training rows are of one class: {names} is {there[constant[0]][0]:g} in each, "
            "and a network that always says so is never wrong. Add rows of the other class, or "
            "change the split."
        )
    return said


def _as_classes(name: str, distinct: NDArray[np.float64]) -> list[str]:
    """Say that a target looks like classes and is trained as regression."""
    if len(distinct) == 2:
        low, high = distinct
        extra = "" if (low, high) == (0, 1) else ", with 0 and 1 for the two values"
        return [
            f"{name!r} holds only {low:g} and {high:g} and is trained as regression: for the "
            f"probability of {high:g} say task: binary_classification{extra}."
        ]
    whole = (distinct == np.floor(distinct)).all() and distinct[0] in (0, 1)
    if whole and len(distinct) <= _MOST_CLASSES and distinct[-1] - distinct[0] < _MOST_CLASSES:
        return [
            f"{name!r} holds only {len(distinct)} whole numbers, {distinct[0]:g} to "
            f"{distinct[-1]:g}, and is trained as regression: where they number classes say "
            "task: multiclass_classification, where they count something, task: poisson."
        ]
    return []


def check_single_precision(targets: Mapping[str, ArrayLike]) -> list[str]:
    """Say, or refuse, what is lost where targets are turned into float32 for the network.

    Parameters
    ----------
    targets : mapping of str to array_like
        Targets by name.

    Returns
    -------
    list of str
        One remark for each target whose spread float32 does not hold.

    Raises
    ------
    DataError
        Where a value is beyond float32.
    """
    said = []
    for name, given in targets.items():
        values = np.asarray(given)
        if values.dtype.kind not in "iuf" or values.dtype.itemsize < 4 or not values.size:
            continue
        values = values.astype(np.float64)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        with np.errstate(over="ignore"):
            single = values.astype(np.float32).astype(np.float64)
        if np.isinf(single).any():
            raise DataError(
                f"{name!r} goes up to {np.abs(values).max():g}, which is infinite in the single "
                "precision of a network: use data.targets: [log] or [zscore]."
            )
        error = np.abs(single - values).max()
        if not no_spread(values, rounding(np.float64(0))) and error > 0.05 * values.std():
            said.append(
                f"{name!r} varies by {values.std():.3g} around {values.mean():.6g}, which single "
                f"precision rounds by up to {error:.1g}: use data.targets: [zscore]."
            )
    return said


def check_weights(
    name: str, weights: ArrayLike, shape: tuple[int, ...], train: ArrayLike | None = None
) -> None:
    """Raise where weights are not numbers from 0 up that fit the targets.

    Parameters
    ----------
    name : str
        Name of the variable.
    weights : array_like of float, shape (n,) or that of the targets
        The weights.
    shape : tuple of int
        Shape of the targets, (n, tasks) or (n, samples, length).
    train : array_like of bool, shape (n,), optional
        The training rows, of which one at least must count.

    Raises
    ------
    DataError
        With the value and its row.
    """
    values = np.asarray(weights, dtype=np.float64)
    if values.shape not in (shape[:1], shape):
        raise DataError(
            f"the weight {name!r} has shape {values.shape}: expected one a row, {shape[:1]}, or "
            f"one a target, {shape}."
        )
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        row = tuple(np.argwhere(wrong)[0])
        raise DataError(
            f"the weight {name!r} is {values[row]:g} in row {int(row[0])} ({int(wrong.sum())} such "
            "in all): expected finite numbers from 0 up; 0 leaves a row out."
        )
    counted = values if train is None else values[np.asarray(train, dtype=bool)]
    if counted.size and not counted.any():
        raise DataError(
            f"the weight {name!r} is 0 in every training row, so there is nothing to learn from."
        )


def output_problem(output: tuple[int, ...], target: tuple[int, ...], task: Task) -> str | None:
    """Say where what a network gave does not stand beside its targets value for value.

    Parameters
    ----------
    output : tuple of int
        Shape of the outputs of a batch, at least two axes.
    target : tuple of int
        Shape of its targets, at least two axes.
    task : Task
        The task; it says whether there is one output a class.

    Returns
    -------
    str or None
        Both shapes and what would fit; None where they do.

    Examples
    --------
    >>> output_problem((8, 1), (8, 1), TASKS["regression"]) is None
    True
    """
    fits = (
        len(output) == 2 and output[1] > 1 and target == (output[0], 1)
        if task.classes
        else output == target
    )
    if fits:
        return None
    gives = f"the network gives outputs of shape {output} for task {task.name!r}"
    if output[0] != target[0]:
        hint = "the first axis of an output is that of the sequences; do not squeeze it away"
    elif task.classes and len(output) == 2 and output[1] == 1:
        hint = "one output a class is needed (output_dim), for two classes binary_classification"
    elif task.classes and target[1:] != (1,):
        hint = "one target with the number of the class is expected, not one a class"
    elif len(target) > 2 >= len(output):
        hint = (
            "the targets are tracks, one value a position: average or sum them over positions, or "
            "take a network that gives one value a position"
        )
    elif len(output) > 2 >= len(target):
        hint = (
            "the network gives one value a position; end it with pooling and a dense layer, or "
            "flatten what it gives, so that an output is (sequences, targets)"
        )
    elif len(output) == 2:
        return (
            f"the batch has {target[1]} targets a sequence, the network gives {output[1]} outputs "
            f"for task {task.name!r}: build it with output_dim={target[1]} or choose other "
            "target_vars"
        )
    else:
        hint = "the network and the data must have the same samples and positions"
    return f"{gives}, and the targets have shape {target}: {hint}"


def check_counts(**values: int) -> None:
    """Raise where something that is counted from 1 is not.

    Parameters
    ----------
    **values : int
        Numbers by name.

    Raises
    ------
    DataError
        With the name.
    """
    for name, value in values.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 1:
            raise DataError(f"{name} is {value!r}: expected a whole number of 1 or more.")
