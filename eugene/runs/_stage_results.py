"""Figures of the networks that earlier stages of a training kept, on the test rows of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from eugene._evaluation import Metrics, StageMeasured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eugene.runs._run import Run


def earlier_stages(
    run: Run, rows: NDArray[np.int64], *, n_bootstrap: int
) -> dict[str, StageMeasured]:
    """Measure what each stage before the last one kept, on the same rows as the run itself.

    Parameters
    ----------
    run : Run
        Trained in stages, or not.
    rows : ndarray of int64, shape (n,)
        Test rows.
    n_bootstrap : int
        Resamples of the rows for the 95 % intervals.

    Returns
    -------
    dict
        Name of the stage -> ``number``, and ``n`` and ``metrics``, or ``why`` there are none.
        Empty without stages, and for results on other data.
    """
    from eugene.evaluate import evaluate, predict_batches
    from eugene.runs._load import _fill
    from eugene.runs._stages import stage_runs

    if run.other_data is not None:
        return {}
    listed = run.plan.tree.get("stages") or []
    found: dict[str, StageMeasured] = {}
    for number, (stage, one) in enumerate(zip(listed, stage_runs(run)[:-1], strict=False), start=1):
        kept = one.folder.best
        entry: StageMeasured = {"number": number}
        found[str(stage["name"])] = entry
        if not kept.is_file():
            entry["why"] = f"{kept} is not there any more"
            continue
        module = one.new_module(initialise=False)
        _fill(module, kept)
        module.target_names = list(run.data.target_vars)
        loader: Any = run.datamodule.loader("test")
        predicted = predict_batches(
            module.eval(),
            loader,
            device=run.device,
            scores=True,
            **run.averaged,
        )
        if predicted["prediction"].shape[1] != run.predictions.shape[1]:
            entry["why"] = (
                f"its network has {predicted['prediction'].shape[1]} outputs, the last one "
                f"{run.predictions.shape[1]}"
            )
            continue
        metrics = evaluate(
            run.data.targets[rows],
            predicted["prediction"],
            run.task,
            n_bootstrap=n_bootstrap,
            seed=run.config.seed,
            scores=predicted.get("score"),
            names=run.data.target_vars,
        )
        entry["n"], entry["metrics"] = len(rows), cast(Metrics, metrics)
    return found
