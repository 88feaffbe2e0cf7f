"""Open and write datasets as Zarr v3 stores (sharded along ``_sequence``, complete or refused)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from zarr.abc.store import Store

from seqdata.errors import (
    IncompleteStoreError,
    MissingFileError,
    SeqdataError,
    StoreError,
    did_you_mean,
)
from seqdata.schema import (
    SEQUENCE_DIM,
    is_sequence,
    letters_of,
    with_codes,
    with_names,
)
from seqdata.store import _attrs
from seqdata.store._any_length import as_objects, without_objects
from seqdata.store._append import add_variables, append_rows
from seqdata.store._arrays import Arrays
from seqdata.store._codecs import check_store
from seqdata.store._objects import StoreLike, as_store, get_json, local_path
from seqdata.store._one_hot import with_one_hot, without_one_hot
from seqdata.store._opened import ListedStore, Opened, WatchedStore, listed_shards
from seqdata.store._origin import mark_stored
from seqdata.store._progress import progress_bar
from seqdata.store._resume import lock_of
from seqdata.store._shards import shard_rows
from seqdata.store._v2 import is_v2, read_in_passing
from seqdata.store._writer import StoreWriter
from seqpro.family import anything, meant, old_call

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HIDDEN_ATTRS = ("complete", "coordinates")


@old_call(
    "seqdata.open_zarr",
    unheard={
        "consolidated": anything,
        "overwrite_encoded_chunks": anything,
        "zarr_version": anything,
    },
    refused={
        "group": "a data set is a store of its own: give the path of the group",
        "synchronizer": "stores are written whole, and never changed under a reader",
        "decode_cf": "names are decoded; letters=False leaves letters as numbers",
        "mask_and_scale": "values are shown as they are stored",
        "decode_times": "there are no times in a data set",
        "concat_characters": "letters stay apart; seqpro.cast_seqs joins none",
        "decode_coords": "coordinates are always such",
        "drop_variables": "say variables=, those to open",
        "chunk_store": "give the store itself",
        "storage_options": "give a zarr store that was opened with them",
        "decode_timedelta": "there are no times in a data set",
        "use_cftime": "there are no times in a data set",
    },
    error=SeqdataError,
)
def open_zarr(
    store: StoreLike,
    *,
    variables: list[str] | None = None,
    chunks: Mapping[Hashable, int] | Literal["shards", "auto"] | None = "shards",
    letters: bool = True,
    allow_incomplete: bool = False,
) -> xr.Dataset:
    """Open a dataset lazily.

    Parameters
    ----------
    store : str, Path or zarr Store
        Local folder, URL (extra ``remote``) or store object. A folder that seqdata 0.1 or 0.2
        wrote (Zarr v2) is read into memory, with a warning.
    variables : list of str, optional
        Open only these (their coordinates come along); by default all.
    chunks : "shards", "auto", mapping or None, default "shards"
        Dask chunks: one a shard, which ``"auto"``, SeqData's default, means too, the sizes of a
        mapping, or None for lazily indexed arrays without dask (letters then stay ``uint8``).
    letters : bool, default True
        Show sequences as letters (``S1``); with False they stay ``uint8`` ASCII. No copy is made
        either way.
    allow_incomplete : bool, default False
        Open a Zarr store without the completeness mark (one that another tool wrote).

    Returns
    -------
    Dataset
        ``chrom`` and ``strand`` are names (``ds["chrom"] == "chr2"``), ``split`` is a code of
        ``sd.schema.SPLITS``. ``ds.encoding["source"]`` names the store. What is read of it later
        is checked to come from the store that was opened: a local one that was replaced meanwhile
        is an error (rows or variables that were added to it are not, they are not seen).

    Raises
    ------
    MissingFileError
        If there is nothing at the path.
    IncompleteStoreError
        If the store carries no ``complete: true``: its writing was cut off.
    StoreError
        If what is there is no Zarr store, a variable is not in it, or an array is packed with a
        codec that is not known to run no code of the file.

    Examples
    --------
    >>> import tempfile, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b"C"]]))})
    >>> sd.to_zarr(ds, f"{folder.name}/x.zarr")
    >>> sd.open_zarr(f"{folder.name}/x.zarr")["seq"].values.tolist()
    [[b'A', b'C']]
    >>> folder.cleanup()
    """
    folder = local_path(store)
    if folder is not None and is_v2(folder):
        old = read_in_passing(folder, letters=letters and chunks is not None)
        old = as_objects(old) if meant("objects") else old
        return _rechunked(_only(old, variables, store), chunks)
    opened = None if folder is None else Opened(folder)
    root = check_complete(store, allow_incomplete=allow_incomplete)
    if opened is None:
        source: Store = ListedStore(as_store(store, read_only=True), listed_shards(root))
    else:
        source = WatchedStore.of(opened)
    try:
        ds: xr.Dataset = xr.open_zarr(
            source,
            chunks=None,
            mask_and_scale=False,
            concat_characters=False,
            consolidated=bool(root.get("consolidated_metadata")),
        )
    except StoreError:
        raise
    except (KeyError, ValueError, OSError) as error:
        msg = f"Cannot open {store} as a Zarr store: {error}"
        raise StoreError(msg) from error
    ds = _only(ds, variables, store)
    ds = _chunk_by_shard(ds) if isinstance(chunks, str) else _rechunked(ds, chunks)
    if letters and chunks is not None:
        ds = ds.assign({name: _as_letters(ds[name]) for name in ds.variables if _bytes(ds[name])})
    if chunks is not None:
        ds = ds.assign({name: _as_objects(ds[name]) for name in ds.variables if _is_text(ds[name])})
    for name in _HIDDEN_ATTRS:
        ds.attrs.pop(name, None)
    ds.attrs = _attrs.shown(ds.attrs)
    for variable in ds.variables.values():
        variable.attrs = _attrs.shown(variable.attrs)
        # how zarr packed it; another program would take it for how to pack what is shown
        variable.encoding = {}
    ds.encoding["source"] = str(store)
    if opened is not None:
        mark_stored(ds, opened)
    if letters and chunks is not None and variables is None:
        ds = with_one_hot(ds)
    ds = with_names(ds)
    return as_objects(ds) if meant("objects") and letters and chunks is not None else ds


def _only(ds: xr.Dataset, variables: list[str] | None, store: StoreLike) -> xr.Dataset:
    """Return the variables that were asked for."""
    missing = [name for name in variables or () if name not in ds.variables]
    if missing:
        hint = did_you_mean(missing[0], map(str, ds.variables))
        raise StoreError(f"{store} has no variable {', '.join(map(repr, missing))}.{hint}")
    return ds if variables is None else ds[variables]


def _rechunked(
    ds: xr.Dataset, chunks: Mapping[Hashable, int] | Literal["shards", "auto"] | None
) -> xr.Dataset:
    """Return a dataset in the chunks of a mapping."""
    if not isinstance(chunks, Mapping):
        return ds
    return ds.chunk({dim: size for dim, size in chunks.items() if dim in ds.dims})


def check_complete(path: StoreLike, *, allow_incomplete: bool = False) -> dict[str, Any]:
    """Check that a store is there and complete, and return its root metadata.

    Parameters
    ----------
    path : str, Path or zarr Store
    allow_incomplete : bool, default False
        Do not insist on the completeness mark.

    Returns
    -------
    dict
        The document of the root group.

    Raises
    ------
    MissingFileError, IncompleteStoreError, StoreError
        As :func:`open_zarr` says.
    """
    folder = local_path(path)
    if folder is not None:
        if not folder.exists():
            msg = f"There is no store at {folder}. Check the path, or build it first."
            raise MissingFileError(msg)
        if not folder.is_dir():
            msg = f"{folder} is a file, not a Zarr store (a folder)."
            raise StoreError(msg)
        if is_v2(folder):
            msg = (
                f"{folder} is a Zarr v2 store, as seqdata 0.1 and 0.2 wrote them. Read it with "
                "seqdata.open_zarr(path), and write it with seqdata.to_zarr to a path of its own."
            )
            raise StoreError(msg)
    opened = as_store(path)
    try:
        root = get_json(opened, "zarr.json")
    except ValueError as error:
        msg = f"The root metadata of {path} is no JSON ({error}): the store is damaged."
        raise StoreError(msg) from error
    if root is None:
        msg = (
            f"{path} has no root metadata (zarr.json): it is no Zarr store, or its writing never "
            "finished. Build it again."
        )
        raise IncompleteStoreError(msg)
    check_store(opened, root, str(path))
    if root.get("attributes", {}).get("complete") is not True and not allow_incomplete:
        msg = (
            f"{path} carries no completeness mark: its writing was cut off, or another tool wrote "
            "it. Build it again, or pass allow_incomplete=True if you trust it."
        )
        raise IncompleteStoreError(msg)
    return root


def _in_our_words(kwargs: dict[str, object], known: list[str]) -> dict[str, object]:
    """Return xarray's arguments as ours, without those that ask for the default."""
    return {k: v for k, v in kwargs.items() if not (k in ("mode", "consolidated") and v is None)}


