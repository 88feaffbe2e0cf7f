"""The table of motifs: who found each, where it stands, what the network loses without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from eugene.report._blocks import Picture, Section, number
from eugene.report._small import small_histogram, small_logo
from eugene.report._words import label_unit

if TYPE_CHECKING:
    import pandas as pd

    from eugene._folder import RunFolder
    from seqexplainer.evidence import MotifRow
    from seqpro.motifs import MotifSet

FILE = "interpretation/motif_table.csv"
MEME = "interpretation/modisco.meme"
PATTERNS = "TF-MoDISco"
DRAWS, SEQUENCES, MOTIFS = 10, 100, 12
"""How often the letters of a place are shuffled, and most sequences and motifs with effects."""
_MOST, _LISTED = 24, 3
_NONE = "–"


def file_of(label: str, file: str) -> str:
    """Return where a file of patterns lies that is of the output of this label."""
    return file.replace("/", f"/{label}/", 1) if label else file


def show_motifs(section: Section, run: RunFolder) -> None:
    """Add the table, and in words what its columns are."""
    table = run.table(FILE)
    if table.empty:
        if (run / FILE).is_file():
            section.text(
                "No motif: no seqlet, pattern or filter resembles a known motif significantly, "
                "and TF-MoDISco, if it was done, found no pattern."
            )
        return
    _explain(section, run, table)
    outputs = list(dict.fromkeys(table["output"].astype(str))) if "output" in table else [""]
    if any(output.startswith("profile") for output in outputs):
        section.text(
            "Of a profile what is explained, and changes, is its score: the mean of its logits, "
            "centred and weighted by the predicted profile."
        )
    logos = _Logos(run)
    for output in outputs:
        part = table[table["output"].astype(str) == output] if output else table
        if output:
            section.heading(f"Motifs of {output.replace('_', ' of ', 1)}")
        rows = cast("list[MotifRow]", part.to_dict("records"))
        unit = label_unit(run, output)
        section.table(
            ("motif", "found by", "logo", "places", "where (bp)", "along the sequence",
             f"contribution ({unit})", f"change without it ({unit})"),
            [_cells(row, logos, output, run) for row in rows],
            numbers=(6,),
            shown=_MOST,
        )  # fmt: skip
        if len(rows) > _MOST:
            section.text(f"The first {_MOST} of {len(rows)} motifs; the files have all of them.")
    section.links([(FILE, "the whole table")])


def _explain(section: Section, run: RunFolder, table: pd.DataFrame) -> None:
    """Say how the numbers were made."""
    from eugene.report._logos import SIGNIFICANT
    from seqexplainer.evidence import SCANNED

    section.text(
        "One row a motif, whoever found it: filters of the first convolution, stretches of high "
        "attribution (seqlets), or patterns of TF-MoDISco, if they resemble the same known motif "
        f"(TomTom, q of {SIGNIFICANT:g} or less; p and q are those of the surest match). Patterns "
        "that resemble none have a row under their own name. Motifs whose attributions lower the "
        "output (-) and raise it (+) are two rows."
    )
    words = (
        "Places are those of seqlets; where seqlets have none, the columns of large contribution "
        "in the members of a TF-MoDISco pattern. Where is the median of their middles, and the "
        "quartiles, in bp from the middle of the sequence; the picture counts them along it. "
        "Contribution is the mean over places of the summed attribution."
    )
    if (table["places_by"] == SCANNED).any():
        words += (
            " Motifs that filters alone found are looked for by their letters (FIMO, p < 1e-4, "
            "both strands) in the sequences that are explained; such places need not be used by "
            "the network."
        )
    section.text(words)
    section.text(
        "Change without it: all places of a motif in a sequence are replaced by their own letters "
        f"in shuffled order ({DRAWS} times, averaged) and the output is predicted again; the mean "
        f"over at most {SEQUENCES} sequences that have the motif, those with the highest "
        "predictions first, with a 95 % bootstrap interval over sequences. Below zero: the network "
        f"loses something without the motif. Of at most {MOTIFS} motifs an output. Sequences and "
        "places were chosen by prediction and attribution, so the changes are not those of any "
        "sequence."
    )


def _cells(row: MotifRow, logos: _Logos, output: str, run: RunFolder) -> tuple[object, ...]:
    """Return the cells of a motif."""
    from seqexplainer.evidence import SCANNED

    name = str(row["motif"])
    sign = _text(row["sign"])
    said = f"{name} ({sign})" if sign else name
    if _text(row["accession"]):
        known = "" if row["accession"] == name else f" {row['accession']}"
        said += f"{known}, {row['database']}: p {_p(row['p_value'])}, q {_p(row['q_value'])}"
    else:
        said += ", like no known motif"
    counts = [int(count) for count in _text(row["per_bin"]).split()]
    length = run.read("data.json").get("input_len")
    along: str | Picture = _NONE
    where = contribution = _NONE
    if row["places"]:
        low, high = row["position_q25"], row["position_q75"]
        where = f"{row['position']:+.0f} ({low:+.0f} to {high:+.0f})"
        along = small_histogram(counts, name=name, length=length)
        contribution = _signed(row["contribution"])
    places = (
        f"{number(int(row['places']))} in {number(int(row['sequences']))} of "
        f"{number(int(row['searched']))} sequences"
    )
    if row["places_by"] == SCANNED:
        places += " (by letters)"
    by = "; ".join(_shortened(part) for part in _text(row["found_by"]).split("; "))
    picture = logos.of(row, output) or _NONE
    return said, by, picture, places, where, along, contribution, _change(row)


def _change(row: MotifRow) -> str:
    """Return what is lost without a motif, with the interval, or why it is not there."""
    why = _text(row["why"])
    if not row["n"]:
        return f"{_NONE} ({why})" if why else _NONE
    change = _signed(row["change"])
    if why:
        return f"{change} ({why})"
    low, high = _signed(row["low"]), _signed(row["high"])
    return f"{change} ({low} to {high}), {number(int(row['n']))} sequences"


def _shortened(found_by: str) -> str:
    """Return a method with the first of its names for a motif."""
    method, colon, names = found_by.partition(": ")
    listed = names.split()
    if len(listed) <= _LISTED:
        return found_by
    return f"{method}{colon}{' '.join(listed[:_LISTED])} and {len(listed) - _LISTED} more"


def _text(value: object) -> str:
    """Return a cell of a file as text; an empty one is read as no number."""
    return value if isinstance(value, str) else ""


def _signed(value: float) -> str:
    return _NONE if value != value else f"{value:+.3g}"


def _p(value: float) -> str:
    return _NONE if value != value else f"{value:.1e}"


class _Logos:
    """Finds and draws what a motif looks like: a pattern as it was found, else the known motif."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._read: dict[str, MotifSet] = {}

    def of(self, row: MotifRow, output: str) -> Picture | None:
        """Return the logo of a row, or None where its motifs cannot be read any more."""
        label, accession = _text(row["label"]), _text(row["accession"])
        for folder in dict.fromkeys((output, "")):
            meme = self._run / file_of(folder, MEME)
            if label and row["places_by"] == PATTERNS and meme.is_file():
                return self._drawn(str(meme), label, f"{label} of {PATTERNS}")
        return self._drawn(_text(row["database"]), accession, str(row["motif"]))

    def _drawn(self, source: str, key: str, name: str) -> Picture | None:
        from eugene.errors import EugeneError
        from eugene.interpret import read_motifs

        if not source or not key:
            return None
        if source not in self._read:
            try:
                self._read[source] = read_motifs(source)
            except (EugeneError, OSError):
                return None
        found = [m for m in self._read[source] if key in (m.accession, m.name)]
        if not found:
            return None
        return small_logo(found[0], name=name)
