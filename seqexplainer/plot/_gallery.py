"""Filters beside the known motifs that they resemble."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot._logo import draw_letters, information
from seqexplainer.plot.style import MUTED, p_text, row_letters, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import NDArray

    from seqexplainer.filters import FilterMotifs
    from seqpro.motifs import MotifSet


def filter_gallery(
    pfms: FilterMotifs | MotifSet | NDArray[np.float64],
    annotations: pd.DataFrame | None = None,
    motif_db: MotifSet | str | os.PathLike[str] | None = None,
    *,
    names: Sequence[str] | None = None,
    n: int = 12,
    n_columns: int = 3,
    figure: Figure | SubFigure | None = None,
    colors: str | Mapping[str, str] = "classic",
) -> NDArray[np.object_]:
    """Draw filters as logos, each over the known motif it resembles most.

    The two logos stand aligned as TomTom aligned them, the known motif reverse-complemented
    where it matched so.

    Parameters
    ----------
    pfms : FilterMotifs, MotifSet or ndarray of float with shape (F, A, w)
        Motifs of the filters.
    annotations : pandas.DataFrame, optional
        From `seqexplainer.annotate_pfms`; filters are ordered by the p-value of their best
        match. Without it they keep their order and stand alone.
    motif_db : MotifSet or path, optional
        Where the matched motifs are; needed with ``annotations``.
    names : sequence of str, optional
        Names of the filters as in ``annotations``.
    n : int, optional
        Number of filters to draw.
    n_columns : int, optional
        Filters per row.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; by default a new figure.
    colors : {"classic", "colorblind"} or mapping, optional
        Letter colours.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (filters drawn, 2) or (filters drawn, 1)
        The axes of each filter and of its match.

    Raises
    ------
    SeqexplainerError
        If there is nothing to draw or the database is missing.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> filter_gallery(np.ones((2, 4, 5))).shape
    (2, 1)
    """
    table, order, letters = _in_order(pfms, names, annotations)
    order = order[:n]
    if not order:
        msg = "there is no filter to draw: every matrix given is empty (dead filters)"
        raise SeqexplainerError(msg)
    if annotations is None:
        best: dict[str, Any] = {}
    else:
        if motif_db is None:
            raise SeqexplainerError("motif_db is needed to draw the motifs that annotations name")
        best = {row.query: row for row in annotations[annotations["rank"] == 1].itertuples()}
    known = _known(motif_db) if best else {}
    missing = sorted({str(m.accession) for m in best.values()} - set(known))
    if missing:
        msg = f"motif_db lacks motifs that annotations name: {', '.join(missing[:5])}"
        raise SeqexplainerError(msg)
    per_filter = 2 if best else 1
    n_columns = min(n_columns, len(order))
    n_rows = -(-len(order) // n_columns)
    if figure is None:
        import matplotlib.pyplot as plt

        size = (3.1 * n_columns, (2.15 if best else 1.25) * n_rows)
        figure = plt.figure(figsize=size, layout="constrained")
    outer = figure.add_gridspec(n_rows, n_columns)
    axes = np.empty((len(order), per_filter), dtype=object)
    for i, name in enumerate(order):
        cell = outer[i // n_columns, i % n_columns].subgridspec(per_filter, 1, hspace=0.02)
        for j in range(per_filter):
            axes[i, j] = figure.add_subplot(cell[j])
        if i % n_columns == 0:
            for ax in axes[i]:
                ax.set_ylabel("bits", fontsize="x-small", labelpad=-2)
        match = best.get(name)
        if match is None:
            _draw(axes[i, 0], table[name], 0, (0, table[name].shape[1]), colors, letters)
            axes[i, 0].set_title(name, fontsize="small", loc="left")
            if per_filter == 2:
                axes[i, 1].set_axis_off()
            continue
        _draw_pair(axes[i], table[name], known[match.accession], match, colors, letters)
    return axes


def _draw_pair(
    axes: Sequence[Axes],
    query: NDArray[np.float64],
    target: NDArray[np.float64],
    match: Any,
    colors: str | Mapping[str, str],
    alphabet: str,
) -> None:
    """Draw a filter over its match, in the columns of the match."""
    if match.strand == "-":
        target = target[::-1, ::-1]
    offset = int(match.offset)
    view = min(0, offset), max(target.shape[1], offset + query.shape[1])
    _draw(axes[0], query, offset, view, colors, alphabet)
    _draw(axes[1], target, 0, view, colors, alphabet)
    axes[0].set_title(f"{match.query}\n{p_text(match.p_value)}", fontsize="small", loc="left")
    label = (
        match.target if match.target == match.accession else f"{match.target}  {match.accession}"
    )
    suffix = "  (reverse complement)" if match.strand == "-" else ""
    axes[1].set_xlabel(f"{label}{suffix}", fontsize="small", color="#444444")


def _draw(
    ax: Axes,
    matrix: NDArray[np.float64],
    start: int,
    view: tuple[int, int],
    colors: str | Mapping[str, str],
    alphabet: str,
) -> None:
    """Draw a small logo in bits without ticks."""
    draw_letters(
        ax, information(matrix), alphabet=alphabet, colors=colors, start=start, width=0.94, alpha=1
    )
    ax.set_xlim(view[0] - 0.5, view[1] - 0.5)
    ax.set_ylim(0, np.log2(len(alphabet)))
    ax.set_xticks([])
    ax.set_yticks([0, int(np.log2(len(alphabet)))])
    ax.tick_params(labelsize="x-small", length=2)
    tidy(ax)
    ax.spines[["left", "bottom"]].set_color(MUTED)


def _in_order(
    pfms: object, names: Sequence[str] | None, annotations: pd.DataFrame | None
) -> tuple[dict[str, NDArray[np.float64]], list[str], str]:
    """Return living matrices by name, names in the order to draw, and the letters of the rows."""
    from seqpro.motifs import MotifSet

    if isinstance(pfms, MotifSet):
        table = {m.name: np.asarray(m.ppm()) for m in pfms}
        said = pfms[0].alphabet if len(pfms) else None
    else:
        matrices = np.asarray(pfms, dtype=np.float64)
        if matrices.ndim != 3:
            msg = f"pfms has shape {matrices.shape}; expected (filters, letters, width)"
            raise SeqexplainerError(msg)
        said = getattr(pfms, "alphabet", None)
        default = getattr(pfms, "names", [str(i) for i in range(len(matrices))])
        table = dict(zip(names or default, matrices, strict=True))
    living = {name: matrix for name, matrix in table.items() if matrix.any()}
    letters = row_letters(next(iter(living.values()), np.empty((4, 0))), said)
    if annotations is None:
        return living, list(living), letters
    first = annotations[annotations["rank"] == 1].sort_values("p_value", kind="stable")
    order = [name for name in first["query"] if name in living]
    return living, order + [name for name in living if name not in set(order)], letters


def _known(motif_db: object) -> dict[str, NDArray[np.float64]]:
    """Return the probability matrices of a database by accession."""
    from seqexplainer.motifs import as_motif_set

    return {m.accession or m.name: np.asarray(m.ppm()) for m in as_motif_set(motif_db)}