@old_call(
    "seqdata.to_zarr",
    same={"sdata": "ds"},
    unheard={"zarr_version": anything, "safe_chunks": anything},
    refused={
        "chunk_store": "give the store itself",
        "synchronizer": "stores are written whole, and never changed under a reader",
        "group": "a data set is a store of its own: give the path of the group",
        "encoding": "types are kept, and how they are packed is settled",
        "compute": "a store is written at once",
        "region": "mode='a' with append_dim= adds rows",
        "storage_options": "give a zarr store that was opened with them",
    },
    turned={"mode": "None is 'w-'"},
    translate=_in_our_words,
    error=SeqdataError,
)
def to_zarr(
    ds: xr.Dataset,
    store: StoreLike,
    *,
    mode: Literal["w-", "w", "a"] = "w-",
    append_dim: str | None = None,
    overwrite: bool = False,
    consolidated: bool = True,
) -> None:
    """Write a dataset as a Zarr v3 store, shard by shard.

    Letters become ``uint8`` ASCII, names of contigs and strands small codes, text variable-length
    UTF-8, and Python objects that are all numbers or None float64. One-hot variables that
    `eugene.preprocess.ohe_seqs_sdata` made are not stored but made again of their letters,
    lazily, when the store is opened; others are left out, with a warning. Lazy variables are
    computed one shard at a time, so memory stays bounded. A local store is written beside its
    place and renamed when complete.

    Parameters
    ----------
    ds : Dataset
        Dataset, lazy or in memory.
    store : str, Path or zarr Store
        Where to.
    mode : {"w-", "w", "a"}, default "w-"
        "w" replaces a store that is there. "a" extends one: with ``append_dim`` by rows, else by
        variables that it does not have yet; where there is none, it is written. What is added can
        be seen all at once when the last step is done; a kill leaves the store as it was before.
    append_dim : str, optional
        Dimension along which rows are added, with ``mode="a"``. Rows need the variables, types,
        sizes and options of the store; codes (``chrom``, ``strand``, ``split``) are matched by
        name, shorter rows of a variable length are padded, and ``provenance`` lists what was
        added under ``appended``.
    overwrite : bool, default False
        The same as ``mode="w"``.
    consolidated : bool, default True
        Accepted for compatibility; the metadata is always consolidated.

    Raises
    ------
    StoreError
        If something is there and may not be replaced, a type or attribute cannot be stored, or
        what is added does not fit the store.
    DiskFullError
        If there is no room; nothing is left behind.

    Examples
    --------
    >>> import tempfile, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> ds = xr.Dataset({"y": ("_sequence", np.arange(3.0))})
    >>> sd.to_zarr(ds, f"{folder.name}/y.zarr")
    >>> sd.open_zarr(f"{folder.name}/y.zarr")["y"].values.tolist()
    [0.0, 1.0, 2.0]
    >>> sd.to_zarr(ds[["y"]] + 3, f"{folder.name}/y.zarr", mode="a", append_dim="_sequence")
    >>> sd.open_zarr(f"{folder.name}/y.zarr")["y"].values.tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    >>> folder.cleanup()
    """
    _check_mode(mode, append_dim, overwrite)
    ds = without_objects(without_one_hot(ds))
    ds = with_codes(_letters_as_letters(_numbers_as_numbers(ds)))
    # whether it is there, and what it holds, is looked at when nobody else can change it
    with lock_of(store):
        attrs = _storable_attrs(ds.attrs, "the dataset")
        attrs = {k: v for k, v in attrs.items() if k not in _HIDDEN_ATTRS}
        if mode == "a" and _is_there(store):
            root = check_complete(store)
            if append_dim is not None:
                append_rows(ds, store, root, append_dim, row_blocks)
            else:
                add_variables(ds, store, root, _write_variables, attrs)
            return
        with StoreWriter(store, overwrite=overwrite or mode == "w", locked=True) as out:
            _write_variables(out, ds)
            out.commit(attrs)


