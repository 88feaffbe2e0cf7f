"""Write what flat readers yield: one record or row, one sequence."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import LengthError, SchemaError, SeqdataError
from seqdata.readers._base import Block, FlatReader
from seqdata.readers._columns import EXACT, NUMBER, TEXT, TRUTH
from seqdata.readers._kernels import pad_rows
from seqdata.schema import check_new_names
from seqdata.store._objects import StoreLike
from seqdata.store._progress import progress_bar
from seqdata.store._provenance import build_attrs
from seqdata.store._resume import job_of
from seqdata.store._writer import StoreWriter
from seqdata.windows._plan import Layout, layout_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class _TypeChangedError(Exception):
    """A column of a later block needs a wider type than the first block showed."""

    column: str
    kind: str


def write_flat(
    readers: Sequence[FlatReader],
    path: StoreLike,
    fixed_length: bool | int,
    *,
    overwrite: bool,
    resume: bool,
    dims: tuple[str, str],
) -> None:
    """Write the rows of flat readers side by side.

    Parameters
    ----------
    readers : sequence of FlatReader
    path : str, Path or zarr Store
    fixed_length : bool or int
    overwrite, resume : bool
        As :func:`seqdata.from_flat_files` takes them.
    dims : (str, str)
        Names of the rows and of the positions.
    """
    files = [file for reader in readers for file in reader.files()]
    job = job_of(readers, files, kind="flat", fixed_length=fixed_length, dims=dims)
    fixed_types: dict[str, str] = {}
    while True:
        try:
            with StoreWriter(path, overwrite=overwrite, job=job, resume=resume) as out:
                if not out.in_place:
                    _write_all(out, readers, fixed_length, fixed_types, dims)
            return
        except _TypeChangedError as change:
            fixed_types[change.column] = change.kind


def _write_all(
    out: StoreWriter,
    readers: Sequence[FlatReader],
    fixed_length: bool | int,
    fixed_types: dict[str, str],
    dims: tuple[str, str],
) -> None:
    row_dim, length_dim = dims
    for column, kind in out.notes.get("types", {}).items():
        fixed_types.setdefault(column, kind)
    out.note("types", dict(fixed_types))
    totals: dict[str, int] = {}
    lengths: dict[str, int] = {}
    taken = set(dims)
    columns = _Columns() if len(readers) > 1 else None
    for reader in readers:
        sink = _FlatSink(out, reader, row_dim, length_dim, lengths, taken, columns)
        if fixed_length is False:
            sink.choose_layout(fixed_types)
        elif fixed_length is not True:
            sink.width = fixed_length
        with progress_bar(f"build {reader.name}") as bar:
            for block in reader.blocks(fixed_types):
                if len(block):
                    sink.add(block)
                    bar.update(len(block))
        sink.finish()
        totals[reader.name] = sink.rows
    if len(set(totals.values())) > 1:
        counts = ", ".join(f"{name}: {count}" for name, count in totals.items())
        msg = (
            f"Readers have different numbers of rows ({counts}). Files that are read side by "
            "side need the same rows in the same order."
        )
        raise LengthError(msg)
    options = {"fixed_length": fixed_length, "reader": [type(r).__name__ for r in readers]}
    out.commit(build_attrs(readers, row_dim=row_dim, length_dim=length_dim, options=options))


class _Columns:
    """Columns that several readers have: they are written once, and must be the same."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        self.hashes: dict[str, hashlib._Hash] = {}

    def begin(self, names: Sequence[str]) -> None:
        """Begin with the columns of a reader."""
        self.hashes = {name: hashlib.sha256() for name in names}

    def add(self, name: str, values: NDArray[np.generic]) -> None:
        """Take a block of a column."""
        if values.dtype.kind == "O":
            for text in map(str, values):
                self.hashes[name].update(f"{len(text)}:{text}".encode())
        else:
            wide = values.dtype.kind in "iu" and np.abs(values).max(initial=0) > EXACT
            self.hashes[name].update(values.astype(np.int64 if wide else np.float64).tobytes())

    def end(self, reader: str) -> None:
        """Refuse columns that differ from an earlier reader's of the same name."""
        for name, found in self.hashes.items():
            if self.first.setdefault(name, found.hexdigest()) != found.hexdigest():
                raise SchemaError(
                    f"Two variables would be called {name!r} (reader {reader!r}), and their "
                    "values differ: rename or leave out the column of one of them. A column "
                    "that is the same in both is written once."
                )


