"""Tables of what was measured on rows: the network beside its baselines."""

from __future__ import annotations

from collections.abc import Sequence

from eugene._evaluation import Measured, Metrics
from eugene.report._blocks import Section, interval, number
from eugene.report._words import METRIC_NAMES, metric_name


def each_target(section: Section, metrics: Metrics, names: Sequence[str]) -> None:
    """Say over what the numbers are means, give those of each target, and what cannot exist."""
    given = {m: e.get("per_target") or () for m, e in metrics.items()}
    several = {m: values for m, values in given.items() if len(values) > 1}
    if several:
        count = max(map(len, several.values()))
        listed = names if len(names) == count else [f"target {i}" for i in range(count)]
        of = ", ".join(metric_name(m) for m in several)
        section.text(
            f"The numbers above are the mean over {', '.join(listed)}"
            + ("" if len(several) == len(metrics) else f" ({of})")
            + "; this is each:"
        )
        own = {m: metrics[m].get("per_task", {}) for m in several}

        def cell(metric: str, i: int) -> str:
            if listed[i] in own[metric]:
                return interval(own[metric][listed[i]])
            return number(several[metric][i] if i < len(several[metric]) else None)

        section.table(
            ("", *(metric_name(m) for m in several)),
            [(name, *(cell(m, i) for m in several)) for i, name in enumerate(listed)],
            numbers=() if any(own.values()) else range(1, len(several) + 1),
        )
    for entry in metrics.values():
        if entry.get("why"):
            section.text(f"{entry['why'][:1].upper()}{entry['why'][1:]}.")


def metric_table(section: Section, measured: Measured) -> None:
    """Add a row a metric, a column for the model and one for each baseline."""
    metrics, baselines = measured.get("metrics", {}), measured.get("baselines", {})
    names = [m for m in metrics if any(k in m for k in METRIC_NAMES)] or list(metrics)
    section.table(
        ("metric", "model", *(b.replace("_", " ") for b in baselines)),
        [
            (metric_name(m), interval(metrics[m]),
             *(interval(b.get(m)) for b in baselines.values()))
            for m in names
        ],
    )  # fmt: skip
