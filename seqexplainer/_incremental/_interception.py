"""Run a model with its operations intercepted, so that edited sequences need not be whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from seqexplainer._incremental import _exits
from seqexplainer._incremental._edits import Replacements, Substitutions
from seqexplainer._incremental._nodes import Edited, Node
from seqexplainer._operations import ELEMENTWISE, Args, Kwargs, Operation, name_of, tensors_in

_ATTRIBUTE = "_seqexplainer_edited"
_PROPERTIES = ("shape", "device", "dtype", "ndim", "is_cuda", "requires_grad", "layout", "names")
_SHAPES = ("size", "dim", "numel", "stride", "__len__", "is_floating_point", "get_device")
_SAME = frozenset(
    {"contiguous", "detach", "clone", "identity", "dropout", "dropout1d", "feature_dropout"}
)
FIRST, LAST, FLAT = "channels first", "channels last", "flat"


class State(NamedTuple):
    """How a tensor of edited sequences shows a node.

    Attributes
    ----------
    node : Node
        The node.
    form : str
        Order of its axes: (n, channels, length), (n, length, channels) or (n, channels * length).
    """

    node: Node
    form: str = FIRST


def state_of(tensor: object) -> State | None:
    """Return what a tensor stands for, or None if it is an ordinary one."""
    return getattr(tensor, _ATTRIBUTE, None)


class Call(NamedTuple):
    """A call of an operation that reads edited sequences.

    Attributes
    ----------
    func : callable
        The operation.
    args : tuple
        Its arguments.
    kwargs : dict
        Those given by name.
    """

    func: Operation
    args: Args
    kwargs: Kwargs

    @property
    def name(self) -> str:
        """Plain name of the operation."""
        return name_of(self.func)

    @property
    def state(self) -> State | None:
        """What the first argument stands for."""
        return state_of(self.args[0]) if self.args else None

    def named(self, *names: str) -> dict[str, Any]:
        """Return all arguments by name, given the names of the first."""
        return {**dict(zip(names, self.args, strict=False)), **self.kwargs}

    def paired(self) -> Call:
        """Return the call with the second of two operands beside the first."""
        given = [self.kwargs[name] for name in ("other",) if name in self.kwargs]
        return self._replace(args=(*self.args, *given))


class Interception(TorchFunctionMode):
    """Context in which a model runs on windows; `handlers` has the operations it knows.

    Parameters
    ----------
    edits : Substitutions or Replacements
        The edits.
    cache : dict
        Nodes by number of the operation; shared by runs on the same sequences.
    batch_size : int
        Most edits of which whole tensors may be made.
    prepared : dict, optional
        Weights in the order that windows need, by number of the operation; shared by all runs of
        one model.

    Attributes
    ----------
    materialised : list of str
        Operations that needed whole tensors.
    """

    def __init__(
        self,
        edits: Substitutions | Replacements,
        cache: dict[int, Any],
        batch_size: int,
        prepared: dict[int, dict[str, torch.Tensor]] | None = None,
    ) -> None:
        super().__init__()
        self.edits = edits
        self.cache = cache
        self.batch_size = batch_size
        self.prepared = {} if prepared is None else prepared
        self.count = 0
        self.materialised: list[str] = []
        self.handlers: dict[str, Callable[[Call], object]] = {}

    def begin(self, X: torch.Tensor) -> torch.Tensor:
        """Return the edited sequences."""
        return self.show(self.kept(lambda: Edited(X, 1)))

    def __torch_function__(
        self,
        func: Operation,
        _types: object,
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        local = [t for t in tensors_in((args, kwargs), []) if state_of(t) is not None]
        if not local:
            return func(*args, **kwargs)
        name = name_of(func)
        if name in _SHAPES or name in _PROPERTIES:
            return func(*args, **kwargs)
        if isinstance(func, torch._ops.OpOverload):
            raise NotImplementedError("operations of an exported model")
        in_place = bool(kwargs.pop("inplace", False))
        if name.endswith("_") and not name.endswith("__"):
            in_place, name = True, name[:-1]
            func = getattr(torch.Tensor, name, None) or getattr(torch, name, None) or func
        result: object = NotImplemented
        if name in _SAME and local[0].is_floating_point():
            result = local[0]
        elif name in self.handlers:
            result = self.handlers[name](Call(func, args, kwargs))
        elif name in ELEMENTWISE and len(tensors_in((args, kwargs), [])) == 1:
            result = self.handlers["elementwise"](Call(func, args, kwargs))
        if result is NotImplemented:
            return self._whole(name, Call(func, args, kwargs), in_place=in_place)
        if in_place and result is not local[0]:
            setattr(local[0], _ATTRIBUTE, state_of(result))
            return local[0]
        return result

    def _whole(self, name: str, call: Call, *, in_place: bool) -> object:
        """Run an operation on whole tensors."""
        if in_place and call.state is not None:
            raise NotImplementedError(f"{name} in place on a window")
        self.materialised.append(name)
        return call.func(*self.fill(call.args), **self.fill(call.kwargs))

    def fill(self, value: Any) -> Any:
        """Return nested values with every tensor in full."""
        if isinstance(value, torch.Tensor):
            state = state_of(value)
            return value if state is None else self._full(state)
        if isinstance(value, (list, tuple)):
            items = [self.fill(v) for v in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if isinstance(value, dict):
            return {key: self.fill(v) for key, v in value.items()}
        return value

    def _full(self, state: State) -> torch.Tensor:
        if len(self.edits) > self.batch_size:
            raise _exits.TooManyEdits(self.batch_size)
        full = _exits.in_full(self.edits, state.node)
        if state.form == FLAT:
            return full.flatten(1)
        return full.transpose(1, 2) if state.form == LAST else full

    def kept(self, make: Callable[[], Any]) -> Any:
        """Return what belongs to the next operation, made only in the first run."""
        self.count += 1
        if self.count not in self.cache:
            self.cache[self.count] = make()
        return self.cache[self.count]

    def weights(self) -> dict[str, torch.Tensor]:
        """Return where the operation that is being made keeps its weights."""
        return self.prepared.setdefault(self.count, {})

    def show(self, node: Node, form: str = FIRST) -> torch.Tensor:
        """Return a tensor of the right form that stands for a node."""
        n, (channels, length) = len(self.edits), node.whole.shape[1:]
        shape = {FIRST: (channels, length), LAST: (length, channels), FLAT: (channels * length,)}
        tensor = node.whole.new_empty(1).expand(n, *shape[form])
        setattr(tensor, _ATTRIBUTE, State(node, form))
        return tensor
