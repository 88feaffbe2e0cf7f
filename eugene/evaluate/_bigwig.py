"""Predicted profiles put back where they lie on the genome, as BigWig files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eugene._bigwig import ROWS, Contigs, Overlap, places_of, write_windows
from eugene.errors import EugeneError, did_you_mean
from seqpro.progress import counted

if TYPE_CHECKING:
    import xarray as xr

Shown: TypeAlias = Literal["counts", "profile"]
SHOWN = ("counts", "profile")


def expected_counts(
    profile: ArrayLike, log_counts: ArrayLike, tasks: Mapping[str, Sequence[int]]
) -> NDArray[np.float32]:
    """Return the counts that are expected of every base.

    Parameters
    ----------
    profile : array_like of float, shape (n, tracks, positions)
        Probabilities, or what is proportional to them within a task.
    log_counts : array_like of float, shape (n, tasks) or (n, tracks)
        Predicted log(1 + counts), natural, of each task or each track.
    tasks : mapping of str to sequence of int
        Tracks of each task.

    Returns
    -------
    ndarray of float32, shape (n, tracks, positions)
        They add up to the predicted counts.

    Raises
    ------
    EugeneError
        If there are other counts than one a task or one a track.

    Examples
    --------
    >>> expected_counts([[[0.5, 0.0], [0.25, 0.25]]], [[np.log(9)]], {"x": [0, 1]}).tolist()
    [[[4.0, 0.0], [2.0, 2.0]]]
    """
    shares = np.array(profile, dtype=np.float64)
    totals = np.expm1(np.asarray(log_counts, dtype=np.float64))
    if totals.shape not in ((len(shares), len(tasks)), shares.shape[:2]):
        raise EugeneError(
            f"predicted counts have shape {totals.shape}: expected {(len(shares), len(tasks))}, "
            "a number a row and task"
        )
    of_tasks = totals.shape[1] == len(tasks)
    alone = [[i] for i in range(shares.shape[1])]
    groups = [list(t) for t in tasks.values()] if of_tasks else alone
    for t, tracks in enumerate(groups):
        whole = shares[:, tracks].sum(axis=(1, 2), keepdims=True)
        shares[:, tracks] *= np.maximum(totals[:, t], 0)[:, None, None] / whole
    return shares.astype(np.float32)


def predictions_to_bigwig(
    ds: xr.Dataset,
    path: str | Path,
    *,
    contigs: Contigs,
    what: Shown = "counts",
    overlap: Overlap = "mean",
    rows: ArrayLike | None = None,
) -> list[Path]:
    """Write the predictions of a run of profiles as BigWig files, one a track.

    Parameters
    ----------
    ds : xarray.Dataset
        ``predictions.zarr`` of a run: ``profile`` (_sequence, sample, _position) and ``counts``
        (_sequence, _task), with the places of the rows. It is read a few rows at a time.
    path : str or Path
        The file of a single track; of several ``{stem}.{track}.bw`` beside it.
    contigs : mapping, str or Path
        Contig lengths in bp, or the FASTA file, index or table of sizes that tells them.
    what : {"counts", "profile"}
        Expected counts of every base, or the probability of every position.
    overlap : {"mean", "max", "nearest", "error"}
        What a base under several windows gets: the mean or the largest of their values, or that
        of the window whose middle is nearest; or refuse.
    rows : array_like of int, shape (n,), optional
        Which rows; all by default.

    Returns
    -------
    list of Path
        The files, which appear when all of them are whole.

    Raises
    ------
    EugeneError
        If there are no profiles or no places of the rows.
    seqdata.errors.SeqdataError
        What `seqdata.to_bigwig` raises.
    """
    if not {"profile", "counts"} <= set(ds.variables):
        raise EugeneError(
            "the dataset has no predicted 'profile' and 'counts': BigWig files are made of the "
            "predictions of profile networks"
        )
    chosen = np.arange(ds["profile"].shape[0]) if rows is None else np.asarray(rows)
    pair, tasks = ds[["profile", "counts"]], tasks_of(ds)

    def predicted(part: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        found = pair.isel(_sequence=chosen[part])
        return found["profile"].to_numpy(), found["counts"].to_numpy()

    dim = str(ds["profile"].dims[1])
    mates = ds.coords.get(f"{dim.removesuffix('_sample')}_pair")
    return write_predicted(
        predicted,
        places_of(ds).isel(_sequence=chosen),
        [str(name) for name in ds[dim].to_numpy()],
        tasks,
        path,
        contigs=contigs,
        pairs=None if mates is None else [str(mate) for mate in mates.to_numpy()],
        what=what,
        overlap=overlap,
    )


def tasks_of(ds: xr.Dataset) -> dict[str, list[int]]:
    """Return the tasks of the predictions of a run of profiles, each with its tracks.

    Parameters
    ----------
    ds : xarray.Dataset
        ``predictions.zarr`` of a run, with the attributes ``tasks`` and ``task_of_sample``.

    Returns
    -------
    dict of str to list of int
        In the order of the counts.
    """
    names = [str(name) for name in np.atleast_1d(ds.attrs["tasks"])]
    task_of = np.atleast_1d(ds.attrs["task_of_sample"])
    return {name: np.flatnonzero(task_of == i).tolist() for i, name in enumerate(names)}


def write_predicted(
    predict: Callable[[NDArray[np.int64]], tuple[NDArray[Any], NDArray[Any]]],
    places: xr.Dataset,
    tracks: Sequence[str],
    tasks: Mapping[str, Sequence[int]],
    path: str | Path,
    *,
    contigs: Contigs,
    pairs: Sequence[str] | None = None,
    what: Shown = "counts",
    overlap: Overlap = "mean",
    progress: bool = False,
) -> list[Path]:
    """Predict windows a few at a time and write what is predicted as BigWig files.

    Parameters
    ----------
    predict : callable
        From numbers of rows to probabilities (n, tracks, positions) and log counts (n, tasks).
    places : xarray.Dataset
        Places of the rows, as `eugene._bigwig.places_of` returns them.
    tracks : sequence of str
        Names of the tracks.
    tasks : mapping of str to sequence of int
        Tracks of each task.
    pairs : sequence of str, optional
        For each track its mate on the other strand.
    path, contigs, what, overlap
        As of `predictions_to_bigwig`.
    progress : bool
        Draw a bar.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    EugeneError
        If there is nothing to write, or no such thing.
    """
    if what not in SHOWN:
        raise EugeneError(f"what: {what!r}{did_you_mean(what, SHOWN)}")
    n = places.sizes["_sequence"]
    if not n:
        raise EugeneError("there is no window to write")

    def blocks() -> Iterator[NDArray[np.float32]]:
        with counted(total=n, desc="predict", unit="seq", shown=progress) as bar:
            for start in range(0, n, ROWS):
                part = np.arange(start, min(start + ROWS, n))
                profile, counts = predict(part)
                yield expected_counts(profile, counts, tasks) if what == "counts" else profile
                bar.update(len(part))

    return write_windows(
        blocks(), places, tracks, path, contigs=contigs, pairs=pairs, overlap=overlap
    )
