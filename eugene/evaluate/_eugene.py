"""Predictions under EUGENe's names: they add variables to a dataset."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._calls import anything, eugene_call, only_turns
from eugene.errors import EugeneError
from eugene.evaluate._predictions import eugene_table, predictions

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_UNHEARD = {
    "in_memory": anything,
    "num_workers": anything,
    "prefetch_factor": anything,
    "transforms": only_turns,
}


@eugene_call(
    "eugene.evaluate.predictions_sequence_module",
    same={"module": "model", "ds": "sdata"},
    unheard=_UNHEARD,
)
def predictions_sequence_module(
    model: object,
    sdata: xr.Dataset,
    seq_var: str | None = None,
    target_vars: str | Sequence[str] | None = None,
    gpus: int | None = None,
    batch_size: int | None = None,
    *,
    device: str | None = None,
    store_only: bool = False,
    out_dir: str | Path | None = None,
    name: str | None = None,
    version: str = "",
    file_label: str = "",
    prefix: str = "",
    suffix: str = "",
    copy: bool = False,
) -> xr.Dataset:
    """Predict every row of a dataset and keep the predictions in it.

    Parameters
    ----------
    model : eugene.models.SequenceModule
        The trained module.
    sdata : xarray.Dataset
        The rows; changed in place unless ``copy`` is set.
    seq_var : str, optional
        Variable of the sequences: ``ohe_seq`` where there is one, else ``seq``.
    target_vars : str or sequence of str, optional
        What the outputs are called; by default the names that the module was trained with, or
        their numbers. The variables need not be in the dataset.
    gpus : int, optional
        EUGENe's word for the device: 0 for the CPU.
    batch_size : int, optional
        Sequences at a time; ``settings.batch_size`` by default.
    device : str, optional
        Where to compute; by default where the module is.
    store_only : bool
        Write no table.
    out_dir, name, version, file_label : optional
        Folder that a table ``{file_label}_predictions.tsv`` is written to as well. Without
        ``out_dir`` it is ``settings.output_dir``, where one of the others is given.
    prefix, suffix : str, optional
        Put around the names of the new variables.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.

    Returns
    -------
    xarray.Dataset
        With ``{prefix}{target}_predictions{suffix}`` float32 ``(_sequence)``: values,
        probabilities or rates.

    Raises
    ------
    EugeneError
        If there are more or fewer names than outputs, or an argument is unknown.
    """
    if seq_var is None:
        seq_var = "ohe_seq" if "ohe_seq" in getattr(sdata, "variables", ()) else "seq"
    if gpus is not None:
        device = device or ("cuda" if gpus else "cpu")
    named = [target_vars] if isinstance(target_vars, str) else list(target_vars or [])
    table = predictions(model, sdata, seq_var=seq_var, batch_size=batch_size, device=device)
    names = named or [column.removesuffix("_prediction") for column in table]
    if len(names) != table.shape[1]:
        raise EugeneError(
            f"target_vars names {len(names)} outputs ({', '.join(names)}), the module gives "
            f"{table.shape[1]}"
        )
    result = sdata.copy() if copy else sdata
    for column, target in enumerate(names):
        values = table.iloc[:, column].to_numpy(dtype=np.float32)
        result[f"{prefix}{target}_predictions{suffix}"] = ("_sequence", values)
    if not store_only and (out_dir is not None or name or version or file_label):
        table.columns = [f"{target}_predictions" for target in names]
        for target in (target for target in names if target in sdata.variables):
            table[target] = sdata[target].to_numpy()
        _write(table, eugene_table(out_dir, name, version, file_label))
    return result


def _write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep="\t")


@eugene_call(
    "eugene.evaluate.train_val_predictions_sequence_module",
    same={"module": "model", "ds": "sdata"},
    unheard=_UNHEARD,
    more=lambda: inspect.signature(inspect.unwrap(predictions_sequence_module)).parameters,
)
def train_val_predictions_sequence_module(
    model: object,
    sdata: xr.Dataset,
    seq_var: str | None = None,
    target_vars: str | Sequence[str] | None = None,
    train_var: str = "train_val",
    **kwargs: Any,
) -> xr.Dataset:
    """Predict training and validation rows, which is every row of a dataset.

    Parameters
    ----------
    model : eugene.models.SequenceModule
        The trained module.
    sdata : xarray.Dataset
        The rows.
    seq_var, target_vars : optional
        As of `predictions_sequence_module`.
    train_var : str
        Variable that is true for training rows: where tables are written, they are
        ``train_predictions.tsv`` and ``val_predictions.tsv``.
    **kwargs
        As of `predictions_sequence_module`.

    Returns
    -------
    xarray.Dataset
        As of `predictions_sequence_module`.

    Raises
    ------
    EugeneError
        If tables are wanted and there is no ``train_var``.
    """
    out_dir, called, version = (kwargs.pop(key, None) for key in ("out_dir", "name", "version"))
    wanted = not kwargs.pop("store_only", False) and any((out_dir, called, version))
    if wanted and train_var not in sdata.variables:
        raise EugeneError(
            f"train_var={train_var!r} is not in the dataset: the tables of training and of "
            "validation rows are written by it; store_only=True writes none"
        )
    result = predictions_sequence_module(
        model, sdata, seq_var, target_vars, store_only=True, **kwargs
    )
    if wanted:
        import pandas as pd

        end = f"_predictions{kwargs.get('suffix', '')}"
        begin = kwargs.get("prefix", "")
        named = [target_vars] if isinstance(target_vars, str) else list(target_vars or [])
        columns = [str(v) for v in result.data_vars if _made(str(v), begin, end, named)]
        table = pd.DataFrame({name: result[name].to_numpy() for name in columns})
        train = np.asarray(sdata[train_var].to_numpy(), dtype=bool)
        for label, rows in (("train", train), ("val", ~train)):
            _write(table[rows].rename_axis("index"), eugene_table(out_dir, called, version, label))
    return result


def _made(variable: str, begin: str, end: str, named: list[str]) -> bool:
    """Say whether a variable holds predictions of these targets, or of any."""
    if not (variable.startswith(begin) and variable.endswith(end)):
        return False
    return not named or variable[len(begin) : len(variable) - len(end)] in named


def train_val_predictions(
    model: object,
    train_dataloader: object,
    val_dataloader: object,
    train_var: str = "train_val",
    gpus: int | None = None,
    out_dir: str | Path | None = None,
    name: str | None = None,
    version: str = "",
) -> pd.DataFrame:
    """Predict the rows of a training and of a validation loader.

    Parameters
    ----------
    model : eugene.models.SequenceModule
        The trained module.
    train_dataloader, val_dataloader : iterable of batches
        The rows.
    train_var : str
        Column that is True for training rows.
    gpus, out_dir, name, version : optional
        As of `predictions`; the files are ``train_predictions.tsv`` and ``val_predictions.tsv``.

    Returns
    -------
    pandas.DataFrame
        As of `predictions`, training rows first.
    """
    import pandas as pd

    parts = []
    for label, loader in (("train", train_dataloader), ("val", val_dataloader)):
        found = predictions(
            model,
            loader,
            gpus=gpus,  # type: ignore[call-arg]
            out_dir=out_dir,
            name=name,
            version=version,
            file_label=label,
        )
        parts.append(found.assign(**{train_var: label == "train"}))
    return pd.concat(parts)
