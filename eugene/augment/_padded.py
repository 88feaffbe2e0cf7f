"""Networks of padded sequences, as networks of the sequences themselves."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    import torch

    from eugene.augment._augmenter import Augmenter


def padded_network(network: nn.Module, augmenter: Augmenter) -> nn.Module:
    """Return a network that pads what it reads, and is otherwise the same.

    Parameters
    ----------
    network : torch.nn.Module
        On sequences that are `Augmenter.added` longer.
    augmenter : Augmenter
        Always pads with the same letters.

    Returns
    -------
    torch.nn.Module
        With the same layers, by the same names; a view, no copy.

    Examples
    --------
    >>> import torch
    >>> from eugene.augment import Augmenter, Insertion
    >>> longer = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30, 1))
    >>> padded_network(longer, Augmenter([Insertion(0, 10)]))(torch.rand(2, 4, 20)).shape
    torch.Size([2, 1])
    """
    kind = type(network)

    def forward(self: nn.Module, x: torch.Tensor, *args: object, **kwargs: object) -> object:
        return kind.forward(self, augmenter.pad(x), *args, **kwargs)

    view = copy.copy(network)
    view.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__doc__": kind.__doc__})
    wanted = view.__dict__.get("input_len")
    if isinstance(wanted, int):
        view.input_len = wanted - augmenter.added  # type: ignore[assignment]
    return view