class _FlatSink:
    """Take the blocks of one reader."""

    def __init__(
        self,
        out: StoreWriter,
        reader: FlatReader,
        row_dim: str,
        length_dim: str,
        lengths: dict[str, int],
        taken: set[str],
        columns: _Columns | None,
    ) -> None:
        self.out = out
        self.reader = reader
        self.row_dim = row_dim
        self.length_dim = length_dim
        self.lengths = lengths
        self.taken = taken
        self.columns = columns
        self._again: set[str] = set()
        self.width: int | None = None
        self.layout: Layout = "fixed"
        self.rows = 0
        self.offset = 0
        self._types: dict[str, np.dtype[np.generic]] = {}

    def choose_layout(self, fixed_types: dict[str, str]) -> None:
        """Read the lengths once, to choose between padded and flat rows."""
        key = f"layout of {self.reader.name}"
        if key not in self.out.notes:
            counts: Counter[int] = Counter()
            with warnings.catch_warnings():
                # the second reading warns of the same letters
                warnings.simplefilter("ignore", UserWarning)
                for block in self.reader.blocks(fixed_types):
                    values, number = np.unique(block.lengths, return_counts=True)
                    counts.update(dict(zip(values.tolist(), number.tolist(), strict=True)))
            self.layout, self.width = layout_of(counts)
            self.out.note(key, [self.layout, self.width])
        else:
            self.layout, self.width = self.out.notes[key]

    def add(self, block: Block) -> None:
        """Append a block to the store."""
        name = self.reader.name
        if self.width is None:
            self.width = int(block.lengths[0])
        if self.rows == 0:
            self._create(block)
        for column, values in block.columns.items():
            if self.columns is not None:
                self.columns.add(column, values)
            if column not in self._again:
                self.out.append(column, self._checked(column, values))
        if self.layout == "flat":
            self.out.append(name, block.letters)
            ends = self.offset + np.cumsum(block.lengths)
            self.out.append(f"{name}_offsets", ends)
            self.offset = int(ends[-1])
        else:
            if self.layout == "fixed":
                self._check_lengths(block)
            matrix = np.zeros((len(block), self.width), dtype=np.uint8)
            pad_rows(block.letters, block.lengths, matrix)
            self.out.append(name, matrix)
        if self.layout != "fixed":
            self.out.append(f"{name}_length", block.lengths.astype(np.int32))
        self.rows += len(block)

    def finish(self) -> None:
        """Check that there was something."""
        if self.rows == 0:
            msg = f"{', '.join(self.reader.files())} holds no sequence."
            raise SeqdataError(msg)
        if self.columns is not None:
            self.columns.end(self.reader.name)

    def _create(self, block: Block) -> None:
        name = self.reader.name
        if self.columns is not None:
            self._again = set(block.columns) & set(self.columns.first)
            self.columns.begin([*block.columns])
        own = [column for column in block.columns if column not in self._again]
        names = [name, *own]
        if self.layout != "fixed":
            names.append(f"{name}_length")
        check_new_names(names, self.taken, f"reader {name!r}")
        self.taken.update(names)
        attrs = {"kind": "sequence", "alphabet": self.reader.letters}
        if self.layout == "flat":
            self.out.create(name, shape=(0,), dtype=np.uint8, dims=(f"_{name}_flat",), attrs=attrs)
            self.out.create(
                f"{name}_offsets", shape=(0,), dtype=np.int64, dims=(f"_{name}_offsets",)
            )
            self.out.append(f"{name}_offsets", np.zeros(1, dtype=np.int64))
        else:
            dim = self.length_dim
            if self.lengths.setdefault(dim, self.width or 0) != self.width:
                dim = f"{self.length_dim}_{name}"
            self.out.create(
                name, shape=(0, self.width or 0), dtype=np.uint8, dims=(self.row_dim, dim),
                attrs=attrs,
            )  # fmt: skip
        if self.layout != "fixed":
            self.out.create(
                f"{name}_length", shape=(0,), dtype=np.int32, dims=(self.row_dim,),
                attrs={"units": "bp"},
            )  # fmt: skip
        for column in own:
            values = block.columns[column]
            self._types[column] = values.dtype
            dtype = str if values.dtype.kind == "O" else values.dtype
            self.out.create(column, shape=(0,), dtype=dtype, dims=(self.row_dim,))

    def _checked(self, column: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
        known = self._types[column]
        if values.dtype == known:
            return values
        exact = values.dtype.kind == "i" and np.abs(values).max() <= EXACT
        if known.kind == "f" and exact:
            return values.astype(known)
        kinds = {known.kind, values.dtype.kind}
        if "O" in kinds:
            raise _TypeChangedError(column, TEXT)
        raise _TypeChangedError(column, TRUTH if "b" in kinds else NUMBER)

    def _check_lengths(self, block: Block) -> None:
        wrong = block.lengths != self.width
        if wrong.any():
            row = int(np.argmax(wrong))
            file, first = block.where
            msg = (
                f"{file}, record {first + row}: the sequence is {block.lengths[row]} bp long, "
                f"expected {self.width}. Pass fixed_length=False for sequences of many lengths."
            )
            raise LengthError(msg)
