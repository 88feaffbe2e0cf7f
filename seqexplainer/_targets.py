"""From a model's output to the one number per sequence that is explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from seqexplainer.errors import TargetError

Pick: TypeAlias = Callable[[Any], torch.Tensor]
"""From a model's output, whatever that is, to one number of each sequence."""
Target = int | tuple[object, ...] | str | Pick

_HELP = (
    "give target= as: an int (column of a 2-D output), a tuple (full index after the batch axis, "
    "led by the number or the key of the element for outputs that are tuples or dicts), 'counts' "
    "or 'profile' for (profile, counts) outputs, or a function of the output that returns shape "
    "(n_seqs,)"
)


def describe(output: object) -> str:
    """Return a short description of a model's output for messages."""
    if isinstance(output, torch.Tensor):
        return f"shape {tuple(output.shape)}"
    if isinstance(output, (tuple, list)):
        return f"{type(output).__name__} of " + ", ".join(describe(o) for o in output)
    if isinstance(output, Mapping):
        parts = (f"{key!r}: {describe(value)}" for key, value in output.items())
        return f"{type(output).__name__} with " + ", ".join(parts)
    return type(output).__name__


def resolve(target: Target) -> Pick:
    """Turn a target into a function from the model's output to shape `(n_seqs,)`.

    Parameters
    ----------
    target : int, tuple, str or callable
        An int is a column of a 2-D output (0 also serves a 1-D output). A tuple is the full index
        after the batch axis; on an output that is itself a tuple or dict its first entry is the
        number or the key of the element. ``"counts"`` is the log-count head of a
        `(profile, counts)` output, a pair or a dict with these keys.
        ``"profile"`` is the sum of the profile logits, centred on their mean, weighted by their
        own softmax held constant (the weights carry no gradient; logits of all strands are taken
        together). A callable is used as it is.

    Returns
    -------
    callable
        Function of the output; it raises `TargetError` where the target does not fit.

    Examples
    --------
    >>> resolve(1)(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([2., 4.])
    >>> resolve((0, 2))(torch.arange(6.0).reshape(1, 2, 3))
    tensor([2.])
    """
    if isinstance(target, bool):
        raise TargetError(f"target cannot be a bool; {_HELP}")
    if isinstance(target, str):
        if target not in ("counts", "profile"):
            raise TargetError(f"unknown target {target!r}; {_HELP}")
        return _counts if target == "counts" else _profile
    if isinstance(target, tuple):
        return lambda output: _index(output, target)
    if callable(target):
        return lambda output: _checked(target(output), output, target)
    try:
        column = int(target)
    except (TypeError, ValueError) as error:
        raise TargetError(f"target {target!r} is not understood; {_HELP}") from error
    if column != target:
        raise TargetError(f"target {target!r} is not a whole number; {_HELP}")
    return lambda output: _column(output, column)


def _column(output: object, column: int) -> torch.Tensor:
    if not isinstance(output, torch.Tensor) or output.ndim not in (1, 2):
        raise TargetError(
            f"target={column} needs a 1-D or 2-D output, got {describe(output)}; {_HELP}"
        )
    width = 1 if output.ndim == 1 else output.shape[1]
    if not -width <= column < width:
        raise TargetError(
            f"target={column} is out of range: the output has {width} column(s), {describe(output)}"
        )
    return output if output.ndim == 1 else output[:, column]


def _index(output: object, index: tuple[Any, ...]) -> torch.Tensor:
    rest = index
    value: Any = output
    try:
        if not isinstance(value, torch.Tensor):
            value, rest = value[rest[0]], rest[1:]
        value = value[(slice(None), *rest)]
    except (IndexError, TypeError, KeyError) as error:
        raise TargetError(
            f"target={index} does not fit the output ({describe(output)}); {_HELP}"
        ) from error
    return _checked(value, output, index)


def _checked(value: object, output: object, target: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor) or value.ndim != 1:
        raise TargetError(
            f"target={getattr(target, '__name__', target)} gives {describe(value)} from an output "
            f"of {describe(output)}, expected shape (n_seqs,); {_HELP}"
        )
    return value


def _heads(output: object, target: str) -> tuple[torch.Tensor, torch.Tensor]:
    if isinstance(output, Mapping) and {"profile", "counts"} <= set(output):
        return output["profile"], output["counts"]
    if (
        isinstance(output, torch.Tensor)
        or not isinstance(output, (tuple, list))
        or len(output) != 2
    ):
        raise TargetError(
            f"target={target!r} needs a (profile, counts) output, got {describe(output)}; {_HELP}"
        )
    return output[0], output[1]


def _counts(output: object) -> torch.Tensor:
    counts = _heads(output, "counts")[1]
    if counts.ndim == 1:
        return counts
    flat = counts.flatten(1)
    if flat.shape[1] != 1:
        raise TargetError(
            f"target='counts' needs one count per sequence, got {describe(counts)}; "
            "pick a track with a tuple, for example target=(1, 0)"
        )
    return flat[:, 0]


def _profile(output: object) -> torch.Tensor:
    logits = _heads(output, "profile")[0].flatten(1)
    centred = logits - logits.mean(dim=1, keepdim=True)
    weights = torch.softmax(centred.detach(), dim=1)
    return (weights * centred).sum(dim=1)
