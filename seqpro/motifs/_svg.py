"""Logos of motifs as inline SVG, for notebooks."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpro.motifs._convert import information_content

_COLUMN, _HEIGHT = 16, 48
# the height of a capital letter, and the width of a wide one, of a bold sans-serif font of 100 px
_CAP, _WIDE = 72.0, 74.0
_COLOURS = {"A": "#109648", "C": "#255c99", "G": "#f7931e", "T": "#d62839", "U": "#d62839"}
_OTHER = "#666666"


def logo_svg(ppm: NDArray[np.float64], letters: Sequence[str] | str, *, label: str = "") -> str:
    """Draw a motif as an inline SVG; letters are as high as the information (bits) they carry.

    Parameters
    ----------
    ppm : ndarray of float64, shape (A, width)
        Probabilities of the letters at each position.
    letters : sequence of str
        The letters of the rows.
    label : str, optional
        What a screen reader says.

    Returns
    -------
    str
        SVG.

    Examples
    --------
    >>> logo_svg(np.eye(4)[[2, 0]].T, "ACGT", label="GA").count("<text")
    2
    """
    probabilities = np.asarray(ppm, dtype=np.float64)
    n, width = probabilities.shape
    heights = probabilities * information_content(probabilities) * (_HEIGHT / np.log2(n))
    drawn = []
    for column in range(width):
        bottom = float(_HEIGHT)
        for row in np.argsort(heights[:, column], kind="stable"):
            height = float(heights[row, column])
            if height < 0.3:
                continue
            letter = html.escape(letters[row])
            x = (column + 0.5) * _COLUMN
            drawn.append(
                f'<text transform="translate({x:g},{bottom:.2f}) '
                f'scale({0.94 * _COLUMN / _WIDE:.4f},{height / _CAP:.4f})" '
                f'fill="{_COLOURS.get(letters[row], _OTHER)}">{letter}</text>'
            )
            bottom -= height
    said = html.escape(label, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" '
        f'width="{width * _COLUMN}" height="{_HEIGHT + 2}" '
        f'viewBox="0 0 {width * _COLUMN} {_HEIGHT + 2}" style="vertical-align:middle" '
        'font-family="Helvetica,Arial,sans-serif" font-weight="bold" font-size="100" '
        f'text-anchor="middle"><title>{said}</title>{"".join(drawn)}'
        f'<path d="M0 {_HEIGHT + 1}H{width * _COLUMN}" stroke="#888" fill="none"/></svg>'
    )
