"""The hidden layers of a network, found by running it once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import nn

from eugene.nn import called_layers, is_activation

_WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)


def hidden_layers(network: nn.Module, x: torch.Tensor) -> list[nn.Module]:
    """Return the layers whose outputs are the hidden representations of a network.

    They are its activations up to the last layer with weights; where a network calls its
    activations as functions, the convolutions and dense layers before the last. Layers that are
    called more than once, or give something without a row a sequence, are left out.

    Parameters
    ----------
    network : torch.nn.Module
        It is run once, without gradients and in evaluation mode.
    x : torch.Tensor of float, shape (n, letters, length)
        Sequences.

    Returns
    -------
    list of torch.nn.Module
        In the order in which they are called.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8, 1))
    >>> hidden_layers(net, torch.rand(2, 4, 10))
    [ReLU()]
    """
    called = called_layers(network, x)
    order = [module for module, _ in called]
    last = max((i for i, m in enumerate(order) if isinstance(m, _WEIGHTED)), default=-1)
    once = [
        m for m, given in called[: max(last, 0)] if _has_rows(given, len(x)) and order.count(m) == 1
    ]
    activations = [m for m in once if is_activation(m)]
    return activations or [m for m in once if isinstance(m, _WEIGHTED)]


def _has_rows(output: object, n: int) -> bool:
    """Tell whether what a layer gave has a row for each sequence."""
    return isinstance(output, torch.Tensor) and output.ndim > 1 and len(output) == n


@contextlib.contextmanager
def changed_output(
    layer: nn.Module, change: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Let a layer give something else while the context lasts.

    Parameters
    ----------
    layer : torch.nn.Module
    change : callable
        From its output to another of the same shape.
    """
    handle = layer.register_forward_hook(lambda module, args, output: change(output))
    try:
        yield
    finally:
        handle.remove()
