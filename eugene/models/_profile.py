"""What networks of base-resolution profiles have in common."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from eugene.nn import InputShapeError, ModelError, TooShortError


class ProfileOutput(NamedTuple):
    """What a profile network returns.

    Attributes
    ----------
    profile : torch.Tensor of float, shape (batch, n_outputs, positions)
        Logits: a softmax over all of them, strands together, gives where the counts lie.
    counts : torch.Tensor of float, shape (batch, output_dim)
        Logarithm of the counts.
    """

    profile: torch.Tensor
    counts: torch.Tensor


class ProfileHead(nn.Module):
    """From features at every base to a profile and to counts.

    Parameters
    ----------
    channels : int
        Channels of the features.
    n_outputs : int
        Tracks of the profile, such as strands.
    output_dim : int
        Number of counts.
    n_control_tracks : int
        Control tracks beside the sequence; their logarithmic sum goes into the counts.
    trimming : int
        Positions left out at each end.
    kernel : int
        Width of the convolution that draws the profile.
    margin : int
        Positions beyond the profile that count too.
    profile : bool
        Whether there is a profile; otherwise counts alone are returned, as a tensor.
    """

    def __init__(
        self,
        channels: int,
        n_outputs: int,
        output_dim: int,
        *,
        n_control_tracks: int = 0,
        trimming: int = 0,
        kernel: int = 75,
        margin: int = 37,
        profile: bool = True,
    ) -> None:
        super().__init__()
        self.n_control_tracks, self.trimming, self.margin = n_control_tracks, trimming, margin
        self.profile = (
            nn.Conv1d(channels + n_control_tracks, n_outputs, kernel, padding=kernel // 2)
            if profile
            else None
        )
        self.counts = nn.Linear(channels + (n_control_tracks > 0), output_dim)

    def forward(
        self, features: torch.Tensor, control: torch.Tensor | None = None
    ) -> ProfileOutput | torch.Tensor:
        """Return profile and counts, or counts alone.

        Parameters
        ----------
        features : torch.Tensor of float, shape (batch, channels, length)
            The features.
        control : torch.Tensor of float, shape (batch, n_control_tracks, length), optional
            Control tracks in counts; none counts as zero everywhere.

        Returns
        -------
        ProfileOutput or torch.Tensor of float, shape (batch, output_dim)
            What was asked for.

        Raises
        ------
        InputShapeError
            If there are other control tracks than the network was built for.
        """
        length = features.shape[-1]
        start, end = self.trimming, length - self.trimming
        wide = slice(max(start - self.margin, 0), min(end + self.margin, length))
        summary = features[..., wide].mean(dim=-1)
        shape = (len(features), self.n_control_tracks, length)
        if control is not None and control.shape != shape:
            raise InputShapeError(
                f"control tracks have the shape {tuple(control.shape)}, the network was built for "
                f"{shape}: give n_control_tracks when building it"
            )
        if self.n_control_tracks:
            if control is None:
                control = features.new_zeros(shape)
            total = control[..., wide].sum(dim=(1, 2)).unsqueeze(1)
            summary = torch.cat((summary, torch.log1p(total)), dim=1)
            features = torch.cat((features, control), dim=1)
        counts: torch.Tensor = self.counts(summary)
        if self.profile is None:
            return counts
        return ProfileOutput(self.profile(features)[..., start:end], counts)


def trimmed(input_len: int, trimming: int) -> int:
    """Return the positions that trimming leaves.

    Raises
    ------
    TooShortError
        If it leaves none.
    ModelError
        If it is negative.

    Examples
    --------
    >>> trimmed(2114, 557)
    1000
    """
    if trimming < 0:
        raise ModelError(f"trimming={trimming} must not be negative")
    if input_len <= 2 * trimming:
        raise TooShortError(
            f"input_len={input_len} is too short: the output leaves out {trimming} bp at each end "
            "(trimming)"
        )
    return input_len - 2 * trimming
