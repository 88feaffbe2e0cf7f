"""Figures on the test rows, beside the baselines."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, cast

from eugene._evaluation import (
    Calibration,
    Evaluation,
    Measured,
    Metrics,
    OwnUnits,
    of_other_data,
    read_evaluation,
)
from eugene._step import Faults, Part, Settings, step
from eugene._table import copy_to, write_table
from eugene._verb import LATER, Verb, out
from eugene.config.marks import Least
from eugene.report._blocks import Section, number
from eugene.report._measured import each_target, metric_table
from eugene.report._profiles import show_profiles
from eugene.report._stages import stage_table
from eugene.report._strata import show_strata
from eugene.report._tracks import show_tracks
from eugene.report._words import target_names, transformed
from eugene.runs._baselines import baseline_predictions
from eugene.runs._results import result_lines
from eugene.runs._stage_results import earlier_stages
from eugene.runs._strata import strata_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from eugene._folder import RunFolder
    from eugene.runs._load import RunInfo
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_CURVE_POINTS = 400
_CLASS_POINTS, _MOST_CURVES = 100, 20


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield what the test rows lack, and baselines whose training rows are too few or too equal.

    Tracks are not looked through: they may be large.
    """
    import numpy as np

    from eugene.config.registries import BASELINES

    wide = any(run.data.ds[name].ndim > 1 for name in run.data.target_vars)

    def there(split: str) -> dict[str, NDArray[np.float64]]:
        if wide:  # what is measured of tracks says which rows have none
            return {"counts": np.arange(len(run.rows(split)), dtype=float)}
        values = {k: v.astype(float) for k, v in run.datamodule.targets_of(split).items()}
        return {name: v[~np.isnan(v)] for name, v in values.items()}

    if not len(run.rows("test")):
        message = "the split leaves no test rows, which the step 'test' needs; change data.split"
        yield "$.data.split", message
    elif (found := there("test")) and not any(v.size for v in found.values()):
        message = "no test row has a target, so nothing can be tested; change data.split"
        yield "$.data.split", message
    train = there("train")
    for i, section in enumerate(run.config.tree.get("baselines") or []):
        if section.get("name") not in BASELINES:
            continue
        labels = section["name"] == "kmer_logistic"
        if wide and labels:
            yield f"$.baselines[{i}]", "counts have no classes: take kmer_ridge"
            continue
        for name, values in train.items():
            if (len(np.unique(values)) if labels else len(values)) < 2:
                what = "one class" if labels else f"{len(values)} row(s)"
                message = f"{name!r} has {what} among the training rows; two are needed"
                yield f"$.baselines[{i}]", message


def _subset_rows(run: Run, rows: NDArray[np.int64], variable: str) -> NDArray[np.int64]:
    import numpy as np

    values = np.asarray(run.data.ds[variable].to_numpy())[rows]
    if values.dtype.kind not in "biuf":
        message = f"{variable!r} is of type {values.dtype}: expected True or False a row"
        raise run.config.fail("$.evaluate.subsets", message)
    missing = np.isnan(values.astype(np.float64))
    if missing.any():
        logger.warning("subset: %d rows without %r belong to no subset", missing.sum(), variable)
    return np.asarray(rows[(values != 0) & ~missing])


def _curves(run: Run, rows: NDArray[np.int64]) -> dict[str, object]:
    """Return ROC and precision-recall curves: of one label, or of each class and of all.

    Of many classes the areas alone are kept.
    """
    import numpy as np

    from eugene._tasks import get_task
    from eugene.errors import EugeneError
    from eugene.evaluate import class_curves, curves
    from eugene.evaluate._curves import class_names

    if not get_task(run.task).classification:
        return {}
    actual, scores = run.data.targets[rows], run.predicted.get("score", run.predictions)[rows]
    if run.predictions.shape[1] == 1:
        if len(np.unique(actual[np.isfinite(actual)])) < 2:
            return {}
        return dict(curves(actual[:, 0], scores[:, 0], points=_CURVE_POINTS))
    classes = get_task(run.task).classes
    try:
        found = class_curves(
            actual,
            run.predictions[rows],
            run.task,
            names=class_names(run.data.ds, run.data.target_vars, scores.shape[1], classes=classes),
            scores=scores,
            points=_CLASS_POINTS,
        )
    except EugeneError as error:
        return {"why": str(error)}
    areas = {
        name: {key: curve[key] for key in ("roc_auc", "pr_auc")}
        for name, curve in found["classes"].items()
    }
    return {**found, "classes": found["classes"] if len(areas) <= _MOST_CURVES else areas}


