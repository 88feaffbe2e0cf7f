"""Predictions of a trained module for the rows of a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from eugene._calls import eugene_call
from eugene.errors import EugeneError, did_you_mean
from eugene.modules._input import as_batch_size, as_device, as_tensor
from eugene.modules._letters import check_same_alphabet
from eugene.settings import settings
from seqpro.progress import bar

if TYPE_CHECKING:
    import pandas as pd


@torch.no_grad()
def predict_batches(
    module: Any,
    loader: Iterable[Mapping[str, torch.Tensor]],
    *,
    device: str | None = None,
    progress: bool = False,
    scores: bool = False,
    reverse_complement: bool = False,
    shifts: int | Sequence[int] = 0,
) -> dict[str, np.ndarray]:
    """Predict every batch of a loader.

    Parameters
    ----------
    module : eugene.models.SequenceModule
        The trained module; its mode and device are put back afterwards.
    loader : iterable of dict
        Batches with ``seq`` or ``ohe_seq``; ``target`` and ``index`` are passed through.
    device : str, optional
        Where to compute; by default where the module is.
    progress : bool, optional
        Draw a bar.
    scores : bool, optional
        Give logits as well, where the task is a classification.
    reverse_complement, shifts : optional
        Average over strands and shifts, as `eugene.models.SequenceModule.predict` does.

    Returns
    -------
    dict of ndarray
        ``prediction`` float32 (n, outputs), perhaps ``score`` of that shape, and ``target``,
        ``index`` where the batches have them.

    Raises
    ------
    EugeneError
        If the loader gives no batch.
    """
    parts: dict[str, list[np.ndarray]] = {}
    batches = each_batch(
        module, loader, device=device, progress=progress, scores=scores,
        reverse_complement=reverse_complement, shifts=shifts,
    )  # fmt: skip
    for found in batches:
        for key, value in found.items():
            parts.setdefault(key, []).append(value.cpu().numpy())
    if not parts:
        raise EugeneError("the loader gave no batch, so there is nothing to predict")
    return {key: np.concatenate(values) for key, values in parts.items()}


@torch.no_grad()
def each_batch(
    module: Any,
    loader: Iterable[Mapping[str, torch.Tensor]],
    *,
    device: str | None = None,
    progress: bool = False,
    scores: bool = False,
    reverse_complement: bool = False,
    shifts: int | Sequence[int] = 0,
) -> Generator[dict[str, torch.Tensor], None, None]:
    """Yield the predictions of each batch of a loader, as `predict_batches` puts them together.

    Yields
    ------
    dict of torch.Tensor
        One batch, on the device.
    """
    home, training = module.device, module.training
    where = as_device(device, home)
    averaged = {"reverse_complement": reverse_complement, "shifts": shifts}
    try:
        module.eval().to(where)
        batches = bar(loader, desc="predict", shown=progress)
        for i, batch in enumerate(batches):
            moved = {k: v.to(where) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
            found = (
                module.predict_scores(moved, **averaged)
                if scores or reverse_complement or shifts
                else module.predict_step(moved, i)
            )
            if not scores:
                found.pop("score", None)
            yield found
    finally:
        module.train(training).to(home)


def _in_our_words(kwargs: dict[str, Any], known: list[str]) -> dict[str, Any]:
    """Return EUGENe's arguments as ours; by its place, a number for the split is its ``gpus``."""
    if isinstance(kwargs.get("split"), int):
        kwargs["gpus"] = kwargs.pop("split")
    if (gpus := kwargs.pop("gpus", None)) is not None:
        kwargs.setdefault("device", "cuda" if gpus else "cpu")
    parts = [kwargs.pop(key, None) for key in ("out_dir", "name", "version", "file_label")]
    if any(part not in (None, "") for part in parts):
        kwargs["table"] = eugene_table(*parts)
    return kwargs


def eugene_table(
    out_dir: str | Path | None, name: str | None, version: object, label: str | None
) -> Path:
    """Return the file that EUGENe wrote predictions to; ``settings.output_dir`` by default."""
    base = Path(settings.output_dir if out_dir is None else out_dir)
    folder = base.joinpath(*[str(part) for part in (name, version) if part not in (None, "")])
    return folder / (f"{label}_predictions.tsv" if label else "predictions.tsv")


