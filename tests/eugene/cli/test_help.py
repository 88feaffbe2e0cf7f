"""Every verb: short help, one --out, --device where a network runs, a file as its first word."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from eugene.cli import main
from eugene.cli._call import help_text, parse_call, verb_options
from eugene.cli._verbs import VERBS
from eugene.errors import UsageError

NETWORK = (
    "quickstart",
    "run",
    "tune",
    "fit",
    "test",
    "predict",
    "attribute",
    "motifs",
    "variants",
    "evolve",
    "robustness",
    "consistency",
    "grammar",
    "evaluate",
    "seqlets",
    "modisco",
)
# verbs of several actions, some of which run a network
ACTIONS = ("constructs", "tracks")
CONFIGURED = [name for name, verb in VERBS.items() if verb.configured]
WRITES = [
    *NETWORK, *ACTIONS, "report", "compare", "data", "datasets", "simulate", "select", "init",
]  # fmt: skip


def run(capsys: Any, *words: Any) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("name", VERBS)
def test_help_is_about_the_verb(name: str, capsys: Any) -> None:
    code, text, _ = run(capsys, name, "--help")
    assert code == 0
    assert len(text.splitlines()) <= 35
    assert max(map(len, text.splitlines())) <= 110
    for option in verb_options(VERBS[name]):
        assert option.flag in text
    code, whole, _ = run(capsys, name, "--help-all")
    assert code == 0
    assert (len(whole.splitlines()) > 50) is VERBS[name].configured
    if VERBS[name].configured:
        assert "--help-all" in text
        assert "--data.split" in whole


@pytest.mark.parametrize("name", VERBS)
def test_what_verbs_have_in_common(name: str) -> None:
    flags = {option.flag: option for option in VERBS[name].options}
    assert ("--device" in flags) is (name in (*NETWORK, *ACTIONS))
    assert ("--out" in flags) is (name in WRITES)
    assert "--output" not in flags


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_file_is_the_first_word(name: str) -> None:
    words = ["info"] if name == "data" else []
    call = parse_call(VERBS[name], [*words, "some/run.yaml"])
    if name != "data":
        assert call.config_file == "some/run.yaml"
        assert call.run_dir is None
        with pytest.raises(UsageError, match="give one configuration"):
            _ = parse_call(VERBS[name], ["a.yaml", "--config", "b.yaml"]).config_file
    if "[RUN_DIR" in VERBS[name].words:
        call = parse_call(VERBS[name], ["runs/x", "--config", "b.yaml"])
        assert (call.run_dir, call.config_file) == ("runs/x", "b.yaml")


@pytest.mark.parametrize("spelling", ["--out", "--run_dir"])
@pytest.mark.parametrize("name", ["quickstart", "run", "fit"])
def test_where_a_run_goes(name: str, spelling: str) -> None:
    call = parse_call(VERBS[name], ["a.yaml", spelling, "there"])
    assert call.overrides == (("run_dir", "there"),)


@pytest.mark.parametrize("name", ["predict", "compare", "attribute", "variants"])
def test_old_spellings(name: str) -> None:
    for flag in ("--out", "--output", "--out=x.tsv", "--output=x.tsv"):
        words = [flag] if "=" in flag else [flag, "x.tsv"]
        assert parse_call(VERBS[name], ["runs/x", *words]).get("out") == "x.tsv"


@pytest.mark.parametrize("name", NETWORK)
def test_a_device_that_is_not_there(name: str, capsys: Any, trained: Path, tiny_file: Path) -> None:
    word = tiny_file if name in ("quickstart", "run", "tune", "fit") else trained
    extra: list[Any] = []
    if name == "tune":
        extra = ["--module.optimizer_lr", "{search: uniform, low: 0.1, high: 0.2}"]
    if name in ("variants", "attribute", "predict"):
        fasta = trained.parent / "one.fa"
        fasta.write_text(">a\n" + "ACGT" * 35 + "\n")
        vcf = trained.parent / "v.tsv"
        vcf.write_text("chrom\tpos\tref\talt\na\t70\tC\tA\n")
        extra = ["--fasta", fasta, "--vcf", vcf] if name == "variants" else ["--input", fasta]
        extra += ["--out", trained.parent / "o.zarr"] if name == "attribute" else []
    before = (trained / "state.json").read_bytes()
    code, _, err = run(capsys, name, word, *extra, "--device", "cuda:77", "--overwrite")
    assert code == 2
    assert "device='cuda:77' cannot be used" in err
    assert (trained / "state.json").read_bytes() == before


def test_a_device_of_training_is_the_trainer_s(capsys: Any, tiny_file: Path) -> None:
    code, out, _ = run(capsys, "fit", tiny_file, "--device", "cpu", "--print_config")
    assert code == 0
    assert "accelerator: cpu" in out


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["predict", "{run}", "--out", "{tmp}/none/x.tsv"], "none does not exist"),
        (["predict", "{run}", "--out", "{tmp}/x.xls"], "ends in .csv or .tsv or .txt"),
        (["compare", "{run}", "--out", "{tmp}/x"], "ends in .csv"),
        (
            ["test", "{run}", "--out", "{tmp}/x.html", "--overwrite"],
            "ends in .csv or .tsv or .json",
        ),
        (["report", "{run}", "--out", "{tmp}"], "ends in .html"),
        (["evolve", "{run}", "--out", "{tmp}/none/x.csv"], "none does not exist"),
        (["motifs", "{run}", "--out", "{tmp}/none/x.meme"], "none does not exist"),
        (["fit", "{run}"], "is a folder: 'eugene fit"),
        (["run", "{run}"], "is a folder: 'eugene run"),
        (["fit", "{tmp}/nothing.yaml"], "nothing.yaml"),
        (["run", "jores21_leaf", "--config", "{tmp}/a.yaml"], "give one of them"),
    ],
)
def test_places_are_looked_at_first(
    words: list[str], match: str, capsys: Any, trained: Path, tmp_path: Path
) -> None:
    before = (trained / "state.json").read_bytes()
    code, _, err = run(capsys, *(w.format(run=trained, tmp=tmp_path) for w in words))
    assert code == 2, err
    assert match in err
    assert "Traceback" not in err
    assert (trained / "state.json").read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_results_go_where_out_says(capsys: Any, trained: Path, tmp_path: Path) -> None:
    code, *_ = run(capsys, "test", trained, "--overwrite", "--quiet", "--out", tmp_path / "t.json")
    assert code == 0
    figures = json.loads((tmp_path / "t.json").read_text())
    table = tmp_path / "t.csv"
    assert run(capsys, "test", trained, "--overwrite", "--quiet", "--out", table)[0] == 0
    lines = table.read_text().splitlines()
    assert lines[0] == "model,metric,value,low,high"
    value = float(next(x for x in lines if x.startswith("network,auroc,")).split(",")[2])
    assert value == pytest.approx(figures["metrics"]["auroc"]["value"])
    assert run(capsys, "report", trained, "--out", tmp_path / "page.html")[0] == 0
    assert "<html" in (tmp_path / "page.html").read_text()[:200]


def test_replicates_are_told_from_a_run(capsys: Any, trained: Path, tmp_path: Path) -> None:
    import shutil

    whole = tmp_path / "whole"
    whole.mkdir()
    for name in ("config.yaml", "state.json"):
        shutil.copy(trained / name, whole)
    for seed in (1, 2):
        (whole / "default" / f"seed_{seed}").mkdir(parents=True)
        shutil.copy(trained / "state.json", whole / "default" / f"seed_{seed}")
    before = {p: p.read_bytes() for p in whole.rglob("*") if p.is_file()}
    verbs = (["test"], ["predict"], ["attribute"], ["motifs"], ["evolve"], ["fit", "--resume"])
    for verb, *more in verbs:
        code, _, err = run(capsys, verb, whole, *more)
        assert code == 2, verb
        assert "holds 2 runs over seeds and arms" in err, verb
        assert "fit --resume" not in err, verb
    assert {p: p.read_bytes() for p in whole.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("seeds", ["[]", "[1, 1]"])
def test_seeds_that_cannot_be(seeds: str, capsys: Any, tiny_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(f"{tiny_file.read_text()}replicates: {{seeds: {seeds}}}\n")
    code, _, err = run(capsys, "run", file)
    assert code == 2
    assert "$.replicates.seeds" in err
    code, _, err = run(capsys, "fit", file.rename(tmp_path / "s.yaml"), "--replicates.seeds", "[1]")
    assert code == 2
    assert "$.replicates: asks for a training a seed" in err


def test_help_text_of_a_document_lists_its_things() -> None:
    from eugene.config import parse_text

    document = parse_text("data: {name: table}\nmodel: {name: deepstarr}\n")
    assert "--data.seq_col" in help_text(parse_call(VERBS["fit"], ["--help"]), document)
    assert logging.getLogger("eugene").level == logging.NOTSET


@pytest.mark.parametrize("step", ["attribute", "evolve"])
def test_an_output_that_is_not_there_is_told_before_training(
    step: str, capsys: Any, tiny_file: Path, tmp_path: Path
) -> None:
    words = [tiny_file, f"--interpret.{step}.target", "9", "--out", tmp_path / "r", "--quiet"]
    code, _, err = run(capsys, "run", *words)
    assert code == 2
    assert f"$.interpret.{step}.target: the network has no output 9: expected 0" in err
    assert not (tmp_path / "r").exists()
