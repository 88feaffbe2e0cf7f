"""The index of a CRAM file (``.crai``), judged by the containers of its file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

# bytes of the head of a container: a few numbers, and the places of its slices
_HEAD = 4096


def crai_fault(data: bytes, path: Path) -> str:
    """Say what is wrong with the lines of a ``.crai``: they must name each container of the file.

    Parameters
    ----------
    data : bytes
        Unpacked lines.
    path : Path
        CRAM file.

    Returns
    -------
    str
    """
    try:
        rows = [[int(word) for word in line.split(b"\t")] for line in data.splitlines()]
        named: dict[int, set[tuple[int, int, int]]] = {}
        ends: dict[int, int] = {}
        for contig, start, span, container, slice_at, slice_size in rows:
            named.setdefault(container, set()).add((contig, start, span))
            ends[container] = max(ends.get(container, 0), slice_at + slice_size)
        if not _is_known(path):
            return ""
        held = dict(_containers(path))
    except ValueError:
        return "a line has not six numbers"
    except (struct.error, IndexError, OverflowError) as error:
        return f"it does not fit the file: {error}"
    if set(named) != set(held):
        return f"it names {len(named)} containers, and other ones than the {len(held)} of the file"
    for place, (contig, start, span, length) in held.items():
        # -2 stands for several contigs, each with a line of its own
        other = len(named[place]) == 1 and (contig, start, span) not in named[place]
        if ends[place] != length or (contig != -2 and other):
            return "other reads stand where it says"
    return ""


def check_containers(path: Path) -> None:
    """Walk from container to container of a CRAM file; htslib takes a damaged one for the end.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError, struct.error, IndexError
        If a container is damaged.
    """
    if _is_known(path):
        for _ in _containers(path):
            pass


def _is_known(path: Path) -> bool:
    """Say whether the version is 3; containers of others have other heads."""
    with path.open("rb") as handle:
        return handle.read(5)[4:] == b"\3"


def _containers(path: Path) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield place, contig, start, span and bytes of the containers of a CRAM file with reads."""
    size = path.stat().st_size
    # behind the magic number, two of the version and twenty bytes of a name
    place = 26
    with path.open("rb") as handle:
        while place < size:
            handle.seek(place)
            head = handle.read(_HEAD)
            (length,) = struct.unpack_from("<i", head)
            at = 4
            values = []
            for number in range(8):
                # the numbers of records before and of bases are long ones
                value, at = _packed_number(head, at, 8 if number in (4, 5) else 4)
                values.append(value)
            for _ in range(values[7]):
                _, at = _packed_number(head, at, 4)
            (checksum,) = struct.unpack_from("<I", head, at)
            if length < 0 or zlib.crc32(head[:at]) != checksum:
                raise ValueError(f"the container at byte {place} is damaged")
            # the first container holds the header, and the last one nothing
            if values[3]:
                yield place, (values[0], values[1], values[2], length)
            place += at + 4 + length


def _packed_number(data: bytes, at: int, width: int) -> tuple[int, int]:
    """Read an ITF8 (at most 4 bytes behind the first) or LTF8 number, and the place behind it."""
    first = data[at]
    more = 0
    while more < width and first >> (7 - more) & 1:
        more += 1
    tail = data[at + 1 : at + 1 + more]
    value = first & (0x7F >> more) if more < 8 else 0
    for byte in tail:
        value = value << 8 | byte
    if width == 4:
        # of five bytes the last gives four bits alone
        value = value >> 8 << 4 | tail[-1] & 0xF if more == 4 else value
        value = value - (1 << 32) if value & (1 << 31) else value
    return value, at + 1 + more
