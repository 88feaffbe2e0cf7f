"""Trainings one after another: each starts from the weights of the one before."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytorch_lightning as pl
import torch

from eugene._files import write_atomic
from eugene._holding import follows, holding
from eugene.errors import EugeneError, ResumeError, RunExistsError
from eugene.models._transfer import head_of
from eugene.models._weights import read_checkpoint
from eugene.settings import session_seed
from eugene.train._adapters import ADAPTERS, Adapted
from eugene.train._fit import FitResult, fit
from eugene.train._freeze import StaysFrozen, Trained, freeze, release
from eugene.train._progress import say, what_is_shown
from eugene.train._rates import set_rates
from eugene.train._rebuild import carry, rebuilt

Module: TypeAlias = pl.LightningModule
Hook: TypeAlias = "Callable[[pl.LightningModule, object], Mapping[str, object] | None]"
FOLDER = "stages"
"""Folder of a run that holds one folder a stage."""
RECORD = "stage.json"
"""What a stage did, in its folder."""


@dataclass(frozen=True)
class Stage:
    """One of several trainings of a network, one after another.

    Attributes
    ----------
    name : str
        Its name; its folder is ``stages/<number>_<name>``.
    freeze : list of str
        Globs over names of parameters that stay as they are; ``trunk`` stands for ``trunk.*``.
        Parts that are wholly frozen stay in evaluation mode: running statistics do not move.
    train : list of str
        Globs of those that are trained: alone, no other is; beside ``freeze``, these are though
        ``freeze`` matches them.
    start : {"best", "last"}
        Checkpoint of the stage before that this one starts from.
    before : callable, optional
        ``before(module, datamodule)``, called before the first epoch with the weights of the stage
        before in place; what it returns is noted.
    module : mapping or callable, optional
        Arguments of the module that differ, such as ``{"optimizer_lr": 1e-4}``, or a function from
        the module to the one that is trained in this stage. An augmenter keeps what is not named:
        ``{"augment": {"active": False}}``.
    datamodule : object or callable, optional
        Other data, or a function without arguments that makes them.
    trainer : mapping
        Arguments of :func:`eugene.train.fit` that differ.
    head : mapping, optional
        Arguments of a new head, such as ``{"output_dim": 5}``; none for one of the same shape. It
        is drawn anew where the stage before had another; later stages that say the same keep it.
    adapters : mapping, optional
        ``{"name": "lora", "targets": ["*"], "rank": 4, "alpha": 8, "dropout": 0.0}``: only
        adapters are trained, what ``train`` names, and a new head. They are merged into the
        weights when the stage is over, and ``adapters.safetensors`` holds what it trained alone.
    lr_scale : mapping of str to float
        Globs of parameters and what the learning rate is multiplied by for them; the last one
        that matches counts.
    lr_decay : float, optional
        Each part of the network learns so many times as fast as the part behind it, such as 0.8.
    """

    name: str
    freeze: Sequence[str] = ()
    train: Sequence[str] = ()
    start: Literal["best", "last"] = "best"
    before: Hook | None = None
    module: Mapping[str, object] | Callable[[Module], Module] | None = None
    datamodule: object | None = None
    trainer: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, object] | None = None
    adapters: Mapping[str, object] | None = None
    lr_scale: Mapping[str, float] = field(default_factory=dict)
    lr_decay: float | None = None

    def settings(self) -> dict[str, object]:
        """Return what the stage does as plain values, for a look whether it is the same."""
        plain = {
            "freeze": list(self.freeze),
            "train": list(self.train),
            "start": self.start,
            "module": dict(self.module) if isinstance(self.module, Mapping) else None,
            "head": None if self.head is None else dict(self.head),
            "adapters": None if self.adapters is None else dict(self.adapters),
            "lr_scale": dict(self.lr_scale),
            "lr_decay": self.lr_decay,
            "trainer": {k: v for k, v in self.trainer.items() if k not in _MAY_CHANGE},
        }
        return json.loads(json.dumps(plain, default=repr))  # type: ignore[no-any-return]


_WRITTEN = (RECORD, "checkpoints", "metrics.csv", "model.safetensors", "tensorboard")
_MAY_CHANGE = frozenset({"max_epochs", "patience", "accelerator", "progress", "callbacks"})


@dataclass(frozen=True)
class StageResult:
    """What one stage gave.

    Attributes
    ----------
    name : str
        Its name.
    path : pathlib.Path or None
        Its folder; None without a run folder.
    record : dict
        What is in its ``stage.json``.
    history : list of dict
        One row an epoch.
    """

    name: str
    path: Path | None
    record: dict[str, Any] = field(repr=False)
    history: list[dict[str, float]] = field(repr=False)


@dataclass(frozen=True)
class StagesResult:
    """What trainings one after another gave.

    Attributes
    ----------
    module : pytorch_lightning.LightningModule
        The module of the last stage, with its best weights.
    stages : tuple of StageResult
        Each stage.
    last : FitResult
        What the last stage gave.
    epochs : int
        Epochs of all stages.
    seconds : float
        Time of this call in seconds.
    history : list of dict
        All epochs, with ``stage`` and ``stage_epoch``.
    """

    module: Module = field(repr=False)
    stages: tuple[StageResult, ...]
    last: FitResult
    epochs: int
    seconds: float
    history: list[dict[str, object]] = field(repr=False)


def stages(
    module: Module,
    datamodule: object,
    plan: Sequence[Stage],
    *,
    run_dir: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    **fit_kwargs: Any,
) -> StagesResult:
    """Train a network in stages; each may change what is trained, on what and how.

    A stage starts from the best (or last) weights of the one before, with an optimiser of its
    own. What it changes is laid over ``module``, ``datamodule`` and ``**fit_kwargs`` as they are
    given here, not over what the stage before changed. The run folder holds for each stage a
    folder ``stages/<number>_<name>`` with what :func:`fit` writes and ``stage.json``, and beside
    them ``metrics.csv`` of all stages and the checkpoints and weights of the last one.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        What to train.
    datamodule : object
        As :func:`fit` takes it.
    plan : list of Stage
        The stages in their order.
    run_dir : str or pathlib.Path, optional
        Run folder; without one nothing stays on disk.
    resume : bool
        Leave stages that are done as they are and take up the one that was under way; the result
        has the same bits as that of a training that was left alone.
    overwrite : bool
        Train anew although the folder holds stages.
    **fit_kwargs
        Other arguments of :func:`fit`, for all stages that say nothing else.

    Returns
    -------
    StagesResult
        The module and what each stage gave.

    Raises
    ------
    RunExistsError
        If the folder holds stages, and neither ``resume`` nor ``overwrite`` was asked.
    ResumeError
        If the stages in the folder are others.
    EugeneError
        If a glob matches no parameter, nothing is left to train, or names are given twice.

    Examples
    --------
    A head first, then everything with a smaller learning rate:

    >>> import torch
    >>> from eugene.models import SequenceModule
    >>> rows = {"seq": torch.full((8, 50), 65, dtype=torch.uint8), "target": torch.zeros(8, 1)}
    >>> module = SequenceModule({"name": "deepbind", "input_len": 50, "output_dim": 1})
    >>> plan = [Stage("head", train=["dense_block"]), Stage("all", module={"optimizer_lr": 1e-4})]
    >>> found = stages(module, [rows], plan, max_epochs=1, patience=None,  # doctest: +SKIP
    ...                monitor="train_loss")
    >>> found.epochs  # doctest: +SKIP
    2
    """
    _check_plan(plan)
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        keep = run_dir is not None
        if run_dir is None:
            run_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="eugene-stages-"))
        folder = Path(run_dir)
        following = any(
            follows(devices=s.get("devices", 1), strategy=s.get("strategy", "auto"))
            for s in ({**fit_kwargs, **dict(stage.trainer)} for stage in plan)
        )
        if keep and not following:
            stack.enter_context(holding(folder))
        run = _Run(plan, folder, keep=keep, writes=not following, fit_kwargs=fit_kwargs)
        run.prepare(resume=resume, overwrite=overwrite)
        last: FitResult | None = None
        for index in range(run.first, len(plan)):
            trained, last = run.train(index, module, datamodule, resume=resume)
        assert last is not None
        history = run.history()
        if run.writes:
            run.finish()
        found = tuple(run.result(index) for index in range(len(plan)))
    if keep:
        top = {
            "best_path": folder / "checkpoints" / "best.ckpt",
            "last_path": folder / "checkpoints" / "last.ckpt",
            "weights_path": folder / "model.safetensors",
            "metrics_path": folder / "metrics.csv",
        }
        last = dataclasses.replace(last, **top)  # type: ignore[arg-type]
    return StagesResult(
        trained, found, last, len(history), time.perf_counter() - started, history=history
    )


def _check_plan(plan: Sequence[Stage]) -> None:
    if not plan or not all(isinstance(stage, Stage) for stage in plan):
        raise EugeneError("stages: expected a list of eugene.train.Stage with at least one")
    names = [stage.name for stage in plan]
    for i, name in enumerate(names):
        if not name or not all(c.isalnum() or c in "_-" for c in name):
            raise EugeneError(
                f"a stage is called {name!r}, which names a folder: expected letters, digits, "
                "'_' and '-'"
            )
        if name in names[:i]:
            raise EugeneError(f"two stages are called {name!r}: expected names that differ")


def stage_folder(folder: Path, index: int, name: str) -> Path:
    """Return the folder of a stage inside the folder of its run.

    Examples
    --------
    >>> stage_folder(Path("run"), 0, "bias").as_posix()
    'run/stages/1_bias'
    """
    return folder / FOLDER / f"{index + 1}_{name}"


def read_record(folder: Path) -> dict[str, Any]:
    """Return what ``stage.json`` of a stage's folder says; empty where it has none."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:
        raise ResumeError(f"{path} is damaged ({error}): train anew with overwrite=True") from error
    return found if isinstance(found, dict) else {}


