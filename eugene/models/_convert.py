"""Weights trained elsewhere, put into our architectures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from eugene.errors import EugeneError, EugeneWarning, NotARunError
from eugene.models._base import Architecture
from eugene.models._build import build
from eugene.models._weights import existing, filled, read_checkpoint
from eugene.models.deepstarr import DeepSTARR

_CONVS = 4
_LAST_LENGTH = 15


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
    path = existing(path, "weights")
    try:
        layers = _keras_layers(path) if path.suffix in (".h5", ".hdf5") else _torch_layers(path)
        network = DeepSTARR()
        network.load_state_dict({**network.state_dict(), **_deepstarr_state(layers)})
    except KeyError as error:
        raise EugeneError(f"{path} is not DeepSTARR: it has no layer {error}") from error
    except RuntimeError as error:
        raise EugeneError(f"{path} is not DeepSTARR: {error}") from error
    return network.eval()


def _deepstarr_state(layers: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the layers under our names; flattened features become channel by channel."""
    state: dict[str, torch.Tensor] = {}
    for i in range(_CONVS):
        state |= _named(f"conv1d_tower.layers.{4 * i}", layers[f"conv{i + 1}"])
        state |= _named(f"conv1d_tower.layers.{4 * i + 1}", layers[f"bn{i + 1}"])
    for i, name in enumerate(("fc1", "fc2")):
        state |= _named(f"dense_block.layers.{4 * i}", layers[name])
        state |= _named(f"dense_block.layers.{4 * i + 1}", layers[f"bn_{name}"])
    weight = state["dense_block.layers.0.weight"]
    by_position = weight.view(len(weight), _LAST_LENGTH, -1)
    state["dense_block.layers.0.weight"] = by_position.transpose(1, 2).flatten(1).contiguous()
    heads = [layers["fc_dev"], layers["fc_hk"]]
    last = {key: torch.cat([head[key] for head in heads]) for key in ("weight", "bias")}
    return state | _named("dense_block.layers.8", last)


def _named(prefix: str, values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{key}": value for key, value in values.items()}


def _torch_layers(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """Group a flat state dict by layer."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    layers: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in state.items():
        layer, _, name = key.rpartition(".")
        if name != "num_batches_tracked":
            layers.setdefault(layer, {})[name] = value
    return layers


def _keras_layers(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """Read Keras layers with their axes turned to torch's."""
    from eugene._optional import require
    from seqdata.convert import open_hdf5

    require("h5py", extra="h5")
    found: dict[str, dict[str, np.ndarray]] = {}

    def take(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            found.setdefault(name.split("/")[0], {})[name.rsplit("/", 1)[1].split(":")[0]] = item[
                ()
            ]

    with open_hdf5(path) as file:
        file.visititems(take)
    names = {
        **{f"conv{i}": f"Conv1D_{'1st' if i == 1 else i}" for i in range(1, _CONVS + 1)},
        "fc1": "Dense_1",
        "fc2": "Dense_2",
        "fc_dev": "Dense_Dev",
        "fc_hk": "Dense_Hk",
    }
    layers: dict[str, dict[str, torch.Tensor]] = {}
    for ours, theirs in names.items():
        kernel = found[theirs]["kernel"]
        layers[ours] = {
            "weight": torch.from_numpy(np.ascontiguousarray(kernel.T)),
            "bias": torch.from_numpy(found[theirs]["bias"]),
        }
    norms = sorted((n for n in found if n.startswith("batch_normalization")), key=_number)
    targets = [*(f"bn{i}" for i in range(1, _CONVS + 1)), "bn_fc1", "bn_fc2"]
    parts = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    for ours, theirs in zip(targets, norms, strict=True):
        layers[ours] = {k: torch.from_numpy(found[theirs][v]) for k, v in parts.items()}
    return layers


def _number(name: str) -> int:
    tail = name.rsplit("_", 1)[-1]
    return int(tail) if tail.isdigit() else 0


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
