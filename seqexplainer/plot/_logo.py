"""Sequence logos drawn from the outlines of letters."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot.style import (
    as_matrix,
    axes_or_new,
    letter_colors,
    position_ticks,
    row_letters,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from seqpro.alphabets import BaseAlphabet
    from seqpro.motifs import Motif


@lru_cache(maxsize=256)
def glyph(letter: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the outline of a bold letter, stretched to the unit square.

    Parameters
    ----------
    letter : str
        One character.

    Returns
    -------
    tuple of (ndarray of float64 with shape (V, 2), ndarray of uint8 with shape (V,))
        Vertices and matplotlib path codes.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    path = TextPath(
        (0, 0), letter, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold")
    )
    vertices = np.asarray(path.vertices, dtype=np.float64)
    used = vertices[path.codes != path.CLOSEPOLY]
    low, span = used.min(axis=0), np.ptp(used, axis=0)
    unit = (vertices - low) / np.where(span > 0, span, 1)
    if letter in {"I", "1", "l"}:
        unit[:, 0] = 0.35 + 0.3 * unit[:, 0]
    return np.clip(unit, 0, 1), np.asarray(path.codes, dtype=np.uint8)


def information(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return letter heights in bits from counts or probabilities, shape (A, L)."""
    if (matrix < 0).any():
        msg = "a logo in bits needs counts or probabilities, but the matrix has negative entries"
        raise SeqexplainerError(msg)
    total = matrix.sum(axis=0)
    ppm = np.where(total > 0, matrix / np.where(total > 0, total, 1), 1 / len(matrix))
    bits = np.log2(len(ppm)) + (ppm * np.log2(np.where(ppm > 0, ppm, 1))).sum(axis=0)
    heights: NDArray[np.float64] = ppm * np.maximum(bits, 0)
    return heights


