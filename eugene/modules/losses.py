"""Losses element by element, and the one place where they are masked and averaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F

from eugene.errors import EugeneError, did_you_mean

ElementLoss = Callable[..., torch.Tensor]


def mse(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared error of each value, float (batch, tasks).

    Examples
    --------
    >>> mse(torch.tensor([1.0]), torch.tensor([3.0]))
    tensor([4.])
    """
    return (prediction - target) ** 2


def mae(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the absolute error of each value, float (batch, tasks).

    Examples
    --------
    >>> mae(torch.tensor([1.0]), torch.tensor([3.0]))
    tensor([2.])
    """
    return (prediction - target).abs()


def huber(prediction: torch.Tensor, target: torch.Tensor, *, delta: float = 1.0) -> torch.Tensor:
    """Return Huber's loss of each value: squared up to ``delta``, linear beyond.

    Examples
    --------
    >>> huber(torch.tensor([0.0]), torch.tensor([3.0]))
    tensor([2.5000])
    """
    return F.huber_loss(prediction, target, reduction="none", delta=delta)


def poisson(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the Poisson negative log-likelihood of counts given the log of their rate.

    Examples
    --------
    >>> poisson(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor([1.])
    """
    return F.poisson_nll_loss(prediction, target, log_input=True, reduction="none")


def bce(
    prediction: torch.Tensor, target: torch.Tensor, *, pos_weight: float | None = None
) -> torch.Tensor:
    """Return the binary cross-entropy of each logit, positives times ``pos_weight``.

    Examples
    --------
    >>> bce(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor([0.6931])
    """
    weight = None if pos_weight is None else torch.tensor(pos_weight, device=prediction.device)
    return F.binary_cross_entropy_with_logits(
        prediction, target, pos_weight=weight, reduction="none"
    )


def cross_entropy(
    prediction: torch.Tensor, target: torch.Tensor, *, label_smoothing: float = 0.0
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
        prediction, target[:, 0].long(), reduction="none", label_smoothing=label_smoothing
    )
    return rows[:, None]


def log1p_mse(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared error of each prediction against ``log1p`` of its count.

    Examples
    --------
    >>> log1p_mse(torch.tensor([0.0]), torch.tensor([0.0]))
    tensor([0.])
    """
    return (prediction - torch.log1p(target)) ** 2


def rmsle(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the squared difference of ``log1p`` of prediction and target (both above -1).

    The mean is the square of the root mean squared logarithmic error, which has the same minimum.

    Examples
    --------
    >>> rmsle(torch.tensor([1.0]), torch.tensor([1.0]))
    tensor([0.])
    """
    return (torch.log1p(prediction.clamp_min(-1 + 1e-6)) - torch.log1p(target)) ** 2


LOSSES: dict[str, ElementLoss] = {
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "poisson": poisson,
    "bce": bce,
    "cross_entropy": cross_entropy,
    "log1p_mse": log1p_mse,
    "rmsle": rmsle,
}
ALIASES = {"log1pMSELoss": "log1p_mse", "binary_cross_entropy": "bce", "l1": "mae"}


def make_loss(name: str, **kwargs: Any) -> ElementLoss:
    """Return a loss by name with its arguments filled in.

    Parameters
    ----------
    name : str
        A name of ``LOSSES``; EUGENe's names are understood.
    **kwargs
        Arguments of the loss.

    Returns
    -------
    callable
        From (prediction, target) to a loss for each value.

    Raises
    ------
    EugeneError
        If the loss is unknown.

    Examples
    --------
    >>> make_loss("mse")(torch.tensor([1.0]), torch.tensor([1.0]))
    tensor([0.])
    """
    key = ALIASES.get(name, name)
    if key not in LOSSES:
        raise EugeneError(f"unknown loss {name!r}{did_you_mean(name, LOSSES)}")
    return partial(LOSSES[key], **kwargs) if kwargs else LOSSES[key]


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
    values = loss(prediction, torch.where(present, target, torch.zeros_like(target)))
    scale = present.to(values.dtype)
    if weight is not None:
        scale = scale * (weight[:, None] if weight.ndim == 1 else weight).to(values.dtype)
    values = torch.where(present, values, torch.zeros_like(values))
    total = scale.sum()
    return (values * scale).sum() / total.clamp_min(1e-12), total
