"""Building architectures by name, without importing torch to list them."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from eugene.config.registries import MODELS

if TYPE_CHECKING:
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


def build(name: str, *, seed: int | None = None, **kwargs: object) -> Architecture:
    """Build an architecture by name.

    Parameters
    ----------
    name : str
        A name of :func:`list_models`, or a class name of ``eugene.models.zoo``.
    seed : int, optional
        Seed of the starting weights, by default ``settings.seed``; the global random state is
        left as it was.
    **kwargs
        Arguments of the architecture.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    EugeneError
        If there is no such architecture.

    Examples
    --------
    >>> build("cnn", input_len=50, output_dim=1, seed=0).input_len
    50
    """
    from eugene.nn import drawn_with

    with drawn_with(seed):
        network: Architecture = MODELS.build(name, **kwargs)
    return network
