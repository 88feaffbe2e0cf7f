"""VCF and BCF files: opened at random, and read a stretch at a time."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pysam
import pysam.utils

from seqdata.errors import VariantError
from seqdata.readers._alleles import shared_prefix
from seqdata.readers._bin_index import Kind, index_fault
from seqdata.readers._gzip import is_bgzip, open_unpacked
from seqdata.readers._haplotype_kernels import parse_genotypes
from seqdata.readers._index_files import cached_path, find_or_build, write_whole
from seqdata.readers._turns import in_turn
from seqdata.readers._vcf_lines import VcfHeader, check_lines, place_of
from seqpro.alphabets import IUPAC

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLUMNS = 9
# bytes of a file of which all lines are looked at when it is opened
_SMALL = 8 << 20
_LETTERS = frozenset("ACGTN")
_REF_LETTERS = frozenset(IUPAC)


@dataclass
class Calls:
    """The variants of a stretch, with the genotypes of the wanted samples.

    Parameters
    ----------
    position : list of int
        First base of each record, 0-based.
    ref, place : list of str
        Its reference allele, upper case, and its place for messages.
    genotypes : list of ndarray of int16, shape (n_samples, ploidy)
        Numbers of the alleles, -1 where one is missing.
    carried : list of tuple of int
        The alternate alleles that somebody has.
    alleles : list of list of str
        All alternate alleles, upper case; "" for one without letters.
    symbolic : list of bool
        Whether somebody has an allele without letters (``<DEL>``, breakends).
    unphased : int
        Heterozygous calls without phase.
    missing : list of bool
        Whether somebody's allele is missing.
    """

    position: list[int] = field(default_factory=list)
    ref: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    genotypes: list[NDArray[np.int16]] = field(default_factory=list)
    carried: list[tuple[int, ...]] = field(default_factory=list)
    alleles: list[list[str]] = field(default_factory=list)
    symbolic: list[bool] = field(default_factory=list)
    missing: list[bool] = field(default_factory=list)
    unphased: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.position)

    def longest_loss(self) -> int:
        """Return how many bases a haplotype can lack at most, in bp."""
        loss = 0
        for ref, alleles, carried in zip(self.ref, self.alleles, self.carried, strict=True):
            sizes = [len(alleles[i - 1]) for i in carried if alleles[i - 1]]
            loss += max(0, len(ref) - min(sizes, default=len(ref)))
        return loss

    def edits(self, kept: NDArray[np.bool_], *, missing_as_n: bool) -> Edits:
        """Return the alleles that change something, in the order of their first changed bases.

        Parameters
        ----------
        kept : ndarray of bool, shape (n_records,)
            Records to use.
        missing_as_n : bool
            Whether N is written where an allele is missing.

        Returns
        -------
        Edits
        """
        rows: list[tuple[int, int, int, int, bytes]] = []
        for i in np.flatnonzero(kept).tolist():
            ref = self.ref[i].encode()
            for number in self.carried[i]:
                alt = self.alleles[i][number - 1].encode()
                if alt and alt != ref:
                    same = shared_prefix(ref, alt)
                    rows.append((self.position[i] + same, len(ref) - same, i, number, alt[same:]))
            if missing_as_n and self.missing[i]:
                rows.append((self.position[i], len(ref), i, -1, b"N" * len(ref)))
        rows.sort(key=lambda row: row[0])
        numbers = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
        start, size, record, allele = (np.ascontiguousarray(column) for column in numbers.T)
        lengths = np.array([len(row[4]) for row in rows], dtype=np.int64)
        return Edits(
            start,
            size,
            np.cumsum(lengths) - lengths,
            lengths,
            np.frombuffer(b"".join(row[4] for row in rows), dtype=np.uint8),
            record,
            allele,
        )


@dataclass(frozen=True)
class Edits:
    """What alleles replace, as :func:`lay_haplotypes` takes it.

    Parameters
    ----------
    start, size : ndarray of int64, shape (n,)
        First base replaced (0-based) and number of bases.
    alt_at, alt_size : ndarray of int64, shape (n,)
        Where the letters stand in ``alts``, and how many.
    alts : ndarray of uint8, shape (n_letters,)
    record, allele : ndarray of int64, shape (n,)
        Record and number of the allele.
    """

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    alt_at: NDArray[np.int64]
    alt_size: NDArray[np.int64]
    alts: NDArray[np.uint8]
    record: NDArray[np.int64]
    allele: NDArray[np.int64]


class VariantFile:
    """A VCF or BCF file that is read by stretches.

    Parameters
    ----------
    path : Path
        VCF (plain, gzip, bgzip) or BCF.
    ploidy : int
        Haplotypes a sample.

    Raises
    ------
    VariantError
        If the file is damaged, has no header or samples, or cannot be indexed.
    """

    def __init__(self, path: Path, ploidy: int) -> None:
        self.path = path
        self.ploidy = ploidy
        self.is_bcf = _magic(path)[:3] == b"BCF"
        if not self.is_bcf and path.stat().st_size <= _SMALL:
            _look_at_lines(path)
        self.readable, self.index = _indexed(path, is_bcf=self.is_bcf)
        self._handle: pysam.TabixFile | pysam.VariantFile | None = None
        self._slot: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.samples: list[str] = []
        self.header = VcfHeader()
        self.names = self._header()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_handle": None}

    @in_turn
    def choose(self, samples: list[str]) -> None:
        """Read the genotypes of these samples, in this order."""
        self.samples = samples
        places = {name: i for i, name in enumerate(samples)}
        columns = [name for name in self.names if name in places] if self.is_bcf else self.names
        self._slot = np.array([places.get(name, -1) for name in columns], dtype=np.int64)
        self.close()

    @in_turn
    def contigs(self) -> list[str]:
        """Return the contigs that have variants, or (BCF) that the header names."""
        handle = self._open()
        if isinstance(handle, pysam.VariantFile):
            return [str(name) for name in handle.header.contigs]
        return list(handle.contigs)

    @in_turn
    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            # a damaged file complains once more when it is closed
            with contextlib.suppress(OSError):
                self._handle.close()
            self._handle = None

    @in_turn
    def read(self, contig: str, start: int, stop: int, calls: Calls, *, after: int = -1) -> None:
        """Add the records that touch a stretch.

        Parameters
        ----------
        contig : str
        start, stop : int
            Bounds in bp, 0-based half-open.
        calls : Calls
            Where they go.
        after : int, default -1
            Leave out records that begin before this base.
        """
        for line in self._lines(contig, max(0, start), stop):
            line = line.rstrip("\r\n")
            fields = line.split("\t", _COLUMNS)
            place = f"{self.path}, {':'.join(fields[:2])}"
            if fault := self.header.fault(line):
                msg = f"{place if self.is_bcf else place_of(self.path, line)}: {fault}"
                raise VariantError(msg)
            position = _position(fields[1], place)
            if position < after:
                continue
            self._add(calls, position, fields, place)

    def _lines(self, contig: str, start: int, stop: int) -> Iterator[str]:
        handle = self._open()
        quiet = pysam.set_verbosity(0)
        try:
            if isinstance(handle, pysam.VariantFile):
                yield from map(str, handle.fetch(contig, start, stop))
            else:
                yield from handle.fetch(contig, start, stop)
        except (OSError, ValueError, NotImplementedError) as error:
            self.close()
            msg = (
                f"{self.path} cannot be read at {contig}:{start}-{stop} ({error}): it is damaged "
                "or was cut short. Fetch it again."
            )
            raise VariantError(msg) from error
        finally:
            pysam.set_verbosity(quiet)

    def _add(self, calls: Calls, position: int, fields: list[str], place: str) -> None:
        ref = fields[3].upper()
        if not ref or set(ref) - _REF_LETTERS:
            msg = f"{place}: REF is {fields[3]!r}, expected letters A, C, G, T, N or IUPAC codes."
            raise VariantError(msg)
        written = fields[4].split(",") if fields[4] != "." else []
        keys = fields[8].split(":")
        genotypes = np.full((len(self.samples), self.ploidy), -1, dtype=np.int16)
        carried = np.zeros(len(written) + 2, dtype=np.bool_)
        unphased = 0
        if "GT" in keys:
            text = np.frombuffer(fields[9].encode(), dtype=np.uint8)
            column, unphased = parse_genotypes(
                text, self._slot, keys.index("GT"), genotypes, carried
            )
            if column >= 0:
                raise VariantError(self._bad_call(fields, column, place))
        else:
            carried[0] = True
        alleles = [_letters(allele) for allele in written]
        numbers = tuple(i for i in range(1, len(written) + 1) if carried[i + 1])
        calls.position.append(position)
        calls.ref.append(ref)
        calls.place.append(place)
        calls.genotypes.append(genotypes)
        calls.carried.append(numbers)
        calls.alleles.append(alleles)
        # "*" says that a deletion which has its own record covers this one
        calls.symbolic.append(any(not alleles[i - 1] and written[i - 1] != "*" for i in numbers))
        calls.missing.append(bool(carried[0]))
        calls.unphased.append(int(unphased))

    def _bad_call(self, fields: list[str], column: int, place: str) -> str:
        texts = fields[9].split("\t")
        if column >= len(self._slot):
            return (
                f"{place}: {len(texts)} columns of genotypes, expected {len(self._slot)} as in "
                "the header."
            )
        known = [name for name in self.names if name in self.samples] if self.is_bcf else self.names
        return (
            f"{place}: the call of {known[column]!r} is {texts[column][:40]!r}, expected 1 or "
            f"{self.ploidy} allele numbers from 0 to {len(fields[4].split(','))} or '.', separated "
            "by '|' or '/'. Pass ploidy=... for samples with more haplotypes."
        )

    def _open(self) -> pysam.TabixFile | pysam.VariantFile:
        if self._handle is None:
            quiet = pysam.set_verbosity(0)
            try:
                if self.is_bcf:
                    self._handle = pysam.VariantFile(
                        str(self.readable), index_filename=str(self.index)
                    )
                    if self.samples:
                        self._handle.subset_samples(self.samples)
                else:
                    self._handle = pysam.TabixFile(
                        str(self.readable), index=str(self.index), encoding="utf-8"
                    )
            except (OSError, ValueError, NotImplementedError) as error:
                msg = f"{self.path} cannot be opened as VCF or BCF ({error}): damaged or cut short?"
                raise VariantError(msg) from error
            finally:
                pysam.set_verbosity(quiet)
        return self._handle

    def _header_lines(self, handle: pysam.TabixFile) -> list[str]:
        try:
            return list(handle.header)
        except (OSError, ValueError, NotImplementedError) as error:
            msg = (
                f"The header of {self.path} cannot be read ({str(error)[-80:]}): is it UTF-8 text?"
            )
            raise VariantError(msg) from error

    def _header(self) -> list[str]:
        handle = self._open()
        if isinstance(handle, pysam.VariantFile):
            names = list(handle.header.samples)
            self.header.lengths = {
                str(name): int(contig.length)
                for name, contig in handle.header.contigs.items()
                if contig.length
            }
        else:
            self.header = VcfHeader.of(self._header_lines(handle))
            lines = [line for line in self._header_lines(handle) if line.startswith("#CHROM")]
            if not lines:
                msg = (
                    f"{self.path} has no line '#CHROM POS ID REF ALT ... FORMAT <samples>': it "
                    "does not say whose haplotypes it holds."
                )
                raise VariantError(msg)
            names = lines[0].rstrip("\r\n").split("\t")[_COLUMNS:]
        if not names:
            msg = (
                f"{self.path} has no samples, so no haplotypes. For windows of single alleles use "
                "seqdata.variant_windows."
            )
            raise VariantError(msg)
        return names


def _letters(allele: str) -> str:
    text = allele.upper()
    return text if text and not set(text) - _LETTERS else ""


def _position(text: str, place: str) -> int:
    try:
        position = int(text)
    except ValueError:
        position = 0
    if position < 1:
        msg = f"{place}: POS is {text!r}, expected a whole number, 1 or more."
        raise VariantError(msg)
    return position - 1


def _look_at_lines(path: Path) -> None:
    try:
        check_lines(path)
    except (EOFError, OSError, zlib.error) as error:
        msg = f"{path}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error


def _magic(path: Path) -> bytes:
    try:
        with open_unpacked(path) as handle:
            return handle.read(16)
    except (EOFError, OSError, zlib.error) as error:
        msg = f"{path}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error


def _indexed(path: Path, *, is_bcf: bool) -> tuple[Path, Path]:
    """Return a file that can be read at random, and its index; make them where they lack."""
    if is_bcf and not is_bgzip(path):
        msg = f"{path} is a BCF file that is not packed. Pack it: bcftools view -Ob -o y.bcf {path}"
        raise VariantError(msg)
    readable = path if is_bgzip(path) else _packed(path)
    names = [Path(f"{readable}.csi")]
    if not is_bcf:
        names.append(Path(f"{readable}.tbi"))

    def build(target: Path) -> None:
        _build_index(readable, target, path)

    kind: Kind = "bcf" if is_bcf else "vcf"
    index = find_or_build(
        readable,
        names,
        folder="variant_index",
        suffix=".csi",
        build=build,
        error=VariantError,
        fault=lambda index, look: index_fault(index, readable, kind, None, look=look),
    )
    return readable, index


def _build_index(readable: Path, target: Path, path: Path) -> None:
    import pysam.bcftools

    quiet = pysam.set_verbosity(0)
    try:
        pysam.bcftools.index("-f", "--csi", "-o", str(target), str(readable))
    except pysam.utils.SamtoolsError as error:
        _check_whole(readable, path)
        text = " ".join(str(error).split())
        msg = (
            f"{path} cannot be indexed ({text}). Is it a VCF file with a header, sorted by contig "
            f"and position? Sort and pack it: bcftools sort -Oz -o y.vcf.gz {path}"
        )
        raise VariantError(msg) from error
    finally:
        pysam.set_verbosity(quiet)


def _check_whole(readable: Path, path: Path) -> None:
    """Raise if a packed file does not unpack."""
    try:
        with open_unpacked(readable) as handle:
            while handle.read(1 << 20):
                pass
    except (EOFError, OSError, zlib.error) as error:
        msg = f"{path}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error


def _packed(path: Path) -> Path:
    """Return a bgzip copy of a plain or gzip VCF file, from the cache or made now."""
    copy = cached_path(path, "variant_index", ".vcf.gz")
    if copy.is_file():
        return copy

    def write(target: Path) -> None:
        with open_unpacked(path) as source, pysam.BGZFile(str(target), "wb", None) as out:
            shutil.copyfileobj(source, out, 1 << 20)

    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        return write_whole(copy, write)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error
    except OSError as error:
        msg = (
            f"{path} is not packed with bgzip, and a packed copy cannot be written into "
            f"{copy.parent}: {error}. Pack it: bgzip {path} - or set EUGENE_CACHE_DIR to a folder "
            "that can be written."
        )
        raise VariantError(msg) from error
