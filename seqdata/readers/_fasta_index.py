"""Indexes of FASTA files: found, built (in the cache directory if need be) and checked."""

from __future__ import annotations

import contextlib
import os
import secrets
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyfaidx
import pysam
import pysam.utils

from seqdata.errors import FastaError
from seqdata.readers._gzip import is_bgzip, is_gzip
from seqdata.readers._index_files import cached_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


# no header is longer, in bytes
_BETWEEN = 1 << 16


@dataclass(frozen=True)
class FastaIndex:
    """Where each record of a FASTA file stands.

    Parameters
    ----------
    names : tuple of str
        Record names.
    length, offset, bases, width : ndarray of int64, shape (n_records,)
        Length in bp, byte of the first base (in the unpacked file), letters and bytes of a line.
    """

    names: tuple[str, ...]
    length: NDArray[np.int64]
    offset: NDArray[np.int64]
    bases: NDArray[np.int64]
    width: NDArray[np.int64]

    @cached_property
    def contigs(self) -> dict[str, int]:
        """Record names with their lengths in bp."""
        return dict(zip(self.names, self.length.tolist(), strict=True))

    @cached_property
    def places(self) -> dict[str, int]:
        """Record names with their places."""
        return {name: i for i, name in enumerate(self.names)}


def load_index(file: Path) -> tuple[FastaIndex, Path | None]:
    """Read the index of a FASTA file; build it where it is missing or older than the file.

    Parameters
    ----------
    file : Path
        FASTA file, plain or bgzip.

    Returns
    -------
    index : FastaIndex
    blocks : Path or None
        The ``.gzi`` beside the index of a bgzip file.

    Raises
    ------
    FastaError
        If the file cannot be indexed (empty, uneven lines, repeated names, gzip but not bgzip).
    """
    if file.stat().st_size == 0:
        raise FastaError(f"{file} is empty. Expected FASTA records ('>name' and letters).")
    packed = is_gzip(file)
    if packed and not is_bgzip(file):
        raise FastaError(
            f"{file} is packed with ordinary gzip, which cannot be read at random. Pack it with "
            f"bgzip: gunzip -c {file} | bgzip > {file.with_suffix('.bgz')} - or unpack it."
        )
    for index in (Path(f"{file}.fai"), cached_path(file, "fasta_index", ".fai")):
        blocks = index.with_suffix(".gzi") if packed else None
        if _fresh(index, file) and (blocks is None or _fresh(blocks, file)):
            return _parse(index, file), blocks
    try:
        index = _build(file, Path(f"{file}.fai"), packed=packed)
    except OSError:
        index = _build_in_cache(file, packed=packed)
    return _parse(index, file), index.with_suffix(".gzi") if packed else None


def _build_in_cache(file: Path, *, packed: bool) -> Path:
    index = cached_path(file, "fasta_index", ".fai")
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        return _build(file, index, packed=packed)
    except OSError as error:
        raise FastaError(
            f"Cannot write the index of {file}, neither beside it nor in {index.parent}: {error}. "
            "Set EUGENE_CACHE_DIR to a folder that can be written."
        ) from error


def _fresh(index: Path, file: Path) -> bool:
    return index.is_file() and index.stat().st_mtime >= file.stat().st_mtime


def _build(file: Path, index: Path, *, packed: bool) -> Path:
    """Write an index under another name first, so that nobody reads half of one."""
    part = index.with_name(f".{index.name}.{os.getpid()}-{secrets.token_hex(3)}")
    blocks = part.with_name(part.name + ".gzi")
    _probe(part)
    try:
        if packed:
            pysam.faidx(str(file), "--fai-idx", str(part), "--gzi-idx", str(blocks))
            blocks.replace(index.with_suffix(".gzi"))
        else:
            pyfaidx.Faidx(str(file), indexname=str(part)).close()
        part.replace(index)
    except pysam.utils.SamtoolsError as error:
        raise FastaError(f"{file} cannot be indexed: {' '.join(str(error).split())}") from error
    except (pyfaidx.FastaIndexingError, pyfaidx.UnsupportedCompressionFormat) as error:
        with file.open("rb") as handle:
            line = handle.readline(200).decode(errors="replace").strip()
        if line and not line.startswith((">", ";")):
            raise FastaError(
                f"{file} cannot be indexed: line 1 is {line[:60]!r}, not '>' and a name, so it is "
                "no FASTA file. Are genome and regions swapped?"
            ) from error
        raise FastaError(
            f"{file} cannot be indexed: {' '.join(str(error).split())} "
            "All lines of a record but its last must have the same length."
        ) from error
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise FastaError(f"{file} cannot be indexed: {error}. Is it a FASTA file?") from error
    finally:
        for leftover in (part, blocks):
            with contextlib.suppress(OSError):
                leftover.unlink()
    return index


def _probe(part: Path) -> None:
    """Raise OSError now if the folder cannot be written."""
    part.touch()
    part.unlink()


