"""Blocks: one convolution with its company, dense layers, recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from eugene.errors import did_you_mean
from eugene.nn._activations import Activation, make_activation
from eugene.nn._errors import ModelError, TooShortError
from eugene.nn._layers import make_conv

POOLS: dict[str, type[nn.Module]] = {"max": nn.MaxPool1d, "avg": nn.AvgPool1d}
RECURRENT: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def per_layer(value: object, n_layers: int, name: str) -> list[Any]:
    """Spread one value over all layers, or check that a list has one value a layer.

    Parameters
    ----------
    value : object or list
        One value for every layer, or a list or tuple with one value a layer.
    n_layers : int
        Number of layers.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    list
        ``n_layers`` values.

    Raises
    ------
    ModelError
        If the list has another length.

    Examples
    --------
    >>> per_layer("relu", 2, "activations")
    ['relu', 'relu']
    """
    if isinstance(value, (list, tuple)):
        if len(value) != n_layers:
            raise ModelError(
                f"{name} has {len(value)} values for {n_layers} layers: give one value for all "
                "layers or one value a layer"
            )
        return list(value)
    return [value] * n_layers


def conv_output_len(
    length: int, kernel: int, *, stride: int, padding: int | str, dilation: int
) -> int:
    """Return how long the output of a convolution is.

    Parameters
    ----------
    length : int
        Length of the input in positions.
    kernel, stride, dilation : int
        As in ``torch.nn.Conv1d``.
    padding : int or {"same", "valid"}
        Positions added at each end.

    Returns
    -------
    int
        Length of the output; below 1 if the kernel does not fit.

    Examples
    --------
    >>> conv_output_len(100, 9, stride=2, padding="valid", dilation=1)
    46
    """
    if padding == "same":
        return length
    pad = 0 if padding == "valid" else int(padding)
    return (length + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


class Conv1DBlock(nn.Module):
    """One convolution with normalisation, activation, pooling and dropout in a chosen order.

    Parameters
    ----------
    input_len, input_channels, output_channels, conv_kernel : int
        Length (positions) and channels of the input, channels of the output, kernel width.
    conv_stride, conv_dilation : int
        As in ``torch.nn.Conv1d``.
    conv_padding : int or {"same", "valid"}
        As in ``torch.nn.Conv1d``.
    conv_bias : bool
        Whether the convolution has a bias.
    activation : str, callable, torch.nn.Module or None
        See :func:`eugene.nn.make_activation`.
    conv_type : {"conv1d"}
        EUGENe's name of the convolution; the only one here.
    pool_type : {"max", "avg"} or None
        Kind of pooling; None for none.
    pool_kernel, pool_stride, pool_padding, pool_dilation : int or None
        Pooling; the stride defaults to the kernel. With a ``pool_kernel`` of 1, the default,
        nothing is pooled.
    norm_type : {"batchnorm", "layernorm"} or None
        Normalisation over the batch, as by default and in EUGENe, or over the channels of each
        position; None for none.
    norm_dim : int, optional
        EUGENe's; ``output_channels``.
    norm_eps, norm_momentum : float
        As in ``torch.nn.BatchNorm1d``.
    dropout_rate : float
        Share of values dropped in training.
    order : str
        Order of the parts, dash-separated.

    Attributes
    ----------
    output_len : int
        Length of the output in positions.
    output_size : tuple of int
        ``(output_channels, output_len)``.

    Raises
    ------
    ModelError
        If a part is unknown or a kernel is longer than what it slides over.

    Examples
    --------
    >>> block = Conv1DBlock(100, 4, 8, 11, pool_type="max", pool_kernel=3)
    >>> block.output_size
    (8, 30)
    """

    def __init__(
        self,
        input_len: int,
        input_channels: int,
        output_channels: int,
        conv_kernel: int,
        conv_type: str = "conv1d",
        conv_stride: int = 1,
        conv_padding: int | str = "valid",
        conv_dilation: int = 1,
        conv_bias: bool = True,
        activation: Activation = "relu",
        pool_type: str | None = "max",
        pool_kernel: int | None = 1,
        pool_stride: int | None = None,
        pool_padding: int = 0,
        norm_type: str | None = "batchnorm",
        norm_dim: int | None = None,
        dropout_rate: float | None = 0.0,
        order: str = "conv-norm-act-pool-dropout",
        *,
        pool_dilation: int = 1,
        norm_eps: float = 1e-5,
        norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_len, self.input_channels = input_len, input_channels
        self.output_channels = output_channels
        if conv_type != "conv1d":
            raise ModelError(f"conv_type={conv_type!r} must be 'conv1d'; see also BiConv1DTower")
        if norm_dim not in (None, output_channels):
            raise ModelError(f"norm_dim={norm_dim} must be output_channels={output_channels}")
        if conv_padding == "same" and conv_stride != 1:
            raise ModelError(
                f"conv_padding='same' needs conv_stride=1, got {conv_stride}: give the padding "
                f"as a number, here {conv_dilation * (conv_kernel - 1) // 2}"
            )
        length = conv_output_len(
            input_len, conv_kernel, stride=conv_stride, padding=conv_padding, dilation=conv_dilation
        )
        _check_length(length, "convolution", conv_kernel * conv_dilation, input_len)
        parts: dict[str, nn.Module | None] = {
            "conv": make_conv(
                input_channels,
                output_channels,
                conv_kernel,
                stride=conv_stride,
                dilation=conv_dilation,
                padding=conv_padding,
                bias=conv_bias,
            ),
            "norm": _make_norm(norm_type, output_channels, eps=norm_eps, momentum=norm_momentum),
            "act": make_activation(activation),
            "pool": None,
            "dropout": nn.Dropout(dropout_rate) if dropout_rate else None,
        }
        if pool_type is not None and pool_kernel not in (None, 1):
            parts["pool"], pooled = _make_pool(
                pool_type,
                length,
                kernel=pool_kernel,
                stride=pool_stride,
                padding=pool_padding,
                dilation=pool_dilation,
            )
            length = pooled
        self.layers = nn.Sequential()
        for part in order.split("-"):
            if part not in parts:
                raise ModelError(f"unknown part {part!r} in order{did_you_mean(part, parts)}")
            module = parts[part]
            if module is not None:
                self.layers.add_module(part, module)
        self.output_len = length
        self.output_size = (output_channels, length)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float ``(batch, *output_size)`` from ``x``, (batch, input_channels, input_len)."""
        result: torch.Tensor = self.layers(x)
        return result


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each position."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise ``x``, float (batch, channels, length)."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _make_norm(kind: str | None, channels: int, *, eps: float, momentum: float) -> nn.Module | None:
    if kind is None:
        return None
    if kind == "batchnorm":
        return nn.BatchNorm1d(channels, eps=eps, momentum=momentum)
    if kind == "layernorm":
        return _ChannelNorm(channels, eps=eps)
    raise ModelError(f"unknown norm_type {kind!r}{did_you_mean(kind, ['batchnorm', 'layernorm'])}")


