"""Population based training: a run goes on from another one's checkpoint, with other values."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from eugene._folder import RunFolder
from eugene.config import RunConfig
from eugene.train import read_checkpoint

# what of a group of parameters is a learning rate, its present one or one of its schedule
_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
_OF_SCHEDULE = ("base_lrs", "_last_lr")


def changed(
    checkpoint: Mapping[str, Any], hparams: Mapping[str, Any], trainer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a checkpoint that goes on with other values.

    Learning rates keep their place in their schedule: each is multiplied by the ratio of the new
    to the old ``optimizer_lr``.

    Parameters
    ----------
    checkpoint : mapping
        As `eugene.train.fit` writes it; it is changed.
    hparams : mapping
        Hyper-parameters of the module that goes on.
    trainer : mapping
        Section ``trainer`` of its configuration.

    Returns
    -------
    dict
        The same weights and moments, other settings.
    """
    kept = checkpoint.get("hyper_parameters") or {}
    old, new = kept.get("optimizer_lr"), hparams.get("optimizer_lr")
    ratio = float(new) / float(old) if old and new is not None else 1.0
    options = hparams.get("optimizer_kwargs") or {}
    for state in checkpoint["optimizer_states"]:
        for group in state["param_groups"]:
            for name in _RATES:
                if isinstance(group.get(name), float):
                    group[name] *= ratio
            group.update({name: value for name, value in options.items() if name in group})
    for state in checkpoint["lr_schedulers"]:
        for name in _OF_SCHEDULE:
            if isinstance(state.get(name), list):
                state[name] = [rate * ratio for rate in state[name]]
    for name in ("optimizer_lr", "optimizer_kwargs", "augment"):
        if name in kept:
            kept[name] = hparams.get(name)
    settings = checkpoint["eugene"]["settings"]
    settings.update({name: trainer[name] for name in settings if name in trainer})
    return dict(checkpoint)


def inherit(source: Path, folder: RunFolder, config: RunConfig, hparams: Mapping[str, Any]) -> None:
    """Put another run's checkpoints in place of those of a run, fit to its own configuration.

    Parameters
    ----------
    source : Path
        Folder with ``last.ckpt`` and, where there is one, ``best.ckpt``.
    folder : RunFolder
        The run that goes on.
    config : RunConfig
        Its configuration now, which is written down.
    hparams : mapping
        Hyper-parameters of its module.
    """
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    best = source / "best.ckpt"
    if best.is_file():
        copied = folder.best.with_name(".best.ckpt.tmp")
        shutil.copyfile(best, copied)
        copied.replace(folder.best)
    checkpoint = changed(read_checkpoint(source / "last.ckpt"), hparams, config.section("trainer"))
    written = folder.last.with_name(".last.ckpt.tmp")
    torch.save(checkpoint, written)
    written.replace(folder.last)
    folder.write_text("config.yaml", config.to_yaml())