def _letters_as_letters(ds: xr.Dataset) -> xr.Dataset:
    """Turn letters that xarray's ``where`` made objects back into S1, NaN into no letter."""
    widened = [
        str(name)
        for name in ds.data_vars
        if ds[name].dtype == object and ds[name].attrs.get("kind") == "sequence"
    ]
    return ds.assign(
        {
            name: xr.apply_ufunc(
                partial(_narrowed, name),
                ds[name],
                dask="parallelized",
                output_dtypes=[np.dtype("S1")],
                keep_attrs=True,
            )
            for name in widened
        }
    )


def _narrowed(name: str, values: NDArray[np.generic]) -> NDArray[np.bytes_]:
    letters = np.where(pd.isna(values), b"", values)
    if any(not isinstance(v, bytes) or len(v) > 1 for v in letters.ravel()):
        msg = f"Variable {name!r} is marked as a sequence, but not every value is one byte (S1)."
        raise StoreError(msg)
    return letters.astype("S1")


def _check_mode(mode: str, append_dim: str | None, overwrite: bool) -> None:
    if mode not in ("w-", "w", "a"):
        msg = f"mode must be 'w-', 'w' or 'a', got {mode!r}."
        raise StoreError(msg)
    if append_dim is not None and mode != "a":
        msg = f"append_dim={append_dim!r} adds rows to a store: pass mode='a' with it."
        raise StoreError(msg)
    if overwrite and mode == "a":
        msg = "mode='a' extends a store and overwrite=True replaces it: pass one of them."
        raise StoreError(msg)


