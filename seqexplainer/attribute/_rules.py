"""How a difference from the reference travels back through one operation.

Each rule gives the multipliers of an operation's inputs from those of its output, so that
``sum(multiplier * (input - reference input))`` over the inputs equals the same sum over the
outputs. Values at a sequence and at its references come from the same forward pass.

The rules follow DeepLIFT (doi:10.48550/arXiv.1704.02685) where it has one; products take the
mean of both orders, and an operation without a rule takes integrated gradients along the
straight line between its inputs (doi:10.48550/arXiv.1703.01365).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch

from seqexplainer._operations import SMOOTH
from seqexplainer.attribute._rows import FIRST, Pairs, Rows

Tensors = Sequence[Any]
Found = torch.Tensor | None


class Rule(ABC):
    """Forward and backward of one operation on tensors that depend on the sequence."""

    name: str = ""

    @abstractmethod
    def forward(self, *tensors: torch.Tensor) -> object:
        """Return what the operation returns."""

    @abstractmethod
    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs, in the rows of the references."""


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rule: Rule, *tensors: torch.Tensor) -> object:
        out = rule.forward(*tensors)
        outputs = out if isinstance(out, tuple) else (out,)
        ctx.rule = rule
        ctx.n_inputs = len(tensors)
        ctx.save_for_backward(*tensors, *outputs)
        ctx.mark_non_differentiable(*(o for o in outputs if not o.is_floating_point()))
        ctx.set_materialize_grads(False)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor | None) -> Any:
        if all(g is None for g in grads):
            return (None,) * (ctx.n_inputs + 1)
        saved = ctx.saved_tensors
        inputs, outputs = saved[: ctx.n_inputs], saved[ctx.n_inputs :]
        return (None, *ctx.rule.backward(inputs, outputs, grads))


def apply_rule(rule: Rule, *tensors: torch.Tensor) -> Any:
    """Run an operation so that the backward pass follows its rule."""
    run: Callable[..., Any] = _Apply.apply
    return run(rule, *tensors)


