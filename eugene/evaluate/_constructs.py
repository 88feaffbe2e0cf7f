"""What networks give for constructs: over offsets and strands, and under annotated sites."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import seqdata as sd
from eugene._files import write_atomic
from eugene._tracks import names_and_pairs
from eugene.errors import EugeneError, RunExistsError, did_you_mean
from seqdata.constructs import Site, read_sites

if TYPE_CHECKING:
    import torch
    import xarray as xr

Values = NDArray[np.float64]


class Network(Protocol):
    """What predicts: a SequenceModule or a TrackModule, or what has a method like theirs."""

    def predict(self, x: NDArray[np.uint8]) -> torch.Tensor:
        """Return float (n, outputs), or (n, tracks, bins), of ASCII letters (n, length)."""
        ...


@dataclass(frozen=True)
class ConstructPredictions:
    """Predictions of constructs.

    Attributes
    ----------
    windows : pandas.DataFrame
        A row for each window: ``construct`` (row of the data), ``name``, ``group``, ``fold``,
        ``offset`` (bp), ``strand``, ``activity``, ``predicted``, and ``peaks``, text
        ``site=maximum`` joined by ``;``.
    constructs : pandas.DataFrame
        A row for each construct: ``name``, ``group``, ``fold``, ``activity``, ``windows``, their
        number, ``predicted`` and ``predicted_sd``, mean and standard deviation over them (NaN of
        one), and ``strand_difference``, the mean of the plus less that of the minus strand.
    sites : pandas.DataFrame
        A row for each site of each construct: ``name``, ``site``, ``start``, ``end`` (bp of the
        construct), ``windows`` that hold it, ``peak`` and ``peak_sd``, mean and standard
        deviation over windows of the largest bin under it, ``peaksum``, the mean of the sum of
        its bins.
    track : ndarray of float64, shape (constructs, total), or None
        Mean of the track at each base of the construct; NaN where no window had a bin.
    track_sd : ndarray of float64, shape (constructs, total), or None
        Standard deviation of the same over windows.
    payload : ndarray of int64, shape (constructs, 2)
        Where the payload lies in each construct (bp).
    """

    windows: pd.DataFrame
    constructs: pd.DataFrame
    sites: pd.DataFrame
    track: Values | None
    track_sd: Values | None
    payload: NDArray[np.int64]

    def write(
        self, path: str | Path, *, format: Literal["table", "original"] = "table",
        overwrite: bool = False,
    ) -> list[Path]:  # fmt: skip
        """Write the tables.

        Parameters
        ----------
        path : path
            ``.tsv`` or ``.csv``.
        format : {"table", "original"}
            Constructs in this file, with ``{stem}.sites`` and ``{stem}.windows`` beside it; or
            one table of windows as finetune-enformer has it: ``index``, ``name``, ``group``,
            ``fold``, ``offset``, ``activity``, ``predicted``, ``peaksum`` (of the peaks of all
            sites), ``peak``.
        overwrite : bool
            Whether files that are there may be replaced.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        RunExistsError
            If one is there already.
        EugeneError
            If the name ends otherwise, or the format is none.
        """
        goal = Path(path)
        separators = {".csv": ",", ".tsv": "\t"}
        if goal.suffix not in separators:
            raise EugeneError(f"{path}: expected a name that ends in .tsv or .csv")
        if format not in ("table", "original"):
            raise EugeneError(f"format: {format!r}{did_you_mean(format, ('table', 'original'))}")
        tables = {goal: self._original() if format == "original" else self.constructs}
        if format == "table":
            for name, table in (("sites", self.sites), ("windows", self.windows)):
                tables[goal.with_name(f"{goal.stem}.{name}{goal.suffix}")] = table
        for file in tables:
            if file.exists() and not overwrite:
                raise RunExistsError(f"{file} exists: pass overwrite=True to replace it.")
        for file, table in tables.items():
            text = io.StringIO()
            table.to_csv(
                text, sep=separators[file.suffix], index=False, na_rep="NA",
                quoting=csv.QUOTE_MINIMAL, lineterminator="\n",
            )  # fmt: skip
            write_atomic(file, text.getvalue())
        return list(tables)

    def _original(self) -> pd.DataFrame:
        table = self.windows
        sums = [
            sum(float(part.rpartition("=")[2]) for part in str(text).split(";") if part)
            for text in table["peaks"]
        ]
        return pd.DataFrame(
            {"index": table["construct"], "name": table["name"], "group": table["group"],
             "fold": table["fold"], "offset": table["offset"], "activity": table["activity"],
             "predicted": table["predicted"], "peaksum": sums, "peak": table["peaks"]}
        )  # fmt: skip


def site_masks(sites: Sequence[Site], bins: int, bin_size: int, first: int = 0) -> Values:
    """Return which bins lie under each site: 1 where a base of it does.

    Parameters
    ----------
    sites : sequence of Site
        In positions of a window (bp).
    bins, bin_size : int
        Number of bins, and their length in bp.
    first : int
        Base (bp) of the window at which the first bin begins.

    Returns
    -------
    ndarray of float64, shape (sites, bins)

    Examples
    --------
    >>> site_masks([Site("a", 3, 6), Site("b", 11, 12)], 4, 4).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """
    begins = first + np.arange(bins) * bin_size
    bounds = np.array([(site.start, site.end) for site in sites], np.int64).reshape(-1, 2)
    starts, ends = bounds[:, :1], bounds[:, 1:]
    return ((begins < ends) & (begins + bin_size > starts)).astype(np.float64)


def predict_constructs(
    network: Network | None,
    ds: xr.Dataset,
    *,
    tracks: Network | None = None,
    output: int = 0,
    track: int | str = 0,
    length: int | None = None,
    stride: int = 1,
    n: int | float | None = 10,
    seed: int = 0,
    reverse_complement: bool = True,
    bin_size: int = 128,
    batch_size: int = 8,
    compat: Literal["finetune_enformer"] | None = None,
) -> ConstructPredictions:
    """Predict constructs at several offsets and on both strands.

    Parameters
    ----------
    network : SequenceModule or None
        Gives the activity of a sequence.
    ds : xarray.Dataset
        Constructs, as `seqdata.constructs.build` makes them.
    tracks : TrackModule or None
        Gives tracks in bins, of which what lies under annotated sites is reported.
    output : int
        Output of ``network`` that is the activity.
    track : int or str
        Track of ``tracks``, by number or name.
    length, stride, n, seed, reverse_complement, compat
        The windows, as of `seqdata.constructs.sample`.
    bin_size : int
        Bases (bp) of a bin.
    batch_size : int
        Windows at a time.

    Returns
    -------
    ConstructPredictions
        Per window, construct and site.

    Raises
    ------
    EugeneError
        If there is no network, or an output or track that it does not have.
    seqdata.errors.SeqdataError
        If the dataset holds no constructs.
    """
    if network is None and tracks is None:
        raise EugeneError("predict_constructs: give a network, or one of tracks, or both")
    drawn = sd.constructs.sample(
        ds, length, stride, n, seed, reverse_complement=reverse_complement, compat=compat
    )
    rows, width = drawn["seq"].shape
    construct = drawn["construct"].to_numpy()
    offset = drawn["offset"].to_numpy()
    turned = drawn["strand"].to_numpy() == "-"
    predicted = np.full(rows, np.nan)
    sites = [read_sites(str(text)) for text in drawn["sites"].to_numpy()]
    under = _Under(len(ds["seq"]), ds["seq"].shape[1], width, bin_size, track)
    for low in range(0, rows, batch_size):
        part = slice(low, low + batch_size)
        letters = np.ascontiguousarray(drawn["seq"].isel(_sequence=part).to_numpy()).view(np.uint8)
        if network is not None:
            predicted[part] = _output(network, letters, output)
        if tracks is not None:
            under.take(
                tracks, letters, sites[part], construct[part], offset[part], turned[part]
            )  # fmt: skip
    windows = pd.DataFrame(
        {"construct": construct, **_labels(drawn, construct), "offset": offset,
         "strand": np.where(turned, "-", "+"), "activity": _activity(drawn),
         "predicted": predicted, "peaks": under.texts or [""] * rows}
    )  # fmt: skip
    whole = _labels(ds, np.arange(len(ds["seq"])))
    constructs = pd.DataFrame({**whole, "activity": _activity(ds)})
    constructs = constructs.join(_spread(windows, len(constructs)))
    payload = np.stack([ds["payload_start"].to_numpy(), ds["payload_end"].to_numpy()], 1)
    mean, sd_ = under.track() if tracks is not None else (None, None)
    return ConstructPredictions(windows, constructs, under.table(ds), mean, sd_, payload)


def _labels(ds: xr.Dataset, rows: NDArray[np.int64]) -> dict[str, list[str]]:
    """Return name, group and fold of each row, ``.`` where there is none."""
    known = {"name": "id", "group": "group", "fold": "fold"}
    if "fold" not in ds.variables and "split" in ds.variables:
        known["fold"] = "split"
    found: dict[str, list[str]] = {}
    for label, variable in known.items():
        if variable == "split":
            found[label] = [str(v) for v in sd.schema.decode(ds[variable])]
        elif variable in ds.variables:
            found[label] = [str(v) for v in ds[variable].to_numpy()]
        else:
            found[label] = [str(r) if label == "name" else "." for r in rows.tolist()]
    return found


def _activity(ds: xr.Dataset) -> Values:
    there = "activity" in ds.variables
    n = len(ds["seq"])
    return ds["activity"].to_numpy().astype(np.float64) if there else np.full(n, np.nan)


def _output(network: Network, letters: NDArray[np.uint8], output: int) -> Values:
    found = network.predict(letters).numpy().astype(np.float64)
    if found.ndim != 2 or not 0 <= output < found.shape[1]:
        raise EugeneError(
            f"the network gives outputs of shape {found.shape[1:]}, and output {output} is asked "
            "for: a network of tracks goes into tracks="
        )
    return np.asarray(found[:, output])


def _spread(windows: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return mean and spread over the windows of each construct, by its row."""
    groups = windows.groupby("construct")["predicted"]
    by_strand = windows.pivot_table("predicted", "construct", "strand", aggfunc="mean")
    both = {"+", "-"} <= set(by_strand)
    table = pd.DataFrame(
        {"windows": groups.size(), "predicted": groups.mean(), "predicted_sd": groups.std(),
         "strand_difference": by_strand["+"] - by_strand["-"] if both else np.nan}
    )  # fmt: skip
    return table.reindex(range(n))


