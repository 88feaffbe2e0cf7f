"""Sections on training and on the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._evaluation import of_other_data, read_evaluation
from eugene.report._blocks import Picture, Section, interval, number, picture
from eugene.report._folder import (
    kept_epoch,
    read_table,
    target_names,
    transformed,
)

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
    kept = kept_epoch(run)
    if kept is not None:
        best, watched = kept
        text += f"; the weights of epoch {best + 1}, where {_best_of(watched)}, are kept"
    section.text(text + ".")
    section.figures([
        picture(
            training_summary(history, best=None if kept is None else kept[0]),
            "training", folder=run / "figures",
            alt="Loss and metric against the epoch for training and validation rows",
            caption="Learning curves; the dotted line marks the epoch that was kept.",
        )
    ])  # fmt: skip
    return section


def _best_of(monitor: str) -> str:
    """Say in which way the value of the kept epoch was best."""
    from eugene.modules.metrics import better_when

    names = {"val": "validation", "train": "training"}
    where, _, name = monitor.partition("_")
    side = "lowest" if better_when(monitor) == "min" else "highest"
    what = f"{names.get(where, where)} {'loss' if name == 'loss' else metric_name(name)}"
    return f"the {what} was {side}"


def performance(run: Path) -> Section:
    """Show metrics with intervals beside the baselines, and the curves behind them."""
    section = Section("performance", "Test performance")
    evaluation = read_evaluation(run)
    for line in of_other_data(run):
        section.text(line)
    if not evaluation:
        return section
    unseen = "" if evaluation.get("other_data") else ", which training never saw"
    section.text(
        f"{number(evaluation.get('n'))} rows of the split '{evaluation.get('split')}'{unseen}. "
        "Brackets hold 95 % bootstrap intervals over rows."
    )
    for name, how in transformed(run).items():
        section.text(
            f"Errors, predictions and measurements of {name} are in units of the transformed "
            f"target, after {how}."
        )
    metrics = evaluation.get("metrics", {})
    _metric_table(section, metrics, evaluation.get("baselines", {}))
    _each_target(section, metrics, target_names(run) or evaluation.get("targets") or [])
    for name, part in evaluation.get("subsets", {}).items():
        section.heading(f"Subset: {name.replace('_', ' ')} ({number(part.get('n'))} rows)")
        _metric_table(section, part.get("metrics", {}), part.get("baselines", {}))
    store = run / "predictions.zarr"
    if store.is_dir():
        import seqdata as sd

        with sd.open_zarr(store) as opened:
            section.figures(_curves(opened.load(), str(evaluation.get("split")), run / "figures"))
    return section


def _each_target(section: Section, metrics: dict[str, Any], names: list[str]) -> None:
    """Say over what the numbers are means, give those of each target, and what cannot exist."""
    several = {m: e["per_target"] for m, e in metrics.items() if _per_target(e)}
    if several:
        count = max(len(values) for values in several.values())
        listed = names if len(names) == count else [f"target {i}" for i in range(count)]
        section.text(
            f"The numbers above are the mean over {', '.join(listed)}"
            + (
                ""
                if len(several) == len(metrics)
                else f" ({', '.join(metric_name(m) for m in several)})"
            )
            + "; this is each:"
        )
        section.table(
            ("", *(metric_name(m) for m in several)),
            [
                (name, *(number(_at(values, i)) for values in several.values()))
                for i, name in enumerate(listed)
            ],
            numbers=tuple(range(1, len(several) + 1)),
        )
    for entry in metrics.values():
        if isinstance(entry, dict) and entry.get("why"):
            section.text(f"{entry['why'][:1].upper()}{entry['why'][1:]}.")


def _per_target(entry: Any) -> bool:
    return isinstance(entry, dict) and len(entry.get("per_target") or ()) > 1


def _at(values: list[Any], i: int) -> Any:
    return values[i] if i < len(values) else None


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
    ranked = np.asarray(rows["score"].values, dtype=float) if "score" in rows else score
    if target.ndim == 1:
        target = target[:, None]
    score, ranked = score.reshape(len(score), -1), ranked.reshape(len(ranked), -1)
    names = [str(name) for name in np.atleast_1d(ds.attrs.get("targets", []))]
    if target.shape[1] == 1 < score.shape[1]:  # classes: each against the rest
        missing = ~np.isfinite(target)
        target = np.where(missing, np.nan, target == np.arange(score.shape[1]))
        names = [f"class {i}" for i in range(score.shape[1])]
    if len(names) != target.shape[1]:
        names = [f"target {i}" for i in range(target.shape[1])]
    data = xr.Dataset({
        **{n: ("_sequence", target[:, i]) for i, n in enumerate(names)},
        **{f"{n}_predictions": ("_sequence", score[:, i]) for i, n in enumerate(names)},
    })  # fmt: skip
    there = np.isfinite(target)
    measured = target[there]
    if not measured.size:
        return []
    pictures = []
    task = str(ds.attrs.get("task", ""))
    if task.endswith("classification") or set(np.unique(measured)) == {0.0, 1.0}:
        # a curve needs rows of both classes
        both = [
            n for i, n in enumerate(names) if set(np.unique(target[there[:, i], i])) == {0.0, 1.0}
        ]
        if not both:
            return []
        # probabilities that round to the same are told apart by their logits
        ranks = {f"{n}_predictions": ("_sequence", ranked[:, i]) for i, n in enumerate(names)}
        curves = data.assign(ranks)
        figure, axes = plt.subplots(1, 3, figsize=(11.2, 3.4), layout="constrained")
        auroc(curves, both, ax=axes[0])
        auprc(curves, both, ax=axes[1])
        score_histogram(data, both[0], ax=axes[2])
        alt = "ROC curve, precision-recall curve and histogram of scores"
        caption = "Receiver operating characteristic, precision and recall, scores by class."
        if len(names) > 1:
            caption += f" The histogram is of {both[0]}."
        if len(both) < len(names):
            lacking = ", ".join(n for n in names if n not in both)
            caption += f" Not drawn, because the test rows are all of one class: {lacking}."
    else:
        figure, ax = plt.subplots(figsize=(4.4, 4.0), layout="constrained")
        shown = [n for i, n in enumerate(names) if there[:, i].any()]
        performance_scatter(data, shown, ax=ax)
        alt, caption = "Predicted against measured values", "Each point is a test row."
    pictures.append(picture(figure, "performance", folder=folder, alt=alt, caption=caption))
    return pictures
