"""How a variable stored one row behind the other becomes one entry of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata._letters import complement_table
from seqdata.errors import SeqdataError
from seqdata.loading._buffers import Pool
from seqdata.loading._fields import partner_of
from seqdata.schema import is_sequence, letters_of


@dataclass(frozen=True)
class RaggedField:
    """Layout of one flat variable: rows of any length, padded with 0 to the longest of a batch.

    It stands beside `seqdata.loading._fields.Field`, with what a loader asks of both.

    Parameters
    ----------
    name : str
        Name of the variable, and of its entry in a batch.
    channels : tuple of int
        Number of samples, or nothing for sequences and masks.
    dtype : numpy.dtype
        Type of an entry: uint8 for letters, else the type stored.
    letters : bool
        Whether the variable holds sequences.
    partner : ndarray of int64, shape (channels,)
        Sample that takes a sample's place on the other strand.
    complement : ndarray of uint8, shape (256,)
        Complement of each byte, for letters.
    offsets : ndarray of int64, shape (n + 1,)
        Where each row begins in the flat variable.
    """

    name: str
    channels: tuple[int, ...]
    dtype: np.dtype[np.generic]
    letters: bool
    partner: NDArray[np.int64]
    complement: NDArray[np.uint8]
    offsets: NDArray[np.int64] = field(compare=False)
    axes: tuple[int, ...] = (0,)
    position: int = 0
    slack: int = 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length (bp) of every row."""
        return np.diff(self.offsets)

    @property
    def width(self) -> int:
        """Length (bp) of the longest row."""
        return int(self.lengths.max(initial=0))

    @property
    def stored_width(self) -> int:
        """Length (bp) of the longest row."""
        return self.width

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of one position in kernel layout."""
        return (len(self.partner),)

    @property
    def row_bytes(self) -> int:
        """Bytes a row takes on average."""
        values = int(self.offsets[-1]) * max(1, len(self.partner)) * self.dtype.itemsize
        return -(-values // max(1, len(self.offsets) - 1))

    def canonical(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return flat values ``(total[, samples])`` as a contiguous array (total, samples)."""
        if self.letters and values.dtype != np.uint8:
            values = np.ascontiguousarray(values).view(np.uint8)
        values = np.ascontiguousarray(values, dtype=self.dtype)
        return values.reshape(len(values), len(self.partner))

    def empty(self, rows: NDArray[np.int64], pool: Pool) -> NDArray[np.generic]:
        """Return zeros for rows of a batch, as wide as the longest of them."""
        width = int((self.offsets[rows + 1] - self.offsets[rows]).max(initial=0))
        out = pool.empty((len(rows), *self.channels, width), self.dtype)
        out.fill(0)
        return out

    def finish(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return gathered rows, which are as they should be."""
        return values

    def gather(
        self,
        source: NDArray[np.generic],
        rows: NDArray[np.int64],
        *,
        shift: NDArray[np.int64] | None,
        flip: NDArray[np.bool_] | None,
        row_ids: NDArray[np.int64],
        out: NDArray[np.generic],
    ) -> None:
        """Write rows into zeroed ``out``.

        Parameters
        ----------
        source : ndarray, shape (total, samples)
            Flat values.
        rows : ndarray of int64, shape (b,)
            Where each row begins in ``source``.
        shift : None
            Rows of different lengths are not moved.
        flip : ndarray of bool, shape (b,), or None
            Rows shown as the other strand.
        row_ids : ndarray of int64, shape (b,)
            Rows of the dataset, to look up lengths.
        out : ndarray, shape (b, samples, width) or (b, width)
            Receives the rows.
        """
        if flip is None:
            flip = np.zeros(len(rows), np.bool_)
        lengths = self.offsets[row_ids + 1] - self.offsets[row_ids]
        shown = out.reshape(len(out), len(self.partner), -1)
        if self.dtype.kind == "f" and self.dtype.itemsize < 4:
            source, shown = source.view(np.uint16), shown.view(np.uint16)
        _gather(source, rows, lengths, flip, self.partner, shown)
        if self.letters and flip.any():
            out[flip] = self.complement[out[flip]]


@numba.njit(nogil=True, cache=True)
def _gather(
    source: NDArray[np.generic],
    begins: NDArray[np.int64],
    lengths: NDArray[np.int64],
    flip: NDArray[np.bool_],
    partner: NDArray[np.int64],
    out: NDArray[np.generic],
) -> None:
    for i in range(begins.shape[0]):
        begin, length = begins[i], lengths[i]
        for c in range(out.shape[1]):
            if flip[i]:
                for j in range(length):
                    out[i, c, j] = source[begin + length - 1 - j, partner[c]]
            else:
                for j in range(length):
                    out[i, c, j] = source[begin + j, c]


def is_ragged(ds: xr.Dataset, name: str, sample_dims: Sequence[str]) -> bool:
    """Return whether a variable is stored one row behind the other."""
    return f"{name}_offsets" in ds.variables and not set(sample_dims) & set(ds[name].dims)


def describe_ragged(ds: xr.Dataset, name: str, *, n_rows: int) -> RaggedField:
    """Describe a flat variable as a batch entry.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset, with ``{name}_offsets``.
    name : str
        Name of the variable.
    n_rows : int
        Rows of the dataset.

    Returns
    -------
    RaggedField
        The description.

    Raises
    ------
    SeqdataError
        Where offsets and rows do not fit each other, or the type fits no tensor.
    """
    variable = ds[name]
    offsets = np.asarray(ds[f"{name}_offsets"].to_numpy(), dtype=np.int64)
    if len(offsets) != n_rows + 1:
        raise SeqdataError(
            f"the dataset has {n_rows} rows but {name!r}, stored one behind the other, has "
            f"{len(offsets) - 1}: choosing rows does not reach it. Give the rows as `indices` to "
            "the loader of the whole dataset."
        )
    if (np.diff(offsets) < 0).any() or offsets[0] < 0 or offsets[-1] > len(variable):
        raise SeqdataError(
            f"{name}_offsets must rise from 0 to the {len(variable)} values of {name!r}, got "
            f"{offsets[0]} to {offsets[-1]}: the dataset is damaged. Build it again."
        )
    letters = is_sequence(variable) or variable.dtype.kind == "S"
    if variable.dtype.kind not in "biuf" and not letters:
        raise SeqdataError(
            f"variable {name!r} is of type {variable.dtype}, which no tensor can hold: leave it "
            "out of `variables`, or turn it into numbers."
        )
    channels = tuple(int(size) for size in variable.shape[1:])
    partner = np.zeros(1, np.int64)
    for dim, size in zip(variable.dims[1:], channels, strict=True):
        other = partner_of(ds, variable, str(dim), size)
        partner = (partner[:, None] * size + other[None, :]).reshape(-1)
    complement = np.arange(256, dtype=np.uint8)
    if letters:
        complement = complement_table(letters_of(variable), strict=False)
    return RaggedField(
        name=name,
        channels=channels,
        dtype=np.dtype(np.uint8) if letters else variable.dtype.newbyteorder("="),
        letters=letters,
        partner=partner,
        complement=complement,
        offsets=offsets,
    )


def with_lengths(ds: xr.Dataset, names: list[str], dims: list[str]) -> tuple[xr.Dataset, list[str]]:
    """Return dataset and variables with the lengths of rows that are stored behind each other."""
    for name in list(names):
        length = f"{name}_length"
        if is_ragged(ds, name, dims):
            if length not in ds.variables:
                lengths = np.diff(ds[f"{name}_offsets"].to_numpy()).astype(np.int32)
                if len(lengths) == ds.sizes.get(dims[0]):
                    ds = ds.assign({length: (dims[0], lengths)})
            if length in ds.variables and length not in names:
                names.append(length)
    return ds, names
