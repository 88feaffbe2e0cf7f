"""Reading checkpoints without trusting them, and weights of networks in files."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from eugene.errors import MissingFileError, NotARunError
from eugene.models._build import build
from eugene.nn._lora import is_adapted, merged_state

N = TypeVar("N", bound=nn.Module)


def existing(path: str | Path, what: str) -> Path:
    """Return the path of a file that is there.

    Raises
    ------
    MissingFileError
        If it is not.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"no {what} at {path}")
    return path


def filled(network: N, state: Mapping[str, torch.Tensor], path: str | Path) -> N:
    """Return a network with weights that were read, in evaluation mode.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place.
    state : mapping
        Its weights by name.
    path : str or pathlib.Path
        Where they are from, for the message.

    Raises
    ------
    NotARunError
        If they do not fit.
    """
    if not any(map(is_adapted, network.modules())):
        state = merged_state(state)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise NotARunError(f"the weights in {path} do not fit the network: {error}") from error
    return network.eval()


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint, tensors and plain values only, onto the CPU.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict
        What it holds.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it is no checkpoint, or one that holds arbitrary objects.
    """
    path = existing(path, "checkpoint")
    check_packing(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make torch raise almost anything
        # torch's own text tells how to load the file without the protection
        unpickled = isinstance(error, pickle.UnpicklingError)
        first = str(error).partition("\n")[0] or type(error).__name__
        reason = "it is no pickle of plain values" if unpickled else first
        raise NotARunError(
            f"{path} is not a checkpoint that can be read safely ({reason}): expected a file "
            "written by eugene or Lightning with tensors and plain values only"
        ) from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise NotARunError(
            f"{path} holds {type(content).__name__} without 'state_dict': expected a checkpoint of "
            "a training run (checkpoints/best.ckpt); bare weights are loaded with load_weights"
        )
    return content


def check_packing(path: Path) -> None:
    """Refuse a checkpoint whose bytes do not have the checksums that it carries.

    A checkpoint is a zip archive with a checksum of each part, at which torch does not look.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    NotARunError
        If a part of it is damaged.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as packed:
            bad = packed.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise NotARunError(f"{path} is damaged ({error}): restore it, or train again") from error
    if bad is not None:
        raise NotARunError(
            f"{path} is damaged: {bad!r} in it does not have its checksum; restore the file, or "
            "train again"
        )


def save_weights(network: nn.Module, path: str | Path) -> None:
    """Write the weights of a network as safetensors, with its description where it has one.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    path : str or pathlib.Path
        The file; replaced in one step.
    """
    tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    config = getattr(network, "config", None)
    metadata = {"arch": json.dumps(config, default=repr)} if config is not None else {}
    write_tensors(Path(path), tensors, metadata)


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]
) -> None:
    """Write a safetensors file with a checksum of its contents, in one step.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    tensors : mapping of str to torch.Tensor
        Contiguous, on the CPU.
    metadata : dict of str to str
    """
    from safetensors.torch import save

    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(_with_checksum(save(dict(tensors)), metadata))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _with_checksum(packed: bytes, metadata: dict[str, str]) -> bytes:
    """Put metadata into the header of a safetensors file, with a checksum of all the rest.

    The format has none; bits that flip in it would load as other weights.
    """
    size = int.from_bytes(packed[:8], "little")
    header = {"__metadata__": metadata, **json.loads(packed[8 : 8 + size])}
    values = packed[8 + size :]
    metadata = {**metadata, "sha256": _weights_sha256(header, values)}
    text = json.dumps({**header, "__metadata__": metadata}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + values


def _weights_sha256(header: dict[str, object], values: bytes) -> str:
    sums = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    sums.update(values)
    return sums.hexdigest()


def check_weights(path: Path) -> None:
    """Refuse a safetensors file that does not have the checksum that it carries.

    Parameters
    ----------
    path : pathlib.Path
        The file; one without a checksum, as other programs write them, passes.

    Raises
    ------
    NotARunError
        If it is damaged.
    """
    packed = path.read_bytes()
    size = int.from_bytes(packed[:8], "little")
    try:
        header = json.loads(packed[8 : 8 + size])
        metadata = header.get("__metadata__") or {}
        carried = metadata.pop("sha256", None)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise NotARunError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    header["__metadata__"] = metadata
    if carried is not None and carried != _weights_sha256(header, packed[8 + size :]):
        raise NotARunError(
            f"{path} is damaged: its weights do not have the checksum that it carries; restore "
            "the file, load checkpoints/best.ckpt instead, or train again"
        )


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Read a safetensors file whose checksum holds.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    metadata : dict of str to str
    tensors : dict of str to torch.Tensor

    Raises
    ------
    NotARunError
        If it is damaged, or no safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    check_weights(path)
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
            tensors = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise NotARunError(f"{path} is not a safetensors file: {error}") from error
    return metadata, tensors


def load_weights(path: str | Path, arch: nn.Module | None = None) -> nn.Module:
    """Load a network from a safetensors file.

    Parameters
    ----------
    path : str or pathlib.Path
        A file written by :func:`save_weights`.
    arch : torch.nn.Module, optional
        The network to fill, needed where the file does not describe it.

    Returns
    -------
    torch.nn.Module
        The network, in evaluation mode.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it is no safetensors file or the weights do not fit.
    """
    path = existing(path, "weights")
    metadata, tensors = read_tensors(path)
    if arch is None:
        if "arch" not in metadata:
            raise NotARunError(f"{path} does not describe its network: give it as arch=")
        try:
            arch = build(**json.loads(metadata["arch"]))
        except (ValueError, TypeError) as error:
            raise NotARunError(f"{path} does not describe a network of ours: {error}") from error
    return filled(arch, tensors, path)
