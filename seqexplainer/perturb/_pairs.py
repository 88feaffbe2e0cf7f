"""Experiments with two motifs: spacing, cooperativity, epistasis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Unpack

import numpy as np
import torch

from seqexplainer._inputs import check_one_hot
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._edit import check_position, pattern, write
from seqexplainer.perturb._effect import EXPERIMENT, Edit, Experiment, Group, Trial, to_table
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn

    from seqpro.motifs import Motif

Placement = tuple[torch.Tensor, int]
_TOGETHER = 64  # sequences with a first edit in a pass of pairs
Link = Literal["identity", "log2", "log", "log10", "logit"]

_NATURAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda y: y,
    "log2": np.exp2,
    "log": np.exp,
    "log10": lambda y: np.power(10.0, y),
    "logit": lambda y: 1 / (1 + np.exp(-y)),
}


class Spacing(NamedTuple):
    """Effect of two motifs together, by arrangement and distance.

    Attributes
    ----------
    distances : ndarray of int64, shape (D,)
        Bases (bp) between the two motifs.
    arrangements : list of str, length C
        Order and strands, left to right: ``"A+ B-"`` has the first motif on the left, the second
        on the minus strand.
    before : ndarray of float64, shape (N,)
        Scores of the backgrounds.
    effect : ndarray of float64, shape (N, C, D, ...)
        Score with both motifs, less ``before``; what ``func`` returns beyond a number comes last.
    mean, low, high, p_value, q_value : ndarray of float64, shape (C, D)
        Mean over sequences, bootstrap interval, sign-flip permutation p-value and false
        discovery rate over all entries.
    """

    distances: np.ndarray
    arrangements: list[str]
    before: np.ndarray
    effect: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray

    def to_frame(self) -> pd.DataFrame:
        """Return one row per arrangement and distance."""
        return to_table(
            self,
            arrangement=np.repeat(self.arrangements, len(self.distances)),
            distance=np.tile(self.distances, len(self.arrangements)),
        )


class Cooperativity(NamedTuple):
    """How much two motifs do together beyond what each does alone.

    With ``y`` the scores brought back through the link, the expectation is
    ``y(A) + y(B) - y(background)``.

    Attributes
    ----------
    distances : ndarray of int64, shape (D,)
        From the first base of the first motif to that of the second (bp); negative upstream.
    background, first : ndarray of float64, shape (N,)
        Scores of the backgrounds and with the first motif alone.
    second, both : ndarray of float64, shape (N, D)
        Scores with the second motif alone and with both.
    fold : ndarray of float64, shape (N, D)
        Observed over expected, on the natural scale; NaN where the expectation is not positive.
    excess : ndarray of float64, shape (N, D)
        Observed less expected, on the natural scale.
    statistic : str
        What is summarised: ``"log2 fold"`` for logarithmic links, otherwise ``"excess"``.
    mean, low, high, p_value, q_value : ndarray of float64, shape (D,)
        Mean of the statistic over sequences, bootstrap interval, sign-flip permutation p-value
        and false discovery rate over distances.
    """

    distances: np.ndarray
    background: np.ndarray
    first: np.ndarray
    second: np.ndarray
    both: np.ndarray
    fold: np.ndarray
    excess: np.ndarray
    statistic: str
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray

    @property
    def positions(self) -> np.ndarray:
        """The distances, under the name that `seqexplainer.plot.positional_curve` looks for."""
        return self.distances

    def to_frame(self) -> pd.DataFrame:
        """Return one row per distance."""
        return to_table(self, distance=self.distances, fold=_mean_of_known(self.fold))


class Epistasis(NamedTuple):
    """Interaction of every pair of edits.

    Attributes
    ----------
    before : ndarray of float64, shape (N,)
        Scores of the sequences as they were.
    single : ndarray of float64, shape (N, K)
        Effect of each edit alone.
    interaction : ndarray of float64, shape (N, K, K, ...)
        Effect of two edits together less the sum of their effects; NaN on the diagonal and for
        edits that overlap.
    mean, low, high, p_value, q_value : ndarray of float64, shape (K, K)
        Mean interaction over sequences, bootstrap interval, sign-flip permutation p-value and
        false discovery rate over pairs.
    """

    before: np.ndarray
    single: np.ndarray
    interaction: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray


@keywords(EXPERIMENT)
def space(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    motif_a: str | Motif | NDArray[np.generic],
    motif_b: str | Motif | NDArray[np.generic],
    *,
    distances: Sequence[int] | NDArray[np.int64] | None = None,
    orientations: Sequence[str] = ("++", "+-", "-+", "--"),
    orders: Sequence[str] = ("AB", "BA"),
    anchor: int | None = None,
    **options: Unpack[Experiment],
) -> Spacing:
    """Write two motifs at several distances, strands and orders and measure their effect.

    The first motif stays at the anchor; the second moves.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Backgrounds, for example from `backgrounds`.
    motif_a, motif_b : str, Motif or one-hot array (4, w)
        The motifs.
    distances : sequence of int, shape (D,), optional
        Bases (bp) between the motifs, from 0; by default all that fit in every order.
    orientations : sequence of str, optional
        Strands of A and B: ``"++"``, ``"+-"``, ``"-+"``, ``"--"``.
    orders : sequence of {"AB", "BA"}, optional
        Which motif stands on the left.
    anchor : int, optional
        First base (bp) of the first motif; by default the middle.
    **options
        As in `marginalize`.

    Returns
    -------
    Spacing
        Effect of both motifs by arrangement and distance.

    Raises
    ------
    SeqexplainerError
        If the motifs do not fit or an arrangement is not understood.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> X = np.zeros((3, 4, 20))
    >>> found = space(model, X, "GATA", "TGA", distances=[0, 2], orientations=["++"])
    >>> found.arrangements, found.effect.shape
    (['A+ B+', 'B+ A+'], (3, 2, 2))
    """
    sequences = check_one_hot(X)
    length = sequences.shape[2]
    width_a, width_b = pattern(motif_a).shape[1], pattern(motif_b).shape[1]
    at = (length - width_a) // 2 if anchor is None else anchor
    check_position(at, width_a, length)
    for order in orders:
        if order not in {"AB", "BA"}:
            raise SeqexplainerError(f"order {order!r} is not understood; choose 'AB' or 'BA'")
    if distances is None:
        room = [length - at - width_a if order == "AB" else at for order in orders]
        gaps = np.arange(0, min(room) - width_b + 1)
    else:
        gaps = _integers(distances)
    if not len(gaps) or not orders or not orientations or gaps.min() < 0:
        raise SeqexplainerError(
            "there is no arrangement to try: distances run from 0 (use orders for the other "
            f"side) and must leave room for {width_b} bp beside the first motif at {at}"
        )
    names, placements = [], []
    for order in orders:
        for strands in orientations:
            if len(strands) != 2:
                msg = f"orientation {strands!r} is not understood; give two of '+' and '-'"
                raise SeqexplainerError(msg)
            a, b = pattern(motif_a, strands[0]), pattern(motif_b, strands[1])
            parts = [f"A{strands[0]}", f"B{strands[1]}"]
            names.append(" ".join(parts if order == "AB" else parts[::-1]))
            for gap in gaps.tolist():
                start = at + width_a + gap if order == "AB" else at - gap - width_b
                check_position(start, width_b, length, "second motif")
                placements.append([(a, at), (b, start)])
    found = Trial(model, sequences, options)
    before, after = found.score(sequences), found.edits([_placing(p) for p in placements])
    change = after - before[:, None]
    effect = change.reshape(len(sequences), len(names), len(gaps), *change.shape[2:])
    return Spacing(gaps, names, before, effect, *found.summary(effect, before))


@keywords(EXPERIMENT)
def cooperativity(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    motif_a: str | Motif | NDArray[np.generic],
    motif_b: str | Motif | NDArray[np.generic],
    *,
    distances: Sequence[int] | NDArray[np.int64] | None = None,
    orientation: str = "++",
    link: Link | Callable[[np.ndarray], np.ndarray] = "identity",
    anchor: int | None = None,
    **options: Unpack[Experiment],
) -> Cooperativity:
    """Measure what two motifs do together beyond what each does alone, by distance.

    On the natural scale (scores brought back through the link) the expectation without
    cooperation is ``A + B - background``. With ``link="log2"`` the fold is that of DeepSTARR,
    ``2^AB / (2^A + 2^B - 2^background)`` [1]_.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Backgrounds, for example from `backgrounds`.
    motif_a, motif_b : str, Motif or one-hot array (4, w)
        The motifs; the first stays at the anchor.
    distances : sequence of int, shape (D,), optional
        From the first base of A to the first base of B (bp), negative where B stands upstream.
        By default every distance at which B fits without touching A.
    orientation : str, optional
        Strands of the motifs, such as ``"+-"``.
    link : {"identity", "log2", "log", "log10", "logit"} or callable, optional
        The scale of the scores; a callable brings scores to the natural scale.
    anchor : int, optional
        First base (bp) of the first motif; by default the middle.
    **options
        As in `marginalize`.

    Returns
    -------
    Cooperativity
        Scores of all four kinds, fold and excess, and the summary by distance.

    Raises
    ------
    SeqexplainerError
        If the motifs do not fit or the link is not known.

    References
    ----------
    .. [1] de Almeida et al. 2022, doi:10.1038/s41588-022-01048-5

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> X = np.zeros((3, 4, 20))
    >>> found = cooperativity(model, X, "GATA", "TGA", distances=[-3, 4, 6])
    >>> bool(np.abs(found.excess).max() < 1e-6)
    True
    """
    sequences = check_one_hot(X)
    natural = _NATURAL.get(link) if isinstance(link, str) else link
    if natural is None:
        msg = f"link is {link!r}; choose one of {', '.join(_NATURAL)} or give a function"
        raise SeqexplainerError(msg)
    if len(orientation) != 2:
        msg = f"orientation {orientation!r} is not understood; give two of '+' and '-'"
        raise SeqexplainerError(msg)
    a, b = pattern(motif_a, orientation[0]), pattern(motif_b, orientation[1])
    width_a, width_b, length = a.shape[1], b.shape[1], sequences.shape[2]
    at = (length - width_a) // 2 if anchor is None else anchor
    check_position(at, width_a, length)
    starts = np.arange(0, length - width_b + 1) if distances is None else at + _integers(distances)
    apart = (starts + width_b <= at) | (starts >= at + width_a)
    if distances is None:
        starts = starts[apart]
    elif not apart.all():
        raise SeqexplainerError(
            f"at distances {(starts - at)[~apart].tolist()} the motifs overlap; the second must "
            f"start at least {width_a} bp after or {width_b} bp before the first"
        )
    if not len(starts):
        msg = "there is no distance to try; give at least one, or longer backgrounds"
        raise SeqexplainerError(msg)
    for start in starts.tolist():
        check_position(start, width_b, length, "second motif")
    trial = Trial(model, sequences, options)
    background, first = trial.score(sequences), trial.edits([_placing([(a, at)])])[:, 0]
    alone = trial.edits([_placing([(b, start)]) for start in starts.tolist()])
    pair = trial.edits([_placing([(a, at), (b, start)]) for start in starts.tolist()])
    expected = natural(first)[:, None] + natural(alone) - natural(background)[:, None]
    observed = natural(pair)
    excess = observed - expected
    positive = expected > 0
    fold = np.where(positive, observed / np.where(positive, expected, 1), np.nan)
    statistic, values, scale = "excess", excess, observed
    if isinstance(link, str) and link.startswith("log") and link != "logit":
        statistic, values, scale = "log2 fold", np.log2(fold), np.ones(1)
    summary = trial.summary(values, scale)
    return Cooperativity(
        starts - at, background, first, alone, pair, fold, excess, statistic, *summary
    )


@keywords(EXPERIMENT)
def epistasis(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    edits: Sequence[tuple[str | Motif | NDArray[np.generic], int]],
    **options: Unpack[Experiment],
) -> Epistasis:
    """Make edits alone and in pairs and measure how far pairs are from the sum.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences.
    edits : sequence of (motif, position), length K
        What to write where (first base, bp); a single letter is a point mutation.
    **options
        As in `marginalize`.

    Returns
    -------
    Epistasis
        Effects alone and interactions of pairs.

    Raises
    ------
    SeqexplainerError
        If there are fewer than two edits or one does not fit.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> X = np.zeros((3, 4, 20))
    >>> found = epistasis(model, X, [("A", 3), ("GATA", 8), ("T", 15)])
    >>> bool(np.nanmax(np.abs(found.interaction)) < 1e-6)
    True
    """
    sequences = check_one_hot(X)
    if len(edits) < 2:
        raise SeqexplainerError(f"{len(edits)} edits are given; epistasis needs at least two")
    placed: list[Placement] = []
    for edit in edits:
        if isinstance(edit, str) or len(edit) != 2:
            msg = f"the edit {edit!r} is not understood; give pairs (motif, position)"
            raise SeqexplainerError(msg)
        motif, position = edit
        what = pattern(motif)
        check_position(position, what.shape[1], sequences.shape[2], "edit")
        placed.append((what, position))
    k = len(placed)
    pairs = [
        (i, j) for i in range(k) for j in range(i + 1, k) if not _overlap(placed[i], placed[j])
    ]
    trial = Trial(model, sequences, options)
    before = trial.score(sequences)
    single = trial.edits([_placing([p]) for p in placed]) - before[:, None]
    interaction = np.full((len(sequences), k, k, *before.shape[1:]), np.nan)
    if pairs:
        i, j = np.array(pairs).T
        if trial.predicts:
            together = _score_pairs(trial, placed, pairs)
        else:
            together = trial.edits([_placing([placed[one], placed[other]]) for one, other in pairs])
        beyond = together - before[:, None] - single[:, i] - single[:, j]
        interaction[:, i, j] = interaction[:, j, i] = beyond
    upper = np.triu_indices(k, 1)
    squares = []
    for values in trial.summary(interaction[:, *upper], before):
        square = np.full((k, k, *before.shape[1:]), np.nan)
        square[upper] = values
        square[upper[::-1]] = values
        squares.append(square)
    return Epistasis(before, single, interaction, *squares)


def _score_pairs(
    trial: Trial, placed: Sequence[Placement], pairs: Sequence[tuple[int, int]]
) -> NDArray[np.float64]:
    """Score pairs of edits (N, n_pairs): with the first made, the second is all that differs."""
    X = trial.X
    n, together = len(X), max(1, _TOGETHER // len(X))
    firsts = sorted({i for i, _ in pairs})

    def groups() -> Iterator[Group]:
        for begin in range(0, len(firsts), together):
            own = firsts[begin : begin + together]
            once = X.repeat(len(own), 1, 1).view(len(own), *X.shape)
            for rows, i in zip(once, own, strict=True):
                write(rows, *placed[i])
            seconds = [(own.index(i), j) for i, j in pairs if i in own]
            twice = once[[place for place, _ in seconds]]
            for rows, (_, j) in zip(twice, seconds, strict=True):
                write(rows, *placed[j])
            starts = torch.tensor([place * n for place, _ in seconds])
            owner = starts[:, None] + torch.arange(n)
            origin = torch.arange(n).repeat(len(own))
            yield once.flatten(0, 1), owner.reshape(-1), twice.flatten(0, 1), origin

    return np.concatenate(list(trial.against(groups()))).reshape(len(pairs), n).T


def _mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over sequences of what is not NaN, NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _integers(values: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a flat array of integers."""
    return np.asarray(values, dtype=np.int64).ravel()


def _placing(placements: Sequence[Placement]) -> Edit:
    """Return an edit that writes patterns one after the other."""

    def edit(rows: torch.Tensor) -> None:
        for what, position in placements:
            write(rows, what, position)

    return edit


def _overlap(one: Placement, other: Placement) -> bool:
    """Tell whether the spans of two placements overlap."""
    left, right = sorted((one, other), key=lambda p: p[1])
    return left[1] + left[0].shape[1] > right[1]
