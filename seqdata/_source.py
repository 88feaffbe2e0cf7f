"""Rows of a dataset, whole in memory or read by stored blocks."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata._fields import Field

Arrays = dict[str, NDArray[Any]]

# A process that is forked while another thread reads would inherit the locks of the libraries
# below, taken for ever. So forking waits for the end of a read.
_READING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_READING.acquire,
        after_in_parent=_READING.release,
        after_in_child=_READING.release,
    )


class Source:
    """Stored rows of every field, whole in memory or read by blocks.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    fields : sequence of Field
        Variables to serve.
    sample_dims : sequence of str
        Dimensions indexed by a row number.
    in_memory : bool
        Whether to read everything now.
    """

    def __init__(
        self,
        ds: xr.Dataset,
        fields: Sequence[Field],
        *,
        sample_dims: Sequence[str],
        in_memory: bool,
    ) -> None:
        self.fields = tuple(fields)
        self.sample_dims = tuple(sample_dims)
        self.sample_sizes = tuple(int(ds.sizes[d]) for d in sample_dims)
        self.n_rows = int(np.prod(self.sample_sizes, dtype=np.int64))
        self._variables = {
            f.name: ds[f.name].transpose(*(sample_dims[i] for i in f.axes), *f.dims)
            for f in self.fields
        }
        self.arrays: Arrays | None = None
        if in_memory:
            self.edges = np.array([0, self.n_rows], dtype=np.int64)
            self.arrays = {f.name: self._read_whole(f) for f in self.fields}
        else:
            self.edges = self._block_edges()

    @property
    def n_blocks(self) -> int:
        """Number of blocks the rows are stored in."""
        return len(self.edges) - 1

    @property
    def block_bytes(self) -> int:
        """Bytes of the largest block, all fields together."""
        rows = int(np.diff(self.edges).max(initial=0))
        return rows * sum(f.row_bytes for f in self.fields)

    def _read_whole(self, field: Field) -> NDArray[Any]:
        values = self._variables[field.name].to_numpy()
        lead = int(np.prod(values.shape[: len(field.axes)], dtype=np.int64))
        return field.canonical(values.reshape(lead, *values.shape[len(field.axes) :]))

    def _block_edges(self) -> NDArray[np.int64]:
        """Return row numbers between which every field is stored in one piece or more."""
        edges: set[int] | None = None
        for variable in self._variables.values():
            chunks = variable.chunksizes.get(self.sample_dims[0])
            if chunks is None:
                continue
            ends = {0, *np.cumsum(chunks).tolist()}
            edges = ends if edges is None else edges & ends
        if edges is None:
            step = 1024
            edges = {*range(0, self.n_rows, step), self.n_rows}
        return np.array(sorted(edges | {0, self.n_rows}), dtype=np.int64)

    def read(self, blocks: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.int64]]:
        """Read whole blocks, one after the other.

        Parameters
        ----------
        blocks : ndarray of int64, shape (k,)
            Block numbers.

        Returns
        -------
        arrays : dict of ndarray
            Rows of each field in kernel layout.
        bases : ndarray of int64, shape (n_blocks,)
            What to add to a row number to get its place; -1 for blocks not read.
        """
        sizes = np.diff(self.edges)[blocks]
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        bases = np.full(self.n_blocks, np.iinfo(np.int64).min, dtype=np.int64)
        bases[blocks] = begins[:-1] - self.edges[blocks]
        arrays = {f.name: f.buffer(int(begins[-1])) for f in self.fields}
        for field in self.fields:
            variable = self._variables[field.name]
            for block, low, high in zip(blocks, begins[:-1], begins[1:], strict=True):
                window = slice(int(self.edges[block]), int(self.edges[block + 1]))
                with _READING:
                    piece = variable.isel({self.sample_dims[0]: window})
                    if piece.chunks is not None:
                        piece = piece.compute(scheduler="synchronous")
                    values = piece.to_numpy()
                arrays[field.name][low:high] = field.canonical(values)
        return arrays, bases
