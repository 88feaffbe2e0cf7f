"""What the runs of a selection gave, as tables: one line a run, a class, a method, an amount."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from eugene._evaluation import with_measures
from eugene._files import read_object
from eugene._folder import RunFolder
from eugene.errors import EugeneError, MissingFileError
from eugene.select._names import RUNS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.evaluate._curves import Curve

SETS = ("train", "val", "test")
_IMPORTANCE = re.compile(
    r"(?P<method>.+)_(?P<kind>smooth|thresholded)_(?P<what>precision|recall|specificity|f1)"
)
Kind: TypeAlias = Literal["roc", "pr"]
_AREAS: dict[Kind, Literal["roc_auc", "pr_auc"]] = {"roc": "roc_auc", "pr": "pr_auc"}
Row: TypeAlias = dict[str, object]
Curves: TypeAlias = "dict[str, Curve]"
"""Class, micro or macro -> roc and pr (two lists each) and their areas."""


@dataclass(frozen=True)
class Done:
    """A run that is there, with what it is.

    Attributes
    ----------
    facts : dict
        Of ``runs.json``: grammar, model, size or rate, seeds, path.
    folder : RunFolder
    predicted : Predicted
        Of the rows that tables are about.
    curves : dict
        Class, ``micro`` or ``macro`` -> curves and areas; empty for regression.
    """

    facts: Row
    folder: RunFolder
    predicted: Predicted
    curves: Curves

    @property
    def key(self) -> Row:
        """What a line of any table begins with."""
        f = self.facts
        return {
            "grammar_id": f["grammar"],
            "model_id": f["model"],
            "d_size": f["size"],
            "d_rate": f["rate"],
            "d_seed": f["data_seed"],
            "m_seed": f["model_seed"],
        }


def done_runs(folder: Path, set_name: str) -> tuple[list[Done], list[str]]:
    """Return the runs of a selection that were tested, and the paths of the others.

    Parameters
    ----------
    folder : Path
        Of the selection.
    set_name : str
        Rows that curves are of.

    Raises
    ------
    MissingFileError
        If it is no such folder.
    """
    path = folder / RUNS
    if not path.is_file():
        raise MissingFileError(
            f"{folder} is no folder of a selection: it has no {RUNS}; 'eugene select grid' makes it"
        )
    found, missing = [], []
    listed = read_object(path)["runs"]
    assert isinstance(listed, list)
    for facts in listed:
        run = RunFolder(folder / str(facts["path"]))
        if run.status("test") == "done" and run.predictions.is_dir():
            rows = predicted(run, set_name)
            found.append(Done(facts, run, rows, _curves(rows)))
        else:
            missing.append(str(facts["path"]))
    return found, missing


@dataclass(frozen=True)
class Predicted:
    """Targets and predictions of the rows of one set.

    Attributes
    ----------
    task : str
    names : list of str
        Of the classes, or of the targets.
    target, prediction, score : ndarray of float32, shape (n, outputs)
        ``target`` of classes has one column.
    """

    task: str
    names: list[str]
    target: NDArray[np.float32]
    prediction: NDArray[np.float32]
    score: NDArray[np.float32]


def predicted(run: RunFolder, set_name: str) -> Predicted:
    """Return what a run predicted of a set."""
    import seqdata as sd

    with sd.open_zarr(run.predictions) as ds:
        rows = sd.splits.mask(ds, set_name)
        if not rows.any():
            raise EugeneError(f"{run.path} has no {set_name} rows")
        task, targets = str(ds.attrs["task"]), [str(name) for name in ds.attrs["targets"]]
        target, prediction = (ds[n].to_numpy()[rows] for n in ("target", "prediction"))
        score = ds["score"].to_numpy()[rows] if "score" in ds.variables else prediction
    classes = task == "multiclass_classification"
    names = _names(run, targets, prediction.shape[1], classes=classes)
    return Predicted(task, names, target, prediction, score)


def _names(run: RunFolder, targets: list[str], n_outputs: int, *, classes: bool) -> list[str]:
    """Return the names of the outputs of a run, those of classes as its data have them."""
    import seqdata as sd
    from eugene.evaluate._curves import class_names

    store = run.store.data_store
    if not classes or not store.is_dir():
        return [f"class {i}" for i in range(n_outputs)] if classes else targets
    with sd.open_zarr(store) as rows:
        return class_names(rows, targets, n_outputs, classes=True)


def _curves(found: Predicted) -> Curves:
    from eugene.evaluate import class_curves

    if not found.task.endswith("classification"):
        return {}
    made = class_curves(
        found.target, found.prediction, found.task, names=found.names, scores=found.score
    )
    return {**made["classes"], "micro": made["micro"], "macro": made["macro"]}


def by_class(found: Predicted) -> xr.Dataset | None:
    """Return truth and prediction of each class or label as variables; None of regression.

    Classes without rows of both kinds are left out; ``names`` of the attributes has the others.
    """
    import numpy as np
    import xarray as xr

    if not found.task.endswith("classification"):
        return None
    truth = found.target.astype(np.float64)
    if found.task == "multiclass_classification":
        same = (truth == np.arange(found.prediction.shape[1])).astype(np.float64)
        truth = np.where(np.isfinite(truth), same, np.nan)
    ds = xr.Dataset()
    for i, name in enumerate(found.names):
        if len(np.unique(truth[np.isfinite(truth[:, i]), i])) == 2:
            ds[name] = ("_sequence", truth[:, i])
            ds[f"{name}_predictions"] = ("_sequence", found.prediction[:, i].astype(np.float64))
    ds.attrs["names"] = [name for name in found.names if name in ds.variables]
    return ds if ds.attrs["names"] else None


def loss_of(found: Predicted) -> float:
    """Return the mean loss of predictions: of classes and labels in nats, else squared.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.full((1, 2), 0.5, np.float32)
    >>> one = Predicted("multiclass_classification", ["a", "b"], np.array([[1.0]]), half, half * 0)
    >>> round(loss_of(one), 4)
    0.6931
    """
    import numpy as np

    if found.task == "multiclass_classification":
        there = np.isfinite(found.target[:, 0])
        rows, classes = np.flatnonzero(there), found.target[there, 0].astype(int)
        p = found.prediction[rows, classes].astype(np.float64)
        return float(-np.log(np.maximum(p, np.finfo(np.float32).tiny)).mean())
    there = np.isfinite(found.target)
    y = found.target[there].astype(np.float64)
    if found.task.endswith("classification"):
        logit = found.score[there].astype(np.float64)
        return float((np.logaddexp(0, logit) - y * logit).mean())
    return float(((y - found.prediction[there]) ** 2).mean())


def accuracy_of(found: Predicted) -> float | None:
    """Return the share of rows whose class, or whose every label at 0.5, is predicted."""
    import numpy as np

    if not found.task.endswith("classification"):
        return None
    if found.task == "multiclass_classification":
        there = np.isfinite(found.target[:, 0])
        return float((found.prediction.argmax(1) == found.target[:, 0])[there].mean())
    whole = np.isfinite(found.target).all(axis=1)
    return float(((found.prediction > 0.5) == (found.target > 0.5)).all(axis=1)[whole].mean())


def table(runs: Iterable[Done], set_name: str) -> pd.DataFrame:
    """Return one line a run, with columns after seqgra's."""
    import pandas as pd

    return pd.DataFrame([_line(run, set_name) for run in runs])


