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
_ROWS_LOOKED_AT, _MOST_PARTS, _MOST_WORDS = 1000, 20, 5
FEWEST, FEW = 10, 300
"""Rows that can be dealt into three parts at all, and below which a network is worth little."""


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
    table = sd.readers.read_bedlike(peaks)
    sizes = sd.GenomeFASTA("seq", genome, on_unknown="n").contigs()
    found = table["chrom"].value_counts()
    unknown = [str(name) for name in found.index if name not in sizes]
    if unknown:
        raise UsageError(
            f"--peaks {peaks}: {len(unknown)} of the {len(found)} contigs that it names are not in "
            f"{genome}, such as {unknown[0]!r}.{contig_hint(unknown[0], sizes)}"
            f"{_renaming(unknown, sizes, peaks)}"
            f"{' Or leave their peaks out.' if len(unknown) < len(found) else ''}"
        )
    _require_enough(int(found.sum()), f"--peaks {peaks}", "peak")
    summits = int((table["peak"] >= 0).sum()) if "peak" in table else 0
    return Peaks(
        {name: int(found[name]) for name in sizes if name in found.index},
        int((table["chromEnd"] - table["chromStart"]).median()),
        summits,
        sum(sizes.values()),
    )


def _renaming(unknown: Sequence[str], sizes: Mapping[str, int], peaks: str) -> str:
    """Return a line of shell that renames the contigs of plain text; empty where none does."""
    if peaks.endswith(".gz"):
        return ""
    for rule, renamed in (
        ("s/^/chr/", [f"chr{name}" for name in unknown]),
        ("s/^chr//", [name.removeprefix("chr") for name in unknown]),
    ):
        if all(name in sizes for name in renamed):
            return f" Of a file without a header: sed '{rule}' {peaks} > renamed.bed"
    return ""


