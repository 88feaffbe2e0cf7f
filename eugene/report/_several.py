"""A page of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from eugene._evaluation import Metrics, read_evaluation, with_measures
from eugene.report._blocks import Picture, Section, Tile, interval, number, picture
from eugene.report._build import STYLE, write_page
from eugene.report._verdict import CHIEF, baseline_name, value_of, verdicts
from eugene.report._words import METRIC_NAMES, metric_name

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_MOST = 60
Shown = dict[str, tuple[Metrics, int | None]]


def compare_runs(runs: Sequence[RunFolder], path: str | Path) -> Path:
    """Write one page of several runs: figures, verdicts, curves of the loss, what differs.

    Parameters
    ----------
    runs : sequence of RunFolder
        Runs, or folders above replicates; these have a column an arm.
    path : path
        The page; its pictures are inside, and as PNG in the folder ``figures`` beside it.

    Returns
    -------
    Path
        The page.

    Examples
    --------
    >>> import eugene as eu
    >>> runs = [eu.runs.RunFolder.open(f"runs/{n}") for n in "ab"]  # doctest: +SKIP
    >>> eu.report.compare_runs(runs, "compare.html")  # doctest: +SKIP
    PosixPath('compare.html')
    """
    import matplotlib as mpl

    place = Path(path)
    called = _names(runs)
    shown = _figures(runs, called)
    sections = [_performance(runs, called, shown), _verdicts(runs, called), _settings(runs, called)]
    with mpl.rc_context(STYLE):
        metric = _chief(shown)
        sections[0].figures(_of_metric(shown, metric, place.parent / "figures"))
        training = Section("training", "Training")
        training.figures(_of_training(runs, called, place.parent / "figures"))
    tiles = [
        Tile(number(value_of(metrics.get(metric))), f"{metric_name(metric)}, {name}")
        for name, (metrics, _) in shown.items()
        if metric and value_of(metrics.get(metric)) is not None
    ]
    return write_page(
        place,
        title=f"Comparison of {len(runs)} runs",
        subtitle=", ".join(called),
        tiles=tiles[:8],
        sections=[*sections[:2], training, sections[2]],
    )


def _names(runs: Sequence[RunFolder]) -> list[str]:
    """Return the shortest ends of the paths that tell the runs apart."""
    parts = [run.path.resolve().parts for run in runs]
    depth = next(
        (
            n
            for n in range(1, 1 + max(map(len, parts)))
            if len({p[-n:] for p in parts}) == len(parts)
        ),
        None,
    )
    if depth is None:  # one is named twice
        return [f"{run.path.resolve().name} ({i})" for i, run in enumerate(runs, start=1)]
    return ["/".join(p[-depth:]) for p in parts]


def _figures(runs: Sequence[RunFolder], called: Sequence[str]) -> Shown:
    """Return the metrics of each run, and of each arm of replicates, with the number of rows."""
    found: Shown = {}
    for run, name in zip(runs, called, strict=True):
        arms = cast(
            "Mapping[str, Mapping[str, Metrics]]", run.read("summary.json").get("arms") or {}
        )
        for arm, entry in arms.items():
            found[f"{name}, {arm.replace('_', ' ')}"] = (entry["metrics"], None)
        evaluation = with_measures(run.path)
        if evaluation.get("metrics"):
            found[name] = (evaluation["metrics"], evaluation.get("n"))
    return found


def _chief(shown: Shown) -> str:
    every = [metrics for metrics, _ in shown.values()]
    return next((m for m in CHIEF if every and all(m in own for own in every)), "")


def _performance(runs: Sequence[RunFolder], called: Sequence[str], shown: Shown) -> Section:
    section = Section("performance", "Performance")
    rows = {run.read("data.json").get("rows_sha256") for run in runs}
    tested = {str(read_evaluation(run.path).get("other_data")) for run in runs}
    if len(rows) > 1 or len(tested) > 1:
        section.text(
            "These runs were not trained and tested on the same rows, so their figures are not to "
            "be compared without that in mind."
        )
    elif None not in rows:
        section.text("All runs have the same rows and the same split (by checksum).")
    section.text(
        "Brackets hold 95 % intervals, over test rows or over the replicates of an arm. Intervals "
        "that overlap do not say that two networks are alike: test the difference on paired rows "
        "or seeds."
    )
    names = list(dict.fromkeys(m for own, _ in shown.values() for m in own if m in METRIC_NAMES))
    section.table(
        ("run", "rows", *(metric_name(m) for m in names)),
        [
            (name, number(n), *(_cell(metrics, m) for m in names))
            for name, (metrics, n) in shown.items()
        ],
        numbers=(1,),
        caption="Metrics of each run",
    )
    missing = [
        name for name in called if not any(s == name or s.startswith(f"{name}, ") for s in shown)
    ]
    if missing:
        section.text(f"Not tested, so without figures: {', '.join(missing)}.")
    return section


def _cell(metrics: Metrics, metric: str) -> str:
    entry = metrics.get(metric)
    if entry is None:
        return "–"
    return interval({"value": value_of(entry), "low": entry.get("low"),
                     "high": entry.get("high")})  # fmt: skip


def _verdicts(runs: Sequence[RunFolder], called: Sequence[str]) -> Section:
    section = Section("verdicts", "Against the baselines")
    section.table(
        ("run", "verdict", "baseline", "what was found"),
        [
            (name + (f", {v.of.replace('_', ' ')}" if v.of else ""), v.headline,
             baseline_name(v.baseline) if v.baseline else "–", v.text)
            for run, name in zip(runs, called, strict=True)
            for v in verdicts(run)
        ],
        caption="Each network against the strongest baseline of its run",
    )  # fmt: skip
    return section


def _flat(tree: object, prefix: str = "") -> dict[str, str]:
    """Return settings by their dotted places."""
    if isinstance(tree, dict) and tree:
        found: dict[str, str] = {}
        for key, value in tree.items():
            found |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
        return found
    return {prefix: "–" if tree is None else str(tree)}


def _settings(runs: Sequence[RunFolder], called: Sequence[str]) -> Section:
    """List the settings in which the runs differ, and what each learned with."""
    section = Section("settings", "What differs")
    trees = [_flat(run.settings()) for run in runs]
    places = dict.fromkeys(place for tree in trees for place in tree)
    left_out = ("name", "run_dir")
    differ = [p for p in places if p not in left_out and len({t.get(p, "–") for t in trees}) > 1]
    section.table(
        ("setting", *called),
        [(place, *(tree.get(place, "–") for tree in trees)) for place in differ[:_MOST]],
        caption="Settings in which the runs differ",
    )
    if not differ:
        section.text("The runs do not differ in any setting.")
    if len(differ) > _MOST:
        section.text(f"{len(differ) - _MOST} more settings differ; see config.yaml of each.")
    noted = [run.state().get("training") or {} for run in runs]
    section.table(
        ("run", "parameters", "receptive field (bp)", "epochs", "epoch kept", "folder"),
        [
            (name, number(of.get("parameters")), number(of.get("receptive_field")),
             number(of.get("epochs")),
             number(None if of.get("best_epoch") is None else of["best_epoch"] + 1), run.path)
            for run, name, of in zip(runs, called, noted, strict=True)
        ],
        numbers=(1, 2, 3, 4),
        caption="Networks and their training",
    )  # fmt: skip
    return section


def _of_metric(shown: Shown, metric: str, folder: Path) -> list[Picture]:
    """Draw the chief metric of each run; nothing where they share none."""
    import matplotlib.pyplot as plt

    if not metric:
        return []
    figure, ax = plt.subplots(figsize=(6.4, 1.0 + 0.36 * len(shown)), layout="constrained")
    for place, (metrics, _) in enumerate(shown.values()):
        value = value_of(metrics.get(metric))
        low, high = metrics[metric].get("low"), metrics[metric].get("high")
        if value is not None:
            ax.plot([value], [place], marker="o", color="#0072b2")
        if low is not None and high is not None:
            ax.plot([low, high], [place, place], color="#0072b2", linewidth=1.2)
    ax.set_yticks(range(len(shown)), list(shown))
    ax.invert_yaxis()
    ax.set_xlabel(metric_name(metric))
    return [
        picture(
            figure, "compared_metric", folder=folder,
            alt=f"{metric_name(metric)} of each run with its interval",
            caption=f"{metric_name(metric)}; bars are 95 % intervals.",
        )
    ]  # fmt: skip


def _of_training(runs: Sequence[RunFolder], called: Sequence[str], folder: Path) -> list[Picture]:
    """Draw the validation loss of each epoch of the runs that have one."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for run, name in zip(runs, called, strict=True):
        history = run.table("metrics.csv")
        if "val_loss" in history:
            ax.plot(range(1, 1 + len(history)), history["val_loss"], label=name)
    if not ax.lines:
        plt.close(figure)
        return []
    ax.set_xlabel("epoch")
    ax.set_ylabel("validation loss")
    ax.legend(fontsize=7, frameon=False)
    return [
        picture(
            figure, "compared_training", folder=folder,
            alt="Validation loss of each run against the epoch",
            caption="Validation loss. Losses of different kinds are not to be compared.",
        )
    ]  # fmt: skip
