"""Attributions along a sequence, and the effect of every substitution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot._logo import logo
from seqexplainer.plot.style import (
    SPAN_COLORS,
    as_matrix,
    axes_or_new,
    color_scale,
    letter_colors,
    position_ticks,
    row_letters,
    tidy,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from seqpro.alphabets import BaseAlphabet

Span = tuple[int, int] | tuple[int, int, str]


def annotation_spans(
    codes: ArrayLike, names: Sequence[str] | Mapping[int, str] | Mapping[str, int] | None = None
) -> list[Span]:
    """Turn an annotation of positions into spans.

    Parameters
    ----------
    codes : array_like of int or bool, shape (L,)
        0 where there is nothing, otherwise the number of the element.
    names : sequence or mapping, optional
        Names of elements 1, 2, ..., or which number has which name, either way round: an
        annotation of `eugene.simulate` has the latter as ``attrs["codes"]``.

    Returns
    -------
    list of (int, int) or (int, int, str)
        Spans (positions from 0, half-open) with their names.

    Examples
    --------
    >>> annotation_spans([0, 1, 1, 0, 2], ["GATA", "TATA"])
    [(1, 3, 'GATA'), (4, 5, 'TATA')]
    >>> annotation_spans([0, 1, 1, 0, 2], {"background": 0, "GATA": 1, "TATA": 2})
    [(1, 3, 'GATA'), (4, 5, 'TATA')]
    """
    array = np.asarray(codes).astype(np.int64).ravel()
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names or (), start=1)
    table: dict[int, str] = {}
    for one, other in pairs:
        number, name = (other, one) if isinstance(one, str) else (one, other)
        table[int(number)] = str(name)
    edges = np.flatnonzero(np.diff(array, prepend=0, append=0))
    spans: list[Span] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        code = int(array[begin])
        if code:
            spans.append((begin, end, table[code]) if code in table else (begin, end))
    return spans


def attribution_track(
    attributions: NDArray[np.generic] | torch.Tensor,
    *,
    ax: Axes | None = None,
    spans: Sequence[Span] | pd.DataFrame = (),
    start: int = 0,
    chrom: str | None = None,
    alphabet: BaseAlphabet | str | None = None,
    colors: str | Mapping[str, str] = "classic",
    span_colors: Mapping[str, str] | None = None,
    ylim: tuple[float, float] | None = None,
    ylabel: str = "attribution",
    title: str | None = None,
) -> Axes:
    """Draw attributions as a logo over coordinates, with annotated spans behind it.

    Parameters
    ----------
    attributions : ndarray or Tensor of float, shape (A, L)
        Attributions of one sequence.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    spans : sequence of (start, end) or (start, end, name), optional
        Spans to highlight, in the coordinates of the x axis, half-open; see `annotation_spans`.
        Or a table of seqlets of this one sequence, counted from its first letter, as from
        `seqexplainer.recursive_seqlets` or `seqexplainer.annotate_seqlets`.
        Spans of one name have one colour; names stand above the track.
    start : int, optional
        Coordinate of the first base (bp, 0-based).
    chrom : str, optional
        Name of the sequence for the x axis.
    alphabet, colors
        As in `logo`.
    span_colors : mapping of str to str, optional
        Colours of spans by name.
    ylim : (float, float), optional
        Limits of the y axis.
    ylabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = attribution_track(np.eye(4), spans=[(1001, 1003, "GATA")], start=1000, chrom="chr1")
    >>> ax.get_xlabel(), [t.get_text() for t in ax.texts]
    ('chr1 (bp)', ['GATA'])
    """
    values = as_matrix(attributions, "attributions")
    length = values.shape[1]
    ax = axes_or_new(ax, float(np.clip(0.09 * length, 4, 16)), 2.0)
    logo(values, ax=ax, alphabet=alphabet, colors=colors, start=start, ylim=ylim, ylabel=ylabel)
    ax.set_xlabel(f"{chrom} (bp)" if chrom else "position (bp)")
    listed = _from_seqlets(spans, start) if hasattr(spans, "columns") else spans
    labelled = _draw_spans(ax, listed, start, length, dict(span_colors or {}))
    if title:
        ax.set_title(title, loc="left", pad=11 * labelled + 7 if labelled else None)
    return ax


def _from_seqlets(table: pd.DataFrame, start: int) -> list[Span]:
    """Return seqlets as spans, each with the name of its best motif if it has one."""
    missing = {"start", "end"} - set(table.columns)
    if missing:
        msg = f"the table of spans has no column {sorted(missing)[0]!r}, only {list(table.columns)}"
        raise SeqexplainerError(msg)
    if "sequence" in table and table["sequence"].nunique() > 1:
        raise SeqexplainerError(
            f"the table holds seqlets of {table['sequence'].nunique()} sequences; take those of "
            "the one that is drawn: table[table['sequence'] == 0]"
        )
    if "rank" in table:
        table = table[~(table["rank"] > 1)]
    spans: list[Span] = []
    for row in table.to_dict("records"):
        begin, end, name = start + int(row["start"]), start + int(row["end"]), row.get("target")
        spans.append((begin, end, name) if isinstance(name, str) else (begin, end))
    return spans


def _draw_spans(
    ax: Axes, spans: Sequence[Span], start: int, length: int, table: dict[str, str]
) -> int:
    """Shade spans and write their names above; return the rows of names used."""
    last_end = [-np.inf, -np.inf, -np.inf]
    rows = 0
    in_view = sorted(s for s in spans if s[1] > start and s[0] < start + length)
    for span in in_view:
        begin, end = max(span[0], start), min(span[1], start + length)
        name = span[2] if len(span) == 3 else ""
        color = table.setdefault(name, SPAN_COLORS[len(table) % len(SPAN_COLORS)])
        ax.axvspan(begin - 0.5, end - 0.5, color=color, alpha=0.35, linewidth=0, zorder=-2)
        if not name:
            continue
        middle = (begin + end - 1) / 2
        half = max(0.5 * (end - begin), 0.006 * length * len(name))
        row = next((i for i, e in enumerate(last_end) if middle - half >= e), 0)
        last_end[row] = middle + half
        rows = max(rows, row + 1)
        ax.annotate(
            name,
            (middle, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2 + 11 * row),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="small",
            annotation_clip=False,
        )
    return rows


def ism_heatmap(
    effects: NDArray[np.generic] | torch.Tensor,
    *,
    sequence: NDArray[np.generic] | torch.Tensor | None = None,
    ax: Axes | None = None,
    start: int = 0,
    chrom: str | None = None,
    alphabet: BaseAlphabet | str | None = None,
    colors: str | Mapping[str, str] = "classic",
    limit: float | None = None,
    colorbar: bool = True,
    label: str = "score change",
) -> Axes:
    """Draw the effect of every substitution as a heat map.

    Parameters
    ----------
    effects : ndarray or Tensor of float, shape (A, L)
        Change of the score by each substitution, 0 at the letter that is there.
    sequence : ndarray or Tensor, shape (A, L), optional
        One-hot sequence; its letters are marked by dots. One that says its ``alphabet``, as those
        of `eugene.interpret.one_hot` do, names the rows.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    start : int, optional
        Coordinate of the first base (bp, 0-based).
    chrom : str, optional
        Name of the sequence for the x axis.
    alphabet, colors
        As in `logo`; the colours are those of the letters beside the rows.
    limit : float, optional
        The colour scale runs from ``-limit`` to ``limit``; by default the largest effect.
    colorbar : bool, optional
        Whether to draw the colour scale.
    label : str, optional
        What the colour means.

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
    >>> ax = ism_heatmap(np.arange(12.0).reshape(4, 3) - 5, colorbar=False)
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['A', 'C', 'G', 'T']
    """
    values = as_matrix(effects, "effects")
    # one-hot sequences may know their letters
    alphabet = getattr(sequence, "alphabet", None) if alphabet is None else alphabet
    alphabet = row_letters(values, alphabet)
    if len(values) != len(alphabet):
        msg = f"effects has {len(values)} rows, but the alphabet {alphabet!r} {len(alphabet)}"
        raise SeqexplainerError(msg)
    length = values.shape[1]
    ax = axes_or_new(ax, float(np.clip(0.09 * length, 4, 16)), 1.7)
    bound = limit or float(np.nanmax(np.abs(values))) or 1.0
    image = ax.imshow(
        values,
        cmap="RdBu_r",
        vmin=-bound,
        vmax=bound,
        aspect="auto",
        interpolation="nearest",
        extent=(start - 0.5, start + length - 0.5, len(values) - 0.5, -0.5),
    )
    if sequence is not None:
        letters = as_matrix(sequence, "sequence")
        if letters.shape != values.shape:
            msg = f"sequence has shape {letters.shape}, but effects {values.shape}"
            raise SeqexplainerError(msg)
        row, column = np.nonzero(letters)
        size = float(np.clip(900 / length, 1.5, 14))
        ax.scatter(start + column, row, s=size, color="#333333", linewidths=0)
    position_ticks(ax, start, length)
    ax.set_yticks(range(len(alphabet)), list(alphabet), fontweight="bold")
    ax.tick_params(axis="y", length=0)
    for tick, color in zip(ax.get_yticklabels(), letter_colors(colors, alphabet), strict=True):
        tick.set_color(color)
    ax.set_xlabel(f"{chrom} (bp)" if chrom else "position (bp)")
    ax.spines[["top", "right", "left"]].set_visible(False)
    if colorbar:
        color_scale(ax, image, label, pad=0.01, fraction=0.03)
    return ax


__all__ = ["Span", "annotation_spans", "attribution_track", "ism_heatmap", "tidy"]
