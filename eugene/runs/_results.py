"""The chief figures of a run, as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from eugene._evaluation import Measured, Metric, of_other_data, read_evaluation
from eugene._table import aligned

if TYPE_CHECKING:
    from eugene._folder import RunFolder

HEADLINES = (
    *("auroc", "auprc", "accuracy", "r2", "pearson_r2", "pearson", "spearman"),
    *("count_pearson", "count_spearman", "profile_pearson", "jsd"),
)


def result_lines(folder: RunFolder) -> Iterator[str]:
    """Yield the chief figures of a run and where its report is.

    Parameters
    ----------
    folder : RunFolder
        A run, its results on other data, or the folder above replicates.
    """
    summary = folder.read("summary.json")
    over = str(summary.get("over") or "seed")
    for arm, entry in summary.get("out_of_fold", {}).items():
        yield _models(f"{arm}, out of fold, n = {entry['n']}", entry)
    for arm, entry in summary.get("arms", {}).items():
        count = len(entry[f"{over}s"])
        label = f"{arm}, {count} {over}{'s' if count != 1 else ''}"
        yield _models(label, entry)
        for name, part in entry.get("subsets", {}).items():
            yield _models(f"{label}, {name}", part)
    for label, entry in summary.get("paired", {}).items():
        for name in [n for n in HEADLINES if n in entry["metrics"]]:
            yield f"{label}: {name} {_interval(entry['metrics'][name])}"
    evaluation = read_evaluation(folder.path)
    if evaluation:
        yield _models(f"test, n = {evaluation.get('n')}", evaluation)
        for name, part in (("", evaluation), *evaluation.get("subsets", {}).items()):
            label = f" of {name}" if name else ""
            for metric, entry in part.get("reach", {}).items():
                yield f"{metric}{label}, of the way to the other half: {_interval(entry)}"
        yield from of_other_data(folder.path)
    yield from _truth(folder.read("interpretation/truth.json"))
    yield f"run:    {folder.path}"
    if folder.report.is_file():
        yield f"report: {folder.report}"


def _models(label: str, measured: Measured) -> str:
    """Return a table with a line for the network and one for each baseline."""
    names = [n for n in HEADLINES if n in measured["metrics"]]
    models = {"network": measured["metrics"], **measured.get("baselines", {})}
    rows = [[model, *(_interval(entry.get(n)) for n in names)] for model, entry in models.items()]
    return aligned([label, *names], rows)


def _interval(entry: Metric | None) -> str:
    value = None if entry is None else entry.get("value", entry.get("mean"))
    if entry is None or value is None:
        return "-"
    low, high = entry.get("low"), entry.get("high")
    return f"{value:.3f}" if low is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _truth(truth: Mapping[str, Any]) -> Iterator[str]:
    """Yield how well explanations agree with what was planted."""
    for method, value in (truth.get("mean_auprc") or {}).items():
        if value is not None:
            chance = truth.get("planted_fraction") or float("nan")
            yield (
                f"attributions against the truth, {method}: AUPRC {value:.3f} (chance {chance:.3f})"
            )
    for name, found in (truth.get("planted_found") or {}).items():
        what = "not found"
        if found.get("found"):
            p, corrected = found["p_value"], found["p_bonferroni"]
            what = f"best match of {found['filter']}, p {p:.2g}, corrected {corrected:.2g}"
        yield f"planted motif {name}: {what}"
