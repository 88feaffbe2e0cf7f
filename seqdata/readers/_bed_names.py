"""What the columns of a table of regions are: by its header, by its format, else by a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from seqdata._told import tell
from seqdata.errors import BedError

BED = (
    "chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd",
    "itemRgb", "blockCount", "blockSizes", "blockStarts",
)  # fmt: skip
_PEAK = (*BED[:6], "signalValue", "pValue", "qValue")
_NARROW = (*_PEAK, "peak")
_GFF = ("chrom", "source", "type", "chromStart", "chromEnd", "score", "strand", "phase", "name")
_PICARD = ("chrom", "chromStart", "chromEnd", "strand", "name")
_PLACE = ("chrom", "chromStart", "chromEnd")

# what programs call a column, without case, blanks and punctuation; the first that is there counts
_CALLED = {
    "chrom": (
        "chrom", "chr", "chromosome", "seqnames", "seqname", "seqid", "contig", "chromosomename",
        "chromname", "chrname", "scaffold",
    ),
    "chromStart": (
        "chromstart", "start", "begin", "chrstart", "startposition", "startpos", "genostart",
        "txstart", "from",
    ),
    "chromEnd": (
        "chromend", "end", "stop", "chrend", "endposition", "endpos", "genoend", "txend", "to",
    ),
    "strand": ("strand",),
    "summit": ("abssummit",),
    "peak": ("peak", "summit"),
    "name": ("name",),
    "score": ("score",),
    **{name: (name.lower(),) for name in (*BED[6:], "signalValue", "pValue", "qValue")},
}  # fmt: skip

ROLES = frozenset(_CALLED)


class Columns(NamedTuple):
    """Names of the columns of a table, and whether its first base has the number 1.

    Parameters
    ----------
    names : list of str
        One a column. ``summit`` is a position on the contig, ``peak`` counts from the start.
    one_based : str
        Why positions count from 1 and ends belong to their region; empty where they do not.
    named : bool
        Whether a header said so.
    size : str
        Column of the lengths of the regions, which tells how ends are meant; empty for none.
    """

    names: list[str]
    one_based: str = ""
    named: bool = True
    size: str = ""


def by_header(header: Sequence[object], where: str) -> Columns | None:
    """Return the columns of a table by the names in its header.

    Parameters
    ----------
    header : sequence of str
        One name a column.
    where : str
        The table, for messages.

    Returns
    -------
    Columns or None
        None where contig, start and end are not among the names. Names that say nothing of a
        region are kept as they are.

    Raises
    ------
    BedError
        If two columns have one name.

    Examples
    --------
    >>> by_header(["gene", "Chr", "Start", "End", "Strand"], "x.tsv").names
    ['gene', 'chrom', 'chromStart', 'chromEnd', 'strand']
    """
    given = [str(name).strip().strip('"').removeprefix("#").strip() for name in header]
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in given]
    names = list(given)
    for role, called in _CALLED.items():
        if role in given:
            continue
        found = next((name for name in called if name in plain), None)
        if found is not None:
            names[plain.index(found)] = role
    if not set(_PLACE) <= set(names):
        return None
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice is not None:
        raise BedError(f"{where}: two columns are called {twice!r}. Rename or drop one.")
    names = [name or f"field{i + 1}" for i, name in enumerate(names)]
    if "chromStart" in given or "txStart" in given:
        # names that only our own tables and those of UCSC have, which count from 0
        return Columns(names)
    size = next((n for n, p in zip(names, plain, strict=True) if p in ("width", "length")), "")
    return Columns(names, _counts_from_one(plain), size=size)


def _counts_from_one(plain: Sequence[str]) -> str:
    """Return why the positions of a table of these columns count from 1, or nothing."""
    known = set(plain)
    if "abssummit" in known:
        return "a table of peaks of MACS"
    if "seqnames" in known:
        return "a table of ranges of R"
    if {"seqid", "seqname"} & known and {"type", "feature", "source"} & known:
        return "a table of GFF features"
    if any(name.startswith("peakid") for name in plain):
        return "a table of peaks of HOMER"
    if "geneid" in known and "chr" in known:
        return "SAF annotation"
    return ""


def by_format(
    path: Path, comments: Sequence[str], sample: Sequence[Sequence[str]]
) -> Columns | None:
    """Return the columns of a file without a header whose format is told by its mark or suffix.

    Parameters
    ----------
    path : Path
    comments : sequence of str
        Lines in front of the regions that are none.
    sample : sequence of sequence of str
        The first values of each column.

    Returns
    -------
    Columns or None
        Those of GFF, GTF and Picard's interval lists.
    """
    suffixes = {suffix.lower() for suffix in path.suffixes}
    marked = any(line.startswith("##gff") for line in comments)
    if len(sample) == len(_GFF) and (
        marked or suffixes & {".gff", ".gff3", ".gff2", ".gtf"} or _is_gff(sample)
    ):
        return Columns(list(_GFF), "GFF features")
    if len(sample) == len(_PICARD) and (
        ".interval_list" in suffixes or any(line.startswith("@") for line in comments)
    ):
        return Columns(list(_PICARD), "an interval list of Picard")
    return None


def _is_gff(sample: Sequence[Sequence[str]]) -> bool:
    """Say whether columns hold what those of GFF do, and not what those of BED do."""
    return (
        are(int, [*sample[3], *sample[4]])
        and not are(int, sample[1])
        and set(sample[6]) <= set("+-.?")
        and set(sample[7]) <= set("012.")
    )


def by_guess(file: Path, columns: Sequence[Sequence[str]]) -> Columns:
    """Return the columns of a table without a header, as BED, narrowPeak or broadPeak have them.

    Parameters
    ----------
    file : Path
        The file, for its suffix and for messages.
    columns : sequence of sequence of str
        Values of each column.

    Returns
    -------
    Columns

    Raises
    ------
    BedError
        If the suffix promises another number of columns.

    Warns
    -----
    SeqdataWarning
        If a column that BED has elsewhere is taken for the strand, or a last one for the summit.
    """
    names = _standard(file, columns)
    if "strand" not in names:
        _find_strand(names, columns, str(file))
    elif (
        names[-1] == "peak"
        and ".narrowpeak" not in {suffix.lower() for suffix in file.suffixes}
        and not set(columns[5]) <= {"."}
    ):
        # peak callers give no strands
        tell(
            f"{file}: there is no header; column 10 is taken for the summit, columns 7 to 9 for "
            "signal, p and q, as in a narrowPeak file. Name the columns in a header if they are "
            "something else."
        )
    return Columns(names, named=False)


def _standard(file: Path, columns: Sequence[Sequence[str]]) -> list[str]:
    width = len(columns)
    suffixes = {suffix.lower() for suffix in file.suffixes}
    narrow = ".narrowpeak" in suffixes
    broad = ".broadpeak" in suffixes
    if (narrow and width != 10) or (broad and width != 9):
        kind, expected = ("narrowPeak", 10) if narrow else ("broadPeak", 9)
        raise BedError(f"{file}: a {kind} file has {expected} columns, this one has {width}.")
    sample = [column[:100] for column in columns]
    if not narrow and not broad:
        narrow = (
            width == 10
            and all(are(float, column) for column in sample[6:9])
            and are(int, [value for value in sample[9] if value != "."])
        )
        broad = (
            width == 9
            and all(are(float, column) for column in sample[6:9])
            and not (are(int, sample[6]) and are(int, sample[7]))
        )
    if narrow:
        return list(_NARROW)
    if broad:
        return list(_PEAK)
    names = list(BED[:width]) + [f"field{i + 1}" for i in range(len(BED), width)]
    if width > 6 and not (are(int, sample[6]) and (width < 8 or are(int, sample[7]))):
        names[6:] = [f"field{i + 1}" for i in range(6, width)]
    elif width > 9 and not are(int, sample[9]):
        names[9:] = [f"field{i + 1}" for i in range(9, width)]
    if width > 4 and not are(float, [v for v in sample[4] if v != "."]):
        names[4] = "field5"
    # a sixth column of single characters is a strand (right or wrong), anything longer is none
    if width > 5 and any(len(value) > 1 for value in sample[5]):
        names[5] = "field6"
    return names


def _find_strand(names: list[str], columns: Sequence[Sequence[str]], where: str) -> None:
    """Name the one column of strands that does not stand where BED has it."""
    found = [
        i
        for i, column in enumerate(columns)
        if i > 2 and set(column[:100]) <= set("+-.") and {"+", "-"} & set(column)
    ]
    if not found:
        return
    if len(found) > 1:
        places = " and ".join(str(i + 1) for i in found)
        raise BedError(
            f"{where}: there is no header, and columns {places} hold strands: name the columns in "
            "a header (chrom, start, end, ..., strand)."
        )
    names[found[0]] = "strand"
    tell(
        f"{where}: there is no header; column {found[0] + 1} holds + and - and is taken for the "
        "strand, which BED has in column 6. Name the columns in a header if it is something else."
    )


def are(kind: type, values: Iterable[str]) -> bool:
    """Say whether all values are numbers of a kind.

    Examples
    --------
    >>> are(int, ["1", "2"]), are(float, ["x"])
    (True, False)
    """
    try:
        for value in values:
            kind(value)
    except ValueError:
        return False
    return True
