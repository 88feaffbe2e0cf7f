"""Settings are read at call time and can be put back."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

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
