"""Stages in a file: overlays on the run, judged and filled up as the run itself is."""

from __future__ import annotations

from typing import Any

import pytest

from eugene.config import load_run_config
from eugene.errors import ConfigError

TREE: dict[str, Any] = {
    "name": "two",
    "data": {
        "name": "simulated",
        "n": 100,
        "length": 60,
        "target_vars": ["label"],
        "split": {"name": "random", "fractions": [0.6, 0.2, 0.2]},
    },
    "model": "cnn",
    "module": {"task": "binary_classification", "optimizer_lr": 0.01},
    "trainer": {"max_epochs": 9, "patience": 2},
}


def resolved(*stages: dict[str, Any]) -> Any:
    return load_run_config({**TREE, "stages": list(stages)})


def test_overlays_are_laid_over_the_run_not_over_each_other() -> None:
    config = resolved(
        {"name": "a", "module": {"optimizer_lr": 0.1}, "trainer": {"max_epochs": 1}},
        {"name": "b", "trainer": {"patience": None}, "data": {"split": "stratified"}},
    )
    first, second = config.stages()
    assert first.tree["module"]["optimizer_lr"] == 0.1
    assert second.tree["module"]["optimizer_lr"] == 0.01
    assert (first.tree["trainer"]["max_epochs"], first.tree["trainer"]["patience"]) == (1, 2)
    assert (second.tree["trainer"]["max_epochs"], second.tree["trainer"]["patience"]) == (9, None)
    # another split has none of the arguments of the one before
    assert first.tree["data"]["split"]["name"] == "random"
    assert second.tree["data"]["split"]["name"] == "stratified"
    assert second.last.tree == second.tree == config.last.tree
    assert "stages" not in second.tree


def test_what_is_written_back_says_the_same() -> None:
    config = resolved(
        {"name": "a", "train": "dense_block", "before": "redraw"}
        | {"before": {"name": "redraw", "parameters": ["dense_block"]}},
        {"name": "b", "data": {"name": "table", "path": "x.tsv", "seq_col": "seq"}},
    )
    again = load_run_config(config.tree)
    assert again.tree == config.tree
    assert [s.tree for s in again.stages()] == [s.tree for s in config.stages()]
    stage = config.tree["stages"][0]
    assert stage == {
        "name": "a",
        "freeze": [],
        "train": ["dense_block"],
        "from": "best",
        "lr_scale": {},
        "before": [{"name": "redraw", "parameters": ["dense_block"]}],
    }
    other = config.tree["stages"][1]["data"]
    assert other["alphabet"] == "DNA"
    assert "motifs" not in config.stages()[1].tree["data"]
    assert config.stages()[1].tree["data"]["target_vars"] == ["label"]
    assert "stages:\n  - name: a\n" in config.to_yaml()
    assert load_run_config(TREE).stages()[0].tree == load_run_config(TREE).tree


@pytest.mark.parametrize(
    ("stage", "path", "message"),
    [
        ({"module": {"optimizer_lrr": 1}}, "module.optimizer_lrr", "did you mean 'optimizer_lr'"),
        ({"module": {"optimizer_lr": "x"}}, "module.optimizer_lr", "expected float"),
        ({"module": {"loss_fxn": "cross_entropy"}}, "module.loss_fxn", "no loss of"),
        ({"trainer": {"max_epochs": 0}}, "trainer.max_epochs", "expected 1 or more"),
        ({"trainer": {"devices": 2}}, "trainer.devices", "all stages have the same"),
        ({"model": {"name": "bpnet"}}, "model.name", "all stages have the same"),
        ({"freeze": 3}, "freeze", r"expected list\[str\]"),
        ({"from": "first"}, "from", "best"),
        ({"nme": "x"}, "nme", "did you mean 'name'"),
        ({"before": "redrw"}, "before[0].name", "did you mean 'redraw'"),
        ({"name": "a/b"}, "name", "names a folder"),
        ({"name": "first"}, "name", "another stage is called"),
    ],
)
def test_mistakes_are_told_at_their_place(stage: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as found:
        resolved({"name": "first"}, {"name": "second", **stage})
    assert f"$.stages[1].{path}" in {problem.path for problem in found.value.problems}


def test_lines_are_those_of_the_file(tmp_path: Any) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "data: {name: simulated, target_vars: [label], split: random}\nmodel: cnn\n"
        "module: {task: binary_classification}\nstages:\n  - name: a\n  - name: b\n"
        "    data:\n      batch_size: 0\n"
    )
    with pytest.raises(ConfigError, match=r"run\.yaml:8: \$\.stages\[1\]\.data\.batch_size: is 0"):
        load_run_config(file)
    for text in ("stages: []", "stages: {name: a}"):
        file.write_text(f"data: {{name: simulated, target_vars: [label]}}\nmodel: cnn\n{text}\n")
        with pytest.raises(ConfigError, match=r"\$\.stages"):
            load_run_config(file)
