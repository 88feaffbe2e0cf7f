"""Training a module, with a run folder that can be taken up again."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Timer, TQDMProgressBar

from eugene._calls import eugene_call
from eugene._holding import follows, holding
from eugene.config.marks import Least, OneOf
from eugene.errors import EugeneError, EugeneWarning, RunExistsError, did_you_mean
from eugene.models._weights import read_checkpoint, save_weights
from eugene.modules._letters import check_same_alphabet
from eugene.modules.metrics import better_when
from eugene.settings import session_seed, settings
from eugene.train._average import Averaged
from eugene.train._bridge import Bridge
from eugene.train._callbacks import EpochSeeds, Mark, Record, SaveFirst
from eugene.train._checks import check_fit
from eugene.train._eugene import RETURNED, SAME_LOADER, TURNED, UNHEARD, Loaders, for_fit
from eugene.train._fast import FastPath
from eugene.train._listeners import Named as Listener
from eugene.train._listeners import all_say, check_watched, logged_by, make_callbacks
from eugene.train._loggers import FOLDERS, Named, make_loggers
from eugene.train._notes import Notes
from eugene.train._progress import say, what_is_shown
from eugene.train._resume import Resume, check_same_run, restoring, untouched
from eugene.train._signals import Ended, SaveOnSignal, on_slurm
from eugene.train._watch import Watch
from seqpro.family import old_names

# callbacks that put averaged weights in place when training ends; some are new in Lightning
_AVERAGING = frozenset({"StochasticWeightAveraging", "WeightAveraging"})


_ADVICE = (
    ".*does not have many workers.*",
    ".*LeafSpec.*",
    "Total length of .* is zero",
    ".*in eval mode at the start of training.*",
    ".*have no `validation_step`.*",
    ".*your dataloader is not resumable.*",
)


__getattr__ = old_names(__name__)


@dataclass(frozen=True)
class FitResult:
    """What a training gave.

    Attributes
    ----------
    best_score : float or None
        Best value of ``monitor``.
    best_epoch : int
        Epoch of the best value, from 0.
    epochs : int
        Epochs trained in all, those before a resume included.
    seconds : float
        Time of this call in seconds.
    monitor : str
        What was watched.
    stopped_early : bool
        Whether patience ran out.
    history : list of dict
        One row an epoch, as in ``metrics.csv``.
    best_path, last_path, weights_path, metrics_path : pathlib.Path or None
        Checkpoints, weights of the network as safetensors, and the table; None without a run
        folder.
    speed : dict
        What was found out about it: milliseconds of a step and the share of them spent on
        waiting for the loader, the fast path, and remarks on what would be faster.
    """

    best_score: float | None
    best_epoch: int
    epochs: int
    seconds: float
    monitor: str
    stopped_early: bool
    history: list[dict[str, float]] = field(repr=False)
    best_path: Path | None = None
    last_path: Path | None = None
    weights_path: Path | None = None
    metrics_path: Path | None = None
    speed: dict[str, object] = field(default_factory=dict, repr=False)


@eugene_call(
    "eugene.train.fit",
    same=SAME_LOADER,
    unheard=UNHEARD,
    returned=RETURNED,
    turned=TURNED,
    translate=for_fit,
    ours_first=True,
)
def fit(
    module: pl.LightningModule,
    datamodule: object,
    *,
    run_dir: str | Path | None = None,
    max_epochs: Annotated[int, Least(1)] = 30,
    patience: Annotated[int | None, Least(0)] = 5,
    monitor: str = "val_loss",
    mode: Literal["min", "max"] | None = None,
    min_delta: Annotated[float, Least(0)] = 0.0,
    accelerator: Annotated[str | None, OneOf("accelerator", "auto cpu gpu cuda mps tpu")] = None,
    devices: int | str | Sequence[int] = 1,
    strategy: str = "auto",
    num_nodes: Annotated[int, Least(1)] = 1,
    fast: bool | Literal["auto"] = "auto",
    precision: Annotated[
        str | int,
        OneOf(
            "precision",
            "32-true 16-mixed bf16-mixed 16-true bf16-true 64-true 32 16 64",
        ),
    ] = "32-true",
    gradient_clip_val: Annotated[float | None, Least(0)] = None,
    accumulate_grad_batches: Annotated[int, Least(1)] = 1,
    seed: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    deterministic: bool | str | None = None,
    progress: bool | str | None = None,
    tensorboard: bool = True,
    loggers: Named | Sequence[Named] | None = None,
    ema: Annotated[float | None, Least(0)] = None,
    swa_from: Annotated[int | None, Least(0)] = None,
    compiled: bool | str = False,
    restore_best: bool = True,
    callbacks: Sequence[Listener] = (),
    trainer_kwargs: Mapping[str, object] | None = None,
) -> FitResult:
    """Train a module until it stops getting better.

    After every epoch the run folder holds ``checkpoints/last.ckpt``, ``checkpoints/best.ckpt``
    and a row more in ``metrics.csv``; at the end ``model.safetensors`` has the best weights of
    ``module.arch``. SIGTERM, and SIGUSR1 in a job of SLURM, which is put into the queue again,
    write ``last.ckpt`` between two batches and end the process. A killed training taken up with
    ``resume=True`` ends with the same bits as one left alone, on the same machine with the same
    number of threads: the order of the rows and the state of dropout are functions of (seed,
    epoch).

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        What to train, such as :class:`eugene.models.SequenceModule`.
    datamodule : pytorch_lightning.LightningDataModule
        Gives ``train_dataloader()`` and ``val_dataloader()``.
    run_dir : str or pathlib.Path, optional
        Run folder; without one nothing stays on disk.
    max_epochs : int
        Most epochs to train.
    patience : int or None
        Epochs without improvement of ``monitor`` before training stops; None never stops early.
    monitor : str
        Column of ``metrics.csv`` that says which epoch is best. Without validation rows
        ``train_loss`` takes its place.
    mode : {"min", "max"}, optional
        Whether lower or higher is better; by default ``"min"`` for losses and errors.
    min_delta : float
        Smaller changes are no improvement.
    accelerator : str, optional
        auto, cpu, gpu or mps; by default ``settings.accelerator``.
    devices : int, str or list of int
        How many of them, or which; one by default, so that the same call gives the same weights
        anywhere.
    strategy : str
        Lightning's name of how several devices work together, such as ddp, ddp_spawn or fsdp.
    num_nodes : int
        Machines, each with so many ``devices``.
    fast : bool or "auto"
        Whether steps are computed with the channels last, which gives the same up to rounding.
        It is tried on the first batch and taken only if outputs and gradients agree; ``"auto"``
        tries it where it is likely to be faster and the training is long enough.
    precision : str or int
        Lightning's name of the number format, such as 32-true, bf16-mixed or 16-mixed.
    gradient_clip_val : float, optional
        Largest norm of the gradient; None for no limit.
    accumulate_grad_batches : int
        Batches to a step of the optimiser.
    seed : int, optional
        Seed of dropout, by epoch; by default ``settings.seed``. The order of the rows is the
        datamodule's.
    resume : bool
        Take up ``checkpoints/last.ckpt`` of the run folder where there is one.
    overwrite : bool
        Train anew although the run folder holds checkpoints.
    deterministic : bool or "warn", optional
        Whether operations without a deterministic form are refused; None for Lightning's choice.
    progress : bool or "lines", optional
        Draw a progress bar and write a line an epoch with loss and metrics. By default the bar
        is for terminals and notebooks, the lines are for batch logs as well; ``"lines"`` writes
        lines alone. ``settings.progress_bar`` decides for all trainings.
    tensorboard : bool
        Write TensorBoard events to ``tensorboard/`` of the run folder, where no ``loggers`` are
        given.
    loggers : list of str or mapping, optional
        Where the figures of every epoch go: ``csv`` (``metrics.csv`` alone, which is always
        written), ``tensorboard``, ``wandb``, ``mlflow``, or mappings with ``name`` and arguments,
        such as ``{"name": "wandb", "project": "enhancers", "mode": "online"}``; or Lightning's
        own. They take the place of ``tensorboard``.
    ema : float, optional
        Decay, such as 0.999, of an exponential moving average of the weights over the steps: it is
        what is validated, saved and left in the module, running statistics included.
    swa_from : int, optional
        Epoch, from 0, from which the mean of the weights at the end of each epoch is used so.
    compiled : bool or str
        Whether the network is compiled for training by ``torch.compile``, or with which backend.
    restore_best : bool
        Leave the module with its best weights rather than its last.
    callbacks : list of str, mapping or pytorch_lightning.Callback
        What else listens: names of the registry ``callbacks``, such as ``consistency``, mappings
        with ``name`` and arguments, or Lightning's own.
    trainer_kwargs : dict, optional
        More arguments of ``pytorch_lightning.Trainer``.

    Returns
    -------
    FitResult
        Best score and epoch, time, and where the files are.

    Raises
    ------
    RunExistsError
        If the run folder holds checkpoints, and neither ``resume`` nor ``overwrite`` was asked,
        or another process is at work in it.
    ResumeError
        If the checkpoint belongs to another seed, network, optimiser, schedule, data or number of
        batches, or has more epochs than are asked for.
    EugeneError
        If ``monitor`` is never logged, no epoch was finished, the data are over another
        alphabet than the module reads, or it has nothing to train.

    Examples
    --------
    A training of two epochs on rows held in memory:

    >>> import torch, pytorch_lightning as pl
    >>> from eugene.models import SequenceModule
    >>> rows = {"seq": torch.full((8, 50), 65, dtype=torch.uint8), "target": torch.zeros(8, 1)}
    >>> class Data(pl.LightningDataModule):
    ...     def train_dataloader(self):
    ...         return [rows]
    ...     val_dataloader = train_dataloader
    >>> module = SequenceModule({"name": "deepbind", "input_len": 50, "output_dim": 1})
    >>> fit(module, Data(), max_epochs=2, accelerator="cpu").epochs
    2
    """
    if not hasattr(datamodule, "train_dataloader"):
        if isinstance(datamodule, str) or not hasattr(datamodule, "__iter__"):
            raise EugeneError(
                f"datamodule is a {type(datamodule).__name__}: expected a LightningDataModule, or "
                "something with train_dataloader() and val_dataloader()"
            )
        datamodule = Loaders(datamodule)
    if next(module.parameters(), None) is None:
        named = type(getattr(module, "arch", module)).__name__
        raise EugeneError(
            f"{named} has nothing to train: predict with it as it is, or name it in a run, "
            "where it is measured like any other"
        )
    keep = run_dir is not None
    if resume and not keep:
        raise EugeneError("resume=True needs run_dir=, the folder to take up")
    with contextlib.ExitStack() as stack:
        if run_dir is None:
            run_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="eugene-fit-"))
        folder = Path(run_dir)
        cores = os.cpu_count() or 1
        on_cpu = (accelerator or settings.accelerator) == "cpu"
        if on_cpu and isinstance(devices, int) and devices > cores:
            raise EugeneError(
                f"devices={devices}: there are {cores} CPU cores, and each device is a process"
            )
        following = follows(devices=devices, strategy=strategy, num_nodes=num_nodes)
        if keep and not following:
            stack.enter_context(holding(folder))
        if loggers is None:
            loggers = ["tensorboard"] if tensorboard else []
        written = make_loggers(loggers, folder) if keep else []
        started = time.perf_counter()
        seed = session_seed(seed)
        bridge = Bridge(datamodule, seed=seed)
        check_same_alphabet(module, bridge)
        monitor = monitor.removesuffix("_epoch")
        if not bridge.has_validation and monitor.startswith("val_"):
            warnings.warn(
                f"there are no validation rows: {monitor} cannot be watched, train_loss is instead",
                EugeneWarning,
                stacklevel=3,
            )
            monitor = "train_loss"
        listeners = make_callbacks(callbacks)
        logged = logged_by(listeners)
        closed = all_say(listeners) and not (trainer_kwargs or {}).get("callbacks")
        check_watched(listeners, module, monitor)
        judged = check_fit(module, datamodule, monitor=monitor, closed=closed, logged=logged)
        for remark in judged:
            warnings.warn(remark, EugeneWarning, stacklevel=3)
        bridge.join_single(module)
        if not any(part.training for part in module.modules()):
            # as an earlier training or a loaded run leaves it; parts that somebody put into
            # evaluation mode stay so
            module.train()
        record = Record(
            folder,
            monitor=monitor,
            mode=mode or better_when(monitor, getattr(module, "metric_objects", None)),
            patience=patience,
            min_delta=min_delta,
            seed=seed,
        )
        record.beside = logged
        described = getattr(datamodule, "facts", None)
        facts = described() if callable(described) else {}
        told = {
            "min_delta": min_delta,
            "precision": precision,
            "gradient_clip_val": gradient_clip_val,
            "accumulate_grad_batches": accumulate_grad_batches,
            "fast": fast,
            **({} if ema is None else {"ema": ema}),
            **({} if swa_from is None else {"swa_from": swa_from}),
        }
        # the first process of several has judged and cleared the folder already
        checkpoint = _checkpoint_to_resume(
            record, resume=resume, overwrite=overwrite, clear=not following
        )
        extra: list[pl.Callback] = []
        if ema is not None or swa_from is not None:
            extra.append(Averaged(ema, swa_from))
        if checkpoint is not None:
            check_same_run(checkpoint, record, max_epochs=max_epochs, facts=facts, settings=told)
            record.load_state_dict(checkpoint["eugene"]["record"])
            extra.append(Resume(record.last_path, bridge))
        folder.mkdir(parents=True, exist_ok=True)
        show, record.spoken = what_is_shown(progress)
        if show:
            extra.append(TQDMProgressBar())
        if record.spoken and checkpoint is not None:
            n = len(record.rows)
            done = "1 epoch is done" if n == 1 else f"{n} epochs are done"
            say(f"resumed from {record.last_path}, where {done}")
        notes = Notes(record.spoken)
        bridge.watch = Watch(datamodule, notes)
        mark = Mark(record, facts, told)
        listening = [SaveOnSignal(record, mark, notes)] if keep else []
        # of SLURM its number of processes is taken, not its way to save
        places = {"plugins": [SLURMEnvironment(auto_requeue=False)]} if on_slurm() else {}
        gpus = range(torch.cuda.device_count())
        with (
            _quiet(),
            _user_errors(),
            torch.random.fork_rng(devices=gpus),
            _compiled(module, compiled),
        ):
            with _user_errors(ValueError, ImportError):
                given: dict[str, Any] = {
                    "default_root_dir": str(folder),
                    "max_epochs": max_epochs,
                    "accelerator": accelerator or settings.accelerator,
                    "devices": devices,
                    "strategy": strategy,
                    "num_nodes": num_nodes,
                    "precision": precision,
                    "gradient_clip_val": gradient_clip_val,
                    "accumulate_grad_batches": accumulate_grad_batches,
                    "deterministic": deterministic,
                    "logger": written or False,
                    "callbacks": [
                        SaveFirst(record),
                        *listeners,
                        *extra,
                        bridge.watch,
                        FastPath(fast, notes),
                        record,
                        mark,
                        EpochSeeds(seed),
                        *listening,
                    ],
                    **places,
                    "enable_progress_bar": show,
                    "enable_model_summary": False,
                    "enable_checkpointing": True,
                    "num_sanity_val_steps": 0,
                    "log_every_n_steps": 1,
                    "use_distributed_sampler": False,
                    "limit_val_batches": 1.0 if bridge.has_validation else 0,
                    **dict(trainer_kwargs or {}),
                }
                trainer = pl.Trainer(**given)
            try:
                with restoring(record.last_path), untouched(folder / "tensorboard", trainer):
                    last = None if checkpoint is None else str(record.last_path)
                    trainer.fit(module, datamodule=bridge, ckpt_path=last)
            except Ended:
                raise
            except SystemExit:
                # Lightning turns Ctrl-C into the end of the process; in a notebook that is too much
                if trainer.interrupted:
                    raise KeyboardInterrupt from None
                raise
            finally:
                bridge.release()
        if not record.rows:
            raise EugeneError(f"no epoch was finished, so nothing was trained: {_why(trainer)}")
        _check_finite(record)
        callbacks = trainer.callbacks  # type: ignore[attr-defined]
        averaged = [c for c in callbacks if _AVERAGING & {k.__name__ for k in type(c).__mro__}]
        if averaged and restore_best:
            warnings.warn(
                f"the weights that {type(averaged[0]).__name__} averaged give way to those of the "
                f"best epoch ({record.best_epoch}); restore_best=False leaves them in the module",
                EugeneWarning,
                stacklevel=3,
            )
        weights_path = folder / "model.safetensors"
        last_state = None if restore_best else copy.deepcopy(module.state_dict())
        best = read_checkpoint(record.best_path)
        module.load_state_dict(best["state_dict"])
        if trainer.is_global_zero:
            # the other processes of a distributed training have the same weights
            save_weights(getattr(module, "arch", module), weights_path)
        if last_state is not None:
            module.load_state_dict(last_state)
        module.eval()
        for stale in ("run", "inverse_targets"):
            # what a loaded network knew of the data of its run is of other data now
            module.__dict__.pop(stale, None)
        return FitResult(
            best_score=record.best_score,
            best_epoch=record.best_epoch,
            epochs=len(record.rows),
            seconds=time.perf_counter() - started,
            monitor=monitor,
            stopped_early=record.stopped_early,
            history=record.rows,
            best_path=record.best_path if keep else None,
            last_path=record.last_path if keep else None,
            weights_path=weights_path if keep else None,
            metrics_path=record.metrics_path if keep else None,
            speed=notes.plain(),
        )


def _checkpoint_to_resume(
    record: Record, *, resume: bool, overwrite: bool, clear: bool
) -> dict[str, Any] | None:
    if resume:
        return read_checkpoint(record.last_path) if record.last_path.exists() else None
    if clear and record.last_path.exists():
        if not overwrite:
            raise RunExistsError(
                f"{record.last_path} exists: take the run up with resume=True, train anew with "
                "overwrite=True, or give another run_dir"
            )
        folder = record.metrics_path.parent
        weights = folder / "model.safetensors"
        for path in (record.last_path, record.best_path, record.metrics_path, weights):
            path.unlink(missing_ok=True)
        for name in FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
    return None


def _why(trainer: pl.Trainer) -> str:
    """Return why a training ended before its first epoch did."""
    if trainer.max_epochs == 0:
        return "max_epochs=0 asks for none; give 1 or more"
    if not (trainer.num_training_batches and trainer.limit_train_batches):
        return (
            "there is no training batch; drop_last=True leaves out a batch that is not full, so "
            "give a batch_size no larger than the training rows, and no limit_train_batches of 0"
        )
    if trainer.max_steps == 0:
        return "max_steps=0 asks for none; give 1 or more"
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    timers = [c for c in callbacks if isinstance(c, Timer)]
    if any((left := timer.time_remaining()) is not None and left <= 0 for timer in timers):
        return "max_time was used up first; give more time"
    return "something stopped the trainer in the first epoch"


def _check_finite(record: Record) -> None:
    if record.rows and all(math.isnan(row[record.monitor]) for row in record.rows):
        raise EugeneError(
            f"{record.monitor} is NaN in every epoch: look for targets or inputs that are not "
            "finite, or lower the learning rate"
        )


@contextlib.contextmanager
def _compiled(module: pl.LightningModule, asked: bool | str) -> Iterator[None]:
    """Let the network of a module be called compiled; names of its weights stay what they are."""
    if asked is False:
        yield
        return
    arch = getattr(module, "arch", None)
    if not isinstance(arch, torch.nn.Module):
        raise EugeneError(f"compiled: {type(module).__name__} has no network 'arch' to compile")
    known = torch._dynamo.list_backends(exclude_tags=None) if isinstance(asked, str) else []
    if isinstance(asked, str) and asked not in known:
        hint = did_you_mean(asked, known)
        raise EugeneError(f"compiled: torch.compile has no backend {asked!r}{hint}")
    arch.compile(backend=asked if isinstance(asked, str) else "inductor")
    try:
        yield
    finally:
        arch._compiled_call_impl = None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's notices and advice about other products off the screen."""
    loggers = [logging.getLogger(n) for n in ("pytorch_lightning", "lightning.pytorch")]
    loggers += [logging.getLogger(f"{lg.name}.utilities.rank_zero") for lg in loggers]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _ADVICE:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _user_errors(*others: type[Exception]) -> Iterator[None]:
    """Tell what Lightning calls a misconfiguration as a mistake that the user can mend."""
    kinds: tuple[type[Exception], ...] = (MisconfigurationException, *others)
    try:
        yield
    except kinds as error:
        first = str(error).strip().partition("\n")[0]
        raise EugeneError(f"training cannot be set up: {first}") from error
