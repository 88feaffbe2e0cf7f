"""Windows around variants: the reference allele and the alternate allele, same length."""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import LengthError, SchemaError, VariantError, did_you_mean, require_file
from seqdata.readers._alleles import holds, is_symbolic, resolved, shared_prefix
from seqdata.readers._contigs import locate
from seqdata.readers._gzip import open_unpacked
from seqdata.readers._vcf_lines import VcfHeader
from seqdata.readers.fasta import GenomeFASTA
from seqdata.windows._regions import make_windows
from seqpro.alphabets import IUPAC

if TYPE_CHECKING:
    from numpy.typing import NDArray

Align = Literal["left", "right"]
OnMismatch = Literal["error", "warn", "skip", "drop"]
OnSymbolic = Literal["skip", "error"]

MISMATCH_CHOICES = ("error", "warn", "skip", "drop")
"""What may be done with variants whose reference allele the genome does not hold."""

SYMBOLIC_CHOICES = ("skip", "error")
"""What may be done with alternate alleles that have no letters."""

_REF_LETTERS = frozenset(IUPAC)
_BYTES_TOGETHER = 1 << 25
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


class VariantWindows(NamedTuple):
    """Windows of both alleles of each variant.

    Parameters
    ----------
    reference, alternate : ndarray of S1, shape (n, length)
        What the alleles do not share begins at ``length // 2``; bases off the contig are N. With
        ``align="mean"`` ``alternate`` has shape (n, 2, length): left aligned, right aligned.
    table : DataFrame
        One row a pair: ``chrom``, ``pos`` (1-based), ``id``, ``ref``, ``alt``, ``start``, ``end``
        (bp, bounds of the reference window), ``matches`` (whether the genome has ``ref`` there),
        ``genome`` (what it has there). Its ``attrs`` count ``n_variants``, ``n_mismatches``,
        ``n_dropped`` and, where there were alleles without letters, ``n_symbolic``.
    """

    reference: NDArray[np.bytes_]
    alternate: NDArray[np.bytes_]
    table: pd.DataFrame


def variant_windows(
    fasta: str | Path | GenomeFASTA,
    variants: str | Path | pd.DataFrame,
    length: int,
    *,
    align: Literal["left", "right", "mean"] = "left",
    on_mismatch: OnMismatch = "error",
    on_symbolic: OnSymbolic = "skip",
) -> VariantWindows:
    r"""Cut windows with the reference and with the alternate allele out of a genome.

    Letters that both alleles begin with are no part of the variant: the first base behind them
    stands at ``length // 2`` in both windows. In the alternate one the alternate allele stands in
    the place of the reference allele, and the genome goes on around it: behind a deletion further
    bases follow, behind an insertion as many fall off, so that both have the same length.

    Parameters
    ----------
    fasta : str, Path or GenomeFASTA
        FASTA file of the contigs.
    variants : path or DataFrame
        VCF file, or a table with ``chrom``, ``pos`` (1-based), ``ref``, ``alt`` and perhaps
        ``id``: in memory, or a CSV or TSV file (all ``.gz`` too). Several alternate alleles
        (``A,T``) give one pair each.
    length : int
        Length of the windows in bp.
    align : {"left", "right", "mean"}, default "left"
        Which end of the windows an insertion or deletion leaves in place. ``"left"`` is as told
        above. With ``"right"`` both windows end at the same base of the genome, and the alternate
        one gains or loses bases at its beginning. ``"mean"`` gives both, so that the outputs of a
        model can be averaged over them.
    on_mismatch : {"error", "warn", "skip"}, default "error"
        What to do where the genome does not hold the reference allele: raise, write the
        reference allele in all the same, or leave the variant out (``"drop"`` means that too).
        Ambiguity codes (IUPAC) in the allele or the genome agree with each of their letters.
    on_symbolic : {"skip", "error"}, default "skip"
        What to do with alternate alleles that have no letters (``<DEL>``, ``<NON_REF>``, ``.``,
        ``*``, breakends): leave them out, with a warning that counts them, or raise.

    Returns
    -------
    VariantWindows

    Raises
    ------
    VariantError
        If a line is no variant, or the genome differs from it.
    ContigError
        If a variant lies on a contig that the FASTA file does not have.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fasta = Path(folder) / "g.fa"
    ...     _ = fasta.write_text(">c\nAACCGGTT\n")
    ...     table = pd.DataFrame({"chrom": ["c"], "pos": [4], "ref": ["C"], "alt": ["CTT"]})
    ...     left = variant_windows(fasta, table, 4)
    ...     right = variant_windows(fasta, table, 4, align="right")
    >>> left.reference.tobytes().decode(), left.alternate.tobytes().decode()
    ('CCGG', 'CCTT')
    >>> right.reference.tobytes().decode(), right.alternate.tobytes().decode()
    ('CCGG', 'TTGG')
    """
    if isinstance(length, bool) or int(length) != length or length < 1:
        raise LengthError(f"length must be a whole number of bp, 1 or more, got {length!r}.")
    for name, value, choices in (
        ("align", align, ("left", "right", "mean")),
        ("on_mismatch", on_mismatch, MISMATCH_CHOICES),
        ("on_symbolic", on_symbolic, SYMBOLIC_CHOICES),
    ):
        if value not in choices:
            raise SchemaError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}.")
    table, where = as_variants(variants, on_symbolic=on_symbolic)
    genome = fasta if isinstance(fasta, GenomeFASTA) else GenomeFASTA("seq", fasta)
    try:
        first: Align = "right" if align == "right" else "left"
        windows = cut_windows(genome, table, int(length), align=first, where=where)
        alternate = windows.alternate
        if align == "mean":
            other = cut_windows(genome, table, int(length), align="right", where=where)
            alternate = np.stack([alternate, other.alternate], axis=1)
    finally:
        if genome is not fasta:
            genome.close()
    kept = settle_mismatches(windows.table, where, on_mismatch)
    counts = {**mismatch_counts(windows.table, kept), **table.attrs}
    out = windows.table.drop(columns="line")
    out.attrs.update(counts)
    if kept.all():
        return VariantWindows(windows.reference, alternate, out)
    out = out[kept].reset_index(drop=True)
    return VariantWindows(windows.reference[kept], alternate[kept], out)


