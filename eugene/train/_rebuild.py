"""A module with other arguments around the same network, and weights from one to the next."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import pytorch_lightning as pl
import torch

from eugene.errors import EugeneError, NotARunError, did_you_mean
from eugene.modules._objects import OBJECT

_ARCH = "arch."
_NETWORK = frozenset({"arch", "arch_name", "model_name", "seed", "alphabet", "task"})


def rebuilt(
    module: pl.LightningModule,
    changes: Mapping[str, object]
    | Callable[[pl.LightningModule], pl.LightningModule]
    | None = None,
) -> pl.LightningModule:
    """Return a module with other arguments around the same network.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        What there is.
    changes : mapping or callable, optional
        Arguments that differ, or a function that returns the other module.

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
    if not changes:
        return module
    hparams = dict(module.hparams)
    known = inspect.signature(type(module)).parameters
    for key in changes:
        if key not in known or key == "arch":
            hint = did_you_mean(key, [name for name in known if name != "arch"])
            raise EugeneError(f"{type(module).__name__} has no argument {key!r}{hint}")
    given = {k: v for k, v in hparams.items() if k in known and k != "arch"} | dict(changes)
    for key, value in given.items():
        if isinstance(value, str) and value.startswith(OBJECT):
            kept = getattr(module, f"_{key}", None)
            if kept is None or isinstance(kept, str):
                raise EugeneError(
                    f"{key} was given as an object ({value.removeprefix(OBJECT)}), which is not "
                    f"kept: give {key} in the stage too"
                )
            given[key] = kept
    made: pl.LightningModule = type(module)(module.arch, **given)  # type: ignore[arg-type]
    return made


def carry(
    module: pl.LightningModule, state: Mapping[str, torch.Tensor], path: Path
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

    Returns
    -------
    dict
        ``tensors``: how many were taken over; ``beside``: names of those beside the network.

    Raises
    ------
    NotARunError
        If tensors of the network are missing, left over, or of another shape.
    """
    arch = getattr(module, "arch", None)
    if not isinstance(arch, torch.nn.Module):
        module.load_state_dict(state)
        return {"tensors": len(state), "beside": []}
    own = arch.state_dict()
    given = {k.removeprefix(_ARCH): v for k, v in state.items() if k.startswith(_ARCH)}
    lacking = [k for k in own if k not in given]
    over = [k for k in given if k not in own]
    shapes = [
        f"{k} is {tuple(given[k].shape)}, here {tuple(own[k].shape)}"
        for k in own
        if k in given and own[k].shape != given[k].shape
    ]
    if lacking or over or shapes:
        told = [
            *([f"it lacks {', '.join(lacking[:4])}"] if lacking else []),
            *([f"it has {', '.join(over[:4])} as well"] if over else []),
            *shapes[:4],
        ]
        raise NotARunError(f"{path} does not fit the network of the next stage: {'; '.join(told)}")
    arch.load_state_dict(given)
    beside = []
    for name, parameter in module.named_parameters():
        value = state.get(name)
        if name.startswith(_ARCH) or value is None or value.shape != parameter.shape:
            continue
        with torch.no_grad():
            parameter.copy_(value)
        beside.append(name)
    return {"tensors": len(given), "beside": beside}
