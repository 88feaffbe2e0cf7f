"""Sequences as letter codes, and the single edits that change them.

A tape is a sequence of L bases with what follows it on the right: the flank that deletions draw
in, and the bases that insertions pushed out. The window is its first L bases, which a model sees.
An edit is numbered as a move: with A letters (4 of DNA) first the A L substitutions, then the L
deletions, then the A L insertions, each by position and letter. The code of an unknown base is -1
(a column of zeros) or -2 (a column of 1/A); behind a sequence that has the latter only, unknown
bases are written so, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

import seqpro as sp
from seqexplainer.errors import SeqexplainerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

NONE, SUBSTITUTION, DELETION, INSERTION = -1, 0, 1, 2
KINDS = np.array(["substitution", "deletion", "insertion", ""])


class Edit(NamedTuple):
    """One edit: its kind, its position (bp, 0-based), the letter codes before and after.

    A deletion has no letter after it and an insertion none before it (-1).
    """

    kind: int
    position: int
    ref: int
    alt: int


def to_codes(X: torch.Tensor) -> Codes:
    """Return codes (N, L) of one-hot sequences (N, A, L); -1 and -2 for unknown bases."""
    letters = (X == 1).cpu().numpy()
    unknown = np.where((X == 0).all(dim=1).cpu().numpy(), -1, -2)
    return np.where(letters.any(axis=1), letters.argmax(axis=1), unknown)


def from_codes(codes: NDArray[np.integer], n_letters: int = 4) -> torch.Tensor:
    """Return one-hot sequences (N, A, L) from codes (N, L): uint8, or float32 with 1/A."""
    one_hot = (codes[:, None, :] == np.arange(n_letters)[:, None]).astype(np.uint8)
    alike = codes == -2
    if not alike.any():
        return torch.as_tensor(one_hot)
    return torch.as_tensor(np.where(alike[:, None], np.float32(1 / n_letters), one_hot))


def letters_of(codes: NDArray[np.integer], alphabet: str = "ACGT") -> NDArray[np.str_]:
    """Return the letters of codes, an empty text where there is none."""
    return np.where(codes >= 0, np.array([*alphabet])[codes], "")


def make_tapes(
    codes: Codes, flank: str | Sequence[str], room: int, alphabet: str = "ACGT"
) -> Codes:
    """Return sequences (N, L) with their right flank and ``room`` unknown bases behind it."""
    flanks = [flank] * len(codes) if isinstance(flank, str) else list(flank)
    if len(flanks) != len(codes):
        raise SeqexplainerError(f"{len(flanks)} flanks are given for {len(codes)} sequences")
    wild = sp.alphabet_of(alphabet).wild
    wrong = sorted(set("".join(flanks).upper()) - set(alphabet + wild))
    if wrong:
        msg = f"a flank holds {', '.join(wrong)}; expected {', '.join(alphabet)} or {wild}"
        raise SeqexplainerError(msg)
    width = max(map(len, flanks), default=0)
    unknown = np.where((codes == -2).any(axis=1) & ~(codes == -1).any(axis=1), -2, -1)
    after = np.repeat(unknown[:, None], width + room, axis=1)
    for row, text in enumerate(flanks):
        letters = np.array([alphabet.find(letter) for letter in text.upper()], dtype=np.int64)
        after[row, : len(text)] = np.where(letters < 0, unknown[row], letters)
    return np.concatenate([codes, after], axis=1)


def decode(moves: Codes, length: int, n_letters: int = 4) -> tuple[Codes, Codes, Codes]:
    """Return kind, position and new letter of moves; -1 each for a move of -1."""
    kind = np.select(
        [moves < 0, moves < n_letters * length, moves < (n_letters + 1) * length],
        [NONE, SUBSTITUTION, DELETION],
        INSERTION,
    )
    before = [n_letters * length, (n_letters + 1) * length]
    number = moves - np.select([kind == DELETION, kind == INSERTION], before, 0)
    position = np.where(kind == DELETION, number, number // n_letters)
    letter = np.where(kind == DELETION, -1, number % n_letters)
    return kind, np.where(kind == NONE, -1, position), np.where(kind == NONE, -1, letter)


def apply(tapes: Codes, kind: Codes, position: Codes, letter: Codes, fill: int = -1) -> Codes:
    """Return tapes (n, W) with one edit each; ``fill`` comes in at the end of a tape."""
    place = np.arange(tapes.shape[1])
    at = position[:, None]
    drawn = (kind == DELETION)[:, None] & (place >= at)
    pushed = (kind == INSERTION)[:, None] & (place > at)
    longer = np.concatenate([tapes, np.full((len(tapes), 1), fill, tapes.dtype)], axis=1)
    result: Codes = np.take_along_axis(longer, place + drawn - pushed, axis=1)
    rows = np.flatnonzero((kind == SUBSTITUTION) | (kind == INSERTION))
    result[rows, position[rows]] = letter[rows]
    return result


def undo(codes: Codes, kind: Codes, position: Codes, ref: Codes, end: Codes) -> Codes:
    """Take one edit of each window (n, L) back; ``end`` is the base it pushed out."""
    opposite = np.select([kind == DELETION, kind == INSERTION], [INSERTION, DELETION], kind)
    result = apply(codes, opposite, position, ref)
    rows = np.flatnonzero(kind == INSERTION)
    result[rows, -1] = end[rows]
    return result


def edit_table(codes: Codes, tapes: Codes) -> NDArray[np.int32]:
    """Return the fewest edits between prefixes of windows and of tapes, (n, L + 1, W + 1)."""
    n, length = codes.shape
    width = tapes.shape[1]
    column = np.arange(width + 1, dtype=np.int32)
    table = np.empty((n, length + 1, width + 1), dtype=np.int32)
    table[:, 0] = column
    for i in range(1, length + 1):
        before = table[:, i - 1]
        differs = tapes != codes[:, i - 1, None]
        best = before + 1
        np.minimum(best[:, 1:], before[:, :-1] + differs, out=best[:, 1:])
        table[:, i] = np.minimum.accumulate(best - column, axis=1) + column
    return table


def edit_distance(codes: Codes, tapes: Codes) -> NDArray[np.int64]:
    """Return the fewest edits that turn each tape (n, W) into a window (n, L), shape (n,).

    What stays of the tape behind the window counts nothing.
    """
    part = max(1, 20_000_000 // ((codes.shape[1] + 1) * (tapes.shape[1] + 1)))
    distances = [
        edit_table(codes[i : i + part], tapes[i : i + part])[:, -1].min(axis=1)
        for i in range(0, len(codes), part)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *distances])


def edit_script(codes: Codes, tape: Codes) -> list[Edit]:
    """Return fewest edits that turn a tape (W,) into a window (L,), from left to right.

    Positions are those of the tape before any edit; an insertion comes before its position.
    """
    table = edit_table(codes[None], tape[None])[0]
    i, j = len(codes), int(table[-1].argmin())
    edits: list[Edit] = []
    while i or j:
        here = table[i, j]
        changed = i > 0 and j > 0 and codes[i - 1] != tape[j - 1]
        if i > 0 and j > 0 and table[i - 1, j - 1] + changed == here:
            i, j = i - 1, j - 1
            if changed:
                edits.append(Edit(SUBSTITUTION, j, int(tape[j]), int(codes[i])))
        elif j > 0 and table[i, j - 1] + 1 == here:
            j -= 1
            edits.append(Edit(DELETION, j, int(tape[j]), -1))
        else:
            i -= 1
            edits.append(Edit(INSERTION, j, -1, int(codes[i])))
    return edits[::-1]
