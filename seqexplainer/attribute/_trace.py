"""Follow a model operation by operation while it runs, and give each its rule.

The model is called as it is. Every torch function that touches a tensor which depends on the
sequence passes through `Trace`: linear operations run as they are, since their gradient is their
multiplier; others are replaced by a version whose backward pass follows a rule. What matters is
the operation, so functional calls, reused or in-place modules and custom layers are all the same.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from seqexplainer._operations import (
    ADDITIVE,
    CONSTANT,
    CREATED,
    ELEMENTWISE,
    MOVING,
    MULTILINEAR,
    PROBED,
    SAME,
    SYNONYMS,
    Args,
    Kwargs,
    Operation,
    name_of,
    tensors_in,
)
from seqexplainer._scripts import scripted
from seqexplainer.attribute import _decompose
from seqexplainer.attribute._rows import ATTRIBUTE, FIRST, Pairs, Rows, depends, rows_of, set_rows
from seqexplainer.attribute._rules import (
    Call,
    Choose,
    Elementwise,
    Maximum,
    Path,
    Refused,
    Softmax,
    apply_rule,
)
from seqexplainer.errors import GraphError

_POOLS: dict[str, Operation] = {
    "max_pool1d": F.max_pool1d,
    "max_pool2d": F.max_pool2d,
    "max_pool3d": F.max_pool3d,
    "adaptive_max_pool1d": F.adaptive_max_pool1d,
    "adaptive_max_pool2d": F.adaptive_max_pool2d,
    "adaptive_max_pool3d": F.adaptive_max_pool3d,
}
_NO_OVERRIDE = {
    "has_torch_function": lambda *_: False,
    "has_torch_function_unary": lambda *_: False,
    "has_torch_function_variadic": lambda *_: False,
}


class Op(NamedTuple):
    """One call of a torch function: `tracked` are its tensors that hold examples."""

    func: Operation
    name: str
    args: Args
    kwargs: Kwargs
    tracked: list[torch.Tensor]

    def get(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument given by place or by name."""
        if place < len(self.args):
            return self.args[place]
        return self.kwargs.get(name, default)

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All tensors among the arguments."""
        return tensors_in((self.args, self.kwargs), [])

    @property
    def varying(self) -> list[torch.Tensor]:
        """The tensors that carry a difference, each once."""
        return _distinct(t for t in self.tracked if t.requires_grad)

    def swapped(self, swap: Callable[[torch.Tensor], torch.Tensor]) -> Any:
        """Call the function with its tensors replaced."""
        args, kwargs = _replace((self.args, self.kwargs), swap)
        return self.func(*args, **kwargs)


class Record(NamedTuple):
    """One operation as it ran, for finding the one that does not add up."""

    name: str
    place: str
    inputs: list[torch.Tensor]
    outputs: list[torch.Tensor]


class Trace(TorchFunctionMode):
    """Context in which a model runs with DeepLIFT's rules.

    Parameters
    ----------
    pairs : Pairs
        The batch the model is called on.
    records : list of Record, optional
        Where to note every operation.
    place : callable, optional
        Names the module that is running.
    """

    def __init__(
        self,
        pairs: Pairs,
        records: list[Record] | None = None,
        place: Callable[[], str] = str,
    ) -> None:
        super().__init__()
        self.pairs = pairs
        self.records = records
        self.place = place
        self._open: list[types.FunctionType] = []

    def __torch_function__(
        self,
        func: Operation,
        _types: object,
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_in((args, kwargs), [])
        tracked = [t for t in given if depends(t)]
        if not tracked:
            return func(*args, **kwargs)
        for tensor in tracked:
            if not hasattr(tensor, ATTRIBUTE):  # made by what cannot be seen (TorchScript)
                set_rows(tensor, self.pairs.infer(tensor, [], None, lambda: None))
        name = name_of(func)
        if isinstance(func, types.FunctionType) and self._opens(func, name):
            return self._follow(func, args, kwargs)
        in_place = name.endswith("_") and not name.endswith("__") and name != "requires_grad_"
        base = name[:-1] if in_place else name
        base = SYNONYMS.get(base, base)
        op = Op(func, base, args, kwargs, tracked)
        handler = self._handler(op)
        if handler is None or not in_place:
            result = self._run(handler or self._plain, op, in_place=in_place)
            if (in_place or name == "__setitem__") and not hasattr(args[0], ATTRIBUTE):
                set_rows(args[0], self.pairs.infer(args[0], tracked, None, lambda: None))
            return result
        own = args[0]
        copy = own.clone()
        if depends(own):
            set_rows(copy, rows_of(own))
        new_args, new_kwargs = _replace((args, kwargs), lambda t: copy if t is own else t)
        still = [copy if t is own else t for t in tracked]
        op = Op(_out_of_place(base), base, new_args, new_kwargs, still)
        moved: Any = self._run(handler, op)
        own.copy_(moved)
        set_rows(own, rows_of(moved))
        return own

    def _opens(self, func: types.FunctionType, name: str) -> bool:
        """Return whether a Python function of torch is followed into its parts."""
        known = name in MOVING or name in ADDITIVE or name.removesuffix("_with_indices") in _POOLS
        known |= func is scripted
        return not known and func not in self._open

    def _follow(self, func: types.FunctionType, args: Args, kwargs: Kwargs) -> object:
        self._open.append(func)
        try:
            with self:
                return _opened(func)(*args, **{**(func.__kwdefaults__ or {}), **kwargs})
        finally:
            self._open.pop()

    def _handler(self, op: Op) -> Callable[[Op], object] | None:
        """Return how to run an operation, or None where it is linear."""
        name = op.name
        if not op.varying or name in ADDITIVE or name in CONSTANT or name in MOVING:
            return None
        alone = len(op.tracked) == 1
        if name in MULTILINEAR and name != "var":
            return None if alone else self._product
        if name in ELEMENTWISE and alone:
            return self._elementwise
        if name.removesuffix("_with_indices") in _POOLS:
            return self._pool
        if name in ("amax", "amin", "max", "min"):
            return self._extreme
        if name in ("softmax", "log_softmax", "logsumexp"):
            return self._softmax
        special = {
            "div": self._div,
            "batch_norm": self._batch_norm,
            "masked_fill": self._choose,
            "where": self._choose,
            "linalg_vector_norm": self._norm,
            "var": self._product,
        }
        if name in _decompose.DECOMPOSED:
            return self._parts
        found: Callable[[Op], object] = special.get(name, self._unknown)
        return found

    def _run(self, handler: Callable[[Op], object], op: Op, *, in_place: bool = False) -> object:
        try:
            return self._recorded(handler, op, in_place=in_place)
        except GraphError as error:
            return self._refused(op, error)

    def _refused(self, op: Op, error: GraphError) -> object:
        """Run what cannot be followed: an error if the output depends on it, not if it is asked."""

        def run() -> Any:
            return op.func(*op.args, **op.kwargs)

        with torch.no_grad():
            result = run()
        outs = [t for t in tensors_in(result, []) if t.is_floating_point() or t.is_complex()]
        if not outs:
            return result
        kind = type(result)
        result = apply_rule(Refused(run, error), *op.varying)
        for out in tensors_in(result, []):
            set_rows(out, None)
        return kind(result) if isinstance(result, tuple) and kind is not tuple else result

    def _recorded(self, handler: Callable[[Op], object], op: Op, *, in_place: bool) -> object:
        if self.records is None or in_place or op.name in _decompose.DECOMPOSED or not op.varying:
            return handler(op)
        taps: dict[int, torch.Tensor] = {}
        for tensor in op.varying:
            taps[id(tensor)] = tensor.view_as(tensor)
            set_rows(taps[id(tensor)], rows_of(tensor))

        def swap(tensor: torch.Tensor) -> torch.Tensor:
            return taps.get(id(tensor), tensor)

        args, kwargs = _replace((op.args, op.kwargs), swap)
        result = handler(
            op._replace(args=args, kwargs=kwargs, tracked=[swap(t) for t in op.tracked])
        )
        outputs = [t for t in tensors_in(result, []) if t.requires_grad]
        self.records.append(Record(op.name, self.place(), list(taps.values()), outputs))
        return result

    def _plain(self, op: Op) -> object:
        """Run an operation as it is."""
        if op.name == "view":
            try:
                result = op.func(*op.args, **op.kwargs)
            except RuntimeError:
                result = op.args[0].reshape(*op.args[1:], **op.kwargs)
        else:
            result = op.func(*op.args, **op.kwargs)
        return self._mark(result, op)

    def _parts(self, op: Op) -> object:
        """Run an operation as those it consists of."""
        with self:
            return _decompose.DECOMPOSED[op.name](*op.args, **op.kwargs)

    def _mark(self, result: object, op: Op) -> object:
        """Note where the batch is in every tensor of a result."""
        for i, out in enumerate(tensors_in(result, [])):
            if any(out is t for t in op.tracked):
                continue
            same = [t for t in op.tracked if t.shape == out.shape] if op.name in SAME else []
            if same:
                set_rows(out, rows_of(same[0]))
                continue
            probe = partial(self._probe, op, i) if op.name in PROBED else None
            rows = self.pairs.infer(out, op.tracked, probe, partial(self._again, op, i))
            if rows is not None or op.name not in CREATED:
                set_rows(out, rows)
        return result

    def _again(self, op: Op, i: int) -> torch.Size | None:
        """Return the shape of an operation's result for one row more."""
        try:
            return tensors_in(op.swapped(self.pairs.blank), [])[i].shape
        except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError):
            return None

    def _probe(self, op: Op, i: int) -> object:
        """Return an operation's result on row numbers, -1 where it holds no example."""

        def numbered(tensor: torch.Tensor, shift: int) -> torch.Tensor:
            if not tensor.is_floating_point() and (tensor.dtype != torch.bool or tensor is not own):
                return tensor
            return self.pairs.row_numbers(tensor, rows_of(tensor), shift)

        own = op.tensors[0]
        try:
            found, shifted = (
                tensors_in(op.swapped(partial(numbered, shift=shift)), [])[i] for shift in (0, 1)
            )
        except (RuntimeError, TypeError, IndexError):
            return None
        return found.masked_fill(found == shifted, -1)

    def _rows(self, tensor: torch.Tensor, name: str) -> Rows:
        rows = rows_of(tensor)
        if rows is None:
            raise GraphError(
                f"operation {name} reads a tensor of shape {tuple(tensor.shape)} in which the "
                "examples of the batch are no longer apart; DeepLIFT needs a model that treats "
                "every sequence by itself and holds its weights as parameters (layers in a plain "
                "list are not: use torch.nn.ModuleList), or take method='integrated_gradients'"
            )
        return rows

    def _elementwise(self, op: Op) -> object:
        own = op.tracked[0]
        if own.is_complex():
            if op.name == "abs":
                with self:
                    return _decompose.complex_abs(own)
            return self._unknown(op)
        others = [t for t in op.tensors if t is not own]
        name = op.name
        if name == "pow" and not others and op.args[0] is own and op.get(1, "exponent") == 2:
            name = "square"
        if name != "prelu" and others:
            shapes = [t.shape for t in (own, *others)]
            if _common_shape(shapes) != own.shape:
                return self._unknown(op)
        rows = self._rows(own, name)
        whole = any(self.pairs.total in t.shape for t in others)

        def call(value: torch.Tensor) -> Any:
            return op.swapped(lambda t: value if t is own else t)

        result = apply_rule(Elementwise(call, name, self.pairs, rows, whole_batch=whole), own)
        set_rows(result, rows)
        return result

    def _path(self, op: Op, n_points: int | None) -> object:
        varying = op.varying
        constant = _distinct(t for t in op.tracked if not t.requires_grad)
        others = [t for t in op.tensors if not any(t is own for own in op.tracked)]
        whole = n_points is None or any(self.pairs.total in t.shape for t in others)

        def run(values: Sequence[torch.Tensor], constants: Sequence[torch.Tensor]) -> Any:
            table = {id(t): v for t, v in zip(varying, values, strict=True)}
            table.update({id(t): v for t, v in zip(constant, constants, strict=True)})
            return op.swapped(lambda t: table.get(id(t), t))

        rule = Path(
            Call(run, tuple(constant)),
            op.name,
            self.pairs,
            [self._rows(t, op.name) for t in varying],
            [self._rows(t, op.name) for t in constant],
            n_points=n_points,
            whole_batch=whole,
        )
        result = self._mark(apply_rule(rule, *varying), op)
        if isinstance(result, tuple) and rule.kind is not tuple:
            result = rule.kind(result)
        rule.out_rows = [rows_of(t) for t in tensors_in(result, [])]
        return result

    def _product(self, op: Op) -> object:
        gates = [t for t in op.tracked if not t.requires_grad]
        if op.name == "mul" and len(gates) == 1 and gates[0].shape == op.varying[0].shape:
            binary = (gates[0] == 0) | (gates[0] == 1)
            if bool(binary.all()):
                return self._chosen(op, op.varying)
        n_varying = sum(t.requires_grad for t in op.tracked)
        return self._path(op, max(1, math.ceil(n_varying / 2)))

    def _unknown(self, op: Op) -> object:
        with torch.no_grad():
            result = op.func(*op.args, **op.kwargs)
        outs = tensors_in(result, [])
        if not any(t.is_floating_point() or t.is_complex() for t in outs):
            return self._mark(result, op)
        return self._path(op, None)

    def _batch_norm(self, op: Op) -> object:
        if op.get(5, "training"):
            raise GraphError(
                "a BatchNorm layer has no running statistics (track_running_stats=False), so the "
                "output of a sequence depends on its batch and cannot be explained by itself"
            )
        return self._plain(op)

    def _div(self, op: Op) -> object:
        if op.kwargs.get("rounding_mode") is not None:
            return self._unknown(op)
        bottom = op.get(1, "other")
        if not isinstance(bottom, torch.Tensor) or rows_of(bottom) is None:
            return self._plain(op)
        with self:
            return torch.mul(torch.reciprocal(bottom), op.get(0, "input"))

    def _norm(self, op: Op) -> object:
        if op.get(1, "ord", 2) not in (1, 2) or op.tracked[0].is_complex():
            return self._unknown(op)
        with self:
            return _decompose.vector_norm(*op.args, **op.kwargs)

    def _softmax(self, op: Op) -> object:
        own = op.tracked[0]
        dim = op.get(1, "dim")
        if isinstance(dim, (tuple, list)):
            if len(dim) != 1:
                return self._unknown(op)
            dim = dim[0]
        dim %= own.ndim
        if dim == self._rows(own, op.name).dim:
            raise GraphError(f"{op.name} over axis {dim} mixes the examples of a batch")
        last = op.get(2, "keepdim" if op.name == "logsumexp" else "dtype")
        with self:
            turned = own.to(last) if isinstance(last, torch.dtype) else own
            turned = turned.transpose(dim, -1)
        rows = self._rows(turned, op.name)
        result = apply_rule(Softmax(op.name, self.pairs, rows), turned)
        set_rows(result, rows)
        with self:
            result = result.transpose(dim, -1)
            return result.squeeze(dim) if op.name == "logsumexp" and not last else result

    def _pool(self, op: Op) -> object:
        kind = op.name.removesuffix("_with_indices")
        own = op.get(0, "input")
        kwargs = {k: v for k, v in op.kwargs.items() if k not in ("input", "return_indices")}
        both = op.name != kind or bool(op.kwargs.get("return_indices"))
        rows = self._rows(own, kind)
        first_spatial = own.ndim - int(kind[-2])
        if rows.dim >= first_spatial:
            raise GraphError(f"{kind} over axis {rows.dim} mixes the examples of a batch")
        with self:
            front = self.pairs.front(own, rows)
            set_rows(front, FIRST)
            flat = front.reshape(self.pairs.total, -1, *own.shape[first_spatial:])

        def call(value: torch.Tensor) -> Any:
            return _POOLS[kind](value, *op.args[1:], return_indices=True, **kwargs)

        values, places = self._largest(kind, flat, call)
        inner = front.shape[1 : front.ndim - int(kind[-2])]
        shape = (*own.shape[:first_spatial], *values.shape[2:])
        with self:
            values, places = (
                self.pairs.back(t.reshape(t.shape[0], *inner, *t.shape[2:]), rows, shape)
                for t in (values, places)
            )
        set_rows(values, rows)
        set_rows(places, rows)
        return (values, places) if both else values

    def _largest(
        self, name: str, own: torch.Tensor, call: Callable[[torch.Tensor], Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        values, places = apply_rule(Maximum(call, name, self.pairs), own)
        set_rows(values, FIRST)
        set_rows(places, FIRST)
        return values, places

    def _extreme(self, op: Op) -> object:
        own, second = op.get(0, "input"), op.get(1, "dim", op.kwargs.get("other"))
        lowest = op.name in ("amin", "min")
        if isinstance(second, torch.Tensor):
            with self:
                return (_decompose.minimum if lowest else _decompose.maximum)(own, second)
        rows = self._rows(own, op.name)
        dims = second if isinstance(second, (tuple, list)) else [second]
        if second is None or len(dims) == 0 or rows.dim in [d % own.ndim for d in dims]:
            raise GraphError(f"{op.name} over the batch axis mixes its examples")
        dims = sorted(d % own.ndim for d in dims)
        if rows.outer != 1 or rows.inner != 1:
            return self._extreme_of_merged(op, own, dims, rows)
        kept = [d for d in range(own.ndim) if d not in dims and d != rows.dim]
        with self:
            moved = own.permute(rows.dim, *kept, *dims)
            shape = moved.shape[: 1 + len(kept)]
            flat = moved.reshape(shape[0], math.prod(shape[1:]), -1)
            flat = -flat if lowest else flat
        values, places = self._largest(op.name, flat, lambda t: tuple(t.max(dim=-1, keepdim=True)))
        home = sum(d < rows.dim for d in kept)
        with self:
            values = (-values if lowest else values).reshape(shape).movedim(0, home)
            places = places.reshape(shape).movedim(0, home)
            if op.get(2, "keepdim", False):
                for d in dims:
                    values, places = values.unsqueeze(d), places.unsqueeze(d)
        if op.name in ("amax", "amin"):
            return values
        kind = torch.return_types.min if lowest else torch.return_types.max
        return kind((values, places))

    def _extreme_of_merged(
        self, op: Op, own: torch.Tensor, dims: Sequence[int], rows: Rows
    ) -> object:
        """Run an extreme where the batch shares its axis with others: on three axes instead."""
        sizes = (rows.outer, self.pairs.total, rows.inner)
        with self:
            apart = own.reshape(*own.shape[: rows.dim], *sizes, *own.shape[rows.dim + 1 :])
        set_rows(apart, Rows(rows.dim + 1))
        keepdim = bool(op.get(2, "keepdim", False))
        apart_dims = [d if d < rows.dim else d + 2 for d in dims]
        dim = tuple(apart_dims) if op.name in ("amax", "amin") else apart_dims[0]
        results = self._extreme(op._replace(args=(apart, dim, keepdim), kwargs={}, tracked=[apart]))
        start = rows.dim - (0 if keepdim else sum(d < rows.dim for d in dims))
        with self:
            merged = [t.flatten(start, start + 2) for t in tensors_in(results, [])]
        for tensor in merged:
            set_rows(tensor, Rows(start, rows.outer, rows.inner))
        kind: Operation = type(results)
        return merged[0] if op.name in ("amax", "amin") else kind(merged)

    def _choose(self, op: Op) -> object:
        """Run a choice by a mask that may itself depend on the sequence."""
        mask = op.get(1, "mask") if op.name == "masked_fill" else op.get(0, "condition")
        if rows_of(mask) is None:
            return self._plain(op)
        shape = _common_shape([t.shape for t in op.tensors])
        if any(t.shape != shape for t in op.varying):
            return self._unknown(op)
        return self._chosen(op, op.varying)

    def _chosen(self, op: Op, varying: list[torch.Tensor]) -> object:
        def call(*values: torch.Tensor) -> Any:
            table = {id(t): v for t, v in zip(varying, values, strict=True)}
            return op.swapped(lambda t: table.get(id(t), t))

        rows = self._rows(varying[0], op.name)
        result = apply_rule(Choose(call, op.name, self.pairs, rows), *varying)
        set_rows(result, rows)
        return result


@cache
def _opened(function: types.FunctionType) -> types.FunctionType:
    """Return a Python function of torch that shows the operations it consists of."""
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, **_NO_OVERRIDE},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def _common_shape(shapes: Sequence[torch.Size]) -> torch.Size:
    blanks = [torch.empty((), device="meta").expand(shape) for shape in shapes]
    spread: Operation = torch.broadcast_tensors
    shape: torch.Size = spread(*blanks)[0].shape
    return shape


def _distinct(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return list({id(t): t for t in tensors}.values())


def _replace(value: Any, swap: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return swap(value)
    if isinstance(value, (list, tuple)):
        items = [_replace(item, swap) for item in value]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, dict):
        return {key: _replace(item, swap) for key, item in value.items()}
    return value


def _out_of_place(name: str) -> Operation:
    for owner in (torch.Tensor, torch, torch._C._nn):
        found: Operation | None = getattr(owner, name, None)
        if found is not None:
            return found
    raise GraphError(f"operation {name}_ works in place and has no other form")
