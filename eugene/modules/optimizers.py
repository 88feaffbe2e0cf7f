"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from eugene._judge import name_of
from eugene.errors import EugeneError, did_you_mean
from eugene.modules.losses import check_arguments

Parameters = Iterable[torch.nn.Parameter]


def adam(
    params: Parameters,
    lr: float,
    *,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> torch.optim.Optimizer:
    """Return Adam (Kingma and Ba 2014, https://doi.org/10.48550/arXiv.1412.6980).

    Examples
    --------
    >>> adam([torch.nn.Parameter(torch.zeros(1))], 1e-3).defaults["lr"]
    0.001
    """
    return torch.optim.Adam(
        params,
        lr=lr,
        betas=(betas[0], betas[1]),
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
    )


def adamw(
    params: Parameters,
    lr: float,
    *,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter 2017, https://doi.org/10.48550/arXiv.1711.05101).

    Examples
    --------
    >>> adamw([torch.nn.Parameter(torch.zeros(1))], 1e-3).defaults["weight_decay"]
    0.01
    """
    return torch.optim.AdamW(
        params,
        lr=lr,
        betas=(betas[0], betas[1]),
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
    )


def sgd(
    params: Parameters,
    lr: float,
    *,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Return stochastic gradient descent.

    Examples
    --------
    >>> sgd([torch.nn.Parameter(torch.zeros(1))], 0.1, momentum=0.9).defaults["momentum"]
    0.9
    """
    return torch.optim.SGD(
        params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov
    )


def rmsprop(
    params: Parameters,
    lr: float,
    *,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> torch.optim.Optimizer:
    """Return RMSprop.

    Examples
    --------
    >>> rmsprop([torch.nn.Parameter(torch.zeros(1))], 0.1).defaults["alpha"]
    0.99
    """
    return torch.optim.RMSprop(
        params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum
    )


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": adam,
    "adamw": adamw,
    "sgd": sgd,
    "rmsprop": rmsprop,
}


def reduce_lr_on_plateau(
    optimizer: torch.optim.Optimizer,
    *,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 2,
    threshold: float = 1e-4,
    min_lr: float = 0.0,
) -> ReduceLROnPlateau:
    """Lower the learning rate when the monitored value has stopped improving.

    Examples
    --------
    >>> reduce_lr_on_plateau(sgd([torch.nn.Parameter(torch.zeros(1))], 0.1)).patience
    2
    """
    if mode not in ("min", "max"):
        raise EugeneError(f"mode={mode!r} must be 'min' or 'max'")
    return ReduceLROnPlateau(
        optimizer,
        mode="max" if mode == "max" else "min",
        factor=factor,
        patience=patience,
        threshold=threshold,
        min_lr=min_lr,
    )


def cosine(
    optimizer: torch.optim.Optimizer,
    *,
    total_steps: int,
    warmup: float = 0.0,
    final: float = 0.0,
) -> LRScheduler:
    """Rise over a share ``warmup`` of the steps, then fall along a cosine to ``final`` times lr.

    Examples
    --------
    >>> schedule = cosine(sgd([torch.nn.Parameter(torch.zeros(1))], 1.0), total_steps=10)
    >>> schedule.get_last_lr()
    [1.0]
    """
    rise = max(int(warmup * total_steps), 0)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / (rise + 1)
        progress = min((step - rise) / max(total_steps - rise, 1), 1.0)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)


def one_cycle(
    optimizer: torch.optim.Optimizer,
    *,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> LRScheduler:
    """Rise to the learning rate and fall again, as in Smith and Topin 2017.

    Examples
    --------
    >>> optimizer = sgd([torch.nn.Parameter(torch.zeros(1))], 1.0, momentum=0.9)
    >>> round(one_cycle(optimizer, total_steps=10).get_last_lr()[0], 2)
    0.04
    """
    peaks = [float(group["lr"]) for group in optimizer.param_groups]
    return OneCycleLR(
        optimizer,
        max_lr=peaks,
        total_steps=total_steps + 1,
        pct_start=pct_start,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        cycle_momentum=False,
    )


def exponential(
    optimizer: torch.optim.Optimizer, *, total_steps: int, final: float = 0.01
) -> LRScheduler:
    """Fall geometrically to ``final`` times the learning rate at the last step.

    Examples
    --------
    >>> exponential(sgd([torch.nn.Parameter(torch.zeros(1))], 1.0), total_steps=9).get_last_lr()
    [1.0]
    """
    return LambdaLR(optimizer, lambda step: final ** min(step / max(total_steps, 1), 1.0))


SCHEDULERS: dict[str, Callable[..., Any]] = {
    "reduce_lr_on_plateau": reduce_lr_on_plateau,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "exponential": exponential,
}


def make_optimizer(
    name: str | Callable[..., torch.optim.Optimizer], params: Parameters, lr: float, **kwargs: Any
) -> torch.optim.Optimizer:
    """Return an optimiser by name, or of the user's class.

    Parameters
    ----------
    name : str or callable
        A name of ``OPTIMIZERS``, a class such as ``torch.optim.AdamW``, or a function of
        (params, lr=...).
    params : iterable of torch.nn.Parameter
        What to optimise.
    lr : float
        Learning rate.
    **kwargs
        Other arguments of the optimiser.

    Returns
    -------
    torch.optim.Optimizer
        The optimiser.

    Raises
    ------
    EugeneError
        If the optimiser is unknown, or has no such arguments.

    Examples
    --------
    >>> type(make_optimizer("adam", [torch.nn.Parameter(torch.zeros(1))], 1e-3)).__name__
    'Adam'
    """
    if isinstance(name, str):
        if name not in OPTIMIZERS:
            raise EugeneError(f"unknown optimizer {name!r}{did_you_mean(name, OPTIMIZERS)}")
        check_arguments(f"optimizer {name!r}", OPTIMIZERS[name], kwargs, given=2)
        return cast(
            "torch.optim.Optimizer", _called(OPTIMIZERS[name], name, (), params, lr, **kwargs)
        )
    made = _called(name, "optimizer", OPTIMIZERS, params, lr=lr, **kwargs)
    if not isinstance(made, torch.optim.Optimizer):
        raise EugeneError(f"optimizer: {name_of(name)} gave a {type(made).__name__}, no optimiser")
    return made


def _called(given: Any, what: str, known: Iterable[str], *args: Any, **kwargs: Any) -> Any:
    """Call what the user gave instead of a name."""
    if not callable(given):
        raise EugeneError(
            f"{what} is {given!r}: expected a name, a class or a function{did_you_mean('', known)}"
        )
    try:
        return given(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise EugeneError(f"{what} {name_of(given)} cannot be made: {error}") from error


def make_scheduler(
    name: str | Callable[..., Any],
    optimizer: torch.optim.Optimizer,
    total_steps: Callable[[], int],
    **kwargs: Any,
) -> tuple[Any, str]:
    """Return a schedule, and whether it moves each ``"step"`` or each ``"epoch"``.

    Parameters
    ----------
    name : str or callable
        A name of ``SCHEDULERS``, or a class such as ``torch.optim.lr_scheduler.StepLR``, which
        moves each epoch.
    optimizer : torch.optim.Optimizer
        Whose learning rate to move.
    total_steps : callable
        Gives the number of optimiser steps of the whole training, where that matters.
    **kwargs
        Arguments of the schedule.

    Returns
    -------
    scheduler : object
        A torch schedule.
    interval : {"step", "epoch"}
        When it moves.

    Raises
    ------
    EugeneError
        If the schedule is unknown.

    Examples
    --------
    >>> optimizer = sgd([torch.nn.Parameter(torch.zeros(1))], 1.0)
    >>> make_scheduler("cosine", optimizer, lambda: 10)[1]
    'step'
    """
    if not isinstance(name, str):
        return _called(name, "scheduler", SCHEDULERS, optimizer, **kwargs), "epoch"
    if name not in SCHEDULERS:
        raise EugeneError(f"unknown scheduler {name!r}{did_you_mean(name, SCHEDULERS)}")
    check_arguments(f"scheduler {name!r}", SCHEDULERS[name], kwargs, given=1)
    if name == "reduce_lr_on_plateau":
        return _called(SCHEDULERS[name], name, (), optimizer, **kwargs), "epoch"
    kwargs.setdefault("total_steps", total_steps())
    return _called(SCHEDULERS[name], name, (), optimizer, **kwargs), "step"
