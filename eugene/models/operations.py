"""A sequential network that is written down as a list of operations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._operation_table import (
    Value,
    misspelt,
    operation_name,
    refused,
    renamed,
    settled,
)
from eugene.nn import (
    GlobalPool,
    ModelError,
    RecurrentBlock,
    SameConv1d,
    TooShortError,
    make_activation,
)
from eugene.nn._same_pool import same_max_pool

Shape = tuple[int, ...]
"""Shape of what a layer gives for one row, with the channels last, as in Keras."""


class Operations(Architecture):
    """A sequential network, written down as a list of operations; seqgra's embedded networks.

    Each operation is a mapping with ``name`` and arguments: ``conv1d``, ``conv2d``, ``dense``,
    ``lstm``, ``maxpool1d``, ``globalmaxpool1d``, ``flatten``, ``reshape``, ``dropout``,
    ``batchnorm`` and ``activation``, with the arguments that they have in Keras; names of torch
    (``Linear``, ``out_channels``) are understood. Outputs are logits: the softmax or sigmoid of
    the last layer of a classification is left out.

    Parameters
    ----------
    input_len : int
        Length of the sequences in letters.
    output_dim : int
        Number of outputs, as many as the last operation gives.
    operations : list of dict
        The layers; ``units`` of a dense layer at the end may be left out for ``output_dim``.
    library : {"torch", "keras"}
        Whose way: with ``"keras"`` weights start as they do in Keras (Glorot's uniform, LSTMs
        with an orthogonal state and a forget gate of 1), an LSTM has one bias, and ``flatten``
        lets positions go slowest. With ``"torch"`` channels do.
    encoding : {"1D", "2D"}
        Whether sequences are (positions, letters) or images (1, positions, letters); an
        ``input_shape`` of the first operation may turn images to (positions, letters, 1) or
        (letters, positions, 1).
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If an operation does not exist, does not fit what is before it, or cannot be had, and
        which.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> layers = [{"name": "conv1d", "filters": 10, "kernel_size": 11, "activation": "relu"},
    ...           {"name": "globalmaxpool1d"}, {"name": "dense", "units": 2}]
    >>> network = Operations(100, 2, layers)
    >>> network(torch.rand(3, 4, 100)).shape, sum(p.numel() for p in network.parameters())
    (torch.Size([3, 2]), 472)
    """

    name: ClassVar[str] = "operations"

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        operations: Sequence[Mapping[str, object]],
        *,
        library: Literal["torch", "keras"] = "torch",
        encoding: Literal["1D", "2D"] = "1D",
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        for key, value, known in (
            ("library", library, ("torch", "keras")),
            ("encoding", encoding, ("1D", "2D")),
        ):
            if value not in known:
                raise ModelError(f"{key}={value!r} must be {' or '.join(map(repr, known))}")
        last = len(operations) - 1
        checked = [
            _checked(index, one, {"units": output_dim} if index == last else {})
            for index, one in enumerate(operations)
        ]
        if not checked:
            raise ModelError("operations is empty: write the layers down")
        first, shape = _beginning(checked[0][1], encoding, input_len, input_channels)
        self.layers = nn.Sequential(*first)
        for index, (kind, given) in enumerate(checked):
            what = f"operations[{index}] ({kind})"
            wanted = given.get("input_shape")
            if index and wanted is not None and _numbers(wanted) != shape:
                raise ModelError(f"{what}: input_shape is {wanted}, what is before gives {shape}")
            made, shape = _BUILDERS[kind](given, shape, what, library)
            self.layers.extend(made)
        if shape != (output_dim,):
            raise ModelError(
                f"the last operation gives {shape}, expected ({output_dim},): end with a dense "
                f"layer of {output_dim} units"
            )
        if library == "keras":
            _start_as_keras(self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.layers(x)
        return result


class _Axes(nn.Module):
    """Another order of the axes."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(self.order)


