"""Null models: sequences to put motifs into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from seqexplainer._inputs import as_seed, check_one_hot, keep_unknown
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._edit import random_one_hot, shuffle_one_hot

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = ("random", "gc", "profile", "shuffle", "dinuc_shuffle", "subset")


def backgrounds(
    X: NDArray[np.generic] | torch.Tensor | None = None,
    *,
    kind: Literal[
        "random", "gc", "profile", "shuffle", "dinuc_shuffle", "subset"
    ] = "dinuc_shuffle",
    n: int = 100,
    length: int | None = None,
    k: int | None = None,
    seed: int | None = 0,
) -> torch.Tensor:
    """Make background sequences.

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, 4, L), optional
        Sequences that the backgrounds take after; not needed for ``random``. Unknown bases
        (columns of zeros or of 1/4) count nothing; where sequences are shuffled or drawn they
        stay where and as they are.
    kind : {"dinuc_shuffle", "shuffle", "random", "gc", "profile", "subset"}, optional
        - ``random``: every base with probability 1/4;
        - ``gc``: independent bases with the letter frequencies of X, GC-symmetric;
        - ``profile``: independent positions with the letter frequencies of each position of X;
        - ``shuffle``, ``dinuc_shuffle``: the sequences of X, shuffled with their bases or their
          k-lets kept (each sequence is used in turn);
        - ``subset``: sequences of X drawn without replacement.
    n : int, optional
        Number of backgrounds.
    length : int, optional
        Length (bp) of ``random`` and ``gc`` backgrounds; by default that of X.
    k : int, optional
        Length of the k-lets that ``dinuc_shuffle`` keeps, instead of 2.
    seed : int, optional
        Background i depends on the seed and i only (``subset``: on the seed and N).

    Returns
    -------
    Tensor of uint8, shape (n, 4, L)
        One-hot backgrounds; of the type of X where they hold columns of 1/4.

    Raises
    ------
    SeqexplainerError
        If X or the length is missing, or a subset asks for more than there are.

    Examples
    --------
    >>> backgrounds(kind="random", n=3, length=5).shape
    torch.Size([3, 4, 5])
    """
    if kind not in _KINDS:
        raise SeqexplainerError(f"kind is {kind!r}; choose one of {', '.join(_KINDS)}")
    if n < 1:
        raise SeqexplainerError(f"n is {n}; at least one background is needed")
    given = None if X is None else check_one_hot(X).cpu()
    source = None if given is None else (given == 1).numpy().astype(np.uint8)
    if kind == "random" and (source is not None or length is not None):
        bases = length if length is not None else source.shape[2]  # type: ignore[union-attr]
        return torch.as_tensor(random_one_hot(n, bases, seed))
    if source is None or given is None:
        need = "a length" if kind == "random" else "sequences X to take after"
        raise SeqexplainerError(f"backgrounds of kind {kind!r} need {need}")
    if kind == "gc":
        counts = source.sum(axis=(0, 2), dtype=np.float64)
        both = counts + counts[::-1]
        return torch.as_tensor(
            random_one_hot(n, length or source.shape[2], seed, both / both.sum())
        )
    if kind == "profile":
        counts = source.sum(axis=0, dtype=np.float64)
        total = counts.sum(axis=0)
        frequencies = np.where(total > 0, counts / np.maximum(total, 1), 0.25)
        return torch.as_tensor(random_one_hot(n, source.shape[2], seed, frequencies))
    if kind == "subset":
        if n > len(source):
            msg = f"a subset of {n} is asked for, but there are only {len(source)} sequences"
            raise SeqexplainerError(msg)
        chosen = np.random.default_rng(as_seed(seed)).choice(len(source), size=n, replace=False)
        return _with_unknown(source[np.sort(chosen)], given[np.sort(chosen)])
    rows = np.arange(n)
    size = 1 if kind == "shuffle" else (k or 2)
    shuffled = shuffle_one_hot(source[rows % len(source)], size, seed, rows)
    return _with_unknown(shuffled, given[rows % len(source)])


def _with_unknown(drawn: NDArray[np.uint8], given: torch.Tensor) -> torch.Tensor:
    """Return backgrounds (n, 4, L) with the unknown bases of the sequences they are made of."""
    return keep_unknown(torch.as_tensor(drawn)[:, None], given)[:, 0]
