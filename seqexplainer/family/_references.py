"""References and backgrounds, one of each sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seqexplainer import references
from seqexplainer._inputs import as_seed
from seqexplainer.errors import InputError
from seqexplainer.perturb import backgrounds

Batch = NDArray[np.generic] | torch.Tensor


def _one_each(inputs: Batch, kind: str, seed: int | None) -> torch.Tensor:
    """Return one reference a sequence, (n, letters, length)."""
    X = torch.as_tensor(np.asarray(inputs) if not isinstance(inputs, torch.Tensor) else inputs)
    if kind in ("random", "profile"):
        given = X if kind == "profile" else None
        drawn = backgrounds(given, kind=kind, n=len(X), length=X.shape[2], seed=seed)  # type: ignore[arg-type]
        return drawn.to(X.dtype)
    return references.make(X, kind, n=1, seed=seed)[:, 0].to(X.dtype)


_NAMES = {"k_shuffle": "dinuc_shuffle"}


def get_reference(
    inputs: Batch,
    method: str | Callable[..., Batch],
    **kwargs: object,
) -> Batch:
    """Return a reference for each sequence, as SeqExplainer did.

    Parameters
    ----------
    inputs : ndarray or Tensor, shape (n, letters, length)
        One-hot sequences.
    method : str or callable
        zero, random, shuffle, dinuc_shuffle, gc, profile, or what makes them of the sequences.
    **kwargs
        ``seed``, or what a callable takes.

    Returns
    -------
    ndarray or Tensor, shape (n, letters, length)
        As what was given.

    Raises
    ------
    InputError
        If there is no such method or keyword.

    Examples
    --------
    >>> X = np.eye(4)[None]
    >>> get_reference(X, "zero").sum().item()
    0.0
    """
    if callable(method):
        return method(inputs, **kwargs)
    kind = _NAMES.get(method, method)
    known = ("zero", "random", "shuffle", "dinuc_shuffle", "gc", "profile")
    if kind not in known:
        raise InputError(f"method={method!r} must be one of {', '.join(known)}")
    seed = kwargs.pop("seed", None)
    if kwargs:
        raise InputError(f"get_reference({method!r}) has no argument {next(iter(kwargs))!r}")
    found = _one_each(inputs, kind, None if seed is None else as_seed(seed))
    return found if isinstance(inputs, torch.Tensor) else found.numpy()


def zero_ref_inputs(inputs: Batch) -> Batch:
    """Return zeros, shape (n, letters, length)."""
    return get_reference(inputs, "zero")


def random_ref_inputs(inputs: Batch) -> Batch:
    """Return random sequences, shape (n, letters, length).

    SeqExplainer's had their axes in another order, which no method took.
    """
    return get_reference(inputs, "random")


def shuffle_ref_inputs(inputs: Batch) -> Batch:
    """Return the sequences with their positions shuffled, shape (n, letters, length)."""
    return get_reference(inputs, "shuffle")


def dinuc_shuffle_ref_inputs(inputs: Batch, **kwargs: object) -> Batch:
    """Return the sequences shuffled by pairs of letters, shape (n, letters, length)."""
    return get_reference(inputs, "dinuc_shuffle", **kwargs)


def k_shuffle_ref_inputs(
    inputs: Batch, k: int = 2, alphabet: str = "DNA", **kwargs: object
) -> Batch:
    """Return the sequences shuffled by words of k letters, shape (n, letters, length)."""
    made = references.dinuc_shuffle(inputs, n=1, k=k, **kwargs)[:, 0]  # type: ignore[arg-type]
    return made if isinstance(inputs, torch.Tensor) else made.numpy()


def gc_ref_inputs(
    inputs: Batch,
    bg: str = "uniform",
    uniform_dist: tuple[float, ...] = (0.3, 0.2, 0.3, 0.2),
) -> Batch:
    """Return columns of letter frequencies instead of sequences.

    Parameters
    ----------
    inputs : ndarray or Tensor, shape (n, letters, length)
        One-hot sequences.
    bg : {"uniform", "batch", "seq"}
        Frequencies as given, of all sequences together, or of each one.
    uniform_dist : sequence of float
        Frequencies for ``"uniform"``.

    Returns
    -------
    ndarray or Tensor, shape (n, letters, length)

    Raises
    ------
    InputError
        If ``bg`` is none of the three.
    """
    X = np.asarray(inputs, dtype=np.float32)
    if bg == "uniform":
        shares = np.broadcast_to(np.asarray(uniform_dist, np.float32)[None], X.shape[:2])
    elif bg in ("batch", "seq"):
        counts = X.sum(2) if bg == "seq" else np.broadcast_to(X.sum((0, 2)), X.shape[:2])
        shares = counts / counts.sum(1, keepdims=True)
    else:
        raise InputError(f"bg={bg!r} must be uniform, batch or seq")
    found = np.repeat(shares[:, :, None], X.shape[2], axis=2)
    return torch.from_numpy(found) if isinstance(inputs, torch.Tensor) else found


def profile_ref_inputs(inputs: Batch) -> Batch:
    """Return sequences drawn by the letters of each position, shape (n, letters, length)."""
    return get_reference(inputs, "profile")


def generate_profile_set(base_sequence: Batch, num_sample: int) -> NDArray[np.generic]:
    """Return sequences drawn by the letters of each position.

    Parameters
    ----------
    base_sequence : ndarray or Tensor, shape (n, letters, length)
        What is drawn from.
    num_sample : int
        How many.

    Returns
    -------
    ndarray, shape (num_sample, letters, length)
    """
    return _drawn(base_sequence, num_sample, "profile")


def generate_shuffled_set(base_sequence: Batch, num_sample: int) -> NDArray[np.generic]:
    """Return shuffled sequences, shape (num_sample, letters, length).

    SeqExplainer's exchanged the letters' names and left every position where it was.
    """
    return _drawn(base_sequence, num_sample, "shuffle")


def generate_dinucleotide_shuffled_set(
    base_sequence: Batch, num_sample: int
) -> NDArray[np.generic]:
    """Return sequences shuffled by pairs of letters, shape (num_sample, letters, length)."""
    return _drawn(base_sequence, num_sample, "dinuc_shuffle")


def generate_subset_set(base_sequence: Batch, num_sample: int) -> NDArray[np.generic]:
    """Return some of the sequences, shape (num_sample, letters, length)."""
    return _drawn(base_sequence, num_sample, "subset")


def _drawn(base: Batch, n: int, kind: str) -> NDArray[np.generic]:
    X = base if isinstance(base, torch.Tensor) else torch.as_tensor(np.asarray(base))
    X = X[None] if X.ndim == 2 else X
    made = backgrounds(X, kind=kind, n=n, seed=None)  # type: ignore[arg-type]
    return made.to(X.dtype).numpy()


def gradient_correction(grad: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return gradients less their mean over the letters, shape (n, letters, length).

    DOI of the method: 10.1186/s13059-023-02956-3
    """
    corrected: NDArray[np.floating] = grad - np.mean(grad, axis=1, keepdims=True)
    return corrected


