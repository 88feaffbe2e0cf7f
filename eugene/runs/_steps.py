"""Training, prediction and evaluation of a run."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.config import build, registries, schema
from eugene.errors import EugeneError
from eugene.runs._run import Run, logger

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_TRAINER = tuple(parameter.name for parameter in schema.section("trainer").parameters())
_CURVE_POINTS = 400


def fit_step(run: Run, *, resume: bool = False) -> dict[str, Any]:
    """Train the network of a run.

    Parameters
    ----------
    run : Run
        The run.
    resume : bool, optional
        Continue from the last checkpoint if there is one.

    Returns
    -------
    dict
        Epochs, best epoch and score, seconds, rows a second.
    """
    from eugene.train import fit

    module = run.new_module()
    if not run.folder.follows:
        run.begin()
    options = {key: run.config.section("trainer").get(key) for key in _TRAINER}
    given: dict[str, Any] = {k: v for k, v in options.items() if v is not None or k == "patience"}
    with contextlib.nullcontext() if run.folder.follows else run.folder.step("fit"):
        result = fit(
            module,
            run.datamodule,
            run_dir=run.folder.path,
            seed=run.config.seed,
            resume=resume,
            overwrite=not resume,
            progress=True if run.progress else "lines",
            **given,
        )
    _part()
    run.__dict__.pop("module", None)
    run.__dict__.pop("predictions", None)
    run.__dict__.pop("predicted", None)
    trained = len(run.rows("train")) * max(result.epochs, 1)
    facts = {
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "best_score": result.best_score,
        "monitor": result.monitor,
        "stopped_early": result.stopped_early,
        "parameters": sum(p.numel() for p in module.arch.parameters()),
        "rows_per_second": round(trained / result.seconds, 1) if result.seconds else None,
    }
    run.folder.note(training=facts)
    best = "none" if result.best_score is None else f"{result.best_score:.4f}"
    level = logging.DEBUG if run.folder.follows else logging.INFO
    logger.log(level, "fit: %d epochs, best %s %s", result.epochs, result.monitor, best)
    return facts


def _part() -> None:
    """Let the processes of a distributed training go: what comes now is done by the first alone."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _targets(ds: xr.Dataset, names: list[str]) -> NDArray[np.float32]:
    return np.stack([ds[name].to_numpy().astype(np.float32) for name in names], axis=1)


def predictions_dataset(run: Run) -> xr.Dataset:
    """Return predictions and targets of every row.

    Parameters
    ----------
    run : Run
        A trained run.

    Returns
    -------
    xarray.Dataset
        ``prediction`` and ``target`` float32 ``(_sequence, _target)`` on the scale that the
        network was trained on, ``score`` (logits, which rank as the predictions do and never
        round to the same number) for classification, ``index`` int64 ``(_sequence)``,
        coordinate ``split``.
    """
    import xarray as xr

    predicted = run.predictions
    actual = _targets(run.data.ds, run.data.target_vars)
    names = list(run.data.target_vars)
    attrs = {"targets": names, "task": run.task, "model_sha256": run.weights_sha256}
    axis = "_target" if predicted.shape[1] == actual.shape[1] else "_class"
    variables: dict[str, Any] = {
        "prediction": (("_sequence", axis), predicted),
        "target": (("_sequence", "_target"), actual),
    }
    if "score" in run.predicted:
        variables["score"] = (("_sequence", axis), run.predicted["score"])
    variables["index"] = ("_sequence", np.arange(len(predicted), dtype=np.int64))
    split = run.data.ds["split"]
    coords = {"split": ("_sequence", split.to_numpy().astype(np.int8), dict(split.attrs))}
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def predict_step(run: Run) -> None:
    """Write ``predictions.zarr``: predictions of every row of the run's data."""
    import seqdata as sd

    sd.to_zarr(predictions_dataset(run), run.folder.predictions, overwrite=True)


def _baseline_predictions(run: Run) -> dict[str, NDArray[np.float64]]:
    """Fit each baseline on the training rows and predict all rows.

    Runs that differ only in their network share what was fitted.
    """
    settings = [run.config.section("data"), run.config.tree.get("baselines"), run.config.seed]
    key = json.dumps(settings, sort_keys=True, default=str)
    if key not in run.baselines:
        run.baselines[key] = _fit_baselines(run)
    return run.baselines[key]


