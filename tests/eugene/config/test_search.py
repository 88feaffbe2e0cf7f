"""Search spaces of a file: what their entries mean, and that whatever they try is legal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eugene.config import (
    Document,
    dump_yaml,
    find_recipe,
    load_run_config,
    mutable,
    parse_file,
    parse_text,
)
from eugene.config._search import first_values, probes, search_entries, with_values
from eugene.config._search_checks import find_problems
from eugene.config.registries import SEARCHES
from eugene.errors import ConfigError

LR = {"search": "loguniform", "low": 1e-4, "high": 1e-2}
FILE = """
name: small
data: {name: zarr, path: rows.zarr, split: random, target_vars: [y]}
model: {name: cnn}
module:
  optimizer: adam
  optimizer_lr: {search: loguniform, low: 1e-4, high: 1e-2}
"""


def problems(text: str, **changed: object) -> list[str]:
    document = parse_text(text, "run.yaml")
    for dotted, value in changed.items():
        section, _, key = dotted.partition("__")
        document.tree.setdefault(section, {})[key] = value
    return [f"{p.path}: {p.message}" for p in find_problems(document)]


def test_a_sound_space_has_no_problem_and_every_value_in_it_resolves() -> None:
    found = load_run_config(
        find_recipe("quickstart"),
        overrides={
            "module.optimizer_lr": LR,
            "model.conv_kwargs.conv_channels": [
                {"search": "int", "low": 16, "high": 32, "q": 8},
                {"search": "choice", "values": [32, 64]},
            ],
            "data.batch_size": {"search": "lograndint", "low": 32, "high": 256},
            "trainer.gradient_clip_val": {"search": "choice", "values": [None, 1.0]},
        },
        searched=True,
    )
    assert found.searched
    assert found.tree["tune"]["algorithm"] == "random"
    assert found.tree["module"]["optimizer_lr"] == LR
    one = found.candidate(
        {
            "module.optimizer_lr": 0.005,
            "model.conv_kwargs.conv_channels.0": 24,
            "model.conv_kwargs.conv_channels.1": 64,
            "data.batch_size": 100,
            "trainer.gradient_clip_val": None,
        }
    )
    plain = load_run_config(
        find_recipe("quickstart"),
        overrides={
            "module.optimizer_lr": 0.005,
            "model.conv_kwargs.conv_channels": [24, 64],
            "data.batch_size": 100,
        },
    )
    assert one.tree == plain.tree
    assert not one.searched


def test_what_is_written_back_is_the_same_search(tmp_path: Path) -> None:
    first = load_run_config(parse(FILE), searched=True)
    (tmp_path / "config.yaml").write_text(first.to_yaml())
    again = load_run_config(tmp_path / "config.yaml", searched=True)
    assert again.tree == first.tree
    assert again.candidate({"module.optimizer_lr": 0.01}).tree == (
        first.candidate({"module.optimizer_lr": 0.01}).tree
    )


def parse(text: str) -> dict[str, object]:
    return parse_text(text).tree


def test_defaults_of_a_section_whose_name_is_searched_are_those_of_each_name() -> None:
    tree = parse(FILE)
    tree["model"] = {"name": {"search": "choice", "values": ["deepstarr", "basset"]}}
    found = load_run_config(tree, searched=True)
    assert found.tree["model"] == tree["model"]
    trees = [
        found.candidate({"module.optimizer_lr": 0.001, "model.name": name}).tree["model"]
        for name in ("deepstarr", "basset")
    ]
    assert [t["name"] for t in trees] == ["deepstarr", "basset"]
    assert trees[0].keys() - {"name"}


def test_a_run_of_a_search_space_is_told_of_tune() -> None:
    with pytest.raises(ConfigError, match=r"optimizer_lr: is a search space: 'eugene tune'"):
        load_run_config(parse(FILE))
    with pytest.raises(ConfigError, match="nothing is searched"):
        load_run_config({"data": {"name": "zarr", "path": "x"}, "model": "cnn"}, searched=True)


WRONG = {
    "lower end": (
        {"module__optimizer_lr": {"search": "loguniform", "low": 0, "high": 1}},
        "$.module.optimizer_lr.low: is 0, expected more than 0 on a logarithmic scale",
    ),
    "ends swapped": (
        {"module__optimizer_lr": {"search": "uniform", "low": 2, "high": 1}},
        "$.module.optimizer_lr.high: is 1, expected more than low, which is 2",
    ),
    "no such domain": (
        {"module__optimizer_lr": {"search": "logunifrom", "low": 1, "high": 2}},
        "$.module.optimizer_lr.search: no search is called 'logunifrom'; "
        "did you mean 'loguniform'?",
    ),
    "missing end": (
        {"module__optimizer_lr": {"search": "uniform", "low": 1}},
        "$.module.optimizer_lr: search 'uniform' needs 'high' (float)",
    ),
    "fractions where whole numbers stand": (
        {"data__batch_size": {"search": "uniform", "low": 16, "high": 64}},
        "$.data.batch_size: the search may try 16.0: data source 'zarr': expected int, got 16.0; "
        "'search: int' draws whole numbers",
    ),
    "below the bound of the argument": (
        {"data__batch_size": {"search": "int", "low": 0, "high": 64}},
        "$.data.batch_size: the search may try 0: is 0, expected 1 or more",
    ),
    "below what an optimiser takes": (
        {"module__optimizer_lr": {"search": "uniform", "low": -0.1, "high": 0.1}},
        "$.module.optimizer_lr: the search may try -0.1: is -0.1, expected 0 or more",
    ),
    "one bad name in a list": (
        {"module__optimizer": {"search": "choice", "values": ["adam", "sdg"]}},
        "$.module.optimizer: the search may try 'sdg': no optimizer is called 'sdg'; "
        "did you mean 'sgd'?",
    ),
    "no whole number of steps": (
        {"data__batch_size": {"search": "int", "low": 10, "high": 25, "q": 10}},
        "$.data.batch_size.high: 25 is no whole number of steps of 10 above 10",
    ),
    "the rows": (
        {"data__split": {"search": "choice", "values": ["random"]}},
        "$.data.split: cannot be searched: the rows, their split and their targets are the same "
        "in all trials",
    ),
    "an argument of the source": (
        {"data__path": {"search": "choice", "values": ["a.zarr", "b.zarr"]}},
        "$.data.path: cannot be searched: the rows, their split and their targets are the same "
        "in all trials",
    ),
    "what trials are compared by": (
        {"trainer__monitor": {"search": "choice", "values": ["val_loss", "val_r2"]}},
        "$.trainer.monitor: cannot be searched: tune.metric says what trials are compared by",
    ),
    "the loss that trials are compared by": (
        {"module__loss_fxn": {"search": "choice", "values": ["mse", "mae"]}},
        "$.module.loss_fxn: changes the loss, and trials are compared by val_loss, which is "
        "another quantity in each then: give tune.metric, such as val_pearson",
    ),
    "nothing logs the metric": (
        {"tune__metric": "val_perason"},
        "$.tune.metric: nothing logs 'val_perason'; did you mean 'val_pearson'?",
    ),
    "training rows": (
        {"tune__metric": "train_loss"},
        "$.tune.metric: is 'train_loss': trials are compared on validation rows, by val_loss for "
        "example",
    ),
    "a grid without end": (
        {"tune__algorithm": "grid"},
        "$.module.optimizer_lr: has no grid: 'loguniform' has no end of values. Give them with "
        "'search: grid', or steps with 'quniform', or choose tune.algorithm: random",
    ),
    "nothing to change in training": (
        {"tune__scheduler": "pbt", "module__optimizer_lr": 0.1,
         "data__batch_size": {"search": "int", "low": 1, "high": 64}},
        "$.tune.scheduler: pbt changes values while networks are trained, and the space has none "
        "for which that is possible: module.optimizer_lr, module.optimizer_kwargs.*, "
        "trainer.gradient_clip_val, model.*dropout*, augment.max_augs, augment.hard, "
        "augment.homolog_rate, augment.augmentations.*.*",
    ),
    "several devices": (
        {"trainer__devices": 2},
        "$.trainer.devices: is 2: a trial is trained on one device; leave it out",
    ),
    "an unknown resource": (
        {"tune__resources": {"gpus": 1}},
        "$.tune.resources.gpus: expected cpu or gpu; did you mean 'gpu'?",
    ),
    "an unknown key": (
        {"tune__algoritm": "random"},
        "$.tune.algoritm: $.tune has no 'algoritm'; did you mean 'algorithm'?",
    ),
    "a search in a search": (
        {"module__optimizer_kwargs": {"search": "choice", "values": [{"weight_decay": LR}]}},
        "$.module.optimizer_kwargs.values: .weight_decay: a search cannot stand inside another "
        "one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_is_told_with_its_place(case: str) -> None:
    changed, message = WRONG[case]
    assert problems(FILE, **changed) == [message]


def test_strengths_of_augmentations_change_in_training_unless_sequences_grow_by_them() -> None:
    tree = parse_file(find_recipe("evoaug_strengths")).tree
    changed = [e.dotted for e in search_entries(tree) if mutable(e.dotted, tree)]
    assert changed == [
        "augment.augmentations.0.probability",
        "augment.augmentations.1.max_length",
        "augment.augmentations.3.max_shift",
        "augment.augmentations.4.std",
        "augment.augmentations.5.fraction",
        "augment.max_augs",
    ]
    grown = "augment.augmentations.2.max_length"
    for key, value in (("length", "keep"), ("compat", "evoaug2")):
        assert mutable(grown, {"augment": {**tree["augment"], key: value}})
    others = {"augment": {"augmentations": [{"name": "my_own", "size": 3}, {"name": LR}]}}
    assert not mutable("augment.augmentations.0.size", others)
    assert not mutable("augment.augmentations.1.name", others)


def test_the_seed_of_a_search_is_one() -> None:
    document = parse_text(FILE + "seed: {search: int, low: 0, high: 3}\n")
    assert [str(p) for p in find_problems(document)] == [
        "<text>:8: $.seed: cannot be searched: all trials have the run's seed; 'replicates' "
        "compares seeds"
    ]


STAGES = """
stages:
  - {name: coarse, trainer: {monitor: val_r2}}
  - name: fine
    freeze: {search: choice, values: [[], ["convs.*"]]}
    module: {optimizer_lr: {search: loguniform, low: 1e-5, high: 1e-3}}
