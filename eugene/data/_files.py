"""Signal files by sample, and stores that only sound data sets leave."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import seqdata as sd
from eugene.data._negatives import SourceError

if TYPE_CHECKING:
    import xarray as xr
    from zarr.storage import MemoryStore

PathLike = str | Path
_ROWS_AT_ONCE = 2048
P = ParamSpec("P")
T = TypeVar("T")


def store_at(out: PathLike | None) -> str | MemoryStore:
    """Return where a reader writes to: the store asked for, or memory."""
    if out is not None:
        return str(out)
    from zarr.storage import MemoryStore

    return MemoryStore()


def finished(ds: xr.Dataset, out: PathLike | None) -> xr.Dataset:
    """Return the dataset read whole, unless it lies in a store."""
    return ds.load() if out is None else ds


def with_more(
    ds: xr.Dataset, out: PathLike | None, made: Mapping[str, object], *, overwrite: bool = True
) -> xr.Dataset:
    """Return the dataset with more variables; a store is written anew only where it has them.

    ``overwrite`` is said where the dataset does not lie at ``out`` yet: what does was the caller's.
    """
    more = ds.assign(made)
    if out is None:
        return more.load()
    if set(made) & set(ds.variables) or not made:
        sd.to_zarr(more, out, overwrite=overwrite)
    else:
        sd.to_zarr(more.drop_vars([v for v in more.variables if v not in made]), out, mode="a")
    return sd.open_zarr(out)


def signal_files(
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None,
) -> dict[str, PathLike]:
    """Return signal files by the name of their sample.

    Parameters
    ----------
    bigwigs : path, sequence of paths, mapping of str to path, or None
        Files; those without a name are named by their file.

    Returns
    -------
    dict of str to path

    Raises
    ------
    SourceError
        Where two files have the same name.
    """
    if bigwigs is None:
        return {}
    if isinstance(bigwigs, Mapping):
        return {str(k): v for k, v in bigwigs.items()}
    files = [bigwigs] if isinstance(bigwigs, str | Path) else list(bigwigs)
    named = {Path(f).name.split(".")[0]: f for f in files}
    if len(named) < len(files):
        raise SourceError(
            "bigwigs: files of the same name cannot be told apart: give {sample: path}."
        )
    return named


def signal_track(
    name: str,
    files: Mapping[str, PathLike],
    strands: Sequence[str] | None,
    pairs: Sequence[str] | None,
    missing: Literal["warn", "zero", "error"],
) -> sd.BigWig:
    """Return the reader of signal files that `signal_files` named."""
    return sd.BigWig(
        name, list(files.values()), list(files), strands=strands, pairs=pairs, missing=missing
    )


def stored_sums(ds: xr.Dataset, width: int) -> NDArray[np.float32]:
    """Return the sums of stored signal ``cov`` over the middle of the windows.

    Parameters
    ----------
    ds : xarray.Dataset
        With ``cov`` (_sequence, cov_sample, _length).
    width : int
        Positions (bp) that are added up.

    Returns
    -------
    ndarray of float32, shape (n_regions, n_samples)
    """
    begin = (ds["cov"].shape[2] - width) // 2
    middle = ds["cov"][:, :, begin : begin + width]
    sums: NDArray[np.float64] = middle.sum("_length", dtype=np.float64).to_numpy()
    return sums.astype(np.float32)


def nothing_left(source: Callable[P, xr.Dataset]) -> Callable[P, xr.Dataset]:
    """Take the store back that a source made at ``out``, where a check of its rows fails."""

    @functools.wraps(source)
    def run(*args: P.args, **kwargs: P.kwargs) -> xr.Dataset:
        out = kwargs.get("out")
        made = isinstance(out, str | Path) and not Path(out).exists()
        try:
            return source(*args, **kwargs)
        except Exception:
            if made and Path(str(out)).is_dir():
                shutil.rmtree(str(out))
            raise

    return run


def formerly(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function take arguments under their former names, too."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            for old, new in names.items():
                if old in kwargs and new in kwargs:
                    raise SourceError(f"{old} is the former name of {new}: give one of them.")
                if old in kwargs:
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return called

    return wrap


def window_sums(
    genome: sd.GenomeFASTA, track: sd.BigWig, rows: pd.DataFrame, width: int
) -> NDArray[np.float32]:
    """Return the sums of signal over windows, read in blocks; strands are swapped as in stores.

    Parameters
    ----------
    genome, track : GenomeFASTA, BigWig
        The track is called ``cov``, and closed in the end.
    rows : DataFrame
        Regions.
    width : int
        Of the windows, in bp.

    Returns
    -------
    ndarray of float32, shape (n_regions, n_samples)
    """
    from seqdata.windows import plan_regions, read_shard

    plan = plan_regions(rows, [genome, track], fixed_length=width)
    blocks = range(0, plan.n_rows, _ROWS_AT_ONCE)
    try:
        parts = [
            read_shard(plan, [track], low, low + _ROWS_AT_ONCE)["cov"].sum(2, dtype=np.float64)
            for low in blocks
        ]
    finally:
        track.close()
    return np.concatenate(parts).astype(np.float32)
