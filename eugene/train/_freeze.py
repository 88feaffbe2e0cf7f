"""What of a network is trained, by globs over the names of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import nn

from eugene.errors import EugeneError
from eugene.models._globs import matching, parts_of

_ARCH = "arch."


@dataclass(frozen=True)
class Trained:
    """What of a network is trained.

    Attributes
    ----------
    trained, frozen : int
        Number of parameters.
    trained_names, frozen_names : tuple of str
        Names of the tensors.
    still : tuple of str
        Parts of the network that are wholly frozen: they stay in evaluation mode.
    layers : tuple of torch.nn.Module
        The same as modules.
    before : mapping of str to bool
        What was trained before, by name.
    """

    trained: int
    frozen: int
    trained_names: tuple[str, ...] = field(repr=False)
    frozen_names: tuple[str, ...] = field(repr=False)
    still: tuple[str, ...] = ()
    layers: tuple[nn.Module, ...] = field(default=(), repr=False)
    before: Mapping[str, bool] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        total = self.trained + self.frozen
        return f"{self.trained:,} of {total:,} parameters are trained, {self.frozen:,} frozen"


def short(name: str) -> str:
    """Return what a tensor of a module is called: those of the network without ``arch.``.

    Examples
    --------
    >>> short("arch.head.weight"), short("loss.scale")
    ('head.weight', 'loss.scale')
    """
    return name.removeprefix(_ARCH)


def freeze(
    module: pl.LightningModule, frozen: Sequence[str] = (), trained: Sequence[str] = ()
) -> Trained:
    """Settle which parameters of a module are trained, in place.

    Parts that are wholly frozen stay in evaluation mode, so that running statistics of batch
    normalisation do not move and dropout does not draw; see `StaysFrozen`. A normalisation of
    which every own parameter is frozen counts as wholly frozen.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        Names of its network are told without ``arch.``.
    frozen : list of str
        Globs of what is frozen.
    trained : list of str
        Globs of what is trained: alone, nothing else is; beside ``frozen``, these are although
        it matches them. What the network itself keeps frozen stays so unless it is named here.

    Returns
    -------
    Trained
        The account.

    Raises
    ------
    EugeneError
        If a glob matches nothing, or nothing is left to train.
    """
    parameters = {short(name): p for name, p in module.named_parameters()}
    buffers = [short(name) for name, _ in module.named_buffers()]
    every = [*parameters, *(name for name in buffers if not _is_measure(name))]
    kept = set(matching(trained, every, "train"))
    still = set(matching(frozen, every, "freeze")) if frozen else set()
    if trained and not frozen:
        still = set(every)
    # what the network itself keeps frozen stays so, unless it is named
    before = {name: parameter.requires_grad for name, parameter in parameters.items()}
    still |= {name for name, was in before.items() if not was}
    still -= kept
    for name, parameter in parameters.items():
        parameter.requires_grad_(name not in still)
    if parameters and not any(p.requires_grad for p in parameters.values()):
        raise EugeneError("freeze: every parameter is frozen, so there is nothing to train")
    parts = {short(n): layer for n, layer in module.named_modules() if n.startswith(_ARCH[:-1])}
    parts = parts or dict(module.named_modules())
    whole = {name: layer for name, layer in parts.items() if _is_still(name, layer, still)}
    # of parts inside each other, the outermost
    tops = {n: layer for n, layer in whole.items() if not any(p in whole for p in parts_of(n)[:-1])}
    sizes = {n: p.numel() for n, p in parameters.items()}
    return Trained(
        trained=sum(size for n, size in sizes.items() if n not in still),
        frozen=sum(size for n, size in sizes.items() if n in still),
        trained_names=tuple(n for n in sizes if n not in still),
        frozen_names=tuple(n for n in sizes if n in still),
        still=tuple(tops),
        layers=tuple(tops.values()),
        before=before,
    )


def release(module: pl.LightningModule, trained: Trained) -> None:
    """Let a module be trained as it was before `freeze`.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        It is changed.
    trained : Trained
        What `freeze` returned.
    """
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(trained.before.get(short(name), True))


def _is_measure(name: str) -> bool:
    """Tell the states of losses and metrics of a module, which are no part of a network."""
    return name.startswith(("_means.", "_metrics."))


def _is_still(name: str, layer: nn.Module, still: set[str]) -> bool:
    """Tell whether all that a part holds is frozen; one that holds nothing is not."""
    under = "" if name in ("", "arch") else f"{name}."
    parameters = [f"{under}{n}" for n, _ in layer.named_parameters()]
    held = [*parameters, *(f"{under}{n}" for n, _ in layer.named_buffers())]
    if not held:
        return False
    own = bool(parameters) and not any(True for _ in layer.children())
    return all(n in still for n in (parameters if own else held))


class StaysFrozen(Callback):
    """Keep frozen parts of a network in evaluation mode while it is trained.

    Parameters
    ----------
    layers : sequence of torch.nn.Module
        The parts.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        self.layers = tuple(layers)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the parts into evaluation mode; Lightning keeps the mode of each over validation."""
        for layer in self.layers:
            layer.eval()
