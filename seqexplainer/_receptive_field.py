"""Which input bases one output of an inner layer can see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from seqexplainer._inputs import model_device, model_dtype
from seqexplainer.errors import SeqexplainerError, did_you_mean


class LayerError(SeqexplainerError):
    """A layer cannot be found, or its outputs cannot be mapped onto windows of the input."""


class _Reached(Exception):
    """Raised by the hook to stop the forward pass once the layer has answered."""


@dataclass(frozen=True)
class ReceptiveField:
    """The affine map from the outputs of a layer to windows of the input.

    Output ``p`` sees the input bases ``[start + stride * p, start + stride * p + width)``.

    Attributes
    ----------
    start : int
        First base (bp, 0-based) that output 0 sees; negative where it reaches into the padding.
    stride : int
        Bases (bp) between the windows of neighbouring outputs.
    width : int
        Width of a window (bp).
    n_outputs : int
        Number of positions of the layer's output.
    """

    start: int
    stride: int
    width: int
    n_outputs: int

    def inside(self, length: int) -> tuple[int, int]:
        """Return the half-open range of outputs whose windows lie wholly inside the input.

        Parameters
        ----------
        length : int
            Length of the input (bp).

        Returns
        -------
        tuple of (int, int)
            First output inside and one past the last; equal when there is none.

        Examples
        --------
        >>> ReceptiveField(start=-3, stride=1, width=7, n_outputs=20).inside(20)
        (3, 17)
        """
        first = max(0, -(self.start // self.stride))
        last = (length - self.width - self.start) // self.stride + 1
        last = min(self.n_outputs, last)
        return first, max(first, last)


def find_layer(model: nn.Module, layer: str | nn.Module | None) -> tuple[str, nn.Module]:
    """Find a layer by name, by identity, or take the first convolution.

    Parameters
    ----------
    model : torch.nn.Module
        The model to look in.
    layer : str, torch.nn.Module or None
        A name as in ``model.named_modules()``, a module of the model, or None for the first
        one-dimensional convolution. With None, batch normalisation and an activation that follow
        the convolution directly in a ``torch.nn.Sequential`` are included, so that activations
        are those which the net passes on.

    Returns
    -------
    tuple of (str, torch.nn.Module)
        Name and module.

    Raises
    ------
    LayerError
        If there is no such layer.
    """
    modules = dict(model.named_modules())
    if isinstance(layer, nn.Module):
        for name, module in modules.items():
            if module is layer:
                return name, module
        raise LayerError(f"the {type(layer).__name__} given as layer is not part of the model")
    if isinstance(layer, str):
        if layer in modules:
            return layer, modules[layer]
        known = [name for name in modules if name]
        hint = did_you_mean(layer, known, listed=0) or "."
        msg = f"the model has no layer {layer!r}{hint} Its layers: {', '.join(known[:30])}"
        raise LayerError(msg)
    for name, module in modules.items():
        if _is_convolution(module):
            return _through_activation(modules, name)
    raise LayerError(
        "the model has no one-dimensional convolution on a one-hot input; "
        "name the layer whose outputs (N, filters, positions) are to become motifs"
    )


def last_convolution(model: nn.Module) -> tuple[str, nn.Module]:
    """Find the last one-dimensional convolution of a model, with the activation that follows it.

    Parameters
    ----------
    model : torch.nn.Module
        The model to look in.

    Returns
    -------
    tuple of (str, torch.nn.Module)
        Name and module.

    Raises
    ------
    LayerError
        If there is no convolution.
    """
    modules = dict(model.named_modules())
    named = [name for name, module in modules.items() if _is_convolution(module)]
    if not named:
        raise LayerError("the model has no one-dimensional convolution; use another method")
    return _through_activation(modules, named[-1])


def _is_convolution(module: nn.Module) -> bool:
    """Tell a convolution, or a container of bare kernels that convolves both strands."""
    if isinstance(module, nn.Conv1d):
        return True
    named = type(module).__name__.lower()
    return "conv1d" in named and any(p.ndim == 3 for p in module.parameters(recurse=False))


_PASS_THROUGH = (
    nn.BatchNorm1d,
    nn.Identity,
    nn.ReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.LeakyReLU,
    nn.Softplus,
    nn.Sigmoid,
    nn.Tanh,
    nn.ReLU6,
    nn.SELU,
    nn.CELU,
    nn.Hardtanh,
)


def _through_activation(modules: dict[str, nn.Module], name: str) -> tuple[str, nn.Module]:
    """Follow a convolution to the activation behind it, where a Sequential says what follows."""
    parent_name, _, child = name.rpartition(".")
    parent = modules[parent_name]
    if not name or not isinstance(parent, nn.Sequential):
        return name, modules[name]
    children = list(parent.named_children())
    at = [key for key, _ in children].index(child)
    best = child
    for key, module in children[at + 1 :]:
        elementwise = type(module).__name__.lower() in {"exp", "exponential", "activation"}
        if not (isinstance(module, _PASS_THROUGH) or elementwise):
            break
        best = key
        if not isinstance(module, nn.BatchNorm1d | nn.Identity):
            break
    full = f"{parent_name}.{best}" if parent_name else best
    return full, modules[full]


def layer_output(
    model: nn.Module,
    layer: nn.Module,
    X: torch.Tensor,
    state: dict[str, torch.Tensor] | None = None,
    args: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """Run the model up to a layer and return what the layer gives at its first call.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    layer : torch.nn.Module
        A module of it.
    X : Tensor of float, shape (N, A, L)
        Input, on the model's device.
    state : dict of str to Tensor, optional
        Parameters and buffers to run with instead of the model's own.
    args : sequence of Tensor, optional
        Extra inputs, one row per sequence.

    Returns
    -------
    Tensor, shape (N, F, P)
        Output of the layer.

    Raises
    ------
    LayerError
        If the layer is not reached or does not give such an array.
    """
    if len(X) == 1:  # some models drop the axis of a single row
        X, *args = (torch.cat([a, a]) for a in (X, *args))
        return layer_output(model, layer, X, state, args)[:1]
    caught: list[object] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        caught.append(output)
        raise _Reached

    handle = layer.register_forward_hook(keep)
    try:
        if state is None:
            model(X, *args)
        else:
            torch.func.functional_call(model, state, (X, *args))
    except _Reached:
        pass
    finally:
        handle.remove()
    if not caught:
        raise LayerError(f"the forward pass never calls the layer ({type(layer).__name__})")
    output = caught[0]
    if not isinstance(output, torch.Tensor) or output.ndim != 3 or len(output) != len(X):
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise LayerError(
            f"the layer ({type(layer).__name__}) gives {shape}; expected (N, filters, positions). "
            "Choose a convolution, or the activation behind it"
        )
    return output


def receptive_field(
    model: nn.Module,
    layer: nn.Module,
    n_letters: int,
    length: int,
    args: Sequence[torch.Tensor] = (),
) -> ReceptiveField:
    """Measure the receptive field of a layer by sending NaN through the net.

    NaN spreads through every operation that uses a value, whatever the weights are, so a prefix
    or suffix of NaN shows exactly which outputs look at it: kernels, strides, dilations, padding,
    pools, branches and residual paths are all included. The search bisects, so it costs a few
    dozen rows, in double precision on the CPU.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode.
    layer : torch.nn.Module
        A module of it with output (N, F, P).
    n_letters : int
        Letters of the input (A).
    length : int
        Length of the input (bp).
    args : sequence of Tensor, optional
        Extra inputs of one sequence, one row each.

    Returns
    -------
    ReceptiveField
        The map from outputs to windows.

    Raises
    ------
    LayerError
        If an output sees the whole input or the windows do not form a regular grid.
    """
    state: dict[str, torch.Tensor] | None = {
        name: (value.detach().cpu().double() if value.is_floating_point() else value.detach().cpu())
        for name, value in (*model.named_parameters(), *model.named_buffers())
    }
    blank = torch.full((1, n_letters, length), 1.0 / n_letters, dtype=torch.float64)
    one = [a.cpu().double() if a.is_floating_point() else a.cpu() for a in args]
    try:
        layer_output(model, layer, blank, state, one)
    except RuntimeError:
        # Tensors that are neither parameters nor buffers stay in the model's own precision.
        state = None
        blank = blank.to(model_device(model), model_dtype(model))
        one = list(args)

    def seen(spans: list[tuple[int, int]]) -> np.ndarray:
        rows = blank.repeat(len(spans), 1, 1)
        for row, (a, b) in enumerate(spans):
            rows[row, :, a:b] = torch.nan
        with torch.no_grad():
            own = [a.expand(len(rows), *a.shape[1:]) for a in one]
            unknown = torch.isnan(layer_output(model, layer, rows, state, own)).any(dim=1)
        return unknown.cpu().numpy()

    everything = seen([(0, length), (0, 0)])
    n_outputs = everything.shape[1]
    if everything[1].any() or not everything[0].all():
        msg = f"some outputs of the layer ({type(layer).__name__}) do not depend on the input"
        raise LayerError(msg)
    outputs = np.array(sorted(_sample_outputs(n_outputs)))
    starts = _bisect(lambda cuts: [(0, c) for c in cuts], seen, outputs, length, grows=True)
    ends = _bisect(lambda cuts: [(c, length) for c in cuts], seen, outputs, length, grows=False)
    return _fit_grid(outputs, starts, ends, n_outputs, length, type(layer).__name__)


def _sample_outputs(n: int) -> Iterator[int]:
    """Yield outputs to look at: all of a few, otherwise middle neighbours and some others."""
    if n <= 16:
        yield from range(n)
        return
    yield from {n // 8, n // 4, n // 2 - 1, n // 2, n // 2 + 1, 3 * n // 4, 7 * n // 8}


def _bisect(spans: Any, seen: Any, outputs: np.ndarray, length: int, *, grows: bool) -> np.ndarray:
    """Find, for each output, the edge of its window: one bisection for all outputs together."""
    low = np.zeros(len(outputs), dtype=np.int64)
    high = np.full(len(outputs), length, dtype=np.int64)
    rows = np.arange(len(outputs))
    while (high - low > 1).any():
        middle = (low + high) // 2
        touched = seen(spans(middle.tolist()))[rows, outputs]
        above = touched if grows else ~touched
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return low if grows else high


def _fit_grid(
    outputs: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    n_outputs: int,
    length: int,
    kind: str,
) -> ReceptiveField:
    """Turn measured windows into start, stride and width; windows cut by the edges are left out."""
    if n_outputs == 1:
        return ReceptiveField(int(starts[0]), 1, int(ends[0] - starts[0]), 1)
    for left_known, right_known in ((starts > 0, ends < length), (starts >= 0, ends <= length)):
        left = _line(outputs[left_known], starts[left_known])
        right = _line(outputs[right_known], ends[right_known])
        both = [line for line in (left, right) if line is not None]
        if not both:
            continue
        stride = both[0][0]
        if stride < 1 or any(line[0] != stride for line in both):
            continue
        anchor_left = outputs[left_known], starts[left_known]
        anchor_right = outputs[right_known], ends[right_known]
        if not len(anchor_left[0]) or not len(anchor_right[0]):
            continue
        start = int(anchor_left[1][0] - stride * anchor_left[0][0])
        width = int(anchor_right[1][0] - stride * anchor_right[0][0]) - start
        if width > length:
            continue
        return ReceptiveField(start, stride, width, n_outputs)
    raise LayerError(
        f"the outputs of the layer ({kind}) do not see regular windows inside the {length}-bp "
        f"input (first measured windows: "
        f"{[(int(a), int(b)) for a, b in zip(starts[:4], ends[:4], strict=True)]}). "
        "Layers behind recurrent, attention or adaptive operations see everything; choose an "
        "earlier layer or give longer sequences"
    )


def _line(x: np.ndarray, y: np.ndarray) -> tuple[int, int] | None:
    """Return slope and intercept of integer points that lie on one line, otherwise None."""
    if len(x) < 2:
        return None
    slope, rest = divmod(int(y[-1] - y[0]), int(x[-1] - x[0]))
    intercept = int(y[0]) - slope * int(x[0])
    if rest or not np.array_equal(slope * x + intercept, y):
        return None
    return slope, intercept
