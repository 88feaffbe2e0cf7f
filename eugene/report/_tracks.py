"""The part of a report on a network of tracks: figures by assay, and windows to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.report._blocks import Picture, Section, interval, number, picture
from eugene.report._rows import data_of, row_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr

    from eugene._evaluation import Evaluation
    from eugene._folder import RunFolder

_SIDES = ("observed", "predicted")
_REFERENCE = "mean_of_training_windows_pearson"
_WINDOWS, _TRACKS, _LISTED = 2, 4, 10
WINDOWS, WORST = "track_windows.tsv", "track_worst.zarr"
"""Figures of each test window, and the windows with the lowest correlation."""


def show_tracks(section: Section, run: RunFolder, evaluation: Evaluation) -> None:
    """Show correlations by assay beside the reference, and windows observed and predicted.

    Parameters
    ----------
    section : Section
        It is added to.
    run : RunFolder
        A tested run.
    evaluation : dict
        Its ``evaluation.json``.
    """
    section.text(
        f"{number(evaluation.get('n'))} windows of the split '{evaluation.get('split')}'. Numbers "
        "are the mean over tracks of Pearson's correlation over all bins of all windows; brackets "
        "hold 95 % bootstrap intervals over windows. The reference is the mean of each track at "
        "each bin over the training windows, which knows no sequence."
    )
    groups = _table(run, "track_groups.tsv")
    if not groups.empty:
        section.table(
            ("tracks", "number", "network", "mean of training windows"),
            [
                (row["group"], number(row["tracks"]), _cell(row, "pearson"), _cell(row, _REFERENCE))
                for _, row in groups.iterrows()
            ],
            numbers=(1,),
        )
    genes = evaluation.get("genes")
    if isinstance(genes, dict):
        section.text(
            f"Over {number(genes.get('n'))} genes of {genes.get('file')}: mean correlation across "
            f"genes {number(genes.get('pearson'))}, of what is special to a track "
            f"{number(genes.get('pearson_specific'))}."
        )
    section.figures(_pictures(run))
    _show_windows(section, run)
    section.links(
        [
            (name, what)
            for name, what in (
                ("tracks.tsv", "each track"),
                ("track_bins.tsv", "each bin of the output"),
                (WINDOWS, "each test window"),
                ("track_genes.tsv", "each track over genes"),
            )
            if (run / name).is_file()
        ]
    )


def _show_windows(section: Section, run: RunFolder) -> None:
    """Hold the mean signal of windows against what was predicted, and show the worst windows."""
    import seqdata as sd
    from eugene.report._calibration import show_columns

    table = _table(run, WINDOWS)
    if table.empty:
        return
    start = "observed_"
    groups = [str(c)[len(start) :] for c in table.columns if str(c).startswith(start)]
    columns = [
        (g, *(table[f"{side}_{g}"].to_numpy(float) for side in ("observed", "predicted")))
        for g in groups
    ]
    section.heading("Calibration of the signal of windows")
    section.text("The signal of a window is the mean over its bins and over the tracks named.")
    show_columns(section, columns, run.figures, labels=False, rows="windows")
    bad = table[table["pearson"].notna()].sort_values("pearson", kind="stable").head(_LISTED)
    section.heading("Windows that are most wrong")
    section.text(
        "By Pearson's correlation over the bins of the window, the mean over its tracks that vary."
    )
    with data_of(run) as data:
        names = row_names(data, bad["index"].to_numpy(int))
        section.table(
            ("window", "Pearson r", *(f"{g}, {side}" for g in groups for side in _SIDES)),
            [
                (name, number(row["pearson"]),
                 *(number(row[f"{side}_{g}"]) for g in groups for side in _SIDES))
                for name, row in zip(names, bad.to_dict("records"), strict=True)
            ],
            numbers=range(1, 2 + 2 * len(groups)),
            caption="Windows with the lowest correlation, and their mean signal",
        )  # fmt: skip
        if not (run / WORST).is_dir():
            return
        with sd.open_zarr(run / WORST) as opened:
            ds = opened.load()
        called = row_names(data, ds["index"].to_numpy())[:_WINDOWS]
    section.figures([_windows(ds, _table(run, "tracks.tsv"), run, worst=called)])


def _table(run: RunFolder, name: str) -> pd.DataFrame:
    """Return a table of the folder, empty where it is absent."""
    import pandas as pd

    path = run / name
    return pd.read_csv(path, sep="\t") if path.is_file() else pd.DataFrame()


def _cell(row: pd.Series[float], key: str) -> str:
    return interval({"value": row[key], "low": row[f"{key}_low"], "high": row[f"{key}_high"]})


def _pictures(run: RunFolder) -> list[Picture]:
    found = []
    table = _table(run, "tracks.tsv")
    if not table.empty:
        from eugene.plot import track_scores

        found.append(
            picture(
                track_scores(table), "track_pearson", folder=run.figures,
                alt="Correlation of each track, by assay",
                caption="Correlation of each track on the test windows, by assay; bars are means.",
            )
        )  # fmt: skip
    if (run / "track_examples.zarr").is_dir():
        import seqdata as sd

        with sd.open_zarr(run / "track_examples.zarr") as opened:
            ds = opened.load()
        found.append(_windows(ds, table, run))
    return found


def _windows(
    ds: xr.Dataset, table: pd.DataFrame, run: RunFolder, worst: Sequence[str] = ()
) -> Picture:
    """Draw some test windows, the first or the worst: the best predicted track of each assay."""
    import numpy as np

    from eugene.plot import track_windows

    scores = table["pearson"].to_numpy()
    assays = table["assay"].to_numpy() if "assay" in table else np.full(len(table), "")
    chosen = []
    for assay in dict.fromkeys(assays.tolist()):
        own = np.flatnonzero((assays == assay) & np.isfinite(scores))
        if len(own):
            chosen.append(int(own[np.argmax(scores[own])]))
    drawn = track_windows(ds, chosen[:_TRACKS], _WINDOWS)
    if worst:
        return picture(
            drawn, "track_windows_worst", folder=run.figures,
            alt=f"Observed and predicted signal along the worst test windows, {', '.join(worst)}",
            caption="Observed (grey) and predicted (line) signal of the windows with the lowest "
            f"correlation, from left to right {', '.join(worst)}; the same tracks as above.",
        )  # fmt: skip
    return picture(
        drawn, "track_windows", folder=run.figures,
        alt="Observed and predicted signal along test windows",
        caption="Observed (grey) and predicted (line) signal of the first test windows, of the "
        "track of each assay that is predicted best.",
    )  # fmt: skip