def _line(run: Done, set_name: str) -> Row:
    state, versions = run.folder.state(), run.folder.read("versions.json")
    training = state.get("training") or {}
    splits = run.folder.read("data.json").get("splits", {})
    packages = {**versions, **(versions.get("packages") or {})}
    seconds = sum(step.get("seconds") or 0.0 for step in state.get("steps", {}).values())
    line: Row = {
        "grammar_id": run.facts["grammar"],
        "model_id": run.facts["model"],
        "set_name": set_name,
        "d_version": packages.get("eugene-genomics"),
        "d_size": run.facts["size"],
        "d_rate": run.facts["rate"],
        "d_seed": run.facts["data_seed"],
        **{f"d_{name}": splits.get(name) for name in SETS},
        "m_version": packages.get("eugene-genomics"),
        "m_python_version": packages.get("python"),
        "m_torch_version": packages.get("torch"),
        "m_seed": run.facts["model_seed"],
        "m_parameters": training.get("parameters"),
        "m_epochs": training.get("epochs"),
        "m_seconds": round(seconds, 1),
        "e_metrics_loss": loss_of(run.predicted),
        "e_metrics_accuracy": accuracy_of(run.predicted),
    }
    for curve in _AREAS:
        for kind in ("micro", "macro"):
            own = run.curves.get(kind)
            line[f"e_{curve}_{kind}_auc"] = own[_AREAS[curve]] if own else None
    if not run.curves and set_name == "test":
        metrics = with_measures(run.folder.path).get("metrics", {})
        line |= {
            f"e_metrics_{name}": entry.get("value")
            for name, entry in metrics.items()
            if not _IMPORTANCE.fullmatch(name)
        }
    return {**line, "path": run.facts["path"]}


