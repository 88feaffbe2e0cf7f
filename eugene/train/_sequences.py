"""Training on variables of a dataset, with EUGENe's argument names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl

from eugene._calls import eugene_call
from eugene.settings import session_seed, settings
from eugene.train._eugene import RETURNED, SAME, TURNED_SEQUENCES, UNHEARD, for_sequences, split_of
from eugene.train._fit import FitResult, fit

_SETTLED = ("module", "datamodule", "max_epochs", "monitor", "patience", "seed")


def _of_fit() -> list[str]:
    """Return the names that ``**fit_kwargs`` may hold."""
    own = inspect.signature(inspect.unwrap(fit)).parameters
    return [name for name in own if name not in _SETTLED]


@eugene_call(
    "eugene.train.fit_sequence_module",
    same={**SAME, "sdata": "ds"},
    unheard=UNHEARD,
    returned=RETURNED,
    turned=TURNED_SEQUENCES,
    translate=for_sequences,
    more=_of_fit,
)
def fit_sequence_module(
    module: pl.LightningModule,
    ds: Any,
    seq_var: str = "seq",
    target_vars: str | Sequence[str] = "target",
    *,
    weight_var: str | None = None,
    train_var: str | None = None,
    batch_size: int | None = None,
    num_workers: int | None = None,
    seed: int | None = None,
    reverse_complement: bool = False,
    max_jitter: int = 0,
    epochs: int = 10,
    early_stopping_metric: str = "val_loss",
    early_stopping_patience: int | None = 5,
    datamodule_kwargs: Mapping[str, Any] | None = None,
    **fit_kwargs: Any,
) -> FitResult:
    """Train a module on variables of a dataset, with EUGENe's argument names.

    Parameters
    ----------
    module : eugene.models.SequenceModule
        What to train.
    ds : xarray.Dataset
        Sequences, targets and a ``split`` coordinate.
    seq_var : str
        Variable with the sequences.
    target_vars : str or list of str
        Variables with the targets.
    weight_var : str, optional
        Variable with a weight for each row.
    train_var : str, optional
        Variable of truth values, True for training and False for validation, instead of the
        split that the dataset carries.
    batch_size, num_workers, seed : int, optional
        By default those of ``eugene.settings``.
    reverse_complement : bool
        Show the reverse complement half of the time.
    max_jitter : int
        Most bp to move the window by.
    epochs : int
        Most epochs to train.
    early_stopping_metric : str
        What is watched; a trailing ``_epoch`` is ignored.
    early_stopping_patience : int or None
        Epochs without improvement before training stops.
    datamodule_kwargs : dict, optional
        More arguments of :class:`eugene.data.SequenceDataModule`.
    **fit_kwargs
        More arguments of :func:`fit`, such as ``run_dir``.

    Returns
    -------
    FitResult
        Best score and epoch, time, and where the files are.

    Raises
    ------
    EugeneError
        If a variable or the split is missing, or an argument is unknown. EUGENe's own are
        understood: ``model``, ``sdata``, ``name``, ``version``, ``log_dir``, ``gpus`` ...
    """
    from eugene.data import SequenceDataModule

    seed = session_seed(seed)
    options = dict(datamodule_kwargs or {})
    if train_var is not None:
        options.setdefault("split", split_of(ds, train_var))
    datamodule = SequenceDataModule(
        ds,
        seq_var=seq_var,
        target_vars=[target_vars] if isinstance(target_vars, str) else list(target_vars),
        weight_var=weight_var,
        batch_size=settings.batch_size if batch_size is None else batch_size,
        num_workers=settings.dl_num_workers if num_workers is None else num_workers,
        seed=seed,
        reverse_complement=reverse_complement,
        max_jitter=max_jitter,
        **options,
    )
    return fit(
        module,
        datamodule,
        max_epochs=epochs,
        monitor=early_stopping_metric,
        patience=early_stopping_patience,
        seed=seed,
        **fit_kwargs,
    )


@eugene_call(
    same={**SAME, "sdata": "ds"},
    unheard=UNHEARD,
    returned=RETURNED,
    translate=for_sequences,
    more=_of_fit,
)
def fit_profile_module(
    module: pl.LightningModule,
    ds: Any,
    seq_var: str = "seq",
    target_var: str = "cov",
    *,
    control_var: str | None = None,
    train_var: str | None = None,
    batch_size: int | None = None,
    num_workers: int | None = None,
    seed: int | None = None,
    reverse_complement: bool = False,
    max_jitter: int = 0,
    epochs: int = 10,
    early_stopping_metric: str = "val_loss",
    early_stopping_patience: int | None = 5,
    datamodule_kwargs: Mapping[str, Any] | None = None,
    **fit_kwargs: Any,
) -> FitResult:
    """Train a module of profiles on the tracks of a dataset, or of files.

    Parameters
    ----------
    module : eugene.models.ProfileModule
        What to train.
    ds : xarray.Dataset or mapping
        Sequences, tracks and a ``split`` coordinate; or the arguments of the data source
        ``genome``, such as ``{"fasta": ..., "bed": ..., "bigwigs": ..., "strands": ["+", "-"]}``,
        whose windows are cut from the files as they are needed. Its ``width`` is that of the
        network, if it is not given.
    seq_var : str
        Variable with the sequences.
    target_var : str
        Variable with the tracks, (_sequence, sample, _length). They are cut to what the network
        predicts.
    control_var : str, optional
        Variable with the control tracks.
    train_var : str, optional
        Variable of truth values, True for training and False for validation, instead of the
        split that the dataset carries. Files have none: say
        ``datamodule_kwargs={"split": {"name": "chromosome", ...}}``.
    batch_size, num_workers, seed : int, optional
        By default those of ``eugene.settings``.
    reverse_complement : bool
        Show the reverse complement half of the time; paired strands change places.
    max_jitter : int
        Most bp to move sequence and tracks by.
    epochs : int
        Most epochs to train.
    early_stopping_metric : str
        What is watched; a trailing ``_epoch`` is ignored.
    early_stopping_patience : int or None
        Epochs without improvement before training stops.
    datamodule_kwargs : dict, optional
        More arguments of :class:`eugene.data.SequenceDataModule`, such as ``mask_var``.
    **fit_kwargs
        More arguments of :func:`fit`, such as ``run_dir``.

    Returns
    -------
    FitResult
        Best score and epoch, time, and where the files are.

    Raises
    ------
    EugeneError
        If a variable or the split is missing, targets are no counts, or lengths do not fit.
    """
    from eugene.data import SequenceDataModule, sources

    seed = session_seed(seed)
    options = dict(datamodule_kwargs or {})
    if isinstance(ds, Mapping) and not hasattr(ds, "data_vars"):
        files = dict(ds)
        if (length := getattr(module, "input_len", None)) is not None:
            files.setdefault("width", length)
        if files.get("controls") and control_var is None:
            control_var = "control"
        ds = sources.genome(seq_var=seq_var, **files)
        if "mask" in ds.variables:
            options.setdefault("mask_var", "mask")
    if train_var is not None:
        options.setdefault("split", split_of(ds, train_var))
    network = getattr(module, "network", lambda: None)()
    if (length := getattr(network, "output_len", None)) is not None:
        options.setdefault("target_length", length)
    datamodule = SequenceDataModule(
        ds,
        seq_var=seq_var,
        target_vars=target_var,
        control_var=control_var,
        batch_size=settings.batch_size if batch_size is None else batch_size,
        num_workers=settings.dl_num_workers if num_workers is None else num_workers,
        seed=seed,
        reverse_complement=reverse_complement,
        max_jitter=max_jitter,
        **options,
    )
    return fit(
        module,
        datamodule,
        max_epochs=epochs,
        monitor=early_stopping_metric,
        patience=early_stopping_patience,
        seed=seed,
        **fit_kwargs,
    )
