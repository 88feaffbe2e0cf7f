"""What is judged before the first step: module, data and trainer against each other."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr
from torch.nn.modules.batchnorm import _BatchNorm

from eugene import _judge
from eugene._tasks import Task
from eugene.augment import Augmenter
from eugene.errors import DataError, EugeneError
from eugene.modules.profile import ProfileModule
from eugene.modules.sequence import SequenceModule
from eugene.modules.tasks import loggable
from eugene.train._callbacks import is_plain
from eugene.train._profile_checks import check_profiles
from seqdata import schema

_NEEDS_BOTH = ("auroc",)
_NEEDS_SPREAD = ("r2", "pearson", "spearman", "explained_variance")


def check_fit(
    module: pl.LightningModule,
    source: object,
    *,
    monitor: str,
    closed: bool = True,
    logged: Collection[str] = (),
) -> list[str]:
    """Raise where a module cannot be trained on its data; return what should be said.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        What is to be trained.
    source : object
        Its data; what a `SequenceDataModule` says of its targets is judged.
    monitor : str
        Value that says which epoch is best.
    closed : bool
        Whether it is known what is logged: there is no callback of the user that says nothing.
    logged : collection of str
        What callbacks log beside the module.

    Returns
    -------
    list of str
        Remarks, such as that a 0/1 target is trained as regression.

    Raises
    ------
    DataError
        If targets do not fit the task or the outputs, or nothing can be learned from them.
    EugeneError
        If ``monitor`` would never be logged.
    """
    said = [
        f"the hyper-parameters {', '.join(odd)} of {type(of).__name__} are objects, which no "
        "checkpoint can hold safely: their text is kept, give them anew when you load it."
        for of in (module, source)
        if (
            odd := [k for k, v in dict(getattr(of, "hparams", {}) or {}).items() if not is_plain(v)]
        )
    ]
    check_augmented(module, source)
    if isinstance(module, ProfileModule):
        known = closed and monitor not in logged
        return said + check_profiles(module, source, monitor=monitor, closed=known)
    if not isinstance(module, SequenceModule):
        take_data = getattr(module, "take_data", None)
        if callable(take_data):
            take_data(source)
        return said
    targets_of = getattr(source, "targets_of", None)
    names = list(getattr(source, "target_vars", None) or module.target_names or [])
    outputs = _outputs(module, source)
    task = module.task
    if closed and type(module) is SequenceModule:
        _check_monitor(module, monitor, names, outputs, logged)
    if not callable(targets_of):
        return said
    targets = targets_of()
    rows = getattr(source, "_assigned", None)
    _judge.check_targets(targets, task, loss=module.loss_name, rows=rows)
    if targets and getattr(source, "codes", None) is not None:
        said += _judge.check_training(targets_of("train"), task)
        if module.loss_name not in ("mse", "mae", "huber"):
            said = [remark for remark in said if "trained as regression" not in remark]
        said += _check_validation(targets_of("val"), task, monitor, module.metric_names)
    _check_shape(module, source, outputs)
    if outputs is not None and task.classes:
        _judge.check_targets(targets, task, n_classes=outputs[1], rows=rows)
    return said


def check_augmented(module: pl.LightningModule, source: object) -> None:
    """Raise where training sequences are too short for what is to change them.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        Its augmenter, if it has one, is asked.
    source : object
        Its data; those that do not tell the length of their sequences are judged batch by batch.

    Raises
    ------
    EugeneError
        If one is; names the shortest.
    """
    augmenter = getattr(module, "augmenter", None)
    shortest, where = getattr(source, "input_len", None), "each sequence"
    if not isinstance(augmenter, Augmenter) or not isinstance(shortest, int):
        return
    ds, codes = getattr(source, "ds", None), getattr(source, "codes", None)
    name = f"{getattr(source, 'seq_var', '')}_length"
    if isinstance(ds, xr.Dataset) and name in ds.variables:
        lengths = ds[name].to_numpy()
        trained = np.arange(len(lengths))
        if codes is not None:
            trained = np.flatnonzero(codes == schema.SPLITS["train"])
        row = int(trained[lengths[trained].argmin()])
        shortest, where = int(lengths[row]), f"row {row}"
    augmenter.check(shortest, where)


def _outputs(module: SequenceModule, source: object) -> tuple[int, ...] | None:
    """Return the shape of the outputs of two sequences, None where it shows only in training."""
    length = getattr(source, "input_len", None)
    if not isinstance(length, int):
        return None
    mode = module.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            empty = torch.zeros(2, len(module.alphabet), length)
            output = module.eval()(empty.to(module.device).type(module.dtype))
    except EugeneError:
        raise
    except Exception:  # a network may refuse what is no sequence
        return None
    finally:
        module.train(mode)
    return tuple(output.shape) if isinstance(output, torch.Tensor) else None


def _check_shape(module: SequenceModule, source: Any, outputs: tuple[int, ...] | None) -> None:
    """Raise where outputs do not stand beside targets value for value."""
    names = source.target_vars
    first = source.ds[names[0]]
    if outputs is None:
        return
    beside = (2, len(names)) if first.ndim == 1 else (2, *first.shape[1:])
    if first.ndim > 1 and getattr(source, "target_length", None):
        beside = (*beside[:-1], int(source.target_length))
    shape = (2, 1) if outputs == (2,) else outputs
    # the length of a track is settled by the loader, which cuts it to the window
    known = beside if len(beside) == 2 or len(shape) != len(beside) else (*beside[:-1], shape[-1])
    problem = _judge.output_problem(shape, known, module.task)
    if problem is not None:
        raise DataError(problem)


def _check_monitor(
    module: SequenceModule,
    monitor: str,
    names: list[str],
    outputs: tuple[int, ...] | None,
    logged: Collection[str],
) -> None:
    """Raise where nothing logs what is to be watched."""
    count = outputs[1] if outputs is not None and len(outputs) == 2 else len(names)
    listed = module.target_names or []
    columns = [listed[i] if i < len(listed) else str(i) for i in range(count)]
    known = loggable(module.metric_names, columns if count > 1 else [])
    watched = {"monitor": monitor}
    if module.hparams["scheduler"] == "reduce_lr_on_plateau":
        watched["scheduler_monitor"] = str(module.hparams["scheduler_monitor"])
    for key, value in watched.items():
        if value.removesuffix("_epoch") not in {*known, *logged, "lr"}:
            short = ", ".join([*loggable(module.metric_names, []), *logged, "lr"])
            what = "training cannot be set up: " if key != "monitor" else ""
            raise EugeneError(f"{what}{key}={value!r} was not logged; there are {short}")


def _check_validation(
    targets: Mapping[str, np.ndarray], task: Task, monitor: str, metrics: tuple[str, ...]
) -> list[str]:
    """Raise where what is watched cannot exist on the validation rows; say what else cannot."""
    columns = {n: np.asarray(v, dtype=np.float64).reshape(-1) for n, v in targets.items()}
    there = {n: v[~np.isnan(v)] for n, v in columns.items()}
    if not any(len(v) for v in columns.values()):
        return []  # no validation rows: said elsewhere
    if not any(len(v) for v in there.values()):
        if monitor.startswith("val_"):
            raise DataError(
                f"no validation row has a target, so {monitor} cannot be watched: change the "
                "split, or watch train_loss"
            )
        return ["no validation row has a target."]
    varying = any(len(v) > 1 and not _judge.no_spread(v, 1e-7) for v in there.values())
    if varying:
        return []
    needs = _NEEDS_BOTH if task.classification else _NEEDS_SPREAD
    lacking = [m for m in metrics if m in needs]
    why = "all validation rows have the same target"
    if any(monitor.startswith(f"val_{m}") for m in lacking):
        raise DataError(f"{why}, so {monitor} does not exist: change the split, or watch val_loss")
    return [f"{why}: {', '.join(lacking)} cannot be computed there."] if lacking else []


def needs_two_rows(module: pl.LightningModule, source: object) -> bool:
    """Tell whether a training batch of one row fails, as batch normalisation of one value does.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        A copy of it is tried.
    source : object
        Says the length of the sequences.

    Returns
    -------
    bool
        True where it fails; for modules that cannot be tried, whether they normalise batches.
    """
    if not any(isinstance(layer, _BatchNorm) for layer in module.modules()):
        return False
    length = getattr(source, "input_len", None)
    arch = getattr(module, "arch", None)
    if not isinstance(length, int) or arch is None:
        return True
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            twin = copy.deepcopy(arch).cpu().float().train()
            twin(torch.zeros(1, len(getattr(module, "alphabet", "ACGT")), length))
        except ValueError as error:
            return "more than 1 value per channel" in str(error)
        except Exception:
            return True
    return False
