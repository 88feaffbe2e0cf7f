"""Strides: windows as long as a network's input, drawn from the longer ones of constructs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from seqdata import schema
from seqdata._letters import complement_table, gather_letters
from seqdata._told import tell
from seqdata.constructs._place import in_window, read_sites, write_sites
from seqdata.errors import LengthError, SchemaError
from seqdata.schema import LENGTH_DIM, SEQUENCE_DIM, STRANDS, coded_coordinate
from seqdata.windows._lazy import RegionArray
from seqpro.random import counter_seed

Compat = Literal["finetune_enformer"]
_DRAW = 31


@dataclass(frozen=True, eq=False)
class Strides:
    """Windows of rows that are held as letters; nothing but these letters takes memory.

    Attributes
    ----------
    letters : ndarray of uint8, shape (constructs, total)
        ASCII.
    rows, starts : ndarray of int64, shape (n,)
        Construct of each window, and its first base (bp) there.
    turned : ndarray of bool, shape (n,)
        Which windows are reverse complements.
    width : int
        Length of the windows in bp.
    """

    letters: NDArray[np.uint8]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    turned: NDArray[np.bool_]
    width: int

    def read(
        self,
        names: Sequence[str],
        rows: NDArray[np.int64],
        *,
        first: int,
        width: int,
        scattered: bool,
    ) -> dict[str, NDArray[np.generic]]:
        """Return windows, cut around the middle of those that were drawn.

        Parameters
        ----------
        names : sequence of str
            The one variable.
        rows : ndarray of int64, shape (b,)
            Numbers of the windows.
        first, width : int
            First position within the window, in reading direction, and positions to read (bp).
        scattered : bool
            Plays no part.

        Returns
        -------
        dict of ndarray of uint8, shape (b, width)

        Raises
        ------
        LengthError
            If they reach over the ends of the constructs.
        """
        turned = self.turned[rows]
        rest = self.width - first - width
        starts = self.starts[rows] + np.where(turned, rest, first)
        total = self.letters.shape[1]
        if len(rows) and (starts.min() < 0 or starts.max() + width > total):
            raise LengthError(
                f"windows of {width} bp at {int(starts.min())} to {int(starts.max())} of "
                f"constructs of {total} bp: the strides were drawn up to their ends, so there is "
                "no room for jitter. Draw none of them, and leave the offsets to the jitter."
            )
        out = np.empty((len(rows), width), np.uint8)
        gather_letters(
            self.letters, self.rows[rows], starts, turned, complement_table("DNA"), out
        )  # fmt: skip
        return dict.fromkeys(names, out)


def offsets(
    total: int,
    length: int,
    stride: int = 1,
    n: int | float | None = None,
    seed: int = 0,
    *,
    row: int = 0,
    compat: Compat | None = None,
) -> NDArray[np.int64]:
    """Draw the first bases of windows in a longer one, without repeats.

    Parameters
    ----------
    total, length : int
        Lengths (bp) of the whole and of a window.
    stride : int
        Distance (bp) between the places that there are.
    n : int, float or None
        How many: a number, all where there are fewer; or, below 1, a share of them. None for all.
    seed : int
        Seed of the draw.
    row : int
        Row that is drawn for; every row has a draw of its own.
    compat : {"finetune_enformer"} or None
        Draw as the original does, with NumPy's former generator: the last place is never drawn,
        and there is none where the window is as long as the whole.

    Returns
    -------
    ndarray of int64, shape (n,)
        In ascending order, in bp.

    Raises
    ------
    SeqdataError
        If the window is longer than the whole, or a number is out of range.

    Examples
    --------
    >>> offsets(10, 8, 1).tolist(), offsets(26880, 25600, 1, 48, 4200,
    ...     compat="finetune_enformer")[:3].tolist()
    ([0, 1, 2], [28, 33, 38])
    """
    if not 0 < length <= total:
        raise LengthError(
            f"windows of {length} bp in constructs of {total} bp: expected 1 to {total} bp."
        )
    if stride < 1 or (n is not None and (n <= 0 or (n >= 1 and int(n) != n))):
        raise SchemaError(
            f"stride {stride}, n {n}: expected at least 1 bp, and a whole number of windows, or a "
            "share of them below 1."
        )
    if compat not in (None, "finetune_enformer"):
        raise SchemaError(f"compat is {compat!r}: expected 'finetune_enformer' or None.")
    last = total - length if compat else total - length + 1
    places = np.arange(0, last, stride, dtype=np.int64)
    if n is None:
        return places
    count = int(n) if n >= 1 else max(1, int(len(places) * n))
    if compat:
        count = int(n if n >= 1 else len(places) * n)
        np.random.RandomState(seed).shuffle(places)
    else:
        keys = counter_seed(seed, _DRAW, row, places)
        places = places[np.argsort(keys, kind="stable")]
    return np.sort(places[:count])


def sample(
    ds: xr.Dataset,
    length: int | None = None,
    stride: int = 1,
    n: int | float | None = 10,
    seed: int = 0,
    *,
    reverse_complement: bool = False,
    compat: Compat | None = None,
) -> xr.Dataset:
    """Draw strides of constructs, as views: their letters are gathered when they are used.

    Parameters
    ----------
    ds : xarray.Dataset
        Constructs, as `build` returns them.
    length : int or None
        Length of a window in bp; None for the ``length`` that they were built for.
    stride : int
        Distance (bp) between the places that are drawn from.
    n : int, float or None
        Windows of each construct: a number; a share of the places, below 1; None for all places.
    seed : int
        Seed; the places of a construct follow from it and from the number of its row.
    reverse_complement : bool
        Draw each window on the other strand as well, behind the first.
    compat : {"finetune_enformer"} or None
        As of `offsets`. All constructs then have the same places.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), unread; every variable of the constructs, once a window;
        ``construct`` int64, its row there; ``offset`` int64 (bp); ``strand``. ``sites`` and
        ``payload_start`` and ``payload_end`` are moved along: in positions of the window.

    Raises
    ------
    SeqdataError
        As `offsets` does; or if the dataset holds no constructs.

    Examples
    --------
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([list("AACCG")], "S1")),
    ...     "payload_start": ("_sequence", [1]), "payload_end": ("_sequence", [3]),
    ...     "sites": ("_sequence", np.array(["x:2-3"], object))})
    >>> drawn = sample(ds, 4, n=None, reverse_complement=True)
    >>> [row.tobytes() for row in drawn["seq"].values]
    [b'AACC', b'GGTT', b'ACCG', b'CGGT']
    >>> drawn["sites"].values.tolist()
    ['x:2-3', 'x:1-2', 'x:1-2', 'x:2-3']
    """
    require_constructs(ds)
    letters = np.ascontiguousarray(ds["seq"].to_numpy()).view(np.uint8)
    constructs, total = letters.shape
    width = int(ds.attrs.get("window_length", 0)) if length is None else int(length)
    if not width:
        raise LengthError("the constructs do not say for which length they were built: give it.")
    drawn = [
        offsets(total, width, stride, n, seed, row=i, compat=compat) for i in range(constructs)
    ]
    turns = 2 if reverse_complement else 1
    counts = np.array([len(d) for d in drawn], np.int64) * turns
    rows = np.repeat(np.arange(constructs, dtype=np.int64), counts)
    starts = np.repeat(np.concatenate(drawn), turns) if drawn else np.zeros(0, np.int64)
    turned = np.tile(np.arange(turns) > 0, len(starts) // turns)
    if not len(rows):
        raise LengthError(
            f"there is no place for a window of {width} bp in constructs of {total} bp."
        )
    places = np.arange(len(rows), dtype=np.int64)
    strides = Strides(letters, rows, starts, turned, width)
    array = RegionArray(strides, "seq", places, (), np.dtype("S1"))
    made = ds.drop_vars("seq").isel({SEQUENCE_DIM: rows})
    made = made.drop_vars([str(v) for v in made.variables if LENGTH_DIM in made[v].dims])
    made["seq"] = ((SEQUENCE_DIM, LENGTH_DIM), array, ds["seq"].attrs)
    made["construct"] = (SEQUENCE_DIM, rows)
    made["offset"] = (SEQUENCE_DIM, starts, {"units": "bp"})
    made = made.assign_coords(strand=coded_coordinate(np.where(turned, "-", "+"), STRANDS))
    ends = _moved_ends(made, starts, width, turned)
    made = made.assign({name: (SEQUENCE_DIM, values) for name, values in ends.items()})
    made["sites"] = (SEQUENCE_DIM, _moved_sites(made, starts, width, turned))
    # windows lie where they were drawn: nothing is left of them to be moved in
    made.attrs = {**ds.attrs, "max_jitter": 0, "window_length": width}
    return schema.with_names(made)


def require_constructs(ds: xr.Dataset) -> None:
    """Raise `SchemaError` unless a dataset holds constructs, or strides of them."""
    lacking = [v for v in ("seq", "payload_start", "payload_end", "sites") if v not in ds.variables]
    if lacking:
        raise SchemaError(
            f"the dataset has no {', '.join(lacking)}: expected constructs, as "
            "seqdata.constructs.build makes them."
        )


def _moved_ends(
    made: xr.Dataset, starts: NDArray[np.int64], width: int, turned: NDArray[np.bool_]
) -> dict[str, NDArray[np.int64]]:
    """Return where the payload lies in each window, cut to it."""
    low, high = (
        np.clip(made[name].to_numpy() - starts, 0, width)
        for name in ("payload_start", "payload_end")
    )
    return {
        "payload_start": np.where(turned, width - high, low),
        "payload_end": np.where(turned, width - low, high),
    }


def _moved_sites(
    made: xr.Dataset, starts: NDArray[np.int64], width: int, turned: NDArray[np.bool_]
) -> NDArray[np.object_]:
    out = np.empty(len(starts), object)
    lost = 0
    known: dict[str, list[object]] = {}
    for i, text in enumerate(made["sites"].to_numpy()):
        sites = known.setdefault(str(text), list(read_sites(str(text))))
        inside, left = in_window(sites, int(starts[i]), width, bool(turned[i]))  # type: ignore[arg-type]
        out[i] = write_sites(inside)
        lost += left
    if lost:
        tell(f"{lost} of the sites reach out of the windows of {width} bp, and are left out there.")
    return out
