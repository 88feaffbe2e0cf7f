"""The registry is complete, and what is asked for is found."""

from __future__ import annotations

import json
import re

import pytest

import seqdata as sd
from seqdata.datasets import _registry
from seqdata.errors import DatasetError

WHOLE = {
    "kind": "sequences", "task": "t", "description": "d", "citation": "c", "doi": "10.1000/x",
    "licence": "l", "source": "s", "builder": "seqdata.datasets._build_arrays:random1000",
}  # fmt: skip


@pytest.mark.parametrize("missing", WHOLE)
def test_every_field_is_needed(missing):
    fields = {key: value for key, value in WHOLE.items() if key != missing}
    with pytest.raises(DatasetError, match=f"x: field '{missing}' is missing"):
        _registry.parse_entry("x", fields)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doi": "doi:10.1000/x"}, "is no DOI"),
        ({"kind": "sequence"}, r"kind is 'sequence'\. Did you mean 'sequences'"),
        ({"licenze": "x"}, r"unknown field 'licenze'\. Did you mean 'licence'"),
        ({"files": {"a": {"url": []}}}, r"file a: unknown field 'url'\. Did you mean 'urls'"),
        ({"files": {"a": {"sha256": "abc"}}}, "expected 64 hexadecimal digits"),
        ({"files": {"a": {"verified": True, "sha256": "0" * 64}}}, "verified needs an address"),
        ({"files": {"a": {"urls": ["https://a.org/x"], "verified": True}}}, "and a sha256"),
        ({"files": {"a": {"name": "../x"}}}, "is no file name"),
        ({"files": {"a": {"urls": ["https://a.org/.."]}}}, "is no file name"),
    ],
)
def test_malformed_entries_are_refused(changes, message):
    with pytest.raises(DatasetError, match=message):
        _registry.parse_entry("x", {**WHOLE, **changes})


def test_names_are_forgiving_and_guessed():
    assert _registry.find("JORES21").name == "jores21"
    assert _registry.find("k562_atac-seq").name == "K562_ATAC_seq"
    assert _registry.find("JunD").name == "kopp21"
    with pytest.raises(DatasetError, match=r"called 'jores22'\. Did you mean 'jores21'"):
        sd.datasets.info("jores22")
    with pytest.raises(DatasetError, match=r"No genome is called 'hg39'\. Did you mean 'hg[13]"):
        sd.datasets.genome("hg39")
    with pytest.raises(DatasetError, match="No motif set is called 'hg38'"):
        sd.datasets.motifs("hg38")


def test_options_are_checked():
    entry = _registry.find("deAlmeida22")
    assert entry.choose({}) == {"dataset": "all"}
    assert entry.choose({"dataset": "Train"}) == {"dataset": "train"}
    with pytest.raises(DatasetError, match="has no option 'split'"):
        entry.choose({"split": "train"})
    with pytest.raises(DatasetError, match="Did you mean 'train'"):
        entry.choose({"dataset": "trian"})
    assert _registry.find("random1000").choose({"n": "5"})["n"] == 5
    with pytest.raises(DatasetError, match="n is 'many', expected a whole number"):
        _registry.find("random1000").choose({"n": "many"})
    assert _registry.find("hg38").choose({"sequence": "false"})["sequence"] is False


def test_list_and_info():
    table = sd.datasets.list()
    wanted = {
        "random1000", "jores21", "ray13", "deBoer20", "deAlmeida22", "farley15", "kopp21",
        "K562_ATAC_seq", "K562_CTCF_ChIP_seq", "synthetic_code", "DeepSEA", "hg38", "sacCer3",
        "jaspar2022_vertebrates", "hocomoco12",
    }  # fmt: skip
    assert wanted <= set(table["name"])
    assert set(sd.datasets.list("genome")["kind"]) == {"genome"}
    with pytest.raises(DatasetError, match="Did you mean 'genome'"):
        sd.datasets.list("genomes")
    found = sd.datasets.info("k562_atac_seq")
    assert found["verified"] is True
    assert found["options"]["type"] == {"default": "seqdata", "choices": ["seqdata", "bigwig"]}
    assert re.fullmatch("[0-9a-f]{64}", found["files"]["signal"]["sha256"])


def test_sums_that_are_verified_are_those_of_the_bytes(golden_files):
    published = json.loads((golden_files / "published_files.json").read_text())["files"]
    assert len(published) == 9
    for name, seen in published.items():
        file = sd.datasets.info(name)["files"][seen["file"]]
        assert file["verified"] is True
        assert (file["size"], file["sha256"]) == (seen["size"], seen["sha256"])


# of TAIR10 there is no table of sizes beside the other annotations
@pytest.mark.parametrize("name", [n for n in _registry.names("genome") if n != "TAIR10"])
def test_sizes_of_genomes(golden_files, name):
    sizes = json.loads((golden_files / "chrom_sizes.json").read_text())[name]
    found = sd.datasets.genome(name, sequence=False, blacklist=False, offline=True).sizes
    assert found == sizes


def test_chromosomes_of_tair10():
    sizes = sd.datasets.genome("TAIR10", sequence=False, offline=True).sizes
    assert [*sizes] == ["1", "2", "3", "4", "5"]
    assert sum(sizes.values()) == 119_146_348
