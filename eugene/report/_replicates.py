"""Section on a run that was repeated over seeds or folds and variants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene.report._blocks import Picture, Section, interval, number, picture
from eugene.report._words import METRIC_NAMES, metric_name

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_DRAWN = ("auroc", "pearson_r2", "pearson", "r2")


def replicates(section: Section, run: RunFolder) -> None:
    """Show each seed or fold of each arm beside the baselines, and what differs between arms."""
    summary = run.read("summary.json")
    arms = summary.get("arms", {})
    if not arms:
        return
    over = str(summary.get("over") or "seed")
    count = len(next(iter(arms.values()))[f"{over}s"])
    section.text(
        f"The same run over {count} {over}s"
        + (f" and {len(arms)} variants" if len(arms) > 1 else "")
        + f": means over {over}s with 95 % bootstrap intervals over {over}s. Each replicate has a "
        "folder and a page of its own below this one."
    )
    _out_of_fold(section, run, summary.get("out_of_fold", {}))
    _arm_tables(section, arms, over)
    for subset in next(iter(arms.values())).get("subsets", {}):
        section.heading(f"Subset: {subset.replace('_', ' ')}")
        _arm_tables(section, {arm: entry["subsets"][subset] for arm, entry in arms.items()}, over)
    section.figures(_dots(arms, over, run.figures))
    _chosen(section, arms, over, run.figures)
    for name, entry in summary.get("paired", {}).items():
        section.heading(f"Difference: {name.replace('_', ' ')}")
        section.text(
            f"Paired by {over}. With few {over}s Student's interval is the honest one; the "
            "bootstrap over pairs is narrower."
            + (" Folds share training rows, so both are too narrow." if over == "fold" else "")
        )
        section.table(
            ("metric", "mean difference", "Student's 95 %", "bootstrap 95 %", f"each {over}"),
            [
                (
                    metric_name(metric),
                    f"{found['mean']:+.3f}",
                    _span(found.get("t_low"), found.get("t_high")),
                    _span(found["low"], found["high"]),
                    ", ".join(f"{v:+.3f}" for v in found[f"per_{over}"]),
                )
                for metric, found in entry["metrics"].items()
                if metric in METRIC_NAMES
            ],
            numbers=(1,),
        )


def _chosen(section: Section, arms: dict[str, Any], over: str, folder: Path) -> None:
    """Draw performance against consistency, and say which run to choose by both."""
    import matplotlib.pyplot as plt

    from eugene.evaluate import choose
    from eugene.plot import runs_scatter

    every = [entry["metrics"] for entry in arms.values()]
    metric = next((m for m in _DRAWN if all(m in own for own in every)), None)
    by = "k_attr_mean_kld"
    if metric is None or not all(by in own for own in every):
        return
    runs = {
        arm: {
            f"{arm}/{over}_{number_}": (a, b)
            for number_, a, b in zip(
                entry[f"{over}s"],
                *(entry["metrics"][name][f"per_{over}"] for name in (metric, by)),
                strict=True,
            )
        }
        for arm, entry in arms.items()
    }
    figures = {run: {metric: a, by: b} for own in runs.values() for run, (a, b) in own.items()}
    found = choose(figures, by, metric=metric)
    section.heading("Performance against consistency")
    section.text(
        f"{found.sentence} The k-attr-mean KLD says how well the attribution maps of different "
        "sequences agree (the section on consistency of a run explains it): of networks that "
        "predict equally well, the one with the higher value is more likely to be explained by "
        "motifs. It is compared at equal numbers of sequences only. The choice is made by test "
        "figures, so those of the chosen run are a little too good."
    )
    figure, ax = plt.subplots(figsize=(6.2, 3.6), layout="constrained")
    runs_scatter(
        runs, x=metric_name(metric), y=metric_name(by), chosen=found.chosen, limit=found.limit,
        ax=ax,
    )  # fmt: skip
    section.figures([
        picture(
            figure, "performance_consistency", folder=folder,
            alt=f"{metric_name(metric)} of each run against the consistency of its attributions",
            caption="Each point is a run; the dotted line is what counts as equally good, the ring "
            "the run that is chosen.",
        )
    ])  # fmt: skip


def _span(low: float | None, high: float | None) -> str:
    """Write an interval of differences."""
    return "–" if low is None or high is None else f"{low:+.3f} to {high:+.3f}"


def _out_of_fold(section: Section, run: RunFolder, arms: dict[str, Any]) -> None:
    """Show the figures of all rows, each predicted by the network that never saw it."""
    if not arms:
        return
    section.heading("Out of fold")
    counted = ", ".join(
        f"{number(entry['n'])} rows" + (f" ({arm})" if len(arms) > 1 else "")
        for arm, entry in arms.items()
    )
    section.text(
        f"{counted}, each predicted by the one network that was neither trained nor stopped on it, "
        "in the units of the data. Brackets hold 95 % bootstrap intervals over rows."
    )
    names = dict.fromkeys(m for e in arms.values() for m in e["metrics"] if m in METRIC_NAMES)
    section.table(
        ("metric", *arms),
        [(metric_name(m), *(interval(e["metrics"].get(m)) for e in arms.values())) for m in names],
    )
    if run.predictions.is_dir() and names:
        import seqdata as sd
        from eugene.report._calibration import show_bins
        from eugene.report._curves import performance, split_part
        from eugene.report._mistakes import show_mistakes

        with sd.open_zarr(run.predictions) as opened:
            rows = split_part(opened.load(), "test")
        section.figures(performance(rows, run.figures))
        show_bins(section, rows, run.figures)
        show_mistakes(section, run, rows)


def _arm_tables(section: Section, arms: dict[str, Any], over: str) -> None:
    """Add a row a metric and arm, baselines beside it."""
    rows = []
    for arm, entry in arms.items():
        for metric, found in entry["metrics"].items():
            if metric not in METRIC_NAMES:
                continue
            beside = [
                f"{name.replace('_', ' ')} {number(values[metric]['mean'])}"
                for name, values in entry.get("baselines", {}).items()
                if metric in values
            ]
            above = [
                check[metric][f"every_{over}_above"]
                for check in entry.get("above_baseline", {}).values()
                if metric in check
            ]
            rows.append(
                (
                    arm,
                    metric_name(metric),
                    f"{number(found['mean'])} ({number(found['low'])} to {number(found['high'])})",
                    ", ".join(number(v) for v in found[f"per_{over}"]),
                    "; ".join(beside) or "–",
                    ("yes" if all(above) else "no") if above and metric != "mse" else "–",
                )
            )
    head = ("arm", "metric", "mean (interval)", f"each {over}", "baseline", f"every {over} above")
    section.table(head, rows)


def _dots(arms: dict[str, Any], over: str, folder: Path) -> list[Picture]:
    """Draw the seeds or folds of every arm for the metric that matters."""
    import matplotlib.pyplot as plt

    from eugene.plot import performance_summary

    first = next(iter(arms.values()))
    metric = next((m for m in _DRAWN if m in first["metrics"]), None)
    if metric is None:
        return []
    figure, ax = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
    performance_summary(
        {arm: entry["metrics"][metric][f"per_{over}"] for arm, entry in arms.items()},
        metric=metric_name(metric),
        baselines={
            name.replace("_", " "): values[metric]["mean"]
            for name, values in first.get("baselines", {}).items()
            if metric in values
        },
        ax=ax,
    )
    alt = f"{metric_name(metric)} of each {over} in each arm, baselines as lines"
    caption = f"Points are {over}s, bars their mean, dashed lines baselines fitted in the same run."
    return [picture(figure, "replicates", folder=folder, alt=alt, caption=caption)]
