"""The layers with weights that a file of another program holds, poured into a network of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from eugene.errors import EugeneError

_KERAS_PARTS = {
    "kernel": "weight",
    "W": "weight",
    "bias": "bias",
    "b": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# how many batches a normalisation saw is no weight
COUNTER = "num_batches_tracked"
_TOLD = 4


class FileLayer(NamedTuple):
    """A layer in a file.

    Attributes
    ----------
    name : str
        What the file calls it.
    parts : dict of str to torch.Tensor
        ``weight``, ``bias``, ``running_mean``, ``running_var``, with torch's axes.
    """

    name: str
    parts: dict[str, torch.Tensor]


def read_keras_layers(path: Path) -> list[FileLayer]:
    """Read the weights that Keras 1 to 3 wrote into HDF5, in the order of the layers.

    Parameters
    ----------
    path : pathlib.Path
        Weights alone, or a whole model, of which the optimizer is left out.

    Returns
    -------
    list of FileLayer
        Layers with weights.

    Raises
    ------
    EugeneError
        If the file names no layers, or holds weights of an unknown kind.
    """
    from eugene._optional import require
    from seqdata.convert import open_hdf5

    require("h5py", extra="h5")
    found: list[FileLayer] = []
    with open_hdf5(path) as file:
        group = file.get("model_weights", file)
        listed = group.attrs.get("layer_names", ())
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in listed]
        if not names:
            raise EugeneError(f"{path} names no layers: expected weights that Keras wrote")
        for name in names:
            parts: dict[str, torch.Tensor] = {}
            arrays: dict[str, NDArray[np.float32]] = {}
            if name in group:
                group[name].visititems(
                    lambda key, item, into=arrays: (
                        into.update({key: item[()]}) if hasattr(item, "shape") else None
                    )
                )
            for key, values in arrays.items():
                last = key.rsplit("/", 1)[-1].split(":")[0]
                part = _KERAS_PARTS.get(last.removeprefix(f"{name}_"))
                if part is None:
                    raise EugeneError(f"{path}: {name}/{key} is no weight that is known here")
                if values.ndim == 4 and values.shape[1] == 1:  # Keras 1 convolved in two dimensions
                    values = values[:, 0]
                parts[part] = torch.from_numpy(np.ascontiguousarray(values.T))
            if parts:
                found.append(FileLayer(name, parts))
    return found


def read_torch_layers(path: Path) -> list[FileLayer]:
    """Read a flat state dict, tensors only, in its order.

    Parameters
    ----------
    path : pathlib.Path
        The file (``.pth``, ``.pt``).

    Returns
    -------
    list of FileLayer
        Layers with weights.

    Raises
    ------
    EugeneError
        If it holds anything but tensors by name.
    """
    return _in_layers(read_state(path))


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a flat state dict by name, in its order.

    Parameters
    ----------
    path : pathlib.Path
        The file (``.pth``, ``.pt``).

    Raises
    ------
    EugeneError
        If it holds anything but tensors by name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make torch raise almost anything
        reason = str(error).partition("\n")[0]
        raise EugeneError(f"{path} cannot be read safely: {reason}") from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise EugeneError(f"{path} holds more than tensors by name: expected a state dict")
    return {str(key): value for key, value in state.items()}


def read_npz_layers(path: Path) -> list[FileLayer]:
    """Read arrays named as in a state dict from a NumPy archive, no objects.

    Parameters
    ----------
    path : pathlib.Path
        The file (``.npz``).

    Returns
    -------
    list of FileLayer
        Layers with weights.

    Raises
    ------
    EugeneError
        If it is no archive of plain arrays.
    """
    return _in_layers(read_npz(path))


def read_npz(path: Path, under: str = "") -> dict[str, torch.Tensor]:
    """Read arrays by name from a NumPy archive, no objects.

    Parameters
    ----------
    path : pathlib.Path
        The file (``.npz``).
    under : str
        What names begin with that count, if any does; it is taken off.

    Raises
    ------
    EugeneError
        If it is no archive of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            keys = [key for key in archive.files if under and key.startswith(under)]
            return {
                key.removeprefix(under): torch.from_numpy(archive[key])
                for key in keys or archive.files
            }
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise EugeneError(f"{path} is no archive of plain arrays: {error}") from error


