"""Sections that explain the model: attributions, filters, positions, evolution, control."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.report._blocks import Picture, Section, number, picture
from eugene.report._folder import read_json, read_table, target_names

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from seqpro.motifs import MotifSet

# how many sequences, filters and traces a page shows; the files hold all of them
_SEQUENCES, _FILTERS, _POSITIONS = 5, 12, 220
_METHOD_NAMES = {
    "deep_lift_shap": "DeepLIFT/SHAP",
    "deep_lift": "DeepLIFT",
    "saturation_mutagenesis": "saturation mutagenesis",
    "ism": "saturation mutagenesis",
    "saliency": "saliency",
    "input_x_gradient": "input × gradient",
    "integrated_gradients": "integrated gradients",
    "gradient_shap": "GradientSHAP",
    "smoothgrad": "SmoothGrad",
}


def method_name(method: str) -> str:
    """Return the name that people use for an attribution method."""
    return _METHOD_NAMES.get(method, method.replace("_", " "))


def attributions(run: Path) -> Section:
    """Show logos of the top sequences, the planted positions and the score against them."""
    section = Section("attributions", "Attributions")
    store = run / "attributions.zarr"
    if not store.is_dir():
        return section
    import seqdata as sd

    ds = sd.open_zarr(store)
    methods = [
        str(v)
        for v in ds.data_vars
        if ds[v].dims == ("_sequence", "_ohe", "_length")
        and ds[v].attrs.get("form", "projected") == "projected"
    ]
    truth = read_json(run / "interpretation" / "truth.json")
    names = [method_name(m) for m in methods]
    section.text(
        f"What the model looks at, in the {ds.sizes['_sequence']} sequences with the highest "
        f"scores: {' and '.join(names)}. Letters above the line raise the score, letters below "
        "lower it; their height is the size of the contribution (in units of the output)."
        + _which(run, "attribute")
    )
    for method in methods:
        section.text(_how(ds, method))
    if truth.get("mean_auprc"):
        section.text(
            "Because the data set is simulated, the answer is known. Below is the mean area under "
            "the precision-recall curve of each sequence's attributions against the positions that "
            "were planted; scores drawn at random would reach the planted fraction."
        )
        chance = truth.get("planted_fraction")
        section.table(
            ("method", "mean AUPRC", "planted fraction", "sequences"),
            [
                (method_name(m), number(v), number(chance), number(truth.get("n")))
                for m, v in truth["mean_auprc"].items()
            ],
            numbers=(1, 2, 3),
        )
    figures = run / "figures"
    for method in methods[:2]:
        section.heading(_sentence(method_name(method)))
        section.figures([_logos(ds, method, figures)])
    heat = next((m for m in methods if m in ("saturation_mutagenesis", "ism")), None)
    full = f"{heat}_effects"
    if heat and full in ds:
        section.figures([_heatmap(ds, full, figures)])
    return section


def _which(run: Path, part: str) -> str:
    """Say which of several outputs a step explained, as the configuration has it."""
    from eugene.config import parse_file

    path = run / "config.yaml"
    tree = parse_file(path).tree if path.is_file() else {}
    names = target_names(run)
    target = ((tree.get("interpret") or {}).get(part) or {}).get("target", 0)
    if len(names) < 2 or not isinstance(target, int) or not 0 <= target < len(names):
        return ""
    rest = ", ".join(n for i, n in enumerate(names) if i != target)
    return f" The output that is explained is {names[target]} (not {rest})."


def _sentence(text: str) -> str:
    """Begin with a capital and leave the other letters as they are."""
    return text[:1].upper() + text[1:]


def _how(ds: xr.Dataset, method: str) -> str:
    """Say how a method was run, from the attributes of its variable."""
    attrs = ds[method].attrs
    parts = [f"{_sentence(method_name(method))}:"]
    if attrs.get("references"):
        parts.append(
            f"{attrs.get('n_references', '')} references a sequence "
            f"({str(attrs['references']).replace('_', ' ')}), seed {attrs.get('seed')}".strip()
        )
    if f"delta_{method}" in ds:
        delta = np.abs(np.asarray(ds[f"delta_{method}"].values, dtype=float))
        parts.append(f"largest completeness delta {number(float(delta.max()))}")
    return " ".join(parts[:1]) + " " + "; ".join(parts[1:]) + "." if len(parts) > 1 else ""


def _window(values: NDArray[np.floating[Any]], width: int) -> tuple[int, int]:
    """Return the stretch of ``width`` positions that holds most of the contribution."""
    length = values.shape[-1]
    if length <= width:
        return 0, length
    mass = np.abs(values).sum(axis=0)
    sums = np.convolve(mass, np.ones(width), mode="valid")
    start = int(np.argmax(sums))
    return start, start + width


def _spans(ds: xr.Dataset, count: int) -> list[list[tuple[int, int, str]]]:
    """Return what is known of each of the first rows: what was planted, else named seqlets."""
    from eugene.interpret import hits_table
    from seqexplainer.plot import annotation_spans

    if "planted" in ds:
        names = [str(name) for name in np.atleast_1d(ds["planted"].attrs.get("motifs", []))]
        found = [annotation_spans(ds["planted"].values[row], names) for row in range(count)]
        return [[span for span in spans if len(span) == 3] for spans in found]
    if "seqlets" not in ds:
        return [[] for _ in range(count)]
    table = hits_table(ds[[v for v in ds.data_vars if str(v).startswith("seqlets")]], "seqlets")
    table = table[table["motif"] != "seqlet"]
    return [
        [
            (int(hit.start), int(hit.end), str(hit.motif))
            for hit in table[table["sequence"] == row].itertuples()
        ]
        for row in range(count)
    ]


def _place(ds: xr.Dataset, row: int) -> tuple[str | None, int, bool]:
    """Return contig, start in bp, and whether the minus strand is shown; none without genome."""
    if not {"chrom", "start"} <= set(ds.variables):
        return None, 0, False
    from seqdata.schema import decode

    one = ds.isel(_sequence=[row])
    strand = str(decode(one["strand"])[0]) if "strand" in ds.variables else "+"
    return str(decode(one["chrom"])[0]), int(one["start"].values[0]), strand == "-"


def _letters(ds: xr.Dataset) -> str | None:
    """Return the letters of the sequences that are explained, where the store has them."""
    from seqdata.schema import letters_of

    return letters_of(ds["seq"]) if "seq" in ds.variables else None


def _logos(ds: xr.Dataset, method: str, folder: Path) -> Picture:
    """Draw the first sequences' logos below each other."""
    import matplotlib.pyplot as plt

    from seqexplainer.plot import attribution_track
    from seqexplainer.plot.style import SPAN_COLORS

    letters = _letters(ds)
    values = np.asarray(ds[method].values[:_SEQUENCES], dtype=float)
    count = values.shape[0]
    figure, axes = plt.subplots(
        count, 1, figsize=(11.4, 1.3 * count), layout="constrained", squeeze=False
    )
    limits = (
        1.05 * min(float(values.clip(max=0).sum(axis=1).min()), 0.0),
        1.05 * max(float(values.clip(min=0).sum(axis=1).max()), 1e-12),
    )
    found = _spans(ds, count)
    names = list(dict.fromkeys(span[2] for spans in found for span in spans))
    colours = dict(zip(names, SPAN_COLORS * len(names), strict=False))
    for row, ax in enumerate(axes[:, 0]):
        start, end = _window(values[row], _POSITIONS)
        chrom, first, turned = _place(ds, row)
        shown, spans = values[row][:, start:end], found[row]
        if turned:
            # genome coordinates rise to the right, so a minus-strand row is turned round
            length = values.shape[2]
            shown = shown[::-1, ::-1]
            start, end = length - end, length - start
            spans = [(length - b, length - a, name) for a, b, name in spans]
        attribution_track(
            shown,
            ax=ax,
            alphabet=letters,
            spans=[(first + a, first + b, name) for a, b, name in spans],
            start=first + start,
            chrom=chrom,
            ylim=limits,
            ylabel="",
            span_colors=colours,
        )
        ax.tick_params(labelsize=7)
        if row < count - 1 and chrom is None:
            ax.set_xlabel("")
        ax.xaxis.label.set_fontsize(7)
        label = f"row {int(ds['index'].values[row])}" if "index" in ds else f"sequence {row + 1}"
        if turned:
            label += "\nminus strand"
        if "prediction" in ds:
            label += f"\nscore {np.ravel(ds['prediction'].values[row])[0]:.2f}"
        ax.set_ylabel(label, fontsize=7, rotation=0, ha="right", va="center")
    caption = f"{_sentence(method_name(method))}; all on one scale, position in bp."
    if names:
        caption += (
            " Shaded: where the motifs were planted."
            if "planted" in ds
            else " Shaded: seqlets, under the known motif that each resembles."
        )
    return picture(
        figure,
        f"attributions_{method}",
        folder=folder,
        alt=f"Sequence logos of {method_name(method)} attributions for {count} sequences",
        caption=caption,
        vector=False,
    )