"""


def test_values_of_a_stage_can_be_searched() -> None:
    tree = {**parse(FILE + STAGES), "tune": {"metric": "val_pearson"}}
    found = load_run_config(tree, searched=True)
    values = {
        "module.optimizer_lr": 0.01,
        "stages.1.freeze": ["convs.*"],
        "stages.1.module.optimizer_lr": 1e-4,
    }
    one = found.candidate(values)
    assert one.tree["module"]["optimizer_lr"] == 0.01
    assert one.last.tree["module"]["optimizer_lr"] == 1e-4
    assert [s.tree["trainer"]["monitor"] for s in one.stages()] == ["val_pearson"] * 2
    assert one.tree["stages"][1]["freeze"] == ["convs.*"]
    assert problems(FILE + STAGES, tune__scheduler="asha") == [
        "$.tune.scheduler: asha compares epochs, and trials of several stages are compared by "
        "their last one when it is over: use none"
    ]
    split = "data: {split: {search: choice, values: [random]}}"
    wrong = STAGES.replace("freeze:", f"{split}\n    train:")
    assert "the rows, their split" in problems(FILE + wrong)[0]


def test_lines_are_those_of_the_file() -> None:
    text = FILE.replace("low: 1e-4", "low: -1")
    assert str(find_problems(parse_text(text, "run.yaml"))[0]).startswith("run.yaml:7: ")


def test_names_that_do_not_go_together_are_found() -> None:
    found = problems(
        FILE.replace("name: cnn", "name: {search: choice, values: [cnn, deepstarr]}, pool: max")
    )
    assert len(found) == 1
    assert found[0].startswith("$.model.pool: model 'deepstarr' has no 'pool'; ")
    assert found[0].endswith("; with $.model.name 'deepstarr', $.module.optimizer_lr 0.0001")


def test_a_metric_stands_in_for_what_the_trainer_watches() -> None:
    found = load_run_config({**parse(FILE), "tune": {"metric": "val_pearson"}}, searched=True)
    trainer = found.candidate({"module.optimizer_lr": 0.01}).tree["trainer"]
    assert trainer["monitor"] == "val_pearson"
    assert found.tree["trainer"]["monitor"] == "val_loss"


def test_seeds_and_arms_wait_until_the_search_is_over() -> None:
    tree = {**parse(FILE), "replicates": {"seeds": [0, 1]}}
    found = load_run_config(tree, searched=True)
    assert "replicates" not in found.candidate({"module.optimizer_lr": 0.01}).tree


def test_paths_that_are_tried_are_settled_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    tree = parse(FILE)
    tree["model"] = {
        "name": "cnn",
        "weights": {"search": "choice", "values": [None, "a.safetensors"]},
    }
    (tmp_path / "run.yaml").write_text(dump_yaml(tree))
    found = load_run_config(tmp_path / "run.yaml", searched=True)
    assert found.tree["model"]["weights"]["values"] == [None, str(tmp_path / "a.safetensors")]


POINTS = {
    "uniform": ({"low": 0, "high": 1}, None),
    "loguniform": ({"low": 0.1, "high": 1}, None),
    "quniform": ({"low": 0.1, "high": 0.4, "q": 0.1}, [0.1, 0.2, 0.3, 0.4]),
    "int": ({"low": 1, "high": 7, "q": 3}, [1, 4, 7]),
    "lograndint": ({"low": 1, "high": 3}, [1, 2, 3]),
    "choice": ({"values": [[1], "a"]}, [[1], "a"]),
    "grid": ({"values": [2, 1]}, [2, 1]),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_every_domain_knows_its_points(name: str) -> None:
    arguments, points = POINTS[name]
    domain = SEARCHES.build(name, **arguments)
    assert domain.points() == points
    assert list(domain.faults()) == []
    assert {*map(str, domain.probes())} <= {*map(str, points or domain.probes())}


def test_a_large_space_is_probed_place_by_place() -> None:
    values = {"search": "choice", "values": list(range(30))}
    tree = {"model": dict.fromkeys("abc", values)}
    found = search_entries(tree)
    tried = list(probes(found, most=100))
    assert len(tried) == 1 + 3 * 29 + 1
    for entry in found:
        assert {one[entry.dotted] for one in tried} == set(range(30))
    assert len(list(probes(found[:1]))) == 30


def test_values_take_the_place_of_entries_in_lists() -> None:
    document = Document({"a": [1, {"search": "choice", "values": [5, 6]}]})
    assert first_values(document) == {"a.1": 5}
    assert with_values(document, {"a.1": 6}).tree == {"a": [1, 6]}
    assert document.tree["a"][1]["values"] == [5, 6]


def test_nothing_heavy_is_imported_for_it() -> None:
    code = (
        "import sys\nfrom eugene.config import load_run_config, parse_text\n"
        f"load_run_config(parse_text({FILE!r}).tree, searched=True)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "eugene.config._search" in imported
    assert not {"torch", "ray", "optuna", "numpy"} & imported
