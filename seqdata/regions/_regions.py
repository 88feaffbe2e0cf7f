"""Tables of regions: resize, tile, overlap, cut sequences, matched negatives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

import seqpro as sp
from seqdata._letters import complement_table, turn_letters
from seqdata.errors import BedError, LengthError, SchemaError, did_you_mean
from seqdata.readers._base import Windows
from seqdata.readers._letter_check import OnUnknown
from seqdata.readers.bed import check_regions as check_regions
from seqdata.readers.bed import read_bedlike as read_bedlike
from seqdata.readers.fasta import GenomeFASTA
from seqdata.regions._contigs import check_known, check_shared
from seqdata.regions._negatives import sample_negatives as sample_negatives
from seqdata.regions._shuffled import add_shuffled_negatives as add_shuffled_negatives
from seqdata.regions._tiling import tiled_bins as tiled_bins
from seqdata.schema import alphabet_object
from seqdata.windows._regions import as_regions, centres, make_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqpro.alphabets import BaseAlphabet


def resize(
    bed: str | Path | pd.DataFrame,
    width: int,
    *,
    centre: Literal["summit", "midpoint"] = "summit",
    contigs: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Give every region the same length around its centre.

    Parameters
    ----------
    bed : path or DataFrame
        Regions.
    width : int
        Length in bp.
    centre : {"summit", "midpoint"}, default "summit"
        "summit": ``chromStart + peak`` where there is a summit, else the middle. "midpoint": the
        middle, ``(chromStart + chromEnd) // 2``.
    contigs : mapping of str to int, optional
        Contig lengths (bp). With them, regions that would leave their contig are dropped; without
        them they stay, and a start may be negative (windows read as N there).

    Returns
    -------
    DataFrame
        The regions in their order, index kept; ``chromStart = centre - width // 2``, and ``peak``
        moved so that it still points at the same base.

    Raises
    ------
    LengthError
        If ``width`` is less than 1.
    BedError
        If a row is no region.
    ContigError
        If no region lies on one of the ``contigs``; some that do not are dropped and told.

    Examples
    --------
    >>> bed = pd.DataFrame({"chrom": ["c"], "chromStart": [100], "chromEnd": [200], "peak": [20]})
    >>> resize(bed, 10)[["chromStart", "chromEnd", "peak"]].values.tolist()
    [[115, 125, 5]]
    """
    if isinstance(width, bool) or int(width) != width or width < 1:
        raise LengthError(f"width must be a whole number of bp, 1 or more, got {width!r}.")
    if centre not in ("summit", "midpoint"):
        raise SchemaError(f"centre must be 'summit' or 'midpoint', got {centre!r}.")
    table, where = as_regions(bed)
    if isinstance(bed, pd.DataFrame):
        table.index = bed.index
    source = table if centre == "summit" else table.drop(columns="peak", errors="ignore")
    start = centres(source) - int(width) // 2
    changes: dict[str, object] = {"chromStart": start, "chromEnd": start + int(width)}
    if "peak" in table.columns:
        summit = table["chromStart"].to_numpy() + table["peak"].to_numpy() - start
        inside = (table["peak"].to_numpy() >= 0) & (summit >= 0) & (summit < width)
        changes["peak"] = np.where(inside, summit, -1)
    out = table.assign(**changes)
    if contigs is None:
        return out
    check_known(out, contigs, where=where, genome="the contigs given", then="they are dropped")
    size = out["chrom"].map(dict(contigs)).fillna(-1).to_numpy()
    keep = (out["chromStart"].to_numpy() >= 0) & (out["chromEnd"].to_numpy() <= size)
    return out[keep]


