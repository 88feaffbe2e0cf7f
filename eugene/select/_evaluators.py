"""Evaluators of a finished run by seqgra's names, and files as seqgra writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eugene._folder import RunFolder
from eugene._table import write_table
from eugene.config.registries import ATTRIBUTIONS
from eugene.errors import EugeneError, did_you_mean
from eugene.select._tables import SETS, Predicted, accuracy_of, by_class, loss_of, predicted

if TYPE_CHECKING:
    import pandas as pd

CONVENTIONAL = ("metrics", "predict", "roc", "pr")
"""Evaluators of predictions; all others are methods of attribution, or sis."""
SIS = "sis"
_OWN_NAMES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Evaluated:
    """What evaluators gave.

    Attributes
    ----------
    run : Path
        Folder of the run.
    files : tuple of Path
        What was written for the conventional evaluators.
    metrics : dict of str to dict of str to float
        Set -> metric -> value.
    labels : pandas.DataFrame, optional
        Agreement of importance with the grammar, a line a method and label.
    """

    run: Path
    files: tuple[Path, ...] = ()
    metrics: dict[str, dict[str, float]] = field(default_factory=lambda: {})
    labels: pd.DataFrame | None = None


def evaluate_run(
    run_dir: str | Path,
    evaluators: Sequence[str] = CONVENTIONAL,
    *,
    sets: Sequence[str] = ("test",),
    n: int | None = None,
    n_per_label: int | None = None,
    predict_threshold: float | None = 0.5,
    sis_threshold: float = 0.5,
    threshold: float = 0.01,
    target: Literal["y", "y-hat"] = "y",
    plots: bool = True,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str | None = None,
) -> Evaluated:
    """Evaluate a trained run.

    ``metrics``, ``predict``, ``roc`` and ``pr`` are made of its predictions, and written as files
    of the names and columns that seqgra gives them. All other evaluators are methods of
    attribution; they are held against the grammar of the data by the step ``grammar``, at once.

    Parameters
    ----------
    run_dir : str or Path
        Folder of the run.
    evaluators : sequence of str
        Names, those of seqgra such as ``integrated-gradients`` among them.
    sets : sequence of {"train", "val", "test"}
        Rows; importance is of one set.
    n, n_per_label : int, optional
        Examples whose importance is looked at, all together or of each label, which overrules;
        500 together by default.
    predict_threshold : float, optional
        Only examples that are predicted right and more surely than this; None for all.
    sis_threshold : float
        Lowest probability for sufficient input subsets.
    threshold : float
        Lowest attribution of a position that is called important.
    target : {"y", "y-hat"}
        Explain the class that a row has, or the one that is predicted.
    plots : bool
        Whether curves are drawn.
    out : str or Path, optional
        Folder of the files; ``interpretation/evaluators`` in that of the run by default.
    overwrite : bool
        Look at importance again although that was done.
    device : str, optional
        Where the network computes.

    Returns
    -------
    Evaluated
        With the figures.

    Raises
    ------
    EugeneError
        If a name is unknown, or importance is asked for of several sets.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> import eugene as eu
    >>> eu.select.evaluate_run("runs/first", ["metrics", "saliency"]).metrics  # doctest: +SKIP
    {'test': {'loss': 0.21, 'accuracy': 0.93}}
    """
    from eugene.runs import do_step

    known = (*CONVENTIONAL, SIS, *ATTRIBUTIONS, *ATTRIBUTIONS.aliases)
    if not evaluators:
        raise EugeneError(f"no evaluator is named{did_you_mean('', known)}")
    for name in evaluators:
        if name not in known:
            raise EugeneError(f"there is no evaluator {name!r}{did_you_mean(name, known)}")
    for name in sets:
        if name not in SETS:
            raise EugeneError(f"there is no set {name!r}{did_you_mean(name, SETS)}")
    methods = [name for name in evaluators if name not in CONVENTIONAL]
    if methods and len(sets) != 1:
        raise EugeneError(f"importance is looked at in one set, got {len(sets)}: {', '.join(sets)}")
    folder = RunFolder.open(run_dir)
    asked = [name for name in CONVENTIONAL if name in evaluators]
    if asked and folder.status("test") != "done":
        do_step(run_dir, "test", device=device)
    place = folder / "interpretation" / "evaluators" if out is None else Path(out)
    files: list[Path] = []
    metrics: dict[str, dict[str, float]] = {}
    for name in sets if asked else ():
        place.mkdir(parents=True, exist_ok=True)
        found = predicted(folder, name)
        metrics[name] = _metrics(found)
        files += _written(found, asked, place, _OWN_NAMES[name], metrics[name], plots=plots)
    if not methods:
        return Evaluated(folder.path, tuple(files), metrics)
    settings = {
        "methods": methods,
        "n": 500 if n is None else n,
        "n_per_label": n_per_label,
        "split": sets[0],
        "target": target,
        "predict_threshold": predict_threshold,
        "sis_threshold": sis_threshold,
        "threshold": threshold,
    }
    do_step(run_dir, "grammar", settings, overwrite=overwrite, device=device)
    labels = folder.table("interpretation/grammar_labels.csv")
    return Evaluated(folder.path, tuple(files), metrics, None if labels.empty else labels)


def _metrics(found: Predicted) -> dict[str, float]:
    accuracy = accuracy_of(found)
    return {"loss": loss_of(found), **({} if accuracy is None else {"accuracy": accuracy})}


def _written(
    found: Predicted,
    asked: Iterable[str],
    place: Path,
    name: str,
    metrics: dict[str, float],
    *,
    plots: bool,
) -> Iterator[Path]:
    """Write the files of conventional evaluators of one set."""
    for evaluator in asked:
        if evaluator == "metrics":
            path = place / f"{name}-metrics.txt"
            write_table(path, ["set", "metric", "value"], [[name, *m] for m in metrics.items()])
            yield path
        elif evaluator == "predict":
            path = place / f"{name}-y-hat.txt"
            heads = [f"{side}_{label}" for side in ("y", "y_hat") for label in found.names]
            truth = _one_hot(found)
            rows = [[*a, *b] for a, b in zip(truth, found.prediction.tolist(), strict=True)]
            write_table(path, heads, rows)
            yield path
        elif plots:
            path = place / f"{name}-{evaluator}-curve.pdf"
            _draw(found, evaluator, path)
            yield path


def _one_hot(found: Predicted) -> list[list[float]]:
    """Return the targets with a column for each output."""
    import numpy as np

    if found.task != "multiclass_classification":
        return found.target.tolist()  # type: ignore[no-any-return]
    return (found.target == np.arange(len(found.names))).astype(float).tolist()  # type: ignore[no-any-return]


def _draw(found: Predicted, curve: str, path: Path) -> None:
    """Draw the curves of all classes."""
    import matplotlib as mpl

    from eugene.plot import auprc, auroc
    from eugene.report._build import STYLE

    ds = by_class(found)
    if ds is None:
        raise EugeneError(f"{curve}: curves are of classes and labels, not of {found.task}")
    names = list(ds.attrs["names"])
    with mpl.rc_context(STYLE):
        if curve == "roc":
            auroc(ds, names, averages=True, save=str(path))
        else:
            auprc(ds, names, averages=True, iso_f1=True, save=str(path))
