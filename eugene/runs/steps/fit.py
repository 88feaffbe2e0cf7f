"""Training of the network of a run."""

from __future__ import annotations

import contextlib
import logging
import math
from typing import TYPE_CHECKING, cast

from eugene._step import Part, step
from eugene._verb import RUNNING, Verb
from eugene.report._augmentation import FILE, show_augmentation
from eugene.report._blocks import Section, picture
from eugene.report._stages import show_stages
from eugene.report._words import metric_name

if TYPE_CHECKING:
    from torch import nn

    from eugene._folder import RunFolder
    from eugene.models._base import Architecture
    from eugene.modules import SequenceModule
    from eugene.runs._run import Run
    from eugene.train import FitResult

logger = logging.getLogger("eugene.runs")


def _show(section: Section, run: RunFolder) -> None:
    """Show learning curves and where training stopped."""
    history = run.table("metrics.csv")
    if history.empty:
        return
    from eugene.plot import training_summary

    seconds = float(history["seconds"].sum()) if "seconds" in history else math.nan
    text = f"{len(history)} epochs"
    if math.isfinite(seconds):
        text += f", {seconds / len(history):.1f} s each"
    kept = _kept_epoch(run)
    if kept is not None:
        best, watched = kept
        text += f"; the weights of epoch {best + 1}, where {_best_of(watched)}, are kept"
    section.text(text + ".")
    show_stages(section, run)
    for line in _speed(run):
        section.text(line)
    section.figures([
        picture(
            training_summary(history, best=None if kept is None else kept[0]),
            "training", folder=run.figures,
            alt="Loss and metric against the epoch for training and validation rows",
            caption="Learning curves; the dotted line marks the epoch that was kept.",
        )
    ])  # fmt: skip


def _speed(run: RunFolder) -> list[str]:
    """Return what the training found out about its speed, in sentences."""
    speed = (run.state().get("training") or {}).get("speed") or {}
    told = []
    if "step_ms" in speed:
        told.append(
            f"A step took {speed['step_ms']:.1f} ms at the start; "
            f"{100 * speed['loader_share']:.1f} % of that were spent waiting for the loader."
        )
    return told + [f"{line[:1].upper()}{line[1:]}." for line in speed.get("remarks", [])]


def _kept_epoch(run: RunFolder) -> tuple[int, str] | None:
    """Return the epoch (from 0) whose weights were kept and the value that was watched.

    They are what training noted; a folder without its notes has them in its checkpoint. One
    without either was watched by what is watched by default, the validation loss.
    """
    record = run.state().get("training") or {}
    if record.get("best_epoch") is None and run.best.is_file():
        from eugene.errors import EugeneError
        from eugene.train import read_checkpoint

        try:
            record = (read_checkpoint(run.best).get("eugene") or {}).get("record") or {}
        except EugeneError:
            return None
    elif record.get("best_epoch") is None:
        history = run.table("metrics.csv")
        if "val_loss" not in history or not history["val_loss"].notna().any():
            return None
        record = {"best_epoch": history["epoch"][history["val_loss"].idxmin()]}
    if record.get("best_epoch") is None:
        return None
    return int(record["best_epoch"]), str(record.get("monitor", "val_loss"))


def _best_of(monitor: str) -> str:
    """Say in which way the value of the kept epoch was best."""
    from eugene.modules.metrics import better_when

    names = {"val": "validation", "train": "training"}
    where, _, name = monitor.partition("_")
    side = "lowest" if better_when(monitor) == "min" else "highest"
    what = f"{names.get(where, where)} {'loss' if name == 'loss' else metric_name(name)}"
    return f"the {what} was {side}"


