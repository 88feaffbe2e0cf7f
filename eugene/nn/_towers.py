"""Towers: stacks of blocks whose output length is known before anything is run."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from eugene.errors import EugeneWarning
from eugene.nn._activations import Activation, make_activation
from eugene.nn._blocks import (
    _check_length,
    _make_norm,
    _make_pool,
    conv_output_len,
    per_layer,
)
from eugene.nn._errors import ModelError
from eugene.nn._layers import BiConv1d, make_conv


class Tower(nn.Module):
    """The same block several times, with arguments that may change from one to the next.

    Parameters
    ----------
    block : callable
        Class or function that builds one block.
    repeats : int
        Number of blocks.
    input_size : int or tuple of int
        Shape of one input without the batch axis, for example ``(channels, length)``.
    static_block_args : mapping, optional
        Arguments equal for all blocks.
    dynamic_block_args : mapping, optional
        Lists with one value a block; with ``mults``, the value of the first block.
    mults : mapping of str to float, optional
        Factor from each block to the next, for geometric progressions; whole-number arguments
        are rounded.
    name : str
        Kept as an attribute.

    Attributes
    ----------
    output_size : tuple of int
        Shape of one output without the batch axis.

    Raises
    ------
    ModelError
        If a list does not have one value a block.

    Examples
    --------
    >>> tower = Tower(nn.Conv1d, 2, (4, 20), dict(kernel_size=3),
    ...               dict(in_channels=[4, 8], out_channels=[8, 16]))
    >>> tower.output_size
    (16, 16)
    """

    def __init__(
        self,
        block: Callable[..., nn.Module],
        repeats: int,
        input_size: int | Sequence[int],
        static_block_args: Mapping[str, Any] | None = None,
        dynamic_block_args: Mapping[str, Any] | None = None,
        mults: Mapping[str, float] | None = None,
        name: str = "tower",
    ) -> None:
        super().__init__()
        self.name = name
        dynamic = dict(dynamic_block_args or {})
        for name, factor in (mults or {}).items():
            first = dynamic.get(name, inspect.signature(block).parameters[name].default)
            if isinstance(first, (list, tuple)):
                first = first[0]
            values = [first * factor**i for i in range(repeats)]
            dynamic[name] = [round(v) for v in values] if isinstance(first, int) else values
        columns = {name: per_layer(values, repeats, name) for name, values in dynamic.items()}
        self.blocks = nn.Sequential()
        for i in range(repeats):
            arguments = {name: values[i] for name, values in columns.items()}
            self.blocks.append(block(**{**arguments, **(static_block_args or {})}))
        self.input_size = (input_size,) if isinstance(input_size, int) else tuple(input_size)
        self.output_size = self._measure()

    def _measure(self) -> tuple[int, ...]:
        training = self.training
        self.eval()
        with torch.no_grad():
            shape = self.blocks(torch.zeros(1, *self.input_size)).shape[1:]
        self.train(training)
        return tuple(shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float ``(batch, *output_size)`` from ``x``, float ``(batch, *input_size)``."""
        result: torch.Tensor = self.blocks(x)
        return result


