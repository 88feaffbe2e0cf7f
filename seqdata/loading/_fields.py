"""How one variable of a dataset becomes one entry of a batch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata._letters import complement_table, gather_letters
from seqdata.errors import SeqdataError, did_you_mean
from seqdata.loading import _kernels as kernels
from seqdata.loading._buffers import Pool
from seqdata.loading._file_rows import FileRows
from seqdata.schema import is_sequence, letters_of, pair_index
from seqdata.windows._lazy import region_array

_KERNEL_KINDS = "biuf"


@dataclass(frozen=True)
class Field:
    """Layout of one variable, and the rules for cutting and turning its rows.

    Parameters
    ----------
    name : str
        Name of the variable, and of its entry in a batch.
    axes : tuple of int
        Which of the loader's sample dimensions the variable has, in order.
    dims : tuple of str
        Remaining dimensions of the variable, in the order a batch shows them.
    sizes : tuple of int
        Sizes of ``dims`` as stored.
    dtype : numpy.dtype
        Type of an entry: uint8 for letters, else the type stored.
    letters : bool
        Whether the variable holds sequences as letters or ASCII codes.
    position : int or None
        Place in ``dims`` of the dimension that runs along the sequence.
    width : int
        Positions (bp) a batch shows; 0 without positions.
    partner : ndarray of int64, shape (channels,)
        Channel that takes a channel's place on the other strand, over all other dimensions.
    complement : ndarray of uint8, shape (256,)
        Complement of each byte, for letters.
    lengths : ndarray of int64, shape (n,), or None
        Used positions (bp) of every row where rows differ in length.
    slack : int
        Positions (bp) of a row of the dataset beyond the window; ``sizes`` may hold more where
        rows are cut out of files.
    bin_size : int
        Bases (bp) of a position; more than 1 for binned signal, whose sizes count bins. A window
        that is moved takes its bins along by the nearest whole number of bins that is stored.
    """

    name: str
    axes: tuple[int, ...]
    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    dtype: np.dtype[np.generic]
    letters: bool
    position: int | None
    width: int
    partner: NDArray[np.int64]
    complement: NDArray[np.uint8]
    lengths: NDArray[np.int64] | None = field(default=None, compare=False)
    slack: int = 0
    bin_size: int = 1

    @property
    def stored_width(self) -> int:
        """Positions (bp) stored for every row."""
        return 0 if self.position is None else self.sizes[self.position]

    @property
    def offset(self) -> int:
        """First position (bp) of the window in the middle of what is stored."""
        return (self.stored_width - self.width) // 2

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row in a batch."""
        shape = list(self.sizes)
        if self.position is not None:
            shape[self.position] = self.width
        return tuple(shape)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of one stored row in kernel layout."""
        return self._canonical_shape(self.sizes)

    @property
    def row_bytes(self) -> int:
        """Bytes one stored row takes in memory."""
        return int(np.prod(self.sizes, dtype=np.int64)) * self.dtype.itemsize

    def _bins(self, shift: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return by how many bins windows are moved that are moved by so many bp."""
        return np.clip(np.rint(shift / self.bin_size), -self.offset, self.offset).astype(np.int64)

    @cached_property
    def _batch_shape(self) -> tuple[int, ...]:
        return self._canonical_shape(self.shape)

    @cached_property
    def _swaps(self) -> bool:
        return bool((self.partner != np.arange(len(self.partner))).any())

    def canonical(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return stored rows ``(n, *sizes)`` as a contiguous array the kernels read.

        Letters become uint8, numbers those of this machine; a dimension of positions in the
        middle moves to the end.
        """
        if self.letters and values.dtype != np.uint8:
            values = np.ascontiguousarray(values).view(np.uint8)
        if self.position is not None and 0 < self.position < len(self.dims) - 1:
            values = np.moveaxis(values, self.position + 1, -1)
        return np.ascontiguousarray(values, dtype=self.dtype)

    def _canonical_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        if self.position is not None and 0 < self.position < len(self.dims) - 1:
            rest = [s for i, s in enumerate(shape) if i != self.position]
            return (*rest, shape[self.position])
        return tuple(shape)

    def buffer(self, *lead: int, pool: Pool | None = None) -> NDArray[np.generic]:
        """Return an empty array for stored rows in kernel layout, rows counted by ``lead``."""
        return (pool or Pool()).empty((*lead, *self.stored_shape), self.dtype)

    def empty(self, rows: NDArray[np.int64], pool: Pool) -> NDArray[np.generic]:
        """Return an empty array for rows of a batch in kernel layout."""
        return pool.empty((len(rows), *self._batch_shape), self.dtype)

    def finish(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return gathered rows with the dimensions in the order of ``dims``."""
        if self.position is not None and 0 < self.position < len(self.dims) - 1:
            return np.moveaxis(values, -1, self.position + 1)
        return values

    def gather(
        self,
        source: NDArray[Any] | FileRows,
        rows: NDArray[np.int64],
        *,
        shift: NDArray[np.int64] | None,
        flip: NDArray[np.bool_] | None,
        row_ids: NDArray[np.int64],
        out: NDArray[Any],
    ) -> None:
        """Write windows of ``rows`` of ``source`` into ``out``.

        Parameters
        ----------
        source : ndarray or FileRows
            Stored rows in kernel layout.
        rows : ndarray of int64, shape (b,)
            Rows of ``source``.
        shift : ndarray of int64, shape (b,), or None
            Distance (bp) of each window from the middle.
        flip : ndarray of bool, shape (b,), or None
            Windows shown as the other strand.
        row_ids : ndarray of int64, shape (b,)
            Rows of the dataset, to look up lengths.
        out : ndarray
            Receives the windows, in kernel layout.
        """
        whole = self.position is None or self.width == self.stored_width
        turns = flip is not None and (self.position is not None or self._swaps)
        if isinstance(source, FileRows):
            if whole and not turns:
                source.take(rows, out)
                return
            source, rows = source.take(rows), np.arange(len(rows))
        if whole and not turns:
            source.take(rows, axis=0, out=out, mode="clip")
            return
        n = len(rows)
        if flip is None:
            flip = np.zeros(n, np.bool_)
        starts = np.full(n, self.offset, np.int64)
        if shift is not None:
            starts += shift if self.bin_size == 1 else self._bins(shift)
        if self.letters:
            gather_letters(source, rows, starts, flip, self.complement, out)
            return
        channels = len(self.partner)
        if self.dtype.kind not in _KERNEL_KINDS or self.dtype.itemsize < (
            4 if self.dtype.kind == "f" else 1
        ):
            # half precision has no compiled kernel: its bits travel as integers
            source = source.view(f"u{self.dtype.itemsize}")
            out = out.view(source.dtype)
        if self.position is None:
            kernels.gather_values(
                source.reshape(len(source), channels),
                rows,
                flip,
                self.partner,
                out.reshape(n, channels),
            )
            return
        used = np.full(n, self.width, np.int64)
        if self.lengths is not None:
            used = np.clip(self.lengths[row_ids] - starts, 0, self.width)
        if self.position == 0 and len(self.dims) > 1:
            kernels.gather_channels_last(
                source.reshape(len(source), -1, channels),
                rows,
                starts,
                flip,
                used,
                self.partner,
                out.reshape(n, -1, channels),
            )
        else:
            kernels.gather_channels_first(
                source.reshape(len(source), channels, -1),
                rows,
                starts,
                flip,
                used,
                self.partner,
                out.reshape(n, channels, -1),
            )


def is_position_dim(dim: Hashable, length_dim: str) -> bool:
    """Return whether a dimension runs along the sequence."""
    return dim in (length_dim, "length") or str(dim).startswith("_length")


def partner_of(ds: xr.Dataset, variable: xr.DataArray, dim: str, size: int) -> NDArray[np.int64]:
    """Return which index along ``dim`` takes each index's place on the other strand."""
    identity = np.arange(size, dtype=np.int64)
    if dim == "_ohe":
        letters = letters_of(variable).upper()
        if len(letters) != size or not set(letters) <= set("ACGTU"):
            return identity
        table = complement_table(letters)
        return np.array([letters.index(chr(table[ord(c)])) for c in letters], dtype=np.int64)
    for coordinate, values in ds.variables.items():
        track = str(coordinate).removesuffix("_pair")
        if track != coordinate and values.dims == (dim,) and dim in ds.variables:
            stub = xr.Dataset(
                {track: (("_sequence", dim), np.empty((0, size)))},
                coords={dim: ds[dim].variable, coordinate: values},
            )
            partner = pair_index(stub, track)
            if (partner[partner] != identity).any():
                names = [str(v) for v in values.values]
                raise SeqdataError(
                    f"coordinate {coordinate!r} is {names}, which is no pairing of "
                    f"{[str(v) for v in ds[dim].values]}: where one track names another as the "
                    "one on the opposite strand, that one has to name it in turn."
                )
            return partner
    return identity


def _find_lengths(ds: xr.Dataset, name: str, sample_dim: str) -> NDArray[np.int64] | None:
    """Return the used positions of every row, of this variable or of the one sequence.

    A column that happens to be called ``gene_length`` belongs to no stored rows and says nothing.
    """
    names = [f"{name}_length"]
    stems = [str(v).removesuffix("_length") for v in ds.variables if str(v).endswith("_length")]
    others = [
        f"{stem}_length"
        for stem in stems
        if stem in ds.variables
        and ds[stem].ndim > 1
        and ds[stem].dims[0] == sample_dim
        and ds[f"{stem}_length"].dims == (sample_dim,)
    ]
    if len(others) == 1:
        names.append(others[0])
    for candidate in names:
        if candidate in ds.variables and ds[candidate].dims == (sample_dim,):
            return np.asarray(ds[candidate].to_numpy(), dtype=np.int64)
    return None


def _why_objects(variable: xr.DataArray) -> str:
    if variable.attrs.get("kind") != "sequence":
        return ""
    return (
        " Letters become objects in xarray's `where`: choose rows with "
        "ds.isel(_sequence=np.flatnonzero(condition)), or turn them back with .astype('S1')."
    )


def describe(
    ds: xr.Dataset,
    name: str,
    *,
    sample_dims: Sequence[str],
    length_dim: str,
    width: int | None = None,
    trim: int = 0,
) -> Field:
    """Describe one variable of a dataset as a batch entry.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    name : str
        Name of the variable.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    length_dim : str
        Dimension that runs along the sequence.
    width : int or None
        Positions (bp) to show; default all stored, less ``trim`` on both sides.
    trim : int
        Positions (bp) kept back on both sides for jitter.

    Returns
    -------
    Field
        The description.

    Raises
    ------
    SeqdataError
        Where the variable has no sample dimension, is of a type no tensor can hold, or is too
        short for the width asked for.
    """
    if name not in ds.variables:
        raise SeqdataError(
            f"the dataset has no variable {name!r}.{did_you_mean(name, map(str, ds.variables))}"
        )
    variable = ds[name]
    axes = tuple(i for i, dim in enumerate(sample_dims) if dim in variable.dims)
    if not axes:
        raise SeqdataError(
            f"variable {name!r} has dimensions {variable.dims}, none of the sample dimensions "
            f"{list(sample_dims)}: leave it out of `variables`, or change `sample_dims`."
        )
    letters = is_sequence(variable) or variable.dtype.kind == "S"
    if variable.dtype.kind not in _KERNEL_KINDS and not letters:
        raise SeqdataError(
            f"variable {name!r} is of type {variable.dtype}, which no tensor can hold: leave it "
            f"out of `variables`, or turn it into numbers.{_why_objects(variable)}"
        )
    if variable.dtype.kind == "S" and variable.dtype.itemsize != 1:
        raise SeqdataError(
            f"variable {name!r} is of type {variable.dtype}: expected one letter an element (S1). "
            "Open the store with sd.open_zarr, or split the strings with sp.cast_seqs."
        )
    dims = tuple(str(d) for d in variable.dims if d not in sample_dims)
    sizes = tuple(int(variable.sizes[d]) for d in dims)
    places = [i for i, d in enumerate(dims) if is_position_dim(d, length_dim)]
    position = places[-1] if places else None
    if letters and (position is None or len(dims) != 1):
        if len(dims) != 1:
            raise SeqdataError(
                f"sequences {name!r} have dimensions {variable.dims}: expected "
                f"({', '.join(sample_dims)}, {length_dim})."
            )
        position = 0
    shown = slack = 0
    bin_size = int(variable.attrs.get("bin_size", 1)) if position is not None else 1
    if position is not None and is_binned(variable):
        shown = _shown_bins(variable, sizes[position], width)
    elif position is not None:
        stored = sizes[position]
        cut = region_array(variable) is not None
        shown = (stored if cut else stored - 2 * trim) if width is None else width
        slack = stored - shown
        if cut and shown > 0:
            # files hold what lies beyond a window, too
            stored = shown + 2 * trim
            sizes = (*sizes[:position], stored, *sizes[position + 1 :])
        if shown <= 0 or shown + 2 * trim > stored:
            raise SeqdataError(
                f"variable {name!r} holds {stored} bp a row, too few for windows of "
                f"{max(shown, 0)} bp moved by up to {trim} bp: ask for less jitter or a shorter "
                "window, or build the dataset with `max_jitter`."
            )
    partner = np.zeros(1, np.int64)
    for i, (dim, size) in enumerate(zip(dims, sizes, strict=True)):
        if i != position:
            other = partner_of(ds, variable, dim, size)
            partner = (partner[:, None] * size + other[None, :]).reshape(-1)
    complement = np.arange(256, dtype=np.uint8)
    if letters:
        complement = complement_table(letters_of(variable), strict=False)
    lengths = None
    if position is not None and not letters and len(axes) == 1 and not is_binned(variable):
        lengths = _find_lengths(ds, name, sample_dims[axes[0]])
    return Field(
        name=name,
        axes=axes,
        dims=dims,
        sizes=sizes,
        dtype=np.dtype(np.uint8) if letters else variable.dtype.newbyteorder("="),
        letters=letters,
        position=position,
        width=shown,
        partner=partner,
        complement=complement,
        lengths=lengths,
        slack=slack,
        bin_size=bin_size,
    )


def is_binned(variable: xr.DataArray) -> bool:
    """Return whether a variable holds signal in bins rather than at bases.

    Examples
    --------
    >>> is_binned(xr.DataArray([1.0], attrs={"bin_size": 32}))
    True
    """
    return "bin_size" in variable.attrs


def _shown_bins(variable: xr.DataArray, stored: int, width: int | None) -> int:
    """Return how many bins a batch shows: those asked for, or all but those for jitter."""
    shown = stored - 2 * int(variable.attrs.get("flank", 0)) if width is None else width
    if not 0 < shown <= stored or (stored - shown) % 2:
        raise SeqdataError(
            f"variable {variable.name!r} holds {stored} bins a row: {shown} of them cannot be cut "
            "around its middle. Ask for fewer, and for as many to either side."
        )
    return shown