class _Run:
    """The stages of one call and their folder."""

    def __init__(
        self,
        plan: Sequence[Stage],
        folder: Path,
        *,
        keep: bool,
        writes: bool,
        fit_kwargs: Mapping[str, Any],
    ) -> None:
        self.plan, self.folder = plan, folder
        self.keep, self.writes = keep, writes
        self.fit_kwargs = fit_kwargs
        self.seed: int | None = fit_kwargs.get("seed")
        self.first = 0

    def of(self, index: int) -> Path:
        return stage_folder(self.folder, index, self.plan[index].name)

    def prepare(self, *, resume: bool, overwrite: bool) -> None:
        """Look at what is there: which stages are done, and whether they are these."""
        place = self.folder / FOLDER
        there = sorted({p.parent.name for name in _WRITTEN for p in place.glob(f"*/{name}")})
        known = [self.of(index).name for index in range(len(self.plan))]
        if not resume:
            if there and not overwrite and self.writes:
                raise RunExistsError(
                    f"{place} holds {', '.join(there)}: take them up with resume=True, train anew "
                    "with overwrite=True, or give another run_dir"
                )
            if self.writes:
                # what else lies there, such as data of a stage, stays
                for folder in (self.folder, *(place / name for name in there)):
                    for name in _WRITTEN:
                        _remove(folder / name)
            return
        other = [name for name in there if name not in known]
        if other:
            raise ResumeError(
                f"{place} holds {', '.join(other)}, which are not among the stages "
                f"{', '.join(known)}: resume with the same, or train anew with overwrite=True"
            )
        for index, stage in enumerate(self.plan):
            record = read_record(self.of(index))
            before, now = record.get("settings"), stage.settings()
            if before is not None and before != now:
                differ = [k for k in now if before.get(k) != now[k]]
                told = "; ".join(f"{k} was {before.get(k)!r}, now it is {now[k]!r}" for k in differ)
                raise ResumeError(
                    f"{self.of(index)}: {told}: resume with the same, or train anew with "
                    "overwrite=True"
                )
        last = len(self.plan) - 1
        # the last one is looked at again: it may be given more epochs
        while self.first < last and read_record(self.of(self.first)).get("status") == "done":
            self.first += 1

    def train(
        self, index: int, base: Module, data: object, *, resume: bool
    ) -> tuple[Module, FitResult]:
        """Train one stage."""
        stage, folder = self.plan[index], self.of(index)
        new_head = stage.head is not None and (not index or stage.head != self.plan[index - 1].head)
        module = rebuilt(base, stage.module, stage.head)
        account: dict[str, object] = {}
        if index:
            before = self.of(index - 1) / "checkpoints" / f"{stage.start}.ckpt"
            state = read_checkpoint(before)["state_dict"]
            account["carried"] = carry(module, state, before, new_head=new_head)
        adapted = None
        if stage.adapters is not None:
            adapted = Adapted.put(module, stage.adapters, seed=session_seed(self.seed))
            account |= adapted.account
        if stage.datamodule is not None:
            data = stage.datamodule() if callable(stage.datamodule) else stage.datamodule
        noted = None if stage.before is None else stage.before(module, data)
        arch = getattr(module, "arch", None)
        swapped = new_head and stage.adapters is not None and isinstance(arch, torch.nn.Module)
        head = head_of(arch) if swapped else []  # type: ignore[arg-type]
        trained = _settled(module, stage, head)
        account["lr_groups"] = set_rates(module, stage.lr_scale, stage.lr_decay)
        options = {**self.fit_kwargs, **dict(stage.trainer)}
        if self.writes and what_is_shown(options.get("progress"))[1]:
            say(f"stage {index + 1} of {len(self.plan)}, {stage.name}: {trained}")
        callbacks = (*options.pop("callbacks", ()), StaysFrozen(trained.layers))
        record = {
            "name": stage.name,
            "number": index + 1,
            "settings": stage.settings(),
            **account,
            "hook": None if noted is None else dict(noted),
            "rows_sha256": _rows_of(data),
            "trained_parameters": trained.trained,
            "frozen_parameters": trained.frozen,
            "trained": list(trained.trained_names),
            "still": list(trained.still),
        }
        if self.writes:
            self._write(index, {**record, "status": "running"})
        wants_last = index + 1 < len(self.plan) and self.plan[index + 1].start == "last"
        try:
            result = fit(
                module,
                data,
                run_dir=folder,
                resume=resume,
                callbacks=callbacks,
                **{"restore_best": not wants_last, **options},
            )
        finally:
            _released(module, trained)
        if adapted is not None:
            adapted.finish(module, folder, trained.trained_names, writes=self.writes)
        if self.writes:
            done = {
                "status": "done",
                "epochs": result.epochs,
                "best_epoch": result.best_epoch,
                "best_score": result.best_score,
                "monitor": result.monitor,
                "stopped_early": result.stopped_early,
                "optimizer_lr": dict(module.hparams).get("optimizer_lr"),
            }
            self._write(index, {**record, **done})
            self._write_metrics(upto=index)
        return module, result

    def _write(self, index: int, record: Mapping[str, object]) -> None:
        path = self.of(index) / RECORD
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, indent=2, default=_number, allow_nan=False)
        write_atomic(path, f"{text}\n")

    def rows(self, index: int) -> list[dict[str, float]]:
        """Return the epochs of a stage."""
        last = read_checkpoint(self.of(index) / "checkpoints" / "last.ckpt")
        rows: list[dict[str, float]] = last["eugene"]["record"]["rows"]
        return rows

    def history(self, upto: int | None = None) -> list[dict[str, object]]:
        """Return the epochs of all stages, or of the first ones, one after another."""
        end = len(self.plan) if upto is None else upto + 1
        found: list[dict[str, object]] = []
        for index, stage in enumerate(self.plan[:end]):
            for row in self.rows(index):
                own = {"epoch": len(found), "stage": stage.name, "stage_epoch": row["epoch"]}
                found.append({**row, **own})
        return found

    def _write_metrics(self, upto: int) -> None:
        rows = self.history(upto)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        ends = ("stage", "stage_epoch", "lr", "seconds")
        columns = [c for c in columns if c not in ends] + [c for c in ends if c in columns]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomic(self.folder / "metrics.csv", text.getvalue())

    def finish(self) -> None:
        """Put what the last stage gave where the files of a training are."""
        last = self.of(len(self.plan) - 1)
        (self.folder / "checkpoints").mkdir(exist_ok=True)
        for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "model.safetensors"):
            _same_file(last / name, self.folder / name)

    def result(self, index: int) -> StageResult:
        """Return what a stage gave."""
        folder = self.of(index)
        return StageResult(
            self.plan[index].name,
            folder if self.keep else None,
            read_record(folder),
            self.rows(index),
        )


