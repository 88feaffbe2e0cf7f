"""Learning curves from the table that every run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._files import read_csv
from eugene.config.registries import METRICS
from eugene.errors import EugeneError
from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, VERMILION, axes_or_new, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NOT_METRICS = {"epoch", "lr", "seconds"}


def read_history(log_path: str | Path) -> pd.DataFrame:
    r"""Read the learning history of a run.

    Parameters
    ----------
    log_path
        A run folder, or its ``metrics.csv``.

    Returns
    -------
    pandas.DataFrame
        One row an epoch: ``epoch``, ``train_*`` and ``val_*`` columns, ``lr``, ``seconds``.

    Raises
    ------
    eugene.errors.EugeneError
        If there is no history, or it lacks the epoch column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "metrics.csv").write_text("epoch,train_loss,val_loss\n0,1.0,1.1\n")
    >>> read_history(folder)["val_loss"].tolist()
    [1.1]
    """
    path = Path(log_path)
    path = path / "metrics.csv" if path.is_dir() else path
    if not path.is_file():
        raise EugeneError(
            f"{path}: no learning history there; pass the folder of a run that was fitted "
            "(it holds metrics.csv)."
        )
    history = read_csv(path)
    if "epoch" not in history:
        raise EugeneError(
            f"{path}: a column 'epoch' was expected; it has {', '.join(history.columns)}."
        )
    return history


@picture(passes="plot", void={"hue": (None, "metric")})
def metric_curve(
    log_path: str | Path | pd.DataFrame,
    metric: str = "loss",
    *,
    best: int | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a metric over the epochs, training and validation.

    Parameters
    ----------
    log_path
        A run folder, its ``metrics.csv``, or the table from :func:`read_history`.
    metric
        Name without ``train_`` or ``val_``: ``loss``, ``auroc``, ``pearson`` ...
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes; a dotted line marks the epoch with the lowest validation loss, of several stages
        that of the last one.

    Raises
    ------
    eugene.errors.EugeneError
        If the history has no such metric.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"epoch": [0, 1], "train_loss": [1, 0.5], "val_loss": [1, 0.7]})
    >>> metric_curve(table).get_ylabel()
    'loss'
    """
    import pandas as pd

    history = log_path if isinstance(log_path, pd.DataFrame) else read_history(log_path)
    ax = axes_or_new(ax)
    metric = METRICS.aliases.get(metric, metric)
    found = False
    for prefix, colour, label in (("train", BLUE, "training"), ("val", VERMILION, "validation")):
        name = f"{prefix}_{metric}"
        if name in history and history[name].notna().any():
            shown = history[["epoch", name]].dropna()
            style = {"color": colour, "marker": "o", "ms": 3, "label": label, **kwargs}
            ax.plot(shown["epoch"] + 1, shown[name], **style)
            found = True
    if "stage" in history:
        _stage_bounds(history, ax)
    if not found:
        known = sorted({str(c).split("_", 1)[1] for c in history if "_" in str(c)} - _NOT_METRICS)
        raise EugeneError(f"no metric {metric!r} in the history; it has {', '.join(known)}.")
    last = history
    if "stage" in history and len(history):  # losses of stages cannot be compared
        last = history[history["stage"] == history["stage"].iloc[-1]]
    said = "best"
    if best is None and "val_loss" in last and last["val_loss"].notna().any():
        # a history does not know what was monitored
        best, said = int(last["epoch"][last["val_loss"].idxmin()]), "lowest loss"
    if best is not None:
        ax.axvline(best + 1, color=GREY, ls=":", lw=1, label=f"{said}: epoch {best + 1}")
    ax.legend(frameon=False, fontsize=8)
    ax.locator_params(axis="x", integer=True)
    return tidy(ax, x="epoch", y=metric)


@picture(passes="plot", void={"hue": (None, "metric")})
def loss_curve(
    log_path: str | Path | pd.DataFrame, *, ax: Axes | None = None, **kwargs: object
) -> Axes:
    """Draw training and validation loss over the epochs.

    Parameters
    ----------
    log_path
        A run folder, its ``metrics.csv``, or the table from :func:`read_history`.
    ax
        Axes to draw on; a new figure by default.
    **kwargs
        Passed to ``Axes.plot``.

    Returns
    -------
    Axes
        The axes with both curves.

    Examples
    --------
    >>> import pandas as pd
    >>> loss_curve(pd.DataFrame({"epoch": [0], "train_loss": [1.0]})).get_xlabel()
    'epoch'
    """
    return metric_curve(log_path, "loss", ax=ax, **kwargs)


def _stage_bounds(history: pd.DataFrame, ax: Axes) -> None:
    """Draw a line where a stage of a training begins, with its name."""
    names = history["stage"].astype(str).to_list()
    epochs = history["epoch"].to_list()
    for i, name in enumerate(names):
        if i and name == names[i - 1]:
            continue
        at = float(epochs[i]) + (0.5 if i else 1)
        if i:
            ax.axvline(at, color="0.6", lw=0.8)
        ax.annotate(
            name, (at, 1), xycoords=("data", "axes fraction"), xytext=(3, -3),
            textcoords="offset points", va="top", fontsize=7, color="0.4",
        )  # fmt: skip


@picture()
def training_summary(
    log_path: str | Path | pd.DataFrame, metric: str | None = None, *, best: int | None = None
) -> Figure:
    """Draw the loss and a metric side by side.

    Parameters
    ----------
    log_path
        A run folder, its ``metrics.csv``, or the table from :func:`read_history`.
    metric
        The second panel's metric; by default the first that the history holds beside the loss.
    best
        Epoch, from 0, whose weights were kept; by default that with the lowest validation loss.

    Returns
    -------
    Figure
        A figure with one or two panels.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"epoch": [0], "val_loss": [1.0], "val_auroc": [0.5]})
    >>> len(training_summary(table).axes)
    2
    """
    import matplotlib.pyplot as plt
    import pandas as pd

    history = log_path if isinstance(log_path, pd.DataFrame) else read_history(log_path)
    if metric is None:
        others = [
            str(name)[4:]
            for name in history
            if str(name).startswith("val_") and name != "val_loss" and _numeric(history[name])
        ]
        metric = others[0] if others else None
    panels = ["loss"] if metric is None else ["loss", metric]
    figure: Figure = plt.figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)
    for ax, name in zip(axes[0], panels, strict=True):
        metric_curve(history, name, best=best, ax=ax)
    return figure


def _numeric(values: pd.Series) -> bool:
    """Tell whether a column holds any finite number."""
    return bool(np.issubdtype(values.dtype, np.number) and np.isfinite(values).any())
