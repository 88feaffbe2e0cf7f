"""Attributions written to a Zarr store chunk by chunk, and taken up again after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eugene.errors import EugeneError, RunExistsError
from eugene.interpret._attribute import Explainer
from eugene.interpret._hash import hash_model, hash_rows, software
from eugene.interpret._sequences import one_hot, require_variable
from eugene.interpret._targets import Explainers
from seqdata.schema import letters_of
from seqpro.progress import counted

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from seqdata.store import StoreWriter

CHUNK_ROWS = 256
"""Rows that are computed and written together: what a kill can cost at most."""

_INNER_ROWS = 64


def write_attributions(
    explainer: Explainer | Explainers,
    ds: xr.Dataset,
    path: str | Path,
    *,
    seq_var: str = "seq",
    rows: NDArray[np.int64] | None = None,
    length: int | None = None,
    beside: xr.Dataset | None = None,
    attrs: Mapping[str, object] | None = None,
    model_sha256: str | None = None,
    chunk_size: int = CHUNK_ROWS,
    resume: bool = True,
    overwrite: bool = False,
    progress: bool = False,
) -> xr.Dataset:
    """Attribute rows of a dataset into a Zarr store, one shard of rows after the other.

    Rows are read when their turn comes and written when they are done, so memory holds one chunk
    whatever the number of rows. A process that was killed is taken up where it stopped by the
    next call with the same network, sequences and options, and the store ends with the same
    bytes as without the kill.

    Parameters
    ----------
    explainer : Explainer or Explainers
        Network, methods, references, and what of it is explained.
    ds : xarray.Dataset
        With the sequences, lazy or in memory.
    path : path
        The store to write.
    seq_var : str, optional
        Variable of the sequences.
    rows : ndarray of int64, shape (n,), optional
        Which rows, in the order of the store; all by default.
    length : int, optional
        Window in bp, cut from the middle; all by default.
    beside : xarray.Dataset, optional
        Variables along ``_sequence``, one row for each in ``rows``, to be stored as well.
    attrs : mapping, optional
        Attributes of the store.
    model_sha256 : str, optional
        Hash of the weights; computed from the network by default.
    chunk_size : int, optional
        Rows at a time, which are also the rows of a shard.
    resume : bool, optional
        Take up what a killed call left, and return a finished store of the same job.
    overwrite : bool, optional
        Compute anew, and replace what is there once that is done.
    progress : bool, optional
        Draw a bar.

    Returns
    -------
    xarray.Dataset
        The store, opened: ``seq``, ``index`` (row in ``ds``), the variables of the explainer and
        those of ``beside``. Coordinates of the rows are kept. Every variable of attributions has
        the attributes ``method``, ``references``, ``n_references``, ``seed``, ``target``,
        ``model_sha256`` and ``software``.

    Raises
    ------
    EugeneError
        If there is no such variable, or no row.
    RunExistsError
        If the store belongs to another job.
    """
    import seqdata as sd
    from seqdata.schema import with_codes
    from seqdata.store import StoreWriter, fingerprint

    variable = require_variable(ds, seq_var)
    chosen = np.arange(variable.shape[0]) if rows is None else np.asarray(rows, dtype=np.int64)
    if not len(chosen):
        raise EugeneError("there are no sequences to attribute")
    size = _shard_rows(chunk_size)
    facts = {
        "sequences_sha256": hash_rows(variable, chosen),
        "model_sha256": model_sha256 or hash_model(explainer.model),
        **explainer.options(),
        "length": length,
        "chunk_size": size,
        "software": software(),
    }
    target = Path(path).expanduser().absolute()
    if target.exists() and resume and not overwrite and _same_job(target, facts):
        return sd.open_zarr(target)
    marks = {"model_sha256": facts["model_sha256"], "software": facts["software"]}
    width = one_hot(ds, seq_var, rows=chosen[:1], length=length).shape[2]
    extra = with_codes(_beside(ds, chosen, seq_var, width, beside))
    job = fingerprint(
        [facts, [explainer.name(m, "") for m in explainer.methods], sorted(map(str, extra))]
    )
    with StoreWriter(target, overwrite=overwrite, job=job, resume=resume, keep=True) as out:
        if not out.in_place:
            rows_of = _Rows(ds, seq_var, chosen, width, size)
            _fill(out, explainer, rows_of, marks, extra, progress=progress)
            out.commit({**(attrs or {}), "model_sha256": facts["model_sha256"], "job": facts})
    return sd.open_zarr(target)


def explain_in_store(
    explainer: Explainer | Explainers,
    ds: xr.Dataset,
    path: str | Path,
    *,
    seq_var: str = "seq",
    overwrite: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Attribute every row into a store of its own, or into the one that the dataset came from.

    Parameters
    ----------
    explainer : Explainer or Explainers
        Network, methods, references, and what of it is explained.
    ds : xarray.Dataset
        With the sequences.
    path : path
        The store.
    seq_var : str, optional
        Variable of the sequences.
    overwrite : bool, optional
        Replace other attributions at ``path``.
    **options
        More arguments of `write_attributions`.

    Returns
    -------
    xarray.Dataset
        The store, opened.

    Raises
    ------
    RunExistsError
        If the dataset's own store has variables of these names that were made otherwise.
    """
    import seqdata as sd

    target = Path(path).expanduser().absolute()
    source = ds.encoding.get("source")
    if source is None or not target.exists() or Path(str(source)).resolve() != target.resolve():
        return write_attributions(
            explainer, ds, target, seq_var=seq_var, overwrite=overwrite, **options
        )
    names = list(explainer.layout())
    there = sd.open_zarr(target)
    if any(name in there.variables for name in names):
        _same_variables(there, names, explainer, target)
        return there
    # complete beside the store first: a store is extended in one step
    aside = target.with_name(f"{target.name}.{names[-1]}.zarr")
    found = write_attributions(explainer, ds, aside, seq_var=seq_var, **options)
    sd.to_zarr(found[names].reset_coords(drop=True), target, mode="a")
    sd.store.remove_store(aside)
    return sd.open_zarr(target)