def _calibration(run: Run, rows: NDArray[np.int64]) -> Calibration:
    """Calibrate on the validation rows, and measure on the test rows."""
    import numpy as np

    from eugene.evaluate import calibration

    held_out = run.rows("val")
    if run.other_data is not None or not len(held_out):
        return {"why": "there are no validation rows to calibrate on"}
    given, actual = run.predicted.get("score", run.predictions), run.data.targets
    sides = [(actual[part], given[part]) for part in (held_out, rows)]
    found = calibration(run.task, *sides)
    plain = {
        key: [v if np.isfinite(v) else None for v in value] if isinstance(value, list) else value
        for key, value in found.items()
    }
    return cast(Calibration, plain)


def _own_units(
    run: Run,
    rows: NDArray[np.int64],
    baselines: Mapping[str, NDArray[np.float64]],
    *,
    n_bootstrap: int,
) -> OwnUnits:
    """Measure in the units of the file, where targets were transformed."""
    import numpy as np

    from eugene._tasks import get_task
    from eugene.evaluate import evaluate_beside

    info = cast("RunInfo", run.module.run)
    if get_task(run.task).classification or not any(info.transforms.values()):
        return {}
    with np.errstate(over="ignore"):
        actual, own, theirs = (
            info.inverse(run.data.targets[rows]),
            info.inverse(run.predictions[rows]),
            {name: info.inverse(values[rows]) for name, values in baselines.items()},
        )
    if not all(np.isfinite(values).all() for values in (own, *theirs.values())):
        return {"why": "a prediction is too large for the transform of its target to be undone"}
    metrics, beside, gaps = evaluate_beside(
        actual,
        own,
        theirs,
        run.task,
        n_bootstrap=n_bootstrap,
        seed=run.config.seed,
        names=run.data.target_vars,
    )
    return {"metrics": metrics, "baselines": beside, "against": gaps}


def _save(run: RunFolder, path: Path) -> None:
    """Write what the test rows gave, as the run keeps it or a line a model and metric."""
    if path.suffix.lower() == ".json":
        copy_to(run.evaluation, path)
        return
    found = read_evaluation(run.path)
    models = {"network": found["metrics"], **found.get("baselines", {})}
    parts = ("value", "low", "high")
    rows = [
        [model, metric, *(entry.get(part) for part in parts)]
        for model, metrics in models.items()
        for metric, entry in metrics.items()
    ]
    write_table(path, ["model", "metric", *parts], rows)


def _show(section: Section, run: RunFolder) -> None:
    """Show metrics with intervals beside the baselines, and the curves behind them."""
    evaluation = read_evaluation(run.path)
    for line in of_other_data(run.path):
        section.text(line)
    if not evaluation:
        return
    shown = {"profile": show_profiles, "tracks": show_tracks}.get(str(evaluation.get("task")))
    if shown is not None:
        shown(section, run, evaluation)
        show_strata(section, evaluation.get("strata", {}))
        _show_averaged(section, evaluation.get("averaged", {}))
        return
    unseen = "" if evaluation.get("other_data") else ", which training never saw"
    section.text(
        f"{number(evaluation.get('n'))} rows of the split '{evaluation.get('split')}'{unseen}. "
        "Brackets hold 95 % bootstrap intervals over rows."
    )
    for name, how in transformed(run).items():
        section.text(
            f"Errors, predictions and measurements of {name} are in units of the transformed "
            f"target, after {how}."
        )
    metrics = evaluation.get("metrics", {})
    metric_table(section, evaluation)
    names = target_names(run) or evaluation.get("targets") or []
    each_target(section, metrics, names)
    own = evaluation.get("own_units", {})
    if own:
        section.heading("In the units of the file")
        if "why" in own:
            section.text(f"Not measured: {own['why']}.")
        else:
            section.text("The same after the transforms of the targets were undone.")
            metric_table(section, own)
            each_target(section, own["metrics"], names)
    stage_table(section, run, evaluation)
    _show_averaged(section, evaluation.get("averaged", {}))
    calibration, task = evaluation.get("calibration", {}), str(evaluation.get("task"))
    _show_calibration(section, calibration, evaluation.get("targets") or [], task)
    for name, part in evaluation.get("subsets", {}).items():
        section.heading(f"Subset: {name.replace('_', ' ')} ({number(part.get('n'))} rows)")
        metric_table(section, part)
    show_strata(section, evaluation.get("strata", {}))
    _show_rows(section, run, str(evaluation.get("split")))


