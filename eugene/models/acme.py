"""The network of the study of consistent attribution maps (ACME)."""

from __future__ import annotations

from typing import ClassVar

from eugene.models._base import arguments
from eugene.models._tower_net import TowerNet


class AcmeCNN(TowerNet):
    """Four convolutions and a dense layer, for 200 bp of synthetic regulatory code.

    46,225 trainable parameters with batch normalisation and a width of 1. The paper's table of
    layers is that of the networks in Koo and Ploenzke 2021, with ``activation`` behind the first
    convolution and ReLU behind the others. Outputs are logits.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 200.
    output_dim : int
        Number of outputs; published: 1.
    activation : str
        Behind the first convolution; published: relu and exponential.
    batchnorm : bool
        Whether layers are normalised; both are published.
    width : int
        Factor on all channels.
    dropout, dense_dropout : float
        Share of values dropped behind convolutions and behind the dense layer in training.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If an activation is unknown or the sequences are too short.

    References
    ----------
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html; Koo and
    Ploenzke 2021, https://doi.org/10.1038/s42256-020-00291-x

    Examples
    --------
    >>> sum(p.numel() for p in AcmeCNN(activation="exponential").parameters())
    46225
    """

    name: ClassVar[str] = "acme_cnn"

    def __init__(
        self,
        input_len: int = 200,
        output_dim: int = 1,
        *,
        activation: str = "relu",
        batchnorm: bool = True,
        width: int = 1,
        dropout: float = 0.1,
        dense_dropout: float = 0.5,
        input_channels: int = 4,
    ) -> None:
        given = arguments(locals())
        norm = {"batchnorm": batchnorm, "batchnorm_first": True}
        super().__init__(
            input_len,
            output_dim,
            None,
            None,
            input_channels,
            sizes={
                "conv_channels": [24 * width, 32 * width, 48 * width, 64 * width],
                "conv_kernels": [19, 7, 7, 3],
                "conv_padding": ["same", "same", "valid", "valid"],
                "conv_biases": False,
                "activations": [activation, "relu", "relu", "relu"],
                "pool_kernels": [None, 4, 4, 3],
                "dropout_rates": dropout,
                **norm,
            },
            dense={
                "hidden_dims": [96 * width],
                "dropout_rates": dense_dropout,
                "biases": False,
                **norm,
            },
        )
        self.config = {"name": self.name, **given}

    def in_eugene(self) -> dict[str, object]:
        """Return nothing: EUGENe did not have this network."""
        return {}
