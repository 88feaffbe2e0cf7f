"""The kinds of runs that ``eugene init`` writes a file of, and the options of each."""

from __future__ import annotations

from typing import NamedTuple

from eugene._verb import Option


class Kind(NamedTuple):
    """What a kind of run needs, what it can take, and the files of an example."""

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    example: str


KINDS = {
    "chip": Kind(
        ("peaks", "genome"),
        ("blacklist", "width", "motif_db"),
        "--peaks peaks.bed --genome genome.fa",
    ),
    "promoters": Kind(
        ("table",), ("fasta", "seq_col", "target", "motif_db"), "--table promoters.tsv"
    ),
    "profile": Kind(
        ("peaks", "genome", "bigwig"),
        ("blacklist", "control", "width"),
        "--peaks peaks.bed --genome genome.fa --bigwig reads.bw",
    ),
}


def example(kind: str) -> str:
    """Return a call that writes the file of a kind of run."""
    return f"eugene init {kind} {KINDS[kind].example} --out {kind}.yaml"


def _option(name: str, what: str, metavar: str, *, many: bool = False) -> Option:
    """Return an option that says which kinds of runs have it."""
    of = ", ".join(kind for kind, one in KINDS.items() if name in (*one.needs, *one.takes))
    return Option(f"--{name}", f"{of}: {what}", metavar, many=many)


OPTIONS = (
    _option("peaks", "BED, narrowPeak or broadPeak file", "FILE"),
    _option("genome", "FASTA file that the peaks lie on", "FILE"),
    _option("bigwig", "reads of each position; one file a strand", "FILE", many=True),
    _option("control", "reads of the control", "FILE"),
    _option("blacklist", "regions to keep away from", "FILE"),
    _option("table", "CSV, TSV or Parquet with what was measured", "FILE"),
    _option("fasta", "the sequences, where the table has none", "FILE"),
    _option("seq_col", "column of the sequences", "NAME"),
    _option("target", "columns to predict, with commas", "NAMES"),
    _option("width", "bp of a window; of what is predicted for profiles", "N"),
    _option("motif_db", "embedded, a set such as jaspar_fungi, a file", "SET"),
)
"""Options of ``eugene init`` beside those of every verb."""
FILES = tuple(option.name for option in OPTIONS if option.metavar == "FILE" and not option.many)
