"""DeepLIFT and DeepLIFT/SHAP on the operations a model consists of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from seqexplainer._inputs import wide
from seqexplainer._operations import Operation
from seqexplainer._targets import Pick
from seqexplainer.attribute._explained import Explained, Multipliers
from seqexplainer.attribute._rows import FIRST, Pairs, rows_of, set_rows
from seqexplainer.attribute._trace import Record, Trace
from seqexplainer.errors import GraphError, TargetError


def deep_lift(explained: Explained, X: torch.Tensor, references: torch.Tensor) -> Multipliers:
    """Return DeepLIFT multipliers of one batch, for the mean of which over references see SHAP."""
    return multipliers(explained.model, X, references, explained.pick, explained.args)


def multipliers(
    model: Operation,
    X: torch.Tensor,
    references: torch.Tensor,
    target: Pick,
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
    model: Operation,
    X: torch.Tensor,
    references: torch.Tensor,
    target: Pick,
    args: Sequence[torch.Tensor],
) -> Multipliers:
    n, k = references.shape[:2]
    leaf, output = _forward(model, X, references, target, args, Trace(Pairs(n, k)))
    seed = torch.zeros_like(output)
    seed[n:] = 1
    gradient = torch.autograd.grad(output, leaf, seed)[0]
    values = wide(gradient[n:].reshape(references.shape))
    out = wide(output.detach())
    at_x, at_r = out[:n], out[n:].reshape(n, k)
    explained = ((X.unsqueeze(1) - references) * values).sum(dim=(2, 3))
    return Multipliers(values, at_x, at_r, at_x.unsqueeze(1) - at_r - explained)


def _forward(
    model: Operation,
    X: torch.Tensor,
    references: torch.Tensor,
    target: Pick,
    args: Sequence[torch.Tensor],
    trace: Trace,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the batch and the explained numbers, connected by the rules."""
    pairs = trace.pairs
    leaf = torch.cat([X, references.flatten(0, 1)]).requires_grad_()
    with torch.enable_grad():
        batch = leaf.clone()
        set_rows(batch, FIRST)
        extra = [torch.cat([a, a.repeat_interleave(pairs.k, dim=0)]) for a in args]
        with trace:
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
    if rows_of(output) != FIRST:
        raise GraphError("the batch is not the first axis of the model's output")
    return leaf, output


class Blame(NamedTuple):
    """Share of a completeness delta that arises in one operation."""

    operation: str
    module: str
    residual: float


def blame(
    model: torch.nn.Module,
    X: torch.Tensor,
    references: torch.Tensor,
    target: Pick,
    args: Sequence[torch.Tensor] = (),
) -> list[Blame]:
    """Return the operations of a model by how much of the delta arises in each.

    Parameters
    ----------
    model, X, references, target, args
        As in `multipliers`; a few sequences are enough.

    Returns
    -------
    list of Blame
        Largest first: mean over the pairs of the absolute difference between what the outputs
        of an operation and its inputs explain.
    """
    pairs = Pairs(*references.shape[:2])
    records: list[Record] = []
    running: list[str] = []
    handles = []
    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(partial(_enter, running, name)))
            handles.append(module.register_forward_hook(partial(_leave, running)))
        trace = Trace(pairs, records, lambda: running[-1] if running else "")
        output = _forward(model, X, references, target, args, trace)[1]
    finally:
        for handle in handles:
            handle.remove()
    tensors = [t for record in records for t in (*record.inputs, *record.outputs)]
    seed = torch.zeros_like(output)
    seed[pairs.n :] = 1
    found = iter(torch.autograd.grad(output, tensors, seed, allow_unused=True))
    blamed = []
    for record in records:
        inputs = sum(_explained(pairs, t, next(found)) for t in record.inputs)
        outputs = sum(_explained(pairs, t, next(found)) for t in record.outputs)
        gap = torch.as_tensor(outputs - inputs).abs().mean()
        blamed.append(Blame(record.name, record.place, float(gap)))
    return sorted(blamed, key=lambda b: -b.residual)


def _enter(running: list[str], name: str, *_: object) -> None:
    running.append(name)


def _leave(running: list[str], *_: object) -> None:
    running.pop()


def _explained(pairs: Pairs, tensor: torch.Tensor, multiplier: torch.Tensor | None) -> Any:
    rows = rows_of(tensor)
    if multiplier is None or rows is None:
        return 0.0
    x, r = pairs.split(tensor.detach(), rows)
    m = pairs.split(multiplier, rows)[1]
    return ((x - r) * m).reshape(pairs.n, pairs.k, -1).sum(dim=-1)
