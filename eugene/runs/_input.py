"""Files to predict or explain, read as a run read its own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene._folder import RunFolder
from eugene.errors import EugeneError, MissingFileError, did_you_mean
from eugene.runs._load import load, read_config

if TYPE_CHECKING:
    import xarray as xr

logger = logging.getLogger("eugene.runs")

_FASTA = frozenset({".fa", ".fasta", ".fna", ".fas", ".ffn", ".faa"})
_TABLE = frozenset({".csv", ".tsv", ".txt", ".parquet", ".pq"})
_REGIONS = frozenset({".bed", ".narrowpeak", ".broadpeak", ".gappedpeak"})


def read_input(
    run_dir: str | Path,
    path: str | Path,
    *,
    seq_col: str | None = None,
    fasta: str | Path | None = None,
    allow_class_path: bool = False,
) -> tuple[xr.Dataset, list[str]]:
    """Read a file with the settings that a run read its own file with.

    Parameters
    ----------
    run_dir : str or Path
        The run: it knows alphabet, lengths, unknown letters, separator, names of column and
        variable, and for regions the genome and the width of a window.
    path : str or Path
        FASTA file, table, Zarr store, or BED file where the run read regions of a genome. Where
        the suffix does not say which, it is what the run read.
    seq_col : str, optional
        Column of a table or variable of a store, in place of the run's.
    fasta : str or Path, optional
        Genome that regions are cut from, in place of the run's.
    allow_class_path : bool, optional
        Whether the run's configuration may name things by import path.

    Returns
    -------
    ds : xarray.Dataset
        With ``seq``, as wide as the network reads it; of regions the attribute ``genome`` says
        which file they were cut from.
    names : list of str
        One a row.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If it cannot be told what the file is, or sequences are not as the network reads them.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"the input {path} does not exist")
    folder = RunFolder.open(run_dir, or_trained=True)
    section, described = _settings(folder, allow_class_path=allow_class_path)
    kind = _kind(path, str(section.get("name", "")))
    letters = {"alphabet": described["alphabet"]}
    if section.get("on_unknown") is not None:
        letters["on_unknown"] = section["on_unknown"]
    if kind == "store":
        ds = _store(path, section, seq_col)
    elif kind == "regions":
        if fasta is not None:
            width = {"name": "regions", "width": described["input_len"]}
            section = {**(section if section.get("width") else width), "fasta": str(fasta)}
        ds = _regions(path, section, letters)
    else:
        letters["fixed_length"] = _lengths(section, described.get("sequence") or {})
        ds = _flat(path, kind, section, letters, seq_col)
    if fasta is not None and kind != "regions":
        raise EugeneError(f"{path} holds no regions, so nothing is cut from the genome {fasta}")
    length = int(described["input_len"])
    # windows are stored wider by the jitter on both sides
    stored = length + 2 * int(section.get("max_jitter") or 0)
    ds = _fitting(ds, path, length, stored)
    return ds, _row_names(ds)


