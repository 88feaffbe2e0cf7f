"""Every shipped configuration resolves to the tree that it always had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eugene.config import config_root, is_selection, load_run_config, load_selection

REPO = Path(__file__).resolve().parents[3]
KEPT = json.loads((Path(__file__).parents[2] / "golden" / "config_trees.json").read_text())


def test_every_file_is_kept():
    assert {f"{p.parent.name}/{p.stem}" for p in config_root().glob("*/*.yaml")} == set(KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_trees_stay(name):
    searched, path = name.startswith("searches/"), config_root() / f"{name}.yaml"
    read = load_selection(path) if is_selection(path) else load_run_config(path, searched=searched)
    tree = read.tree
    # paths of files that are here are made absolute
    here = f"{REPO.parent}/"
    assert json.loads(json.dumps(tree).replace(f"{REPO}/", "").replace(here, "../")) == KEPT[name]
    assert [*tree] == [*KEPT[name]]
