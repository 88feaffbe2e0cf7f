"""How much attributions change when sequences are moved by a few bases."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._verb import LATER, Verb, out
from eugene.config.marks import Least, Names
from eugene.report._blocks import Section, duration, interval, number, picture
from eugene.report._words import explained_output, method_name

if TYPE_CHECKING:
    import torch

    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_FILE = "interpretation/robustness.json"
_TABLE = "interpretation/robustness.csv"


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield that sequences are too short for the shifts."""
    shift = settings["max_shift"]
    if isinstance(shift, int) and 2 * shift >= run.input_len:
        yield (
            "max_shift",
            f"{shift} bp at either end are left out of sequences of {run.input_len} bp, so nothing "
            "is left: make it smaller",
        )


def _show(section: Section, run: RunFolder) -> None:
    """Say what the score means, give it, and draw its distribution over sequences."""
    found, table = run.read(_FILE), run.table(_TABLE)
    if not found or table.empty:
        return
    import matplotlib.pyplot as plt

    against = "the map of the sequence as it is" if found["reference"] == "wt" else "their own mean"
    section.text(
        "A motif matters wherever it lies, so an explanation should move along with the sequence. "
        f"Each of {number(found['n'])} {found['split']} sequences was rolled by "
        f"{found['n_shifts']} random shifts of up to {found['max_shift']} bp to either side, "
        f"explained by {method_name(found['method'])}, and the maps were rolled back: the error is "
        f"the root-mean-square difference of these maps from {against}, without "
        f"{found['exclude_flank']} bp at either end, where rolling changes what letters lie next "
        "to. 0 is perfectly robust; relative to the size of the map itself, 1 means that maps "
        "differ from it as much as it differs from nothing. Networks are compared by the relative "
        f"error, which has no scale.{explained_output(run, 'robustness')}"
    )
    metrics = found["metrics"]
    section.table(
        ("error", "mean (95 %)", "median"),
        [
            ("in units of the attributions", interval(metrics["robustness_error"], 4),
             number(found["median"], 4)),
            ("relative to the map", interval(metrics["robustness_error_relative"]),
             number(found["relative_median"])),
        ],
        numbers=(2,),
    )  # fmt: skip
    section.text(
        f"It took {duration(found['seconds'])}: {number(found['maps'])} maps of attributions."
    )
    figure, ax = plt.subplots(figsize=(4.6, 3.0), layout="constrained")
    values = table["relative"].dropna()
    ax.hist(values, bins=30, color="#2458A6")
    ax.axvline(float(values.mean()), color="black", linestyle=":")
    ax.set_xlabel("relative error")
    ax.set_ylabel("sequences")
    section.figures([
        picture(
            figure, "robustness", folder=run.figures,
            alt="Histogram of the relative error of each sequence",
            caption="Relative error of each sequence; the dotted line is the mean.",
        )
    ])  # fmt: skip


@step(
    split="test",
    fits=_fits,
    writes={
        _FILE: "how much attributions change with shifts of the sequence",
        _TABLE: "the same for each sequence",
    },
    measures=_FILE,
    report=(Part("robustness", "Translational robustness", _show),),
    verb=Verb(
        "robustness",
        "measure how much attributions change when sequences are moved",
        "eugene robustness runs/first --interpret.robustness.n_shifts 10",
        options=(out("CSV file to write the score of each sequence to as well"), *LATER),
        suffixes=(".csv",),
        save=_TABLE,
        show=lambda run: [f"robustness: {run / _FILE}"],
    ),
)
def robustness(
    run: Run,
    *,
    method: Annotated[str, Names("attributions")] = "saliency",
    n: Annotated[int | None, Least(1)] = 500,
    rows: Literal["measured", "predicted", "random"] = "measured",
    split: Literal["train", "val", "test"] = "test",
    n_shifts: Annotated[int, Least(1)] = 20,
    max_shift: Annotated[int, Least(0)] = 30,
    reference: Literal["wt", "mean"] = "wt",
    target: int | str | None = None,
    batch_size: Annotated[int, Least(1)] = 256,
    seed: Annotated[int, Least(0)] = 0,
) -> None:
    """Measure how much attributions change when sequences are moved by a few bases.

    Parameters
    ----------
    run : Run
        A trained run.
    method : str
        Attribution method.
    n : int
        Sequences; ``null`` for all.
    rows : str
        Those with the highest target (measured) or prediction (predicted), or any (random).
    split : str
        The rows to choose from.
    n_shifts : int
        Shifts a sequence.
    max_shift : int
        Furthest shift (bp) to either side; so many bp at either end are left out.
    reference : str
        What maps are compared with: that of the sequence as it is (wt), or their mean.
    target : int or str
        Output that is explained; ``null`` for the first.
    batch_size : int
        Sequences at a time, moved ones included.
    seed : int
        Of shifts and of rows that are equally active; that of the run changes neither.
    """
    import pandas as pd

    import seqexplainer as se
    from eugene.interpret._attribute import method_of
    from eugene.runs._active import active_rows, one_target

    chosen_target = one_target(run, target)
    chosen = active_rows(run, split, n, by=rows, target=target, seed=seed)
    begun = time.perf_counter()
    found = se.metrics.translational_robustness(
        run.arch,
        run.one_hot(chosen),
        method_of(method),
        n_shifts=n_shifts,
        max_shift=max_shift,
        reference=reference,
        target=chosen_target,
        seed=seed,
        batch_size=batch_size,
        device=run.device,
        progress=run.progress,
    )
    seconds, maps = time.perf_counter() - begun, len(chosen) * (n_shifts + 1)
    logger.info(
        "robustness: %d sequences, %d maps by %s in %.1f s; relative error %.3f",
        *(len(chosen), maps, method, seconds, found.relative_mean),
    )
    metrics = {
        "robustness_error": {"value": found.mean, "low": found.low, "high": found.high},
        "robustness_error_relative": {
            "value": found.relative_mean,
            "low": found.relative_low,
            "high": found.relative_high,
        },
    }
    asked = {"n": len(chosen), "split": split, "rows": rows, "target": target, "maps": maps}
    medians = {"median": found.median, "relative_median": found.relative_median}
    run.folder.write_json(
        _FILE, {**asked, **found.settings, **medians, "seconds": seconds, "metrics": metrics}
    )
    run.folder.write_table(
        _TABLE, pd.DataFrame({"row": chosen, "score": found.score, "relative": found.relative})
    )
