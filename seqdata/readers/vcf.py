"""VCF and BCF files: the haplotypes of samples over windows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import numpy as np

from seqdata.errors import (
    ContigError,
    SchemaError,
    SeqdataError,
    VariantError,
    contig_alias,
    contig_hint,
    did_you_mean,
    require_file,
)
from seqdata.readers._alleles import holds
from seqdata.readers._base import RegionReader, Track, Windows
from seqdata.readers._contigs import locate
from seqdata.readers._haplotype_kernels import lay_haplotypes
from seqdata.readers._letter_check import OnUnknown
from seqdata.readers._turns import in_turn
from seqdata.readers._vcf_file import Calls, Edits, VariantFile
from seqdata.readers.fasta import GenomeFASTA
from seqdata.schema import wild_letter
from seqpro.family import old_call
from seqpro.keywords import check_keywords, keywords

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.schema import AlphabetLike

# windows that touch are read together up to so many bp
_SPAN = 1 << 16
_REASONS = {
    "mismatch": "records whose REF the genome does not hold were left out",
    "symbolic": "records with carried alleles without letters (such as <DEL>) were left out there",
    "overlapping": "records were left out of haplotypes whose bases another one had changed",
    "unphased": "records have heterozygous calls without phase, taken in the order written",
}


class _Accepted(TypedDict, total=False):
    """Arguments of SeqData that change nothing here."""

    batch_size: int | None
    n_threads: int
    samples_per_chunk: int


_ACCEPTED: _Accepted = {"batch_size": None, "n_threads": 1, "samples_per_chunk": 10}


class VCF(RegionReader):
    r"""Write the variants of samples into the genome: one sequence a region, sample and haplotype.

    A haplotype is the genome with the sample's alleles in place of the reference alleles. The
    rules are those of ``bcftools consensus``, stated here:

    - **Alleles.** SNVs, MNVs, insertions, deletions and several alternate alleles in one record.
      Letters that REF and ALT begin with are no part of the variant. ``*`` changes nothing (its
      deletion has a record of its own). Alleles without letters (``<DEL>``, breakends) are left
      out and counted, or an error (``on_symbolic``).
    - **Overlap.** Within one haplotype the variant that begins first is written (in the order of
      the file where two begin together); another one that would change a base of it, or insert
      at the same place, is left out and counted.
    - **Genotypes.** ``1|0``: the first number is haplotype 0. Heterozygous calls without phase
      (``1/0``) are taken in the order written and counted, or an error (``on_unphased``). A
      missing allele is the reference, or N over the bases of REF (``on_missing="n"``). A haploid
      call (``1``) stands on all haplotypes.
    - **Windows.** A haplotype begins at the reference base where the window begins (behind a
      deletion that covers it) and keeps the length of the window: after a net deletion bases of
      the right flank follow, with their variants, and after a net insertion the end is cut. Up to
      its first indel, position ``i`` is reference base ``start + i``; behind it, ``start + i``
      less the bases inserted plus those deleted. An insertion belongs to the base before it.
    - **Splice.** Exons take no bases of introns. The joined row is cut at its 3' end after a net
      insertion, and filled with N there after a net deletion.

    Regions on the "-" strand are reverse-complemented afterwards by the build.

    Parameters
    ----------
    name : str
        Name of the sequence variable.
    vcf : str or Path
        VCF or BCF file. A bgzip or BCF file is indexed (``.csi``, ``.tbi``) beside it or, where
        that cannot be written, in the cache directory; a plain or gzip file is packed there first.
    fasta : str, Path or GenomeFASTA
        FASTA file of the contigs, plain or bgzip.
    samples : str or sequence of str, optional
        Samples in the order wanted; by default all of the file.
    batch_size : int, optional
        Accepted for compatibility; windows are read a shard at a time.
    n_threads : int, default 1
        Accepted for compatibility; one thread reads.
    samples_per_chunk : int, default 10
        Accepted for compatibility; shards hold all samples.
    alphabet : NucleotideAlphabet or str, default "DNA"
        Letters of the sequences.
    sample_dim, haplotype_dim : str, optional
        Dimension names, by default ``{name}_sample`` and ``{name}_haplotype``.
    ploidy : int, default 2
        Haplotypes a sample.
    on_mismatch : {"error", "skip"}, default "error"
        What to do with a record whose REF the genome does not hold: raise, or leave it out and
        count it.
    on_symbolic, on_unphased : {"skip", "error"} and {"take", "error"}
        See above.
    on_missing : {"reference", "n"}, default "reference"
        See above.
    on_unknown : {"error", "warn", "n"}, default "error"
        What to do with a letter of the genome that the alphabet does not know.

    Attributes
    ----------
    counts : dict of str to int
        Records so far that were left out or taken with doubt: ``mismatch``, ``symbolic``,
        ``overlapping``, ``unphased``. :meth:`close` warns of them.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    VariantError
        If the VCF file is damaged, not sorted, has no header or no samples.
    SchemaError
        If a sample is not in the file, or an argument is none of its choices.

    Examples
    --------
    >>> import tempfile, pandas as pd, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> fasta, vcf = Path(folder.name) / "g.fa", Path(folder.name) / "v.vcf"
    >>> _ = fasta.write_text(">c\nAACCGGTTAC\n")
    >>> head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ttom\n"
    >>> _ = vcf.write_text(head + "c\t3\t.\tC\tT\t.\t.\t.\tGT\t0|1\n"
    ...                           "c\t4\t.\tCG\tC\t.\t.\t.\tGT\t1|0\n")
    >>> bed = pd.DataFrame({"chrom": ["c"], "chromStart": [1], "chromEnd": [7]})
    >>> ds = sd.from_region_files(sd.VCF("hap", vcf, fasta), path=f"{folder.name}/x.zarr",
    ...                           bed=bed, fixed_length=True)
    >>> ds["hap"].dims
    ('_sequence', 'hap_sample', 'hap_haplotype', '_length')
    >>> [b"".join(row).decode() for row in ds["hap"].values[0, 0]]
    ['ACCGTT', 'ATCGGT']
    >>> folder.cleanup()
    """

    @old_call("seqdata.VCF", error=SeqdataError)
    @keywords(_ACCEPTED)
    def __init__(
        self,
        name: str,
        vcf: str | Path,
        fasta: str | Path | GenomeFASTA,
        samples: str | Sequence[str] | None = None,
        *,
        alphabet: AlphabetLike | None = "DNA",
        sample_dim: str | None = None,
        haplotype_dim: str | None = None,
        ploidy: int = 2,
        on_mismatch: Literal["error", "skip"] = "error",
        on_symbolic: Literal["skip", "error"] = "skip",
        on_unphased: Literal["take", "error"] = "take",
        on_missing: Literal["reference", "n"] = "reference",
        on_unknown: OnUnknown = "error",
        **accepted: Unpack[_Accepted],
    ) -> None:
        check_keywords(accepted, _ACCEPTED)
        for option, value, choices in (
            ("on_mismatch", on_mismatch, ("error", "skip")),
            ("on_symbolic", on_symbolic, ("skip", "error")),
            ("on_unphased", on_unphased, ("take", "error")),
            ("on_missing", on_missing, ("reference", "n")),
        ):
            if value not in choices:
                msg = f"{option} must be {' or '.join(map(repr, choices))}, got {value!r}."
                raise SchemaError(msg)
        if isinstance(ploidy, bool) or int(ploidy) != ploidy or ploidy < 1:
            msg = f"ploidy must be a whole number, 1 or more, got {ploidy!r}."
            raise SchemaError(msg)
        self.name = name
        self.path = require_file(vcf, "VCF")
        self.ploidy = int(ploidy)
        self.on_mismatch = on_mismatch
        self.on_symbolic = on_symbolic
        self.on_unphased = on_unphased
        self.on_missing = on_missing
        if isinstance(fasta, GenomeFASTA):
            self.genome = fasta
        else:
            self.genome = GenomeFASTA(name, fasta, alphabet=alphabet, on_unknown=on_unknown)
        self._file = VariantFile(self.path, self.ploidy)
        self.samples = _chosen(samples, self._file.names, self.path)
        self._file.choose(self.samples)
        self.sample_dim = sample_dim or f"{name}_sample"
        self.haplotype_dim = haplotype_dim or f"{name}_haplotype"
        self._seen: dict[str, set[str]] = {reason: set() for reason in _REASONS}
        self._contigs = frozenset(self._file.contigs())

    @property
    def counts(self) -> dict[str, int]:
        """Records that were left out or taken with doubt, by reason."""
        return {reason: len(places) for reason, places in self._seen.items()}

    def track(self) -> Track:
        """Return what the reader makes."""
        return Track(
            self.name,
            np.uint8,
            "sequence",
            alphabet=self.genome.check.letters,
            sample_dim=self.sample_dim,
            samples=tuple(self.samples),
            haplotype_dim=self.haplotype_dim,
            ploidy=self.ploidy,
        )

    def contigs(self) -> dict[str, int]:
        """Return the contigs of the genome and their lengths in bp."""
        return self.genome.contigs()

    def files(self) -> list[str]:
        """Return the files read."""
        return [str(self.path), *self.genome.files()]

    @in_turn
    def close(self) -> None:
        """Release the files, and warn of records that were left out or taken with doubt."""
        self._file.close()
        self.genome.close()
        told = [
            f"{len(self._seen[key])} {text}" for key, text in _REASONS.items() if self._seen[key]
        ]
        for places in self._seen.values():
            places.clear()
        if told:
            warnings.warn(f"{self.path}: {'; '.join(told)}.", UserWarning, stacklevel=2)

    @in_turn
    def read(self, windows: Windows, width: int) -> NDArray[np.uint8]:
        """Return the haplotypes of windows on the forward strand.

        Parameters
        ----------
        windows : Windows
        width : int
            Columns of the result, at least the longest window.

        Returns
        -------
        ndarray of uint8, shape (n, n_samples, ploidy, width)
            ASCII; N off the contig, 0 (NUL) behind a window shorter than ``width``.

        Raises
        ------
        VariantError
            If a record is damaged or does not fit the genome.
        """
        self._check_contigs(windows)
        out = np.zeros((len(windows), len(self.samples), self.ploidy, width), dtype=np.uint8)
        for contig, rows in _spans(windows):
            start, end = int(windows.start[rows].min()), int(windows.end[rows].max())
            stretch = self._stretch(contig, start, end, flank=True)
            for row in rows.tolist():
                length = int(windows.lengths[row])
                filled = np.zeros(out.shape[1:3], dtype=np.int64)
                stretch.write(int(windows.start[row]), None, filled, out[row, :, :, :length])
            self._note(stretch)
        return out

    @in_turn
    def read_joined(
        self, windows: Windows, row_of: NDArray[np.int64], width: int
    ) -> NDArray[np.uint8]:
        """Return the haplotypes of rows that are made of several windows (exons).

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
        ndarray of uint8, shape (n_rows, n_samples, ploidy, width)
            Forward strand; a row is cut or filled with N at its 3' end, which for windows on the
            "-" strand is the left one. 0 (NUL) behind a row shorter than ``width``.
        """
        self._check_contigs(windows)
        samples, ploidy = len(self.samples), self.ploidy
        out = np.zeros((len(row_of) - 1, samples, ploidy, width), dtype=np.uint8)
        wild = wild_letter(self.genome.check.letters)
        for i in range(len(row_of) - 1):
            rows = range(int(row_of[i]), int(row_of[i + 1]))
            stretches = []
            for row in rows:
                contig = windows.names[int(windows.contig[row])]
                bounds = int(windows.start[row]), int(windows.end[row])
                stretches.append((self._stretch(contig, *bounds, flank=False), bounds))
            total = int(windows.lengths[rows.start : rows.stop].sum())
            room = total + sum(int(stretch.edits.alt_size.sum()) for stretch, _ in stretches)
            line = np.zeros((samples, ploidy, room), dtype=np.uint8)
            filled = np.zeros((samples, ploidy), dtype=np.int64)
            for stretch, (start, end) in stretches:
                stretch.write(start, end, filled, line)
                self._note(stretch)
            turned = len(rows) > 0 and windows.strand[rows.start] < 0
            out[i, :, :, :total] = wild
            for sample, haplotype in np.ndindex(samples, ploidy):
                size = int(filled[sample, haplotype])
                kept = min(size, total)
                text = (
                    line[sample, haplotype, size - kept : size]
                    if turned
                    else (line[sample, haplotype, :kept])
                )
                begin = total - kept if turned else 0
                out[i, sample, haplotype, begin : begin + kept] = text
        return out

    def _stretch(self, contig: str, start: int, end: int, *, flank: bool) -> _Stretch:
        """Read the variants and the letters of a stretch, with a right flank if need be."""
        calls = Calls()
        known = contig in self._contigs
        if known:
            self._file.read(contig, start, max(end, 1), calls)
        stop = end
        while flank and known:
            wanted = end + calls.longest_loss()
            if wanted <= stop:
                break
            self._file.read(contig, stop, wanted, calls, after=stop)
            stop = wanted
        ends = [at + len(ref) for at, ref in zip(calls.position, calls.ref, strict=True)]
        # a long <DEL> may begin far to the left, its letters do not matter here
        origin = min(
            [start, *(at for at, e in zip(calls.position, ends, strict=True) if e > start)]
        )
        letters = self._letters(contig, origin, max([stop, *ends]))
        kept = self._checked(calls, letters, origin, contig)
        return _Stretch(letters, origin, calls, kept, missing_as_n=self.on_missing == "n")

    def _letters(self, contig: str, start: int, stop: int) -> NDArray[np.uint8]:
        window = Windows(
            (contig,),
            np.zeros(1, dtype=np.int32),
            np.array([start], dtype=np.int64),
            np.array([stop], dtype=np.int64),
            np.zeros(1, dtype=np.int8),
        )
        letters: NDArray[np.uint8] = self.genome.read(window, stop - start)[0]
        return letters

    def _checked(
        self, calls: Calls, letters: NDArray[np.uint8], origin: int, contig: str
    ) -> NDArray[np.bool_]:
        """Say which records are used; raise where the options ask for it."""
        kept = np.ones(len(calls), dtype=np.bool_)
        text = letters.tobytes().upper()
        for i, (position, ref) in enumerate(zip(calls.position, calls.ref, strict=True)):
            at = position - origin
            found = text[at : at + len(ref)].decode("latin-1") if at >= 0 else ref
            kept[i] = at >= 0
            if not holds(found, ref):
                if self.on_mismatch == "error":
                    hint = " (the alternate allele)" if found in calls.alleles[i] else ""
                    msg = (
                        f"{calls.place[i]}: REF is {_short(ref)}, the genome has {_short(found)}"
                        f"{hint} at {contig}:{position + 1}. Is it of another assembly? "
                        "on_mismatch='skip' leaves such records out."
                    )
                    raise VariantError(msg)
                kept[i] = False
                self._seen["mismatch"].add(calls.place[i])
                continue
            if calls.symbolic[i]:
                if self.on_symbolic == "error":
                    msg = (
                        f"{calls.place[i]}: a sample has an allele without letters (such as <DEL> "
                        "or a breakend). on_symbolic='skip' leaves it out."
                    )
                    raise VariantError(msg)
                self._seen["symbolic"].add(calls.place[i])
            if calls.unphased[i]:
                if self.on_unphased == "error":
                    msg = (
                        f"{calls.place[i]}: {calls.unphased[i]} heterozygous calls have no phase "
                        "('/'). Phase the file, or pass on_unphased='take' for the order written."
                    )
                    raise VariantError(msg)
                self._seen["unphased"].add(calls.place[i])
        return kept

    def _note(self, stretch: _Stretch) -> None:
        for record in stretch.edits.record[stretch.passed_over].tolist():
            self._seen["overlapping"].add(stretch.calls.place[record])

    def _check_contigs(self, windows: Windows) -> None:
        """Raise where the regions and the VCF file name contigs in different ways."""
        locate(windows, self.contigs(), str(self.genome.path))
        used = {windows.names[int(i)] for i in np.unique(windows.contig)}
        for name in sorted(used - self._contigs):
            if contig_alias(name, self._contigs) is not None:
                hint = contig_hint(name, self._contigs)
                msg = f"{self.path} has no contig {name!r}, which regions name.{hint}"
                raise ContigError(msg)


class _Stretch:
    """Letters and variants of a stretch of the genome."""

    def __init__(
        self,
        letters: NDArray[np.uint8],
        origin: int,
        calls: Calls,
        kept: NDArray[np.bool_],
        *,
        missing_as_n: bool,
    ) -> None:
        self.letters = letters
        self.origin = origin
        self.calls = calls
        self.edits: Edits = calls.edits(kept, missing_as_n=missing_as_n)
        self.genotypes = (
            np.stack(calls.genotypes) if len(calls) else np.zeros((0, 1, 1), dtype=np.int16)
        )
        self.passed_over = np.zeros(len(self.edits.start), dtype=np.bool_)

    def write(
        self, start: int, stop: int | None, filled: NDArray[np.int64], out: NDArray[np.uint8]
    ) -> None:
        """Write the haplotypes from ``start`` on, to ``stop`` or as far as ``out`` is wide."""
        edits = self.edits
        end = self.origin + len(self.letters) if stop is None else stop
        lay_haplotypes(
            self.letters, self.origin, start, end, edits.start, edits.size, edits.alt_at,
            edits.alt_size, edits.alts, edits.record, edits.allele, self.genotypes, filled, out,
            self.passed_over,
        )  # fmt: skip


def _spans(windows: Windows) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield contigs with rows whose windows touch each other, to be read together."""
    order = np.lexsort((windows.end, windows.start, windows.contig))
    group: list[int] = []
    first = reach = 0
    for row in order.tolist():
        start, end = int(windows.start[row]), int(windows.end[row])
        joins = (
            group
            and windows.contig[row] == windows.contig[group[0]]
            and start <= reach
            and max(end, reach) - first <= _SPAN
        )
        if not joins:
            if group:
                yield windows.names[int(windows.contig[group[0]])], np.array(group)
            group, first, reach = [], start, end
        group.append(row)
        reach = max(reach, end)
    if group:
        yield windows.names[int(windows.contig[group[0]])], np.array(group)


def _chosen(samples: str | Sequence[str] | None, known: list[str], path: Path) -> list[str]:
    if samples is None:
        return list(known)
    names = [samples] if isinstance(samples, str) else [str(sample) for sample in samples]
    for name in names:
        if name not in known:
            msg = f"{path} has no sample {name!r}.{did_you_mean(name, known)}"
            raise SchemaError(msg)
    if not names or len(set(names)) != len(names):
        msg = f"samples must be names that differ, at least one, got {names}."
        raise SchemaError(msg)
    return names


def _short(allele: str) -> str:
    return repr(allele) if len(allele) <= 40 else f"{allele[:40]!r}... ({len(allele)} bp)"
