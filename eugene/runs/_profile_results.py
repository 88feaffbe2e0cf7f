"""Figures of a profile network on the test rows, beside what they can be measured against."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from eugene._bigwig import places_of
from eugene._evaluation import Evaluation, Measured, Metric, Metrics
from eugene.errors import EugeneError
from eugene.evaluate import (
    MeanProfile,
    ProfileRows,
    Smooth,
    best_smoothing,
    fraction_of_reach,
    half_profile,
    score_profiles,
    summarise_profiles,
)
from eugene.evaluate._bigwig import tasks_of
from eugene.evaluate._intervals import difference
from eugene.evaluate._profiles import draw_all, summarise_drawn
from eugene.runs._baselines import baseline_predictions
from eugene.runs._halves import Halves
from eugene.runs._worst import Worst

if TYPE_CHECKING:
    import xarray as xr

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
MEAN, HALF = "mean_profile", "other_half"
FILE = "evaluation.zarr"
_Array: TypeAlias = NDArray[np.floating]
_BATCH = 256
_RIDGE = "kmer_ridge"
# validation rows on which the width of the smoothing is chosen, and windows that are drawn
_MOST_CHOOSING, _DRAWN = 2000, (0.99, 0.9, 0.75, 0.5)
# rows that the network gets most wrong
_WORST = 4


@dataclass
class _Scores:
    """Scores of the test rows: of the network and its references, on all reads and on a half."""

    whole: dict[str, ProfileRows]
    half: dict[str, ProfileRows]

    def take(self, rows: NDArray[np.integer]) -> _Scores:
        """Return those of some rows."""
        return _Scores(
            {name: found.take(rows) for name, found in self.whole.items()},
            {name: found.take(rows) for name, found in self.half.items()},
        )


def _batches(
    run: Run, split: str, every: int = 1
) -> Iterator[tuple[NDArray[np.int64], _Array, _Array | None]]:
    """Yield rows, observed counts (n, samples, length) and mask of every so many batches."""
    loader: Any = run.datamodule.loader(split, batch_size=_BATCH)
    for i, batch in enumerate(loader):
        if i % every:
            continue
        mask = batch.get("mask")
        if mask is not None:
            mask = mask.numpy()
            wide = mask[:, None] if mask.ndim == 2 else mask
            mask = np.broadcast_to(wide, batch["target"].shape)
        yield batch["index"].numpy(), batch["target"].numpy(), mask


def test_profiles(
    run: Run,
    subsets: Mapping[str, NDArray[np.int64]],
    *,
    n_bootstrap: int,
    smooth: int | None,
    fragments: str | Path | None,
) -> Evaluation:
    """Measure a profile network on the test rows.

    Parameters
    ----------
    run : Run
        A trained run whose predictions are written.
    subsets : mapping of str to ndarray of int64, each of shape (n,)
        Name -> rows of the data.
    n_bootstrap : int
        Resamples of the test rows.
    smooth : int or None
        Standard deviation in bp of the Gaussian by which profiles are smoothed before they are
        correlated.
    fragments : str or Path, optional
        Fragments of the signal.

    Returns
    -------
    dict
        ``metrics``, those of ``baselines``, and ``halves`` and ``reach``: what is measured on one
        half of the reads, and where the network stands between its references.
    """
    import seqdata as sd

    with sd.open_zarr(run.folder.predictions) as predictions:
        tasks = tasks_of(predictions)
        mean = MeanProfile(tasks)
        for _, observed, mask in _batches(run, "train"):
            mean.add(observed, mask)
        halves = Halves(
            places_of(run.data.ds), None if fragments is None else Path(fragments), run.config.seed
        )
        width = _smoothing(run, halves, tasks, mean)
        rows, scores, shown, worst = _score(run, predictions, tasks, mean, halves, width, smooth)
    _add_baselines(run, rows, scores, tasks)
    _keep(run, rows, scores, shown, worst, tasks)
    options = {"n_bootstrap": n_bootstrap, "seed": run.config.seed}
    places = {int(row): i for i, row in enumerate(rows)}
    parts = {
        name: np.array([places[int(row)] for row in chosen if int(row) in places], dtype=np.int64)
        for name, chosen in subsets.items()
    }
    pseudo: dict[str, Any] = {**halves.how}
    if width is not None:
        pseudo |= {"smooth_bp": width.width, "kernel": width.kernel}
    found = {
        "split": "test",
        "other_data": run.other_data,
        "task": "profile",
        "targets": list(tasks),
        **_measured(scores, **options),
        "subsets": {name: _measured(scores.take(part), **options) for name, part in parts.items()},
        "mean_profile_rows": mean.rows,
        "pseudo_replicates": pseudo,
        "smooth_bp": smooth,
    }
    return cast(Evaluation, found)


def _smoothing(
    run: Run, halves: Halves, tasks: Mapping[str, Sequence[int]], mean: MeanProfile
) -> Smooth | None:
    """Choose how one half of the reads is smoothed, on validation rows; None without halves."""
    split = "val" if len(run.rows("val")) else "train"
    every = -(-len(run.rows(split)) // _MOST_CHOOSING)
    pairs = (
        pair
        for rows, observed, _ in _batches(run, split, every)
        if (pair := halves.deal(observed, rows)) is not None
    )
    try:
        return best_smoothing(pairs, tasks, mean=mean.profile)
    except EugeneError as error:
        if halves.how["method"] != "none":
            halves.how = {"method": "none", "why": str(error)}
            logger.warning("test: there are no pseudo-replicates: %s", error)
        return None


def _score(
    run: Run,
    predictions: xr.Dataset,
    tasks: Mapping[str, Sequence[int]],
    mean: MeanProfile,
    halves: Halves,
    width: Smooth | None,
    smooth: int | None,
) -> tuple[NDArray[np.int64], _Scores, dict[int, tuple[_Array, _Array]], Worst]:
    """Return the test rows, their scores, and observed and predicted profiles of a few of them."""
    worst = Worst(_WORST)
    place_of = np.full(run.data.ds.sizes["_sequence"], -1, dtype=np.int64)
    place_of[predictions["index"].to_numpy()] = np.arange(predictions.sizes["_sequence"])
    gathered: dict[tuple[str, str], list[ProfileRows]] = {}
    listed: list[NDArray[np.int64]] = []
    options: dict[str, Any] = {"tasks": tasks}
    smoothed = None if smooth is None else Smooth(smooth)
    drawn = _drawn(predictions, run.rows("test"), place_of)
    shown: dict[int, tuple[_Array, _Array]] = {}
    for rows, observed, mask in _batches(run, "test"):
        part = predictions[["profile", "counts"]].isel(_sequence=place_of[rows])
        profile, logs = part["profile"].to_numpy(), _of_tasks(part["counts"].to_numpy(), tasks)
        found = {
            ("whole", "network"): score_profiles(
                observed, profile, logs, mask=mask, smooth=smoothed, **options
            ),
            ("whole", MEAN): score_profiles(
                observed, mean.profile, mask=mask, smooth=smoothed, **options
            ),
        }
        pair = None if width is None else halves.deal(observed, rows)
        if pair is not None and width is not None:
            first, second = pair
            other = _totals(second, tasks, mask)
            few: dict[str, Any] = {**options, "mask": mask, "correlations": False}
            guess = half_profile(second, width, mean.profile)
            found |= {
                ("half", "network"): score_profiles(first, profile, logs, **few),
                ("half", MEAN): score_profiles(first, mean.profile, **few),
                ("half", HALF): replace(
                    score_profiles(first, guess, **few), log_counts=np.log1p(other)
                ),
            }
        for key, values in found.items():
            gathered.setdefault(key, []).append(values)
        own = found["whole", "network"]
        off = np.where(np.isnan(own.scores["jsd"]), -np.inf, own.scores["jsd"]).max(axis=1)
        worst.add(rows, off, np.nansum(own.totals, axis=1), observed, profile)
        listed.append(rows)
        for i in np.flatnonzero(np.isin(rows, drawn)):
            shown[int(rows[i])] = (observed[i], profile[i])
    scores = _Scores({}, {})
    for (which, name), parts in gathered.items():
        getattr(scores, which)[name] = ProfileRows.joined(parts)
    return np.concatenate(listed), scores, {row: shown[row] for row in drawn}, worst


def _of_tasks(
    logs: NDArray[np.floating], tasks: Mapping[str, Sequence[int]]
) -> NDArray[np.float64]:
    """Return predicted log counts of tasks, also where a network gives those of tracks."""
    if logs.shape[1] == len(tasks):
        return logs.astype(np.float64)
    counts = np.expm1(logs.astype(np.float64))
    sums = np.stack([counts[:, list(t)].sum(axis=1) for t in tasks.values()], axis=1)
    return np.asarray(np.log1p(sums))


def _totals(
    counts: NDArray[np.floating],
    tasks: Mapping[str, Sequence[int]],
    mask: _Array | None,
) -> NDArray[np.float64]:
    """Return the counts of each task, float64 (n, tasks)."""
    held = np.nan_to_num(counts.astype(np.float64))
    held = held if mask is None else np.where(mask > 0, held, 0.0)
    return np.stack([held[:, list(t)].sum(axis=(1, 2)) for t in tasks.values()], axis=1)


def _drawn(
    predictions: xr.Dataset, rows: NDArray[np.int64], place_of: NDArray[np.int64]
) -> list[int]:
    """Return a few rows to draw, from many to few predicted reads."""
    totals = predictions["counts"].isel(_sequence=place_of[rows]).to_numpy().sum(axis=1)
    order = np.argsort(totals, kind="stable")
    return list(dict.fromkeys(int(rows[order[int(q * (len(order) - 1))]]) for q in _DRAWN))


def _add_baselines(
    run: Run, rows: NDArray[np.int64], scores: _Scores, tasks: Mapping[str, Sequence[int]]
) -> None:
    """Add what the baselines predict of the counts, on all reads and on a half."""
    if not run.config.tree.get("baselines"):
        return
    totals = np.full((run.data.ds.sizes["_sequence"], len(tasks)), np.nan)
    # only what they learn from: nobody else is asked for the counts of other rows
    for split in ("train", "val"):
        if not len(run.rows(split)):
            continue
        for numbers, observed, mask in _batches(run, split):
            totals[numbers] = _totals(observed, tasks, mask)
    for name, predicted in baseline_predictions(run, np.log1p(totals)).items():
        for side in (scores.whole, scores.half):
            if side:
                own = side["network"]
                side[name] = replace(own, scores={}, log_counts=predicted[rows])


def _measured(scores: _Scores, *, n_bootstrap: int, seed: int) -> Measured:
    """Return the figures of some test rows."""
    network = scores.whole["network"]
    if not len(network):
        return {"n": 0, "metrics": {}, "baselines": {}}

    def of(rows: ProfileRows) -> Metrics:
        return summarise_profiles(rows, n_bootstrap=n_bootstrap, seed=seed)

    drawn = {
        name: draw_all(rows, n_bootstrap=n_bootstrap, seed=seed)
        for name, rows in scores.whole.items()
    }
    measured = {name: summarise_drawn(rows, drawn[name]) for name, rows in scores.whole.items()}
    own = drawn.pop("network")
    result: Measured = {
        "n": int(np.isfinite(network.totals).any(axis=1).sum()),
        "n_empty": dict(zip(network.tasks, network.empty.sum(axis=0).tolist(), strict=True)),
        "metrics": measured.pop("network"),
        "baselines": measured,
        "against": {
            name: {m: difference(own[m], found[m], 0.95) for m in found if m in own}
            for name, found in drawn.items()
        },
    }
    if not scores.half:
        return result
    result["halves"] = {name: of(rows) for name, rows in scores.half.items()}
    half, reach = scores.half, dict[str, Metric]()
    floors = {"jsd": MEAN, "count_pearson": next((n for n in half if n.startswith(_RIDGE)), None)}
    for metric, floor in floors.items():
        if floor is not None:
            reach[metric] = fraction_of_reach(
                half["network"], half[floor], half[HALF],
                metric=metric, n_bootstrap=n_bootstrap, seed=seed,
            )  # fmt: skip
    result["reach"] = reach
    return result


def _task_of(tasks: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the number of the task of each track."""
    placed = {track: i for i, tracks in enumerate(tasks.values()) for track in tracks}
    return [placed[track] for track in sorted(placed)]


