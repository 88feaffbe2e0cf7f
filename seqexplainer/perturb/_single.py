"""Experiments with one motif or one span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, Unpack

import numpy as np
import torch

from seqexplainer._inputs import check_one_hot, check_whole, letters_for
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._edit import check_position, pattern, randomise, substitute, write
from seqexplainer.perturb._effect import EXPERIMENT, Effect, Experiment, Trial, to_table
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn

    from seqpro.motifs import Motif

_COPIES = 2048  # edited sequences together


class Positional(NamedTuple):
    """Effect of a motif at every position.

    Attributes
    ----------
    positions : ndarray of int64, shape (P,)
        First base (bp, 0-based) of the motif, or of the occluded window.
    before : ndarray of float64, shape (N, ...)
        Scores of the sequences as they were.
    effect : ndarray of float64, shape (N, P, ...)
        Score with the motif at the position, less ``before``.
    mean, low, high : ndarray of float64, shape (P, ...)
        Mean over sequences and its bootstrap interval.
    p_value, q_value : ndarray of float64, shape (P, ...)
        Sign-flip permutation p-value and its false discovery rate over positions.
    """

    positions: np.ndarray
    before: np.ndarray
    effect: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray

    def to_frame(self) -> pd.DataFrame:
        """Return one row per position: position, mean, low, high, p_value, q_value."""
        return to_table(self, position=self.positions)


@keywords(EXPERIMENT)
def marginalize(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    motif: str | Motif | NDArray[np.generic],
    *,
    position: int | Sequence[int] | None = None,
    orientation: Literal["+", "-"] = "+",
    sample: bool = False,
    **options: Unpack[Experiment],
) -> Effect:
    """Write a motif into backgrounds and measure what it does to the score.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Backgrounds, for example from `backgrounds`.
    motif : str, Motif or one-hot array (4, w)
        What to write; N leaves the base.
    position : int or sequence of int with shape (N,), optional
        First base (bp); by default the middle.
    orientation : {"+", "-"}, optional
        Strand of the motif.
    sample : bool, optional
        Draw the letters of a Motif from its probabilities for every sequence, instead of writing
        the most frequent ones.
    target : int, tuple, str or callable, optional
        Which number of the output is the score.
    func : callable, optional
        ``func(model, X, batch_size=..., device=...) -> (N, ...)`` to apply before and after
        instead of predicting, for example an attribution method.
    args : sequence of arrays, optional
        Extra inputs of the model, each with one row per sequence: an edited sequence keeps those
        of the original. `func` gets them as ``args=``, if there are any.
    confidence, n_resamples, seed : float, int, int, optional
        Of the bootstrap interval and the permutation test.
    engine : {"auto", "window", "plain"}, optional
        How edited sequences are predicted: from what an edit can reach, or whole; as in
        `seqexplainer.saturation_mutagenesis`.
    batch_size, device, dtype, progress
        As in `seqexplainer.predict`.

    Returns
    -------
    Effect
        Scores before and after, the effect with its interval, p-value and false discovery rate.

    Raises
    ------
    SeqexplainerError
        If the motif does not fit or the target does not exist.

    References
    ----------
    Koo et al. 2021 (global importance analysis), doi:10.1371/journal.pcbi.1008925

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.tensor([[0.0] * 20 + [1.0] * 10 + [0.0] * 10]))
    >>> X = np.eye(4)[np.zeros((5, 10), int)].swapaxes(1, 2)
    >>> marginalize(model, X, "GG").mean.tolist()
    2.0
    """
    trial = Trial(model, check_one_hot(X), options)
    edited = substitute(
        trial.X,
        motif,
        position=position,
        orientation=orientation,
        sample=sample,
        seed=trial.seed,
    )
    return trial.effect(trial.copies([edited[None]])[:, 0])


@keywords(EXPERIMENT)
def ablate(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    spans: tuple[int, int] | Sequence[tuple[int, int]],
    *,
    method: Literal["shuffle", "dinuc_shuffle", "random", "zero", "uniform"] = "shuffle",
    n: int = 20,
    **options: Unpack[Experiment],
) -> Effect:
    """Destroy spans of the sequences, one at a time, and measure what is lost.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences.
    spans : (int, int) or sequence of (int, int)
        Spans (bp, 0-based half-open), the same for every sequence.
    method : {"shuffle", "dinuc_shuffle", "random", "zero", "uniform"}, optional
        How a span is destroyed; see `randomise`. A short span has few shuffles that keep its
        dinucleotides, and the span itself is one of them.
    n : int, optional
        Draws per sequence, over which scores are averaged; 1 for ``zero`` and ``uniform``.
    **options
        As in `marginalize`.

    Returns
    -------
    Effect
        With one entry per span behind the sequence axis, or none if a single span was given.

    Raises
    ------
    SeqexplainerError
        If a span is empty or outside the sequences.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    >>> X = np.eye(4)[np.zeros((5, 10), int)].swapaxes(1, 2)
    >>> ablate(model, X, [(0, 3), (5, 9)], method="zero").effect.shape
    (5, 2)
    """
    trial = Trial(model, check_one_hot(X), options)
    sequences, seed = trial.X, trial.seed
    listed = np.asarray(spans, dtype=np.int64)
    single = listed.ndim == 1 and len(listed) == 2
    listed = listed[None] if single else listed
    if listed.ndim != 2 or listed.shape[1] != 2:
        msg = "spans must be one (start, end) or a list of them, with at least one"
        raise SeqexplainerError(msg)
    check_whole(n=n)
    draws = 1 if method in {"zero", "uniform"} else n
    together = max(1, _COPIES // (draws * len(sequences)))

    def parts() -> Iterator[torch.Tensor]:
        for begin in range(0, len(listed), together):
            edited = [
                randomise(sequences, start, end, method=method, n=draws, seed=seed)
                for start, end in listed[begin : begin + together].tolist()
            ]
            yield torch.cat(edited, dim=1).transpose(0, 1)

    values = trial.copies(parts())
    after = values.reshape(len(sequences), len(listed), draws, *values.shape[2:]).mean(axis=2)
    return trial.effect(after[:, 0] if single else after)


@keywords(EXPERIMENT)
def occlude(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    *,
    width: int = 10,
    stride: int = 1,
    method: Literal["zero", "uniform", "random", "shuffle", "dinuc_shuffle"] = "zero",
    **options: Unpack[Experiment],
) -> Positional:
    """Cover a window that slides along the sequences and measure what is lost.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences.
    width, stride : int, optional
        Width of the window and step between windows (bp).
    method : {"zero", "uniform", "random", "shuffle", "dinuc_shuffle"}, optional
        What the window is replaced with; see `randomise`.
    **options
        As in `marginalize`.

    Returns
    -------
    Positional
        Effects of covering each window (negative where something is lost).

    Raises
    ------
    SeqexplainerError
        If the window is wider than the sequences.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    >>> X = np.eye(4)[np.zeros((5, 10), int)].swapaxes(1, 2)
    >>> occlude(model, X, width=4, stride=3).positions.tolist()
    [0, 3, 6]
    """
    sequences = check_one_hot(X)
    length = sequences.shape[2]
    check_whole(width=width, stride=stride)
    if width > length:
        raise SeqexplainerError(f"windows of {width} bp do not fit sequences of {length} bp")
    if method == "uniform":
        sequences = sequences.float()
    positions = np.arange(0, length - width + 1, stride)
    trial = Trial(model, sequences, options)

    def cover(start: int, rows: torch.Tensor) -> None:
        rows.copy_(randomise(rows, start, start + width, method=method, seed=trial.seed)[:, 0])

    found = trial.effect(trial.edits([partial(cover, start) for start in positions.tolist()]))
    return Positional(positions, found.before, *found[2:])


@keywords(EXPERIMENT)
def positional_importance(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    motif: str | Motif | NDArray[np.generic],
    *,
    positions: Sequence[int] | NDArray[np.int64] | None = None,
    stride: int = 1,
    orientation: Literal["+", "-"] = "+",
    **options: Unpack[Experiment],
) -> Positional:
    """Slide a motif along background sequences and measure what it does at each position.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Backgrounds, for example from `backgrounds`.
    motif : str, Motif or one-hot array (4, w)
        What to write.
    positions : sequence of int, shape (P,), optional
        First bases (bp, 0-based); by default every ``stride``-th position at which the motif fits.
    stride : int, optional
        Step between positions (bp).
    orientation : {"+", "-"}, optional
        Strand of the motif.
    **options
        As in `marginalize`.

    Returns
    -------
    Positional
        The effect of every sequence at every position, and its summary over sequences.

    Raises
    ------
    SeqexplainerError
        If the motif does not fit at a position.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.arange(40.0)[None] % 10)
    >>> X = np.zeros((3, 4, 10))
    >>> positional_importance(model, X, "GA", positions=[0, 4]).mean.tolist()
    [1.0, 9.0]
    """
    sequences = check_one_hot(X)
    check_whole(stride=stride)
    what = pattern(motif, orientation, letters_for(X))
    width, length = what.shape[1], sequences.shape[2]
    if positions is None:
        check_position(0, width, length)
        at = np.arange(0, length - width + 1, stride)
    else:
        at = np.asarray(positions, dtype=np.int64).ravel()
        for p in at.tolist():
            check_position(p, width, length)
    if not len(at):
        raise SeqexplainerError("positions is empty; give at least one")
    trial = Trial(model, sequences, options)

    def place(position: int, rows: torch.Tensor) -> None:
        write(rows, what, position)

    found = trial.effect(trial.edits([partial(place, position) for position in at.tolist()]))
    return Positional(at, found.before, *found[2:])
