"""Signal of the rows of a dataset, put back where it lies on the genome: BigWig and bedGraph."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from seqdata._whole import whole_files
from seqdata.errors import SchemaError, TrackError, did_you_mean, require_file
from seqdata.readers.fasta import GenomeFASTA
from seqdata.regions import check_known
from seqdata.schema import OHE_DIM, is_sequence, pair_index

Overlap: TypeAlias = Literal["mean", "max", "nearest", "error"]
Values: TypeAlias = NDArray[np.float64]
# positions whose windows are joined at a time, and rows that are read at a time
_POSITIONS = 1 << 16
_ROWS = 256
_STRANDS = {"plus": "+", "minus": "-"}


class _Writer(Protocol):
    """Takes runs of equal values of one contig after the other, each from left to right."""

    def add(
        self, contig: str, starts: NDArray[np.int64], ends: NDArray[np.int64], values: Values
    ) -> None: ...

    def close(self) -> None: ...


def to_bigwig(
    ds: xr.Dataset,
    path: str | Path,
    variable: str = "cov",
    *,
    contigs: Mapping[str, int] | str | Path,
    samples: Sequence[str] | None = None,
    overlap: Overlap = "mean",
    bin_size: int = 1,
    by_strand: bool = False,
) -> list[Path]:
    """Write signal of the rows, measured, predicted or attributed, as BigWig files.

    Each value goes to the base it stands for. Rows on the "-" strand, which a dataset holds
    reversed with paired samples swapped, are turned back first. A variable that is shorter than
    its windows, as predictions are, lies in their middle. Bases off the contigs and missing
    values (NaN) are left out; so are bases under no row.

    Parameters
    ----------
    ds : Dataset
        Dataset whose rows have ``chrom``, ``start`` and ``end``.
    path : str or Path
        The file of a single track. Of several, a folder that gets ``{sample}.bw``, or a name
        with ``{sample}`` in it.
    variable : str, default "cov"
        Numbers of shape ``(_sequence, _length)``; with an axis of samples, one file is written for
        each; an axis ``_ohe`` (attributions of letters) is summed.
    contigs : mapping, str or Path
        Contig lengths in bp; or the FASTA file, its index (``.fai``) or a ``chrom.sizes`` table
        that tells them.
    samples : sequence of str, optional
        Samples to write; all of them by default.
    overlap : {"mean", "max", "nearest", "error"}
        What a base under several rows gets: the mean or the largest of their values, or that of
        the row whose middle is nearest (of two as near, the one further left); or refuse.
    bin_size : int, default 1
        Bases (bp) that a value stands for.
    by_strand : bool, default False
        Write rows of the "+" and the "-" strand to files of their own, ``x.plus.bw`` and
        ``x.minus.bw``; rows without a strand count as "+".

    Returns
    -------
    list of Path
        The files. They list the contigs in the order of UCSC's tools, and appear only when all of
        them are whole.

    Raises
    ------
    SchemaError
        If the dataset has no such signal or coordinates, rows overlap and must not, or there is
        nothing to write.
    ContigError
        If no row lies on one of the contigs.
    TrackError
        If the contig lengths cannot be read.

    Examples
    --------
    >>> import tempfile, pyBigWig
    >>> ds = xr.Dataset({"cov": (("_sequence", "_length"), [[1.0, 2.0], [4.0, np.nan]])},
    ...     coords={"chrom": ("_sequence", ["chr1", "chr1"]), "start": ("_sequence", [5, 6]),
    ...             "end": ("_sequence", [7, 8])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file] = to_bigwig(ds, f"{folder}/x.bw", contigs={"chr1": 100})
    ...     pyBigWig.open(str(file)).intervals("chr1")
    ((5, 6, 1.0), (6, 7, 3.0))
    """
    return _write(
        ds, path, variable, contigs, samples, overlap, bin_size, by_strand, ".bw", _BigWig
    )


def to_bedgraph(
    ds: xr.Dataset,
    path: str | Path,
    variable: str = "cov",
    *,
    contigs: Mapping[str, int] | str | Path,
    samples: Sequence[str] | None = None,
    overlap: Overlap = "mean",
    bin_size: int = 1,
    by_strand: bool = False,
) -> list[Path]:
    r"""Write signal of the rows as bedGraph files; the arguments are those of `to_bigwig`.

    Lines are sorted as ``sort -k1,1 -k2,2n`` does and do not overlap, which ``bedGraphToBigWig``
    asks for. Neighbouring bases of one value share a line.

    Parameters
    ----------
    ds : Dataset
    path : str or Path
        As in `to_bigwig`, with ``{sample}.bedgraph`` in a folder; ``.gz`` is packed.
    variable, contigs, samples, overlap, bin_size, by_strand
        As in `to_bigwig`.

    Returns
    -------
    list of Path

    Raises
    ------
    SchemaError, ContigError, TrackError
        As in `to_bigwig`.

    Examples
    --------
    >>> import tempfile
    >>> ds = xr.Dataset({"cov": (("_sequence", "_length"), [[1.0, 1.0, 0.5]])},
    ...     coords={"chrom": ("_sequence", ["chr1"]), "start": ("_sequence", [5]),
    ...             "end": ("_sequence", [8])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file] = to_bedgraph(ds, f"{folder}/x.bedgraph", contigs={"chr1": 100})
    ...     file.read_text()
    'chr1\t5\t7\t1.0\nchr1\t7\t8\t0.5\n'
    """
    return _write(
        ds, path, variable, contigs, samples, overlap, bin_size, by_strand, ".bedgraph", _BedGraph
    )


def contig_sizes(contigs: Mapping[str, int] | str | Path) -> dict[str, int]:
    """Return contig lengths as a table, whatever tells them.

    Parameters
    ----------
    contigs : mapping, str or Path
        The table itself; or a FASTA file, its index (``.fai``) or a ``chrom.sizes`` table.

    Returns
    -------
    dict of str to int
        Lengths in bp.

    Raises
    ------
    TrackError
        If the file names no contigs and lengths; the message says the line.
    MissingFileError
        If there is no such file.

    Examples
    --------
    >>> contig_sizes({"chr1": 100})
    {'chr1': 100}
    """
    if isinstance(contigs, Mapping):
        return {str(name): int(size) for name, size in contigs.items()}
    file = require_file(contigs, "contig sizes")
    with file.open("rb") as opened:
        start = opened.read(2)
    if start[:1] == b">" or start == b"\x1f\x8b":
        genome = GenomeFASTA("genome", file)
        try:
            return dict(genome.contigs())
        finally:
            genome.close()
    sizes = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not fields or line.startswith("#"):
            continue
        if len(fields) < 2 or not fields[1].isdecimal():
            raise TrackError(
                f"{file}, line {number} is {line[:60]!r}: expected the name of a contig and its "
                "length in bp. Give a FASTA file, its .fai index or a chrom.sizes table."
            )
        sizes[fields[0]] = int(fields[1])
    return sizes


@dataclass(frozen=True)
class _Signal:
    """A variable of a dataset as tracks: one row of values for each sample."""

    ds: xr.Dataset
    name: str
    variable: xr.DataArray
    tracks: list[str]
    chosen: list[int]
    table: pd.DataFrame
    bin_size: int

    def begins(self) -> NDArray[np.int64]:
        """Return where the values of each row begin on their contig."""
        start, end = (self.table[name].to_numpy() for name in ("chromStart", "chromEnd"))
        if f"{self.name}_offsets" in self.ds.variables:
            sizes = np.diff(self.ds[f"{self.name}_offsets"].to_numpy())
        elif f"{self.name}_length" in self.ds.variables:
            sizes = self.ds[f"{self.name}_length"].to_numpy().astype(np.int64)
        else:
            sizes = np.full(len(start), self.variable.shape[-1])
        spans = sizes * self.bin_size
        lead = (end - start - spans) // 2
        return np.asarray(np.where(self.turned(), end - lead - spans, start + lead))

    def rows(self, order: NDArray[np.int64]) -> Iterator[Values]:
        """Yield the values (n_tracks, bp) of rows in an order, turned back."""
        mates, turned = self._mates(), self.turned()
        for low in range(0, len(order), _ROWS):
            block = order[low : low + _ROWS]
            for row, found in zip(block, self._read(block), strict=True):
                values = found[mates, ::-1] if turned[row] else found
                yield values[self.chosen].repeat(self.bin_size, axis=1)

    def turned(self) -> NDArray[np.bool_]:
        """Return which rows lie on the "-" strand."""
        if "strand" not in self.table:
            return np.zeros(len(self.table), np.bool_)
        return np.asarray(self.table["strand"] == "-")

    def _mates(self) -> NDArray[np.int64]:
        """Return which sample takes the place of each on the other strand."""
        for dim in map(str, self.variable.dims):
            track = dim.removesuffix("_sample")
            if f"{track}_pair" in self.ds.variables:
                return pair_index(self.ds, track)
        return np.arange(max(1, len(self.tracks)))

    def _read(self, rows: NDArray[np.int64]) -> Iterator[Values]:
        """Yield the values (n_samples, n_positions) of rows without their padding."""
        if f"{self.name}_offsets" in self.ds.variables:
            offsets = self.ds[f"{self.name}_offsets"].to_numpy()
            for row in rows:
                flat = self.variable[int(offsets[row]) : int(offsets[row + 1])].to_numpy()
                yield np.atleast_2d(flat.T.astype(np.float64))
            return
        first, *_ = self.variable.dims
        block = self.variable.isel({first: rows}).to_numpy().astype(np.float64)
        block = block[:, None] if block.ndim == 2 else block
        lengths = self.ds.get(f"{self.name}_length")
        for i, values in enumerate(block):
            yield values if lengths is None else values[:, : int(lengths[rows[i]])]


def _signal_of(ds: xr.Dataset, name: str, samples: Sequence[str] | None, bin_size: int) -> _Signal:
    """Return the tracks of a variable after all checks of it."""
    numeric = [str(v) for v in ds.data_vars if ds[v].ndim > 1 and ds[v].dtype.kind in "biuf"]
    if name not in ds.variables:
        raise SchemaError(f"The dataset has no variable {name!r}.{did_you_mean(name, numeric)}")
    if is_sequence(ds[name]) or ds[name].dtype.kind not in "biuf":
        raise SchemaError(f"{name!r} holds no numbers.{did_you_mean(name, numeric)}")
    if bin_size < 1:
        raise SchemaError(f"bin_size is {bin_size}: expected a whole number of bp from 1 up.")
    if ds.attrs.get("provenance", {}).get("options", {}).get("splice"):
        msg = "Rows are joined exons (splice=True): their values do not lie one beside the other."
        raise SchemaError(msg)
    table = ds.sd.regions()
    variable = ds[name]
    variable = variable.sum(OHE_DIM) if OHE_DIM in variable.dims else variable
    flat = f"{name}_offsets" in ds.variables
    rows, length = ds.sd.sequence_dim, ds.sd.length_dim
    if not flat:
        length = length if length in variable.dims else str(variable.dims[-1])
        others = [str(dim) for dim in variable.dims if dim not in (rows, length)]
        if rows not in variable.dims or length == rows or len(others) > 1:
            raise SchemaError(
                f"{name!r} has the axes {variable.dims}: expected rows, positions and at most one "
                f"axis of samples. Choose along the others, as in ds.isel({others[-1:]}=0)."
            )
        variable = variable.transpose(rows, *others, length)
    else:
        others = [str(dim) for dim in variable.dims[1:]]
    if not others:
        return _Signal(ds, name, variable, [], [0], table, bin_size)
    known = variable[others[0]].astype(str).to_numpy().tolist()
    wanted = known if samples is None else [str(sample) for sample in samples]
    for sample in wanted:
        if sample not in known:
            raise SchemaError(f"{name!r} has no sample {sample!r}.{did_you_mean(sample, known)}")
    return _Signal(ds, name, variable, wanted, [known.index(s) for s in wanted], table, bin_size)


def _files_of(path: str | Path, tracks: Sequence[str], suffix: str) -> list[Path]:
    """Return the file of each track."""
    given = Path(path).expanduser()
    if not tracks:
        return [given / f"signal{suffix}" if given.is_dir() else given]
    if "{sample}" in str(path):
        pattern = str(given)
    elif len(tracks) == 1 and given.suffix:
        pattern = str(given).replace("{", "{{").replace("}", "}}")
    elif given.suffix:
        raise SchemaError(
            f"{len(tracks)} samples do not go into one file, {path}. Name a folder, write "
            "{sample} into the name, or choose one with samples=[...]."
        )
    else:
        pattern = f"{given}/{{sample}}{suffix}"
    files = [Path(pattern.replace("{sample}", track.replace("/", "_"))) for track in tracks]
    if len(set(files)) < len(files):
        msg = f"Samples {list(tracks)} do not give {len(files)} names of files: rename them."
        raise SchemaError(msg)
    return files


def _write(
    ds: xr.Dataset,
    path: str | Path,
    variable: str,
    contigs: Mapping[str, int] | str | Path,
    samples: Sequence[str] | None,
    overlap: Overlap,
    bin_size: int,
    by_strand: bool,
    suffix: str,
    writer: Callable[[Path, dict[str, int]], _Writer],
) -> list[Path]:
    """Write the tracks of a variable with a writer."""
    if overlap not in get_args(Overlap):
        raise SchemaError(f"overlap is {overlap!r}.{did_you_mean(overlap, get_args(Overlap))}")
    signal = _signal_of(ds, variable, samples, bin_size)
    sizes = contig_sizes(contigs)
    sizes = {name: sizes[name] for name in sorted(sizes)}
    check_known(
        signal.table, sizes, where="the dataset", genome="the contig sizes",
        then="they are left out",
    )  # fmt: skip
    files = _files_of(path, signal.tracks, suffix)
    jobs = [(np.ones(len(signal.table), np.bool_), files)]
    if by_strand:
        minus = signal.turned()
        jobs = [
            (minus if name == "minus" else ~minus, [_with_strand(f, name) for f in files])
            for name in _STRANDS
        ]
    targets = [file for _, part in jobs for file in part]
    with whole_files(targets) as parts:
        for i, (rows, part) in enumerate(jobs):
            drafts = parts[i * len(files) : (i + 1) * len(files)]
            count = _fill(signal, rows, sizes, overlap, [writer(p, sizes) for p in drafts])
            if not count:
                raise SchemaError(f"Nothing to write to {part[0]}: no row has a value on a contig.")
    return targets


def _with_strand(file: Path, strand: str) -> Path:
    """Return the name of the file of one strand: ``x.plus.bw`` of ``x.bw``."""
    suffix = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    return file.with_name(f"{file.name.removesuffix(suffix)}.{strand}{suffix}")


def _fill(
    signal: _Signal,
    rows: NDArray[np.bool_],
    sizes: dict[str, int],
    overlap: Overlap,
    writers: Sequence[_Writer],
) -> int:
    """Write the chosen rows contig by contig; return how many runs of values there were."""
    names = signal.table["chrom"].to_numpy()
    begins = signal.begins()
    count = 0
    try:
        for contig, size in sizes.items():
            chosen = np.flatnonzero(rows & (names == contig))
            order = chosen[np.argsort(begins[chosen], kind="stable")]
            windows = zip(begins[order].tolist(), signal.rows(order), strict=True)
            for begin, values in _joined(windows, size, overlap, contig):
                for writer, track in zip(writers, values, strict=True):
                    count += _add(writer, contig, begin, track)
    finally:
        for writer in writers:
            writer.close()
    return count


def _joined(
    windows: Iterable[tuple[int, Values]], size: int, overlap: Overlap, contig: str
) -> Iterator[tuple[int, Values]]:
    """Yield stretches of a contig from left to right, with the windows over them made one.

    Windows come in the order of their beginnings, so what lies before the next one is final.
    """
    held: list[_Held] = []
    end = 0
    for first, whole in windows:
        low, high = max(0, -first), min(whole.shape[1], size - first)
        if high <= low:
            continue
        begin, found = first + low, whole[:, low:high]
        if held and (begin >= end or begin - held[0].begin >= _POSITIONS):
            yield held[0].begin, _merged(held, min(begin, end), overlap, contig)
            held = [
                _Held(begin, old.values[:, begin - old.begin :], old.middle)
                for old in held
                if old.begin + old.values.shape[1] > begin
            ]
        held.append(_Held(begin, found, 2 * first + whole.shape[1]))
        end = max(end, begin + found.shape[1])
    if held:
        yield held[0].begin, _merged(held, end, overlap, contig)


class _Held(NamedTuple):
    """A window that is not written yet: its beginning, its values, and twice its middle."""

    begin: int
    values: Values
    middle: int


def _merged(held: Sequence[_Held], end: int, overlap: Overlap, contig: str) -> Values:
    """Return the values of all windows up to an end, NaN where there are none."""
    begin = held[0].begin
    values = np.zeros((len(held[0].values), end - begin))
    seen = np.zeros(values.shape, np.int32)
    away = np.zeros(values.shape, np.int64)
    for first, whole, middle in held:
        found = whole[:, : end - first]
        place = slice(first - begin, first - begin + found.shape[1])
        there, times, known = values[:, place], seen[:, place], ~np.isnan(found)
        twice = known & (times > 0)
        if overlap == "error" and twice.any():
            at = first + int(np.flatnonzero(twice.any(axis=0))[0])
            raise SchemaError(
                f"Rows overlap at {contig}:{at}, where each has a value. Say what to write with "
                "overlap='mean', 'nearest' or 'max', or choose rows."
            )
        if overlap == "max":
            np.copyto(there, np.where(twice, np.fmax(there, found), found), where=known)
        elif overlap == "nearest":
            places = np.arange(first, first + found.shape[1])
            distance = np.broadcast_to(np.abs(2 * places + 1 - middle), found.shape)
            nearer = known & (~twice | (distance < away[:, place]))
            np.copyto(there, found, where=nearer)
            np.copyto(away[:, place], distance, where=nearer)
        else:
            there += np.where(known, found, 0.0)
        times += known
    values[seen == 0] = np.nan
    return values / np.maximum(seen, 1) if overlap == "mean" else values


def _add(writer: _Writer, contig: str, begin: int, track: Values) -> int:
    """Write runs of equal values; return how many."""
    values = track.astype(np.float32)
    same = values[1:] == values[:-1]
    heads = np.flatnonzero(np.concatenate([[True], ~same]))
    ends = np.append(heads[1:], len(values))
    kept = np.isfinite(values[heads])
    if kept.any():
        runs = values[heads][kept].astype(np.float64)
        writer.add(contig, begin + heads[kept], begin + ends[kept], runs)
    return int(kept.sum())


class _BigWig:
    """A BigWig file that is being written."""

    def __init__(self, path: Path, sizes: dict[str, int]) -> None:
        import pyBigWig

        self.file = pyBigWig.open(str(path), "w")
        self.file.addHeader(list(sizes.items()))

    def add(
        self, contig: str, starts: NDArray[np.int64], ends: NDArray[np.int64], values: Values
    ) -> None:
        """Write runs of values."""
        self.file.addEntries([contig] * len(starts), starts, ends=ends, values=values)

    def close(self) -> None:
        """Write the index and close."""
        self.file.close()


class _BedGraph:
    """A bedGraph file that is being written."""

    def __init__(self, path: Path, sizes: dict[str, int]) -> None:
        packed = ".gz." in path.name
        self.file: BufferedIOBase = gzip.GzipFile(path, "wb") if packed else path.open("wb")

    def add(
        self, contig: str, starts: NDArray[np.int64], ends: NDArray[np.int64], values: Values
    ) -> None:
        """Write runs of values, a line each."""
        table = pd.DataFrame({"chrom": contig, "start": starts, "end": ends})
        table["value"] = values.astype(np.float32)
        self.file.write(table.to_csv(sep="\t", header=False, index=False).encode())

    def close(self) -> None:
        """Close the file."""
        self.file.close()