class Elementwise(Rule):
    """Rescale rule: slope of the chord between the two values of one element.

    Parameters
    ----------
    call : callable
        The operation as a function of its one varying input.
    name : str
        Its name.
    pairs, rows : Pairs, Rows
        The batch and where it is.
    whole_batch : bool
        Whether the call only works on a tensor of the whole batch.
    """

    def __init__(
        self,
        call: Callable[[torch.Tensor], torch.Tensor],
        name: str,
        pairs: Pairs,
        rows: Rows,
        *,
        whole_batch: bool,
    ) -> None:
        self.call, self.name, self.pairs, self.rows = call, name, pairs, rows
        self.whole_batch = whole_batch or rows != FIRST

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run the operation as it is."""
        return self.call(tensors[0])

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        x, r = self.pairs.split(inputs[0], self.rows)
        _, g = self.pairs.split(grads[0], self.rows)
        exact = _EXACT_SLOPES.get(self.name)
        if exact is not None:
            slope = exact(x, r)
        else:
            fx, fr = self.pairs.split(outputs[0], self.rows)
            slope = self._slope(inputs[0], x, r, fx, fr)
        return [self.pairs.join(slope.mul_(g), self.rows, inputs[0].shape)]

    def _slope(
        self,
        whole: torch.Tensor,
        x: torch.Tensor,
        r: torch.Tensor,
        fx: torch.Tensor,
        fr: torch.Tensor,
    ) -> torch.Tensor:
        delta = x - r
        smooth = self.name in SMOOTH
        close = delta.abs() < (1e-3 if smooth and delta.dtype != torch.float64 else 1e-6)
        slope = (fx - fr).div_(delta)
        if not bool(close.any()):
            return slope
        if smooth:
            _, at_r = self.pairs.split(self._derivative(whole), self.rows)
            at_x = self.pairs.split(self._derivative(whole), self.rows)[0]
            near = (at_x + at_r) / 2
        elif self.whole_batch:
            near = self.pairs.split(self._derivative(whole), self.rows)[0]
        else:
            near = self._derivative(whole[: self.pairs.n]).unsqueeze(1)
        return torch.where(close, near, slope)

    def _derivative(self, values: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            leaf = values.detach().requires_grad_()
            out = self.call(leaf)
            if not out.requires_grad:
                return torch.zeros_like(values)
            return torch.autograd.grad(out, leaf, torch.ones_like(out))[0]


def _relu_slope(x: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    """Return the slope as (relu(x) + relu(r)) / (|x| + |r|): 1, 0, or the share above zero."""
    size = r.abs().add_(x.abs())
    return r.clamp(min=0).add_(x.clamp(min=0)).div_(size).nan_to_num_(nan=0.0)


def log_mean(a: torch.Tensor, b: torch.Tensor, log_ratio: torch.Tensor) -> torch.Tensor:
    """Return ``(a - b) / log(a / b)`` given both values and the logarithm of their ratio."""
    squared = log_ratio * log_ratio
    near = (a + b) / 2 * (1 - squared / 12 + squared * squared / 120)
    small = squared < 1e-3
    far = (a - b) / torch.where(small, torch.ones_like(log_ratio), log_ratio)
    return torch.where(small, near, far)


def _sigmoid_slope(x: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    up, down = torch.maximum(x, r), torch.minimum(x, r)
    gap = up - down
    share = torch.where(gap == 0, torch.ones_like(gap), -torch.expm1(-gap) / gap)
    return torch.sigmoid(up) * torch.sigmoid(-down) * share


_EXACT_SLOPES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "relu": _relu_slope,
    "square": lambda x, r: x + r,
    "sigmoid": _sigmoid_slope,
    "exp": lambda x, r: log_mean(x.exp(), r.exp(), x - r),
    "reciprocal": lambda x, r: -1 / (x * r),
    "sqrt": lambda x, r: torch.nan_to_num(1 / (x.sqrt() + r.sqrt()), posinf=0.0),
    "rsqrt": lambda x, r: -1 / (x.sqrt() * r.sqrt() * (x.sqrt() + r.sqrt())),
    "tanh": lambda x, r: 4 * _sigmoid_slope(2 * x, 2 * r),
}


class Call(NamedTuple):
    """An operation with places for the tensors that vary and those that only differ by row."""

    run: Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor]], Any]
    constants: tuple[torch.Tensor, ...]


class Refused(Rule):
    """An operation that no rule can follow, which is an error only if the output depends on it."""

    def __init__(self, run: Callable[[], object], error: Exception) -> None:
        self.run, self.error = run, error

    def forward(self, *tensors: torch.Tensor) -> object:
        """Run the operation as it is."""
        out = self.run()
        return tuple(out) if isinstance(out, (tuple, list)) else out

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        raise self.error


class Path(Rule):
    """Integrated gradients along the straight line between the inputs of one operation.

    Exact with one point for products of two inputs (matrix products, convolutions with a
    computed kernel, quadratic forms); otherwise the number of points doubles until the sums
    agree.

    Parameters
    ----------
    call : Call
        The operation.
    name : str
        Its name.
    pairs : Pairs
        The batch.
    rows, constant_rows, out_rows : list of Rows or None
        Where the batch is in the inputs and constants.
    n_points : int or None
        Quadrature points, or None to double them as needed.
    whole_batch : bool
        Whether the call only works on tensors of the whole batch.
    """

    def __init__(
        self,
        call: Call,
        name: str,
        pairs: Pairs,
        rows: Sequence[Rows | None],
        constant_rows: Sequence[Rows | None],
        *,
        n_points: int | None,
        whole_batch: bool,
    ) -> None:
        self.call, self.name, self.pairs = call, name, pairs
        self.rows, self.constant_rows = rows, constant_rows
        self.n_points = n_points
        everything = [*rows, *constant_rows]
        self.whole_batch = whole_batch or any(r != FIRST for r in everything)
        self.out_rows: list[Rows | None] = []
        self.kind: type = torch.Tensor

    def forward(self, *tensors: torch.Tensor) -> object:
        """Run the operation as it is."""
        out = self.call.run(tensors, self.call.constants)
        self.kind = type(out)
        return tuple(out) if isinstance(out, (tuple, list)) else out

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        constants = [
            self._at_sequences(c, r)
            for c, r in zip(self.call.constants, self.constant_rows, strict=True)
        ]
        if self.n_points is not None:
            return self._integrate(inputs, constants, grads, self.n_points)
        n_points = 8
        while True:
            found = self._integrate(inputs, constants, grads, n_points)
            if n_points >= 128 or self._residual(inputs, outputs, grads, found) < 1e-6:
                return found
            n_points *= 2

    def _at_sequences(self, tensor: torch.Tensor, rows: Rows | None) -> torch.Tensor:
        if rows is None:
            return tensor
        front = self.pairs.front(tensor, rows)
        own = front[: self.pairs.n]
        copies = own.repeat_interleave(self.pairs.k, dim=0)
        if not self.whole_batch:
            return copies
        return self.pairs.back(torch.cat([own, copies]), rows, tensor.shape)

    def _point(self, tensor: torch.Tensor, rows: Rows | None, at: float) -> torch.Tensor:
        if rows is None:
            return tensor.detach()
        x, r = self.pairs.split(tensor, rows)
        point = torch.lerp(r, x.expand_as(r), at).flatten(0, 1)
        if not self.whole_batch:
            return point
        own = self.pairs.front(tensor, rows)[: self.pairs.n]
        return self.pairs.back(torch.cat([own, point]), rows, tensor.shape)

    def _integrate(
        self,
        inputs: Sequence[torch.Tensor],
        constants: Sequence[torch.Tensor],
        grads: Sequence[torch.Tensor | None],
        n_points: int,
    ) -> list[torch.Tensor | None]:
        total: list[torch.Tensor | None] = [None] * len(inputs)
        n = self.pairs.n
        given = [g if g is None or self.whole_batch else g[n:] for g in grads]
        for at, weight in zip(*quadrature(n_points), strict=True):
            with torch.enable_grad():
                points = [
                    self._point(t, r, at).requires_grad_()
                    for t, r in zip(inputs, self.rows, strict=True)
                ]
                out = self.call.run(points, constants)
            outs = out if isinstance(out, (tuple, list)) else (out,)
            used = [
                (o, g)
                for o, g in zip(outs, given, strict=True)
                if g is not None and o.requires_grad
            ]
            found = torch.autograd.grad(
                [o for o, _ in used], points, [g for _, g in used], allow_unused=True
            )
            for i, value in enumerate(found):
                if value is not None:
                    before = total[i]
                    total[i] = value * weight if before is None else before + value * weight
        if not self.whole_batch:
            total = [
                None if t is None else torch.cat([t.new_zeros((n, *t.shape[1:])), t]) for t in total
            ]
        return total

    def _residual(
        self,
        inputs: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
        grads: Sequence[torch.Tensor | None],
        found: Sequence[torch.Tensor | None],
    ) -> float:
        explained: Any = 0.0
        change: Any = 0.0
        size = 0.0
        for tensors, multipliers, sign in ((inputs, found, 1), (outputs, grads, 0)):
            places = self.rows if sign else self.out_rows
            for tensor, multiplier, rows in zip(tensors, multipliers, places, strict=True):
                if multiplier is None or rows is None:
                    continue
                x, r = self.pairs.split(tensor, rows)
                m = self.pairs.split(multiplier, rows)[1]
                part = ((x - r) * m).flatten(2).sum(-1) if r.ndim > 2 else (x - r) * m
                if sign:
                    explained = explained + part
                else:
                    change = change + part
                    size += float(((x - r) * m).abs().sum())
        gap = torch.as_tensor(explained - change).abs()
        return float(gap.sum()) / max(size, 1e-30)


@cache
def quadrature(n_points: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return Gauss-Legendre points and weights on [0, 1].

    Examples
    --------
    >>> quadrature(1)
    ((0.5,), (1.0,))
    """
    points, weights = np.polynomial.legendre.leggauss(n_points)
    return tuple(float(p) for p in (points + 1) / 2), tuple(float(w) for w in weights / 2)


