"""The table of the page on speed: a few cases of the files of results, each with its day."""

from __future__ import annotations

import json

from pages._markdown import plain, table
from pages.results import FOLDER, date_of, number

PAGE = "explain/made/speed.md"
# what is done, file of results, its case, whom it is compared with
SHOWN = (
    ("one-hot, 10,000 x 2,114 bp", "seqpro_core", "ohe, 1e4 x 2114", "seqpro 0.23"),
    (
        "dinucleotide shuffle, 10,000 x 2,114 bp",
        *("shuffle", "dinucleotide shuffle, 1e4 x 2114", "tangermeme 1.6"),
    ),
    (
        "20,000 windows of 2,114 bp of four BigWigs",
        *("bigwig_windows", "ISA-L; 4 BigWigs, 20,000 x 2,114 bp, sorted", "pyBigWig, a loop"),
    ),
    (
        "the same",
        *("bigwig_windows", "ISA-L; 4 BigWigs, 20,000 x 2,114 bp, sorted", "figwig 0.2"),
    ),
    (
        "20,000 windows of a FASTA file, shuffled",
        *("fasta_windows", "FASTA, 20,000 x 2,114 bp, letters, shuffled", "pysam, a loop"),
    ),
    (
        "a store of 20,000 regions x 4 tracks",
        *("seqdata_build", "build, 20,000 regions x 2,114 bp x 4, sorted", "SeqData 0.2.2"),
    ),
    (
        "an epoch of them from a memory map",
        "seqdata_epoch",
        "epoch of 20,000 x 2,114 bp x 4, b128, memory-mapped cache",
        "GenVarLoader 0.43",
    ),
    (
        "an epoch in memory",
        "loader_memory",
        "epoch, 100,000 x 249 bp",
        "torch DataLoader, default collate",
    ),
    (
        "a batch augmented, 128 x 249 bp",
        "evoaug",
        "augment 128 x 249, three of seven, batch after batch",
        "EvoAug 1.0.6",
    ),
    (
        "k-mers of attribution maps",
        *("acme", "k-mer, k=6, 3,968 x 2,048", "plain loops, as acme"),
    ),
    (
        "a training step of Enformer, 384 channels",
        *("enformer", "step, 384 channels", "enformer-pytorch 0.8.12"),
    ),
    (
        "a step by `fit`",
        *("train_step", "1 steps, same path", "loop by hand, tensors in memory"),
    ),
)


def pages() -> dict[str, str]:
    """Return the table, below ``docs/``."""
    lines = []
    for done, name, case, other in SHOWN:
        path = FOLDER / f"{name}.json"
        held = json.loads(path.read_text(encoding="utf8"))
        row = next(row for row in held["results"] if row.get("case") == case)
        peer = next(peer for peer in row["peers"] if peer["peer"] == other)
        lines.append(
            [
                *(plain(done), number(row["ours_ms"]), plain(other)),
                *(number(peer["peer_ms"]), number(peer["ratio"])),
                date_of(path, held["machine"]),
            ]
        )
    header = ["what", "ours, CPU ms", "beside", "theirs, CPU ms", "ratio", "day"]
    return {PAGE: table(header, lines)}
