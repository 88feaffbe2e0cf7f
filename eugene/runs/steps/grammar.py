"""Whether a network looks at what the grammar of its data placed."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._verb import LATER, Verb, out
from eugene.config.marks import Least, Names
from eugene.report._grammar import ARRAYS, ELEMENTS, EXAMPLES, FILE, LABELS, PLACES, show_grammar

if TYPE_CHECKING:
    import torch

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield that nothing says what the grammar placed, or that methods do not fit the network."""
    from eugene._tasks import TASKS
    from eugene.errors import EugeneError
    from eugene.evaluate._grammar_maps import methods_of
    from eugene.evaluate._grammar_rows import require_annotation

    try:
        require_annotation(run.data.ds)
    except EugeneError as error:
        yield "", str(error)
    if run.task not in TASKS or any(run.data.ds[name].ndim > 1 for name in run.data.target_vars):
        yield "", f"networks of classes, labels or values are looked at, not of {run.task}"
        return
    try:
        methods = methods_of(settings["methods"], settings["compat"])
    except (EugeneError, KeyError) as error:
        yield "methods", str(error)
        return
    if "sis" in methods and not TASKS[run.task].classification:
        yield "methods", f"sis keeps a probability above a threshold; {run.task} has none"
    if settings["compat"] is not None and run.output_dim < 2:
        yield "compat", "seqgra explains the first two outputs; this network has one"


@step(
    split="test",
    fits=_fits,
    writes={
        FILE: "how well attributions meet the grammar of the data",
        LABELS: "the same for each method and label",
        ELEMENTS: "how important the elements of the grammar are",
        EXAMPLES: "the same for each example",
        PLACES: "where the examples of each label have grammar",
        ARRAYS: "importance of each position of each example",
    },
    measures=FILE,
    report=(Part("grammar", "Attributions against the grammar", show_grammar),),
    verb=Verb(
        "grammar",
        "measure how well attributions meet the grammar that made the data",
        "eugene grammar runs/first --interpret.grammar.n_per_label 50",
        options=(out("CSV file to write the figures of each label to as well"), *LATER),
        suffixes=(".csv",),
        save=LABELS,
        show=lambda run: [f"grammar: {run / FILE}"],
    ),
)
def grammar(
    run: Run,
    *,
    methods: Annotated[Sequence[str], Names("attributions")] = ("integrated_gradients",),
    n: Annotated[int | None, Least(1)] = 500,
    n_per_label: Annotated[int | None, Least(1)] = None,
    split: Literal["train", "val", "test"] = "test",
    target: Literal["y", "y-hat"] = "y",
    predict_threshold: float | None = 0.5,
    threshold: float = 0.01,
    sis_threshold: float = 0.5,
    compat: Literal["seqgra"] | None = None,
    n_steps: Annotated[int, Least(1)] = 100,
    n_references: Annotated[int, Least(1)] = 20,
    n_bootstrap: Annotated[int, Least(0)] = 1000,
    batch_size: Annotated[int, Least(1)] = 128,
    seed: Annotated[int, Least(0)] = 0,
) -> None:
    """Compare what the network looks at with what the grammar of the data placed.

    Parameters
    ----------
    run : Run
        A trained run; its data have ``annotation``.
    methods : list of str
        Attribution methods.
    n : int
        Examples; ``null`` for all that are predicted correctly and surely.
    n_per_label : int
        Examples of each label; overrules ``n``.
    split : str
        The rows to choose from.
    target : str
        Explain the class that a row has (y), or the one that is predicted (y-hat).
    predict_threshold : float
        An example's label is more probable than this; ``null`` takes wrong predictions, too.
    threshold : float
        Lowest attribution of a position that is called important.
    sis_threshold : float
        Lowest probability for sufficient input subsets.
    compat : str
        The faults of the original program (seqgra).
    n_steps : int
        Points of integrated gradients.
    n_references : int
        References a sequence, of methods that draw them.
    n_bootstrap : int
        Resamples of the examples for the 95 % intervals.
    batch_size : int
        Sequences at a time.
    seed : int
        Of the choice of examples, of references and of noise; that of the run changes none.
    """
    import numpy as np

    from eugene.errors import DoesNotApplyError
    from eugene.evaluate import grammar_agreement

    begun = time.perf_counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = grammar_agreement(
            run.module,
            run.data.ds,
            list(methods),
            target_vars=run.data.target_vars,
            rows=split,
            n=n,
            n_per_label=n_per_label,
            target=target,
            compat=compat,
            seed=seed,
            seq_var=run.data.seq_var,
            length=run.input_len,
            predictions=run.predictions,
            predict_threshold=predict_threshold,
            threshold=threshold,
            sis_threshold=sis_threshold,
            n_steps=n_steps,
            n_references=n_references,
            batch_size=batch_size,
            device=run.device,
            skip=True,
            progress=run.progress,
        )
    if not found.vectors:
        raise DoesNotApplyError("; ".join(found.left_out.values()))
    seconds, chosen = time.perf_counter() - begun, found.chosen
    notes = list(dict.fromkeys(str(warning.message) for warning in said))
    notes += [f"{name} is left out: {why}" for name, why in found.left_out.items()]
    for line in filter(None, (found.why, *notes)):
        logger.warning("grammar: %s", line)
    metrics = found.metrics(n_bootstrap=n_bootstrap, seed=seed)
    run.folder.write_json(
        FILE,
        {
            "n": len(chosen.rows),
            "labels": {label: chosen.labels.count(label) for label in dict.fromkeys(chosen.labels)},
            "methods": list(found.vectors),
            "split": split,
            "target": target,
            "predict_threshold": predict_threshold,
            "threshold": threshold,
            "sis_threshold": sis_threshold,
            "compat": compat,
            "seconds": seconds,
            "why": found.why,
            "notes": notes,
            "metrics": metrics,
        },
    )
    run.folder.write_table(LABELS, found.labels)
    run.folder.write_table(ELEMENTS, found.elements)
    run.folder.write_table(EXAMPLES, found.examples)
    run.folder.write_table(PLACES, found.shares())
    positions = found.positions
    arrays: dict[str, np.ndarray] = {
        "row": chosen.rows,
        "label": np.array(chosen.labels, dtype=np.str_),
        "annotation": positions.annotation,
        "element": positions.element,
        "rule": positions.rule,
        "length": positions.lengths,
    }
    arrays |= {f"vector_{name}": values for name, values in found.vectors.items()}
    arrays |= {f"called_{name}": values for name, values in found.called.items()}
    with (run.folder / ARRAYS).open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    first = next(iter(found.vectors))
    told = metrics[f"{first}_smooth_precision"].get("value")
    logger.info(
        "grammar: %d examples by %s in %.1f s; smooth precision %s",
        *(len(chosen.rows), ", ".join(found.vectors), seconds),
        "-" if told is None else f"{told:.3f}",
    )
