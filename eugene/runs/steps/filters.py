"""Filters of a convolution as motifs, beside the known motifs that they resemble."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._table import aligned
from eugene._verb import LATER, Option, Verb, out
from eugene.config.marks import Least
from eugene.errors import DoesNotApplyError, did_you_mean
from eugene.report._blocks import Section, number
from eugene.runs.steps.truth import add_truth, show_planted

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_MEME, _TABLE, MATCHES, _PAGE = (
    f"interpretation/{name}" for name in ("filters.meme", "filters.csv", "annotations.csv",
                                          "motifs.html")
)  # fmt: skip
_TOP_MATCHES, _MOST, _LINES = 10, 12, 10


def _fits(_: Run, arch: torch.nn.Module, settings: Settings) -> Faults:
    """Yield a layer that the network does not have."""
    layers = [name for name, _ in arch.named_modules() if name]
    if settings["layer"] is not None and settings["layer"] not in layers:
        hint = did_you_mean(settings["layer"], layers)
        yield "layer", f"the network has no layer {settings['layer']!r}{hint}"


def _lines(run: RunFolder) -> Iterator[str]:
    """Yield the surest matches and where the motifs are."""
    table = run.table(MATCHES)
    columns = ["filter", "target_name", "target_accession", "p_value", "p_bonferroni"]
    best = _best_matches(table).head(_LINES)[columns] if len(table) else table
    yield aligned(
        columns,
        [
            [f"{v:.2g}" if isinstance(v, float) else v for v in row]
            for row in best.itertuples(index=False)
        ],
    )
    yield f"motifs: {run / _MEME}"
    if (run / _PAGE).is_file():
        yield f"page:   {run / _PAGE}"


def _best_matches(matches: pd.DataFrame) -> pd.DataFrame:
    """Return the best match of each filter, the surest first."""
    if matches.empty:
        return matches
    return matches.sort_values(["p_value", "filter"], kind="stable").drop_duplicates("filter")


def _show(section: Section, run: RunFolder) -> None:
    """Show first-layer filters as motifs, beside the database motif that matches best."""
    if not (run / _MEME).is_file():
        return
    import seqpro as sp
    from eugene.interpret import FOUND_BELOW
    from eugene.report._logos import SIGNIFICANT, gallery, significant
    from seqpro.motifs import MotifSet

    table, matches = run.table(_TABLE), run.table(MATCHES)
    motifs = sp.motifs.read(run / _MEME)
    dead = int(table["dead"].sum()) if "dead" in table else 0
    section.text(
        f"{len(table)} filters of the first convolution, {dead} of them never active. The windows "
        "that excite a filter most are stacked into a position frequency matrix and compared with "
        "known motifs by TomTom (doi:10.1186/gb-2007-8-2-r24); p is corrected for all filters and "
        "motifs (Bonferroni)."
    )
    planted = run.read("interpretation/truth.json").get("planted_found", {})
    if planted:
        section.text(
            "A planted motif counts as found if it is the best match of some filter and the "
            f"corrected p is below {FOUND_BELOW:g}."
        )
        show_planted(section, planted, "filter")
    sure = significant(matches)
    best = _best_matches(sure)
    live = len(table) - dead
    section.text(
        f"{len(best)} of {live} active filters resemble a known motif (q of {SIGNIFICANT:g} or "
        "less). Only these matches are results; filters without one are in "
        f"{_TABLE}, and every match in annotations.csv."
    )
    if len(best):
        named = set(best["filter"].astype(str))
        motifs = MotifSet([motif for motif in motifs if motif.name in named])
    if len(motifs):
        names = {"filter": "query", "target_name": "target", "target_accession": "accession"}
        section.figures([
            gallery(
                motifs, sure.rename(columns=names), run.settings("interpret.filters"),
                name="filters", folder=run.figures, most=_MOST,
                alt="Logos of filters, each over the known motif that it resembles most",
                caption="Above a filter, below its best match, aligned; letter heights in bits."
                if len(best)
                else "Filters; none resembles a known motif. Letter heights in bits.",
            )
        ])  # fmt: skip
    rows = _rows(table, best) if len(best) else []
    if len(rows) > _MOST:
        section.text(
            f"The {_MOST} filters with the surest matches; {_TABLE} and annotations.csv hold all "
            "of them."
        )
    section.table(
        ("filter", "sites", "bits", "consensus", "best match", "accession", "p", "p (Bonferroni)",
         "strand"),
        rows[:_MOST],
        numbers=(1, 2, 6, 7),
    )  # fmt: skip


def _rows(table: pd.DataFrame, best: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return a table row a filter with a match, the surest first."""
    live = table[~table["dead"].astype(bool)].merge(best, "inner", on="filter")
    live = live.sort_values("p_value", kind="stable", na_position="last")
    shown = ("target_name", "target_accession", "p_value", "p_bonferroni", "strand")
    return [
        (str(row["filter"]), number(int(row["n_sites"])), number(float(row["ic_bits"]), 1),
         str(row["consensus"]), *(number(row.get(key)) for key in shown))
        for row in live.to_dict("records")
    ]  # fmt: skip


