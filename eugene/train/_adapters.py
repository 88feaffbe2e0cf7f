"""Adapters of a network for a stage, and the small files of what they were trained to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from torch import nn

from eugene.config.marks import Least
from eugene.config.registries import ADAPTERS as REGISTRY
from eugene.errors import EugeneError, NotARunError
from eugene.models._globs import matching
from eugene.models._weights import existing, read_tensors, save_weights, write_tensors
from eugene.nn._lora import adapt, adaptable, is_adapted, merge

ADAPTERS = ("*.lora_a", "*.lora_b")
"""Globs of the parameters of adapters."""
DELTA = "adapters.safetensors"


def lora(
    arch: nn.Module,
    *,
    targets: Sequence[str] = ("*",),
    rank: Annotated[int, Least(1)] = 4,
    alpha: Annotated[float, Least(0)] = 8.0,
    dropout: Annotated[float, Least(0)] = 0.0,
    seed: int | None = None,
) -> dict[str, int]:
    """Give layers of a network low-rank adapters, in place (Hu et al. 2021).

    A layer then computes with ``weight + alpha / rank * b @ a``; ``b`` is zero at first, so that
    the network gives what it gave. Linear layers and convolutions of any groups and dilation can
    be adapted. https://doi.org/10.48550/arXiv.2106.09685

    Parameters
    ----------
    arch : torch.nn.Module
        The network.
    targets : list of str
        Globs over names of layers; a glob that matches a part stands for the layers in it.
    rank : int
        Rank of what is added; smaller where a side of the weights is.
    alpha : float
        What is added is multiplied by ``alpha / rank``.
    dropout : float
        Share of the adapters' inputs that are dropped in training.
    seed : int, optional
        Seed of the starting weights.

    Returns
    -------
    dict of str to int
        The rank of each adapted layer.

    Raises
    ------
    EugeneError
        If a glob matches no layer that can be adapted.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU(), nn.Conv1d(8, 1, 1))
    >>> lora(network, rank=2)
    {'0': 2, '2': 1}
    """
    layers = adaptable(arch)
    chosen = matching(targets, layers, "adapters.targets")
    generator = torch.Generator().manual_seed(0 if seed is None else seed)
    return {
        name: adapt(layers[name], rank=rank, alpha=alpha, dropout=dropout, generator=generator)
        for name in chosen
    }


def weights_sha256(network: nn.Module) -> str:
    """Return a hash of the weights of a network without its adapters.

    Examples
    --------
    >>> first = weights_sha256(torch.nn.Linear(2, 1))
    >>> len(first)
    64
    """
    sums = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if ".lora_" in f".{name}":
            continue
        plain = value.detach().cpu().contiguous()
        sums.update(f"{name} {tuple(plain.shape)} {plain.dtype}".encode())
        sums.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sums.hexdigest()


class Adapted:
    """The adapters of a module in one stage.

    Parameters
    ----------
    section : mapping
        How they were made.
    ranks : mapping
        The rank of each layer.
    base : str
        Hash of the weights that they were put on.
    """

    def __init__(self, section: Mapping[str, object], ranks: Mapping[str, int], base: str) -> None:
        self.section, self.ranks, self.base = dict(section), dict(ranks), base

    @classmethod
    def put(
        cls, module: pl.LightningModule, section: Mapping[str, object], *, seed: int
    ) -> Adapted:
        """Put adapters on the network of a module."""
        arch = getattr(module, "arch", None)
        if not isinstance(arch, nn.Module):
            raise EugeneError(f"adapters: {type(module).__name__} has no network 'arch'")
        arguments = {k: v for k, v in section.items() if k != "name"}
        base = weights_sha256(arch)
        name = str(section.get("name", "lora"))
        ranks: dict[str, int] = REGISTRY.build(name, arch, **{"seed": seed, **arguments})
        return cls({"name": name, **arguments}, ranks, base)

    @property
    def account(self) -> dict[str, object]:
        """What is noted of them."""
        return {"adapters": self.ranks, "base_sha256": self.base}

    def finish(
        self, module: pl.LightningModule, folder: Path, trained: Sequence[str], *, writes: bool
    ) -> None:
        """Write what was trained alone, merge the adapters, and write the plain weights.

        Parameters
        ----------
        module : pytorch_lightning.LightningModule
            Trained; its network is plain afterwards.
        folder : pathlib.Path
            The folder of the stage.
        trained : sequence of str
            Names of what was trained.
        writes : bool
            Whether this process writes files.
        """
        arch: Any = module.arch
        if writes:
            save_delta(arch, folder / DELTA, trained, base_sha256=self.base, section=self.section)
        merge(arch)
        if writes:
            save_weights(arch, folder / "model.safetensors")


def save_delta(
    network: nn.Module,
    path: Path,
    trained: Sequence[str],
    *,
    base_sha256: str,
    section: Mapping[str, object],
) -> None:
    """Write adapters, and whatever else of a network was trained, without the weights under them.

    Parameters
    ----------
    network : torch.nn.Module
        With its adapters.
    path : pathlib.Path
        The file, safetensors.
    trained : sequence of str
        Names of trained parameters.
    base_sha256 : str
        Hash of the weights that the file needs, of `weights_sha256`.
    section : mapping
        How the adapters were made.
    """
    state = network.state_dict()
    kept = {n: v for n, v in state.items() if n in trained or ".lora_" in f".{n}"}
    # statistics of parts that were trained, which are no parameters
    parts = {n.rpartition(".")[0] for n in trained if ".lora_" not in f".{n}"}
    named = dict(network.named_buffers())
    kept |= {n: v for n, v in state.items() if n in named and n.rpartition(".")[0] in parts}
    metadata = {"base_sha256": base_sha256, "adapters": json.dumps(section, default=list)}
    tensors = {n: v.detach().cpu().contiguous().clone() for n, v in kept.items()}
    write_tensors(path, tensors, metadata)


def load_delta(network: nn.Module, path: str | Path, *, merged: bool = True) -> nn.Module:
    """Put what `save_delta` wrote onto the weights that it was trained on.

    Parameters
    ----------
    network : torch.nn.Module
        With the weights that the adapters were put on; it is changed.
    path : str or pathlib.Path
        ``adapters.safetensors`` of a stage.
    merged : bool
        Whether the adapters are merged into the weights.

    Returns
    -------
    torch.nn.Module
        The network, in evaluation mode.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it is another kind of file, or belongs to other weights.
    """
    path = existing(path, "adapters")
    metadata, tensors = read_tensors(path)
    if not {"base_sha256", "adapters"} <= set(metadata):
        raise NotARunError(f"{path} holds no adapters: expected adapters.safetensors of a stage")
    own = weights_sha256(network)
    if own != metadata["base_sha256"]:
        raise NotARunError(
            f"{path} was trained on the weights {metadata['base_sha256'][:12]}..., the network has "
            f"{own[:12]}...: load it onto the weights of the stage before (its stage.json says "
            "the same hash as base_sha256)"
        )
    section = json.loads(metadata["adapters"])
    REGISTRY.build(section.pop("name"), network, **section)
    network.load_state_dict({**network.state_dict(), **tensors})
    if merged and any(map(is_adapted, network.modules())):
        merge(network)
    return network.eval()