def _heatmap(ds: xr.Dataset, variable: str, folder: Path) -> Picture:
    """Draw the effect of every substitution in the first sequence."""
    import matplotlib.pyplot as plt

    from seqexplainer.plot import ism_heatmap

    effects = np.asarray(ds[variable].values[0], dtype=float)
    start, end = _window(effects, _POSITIONS)
    figure, ax = plt.subplots(figsize=(11.4, 1.6), layout="constrained")
    ism_heatmap(effects[:, start:end], ax=ax, start=start, alphabet=_letters(ds))
    return picture(
        figure,
        "mutagenesis",
        folder=folder,
        alt="Heat map of the effect of every single substitution in one sequence",
        caption="Every single substitution in the first sequence: the change of the score.",
        vector=False,
    )


def filters(run: Path) -> Section:
    """Show first-layer filters as motifs, beside the database motif that matches best."""
    section = Section("filters", "Filters as motifs")
    meme = run / "interpretation" / "filters.meme"
    if not meme.is_file():
        return section
    import seqpro as sp
    from eugene.interpret import FOUND_BELOW

    table = read_table(run / "interpretation" / "filters.csv")
    matches = read_table(run / "interpretation" / "annotations.csv")
    motifs = sp.motifs.read(meme)
    dead = int(table["dead"].sum()) if "dead" in table else 0
    section.text(
        f"{len(table)} filters of the first convolution, {dead} of them never active. The windows "
        "that excite a filter most are stacked into a position frequency matrix and compared with "
        "known motifs by TomTom (doi:10.1186/gb-2007-8-2-r24); p is corrected for all filters and "
        "motifs (Bonferroni)."
    )
    best = _best_matches(matches)
    truth = read_json(run / "interpretation" / "truth.json").get("planted_found", {})
    if truth:
        section.text(
            "A planted motif counts as found if it is the best match of some filter and the "
            f"corrected p is below {FOUND_BELOW:g}."
        )
        section.table(
            ("planted motif", "found", "filter", "p", "p (Bonferroni)"),
            [
                (name, "yes" if hit.get("found") else "no", hit.get("filter", "–"),
                 number(hit.get("p_value")), number(hit.get("p_bonferroni")))
                for name, hit in truth.items()
            ],
            numbers=(3, 4),
        )  # fmt: skip
    if len(motifs):
        section.figures([_gallery(run, motifs, matches)])
    rows = _filter_rows(table, best)
    if len(rows) > _FILTERS:
        section.text(
            f"The {_FILTERS} filters with the surest matches; interpretation/filters.csv and "
            "annotations.csv hold all of them."
        )
    section.table(
        ("filter", "sites", "bits", "consensus", "best match", "accession", "p", "p (Bonferroni)",
         "strand"),
        rows[:_FILTERS],
        numbers=(1, 2, 6, 7),
    )  # fmt: skip
    return section


