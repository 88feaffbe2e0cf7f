"""Simulated annealing: one random edit per round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.design._edits import DELETION, INSERTION, SUBSTITUTION, apply
from seqexplainer.design._task import Found, Task

if TYPE_CHECKING:
    from seqexplainer.design._edits import Codes

_TRIALS = 8


def anneal(task: Task) -> Found:
    """Anneal all starts side by side, one proposal per start and round."""
    rngs = task.rngs()
    tapes = task.tapes.copy()
    merit, score = task.scorer.judge(task.original)
    found = Found(task, merit, score)
    trials = [_judge(task, _propose(task, tapes, rngs))[0] for _ in range(_TRIALS)]
    hot = np.mean([np.abs(trial - merit) for trial in trials], axis=0) + 1e-12
    for r in task.steps():
        temperature = hot * task.cooling ** (r / max(task.rounds - 1, 1))
        proposal = _propose(task, tapes, rngs)
        reached, shown = _judge(task, proposal)
        chance = np.array([rng.random() for rng in rngs])
        taken = chance < np.exp(np.minimum((reached - merit) / temperature, 0.0))
        tapes[taken], merit[taken] = proposal[taken], reached[taken]
        found.update(r + 1, proposal, reached, shown)
    return found


def _judge(task: Task, tapes: Codes) -> tuple[np.ndarray, ...]:
    """Return merit and score of the windows of tapes."""
    return task.scorer.judge(tapes[:, : task.length])


def _propose(task: Task, tapes: Codes, rngs: list[np.random.Generator]) -> Codes:
    """Return copies with one random allowed edit each (none where none is allowed)."""
    length, limits = task.length, task.limits
    codes = tapes[:, :length]
    made = task.edits(codes, task.tapes)
    allowed = limits.allowed(codes, task.original, made, task.n_letters).reshape(len(codes), -1)
    kinds = [SUBSTITUTION] + [DELETION] * task.deletions + [INSERTION] * task.insertions
    kind, position, letter = (np.full(len(tapes), -1) for _ in range(3))
    for row, rng in enumerate(rngs):
        drawn = kinds[int(rng.integers(len(kinds)))] if len(kinds) > 1 else SUBSTITUTION
        if drawn == SUBSTITUTION:
            choices = np.flatnonzero(allowed[row])
            if len(choices):
                kind[row] = SUBSTITUTION
                position[row], letter[row] = divmod(int(rng.choice(choices)), task.n_letters)
            continue
        open_ = limits.shifts_from + np.flatnonzero(codes[row, limits.shifts_from :] >= 0)
        if len(open_):
            kind[row], position[row] = drawn, rng.choice(open_)
            letter[row] = rng.integers(task.n_letters) if drawn == INSERTION else -1
    result = apply(tapes, kind, position, letter)
    if made is not None:
        after = result[:, :length]
        bad = ~limits.satisfied(after, task.original, task.edits(after, task.tapes))
        result[bad] = tapes[bad]
    return result
