"""Motifs of attributions, by TF-MoDISco."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from eugene.report._blocks import Section, number
from eugene.report._words import explained_output
from eugene._step import Part, step

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_MOST_MOTIFS = 20
_FILES = {
    "interpretation/modisco.html": "patterns of TF-MoDISco beside known motifs",
    "interpretation/modisco.meme": "patterns of TF-MoDISco as motifs",
    "interpretation/seqlets.csv": "seqlets of the patterns of TF-MoDISco",
}


def _show(section: Section, run: RunFolder) -> None:
    """Show the patterns that TF-MoDISco found, with links to its own page."""
    page, meme, seqlets = _FILES
    table = run.table(seqlets)
    if not (run / meme).is_file() and table.empty:
        return
    if table.empty:
        section.text("TF-MoDISco found no pattern in the attributions.")
    else:
        key = next(c for c in ("pattern", "motif", "sequence") if c in table)
        counts = table[key].value_counts()
        section.text(
            f"{number(len(counts))} patterns of {number(len(table))} seqlets in the attributions."
            f"{explained_output(run, 'modisco')}"
        )
        section.table(
            (key, "seqlets"),
            [(str(k), number(int(n))) for k, n in counts.head(_MOST_MOTIFS).items()],
            numbers=(1,),
        )
    section.links([(name, what) for name, what in _FILES.items() if (run / name).is_file()])


@step(
    extra="modisco",
    split="test",
    writes={**_FILES, "interpretation/modisco.zarr": "attributions that TF-MoDISco read"},
    report=(Part("modisco", "TF-MoDISco", _show),),
)
def modisco(
    run: Run,
    *,
    method: str = "deep_lift_shap",
    split: Literal["train", "val", "test"] | None = "test",
    max_sequences: int | None = 5000,
    references: str = "dinuc_shuffle",
    n_references: int = 20,
    target: int | str = 0,
    batch_size: int = 128,
    window: int | None = 400,
    max_seqlets: int = 20000,
    min_seqlets: int = 20,
    n_leiden_runs: int = 50,
    target_fdr: float = 0.2,
    motif_db: str = "embedded",
) -> None:
    """Find motifs in attributions with TF-MoDISco; needs the extra ``modisco``.

    Parameters
    ----------
    run : Run
        A trained run.
    method : str
        Attribution method.
    split : str
        The rows to choose from; ``null`` takes every row.
    max_sequences : int
        So many rows with the highest prediction; ``null`` for all.
    references : str
        What sequences are compared with, for the methods that need it.
    n_references : int
        References a sequence.
    target : int or str
        Output that is explained.
    batch_size : int
        Sequences at a time.
    window : int
        Central positions to search in bp; ``null`` searches everything.
    max_seqlets : int
        Most seqlets of either sign.
    min_seqlets : int
        Fewest seqlets of a pattern.
    n_leiden_runs : int
        Runs of the clustering, of which the best is taken.
    target_fdr : float
        False discovery rate of seqlets.
    motif_db : str
        Motifs to compare with: ``embedded`` or a file.
    """
    import numpy as np

    from eugene import interpret
    from eugene._optional import require

    require("modiscolite", extra="modisco")
    chosen = np.sort(run.best_rows(split, max_sequences, target=target))
    logger.info("modisco: %d sequences by %s", len(chosen), method)
    found = run.explain(
        chosen,
        run.folder.interpretation / "modisco.zarr",
        methods=(method,),
        references=references,
        n_references=n_references,
        target=target,
        batch_size=batch_size,
        hypothetical=True,
    )
    ds = interpret.modisco_sdata(
        found,
        out=run.folder.interpretation,
        motif_db=interpret.read_motifs(motif_db),
        title=f"TF-MoDISco patterns of {run.config.name}",
        verbose=run.progress,
        window=window,
        max_seqlets=max_seqlets,
        min_seqlets=min_seqlets,
        n_leiden_runs=n_leiden_runs,
        target_fdr=target_fdr,
    )
    counts = interpret.hits_table(ds, "modisco")["motif"].value_counts()
    logger.info("modisco: %d patterns of %d seqlets", len(counts), int(counts.sum()))