def _require_enough(n: int, where: str, what: str) -> None:
    if n < FEWEST:
        raise UsageError(
            f"{where}: {n} {what}{'s' if n != 1 else ''} cannot be dealt into rows to train, "
            f"validate and test on; at least {FEWEST} are needed, and some hundred to learn from"
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

    @property
    def size(self) -> str:
        """Lengths in words."""
        low, high = self.lengths
        return f"{low} bp" if low == high else f"{low} to {high} bp"

    @property
    def dealt(self) -> str:
        """How rows are dealt, in words; what the file calls validation may be the test."""
        if not self.split:
            if not self.shared:
                return "random"
            return (
                f"homology; {self.shared:,} rows of a random split would have their like in "
                "another part"
            )
        held = [value for value, part in self.parts.items() if part == "val"]
        told = f"column {self.split!r}"
        if "test" in self.parts.values() or not held:
            return told
        return f"{told}; its {', '.join(map(repr, held))} rows are the test rows"


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
    _require_table(table, list(whole))
    if fasta is None:
        seq = seq_col or _sequence_column(table, whole)
        _require_sequences(table, seq, whole[seq])
        letters = [str(value) for value in whole[seq]]
    else:
        seq, (ids, letters) = "", _records(fasta)
        lacking = [record for record in ids if record not in keys]
        if lacking:
            raise UsageError(
                f"--fasta {fasta}: {len(lacking):,} of its {len(ids):,} records are not in the "
                f"first column ({key!r}) of {table}, such as {lacking[0]!r}; that column names "
                "the records"
            )
    _require_enough(len(letters), f"--table {table}" if fasta is None else f"--fasta {fasta}",
                    "sequence")  # fmt: skip
    split, parts = _split_column(whole)
    numbers = [n for n, v in whole.items() if v.dtype.kind in "biuf" and n not in (seq, split)]
    texts = {n: v for n, v in whole.items() if n not in (*numbers, seq)}
    chosen = _target_columns(table, numbers, list(targets), texts)
    values = np.concatenate([np.asarray(whole[name], np.float64) for name in chosen])
    found = np.unique(values[~np.isnan(values)]).tolist()
    binary = set(found) <= {0.0, 1.0}
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


def _require_table(table: str, names: Sequence[str]) -> None:
    """Raise where the first line is no header, but that of a file which other options take."""
    if names[0].startswith(">"):
        raise UsageError(
            f"--table {table}: it looks like FASTA. --fasta takes the sequences, and --table what "
            "was measured of them, with the names of the records in the first column"
        )
    if len(names) >= 3 and names[1].isdigit() and names[2].isdigit():
        raise UsageError(
            f"--table {table}: it looks like BED, which has places and no sequences: "
            f"'eugene init chip --peaks {table} --genome genome.fa' begins with peaks"
        )


def _records(fasta: str) -> tuple[list[str], list[str]]:
    """Return the names of the records, and their letters."""
    from zarr.storage import MemoryStore

    reader = sd.FlatFASTA("seq", fasta, on_unknown="n")
    ds = sd.from_flat_files(reader, path=MemoryStore(), fixed_length=False).load()
    rows = [row.tobytes().rstrip(b"\0").decode() for row in ds["seq"].to_numpy()]
    return [str(name) for name in ds["id"].to_numpy()], rows


def _is_sequence(values: NDArray[np.generic]) -> bool:
    return not any(_strange(values[:_ROWS_LOOKED_AT]))


def _strange(values: NDArray[np.generic]) -> list[bool]:
    """Return which values are no sequences of 8 letters or more of ACGT, U and N."""
    return [len(v) < 8 or not set(v.upper()) <= set("ACGTUN") for v in map(str, values)]


def _require_sequences(table: str, name: str, values: NDArray[np.generic]) -> None:
    """Raise where most rows of a column hold something else; what a letter is, the run says."""
    strange = _strange(values[:_ROWS_LOOKED_AT])
    if sum(strange) > len(strange) / 2:
        shown = str(values[strange.index(True)])[:40]
        raise UsageError(
            f"--seq_col {name}: the column of {table} holds no sequences of ACGT, U or N: {shown!r}"
        )


def _sequence_column(table: str, whole: Mapping[str, NDArray[np.generic]]) -> str:
    found = [n for n, v in whole.items() if v.dtype.kind not in "biuf" and _is_sequence(v)]
    named = [name for name in found if name.lower() in _NAMED_SEQUENCE]
    chosen = named if len(found) > 1 else found
    if len(chosen) != 1:
        for name, values in whole.items() if not found else ():
            strange = _strange(values)
            if values.dtype.kind not in "biuf" and 0 < sum(strange) < len(strange) / 2:
                row = strange.index(True)
                raise UsageError(
                    f"--table {table}: column {name!r} holds sequences, but not in "
                    f"{sum(strange):,} of {len(strange):,} rows: the first is row {row + 1} below "
                    f"the header, with {str(values[row])[:40]!r}. Leave these rows out, or name "
                    "the column by --seq_col"
                )
        held = f"{', '.join(found)} hold" if found else "no column holds"
        raise UsageError(
            f"--table {table}: {held} sequences of ACGT, U or N (columns: {', '.join(whole)}); "
            "name the column by --seq_col"
        )
    return chosen[0]


def _target_columns(
    table: str,
    numbers: list[str],
    asked: list[str],
    texts: Mapping[str, NDArray[np.generic]],
) -> list[str]:
    listed = f"of numbers are: {', '.join(numbers) or 'none'}"
    for name in asked:
        if name in texts:
            raise UsageError(f"--target {name}: {_why_text(texts[name])}; {listed}")
        if name not in numbers:
            near = did_you_mean(name, numbers)
            hint = near if "did you mean" in near else ""
            raise UsageError(f"--target {name}: the column is not there{hint}; {listed}")
    if asked:
        return asked
    likely = [name for name in numbers if not _NAMED_PLACE.fullmatch(name)]
    named = [name for name in likely if name.lower() in _NAMED_TARGET]
    chosen = likely if len(likely) == 1 else named
    if len(chosen) != 1:
        words = [n for n in texts if n.lower() in _NAMED_TARGET] if not numbers else []
        hint = f"; {words[0]}: {_why_text(texts[words[0]])}" if words else "; name it by --target"
        raise UsageError(
            f"--table {table}: which column is to be predicted? Columns of numbers: "
            f"{', '.join(numbers) or 'none'}{hint}"
        )
    return chosen


def _why_text(values: NDArray[np.generic]) -> str:
    """Say why a column is no column of numbers, and what to write instead."""
    texts = pd.Series([str(value).strip() for value in values])
    text = texts[texts != ""]
    strange = text[pd.to_numeric(text, errors="coerce").isna()]
    if len(strange) < len(text) / 2:
        return (
            f"{len(strange):,} of its {len(texts):,} values are no numbers: the first is row "
            f"{strange.index[0] + 1} below the header, with {strange.iloc[0][:40]!r}. Leave a "
            "value that is missing empty"
        )
    words = sorted(set(text))
    shown = ", ".join(map(repr, words[:_MOST_WORDS])) + (", ..." * (len(words) > _MOST_WORDS))
    if len(words) == 2:
        return f"the column holds text ({shown}): write the two classes as 0 and 1"
    return f"the column holds text ({shown}), and numbers are needed"


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
                f"--bigwig {file}: it holds none of the contigs of the peaks."
                f"{contig_hint(contigs[0], sizes)}"
            )
    names = [Path(file).name.removesuffix(".gz").rsplit(".", 1)[0] for file in files]
    strands = ["+" if _PLUS.search(name) else "-" if _MINUS.search(name) else "" for name in names]
    return strands if len(files) > 1 and sorted(set(strands)) == ["+", "-"] else []