def _is_there(path: StoreLike) -> bool:
    folder = local_path(path)
    if folder is not None:
        return folder.exists()
    return get_json(as_store(path), "zarr.json") is not None


def _write_variables(out: Arrays, ds: xr.Dataset) -> None:
    rows = _common_rows(ds)
    for name in ds.variables:
        _create(out, str(name), ds[name], rows, coordinate=name in ds.coords)
    _stream(out, ds)


def remove_store(path: str | Path) -> None:
    """Delete a local store.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    StoreError
        If the folder is no Zarr store.
    """
    folder = Path(path).expanduser()
    if not (folder / "zarr.json").exists():
        msg = f"{folder} is no Zarr v3 store: it was not deleted."
        raise StoreError(msg)
    with lock_of(folder):
        shutil.rmtree(folder)


def _create(out: Arrays, name: str, var: xr.DataArray, rows: int, *, coordinate: bool) -> None:
    attrs = _storable_attrs(var.attrs, f"variable {name!r}")
    dtype: object = var.dtype
    if dtype == np.dtype("S1"):
        dtype = np.dtype(np.uint8)
        attrs = {"kind": "sequence", "alphabet": letters_of(var), **attrs}
    elif not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        dtype = str
        if isinstance(var.dtype, np.dtype) and var.dtype.kind in "mMcV":
            msg = (
                f"Variable {name!r} has type {var.dtype}, which is not stored. Store dates as "
                "text or as numbers with a unit, complex numbers as two variables."
            )
            raise StoreError(msg)
    dims = [str(dim) for dim in var.dims]
    lead = bool(dims) and dims[0] == SEQUENCE_DIM
    shape = (0, *var.shape[1:]) if dims else ()
    per_shard = rows if lead and dtype is not str else None
    out.create(
        name,
        shape=shape,
        dtype=dtype,
        dims=dims,
        attrs=attrs,
        rows=per_shard,
        coordinate=coordinate,
    )


def _stream(out: Arrays, ds: xr.Dataset) -> None:
    """Write each variable in blocks of whole shards; lazy ones of a block are computed together."""
    rowwise = [str(name) for name in ds.variables if ds[name].dims[:1] == (SEQUENCE_DIM,)]
    for block in row_blocks(ds, rowwise, SEQUENCE_DIM):
        for name, values in block.items():
            out.append(name, values)
    for name in map(str, ds.variables):
        if name in rowwise:
            continue
        if not ds[name].dims:
            out.set_scalar(name, np.asarray(ds[name].values))
            continue
        for block in row_blocks(ds[[name]], [name], str(ds[name].dims[0])):
            out.append(name, block[name])


