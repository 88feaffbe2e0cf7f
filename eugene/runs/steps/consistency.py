"""Whether attribution maps of different sequences agree with each other."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._verb import LATER, Verb, out
from eugene.config.marks import Least, Names
from eugene.report._consistency import ARRAYS, FILE, show_consistency

if TYPE_CHECKING:
    import torch

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield that a method gives no map of every letter, or letters are not those of DNA or RNA."""
    from eugene.errors import EugeneError
    from eugene.interpret._attribute import method_of

    try:
        method = method_of(str(settings["method"]))
    except EugeneError as error:
        yield "method", str(error)
        return
    if not method.hypothetical:
        yield (
            "method",
            f"{method.name} says nothing of letters that are not there, and maps of all four are "
            "compared: choose saliency, deep_lift_shap or another with a hypothetical form",
        )
    if len(run.data.alphabet) != 4:
        yield "", f"maps of four letters are compared; the data are over {run.data.alphabet!r}"


@step(
    split="test",
    fits=_fits,
    writes={
        FILE: "how well attribution maps of different sequences agree",
        ARRAYS: "the distributions behind that",
    },
    measures=FILE,
    report=(Part("consistency", "Consistency of attributions", show_consistency),),
    verb=Verb(
        "consistency",
        "measure how well attribution maps of different sequences agree",
        "eugene consistency runs/first --interpret.consistency.method deep_lift_shap",
        options=(out("JSON file to write the figures to as well"), *LATER),
        suffixes=(".json",),
        save=FILE,
        show=lambda run: [f"consistency: {run / FILE}"],
    ),
)
def consistency(
    run: Run,
    *,
    method: Annotated[str, Names("attributions")] = "saliency",
    n: Annotated[int | None, Least(1)] = 500,
    rows: Literal["measured", "predicted", "random"] = "measured",
    split: Literal["train", "val", "test"] = "test",
    k: Annotated[int, Least(1)] = 6,
    threshold: float = 0.9,
    keep: float = 0.1,
    window: Annotated[int, Least(1)] = 3,
    compat: Literal["acme"] | None = None,
    n_null: Annotated[int, Least(0)] = 20,
    target: int | str | None = None,
    batch_size: Annotated[int, Least(1)] = 128,
    seed: Annotated[int, Least(0)] = 0,
) -> None:
    """Measure how well attribution maps of different sequences agree with each other.

    Parameters
    ----------
    run : Run
        A trained run.
    method : str
        Attribution method; maps that the step attribute kept in their hypothetical form are
        taken where they are of this method, output and rows.
    n : int
        Sequences; ``null`` for all. Only networks with equally many are to be compared.
    rows : str
        Those with the highest target (measured) or prediction (predicted), or any (random).
    split : str
        The rows to choose from.
    k : int
        Length of the k-mers (bp).
    threshold : float
        k-mers are counted where a map is above this quantile of its sequence.
    keep : float
        Share of all positions, the strongest, whose directions are compared.
    window : int
        Positions that are averaged before that.
    compat : str
        Directions as in the program of the paper (acme).
    n_null : int
        Shuffles of the maps, which say how far above chance the numbers are; 0 for none.
    target : int or str
        Output that is explained; ``null`` for the first.
    batch_size : int
        Sequences at a time.
    seed : int
        Of shuffles and of rows that are equally active; that of the run changes neither.
    """
    import numpy as np

    from eugene.evaluate import consistency_of
    from eugene.interpret._attribute import Explainer
    from eugene.runs._active import active_rows, kept_maps, one_target, planted_model, window_motifs

    chosen = active_rows(run, split, n, by=rows, target=target, seed=seed)
    X = run.one_hot(chosen)
    explainer = Explainer(
        run.arch,
        (method,),
        target=one_target(run, target),
        names=run.output_names,
        seed=run.config.seed,
        batch_size=batch_size,
        hypothetical=True,
        effects=False,
        device=run.device,
    )
    begun = time.perf_counter()
    maps = kept_maps(run, explainer, chosen)
    kept = maps is not None
    if maps is None:
        found = explainer.explain(X, verbose=run.progress)
        maps = found[explainer.name(explainer.methods[0], "hypothetical")]
    seconds = time.perf_counter() - begun
    measured = consistency_of(
        maps,
        X,
        planted_model(run, chosen, X),
        k=k,
        threshold=threshold,
        keep=keep,
        window=window,
        compat=compat,
        n_null=n_null,
        seed=seed,
    )
    total = time.perf_counter() - begun
    figures = ", ".join(f"{name} {m['value']:.3f}" for name, m in measured.metrics.items())
    logger.info(
        "consistency: %d sequences by %s in %.1f s (%s): %s",
        *(len(chosen), method, total, "kept maps" if kept else f"maps {seconds:.1f} s", figures),
    )
    asked = {"n": len(chosen), "split": split, "rows": rows, "target": target, "kept": kept}
    run.folder.write_json(
        FILE,
        {
            **asked,
            "method": explainer.methods[0],
            "seconds": total,
            "seconds_maps": seconds,
            "metrics": measured.metrics,
            **measured.told,
        },
    )
    names = window_motifs(run, chosen, measured.arrays, X.shape[2], window)
    arrays: dict[str, Any] = {"row": chosen, "motif": names, **measured.arrays}
    with (run.folder / ARRAYS).open("wb") as file:
        np.savez_compressed(file, **arrays)
