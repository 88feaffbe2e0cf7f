"""Weights of one network for another: which tensors are taken, and which are not, is said."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from eugene.errors import EugeneError
from eugene.models._build import build
from eugene.models._globs import matching
from eugene.models._weights import check_weights, existing, read_checkpoint
from eugene.nn._lora import merged_state

logger = logging.getLogger("eugene.models")
_SHOWN = 6


@dataclass(frozen=True)
class Taken:
    """What of some weights a network was filled with.

    Attributes
    ----------
    source : str
        Where they are from.
    taken : tuple of str
        Tensors that were filled.
    head : tuple of str
        Tensors of the head, which stay as they were drawn.
    missing : tuple of str
        Other tensors of the network that stay as they were drawn.
    left : tuple of str
        Tensors of the weights that the network was not given.
    """

    source: str
    taken: tuple[str, ...] = field(repr=False)
    head: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [
            f"{what}: {_listed(names)}"
            for what, names in (
                ("the head is drawn anew", self.head),
                ("as they were drawn", self.missing),
                ("left out", self.left),
            )
            if names
        ]
        return "; ".join([f"{len(self.taken)} tensors of {self.source} are taken", *told])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def head_of(network: nn.Module) -> list[str]:
    """Return the tensors of a network whose shapes follow from its number of outputs: its head.

    Parameters
    ----------
    network : torch.nn.Module
        One of ours, which says how it is built.

    Returns
    -------
    list of str
        Names as in ``state_dict()``.

    Raises
    ------
    EugeneError
        If the network does not say how it is built, or has no such tensors.

    Examples
    --------
    >>> head_of(build("deepbind", input_len=50, output_dim=1))[-2:]
    ['dense_block.layers.3.weight', 'dense_block.layers.3.bias']
    """
    config = getattr(network, "config", None)
    if not isinstance(config, Mapping) or not config.get("name"):
        raise EugeneError(
            f"{type(network).__name__} does not say how it is built, so what its head is cannot be "
            "told: give the network with its new head, and take the rest with part="
        )
    own = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found: dict[str, None] = {}
    for other in _others(config):
        found |= {name: None for name, shape in own.items() if other.get(name, shape) != shape}
    if not found:
        raise EugeneError(
            f"{config['name']} has no head: no tensor of it follows from the number of outputs"
        )
    return [name for name in own if name in found]


def _others(config: Mapping[str, object]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Yield the shapes of the same network with more outputs, of each kind that it has."""
    for key in ("output_dim", "n_outputs"):
        value = config.get(key)
        if not isinstance(value, int):
            continue
        changed = {**config, key: value + 1}
        try:
            with torch.device("meta"):
                other = build(**changed)  # type: ignore[arg-type]
        except EugeneError:  # another number may be refused
            continue
        yield {name: tuple(t.shape) for name, t in other.state_dict().items()}


def with_head(network: nn.Module, head: Mapping[str, object], seed: int | None = None) -> nn.Module:
    """Return a network with a new head, everything else with the weights of the one given.

    Parameters
    ----------
    network : torch.nn.Module
        One of ours; it is left as it is.
    head : mapping
        Arguments of the network that differ, such as ``{"output_dim": 5}``; none for a head of
        the same shape that is drawn anew.
    seed : int, optional
        Seed of the new head.

    Returns
    -------
    torch.nn.Module
        The new network, in the mode of the old one; ``taken`` says what it has of it.

    Raises
    ------
    EugeneError
        If the network has no head, or the arguments change more than that.

    Examples
    --------
    >>> network = build("cnn", input_len=50, output_dim=1)
    >>> with_head(network, {"output_dim": 5})(torch.rand(2, 4, 50)).shape
    torch.Size([2, 5])
    """
    head_of(network)
    config = network.config
    assert isinstance(config, dict)
    made = build(**{**config, **head, "seed": seed})
    take(made, network.state_dict(), "the network", head=True)
    return made.train(network.training)


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a network in a file of ours; adapters are merged.

    Parameters
    ----------
    path : pathlib.Path
        A safetensors file or a checkpoint.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NotARunError
        If it cannot be read.
    EugeneError
        If it is a file of another kind.
    """
    path = existing(path, "weights")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        check_weights(path)
        return merged_state(load_file(path))
    if path.suffix == ".ckpt":
        state = merged_state(read_checkpoint(path)["state_dict"])
        under = "arch."
        return {k.removeprefix(under): v for k, v in state.items() if k.startswith(under)}
    raise EugeneError(
        f"{path}: of this file the weights are taken whole or not at all; leave part and head out"
    )


def take(
    network: nn.Module,
    state: Mapping[str, torch.Tensor],
    source: str,
    *,
    part: Sequence[str] = (),
    head: bool = False,
) -> Taken:
    """Fill a network with some weights, in place, and say what was taken.

    Parameters
    ----------
    network : torch.nn.Module
        The network; it keeps the account as ``taken``.
    state : mapping
        Tensors by name.
    source : str
        Where they are from.
    part : list of str
        Globs of the tensors that are taken; all by default.
    head : bool
        Whether the head of the network stays as it was drawn.

    Returns
    -------
    Taken
        The account.

    Raises
    ------
    EugeneError
        If tensors are missing, left over or of another shape that neither ``part`` nor ``head``
        leaves out; nothing is changed then.
    """
    own = network.state_dict()
    outside = set(head_of(network)) if head else set()
    wanted = set(matching(part, state, "part") if part else state)
    fits = [n for n in own if n in wanted and n not in outside]
    shapes = [
        f"{n} is {tuple(state[n].shape)}, here {tuple(own[n].shape)}"
        for n in fits
        if state[n].shape != own[n].shape
    ]
    missing = [n for n in own if n not in wanted and n not in outside]
    left = [n for n in state if n not in own or n not in wanted or n in outside]
    unused = [n for n in left if n in wanted and n not in outside]
    told = [
        *([f"of another shape: {'; '.join(shapes[:_SHOWN])}"] if shapes else []),
        *([f"not in the weights: {_listed(missing)}"] if missing and not part else []),
        *([f"not in the network: {_listed(unused)}"] if unused and not head else []),
    ]
    if told:
        raise EugeneError(
            f"the weights of {source} do not fit the network: {'. '.join(told)}. Build the network "
            "as theirs is; a new head is asked for with 'head', a part of the weights with 'part'"
        )
    network.load_state_dict({**own, **{n: state[n] for n in fits}})
    account = Taken(
        source,
        tuple(fits),
        tuple(n for n in own if n in outside),
        tuple(missing),
        tuple(n for n in left if n not in outside),
    )
    network.__dict__["taken"] = account
    logger.info("weights: %s", account)
    return account
