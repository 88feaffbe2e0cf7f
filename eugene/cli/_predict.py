"""Predictions of files and of a run's own data as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._table import aligned, write_table
from eugene.config import parse_file
from eugene.errors import EugeneError, MissingFileError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.runs import Run, RunFolder

_SHOWN = 20
_FASTA = (".fa", ".fasta", ".fna", ".fas")


def _plain_suffix(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in {".gz", ".bgz"}]
    return suffixes[-1] if suffixes else ""


def read_sequences(path: Path, *, seq_col: str) -> tuple[xr.Dataset, list[str]]:
    """Read sequences from a FASTA file, a table or a Zarr store.

    Parameters
    ----------
    path : Path
        The file; its suffix says what it is.
    seq_col : str
        Column of a table, variable of a store.

    Returns
    -------
    ds : xarray.Dataset
        With ``seq``.
    names : list of str
        One a row.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If the suffix is none of these.
    """
    if not path.exists():
        message = f"the input {path} does not exist"
        raise MissingFileError(message)
    import seqdata as sd
    from eugene.data import sources

    suffix = _plain_suffix(path)
    if suffix in _FASTA:
        ds = sources.fasta(str(path))
    elif suffix in {".csv", ".tsv", ".txt"}:
        ds = sources.table(str(path), seq_col=seq_col, target_cols=[])
    elif path.is_dir():
        ds = sd.open_zarr(path)
        if seq_col != "seq" and seq_col in ds:
            ds = ds.rename({seq_col: "seq"})
    else:
        message = f"cannot tell what {path} is; expected .fa, .csv, .tsv (also .gz) or a Zarr store"
        raise EugeneError(message)
    for name in ("name", "id", "seq_id"):
        if name in ds.variables and ds[name].ndim == 1:
            return ds, [str(v) for v in ds[name].to_numpy()]
    if "_sequence" in ds.coords:
        return ds, [str(v) for v in ds["_sequence"].to_numpy()]
    return ds, [str(i) for i in range(ds.sizes["_sequence"])]


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


def sequence_column(call: Call, folder: RunFolder) -> str:
    """Return the column or variable of the sequences: what is asked for, or the run's own."""
    section = parse_file(folder.config).tree.get("data") if folder.config.is_file() else {}
    section = section or {}
    return str(call.get("seq_col") or section.get("seq_col") or "seq")


def check_length(ds: xr.Dataset, path: Path, length: int) -> None:
    """Raise if sequences are not of the length that a network reads.

    Parameters
    ----------
    ds : xarray.Dataset
        With ``seq``.
    path : Path
        Where they came from, for the message.
    length : int
        Length in bp.

    Raises
    ------
    EugeneError
        If they are longer or shorter, or there is no ``seq``.
    """
    from eugene.interpret._sequences import require_variable

    found = require_variable(ds, "seq").shape[1]
    if found != length:
        message = (
            f"the sequences of {path} are {found} bp long, the network reads {length} bp; "
            f"cut or pad them to {length} bp"
        )
        raise EugeneError(message)


def predict_file(call: Call, folder: RunFolder, device: str | None) -> int:
    """Predict the sequences of ``--input`` in the units of the targets."""
    from eugene.runs import load

    path = Path(str(call.get("input")))
    ds, names = read_sequences(path, seq_col=sequence_column(call, folder))
    module = load(folder.path, device=device, allow_class_path=call.has("allow_class_path"))
    check_length(ds, path, int(module.input_len))
    letters = np.ascontiguousarray(ds["seq"].to_numpy()).view(np.uint8)
    predicted = np.asarray(module.predict(letters))
    if predicted.shape[1] == len(module.target_names):
        predicted = module.inverse_targets(predicted)
    columns = _columns(module.target_names, predicted.shape[1])
    return _emit(call, names, columns, predicted, "name")


def predict_run(call: Call, run: Run) -> int:
    """Write ``predictions.zarr`` of a run and show its rows in the units of the targets."""
    from eugene.runs._steps import predict_step

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
