"""Calls of a model that know how many rows went in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from seqexplainer._operations import Args, Kwargs, Operation, name_of, tensors_in
from seqexplainer._targets import Pick, describe
from seqexplainer.errors import InputError


class _Squeezing(TorchFunctionMode):
    """Context that notices whether an operation drops the first axis of what has one row."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def __torch_function__(
        self,
        func: Operation,
        _types: object,
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if name_of(func) in ("squeeze", "squeeze_"):
            own = args[0] if args else kwargs["input"]
            dims = args[1] if len(args) > 1 else kwargs.get("dim")
            dims = dims if isinstance(dims, (tuple, list)) or dims is None else (dims,)
            first = dims is None or 0 in [d % max(own.ndim, 1) for d in dims]
            self.seen |= first and own.shape[:1] == (1,)
        return func(*args, **kwargs)


def call(model: Operation, batch: torch.Tensor, args: Sequence[torch.Tensor] = ()) -> Any:
    """Return what a model makes of a batch, with the axis of the batch also if it has one row.

    A model that squeezes its output, or tensors on the way, drops that axis where there is but
    one row, or fails. It is then called on the row twice, and the first result is taken.

    Parameters
    ----------
    model : callable
        The model.
    batch : Tensor, shape (n, n_letters, length)
        Sequences as the model wants them.
    args : sequence of Tensor
        Extra inputs, one row per sequence.

    Returns
    -------
    object
        The output.

    Examples
    --------
    >>> call(lambda x: x.sum(dim=(1, 2)).squeeze(), torch.ones(1, 4, 5)).shape
    torch.Size([1])
    """
    if len(batch) != 1:
        return _no_number(model(batch, *args), len(batch))
    output, failure = None, None
    with _Squeezing() as squeezing:
        try:
            output = model(batch, *args)
        except (RuntimeError, ValueError, IndexError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            failure = error
    if not failure and not squeezing.seen and _one_row(output):
        return output
    try:
        twice = model(*(torch.cat([a, a]) for a in (batch, *args)))
    except Exception:
        if failure:
            raise failure from None
        return _no_number(output, 1)
    return _no_number(_first_of_two(twice), 1)


def _no_number(output: object, n: int) -> object:
    return checked(output, n) if isinstance(output, torch.Tensor) and not output.ndim else output


def explained(
    model: Operation,
    pick: Pick,
    batch: torch.Tensor,
    args: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """Return what is picked from the output for a batch, shape (n, ...) of n that went in.

    Raises
    ------
    InputError
        If there are more or fewer rows.
    """
    return checked(pick(call(model, batch, args)), len(batch))


def checked(value: torch.Tensor, n: int, name: str = "") -> torch.Tensor:
    """Return a part of a model's output after checking that its shape is (n, ...)."""
    if value.ndim == 0 or len(value) != n:
        found = describe(value) if value.ndim else "a single number for a batch"
        raise InputError(
            f"the model returns {found}{f' at {name}' if name else ''} from {n} sequence(s); "
            "expected one row for each on the first axis"
        )
    return value


def _one_row(output: object) -> bool:
    return all(t.shape[:1] == (1,) for t in _leaves(output))


def _leaves(output: object) -> list[torch.Tensor]:
    return tensors_in(dict(output) if isinstance(output, Mapping) else output, [])


def _first_of_two(output: object) -> object:
    if isinstance(output, torch.Tensor):
        return output[:1] if output.shape[:1] == (2,) else output
    return rebuilt(output, _first_of_two)


def rebuilt(output: object, change: Callable[[Any], object]) -> object:
    """Return an output of a model with its parts changed; what has no parts stays."""
    if isinstance(output, Mapping):
        return {key: change(value) for key, value in output.items()}
    if isinstance(output, (tuple, list)):
        values = [change(value) for value in output]
        kind: Operation = type(output)
        return kind(*values) if hasattr(output, "_fields") else tuple(values)
    return output
