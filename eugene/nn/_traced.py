"""The layers that a network calls, found by running it once."""

from __future__ import annotations

import torch
from torch import nn

from eugene.nn._activations import ACTIVATIONS, make_activation
from eugene.nn._errors import ModelError

_ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Softplus,
    nn.SELU, nn.CELU, nn.ReLU6, nn.Hardswish, nn.PReLU, nn.RReLU,
)  # fmt: skip


def is_activation(module: nn.Module) -> bool:
    """Tell an activation, of torch's or of `ACTIVATIONS`, from other layers.

    Examples
    --------
    >>> is_activation(nn.GELU()), is_activation(nn.Linear(1, 1))
    (True, False)
    """
    ours = {made for made in ACTIVATIONS.values() if isinstance(made, type)} - {nn.Identity}
    return isinstance(module, _ACTIVATIONS) or type(module) in ours


def called_layers(network: nn.Module, x: torch.Tensor) -> list[tuple[nn.Module, object]]:
    """Return the layers that a network calls, in order, each with what it gave.

    Parameters
    ----------
    network : torch.nn.Module
        It is run once, without gradients and in evaluation mode.
    x : torch.Tensor of float, shape (n, letters, length)
        Sequences.

    Returns
    -------
    list of (torch.nn.Module, object)
        A layer that is called twice is there twice.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU())
    >>> [layer for layer, _ in called_layers(net, torch.rand(2, 4, 10))]
    [Conv1d(4, 8, kernel_size=(3,), stride=(1,)), ReLU()]
    """
    called: list[tuple[nn.Module, object]] = []
    leaves = [m for m in network.modules() if not list(m.children())]

    def note(module: nn.Module, _: object, output: object) -> None:
        called.append((module, output))

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
    return called


def set_first_activation(network: nn.Module, x: torch.Tensor, activation: str) -> str:
    """Give a network another activation behind its first convolution, in place.

    An exponential one makes first filters resemble motifs (Koo and Ploenzke 2021,
    https://doi.org/10.1038/s42256-020-00291-x).

    Parameters
    ----------
    network : torch.nn.Module
    x : torch.Tensor of float, shape (n, letters, length)
        Sequences that it can read.
    activation : str
        A name of `ACTIVATIONS`.

    Returns
    -------
    str
        Dotted name of the layer that was replaced.

    Raises
    ------
    ModelError
        If the network calls no layer as its first activation, or calls that layer again.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU(), nn.Conv1d(8, 8, 3), nn.ReLU())
    >>> set_first_activation(net, torch.rand(2, 4, 10), "exponential"), net[1]
    ('1', Exponential())
    """
    weighted = (nn.Linear, nn.modules.conv._ConvNd)
    layers = [layer for layer, _ in called_layers(network, x)]
    name = type(network).__name__
    behind: list[nn.Module] = []
    for layer in layers:
        if is_activation(layer) and behind:
            break
        behind += [layer] if isinstance(layer, weighted) else []
        if len(behind) > 1:
            raise ModelError(
                f"first_activation: {name} has no layer between its first two layers with weights "
                "that is an activation: it may call a function, or have none there"
            )
    else:
        raise ModelError(f"first_activation: {name} calls no layer that is an activation")
    if layers.count(layer) > 1:
        raise ModelError(
            f"first_activation: {name} calls its first activation {layers.count(layer)} times, so "
            "that it is not that of the first layer alone"
        )
    made = make_activation(activation)
    assert made is not None
    dotted: str = next(n for n, module in network.named_modules() if module is layer)
    network.set_submodule(dotted, made)
    return dotted
