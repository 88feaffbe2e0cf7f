"""The part of a report on where found motifs stand, and how far from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.report._blocks import Picture, Section, number, picture
from eugene.report._words import score_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from eugene._folder import RunFolder

PAIRS = "interpretation/motif_pairs.csv"
DISTANCES = "interpretation/motif_pair_distances.csv"
SITES = "interpretation/motif_pair_sites.csv"
LEAST = 10
"""Fewest sequences with both motifs."""
_BINS = 20
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9")


def found_motifs(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the seqlets that resemble a motif significantly, of the first output, and its label.

    Parameters
    ----------
    table : pandas.DataFrame
        As the step `seqlets` writes it.
    """
    from eugene.report._logos import significant

    if table.empty:
        return table, ""
    label = ""
    if "output" in table:
        label = str(table["output"].iloc[0])
        table = table[table["output"] == label]
    return significant(table[table["motif"] != "seqlet"]), label


def show_spacing(section: Section, run: RunFolder, seqlets: str) -> None:
    """Show positions of found motifs, distances of pairs, and what two do together.

    Parameters
    ----------
    section : Section
        It is added to.
    run : RunFolder
        A run.
    seqlets : str
        Its file of seqlets.
    """
    if not (run / PAIRS).is_file():
        return
    table, label = found_motifs(run.table(seqlets))
    if table.empty:
        section.text("No seqlet resembles a known motif significantly, so no place is known.")
        return
    of = f" (output: {label})" if label else ""
    section.text(
        f"Places are those of seqlets that resemble a known motif significantly{of}. Seqlets were "
        "called where attribution is high, so the picture shows where the network looks, not "
        "every copy of a motif."
    )
    length = int(run.read("data.json").get("length") or 0) or int(table["end"].max())
    section.figures([_positions(table, length, run)])
    pairs = run.table(PAIRS)
    if pairs.empty:
        section.text(f"No two of the motifs stand in {LEAST} sequences or more together.")
        return
    section.heading("Pairs of motifs")
    section.text(
        "What is expected of distances: the places of the second motif are dealt anew to the "
        "sequences that hold both, so that each motif keeps to its positions and does not know "
        "the other; brackets hold 95 % of the permutations, p is how often they are as close. "
        "Places that overlap are left out on both sides."
    )
    section.table(
        ("motif", "other", "sequences", "pairs", "mean distance (bp)", "expected", "p"),
        [
            (row["motif"], row["other"], number(int(row["sequences"])), number(int(row["pairs"])),
             f"{row['distance']:.1f}",
             f"{row['expected']:.1f} ({row['low']:.1f} to {row['high']:.1f})",
             f"{row['p_value']:.3g}")
            for row in pairs.to_dict("records")
        ],
        numbers=(2, 3, 4, 6),
        caption="Distances of pairs of found motifs against independent places",
    )  # fmt: skip
    measured = pairs[pairs["n"] > 0]
    if len(measured):
        section.text(
            "Cooperativity: the letters of the places of one motif, of the other, and of both are "
            "shuffled, and the output is predicted again. If the network added up what the two do, "
            "the loss without both would be the sum of the losses. Above zero, less is lost than "
            "the sum: each works only with the other (or the output has a ceiling). Below zero, "
            "more is lost: one stands in for the other. In "
            f"{score_unit(run) or 'units of the output'}, with Student's 95 % interval over the "
            "sequences with the highest predictions."
        )
        section.table(
            ("motif", "other", "sequences", "without it", "without the other", "without both",
             "both less the sum"),
            [
                (row["motif"], row["other"], number(int(row["n"])),
                 *(f"{row[k]:+.3g}" for k in ("alone", "alone_other", "together")),
                 f"{row['excess']:+.3g} ({row['excess_low']:+.3g} to {row['excess_high']:+.3g})")
                for row in measured.to_dict("records")
            ],
            numbers=(2, 3, 4, 5),
            caption="What the network loses without two motifs against the sum",
        )  # fmt: skip
    section.figures([_pairs(pairs, run)])
    section.links(
        [
            (PAIRS, "pairs of motifs"),
            (DISTANCES, "pairs by distance, observed and expected"),
            (SITES, "each pair of places"),
        ]
    )


