"""Weights of Enformer that other programs wrote, put into networks on its trunk."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from eugene.errors import EugeneError
from eugene.models._enformer_names import NAMINGS, Place
from eugene.models._layers import COUNTER, read_npz, read_state
from eugene.models._transfer import Taken
from eugene.models._weights import existing, read_checkpoint, read_tensors
from eugene.models.enformer import OnTrunk

logger = logging.getLogger("eugene.models")
_TOLD = 4
_HEAD = re.compile(r"heads\.(\w+)\.")
N = TypeVar("N", bound=nn.Module)


def load_enformer_weights(model: N, path: str | Path, *, heads: bool | None = None) -> N:
    """Fill a network on Enformer's trunk with weights from a file.

    Names are understood of the original's variables (NumPy archives, ``W/NAME#ORDER`` or as the
    saved model and the checkpoint call them), of enformer-pytorch, of gReLU, of CREsted's
    variables, of our own files, and of borzoi-pytorch for Borzoi; what the file calls its stem
    tells which. Nothing but tensors is read, every tensor of the file and of the trunk is
    accounted for, and nothing is changed if one does not fit. What was taken is kept as
    ``model.taken`` and written to the log, with a warning where a head is not in the file and
    stays as it was drawn.

    Parameters
    ----------
    model : Enformer, EnformerFinetune or Borzoi
        The network; it is changed. It has to be as wide as the one in the file.
    path : str or pathlib.Path
        ``.npz``, ``.safetensors``, or a state dict or checkpoint of torch (``.pt``, ``.pth``,
        ``.bin``, ``.ckpt``).
    heads : bool, optional
        Whether heads are filled: all that the network has if True, none if False; by default those
        that the file holds as well.

    Returns
    -------
    Enformer, EnformerFinetune or Borzoi
        The same network, in evaluation mode. ``eugene.models.save_weights`` writes it as
        safetensors.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If it cannot be read safely, names its tensors as none of these programs does, or they do
        not fit: which ones, with the shapes on both sides.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41592-021-01252-x

    Examples
    --------
    >>> model = eu.models.zoo.Enformer(196_608, crop=320)  # doctest: +SKIP
    >>> load_enformer_weights(model, "enformer.npz").embed(X).shape  # doctest: +SKIP
    torch.Size([1, 896, 3072])
    """
    if not isinstance(model, OnTrunk):
        raise EugeneError(
            f"{type(model).__name__} is not on Enformer's trunk: give an Enformer, an "
            "EnformerFinetune or a Borzoi"
        )
    path = existing(path, "weights")
    tensors = _read(path)
    program, places = _naming(path, list(tensors))
    unknown = [name for name, place in places.items() if place is None]
    found = {
        place.name: (name, place)
        for name, place in places.items()
        if place is not None and place.name
    }
    _check_twice(path, places, found)
    own = {n: t for n, t in model.state_dict().items() if not n.endswith(COUNTER)}
    found = {n: v for n, v in found.items() if not n.endswith(COUNTER)}
    found = _same_head(found, own)
    trunk = [name for name in own if name.startswith("trunk.")]
    top = [name for name in own if not name.startswith("trunk.")]
    wanted = [*trunk, *(n for n in top if heads is not False and (heads or n in found))]
    missing = [name for name in wanted if name not in found]
    left = [name for name in found if name not in wanted]
    strange = [found[name][0] for name in left if name.startswith("trunk.")]
    state = {
        name: _as_ours(tensors[found[name][0]], found[name][1], own[name].ndim)
        for name in wanted
        if name in found
    }
    wrong = [
        f"{found[name][0]} is {tuple(value.shape)}, {name} is {tuple(own[name].shape)}"
        for name, value in state.items()
        if value.shape != own[name].shape
    ]
    _refuse(path, program, type(model).__name__, wrong, missing, [*unknown, *strange])
    model.load_state_dict({**model.state_dict(), **{n: v.to(own[n]) for n, v in state.items()}})
    anew = tuple(name for name in top if name not in state)
    others = tuple(found[name][0] for name in left)
    account = Taken(str(path), tuple(state), anew, (), others)
    model.__dict__["taken"] = account
    logger.info("weights, named as by %s: %s", program, account)
    if anew and heads is not False:
        logger.warning(
            "%s holds no %s: they stay as they were drawn; say heads=False if that is meant",
            path,
            ", ".join(anew[:_TOLD]),
        )
    return model.eval()


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file by name."""
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return read_tensors(path)[1]
    if suffix == ".npz":
        return read_npz(path, under="W/")
    if suffix == ".ckpt":
        state: dict[str, torch.Tensor] = read_checkpoint(path)["state_dict"]
        return {name.removeprefix("arch."): value for name, value in state.items()}
    if suffix in (".pt", ".pth", ".bin"):
        return read_state(path)
    raise EugeneError(
        f"{path}: its name does not tell how it was written; expected one that ends in .npz, "
        ".safetensors, .pt, .pth, .bin or .ckpt"
    )


def _naming(path: Path, names: list[str]) -> tuple[str, dict[str, Place | None]]:
    """Return which program named the tensors of a file, and where each goes."""
    for program, (stem, places) in NAMINGS.items():
        if any(map(stem.fullmatch, names)):
            return program, places(names)
    raise EugeneError(
        f"{path} does not name the stem of Enformer or Borzoi as {', '.join(NAMINGS)} do; its "
        f"{len(names)} tensors begin with {', '.join(names[:_TOLD])}"
    )


def _check_twice(
    path: Path, places: Mapping[str, Place | None], found: Mapping[str, tuple[str, Place]]
) -> None:
    """Refuse a file of which two tensors go to the same place."""
    for name, place in places.items():
        if place is not None and place.name and found[place.name][0] != name:
            raise EugeneError(
                f"{path}: {name} and {found[place.name][0]} are both {place.name}: which of them "
                "counts cannot be told"
            )


def _same_head(
    found: Mapping[str, tuple[str, Place]], own: Mapping[str, torch.Tensor]
) -> dict[str, tuple[str, Place]]:
    """Give the only head of a file the name of the only head of the network."""
    theirs, ours = (
        {match[1] for match in (_HEAD.match(name) for name in names) if match}
        for names in (found, own)
    )
    if len(theirs) != 1 or len(ours) != 1:
        return dict(found)
    name = f"heads.{ours.pop()}."
    return {_HEAD.sub(name, key): value for key, value in found.items()}


def _as_ours(value: torch.Tensor, place: Place, ndim: int) -> torch.Tensor:
    """Return a tensor of a file with our order of axes, and without those of length 1."""
    if place.turned:
        value = value.permute(*range(value.ndim)[::-1])
    while value.ndim > ndim and 1 in (value.shape[0], value.shape[-1]):
        value = value[0] if value.shape[0] == 1 else value[..., 0]
    return value


def _refuse(
    path: Path,
    program: str,
    network: str,
    wrong: Sequence[str],
    missing: Sequence[str],
    extra: Sequence[str],
) -> None:
    """Refuse weights of which something does not fit, and say what."""
    told = [
        f"{what} ({len(names)}): {'; '.join(names[:_TOLD])}{' ...' * (len(names) > _TOLD)}"
        for what, names in (
            ("of another shape", wrong),
            ("not in the file", missing),
            ("not in the network", extra),
        )
        if names
    ]
    if told:
        raise EugeneError(
            f"{path}, named as by {program}, does not fit this {network}: {'. '.join(told)}. "
            "Build the network as theirs is (channels, n_transformers, n_heads, key_size, "
            "value_size, pooling, heads)"
        )