class _Shaped(nn.Module):
    """Another shape of each row."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), *self.shape)


class _Recurrent(nn.Module):
    """An LSTM over positions, of which the last state is kept, or all."""

    def __init__(self, block: RecurrentBlock, *, all_states: bool) -> None:
        super().__init__()
        self.block, self.all_states = block, all_states

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, last = self.block(x.transpose(1, 2))
        found: torch.Tensor = states.transpose(1, 2) if self.all_states else last
        return found


Given = dict[str, Value]
Made = tuple[list[nn.Module], Shape]


def _checked(
    index: int, operation: Mapping[str, object], filled: Mapping[str, Value]
) -> tuple[str, Given]:
    """Return an operation and all its arguments, of which some may be filled in if it is dense."""
    where = f"operations[{index}]"
    if not isinstance(operation, Mapping) or "name" not in operation:
        raise ModelError(f"{where} is {operation!r}, expected a mapping with 'name'")
    name, said = operation_name(operation["name"])
    rest = {str(k): _value(v) for k, v in operation.items() if k != "name"}
    given = {**(filled if name == "dense" else {}), **said, **renamed(name, rest)}
    for _, message in misspelt(name, given):
        raise ModelError(f"{where}: {message}")
    for _, message in refused(name, given):
        raise ModelError(f"{where}: {message}")
    return name, settled(name, given)


def _value(given: object) -> Value:
    if isinstance(given, list | tuple):
        return tuple(_value(one) for one in given)
    return given  # type: ignore[return-value]


def _numbers(value: Value, axes: int | None = None) -> Shape:
    """Return one number an axis."""
    listed = value if isinstance(value, tuple) else (value,)
    numbers = tuple(int(str(one)) for one in listed)
    return numbers * axes if axes is not None and len(numbers) == 1 else numbers


def _beginning(
    given: Given, encoding: str, length: int, letters: int
) -> tuple[list[nn.Module], Shape]:
    """Return what brings sequences (letters, length) to the shape that is read first."""
    ways: dict[Shape, list[nn.Module]]
    if encoding == "1D":
        ways = {(length, letters): []}
    else:
        ways = {
            (1, length, letters): [_Shaped((letters, 1, length))],
            (length, letters, 1): [_Axes(0, 2, 1), _Shaped((1, length, letters))],
            (letters, length, 1): [_Shaped((1, letters, length))],
        }
    said = given.get("input_shape")
    chosen = next(iter(ways)) if said is None else _numbers(said)
    if chosen not in ways:
        listed = " or ".join(str(shape) for shape in ways)
        raise ModelError(
            f"operations[0]: input_shape is {chosen}, and sequences of {length} positions over "
            f"{letters} letters are {listed} in {encoding}"
        )
    return ways[chosen], chosen


def _activated(given: Given, what: str) -> list[nn.Module]:
    word = str(given["activation"]).lower()
    if word == "softmax":
        raise ModelError(
            f"{what}: a softmax is part of loss and predictions here, and outputs are logits: take "
            "it out"
        )
    made = None if word == "linear" else make_activation(word)
    return [] if made is None else [made]


def _axes_of(shape: Shape, axes: int, what: str) -> None:
    if len(shape) != axes + 1:
        kinds = {1: "(positions, channels)", 2: "(rows, columns, channels)"}
        raise ModelError(f"{what} reads {kinds[axes]}, and what is before gives {shape}")


def _padding(
    padding: Value, length: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Return how many zeros stand at both ends of an axis, as in Keras."""
    wide = dilation * (kernel - 1) + 1
    if padding == "same":
        total = max((math.ceil(length / stride) - 1) * stride + wide - length, 0)
        return total // 2, total - total // 2
    if padding == "causal":
        return wide - 1, 0
    width = 0 if padding == "valid" else int(str(padding))
    return width, width


