"""Basset and the networks made from it: factorized Basset and scBasset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, arguments, channels_of, make_part
from eugene.models._tower_net import TowerNet
from eugene.nn import Conv1DBlock, Conv1DTower, DenseBlock, ModelError, SigmoidGELU

_NORM = {"batchnorm": True, "batchnorm_first": True}
_CONV = {
    "conv_channels": [300, 200, 200],
    "conv_kernels": [19, 11, 7],
    "pool_kernels": [3, 4, 4],
    **_NORM,
}
_DENSE = {"hidden_dims": [1000, 1000], "dropout_rates": 0.3, **_NORM}
_FACTORS = (
    {"conv_channels": [48, 64, 100, 150, 300], "conv_kernels": [3, 3, 3, 7, 7]},
    {"conv_channels": [200, 200, 200], "conv_kernels": [7, 3, 3]},
    {"conv_channels": [200], "conv_kernels": [7]},
)


class Basset(TowerNet):
    """Basset: open chromatin from three convolutions and two dense layers.

    4,735,064 parameters at 600 bp and 164 outputs with convolutions that keep the length, as
    reimplemented by most; 4,135,064 with ``padding="valid"``, as first published. Outputs are
    logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 600.
    output_dim : int
        Number of outputs; published: 164 cell types.
    conv_kwargs : dict, optional
        Changes to the tower, arguments of :class:`eugene.nn.Conv1DTower`.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    padding : {"same", "valid"}
        Whether convolutions keep the length, and the last pooling reads the ends too.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together or the sequences are too short.

    References
    ----------
    Kelley et al. 2016, https://doi.org/10.1101/gr.200535.115

    Examples
    --------
    >>> sum(p.numel() for p in Basset(padding="valid").parameters())
    4135064
    """

    name: ClassVar[str] = "basset"
    eugene_sizes = (
        {"pool_strides": 1, "conv_padding": [9, 5, 3], "pool_padding": 0},
        {"hidden_dims": [1000, 164], "dropout_rates": 0.0},
    )

    def __init__(
        self,
        input_len: int = 600,
        output_dim: int = 164,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        padding: str = "same",
        input_channels: int | None = None,
    ) -> None:
        if padding not in ("same", "valid"):
            raise ModelError(f"padding={padding!r} must be 'same' or 'valid'")
        ends = [0, 0, 1] if padding == "same" else [0, 0, 0]
        super().__init__(
            input_len,
            output_dim,
            conv_kwargs,
            dense_kwargs,
            input_channels,
            sizes={**_CONV, "conv_padding": padding, "pool_padding": ends},
            dense=_DENSE,
            padding=padding,
        )


class FactorizedBasset(Architecture):
    """Basset with its wide convolutions replaced by several narrow ones.

    The towers are as wide as Wnuk et al. describe them; no published count is known to compare
    with. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 600.
    output_dim : int
        Number of outputs; published: 164.
    conv1_kwargs, conv2_kwargs, conv3_kwargs : dict, optional
        Changes to each of the three towers, arguments of :class:`eugene.nn.Conv1DTower`.
    maxpool_kernels : list of int
        Width of the pooling behind each tower.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv1_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together or the sequences are too short.

    References
    ----------
    Wnuk et al. 2019, https://doi.org/10.1101/229385; Kelley et al. 2016,
    https://doi.org/10.1101/gr.200535.115

    Examples
    --------
    >>> sum(p.numel() for p in FactorizedBasset(output_dim=2).parameters())
    4801380
    """

    name: ClassVar[str] = "factorized_basset"

    def __init__(
        self,
        input_len: int = 600,
        output_dim: int = 164,
        conv1_kwargs: Annotated[
            Mapping[str, Any] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        conv2_kwargs: Annotated[
            Mapping[str, Any] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        conv3_kwargs: Annotated[
            Mapping[str, Any] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        maxpool_kernels: Sequence[int] = (3, 4, 4),
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        input_channels: int | None = None,
    ) -> None:
        given = (conv1_kwargs, conv2_kwargs, conv3_kwargs)
        channels = channels_of(input_channels, conv1_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            **{f"conv{i + 1}_kwargs": dict(changes or {}) for i, changes in enumerate(given)},
            maxpool_kernels=list(maxpool_kernels),
            dense_kwargs=dict(dense_kwargs or {}),
        )
        if len(maxpool_kernels) != len(given):
            raise ModelError(
                f"maxpool_kernels has {len(maxpool_kernels)} values for {len(given)} towers: give "
                "one value a tower"
            )
        self.towers = nn.Sequential()
        length = input_len
        for i, (changes, factors) in enumerate(zip(given, _FACTORS, strict=True)):
            widths = (changes or {}).get("conv_channels", factors["conv_channels"])
            pools = [None] * (len(widths) - 1) + [maxpool_kernels[i]]
            sizes = {**factors, "conv_padding": "same", "pool_kernels": pools, **_NORM}
            tower = make_part(
                Conv1DTower, f"conv{i + 1}_kwargs", changes, sizes,
                input_len=length, input_channels=channels,
            )  # fmt: skip
            self.towers.append(tower)
            length, channels = tower.output_len, tower.out_channels
        self.flatten = nn.Flatten()
        self.dense_block = make_part(
            DenseBlock, "dense_kwargs", dense_kwargs, _DENSE,
            input_dim=length * channels, output_dim=output_dim,
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.flatten(self.towers(x)))
        return result


def _not_cells(kwargs: dict[str, object], known: list[str]) -> dict[str, object]:
    """Refuse ``scBasset(100)``: EUGENe's first argument is not ours."""
    length = kwargs.get("input_len")
    if isinstance(length, int) and length < 192 and "output_dim" not in kwargs:
        raise ModelError(
            f"scBasset({length}): the first argument is input_len, at least 192 bp. EUGENe's was "
            f"num_cells: write scBasset(num_cells={length}); see docs/switching/eugene.md"
        )
    return kwargs


