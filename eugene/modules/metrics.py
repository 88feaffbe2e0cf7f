"""Metrics over an epoch, one value a task, blind to missing targets.

Every metric is a ``torchmetrics.Metric``: it is fed batch by batch, gathers over processes by
itself, and gives one value for each task.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc, binary_average_precision
from torchmetrics.functional.regression import spearman_corrcoef

from eugene.errors import EugeneError, did_you_mean


class EpochMetric(Metric):
    """What all metrics share: which predictions they read, and when higher is better.

    Attributes
    ----------
    reads : {"value", "score", "label"}
        Predictions on the scale of the targets, scores in [0, 1], or 0/1 calls.
    """

    full_state_update: bool | None = False
    reads: ClassVar[str] = "value"


class _Moments(EpochMetric):
    """Sums that correlation and error can be made of, in constant memory per batch."""

    moments: list[torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("moments", default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch.

        Parameters
        ----------
        prediction, target : torch.Tensor of float, shape (batch, tasks)
            Predictions and targets; NaN targets are left out.
        """
        there = torch.isfinite(target)
        n = there.sum(dim=0).float()
        share = 1 / n.clamp_min(1)
        x = torch.where(there, prediction.float(), 0.0)
        y = torch.where(there, target.float(), 0.0)
        mean_x, mean_y = x.sum(0) * share, y.sum(0) * share
        dx = torch.where(there, x - mean_x, 0.0)
        dy = torch.where(there, y - mean_y, 0.0)
        error = (x - y).square().sum(0)
        absolute = (x - y).abs().sum(0)
        rows = (n, mean_x, mean_y, (dx * dx).sum(0), (dy * dy).sum(0), (dx * dy).sum(0))
        self.moments.append(torch.stack((*rows, error, absolute))[None])

    def _merged(self) -> dict[str, torch.Tensor]:
        """Return the sums over all batches, float64 (tasks,) each."""
        blocks = self.moments
        parts = (torch.cat(blocks) if isinstance(blocks, list) else blocks).cpu().double()
        n, mx, my, sxx, syy, sxy, error, absolute = parts.unbind(1)
        total = n.sum(0)
        share = 1 / total.clamp_min(1)
        all_x, all_y = (n * mx).sum(0) * share, (n * my).sum(0) * share
        dx, dy = mx - all_x, my - all_y
        return {
            "n": total,
            "xx": (sxx + n * dx * dx).sum(0),
            "yy": (syy + n * dy * dy).sum(0),
            "xy": (sxy + n * dx * dy).sum(0),
            "bias": all_y - all_x,
            "error": error.sum(0),
            "absolute": absolute.sum(0),
        }


def _ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Divide, with NaN where there is nothing to divide by."""
    return torch.where(b > 0, a / b.clamp_min(1e-300), torch.nan).float()


class R2Score(_Moments):
    """Coefficient of determination, ``1 - SS_res / SS_tot``, float (tasks,).

    Examples
    --------
    >>> metric = R2Score()
    >>> metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [3.0]]))
    >>> metric.compute()  # torchmetrics drops the axis of a single task
    tensor(0.5000)
    """

    higher_is_better = True

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN for a task whose targets do not vary."""
        m = self._merged()
        return 1 - _ratio(m["error"], m["yy"])


class ExplainedVariance(_Moments):
    """Share of the variance explained, ``1 - Var(y - x) / Var(y)``, float (tasks,)."""

    higher_is_better = True

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN for a task whose targets do not vary."""
        m = self._merged()
        return 1 - _ratio(m["error"] - m["n"] * m["bias"] ** 2, m["yy"])


class Pearson(_Moments):
    """Pearson's correlation, float (tasks,)."""

    higher_is_better = True

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where either side does not vary."""
        m = self._merged()
        return _ratio(m["xy"], (m["xx"] * m["yy"]).sqrt())


class MeanSquaredError(_Moments):
    """Mean squared error, float (tasks,)."""

    higher_is_better = False

    def compute(self) -> torch.Tensor:
        """Return float (tasks,)."""
        m = self._merged()
        return _ratio(m["error"], m["n"])


class MeanAbsoluteError(_Moments):
    """Mean absolute error, float (tasks,)."""

    higher_is_better = False

    def compute(self) -> torch.Tensor:
        """Return float (tasks,)."""
        m = self._merged()
        return _ratio(m["absolute"], m["n"])


class _Kept(EpochMetric):
    """Metrics of ranks, which need every prediction of the epoch."""

    predictions: list[torch.Tensor]
    targets: list[torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("predictions", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch, float (batch, tasks) each; NaN targets are left out."""
        self.predictions.append(prediction.detach().float())
        self.targets.append(target.detach().float())

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where the metric does not exist."""
        lists = (self.predictions, self.targets)
        x, y = (torch.cat(v) if isinstance(v, list) else v for v in lists)
        values = []
        for task in range(y.shape[1]):
            there = torch.isfinite(y[:, task])
            values.append(self._one(x[there, task], y[there, task]))
        return torch.stack(values)

    @abstractmethod
    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the metric of one task, float ()."""


