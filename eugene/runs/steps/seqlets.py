"""Stretches of high attribution, named by the motifs that they resemble."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._table import delimited
from eugene._verb import LATER, OF_INPUT, Verb, motif_db, out
from eugene.config.marks import Least, Names
from eugene.report._blocks import Picture, Section, number
from eugene.report._rows import data_of, row_names
from eugene.report._words import explained_output

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from eugene._folder import RunFolder
    from eugene.config import RunConfig
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
FILE = "interpretation/annotated_seqlets.csv"
_MOST_MOTIFS, _MOST_ROWS, _MOST_DRAWN = 20, 10, 8


def _look(config: RunConfig, settings: Settings) -> Faults:
    """Yield a method that is none of those whose attributions there will be."""
    methods = config.section("interpret.attribute").get("methods") or ()
    if settings["method"] is not None and methods and settings["method"] not in methods:
        listed = ", ".join(methods)
        yield "method", f"{settings['method']} is none of those that attribute computes: {listed}"


def _show(section: Section, run: RunFolder) -> None:
    """Show which motifs the seqlets of the attributions resemble, and the strongest of them."""
    if not (run / FILE).is_file():
        return
    table = run.table(FILE)
    if table.empty:
        section.text("Seqlets were called on the attributions, and none was found.")
        return
    from eugene.report._logos import SIGNIFICANT

    named = _sure(table)
    section.text(
        f"{number(len(table))} stretches of high attribution (seqlets) in "
        f"{number(int(table['sequence'].nunique()))} sequences, {number(len(named))} of them like "
        f"a known motif (q of {SIGNIFICANT:g} or less; only these matches are results)."
        f"{explained_output(run, 'attribute')}"
    )
    # of a profile network each output has seqlets of its own
    keys = [key for key in ("output", "motif") if key in table]
    motifs = named.groupby(keys)["sequence"].agg(["size", "nunique"])
    motifs = motifs.sort_values("size", ascending=False, kind="stable").reset_index()
    section.table(
        (*keys, "seqlets", "sequences"),
        [
            (*(row[key] for key in keys), number(int(row["size"])), number(int(row["nunique"])))
            for row in motifs.head(_MOST_MOTIFS).to_dict("records")
        ],
        numbers=(len(keys), len(keys) + 1),
    )
    if len(motifs) > _MOST_MOTIFS:
        section.text(f"The {_MOST_MOTIFS} most frequent of {len(motifs)} motifs.")
    if len(motifs):
        section.figures([_picture(run, named["accession"].value_counts().index[:_MOST_DRAWN])])
    table = table.sort_values("attribution", key=lambda s: -s.abs(), kind="stable")
    section.heading("The strongest seqlets")
    _strongest(section, run, table.head(_MOST_ROWS))
    section.links([(FILE, "all seqlets, as a table")])


def _sure(table: pd.DataFrame) -> pd.DataFrame:
    """Return the seqlets whose matches are results: named, and significantly if that is known."""
    from eugene.report._logos import significant

    named = table[table["motif"] != "seqlet"]
    return significant(named) if "q_value" in named else named


def _strongest(section: Section, run: RunFolder, table: pd.DataFrame) -> None:
    """Show seqlets with the names of their sequences, and where in the genome they are."""
    placed = "contig" in table
    places = {"contig": "contig", "genome_start": "start", "genome_end": "end",
              "genome_strand": "strand"} if placed else {
        "start": "start", "end": "end", "strand": "strand"}  # fmt: skip
    names = {"output": "output", **places, "motif": "motif", "accession": "accession",
             "attribution": "attribution", "p_value": "p", "q_value": "q of the match"}  # fmt: skip
    sure = table.index.isin(_sure(table).index)
    table = table.assign(
        **{name: table[name].astype(object).where(sure, None) for name in ("motif", "accession")}
    )
    shown = table[[name for name in names if name in table]].rename(columns=names)
    if "index" in table:
        with data_of(run) as ds:
            shown.insert(0, "sequence", row_names(ds, table["index"].tolist()))
    section.frame(shown)


def _picture(run: RunFolder, accessions: Iterable[str]) -> Picture:
    """Draw the known motifs that most seqlets resemble."""
    from eugene.interpret import read_motifs
    from eugene.report._logos import gallery
    from seqpro.motifs import MotifSet

    settings = run.settings("interpret.seqlets")
    known = read_motifs(str(settings.get("motif_db", "embedded")))
    return gallery(
        MotifSet([known[accession] for accession in accessions]), None, settings,
        name="seqlets", folder=run.figures, most=_MOST_DRAWN,
        alt="Logos of the known motifs that most seqlets resemble",
        caption="The known motifs that most seqlets resemble; letter heights in bits.",
    )  # fmt: skip


def chosen_variables(ds: xr.Dataset, method: str | None) -> dict[str, str | None]:
    """Return the variable of attributions for each output that is explained, by its label."""
    from eugene.config import registries
    from eugene.report._logos import projected

    wanted = None if method is None else registries.ATTRIBUTIONS.resolve(method)
    found: dict[str, str | None] = {}
    for name in projected(ds):
        attrs = ds[name].attrs
        if "label" in attrs and wanted in (None, attrs.get("method")):
            found.setdefault(str(attrs["label"]), name)
    return found or {"": wanted}


@step(
    needs={"attribute": "attributions"},
    look=_look,
    writes={
        FILE: "seqlets of the attributions with the motifs that they resemble",
    },
    report=(Part("seqlets", "Seqlets", _show),),
    verb=Verb(
        "seqlets",
        "call stretches of high attribution, and name them by the motifs that they resemble",
        "eugene seqlets runs/first --out seqlets.tsv",
        "eugene.cli._seqlets:seqlets",
        options=(
            *OF_INPUT,
            motif_db("seqlets"),
            out("CSV or TSV file of the seqlets to write (as well)"),
            *LATER,
        ),
        suffixes=(".csv", ".tsv"),
        save=lambda run, path: _save(run, path),
        show=lambda run: [f"seqlets: {run / FILE}"],
    ),
)
def seqlets(
    run: Run,
    *,
    method: Annotated[str | None, Names("attributions")] = None,
    caller: Literal["recursive", "tfmodisco"] = "recursive",
    threshold: Annotated[float, Least(0)] = 0.005,
    motif_db: str = "embedded",
    max_q_value: Annotated[float, Least(0)] = 0.1,
) -> None:
    """Call seqlets on what ``attribute`` wrote, and name them by the motifs that they resemble.

    Parameters
    ----------
    run : Run
        A trained run with attributions; they get variables of the seqlets.
    method : str
        Attribution method; ``null`` takes the first of ``attribute``.
    caller : str
        recursive or tfmodisco.
    threshold : float
        Largest p-value of a recursive seqlet; false discovery rate of a tfmodisco one.
    motif_db : str
        Motifs to name them by: ``embedded``, a curated set such as ``jaspar_fungi``, or a file.
    max_q_value : float
        A match counts up to this q-value.
    """
    import seqdata as sd
    from eugene.interpret._hits import with_places

    ds = sd.open_zarr(run.folder.attributions)
    old = [name for name in ds.variables if str(name).split("_")[0] == "seqlets"]
    ds = ds.drop_vars(old)
    before = set(ds.variables)
    table, found = named_seqlets(
        ds, method, caller=caller, threshold=threshold, motif_db=motif_db, max_q_value=max_q_value
    )
    table = with_places(ds, table)
    if "output" in table:
        table.insert(0, "output", table.pop("output"))
    # a variable of a store is not replaced: where there were seqlets, the store is written anew
    new = found if old else found[[name for name in found.variables if name not in before]]
    sd.to_zarr(new, run.folder.attributions, mode="w" if old else "a")
    run.folder.write_table(FILE, table)


def named_seqlets(
    ds: xr.Dataset,
    method: str | None,
    *,
    caller: Literal["recursive", "tfmodisco"],
    threshold: float,
    motif_db: str,
    max_q_value: float,
) -> tuple[pd.DataFrame, xr.Dataset]:
    """Call seqlets on the attributions of a dataset, and name them.

    Parameters
    ----------
    ds : xarray.Dataset
        With projected attributions; it gets variables of the seqlets.
    method, caller, threshold, motif_db, max_q_value
        As of the step `seqlets`.

    Returns
    -------
    table : pandas.DataFrame
        One row a seqlet; of a network with several outputs ``output`` says which.
    ds : xarray.Dataset
        The same dataset.
    """
    import pandas as pd

    from eugene import interpret

    tuned: dict[str, Any] = {"threshold" if caller == "recursive" else "target_fdr": threshold}
    tables = []
    for label, variable in chosen_variables(ds, method).items():
        name = f"seqlets_{label}" if label else "seqlets"
        interpret.seqlets_sdata(
            ds,
            variable,
            caller=caller,
            motif_db=interpret.read_motifs(motif_db),
            max_q_value=max_q_value,
            name=name,
            **tuned,
        )
        table = interpret.hits_table(ds, name)
        named = (table["motif"] != "seqlet").sum()
        logger.info("%s: %d, %d of them named", name.replace("_", " of "), len(table), named)
        if label:
            table["output"] = label
        tables.append(table)
    return pd.concat(tables, ignore_index=True), ds


def _save(run: RunFolder, path: Path) -> None:
    """Write the seqlets as the name of a file says."""
    run.table(FILE).to_csv(path, sep=delimited(path), index=False)