class Conv1DTower(nn.Module):
    """Convolutions, each with activation, pooling, dropout and batch normalisation.

    The order is convolution, normalisation if ``batchnorm_first``, activation, pooling, dropout,
    normalisation otherwise. Every argument but the first two takes one value for all layers or a
    list with one value a layer.

    Parameters
    ----------
    input_len : int
        Length of the input in positions.
    input_channels : int
        Channels of the input, 4 for DNA.
    conv_channels, conv_kernels : list of int
        Channels and kernel width of each convolution.
    conv_strides, conv_dilations : int or list of int
        As in ``torch.nn.Conv1d``.
    conv_padding : int or {"same", "valid"}, or a list
        As in ``torch.nn.Conv1d``.
    conv_biases : bool or list of bool
        Whether each convolution has a bias.
    activations : str, callable, torch.nn.Module or None, or a list of these
        See :func:`eugene.nn.make_activation`; ``["exponential", "relu"]`` for an exponential
        first layer.
    pool_types : {"max", "avg"} or None, or a list
        Kind of pooling.
    pool_kernels : int or None, or a list
        Width of each pooling; None for none.
    pool_strides : int or None, or a list
        Step of each pooling. None, the default, steps by the width of the pooling.
    pool_padding, pool_dilations : int or list of int
        As in ``torch.nn.MaxPool1d``.
    dropout_rates : float or None, or a list
        Share of values dropped in training.
    batchnorm, batchnorm_first : bool
        Whether there is batch normalisation, and whether it comes before the activation.
    batchnorm_eps, batchnorm_momentum : float
        As in ``torch.nn.BatchNorm1d``.

    Attributes
    ----------
    out_channels, output_len, flatten_dim : int
        Shape of the output and their product.

    Raises
    ------
    ModelError
        If lists differ in length or a kernel does not fit on what is left of the sequence.

    Examples
    --------
    >>> tower = Conv1DTower(249, 4, [8, 16], [7, 3], conv_padding="same", pool_kernels=2)
    >>> tower.out_channels, tower.output_len, tower.flatten_dim
    (16, 62, 992)
    """

    def __init__(
        self,
        input_len: int,
        input_channels: int,
        conv_channels: Sequence[int],
        conv_kernels: int | Sequence[int],
        conv_strides: int | Sequence[int] | None = None,
        conv_dilations: int | Sequence[int] | None = None,
        conv_padding: int | str | Sequence[int | str] = "valid",
        conv_biases: bool | Sequence[bool] = True,
        activations: Activation | Sequence[Activation] = "relu",
        pool_types: str | Sequence[str | None] | None = "max",
        pool_kernels: int | Sequence[int | None] | None = None,
        pool_strides: int | Sequence[int | None] | None = None,
        pool_dilations: int | Sequence[int | None] | None = None,
        pool_padding: int | Sequence[int | None] | None = None,
        dropout_rates: float | Sequence[float | None] | None = 0.0,
        batchnorm: bool = False,
        batchnorm_first: bool = False,
        *,
        batchnorm_eps: float = 1e-5,
        batchnorm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        widths = [conv_channels] if isinstance(conv_channels, int) else list(conv_channels)
        n = len(widths)
        if n == 0:
            raise ModelError("conv_channels is empty: give the channels of each convolution")
        kernels = per_layer(conv_kernels, n, "conv_kernels")
        strides = per_layer(conv_strides, n, "conv_strides")
        dilations = per_layer(conv_dilations, n, "conv_dilations")
        paddings = per_layer(conv_padding, n, "conv_padding")
        biases = per_layer(conv_biases, n, "conv_biases")
        acts = per_layer(activations, n, "activations")
        kinds = per_layer(pool_types, n, "pool_types")
        pool_widths = per_layer(pool_kernels, n, "pool_kernels")
        pool_steps = per_layer(pool_strides, n, "pool_strides")
        pool_pads = per_layer(pool_padding, n, "pool_padding")
        pool_gaps = per_layer(pool_dilations, n, "pool_dilations")
        drops = per_layer(dropout_rates, n, "dropout_rates")

        self.input_len, self.input_channels = input_len, input_channels
        self.layers = nn.Sequential()
        length, channels = input_len, input_channels
        for i in range(n):
            stride, dilation = int(strides[i] or 1), int(dilations[i] or 1)
            kernel, padding = int(kernels[i]), paddings[i]
            if padding == "same" and stride != 1:
                raise ModelError(
                    f"layer {i}: conv_padding='same' needs a stride of 1, got {stride}: give the "
                    f"padding as a number, here {dilation * (kernel - 1) // 2}"
                )
            self.layers.append(
                make_conv(
                    channels,
                    widths[i],
                    kernel,
                    stride=stride,
                    dilation=dilation,
                    padding=padding,
                    bias=bool(biases[i]),
                )
            )
            before, channels = length, widths[i]
            length = conv_output_len(
                length,
                kernel,
                stride=stride,
                padding=padding,
                dilation=dilation,
            )
            _check_length(length, f"convolution (layer {i})", dilation * (kernel - 1) + 1, before)
            norm = _make_norm(
                "batchnorm" if batchnorm else None,
                channels,
                eps=batchnorm_eps,
                momentum=batchnorm_momentum,
            )
            if norm is not None and batchnorm_first:
                self.layers.append(norm)
            activation = make_activation(acts[i])
            if activation is not None:
                self.layers.append(activation)
            kind, width = kinds[i], pool_widths[i]
            if kind is not None and width is not None and width != 1:
                pool, length = _make_pool(
                    str(kind),
                    length,
                    kernel=int(width),
                    stride=pool_steps[i],
                    padding=int(pool_pads[i] or 0),
                    dilation=int(pool_gaps[i] or 1),
                    where=f" (layer {i})",
                )
                self.layers.append(pool)
            if drops[i]:
                self.layers.append(nn.Dropout(float(drops[i])))
            if norm is not None and not batchnorm_first:
                self.layers.append(norm)
        self.out_channels = channels
        self.output_len = length
        self.flatten_dim = length * channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, out_channels, output_len) from (batch, input_channels, input_len)."""
        result: torch.Tensor = self.layers(x)
        return result


class BiConv1DTower(nn.Module):
    """Convolutions read on both strands with shared filters, added at the end.

    Each strand keeps its own path: the first layer of the second path uses reverse-complemented
    filters, later ones filters reversed in position. The sum of the paths turns round with its
    input: ``tower(rc(x))`` is ``tower(x)`` read backwards.

    Parameters
    ----------
    filters, kernel_size : int
        Channels and kernel width of every layer.
    input_size : int
        Channels of the input, 4 for DNA.
    layers : int
        Number of layers.
    stride : int
        1, as EUGENe could not step further either.
    dropout_rate : float
        Share of values dropped after each layer in training.
    variant : {"corrected", "eugene", "published"}
        ``"eugene"`` flips filters and channels instead, in every layer, as EUGENe 0.1.2 did.
        ``"published"`` is what the program of Jores et al. computes: its second path is made
        from the first one of each layer, with the bias added once more, so that no strand but
        the forward one is read.

    Raises
    ------
    ModelError
        If there is no layer or the variant is unknown.

    Examples
    --------
    >>> tower = BiConv1DTower(8, 5, layers=2).eval()
    >>> x = torch.rand(2, 4, 30)
    >>> bool(torch.allclose(tower(x.flip(1, 2)), tower(x).flip(2), atol=1e-6))
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        input_size: int = 4,
        layers: int = 1,
        stride: int = 1,
        dropout_rate: float = 0.15,
        *,
        variant: str = "corrected",
    ) -> None:
        super().__init__()
        if stride != 1:
            raise ModelError(f"stride={stride} must be 1: the length is kept (padding 'same')")
        if layers < 1:
            raise ModelError(f"layers={layers} must be at least 1")
        if variant not in ("corrected", "eugene", "published"):
            raise ModelError(f"variant={variant!r} must be 'corrected', 'eugene' or 'published'")
        convs: list[BiConv1d] = []
        self.forward_activations = nn.ModuleList()
        self.reverse_activations = nn.ModuleList()
        for i in range(layers):
            flip = "reverse_complement" if i == 0 else "reverse"
            if variant == "eugene":
                flip = "eugene"
            channels = input_size if i == 0 else filters
            convs.append(BiConv1d(channels, filters, kernel_size, flip=flip))
            self.forward_activations.append(nn.ReLU())
            self.reverse_activations.append(nn.ReLU())
        self.convs = nn.ModuleList(convs)
        self.dropout = nn.Dropout(dropout_rate)
        self.variant = variant
        self.register_load_state_dict_pre_hook(_rename_eugene_parameters)  # type: ignore[no-untyped-call]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, filters, length) from ``x``, (batch, input_size, length)."""
        ahead = back = x
        layers: Any = zip(
            self.convs, self.forward_activations, self.reverse_activations, strict=True
        )
        for conv, act_ahead, act_back in layers:
            ahead = self.dropout(act_ahead(conv(ahead)))
            if self.variant == "published":
                second = ahead + conv.bias.unsqueeze(1)
            else:
                second = conv.reverse(back)
            back = self.dropout(act_back(second))
        return ahead + back


def _rename_eugene_parameters(
    module: nn.Module, state_dict: dict[str, torch.Tensor], prefix: str, *_: object
) -> None:
    """Let state dicts with EUGENe's names (``kernels.0``, ``biases.0``) load."""
    for old, new in (("kernels", "weight"), ("biases", "bias")):
        start = f"{prefix}{old}."
        for key in [k for k in state_dict if k.startswith(start)]:
            state_dict[f"{prefix}convs.{key[len(start) :]}.{new}"] = state_dict.pop(key)
            if module.variant != "eugene" and old == "kernels":
                warnings.warn(
                    f"{key} is EUGENe's name of the filters: they are put into the corrected "
                    'arrangement, which predicts otherwise. Build it with variant="eugene"',
                    EugeneWarning,
                    stacklevel=2,
                )
