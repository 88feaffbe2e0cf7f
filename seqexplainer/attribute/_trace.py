"""Follow a model operation by operation while it runs, and give each its rule.

The model is called as it is. Every torch function that touches a tensor which depends on the
sequence passes through `Trace`: linear operations run as they are, since their gradient is their
multiplier; others are replaced by a version whose backward pass follows a rule. What matters is
the operation, so functional calls, reused or in-place modules and custom layers are all the same.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from seqexplainer.attribute._operations import (
    ADDITIVE,
    ELEMENTWISE,
    MOVING,
    MULTILINEAR,
    SYNONYMS,
)
from seqexplainer.attribute._rows import FIRST, Pairs, Rows, rows_of, set_rows
from seqexplainer.attribute._rules import (
    Call,
    Elementwise,
    Maximum,
    Path,
    Softmax,
    apply_rule,
)
from seqexplainer.errors import GraphError

Handler = Callable[..., Any]

_POOLS = {
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


def _keyword_defaults(function: types.FunctionType, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**(function.__kwdefaults__ or {}), **kwargs}


def _tensors_in(value: Any, found: list[torch.Tensor]) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _tensors_in(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _tensors_in(item, found)
    elif isinstance(value, slice):
        for item in (value.start, value.stop, value.step):
            _tensors_in(item, found)
    return found


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


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        return getattr(function.__self__, "__name__", name)
    return name


def _out_of_place(name: str, function: Any) -> Any:
    for owner in (torch.Tensor, torch, torch._C._nn):
        found = getattr(owner, name, None)
        if found is not None:
            return found
    raise GraphError(f"operation {name}_ works in place and has no other form")


class Trace(TorchFunctionMode):
    """Context in which a model runs with DeepLIFT's rules.

    Parameters
    ----------
    pairs : Pairs
        The batch the model is called on.

    Attributes
    ----------
    unknown : set of str
        Operations met without a rule of their own; they take integrated gradients.
    """

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self.pairs = pairs
        self.unknown: set[str] = set()
        self._open: list[types.FunctionType] = []

    def __torch_function__(
        self,
        func: Any,
        _types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        tracked = [t for t in _tensors_in((args, kwargs), []) if rows_of(t) is not None]
        if not tracked:
            return func(*args, **kwargs)
        name = SYNONYMS.get(_name_of(func), _name_of(func))
        if isinstance(func, types.FunctionType) and self._opens(func, name):
            self._open.append(func)
            try:
                with self:
                    return _opened(func)(*args, **_keyword_defaults(func, kwargs))
            finally:
                self._open.pop()
        in_place = name.endswith("_") and not name.endswith("__")
        base = name[:-1] if in_place else name
        base = SYNONYMS.get(base, base)
        varying = [t for t in tracked if t.requires_grad]
        if not varying or base in ADDITIVE or base in ("detach", "data"):
            return self._plain(func, base, args, kwargs, tracked)
        handler = self._handler(base, args, kwargs, tracked, varying)
        if handler is None:
            return self._plain(func, base, args, kwargs, tracked)
        if not in_place:
            return handler(func, base, args, kwargs, tracked)
        own = args[0]
        copy = own.clone()
        set_rows(copy, rows_of(own))
        swapped = _replace((args, kwargs), lambda t: copy if t is own else t)
        still = [copy if t is own else t for t in tracked]
        result = handler(_out_of_place(base, func), base, swapped[0], swapped[1], still)
        own.copy_(result)
        set_rows(own, rows_of(result))
        return own

    def _opens(self, func: types.FunctionType, name: str) -> bool:
        """Return whether a Python function of torch is followed into its parts."""
        known = name in MOVING or name in ADDITIVE or name.removesuffix("_with_indices") in _POOLS
        return not known and func not in self._open

    def _handler(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tracked: Sequence[torch.Tensor],
        varying: Sequence[torch.Tensor],
    ) -> Handler | None:
        """Return how to run an operation, or None where it is linear."""
        alone = len(tracked) == 1
        if name in ("amax", "amin", "max", "min"):
            return self._extreme
        if name in MOVING or (name in MULTILINEAR and name != "var" and alone):
            return None
        if name in ("batch_norm", "_batch_norm_impl_index"):
            return self._batch_norm
        if name in ELEMENTWISE and alone:
            return self._elementwise
        if name in MULTILINEAR:
            return self._product
        return {
            "div": self._div,
            "softmax": self._softmax,
            "log_softmax": self._softmax,
            "logsumexp": self._softmax,
            "maximum": self._pairwise_extreme,
            "minimum": self._pairwise_extreme,
            "layer_norm": self._layer_norm,
            "rms_norm": self._rms_norm,
            "group_norm": self._group_norm,
            "instance_norm": self._instance_norm,
            "scaled_dot_product_attention": self._attention,
            "glu": self._glu,
            "std": self._std,
            "masked_fill": self._where,
            "where": self._where,
            **dict.fromkeys(_POOLS, self._pool),
            **{f"{pool}_with_indices": self._pool for pool in _POOLS},
        }.get(name, self._unknown)

    def _plain(
        self,
        func: Any,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tracked: Sequence[torch.Tensor],
    ) -> Any:
        """Run an operation as it is."""
        result = func(*args, **kwargs)
        self._mark(result, name, func, args, kwargs, tracked)
        return result

    def _mark(
        self,
        result: Any,
        name: str,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tracked: Sequence[torch.Tensor],
    ) -> None:
        """Note where the batch is in every tensor of a result."""
        outs = _tensors_in(result, [])
        if not outs:
            return
        for i, out in enumerate(outs):
            if rows_of(out) is not None and any(out is t for t in tracked):
                continue
            probe = None
            if name in MOVING:
                probe = lambda i=i: self._probe(func, args, kwargs, i)  # noqa: E731
            set_rows(out, self.pairs.infer(out, tracked, probe))

    def _probe(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], i: int) -> Any:
        numbered = _replace(
            (args, kwargs),
            lambda t: self.pairs.row_numbers(t, rows_of(t)) if t.is_floating_point() else t,
        )
        return _tensors_in(func(*numbered[0], **numbered[1]), [])[i]

    def _rows(self, tensor: torch.Tensor, name: str) -> Rows:
        rows = rows_of(tensor)
        if rows is None:
            raise GraphError(
                f"operation {name} reads a tensor of shape {tuple(tensor.shape)} in which the "
                "examples of the batch are no longer apart; DeepLIFT needs a model that treats "
                "every sequence by itself (try method='integrated_gradients')"
            )
        return rows

    def _elementwise(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        own = tracked[0]
        rows = self._rows(own, name)
        others = [t for t in _tensors_in((args, kwargs), []) if t is not own]
        whole = any(self.pairs.total in t.shape for t in others)

        def call(value: torch.Tensor) -> torch.Tensor:
            swapped = _replace((args, kwargs), lambda t: value if t is own else t)
            return func(*swapped[0], **swapped[1])

        if name == "pow" and not others:
            exponent = args[1] if len(args) > 1 else kwargs.get("exponent")
            if args and args[0] is own and exponent == 2:
                name = "square"
        shape = torch.broadcast_shapes(own.shape, *(t.shape for t in others))
        if shape != own.shape:
            return self._unknown(func, name, args, kwargs, tracked)
        result = apply_rule(Elementwise(call, name, self.pairs, rows, whole_batch=whole), own)
        set_rows(result, rows)
        return result

    def _path(
        self,
        func: Any,
        name: str,
        args: Any,
        kwargs: Any,
        tracked: Sequence[torch.Tensor],
        n_points: int | None,
    ) -> Any:
        everything = _tensors_in((args, kwargs), [])
        unique: list[torch.Tensor] = []
        for tensor in tracked:
            if not any(tensor is u for u in unique):
                unique.append(tensor)
        varying = [t for t in unique if t.requires_grad]
        constant = [t for t in unique if not t.requires_grad]
        others = [t for t in everything if not any(t is u for u in unique)]
        whole = n_points is None or any(self.pairs.total in t.shape for t in others)

        def run(values: Sequence[torch.Tensor], constants: Sequence[torch.Tensor]) -> Any:
            table = {id(t): v for t, v in zip(varying, values, strict=True)}
            table.update({id(t): v for t, v in zip(constant, constants, strict=True)})
            swapped = _replace((args, kwargs), lambda t: table.get(id(t), t))
            return func(*swapped[0], **swapped[1])

        rule = Path(
            Call(run, tuple(constant)),
            name,
            self.pairs,
            [self._rows(t, name) for t in varying],
            [rows_of(t) for t in constant],
            n_points=n_points,
            whole_batch=whole,
        )
        result = apply_rule(rule, *varying)
        self._mark(result, name, func, args, kwargs, tracked)
        rule.out_rows = [rows_of(t) for t in _tensors_in(result, [])]
        return result

    def _product(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        n_varying = sum(t.requires_grad for t in tracked)
        return self._path(func, name, args, kwargs, tracked, max(1, math.ceil(n_varying / 2)))

    def _unknown(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        with torch.no_grad():
            result = func(*args, **kwargs)
        floating = [t for t in _tensors_in(result, []) if t.is_floating_point()]
        if not floating or name.startswith(("is_", "new_", "__get__")) or name in _CONSTANT:
            self._mark(result, name, func, args, kwargs, tracked)
            return result
        self.unknown.add(name)
        return self._path(func, name, args, kwargs, tracked, None)

    def _batch_norm(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        if args[5]:
            raise GraphError(
                "a BatchNorm layer has no running statistics (track_running_stats=False), so the "
                "output of a sequence depends on its batch and cannot be explained by itself"
            )
        return self._plain(func, name, args, kwargs, tracked)

    def _div(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        if kwargs.get("rounding_mode") is not None:
            return self._unknown(func, name, args, kwargs, tracked)
        top, bottom = args
        if not isinstance(bottom, torch.Tensor) or rows_of(bottom) is None:
            return self._plain(func, name, args, kwargs, tracked)
        with self:
            return torch.mul(torch.reciprocal(bottom), top)

    def _softmax(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        own = tracked[0]
        dim = args[1] if len(args) > 1 else kwargs["dim"]
        dtype = kwargs.get("dtype", args[2] if len(args) > 2 and name != "logsumexp" else None)
        if isinstance(dim, (tuple, list)):
            if len(dim) != 1:
                return self._unknown(func, name, args, kwargs, tracked)
            dim = dim[0]
        dim %= own.ndim
        rows = self._rows(own, name)
        if dim == rows.dim:
            raise GraphError(f"{name} over axis {dim} mixes the examples of a batch")
        with self:
            turned = (own if dtype is None else own.to(dtype)).transpose(dim, -1)
        turned_rows = self._rows(turned, name)
        rule = Softmax(name, self.pairs, turned_rows, turned_rows)
        result = apply_rule(rule, turned)
        set_rows(result, turned_rows)
        with self:
            result = result.transpose(dim, -1)
            keep = kwargs.get("keepdim", len(args) > 2 and args[2])
            return result.squeeze(dim) if name == "logsumexp" and not keep else result

    def _maximum(
        self, name: str, own: torch.Tensor, call: Callable[[torch.Tensor], Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        values, places = apply_rule(Maximum(call, name, self.pairs), own)
        set_rows(values, FIRST)
        set_rows(places, FIRST)
        return values, places

    def _pool(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        both = name.endswith("_with_indices") or bool(kwargs.pop("return_indices", False))
        pool = _POOLS[name.removesuffix("_with_indices")]
        own = args[0] if args else kwargs["input"]
        rest = args[1:]
        kwargs = {key: value for key, value in kwargs.items() if key != "input"}
        if self._rows(own, name) != FIRST:
            return self._unknown(func, name, args, kwargs, tracked)
        spatial = int(name.removesuffix("_with_indices")[-2])
        if own.ndim == spatial + 1:
            with self:
                own = own.unsqueeze(1)
            values, places = self._maximum(
                name, own, lambda t: pool(t, *rest, return_indices=True, **kwargs)
            )
            with self:
                values, places = values.squeeze(1), places.squeeze(1)
            return (values, places) if both else values
        values, places = self._maximum(
            name, own, lambda t: pool(t, *rest, return_indices=True, **kwargs)
        )
        return (values, places) if both else values

    def _extreme(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        own = args[0] if args else kwargs["input"]
        second = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("other"))
        if isinstance(second, torch.Tensor):
            return self._pairwise_extreme(func, name, args, kwargs, tracked)
        keep = args[2] if len(args) > 2 else kwargs.get("keepdim", False)
        rows = self._rows(own, name)
        if second is None or (isinstance(second, (tuple, list)) and not second):
            raise GraphError(f"{name}() without an axis mixes the examples of a batch")
        dims = [d % own.ndim for d in (second if isinstance(second, (tuple, list)) else [second])]
        if rows.dim in dims:
            raise GraphError(f"{name} over axis {rows.dim} mixes the examples of a batch")
        if rows.outer != 1 or rows.inner != 1:
            return self._unknown(func, name, args, kwargs, tracked)
        lowest = name in ("amin", "min")
        kept = [d for d in range(own.ndim) if d not in dims and d != rows.dim]
        with self:
            moved = own.permute(rows.dim, *kept, *dims)
            flat = moved.flatten(1 + len(kept)) if len(dims) > 1 else moved
            shape = flat.shape[:-1]
            flat = flat.reshape(shape[0], -1, flat.shape[-1])
            flat = -flat if lowest else flat
        values, places = self._maximum(name, flat, lambda t: tuple(t.max(dim=-1, keepdim=True)))
        with self:
            values = (-values if lowest else values).reshape(shape)
            values = values.movedim(0, sum(d < rows.dim for d in kept))
            places = places.reshape(shape).movedim(0, sum(d < rows.dim for d in kept))
            if keep:
                for d in sorted(dims):
                    values, places = values.unsqueeze(d), places.unsqueeze(d)
        if name in ("amax", "amin"):
            return values
        kind = torch.return_types.min if lowest else torch.return_types.max
        return kind((values, places))

    def _pairwise_extreme(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        a, b = (*args, *kwargs.values())[:2]
        with self:
            if name in ("minimum", "min"):
                return a - torch.relu(a - b)
            return b + torch.relu(a - b)

    def _where(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        if name == "masked_fill":
            own, mask, value = (*args, *kwargs.values())[:3]
            if rows_of(mask) is None:
                return self._plain(func, name, args, kwargs, tracked)
            chosen, other = value, own
        else:
            mask, chosen, other = (*args, *kwargs.values())[:3]
            if rows_of(mask) is None:
                return self._plain(func, name, args, kwargs, tracked)
        gate = mask.to(tracked[0].dtype if tracked[0].is_floating_point() else torch.float32)
        set_rows(gate, rows_of(mask))
        with self:
            return other + gate * (chosen - other)

    def _normalise(
        self, x: torch.Tensor, dims: tuple[int, ...], eps: float, *, centre: bool
    ) -> Any:
        centred = x - x.mean(dim=dims, keepdim=True) if centre else x
        variance = torch.square(centred).mean(dim=dims, keepdim=True)
        return centred * torch.rsqrt(variance + eps)

    def _layer_norm(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        x, shape, weight, bias, eps = (*args, None, None, 1e-5)[:5] if len(args) < 5 else args[:5]
        with self:
            out = self._normalise(x, tuple(range(-len(shape), 0)), eps, centre=True)
            out = out if weight is None else out * weight
            return out if bias is None else out + bias

    def _rms_norm(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        x, shape, weight, eps = (*args, None, None)[:4]
        eps = torch.finfo(x.dtype).eps if eps is None else eps
        with self:
            out = self._normalise(x, tuple(range(-len(shape), 0)), eps, centre=False)
            return out if weight is None else out * weight

    def _group_norm(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        x, groups, weight, bias, eps = args[:5]
        shape = x.shape
        affine = (1, shape[1], *([1] * (len(shape) - 2)))
        with self:
            grouped = x.reshape(shape[0], groups, -1)
            out = self._normalise(grouped, (2,), eps, centre=True).reshape(shape)
            out = out if weight is None else out * weight.view(affine)
            return out if bias is None else out + bias.view(affine)

    def _instance_norm(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        x, weight, bias, mean, var, own_statistics, _, eps = args[:8]
        affine = (1, x.shape[1], *([1] * (x.ndim - 2)))
        with self:
            if own_statistics:
                out = self._normalise(x, tuple(range(2, x.ndim)), eps, centre=True)
            else:
                out = (x - mean.view(affine)) * torch.rsqrt(var + eps).view(affine)
            out = out if weight is None else out * weight.view(affine)
            return out if bias is None else out + bias.view(affine)

    def _glu(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        dim = args[1] if len(args) > 1 else kwargs.get("dim", -1)
        with self:
            a, b = args[0].chunk(2, dim=dim)
            return a * torch.sigmoid(b)

    def _std(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        with self:
            return torch.sqrt(torch.var(*args, **kwargs))

    def _attention(
        self, func: Any, name: str, args: Any, kwargs: Any, tracked: Sequence[torch.Tensor]
    ) -> Any:
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        q, k, v = given["query"], given["key"], given["value"]
        scale = given.get("scale")
        scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
        mask = given.get("attn_mask")
        with self:
            if given.get("enable_gqa"):
                k = k.repeat_interleave(q.shape[-3] // k.shape[-3], -3)
                v = v.repeat_interleave(q.shape[-3] // v.shape[-3], -3)
            logits = torch.matmul(q * scale, k.transpose(-2, -1))
            if given.get("is_causal"):
                mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=q.device).tril()
            if mask is not None:
                if mask.dtype == torch.bool:
                    logits = logits.masked_fill(~mask, -math.inf)
                else:
                    logits = logits + mask
            return torch.matmul(torch.softmax(logits, dim=-1), v)


# Operations whose result has no gradient, or only its shape or type.
_CONSTANT = frozenset(
    [
        "zeros_like",
        "ones_like",
        "empty_like",
        "full_like",
        "rand_like",
        "randn_like",
        "argmax",
        "argmin",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "__eq__",
        "__ne__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "isnan",
        "isinf",
        "isfinite",
        "bernoulli",
        "heaviside",
        "bucketize",
    ]
)
