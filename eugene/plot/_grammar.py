"""What a network looks at beside what a grammar placed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, ORANGE, VERMILION, axes_or_new, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

# what a position is, and its colours without and with importance
_KINDS = (
    ("background", "#FFFFFF", VERMILION),
    ("grammar", "#D3E6F5", BLUE),
    ("confounder", "#FBEFC9", ORANGE),
)
_BEHIND = "#E3E3E3"


@picture()
def grammar_map(
    importance: ArrayLike,
    annotation: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    lengths: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how important each position of each example is, coloured by what it is.

    Positions of the grammar are blue, those of the background red and confounders orange: the
    more important, the stronger; what the network should look at and does not stays pale blue.

    Parameters
    ----------
    importance
        Importance from 0 to 1, or truth values of positions that are called important, shape
        (n_examples, length): ``vectors`` or ``called`` of `eugene.evaluate.grammar_agreement`.
    annotation
        0 for background, 1 for grammar, 2 for confounders, shape (n_examples, length).
    labels
        What each example is; those of one label stand next to each other.
    lengths
        Length of each sequence, shape (n_examples,), where they differ.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; a row an example.

    Raises
    ------
    eugene.errors.EugeneError
        If shapes differ, or importance is not from 0 to 1.

    Examples
    --------
    >>> ax = grammar_map(np.array([[0.1, 1.0, 0.0]]), np.array([[0, 1, 1]]), labels=["c1"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()][:2]
    ['background: not important', 'important']
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    given, codes = np.asarray(importance), np.asarray(annotation)
    if given.ndim != 2 or given.shape != codes.shape or not given.size:
        raise EugeneError(
            f"importance has shape {given.shape} and the annotation {codes.shape}: expected "
            "(n_examples, length) of both"
        )
    values = given.astype(np.float64)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise EugeneError("importance must be from 0 to 1, or True and False")
    ax = axes_or_new(ax, size=(7.2, 3.4))
    pale, strong = (np.array([to_rgb(kind[i]) for kind in _KINDS]) for i in (1, 2))
    at = np.clip(codes.astype(np.int64), 0, len(_KINDS) - 1)
    image = pale[at] + values[:, :, None] * (strong[at] - pale[at])
    width = values.shape[1]
    behind = np.zeros(values.shape, np.bool_)
    if lengths is not None:
        behind = np.arange(width) >= np.asarray(lengths)[:, None]
        image[behind] = to_rgb(_BEHIND)
    ax.imshow(image, aspect="auto", extent=(0.5, width + 0.5, len(values), 0))
    called = given.dtype.kind == "b"
    there = [i for i in range(len(_KINDS)) if ((at == i) & ~behind).any()]
    patches = []
    for i in there:
        name, low, high = _KINDS[i]
        texts = ("not called", "called") if called else ("not important", "important")
        patches.append(Patch(facecolor=low, edgecolor=GREY, lw=0.4, label=f"{name}: {texts[0]}"))
        patches.append(Patch(facecolor=high, edgecolor=GREY, lw=0.4, label=texts[1]))
    if behind.any():
        patches.append(Patch(facecolor=_BEHIND, edgecolor=GREY, lw=0.4, label="no sequence"))
    ax.legend(
        handles=patches, frameon=False, fontsize=7, loc="lower right", bbox_to_anchor=(1.0, 1.0),
        ncols=(len(patches) + 1) // 2, columnspacing=1.0, handlelength=1.2, borderaxespad=0.2,
    )  # fmt: skip
    if labels is not None:
        _groups(ax, list(labels), len(values))
    return tidy(ax, x="position (bp)", y="" if labels is not None else "examples")


def _groups(ax: Axes, labels: list[str], n: int) -> None:
    """Put the name of each run of labels beside it, and lines between them."""
    if len(labels) != n:
        raise EugeneError(f"{len(labels)} labels for {n} examples: give one for each")
    begins = [0, *(i for i in range(1, n) if labels[i] != labels[i - 1])]
    ends = [*begins[1:], n]
    for line in begins[1:]:
        ax.axhline(line, color="black", lw=0.6)
    ax.set_yticks(
        [(a + b) / 2 for a, b in zip(begins, ends, strict=True)],
        [f"{labels[a]} ({b - a})" for a, b in zip(begins, ends, strict=True)],
    )
    ax.tick_params(axis="y", length=0)


@picture()
def grammar_positions(shares: pd.DataFrame) -> Figure:
    """Draw at which positions the examples of each label have grammar.

    Parameters
    ----------
    shares
        ``label``, ``position``, ``grammar_probability`` and ``n``: what
        `eugene.evaluate.grammar_shares` returns.

    Returns
    -------
    Figure
        Above, the share of all examples with grammar at a position; below, that of each label.

    Raises
    ------
    eugene.errors.EugeneError
        If there is no row, or a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> shares = pd.DataFrame({"label": "c1", "position": [1, 2], "grammar_probability": [0, 1.0],
    ...                        "n": 5})
    >>> len(grammar_positions(shares).axes)
    3
    """
    import matplotlib.pyplot as plt

    wanted = ("label", "position", "grammar_probability", "n")
    lacking = [name for name in wanted if name not in getattr(shares, "columns", ())]
    if lacking or not len(shares):
        raise EugeneError(
            f"shares need the columns {', '.join(wanted)} and a row at least: give what "
            "eugene.evaluate.grammar_shares returns"
        )
    labels = list(dict.fromkeys(shares["label"].astype(str)))
    heights = _table(shares, labels, "grammar_probability")
    counts = np.nan_to_num(_table(shares, labels, "n"))
    total = counts.sum(axis=0)
    every = np.nansum(np.nan_to_num(heights) * counts, axis=0) / np.maximum(total, 1)
    figure, (top, ax) = plt.subplots(
        2, 1, figsize=(7.2, 1.9 + min(5.0, max(0.4, 0.22 * len(labels)))), sharex=True,
        height_ratios=(1.2, min(5.0, max(0.5, 0.25 * len(labels)))), layout="constrained",
    )  # fmt: skip
    places = np.arange(1, heights.shape[1] + 1)
    top.fill_between(places, every, step="mid", color=BLUE, linewidth=0)
    top.set_ylim(0, None)
    tidy(top, y="all")
    image = ax.imshow(
        heights, aspect="auto", cmap="viridis", vmin=0, interpolation="nearest",
        extent=(0.5, heights.shape[1] + 0.5, len(labels), 0),
    )  # fmt: skip
    ax.set_yticks(np.arange(len(labels)) + 0.5, labels)
    ax.tick_params(axis="y", length=0)
    tidy(ax, x="position (bp)")
    bar = figure.colorbar(image, ax=[top, ax], fraction=0.03, pad=0.01)
    bar.set_label("share with grammar", fontsize="small")
    return figure


def _table(shares: pd.DataFrame, labels: Sequence[str], column: str) -> NDArray[np.float64]:
    """Return a column as one row a label and one column a position."""
    wide = shares.pivot(index="label", columns="position", values=column).reindex(labels)
    found: NDArray[np.float64] = wide.to_numpy(np.float64)
    return found
