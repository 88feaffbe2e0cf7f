"""Loading a trained module."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from torch import nn

from eugene.config.registries import MODULES
from eugene.errors import NotARunError
from eugene.models._convert import is_of_eugene
from eugene.models._weights import filled, read_checkpoint
from eugene.modules._objects import without_objects
from eugene.modules.base import BaseModule
from eugene.modules.sequence import SequenceModule


def load_checkpoint(path: str | Path, arch: nn.Module | None = None, **objects: object) -> Any:
    """Load a trained module of eugene, ready to predict.

    Parameters
    ----------
    path : str or pathlib.Path
        A checkpoint written by :func:`eugene.train.fit`.
    arch : torch.nn.Module, optional
        The network, needed where it is not one of ours.
    **objects
        ``loss_fxn``, ``metric``, ``optimizer`` or ``scheduler``, where they were given as
        objects, of which a checkpoint holds only the name. Predictions need none of them.

    Returns
    -------
    SequenceModule, ProfileModule or TrackModule
        What was trained, in evaluation mode, on the CPU.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it is not a checkpoint of ours, or the network does not fit its weights.
    """
    content = read_checkpoint(path)
    hparams = dict(content.get("hyper_parameters", {}))
    named = content.get("module", "SequenceModule" if "task" in hparams else None)
    if not isinstance(named, str) or named not in MODULES:
        what = "names no task" if named is None else f"is of the module {named!r}"
        raise NotARunError(f"{path} was not written from a module of eugene: it {what}")
    made: type[BaseModule] = MODULES.get(named)
    if arch is not None:
        hparams["arch"] = arch
    elif not isinstance(hparams.get("arch"), dict):
        raise NotARunError(
            f"{path} does not describe its network, which was not built by a registered name: "
            "give it as arch=, eugene.train.load_checkpoint(path, arch=network)"
        )
    if is_of_eugene(content):
        known = inspect.signature(SequenceModule).parameters
        hparams = {key: value for key, value in hparams.items() if key in known}
    module = made(**without_objects({**hparams, **objects}))
    module.on_load_checkpoint(content)
    return filled(module, content["state_dict"], path)
