"""DeepBind: motif detectors, pooled over the sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch

from eugene.config.marks import ArgumentsOf
from eugene.models._base import Architecture, channels_of, make_part, make_strands
from eugene.nn import Conv1DTower, DenseBlock, GlobalPool, ModelError, ReverseComplement

_CONV = {
    "conv_channels": [16],
    "conv_kernels": [16],
    "pool_types": None,
    "dropout_rates": 0.25,
}
_DENSE = {"hidden_dims": [32], "dropout_rates": 0.25}


class DeepBind(Architecture):
    """DeepBind, with the arguments and the defaults of EUGENe.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp; other lengths can be read as well.
    output_dim : int
        Number of outputs.
    conv_kwargs : dict, optional
        Changes to the convolution, arguments of :class:`eugene.nn.Conv1DTower`; by default 16
        detectors of width 16.
    dense_kwargs : dict, optional
        Changes to the dense layers, arguments of :class:`eugene.nn.DenseBlock`; by default one
        hidden layer of 32.
    mode : {"rbp", "dna"}
        ``"dna"`` keeps the largest value of each detector; ``"rbp"`` the mean as well.
    strands : {"single", "both"}
        Whether a sequence scores as the better of its strands, as published for genomic DNA.
    input_channels : int, optional
        Letters of the alphabet; by default what ``conv_kwargs`` says, else 4.

    Raises
    ------
    ModelError
        If the mode is unknown or arguments do not fit together.

    References
    ----------
    Alipanahi et al. 2015, https://doi.org/10.1038/nbt.3300

    Examples
    --------
    >>> model = DeepBind(41, 1)
    >>> sum(p.numel() for p in model.parameters())
    2129
    """

    name: ClassVar[str] = "deepbind"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        input_len: int,
        output_dim: int,
        conv_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:Conv1DTower")
        ] = None,
        dense_kwargs: Annotated[
            Mapping[str, object] | None, ArgumentsOf("eugene.nn:DenseBlock")
        ] = None,
        mode: str = "rbp",
        *,
        strands: str = "single",
        input_channels: int | None = None,
    ) -> None:
        channels = channels_of(input_channels, conv_kwargs)
        super().__init__(
            input_len,
            output_dim,
            input_channels=channels,
            conv_kwargs=dict(conv_kwargs or {}),
            dense_kwargs=dict(dense_kwargs or {}),
            mode=mode,
            strands=strands,
        )
        if mode not in ("rbp", "dna"):
            raise ModelError(f"mode={mode!r} must be 'rbp' or 'dna'")
        self.conv1d_tower = make_part(
            Conv1DTower, "conv_kwargs", conv_kwargs, _CONV,
            input_len=input_len, input_channels=channels,
        )  # fmt: skip
        self.reverse_complement = ReverseComplement()
        self.merge_strands = make_strands(strands, "max", channels)
        self.pool = GlobalPool("max_avg" if mode == "rbp" else "max")
        features = self.conv1d_tower.out_channels * self.pool.multiplier
        self.dense_block = make_part(
            DenseBlock, "dense_kwargs", dense_kwargs, _DENSE,
            input_dim=features, output_dim=output_dim,
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, length)."""
        result: torch.Tensor = self._score(x)
        if self.merge_strands is not None:
            result = self.merge_strands(result, self._score(self.reverse_complement(x)))
        return result

    def _score(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from one strand."""
        result: torch.Tensor = self.dense_block(self.pool(self.conv1d_tower(x)))
        return result
