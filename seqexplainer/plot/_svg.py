"""Logos as plain SVG: a few hundred bytes, where a figure would be tens of thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqexplainer.plot._logo import glyph, information, stack
from seqexplainer.plot.style import letter_colors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqpro.motifs import Motif

_COMMANDS = {1: ("M", 1), 2: ("L", 1), 3: ("Q", 2), 4: ("C", 3)}
_CLOSE = 79
_LEAST = 0.4  # letters of fewer pixels are left out


def logo_svg(motif: Motif, *, column: int = 9, height: int = 40) -> str:
    """Write the logo of a motif in bits as SVG text, for tables and web pages.

    Each letter is outlined once and then used, so a logo of 12 columns takes about 3 kB.

    Parameters
    ----------
    motif : seqpro.motifs.Motif
        The motif.
    column : int, optional
        Width of a column (px).
    height : int, optional
        Height of the largest possible information, 2 bits for DNA (px).

    Returns
    -------
    str
        The SVG, of as many columns as the motif has.

    Examples
    --------
    >>> from seqpro.motifs import Motif
    >>> text = logo_svg(Motif("box", np.eye(4)[[2, 0, 3, 3]].T))
    >>> text.count("<use"), text.count("<path"), text[:38]
    (4, 3, '<svg xmlns="http://www.w3.org/2000/svg')
    """
    letters = motif.alphabet.alphabet
    heights = information(np.asarray(motif.ppm(), dtype=np.float64))
    scale = height / np.log2(len(heights))
    base, size = stack(heights) * scale, heights * scale
    shapes, drawn = [], []
    for row, colour in enumerate(letter_colors("classic", letters)):
        columns = np.flatnonzero(size[row] > _LEAST)
        if not len(columns):
            continue
        letter = letters[row]
        shapes.append(f'<path id="{letter}" d="{_outline(*glyph(letter))}" fill="{colour}"/>')
        drawn += [
            f'<use href="#{letter}" transform="translate({at * column} '
            f'{height - base[row, at]:.1f}) scale({column - 0.5} {-size[row, at]:.1f})"/>'
            for at in columns
        ]
    width = heights.shape[1] * column
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><defs>{"".join(shapes)}</defs>{"".join(drawn)}</svg>'
    )


def _outline(vertices: NDArray[np.float64], codes: NDArray[np.uint8]) -> str:
    """Write the outline of a letter in the unit square as an SVG path."""
    parts, i = [], 0
    while i < len(codes):
        if codes[i] == _CLOSE:
            parts.append("z")
            i += 1
            continue
        command, takes = _COMMANDS[int(codes[i])]
        points = vertices[i : i + takes].ravel()
        parts.append(command + " ".join(f"{value:.2f}" for value in points))
        i += takes
    return "".join(parts)