def curve_table(runs: Iterable[Done], set_name: str) -> pd.DataFrame:
    """Return one line a run and class, micro or macro: the areas under both curves."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                **run.key,
                "set_name": set_name,
                "label": label,
                "roc_auc": curves["roc_auc"],
                "pr_auc": curves["pr_auc"],
            }
            for run in runs
            for label, curves in run.curves.items()
        ]
    )


def points(runs: Iterable[Done], curve: Kind) -> pd.DataFrame:
    """Return the points of all curves of a kind: a line a point, ``x`` and ``y``.

    Parameters
    ----------
    runs : iterable of Done
    curve : str
        ``roc`` (false and true positive rate) or ``pr`` (recall and precision).
    """
    import pandas as pd

    return pd.DataFrame(list(_points(runs, curve)))


def _points(runs: Iterable[Done], curve: Kind) -> Iterator[Row]:
    for run in runs:
        for label, curves in run.curves.items():
            for x, y in zip(*curves[curve], strict=True):
                yield {**run.key, "label": label, "x": x, "y": y}


def importance_table(runs: Iterable[Done]) -> pd.DataFrame:
    """Return one line a run and method: how importance agrees with what was planted."""
    import pandas as pd

    lines = []
    for run in runs:
        metrics = with_measures(run.folder.path).get("metrics", {})
        methods: dict[str, Row] = {}
        for name, entry in metrics.items():
            parts = _IMPORTANCE.fullmatch(name)
            if parts is not None:
                value = methods.setdefault(parts["method"], {})
                value[f"{parts['kind']}_{parts['what']}"] = entry.get("value")
        share = metrics.get("grammar_fraction", {}).get("value")
        said = run.folder.read("interpretation/grammar.json")
        seen = {
            "examples": said.get("n"),
            "labels": len(said.get("labels") or ()),
            "outputs": run.folder.read("data.json").get("output_dim"),
        }
        lines += [
            {**run.key, "method": method, "grammar_fraction": share, **seen, **values}
            for method, values in methods.items()
        ]
    return pd.DataFrame(lines)


def importance_by_label(runs: Iterable[Done]) -> pd.DataFrame:
    """Return the same for each label, as the runs wrote it."""
    import pandas as pd

    found = []
    for run in runs:
        own = run.folder.table("interpretation/grammar_labels.csv")
        if not own.empty:
            found.append(pd.DataFrame([run.key] * len(own)).join(own))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def learning_table(lines: pd.DataFrame, importance: pd.DataFrame) -> pd.DataFrame:
    """Return each figure against the amount of data: mean over seeds, with intervals.

    Parameters
    ----------
    lines, importance : pandas.DataFrame
        Of `table` and `importance_table`.

    Returns
    -------
    pandas.DataFrame
        ``grammar_id, model_id, amount, metric, n, mean, sd``, ``low`` and ``high`` of a bootstrap
        over seeds, ``t_low`` and ``t_high`` of Student's interval, wider and for few seeds the
        more honest one; all but the mean are missing for one seed.
    """
    import pandas as pd

    from eugene.runs._replicates import mean_interval, paired

    long = _long(lines, [c for c in lines.columns if str(c).startswith("e_")], "e_")
    if not importance.empty:
        scores = [c for c in importance.columns if "smooth_" in str(c) or "thresholded_" in str(c)]
        for method, own in importance.groupby("method", sort=False):
            long += _long(own, scores, "", f"{method}_")
    found = []
    every = pd.DataFrame(long, columns=["grammar_id", "model_id", "amount", "metric", "value"])
    keys = ["grammar_id", "model_id", "amount", "metric"]
    for key, own in every.dropna(subset="value").groupby(keys, sort=False):
        values = [float(v) for v in own["value"]]
        mean, student = mean_interval(values), paired([0.0] * len(values), values)
        found.append(
            {
                **dict(zip(keys, key, strict=True)),
                "n": len(values),
                **{name: mean.get(name) for name in ("mean", "sd", "low", "high")},
                **{name: student.get(name) for name in ("t_low", "t_high")},
            }
        )
    return pd.DataFrame(found)


def _long(lines: pd.DataFrame, columns: Sequence[str], prefix: str, before: str = "") -> list[Row]:
    """Return a line for each number of some columns."""
    amounts = lines["d_size"].where(lines["d_size"].notna(), lines["d_rate"])
    return [
        {
            "grammar_id": row["grammar_id"],
            "model_id": row["model_id"],
            "amount": amount,
            "metric": before + str(column).removeprefix(prefix),
            "value": row[column],
        }
        for (_, row), amount in zip(lines.iterrows(), amounts, strict=True)
        for column in columns
    ]
