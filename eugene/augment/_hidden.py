"""The hidden layers of a network, found by running it once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import nn

from eugene.nn import ACTIVATIONS

_ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Softplus,
    nn.SELU, nn.CELU, nn.ReLU6, nn.Hardswish, nn.PReLU, nn.RReLU,
)  # fmt: skip
_WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)


def _is_activation(module: nn.Module) -> bool:
    ours = {made for made in ACTIVATIONS.values() if isinstance(made, type)} - {nn.Identity}
    return isinstance(module, _ACTIVATIONS) or type(module) in ours


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
    called: list[tuple[nn.Module, bool]] = []

    def note(module: nn.Module, _: object, output: object) -> None:
        rows = isinstance(output, torch.Tensor) and output.ndim > 1 and len(output) == len(x)
        called.append((module, rows))

    leaves = [m for m in network.modules() if not list(m.children())]
    handles = [leaf.register_forward_hook(note) for leaf in leaves]
    modes = {m: m.training for m in network.modules()}
    try:
        network.eval()
        with torch.no_grad():
            network(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    order = [module for module, _ in called]
    last = max((i for i, m in enumerate(order) if isinstance(m, _WEIGHTED)), default=-1)
    once = [(m, rows) for m, rows in called[: max(last, 0)] if rows and order.count(m) == 1]
    activations = [m for m, _ in once if _is_activation(m)]
    return activations or [m for m, _ in once if isinstance(m, _WEIGHTED)]


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
