"""Edits of one-hot sequences: substitute, insert, delete, randomise, find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

import seqpro as sp
from seqexplainer._inputs import as_seed, check_one_hot, keep_unknown, letters_for
from seqexplainer.errors import SeqexplainerError
from seqpro.alphabets import IUPAC
from seqpro.random import uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from seqpro.motifs import Motif

_IUPAC = {**IUPAC, "U": "T"}


def pattern(
    motif: str | Motif | NDArray[np.generic] | torch.Tensor,
    orientation: str = "+",
    alphabet: str = "ACGT",
) -> torch.Tensor:
    """Return a motif as the one-hot pattern that edits write.

    Parameters
    ----------
    motif : str, seqpro.motifs.Motif, ndarray or Tensor
        Letters of the alphabet (U and T are one letter of DNA and RNA), where N (X for amino
        acids) leaves the base as it is; a Motif, whose most frequent letters are taken; or a
        one-hot array (A, w), where a column of zeros leaves the base.
    orientation : {"+", "-"}, optional
        ``"-"`` reverse-complements the pattern.
    alphabet : str, optional
        Letters of the sequences.

    Returns
    -------
    Tensor of uint8, shape (A, w)
        The pattern.

    Raises
    ------
    SeqexplainerError
        If the motif is empty or ambiguous.

    Examples
    --------
    >>> pattern("GNA", "-").argmax(0).tolist(), pattern("GNA").sum(0).tolist()
    ([3, 0, 1], [1, 0, 1])
    """
    if orientation not in {"+", "-"}:
        raise SeqexplainerError(f"orientation is {orientation!r}; choose '+' or '-'")
    if orientation == "-" and len(alphabet) != 4:
        raise SeqexplainerError("only DNA and RNA have another strand: orientation is '+'")
    if isinstance(motif, str):
        matrix = _from_letters(motif, alphabet)
    elif isinstance(motif, np.ndarray | torch.Tensor):
        matrix = np.asarray(motif)
        one_hot = (
            matrix.ndim == 2 and len(matrix) == len(alphabet) and np.isin(matrix, (0, 1)).all()
        )
        if not one_hot or (matrix.sum(axis=0) > 1).any():
            raise SeqexplainerError(
                f"the motif is an array of shape {matrix.shape} that is not one-hot "
                f"({len(alphabet)}, w); "
                "give letters, a seqpro.motifs.Motif or a one-hot array"
            )
    elif not hasattr(motif, "ppm"):
        raise SeqexplainerError(
            f"the motif is {motif!r}, of type {type(motif).__name__}; give letters, a "
            "seqpro.motifs.Motif or a one-hot array (4, w)"
        )
    else:
        probabilities = np.asarray(motif.ppm())
        matrix = np.eye(len(probabilities), dtype=np.uint8)[probabilities.argmax(axis=0)].T
        if len(matrix) != len(alphabet):
            raise SeqexplainerError(
                f"motif {motif.name!r} is over {motif.alphabet.alphabet!r}, the sequences are over "
                f"{alphabet!r}"
            )
    if not matrix.shape[1]:
        raise SeqexplainerError("the motif is empty")
    result = torch.as_tensor(np.ascontiguousarray(matrix, dtype=np.uint8))
    return result.flip((0, 1)) if orientation == "-" else result


def _from_letters(letters: str, alphabet: str) -> NDArray[np.uint8]:
    """Turn letters of the alphabet, and the one that stands for any, into columns."""
    upper, wild = letters.upper(), sp.alphabet_of(alphabet).wild
    if len(alphabet) == 4:
        upper = upper.replace("T", "U") if "U" in alphabet else upper.replace("U", "T")
    wrong = sorted(set(upper) - set(alphabet + wild))
    if wrong:
        shown = f"{', '.join(alphabet[:-1])} or {alphabet[-1]}"
        raise SeqexplainerError(
            f"motif {letters!r} holds {', '.join(wrong)}; an edit writes {shown}, and {wild} "
            "leaves the base as it is (give a seqpro.motifs.Motif to write its consensus)"
        )
    codes = np.array([alphabet.find(letter) for letter in upper], dtype=np.int64)
    columns: NDArray[np.uint8] = (np.arange(len(alphabet))[:, None] == codes).astype(np.uint8)
    return columns


def check_position(position: int, width: int, length: int, what: str = "motif") -> None:
    """Raise unless a pattern of ``width`` bp at ``position`` lies inside ``length`` bp."""
    if not 0 <= position <= length - width:
        room = (
            f"positions run from 0 to {length - width}"
            if width <= length
            else "it is longer than the sequences"
        )
        article = "an" if what[0] in "aeiou" else "a"
        raise SeqexplainerError(
            f"{article} {what} of {width} bp at position {position} does not fit into {length} bp; "
            f"{room}"
        )


def write(X: torch.Tensor, motif: torch.Tensor, position: int) -> None:
    """Write a pattern into all rows of a tensor (N, 4, L), in place."""
    width = motif.shape[1]
    window = X[:, :, position : position + width]
    keep = (motif.sum(dim=0) == 0).to(X)
    window.mul_(keep).add_(motif.to(X))


def substitute(
    X: NDArray[np.generic] | torch.Tensor,
    motif: str | Motif | NDArray[np.generic] | torch.Tensor,
    *,
    position: int | Sequence[int] | NDArray[np.int64] | None = None,
    orientation: Literal["+", "-"] = "+",
    sample: bool = False,
    seed: int | None = 0,
) -> torch.Tensor:
    """Write a motif over the bases of every sequence.

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, 4, L)
        One-hot sequences; not changed.
    motif : str, Motif or one-hot array (4, w)
        What to write; N and columns of zeros leave the base.
    position : int or sequence of int with shape (N,), optional
        First base (bp, 0-based); by default the motif stands in the middle.
    orientation : {"+", "-"}, optional
        Strand.
    sample : bool, optional
        Draw the letters of a Motif from its probabilities for every sequence, instead of writing
        the most frequent ones.
    seed : int, optional
        Of the draws; what is written into row i depends on the seed and i only.

    Returns
    -------
    Tensor, shape (N, 4, L)
        The edited sequences, dtype of X.

    Raises
    ------
    SeqexplainerError
        If the motif does not fit, or letters are to be drawn from what is no Motif.

    Examples
    --------
    >>> X = np.eye(4, dtype=np.uint8)[[[0, 0, 0, 0, 0]]].swapaxes(1, 2)
    >>> substitute(X, "CG", position=2).argmax(1).tolist()
    [[0, 0, 1, 2, 0]]
    """
    result = check_one_hot(X).clone()
    what = pattern(motif, orientation, letters_for(X))
    width, length = what.shape[1], result.shape[2]
    drawn = _draw_sites(motif, orientation, len(result), seed) if sample else None
    at = np.asarray((length - width) // 2 if position is None else position, dtype=np.int64)
    if at.ndim == 0:
        check_position(int(at), width, length)
        if drawn is not None:
            result[:, :, int(at) : int(at) + width] = drawn.to(result)
            return result
        write(result, what, int(at))
        return result
    if at.shape != (len(result),):
        msg = f"position has shape {at.shape}; expected one number or ({len(result)},)"
        raise SeqexplainerError(msg)
    for row, start in enumerate(at.tolist()):
        check_position(start, width, length)
        write(result[row : row + 1], what if drawn is None else drawn[row], start)
    return result


def _draw_sites(motif: object, orientation: str, n: int, seed: int | None) -> torch.Tensor:
    """Draw n sites (n, 4, w) from the letter probabilities of a Motif."""
    if not hasattr(motif, "ppm"):
        msg = f"sample=True needs a seqpro.motifs.Motif, which has probabilities; got {motif!r}"
        raise SeqexplainerError(msg)
    probabilities = np.asarray(motif.ppm(), dtype=np.float64)
    sites = torch.as_tensor(random_one_hot(n, probabilities.shape[1], seed, probabilities))
    return sites.flip((1, 2)) if orientation == "-" else sites


def insert(
    X: NDArray[np.generic] | torch.Tensor,
    motif: str | Motif | NDArray[np.generic] | torch.Tensor,
    *,
    position: int,
    orientation: Literal["+", "-"] = "+",
    trim: Literal["right", "left", "both", "none"] = "right",
) -> torch.Tensor:
    """Insert a motif between two bases of every sequence.

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, 4, L)
        One-hot sequences; not changed.
    motif : str, Motif or one-hot array (4, w)
        What to insert; it must not hold N.
    position : int
        The motif comes before this base (bp, 0 to L).
    orientation : {"+", "-"}, optional
        Strand.
    trim : {"right", "left", "both", "none"}, optional
        Where to cut the bases that no longer fit into L; ``"none"`` returns L + w bases.

    Returns
    -------
    Tensor, shape (N, 4, L) or (N, 4, L + w)
        The edited sequences, dtype of X.

    Raises
    ------
    SeqexplainerError
        If the position lies outside the sequence or the motif holds N.

    Examples
    --------
    >>> X = np.eye(4, dtype=np.uint8)[[[0, 1, 2, 3]]].swapaxes(1, 2)
    >>> insert(X, "TT", position=1).argmax(1).tolist()
    [[0, 3, 3, 1]]
    """
    sequences = check_one_hot(X)
    n, _, length = sequences.shape
    what = pattern(motif, orientation, letters_for(X)).to(sequences)
    if not 0 <= position <= length:
        raise SeqexplainerError(
            f"position is {position}; an insertion into {length} bp goes before base 0 to {length}"
        )
    if (what.sum(dim=0) == 0).any():
        msg = "the motif to insert holds N, but there is no base to leave as it is"
        raise SeqexplainerError(msg)
    middle = what.expand(n, -1, -1)
    longer = torch.cat([sequences[:, :, :position], middle, sequences[:, :, position:]], dim=2)
    width = what.shape[1]
    cuts = {"right": 0, "left": width, "both": width // 2}
    if trim == "none":
        return longer
    if trim not in cuts:
        raise SeqexplainerError(f"trim is {trim!r}; choose 'right', 'left', 'both' or 'none'")
    return longer[:, :, cuts[trim] : cuts[trim] + length].contiguous()


def randomise(
    X: NDArray[np.generic] | torch.Tensor,
    start: int,
    end: int,
    *,
    method: Literal["shuffle", "dinuc_shuffle", "random", "zero", "uniform"] = "shuffle",
    n: int = 1,
    seed: int | None = 0,
) -> torch.Tensor:
    """Take the information out of a span of every sequence.

    Unknown letters (columns of zeros or of 1/4) have none and stay as they are.

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, 4, L)
        One-hot sequences; not changed.
    start, end : int
        The span (bp, 0-based half-open).
    method : {"shuffle", "dinuc_shuffle", "random", "zero", "uniform"}, optional
        Shuffle the span's own bases (freely, or keeping its dinucleotides), draw uniform random
        bases, or set the columns to 0 or to 1/4.
    n : int, optional
        Draws per sequence.
    seed : int, optional
        A draw depends on the seed, the row and its number only.

    Returns
    -------
    Tensor, shape (N, n, 4, L)
        Edited copies, dtype of X (float32 for ``uniform`` of integers).

    Raises
    ------
    SeqexplainerError
        If the span is empty or outside the sequence.

    Examples
    --------
    >>> X = np.eye(4, dtype=np.uint8)[[[0, 1, 2, 3]]].swapaxes(1, 2)
    >>> randomise(X, 1, 3, method="zero").sum(dim=2).tolist()
    [[[1, 0, 0, 1]]]
    """
    sequences = check_one_hot(X)
    rows, n_letters, length = sequences.shape
    if not 0 <= start < end <= length:
        msg = f"the span [{start}, {end}) is empty or outside the {length}-bp sequences"
        raise SeqexplainerError(msg)
    if method == "uniform" and not sequences.is_floating_point():
        sequences = sequences.float()
    result = sequences[:, None].repeat(1, n, 1, 1)
    span = sequences[:, :, start:end]
    if method in {"zero", "uniform"}:
        filled = torch.full_like(span, 0 if method == "zero" else 1 / n_letters)
        result[..., start:end] = keep_unknown(filled[:, None], span)
        return result
    ids = np.arange(rows)[:, None] * n + np.arange(n)
    if method == "random":
        drawn = random_one_hot(
            rows * n, end - start, seed, np.full(n_letters, 1 / n_letters)
        ).reshape(rows, n, n_letters, -1)
    elif method in {"dinuc_shuffle", "shuffle"}:
        letters = (span == 1).cpu().numpy().astype(np.uint8)
        drawn = shuffle_one_hot(
            np.repeat(letters, n, axis=0), 2 if method == "dinuc_shuffle" else 1, seed, ids.ravel()
        ).reshape(rows, n, n_letters, -1)
    else:
        choices = "'shuffle', 'dinuc_shuffle', 'random', 'zero' or 'uniform'"
        raise SeqexplainerError(f"method is {method!r}; choose {choices}")
    result[..., start:end] = keep_unknown(torch.as_tensor(drawn).to(result), span)
    return result


def random_one_hot(
    n: int, length: int, seed: int | None, probabilities: NDArray[np.float64] | None = None
) -> NDArray[np.uint8]:
    """Draw one-hot sequences (n, A, length); row i depends on (seed, i) only.

    ``probabilities`` are those of the letters, (A,), (A, length) or (n, A, 1 or length).
    """
    draws = uniform(as_seed(seed), np.arange(n)[:, None], np.arange(length)[None, :])
    p = np.full(4, 0.25) if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    p = p[:, None] if p.ndim == 1 else p
    letters = np.arange(p.shape[-2])
    edges = np.cumsum(p, axis=-2)[..., :-1, :]
    edges = edges if edges.ndim == 3 else edges[None]
    codes = (draws[:, None, :] >= edges).sum(axis=1)
    drawn: NDArray[np.uint8] = (letters[:, None] == codes[:, None, :]).astype(np.uint8)
    return drawn


def shuffle_one_hot(
    X: NDArray[np.uint8], k: int, seed: int | None, row_ids: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Shuffle one-hot sequences (N, A, L), keeping their k-lets."""
    alphabet = sp.alphabet_of(letters_for(X))
    letters = sp.decode_ohe(X.swapaxes(1, 2), ohe_axis=-1, alphabet=alphabet)
    shuffled = sp.k_shuffle(
        letters,
        k,
        length_axis=-1,
        seed=as_seed(seed),
        alphabet=alphabet,
        row_ids=row_ids.astype(np.uint64),
    )
    return np.ascontiguousarray(sp.ohe(shuffled, alphabet).swapaxes(1, 2))


