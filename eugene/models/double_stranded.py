"""EUGENe's double-stranded networks: those of one strand, run on both with the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch

from eugene._calls import eugene_call
from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, arguments
from eugene.models.cnn import CNN
from eugene.models.fcn import FCN, RNN
from eugene.models.hybrid import Hybrid


class DoubleStranded(Architecture):
    """What the four have in common: the network of one strand, told to read both.

    Parameters
    ----------
    network : Architecture
        It, built with ``strands="both"``.
    given : dict
        The arguments of the class.
    """

    def __init__(self, network: Architecture, given: Mapping[str, Any]) -> None:
        super().__init__(**{**given, "input_channels": network.input_channels})
        self.network = network
        self.length_free = network.length_free  # type: ignore[misc]
        self.register_load_state_dict_pre_hook(_rename_parameters)  # type: ignore[no-untyped-call]

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments of EUGENe's arrangement."""
        return {k: v for k, v in self.network.in_eugene().items() if k in self.config}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, 4, input_len)."""
        result: torch.Tensor = self.network(x)
        return result


class dsFCN(DoubleStranded):
    """Dense layers over both strands.

    Parameters
    ----------
    input_len, output_dim : int
        Length of the sequences in bp and number of outputs.
    aggr : {"concat", "max", "avg", "sum"}
        How both strands are brought together, see :class:`eugene.models.zoo.FCN`.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`.
    input_channels : int
        Letters of the alphabet, the 4 of DNA or RNA.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> dsFCN(50, 2)(torch.rand(3, 4, 50)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "ds_fcn"

    @eugene_call("eugene.models.zoo.dsFCN", same={"input_dims": "input_channels"})
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        input_channels: int = 4,
        aggr: str = "concat",
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
    ) -> None:
        given = arguments(locals())
        network = FCN(
            input_len,
            output_dim,
            dense_kwargs=dense_kwargs,
            strands="both",
            aggregate=aggr,
            input_channels=input_channels,
        )
        super().__init__(network, given)


class dsCNN(DoubleStranded):
    """Convolutions over both strands, then dense layers.

    Parameters
    ----------
    input_len, output_dim : int
        Length of the sequences in bp and number of outputs.
    conv_kwargs : dict, optional
        Arguments of :class:`eugene.nn.Conv1DTower`.
    aggr : {"concat", "max", "avg", "sum"}
        How the features of both strands are brought together before the dense layers.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`.
    input_channels : int, optional
        Letters of the alphabet, the 4 of DNA or RNA.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> dsCNN(100, 2)(torch.rand(3, 4, 100)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "ds_cnn"

    @eugene_call("eugene.models.zoo.dsCNN")
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        aggr: str = "concat",
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        input_channels: int | None = None,
    ) -> None:
        given = arguments(locals())
        network = CNN(
            input_len,
            output_dim,
            conv_kwargs,
            dense_kwargs,
            strands="both",
            aggregate=aggr,
            input_channels=input_channels,
        )
        super().__init__(network, given)


class dsRNN(DoubleStranded):
    """A recurrent net over both strands, then dense layers.

    Parameters
    ----------
    input_len, output_dim : int
        Length of the sequences in bp and number of outputs.
    recurrent_kwargs : dict, optional
        Arguments of :class:`eugene.nn.RecurrentBlock`.
    aggr : {"concat", "max", "avg", "sum"}
        How the states of both strands are brought together before the dense layers.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`.
    summary : {"last", "mean", "max", "last_position"}
        What is seen of the states, as in :class:`eugene.models.zoo.Hybrid`.
    input_channels : int
        Letters of the alphabet, the 4 of DNA or RNA.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> dsRNN(50, 2)(torch.rand(3, 4, 50)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "ds_rnn"

    @eugene_call("eugene.models.zoo.dsRNN", same={"input_dims": "input_channels"})
    def __init__(
        self,
        input_len: int,
        output_dim: int,
        recurrent_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:RecurrentBlock")
        ] = None,
        aggr: str = "concat",
        input_channels: int = 4,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        summary: str = "last",
    ) -> None:
        given = arguments(locals())
        network = RNN(
            input_len,
            output_dim,
            recurrent_kwargs,
            dense_kwargs=dense_kwargs,
            strands="both",
            aggregate=aggr,
            summary=summary,
            input_channels=input_channels,
        )
        super().__init__(network, given)


class dsHybrid(DoubleStranded):
    """Convolutions and a recurrent net over both strands, then dense layers.

    Parameters
    ----------
    input_len, output_dim : int
        Length of the sequences in bp and number of outputs.
    conv_kwargs : dict, optional
        Arguments of :class:`eugene.nn.Conv1DTower`.
    recurrent_kwargs : dict, optional
        Arguments of :class:`eugene.nn.RecurrentBlock`.
    aggr : {"concat_cnn", "concat_rnn", "max", "avg", "sum"}
        How both strands are brought together: their channels before the recurrent net, each
        strand from its own 5' end on (``"concat_cnn"``), or its states before the dense layers.
    dense_kwargs : dict, optional
        Arguments of :class:`eugene.nn.DenseBlock`.
    summary : {"last", "mean", "max", "last_position"}
        What is seen of the states, as in :class:`eugene.models.zoo.Hybrid`.
    input_channels : int, optional
        Letters of the alphabet, the 4 of DNA or RNA.

    Raises
    ------
    ModelError
        If arguments do not fit together.

    Examples
    --------
    >>> dsHybrid(100, 2)(torch.rand(3, 4, 100)).shape
    torch.Size([3, 2])
    """

    name: ClassVar[str] = "ds_hybrid"

    @eugene_call("eugene.models.zoo.dsHybrid")
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
        aggr: str = "concat_cnn",
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        *,
        summary: str = "last",
        input_channels: int | None = None,
    ) -> None:
        given = arguments(locals())
        network = Hybrid(
            input_len,
            output_dim,
            conv_kwargs,
            recurrent_kwargs,
            dense_kwargs,
            strands="both",
            aggregate="concat" if aggr == "concat_rnn" else aggr,
            summary=summary,
            input_channels=input_channels,
        )
        super().__init__(network, given)


def _rename_parameters(
    _module: Architecture, state_dict: dict[str, torch.Tensor], prefix: str, *_: object
) -> None:
    """Let the state dicts of EUGENe, and of networks with ``strands="both"``, load."""
    inner = f"{prefix}network."
    for key in [k for k in state_dict if k.startswith(prefix) and not k.startswith(inner)]:
        state_dict[inner + key[len(prefix) :]] = state_dict.pop(key)
