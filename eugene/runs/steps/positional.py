"""Motifs slid over shuffled test sequences."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from eugene._step import Faults, Part, Settings, step
from eugene.config.marks import Least
from eugene.errors import EugeneError
from eugene.report._blocks import Section, picture
from eugene.report._words import explained_output, score_unit

if TYPE_CHECKING:
    import torch

    from eugene._folder import RunFolder
    from eugene.config import RunConfig
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_FILE = "interpretation/positional.csv"
_NONE = "needs at least one motif: an accession, a name, or a sequence"


def _look(_: RunConfig, settings: Settings) -> Faults:
    """Yield the motifs that are not in the set; that the set cannot be read is said elsewhere."""
    if not settings["motifs"]:
        return
    from eugene.interpret import read_motifs
    from eugene.interpret._motifs import find

    try:
        known = read_motifs(settings["motif_db"])
    except (EugeneError, OSError, ValueError):
        return
    for i, motif in enumerate(settings["motifs"]):
        try:
            find(str(motif), known)
        except EugeneError as error:
            yield f"motifs[{i}]", str(error)


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield that there is nothing to slide: no motif is named, and none was planted."""
    from eugene.interpret import planted_motifs

    if not settings["motifs"] and not planted_motifs(run.data.ds):
        yield "motifs", _NONE


def _show(section: Section, run: RunFolder) -> None:
    """Show how much a motif matters at each position of a background."""
    table = run.table(_FILE)
    if table.empty:
        return
    import matplotlib.pyplot as plt

    from seqexplainer.plot import positional_curve

    beside = table["motif"].astype(str).str.contains(" beside ")
    titles = ("alone on a background", "the other motif held in the middle")
    parts = zip(titles, (table[~beside], table[beside]), strict=True)
    panels = [(title, part) for title, part in parts if len(part)]
    width = 5.6 if len(panels) > 1 else 7.4
    figure, axes = plt.subplots(
        1, len(panels), figsize=(width * len(panels), 3.2), layout="constrained",
        squeeze=False, sharey=True,
    )  # fmt: skip
    for ax, (title, curves) in zip(axes[0], panels, strict=True):
        for name, part in curves.groupby("motif", sort=False):
            columns = (part[c].to_numpy() for c in ("position", "mean", "low", "high"))
            positional_curve(*columns, ax=ax, label=str(name), xlabel="start of the motif (bp)")
        ax.set_title(title, fontsize=9)
        ax.yaxis.label.set_visible(ax is axes[0, 0])
    section.text(
        "A motif is slid over every position of shuffled sequences and the change of the score "
        f"({score_unit(run) or 'of the output'}) is averaged; the band is a 95 % interval over "
        "backgrounds (global importance analysis, doi:10.1371/journal.pcbi.1008925)."
        + explained_output(run, "positional")
    )
    if len(panels) > 1:
        section.text(
            "On the right the background holds the other motif in its middle, so the curve shows "
            "how close the two have to be."
        )
    section.figures([
        picture(
            figure, "positional", folder=run.figures,
            alt="Mean change of the score against the position of an inserted motif",
            caption="Mean effect of inserting a motif at each position, with its interval.",
        )
    ])  # fmt: skip


@step(
    split="test",
    look=_look,
    fits=_fits,
    writes={_FILE: "effect of each motif at each position"},
    report=(Part("positions", "Positional importance", _show),),
)
def positional(
    run: Run,
    *,
    motifs: Sequence[str] = (),
    n_backgrounds: Annotated[int, Least(1)] = 100,
    stride: Annotated[int, Least(1)] = 4,
    pairs: bool = False,
    motif_db: str = "embedded",
    target: int | str | None = None,
) -> None:
    """Slide motifs across backgrounds.

    Parameters
    ----------
    run : Run
        A trained run.
    motifs : list of str
        Accessions or names in the motif set, or plain sequences; empty takes what was planted.
    n_backgrounds : int
        Test sequences, shuffled, that the motif is put into.
    stride : int
        Step in bp.
    pairs : bool
        Also slide each motif over backgrounds that hold each other one in the middle.
    motif_db : str
        ``embedded``, a curated set such as ``jaspar_fungi``, or a motif file.
    target : int or str
        Output that is measured, by number or name; ``null`` for the first.
    """
    from eugene import interpret
    from eugene.interpret._motifs import find
    from eugene.runs._active import one_target

    database = interpret.read_motifs(motif_db)
    names = motifs or list(interpret.planted_motifs(run.data.ds))
    if not names:
        raise run.config.fail("$.interpret.positional.motifs", _NONE)
    logger.info("positional: %d motifs", len(names))
    table = interpret.slide_motifs(
        run.arch,
        run.one_hot(run.rows("test")),
        [find(str(name), database, run.data.alphabet) for name in names],
        n_backgrounds=n_backgrounds,
        stride=stride,
        pairs=pairs,
        target=one_target(run, target),
        seed=run.config.seed,
        progress=run.progress,
    )
    run.folder.write_table(_FILE, table)
