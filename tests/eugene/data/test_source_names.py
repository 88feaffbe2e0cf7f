"""One name never means two things in a configuration; joins refuse what they cannot match."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from eugene.config import registries, schema
from eugene.data import SequenceDataModule, sources
from eugene.data.sources import SourceError
from eugene.errors import EugeneWarning
from seqdata.errors import TableError

# arguments of sources that mean what the key of the section or of the data module means
SAME = {
    "seq_var": "the variable that holds the sequences",
    "max_jitter": "largest shift in bp",
    "seed": "the run's seed unless another is given",
    "cache_dir": "where decoded files are kept",
    "length": "positions of a row in bp",
}


@pytest.mark.parametrize("name", list(registries.DATA_SOURCES))
def test_no_argument_of_a_source_is_another_key(name: str):
    arguments = {p.name for p in registries.DATA_SOURCES.signature(name).parameters}
    keys = {p.name for p in schema.parameters("data")}
    keys |= set(inspect.signature(SequenceDataModule).parameters) - {"ds"}
    assert arguments & keys <= set(SAME)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    fasta, table = tmp_path / "s.fa", tmp_path / "t.csv"
    fasta.write_text(">01\nACGT\n>1\nTTGA\n>1.0\nGGCA\n")
    return fasta, table


def test_ids_are_text_and_numbers_those_of_tables(files: tuple[Path, Path]):
    fasta, table = files
    table.write_text("id;y;n\n1.0;0,5;7\n01;1,5;\n1;2,5;9\n")
    ds = sources.fasta(fasta, target_table=table)
    assert ds["y"].values.tolist() == [1.5, 2.5, 0.5]
    assert str(ds["n"].values.tolist()) == "[nan, 9.0, 7.0]"


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("id,seq\n01,1\n1,2\n1.0,3\n", {}, SourceError, "would replace"),
        ("key,id\n01,1\n1,2\n1.0,3\n", {"id_col": "key"}, SourceError, "would replace"),
        ("id,y\n01,1\n1,2\n1,3\n", {}, TableError, "two rows for '1'"),
        ("id,y\n01,1\n1,2\n,3\n", {}, TableError, "column 'id' is empty"),
        ("id,y,y\n01,1,1\n", {}, TableError, "more than one column called 'y'"),
        ("id,y\n01,1\n1,2\n", {}, SourceError, r"no row for 1 of 3 records, the first '1\.0'"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    files: tuple[Path, Path], text: str, options: dict, error: type, message: str
):
    fasta, table = files
    table.write_text(text)
    with pytest.raises(error, match=message):
        sources.fasta(fasta, target_table=table, **options)


def test_names_beside_each_other(files: tuple[Path, Path]):
    fasta, table = files
    table.write_text("id,y\n01,1\n1,2\n1.0,3\n")
    assert sources.fasta(fasta, targets=table)["y"].values.tolist() == [1, 2, 3]
    with pytest.raises(SourceError, match="targets is the former name of target_table"):
        sources.fasta(fasta, targets=table, target_table=table)
    with pytest.raises(SourceError, match="not both"):
        sources.fasta(fasta, negatives=fasta, target_table=table)


def test_a_path_under_the_key_of_transforms_is_said():
    from eugene.config._layout import write_out

    tree = {"data": {"name": "fasta", "path": "s.fa", "targets": "t.csv"}}
    with pytest.warns(EugeneWarning, match=r"data\.target_table"):
        write_out(tree)
    assert tree["data"]["target_table"] == "t.csv"
    assert "targets" not in tree["data"]
    tree = {"data": {"name": "fasta", "path": "s.fa", "targets": "zscore"}}
    write_out(tree)
    assert tree["data"]["targets"] == [{"name": "zscore"}]
