"""How well predictions meet measurements: curves, scatter, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import (
    BLUE,
    CYCLE,
    GREY,
    VERMILION,
    as_list,
    axes_or_new,
    categories,
    coloured,
    numbers,
    one,
    rows_of,
    tidy,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def _pairs(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    prediction_vars: str | Sequence[str] | None,
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Return (name, measured, predicted) with rows of missing values left out."""
    targets = as_list(target_vars)
    predictions = (
        [f"{t}_predictions" for t in targets]
        if prediction_vars is None
        else as_list(prediction_vars)
    )
    if len(targets) != len(predictions):
        raise EugeneError(
            f"{len(targets)} target variables but {len(predictions)} prediction variables; "
            "name one prediction for each target."
        )
    found = []
    for target, prediction in zip(targets, predictions, strict=True):
        y = numbers(sdata, target, role="target variable")
        p = numbers(sdata, prediction, role="prediction variable")
        keep = np.isfinite(y) & np.isfinite(p)
        if not keep.any():
            raise EugeneError(
                f"no row has both {target!r} and {prediction!r}; predict before plotting."
            )
        found.append((target, y[keep], p[keep]))
    return found


def _rivals(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    prediction_vars: str | Sequence[str] | None,
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Return what `_pairs` does; several predictions of one target have their own names."""
    targets = as_list(target_vars)
    predictions = [] if prediction_vars is None else as_list(prediction_vars)
    if len(targets) > 1 or len(predictions) < 2:
        return _pairs(sdata, target_vars, prediction_vars)
    pairs = _pairs(sdata, targets * len(predictions), predictions)
    return [(name, y, p) for name, (_, y, p) in zip(predictions, pairs, strict=True)]


def _binary(name: str, y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return labels as 0 and 1, or say that they are not."""
    labels = np.unique(y)
    if labels.size != 2 or not np.isin(labels, (0, 1)).all():
        shown = ", ".join(f"{v:g}" for v in labels[:5])
        raise EugeneError(f"target {name!r} must hold both 0 and 1; it holds {shown}.")
    return y.astype(np.int64)


def _curve(
    kind: str,
    pairs: Sequence[tuple[str, NDArray[np.float64], NDArray[np.float64]]],
    labels: str | Sequence[str] | None,
    ax: Axes | None,
    kwargs: dict[str, Any],
    *,
    averages: bool = False,
) -> Axes:
    """Draw ROC or precision-recall curves with their areas in the legend.

    With their averages, more curves than there are colours have one line of the legend together.
    """
    from sklearn.metrics import (
        average_precision_score,
        precision_recall_curve,
        roc_auc_score,
        roc_curve,
    )

    names = as_list(labels) if labels else [name for name, _, _ in pairs]
    if len(names) != len(pairs):
        raise EugeneError(f"{len(names)} labels for {len(pairs)} targets: give one for each")
    truths = [_binary(name, y) for name, y, _ in pairs]
    ax = axes_or_new(ax, size=(3.6, 3.4))
    lines = zip(names, truths, pairs, strict=True)
    averages = averages and len(pairs) > 1
    crowded = averages and len(pairs) > len(CYCLE)
    areas = []
    for (name, truth, (_, _, p)), colour in coloured(lines):
        if kind == "roc":
            x, up, _ = roc_curve(truth, p)
            areas.append(roc_auc_score(truth, p))
        else:
            up, x, _ = precision_recall_curve(truth, p)
            areas.append(average_precision_score(truth, p))
            if not crowded:
                ax.axhline(truth.mean(), color=GREY, ls=":", lw=1)
        text = "_" if crowded else f"{name}: {areas[-1]:.3f}"
        style = {"alpha": 0.6, "lw": 0.8} if averages else {}
        ax.plot(x, up, **{"color": colour, "label": text, **style, **kwargs})
    if averages:
        _averages(kind, truths, [p for _, _, p in pairs], ax)
    if crowded:
        spread = f"{len(pairs)} classes: {min(areas):.3f} to {max(areas):.3f}"
        ax.plot([], [], color=GREY, lw=0.8, label=spread)
    if kind == "roc":
        ax.plot([0, 1], [0, 1], color=GREY, ls=":", lw=1)
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(0, 1.02)
    ax.legend(frameon=False, fontsize=8, loc="lower right" if kind == "roc" else "lower left")
    x_name, y_name = (
        ("false positive rate", "true positive rate") if kind == "roc" else ("recall", "precision")
    )
    return tidy(ax, x=x_name, y=y_name)


def _averages(
    kind: str,
    truths: Sequence[NDArray[np.int64]],
    scores: Sequence[NDArray[np.float64]],
    ax: Axes,
) -> None:
    """Draw the micro and the macro average of several curves."""
    from eugene.evaluate import class_curves

    rows = max(map(len, truths))
    # rows that one curve lacks are missing there
    y, p = np.full((rows, len(truths)), np.nan), np.zeros((rows, len(truths)))
    for i, (truth, score) in enumerate(zip(truths, scores, strict=True)):
        y[: len(truth), i], p[: len(score), i] = truth, score
    found = class_curves(y, p, "multilabel_classification")
    own: Literal["roc", "pr"] = "roc" if kind == "roc" else "pr"
    for name, curve, dashes in (
        ("micro average", found["micro"], "-"),
        ("macro average", found["macro"], "--"),
    ):
        area = curve["roc_auc"] if kind == "roc" else curve["pr_auc"]
        ax.plot(*curve[own], color="black", ls=dashes, lw=1.4, label=f"{name}: {area:.3f}")


def _iso_f1(ax: Axes) -> None:
    """Draw where F1 is 0.2, 0.4, 0.6 and 0.8."""
    for f1 in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(f1 / (2 - f1), 1, 100)
        ax.plot(recall, f1 * recall / (2 * recall - f1), color="#CCCCCC", lw=0.7, zorder=0)
        ax.annotate(
            f"F1 = {f1:g}", (f1 / (2 - f1), 1.025), ha="center", va="bottom", fontsize=6,
            color=GREY, annotation_clip=False,
        )  # fmt: skip


@picture(passes="plot")
def auroc(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    prediction_vars: str | Sequence[str] | None = None,
    *,
    labels: str | Sequence[str] | None = None,
    averages: bool = False,
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw receiver operating characteristics with the area under each.

    Parameters
    ----------
    sdata
        Dataset with 0/1 targets and scores over ``_sequence``; rows with NaN are left out.
    target_vars
        One target name or several.
    prediction_vars
        Score of each target; by default ``{target}_predictions``. Of one target also several,
        such as those of a network and of its baselines.
    labels
        Name of each curve in the legend; by default that of its target, or of its prediction
        where one target has several.
    averages
        Draw the micro and the macro average of several curves as well.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes; the dotted diagonal is a coin's.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing, or a target is not 0/1 with both values present.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"y": ("_sequence", np.array([0.0, 1.0])),
    ...                  "y_predictions": ("_sequence", np.array([0.1, 0.9]))})
    >>> auroc(ds, "y").get_legend().get_texts()[0].get_text()
    'y: 1.000'
    """
    return _curve(
        "roc", _rivals(sdata, target_vars, prediction_vars), labels, ax, kwargs, averages=averages
    )


@picture(passes="plot")
def auprc(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    prediction_vars: str | Sequence[str] | None = None,
    *,
    labels: str | Sequence[str] | None = None,
    averages: bool = False,
    iso_f1: bool = False,
    ax: Axes | None = None,
    **kwargs: object,
) -> Axes:
    """Draw precision against recall with the average precision of each target.

    Parameters
    ----------
    sdata
        Dataset with 0/1 targets and scores over ``_sequence``; rows with NaN are left out.
    target_vars
        One target name or several.
    prediction_vars
        Score of each target; by default ``{target}_predictions``. Of one target also several,
        such as those of a network and of its baselines.
    labels
        Name of each curve in the legend; by default that of its target, or of its prediction
        where one target has several.
    averages
        Draw the micro and the macro average of several curves as well.
    iso_f1
        Draw lines along which F1 is the same.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes; the dotted line is the fraction of positives.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing, or a target is not 0/1 with both values present.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"y": ("_sequence", np.array([0.0, 1.0])),
    ...                  "y_predictions": ("_sequence", np.array([0.1, 0.9]))})
    >>> auprc(ds, "y").get_xlabel()
    'recall'
    """
    pairs = _rivals(sdata, target_vars, prediction_vars)
    ax = _curve("pr", pairs, labels, ax, kwargs, averages=averages)
    if iso_f1:
        _iso_f1(ax)
    return ax


@picture(passes="scatter", same={"hue": "groupby"})
def performance_scatter(
    sdata: xr.Dataset,
    target_vars: str | Sequence[str],
    prediction_vars: str | Sequence[str] | None = None,
    *,
    groupby: str | None = None,
    seq_idx: Sequence[int] | NDArray[np.generic] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw predicted against measured values.

    Parameters
    ----------
    sdata
        Dataset with targets and predictions over ``_sequence``; rows with NaN are left out.
    target_vars
        One target name or several.
    prediction_vars
        Prediction of each target; by default ``{target}_predictions``.
    groupby
        With one target: name of a variable whose groups are coloured and measured apart.
    seq_idx
        Rows to show, numbers or a mask of shape (n_rows,); all by default.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.scatter``.

    Returns
    -------
    Axes
        The axes; the legend gives Pearson's r and the coefficient of determination.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"y": ("_sequence", np.arange(4.0)),
    ...                  "y_predictions": ("_sequence", np.arange(4.0))})
    >>> performance_scatter(ds, "y").get_legend().get_texts()[0].get_text()
    'y: r = 1.00, R² = 1.00'
    """
    sdata = rows_of(sdata, seq_idx)
    pairs = _pairs(sdata, target_vars, prediction_vars)
    if groupby is not None:
        target = one(target_vars, "a picture by group")
        groups, codes = categories(sdata, groupby, role="groupby variable")
        parts = [sdata.isel(_sequence=codes == i) for i in range(len(groups))]
        pairs = [
            (group, y, p)
            for group, part in zip(groups, parts, strict=True)
            for _, y, p in _pairs(part, target, prediction_vars)
        ]
    ax = axes_or_new(ax, size=(3.6, 3.4))
    low, high = np.inf, -np.inf
    for (name, y, p), colour in coloured(pairs):
        r = np.corrcoef(y, p)[0, 1] if y.std() and p.std() else np.nan
        spread = ((y - y.mean()) ** 2).sum()
        r2 = 1 - ((y - p) ** 2).sum() / spread if spread else np.nan
        text = f"{name}: r = {r:.2f}, R² = {r2:.2f}"
        shade: dict[str, Any] = {} if "c" in kwargs else {"color": colour}
        style = {"s": 8, "alpha": 0.35, "linewidths": 0, "label": text, **shade, **kwargs}
        ax.scatter(y, p, **style)
        low, high = min(low, y.min(), p.min()), max(high, y.max(), p.max())
    ax.plot([low, high], [low, high], color=GREY, ls=":", lw=1)
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return tidy(ax, x="measured", y="predicted")


