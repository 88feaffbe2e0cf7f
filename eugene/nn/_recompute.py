"""Activations that are computed again in the backward pass instead of being kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@contextlib.contextmanager
def recomputing(network: nn.Module) -> Iterator[None]:
    """Let a network keep only what goes into its blocks, and compute the rest again when needed.

    Blocks are the parts of the network; of a ``Sequential`` of blocks, each of these; of a part
    that says it is one ``of_blocks``, its parts. Results
    and gradients are the same; the running statistics of batch normalisation are moved once, not
    again when a block is computed again.

    Parameters
    ----------
    network : torch.nn.Module
        The network, called within the context, and followed by a backward pass within or after it.

    Yields
    ------
    None

    References
    ----------
    Chen et al. 2016, https://doi.org/10.48550/arXiv.1604.06174

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> with recomputing(net):
    ...     net(torch.ones(1, 2)).sum().backward()
    >>> net[0].weight.grad.shape
    torch.Size([3, 2])
    """
    blocks = list(_blocks(network))
    kept = [block.__dict__.get("forward") for block in blocks]
    for block in blocks:
        block.forward = partial(_called, block, block.forward)
    try:
        yield
    finally:
        for block, own in zip(blocks, kept, strict=True):
            if own is None:
                del block.forward
            else:
                block.forward = own


def _blocks(network: nn.Module) -> Iterator[nn.Module]:
    for child in network.children():
        if getattr(child, "of_blocks", False):
            yield from _blocks(child)
            continue
        several = isinstance(child, nn.Sequential) and any(
            any(True for _ in part.children()) for part in child
        )
        parts = child.children() if several else (child,)
        yield from (part for part in parts if any(True for _ in part.parameters()))


def _called(block: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    norms = [layer for layer in block.modules() if isinstance(layer, _BatchNorm)]
    return checkpoint(
        forward,
        *args,
        use_reentrant=False,
        context_fn=lambda: (contextlib.nullcontext(), _unmoved(norms)),
        **kwargs,
    )


@contextlib.contextmanager
def _unmoved(norms: list[_BatchNorm]) -> Iterator[None]:
    """Leave running statistics as they are, while batches are normalised by their own."""
    kept = [(n.running_mean, n.running_var, n.num_batches_tracked) for n in norms]
    for layer in norms:
        if layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean = layer.running_mean.clone()
            layer.running_var = layer.running_var.clone()
        if layer.num_batches_tracked is not None:
            layer.num_batches_tracked = layer.num_batches_tracked.clone()
    try:
        yield
    finally:
        for layer, (mean, var, count) in zip(norms, kept, strict=True):
            layer.running_mean, layer.running_var, layer.num_batches_tracked = mean, var, count