def _parse(index: Path, file: Path) -> FastaIndex:
    names: list[str] = []
    numbers: list[list[int]] = []
    lines = index.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        try:
            if len(fields) < 5:
                raise ValueError
            four = [int(value) for value in fields[1:5]]
            if max(map(abs, four)) >= 1 << 62:
                raise ValueError
            numbers.append(four)
        except ValueError:
            msg = f"{index}, line {number} is no FASTA index line. Delete the index and try again."
            raise FastaError(msg) from None
        names.append(fields[0])
    if not names:
        raise FastaError(f"{file} holds no record. Expected FASTA records ('>name' and letters).")
    twice = [name for i, name in enumerate(names) if name in names[:i]] if _repeats(names) else []
    if twice:
        raise FastaError(
            f"{file} holds more than one record called {twice[0]!r}: a region cannot tell them "
            "apart. Rename one of them."
        )
    table = np.array(numbers, dtype=np.int64)
    length, offset, bases, width = (np.ascontiguousarray(column) for column in table.T)
    # numbers this large are no file's, and their products would not fit an int64
    reach = offset + length.astype(np.float64) * width / np.maximum(bases, 1)
    wild = (table < 0).any() or (reach > 2.0**50).any() or (width > 1 << 50).any()
    if wild or (width < bases).any() or (length > 0)[bases <= 0].any():
        raise FastaError(f"{index} holds impossible numbers. Delete the index and try again.")
    return FastaIndex(tuple(names), length, offset, np.maximum(bases, 1), np.maximum(width, 1))


def misfit(index: FastaIndex, text: Callable[[int, int], bytes]) -> tuple[str, str] | None:
    """Look whether an index lists all records of a file and nothing else.

    Between the last base of a record and the first one of the next, nothing but the header of the
    next may stand, and nothing behind the last. Records without letters may be left out.

    Parameters
    ----------
    index : FastaIndex
        The index.
    text : callable
        Gives the bytes of the unpacked file between two places, as far as it goes.

    Returns
    -------
    tuple of str or None
        The record and what is wrong.
    """
    order = np.argsort(index.offset, kind="stable").tolist()
    last = np.maximum(index.length - 1, 0)
    ends = index.offset + last // index.bases * index.width + last % index.bases
    ends = np.where(index.length > 0, ends + 1, index.offset).tolist()
    offsets = index.offset.tolist()
    behind, before = 0, ""
    for number in order:
        name, begin = index.names[number], offsets[number]
        raw = text(behind, min(begin, behind + _BETWEEN)) if begin > behind else b"X"
        if before and index.length[index.places[before]] and raw[:1] not in (b"\n", b"\r"):
            return before, "it does not end where the index says"
        if begin > behind + _BETWEEN:
            return name, "records stand before it that the index lacks"
        *others, header = raw.lstrip(b"\r\n\t \xef\xbb\xbf").rstrip(b"\r\n").splitlines() or [b""]
        if any(line.strip()[:1] not in b">" for line in others):
            return name, "records stand before it that the index lacks"
        if raw[-1:] not in (b"\n", b"\r") or header[:1] != b">":
            return name, "it does not begin where the index says"
        if header[1:].split(None, 1)[:1] != [name.encode()]:
            return name, "its name does not stand before it"
        behind, before = ends[number], name
    rest = text(behind, behind + _BETWEEN)
    if rest and index.length[index.places[before]] and rest[:1] not in (b"\n", b"\r"):
        return before, "it does not end where the index says"
    if any(line.strip()[:1] not in b">" for line in rest.splitlines()):
        return before, "records stand behind it that the index lacks"
    return None


def _repeats(names: list[str]) -> bool:
    return len(set(names)) != len(names)


def last_byte(index: FastaIndex) -> int:
    """Return the byte behind the last base that an index promises."""
    some = index.length > 0
    last = index.length[some] - 1
    bases, width = index.bases[some], index.width[some]
    ends = index.offset[some] + last // bases * width + last % bases + 1
    return int(ends.max(initial=0))


def read_gzi(path: Path, file: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read a bgzip block index: starts of the blocks of a file, packed and unpacked."""
    data = path.read_bytes()
    try:
        (count,) = struct.unpack_from("<Q", data)
        if len(data) != 8 + 16 * count:
            raise ValueError
        table = np.frombuffer(data, dtype="<u8", offset=8).reshape(-1, 2)
    except (struct.error, ValueError):
        raise FastaError(f"{path} is no bgzip index. Delete it and try again.") from None
    starts = np.vstack([np.zeros((1, 2), dtype=np.int64), table.astype(np.int64)])
    # a block unpacks to 64 KiB at most; an empty one may close the file
    steps = np.diff(starts, axis=0)
    wrong = (steps < [1, 0]).any() or (steps > 1 << 16).any()
    if wrong or int(starts[-1, 0]) > file.stat().st_size:
        raise FastaError(f"{path} does not fit {file}. Delete it and try again.")
    return np.ascontiguousarray(starts[:, 0]), np.ascontiguousarray(starts[:, 1])
