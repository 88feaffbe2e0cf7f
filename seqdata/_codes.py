"""Contigs, strands and splits: small numbered codes on disk, names in memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from seqdata.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

SEQUENCE_DIM = "_sequence"
STRANDS: dict[str, int] = {"+": 1, "-": -1, ".": 0}
SPLITS: dict[str, int] = {"train": 0, "val": 1, "test": 2, "unassigned": -1}

# a code that no name stands for, and a row that has no name
NO_NAME = "."
_BLOCK = 1 << 20


def code_attrs(codes: Mapping[str, int]) -> dict[str, Any]:
    """Return the CF attributes that name integer codes.

    Parameters
    ----------
    codes : mapping of str to int
        Meaning to code; a meaning holds no white space.

    Returns
    -------
    dict
        ``flag_values`` (list of int) and ``flag_meanings`` (names joined by blanks).

    Raises
    ------
    SchemaError
        If a meaning is empty or holds white space.

    Examples
    --------
    >>> code_attrs({"+": 1, "-": -1})
    {'flag_values': [1, -1], 'flag_meanings': '+ -'}
    """
    for name in codes:
        if not name or name.split() != [name]:
            msg = (
                f"Code name {name!r} is empty or holds white space, which a name of a code cannot."
            )
            raise SchemaError(msg)
    return {"flag_values": [int(v) for v in codes.values()], "flag_meanings": " ".join(codes)}


def encode(
    values: Iterable[str], codes: Mapping[str, int], dtype: DTypeLike = np.int8
) -> NDArray[Any]:
    """Turn names into integer codes.

    Parameters
    ----------
    values : iterable of str, shape (n,)
        Names.
    codes : mapping of str to int
        Name to code.
    dtype : dtype, default int8
        Type of the result.

    Returns
    -------
    ndarray of ``dtype``, shape (n,)

    Raises
    ------
    SchemaError
        If a name has no code.

    Examples
    --------
    >>> encode(["+", "-", "."], STRANDS)
    array([ 1, -1,  0], dtype=int8)
    """
    names = list(map(str, values))
    unknown = next((name for name in dict.fromkeys(names) if name not in codes), None)
    if unknown is not None:
        msg = f"No code for {unknown!r}.{did_you_mean(unknown, codes)}"
        raise SchemaError(msg)
    return np.fromiter(map(codes.__getitem__, names), dtype=dtype, count=len(names))


def codes_of(variable: xr.DataArray) -> dict[str, int]:
    """Read the names of the codes of a coordinate.

    Parameters
    ----------
    variable : DataArray of int, shape (n,)
        Coordinate with ``flag_values`` and ``flag_meanings``.

    Returns
    -------
    dict of str to int

    Raises
    ------
    SchemaError
        If the attributes are missing or disagree.

    Examples
    --------
    >>> strand = xr.DataArray([1, -1], dims="_sequence", attrs=code_attrs(STRANDS))
    >>> codes_of(strand)
    {'+': 1, '-': -1, '.': 0}
    """
    meanings = variable.attrs.get("flag_meanings")
    values = variable.attrs.get("flag_values")
    if meanings is None or values is None:
        msg = (
            f"Variable {variable.name!r} has no flag_values and flag_meanings: "
            "its numbers are not codes."
        )
        raise SchemaError(msg)
    names = str(meanings).split(" ") if str(meanings) else []
    numbers = [int(value) for value in np.atleast_1d(values)]
    if len(names) != len(numbers):
        msg = (
            f"Variable {variable.name!r} has {len(names)} flag_meanings "
            f"for {len(numbers)} flag_values."
        )
        raise SchemaError(msg)
    return dict(zip(names, numbers, strict=True))


def decode(variable: xr.DataArray) -> NDArray[np.str_]:
    """Turn the integer codes of a coordinate back into names.

    Parameters
    ----------
    variable : DataArray of int, shape (n,)
        Coordinate with ``flag_values`` and ``flag_meanings``; a variable of strings passes through.

    Returns
    -------
    ndarray of str, shape (n,)
        Codes without a name become ``"."``.

    Examples
    --------
    >>> strand = xr.DataArray([1, -1], dims="_sequence", attrs=code_attrs(STRANDS))
    >>> decode(strand).tolist()
    ['+', '-']
    """
    values = np.asarray(variable.values)
    if values.dtype.kind not in "iu":
        return values.astype(str)
    return _Names(codes_of(variable))(values)


def coded_coordinate(
    values: Iterable[str], codes: Mapping[str, int] | None = None, *, dim: str = SEQUENCE_DIM
) -> xr.Variable:
    """Make a coordinate of small integer codes from names.

    Parameters
    ----------
    values : iterable of str, shape (n,)
        Names, one a row.
    codes : mapping of str to int, optional
        Name to code; by default names are numbered in the order of their first appearance.
    dim : str, default "_sequence"
        Dimension.

    Returns
    -------
    Variable of int, shape (n,)

    Examples
    --------
    >>> coded_coordinate(["chr2", "chr1", "chr2"]).values
    array([0, 1, 0], dtype=int8)
    """
    names = [str(value) for value in values]
    table = dict(codes) if codes is not None else {n: i for i, n in enumerate(dict.fromkeys(names))}
    return xr.Variable((dim,), encode(names, table, code_type(table)), code_attrs(table))


class _Names:
    """Turns codes into names, as wide as the longest of them.

    Parameters
    ----------
    codes : mapping of str to int
    """

    def __init__(self, codes: Mapping[str, int]) -> None:
        ordered = sorted(codes, key=codes.__getitem__)
        self.numbers = np.array([codes[name] for name in ordered], np.int64)
        self.names = np.array([*ordered, NO_NAME], dtype=str)

    def __call__(self, values: NDArray[np.generic]) -> NDArray[np.str_]:
        """Return the names of codes; those without one are ``"."``."""
        last = len(self.numbers)
        place = np.searchsorted(self.numbers, values)
        known = np.append(self.numbers, 0)[place] == values
        return np.asarray(self.names[np.where(known & (place < last), place, last)])


def _named(ds: xr.Dataset) -> list[Hashable]:
    """Return the variables that memory shows as names: contigs, strands of rows and of samples.

    ``split`` stays a number in memory.
    """
    return [
        name
        for name, variable in ds.variables.items()
        if variable.ndim == 1
        and (
            name in ("chrom", "strand")
            or (str(name).endswith("_strand") and f"{str(name)[:-7]}_pair" in ds.variables)
        )
    ]


def with_names(ds: xr.Dataset) -> xr.Dataset:
    """Show contigs and strands as names, as datasets hold them in memory.

    Parameters
    ----------
    ds : Dataset
        Coded variables may be lazy, and stay so.

    Returns
    -------
    Dataset
        ``chrom``, ``strand`` and the strands of samples as text; their attributes
        ``flag_values`` and ``flag_meanings`` stay, as the list of all contigs of the genome.

    Examples
    --------
    >>> ds = xr.Dataset(coords={"chrom": coded_coordinate(["chr2", "chr1"])})
    >>> (with_names(ds)["chrom"] == "chr2").values.tolist()
    [True, False]
    """
    made = {}
    for name in _named(ds):
        variable = ds.variables[name]
        if variable.dtype.kind in "iu" and "flag_meanings" in variable.attrs:
            turn = _Names(codes_of(ds[name]))
            data: Any = variable.data if variable.chunks is not None else None
            if data is None:
                data = turn(np.asarray(variable.values))
            else:
                wide = turn(np.zeros(0, np.int64))
                data = data.map_blocks(turn, dtype=wide.dtype, meta=wide, name=f"names-{data.name}")
            made[name] = xr.Variable(variable.dims, data, variable.attrs)
    return _replaced(ds, made)


def _replaced(ds: xr.Dataset, made: Mapping[Hashable, xr.Variable]) -> xr.Dataset:
    """Return a dataset with other values of some variables, which stay what they are."""
    if not made:
        return ds
    return ds.assign({k: v for k, v in made.items() if k not in ds.coords}).assign_coords(
        {k: v for k, v in made.items() if k in ds.coords}
    )


def with_codes(ds: xr.Dataset, names: Sequence[Hashable] | None = None) -> xr.Dataset:
    """Turn the names of contigs and strands into codes, as stores and batches hold them.

    Parameters
    ----------
    ds : Dataset
    names : sequence of str, optional
        Variables to turn, by default all that :func:`with_names` shows as names.

    Returns
    -------
    Dataset
        Names keep the codes of their attributes; others get the next free ones. A row without a
        name is ``"."``. Names that hold white space stay text.

    Examples
    --------
    >>> ds = xr.Dataset(coords={"chrom": ("_sequence", ["chr2", "chr1"])})
    >>> with_codes(ds)["chrom"].values.tolist()
    [0, 1]
    """
    made = {}
    for name in _named(ds):
        variable = ds.variables[name]
        if names is not None and name not in names:
            continue
        if isinstance(variable.dtype, np.dtype) and variable.dtype.kind in "biufc":
            continue
        coded = _coded(variable, {} if name == "chrom" else STRANDS)
        if coded is not None:
            made[name] = coded
    return _replaced(ds, made)


def _coded(variable: xr.Variable, usual: Mapping[str, int]) -> xr.Variable | None:
    """Return names as codes; None where a name holds white space."""
    codes = dict(usual)
    if "flag_meanings" in variable.attrs:
        codes = codes_of(xr.DataArray(variable))
    out = np.empty(len(variable), np.int64)
    for low in range(0, len(variable), _BLOCK):
        block = np.asarray(variable[low : low + _BLOCK].values, dtype=object)
        place, found = pd.factorize(block)
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in found] + [NO_NAME]
        for i, text in enumerate(texts):
            if text.split() != [text]:
                return None
            if text not in codes and (i < len(found) or (place < 0).any()):
                codes[text] = max([*codes.values(), -1]) + 1
        out[low : low + _BLOCK] = np.array([codes.get(text, 0) for text in texts])[place]
    attrs = {k: v for k, v in variable.attrs.items() if k not in ("flag_values", "flag_meanings")}
    return xr.Variable(variable.dims, out.astype(code_type(codes)), {**attrs, **code_attrs(codes)})


def code_type(codes: Mapping[str, int]) -> Any:
    """Return the smallest signed type that holds all codes."""
    span = max((abs(value) for value in codes.values()), default=0)
    return np.int8 if span < 128 else np.int16 if span < 32768 else np.int32
