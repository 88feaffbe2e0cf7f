"""Where a payload comes to lie in a window of a locus, and what becomes of sites on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqdata.errors import SeqdataError

Letters = NDArray[np.uint8]
_LOCUS = re.compile(r"([^\s;]+):([\d,]+)-([\d,]+)")


class Site(NamedTuple):
    """A stretch of a sequence with a name.

    Attributes
    ----------
    name : str
        What it is called.
    start, end : int
        Bounds in bp, 0-based half-open.
    """

    name: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.name}:{self.start}-{self.end}"


@dataclass(frozen=True)
class Placed:
    """A payload in its window.

    Attributes
    ----------
    left, right : int
        Bases (bp) of the locus on either side of it.
    cut : int
        Bases (bp) that were cut off its left end.
    kept : int
        Bases (bp) of it that are in the window.
    """

    left: int
    right: int
    cut: int
    kept: int

    def moved(self, site: Site) -> Site | None:
        """Return a site of the payload where it lies in the window; None where it was cut."""
        start, end = site.start - self.cut, site.end - self.cut
        if start < 0 or end > self.kept:
            return None
        return Site(site.name, start + self.left, end + self.left)


def place(payload: int, total: int) -> Placed:
    """Put a payload into the middle of a window.

    Parameters
    ----------
    payload : int
        Its length in bp.
    total : int
        Length of the window in bp.

    Returns
    -------
    Placed
        A shorter payload has a flank on either side, of two that differ the shorter on the left;
        a longer one is cut on both sides.

    Examples
    --------
    >>> place(101, 300)
    Placed(left=99, right=100, cut=0, kept=101)
    >>> place(400, 300)
    Placed(left=0, right=0, cut=50, kept=300)
    """
    if payload > total:
        return Placed(0, 0, (payload - total) // 2, total)
    left = (total - payload) // 2
    return Placed(left, total - payload - left, 0, payload)


def centred(start: int, end: int, size: int) -> tuple[int, int]:
    """Return a region of one size around the middle of another, longer or shorter.

    Parameters
    ----------
    start, end : int
        Bounds in bp, 0-based half-open.
    size : int
        Length of the result in bp.

    Returns
    -------
    tuple of int
        Its bounds, perhaps off the contig.

    Examples
    --------
    >>> centred(100, 201, 128)
    (87, 215)
    """
    first = start - (size - (end - start)) // 2
    return first, first + size


def tiles(start: int, end: int, size: int) -> list[tuple[int, int]]:
    """Return the regions of one size, one behind the other, that cover a region from its middle.

    Parameters
    ----------
    start, end : int
        Bounds in bp, 0-based half-open.
    size : int
        Length of each in bp.

    Returns
    -------
    list of tuple of int
        As few as cover it; what they are longer is shared by both ends.

    Examples
    --------
    >>> tiles(1000, 60000, 25600)
    [(-7900, 17700), (17700, 43300), (43300, 68900)]
    """
    count = max(1, -(-(end - start) // size))
    first, _ = centred(start, end, count * size)
    return [(first + i * size, first + (i + 1) * size) for i in range(count)]


def read_site(text: str, what: str = "site") -> Site:
    """Read ``name:start-end``.

    Parameters
    ----------
    text : str
        Commas in the numbers are allowed.
    what : str
        What it is, for the message.

    Returns
    -------
    Site

    Raises
    ------
    SeqdataError
        If it is none.

    Examples
    --------
    >>> read_site("chr3:34,732,778-34,772,706")
    Site(name='chr3', start=34732778, end=34772706)
    """
    found = _LOCUS.fullmatch(text.strip())
    if found is None:
        raise SeqdataError(
            f"{what} {text!r}: expected name:start-end, such as chr3:34732778-34772706 (bp, "
            "counted from 0, the end not included)."
        )
    name, start, end = found[1], *(int(v.replace(",", "")) for v in found.group(2, 3))
    if end < start:
        raise SeqdataError(f"{what} {text!r} ends before it starts: expected start <= end.")
    return Site(name, start, end)


def read_sites(text: str) -> list[Site]:
    """Read the sites of a construct, ``name:start-end`` joined by semicolons.

    Examples
    --------
    >>> [site.name for site in read_sites("DHS23:110-120;DHS24:200-240")]
    ['DHS23', 'DHS24']
    """
    return [read_site(part) for part in text.split(";") if part]


def write_sites(sites: list[Site]) -> str:
    """Return what `read_sites` reads."""
    return ";".join(map(str, sites))


def in_window(sites: list[Site], first: int, width: int, turned: bool) -> tuple[list[Site], int]:
    """Return sites of a construct as they lie in a part of it, and how many do not.

    Parameters
    ----------
    sites : list of Site
        On the whole construct.
    first : int
        First base (bp) of the part.
    width : int
        Its length in bp.
    turned : bool
        Whether the part is the reverse complement.

    Returns
    -------
    list of Site
        Those that lie in the part with all their bases, in the order given.
    int
        Number of the others.

    Examples
    --------
    >>> in_window([Site("a", 2, 4), Site("b", 8, 12)], 1, 9, True)
    ([Site(name='a', start=6, end=8)], 1)
    """
    inside = []
    for site in sites:
        start, end = site.start - first, site.end - first
        if start >= 0 and end <= width:
            where = (width - end, width - start) if turned else (start, end)
            inside.append(Site(site.name, *where))
    return inside, len(sites) - len(inside)