class _Under:
    """Collects what a track has under sites, and along constructs."""

    def __init__(
        self, constructs: int, total: int, width: int, bin_size: int, track: int | str
    ) -> None:
        self._shape, self._width = (constructs, total), width
        self._bin, self._track = bin_size, track
        self._count = np.zeros(self._shape)
        self._mean, self._square = np.zeros(self._shape), np.zeros(self._shape)
        self._peaks: dict[tuple[int, str], list[tuple[float, float]]] = {}
        self.texts: list[str] = []

    def take(
        self,
        network: Network,
        letters: NDArray[np.uint8],
        sites: Sequence[Sequence[Site]],
        construct: NDArray[np.int64],
        offset: NDArray[np.int64],
        turned: NDArray[np.bool_],
    ) -> None:
        """Take the track of some windows."""
        found = network.predict(letters).numpy().astype(np.float64)
        if found.ndim != 3:
            raise EugeneError(
                f"tracks: the network gives outputs of shape {found.shape[1:]}, expected tracks in "
                "bins"
            )
        values = found[:, self._number(network, found.shape[1])]
        bins = values.shape[1]
        span = bins * self._bin
        if span > self._width or (self._width - span) % 2:
            raise EugeneError(
                f"{bins} bins of {self._bin} bp do not lie in the middle of windows of "
                f"{self._width} bp: give the bin_size of the network"
            )
        first = (self._width - span) // 2
        where = zip(values, sites, construct, offset, turned, strict=True)
        for value, own, row, start, turn in where:
            told = []
            masks = site_masks(own, bins, self._bin, first)
            for site, mask in zip(own, masks, strict=True):
                if not mask.any():
                    continue  # it lies where nothing is predicted
                # a bin of no site counts as 0 in the original's product; below 0 there is nothing
                peak, total = float(value[mask > 0].max()), float(value[mask > 0].sum())
                self._peaks.setdefault((int(row), site.name), []).append((peak, total))
                told.append(f"{site.name}={peak:.6g}")
            self.texts.append(";".join(told))
            line = np.repeat(value[::-1] if turn else value, self._bin)
            place = slice(int(start) + first, int(start) + first + span)
            self._count[row, place] += 1
            step = line - self._mean[row, place]
            self._mean[row, place] += step / self._count[row, place]
            self._square[row, place] += step * (line - self._mean[row, place])

    def _number(self, network: Network, tracks: int) -> int:
        if isinstance(self._track, str):
            names = names_and_pairs(network)[0] or []
            if self._track not in names:
                raise EugeneError(f"track: {self._track!r}{did_you_mean(self._track, names)}")
            return names.index(self._track)
        if not 0 <= self._track < tracks:
            raise EugeneError(f"track is {self._track}, the network gives {tracks}, from 0")
        return self._track

    def track(self) -> tuple[Values, Values]:
        """Return mean and standard deviation at each base of each construct."""
        seen = self._count > 0
        spread = np.sqrt(self._square / np.maximum(self._count - 1, 1))
        return np.where(seen, self._mean, np.nan), np.where(self._count > 1, spread, np.nan)

    def table(self, ds: xr.Dataset) -> pd.DataFrame:
        """Return a row for each site."""
        names = _labels(ds, np.arange(len(ds["seq"])))["name"]
        rows = []
        for row, text in enumerate(ds["sites"].to_numpy()):
            for site in read_sites(str(text)):
                found = np.array(self._peaks.get((row, site.name), np.empty((0, 2)))).reshape(-1, 2)
                n = len(found)
                rows.append(
                    (names[row], site.name, site.start, site.end, n,
                     found[:, 0].mean() if n else np.nan,
                     found[:, 0].std(ddof=1) if n > 1 else np.nan,
                     found[:, 1].mean() if n else np.nan)
                )  # fmt: skip
        columns = ["name", "site", "start", "end", "windows", "peak", "peak_sd", "peaksum"]
        return pd.DataFrame(rows, columns=columns)
