"""Building architectures by name, without importing torch to list them."""

from __future__ import annotations

import contextlib
import fnmatch
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from eugene.config.registries import MODELS

if TYPE_CHECKING:
    import torch

    from eugene.models._base import Architecture


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the architectures.

    Parameters
    ----------
    pattern : str
        Only names that match it, ``*`` and ``?`` as in file names.

    Returns
    -------
    list of str
        Names for :func:`build` and for ``model: {name: ...}`` in YAML.

    Examples
    --------
    >>> list_models("deept*")
    ['deeptopic_cnn', 'deeptopic_lstm']
    """
    return sorted(fnmatch.filter(list(MODELS), pattern))


def build(
    name: str, *, seed: int | None = None, first_activation: str | None = None, **kwargs: object
) -> Architecture:
    """Build an architecture by name.

    Parameters
    ----------
    name : str
        A name of :func:`list_models`, or a class name of ``eugene.models.zoo``.
    seed : int, optional
        Seed of the starting weights, by default ``settings.seed``; the global random state is
        left as it was.
    first_activation : str, optional
        What stands behind the first convolution instead of the network's own activation, such as
        ``"exponential"``.
    **kwargs
        Arguments of the architecture.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    EugeneError
        If there is no such architecture, or it has no activation that can be replaced.

    Examples
    --------
    >>> build("cnn", input_len=50, output_dim=1, seed=0).input_len
    50
    """
    from eugene.nn import drawn_with

    own = has_first_activation(name)
    if own and first_activation is not None:
        kwargs["first_activation"] = first_activation
    with drawn_with(seed):
        network: Architecture = MODELS.build(name, **kwargs)
    if not hasattr(network, "config"):  # a class of somebody's own, which does not know its name
        _remember(network, {"name": MODELS.resolve(name), **kwargs})
    if not own and first_activation is not None:
        replace_first_activation(network, first_activation)
    return network


def _remember(network: torch.nn.Module, config: Mapping[str, object]) -> None:
    """Let a network keep how it was built, where that is plain values, for its checkpoints."""
    with contextlib.suppress(TypeError, ValueError):
        network.config = json.loads(json.dumps(config, allow_nan=False))


def has_first_activation(name: object) -> bool:
    """Tell whether an architecture has an argument for its first activation itself."""
    known = isinstance(name, str) and name in MODELS
    return known and "first_activation" in MODELS.signature(str(name))


def replace_first_activation(
    network: torch.nn.Module,
    activation: str,
    *,
    input_len: int | None = None,
    input_channels: int | None = None,
) -> None:
    """Replace the activation behind the first convolution, and let the network remember it.

    Parameters
    ----------
    network : torch.nn.Module
        It is changed.
    activation : str
        Such as ``"exponential"``.
    input_len, input_channels : int, optional
        Shape of its sequences, where it does not tell it.

    Raises
    ------
    ModelError
        If there is none that can be replaced.
    """
    import torch

    from eugene.nn import set_first_activation

    letters = input_channels or int(getattr(network, "input_channels", 4))
    length = input_len or int(getattr(network, "input_len", 0))
    set_first_activation(network, torch.zeros(2, letters, length), activation)
    config = getattr(network, "config", None)
    if isinstance(config, dict):
        config["first_activation"] = activation
