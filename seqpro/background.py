"""Markov models of sequence background: fit, sample, score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro import _kernels, random
from seqpro._cast import view_letters
from seqpro._types import Letters
from seqpro.alphabets import DNA, BaseAlphabet, named
from seqpro.errors import SeqproError
from seqpro.random import Seed


@final
@dataclass(frozen=True, eq=False)
class MarkovModel:
    """A Markov chain over the letters of an alphabet.

    Parameters
    ----------
    order : int
        Number of letters the next one depends on; 0 draws letters independently.
    probs : ndarray of float64, shape (A**order, A)
        Probability of the next letter after each context, contexts in alphabetical order
        (the first letter of the context counts most). For order 0 the shape (A,) is fine too.
    start : ndarray of float64, shape (A**order,), optional
        Probability of the first context; the stationary distribution by default.
    alphabet : NucleotideAlphabet, AminoAlphabet or str

    Raises
    ------
    SeqproError
        If shapes do not match the order or rows do not sum to 1.

    Examples
    --------
    >>> import seqpro as sp
    >>> model = sp.background.MarkovModel(0, [0.3, 0.2, 0.2, 0.3])
    >>> model.sample(2, 8, seed=0).shape
    (2, 8)
    """

    order: int
    probs: NDArray[np.float64]
    start: NDArray[np.float64] | None = field(default=None)
    alphabet: BaseAlphabet = DNA

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphabet", named(self.alphabet))
        width = len(self.alphabet)
        if self.order < 0:
            raise SeqproError(f"order must not be negative, got {self.order}")
        n_contexts = width**self.order
        probs = np.array(self.probs, np.float64)
        if self.order == 0 and probs.ndim == 1:
            probs = probs[None]
        if probs.shape != (n_contexts, width):
            msg = f"probs must have shape {(n_contexts, width)} at this order, got {probs.shape}"
            raise SeqproError(msg)
        _check_distribution(probs, "each row of probs")
        start = _stationary(probs) if self.start is None else np.array(self.start, np.float64)
        if start.shape != (n_contexts,):
            raise SeqproError(f"start must have shape {(n_contexts,)}, got {start.shape}")
        _check_distribution(start[None], "start")
        probs.flags.writeable = False
        start.flags.writeable = False
        object.__setattr__(self, "probs", probs)
        object.__setattr__(self, "start", start)

    @classmethod
    def fit(
        cls,
        seqs: Letters,
        order: int = 1,
        pseudocount: float = 1.0,
        *,
        alphabet: BaseAlphabet | str = DNA,
    ) -> MarkovModel:
        """Estimate a model from sequences.

        Parameters
        ----------
        seqs : list of str, ndarray of S1, shape (..., length)
            Letters outside the alphabet break a sequence into stretches.
        order : int
        pseudocount : float
            Added to the count of every letter after every context.
        alphabet : NucleotideAlphabet, AminoAlphabet or str

        Returns
        -------
        MarkovModel

        Raises
        ------
        SeqproError
            If there is nothing to count and pseudocount is 0.

        Examples
        --------
        >>> import seqpro as sp
        >>> model = sp.background.MarkovModel.fit(["ACACAC"], order=1, pseudocount=0.1)
        >>> bool(model.probs[0, 1] > 0.8)
        True
        """
        if order < 0 or pseudocount < 0:
            msg = f"order and pseudocount must not be negative, got {order} and {pseudocount}"
            raise SeqproError(msg)
        alphabet = named(alphabet)
        codes = _codes(seqs, alphabet)
        width = len(alphabet)
        counts = np.zeros((width**order, width))
        _kernels.count_contexts(codes, width, order, counts)
        counts += pseudocount
        total = counts.sum(1, keepdims=True)
        if not counts.any():
            msg = f"no stretch of {order + 1} letters of {alphabet.alphabet!r} to count"
            raise SeqproError(msg)
        unseen = np.where(total == 0, 1.0 / width, 0.0)
        probs = counts / np.where(total == 0, 1.0, total) + unseen
        start = total[:, 0] / total.sum()
        return cls(order, probs, start, alphabet)

    def sample(
        self, n: int, length: int, seed: Seed = None, *, row_ids: ArrayLike | None = None
    ) -> NDArray[np.bytes_]:
        """Draw sequences.

        Parameters
        ----------
        n : int
            Number of sequences.
        length : int
            In bp.
        seed : int, numpy.random.Generator or None
        row_ids : array of int, shape (n,), optional
            Identity of each row, its position by default. With an integer seed a row depends on
            seed and row id only, and a longer one begins with the shorter one.

        Returns
        -------
        ndarray of S1, shape (n, length)

        Examples
        --------
        >>> import seqpro as sp
        >>> model = sp.background.MarkovModel(0, [0.0, 1.0, 0.0, 0.0])
        >>> model.sample(1, 3, seed=0).tobytes()
        b'CCC'
        """
        if n < 0 or length < 0:
            raise SeqproError(f"n and length must not be negative, got {n} and {length}")
        root = np.uint64(int(random.counter_seed(random.seed_from(seed))))
        codes = np.empty((n, length), np.uint8)
        _kernels.sample_markov(
            np.cumsum(self._start),
            np.cumsum(self.probs, axis=1),
            len(self.alphabet),
            self.order,
            root,
            random.row_counters(row_ids, (n,)),
            codes,
        )
        return self.alphabet.array[codes]

    def score(self, seqs: Letters) -> NDArray[np.float64] | np.float64:
        """Compute the log2-probability of each sequence.

        Parameters
        ----------
        seqs : str, list of str, ndarray of S1, shape (..., length)
            Letters outside the alphabet break a sequence into stretches that are scored one by
            one; stretches shorter than the order count nothing.

        Returns
        -------
        ndarray of float64, shape of the leading axes
            In log2 units (bits); ``-inf`` where the model cannot make the sequence.

        Examples
        --------
        >>> import seqpro as sp
        >>> model = sp.background.MarkovModel(0, [0.25, 0.25, 0.25, 0.25])
        >>> model.score(["ACGT", "AC"]).tolist()
        [-8.0, -4.0]
        """
        letters = view_letters(seqs, "score")
        codes = _codes(seqs, self.alphabet)
        out = np.empty(codes.shape[0])
        with np.errstate(divide="ignore"):
            log_start, log_steps = np.log2(self._start), np.log2(self.probs)
        _kernels.score_markov(codes, len(self.alphabet), self.order, log_start, log_steps, out)
        scores: NDArray[np.float64] | np.float64 = out.reshape(letters.shape[:-1])[()]
        return scores

    @property
    def _start(self) -> NDArray[np.float64]:
        assert self.start is not None  # set in __post_init__
        return self.start


def _check_distribution(rows: NDArray[np.float64], what: str) -> None:
    if not np.isfinite(rows).all() or (rows < 0).any() or abs(rows.sum(1) - 1).max() > 1e-6:
        raise SeqproError(f"{what} must be probabilities that sum to 1")


def _stationary(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary distribution over contexts, by averaging powers of the chain."""
    n_contexts, width = probs.shape
    weights = np.full(n_contexts, 1.0 / n_contexts)
    if n_contexts == 1:
        return weights
    followers = (np.arange(n_contexts)[:, None] * width + np.arange(width)) % n_contexts
    for _ in range(1000):
        step = np.bincount(
            followers.ravel(), (weights[:, None] * probs).ravel(), minlength=n_contexts
        )
        blended = 0.5 * (weights + step)
        if abs(blended - weights).max() < 1e-13:
            break
        weights = blended
    return weights / weights.sum()


def _codes(seqs: Letters, alphabet: BaseAlphabet) -> NDArray[np.uint8]:
    letters = view_letters(seqs, "a Markov model")
    flat = np.ascontiguousarray(letters).reshape(-1)
    codes = np.empty(flat.size, np.uint8)
    _kernels.gather(flat, alphabet.lookup, codes)
    n_rows = int(np.prod(letters.shape[:-1], dtype=np.int64))
    return codes.reshape(n_rows, letters.shape[-1])
