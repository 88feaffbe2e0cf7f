"""References: sequences without the signal, against which attributions are measured.

Every draw is a function of the seed, the letters of the sequence and the number of the draw, so
the references of a sequence are the same whatever else is in its batch. Unknown letters (columns
of zeros, or of 1 / n_letters) are in a reference what they are in its sequence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import seqpro as sp
from seqexplainer._inputs import (
    ArrayLike,
    as_seed,
    as_sequences,
    check_choice,
    check_one_hot,
    keep_unknown,
    letters_for,
)
from seqexplainer.errors import InputError
from seqpro.alphabets import BaseAlphabet
from seqpro.random import counter_seed, row_hash

Reference = str | ArrayLike | Callable[..., object]


def zero(X: ArrayLike) -> torch.Tensor:
    """Return one reference per sequence in which no known letter is present.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Sequences.

    Returns
    -------
    Tensor of float32, shape (n_seqs, 1, n_letters, length)
        Zeros; unknown letters stay as they are.

    Examples
    --------
    >>> zero(np.eye(4)[None]).shape
    torch.Size([1, 1, 4, 4])
    """
    return _filled(X, 0.0)


def uniform(X: ArrayLike) -> torch.Tensor:
    """Return one reference per sequence in which all letters are alike where one is known.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Sequences.

    Returns
    -------
    Tensor of float32, shape (n_seqs, 1, n_letters, length)
        ``1 / n_letters``; unknown letters stay as they are.

    Examples
    --------
    >>> float(uniform(np.eye(4)[None]).max())
    0.25
    """
    return _filled(X, 1.0 / as_sequences(X).shape[1])


def _filled(X: ArrayLike, value: float) -> torch.Tensor:
    tensor = as_sequences(X)
    return keep_unknown(torch.full((len(tensor), 1, *tensor.shape[1:]), value), tensor)


def gc(X: ArrayLike) -> torch.Tensor:
    """Return one reference per sequence with the G+C share of that sequence at known letters.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, 4, length)
        One-hot DNA in the order ACGT. Unknown letters (columns of zeros or of 1/4) are left out
        of the share and stay as they are.

    Returns
    -------
    Tensor of float32, shape (n_seqs, 1, 4, length)
        G and C at half the share each, A and T at half of the rest.

    Examples
    --------
    >>> gc(np.eye(4)[None])[0, 0, :, 0]
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    tensor = _dna(X, "gc").float()
    counts = (tensor == 1).sum(dim=2)
    share = (counts[:, 1] + counts[:, 2]) / counts.sum(dim=1).clamp(min=1)
    column = torch.stack([1 - share, share, share, 1 - share], dim=1) / 2
    whole = column[:, None, :, None].expand(len(tensor), 1, 4, tensor.shape[2]).contiguous()
    return keep_unknown(whole, tensor)


def dinuc_shuffle(
    X: ArrayLike, *, n: int = 20, seed: int | None = None, k: int = 2
) -> torch.Tensor:
    """Return shuffles of every sequence that keep its dinucleotide (or k-let) counts.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot DNA, RNA or protein. Unknown letters stay in place and as they are.
    n : int
        Shuffles per sequence.
    seed : int, optional
        Seed; None means 0, so that results can always be repeated.
    k : int
        Length of the words whose counts are kept: 2 for dinucleotides, 1 for letters.

    Returns
    -------
    Tensor of uint8, shape (n_seqs, n, n_letters, length)
        Shuffles, of the type of X where it has columns of 1/A. Shuffle j of a sequence depends on
        the seed, its letters and j only.

    Notes
    -----
    The draw is uniform over all sequences with the same counts (seqpro.k_shuffle).

    Examples
    --------
    >>> X = np.eye(4, dtype=np.uint8)[:, [0, 1, 0, 2, 0, 3, 0]][None]
    >>> shuffled = dinuc_shuffle(X, n=3, seed=1)
    >>> shuffled.shape, shuffled.sum(dim=3).tolist()[0][0]
    (torch.Size([1, 3, 4, 7]), [4, 1, 1, 1])
    """
    if n < 1:
        raise InputError(f"n must be at least 1, got {n}")
    tensor = check_one_hot(X)
    alphabet = sp.alphabet_of(letters_for(X))
    letters = _letters(tensor, alphabet)
    ids = counter_seed(0, row_hash(letters)[:, None], np.arange(n)).reshape(-1)
    shuffled = sp.k_shuffle(
        np.repeat(letters, n, axis=0).view("S1"),
        k,
        length_axis=-1,
        seed=as_seed(seed),
        alphabet=alphabet,
        row_ids=ids,
    ).view(np.uint8)
    columns = alphabet.array.view(np.uint8)
    onehot = (shuffled[:, None, :] == columns[None, :, None]).view(np.uint8)
    onehot = onehot.reshape(len(letters), n, len(columns), letters.shape[1])
    return keep_unknown(torch.from_numpy(onehot), tensor)


