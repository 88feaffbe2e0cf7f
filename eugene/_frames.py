"""Long tables written block by block: Parquet and Zarr."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._optional import require

if TYPE_CHECKING:
    import pandas as pd

STREAMED = (".parquet", ".zarr")
"""What the name of a file may end in that is written block by block."""


def require_writer(path: Path) -> None:
    """Raise where what a file name asks for is not installed, before anything is computed.

    Raises
    ------
    MissingExtraError
        If Parquet is asked for and pyarrow is not there.
    """
    if path.suffix.lower() == ".parquet":
        require("pyarrow", extra="parquet")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a path beside the one that is asked for, which takes its place when all went well."""
    from seqdata.store import working_path

    draft = working_path(path, "building")
    try:
        yield draft
        if path.is_dir():
            old = working_path(path, "replaced")
            path.rename(old)
            draft.rename(path)
            shutil.rmtree(old)
        else:
            draft.rename(path)
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)


def write_frames(path: Path, frames: Iterator[pd.DataFrame]) -> int:
    """Write blocks of a table to a Parquet file or a Zarr store, one at a time.

    Names and types of the columns are those of the first block. What is at ``path`` is replaced
    once all blocks are written.

    Parameters
    ----------
    path : Path
        Name that ends in ``.parquet`` or ``.zarr``.
    frames : iterator of pandas.DataFrame
        Blocks with the same columns; one at least.

    Returns
    -------
    int
        Rows that were written.

    Raises
    ------
    MissingExtraError
        If Parquet is asked for and pyarrow is not there.
    """
    require_writer(path)
    write = _write_parquet if path.suffix.lower() == ".parquet" else _write_zarr
    with _whole(path) as draft:
        return write(draft, frames)


def _write_parquet(path: Path, frames: Iterator[pd.DataFrame]) -> int:
    arrow = require("pyarrow", extra="parquet")
    parquet = require("pyarrow.parquet", extra="parquet")
    rows, writer = 0, None
    try:
        for frame in frames:
            schema = None if writer is None else writer.schema
            table = arrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
            if writer is None:
                writer = parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += len(frame)
    finally:
        if writer is not None:
            writer.close()
    return rows


def _write_zarr(path: Path, frames: Iterator[pd.DataFrame]) -> int:
    import xarray as xr

    import seqdata as sd

    rows = 0
    for frame in frames:
        ds = xr.Dataset({str(n): ("_sequence", frame[n].to_numpy()) for n in frame.columns})
        if rows:
            sd.to_zarr(ds, path, mode="a", append_dim="_sequence")
        else:
            sd.to_zarr(ds, path)
        rows += len(frame)
    return rows
