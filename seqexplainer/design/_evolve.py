"""In-silico evolution: one edit per round, chosen among all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import torch

from seqexplainer._inputs import check_whole
from seqexplainer.design._edits import KINDS, apply, decode, from_codes, letters_of, to_codes, undo
from seqexplainer.design._objective import AIMS, Aims, prepare
from seqexplainer.design._pool import Pool
from seqexplainer.design._task import Found, Task
from seqexplainer.errors import SeqexplainerError
from seqpro.keywords import keywords

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn


_SHIFTS_AT_A_TIME = 8192


class Evolution(NamedTuple):
    """Evolved sequences and every edit that made them.

    Attributes
    ----------
    sequences : Tensor of uint8, shape (N, A, L)
        Sequences after the last round; float32 where there are columns of 1/A.
    scores : ndarray of float64, shape (N, rounds + 1)
        Score of the original and after each round.
    positions : ndarray of int64, shape (N, rounds)
        Position (bp, 0-based) of each round's edit in the sequence of that round; an insertion
        comes before it. -1 where no edit was made.
    refs, alts : ndarray of int8, shape (N, rounds)
        Letter codes (of DNA A 0, C 1, G 2, T 3) before and after; -1 where there is no letter:
        no edit, before an insertion, after a deletion.
    kinds : ndarray of int8, shape (N, rounds)
        0 substitution, 1 deletion, 2 insertion, -1 no edit.
    ends : ndarray of int8, shape (N, rounds)
        The last base, which an insertion pushed out of the sequence; -1 elsewhere.
    alphabet : str
        Letters of the codes, in their order.
    """

    sequences: torch.Tensor
    scores: NDArray[np.float64]
    positions: NDArray[np.int64]
    refs: NDArray[np.int8]
    alts: NDArray[np.int8]
    kinds: NDArray[np.int8]
    ends: NDArray[np.int8]
    alphabet: str = "ACGT"

    def at(self, round_: int) -> torch.Tensor:
        """Return the sequences as they were after a round; 0 gives the originals.

        Parameters
        ----------
        round_ : int
            Number of rounds, from 0 to ``positions.shape[1]``.

        Returns
        -------
        Tensor of uint8, shape (N, A, L)
            Sequences.

        Raises
        ------
        SeqexplainerError
            If there was no such round.
        """
        rounds = self.positions.shape[1]
        if not 0 <= round_ <= rounds:
            raise SeqexplainerError(f"round {round_} does not exist; rounds run from 0 to {rounds}")
        codes = to_codes(self.sequences)
        for r in range(rounds - 1, round_ - 1, -1):
            edit = (self.kinds, self.positions, self.refs, self.ends)
            codes = undo(codes, *(part[:, r].astype(np.int64) for part in edit))
        return from_codes(codes, len(self.alphabet))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sequence and round; round 0 is the original, without an edit.

        Returns
        -------
        pandas.DataFrame
            Columns ``sequence``, ``round``, ``position`` (-1: no edit), ``ref``, ``alt`` (empty:
            no letter), ``score`` and ``kind`` (empty: no edit).
        """
        import pandas as pd

        n, rounds = self.positions.shape
        none = np.full((n, 1), -1)
        kind, position, ref, alt = (
            np.concatenate([none, part], axis=1).ravel()
            for part in (self.kinds, self.positions, self.refs, self.alts)
        )
        return pd.DataFrame(
            {
                "sequence": np.repeat(np.arange(n), rounds + 1),
                "round": np.tile(np.arange(rounds + 1), n),
                "position": position,
                "ref": letters_of(ref, self.alphabet),
                "alt": letters_of(alt, self.alphabet),
                "score": self.scores.ravel(),
                "kind": KINDS[kind],
            }
        )


