"""Design of sequences by several searches behind one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch

from seqexplainer._inputs import check_choice, check_one_hot
from seqexplainer._targets import resolve
from seqexplainer.design._constraints import Constraints
from seqexplainer.design._evolve import LETTERS, evolve, from_codes, make_objective, to_codes
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import predict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn

    from seqexplainer._targets import Target

    Score = Callable[[NDArray[np.int64]], NDArray[np.float64]]
    Objective = Callable[[NDArray[np.float64]], NDArray[np.float64]]

METHODS = ("greedy", "beam", "annealing", "genetic")
_ROUNDS = {"greedy": 10, "beam": 10, "annealing": 500, "genetic": 30}


class Design(NamedTuple):
    """Designed sequences.

    Attributes
    ----------
    sequences : Tensor of uint8, shape (N, 4, L)
        The best sequence found from each start.
    originals : Tensor of uint8, shape (N, 4, L)
        The starts.
    scores : ndarray of float64, shape (N, rounds + 1)
        Score of the best sequence so far: at the start and after each round.
    """

    sequences: torch.Tensor
    originals: torch.Tensor
    scores: NDArray[np.float64]

    def edits(self) -> pd.DataFrame:
        """Return every difference between a start and its design.

        Returns
        -------
        pandas.DataFrame
            Columns ``sequence``, ``position`` (bp, 0-based), ``ref``, ``alt``.
        """
        import pandas as pd

        before, after = to_codes(self.originals), to_codes(self.sequences)
        row, position = np.nonzero(before != after)
        return pd.DataFrame(
            {
                "sequence": row,
                "position": position,
                "ref": LETTERS[before[row, position]],
                "alt": LETTERS[after[row, position]],
            }
        )


def design(
    model: nn.Module,
    X: NDArray[Any] | torch.Tensor,
    *,
    method: Literal["greedy", "beam", "annealing", "genetic"] = "greedy",
    rounds: int | None = None,
    target: Target = 0,
    maximize: bool = True,
    goal: float | None = None,
    constraints: Constraints | None = None,
    beam: int = 8,
    population: int = 64,
    mutations: float = 1.5,
    cooling: float = 0.01,
    seed: int = 0,
    batch_size: int = 128,
    device: str | torch.device | None = None,
) -> Design:
    """Design sequences with a better score.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences to start from; unknown bases (columns of zeros) are never edited.
    method : {"greedy", "beam", "annealing", "genetic"}, optional
        - ``greedy``, ``beam``: `evolve` with one or ``beam`` sequences kept per start; all
          substitutions are scored in every round;
        - ``annealing``: one random substitution per round, taken if it is better, or by chance
          while the temperature is high [1]_;
        - ``genetic``: a population per start; parents are crossed at one point and mutated, and
          the best of parents and children live on [2]_.
    rounds : int, optional
        Rounds; 10 for greedy and beam, 500 for annealing, 30 for genetic.
    target : int, tuple, str or callable, optional
        Which number of the output is the score.
    maximize : bool, optional
        Raise the score, or lower it.
    goal : float, optional
        Bring the score as close to this value as possible instead.
    constraints : Constraints, optional
        Limits that every proposed sequence respects.
    beam : int, optional
        Sequences kept by ``beam``.
    population : int, optional
        Sequences per start of ``genetic``.
    mutations : float, optional
        Mean number of substitutions per child of ``genetic``.
    cooling : float, optional
        Last temperature of ``annealing`` as a fraction of the first, which is the mean change
        by a random substitution.
    seed : int, optional
        Draws depend on the seed and the row only.
    batch_size : int, optional
        Sequences per forward pass.
    device : str or torch.device, optional
        Where to run; by default where the model is.

    Returns
    -------
    Design
        The best sequence from each start and the best score after each round.

    Raises
    ------
    SeqexplainerError
        If an argument is out of range or the method is not known.

    References
    ----------
    .. [1] Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671
    .. [2] Vaishnav et al. 2022, doi:10.1038/s41586-022-04506-6

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 1))
    >>> _ = model[1].weight.data.copy_(torch.arange(16.0)[None])
    >>> X = np.eye(4, dtype=np.uint8)[np.zeros((1, 4), int)].swapaxes(1, 2)
    >>> design(model, X, method="beam", rounds=4, beam=2).sequences.argmax(1).tolist()
    [[3, 3, 3, 3]]
    """
    check_choice(method, METHODS, "method")
    steps = _ROUNDS[method] if rounds is None else rounds
    if steps < 1 or population < 2 or mutations <= 0 or not 0 < cooling <= 1:
        msg = (
            f"rounds ({steps}) must be at least 1, population ({population}) at least 2, "
            f"mutations ({mutations}) positive and cooling ({cooling}) in (0, 1]"
        )
        raise SeqexplainerError(msg)
    sequences = check_one_hot(X)
    if sequences.shape[1] != len(LETTERS):
        msg = f"X has {sequences.shape[1]} letters; design works on the {len(LETTERS)} of DNA"
        raise SeqexplainerError(msg)
    codes = to_codes(sequences)
    if method in {"greedy", "beam"}:
        found = evolve(
            model,
            sequences,
            rounds=steps,
            target=target,
            beam=beam if method == "beam" else 1,
            maximize=maximize,
            goal=goal,
            constraints=constraints,
            batch_size=batch_size,
            device=device,
        )
        return Design(found.sequences, from_codes(codes), found.scores)
    select = resolve(target)

    def score(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        output = predict(model, from_codes(rows), batch_size=batch_size, device=device)
        return np.asarray(select(output).double().numpy())

    objective = make_objective(maximize=maximize, goal=goal)
    limits = constraints or Constraints()
    rngs = [np.random.default_rng([seed, row]) for row in range(len(codes))]
    if method == "annealing":
        best, history = _anneal(codes, score, objective, limits, rngs, steps, cooling)
    else:
        best, history = _breed(codes, score, objective, limits, rngs, steps, population, mutations)
    return Design(from_codes(best), from_codes(codes), history)


def _propose(
    codes: NDArray[np.int64],
    original: NDArray[np.int64],
    limits: Constraints,
    rngs: list[np.random.Generator],
) -> NDArray[np.int64]:
    """Return copies with one random allowed substitution each (none where none is allowed)."""
    result = codes.copy()
    allowed = limits.allowed(codes, original).reshape(len(codes), -1)
    for row, rng in enumerate(rngs):
        choices = np.flatnonzero(allowed[row])
        if len(choices):
            position, letter = divmod(int(rng.choice(choices)), 4)
            result[row, position] = letter
    return result


def _anneal(
    original: NDArray[np.int64],
    score: Score,
    objective: Objective,
    limits: Constraints,
    rngs: list[np.random.Generator],
    rounds: int,
    cooling: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Anneal all starts side by side, one proposal per start and round."""
    codes, now = original.copy(), score(original)
    best, best_score = codes.copy(), now.copy()
    history = [now.copy()]
    trials = [score(_propose(codes, original, limits, rngs)) for _ in range(8)]
    hot = np.mean([np.abs(objective(t) - objective(now)) for t in trials], axis=0) + 1e-12
    for r in range(rounds):
        temperature = hot * cooling ** (r / max(rounds - 1, 1))
        proposal = _propose(codes, original, limits, rngs)
        reached = score(proposal)
        gain = objective(reached) - objective(now)
        chance = np.array([rng.random() for rng in rngs])
        taken = chance < np.exp(np.minimum(gain / temperature, 0.0))
        codes[taken], now[taken] = proposal[taken], reached[taken]
        better = objective(now) > objective(best_score)
        best[better], best_score[better] = codes[better], now[better]
        history.append(best_score.copy())
    return best, np.stack(history, axis=1)


