"""One small finished run that several tests look at."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tiny_pictures import pictures_of_one_pixel as pictures_of_one_pixel

TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 3,
    "data": {
        "name": "simulated",
        "n": 300,
        "length": 140,
        "target_vars": ["label"],
        "split": {"name": "random", "fractions": [0.6, 0.2, 0.2]},
        "batch_size": 64,
    },
    "model": {
        "name": "cnn",
        "conv_kwargs": {"conv_channels": [6], "conv_kernels": [13], "pool_kernels": [10]},
        "dense_kwargs": {"hidden_dims": [8]},
    },
    "module": {"name": "sequence", "task": "binary_classification"},
    "trainer": {"max_epochs": 2, "accelerator": "cpu"},
    "baselines": [{"name": "kmer_logistic", "k": 2}],
    "evaluate": {"n_bootstrap": 50},
}
EXPLAIN: dict[str, Any] = {
    "attribute": {"top": 4, "n_references": 2},
    "filters": {"max_sequences": 40},
    "positional": {"n_backgrounds": 4, "stride": 30, "pairs": True},
    "evolve": {"rounds": 2, "n": 3},
    "control": {"max_epochs": 1},
}


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Return a run that trains in a second."""
    return copy.deepcopy(TINY)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the folder of a finished run with every step; tests only read it."""
    from eugene.runs import run

    tree = {**copy.deepcopy(TINY), "interpret": copy.deepcopy(EXPLAIN)}
    return run(tree, run_dir=tmp_path_factory.mktemp("runs") / "tiny")
