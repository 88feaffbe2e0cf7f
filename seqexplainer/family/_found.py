"""Words that are found in sequences or covered up, and the best substitutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

import seqpro as sp
from seqexplainer.errors import InputError
from seqexplainer.family._changed import embed_pattern_seq, perturb_seq
from seqexplainer.family._sequences import decode_seq
from seqexplainer.predict import predict

Patterns = str | Sequence[str] | Mapping[str, str]
Hits = dict[int, list[str]]


def _named(patterns: Patterns, names: Sequence[str] | None) -> dict[str, str]:
    """Return patterns by their names."""
    if isinstance(patterns, Mapping):
        return dict(patterns)
    listed = [patterns] if isinstance(patterns, str) else list(patterns)
    labels = [f"pattern{i}" for i in range(len(listed))] if names is None else list(names)
    if len(labels) != len(listed):
        raise InputError(f"{len(labels)} names for {len(listed)} patterns: one each")
    return dict(zip(labels, listed, strict=True))


def find_patterns_seq(
    seq: str | NDArray[np.generic],
    patterns: Patterns,
    pattern_names: Sequence[str] | None = None,
    starting_pos: int = 0,
    check_rev_comp: bool = True,
) -> Hits:
    """Find words of a sequence, letter by letter.

    Parameters
    ----------
    seq : str or ndarray, shape (letters, length)
        The sequence.
    patterns : str, sequence of str, or mapping of names to str
        The words, of DNA.
    pattern_names : sequence of str, optional
        Their names; by default ``pattern0`` and so on.
    starting_pos : int
        Where to begin.
    check_rev_comp : bool
        Look for the reverse complements as well.

    Returns
    -------
    dict of int to list of str
        For each start that has any, longest first: name, ``F`` or ``R``, and the letters, three
        for each word. A palindrome is ``F``.

    Examples
    --------
    >>> find_patterns_seq("AAGATATC", {"gata": "GATA"})
    {2: ['gata', 'F', 'GATA'], 4: ['gata', 'R', 'TATC']}
    """
    text = seq if isinstance(seq, str) else decode_seq(np.asarray(seq))
    known: dict[str, tuple[str, str]] = {}
    named = _named(patterns, pattern_names)
    for name, word in named.items():
        known.setdefault(word, (name, "F"))
    for name, word in named.items() if check_rev_comp else ():
        other = sp.reverse_complement(word, sp.DNA).tobytes().decode()
        known.setdefault(other, (name, "R"))
    found: Hits = {}
    for word in sorted(known, key=len, reverse=True):
        start = text.find(word, starting_pos)
        while start >= 0:
            found.setdefault(start, []).extend((*known[word], word))
            start = text.find(word, start + 1)
    return dict(sorted(found.items()))


def find_patterns_seqs(
    seqs: Sequence[str] | NDArray[np.generic],
    patterns: Patterns,
    pattern_names: Sequence[str] | None = None,
    starting_pos: int = 0,
    check_rev_comp: bool = True,
) -> list[Hits]:
    """Return what `find_patterns_seq` finds in each of several sequences, (n, letters, length)."""
    how = (patterns, pattern_names, starting_pos, check_rev_comp)
    return [find_patterns_seq(seq, *how) for seq in seqs]


def occlude_patterns_seq(
    seq: NDArray[np.generic],
    patterns: Patterns,
    occlusion_pattern: str | NDArray[np.generic] | None = None,
    starting_pos: int = 0,
    check_rev_comp: bool = True,
    max_occluded: int | None = None,
    max_iters: int = 1000,
    *,
    seed: int | None = None,
) -> NDArray[np.generic]:
    """Cover up words of a sequence, until none is left.

    Parameters
    ----------
    seq : ndarray, shape (letters, length)
        One-hot sequence.
    patterns, starting_pos, check_rev_comp
        As of `find_patterns_seq`.
    occlusion_pattern : str or ndarray, shape (letters, width), optional
        What is written over each word; by default random letters, anew for each.
    max_occluded : int, optional
        Most words that are covered up; all by default.
    max_iters : int
        How often to look again for words that covering up has made.
    seed : int, optional
        Of the random letters; fresh entropy by default.

    Returns
    -------
    ndarray, shape (letters, length)
        SeqExplainer's gave None where there was nothing to cover up.

    Raises
    ------
    InputError
        If words are still there after ``max_iters`` rounds.

    Examples
    --------
    >>> seq = np.eye(4)[[0, 0, 2, 0, 3, 0, 3, 1]].T  # AAGATATC
    >>> find_patterns_seq(occlude_patterns_seq(seq, "GATA", seed=0), "GATA")
    {}
    """
    rng = np.random.default_rng(seed)
    covered, left = np.array(seq), max_occluded
    for _ in range(max_iters):
        hits = find_patterns_seq(covered, patterns, None, starting_pos, check_rev_comp)
        if not hits or left == 0:
            return covered
        for start, told in hits.items():
            if left == 0:
                break
            over = occlusion_pattern
            if over is None:
                over = "".join(rng.choice(list("ACGT"), len(told[2])))
            covered = np.asarray(embed_pattern_seq(covered, over, start))
            left = None if left is None else left - 1
    if left != 0 and find_patterns_seq(covered, patterns, None, starting_pos, check_rev_comp):
        raise InputError(
            f"patterns are still there after {max_iters} rounds: is one of them in the "
            "occlusion_pattern?"
        )
    return covered


def occlude_patterns_seqs(
    seqs: NDArray[np.generic],
    patterns: Patterns,
    occlusion_pattern: str | NDArray[np.generic] | None = None,
    starting_pos: int = 0,
    check_rev_comp: bool = True,
    max_occluded: int | None = None,
    max_iters: int = 1000,
    *,
    seed: int | None = None,
) -> NDArray[np.generic]:
    """Return what `occlude_patterns_seq` makes of each of several, (n, letters, length)."""
    root = sp.random.seed_from(seed)
    how = (occlusion_pattern, starting_pos, check_rev_comp, max_occluded, max_iters)
    return np.stack(
        [
            occlude_patterns_seq(seq, patterns, *how, seed=int(sp.random.counter_seed(root, row)))
            for row, seq in enumerate(seqs)
        ]
    )


def perturb_one(X_0: NDArray[np.generic], vocab_len: int = 4) -> NDArray[np.generic]:
    """Return every sequence one substitution away, (length * (letters - 1), letters, length).

    Parameters
    ----------
    X_0 : ndarray, shape (letters, length)
        One-hot sequence.
    vocab_len : int
        Number of letters, which the array says itself.

    Raises
    ------
    InputError
        If the array has another number of letters.
    """
    if np.shape(X_0)[-2] != vocab_len:
        raise InputError(f"vocab_len={vocab_len}, but the array has shape {np.shape(X_0)}")
    return perturb_seq(X_0)


def perturb_many(X_0: NDArray[np.generic], vocab_len: int = 4) -> NDArray[np.generic]:
    """Return what `perturb_one` makes of each of several sequences, (n, letters, length)."""
    return np.stack([np.asarray(perturb_one(seq, vocab_len)) for seq in np.asarray(X_0)])


def best_k_muts(
    model: torch.nn.Module, X: NDArray[np.generic], k: int = 1, device: str = "cpu"
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]:
    """Return the substitutions that raise the output of a network most.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (n, letters, length); several outputs are added up.
    X : ndarray, shape (letters, length) or (1, letters, length)
        One-hot sequence.
    k : int
        How many.
    device : str
        Where to compute.

    Returns
    -------
    sequences : ndarray of float32, shape (k, letters, length)
    deltas : ndarray of float64, shape (k,)
        Rise of the output. SeqExplainer's mixed them up where two of the best share a place.
    positions : ndarray of int64, shape (k,)

    Raises
    ------
    InputError
        If there are several sequences, or fewer substitutions than ``k``.
    """
    start = np.asarray(X, dtype=np.float32)
    if start.ndim == 3 and len(start) != 1:
        raise InputError(f"X holds {len(start)} sequences, not one: best_mut_seqs takes several")
    start = start[0] if start.ndim == 3 else start
    if not 0 < k <= (len(start) - 1) * start.shape[1]:
        raise InputError(f"k={k}: {(len(start) - 1) * start.shape[1]} substitutions are there")
    made = np.asarray(perturb_seq(start))
    scores = _sums(model, np.concatenate([start[None], made]), device)
    best = np.argsort(-scores[1:], kind="stable")[:k]
    return made[best], scores[1:][best] - scores[0], best // (len(start) - 1)


def best_mut_seqs(
    model: torch.nn.Module, X: NDArray[np.generic], batch_size: int = 128, device: str = "cpu"
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]:
    """Return the best substitution of each of several sequences; SeqExplainer's never worked.

    Parameters
    ----------
    model, device
        As of `best_k_muts`.
    X : ndarray, shape (n, letters, length)
        One-hot sequences.
    batch_size : int
        Unused: the substitutions of a sequence are computed together.

    Returns
    -------
    tuple of ndarray
        Sequences (n, letters, length), deltas (n,) and positions (n,).
    """
    found = [best_k_muts(model, seq, 1, device) for seq in np.asarray(X)]
    sequences, deltas, positions = (np.concatenate(part) for part in zip(*found, strict=True))
    return sequences, deltas, positions


def _sums(model: torch.nn.Module, X: NDArray[np.float32], device: str) -> NDArray[np.float64]:
    outputs = np.asarray(predict(model, X, device=device), dtype=np.float64)
    sums: NDArray[np.float64] = outputs.reshape(len(outputs), -1).sum(1)
    return sums
