"""A grid that is done once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_pictures import pictures_of_one_pixel as pictures_of_one_pixel
from toy_grid import GRAMMAR, small_grid

from eugene.select import Grid


@pytest.fixture(scope="session")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grammar") / "toy.yaml"
    path.write_text(GRAMMAR)
    return path


@pytest.fixture(scope="session")
def done(definition: Path, tmp_path_factory: pytest.TempPathFactory) -> Grid:
    return small_grid(definition, tmp_path_factory.mktemp("select") / "grid")
