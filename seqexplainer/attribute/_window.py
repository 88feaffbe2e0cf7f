"""Run a model on edited sequences by recomputing only what each edit can reach.

An edit of one position changes a window of each convolution's output. `Window` runs the model's
own forward function; tensors that differ from the unedited sequences in a window only are
represented by that window, and operations that keep windows local work on them alone. Anything
else gets whole tensors and runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from seqexplainer.attribute._operations import ELEMENTWISE
from seqexplainer.attribute._trace import name_of, tensors_in

_ATTRIBUTE = "_seqexplainer_window"
_PROPERTIES = ("shape", "device", "dtype", "ndim", "is_cuda", "requires_grad", "layout", "names")
_SHAPES = ("size", "dim", "numel", "stride", "__len__", "is_floating_point", "get_device")
_SAME = ("contiguous", "detach", "clone", "dropout", "dropout1d", "feature_dropout", "identity")


class State(NamedTuple):
    """A tensor of edited sequences, as its difference from the unedited ones.

    Attributes
    ----------
    whole : Tensor, shape (n_seqs, n_channels, length)
        Values without edits.
    low : Tensor of int64, shape (n_edits,)
        First position of each window.
    window : Tensor, shape (n_edits, width, n_channels)
        Values with the edit.
    flat : bool
        Whether channels and positions have been merged.
    """

    whole: torch.Tensor
    low: torch.Tensor
    window: torch.Tensor
    flat: bool = False

    @property
    def width(self) -> int:
        """Positions in a window."""
        return self.window.shape[1]

    @property
    def length(self) -> int:
        """Positions in the whole."""
        return self.whole.shape[2]


def state_of(tensor: Any) -> State | None:
    """Return the windows of a tensor, or None if it is an ordinary one."""
    return getattr(tensor, _ATTRIBUTE, None)


class Window(TorchFunctionMode):
    """Context in which a model runs on windows.

    Parameters
    ----------
    rows : Tensor of int64, shape (n_edits,)
        Sequence of each edit.
    cache : dict
        Values without edits, by number of the operation; shared by calls on the same sequences.

    Attributes
    ----------
    materialised : list of str
        Operations that needed whole tensors.
    widest : int
        Positions in the widest window met.
    """

    def __init__(self, rows: torch.Tensor, cache: dict[int, torch.Tensor]) -> None:
        super().__init__()
        self.rows = rows
        self.cache = cache
        self.count = 0
        self.materialised: list[str] = []
        self.widest = 1
        self.handlers: dict[str, Callable[..., Any]] = {
            "conv1d": self._conv,
            "batch_norm": self._batch_norm,
            "max_pool1d": self._max_pool,
            "avg_pool1d": self._avg_pool,
            "add": self._combine,
            "sub": self._combine,
            "mul": self._combine,
            "cat": self._cat,
            "flatten": self._flatten,
            "view": self._flatten,
            "reshape": self._flatten,
            "linear": self._linear,
            "mean": self._mean,
            "adaptive_avg_pool1d": self._mean,
            "amax": self._amax,
            "adaptive_max_pool1d": self._amax,
        }

    def begin(
        self, X: torch.Tensor, letters: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """Return the edited sequences: `X[rows]` with a letter at a position."""
        window = torch.nn.functional.one_hot(letters, X.shape[1]).to(X).unsqueeze(1)
        return self._placeholder(State(X, positions, window))

    def __torch_function__(
        self,
        func: Any,
        _types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        local = [t for t in tensors_in((args, kwargs), []) if state_of(t) is not None]
        if not local:
            return func(*args, **kwargs)
        name = name_of(func)
        if name in _SHAPES or name in _PROPERTIES:
            return func(*args, **kwargs)
        in_place = bool(kwargs.pop("inplace", False))
        if name.endswith("_") and not name.endswith("__"):
            in_place, name = True, name[:-1]
            func = getattr(torch.Tensor, name, None) or getattr(torch, name, None) or func
        result: Any = NotImplemented
        if name in _SAME:
            result = local[0]
        elif name in self.handlers:
            result = self.handlers[name](func, args, kwargs)
        elif name in ELEMENTWISE and len(tensors_in((args, kwargs), [])) == 1:
            result = self._elementwise(func, args, kwargs)
        if result is NotImplemented:
            return self._whole(name, func, args, kwargs, in_place=in_place)
        if in_place and result is not local[0]:
            setattr(local[0], _ATTRIBUTE, state_of(result))
            return local[0]
        return result

    def _whole(
        self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool
    ) -> Any:
        """Run an operation on whole tensors."""
        self.materialised.append(name)
        given = {key: self.fill(value) for key, value in kwargs.items()}
        result = func(*(self.fill(a) for a in args), **given)
        own = args[0] if args else None
        if in_place and isinstance(own, torch.Tensor) and state_of(own) is not None:
            raise NotImplementedError(f"{name} in place on a window")
        return result

    def fill(self, value: Any) -> Any:
        """Return nested values with every tensor in full."""
        if isinstance(value, torch.Tensor):
            return self.materialise(value)
        if isinstance(value, (list, tuple)):
            items = [self.fill(v) for v in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def materialise(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor of edited sequences in full."""
        state = state_of(tensor)
        if state is None:
            return tensor
        full = state.whole.transpose(1, 2)[self.rows]
        edits = torch.arange(len(full), device=full.device)[:, None]
        full[edits, self._positions(state.low, state.width)] = state.window
        full = full.transpose(1, 2)
        return full.reshape(len(full), -1) if state.flat else full

    def _placeholder(self, state: State) -> torch.Tensor:
        self.widest = max(self.widest, state.width)
        tensor = state.whole[:1].expand(len(self.rows), -1, -1)
        if state.flat:
            size = state.whole.shape[1] * state.length
            tensor = state.whole.new_empty(1).expand(len(self.rows), size)
        setattr(tensor, _ATTRIBUTE, state)
        return tensor

    def _unedited(self, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the next operation's result without edits."""
        self.count += 1
        found = self.cache.get(self.count)
        if found is None:
            found = self.cache[self.count] = make()
        return found

    @staticmethod
    def _positions(low: torch.Tensor, width: int) -> torch.Tensor:
        return low[:, None] + torch.arange(width, device=low.device)

    def _gather(self, state: State, positions: torch.Tensor, pad: float = 0.0) -> torch.Tensor:
        """Return edited values (n_edits, ..., n_channels) at positions (n_edits, ...)."""
        n, channels, length = state.whole.shape
        n_edits, width = state.window.shape[:2]
        shape = (-1, *([1] * (positions.ndim - 1)))
        offset = positions - state.low.view(shape)
        edit = torch.arange(n_edits, device=positions.device).view(shape)
        index = torch.where(
            (offset >= 0) & (offset < width),
            1 + n * length + edit * width + offset,
            1 + self.rows.view(shape) * length + positions,
        )
        index = torch.where((positions >= 0) & (positions < length), index, 0)
        table = torch.cat(
            [
                state.window.new_full((1, channels), pad),
                state.whole.transpose(1, 2).reshape(n * length, channels),
                state.window.reshape(n_edits * width, channels),
            ]
        )
        return table.index_select(0, index.reshape(-1)).view(*positions.shape, channels)

    def _extend(self, state: State, low: torch.Tensor, width: int) -> torch.Tensor:
        if width == state.width and bool((low == state.low).all()):
            return state.window
        return self._gather(state, self._positions(low, width))

    @staticmethod
    def _span(low: torch.Tensor, high: torch.Tensor, length: int) -> tuple[torch.Tensor, int]:
        """Clip windows to the tensor and give them one width."""
        low, high = low.clamp(0, length - 1), high.clamp(1, length)
        width = int((high - low).max())
        return torch.minimum(low, torch.full_like(low, length - width)), width

    def _reached(
        self, state: State, size: int, stride: int, padding: int, dilation: int, length: int
    ) -> tuple[torch.Tensor, int, torch.Tensor]:
        """Return the windows of a sliding operation's output and the inputs they read."""
        first = state.low + padding - dilation * (size - 1)
        low = -torch.div(-first, stride, rounding_mode="floor")
        high = torch.div(state.low + state.width - 1 + padding, stride, rounding_mode="floor") + 1
        low, width = self._span(low, high, length)
        out = self._positions(low, width)
        taps = torch.arange(size, device=low.device) * dilation - padding
        return low, width, out[:, :, None] * stride + taps

    def _conv(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        state = state_of(given["input"])
        if state is None or state.flat or given.get("groups", 1) != 1:
            return NotImplemented
        weight, bias = given["weight"], given.get("bias")
        size = weight.shape[2]
        stride, dilation = _one(given.get("stride", 1)), _one(given.get("dilation", 1))
        padding = given.get("padding", 0)
        if isinstance(padding, str):
            padding = dilation * (size - 1) // 2 if padding == "same" else 0
        given["input"] = state.whole
        whole = self._unedited(lambda: func(**given))
        low, width, taps = self._reached(
            state, size, stride, _one(padding), dilation, whole.shape[2]
        )
        patches = self._gather(state, taps).view(len(low) * width, -1)
        matrix = weight.permute(2, 1, 0).reshape(-1, weight.shape[0])
        window = patches @ matrix if bias is None else torch.addmm(bias, patches, matrix)
        return self._placeholder(State(whole, low, window.view(len(low), width, -1)))

    def _batch_norm(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        names = ("input", "running_mean", "running_var", "weight", "bias", "training")
        given = {**dict(zip((*names, "momentum", "eps"), args, strict=False)), **kwargs}
        state = state_of(given["input"])
        if state is None or state.flat or given.get("training") or given["running_mean"] is None:
            return NotImplemented
        given["input"] = state.whole
        whole = self._unedited(lambda: func(**given))
        scale = torch.rsqrt(given["running_var"] + given.get("eps", 1e-5))
        scale = scale if given.get("weight") is None else scale * given["weight"]
        shift = -given["running_mean"] * scale
        shift = shift if given.get("bias") is None else shift + given["bias"]
        return self._placeholder(State(whole, state.low, torch.addcmul(shift, state.window, scale)))

    def _elementwise(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        own = next(a for a in (*args, *kwargs.values()) if state_of(a) is not None)
        state = state_of(own)
        assert state is not None

        def run(value: torch.Tensor) -> torch.Tensor:
            copy = value.clone() if any(a is True for a in args) else value
            place = [copy if a is own else a for a in args]
            result: torch.Tensor = func(
                *place, **{k: copy if v is own else v for k, v in kwargs.items()}
            )
            return result

        whole = self._unedited(lambda: run(state.whole))
        return self._placeholder(State(whole, state.low, run(state.window), state.flat))

    def _pool(self, args: tuple[Any, ...], kwargs: dict[str, Any], func: Any) -> Any:
        names = ("input", "kernel_size", "stride", "padding")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        state = state_of(given["input"])
        if state is None or state.flat or given.get("return_indices") or len(args) > 4:
            return None
        size = _one(given["kernel_size"])
        stride = given.get("stride")
        stride = size if stride is None or stride == () else _one(stride)
        dilation, padding = _one(given.get("dilation", 1)), _one(given.get("padding", 0))
        given["input"] = state.whole
        whole = self._unedited(lambda: func(**given))
        low, width, taps = self._reached(state, size, stride, padding, dilation, whole.shape[2])
        return state, whole, low, width, taps, given

    def _max_pool(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = self._pool(args, kwargs, func)
        if found is None:
            return NotImplemented
        state, whole, low, _, taps, _ = found
        if bool((taps >= 0).all()) and bool((taps < state.length).all()):
            values = self._gather(state, taps)
        else:
            values = self._gather(state, taps, -torch.inf)
        return self._placeholder(State(whole, low, values.amax(dim=2)))

    def _avg_pool(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ceil = args[4] if len(args) > 4 else kwargs.get("ceil_mode", False)
        counted = args[5] if len(args) > 5 else kwargs.get("count_include_pad", True)
        if ceil or not counted:
            return NotImplemented
        rest = {k: v for k, v in kwargs.items() if k not in ("ceil_mode", "count_include_pad")}
        found = self._pool(args[:4], rest, func)
        if found is None:
            return NotImplemented
        state, whole, low, _, taps, _ = found
        return self._placeholder(State(whole, low, self._gather(state, taps).mean(dim=2)))

    def _common(self, states: Sequence[State]) -> tuple[torch.Tensor, int]:
        low = torch.stack([s.low for s in states]).amin(dim=0)
        high = torch.stack([s.low + s.width for s in states]).amax(dim=0)
        return self._span(low, high, states[0].length)

    def _combine(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = [*args, *kwargs.values()]
        states = [s for s in map(state_of, values) if s is not None]
        if any(isinstance(v, torch.Tensor) and state_of(v) is None and v.ndim for v in values):
            return NotImplemented
        if any(s.flat or s.whole.shape != states[0].whole.shape for s in states):
            return NotImplemented
        low, width = self._common(states)

        def run(pick: Callable[[State], torch.Tensor]) -> torch.Tensor:
            def swap(value: Any) -> Any:
                state = state_of(value)
                return value if state is None else pick(state)

            result: torch.Tensor = func(
                *(swap(a) for a in args), **{k: swap(v) for k, v in kwargs.items()}
            )
            return result

        whole = self._unedited(lambda: run(lambda s: s.whole))
        window = run(lambda s: self._extend(s, low, width))
        return self._placeholder(State(whole, low, window))

    def _cat(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        states = [state_of(t) for t in args[0]]
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        known = [s for s in states if s is not None and not s.flat]
        if dim not in (1, -2) or len(known) != len(states):
            return NotImplemented
        whole = self._unedited(lambda: torch.cat([s.whole for s in known], dim=1))
        low, width = self._common(known)
        window = torch.cat([self._extend(s, low, width) for s in known], dim=2)
        return self._placeholder(State(whole, low, window))

    def _flatten(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        state = state_of(args[0]) if args else None
        if state is None or state.flat:
            return NotImplemented
        if name_of(func) == "flatten":
            start = kwargs.get("start_dim", args[1] if len(args) > 1 else 0)
            end = kwargs.get("end_dim", args[2] if len(args) > 2 else -1)
            fits = start == 1 and end in (-1, 2)
        else:
            size = args[1] if len(args) == 2 and not isinstance(args[1], int) else args[1:]
            total = state.whole.shape[1] * state.length
            fits = tuple(size) in ((len(self.rows), -1), (len(self.rows), total), (-1, total))
        return self._placeholder(state._replace(flat=True)) if fits else NotImplemented

    def _change(self, state: State) -> torch.Tensor:
        """Return windows minus their values without the edit."""
        n, channels, length = state.whole.shape
        index = self.rows[:, None] * length + self._positions(state.low, state.width)
        rows = state.whole.transpose(1, 2).reshape(n * length, channels)
        return state.window - rows.index_select(0, index.reshape(-1)).view(state.window.shape)

    def _linear(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = {**dict(zip(("input", "weight", "bias"), args, strict=False)), **kwargs}
        state = state_of(given["input"])
        if state is None or not state.flat:
            return NotImplemented
        weight = given["weight"]
        given["input"] = state.whole.flatten(1)
        whole = self._unedited(lambda: func(**given))
        change = self._change(state)
        n_out, channels = weight.shape[0], state.whole.shape[1]
        by_position = weight.view(n_out, channels, state.length)
        out = whole[self.rows]
        for low in sorted(set(state.low.tolist())):
            own = (state.low == low).nonzero()[:, 0]
            part = by_position[:, :, low : low + state.width].permute(2, 1, 0).reshape(-1, n_out)
            out.index_add_(0, own, change[own].flatten(1) @ part)
        return out

    def _mean(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        state = state_of(args[0]) if args else None
        second = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("output_size"))
        adaptive = name_of(func) == "adaptive_avg_pool1d"
        wanted = (1, (1,), [1]) if adaptive else (-1, 2, (-1,), (2,), [-1], [2])
        if state is None or state.flat or second not in wanted:
            return NotImplemented
        whole = self._unedited(lambda: state.whole.mean(dim=2))
        out = whole[self.rows] + self._change(state).sum(dim=1) / state.length
        keep = adaptive or kwargs.get("keepdim", len(args) > 2 and args[2])
        return out.unsqueeze(2) if keep else out

    def _amax(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        state = state_of(args[0]) if args else None
        second = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("output_size"))
        adaptive = name_of(func) == "adaptive_max_pool1d"
        wanted = (1, (1,), [1]) if adaptive else (-1, 2, (-1,), (2,), [-1], [2])
        if state is None or state.flat or second not in wanted or kwargs.get("return_indices"):
            return NotImplemented
        edge = torch.full_like(state.whole[:, :, :1], -torch.inf)
        padded = self._unedited(lambda: torch.cat([edge, state.whole, edge], dim=2))
        before = self._unedited(lambda: padded.cummax(dim=2).values)
        after = self._unedited(lambda: padded.flip(2).cummax(dim=2).values.flip(2))
        outside = torch.maximum(
            before[self.rows, :, state.low], after[self.rows, :, state.low + state.width + 1]
        )
        out = torch.maximum(outside, state.window.amax(dim=1))
        keep = adaptive or kwargs.get("keepdim", len(args) > 2 and args[2])
        return out.unsqueeze(2) if keep else out


def _one(value: Any) -> int:
    return int(value[0]) if isinstance(value, (tuple, list)) else int(value)
