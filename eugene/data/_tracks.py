"""Windows with signal in bins, as networks of binned tracks are trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import seqdata as sd
from eugene.config.marks import Least
from eugene.data._files import PathLike, nothing_left, signal_files
from eugene.data._negatives import SourceError
from eugene.data._regions import read_blacklist, read_regions, require_contigs, touches
from eugene.errors import did_you_mean
from seqdata.readers import Squash, Track, TrackTable, read_track_table

logger = logging.getLogger(__name__)

Aggregate = Literal["sum", "mean", "max", "sum_sqrt"]


@nothing_left
def tracks(
    fasta: PathLike,
    bed: PathLike | pd.DataFrame,
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None = None,
    *,
    width: Annotated[int, Least(1)],
    bin_size: Annotated[int, Least(1)],
    table: PathLike | None = None,
    aggregate: Aggregate | None = None,
    crop: Annotated[int, Least(0)] = 0,
    squash: Mapping[str, float] | None = None,
    dtype: Literal["float16", "float32"] = "float16",
    missing: Literal["warn", "zero", "error"] = "warn",
    max_jitter: Annotated[int, Least(0)] = 0,
    blacklist: PathLike | None = None,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Cut windows out of a genome of DNA, with the signal of BigWig files in bins.

    A window lies around the middle of its region. Windows that reach over the end of a contig, or
    that touch the blacklist, are left out and counted in the attributes
    ``dropped_past_contig_ends`` and ``dropped_blacklisted``.

    Parameters
    ----------
    fasta : path
        FASTA file of the genome, plain or bgzip.
    bed : path or DataFrame
        Regions, one a window; its columns are kept, a fourth one of splits, say.
    bigwigs : path, sequence of paths, mapping of str to path, or None
        Signal, named by the mapping or the file; None for the files that ``table`` names.
    width : int
        Length of the windows in bp.
    bin_size : int
        Bases (bp) of a bin; it has to divide what the crops leave of a window.
    table : path or None
        Table of the tracks, `seqdata.readers.read_track_table`: strands, pairs, assays, weights,
        and how each is binned, where no argument says it for all. Without ``bigwigs`` its column
        ``file`` names them, from where the table lies.
    aggregate : {"sum", "mean", "max", "sum_sqrt"} or None
        What of the bases of a bin is kept; None as the table says, or the sum.
    crop : int
        Bases (bp) without targets at each end of a window.
    squash : mapping of str to float, or None
        ``clip_soft``, ``clip`` and ``scale`` of all tracks, see `seqdata.readers.Squash`; None as
        the table says, or not at all.
    dtype : {"float16", "float32"}
        Type that is stored.
    missing : {"warn", "zero", "error"}
        What to do where a signal file leaves out a contig of the genome.
    max_jitter : int
        Store windows wider by so many bp on both sides, for jitter in training.
    blacklist : path or None
        BED file of regions to keep away from.
    out : path or None
        Where to write the dataset.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length) and ``cov`` (_sequence, cov_sample, _length_cov), whose
        last dimension counts bins; coordinates ``cov_strand``, ``cov_pair`` and, from the table,
        ``cov_assay``, ``cov_weight`` and ``cov_description``.

    Raises
    ------
    SourceError
        Where no window is left, or files and table do not fit each other.

    Examples
    --------
    >>> import pyBigWig, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     genome, peaks, signal = (Path(folder) / f for f in ("g.fa", "p.bed", "a.bw"))
    ...     _ = genome.write_text(">c\n" + "ACGT" * 100 + "\n")
    ...     _ = peaks.write_text("c\t100\t140\n")
    ...     with pyBigWig.open(str(signal), "w") as file:
    ...         file.addHeader([("c", 400)])
    ...         file.addEntries(["c"], [110], ends=[130], values=[2.0])
    ...     ds = tracks(genome, peaks, signal, width=32, bin_size=8)
    >>> ds["cov"].values.tolist()
    [[[4.0, 16.0, 16.0, 4.0]]]
    """
    known = None if table is None else read_track_table(table)
    signal = _signal(bigwigs, known, table)
    said = _said(known, list(signal), table)
    genome = sd.GenomeFASTA("seq", fasta, on_unknown="warn")
    regions, where = read_regions(bed, None, "region")
    sizes = genome.contigs()
    require_contigs(regions, sizes, where=where, genome=str(fasta))
    around = partial(sd.regions.resize, centre="midpoint")
    wide = around(regions, width + 2 * max_jitter, contigs=sizes)
    notes = {"dropped_past_contig_ends": len(regions) - len(wide)}
    black = read_blacklist(blacklist, sizes, str(fasta))
    if black is not None and len(wide):
        bad = touches(wide, black)
        notes["dropped_blacklisted"] = int(bad.sum())
        wide = wide[~bad]
    if not len(wide):
        raise SourceError(f"no window of {width} bp is left of {len(regions)} regions ({notes}).")
    windows = around(regions, width).loc[wide.index]
    files = sd.BigWig(
        "cov", list(signal.values()), list(signal), strands=said.get("strands"),
        pairs=said.get("pairs"), missing=missing,
    )  # fmt: skip
    numbers = ("clip_soft", "clip", "scale")
    for key in squash or {}:
        if key not in numbers:
            raise SourceError(f"squash: {key!r}{did_you_mean(key, numbers)}")
    how = said["bins"] | dict(squash or {})
    if aggregate is not None:
        how["aggregate"] = aggregate
    binned_signal = sd.Binned(
        files, bin_size, crop=crop, dtype=dtype, metadata=said["metadata"], **how
    )
    ds = sd.from_region_files(
        genome, binned_signal, path=_store(out), bed=windows, fixed_length=width,
        max_jitter=max_jitter, overwrite=overwrite,
        # every window lies on its contig, so the mask says nothing
        mask=False,
    )  # fmt: skip
    for note, count in notes.items():
        if count:
            logger.warning("%s: %d of %d regions", note.replace("_", " "), count, len(regions))
    ds = ds.assign_attrs(notes)
    return ds.load() if out is None else ds


