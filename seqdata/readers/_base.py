"""What readers are: sources of rows (flat files) and of windows (region files)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from seqdata.errors import SchemaError
from seqdata.readers._contigs import Missing, locate
from seqdata.readers._track import Track as Track

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Windows:
    """Windows on named contigs; they may reach over the ends of a contig.

    Parameters
    ----------
    names : tuple of str
        Contig names.
    contig : ndarray of int32, shape (n,)
        Place of each window's contig in ``names``.
    start, end : ndarray of int64, shape (n,)
        Bounds in bp, 0-based half-open.
    strand : ndarray of int8, shape (n,)
        1, -1 or 0; readers ignore it, the builder turns rows round.
    known : frozenset of str, optional
        Contigs that the genome is known to have, also where a file of signal leaves them out.
    """

    names: tuple[str, ...]
    contig: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    known: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice) -> Windows:
        return Windows(
            self.names,
            self.contig[rows],
            self.start[rows],
            self.end[rows],
            self.strand[rows],
            self.known,
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each window in bp, int64, shape (n,)."""
        return self.end - self.start

    def used(self) -> list[int]:
        """Return the places in ``names`` of the contigs on which there is a window."""
        return [int(i) for i in np.unique(self.contig)]

    def by_contig(self, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield contigs (place in ``names``) with chosen windows, and the numbers of these."""
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(self.contig[rows], kind="stable")]
        contig = self.contig[rows]
        edges = np.flatnonzero(np.diff(contig, prepend=-1, append=-1))
        for begin, end in pairwise(edges.tolist()):
            yield int(contig[begin]), rows[begin:end]

    def within(
        self, size: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return where windows lie on their contigs.

        Parameters
        ----------
        size : ndarray of int64, shape (n,)
            Length in bp of each window's contig; 0 for none.

        Returns
        -------
        start, stop : ndarray of int64, shape (n,)
            Bounds in bp, cut at the ends of the contig.
        lead : ndarray of int64, shape (n,)
            Bp of the window before ``start``.
        """
        start = np.clip(self.start, 0, size)
        stop = np.maximum(np.clip(self.end, 0, size), start)
        return start, stop, np.minimum(start - self.start, self.lengths)


@dataclass
class Block:
    """Some rows of a flat file.

    Parameters
    ----------
    letters : ndarray of uint8, shape (total,)
        The sequences, one behind the other.
    lengths : ndarray of int64, shape (n,)
        Their lengths in bp.
    columns : dict of str to ndarray, shape (n,)
        Other variables.
    where : (str, int)
        File, and number of the first record or row in it, counted from 1, for messages.
    """

    letters: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    columns: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    where: tuple[str, int] = ("", 1)

    def __len__(self) -> int:
        return len(self.lengths)

    def place_of(self, letter: int) -> tuple[int, int]:
        """Return the row of a letter, from 0, and its position in it, from 1."""
        ends = np.cumsum(self.lengths)
        row = int(np.searchsorted(ends, letter, side="right"))
        return row, letter - int(ends[row] - self.lengths[row]) + 1

    @classmethod
    def of(
        cls,
        sequences: Sequence[bytes],
        columns: Mapping[str, NDArray[np.generic]] | None = None,
        where: tuple[str, int] = ("", 1),
    ) -> Block:
        """Return the block of some sequences.

        Parameters
        ----------
        sequences : sequence of bytes
            ASCII letters.
        columns : mapping of str to ndarray, shape (n,), optional
            Other variables.
        where : (str, int), optional
            File, and number of the first record in it, counted from 1.

        Returns
        -------
        Block

        Examples
        --------
        >>> Block.of([b"AC", b"GGT"]).lengths
        array([2, 3])
        """
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        letters = np.frombuffer(b"".join(sequences), dtype=np.uint8)
        return cls(letters, lengths, dict(columns or {}), where)


class Reader(ABC):
    """What all readers have: a name, files, and an end.

    Attributes
    ----------
    name : str
        Name of the variable that it makes.
    """

    name: str
    # what makes a dataset of readers; `seqdata.build`, which stands above them, puts it here
    build: ClassVar[Callable[..., object]]

    def files(self) -> list[str]:
        """Return the files read; a store keeps their checksums. By default none."""
        return []

    def close(self) -> None:  # noqa: B027 (a default, which may stay)
        """Release files and maps. By default nothing is done."""


class FlatReader(Reader):
    r"""A source of rows: sequences with their variables. Base class of a reader of your own.

    Only :meth:`blocks` must be written. Override :meth:`files` so that a store tells where its
    rows come from, and a killed build is taken up only if the files are the same.

    Attributes
    ----------
    letters : str
        Letters of the alphabet, by default those of DNA.

    Examples
    --------
    >>> import json, pathlib, tempfile, seqdata as sd
    >>> class JSONLines(FlatReader):
    ...     def __init__(self, name, path):
    ...         self.name, self.path = name, pathlib.Path(path)
    ...
    ...     def blocks(self, fixed):
    ...         rows = [json.loads(line) for line in self.path.read_text().splitlines()]
    ...         activity = np.array([row["y"] for row in rows])
    ...         yield Block.of([row["seq"].encode() for row in rows], {"activity": activity})
    ...
    ...     def files(self):
    ...         return [str(self.path)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "x.jsonl"
    >>> _ = path.write_text('{"seq": "ACGT", "y": 1.5}\n{"seq": "TTGA", "y": 0.5}\n')
    >>> ds = sd.from_flat_files(
    ...     JSONLines("seq", path), path=f"{folder.name}/x.zarr", fixed_length=True)
    >>> ds["activity"].values.tolist()
    [1.5, 0.5]
    >>> folder.cleanup()
    """

    letters: str = "ACGT"

    @abstractmethod
    def blocks(self, fixed: dict[str, str]) -> Iterator[Block]:
        """Yield the rows in blocks, one behind the other.

        Parameters
        ----------
        fixed : dict of str to str
            Types of columns, settled by an earlier try whose blocks did not agree: ``"truth"``,
            ``"number"`` (both float64) or ``"text"``.
        """

    def _write(
        self,
        out: str | Path,
        fixed_length: bool | int,
        overwrite: bool = False,
        sequence_dim: str | None = None,
        length_dim: str | None = None,
    ) -> None:
        """Write the sequences to a store, under SeqData's name for `seqdata.from_flat_files`.

        SeqData's ``fixed_length`` was yes or no, whatever number it was.
        """
        type(self).build(
            self, path=out, fixed_length=bool(fixed_length), overwrite=overwrite,
            sequence_dim=sequence_dim, length_dim=length_dim,
        )  # fmt: skip


class RegionReader(Reader):
    r"""A source of windows. Base class of a reader of your own.

    Three methods must be written: :meth:`track` says what the variable is, :meth:`contigs` where
    there is something to read, :meth:`read` reads. All others have defaults. A dataset is built
    with it by `seqdata.from_region_files`, added to by `seqdata.add_layers_from_files`, and read
    without a store by `seqdata.open_regions`.

    Attributes
    ----------
    missing : {"warn", "zero", "error"} or None
        What is done about regions on contigs that the reader does not have; None, as of a genome,
        is an error.
    sizes_are_known : bool
        Whether :meth:`contigs` tells where contigs end, so that ``mask`` can be made of it.

    Examples
    --------
    >>> import pathlib, tempfile, pandas as pd, seqdata as sd
    >>> class GC(RegionReader):
    ...     def __init__(self, name, fasta):
    ...         self.name, self.genome = name, sd.GenomeFASTA(name, fasta)
    ...
    ...     def track(self):
    ...         return Track(self.name, np.float32, samples=["gc"])
    ...
    ...     def contigs(self):
    ...         return self.genome.contigs()
    ...
    ...     def read(self, windows, width):
    ...         letters = self.genome.read(windows, width)
    ...         return np.isin(letters, list(b"GCgc")).astype(np.float32)[:, None]
    ...
    ...     def files(self):
    ...         return self.genome.files()
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta = pathlib.Path(folder.name) / "g.fa"
    >>> _ = fasta.write_text(">chr1\nAACCGGTTAC\n")
    >>> bed = pd.DataFrame({"chrom": ["chr1"], "chromStart": [1], "chromEnd": [5]})
    >>> readers = sd.GenomeFASTA("seq", fasta), GC("gc", fasta)
    >>> sd.open_regions(*readers, bed=bed, fixed_length=4)["gc"].values.tolist()
    [[[0.0, 1.0, 1.0, 1.0]]]
    >>> ds = sd.from_region_files(
    ...     *readers, path=f"{folder.name}/x.zarr", bed=bed, fixed_length=4)
    >>> ds["gc"].values.tolist()
    [[[0.0, 1.0, 1.0, 1.0]]]
    >>> folder.cleanup()
    """

    missing: Missing | None = None
    sizes_are_known: bool = True

    @abstractmethod
    def track(self) -> Track:
        """Return what the reader makes."""

    @abstractmethod
    def contigs(self) -> dict[str, int]:
        """Return the contigs and their lengths in bp."""

    @abstractmethod
    def read(self, windows: Windows, width: int) -> NDArray[Any]:
        """Return the forward-strand values, padded on the right to ``width``.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Returns
        -------
        ndarray
            Sequences uint8 (n, width), those of haplotypes (n, n_samples, ploidy, width), tracks
            (n, n_samples, width). Positions off the contig hold N or 0, padding holds 0.
        """

    def read_joined(self, windows: Windows, row_of: NDArray[np.int64], width: int) -> NDArray[Any]:
        """Return rows that are made of several windows (exons), by default as they are read.

        Parameters
        ----------
        windows : Windows
            The windows of a row stand one behind the other.
        row_of : ndarray of int64, shape (n_rows + 1,)
            Row ``i`` is made of windows ``row_of[i]`` to ``row_of[i + 1]``.
        width : int
            Columns of the result, at least the longest row.

        Returns
        -------
        ndarray, shape (n_rows, ..., width)
            Forward strand, 0 behind a row shorter than ``width``.
        """
        values = self.read(windows, int(windows.lengths.max(initial=1)))
        return join_windows(values, windows.lengths, row_of, width)

    def each_sample(
        self, windows: Windows, width: int
    ) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Yield the values of one sample after the other; by default all are read at once.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Yields
        ------
        sample : int
        values : ndarray, shape (n, width)
            Forward strand.
        """
        values = self.read(windows, width)
        yield from ((i, values[:, i]) for i in range(values.shape[1]))

    def totals(self) -> NDArray[np.uint64] | None:
        """Return the number of reads of each sample, shape (n_samples,); by default None."""
        return None

    def check_contigs(self, windows: Windows, regions: str) -> None:
        """Warn of regions on contigs that the reader does not have, or refuse them.

        Parameters
        ----------
        windows : Windows
        regions : str
            Where they come from, for messages.

        Raises
        ------
        ContigError
            If they are not taken for regions without signal.
        """
        where = next(iter(self.files()), self.name)
        locate(windows, self.contigs(), where, regions=regions, missing=self.missing)

    def _write(
        self,
        out: str | Path,
        bed: str | Path | pd.DataFrame,
        fixed_length: bool | int,
        sequence_dim: str | None = None,
        length_dim: str | None = None,
        overwrite: bool = False,
        splice: bool = False,
    ) -> None:
        """Write windows to a store, under SeqData's name for `seqdata.from_region_files`."""
        type(self).build(
            self, path=out, bed=bed, fixed_length=fixed_length, overwrite=overwrite,
            sequence_dim=sequence_dim, length_dim=length_dim, splice=splice,
        )  # fmt: skip


def check_readers(
    readers: Sequence[object], kinds: tuple[type[Reader], ...], named: str, what: str = "reader"
) -> None:
    """Refuse what is no reader, or none of the kinds that are expected.

    Parameters
    ----------
    readers : sequence
    kinds : tuple of type
        Base classes, of which readers derive from one.
    named : str
        Some readers of these kinds, for messages.
    what : str, default "reader"
        What is expected, for messages.

    Raises
    ------
    SchemaError
    """
    if not readers:
        msg = f"No reader was given. Pass at least one, such as {named}."
        raise SchemaError(msg)
    for reader in readers:
        if not isinstance(reader, kinds):
            own = " or ".join(f"seqdata.readers.{kind.__name__}" for kind in kinds)
            msg = (
                f"{type(reader).__name__} is no {what}: expected {named}, or one of "
                f"your own that derives from {own}."
            )
            raise SchemaError(msg)


def join_windows(
    values: NDArray[Scalar], lengths: NDArray[np.int64], row_of: NDArray[np.int64], width: int
) -> NDArray[Scalar]:
    """Put the windows of each row one behind the other.

    Parameters
    ----------
    values : ndarray, shape (n, ..., piece)
    lengths : ndarray of int64, shape (n,)
        Length of each window in bp.
    row_of : ndarray of int64, shape (n_rows + 1,)
        Row ``i`` is made of windows ``row_of[i]`` to ``row_of[i + 1]``.
    width : int

    Returns
    -------
    ndarray, shape (n_rows, ..., width)

    Examples
    --------
    >>> join_windows(np.array([[1, 2], [3, 0]]), np.array([2, 1]), np.array([0, 2]), 4)
    array([[1, 2, 3, 0]])
    """
    out = np.zeros((len(row_of) - 1, *values.shape[1:-1], width), dtype=values.dtype)
    for row, (first, last) in enumerate(pairwise(row_of.tolist())):
        k = 0
        for i in range(first, last):
            size = int(lengths[i])
            out[row, ..., k : k + size] = values[i, ..., :size]
            k += size
    return out
