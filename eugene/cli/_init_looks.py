"""What the files of a new run hold: chromosomes, widths, columns, lengths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import seqdata as sd
from eugene.errors import UsageError, did_you_mean
from seqdata.errors import contig_hint
from seqdata.readers.table import KeyedTable
from seqdata.schema import SPLITS

_TEST, _VAL, _SLACK = 0.2, 0.1, 1.15
_NAMED_SEQUENCE = ("sequence", "seq", "dna", "rna", "promoter", "enhancer", "insert")
_NAMED_TARGET = ("label", "target", "y", "activity", "expression", "enrichment", "score", "value",
                 "strength", "class", "bound")  # fmt: skip
_NAMED_PLACE = re.compile(r"(chrom)?(start|end|pos|position|index|id|length|row|unnamed.*)", re.I)
_PLUS = re.compile(r"(^|[._-])(plus|pos|positive|fwd|forward|\+|p)([._-]|$)", re.I)
_MINUS = re.compile(r"(^|[._-])(minus|neg|negative|rev|reverse|-|m)([._-]|$)", re.I)
_ROWS_LOOKED_AT, _MOST_PARTS = 1000, 20


@dataclass(frozen=True)
class Peaks:
    """Peaks on a genome.

    Attributes
    ----------
    counts : dict of str to int
        Peaks on each contig that has any, in the order of the genome.
    median : int
        Median length of a peak in bp.
    summits : int
        Peaks that name a summit.
    genome_size : int
        Bases of the genome.
    """

    counts: dict[str, int]
    median: int
    summits: int
    genome_size: int

    @property
    def n(self) -> int:
        """Number of peaks."""
        return sum(self.counts.values())

    @property
    def held_out(self) -> tuple[list[str], list[str]]:
        """Contigs to validate and to test on; two empty lists where there are fewer than three.

        About a tenth and a fifth of the peaks lie on them.
        """
        if len(self.counts) < 3:
            return [], []
        test = _about(self.counts, _TEST * self.n)
        rest = {name: count for name, count in self.counts.items() if name not in test}
        val = _about(rest, _VAL * self.n)
        return val, test


def _about(counts: Mapping[str, int], goal: float) -> list[str]:
    """Return contigs with about so many peaks, in their order; the smallest if all have more."""
    taken: list[str] = []
    total = 0
    for name in sorted(counts, key=lambda name: -counts[name]):
        if total + counts[name] <= _SLACK * goal:
            taken.append(name)
            total += counts[name]
        if total >= goal:
            break
    taken = taken or [min(counts, key=lambda name: counts[name])]
    return [name for name in counts if name in taken]


def look_at_peaks(peaks: str, genome: str) -> Peaks:
    """Read peaks and the contigs of their genome.

    Parameters
    ----------
    peaks, genome : str
        BED-like file and FASTA file.

    Returns
    -------
    Peaks

    Raises
    ------
    UsageError
        Where the two do not belong together.
    SeqdataError
        Where a file cannot be read.
    """
    table = sd.read_bedlike(peaks)
    sizes = sd.GenomeFASTA("seq", genome, on_unknown="n").contigs()
    found = table["chrom"].value_counts()
    unknown = [str(name) for name in found.index if name not in sizes]
    if unknown:
        raise UsageError(
            f"--peaks {peaks}: {unknown[0]!r} is no contig of {genome}"
            f"{contig_hint(unknown[0], sizes)} ({len(unknown)} names of the peaks are not)"
        )
    summits = int((table["peak"] >= 0).sum()) if "peak" in table else 0
    return Peaks(
        {name: int(found[name]) for name in sizes if name in found.index},
        int((table["chromEnd"] - table["chromStart"]).median()),
        summits,
        sum(sizes.values()),
    )


@dataclass(frozen=True)
class Columns:
    """What a table of sequences holds.

    Attributes
    ----------
    seq : str
        Column of the sequences; empty where they are in a FASTA file.
    alphabet : str
        DNA or RNA.
    lengths : tuple of int
        Shortest and longest sequence.
    n : int
        Rows.
    targets : list of str
        Columns to predict.
    task : str
        ``"binary_classification"`` or ``"regression"``.
    others : list of str
        Other columns of numbers.
    split : str
        Column of the split; empty where there is none.
    parts : dict of str to str
        Split of each value of that column.
    positives : bool
        Whether every label is 1, so that there is nothing to tell them from.
    shared : int
        Rows that have a sequence like that of another row of a random split.
    """

    seq: str
    alphabet: str
    lengths: tuple[int, int]
    n: int
    targets: list[str]
    task: str
    others: list[str] = field(default_factory=list)
    split: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    positives: bool = False
    shared: int = 0


def look_at_table(
    table: str,
    fasta: str | None = None,
    *,
    seq_col: str | None = None,
    targets: Sequence[str] = (),
) -> Columns:
    """Read a table of sequences and measurements.

    Parameters
    ----------
    table : str
        CSV, TSV or Parquet table.
    fasta : str or None
        FASTA file of the sequences, whose records the first column of the table names.
    seq_col : str or None
        Column of the sequences; the one that holds sequences by default.
    targets : sequence of str
        Columns to predict; the one of numbers by default.

    Returns
    -------
    Columns

    Raises
    ------
    UsageError
        Where it does not tell which column is which.
    SeqdataError
        Where a file cannot be read.
    """
    key, keys, columns = KeyedTable(table, seq_col).read(repeated=True)
    whole: dict[str, NDArray[np.generic]] = {key: keys.to_numpy(), **columns}
    if fasta is None:
        seq = seq_col or _sequence_column(table, whole)
        letters = [str(value) for value in whole[seq]]
    else:
        seq, letters = "", _records(fasta)
    split, parts = _split_column(whole)
    numbers = [n for n, v in whole.items() if v.dtype.kind in "biuf" and n not in (seq, split)]
    chosen = _target_columns(table, numbers, list(targets), list(whole))
    values = np.concatenate([np.asarray(whole[name], np.float64) for name in chosen])
    binary = set(np.unique(values[~np.isnan(values)]).tolist()) <= {0.0, 1.0}
    sizes = [len(text) for text in letters]
    upper = "".join(letters[:_ROWS_LOOKED_AT]).upper()
    return Columns(
        seq,
        "RNA" if "U" in upper and "T" not in upper else "DNA",
        (min(sizes), max(sizes)),
        len(letters),
        chosen,
        "binary_classification" if binary else "regression",
        [name for name in numbers if name not in chosen],
        split,
        parts,
        binary and not (values == 0).any() and len(chosen) == 1,
        0 if split else _shared(letters),
    )


def _records(fasta: str) -> list[str]:
    from zarr.storage import MemoryStore

    reader = sd.FlatFASTA("seq", fasta, on_unknown="n")
    ds = sd.from_flat_files(reader, path=MemoryStore(), fixed_length=False).load()
    return [row.tobytes().rstrip(b"\0").decode() for row in ds["seq"].to_numpy()]


def _is_sequence(values: NDArray[np.generic]) -> bool:
    looked = [str(value).upper() for value in values[:_ROWS_LOOKED_AT]]
    return min(map(len, looked), default=0) >= 8 and not set("".join(looked)) - set("ACGTUN")


def _sequence_column(table: str, whole: Mapping[str, NDArray[np.generic]]) -> str:
    found = [n for n, v in whole.items() if v.dtype.kind not in "biuf" and _is_sequence(v)]
    named = [name for name in found if name.lower() in _NAMED_SEQUENCE]
    chosen = named if len(found) > 1 else found
    if len(chosen) != 1:
        held = f"{', '.join(found)} hold" if found else "no column holds"
        raise UsageError(
            f"--table {table}: {held} sequences of ACGT, U or N (columns: {', '.join(whole)}); "
            "name the column by --seq_col"
        )
    return chosen[0]


def _target_columns(
    table: str, numbers: list[str], asked: list[str], columns: list[str]
) -> list[str]:
    wrong = [name for name in asked if name not in numbers]
    if wrong:
        held = "holds text" if wrong[0] in columns else "is not there"
        raise UsageError(
            f"--target {wrong[0]}: the column {held}{did_you_mean(wrong[0], numbers)}; of numbers "
            f"are: {', '.join(numbers) or 'none'}"
        )
    if asked:
        return asked
    likely = [name for name in numbers if not _NAMED_PLACE.fullmatch(name)]
    named = [name for name in likely if name.lower() in _NAMED_TARGET]
    chosen = likely if len(likely) == 1 else named
    if len(chosen) != 1:
        raise UsageError(
            f"--table {table}: which column is to be predicted? Columns of numbers: "
            f"{', '.join(numbers) or 'none'}; name it by --target"
        )
    return chosen


def _split_column(whole: Mapping[str, NDArray[np.generic]]) -> tuple[str, dict[str, str]]:
    """Return the column that says train, val and test in any of their spellings."""
    for name, values in whole.items():
        if values.dtype.kind in "iuf":
            continue
        found = [str(value) for value in pd.unique(values.astype(str))[:_MOST_PARTS]]
        try:
            codes = sd.splits.as_codes(np.array(found), len(found))
        except sd.SeqdataError:
            continue
        words = {code: word for word, code in SPLITS.items()}
        parts = {value: words[int(code)] for value, code in zip(found, codes, strict=True)}
        if len(found) > 1 and "train" in parts.values():
            return name, parts
    return "", {}


def _shared(letters: Sequence[str]) -> int:
    """Return how many rows of a random split have their like in another part of it."""
    import xarray as xr

    width = max(map(len, letters))
    array = np.array([text.upper().ljust(width, "\0") for text in letters], f"S{width}")
    rows = array.view("S1").reshape(len(letters), width)
    ds = xr.Dataset({"seq": (("_sequence", "_length"), rows)})
    found = sd.splits.leakage(ds, sd.splits.random(ds, seed=0))
    kinds = [found.get(kind) for kind in ("duplicates", "near_duplicates")]
    return max(sum(kind.values()) if isinstance(kind, dict) else 0 for kind in kinds)


def look_at_signal(files: Sequence[str], contigs: Sequence[str]) -> list[str]:
    """Return the strand of each signal file by its name; empty where they have none.

    Parameters
    ----------
    files : sequence of str
        BigWig files.
    contigs : sequence of str
        Contigs of the peaks.

    Returns
    -------
    list of str
        ``"+"`` and ``"-"``.

    Raises
    ------
    UsageError
        Where a file has no signal on any contig of the peaks.
    """
    for file in files:
        sizes = sd.BigWig("cov", [file], [Path(file).name]).contigs()
        if not set(contigs) & set(sizes):
            raise UsageError(
                f"--bigwig {file}: it holds none of the contigs of the peaks"
                f"{contig_hint(contigs[0], sizes)}"
            )
    names = [Path(file).name.removesuffix(".gz").rsplit(".", 1)[0] for file in files]
    strands = ["+" if _PLUS.search(name) else "-" if _MINUS.search(name) else "" for name in names]
    return strands if len(files) > 1 and sorted(set(strands)) == ["+", "-"] else []
