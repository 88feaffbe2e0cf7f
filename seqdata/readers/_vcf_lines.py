"""Lines of a VCF file, held against its header by everything that reads one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seqdata.errors import VariantError
from seqdata.readers._gzip import open_unpacked

# CHROM to ALT; QUAL, FILTER, INFO, FORMAT and samples follow
_NEEDED = 5
# with QUAL, FILTER and INFO; a shorter line of names promises nothing
_FIXED = 8
_CONTIG = re.compile(r"##contig=<.*?\bID=([^,>]+).*?\blength=(\d+)")


@dataclass
class VcfHeader:
    """What the header of a VCF file promises of its lines.

    Parameters
    ----------
    columns : int, default 0
        Columns of the line ``#CHROM``; 0 where there is none.
    lengths : dict of str to int
        Lengths of the contigs that have one, in bp.
    """

    columns: int = 0
    lengths: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str]) -> VcfHeader:
        """Read the lines of a header."""
        header = cls()
        for line in lines:
            header.add(line)
        return header

    def add(self, line: str) -> None:
        """Take in a line that begins with ``#``."""
        if line.startswith("#CHROM"):
            self.columns = line.rstrip("\r\n").count("\t") + 1
        elif line.startswith("##contig") and (found := _CONTIG.match(line)):
            self.lengths[found[1]] = int(found[2])

    def fault(self, line: str) -> str:
        """Say what a line has that the header does not promise, "" if nothing.

        Parameters
        ----------
        line : str
            Without its end.

        Returns
        -------
        str
        """
        fields = line.split("\t", _NEEDED)
        columns = line.count("\t") + 1
        if len(fields) < _NEEDED:
            return (
                f"expected at least {_NEEDED} fields separated by tabs (CHROM POS ID REF ALT), got "
                f"{columns}."
            )
        if 9 < self.columns != columns > 9:
            return (
                f"{columns - 9} columns of genotypes, expected {self.columns - 9} as in the header."
            )
        if self.columns > 9 >= columns:
            return f"expected FORMAT and sample columns, got {columns} columns."
        if self.columns >= _FIXED and columns != self.columns:
            return f"{columns} columns, expected {self.columns} as in the line #CHROM."
        if not is_position(fields[1]):
            return ""  # whose reader says so
        end = int(fields[1]) + len(fields[3]) - 1
        length = self.lengths.get(fields[0], end)
        if end > length:
            return (
                f"REF ends at base {end:,}, and the header says that {fields[0]} has {length:,} "
                "bp. Is it of another assembly?"
            )
        return ""


def is_position(text: str) -> bool:
    """Tell whether a text is a whole number, 1 or more."""
    return text.isascii() and text.isdigit() and int(text) > 0


def check_lines(path: Path) -> None:
    """Hold all lines of a VCF file against its header.

    Indexes are made of two columns: a line that is no variant may be left out of one in silence.

    Parameters
    ----------
    path : Path
        Plain, gzip or bgzip.

    Raises
    ------
    VariantError
        With the number of the line.
    """
    header = VcfHeader()
    told = ""
    with open_unpacked(path) as raw:
        # to the end, whose checksum says whether the bytes are sound
        for number, packed in enumerate(raw, start=1):
            line = packed.decode("utf-8", errors="replace").rstrip("\r\n")
            if line.startswith("#"):
                header.add(line)
            elif line and not told:
                fault = header.fault(line)
                fields = line.split("\t", _NEEDED)
                if not fault and not is_position(fields[1]):
                    fault = f"POS is {fields[1]!r}, expected a whole number, 1 or more."
                if not fault and not fields[3]:
                    fault = "REF is '', expected letters A, C, G, T, N or IUPAC codes."
                if fault:
                    told = f"{path}, line {number}, {_locus(line)}: {fault}"
    if told:
        raise VariantError(told)


def place_of(path: Path, line: str) -> str:
    """Return the file, number and locus of a line that was read at random, for messages."""
    wanted = line.encode()
    with open_unpacked(path) as raw:
        for number, packed in enumerate(raw, start=1):
            if packed.rstrip(b"\r\n") == wanted:
                return f"{path}, line {number}, {_locus(line)}"
    return f"{path}, {_locus(line)}"


def _locus(line: str) -> str:
    return ":".join(line.split("\t", 2)[:2])
