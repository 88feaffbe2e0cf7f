"""Penalties on weights, and losses, of EUGENe's private modules."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from eugene.errors import EugeneError


class WeightDecay(nn.Module, ABC):
    """Give the parameters of a module a penalty of their own; the base of `L1` and `L2`.

    EUGENe put the penalty in place of the gradient before that was added, so that it counted in
    the first step after gradients were cleared; here it is added to every gradient.

    Parameters
    ----------
    module : torch.nn.Module
        What is wrapped.
    weight_decay : float
        Strength, above 0.
    name : str, optional
        Part of the names of the parameters that are meant; all by default.

    Raises
    ------
    EugeneError
        If the strength is not above 0, or no parameter is meant.
    """

    def __init__(self, module: nn.Module, weight_decay: float, name: str | None = None) -> None:
        if not weight_decay > 0:
            raise EugeneError(f"weight_decay must be above 0, got {weight_decay}")
        super().__init__()
        self.module, self.weight_decay, self.name = module, weight_decay, name
        self._attach()
        if not self._hooks:
            known = [key for key, _ in module.named_parameters()]
            raise EugeneError(f"no parameter has {name!r} in its name; there are {known}")

    def _attach(self) -> None:
        named = self.module.named_parameters()
        meant = [p for key, p in named if self.name is None or self.name in key]
        self._hooks = [
            p.register_post_accumulate_grad_hook(self._add)  # type: ignore[no-untyped-call]
            for p in meant
        ]

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in vars(self).items() if key != "_hooks"}

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._attach()

    def _add(self, parameter: torch.Tensor) -> None:
        if parameter.grad is not None:
            parameter.grad = parameter.grad + self.regularize(parameter)

    def remove(self) -> None:
        """Leave the parameters without the penalty from now on."""
        for hook in self._hooks:
            hook.remove()

    def forward(self, *args: torch.Tensor, **kwargs: torch.Tensor) -> torch.Tensor:
        """Return what the module makes of its input."""
        output: torch.Tensor = self.module(*args, **kwargs)
        return output

    def extra_repr(self) -> str:
        """Say the strength, and which parameters are meant."""
        named = "" if self.name is None else f", name={self.name}"
        return f"weight_decay={self.weight_decay}{named}"

    @abstractmethod
    def regularize(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return what is added to the gradient of a parameter."""


class L2(WeightDecay):
    """Add ``weight_decay * p`` to the gradients of the parameters of a module.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> L2(layer, 0.1)(torch.ones(1, 2)).sum().backward()
    >>> layer.weight.grad
    tensor([[1.3000, 1.3000]])
    """

    def regularize(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return ``weight_decay * parameter``."""
        return self.weight_decay * parameter.detach()


class L1(WeightDecay):
    """Add ``weight_decay * sign(p)`` to the gradients of the parameters of a module.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> _ = nn.init.constant_(layer.weight, -3.0)
    >>> L1(layer, 0.1)(torch.ones(1, 2)).sum().backward()
    >>> layer.weight.grad
    tensor([[0.9000, 0.9000]])
    """

    def regularize(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return ``weight_decay`` with the signs of the parameter."""
        return self.weight_decay * torch.sign(parameter.detach())


def logcosh_loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean of the logarithm of the hyperbolic cosine of errors.

    Parameters
    ----------
    y_hat, y : Tensor, one shape
        Predictions and targets.

    Examples
    --------
    >>> logcosh_loss(torch.tensor([0.0, 1000.0]), torch.zeros(2))
    tensor(499.6534)
    """
    error = (y - y_hat).abs()  # log cosh x = x + log(1 + exp(-2x)) - log 2, without overflow
    two = error.new_tensor(2.0)
    return (error + torch.log1p(torch.exp(-2 * error)) - torch.log(two)).mean()
