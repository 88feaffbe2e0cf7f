"""Metrics over an epoch, one value a task, blind to missing targets.

Every metric is a ``torchmetrics.Metric``: it is fed batch by batch, gathers over processes by
itself, and gives one value for each task.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torchmetrics import Metric

from eugene import _weighted
from eugene._judge import ROUNDINGS, name_of
from eugene._weighted import WeightedMetric
from eugene.config.registries import METRICS
from eugene.errors import EugeneError


class EpochMetric(Metric):
    """What all metrics share: which predictions they read, and when higher is better.

    Attributes
    ----------
    reads : {"value", "score", "label", "own"}
        Predictions on the scale of the targets, anything that ranks as they do (logits, of which
        no two round to the same probability), 0/1 calls, or what the user's own metric wants.
    """

    full_state_update: bool | None = False
    reads: ClassVar[str] = "value"
    _eps: tuple[float, float] = (0.0, 0.0)

    def _note(self, *sides: torch.Tensor) -> None:
        """Note the rounding of the types that predictions and targets come in."""
        kinds = (side.dtype if side.is_floating_point() else torch.float64 for side in sides)
        first, second = (torch.finfo(kind).eps for kind in kinds)
        self._eps = (first, second)


def _wide(x: torch.Tensor) -> torch.Tensor:
    """Return numbers in double precision where the device has it."""
    return x.detach().to(torch.float32 if x.device.type == "mps" else torch.float64)


def _varies(low: torch.Tensor, high: torch.Tensor, eps: float) -> torch.Tensor:
    """Tell where numbers from low to high differ by more than the rounding of their type."""
    return high - low > ROUNDINGS * eps * torch.maximum(low.abs(), high.abs())


class _Moments(EpochMetric):
    """Sums that correlation and error can be made of, in constant memory per batch."""

    moments: list[torch.Tensor]

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.add_state("moments", default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch.

        Parameters
        ----------
        prediction, target : torch.Tensor of float, shape (batch, tasks)
            Predictions and targets; NaN targets are left out.
        """
        self._note(prediction, target)
        there = torch.isfinite(target)
        n = there.sum(dim=0)
        share = 1 / n.clamp_min(1).to(_wide(prediction).dtype)
        wide_x, wide_y = _wide(prediction), _wide(target)
        x, y = torch.where(there, wide_x, 0.0), torch.where(there, wide_y, 0.0)
        mean_x, mean_y = x.sum(0) * share, y.sum(0) * share
        dx = torch.where(there, x - mean_x, 0.0)
        dy = torch.where(there, y - mean_y, 0.0)
        error = (x - y).square().sum(0)
        absolute = (x - y).abs().sum(0)
        rows = [n.to(x.dtype), mean_x, mean_y, (dx * dx).sum(0), (dy * dy).sum(0), (dx * dy).sum(0)]
        for values in (wide_x, wide_y):
            low = torch.where(there, values, torch.inf).amin(0) if len(values) else mean_x
            high = torch.where(there, values, -torch.inf).amax(0) if len(values) else mean_x
            rows += [low, high]
        self.moments.append(torch.stack((*rows, error, absolute))[None])

    def _merged(self) -> dict[str, torch.Tensor]:
        """Return the sums over all batches, float64 (tasks,) each; spreads of nothing are 0."""
        blocks = self.moments
        parts = (torch.cat(blocks) if isinstance(blocks, list) else blocks).cpu().double()
        n, mx, my, sxx, syy, sxy, low_x, high_x, low_y, high_y, error, absolute = parts.unbind(1)
        total = n.sum(0)
        share = 1 / total.clamp_min(1)
        all_x, all_y = (n * mx).sum(0) * share, (n * my).sum(0) * share
        dx, dy = mx - all_x, my - all_y
        varies_x = _varies(low_x.amin(0), high_x.amax(0), self._eps[0])
        varies_y = _varies(low_y.amin(0), high_y.amax(0), self._eps[1])
        # the mean of squares of what is left: never a difference of large numbers
        bias = all_y - all_x
        residual = ((sxx + syy - 2 * sxy) + n * (dy - dx) ** 2).sum(0).clamp_min(0)
        return {
            "n": total,
            "xx": torch.where(varies_x, (sxx + n * dx * dx).sum(0), 0.0),
            "yy": torch.where(varies_y, (syy + n * dy * dy).sum(0), 0.0),
            "xy": (sxy + n * dx * dy).sum(0),
            "bias": bias,
            "residual": residual,
            "error": error.sum(0),
            "absolute": absolute.sum(0),
        }


