"""Predictions of files and of a run's own data as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._table import aligned, write_table

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.runs import Run, RunFolder

_SHOWN = 20


def _emit(
    call: Call, names: list[str], columns: list[str], values: NDArray[Any], first: str
) -> int:
    header = [first, *columns]
    rows = [[name, *map(float, row)] for name, row in zip(names, values, strict=True)]
    out = call.get("out")
    if out is not None:
        write_table(out, header, rows)
        say(f"{len(rows)} predictions: {out}")
        return 0
    say(aligned(header, rows[:_SHOWN]))
    if len(rows) > _SHOWN:
        say(f"... {len(rows) - _SHOWN} more; --out FILE.tsv writes all")
    return 0


def _columns(names: tuple[str, ...] | list[str], width: int) -> list[str]:
    return list(names) if len(names) == width else [f"class_{i}" for i in range(width)]


def read_file(call: Call, folder: RunFolder) -> tuple[xr.Dataset, list[str]]:
    """Return the sequences of ``--input``, read as the run read its own, and their names."""
    from eugene.runs import read_input

    return read_input(
        folder.path,
        str(call.get("input")),
        seq_col=call.get("seq_col"),
        allow_class_path=call.has("allow_class_path"),
    )


def predict_file(call: Call, folder: RunFolder, device: str | None) -> int:
    """Predict the sequences of ``--input`` in the units of the targets."""
    from eugene.runs import load

    module = load(folder.path, device=device, allow_class_path=call.has("allow_class_path"))
    ds, names = read_file(call, folder)
    predicted = np.asarray(module.predict(ds["seq"]))
    if predicted.shape[1] == len(module.target_names):
        predicted = module.inverse_targets(predicted)
    columns = _columns(module.target_names, predicted.shape[1])
    return _emit(call, names, columns, predicted, "name")


def predict_run(call: Call, run: Run) -> int:
    """Write ``predictions.zarr`` of a run and show its rows in the units of the targets."""
    from eugene.runs._load import require_trained
    from eugene.runs._steps import predict_step

    require_trained(run.network)
    predict_step(run)
    predicted: NDArray[Any] = run.predictions
    if predicted.shape[1] == len(run.data.target_vars):
        predicted = run.datamodule.inverse_targets(predicted)
    columns = _columns(run.data.target_vars, predicted.shape[1])
    names = [str(i) for i in range(len(predicted))]
    code = _emit(call, names, columns, predicted, "row")
    transformed = bool(run.config.section("data").get("targets"))
    scale = " (on the transformed scale of training)" if transformed else ""
    say(f"predictions: {run.folder.predictions}{scale}")
    return code
