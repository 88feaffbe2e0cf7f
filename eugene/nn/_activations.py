"""Activations by name, each a module of its own so that attribution rules can see it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from eugene.errors import did_you_mean
from eugene.nn._errors import ModelError

Activation = str | Callable[[], nn.Module] | nn.Module | None


class Exponential(nn.Module):
    """Exponential activation, ``exp(x)``.

    As the activation of a first convolution it makes filters resemble the motifs they detect
    (Koo and Ploenzke 2021, https://doi.org/10.1038/s42256-020-00291-x).

    Examples
    --------
    >>> Exponential()(torch.zeros(2))
    tensor([1., 1.])
    """

    elementwise = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``exp(x)``, float tensor of the shape of ``x``."""
        return torch.exp(x)


class SigmoidGELU(nn.Module):
    """GELU by the logistic function, ``x * sigmoid(1.702 * x)``, as Basenji and Enformer have it.

    Hendrycks and Gimpel 2016, https://doi.org/10.48550/arXiv.1606.08415.

    Examples
    --------
    >>> SigmoidGELU()(torch.zeros(2))
    tensor([0., 0.])
    """

    elementwise = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x * sigmoid(1.702 * x)``, float tensor of the shape of ``x``."""
        return x * torch.sigmoid(1.702 * x)


class Clip(nn.Module):
    """Values held between two bounds, as before a logarithm or behind an exponential.

    Parameters
    ----------
    min, max : float or None
        The bounds; None for none.

    Examples
    --------
    >>> Clip(0, 1)(torch.tensor([-1.0, 0.5, 2.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        super().__init__()
        if min is None and max is None:
            raise ModelError("Clip needs a bound: give min, max or both")
        self.min, self.max = min, max

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` with what lies beyond the bounds on them, of the same shape."""
        return torch.clamp(x, self.min, self.max)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "gelu_tanh": partial(nn.GELU, approximate="tanh"),
    "gelu_sigmoid": SigmoidGELU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
    "exponential": Exponential,
}


def make_activation(activation: Activation) -> nn.Module | None:
    """Build a fresh activation module.

    Parameters
    ----------
    activation : str, callable, torch.nn.Module or None
        A name of ``ACTIVATIONS``, a class or function without arguments that returns a module,
        a module (a copy is made, so one object never serves two places), or None for none.

    Returns
    -------
    torch.nn.Module or None
        The module.

    Raises
    ------
    ModelError
        If the name is not known.

    Examples
    --------
    >>> make_activation("relu")
    ReLU()
    """
    if activation is None:
        return None
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ModelError(
                f"unknown activation {activation!r}{did_you_mean(activation, ACTIVATIONS)}"
            )
        return ACTIVATIONS[activation]()
    if isinstance(activation, nn.Module):
        import copy

        return copy.deepcopy(activation)
    return activation()
