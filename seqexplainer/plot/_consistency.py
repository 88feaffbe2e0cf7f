"""What attribution maps of many sequences have in common: directions, and k-mers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import seqpro as sp
from seqexplainer._inputs import as_array
from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot.style import (
    LINE_COLORS,
    MUTED,
    axes_or_new,
    color_scale,
    letter_colors,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

_LETTERS = "ACGT"


def angular_density(
    hist: ArrayLike,
    *,
    points: tuple[ArrayLike, ArrayLike] | None = None,
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
    colors: str = "classic",
    title: str | None = None,
) -> Axes:
    """Draw the directions of attribution columns as a density over both angles.

    Parameters
    ----------
    hist : array_like of float, shape (n_bins, n_bins)
        Density over phi and theta: ``hist`` of `seqexplainer.metrics.k_attr_mean_kld`, with
        its default ``mode``.
    points : tuple of array_like of float, each of shape (n_points,), optional
        phi and theta (rad) of single windows, drawn over it.
    labels : sequence of str, length n_points, optional
        What each point is part of, such as a motif: a colour each, none for ``""``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    colors : {"classic", "colorblind"}
        Of the letters: each stands where a column lies in which that letter alone is good.
    title : str, optional
        Text above.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    SeqexplainerError
        If arrays do not fit.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = angular_density(np.ones((31, 31)))
    >>> sorted(text.get_text() for text in ax.texts)
    ['A', 'C', 'G', 'T']
    """
    from seqexplainer.metrics.angles import BASES

    density = as_array(hist).astype(np.float64)
    if density.ndim != 2 or not density.size:
        raise SeqexplainerError(f"hist has shape {density.shape}; expected (n_bins, n_bins)")
    ax = axes_or_new(ax, 4.6, 3.6)
    image = ax.imshow(
        density.T, origin="lower", extent=(0, np.pi, 0, np.pi), aspect="auto", cmap="Greys"
    )
    color_scale(ax, image, "density (1/rad²)")
    if points is not None:
        _points(ax, as_array(points[0]), as_array(points[1]), labels)
    # a column in which one letter is good and the others are equal, less its mean
    x, y, z = BASES["orthonormal"][[1, 2, 0]] @ (np.eye(4) - 0.25)
    phi, theta = np.arctan2(y, x) / 2 + np.pi / 2, np.arccos(z / np.sqrt(x**2 + y**2 + z**2))
    for letter, color, at_x, at_y in zip(
        _LETTERS, letter_colors(colors, _LETTERS), phi, theta, strict=True
    ):
        ax.text(
            at_x, at_y, letter, color=color, ha="center", va="center", weight="bold", fontsize=11,
            bbox={"facecolor": "white", "edgecolor": color, "boxstyle": "circle,pad=0.15"},
        )  # fmt: skip
    ax.set_xlim(0, np.pi)
    ax.set_ylim(0, np.pi)
    tidy(ax, xlabel="φ / 2 + π / 2 (rad)", ylabel="θ (rad)", title=title)
    return ax


def _points(ax: Axes, phi: np.ndarray, theta: np.ndarray, labels: Sequence[str] | None) -> None:
    """Draw windows, those of motifs in colours."""
    names = np.array([""] * len(phi) if labels is None else list(labels))
    if not len(phi) == len(theta) == len(names):
        raise SeqexplainerError(
            f"there are {len(phi)} and {len(theta)} angles and {len(names)} labels; expected as "
            "many of each"
        )
    own = [name for name in dict.fromkeys(names) if name]
    none = names == ""
    ax.scatter(phi[none], theta[none], s=2, color=MUTED, linewidths=0, alpha=0.6)
    for i, name in enumerate(own):
        chosen, color = names == name, LINE_COLORS[i % len(LINE_COLORS)]
        ax.scatter(
            phi[chosen], theta[chosen], s=4, color=color, label=name, alpha=0.7, linewidths=0
        )
    if own:
        ax.legend(fontsize="x-small", markerscale=3, loc="upper right")


def kmer_spectrum(
    freq: ArrayLike,
    prior: ArrayLike,
    *,
    top: int = 8,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the shares of k-mers under high attributions against those of all sequences.

    Parameters
    ----------
    freq, prior : array_like of float, shape (4**k,)
        Shares under high attributions and in the sequences: ``freq`` and ``prior`` of
        `seqexplainer.metrics.kmer_kld`.
    top : int
        So many k-mers, those that add most to the divergence, have their letters.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    title : str, optional
        Text above.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: a line a k-mer, in alphabetical order, up to its share under high attributions
        over that in the sequences.

    Raises
    ------
    SeqexplainerError
        If the arrays are not those of k-mers.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> freq = np.full(16, 0.05)
    >>> freq[6] = 0.25  # CG
    >>> ax = kmer_spectrum(freq, np.full(16, 1 / 16), top=1)
    >>> [text.get_text() for text in ax.texts]
    ['CG']
    """
    shown, expected = (as_array(values).astype(np.float64) for values in (freq, prior))
    k = (len(shown).bit_length() - 1) // 2
    if shown.ndim != 1 or shown.shape != expected.shape or len(shown) != 4**k or not k:
        raise SeqexplainerError(
            f"freq and prior have shapes {shown.shape} and {expected.shape}; expected (4**k,) each"
        )
    ax = axes_or_new(ax, 4.6, 3.6)
    there = (shown > 0) & (expected > 0)
    ratio = np.divide(shown, expected, out=np.zeros_like(shown), where=there)
    ax.vlines(np.flatnonzero(there), 0, ratio[there], color=LINE_COLORS[0], linewidth=0.7)
    ax.axhline(1, color=MUTED, linestyle=":", linewidth=0.8)
    adds = np.where(there, shown * np.log(np.where(there, ratio, 1)), -np.inf)
    best = [int(i) for i in np.argsort(-adds, kind="stable")[:top] if adds[i] > 0]
    highest = ratio.max(initial=1.0)
    words = sp.kmers(k)
    previous = -np.inf
    for i in sorted(best):
        # letters of neighbours would lie on each other
        place = max(i, previous + 0.05 * len(shown))
        previous = place
        ax.annotate(
            words[i], (i, ratio[i]), (place, ratio[i] + 0.03 * highest), rotation=90,
            ha="center", va="bottom", fontsize="x-small",
        )  # fmt: skip
    ax.set_xlim(-0.02 * len(shown), 1.02 * max(len(shown), previous))
    ax.set_ylim(0, 1.35 * highest)
    tidy(ax, xlabel=f"{k}-mers, AA..A to TT..T", ylabel="share under high maps / in sequences",
         title=title)  # fmt: skip
    return ax