def _settings(
    folder: RunFolder, *, allow_class_path: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data section of a run and what is known of its data."""
    if folder.trained_in_python:
        module = load(folder.path)
        return {}, {"alphabet": module.alphabet, "input_len": module.input_len}
    config = read_config(folder, allow_class_path=allow_class_path).last
    return config.section("data"), folder.read_json("data.json")


def _kind(path: Path, source: str) -> str:
    if path.is_dir():
        return "store"
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in {".gz", ".bgz"}]
    suffix = suffixes[-1] if suffixes else ""
    for kind, known in (("fasta", _FASTA), ("table", _TABLE), ("regions", _REGIONS)):
        if suffix in known:
            return kind
    own = {"table": "table", "fasta": "fasta", "regions": "regions", "genome": "regions"}
    if source not in own:
        raise EugeneError(
            f"cannot tell what {path} is; expected .fa, .csv, .tsv, .bed (also .gz) or a Zarr store"
        )
    return own[source]


def _lengths(section: dict[str, Any], described: dict[str, object]) -> bool | int:
    """Return the ``fixed_length`` that a run's own sequences were read with, or could have been."""
    value: bool | int | None = section.get("fixed_length")
    if value is not None:
        return value
    shortest, length = (described.get(key) for key in ("shortest", "length"))
    return shortest is None or length is None or shortest == length


def _flat(
    path: Path, kind: str, section: dict[str, object], options: dict[str, Any], seq_col: str | None
) -> xr.Dataset:
    from eugene.data import sources

    if kind == "fasta":
        return sources.fasta(str(path), **options)
    if section.get("sep") is not None:
        options["sep"] = section["sep"]
    column = seq_col or str(section.get("seq_col") or "seq")
    return sources.table(str(path), seq_col=column, target_cols=[], **options)


def _store(path: Path, section: dict[str, object], seq_col: str | None) -> xr.Dataset:
    import seqdata as sd
    from seqdata.schema import is_one_hot, is_sequence

    ds = sd.open_zarr(path)
    name = seq_col or str(section.get("seq_var") or "seq")
    if name not in ds.variables:
        held = [str(v) for v in ds.data_vars if is_sequence(ds[v]) or is_one_hot(ds[v])]
        if len(held) != 1 or seq_col is not None:
            raise EugeneError(f"{path} has no variable {name!r}{did_you_mean(name, held)}")
        logger.warning("%s has no variable %r: the sequences %r are read", path, name, held[0])
        name = held[0]
    if f"{name}_offsets" in ds.variables:
        ds = ds.assign(seq=_padded(ds, name))
    elif name != "seq":
        ds = ds.drop_vars("seq", errors="ignore").rename({name: "seq"})
    return ds


def _padded(ds: xr.Dataset, name: str) -> xr.Variable:
    """Return sequences that are stored one behind the other as rows, padded with NUL."""
    import xarray as xr

    offsets = ds[f"{name}_offsets"].to_numpy().astype(np.int64)
    flat = np.ascontiguousarray(ds[name].to_numpy()).view("S1")
    rows = np.zeros((len(offsets) - 1, int(np.diff(offsets).max(initial=0))), "S1")
    for row, start, end in zip(rows, offsets[:-1], offsets[1:], strict=True):
        row[: end - start] = flat[start:end]
    return xr.Variable(("_sequence", "_length"), rows, ds[name].attrs)


def _regions(path: Path, section: dict[str, Any], letters: dict[str, object]) -> xr.Dataset:
    from eugene.data import sources

    source = section.get("name")
    if source not in ("regions", "genome"):
        raise EugeneError(
            f"{path} holds regions, but the run did not read regions of a genome, so it knows no "
            "genome to cut them from: say which (fasta=, --fasta), or give FASTA, a table or a "
            "store"
        )
    keys = ("fasta", "width", *(["centre", "max_jitter"] if source == "regions" else []))
    options = {key: section[key] for key in keys if section.get(key) is not None}
    options |= letters
    genome = options.pop("fasta")
    if source == "genome":
        return sources.genome(genome, str(path), **options).assign_attrs(genome=str(genome))
    ds = sources.regions(genome, str(path), negatives=False, **options)
    ds = ds.assign_attrs(genome=str(genome))
    dropped = int(ds.attrs.get("dropped_past_contig_ends", 0))
    if dropped:
        logger.warning("%d regions of %s reach past the end of a contig: left out", dropped, path)
    return ds


def _fitting(ds: xr.Dataset, path: Path, length: int, stored: int) -> xr.Dataset:
    """Return the dataset with ``seq`` as wide as the network reads it, as the run's loader does."""
    import xarray as xr

    from eugene.interpret._sequences import require_variable

    if "seq_offsets" in ds.variables:
        ds = ds.assign(seq=_padded(ds, "seq"))
    seq = require_variable(ds, "seq")
    rows, *rest = [str(d) for d in seq.dims]
    along = next(d for d in rest if d != "_ohe")
    found = seq.sizes[along]
    uneven = "seq_length" in ds.variables
    if found == length:
        return ds
    if uneven and found < length and "_ohe" not in seq.dims:
        letters = np.zeros((seq.sizes[rows], length), "S1")
        letters[:, :found] = np.ascontiguousarray(seq.to_numpy()).view("S1")
        return _with(ds, xr.Variable((rows, "_position"), letters, seq.attrs))
    if found == stored and not uneven:
        start = (found - length) // 2
        return _with(ds, seq.isel({along: slice(start, start + length)}).variable)
    message = f"the sequences of {path} are {found} bp long, the network reads {length} bp; "
    if uneven:
        lengths = ds["seq_length"].to_numpy()
        row = int(np.argmax(lengths > length))
        message = (
            f"{path}, record {row + 1}: the sequence is {int(lengths[row])} bp long, the network "
            f"reads up to {length} bp, the longest that the run was trained on; "
        )
    raise EugeneError(f"{message}cut or pad them to {length} bp")


def _with(ds: xr.Dataset, seq: xr.Variable) -> xr.Dataset:
    """Return what describes the rows, with other sequences."""
    kept = [str(v) for v in ds.variables if ds[v].dims == (seq.dims[0],)]
    return ds[kept].assign(seq=seq)


def _row_names(ds: xr.Dataset) -> list[str]:
    for name in ("name", "id", "seq_id"):
        if name in ds.variables and ds[name].ndim == 1:
            return [str(v) for v in ds[name].to_numpy()]
    if {"chrom", "start", "end"} <= set(map(str, ds.variables)):
        table = ds.sd.regions()
        places = zip(table["chrom"], table["chromStart"], table["chromEnd"], strict=True)
        return [f"{chrom}:{start}-{end}" for chrom, start, end in places]
    if "_sequence" in ds.coords:
        return [str(v) for v in ds["_sequence"].to_numpy()]
    return [str(i) for i in range(ds.sizes["_sequence"])]