def _in_layers(tensors: Mapping[str, torch.Tensor]) -> list[FileLayer]:
    """Put the tensors of each layer together, in the order of the first of them."""
    layers: dict[str, FileLayer] = {}
    for key, value in tensors.items():
        name, _, part = key.rpartition(".")
        if part != COUNTER:
            layers.setdefault(name, FileLayer(name, {})).parts[part] = value
    return list(layers.values())


def pour(
    network: nn.Module, layers: Sequence[FileLayer], path: Path, *, positions_first: bool
) -> None:
    """Fill a network with layers that come in the order in which it has them.

    Several layers at the end of a file, one for each output, become the one of the network.

    Parameters
    ----------
    network : torch.nn.Module
        The network; it is changed only if everything fits.
    layers : sequence of FileLayer
        The layers.
    path : pathlib.Path
        Where they come from, for errors.
    positions_first : bool
        Whether the program that wrote them flattened (positions, channels), as Keras does; here it
        is (channels, positions).

    Raises
    ------
    EugeneError
        If a weight of the network or of the file is left over, or a shape differs: which ones.
    """
    ours = {
        name: module
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    }
    theirs = _joined(layers, list(ours.values()))
    problems = []
    if empty := list(ours)[len(theirs) :]:
        problems.append(f"it has no layer for {', '.join(empty[:_TOLD])}")
    extra = [layer.name for layer in theirs[len(ours) :]]
    if extra:
        problems.append(f"its {', '.join(extra[:_TOLD])} find no place in the network")
    state: dict[str, torch.Tensor] = {}
    channels = 0
    for (name, module), layer in zip(ours.items(), theirs, strict=False):
        own = {k: v for k, v in module.state_dict().items() if k != COUNTER}
        parts = dict(layer.parts)
        if isinstance(module, nn.Linear) and channels and positions_first and "weight" in parts:
            parts["weight"] = _channels_first(parts["weight"], channels)
        channels = module.out_channels if isinstance(module, nn.Conv1d) else channels
        channels = 0 if isinstance(module, nn.Linear) else channels
        for part in sorted({*own, *parts}):
            here, there = (tuple(x[part].shape) if part in x else None for x in (own, parts))
            if here != there:
                problems.append(f"{layer.name} {part} is {there}, {name}.{part} is {here}")
            else:
                state[f"{name}.{part}"] = parts[part]
    if problems:
        more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise EugeneError(
            f"{path} is not {type(network).__name__}: {'; '.join(problems[:_TOLD])}{more}"
        )
    network.load_state_dict({**network.state_dict(), **state})


def _joined(layers: Sequence[FileLayer], ours: Sequence[nn.Module]) -> list[FileLayer]:
    """Make one layer of the last ones if there are as many more as the last of ours has outputs."""
    more = len(layers) - len(ours)
    tail = list(layers[len(ours) - 1 :])
    keys = ("weight", "bias")
    alike = all(set(t.parts) == set(keys) for t in tail) and all(
        len({t.parts[key].shape[1:] for t in tail}) == 1 for key in keys
    )
    if more < 1 or not alike or not isinstance(ours[-1], nn.Linear):
        return list(layers)
    last = {key: torch.cat([t.parts[key] for t in tail]) for key in keys}
    return [*layers[: len(ours) - 1], FileLayer(" and ".join(t.name for t in tail), last)]


def _channels_first(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """Turn columns from (positions, channels) to (channels, positions)."""
    if weight.ndim != 2 or weight.shape[1] % channels:
        return weight
    return weight.view(len(weight), -1, channels).transpose(1, 2).flatten(1).contiguous()
