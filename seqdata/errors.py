"""Exceptions of :mod:`seqdata`; every message says what, where, what was expected and the fix."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from seqpro import errors

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


class SeqdataError(errors.ToolkitError, ValueError):
    """Base class of every error that :mod:`seqdata` raises on purpose."""


class MissingFileError(SeqdataError, FileNotFoundError):
    """A file that was named does not exist."""


class TableError(SeqdataError):
    """A CSV, TSV or Parquet table cannot be read as it stands."""


class MissingColumnError(TableError):
    """A column that was named is not in the table."""


class FastaError(SeqdataError):
    """A FASTA file or its index cannot be read as it stands."""


class BedError(SeqdataError):
    """A BED-like file holds a line that is no region."""


class ContigError(SeqdataError):
    """Regions name a contig that a file does not have."""


class UnknownLetterError(SeqdataError):
    """A sequence holds a letter that its alphabet does not know."""


class LengthError(SeqdataError):
    """Sequences or regions do not have the length that was asked for."""


class TrackError(SeqdataError):
    """A signal file (BigWig, BAM, fragments) cannot be read as it stands."""


class VariantError(SeqdataError):
    """A variant file or table cannot be read as it stands."""


class SchemaError(SeqdataError):
    """Readers or a dataset break the naming and shape rules."""


class StoreError(SeqdataError):
    """A Zarr store cannot be written or read."""


class IncompleteStoreError(StoreError):
    """A Zarr store carries no completeness mark: its writing never finished."""


class LockedError(StoreError):
    """Another process, or another thread, writes there."""


class DiskFullError(StoreError, OSError):
    """There was no room to finish a store; what had been written is gone again."""


class WorkerError(SeqdataError, RuntimeError):
    """A worker process of a loader died, or could not hand over what it read."""


class DatasetError(SeqdataError):
    """A curated dataset is unknown, wrongly described or cannot be built."""


class DownloadError(DatasetError, OSError):
    """A file could not be fetched from any of its addresses."""


class ChecksumError(DownloadError):
    """Bytes that arrived are not the bytes that were asked for."""


class OfflineError(DownloadError):
    """A file is not in the cache and the network may not be used."""


class UnverifiedError(DatasetError):
    """A download whose checksum nobody has vouched for was not asked for by name."""


class ArchiveError(DatasetError):
    """An archive is damaged, or would write outside its folder."""


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error means that storage is full or a file size limit was hit.

    Parameters
    ----------
    error : BaseException
        Any exception; the chain of causes is walked.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_disk_full(OSError(28, "No space left on device"))
    True
    >>> is_disk_full(ValueError("other"))
    False
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def did_you_mean(name: object, choices: Iterable[object]) -> str:
    """Suggest the nearest known name, as a sentence at the end of an error message.

    Parameters
    ----------
    name : object
        What was asked for.
    choices : iterable of object
        What there is.

    Returns
    -------
    str
        As `seqpro.errors.did_you_mean` says it in a sentence of its own.

    Examples
    --------
    >>> did_you_mean("sequnce", ["id", "sequence"])
    " Did you mean 'sequence'?"
    """
    return errors.did_you_mean(name, choices, sentence=True)


def require_file(path: str | Path, what: str) -> Path:
    """Return the path of an existing file, or raise with the nearest names beside it.

    Parameters
    ----------
    path : str or Path
        File that must exist.
    what : str
        What the file is, for the message ("FASTA", "BED", ...).

    Returns
    -------
    Path

    Raises
    ------
    MissingFileError
        If there is no such file.

    Examples
    --------
    >>> try:
    ...     require_file("/no/such.fa", "FASTA")
    ... except MissingFileError as error:
    ...     print(str(error)[:40])
    FASTA file /no/such.fa does not exist (i
    """
    file = Path(path).expanduser()
    if file.is_file():
        return file
    if file.is_dir():
        msg = f"{what} file expected, but {file} is a folder. Name the file inside it."
        raise MissingFileError(msg)
    if not file.parent.is_dir():
        msg = f"{what} file {file} does not exist (its folder {file.parent} does not either)."
        raise MissingFileError(msg)
    near = errors.nearest(file.name, [entry.name for entry in file.parent.iterdir()])
    hint = " Check the path." if near is None else f" Did you mean {file.parent / near}?"
    raise MissingFileError(f"{what} file {file} does not exist.{hint}")


def contig_hint(contig: str, known: Iterable[str]) -> str:
    """Explain a contig that was not found, with the usual ``chr1`` / ``1`` mismatch first.

    Parameters
    ----------
    contig : str
        Contig of the regions.
    known : iterable of str
        Contigs of the file.

    Returns
    -------
    str

    Examples
    --------
    >>> contig_hint("chr1", ["1", "2"])
    " The file calls it '1': rename the contigs of one side (with or without 'chr')."
    >>> contig_hint("chr4", ["chrI", "chrIV", "chrX"])
    " The file calls it 'chrIV': write the numbers of one side as the other does."
    """
    names = list(known)
    found = contig_alias(contig, names)
    if found is None:
        return did_you_mean(contig, names)
    if found.removeprefix("chr") in (contig.removeprefix("chr"), *_MITOCHONDRIA):
        return (
            f" The file calls it {found!r}: rename the contigs of one side (with or without 'chr')."
        )
    return f" The file calls it {found!r}: write the numbers of one side as the other does."


_MITOCHONDRIA = ("M", "MT", "Mito", "mitochondrion")


def contig_alias(contig: str, known: Iterable[str]) -> str | None:
    """Return how a file writes a contig: with or without ``chr``, in Roman or other numerals.

    Parameters
    ----------
    contig : str
        Contig of the regions.
    known : iterable of str
        Contigs of the file.

    Returns
    -------
    str or None
        None where the file has it under no such name, or under this one.

    Examples
    --------
    >>> contig_alias("1", ["chr1"]), contig_alias("chrM", ["MT"]), contig_alias("7", ["chr8"])
    ('chr1', 'MT', None)
    """
    names = list(known)
    body = contig.removeprefix("chr")
    if contig.lower().startswith("chr"):
        body = contig[3:]
    bodies = [body, *(_MITOCHONDRIA if body in _MITOCHONDRIA else ())]
    roman = not {"I", "chrI"}.isdisjoint(names)
    if body.isdecimal() and 0 < int(body) < 40:
        bodies += [str(int(body)), f"{int(body):02d}", *([_roman(int(body))] if roman else [])]
    elif body != "X" and not roman:
        bodies += [str(i) for i in range(1, 40) if _roman(i) == body]
    there = {name.lower(): name for name in reversed(names)}
    for one in bodies:
        for name in (one, f"chr{one}"):
            found = name if name in names else there.get(name.lower())
            if found is not None:
                return None if found == contig else found
    return None


def _roman(number: int) -> str:
    """Return a number below 40 in Roman numerals."""
    tens, ones = divmod(number, 10)
    return "X" * tens + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[ones]
