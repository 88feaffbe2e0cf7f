"""DeepMEL: topics of open chromatin in melanoma."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn import functional as F

from eugene._calls import eugene_call
from eugene.models._base import arguments, make_strands
from eugene.models.crested import DeepTopicLSTM
from eugene.nn import ReverseComplement


class DeepMEL(DeepTopicLSTM):
    """The network that CREsted's DeepTopic LSTM was made from, run on both strands.

    3,442,200 trainable parameters at 500 bp and 24 topics, counted on the layers of a notebook
    that trains it (luckyday1122/DeepMEL_tutorial); CREsted's description of the model names 3.4
    million. Outputs are logits: of the mean of the probabilities that both strands give, as there.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 500.
    output_dim : int
        Number of topics; published: 24.
    filters, kernel_size : int
        Channels and width of the convolution.
    pool_size : int
        Width and step of the pooling.
    lstm_units, dense_units : int
        Width of each direction of the LSTM and the layer before it, and of the dense layer.
    dropout, lstm_dropout, dense_dropout : float
        Share of values dropped in training around the LSTM, before it, and after the dense layer.
    strands : {"both", "single"}
        Whether the reverse complement is read as well, as published.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short or ``strands`` is neither.

    References
    ----------
    Minnoye et al. 2020, https://doi.org/10.1101/gr.260844.120

    Examples
    --------
    >>> model = DeepMEL(100, 3, filters=8, lstm_units=4, dense_units=8).eval()
    >>> x = torch.rand(2, 4, 100)
    >>> bool(torch.allclose(model(x), model(x.flip(1, 2)), atol=1e-6))
    True
    """

    name: ClassVar[str] = "deepmel"

    @eugene_call(
        "eugene.models.zoo.DeepMEL",
        refused={
            "conv_kwargs": "say filters=, kernel_size=, pool_size= and dropout=",
            "recurrent_kwargs": "say lstm_units= and lstm_dropout=",
            "dense_kwargs": "say dense_units= and dense_dropout=",
        },
    )
    def __init__(
        self,
        input_len: int = 500,
        output_dim: int = 24,
        *,
        filters: int = 128,
        kernel_size: int = 20,
        pool_size: int = 10,
        lstm_units: int = 128,
        dense_units: int = 256,
        dropout: float = 0.2,
        lstm_dropout: float = 0.1,
        dense_dropout: float = 0.4,
        strands: str = "both",
        input_channels: int = 4,
    ) -> None:
        given = arguments(locals())
        super().__init__(
            input_len,
            output_dim,
            filters=filters,
            first_kernel_size=kernel_size,
            max_pool_size=pool_size,
            max_pool_stride=pool_size,
            dense_out=dense_units,
            lstm_out=lstm_units,
            lstm_do=lstm_dropout,
            pre_dense_do=dropout,
            dense_do=dense_dropout,
            input_channels=input_channels,
        )
        self.reverse_complement = ReverseComplement()
        self.both = make_strands(strands, "mean", input_channels) is not None
        self.config = {"name": self.name, **given}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        ahead = super().forward(x)
        if not self.both:
            return ahead
        logits = torch.stack((ahead, super().forward(self.reverse_complement(x))), dim=-1)
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        return torch.logsumexp(yes, dim=-1) - torch.logsumexp(no, dim=-1)
