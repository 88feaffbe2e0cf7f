"""Low-rank adapters of linear and convolution layers.

Hu et al. 2021, https://doi.org/10.48550/arXiv.2106.09685
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F

from eugene.nn._errors import ModelError
from eugene.nn._layers import SameConv1d

A, B, SCALE = "lora_a", "lora_b", "lora_scale"
ADAPTED: tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv1d, SameConv1d)
"""Layers that can be adapted; subclasses of theirs may use their weights otherwise."""
_CLASSES: dict[type[nn.Module], type[nn.Module]] = {}


class LowRank(nn.Module):
    """What an adapted layer has beside its own weights: ``weight + scale * b @ a``.

    The layer keeps its class, its names and its weights; ``lora_a`` (rank, inputs) and ``lora_b``
    (outputs, rank) come beside them. With ``lora_b`` of zeros it computes what it did before.
    """

    weight: torch.Tensor
    lora_a: torch.Tensor
    lora_b: torch.Tensor
    lora_scale: torch.Tensor
    lora_dropout: float

    def delta(self) -> torch.Tensor:
        """Return what is added to the weights, float of their shape."""
        return (self.lora_scale * (self.lora_b @ self.lora_a)).view_as(self.weight)

    def _drops(self) -> bool:
        return self.training and self.lora_dropout > 0


class _Linear(LowRank):
    bias: torch.Tensor | None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._drops():
            return F.linear(x, self.weight + self.delta(), self.bias)
        dropped = F.dropout(x, self.lora_dropout)
        return F.linear(x, self.weight, self.bias) + F.linear(dropped, self.delta())


class _Conv1d(LowRank):
    bias: torch.Tensor | None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._drops():
            return self._with(x, self.weight + self.delta(), self.bias)
        dropped = F.dropout(x, self.lora_dropout)
        return self._with(x, self.weight, self.bias) + self._with(dropped, self.delta(), None)

    def _with(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        if isinstance(self, SameConv1d):
            found = self._convolve(x, weight, extra="right")
            return found if bias is not None or self.bias is None else found - self.bias[:, None]
        plain: torch.Tensor = self._conv_forward(x, weight, bias)  # type: ignore[operator]
        return plain


def _adapted(kind: type[nn.Module]) -> type[nn.Module]:
    """Return the class of an adapted layer, a subclass of its own class."""
    if kind not in _CLASSES:
        base = _Linear if kind is nn.Linear else _Conv1d
        _CLASSES[kind] = type(f"LoRA{kind.__name__}", (base, kind), {"__module__": __name__})
    return _CLASSES[kind]


def is_adapted(layer: nn.Module) -> bool:
    """Tell whether a layer has a low-rank adapter."""
    return isinstance(layer, LowRank)


def adaptable(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers of a network that can be adapted, by name.

    Examples
    --------
    >>> list(adaptable(nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU(), nn.Linear(8, 1))))
    ['0', '2']
    """
    return {name: layer for name, layer in network.named_modules() if type(layer) in ADAPTED}


def adapt(
    layer: nn.Module,
    *,
    rank: int,
    alpha: float,
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> int:
    """Give a layer a low-rank adapter, in place; what it computes stays the same until training.

    Parameters
    ----------
    layer : torch.nn.Module
        A linear layer or a convolution of any groups, strides and dilation.
    rank : int
        Rank of what is added to the weights, at most that of the weights themselves.
    alpha : float
        What is added is multiplied by ``alpha / rank``.
    dropout : float
        Share of the adapter's inputs that are dropped in training.
    generator : torch.Generator, optional
        Where the starting weights come from.

    Returns
    -------
    int
        The rank: as given, or the smaller side of the weights.

    Raises
    ------
    ModelError
        If the layer cannot be adapted, or has an adapter.

    Examples
    --------
    >>> layer, x = nn.Linear(6, 5), torch.rand(2, 6)
    >>> before = layer(x)
    >>> adapt(layer, rank=2, alpha=4)
    2
    >>> bool((layer(x) == before).all()), tuple(layer.lora_a.shape), tuple(layer.lora_b.shape)
    (True, (2, 6), (5, 2))
    """
    kind = type(layer)
    if kind not in ADAPTED:
        said = "has an adapter already" if is_adapted(layer) else "cannot be adapted"
        known = ", ".join(one.__name__ for one in ADAPTED)
        raise ModelError(f"a layer {kind.__name__} {said}: expected one of {known}")
    if rank < 1 or not 0 <= dropout < 1:
        raise ModelError(f"rank={rank}, dropout={dropout}: expected 1 or more, and from 0 below 1")
    weight: torch.Tensor = layer.weight  # type: ignore[assignment]
    outputs, inputs = weight.shape[0], weight[0].numel()
    own = min(rank, outputs, inputs)
    bound = 1 / math.sqrt(inputs)
    drawn = torch.rand(own, inputs, generator=generator, dtype=torch.float32)
    a = (drawn * 2 * bound - bound).to(device=weight.device, dtype=weight.dtype)
    layer.register_parameter(A, nn.Parameter(a))
    layer.register_parameter(B, nn.Parameter(a.new_zeros(outputs, own)))
    layer.register_buffer(SCALE, a.new_tensor(alpha / rank))
    layer.lora_dropout = dropout  # type: ignore[assignment]
    layer.__class__ = _adapted(kind)
    return own


def merge(network: nn.Module) -> int:
    """Add the adapters of a network to its weights, in place, and leave the plain network.

    Parameters
    ----------
    network : torch.nn.Module
        The network.

    Returns
    -------
    int
        How many layers had an adapter.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(6, 5))
    >>> _ = adapt(network[0], rank=2, alpha=4)
    >>> merge(network), type(network[0]).__name__, list(network.state_dict())
    (1, 'Linear', ['0.weight', '0.bias'])
    """
    layers = [layer for layer in network.modules() if isinstance(layer, LowRank)]
    for layer in layers:
        with torch.no_grad():
            layer.weight += layer.delta()
        del layer.lora_a, layer.lora_b, layer.lora_scale, layer.lora_dropout
        own = next(one for one in type(layer).__mro__ if one in ADAPTED)
        layer.__class__ = own  # type: ignore[assignment]
    return len(layers)


def merged_state(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of the plain network that adapted weights stand for.

    Parameters
    ----------
    state : mapping
        Tensors by name, as ``state_dict()`` has them.

    Returns
    -------
    dict
        Without adapters; the same tensors where there are none.

    Examples
    --------
    >>> layer = nn.Linear(6, 5)
    >>> _ = adapt(layer, rank=2, alpha=4)
    >>> list(merged_state(layer.state_dict()))
    ['weight', 'bias']
    """
    found = dict(state)
    for name in state:
        under, _, last = name.rpartition(".")
        if last != A:
            continue
        at = f"{under}." if under else ""
        a, b, scale = (found.pop(f"{at}{part}") for part in (A, B, SCALE))
        weight = found[f"{at}weight"]
        found[f"{at}weight"] = weight + (scale * (b @ a)).view_as(weight)
    return found
