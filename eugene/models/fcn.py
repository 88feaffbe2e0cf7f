"""Networks without convolutions: dense layers, and a recurrent net, over the letters themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene.config.marks import ArgumentsOf
from eugene.models._base import Stranded, make_part
from eugene.models.hybrid import check_summary, summarise
from eugene.nn import RecurrentBlock

_RECURRENT = {"hidden_dim": 32, "bidirectional": True}


class FCN(Stranded):
    """Dense layers over all letters; a linear model if no hidden layer is asked for.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs (raw: logits for classification).
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`; left out, the model is linear, as in EUGENe.
    strands : {"single", "both"}
        ``"both"`` reads the reverse complement too, with the same weights.
    aggregate : {"max", "mean", "sum", "concat"}
        How both strands are brought together: their outputs, or with ``"concat"`` their letters
        side by side.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> sum(p.numel() for p in FCN(50, 1).parameters())
    201
    """

    name: ClassVar[str] = "fcn"

    @eugene_call("eugene.models.zoo.FCN", same={"input_dims": "input_channels"})
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        input_channels: int = 4,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        strands: str = "single",
        aggregate: str = "max",
    ) -> None:
        super().__init__(
            input_len,
            output_dim,
            input_channels=input_channels,
            dense_kwargs=dict(dense_kwargs or {}),
            strands=strands,
            aggregate=aggregate,
        )
        self.flatten = nn.Flatten()
        self._finish(input_len * input_channels, dense_kwargs, given=True)

    def _read(self, x: torch.Tensor) -> torch.Tensor:
        letters: torch.Tensor = self.flatten(x)
        return letters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        merge = self.merge_strands
        if merge is None or merge.multiplier > 1:
            return super().forward(x)
        back = self.dense_block(self._read(self.reverse_complement(x)))
        result: torch.Tensor = merge(self.dense_block(self._read(x)), back)
        return result


class RNN(Stranded):
    """A recurrent net over the letters, then dense layers over its last states.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; other lengths can be read as well.
    output_dim : int
        Number of outputs (raw: logits for classification).
    recurrent_kwargs : dict, optional
        Arguments of :class:`eugene.nn.RecurrentBlock`; left out, a bidirectional LSTM of 32. Given,
        the net reads one way only unless ``bidirectional`` is set, as in EUGENe.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`; left out, a plain linear layer.
    strands : {"single", "both"}
        ``"both"`` reads the reverse complement too, with the same weights.
    aggregate : {"max", "mean", "sum", "concat"}
        How the states of both strands are brought together before the dense layers.
    summary : {"last", "mean", "max", "last_position"}
        What the dense layers see of the states, as in :class:`eugene.models.zoo.Hybrid`.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> RNN(50, 2)(torch.rand(3, 4, 50)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "rnn"
    length_free: ClassVar[bool] = True

    @eugene_call("eugene.models.zoo.RNN", same={"input_dims": "input_channels"})
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        recurrent_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:RecurrentBlock")
        ] = None,
        input_channels: int = 4,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        strands: str = "single",
        aggregate: str = "max",
        summary: str = "last",
    ) -> None:
        super().__init__(
            input_len,
            output_dim,
            input_channels=input_channels,
            recurrent_kwargs=dict(recurrent_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            strands=strands,
            aggregate=aggregate,
            summary=summary,
        )
        check_summary(summary)
        self.summary, self._letters = summary, input_channels
        self.recurrent_block = make_part(
            RecurrentBlock,
            "recurrent_kwargs",
            recurrent_kwargs,
            {"hidden_dim": 32} if recurrent_kwargs else _RECURRENT,
            input_dim=input_channels,
            batch_first=True,
        )
        self._finish(self.recurrent_block.out_channels, dense_kwargs, given=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from (batch, letters, length).

        EUGENe's read (batch, length, letters), which is turned where it cannot be mistaken.
        """
        letters = self._letters
        turned = x.ndim == 3 and x.shape[1] != letters and x.shape[2] == letters
        return super().forward(x.transpose(1, 2) if turned else x)

    def _read(self, x: torch.Tensor) -> torch.Tensor:
        return summarise(self.recurrent_block(x.transpose(1, 2)), self.summary)

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        reads_back = self.recurrent_block.bidirectional and self.summary == "last"
        return {"summary": "last_position"} if reads_back else {}