class scBasset(Architecture):
    """Accessibility in single cells: a Basset down to a bottleneck, one weight vector a cell.

    4,513,960 parameters at 1,344 bp and 33 for each cell. Outputs are logits. Published training
    shows both strands and shifts of up to 3 bp by chance, which are augmentations here.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 1,344.
    output_dim : int
        Number of cells.
    bottleneck : int
        Width of the embedding of a peak.
    filters : list of int
        Channels of the first convolution and of the six after it.
    kernel_size, tower_kernel_size : int
        Width of the first convolution and of those after it.
    pool_size, tower_pool_size : int
        Width of the pooling behind them.
    last_filters : int
        Channels of the last convolution, of width 1.
    dropout : float
        Share of the embedding dropped in training.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Yuan and Kelley 2022, https://doi.org/10.1038/s41592-022-01562-8

    Examples
    --------
    >>> model = scBasset(output_dim=10)
    >>> sum(p.numel() for p in model.parameters()) - 33 * 10
    4513960
    """

    name: ClassVar[str] = "scbasset"

    @eugene_call(
        "eugene.models.zoo.scBasset",
        same={"num_cells": "output_dim"},
        refused={
            "num_batches": "batches are no part of the network here",
            "l1": "SequenceModule(optimizer_kwargs={'weight_decay': ...}) decays all weights",
            "l2": "SequenceModule(optimizer_kwargs={'weight_decay': ...}) decays all weights",
        },
        translate=_not_cells,
    )
    def __init__(
        self,
        input_len: int = 1344,
        output_dim: int = 100,
        *,
        bottleneck: int = 32,
        filters: Sequence[int] = (288, 288, 323, 363, 407, 456, 512),
        kernel_size: int = 17,
        tower_kernel_size: int = 5,
        pool_size: int = 3,
        tower_pool_size: int = 2,
        last_filters: int = 256,
        dropout: float = 0.2,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        kernels = [kernel_size, *[tower_kernel_size] * (len(filters) - 1), 1]
        pools = [pool_size, *[tower_pool_size] * (len(filters) - 1), 1]
        self.tower = nn.Sequential()
        channels, length = input_channels, input_len
        for width, kernel, pool in zip([*filters, last_filters], kernels, pools, strict=True):
            block = Conv1DBlock(
                length,
                channels,
                width,
                kernel,
                conv_padding="same",
                conv_bias=False,
                activation="gelu_sigmoid",
                pool_kernel=pool,
                norm_eps=1e-3,
                order="act-conv-norm-pool",
            )
            self.tower.append(block)
            channels, length = block.output_size
        self.embedding = nn.Sequential(
            SigmoidGELU(),
            nn.Flatten(),
            nn.Linear(channels * length, bottleneck, bias=False),
            nn.BatchNorm1d(bottleneck, eps=1e-3),
            nn.Dropout(dropout),
            SigmoidGELU(),
        )
        self.cells = nn.Linear(bottleneck, output_dim)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, bottleneck) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.embedding(self.tower(x))
        return result

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.cells(self.embed(x))
        return result
