"""Settings are read at call time and can be put back."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import eugene as eu
from eugene.errors import EugeneError


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    eu.settings.reset()


def test_change_and_reset() -> None:
    eu.settings.batch_size = 7
    assert eu.settings.batch_size == 7
    eu.settings.reset()
    assert eu.settings.batch_size == 128


def test_context_manager_undoes_itself_even_after_errors() -> None:
    with pytest.raises(RuntimeError, match="stop"), eu.settings(seed=1, figure_dir="x"):
        assert (eu.settings.seed, eu.settings.figure_dir) == (1, Path("x"))
        raise RuntimeError("stop")
    assert (eu.settings.seed, eu.settings.figure_dir) == (13, Path("eugene_figures"))


def test_the_module_and_the_object_are_one() -> None:
    module = importlib.import_module("eugene.settings")
    with eu.settings(dpi=50):
        assert module.dpi == module.settings.dpi == 50
    assert "batch_size" in dir(module)


def test_errors() -> None:
    with pytest.raises(EugeneError, match="did you mean 'batch_size'"):
        eu.settings.batchsize = 3
    with pytest.raises(EugeneError, match="at least 1, got 0"):
        eu.settings.batch_size = 0
    with pytest.raises(EugeneError, match="at least 0, got 'a'"), eu.settings(seed="a"):
        pass
    with pytest.raises(AttributeError, match="did you mean 'seed'"):
        eu.settings.sed  # noqa: B018


def test_no_seed_is_the_seed_of_the_session() -> None:
    network = {"name": "deepbind", "input_len": 20, "output_dim": 1}

    def drawn(seed: int | None) -> list[float]:
        module = eu.models.SequenceModule(network, seed=seed)
        layer = torch.nn.Linear(2, 2)
        eu.models.init_weights(layer, "normal", seed=seed)
        difference = eu.evaluate.paired_difference([0.5, 0.7, 0.1], [0.4, 0.5, 0.6], seed=seed)
        weights = next(module.arch.parameters()).flatten()[:3]
        return [*weights.tolist(), *layer.weight.flatten().tolist(), difference["low"]]

    with eu.settings(seed=5):
        assert drawn(None) == drawn(5)
        assert drawn(None) != drawn(6)
    assert drawn(None) == drawn(13)
    with pytest.raises(EugeneError, match="seed is -1: expected a whole number from 0"):
        eu.models.build("cnn", input_len=50, output_dim=1, seed=-1)
