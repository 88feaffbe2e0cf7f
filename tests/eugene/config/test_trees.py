"""Every shipped configuration resolves to the tree that it always had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eugene.config import config_root, load_run_config

KEPT = json.loads((Path(__file__).parents[2] / "golden" / "config_trees.json").read_text())


def test_every_file_is_kept():
    assert {f"{p.parent.name}/{p.stem}" for p in config_root().glob("*/*.yaml")} == set(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_trees_stay(name):
    tree = load_run_config(config_root() / f"{name}.yaml").tree
    assert tree == KEPT[name]
    assert [*tree] == [*KEPT[name]]
