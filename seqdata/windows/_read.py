"""The rows of a plan, read and turned round where they lie on the "-" strand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqdata._letters import complement_table, turn_letters
from seqdata.readers._base import RegionReader, Track, Windows, join_windows
from seqdata.windows._plan import RegionPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_shard(
    plan: RegionPlan,
    readers: Sequence[RegionReader],
    first: int,
    last: int,
    *,
    bounds: Sequence[RegionReader] | None = None,
) -> dict[str, NDArray[np.generic]]:
    """Read the rows of a shard, turned round where they lie on the "-" strand.

    Parameters
    ----------
    plan : RegionPlan
    readers : sequence of RegionReader
    first, last : int
        Rows.
    bounds : sequence of RegionReader, optional
        Readers whose contigs bound the mask, by default ``readers``.

    Returns
    -------
    dict of str to ndarray
        One entry a reader, rows first, and ``mask``, uint8, shape (n, width).
    """
    last = min(last, plan.n_rows)
    part = plan.part(first, last)
    windows, lengths, row_of = part.windows, part.lengths, part.row_of
    turn = part.strand < 0
    # a flat shard is only as wide as its rows
    width = plan.width if plan.layout != "flat" else int(lengths.max())
    out: dict[str, NDArray[np.generic]] = {}
    for reader in readers:
        track = reader.track()
        if plan.splice:
            values = reader.read_joined(windows, row_of, width)
        else:
            values = reader.read(windows, width)
        if track.kind == "sequence":
            if turn.any():
                _turn_sequences(values, lengths, turn, track)
        elif track.is_binned:
            reverse_tracks(values, np.full(len(values), values.shape[-1]), turn, track.mates)
        else:
            reverse_tracks(values, lengths, turn, track.mates)
        out[track.name] = values
    piece = int(windows.lengths.max(initial=1)) if plan.splice else width
    inside = _inside(windows, readers if bounds is None else bounds, piece)
    if plan.splice:
        inside = join_windows(inside, windows.lengths, row_of, width)
    reverse_tracks(inside, lengths, turn, None)
    out["mask"] = inside
    for track in (reader.track() for reader in readers):
        if track.is_binned:
            middle = inside[:, track.crop : width - track.crop]
            # a bin counts where all its bases lie on the contig; bins lie alike on both strands
            out[f"{track.name}_mask"] = middle.reshape(len(inside), -1, track.bin_size).min(-1)
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


def _inside(windows: Windows, readers: Sequence[RegionReader], width: int) -> NDArray[np.uint8]:
    """Return 1 where a window lies on its contig by all readers, uint8, shape (n, width).

    A file that leaves out a contig which the genome has says nothing about where that ends.
    """
    inside = np.ones((len(windows), width), dtype=np.uint8)
    position = np.arange(width)
    if len(windows) and windows.lengths.min() < width:
        inside[position[None, :] >= windows.lengths[:, None]] = 0
    anywhere = np.iinfo(np.int64).max
    for reader in readers:
        if not reader.sizes_are_known:
            continue
        contigs = reader.contigs()
        sizes = np.zeros(len(windows.names), dtype=np.int64)
        for i in windows.used():
            name = windows.names[i]
            sizes[i] = contigs.get(name, anywhere if name in windows.known else 0)
        size = sizes[windows.contig]
        if (windows.start < 0).any() or (windows.end > size).any():
            place = windows.start[:, None] + position[None, :]
            inside &= (place >= 0) & (place < size[:, None])
    return inside


def reverse_tracks(
    values: NDArray[np.generic],
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


def _flatten(values: NDArray[np.generic], keep: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Drop the padding: (n, width) to (total,), (n, samples, width) to (total, samples)."""
    return np.moveaxis(values, -1, 1)[keep]
