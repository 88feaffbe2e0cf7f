"""What a network is made of, layer by layer, without running it on numbers."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn

from eugene.models._base import Architecture
from eugene.models._build import build
from eugene.models._published import PREDICTS as PREDICTS
from eugene.models._published import PUBLISHED
from eugene.models._published import Published as Published
from eugene.nn import AttentionPool1d, MultiHeadAttention, RelativeAttention

# what reads the whole sequence at once
_WHOLE = (nn.Linear, nn.RNNBase, nn.Flatten, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d,
          nn.MultiheadAttention)  # fmt: skip
_WINDOWS = (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d, AttentionPool1d)
# behind these, whatever is joined has seen the whole sequence
_ATTENTION = (MultiHeadAttention, RelativeAttention)
_PAPER = re.compile(r"References\n-+\n(.*?)(?:\n\n|$)", re.DOTALL)


class Layer(NamedTuple):
    """A layer of a network.

    Attributes
    ----------
    name, kind : str
        Dotted name and class.
    output : tuple of int
        Shape of what it gives, without the batch.
    parameters : int
        Trainable parameters of its own.
    field : int or None
        Bases (bp) of the sequence in the windows that lead to one position of the output; None
        for all of them. What normalises over positions, or weighs them by a summary of all, is
        not counted.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    field: int | None


def trainable(network: nn.Module) -> int:
    """Return how many trainable parameters a network has.

    Examples
    --------
    >>> trainable(nn.Linear(3, 2))
    8
    """
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def published(row: Published) -> Architecture:
    """Build a published configuration without memory for its weights.

    Parameters
    ----------
    row : Published
        A row of the table.

    Returns
    -------
    torch.nn.Module
        The network on the device ``meta``, in evaluation mode.
    """
    with torch.device("meta"):
        return build(row.model, **row.arguments).to("meta").eval()


def rows_of(model: str) -> list[Published]:
    """Return the published configurations of an architecture, that of its paper first.

    Examples
    --------
    >>> rows_of("deepstarr")[0].parameters
    622722
    """
    return [row for row in PUBLISHED if row.model == model]


def paper_of(network: type[nn.Module]) -> str:
    """Return the first reference of an architecture's docstring, on one line.

    Examples
    --------
    >>> from eugene.models.deepstarr import DeepSTARR
    >>> paper_of(DeepSTARR)
    'de Almeida et al. 2022, https://doi.org/10.1038/s41588-022-01048-5'
    """
    found = _PAPER.search(inspect.getdoc(network) or "")
    return " ".join(found[1].split()).split("; ")[0] if found else ""


def output_shapes(network: Architecture) -> list[tuple[int, ...]]:
    """Return the shapes that a network on ``meta`` gives for one sequence, without the batch."""
    found = network(torch.zeros(2, network.input_channels, network.input_len, device="meta"))
    return [tuple(t.shape[1:]) for t in _tensors(found)]


def outline(network: Architecture) -> list[Layer]:
    """List the layers of a network in the order in which they are run.

    Parameters
    ----------
    network : torch.nn.Module
        An architecture on the device ``meta``.

    Returns
    -------
    list of Layer
        Every layer that has no layers inside, once.

    Examples
    --------
    >>> rows = outline(published(rows_of("deepbind")[0]))
    >>> rows[0]
    Layer(name='conv1d_tower.layers.0', kind='Conv1d', output=(16, 26), parameters=1040, field=16)
    """
    rows: dict[str, Layer] = {}
    # the tensors are kept, or another could get the number of one that is gone
    seen: dict[int, tuple[torch.Tensor, int | None, int]] = {}
    attended: list[nn.Module] = []

    def before(tensor: torch.Tensor) -> tuple[int | None, int]:
        """Return field and step of what goes into a layer."""
        if id(tensor) in seen:
            return seen[id(tensor)][1:]
        # what joins layers depends on all that they do: on those of as many positions, if any
        alike = [s for s in seen.values() if tensor.ndim == 3 == s[0].ndim
                 and tensor.shape[-1] == s[0].shape[-1]]  # fmt: skip
        _, field, step = max(
            alike or seen.values(), key=lambda s: math.inf if s[1] is None else s[1]
        )
        return None if attended else field, step

    def note(name: str, layer: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        field, step = before(_tensors(inputs)[0])
        if isinstance(layer, _WHOLE):
            field = None
        elif isinstance(layer, _WINDOWS):
            kernel, stride, dilation = (
                _number(getattr(layer, key, 1)) for key in ("kernel_size", "stride", "dilation")
            )
            field = None if field is None else field + dilation * (kernel - 1) * step
            step *= stride
        tensors = _tensors(output)
        for tensor in tensors:
            seen[id(tensor)] = (tensor, field, step)
        own = trainable(layer)
        made = Layer(name, type(layer).__name__, tuple(tensors[0].shape[1:]), own, field)
        rows.setdefault(name, made)

    x = torch.zeros(2, network.input_channels, network.input_len, device="meta")
    seen[id(x)] = (x, 1, 1)
    handles = [
        layer.register_forward_hook(
            lambda module, inputs, output, name=name: note(name, module, inputs, output)
        )
        for name, layer in _leaves(network)
    ]
    handles += [
        layer.register_forward_hook(lambda module, *_: attended.append(module))
        for layer in network.modules()
        if isinstance(layer, _ATTENTION)
    ]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return list(rows.values())


def field_of(network: Architecture) -> int | None:
    """Return the bases (bp) that lead to one position of the last layer that sees a window.

    Behind it, whatever reads the whole sequence at once joins the positions.

    Parameters
    ----------
    network : torch.nn.Module
        An architecture on the device ``meta``.

    Returns
    -------
    int or None
        None where a layer reads the whole sequence from the start.

    Examples
    --------
    >>> field_of(published(rows_of("deepbind")[0]))
    16
    """
    fields = [layer.field for layer in outline(network) if layer.field is not None]
    widest = max(fields, default=1)
    return widest if widest > 1 else None


def _leaves(module: nn.Module, under: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers that are listed: what has no layers inside, and a pooling that has."""
    for name, layer in module.named_children():
        if isinstance(layer, AttentionPool1d) or not any(True for _ in layer.children()):
            yield f"{under}{name}", layer
        else:
            yield from _leaves(layer, f"{under}{name}.")


def _tensors(found: object) -> list[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        return [found]
    return [t for part in found for t in _tensors(part)] if isinstance(found, tuple) else []


def _number(value: object) -> int:
    return int(value[0]) if isinstance(value, tuple) else int(str(value))