@step(
    fits=_fits,
    writes={
        _MEME: "filters as motifs",
        _TABLE: "filters: sites, information, consensus",
        MATCHES: "known motifs that each filter resembles",
        _PAGE: "filters beside the known motifs that they resemble",
    },
    report=(Part("filters", "Filters as motifs", _show),),
    verb=Verb(
        "motifs",
        "turn the filters of a convolution into motifs and annotate them",
        "eugene motifs runs/first --motif_db jaspar.meme",
        options=(
            Option(
                "--layer", "name of the convolution; the first if absent", "NAME",
                key="interpret.filters.layer",
            ),
            Option(
                "--motif_db", "embedded, or a MEME, JASPAR, HOMER or TRANSFAC file", "FILE",
                key="interpret.filters.motif_db",
            ),
            out("MEME file to write the motifs to as well"),
            *LATER,
        ),
        suffixes=(".meme", ".txt"),
        save=_MEME,
        show=_lines,
    ),
)  # fmt: skip
def filters(
    run: Run,
    *,
    layer: str | None = None,
    method: Literal["threshold", "top_n"] = "threshold",
    n: Annotated[int, Least(1)] = 100,
    threshold: float = 0.75,
    both_strands: bool = False,
    split: Literal["train", "val", "test"] = "test",
    max_sequences: Annotated[int | None, Least(1)] = 2000,
    motif_db: str = "embedded",
) -> None:
    """Turn the filters of a convolution into motifs.

    Parameters
    ----------
    run : Run
        A trained run.
    layer : str
        Name of the convolution, such as ``conv.2``; ``null`` takes the first.
    method : str
        threshold or top_n.
    n : int
        Windows a filter for top_n.
    threshold : float
        Fraction of the filter's largest activation for threshold.
    both_strands : bool
        Whether the reverse complements of the sequences are looked at as well.
    split : str
        Rows whose windows are collected.
    max_sequences : int
        At most so many of them.
    motif_db : str
        Motifs to compare with: ``embedded``, a curated set such as ``jaspar_fungi``, or a file.
    """
    import numpy as np

    import seqexplainer as se
    from eugene import interpret
    from seqpro.motifs import write_meme

    rows = run.rows(split) if max_sequences is None else run.best_rows(split, max_sequences)
    database = interpret.read_motifs(motif_db)
    logger.info("filters: windows of %d sequences", len(rows))
    try:
        found = interpret.filter_motifs(
            run.arch,
            run.one_hot(np.sort(rows)),
            database,
            layer=layer,
            method=method,
            n=n,
            threshold=threshold,
            both_strands=both_strands,
        )
    except se.filters.LayerError as error:
        if layer is not None:
            raise
        raise DoesNotApplyError(str(error)) from error
    folder = run.folder
    folder.write_table(_TABLE, found.table)
    folder.write_table(MATCHES, found.annotations[found.annotations["rank"] <= _TOP_MATCHES])
    write_meme(found.motifs, folder / _MEME)
    if len(found.motifs):
        known = database if len(found.annotations) else None
        se.motif_table(found.motifs, folder / _PAGE, known, title=f"Filters of {run.config.name}")
    planted = interpret.planted_motifs(run.data.ds)
    if planted:
        hits = interpret.planted_motifs_found(found.annotations, planted)
        add_truth(folder, planted_found=hits)
