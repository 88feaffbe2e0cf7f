"""The paragraphs for a methods section, what is cited, and where files came from."""

from __future__ import annotations

import hashlib
import inspect
import re
from pathlib import Path

import pytest

from eugene.config import registries
from eugene.models.outline import field_of, published, rows_of
from eugene.report import _citations
from eugene.report._blocks import Section
from eugene.report._citations import _DOI, _WORKS, bibliography, work, works_of
from eugene.report._methods import methods, provenance
from eugene.runs import RunFolder
from seqexplainer.methods import METHODS

CONFIG = """
name: leaf
seed: 5
data:
  name: table
  path: /data/leaf.tsv
  split: {name: chromosome, val: [chr8], test: [chr9]}
  target_vars: [activity]
  batch_size: 64
  negatives: {method: shuffled, k: 2}
model: {name: deepstarr}
module: {name: sequence, task: regression, optimizer: adam, optimizer_lr: 0.002}
trainer: {max_epochs: 40, patience: 7, monitor: val_loss}
baselines: [{name: kmer_ridge, k: 5}, {name: kmer_ridge, k: 6, both_strands: true}]
evaluate: {n_bootstrap: 100, calibrate: true}
interpret:
  attribute: {methods: [deep_lift_shap], references: dinuc_shuffle, top: 50}
  modisco: null
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path / "leaf")
    made.write_text("config.yaml", CONFIG)
    made.write_json("data.json", {
        "n": 900, "splits": {"train": 700, "val": 100, "test": 100}, "task": "regression",
        "target_names": ["activity"], "sequence": {"shortest": 170, "longest": 170},
        "leakage": {"clean": True, "identity": 0.8, "near_duplicates": {}},
        "transforms": {"activity": [{"name": "zscore", "mean": 1.5, "std": 2.0}]},
        "rows_sha256": "ab" * 32,
    })  # fmt: skip
    made.note(
        sources={"/data/leaf.tsv": "cd" * 32},
        training={"parameters": 622722, "receptive_field": 39, "epochs": 21, "best_epoch": 13},
    )
    with made.step("attribute"):
        made.write_text("model.safetensors", "weights")
    return made


def words_of(run: RunFolder) -> str:
    section = Section("methods", "Methods")
    methods(section, run)
    return next(block.text for block in section.blocks if block.kind == "words")


@pytest.mark.parametrize(
    "words",
    [
        "900 sequences of 170 bp were taken from the source 'table' (path leaf.tsv)",
        "Negatives: method shuffled; k 2.",
        "split by 'chromosome' (val chr8; test chr9) into 700 training, 100 validation, 100 test",
        "or similar to one (identity 0.8 or more)",
        "The target activity was transformed by zscore (mean 1.5, std 2), fitted on training",
        "'deepstarr' (de Almeida et al. 2022) with 622,722 parameters",
        "sees 39 bp (receptive field)",
        "adam (Kingma and Ba 2015), learning rate 0.002, batches of 64, loss mse, for at most 40",
        "ran for 21 epochs, and the weights of epoch 14 were kept",
        "follow from the seed 5",
        "Attributions (Shrikumar et al. 2017; Lundberg and Lee 2017; Jiang et al. 2008): "
        "methods DeepLIFT/SHAP",
        "stopped after 7 epochs without a better val loss",
        "k-mer ridge regression (k = 5); k-mer ridge regression, both strands (k = 6)",
    ],
)
def test_paragraphs_say_what_the_files_say(run: RunFolder, words: str) -> None:
    assert words in words_of(run)


def test_what_jitter_stores_is_said(run: RunFolder) -> None:
    assert "moved" not in words_of(run)
    run.write_text("config.yaml", CONFIG.replace("  batch_size: 64", "  max_jitter: 12"))
    run.write_json("data.json", {"n": 900, "input_len": 150})
    said = words_of(RunFolder(run.path))
    assert "each window is moved by up to 12 bp to either side" in said
    assert "174 bp of each are stored and the network reads 150" in said


def test_what_a_search_looks_for_is_said_as_it_stands() -> None:
    from eugene.report._methods import _plain

    found = _plain({"search": "loguniform", "low": 1e-4, "high": 0.01})
    assert found == "search loguniform, low 0.0001, high 0.01"


def test_steps_that_were_not_done_are_not_claimed(run: RunFolder) -> None:
    assert "MoDISco" not in words_of(run)
    run.forget("attribute")
    assert "Attributions" not in words_of(run)


def test_the_works_of_a_run_are_cited_once(run: RunFolder) -> None:
    found = works_of(run)
    dois = [one.doi for one in found]
    assert len(dois) == len(set(dois))
    wanted = {"10.1038/s43588-023-00544-w", "10.1038/s41588-022-01048-5",
              "10.1080/00401706.1970.10488634", "10.1080/01621459.2017.1307116",
              "10.48550/arXiv.1704.02685"}  # fmt: skip
    assert wanted <= set(dois)
    assert "10.48550/arXiv.1811.00416" not in dois  # TF-MoDISco did not run


def test_every_network_and_method_has_its_entry() -> None:
    known = bibliography()
    for name in registries.MODELS.entered:
        for doi in _DOI.findall(inspect.getdoc(registries.MODELS.get(name)) or ""):
            assert doi.rstrip(".").lower() in known, f"{name}: {doi}"
    for works in _WORKS.values():
        for dois in works.values():
            assert {doi.lower() for doi in dois} <= set(known)


def test_adapters_of_a_stage_are_cited(tmp_path: Path) -> None:
    stages = "stages: [{name: head}, {name: more, adapters: {name: lora, rank: 2}}]\n"
    (tmp_path / "config.yaml").write_text(CONFIG + stages, encoding="utf8")
    found = {one.doi: one.use for one in works_of(RunFolder(tmp_path))}
    assert found["10.48550/arXiv.2106.09685"] == "the adapters lora"


def test_every_entry_is_cited_by_something() -> None:
    """Docstrings of networks, baselines, adapters, methods; what the module of citations names."""
    things = [
        registry.get(name)
        for registry in (registries.MODELS, registries.BASELINES, registries.ADAPTERS)
        for name in registry.entered
    ]
    things += [method.compute for method in METHODS.values()]
    cited = {doi for thing in things for doi in _citations._documented(thing)}
    lines = inspect.getsource(_citations).replace("'", " ")  # of its examples
    cited |= {doi.rstrip(".:") for doi in _DOI.findall(lines)}
    known = set(bibliography())
    assert known == {doi.lower() for doi in cited}


def test_the_bibliography_is_bibtex() -> None:
    keys = []
    for doi, entry in bibliography().items():
        assert entry.count("{") == entry.count("}"), doi
        head = re.fullmatch(r"@(article|misc|inproceedings)\{(\w+),", entry.splitlines()[0])
        assert head, entry
        keys.append(head[2])
        for field in ("author", "title", "year"):
            assert re.search(rf"\b{field} = \{{.+\}}", entry), (doi, field)
        if head[1] == "article":
            assert "journal = {" in entry
            assert "volume = {" in entry
    assert len(keys) == len(set(keys))
    unknown = work("10.1/none", "data", "Doe {et} al. 2020")
    assert (
        unknown.bibtex
        == "@misc{doi_10_1_none,\n  note = {Doe et al. 2020},\n  doi = {10.1/none}\n}"
    )
    assert unknown.short == "doi:10.1/none"


def test_provenance_holds_the_checksums(run: RunFolder) -> None:
    section = Section("provenance", "Provenance")
    provenance(section, run)
    rows = next(block.rows for block in section.blocks if block.kind == "table")
    found = {name: sha for name, _, sha in rows}
    assert found["leaf.tsv"] == "cd" * 32
    assert found["data.zarr"] == "ab" * 32
    assert found["model.safetensors"] == hashlib.sha256(b"weights").hexdigest()
    assert found["config.yaml"] == hashlib.sha256(CONFIG.encode()).hexdigest()


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("deepbind", 16),
        ("danq", 26 + 12),  # a pool of 13, then an LSTM
        ("bpnet", 21 + sum(2 * 2**i for i in range(1, 9)) + 74),  # dilated layers, profile of 75
        ("deepstarr", 7 + 1 + 2 * 2 + 2 + 4 * 4 + 4 + 8 * 2 + 8),  # kernels 7 3 5 3, pools of 2
    ],
)
def test_receptive_fields(model: str, field: int) -> None:
    assert field_of(published(rows_of(model)[0])) == field
