"""Enformer: heads of tracks, and heads for whole sequences, on what its trunk embeds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from eugene.models._base import Architecture, arguments, make_part
from eugene.models._enformer_trunk import EnformerTrunk as EnformerTrunk
from eugene.nn import AttentionHead, GlobalPool, ModelError, make_activation

HEADS = {"human": 5_313, "mouse": 1_643}


class OnTrunk(Architecture):
    """A network of Enformer's trunk and something on top of what it embeds.

    Parameters
    ----------
    input_len, output_dim, input_channels, **config
        As of `Architecture`.
    """

    trunk: nn.Module

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Embed sequences.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences, their length a multiple of 128 bp.

        Returns
        -------
        torch.Tensor of float, shape (batch, bins, 2 * channels)
            An embedding for each bin of 128 bp.
        """
        embedded: torch.Tensor = self.trunk(x)
        return embedded

    @abstractmethod
    def from_embedding(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return outputs from embeddings, float (batch, bins, 2 * channels)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs from ``x``, float (batch, letters, length); see `from_embedding`."""
        return self.from_embedding(self.embed(x))


class TrackHeads(OnTrunk):
    """Heads of tracks, linear layers of their own on what a trunk embeds.

    Parameters
    ----------
    given : mapping
        Arguments of the network.
    published : mapping of str to int
        Tracks of the heads that there are if neither ``heads`` nor ``output_dim`` is given.
    """

    length_free: ClassVar[bool] = True

    def __init__(self, given: Mapping[str, Any], published: Mapping[str, int]) -> None:
        heads, output_dim = given["heads"], given["output_dim"]
        if heads is None and output_dim is None:
            heads = published
        if heads is not None:
            heads = _check_heads(heads)
            total = sum(heads.values())
            if output_dim not in (None, total):
                raise ModelError(
                    f"heads have {total} tracks, output_dim is {output_dim}: leave it out, or give "
                    "a number of tracks without heads"
                )
            given = {**given, "heads": heads, "output_dim": total}
        super().__init__(**given)
        pool = given["pool"]
        if pool not in ("none", "avg", "max"):
            raise ModelError(f"pool={pool!r} must be 'none', 'avg' or 'max'")
        self.pool = GlobalPool(pool) if pool != "none" else None

    def _make_heads(self, channels: int) -> None:
        """Make the heads, for embeddings of so many channels."""
        tracks = self.config["heads"] or {"tracks": self.output_dim}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(channels, number) for name, number in tracks.items()}
        )

    def from_embedding(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return a value for each track and bin.

        Parameters
        ----------
        embedding : torch.Tensor of float, shape (batch, bins, 2 * channels)
            As `embed` gives it.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim, bins)
            Raw outputs, the tracks of several heads one behind the other; (batch, output_dim)
            where they are pooled.
        """
        return torch.cat(list(self.by_head(embedding).values()), dim=1)

    def by_head(self, embedding: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what each head gives, float (batch, tracks, bins), or (batch, tracks) if pooled.

        Parameters
        ----------
        embedding : torch.Tensor of float, shape (batch, bins, 2 * channels)
            As `embed` gives it.

        Returns
        -------
        dict of str to torch.Tensor
            Raw outputs.
        """
        if self.pool is not None:
            pooled = self.pool(embedding.transpose(1, 2))
            return {name: head(pooled) for name, head in self.heads.items()}
        return {name: head(embedding).transpose(1, 2) for name, head in self.heads.items()}


def _check_heads(heads: Mapping[str, int]) -> dict[str, int]:
    """Return the tracks of heads, or refuse what is no number of tracks."""
    if not heads:
        raise ModelError("heads: none is named: leave it out, and give output_dim")
    for name, tracks in heads.items():
        if isinstance(tracks, bool) or not isinstance(tracks, int) or tracks < 1:
            raise ModelError(
                f"heads[{name!r}] is {tracks!r}: expected the number of its tracks, at least 1"
            )
    return {str(name): tracks for name, tracks in heads.items()}


class Enformer(TrackHeads):
    """Enformer, tracks in bins of 128 bp from sequences of up to 200 kb.

    251,221,292 parameters as published. Outputs are raw: published is a softplus behind them.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp, a multiple of 128; published: 196,608. Other multiples can
        be read as well.
    output_dim : int, optional
        Tracks of the one head that there is instead of ``heads``; with ``heads``, their sum.
    heads : mapping of str to int, optional
        Tracks of each head; published, and there if nothing else is asked for: 5,313 of human,
        1,643 of mouse.
    channels, n_transformers, n_heads, key_size, value_size, pooling, crop
        The trunk, see `EnformerTrunk`.
    trunk_kwargs : dict, optional
        Other arguments of the trunk that differ from those published, such as ``dropout`` and
        ``recompute``.
    pool : {"none", "avg", "max"}
        ``"none"`` returns (batch, output_dim, bins), as published; the others one value for
        each sequence, from embeddings that are pooled over the bins.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the length is no multiple of 128, heads and outputs contradict each other, or the
        trunk cannot be built.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> model = Enformer(512, heads={"human": 3, "mouse": 2}, channels=24, n_transformers=1,
    ...                  n_heads=2, key_size=4)
    >>> X = torch.rand(1, 4, 512)
    >>> model.embed(X).shape, model(X).shape
    (torch.Size([1, 4, 48]), torch.Size([1, 5, 4]))
    """

    name: ClassVar[str] = "enformer"
    trunk: EnformerTrunk

    def __init__(
        self,
        input_len: int = 196_608,
        output_dim: int | None = None,
        *,
        heads: Mapping[str, int] | None = None,
        channels: int = 1_536,
        n_transformers: int = 11,
        n_heads: int = 8,
        key_size: int = 64,
        value_size: int | None = None,
        pooling: str = "attention",
        crop: int | None = None,
        trunk_kwargs: Mapping[str, object] | None = None,
        pool: str = "none",
        input_channels: int = 4,
    ) -> None:
        super().__init__(arguments(locals()), HEADS)
        self.trunk = make_part(
            EnformerTrunk,
            "trunk_kwargs",
            trunk_kwargs,
            {},
            channels=channels,
            n_transformers=n_transformers,
            n_heads=n_heads,
            key_size=key_size,
            value_size=value_size,
            pooling=pooling,
            crop=crop,
            input_channels=input_channels,
        )
        self.output_len = self.trunk.bins(input_len)
        self._make_heads(self.trunk.out_channels)


class EnformerFinetune(OnTrunk):
    """A small head of attention on Enformer's trunk, for values of whole sequences.

    The head has 602,625 parameters at 25,600 bp as published, 812,033 with values of 128, and
    2,410,497 with four heads.

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp, a multiple of 128; published: 25,600. The head reads no
        other.
    output_dim : int
        Number of outputs.
    key_size, value_size, n_heads : int
        Widths of keys and values of the head's attention, and number of its heads.
    dropout : float
        Share of weights of that attention dropped in training.
    output_activation : str, optional
        Behind the outputs; published: softplus. None returns raw outputs.
    compat : {"finetune-enformer"}, optional
        Drop nothing in the head, whatever ``dropout`` says: the program that this network was
        published with never did.
    trunk_kwargs : dict, optional
        Arguments of the trunk that differ from those published, see `EnformerTrunk`.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        If the length is no multiple of 128, or an argument is unknown.

    References
    ----------
    Ribeiro-dos-Santos and Maurano 2025, Genome Research 35, 2539; Avsec et al. 2021,
    https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> trunk = {"channels": 24, "n_transformers": 1, "n_heads": 2, "key_size": 4}
    >>> model = EnformerFinetune(512, key_size=8, value_size=8, trunk_kwargs=trunk)
    >>> model(torch.rand(3, 4, 512)).shape
    torch.Size([3, 1])
    """

    name: ClassVar[str] = "enformer_finetune"
    trunk: EnformerTrunk

    def __init__(
        self,
        input_len: int = 25_600,
        output_dim: int = 1,
        *,
        key_size: int = 64,
        value_size: int = 64,
        n_heads: int = 1,
        dropout: float = 0.1,
        output_activation: str | None = "softplus",
        compat: str | None = None,
        trunk_kwargs: Mapping[str, object] | None = None,
        input_channels: int = 4,
    ) -> None:
        super().__init__(**arguments(locals()))
        if compat not in (None, "finetune-enformer"):
            raise ModelError(f"compat={compat!r} must be 'finetune-enformer' or None")
        self.trunk = make_part(
            EnformerTrunk, "trunk_kwargs", trunk_kwargs, {}, input_channels=input_channels
        )
        self.head = AttentionHead(
            self.trunk.out_channels,
            self.trunk.bins(input_len),
            output_dim,
            key_dim=key_size,
            value_dim=value_size,
            num_heads=n_heads,
            dropout=0.0 if compat else dropout,
        )
        self.output_activation = make_activation(output_activation) or nn.Identity()

    def from_embedding(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return a value for each output.

        Parameters
        ----------
        embedding : torch.Tensor of float, shape (batch, bins, 2 * channels)
            As `embed` gives it, of as many bins as the head was made for.

        Returns
        -------
        torch.Tensor of float, shape (batch, output_dim)
        """
        result: torch.Tensor = self.output_activation(self.head(embedding))
        return result
