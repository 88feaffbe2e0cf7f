"""Weights trained elsewhere, put into our architectures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from eugene.errors import EugeneError, EugeneWarning, NotARunError
from eugene.models._base import Architecture
from eugene.models._build import build
from eugene.models._enformer_weights import load_enformer_weights
from eugene.models._layers import (
    FileLayer,
    pour,
    read_keras_layers,
    read_npz_layers,
    read_torch_layers,
)
from eugene.models._weights import existing, filled, load_weights, read_checkpoint
from eugene.models.deepstarr import DeepSTARR
from eugene.models.enformer import OnTrunk


class Converter(NamedTuple):
    """How weights of another program get into a network.

    Attributes
    ----------
    read : callable
        From a file to its layers in order.
    positions_first : bool
        Whether that program flattened (positions, channels) before dense layers.
    """

    read: Callable[[Path], list[FileLayer]]
    positions_first: bool


CONVERTERS: dict[str, Converter] = {
    "keras": Converter(read_keras_layers, positions_first=True),
    "torch": Converter(read_torch_layers, positions_first=False),
    "torch_from_keras": Converter(read_torch_layers, positions_first=True),
    "npz": Converter(read_npz_layers, positions_first=False),
}
"""Formats whose layers stand in the order of the network; the others go by name."""

BY_NAME = ("eugene", "safetensors", "enformer")
_SUFFIXES = {
    ".h5": "keras",
    ".hdf5": "keras",
    ".pth": "torch",
    ".pt": "torch",
    ".npz": "npz",
    ".ckpt": "eugene",
    ".safetensors": "safetensors",
}


def fill(network: nn.Module, path: str | Path, file_format: str | None = None) -> nn.Module:
    """Fill a network with weights from a file.

    Nothing but tensors is read. Every tensor of the file finds its place and every one of the
    network is filled, or nothing is changed.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    path : str or pathlib.Path
        The file.
    file_format : {"keras", "torch", "torch_from_keras", "npz", "eugene", "safetensors", \
"enformer"}, optional
        How it was written; by default what its name tells. ``"enformer"`` is what
        `load_enformer_weights` reads, and the default for ``.npz``, ``.pt``, ``.pth`` and ``.bin``
        where the network is on Enformer's trunk.

    Returns
    -------
    torch.nn.Module
        The network in evaluation mode; from a checkpoint of EUGENe a new one where EUGENe's is
        arranged otherwise.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If the name does not tell the format, or tensors do not fit: which ones.
    """
    path = existing(path, "weights")
    suffix = path.suffix.lower()
    ported = isinstance(network, OnTrunk) and suffix in (".npz", ".pt", ".pth", ".bin")
    file_format = file_format or ("enformer" if ported else _SUFFIXES.get(suffix))
    if file_format == "enformer":
        return load_enformer_weights(network, path)
    if file_format == "eugene":
        return load_eugene_checkpoint(path, network)
    if file_format == "safetensors":
        return load_weights(path, network)
    if file_format not in CONVERTERS:
        raise EugeneError(
            f"{path}: its name does not tell how it was written; expected one that ends in "
            f"{', '.join(_SUFFIXES)}"
        )
    converter = CONVERTERS[file_format]
    pour(network, converter.read(path), path, positions_first=converter.positions_first)
    return network.eval()


def load_deepstarr_weights(path: str | Path) -> DeepSTARR:
    """Build DeepSTARR with published weights.

    Parameters
    ----------
    path : str or pathlib.Path
        The Keras weights (``.h5``, needs the extra ``h5``) or the PyTorch state dict with layers
        ``conv1`` to ``fc_hk`` (``.pth``).

    Returns
    -------
    DeepSTARR
        The network in evaluation mode; outputs are developmental and housekeeping activity, log2.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If the file does not hold those layers.

    References
    ----------
    de Almeida et al. 2022, https://doi.org/10.1038/s41588-022-01048-5
    """
    path, network = existing(path, "weights"), DeepSTARR()
    fill(network, path, "keras" if path.suffix in (".h5", ".hdf5") else "torch_from_keras")
    return network


def is_of_eugene(checkpoint: Mapping[str, Any]) -> bool:
    """Tell whether a checkpoint was written by EUGENe 0.1, which knew neither of our two marks.

    Examples
    --------
    >>> is_of_eugene({"state_dict": {"arch.weight": 0}, "hyper_parameters": {"task": "regression"}})
    True
    """
    kept = checkpoint.get("hyper_parameters", {})  # Lightning adds the arguments of the load
    ours = "eugene" in checkpoint or {"alphabet", "target_names"} <= set(kept)
    return not ours and any(key.startswith("arch.") for key in checkpoint.get("state_dict", {}))


def as_in_eugene(arch: nn.Module, path: object = "the checkpoint") -> nn.Module:
    """Return a network as EUGENe 0.1.2 arranged it, to be filled with EUGENe's weights.

    Parameters
    ----------
    arch : torch.nn.Module
        The network.
    path : object
        Where the weights are, for the message.

    Returns
    -------
    torch.nn.Module
        ``arch`` where both arrangements are the same; else a new network, with a warning.

    Warns
    -----
    EugeneWarning
        If another network is built.
    """
    if not isinstance(arch, Architecture):
        return arch
    wanted = arch.in_eugene()
    changes = {key: value for key, value in wanted.items() if arch.config.get(key) != value}
    if not changes:
        return arch
    told = ", ".join(f"{key}={value!r}" for key, value in changes.items())
    warnings.warn(
        f"{path} was written by EUGENe, whose {type(arch).__name__} is arranged otherwise: the "
        f"network is built with {told}, so that the weights predict as they did there. Build it "
        "so yourself to have no warning",
        EugeneWarning,
        stacklevel=3,
    )
    return build(**{**arch.config, **changes})


def load_eugene_checkpoint(path: str | Path, arch: nn.Module) -> nn.Module:
    """Fill a network with the weights of an EUGENe 0.1 checkpoint.

    Parameters
    ----------
    path : str or pathlib.Path
        Lightning checkpoint with weights under ``arch.``.
    arch : torch.nn.Module
        The network to fill. One of ours in another arrangement than EUGENe's is left as it is,
        and a new one in EUGENe's is filled, such as ``zoo.Kopp21CNN(500, 1, variant="eugene")``.

    Returns
    -------
    torch.nn.Module
        The filled network, in evaluation mode.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it is no such checkpoint or the weights do not fit.

    Warns
    -----
    EugeneWarning
        If a new network is built.
    """
    content = read_checkpoint(path)
    state = {
        key.removeprefix("arch."): value
        for key, value in content["state_dict"].items()
        if key.startswith("arch.")
    }
    if not state:
        raise NotARunError(f"{path} has no weights under 'arch.': it was not written by EUGENe")
    if is_of_eugene(content):
        arch = as_in_eugene(arch, path)
    return filled(arch, state, path)
