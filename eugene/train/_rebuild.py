"""A module with other arguments around the same network, and weights from one to the next."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import pytorch_lightning as pl
import torch

from eugene.errors import EugeneError, NotARunError, did_you_mean
from eugene.models._transfer import take, with_head
from eugene.modules._objects import OBJECT
from eugene.nn._lora import merged_state

_ARCH = "arch."
_NETWORK = frozenset({"arch", "arch_name", "model_name", "seed", "alphabet", "task"})


def rebuilt(
    module: pl.LightningModule,
    changes: Mapping[str, object]
    | Callable[[pl.LightningModule], pl.LightningModule]
    | None = None,
    head: Mapping[str, object] | None = None,
) -> pl.LightningModule:
    """Return a module with other arguments around the same network.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        What there is.
    changes : mapping or callable, optional
        Arguments that differ, or a function that returns the other module.
    head : mapping, optional
        Arguments of a new head, which the network of the other module has.

    Returns
    -------
    pytorch_lightning.LightningModule
        ``module`` itself where nothing is changed.

    Raises
    ------
    EugeneError
        If the module has no such argument, or one of its own was an object and is not given anew.
    """
    if callable(changes):
        return changes(module)
    if not changes and head is None:
        return module
    changes = changes or {}
    arch = getattr(module, "arch", None)
    if not isinstance(arch, torch.nn.Module):
        raise EugeneError(
            f"{type(module).__name__} has no network 'arch', so it cannot be made again with other "
            "arguments: give a function from the module to the one of the stage"
        )
    if head is not None:
        arch = with_head(arch, head, seed=module.hparams.get("seed"))
    hparams = dict(module.hparams)
    known = inspect.signature(type(module)).parameters
    for key in changes:
        if key not in known or key == "arch":
            hint = did_you_mean(key, [name for name in known if name != "arch"])
            raise EugeneError(f"{type(module).__name__} has no argument {key!r}{hint}")
    given = {k: v for k, v in hparams.items() if k in known and k != "arch"} | dict(changes)
    augment, before = given.get("augment"), hparams.get("augment")
    if isinstance(augment, Mapping) and isinstance(before, Mapping):
        given["augment"] = {**before, **augment}
    for key, value in given.items():
        if isinstance(value, str) and value.startswith(OBJECT):
            kept = getattr(module, f"_{key}", None)
            if kept is None or isinstance(kept, str):
                raise EugeneError(
                    f"{key} was given as an object ({value.removeprefix(OBJECT)}), which is not "
                    f"kept: give {key} in the stage too"
                )
            given[key] = kept
    made: pl.LightningModule = type(module)(arch, **given)
    return made


def carry(
    module: pl.LightningModule,
    state: Mapping[str, torch.Tensor],
    path: Path,
    *,
    new_head: bool = False,
) -> dict[str, object]:
    """Fill a module with the weights of the stage before.

    Of the network every tensor has to find its place; learned parameters beside it (such as
    weights of a loss) are taken over where both modules have them.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        It is changed.
    state : mapping
        What a checkpoint holds.
    path : pathlib.Path
        Where it is from, for the message.
    new_head : bool
        Whether the head of the network stays as it was drawn.

    Returns
    -------
    dict
        ``tensors``: how many were taken over; ``beside``: names of those beside the network;
        ``head``: names of a new head.

    Raises
    ------
    NotARunError
        If tensors of the network are missing, left over, or of another shape.
    """
    arch = getattr(module, "arch", None)
    if not isinstance(arch, torch.nn.Module):
        module.load_state_dict(state)
        return {"tensors": len(state), "beside": []}
    given = {k.removeprefix(_ARCH): v for k, v in state.items() if k.startswith(_ARCH)}
    try:
        taken = take(arch, merged_state(given), str(path), head=new_head)
    except EugeneError as error:
        raise NotARunError(
            f"the network of this stage is another one than that of the stage before: {error}"
        ) from error
    beside = []
    for name, parameter in module.named_parameters():
        value = state.get(name)
        if name.startswith(_ARCH) or value is None or value.shape != parameter.shape:
            continue
        with torch.no_grad():
            parameter.copy_(value)
        beside.append(name)
    head = {"head": list(taken.head)} if new_head else {}
    return {"tensors": len(taken.taken), "beside": beside, **head}
