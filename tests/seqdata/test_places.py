"""Cache folders that cannot be written: a temporary one takes their place, said once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqdata.datasets._cache import datasets_dir
from seqdata.readers import _places
from seqdata.readers._index_files import cache_dir, cached_path


@pytest.fixture
def barred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that nobody can make, not even root: a file stands where its parent is."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "cache"
    monkeypatch.delenv("EUGENE_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    _places._temporary.cache_clear()
    yield folder
    _places._temporary.cache_clear()
    _places.usable.cache_clear()


def test_one_warning_for_all_that_is_cached(barred: Path, tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match=f"{barred} cannot be written") as told:
        places = [cache_dir(), cache_dir(), cached_path(Path(__file__), "fai", ".fai").parents[1]]
    first = places[0]
    assert places == [first] * 3
    assert len(told) == 1
    assert first.parent == tmp_path / "tmp"
    assert first.stat().st_mode & 0o077 == 0
    with pytest.warns(RuntimeWarning, match="cannot be written"):
        assert datasets_dir().parent == first


def test_a_folder_of_somebody_else_is_not_used(barred: Path, tmp_path: Path) -> None:
    planted = tmp_path / "tmp" / f"eugene-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.warns(RuntimeWarning):
        assert cache_dir() != planted


def test_a_shared_cache_is_read_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EUGENE_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    monkeypatch.setattr(_places, "can_write", lambda folder: folder != tmp_path / "shared")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert datasets_dir() == tmp_path / "shared" / "datasets"
    with pytest.warns(RuntimeWarning, match="takes its place"):
        assert cache_dir() != tmp_path / "shared"
    _places.usable.cache_clear()
    _places._temporary.cache_clear()


def test_a_place_that_was_asked_for_is_taken(barred: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(barred))
    assert cache_dir() == barred
