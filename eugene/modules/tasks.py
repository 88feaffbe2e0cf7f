"""What each task means, and what a training of a module logs."""

from __future__ import annotations

from collections.abc import Iterable

from eugene._tasks import TASKS as TASKS
from eugene._tasks import Task as Task
from eugene._tasks import get_task as get_task


def loggable(metrics: Iterable[str], targets: Iterable[str]) -> list[str]:
    """Return the names of the values that a training of a module logs.

    Parameters
    ----------
    metrics : iterable of str
        Names of its metrics.
    targets : iterable of str
        Names of its targets, where there are several.

    Returns
    -------
    list of str
        Losses first.

    Examples
    --------
    >>> loggable(["r2"], ["leaf"])
    ['train_loss', 'val_loss', 'val_r2', 'val_r2_leaf']
    """
    listed = list(targets)
    each = [f"val_{m}{end}" for m in metrics for end in ("", *(f"_{t}" for t in listed))]
    return ["train_loss", "val_loss", *each]
