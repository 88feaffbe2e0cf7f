"""EUGENe's arguments of training, as those of `eugene.train.fit`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import xarray as xr
from numpy.typing import NDArray

from eugene._calls import anything, only, only_turns
from eugene.config.registries import METRICS
from eugene.errors import EugeneError, EugeneWarning, did_you_mean
from eugene.settings import settings
from seqpro.family import PAGE


def _one_is_kept(k: object) -> None:
    """Say that one checkpoint is kept where EUGENe's ``model_checkpoint_k`` asks for more."""
    if k not in (0, 1, None):
        warnings.warn(
            f"model_checkpoint_k={k}: the best and the last checkpoint are kept; see {PAGE}",
            EugeneWarning,
            stacklevel=5,
        )


SAME = {"model": "module"}
SAME_LOADER = {**SAME, "train_dataloader": "datamodule"}
UNHEARD = {
    "early_stopping_verbose": anything,
    "model_checkpoint_k": _one_is_kept,
    "prefetch_factor": anything,
    "save_hyperparams": only(True),
    "transforms": only_turns,
    "verbose": anything,
}


def _trainer(result: object, given: Mapping[str, object], asked: object) -> object:
    """Return Lightning's Trainer where EUGENe's ``return_trainer`` asks for it."""
    return cast("pl.LightningModule", given["module"]).trainer if asked else result


RETURNED = {"return_trainer": _trainer}
_RENAMED = {
    "epochs": "max_epochs",
    "early_stopping_metric": "monitor",
    "early_stopping_patience": "patience",
}
_PLACES = {
    "gpus": "`accelerator`, `devices`; 0 is the CPU",
    "logger": "`tensorboard`, or `trainer_kwargs` for a Logger",
    "log_dir": "`run_dir` is log_dir/name/version",
    "name": "`run_dir` is log_dir/name/version",
    "version": "`run_dir` is log_dir/name/version",
    "model_checkpoint_monitor": "`monitor` says when to stop and what is kept",
}
TURNED = {
    **{old: f"`{new}`" for old, new in _RENAMED.items()},
    **_PLACES,
    "val_dataloader": "with `train_dataloader`, in place of a `datamodule`",
}
TURNED_SEQUENCES = {
    **_PLACES,
    "in_memory": "`datamodule_kwargs`",
    "drop_last": "`datamodule_kwargs`",
}


class Loaders:
    """Loaders that are given one by one, as a datamodule."""

    def __init__(self, train: object, val: object = None) -> None:
        self.train, self.val = train, val

    def train_dataloader(self) -> object:
        """Return the training loader."""
        return self.train

    def val_dataloader(self) -> object:
        """Return the validation loader; None where there is none."""
        return self.val


def for_fit(kwargs: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Return EUGENe's arguments of ``fit`` as ours."""
    val = kwargs.pop("val_dataloader", None)
    data = kwargs.get("datamodule")
    loader = isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping, Path))
    if loader and not hasattr(data, "train_dataloader"):
        kwargs["datamodule"] = Loaders(data, val)
    elif val is not None:
        raise EugeneError("fit: val_dataloader: a datamodule has validation rows of its own")
    for old, new in _RENAMED.items():
        if old in kwargs:
            kwargs[new] = kwargs.pop(old)
    _watched(kwargs, "monitor", "patience")
    return _shared(kwargs, known)


def for_sequences(kwargs: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Return EUGENe's arguments of ``fit_sequence_module`` as ours."""
    data = {k: kwargs.pop(k) for k in ("in_memory", "drop_last") if k in kwargs}
    if data:
        kwargs["datamodule_kwargs"] = {**data, **dict(kwargs.get("datamodule_kwargs") or {})}
    _watched(kwargs, "early_stopping_metric", "early_stopping_patience")
    return _shared(kwargs, known)


def _our_value(name: str) -> str:
    """Return what is logged here for a value that EUGENe logged, such as val_r2score_epoch."""
    part, _, metric = name.removesuffix("_epoch").partition("_")
    return f"{part}_{METRICS.aliases.get(metric, metric)}" if metric else part


def _watched(kwargs: dict[str, object], monitor: str, patience: str) -> None:
    """Put what is watched under our names; None, as EUGENe had it, is not to stop early."""
    if kwargs.get(monitor, "") is None:
        kwargs[monitor] = "val_loss"
        kwargs[patience] = None
    watched = kwargs.get(monitor, "val_loss")
    if isinstance(watched, str) and monitor in kwargs:
        watched = kwargs[monitor] = _our_value(watched)
    kept = kwargs.pop("model_checkpoint_monitor", None)
    if kept is not None and _our_value(str(kept)) != str(watched).removesuffix("_epoch"):
        raise EugeneError(
            f"model_checkpoint_monitor={kept!r}: one value says when to stop and what is kept, "
            f"here {watched!r}; see {PAGE}"
        )


def _shared(kwargs: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    if (gpus := kwargs.pop("gpus", None)) is not None:
        kwargs.setdefault("accelerator", "gpu" if gpus else "cpu")
        if gpus:
            kwargs.setdefault("devices", gpus)
    extra: dict[str, object] = {}
    if "logger" in kwargs:
        logger = kwargs.pop("logger")
        if isinstance(logger, str) and logger not in ("tensorboard", "csv"):
            raise EugeneError(
                f"logger={logger!r} can be 'tensorboard', 'csv' (metrics.csv is always written) "
                f"or a Logger of Lightning; see {PAGE}"
            )
        kwargs.setdefault("tensorboard", logger == "tensorboard")
        if logger is not None and not isinstance(logger, (str, bool)):
            extra["logger"] = logger
    place = {key: kwargs.pop(key, None) for key in ("log_dir", "name", "version")}
    if any(value is not None for value in place.values()):
        version = place["version"]
        version = f"version_{version}" if isinstance(version, int) else version
        parts = [part for part in (place["name"], version) if part]
        folder = Path(place["log_dir"] or settings.logging_dir).joinpath(*map(str, parts))
        kwargs.setdefault("run_dir", folder)
    ours = {*known, *_RENAMED.values()}
    trainer = inspect.signature(pl.Trainer.__init__).parameters
    extra |= {k: kwargs.pop(k) for k in [*kwargs] if k not in ours and k in trainer}
    if extra:
        kwargs["trainer_kwargs"] = {**extra, **dict(kwargs.get("trainer_kwargs") or {})}
    return kwargs


def split_of(ds: Any, train_var: str) -> NDArray[np.int8]:
    """Return the split codes of a variable of truth values, EUGENe's ``train_val``."""
    from seqdata import splits

    if train_var not in getattr(ds, "variables", ()):
        raise EugeneError(
            f"train_var: the dataset has no variable {train_var!r}"
            f"{did_you_mean(train_var, getattr(ds, 'variables', ()))}"
        )
    values = ds[train_var]
    if values.ndim != 1 or not np.isin(values.to_numpy(), (0, 1)).all():
        raise EugeneError(f"train_var: {train_var!r} must hold a truth value for each sequence")
    return splits.codes_of(xr.Dataset({"train_val": ("_sequence", values.to_numpy())}))
