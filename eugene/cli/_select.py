"""Selections of architectures: write the runs, do them, compare them; evaluators of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eugene._table import aligned
from eugene.cli._call import Call
from eugene.cli._main import FAILED, OK, say
from eugene.cli._run import check_path, device_of, spoken
from eugene.config import load_selection
from eugene.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from eugene.config import Selection
    from eugene.select import Comparison, Grid

_WORDS = ("grid", "run", "compare")
_KEYS = {
    "out": "run_dir",
    "sizes": "sizes",
    "rates": "rates",
    "data_seeds": "data_seeds",
    "model_seeds": "model_seeds",
}
_MOST = 40


def select(call: Call) -> int:
    """Do what the first word says with the selection that the second names.

    Parameters
    ----------
    call : Call
        ``grid``, ``run`` or ``compare``, and a YAML file or the folder of a selection.

    Returns
    -------
    int
        0, or 1 if runs failed.

    Raises
    ------
    UsageError
        If the words are none of these, or options do not go together.
    """
    what, named = call.words
    if what not in _WORDS:
        raise UsageError(f"'eugene select {what}'{did_you_mean(what, _WORDS)}")
    folder = Path(named)
    if what == "compare":
        place = folder if folder.is_dir() else _file(call, named).folder
        return _compare(call, place)
    grid = _grid(call, named)
    if what == "grid":
        _show_plan(grid)
        return OK
    with spoken(call):
        grid.run(
            at_once=call.whole("at_once", 1, 1),
            cpus=call.whole("cpus", 1, 1),
            address=call.get("address"),
            gpus=call.number("gpus", 0.0, 0),
        )
    _show_status(grid)
    return FAILED if grid.failed else OK


def evaluate(call: Call) -> int:
    """Evaluate a trained run by evaluators of seqgra's names.

    Parameters
    ----------
    call : Call
        The run, ``--evaluators``, and what goes with them.

    Returns
    -------
    int
        0.

    Raises
    ------
    UsageError
        If no run is named, or options are no numbers.
    """
    from eugene.select import evaluate_run

    named = call.words[0] if call.words else call.get("run_dir")
    if named is None:
        raise UsageError(f"which run? Example: {call.verb.example}")
    target = call.get("target") or "y"
    if target not in ("y", "y-hat"):
        raise UsageError(f"--target is {target!r}, expected y or y-hat")
    with spoken(call):
        found = evaluate_run(
            named,
            _words(call.get("evaluators") or ",".join(("metrics", "predict", "roc", "pr"))),
            sets=_words(call.get("eval_sets") or "test"),
            n=call.whole("eval_n", None, 1),
            n_per_label=call.whole("eval_n_per_label", None, 1),
            predict_threshold=call.number("eval_fi_predict_threshold", 0.5, 0),
            sis_threshold=call.number("eval_sis_predict_threshold", 0.5, 0),
            threshold=call.number("eval_grad_importance_threshold", 0.01, 0),
            target=target,  # type: ignore[arg-type]
            plots=not call.has("eval_suppress_plots"),
            out=call.get("out"),
            overwrite=call.has("overwrite"),
            device=device_of(call),
        )
    for name, metrics in found.metrics.items():
        say(f"{name}: " + ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items()))
    for path in found.files:
        say(f"written: {path}")
    if found.labels is not None:
        rows = found.labels.astype(object).where(found.labels.notna(), None).to_numpy().tolist()
        say(aligned([str(column) for column in found.labels.columns], rows))
        say(f"grammar: {found.run / 'interpretation'}")
    return OK


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _file(call: Call, named: str) -> Selection:
    """Read the file of a selection with what the options change."""
    from eugene.config._loader import parse_scalar

    overrides: dict[str, object] = {}
    for option, key in _KEYS.items():
        given = call.get(option)
        if given is not None:
            value = given if option == "out" else parse_scalar(f"[{given.strip('[]')}]")
            overrides[key] = value
    if call.has("seed_grid"):
        overrides["seed_grid"] = True
    return load_selection(
        named,
        overrides=overrides,
        plugins=call.plugins,
        allow_class_path=call.has("allow_class_path"),
    )


def _grid(call: Call, named: str) -> Grid:
    """Write the runs of a file, or open those of a folder."""
    from eugene.select import open_grid
    from eugene.select._grid import write_grid

    with spoken(call):
        if Path(named).is_dir():
            changed = [key for key in (*_KEYS, "seed_grid") if call.has(key)]
            if changed:
                raise UsageError(
                    f"{named} is the folder of a selection, which says all: leave "
                    f"--{changed[0].replace('_', '-')} out, or give the YAML file"
                )
            return open_grid(
                named, plugins=call.plugins, allow_class_path=call.has("allow_class_path")
            )
        return write_grid(_file(call, named), overwrite=call.has("overwrite"))


def _show_plan(grid: Grid) -> None:
    """Print the runs that there are to be."""
    head = ["data", "network", "data seed", "model seed", "state", "file"]
    rows = [
        [run.data_id, run.model, run.data_seed, run.model_seed, word, f"{run.path}.yaml"]
        for run, word in grid.status()
    ]
    say(aligned(head, rows[:_MOST]))
    if len(rows) > _MOST:
        say(f"and {len(rows) - _MOST} more")
    waiting = sum(row[4] != "done" for row in rows)
    say(f"{len(rows)} runs in {grid.folder}, {waiting} to be done: eugene select run {grid.folder}")


def _show_status(grid: Grid) -> None:
    """Print how many runs are done, and which failed."""
    words = [word for _, word in grid.status()]
    say(f"{words.count('done')} of {len(words)} runs are done: {grid.folder}")
    for path, why in grid.failed.items():
        say(f"failed: {path}: {why}")
    if grid.failed:
        say(f"eugene select run {grid.folder} tries these again")
    else:
        say(f"eugene select compare {grid.folder}")


def _compare(call: Call, folder: Path) -> int:
    """Compare the runs of a folder, and print what came of it."""
    from eugene.select import compare

    page = check_path(call, "page", ".html", ".htm")
    with spoken(call):
        found = compare(folder, set_name=call.get("set") or "test", out=page)
    _show(found)
    return OK


def _show(found: Comparison) -> None:
    import pandas as pd

    from eugene.select._verdict import NAMES, headline, span

    metric = headline(found.learning)
    rows = [
        [row["grammar_id"], row["model_id"], f"{row['amount']:g}", int(row["n"]), span(row)]
        for _, row in found.learning[found.learning["metric"] == metric].iterrows()
    ]
    say(aligned(["grammar", "network", "data", "seeds", NAMES.get(metric, metric)], rows))
    say()
    for line in found.verdict:
        say(line)
    for path, why in found.missing.items():
        say(f"not there: {path}: {why}")
    if not found.importance.empty and pd.isna(found.importance["grammar_fraction"]).all():
        say("no run says which share of its sequences was planted")
    say(f"tables: {found.folder / 'comparison'}")
    say(f"page:   {found.page}")
