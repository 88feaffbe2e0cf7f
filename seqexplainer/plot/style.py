"""Colours and the look that all pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import seqpro as sp
from seqexplainer._inputs import as_array
from seqexplainer.errors import SeqexplainerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

COLORS: dict[str, dict[str, str]] = {
    "classic": {"A": "#129447", "C": "#2458A6", "G": "#F5A81C", "T": "#D7263D", "U": "#D7263D"},
    "colorblind": {"A": "#20B48C", "C": "#173A80", "G": "#E8B010", "T": "#9A1E0A", "U": "#9A1E0A"},
}
"""Letter colours by scheme: A green, C blue, G orange, T red in each."""

AMINO_ACIDS = {
    "#D7263D": "DE",
    "#2458A6": "KRH",
    "#129447": "GSTYCQN",
    "#222222": "AVLIPWFM",
}
SPAN_COLORS = ("#F2C14E", "#7FB7E6", "#B79AD9", "#8CCB9B", "#EE9E8E", "#C4BBAF")
LINE_COLORS = ("#2458A6", "#D7263D", "#129447", "#F5A81C", "#7A4EA3", "#4F4A41")
MUTED = "#8A8A8A"


def letter_colors(colors: str | Mapping[str, str], alphabet: str) -> list[str]:
    """Return one colour per letter of the alphabet.

    Parameters
    ----------
    colors : {"classic", "colorblind"} or mapping of str to str
        A scheme, or the colour of each letter.
    alphabet : str
        Letters.

    Returns
    -------
    list of str
        Colours in the order of the alphabet; grey for a letter that has none.

    Raises
    ------
    SeqexplainerError
        If there is no such scheme.
    """
    if isinstance(colors, str):
        if colors not in COLORS:
            msg = f"colors is {colors!r}; choose one of {', '.join(COLORS)} or give a mapping"
            raise SeqexplainerError(msg)
        table = dict(COLORS[colors])
        if len(alphabet) > 5:
            table = {a: color for color, letters in AMINO_ACIDS.items() for a in letters}
    else:
        table = dict(colors)
    return [table.get(letter, MUTED) for letter in alphabet]


def row_letters(values: np.ndarray, alphabet: object = None) -> str:
    """Return the letters of the rows of a matrix, shape (A, L): as said, or one for each row.

    Examples
    --------
    >>> row_letters(np.zeros((4, 2))), row_letters(np.zeros((4, 2)), "RNA")
    ('ACGT', 'ACGU')
    """
    named = not isinstance(alphabet, str) or alphabet.upper() in ("DNA", "RNA", "AA", "PROTEIN")
    if alphabet is not None:
        return sp.alphabet_of(alphabet).alphabet if named else str(alphabet)
    return sp.alphabet_of(np.empty((1, len(values), 1)), sp.DNA).alphabet


def as_matrix(matrix: object, name: str = "matrix") -> np.ndarray:
    """Return a float array of shape (A, L) from an array or tensor, or raise."""
    array = as_array(matrix).astype(np.float64)
    if array.ndim == 3 and len(array) == 1:
        array = array[0]
    if array.ndim != 2 or not array.size:
        raise SeqexplainerError(f"{name} has shape {array.shape}; expected (letters, length)")
    return array


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or those of a new figure of this size (inches)."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def tidy(
    ax: Axes, *, xlabel: str | None = None, ylabel: str | None = None, title: str | None = None
) -> None:
    """Take away the frame that says nothing, and write the texts that are given."""
    ax.spines[["top", "right"]].set_visible(False)
    if xlabel is not None:
        ax.set_xlabel(xlabel)
    if ylabel is not None:
        ax.set_ylabel(ylabel)
    if title:
        ax.set_title(title, loc="left")


def color_scale(ax: Axes, image: ScalarMappable, label: str, **place: Any) -> None:
    """Draw the scale of an image's colours beside the axes."""
    bar = ax.figure.colorbar(image, ax=ax, **place)
    bar.set_label(label)
    bar.outline.set_visible(False)


def position_ticks(ax: Axes, start: int, length: int) -> None:
    """Put a few round-numbered ticks at the middles of positions, with thousands separated."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_xlim(start - 0.5, start + length - 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{int(x):,}"))


def p_text(p: float) -> str:
    """Write a p-value as a reader would: p = 0.012, p = 3 × 10⁻⁸."""
    if p >= 0.001:
        return f"p = {p:.2g}"
    if p <= 0:
        return "p < 10⁻³⁰⁰"
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    exponent = int(np.floor(np.log10(p)))
    lead = p / 10.0**exponent
    if round(lead, 1) >= 10:
        lead, exponent = 1.0, exponent + 1
    return f"p = {lead:.1f} × 10{str(exponent).translate(digits)}"
