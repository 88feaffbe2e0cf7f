"""Lazy variables decoded once into .npy files, which are read by row or mapped into memory."""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import shutil
import weakref
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata._told import tell
from seqdata.errors import DiskFullError, is_disk_full
from seqdata.loading._file_rows import AT_POSITION, FileRows
from seqdata.loading._ragged import RaggedField
from seqdata.loading._source import AnyField, BlockSource, Rows
from seqdata.readers._index_files import cache_dir as default_cache_dir
from seqdata.readers._index_files import write_whole
from seqdata.store._leftovers import clear_leftovers, working_path
from seqdata.store._origin import Stored, stored_array

_VERSION = 1
# bytes of a file that is read whole
_SMALL = 2**20


class MappedArrays:
    """Arrays in files: small ones read, rows of others read when wanted, flat ones mapped.

    Parameters
    ----------
    paths : dict of str to (Path, int)
        One .npy file an array, and how many of its dimensions count rows.
    flat : collection of str
        Arrays of which any stretch is read, not whole rows.
    owned : Path or None
        Folder that goes with the last user of the arrays.
    """

    def __init__(
        self,
        paths: dict[str, tuple[Path, int]],
        flat: Collection[str] = (),
        owned: Path | None = None,
    ) -> None:
        self.paths = paths
        self._flat = frozenset(flat)
        self._owner = os.getpid()
        if owned is not None:
            weakref.finalize(self, _remove, owned, self._owner)
        self._open()

    def __getstate__(self) -> dict[str, object]:
        return {"paths": self.paths, "_flat": self._flat, "_owner": self._owner}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._open()

    def _open(self) -> None:
        self._maps: dict[str, NDArray[np.generic]] = {}
        self.arrays: dict[str, Rows] = {}
        for name, (path, lead) in self.paths.items():
            small = path.stat().st_size <= _SMALL
            if AT_POSITION and not small and name not in self._flat:
                self.arrays[name] = FileRows(path, lead)
                continue
            values = np.load(path, mmap_mode=None if small else "r")
            self._maps[name] = values
            rows = int(np.prod(values.shape[:lead], dtype=np.int64))
            self.arrays[name] = np.asarray(values).reshape(rows, *values.shape[lead:])

    @property
    def has_pages(self) -> bool:
        """Whether pages of files are mapped, which `release` gives back."""
        return any(getattr(values, "_mmap", None) is not None for values in self._maps.values())

    def release(self) -> None:
        """Give the pages back; the system keeps them in its cache while there is room."""
        for values in self._maps.values():
            _release(values)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _release(values: NDArray[np.generic]) -> None:
    mapped = getattr(values, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def map_variables(
    ds: xr.Dataset,
    fields: Sequence[AnyField],
    *,
    sample_dims: Sequence[str],
    folder: Path | None,
) -> MappedArrays:
    """Decode lazy variables into .npy files, or find those that were decoded before.

    Files of variables that are arrays of a local store are kept, under a name made of the store,
    its last change and the array. Others, and so what was computed from a store, last as long as
    the arrays are used.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    fields : sequence of Field or RaggedField
        Variables of a loader; those in memory are left there.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    folder : Path or None
        Where files are kept; default ``decoded`` in the cache directory.

    Returns
    -------
    MappedArrays
    """
    folder = (default_cache_dir() if folder is None else folder) / "decoded"
    paths: dict[str, tuple[Path, int]] = {}
    own: Path | None = None
    unnamed = folder / "unnamed"
    clear_leftovers(unnamed)
    try:
        for field in fields:
            variable = ds[field.name]
            if variable.chunks is None:
                continue
            stored = stored_array(variable)
            if stored is None:
                if own is None:
                    folder.mkdir(parents=True, exist_ok=True)
                    own = working_path(unnamed, "building")
                    own.mkdir()
                path = own / f"{len(paths)}.npy"
            else:
                layout = (variable.dims, variable.shape, tuple(sample_dims), str(field.dtype))
                try:
                    path = folder / f"{_fingerprint(stored, layout)}.npy"
                except OSError:
                    stored.opened.check()
                    raise
            if not _is_whole(path):
                _decode(ds, field, sample_dims, path)
                if stored is not None:
                    _vouch(path)
            if stored is not None:
                stored.opened.check()
            paths[field.name] = path, len(field.axes)
    except BaseException:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        raise
    flat = [field.name for field in fields if isinstance(field, RaggedField)]
    return MappedArrays(paths, flat, own)


def _fingerprint(stored: Stored, layout: tuple[object, ...]) -> str:
    """Return a short hash of the state of an array of a store: that of each of its files."""
    store = stored.store.resolve()
    text = [f"{_VERSION} {store} {stored.name} {layout}"]
    for place in (store / "zarr.json", *_files(store / stored.name)):
        state = place.stat()
        times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
        text.append(f"{place} {state.st_size} {state.st_ino} {times}")
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:24]


