"""Attributions from gradients of the output with respect to the sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from seqexplainer._inputs import wide
from seqexplainer._operations import Args, Kwargs, Operation, name_of, tensors_in
from seqexplainer._scripts import scripted
from seqexplainer.attribute._explained import Explained, Multipliers, measured
from seqexplainer.attribute._rules import quadrature
from seqexplainer.errors import GraphError
from seqpro.random import counter_seed, row_hash, uniform


def gradient(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each row's number, shape of X.

    Raises
    ------
    GraphError
        If the output does not depend on the sequence through differentiable operations.
    """
    leaf = X.detach().clone().requires_grad_()
    with torch.enable_grad():
        output = explained(leaf.clone())
    return _gradient_of(output, leaf)


def _gradient_of(output: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    if not output.requires_grad:
        raise GraphError(
            "the output does not depend on the sequence through differentiable operations "
            "(is there an argmax, a conversion to integers or torch.no_grad in the model?)"
        )
    return torch.autograd.grad(output.sum(), leaf)[0]


def smooth_gradient(
    explained: Explained, X: torch.Tensor, *, n_samples: int = 50, noise: float = 0.15
) -> torch.Tensor:
    """Return the mean gradient of each sequence over copies with Gaussian noise.

    SmoothGrad, doi:10.48550/arXiv.1706.03825. The noise of a copy depends on the seed, the
    sequence and the number of the copy.
    """
    total = wide(torch.zeros_like(X))
    copies = max(1, explained.batch_size // len(X))
    ids = identities(X)[:, None]
    for begin in range(0, n_samples, copies):
        count = min(copies, n_samples - begin)
        seeds = counter_seed(explained.seed, ids, np.arange(begin, begin + count)) >> np.uint64(1)
        draws = [
            torch.randn(X.shape[1:], generator=torch.Generator().manual_seed(int(s)))
            for s in seeds.reshape(-1)
        ]
        drawn = torch.stack(draws).reshape(len(X), count, *X.shape[1:]).to(X)
        noisy = X.unsqueeze(1) + noise * drawn
        total += wide(gradient(explained, noisy.flatten(0, 1))).reshape(noisy.shape).sum(dim=1)
    return total / n_samples


def integrated_gradients(
    explained: Explained, X: torch.Tensor, references: torch.Tensor, *, n_steps: int = 50
) -> Multipliers:
    """Return gradients integrated from each reference to its sequence.

    Integrated gradients, doi:10.48550/arXiv.1703.01365, with Gauss-Legendre points.
    """
    n, k = references.shape[:2]
    points, weights = (torch.tensor(v, dtype=X.dtype, device=X.device) for v in quadrature(n_steps))
    total = wide(torch.zeros_like(references))
    flat = total.flatten(0, 1)
    ends = references.flatten(0, 1)[:, None]
    starts = X.repeat_interleave(k, dim=0)[:, None]
    steps = max(1, explained.batch_size // max(1, n * k))
    for at, weight in zip(torch.split(points, steps), torch.split(weights, steps), strict=True):
        line = ends + at[:, None, None] * (starts - ends)
        found = wide(gradient(explained, line.flatten(0, 1))).reshape(line.shape)
        flat += (found * weight[:, None, None]).sum(dim=1)
    return measured(explained, X, references, total)


def gradient_shap(explained: Explained, X: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """Return the gradient at one random point between each reference and its sequence.

    Expected gradients, doi:10.1038/s42256-021-00343-w. Shape of the references; the point depends
    on the seed, the sequence and the number of the reference.
    """
    numbers = np.arange(explained.first, explained.first + references.shape[1])
    at = torch.from_numpy(uniform(explained.seed, identities(X)[:, None], numbers)).to(X)
    points = references + at[:, :, None, None] * (X.unsqueeze(1) - references)
    return gradient(explained, points.flatten(0, 1)).reshape(references.shape)


def guided_backprop(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return guided backpropagation gradients, doi:10.48550/arXiv.1412.6806."""
    return _rectified(explained, X, guided=True)


def deconvolution(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return deconvolution gradients, doi:10.1007/978-3-319-10590-1_53."""
    return _rectified(explained, X, guided=False)


def _rectified(explained: Explained, X: torch.Tensor, *, guided: bool) -> torch.Tensor:
    """Return gradients with a changed backward pass of every ReLU.

    It does not matter whether a ReLU is a module, a function or in place.

    Raises
    ------
    GraphError
        If there is no ReLU, or one inside a TorchScript part, which shows no operations.
    """
    rectified = _Rectified(guided=guided)
    leaf = X.detach().clone().requires_grad_()
    with torch.enable_grad(), rectified:
        output = explained(leaf.clone())
    if not rectified.count:
        raise GraphError(
            "guided backpropagation and deconvolution change ReLUs, and none acts on the sequence "
            "in this model; use another method"
        )
    return _gradient_of(output, leaf)


class _Rectified(TorchFunctionMode):
    """Context in which every ReLU of what depends on the sequence has another backward pass."""

    def __init__(self, *, guided: bool) -> None:
        super().__init__()
        self.guided, self.count = guided, 0

    def __torch_function__(
        self,
        func: Operation,
        _types: object,
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_in((args, kwargs), [])
        if not any(t.requires_grad for t in given):
            return func(*args, **kwargs)
        if func is scripted and "relu" in str(getattr(args[0], "inlined_graph", "relu")):
            raise GraphError(
                "guided backpropagation and deconvolution change every ReLU, and a TorchScript "
                "part of the model has one that cannot be reached; use another method"
            )
        name = name_of(func)
        in_place = name.endswith("_") or bool(kwargs.get("inplace"))
        if not _is_relu(name.rstrip("_"), args, kwargs):
            return func(*args, **kwargs)
        self.count += 1
        run: Callable[..., torch.Tensor] = _Relu.apply
        result = run(given[0], self.guided)
        return given[0].copy_(result) if in_place else result


def _is_relu(name: str, args: Args, kwargs: Kwargs) -> bool:
    """Tell whether an operation is max(x, 0)."""
    if name == "relu":
        return True
    bounds = [*args[1:], *kwargs.values()]
    low = kwargs.get("min", args[1] if len(args) > 1 else None)
    alone = (
        not isinstance(low, torch.Tensor)
        and low == 0
        and len([b for b in bounds if b is not None]) == 1
    )
    return name in ("clamp", "clip", "clamp_min") and alone


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, guided: bool) -> torch.Tensor:
        ctx.save_for_backward(x > 0 if guided else x.new_ones(()))
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        return grads[0].clamp(min=0) * ctx.saved_tensors[0], None


def identities(X: torch.Tensor) -> np.ndarray:
    """Return a number for each sequence, shape (n_seqs,), a function of its values."""
    values = np.ascontiguousarray(X.detach().float().cpu().numpy())
    return row_hash(values.view(np.uint8).reshape(len(values), -1))
