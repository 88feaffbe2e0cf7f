"""Stores of seqdata 0.1 and 0.2 (Zarr v2), read."""

from __future__ import annotations

import json
import lzma
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numcodecs import VLenArray, VLenBytes, VLenUTF8
from numcodecs.registry import get_codec

import seqpro as sp
from seqdata.errors import MissingFileError, StoreError
from seqdata.schema import SPLITS, STRANDS, code_attrs, coded_coordinate, with_names
from seqdata.store._any_length import pad_objects
from seqdata.store._codecs import check_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_legacy(path: str | Path) -> xr.Dataset:
    """Read a store of seqdata 0.1 or 0.2 (Zarr v2) into memory, read-only.

    Arrays of any length are decoded through numcodecs and padded on the right. ``chromStart`` and
    ``chromEnd`` come as ``start`` and ``end`` too, and a boolean ``train_val`` as ``split``.
    Letters show their alphabet: RNA and protein are told in a warning.

    Parameters
    ----------
    path : str or Path
        The store's folder.

    Returns
    -------
    Dataset
        In memory; write it again with :func:`seqdata.to_zarr`.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    StoreError
        If it is no Zarr v2 group, an array cannot be decoded or is packed with a codec that is
        not known to run no code of the file, or letters do not show their alphabet.
    """
    folder = Path(path).expanduser()
    if not folder.exists():
        raise MissingFileError(f"There is no store at {folder}. Check the path.")
    if not (folder / ".zgroup").exists():
        msg = f"{folder} is no Zarr v2 group (no .zgroup). Open Zarr v3 stores with open_zarr."
        raise StoreError(msg)
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, Any]]] = {}
    coordinates: set[str] = set()
    # stores of regions of any length say null where there is no such dimension
    group_attrs = {k: v for k, v in _json(folder / ".zattrs").items() if v is not None}
    coordinates.update(str(group_attrs.pop("coordinates", "")).split())
    for child in sorted(folder.iterdir()):
        if not (child / ".zarray").exists():
            continue
        attrs = _json(child / ".zattrs")
        dims = tuple(str(dim) for dim in attrs.pop("_ARRAY_DIMENSIONS", ()))
        coordinates.update(str(attrs.pop("coordinates", "")).split())
        values = _read_v2(child)
        extra: NDArray[np.generic] | None = None
        if values.dtype.kind == "O" and len(values) and not isinstance(values.flat[0], str):
            values, extra = pad_objects(values)
            dims = (*dims, str(group_attrs.get("length_dim", "_length")))
        if values.dtype == np.dtype("S1"):
            attrs = {"kind": "sequence", **attrs, "alphabet": _alphabet(child, values, attrs)}
        if len(dims) != values.ndim:
            raise StoreError(f"{child} has {values.ndim} axes but the dimension names {dims}.")
        variables[child.name] = (dims, values, attrs)
        if extra is not None:
            variables[f"{child.name}_length"] = (dims[:1], extra, {"units": "bp"})
    return _modern(variables, coordinates, group_attrs)


def is_v2(folder: Path) -> bool:
    """Say whether a folder is a store as seqdata 0.1 and 0.2 wrote them.

    Parameters
    ----------
    folder : Path
        The folder.
    """
    return (folder / ".zgroup").exists() or (folder / ".zmetadata").exists()


def read_in_passing(folder: Path, *, letters: bool) -> xr.Dataset:
    """Do what `read_legacy` does, and warn of the memory that it takes.

    Parameters
    ----------
    folder : Path
        The store.
    letters : bool
        Show sequences as letters, else as ``uint8`` ASCII.

    Returns
    -------
    Dataset
    """
    ds = read_legacy(folder)
    warnings.warn(
        f"{folder} is a Zarr v2 store of seqdata 0.1 or 0.2: it was read into memory as a whole "
        f"({ds.nbytes / 1e6:.1f} MB). seqdata.to_zarr(ds, path) writes it to a store of today, "
        "which is read lazily.",
        UserWarning,
        stacklevel=4,
    )
    if letters:
        return ds
    return ds.assign(dict(_views(ds)))


def _views(ds: xr.Dataset) -> list[tuple[str, xr.DataArray]]:
    """Return the letters of a dataset as numbers."""
    found = [(str(k), ds[k]) for k in ds.variables if ds[k].dtype == np.dtype("S1")]
    return [(k, v.copy(data=v.values.view(np.uint8))) for k, v in found]


