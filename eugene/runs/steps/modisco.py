"""Motifs of attributions, by TF-MoDISco."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Part, step
from eugene.config.marks import Least, Names
from eugene.report._blocks import Section, number
from eugene.report._words import explained_output

if TYPE_CHECKING:
    import pandas as pd

    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_MOST = 12
_COLUMNS = ("target", "accession", "p_value", "p_bonferroni", "strand")
_MEME, _SEQLETS, _MATCHES, _PAGE = (
    f"interpretation/{name}"
    for name in ("modisco.meme", "seqlets.csv", "modisco_matches.csv", "modisco.html")
)
_FILES = {
    _PAGE: "patterns of TF-MoDISco beside known motifs",
    _MEME: "patterns of TF-MoDISco as motifs",
    _MATCHES: "known motifs that each pattern of TF-MoDISco resembles",
    _SEQLETS: "seqlets of the patterns of TF-MoDISco",
}


def _show(section: Section, run: RunFolder) -> None:
    """Show the patterns that TF-MoDISco found beside known motifs, with links to its own page."""
    table, matches = run.table(_SEQLETS), run.table(_MATCHES)
    if not (run / _MEME).is_file() and table.empty:
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
        _pictures(section, run, matches)
        best = {}
        if len(matches):
            best = {row["query"]: row for row in matches[matches["rank"] == 1].to_dict("records")}
        section.table(
            (key, "seqlets", "best match", "accession", "p", "p (Bonferroni)", "strand"),
            [
                (str(name), number(int(n)), *(number(best.get(name, {}).get(c)) for c in _COLUMNS))
                for name, n in counts.head(_MOST).items()
            ],
            numbers=(1, 4, 5),
        )
    section.links([(name, what) for name, what in _FILES.items() if (run / name).is_file()])


def _pictures(section: Section, run: RunFolder, matches: pd.DataFrame) -> None:
    """Draw the patterns."""
    if not (run / _MEME).is_file():
        return
    import seqpro as sp
    from eugene.report._logos import gallery

    section.figures([
        gallery(
            sp.motifs.read(run / _MEME), matches, run.settings("interpret.modisco"),
            name="modisco", folder=run.figures, most=_MOST,
            alt="Logos of the patterns of TF-MoDISco, each over the known motif that it resembles",
            caption="Above a pattern, below its best match, aligned; letter heights in bits.",
        )
    ])  # fmt: skip


@step(
    extra="modisco",
    split="test",
    writes={**_FILES, "interpretation/modisco.zarr": "attributions that TF-MoDISco read"},
    report=(Part("modisco", "TF-MoDISco", _show),),
)
def modisco(
    run: Run,
    *,
    method: Annotated[str, Names("attributions")] = "deep_lift_shap",
    split: Literal["train", "val", "test"] | None = "test",
    max_sequences: Annotated[int | None, Least(1)] = 5000,
    references: Annotated[str, Names("references")] = "dinuc_shuffle",
    n_references: Annotated[int, Least(1)] = 20,
    target: int | str = 0,
    batch_size: Annotated[int, Least(1)] = 128,
    window: Annotated[int | None, Least(1)] = 400,
    max_seqlets: Annotated[int, Least(1)] = 20000,
    min_seqlets: Annotated[int, Least(1)] = 20,
    n_leiden_runs: Annotated[int, Least(1)] = 50,
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

    import seqexplainer as se
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
    database = interpret.read_motifs(motif_db)
    ds = interpret.modisco_sdata(
        found,
        out=run.folder.interpretation,
        motif_db=database,
        title=f"TF-MoDISco patterns of {run.config.name}",
        verbose=run.progress,
        window=window,
        max_seqlets=max_seqlets,
        min_seqlets=min_seqlets,
        n_leiden_runs=n_leiden_runs,
        target_fdr=target_fdr,
    )
    if (run.folder / _MEME).is_file():
        run.folder.write_table(_MATCHES, se.annotate_pfms(run.folder / _MEME, database, top=3))
    counts = interpret.hits_table(ds, "modisco")["motif"].value_counts()
    logger.info("modisco: %d patterns of %d seqlets", len(counts), int(counts.sum()))
