"""Grids of networks that are compared by more than their accuracy."""

from __future__ import annotations

import pytest

from eugene.config import config_root, load_run_config

WAYS = {"standard": [], "mixup": ["mixup"], "noise": ["noise"], "spectral": ["spectral_norm"]}


@pytest.mark.parametrize("name, n_arms", [("acme", 16), ("rest", 2)])
def test_arms_are_what_they_are_called(name, n_arms):
    config = load_run_config(config_root() / "select" / f"{name}.yaml")
    arms = config.tree["replicates"]["arms"]
    assert len(arms) == n_arms
    trees = []
    for arm in arms:
        activation, norm, way = (*arm.split("_"), "standard")[:3]
        tree = config.arm(arm, 0).tree
        full = {"exp": "exponential", "relu": "relu"}[activation]
        assert tree["model"]["activation"] == full
        assert tree["model"]["batchnorm"] == (norm == "bn")
        given = tree["module"].get("regularizers") or []
        assert [r if isinstance(r, str) else r["name"] for r in given] == WAYS[way]
        trees.append({key: tree[key] for key in ("data", "model", "module", "trainer")})
    assert all(a != b for i, a in enumerate(trees) for b in trees[:i])


def test_every_network_sees_the_same_rows():
    config = load_run_config(config_root() / "select" / "acme.yaml")
    one, two = (config.arm("relu_bn_noise", seed).tree["data"] for seed in (0, 1))
    assert one == two
    assert one["seed"] == one["split"]["seed"] == 22