@eugene_call(
    "eugene.evaluate.predictions",
    same={"model": "module", "dataloader": "data", "sdata": "data"},
    turned={
        "gpus": "`device`; 0 is the CPU",
        "out_dir": "also writes `out_dir/name/version/{file_label}_predictions.tsv`, in "
        "`settings.output_dir` where another part of it is given",
        "name": "part of the folder",
        "version": "part of the folder",
        "file_label": "part of the name of the file",
    },
    translate=_in_our_words,
)
def predictions(
    module: object,
    data: Any,
    split: str | None = None,
    *,
    seq_var: str = "seq",
    target_vars: str | list[str] | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    reverse_complement: bool = False,
    shifts: int | Sequence[int] = 0,
    table: str | Path | None = None,
) -> pd.DataFrame:
    """Predict the rows of a dataset or a datamodule.

    Parameters
    ----------
    module : eugene.models.SequenceModule
        The trained module.
    data : SequenceDataModule, xarray.Dataset, or loader
        The rows; of a loader, batches with ``seq`` or EUGENe's ``ohe_seq``.
    split : {"train", "val", "test"}, optional
        Only these rows; by default all.
    seq_var : str
        Variable with the sequences, where ``data`` is a dataset.
    target_vars : str or list of str, optional
        Variables with the targets, where ``data`` is a dataset; none are needed.
    batch_size : int, optional
        Sequences at a time; by default the datamodule's, or ``settings.batch_size``.
    device : str, optional
        Where to compute; by default where the module is.
    reverse_complement, shifts : optional
        Average over strands and shifts, as `eugene.models.SequenceModule.predict` does.
    table : path, optional
        Tab-separated file that the predictions are written to as well.

    Returns
    -------
    pandas.DataFrame
        Index ``index`` (row of the dataset), ``{name}_target`` where there are targets and
        ``{name}_prediction``: values, probabilities or rates.

    Raises
    ------
    EugeneError
        If there is no such split or variable, or the alphabet is not the module's.
    """
    import pandas as pd

    read = partial(
        predict_batches,
        module,
        device=device,
        reverse_complement=reverse_complement,
        shifts=shifts,
    )
    if hasattr(data, "loader"):
        check_same_alphabet(module, data)
        _check_scale(module, data)
        found = read(data.loader(split or "all", batch_size=batch_size))
        names = list(data.target_vars)
    elif _is_loader(data):
        names = [target_vars] if isinstance(target_vars, str) else list(target_vars or [])
        found = read(data)
    else:
        names = [target_vars] if isinstance(target_vars, str) else list(target_vars or [])
        found = _predict_dataset(module, data, split, seq_var, names, batch_size, read)
    columns: dict[str, np.ndarray] = {}
    outputs = found["prediction"].shape[1]
    target = found.get("target")
    if len(names) != outputs:
        listed = getattr(module, "target_names", None) or names
        names = list(listed) if len(listed) == outputs else [str(i) for i in range(outputs)]
    if target is not None:
        target = target.reshape(len(target), -1)
        labels = names if target.shape[1] == len(names) else ["class"]
        columns |= {f"{name}_target": target[:, i] for i, name in enumerate(labels)}
    columns |= {f"{n}_prediction": found["prediction"][:, i] for i, n in enumerate(names)}
    index = found.get("index", np.arange(len(found["prediction"])))
    made = pd.DataFrame(columns, index=pd.Index(index, name="index"))
    if table is not None:
        Path(table).parent.mkdir(parents=True, exist_ok=True)
        made.to_csv(table, sep="\t")
    return made


def _is_loader(data: object) -> bool:
    """Tell whether it gives batches, and is no array, table or list of sequences."""
    if isinstance(data, np.ndarray | torch.Tensor | str | bytes):
        return False
    if hasattr(data, "columns") or hasattr(data, "data_vars"):
        return False
    if isinstance(data, Sequence):
        return all(isinstance(batch, Mapping) for batch in data)
    return hasattr(data, "__iter__")


def _check_scale(module: object, data: Any) -> None:
    """Raise where targets are on another scale than the one a loaded network was trained on."""
    trained = getattr(getattr(module, "run", None), "transforms", None)
    if not trained:
        return
    from seqdata.targets import stored

    for name in data.target_vars:
        here = [step.to_dict() for step in stored(data.ds[name])]
        there = json.loads(json.dumps(trained.get(name, here)))
        if json.loads(json.dumps(here)) != there:
            raise EugeneError(
                f"the targets {name!r} are not on the scale that the network was trained on: give "
                "the data module its fitted transforms, targets=module.run.transforms"
            )


def _predict_dataset(
    module: object,
    ds: Any,
    split: str | None,
    seq_var: str,
    target_vars: list[str],
    batch_size: int | None,
    read: Callable[[Iterable[Mapping[str, torch.Tensor]]], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Predict rows of a dataset block by block, targets or none."""
    if not hasattr(ds, "data_vars"):
        raise EugeneError(
            f"predictions are made for a dataset, a datamodule or a loader, got "
            f"{type(ds).__name__}; module.predict(x) takes sequences that are held in memory"
        )
    for name in (seq_var, *target_vars):
        if name not in ds.variables:
            raise EugeneError(
                f"the dataset has no variable {name!r}{did_you_mean(name, list(ds.variables))}"
            )
    check_same_alphabet(module, ds[seq_var], f"the sequences {seq_var!r}")
    rows = np.arange(ds.sizes["_sequence"])
    if split is not None:
        from seqdata import splits

        rows = np.flatnonzero(splits.mask(ds, split))
    size = as_batch_size(batch_size, settings.batch_size)
    variable = ds[seq_var]
    if "_ohe" in variable.dims:  # in whatever order it is kept
        variable = variable.transpose("_sequence", "_ohe", ...)

    def batches() -> Iterable[dict[str, torch.Tensor]]:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            letters = variable.isel(_sequence=part).to_numpy()
            batch = {"index": torch.from_numpy(part.astype(np.int64))}
            if letters.ndim == 3:
                batch["ohe_seq"] = torch.from_numpy(np.array(letters))
            else:
                batch["seq"] = as_tensor(letters)
            if target_vars:
                values = [ds[v].isel(_sequence=part).to_numpy() for v in target_vars]
                batch["target"] = torch.from_numpy(np.stack(values, axis=1).astype(np.float32))
            yield batch

    return read(batches())