def _ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Divide, with NaN where there is nothing to divide by."""
    return torch.where(b > 0, a / torch.where(b > 0, b, 1), torch.nan).float()


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
        return 1 - _ratio(m["residual"], m["yy"])


class Pearson(_Moments):
    """Pearson's correlation, float (tasks,)."""

    higher_is_better = True

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where either side does not vary."""
        m = self._merged()
        # no rounding makes a correlation larger than 1
        return _ratio(m["xy"], m["xx"].sqrt() * m["yy"].sqrt()).clamp(-1, 1)


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


class ConcordanceCorrelation(_Moments):
    """Lin's concordance, ``2 cov(x, y) / (var x + var y + (mean x - mean y)^2)``, float (tasks,).

    It is 1 where predictions equal the targets, and Pearson's correlation or less: a scale or an
    offset that is off counts.

    References
    ----------
    Lin 1989, https://doi.org/10.2307/2532051
    """

    higher_is_better = True

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where neither side varies."""
        m = self._merged()
        spread = m["xx"] + m["yy"]
        apart = torch.where(spread > 0, spread + m["n"] * m["bias"] ** 2, 0.0)
        return _ratio(2 * m["xy"], apart).clamp(-1, 1)


class _Kept(EpochMetric):
    """Metrics of ranks, which need every prediction of the epoch."""

    predictions: list[torch.Tensor]
    targets: list[torch.Tensor]

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.add_state("predictions", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch, float (batch, tasks) each; NaN targets are left out."""
        self._note(prediction, target)
        self.predictions.append(_wide(prediction))
        self.targets.append(_wide(target))

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where the metric does not exist."""
        lists = (self.predictions, self.targets)
        x, y = (torch.cat(v) if isinstance(v, list) else v for v in lists)
        values = []
        for task in range(y.shape[1]):
            there = torch.isfinite(y[:, task])
            guess = x[there, task]
            exists = len(guess) > 0 and not bool(torch.isnan(guess).any())
            value = self._one(guess, y[there, task]) if exists else torch.nan
            values.append(torch.as_tensor(value, dtype=torch.float32, device=x.device))
        return torch.stack(values)

    @abstractmethod
    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor | float:
        """Return the metric of one task of at least one row."""


def _scored(metric: WeightedMetric, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return a metric of rows that count once each."""
    truth, guess = (side.cpu().numpy().astype(np.float64) for side in (y, x))
    return float(metric(truth, guess, np.ones((1, len(truth))))[0])


class Spearman(_Kept):
    """Spearman's rank correlation, float (tasks,)."""

    higher_is_better = True

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> float:
        sides = zip((x, y), self._eps, strict=True)
        varies = all(bool(_varies(side.min(), side.max(), eps)) for side, eps in sides)
        return _scored(_weighted.spearman, x, y) if varies else torch.nan


class AUROC(_Kept):
    """Area under the receiver operating characteristic, ties half, float (tasks,)."""

    higher_is_better = True
    reads: ClassVar[str] = "score"

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> float:
        return _scored(_weighted.auroc, x, y == 1)


class AveragePrecision(_Kept):
    """Area under the precision-recall curve as average precision, float (tasks,)."""

    higher_is_better = True
    reads: ClassVar[str] = "score"

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> float:
        return _scored(_weighted.auprc, x, y == 1)


class _Summed(EpochMetric):
    """What sums over rows are made of, a few numbers a batch and task."""

    sums: list[torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("sums", default=[], dist_reduce_fx="cat")

    @abstractmethod
    def _parts(self, prediction: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the sums of a batch, (tasks,) each; NaN targets are left out."""

    def update(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Take one batch, float (batch, tasks) each; NaN targets are left out."""
        self.sums.append(torch.stack(self._parts(prediction, target))[None])

    def _sums(self) -> tuple[torch.Tensor, ...]:
        blocks = self.sums
        parts = torch.cat(blocks) if isinstance(blocks, list) else blocks
        return tuple(parts.cpu().double().sum(0).unbind(0))


class PoissonDeviance(_Summed):
    """Mean deviance of counts from predicted rates, ``2 (y log(y / x) - y + x)``, float (tasks,).

    References
    ----------
    McCullagh and Nelder 1989, https://doi.org/10.1201/9780203753736
    """

    higher_is_better = False

    def _parts(self, prediction: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        there = torch.isfinite(target)
        x, y = _wide(prediction), torch.where(there, _wide(target), 0.0)
        # a rate below 0, or of 0 where something was counted, has no deviance
        x = torch.where((y >= 0) & ((x > 0) | ((x == 0) & (y == 0))), x, torch.nan)
        # log1p keeps the digits where a count is close to its rate
        share = (y - x) / torch.where(x == 0, 1.0, x)
        each = 2 * (torch.special.xlog1py(y, share) - (y - x))
        return there.sum(0).to(each.dtype), torch.where(there, each, 0.0).sum(0)

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where a rate is below 0."""
        count, total = self._sums()
        return _ratio(total, count)


class _Counts(_Summed):
    """Counts of right and wrong calls."""

    reads: ClassVar[str] = "label"
    higher_is_better = True

    def _parts(self, prediction: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
        there = torch.isfinite(target)
        call, truth = (prediction > 0.5) & there, (target > 0.5) & there
        hit, miss = (call & truth).sum(0), (~call & truth).sum(0)
        false, right = (call & ~truth & there).sum(0), (~call & ~truth & there).sum(0)
        # a prediction that is no number is no call, so that nothing can be said
        lost = torch.where((torch.isnan(prediction) & there).any(0), torch.nan, 0.0)
        return hit + lost, miss + lost, false + lost, right + lost


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


class MatthewsCorrelation(_Counts):
    """Correlation of calls and labels, float (tasks,).

    ``(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))``.

    References
    ----------
    Matthews 1975, https://doi.org/10.1016/0005-2795(75)90109-9
    """

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where calls or labels are all the same."""
        hit, miss, false, right = self._sums()
        calls = (hit + false).sqrt() * (right + miss).sqrt()
        labels = (hit + miss).sqrt() * (right + false).sqrt()
        return _ratio(hit * right - false * miss, calls * labels)


class Own(_Kept):
    """A metric of the user: a torchmetrics metric, or a function of (predictions, targets).

    Parameters
    ----------
    metric : torchmetrics.Metric or callable
        Given (predictions, targets) without missing rows, float (n,) each, task by task; for
        classes the probabilities (n, classes) and numbers of the classes, int64 (n,).
    whole : bool
        Whether targets are given as whole numbers, as metrics of classification want them.
    classes : bool
        Whether there is one prediction a class.
    """

    reads: ClassVar[str] = "own"

    def __init__(self, metric: Any, *, whole: bool = False, classes: bool = False) -> None:
        super().__init__()
        self.metric, self.whole, self.classes = metric, whole, classes

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """Whether higher is better, which a function is taken for."""
        return getattr(self.metric, "higher_is_better", None) is not False

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN for a task without a row."""
        if not self.classes:
            return super().compute()
        lists = (self.predictions, self.targets)
        x, y = (torch.cat(v) if isinstance(v, list) else v for v in lists)
        there = torch.isfinite(y[:, 0])
        value = self._one(x[there], y[there, 0]) if bool(there.any()) else torch.nan
        return torch.as_tensor(value, dtype=torch.float32).reshape(1)

    def _one(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor | float:
        truth = y.long() if self.whole or self.classes else y.float()
        if not isinstance(self.metric, Metric):
            return float(self.metric(x.float(), truth))
        self.metric.reset()
        self.metric.update(x.float(), truth)
        value = torch.as_tensor(self.metric.compute())
        self.metric.reset()
        if value.numel() != 1:
            raise EugeneError(
                f"the metric {type(self.metric).__name__} gives {value.numel()} values: give one "
                "that averages them to one number"
            )
        return value.reshape(())


def make_metric(name: str | Callable[..., object], **kwargs: bool) -> EpochMetric:
    """Return a metric by name, or around an object of the user.

    Parameters
    ----------
    name : str, torchmetrics.Metric or callable
        A name of ``eugene.config.registries.METRICS``; EUGENe's names are understood. Or a metric
        of torchmetrics, its class, or a function of (predictions, targets).
    **kwargs
        Arguments of `Own`.

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
    given = METRICS.get(name) if isinstance(name, str) else name
    made = given() if isinstance(given, type) else given
    return made if isinstance(made, EpochMetric) else Own(made, **kwargs)


def metrics_by_name(
    given: Any, *, whole: bool = False, classes: bool = False
) -> dict[str, Callable[[], EpochMetric]]:
    """Return makers of metrics by the name that they are logged under.

    Parameters
    ----------
    given : str, Metric, callable, or sequence or mapping of them
        Names and objects.
    whole, classes : bool
        See `Own`.

    Returns
    -------
    dict of str to callable
        Each makes a metric that has seen nothing yet.

    Raises
    ------
    EugeneError
        If a name is unknown.
    """
    if isinstance(given, str | Metric) or callable(given):
        given = [given]
    if not isinstance(given, Mapping):
        given = {name_of(metric): metric for metric in given}
    found: dict[str, Callable[[], EpochMetric]] = {}
    for name, metric in given.items():
        listed = isinstance(metric, str) and metric == name
        key = METRICS.resolve(name) if listed else str(name)

        def make(metric: Any = metric) -> EpochMetric:
            # each stage has a metric of its own
            fresh = metric.clone() if isinstance(metric, Metric) else metric
            return make_metric(fresh, whole=whole, classes=classes)

        found[key] = make
    return found


def better_when(monitor: str, own: Mapping[str, EpochMetric] | None = None) -> str:
    """Tell whether a logged value is better when it is lower or higher.

    Parameters
    ----------
    monitor : str
        Such as ``"val_loss"``, ``"val_auroc"`` or, for one of several targets, ``"val_mse_leaf"``.
    own : mapping of str to EpochMetric, optional
        Metrics of the module, which may be the user's own, by name.

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
    if {"loss", "error"} & set(monitor.split("_")) or "loss" in monitor:
        return "min"
    for known in dict.fromkeys([*(own or {}), *METRICS]):
        if name == known or name.startswith(f"{known}_"):
            metric = own[known] if own and known in own else METRICS.get(known)
            return "max" if getattr(metric, "higher_is_better", True) else "min"
    return "min" if monitor.rsplit("_", 1)[-1] in ("mse", "mae", "rmsle") else "max"
