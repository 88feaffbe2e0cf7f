"""Pictures of experiments with two motifs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot.style import LINE_COLORS, MUTED, axes_or_new, color_scale, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def cooperativity_curve(
    result: Any,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    color: str | None = None,
    xlabel: str = "distance of the second motif (bp)",
    ylabel: str | None = None,
    title: str | None = None,
) -> Axes:
    """Draw what two motifs do beyond what each does alone, over their distance.

    The line stops where the motifs would overlap; 0 is no cooperation. Call it again with the same
    axes to compare pairs of motifs.

    Parameters
    ----------
    result : Cooperativity
        Result of `seqexplainer.cooperativity`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    label : str, optional
        Name of the curve in the legend.
    color : str, optional
        Colour; by default the next one.
    xlabel, ylabel, title : str, optional
        Texts; by default the y axis names the statistic.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in: the mean over sequences with its interval as a band, and a second curve
        that is drawn in has to have the same statistic.

    Raises
    ------
    SeqexplainerError
        If it is the result of something else, or curves of two statistics would share axes.

    Examples
    --------
    >>> import matplotlib, torch, seqexplainer as se
    >>> matplotlib.use("Agg")
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> found = se.cooperativity(model, np.zeros((3, 4, 20)), "GATA", "TGA", link="log2")
    >>> cooperativity_curve(found).get_ylabel()
    'log2 observed / expected'
    """
    _check(result, ("distances", "statistic", "mean", "low", "high"), "cooperativity", axes=1)
    x = np.asarray(result.distances)
    order = np.argsort(x)
    x = x[order]
    y, low, high = (np.asarray(v)[order] for v in (result.mean, result.low, result.high))
    names = {"log2 fold": "log2 observed / expected", "excess": "observed - expected"}
    ylabel = names.get(result.statistic, result.statistic) if ylabel is None else ylabel
    ax = axes_or_new(ax, 6, 2.8)
    drawn = [line for line in ax.lines if str(line.get_gid()).startswith("cooperativity")]
    kind = f"cooperativity {result.statistic}"
    if any(line.get_gid() != kind for line in drawn):
        raise SeqexplainerError(
            f"the axes show another statistic than {result.statistic!r}; draw results of the same "
            "link into one picture"
        )
    if not drawn:
        ax.axhline(0, color=MUTED, linewidth=0.7, zorder=0)
    curves = {line.get_color() for line in drawn}
    color = color or LINE_COLORS[len(curves) % len(LINE_COLORS)]
    # where B steps over A there is nothing to draw, on no line from one side to the other
    breaks = np.flatnonzero((x[:-1] < 0) & (x[1:] > 0)) + 1
    for side in np.split(np.arange(len(x)), breaks):
        marker = "o" if len(x) <= 40 else None
        ax.plot(
            x[side], y[side], color=color, linewidth=1.6, marker=marker, markersize=3.5,
            label=label, gid=kind,
        )  # fmt: skip
        ax.fill_between(x[side], low[side], high[side], color=color, alpha=0.2, linewidth=0)
        label = None
    ax.margins(x=0.02)
    tidy(ax, xlabel=xlabel, ylabel=ylabel, title=title)
    if any(not str(line.get_label()).startswith("_") for line in ax.lines):
        ax.legend(frameon=False, loc="best")
    return ax


def spacing_map(
    result: Any,
    *,
    ax: Axes | None = None,
    motifs: tuple[str, str] = ("A", "B"),
    alpha: float = 0.05,
    limit: float | None = None,
    colorbar: bool = True,
    label: str = "change of the score",
    xlabel: str = "bases between the motifs (bp)",
    title: str | None = None,
) -> Axes:
    """Draw the effect of two motifs by order, strands and distance as a heat map.

    Parameters
    ----------
    result : Spacing
        Result of `seqexplainer.space`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    motifs : (str, str), optional
        Names of the two motifs; an arrow behind a name shows the strand.
    alpha : float, optional
        Entries whose false discovery rate is above it are marked with a dot.
    limit : float, optional
        The colour scale runs from ``-limit`` to ``limit``; by default the largest effect.
    colorbar : bool, optional
        Whether to draw the colour scale.
    label, xlabel, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, one row an arrangement.

    Raises
    ------
    SeqexplainerError
        If it is the result of something else.

    Examples
    --------
    >>> import matplotlib, torch, seqexplainer as se
    >>> matplotlib.use("Agg")
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> found = se.space(model, np.zeros((3, 4, 20)), "GATA", "TGA", orientations=["++", "+-"])
    >>> ax = spacing_map(found, motifs=("GATA1", "AP-1"))
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['GATA1→ AP-1→', 'GATA1→ ←AP-1', 'AP-1→ GATA1→', '←AP-1 GATA1→']
    """
    _check(result, ("distances", "arrangements", "mean", "q_value"), "space", axes=2)
    if isinstance(motifs, str) or len(motifs) != 2:
        raise SeqexplainerError(f"motifs is {motifs!r}; expected the names of the two motifs")
    distances, values = np.asarray(result.distances), np.asarray(result.mean)
    rows, columns = values.shape
    names = dict(zip("AB", motifs, strict=True))
    labels = [_arrows(text, names) for text in result.arrangements]
    # a letter of a label takes about 0.09 inches
    beside = 1.4 + 0.09 * max(map(len, labels))
    width = float(np.clip(0.12 * columns, 3.0, 14)) + beside
    ax = axes_or_new(ax, width, max(0.3 * rows + 1.0, 2.0))
    _heat_map(ax, values, result.q_value, alpha, limit, label if colorbar else None)
    ax.set_yticks(range(rows), labels)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if columns / s <= 20)
    ticks = [i for i in range(columns) if distances[i] % step == 0] or [0]
    ax.set_xticks(ticks, [f"{int(distances[i]):,}" for i in ticks])
    ax.tick_params(axis="y", length=0)
    tidy(ax, xlabel=xlabel, title=title)
    return ax


def epistasis_map(
    result: Any,
    *,
    ax: Axes | None = None,
    labels: Sequence[str] | None = None,
    alpha: float = 0.05,
    limit: float | None = None,
    colorbar: bool = True,
    label: str = "interaction",
    title: str | None = None,
) -> Axes:
    """Draw the interaction of every pair of edits as a heat map.

    Parameters
    ----------
    result : Epistasis
        Result of `seqexplainer.epistasis` of K edits.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    labels : sequence of str, length K, optional
        Names of the edits; by default their numbers.
    alpha : float, optional
        Pairs whose false discovery rate is above it are marked with a dot.
    limit : float, optional
        The colour scale runs from ``-limit`` to ``limit``; by default the largest interaction.
    colorbar : bool, optional
        Whether to draw the colour scale.
    label, title : str, optional
        Texts.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; pairs that overlap, and the diagonal, stay grey.

    Raises
    ------
    SeqexplainerError
        If it is the result of something else, or there is not one label an edit.

    Examples
    --------
    >>> import matplotlib, torch, seqexplainer as se
    >>> matplotlib.use("Agg")
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 1))
    >>> found = se.epistasis(model, np.zeros((3, 4, 20)), [("GATA", 1), ("TGA", 9), ("CC", 15)])
    >>> ax = epistasis_map(found, labels=["GATA1", "AP-1", "CC"])
    >>> len(ax.get_xticklabels())
    3
    """
    _check(result, ("interaction", "mean", "q_value"), "epistasis", axes=2)
    values = np.asarray(result.mean)
    k = len(values)
    names = [str(i) for i in range(k)] if labels is None else list(labels)
    if len(names) != k:
        raise SeqexplainerError(f"labels has {len(names)} names for {k} edits")
    side = float(np.clip(0.35 * k + 0.6 + 0.09 * max(map(len, names)), 3, 14))
    ax = axes_or_new(ax, side + (0.9 if colorbar else 0), side)
    _heat_map(ax, values, result.q_value, alpha, limit, label if colorbar else None)
    ax.set_aspect("equal")
    turned = any(len(name) > 3 for name in names)
    ax.set_xticks(range(k), names, rotation=90 if turned else 0)
    ax.set_yticks(range(k), names)
    ax.tick_params(length=0)
    tidy(ax, title=title)
    return ax


def _check(result: Any, names: Sequence[str], function: str, *, axes: int) -> None:
    missing = [name for name in names if not hasattr(result, name)]
    if missing:
        raise SeqexplainerError(
            f"expected a result of seqexplainer.{function}, got {type(result).__name__}, which "
            f"has no {missing[0]!r}"
        )
    shape = np.shape(result.mean)
    if len(shape) != axes:
        raise SeqexplainerError(
            f"the result has a mean of shape {shape}, of several numbers a sequence; let func "
            "return one number, or draw one of them: "
            "result._replace(mean=result.mean[..., 0], ...) for each summary"
        )
    if not np.isfinite(np.asarray(result.mean)).any():
        raise SeqexplainerError(
            "there is nothing to draw: every mean is NaN, which one sequence with a score that is "
            "NaN, or an expectation that is not positive, is enough for"
        )


def _heat_map(
    ax: Axes, values: Any, q_values: Any, alpha: float, limit: float | None, label: str | None
) -> None:
    """Draw values around zero, a dot where they may be chance, grey where there are none."""
    known = np.abs(values[np.isfinite(values)])
    if limit is not None and not limit > 0:
        raise SeqexplainerError(f"limit is {limit}; expected a positive number")
    bound = limit or float(known.max(initial=0)) or 1.0
    ax.set_facecolor("#E4E4E4")
    image = ax.imshow(
        np.ma.masked_invalid(values), cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    row, column = np.nonzero(np.isfinite(values) & ~(np.asarray(q_values) <= alpha))
    size = float(np.clip(700 / max(values.shape), 1.5, 10))
    ax.scatter(column, row, s=size, color=MUTED, linewidths=0, gid="chance")
    ax.spines[:].set_visible(False)
    if label is not None:
        color_scale(ax, image, label, pad=0.02, fraction=0.04)


def _arrows(text: str, names: dict[str, str]) -> str:
    """Write an arrangement such as "A+ B-" with names and arrows: "GATA1→ ←AP-1"."""
    parts = []
    for part in text.split():
        name = names[part[0]]
        parts.append(f"{name}→" if part[1] == "+" else f"←{name}")
    return " ".join(parts)
