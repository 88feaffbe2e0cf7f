"""What a stage of a training can do before its first epoch, by name."""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
import torch

from eugene.errors import EugeneError
from eugene.models._build import build
from eugene.models._globs import matching
from eugene.settings import session_seed


def redraw(
    module: pl.LightningModule,
    datamodule: object,
    *,
    parameters: Sequence[str],
    seed: int | None = None,
) -> dict[str, object]:
    """Draw parameters of the network anew, as when it was built; buffers named go back as well.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        Its network, one of ours, is changed.
    datamodule : object
        Not looked at.
    parameters : list of str
        Globs over their names, such as ``head`` or ``dense_block.*``.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    dict
        ``redrawn``: the names.

    Raises
    ------
    EugeneError
        If a glob matches nothing, or the network does not describe itself.
    """
    arch = module.arch
    config = getattr(arch, "config", None)
    if not isinstance(arch, torch.nn.Module) or config is None:
        raise EugeneError("redraw: the network is not one of ours, and cannot be built again")
    state = arch.state_dict()
    names = matching(parameters, state, "redraw.parameters")
    fresh = build(**{**config, "seed": session_seed(seed)}).state_dict()
    missing = [name for name in names if name not in fresh]
    if missing:
        raise EugeneError(f"redraw: {', '.join(missing)} are not of the network as it is built")
    with torch.no_grad():
        for name in names:
            state[name].copy_(fresh[name])
    return {"redrawn": names}
