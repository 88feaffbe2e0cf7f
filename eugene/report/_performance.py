"""Sections on training and on the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.report._blocks import Picture, Section, interval, number, picture
from eugene.report._folder import read_json, read_table

if TYPE_CHECKING:
    import xarray as xr

METRIC_NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "f1": "F1",
    "r2": "R² (coefficient of determination)",
    "pearson": "Pearson r",
    "pearson_r2": "Pearson r²",
    "spearman": "Spearman ρ",
    "mse": "mean squared error",
}


def metric_name(metric: str) -> str:
    """Return the name that people use for a metric."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def training(run: Path) -> Section:
    """Show learning curves and where training stopped."""
    section = Section("training", "Training")
    history = read_table(run / "metrics.csv")
    if history.empty:
        return section
    from eugene.plot import training_summary

    seconds = float(history["seconds"].sum()) if "seconds" in history else float("nan")
    text = f"{len(history)} epochs"
    if np.isfinite(seconds):
        text += f", {seconds / len(history):.1f} s each"
    if "val_loss" in history and history["val_loss"].notna().any():
        best = int(history["epoch"][history["val_loss"].idxmin()]) + 1
        text += f"; the weights of epoch {best}, where the validation loss was lowest, are kept"
    section.text(text + ".")
    section.figures([
        picture(
            training_summary(history), "training", folder=run / "figures",
            alt="Loss and metric against the epoch for training and validation rows",
            caption="Learning curves; the dotted line marks the epoch that was kept.",
        )
    ])  # fmt: skip
    return section


def performance(run: Path) -> Section:
    """Show metrics with intervals beside the baselines, and the curves behind them."""
    section = Section("performance", "Test performance")
    evaluation = read_json(run / "evaluation.json")
    if not evaluation:
        return section
    section.text(
        f"{number(evaluation.get('n'))} rows of the split '{evaluation.get('split')}', which "
        "training never saw. Brackets hold 95 % bootstrap intervals over rows."
    )
    _metric_table(section, evaluation.get("metrics", {}), evaluation.get("baselines", {}))
    for name, part in evaluation.get("subsets", {}).items():
        section.heading(f"Subset: {name.replace('_', ' ')} ({number(part.get('n'))} rows)")
        _metric_table(section, part.get("metrics", {}), part.get("baselines", {}))
    store = run / "predictions.zarr"
    if store.is_dir():
        import seqdata as sd

        with sd.open_zarr(store) as opened:
            section.figures(_curves(opened.load(), str(evaluation.get("split")), run / "figures"))
    return section


def _metric_table(
    section: Section, metrics: dict[str, Any], baselines: dict[str, dict[str, Any]]
) -> None:
    """Add a row a metric, a column for the model and one for each baseline."""
    names = [m for m in metrics if any(k in m for k in METRIC_NAMES)] or list(metrics)
    section.table(
        ("metric", "model", *(b.replace("_", " ") for b in baselines)),
        [
            (metric_name(m), interval(metrics[m]),
             *(interval(b.get(m)) for b in baselines.values()))
            for m in names
        ],
    )  # fmt: skip


def _split_rows(ds: xr.Dataset, split: str) -> xr.Dataset:
    """Return the rows of a split; all where the store has no split coordinate."""
    if "split" not in ds.variables:
        return ds
    codes = np.asarray(ds["split"].values)
    names = str(ds["split"].attrs.get("flag_meanings", "train val test")).split()
    values = np.atleast_1d(ds["split"].attrs.get("flag_values", np.arange(len(names))))
    wanted = [v for v, n in zip(values, names, strict=False) if n == split]
    return ds.isel(_sequence=np.isin(codes, wanted)) if wanted else ds


def _curves(ds: xr.Dataset, split: str, folder: Path) -> list[Picture]:
    """Draw ROC, precision-recall and scores, or predicted against measured."""
    import matplotlib.pyplot as plt
    import xarray as xr

    from eugene.plot import auprc, auroc, performance_scatter, score_histogram

    rows = _split_rows(ds, split)
    target = np.asarray(rows["target"].values, dtype=float)
    score = np.asarray(rows["prediction"].values, dtype=float)
    if target.ndim == 1:
        target, score = target[:, None], score[:, None]
    names = [str(name) for name in np.atleast_1d(ds.attrs.get("targets", []))]
    if target.shape[1] == 1 < score.shape[1]:  # classes: each against the rest
        target = (target == np.arange(score.shape[1])).astype(float)
        names = [f"class {i}" for i in range(score.shape[1])]
    if len(names) != target.shape[1]:
        names = [f"target {i}" for i in range(target.shape[1])]
    data = xr.Dataset({
        **{n: ("_sequence", target[:, i]) for i, n in enumerate(names)},
        **{f"{n}_predictions": ("_sequence", score[:, i]) for i, n in enumerate(names)},
    })  # fmt: skip
    measured = target[np.isfinite(target)]
    if not measured.size:
        return []
    pictures = []
    if set(np.unique(measured)) == {0.0, 1.0}:
        figure, axes = plt.subplots(1, 3, figsize=(11.2, 3.4), layout="constrained")
        auroc(data, names, ax=axes[0])
        auprc(data, names, ax=axes[1])
        score_histogram(data, names[0], ax=axes[2])
        alt = "ROC curve, precision-recall curve and histogram of scores"
        caption = "Receiver operating characteristic, precision and recall, scores by class."
    else:
        figure, ax = plt.subplots(figsize=(4.4, 4.0), layout="constrained")
        performance_scatter(data, names, ax=ax)
        alt, caption = "Predicted against measured values", "Each point is a test row."
    pictures.append(picture(figure, "performance", folder=folder, alt=alt, caption=caption))
    return pictures