def as_variants(
    variants: str | Path | pd.DataFrame, *, on_symbolic: OnSymbolic = "skip"
) -> tuple[pd.DataFrame, str]:
    """Return variants as a table with one alternate allele a row.

    Parameters
    ----------
    variants : path or DataFrame
        As :func:`variant_windows` takes them.
    on_symbolic : {"skip", "error"}, default "skip"
        As :func:`variant_windows` takes it.

    Returns
    -------
    table : DataFrame
        ``chrom``, ``pos`` (1-based), ``id``, ``ref``, ``alt`` (upper case), ``line``; its attrs
        count ``n_symbolic``, the alleles without letters that were left out, if any were.
    where : str
        What to call the source in messages.

    Raises
    ------
    VariantError
        If a row is no variant, or there is none with letters.
    """
    path = Path(variants) if isinstance(variants, (str, Path)) else None
    where = "variants" if path is None else str(path)
    suffix = "" if path is None else path.name.lower().removesuffix(".gz")[-4:]
    if path is not None and suffix not in _SEPARATORS:
        table = _read_vcf(require_file(path, "VCF"))
    else:
        first = 0
        if not isinstance(variants, pd.DataFrame):
            first = 2
            file = require_file(variants, "variants")
            try:
                variants = pd.read_csv(
                    file, sep=_SEPARATORS[suffix], dtype=str, keep_default_na=False
                )
            except (ValueError, EOFError) as error:  # pandas' own and undecodable bytes as well
                msg = f"{where} cannot be read as a table of variants: {error}"
                raise VariantError(msg) from error
        known = [str(name) for name in variants.columns]
        lower = variants.rename(columns={name: str(name).lstrip("#").lower() for name in known})
        for name in ("chrom", "pos", "ref", "alt"):
            if name not in lower.columns:
                msg = f"The table of {where} has no column {name!r}.{did_you_mean(name, known)}"
                raise VariantError(msg)
        table = pd.DataFrame({name: lower[name] for name in ("chrom", "pos", "ref", "alt")})
        table["id"] = lower["id"].astype(str) if "id" in lower.columns else "."
        table["line"] = np.arange(first, first + len(table))
    if not len(table):
        raise VariantError(f"{where} holds no variant.")
    label = "row" if where == "variants" else "line"
    rows = []
    left: list[str] = []
    for row in table.itertuples(index=False):
        place = f"{where}, {label} {row.line}"
        position = _position(row.pos, place)
        reference = _allele(row.ref, place, "ref")
        for alternate in row.alt.split(",") if isinstance(row.alt, str) else [row.alt]:
            if isinstance(alternate, str) and is_symbolic(alternate):
                if on_symbolic == "error":
                    raise VariantError(
                        f"{place}: alt is {alternate!r}, an allele without letters. "
                        "on_symbolic='skip' leaves such alleles out."
                    )
                left.append(f"{label} {row.line}: {alternate!r}")
                continue
            allele = _allele(alternate, place, "alt")
            rows.append((str(row.chrom), position, str(row.id), reference, allele, row.line))
    if left and not rows:
        raise VariantError(
            f"{where} holds no variant with letters: {left[0].replace(': ', ': alt is ', 1)}, and "
            f"so for all {len(left)} alternate alleles, which are symbolic or none."
        )
    if left:
        tell(f"{where}: {len(left)} alleles without letters were left out (first: {left[0]}).")
    columns = ["chrom", "pos", "id", "ref", "alt", "line"]
    result = pd.DataFrame(rows, columns=columns)
    result.attrs.update({"n_symbolic": len(left)} if left else {})
    return result, where