def _breed(
    original: NDArray[np.int64],
    score: Score,
    objective: Objective,
    limits: Constraints,
    rngs: list[np.random.Generator],
    rounds: int,
    population: int,
    mutations: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Breed a population per start; the best of parents and children live on."""
    n, length = original.shape
    starts = np.repeat(original, population, axis=0)
    pool = np.repeat(original[:, None], population, axis=1)
    now = np.repeat(score(original)[:, None], population, axis=1)
    history = [now[:, 0].copy()]
    for _ in range(rounds):
        children = np.stack([_cross(pool[i], rngs[i], mutations) for i in range(n)])
        flat = children.reshape(-1, length)
        broken = ~limits.satisfied(flat, starts) | ((flat < 0) != (starts < 0)).any(axis=1)
        flat[broken] = pool.reshape(-1, length)[broken]
        both = np.concatenate([pool, children], axis=1)
        values = np.concatenate([now, score(flat).reshape(n, population)], axis=1)
        for i in range(n):
            _, first = np.unique(both[i], axis=0, return_index=True)
            order = first[np.argsort(-objective(values[i, first]), kind="stable")]
            kept = np.resize(order[:population], population)
            pool[i], now[i] = both[i, kept], values[i, kept]
        history.append(now[:, 0].copy())
    return pool[:, 0], np.stack(history, axis=1)


def _cross(
    parents: NDArray[np.int64], rng: np.random.Generator, mutations: float
) -> NDArray[np.int64]:
    """Return as many children as parents: one-point crossover and random substitutions."""
    size, length = parents.shape
    drawn: NDArray[np.int64] = rng.integers(size, size=(4, size))
    mothers, fathers = np.minimum(drawn[0], drawn[1]), np.minimum(drawn[2], drawn[3])
    cut = rng.integers(1, max(length, 2), size=(size, 1))
    children = np.where(np.arange(length) < cut, parents[mothers], parents[fathers])
    hit = rng.random((size, length)) < min(1.0, mutations / length)
    turn = rng.integers(1, 4, size=(size, length))
    mutated: NDArray[np.int64] = np.where(hit & (children >= 0), (children + turn) % 4, children)
    return mutated