class Maximum(Rule):
    """Largest value of a window, a pool, or an axis.

    Parameters
    ----------
    call : callable
        Function of the input `(rows, groups, positions)` that returns values and the flat
        positions they come from, both `(rows, groups, windows)`.
    name : str
        Name of the operation.
    pairs : Pairs
        The batch, first axis of the input.

    Notes
    -----
    The change of a maximum is credited in two steps, over the larger of both values: the rise
    to it belongs to the position that wins in the sequence, the fall from it to the position
    that wins in the reference. Windows may overlap: what several give to one position adds up.
    """

    def __init__(
        self,
        call: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
        name: str,
        pairs: Pairs,
    ) -> None:
        self.call, self.name, self.pairs = call, name, pairs

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the operation as it is."""
        return self.call(tensors[0])

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        flat = inputs[0].flatten(2)
        x, r = self.pairs.split(flat, FIRST)
        out_x, out_r = self.pairs.split(outputs[0].flatten(2), FIRST)
        place_x, place_r = self.pairs.split(outputs[1].flatten(2), FIRST)
        place_x = place_x.expand_as(place_r)
        g = self.pairs.split(grads[0].flatten(2), FIRST)[1]
        top = torch.maximum(out_x, out_r)
        gap_x = out_x - r.gather(-1, place_x)
        gap_r = x.expand_as(r).gather(-1, place_r) - out_r
        rise = torch.where(gap_x == 0, 1.0, (top - out_r) / gap_x).mul_(g)
        fall = torch.where(gap_r == 0, 0.0, (out_x - top) / gap_r).mul_(g)
        whole = flat.new_zeros(flat.shape)
        credit = whole[self.pairs.n :].view_as(r)
        credit.scatter_add_(-1, place_x, rise).scatter_add_(-1, place_r, fall)
        return [whole.view(inputs[0].shape)]


class Softmax(Rule):
    """Softmax, or its logarithm, or the logarithm of the sum of exponentials, over the last axis.

    Parameters
    ----------
    kind : {"softmax", "log_softmax", "logsumexp"}
        Which of them.
    pairs, rows : Pairs, Rows
        The batch and where it is.

    Notes
    -----
    All three follow from ``y = exp(x - log(sum(exp(x))))`` with the rescale rule for each
    exponential and the logarithm. The slope of a chord of the exponential between logarithms
    is the logarithmic mean of the two values.
    """

    def __init__(self, kind: str, pairs: Pairs, rows: Rows) -> None:
        self.kind, self.name, self.pairs, self.rows = kind, kind, pairs, rows

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run the operation as it is."""
        x = tensors[0]
        if self.kind == "logsumexp":
            return torch.logsumexp(x, dim=-1, keepdim=True)
        function = torch.softmax if self.kind == "softmax" else torch.log_softmax
        return function(x, dim=-1)

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        x, r = self.pairs.split(inputs[0], self.rows)
        g = self.pairs.split(grads[0], self.rows)[1]
        shift = torch.maximum(x.amax(-1, keepdim=True), r.amax(-1, keepdim=True))
        delta = torch.nan_to_num(x - r, nan=0.0)
        a, b = (x - shift).exp(), (r - shift).exp()
        sum_a, sum_b = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
        log_ratio = sum_a.log() - sum_b.log()
        share = log_mean(a, b, delta) / log_mean(sum_a, sum_b, log_ratio)
        if self.kind == "logsumexp":
            found = g * share
        elif self.kind == "log_softmax":
            found = g - share * g.sum(-1, keepdim=True)
        else:
            weighted = g * log_mean(a / sum_a, b / sum_b, delta - log_ratio)
            found = weighted - share * weighted.sum(-1, keepdim=True)
        return [self.pairs.join(found, self.rows, inputs[0].shape)]


