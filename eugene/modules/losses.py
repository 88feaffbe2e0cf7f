"""Losses element by element, and the one place where they are masked and averaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
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
    prediction: torch.Tensor, target: torch.Tensor, *, pos_weight: float | None = None
) -> torch.Tensor:
    """Return the binary cross-entropy of each logit, shape (batch, tasks).

    That of positives is multiplied by ``pos_weight``.

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
    values = loss(prediction, torch.where(present, target, torch.zeros_like(target)))
    if values.shape != target.shape:
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
