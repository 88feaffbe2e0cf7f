"""Motifs of attributions, by TF-MoDISco."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Part, step
from eugene._verb import LATER, OF_INPUT, Verb, motif_db, out
from eugene.config.marks import Least, Names
from eugene.report._blocks import Section, number
from eugene.report._motifs import MEME, file_of
from eugene.report._words import explained_output

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_MOST = 12
_FORM = "hypothetical"
_COLUMNS = ("target", "accession", "p_value", "p_bonferroni", "strand")
MEMBERS, MATCHES, _PAGE = (
    f"interpretation/{name}" for name in ("seqlets.csv", "modisco_matches.csv", "modisco.html")
)
ATTRIBUTED = "interpretation/modisco.zarr"
_FILES = {
    _PAGE: "patterns of TF-MoDISco beside known motifs",
    MEME: "patterns of TF-MoDISco as motifs",
    MATCHES: "known motifs that each pattern of TF-MoDISco resembles",
    MEMBERS: "seqlets of the patterns of TF-MoDISco",
}


def _labels(run: RunFolder) -> list[str]:
    """Return the outputs whose patterns there are; "" for that of a network with one kind."""
    folders = (run / MEMBERS).parent.glob("*/seqlets.csv")
    return ["", *sorted(found.parent.name for found in folders)]


def _show(section: Section, run: RunFolder) -> None:
    """Show the patterns that TF-MoDISco found beside known motifs, with links to its own page."""
    for label in _labels(run):
        _show_output(section, run, label)


def _show_output(section: Section, run: RunFolder, label: str) -> None:
    """Show the patterns in the attributions of one output."""
    from eugene.report._logos import SIGNIFICANT, significant

    table, matches = run.table(file_of(label, MEMBERS)), run.table(file_of(label, MATCHES))
    if not (run / file_of(label, MEME)).is_file() and table.empty:
        if label:
            section.text(f"TF-MoDISco found no pattern in the attributions of {_words(label)}.")
        return
    if label:
        section.heading(f"Patterns in the attributions of {_words(label)}")
    if table.empty:
        section.text("TF-MoDISco found no pattern in the attributions.")
    else:
        key = next(c for c in ("pattern", "motif", "sequence") if c in table)
        counts = table[key].value_counts()
        section.text(
            f"{number(len(counts))} patterns of {number(len(table))} seqlets in the attributions."
            f"{explained_output(run, 'modisco')}"
        )
        matches = significant(matches)
        section.text(
            f"{matches['query'].nunique() if len(matches) else 0} of {number(len(counts))} "
            f"patterns resemble a known motif (q of {SIGNIFICANT:g} or less); only these matches "
            "are results."
        )
        _pictures(section, run, matches, label)
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
    files = {file_of(label, name): what for name, what in _FILES.items()}
    section.links([(name, what) for name, what in files.items() if (run / name).is_file()])


def _words(label: str) -> str:
    return label.replace("_", " of ", 1)


def _pictures(section: Section, run: RunFolder, matches: pd.DataFrame, label: str) -> None:
    """Draw the patterns."""
    meme = run / file_of(label, MEME)
    if not meme.is_file():
        return
    import seqpro as sp
    from eugene.report._logos import gallery

    section.figures([
        gallery(
            sp.motifs.read(meme), matches, run.settings("interpret.modisco"),
            name=f"modisco_{label}" if label else "modisco", folder=run.figures, most=_MOST,
            alt="Logos of the patterns of TF-MoDISco, each over the known motif that it resembles",
            caption="Above a pattern, below its best match, aligned; letter heights in bits."
            if len(matches)
            else "The patterns; none resembles a known motif. Letter heights in bits.",
        )
    ])  # fmt: skip


@step(
    extra="modisco",
    split="test",
    writes={**_FILES, ATTRIBUTED: "attributions that TF-MoDISco read"},
    report=(Part("modisco", "TF-MoDISco", _show),),
    verb=Verb(
        "modisco",
        "find the motifs that attributions are made of, by TF-MoDISco (needs the extra 'modisco')",
        "eugene modisco runs/first --interpret.modisco.window 200",
        "eugene.cli._seqlets:modisco",
        options=(
            *OF_INPUT,
            motif_db("modisco"),
            out("folder for the patterns of --input", "DIR"),
            *LATER,
        ),
        show=lambda run: [f"patterns: {run / _PAGE}"],
    ),
)
def modisco(
    run: Run,
    *,
    method: Annotated[str, Names("attributions")] = "deep_lift_shap",
    split: Literal["train", "val", "test"] | None = "test",
    max_sequences: Annotated[int | None, Least(1)] = 5000,
    references: Annotated[str, Names("references")] = "dinuc_shuffle",
    n_references: Annotated[int, Least(1)] = 20,
    target: int | str | Sequence[int | str] | None = None,
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
    target : int, str or list of them
        Outputs that are explained; ``null`` for the first, and for counts and profile of every
        task of a profile network, whose files lie in a folder of each.
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
        Motifs to compare with: ``embedded``, a curated set such as ``jaspar_fungi``, or a file.
    """
    import numpy as np

    from eugene._optional import require

    require("modiscolite", extra="modisco")
    chosen = np.sort(run.best_rows(split, max_sequences, target=target))
    logger.info("modisco: %d sequences by %s", len(chosen), method)
    found = run.explain(
        chosen,
        run.folder / ATTRIBUTED,
        methods=(method,),
        references=references,
        n_references=n_references,
        target=target,
        batch_size=batch_size,
        hypothetical=True,
    )
    tables = patterns(
        found,
        lambda label: (run.folder / file_of(label, MEME)).parent,
        motif_db=motif_db,
        name=run.config.name,
        progress=run.progress,
        window=window,
        max_seqlets=max_seqlets,
        min_seqlets=min_seqlets,
        n_leiden_runs=n_leiden_runs,
        target_fdr=target_fdr,
    )
    for label, matches in tables.items():
        run.folder.write_table(file_of(label, MATCHES), matches)