def _position(value: Any, place: str) -> int:
    try:
        position = int(value)
        if position < 1 or position != float(value):
            raise ValueError
    except (TypeError, ValueError):
        msg = f"{place}: pos is {value!r}, expected a whole number, 1 or more (1-based)."
        raise VariantError(msg) from None
    return position


def _allele(value: object, place: str, column: str) -> str:
    # a missing value would read as the letters N, A, N
    text = value.upper() if isinstance(value, str) else ""
    known = _REF_LETTERS if column == "ref" else set("ACGTN")
    if not text or set(text) - known:
        more = ", or an ambiguity code (IUPAC)" if column == "ref" else ""
        msg = f"{place}: {column} is {str(value)!r}, expected letters A, C, G, T or N{more}."
        raise VariantError(msg)
    return text


def _read_vcf(path: Path) -> pd.DataFrame:
    rows = []
    number = 0
    header = VcfHeader()
    try:
        with open_unpacked(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as text:
            for number, line in enumerate(text, start=1):
                if line.startswith("#"):
                    header.add(line)
                if line.startswith("#") or not line.strip():
                    continue
                line = line.rstrip("\r\n")
                if fault := header.fault(line):
                    raise VariantError(f"{path}, line {number}: {fault}")
                fields = line.split("\t", 5)
                rows.append((*fields[:5], number))
    except UnicodeDecodeError as error:
        msg = f"{path}, after line {number}: not UTF-8 text ({error.reason}). Is it a VCF file?"
        raise VariantError(msg) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path}, after line {number}: damaged gzip file ({error}). Fetch or pack it again."
        raise VariantError(msg) from error
    return pd.DataFrame(rows, columns=["chrom", "pos", "id", "ref", "alt", "line"])


