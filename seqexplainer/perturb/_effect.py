"""What an experiment returns, and how edited sequences are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from seqexplainer._statistics import Summary, summarise
from seqexplainer._targets import Target, resolve
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import predict

if TYPE_CHECKING:
    from torch import nn

Score = Callable[[torch.Tensor], np.ndarray]
_ROWS = 2048


class Effect(NamedTuple):
    """Change of a score by an edit, over N sequences.

    Attributes
    ----------
    before, after : ndarray of float64, shape (N, ...)
        Scores of the sequences as they were and edited.
    effect : ndarray of float64, shape (N, ...)
        ``after - before``.
    mean, low, high : ndarray of float64, shape (...)
        Mean effect over sequences and its bootstrap interval.
    p_value, q_value : ndarray of float64, shape (...)
        Sign-flip permutation p-value of the mean, and its false discovery rate over all entries.
    """

    before: np.ndarray
    after: np.ndarray
    effect: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray


def make_effect(before: np.ndarray, after: np.ndarray, **options: Any) -> Effect:
    """Compare paired scores; ``before`` broadcasts over the edits of ``after``."""
    extra = after.ndim - before.ndim
    reference = before.reshape(len(before), *(1,) * extra, *before.shape[1:])
    change = after - reference
    return Effect(before, after, change, *summarise(change, **options))


def make_score(
    model: nn.Module,
    target: Target,
    func: Callable[..., Any] | None,
    batch_size: int,
    device: str | torch.device | None,
) -> Score:
    """Return a function from sequences to scores (N, ...).

    Without ``func`` that is the target of the prediction; with it, whatever
    ``func(model, X, batch_size=..., device=...)`` returns.
    """
    if func is not None:

        def applied(X: torch.Tensor) -> np.ndarray:
            value = func(model, X, batch_size=batch_size, device=device)
            if isinstance(value, torch.Tensor):
                value = value.detach().cpu().numpy()
            value = np.asarray(value, dtype=np.float64)
            if value.ndim == 0 or len(value) != len(X):
                msg = f"func returned shape {value.shape} for {len(X)} sequences; expected (N, ...)"
                raise SeqexplainerError(msg)
            return value

        return applied
    select = resolve(target)

    def predicted(X: torch.Tensor) -> np.ndarray:
        output = predict(model, X, batch_size=batch_size, device=device)
        return select(output).double().numpy()

    return predicted


def score_edits(
    score: Score, X: torch.Tensor, edits: Iterable[Callable[[torch.Tensor], None]]
) -> np.ndarray:
    """Score every sequence under every edit, (N, n_edits, ...), several edits at a time.

    An edit changes a fresh copy of X in place.
    """
    per_call = max(1, _ROWS // len(X))
    results = []
    for group in _groups(edits, per_call):
        rows = X.repeat(len(group), 1, 1)
        for edit, part in zip(group, torch.split(rows, len(X)), strict=True):
            edit(part)
        values = score(rows)
        results.append(values.reshape(len(group), len(X), *values.shape[1:]))
    return np.moveaxis(np.concatenate(results), 0, 1)


def _groups(edits: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of at most ``size`` edits."""
    group: list[Any] = []
    for edit in edits:
        group.append(edit)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


__all__ = ["Effect", "Score", "Summary", "make_effect", "make_score", "score_edits"]
