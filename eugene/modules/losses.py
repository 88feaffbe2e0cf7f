"""Losses element by element, and the one place where they are masked and averaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch.nn import functional as F

from eugene._judge import name_of
from eugene.config import Registry
from eugene.config._annotations import check_value
from eugene.config.registries import LOSSES
from eugene.errors import DataError, EugeneError, did_you_mean
from eugene.modules.row_losses import reads_rows

ElementLoss = Callable[..., torch.Tensor]


def mse(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared error of each value, shape (batch, tasks).

    Examples
    --------
    >>> mse(torch.tensor([1.0]), torch.tensor([3.0]))
    tensor([4.])
    """
    return (prediction - target) ** 2


def mae(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the absolute error of each value, shape (batch, tasks).

    Examples
    --------
    >>> mae(torch.tensor([1.0]), torch.tensor([3.0]))
    tensor([2.])
    """
    return (prediction - target).abs()


def huber(prediction: torch.Tensor, target: torch.Tensor, *, delta: float = 1.0) -> torch.Tensor:
    """Return Huber's loss of each value, shape (batch, tasks).

    It is squared up to ``delta``, linear beyond.

    Examples
    --------
    >>> huber(torch.tensor([0.0]), torch.tensor([3.0]))
    tensor([2.5000])
    """
    return F.huber_loss(prediction, target, reduction="none", delta=delta)


def poisson(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the Poisson negative log-likelihood of each count, shape (batch, tasks).

    Predictions are logarithms of rates.

    Examples
    --------
    >>> poisson(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor([1.])
    """
    return F.poisson_nll_loss(prediction, target, log_input=True, reduction="none")


def bce(
    prediction: torch.Tensor,
    target: torch.Tensor,
    *,
    pos_weight: float | Sequence[float] | None = None,
) -> torch.Tensor:
    """Return the binary cross-entropy of each logit, shape (batch, tasks).

    That of positives is multiplied by ``pos_weight``, one number or one a task.

    Examples
    --------
    >>> bce(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor([0.6931])
    """
    weight = _listed(pos_weight, prediction, "pos_weight", "task")
    return F.binary_cross_entropy_with_logits(
        prediction, target, pos_weight=weight, reduction="none"
    )


def _listed(
    given: float | Sequence[float] | None, prediction: torch.Tensor, name: str, each: str
) -> torch.Tensor | None:
    """Return weights as a tensor, float () or one for each column of the predictions."""
    if given is None:
        return None
    weight = torch.as_tensor(given, dtype=prediction.dtype, device=prediction.device)
    if weight.ndim and weight.shape != prediction.shape[1:2]:
        raise EugeneError(
            f"{name} has {weight.numel()} numbers, the network gives {prediction.shape[1]} "
            f"outputs: expected one a {each}"
        )
    return weight


def focal(
    prediction: torch.Tensor,
    target: torch.Tensor,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
) -> torch.Tensor:
    """Return the focal loss of each logit, shape (batch, tasks).

    ``-a (1 - q)^gamma log q``, where ``q`` is the probability of the label that is there and
    ``a`` is ``alpha`` for positives, ``1 - alpha`` for negatives, 1 for both where it is None:
    cross-entropy that cares less for what is right already.

    References
    ----------
    Lin et al. 2017, https://doi.org/10.1109/ICCV.2017.324

    Examples
    --------
    >>> focal(torch.tensor([0.0]), torch.tensor([1.0]), gamma=1.0, alpha=None)
    tensor([0.3466])
    """
    entropy = F.binary_cross_entropy_with_logits(prediction, target, reduction="none")
    wrong = prediction.sigmoid() * (1 - target) + (-prediction).sigmoid() * target
    side = 1.0 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return side * wrong**gamma * entropy


def quantile(prediction: torch.Tensor, target: torch.Tensor, *, q: float = 0.5) -> torch.Tensor:
    """Return the pinball loss of each value, shape (batch, tasks).

    ``max(q (y - x), (q - 1) (y - x))`` is least where predictions are the quantile ``q``.

    References
    ----------
    Koenker and Bassett 1978, https://doi.org/10.2307/1913643

    Examples
    --------
    >>> quantile(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), q=0.9)
    tensor([0.9000, 0.1000])
    """
    if not 0 < q < 1:
        raise EugeneError(f"loss 'quantile': q is {q}: expected a number between 0 and 1")
    error = target - prediction
    return torch.maximum(q * error, (q - 1) * error)


def negative_binomial(
    prediction: torch.Tensor, target: torch.Tensor, *, dispersion: float = 1.0
) -> torch.Tensor:
    """Return the negative log-likelihood of counts that vary more than Poisson's.

    Predictions, targets and the result are of shape (batch, tasks).

    Predictions are logarithms of means; the variance is ``mean + dispersion mean^2``.

    References
    ----------
    Robinson and Smyth 2008, https://doi.org/10.1093/biostatistics/kxm030

    Examples
    --------
    >>> negative_binomial(torch.tensor([0.0]), torch.tensor([0.0]))  # one half for a mean of 1
    tensor([0.6931])
    """
    if dispersion <= 0:
        raise EugeneError(
            f"loss 'negative_binomial': dispersion is {dispersion}: expected a number above 0; "
            "without it use poisson"
        )
    size = torch.as_tensor(1 / dispersion, dtype=prediction.dtype, device=prediction.device)
    both = torch.logaddexp(size.log(), prediction)
    ways = torch.lgamma(target + size) - torch.lgamma(size) - torch.lgamma(target + 1)
    return -(ways + size * (size.log() - both) + target * (prediction - both))


def cross_entropy(
    prediction: torch.Tensor,
    target: torch.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weight: Sequence[float] | None = None,
) -> torch.Tensor:
    """Return the cross-entropy of each row of logits, float (batch, 1).

    Parameters
    ----------
    prediction : torch.Tensor of float, shape (batch, classes)
        Logits.
    target : torch.Tensor, shape (batch, 1)
        Number of the class.
    label_smoothing : float
        Share of the target spread over all classes.
    class_weight : sequence of float, optional
        What the rows of each class are multiplied by.

    Returns
    -------
    torch.Tensor of float, shape (batch, 1)
        The losses in nats.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0]]))
    tensor([[0.6931]])
    """
    rows = F.cross_entropy(
        prediction,
        target[:, 0].long(),
        weight=_listed(class_weight, prediction, "class_weight", "class"),
        reduction="none",
        label_smoothing=label_smoothing,
    )
    return rows[:, None]


def log1p_mse(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared error against ``log1p`` of each count, shape (batch, tasks).

    Examples
    --------
    >>> log1p_mse(torch.tensor([0.0]), torch.tensor([0.0]))
    tensor([0.])
    """
    return (prediction - torch.log1p(target)) ** 2


def rmsle(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared difference of the ``log1p`` of both sides, shape (batch, tasks).

    Both are above -1. The mean is the square of the root mean squared logarithmic error, which
    has the same minimum.

    Examples
    --------
    >>> rmsle(torch.tensor([1.0]), torch.tensor([1.0]))
    tensor([0.])
    """
    return (torch.log1p(prediction.clamp_min(-1 + 1e-6)) - torch.log1p(target)) ** 2


def make_loss(
    name: str | Callable[..., torch.Tensor], *, classes: bool = False, **kwargs: Any
) -> ElementLoss:
    """Return a loss by name, or that of the user, with its arguments filled in.

    Parameters
    ----------
    name : str or callable
        A name of ``eugene.config.registries.LOSSES``; EUGENe's names are understood. Or a
        function of (prediction, target), a loss of ``torch.nn`` or its class; ``reduction`` is set
        to ``"none"`` where it has one, so that missing targets can be left out.
    classes : bool
        Whether a loss of the user is given numbers of classes, int64 (batch,), as
        ``torch.nn.CrossEntropyLoss`` wants them.
    **kwargs
        Arguments of the loss.

    Returns
    -------
    callable
        From (prediction, target), shape (batch, tasks) each, to a loss for each value.

    Raises
    ------
    EugeneError
        If the loss is unknown, or has no such arguments.

    Examples
    --------
    >>> make_loss("mse")(torch.tensor([1.0]), torch.tensor([1.0]))
    tensor([0.])
    >>> make_loss(torch.nn.L1Loss())(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor([0., 1.])
    """
    if isinstance(name, str):
        check_arguments(LOSSES, name, kwargs)
        named: ElementLoss = LOSSES.get(name)
        if LOSSES.ships(name):
            return partial(named, **kwargs) if kwargs else named
        name = named
    if not callable(name):
        raise EugeneError(
            f"loss_fxn is {name!r}: expected the name of a loss, or a function of (prediction, "
            f"target){did_you_mean('', LOSSES)}"
        )
    own: Any = name
    if isinstance(own, type):
        own, kwargs = own(**kwargs), {}
    if hasattr(own, "reduction"):
        own = copy.copy(own)
        own.reduction = "none"
    loss = partial(own, **kwargs) if kwargs else own
    if not classes:
        return cast("ElementLoss", loss)
    return lambda prediction, target: loss(prediction, target[:, 0].long())


def check_arguments(registry: Registry, name: str, kwargs: Mapping[str, object]) -> None:
    """Raise where a registered thing is given arguments that it does not take, or of another type.

    Parameters
    ----------
    registry : Registry
        Knows its arguments.
    name : str
        Its name.
    kwargs : mapping
        Arguments by name.

    Raises
    ------
    EugeneError
        With the names that there are.
    """
    what = f"{registry.kind} {registry.resolve(name)!r}"
    known = {parameter.name: parameter for parameter in registry.parameters(name)}
    for key, value in kwargs.items():
        if key not in known:
            raise EugeneError(f"{what} has no argument {key!r}{did_you_mean(key, known)}")
        plain = value.item() if isinstance(value, np.generic) else value
        for _, message in check_value(plain, known[key].annotation, key):
            raise EugeneError(f"{what}: {key}: {message}")


def masked_mean(
    loss: ElementLoss,
    prediction: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average a loss over the targets that are there.

    Missing targets (NaN) add nothing to the loss or to its gradient.

    Parameters
    ----------
    loss : callable
        From (prediction, target) to a loss for each value.
    prediction : torch.Tensor of float, shape (batch, outputs)
        What the network gave.
    target : torch.Tensor of float, shape (batch, tasks)
        Targets; NaN where missing.
    weight : torch.Tensor of float, shape (batch,) or (batch, tasks), optional
        Weight of each row or value.

    Returns
    -------
    mean : torch.Tensor of float, shape ()
        Weighted mean; 0 where nothing is left.
    total : torch.Tensor of float, shape ()
        Sum of the weights that it rests on.

    Examples
    --------
    >>> target = torch.tensor([[1.0], [float("nan")]])
    >>> mean, total = masked_mean(mse, torch.zeros(2, 1), target)
    >>> mean.item(), total.item()
    (1.0, 1.0)
    """
    present = torch.isfinite(target)
    whole = reads_rows(loss)
    values = loss(prediction, target if whole else target.where(present, 0.0))
    if not isinstance(values, torch.Tensor):
        raise DataError(
            f"the loss {name_of(loss)} gives {type(values).__name__}, no tensor: return one value "
            f"for each target, shape {tuple(target.shape)}, that gradients can flow through"
        )
    if whole and values.shape == (*target.shape[:-1], 1):
        present = present.any(-1, keepdim=True)
    elif values.shape != target.shape:
        values, present = _per_row(loss, values, present, weighted=weight is not None)
    scale = present.to(values.dtype)
    if weight is not None:
        beside = weight.ndim == 1 or weight.shape == scale.shape
        wide = weight.reshape(len(weight), *[1] * (scale.ndim - 1)) if weight.ndim == 1 else weight
        if not beside or len(weight) != len(scale):
            raise DataError(
                f"weights of shape {tuple(weight.shape)} do not fit losses of shape "
                f"{tuple(scale.shape)}: expected one a row, or one a target"
            )
        scale = scale * wide.to(values.dtype)
    values = torch.where(present, values, torch.zeros_like(values))
    total = scale.sum()
    return (values * scale).sum() / total.clamp_min(1e-12), total


def _per_row(
    loss: ElementLoss, values: torch.Tensor, present: torch.Tensor, *, weighted: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Take a loss of the user that gives one value a row, or one in all.

    Returns
    -------
    values, present : torch.Tensor, shape (batch, 1)
        Losses, and whether they count.
    """
    rows = present.reshape(len(present), -1)
    if values.ndim == 0 and bool(present.all()) and not weighted:
        return values.expand(len(rows), 1), rows[:, :1]
    whole = rows.all(dim=1) == rows.any(dim=1)
    if values.ndim and values.numel() == len(rows) and bool(whole.all()):
        return values.reshape(-1, 1), rows[:, :1]
    raise DataError(
        f"the loss {name_of(loss)} gives values of shape {tuple(values.shape)} for targets of "
        f"shape {tuple(present.shape)}: return one value for each target (reduction='none'), so "
        "that missing targets can be left out and weights count"
    )
