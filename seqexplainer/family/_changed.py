"""Sequences with something changed in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seqexplainer.design import evolve
from seqexplainer.errors import InputError
from seqexplainer.family._sequences import decode_seq, ohe_seq

Pattern = str | NDArray[np.generic]
One = str | NDArray[np.generic]


def perturb_seq(seq: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return every sequence one substitution away.

    Parameters
    ----------
    seq : ndarray or Tensor, shape (letters, length)
        One-hot sequence.

    Returns
    -------
    ndarray or Tensor, shape (length * (letters - 1), letters, length)
        Position after position; the letters of each in the order of the alphabet from its own.

    Examples
    --------
    >>> perturb_seq(np.eye(4)).shape
    (12, 4, 4)
    """
    array = np.asarray(seq)
    n_letters, length = array.shape
    changed = np.repeat(array[None], length * (n_letters - 1), axis=0)
    rows = np.arange(len(changed))
    place = rows // (n_letters - 1)
    letter = (array.argmax(0)[place] + rows % (n_letters - 1) + 1) % n_letters
    changed[rows, :, place] = 0
    changed[rows, letter, place] = 1
    return torch.from_numpy(changed) if isinstance(seq, torch.Tensor) else changed


def perturb_seqs(seqs: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return what `perturb_seq` does of each sequence, (n, length * (letters - 1), ...)."""
    made = np.stack([np.asarray(perturb_seq(seq)) for seq in np.asarray(seqs)])
    return torch.from_numpy(made) if isinstance(seqs, torch.Tensor) else made


def _letters(pattern: Pattern, vocab: str) -> str:
    """Return a pattern as letters, also of a one-hot array, (4, width) or (width, 4)."""
    if isinstance(pattern, str):
        return pattern
    array = np.asarray(pattern)
    return decode_seq(array if array.shape[0] == 4 else array.T, vocab)


def embed_pattern_seq(
    seq: One,
    pattern: Pattern,
    position: int,
    ohe: bool = True,
    pattern_encoding: str = "str",
    vocab: str = "DNA",
) -> One:
    """Put a pattern into a sequence, over the letters that were there.

    Parameters
    ----------
    seq : ndarray, shape (letters, length), or str
        The sequence.
    pattern : str or ndarray, shape (letters, width)
        The pattern.
    position : int
        0-based start.
    ohe : bool
        Whether ``seq`` is one-hot.
    pattern_encoding : {"str", "ohe"}
        Whether the pattern is letters or one-hot.
    vocab : str
        DNA or RNA.

    Returns
    -------
    ndarray or str
        As ``seq`` is, of its length.

    Raises
    ------
    InputError
        If the pattern does not fit there; SeqExplainer's grew longer.

    Examples
    --------
    >>> embed_pattern_seq("AAAAA", "CG", 1, ohe=False)
    'ACGAA'
    """
    pattern = _letters(pattern, vocab)
    length = len(seq) if isinstance(seq, str) else np.asarray(seq).shape[1]
    if not 0 <= position <= length - len(pattern):
        raise InputError(f"{pattern!r} at {position} does not fit into {length} bp")
    end = position + len(pattern)
    if isinstance(seq, str):
        return seq[:position] + pattern + seq[end:]
    changed = np.array(seq)
    changed[:, position:end] = ohe_seq(pattern, vocab)
    return changed


def embed_patterns_seq(
    seq: One,
    patterns: Sequence[Pattern],
    positions: Sequence[int],
    ohe: bool = True,
    pattern_encoding: str = "str",
    vocab: str = "DNA",
) -> One:
    """Put patterns into a sequence, (letters, length) or letters, one at each position.

    Raises
    ------
    InputError
        If there are more patterns than positions, or fewer.
    """
    if len(patterns) != len(positions):
        raise InputError(f"{len(patterns)} patterns for {len(positions)} positions: one each")
    for pattern, position in zip(patterns, positions, strict=True):
        if position >= 0:
            seq = embed_pattern_seq(seq, pattern, position, ohe, pattern_encoding, vocab)
    return seq


def embed_pattern_seqs(
    seqs: Sequence[str] | NDArray[np.generic],
    pattern: Pattern,
    positions: int | Sequence[int] | Sequence[Sequence[int]],
    ohe: bool = True,
    pattern_encoding: str = "str",
    vocab: str = "DNA",
) -> NDArray[np.generic]:
    """Put a pattern into each of several sequences.

    Parameters
    ----------
    seqs : ndarray, shape (n, letters, length), or sequence of str
        The sequences.
    pattern : str or ndarray, shape (letters, width)
        The pattern.
    positions : int or sequence
        One start for all, one for each, or some for each; negative ones are left out.
    ohe, pattern_encoding, vocab
        As in `embed_pattern_seq`.

    Returns
    -------
    ndarray, shape (n, letters, length) or (n,)

    Raises
    ------
    InputError
        If there is not one position, or list of them, for each.
    """
    if isinstance(positions, (int, np.integer)):
        listed: list[int | Sequence[int]] = [int(positions)] * len(seqs)
    else:
        listed = list(positions)
    if len(listed) == 1:
        listed *= len(seqs)
    if len(listed) != len(seqs):
        raise InputError(f"{len(listed)} positions for {len(seqs)} sequences: one each")
    made = []
    for seq, place in zip(seqs, listed, strict=True):
        places = [int(p) for p in np.atleast_1d(np.asarray(place))]
        patterns = [pattern] * len(places)
        made.append(embed_patterns_seq(seq, patterns, places, ohe, pattern_encoding, vocab))
    return np.array(made)


def embed_patterns_seqs(
    seqs: Sequence[str] | NDArray[np.generic],
    patterns: Sequence[Pattern] | Sequence[Sequence[Pattern]],
    positions: Sequence[int] | Sequence[Sequence[int]],
    ohe: bool = True,
    pattern_encoding: str = "str",
    vocab: str = "DNA",
) -> NDArray[np.generic]:
    """Put patterns into each of several sequences, (n, letters, length) or strings.

    Patterns and positions are the same for all, or lists of them, one for each.

    Raises
    ------
    InputError
        If the numbers do not fit.
    """
    words: list[object] = list(patterns)
    places: list[object] = list(positions)
    if np.ndim(positions[0]) == 0:
        words, places = [patterns] * len(seqs), [positions] * len(seqs)
    if not len(seqs) == len(words) == len(places):
        raise InputError(f"a list of patterns and one of positions for each of {len(seqs)}")
    parts = zip(seqs, words, places, strict=True)
    made = [embed_patterns_seq(s, p, q, ohe, pattern_encoding, vocab) for s, p, q in parts]  # type: ignore[arg-type]
    return np.array(made)


def tile_pattern_seq(
    seq: One,
    pattern: Pattern,
    starting_pos: int = 0,
    step: int = 1,
    vocab: str = "DNA",
    ohe: bool = True,
    pattern_encoding: str = "str",
) -> NDArray[np.generic]:
    """Put a pattern at one position after another.

    Parameters
    ----------
    seq : ndarray, shape (letters, length), or str
        The sequence.
    pattern : str or ndarray, shape (letters, width)
        The pattern.
    starting_pos, step : int
        The first position and the distance between two.
    vocab, ohe, pattern_encoding
        As in `embed_pattern_seq`.

    Returns
    -------
    ndarray, shape (positions, letters, length) or (positions,)

    Examples
    --------
    >>> tile_pattern_seq("AAAA", "CG", ohe=False).tolist()
    ['CGAA', 'ACGA', 'AACG']
    """
    length = len(seq) if isinstance(seq, str) else np.asarray(seq).shape[1]
    width = len(_letters(pattern, vocab))
    places = range(starting_pos, length - width + 1, step)
    return np.array(
        [embed_pattern_seq(seq, pattern, p, ohe, pattern_encoding, vocab) for p in places]
    )


def tile_pattern_seqs(
    seqs: Sequence[str] | NDArray[np.generic],
    pattern: Pattern,
    starting_pos: int = 0,
    step: int = 1,
    vocab: str = "DNA",
    ohe: bool = True,
    pattern_encoding: str = "str",
) -> NDArray[np.generic]:
    """Return what `tile_pattern_seq` does of each, shape (n, positions, letters, length)."""
    how = (pattern, starting_pos, step, vocab, ohe, pattern_encoding)
    return np.array([tile_pattern_seq(seq, *how) for seq in seqs])


def evolution(
    model: torch.nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    rounds: int = 10,
    k: int = 10,
    force_different: bool = True,
    device: str = "cpu",
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]:
    """Raise the output of a network for one sequence by a substitution a round.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (n, letters, length); several outputs are added up.
    X : ndarray or Tensor, shape (letters, length)
        One-hot sequence.
    rounds : int
        Substitutions.
    k : int
        Unused: all substitutions are compared.
    force_different : bool
        Whether a position is changed once at most.
    device : str
        Where to compute.

    Returns
    -------
    sequence : ndarray of float32, shape (letters, length)
    deltas : ndarray of float64, shape (rounds,)
        Rise of the output in each round.
    positions : ndarray of int64, shape (rounds,)
    """
    start = torch.as_tensor(np.asarray(X)).float()[None]
    found = evolve(
        model, start, rounds=rounds, target=_summed, allow_repeats=not force_different,
        allow_worse=True, device=device,
    )  # fmt: skip
    end = np.asarray(found.sequences)[0].astype(np.float32)
    return end, np.diff(found.scores[0]), found.positions[0]


def _summed(output: torch.Tensor) -> torch.Tensor:
    return output.reshape(len(output), -1).sum(1)
