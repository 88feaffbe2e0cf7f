"""Where found motifs stand, how far apart, and whether the network sums what they do."""

from __future__ import annotations

import logging
from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from eugene._step import Part, step, steps
from eugene.config.marks import Least
from eugene.report._spacing import DISTANCES, LEAST, PAIRS, SITES, show_spacing
from eugene.runs.steps.seqlets import FILE as SEQLETS

if TYPE_CHECKING:
    import pandas as pd

    from eugene._folder import RunFolder
    from eugene.interpret._spacing import Pairs
    from eugene.report._blocks import Section
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_DRAWS = 10
_SUMMARY = [
    *("motif", "other", "sequences", "pairs", "distance", "expected", "low", "high", "p_value"),
    *("n", "alone", "alone_other", "together", "excess", "excess_low", "excess_high"),
]


def _show(section: Section, run: RunFolder) -> None:
    """Show where motifs stand, how far apart, and what two do together."""
    show_spacing(section, run, SEQLETS)


@step(
    needs={"seqlets": "seqlets with the motifs that they resemble"},
    writes={
        PAIRS: "pairs of found motifs: distances and cooperativity against what is expected",
        DISTANCES: "pairs by distance, observed and expected",
        SITES: "each pair of places, and what the network loses without them",
    },
    report=(Part("spacing", "Positions and spacing of found motifs", _show),),
)
def spacing(
    run: Run,
    *,
    n_motifs: Annotated[int, Least(2)] = 6,
    n_pairs: Annotated[int, Least(1)] = 3,
    n_sequences: Annotated[int, Least(2)] = 50,
    n_permutations: Annotated[int, Least(1)] = 200,
    bin_size: Annotated[int, Least(1)] = 10,
) -> None:
    """Hold distances of found motifs, and what they do together, against independence.

    Parameters
    ----------
    run : Run
        A trained run with seqlets.
    n_motifs : int
        The motifs in most sequences; pairs are made of these.
    n_pairs : int
        The pairs in most sequences.
    n_sequences : int
        Sequences of each pair in which both motifs are destroyed, alone and together.
    n_permutations : int
        How often the places of one motif are dealt anew to the sequences.
    bin_size : int
        Width of a bin of distances (bp).
    """
    import pandas as pd

    from eugene.interpret._spacing import motif_pairs
    from eugene.report._spacing import found_motifs

    table, label = found_motifs(run.folder.table(SEQLETS))
    counted = table.groupby("motif")["sequence"].nunique() if len(table) else pd.Series(dtype=int)
    names = list(counted.sort_values(ascending=False, kind="stable").index[:n_motifs])
    found: list[tuple[str, str, Pairs]] = []
    for first, other in combinations(names, 2):
        pairs = motif_pairs(
            table, first, other, n_permutations=n_permutations, seed=run.config.seed
        )
        if pairs is not None and pairs.table["sequence"].nunique() >= LEAST:
            found.append((first, other, pairs))
    found.sort(key=lambda one: -one[2].table["sequence"].nunique())
    rows, distances, sites = [], [], []
    for first, other, pairs in found[:n_pairs]:
        effects = _together(run, table, first, other, pairs.table, label, n_sequences)
        rows.append((first, other, *_summary(pairs, effects)))
        named = {"motif": first, "other": other}
        distances.append(pairs.histogram(bin_size).assign(**named))
        sites.append(effects.assign(**named))
    run.folder.write_table(PAIRS, pd.DataFrame(rows, columns=_SUMMARY))
    for file, parts in ((DISTANCES, distances), (SITES, sites)):
        run.folder.write_table(file, pd.concat(parts) if parts else pd.DataFrame(columns=["motif"]))
    logger.info("spacing: %d of %d pairs of motifs", len(rows), len(found))


def _together(
    run: Run, table: pd.DataFrame, first: str, other: str, pairs: pd.DataFrame, label: str, n: int
) -> pd.DataFrame:
    """Add to pairs what the network loses without either motif, and without both.

    The sequences are those with the highest predictions; of the others nothing is known.
    """
    import numpy as np

    import seqexplainer as se
    from eugene.runs._active import asked_targets
    from seqexplainer.errors import TargetError

    batch_size = steps()["attribute"].settings(run.config)["batch_size"]
    target = asked_targets(run, "attribute").get(label)
    # sequences are numbered from the highest prediction on
    chosen = np.unique(pairs["sequence"].to_numpy())[:n]
    here = table[table["sequence"].isin(chosen)]
    index = here.drop_duplicates("sequence").sort_values("sequence")["index"].to_numpy()
    X = run.one_hot(index)
    changes = {}
    for name, motifs in (
        ("alone", [first]),
        ("alone_other", [other]),
        ("together", [first, other]),
    ):
        sites = here[here["motif"].isin(motifs)][["sequence", "start", "end"]].to_numpy(np.int64)
        sites[:, 0] = np.searchsorted(chosen, sites[:, 0])
        try:
            found = se.perturb.ablate_sites(
                run.arch, X, sites, n=_DRAWS, target=target, seed=run.config.seed,
                batch_size=batch_size, device=run.device, n_resamples=1,
            )  # fmt: skip
        except TargetError as error:
            logger.warning("spacing: the output is not one number a sequence: %s", error)
            return pairs.assign(alone=np.nan, alone_other=np.nan, together=np.nan, excess=np.nan)
        changes[name] = dict(zip(chosen.tolist(), found.effect.ravel().tolist(), strict=True))
    added = pairs.assign(
        **{name: pairs["sequence"].map(values) for name, values in changes.items()}
    )
    return added.assign(excess=added["together"] - added["alone"] - added["alone_other"])


def _summary(pairs: Pairs, effects: pd.DataFrame) -> list[float]:
    """Return the figures of a pair, in the order of the table."""
    import numpy as np

    from eugene.evaluate._intervals import student

    # a sequence with several pairs of places counts once
    each = effects.drop_duplicates("sequence").dropna(subset="excess")
    means = [float(each[name].mean()) for name in ("alone", "alone_other", "together", "excess")]
    ends = student(each["excess"].to_numpy()) if len(each) > 1 else (np.nan, np.nan)
    sequences = int(pairs.table["sequence"].nunique())
    return [sequences, len(pairs.table), *pairs.closeness(), len(each), *means, *ends]