class Spearman(_Kept):
    """Spearman's rank correlation, float (tasks,)."""

    higher_is_better = True

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if len(x) < 2 or bool((x == x[0]).all()) or bool((y == y[0]).all()):
            return torch.tensor(torch.nan, device=x.device)
        return spearman_corrcoef(x, y)


class AUROC(_Kept):
    """Area under the receiver operating characteristic, float (tasks,)."""

    higher_is_better = True
    reads: ClassVar[str] = "score"

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if len(y) == 0 or bool((y == y[0]).all()):
            return torch.tensor(torch.nan, device=x.device)
        return binary_auroc(x, y.long())


class AveragePrecision(_Kept):
    """Area under the precision-recall curve as average precision, float (tasks,)."""

    higher_is_better = True
    reads: ClassVar[str] = "score"

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if not bool((y == 1).any()):
            return torch.tensor(torch.nan, device=x.device)
        return binary_average_precision(x, y.long())


class _Counts(EpochMetric):
    """Counts of right and wrong calls."""

    reads: ClassVar[str] = "label"
    higher_is_better = True

    counts: list[torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("counts", default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch of 0/1 calls, float (batch, tasks); NaN targets are left out."""
        there = torch.isfinite(target)
        call, truth = (prediction > 0.5) & there, (target > 0.5) & there
        hit, miss = (call & truth).sum(0), (~call & truth).sum(0)
        false, right = (call & ~truth & there).sum(0), (~call & ~truth & there).sum(0)
        self.counts.append(torch.stack((hit, miss, false, right))[None])

    def _sums(self) -> tuple[torch.Tensor, ...]:
        blocks = self.counts
        parts = torch.cat(blocks) if isinstance(blocks, list) else blocks
        return tuple(parts.cpu().sum(0).double().unbind(0))


class Accuracy(_Counts):
    """Share of right calls, float (tasks,)."""

    def compute(self) -> torch.Tensor:
        """Return float (tasks,)."""
        hit, miss, false, right = self._sums()
        return _ratio(hit + right, hit + miss + false + right)


class Precision(_Counts):
    """Share of positive calls that are right, float (tasks,)."""

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where nothing was called positive."""
        hit, _, false, _ = self._sums()
        return _ratio(hit, hit + false)


class Recall(_Counts):
    """Share of positives that were called, float (tasks,)."""

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where there are no positives."""
        hit, miss, _, _ = self._sums()
        return _ratio(hit, hit + miss)


class F1Score(_Counts):
    """Harmonic mean of precision and recall, float (tasks,)."""

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where there is nothing positive on either side."""
        hit, miss, false, _ = self._sums()
        return _ratio(2 * hit, 2 * hit + miss + false)


METRICS: dict[str, type[EpochMetric]] = {
    "r2": R2Score,
    "pearson": Pearson,
    "spearman": Spearman,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "explained_variance": ExplainedVariance,
    "auroc": AUROC,
    "auprc": AveragePrecision,
    "accuracy": Accuracy,
    "precision": Precision,
    "recall": Recall,
    "f1": F1Score,
}
ALIASES = {
    "r2score": "r2",
    "explainedvariance": "explained_variance",
    "f1score": "f1",
    "average_precision": "auprc",
}


def make_metric(name: str) -> EpochMetric:
    """Return a metric by name.

    Parameters
    ----------
    name : str
        A name of ``METRICS``; EUGENe's names are understood.

    Returns
    -------
    EpochMetric
        A metric that has seen nothing yet.

    Raises
    ------
    EugeneError
        If the metric is unknown.

    Examples
    --------
    >>> make_metric("r2score").higher_is_better
    True
    """
    key = metric_name(name)
    return METRICS[key]()


def metric_name(name: str) -> str:
    """Return our name of a metric, given ours or EUGENe's.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The name in ``METRICS``.

    Raises
    ------
    EugeneError
        If the metric is unknown.

    Examples
    --------
    >>> metric_name("f1score")
    'f1'
    """
    key = ALIASES.get(name, name)
    if key not in METRICS:
        raise EugeneError(f"unknown metric {name!r}{did_you_mean(name, METRICS)}")
    return key


def better_when(monitor: str) -> str:
    """Tell whether a logged value is better when it is lower or higher.

    Parameters
    ----------
    monitor : str
        Such as ``"val_loss"``, ``"val_auroc"`` or, for one of several targets, ``"val_mse_leaf"``.

    Returns
    -------
    str
        ``"min"`` or ``"max"``; ``"max"`` for what is no loss and no metric of ours.

    Examples
    --------
    >>> better_when("val_mse_leaf"), better_when("val_auroc")
    ('min', 'max')
    """
    _, _, name = monitor.partition("_")
    if "loss" in monitor:
        return "min"
    for known, metric in METRICS.items():
        if name == known or name.startswith(f"{known}_"):
            return "max" if metric.higher_is_better else "min"
    return "min" if monitor.rsplit("_", 1)[-1] in ("mse", "mae", "rmsle") else "max"
