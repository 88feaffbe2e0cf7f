"""The sequences that evolution keeps between rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.design._edits import DELETION, INSERTION, SUBSTITUTION, apply, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqexplainer.design._edits import Codes


class Pool:
    """Tapes with the trace of their edits, several per start with a beam.

    Parameters
    ----------
    tapes : ndarray of int64, shape (N, W)
        One tape per start.
    length : int
        Bases L of the window.
    rounds : int
        Edits that a trace has room for.
    merit, score : ndarray of float64, shape (N,)
        How good the starts are, and what is shown of it.
    n_letters : int, optional
        Letters of the alphabet.
    """

    _ROWS = (
        *("tapes", "touched", "owner", "merit", "scores"),
        *("kinds", "positions", "refs", "alts", "ends"),
    )

    def __init__(
        self,
        tapes: Codes,
        length: int,
        rounds: int,
        merit: NDArray[np.float64],
        score: NDArray[np.float64],
        n_letters: int = 4,
    ) -> None:
        self.n_letters = n_letters
        n = len(tapes)
        self.length = length
        self.tapes = tapes.copy()
        self.touched = np.zeros(tapes.shape, dtype=np.int64)
        self.owner = np.arange(n)
        self.merit = merit.copy()
        self.scores = np.repeat(score[:, None], rounds + 1, axis=1)
        self.kinds, self.positions, self.refs, self.alts, self.ends = (
            np.full((n, rounds), -1) for _ in range(5)
        )

    @property
    def codes(self) -> Codes:
        """The windows (n, L)."""
        return self.tapes[:, : self.length]

    def advance(self, value: NDArray[np.float64], beam: int, round_: int) -> NDArray[np.bool_]:
        """Replace the pool by its best children; return which of them were edited.

        ``value`` (n, moves) is the merit that each move would reach, -inf where it is not allowed.
        """
        top = min(beam, value.shape[1])
        if top == 1:
            order = value.argmax(axis=1)[:, None]
        else:
            order = np.argsort(-value, axis=1, kind="stable")[:, :top]
        reached = np.take_along_axis(value, order, axis=1)
        stuck = ~np.isfinite(reached[:, 0])
        reached[stuck, 0] = self.merit[stuck]
        order[stuck, 0] = -1
        parent = np.repeat(np.arange(len(value)), top)
        move, worth = order.ravel(), reached.ravel()
        usable = np.flatnonzero((move < 0) | np.isfinite(worth))
        rank = usable[
            np.lexsort((move[usable], parent[usable], -worth[usable], self.owner[parent[usable]]))
        ]
        parents, moves = parent[rank], move[rank]
        chosen = self._distinct(parents, moves, beam)
        return self._make(parents[chosen], moves[chosen], round_)

    def take(self, rows: Codes) -> None:
        """Keep copies of these rows only."""
        for name in self._ROWS:
            setattr(self, name, getattr(self, name)[rows])

    def _make(self, parents: Codes, moves: Codes, round_: int) -> NDArray[np.bool_]:
        """Become the children of these parents by these moves; return which were edited."""
        self.take(parents)
        kind, position, letter = decode(moves, self.length, self.n_letters)
        before = self.codes
        edited: NDArray[np.bool_] = kind >= 0
        rows = np.flatnonzero(edited)
        replaced = np.isin(kind[rows], (SUBSTITUTION, DELETION))
        self.kinds[:, round_], self.positions[:, round_] = kind, position
        self.alts[:, round_] = letter
        self.refs[rows, round_] = np.where(replaced, before[rows, position[rows]], -1)
        self.ends[:, round_] = np.where(kind == INSERTION, before[:, -1], -1)
        self.tapes = apply(self.tapes, kind, position, letter)
        self.touched = apply(self.touched, kind, position, np.ones_like(letter), fill=0)
        return edited

    def _distinct(self, parents: Codes, moves: Codes, beam: int) -> Codes:
        """Return the first ``beam`` different windows of each owner, in the order given."""
        if beam == 1:
            return np.unique(self.owner[parents], return_index=True)[1]
        children = apply(self.tapes[parents], *decode(moves, self.length, self.n_letters))[
            :, : self.length
        ]
        chosen: list[int] = []
        seen: dict[int, set[bytes]] = {}
        for i, (owner, child) in enumerate(
            zip(self.owner[parents].tolist(), children.astype(np.int8), strict=True)
        ):
            mine = seen.setdefault(owner, set())
            if len(mine) < beam and child.tobytes() not in mine:
                mine.add(child.tobytes())
                chosen.append(i)
        return np.array(chosen, dtype=np.int64)

    def untouched(self) -> NDArray[np.bool_]:
        """Return which bases (n, L) no edit has made yet."""
        fresh: NDArray[np.bool_] = self.touched[:, : self.length] == 0
        return fresh

    def best(self) -> Codes:
        """Return the row of the best sequence of each start."""
        order = np.lexsort((np.arange(len(self.merit)), -self.merit, self.owner))
        return order[np.unique(self.owner[order], return_index=True)[1]]
