"""Checks of what callers hand in, and the state a model is explained in."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from seqexplainer.errors import InputError

ArrayLike = np.ndarray | torch.Tensor


def as_sequences(X: Any, name: str = "X") -> torch.Tensor:
    """Return sequences as a tensor after checking their shape.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot or soft sequences of any number type.
    name : str
        What to call the array in messages.

    Returns
    -------
    Tensor, shape (n_seqs, n_letters, length)
        The same values; no copy is made where none is needed.

    Raises
    ------
    InputError
        If the array is not three-dimensional, holds no numbers or ones that are not finite, is
        empty, or has its axes in the order `(n_seqs, length, n_letters)`.

    Examples
    --------
    >>> as_sequences(np.zeros((2, 4, 7))).shape
    torch.Size([2, 4, 7])
    """
    if isinstance(X, torch.Tensor):
        tensor = X.detach()
        if tensor.is_complex():
            raise InputError(f"{name} must hold real numbers, got dtype {tensor.dtype}")
    else:
        array = np.asarray(X)
        if array.dtype.kind not in "biuf":
            raise InputError(
                f"{name} must hold numbers, got dtype {array.dtype}; "
                "one-hot encode letters first, for example with seqpro.ohe(...).swapaxes(-1, -2)"
            )
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        if not array.flags.writeable or any(s < 0 for s in array.strides):
            array = array.copy()
        tensor = torch.from_numpy(array)
    if tensor.ndim != 3:
        raise InputError(
            f"{name} must have shape (n_seqs, n_letters, length), got {tuple(tensor.shape)}"
            + ("; add a first axis with X[None]" if tensor.ndim == 2 else "")
        )
    if tensor.shape[0] == 0 or tensor.shape[2] == 0:
        raise InputError(f"{name} is empty: its shape is {tuple(tensor.shape)}")
    if tensor.shape[2] == 4 and tensor.shape[1] != 4:
        raise InputError(
            f"{name} has shape {tuple(tensor.shape)}, which looks like (n_seqs, length, n_letters);"
            " models and explainers take (n_seqs, n_letters, length): use X.swapaxes(1, 2)"
        )
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        row, _, position = (int(v) for v in (~tensor.isfinite()).nonzero()[0])
        raise InputError(
            f"{name} holds a value that is not finite in sequence {row}, position {position}; "
            "write unknown letters as columns of zeros"
        )
    return tensor


def check_one_hot(X: Any, name: str = "X") -> torch.Tensor:
    """Return sequences as a tensor after checking that every column is one-hot.

    A column is one letter (a single 1), no letter (all 0), or every letter alike (1 / n_letters).

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences of any number type.
    name : str
        What to call the array in messages.

    Returns
    -------
    Tensor, shape (n_seqs, n_letters, length)
        The same values.

    Raises
    ------
    InputError
        As `as_sequences`, and if a column is neither one-hot, nor zero, nor uniform.

    Examples
    --------
    >>> check_one_hot(np.eye(4, dtype=np.uint8)[None]).dtype
    torch.uint8
    """
    tensor = as_sequences(X, name)
    n_letters = tensor.shape[1]
    if tensor.dtype == torch.bool:
        tensor = tensor.to(torch.uint8)
    binary = ((tensor == 0) | (tensor == 1)).all(dim=1) & (tensor.sum(dim=1) <= 1)
    if bool(binary.all()):
        return tensor
    uniform = torch.zeros_like(binary)
    if tensor.is_floating_point():
        uniform = ((tensor - 1.0 / n_letters).abs() < 1e-6).all(dim=1)
    bad = ~(binary | uniform)
    if bool(bad.any()):
        row, position = (int(v) for v in bad.nonzero()[0])
        column = [round(float(v), 4) for v in tensor[row, :, position]]
        raise InputError(
            f"{name} is not one-hot: sequence {row}, position {position} holds {column}; "
            f"expected a single 1, all zeros (unknown letter), or {1 / n_letters:g} everywhere"
        )
    return tensor


def check_args(
    args: Sequence[ArrayLike] | None, n_seqs: int, dtype: torch.dtype
) -> tuple[torch.Tensor, ...]:
    """Return extra model inputs as tensors with one row per sequence, fractions in one type."""
    if isinstance(args, torch.Tensor | np.ndarray):
        raise InputError(
            f"args is one array of shape {tuple(args.shape)}; expected a list with an array for "
            "each extra input: args=[array]"
        )
    tensors = []
    for i, value in enumerate(args or ()):
        tensor = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
        if tensor.ndim == 0 or tensor.shape[0] != n_seqs:
            raise InputError(
                f"args[{i}] must have one row per sequence ({n_seqs}), "
                f"got shape {tuple(tensor.shape)}"
            )
        tensors.append(tensor.to(dtype) if tensor.is_floating_point() else tensor)
    return tuple(tensors)


def check_choice(value: str, choices: Sequence[str], name: str) -> str:
    """Return `value` if it is one of `choices`; otherwise say which it may have been."""
    if value in choices:
        return value
    close = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise InputError(f"unknown {name} {value!r}{hint} Choose from: {', '.join(choices)}")


def check_model(model: Any) -> torch.nn.Module:
    """Return a model after checking that it is an instance of `torch.nn.Module`."""
    if isinstance(model, torch.nn.Module):
        return model
    if isinstance(model, type):
        hint = f"; {model.__name__} is a class, make an instance of it first"
    elif callable(model):
        hint = "; wrap a function in the forward of a Module"
    else:
        hint = ""
    raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}{hint}")


def check_whole(**values: Any) -> None:
    """Check that numbers, given by the names of their arguments, are whole and at least 1."""
    for name, value in values.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole:
            raise InputError(f"{name} must be a whole number, got {value!r}")
        if value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")


def model_dtype(model: torch.nn.Module, dtype: torch.dtype | None = None) -> torch.dtype:
    """Return the number type in which a model wants its input."""
    if dtype is not None:
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise InputError(
                f"dtype is {dtype!r}; expected a floating type of torch, such as torch.float32"
            )
        return dtype
    for tensor in check_model(model).parameters():
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.float32


def model_device(model: torch.nn.Module, device: str | torch.device | None = None) -> torch.device:
    """Return the device to work on: the one asked for, else where the model is."""
    check_model(model)
    if device is not None:
        try:
            return torch.device(device)
        except RuntimeError as error:
            raise InputError(
                f"device {device!r} is not known to torch; expected 'cpu', 'cuda', 'cuda:1', ..."
            ) from error
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


@contextmanager
def frozen(
    model: torch.nn.Module, device: str | torch.device | None = None
) -> Iterator[torch.nn.Module]:
    """Hold a model in evaluation mode, without parameter gradients, on one device.

    On leaving, with or without an error, every submodule is back in the mode it was in, every
    parameter requires a gradient if it did before, and the model is on its own device.

    Parameters
    ----------
    model : Module
        The model; a compiled one is opened, since explanations need its Python operations.
    device : str or device, optional
        Where to work; by default where the model is.

    Yields
    ------
    Module
        The model to call.

    Examples
    --------
    >>> model = torch.nn.Linear(2, 1)
    >>> with frozen(model) as held:
    ...     held.training, held.weight.requires_grad
    (False, False)
    >>> model.training, model.weight.requires_grad
    (True, True)
    """
    home = model_device(model)
    there = model_device(model, device)
    modes = [(module, module.training) for module in model.modules()]
    grads = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    try:
        model.eval()
        for p, _, _ in grads:
            p.requires_grad_(False)
        if there != home:
            model.to(there)
        opened = getattr(model, "_orig_mod", model)
        with rnn_backward_allowed(model, there):
            yield opened
    finally:
        if there != home:
            model.to(home)
        for module, training in modes:
            module.training = training
        for p, requires_grad, grad in grads:
            p.requires_grad_(requires_grad)
            p.grad = grad


@contextmanager
def rnn_backward_allowed(model: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """Leave cuDNN aside for recurrent nets, whose cuDNN backward refuses evaluation mode."""
    recurrent = any(isinstance(m, torch.nn.RNNBase) for m in model.modules())
    if device.type == "cuda" and recurrent:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    else:
        yield