def explain_in_memory(
    explainer: Explainer | Explainers,
    ds: xr.Dataset,
    *,
    seq_var: str = "seq",
    chunk_size: int = CHUNK_ROWS,
    progress: bool = False,
) -> xr.Dataset:
    """Attribute every row of a dataset, reading sequences a chunk at a time.

    Parameters
    ----------
    explainer : Explainer or Explainers
        Network, methods, references, and what of it is explained.
    ds : xarray.Dataset
        With the sequences.
    seq_var : str, optional
        Variable of the sequences.
    chunk_size : int, optional
        Rows at a time.
    progress : bool, optional
        Draw a bar.

    Returns
    -------
    xarray.Dataset
        The variables of the explainer.
    """
    import xarray as xr

    n = require_variable(ds, seq_var).shape[0]
    size = _shard_rows(chunk_size)
    parts = []
    with counted(total=n, desc="attribute", unit="seq", shown=progress) as bar:
        for first in range(0, n, size):
            rows = np.arange(first, min(first + size, n))
            X = one_hot(ds, seq_var, rows=rows)
            parts.append(explainer.explain(X, rows=rows))
            bar.update(len(rows))
    marks = {"model_sha256": hash_model(explainer.model), "software": software()}
    return xr.Dataset(
        {
            name: (
                layout.dims,
                np.concatenate([part[name] for part in parts]),
                {**layout.attrs, **marks},
            )
            for name, layout in explainer.layout().items()
        }
    )


def _same_variables(
    there: xr.Dataset, names: list[str], explainer: Explainer | Explainers, target: Path
) -> None:
    """Refuse variables of a store that have the wanted names and another origin."""
    marks = {"model_sha256": hash_model(explainer.model), "software": software()}
    for name, layout in explainer.layout().items():
        wanted = {**layout.attrs, **marks}
        found = there[name].attrs if name in there.variables else {}
        differ = [key for key in wanted if found.get(key) != wanted[key]]
        if differ:
            raise RunExistsError(
                f"{target} has a variable {names[-1]!r} that differs in {', '.join(differ)}; "
                "nothing was touched. Give a prefix= or suffix=, or another path"
            )


class _Rows(NamedTuple):
    """The rows that are explained, and how they are taken.

    Attributes
    ----------
    ds : xarray.Dataset
        With the sequences.
    seq_var : str
        Variable of the sequences.
    rows : ndarray of int64, shape (n,)
        Which.
    width : int
        Window in bp.
    size : int
        Rows of a shard.
    """

    ds: xr.Dataset
    seq_var: str
    rows: NDArray[np.int64]
    width: int
    size: int