def _keep(
    run: Run,
    rows: NDArray[np.int64],
    scores: _Scores,
    shown: Mapping[int, tuple[_Array, _Array]],
    worst: Worst,
    tasks: Mapping[str, Sequence[int]],
) -> None:
    """Write the scores of each test row, and a few profiles to draw.

    The worst are those with the largest distance in any task among the rows with at least the
    median of the counts: with few reads every prediction is far from what is observed.
    """
    import xarray as xr

    import seqdata as sd

    network = scores.whole["network"]
    dims = ("_sequence", "_task")
    ds = xr.Dataset(
        {
            **{name: (dims, values) for name, values in network.scores.items()},
            "total": (dims, network.totals),
            "predicted_log_counts": (dims, network.log_counts),
            **{
                f"jsd_{side}_{name}": (dims, found.scores["jsd"])
                for side, group in (("whole", scores.whole), ("half", scores.half))
                for name, found in group.items()
                if "jsd" in found.scores and (side, name) != ("whole", "network")
            },
            "index": ("_sequence", rows),
        },
        attrs={"tasks": list(network.tasks), "task_of_sample": _task_of(tasks)},
    )
    observed = np.stack([pair[0] for pair in shown.values()])
    predicted = np.stack([pair[1] for pair in shown.values()])
    axes = ("_example", "_track", "_position")
    ds = ds.assign(
        example_observed=(axes, observed.astype(np.float32)),
        example_predicted=(axes, predicted.astype(np.float32)),
        example_index=("_example", np.array(list(shown), dtype=np.int64)),
    )
    median = float(np.median(np.nansum(network.totals, axis=1)))
    if bad := worst.chosen(median):
        axes = ("_worst", "_track", "_position")
        ds = ds.assign(
            worst_observed=(axes, np.stack([seen for *_, seen, _ in bad]).astype(np.float32)),
            worst_predicted=(axes, np.stack([guess for *_, guess in bad]).astype(np.float32)),
            worst_index=("_worst", np.array([row for row, *_ in bad], dtype=np.int64)),
        ).assign_attrs(worst_least_counts=median)
    sd.to_zarr(ds, run.folder / FILE, overwrite=True)
