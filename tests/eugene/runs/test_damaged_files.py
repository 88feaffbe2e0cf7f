"""Files of a run folder that were damaged: told by name, by everything that reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import eugene as eu
from eugene._folder import RunFolder
from eugene.errors import NotARunError
from eugene.plot._training import read_history

DAMAGE: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"metrics": {"r2": {"val',
    "bytes": bytes(range(128, 200)),
    "a list": b"[1, 2]",
    "a number": b"7",
    "too deep": b"[" * 100_000,
}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


READERS: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: RunFolder(path).read_json("evaluation.json"),
    "report": eu.report.build,
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("reader", READERS)
def test_damaged_json(run: RunFolder, reader: str, how: str) -> None:
    (run.path / "evaluation.json").write_bytes(DAMAGE[how])
    with pytest.raises(NotARunError, match=r"run.evaluation\.json .*damaged"):
        READERS[reader](run.path)


@pytest.mark.parametrize("how", ["data.json", "versions.json", "evaluation.json"])
@pytest.mark.parametrize("content", [{"metrics": 7}, {"targets": ["a"]}, {"splits": None}])
def test_json_of_another_shape(run: RunFolder, how: str, content: object) -> None:
    """A report is made of what fits, or tells which section does not."""
    (run.path / how).write_text(json.dumps(content))
    try:
        assert eu.report.build(run.path).is_file()
    except NotARunError as error:
        told = str(error)
        assert str(run.path) in told


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b'a,b\n"1', b"epoch\n1,2,3\n4\n5,6,7,8\n"]
)
def test_damaged_metrics(run: RunFolder, content: bytes) -> None:
    (run.path / "metrics.csv").write_bytes(content)
    with pytest.raises(eu.errors.EugeneError, match=r"metrics\.csv"):
        read_history(run.path)
