"""Datasets in one HDF5 file, for tools that read nothing else."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

import seqpro as sp
from seqdata._attrs import plain, shown
from seqdata.errors import MissingFileError, SchemaError, StoreError
from seqdata.schema import OHE_DIM, is_sequence, letters_of, with_codes, with_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS = 4096


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        msg = "HDF5 needs the extra 'h5': pip install 'eugene-genomics[h5]'"
        raise SchemaError(msg) from error
    return h5py


def to_hdf5(
    ds: xr.Dataset,
    path: str | Path,
    *,
    letters: Literal["bytes", "ohe"] = "bytes",
    overwrite: bool = False,
) -> None:
    """Write a dataset as one HDF5 file, a block of rows at a time.

    Each variable is a dataset of the file under its own name, packed with gzip; the attribute
    ``dims`` names its axes and ``coordinate`` says whether it is a coordinate. Coded coordinates
    (``chrom``, ``strand``, ``split``) keep their codes with ``flag_values`` and ``flag_meanings``.

    Parameters
    ----------
    ds : Dataset
        Dataset, lazy or in memory.
    path : str or Path
        File to write.
    letters : {"bytes", "ohe"}, default "bytes"
        Sequences as uint8 ASCII ``(n, length)``, or one-hot as uint8 ``(n, length, A)``. One-hot
        letters are upper case when they are read again, and all but those of the alphabet are N
        (X for amino acids).
    overwrite : bool, default False
        Replace a file that is there.

    Raises
    ------
    SchemaError
        If h5py is not installed, or ``letters`` is neither.
    StoreError
        If the file is there already, or a variable has a type that HDF5 does not hold.

    Examples
    --------
    >>> import tempfile, seqdata
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b"C"]])),
    ...                  "y": ("_sequence", [1.5])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_hdf5(ds, f"{folder}/x.h5")
    ...     read_hdf5(f"{folder}/x.h5")["seq"].values.tolist()
    [[b'A', b'C']]
    """
    if letters not in ("bytes", "ohe"):
        msg = f"letters must be 'bytes' or 'ohe', got {letters!r}."
        raise SchemaError(msg)
    h5py = _h5py()
    target = Path(path).expanduser()
    if target.exists() and not overwrite:
        msg = f"{target} exists. Pass overwrite=True to replace it, or another path."
        raise StoreError(msg)
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}")
    try:
        with h5py.File(part, "w") as file:
            ds = with_codes(ds)
            file.attrs["attrs"] = json.dumps(plain(ds.attrs), default=_plain)
            for name in ds.variables:
                _write(h5py, file, str(name), ds[name], letters, coordinate=name in ds.coords)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read_hdf5(path: str | Path) -> xr.Dataset:
    """Read a file of :func:`to_hdf5` into memory.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Dataset
        As it was written, with letters as S1.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    StoreError
        If it is no HDF5 file, damaged, or one of another tool.
    SchemaError
        If h5py is not installed.
    """
    h5py = _h5py()
    file = Path(path).expanduser()
    if not file.is_file():
        msg = f"HDF5 file {file} does not exist. Check the path."
        raise MissingFileError(msg)
    variables, coordinates = {}, set()
    try:
        with h5py.File(file, "r") as source:
            if "attrs" not in source.attrs:
                msg = f"{file} was not written by seqdata.convert.to_hdf5: it names no axes."
                raise StoreError(msg)
            attrs = json.loads(source.attrs["attrs"])
            for name, item in source.items():
                own = json.loads(item.attrs["attrs"])
                values = item.asstr()[()] if item.dtype.kind == "O" else item[()]
                dims = json.loads(item.attrs["dims"])
                variables[name] = _as_letters(dims, np.asarray(values), own)
                if item.attrs["coordinate"]:
                    coordinates.add(name)
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        msg = f"{file} is no HDF5 file of seqdata, or is damaged: {error}"
        raise StoreError(msg) from error
    ds = xr.Dataset(
        {name: var for name, var in variables.items() if name not in coordinates},
        coords={name: var for name, var in variables.items() if name in coordinates},
        attrs=shown(attrs),
    )
    return with_names(ds)


def _write(
    h5py: Any, file: Any, name: str, var: xr.DataArray, letters: str, *, coordinate: bool
) -> None:
    sequence = is_sequence(var)
    attrs = dict(var.attrs)
    dims = [str(dim) for dim in var.dims]
    shape: tuple[int, ...] = var.shape
    alphabet = letters_of(var) if sequence else ""
    one_hot = sequence and letters == "ohe"
    dtype: Any = np.uint8 if sequence else var.dtype
    if sequence:
        attrs = {"kind": "sequence", "alphabet": alphabet, **attrs}
    elif not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        if isinstance(dtype, np.dtype) and dtype.kind in "mMcV":
            msg = f"Variable {name!r} has type {dtype}, which is not written. Make it numbers."
            raise StoreError(msg)
        dtype = h5py.string_dtype()
    if one_hot:
        attrs["kind"] = "ohe"
        dims, shape = [*dims, OHE_DIM], (*shape, len(alphabet))
    packed = {"compression": "gzip", "compression_opts": 4, "fletcher32": True} if shape else {}
    if 0 in shape or dtype == h5py.string_dtype():
        packed = {}
    item = file.create_dataset(name, shape=shape, dtype=dtype, **packed)
    item.attrs["dims"] = json.dumps(dims)
    item.attrs["coordinate"] = coordinate
    item.attrs["attrs"] = json.dumps(plain(attrs), default=_plain)
    if not var.dims:
        item[()] = var.values
        return
    for start in range(0, var.shape[0], _ROWS):
        block = np.asarray(var[start : start + _ROWS].values)
        if sequence:
            block = np.ascontiguousarray(block).view(np.uint8)
        if one_hot:
            block = sp.ohe(block.view("S1"), sp.alphabet_of(alphabet))
        if dtype == h5py.string_dtype():
            block = np.array([str(v) for v in block.ravel()], dtype=object).reshape(block.shape)
        item[start : start + len(block)] = block


def _as_letters(
    dims: list[str], values: NDArray[Any], attrs: dict[str, Any]
) -> tuple[list[str], NDArray[Any], dict[str, Any]]:
    if attrs.get("kind") == "ohe" and dims[-1] == OHE_DIM:
        letters = sp.decode_ohe(values, ohe_axis=-1, alphabet=sp.alphabet_of(attrs["alphabet"]))
        return dims[:-1], letters, {**attrs, "kind": "sequence"}
    if attrs.get("kind") == "sequence":
        return dims, np.ascontiguousarray(values).view("S1"), attrs
    return dims, values, attrs


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
