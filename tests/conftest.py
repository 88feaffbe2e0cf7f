"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

REPO = Path(__file__).resolve().parents[1]

# threads of torch that wait for each other on a busy machine take ten times as long; processes
# that a test starts inherit this
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.append(str(REPO / "tests"))
from left_clients import none_left  # noqa: E402 - the tests are no package
from own_modules import forget_modules_of  # noqa: E402
from simulated_files import Files  # noqa: E402

# the same examples in every run, so that a change is judged by what it changes; RANDOM_EXAMPLES=1
# looks for new ones. Nothing is judged by the time it took: other work may run on this machine.
# A path of the test's own may be written by every example.
BUSY = {
    "deadline": None,
    "suppress_health_check": [
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
}
hypothesis.settings.register_profile("same", derandomize=True, **BUSY)
hypothesis.settings.register_profile("random", **BUSY)
hypothesis.settings.load_profile("random" if os.environ.get("RANDOM_EXAMPLES") else "same")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what collecting made out of the collector's rounds: it stays to the end anyway."""
    gc.collect()
    gc.freeze()


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
def data_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the real data where they are, small simulated files of the same names elsewhere."""
    return Files(REPO.parent / "shared" / "data", tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="session")
def golden_files() -> Path:
    """Return the folder of small numbers of other programs, part of the repository."""
    return REPO / "tests" / "golden"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep caches of a test out of the user's home."""
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "eugene-cache"))


@pytest.fixture(autouse=True)
def _own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget modules that a test imported from its own folder: another may write its own."""
    before, path = set(sys.modules), [*sys.path]
    yield
    sys.path[:] = path
    if len(sys.modules) > len(before):
        forget_modules_of(tmp_path_factory.getbasetemp(), set(sys.modules) - before)


@pytest.fixture(autouse=True)
def _no_client_left() -> Iterator[None]:
    """Close a client of dask that a test leaves open, and say so: every later test would use it."""
    with none_left() as left:
        yield
    assert not left, f"this test left to others what it computed by: {', '.join(left)}"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Give torch one thread again: others that share its pool of threads set theirs."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test drew; matplotlib keeps figures until somebody does."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture
def own_registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test register things of its own: afterwards registries, path and modules are as before.

    Modules count as the test's own if they come from a folder that it put on the path.
    """
    from eugene.config import _plugins, registries

    before = [*sys.path]
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(_plugins, "_state", _plugins._State())
    for registry in registries.REGISTRIES.values():
        for part in ("_entries", "_objects", "_aliases", "_origins"):
            monkeypatch.setattr(registry, part, dict(getattr(registry, part)))
    loaded = set(sys.modules)
    yield
    own = [Path(p).resolve() for p in sys.path if p not in before]
    for name in set(sys.modules) - loaded:
        file = getattr(sys.modules[name], "__file__", None)
        if file and any(folder in Path(file).resolve().parents for folder in own):
            del sys.modules[name]
