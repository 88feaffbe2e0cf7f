"""Sufficient input subsets: few positions that alone keep a prediction above a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import torch

from seqexplainer._incremental import ENGINES, Engine, Replacements
from seqexplainer._inputs import (
    ArrayLike,
    as_sequences,
    check_choice,
    check_whole,
    unknown_columns,
)
from seqexplainer._targets import Pick, Target, resolve
from seqexplainer.errors import InputError
from seqexplainer.running import RUNNING, Runner, Running
from seqpro.keywords import keywords
from seqpro.progress import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SufficientSubset", "SufficientSubsets", "sufficient_input_subsets"]


class SufficientSubset(NamedTuple):
    """One sufficient input subset.

    Parameters
    ----------
    positions : ndarray of int64, shape (k,)
        Its positions, the one that was masked last (the most important one) first.
    order : ndarray of int64, shape (m,)
        Positions in the order in which they were masked.
    values : ndarray of float64, shape (m,)
        Output after each of them was masked, in the model's units.
    """

    positions: NDArray[np.int64]
    order: NDArray[np.int64]
    values: NDArray[np.float64]


class SufficientSubsets(NamedTuple):
    """Sufficient input subsets of every sequence.

    Parameters
    ----------
    subsets : tuple of tuple of SufficientSubset
        Those of each sequence in the order in which they were found; none where the output is
        below the threshold.
    outputs : ndarray of float64, shape (n_seqs,)
        Output of the sequences as they are.
    masked : ndarray of float64, shape (n_seqs,)
        Output with every position masked.
    length : int
        Positions in a sequence.
    """

    subsets: tuple[tuple[SufficientSubset, ...], ...]
    outputs: NDArray[np.float64]
    masked: NDArray[np.float64]
    length: int

    def labels(self) -> NDArray[np.int64]:
        """Return which subset each position is in, shape (n_seqs, length).

        0 is none, 1 the first that was found. ``labels() > 0`` are all of them together.
        """
        out = np.zeros((len(self.subsets), self.length), dtype=np.int64)
        for i, found in enumerate(self.subsets):
            for j, subset in enumerate(found, start=1):
                out[i, subset.positions] = j
        return out


@keywords({**RUNNING, "batch_size": 512})
def sufficient_input_subsets(
    model: torch.nn.Module,
    X: ArrayLike,
    *,
    threshold: float | Sequence[float] | NDArray[np.floating],
    target: Target | None = None,
    mask: float | ArrayLike | None = None,
    max_subsets: int | None = None,
    engine: str = "auto",
    **running: Unpack[Running],
) -> SufficientSubsets:
    """Find disjoint small sets of positions each of which suffices for a high output.

    Positions are masked one after another, each time the one whose loss leaves the output
    highest (the first of equals). The shortest end of that order which alone keeps the output at
    the threshold is a sufficient input subset. It is masked for good, and the search is repeated
    while the output of what remains is still at the threshold. A set that would be empty, because
    the output stays at the threshold with everything masked, ends the search and is not reported.

    All remaining positions of all sequences are tried together, so there are as many steps as
    positions. Unknown letters (columns of zeros, or of 1 / n_letters) are never masked and in no
    subset.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Sequences.
    threshold : float or array of float, shape (n_seqs,)
        Lowest output that counts as high; one for all or one a sequence.
    target : int, tuple, str or callable, optional
        Which output, as in `attribute`.
    mask : float or array, optional
        What a masked position holds: a number for every letter, or an array that broadcasts to
        (n_seqs, n_letters, length). By default 1 / n_letters.
    max_subsets : int, optional
        Most subsets a sequence; by default all there are.
    engine : {"auto", "window", "plain"}
        How masked sequences are predicted: from what a masked position can reach, or whole; as
        in `saturation_mutagenesis`.
    batch_size, device, dtype, args, progress
        As in `predict`; 512 sequences by default.

    Returns
    -------
    SufficientSubsets

    Raises
    ------
    InputError
        If an argument has the wrong form, or an output is not a number.
    TargetError
        If the target does not fit the output.

    References
    ----------
    Carter et al. 2019, doi:10.48550/arXiv.1810.03805

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(5, 1, bias=False))
    >>> _ = torch.nn.init.ones_(model[1].weight)
    >>> X = torch.tensor([[[0.5, 3.0, 1.0, 2.0, 0.0]]])
    >>> found = sufficient_input_subsets(model, X, threshold=2.5, mask=0.0)
    >>> found.labels().tolist()
    [[0, 1, 2, 2, 0]]
    >>> found.subsets[0][0].values.tolist()
    [6.5, 6.0, 5.0, 3.0, 0.0]
    """
    run = Runner.of(model, as_sequences(X), running, batch_size=512)
    check_whole(max_subsets=1 if max_subsets is None else max_subsets)
    check_choice(engine, ENGINES, "engine")
    lowest, pick = thresholds(threshold, len(run.X)), resolve(target)
    with run.held() as held:
        return find_subsets(held, pick, lowest, mask, max_subsets, engine)


def find_subsets(
    run: Runner,
    pick: Pick,
    lowest: NDArray[np.float64],
    mask: float | ArrayLike | None = None,
    max_subsets: int | None = None,
    engine: str = "auto",
) -> SufficientSubsets:
    """Search as `sufficient_input_subsets` does, on a model that is held.

    Parameters
    ----------
    run : Runner
        Model and sequences.
    pick : callable
        From the output to shape (n,).
    lowest : ndarray of float64, shape (n,)
        Threshold of each sequence.
    mask, max_subsets, engine
        As in `sufficient_input_subsets`.

    Returns
    -------
    SufficientSubsets
    """
    n_seqs, n_letters, length = run.X.shape
    whole = run.X.to(run.device, run.dtype)
    filled = _mask(1 / n_letters if mask is None else mask, whole)
    unknown = unknown_columns(whole)
    filled = torch.where(unknown.unsqueeze(1), whole, filled)

    def number(output: object) -> torch.Tensor:
        found = pick(output)
        if bool(found.isnan().any()):
            raise InputError("the model's output is not a number for some masked sequences")
        return found

    compute = Engine(
        run.model,
        number,
        engine=engine,
        batch_size=run.batch_size,
        purpose="the search for subsets",
    )
    args = run.rows_of(slice(None))
    search = _Search(whole, filled, ~unknown.cpu().numpy(), compute, args, lowest)
    start = search.at_start.copy()
    with counted(shown=run.progress, unit="step") as steps:
        while search.active():
            search.step(max_subsets)
            steps.update()
    masked = search.outputs_of(filled, np.arange(n_seqs))
    return SufficientSubsets(tuple(map(tuple, search.found)), start, masked, length)


class _Search:
    """Every sequence at its own place in the search, all moved one position on by a step."""

    def __init__(
        self,
        X: torch.Tensor,
        filled: torch.Tensor,
        known: NDArray[np.bool_],
        compute: Engine,
        args: Sequence[torch.Tensor],
        lowest: NDArray[np.float64],
    ) -> None:
        self.compute, self.args, self.lowest = compute, args, lowest
        self.filled = filled
        # what is left of each sequence in this round, and at the beginning of it
        self.now, self.rest = X.clone(), X.clone()
        n_seqs = len(X)
        self.open, self.free = known.copy(), known.copy()
        self.order: list[list[int]] = [[] for _ in range(n_seqs)]
        self.values: list[list[float]] = [[] for _ in range(n_seqs)]
        self.found: list[list[SufficientSubset]] = [[] for _ in range(n_seqs)]
        self.at_start = self.outputs_of(X, np.arange(n_seqs))
        self.level = self.at_start.copy()
        self.going = (self.at_start >= lowest) & known.any(axis=1)

    def active(self) -> bool:
        """Tell whether a sequence is still searched."""
        return bool(self.going.any())

    def outputs_of(self, X: torch.Tensor, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return outputs of some sequences as they stand in ``X``."""
        found = []
        for at in torch.split(torch.from_numpy(rows).to(X.device), self.compute.batch_size):
            output = self.compute.predict(X[at], [a[at] for a in self.args])
            found.append(output.double().cpu().numpy())
        out: NDArray[np.float64] = np.concatenate(found)
        return out

    def step(self, max_subsets: int | None) -> None:
        """Mask one more position of every sequence, and close the rounds that are through."""
        rows, positions = np.nonzero(self.free & self.going[:, None])
        tried = self._tried(rows, positions)
        begins = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
            best = begin + int(np.argmax(tried[begin:end]))
            row, position = int(rows[best]), int(positions[best])
            self.free[row, position] = False
            self.now[row, :, position] = self.filled[row, :, position]
            self.order[row].append(position)
            self.values[row].append(float(tried[best]))
            self.level[row] = tried[best]
        through = np.flatnonzero(self.going & ~self.free.any(axis=1))
        if len(through):
            self._close(through, max_subsets)

    def _tried(self, rows: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return outputs with one more position masked, ordered by row."""
        found = np.empty(len(rows))
        active = np.unique(rows)
        for begin in range(0, len(active), self.compute.batch_size):
            own = active[begin : begin + self.compute.batch_size]
            part = np.flatnonzero((rows >= own[0]) & (rows <= own[-1]))
            at = torch.from_numpy(own).to(self.now.device)
            row = torch.from_numpy(np.searchsorted(own, rows[part])).to(self.now.device)
            position = torch.from_numpy(positions[part]).to(self.now.device)
            masked = self.filled[at[row], :, position].unsqueeze(2)
            X = self.now[at]
            edits = Replacements(X, row, position, masked)
            _, outputs = self.compute.outputs(
                X,
                edits,
                [a[at] for a in self.args],
                torch.from_numpy(self.level[own]).to(at.device),
            )
            found[part] = outputs.double().cpu().numpy()
        return found

    def _close(self, through: NDArray[np.int64], max_subsets: int | None) -> None:
        """Read the subsets off the orders, and begin the next round without them."""
        for row in through:
            order, values = np.array(self.order[row]), np.array(self.values[row])
            high = np.flatnonzero(values >= self.lowest[row])
            inside = order[high[-1] + 1 if len(high) else 0 :][::-1].copy()
            self.order[row], self.values[row] = [], []
            if not len(inside):
                self.going[row] = False
                continue
            self.found[row].append(SufficientSubset(inside, order, values))
            self.open[row, inside] = False
            self.rest[row][:, inside] = self.filled[row][:, inside]
            if max_subsets is not None and len(self.found[row]) >= max_subsets:
                self.going[row] = False
        self.now[through] = self.rest[through]
        self.free[through] = self.open[through]
        self.going[through] &= self.open[through].any(axis=1)
        again = through[self.going[through]]
        if len(again):
            self.level[again] = self.outputs_of(self.rest, again)
            self.going[again] = self.level[again] >= self.lowest[again]


def thresholds(
    threshold: float | Sequence[float] | NDArray[np.floating], n_seqs: int
) -> NDArray[np.float64]:
    """Return the threshold of each sequence, shape (n_seqs,)."""
    values = np.asarray(threshold, dtype=np.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != n_seqs) or np.isnan(values).any():
        raise InputError(
            f"threshold must be a number or one a sequence ({n_seqs}), got {threshold!r}"
        )
    return np.broadcast_to(values, (n_seqs,)).copy()


def _mask(mask: float | ArrayLike, X: torch.Tensor) -> torch.Tensor:
    values = torch.as_tensor(mask if isinstance(mask, torch.Tensor) else np.asarray(mask)).to(X)
    try:
        return values.expand_as(X)
    except RuntimeError:
        raise InputError(
            f"mask must be a number or broadcast to {tuple(X.shape)}, got {tuple(values.shape)}"
        ) from None
