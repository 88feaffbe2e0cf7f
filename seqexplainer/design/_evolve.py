"""In-silico evolution: one substitution per round, chosen among all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from seqexplainer._inputs import check_one_hot
from seqexplainer._targets import resolve
from seqexplainer.design._constraints import Constraints
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import predict

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn

    from seqexplainer._targets import Target

LETTERS = np.array(["A", "C", "G", "T"])


class Evolution(NamedTuple):
    """Evolved sequences and every edit that made them.

    Attributes
    ----------
    sequences : Tensor of uint8, shape (N, 4, L)
        Sequences after the last round.
    scores : ndarray of float64, shape (N, rounds + 1)
        Score of the original and after each round.
    positions : ndarray of int64, shape (N, rounds)
        Position (bp, 0-based) of each round's substitution; -1 where no edit was made.
    refs, alts : ndarray of int8, shape (N, rounds)
        Letter codes (A 0, C 1, G 2, T 3) before and after; -1 where no edit was made.
    """

    sequences: torch.Tensor
    scores: NDArray[np.float64]
    positions: NDArray[np.int64]
    refs: NDArray[np.int8]
    alts: NDArray[np.int8]

    def at(self, round_: int) -> torch.Tensor:
        """Return the sequences as they were after a round; 0 gives the originals.

        Parameters
        ----------
        round_ : int
            Number of rounds, from 0 to ``positions.shape[1]``.

        Returns
        -------
        Tensor of uint8, shape (N, 4, L)
            Sequences.
        """
        codes = to_codes(self.sequences)
        for r in range(self.positions.shape[1] - 1, round_ - 1, -1):
            rows = np.flatnonzero(self.positions[:, r] >= 0)
            codes[rows, self.positions[rows, r]] = self.refs[rows, r]
        return from_codes(codes)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sequence and round; round 0 is the original, without an edit.

        Returns
        -------
        pandas.DataFrame
            Columns ``sequence``, ``round``, ``position`` (-1: no edit), ``ref``, ``alt`` (empty:
            no edit) and ``score``.
        """
        import pandas as pd

        n, rounds = self.positions.shape
        none = np.full((n, 1), -1)
        edit = np.concatenate([none, self.positions], axis=1)
        letters = [
            np.where(codes >= 0, LETTERS[codes], "")
            for codes in (np.concatenate([none, c], axis=1) for c in (self.refs, self.alts))
        ]
        return pd.DataFrame(
            {
                "sequence": np.repeat(np.arange(n), rounds + 1),
                "round": np.tile(np.arange(rounds + 1), n),
                "position": edit.ravel(),
                "ref": letters[0].ravel(),
                "alt": letters[1].ravel(),
                "score": self.scores.ravel(),
            }
        )


