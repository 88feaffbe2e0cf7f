"""Layers and small functions on networks, of EUGENe's private modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from eugene._calls import eugene_call, only
from eugene.nn import BiConv1d as _BiConv1d
from eugene.nn import Exponential as _Exponential
from eugene.nn import InceptionConv1d as _InceptionConv1d
from eugene.nn import Residual as _Residual
from eugene.nn import init_motif_weights
from seqpro.motifs import MotifSet, OldMotifSet


class Flatten(nn.Module):
    """Flatten (batch, channels, length) with the length first, as EUGENe did.

    Examples
    --------
    >>> Flatten()(torch.arange(4.0).reshape(1, 2, 2)).tolist()
    [[0.0, 2.0, 1.0, 3.0]]
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(batch, length * channels)``."""
        return x.transpose(-1, -2).flatten(1)


class _Activation(nn.Module):
    """An activation that may be told to work in place; it did not, and does not.

    Parameters
    ----------
    inplace : bool
        Unused, as it was.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()


class GELU(_Activation, nn.GELU):
    """The activation of `torch.nn.GELU`."""


class Sigmoid(_Activation, nn.Sigmoid):
    """The activation of `torch.nn.Sigmoid`."""


class Exponential(_Activation, _Exponential):
    """The activation of `eugene.nn.Exponential`."""