def cut_windows(
    genome: GenomeFASTA,
    table: pd.DataFrame,
    length: int,
    *,
    align: Align = "left",
    where: str = "variants",
) -> VariantWindows:
    """Cut the windows of checked variants; reference alleles are written in where they differ.

    Parameters
    ----------
    genome : GenomeFASTA
        The contigs.
    table : DataFrame
        As :func:`as_variants` returns it, or rows of it.
    length : int
        Length of the windows in bp.
    align : {"left", "right"}, default "left"
        As :func:`variant_windows` takes it.
    where : str, default "variants"
        What to call the source in messages.

    Returns
    -------
    VariantWindows
        One pair a row; its table has the columns of ``table`` too.
    """
    table = table.reset_index(drop=True)
    refs = [text.encode() for text in table["ref"]]
    alts = [text.encode() for text in table["alt"]]
    shared = np.array(
        [shared_prefix(*pair) for pair in zip(refs, alts, strict=True)], dtype=np.int64
    )
    allele = table["pos"].to_numpy(dtype=np.int64) - 1
    size = np.array([len(ref) for ref in refs], dtype=np.int64)
    longer = np.array([len(alt) for alt in alts], dtype=np.int64) - size
    start = allele + shared - length // 2
    moved = longer if align == "right" else np.zeros_like(longer)
    # what either window reaches of the genome, and the whole reference allele
    low = np.minimum(np.minimum(start, start + moved), allele)
    high = np.maximum(start + length + np.maximum(moved - longer, 0), allele + size)
    reference = np.empty((len(table), length), dtype=np.uint8)
    alternate = np.empty_like(reference)
    held = [""] * len(table)
    given = table["ref"].tolist()
    for rows in _blocks(high - low):
        part = make_windows(table.iloc[rows], low[rows], high[rows])
        locate(part, genome.contigs(), str(genome.path), regions=where)
        letters = genome.read(part, int(part.lengths.max()))
        for row, line in zip(rows.tolist(), letters, strict=True):
            ref, alt = refs[row], alts[row]
            text = line[: high[row] - low[row]].tobytes()
            at = int(allele[row] - low[row])
            before, found, behind = text[:at], text[at : at + len(ref)], text[at + len(ref) :]
            held[row] = found.upper().decode()
            if not holds(held[row], given[row]):
                found = ref
            elif set(held[row]) - set("ACGT"):
                found = resolved(held[row], given[row]).encode()
            begin, other = int(start[row] - low[row]), int(start[row] + moved[row] - low[row])
            whole = before + found + behind
            changed = before + found[: shared[row]] + alt[shared[row] :] + behind
            reference[row] = np.frombuffer(whole[begin : begin + length], dtype=np.uint8)
            alternate[row] = np.frombuffer(changed[other : other + length], dtype=np.uint8)
    matches = np.array([holds(a, b) for a, b in zip(held, given, strict=True)], dtype=np.bool_)
    out = table.assign(start=start, end=start + length, matches=matches, genome=held)
    return VariantWindows(reference.view("S1"), alternate.view("S1"), out)


def settle_mismatches(
    table: pd.DataFrame, where: str, on_mismatch: str, *, stacklevel: int = 3
) -> NDArray[np.bool_]:
    """Raise, warn or leave out where the genome does not hold the reference allele.

    Parameters
    ----------
    table : DataFrame
        Of :func:`cut_windows`.
    where : str
        What to call the source in messages.
    on_mismatch : {"error", "warn", "skip", "drop"}
        As :func:`variant_windows` takes it.
    stacklevel : int, default 3
        Whose line a warning names.

    Returns
    -------
    ndarray of bool, shape (n,)
        The variants to keep.

    Raises
    ------
    VariantError
        If there is such a variant and ``on_mismatch`` is ``"error"``.
    """
    matches: NDArray[np.bool_] = table["matches"].to_numpy(dtype=np.bool_)
    wrong = table[~matches]
    if not len(wrong):
        return matches
    if on_mismatch in ("skip", "drop"):
        return matches
    count = f"{len(wrong)} of {len(table)} variants"
    if on_mismatch == "warn":
        warnings.warn(
            f"The genome differs from the reference allele of {count}; their alleles were written "
            "into both windows.",
            UserWarning,
            stacklevel=stacklevel,
        )
        return np.ones_like(matches)
    first = wrong.iloc[0]
    label = "row" if where == "variants" else "line"
    swapped = int((wrong["genome"] == wrong["alt"]).sum())
    raise VariantError(
        f"{where}, {label} {first['line']}: the genome has {first['genome']!r} at "
        f"{first['chrom']}:{first['pos']}, the variant says {first['ref']!r}; so for {count}, "
        f"{swapped} of which have their alternate allele there. Is it of another assembly, or are "
        "the alleles swapped? on_mismatch='warn' writes the allele in, 'skip' leaves it out."
    )


def mismatch_counts(table: pd.DataFrame, kept: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many variants there are, how many do not fit the genome, how many were left out.

    Parameters
    ----------
    table : DataFrame
        Of :func:`cut_windows`.
    kept : ndarray of bool, shape (n,)
        Of :func:`settle_mismatches`.

    Returns
    -------
    dict of str to int
        ``n_variants``, ``n_mismatches``, ``n_dropped``.
    """
    return {
        "n_variants": len(table),
        "n_mismatches": int((~table["matches"]).sum()),
        "n_dropped": int((~kept).sum()),
    }


def _blocks(widths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield rows to read together: long alleles apart from short ones."""
    order = np.argsort(widths, kind="stable")
    while len(order):
        size = np.arange(1, len(order) + 1) * widths[order]
        count = max(1, int(np.searchsorted(size, _BYTES_TOGETHER, side="right")))
        yield order[:count]
        order = order[count:]
