"""The part of a report on a network of profiles: figures beside references, and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from eugene.report._blocks import Picture, Section, interval, number, picture
from eugene.report._measured import each_target, metric_table
from eugene.report._rows import data_of, row_names
from eugene.report._words import metric_name

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from eugene._evaluation import Evaluation, Measured
    from eugene._folder import RunFolder

SCORES = "evaluation.zarr"
_NAMES = {"network": "model", "mean_profile": "mean profile", "other_half": "other half"}
_COLOURS = {"network": "#1f6f8b", "mean_profile": "#9a9a9a", "other_half": "#d08c2b"}
_BINS = 40
# of two profiles that share no position: sqrt(ln 2)
_FARTHEST = 0.8326
_LISTED, _TASKS = 10, 3
"""Rows that are listed as the worst, and tasks that have such a list of counts."""


def show_profiles(section: Section, run: RunFolder, evaluation: Evaluation) -> None:
    """Show the figures of profiles and counts, what they stand beside, and pictures of both.

    Parameters
    ----------
    section : Section
        It is added to.
    run : RunFolder
        A tested run.
    evaluation : dict
        Its ``evaluation.json``.
    """
    width = evaluation.get("smooth_bp")
    section.text(
        f"{number(evaluation.get('n'))} rows of the split '{evaluation.get('split')}'. Brackets "
        "hold 95 % bootstrap intervals over rows. Shares of the strands of a task are compared "
        "together. The mean profile is that of the training rows, each normalised to one; it "
        "knows no sequence. Profiles are correlated "
        + ("as they are." if width is None else f"after a Gaussian of {number(width)} bp.")
    )
    for task, count in evaluation.get("n_empty", {}).items():
        if count:
            section.text(
                f"In {number(count)} rows nothing was counted of {task}: they have no profile and "
                "are left out of its figures, and count as rows without reads for the counts."
            )
    metric_table(section, evaluation)
    each_target(section, evaluation.get("metrics", {}), evaluation.get("targets") or [])
    _show_reach(section, evaluation, evaluation)
    for name, part in evaluation.get("subsets", {}).items():
        section.heading(f"Subset: {name.replace('_', ' ')} ({number(part.get('n'))} rows)")
        metric_table(section, part)
        _show_reach(section, part, evaluation)
    if (run / SCORES).is_dir():
        import seqdata as sd

        with sd.open_zarr(run / SCORES) as opened:
            ds = opened.load()
        with data_of(run) as data:
            named = {
                which: row_names(data, ds[f"{which}_index"].to_numpy())
                for which in ("example", "worst")
                if f"{which}_index" in ds
            }
            section.figures(pictures(ds, run.figures, named["example"]))
            _show_counts(section, ds, run, data)
            _show_worst(section, ds, run, data, named.get("worst", []))


def _show_reach(section: Section, measured: Measured, evaluation: Evaluation) -> None:
    """Show what is measured on a half of the reads, and how far the network gets."""
    how = evaluation.get("pseudo_replicates", {})
    halves = measured.get("halves")
    if not halves:
        if how.get("why") and measured is evaluation:
            section.text(f"There are no pseudo-replicates: {how['why']}.")
        return
    if measured is evaluation:
        dealt = (
            f"the fragments of {how.get('file')} ({how.get('counted')})"
            if how.get("method") == "fragments"
            else "the counts of every base, one by one,"
        )
        section.text(
            f"Pseudo-replicates: {dealt} were dealt at random to two halves (seed "
            f"{number(how.get('seed'))}). Below, the first half is what is observed; the other, "
            f"smoothed by a Gaussian of {number(how.get('smooth_bp'))} bp (the width that did best "
            "on the validation rows) with one read of the mean profile added, is the reference. "
            "It is as sparse as the data, so a model can be better."
            + (f" {how['why']}." if how.get("why") else "")
        )
    names = ("jsd", "count_pearson", "count_spearman")
    section.table(
        ("on one half of the reads", *(_NAMES.get(n, n.replace("_", " ")) for n in halves)),
        [
            (metric_name(m), *(interval(found.get(m)) for found in halves.values()))
            for m in names
            if any(m in found for found in halves.values())
        ],
        caption="On one half of the reads",
    )
    floors = {"jsd": "the mean profile", "count_pearson": "k-mer ridge"}
    for metric, entry in measured.get("reach", {}).items():
        section.text(
            f"Between {floors[metric]} (0) and the other half of the reads (1) the model stands at "
            f"{interval(entry)} by {metric_name(metric)}."
            + (f" {entry['why']}." if entry.get("why") else "")
        )


def _tasks(ds: xr.Dataset) -> list[str]:
    import numpy as np

    return [str(name) for name in np.atleast_1d(ds.attrs["tasks"])]


def _show_counts(section: Section, ds: xr.Dataset, run: RunFolder, data: xr.Dataset | None) -> None:
    """Hold predicted counts against observed ones by quantile, and list the worst rows."""
    import numpy as np

    from eugene.report._calibration import show_columns
    from eugene.report._mistakes import worst

    observed, predicted = ds["total"].to_numpy(), ds["predicted_log_counts"].to_numpy()
    tasks = _tasks(ds)
    section.heading("Calibration of the counts")
    show_columns(
        section,
        list(zip(tasks, np.log1p(observed).T, predicted.T, strict=True)),
        run.figures,
        labels=False,
        unit="ln(1 + counts)",
    )
    if len(tasks) > _TASKS:
        section.text(f"Rows that are most wrong are listed for {_TASKS} of {len(tasks)} tasks.")
    for task, name in enumerate(tasks[:_TASKS]):
        rows = worst(np.log1p(observed[:, task]), predicted[:, task], _LISTED, labels=False)
        called = row_names(data, ds["index"].to_numpy()[rows])
        section.heading(_of("Rows whose counts are most wrong", name, tasks))
        section.table(
            ("row", "counts", "predicted", "ln(1 + counts) off by"),
            [
                (called[i], number(float(observed[row, task]), 0),
                 number(float(np.expm1(predicted[row, task])), 1),
                 f"{predicted[row, task] - np.log1p(observed[row, task]):+.3f}")
                for i, row in enumerate(rows)
            ],
            numbers=(1, 2, 3),
        )  # fmt: skip


def _of(text: str, task: str, tasks: list[str]) -> str:
    return text if len(tasks) == 1 else f"{text}: {task}"


def _show_worst(
    section: Section, ds: xr.Dataset, run: RunFolder, data: xr.Dataset | None, names: list[str]
) -> None:
    """List the rows whose profile is farthest from the observed one, and draw some."""
    import numpy as np

    if "worst_index" not in ds:  # of a version that did not keep them
        return
    least = float(ds.attrs["worst_least_counts"])
    distance = ds["jsd"].to_numpy()
    off = np.where(np.isnan(distance), -np.inf, distance).max(axis=1)
    totals = np.nansum(ds["total"].to_numpy(), axis=1)
    off = np.where((totals >= least) & np.isfinite(off), off, -np.inf)
    rows = np.lexsort((ds["index"].to_numpy(), -off))[:_LISTED]
    rows = rows[np.isfinite(off[rows])]
    tasks = _tasks(ds)
    called = row_names(data, ds["index"].to_numpy()[rows])
    section.heading("Rows whose profile is most wrong")
    section.text(
        "By the Jensen-Shannon distance (nats), among the rows with at least the median of the "
        f"counts ({number(least, 0)}): where little was counted every prediction is far from it."
    )
    section.table(
        ("row", *(_of("distance", task, tasks) for task in tasks),
         *(_of("counts", task, tasks) for task in tasks)),
        [
            (called[i], *(number(float(v)) for v in distance[row]),
             *(number(float(v), 0) for v in ds["total"].to_numpy()[row]))
            for i, row in enumerate(rows)
        ],
        numbers=range(1, 1 + 2 * len(tasks)),
    )  # fmt: skip
    section.figures(
        [
            _windows(
                ds, run.figures, names, which="worst", name="profiles_worst",
                what=f"the {len(names)} test windows whose profiles are most wrong",
                order="the worst first",
            )
        ]
    )  # fmt: skip


def pictures(ds: xr.Dataset, folder: Path, names: list[str]) -> list[Picture]:
    """Draw a few windows, counts, and the distances of all rows.

    Parameters
    ----------
    ds : xarray.Dataset
        ``evaluation.zarr`` of a run.
    folder : Path
        For the pictures.
    names : list of str
        What the windows are called.

    Returns
    -------
    list of Picture
        Three.
    """
    few = _windows(
        ds, folder, names, which="example", name="profiles", what=f"{len(names)} test windows",
        order="windows from many to few predicted reads",
    )  # fmt: skip
    return [few, _counts(ds, folder), _distances(ds, folder)]


def _windows(
    ds: xr.Dataset,
    folder: Path,
    names: list[str],
    *,
    which: Literal["example", "worst"],
    name: str,
    what: str,
    order: str,
) -> Picture:
    """Draw some windows that were kept, observed and predicted."""
    import matplotlib.pyplot as plt
    import numpy as np

    observed = ds[f"{which}_observed"].to_numpy().astype(float)
    predicted = ds[f"{which}_predicted"].to_numpy().astype(float)
    task_of = np.atleast_1d(ds.attrs["task_of_sample"])
    n, tracks, length = observed.shape
    figure, axes = plt.subplots(
        n, 1, figsize=(11.4, 1.6 * n), layout="constrained", sharex=True, squeeze=False
    )
    places = np.arange(length) - length // 2
    for row, ax in enumerate(axes[:, 0]):
        for task in np.unique(task_of):
            members = np.flatnonzero(task_of == task)
            total = np.nansum(observed[row, members])
            for i, track in enumerate(members):
                # the second strand of a pair hangs down
                side = -1 if i else 1
                expected = predicted[row, track] / predicted[row, members].sum() * total
                ax.fill_between(
                    places, side * observed[row, track], step="mid", color="#c9c9c9", linewidth=0
                )
                ax.plot(places, side * expected, color=_colour(int(task)), linewidth=0.9)
        ax.axhline(0, color="black", linewidth=0.4)
        said = names[row].replace(" ", "\n")
        ax.set_ylabel(
            f"{said}\n{np.nansum(observed[row]):,.0f} reads", fontsize=7, rotation=0, ha="right",
            va="center",
        )  # fmt: skip
        ax.tick_params(labelsize=7)
    axes[-1, 0].set_xlabel("position from the middle of the window (bp)", fontsize=8)
    strands = ", the minus strand below the line" if tracks > len(np.unique(task_of)) else ""
    return picture(
        figure, name, folder=folder,
        alt=f"Observed and predicted profiles of {what}",
        caption="Observed counts (grey) and the predicted profile times the observed total"
        f"{strands}; {order}.",
    )  # fmt: skip


def _colour(task: int) -> str:
    colours = ("#1f6f8b", "#b3446c", "#4f7f3f", "#8c6d1f", "#5f4b8b")
    return colours[task % len(colours)]


def _counts(ds: xr.Dataset, folder: Path) -> Picture:
    import matplotlib.pyplot as plt
    import numpy as np

    observed = np.log1p(ds["total"].to_numpy())
    predicted = ds["predicted_log_counts"].to_numpy()
    names = [str(name) for name in np.atleast_1d(ds.attrs["tasks"])]
    figure, ax = plt.subplots(figsize=(4.4, 4.0), layout="constrained")
    for task, name in enumerate(names):
        ax.scatter(
            observed[:, task], predicted[:, task], s=6, alpha=0.5, linewidth=0,
            color=_colour(task), label=name,
        )  # fmt: skip
    ends = [
        float(f(np.nan_to_num(np.concatenate((observed, predicted))))) for f in (np.min, np.max)
    ]
    ax.plot(ends, ends, color="black", linewidth=0.6)
    ax.set_xlabel("observed ln(1 + counts)")
    ax.set_ylabel("predicted ln(1 + counts)")
    if len(names) > 1:
        ax.legend(fontsize=7, frameon=False)
    return picture(
        figure, "counts", folder=folder, alt="Predicted against observed log counts",
        caption="Counts of the test rows; on the line they are as predicted.",
    )  # fmt: skip


def _distances(ds: xr.Dataset, folder: Path) -> Picture:
    import matplotlib.pyplot as plt
    import numpy as np

    half = "jsd_half_network" in ds
    drawn: dict[str, NDArray[np.floating]] = {}
    for name in _NAMES:
        key = f"jsd_{'half' if half else 'whole'}_{name}"
        if not half and name == "network":
            key = "jsd"
        if key in ds:
            values = ds[key].to_numpy().ravel()
            drawn[name] = values[np.isfinite(values)]
    figure, ax = plt.subplots(figsize=(4.8, 4.0), layout="constrained")
    for name, values in drawn.items():
        ax.hist(
            values, bins=np.linspace(0, _FARTHEST, _BINS + 1).tolist(), histtype="step",
            color=_COLOURS[name], label=_NAMES[name], linewidth=1.3,
        )  # fmt: skip
        if len(values):
            ax.axvline(float(np.median(values)), color=_COLOURS[name], linewidth=0.8, ls=":")
    ax.set_xlabel("Jensen-Shannon distance (nats, root of the divergence)")
    ax.set_ylabel("test rows")
    ax.legend(fontsize=8, frameon=False)
    of = "one half of the reads" if half else "the reads"
    return picture(
        figure, "distances", folder=folder,
        alt="Histogram of the distance of predicted from observed profiles",
        caption=f"Jensen-Shannon distance from {of} in each test row, medians dotted.",
    )  # fmt: skip
