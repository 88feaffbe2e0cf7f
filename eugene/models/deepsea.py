"""DeepSEA: chromatin profiles from three convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from eugene.config.marks import ArgumentsOf
from eugene.models._tower_net import TowerNet

_CONV = {
    "conv_channels": [320, 480, 960],
    "conv_kernels": 8,
    "pool_kernels": [4, 4, None],
    "dropout_rates": [0.2, 0.2, 0.5],
}
_DENSE = {"hidden_dims": [925]}


class DeepSEA(TowerNet):
    """DeepSEA as published: 52,843,119 parameters at 1,000 bp and 919 outputs.

    Outputs are logits. Published with limits on the norm of the weights, which are a matter of
    training, and a mean over both strands: see :class:`eugene.nn.BothStrands`.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 1,000.
    output_dim : int
        Number of outputs; published: 919.
    conv_kwargs : dict, optional
        Changes to the tower, arguments of :class:`eugene.nn.Conv1DTower`.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together or the sequences are too short.

    References
    ----------
    Zhou and Troyanskaya 2015, https://doi.org/10.1038/nmeth.3547

    Examples
    --------
    >>> small = DeepSEA(200, 2, {"conv_channels": [8, 8, 8]}, {"hidden_dims": [8]})
    >>> sum(p.numel() for p in small.parameters())
    1522
    """

    name: ClassVar[str] = "deepsea"

    def __init__(
        self,
        input_len: int = 1000,
        output_dim: int = 919,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        input_channels: int | None = None,
    ) -> None:
        super().__init__(
            input_len,
            output_dim,
            conv_kwargs,
            dense_kwargs,
            input_channels,
            sizes=_CONV,
            dense=_DENSE,
        )
