"""BPNet and ChromBPNet: base-resolution profiles and their counts."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from torch import nn

from eugene._calls import anything, eugene_call, only
from eugene.config.marks import Least
from eugene.models._base import Architecture, arguments
from eugene.models._profile import ProfileHead, ProfileOutput, trimmed
from eugene.nn import Residual, SameConv1d

STEM_KERNEL, PROFILE_KERNEL = 21, 75


class BPNet(Architecture):
    """A wide convolution, dilated residual convolutions, a profile and its counts.

    109,122 parameters with 64 filters, 8 layers, one track and no controls, as bpnet-lite has.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2114. Other lengths can be read as well.
    output_dim : int
        Number of counts; published: 1, of all tracks together.
    n_filters : int
        Channels of all convolutions.
    n_layers : int
        Dilated convolutions, with dilations 2, 4, ..., ``2 ** n_layers``.
    n_outputs : int
        Tracks of the profile: 1, or 2 for strands.
    n_control_tracks : int
        Control tracks that :meth:`forward` takes beside the sequence.
    trimming : int, optional
        Positions of the input left out at each end of the profile; by default
        ``2 ** n_layers``.
    batchnorm : bool
        Normalise after every convolution but the profile's, which makes little data go further;
        published: not.
    dropout : float
        Chance of a channel of a dilated convolution to be left out in training; published: 0.
    profile : bool
        Whether there is a profile. Without, the network returns counts alone, a tensor that
        :class:`eugene.models.SequenceModule` can be trained on.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41588-021-00782-6

    Examples
    --------
    >>> output = BPNet(2114, n_outputs=2)(torch.rand(1, 4, 2114))
    >>> output.profile.shape, output.counts.shape
    (torch.Size([1, 2, 1602]), torch.Size([1, 1]))
    """

    name: ClassVar[str] = "bpnet"
    length_free: ClassVar[bool] = True

    @eugene_call(
        "eugene.models.zoo.BPNet",
        unheard={
            "profile_output_bias": only(True),
            "count_output_bias": only(True),
            "name": anything,
            "verbose": anything,
        },
        refused={"alpha": "the weight of the counts is ProfileModule(count_weight=)"},
    )
    def __init__(
        self,
        input_len: int = 2114,
        output_dim: int = 1,
        *,
        n_filters: int = 64,
        n_layers: int = 8,
        n_outputs: int = 1,
        n_control_tracks: int = 0,
        trimming: int | None = None,
        batchnorm: bool = False,
        dropout: Annotated[float, Least(0)] = 0.0,
        profile: bool = True,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        trimming = 2**n_layers if trimming is None else trimming
        self.output_len = trimmed(input_len, trimming)

        def activated(convolution: nn.Module, *more: nn.Module) -> nn.Sequential:
            norm = [nn.BatchNorm1d(n_filters)] if batchnorm else []
            return nn.Sequential(convolution, *norm, nn.ReLU(), *more)

        dropped = (nn.Dropout1d(dropout),) if dropout else ()
        self.stem = activated(SameConv1d(input_channels, n_filters, STEM_KERNEL))
        self.blocks = nn.Sequential(
            *(
                Residual(activated(SameConv1d(n_filters, n_filters, 3, dilation=2**i), *dropped))
                for i in range(1, n_layers + 1)
            )
        )
        self.head = ProfileHead(
            n_filters,
            n_outputs,
            output_dim,
            n_control_tracks=n_control_tracks,
            trimming=trimming,
            kernel=PROFILE_KERNEL,
            margin=PROFILE_KERNEL // 2,
            profile=profile,
        )

    def forward(
        self, x: torch.Tensor, control: torch.Tensor | None = None
    ) -> ProfileOutput | torch.Tensor:
        """Return profile logits and logarithmic counts.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.
        control : torch.Tensor of float, shape (batch, n_control_tracks, length), optional
            Control tracks in counts; left out, they are zero everywhere.

        Returns
        -------
        ProfileOutput or torch.Tensor of float, shape (batch, output_dim)
            Profile (batch, n_outputs, length - 2 * trimming) and counts; without a profile the
            counts.
        """
        result: ProfileOutput | torch.Tensor = self.head(self.blocks(self.stem(x)), control)
        return result

    @torch.no_grad()
    def shift_counts(self, by: float | torch.Tensor) -> None:
        """Add a constant to the logarithmic counts.

        Parameters
        ----------
        by : float or torch.Tensor of float, shape (output_dim,)
            What is added.
        """
        self.head.counts.bias.add_(by)


class ChromBPNet(Architecture):
    """Accessibility apart from the bias of the enzyme: two BPNets, of which one learns the bias.

    Profiles add up as logits, counts as counts. The main network has 6,377,986 parameters, the
    one of the bias 217,730, which by default are not trained: it is trained before, on closed
    regions, and its weights are put into ``.bias``.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 2114. Other lengths can be read as well.
    output_dim : int
        Number of counts; published: 1.
    n_filters, n_layers : int
        Size of the main network.
    bias_filters, bias_layers : int
        Size of the network of the bias.
    n_outputs : int
        Tracks of the profile.
    trimming : int, optional
        Positions left out at each end of the profile; by default all that the main network does
        not see whole, 557 with 8 layers, which leaves 1000 of 2114.
    freeze_bias : bool
        Whether the network of the bias keeps its weights in training.
    batchnorm, dropout : bool, float
        As in :class:`BPNet`, of both networks.
    profile : bool
        As in :class:`BPNet`.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Pampari et al. 2024, https://doi.org/10.1101/2024.12.25.630221

    Examples
    --------
    >>> model = ChromBPNet(n_filters=8)
    >>> model(torch.rand(1, 4, 2114)).profile.shape
    torch.Size([1, 1, 1000])
    >>> model.bias.load_state_dict(BPNet(n_filters=128, n_layers=4).state_dict())
    <All keys matched successfully>
    """

    name: ClassVar[str] = "chrombpnet"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int = 2114,
        output_dim: int = 1,
        *,
        n_filters: int = 512,
        n_layers: int = 8,
        bias_filters: int = 128,
        bias_layers: int = 4,
        n_outputs: int = 1,
        trimming: int | None = None,
        freeze_bias: bool = True,
        batchnorm: bool = False,
        dropout: Annotated[float, Least(0)] = 0.0,
        profile: bool = True,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if trimming is None:
            seen = sum(2**i for i in range(1, n_layers + 1))
            trimming = STEM_KERNEL // 2 + seen + PROFILE_KERNEL // 2
        self.main, self.bias = (
            BPNet(
                input_len,
                output_dim,
                n_filters=filters,
                n_layers=layers,
                n_outputs=n_outputs,
                trimming=trimming,
                batchnorm=batchnorm,
                dropout=dropout,
                profile=profile,
                input_channels=input_channels,
            )
            for filters, layers in ((n_filters, n_layers), (bias_filters, bias_layers))
        )
        self.output_len = self.main.output_len
        self.bias.requires_grad_(not freeze_bias)

    def forward(self, x: torch.Tensor) -> ProfileOutput | torch.Tensor:
        """Return profile logits and logarithmic counts with the bias in them.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.

        Returns
        -------
        ProfileOutput or torch.Tensor of float, shape (batch, output_dim)
            As :class:`BPNet`; ``.main`` alone gives them without the bias.
        """
        main, bias = self.main(x), self.bias(x)
        if isinstance(main, ProfileOutput):
            return ProfileOutput(
                main.profile + bias.profile, torch.logaddexp(main.counts, bias.counts)
            )
        return torch.logaddexp(main, bias)
