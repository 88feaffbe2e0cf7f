"""Datasets from files, as the ``data`` section of a run names them.

Each function returns one dataset with sequences and targets, in memory, or, where ``out`` names a
store, lazily opened from there.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

import seqdata as sd
from eugene.data._constructs import constructs as constructs
from eugene.data._count_rows import count_rows
from eugene.data._curated import dataset as dataset
from eugene.data._files import (
    PathLike,
    nothing_left,
    signal_files,
    signal_track,
    store_at,
    stored_sums,
    window_sums,
    with_more,
)
from eugene.data._flat import fasta as fasta
from eugene.data._flat import table as table
from eugene.data._genome import genome as genome
from eugene.data._negatives import (
    SourceError,
    matched_windows,
    negatives_method,
    shuffled_copies,
    tiled_windows,
)
from eugene.data._regions import peak_windows, read_blacklist, read_regions, require_contigs
from eugene.data._tracks import binned as binned
from eugene.data._tracks import tracks as tracks
from eugene.errors import EugeneWarning, did_you_mean
from eugene.settings import session_seed
from eugene.simulate import grammar_rows as grammar
from eugene.simulate import read_text as seqgra_text
from eugene.simulate import simulated as simulated
from eugene.simulate import synthetic_code as synthetic_code

__all__ = ["SourceError", "binned", "constructs", "dataset", "fasta", "genome", "grammar",
           "regions", "seqgra_text", "simulated", "synthetic_code", "table", "tracks",
           "zarr"]  # fmt: skip

logger = logging.getLogger(__name__)


@nothing_left
def regions(
    fasta: PathLike,
    bed: PathLike | pd.DataFrame,
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None = None,
    *,
    width: int,
    negatives: Mapping[str, object] | Literal[False] | None = None,
    count_quantiles: Sequence[float] | None = None,
    bias_rows: Mapping[str, float] | None = None,
    blacklist: PathLike | None = None,
    task: Literal["binary", "counts", "profile"] = "binary",
    centre: Literal["summit", "midpoint"] = "summit",
    contigs: Sequence[str] | None = None,
    max_jitter: int = 0,
    profile: bool = False,
    strands: Sequence[str] | None = None,
    pairs: Sequence[str] | None = None,
    controls: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None = None,
    control_strands: Sequence[str] | None = None,
    missing: Literal["warn", "zero", "error"] = "warn",
    seq_var: str = "seq",
    alphabet: str = "DNA",
    on_unknown: Literal["error", "warn", "n"] = "warn",
    seed: int | None = 0,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    r"""Cut windows around peaks, and windows like them elsewhere, out of a genome.

    Windows that reach over the end of a contig, or that touch the blacklist, are left out and
    counted in the attributes ``dropped_past_contig_ends`` and ``dropped_blacklisted``.

    Parameters
    ----------
    fasta : path
        FASTA file of the genome, plain or bgzip.
    bed : path or DataFrame
        Peaks: BED, narrowPeak or broadPeak, or a table with their columns.
    bigwigs : path, sequence of paths, mapping of str to path, or None
        Signal. One file gives the variables ``counts`` and ``log_counts``; several give
        ``counts_{sample}`` and ``log_counts_{sample}``, named by the mapping or the file.
    width : int
        Length of the windows in bp.
    negatives : mapping, False or None
        Where negatives come from: ``method`` and its arguments, such as ``{"ratio": 3}``.
        ``"gc_matched"`` (the default): windows outside the peaks that match them in contig and
        GC content, `seqdata.regions.sample_negatives`. ``"shuffled"``: shuffled copies of the
        positives, `seqdata.regions.add_shuffled_negatives`. ``"tiled"``: bins around the peaks
        in place of one window a peak, `seqdata.regions.tiled_bins`; ``width`` is that of a bin
        with its flanks. None draws one a peak for the task ``"binary"`` and none for
        the others; False draws none.
    count_quantiles : sequence of two floats, optional
        Mark rows with counts between these quantiles of all windows of their kind (peaks; the
        others), such as ``[0, 0.999]``, in the variable ``usual_counts``: for ``rows`` of the
        data module, or of a stage. No row is left out of the dataset.
    bias_rows : mapping, optional
        Mark rows for a model of the enzyme's bias in the variable ``bias_rows``: usual ones
        outside peaks, with fewer counts than ``factor`` (0.5) times the quantile
        ``peak_quantile`` (0.01) of the peaks'. ``{}`` takes these two. Thresholds and numbers of
        rows are in the attributes.
    blacklist : path or None
        BED file of regions to keep away from.
    task : {"binary", "counts", "profile"}
        What is to be predicted: ``label``; ``counts``; or the signal of every position, ``cov``,
        which is stored then. The latter two need ``bigwigs``.
    centre : {"summit", "midpoint"}
        Middle of a window: the peak's summit where it has one, or the middle of the peak.
    contigs : sequence of str or None
        Keep peaks on these contigs only.
    max_jitter : int
        Store windows wider by so many bp on both sides, for jitter in training. Counts are of
        the middle ``width`` bp.
    profile : bool
        Whether to store the signal of every position, too, as ``cov``.
    strands : sequence of str or None
        Strand ``+``, ``-`` or ``.`` of each signal file. Files of the two strands are paired, and
        change places on windows of the "-" strand.
    pairs : sequence of str or None
        For each signal file the sample that it is paired with, where their names do not tell.
    controls : path, sequence of paths, mapping of str to path, or None
        Control signal of every position, stored as ``control``.
    control_strands : sequence of str or None
        Strand of each control file.
    missing : {"warn", "zero", "error"}
        What to do where a signal file leaves out a contig of the genome: its signal is 0, said
        or not, or that is an error.
    seq_var : str
        Name of the sequences in the dataset.
    alphabet : str
        ``"DNA"``, ``"RNA"``, or the letters.
    on_unknown : {"error", "warn", "n"}
        What to do with a letter of the genome outside the alphabet; ``"n"`` writes N.
    seed : int or None
        Seed of the negatives; None for that of the session, `eugene.settings.seed`.
    out : path or None
        Where to write the dataset.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length); ``label`` int8, 1 for peaks and 0 for negatives;
        ``is_peak`` bool; ``counts`` float32, the sum of the signal over the window, and
        ``log_counts`` its log(1 + counts), missing (NaN) with a warning where the sum is negative;
        coordinates ``chrom``, ``start``, ``end`` and ``strand``. Peaks come first, in their order.

    Raises
    ------
    SourceError
        Where no window is left, or arguments contradict each other.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     genome, peaks = Path(folder) / "g.fa", Path(folder) / "p.bed"
    ...     _ = genome.write_text(">c\n" + "ACGT" * 100 + "\n")
    ...     _ = peaks.write_text("c\t100\t140\nc\t398\t400\n")
    ...     ds = regions(genome, peaks, width=20, seed=1)
    >>> ds["label"].values.tolist(), ds.attrs["dropped_past_contig_ends"]
    ([1, 0], 1)
    """
    seed = session_seed(seed)
    signal, beside = signal_files(bigwigs), signal_files(controls)
    tasks = ("binary", "counts", "profile")
    if task not in tasks:
        raise SourceError(f"task: {task!r}{did_you_mean(task, tasks)}")
    if task != "binary" and not signal:
        raise SourceError(f"task: {task} needs signal to be counted: give `bigwigs`.")
    profile = profile or task == "profile"
    if negatives is None:
        negatives = {} if task == "binary" else False
    genome = sd.GenomeFASTA(seq_var, fasta, alphabet=alphabet, on_unknown=on_unknown)
    peaks, where = read_regions(bed, contigs, "peak")
    sizes = genome.contigs()
    require_contigs(peaks, sizes, where=where, genome=str(fasta))
    black = read_blacklist(blacklist, sizes, str(fasta))
    notes: dict[str, int] = {}
    method, options = negatives_method(negatives)
    windows = peak_windows(peaks, width, max_jitter, centre, sizes, black, notes)
    if not len(windows):
        raise SourceError(
            f"no window of {width} bp is left of {len(peaks)} peaks ({notes}): make `width` or "
            "`max_jitter` smaller, or look whether peaks and genome belong together."
        )
    rows = windows.assign(label=1)
    if method == "tiled":
        rows = tiled_windows(peaks, sizes, width, max_jitter, black, options)
        notes.clear()  # they count windows of peaks, which bins replace
    elif method == "gc_matched":
        kept = peaks.loc[windows.index]
        source = sd.GenomeFASTA(seq_var, fasta, alphabet=alphabet, on_unknown="n")
        drawn = matched_windows(source, kept, peaks, width, max_jitter, black, options, seed)
        fitting = sd.regions.resize(drawn, width + 2 * max_jitter, contigs=sizes)
        notes["dropped_negatives_past_contig_ends"] = len(drawn) - len(fitting)
        rows = pd.concat([rows, drawn.loc[fitting.index].assign(label=0)], ignore_index=True)
    columns = ["chrom", "chromStart", "chromEnd", "strand"]
    if "strand" not in rows:
        rows["strand"] = "."
    # peaks of a file without strands beside negatives that have one
    plain = rows.assign(strand=rows["strand"].fillna("."))[columns]
    tracks: list[sd.BigWig] = []
    if signal:
        tracks.append(signal_track("cov", signal, strands, pairs, missing))
    elif profile or strands is not None:
        name = "profile" if profile else "strands"
        raise SourceError(f"{name}: there is no signal to store: give `bigwigs`.")
    stored = tracks if profile else []
    if beside:
        stored = [*stored, signal_track("control", beside, control_strands, None, missing)]
    elif control_strands is not None:
        raise SourceError("control_strands: there is no control: give `controls`.")
    ds = sd.from_region_files(
        genome,
        *stored,
        path=store_at(out),
        fixed_length=width,
        bed=plain,
        max_jitter=max_jitter,
        overwrite=overwrite,
        # every window lies on its contig, so the mask says nothing
        mask=False,
    )
    label = rows["label"].to_numpy(dtype=np.int8)
    made: dict[str, object] = {
        "label": ("_sequence", label, {"long_name": "1 peak, 0 matched window elsewhere"}),
        "is_peak": ("_sequence", label == 1),
    }
    sums = np.empty((len(rows), 0), np.float32)
    if signal:
        sums = stored_sums(ds, width) if profile else window_sums(genome, tracks[0], plain, width)
    for i, sample in enumerate(signal):
        tail = "" if len(signal) == 1 else f"_{sample}"
        logs = _log_counts(sums[:, i], sample)
        made[f"counts{tail}"] = ("_sequence", sums[:, i], {"units": f"sum over {width} bp"})
        made[f"log_counts{tail}"] = ("_sequence", logs, {"units": "log(1 + counts), natural"})
    if count_quantiles is not None or bias_rows is not None:
        if not signal or method == "shuffled":
            raise SourceError(
                "count_quantiles, bias_rows: they need windows with counts: give `bigwigs`, and "
                "`negatives` of another method than shuffled."
            )
        chosen, limits = count_rows(
            sums.sum(axis=1), label == 1, count_quantiles=count_quantiles, bias_rows=bias_rows
        )
        made |= {name: ("_sequence", rows) for name, rows in chosen.items()}
        ds = ds.assign_attrs(limits)
    for note, count in notes.items():
        if count:
            logger.info("%s: %d", note.replace("_", " "), count)
    ds = ds.assign_attrs(notes)
    if method == "shuffled":
        ds, made = shuffled_copies(ds.assign(made), seq_var, options, seed), {}
    return with_more(ds, out, made)


def _log_counts(counts: NDArray[np.float32], sample: str) -> NDArray[np.float32]:
    negative = counts < 0
    if negative.any():
        warnings.warn(
            f"the signal of {sample} sums to less than 0 over {int(negative.sum())} of "
            f"{len(counts)} windows: these are no counts, and their log_counts are missing (NaN). "
            "Files of the minus strand often hold negative values: give absolute ones.",
            EugeneWarning,
            stacklevel=3,
        )
    return np.log1p(np.where(negative, np.float32(np.nan), counts))


def zarr(path: PathLike, *, variables: Sequence[str] | None = None) -> xr.Dataset:
    """Open a dataset that was written before.

    Parameters
    ----------
    path : path
        Zarr store.
    variables : sequence of str or None
        Open only these; default all.

    Returns
    -------
    xarray.Dataset
        Lazily opened.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> sd.to_zarr(xr.Dataset({"y": ("_sequence", [1.0])}), f"{folder.name}/y.zarr")
    >>> zarr(f"{folder.name}/y.zarr")["y"].values
    array([1.])
    >>> folder.cleanup()
    """
    return sd.open_zarr(path, variables=None if variables is None else list(variables))
