"""Read a dataset that is published in several files, one for each split."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from seqdata import splits
from seqdata.build import from_flat_files
from seqdata.errors import LengthError, TableError
from seqdata.readers import Block, FlatReader
from seqdata.readers._columns import parse_values

SPLIT = "split"


@dataclass
class Part:
    """One file of sequences with what is known of its rows.

    Parameters
    ----------
    reader : FlatReader
        The sequences.
    split : int
        Split code of all rows.
    table : Path, optional
        Tab-separated table with a header and one line a sequence, in the same order.
    """

    reader: FlatReader
    split: int
    table: Path | None = None


class Parts(FlatReader):
    """Read parts one behind the other, with a column of split codes.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    parts : sequence of Part
        All with the same columns.
    """

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.name = name
        self.parts = list(parts)
        self.letters = self.parts[0].reader.letters

    def files(self) -> list[str]:
        """Return the files read."""
        made = []
        for part in self.parts:
            made += [*part.reader.files(), *([str(part.table)] if part.table else [])]
        return made

    def blocks(self, fixed: dict[str, str]) -> Iterator[Block]:
        """Yield the rows; ``fixed`` holds column types settled by an earlier try."""
        columns: list[str] = []
        for part in self.parts:
            table = None if part.table is None else _table(part.table)
            row = 0
            for block in part.reader.blocks(fixed):
                stop = row + len(block)
                if table is not None:
                    rows = table.iloc[row:stop]
                    for column in table.columns:
                        kind = fixed.get(str(column))
                        block.columns[str(column)] = parse_values(rows[column], kind)
                columns = columns or [*block.columns]
                if set(columns) != set(block.columns):
                    odd = sorted(set(columns) ^ set(block.columns))
                    raise TableError(
                        f"{', '.join(part.reader.files())} has not the columns of "
                        f"{', '.join(self.parts[0].reader.files())}: {odd} are in one only."
                    )
                block.columns[SPLIT] = np.full(len(block), part.split, dtype=np.int8)
                row = stop
                yield block
            if table is not None and row != len(table):
                where = ", ".join(part.reader.files())
                raise LengthError(
                    f"{where} holds {row:,} sequences and {part.table} {len(table):,} lines: they "
                    "do not belong together. Fetch both again."
                )


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error


def build(name: str, parts: Sequence[Part], work: Path, *, fixed_length: bool = True) -> xr.Dataset:
    """Put parts into one dataset with the coordinate ``split``.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    parts : sequence of Part
        At least one.
    work : Path
        Folder for the draft.
    fixed_length : bool, default True
        Whether all sequences have one length.

    Returns
    -------
    Dataset
        Opened lazily from the draft.
    """
    draft = Path(tempfile.mkdtemp(prefix="parts-", dir=work))
    shutil.rmtree(draft)
    ds = from_flat_files(Parts(name, parts), path=draft, fixed_length=fixed_length)
    codes = ds[SPLIT].to_numpy()
    return splits.assign(ds.drop_vars(SPLIT), codes)
