"""From a model's output to the one number per sequence that is explained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch

from seqexplainer.errors import TargetError, TargetWarning

Pick: TypeAlias = Callable[[Any], torch.Tensor]
"""From a model's output, whatever that is, to one number of each sequence."""
Target = int | tuple[object, ...] | str | Pick

_HELP = (
    "give target= as: an int (column of a 2-D output), a tuple (full index after the batch axis, "
    "led by the number or the key of the element for outputs that are tuples or dicts), 'counts' "
    "or 'profile' for (profile, counts) outputs ('counts:1' is column 1, 'profile:0,1' the tracks "
    "0 and 1), or a function of the output that returns shape (n_seqs,)"
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


class OnlyOutput:
    """The output of a network that has one; of several the first, and that is said, once.

    Parameters
    ----------
    names : sequence of str, optional
        What the outputs are called, for the warning.

    Warns
    -----
    TargetWarning
        If there are several outputs. It says which one is taken and how to choose.

    Examples
    --------
    >>> OnlyOutput()(torch.tensor([[1.0], [3.0]]))
    tensor([1., 3.])
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = [str(name) for name in names]
        self._told = False

    def __call__(self, output: object) -> torch.Tensor:
        """Return the number of each sequence, shape (n_seqs,)."""
        if not isinstance(output, torch.Tensor) or output.ndim not in (1, 2):
            raise TargetError(
                f"the network has more outputs than one number a sequence ({describe(output)}), "
                f"and no target is given; {_HELP}"
            )
        width = 1 if output.ndim == 1 else output.shape[1]
        if width > 1 and not self._told:
            self._told = True
            warnings.warn(self.message(width), TargetWarning, stacklevel=2)
        return output if output.ndim == 1 else output[:, 0]

    def message(self, width: int) -> str:
        """Return what is said of a network with so many outputs."""
        known = len(self.names) == width
        first = f"0 ({self.names[0]})" if known else "0"
        others = ", ".join(
            f"{i} ({self.names[i]})" if known else str(i) for i in range(1, min(width, 6))
        ) + (", ..." if width > 6 else "")
        return (
            f"the network has {width} outputs and no target is given: output {first} is explained. "
            f"Give target=0 to mean it, or another: {others}"
        )


def resolve(target: Target | None) -> Pick:
    """Turn a target into a function from the model's output to shape `(n_seqs,)`.

    Parameters
    ----------
    target : int, tuple, str, callable or None
        None is the only output, as `OnlyOutput` has it.
        An int is a column of a 2-D output (0 also serves a 1-D output). A tuple is the full index
        after the batch axis; on an output that is itself a tuple or dict its first entry is the
        number or the key of the element. ``"counts"`` is the log-count head of a
        `(profile, counts)` output, a pair or a dict with these keys.
        ``"profile"`` is the sum of the profile logits, centred on their mean, weighted by their
        own softmax held constant (the weights carry no gradient; logits of all strands are taken
        together). Of several tasks ``"counts:1"`` is column 1 of the log-count head, and
        ``"profile:0,1"`` takes the logits of tracks 0 and 1 together. A callable is used as it is.

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
    if target is None:
        target = OnlyOutput()
    if isinstance(target, bool):
        raise TargetError(f"target cannot be a bool; {_HELP}")
    if isinstance(target, str):
        head, places = _parsed(target)
        return partial(_counts if head == "counts" else _profile, places=places)
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


def is_profile(target: Target | None) -> bool:
    """Tell whether a target is the scalar of a profile head."""
    return isinstance(target, str) and target.partition(":")[0] == "profile"


def _parsed(target: str) -> tuple[str, tuple[int, ...]]:
    """Return the head that a target names, and which columns or tracks of it; none for all."""
    head, colon, rest = target.partition(":")
    words = rest.split(",") if colon else []
    if head not in ("counts", "profile") or not all(word.isdecimal() for word in words):
        raise TargetError(f"unknown target {target!r}; {_HELP}")
    if head == "counts" and len(words) > 1:
        raise TargetError(f"target {target!r} names {len(words)} columns of counts, expected one")
    return head, tuple(map(int, words))


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


def _counts(output: object, places: tuple[int, ...] = ()) -> torch.Tensor:
    counts = _heads(output, "counts")[1]
    flat = counts[:, None] if counts.ndim == 1 else counts.flatten(1)
    if places:
        if places[0] >= flat.shape[1]:
            raise TargetError(
                f"target='counts:{places[0]}' is out of range: there are {flat.shape[1]} counts, "
                f"{describe(counts)}"
            )
        return flat[:, places[0]]
    if flat.shape[1] != 1:
        raise TargetError(
            f"target='counts' needs one count per sequence, got {describe(counts)}; "
            "pick one, for example target='counts:0' or target=(1, 0)"
        )
    return flat[:, 0]


def _profile(output: object, places: tuple[int, ...] = ()) -> torch.Tensor:
    profile = _heads(output, "profile")[0]
    if places:
        if profile.ndim < 3 or max(places) >= profile.shape[1]:
            raise TargetError(
                f"target='profile:{','.join(map(str, places))}' is out of range: the profile has "
                f"{describe(profile)}, expected (n_seqs, tracks, positions)"
            )
        profile = profile[:, list(places)]
    logits = profile.flatten(1)
    centred = logits - logits.mean(dim=1, keepdim=True)
    weights = torch.softmax(centred.detach(), dim=1)
    return (weights * centred).sum(dim=1)