def _gallery(run: Path, motifs: MotifSet, matches: pd.DataFrame) -> Picture:
    """Draw the surest filters, each over the known motif that it resembles most."""
    from eugene.config import parse_file
    from eugene.interpret import read_motifs
    from seqexplainer.plot import filter_gallery

    tree = parse_file(run / "config.yaml").tree if (run / "config.yaml").is_file() else {}
    part = (tree.get("interpret") or {}).get("filters") or {}
    names = {"filter": "query", "target_name": "target", "target_accession": "accession"}
    axes: Any = filter_gallery(
        motifs,
        matches.rename(columns=names) if len(matches) else None,
        read_motifs(part.get("motif_db", "embedded")) if len(matches) else None,
        n=_FILTERS,
        n_columns=4,
    )
    return picture(
        axes[0, 0].figure,
        "filters",
        folder=run / "figures",
        alt="Logos of first-layer filters, each over the known motif that it resembles most",
        caption="Above a filter, below its best match, aligned; letter heights in bits.",
        vector=False,
    )


def _best_matches(matches: pd.DataFrame) -> pd.DataFrame:
    """Return the best match of each filter, the surest first."""
    if matches.empty:
        return matches
    ordered = matches.sort_values(["p_value", "filter"], kind="stable")
    return ordered.drop_duplicates("filter")


