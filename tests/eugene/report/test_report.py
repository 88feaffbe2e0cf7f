"""The report: one page, everything inside, every number from the run's files."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import seqdata as sd
import seqpro as sp
from eugene import report
from eugene.errors import MissingFileError, NotARunError
from eugene.report._blocks import duration, interval, number
from eugene.runs import RunFolder

METRIC = {"value": 0.912, "low": 0.9, "high": 0.925}


class Checker(HTMLParser):
    """Collect what a page refers to, and see that tags are closed."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.alts: list[str] = []
        self.sections: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img":
            self.sources.append(found.get("src") or "")
            self.alts.append(found.get("alt") or "")
        if tag == "section":
            self.sections.append(found.get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(page: Path) -> tuple[Checker, str]:
    text = page.read_text(encoding="utf8")
    checker = Checker()
    checker.feed(text)
    assert not checker.open
    assert all(s.startswith("data:image/") for s in checker.sources)
    assert all(checker.alts)
    # xmlns names inside pictures are base64; outside there is nothing to fetch
    assert not re.search(r'(src|href)="(?!data:|#|interpretation/)', text)
    return checker, text


def small_run(path: Path) -> RunFolder:
    """Write what the steps of a run write, without training."""
    rng = np.random.default_rng(0)
    run = RunFolder.create(path)
    run.write_text(
        "config.yaml",
        "name: tiny\nseed: 3\ndata: {name: simulated}\nmodel: {name: cnn}\n"
        "module: {name: sequence, task: binary_classification}\n"
        "interpret: {filters: {motif_db: embedded}}\n",
    )
    run.write_json("versions.json", {"python": "3.11", "packages": {"numpy": "2", "torch": None}})
    classes = {"n": 30, "missing": 0, "mean": 0.5, "std": 0.5, "classes": {"0": 15, "1": 15}}
    run.write_json(
        "data.json",
        {
            "n": 40,
            "splits": {"train": 30, "test": 10},
            "sequence": {"shortest": 60, "longest": 60, "gc_mean": 0.41, "gc_std": 0.05},
            "targets": {"label": {"all": classes, "train": classes, "test": classes}},
            "dropped": {"dropped_off_contig": 2},
            "leakage": {"duplicates": {"train-test": 3}, "overlaps": None},
        },
    )
    run.write_json(
        "evaluation.json",
        {
            "split": "test",
            "n": 10,
            "metrics": {"auroc": METRIC, "auprc": METRIC},
            "baselines": {"kmer_logistic": {"auroc": {"value": 0.81, "low": 0.8, "high": 0.82}}},
            "subsets": {"hard_ones": {"n": 4, "metrics": {"auroc": METRIC}, "baselines": {}}},
        },
    )
    pd.DataFrame(
        {"epoch": [0, 1], "train_loss": [0.7, 0.5], "val_loss": [0.6, 0.55], "seconds": [1.5, 1.5]}
    ).to_csv(run.metrics, index=False)
    flags = {"flag_values": [0, 1, 2], "flag_meanings": "train val test"}
    labels = np.tile([0.0, 1.0], 20).astype(np.float32)
    predictions = xr.Dataset(
        {
            "prediction": (("_sequence", "_target"), rng.random((40, 1)).astype(np.float32)),
            "target": (("_sequence", "_target"), labels[:, None]),
        },
        coords={"split": ("_sequence", np.repeat([0, 2], [30, 10]).astype(np.int8), flags)},
    )
    sd.to_zarr(predictions, run.predictions)
    ohe = sp.ohe(sp.random_seqs((6, 60), sp.DNA, seed=1), sp.DNA).swapaxes(1, 2)
    planted = np.zeros((6, 60), np.uint8)
    planted[:, 10:22] = 1
    attributions = xr.Dataset(
        {
            "deep_lift_shap": (
                ("_sequence", "_ohe", "_length"),
                (ohe * rng.normal(size=(6, 1, 60))).astype(np.float32),
                {"references": "dinuc_shuffle", "n_references": 20, "seed": 3},
            ),
            "delta_deep_lift_shap": ("_sequence", np.full(6, 1e-6, np.float32)),
            "saturation_mutagenesis_effects": (
                ("_sequence", "_substitution", "_length"),
                rng.normal(size=(6, 4, 60)).astype(np.float32),
            ),
            "saturation_mutagenesis": (
                ("_sequence", "_ohe", "_length"),
                (ohe * rng.normal(size=(6, 1, 60))).astype(np.float32),
            ),
            "planted": (("_sequence", "_length"), planted, {"motifs": ["CEBPB", "GABPA"]}),
            "index": ("_sequence", np.arange(6)),
            "prediction": (("_sequence", "_target"), rng.random((6, 1)).astype(np.float32)),
        }
    )
    sd.to_zarr(attributions, run.attributions)
    interpretation(run, rng)
    return run


def interpretation(run: RunFolder, rng: np.random.Generator) -> None:
    found = {"filter": "filter_0", "p_value": 1e-9, "p_bonferroni": 1e-6, "found": True}
    truth = {
        "mean_auprc": {"deep_lift_shap": 0.71},
        "planted_fraction": 0.2,
        "n": 6,
        "planted_found": {"CEBPB": found, "GABPA": {**found, "found": False}},
    }
    run.write_json("interpretation/truth.json", truth)
    lost = {"planted_found": {"CEBPB": {**found, "found": False}}, "auroc": 0.49}
    run.write_json("interpretation/control.json", {"shuffled_labels": lost})
    from eugene.simulate import embedded_motifs

    motif = embedded_motifs()["MA0466.3"]
    named = sp.motifs.Motif("filter_0", motif.pfm(), kind="pfm")
    sp.motifs.write_meme(sp.motifs.MotifSet([named]), run.interpretation / "filters.meme")
    pd.DataFrame(
        {
            "filter": ["filter_0", "filter_1"],
            "n_sites": [40, 0],
            "max_activation": [2.0, 0.0],
            "ic_bits": [9.1, 0.0],
            "consensus": ["ATTGCACAAT", ""],
            "dead": [False, True],
        }
    ).to_csv(run.interpretation / "filters.csv", index=False)
    pd.DataFrame(
        {
            "filter": ["filter_0", "filter_0"],
            "target_name": ["CEBPB", "GABPA"],
            "target_accession": ["MA0466.3", "MA0062.3"],
            "p_value": [1e-9, 0.4],
            "p_bonferroni": [1e-6, 1.0],
            "q_value": [1e-8, 1.0],
            "strand": ["+", "-"],
            "offset": [0, 1],
            "rank": [1, 2],
        }
    ).to_csv(run.interpretation / "annotations.csv", index=False)
    place = np.arange(0, 40, 4)
    curve = {"position": place, "mean": 1.0, "low": 0.8, "high": 1.2}
    pd.concat(
        [pd.DataFrame({"motif": m, **curve}) for m in ("CEBPB", "CEBPB beside GABPA")]
    ).to_csv(run.interpretation / "positional.csv", index=False)
    rows = [(s, r, float(r + s)) for s in range(3) for r in range(4)]
    pd.DataFrame(rows, columns=["sequence", "round", "score"]).to_csv(
        run.interpretation / "evolution.csv", index=False
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return small_run(tmp_path_factory.mktemp("run") / "tiny")


@pytest.fixture(scope="module")
def page(run: RunFolder) -> Path:
    """Return the page of the run, made once."""
    return report.build(run.path)


def test_page_holds_every_section_and_needs_nothing(run: RunFolder, page: Path) -> None:
    assert page == run.report
    checker, text = check(page)
    assert checker.sections == [
        "data",
        "training",
        "performance",
        "attributions",
        "filters",
        "positions",
        "evolution",
        "control",
        "methods",
        "provenance",
        "absent",
        "configuration",
        "versions",
    ]
    assert len(checker.sources) == 9
    assert "<h1>tiny</h1>" in text
    assert "Model cnn" in text


@pytest.mark.parametrize(
    "words",
    [
        "0.912 (0.900 to 0.925)",
        "0.810 (0.800 to 0.820)",
        "Subset: hard ones (4 rows)",
        "3 rows of train and test with the same sequence",
        "Dropped off contig: 2.",
        "0: 15, 1: 15",
        "0.710",
        "20 references a sequence (dinuc shuffle), seed 3",
        "1 of 2",
        "planted motifs found by filters",
        "ATTGCACAAT",
        "1.0e-06",
        "Its test AUROC is 0.490",
        "from a mean of 1.00 to 4.00",
        "epoch 2, where the validation loss was lowest",
    ],
)
def test_page_says_what_the_files_say(page: Path, words: str) -> None:
    assert words in page.read_text(encoding="utf8")


@pytest.mark.usefixtures("page")
def test_pictures_are_kept(run: RunFolder) -> None:
    kept = {p.stem for p in run.figures.glob("*.png")}
    assert {"training", "performance", "filters", "positional", "evolution", "mutagenesis"} <= kept


def test_markup_in_names_is_text(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "x")
    run.write_text("config.yaml", "name: '<script>alert(1)</script>'\n")
    text = report.build(run.path).read_text(encoding="utf8")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_page_of_an_empty_run_has_no_empty_sections(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "new")
    checker, _ = check(report.build(run.path, out=tmp_path / "elsewhere.html"))
    assert checker.sections == []


def test_replicates_stand_beside_their_baseline(tmp_path: Path) -> None:
    from eugene.runs._replicates import summarise

    def one(value: float) -> dict[str, Any]:
        return {
            "metrics": {"pearson_r2": {"value": value, "low": 0, "high": 1}},
            "baselines": {"kmer_ridge": {"pearson_r2": {"value": 0.43, "low": 0, "high": 1}}},
        }

    run = RunFolder.create(tmp_path / "parent")
    scores = {"default": (0.5, 0.52), "motif_init": (0.53, 0.54)}
    run.write_json(
        "summary.json",
        summarise({arm: {i: one(v) for i, v in enumerate(vs)} for arm, vs in scores.items()}),
    )
    checker, text = check(report.build(run.path))
    assert checker.sections[0] == "replicates"
    for words in ("0.510", "kmer ridge 0.430", "+0.025", "motif init - default", "yes"):
        assert words in text


def test_folders_that_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        report.build(tmp_path / "nowhere")
    with pytest.raises(NotARunError, match="not a run folder"):
        report.build(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (12345, "12,345"),
        (0.12345, "0.123"),
        (3e-9, "3.0e-09"),
        (0.0, "0.000"),
        (float("nan"), "–"),
        (None, "–"),
        (True, "yes"),
        ("x", "x"),
    ],
)
def test_numbers_are_written_for_people(value: Any, text: str) -> None:
    assert number(value) == text


def test_intervals_and_durations() -> None:
    assert interval({"value": 0.5, "low": None, "high": None}) == "0.500"
    assert interval(0.25, 2) == "0.25"
    assert [duration(s) for s in (8.11, 125, 3780)] == ["8.1 s", "2 min 05 s", "1 h 03 min"]
