"""APARENT: where a transcript is cut and polyadenylated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments
from eugene.models._lengths import Window, lengths
from eugene.models._profile import ProfileOutput
from eugene.nn import InputShapeError


class APARENT(Architecture):
    """Two convolutions and two dense layers, with the library of the reporter beside them.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; published: 205.
    output_dim : int
        Number of outputs; published: 1, the logit of using the proximal signal.
    filters, kernels : list of int
        Channels and widths of the two convolutions.
    pool_size : int
        Width of the pooling between them.
    hidden_dims : list of int
        Widths of the dense layers.
    dropout : float
        Share of values dropped after each of these in training.
    n_libraries : int
        Libraries of the reporter that :meth:`forward` can be told.
    profile : bool
        Whether the place of the cut is predicted too, over ``input_len + 1`` places, of which the
        last stands for the distal signal. Without, the network returns the logit alone, a tensor.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the sequences are too short.

    References
    ----------
    Bogard et al. 2019, https://doi.org/10.1016/j.cell.2019.04.046; layers as in the authors'
    model ``aparent_model_plasmid_large_lessdropout``, from which the predictor comes

    Examples
    --------
    >>> output = APARENT(205)(torch.rand(2, 4, 205))
    >>> output.profile.shape, output.counts.shape
    (torch.Size([2, 1, 206]), torch.Size([2, 1]))
    """

    name: ClassVar[str] = "aparent"

    def __init__(
        self,
        input_len: int = 205,
        output_dim: int = 1,
        *,
        filters: Sequence[int] = (96, 128),
        kernels: Sequence[int] = (8, 6),
        pool_size: int = 2,
        hidden_dims: Sequence[int] = (512, 256),
        dropout: float = 0.1,
        n_libraries: int = 13,
        profile: bool = True,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        positions = lengths(
            input_len,
            [
                Window("the first convolution", kernels[0]),
                Window("the pooling", pool_size, pool_size),
                Window("the second convolution", kernels[1]),
            ],
        )[-1]
        self.n_libraries = n_libraries
        self.tower = nn.Sequential(
            nn.Conv1d(input_channels, filters[0], kernels[0]),
            nn.ReLU(),
            nn.MaxPool1d(pool_size),
            nn.Conv1d(filters[0], filters[1], kernels[1]),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.dense = nn.Sequential()
        features = filters[1] * positions + 1
        for width in hidden_dims:
            self.dense.extend([nn.Linear(features, width), nn.ReLU(), nn.Dropout(dropout)])
            features = width
        features += n_libraries
        self.isoform = nn.Linear(features, output_dim)
        self.cuts = nn.Linear(features, input_len + 1) if profile else None

    def forward(
        self,
        x: torch.Tensor,
        library: torch.Tensor | None = None,
        distal: torch.Tensor | None = None,
    ) -> ProfileOutput | torch.Tensor:
        """Return where the cut lies and the logit of the proximal signal.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, input_len)
            One-hot sequences.
        library : torch.Tensor of float, shape (batch, n_libraries), optional
            One-hot library of the reporter; left out, none of them.
        distal : torch.Tensor of float, shape (batch, 1), optional
            Whether the reporter has a distal signal; left out, it has.

        Returns
        -------
        ProfileOutput or torch.Tensor of float, shape (batch, output_dim)
            ``profile`` are logits of the cut, (batch, 1, input_len + 1), ``counts`` the logit of
            the proximal signal; without a profile the latter alone.

        Raises
        ------
        InputShapeError
            If library or signal have another shape.
        """
        library = x.new_zeros(len(x), self.n_libraries) if library is None else library
        distal = x.new_ones(len(x), 1) if distal is None else distal
        for what, given, width in (("library", library, self.n_libraries), ("distal", distal, 1)):
            if given.shape != (len(x), width):
                raise InputShapeError(
                    f"{what} has the shape {tuple(given.shape)}, expected {(len(x), width)}"
                )
        hidden = self.dense(torch.cat((self.tower(x), distal), dim=1))
        features = torch.cat((hidden, library), dim=1)
        isoform: torch.Tensor = self.isoform(features)
        if self.cuts is None:
            return isoform
        return ProfileOutput(self.cuts(features).unsqueeze(1), isoform)