def find_pattern(
    X: NDArray[np.generic] | torch.Tensor, motif: str, *, both_strands: bool = False
) -> pd.DataFrame:
    """Find exact matches of a pattern with IUPAC letters.

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, 4, L)
        One-hot sequences; an unknown letter (a column of zeros or of 1/4) matches nothing.
    motif : str
        Pattern; R, Y, S, W, K, M, B, D, H, V and N stand for the letters they mean.
    both_strands : bool, optional
        Look for the reverse complement as well.

    Returns
    -------
    pandas.DataFrame
        Columns ``sequence``, ``start``, ``end`` (bp, 0-based half-open), ``strand``.

    Examples
    --------
    >>> X = np.eye(4, dtype=np.uint8)[[[2, 0, 3, 0, 2, 0, 3, 2]]].swapaxes(1, 2)
    >>> find_pattern(X, "GATR")[["sequence", "start"]].values.tolist()
    [[0, 0], [0, 4]]
    """
    import pandas as pd

    sequences = (check_one_hot(X) == 1).cpu().numpy()
    allowed = iupac_mask(motif)
    width = allowed.shape[1]
    strands = [("+", allowed)]
    if both_strands and not np.array_equal(allowed, allowed[::-1, ::-1]):
        strands.append(("-", allowed[::-1, ::-1]))
    found = []
    for strand, mask in strands:
        n_windows = sequences.shape[2] - width + 1
        hit = np.ones((len(sequences), max(n_windows, 0)), dtype=bool)
        for offset in range(width if n_windows > 0 else 0):
            part = sequences[:, :, offset : offset + n_windows]
            hit &= (part & mask[None, :, offset, None]).any(axis=1)
        sequence, start = np.nonzero(hit)
        found.append(
            pd.DataFrame(
                {"sequence": sequence, "start": start, "end": start + width, "strand": strand}
            )
        )
    table = pd.concat(found, ignore_index=True)
    return table.sort_values(["sequence", "start"], kind="stable", ignore_index=True)


def iupac_mask(motif: str) -> NDArray[np.bool_]:
    """Return which letters each position of an IUPAC pattern allows, (4, w)."""
    wrong = sorted(set(motif.upper()) - set(_IUPAC))
    if wrong or not motif:
        msg = f"pattern {motif!r} holds {', '.join(wrong) or 'nothing'}; expected IUPAC letters"
        raise SeqexplainerError(msg)
    return np.array(
        [[letter in _IUPAC[symbol] for symbol in motif.upper()] for letter in sp.DNA.alphabet],
        dtype=bool,
    )
