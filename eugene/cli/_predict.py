"""Predictions of files and of a run's own data as tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._folder import RunFolder
from eugene._frames import STREAMED, require_writer, write_frames
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
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.evaluate import Ensemble
    from eugene.runs import Run

_SHOWN = 20


_BLOCK = 16_384


def _emit(call: Call, frames: Iterator[pd.DataFrame]) -> int:
    """Write predictions to ``--out``, or show the first rows."""
    import pandas as pd

    out = call.get("out")
    if out is not None and Path(out).suffix.lower() in STREAMED:
        count = write_frames(Path(out), frames)
        say(f"{count} predictions: {out}")
        return 0
    table = pd.concat(frames)
    header = [str(column) for column in table.columns]
    rows = list(zip(*(table[column].tolist() for column in header), strict=True))
    if out is not None:
        write_table(out, header, rows)
        say(f"{len(rows)} predictions: {out}")
        return 0
    say(aligned(header, rows[:_SHOWN]))
    if len(rows) > _SHOWN:
        say(f"... {len(rows) - _SHOWN} more; --out FILE.tsv writes all")
    return 0


def _frame(
    first: tuple[str, NDArray[np.generic]], names: list[str], values: NDArray[np.floating[Any]]
) -> pd.DataFrame:
    """Return predictions as a table, its first column the rows' names or numbers."""
    import pandas as pd

    columns = {name: values[:, i] for i, name in enumerate(names)}
    return pd.DataFrame({first[0]: first[1], **columns})


def _check_out(call: Call) -> None:
    """See that ``--out`` can be written, before anything is computed."""
    out = call.get("out")
    if out is None or Path(out).suffix.lower() != ".zarr":
        path = check_out(call, ".csv", ".tsv", ".txt", ".bw", *STREAMED)
        if path is not None:
            require_writer(path)
        return
    path = Path(out)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder {path.absolute().parent} does not exist")
    if path.exists() and not (call.has("overwrite") and (path / "zarr.json").is_file()):
        raise UsageError(
            f"--out {out} exists: give --overwrite to replace a store, or another name"
        )


def _columns(names: tuple[str, ...] | list[str], width: int) -> list[str]:
    return list(names) if len(names) == width else [f"class_{i}" for i in range(width)]


def predict(call: Call) -> int:
    """Predict new sequences, or every row of the run's data, in the units of the targets."""
    if wants_bigwig(call):
        return predict_bigwig(call)
    _check_out(call)
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
        module = _in_units(module)
    predict = _spread if several else _mean
    labels = np.asarray(names, dtype=np.str_)

    def frames() -> Iterator[pd.DataFrame]:
        # an input without a sequence is a table without a row
        for start in range(0, max(len(names), 1), _BLOCK):
            rows = slice(start, start + _BLOCK)
            columns, values = predict(module, ds["seq"].isel(_sequence=rows))
            yield _frame(("name", labels[rows]), columns, values)

    return _emit(call, frames())


def _mean(module: Any, seqs: xr.DataArray) -> tuple[list[str], NDArray[np.floating[Any]]]:
    """Predict with one network, in the units of the targets; of profiles the counts alone."""
    given = module.predict(seqs)
    if hasattr(given, "counts"):
        counts = given.counts.numpy()
        return _of_tasks(module, counts.shape[1]), counts
    predicted: NDArray[np.floating[Any]] = np.asarray(given)
    if predicted.shape[1] == len(module.target_names):
        predicted = module.inverse_targets(predicted)
    return _columns(module.target_names, predicted.shape[1]), predicted


def _of_tasks(module: object, width: int) -> list[str]:
    """Return the columns of predicted counts of a network of profiles."""
    from eugene.interpret._targets import tasks_of

    tasks = list(tasks_of(module) or {})
    named = tasks if len(tasks) == width and all(tasks) else [str(i) for i in range(width)]
    return [f"{name}_log_counts" for name in named]


def _in_units(module: Ensemble) -> Ensemble:
    from eugene.evaluate import Ensemble

    return Ensemble(list(module.members), in_units=True)


def _spread(module: Ensemble, seqs: xr.DataArray) -> tuple[list[str], NDArray[np.floating[Any]]]:
    """Predict with every network of a run over seeds or folds: a mean and a deviation a target."""
    mean, sd = module.spread(seqs)
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
    table = _frame(("row", found["row"].to_numpy()), columns, found["prediction"].to_numpy())
    table.insert(1, "fold", found["fold"].to_numpy())
    return _emit(call, iter([table]))


def _predict_run(call: Call, run: Run) -> int:
    """Write ``predictions.zarr`` of a run and show its rows."""
    from eugene.runs._load import require_trained

    require_trained(run.network)
    run.write_predictions()
    predicted: NDArray[np.floating[Any]] = run.predictions
    columns = _columns(run.data.target_vars, predicted.shape[1])
    if run.has_profiles:
        columns = _of_tasks(run.module, predicted.shape[1])
    elif predicted.shape[1] == len(run.data.target_vars):
        predicted = run.datamodule.inverse_targets(predicted)
    table = _frame(("row", np.arange(len(predicted))), columns, predicted)
    code = _emit(call, iter([table]))
    transformed = bool(run.config.section("data").get("targets"))
    scale = " (on the transformed scale of training)" if transformed else ""
    say(f"predictions: {run.folder.predictions}{scale}")
    return code
