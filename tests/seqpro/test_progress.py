"""Progress in one line where somebody looks on, and rare lines where nobody does."""

from __future__ import annotations

import io

import pytest

from seqpro import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let a second pass whenever time is asked for."""
    import tqdm.std

    now = [0.0]

    def time() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(tqdm.std, "time", time)
    monkeypatch.setattr(tqdm.std.tqdm, "monitor_interval", 0)
    return now


def test_nothing_is_shown_unless_asked_for() -> None:
    file = Terminal()
    assert list(progress.bar(range(5), shown=False, file=file)) == [0, 1, 2, 3, 4]
    with progress.counted(shown=False, total=3, file=file) as bar:
        bar.update(3)
    assert file.getvalue() == ""


def test_a_file_gets_a_line_now_and_then(clock: list[float]) -> None:
    file = io.StringIO()
    with progress.counted(shown=True, total=1000, desc="work", file=file) as bar:
        for _ in range(1000):
            bar.update()
            clock[0] += 1.0
    text = file.getvalue()
    assert "\r" not in text
    lines = text.splitlines()
    assert all(line.startswith("work: ") for line in lines)
    # 2,000 seconds and more, a line in 30
    assert 2 <= len(lines) <= clock[0] / 30 + 1
    assert text.endswith("\n")


def test_short_work_writes_nothing_to_a_file() -> None:
    file = io.StringIO()
    assert len(list(progress.bar(range(1000), shown=True, desc="work", file=file))) == 1000
    assert file.getvalue() == ""


def test_a_terminal_keeps_nothing_of_a_bar(clock: list[float]) -> None:
    file = Terminal()
    for _ in progress.bar(range(50), shown=True, desc="work", file=file):
        clock[0] += 1.0
    text = file.getvalue()
    assert "work" in text
    assert "\n" not in text
    assert text.rstrip(" ").endswith("\r")
    assert text.split("\r")[-2].strip() == ""


def test_many_bars_leave_one_line_each_place(clock: list[float]) -> None:
    file = io.StringIO()
    for _ in range(3):
        list(progress.bar(range(10), shown=True, desc="work", file=file))
    # none of them took half a minute
    assert len(file.getvalue().splitlines()) <= 3
