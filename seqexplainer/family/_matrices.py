"""Matrices of filters, positions before letters, and logos of attributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from seqexplainer.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Matrix = NDArray[np.floating]
TINY = float(np.finfo(float).tiny)


def _stacked(matrices: ArrayLike, vocab: str) -> tuple[NDArray[np.float64], int]:
    """Return matrices as (n, width, letters), one alone as a stack of one."""
    array, letters = np.asarray(matrices, dtype=np.float64), len(sp.alphabet_of(vocab))
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] != letters:
        raise InputError(
            f"matrices of (n, width, {letters}) are needed, got shape {np.shape(matrices)}"
        )
    return array, letters


def pfm_to_df(pfm: Matrix, vocab: str = "DNA") -> pd.DataFrame:
    """Return a matrix (width, letters) as a table with a column a letter."""
    import pandas as pd

    return pd.DataFrame(np.asarray(pfm), columns=list(sp.alphabet_of(vocab).alphabet))


def pfms_to_df_dict(pfms: Matrix, vocab: str = "DNA") -> dict[str, pd.DataFrame]:
    """Return matrices (n, width, letters) as tables ``filter0``, ``filter1`` and so on."""
    return {f"filter{i}": pfm_to_df(pfm, vocab) for i, pfm in enumerate(pfms)}


def pfms_to_ppms(pfms: Matrix, vocab: str = "DNA", pseudocount: float = 1) -> NDArray[np.float64]:
    """Turn counts into probabilities.

    Parameters
    ----------
    pfms : ndarray, shape (n, width, letters) or (width, letters)
        Counts; they are left as they are, SeqExplainer's were added to.
    vocab : str
        DNA or RNA.
    pseudocount : float
        Added to every count.

    Returns
    -------
    ndarray of float64, shape (n, width, letters)

    Examples
    --------
    >>> pfms_to_ppms(np.array([[3.0, 1.0, 0.0, 0.0]])).tolist()
    [[[0.5, 0.25, 0.125, 0.125]]]
    """
    counts = _stacked(pfms, vocab)[0] + pseudocount
    return np.asarray(counts / counts.sum(axis=2, keepdims=True))


def ppms_to_pwms(
    ppms: Matrix, bg: ArrayLike | None = None, vocab: str = "DNA", pseudocount: float = TINY
) -> NDArray[np.float64]:
    """Turn probabilities into log2 odds, (n, width, letters).

    Parameters
    ----------
    ppms : ndarray, shape (n, width, letters) or (width, letters)
        Probabilities.
    bg : array_like, shape (letters,), optional
        Frequencies of the letters; equal by default.
    vocab : str
        DNA or RNA.
    pseudocount : float
        Added to both before the logarithm is taken.
    """
    array, letters = _stacked(ppms, vocab)
    background = np.full(letters, 1 / letters) if bg is None else np.asarray(bg, np.float64)
    return np.asarray(np.log2(array + pseudocount) - np.log2(background + pseudocount))


def per_position_ic(
    ppms: Matrix, vocab: str = "DNA", bg: ArrayLike | None = None, pseudocount: float = TINY
) -> NDArray[np.float64]:
    """Return the bits of each position, (n, width); arguments as of `ppms_to_pwms`.

    Examples
    --------
    >>> per_position_ic(np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])).tolist()
    [[2.0, 0.0]]
    """
    odds = ppms_to_pwms(ppms, bg, vocab, pseudocount)
    return np.asarray((_stacked(ppms, vocab)[0] * odds).sum(axis=2))


def ppms_to_igms(
    ppms: Matrix, vocab: str = "DNA", bg: ArrayLike | None = None, pseudocount: float = TINY
) -> NDArray[np.float64]:
    """Return probabilities times the bits of their position, (n, width, letters)."""
    bits = per_position_ic(ppms, vocab, bg, pseudocount)
    return np.asarray(_stacked(ppms, vocab)[0] * bits[:, :, None])


def plot_attribution_logo(
    attrs: Matrix,
    inputs: Matrix | None = None,
    vocab: str = "DNA",
    highlights: Sequence[tuple[int, int]] = (),
    highlight_colors: Sequence[str] = ("lavenderblush", "lightcyan", "honeydew"),
    height_scaler: float = 1.8,
    title: str = "",
    ylab: str = "Attribution",
    xlab: str = "Position",
    ax: Axes | None = None,
) -> Axes:
    """Draw the attributions of a sequence as a logo.

    Parameters
    ----------
    attrs : ndarray, shape (letters, length)
        Attributions.
    inputs : ndarray, shape (letters, length), optional
        One-hot sequence that they are multiplied with.
    vocab : str
        DNA or RNA.
    highlights : sequence of (int, int)
        Stretches to shade, in bp.
    highlight_colors : sequence of str
        Colours that they take in turn.
    height_scaler : float
        Height of the axes, in largest letters.
    title, ylab, xlab : str
        Texts.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    """
    from seqexplainer import plot

    matrix = np.asarray(attrs, dtype=np.float64)
    if inputs is not None:
        matrix = matrix * np.asarray(inputs)
    top, bottom = float(matrix.max(initial=0)), float(matrix.min(initial=0))
    room = height_scaler / 1.8 * 1.05
    limits = (bottom * room, top * room) if top > bottom else None
    ax = plot.logo(matrix, ax=ax, kind="values", alphabet=vocab, ylim=limits)
    for i, (start, end) in enumerate(highlights):
        ax.axvspan(start - 0.5, end - 0.5, color=highlight_colors[i % len(highlight_colors)])
    ax.set(title=title, ylabel=ylab, xlabel=xlab)
    return ax


def plot_attribution_logos(
    attrs: Matrix,
    inputs: Matrix | None = None,
    vocab: str = "DNA",
    height_scaler: float = 1.8,
    title: str = "",
    ylab: str = "Attribution",
    xlab: str = "Position",
    figsize: tuple[float, float] = (10, 10),
    ncols: int = 1,
) -> list[Axes]:
    """Draw the attributions (n, letters, length) of several sequences in one figure.

    Parameters
    ----------
    attrs, inputs, vocab, height_scaler, title, ylab, xlab
        As of `plot_attribution_logo`, of each.
    figsize : (float, float)
        Width and height in inches.
    ncols : int
        Logos side by side.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(attrs) // ncols)
    _, axes = plt.subplots(rows, ncols, figsize=figsize, squeeze=False, layout="constrained")
    for spare in axes.flat[len(attrs) :]:
        spare.set_axis_off()
    texts = {"title": title, "ylab": ylab, "xlab": xlab, "height_scaler": height_scaler}
    return [
        plot_attribution_logo(
            values, None if inputs is None else inputs[i], vocab, ax=axes.flat[i], **texts  # type: ignore[arg-type]
        )
        for i, values in enumerate(attrs)
    ]  # fmt: skip


def plot_attribution_logo_heatmap(
    attrs: Matrix,
    inputs: Matrix | None = None,
    flip_sign: bool = False,
    vocab: str = "DNA",
    figsize: tuple[float, float] = (10, 3),
) -> Axes:
    """Draw attributions (letters, length) as a heat map.

    Parameters
    ----------
    attrs : ndarray, shape (letters, length)
        Attributions, or effects of substitutions.
    inputs : ndarray, shape (letters, length), optional
        One-hot sequence, whose letters are marked.
    flip_sign : bool
        Draw the attributions with the other sign.
    vocab : str
        DNA or RNA.
    figsize : (float, float)
        Width and height in inches.
    """
    import matplotlib.pyplot as plt

    from seqexplainer import plot

    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    values = np.asarray(attrs, dtype=np.float64) * (-1 if flip_sign else 1)
    return plot.ism_heatmap(values, sequence=inputs, ax=ax, alphabet=vocab, label="attribution")
