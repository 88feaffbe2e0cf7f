"""What a network of binned tracks gives: predictions of windows, and figures on test windows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from eugene._evaluation import Evaluation, Measured, Metrics
from eugene.evaluate import (
    GeneSignal,
    MeanTracks,
    TrackRows,
    bin_table,
    gene_table,
    group_table,
    metadata_of,
    plan_genes,
    score_tracks,
    track_table,
)
from eugene.evaluate._intervals import difference, summary
from eugene.evaluate._tracks import drawn_pearson
from eugene.report._tracks import WINDOWS, WORST
from eugene.runs._worst import Worst

if TYPE_CHECKING:
    import pandas as pd

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
MEAN = "mean_of_training_windows"
TABLES = {"tracks": "tracks.tsv", "groups": "track_groups.tsv", "bins": "track_bins.tsv",
          "genes": "track_genes.tsv", "windows": WINDOWS}  # fmt: skip
_DRAWN = 3


def write_track_predictions(run: Run) -> None:
    """Write ``predictions.zarr``: predictions of every window, a block of windows at a time.

    They are ``prediction`` float32 ``(_sequence, {target}_sample, _length_{target})`` on the scale
    that the network was trained on, ``index`` int64, and the coordinates of windows and samples.

    Parameters
    ----------
    run : Run
        A trained run.
    """
    import seqdata as sd

    first = True
    for batch in _predicted(run, "all"):
        block = _block(run, batch["index"], batch["prediction"])
        if first:
            sd.to_zarr(block, run.folder.predictions, overwrite=True)
        else:
            sd.to_zarr(block, run.folder.predictions, mode="a", append_dim="_sequence")
        first = False


def _block(run: Run, rows: NDArray[np.int64], prediction: NDArray[np.float32]) -> xr.Dataset:
    """Return the predictions of some windows as they are stored."""
    ds, name = run.data.ds, run.data.target_vars[0]
    variable = ds[name]
    sample, along = (str(dim) for dim in variable.dims[1:])
    rest = variable.shape[2] - prediction.shape[2]
    attrs = {k: v for k, v in variable.attrs.items() if k in ("aggregate", "squash", "sample_dim")}
    bin_size = int(variable.attrs.get("bin_size", 1))
    attrs |= {
        "kind": "track", "bin_size": bin_size, "flank": 0,
        "crop": int(variable.attrs.get("crop", 0)) + rest // 2 * bin_size,
    }  # fmt: skip
    places = {
        key: ds[key][rows].variable
        for key in ("chrom", "start", "end", "strand", "split")
        if key in ds.variables
    }
    samples = {
        str(key).replace(name, "prediction", 1) if str(key) != sample else sample: value.variable
        for key, value in ds.coords.items()
        if value.dims == (sample,)
    }
    return xr.Dataset(
        {
            "prediction": (("_sequence", sample, along), prediction, attrs),
            "index": ("_sequence", rows),
        },
        {**places, **samples},
        {"targets": [name], "task": "tracks", "model_sha256": run.weights_sha256},
    )


def _predicted(run: Run, split: str) -> Iterator[dict[str, Any]]:
    """Yield rows, predictions and targets of a split, a batch at a time."""
    module = run.module
    home = next(module.parameters()).device
    loader: Any = run.datamodule.loader(split)
    with torch.no_grad():
        for batch in loader:
            moved = {key: value.to(home) for key, value in batch.items()}
            found = module.predict_scores(moved, **run.averaged)["prediction"]
            target = batch["target"].float()
            if "mask" in batch:
                mask = batch["mask"]
                mask = mask[:, None] if mask.ndim == 2 else mask
                target = torch.where(mask > 0, target, torch.nan)
            yield {
                "index": batch["index"].numpy(),
                "prediction": found.float().cpu().numpy(),
                "target": target.numpy(),
                "head": batch["head"].numpy() if "head" in batch else None,
            }


def test_tracks(
    run: Run,
    subsets: Mapping[str, NDArray[np.int64]],
    *,
    n_bootstrap: int,
    genes: str | Path | None,
) -> Evaluation:
    """Measure a network of tracks on the test rows, beside the mean over the training windows.

    It writes ``tracks.tsv``, ``track_groups.tsv``, ``track_bins.tsv``, ``track_windows.tsv`` and,
    of genes, ``track_genes.tsv``.

    Parameters
    ----------
    run : Run
        A trained run.
    subsets : mapping of str to ndarray of int64, each of shape (n,)
        Name -> rows of the data.
    n_bootstrap : int
        Resamples of the test windows.
    genes : path, optional
        BED file of genes.

    Returns
    -------
    dict
        ``metrics`` and those of ``baselines``, and what was found over genes.
    """
    ds, name = run.data.ds, run.data.target_vars[0]
    mean = MeanTracks()
    loader: Any = run.datamodule.loader("train")
    for batch in loader:
        mean.add(batch["target"].float().numpy())
    plan: GeneSignal | None = None
    rows: list[int] = []
    parts: dict[str, list[TrackRows]] = {"network": [], MEAN: []}
    shown: list[dict[str, Any]] = []
    worst = Worst(_DRAWN)
    for batch in _predicted(run, "test"):
        if genes is not None and plan is None:
            bins = batch["prediction"].shape[2]
            plan = plan_genes(ds, genes, target=name, rows=run.rows("test"), bins=bins)
        own = score_tracks(batch["target"], batch["prediction"])
        parts["network"].append(own)
        off = 1 - own.window_pearson()
        signal = (batch["target"], batch["prediction"])
        worst.add(batch["index"], off, np.zeros(len(off)), *signal)
        constant = mean.predict(len(batch["target"]))
        parts[MEAN].append(score_tracks(batch["target"], constant))
        if plan is not None:
            plan.add(batch["target"], batch["prediction"], batch["index"])
        rows += batch["index"].tolist()
        if len(shown) < _DRAWN:
            shown.append(batch)
    scored = {key: TrackRows.joined(each) for key, each in parts.items()}
    _keep_examples(run, shown)
    _keep_worst(run, worst)
    samples = [str(v) for v in ds[str(ds[name].dims[1])].to_numpy()]
    options: dict[str, Any] = {"n_bootstrap": n_bootstrap, "seed": run.config.seed}
    tables = _tables(run, scored, samples, options)
    tables["windows"] = _windows(run, scored["network"], rows)
    found: dict[str, Any] = {}
    if plan is not None:
        tables["genes"] = gene_table(plan, samples, **options)
        found["genes"] = {
            "file": str(genes), "n": len(plan.genes), "left_out": plan.left_out,
            **{k: _mean(tables["genes"][k]) for k in ("pearson", "pearson_specific")},
        }  # fmt: skip
        if plan.left_out:
            logger.info("test: %d genes lie in no test window whole", plan.left_out)
    for key, table in tables.items():
        run.folder.write_text(TABLES[key], table.to_csv(sep="\t", index=False))
    places = {row: i for i, row in enumerate(rows)}
    of_subsets = {
        key: _measured(
            {
                k: v.take([places[r] for r in chosen.tolist() if r in places])
                for k, v in scored.items()
            },
            options,
        )
        for key, chosen in subsets.items()
    }
    evaluation = {
        "split": "test",
        "other_data": run.other_data,
        "task": "tracks",
        "targets": samples,
        **_measured(scored, options),
        "subsets": of_subsets,
        "groups": tables["groups"].to_dict("records"),
        **found,
    }
    return cast(Evaluation, evaluation)


def _tables(
    run: Run, scored: Mapping[str, TrackRows], samples: Sequence[str], options: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    ds, name = run.data.ds, run.data.target_vars[0]
    said = metadata_of(ds, name)
    references = {MEAN: scored[MEAN]}
    network = scored["network"]
    groups = _groups(run, len(samples))
    bin_size = int(ds[name].attrs.get("bin_size", 1))
    return {
        "tracks": track_table(network, samples, references=references, metadata=said, **options),
        "groups": group_table(network, groups, references=references, **options),
        "bins": bin_table(network, bin_size=bin_size),
    }


def _groups(run: Run, tracks: int) -> list[str]:
    """Return what each track is counted under: its assay, where the data say it."""
    said = metadata_of(run.data.ds, run.data.target_vars[0])
    return [str(v) for v in said.get("assay", ["tracks"] * tracks)]


def _windows(run: Run, scored: TrackRows, rows: Sequence[int]) -> pd.DataFrame:
    """Return what each test window gave: correlation, and mean signal of each assay, twice."""
    import pandas as pd

    groups = np.array(_groups(run, scored.n_tracks))
    columns: dict[str, NDArray[np.floating] | list[int]] = {
        "index": list(rows), "pearson": scored.window_pearson()
    }  # fmt: skip
    there = scored.plain.n > 0
    for group in dict.fromkeys(groups.tolist()):
        own = there & (groups == group)
        share = np.where(own.any(axis=1), 1 / np.maximum(own.sum(axis=1), 1), np.nan)
        for side, values in (("observed", scored.plain.y), ("predicted", scored.plain.p)):
            columns[f"{side}_{group}"] = np.where(own, values, 0).sum(axis=1) * share
    return pd.DataFrame(columns)


def _mean(values: pd.Series[float]) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None


def _measured(scored: Mapping[str, TrackRows], options: Mapping[str, Any]) -> Measured:
    """Return the mean over the tracks of each figure, with its interval over windows."""
    if not len(scored["network"]):
        return {"n": 0, "metrics": {}, "baselines": {k: {} for k in scored if k != "network"}}
    drawn = {
        key: (
            rows.plain.merged().pearson()[0].tolist(),
            list(drawn_pearson(rows, options["n_bootstrap"], options["seed"]).T),
        )
        for key, rows in scored.items()
    }

    def of(key: str) -> Metrics:
        values, draws = drawn[key]
        found = {"pearson": summary(values, draws, 0.95)}
        lacking = int(np.isnan(values).sum())
        if lacking:
            found["pearson"]["why"] = (
                f"pearson does not exist for {lacking} of {len(values)} tracks, which do not vary"
            )
        return cast(Metrics, found)

    return {
        "n": len(scored["network"]),
        "metrics": of("network"),
        "baselines": {key: of(key) for key in scored if key != "network"},
        "against": {
            key: {"pearson": difference(drawn["network"], found, 0.95)}
            for key, found in drawn.items()
            if key != "network"
        },
    }


def _keep_examples(run: Run, shown: Sequence[Mapping[str, Any]]) -> None:
    """Keep the first test windows, observed and predicted, for the report."""
    if not shown:
        return
    index, target, prediction = (
        np.concatenate([batch[k] for batch in shown])[:_DRAWN]
        for k in ("index", "target", "prediction")
    )
    _keep(run, "track_examples.zarr", index, target, prediction)


def _keep_worst(run: Run, worst: Worst) -> None:
    """Keep the test windows with the lowest correlation, the worst first."""
    bad = worst.chosen()
    if bad:
        index = np.array([row for row, *_ in bad], dtype=np.int64)
        observed, predicted = (np.stack([one[side] for one in bad]) for side in (2, 3))
        _keep(run, WORST, index, observed, predicted)


def _keep(
    run: Run,
    name: str,
    index: NDArray[np.int64],
    observed: NDArray[np.floating],
    predicted: NDArray[np.floating],
) -> None:
    """Write some windows, observed and predicted."""
    import seqdata as sd

    ds = _block(run, index, predicted.astype(np.float32))
    seen = (ds["prediction"].dims, observed.astype(np.float32))
    sd.to_zarr(ds.assign(observed=seen), run.folder / name, overwrite=True)