def evolve(
    model: nn.Module,
    X: NDArray[Any] | torch.Tensor,
    *,
    rounds: int = 10,
    target: Target = 0,
    beam: int = 1,
    maximize: bool = True,
    goal: float | None = None,
    constraints: Constraints | None = None,
    allow_repeats: bool = False,
    allow_worse: bool = False,
    engine: str = "auto",
    batch_size: int = 128,
    device: str | torch.device | None = None,
    verbose: bool = False,
) -> Evolution:
    """Evolve sequences greedily towards a better score.

    Every round scores all single substitutions of all sequences and makes the best allowed one.
    All sequences advance together. Of substitutions whose results agree to six digits the one at
    the smallest position, then the first letter, is made.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences to start from. Unknown bases (columns of zeros) are never edited.
    rounds : int, optional
        Number of substitutions.
    target : int, tuple, str or callable, optional
        Which number of the output is the score; a callable ``f(output) -> (N,)`` can combine
        several outputs.
    beam : int, optional
        Number of different sequences kept per start between rounds; 1 is greedy. The best of
        the beam is returned.
    maximize : bool, optional
        Raise the score, or lower it.
    goal : float, optional
        Bring the score as close to this value as possible instead.
    constraints : Constraints, optional
        Limits that every edit respects.
    allow_repeats : bool, optional
        Whether a position may be mutated more than once.
    allow_worse : bool, optional
        Make the best substitution even where none is an improvement; otherwise the sequence
        stays as it is from then on.
    engine : {"auto", "window", "plain"}, optional
        How substitutions are scored, as in `seqexplainer.saturation_mutagenesis`: from what each
        can reach, or from whole sequences.
    batch_size : int, optional
        Sequences per forward pass.
    device : str or torch.device, optional
        Where to run; by default where the model is.
    verbose : bool, optional
        Whether to show a progress bar.

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
    sequences = check_one_hot(X)
    if sequences.shape[1] != len(LETTERS):
        msg = f"X has {sequences.shape[1]} letters; evolution works on the {len(LETTERS)} of DNA"
        raise SeqexplainerError(msg)
    if rounds < 1 or beam < 1:
        msg = f"rounds is {rounds} and beam is {beam}; both must be at least 1"
        raise SeqexplainerError(msg)
    original = to_codes(sequences)
    limits = constraints or Constraints()
    objective = make_objective(maximize=maximize, goal=goal)
    select = resolve(target)

    def score(codes: NDArray[np.int64]) -> NDArray[np.float64]:
        output = predict(model, from_codes(codes), batch_size=batch_size, device=device)
        return np.asarray(select(output).double().numpy())

    pool = _Pool.start(original, score(original), rounds)
    for r in tqdm(range(rounds), desc="rounds", disable=not verbose, leave=False):
        change = _substitutions(model, pool.codes, target, engine, batch_size, device)
        value = objective(pool.scores[:, r, None, None] + change)
        allowed = limits.allowed(pool.codes, original[pool.owner])
        if not allow_repeats:
            allowed &= ~pool.touched[:, :, None]
        if not allow_worse:
            allowed &= value > objective(pool.scores[:, r])[:, None, None]
        value = _to_grid(value)
        value[~allowed] = -np.inf
        moved = pool.advance(value, objective(pool.scores[:, r]), beam, r)
        pool.scores[:, r + 1] = pool.scores[:, r]
        if moved.any():
            pool.scores[moved, r + 1] = score(pool.codes[moved])
    best = pool.best(objective)
    return Evolution(
        from_codes(pool.codes[best]),
        pool.scores[best],
        pool.positions[best],
        pool.refs[best],
        pool.alts[best],
    )


def make_objective(
    *, maximize: bool, goal: float | None
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a function from scores to what is to be made large."""
    if goal is not None:
        return lambda scores: -np.abs(scores - goal)
    return (lambda scores: np.array(scores)) if maximize else (lambda scores: -scores)


def _substitutions(
    model: nn.Module,
    codes: NDArray[np.int64],
    target: Target,
    engine: str,
    batch_size: int,
    device: str | torch.device | None,
) -> NDArray[np.float64]:
    """Return the change of score by every single substitution, (n, L, 4)."""
    from seqexplainer.attribute import saturation_mutagenesis

    change = saturation_mutagenesis(
        model, from_codes(codes), target=target, engine=engine, batch_size=batch_size, device=device
    )
    return np.ascontiguousarray(change.double().cpu().numpy().swapaxes(1, 2))


