"""FASTA files: as rows (:class:`FlatFASTA`) and as a genome (:class:`GenomeFASTA`)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqdata.errors import FastaError, SeqdataError, require_file
from seqdata.readers import _fasta_index as fai
from seqdata.readers._base import Block, FlatReader, RegionReader, Track, Windows
from seqdata.readers._contigs import locate
from seqdata.readers._fasta_bytes import BgzipBytes, PlainBytes
from seqdata.readers._gzip import open_unpacked
from seqdata.readers._kernels import encode_lines
from seqdata.readers._letter_check import LetterCheck, OnUnknown
from seqdata.readers._turns import in_turn, step_in_turn
from seqdata.schema import wild_letter
from seqpro.family import old_call

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.schema import AlphabetLike
    from seqpro.alphabets import BaseAlphabet

_CHUNK = 8 * 1024 * 1024
# bytes before a record in which its header is looked for
_HEADER = 4096


class FlatFASTA(FlatReader):
    """Read a FASTA file as rows: one record, one sequence.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    fasta : str or Path
        FASTA file; plain, gzip or bgzip.
    batch_size : int, optional
        Most rows to hold at a time; by default about 8 MB of text.
    n_threads : int, default 1
        Accepted for compatibility; one thread reads.
    alphabet : NucleotideAlphabet, AminoAlphabet or str, default "DNA"
        Letters of the sequences.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter that the alphabet does not know.
    id_var : str, default "id"
        Name of the variable of the record names.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    """

    @old_call("seqdata.FlatFASTA", error=SeqdataError)
    def __init__(
        self,
        name: str,
        fasta: str | Path,
        *,
        batch_size: int | None = None,
        n_threads: int = 1,
        alphabet: AlphabetLike = "DNA",
        on_unknown: OnUnknown = "error",
        id_var: str = "id",
    ) -> None:
        self.name = name
        self.path = require_file(fasta, "FASTA")
        self.batch_size = batch_size
        self.id_var = id_var
        self.check = LetterCheck(alphabet, on_unknown)
        self.letters = self.check.letters

    def files(self) -> list[str]:
        """Return the file read."""
        return [str(self.path)]

    def blocks(self, fixed: dict[str, str]) -> Iterator[Block]:
        """Yield the records in blocks."""
        first = 1
        for ids, bodies in self._records():
            names = np.empty(len(ids), dtype=object)
            names[:] = ids
            block = Block.of(bodies, {self.id_var: names}, (str(self.path), first))
            if not block.lengths.all():
                record = int(np.argmin(block.lengths))
                msg = f"{self.path}, record {first + record} ({ids[record]!r}) has no letters."
                raise FastaError(msg)
            block.letters = self.check(block.letters, partial(_place, block, ids))
            yield block
            first += len(ids)
        if first == 1:
            msg = f"{self.path} is empty. Expected FASTA records ('>name' and letters)."
            raise FastaError(msg)
        self.check.report(str(self.path))

    def _records(self) -> Iterator[tuple[list[str], list[bytes]]]:
        limit = self.batch_size or 1 << 62
        first = True
        for text in _whole_records(self.path):
            if b"\r" in text:
                text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if first:
                text = text.removeprefix(b"\xef\xbb\xbf").lstrip()
                if text and not text.startswith(b">"):
                    line = text.split(b"\n", 1)[0][:60].decode(errors="replace")
                    msg = f"{self.path}, line 1: expected '>', got {line!r}. Is it a FASTA file?"
                    raise FastaError(msg)
                text = text[1:]
                first = False
            if not text:
                continue
            ids: list[str] = []
            bodies: list[bytes] = []
            for record in text.split(b"\n>"):
                header, _, body = record.partition(b"\n")
                ids.append(self._name(header))
                bodies.append(body.translate(None, b"\n \t"))
                if len(ids) >= limit:
                    yield ids, bodies
                    ids, bodies = [], []
            if ids:
                yield ids, bodies

    def _name(self, header: bytes) -> str:
        try:
            words = header.decode("utf-8").split(None, 1)
        except UnicodeDecodeError:
            msg = f"{self.path}: the header {header[:40]!r} is not UTF-8 text."
            raise FastaError(msg) from None
        if not words:
            msg = f"{self.path}: a record has no name (a line with '>' alone)."
            raise FastaError(msg)
        return words[0]


class GenomeFASTA(RegionReader):
    """Cut windows out of a FASTA file of contigs.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    fasta : str or Path
        FASTA file, plain or bgzip. Its index (``.fai``, ``.gzi``) is used when it is newer than
        the file, else built: beside the file, or in the cache directory if that folder cannot be
        written.
    batch_size : int, optional
        Accepted for compatibility; windows are read a shard at a time.
    n_threads : int, default 1
        Accepted for compatibility; one thread reads.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter that the alphabet does not know.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    FastaError
        If it cannot be indexed.
    """

    @old_call("seqdata.GenomeFASTA", error=SeqdataError)
    def __init__(
        self,
        name: str,
        fasta: str | Path,
        *,
        batch_size: int | None = None,
        n_threads: int = 1,
        alphabet: AlphabetLike | None = "DNA",
        on_unknown: OnUnknown = "error",
    ) -> None:
        self.name = name
        self.path = require_file(fasta, "FASTA")
        self.check = LetterCheck(alphabet or "DNA", on_unknown, padded=True)
        self.index, blocks = fai.load_index(self.path)
        self._blocks_path = blocks
        self._source: PlainBytes | BgzipBytes | None = None
        self._seen: set[int] = set()
        source = self._open()
        try:
            fault = fai.misfit(self.index, source.text)
        finally:
            source.close()
        if fault:
            raise self._misfit(*fault)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_source": None}

    def track(self) -> Track:
        """Return what the reader makes."""
        return Track(self.name, np.uint8, "sequence", alphabet=self.check.letters)

    def contigs(self) -> dict[str, int]:
        """Return the contigs and their lengths in bp."""
        return self.index.contigs

    def files(self) -> list[str]:
        """Return the file read."""
        return [str(self.path)]

    @in_turn
    def read(self, windows: Windows, width: int) -> NDArray[np.uint8]:
        """Return the letters of windows on the forward strand.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Returns
        -------
        ndarray of uint8, shape (n, width)
            ASCII; N off the contig, 0 (NUL) behind a window shorter than ``width``.
        """
        out = np.zeros((len(windows), width), dtype=np.uint8)
        for _ in self._read_pieces(windows, width, out):
            pass
        return out

    @step_in_turn
    def pieces(self, windows: Windows, width: int) -> Generator[tuple[slice, NDArray[np.uint8]]]:
        """Yield windows as :meth:`read` returns them, as many at a time as the cache holds.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Yields
        ------
        slice
            The windows that were read.
        ndarray of uint8, shape (n, width)
            Their letters, in a buffer that the next piece overwrites.
        """
        yield from self._read_pieces(windows, width, None)

    @in_turn
    def read_one_hot(
        self,
        windows: Windows,
        columns: BaseAlphabet,
        out: NDArray[np.uint8],
    ) -> bool:
        """Write windows as one-hot straight from the lines of a file, if nothing is odd.

        Parameters
        ----------
        windows : Windows
        columns : NucleotideAlphabet or AminoAlphabet
            Letters of the rows.
        out : ndarray of uint8, shape (n, A, width)
            Receives the windows.

        Returns
        -------
        bool
            False, with ``out`` in part written, where a window is not whole, of another width or
            on the "-" strand, a letter is unknown, or the file is packed or does not fit its
            index: :meth:`pieces` deals with these, and says what is wrong.
        """
        source, record, start, stop, lead = self._places(windows)
        width = out.shape[2]
        if isinstance(source, BgzipBytes) or (windows.strand < 0).any():
            return False
        if ((stop - start) != width).any() or (windows.lengths != width).any():
            return False
        upper = columns.array.view(np.uint8)
        if (columns.lookup[upper | 0x20] != np.arange(len(upper))).any():
            return False
        index = self.index
        try:
            bad = encode_lines(
                source.data, index.offset[record], index.bases[record], index.width[record],
                start, stop, lead, *self.check.without_padding(), upper,
                np.empty((1, width), np.uint8), out,
            )  # fmt: skip
        finally:
            source.release()
        return int(bad) < 0

    def _places(self, windows: Windows) -> _Places:
        """Open the file and return where windows lie in it, after a look at their records."""
        size = locate(windows, self.contigs(), str(self.path))
        start, stop, lead = windows.within(size)
        records = np.zeros(len(windows.names), dtype=np.int64)
        for i in windows.used():
            records[i] = self.index.places[windows.names[i]]
        record = records[windows.contig]
        if self._source is None:
            self._source = self._open()
        source = self._source
        for number in np.flatnonzero(np.bincount(record[stop > start])).tolist():
            if number not in self._seen:
                self._check_record(source, number)
                self._seen.add(number)
        return _Places(source, record, start, stop, lead)

    def _read_pieces(
        self, windows: Windows, width: int, out: NDArray[np.uint8] | None
    ) -> Generator[tuple[slice, NDArray[np.uint8]]]:
        """Read windows into their rows of ``out`` (zeros), or else into one small buffer."""
        source, record, start, stop, lead = self._places(windows)
        lengths = windows.lengths
        partial = (stop - start) < lengths
        step = max(1, source.piece // max(1, width)) if source.piece else max(1, len(windows))
        buffer = None if out is not None else np.zeros((min(step, len(windows)), width), np.uint8)
        wild = wild_letter(self.check.letters)
        ragged = bool((lengths < width).any())
        try:
            for begin in range(0, len(windows), step):
                rows = slice(begin, min(begin + step, len(windows)))
                if out is not None:
                    letters = out[rows]
                elif buffer is not None:
                    letters = buffer[: rows.stop - begin]
                    if ragged:
                        letters[...] = 0
                for row in np.flatnonzero(partial[rows]):
                    letters[row, : lengths[begin + row]] = wild
                bad = source.gather(
                    self.index, record[rows], start[rows], stop[rows], lead[rows], letters
                )
                if bad >= 0:
                    why = "a line does not end where the index says"
                    raise self._misfit(self.index.names[int(record[begin + bad])], why)
                self._check_letters(letters, windows[rows], int(lengths[rows].sum()))
                yield rows, letters
        finally:
            source.release()

    def _check_letters(self, letters: NDArray[np.uint8], windows: Windows, n_letters: int) -> None:
        """Check the letters of windows in place."""
        place_of = _WindowPlace(self.path, windows, letters.shape[1])
        if n_letters == letters.size or np.count_nonzero(letters) < n_letters:
            self._check_nul(letters, windows.lengths, place_of)
        else:
            self.check(letters, place_of)

    def _check_nul(
        self, out: NDArray[np.uint8], lengths: NDArray[np.int64], place_of: _WindowPlace
    ) -> None:
        """Check windows in which NUL is no letter, as in a file whose end was never written."""
        padding = np.zeros((1, 1), dtype=np.bool_)
        if lengths.sum() < out.size:
            padding = np.arange(out.shape[1])[None, :] >= lengths[:, None]
            out[padding] = wild_letter(self.check.letters)
        self.check.known[0] = False
        try:
            self.check(out, place_of)
        finally:
            self.check.known[0] = True
        if padding.any():
            out[padding] = 0

    def _check_record(self, source: PlainBytes | BgzipBytes, number: int) -> None:
        """Check that a record stands where the index says, and ends there."""
        index = self.index
        begin, length = int(index.offset[number]), int(index.length[number])
        bases, width = int(index.bases[number]), int(index.width[number])
        end = begin + (length - 1) // bases * width + (length - 1) % bases + 1
        header = source.text(max(0, begin - _HEADER), begin)
        line = header.rstrip(b"\r\n").rsplit(b"\n", 1)[-1].lstrip(b"\xef\xbb\xbf")
        name = index.names[number].encode()
        if len(line) < _HEADER - 8 and line[1:].split(None, 1)[:1] != [name]:
            raise self._misfit(index.names[number], "its name does not stand before it")
        if header[-1:] not in (b"\n", b"\r") or (len(line) < _HEADER - 8 and line[:1] != b">"):
            raise self._misfit(index.names[number], "it does not begin where the index says")
        behind = source.text(end, end + 64).lstrip()
        if behind[:1] not in (b"", b">") or source.text(end, end + 1) not in (b"", b"\n", b"\r"):
            raise self._misfit(index.names[number], "it does not end where the index says")

    def _misfit(self, record: str, why: str) -> FastaError:
        return FastaError(
            f"The index of {self.path} does not fit record {record!r}: {why}. "
            "The file was changed or one of the two is damaged; delete the .fai file and try again."
        )

    @in_turn
    def close(self) -> None:
        """Release the file, and report replaced letters."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self.check.report(str(self.path))

    def _open(self) -> PlainBytes | BgzipBytes:
        if self._blocks_path is not None:
            return BgzipBytes(self.path, self._blocks_path)
        if fai.last_byte(self.index) > self.path.stat().st_size:
            msg = (
                f"The index of {self.path} promises more bases than the file holds: the file was "
                "cut short or replaced. Delete the .fai file and try again."
            )
            raise FastaError(msg)
        return PlainBytes(self.path)


