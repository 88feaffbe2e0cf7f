"""Checks of what callers hand in, and the state a model is explained in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import seqpro as sp
from seqexplainer._scripts import opened
from seqexplainer.errors import InputError, did_you_mean

ArrayLike = np.ndarray | torch.Tensor


def as_sequences(X: object, name: str = "X") -> torch.Tensor:
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


def as_array(values: object) -> np.ndarray:
    """Return values as a numpy array of the same shape; half precision that it lacks is float32."""
    if not isinstance(values, torch.Tensor):
        return np.asarray(values)
    found = values.detach().cpu().resolve_conj().resolve_neg()
    array: np.ndarray = (found.float() if found.dtype == torch.bfloat16 else found).numpy()
    return array


def letters_for(X: Any, alphabet: Any = None) -> str:
    """Return the letters of the columns of one-hot sequences.

    Parameters
    ----------
    X : array, shape (n_seqs, n_letters, length)
        Its ``alphabet`` counts where it has one.
    alphabet : BaseAlphabet or str, optional
        What the caller says. Without a word four columns are DNA, 21 amino acids.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If nothing says which letters these are, or there are not as many columns.

    Examples
    --------
    >>> letters_for(np.zeros((1, 4, 7))), letters_for(np.zeros((1, 4, 7)), "RNA")
    ('ACGT', 'ACGU')
    """
    width = int(np.shape(X)[1])
    said = getattr(X, "alphabet", None) if alphabet is None else alphabet
    try:
        found = sp.alphabet_of(np.empty((1, width, 1)) if said is None else said)
    except sp.errors.AlphabetError as error:
        raise InputError(f"{width} letters a position: {error}") from error
    if len(found) != width:
        raise InputError(
            f"the alphabet {found.alphabet!r} has {len(found)} letters, the sequences have {width} "
            "a position"
        )
    return found.alphabet.upper()


def check_one_hot(X: object, name: str = "X") -> torch.Tensor:
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
    bad = ~(binary | unknown_columns(tensor))
    if bool(bad.any()):
        row, position = (int(v) for v in bad.nonzero()[0])
        column = [round(float(v), 4) for v in tensor[row, :, position]]
        raise InputError(
            f"{name} is not one-hot: sequence {row}, position {position} holds {column}; "
            f"expected a single 1, all zeros (unknown letter), or {1 / n_letters:g} everywhere"
        )
    return tensor


def unknown_columns(X: torch.Tensor) -> torch.Tensor:
    """Return where sequences have no known letter: columns of zeros, or of 1 / n_letters.

    Parameters
    ----------
    X : Tensor, shape (n_seqs, n_letters, length)
        One-hot or soft sequences. With a single letter every column is known.

    Returns
    -------
    Tensor of bool, shape (n_seqs, length)

    Examples
    --------
    >>> unknown_columns(torch.tensor([[[1.0, 0.0, 0.5], [0.0, 0.0, 0.5]]])).tolist()
    [[False, True, True]]
    """
    n_letters = X.shape[1]
    if n_letters == 1:
        return torch.zeros(X[:, 0].shape, dtype=torch.bool, device=X.device)
    unknown = (X == 0).all(dim=1)
    if X.is_floating_point():
        close = max(1e-6, torch.finfo(X.dtype).eps / n_letters)
        unknown |= ((X - 1.0 / n_letters).abs() <= close).all(dim=1)
    return unknown


def unknown_value(sequence: torch.Tensor) -> float:
    """Return how a sequence (n_letters, length) writes unknown letters: 1 / n_letters, or 0."""
    share = 1.0 / len(sequence)
    found = sequence[:, unknown_columns(sequence[None])[0]]
    return share if found.numel() and bool((found != 0).all()) else 0.0


def letters_there(X: torch.Tensor) -> torch.Tensor:
    """Return sequences (n_seqs, n_letters, length) with zeros where no letter is known."""
    return X * ~unknown_columns(X).unsqueeze(1)


def keep_unknown(changed: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    """Return changed copies of sequences in which unknown letters are as they were.

    Parameters
    ----------
    changed : Tensor, shape (n_seqs, n, n_letters, length)
        Copies of each sequence.
    X : Tensor, shape (n_seqs, n_letters, length)
        The sequences.

    Returns
    -------
    Tensor, shape (n_seqs, n, n_letters, length)
        Of the type of `changed`, or of X where that is needed to hold 1 / n_letters.
    """
    unknown = unknown_columns(X)
    if not bool(unknown.any()):
        return changed
    if not changed.is_floating_point() and bool((X * unknown.unsqueeze(1)).any()):
        changed = changed.to(X.dtype)
    return torch.where(
        unknown[:, None, None].to(changed.device), X.unsqueeze(1).to(changed), changed
    )


def check_args(
    args: Sequence[ArrayLike] | None, n_seqs: int, dtype: torch.dtype
) -> tuple[torch.Tensor, ...]:
    """Return extra inputs as tensors of shape (n_seqs, ...), fractions in one type."""
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
    hint = did_you_mean(value, choices, listed=0) or "."
    raise InputError(f"unknown {name} {value!r}{hint} Choose from: {', '.join(choices)}")


def check_model(model: object) -> torch.nn.Module:
    """Return a model after checking that it is an instance of `torch.nn.Module`."""
    if isinstance(model, torch.nn.Module):
        return model
    if isinstance(model, type):
        hint = f"; {model.__name__} is a class, make an instance of it first"
    elif isinstance(model, torch.export.ExportedProgram):
        hint = "; give model.module(), exported with a dynamic first axis"
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


def as_seed(seed: object) -> int:
    """Return a seed as a whole number from 0; None means 0."""
    if seed is None:
        return 0
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0, or None for 0")
    return int(seed)


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


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """Return numbers in half precision as float32, others as they are."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def model_device(model: torch.nn.Module, device: str | torch.device | None = None) -> torch.device:
    """Return the device to work on: the one asked for, else where the model is."""
    check_model(model)
    if device is not None:
        try:
            chosen = torch.device(device)
        except RuntimeError as error:
            raise InputError(
                f"device {device!r} is not known to torch; expected 'cpu', 'cuda', 'cuda:1', ..."
            ) from error
        if chosen.type == "cuda" and not torch.cuda.is_available():
            raise InputError(f"device {str(device)!r}: torch sees no GPU here; give device='cpu'")
        return chosen
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
        The model. What is compiled runs uncompiled meanwhile: explanations need its operations.
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
        _evaluating(model)
        for p, _, _ in grads:
            p.requires_grad_(False)
        if there != home:
            model.to(there)
        with rnn_backward_allowed(model, there), opened(model) as held:
            yield held
    finally:
        if there != home:
            model.to(home)
        for module, training in modes:
            module.training = training
        for p, requires_grad, grad in grads:
            p.requires_grad_(requires_grad)
            p.grad = grad


def _evaluating(model: torch.nn.Module) -> None:
    """Put a model into evaluation mode; exported parts keep the one they were exported in."""
    try:
        model.eval()
    except NotImplementedError:
        for module in model.modules():
            module.training = False


@contextmanager
def rnn_backward_allowed(model: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """Leave cuDNN aside for recurrent nets, whose cuDNN backward refuses evaluation mode."""
    recurrent = any(isinstance(m, torch.nn.RNNBase) for m in model.modules())
    if device.type == "cuda" and recurrent:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    else:
        yield