def delta(y: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sum over outputs of the differences, shape (n,)."""
    total: NDArray[np.floating] = (y - reference).sum(axis=-1)
    return total


def l1(y: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sum over outputs of the absolute differences, shape (n,)."""
    total: NDArray[np.floating] = np.abs(y - reference).sum(axis=-1)
    return total


def l2(y: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the root of the summed squared differences over outputs, shape (n,)."""
    norm: NDArray[np.floating] = np.sqrt(((y - reference) ** 2).sum(axis=-1))
    return norm


def naive_ism(
    model: torch.nn.Module,
    inputs: Batch,
    target: int | None = None,
    batch_size: int = 32,
    diff_type: str = "delta",
    device: str = "cpu",
) -> torch.Tensor:
    """Return the effect of every substitution, as `seqexplainer.saturation_mutagenesis` does.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (n, letters, length).
    inputs : ndarray or Tensor, shape (n, letters, length)
        One-hot sequences.
    target : int, optional
        Which output; by default all, whose differences are brought together.
    batch_size : int
        Mutated sequences at a time.
    diff_type : {"delta", "l1", "l2"}
        Sum of the differences, of their sizes, or the root of the sum of their squares.
    device : str
        Where to compute.

    Returns
    -------
    Tensor of float32, shape (n, letters, length)
        0 at the letter that is there.

    Examples
    --------
    >>> head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 2))
    >>> naive_ism(head, np.eye(4)[None, :, :2], diff_type="l1").shape
    torch.Size([1, 4, 2])
    """
    from seqexplainer import saturation_mutagenesis

    known = {"delta": delta, "l1": l1, "l2": l2}
    if diff_type not in known:
        raise InputError(f"diff_type must be one of {', '.join(known)}, got {diff_type!r}")
    X = torch.as_tensor(np.asarray(inputs.cpu() if isinstance(inputs, torch.Tensor) else inputs))
    effects = saturation_mutagenesis(
        model, X, target=target, batch_size=batch_size, device=device
    ).numpy()
    effects = effects.reshape(*X.shape, -1)
    found = known[diff_type](effects, np.zeros_like(effects))
    return torch.as_tensor(found, dtype=torch.float32)