def _rows_of(data: object) -> object:
    """Return the hash of the rows of a datamodule, where it says one."""
    facts = getattr(data, "facts", None)
    return facts().get("rows_sha256") if callable(facts) else None


def _settled(module: Module, stage: Stage, head: Sequence[str]) -> Trained:
    """Freeze what a stage freezes; with adapters everything but them, a new head and ``train``."""
    frozen, kept = stage.freeze, stage.train
    if stage.adapters is not None:
        frozen, kept = ("*",), (*ADAPTERS, *head, *kept)
    try:
        trained = freeze(module, frozen, kept)
    except EugeneError as error:
        raise EugeneError(f"stage {stage.name!r}: {error}") from error
    module.train()
    keep_still = getattr(module, "keep_still", None)
    if callable(keep_still):
        keep_still(trained.layers)
    return trained


def _released(module: Module, trained: Trained) -> None:
    """Let everything be trained again, as in any module."""
    keep_still = getattr(module, "keep_still", None)
    if callable(keep_still):
        keep_still(())
    release(module, trained)


def _number(value: object) -> object:
    """Turn numbers of NumPy and torch into Python's, anything else into its text."""
    if isinstance(value, torch.Tensor) or hasattr(value, "tolist"):
        return value.tolist()
    return repr(value)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _same_file(source: Path, goal: Path) -> None:
    """Let a file be in a second place, without its bytes twice where the disk allows that."""
    temporary = goal.with_name(f".{goal.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(goal)