def stack(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower edge of each letter (A, L), small letters next to the zero line.

    Positive letters pile up from 0 and negative ones hang down from it.
    """
    size = np.abs(heights)
    order = np.argsort(size, axis=0, kind="stable")
    sorted_up = np.take_along_axis(np.where(heights > 0, heights, 0), order, axis=0)
    sorted_down = np.take_along_axis(np.where(heights < 0, size, 0), order, axis=0)
    below_up = np.cumsum(sorted_up, axis=0) - sorted_up
    below_down = np.cumsum(sorted_down, axis=0)
    base = np.empty_like(heights)
    negative = np.take_along_axis(heights, order, axis=0) < 0
    np.put_along_axis(base, order, np.where(negative, -below_down, below_up), axis=0)
    return base


def draw_letters(
    ax: Axes,
    heights: NDArray[np.float64],
    *,
    alphabet: str,
    colors: str | Mapping[str, str],
    start: float,
    width: float,
    alpha: float,
) -> None:
    """Add all letters of a matrix (A, L) to the axes as one collection, one path per letter."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    base, size = stack(heights), np.abs(heights)
    paths, faces = [], []
    for row, (letter, color) in enumerate(
        zip(alphabet, letter_colors(colors, alphabet), strict=True)
    ):
        at = np.flatnonzero(size[row] > 0)
        if not len(at):
            continue
        vertices, codes = glyph(letter)
        x = start + at[:, None] - width / 2 + width * vertices[:, 0]
        unit = np.where(heights[row, at, None] < 0, 1 - vertices[:, 1], vertices[:, 1])
        y = base[row, at, None] + size[row, at, None] * unit
        both = np.stack([x, y], axis=-1).reshape(-1, 2)
        paths.append(Path(both, np.tile(codes, len(at))))
        faces.append(color)
    collection = PathCollection(paths, facecolors=faces, edgecolors="none", alpha=alpha)
    ax.add_collection(collection, autolim=False)


def logo(
    matrix: NDArray[np.generic] | torch.Tensor | Motif,
    *,
    ax: Axes | None = None,
    kind: Literal["auto", "values", "bits"] = "auto",
    alphabet: BaseAlphabet | str | None = None,
    colors: str | Mapping[str, str] = "classic",
    start: int = 0,
    width: float = 0.94,
    alpha: float = 1.0,
    ylim: tuple[float, float] | None = None,
    ylabel: str | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a sequence logo.

    Parameters
    ----------
    matrix : ndarray or Tensor of float with shape (A, L), or Motif
        Letter heights, such as attributions; or counts or probabilities to be drawn in bits.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    kind : {"auto", "values", "bits"}, optional
        ``values`` draws the numbers as they are, negative letters hanging upside down;
        ``bits`` turns counts or probabilities into information content. ``auto`` takes bits
        for a Motif and values for an array.
    alphabet : BaseAlphabet or str, optional
        Letters of the rows, or the name ``"DNA"``, ``"RNA"`` or ``"AA"``; a Motif and a variable
        of a dataset bring their own. By default four rows are DNA, 21 (or 20) amino acids.
    colors : {"classic", "colorblind"} or mapping, optional
        Letter colours: A green, C blue, G orange, T red, in ordinary shades or in shades that
        stay apart in red-green and blue-yellow colour blindness.
    start : int, optional
        Coordinate of the first column.
    width : float, optional
        Width of a letter (columns).
    alpha : float, optional
        Opacity.
    ylim : (float, float), optional
        Limits of the y axis; by default the data's, or 0 to the largest possible information.
    ylabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    SeqexplainerError
        If the matrix does not fit the alphabet or holds numbers that cannot be drawn.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = logo(np.array([[1.0, -0.5], [0, 0], [0, 0.2], [0, 0]]))
    >>> len(ax.collections)
    1
    """
    if hasattr(matrix, "ppm"):
        motif = cast("Motif", matrix)
        alphabet = str(motif.alphabet.alphabet)
        values = np.asarray(motif.ppm(), dtype=np.float64)
        kind = "bits" if kind == "auto" else kind
    else:
        values = as_matrix(matrix)
        said = getattr(matrix, "attrs", {}).get("alphabet") if alphabet is None else alphabet
        alphabet = row_letters(values, said)
    if kind not in {"auto", "values", "bits"}:
        raise SeqexplainerError(f"kind is {kind!r}; choose 'auto', 'values' or 'bits'")
    if len(values) != len(alphabet):
        raise SeqexplainerError(
            f"the matrix has {len(values)} rows, but the alphabet {alphabet!r} has "
            f"{len(alphabet)} letters; expected (letters, length)"
        )
    if not np.isfinite(values).all():
        raise SeqexplainerError("the matrix holds NaN or infinite numbers, which have no height")
    heights = information(values) if kind == "bits" else values
    length = heights.shape[1]
    ax = axes_or_new(ax, float(np.clip(0.28 * length, 2.5, 16)), 1.6)
    draw_letters(
        ax, heights, alphabet=alphabet, colors=colors, start=start, width=width, alpha=alpha
    )
    top = float(np.where(heights > 0, heights, 0).sum(axis=0).max())
    bottom = -float(np.where(heights < 0, -heights, 0).sum(axis=0).max())
    if ylim is None:
        ylim = (0, float(np.log2(len(alphabet)))) if kind == "bits" else _margin(bottom, top)
    ax.set_ylim(*ylim)
    position_ticks(ax, start, length)
    if bottom < 0:
        ax.axhline(0, color="black", linewidth=0.6, zorder=0)
    tidy(ax, ylabel="bits" if ylabel is None and kind == "bits" else ylabel)
    if title:
        ax.set_title(title)
    return ax


def _margin(bottom: float, top: float) -> tuple[float, float]:
    """Widen limits a little, and give a flat logo some height."""
    if bottom == top == 0:
        return -1.0, 1.0
    extra = 0.04 * (top - bottom)
    return bottom - extra if bottom < 0 else 0.0, top + extra if top > 0 else 0.0
