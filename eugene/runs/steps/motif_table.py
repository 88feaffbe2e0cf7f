"""One table of the motifs that seqlets, TF-MoDISco and filters found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._step import Part, step
from eugene.report._motifs import FILE, show_motifs

if TYPE_CHECKING:
    from eugene.runs._run import Run


@step(
    along=("seqlets", "modisco", "filters"),
    again=True,
    writes={FILE: "motifs: who found each, where it stands, what the network loses without it"},
    report=(Part("motifs", "Motifs", show_motifs),),
)
def motif_table(run: Run) -> None:
    """Join what was found of motifs, and measure what the network loses without each.

    Parameters
    ----------
    run : Run
        A trained run with seqlets, patterns of TF-MoDISco, or filters.
    """
    from eugene.runs._motifs import motif_table

    run.folder.write_table(FILE, motif_table(run))
