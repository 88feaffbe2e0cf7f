"""DeepSTARR: enhancer activity of 249-bp sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from eugene.config.marks import ArgumentsOf
from eugene.models._tower_net import TowerNet

_KERAS_NORM = {
    "batchnorm": True,
    "batchnorm_first": True,
    "batchnorm_eps": 1e-3,
    "batchnorm_momentum": 0.01,
}
_CONV = {
    "conv_channels": [256, 60, 60, 120],
    "conv_kernels": [7, 3, 5, 3],
    "conv_padding": "same",
    "pool_kernels": 2,
    **_KERAS_NORM,
}
_DENSE = {"hidden_dims": [256, 256], "dropout_rates": 0.4, **_KERAS_NORM}
_TORCH_NORM = {"batchnorm_eps": 1e-5, "batchnorm_momentum": 0.1}


class DeepSTARR(TowerNet):
    """DeepSTARR as published: 622,722 trainable parameters at 249 bp and two outputs.

    Batch normalisation has the constants of Keras (epsilon 1e-3, momentum 0.99), without which
    published weights do not reproduce.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 249.
    output_dim : int
        Number of outputs; published: 2 (developmental, housekeeping; log2 activity).
    conv_kwargs : dict, optional
        Changes to the tower, arguments of :class:`eugene.nn.Conv1DTower`.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    References
    ----------
    de Almeida et al. 2022, https://doi.org/10.1038/s41588-022-01048-5

    Examples
    --------
    >>> sum(p.numel() for p in DeepSTARR().parameters())
    622722
    """

    name: ClassVar[str] = "deepstarr"
    eugene_sizes = (
        {"conv_channels": [246, 60, 60, 120], "pool_strides": 1, **_TORCH_NORM},
        _TORCH_NORM,
    )

    def __init__(
        self,
        input_len: int = 249,
        output_dim: int = 2,
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
