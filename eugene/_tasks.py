"""The kinds of targets that can be predicted: all that follows from a task, said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import torch

LABELS, CLASSES = "0, 1 or NaN", "numbers of classes (0, 1, 2 and so on) or NaN"
COUNTS = "counts of 0 or more"
_OF_VALUES = ("r2", "pearson", "spearman", "mse", "mae", "explained_variance", "ccc")
_OF_LABELS = ("auroc", "auprc", "accuracy", "precision", "recall", "f1", "mcc")


class Task(str):
    """A kind of target: its name, with what follows from it.

    Parameters
    ----------
    name : str
        The task.
    loss : str
        Loss used when none is named.
    metrics : tuple of str
        Metrics watched in training when none are named.
    link : {"identity", "sigmoid", "softmax", "exp"}
        How raw outputs become predictions.
    targets : str
        What targets must be, ``""`` for any number.
    evaluated : tuple of str
        Scores of `eugene.evaluate.evaluate` when none are named.
    measured_by : tuple of str
        All of our metrics that exist for it.
    baselines : tuple of str
        Baselines that predict such targets, the first to be recommended.

    Attributes
    ----------
    loss, metrics, link, targets, evaluated, measured_by, baselines
        As given.

    Examples
    --------
    >>> Task("regression", "mse", ("r2",), "identity") == "regression"
    True
    >>> get_task("poisson").measured_by[:2], get_task("poisson").baselines
    (('r2', 'pearson'), ('kmer_ridge',))
    """

    __slots__ = ("baselines", "evaluated", "link", "loss", "measured_by", "metrics", "targets")

    loss: str
    metrics: tuple[str, ...]
    link: str
    targets: str
    evaluated: tuple[str, ...]
    measured_by: tuple[str, ...]
    baselines: tuple[str, ...]

    def __new__(
        cls,
        name: str,
        loss: str,
        metrics: tuple[str, ...],
        link: str,
        targets: str = "",
        evaluated: tuple[str, ...] = (),
        measured_by: tuple[str, ...] = (),
        baselines: tuple[str, ...] = (),
    ) -> Task:
        """Make the name, and put the rest beside it."""
        task = super().__new__(cls, name)
        task.loss, task.metrics, task.link, task.targets = loss, metrics, link, targets
        task.evaluated, task.measured_by, task.baselines = evaluated, measured_by, baselines
        return task

    def __getnewargs__(self) -> tuple[str | tuple[str, ...], ...]:  # type: ignore[override]
        """Return what a copy is made from."""
        facts = (self.loss, self.metrics, self.link, self.targets)
        return str(self), *facts, self.evaluated, self.measured_by, self.baselines

    @property
    def name(self) -> str:
        """The name alone."""
        return str(self)

    @property
    def classes(self) -> bool:
        """Whether there is one output a class, and one target with the number of the class."""
        return self.link == "softmax"

    @property
    def classification(self) -> bool:
        """Whether predictions are probabilities and targets whole numbers."""
        return self.link in ("sigmoid", "softmax")

    def takes_loss(self, loss: str) -> bool:
        """Tell whether one of our losses reads outputs and targets of this kind."""
        return (loss == "cross_entropy") == self.classes

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
            return output.sigmoid()
        if self.link == "softmax":
            return output.softmax(dim=-1)
        return output.exp() if self.link == "exp" else output

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
        if not self.classes or output.ndim != 2:
            return output
        # 1 - p of all but the most probable class is at least one half, so nothing is lost of it
        rest = output.logsumexp(1, keepdim=True) + (-output.softmax(1)).log1p()
        best = output.argmax(1, keepdim=True)
        without = output.scatter(1, best, -float("inf"))
        return output - rest.scatter(1, best, without.logsumexp(1, keepdim=True))

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
            Targets; for classes the number of the class, one column.
        reads : {"value", "score", "label", "own"}
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
        if not self.classes or reads == "own":
            return (scores if reads == "score" and scores is not None else prediction), target
        from torch.nn.functional import one_hot

        width, missing = prediction.shape[1], target.isnan() | target.isinf()
        truth = target.masked_fill(missing, 0).long()
        calls = prediction.argmax(dim=1, keepdim=True)
        if name == "accuracy":
            right = (calls == truth).to(prediction.dtype)
            return right, right.new_ones(right.shape).masked_fill(missing, float("nan"))
        wanted = one_hot(truth[:, 0], width).to(prediction.dtype)
        wanted = wanted.masked_fill(missing, float("nan"))
        if reads == "label":
            return one_hot(calls[:, 0], width).to(prediction.dtype), wanted
        return (prediction if scores is None else scores), wanted


_SCORES, _CALLS = ("r2", "pearson_r2", "pearson", "spearman", "mse"), ("auroc", "auprc", "accuracy")
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "regression", "mse", ("pearson", "r2"), "identity",
            evaluated=_SCORES, measured_by=_OF_VALUES, baselines=("kmer_ridge",),
        ),
        Task(
            "binary_classification", "bce", _CALLS, "sigmoid", LABELS,
            evaluated=(*_CALLS, "f1"), measured_by=_OF_LABELS, baselines=("kmer_logistic",),
        ),
        Task(
            "multilabel_classification", "bce", _CALLS, "sigmoid", LABELS,
            evaluated=(*_CALLS, "f1"), measured_by=_OF_LABELS, baselines=("kmer_logistic",),
        ),
        Task(
            "multiclass_classification", "cross_entropy", ("accuracy", "auroc"), "softmax", CLASSES,
            evaluated=("accuracy", "auroc", "auprc", "f1"), measured_by=_OF_LABELS,
        ),
        Task(
            "poisson", "poisson", ("pearson", "spearman"), "exp", COUNTS,
            evaluated=_SCORES, measured_by=(*_OF_VALUES, "poisson_deviance"),
            baselines=("kmer_ridge",),
        ),
    )
}  # fmt: skip
"""Every task by its name."""


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