@keywords(AIMS)
def evolve(
    model: nn.Module | Sequence[nn.Module],
    X: NDArray[np.generic] | torch.Tensor,
    *,
    rounds: int = 10,
    beam: int = 1,
    allow_repeats: bool = False,
    allow_worse: bool = False,
    engine: str = "auto",
    **aims: Unpack[Aims],
) -> Evolution:
    """Evolve sequences greedily towards a better score.

    Every round scores all single edits of all sequences and makes the best allowed one. All
    sequences advance together. Edits are substitutions and, if asked for, insertions and deletions
    of one base. Of edits whose results agree to six digits the first is made: substitutions before
    deletions before insertions, by position, then by letter.

    Sequences keep their length: the left end stays, an insertion pushes the last base out to the
    right, and a deletion draws the next base in from there, which is the base last pushed out, or
    the next of the flank, or an unknown base once the flank is used up.

    Parameters
    ----------
    model : torch.nn.Module or sequence of such
        A model of one-hot sequences (N, A, L), or several that are judged together.
    X : ndarray or Tensor, shape (N, A, L)
        Sequences to start from. Unknown bases (columns of zeros or of 1/A) are never edited and
        stay as they are.
    rounds : int, optional
        Number of edits.
    target : int, tuple, str, callable or mapping, optional
        Which number of the output is the score; a callable ``f(output) -> (N,)`` can combine
        several outputs, and a mapping from targets to weights adds them up.
    beam : int, optional
        Number of different sequences kept per start between rounds; 1 is greedy. The best of
        the beam is returned.
    maximize : bool, optional
        Raise the score, or lower it.
    goal : float, optional
        Bring the score as close to this value as possible instead.
    objectives : sequence of Objective or mapping, optional
        Several objectives, instead of ``target``, ``maximize`` and ``goal``; the score is the sum
        of their gains by weight, where a gain is the number, its negative, or its negative distance
        from the goal.
    caution : float, optional
        With several models: standard deviations of the models that their mean is worsened by.
    constraints : Constraints or mapping, optional
        Limits that every edit respects.
    insertions, deletions : bool, optional
        Whether bases may be inserted and deleted.
    flank : str or sequence of str with length N, optional
        Letters (for DNA A, C, G, T, N) that follow each sequence on its right, for deletions to
        draw in.
    allow_repeats : bool, optional
        Whether a base may be edited more than once.
    allow_worse : bool, optional
        Make the best edit even where none is an improvement; otherwise the sequence stays as it
        is from then on.
    engine : {"auto", "window", "plain"}, optional
        How substitutions are scored, as in `seqexplainer.saturation_mutagenesis`: from what each
        can reach, or from whole sequences. Insertions and deletions take whole sequences.
    alphabet : BaseAlphabet or str, optional
        Letters of the columns; by default those that ``X`` says, else DNA (21 columns: amino
        acids).
    batch_size, device, dtype, args, progress
        As in `seqexplainer.predict`; an edited sequence keeps the extra inputs of its start.

    Returns
    -------
    Evolution
        Sequences, scores per round and the trace of edits.

    Raises
    ------
    SeqexplainerError
        If a number is out of range or the target does not exist.

    References
    ----------
    Jores et al. 2021, doi:10.1038/s41477-021-00932-y

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 1))
    >>> _ = model[1].weight.data.copy_(torch.arange(16.0)[None])
    >>> X = np.eye(4, dtype=np.uint8)[np.zeros((1, 4), int)].swapaxes(1, 2)
    >>> evolve(model, X, rounds=2).to_frame()[["position", "ref", "alt"]].values.tolist()
    [[-1, '', ''], [0, 'A', 'T'], [1, 'A', 'T']]
    """
    check_whole(rounds=rounds, beam=beam)
    task = prepare(model, X, aims, rounds=rounds)
    pool = _grow(task, beam, allow_repeats, allow_worse, engine)
    refs, alts, kinds, ends = (
        part.astype(np.int8) for part in (pool.refs, pool.alts, pool.kinds, pool.ends)
    )
    evolved = from_codes(pool.codes, task.n_letters)
    return Evolution(evolved, pool.scores, pool.positions, refs, alts, kinds, ends, task.alphabet)


