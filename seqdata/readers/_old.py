"""`read_bedlike` under SeqData's name, which gave a table of polars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from seqdata.errors import SeqdataError
from seqdata.readers.bed import read_bedlike as _read_bedlike
from seqpro.family import meant

if TYPE_CHECKING:
    import polars


def read_bedlike(path: str | Path, *, check_summits: bool = True) -> pd.DataFrame:
    r"""Read a BED-like file, as `seqdata.readers.read_bedlike` does, which says all about it.

    Under ``seqpro.family.as_it_was("polars")`` the table is one of polars, as SeqData's was:
    "." is null, and summits stand as they are in the file.

    Parameters
    ----------
    path : str or Path
        BED, narrowPeak, broadPeak ...
    check_summits : bool, default True
        Refuse a summit outside its peak.

    Returns
    -------
    DataFrame
        One row a region, in the order of the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "x.bed").write_text("chr1\t5\t9\n")
    ...     read_bedlike(f"{folder}/x.bed")
      chrom  chromStart  chromEnd
    0  chr1           5         9
    """
    if not meant("polars"):
        return _read_bedlike(path, check_summits=check_summits)
    return _in_polars(_read_bedlike(path, check_summits=False))


def _in_polars(table: pd.DataFrame) -> polars.DataFrame:
    try:
        import polars
    except ImportError as error:
        raise SeqdataError(
            "as_it_was('polars') gives tables of polars, which is not installed: pip install polars"
        ) from error
    columns = {}
    for name in map(str, table.columns):
        values: list[object] = table[name].tolist()
        columns[name] = [None if v == "." or v is pd.NA else v for v in values]
    return polars.DataFrame(columns)
