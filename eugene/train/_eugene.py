"""EUGENe's arguments of training, as those of `eugene.train.fit`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import xarray as xr
from numpy.typing import NDArray

from eugene._calls import anything, only, only_turns
from eugene.errors import EugeneError, did_you_mean
from eugene.settings import settings

SAME = {"model": "module"}
SAME_LOADER = {**SAME, "train_dataloader": "datamodule"}
UNHEARD = {
    "early_stopping_verbose": anything,
    "model_checkpoint_k": only(1, None),
    "prefetch_factor": anything,
    "return_trainer": only(False),
    "save_hyperparams": only(True),
    "transforms": only_turns,
    "verbose": anything,
}
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
    return _shared(kwargs, known, monitor=kwargs.get("monitor", "val_loss"))


def for_sequences(kwargs: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Return EUGENe's arguments of ``fit_sequence_module`` as ours."""
    data = {k: kwargs.pop(k) for k in ("in_memory", "drop_last") if k in kwargs}
    if data:
        kwargs["datamodule_kwargs"] = {**data, **dict(kwargs.get("datamodule_kwargs") or {})}
    return _shared(kwargs, known, monitor=kwargs.get("early_stopping_metric", "val_loss"))


def _shared(kwargs: dict[str, Any], known: Sequence[str], *, monitor: str) -> dict[str, Any]:
    kept = kwargs.pop("model_checkpoint_monitor", None)
    if kept is not None and kept.removesuffix("_epoch") != str(monitor).removesuffix("_epoch"):
        raise EugeneError(
            f"model_checkpoint_monitor={kept!r}: one value says when to stop and what is kept, "
            f"here {monitor!r}"
        )
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
                "or a Logger of Lightning"
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
