"""The part of a report on variants: the strongest, how unusual they are, letters around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eugene.report._blocks import Picture, Section, number, picture
from eugene.report._words import transformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from eugene._folder import RunFolder
    from eugene._step import Settings

FOLDER, CONTROLS, MAPS = "interpretation/variants", "_controls", "_mutagenesis"
REACH = 15
"""How far from a variant substitutions around it are scored (bp)."""
_SHOWN, _IN_FILE, _OUTPUTS = 20, 2000, 3
_FAR = 200_000
"""A locus is drawn along its contig up to this width (bp)."""
_SUFFIXES = (".vcf", ".csv", ".tsv")
_SCORE_NAMES = {"difference": "effect", "log_fold": "log2 fold change"}


def stem_of(file: object) -> str:
    """Return what the results of a file of variants are called.

    Examples
    --------
    >>> stem_of("data/locus.vcf.gz")
    'locus'
    """
    name = Path(str(file)).name.removesuffix(".gz")
    return next((name[: -len(s)] for s in _SUFFIXES if name.lower().endswith(s)), name)


def output_labels(table: pd.DataFrame) -> list[str]:
    """Return what the columns of each output end in; nothing where there is one.

    Parameters
    ----------
    table : pandas.DataFrame
        As `eugene.interpret.variant_effects` returns it.

    Examples
    --------
    >>> import pandas as pd
    >>> output_labels(pd.DataFrame({"ref": [], "reference_leaf": [], "reference_root": []}))
    ['_leaf', '_root']
    """
    start = "reference"
    return [str(c)[len(start) :] for c in table.columns if str(c).startswith(start)]


def show_variants(section: Section, run: RunFolder) -> None:
    """Show the strongest variants of each file that was scored.

    Parameters
    ----------
    section : Section
        It is added to.
    run : RunFolder
        A run.
    """
    files = sorted((run / FOLDER).glob("*.json")) if (run / FOLDER).is_dir() else []
    for file in files:
        name = file.stem
        said = run.read(f"{FOLDER}/{name}.json")
        table = run.table(f"{FOLDER}/{name}.csv")
        section.heading(f"Variants of {Path(str(said['vcf'])).name}")
        section.text(_counts(said))
        if table.empty:
            continue
        controls = run.table(f"{FOLDER}/{name}{CONTROLS}.csv")
        maps = run.table(f"{FOLDER}/{name}{MAPS}.csv")
        section.text(_meaning(run, said, controls))
        labels = output_labels(table)
        for label in labels[:_OUTPUTS]:
            _table(section, table, label, said)
        if len(labels) > _OUTPUTS:
            section.text(f"Of {len(labels)} outputs, the first {_OUTPUTS}; the file has all.")
        unit = unit_of(run, said)
        drawn = [_effects(table, controls, labels[0], said, unit, name, run)]
        if len(maps):
            drawn.append(_letters(table, maps, labels[0], said, unit, name, run))
        section.figures(drawn)
        section.links(
            [
                (f"{FOLDER}/{name}.csv", "all variants, all outputs"),
                (f"{FOLDER}/{name}{CONTROLS}.csv", "the control substitutions"),
                (f"{FOLDER}/{name}{MAPS}.csv", "substitutions around the strongest variants"),
            ]
        )


def unit_of(run: RunFolder, said: Settings) -> str:
    """Say in what an effect is measured: what the network predicts of a window.

    Parameters
    ----------
    run : RunFolder
        The run.
    said : mapping
        What was written beside the effects.
    """
    if said["by"] == "log_fold":
        return "log2 of alternate over reference"
    module = run.settings("module")
    task = str(module.get("task") or "")
    if task.endswith("classification"):
        return "probability"
    if module.get("name") == "profile":
        return "ln(1 + counts)" if said.get("target") == "counts" else "the output"
    if task == "poisson":
        return "rate"
    return "the units of the file" if transformed(run) else "the units of the target"


def _counts(said: Settings) -> str:
    """Say how many variants there were, and what was left out."""
    n, lacking = said["n_variants"], said.get("n_symbolic", 0)
    text = f"{number(said['n_scored'])} of {number(n)} variants of {said['vcf']} were scored on "
    text += f"{said['fasta']}."
    if said["n_mismatches"]:
        done = (
            f"{number(said['n_dropped'])} of them were left out"
            if said["n_dropped"]
            else "the reference allele was written in"
        )
        text += f" The genome differs from the reference allele of {number(said['n_mismatches'])}: "
        text += f"{done}."
    if lacking:
        text += f" {number(lacking)} alternate alleles without letters were left out."
    return text


def _meaning(run: RunFolder, said: Settings, controls: pd.DataFrame) -> str:
    """Say what an effect is, and what its significance is."""
    strands = "both strands" if said["strands"] == "both" else "the forward strand"
    views = f"averaged over {strands}" + (
        f" and windows moved by {', '.join(map(str, said['shifts']))} bp" if said["shifts"] else ""
    )
    text = (
        f"An effect is the prediction for the alternate allele minus that for the reference "
        f"allele, {views}"
        if said["by"] == "difference"
        else f"An effect is the log2 of the prediction for the alternate allele over that for the "
        f"reference allele, {views}"
    )
    text += f" ({unit_of(run, said)})."
    if not len(controls):
        return text + " There are no control substitutions, so no significance is given."
    return text + (
        f" p is how often {number(len(controls))} control substitutions (the same letters, at "
        "other places of the same windows, drawn at random) change the prediction at least as "
        "much; q is the false discovery rate (Benjamini-Hochberg) over the substitutions of the "
        "file. It says that a variant is unusual for this network here, not that it acts in a "
        "cell. Insertions and deletions have no controls, and no p."
    )


def _of(label: str) -> str:
    """Say of which output something is, where there are several."""
    name = label[1:]
    return f" of {f'output {name}' if name.isdigit() else name}" if label else ""


def _strongest(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.sort_values(column, key=lambda s: -s.abs(), kind="stable", na_position="last")


def _id(row: Mapping[str, object]) -> str:
    """Return the id of a variant; a dash where it has none."""
    known = str(row.get("id", "."))
    return "–" if known in (".", "", "nan") else known


def _cut(allele: str) -> str:
    """Return an allele as a title has room for it."""
    return allele if len(allele) <= 8 else f"{allele[:7]}…"


def _table(section: Section, table: pd.DataFrame, label: str, said: Settings) -> None:
    """Add the strongest variants of an output; the file that is offered has more of them."""
    ranked = _strongest(table, said["by"] + label).head(_IN_FILE)
    scores = [(s, _SCORE_NAMES[s]) for s in said["scores"]]
    tested = f"p_value{label}" in table
    head = ["id", "contig", "position (1-based)", "reference", "alternate",
            "predicted, reference", "predicted, alternate", *(title for _, title in scores),
            *(("p", "q") if tested else ())]  # fmt: skip
    rows = [
        (
            _id(row), row["chrom"], str(int(row["pos"])), row["ref"], row["alt"],
            _figure(row[f"reference{label}"]), _figure(row[f"alternate{label}"]),
            *(_figure(row[score + label], sign=True) for score, _ in scores),
            *((_figure(row[f"p_value{label}"]), _figure(row[f"q_value{label}"])) if tested else ()),
        )
        for row in ranked.to_dict("records")
    ]  # fmt: skip
    of = _of(label)
    caption = f"Variants with the largest effects{of}"
    if len(rows) > _SHOWN:
        rest = "" if len(rows) == len(table) else f" the {number(_IN_FILE)} strongest of"
        caption += f": {_SHOWN} of {number(len(table))}; the TSV has{rest or ' all'}"
    section.table(head, rows, numbers=range(2, len(head)), caption=caption, shown=_SHOWN)


def _figure(value: float, *, sign: bool = False) -> str:
    """Write a number by three digits that count; a dash where there is none."""
    if value != value:
        return "–"
    return f"{value:+.3g}" if sign else f"{value:.3g}"


def _effects(
    table: pd.DataFrame, controls: pd.DataFrame, label: str, said: Settings, unit: str,
    name: str, run: RunFolder,
) -> Picture:  # fmt: skip
    """Draw how effects are distributed beside those of controls, and where they are."""
    import matplotlib.pyplot as plt
    import numpy as np

    column = said["by"] + label
    values = table[column].to_numpy(float)
    others = controls[column].to_numpy(float) if len(controls) else np.zeros(0)
    places = table["pos"].to_numpy(int)
    along = table["chrom"].nunique() == 1 and 0 < np.ptp(places) <= _FAR
    figure, axes = plt.subplots(
        1, 2 if along else 1, figsize=(11.4 if along else 5.2, 3.2), layout="constrained",
        squeeze=False, width_ratios=[1, 2] if along else [1],
    )  # fmt: skip
    _distribution(axes[0, 0], values[np.isfinite(values)], others[np.isfinite(others)])
    axes[0, 0].set_xlabel(f"effect ({unit})")
    if along:
        _locus(axes[0, 1], table, values, unit, label)
    of = _of(label)
    return picture(
        figure, f"variants_{name}", folder=run.figures,
        alt=f"Distribution of the effects{of} of the variants of {name}"
        + (" beside those of control substitutions" if len(others) else "")
        + (", and the effect of each along the contig" if along else ""),
        caption=f"How effects{of} are distributed"
        + (", with those of the control substitutions" if len(others) else "")
        + (
            (". Right: the effect of each variant at its place"
             + ("; filled where q is 0.05 or less." if f"q_value{label}" in table else "."))
            if along else "."
        ),
    )  # fmt: skip


def _distribution(ax: Axes, values: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    """Draw shares of variants and of controls by effect."""
    import numpy as np

    every = np.concatenate([values, others])
    most = float(np.abs(every).max()) if len(every) else 1.0
    bins = np.linspace(-most or -1.0, most or 1.0, 42).tolist()
    for given, title, colour in ((others, "controls", "#9a9a9a"), (values, "variants", "#0072b2")):
        if len(given):
            ax.hist(
                given, bins=bins, weights=np.full(len(given), 1 / len(given)), histtype="step",
                color=colour, linewidth=1.4, label=f"{title} ({len(given):,})",
            )  # fmt: skip
    ax.axvline(0, color="black", linewidth=0.5)
    ax.set_yscale("log")
    ax.set_ylabel("share")
    ax.legend(fontsize=8, frameon=False)


def _locus(
    ax: Axes, table: pd.DataFrame, values: NDArray[np.float64], unit: str, label: str
) -> None:
    """Draw each effect at its place, with the names of the strongest."""
    import numpy as np

    places = table["pos"].to_numpy(int)
    q = f"q_value{label}"
    sure = table[q].to_numpy(float) <= 0.05 if q in table else np.zeros(len(table), bool)
    ax.vlines(places, 0, values, color="#b9c3cf", linewidth=0.6, rasterized=len(places) > 2000)
    for chosen, face in ((~sure, "white"), (sure, "#0072b2")):
        ax.scatter(
            places[chosen], values[chosen], s=10, facecolor=face, edgecolor="#0072b2",
            linewidth=0.6, zorder=3, rasterized=len(places) > 2000,
        )  # fmt: skip
    ax.axhline(0, color="black", linewidth=0.5)
    ax.ticklabel_format(axis="x", style="plain", useOffset=False)
    ax.tick_params(axis="x", labelsize=8)
    ax.set_xlabel(f"{table['chrom'].iloc[0]}, position (1-based)")
    ax.set_ylabel(f"effect ({unit})")


def _letters(
    table: pd.DataFrame, maps: pd.DataFrame, label: str, said: Settings, unit: str,
    name: str, run: RunFolder,
) -> Picture:  # fmt: skip
    """Draw letters by what the network loses without them, over all substitutions."""
    import matplotlib.pyplot as plt
    import numpy as np

    from seqexplainer.plot import attribution_track, ism_heatmap

    groups = list(maps.groupby("variant", sort=False))
    down = -(-len(groups) // 2)
    across = min(len(groups), 2)
    figure, axes = plt.subplots(
        2 * down, across, figsize=(5.7 * across, 2.5 * down), layout="constrained", squeeze=False,
        height_ratios=[1.1, 0.9] * down,
    )  # fmt: skip
    limit = float(np.nanmax(np.abs(maps[list("ACGT")].to_numpy(float)))) or 1.0
    for i, (row, part) in enumerate(groups):
        variant = table.loc[int(row)]
        letters, effects, first = _window(part)
        there = np.array(list("ACGT"))[:, None] == letters[None, :]
        # as saturation mutagenesis has it: what is lost against the mean over the letters
        heights = np.where(there, -np.nansum(effects, axis=0) / 4, 0.0)
        top, below = axes[2 * (i // 2), i % 2], axes[2 * (i // 2) + 1, i % 2]
        begin = int(variant["pos"])
        attribution_track(
            heights, ax=top, start=first, alphabet="ACGT", ylabel="",
            spans=[(begin, begin + len(str(variant["ref"])))],
        )  # fmt: skip
        top.set_title(
            f"{variant['chrom']}:{begin} {_cut(variant['ref'])}>{_cut(variant['alt'])}, effect "
            f"{variant[said['by'] + label]:+.3g}",
            fontsize=8,
        )
        top.set_xlabel("")
        ism_heatmap(
            np.nan_to_num(effects), ax=below, start=first, alphabet="ACGT", limit=limit,
            sequence=there.astype(np.uint8), chrom=str(variant["chrom"]), label=unit,
        )  # fmt: skip
        for ax in (top, below):
            ax.tick_params(labelsize=7)
            ax.xaxis.label.set_fontsize(7)
    for i in range(len(groups), down * across):
        axes[2 * (i // 2), i % 2].set_axis_off()
        axes[2 * (i // 2) + 1, i % 2].set_axis_off()
    of = _of(label)
    return picture(
        figure, f"variants_{name}_mutagenesis", folder=run.figures,
        alt=f"Letters and every substitution around the {len(groups)} variants of {name} with the "
        f"largest effects{of}",
        caption=f"Around the {len(groups)} strongest variants{of}: letters by what the prediction "
        f"loses without them (mean over the four letters), and every substitution ({unit}), dots "
        "where the letter of the genome is. The reference allele is shaded; positions are 1-based.",
    )  # fmt: skip


def _window(part: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.float64], int]:
    """Return letters (L,), effects (4, L) and first position; N and NaN where nothing is known."""
    import numpy as np

    places = part["pos"].to_numpy(int)
    first, width = int(places.min()), int(np.ptp(places)) + 1
    letters = np.full(width, "N", dtype="U1")
    effects = np.full((4, width), np.nan)
    letters[places - first] = part["ref"].to_numpy(str)
    effects[:, places - first] = part[list("ACGT")].to_numpy(float).T
    return letters, effects, first
