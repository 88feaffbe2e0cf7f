"""What an experiment returns, and how edited sequences are scored."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from seqexplainer._incremental import ENGINES, Engine
from seqexplainer._inputs import as_array, check_choice
from seqexplainer._targets import Target, resolve
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import picked
from seqexplainer.running import RUNNING, Runner, Running, split
from seqexplainer.statistics import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from torch import nn

Group = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Edit = Callable[[torch.Tensor], None]
_ROWS = 128  # unedited sequences together
_COPIES = 2048  # edited ones


class Experiment(Running, total=False):
    """Keywords of how an experiment is scored and tested, and those of `Running`.

    Attributes
    ----------
    target : int, tuple, str, callable or None
        Which number of the output is the score; None for the only one.
    func : callable
        ``func(model, X, batch_size=..., device=...) -> (N, ...)`` instead of predicting.
    confidence : float
        Coverage of the bootstrap interval.
    n_resamples : int
        Bootstrap samples and sign patterns of the permutation test.
    seed : int, optional
        Of both, and of what an experiment draws; None means 0.
    engine : {"auto", "window", "plain"}
        How edited sequences are predicted.
    """

    target: Target | None
    func: Callable[..., object] | None
    confidence: float
    n_resamples: int
    seed: int | None
    engine: str


OWN: Experiment = {
    "target": None,
    "func": None,
    "confidence": 0.95,
    "n_resamples": 1000,
    "seed": 0,
    "engine": "auto",
}
EXPERIMENT = {**OWN, **RUNNING}
"""What `Experiment` is by default."""


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


def to_table(result: Summary | NamedTuple, **columns: ArrayLike) -> pd.DataFrame:
    """Return a table of columns and of the summary of a result, one row per entry."""
    import pandas as pd

    summary = {name: getattr(result, name).ravel() for name in Summary._fields}
    return pd.DataFrame({**columns, **summary})


class Trial:
    """Sequences of an experiment, and how they are scored and compared.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    X : Tensor, shape (N, A, L)
        Sequences as they are.
    options : Experiment
        What callers gave.

    Attributes
    ----------
    X : Tensor
        The sequences.
    predicts : bool
        Whether scores are predictions; they are what ``func`` returns otherwise.
    """

    def __init__(self, model: nn.Module, X: torch.Tensor, options: Experiment) -> None:
        own, running = split(options, OWN)
        self.X, self.run = X, Runner.of(model, X, running)
        self.seed: int | None = own["seed"]
        self._testing = {name: own[name] for name in ("confidence", "n_resamples", "seed")}
        self._func = own["func"]
        self.predicts = self._func is None
        if self.predicts:
            self._engine = check_choice(own["engine"], ENGINES, "engine")
            self._select = resolve(own["target"])
        else:
            self._check_func()

    def summary(self, values: NDArray[np.float64], scores: NDArray[np.float64]) -> Summary:
        """Return mean, interval and tests of differences (N, ...)."""
        return summarise(values, scores=scores, **self._testing)

    def effect(self, after: NDArray[np.float64]) -> Effect:
        """Compare scores after with those before, which broadcast over the edits."""
        before = self.score(self.X)
        extra = after.ndim - before.ndim
        change = after - before.reshape(len(before), *(1,) * extra, *before.shape[1:])
        return Effect(before, after, change, *self.summary(change, before))

    def score(self, X: torch.Tensor) -> NDArray[np.float64]:
        """Return scores (M N, ...) of the sequences, or of whole copies of all of them."""
        run = self.run
        options: Running = {"batch_size": run.batch_size, "device": run.device}
        # edited copies of all sequences come one set after the other
        args = [a.repeat(len(X) // len(a), *[1] * (a.ndim - 1)) for a in run.args]
        if self._func is None:
            options |= {"args": args, "dtype": run.dtype}
            return picked(run.model, X, self._select, **options).double().numpy()
        value = self._func(run.model, X, **options, **({"args": args} if args else {}))
        scores = as_array(value).astype(np.float64)
        if scores.ndim == 0 or len(scores) != len(X):
            raise SeqexplainerError(
                f"func returned shape {scores.shape} for {len(X)} sequences; expected (N, ...)"
            )
        return scores

    def edits(self, edits: Sequence[Edit]) -> NDArray[np.float64]:
        """Score every sequence under every edit, (N, n_edits, ...), several edits at a time.

        An edit changes a fresh copy of X in place.
        """

        def copies() -> Iterator[torch.Tensor]:
            size = max(1, _COPIES // len(self.X))
            for begin in self.run.bar(range(0, len(edits), size)):
                group = edits[begin : begin + size]
                rows = self.X.repeat(len(group), 1, 1).view(len(group), *self.X.shape)
                for edit, part in zip(group, rows, strict=True):
                    edit(part)
                yield rows

        return self.copies(copies())

    def copies(self, parts: Iterable[torch.Tensor]) -> NDArray[np.float64]:
        """Score groups of edited copies of X, each of shape (M', N, 4, L); return (N, M, ...)."""
        if self.predicts:
            return np.moveaxis(self._edited(parts), 0, 1)
        results = []
        for part in parts:
            values = self.score(part.flatten(0, 1))
            results.append(values.reshape(*part.shape[:2], *values.shape[1:]))
        return np.moveaxis(np.concatenate(results), 0, 1)

    def against(self, groups: Iterable[Group]) -> Iterator[NDArray[np.float64]]:
        """Yield predicted scores (n, ...) of edited sequences.

        A group has sequences (N, 4, L), which of them each edited one was (n,), the edited ones
        (n, 4, L), and which sequence of the experiment each of the first was (N,).
        """
        with self.run.held() as run:
            compute = Engine(
                run.model,
                self._select,
                engine=self._engine,
                batch_size=run.batch_size,
                purpose="the experiment",
            )
            for X, rows, edited, owner in groups:
                whole, others = (t.to(run.device, run.dtype) for t in (X, edited))
                _, values = compute.edited(whole, rows.to(run.device), others, run.rows_of(owner))
                yield values.double().cpu().numpy()

    def _edited(self, parts: Iterable[torch.Tensor]) -> NDArray[np.float64]:
        """Return scores (M, N, ...) of groups of edited copies of X, each (M', N, 4, L)."""
        spans = [range(i, min(i + _ROWS, len(self.X))) for i in range(0, len(self.X), _ROWS)]

        def groups() -> Iterator[Group]:
            for part in parts:
                for span in spans:
                    at = slice(span.start, span.stop)
                    rows = torch.arange(len(span)).repeat(len(part))
                    yield self.X[at], rows, part[:, at].flatten(0, 1), torch.tensor(span)

        found = list(self.against(groups()))
        scores = []
        for i in range(0, len(found), len(spans)):
            own = zip(found[i : i + len(spans)], spans, strict=True)
            pieces = [v.reshape(-1, len(span), *v.shape[1:]) for v, span in own]
            scores.append(np.concatenate(pieces, axis=1))
        return np.concatenate(scores)

    def _check_func(self) -> None:
        func, args = self._func, self.run.args
        if not callable(func):
            raise SeqexplainerError(
                f"func is {func!r}; give the function itself, for example seqexplainer.attribute"
            )
        extra = {"args": args} if args else {}
        try:
            inspect.signature(func).bind(self.run.model, None, batch_size=1, device=None, **extra)
        except TypeError as error:
            more = ", args=..." if args else ""
            raise SeqexplainerError(
                f"func is called as func(model, X, batch_size=..., device=...{more}), which its "
                f"signature does not allow ({error}); take what is not needed with **options"
            ) from error
