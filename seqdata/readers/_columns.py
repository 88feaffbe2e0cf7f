"""The columns of a table as arrays of one type each, whatever blocks they are read in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.readers._base import Block, FlatReader

# whole numbers up to here are exact in float64
EXACT = 2**53
# columns whose blocks do not agree are read again: truth values or numbers as float64, or text
TRUTH, NUMBER, TEXT = "truth", "number", "text"


def column_values(series: pd.Series) -> NDArray[np.generic]:
    """Return a table column as bool, int64, float64 or text.

    Parameters
    ----------
    series : Series, shape (n,)

    Returns
    -------
    ndarray of bool, int64, float64 or object (str), shape (n,)
        Missing numbers are NaN, missing text is empty. Truth values with gaps are 1, 0 and NaN.
        Whole numbers that float64 does not hold stay exact: as text where there are gaps.

    Examples
    --------
    >>> column_values(pd.Series([1, 2])).dtype, column_values(pd.Series(["a", None])).tolist()
    (dtype('int64'), ['a', ''])
    """
    dtype = series.dtype
    whole = not series.isna().any()
    if pd.api.types.is_bool_dtype(dtype):
        # truth with gaps is 1, 0 and NaN
        kind: Any = bool if whole else np.float64
        return np.asarray(series.to_numpy(dtype=kind, **({} if whole else {"na_value": np.nan})))
    if pd.api.types.is_integer_dtype(dtype):
        largest = 0 if not len(series) else max(abs(int(v)) for v in _bounds(series))
        if whole and largest < 2**63:
            return np.asarray(series.to_numpy(dtype=np.int64))
        if largest <= EXACT:
            return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    elif pd.api.types.is_numeric_dtype(dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    out = np.empty(len(series), dtype=object)
    out[:] = ["" if pd.isna(value) else str(value) for value in series.to_numpy(dtype=object)]
    return out


def parse_values(series: pd.Series, kind: str | None) -> NDArray[np.generic]:
    """Return a column of which an earlier reading showed what its blocks have in common.

    Parameters
    ----------
    series : Series of str, shape (n,)
    kind : {None, "truth", "number", "text"}
        None: as :func:`column_values`; ``True`` and ``False`` as 1 and 0; numbers; or text.

    Returns
    -------
    ndarray of float64 or object (str), shape (n,)
        Missing numbers are NaN, missing text is empty. Text where a value is of another kind, and
        where a whole number beyond 2**53 would be rounded.

    Examples
    --------
    >>> parse_values(pd.Series(["True", None]), "truth")
    array([ 1., nan])
    >>> parse_values(pd.Series(["9007199254740993", "1"]), "number")
    array(['9007199254740993', '1'], dtype=object)
    """
    if kind is None:
        return column_values(series)
    text = np.empty(len(series), dtype=object)
    text[:] = ["" if pd.isna(value) else str(value) for value in series]
    if kind == TEXT:
        return text
    text[:] = [value.strip() for value in text]
    known = [value.lower() for value in text if value]
    truth = {"true": 1.0, "false": 0.0, "": np.nan}
    if kind == TRUTH:
        if set(known) <= truth.keys():
            return np.array([truth[value.lower()] for value in text])
        return text
    if any(v.lstrip("+-").isdigit() and abs(int(v)) > EXACT for v in known):
        return text
    try:
        return np.array([float(value) if value else np.nan for value in text])
    except ValueError:
        return text


def _bounds(series: pd.Series) -> list[Any]:
    return [value for value in (series.min(), series.max()) if not pd.isna(value)] or [0]


def agreed_blocks(reader: FlatReader) -> list[Block]:
    """Read all rows; again where the blocks of a column turn out to be of different types.

    Parameters
    ----------
    reader : FlatReader

    Returns
    -------
    list of Block
        A column is of one type in all.
    """
    fixed: dict[str, str] = {}
    while True:
        blocks = list(reader.blocks(fixed))
        mixed = {}
        for name in blocks[0].columns:
            kinds = {block.columns[name].dtype.kind for block in blocks}
            if len(kinds) > 1:
                mixed[name] = TEXT if "O" in kinds else TRUTH if "b" in kinds else NUMBER
        if not mixed:
            return blocks
        fixed.update(mixed)