def climb(task: Task, beam: int) -> Found:
    """Evolve as a method of `design`."""
    pool = _grow(task, beam)
    found = Found(task, np.full(len(task.tapes), -np.inf), pool.scores[:, 0])
    tapes = task.tapes
    for r in range(task.rounds):
        kind, position, letter = (p[:, r] for p in (pool.kinds, pool.positions, pool.alts))
        tapes = apply(tapes, kind, position, letter)
        rows = np.flatnonzero(kind >= 0)
        merit = np.full(len(rows), float(r))
        found.update(r + 1, tapes[rows], merit, pool.scores[rows, r + 1], rows)
    return found


def _grow(
    task: Task,
    beam: int,
    allow_repeats: bool = False,
    allow_worse: bool = False,
    engine: str = "auto",
) -> Pool:
    """Return the best sequence of each start after all rounds, with its trace."""
    scorer, limits, original = task.scorer, task.limits, task.original
    reached, shown = scorer.judge(original)
    pool = Pool(task.tapes, task.length, task.rounds, reached, shown, task.n_letters)
    for r in task.steps():
        free = np.ones(pool.codes.shape, dtype=bool) if allow_repeats else pool.untouched()
        made = task.edits(pool.codes, task.tapes[pool.owner])
        values = scorer.values(pool.codes, pool.owner)
        changes = scorer.substitutions(pool.codes, engine, pool.owner)
        merit = scorer.merit(values[:, None, None] + changes)
        allowed = limits.allowed(pool.codes, original[pool.owner], made, task.n_letters)
        allowed &= free[:, :, None]
        value = np.where(allowed, merit.numpy(), -np.inf).reshape(len(allowed), -1)
        if task.shifting:
            value = np.concatenate([value, _shifts(task, pool, free, made)], axis=1)
        if not allow_worse:
            value[value <= pool.merit[:, None]] = -np.inf
        moved = pool.advance(_to_grid(value), beam, r)
        if moved.any():
            pool.merit[moved], score = scorer.judge(pool.codes[moved], pool.owner[moved])
            pool.scores[moved, r + 1 :] = score[:, None]
    pool.take(pool.best())
    return pool


def _shifts(
    task: Task, pool: Pool, free: NDArray[np.bool_], made: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """Return the merit of deletions and insertions (n, (A + 1) L), -inf where not allowed."""
    n, length = free.shape
    letters = task.n_letters
    limits = task.limits
    known = pool.codes >= 0
    allowed = np.zeros((n, letters + 1, length), dtype=bool)
    allowed[:, 0] = free & known & task.deletions
    allowed[:, 1:] = (known & task.insertions)[:, None]
    allowed[:, :, : limits.shifts_from] = False
    if made is not None and limits.max_edits is not None:
        allowed[made >= limits.max_edits] = False
    inserted = allowed[:, 1:].swapaxes(1, 2).reshape(n, letters * length)
    rows, shifts = np.nonzero(np.concatenate([allowed[:, 0], inserted], axis=1))
    value = np.full((n, (letters + 1) * length), -np.inf)
    for begin in range(0, len(rows), _SHIFTS_AT_A_TIME):
        row = rows[begin : begin + _SHIFTS_AT_A_TIME]
        shift = shifts[begin : begin + _SHIFTS_AT_A_TIME]
        moves = decode(shift + letters * length, length, letters)
        codes = apply(pool.tapes[row], *moves)[:, :length]
        good = limits.satisfied(codes, pool.codes[row], np.zeros(len(row), dtype=np.int64))
        if good.any():
            value[row[good], shift[good]] = task.scorer.judge(codes[good], pool.owner[row[good]])[0]
    return value


def _to_grid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to about six digits of the largest value of a row, so that rounding errors tie."""
    finite = np.where(np.isfinite(value), np.abs(value), 0.0)
    scale = finite.max(axis=1, keepdims=True)
    grid = np.exp2(np.ceil(np.log2(np.maximum(scale, 1e-30) * 1e-6)))
    rounded: NDArray[np.float64] = np.round(value / grid) * grid
    return rounded
