"""Sections on what was found in attributions, and on every file of the interpretation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eugene.report._blocks import Section, number
from eugene.report._explain import _which
from eugene.report._folder import read_table

_MOST_MOTIFS, _MOST_ROWS = 20, 10
_WHAT = {
    "annotated_seqlets.csv": "seqlets of the attributions with the motifs that they resemble",
    "modisco.meme": "patterns of TF-MoDISco as motifs",
    "modisco.html": "patterns of TF-MoDISco beside known motifs",
    "modisco.zarr": "attributions that TF-MoDISco read",
    "seqlets.csv": "seqlets of the patterns of TF-MoDISco",
    "filters.meme": "filters as motifs",
    "filters.csv": "filters: sites, information, consensus",
    "annotations.csv": "known motifs that each filter resembles",
    "motifs.html": "filters beside the known motifs that they resemble",
    "positional.csv": "effect of each motif at each position",
    "evolution.csv": "sequences and scores, round by round",
    "truth.json": "agreement with what was planted",
    "control.json": "what the same network finds when labels are shuffled",
}


def seqlets(run: Path) -> Section:
    """Show which motifs the seqlets of the attributions resemble, and the strongest of them."""
    section = Section("seqlets", "Seqlets")
    path = run / "interpretation" / "annotated_seqlets.csv"
    if not path.is_file():
        return section
    table = read_table(path)
    if table.empty:
        section.text("Seqlets were called on the attributions, and none was found.")
        return section
    named = table[table["motif"] != "seqlet"]
    section.text(
        f"{number(len(table))} stretches of high attribution (seqlets) in "
        f"{number(int(table['sequence'].nunique()))} sequences, {number(len(named))} of them like "
        "a known motif." + _which(run, "attribute")
    )
    counts = named["motif"].value_counts()
    section.table(
        ("motif", "seqlets", "sequences"),
        [
            (
                motif,
                number(int(n)),
                number(int(named[named["motif"] == motif]["sequence"].nunique())),
            )
            for motif, n in counts.head(_MOST_MOTIFS).items()
        ],
        numbers=(1, 2),
    )
    if len(counts) > _MOST_MOTIFS:
        section.text(f"The {_MOST_MOTIFS} most frequent of {len(counts)} motifs.")
    shown = [c for c in table.columns if c != "sequence"]
    order = table
    if "score" in table:
        order = table.iloc[np.argsort(-table["score"].abs().to_numpy(), kind="stable")]
    section.heading("The strongest seqlets" if "score" in table else "The first seqlets")
    section.table(
        shown,
        [
            [number(v.item() if isinstance(v, np.generic) else v) for v in row]
            for row in order[shown].head(_MOST_ROWS).itertuples(index=False)
        ],
    )
    section.links([("interpretation/annotated_seqlets.csv", "all seqlets, as a table")])
    return section


def modisco(run: Path) -> Section:
    """Show the patterns that TF-MoDISco found, with links to its own page."""
    section = Section("modisco", "TF-MoDISco")
    folder = run / "interpretation"
    meme, table = folder / "modisco.meme", read_table(folder / "seqlets.csv")
    if not meme.is_file() and table.empty:
        return section
    if table.empty:
        section.text("TF-MoDISco found no pattern in the attributions.")
    else:
        key = next(c for c in ("pattern", "motif", "sequence") if c in table)
        counts = table[key].value_counts()
        section.text(
            f"{number(len(counts))} patterns of {number(len(table))} seqlets in the attributions."
            + _which(run, "modisco")
        )
        section.table(
            (key, "seqlets"),
            [(str(k), number(int(n))) for k, n in counts.head(_MOST_MOTIFS).items()],
            numbers=(1,),
        )
    section.links(
        [
            (f"interpretation/{name}", _WHAT[name])
            for name in ("modisco.html", "modisco.meme", "seqlets.csv")
            if (folder / name).is_file()
        ]
    )
    return section


def list_files(section: Section, run: Path) -> None:
    """Name and link every file that the interpretation wrote."""
    folder = run / "interpretation"
    listed = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [
        (f"interpretation/{path.name}", _WHAT.get(path.name, ""))
        for path in listed
        if not path.name.startswith(".")
    ]
    if found:
        section.heading("Files of the interpretation")
        section.links(found)
