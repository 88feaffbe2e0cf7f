"""Run a model on windows: the model's own forward function, with its operations intercepted.

A tensor of edited sequences is represented by a node (see `_nodes`); operations that keep
differences local make new nodes and compute nothing until a result without positions is needed.
Anything else gets whole tensors and runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from seqexplainer._incremental import _exits
from seqexplainer._incremental._interception import (
    FIRST,
    FLAT,
    LAST,
    Call,
    Interception,
    State,
    state_of,
)
from seqexplainer._incremental._layers import (
    Channels,
    Convolution,
    Depthwise,
    Joint,
    MaxPool,
    MeanPool,
    Pointwise,
    Relu,
    Scaled,
    Shifted,
    Slide,
    Stack,
    Sum,
    scaled,
    ungrouped,
)
from seqexplainer._incremental._nodes import Node
from seqexplainer._operations import tensors_in

_FEW_GROUPS = 4


class Window(Interception):
    """Context in which a model runs on windows, with the operations that keep them.

    Parameters
    ----------
    edits, cache, batch_size
        As in `Interception`.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.handlers = {
            "elementwise": self._elementwise,
            "conv1d": self._conv,
            "batch_norm": self._batch_norm,
            "max_pool1d": self._max_pool,
            "avg_pool1d": self._avg_pool,
            "relu": self._relu,
            "prelu": self._prelu,
            "add": self._add,
            "sub": self._add,
            "rsub": self._subtract_from,
            "__rsub__": self._subtract_from,
            "neg": self._negative,
            "negative": self._negative,
            "__neg__": self._negative,
            "mul": self._mul,
            "div": self._mul,
            "cat": self._cat,
            "concat": self._cat,
            "concatenate": self._cat,
            "transpose": self._turn,
            "swapaxes": self._turn,
            "permute": self._turn,
            "__getitem__": self._slice,
            "pad": self._pad,
            "layer_norm": self._by_position,
            "rms_norm": self._by_position,
            "softmax": self._by_position,
            "log_softmax": self._by_position,
            "glu": self._by_position,
            "flatten": self._flatten,
            "view": self._flatten,
            "reshape": self._flatten,
            "linear": self._linear,
            "mean": self._mean,
            "sum": self._mean,
            "adaptive_avg_pool1d": self._mean,
            "amax": self._amax,
            "adaptive_max_pool1d": self._amax,
        }

    def _conv(self, call: Call) -> object:
        given = call.named("input", "weight", "bias", "stride", "padding", "dilation", "groups")
        state = state_of(given["input"])
        weight, groups = given["weight"], given.get("groups", 1)
        if state is None or state.form != FIRST or weight.ndim != 3:
            return NotImplemented
        node = state.node
        depthwise = groups == node.channels == len(weight)
        if groups > _FEW_GROUPS and not depthwise:
            return NotImplemented
        stride, dilation = _one(given.get("stride", 1)), _one(given.get("dilation", 1))
        padding = given.get("padding", 0)
        if isinstance(padding, str):
            padding = dilation * (weight.shape[2] - 1) // 2 if padding == "same" else 0
        slide = Slide(weight.shape[2], stride, _one(padding), dilation)

        def make() -> Node:
            whole = call.func(**{**given, "input": node.whole})
            if depthwise and groups > 1:
                return Depthwise(whole, node, weight, slide, self.weights())
            full = ungrouped(weight, groups)
            return Convolution(whole, node, full, slide, self.weights())

        return self.show(self.kept(make))

    def _batch_norm(self, call: Call) -> object:
        given = call.named(
            *("input", "running_mean", "running_var", "weight", "bias", "training"),
            *("momentum", "eps"),
        )
        state = state_of(given["input"])
        if state is None or state.form != FIRST:
            return NotImplemented
        if given.get("training") or given["running_mean"] is None:
            return NotImplemented
        node = state.node

        def make() -> Node:
            whole = call.func(**{**given, "input": node.whole})
            scale = torch.rsqrt(given["running_var"] + given.get("eps", 1e-5))
            scale = scale if given.get("weight") is None else scale * given["weight"]
            return scaled(whole, node, scale, self.weights())

        return self.show(self.kept(make))

    def _elementwise(self, call: Call) -> object:
        own = next(a for a in (*call.args, *call.kwargs.values()) if state_of(a) is not None)
        state = state_of(own)
        assert state is not None

        def run(value: torch.Tensor) -> torch.Tensor:
            copy = value.clone() if any(a is True for a in call.args) else value
            place = [copy if a is own else a for a in call.args]
            result: torch.Tensor = call.func(
                *place, **{k: copy if v is own else v for k, v in call.kwargs.items()}
            )
            return result

        made = self.kept(lambda: Pointwise(run(state.node.whole), state.node, run))
        return self.show(made, state.form)

    def _relu(self, call: Call) -> object:
        state = state_of((*call.args, *call.kwargs.values())[0])
        assert state is not None
        made = self.kept(lambda: Relu(torch.relu(state.node.whole), state.node))
        return self.show(made, state.form)

    def _prelu(self, call: Call) -> object:
        given = call.named("input", "weight")
        state, weight = state_of(given["input"]), given["weight"]
        if state is None or state.form != FIRST or state_of(weight) is not None:
            return NotImplemented

        def run(value: torch.Tensor) -> torch.Tensor:
            return torch.where(value < 0, value * weight, value)

        node = state.node
        return self.show(self.kept(lambda: Pointwise(torch.prelu(node.whole, weight), node, run)))

    def _by_position(self, call: Call) -> object:
        """Run a function of all channels of a position."""
        state = call.state
        if state is None or state.form == FLAT:
            return NotImplemented
        name, rest, node, more = call.name, list(call.args[1:]), state.node, dict(call.kwargs)
        if name.endswith("norm"):
            shape = rest[0] if rest else call.kwargs.get("normalized_shape", ())
            if state.form != LAST or tuple(shape) != (node.channels,):
                return NotImplemented
        else:
            dim = rest.pop(0) if rest else more.get("dim", -1 if name == "glu" else None)
            if dim not in ((1, -2) if state.form == FIRST else (2, -1)):
                return NotImplemented
            more["dim"] = -1
            rest = [] if name != "glu" else rest
            more.pop("_stacklevel", None)
        if any(state_of(t) is not None for t in tensors_in((rest, more), [])):
            return NotImplemented

        def run(value: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = call.func(value, *rest, **more)
            return result

        def make() -> Node:
            return Pointwise(run(node.whole.transpose(1, 2)).transpose(1, 2), node, run)

        return self.show(self.kept(make), state.form)

    def _pool(self, call: Call) -> tuple[Node, Slide, dict[str, Any]] | None:
        """Return what is pooled, how, and the other arguments."""
        given = call.named("input", "kernel_size", "stride", "padding")
        state = state_of(given["input"])
        if state is None or state.form != FIRST:
            return None
        if given.get("return_indices") or len(call.args) > 4:
            return None
        size = _one(given["kernel_size"])
        stride = given.get("stride")
        stride = size if stride is None or stride == () else _one(stride)
        slide = Slide(size, stride, _one(given.get("padding", 0)), _one(given.get("dilation", 1)))
        given.pop("input")
        return state.node, slide, given

    def _max_pool(self, call: Call) -> object:
        found = self._pool(call)
        if found is None:
            return NotImplemented
        node, slide, given = found
        inside = not slide.padding and not given.get("ceil_mode")

        def make() -> Node:
            # The maximum of positive parts is the positive part of the maximum, which is smaller.
            source = node.inputs[0] if isinstance(node, Relu) else node
            pooled = MaxPool(call.func(source.whole, **given), source, slide, inside=inside)
            if source is node:
                return pooled
            return Relu(torch.relu(pooled.whole), pooled)

        return self.show(self.kept(make))

    def _avg_pool(self, call: Call) -> object:
        ceil = call.args[4] if len(call.args) > 4 else call.kwargs.get("ceil_mode", False)
        counted = call.args[5] if len(call.args) > 5 else call.kwargs.get("count_include_pad", True)
        rest = {k: v for k, v in call.kwargs.items() if k not in ("ceil_mode", "count_include_pad")}
        found = self._pool(call._replace(args=call.args[:4], kwargs=rest))
        if found is None or ceil or not (counted or not found[1].padding):
            return NotImplemented
        node, slide, given = found
        return self.show(self.kept(lambda: MeanPool(call.func(node.whole, **given), node, slide)))

    def _pair(self, args: tuple[Any, ...]) -> tuple[list[State], list[Any]] | None:
        """Return the states of two operands and the others, if they have places in common."""
        states = [s for s in map(state_of, args[:2]) if s is not None]
        others = [a for a in args[:2] if state_of(a) is None]
        first = states[0]
        fits = all(
            s.form == first.form and s.node.whole.shape == first.node.whole.shape for s in states
        )
        same = all(s.node.scale == first.node.scale for s in states)
        if len(args) < 2 or not fits or not same or (others and self._varies(others[0], first)):
            return None
        return states, others

    def _varies(self, other: Any, state: State) -> bool:
        """Return whether an operand may differ between edits, or has another shape."""
        if not isinstance(other, torch.Tensor):
            return not isinstance(other, (int, float))
        if state.form == FLAT or other.ndim > 3 or (other.ndim == 3 and other.shape[0] != 1):
            return other.ndim > 0
        channels, length = state.node.whole.shape[1:]
        shape = (1, channels, length) if state.form == FIRST else (1, length, channels)
        spread: Callable[..., Any] = torch.broadcast_shapes
        try:
            return tuple(spread(other.shape, shape)) != shape
        except RuntimeError:
            return True

    def _constant(self, other: object, state: State) -> torch.Tensor | None:
        """Return a constant by channel, shape (n_channels,), or None if positions differ."""
        node = state.node
        value = torch.as_tensor(other, dtype=node.whole.dtype, device=node.whole.device)
        value = value.reshape((1,) * (3 - value.ndim) + tuple(value.shape))
        value = value if state.form == FIRST else value.transpose(1, 2)
        return value[0, :, 0].expand(node.channels) if value.shape[2] == 1 else None

    def _add(self, call: Call) -> object:
        call = call.paired()
        found = self._pair(call.args)
        if found is None:
            return NotImplemented
        states, others = found
        scale = call.kwargs.get("alpha", 1)
        second = -scale if call.name == "sub" else scale
        form = states[0].form
        operands = [self._spread(a, form) for a in call.args[:2]]

        def make() -> Node:
            whole = operands[0] + second * operands[1]
            if not others:
                return Sum(whole, [s.node for s in states], [1, second])
            factor = second if state_of(call.args[1]) is not None else 1
            node = states[0].node
            return Scaled(
                whole, node, None if factor == 1 else torch.full_like(whole[0, :, 0], factor)
            )

        return self.show(self.kept(make), form)

    def _subtract_from(self, call: Call) -> object:
        return self._add(Call(torch.sub, (*call.args[1::-1], *call.args[2:]), call.kwargs))

    def _negative(self, call: Call) -> object:
        return self._mul(Call(torch.mul, (call.args[0], -1.0), {}))

    def _spread(self, value: Any, form: str) -> Any:
        """Return an operand's values without edits, channels first."""
        state = state_of(value)
        if state is not None:
            return state.node.whole
        if isinstance(value, torch.Tensor) and value.ndim and form == LAST:
            value = value.reshape((1,) * (3 - value.ndim) + tuple(value.shape)).transpose(1, 2)
        return value

    def _mul(self, call: Call) -> object:
        call = call.paired()
        found = self._pair(call.args)
        if found is None or call.kwargs.get("rounding_mode") is not None:
            return NotImplemented
        states, others = found
        divides, form = call.name == "div", states[0].form
        combine: Callable[..., torch.Tensor] = torch.div if divides else torch.mul
        operands = [self._spread(a, form) for a in call.args[:2]]
        by_channel = self._constant(others[0], states[0]) if others else None
        if others and (by_channel is None or (divides and state_of(call.args[0]) is None)):
            return NotImplemented

        def make() -> Node:
            whole = combine(*operands)
            if by_channel is None:
                return Joint(whole, [s.node for s in states], combine)
            factor = 1 / by_channel if divides else by_channel
            return scaled(whole, states[0].node, factor, self.weights())

        return self.show(self.kept(make), form)

    def _cat(self, call: Call) -> object:
        states = [state_of(t) for t in call.args[0]]
        dim = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else 0)
        known = [s for s in states if s is not None]
        form = known[0].form
        channels = {FIRST: (1, -2), LAST: (2, -1), FLAT: ()}[form]
        if dim not in channels or len(known) != len(states):
            return NotImplemented
        if any(s.form != form or s.node.scale != known[0].node.scale for s in known):
            return NotImplemented
        nodes = [s.node for s in known]
        made = self.kept(lambda: Stack(torch.cat([n.whole for n in nodes], dim=1), nodes))
        return self.show(made, form)

    def _turn(self, call: Call) -> object:
        state = call.state
        if state is None or state.form == FLAT or call.kwargs:
            return NotImplemented
        order = _numbers(call.args[1:])
        if call.name != "permute" and len(order) == 2:
            first, second = (d % 3 for d in order)
            axes = [0, 1, 2]
            axes[first], axes[second] = second, first
            order = tuple(axes)
        if tuple(d % 3 for d in order) != (0, 2, 1):
            return NotImplemented
        return self.show(state.node, LAST if state.form == FIRST else FIRST)

    def _slice(self, call: Call) -> object:
        state, key = state_of(call.args[0]), call.args[1]
        if state is None or state.form != FIRST:
            return NotImplemented
        key = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [k for k in key if not isinstance(k, torch.Tensor)]:
            at = key.index(Ellipsis)
            key[at : at + 1] = [slice(None)] * (4 - len(key))
        if len(key) > 3 or not all(isinstance(k, slice) and k.step in (None, 1) for k in key):
            return NotImplemented
        if key[0] not in (slice(None), slice(0, None)):
            return NotImplemented
        key += [slice(None)] * (3 - len(key))
        node = state.node
        channels, positions = key[1].indices(node.channels), key[2].indices(node.length)
        if channels[1] <= channels[0] or positions[1] <= positions[0]:
            return NotImplemented
        if channels[:2] != (0, node.channels):
            before = node
            node = self.kept(lambda: Channels(before.whole[:, key[1]], before, channels[0]))
        if positions[:2] != (0, node.length):
            uncut = node
            node = self.kept(lambda: Shifted(uncut.whole[:, :, key[2]], uncut, positions[0]))
        return self.show(node)

    def _pad(self, call: Call) -> object:
        given = call.named("input", "pad", "mode", "value")
        state = state_of(given["input"])
        if state is None or state.form != FIRST or given.get("mode", "constant") != "constant":
            return NotImplemented
        if len(given["pad"]) != 2:
            return NotImplemented
        node = state.node
        value = given.get("value") or 0.0

        def make() -> Node:
            return Shifted(F.pad(node.whole, given["pad"], value=value), node, -given["pad"][0])

        return self.show(self.kept(make))

    def _flatten(self, call: Call) -> object:
        state = call.state
        if state is None or state.form != FIRST:
            return NotImplemented
        if call.name == "flatten":
            start = call.kwargs.get("start_dim", call.args[1] if len(call.args) > 1 else 0)
            end = call.kwargs.get("end_dim", call.args[2] if len(call.args) > 2 else -1)
            fits = start == 1 and end in (-1, 2)
        else:
            total = state.node.channels * state.node.length
            n = len(self.edits)
            fits = not call.kwargs and _numbers(call.args[1:]) in ((n, -1), (n, total), (-1, total))
        return self.show(state.node, FLAT) if fits else NotImplemented

    def _linear(self, call: Call) -> object:
        given = call.named("input", "weight", "bias")
        state = state_of(given["input"])
        if state is None or state.form == FIRST:
            return NotImplemented
        node, weight = state.node, given["weight"]
        if state.form == LAST:

            def make() -> Node:
                whole = call.func(**{**given, "input": node.whole.transpose(1, 2)}).transpose(1, 2)
                kernel, slide = weight[:, :, None], Slide(1, 1, 0, 1)
                return Convolution(whole, node, kernel, slide, self.weights())

            return self.show(self.kept(make), LAST)

        def dense() -> _exits.FlatLinear:
            whole = call.func(**{**given, "input": node.whole.flatten(1)})
            return _exits.FlatLinear(node, whole, weight, self.weights())

        return self.kept(dense)(self.edits)

    def _over_positions(self, call: Call) -> tuple[Node, int | None] | None:
        """Return the node that is summed up over positions and whether the axis stays."""
        state = call.state
        adaptive = call.name.startswith("adaptive")
        axis = "output_size" if adaptive else "dim"
        given = call.named("input", axis, "keepdim")
        second = given.get(axis)
        if state is None or state.form == FLAT or call.kwargs.get("return_indices"):
            return None
        places = (-1, 2) if state.form == FIRST else (1, -2)
        wanted = [1] if adaptive else places
        only = second[0] if isinstance(second, (tuple, list)) and len(second) == 1 else second
        if only not in wanted or (adaptive and state.form == LAST):
            return None
        keep = adaptive or given.get("keepdim")
        return state.node, (2 if state.form == FIRST else 1) if keep else None

    def _mean(self, call: Call) -> object:
        found = self._over_positions(call)
        if found is None:
            return NotImplemented
        node, axis = found
        mean = call.name != "sum"

        def make() -> _exits.Total:
            whole = node.whole.mean(dim=2) if mean else node.whole.sum(dim=2)
            return _exits.Total(node, whole, mean=mean)

        out = self.kept(make)(self.edits)
        return out if axis is None else out.unsqueeze(axis)

    def _amax(self, call: Call) -> object:
        found = self._over_positions(call)
        if found is None:
            return NotImplemented
        node, axis = found
        out = self.kept(lambda: _exits.Largest(node, node.whole.amax(dim=2)))(self.edits)
        return out if axis is None else out.unsqueeze(axis)


def _numbers(values: Sequence[Any]) -> tuple[int, ...]:
    """Return numbers given one by one or as one sequence."""
    only = values[0] if len(values) == 1 and not isinstance(values[0], int) else values
    return tuple(only)


def _one(value: Any) -> int:
    return int(value[0]) if isinstance(value, (tuple, list)) else int(value)