class Choose(Rule):
    """Rescale rule for a choice between two inputs that depends on the sequence.

    Parameters
    ----------
    call : callable
        The choice as a function of its varying inputs, which have the shape of the output.
    name : str
        Name of the operation.
    pairs, rows : Pairs, Rows
        The batch and where it is.

    Notes
    -----
    What changes is credited to the input that varies by the slope of the chord; if both do and
    the choice falls differently, to each by half.
    """

    def __init__(
        self, call: Callable[..., torch.Tensor], name: str, pairs: Pairs, rows: Rows
    ) -> None:
        self.call, self.name, self.pairs, self.rows = call, name, pairs, rows

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run the operation as it is."""
        return self.call(*tensors)

    def backward(self, inputs: Tensors, outputs: Tensors, grads: Tensors) -> list[Found]:
        """Return the multipliers of the inputs from those of the outputs."""
        with torch.enable_grad():
            leaves = [t.detach().requires_grad_() for t in inputs]
            chosen = torch.autograd.grad(self.call(*leaves).sum(), leaves)
        out_x, out_r = self.pairs.split(outputs[0], self.rows)
        g = self.pairs.split(grads[0], self.rows)[1]
        change = out_x - out_r
        ends = [self.pairs.split(t, self.rows) for t in inputs]
        picks = [self.pairs.split(c, self.rows) for c in chosen]
        found: list[Found] = []
        for i, ((x, r), (pick_x, pick_r)) in enumerate(zip(ends, picks, strict=True)):
            delta = x - r
            still = delta == 0
            slope = change / delta.masked_fill(still, 1)
            if len(inputs) == 2:
                other = ends[1 - i][0] - ends[1 - i][1]
                slope = torch.where(other == 0, slope, slope / 2)
                slope = torch.where(pick_x == pick_r, pick_x, slope)
            slope = torch.where(still, pick_x.expand_as(slope), slope)
            found.append(self.pairs.join(slope * g, self.rows, inputs[i].shape))
        return found