def shuffle(X: ArrayLike, *, n: int = 20, seed: int | None = None) -> torch.Tensor:
    """Return shuffles of every sequence that keep its letter counts.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, 4, length)
        One-hot DNA in the order ACGT.
    n : int
        Shuffles per sequence.
    seed : int, optional
        Seed; None means 0.

    Returns
    -------
    Tensor of uint8, shape (n_seqs, n, n_letters, length)
        Shuffles.

    Examples
    --------
    >>> shuffle(np.eye(4, dtype=np.uint8)[None], n=2).sum(dim=3).tolist()
    [[[1, 1, 1, 1], [1, 1, 1, 1]]]
    """
    return dinuc_shuffle(X, n=n, seed=seed, k=1)


NAMED: dict[str, Callable[..., torch.Tensor]] = {
    "dinuc_shuffle": dinuc_shuffle,
    "shuffle": shuffle,
    "zero": zero,
    "uniform": uniform,
    "gc": gc,
}
DRAWN = ("dinuc_shuffle", "shuffle")


def make(
    X: ArrayLike, reference: Reference = "dinuc_shuffle", *, n: int = 20, seed: int | None = None
) -> torch.Tensor:
    """Return the references of every sequence.

    Parameters
    ----------
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    reference : str, callable or array
        A name (``"dinuc_shuffle"``, ``"shuffle"``, ``"zero"``, ``"uniform"``, ``"gc"``); a
        function called as ``f(X, n=n, seed=seed)`` or, if it takes nothing else, ``f(X)``; or
        an array (n_seqs, n, n_letters, length), or (n_seqs, n_letters, length) for one each.
    n : int
        References per sequence, where they are drawn.
    seed : int, optional
        Seed of the draw; None means 0.

    Returns
    -------
    Tensor, shape (n_seqs, n_references, n_letters, length)
        References.

    Raises
    ------
    InputError
        If the name is unknown or the shape does not fit.

    Examples
    --------
    >>> make(np.eye(4)[None], "uniform").shape
    torch.Size([1, 1, 4, 4])
    """
    tensor = as_sequences(X)
    if isinstance(reference, str):
        name = check_choice(reference, tuple(NAMED), "references")
        return NAMED[name](tensor, n=n, seed=seed) if name in DRAWN else NAMED[name](tensor)
    if callable(reference):
        reference = _call(reference, tensor, n, seed)
    found = (
        reference if isinstance(reference, torch.Tensor) else torch.as_tensor(np.asarray(reference))
    )
    found = found.detach()
    if found.shape == tensor.shape:
        found = found.unsqueeze(1)
    expected = (len(tensor), found.shape[1] if found.ndim == 4 else n, *tensor.shape[1:])
    if found.shape != expected or found.shape[1] == 0:
        raise InputError(
            f"references must have shape (n_seqs, n, n_letters, length) = {expected}, "
            f"got {tuple(found.shape)}"
        )
    return found


def _call(function: Callable[..., Any], X: torch.Tensor, n: int, seed: int | None) -> Any:
    try:
        names = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function(X)
    anything = any(p.kind is p.VAR_KEYWORD for p in names.values())
    options = {"n": n, "seed": seed}
    return function(X, **{key: v for key, v in options.items() if anything or key in names})


def _dna(X: ArrayLike, name: str) -> torch.Tensor:
    tensor = check_one_hot(X)
    if tensor.shape[1] != 4:
        raise InputError(
            f"references={name!r} needs DNA (4 letters), got {tensor.shape[1]} letters; "
            "use 'zero', 'uniform', a callable or an array"
        )
    return tensor


def _letters(tensor: torch.Tensor, alphabet: BaseAlphabet) -> np.ndarray:
    # numpy knows no bfloat16
    array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    letters = alphabet.array.view(np.uint8)[array.argmax(axis=1)]
    letters[array.max(axis=1) < 1] = ord(alphabet.wild)
    return np.ascontiguousarray(letters)
