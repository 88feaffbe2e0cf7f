"""The step ``grammar``: a run on simulated rows from end to end, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import eugene as eu
from eugene.cli import main
from eugene.errors import ConfigError, EugeneError, RunExistsError
from eugene.report._blocks import Section
from eugene.report._grammar import show_grammar
from eugene.runs import RunFolder, run

DEFINITION = """
id: two
task: multi-class
space: DNA
seed: 3
background:
  length: 40
  letters: [{letters: {A: 1, C: 1, G: 1, T: 1}}]
sets:
  training: [{samples: 200, conditions: [one]}, {samples: 200, conditions: [two]}]
  validation: [{samples: 20, conditions: [one]}, {samples: 20, conditions: [two]}]
  test: [{samples: 30, conditions: [one]}, {samples: 30, conditions: [two]}]
conditions:
  one: {label: gata, rules: [{elements: [gata]}]}
  two: {label: ebox, rules: [{elements: [ebox]}]}
elements:
  gata: {kmers: {AGATAAGA: 1}}
  ebox: {kmers: {CCACGTGG: 1}}
"""


def recipe(folder: Path, **grammar: object) -> dict[str, Any]:
    definition = folder / "two.yaml"
    definition.write_text(DEFINITION)
    return {
        "name": "two",
        "seed": 1,
        "data": {
            "name": "grammar",
            "definition": str(definition),
            "target_vars": ["label"],
            "batch_size": 64,
        },
        "model": {
            "name": "cnn",
            "conv_kwargs": {"conv_channels": [8], "conv_kernels": [9], "pool_kernels": [32]},
            "dense_kwargs": {"hidden_dims": [4]},
        },
        "module": {"task": "multiclass_classification", "optimizer_lr": 0.02},
        "trainer": {"max_epochs": 6, "accelerator": "cpu"},
        "baselines": [],
        "evaluate": {"n_bootstrap": 0},
        "interpret": {"grammar": {"n_per_label": 15, "n_bootstrap": 50, **grammar}},
    }


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("grammar")
    return run(recipe(folder, methods=["integrated-gradients"]), run_dir=folder / "run")


@pytest.mark.filterwarnings("ignore::seqexplainer.CompletenessWarning")
def test_a_network_that_learned_the_grammar_looks_at_it(one: RunFolder) -> None:
    found = one.read_json("interpretation/grammar.json")
    metrics = found["metrics"]
    assert found["n"] == 30
    assert found["labels"] == {"one": 15, "two": 15}
    assert metrics["grammar_fraction"]["value"] == pytest.approx(8 / 40)
    precise = metrics["integrated_gradients_smooth_precision"]
    assert precise["low"] <= precise["value"] <= precise["high"]
    assert precise["value"] > 0.5 > 2 * 8 / 40
    # the figures are those of the function on the run's own rows
    current = eu.runs.Run(eu.runs.read_config(one), one)
    again = eu.evaluate.grammar_agreement(
        eu.load(one.path), current.data.ds, ["integrated_gradients"], n_per_label=15, seed=0
    )
    assert precise["value"] == pytest.approx(again.examples["smooth_precision"].mean(), abs=1e-6)
    table = one.table("interpretation/grammar_labels.csv")
    both = table.query("method == 'integrated_gradients' and kind == 'smooth'")
    assert both["precision"].mean() == pytest.approx(precise["value"])
    elements = one.table("interpretation/grammar_elements.csv").set_index("element")
    assert set(elements.index) == {"gata", "ebox"}
    assert (elements["n"] == 15).all()
    assert elements.loc["gata", "found"] > 0.9
    examples = one.table("interpretation/grammar_examples.csv")
    assert set(current.rows("test")) >= set(examples["row"])
    with np.load(one / "interpretation/grammar.npz") as arrays:
        assert arrays["called_integrated_gradients"].shape == (30, 40)
        assert arrays["row"].tolist() == again.chosen.rows.tolist()
        np.testing.assert_allclose(
            arrays["vector_integrated_gradients"],
            again.vectors["integrated_gradients"],
            atol=1e-5,
        )
        planted = arrays["annotation"]
    shares = one.table("interpretation/grammar_positions.csv")
    assert shares["grammar_probability"].sum() == pytest.approx(planted.sum() / 15)


def test_report_compare_and_curves_have_it(
    one: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    page = one.report.read_text()
    for text in (
        "Attributions against the grammar", "Elements of the grammar", "gata", "Smooth precision"
    ):  # fmt: skip
        assert text in page
    drawn = {path.stem for path in one.figures.glob("grammar_*.png")}
    of = "integrated_gradients"
    assert {f"grammar_vector_{of}", f"grammar_called_{of}", "grammar_positions"} <= drawn
    assert main(["compare", str(one.path)]) == 0
    assert "smooth" in capsys.readouterr().out
    curves = one.read_json("evaluation.json")["curves"]
    assert list(curves["classes"]) == ["one", "two"]
    auroc = one.read_json("evaluation.json")["metrics"]["auroc"]["value"]
    assert curves["macro"]["roc_auc"] == pytest.approx(auroc)


def test_it_is_done_again_with_other_settings(
    one: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(one.path, copy)
    with pytest.raises(RunExistsError, match="overwrite"):
        eu.runs.do_step(copy, "grammar", {"n_per_label": 3})
    folder = eu.runs.do_step(
        copy, "grammar", {"n_per_label": 3, "methods": ["deconv"]}, overwrite=True
    )
    assert folder.read_json("interpretation/grammar.json")["methods"] == ["deconvolution"]
    assert folder.read_json("interpretation/grammar.json")["n"] == 6
    words = ["grammar", str(copy), "--overwrite", "--interpret.grammar.predict_threshold", "1.0"]
    out = tmp_path / "labels.csv"
    assert main([*words, "--out", str(out)]) == 0
    nothing = RunFolder(copy).read_json("interpretation/grammar.json")
    assert nothing["n"] == 0
    assert nothing["metrics"]["deconvolution_smooth_precision"]["value"] is None
    assert "none has a label that is predicted correctly" in nothing["why"]
    assert out.read_text().startswith("method,kind,label,precision")
    section = Section("grammar", "Grammar")
    show_grammar(section, RunFolder(copy))
    assert section.blocks[0].text.startswith("Nothing was measured: of 60 rows")
    with pytest.raises(EugeneError, match="no step 'gramar'"):
        eu.runs.do_step(copy, "gramar")
    with pytest.raises(ConfigError, match="n_per_lable"):
        eu.runs.do_step(copy, "grammar", {"n_per_lable": 3})
    capsys.readouterr()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ["smooth-grad"], "compat": "seqgra"}, "failed there"),
        ({"methods": ["gradeint"]}, "gradient"),
        ({"n_steps": 0}, "n_steps"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_training(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(recipe(tmp_path, **changes), run_dir=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_data_without_annotation_are_refused_and_values_have_no_probability(
    tmp_path: Path, tiny: dict[str, Any]
) -> None:
    from eugene.simulate import simulated

    plain = simulated(60, length=140, seed=0).drop_vars("annotation")
    eu_path = tmp_path / "plain.zarr"
    import seqdata as sd

    sd.to_zarr(plain, eu_path)
    tree = {**tiny, "baselines": [], "interpret": {"grammar": {}}}
    split = tiny["data"]["split"]
    tree["data"] = {"name": "zarr", "path": str(eu_path), "target_vars": ["label"], "split": split}
    with pytest.raises(ConfigError, match="no variable 'annotation'"):
        run(tree, run_dir=tmp_path / "run")
    tree = {**tiny, "baselines": [], "module": {"name": "sequence", "task": "regression"}}
    tree["interpret"] = {"grammar": {"methods": ["sis"]}}
    with pytest.raises(ConfigError, match="keeps a probability"):
        run(tree, run_dir=tmp_path / "run")


def test_motifs_of_other_simulated_data_are_elements() -> None:
    import torch

    from eugene.simulate import simulated

    ds: xr.Dataset = simulated(30, length=140, seed=0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(560, 1))
    found = eu.evaluate.grammar_agreement(
        net, ds, ["saliency"], rows=None, predict_threshold=None, seed=0,
        task="binary_classification",
    )  # fmt: skip
    assert set(found.elements["element"]) <= {"CEBPB", "GABPA"}
    assert found.elements["n"].sum() > 10
