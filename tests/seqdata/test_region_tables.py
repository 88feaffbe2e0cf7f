"""What the columns of tables of regions mean: every form of header, through every reader."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eugene as eu
import seqdata as sd
from seqdata.errors import BedError, ContigError, SeqdataError

GENOME = {
    "chr1": "TTGACCATGCAAGTCCGATAGGCTTAACGATTGCCATGACCGTTAGCAATCGGATCTAGCCATTGA",
    "chr2": "CCATTGAGCATGACTTAGGCATCCGATTACAGGTCAATGCCTAGATTCGGCATACCAGTTGACCTA",
}
# chr2 from base 10 to 20 on the minus strand, chr1 from 30 to 40 on the plus strand
EXPECTED = ["GCCTAAGTCA", "TTGCCATGAC"]

BED = {
    "six": "chr2\t10\t20\ta\t0\t-\nchr1\t30\t40\tb\t0\t+\n",
    "plain": "chrom\tstart\tend\tstrand\nchr2\t10\t20\t-\nchr1\t30\t40\t+\n",
    "commented": "#chrom\tstart\tend\tgene\tstrand\nchr2\t10\t20\ta\t-\nchr1\t30\t40\tb\t+\n",
    "spaced": "# Chrom\tChromStart\tChromEnd\tStrand\nchr2\t10\t20\t-\nchr1\t30\t40\t+\n",
    "turned": "gene\tstrand\tchr\tbegin\tstop\na\t-\tchr2\t10\t20\nb\t+\tchr1\t30\t40\n",
    "ucsc": "#bin\tchrom\tchromStart\tchromEnd\tname\tstrand\n"
    "5\tchr2\t10\t20\ta\t-\n5\tchr1\t30\t40\tb\t+\n",
    "blanks": "chrom start end strand\nchr2 10 20 -\nchr1 30 40 +\n",
    "commas": "Chromosome,Start,End,Strand\nchr2,10,20,-\nchr1,30,40,+\n",
    "semicolons": "chrom;start;end;strand\nchr2;10;20;-\nchr1;30;40;+\n",
    "numbers": "chrom\tstart\tend\tstrand\nchr2\t10\t20\t-1\nchr1\t30\t40\t1\n",
    "lengths": "chrom\tstart\tend\tlength\tstrand\nchr2\t10\t20\t10\t-\nchr1\t30\t40\t10\t+\n",
}
GUESSED = {
    "fourth": "chr2\t10\t20\t-\nchr1\t30\t40\t+\n",
    "fifth": "chr2\t10\t20\ta\t-\nchr1\t30\t40\tb\t+\n",
    "seventh": "chr2\t10\t20\ta\t0\tgene\t-\nchr1\t30\t40\tb\t0\tgene\t+\n",
}
FROM_ONE = {
    "r": "seqnames\tstart\tend\twidth\tstrand\nchr2\t11\t20\t10\t-\nchr1\t31\t40\t10\t+\n",
    "r_csv": '"","seqnames","start","end","strand"\n"1","chr2",11,20,"-"\n"2","chr1",31,40,"+"\n',
    "r_rows": 'seqnames start end strand\n"1" "chr2" 11 20 "-"\n"2" "chr1" 31 40 "+"\n',
    "size": "chrom\tstart\tend\tlength\tstrand\nchr2\t11\t20\t10\t-\nchr1\t31\t40\t10\t+\n",
    "saf": "GeneID\tChr\tStart\tEnd\tStrand\na\tchr2\t11\t20\t-\nb\tchr1\t31\t40\t+\n",
    "homer": "#PeakID\tchr\tstart\tend\tstrand\na\tchr2\t11\t20\t-\nb\tchr1\t31\t40\t+\n",
    "gff": "##gff-version 3\nchr2\tx\texon\t11\t20\t.\t-\t.\tID=a\n"
    "chr1\tx\texon\t31\t40\t.\t+\t.\tID=b\n",
    "gtf": 'chr2\tx\texon\t11\t20\t.\t-\t.\ttranscript_id "a";\n'
    'chr1\tx\texon\t31\t40\t.\t+\t.\ttranscript_id "b";\n',
    "picard": "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:66\nchr2\t11\t20\t-\ta\nchr1\t31\t40\t+\tb\n",
}
FORMS = {**BED, **GUESSED, **FROM_ONE}


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in GENOME.items()))
    return path


def texts(letters: Any) -> list[str]:
    return [row.tobytes().decode() for row in np.asarray(letters)]


def stored(fasta: Path, bed: Any) -> list[str]:
    from zarr.storage import MemoryStore

    reader = sd.GenomeFASTA("seq", fasta)
    ds = sd.from_region_files(reader, path=MemoryStore(), bed=bed, fixed_length=10)
    return texts(ds["seq"])


READERS: dict[str, Callable[[Path, Any], list[str]]] = {
    "fetch_sequences": lambda fasta, bed: texts(sd.regions.fetch_sequences(fasta, bed)),
    "from_region_files": stored,
    "open_regions": lambda fasta, bed: texts(
        sd.open_regions(sd.GenomeFASTA("seq", fasta), bed=bed, fixed_length=10)["seq"]
    ),
    "resize": lambda fasta, bed: texts(
        sd.regions.fetch_sequences(fasta, sd.regions.resize(bed, 10))
    ),
    "sources.regions": lambda fasta, bed: texts(
        eu.data.sources.regions(fasta, bed, width=10, negatives=False)["seq"]
    ),
    "sources.genome": lambda fasta, bed: texts(
        eu.data.sources.genome(fasta, bed, width=10, contigs=["chr1", "chr2"])["seq"]
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_through_every_reader(
    form: str, reader: str, fasta: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(FORMS[form])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.SeqdataWarning)
        assert READERS[reader](fasta, path) == EXPECTED


@pytest.mark.parametrize("form", FORMS)
def test_what_is_guessed_or_shifted_is_said(form: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(FORMS[form])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sd.read_bedlike(path)
    said = [str(w.message) for w in caught if w.category is sd.SeqdataWarning]
    assert all(str(path) in text for text in said)
    if form in GUESSED:
        column = {"fourth": 4, "fifth": 5, "seventh": 7}[form]
        assert [f"column {column} holds + and -" in text for text in said] == [True]
    else:
        assert ["positions count from 1" in text for text in said] == [True] * (form in FROM_ONE)


TABLES = {
    "bed": {"chrom": ["chr2", "chr1"], "chromStart": [10, 30], "chromEnd": [20, 40]},
    "bioframe": {"chrom": ["chr2", "chr1"], "start": [10, 30], "end": [20, 40]},
    "pyranges": {"Chromosome": ["chr2", "chr1"], "Start": [10, 30], "End": [20, 40]},
    "numbers": {0: ["chr2", "chr1"], 1: [10, 30], 2: [20, 40]},
    "floats": {"chrom": ["chr2", "chr1"], "start": [10.0, 30.0], "end": [20.0, 40.0]},
    "nullable": {
        "chrom": pd.array(["chr2", "chr1"], dtype="string"),
        "start": pd.array([10, 30], dtype="Int64"),
        "end": pd.array([20, 40], dtype="Int64"),
    },
    "r": {"seqnames": ["chr2", "chr1"], "start": [11, 31], "end": [20, 40]},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("strand", [["-", "+"], [-1, 1]], ids=str)
def test_every_table_through_every_reader(
    form: str, reader: str, strand: list[Any], fasta: Path
) -> None:
    given = dict(TABLES[form])
    name = "Strand" if form == "pyranges" else "strand"
    if form == "numbers":
        given |= {3: ["a", "b"], 4: [0, 0], 5: ["-", "+"]}
    else:
        given[name] = strand
    bed = pd.DataFrame(given, index=[7, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.SeqdataWarning)
        assert READERS[reader](fasta, bed) == EXPECTED


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chrom": ["chr1", None]}, "row 1: there is no contig"),
        ({"start": pd.array([10, None], dtype="Int64")}, "row 1: chromStart is missing"),
        ({"end": [20.0, np.nan]}, "row 1: chromEnd is missing"),
        ({"end": [20.0, 40.5]}, "row 1: chromEnd is 40.5"),
        ({"start": ["10", "x"]}, "row 1: chromStart is 'x'"),
        ({"strand": ["+", "x"]}, "row 1: strand 'x'"),
        ({"end": [20, 10]}, "row 1: start 30 is greater than end 10"),
    ],
)
def test_rows_that_are_no_regions_are_named(
    reader: str, change: dict[str, Any], message: str, fasta: Path
) -> None:
    bed = pd.DataFrame({"chrom": ["chr2", "chr1"], "start": [10, 30], "end": [20, 40], **change})
    with pytest.raises(BedError, match=message):
        READERS[reader](fasta, bed)


def test_further_columns_keep_their_names_and_kinds(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text(
        "chrom\tstart\tend\tname\tscore\tstrand\tlfc\tgene\tpadj\tcount\n"
        "c\t1\t9\tp\t0\t+\t1.5\t007\tNA\t37\nc\t1\t9\tq\tNA\t*\t-2\t008\t0.5\t4\n"
    )
    table = sd.read_bedlike(path)
    assert list(table.columns[6:]) == ["lfc", "gene", "padj", "count"]
    assert table["lfc"].tolist() == [1.5, -2.0]
    assert table["gene"].tolist() == ["007", "008"]
    assert table["count"].dtype == np.int64
    assert np.isnan(table["padj"][0])
    assert table["strand"].tolist() == ["+", "."]


@pytest.mark.parametrize("name", ["peak", "summit", "Summit"])
def test_a_column_called_summit_is_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text(f"chrom\tstart\tend\t{name}\nc\t100\t200\t7\n")
    assert sd.regions.resize(path, 10)["chromStart"].tolist() == [102]


def test_a_last_column_beside_strands_is_a_summit_only_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "x.bed"
    path.write_text("c\t100\t200\tp\t0\t+\t1.5\t0.1\t0.2\t37\n")
    with pytest.warns(sd.SeqdataWarning, match="column 10 is taken for the summit"):
        sd.read_bedlike(path)


def test_peaks_of_macs(tmp_path: Path) -> None:
    path = tmp_path / "x_peaks.xls"
    path.write_text(
        "# This file is generated by MACS version 2.2.7\n# name = x\n\n"
        "chr\tstart\tend\tlength\tabs_summit\tpileup\t-log10(pvalue)\tname\n"
        "chr1\t101\t200\t100\t131\t5\t3.2\tx_peak_1\n"
    )
    with pytest.warns(sd.SeqdataWarning, match="count from 1 .a table of peaks of MACS"):
        table = sd.read_bedlike(path)
    assert table[["chromStart", "chromEnd", "peak"]].values.tolist() == [[100, 200, 30]]
    assert table["-log10(pvalue)"].tolist() == [3.2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seqnames\tstart\tend\nc\t0\t9\n", "start is 0, but positions count from 1"),
        ("chrom\tstart\tend\tx\tx\nc\t0\t9\t1\t2\n", "two columns are called 'x'"),
        ("chrom\tstart\tend\tx\ty\nc\t0\t9\n", "names 5 columns, the line has 3"),
        ("c\t0\t9\t+\t-\n", "columns 4 and 5 hold strands"),
        ("von\tbis\tx\nc\t0\t9\n", "If it is a header, name the columns"),
        ("chrom\tstart\tend\tpeak\nc\t0\t9\tpeak_1\n", "rename the column"),
    ],
)
def test_headers_that_say_nothing_sound(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text(text)
    with pytest.raises(BedError, match=message):
        sd.read_bedlike(path)


# ------------------------------------------------------------------ two sets of regions


def peaks(chroms: list[str]) -> pd.DataFrame:
    start = 5 + 20 * np.arange(len(chroms))
    return pd.DataFrame({"chrom": chroms, "chromStart": start, "chromEnd": start + 10})


R = sd.regions
PAIRS: dict[str, Callable[[Path, pd.DataFrame, pd.DataFrame], Any]] = {
    "overlaps": lambda fasta, a, b: R.overlaps(a, b),
    "labels": lambda fasta, a, b: R.label_overlapping_regions(a, b),
    "multitask": lambda fasta, a, b: R.label_overlapping_regions(
        a, b.assign(name="t"), mode="multitask"
    ),
    "resize": lambda fasta, a, b: R.resize(b, 4, contigs={"chr1": 66, "chr2": 66}),
    "exclude": lambda fasta, a, b: R.sample_negatives(
        fasta, a, width=5, gc_tolerance=1.0, exclude=b
    ),
    "tiled": lambda fasta, a, b: R.tiled_bins(
        a, {"chr1": 66, "chr2": 66}, bin_width=5, flank=0, blacklist=b
    ),
    "sources.regions": lambda fasta, a, b: eu.data.sources.regions(
        fasta, a, width=4, negatives=False, blacklist=written(fasta, b)
    ),
    "sources.exclude": lambda fasta, a, b: eu.data.sources.regions(
        fasta, a, width=4, negatives={"exclude": b, "gc_tolerance": 1.0}
    ),
}


def written(fasta: Path, table: pd.DataFrame) -> Path:
    path = fasta.with_name("blacklist.bed")
    table.to_csv(path, sep="\t", header=False, index=False)
    return path


@pytest.mark.parametrize("function", PAIRS)
@pytest.mark.parametrize("names", [["1", "2"], ["CHR1", "CHR2"], ["chrI", "chrII"], ["x", "y"]])
def test_sets_without_a_common_contig_are_refused(
    function: str, names: list[str], fasta: Path
) -> None:
    with pytest.raises(ContigError, match=r"(?i)contig"):
        PAIRS[function](fasta, peaks(["chr1", "chr2"]), peaks(names))


@pytest.mark.parametrize("function", PAIRS)
def test_sets_that_share_some_contigs_are_counted(function: str, fasta: Path) -> None:
    with pytest.warns(sd.SeqdataWarning, match=r"1 of 2 .* calls it"):
        PAIRS[function](fasta, peaks(["chr1", "chr2"]), peaks(["chr1", "2"]))


@pytest.mark.parametrize("function", PAIRS)
def test_sets_of_one_spelling_are_silent(function: str, fasta: Path) -> None:
    second = peaks(["chr1"]).assign(chromStart=1, chromEnd=3)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        PAIRS[function](fasta, peaks(["chr1", "chr2"]), second)
    # what pandas says to bioframe is no word of ours
    assert [str(w.message) for w in told if issubclass(w.category, UserWarning)] == []


def test_splits_by_contigs_of_another_spelling() -> None:
    import xarray as xr

    ds = xr.Dataset(coords={"chrom": ("_sequence", ["chr1", "chr2"])})
    with pytest.raises(SeqdataError, match=r"'2' is not in the dataset\. The file calls it 'chr2'"):
        sd.splits.chromosome(ds, test=["2"])


def test_a_contig_without_rows_is_told(fasta: Path) -> None:
    bed = peaks(["chr1", "chr1"])
    ds = sd.open_regions(sd.GenomeFASTA("seq", fasta), bed=bed, fixed_length=4)
    with pytest.warns(sd.SeqdataWarning, match="no row of the dataset lies on 'chr2'"):
        assert sd.splits.chromosome(ds, test=["chr2"]).tolist() == [0, 0]


@pytest.mark.parametrize("mode", ["binary", "multitask"])
def test_labels_fall_on_their_rows(mode: Any) -> None:
    bed = peaks(["c"] * 5)
    kept = bed[bed["chromStart"] > 20].sample(frac=1.0, random_state=1)
    target = pd.DataFrame({"chrom": ["c"], "chromStart": [47], "chromEnd": [48], "name": ["t"]})
    labels = R.label_overlapping_regions(kept, target, mode=mode)
    assert labels.index.tolist() == kept.index.tolist()
    assert labels.iloc[:, 0][labels.iloc[:, 0] == 1].index.tolist() == [2]
    assert R.resize(kept, 4).index.tolist() == kept.index.tolist()


def test_a_crowded_contig_does_not_stop_negatives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    small, large = ("".join(rng.choice(list("ACGT"), n)) for n in (70, 5000))
    (tmp_path / "g.fa").write_text(f">small\n{small}\n>large\n{large}\n")
    bed = pd.DataFrame(
        {"chrom": ["large", "small", "large"], "chromStart": [100, 20, 900],
         "chromEnd": [150, 60, 950]}
    )  # fmt: skip
    with pytest.warns(sd.SeqdataWarning, match=r"1 of 3 negatives found no room .*small"):
        out = R.sample_negatives(tmp_path / "g.fa", bed, width=50, gc_tolerance=0.5, seed=1)
    assert out["peak_row"].tolist() == [0, 1, 2]
    assert out["chrom"].tolist() == ["large"] * 3
    assert not R.overlaps(out, bed).any()


# ------------------------------------------------------------------ exons


def joined(fasta: Path, bed: Any) -> list[str]:
    from zarr.storage import MemoryStore

    ds = sd.from_region_files(
        sd.GenomeFASTA("seq", fasta), path=MemoryStore(), bed=bed, fixed_length=False, splice=True
    )
    return [row.tobytes().decode() for row in ds.sd.rows("seq")]


def test_blocks_of_bed12_are_joined(fasta: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.bed"
    path.write_text(
        "chr2\t10\t40\ttx\t0\t-\t10\t40\t0\t3\t4,2,6,\t0,10,24,\n"
        "chr1\t3\t9\ttx\t0\t+\t3\t9\t0\t1\t6\t0\n"
    )
    two, one = GENOME["chr2"], GENOME["chr1"]
    exons = two[10:14] + two[20:22] + two[34:40]
    turned = exons[::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert joined(fasta, path) == [turned, one[3:9]]
    plain = pd.read_csv(path, sep="\t", header=None)
    assert joined(fasta, plain) == [turned, one[3:9]]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("3\t4,2\t0,10", "expected 3 sizes"),
        ("2\t4,2\t0,10", "the last to end with"),
        ("2\t4,25\t1,5", "the first block has to begin"),
        ("2\t15,20\t0,10", "overlap"),
        ("2\ta,b\t0,10", "expected 2 sizes"),
    ],
)
def test_blocks_that_make_no_sense(blocks: str, message: str, fasta: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.bed"
    path.write_text(f"chr2\t10\t40\ttx\t0\t-\t10\t40\t0\t{blocks}\n")
    with pytest.raises(BedError, match=message):
        joined(fasta, path)


def test_exons_of_gff_are_joined(fasta: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.gtf"
    rows = [("transcript", 11, 40), ("exon", 11, 14), ("CDS", 11, 14), ("exon", 31, 40)]
    path.write_text(
        "".join(f'chr1\tx\t{kind}\t{a}\t{b}\t.\t+\t.\ttranscript_id "t";\n' for kind, a, b in rows)
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = joined(fasta, path)
    said = " ".join(str(w.message) for w in caught)
    assert "splice=True joins 2 exons" in said
    assert "2 exon, 1 transcript, 1 CDS" in said
    assert found == [GENOME["chr1"][10:14] + GENOME["chr1"][30:40]]


def test_exons_without_a_name_are_not_joined(fasta: Path) -> None:
    bed = peaks(["chr1", "chr1"]).assign(name=["t", "."])
    with pytest.raises(BedError, match="region 1: splice=True groups the exons by name"):
        joined(fasta, bed)
