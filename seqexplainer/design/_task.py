"""What every search is given, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from seqexplainer.design._edits import (
    KINDS,
    SUBSTITUTION,
    Edit,
    edit_distance,
    edit_script,
    from_codes,
    letters_of,
)
from seqexplainer.errors import SeqexplainerError
from seqpro.progress import bar
from seqpro.random import row_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from seqexplainer.design._constraints import Constraints
    from seqexplainer.design._edits import Codes
    from seqexplainer.design._objective import Scorer


@dataclass(frozen=True, kw_only=True)
class Task:
    """A search to be done: starts, objective, limits and how long to look."""

    scorer: Scorer
    limits: Constraints
    tapes: Codes
    length: int
    rounds: int
    seed: int = 0
    insertions: bool = False
    deletions: bool = False
    beam: int = 8
    population: int = 64
    mutations: float = 1.5
    cooling: float = 0.01
    pareto: bool = False
    samples: int = 16
    learning_rate: float = 0.5
    temperature: float = 1.0
    edit_cost: float = 0.0
    alphabet: str = "ACGT"
    progress: bool = False

    @property
    def n_letters(self) -> int:
        """Letters of the alphabet."""
        return len(self.alphabet)

    @property
    def original(self) -> Codes:
        """The starts (N, L)."""
        return self.tapes[:, : self.length]

    @property
    def shifting(self) -> bool:
        """Whether bases may be inserted or deleted."""
        return self.insertions or self.deletions

    def steps(self) -> Iterable[int]:
        """Return the numbers of the rounds, with a progress bar if one was asked for."""
        return bar(range(self.rounds), desc="rounds", shown=self.progress)

    def identities(self) -> NDArray[np.uint64]:
        """Return a number (N,) for each start that depends on its letters only."""
        return row_hash((np.maximum(self.original, -1) + 66).astype(np.uint8))

    def rngs(self) -> list[np.random.Generator]:
        """Return one generator per start; it depends on the seed and the start only."""
        return [np.random.default_rng([self.seed, int(i)]) for i in self.identities()]

    def edits(self, codes: Codes, tapes: Codes) -> NDArray[np.int64] | None:
        """Return the number of edits (n,) from tapes to windows; None where places compare."""
        if not self.shifting:
            return None
        if self.limits.max_edits is None:
            return np.zeros(len(codes), dtype=np.int64)
        return edit_distance(codes, tapes)


class Found:
    """The best sequence from each start so far, and when each was found."""

    def __init__(self, task: Task, merit: NDArray[np.float64], score: NDArray[np.float64]) -> None:
        n = len(task.tapes)
        self.tapes = task.tapes.copy()
        self.merit = merit.copy()
        self.scores = np.repeat(score[:, None], task.rounds + 1, axis=1)
        self.front: Front | None = None
        self._rows = [np.arange(n)]
        self._rounds = [np.zeros(n, dtype=np.int64)]
        self._tapes = [self.tapes.copy()]

    def update(
        self,
        round_: int,
        tapes: Codes,
        merit: NDArray[np.float64],
        score: NDArray[np.float64],
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Take over what is better than the best so far of these starts, by default of all."""
        rows = np.arange(len(self.tapes)) if rows is None else rows
        better = merit > self.merit[rows]
        at = rows[better]
        self.tapes[at], self.merit[at] = tapes[better], merit[better]
        self.scores[at, round_:] = score[better, None]
        self._rows.append(at)
        self._rounds.append(np.full(len(at), round_))
        self._tapes.append(tapes[better])

    def path(self) -> Path:
        """Return every improvement, by start and round."""
        sequence, round_ = np.concatenate(self._rows), np.concatenate(self._rounds)
        order = np.lexsort((round_, sequence))
        return Path(sequence[order], round_[order], np.concatenate(self._tapes)[order])


class Path(NamedTuple):
    """The sequences through which a search went from each start to its design.

    Attributes
    ----------
    sequence, round : ndarray of int64, shape (K,)
        Number of the start, and the round after which this was its best sequence; round 0 is
        the start itself.
    tapes : ndarray of int64, shape (K, W)
        Letter codes: the sequence, and behind it, where bases may be inserted and deleted, what
        follows on the right.
    """

    sequence: NDArray[np.int64]
    round: NDArray[np.int64]
    tapes: NDArray[np.int64]


class Front(NamedTuple):
    """Designs of which none is better than another in every objective.

    Attributes
    ----------
    sequences : Tensor of uint8, shape (K, A, L)
        The designs, by start and then by falling gain in the first objective.
    owner : ndarray of int64, shape (K,)
        Number of the start of each.
    values : ndarray of float64, shape (K, objectives)
        The numbers of the objectives, in the model's units (mean over models).
    """

    sequences: torch.Tensor
    owner: NDArray[np.int64]
    values: NDArray[np.float64]