def _show_rows(section: Section, run: RunFolder, split: str) -> None:
    """Draw predictions of the rows of a split, bin them, and list the worst."""
    if not run.predictions.is_dir():
        return
    import seqdata as sd
    from eugene.report._calibration import show_bins
    from eugene.report._curves import performance, split_part
    from eugene.report._mistakes import show_mistakes
    from eugene.report._rows import in_own_units

    with sd.open_zarr(run.predictions) as opened:
        rows = in_own_units(run, split_part(opened.load(), split))
    if "own_units" in rows.attrs:
        section.text(
            "The pictures and rows below are in the units of the file: transforms of the targets "
            "were undone."
        )
    section.figures(performance(rows, run.figures))
    show_bins(section, rows, run.figures)
    show_mistakes(section, run, rows)


def _show_averaged(section: Section, averaged: Mapping[str, object]) -> None:
    """Say over which views of the sequences predictions are averaged."""
    over = ["both strands"] if averaged.get("reverse_complement") else []
    if averaged.get("shifts"):
        over.append(f"shifts of up to {averaged['shifts']} bp to either side")
    if over:
        section.text(f"Predictions are averaged over {' and '.join(over)}.")


def _show_calibration(
    section: Section, found: Calibration, names: Sequence[str], task: str
) -> None:
    """Show how honest predictions are, before and after calibration on the validation rows."""
    if not found:
        return
    section.heading("Calibration")
    if "why" in found:
        section.text(f"Predictions were not calibrated: {found['why']}.")
        return
    if "temperature" in found:
        listed = ", ".join(number(t) for t in found["temperature"])
        section.text(
            f"Logits divided by the temperature {listed}, fitted on the validation rows, give "
            "calibrated probabilities; the order of predictions stays as it is."
        )
        section.table(
            ("on the test rows", "as predicted", "calibrated"),
            [
                ("negative log-likelihood (nats)", *map(number, found["nll"])),
                ("expected calibration error", *map(number, found["ece"])),
            ],
            numbers=(1, 2),
        )
        return
    width, inside = found["width"], found["coverage"]
    grows = " times the root of the prediction" if task == "poisson" else ""
    section.text(
        f"Conformal intervals, fitted on the validation rows to hold {found['level']:.0%} of the "
        f"targets, reach this far to either side of a prediction{grows}:"
    )
    section.table(
        ("target", "half width", "test targets inside"),
        [
            (names[i] if i < len(names) else f"target {i}", number(w), number(c))
            for i, (w, c) in enumerate(zip(width, inside, strict=True))
        ],
        numbers=(1, 2),
    )


def _write(run: Run, evaluation: Evaluation) -> None:
    """Write what was found, and say what of it cannot exist."""
    for entry in evaluation["metrics"].values():
        if "why" in entry:
            logger.warning("test: %s", entry["why"])
    run.folder.write_json("evaluation.json", evaluation)


