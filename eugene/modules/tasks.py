"""What each task means: its loss, its metrics, and how outputs become predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from eugene.config._layout import TASK_DEFAULTS
from eugene.errors import EugeneError, did_you_mean


class Task(str):
    """A kind of target: its name, with what follows from it.

    Parameters
    ----------
    name : str
        The task.
    loss : str
        Loss used when none is named.
    metrics : tuple of str
        Metrics watched when none are named.
    link : {"identity", "sigmoid", "softmax", "exp"}
        How raw outputs become predictions.

    Examples
    --------
    >>> Task("regression", "mse", ("r2",), "identity") == "regression"
    True
    """

    __slots__ = ("link", "loss", "metrics")

    def __new__(cls, name: str, loss: str, metrics: tuple[str, ...], link: str) -> Task:
        """Make the name, and put the rest beside it."""
        task = super().__new__(cls, name)
        task.loss, task.metrics, task.link = loss, metrics, link
        return task

    loss: str
    metrics: tuple[str, ...]
    link: str

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what a copy is made from."""
        return str(self), self.loss, self.metrics, self.link

    @property
    def name(self) -> str:
        """The name alone."""
        return str(self)

    def predict(self, output: torch.Tensor) -> torch.Tensor:
        """Turn raw outputs into predictions: values, probabilities or rates.

        Parameters
        ----------
        output : torch.Tensor of float, shape (batch, outputs)
            What the network gave.

        Returns
        -------
        torch.Tensor of float, shape (batch, outputs)
            The predictions.
        """
        if self.link == "sigmoid":
            return torch.sigmoid(output)
        if self.link == "softmax":
            return torch.softmax(output, dim=-1)
        if self.link == "exp":
            return torch.exp(output)
        return output

    def scores(self, output: torch.Tensor) -> torch.Tensor:
        """Turn raw outputs into what ranks as the predictions do, and never rounds to a tie.

        A sigmoid is 1 from a logit of 17 on in single precision, a logit is not.

        Parameters
        ----------
        output : torch.Tensor of float, shape (batch, outputs)
            What the network gave.

        Returns
        -------
        torch.Tensor of float, shape (batch, outputs)
            Logits; for classes the log odds of each against all others; else the outputs.
        """
        if self.link != "softmax" or output.ndim != 2:
            return output
        # 1 - p of all but the most probable class is at least one half, so nothing is lost of it
        rest = torch.logsumexp(output, 1, keepdim=True) + torch.log1p(-torch.softmax(output, 1))
        best = output.argmax(1, keepdim=True)
        without = output.scatter(1, best, -torch.inf)
        return output - rest.scatter(1, best, torch.logsumexp(without, 1, keepdim=True))

    def metric_inputs(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        reads: str,
        name: str,
        scores: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Bring predictions and targets to the shape that a metric reads.

        Parameters
        ----------
        prediction : torch.Tensor of float, shape (batch, outputs)
            Predictions.
        target : torch.Tensor of float, shape (batch, tasks)
            Targets; for ``multiclass_classification`` the number of the class, one column.
        reads : {"value", "score", "label"}
            What the metric reads.
        name : str
            Name of the metric.
        scores : torch.Tensor of float, shape (batch, outputs), optional
            What metrics of ranks read instead of predictions.

        Returns
        -------
        prediction, target : torch.Tensor of float, shape (batch, tasks)
            One column a task, or a class.
        """
        if self.name != "multiclass_classification" or reads == "own":
            return (scores if reads == "score" and scores is not None else prediction), target
        classes = prediction.shape[1]
        missing = ~torch.isfinite(target)
        truth = torch.where(missing, 0.0, target).long()
        if name == "accuracy":
            right = (prediction.argmax(dim=1, keepdim=True) == truth).to(prediction.dtype)
            ones = torch.where(missing, torch.nan, 1.0)
            return right, ones
        one_hot = torch.nn.functional.one_hot(truth[:, 0], classes).to(prediction.dtype)
        one_hot = torch.where(missing, torch.nan, one_hot)
        if reads == "label":
            calls = prediction.argmax(dim=1)
            return torch.nn.functional.one_hot(calls, classes).to(prediction.dtype), one_hot
        return (prediction if scores is None else scores), one_hot


_LINKS = {
    "regression": "identity",
    "binary_classification": "sigmoid",
    "multilabel_classification": "sigmoid",
    "multiclass_classification": "softmax",
    "poisson": "exp",
}
TASKS: dict[str, Task] = {
    name: Task(name, loss, metrics, _LINKS[name]) for name, (loss, metrics) in TASK_DEFAULTS.items()
}


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


def get_task(name: str) -> Task:
    """Return a task by name.

    Parameters
    ----------
    name : str
        A name of ``TASKS``.

    Returns
    -------
    Task
        The task.

    Raises
    ------
    EugeneError
        If the task is unknown.

    Examples
    --------
    >>> get_task("binary_classification").loss
    'bce'
    """
    if name not in TASKS:
        raise EugeneError(f"unknown task {name!r}{did_you_mean(name, TASKS)}")
    return TASKS[name]