class _Places(NamedTuple):
    """Where windows lie in a file: record, bounds within it, columns before the first base."""

    source: PlainBytes | BgzipBytes
    record: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    lead: NDArray[np.int64]


def _place(block: Block, ids: list[str], place: int) -> str:
    """Say in which record of a flat file a letter stands."""
    record, position = block.place_of(place)
    file, first = block.where
    return f"{file}, record {first + record} ({ids[record]!r}), position {position}"


class _WindowPlace:
    """Say where in the genome a letter of a window stands."""

    def __init__(self, path: Path, windows: Windows, width: int) -> None:
        self.path, self.windows, self.width = path, windows, width

    def __call__(self, place: int) -> str:
        row, column = divmod(place, self.width)
        contig = self.windows.names[int(self.windows.contig[row])]
        return f"{self.path}, record {contig!r}, position {self.windows.start[row] + column + 1}"


def _whole_records(path: Path) -> Iterator[bytes]:
    """Yield pieces of a FASTA file that end where a record ends (without the line end)."""
    held: list[bytes] = []
    tail = b""
    try:
        with open_unpacked(path) as handle:
            while data := handle.read(_CHUNK):
                piece = tail + data
                cut = piece.rfind(b"\n>")
                if cut < 0:
                    held.append(piece[:-1])
                    tail = piece[-1:]
                    continue
                yield b"".join([*held, piece[:cut]])
                held, tail = [], piece[cut + 2 :]
                if tail:
                    continue
                # the piece ended right behind '>': keep an empty start of the next record
                tail = handle.read(1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} is a damaged gzip file ({error}). Fetch or pack it again."
        raise FastaError(msg) from error
    yield b"".join([*held, tail])
