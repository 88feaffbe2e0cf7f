"""How several arms compare: scores of replicates, or of a dataset's predictions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from eugene.errors import EugeneError, did_you_mean
from eugene.plot._picture import picture
from eugene.plot._style import (
    GREY,
    VERMILION,
    as_list,
    axes_or_new,
    categories,
    coloured,
    is_upright,
    numbers,
    tidy,
)

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    # target, predictions, their groups, and the variable of groups of rows
    _How = tuple[str | None, str | Sequence[str] | None, Sequence[str] | None, str | None]

_FIGURES = {
    "mse": "calculate_mse",
    "pearson": "calculate_pearsonr",
    "spearman": "calculate_spearmanr",
    "roc_auc": "calculate_auroc",
    "average_precision": "calculate_aupr",
}
_CALLED = ("accuracy", "precision", "recall", "f1")
_STYLES = ("--", "-.", ":")


def _called(
    metric: str, name: str, y: NDArray[np.float64], p: NDArray[np.float64], at: float = 0.5
) -> float:
    """Return a score of classes, called where a probability reaches one half."""
    import sklearn.metrics as scores

    if p.size and (p.min() < 0 or p.max() > 1):
        raise EugeneError(
            f"{metric} is of probabilities, but {name!r} goes from {p.min():.3g} to {p.max():.3g}: "
            "predictions here are probabilities, EUGENe's were logits; 1 / (1 + exp(-x)) of them"
        )
    figure = getattr(scores, f"{metric}_score")
    return float(figure(y.astype(int), (p >= at).astype(int)))


def _scores(
    sdata: xr.Dataset,
    metric: str,
    target_var: str | None,
    prediction_vars: str | Sequence[str] | None,
    prediction_groups: Sequence[str] | None,
    groupby: str | None,
) -> list[tuple[str, str, float]]:
    """Return the score of each variable of predictions, and of each group of rows: its arm."""
    if target_var is None:
        raise EugeneError(
            "performance_summary draws a mapping of arms to scores, or a dataset with target_var="
        )
    known = ("r2", *_FIGURES, *_CALLED)
    if metric not in known:
        hint = did_you_mean(metric, known)
        raise EugeneError(f"performance_summary has no metric {metric!r}{hint}")
    from eugene import family

    made = [str(v) for v in sdata.data_vars if "predictions" in str(v)]
    names = as_list(made if prediction_vars is None else prediction_vars)
    paired = isinstance(prediction_groups, Sequence) and len(prediction_groups) == len(names)
    if prediction_groups is not None and not paired:
        raise EugeneError(
            f"prediction_groups: a list with one group for each of {len(names)} prediction_vars "
            f"was expected, got {prediction_groups!r}"
        )
    labels, codes = [""], np.zeros(sdata.sizes["_sequence"], dtype=int)
    if groupby is not None:
        labels, codes = categories(sdata, groupby, role="groupby variable")
    found = []
    y = numbers(sdata, target_var)
    for i, name in enumerate(names):
        p = numbers(sdata, name)
        for code in np.unique(codes):
            keep = (codes == code) & np.isfinite(y) & np.isfinite(p)
            if metric in _CALLED:
                score = _called(metric, name, y[keep], p[keep])
            elif metric == "r2":
                score = (
                    1 - ((y[keep] - p[keep]) ** 2).sum() / ((y[keep] - y[keep].mean()) ** 2).sum()
                )
            else:
                columns = (y[keep, None], p[keep, None])
                score = getattr(family, _FIGURES[metric])(*columns)[0]
            own = prediction_groups[i] if prediction_groups is not None else name
            found.append((name, labels[code] if groupby is not None else own, float(score)))
    return found


def _or_table(draw: Callable[..., Axes]) -> Callable[..., Any]:
    """Return EUGENe's table of a picture where a dataset was given and no axes are wanted."""
    places = list(inspect.signature(inspect.unwrap(draw)).parameters)

    @functools.wraps(draw)
    def call(*args: object, **kwargs: object) -> object:
        drawn = draw(*args, **kwargs)
        given: dict[str, object] = {**dict(zip(places, args, strict=False)), **kwargs}
        data = given.get("sdata", given.get("summary"))
        if not hasattr(data, "data_vars") or given.get("return_axes") or "ax" in given:
            return drawn
        metrics = cast("str | list[str]", given.get("metrics", given.get("metric")) or "r2")
        how = cast("_How", [given.get(k) for k in places[1:5]])
        return _table(cast("xr.Dataset", data), as_list(metrics), how)

    return call


