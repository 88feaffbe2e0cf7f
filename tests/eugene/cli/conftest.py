"""A small trained run, made on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_pictures import pictures_of_one_pixel as pictures_of_one_pixel

TINY = """\
name: tiny
seed: 3
data:
  name: simulated
  n: 240
  length: 140
  target_vars: [label]
  split: {name: random, fractions: [0.6, 0.2, 0.2]}
model:
  name: cnn
  conv_kwargs: {conv_channels: [6], conv_kernels: [13], pool_kernels: [10]}
  dense_kwargs: {hidden_dims: [8]}
module: {name: sequence, task: binary_classification}
trainer: {max_epochs: 1, accelerator: cpu}
evaluate: {n_bootstrap: 20}
interpret:
  attribute: {top: 3, n_references: 2}
  filters: {max_sequences: 30}
  evolve: {rounds: 1, n: 2}
"""


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a YAML file that trains in a second."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory, tiny_file: Path) -> Path:
    """Return the folder of a run that ``eugene fit`` made; nobody writes into it."""
    from eugene.cli import main

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["fit", "--config", str(tiny_file), "--run_dir", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of that run, for one test: what a verb leaves in it no other test sees."""
    return Path(shutil.copytree(trained_once, tmp_path_factory.mktemp("run") / "tiny"))