def _note(path: Path) -> Path:
    return path.parent.with_name("decoded_sums") / f"{path.name}.sum"


def _vouch(path: Path) -> None:
    """Keep the checksum of a decoded file, and the state in which it has it."""
    state = _state(path)
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    _note(path).parent.mkdir(exist_ok=True)
    write_whole(_note(path), lambda note: note.write_text(f"{state} {checksum}"))


def _state(path: Path) -> str:
    """Return what changes with every write to a file."""
    found = path.stat()
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def _is_whole(path: Path) -> bool:
    """Say whether a decoded file is as it was written; its values are read only if it changed."""
    if not path.exists():
        return False
    try:
        state, _, checksum = _note(path).read_text().partition(" ")
    except (OSError, ValueError):
        state = checksum = ""
    if state == _state(path):
        return True
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == checksum:
            return True
    tell(f"{path}, a decoded copy, was cut short or damaged, and is made again.")
    return False


def _files(folder: Path) -> list[Path]:
    return sorted(Path(at, name) for at, _, names in os.walk(folder) for name in names)


def _decode(ds: xr.Dataset, field: AnyField, sample_dims: Sequence[str], path: Path) -> None:
    """Write a variable in kernel layout, block by block; the file is in its place when whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(path)
    source = BlockSource(ds, [field], sample_dims=sample_dims)
    part = working_path(path, "building")
    shape = (*source.lead(field), *field.stored_shape)
    try:
        # pages of a mapping that find no room on the disk would end the process
        with part.open("wb") as file:
            head = {
                "descr": np.lib.format.dtype_to_descr(field.dtype),
                "fortran_order": False,
                "shape": shape,
            }
            np.lib.format.write_array_header_1_0(file, head)
            begin = file.tell()
            for index, values in source.blocks(field):
                _write_block(file, begin, shape, index, values)
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if is_disk_full(error):
            size = math.prod(shape) * field.dtype.itemsize / 1e6
            free = shutil.disk_usage(path.parent).free / 1e6
            msg = (
                f"no room in {path.parent} to decode {field.name!r}, which takes {size:.0f} MB "
                f"({free:.0f} MB free); nothing was left there. Give a cache_dir= on a larger "
                "disk, or leave `cache` away."
            )
            raise DiskFullError(msg) from error
        raise


def _write_block(
    file: BinaryIO,
    begin: int,
    shape: tuple[int, ...],
    index: tuple[slice, ...],
    values: NDArray[np.generic],
) -> None:
    """Write values to their place in a file of an array that begins at a byte."""
    before = len(index) - 1
    step = math.prod(shape[before + 1 :]) * values.dtype.itemsize
    pieces = values.reshape(-1, *values.shape[before:])
    for i, piece in enumerate(pieces):
        file.seek(begin + (i * shape[before] + index[-1].start) * step)
        file.write(np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data)