def row_blocks(
    ds: xr.Dataset, names: Sequence[str], dim: str
) -> Iterator[dict[str, NDArray[np.generic]]]:
    """Yield the values of variables a shard of rows at a time.

    Parameters
    ----------
    ds : Dataset
    names : sequence of str
        Variables that run along ``dim`` first.
    dim : str
        Dimension of the rows.

    Yields
    ------
    dict of str to ndarray, shape (n, ...)
    """
    if not names:
        return
    picked = ds[list(names)].reset_coords()
    rows = _common_rows(ds) if dim == SEQUENCE_DIM else _items(picked[names[0]])
    total = ds.sizes[dim]
    with progress_bar("write", total if dim == SEQUENCE_DIM else None) as bar:
        for start in range(0, total, rows):
            block = picked.isel({dim: slice(start, start + rows)}).compute()
            yield {name: np.asarray(block[name].values) for name in names}
            bar.update(min(rows, total - start))


def _items(var: xr.DataArray) -> int:
    return max(1, 4 * 1024 * 1024 // max(1, int(np.prod(var.shape[1:]))))


def _common_rows(ds: xr.Dataset) -> int:
    widest = 1
    for name in ds.variables:
        var = ds[name]
        if var.ndim > 1 and var.dims[0] == SEQUENCE_DIM and isinstance(var.dtype, np.dtype):
            widest = max(widest, int(np.prod(var.shape[1:])) * var.dtype.itemsize)
    return shard_rows(widest)


def _chunk_by_shard(ds: xr.Dataset) -> xr.Dataset:
    """Chunk by shards; variables of one value a row follow the shards of the wider ones."""
    stored = {}
    for name, var in ds.variables.items():
        sizes = var.encoding.get("shards") or var.encoding.get("chunks")
        if sizes and var.ndim and name not in ds.indexes:
            stored[name] = dict(zip(var.dims, sizes, strict=True))
    common: dict[Hashable, int] = {}
    for name in sorted(stored, key=lambda name: -ds.variables[name].ndim):
        for dim, size in stored[name].items():
            if ds.variables[name].ndim > 1 or dim not in common:
                common[dim] = min(size, common.get(dim, size))
    # of the variables themselves: a DataArray would bring its coordinates along, to be chunked too
    return ds.assign(
        {name: ds.variables[name].chunk({d: common[d] for d in stored[name]}) for name in stored}
    )


def _bytes(var: xr.DataArray) -> bool:
    return is_sequence(var) and var.dtype == np.uint8


def _as_letters(var: xr.DataArray) -> xr.DataArray:
    data = da.asarray(var.data)  # type: ignore[no-untyped-call]
    meta = np.empty((0,) * var.ndim, "S1")
    return var.copy(data=data.map_blocks(_view_letters, dtype="S1", meta=meta))


def _is_text(var: xr.DataArray) -> bool:
    return not isinstance(var.dtype, np.dtype) or var.dtype.kind not in "biufSO"


def _as_objects(var: xr.DataArray) -> object:
    """Show text as Python strings, which is the same in every version of the libraries."""
    if var.name in var.indexes:
        return xr.Variable(var.dims, np.asarray(var.values).astype(object), var.attrs)
    data = da.asarray(var.data)  # type: ignore[no-untyped-call]
    return var.copy(data=data.map_blocks(_text_block, dtype=object, meta=np.empty(0, object)))


def _text_block(block: np.ndarray) -> np.ndarray:
    return np.asarray(block).astype(object)


def _view_letters(block: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(block).view("S1")


def _numbers_as_numbers(ds: xr.Dataset) -> xr.Dataset:
    """Turn arrays of Python numbers and None into float64, which text would not give back."""
    numbers = {"integer", "floating", "mixed-integer-float", "boolean", "decimal"}
    for name in ds.data_vars:
        var = ds[name]
        if var.dtype == object and var.chunks is None and var.size:
            values = var.to_numpy()
            if pd.api.types.infer_dtype(values.ravel(), skipna=True) in numbers:
                flat = pd.to_numeric(pd.Series(values.ravel()))
                ds = ds.assign({name: var.copy(data=flat.to_numpy(float).reshape(values.shape))})
    return ds


def _storable_attrs(attrs: Mapping[object, object], where: str) -> dict[str, object]:
    """Return attributes as JSON holds them, or say which one it cannot hold."""
    plain: dict[str, object] = _attrs.plain(attrs)
    for key, value in plain.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            msg = (
                f"Attribute {key!r} of {where} cannot be stored ({error}). Attributes are text, "
                "numbers, and lists or dictionaries of these."
            )
            raise StoreError(msg) from error
    return plain