def _positions(table: pd.DataFrame, length: int, run: RunFolder) -> Picture:
    """Draw how often each motif stands where."""
    import matplotlib.pyplot as plt
    import numpy as np

    counts = table.groupby("motif")["sequence"].nunique().sort_values(ascending=False)
    names = [str(name) for name in counts.index[: len(_COLOURS)]]
    figure, ax = plt.subplots(figsize=(7.4, 3.2), layout="constrained")
    bins = np.linspace(-length / 2, length / 2, _BINS + 1)
    for name, colour in zip(names, _COLOURS[: len(names)], strict=True):
        part = table[table["motif"] == name]
        middle = (part["start"] + part["end"]).to_numpy() / 2 - length / 2
        ax.hist(
            middle, bins=bins.tolist(), histtype="step", color=colour, linewidth=1.3,
            label=f"{name} ({len(part)})",
        )  # fmt: skip
    ax.set_xlabel("middle of the place, from the middle of the sequence (bp)")
    ax.set_ylabel("places")
    ax.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return picture(
        figure, "motif_positions", folder=run.figures,
        alt=f"How many places of {', '.join(names)} there are along the sequence",
        caption="Where found motifs stand; in brackets how many places there are."
        + (f" Drawn: the {len(names)} of {len(counts)} in most sequences."
           if len(names) < len(counts) else ""),
    )  # fmt: skip


def _pairs(pairs: pd.DataFrame, run: RunFolder) -> Picture:
    """Draw place against distance, counts by distance, and cooperativity by distance."""
    import matplotlib.pyplot as plt

    distances, sites = run.table(DISTANCES), run.table(SITES)
    figure, axes = plt.subplots(
        len(pairs), 3, figsize=(11.4, 2.7 * len(pairs)), layout="constrained", squeeze=False
    )
    named = []
    for row, pair in zip(axes, pairs.to_dict("records"), strict=True):
        first, other = str(pair["motif"]), str(pair["other"])
        named.append(f"{first} and {other}")
        own, by = (t[(t["motif"] == first) & (t["other"] == other)] for t in (sites, distances))
        _draw(row, own, by)
        row[0].set_title(f"{first}, then {other}", fontsize=8)
    return picture(
        figure, "motif_pairs", folder=run.figures,
        alt=f"Place and distance, number of pairs by distance, and cooperativity of "
        f"{'; '.join(named)}",
        caption="Left: place of the first motif and distance to the other. Middle: pairs by "
        "distance, observed (bars) and expected of independent places (line, 95 % shaded). Right: "
        "what is lost without both less the sum of what is lost without each, one dot a sequence, "
        "at its smallest distance.",
    )  # fmt: skip


def _draw(row: list[Axes], sites: pd.DataFrame, distances: pd.DataFrame) -> None:
    """Draw the three panels of a pair."""
    row[0].scatter(
        sites["position"], sites["distance"], s=7, alpha=0.5, color="#0072b2", linewidth=0,
        rasterized=len(sites) > 2000,
    )  # fmt: skip
    row[0].axhline(0, color="black", linewidth=0.5)
    row[0].set_xlabel("middle of the first motif (bp)", fontsize=8)
    row[0].set_ylabel("distance to the other (bp)", fontsize=8)
    start = distances["distance"].to_numpy(float)
    width = float(start[1] - start[0])
    middle = start + width / 2
    row[1].bar(middle, distances["observed"], width=width * 0.9, color="#9ecae1")
    row[1].fill_between(
        middle, distances["low"], distances["high"], step="mid", color="#555555", alpha=0.25,
        linewidth=0,
    )  # fmt: skip
    row[1].step(middle, distances["expected"], where="mid", color="#333333", linewidth=1)
    row[1].set_xlabel("distance (bp)", fontsize=8)
    row[1].set_ylabel("pairs", fontsize=8)
    near = sites.assign(far=sites["distance"].abs()).sort_values("far", kind="stable")
    near = near.drop_duplicates("sequence").dropna(subset="excess")
    row[2].scatter(near["distance"], near["excess"], s=9, color="#d55e00", linewidth=0, alpha=0.7)
    row[2].axhline(0, color="black", linewidth=0.5)
    row[2].set_xlabel("distance (bp)", fontsize=8)
    row[2].set_ylabel("both less the sum", fontsize=8)
    for ax in row:
        ax.tick_params(labelsize=7)
