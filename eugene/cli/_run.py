"""The verbs that work on runs."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._evaluation import of_other_data, read_evaluation
from eugene._holding import holding
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._table import aligned, copy_to, write_table
from eugene.cli._verbs import TRAIN_DEVICE
from eugene.config import RunConfig, find_recipe, load_run_config
from eugene.errors import MissingFileError, UsageError

if TYPE_CHECKING:
    from eugene.runs import Run, RunFolder

_MAY_MOVE = (
    "path",
    "fasta",
    "bed",
    "bigwigs",
    "blacklist",
    "batch_size",
    "num_workers",
)
_HEADLINES = ("auroc", "auprc", "accuracy", "r2", "pearson_r2", "pearson", "spearman")


@contextlib.contextmanager
def spoken(call: Call) -> Iterator[None]:
    """Show what the steps say on stderr, and warnings in one line, unless asked to be quiet."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if not call.has("quiet"):
            sys.stderr.write(f"warning: {message}\n")

    shown = warnings.showwarning
    warnings.showwarning = show
    logger = logging.getLogger("eugene")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if call.has("quiet") else logging.INFO)
    try:
        yield
    finally:
        warnings.showwarning = shown
        logger.removeHandler(handler)
        logger.setLevel(level)


def load_config(
    call: Call,
    source: str | Path | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Read the configuration of a call with its overrides, and check all of it.

    Parameters
    ----------
    call : Call
        Carries ``--config`` and overrides; where these name the data, no file is needed.
    source : str or Path, optional
        The file, where the verb itself says which.
    defaults : mapping, optional
        Sections to take where the file leaves them out.

    Raises
    ------
    UsageError
        If neither names a file or the data.
    """
    chosen = source if source is not None else call.config_file
    if chosen is None and not {"data", "data.name"} & set(dict(call.overrides)):
        message = (
            f"'eugene {call.verb.name}' needs --config FILE.yaml, or --data.name NAME with what "
            f"the data source needs. Example: {call.verb.example}"
        )
        raise UsageError(message)
    return load_run_config(
        None if chosen is None else find_recipe(chosen),
        overrides=(*call.overrides, *_training_device(call)),
        defaults=defaults,
        allow_class_path=call.has("allow_class_path"),
    )


def device_of(call: Call) -> str | None:
    """Return the device asked for, after a look whether it is there."""
    asked = call.get("device")
    if asked is None:
        return None
    import torch

    from eugene.modules._input import as_device

    found = as_device("cuda" if asked == "gpu" else asked, torch.device("cpu"))
    return str(found)


def _training_device(call: Call) -> tuple[tuple[str, str], ...]:
    """Return ``--device`` of a verb that trains as settings of the trainer."""
    if not any(option is TRAIN_DEVICE for option in call.verb.options):
        return ()
    device = device_of(call)
    if device is None:
        return ()
    kind, _, number = device.partition(":")
    accelerator = ("trainer.accelerator", {"cuda": "gpu"}.get(kind, kind))
    return (accelerator, ("trainer.devices", f"[{number}]")) if number else (accelerator,)


def check_out(call: Call, *suffixes: str) -> Path | None:
    """Return ``--out``, after a look at its suffix and folder before anything is computed."""
    out = call.get("out")
    if out is None:
        return None
    path = Path(out)
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"--out {out}: expected a name that ends in {' or '.join(suffixes)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder {path.absolute().parent} does not exist")
    if path.is_dir():
        raise UsageError(f"--out {out} is a folder; expected the name of a file")
    return path


def _printed(call: Call, config: RunConfig) -> bool:
    if call.has("print_config"):
        sys.stdout.write(config.to_yaml())
        return True
    return False


def _whole(call: Call, config: RunConfig) -> int:
    from eugene.runs._needs import require_files

    if _printed(call, config):
        return 0
    require_files(config)
    from eugene.runs import run as run_recipe

    with spoken(call):
        folder = run_recipe(
            config,
            overwrite=call.has("overwrite"),
            resume=call.has("resume"),
            progress=call.progress,
            device=device_of(call),
        )
    if not folder.follows:
        show_results(folder)
    return 0


def quickstart(call: Call) -> int:
    """Run the recipe ``quickstart``."""
    source = call.config_file or (call.words[0] if call.words else "quickstart")
    return _whole(call, load_config(call, source))


def run(call: Call) -> int:
    """Run a recipe: everything that it asks for."""
    if call.words and call.has("config"):
        raise UsageError(f"{call.words[0]} and --config {call.get('config')}: give one of them")
    return _whole(call, _begun(call) if call.config_file is None else load_config(call))


def fit(call: Call) -> int:
    """Train."""
    config = _begun(call) if call.config_file is None else load_config(call)
    from eugene.runs import _pipeline as pipeline
    from eugene.runs._needs import require_files

    if _printed(call, config):
        return 0
    require_files(config)
    resume = call.has("resume")
    path = pipeline.default_folder(config)
    with spoken(call), pipeline.working(config, path):
        current = pipeline.prepare(
            config,
            path,
            overwrite=call.has("overwrite"),
            resume=resume,
            progress=call.progress,
            device=device_of(call),
        )
        pipeline.fit_run(current, resume=resume)
    if current.folder.follows:
        return 0
    training = current.folder.state().get("training", {})
    best = training.get("best_score")
    score = "" if best is None else f", best {training.get('monitor')} {best:.4f}"
    say(f"trained {training.get('epochs')} epochs{score}: {current.folder.path}")
    return 0


def _begun(call: Call) -> RunConfig:
    """Return the configuration of the folder that ``--resume DIR`` names, or of a recipe."""
    from eugene.runs import RunFolder

    named = call.run_dir
    if call.words and not Path(call.words[0]).is_dir():
        return load_config(call, call.words[0])
    if call.words and not call.has("resume"):
        raise UsageError(
            f"{named} is a folder: 'eugene {call.verb.name} {named} --resume' goes on with the "
            f"run in it, and 'eugene {call.verb.name} FILE.yaml' begins one"
        )
    if named is None or not call.has("resume"):
        return load_config(call)
    found = load_config(call, RunFolder.open(named).config)
    return found.replaced({"run_dir": str(named)})


def _folder_of(call: Call) -> tuple[RunFolder, RunConfig]:
    """Return the run that a later step works on, with overrides applied."""
    from eugene.runs import RunFolder
    from eugene.runs import _pipeline as pipeline

    named, source = call.run_dir, call.config_file
    if named is None and source is None:
        message = (
            f"'eugene {call.verb.name}' needs the run: a folder, or the FILE.yaml that it was "
            f"made with. Example: {call.verb.example}"
        )
        raise UsageError(message)
    if source is not None:
        config = load_config(call, source)
        folder = RunFolder.open(named or pipeline.default_folder(config))
    else:
        folder = RunFolder.open(str(named))
        if not folder.config.is_file():
            message = f"{folder.path} has no config.yaml; begin it again with 'eugene fit'"
            raise MissingFileError(message)
        config = load_config(call, folder.config)
    pipeline.require_same(folder, config, ("seed", "data", "model", "module"), allow=_MAY_MOVE)
    return folder, config


def _network_of(call: Call) -> tuple[RunFolder, RunConfig]:
    """Return the run, or the folder of `eugene.train.fit`, whose network a verb works with."""
    from eugene.config import Document
    from eugene.runs import RunFolder
    from eugene.settings import settings

    named = call.run_dir
    if named is not None and RunFolder(named).trained_in_python:
        changed = [f"--{key}" for key, _ in call.overrides if key != "run_dir"]
        if changed or call.config_file is not None:
            raise UsageError(
                f"{named} was filled by eugene.train.fit and has no configuration: leave "
                f"{', '.join(changed) or 'the file'} out"
            )
        tree = {"name": Path(named).name, "seed": settings.seed}
        return RunFolder(named), RunConfig(tree, Document(tree))
    return _folder_of(call)


def _reopened(call: Call) -> Run | None:
    """Return the trained run of a call, or ``None`` if its configuration was only printed."""
    folder, config = _folder_of(call)
    if _printed(call, config):
        return None
    from eugene.runs import _pipeline as pipeline

    return pipeline.reopen(
        folder,
        config,
        overwrite=call.has("overwrite"),
        progress=call.progress,
        device=device_of(call),
    )


def _step(call: Call, step: str) -> Run | None:
    from eugene.runs import _pipeline as pipeline

    with spoken(call):
        current = _reopened(call)
        if current is not None:
            with holding(current.network.path):
                pipeline.later_step(current, step, overwrite=call.has("overwrite"))
                if current.other_data is None:
                    pipeline.keep_settings(current.folder, current.config)
    return current


def test(call: Call) -> int:
    """Measure the test rows."""
    out = check_out(call, ".csv", ".tsv", ".json")
    current = _step(call, "test")
    if current is not None:
        if out is not None:
            _write_figures(out, current.folder)
        show_results(current.folder)
    return 0


def _write_figures(out: Path, folder: RunFolder) -> None:
    """Write what the test rows gave, as the run keeps it or a line a model and metric."""
    if out.suffix.lower() == ".json":
        copy_to(folder.evaluation, out)
        return
    found = folder.read_json("evaluation.json")
    models = {"network": found["metrics"], **found.get("baselines", {})}
    parts = ("value", "low", "high")
    rows = [
        [model, metric, *(entry.get(part) for part in parts)]
        for model, metrics in models.items()
        for metric, entry in metrics.items()
    ]
    write_table(out, ["model", "metric", *parts], rows)


def motifs(call: Call) -> int:
    """Turn filters into motifs and show the surest matches."""
    out = check_out(call, ".meme", ".txt")
    named = [
        (f"interpret.filters.{name}", str(call.get(name)))
        for name in ("layer", "motif_db")
        if call.get(name) is not None
    ]
    current = _step(replace(call, overrides=(*call.overrides, *named)), "filters")
    if current is None:
        return 0
    import pandas as pd

    if out is not None:
        copy_to(current.folder.interpretation / "filters.meme", out)
    table = pd.read_csv(current.folder.interpretation / "annotations.csv")
    best = table[table["rank"] == 1].sort_values("p_value").head(10)
    columns = ["filter", "target_name", "target_accession", "p_value", "p_bonferroni"]
    rows = [
        [f"{v:.2g}" if isinstance(v, float) else v for v in row]
        for row in best[columns].itertuples(index=False)
    ]
    say(aligned(columns, rows))
    say(f"motifs: {current.folder.interpretation / 'filters.meme'}")
    page = current.folder.interpretation / "motifs.html"
    if page.is_file():
        say(f"page:   {page}")
    return 0


def evolve(call: Call) -> int:
    """Evolve sequences."""
    out = check_out(call, ".csv")
    current = _step(call, "evolve")
    if current is not None:
        if out is not None:
            copy_to(current.folder.interpretation / "evolution.csv", out)
        say(f"evolution: {current.folder.interpretation / 'evolution.csv'}")
    return 0


def report(call: Call) -> int:
    """Write the report."""
    out = check_out(call, ".html", ".htm")
    folder, config = _network_of(call)
    if _printed(call, config):
        return 0
    from eugene.report import build

    keeps_steps = contextlib.nullcontext() if folder.trained_in_python else folder.step("report")
    with holding(folder.path), keeps_steps:
        build(folder.path, out=out)
    say(f"report: {folder.report if out is None else out}")
    return 0


def predict(call: Call) -> int:
    """Predict new sequences, or every row of the run's data."""
    from eugene.cli._predict import predict_file, predict_run

    check_out(call, ".csv", ".tsv", ".txt")
    if call.get("input") is None:
        with spoken(call):
            current = _reopened(call)
        if current is None:
            return 0
        with spoken(call), holding(current.network.path):
            return predict_run(call, current)
    folder, config = _network_of(call)
    return 0 if _printed(call, config) else predict_file(call, folder, device_of(call))


def show_results(folder: RunFolder) -> None:
    """Print the chief figures of a run and where its report is."""
    if folder.summary.is_file():
        _show_summary(folder)
    evaluation = read_evaluation(folder.path)
    if evaluation:
        models: dict[str, Any] = {
            "network": evaluation["metrics"],
            **evaluation.get("baselines", {}),
        }
        names = [n for n in _HEADLINES if n in evaluation["metrics"]]
        rows = [
            [model, *(_interval(entry.get(n)) for n in names)] for model, entry in models.items()
        ]
        say(aligned([f"test, n = {evaluation.get('n')}", *names], rows))
        for line in of_other_data(folder.path):
            say(line)
    truth = folder.interpretation / "truth.json"
    if truth.is_file():
        _show_truth(folder.read_json("interpretation/truth.json"))
    say(f"run:    {folder.path}")
    if folder.report.is_file():
        say(f"report: {folder.report}")


def _interval(entry: dict[str, Any] | None) -> str:
    if not entry or entry.get("value") is None:
        return "-"
    if entry.get("low") is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def _show_arm(label: str, entry: dict[str, Any]) -> None:
    names = [n for n in _HEADLINES if n in entry["metrics"]]
    models = {"network": entry["metrics"], **entry["baselines"]}
    rows = [
        [model, *(_interval(_valued(metrics.get(n))) for n in names)]
        for model, metrics in models.items()
    ]
    say(aligned([label, *names], rows))


def _valued(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if entry is None else {**entry, "value": entry["mean"]}


def _show_summary(folder: RunFolder) -> None:
    summary = folder.read_json("summary.json")
    for arm, entry in summary["arms"].items():
        count = len(entry["seeds"])
        label = f"{arm}, {count} seed{'s' if count != 1 else ''}"
        _show_arm(label, entry)
        for name, part in entry.get("subsets", {}).items():
            _show_arm(f"{label}, {name}", part)
    for label, entry in summary["paired"].items():
        for name in [n for n in _HEADLINES if n in entry["metrics"]]:
            say(f"{label}: {name} {_interval(_valued(entry['metrics'][name]))}")


def _show_truth(truth: dict[str, Any]) -> None:
    for method, value in (truth.get("mean_auprc") or {}).items():
        if value is not None:
            chance = truth.get("planted_fraction") or float("nan")
            say(
                f"attributions against the truth, {method}: AUPRC {value:.3f} (chance {chance:.3f})"
            )
    for name, found in (truth.get("planted_found") or {}).items():
        if found.get("found"):
            corrected = found["p_bonferroni"]
            what = f"best match of {found['filter']}, p {found['p_value']:.2g}"
            say(f"planted motif {name}: {what}, corrected {corrected:.2g}")
        else:
            say(f"planted motif {name}: not found")
