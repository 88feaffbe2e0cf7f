"""Batched prediction that leaves the model as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from tqdm import tqdm

from seqexplainer._inputs import (
    ArrayLike,
    as_sequences,
    check_args,
    check_whole,
    frozen,
    model_device,
    model_dtype,
)
from seqexplainer.calls import call, checked, explained, rebuilt
from seqexplainer.errors import InputError


def predict(
    model: torch.nn.Module,
    X: ArrayLike,
    *,
    batch_size: int = 128,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    args: Sequence[ArrayLike] | None = None,
    verbose: bool = False,
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
    verbose : bool
        Whether to show a progress bar.

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
    sequences = as_sequences(X)
    extra = check_args(args, len(sequences), model_dtype(model, dtype))
    check_whole(batch_size=batch_size)
    there = model_device(model, device)
    kind = model_dtype(model, dtype)
    with frozen(model, there) as held, torch.no_grad():
        outputs = [
            _to_cpu(call(held, batch, own), len(batch))
            for batch, own in _batches(sequences, extra, batch_size, there, kind, verbose)
        ]
    return _concatenate(outputs)


def picked(
    model: torch.nn.Module,
    X: ArrayLike,
    pick: Callable[[Any], torch.Tensor],
    *,
    batch_size: int = 128,
    device: str | torch.device | None = None,
    args: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """Return what is picked from the output for every sequence, on the CPU.

    The rest of the output may be anything. Parameters are those of `predict`.
    """
    check_whole(batch_size=batch_size)
    there, kind = model_device(model, device), model_dtype(model)
    with frozen(model, there) as held, torch.no_grad():
        found = [
            explained(held, pick, batch, own).cpu()
            for batch, own in _batches(as_sequences(X), args, batch_size, there, kind, False)
        ]
    return torch.cat(found)


def _batches(
    sequences: torch.Tensor,
    args: Sequence[torch.Tensor],
    size: int,
    device: torch.device,
    dtype: torch.dtype,
    verbose: bool,
) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    """Yield sequences and extra inputs some rows at a time, where and as the model wants them."""
    for start in tqdm(range(0, len(sequences), size), disable=not verbose):
        rows = slice(start, start + size)
        yield sequences[rows].to(device, dtype), [a[rows].to(device) for a in args]


def _to_cpu(output: Any, n: int, name: str = "") -> Any:
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
