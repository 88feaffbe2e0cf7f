"""The general convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from torch import nn

from eugene.config.marks import ArgumentsOf
from eugene.models._base import Stranded, channels_of, make_part
from eugene.nn import Conv1DTower, GlobalPool, ModelError

_CONV = {
    "conv_channels": [32, 64, 64],
    "conv_kernels": [15, 7, 5],
    "conv_padding": "same",
    "pool_kernels": [4, 4, 2],
    "dropout_rates": 0.1,
    "batchnorm": True,
    "batchnorm_first": True,
}
_DENSE = {"hidden_dims": [64], "dropout_rates": 0.25}


class CNN(Stranded):
    """Convolutions, then dense layers.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs (raw: logits for classification).
    conv_kwargs : dict, optional
        Arguments of :class:`eugene.nn.Conv1DTower`. Given, it replaces the default tower of three
        convolutions and must name at least ``conv_channels`` and ``conv_kernels``.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`, taken as they are. Left out, ``conv_kwargs``
        are followed by a plain linear layer, as in EUGENe; the default network (neither given)
        has one hidden layer of 64 with dropout 0.25.
    strands : {"single", "both"}
        ``"both"`` reads the reverse complement too, with the same weights.
    aggregate : {"max", "mean", "sum", "concat"}
        How the features of both strands are brought together before the dense layers; with
        all but ``"concat"`` a sequence and its reverse complement give the same output.
    pool : {"flatten", "max", "avg", "max_avg"}
        What the dense layers see: every position, or every channel pooled over the sequence.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> model = CNN(100, 2, dict(conv_channels=[8], conv_kernels=[11], pool_kernels=4))
    >>> model(torch.rand(3, 4, 100)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "cnn"
    dense_default = _DENSE

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        strands: str = "single",
        aggregate: str = "max",
        pool: str = "flatten",
        input_channels: int | None = None,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            strands=strands,
            aggregate=aggregate,
            pool=pool,
        )
        self.conv1d_tower = make_tower(conv_kwargs, _CONV, input_len, channels)
        self.reduce, features = make_reduction(self.conv1d_tower, pool)
        self._finish(features, dense_kwargs, conv_kwargs)

    def _read(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.reduce(self.conv1d_tower(x))
        return features


def make_tower(
    conv_kwargs: Mapping[str, object] | None,
    defaults: Mapping[str, object],
    input_len: int,
    input_channels: int = 4,
) -> Conv1DTower:
    """Build the tower of a general network: what was given, or else the default one.

    Parameters
    ----------
    conv_kwargs : mapping or None
        Arguments of :class:`eugene.nn.Conv1DTower`.
    defaults : mapping
        The default tower.
    input_len : int
        Length of the sequences in bp.
    input_channels : int
        Letters of the alphabet.

    Returns
    -------
    eugene.nn.Conv1DTower
        The tower.

    Raises
    ------
    ModelError
        If ``conv_kwargs`` is given without channels or kernels.
    """
    missing = [k for k in ("conv_channels", "conv_kernels") if k not in (conv_kwargs or defaults)]
    if missing:
        raise ModelError(
            f"conv_kwargs lacks {' and '.join(missing)}: give them, one value a layer, or "
            "leave conv_kwargs out for the default tower"
        )
    return make_part(
        Conv1DTower,
        "conv_kwargs",
        conv_kwargs,
        {} if conv_kwargs else defaults,
        input_len=input_len,
        input_channels=input_channels,
    )


def make_reduction(tower: Conv1DTower, pool: str) -> tuple[nn.Module, int]:
    """Return what turns the tower's output into features, and how many features there are.

    Parameters
    ----------
    tower : eugene.nn.Conv1DTower
        The tower.
    pool : {"flatten", "max", "avg", "max_avg"}
        See :class:`CNN`.

    Returns
    -------
    module : torch.nn.Module
        From (batch, channels, length) to (batch, features).
    features : int
        Number of features.
    """
    if pool == "flatten":
        return nn.Flatten(), tower.flatten_dim
    reduction = GlobalPool(pool)
    return reduction, tower.out_channels * reduction.multiplier