def _fill(
    out: StoreWriter,
    explainer: Explainer | Explainers,
    source: _Rows,
    marks: Mapping[str, object],
    extra: xr.Dataset,
    *,
    progress: bool,
) -> None:
    """Compute and write what is not there yet."""
    layout = explainer.layout()
    whole = [name for name, found in layout.items() if len(found.dims) == 1]
    wide = [name for name in layout if name not in whole]
    deep = [str(name) for name in extra.variables if extra[name].ndim > 1]
    rows, size, width = source.rows, source.size, source.width
    variable = source.ds[source.seq_var]
    letters = letters_of(variable)
    sequence = {"kind": "sequence", "alphabet": letters}
    dims: tuple[str, ...] = ("_sequence", "_length")
    out.create("seq", shape=(0, width), dtype=np.uint8, dims=dims, attrs=sequence, rows=size)
    for name in wide:
        dims, attrs = layout[name]
        attrs = {**attrs, **marks}
        out.create(
            name, shape=(0, len(letters), width), dtype="f4", dims=dims, attrs=attrs, rows=size
        )
    for name in deep:
        shape, kind = (0, *extra[name].shape[1:]), extra[name].dtype
        dims, attrs = tuple(map(str, extra[name].dims)), extra[name].attrs
        out.create(name, shape=shape, dtype=kind, dims=dims, attrs=attrs, rows=size)
    rowwise = ["seq", *wide, *deep]
    # numbers of one value a row fill no shard for long: until the end the journal keeps them
    kept = _kept(out, whole, size)
    begin = min(out.written(rowwise), len(kept) * size, len(rows) // size * size)
    kept = kept[: begin // size]
    out.skip_to(rowwise, begin)
    with counted(
        total=len(rows), initial=begin, desc="attribute", unit="seq", shown=progress
    ) as bar:
        for first in range(begin, len(rows), size):
            part = rows[first : first + size]
            X = one_hot(source.ds, source.seq_var, rows=part, length=width)
            found = explainer.explain(X, rows=part)
            values = {name: found[name] for name in whole}
            out.note(f"rows:{first}", {name: v.tolist() for name, v in values.items()})
            kept.append(values)
            out.append("seq", _letters(variable, part, X))
            for name in wide:
                out.append(name, found[name])
            for name in deep:
                block = extra[name].isel(_sequence=slice(first, first + size))
                out.append(name, np.asarray(block.values))
            bar.update(len(part))
    for name in whole:
        numbers = np.concatenate([values[name] for values in kept])
        attrs = {**layout[name].attrs, **marks}
        out.write_array(name, numbers, ("_sequence",), attrs=attrs)
    for name in map(str, extra.variables):
        if name not in deep:
            out.write_array(
                name,
                np.asarray(extra[name].values),
                ("_sequence",),
                attrs=extra[name].attrs,
                coordinate=name in extra.coords,
            )


def _kept(out: StoreWriter, whole: list[str], size: int) -> list[dict[str, NDArray[np.float32]]]:
    """Return what the journal of a killed call keeps of each chunk, from the first on."""
    found: list[dict[str, NDArray[np.float32]]] = []
    while (entry := out.notes.get(f"rows:{len(found) * size}")) is not None:
        found.append({name: np.asarray(entry[name], dtype=np.float32) for name in whole})
    return found


def _letters(variable: xr.DataArray, rows: NDArray[np.int64], X: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the letters of rows as they are stored, cut like their one-hot form."""
    if "_ohe" in variable.dims:
        import seqpro as sp

        columns = np.ascontiguousarray(X.swapaxes(1, 2))
        decoded = sp.decode_ohe(columns, -1, sp.alphabet_of(variable, sp.DNA))
        return np.ascontiguousarray(decoded).view(np.uint8)
    values = variable.isel({variable.dims[0]: rows}).to_numpy()
    letters = np.ascontiguousarray(values).view(np.uint8)
    start = (letters.shape[1] - X.shape[2]) // 2
    return np.ascontiguousarray(letters[:, start : start + X.shape[2]])


def _beside(
    ds: xr.Dataset,
    rows: NDArray[np.int64],
    seq_var: str,
    width: int,
    beside: xr.Dataset | None,
) -> xr.Dataset:
    """Return what is known of the rows: their numbers, coordinates, and what is given."""
    import xarray as xr

    dim = str(ds[seq_var].dims[0])
    known = [str(c) for c in ds.coords if ds[c].dims == (dim,) and c != dim]
    found = ds[known].isel({dim: rows}).reset_coords() if known else ds[[]]
    result = xr.Dataset(
        {name: ("_sequence", found[name].to_numpy(), dict(found[name].attrs)) for name in known}
    ).set_coords(known)
    if {"start", "end"} <= set(known):
        _cut_bounds(result, width)
    result["index"] = ("_sequence", rows)
    return result if beside is None else result.assign(beside.variables)


def _cut_bounds(found: xr.Dataset, width: int) -> None:
    """Move the bounds of regions to those of their middle, which is what is explained."""
    start, end = found["start"].to_numpy(), found["end"].to_numpy()
    cut = (end - start - width) // 2
    begin = start + cut
    if "strand" in found.variables:
        from seqdata.schema import decode

        begin = np.where(decode(found["strand"]) == "-", end - cut - width, begin)
    found["start"] = found["start"].copy(data=begin.astype(start.dtype))
    found["end"] = found["end"].copy(data=(begin + width).astype(end.dtype))


def _same_job(path: Path, facts: Mapping[str, object]) -> bool:
    """Tell whether a store is the finished one of a job; refuse one of another job."""
    import seqdata as sd

    found = sd.open_zarr(path).attrs.get("job")
    if found == facts:
        return True
    known = found if isinstance(found, Mapping) else {}
    differ = [key for key in facts if known.get(key) != facts[key]]
    raise RunExistsError(
        f"{path} holds attributions that differ in {', '.join(differ)}; nothing was touched. "
        "Choose another path, or replace it (overwrite=True, on the command line --overwrite)"
    )


def _shard_rows(chunk_size: int) -> int:
    """Return the rows of a shard: whole inner chunks of 64, or fewer than that."""
    if chunk_size < 1:
        raise EugeneError(f"chunk_size must be 1 or more, got {chunk_size}")
    if chunk_size <= _INNER_ROWS:
        return int(chunk_size)
    return -(-int(chunk_size) // _INNER_ROWS) * _INNER_ROWS
