"""The networks of CREsted for peaks and topics: convolutions with and without dilation, LSTM."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.nn import DenseBlock, GlobalPool, RecurrentBlock, Residual, SameConv1d, make_activation
from eugene.nn._same_pool import same_max_pool

_EPS = 1e-3


class SimpleConvNet(Architecture):
    """Convolutions with pooling, then dense layers and a bottleneck.

    9,272,835 parameters at 2,114 bp and 19 outputs.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2,114.
    output_dim : int
        Number of outputs.
    num_conv_blocks : int
        Number of convolutions.
    first_activation, activation : str
        After the first convolution, and after everything else.
    output_activation : str, optional
        Behind the outputs; published: softplus. None returns raw outputs.
    first_filters, first_kernel_size, first_pool_size : int
        The first convolution.
    filters, kernel_size : int
        The others; the second has ``filters`` channels, the third twice as many, and so on. Each
        is pooled by 2.
    conv_dropout, dense_dropout : float
        Share of values dropped in training; after the convolutions it grows as the channels do.
    dense_size : int
        Width of the dense layer before the bottleneck of 8.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Kempynck et al. 2025, https://doi.org/10.1101/2025.04.02.646812

    Examples
    --------
    >>> SimpleConvNet(200, 3, first_filters=8, filters=8)(torch.rand(2, 4, 200)).shape
    torch.Size([2, 3])
    """

    name: ClassVar[str] = "simple_convnet"

    def __init__(
        self,
        input_len: int = 2_114,
        output_dim: int = 19,
        *,
        num_conv_blocks: int = 3,
        first_activation: str = "exponential",
        activation: str = "silu",
        output_activation: str | None = "softplus",
        first_filters: int = 192,
        filters: int = 256,
        first_kernel_size: int = 13,
        kernel_size: int = 7,
        first_pool_size: int = 8,
        conv_dropout: float = 0.1,
        dense_dropout: float = 0.3,
        dense_size: int = 256,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        windows = []
        for i in range(num_conv_blocks):
            kernel, pool = (kernel_size, 2) if i else (first_kernel_size, first_pool_size)
            windows += [Window(f"convolution {i + 1}", kernel), Window(f"pool {i + 1}", pool, pool)]
        positions = lengths(input_len, windows)[-1]
        self.tower = nn.Sequential()
        channels = input_channels
        for i in range(num_conv_blocks):
            after = filters * i if i else first_filters
            conv, pooling = windows[2 * i], windows[2 * i + 1]
            self.tower.extend(
                [
                    nn.Conv1d(channels, after, conv.kernel),
                    nn.BatchNorm1d(after, eps=_EPS, momentum=0.01),
                    make_activation(activation if i else first_activation) or nn.Identity(),
                    nn.MaxPool1d(pooling.kernel),
                    nn.Dropout(conv_dropout * max(i, 1)),
                ]
            )
            channels = after
        self.flatten = nn.Flatten()
        self.dense_block = DenseBlock(
            channels * positions,
            output_dim,
            [dense_size, 8],
            activations=activation,
            dropout_rates=dense_dropout,
            batchnorm=True,
            batchnorm_first=True,
            batchnorm_eps=_EPS,
        )
        self.output_activation = make_activation(output_activation) or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        x = self.dense_block(self.flatten(self.tower(x)))
        result: torch.Tensor = self.output_activation(x)
        return result


class DeepTopicCNN(Architecture):
    """Topics of open chromatin from five convolutions, the last two with a skip.

    11,694,160 parameters at 500 bp and 80 topics. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 500.
    output_dim : int
        Number of topics.
    filters : int
        Channels of the first convolution; the others have half as many.
    first_kernel_size : int
        Width of the first convolution.
    pool_size : int
        Width of the poolings, which read every position.
    dense_out : int
        Width of the dense layer.
    first_activation, activation : str
        After the first convolution, and after everything else.
    conv_do, pre_dense_do, dense_do : float
        Share of values dropped in training after convolutions, before and after the dense layer.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If an activation is unknown.

    References
    ----------
    Kempynck et al. 2025, https://doi.org/10.1101/2025.04.02.646812

    Examples
    --------
    >>> DeepTopicCNN(500, 3, filters=8, dense_out=8)(torch.rand(2, 4, 500)).shape
    torch.Size([2, 3])
    """

    name: ClassVar[str] = "deeptopic_cnn"

    def __init__(
        self,
        input_len: int = 500,
        output_dim: int = 80,
        *,
        filters: int = 1_024,
        first_kernel_size: int = 17,
        pool_size: int = 4,
        dense_out: int = 1_024,
        first_activation: str = "gelu",
        activation: str = "relu",
        conv_do: float = 0.15,
        pre_dense_do: float = 0.5,
        dense_do: float = 0.5,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        half = filters // 2
        self.tower = nn.Sequential()
        channels, length = input_channels, input_len
        for after, kernel, skip, pooled in (
            (filters, first_kernel_size, False, True),
            (half, 11, False, True),
            (half, 11, False, True),
            (half, 5, True, True),
            (half, 2, True, False),
        ):
            first = not len(self.tower)
            conv = nn.Sequential(
                SameConv1d(channels, after, kernel, bias=False),
                nn.BatchNorm1d(after, eps=_EPS, momentum=0.1),
                make_activation(first_activation if first else activation) or nn.Identity(),
            )
            block = nn.Sequential(Residual(conv) if skip else conv)
            if pooled:
                pool, length = same_max_pool(length, pool_size)
                block.extend([pool, nn.Dropout(conv_do)])
            self.tower.append(block)
            channels = after
        self.reduce = nn.Sequential(nn.Flatten(), nn.Dropout(pre_dense_do))
        self.dense_block = DenseBlock(
            channels * length,
            output_dim,
            [dense_out],
            activations=activation,
            dropout_rates=dense_do,
            batchnorm=True,
            batchnorm_first=True,
            biases=False,
            batchnorm_eps=_EPS,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.reduce(self.tower(x)))
        return result


class DeepTopicLSTM(Architecture):
    """Topics of open chromatin from one convolution and an LSTM that reads both ways.

    6,388,124 trainable parameters at 500 bp and 80 topics; the second bias that torch gives an
    LSTM, and Keras does not, stays zero. Outputs are logits. Published is also a dropout of the
    state from step to step, which torch does not have.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 500.
    output_dim : int
        Number of topics.
    filters, first_kernel_size : int
        Channels and width of the convolution.
    max_pool_size, max_pool_stride : int
        Width and step of the pooling.
    dense_out, lstm_out : int
        Width of the dense layer, and of each direction of the LSTM and the layer before it.
    first_activation, activation : str
        After the convolution, and after the dense layers.
    lstm_do, pre_dense_do, dense_do : float
        Share of values dropped in training before the LSTM, around it, and after the dense layer.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Minnoye et al. 2020, https://doi.org/10.1101/gr.260844.120; Kempynck et al. 2025,
    https://doi.org/10.1101/2025.04.02.646812

    Examples
    --------
    >>> DeepTopicLSTM(100, 3, filters=8, lstm_out=4, dense_out=8)(torch.rand(2, 4, 100)).shape
    torch.Size([2, 3])
    """

    name: ClassVar[str] = "deeptopic_lstm"

    def __init__(
        self,
        input_len: int = 500,
        output_dim: int = 80,
        *,
        filters: int = 300,
        first_kernel_size: int = 30,
        max_pool_size: int = 15,
        max_pool_stride: int = 5,
        dense_out: int = 256,
        lstm_out: int = 128,
        first_activation: str = "relu",
        activation: str = "relu",
        lstm_do: float = 0.1,
        pre_dense_do: float = 0.2,
        dense_do: float = 0.4,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        conv = Window("the convolution", first_kernel_size)
        pool = Window("the pooling", max_pool_size, max_pool_stride)
        positions = lengths(input_len, [conv, pool])[-1]
        self.tower = nn.Sequential(
            nn.Conv1d(input_channels, filters, first_kernel_size),
            make_activation(first_activation) or nn.Identity(),
            nn.MaxPool1d(max_pool_size, stride=max_pool_stride),
            nn.Dropout(pre_dense_do),
            nn.Conv1d(filters, lstm_out, 1),
            make_activation(activation) or nn.Identity(),
            nn.Dropout(lstm_do),
        )
        self.recurrent_block = RecurrentBlock(lstm_out, lstm_out, bidirectional=True)
        for name, parameter in self.recurrent_block.named_parameters():
            if "bias_hh" in name:
                nn.init.zeros_(parameter)
                parameter.requires_grad_(False)
        self.reduce = nn.Sequential(nn.Dropout(pre_dense_do), nn.Flatten())
        self.dense_block = DenseBlock(
            positions * self.recurrent_block.out_channels,
            output_dim,
            [dense_out],
            activations=activation,
            dropout_rates=dense_do,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        states, _ = self.recurrent_block(self.tower(x).transpose(1, 2))
        result: torch.Tensor = self.dense_block(self.reduce(states))
        return result


class _Cropped(nn.Module):
    """Add the middle of the input to what a module gives, which is shorter."""

    def __init__(self, wrapped: nn.Module, crop: int) -> None:
        super().__init__()
        self.wrapped, self.crop = wrapped, crop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, channels, length - 2 * crop) from ``x``."""
        result: torch.Tensor = self.wrapped(x) + x[..., self.crop : x.shape[-1] - self.crop]
        return result