def _make_pool(
    kind: str,
    length: int,
    *,
    kernel: int,
    stride: int | None,
    padding: int,
    dilation: int,
    where: str = "",
) -> tuple[nn.Module, int]:
    """Return the pooling module and the length of what it gives."""
    if kind not in POOLS:
        raise ModelError(f"unknown pool_type {kind!r}{did_you_mean(kind, POOLS)}")
    stride = kernel if stride is None else stride
    extra: dict[str, object] = {}
    if kind == "max":
        extra["dilation"] = dilation
    elif dilation != 1:
        raise ModelError(f"average pooling has no dilation, got pool_dilation={dilation}")
    pooled = conv_output_len(length, kernel, stride=stride, padding=padding, dilation=dilation)
    _check_length(pooled, f"pooling{where}", kernel * dilation, length)
    return POOLS[kind](kernel_size=kernel, stride=stride, padding=padding, **extra), pooled


def _check_length(length: int, what: str, kernel: int, input_len: int) -> None:
    if length < 1:
        raise TooShortError(
            f"a {what} of width {kernel} does not fit on {input_len} positions: use a longer "
            "input_len, fewer or smaller poolings, smaller kernels, or padding='same'"
        )


class DenseBlock(nn.Module):
    """Fully connected layers with a plain linear layer at the end.

    Parameters
    ----------
    input_dim, output_dim : int
        Number of features in and out.
    hidden_dims : list of int
        Widths of the hidden layers; empty for a linear model.
    activations : str, callable, torch.nn.Module or None, or a list of these
        After each hidden layer.
    dropout_rates : float or list of float
        After each hidden layer.
    batchnorm : bool
        Whether hidden layers are batch-normalised.
    batchnorm_first : bool
        Normalise before the activation rather than after the dropout.
    biases : bool or list of bool
        Bias of each hidden layer (a list may hold one more value, for the last layer).
    batchnorm_eps, batchnorm_momentum : float
        As in ``torch.nn.BatchNorm1d``.

    Raises
    ------
    ModelError
        If a list does not have one value a hidden layer.

    Examples
    --------
    >>> DenseBlock(16, 2, hidden_dims=[8])(torch.rand(3, 16)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        hidden_dims: Sequence[int] = (),
        activations: Activation | Sequence[Activation] = "relu",
        dropout_rates: float | Sequence[float] = 0.0,
        batchnorm: bool = False,
        batchnorm_first: bool = False,
        biases: bool | Sequence[bool] = True,
        *,
        batchnorm_eps: float = 1e-5,
        batchnorm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.input_dim, self.output_dim = input_dim, output_dim
        widths = [hidden_dims] if isinstance(hidden_dims, int) else list(hidden_dims)
        n = len(widths)
        acts = per_layer(activations, n, "activations")
        drops = per_layer(dropout_rates, n, "dropout_rates")
        last_bias = True
        if isinstance(biases, (list, tuple)) and len(biases) == n + 1:
            last_bias, biases = bool(biases[-1]), list(biases[:-1])
        use_bias = per_layer(biases, n, "biases")
        self.layers = nn.Sequential()
        before = input_dim
        for i, width in enumerate(widths):
            self.layers.append(nn.Linear(before, width, bias=bool(use_bias[i])))
            norm = (
                nn.BatchNorm1d(width, eps=batchnorm_eps, momentum=batchnorm_momentum)
                if batchnorm
                else None
            )
            if norm is not None and batchnorm_first:
                self.layers.append(norm)
            activation = make_activation(acts[i])
            if activation is not None:
                self.layers.append(activation)
            if drops[i]:
                self.layers.append(nn.Dropout(float(drops[i])))
            if norm is not None and not batchnorm_first:
                self.layers.append(norm)
            before = width
        self.layers.append(nn.Linear(before, output_dim, bias=last_bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, input_dim)."""
        result: torch.Tensor = self.layers(x)
        return result


