"""Predictions of files and of a run's own data as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._holding import holding
from eugene._table import aligned, write_table
from eugene.cli._bigwig import predict_bigwig, wants_bigwig
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import (
    check_out,
    device_of,
    network_of,
    printed,
    read_file,
    reopened,
    spoken,
)
from eugene.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eugene.runs import Run, RunFolder

_SHOWN = 20


def _emit(
    call: Call, names: list[str], columns: list[str], values: NDArray[np.floating[Any]], first: str
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


def predict(call: Call) -> int:
    """Predict new sequences, or every row of the run's data, in the units of the targets."""
    if wants_bigwig(call):
        return predict_bigwig(call)
    check_out(call, ".csv", ".tsv", ".txt", ".bw")
    given = [name for name in ("what", "overlap", "part") if call.has(name)]
    if given:
        raise UsageError(f"--{given[0]} goes with --out NAME.bw")
    if call.get("input") is not None:
        folder, config = network_of(call)
        return 0 if printed(call, config) else _predict_file(call, folder)
    with spoken(call):
        current = reopened(call)
        if current is None:
            return 0
        with holding(current.network.path):
            return _predict_run(call, current)


def _predict_file(call: Call, folder: RunFolder) -> int:
    """Predict the sequences of ``--input``."""
    from eugene.runs import load

    trusted = call.has("allow_class_path")
    module = load(folder.path, device=device_of(call), allow_class_path=trusted)
    ds, names = read_file(call, folder)
    predicted = np.asarray(module.predict(ds["seq"]))
    if predicted.shape[1] == len(module.target_names):
        predicted = module.inverse_targets(predicted)
    columns = _columns(module.target_names, predicted.shape[1])
    return _emit(call, names, columns, predicted, "name")


def _predict_run(call: Call, run: Run) -> int:
    """Write ``predictions.zarr`` of a run and show its rows."""
    from eugene.runs._load import require_trained

    require_trained(run.network)
    run.write_predictions()
    predicted: NDArray[np.floating[Any]] = run.predictions
    if predicted.shape[1] == len(run.data.target_vars):
        predicted = run.datamodule.inverse_targets(predicted)
    columns = _columns(run.data.target_vars, predicted.shape[1])
    names = [str(i) for i in range(len(predicted))]
    code = _emit(call, names, columns, predicted, "row")
    transformed = bool(run.config.section("data").get("targets"))
    scale = " (on the transformed scale of training)" if transformed else ""
    say(f"predictions: {run.folder.predictions}{scale}")
    return code
