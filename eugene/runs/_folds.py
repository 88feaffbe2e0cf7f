"""Out-of-fold predictions: those of the network that never saw a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from eugene._evaluation import Measured, Metrics
from eugene._folder import RunFolder
from eugene.config import RunConfig
from eugene.errors import NotARunError
from eugene.runs._load import info_of
from eugene.runs._run import logger

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr


def check_folds(config: RunConfig, ds: xr.Dataset) -> list[str]:
    """See that every fold gets rows, and say how many.

    Parameters
    ----------
    config : RunConfig
        With ``replicates.folds`` and the split that folds are made like, or
        ``replicates.leave_out``.
    ds : xarray.Dataset
        The rows.

    Returns
    -------
    list of str
        What each fold is called: its number, or the group that it leaves out.

    Raises
    ------
    ConfigError
        If the split makes no folds, or fewer groups than folds.
    """
    import numpy as np

    import seqdata as sd

    section, like = config.section("replicates"), config.section("data.split")
    ds = ds.isel(_sequence=np.flatnonzero(sd.splits.own_rows(ds)))
    seed = config.seed if like.get("seed") is None else int(like["seed"])
    if section.get("leave_out") is not None:
        try:
            _, names = sd.splits.group_folds(ds, str(section["leave_out"]), seed=seed)
        except sd.SeqdataError as error:
            raise config.fail("$.replicates.leave_out", str(error)) from error
        logger.info(
            "%d folds, one a group of %s: %s; one tests, the next validates, the others train",
            *(len(names), section["leave_out"], ", ".join(names)),
        )
        return names
    n_folds = int(section["folds"])
    try:
        dealt = sd.splits.folds(ds, n_folds=n_folds, like=like, seed=seed)
    except sd.SeqdataError as error:
        raise config.fail("$.replicates.folds", str(error)) from error
    sizes = np.bincount(dealt[dealt >= 0], minlength=n_folds)
    if not sizes.all():
        there = int((sizes > 0).sum())
        message = (
            f"the split {like['name']!r} makes {there} groups of rows that stay together, which is "
            f"too few for {n_folds} folds"
        )
        raise config.fail("$.replicates.folds", message)
    logger.info(
        "%d folds like the split %r: %s rows each; one tests, the next validates, the others "
        "train, whatever shares the split asks for",
        *(n_folds, like["name"], ", ".join(map(str, sizes))),
    )
    if (dealt < 0).any():
        logger.info("%d rows are in no split, so in no fold", int((dealt < 0).sum()))
    return [str(fold) for fold in range(n_folds)]


def _test_rows(folder: RunFolder, fold: int) -> xr.Dataset:
    """Return the predictions of the rows that a fold was tested on, in the units of the data."""
    import numpy as np
    import xarray as xr

    import seqdata as sd

    with sd.open_zarr(folder.predictions) as opened:
        tested = np.flatnonzero(sd.splits.mask(opened, "test"))
        rows = opened.isel(_sequence=tested).load()
    rows = rows.drop_vars("split")
    if "index" in rows.data_vars:
        rows = rows.rename(index="row").set_coords("row")
    rows = rows.assign_coords(fold=("_sequence", np.full(len(tested), fold, np.int16)))
    info = info_of(folder)
    # each fold fitted its transforms on rows of its own, so that only units of the data compare
    for name in ("prediction", "target"):
        if name in rows and rows[name].shape[1:] == (len(info.target_names),):
            undone = info.inverse(rows[name].to_numpy()).astype(np.float32)
            rows[name] = xr.Variable(rows[name].dims, undone, rows[name].attrs)
    return rows.drop_attrs(deep=False)


def out_of_fold(folders: Sequence[RunFolder]) -> xr.Dataset:
    """Return the prediction of every row by the network that was tested on it.

    Parameters
    ----------
    folders : sequence of RunFolder
        The runs of the folds in their order, each with its ``predictions.zarr``.

    Returns
    -------
    xarray.Dataset
        What the runs keep along ``_sequence``, targets and their predictions in the units of the
        data, with the coordinates ``row`` (int64, of the data set, ascending) and ``fold`` (int16).

    Raises
    ------
    NotARunError
        If a row was tested by two folds.
    """
    import numpy as np
    import xarray as xr

    parts = [_test_rows(folder, fold) for fold, folder in enumerate(folders)]
    found = xr.concat(parts, "_sequence", join="exact", combine_attrs="drop_conflicts")
    rows = found["row"].to_numpy()
    twice = np.flatnonzero(np.bincount(rows) > 1)
    if len(twice):
        message = (
            f"row {twice[0]} was tested by more than one fold below {folders[0].path.parent}: the "
            "folds were not made together; train anew with --overwrite"
        )
        raise NotARunError(message)
    return found.isel(_sequence=np.argsort(rows))


def gather(
    config: RunConfig, folder: RunFolder, arm: str, n_folds: int, *, alone: bool
) -> Measured:
    """Write the out-of-fold predictions of an arm and measure them together.

    Parameters
    ----------
    config : RunConfig
        The parent's.
    folder : RunFolder
        The parent.
    arm : str
        The arm.
    n_folds : int
        Number of folds.
    alone : bool
        Whether there is no other arm: the store is then the parent's own.

    Returns
    -------
    dict
        ``n`` and ``metrics`` with intervals over rows; no metrics for predictions that are no
        number a target, such as profiles.
    """
    import seqdata as sd

    runs = [RunFolder(folder.path / arm / f"fold_{k}") for k in range(n_folds)]
    found = out_of_fold(runs)
    described = runs[0].read_json("data.json")
    found.attrs |= {
        "targets": list(described["target_names"]),
        "task": str(described.get("task")),
        "n_folds": n_folds,
    }
    place: Path = folder.predictions if alone else RunFolder(folder.path / arm).predictions
    sd.to_zarr(found, place, overwrite=True)
    return _measured(config, found)


def _measured(config: RunConfig, found: xr.Dataset) -> Measured:
    """Return the figures of all rows together, with intervals."""
    import numpy as np

    from eugene.evaluate import evaluate

    if "prediction" not in found or "target" not in found or found["prediction"].ndim != 2:
        return {"n": int(found.sizes["_sequence"]), "metrics": {}}
    actual: Any = found["target"].to_numpy()
    metrics = evaluate(
        actual,
        found["prediction"].to_numpy(),
        found.attrs["task"],
        n_bootstrap=int(config.section("evaluate").get("n_bootstrap", 1000)),
        seed=config.seed,
        scores=found["score"].to_numpy() if "score" in found else None,
        names=found.attrs["targets"],
    )
    n = int(np.isfinite(actual).any(axis=1).sum())
    return {"n": n, "metrics": cast(Metrics, metrics)}


def fold_table(
    evaluations: Mapping[str, Mapping[int, Measured]],
    pooled: Mapping[str, Measured],
    names: Sequence[str],
) -> str:
    """Return the figures of each fold, of their mean, and of all rows together, tab-separated.

    Parameters
    ----------
    evaluations : mapping
        Arm -> fold -> what was measured on the rows that it tested.
    pooled : mapping
        Arm -> what was measured of all rows by the networks that never saw them.
    names : list of str
        What each fold is called.

    Returns
    -------
    str
        Columns ``arm``, ``fold``, ``left_out``, ``n`` and one a metric, empty where a fold has
        none, such as a correlation of one row.
    """
    import csv
    import io
    import statistics

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    every = [run for runs in evaluations.values() for run in runs.values()]
    metrics = list(dict.fromkeys(m for run in every for m in run.get("metrics", {})))
    writer.writerow(["arm", "fold", "left_out", "n", *metrics])

    def line(measured: Measured) -> list[object]:
        found = measured.get("metrics", {})
        return [measured.get("n", ""), *(_plain(found.get(m, {}).get("value")) for m in metrics)]

    for arm, runs in evaluations.items():
        rows = [line(run) for run in runs.values()]
        for fold, row in zip(runs, rows, strict=True):
            writer.writerow([arm, fold, names[fold], *row])
        means = [
            _plain(statistics.fmean(numbers) if (numbers := [v for v in c if v != ""]) else None)
            for c in list(zip(*rows, strict=True))[1:]
        ]
        writer.writerow([arm, "mean", "", "", *means])
        writer.writerow([arm, "all rows", "", *line(pooled[arm])])
    return buffer.getvalue()


def _plain(value: float | None) -> float | str:
    return "" if value is None else float(f"{value:.6g}")
