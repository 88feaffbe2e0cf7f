"""Pictures of how well a network predicts the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eugene.report._blocks import Picture, picture

if TYPE_CHECKING:
    import xarray as xr


def split_part(ds: xr.Dataset, split: str) -> xr.Dataset:
    """Return the rows of a split; all where the store has no split coordinate."""
    if "split" not in ds.variables:
        return ds
    codes = np.asarray(ds["split"].values)
    names = str(ds["split"].attrs.get("flag_meanings", "train val test")).split()
    values = np.atleast_1d(ds["split"].attrs.get("flag_values", np.arange(len(names))))
    wanted = [v for v, n in zip(values, names, strict=False) if n == split]
    return ds.isel(_sequence=np.isin(codes, wanted)) if wanted else ds


def performance(rows: xr.Dataset, folder: Path) -> list[Picture]:
    """Draw ROC, precision-recall and scores of rows, or predicted against measured."""
    import matplotlib.pyplot as plt
    import xarray as xr

    from eugene.plot import auprc, auroc, performance_scatter, score_histogram

    target = np.asarray(rows["target"].values, dtype=float)
    score = np.asarray(rows["prediction"].values, dtype=float)
    ranked = np.asarray(rows["score"].values, dtype=float) if "score" in rows else score
    if target.ndim == 1:
        target = target[:, None]
    score, ranked = score.reshape(len(score), -1), ranked.reshape(len(ranked), -1)
    names = [str(name) for name in np.atleast_1d(rows.attrs.get("targets", []))]
    if target.shape[1] == 1 < score.shape[1]:  # classes: each against the rest
        missing = ~np.isfinite(target)
        target = np.where(missing, np.nan, target == np.arange(score.shape[1]))
        said = [str(name) for name in np.atleast_1d(rows.attrs.get("classes", []))]
        known = len(said) == score.shape[1]
        names = said if known else [f"class {i}" for i in range(score.shape[1])]
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
    task = str(rows.attrs.get("task", ""))
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
        auroc(curves, both, averages=True, ax=axes[0])
        auprc(curves, both, averages=True, iso_f1=True, ax=axes[1])
        score_histogram(data, both[0], ax=axes[2])
        alt = "ROC curve, precision-recall curve and histogram of scores"
        caption = "Receiver operating characteristic, precision and recall, scores by class."
        if len(names) > 1:
            caption += f" The histogram is of {both[0]}."
        if len(both) > 1:
            caption += (
                " Black: all pairs of a row and a class together (micro), and the mean of the "
                "classes (macro)."
            )
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
