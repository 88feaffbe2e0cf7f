"""Small simulated files under the names of the real ones, for clones without the real data.

Written with NumPy, pysam and pyBigWig alone, so that nothing of the packages under test decides
what they hold. A file appears the first time somebody asks for its folder.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pysam

# fmt: off
YEAST = [f"chr{n}" for n in (
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV",
    "XVI",
)]
# fmt: on


def _text(rng: np.random.Generator, n: int, gc: float = 0.5) -> str:
    at, cg = (1 - gc) / 2, gc / 2
    letters = rng.choice(np.frombuffer(b"ACGT", np.uint8), n, p=[at, cg, cg, at])
    return letters.tobytes().decode()


def _wrapped(name: str, text: str, width: int = 60) -> str:
    return f">{name}\n" + "".join(text[i : i + width] + "\n" for i in range(0, len(text), width))


def _bgzip(path: Path, text: str) -> None:
    plain = path.with_suffix(".tmp")
    plain.write_text(text)
    pysam.tabix_compress(str(plain), str(path), force=True)
    plain.unlink()


def _bigwig(path: Path, depth: dict[str, np.ndarray]) -> None:
    """Write the values a base, runs of equal values as one entry, gaps where they are 0."""
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader([(name, len(values)) for name, values in depth.items()])
        for name, values in depth.items():
            edges = np.flatnonzero(np.diff(values)) + 1
            starts = np.concatenate([[0], edges])
            ends = np.concatenate([edges, [len(values)]])
            held = values[starts] != 0
            starts, ends = starts[held], ends[held]
            if len(starts):
                out.addEntries(
                    [name] * len(starts), starts.tolist(), ends=ends.tolist(),
                    values=values[starts].astype(float).tolist(),
                )  # fmt: skip


def promoters(folder: Path) -> None:
    """Tables of promoters of 170 bp in families of relatives, and a file of six motifs."""
    for tissue, seed in (("leaf", 0), ("proto", 1)):
        rng = np.random.default_rng(seed)
        rows = []
        for family in range(500):
            first = np.array(list(_text(rng, 170, rng.uniform(0.3, 0.6))))
            for member in range(1 + family % 5):
                letters = first.copy()
                places = rng.integers(0, 170, 2 * member)
                letters[places] = rng.choice(list("ACGT"), len(places))
                rows.append("".join(letters))
        order = rng.permutation(len(rows))
        table = pd.DataFrame({
            "sp": rng.choice(["At", "Sb", "Zm"], len(rows)),
            "gene": [f"GENE{i:05d}" for i in range(len(rows))],
            "sequence": [rows[i] for i in order],
            "enrichment": rng.normal(0, 2, len(rows)),
            "published_prediction": rng.normal(0, 2, len(rows)),
            "split_here": rng.choice(["train", "val"], len(rows), p=[0.8, 0.2]),
        })  # fmt: skip
        table.to_csv(folder / f"jores21_test_{tissue}_public75.tsv.gz", sep="\t", index=False)
    lines = ["MEME version 5\n\nALPHABET= ACGT\n\nstrands: + -\n"]
    lines.append("Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n")
    for name in ("TATA", "Inr", "TCT", "Ypatch", "BREu", "BREd"):
        lines.append(f"MOTIF {name} {name}\nletter-probability matrix: alength= 4 w= 8 nsites= 99")
        lines += [" ".join(f"{x:.6f}" for x in row) for row in rng.dirichlet([1] * 4, 8)]
        lines.append("")
    (folder / "CPEs.meme").write_text("\n".join(lines))


def yeast(folder: Path) -> None:
    """A genome of sixteen contigs, peaks, the fragments under them, cut sites and coverage."""
    rng = np.random.default_rng(2)
    sizes = {name: 24_000 + 6_000 * (i % 5) for i, name in enumerate(YEAST)}
    _bgzip(
        folder / "sacCer3.fa.gz",
        "".join(_wrapped(name, _text(rng, size, 0.38)) for name, size in sizes.items()),
    )
    pysam.faidx(str(folder / "sacCer3.fa.gz"))
    cuts = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
    depth = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
    peaks, fragments = [], []
    for name, size in sizes.items():
        summits = np.arange(1_500, size - 1_500, 2_600) + rng.integers(-300, 300)
        summits = np.concatenate([[200], summits])  # a window around the first leaves the contig
        for n, summit in enumerate(summits.tolist()):
            start, end = max(0, summit - 150 - n % 40), summit + 170 + n % 30
            peaks.append((name, start, end, f"peak_{len(peaks) + 1}", 100, ".", 0, 0, 0,
                          summit - start))  # fmt: skip
        near = rng.choice(summits, 900) + rng.normal(0, 60, 900).astype(int)
        middle = np.concatenate([near, rng.integers(0, size, 300)])
        half = rng.integers(15, 120, len(middle))
        start, end = np.clip(middle - half, 0, size), np.clip(middle + half, 0, size)
        start, end = start[end - start >= 10], end[end - start >= 10]
        order = np.lexsort((end, start))
        fragments += [(name, int(s), int(e)) for s, e in zip(start[order], end[order], strict=True)]
        np.add.at(cuts[name], start, 1)
        np.add.at(cuts[name], end - 1, 1)
        for s, e in zip(start, end, strict=True):
            depth[name][s:e] += 1
    _bigwig(folder / "ATAC_cutsites_both_ends.bw", cuts)
    _bigwig(folder / "ATAC_fragment_coverage.bw", depth)
    path = folder / "ATAC_SRR1822137_500k_fragments.bed.gz"
    _bgzip(path, "".join(f"{c}\t{s}\t{e}\n" for c, s, e in fragments))
    pysam.tabix_index(str(path), preset="bed", force=True)
    for file in ("ATAC_macs3_hmmratac.narrowPeak", "ATAC_macs3_callpeak_derived.narrowPeak"):
        (folder / file).write_text("".join("\t".join(map(str, row)) + "\n" for row in peaks))


def alignments(folder: Path) -> None:
    """A BAM of one contig with reads on both strands, and its depth as a BigWig."""
    rng, size = np.random.default_rng(3), 5_100_000
    starts = np.sort(np.concatenate([rng.integers(0, 5_000_000, 19_000),
                                     rng.integers(9_000, 12_000, 1_000)]))  # fmt: skip
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr2L", "LN": size}]}
    depth = np.zeros(size, np.float32)
    with pysam.AlignmentFile(str(folder / "x.bam"), "wb", header=header) as out:
        for i, start in enumerate(starts.tolist()):
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag = f"r{i}", 16 if rng.random() < 0.5 else 0
            read.reference_id, read.reference_start = 0, start
            read.mapping_quality = int(rng.integers(0, 40))
            read.cigarstring, read.query_sequence = "36M", "A" * 36
            out.write(read)
            depth[start : start + 36] += 1
    pysam.index(str(folder / "x.bam"))
    _bigwig(folder / "x.bigwig", {"chr2L": depth})


def variants(folder: Path) -> None:
    """A contig, eight variants on it, and the same with their alleles swapped."""
    rng = np.random.default_rng(4)
    text = _text(rng, 60_000)
    _bgzip(folder / "hg38_1m.fa.gz", _wrapped("chr1", text))
    pysam.faidx(str(folder / "hg38_1m.fa.gz"))
    places = np.arange(2_000, 58_000, 7_000) + rng.integers(0, 500, 8)
    pairs = [(p, text[p], "ACGT"["CGTA".index(text[p])]) for p in places.tolist()]
    for file, turn in (("eqtl.vcf", 1), ("eqtl_flip.vcf", -1)):
        rows = ["##fileformat=VCFv4.2"]
        for place, *alleles in pairs:
            rows.append(
                "\t".join(["chr1", str(place + 1), f"v{place}", *alleles[::turn], ".", "."])
            )
        (folder / file).write_text("\n".join(rows) + "\n")


def chromosome(folder: Path) -> None:
    """One contig of 300 kb, repeats in lower case."""
    rng = np.random.default_rng(5)
    text = np.array([_text(rng, 300) for _ in range(1000)])
    text[::7] = np.char.lower(text[::7])
    (folder / "chr22_32000000_32300000.fa").write_text(_wrapped("chr22", "".join(text)))


def peaks_of_chip(folder: Path) -> None:
    """Sequences of 100 bp in a gzipped FASTA, some letters in lower case."""
    rng = np.random.default_rng(6)
    rows = [f">chr1:{i}-{i + 100}\n{_text(rng, 30).lower()}{_text(rng, 70)}\n" for i in range(300)]
    (folder / "ctcf.fa.gz").write_bytes(gzip.compress("".join(rows).encode()))


def stranded(folder: Path) -> None:
    """Counts of both strands on one contig, and windows that lie where their strand has some."""
    rng, size = np.random.default_rng(7), 400_000
    tracks = {"pos": np.zeros(size, np.float32), "neg": np.zeros(size, np.float32)}
    rows = []
    for start in np.sort(rng.integers(1_000, size - 1_000, 2_000)).tolist():
        strand = "+" if rng.random() < 0.5 else "-"
        own = tracks["pos" if strand == "+" else "neg"]
        np.add.at(own, start + rng.integers(100, 200, 12), 1)
        rows.append((start, start + 300, strand))
    for strand, values in tracks.items():
        path = folder / f"PTBP1_HepG2.eCLIP.{strand}.bw"
        _bigwig(path, {"chr19": values})
    lines = [f"chr19\t{s}\t{e}\tT{i}\t.\t{d}\t8\t1e-05\n" for i, (s, e, d) in enumerate(rows)]
    name = "PTBP1_HepG2.enriched-windows.300nt.bed.gz"
    (folder / name).write_bytes(gzip.compress("".join(lines).encode()))


def tracks(folder: Path) -> None:
    """Two BigWigs of three contigs with long stretches of equal values."""
    (folder / "bigwig").mkdir()
    for seed, name in ((8, "track43_ENCFF709BGZ"), (9, "track22_CNhs13535+")):
        rng = np.random.default_rng(seed)
        values = {}
        for contig in ("chr1", "chr2", "chr3"):
            steps = rng.gamma(0.3, 2, 9_000).round(2) * (rng.random(9_000) < 0.8)
            values[contig] = np.repeat(steps, rng.integers(1, 20, 9_000))[:70_000].astype("f4")
        _bigwig(folder / "bigwig" / f"{name}.bw", values)


def loci(folder: Path) -> None:
    """Windows of 2,048 bp with every substitution of a stretch, counted from 1 on a genome."""
    for i, name in enumerate(("GP1BB", "HBB", "HNF4A", "IRF6", "LDLR", "MYCrs6983267", "ZFAND3")):
        rng = np.random.default_rng(10 + i)
        text, start = _text(rng, 2048), 1_000_000 * (i + 1)
        body = "\n".join(text[j : j + 80] for j in range(0, 2048, 80))
        (folder / f"{name}.fa").write_text(
            f">{name} {i + 1}:{start + 1}-{start + 2048} x\n{body}\n"
        )
        rows = [
            (i + 1, start + p + 1, text[p], alt, round(float(rng.normal(0, 0.2)), 2), 0.5, p)
            for p in range(900, 1_100)
            for alt in "ACGT"
            if alt != text[p]
        ]
        columns = ["Chrom", "Pos", "Ref", "Alt", "Value", "Confidence", "window_index0"]
        pd.DataFrame(rows, columns=columns).to_csv(folder / f"{name}.tsv.gz", sep="\t", index=False)


def yeast_promoters(folder: Path) -> None:
    """Promoters of 97 to 112 bp with a measurement."""
    rng = np.random.default_rng(20)
    lengths = np.where(rng.random(800) < 0.8, 110, rng.integers(97, 113, 800))
    table = pd.DataFrame({
        "sequence": [_text(rng, int(n)) for n in lengths],
        "measured": rng.gamma(4, 2.5, len(lengths)),
    })  # fmt: skip
    table.to_csv(folder / "HighQuality_pTpA_Glu_public80.tsv.gz", sep="\t", index=False)


def enhancers(folder: Path) -> None:
    """Ten enhancers of 249 bp in a FASTA."""
    rng = np.random.default_rng(21)
    rows = "".join(
        f">chr2R_{1000 * i}_{1000 * i + 248}_dev\n{_text(rng, 249)}\n" for i in range(10)
    )
    (folder / "Sequences_example.fa").write_text(rows)


def attributions(folder: Path) -> None:
    """Six one-hot sequences of 2,114 bp and attributions with sites of either sign on them."""
    rng = np.random.default_rng(22)
    X = np.eye(4, dtype=np.int8)[rng.integers(0, 4, (6, 2114))].transpose(0, 2, 1)
    values = rng.laplace(0, 0.002, (6, 4, 2114)).astype(np.float32)
    for row in range(6):
        for place in rng.choice(np.arange(40, 2_050, 60), 12, replace=False):
            height = rng.uniform(0.02, 0.1) * rng.choice([1, 1, 1, -1])
            values[row, :, place : place + rng.integers(5, 12)] += height
    np.savez(folder / "tangermeme_X_gata.npz", X)
    np.savez(folder / "tangermeme_X_gata_attr.npz", values)


def motifs(folder: Path) -> None:
    """A hundred motifs in a MEME file."""
    rng = np.random.default_rng(23)
    lines = ["MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n"]
    lines.append("Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n")
    for i in range(100):
        width = int(rng.integers(6, 15))
        lines.append(f"MOTIF MA{i:04d}.1 M{i}")
        lines.append(f"letter-probability matrix: alength= 4 w= {width} nsites= 200 E= 0")
        lines += [" ".join(f"{x:.6f}" for x in row) for row in rng.dirichlet([0.2] * 4, width)]
        lines.append("")
    body = "\n".join(lines).encode()
    (folder / "simulated.meme.gz").write_bytes(gzip.compress(body))


FOLDERS: dict[str, Callable[[Path], None]] = {
    "jores21": promoters,
    "sacCer3": yeast,
    "bam_bigwig_golden_dm3": alignments,
    "hg38_chr1_1m": variants,
    "hg38_chr22_300kb": chromosome,
    "chip_human_100bp": peaks_of_chip,
    "eclip_hg38_chr19": stranded,
    "basenji_tiny_hg38": tracks,
    "cagi5_satmut": loci,
    "yeast_promoter": yeast_promoters,
    "deepstarr_model": enhancers,
    "models_golden": attributions,
    "motifs": motifs,
}


class Files:
    """A folder of data that is asked for parts by ``/``: the real one, or a simulated one."""

    def __init__(self, real: Path, simulated: Path) -> None:
        self.is_real = real.is_dir()
        self._folder = real if self.is_real else simulated

    def __truediv__(self, part: str) -> Path:
        first = part.split("/")[0]
        folder = self._folder / first
        if not self.is_real and not folder.exists():
            draft = self._folder / f".{first}"
            draft.mkdir(parents=True)
            FOLDERS[first](draft)
            draft.rename(folder)
        return self._folder / part
