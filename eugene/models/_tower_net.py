"""What networks of one tower and dense layers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, channels_of, make_part
from eugene.nn import Conv1DTower, DenseBlock


class TowerNet(Architecture):
    """A tower of convolutions, flattened, then dense layers; a family is a table of sizes.

    Parameters
    ----------
    input_len, output_dim, input_channels
        As in :class:`Architecture`.
    conv_kwargs, dense_kwargs : mapping or None
        Changes to the class's table.
    sizes : mapping
        The class's table of the tower, arguments of :class:`eugene.nn.Conv1DTower`.
    dense : mapping
        That of the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    **config
        Further arguments to be kept.
    """

    eugene_sizes: ClassVar[tuple[Mapping[str, Any], Mapping[str, Any]]] = ({"pool_strides": 1}, {})

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        conv_kwargs: Mapping[str, object] | None,
        dense_kwargs: Mapping[str, object] | None,
        input_channels: int | None,
        *,
        sizes: Mapping[str, object],
        dense: Mapping[str, object],
        **config: object,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            **config,
        )
        self.conv1d_tower = make_part(
            Conv1DTower, "conv_kwargs", conv_kwargs, sizes,
            input_len=input_len, input_channels=channels,
        )  # fmt: skip
        self.flatten = nn.Flatten()
        self.dense_block = make_part(
            DenseBlock, "dense_kwargs", dense_kwargs, dense,
            input_dim=self.conv1d_tower.flatten_dim, output_dim=output_dim,
        )  # fmt: skip

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        conv, dense = self.eugene_sizes
        return {
            "conv_kwargs": {**conv, **self.config["conv_kwargs"]},
            "dense_kwargs": {**dense, **self.config["dense_kwargs"]},
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        result: torch.Tensor = self.dense_block(self.flatten(self.conv1d_tower(x)))
        return result
