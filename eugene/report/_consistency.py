"""Whether attribution maps of different sequences agree, on the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from eugene.report._blocks import Picture, Section, duration, number, picture
from eugene.report._words import explained_output, method_name, metric_name

if TYPE_CHECKING:
    from eugene._evaluation import Metrics
    from eugene._folder import RunFolder

FILE = "interpretation/consistency.json"
"""Figures of the step ``consistency``."""
ARRAYS = "interpretation/consistency.npz"
"""The distributions behind them."""
_TRUTH = ("attribution_snr", "attribution_auroc", "attribution_auprc")


class Chance(TypedDict, total=False):
    """What belongs to a divergence: how much was counted, and what shuffled maps give."""

    n_points: int
    n_kmers: int
    n_empty: int
    z: float | None
    null_mean: float | None
    warnings: list[str]
    settings: dict[str, object]


class Found(TypedDict):
    """Content of the step's file."""

    n: int
    split: str
    rows: str
    method: str
    kept: bool
    seconds: float
    metrics: Metrics
    k_attr_mean: Chance
    kmer: Chance
    truth: NotRequired[Chance]


def show_consistency(section: Section, run: RunFolder) -> None:
    """Say what the numbers mean, give them, and draw the distributions behind them.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        A run with the step ``consistency``.
    """
    read = run.read(FILE)
    if not read:
        return
    found = cast(Found, read)
    angles, kmers = found["k_attr_mean"], found["kmer"]
    k, window = kmers["settings"].get("k"), angles["settings"].get("k")
    keep = angles["settings"].get("keep")
    which = {
        "measured": "with the highest target",
        "predicted": "with the highest prediction",
        "random": "drawn at random",
    }
    section.text(
        "A network that has learned motifs marks the same few patterns again and again; one that "
        "predicts as well from noise marks something else in every sequence. Both numbers say how "
        f"far the maps of {method_name(found['method'])} of {number(found['n'])} {found['split']} "
        f"sequences ({which[found['rows']]}) are from saying nothing in common (Kullback-Leibler "
        f"divergence; higher is more consistent). The k-attr-mean KLD averages a map over {window} "
        f"positions and compares the directions of the strongest {_share(keep)} with a smoothed "
        f"version of themselves; the k-mer KLD compares the {k}-mers that stand out of the maps "
        "with those of the sequences. Consistency is not correctness: a network may be "
        "consistently wrong, so it is a criterion among networks that predict equally well. Few "
        "sequences make both numbers too large, pure noise included, so networks are compared at "
        "equal numbers of sequences only. The columns of shuffled maps say what chance gives here; "
        "of k-attr-mean they mean little where fewer windows count than are wanted, which is said "
        f"below.{explained_output(run, 'consistency')}"
    )
    rows = [
        (metric_name(name), number(found["metrics"][name].get("value")),
         number(part.get("null_mean")), number(part.get("z"), 1), number(count), what)
        for name, part, count, what in (
            ("k_attr_mean_kld", angles, angles.get("n_points"), "positions"),
            ("kmer_kld", kmers, kmers.get("n_kmers"), f"{k}-mers"),
        )
    ]  # fmt: skip
    head = ("", "value", "shuffled maps", "standard deviations above", "counted", "of")
    section.table(head, rows, numbers=(1, 2, 3, 4))
    truth = [name for name in _TRUTH if name in found["metrics"]]
    if truth:
        section.text(
            "Because it is known what was planted, maps times sequence are also held against that: "
            "the mean contribution at planted positions over that of the ten highest elsewhere "
            "(signal-to-noise ratio), and how well contributions tell planted positions from "
            "others; means over the sequences."
        )
        section.table(
            ("", "mean"),
            [(metric_name(name), number(found["metrics"][name].get("value"))) for name in truth],
            numbers=(1,),
        )
    parts = (angles, kmers, found.get("truth", Chance()))
    notes = [line for part in parts for line in part.get("warnings", [])]
    notes += [f"{metric_name(n)}: {m['why']}" for n, m in found["metrics"].items() if "why" in m]
    for line in dict.fromkeys(notes):
        section.text(f"{line[:1].upper()}{line[1:].rstrip('.')}.")
    whence = "kept by the step attribute" if found["kept"] else "computed for this"
    section.text(f"It took {duration(found['seconds'])}; the maps were {whence}.")
    section.figures(_pictures(run))


def _share(keep: object) -> str:
    """Write the share of positions that is compared."""
    if not isinstance(keep, int | float):
        return "positions"
    return f"{100 * keep:g} % of positions"


def _pictures(run: RunFolder) -> list[Picture]:
    """Draw the directions of the maps and the k-mers that stand out of them."""
    import numpy as np

    path = run / ARRAYS
    if not path.is_file():
        return []
    import matplotlib.pyplot as plt

    from seqexplainer.plot import angular_density, kmer_spectrum

    with np.load(path) as arrays:
        figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.8), layout="constrained")
        points = (arrays["phi"], arrays["theta"]) if "phi" in arrays else None
        labels = [str(name) for name in arrays["motif"]] if points is not None else None
        angular_density(arrays["density"], points=points, labels=labels, ax=axes[0])
        kmer_spectrum(arrays["frequencies"], arrays["kmer_prior"], ax=axes[1])
    return [
        picture(
            figure, "consistency", folder=run.figures,
            alt="Density of the directions of the maps, and k-mers that stand out of them",
            caption="Left: directions of the strongest positions of the maps as angles; consistent "
            "maps lie in few spots. Letters stand where a column lies in which that letter alone "
            "is good; windows of planted motifs have a colour. Right: k-mers that stand out of "
            "the maps, by how much more often than in the sequences.",
        )
    ]  # fmt: skip
