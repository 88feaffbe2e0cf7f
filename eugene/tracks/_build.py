"""Windows drawn in mappable regions, with the signal of many files in bins."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import seqdata as sd
from eugene.errors import DataError, RunExistsError
from eugene.settings import session_seed
from seqdata.readers import TrackTable, read_track_table
from seqpro.random import counter_seed

logger = logging.getLogger(__name__)

PathLike = str | Path
VARIABLE = "cov"
_DRAW = 41
_HELD_OUT = 0.1
_ROWS = 256


def draw_windows(
    mappable: PathLike | pd.DataFrame,
    length: int,
    n: int | None = None,
    *,
    step: int | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Draw windows that lie in mappable regions, without repeats.

    Parameters
    ----------
    mappable : path or DataFrame
        BED file; regions shorter than a window are passed over.
    length : int
        Length of a window in bp.
    n : int or None
        How many; None for all places. Where there are fewer, that is said.
    step : int or None
        Distance (bp) between the places of a region; default ``length``, side by side.
    seed : int or None
        Seed of the draw; None for that of the session.

    Returns
    -------
    pandas.DataFrame
        ``chrom``, ``chromStart``, ``chromEnd``, in the order of the genome.

    Raises
    ------
    DataError
        If no region holds a window.

    Examples
    --------
    >>> regions = pd.DataFrame({"chrom": ["a", "b"], "chromStart": [0, 5], "chromEnd": [10, 8]})
    >>> draw_windows(regions, 4, step=3)["chromStart"].tolist()
    [0, 3, 6]
    """
    if length < 1 or (step is not None and step < 1) or (n is not None and n < 1):
        raise DataError(f"length {length}, step {step}, n {n}: expected 1 or more.")
    table = mappable if isinstance(mappable, pd.DataFrame) else sd.readers.read_bedlike(mappable)
    chrom = table["chrom"].to_numpy(dtype=object)
    start, end = (table[k].to_numpy(np.int64) for k in ("chromStart", "chromEnd"))
    gap = length if step is None else step
    counts = np.maximum((end - start - length) // gap + 1, 0)
    total = int(counts.sum())
    if not total:
        raise DataError(
            f"none of {len(table)} regions holds a window of {length} bp; the longest has "
            f"{int((end - start).max(initial=0)):,} bp."
        )
    region = np.repeat(np.arange(len(table)), counts)
    place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = start[region] + place * gap
    if n is not None and n < total:
        keys = counter_seed(session_seed(seed), _DRAW, np.arange(total))
        chosen = np.sort(np.argsort(keys, kind="stable")[:n])
        region, begin = region[chosen], begin[chosen]
    elif n is not None and n > total:
        logger.warning("%d windows were asked for, and there are places for %d", n, total)
    return pd.DataFrame(
        {"chrom": chrom[region], "chromStart": begin, "chromEnd": begin + length}
    ).drop_duplicates(ignore_index=True)


def build(
    table: PathLike,
    fasta: PathLike,
    mappable: PathLike | pd.DataFrame,
    *,
    length: int = 25600,
    bin_size: int = 128,
    n: int | None = None,
    step: int | None = None,
    cutoff: float | None = None,
    aggregate: Literal["sum", "mean", "max"] | None = None,
    uncovered: Literal["missing", "zero"] = "missing",
    held_out: Mapping[str, Sequence[str]] | None = None,
    dtype: Literal["float16", "float32"] = "float32",
    seed: int | None = None,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Draw windows with the signal of BigWig files in bins, as a head on a trunk learns them.

    A bin is the sum or the mean of its bases, then multiplied by the ``scale`` of its track, then
    cut at its ``clip`` on either side.

    Parameters
    ----------
    table : path
        ``tracks.tsv``: ``identifier`` and ``file`` (from where the table lies), perhaps
        ``index``, ``clip``, ``scale``, ``sum_stat`` and ``description``; see
        `seqdata.readers.read_track_table`.
    fasta : path
        FASTA file of the genome.
    mappable : path or DataFrame
        Regions to draw windows in.
    length : int
        Length of a window in bp, a multiple of ``bin_size``.
    bin_size : int
        Bases (bp) of a bin.
    n, step, seed
        As of `draw_windows`.
    cutoff : float or None
        Keep a window only if the standard deviation over its bins of one track reaches this.
    aggregate : {"sum", "mean", "max"} or None
        What of the bases of a bin is kept; None as the table says, or the sum.
    uncovered : {"missing", "zero"}
        What bases are for which a file has no value. A bin without any value is missing (NaN),
        and has no part in losses and figures; or it is 0, as for counts of reads.
    held_out : mapping or None
        Contigs of ``val`` and ``test``. By default whole contigs, about a tenth of the windows
        each.
    dtype : {"float16", "float32"}
        Type that is stored.
    out : path or None
        Zarr store to write.
    overwrite : bool
        Whether it may replace one that is there.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length), ``cov`` (_sequence, cov_sample, _length_cov), ``split``,
        ``chrom``, ``start``, ``end``; attributes ``windows_drawn`` and ``windows_below_cutoff``.

    Raises
    ------
    DataError
        If there is no window, none reaches the cutoff, or no contigs can be held out.
    seqdata.errors.SeqdataError
        If files and table do not fit each other.
    """
    if out is not None and Path(out).exists() and not overwrite:
        raise RunExistsError(f"{out} exists: pass overwrite=True to replace it, or another path.")
    if length % bin_size:
        raise DataError(f"length {length} is no multiple of bin_size {bin_size}.")
    seed = session_seed(seed)
    known = read_track_table(table)
    windows = draw_windows(mappable, length, n, step=step, seed=seed)
    drawn = len(windows)
    _held_out(windows, held_out, seed)  # or an error, before anything is read
    genome = sd.GenomeFASTA("seq", fasta, on_unknown="n")
    signal = table_reader(known, bin_size, aggregate, uncovered, dtype)
    if cutoff is not None:
        spread = _spread(genome, signal, windows, length)
        windows = windows[spread >= cutoff].reset_index(drop=True)
        logger.info("%d of %d windows reach the cutoff of %g", len(windows), drawn, cutoff)
        if not len(windows):
            raise DataError(
                f"none of {drawn} windows reaches the cutoff of {cutoff:g}: the largest standard "
                f"deviation of a track is {np.nanmax(spread, initial=0):g}."
            )
    goal: object = None if out is None else str(out)
    if goal is None:
        from zarr.storage import MemoryStore

        goal = MemoryStore()
    codes = _held_out(windows, held_out, seed)
    ds = sd.from_region_files(
        genome, signal, path=goal, bed=windows, fixed_length=length, overwrite=overwrite,  # type: ignore[arg-type]
        mask=False,
    )  # fmt: skip
    notes = {"windows_drawn": drawn, "windows_below_cutoff": drawn - len(windows)}
    if out is None:
        return sd.splits.assign(ds.load(), codes).assign_attrs(notes)
    split = sd.splits.assign(ds, codes)[["split"]].reset_coords()
    places = [name for name in split.variables if name != "split"]
    sd.to_zarr(split.drop_vars(places).set_coords("split"), out, mode="a")
    return sd.open_zarr(out).assign_attrs(notes)


def table_reader(
    known: TrackTable,
    bin_size: int,
    aggregate: str | None,
    uncovered: Literal["missing", "zero"],
    dtype: Literal["float16", "float32"],
) -> sd.Binned:
    """Return the reader of the files of a table."""
    lacking = [name for name, file in zip(known.names, known.files, strict=True) if not file]
    if lacking:
        raise DataError(f"{known.path} names no file of {lacking[0]!r}: fill its column 'file'.")
    files = sd.BigWig(
        VARIABLE, [known.path.parent / file for file in known.files], list(known.names),
        strands=list(known.strands), pairs=list(known.pairs), uncovered=uncovered,
    )  # fmt: skip
    scale = [1.0 if v is None else v for v in known.numbers.get("scale", [None] * len(known))]
    # the reader cuts before it multiplies; here the cut is on the scale of what is kept
    clip = [
        None if v is None else v / s
        for v, s in zip(known.numbers.get("clip", [None] * len(known)), scale, strict=True)
    ]
    kinds = known.aggregate or ("sum",) * len(known)
    return sd.Binned(
        files, bin_size, clip=clip, scale=scale, dtype=dtype, metadata=known.metadata,
        aggregate=[aggregate or kind or "sum" for kind in kinds],  # type: ignore[misc]
    )  # fmt: skip


def _spread(
    genome: sd.GenomeFASTA, signal: sd.Binned, windows: pd.DataFrame, length: int
) -> NDArray[np.float64]:
    """Return the largest standard deviation over bins of any track, for each window."""
    from seqdata.windows import plan_regions, read_shard

    plan = plan_regions(windows, [genome, signal], fixed_length=length)
    found = []
    for low in range(0, plan.n_rows, _ROWS):
        values = read_shard(plan, [signal], low, low + _ROWS)[VARIABLE].astype(np.float64)
        there = np.isfinite(values)
        count = np.maximum(there.sum(-1), 1)
        mean = np.where(there, values, 0).sum(-1) / count
        square = np.where(there, (values - mean[..., None]) ** 2, 0).sum(-1)
        found.append(np.sqrt(square / count).max(-1))
    return np.concatenate(found)


def _held_out(
    windows: pd.DataFrame, held_out: Mapping[str, Sequence[str]] | None, seed: int
) -> NDArray[np.int8]:
    """Return split codes that keep the windows of a contig together."""
    places = xr.Dataset(coords={"chrom": ("_sequence", windows["chrom"].to_numpy(dtype=object))})
    if held_out is not None:
        wrong = set(held_out) - {"train", "val", "test"}
        if wrong:
            raise DataError(f"held_out has {sorted(wrong)}: expected 'train', 'val' and 'test'.")
        return sd.splits.chromosome(places, **held_out)
    contigs, of_row = np.unique(windows["chrom"].to_numpy(dtype=str), return_inverse=True)
    if len(contigs) < 3:
        raise DataError(
            f"the windows lie on {len(contigs)} contigs, and validation and test rows are held out "
            "by contig: say which with held_out={'val': [...], 'test': [...]}, [] for none."
        )
    counts = np.bincount(of_row)
    of_contig = np.zeros(len(contigs), np.int8)
    order = np.argsort(counter_seed(seed, _DRAW + 1, np.arange(len(contigs))), kind="stable")
    at = 0
    for code, left in ((2, 2), (1, 1)):
        # at least one contig for each split, and about a tenth of the windows
        taken = 0
        while at < len(contigs) - left and (taken == 0 or taken < _HELD_OUT * len(windows)):
            of_contig[order[at]] = code
            taken += int(counts[order[at]])
            at += 1
    return np.asarray(of_contig[of_row])
