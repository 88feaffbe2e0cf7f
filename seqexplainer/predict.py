"""Batched prediction that leaves the model as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import torch

from seqexplainer._inputs import ArrayLike, as_sequences
from seqexplainer._targets import Pick
from seqexplainer.calls import call, checked, explained, rebuilt
from seqexplainer.errors import InputError
from seqexplainer.running import RUNNING, Runner, Running
from seqpro.keywords import keywords


@keywords(RUNNING)
def predict(
    model: torch.nn.Module,
    X: ArrayLike,
    **running: Unpack[Running],
) -> Any:
    """Return the model's output for every sequence.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`. Its mode, device and gradient flags are
        restored afterwards, also after an error.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Sequences, one-hot or soft, of any number type.
    batch_size : int
        Sequences per forward pass.
    device : str or device, optional
        Where to compute; by default where the model is.
    dtype : dtype, optional
        Number type of the input; by default that of the model's parameters.
    args : sequence of arrays, optional
        Extra inputs, each with one row per sequence.
    progress : bool
        Whether to draw a progress bar; ``verbose`` is EUGENe's word for it.

    Returns
    -------
    Tensor or tuple of Tensor
        On the CPU, one row per sequence, in the structure the model returns (a NamedTuple stays
        one, None stays None).

    Raises
    ------
    InputError
        If X or args have the wrong form, or the model does not return one row per sequence.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 3))
    >>> predict(model, torch.zeros(5, 4, 2)).shape
    torch.Size([5, 3])
    """
    run = Runner.of(model, as_sequences(X), running)
    with run.held() as held:
        outputs = [
            _to_cpu(call(held.model, batch, args), len(batch)) for _, batch, args in held.batches()
        ]
    return _concatenate(outputs)


def picked(
    model: torch.nn.Module,
    X: ArrayLike,
    pick: Pick,
    **running: Unpack[Running],
) -> torch.Tensor:
    """Return what is picked from the output for every sequence, shape (n_seqs, ...), on the CPU.

    The rest of the output may be anything. Parameters are those of `predict`.
    """
    run = Runner.of(model, as_sequences(X), running)
    with run.held() as held:
        found = [
            explained(held.model, pick, batch, args).cpu() for _, batch, args in held.batches()
        ]
    return torch.cat(found)


def _to_cpu(output: object, n: int, name: str = "") -> object:
    if output is None:
        return None
    if isinstance(output, torch.Tensor):
        return checked(output, n, name).detach().cpu()
    if not isinstance(output, (Mapping, tuple, list)):
        raise InputError(f"the model returns {type(output).__name__}, expected tensors")
    named = output.items() if isinstance(output, Mapping) else enumerate(output)
    moved = iter([_to_cpu(value, n, f"{name}[{key!r}]") for key, value in named])
    return rebuilt(output, lambda _: next(moved))


def _concatenate(outputs: list[Any]) -> Any:
    first = outputs[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(outputs)
    if first is None:
        return None
    keys = iter(first if isinstance(first, Mapping) else range(len(first)))

    def joined(_: Any) -> Any:
        key = next(keys)
        return _concatenate([output[key] for output in outputs])

    return rebuilt(first, joined)