def _conv(given: Given, shape: Shape, what: str, axes: int) -> Made:
    _axes_of(shape, axes, what)
    kernel, stride, dilation = (
        _numbers(given[key], axes) for key in ("kernel_size", "strides", "dilation_rate")
    )
    for key, numbers in (("kernel_size", kernel), ("strides", stride), ("dilation", dilation)):
        if len(numbers) != axes:
            raise ModelError(f"{what}: {key} has {len(numbers)} numbers, expected {axes}")
    padding = given["padding"]
    if padding == "causal" and axes == 2:
        raise ModelError(f"{what}: only sequences can be padded causally; say valid or same")
    ends = [
        _padding(padding, *sizes)
        for sizes in zip(shape[:-1], kernel, stride, dilation, strict=True)
    ]
    after = []
    for size, (low, high), k, s, d in zip(shape[:-1], ends, kernel, stride, dilation, strict=True):
        wide = d * (k - 1) + 1
        if size + low + high < wide:
            raise TooShortError(f"{what} is {wide} wide, and {size} positions are left before it")
        after.append((size + low + high - wide) // s + 1)
    filters, bias = int(str(given["filters"])), bool(given["use_bias"])
    made: list[nn.Module] = []
    if padding == "same" and axes == 1 and stride == (1,):
        made.append(SameConv1d(shape[-1], filters, kernel[0], dilation=dilation[0], bias=bias))
    else:
        if any(low or high for low, high in ends):
            widths = [width for pair in reversed(ends) for width in pair]
            made.append((nn.ConstantPad1d if axes == 1 else nn.ConstantPad2d)(widths, 0.0))  # type: ignore[arg-type]
        layer = nn.Conv1d if axes == 1 else nn.Conv2d
        made.append(
            layer(shape[-1], filters, kernel, stride=stride, dilation=dilation, bias=bias)  # type: ignore[arg-type]
        )
    return [*made, *_activated(given, what)], (*after, filters)


def _conv1d(given: Given, shape: Shape, what: str, library: str) -> Made:
    return _conv(given, shape, what, 1)


def _conv2d(given: Given, shape: Shape, what: str, library: str) -> Made:
    return _conv(given, shape, what, 2)


def _to_last(shape: Shape) -> list[nn.Module]:
    """Return what puts the channels behind the positions."""
    return [] if len(shape) == 1 else [_Axes(0, *range(2, len(shape) + 1), 1)]


def _to_first(shape: Shape) -> list[nn.Module]:
    """Return what puts the channels before the positions."""
    return [] if len(shape) == 1 else [_Axes(0, len(shape), *range(1, len(shape)))]


def _dense(given: Given, shape: Shape, what: str, library: str) -> Made:
    units = int(str(given["units"]))
    layer = nn.Linear(shape[-1], units, bias=bool(given["use_bias"]))
    made = [*_to_last(shape), layer, *_to_first(shape)]
    return [*made, *_activated(given, what)], (*shape[:-1], units)


def _lstm(given: Given, shape: Shape, what: str, library: str) -> Made:
    _axes_of(shape, 1, what)
    block = RecurrentBlock(
        shape[-1],
        int(str(given["units"])),
        bidirectional=bool(given["bidirectional"]),
        bias=bool(given["use_bias"]),
    )
    all_states = bool(given["return_sequences"])
    channels = block.out_channels
    after = (shape[0], channels) if all_states else (channels,)
    return [_Recurrent(block, all_states=all_states)], after


def _maxpool1d(given: Given, shape: Shape, what: str, library: str) -> Made:
    _axes_of(shape, 1, what)
    size, length = int(str(given["pool_size"])), shape[0]
    stride = size if given["strides"] is None else int(str(given["strides"]))
    if given["padding"] == "same":
        if stride != size:
            raise ModelError(
                f"{what}: with padding 'same' it must step by its width, {size}; got strides of "
                f"{stride}"
            )
        pool, positions = same_max_pool(length, size)
        return [pool], (positions, shape[-1])
    if length < size:
        raise TooShortError(f"{what} is {size} wide, and {length} positions are left before it")
    return [nn.MaxPool1d(size, stride)], ((length - size) // stride + 1, shape[-1])


def _globalmaxpool1d(given: Given, shape: Shape, what: str, library: str) -> Made:
    _axes_of(shape, 1, what)
    return [GlobalPool("max")], (shape[-1],)


def _flatten(given: Given, shape: Shape, what: str, library: str) -> Made:
    order = given["order"] or ("positions" if library == "keras" else "channels")
    turned = _to_last(shape) if order == "positions" else []
    return [*turned, nn.Flatten()], (math.prod(shape),)


def _reshape(given: Given, shape: Shape, what: str, library: str) -> Made:
    wanted, total = list(_numbers(given["target_shape"])), math.prod(shape)
    if wanted.count(-1) == 1:
        known = -math.prod(wanted)
        wanted[wanted.index(-1)] = total // known if known and total % known == 0 else 0
    if math.prod(wanted) != total or -1 in wanted or len(wanted) > 3:
        raise ModelError(f"{what}: {shape} cannot be brought to {given['target_shape']}")
    after = tuple(wanted)
    if after == shape:
        return [], shape
    return [*_to_last(shape), _Shaped(after), *_to_first(after)], after


def _dropout(given: Given, shape: Shape, what: str, library: str) -> Made:
    return [nn.Dropout(float(str(given["rate"])))], shape


def _batchnorm(given: Given, shape: Shape, what: str, library: str) -> Made:
    layer = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    # Keras' constants, where it is Keras' way
    eps, momentum = (1e-3, 0.01) if library == "keras" else (1e-5, 0.1)
    return [layer(shape[-1], eps=eps, momentum=momentum)], shape


def _activation(given: Given, shape: Shape, what: str, library: str) -> Made:
    return _activated(given, what), shape


_BUILDERS = {
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "dense": _dense,
    "lstm": _lstm,
    "maxpool1d": _maxpool1d,
    "globalmaxpool1d": _globalmaxpool1d,
    "flatten": _flatten,
    "reshape": _reshape,
    "dropout": _dropout,
    "batchnorm": _batchnorm,
    "activation": _activation,
}


def _start_as_keras(layers: nn.Module) -> None:
    """Draw starting weights as Keras does, and leave an LSTM one bias."""
    for layer in layers.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.LSTM):
            for name, parameter in layer.named_parameters():
                if "weight_ih" in name:
                    nn.init.xavier_uniform_(parameter)
                elif "weight_hh" in name:
                    nn.init.orthogonal_(parameter)
                else:
                    nn.init.zeros_(parameter)
                    if "bias_ih" in name:
                        # torch's gates are input, forget, cell and output
                        with torch.no_grad():
                            parameter[layer.hidden_size : 2 * layer.hidden_size] = 1.0
                    else:
                        parameter.requires_grad_(False)
