"""SIGTERM ends a run with a word and a record, as Ctrl-C does."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from eugene._folder import RunFolder
from eugene.cli._main import main


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals(
    tmp_path: Path,
    number: int,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = RunFolder.create(tmp_path / "run")

    def work(call: Any) -> None:
        with folder.step("fit"):
            os.kill(os.getpid(), number)
            while True:
                pass

    monkeypatch.setattr("eugene.cli._doctor.doctor", work)
    # a shell that starts a program in the background makes it ignore Ctrl-C
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["doctor"]) == code
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert signal.getsignal(signal.SIGTERM) == before
    assert "stopped; " in capsys.readouterr().err
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    assert (state["status"], state["steps"]["fit"]["status"]) == ("stopped", "stopped")
