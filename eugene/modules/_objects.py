"""Losses, metrics and optimisers that a user gave as objects, and outputs of any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from eugene._judge import name_of
from eugene.nn import InputShapeError
from seqexplainer.calls import call
from seqexplainer.errors import InputError

#: Before the name of an object in the hyper-parameters of a checkpoint.
OBJECT = "object:"


def by_name(given: object) -> str | None:
    """Return a name as it is, and an object of the user by its name."""
    return given if given is None or isinstance(given, str) else f"{OBJECT}{name_of(given)}"


def metric_list(given: Any, names: Sequence[str]) -> list[str]:
    """Return the metrics of a module as a checkpoint holds them."""
    if isinstance(given, Mapping):
        listed = list(given.values())
    elif given is None or isinstance(given, str):
        return list(names)
    else:
        listed = [given] if callable(given) else list(given)
    return [n if isinstance(m, str) else f"{OBJECT}{n}" for m, n in zip(listed, names, strict=True)]


def rows_given(network: torch.nn.Module, X: torch.Tensor) -> torch.Tensor:
    """Return what a network gives for sequences, shape (n, outputs).

    Outside training a network that drops the axis of a single sequence, also on the way, is
    called on it twice (`seqexplainer.calls.call`).
    """
    try:
        output = network(X) if network.training else call(network, X)
    except InputError as error:
        raise InputShapeError(str(error)) from error
    return rows_of(output, len(X))


def rows_of(output: torch.Tensor, n: int) -> torch.Tensor:
    """Return outputs with an axis of sequences and one of values.

    A network that squeezes its output loses the axis of sequences where a batch has one.
    """
    if not isinstance(output, torch.Tensor):
        hint = "; build it with profile=False" if hasattr(output, "profile") else ""
        raise InputShapeError(
            f"the network gives a {type(output).__name__}, expected a tensor (sequences, outputs)"
            f"{hint}"
        )
    if output.ndim > 1 and len(output) == n:
        return output
    if output.ndim == 1 and len(output) == n:
        return output[:, None]
    if n == 1 and output.ndim < 2:
        return output.reshape(1, -1)
    raise InputShapeError(
        f"the network gives an output of shape {tuple(output.shape)} for {n} sequences: expected "
        f"({n}, outputs)"
    )


def without_objects(hparams: dict[str, object]) -> dict[str, Any]:
    """Leave what was given as an object, and is not given again, to the task."""

    def stands_for(value: object) -> bool:
        return isinstance(value, str) and value.startswith(OBJECT)

    plain = dict(hparams)
    for key, default in (("loss_fxn", None), ("optimizer", "adam"), ("scheduler", None)):
        if stands_for(plain.get(key)):
            # its arguments go with it
            plain[key], plain[f"{key.removesuffix('_fxn')}_kwargs"] = default, None
    listed = plain.get("metric")
    if isinstance(listed, list):
        plain["metric"] = [m for m in listed if not stands_for(m)] or None
    return plain