def _fit_baselines(run: Run) -> dict[str, NDArray[np.float64]]:
    ds, train = run.data.ds, run.rows("train")
    letters = np.ascontiguousarray(ds[run.data.seq_var].to_numpy()).view("S1")
    # flanks stored for shifts are not part of a row; the row itself is never cut for a baseline
    flank = int(ds.attrs.get("max_jitter", 0) or 0)
    letters = letters[:, flank : letters.shape[1] - flank]
    actual = _targets(ds, run.data.target_vars)
    found: dict[str, NDArray[np.float64]] = {}
    for position, section in enumerate(run.config.tree.get("baselines") or []):
        name = str(section.get("name", section.get("class_path")))
        logger.info("baseline: %s", name)
        columns = []
        for column in range(actual.shape[1]):
            values = actual[:, column]
            rows = train[np.isfinite(values[train])]
            model = build(
                registries.BASELINES,
                section,
                config=run.config,
                path=f"$.baselines[{position}]",
                seed=run.config.seed,
            )
            shown = {"verbose": run.progress} if name in registries.BASELINES else {}
            model.fit(letters[rows], values[rows], **shown)
            columns.append(np.asarray(model.predict(letters), dtype=np.float64).reshape(-1))
        label = f"{name}_both_strands" if section.get("both_strands") else name
        label = label if label not in found else f"{label}_{position}"
        found[label] = np.stack(columns, axis=1)
    return found


def _subset_rows(run: Run, rows: NDArray[np.int64], variable: str) -> NDArray[np.int64]:
    values = np.asarray(run.data.ds[variable].to_numpy())[rows]
    if values.dtype.kind not in "biuf":
        message = f"{variable!r} is of type {values.dtype}: expected True or False a row"
        raise run.config.fail("$.evaluate.subsets", message)
    missing = np.isnan(values.astype(np.float64))
    if missing.any():
        logger.warning("subset: %d rows without %r belong to no subset", missing.sum(), variable)
    return np.asarray(rows[(values != 0) & ~missing])


def _evaluated(
    run: Run,
    rows: NDArray[np.int64],
    predicted: NDArray[Any],
    scores: NDArray[Any] | None = None,
) -> dict[str, dict[str, Any]]:
    from eugene.evaluate import evaluate

    if not len(rows):
        return {}
    actual = _targets(run.data.ds, run.data.target_vars)[rows]
    n_bootstrap = int(run.config.section("evaluate").get("n_bootstrap", 1000))
    result: dict[str, dict[str, Any]] = evaluate(
        actual,
        predicted[rows],
        run.task,
        n_bootstrap=n_bootstrap,
        seed=run.config.seed,
        scores=None if scores is None else scores[rows],
        names=run.data.target_vars,
    )
    return result


def _curves(run: Run, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Return ROC and precision-recall curves of a binary task with one target."""
    if run.task != "binary_classification" or len(run.data.target_vars) != 1:
        return {}
    from eugene.evaluate import curves

    actual = _targets(run.data.ds, run.data.target_vars)[rows, 0]
    if len(np.unique(actual[np.isfinite(actual)])) < 2:
        return {}
    scores = run.predicted.get("score", run.predictions)
    return dict(curves(actual, scores[rows, 0], points=_CURVE_POINTS))


def test_step(run: Run) -> dict[str, Any]:
    """Predict every row, measure the test rows and the baselines on them.

    Parameters
    ----------
    run : Run
        A trained run.

    Returns
    -------
    dict
        What is written to ``evaluation.json``.

    Raises
    ------
    EugeneError
        If there are no test rows.
    """
    with run.folder.step("test"):
        rows = run.rows("test")
        if not len(rows):
            message = "the split leaves no test rows; change data.split"
            raise EugeneError(message)
        predict_step(run)
        baselines = _baseline_predictions(run)
        actual = _targets(run.data.ds, run.data.target_vars)

        def measured(chosen: NDArray[np.int64]) -> dict[str, Any]:
            return {
                "n": int(np.isfinite(actual[chosen]).any(axis=1).sum()),
                "metrics": _evaluated(run, chosen, run.predictions, run.predicted.get("score")),
                "baselines": {
                    name: _evaluated(run, chosen, values) for name, values in baselines.items()
                },
            }

        subsets = run.config.section("evaluate").get("subsets") or {}
        evaluation = {
            "split": "test",
            "other_data": run.other_data,
            "task": run.task,
            "targets": run.data.target_vars,
            **measured(rows),
            "subsets": {
                name: measured(_subset_rows(run, rows, variable))
                for name, variable in subsets.items()
            },
            "curves": _curves(run, rows),
        }
        for entry in evaluation["metrics"].values():
            if "why" in entry:
                logger.warning("test: %s", entry["why"])
        run.folder.write_json("evaluation.json", evaluation)
    return evaluation
