"""Batched prediction that leaves the model as it was."""

from __future__ import annotations

from collections.abc import Sequence
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
        one).

    Raises
    ------
    InputError
        If X or args have the wrong form.

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
    outputs = []
    with frozen(model, there) as held, torch.no_grad():
        for start in tqdm(range(0, len(sequences), batch_size), disable=not verbose):
            rows = slice(start, start + batch_size)
            batch = sequences[rows].to(there, kind)
            outputs.append(_to_cpu(held(batch, *(a[rows].to(there) for a in extra))))
    return _concatenate(outputs)


def _to_cpu(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        if output.ndim == 0:
            raise InputError(
                "the model returns a single number for a batch; expected a row for each sequence"
            )
        return output.detach().cpu()
    if isinstance(output, (tuple, list)):
        return _rebuild(output, [_to_cpu(o) for o in output])
    if isinstance(output, dict):
        return {key: _to_cpu(value) for key, value in output.items()}
    raise InputError(f"the model returns {type(output).__name__}, expected tensors")


def _concatenate(outputs: list[Any]) -> Any:
    first = outputs[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(outputs)
    if isinstance(first, dict):
        return {key: _concatenate([o[key] for o in outputs]) for key in first}
    return _rebuild(first, [_concatenate([o[i] for o in outputs]) for i in range(len(first))])


def _rebuild(like: Any, values: list[Any]) -> Any:
    if hasattr(like, "_fields"):
        return type(like)(*values)
    return tuple(values)
