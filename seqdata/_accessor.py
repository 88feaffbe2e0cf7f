"""The ``.sd`` accessor: a dataset seen as observations and layers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from seqdata.errors import SchemaError, did_you_mean
from seqdata.schema import (
    LENGTH_DIM,
    SEQUENCE_DIM,
    SPLITS,
    codes_of,
    decode,
    is_one_hot,
    is_sequence,
    letters_of,
)
from seqpro import cards

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MOST, _UNITS = 8, ("B", "kB", "MB", "GB", "TB")


@xr.register_dataset_accessor("sd")  # type: ignore[no-untyped-call]
class SeqDataAccessor:
    """Views of a dataset of sequences, reached as ``ds.sd``.

    Parameters
    ----------
    ds : Dataset
        Any dataset.

    Examples
    --------
    >>> import seqdata
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b"C"]])),
    ...                  "y": ("_sequence", [1.0])})
    >>> list(ds.sd.obs.data_vars), list(ds.sd.layers.data_vars)
    (['y'], ['seq'])
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def __repr__(self) -> str:
        return cards.lines("Dataset of sequences", _described(self._ds, self.sequence_dim))

    def _repr_html_(self) -> str:
        return cards.card("Dataset of sequences", _described(self._ds, self.sequence_dim))

    @property
    def sequence_dim(self) -> str:
        """Name of the row dimension."""
        return str(self._ds.attrs.get("sequence_dim") or SEQUENCE_DIM)

    @property
    def length_dim(self) -> str:
        """Name of the position dimension."""
        return str(self._ds.attrs.get("length_dim") or LENGTH_DIM)

    @property
    def max_jitter(self) -> int:
        """Bp by which stored windows are wider on each side."""
        return int(self._ds.attrs.get("max_jitter", 0))

    @property
    def obs(self) -> xr.Dataset:
        """Variables with one value a row."""
        return self._pick(lambda dims: dims == (self.sequence_dim,))

    @property
    def layers(self) -> xr.Dataset:
        """Variables with more than one value a row: sequences, tracks, attributions."""
        return self._pick(lambda dims: len(dims) > 1 and dims[0] == self.sequence_dim)

    @property
    def obsp(self) -> xr.Dataset:
        """Variables of pairs of rows: two axes, both named after the rows."""
        rows = self.sequence_dim
        return self._pick(
            lambda dims: len(dims) == 2 and dims[0] == rows and str(dims[1]).startswith(rows)
        )

    @property
    def uns(self) -> xr.Dataset:
        """Variables that do not run along the rows."""
        return self._pick(lambda dims: self.sequence_dim not in dims)

    def regions(self) -> pd.DataFrame:
        """Return the coordinates of the rows as a table of regions.

        Returns
        -------
        DataFrame
            ``chrom``, ``chromStart``, ``chromEnd``, ``strand``; the bounds of the stored windows.

        Raises
        ------
        SchemaError
            If the rows have no coordinates.
        """
        for name in ("chrom", "start", "end"):
            if name not in self._ds.variables:
                msg = (
                    f"Rows have no coordinate {name!r}: the dataset was not made from regions."
                    f"{did_you_mean(name, map(str, self._ds.variables))}"
                )
                raise SchemaError(msg)
        table = pd.DataFrame(
            {
                "chrom": decode(self._ds["chrom"]).astype(object),
                "chromStart": np.asarray(self._ds["start"].values, dtype=np.int64),
                "chromEnd": np.asarray(self._ds["end"].values, dtype=np.int64),
            }
        )
        if "strand" in self._ds.variables:
            table["strand"] = decode(self._ds["strand"]).astype(object)
        return table

    def labels(self, name: str) -> NDArray[np.generic]:
        """Return the names behind the integer codes of a coordinate (``chrom``, ``split``, ...).

        Parameters
        ----------
        name : str
            Coordinate.

        Returns
        -------
        ndarray of str, shape (n,)
        """
        return decode(self._ds[name])

    def codes(self, name: str) -> dict[str, int]:
        """Return the table of names and codes of a coordinate."""
        return codes_of(self._ds[name])

    def rows(self, name: str) -> Iterator[NDArray[np.generic]]:
        """Yield the values of each row without padding, whatever the layout.

        Parameters
        ----------
        name : str
            A sequence or track; fixed, padded (``{name}_length``) or flat (``{name}_offsets``).

        Yields
        ------
        ndarray, shape (length,) or (n_samples, length)
            Letters as S1 if the dataset shows letters.

        Raises
        ------
        SchemaError
            If rows were chosen from a dataset whose variable is flat, which keeps all of them.

        Examples
        --------
        >>> import seqdata
        >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b""]])),
        ...                  "seq_length": ("_sequence", [1])})
        >>> [row.tolist() for row in ds.sd.rows("seq")]
        [[b'A']]
        """
        var = self._ds[name]
        if f"{name}_offsets" in self._ds.variables:
            offsets = np.asarray(self._ds[f"{name}_offsets"].values)
            n = self._ds.sizes.get(self.sequence_dim, len(offsets) - 1)
            if n != len(offsets) - 1:
                msg = (
                    f"The dataset has {n} rows but {name!r}, stored one behind the other, has "
                    f"{len(offsets) - 1}: choosing rows does not reach it. Take the rows of the "
                    "whole dataset, and choose among those."
                )
                raise SchemaError(msg)
            for begin, end in pairwise(offsets):
                values = np.asarray(var[int(begin) : int(end)].values)
                yield values if values.ndim == 1 else values.T
            return
        n = self._ds.sizes[self.sequence_dim]
        lengths = None
        if f"{name}_length" in self._ds.variables:
            lengths = np.asarray(self._ds[f"{name}_length"].values)
        for start in range(0, n, 1024):
            block = np.asarray(var[start : start + 1024].values)
            for i, row in enumerate(block):
                yield row if lengths is None else row[..., : int(lengths[start + i])]

    def _pick(self, chosen: Any) -> xr.Dataset:
        names = [name for name in self._ds.data_vars if chosen(self._ds[name].dims)]
        return self._ds[names]


