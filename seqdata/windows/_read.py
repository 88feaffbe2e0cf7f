"""The rows of a plan, read and turned round where they lie on the "-" strand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqdata._letters import complement_table, turn_letters
from seqdata.readers._base import RegionReader, Track, Windows
from seqdata.windows._plan import RegionPlan, knows_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_shard(
    plan: RegionPlan, readers: Sequence[RegionReader], first: int, last: int
) -> dict[str, NDArray[Any]]:
    """Read the rows of a shard, turned round where they lie on the "-" strand.

    Parameters
    ----------
    plan : RegionPlan
    readers : sequence of RegionReader
    first, last : int
        Rows.

    Returns
    -------
    dict of str to ndarray
        One entry a reader, and ``mask``.
    """
    last = min(last, plan.n_rows)
    span = slice(int(plan.row_of[first]), int(plan.row_of[last]))
    windows = plan.windows[span]
    lengths = plan.lengths[first:last]
    turn = plan.strand[first:last] < 0
    # a plan with one window a row needs no joining, and a flat shard is only as wide as its rows
    joined = len(windows) != last - first
    width = plan.width if plan.layout != "flat" else int(lengths.max())
    piece = int(windows.lengths.max()) if joined else width
    inside = np.ones((len(windows), piece), dtype=np.uint8)
    out: dict[str, NDArray[Any]] = {}
    for reader in readers:
        track = reader.track()
        if plan.splice and hasattr(reader, "read_joined"):
            row_of = plan.row_of[first : last + 1]
            values = reader.read_joined(windows, row_of - row_of[0], width)
        else:
            values = reader.read(windows, piece)
            if joined:
                values = _join(values, windows.lengths, plan.row_of[first : last + 1], width)
        if track.kind == "sequence":
            if turn.any():
                _turn_sequences(values, lengths, turn, track)
        else:
            reverse_tracks(values, lengths, turn, track.mates)
        out[track.name] = values
        if knows_sizes(reader):
            inside &= inside_contigs(windows, reader.contigs(), piece)
    if joined:
        inside = _join(inside, windows.lengths, plan.row_of[first : last + 1], width)
    else:
        inside[np.arange(width)[None, :] >= lengths[:, None]] = 0
    reverse_tracks(inside, lengths, turn, None)
    out["mask"] = inside
    if plan.layout == "flat":
        keep = np.arange(width)[None, :] < lengths[:, None]
        out = {name: _flatten(values, keep) for name, values in out.items()}
    return out


def _turn_sequences(
    values: NDArray[np.uint8], lengths: NDArray[np.int64], turn: NDArray[np.bool_], track: Track
) -> None:
    """Reverse-complement the chosen rows in place, all their haplotypes alike.

    Parameters
    ----------
    values : ndarray of uint8, shape (n, width) or (n, n_samples, ploidy, width)
    lengths : ndarray of int64, shape (n,)
        Length of each row in bp.
    turn : ndarray of bool, shape (n,)
    track : Track
        Its alphabet says what pairs with what.
    """
    each = int(np.prod(values.shape[1:-1]))
    turn_letters(
        values.reshape(-1, values.shape[-1]), np.repeat(lengths, each), np.repeat(turn, each),
        complement_table(track.alphabet),
    )  # fmt: skip


def inside_contigs(windows: Windows, contigs: dict[str, int], width: int) -> NDArray[np.uint8]:
    """Return 1 where a window lies on its contig; one value stands for all where all do.

    A file that leaves out a contig which the genome has says nothing about where that ends.
    """
    anywhere = np.iinfo(np.int64).max
    sizes = np.zeros(len(windows.names), dtype=np.int64)
    for i in windows.used():
        name = windows.names[i]
        sizes[i] = contigs.get(name, anywhere if name in windows.known else 0)
    size = sizes[windows.contig]
    if (windows.start >= 0).all() and (windows.start + width <= size).all():
        return np.ones((1, 1), dtype=np.uint8)
    position = windows.start[:, None] + np.arange(width)[None, :]
    return ((position >= 0) & (position < size[:, None])).astype(np.uint8)


def reverse_tracks(
    values: NDArray[Any],
    lengths: NDArray[np.int64],
    turn: NDArray[np.bool_],
    mates: NDArray[np.int64] | None,
) -> None:
    """Reverse the chosen rows in place, each within its own length; swap paired samples."""
    for row in np.flatnonzero(turn):
        length = int(lengths[row])
        turned = values[row, ..., :length][..., ::-1]
        if mates is not None:
            turned = turned[mates]
        values[row, ..., :length] = turned.copy()


def _join(
    values: NDArray[Any], lengths: NDArray[np.int64], row_of: NDArray[np.int64], width: int
) -> NDArray[Any]:
    """Put the windows of each row one behind the other."""
    bounds = row_of - row_of[0]
    out = np.zeros((len(bounds) - 1, *values.shape[1:-1], width), dtype=values.dtype)
    for row in range(len(bounds) - 1):
        k = 0
        for i in range(bounds[row], bounds[row + 1]):
            size = int(lengths[i])
            out[row, ..., k : k + size] = values[i, ..., :size]
            k += size
    return out


def _flatten(values: NDArray[Any], keep: NDArray[np.bool_]) -> NDArray[Any]:
    """Drop the padding: (n, width) to (total,), (n, samples, width) to (total, samples)."""
    return np.moveaxis(values, -1, 1)[keep]