@step(
    section="evaluate",
    done_with=("evaluate", "baselines"),
    fits=_fits,
    writes={
        "predictions.zarr": "predictions of every row",
        "evaluation.json": "figures on the test rows, beside the baselines",
        "evaluation.zarr": "figures of each test row of a profile network",
        "tracks.tsv": "figures of each track of a network of tracks",
        "track_windows.tsv": "figures of each test window of a network of tracks",
        "track_worst.zarr": "test windows that a network of tracks gets most wrong",
    },
    report=(Part("performance", "Test performance", _show),),
    verb=Verb(
        "test",
        "measure a trained network on its test rows, beside the baselines",
        "eugene test runs/first",
        options=(out("CSV, TSV or JSON file to write the figures to as well"), *LATER),
        suffixes=(".csv", ".tsv", ".json"),
        save=_save,
        show=result_lines,
    ),
)
def test(
    run: Run,
    *,
    n_bootstrap: Annotated[int, Least(0)] = 1000,
    subsets: Mapping[str, str] = MappingProxyType({}),
    strata: str | Sequence[str] | Mapping[str, int | None] | None = None,
    reverse_complement: bool = False,
    shifts: Annotated[int, Least(0)] = 0,
    calibrate: bool = True,
    smooth: Annotated[int | None, Least(1)] = None,
    fragments: str | None = None,
    genes: str | Path | None = None,
) -> None:
    """Measure the network on the test rows.

    Parameters
    ----------
    run : Run
        A trained run.
    n_bootstrap : int, optional
        Resamples of the test rows for the 95 % intervals.
    subsets : dict, optional
        Name -> boolean variable: the figures are also given for those rows alone.
    strata : str, list of str or dict, optional
        Variables of one value a row: the figures are also given for the rows of each class; or
        variable -> number of bins, for ranges of a number with as many test rows each.
    reverse_complement : bool, optional
        Average the predictions of this run over both strands.
    shifts : int, optional
        Average them over sequences moved by up to so many positions to either side.
    calibrate : bool, optional
        Calibrate predictions on the validation rows: a temperature for classifications, conformal
        intervals of 90 % for other tasks. Profiles are not calibrated.
    smooth : int, optional
        Standard deviation in bp of the Gaussian by which profiles are smoothed before they are
        correlated; ``null`` leaves them as they are.
    fragments : str, optional
        BED or TSV file of the fragments whose ends are the signal of a profile network: they are
        dealt to pseudo-replicates. Without it the counts of every base are.
    genes : path, optional
        BED file of genes, over whose bins a network of tracks is measured as well.
    """
    import numpy as np

    from eugene.errors import EugeneError
    from eugene.evaluate import evaluate_beside
    from eugene.interpret._targets import tasks_of
    from eugene.modules import TrackModule
    from eugene.runs._profile_results import test_profiles
    from eugene.runs._track_results import test_tracks

    rows = run.rows("test")
    if not len(rows):
        raise EugeneError("the split leaves no test rows; change data.split")
    run.write_predictions()
    averaged: dict[str, object] = {"reverse_complement": reverse_complement, "shifts": shifts}
    if isinstance(run.module, TrackModule):
        if strata:
            raise run.config.fail("$.evaluate.strata", "tracks are not measured by strata")
        chosen = {name: _subset_rows(run, rows, variable) for name, variable in subsets.items()}
        _write(
            run,
            {
                **test_tracks(run, chosen, n_bootstrap=n_bootstrap, genes=genes),
                "averaged": averaged,
            },
        )
        return
    if tasks_of(run.module) is not None:
        chosen = {name: _subset_rows(run, rows, variable) for name, variable in subsets.items()}
        parted = strata_of(run, rows, strata)
        each = {
            (name, label): rows[part] for name, p in parted.items() for label, part in p.items()
        }
        found = test_profiles(
            run,
            {**chosen, **{f"{name}: {label}": part for (name, label), part in each.items()}},
            n_bootstrap=n_bootstrap,
            smooth=smooth,
            fragments=fragments,
        )
        measured_parts = found.get("subsets", {})
        found["strata"] = {
            name: {label: measured_parts.pop(f"{name}: {label}") for label in p}
            for name, p in parted.items()
        }
        found["averaged"] = averaged
        _write(run, found)
        return
    baselines, actual = baseline_predictions(run, run.data.targets), run.data.targets

    def measured(chosen: NDArray[np.int64]) -> Measured:
        if not len(chosen):
            empty: dict[str, Metrics] = {name: {} for name in baselines}
            return {"n": 0, "metrics": {}, "baselines": empty, "against": {}}
        scores = run.predicted.get("score")
        metrics, theirs, gaps = evaluate_beside(
            actual[chosen],
            run.predictions[chosen],
            {name: values[chosen] for name, values in baselines.items()},
            run.task,
            n_bootstrap=n_bootstrap,
            seed=run.config.seed,
            scores=None if scores is None else scores[chosen],
            names=run.data.target_vars,
        )
        return {
            "n": int(np.isfinite(actual[chosen]).any(axis=1).sum()),
            "metrics": metrics,
            "baselines": theirs,
            "against": gaps,
        }

    evaluation = {
        "split": "test",
        "other_data": run.other_data,
        "task": run.task,
        "targets": run.data.target_vars,
        **measured(rows),
        "stages": earlier_stages(run, rows, n_bootstrap=n_bootstrap),
        "subsets": {
            name: measured(_subset_rows(run, rows, variable)) for name, variable in subsets.items()
        },
        "strata": {
            name: {label: measured(rows[part]) for label, part in parts.items()}
            for name, parts in strata_of(run, rows, strata).items()
        },
        "curves": _curves(run, rows),
        "averaged": averaged,
        "calibration": _calibration(run, rows) if calibrate else {},
        "own_units": _own_units(run, rows, baselines, n_bootstrap=n_bootstrap),
    }
    _write(run, cast(Evaluation, evaluation))