@picture()
def score_histogram(
    sdata: xr.Dataset,
    target_var: str,
    prediction_var: str | None = None,
    *,
    bins: int = 40,
    ax: Axes | None = None,
) -> Axes:
    """Draw the scores of negatives and positives on shared bins.

    Parameters
    ----------
    sdata
        Dataset with a 0/1 target and a score over ``_sequence``.
    target_var
        Name of the target.
    prediction_var
        Name of the score; by default ``{target_var}_predictions``.
    bins
        Number of bins.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes with two histograms.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing, or the target is not 0/1 with both values present.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"y": ("_sequence", np.array([0.0, 1.0])),
    ...                  "y_predictions": ("_sequence", np.array([0.1, 0.9]))})
    >>> score_histogram(ds, "y").get_ylabel()
    'sequences'
    """
    ((name, y, p),) = _pairs(sdata, one(target_var, "score_histogram"), prediction_var)
    labels = _binary(name, y)
    ax = axes_or_new(ax)
    edges = np.histogram_bin_edges(p, bins=bins).tolist()
    for value, colour, text in ((0, BLUE, "negatives"), (1, VERMILION, "positives")):
        ax.hist(p[labels == value], bins=edges, color=colour, alpha=0.6, label=text)
    ax.legend(frameon=False, fontsize=8)
    return tidy(ax, x="score", y="sequences")


