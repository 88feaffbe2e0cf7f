"""Datasets in one HDF5 file, for tools that read nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

import seqpro as sp
from seqdata._whole import whole_files
from seqdata.errors import MissingFileError, SchemaError, SeqdataError, StoreError
from seqdata.schema import OHE_DIM, is_sequence, letters_of, with_codes, with_names
from seqdata.store._attrs import plain, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS = 4096
# HDF5 leaves a block at the head of a file to its user; damage behind it can make HDF5 loop forever
_BLOCK, _MARK = 512, b"seqdata sha256 "
# what h5py, and a look at what it gave, raise over bytes that make no sense to them
_DAMAGE = (
    OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError,
    MemoryError,
)  # fmt: skip


def h5_module() -> Any:
    """Return h5py, or say how to get it."""
    try:
        import h5py
    except ImportError as error:
        raise SchemaError("HDF5 needs the extra 'h5': pip install 'eugene-genomics[h5]'") from error
    return h5py


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading, if all that it holds lies in the file itself.

    A link, a virtual array or raw values kept elsewhere would show other files of this machine as
    part of this one.

    Parameters
    ----------
    path : Path

    Yields
    ------
    h5py.File

    Raises
    ------
    StoreError
        If it is no HDF5 file, damaged, or refers to other files.
    """
    h5py = h5_module()
    with path.open("rb") as raw:
        mark = raw.read(len(_MARK) + 64)
    if mark.startswith(_MARK) and mark != _checksum(path):
        raise StoreError(
            f"{path} is damaged, or another program changed it: it does not have the checksum that "
            "it carries. Fetch or write it again."
        )
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(h5py.File(path, "r"))
            _check_inside(h5py, file, path)
        except SeqdataError:
            raise
        except _DAMAGE as error:
            msg = f"{path} is no HDF5 file, or is damaged: {error}. Fetch it again."
            raise StoreError(msg) from error
        yield file


def _checksum(path: Path) -> bytes:
    """Return the line in the free block at the head of a file that vouches for what follows it."""
    with path.open("rb") as raw:
        raw.seek(_BLOCK)
        return _MARK + hashlib.file_digest(raw, "sha256").hexdigest().encode()


def _check_inside(h5py: Any, group: Any, path: Path) -> None:
    for name in group:
        link = group.get(name, getlink=True)
        place = f"{group.name.rstrip('/')}/{name}"
        problem = ""
        if not isinstance(link, h5py.HardLink):
            problem = f"a link to {getattr(link, 'filename', '')}{link.path}"
        elif isinstance(item := group[name], h5py.Dataset):
            if item.external or item.is_virtual:
                problem = "an array whose values lie in other files"
        elif isinstance(item, h5py.Group) and item != group:
            _check_inside(h5py, item, path)
        if problem:
            msg = f"{path}: {place} is {problem}, which is not followed. Store the values in it."
            raise StoreError(msg)


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
        raise SchemaError(f"letters must be 'bytes' or 'ohe', got {letters!r}.")
    h5py = h5_module()
    target = Path(path).expanduser()
    if target.exists() and not overwrite:
        raise StoreError(f"{target} exists. Pass overwrite=True to replace it, or another path.")
    with whole_files([target]) as (part,):
        with h5py.File(part, "w", userblock_size=_BLOCK) as file:
            ds = with_codes(ds)
            file.attrs["attrs"] = json.dumps(plain(ds.attrs), default=_plain)
            for name in ds.variables:
                _write(h5py, file, str(name), ds[name], letters, coordinate=name in ds.coords)
        with part.open("r+b") as raw:
            raw.write(_checksum(part))


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
    file = Path(path).expanduser()
    if not file.is_file():
        raise MissingFileError(f"HDF5 file {file} does not exist. Check the path.")
    variables, coordinates = {}, set()
    try:
        with open_hdf5(file) as source:
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
        ds = xr.Dataset(
            {name: var for name, var in variables.items() if name not in coordinates},
            coords={name: var for name, var in variables.items() if name in coordinates},
            attrs=shown(attrs),
        )
        return with_names(ds)
    except SeqdataError:
        raise
    except _DAMAGE as error:
        raise StoreError(f"{file} is no HDF5 file of seqdata, or is damaged: {error}") from error


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
    dims: list[str], values: NDArray[np.generic], attrs: dict[str, object]
) -> tuple[list[str], NDArray[np.generic], dict[str, object]]:
    if attrs.get("kind") == "ohe" and dims[-1] == OHE_DIM:
        letters = sp.decode_ohe(
            values.astype(np.uint8, copy=False),
            ohe_axis=-1,
            alphabet=sp.alphabet_of(attrs["alphabet"]),
        )
        return dims[:-1], letters, {**attrs, "kind": "sequence"}
    if attrs.get("kind") == "sequence":
        return dims, np.ascontiguousarray(values).view("S1"), attrs
    return dims, values, attrs


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