@nothing_left
def binned(
    fasta: PathLike,
    signal: PathLike,
    *,
    bin_size: Annotated[int, Least(1)],
    table: PathLike | None = None,
    bed: PathLike | pd.DataFrame | None = None,
    axes: Literal["tracks_bins", "bins_tracks"] = "tracks_bins",
    values_key: str = "targets",
    names_key: str = "names",
    split_key: str = "split",
    crop: int | None = None,
    seq_var: str = "seq",
    alphabet: str = "DNA",
    on_unknown: Literal["error", "warn", "n"] = "error",
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Read windows of a FASTA file with signal that is in bins already.

    Parameters
    ----------
    fasta : path
        FASTA file, a window in each record, all of one length.
    signal : path
        ``.npz`` with an array of the values, perhaps the names of the records and their splits;
        or ``.npy``, of which rows are read as they are written.
    bin_size : int
        Bases (bp) of a bin.
    table : path or None
        Table of the tracks, `seqdata.readers.read_track_table`, in the order of the array. What
        it says of clips, roots and scales is taken as done, and noted so that it can be undone.
    bed : path or DataFrame, or None
        Where the rows of the array lie in the genome, in their order: the windows, or the part
        of them that has bins.
    axes : {"tracks_bins", "bins_tracks"}
        Order of the axes behind the rows.
    values_key, names_key, split_key : str
        Arrays of the ``.npz``. Without names its rows are those of the FASTA file in order.
    crop : int or None
        Bases (bp) between either end of a window and its bins; None for what is left of it.
    seq_var : str
        Name of the sequences in the dataset.
    alphabet : str
        ``"DNA"``, ``"RNA"``, or the letters.
    on_unknown : {"error", "warn", "n"}
        What to do with a letter outside the alphabet; ``"n"`` writes N.
    out : path or None
        Where to write the dataset.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        As that of `tracks`, with ``id`` and, where it is said, ``split``.

    Raises
    ------
    SourceError
        Where the files do not fit each other.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     windows, values = Path(folder) / "w.fa", Path(folder) / "t.npz"
    ...     _ = windows.write_text(">a\nACGTACGT\n>b\nTTTTACGT\n")
    ...     np.savez(values, targets=np.ones((2, 1, 2), "f2"), names=["b", "a"])
    ...     ds = binned(windows, values, bin_size=2)
    >>> ds["cov"].shape, ds["cov"].attrs["crop"], ds["id"].values.tolist()
    ((2, 1, 2), 2, ['b', 'a'])
    """
    values, names, split = _arrays(Path(signal), values_key, names_key, split_key)
    if values.ndim != 3:
        raise SourceError(
            f"{signal}: an array of shape {values.shape}: expected three axes, rows, tracks and "
            "bins."
        )
    if values.dtype.kind != "f":
        raise SourceError(f"{signal}: values of type {values.dtype}: expected floats.")
    if axes == "bins_tracks":
        values = values.swapaxes(1, 2)
    n, n_tracks, bins = values.shape
    known = None if table is None else read_track_table(table)
    if known is not None and len(known) != n_tracks:
        raise SourceError(f"{table} has {len(known)} tracks, {signal} {n_tracks}.")
    reader = sd.FlatFASTA(seq_var, fasta, alphabet=alphabet, on_unknown=on_unknown)
    ds = sd.from_flat_files(reader, path=_store(out), fixed_length=True, overwrite=overwrite)
    order = _order([str(v) for v in ds["id"].to_numpy()], names, n, fasta, signal)
    if (order != np.arange(n)).any():
        ds = ds.isel(_sequence=order)
    length = int(ds.sizes["_length"])
    rest = length - bins * bin_size
    crop = rest // 2 if crop is None else crop
    if rest < 0 or 2 * crop != rest:
        raise SourceError(
            f"{signal} has {bins} bins of {bin_size} bp, the windows of {fasta} are {length} bp "
            f"long: that leaves {rest} bp, of which crops of {crop} bp at both ends are not made."
        )
    track = Track(
        "cov", values.dtype, samples=[f"track{i}" for i in range(n_tracks)], bin_size=bin_size,
        crop=crop, facts={"aggregate": "as given"},
    )  # fmt: skip
    if known is not None:
        track = _track(known, values.dtype, bin_size, crop)
    made: dict[str, object] = {
        "cov": (("_sequence", track.sample_dim, track.along("_length")), values, track.attrs)
    }
    coords: dict[str, object] = dict(track.coordinates())
    if bed is not None:
        coords |= _places(bed, n, length, crop, signal)
    more = sd.schema.with_names(xr.Dataset(made, coords))
    if split is not None:
        codes = sd.splits.column(xr.Dataset({split_key: ("_sequence", split)}), split_key)
        more = sd.splits.assign(more, codes)
    whole = ds.assign_coords(more.coords).assign(more.data_vars)
    if out is None:
        return whole.load()
    if (order == np.arange(n)).all():
        sd.to_zarr(more, out, mode="a")
    else:
        sd.to_zarr(whole.load(), out, overwrite=True)
    return sd.open_zarr(out)


def _store(out: PathLike | None) -> Any:
    """Return where a reader writes to: the store asked for, or memory."""
    if out is not None:
        return str(out)
    from zarr.storage import MemoryStore

    return MemoryStore()


def _signal(
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None,
    known: TrackTable | None,
    table: PathLike | None,
) -> dict[str, PathLike]:
    """Return the signal files by track."""
    signal = signal_files(bigwigs)
    if signal:
        return signal
    if known is None:
        raise SourceError("tracks: there is no signal: give `bigwigs`, or a `table` with files.")
    lacking = [name for name, file in zip(known.names, known.files, strict=True) if not file]
    if lacking:
        raise SourceError(
            f"table: {table} names no file of {lacking[0]!r}: add a column 'file', or give "
            "`bigwigs`."
        )
    folder = known.path.parent
    return {name: folder / file for name, file in zip(known.names, known.files, strict=True)}


def _said(known: TrackTable | None, names: list[str], table: PathLike | None) -> dict[str, Any]:
    """Return what a table says of tracks, in the order of these names."""
    if known is None:
        return {"metadata": {}, "bins": {}}
    place = {name: i for i, name in enumerate(known.names)}
    for name in names:
        if name not in place:
            raise SourceError(
                f"table: {table} has no track {name!r}{did_you_mean(name, known.names)}"
            )
    rows = [place[name] for name in names]
    left = len(known) - len(rows)
    if left:
        logger.warning("%d of %d tracks of %s have no file here", left, len(known), table)

    def of(values: Sequence[Any]) -> list[Any]:
        return [values[i] for i in rows]

    kept = set(names)
    bins: dict[str, Any] = {
        key: [1.0 if v is None else v for v in of(values)] if key == "scale" else of(values)
        for key, values in known.numbers.items()
    }
    if known.aggregate:
        bins["aggregate"] = of(known.aggregate)
    return {
        "strands": of(known.strands),
        # a track whose partner has no file here stands for itself
        "pairs": [mate if mate in kept else "" for mate in of(known.pairs)],
        "metadata": {key: of(values) for key, values in known.metadata.items()},
        "bins": bins,
    }


def _track(known: TrackTable, dtype: np.dtype[Any], bin_size: int, crop: int) -> Track:
    """Describe tracks that a table says all of."""
    kinds = known.aggregate or ("as given",) * len(known)
    numbers: dict[str, Any] = {key: list(values) for key, values in known.numbers.items()}
    if "scale" in numbers:
        numbers["scale"] = [1.0 if v is None else v for v in numbers["scale"]]
    squash = Squash.of(len(known), sqrt=[kind == "sum_sqrt" for kind in kinds], **numbers)
    facts: dict[str, object] = {"aggregate": kinds[0] if len(set(kinds)) == 1 else list(kinds)}
    if not squash.is_identity:
        facts["squash"] = squash.to_dict()
    return Track(
        "cov", dtype, samples=known.names, strands=known.strands, pairs=known.pairs,
        bin_size=bin_size, crop=crop, facts=facts, metadata=known.metadata,
    )  # fmt: skip


def _arrays(
    path: Path, values: str, names: str, split: str
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
    """Return values, names and splits of a file of arrays; the latter where there are any."""
    if not path.is_file():
        raise SourceError(f"signal: there is no file {path}.")
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded, None, None
        with loaded:
            if values not in loaded:
                hint = did_you_mean(values, list(loaded))
                raise SourceError(f"values_key: {path} has no array {values!r}{hint}")
            return loaded[values], loaded.get(names), loaded.get(split)
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"signal: {path} is no file of NumPy arrays: {error}") from error


def _order(
    ids: Sequence[str],
    names: NDArray[Any] | None,
    n: int,
    fasta: PathLike,
    targets: PathLike,
) -> NDArray[np.int64]:
    """Return the record of each row of the array."""
    if names is None:
        if len(ids) != n:
            raise SourceError(f"{fasta} has {len(ids)} records, {targets} {n} rows.")
        return np.arange(n, dtype=np.int64)
    if len(names) != n:
        raise SourceError(f"{targets} has {len(names)} names for {n} rows.")
    index, wanted = pd.Index(ids), [str(v) for v in names]
    for what, some in ((fasta, index), (targets, pd.Index(wanted))):
        if some.has_duplicates:
            raise SourceError(f"{what} names {some[some.duplicated()][0]!r} twice.")
    place = index.get_indexer(pd.Index(wanted))
    if (place < 0).any():
        lost = wanted[int(np.argmax(place < 0))]
        raise SourceError(f"{fasta} has no record {lost!r} of {targets}{did_you_mean(lost, ids)}")
    if len(ids) > n:
        logger.warning("%d records of %s are not in %s", len(ids) - n, fasta, targets)
    return np.asarray(place, dtype=np.int64)


def _places(
    bed: PathLike | pd.DataFrame, n: int, length: int, crop: int, targets: PathLike
) -> dict[str, object]:
    """Return where windows lie, of a table of them or of their bins."""
    table, where = read_regions(bed, None, "window")
    if len(table) != n:
        raise SourceError(f"{where} has {len(table)} regions, {targets} {n} rows.")
    start, end = (table[name].to_numpy(np.int64) for name in ("chromStart", "chromEnd"))
    widths = set((end - start).tolist())
    if widths == {length - 2 * crop}:
        start, end = start - crop, end + crop
    elif widths != {length}:
        raise SourceError(
            f"{where}: regions of {sorted(widths)[:3]} bp: expected windows of {length} bp, or "
            f"the {length - 2 * crop} bp of them that have bins."
        )
    return {
        "chrom": ("_sequence", table["chrom"].to_numpy(object)),
        "start": ("_sequence", start, {"units": "bp"}),
        "end": ("_sequence", end, {"units": "bp"}),
        "strand": ("_sequence", np.full(n, ".", object)),
    }