@step(
    when="train",
    done_with=("seed", "data", "model", "module", "augment", "trainer", "stages"),
    recorded=False,
    writes={
        "checkpoints": "the best and the last state of training",
        "model.safetensors": "the best weights of the network alone",
        "metrics.csv": "one row an epoch",
        "tensorboard": "the same for TensorBoard",
        "wandb": "the same for Weights & Biases, where it is asked for",
        "mlflow": "the same for MLflow, where it is asked for",
        "stages": "a folder a stage, where training has several, with the same files",
        FILE: "which augmentations were drawn how often, where sequences are augmented",
    },
    report=(
        Part("training", "Training", _show),
        Part(
            "augmentation",
            "Augmentation",
            show_augmentation,
            "augment: {augmentations: [mutation]}",
        ),
    ),
    verb=Verb(
        "fit",
        "train a network",
        "eugene fit run.yaml --trainer.max_epochs 5",
        "eugene.cli._run:fit",
        words="[FILE.yaml]",
        options=RUNNING,
    ),
)
def fit(run: Run, *, resume: bool = False) -> None:
    """Train the network of a run with the settings of its section ``trainer``.

    Parameters
    ----------
    run : Run
        The run.
    resume : bool, optional
        Continue from the last checkpoint if there is one.
    """
    from eugene.runs._augmentation import note_augmentation
    from eugene.train import fit as train

    if run.plan.tree.get("stages"):
        _fit_stages(run, resume=resume)
        return
    module = run.new_module()
    if not run.folder.follows:
        run.begin()
    if next(module.arch.parameters(), None) is None:
        _keep_untrained(run, module)
        return
    options = run.config.section("trainer")
    given = {k: v for k, v in options.items() if v is not None or k == "patience"}
    given["callbacks"] = (*run.callbacks, *run.listeners())
    with contextlib.nullcontext() if run.folder.follows else run.folder.step("fit"):
        result = train(
            module,
            run.datamodule,
            run_dir=run.folder.path,
            seed=run.config.seed,
            resume=resume,
            overwrite=not resume,
            progress=True if run.progress else "lines",
            **given,
        )
    _part()
    run.forget_network()
    _note(run, module, result)
    note_augmentation(run, [("", run, result.epochs)], module)


def _keep_untrained(run: Run, module: SequenceModule) -> None:
    """Write down a network that has nothing to train, as if it were trained."""
    from eugene.models._weights import save_weights

    with run.folder.step("fit"):
        save_weights(module.arch, run.folder.weights)
    run.forget_network()
    run.folder.note(training={"epochs": 0, "best_epoch": None, "best_score": None, "parameters": 0})
    name = run.config.section("model").get("name")
    logger.info("fit: %s has nothing to train, and is taken as it is", name)


def _fit_stages(run: Run, *, resume: bool) -> None:
    """Train the network of a run in stages."""
    from eugene.runs._augmentation import note_augmentation
    from eugene.runs._stages import describe_stages, plan_of, stage_runs
    from eugene.train import stages

    if not run.folder.follows:
        run.begin()
        describe_stages(run)
    with contextlib.nullcontext() if run.folder.follows else run.folder.step("fit"):
        found = stages(
            stage_runs(run)[0].new_module(),
            stage_runs(run)[0].datamodule,
            plan_of(run),
            run_dir=run.folder.path,
            seed=run.config.seed,
            resume=resume,
            callbacks=run.callbacks,
            overwrite=not resume,
            progress=True if run.progress else "lines",
        )
    _part()
    run.forget_network()
    before = sum(len(stage.history) for stage in found.stages[:-1])
    _note(run, found.module, found.last, before=before)
    epochs = [len(stage.history) for stage in found.stages]
    names = [stage.name for stage in found.stages]
    note_augmentation(run, list(zip(names, stage_runs(run), epochs, strict=True)), found.module)


def _note(run: Run, module: nn.Module, result: FitResult, *, before: int = 0) -> None:
    """Note what a training gave; ``before`` it epochs of other stages were trained."""
    trained = len(run.rows("train")) * max(result.epochs, 1)
    run.folder.note(
        training={
            "epochs": before + result.epochs,
            "best_epoch": before + result.best_epoch,
            "best_score": result.best_score,
            "monitor": result.monitor,
            "stopped_early": result.stopped_early,
            "parameters": sum(p.numel() for p in getattr(module, "arch", module).parameters()),
            "receptive_field": _field(run),
            "rows_per_second": round(trained / result.seconds, 1) if result.seconds else None,
            "speed": result.speed,
        }
    )
    best = "none" if result.best_score is None else f"{result.best_score:.4f}"
    level = logging.DEBUG if run.folder.follows else logging.INFO
    epochs = before + result.epochs
    counted = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    if result.stopped_early:
        counted += f", stopped early ({result.epochs - 1 - result.best_epoch} without a better one)"
    logger.log(level, "fit: %s, best %s %s", counted, result.monitor, best)


def _field(run: Run) -> int | None:
    """Return the receptive field of the network in bp; None where it cannot be followed."""
    import torch

    from eugene.models.outline import field_of

    try:
        with torch.device("meta"):
            network = run.new_module(initialise=False).arch.to("meta").eval()
            return field_of(cast("Architecture", network))
    except Exception as error:  # of a network of one's own, which may do anything
        logger.debug("fit: the receptive field is not known (%s: %s)", type(error).__name__, error)
        return None


def _part() -> None:
    """Let the processes of a distributed training go: what comes now is done by the first alone."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