def _described(ds: xr.Dataset, rows: str) -> list[tuple[str, str]]:
    """Return what a dataset holds in words; nothing is computed that is not in memory."""
    n = ds.sizes.get(rows)
    found = [("rows", "none" if n is None else f"{n:,}")]
    letters = [str(v) for v in ds.variables if is_sequence(ds[v]) or is_one_hot(ds[v])]
    found += [(f"sequence {name}", _letters(ds[name])) for name in letters]
    values, tracks = [], []
    for name in map(str, ds.data_vars):
        variable = ds[name]
        if name in letters or variable.dims[:1] != (rows,):
            continue
        if variable.ndim == 1 and variable.dtype.kind in "biuf":
            values.append((name, _range(variable)))
        elif variable.ndim > 1:
            sizes = " x ".join(f"{variable.sizes[d]:,} {str(d).lstrip('_')}"
                               for d in variable.dims[1:])  # fmt: skip
            tracks.append((name, f"{sizes}, {variable.dtype}"))
    found += [("values", f"{name}: {text}") for name, text in values[:_MOST]]
    if len(values) > _MOST:
        found.append(("values", f"{len(values) - _MOST} more"))
    found += [("along the sequence", f"{name}: {text}") for name, text in tracks[:_MOST]]
    if len(tracks) > _MOST:
        found.append(("along the sequence", f"{len(tracks) - _MOST} more"))
    found.append(("split", _split(ds)))
    here = sum(v.nbytes for v in ds.variables.values() if _in_memory(v))
    found.append(("size", f"{_bytes(ds.nbytes)}, of which {_bytes(here)} in memory"))
    if ds.encoding.get("source"):
        found.append(("store", str(ds.encoding["source"])))
    return found


def _in_memory(variable: xr.DataArray | xr.Variable) -> bool:
    """Tell whether the values are there, without asking for them."""
    held = variable.variable if isinstance(variable, xr.DataArray) else variable
    return isinstance(held._data, np.ndarray)


def _letters(variable: xr.DataArray) -> str:
    along = [d for d in variable.dims[1:] if d != "_ohe"]
    length = f"{variable.sizes[along[0]]:,} bp" if along else "of any length, one behind the other"
    alphabet = variable.attrs.get("alphabet")
    if alphabet is None and _in_memory(variable):
        try:
            alphabet = letters_of(variable)
        except SchemaError:
            alphabet = None
    kind = "one-hot" if is_one_hot(variable) else "letters"
    return f"{length}, {kind} of {alphabet or 'an alphabet that it does not say'}"


def _range(variable: xr.DataArray) -> str:
    if not _in_memory(variable):
        return f"{variable.dtype}, not read"
    values = variable.to_numpy()
    if not len(values):
        return str(variable.dtype)
    numbers = values.astype(np.float64)
    missing = int(np.isnan(numbers).sum())
    if missing == len(numbers):
        return "all missing"
    text = f"{np.nanmin(numbers):g} to {np.nanmax(numbers):g}"
    return text + (f", {missing:,} missing" if missing else "")


def _split(ds: xr.Dataset) -> str:
    if "split" not in ds.variables:
        return "none" if "train_val" not in ds.variables else "train_val"
    if not _in_memory(ds["split"]):
        return "there, not read"
    codes = ds["split"].to_numpy()
    counts = {name: int((codes == code).sum()) for name, code in SPLITS.items()}
    return ", ".join(f"{name} {n:,}" for name, n in counts.items() if n) or "no row in any"


def _bytes(size: float) -> str:
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
