"""Table of what a network loses without the places of a motif."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.report._blocks import Section, number
from eugene.report._words import score_unit

if TYPE_CHECKING:
    from eugene._folder import RunFolder

EFFECTS = "interpretation/motif_effects.csv"
MOTIFS, SEQUENCES, DRAWS = 8, 100, 10
"""Most motifs, most sequences of each, and how often the letters of a place are shuffled."""


def show_effects(section: Section, run: RunFolder) -> None:
    """Add what each motif does to the output, and where it stands."""
    if not (run / EFFECTS).is_file():
        return
    table = run.table(EFFECTS)
    if table.empty:
        return
    section.heading("What a motif does where it stands")
    section.text(
        "All places of a motif in a sequence are replaced by their own letters in shuffled order "
        f"({DRAWS} times, averaged), and the output is predicted again. Below zero: the network "
        "loses something without the motif. The change is in "
        f"{score_unit(run) or 'units of the output'}, with a 95 % bootstrap interval over "
        f"sequences; at most {MOTIFS} motifs, and of each the {SEQUENCES} sequences with the "
        "highest predictions. These sequences and places were chosen by prediction and "
        "attribution, so the changes are not those of any sequence. "
        "Places are median and quartiles of the middle of a place, in bp from the middle of the "
        "sequence."
    )
    keys = [key for key in ("output", "motif", "accession") if key in table]
    first = len(keys)
    section.table(
        (*keys, "sequences with it", "place (bp)", "quartiles", "sequences changed",
         "mean change", "95 % interval"),
        [
            (*(row[key] for key in keys), number(int(row["sequences"])), f"{row['position']:+.1f}",
             f"{row['position_q25']:+.1f} to {row['position_q75']:+.1f}", number(int(row["n"])),
             f"{row['change']:+.3g}", f"{row['low']:+.3g} to {row['high']:+.3g}")
            for row in table.to_dict("records")
        ],
        numbers=(first, first + 1, first + 3, first + 4),
    )  # fmt: skip
    section.links([(EFFECTS, "effects of the motifs, as a table")])