class Design(NamedTuple):
    """Designed sequences.

    Attributes
    ----------
    sequences : Tensor of uint8, shape (N, A, L)
        The best sequence found from each start; float32 where there are columns of 1/A.
    originals : Tensor of uint8, shape (N, A, L)
        The starts.
    scores : ndarray of float64, shape (N, rounds + 1)
        Score of the best sequence so far: at the start and after each round.
    path : Path
        The best sequences on the way.
    front : Front, optional
        With ``pareto=True``, the designs between which only taste can choose.
    alphabet : str
        Letters of the codes, in their order.
    """

    sequences: torch.Tensor
    originals: torch.Tensor
    scores: NDArray[np.float64]
    path: Path
    front: Front | None = None
    alphabet: str = "ACGT"

    @property
    def _shifting(self) -> bool:
        return int(self.path.tapes.shape[1]) > self.sequences.shape[2]

    def _script(self, before: Codes, after: Codes) -> list[Edit]:
        """Return the edits from one tape to another's window."""
        length = self.sequences.shape[2]
        if self._shifting:
            return edit_script(after[:length], before)
        places = np.flatnonzero(before != after).tolist()
        return [Edit(SUBSTITUTION, p, int(before[p]), int(after[p])) for p in places]

    def at(self, round_: int) -> torch.Tensor:
        """Return the best sequences so far after a round; 0 gives the starts.

        Parameters
        ----------
        round_ : int
            Number of rounds, from 0 to ``scores.shape[1] - 1``.

        Returns
        -------
        Tensor of uint8, shape (N, A, L)
            Sequences.

        Raises
        ------
        SeqexplainerError
            If there was no such round.
        """
        if not 0 <= round_ < self.scores.shape[1]:
            last = self.scores.shape[1] - 1
            raise SeqexplainerError(f"round {round_} does not exist; rounds run from 0 to {last}")
        reached = np.flatnonzero(self.path.round <= round_)
        latest = np.maximum.reduceat(reached, np.searchsorted(self.path.sequence[reached], self._n))
        return from_codes(self.path.tapes[latest, : self.sequences.shape[2]], len(self.alphabet))

    @property
    def _n(self) -> NDArray[np.int64]:
        return np.arange(len(self.sequences))

    def edits(self) -> pd.DataFrame:
        """Return the edits that lead straight from each start to its design.

        Without insertions and deletions that is every position that differs, otherwise a fewest
        possible number of edits.

        Returns
        -------
        pandas.DataFrame
            Columns ``sequence``, ``kind``, ``position`` (bp, 0-based, in the start; an insertion
            comes before it), ``ref``, ``alt`` (empty: no letter).
        """
        firsts = np.searchsorted(self.path.sequence, self._n)
        lasts = np.append(firsts[1:], len(self.path.sequence)) - 1
        rows = [
            (int(i), *edit)
            for i in self._n
            for edit in self._script(self.path.tapes[firsts[i]], self.path.tapes[lasts[i]])
        ]
        return _frame(rows, ["sequence"], self.alphabet)

    def trace(self) -> pd.DataFrame:
        """Return the edits from each best sequence so far to the next.

        Returns
        -------
        pandas.DataFrame
            One row per edit: ``sequence``, ``round`` (after which the edit stood), ``kind``,
            ``position`` (bp, 0-based, in the best sequence before), ``ref``, ``alt``, ``score``
            (of the best sequence after the round).
        """
        path = self.path
        rows = [
            (int(path.sequence[k]), int(path.round[k]), *edit)
            for k in range(1, len(path.sequence))
            if path.sequence[k] == path.sequence[k - 1]
            for edit in self._script(path.tapes[k - 1], path.tapes[k])
        ]
        table = _frame(rows, ["sequence", "round"], self.alphabet)
        at = table["sequence"].to_numpy(int), table["round"].to_numpy(int)
        return table.assign(score=self.scores[at])

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of `trace`, and one for every round that brought nothing better.

        Returns
        -------
        pandas.DataFrame
            Columns as of `Evolution.to_frame`: ``sequence``, ``round`` (0 is the start),
            ``position`` (-1: no edit), ``ref``, ``alt``, ``score``, ``kind``.
        """
        import pandas as pd

        n, rounds = self.scores.shape
        every = pd.DataFrame(
            {
                "sequence": np.repeat(np.arange(n), rounds),
                "round": np.tile(np.arange(rounds), n),
                "score": self.scores.ravel(),
            }
        )
        edits = self.trace().drop(columns="score")
        table = every.merge(edits, on=["sequence", "round"], how="left")
        table["position"] = table["position"].fillna(-1).astype(np.int64)
        names = ["sequence", "round", "position", "ref", "alt", "score", "kind"]
        return table.fillna({"ref": "", "alt": "", "kind": ""})[names]


def _frame(rows: Sequence[tuple[int, ...]], first: list[str], alphabet: str) -> pd.DataFrame:
    """Turn rows that end in an edit into a table."""
    import pandas as pd

    names = [*first, "kind", "position", "ref", "alt"]
    columns = dict(
        zip(names, np.array(rows, dtype=np.int64).reshape(-1, len(names)).T, strict=True)
    )
    kind = KINDS[columns["kind"]]
    ref, alt = (letters_of(columns[name], alphabet) for name in ("ref", "alt"))
    return pd.DataFrame({**columns, "kind": kind, "ref": ref, "alt": alt})