class DilatedCNN(Architecture):
    """Dilated convolutions with skips, as in ChromBPNet, and the mean over the positions.

    6,320,659 parameters with 19 outputs. CREsted's ``dilated_cnn_decoupled``, with one linear
    layer for each output, is the same network.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2,114. Longer ones can be read as well.
    output_dim : int
        Number of outputs.
    first_conv_filters, first_conv_filter_size : int
        Channels and width of the first convolution.
    first_conv_pool_size : int
        Width of the pooling after it; 0 for none.
    first_conv_activation, activation : str
        After the first convolution, and after the others.
    first_conv_dropout, dropout : float
        Share of values dropped there in training.
    n_dil_layers : int
        Dilated convolutions, with dilations 2, 4, ..., ``2 ** n_dil_layers``.
    num_filters, filter_size : int
        Their channels, as many as ``first_conv_filters``, and their width.
    output_activation : str, optional
        Behind the outputs; published: softplus. None returns raw outputs.
    batch_norm : bool
        Whether the dilated convolutions are normalised.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Kempynck et al. 2025, https://doi.org/10.1101/2025.04.02.646812

    Examples
    --------
    >>> model = DilatedCNN(100, 3, first_conv_filters=8, num_filters=8, n_dil_layers=3)
    >>> model(torch.rand(2, 4, 100)).shape
    torch.Size([2, 3])
    """

    name: ClassVar[str] = "dilated_cnn"

    def __init__(
        self,
        input_len: int = 2_114,
        output_dim: int = 19,
        *,
        first_conv_filters: int = 512,
        first_conv_filter_size: int = 5,
        first_conv_pool_size: int = 0,
        first_conv_activation: str = "gelu",
        first_conv_dropout: float = 0.1,
        n_dil_layers: int = 8,
        num_filters: int = 512,
        filter_size: int = 3,
        activation: str = "relu",
        output_activation: str | None = "softplus",
        dropout: float = 0.1,
        batch_norm: bool = True,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        self.stem = nn.Sequential(
            SameConv1d(input_channels, first_conv_filters, first_conv_filter_size, bias=False),
            nn.BatchNorm1d(first_conv_filters, eps=_EPS, momentum=0.1),
            make_activation(first_conv_activation) or nn.Identity(),
        )
        pools = []
        if first_conv_pool_size > 1:
            pool, _ = same_max_pool(input_len, first_conv_pool_size)
            self.stem.append(pool)
            width = first_conv_pool_size
            pools = [Window("the pooling", width, width, partial=True)]
        self.stem.append(nn.Dropout(first_conv_dropout))
        rates = [2**i for i in range(1, n_dil_layers + 1)]
        windows = [
            Window(f"the convolution of dilation {rate}", filter_size, dilation=rate)
            for rate in rates
        ]
        lengths(input_len, [*pools, *windows])
        self.dilated = nn.Sequential()
        channels = first_conv_filters
        for rate in rates:
            conv = nn.Sequential(
                nn.Conv1d(channels, num_filters, filter_size, dilation=rate, bias=False)
            )
            if batch_norm:
                conv.append(nn.BatchNorm1d(num_filters, eps=_EPS, momentum=0.1))
            conv.append(make_activation(activation) or nn.Identity())
            self.dilated.append(_Cropped(conv, rate * (filter_size - 1) // 2))
            self.dilated.append(nn.Dropout(dropout))
            channels = num_filters
        self.pool = GlobalPool("avg")
        self.linear = nn.Linear(num_filters, output_dim)
        self.output_activation = make_activation(output_activation) or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        x = self.pool(self.dilated(self.stem(x)))
        result: torch.Tensor = self.output_activation(self.linear(x))
        return result
