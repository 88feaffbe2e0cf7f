"""Pictures small enough for a cell of a table, written as SVG without a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eugene.report._blocks import Picture
from eugene.report._svg import as_uri

if TYPE_CHECKING:
    from seqpro.motifs import Motif

_COLUMN = 8
_BAR, _HEIGHT = 3, 26
_INK, _LINE = "#0072b2", "#8a94a3"


def small_logo(motif: Motif, *, name: str) -> Picture:
    """Draw a motif as a logo in bits.

    Parameters
    ----------
    motif : seqpro.motifs.Motif
        The motif.
    name : str
        What it is called.
    """
    from seqexplainer.plot import logo_svg

    caption = f"{name}, letter heights in bits"
    uri = as_uri(logo_svg(motif, column=_COLUMN))
    return Picture(uri, name, f"logo of {name}", caption, _COLUMN * motif.width)


def small_histogram(counts: Sequence[int], *, name: str, length: int | None = None) -> Picture:
    """Draw where in a sequence something stands, from its first base to its last.

    Parameters
    ----------
    counts : sequence of int
        In each of equal parts of the sequence.
    name : str
        What was counted.
    length : int, optional
        Length of the sequence in bp.
    """
    most = max((*counts, 1))
    bars = [
        f'<rect x="{i * _BAR}" y="{_HEIGHT - _HEIGHT * count / most:.1f}" width="{_BAR - 0.5}" '
        f'height="{_HEIGHT * count / most:.1f}"/>'
        for i, count in enumerate(counts)
        if count
    ]
    width, below = len(counts) * _BAR, _HEIGHT + 5
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{below}" '
        f'viewBox="0 0 {width} {below}"><g fill="{_INK}">{"".join(bars)}</g>'
        f'<path d="M0 {_HEIGHT + 0.5}H{width}M{width / 2} {_HEIGHT}v4" stroke="{_LINE}" '
        'fill="none"/></svg>'
    )
    along = "the sequence" if length is None else f"{length:,} bp"
    said = f"places of {name} along {along}: {' '.join(map(str, counts))}"
    caption = f"{name}: places in {len(counts)} equal parts of {along}, at most {most} in one"
    return Picture(as_uri(text), name, said, caption, width)
