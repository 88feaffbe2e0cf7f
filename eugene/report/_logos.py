"""Pictures of sequences that are explained: logos, heat maps, motifs over known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.report._blocks import Picture, number, picture
from eugene.report._words import method_name, sentence

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from seqpro.motifs import MotifSet

# how many sequences and positions a page shows; the files hold all of them
SEQUENCES, _POSITIONS = 5, 220
SIGNIFICANT = 0.05
"""A match with a known motif is shown as a result up to this q-value."""


def significant(matches: pd.DataFrame) -> pd.DataFrame:
    """Return the matches that a page shows as results, by q, or corrected p where there is none."""
    if matches.empty:
        return matches
    by = "q_value" if "q_value" in matches else "p_bonferroni"
    return matches[matches[by] <= SIGNIFICANT]


def projected(ds: xr.Dataset) -> list[str]:
    """Return the variables that hold contributions of the letters that are there."""
    return [
        str(v)
        for v in ds.data_vars
        if ds[v].dims == ("_sequence", "_ohe", "_length")
        and ds[v].attrs.get("form", "projected") == "projected"
    ]


def attribution_name(ds: xr.Dataset, variable: str) -> str:
    """Return what people call the method of a variable, and which output it explains."""
    attrs = ds[variable].attrs
    label = str(attrs.get("label", "")).replace("_", " ")
    name = method_name(str(attrs.get("method", variable)))
    return f"{name} of {label}" if label else name


def how(ds: xr.Dataset, method: str) -> str:
    """Say how a method was run, from the attributes of its variable."""
    attrs = ds[method].attrs
    parts = [f"{sentence(attribution_name(ds, method))}:"]
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


def _spans(
    ds: xr.Dataset, count: int, variable: str | None = None
) -> list[list[tuple[int, int, str]]]:
    """Return what is known of each of the first rows: what was planted, else named seqlets."""
    from eugene.interpret import hits_table
    from seqexplainer.plot import annotation_spans

    if "planted" in ds:
        names = [str(name) for name in np.atleast_1d(ds["planted"].attrs.get("motifs", []))]
        found = [annotation_spans(ds["planted"].values[row], names) for row in range(count)]
        return [[span for span in spans if len(span) == 3] for spans in found]
    label = "" if variable is None else ds[variable].attrs.get("label", "")
    name = f"seqlets_{label}" if label else "seqlets"
    if name not in ds:
        return [[] for _ in range(count)]
    table = hits_table(ds[[v for v in ds.data_vars if str(v).startswith(name)]], name)
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


def logos(
    ds: xr.Dataset,
    method: str,
    folder: Path,
    *,
    names: Sequence[str] | None = None,
    predicted: str = "predicted",
) -> Picture:
    """Draw the first sequences' logos below each other.

    Parameters
    ----------
    ds : xarray.Dataset
        Attributions.
    method : str
        Its variable.
    folder : Path
        For the picture.
    names : sequence of str, optional
        What the first rows are called; by default their numbers.
    predicted : str, optional
        What predictions are, such as ``probability``.
    """
    import matplotlib.pyplot as plt

    from seqexplainer.plot import attribution_track
    from seqexplainer.plot.style import SPAN_COLORS

    letters = _letters(ds)
    values = np.asarray(ds[method].values[:SEQUENCES], dtype=float)
    count = values.shape[0]
    figure, axes = plt.subplots(
        count, 1, figsize=(11.4, 1.3 * count), layout="constrained", squeeze=False
    )
    limits = (
        1.05 * min(float(values.clip(max=0).sum(axis=1).min()), 0.0),
        1.05 * max(float(values.clip(min=0).sum(axis=1).max()), 1e-12),
    )
    found = _spans(ds, count, method)
    marked = list(dict.fromkeys(span[2] for spans in found for span in spans))
    colours = dict(zip(marked, SPAN_COLORS * len(marked), strict=False))
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
        if names is not None:
            label = names[row].replace(" ", "\n")
        if turned:
            label += "\nminus strand"
        if "prediction" in ds:
            label += f"\n{predicted} {np.ravel(ds['prediction'].values[row])[0]:.2f}"
        ax.set_ylabel(label, fontsize=7, rotation=0, ha="right", va="center")
    caption = f"{sentence(attribution_name(ds, method))}; all on one scale, position in bp."
    if marked:
        caption += (
            " Shaded: where the motifs were planted."
            if "planted" in ds
            else " Shaded: seqlets, under the known motif that each resembles."
        )
    return picture(
        figure,
        f"attributions_{method}",
        folder=folder,
        alt=f"Sequence logos of {attribution_name(ds, method)} attributions for {count} sequences",
        caption=caption,
    )


def heatmap(
    ds: xr.Dataset, variable: str, folder: Path, *, name: str = "the first sequence", unit: str = ""
) -> Picture:
    """Draw the effect of every substitution in the first sequence, a dot where its letter is."""
    import matplotlib.pyplot as plt

    from seqexplainer.plot import ism_heatmap

    effects = np.asarray(ds[variable].values[0], dtype=float)
    start, end = _window(effects, _POSITIONS)
    figure, ax = plt.subplots(figsize=(11.4, 1.6), layout="constrained")
    letters, there = _letters(ds), None
    if letters is not None and ds["seq"].shape[1] == effects.shape[1]:
        columns = np.array(list(letters), dtype="S1")[:, None]
        there = (np.asarray(ds["seq"].values[0]) == columns)[:, start:end].astype(np.uint8)
    ism_heatmap(effects[:, start:end], ax=ax, start=start, alphabet=letters, sequence=there)
    return picture(
        figure,
        "mutagenesis",
        folder=folder,
        alt="Heat map of the effect of every single substitution in one sequence",
        caption=f"Every single substitution in {name}: the change of the score"
        + (f" ({unit})." if unit else ".")
        + ("" if there is None else " Dots: the letters that are there."),
    )


def gallery(
    motifs: MotifSet,
    matches: pd.DataFrame | None,
    settings: Mapping[str, object],
    *,
    name: str,
    folder: Path,
    most: int,
    alt: str,
    caption: str,
) -> Picture:
    """Draw the surest motifs, each over the known motif that it resembles most.

    Parameters
    ----------
    motifs : MotifSet
        What a step found.
    matches : pandas.DataFrame or None
        As `seqexplainer.annotate_pfms` gives it; without any the motifs stand alone.
    settings : mapping
        The step's section of the configuration: ``motif_db`` has the known motifs.
    name, folder, alt, caption
        As in `picture`.
    most : int
        How many are drawn.
    """
    from eugene.interpret import read_motifs
    from seqexplainer.plot import filter_gallery

    there = matches is not None and len(matches) > 0
    axes = filter_gallery(
        motifs,
        matches if there else None,
        read_motifs(str(settings.get("motif_db", "embedded"))) if there else None,
        n=most,
        n_columns=4,
    )
    return picture(axes[0, 0].figure, name, folder=folder, alt=alt, caption=caption)
