"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

REPO = Path(__file__).resolve().parents[1]

# the same examples in every run, so that a change is judged by what it changes; RANDOM_EXAMPLES=1
# looks for new ones
hypothesis.settings.register_profile("same", derandomize=True)
if not os.environ.get("RANDOM_EXAMPLES"):
    hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """Return the root of the source tree."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the repository, or skip."""
    path = REPO.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"real data folder {path} is not here")
    return path


@pytest.fixture(scope="session")
def shared_golden() -> Path:
    """Return the folder of golden vectors beside the repository, or skip."""
    path = REPO.parent / "shared" / "golden"
    if not path.is_dir():
        pytest.skip(f"golden vectors folder {path} is not here")
    return path


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep caches of a test out of the user's home."""
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "eugene-cache"))


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test drew; matplotlib keeps figures until somebody does."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