@picture(void={"kind": ("binary",)})
def confusion_mtx(
    sdata: xr.Dataset,
    target_var: str,
    prediction_var: str | None = None,
    *,
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each class was called as each class.

    Parameters
    ----------
    sdata
        Dataset with a 0/1 target and a probability over ``_sequence``.
    target_var
        Name of the target.
    prediction_var
        Name of the score; by default ``{target_var}_predictions``.
    threshold
        Scores at or above it are called positive.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; each cell holds the count and its share of the row.

    Raises
    ------
    eugene.errors.EugeneError
        If a variable is missing, or the target is not 0/1 with both values present.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> ds = xr.Dataset({"y": ("_sequence", np.array([0.0, 1.0])),
    ...                  "y_predictions": ("_sequence", np.array([0.1, 0.9]))})
    >>> confusion_mtx(ds, "y").get_xlabel()
    'called'
    """
    ((name, y, p),) = _pairs(sdata, one(target_var, "confusion_mtx"), prediction_var)
    labels = _binary(name, y)
    ax = axes_or_new(ax, size=(3.2, 3.0))
    table = np.zeros((2, 2), dtype=int)
    np.add.at(table, (labels, (p >= threshold).astype(int)), 1)
    share = table / table.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, col in np.ndindex(2, 2):
        colour = "white" if share[row, col] > 0.6 else "black"
        text = f"{table[row, col]:,}\n{share[row, col]:.1%}"
        ax.text(col, row, text, ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks([0, 1], ["0", "1"])
    ax.set_yticks([0, 1], ["0", "1"])
    ax.set(xlabel="called", ylabel=name)
    return ax