class RecurrentBlock(nn.Module):
    """Recurrent layers over the positions of a sequence.

    Parameters
    ----------
    input_dim, hidden_dim : int
        Channels of the input and of each direction.
    num_layers : int
        Number of stacked layers.
    unit_type : {"lstm", "gru", "rnn"}
        Kind of cell.
    bidirectional : bool
        Whether a second net reads from the end.
    dropout_rates : float
        Dropout between stacked layers.
    bias : bool
        Whether the cells have biases.
    batch_first : bool
        Input is (batch, length, channels) when true, (length, batch, channels) otherwise.

    Attributes
    ----------
    out_channels : int
        ``hidden_dim``, twice that when bidirectional.

    Raises
    ------
    ModelError
        If ``unit_type`` is unknown.

    Examples
    --------
    >>> states, last = RecurrentBlock(4, 8, bidirectional=True)(torch.rand(2, 10, 4))
    >>> states.shape, last.shape
    (torch.Size([2, 10, 16]), torch.Size([2, 16]))
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        num_layers: int = 1,
        unit_type: str = "lstm",
        bidirectional: bool = False,
        dropout_rates: float = 0.0,
        bias: bool = True,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        if unit_type not in RECURRENT:
            raise ModelError(f"unknown unit_type {unit_type!r}{did_you_mean(unit_type, RECURRENT)}")
        self.out_channels = hidden_dim * (2 if bidirectional else 1)
        self.bidirectional = bidirectional
        self.layers = RECURRENT[unit_type](
            input_dim,
            hidden_dim,
            num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout_rates if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the state at every position and the last state of each direction.

        Parameters
        ----------
        x : torch.Tensor, shape (batch, length, input_dim)
            The sequences (axes as ``batch_first`` says).

        Returns
        -------
        states : torch.Tensor, shape (batch, length, out_channels)
            The state at every position.
        last : torch.Tensor, shape (batch, out_channels)
            The state after the whole sequence was read, of each direction.
        """
        states, hidden = self.layers(x)
        final = hidden[0] if isinstance(hidden, tuple) else hidden
        last = torch.cat((final[-2], final[-1]), dim=1) if self.bidirectional else final[-1]
        return states, last
