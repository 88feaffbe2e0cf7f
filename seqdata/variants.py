"""Windows around variants: the reference allele and the alternate allele, same length."""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from seqdata._windows import make_windows
from seqdata.errors import LengthError, SchemaError, VariantError, did_you_mean, require_file
from seqdata.readers._base import locate
from seqdata.readers._gzip import open_unpacked
from seqdata.readers.fasta import GenomeFASTA

if TYPE_CHECKING:
    from numpy.typing import NDArray


class VariantWindows(NamedTuple):
    """Windows of both alleles of each variant.

    Parameters
    ----------
    reference, alternate : ndarray of S1, shape (n, length)
        The allele begins at ``length // 2`` in both; bases off the contig are N.
    table : DataFrame
        One row a pair: ``chrom``, ``pos`` (1-based), ``id``, ``ref``, ``alt``, ``start``, ``end``
        (bp, bounds of the reference window), ``matches`` (whether the genome has ``ref`` there).
    """

    reference: NDArray[np.bytes_]
    alternate: NDArray[np.bytes_]
    table: pd.DataFrame


def variant_windows(
    fasta: str | Path | GenomeFASTA,
    variants: str | Path | pd.DataFrame,
    length: int,
    *,
    on_mismatch: Literal["error", "warn", "drop"] = "error",
) -> VariantWindows:
    r"""Cut windows with the reference and with the alternate allele out of a genome.

    Both windows begin at ``pos - 1 - length // 2``. In the alternate one the alternate allele
    stands in the place of the reference allele; behind a deletion further bases of the genome
    follow, behind an insertion as many fall off, so that both have the same length.

    Parameters
    ----------
    fasta : str, Path or GenomeFASTA
        FASTA file of the contigs.
    variants : path or DataFrame
        VCF file (``.gz`` too), or a table with ``chrom``, ``pos`` (1-based), ``ref``, ``alt`` and
        perhaps ``id``. Several alternate alleles (``A,T``) give one pair each.
    length : int
        Length of the windows in bp.
    on_mismatch : {"error", "warn", "drop"}, default "error"
        What to do where the genome does not hold the reference allele: raise, write the
        reference allele in all the same, or leave the variant out.

    Returns
    -------
    VariantWindows

    Raises
    ------
    VariantError
        If a line is no variant, an allele is symbolic, or the genome differs from it.
    ContigError
        If a variant lies on a contig that the FASTA file does not have.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = Path(folder) / "g.fa"
    ...     _ = fasta.write_text(">c\nAACCGGTT\n")
    ...     table = pd.DataFrame({"chrom": ["c"], "pos": [4], "ref": ["C"], "alt": ["TT"]})
    ...     out = variant_windows(fasta, table, 4)
    >>> out.reference.tobytes().decode(), out.alternate.tobytes().decode()
    ('ACCG', 'ACTT')
    """
    if isinstance(length, bool) or int(length) != length or length < 1:
        msg = f"length must be a whole number of bp, 1 or more, got {length!r}."
        raise LengthError(msg)
    if on_mismatch not in ("error", "warn", "drop"):
        msg = f"on_mismatch must be 'error', 'warn' or 'drop', got {on_mismatch!r}."
        raise SchemaError(msg)
    table, where = as_variants(variants)
    genome = fasta if isinstance(fasta, GenomeFASTA) else GenomeFASTA("seq", fasta)
    try:
        return _cut(genome, table, where, int(length), on_mismatch)
    finally:
        if genome is not fasta:
            genome.close()


