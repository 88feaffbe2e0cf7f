"""The arrays of one store that are being written, whether the store is new or grows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import SchemaError
from seqdata.store._shards import ArrayWriter, Document, new_document

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Arrays(ABC):
    """Arrays that are created, and take their rows one block after the other.

    Attributes
    ----------
    coordinates : list of str
        Those that open as coordinates.
    """

    def __init__(self) -> None:
        self.coordinates: list[str] = []
        self._writers: dict[str, ArrayWriter] = {}

    @abstractmethod
    def _writer(self, name: str, document: Document) -> ArrayWriter:
        """Return what writes a new array."""

    def create(
        self,
        name: str,
        *,
        shape: Sequence[int],
        dtype: DTypeLike,
        dims: Sequence[str],
        attrs: Mapping[str, object] | None = None,
        rows: int | None = None,
        coordinate: bool = False,
    ) -> None:
        """Create an array.

        Parameters
        ----------
        name : str
            Variable name.
        shape : sequence of int
            Shape; the first axis may grow.
        dtype : dtype
            Type; ``str`` for variable-length text.
        dims : sequence of str
            Dimension names.
        attrs : mapping, optional
            Attributes.
        rows : int, optional
            Rows of a shard (arrays of two or more axes).
        coordinate : bool, default False
            Open it as a coordinate.
        """
        _check_name(name, self._writers)
        document = new_document(shape=shape, dtype=dtype, dims=dims, attrs=attrs, rows=rows)
        self._writers[name] = self._writer(name, document)
        if coordinate:
            self.coordinates.append(name)

    def append(self, name: str, block: NDArray[np.generic]) -> None:
        """Append rows to an array that was created."""
        self._writers[name].append(storable(block))

    def write_array(
        self,
        name: str,
        values: NDArray[np.generic],
        dims: Sequence[str],
        *,
        attrs: Mapping[str, object] | None = None,
        rows: int | None = None,
        coordinate: bool = False,
    ) -> None:
        """Create an array and write all of it."""
        values = storable(np.asarray(values))
        dtype = str if values.dtype.kind == "O" else values.dtype
        self.create(
            name,
            shape=values.shape,
            dtype=dtype,
            dims=dims,
            attrs=attrs,
            rows=rows,
            coordinate=coordinate,
        )
        if values.ndim == 0:
            self.set_scalar(name, values)
        elif values.size:
            self.append(name, values)

    def set_scalar(self, name: str, value: NDArray[np.generic]) -> None:
        """Write an array without axes."""
        self._writers[name].put_scalar(storable(value))

    def finish(self) -> dict[str, Document]:
        """Write the rows that are still held, and return the metadata of all arrays."""
        for writer in self._writers.values():
            writer.finish()
        return {name: writer.finished_document() for name, writer in self._writers.items()}


def _check_name(name: str, taken: Container[str]) -> None:
    """Refuse a variable that no store can hold, or that is there."""
    odd = set(name) & set("/\\\0") or name in ("", ".", "..", "zarr.json")
    # a name is one of a folder; '__' and '.' begin those that Zarr and this package keep
    if odd or name.startswith(("__", ".")) or len(name.encode("utf-8", "replace")) > 200:
        msg = (
            f"A variable called {name[:100]!r} cannot be stored: variables are folders of the "
            "store. Rename the column or variable (without '/' and backslash, of at most 200 "
            "bytes, beginning with neither '.' nor '__')."
        )
        raise SchemaError(msg)
    if name in taken:
        msg = f"Variable {name!r} is written twice."
        raise SchemaError(msg)


def storable(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return values in a type that is stored the same by every version of the libraries."""
    if values.dtype.kind in "biuf":
        return values
    if values.dtype == np.dtype("S1"):
        return np.ascontiguousarray(values).view(np.uint8)
    if values.dtype.kind in "OUTS":
        flat = [_text(value) for value in values.ravel().tolist()]
        out = np.empty(len(flat), dtype=object)
        out[:] = flat
        return out.reshape(values.shape)
    msg = (
        f"Values of type {values.dtype} cannot be stored. "
        "Store dates as text or as numbers with a unit, complex numbers as two variables."
    )
    raise SchemaError(msg)


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)