class RevComp(nn.Module):
    """Turn axes round; those of letters and positions give the other strand.

    Parameters
    ----------
    dim : sequence of int
        The axes.

    Examples
    --------
    >>> RevComp()(torch.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[3.0, 2.0], [1.0, 0.0]]]
    """

    def __init__(self, dim: Sequence[int] = (1, 2)) -> None:
        super().__init__()
        self.dim = tuple(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` with the axes turned round."""
        return x.flip(self.dim)


_AS_PUBLISHED = "the layer keeps the length and sees every position"


class BiConv1D(_BiConv1d):
    """A convolution of both strands, `eugene.nn.BiConv1d`.

    EUGENe's turned filters about the wrong axes, as ``flip="eugene"`` does, and dropped out in
    evaluation as well.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
        As of `eugene.nn.BiConv1d`.
    flip : str
        About which axes filters are turned.
    bias : bool
        Whether a constant is added.
    """

    @eugene_call(
        "eugene.models.base._layers.BiConv1D",
        unheard={"device": only(None), "dtype": only(None)},
        refused={
            "stride": _AS_PUBLISHED,
            "padding": _AS_PUBLISHED,
            "dilation": _AS_PUBLISHED,
            "groups": _AS_PUBLISHED,
            "dropout_rate": "put a torch.nn.Dropout behind it",
        },
    )
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        flip: str = "reverse_complement",
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, flip=flip, bias=bias)


_ONE_WIDTH = "all paths have out_channels filters: eugene.nn.InceptionConv1d"


class InceptionConv1D(_InceptionConv1d):
    """Convolutions of several widths side by side, `eugene.nn.InceptionConv1d`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input, and of the output.
    kernel_size2, kernel_size3, conv_maxpool_kernel_size : int
        Widths of the paths.
    activation : str
        EUGENe's had none: ``"identity"``.
    """

    @eugene_call(
        "eugene.models.base._layers.InceptionConv1D",
        unheard={"device": only(None), "dtype": only(None)},
        refused={
            "conv1_out_channels": _ONE_WIDTH,
            "conv2_out_channels": _ONE_WIDTH,
            "conv3_out_channels": _ONE_WIDTH,
            "conv_maxpool_out_channels": _ONE_WIDTH,
        },
    )
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size2: int = 3,
        kernel_size3: int = 5,
        conv_maxpool_kernel_size: int = 3,
        activation: str = "relu",
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size2=kernel_size2,
            kernel_size3=kernel_size3,
            conv_maxpool_kernel_size=conv_maxpool_kernel_size,
            activation=activation,
        )


class Softplus(nn.Softplus):
    """The activation of `torch.nn.Softplus`.

    Parameters
    ----------
    beta, threshold : float
        As of `torch.nn.Softplus`.
    inplace : bool
        Unused, as it was.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0, inplace: bool = False) -> None:
        super().__init__(beta, threshold)


class Residual(_Residual):
    """Add what a module makes of its input to the input, as `eugene.nn.Residual` does.

    Parameters
    ----------
    module : torch.nn.Module
        Gives a tensor of the shape of its input.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module)


class Unsqueeze(nn.Module):
    """Add an axis.

    Parameters
    ----------
    dim : int
        Where.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` with an axis of length 1 more."""
        return x.unsqueeze(self.dim)


class View(nn.Module):
    """Give tensors another shape.

    Parameters
    ----------
    shape : sequence of int
        The shape, that of the batch included.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` in the shape."""
        return x.view(*self.shape)


def output_size(modules: nn.Module, input_size: int | Sequence[int]) -> torch.Size:
    """Return the shape of what a network makes of one row, the batch left out.

    Parameters
    ----------
    modules : torch.nn.Module
        The network.
    input_size : int or sequence of int
        Shape of a row.

    Examples
    --------
    >>> output_size(nn.Conv1d(4, 3, 5), (4, 20))
    torch.Size([3, 16])
    """
    shape = (input_size,) if isinstance(input_size, int) else tuple(input_size)
    training = modules.training
    try:
        with torch.no_grad():
            return torch.Size(modules.eval()(torch.zeros(1, *shape)).shape[1:])
    finally:
        modules.train(training)


def output_length(modules: Iterable[nn.Module], input_len: int) -> int:
    """Return the length of what convolutions and pools leave of a sequence.

    Parameters
    ----------
    modules : iterable of torch.nn.Module
        Layers in order; those without a kernel keep the length.
    input_len : int
        Length in bp.

    Examples
    --------
    >>> output_length([nn.Conv1d(4, 3, 5), nn.ReLU(), nn.MaxPool1d(4)], 20)
    4
    """
    from eugene.nn import Conv1DBlock

    length = input_len
    for layer in modules:
        if isinstance(layer, (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d, Conv1DBlock)):
            channels = next((p.shape[1] for p in layer.parameters()), 1)
            length = output_size(layer, (channels, length))[-1]
    return length


def to_kernel(
    motif_set: MotifSet | OldMotifSet,
    kernel: torch.Tensor | None = None,
    convert_to_pwm: bool = True,
    divide_by_bg: bool = False,
    motif_align: str = "center",
    kernel_align: str = "center",
) -> torch.Tensor:
    """Return motifs as the weights of filters.

    Parameters
    ----------
    motif_set : seqpro.motifs.MotifSet or OldMotifSet
        The motifs.
    kernel : Tensor, shape (filters, letters, width), optional
        Weights that the first filters are written into; by default as many as there are motifs,
        as wide as the widest.
    convert_to_pwm : bool
        Log odds, or probabilities less the background.
    divide_by_bg, kernel_align : optional
        Only what `eugene.models.init_motif_weights` does.
    motif_align : {"center", "left", "right"}
        Where a narrow motif stands.

    Returns
    -------
    Tensor of float32, shape (filters, letters, width)

    Examples
    --------
    >>> from seqpro.motifs import Motif
    >>> to_kernel(MotifSet([Motif("a", [[1.0], [0.0], [0.0], [0.0]])])).shape
    torch.Size([1, 4, 1])
    """
    found = motif_set.today if isinstance(motif_set, OldMotifSet) else motif_set
    if kernel is None:
        kernel = torch.zeros(len(found), 4, max(motif.width for motif in found))
    filters, letters, width = kernel.shape
    layer = nn.Conv1d(letters, filters, width)
    with torch.no_grad():
        layer.weight.copy_(kernel)
    init_motif_weights(
        nn.Sequential(layer), "0", found, convert_to_pwm=convert_to_pwm,
        motif_align=motif_align,
    )  # fmt: skip
    return layer.weight.detach()
