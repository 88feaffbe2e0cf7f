"""What an experiment returns, and how edited sequences are scored."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from seqexplainer._incremental import ENGINES, Engine
from seqexplainer._inputs import check_choice, check_whole, frozen, model_device, model_dtype
from seqexplainer._targets import Target, resolve
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import picked
from seqexplainer.statistics import Summary, summarise

if TYPE_CHECKING:
    from torch import nn

Score = Callable[[torch.Tensor], np.ndarray]
Group = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
_ROWS = 128  # unedited sequences together
_COPIES = 2048  # edited ones


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
    return Effect(before, after, change, *summarise(change, scores=before, **options))


class Prediction:
    """Scores of sequences: a target of the model's prediction.

    Parameters
    ----------
    model, target, engine, batch_size, device
        As in `marginalize`.
    args : tuple of Tensor
        Extra inputs of the model, one row per sequence of the experiment.
    """

    def __init__(
        self,
        model: nn.Module,
        target: Target,
        engine: str,
        batch_size: int,
        device: str | torch.device | None,
        args: tuple[torch.Tensor, ...] = (),
    ) -> None:
        check_choice(engine, ENGINES, "engine")
        self.args = args
        self.model, self.select, self.engine = model, resolve(target), engine
        self.batch_size, self.device = batch_size, device

    def __call__(self, X: torch.Tensor) -> np.ndarray:
        """Return scores (N,) of the sequences of the experiment."""
        options: dict[str, Any] = {"batch_size": self.batch_size, "device": self.device}
        found = picked(self.model, X, self.select, args=self.args, **options)
        return found.double().numpy()

    def edited(self, X: torch.Tensor, parts: Iterable[torch.Tensor]) -> np.ndarray:
        """Return scores (M, N, ...) of groups of edited copies of X, each (M', N, 4, L)."""
        spans = [range(i, min(i + _ROWS, len(X))) for i in range(0, len(X), _ROWS)]

        def groups() -> Iterator[Group]:
            for part in parts:
                for span in spans:
                    at = slice(span.start, span.stop)
                    rows = torch.arange(len(span)).repeat(len(part))
                    yield (
                        X[at],
                        rows,
                        part[:, at].flatten(0, 1),
                        torch.arange(span.start, span.stop),
                    )

        found = list(self.against(groups()))
        scores = []
        for i in range(0, len(found), len(spans)):
            own = zip(found[i : i + len(spans)], spans, strict=True)
            pieces = [v.reshape(-1, len(span), *v.shape[1:]) for v, span in own]
            scores.append(np.concatenate(pieces, axis=1))
        return np.concatenate(scores)

    def against(self, groups: Iterable[Group]) -> Iterator[np.ndarray]:
        """Yield scores (n, ...) of edited sequences.

        A group has sequences (N, 4, L), which of them each edited one was (n,), the edited ones
        (n, 4, L), and which sequence of the experiment each of the first was (N,).
        """
        there, kind = model_device(self.model, self.device), model_dtype(self.model)
        with frozen(self.model, there) as held, torch.no_grad():
            compute = Engine(
                held,
                self.select,
                engine=self.engine,
                batch_size=self.batch_size,
                purpose="the experiment",
            )
            for X, rows, edited, owner in groups:
                whole, others = X.to(there, kind), edited.to(there, kind)
                given = [a[owner].to(there) for a in self.args]
                _, values = compute.edited(whole, rows.to(there), others, given)
                yield values.double().cpu().numpy()


def make_score(
    model: nn.Module,
    target: Target,
    func: Callable[..., Any] | None,
    batch_size: int,
    device: str | torch.device | None,
    engine: str = "auto",
    args: tuple[torch.Tensor, ...] = (),
) -> Score:
    """Return a function from sequences to scores (N, ...).

    Without ``func`` that is the target of the prediction; with it, whatever
    ``func(model, X, batch_size=..., device=...)`` returns. ``args`` are extra inputs of the model,
    one row per sequence of the experiment; they are passed on where there are any.
    """
    check_whole(batch_size=batch_size)
    if func is None:
        return Prediction(model, target, engine, batch_size, device, args)

    if not callable(func):
        msg = f"func is {func!r}; give the function itself, for example seqexplainer.attribute"
        raise SeqexplainerError(msg)
    try:
        signature = inspect.signature(func)
        extra = {"args": args} if args else {}
        signature.bind(model, None, batch_size=batch_size, device=device, **extra)
    except TypeError as error:
        more = ", args=..." if args else ""
        raise SeqexplainerError(
            f"func is called as func(model, X, batch_size=..., device=...{more}), which its "
            f"signature does not allow ({error}); take what is not needed with **options"
        ) from error

    def applied(X: torch.Tensor) -> np.ndarray:
        extra: dict[str, Any] = {}
        if args:
            # edited copies of all sequences come one set after the other
            extra["args"] = [a.repeat(len(X) // len(a), *[1] * (a.ndim - 1)) for a in args]
        value = func(model, X, batch_size=batch_size, device=device, **extra)
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        value = np.asarray(value, dtype=np.float64)
        if value.ndim == 0 or len(value) != len(X):
            msg = f"func returned shape {value.shape} for {len(X)} sequences; expected (N, ...)"
            raise SeqexplainerError(msg)
        return value

    return applied


def score_edits(
    score: Score, X: torch.Tensor, edits: Iterable[Callable[[torch.Tensor], None]]
) -> np.ndarray:
    """Score every sequence under every edit, (N, n_edits, ...), several edits at a time.

    An edit changes a fresh copy of X in place.
    """

    def copies() -> Iterator[torch.Tensor]:
        for group in _groups(edits, max(1, _COPIES // len(X))):
            rows = X.repeat(len(group), 1, 1).view(len(group), *X.shape)
            for edit, part in zip(group, rows, strict=True):
                edit(part)
            yield rows

    return score_copies(score, X, copies())


def score_copies(score: Score, X: torch.Tensor, parts: Iterable[torch.Tensor]) -> np.ndarray:
    """Score groups of edited copies of X, each of shape (M', N, 4, L); return (N, M, ...)."""
    if isinstance(score, Prediction):
        return np.moveaxis(score.edited(X, parts), 0, 1)
    results = []
    for part in parts:
        values = score(part.flatten(0, 1))
        results.append(values.reshape(*part.shape[:2], *values.shape[1:]))
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


__all__ = ["Effect", "Score", "Summary", "make_effect", "make_score", "score_copies", "score_edits"]