def _filter_rows(table: pd.DataFrame, best: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return a table row a live filter, the surest match first."""
    hits = {str(row.filter): row for row in best.itertuples()} if len(best) else {}
    rows = []
    for row in table.itertuples():
        if bool(row.dead):
            continue
        hit = hits.get(str(row.filter))
        rows.append((
            float(hit.p_value) if hit else 1.0,
            (str(row.filter), number(int(row.n_sites)), number(float(row.ic_bits), 1),
             str(row.consensus), str(hit.target_name) if hit else "–",
             str(hit.target_accession) if hit else "–",
             number(float(hit.p_value)) if hit else "–",
             number(float(hit.p_bonferroni)) if hit else "–",
             str(hit.strand) if hit else "–"),
        ))  # fmt: skip
    return [cells for _, cells in sorted(rows, key=lambda pair: pair[0])]


def positional(run: Path) -> Section:
    """Show how much a motif matters at each position of a background."""
    section = Section("positions", "Positional importance")
    table = read_table(run / "interpretation" / "positional.csv")
    if table.empty:
        return section
    import matplotlib.pyplot as plt

    from seqexplainer.plot import positional_curve

    beside = table["motif"].astype(str).str.contains(" beside ")
    panels = [
        (title, table[rows])
        for title, rows in (
            ("alone on a background", ~beside),
            ("the other motif held in the middle", beside),
        )
        if rows.any()
    ]
    width = 5.6 if len(panels) > 1 else 7.4
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(width * len(panels), 3.2),
        layout="constrained",
        squeeze=False,
        sharey=True,
    )
    for ax, (title, curves) in zip(axes[0], panels, strict=True):
        for name, part in curves.groupby("motif", sort=False):
            columns = (part[c].to_numpy() for c in ("position", "mean", "low", "high"))
            positional_curve(*columns, ax=ax, label=str(name), xlabel="start of the motif (bp)")
        ax.set_title(title, fontsize=9)
        ax.yaxis.label.set_visible(ax is axes[0, 0])
    section.text(
        "A motif is slid over every position of shuffled sequences and the change of the score is "
        "averaged; the band is a 95 % interval over backgrounds (global importance analysis, "
        "doi:10.1371/journal.pcbi.1008925)."
        + (
            " On the right the background holds the other motif in its middle, so the curve shows "
            "how close the two have to be."
            if len(panels) > 1
            else ""
        )
    )
    section.figures(
        [
            picture(
                figure,
                "positional",
                folder=run / "figures",
                alt="Mean change of the score against the position of an inserted motif",
                caption="Mean effect of inserting a motif at each position, with its interval.",
            )
        ]
    )
    return section


def evolution(run: Path) -> Section:
    """Show scores of sequences that are changed round by round."""
    section = Section("evolution", "In-silico evolution")
    table = read_table(run / "interpretation" / "evolution.csv")
    if table.empty:
        return section
    import matplotlib.pyplot as plt

    from seqexplainer.plot import evolution_traces

    wide = table.pivot_table(index="sequence", columns="round", values="score", aggfunc="last")
    figure, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    method, maximize = _search(run)
    evolution_traces(wide.to_numpy(), ax=ax, xlabel=f"round ({method})")
    first, last = float(wide.iloc[:, 0].mean()), float(wide.iloc[:, -1].mean())
    aim = "raise" if maximize else "lower"
    how = (
        f"by the one substitution that {aim}s the score most, round after round"
        if method == "greedy"
        else f"by one substitution a round, chosen by a beam search to {aim} the score"
        if method == "beam"
        else f"to {aim} the score, by the {method} search, which may change several letters a round"
    )
    section.text(
        f"{len(wide)} sequences change {how}: from a mean of {number(first, 2)} to "
        f"{number(last, 2)} after {int(wide.columns[-1])} round(s)."
    )
    section.figures([
        picture(
            figure, "evolution", folder=run / "figures",
            alt="Score of each sequence after each round of evolution",
            caption="Thin: one sequence each. Thick: their mean.",
        )
    ])  # fmt: skip
    return section


def _search(run: Path) -> tuple[str, bool]:
    """Return how a run's sequences were evolved, and whether to raise the score."""
    from eugene.config import parse_file

    path = run / "config.yaml"
    tree = parse_file(path).tree if path.is_file() else {}
    part = (tree.get("interpret") or {}).get("evolve") or {}
    method = str(part.get("method", "greedy"))
    if method == "greedy" and int(part.get("beam", 1)) > 1:
        method = "beam"
    return method, bool(part.get("maximize", True))


def control(run: Path) -> Section:
    """Show what the same network finds when the labels are shuffled."""
    section = Section("control", "Control: shuffled labels")
    found = read_json(run / "interpretation" / "control.json").get("shuffled_labels")
    if not found:
        return section
    section.text(
        "The same network was trained once more on labels in random order. Whatever it still "
        "seemed to find would be an artefact of the method, so this list should say no."
    )
    rows = [
        (name, "yes" if hit.get("found") else "no", number(hit.get("p_value")),
         number(hit.get("p_bonferroni")))
        for name, hit in found.get("planted_found", {}).items()
    ]  # fmt: skip
    section.table(("planted motif", "found", "p", "p (Bonferroni)"), rows, numbers=(2, 3))
    if found.get("auroc") is not None:
        section.text(f"Its test AUROC is {number(found['auroc'])}; a coin reaches 0.5.")
    return section
