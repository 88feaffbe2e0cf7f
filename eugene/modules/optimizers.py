"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from eugene._judge import name_of
from eugene.config import Registry
from eugene.config.registries import OPTIMIZERS, SCHEDULERS
from eugene.errors import EugeneError, did_you_mean
from eugene.modules.losses import check_arguments

Parameters = Iterable[torch.nn.Parameter] | Iterable[dict[str, Any]]


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
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    >>> cosine(optimizer, total_steps=10).get_last_lr()
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
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0, momentum=0.9)
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
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    >>> exponential(optimizer, total_steps=9).get_last_lr()
    [1.0]
    """
    return LambdaLR(optimizer, lambda step: final ** min(step / max(total_steps, 1), 1.0))


def make_optimizer(
    name: str | Callable[..., torch.optim.Optimizer], params: Parameters, lr: float, **kwargs: Any
) -> torch.optim.Optimizer:
    """Return an optimiser by name, or of the user's class.

    Parameters
    ----------
    name : str or callable
        A name of ``eugene.config.registries.OPTIMIZERS``, a class such as ``torch.optim.NAdam``,
        or a function of (params, lr=...).
    params : iterable of torch.nn.Parameter, or of dict
        What to optimise, or groups of it with a learning rate each.
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
    made = _made(OPTIMIZERS, name, kwargs, params, lr=lr)
    if not isinstance(made, torch.optim.Optimizer):
        raise EugeneError(f"optimizer: {name_of(name)} gave a {type(made).__name__}, no optimiser")
    return made


def _made(
    registry: Registry,
    given: str | Callable[..., object],
    kwargs: Mapping[str, object],
    *args: object,
    **supplied: object,
) -> object:
    """Make what is named, or what the user gave instead of a name."""
    if isinstance(given, str):
        check_arguments(registry, given, kwargs)
    elif not callable(given):
        raise EugeneError(
            f"{registry.kind} is {given!r}: expected a name, a class or a function"
            f"{did_you_mean('', registry)}"
        )
    make = partial(registry.build, given) if isinstance(given, str) else given
    try:
        return make(*args, **supplied, **kwargs)
    except (TypeError, ValueError) as error:
        raise EugeneError(f"{registry.kind} {name_of(given)} cannot be made: {error}") from error


def has_argument(name: object, argument: str) -> bool:
    """Tell whether a schedule that was given by name takes an argument.

    Examples
    --------
    >>> has_argument("reduce_lr_on_plateau", "mode"), has_argument("cosine", "mode")
    (True, False)
    """
    return isinstance(name, str) and argument in SCHEDULERS.signature(name)


def make_scheduler(
    name: str | Callable[..., object],
    optimizer: torch.optim.Optimizer,
    total_steps: Callable[[], int],
    **kwargs: object,
) -> tuple[Any, str]:
    """Return a schedule, and whether it moves each ``"step"`` or each ``"epoch"``.

    A schedule that is made for a number of steps moves each step.

    Parameters
    ----------
    name : str or callable
        A name of ``eugene.config.registries.SCHEDULERS``, or a class such as
        ``torch.optim.lr_scheduler.StepLR``, which moves each epoch.
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
        If the schedule is unknown, or has no such arguments.

    Examples
    --------
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    >>> make_scheduler("cosine", optimizer, lambda: 10)[1]
    'step'
    """
    by_step = has_argument(name, "total_steps")
    if by_step:
        kwargs.setdefault("total_steps", total_steps())
    return _made(SCHEDULERS, name, kwargs, optimizer), "step" if by_step else "epoch"
