"""The recipes of EvoAug train as its authors did, and their arms differ in nothing else."""

from __future__ import annotations

import pytest

from eugene.config import config_root, find_recipe, load_run_config
from eugene.config import registries as r

RECIPES = sorted(p.stem for p in (config_root() / "recipes").glob("evoaug_*.yaml"))
# what the authors took for DeepSTARR; for ChIP-seq also the other strand
STRENGTHS = {
    "deletion": {"min_length": 0, "max_length": 30},
    "insertion": {"min_length": 0, "max_length": 20},
    "translocation": {"min_shift": 0, "max_shift": 20},
    "noise": {"mean": 0.0, "std": 0.3},
    "mutation": {"fraction": 0.05},
}
STRANDS = {"reverse_complement": {"probability": 0.5}}


@pytest.mark.parametrize("name", RECIPES)
def test_strengths_and_both_stages_are_the_authors(name: str) -> None:
    config = load_run_config(find_recipe(name)).arm("two_stage", 1)
    binary = config.tree["module"]["task"] == "binary_classification"
    first, second = config.stages()
    augment = first.tree["augment"]
    listed = {r.AUGMENTATIONS.resolve(a["name"]): a for a in augment["augmentations"]}
    found = {n: {k: v for k, v in a.items() if k != "name"} for n, a in listed.items()}
    assert found == (STRANDS if binary else {}) | STRENGTHS
    assert (augment["max_augs"], augment["hard"], augment["active"]) == (3, not binary, True)
    assert second.tree["augment"] == {**augment, "active": False}
    trained = [
        (
            stage.tree["module"]["optimizer"],
            stage.tree["module"]["optimizer_lr"],
            stage.tree["module"]["optimizer_kwargs"],
            stage.tree["module"]["scheduler"],
            stage.tree["trainer"]["max_epochs"],
            stage.tree["trainer"]["patience"],
        )
        for stage in (first, second)
    ]
    decay = {"weight_decay": 1e-6}
    assert trained == [
        ("adam", 0.001, decay, "reduce_lr_on_plateau", 100, 10),
        ("adam", 0.0001, decay, None, 5, None),
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_standard_training_is_the_first_stage_without_augmentation(name: str) -> None:
    recipe = load_run_config(find_recipe(name))
    standard, augmented = recipe.arm("standard", 1).tree, recipe.arm("two_stage", 1).stages()[0]
    assert not standard.get("augment") and not standard.get("stages")
    left_out = ("augment", "stages", "replicates")
    assert {k: v for k, v in standard.items() if k not in left_out} == {
        k: v for k, v in augmented.tree.items() if k not in left_out
    }
