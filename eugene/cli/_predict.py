"""Predictions of files and of a run's own data as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._folder import RunFolder
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

    from eugene.evaluate import Ensemble
    from eugene.runs import Run

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
        named = call.run_dir
        if named is not None and RunFolder(named).replicates and not call.has("print_config"):
            return _predict_folds(call, RunFolder(named))
        current = reopened(call)
        if current is None:
            return 0
        with holding(current.network.path):
            return _predict_run(call, current)


def _predict_file(call: Call, folder: RunFolder) -> int:
    """Predict the sequences of ``--input``."""
    from eugene.runs import load
    from eugene.runs._load import replicates_of

    trusted = call.has("allow_class_path")
    module = load(folder.path, device=device_of(call), allow_class_path=trusted)
    several = replicates_of(folder.path)
    ds, names = read_file(call, RunFolder(several[0]) if several else folder)
    if several:
        return _emit(call, names, *_spread(module, ds), "name")
    predicted = np.asarray(module.predict(ds["seq"]))
    if predicted.shape[1] == len(module.target_names):
        predicted = module.inverse_targets(predicted)
    columns = _columns(module.target_names, predicted.shape[1])
    return _emit(call, names, columns, predicted, "name")


def _spread(module: Ensemble, ds: xr.Dataset) -> tuple[list[str], NDArray[np.floating[Any]]]:
    """Predict with every network of a run over seeds or folds: a mean and a deviation a target."""
    from eugene.evaluate import Ensemble

    mean, sd = Ensemble(list(module.members), in_units=True).spread(ds["seq"])
    columns = _columns(module.target_names or [], mean.shape[1])
    names = [f"{name}_{what}" for name in columns for what in ("mean", "std")]
    return names, np.stack([mean, sd], axis=2).reshape(len(mean), -1)


def _predict_folds(call: Call, folder: RunFolder) -> int:
    """Show what the network that never saw a row gives for it."""
    import seqdata as sd
    from eugene.runs._load import require_single

    if not folder.predictions.is_dir():
        require_single(folder)
    with sd.open_zarr(folder.predictions) as opened:
        found = opened.load()
    columns = _columns(found.attrs["targets"], found["prediction"].shape[1])
    names = [str(row) for row in found["row"].to_numpy()]
    values = np.column_stack([found["fold"].to_numpy(), found["prediction"].to_numpy()])
    return _emit(call, names, ["fold", *columns], values, "row")


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