def _to_grid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to about six digits of the largest value of a row, so that rounding errors tie."""
    scale = np.abs(value).max(axis=(1, 2), keepdims=True)
    grid = np.exp2(np.ceil(np.log2(np.maximum(scale, 1e-30) * 1e-6)))
    rounded: NDArray[np.float64] = np.round(value / grid) * grid
    return rounded


class _Pool:
    """The sequences kept between rounds, several per start with a beam."""

    def __init__(
        self,
        codes: NDArray[np.int64],
        owner: NDArray[np.int64],
        scores: NDArray[np.float64],
        positions: NDArray[np.int64],
        refs: NDArray[np.int8],
        alts: NDArray[np.int8],
        touched: NDArray[np.bool_],
    ) -> None:
        self.codes = codes
        self.owner = owner
        self.scores = scores
        self.positions = positions
        self.refs = refs
        self.alts = alts
        self.touched = touched

    @classmethod
    def start(cls, codes: NDArray[np.int64], scores: NDArray[np.float64], rounds: int) -> _Pool:
        """Return a pool with one sequence per start."""
        n = len(codes)
        history = np.zeros((n, rounds + 1))
        history[:, 0] = scores
        none = np.full((n, rounds), -1)
        return cls(
            codes.copy(),
            np.arange(n),
            history,
            none.astype(np.int64),
            none.astype(np.int8),
            none.astype(np.int8),
            np.zeros(codes.shape, dtype=bool),
        )

    def advance(
        self,
        value: NDArray[np.float64],
        current: NDArray[np.float64],
        beam: int,
        round_: int,
    ) -> NDArray[np.bool_]:
        """Replace the pool by its best children; return which of them were edited.

        ``value`` (n, L, 4) is what each substitution would reach, -inf where it is not allowed.
        """
        flat = value.reshape(len(value), -1)
        top = min(beam, flat.shape[1])
        if top == 1:
            order = flat.argmax(axis=1)[:, None]
        else:
            order = np.argsort(-flat, axis=1, kind="stable")[:, :top]
        reached = np.take_along_axis(flat, order, axis=1)
        stuck = ~np.isfinite(reached[:, 0])
        reached[stuck, 0] = current[stuck]
        order[stuck, 0] = -1
        parent = np.repeat(np.arange(len(flat)), top)
        move, worth = order.ravel(), reached.ravel()
        usable = np.flatnonzero((move < 0) | np.isfinite(worth))
        rank = np.lexsort(
            (move[usable], parent[usable], -worth[usable], self.owner[parent[usable]])
        )
        chosen = self._distinct(parent[usable[rank]], move[usable[rank]], beam)
        parents, moves = parent[usable[rank]][chosen], move[usable[rank]][chosen]
        self._take(parents)
        edited: NDArray[np.bool_] = moves >= 0
        rows = np.flatnonzero(edited)
        at, letter = np.divmod(moves[rows], 4)
        self.positions[rows, round_] = at
        self.refs[rows, round_] = self.codes[rows, at]
        self.alts[rows, round_] = letter
        self.codes[rows, at] = letter
        self.touched[rows, at] = True
        return edited

    def _distinct(
        self, parents: NDArray[np.int64], moves: NDArray[np.int64], beam: int
    ) -> NDArray[np.int64]:
        """Return the first ``beam`` different sequences of each owner, in the order given."""
        if beam == 1:
            return np.unique(self.owner[parents], return_index=True)[1]
        chosen: list[int] = []
        seen: dict[int, set[bytes]] = {}
        for i, (parent, move) in enumerate(zip(parents.tolist(), moves.tolist(), strict=True)):
            mine = seen.setdefault(int(self.owner[parent]), set())
            if len(mine) == beam:
                continue
            child = self.codes[parent].astype(np.int8)
            if move >= 0:
                child[move // 4] = move % 4
            key = child.tobytes()
            if key not in mine:
                mine.add(key)
                chosen.append(i)
        return np.array(chosen, dtype=np.int64)

    def _take(self, rows: NDArray[np.int64]) -> None:
        """Keep copies of these rows only."""
        for name in ("codes", "owner", "scores", "positions", "refs", "alts", "touched"):
            setattr(self, name, getattr(self, name)[rows])

    def best(
        self, objective: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> NDArray[np.int64]:
        """Return the row of the best sequence of each start."""
        value = objective(self.scores[:, -1])
        order = np.lexsort((np.arange(len(value)), -value, self.owner))
        return order[np.unique(self.owner[order], return_index=True)[1]]


def to_codes(X: torch.Tensor) -> NDArray[np.int64]:
    """Return letter codes (N, L) of one-hot sequences (N, 4, L); -1 where there is no letter."""
    letters = X.cpu().numpy() == 1
    return np.where(letters.any(axis=1), letters.argmax(axis=1), -1)


def from_codes(codes: NDArray[np.integer]) -> torch.Tensor:
    """Return one-hot sequences (N, 4, L) of uint8 from letter codes (N, L)."""
    return torch.as_tensor((codes[:, None, :] == np.arange(4)[:, None]).astype(np.uint8))
