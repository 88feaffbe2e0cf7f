"""A sequence under each augmentation of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, PURPLE, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from eugene.augment import Augmenter
    from eugene.augment._account import Letters

_FATE_COLOURS = (f"{GREY}55", BLUE, VERMILION, "#000000", PURPLE)
_SPELT_UP_TO = 130
"""Sequences up to so long (bp) show their letters."""


@picture()
def augmentation_strips(augmenter: Augmenter, sequence: Letters, *, row: int = 0) -> Figure:
    """Draw a sequence as it is, and as each augmentation of a list alone changes it.

    Parameters
    ----------
    augmenter : eugene.augment.Augmenter
        Its list, its seed, and whether sequences grow.
    sequence : str, bytes or array
        Letters, or one-hot of shape (letters, length).
    row : int
        Of the data set: draws depend on it. Of a few, one of the larger is shown.

    Returns
    -------
    Figure
        A pair of strips for each: letters by colour (values, where an augmentation changes
        those), and below what happened to each position.

    Raises
    ------
    eugene.errors.EugeneError
        If the sequence is too short.

    Examples
    --------
    >>> from eugene.augment import Augmenter, Deletion, ReverseComplement
    >>> figure = augmentation_strips(Augmenter([Deletion(5, 9), ReverseComplement()]), "ACGT" * 10)
    >>> [label.get_text().split(chr(10))[0] for label in figure.axes[0].get_yticklabels()]
    ['original', 'deletion', 'reverse complement']
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    from eugene.augment._account import FATES, _ascii, each_alone
    from seqexplainer.plot.style import letter_colors

    alphabet = augmenter.alphabet
    letters = _ascii(sequence, alphabet)
    found = each_alone(augmenter, letters, row=row)
    width = max(len(letters), *(len(one.letters) for one in found))
    figure, ax = plt.subplots(figsize=(10.4, 0.9 + 0.5 * (1 + len(found))), layout="constrained")
    colours = letter_colors("classic", alphabet)
    _strip(ax, 0, letters, np.zeros(len(letters), np.int64), alphabet, colours)
    labels = [f"original\n{len(letters):,} bp"]
    for place, one in enumerate(found, start=1):
        _strip(ax, place, one.letters, one.fate, alphabet, colours, one.values)
        labels.append(f"{one.name}\n{one.detail}")
    ax.set_yticks(np.arange(len(labels)) + 0.4, labels, fontsize="small")
    ax.set_ylim(len(labels) - 0.05, -0.1)
    ax.set_xlim(0, width)
    ax.set_xlabel("position (bp)")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    shown = sorted({int(code) for one in found for code in one.fate} | {0})
    patches = [Patch(color=c, label=a) for a, c in zip(alphabet, colours, strict=True)]
    patches += [Patch(color=_FATE_COLOURS[code], label=FATES[code]) for code in shown]
    figure.legend(
        handles=patches, loc="outside upper right", ncols=len(patches), fontsize="small",
        frameon=False, handlelength=1, columnspacing=1.2,
    )  # fmt: skip
    return figure


def _strip(
    ax: Axes,
    top: int,
    letters: NDArray[np.uint8],
    fate: NDArray[np.int64],
    alphabet: str,
    colours: list[str],
    values: NDArray[np.float32] | None = None,
) -> None:
    """Draw the two strips of a sequence from a height downwards."""
    from matplotlib.colors import to_rgba

    n = len(letters)
    known = np.frombuffer(alphabet.encode(), np.uint8)
    palette = np.array([to_rgba(c) for c in (*colours, "#DDDDDD")])
    place = np.where(letters[None] == known[:, None], np.arange(len(known))[:, None], 0).sum(axis=0)
    place = np.where(np.isin(letters, known), place, len(known))
    if values is None:
        image = palette[place][None]
    else:
        # the colour of a letter, paler the lower its value
        strength = np.clip(values, 0, 1)[..., None]
        image = 1 - strength * (1 - palette[: len(known), None])
        image[..., 3] = 1
    fates = np.array([to_rgba(c) for c in _FATE_COLOURS])
    for drawn, low, high in ((image, 0.0, 0.62), (fates[fate][None], 0.65, 0.8)):
        extent = (0, n, top + high, top + low)
        ax.imshow(drawn, extent=extent, aspect="auto", interpolation="nearest")
    if values is None and n <= _SPELT_UP_TO:
        for i, letter in enumerate(letters.tobytes().decode("ascii")):
            ax.text(
                i + 0.5, top + 0.33, letter, color="white", ha="center", va="center", fontsize=5.5
            )
