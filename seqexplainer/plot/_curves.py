"""Curves over positions and rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot._logo import glyph
from seqexplainer.plot.style import (
    LINE_COLORS,
    MUTED,
    axes_or_new,
    letter_colors,
    position_ticks,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


def positional_curve(
    positions: Any,
    mean: ArrayLike | None = None,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    color: str | None = None,
    xlabel: str = "position of the motif (bp)",
    ylabel: str = "change of the score",
    title: str | None = None,
) -> Axes:
    """Draw a mean effect over positions or distances, with its interval as a band.

    Call it again with the same axes to compare curves.

    Parameters
    ----------
    positions : array_like of int with shape (P,), or a result
        Positions (bp); or a result of `seqexplainer.positional_importance` or
        `seqexplainer.occlude`, which brings all four arrays.
    mean, low, high : array_like of float, shape (P,), optional
        Mean and interval.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    label : str, optional
        Name of the curve in the legend.
    color : str, optional
        Colour; by default the next one.
    xlabel, ylabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    SeqexplainerError
        If the arrays do not fit each other.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = positional_curve([0, 1, 2], [1.0, 2.0, 1.5], [0.5, 1.5, 1.0], [1.5, 2.5, 2.0])
    >>> len(ax.lines), len(ax.collections)
    (2, 1)
    """
    if mean is None:
        if not all(hasattr(positions, name) for name in ("positions", "mean", "low", "high")):
            msg = "give positions and mean, or a result that has positions, mean, low and high"
            raise SeqexplainerError(msg)
        result = positions
        positions, mean, low, high = result.positions, result.mean, result.low, result.high
    x, y = np.asarray(positions, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        msg = f"positions have shape {x.shape} and mean {y.shape}; expected (P,) for both"
        raise SeqexplainerError(msg)
    ax = axes_or_new(ax, 6, 2.8)
    if not ax.lines:
        ax.axhline(0, color=MUTED, linewidth=0.7, zorder=0)
    drawn = len([line for line in ax.lines if line.get_gid() == "curve"])
    color = color or LINE_COLORS[drawn % len(LINE_COLORS)]
    ax.plot(x, y, color=color, linewidth=1.6, label=label, gid="curve")
    if low is not None and high is not None:
        ax.fill_between(x, np.asarray(low), np.asarray(high), color=color, alpha=0.2, linewidth=0)
    ax.margins(x=0.01)
    tidy(ax, xlabel=xlabel, ylabel=ylabel, title=title)
    if label:
        ax.legend(frameon=False, loc="best")
    return ax


def evolution_traces(
    scores: object,
    *,
    ax: Axes | None = None,
    color: str = LINE_COLORS[0],
    label: str | None = None,
    xlabel: str = "round",
    ylabel: str = "score",
    title: str | None = None,
) -> Axes:
    """Draw the score of every sequence over the rounds of evolution, and their mean.

    Parameters
    ----------
    scores : array_like of float with shape (N, rounds + 1), or a result of `seqexplainer.evolve`
        Scores of the originals and after each round.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    color : str, optional
        Colour of the mean; single sequences are drawn in a light shade of it.
    label : str, optional
        Name in the legend.
    xlabel, ylabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    SeqexplainerError
        If the scores are not two-dimensional.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = evolution_traces([[0.0, 1.0, 2.0], [0.5, 0.7, 2.5]])
    >>> ax.lines[-1].get_ydata().tolist()
    [0.25, 0.85, 2.25]
    """
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import MaxNLocator

    values = np.asarray(getattr(scores, "scores", scores), dtype=np.float64)
    if values.ndim != 2:
        msg = f"scores have shape {values.shape}; expected (sequences, rounds + 1)"
        raise SeqexplainerError(msg)
    ax = axes_or_new(ax, 4.5, 3.0)
    rounds = np.arange(values.shape[1])
    alpha = float(np.clip(8 / len(values), 0.12, 0.45))
    lines = [np.column_stack([rounds, row]) for row in values]
    ax.add_collection(LineCollection(lines, colors=color, linewidths=0.8, alpha=alpha))
    name = label or (f"mean of {len(values)} sequences" if len(values) > 1 else None)
    mean = values.mean(axis=0)
    ax.plot(rounds, mean, color=color, linewidth=2.2, marker="o", markersize=3.5, label=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.03, y=0.06)
    ax.autoscale_view()
    tidy(ax, xlabel=xlabel, ylabel=ylabel, title=title)
    if name:
        ax.legend(frameon=False, loc="upper left")
    return ax


def edit_map(
    trace: Any,
    *,
    sequence: int = 0,
    ax: Axes | None = None,
    colors: str = "classic",
    start: int = 0,
    xlabel: str = "position (bp)",
    title: str | None = None,
) -> Axes:
    """Draw which positions of one sequence were edited in which round, between start and end.

    The start stands at the top and the end below, each as letters; a mark between them is an
    edit, in the colour of the new letter: a dot where a letter took another's place, a triangle
    that points down for an insertion, a cross for a deletion.

    Parameters
    ----------
    trace : Evolution or Design
        Result of `seqexplainer.evolve` or `seqexplainer.design`.
    sequence : int, optional
        Number of the sequence.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    colors : {"classic", "colorblind"}, optional
        Scheme of the letters.
    start : int, optional
        Coordinate of the first base (bp).
    xlabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; rounds run downwards.

    Raises
    ------
    SeqexplainerError
        If there is no such sequence.

    Examples
    --------
    >>> import matplotlib, torch, seqexplainer as se
    >>> matplotlib.use("Agg")
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1))
    >>> X = se.backgrounds(kind="random", n=1, length=10)
    >>> ax = edit_map(se.evolve(model, X, rounds=2))
    >>> ax.get_ylabel()
    'round'
    """
    from matplotlib.ticker import MaxNLocator

    n, _, length = trace.sequences.shape
    if not 0 <= sequence < n:
        raise SeqexplainerError(f"sequence {sequence} does not exist; there are {n}")
    table = trace.trace() if hasattr(trace, "trace") else trace.to_frame()
    table = table[(table["sequence"] == sequence) & (table["position"] >= 0)]
    last = trace.scores.shape[1] - 1
    ax = axes_or_new(ax, float(np.clip(length / 10, 5, 16)), 2.6)
    room = max(last, 1) / 6
    letters = trace.alphabet
    shade = dict(zip(letters, letter_colors(colors, letters), strict=True))
    _letters(ax, np.asarray(trace.at(0)[sequence]), start, -0.15 * room, room, colors, letters)
    end = last + 2.15 * room
    _letters(ax, np.asarray(trace.sequences[sequence]), start, end, room, colors, letters)
    markers = {"substitution": "o", "deletion": "x", "insertion": "v"}
    for edit in table.itertuples():
        color = shade.get(edit.alt, MUTED)
        at = start + edit.position
        ax.plot([at, at], [0, edit.round], color=color, linewidth=0.8, alpha=0.35, zorder=1)
        ax.plot(at, edit.round, markers[edit.kind], color=color, markersize=5, zorder=2)
    position_ticks(ax, start, length)
    ax.set_ylim(last + 2.3 * room, -1.3 * room)
    ticks = MaxNLocator(nbins=5, integer=True).tick_values(0, last)
    ax.set_yticks([int(t) for t in ticks if 0 <= t <= last])
    tidy(ax, xlabel=xlabel, ylabel="round", title=title)
    return ax


def _letters(
    ax: Axes,
    x: np.ndarray,
    start: int,
    bottom: float,
    height: float,
    colors: str,
    alphabet: str,
) -> None:
    """Draw the letters of a one-hot sequence (A, L) on axes whose y runs downwards."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    shades = letter_colors(colors, alphabet)
    for letter, row, color in zip(alphabet, x, shades, strict=True):
        vertices, codes = glyph(letter)
        paths = [
            Path(vertices * [0.9, -height] + [start + place - 0.45, bottom], codes)
            for place in np.flatnonzero(row == 1).tolist()
        ]
        ax.add_collection(PathCollection(paths, facecolors=color, linewidths=0))