def tile(
    contigs: Mapping[str, int] | pd.DataFrame | str | Path,
    width: int,
    *,
    step: int | None = None,
    partial: bool = False,
) -> pd.DataFrame:
    """Cut contigs or regions into windows of one length.

    Parameters
    ----------
    contigs : mapping of str to int, DataFrame or path
        Contig lengths (bp), or regions to cut up.
    width : int
        Length of a window in bp.
    step : int, optional
        Distance between starts in bp, by default ``width`` (side by side).
    partial : bool, default False
        Keep the shorter window at an end.

    Returns
    -------
    DataFrame
        ``chrom``, ``chromStart``, ``chromEnd``.

    Raises
    ------
    LengthError
        If ``width`` or ``step`` is less than 1.

    Examples
    --------
    >>> tile({"chr1": 25}, 10)["chromStart"].tolist()
    [0, 10]
    """
    stride = width if step is None else step
    if any(size < 1 or int(size) != size for size in (width, stride)):
        msg = f"width and step must be whole numbers of bp, 1 or more, got {width} and {stride}."
        raise LengthError(msg)
    if isinstance(contigs, Mapping):
        names = list(contigs)
        bounds = [(0, int(contigs[name])) for name in names]
    else:
        table, _ = as_regions(contigs)
        names = table["chrom"].astype(str).tolist()
        bounds = list(zip(table["chromStart"].tolist(), table["chromEnd"].tolist(), strict=True))
    parts = []
    for name, (begin, end) in zip(names, bounds, strict=True):
        last = end if partial else end - width + 1
        start = np.arange(begin, max(begin, last), stride, dtype=np.int64)
        stop = np.minimum(start + width, end)
        parts.append(pd.DataFrame({"chrom": name, "chromStart": start, "chromEnd": stop}))
    columns = ["chrom", "chromStart", "chromEnd"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def overlaps(
    bed: str | Path | pd.DataFrame,
    targets: str | Path | pd.DataFrame,
    *,
    min_overlap: int = 1,
    fraction: float = 0.0,
) -> NDArray[np.bool_]:
    """Say which regions overlap a target.

    Parameters
    ----------
    bed, targets : path or DataFrame
        Regions.
    min_overlap : int, default 1
        Bp that a region must share with one target.
    fraction : float, default 0.0
        Share of the region that one target must cover.

    Returns
    -------
    ndarray of bool, shape (n_regions,)

    Raises
    ------
    ContigError
        If the two share no contig. Some that are written otherwise (``chr1``, ``1``) are told.

    Examples
    --------
    >>> a = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [0, 50], "chromEnd": [10, 60]})
    >>> b = pd.DataFrame({"chrom": ["c"], "chromStart": [9], "chromEnd": [20]})
    >>> overlaps(a, b).tolist()
    [True, False]
    """
    return _hits(bed, targets, None, min_overlap=min_overlap, fraction=fraction)[:, 0]


def label_overlapping_regions(
    bed: str | Path | pd.DataFrame,
    targets: str | Path | pd.DataFrame,
    *,
    mode: Literal["binary", "multitask"] = "binary",
    label_column: str = "name",
    min_overlap: int = 1,
    fraction: float = 0.0,
) -> pd.DataFrame:
    """Label regions by the targets that they overlap.

    Parameters
    ----------
    bed : path or DataFrame
        Regions to label.
    targets : path or DataFrame
        Targets; for "multitask" with a column of task names.
    mode : {"binary", "multitask"}, default "binary"
        One column ``label``, or one column a task.
    label_column : str, default "name"
        Column of the task names.
    min_overlap : int, default 1
        Bp that a region must share with one target.
    fraction : float, default 0.0
        Share of the region that one target must cover.

    Returns
    -------
    DataFrame of uint8, shape (n_regions, n_tasks)
        1 where a region overlaps a target of the task; the index is that of ``bed``.

    Raises
    ------
    BedError
        If the column of task names is not there.
    ContigError
        If the two share no contig. Some that are written otherwise (``chr1``, ``1``) are told.

    Examples
    --------
    >>> a = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [0, 50], "chromEnd": [10, 60]})
    >>> b = pd.DataFrame({"chrom": ["c", "c"], "chromStart": [9, 55], "chromEnd": [20, 70],
    ...                   "name": ["x", "y"]})
    >>> label_overlapping_regions(a, b, mode="multitask").values.tolist()
    [[1, 0], [0, 1]]
    """
    if mode not in ("binary", "multitask"):
        raise SchemaError(f"mode must be 'binary' or 'multitask', got {mode!r}.")
    table, where = as_regions(targets)
    if mode == "binary":
        hits = _hits(bed, table, None, min_overlap=min_overlap, fraction=fraction)
        return pd.DataFrame(hits.astype(np.uint8), index=_labels_of(bed), columns=["label"])
    if label_column not in table.columns:
        known = [str(column) for column in table.columns]
        msg = f"{where} has no column {label_column!r}.{did_you_mean(label_column, known)}"
        raise BedError(msg)
    tasks = table[label_column].astype(str).to_numpy(dtype=object)
    names = sorted(set(tasks))
    place = {name: i for i, name in enumerate(names)}
    codes = np.array([place[task] for task in tasks], dtype=np.int64)
    hits = _hits(bed, table, codes, min_overlap=min_overlap, fraction=fraction)
    return pd.DataFrame(hits.astype(np.uint8), index=_labels_of(bed), columns=names)


def _labels_of(bed: object) -> pd.Index | None:
    """Return the row labels of a table, so that results fall on their rows when assigned."""
    return bed.index if isinstance(bed, pd.DataFrame) else None


def _hits(
    bed: str | Path | pd.DataFrame,
    targets: str | Path | pd.DataFrame,
    codes: NDArray[np.int64] | None,
    *,
    min_overlap: int,
    fraction: float,
) -> NDArray[np.bool_]:
    import bioframe

    regions, where = as_regions(bed)
    table, other = as_regions(targets)
    other = other if isinstance(targets, (str, Path)) else "the targets"
    check_shared(regions, table, where=where, other=other, then="they overlap nothing there")
    columns = ("chrom", "chromStart", "chromEnd")
    left = pd.DataFrame({name: regions[name] for name in columns})
    left["chrom"] = left["chrom"].astype(str)
    right = pd.DataFrame({name: table[name] for name in columns})
    right["chrom"] = right["chrom"].astype(str)
    left["row"] = np.arange(len(left))
    right["task"] = 0 if codes is None else codes
    n_tasks = 1 if codes is None else int(codes.max()) + 1
    out = np.zeros((len(left), n_tasks), dtype=np.bool_)
    # zero-length regions overlap nothing, and interval arithmetic differs on them
    left = left[left["chromEnd"] > left["chromStart"]]
    right = right[right["chromEnd"] > right["chromStart"]]
    if not len(left) or not len(right):
        return out
    both = bioframe.overlap(left, right, how="inner", cols1=columns, cols2=columns)
    begin = np.maximum(both["chromStart"], both["chromStart_"]).to_numpy(dtype=np.int64)
    end = np.minimum(both["chromEnd"], both["chromEnd_"]).to_numpy(dtype=np.int64)
    size = (both["chromEnd"] - both["chromStart"]).to_numpy(dtype=np.int64)
    enough = (end - begin >= min_overlap) & (end - begin >= fraction * size)
    rows = both["row"].to_numpy(dtype=np.int64)[enough]
    out[rows, both["task_"].to_numpy(dtype=np.int64)[enough]] = True
    return out


def fetch_sequences(
    fasta: str | Path | GenomeFASTA,
    bed: str | Path | pd.DataFrame,
    *,
    alphabet: BaseAlphabet | str = "DNA",
    on_unknown: OnUnknown = "error",
) -> NDArray[np.bytes_]:
    r"""Cut the sequences of regions out of a FASTA file.

    Parameters
    ----------
    fasta : str, Path or GenomeFASTA
        FASTA file, plain or bgzip.
    bed : path or DataFrame
        Regions; those on the "-" strand come reverse-complemented. Bases off the contig are N.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter that the alphabet does not know.

    Returns
    -------
    ndarray of S1, shape (n_regions, longest)
        In the order of the regions; shorter ones end with NUL (``b""``).

    Raises
    ------
    ContigError
        If a region lies on a contig that the file does not have.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = pathlib.Path(folder) / "g.fa"
    ...     _ = fasta.write_text(">c\nAACCGGTT\n")
    ...     bed = pd.DataFrame(
    ...         {"chrom": ["c"], "chromStart": [1], "chromEnd": [4], "strand": ["-"]})
    ...     fetch_sequences(fasta, bed).tobytes().decode()
    'GGT'
    """
    with _opened(fasta, alphabet, on_unknown) as genome:
        windows = _windows(bed)
        letters = genome.read(windows, int(windows.lengths.max(initial=0)))
        _turn(letters, windows, genome)
    return letters.view("S1")


def fetch_one_hot(
    fasta: str | Path | GenomeFASTA,
    bed: str | Path | pd.DataFrame,
    *,
    alphabet: BaseAlphabet | str = "DNA",
    on_unknown: OnUnknown = "error",
) -> NDArray[np.uint8]:
    r"""Cut regions out of a FASTA file as one-hot, in the layout that models take.

    The same as :func:`fetch_sequences` and :func:`seqpro.ohe`, without the letters in between: a
    few regions at a time are read into a small buffer and encoded from there, so that memory is
    written once.

    Parameters
    ----------
    fasta : str, Path or GenomeFASTA
        FASTA file, plain or bgzip.
    bed : path or DataFrame
        Regions; those on the "-" strand come reverse-complemented. Bases off the contig are N.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences, in the order of the rows.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter that the alphabet does not know: raise, or take it as N, with or
        without a warning that counts them. A `GenomeFASTA` keeps its own alphabet and rule.

    Returns
    -------
    ndarray of uint8, shape (n_regions, A, longest)
        In the order of the regions. Columns of N and the other ambiguity codes, and those behind
        a shorter region, hold zeros.

    Raises
    ------
    ContigError
        If a region lies on a contig that the file does not have.
    UnknownLetterError
        At an unknown letter, with ``on_unknown="error"``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = pathlib.Path(folder) / "g.fa"
    ...     _ = fasta.write_text(">c\nAACCGGTT\n")
    ...     bed = pd.DataFrame(
    ...         {"chrom": ["c"], "chromStart": [1], "chromEnd": [4], "strand": ["-"]})
    ...     fetch_one_hot(fasta, bed)[0].tolist()
    [[0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]]
    """
    with _opened(fasta, alphabet, on_unknown) as genome:
        windows = _windows(bed)
        width = int(windows.lengths.max(initial=0))
        columns = alphabet_object(genome.check.letters)
        out = np.empty((len(windows), len(columns), width), dtype=np.uint8)
        if genome.read_one_hot(windows, columns, out):
            return out
        with contextlib.closing(genome.pieces(windows, width)) as pieces:
            for rows, letters in pieces:
                _turn(letters, windows[rows], genome)
                sp.ohe(letters.view("S1"), columns, ohe_axis=-2, out=out[rows])
    return out


@contextlib.contextmanager
def _opened(
    fasta: str | Path | GenomeFASTA, alphabet: BaseAlphabet | str, on_unknown: OnUnknown
) -> Iterator[GenomeFASTA]:
    """Yield a reader, closed at the end unless it was given."""
    if isinstance(fasta, GenomeFASTA):
        yield fasta
        return
    genome = GenomeFASTA("seq", fasta, alphabet=alphabet, on_unknown=on_unknown)
    try:
        yield genome
    finally:
        genome.close()


def _windows(bed: str | Path | pd.DataFrame) -> Windows:
    table, _ = as_regions(bed, beyond=True)
    start = table["chromStart"].to_numpy(dtype=np.int64)
    return make_windows(table, start, table["chromEnd"].to_numpy(dtype=np.int64))


def _turn(letters: NDArray[np.uint8], windows: Windows, genome: GenomeFASTA) -> None:
    """Reverse-complement the windows of the "-" strand in place."""
    turn = windows.strand < 0
    if turn.any():
        turn_letters(letters, windows.lengths, turn, complement_table(genome.check.letters))
