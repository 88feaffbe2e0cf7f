"""DeepLIFT and DeepLIFT/SHAP on the operations a model consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from seqexplainer.attribute._rows import FIRST, Pairs, rows_of, set_rows
from seqexplainer.attribute._trace import Trace
from seqexplainer.errors import GraphError, TargetError


class Multipliers(NamedTuple):
    """Multipliers of each pair of sequence and reference, and the outputs they explain."""

    values: torch.Tensor
    at_sequences: torch.Tensor
    at_references: torch.Tensor
    residual: torch.Tensor


def multipliers(
    model: Callable[..., Any],
    X: torch.Tensor,
    references: torch.Tensor,
    target: Callable[[Any], torch.Tensor],
    args: Sequence[torch.Tensor] = (),
) -> Multipliers:
    """Return DeepLIFT multipliers of one batch.

    Every sequence goes through the model once, however many references it has, and the backward
    pass carries one row per reference.

    Parameters
    ----------
    model : callable
        Model in evaluation mode, without parameter gradients.
    X : Tensor, shape (n, n_letters, length)
        Sequences.
    references : Tensor, shape (n, k, n_letters, length)
        References of each sequence.
    target : callable
        From the model's output to shape (rows,).
    args : sequence of Tensor, each with n rows
        Extra inputs; a sequence and its references share them.

    Returns
    -------
    Multipliers
        Multipliers (n, k, n_letters, length), outputs (n,) and (n, k), and the residual
        ``f(x) - f(reference) - sum((x - reference) * multiplier)`` (n, k).
    """
    try:
        return _multipliers(model, X, references, target, args)
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
    with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):
        return _multipliers(model, X, references, target, args)


def _multipliers(
    model: Callable[..., Any],
    X: torch.Tensor,
    references: torch.Tensor,
    target: Callable[[Any], torch.Tensor],
    args: Sequence[torch.Tensor],
) -> Multipliers:
    n, k = references.shape[:2]
    pairs = Pairs(n, k)
    leaf = torch.cat([X, references.flatten(0, 1)]).requires_grad_()
    with torch.enable_grad():
        batch = leaf.clone()
        set_rows(batch, FIRST)
        extra = [torch.cat([a, a.repeat_interleave(k, dim=0)]) for a in args]
        with Trace(pairs):
            output = target(model(batch, *extra))
    if output.shape != (pairs.total,):
        raise TargetError(
            f"the target has shape {tuple(output.shape)} for {pairs.total} sequences, "
            f"expected ({pairs.total},)"
        )
    if not output.requires_grad:
        raise GraphError(
            "the output does not depend on the sequence through differentiable operations "
            "(is there an argmax, a conversion to integers or torch.no_grad in the model?)"
        )
    if rows_of(output) not in (FIRST, None):
        raise GraphError("the batch is not the first axis of the model's output")
    seed = torch.zeros_like(output)
    seed[n:] = 1
    gradient = torch.autograd.grad(output, leaf, seed, allow_unused=True)[0]
    values = gradient[n:].unflatten(0, (n, k))
    out = output.detach()
    at_x, at_r = out[:n], out[n:].unflatten(0, (n, k))
    explained = ((X.unsqueeze(1) - references) * values).sum(dim=(2, 3))
    return Multipliers(values, at_x, at_r, at_x.unsqueeze(1) - at_r - explained)
