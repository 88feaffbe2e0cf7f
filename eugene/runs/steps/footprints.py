"""Footprints of the enzyme's bias, with the network of the bias and without it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Faults, Part, Settings, step
from eugene.config.marks import Least
from eugene.errors import EugeneError
from eugene.report._blocks import Section, number, picture

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_CURVES = "interpretation/footprints.csv"
_HEIGHTS = "interpretation/footprint_heights.csv"
_WORDS = "interpretation/cut_site_words.csv"
_PARTS = "interpretation/bias_parts.csv"
_NO_PROFILE = "needs a network of profiles: a module such as `profile`"


def _fits(run: Run, arch: torch.nn.Module, _: Settings) -> Faults:
    """Yield that the network gives no profile."""
    first = run.datamodule.target_vars[0]
    if run.datamodule.ds[first].ndim != 3:
        yield "", _NO_PROFILE


def _show(section: Section, run: RunFolder) -> None:
    """Draw the footprints, and say how high they are."""
    curves, heights = run.table(_CURVES), run.table(_HEIGHTS)
    if curves.empty or heights.empty:
        return
    import matplotlib.pyplot as plt

    from seqexplainer.plot import positional_curve

    section.text(
        "Each motif is written into the middle of backgrounds, and the mean share of the counts "
        "that the network predicts at each position is drawn less that of the backgrounds; the "
        "band is a 95 % interval over backgrounds (marginal footprints, "
        "doi:10.1101/2024.12.25.630221). What the enzyme prefers stands out with its bias, and "
        "should not without."
    )
    motifs = list(dict.fromkeys(heights["motif"]))
    across = min(3, len(motifs))
    down = -(-len(motifs) // across)
    figure, axes = plt.subplots(
        down, across, figsize=(4.2 * across, 2.5 * down), layout="constrained",
        squeeze=False, sharex=True, sharey=True,
    )  # fmt: skip
    for ax in axes.flat[len(motifs) :]:
        ax.set_visible(False)
    for ax, motif in zip(axes.flat, motifs, strict=False):
        for name, part in curves[curves["motif"] == motif].groupby("network", sort=False):
            arrays = (part[c].to_numpy() for c in ("position", "mean", "low", "high"))
            positional_curve(
                *arrays, ax=ax, label=str(name), xlabel="from the middle of the motif (bp)",
                ylabel="change of the share",
            )  # fmt: skip
        ax.set_title(motif, fontsize=8)
        if legend := ax.get_legend():
            legend.set_visible(ax is axes[0, 0])
    section.figures([
        picture(
            figure, "footprints", folder=run.figures,
            alt="Change of the predicted profile around each motif, with the bias and without",
            caption="Mean change of the predicted share of the counts around a motif.",
        )
    ])  # fmt: skip
    columns = ("motif", "network", "height", "at", "fold", "log_counts")
    rows = [
        (str(r["motif"]), str(r["network"]), *(number(r[c], 4) for c in columns[2:]))
        for r in heights.to_dict("records")
    ]
    head = ("motif", "network", "height", "at (bp)", "fold", "change of ln(1 + N)")
    section.table(head, rows, numbers=(2, 3, 4, 5))
    parts = run.table(_PARTS)
    if len(parts):
        section.heading("Test rows with the bias and without")
        cells = [
            (str(r["rows"]), str(r["network"]), number(r["n"]), str(r["metric"]), _interval(r))
            for r in parts.to_dict("records")
        ]
        section.table(("rows", "network", "n", "metric", "value (95 %)"), cells, numbers=(2, 4))
    words = run.table(_WORDS)
    if len(words):
        top = ", ".join(f"{r['word']} ({r['ratio']:.1f})" for r in words.head(8).to_dict("records"))
        section.text(
            f"Words that most cuts of the data's own closed windows lie in, with cuts a site over "
            f"those of all words: {top}."
        )


def _interval(row: Mapping[Hashable, object]) -> str:
    low, high = number(row["low"]), number(row["high"])
    return f"{number(row['value'])} ({low} to {high})"


@step(
    split="test",
    fits=_fits,
    writes={
        _CURVES: "change of the predicted profile around each motif",
        _HEIGHTS: "height of each footprint, with the bias and without",
        _WORDS: "words that cut sites outside peaks lie in",
        _PARTS: "figures of the test rows with the bias and without",
    },
    report=(Part("footprints", "Bias footprints", _show),),
)
def footprints(
    run: Run,
    *,
    motifs: Sequence[str] = ("tn5",),
    strongest: Annotated[int, Least(0)] = 4,
    k: Annotated[int, Least(1)] = 6,
    background: Literal["random", "shuffled"] = "random",
    n_backgrounds: Annotated[int, Least(1)] = 100,
    reach: Annotated[int, Least(1)] = 60,
    n_bootstrap: Annotated[int, Least(0)] = 1000,
) -> None:
    """Write motifs that the enzyme prefers into backgrounds, and draw the profiles.

    Networks that keep the bias apart (parts ``main`` and ``bias``, as ChromBPNet) are drawn whole,
    without the bias, and the bias alone, and the figures of the test rows are written for each.

    Parameters
    ----------
    run : Run
        A trained run.
    motifs : list of str
        Sequences, and ``tn5`` or ``dnase`` for those known of the two enzymes.
    strongest : int
        Words that the data's own cut sites lie in most often, as further motifs; from training
        rows of the variable ``bias_rows``, or else outside peaks, or else all.
    k : int
        Length of the words.
    background : {"random", "shuffled"}
        Random letters, or test sequences with their dinucleotides shuffled.
    n_backgrounds : int
        Number of backgrounds.
    reach : int
        Distance (bp) from the middle of the motif that is drawn, and in which the height is
        measured.
    n_bootstrap : int
        Resamples of the test rows for the intervals of the figures.
    """
    from eugene.interpret import BIAS_MOTIFS, bias_footprints

    chosen: dict[str, str] = {}
    for motif in motifs:
        known = BIAS_MOTIFS.get(motif.lower())
        if known is None:
            chosen[motif] = motif
        else:
            chosen |= {f"{motif} {i + 1} {word}": word for i, word in enumerate(known)}
    words = _words(run, k) if strongest else None
    if words is not None:
        run.folder.write_table(_WORDS, words)
        chosen |= {f"data {word}": word for word in _apart(words["word"], strongest)}
    if not chosen:
        raise EugeneError("footprints: name `motifs`, or let `strongest` be 1 or more")
    networks: dict[str, torch.nn.Module] = {"model": run.arch}
    parts = dict(run.arch.named_children())
    if {"main", "bias"} <= set(parts):
        networks = {
            "with bias": run.arch,
            "without bias": parts["main"],
            "bias alone": parts["bias"],
        }
    shuffled = run.one_hot(run.rows("test")[:n_backgrounds]) if background == "shuffled" else None
    logger.info("footprints: %d motifs, %s", len(chosen), ", ".join(networks))
    curves, heights = bias_footprints(
        networks,
        chosen,
        length=run.input_len if shuffled is None else None,
        sequences=shuffled,
        n_backgrounds=n_backgrounds,
        reach=reach,
        seed=run.config.seed,
        progress=run.progress,
    )
    run.folder.write_table(_CURVES, curves)
    run.folder.write_table(_HEIGHTS, heights)
    if len(networks) > 1:
        run.folder.write_table(_PARTS, _score_parts(run, n_bootstrap))


def _score_parts(run: Run, n_bootstrap: int) -> pd.DataFrame:
    """Return figures of the test rows for the network, without the bias, and for the bias alone."""
    import numpy as np
    import pandas as pd

    from eugene.evaluate import ProfileRows, score_profiles, summarise_profiles
    from eugene.modules.profile import ProfileModule

    module = run.module
    if not isinstance(module, ProfileModule) or module.layout is None:
        return pd.DataFrame(columns=["network", "rows", "n", "metric", "value", "low", "high"])
    tasks = module.layout.tasks
    ds, listed, found = run.datamodule.ds, [], []
    parts = {"with bias": None, "without bias": "main", "bias alone": "bias"}
    scored: dict[str, list[ProfileRows]] = {name: [] for name in parts}
    for batch in run.datamodule.loader("test", batch_size=256):
        letters = batch.get("seq", batch.get("ohe_seq"))
        listed.append(batch["index"].numpy())
        for name, part in parts.items():
            profile, counts = module.predict(letters, part=part, **run.averaged)
            scored[name].append(
                score_profiles(
                    batch["target"].numpy(), profile.numpy(), counts.numpy(), tasks=tasks
                )
            )
    rows = np.concatenate(listed)
    subsets = {"all test rows": np.ones(len(rows), dtype=np.bool_)}
    if "is_peak" in ds.variables:
        subsets["within peaks"] = ds["is_peak"].to_numpy()[rows].astype(bool)
    for name, joined in ((n, ProfileRows.joined(r)) for n, r in scored.items()):
        for subset, chosen in subsets.items():
            own = joined.take(np.flatnonzero(chosen))
            if not len(own):
                continue
            metrics = summarise_profiles(own, n_bootstrap=n_bootstrap, seed=run.config.seed)
            for metric in ("count_pearson", "jsd"):
                figure = metrics[metric]
                found.append(
                    {
                        "network": name, "rows": subset, "n": int(chosen.sum()), "metric": metric,
                        **{key: figure.get(key) for key in ("value", "low", "high")},
                    }
                )  # fmt: skip
    return pd.DataFrame(found)


def _words(run: Run, k: int) -> pd.DataFrame:
    """Return the words that cut sites of closed training windows lie in."""
    from eugene.interpret import cut_site_words

    ds, rows = run.datamodule.ds, run.rows("train")
    where = "all training rows"
    for name, sign in (("bias_rows", True), ("is_peak", False)):
        if name in ds.variables:
            rows = rows[ds[name].to_numpy()[rows].astype(bool) == sign]
            where = f"training rows of {name}" if sign else "training rows outside peaks"
            break
    letters = ds[run.datamodule.seq_var].isel(_sequence=rows).to_numpy()
    tracks = ds[run.datamodule.target_vars[0]].isel(_sequence=rows).to_numpy()
    logger.info("footprints: words of %d bp at the cut sites of %d %s", k, len(rows), where)
    return cut_site_words(letters, tracks.sum(axis=1), k)


def _apart(words: Sequence[str], n: int) -> list[str]:
    """Return the first words of which none is another's reverse complement."""
    turned = str.maketrans("ACGT", "TGCA")
    kept: list[str] = []
    for word in words:
        if word[::-1].translate(turned) not in kept:
            kept.append(word)
        if len(kept) == n:
            break
    return kept