def patterns(
    found: xr.Dataset,
    folder: Callable[[str], Path],
    *,
    motif_db: str,
    name: str,
    progress: bool,
    window: int | None,
    max_seqlets: int,
    min_seqlets: int,
    n_leiden_runs: int,
    target_fdr: float,
) -> dict[str, pd.DataFrame]:
    """Search attributions of each output for patterns, and write them into its folder.

    Parameters
    ----------
    found : xarray.Dataset
        Hypothetical attributions.
    folder : callable
        Gives the folder for the label of an output.
    motif_db : str
        Motifs to compare with.
    name : str
        What was explained, for the title of the page.
    progress : bool
        Whether to show how far it is.
    window, max_seqlets, min_seqlets, n_leiden_runs, target_fdr
        As of the step `modisco`.

    Returns
    -------
    dict of str to DataFrame
        Matches of the patterns of each output, where there are patterns.
    """
    import seqexplainer as se
    from eugene import interpret
    from eugene.interpret._spans import write_patterns
    from seqexplainer.modisco import NothingToClusterError, Patterns

    database = interpret.read_motifs(motif_db)
    tables = {}
    names = [str(v) for v in found.data_vars if found[v].attrs.get("form") == _FORM]
    for variable in names:
        label = str(found[variable].attrs.get("label", ""))
        of = f", {_words(label)}" if label else ""
        meme = folder(label) / Path(MEME).name
        try:
            ds = interpret.modisco_sdata(
                found,
                variable,
                out=meme.parent,
                motif_db=database,
                title=f"TF-MoDISco patterns of {name}{of}",
                copy=True,
                verbose=progress,
                window=window,
                max_seqlets=max_seqlets,
                min_seqlets=min_seqlets,
                n_leiden_runs=n_leiden_runs,
                target_fdr=target_fdr,
            )
        except NothingToClusterError as error:
            # another output may have patterns all the same
            logger.warning("modisco%s: %s", of, error)
            write_patterns(Patterns((), (0, 0)), meme.parent)
            continue
        if meme.is_file():
            tables[label] = se.annotate_pfms(meme, database, top=3)
        counts = interpret.hits_table(ds, "modisco")["motif"].value_counts()
        logger.info("modisco%s: %d patterns of %d seqlets", of, len(counts), int(counts.sum()))
    return tables