@_or_table
@picture(
    same={"sdata": "summary", "metrics": "metric"},
    void={"add_swarm": (False, True)},
    each="metric",
)
def performance_summary(
    summary: Mapping[str, Sequence[float]] | xr.Dataset,
    target_var: str | None = None,
    prediction_vars: str | Sequence[str] | None = None,
    prediction_groups: Sequence[str] | None = None,
    groupby: str | None = None,
    *,
    metric: str | None = None,
    baselines: Mapping[str, float] | None = None,
    size: float = 5,
    orient: str = "v",
    ax: Axes | None = None,
) -> Axes:
    """Draw the replicates of several arms, their means, and baselines as lines.

    Parameters
    ----------
    summary
        Scores of the replicates (one a seed) of each arm; or a dataset, as EUGENe took it.
    target_var, prediction_vars
        Of a dataset: the target, and the predictions that are compared with it; by default all
        variables with "predictions" in their names.
    prediction_groups, groupby
        Of a dataset: the arm of each variable of predictions, or a variable whose groups of rows
        are the arms.
    metric
        Name of the score, for the axis; of a dataset r2 (the default), mse, pearson, spearman,
        roc_auc, average_precision, accuracy, precision, recall or f1.
    baselines
        One score a baseline, drawn as a dashed line with its name.
    size
        Size of the points.
    orient
        ``"v"`` for scores that run up the page, ``"h"`` for scores that run along it.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    Axes
        The axes; points are replicates, bars are means. Of several scores an array of axes.
        Of a dataset the table of scores, as EUGENe gave it, unless ``return_axes`` or ``ax`` is
        given: a row for each variable of predictions and group, a column for each score.

    Raises
    ------
    eugene.errors.EugeneError
        If there is no arm.

    Examples
    --------
    >>> ax = performance_summary({"default": [0.5, 0.6]}, metric="r2", baselines={"ridge": 0.4})
    >>> ax.get_ylabel()
    'r2'
    """
    arms: object = summary
    if hasattr(summary, "data_vars"):
        metric = metric or "r2"
        how = (target_var, prediction_vars, prediction_groups, groupby)
        found: dict[str, list[float]] = {}
        for _, arm, score in _scores(cast("xr.Dataset", summary), metric, *how):
            found.setdefault(arm, []).append(score)
        arms = found
    elif target_var is not None:
        raise EugeneError("performance_summary: target_var is of a dataset, not of scores")
    if not isinstance(arms, Mapping):
        raise EugeneError(
            f"performance_summary draws a mapping of arms to scores, such as {{'default': [0.5, "
            f"0.6]}}, got {type(arms).__name__}; eugene.evaluate.evaluate gives the scores"
        )
    if not arms:
        raise EugeneError("no arm to draw; pass a mapping from arm names to replicate scores.")
    upright = is_upright(orient)
    ax = axes_or_new(ax)
    for at, (scores, colour) in enumerate(coloured(arms.values())):
        values = np.asarray(scores, dtype=float)
        spread = np.linspace(-0.12, 0.12, values.size) if values.size > 1 else np.zeros(1)
        x, y = (at + spread, values) if upright else (values, at + spread)
        ax.scatter(x, y, color=colour, s=size**2, zorder=3)
        mean = ax.hlines if upright else ax.vlines
        mean(values.mean(), at - 0.25, at + 0.25, color=colour, lw=2)
    for i, (label, value) in enumerate((baselines or {}).items()):
        style = _STYLES[i % len(_STYLES)]
        line = ax.axhline if upright else ax.axvline
        line(value, color=VERMILION if style == "--" else GREY, ls=style, lw=1)
        ax.annotate(
            f"{label} {value:.3f}",
            (1.0, value) if upright else (value, 1.0),
            xycoords=("axes fraction", "data") if upright else ("data", "axes fraction"),
            ha="right",
            va="bottom",
            fontsize=8,
        )
    if upright:
        ax.set_xticks(range(len(arms)), [*arms])
        ax.set_xlim(-0.6, len(arms) - 0.4)
        return tidy(ax, y=metric or "score")
    ax.set_yticks(range(len(arms)), [*arms])
    ax.set_ylim(len(arms) - 0.4, -0.6)
    return tidy(ax, x=metric or "score")


def _table(sdata: xr.Dataset, metrics: list[str], how: _How) -> pd.DataFrame:
    """Return the scores as EUGENe's table: a row for each variable and group."""
    import pandas as pd

    parts = [_scores(sdata, metric, *how) for metric in metrics]
    table = pd.DataFrame(
        {
            metric: [score for *_, score in part]
            for metric, part in zip(metrics, parts, strict=True)
        },
        index=[name for name, *_ in parts[0]],
    )
    groups, groupby = how[2:4]
    if groupby is not None or groups is not None:
        table[groupby or "prediction_groups"] = [arm for _, arm, _ in parts[0]]
    return table
