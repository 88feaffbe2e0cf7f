"""Sequences evolved towards a higher, or lower, prediction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from eugene._step import Part, step
from eugene._verb import LATER, Verb, out
from eugene.config.marks import ArgumentsOf, Least
from eugene.report._blocks import Section, number, picture
from eugene.report._words import explained_output, score_unit

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_FILE = "interpretation/evolution.csv"


def _show(section: Section, run: RunFolder) -> None:
    """Show scores of sequences that are changed round by round."""
    table = run.table(_FILE)
    if table.empty:
        return
    import matplotlib.pyplot as plt

    from seqexplainer.plot import evolution_traces

    settings = run.settings("interpret.evolve")
    method = str(settings.get("method", "greedy"))
    if method == "greedy" and int(settings.get("beam", 1)) > 1:
        method = "beam"
    aim = "raise" if settings.get("maximize", True) else "lower"
    how = {
        "greedy": f"by the one substitution that {aim}s the score most, round after round",
        "beam": f"by one substitution a round, chosen by a beam search to {aim} the score",
    }
    other = f"to {aim} the score, by the {method} search, which may change several letters a round"
    wide = table.pivot_table(index="sequence", columns="round", values="score", aggfunc="last")
    first, last = float(wide.iloc[:, 0].mean()), float(wide.iloc[:, -1].mean())
    section.text(
        f"{len(wide)} sequences change {how.get(method, other)}: from a mean of "
        f"{number(first, 2)} to {number(last, 2)} after {int(wide.columns[-1])} round(s)."
        + (f" Scores are {unit}." if (unit := score_unit(run)) else "")
        + explained_output(run, "evolve")
    )
    figure, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    evolution_traces(wide.to_numpy(), ax=ax, xlabel=f"round ({method})")
    section.figures([
        picture(
            figure, "evolution", folder=run.figures,
            alt="Score of each sequence after each round of evolution",
            caption="Thin: one sequence each. Thick: their mean.",
        )
    ])  # fmt: skip


@step(
    split="test",
    writes={_FILE: "sequences and scores, round by round"},
    report=(Part("evolution", "In-silico evolution", _show),),
    verb=Verb(
        "evolve",
        "evolve sequences towards a higher prediction",
        "eugene evolve runs/first --interpret.evolve.rounds 5",
        options=(out("CSV file to write the evolution to as well"), *LATER),
        suffixes=(".csv",),
        save=_FILE,
        show=lambda run: [f"evolution: {run / _FILE}"],
    ),
)
def evolve(
    run: Run,
    *,
    rounds: Annotated[int | None, Least(1)] = 10,
    n: Annotated[int, Least(1)] = 10,
    method: str = "greedy",
    beam: Annotated[int, Least(1)] = 1,
    maximize: bool = True,
    target: int | str | None = None,
    constraints: Annotated[
        Mapping[str, object], ArgumentsOf("seqexplainer.design:Constraints")
    ] = MappingProxyType({}),
) -> None:
    """Raise the lowest-scoring test rows, or lower the highest, round by round.

    Parameters
    ----------
    run : Run
        A trained run.
    rounds : int
        Rounds of the search; for greedy and beam the changes a sequence. ``null`` takes what
        suits the method.
    n : int
        Sequences: the test rows with the lowest predictions.
    method : str
        ``greedy``, ``beam``, ``annealing``, ``genetic`` or ``gradient``.
    beam : int
        Candidates kept a round.
    maximize : bool
        Whether the prediction is raised or lowered.
    target : int or str
        Output that is changed, by number or name; ``null`` for the first.
    constraints : dict
        Limits of every change: ``protected`` (list of [start, end], bp), ``gc`` ([lowest,
        highest]), ``max_homopolymer`` (bp), ``forbidden`` (list of sites), ``max_edits``.
    """
    from eugene import interpret
    from eugene.runs._active import one_target

    chosen = run.best_rows("test", n, target=target, highest=not maximize)
    logger.info("evolve: %d sequences, %s", len(chosen), method)
    table = interpret.evolve_sequences(
        run.arch,
        run.one_hot(chosen),
        rounds=rounds,
        method=method,
        constraints=constraints,
        seed=run.config.seed,
        beam=beam,
        maximize=maximize,
        target=one_target(run, target),
        index=chosen,
        progress=run.progress,
    )
    run.folder.write_table(_FILE, table)
