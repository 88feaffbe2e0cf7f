"""Learning rates that differ along a network."""

from __future__ import annotations

from collections.abc import Mapping

import pytorch_lightning as pl

from eugene.errors import EugeneError
from eugene.models._globs import matching
from eugene.modules.base import BaseModule
from eugene.train._freeze import short


def set_rates(
    module: pl.LightningModule, scale: Mapping[str, float], decay: float | None = None
) -> list[dict[str, object]]:
    """Settle what the learning rate of each parameter is multiplied by.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        A module of ours; its optimiser, which is made later, has a group a rate.
    scale : mapping of str to float
        Globs and factors; of several that match the last counts.
    decay : float, optional
        Each part of the network, as its children stand in order, learns so many times as fast as
        the part behind it; the last with the rate itself.

    Returns
    -------
    list of dict
        ``factor`` and ``parameters``, the number of those that are trained with it; the largest
        factor first.

    Raises
    ------
    EugeneError
        If a factor is no positive number, a glob matches nothing, or the module is not ours.
    """
    wrong = [v for v in (*scale.values(), *(() if decay is None else (decay,))) if not v > 0]
    if wrong:
        raise EugeneError(f"lr_scale, lr_decay: {wrong[0]} is not above 0; use freeze for none")
    named = {short(name): (name, p) for name, p in module.named_parameters()}
    factors = dict.fromkeys(named, 1.0)
    if decay is not None:
        parts = [name for name, _ in module.arch.named_children()]  # type: ignore[union-attr]
        parts = [p for p in parts if any(n.startswith(f"{p}.") for n in named)]
        for name in named:
            first = name.partition(".")[0]
            if first in parts:
                factors[name] *= decay ** (len(parts) - 1 - parts.index(first))
    own = dict(factors)
    for glob, factor in scale.items():
        for name in matching([glob], named, "lr_scale"):
            factors[name] = own[name] * factor
    if (scale or decay is not None) and not isinstance(module, BaseModule):
        raise EugeneError(
            f"{type(module).__name__} makes its optimiser itself: lr_scale and lr_decay need a "
            "module of eugene"
        )
    different = {named[n][0]: f for n, f in factors.items() if f != 1.0}
    if isinstance(module, BaseModule):
        module.lr_factors = different
    counts: dict[float, int] = {}
    for name, (_, parameter) in named.items():
        if parameter.requires_grad:
            counts[factors[name]] = counts.get(factors[name], 0) + parameter.numel()
    return [{"factor": f, "parameters": counts[f]} for f in sorted(counts, reverse=True)]