def as_variants(variants: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return variants as a table with one alternate allele a row.

    Parameters
    ----------
    variants : path or DataFrame
        As :func:`variant_windows` takes them.

    Returns
    -------
    table : DataFrame
        ``chrom``, ``pos`` (1-based), ``id``, ``ref``, ``alt`` (upper case), ``line``.
    where : str
        What to call the source in messages.

    Raises
    ------
    VariantError
        If a row is no variant with explicit alleles, or there is none.
    """
    if isinstance(variants, (str, Path)):
        table, where = _read_vcf(require_file(variants, "VCF")), str(variants)
    else:
        where = "variants"
        known = [str(name) for name in variants.columns]
        lower = variants.rename(columns={name: str(name).lstrip("#").lower() for name in known})
        for name in ("chrom", "pos", "ref", "alt"):
            if name not in lower.columns:
                msg = f"The table of variants has no column {name!r}.{did_you_mean(name, known)}"
                raise VariantError(msg)
        table = pd.DataFrame({name: lower[name] for name in ("chrom", "pos", "ref", "alt")})
        table["id"] = lower["id"].astype(str) if "id" in lower.columns else "."
        table["line"] = np.arange(len(table))
    if not len(table):
        msg = f"{where} holds no variant."
        raise VariantError(msg)
    label = "row" if where == "variants" else "line"
    rows = []
    for row in table.itertuples(index=False):
        place = f"{where}, {label} {row.line}"
        position = _position(row.pos, place)
        reference = _allele(row.ref, place, "ref")
        for alternate in row.alt.split(",") if isinstance(row.alt, str) else [row.alt]:
            allele = _allele(alternate, place, "alt")
            rows.append((str(row.chrom), position, str(row.id), reference, allele, row.line))
    columns = ["chrom", "pos", "id", "ref", "alt", "line"]
    return pd.DataFrame(rows, columns=columns), where


def _position(value: Any, place: str) -> int:
    try:
        position = int(value)
        if position < 1 or position != float(value):
            raise ValueError
    except (TypeError, ValueError):
        msg = f"{place}: pos is {value!r}, expected a whole number, 1 or more (1-based)."
        raise VariantError(msg) from None
    return position


def _allele(value: Any, place: str, column: str) -> str:
    # a missing value would read as the letters N, A, N
    text = value.upper() if isinstance(value, str) else ""
    if not text or set(text) - set("ACGTN"):
        msg = (
            f"{place}: {column} is {str(value)!r}, expected letters A, C, G, T or N. Leave out "
            "symbolic alleles (<DEL>, *, breakends), or write them out."
        )
        raise VariantError(msg)
    return text


def _read_vcf(path: Path) -> pd.DataFrame:
    rows = []
    number = 0
    try:
        with open_unpacked(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as text:
            for number, line in enumerate(text, start=1):
                if line.startswith("#") or not line.strip():
                    continue
                fields = line.rstrip("\r\n").split("\t", 5)
                if len(fields) < 5:
                    msg = (
                        f"{path}, line {number}: expected at least 5 fields separated by tabs "
                        f"(CHROM POS ID REF ALT), got {len(fields)}."
                    )
                    raise VariantError(msg)
                rows.append((*fields[:5], number))
    except UnicodeDecodeError as error:
        msg = f"{path}, after line {number}: not UTF-8 text ({error.reason}). Is it a VCF file?"
        raise VariantError(msg) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path}, after line {number}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error
    return pd.DataFrame(rows, columns=["chrom", "pos", "id", "ref", "alt", "line"])


def _cut(
    genome: GenomeFASTA, table: pd.DataFrame, where: str, length: int, on_mismatch: str
) -> VariantWindows:
    before = length // 2
    position = table["pos"].to_numpy(dtype=np.int64) - 1
    ref_size = table["ref"].str.len().to_numpy(dtype=np.int64)
    alt_size = table["alt"].str.len().to_numpy(dtype=np.int64)
    start = position - before
    # enough of the genome to fill the window behind a deletion, and to check the whole allele
    reach = before + np.maximum(length - before - alt_size, 0) + ref_size
    windows = make_windows(table, start, start + np.maximum(reach, length))
    locate(windows, genome.contigs(), str(genome.path), regions=where)
    width = int(windows.lengths.max())
    letters = genome.read(windows, width)
    reference = letters[:, :length].copy()
    alternate = np.zeros_like(reference)
    matches = np.ones(len(table), dtype=np.bool_)
    for row in range(len(table)):
        ref = np.frombuffer(table["ref"][row].encode(), dtype=np.uint8)
        alt = np.frombuffer(table["alt"][row].encode(), dtype=np.uint8)
        found = letters[row, before : before + len(ref)]
        upper = np.char.upper(found.view("S1")).view(np.uint8)
        matches[row] = bool(((upper == ref) | (ref == ord("N"))).all())
        if not matches[row] and on_mismatch == "error":
            label = "row" if where == "variants" else "line"
            msg = (
                f"{where}, {label} {table['line'][row]}: the genome has "
                f"{upper.tobytes().decode()!r} at {table['chrom'][row]}:{table['pos'][row]}, the "
                f"variant says {table['ref'][row]!r}. Is it of another assembly, or are the "
                "alleles swapped? on_mismatch='warn' writes the allele in, 'drop' leaves it out."
            )
            raise VariantError(msg)
        if not matches[row]:
            reference[row, before:] = _fill(ref, letters[row, before + len(ref) :], length - before)
        behind = letters[row, before + len(ref) : int(windows.lengths[row])]
        alternate[row, :before] = letters[row, :before]
        alternate[row, before:] = _fill(alt, behind, length - before)
    out = table.assign(start=start, end=start + length, matches=matches).drop(columns="line")
    wrong = int((~matches).sum())
    if wrong and on_mismatch == "drop":
        reference, alternate = reference[matches], alternate[matches]
        out = out[matches].reset_index(drop=True)
    elif wrong:
        warnings.warn(
            f"The genome differs from the reference allele of {wrong} of {len(table)} variants; "
            "their alleles were written into both windows.",
            UserWarning,
            stacklevel=3,
        )
    return VariantWindows(reference.view("S1"), alternate.view("S1"), out)


def _fill(allele: NDArray[np.uint8], behind: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return np.concatenate([allele, behind])[:size]