def _alphabet(array: Path, values: NDArray[np.generic], attrs: dict[str, object]) -> str:
    """Return the alphabet of letters of an old store: they show it, for it seldom says it."""
    try:
        if "alphabet" in attrs:
            said = sp.alphabet_of(str(attrs["alphabet"]))
            sp.check_letters(values, said, f"the letters of {array}")
            return said.alphabet
        found = sp.alphabet_of(values)
    except sp.errors.AlphabetError as error:
        raise StoreError(f"{array}: {error}.") from error
    if found != sp.DNA:
        warnings.warn(
            f"{array} does not say its alphabet; by its letters it is {found.alphabet!r}.",
            UserWarning,
            stacklevel=4,
        )
    return found.alphabet


def _modern(
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, object]]],
    coordinates: set[str],
    attrs: dict[str, object],
) -> xr.Dataset:
    ds = xr.Dataset(
        {k: v for k, v in variables.items() if k not in coordinates},
        coords={k: v for k, v in variables.items() if k in coordinates},
        attrs=attrs,
    )
    for old, new in (("chromStart", "start"), ("chromEnd", "end")):
        if old in ds.variables and new not in ds.variables:
            ds = ds.assign_coords({new: ds[old].variable})
    for name, codes in (("chrom", None), ("strand", STRANDS)):
        if name in ds.variables and ds[name].ndim == 1 and ds[name].dtype.kind not in "iu":
            dim = str(ds[name].dims[0])
            names = [_text(value) or "." for value in ds[name].values]
            ds = ds.drop_vars(name).assign_coords({name: coded_coordinate(names, codes, dim=dim)})
    if "train_val" in ds.variables and "split" not in ds.variables:
        train = np.asarray(ds["train_val"].values, dtype=bool)
        codes8 = np.where(train, SPLITS["train"], SPLITS["val"]).astype(np.int8)
        ds = ds.assign_coords(split=(ds["train_val"].dims, codes8, code_attrs(SPLITS)))
    return with_names(ds)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError(f"expected an object, got {type(document).__name__}")
    except ValueError as error:
        raise StoreError(f"{path} is no JSON object ({error}): the store is damaged.") from error
    return document


# what codecs raise over bytes that make no sense to them
_UNDECODABLE = (
    ValueError, RuntimeError, TypeError, OSError, EOFError, LookupError, MemoryError, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


def _read_v2(folder: Path) -> NDArray[np.generic]:
    """Decode an array of Zarr v2, variable-length ones too."""
    meta = _json(folder / ".zarray")
    check_array({**meta, "zarr_format": 2}, str(folder))
    try:
        shape, chunks = tuple(map(int, meta["shape"])), tuple(map(int, meta["chunks"]))
        dtype = np.dtype(meta["dtype"])
        compressor = get_codec(meta["compressor"]) if meta.get("compressor") else None
        filters = [_filter(config) for config in meta.get("filters") or []]
        separator = str(meta.get("dimension_separator", "."))
        fill = meta.get("fill_value")
        out = np.empty(shape, dtype=dtype)
        if dtype.kind != "O" and fill is not None:
            out[...] = float(fill) if dtype.kind == "f" else fill
        elif dtype.kind != "O":
            out[...] = np.zeros((), dtype)
        counts = [-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True)]
    except (
        KeyError,
        TypeError,
        ValueError,
        ZeroDivisionError,
        OverflowError,
        MemoryError,
    ) as error:
        msg = f"{folder / '.zarray'} does not describe an array ({error}): the store is damaged."
        raise StoreError(msg) from error
    for index in np.ndindex(*counts):
        file = folder / (separator.join(map(str, index)) if index else "0")
        if not file.exists():
            continue
        try:
            data: Any = file.read_bytes()
            if compressor is not None:
                data = compressor.decode(data)
            for codec in reversed(filters):
                data = codec.decode(data)
            if dtype.kind == "O":
                block = np.asarray(data, dtype=object)
            else:
                block = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=dtype)
            block = block.reshape(chunks, order=meta.get("order", "C"))
        except _UNDECODABLE as error:
            msg = f"{file} cannot be decoded ({error}): it is damaged. Fetch the store again."
            raise StoreError(msg) from error
        place = tuple(
            slice(i * chunk, min((i + 1) * chunk, size))
            for i, chunk, size in zip(index, chunks, shape, strict=True)
        )
        out[place] = block[tuple(slice(0, s.stop - s.start) for s in place)]
    return out


def _filter(config: dict[str, Any]) -> Any:
    kinds = {"vlen-bytes": VLenBytes, "vlen-utf8": VLenUTF8}
    if config["id"] in kinds:
        return kinds[config["id"]]()
    if config["id"] == "vlen-array":
        return VLenArray(config["dtype"])
    return get_codec(config)
