"""Convolutions followed by a recurrent net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch

from eugene.config.marks import ArgumentsOf
from eugene.models._base import Stranded, channels_of, make_part, make_strands
from eugene.models.cnn import make_tower
from eugene.nn import ModelError, RecurrentBlock

_CONV = {
    "conv_channels": [32, 64],
    "conv_kernels": [15, 7],
    "conv_padding": "same",
    "pool_kernels": [4, 2],
    "dropout_rates": 0.1,
}
_RECURRENT = {"hidden_dim": 32, "bidirectional": True}
_DENSE = {"hidden_dims": [32], "dropout_rates": 0.25}
_SUMMARIES = ("last", "mean", "max", "last_position")


class Hybrid(Stranded):
    """Convolutions, a recurrent net over what they see, then dense layers.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs (raw: logits for classification).
    conv_kwargs : dict, optional
        Arguments of :class:`eugene.nn.Conv1DTower`; see :class:`eugene.models.zoo.CNN`.
    recurrent_kwargs : dict, optional
        Arguments of :class:`eugene.nn.RecurrentBlock`; left out, a bidirectional LSTM of 32. Given,
        the net reads one way only unless ``bidirectional`` is set, as in EUGENe.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`, taken as they are. Left out, the parts given
        are followed by a plain linear layer, as in EUGENe; the default network (nothing given)
        has one hidden layer of 32 with dropout 0.25.
    strands : {"single", "both"}
        ``"both"`` reads the reverse complement too, with the same weights.
    aggregate : {"max", "mean", "sum", "concat", "concat_cnn"}
        How the features of both strands are brought together before the dense layers;
        ``"concat_cnn"`` instead gives the recurrent net the channels of both strands, each from
        its own 5' end on.
    summary : {"last", "mean", "max", "last_position"}
        What the dense layers see of the recurrent states: the state of each direction after it
        has read everything, or the mean or largest state over the positions.
        ``"last_position"`` takes both states at the last position, where the backward net has
        read one position only, as EUGENe 0.1.2 did, so that its weights predict alike.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> Hybrid(100, 1)(torch.rand(3, 4, 100)).shape
    torch.Size([3, 1])
    """

    name: ClassVar[str] = "hybrid"
    dense_default = _DENSE

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        recurrent_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:RecurrentBlock")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        strands: str = "single",
        aggregate: str = "max",
        summary: str = "last",
        input_channels: int | None = None,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            recurrent_kwargs=dict(recurrent_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            strands=strands,
            aggregate=aggregate,
            summary=summary,
        )
        check_summary(summary)
        self.summary = summary
        self.conv1d_tower = make_tower(conv_kwargs, _CONV, input_len, channels)
        self.merge_maps = None
        if aggregate == "concat_cnn":
            self.merge_maps = make_strands(strands, "concat", channels)
        self.recurrent_block = make_part(
            RecurrentBlock,
            "recurrent_kwargs",
            recurrent_kwargs,
            {"hidden_dim": 32} if recurrent_kwargs else _RECURRENT,
            input_dim=self.conv1d_tower.out_channels * (1 if self.merge_maps is None else 2),
            batch_first=True,
        )
        self._finish(
            self.recurrent_block.out_channels,
            dense_kwargs,
            conv_kwargs or recurrent_kwargs,
            merged=self.merge_maps is not None,
        )

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        reads_back = self.recurrent_block.bidirectional and self.summary == "last"
        return super().in_eugene() | ({"summary": "last_position"} if reads_back else {})

    def _read(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.conv1d_tower(x)
        if self.merge_maps is not None:
            seen = self.merge_maps(seen, self.conv1d_tower(self.reverse_complement(x)))
        return summarise(self.recurrent_block(seen.transpose(1, 2)), self.summary)


def check_summary(summary: str) -> None:
    """Raise where states cannot be summed up so.

    Raises
    ------
    ModelError
        If ``summary`` is unknown.
    """
    if summary not in _SUMMARIES:
        raise ModelError(f"summary={summary!r} must be one of {', '.join(_SUMMARIES)}")


def summarise(states_and_last: tuple[torch.Tensor, torch.Tensor], summary: str) -> torch.Tensor:
    """Return what dense layers see of a recurrent net.

    Parameters
    ----------
    states_and_last : tuple of torch.Tensor
        The states, float (batch, length, channels), and the last of them, (batch, channels).
    summary : str
        See :class:`Hybrid`.

    Returns
    -------
    torch.Tensor of float, shape (batch, channels)
        One row a sequence.
    """
    states, last = states_and_last
    if summary == "last":
        return last
    if summary == "last_position":
        return states[:, -1]
    return states.mean(dim=1) if summary == "mean" else states.amax(dim=1)
