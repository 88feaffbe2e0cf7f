"""One writer at a time, whoever dies and however: locks with owners."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import seqdata as sd
from seqdata.errors import LockedError, StoreError
from seqdata.store import _lock
from seqdata.store._lock import FileLock, Owner, owner_of

HOLD = (
    "import sys; from seqdata.store import FileLock\n"
    "lock = FileLock(sys.argv[1], 'x.zarr is being built').acquire()\n"
    "print('held', flush=True); sys.stdin.readline()\n"
)


def holder(file: Path) -> subprocess.Popen[str]:
    """Start a process that holds a lock until it is told a line."""
    arguments = [sys.executable, "-c", HOLD, str(file)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture(params=["of the file system", "by name"])
def lock_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "by name":
        request.getfixturevalue("monkeypatch").setattr(_lock, "fcntl", None)
    return tmp_path / "made" / "lock"


def test_one_holder(lock_file: Path) -> None:
    with FileLock(lock_file, "x is being written", fix="Wait.") as lock:
        owner = owner_of(lock_file)
        assert owner is not None
        assert (owner.process, owner.is_alive()) == (os.getpid(), True)
        busy = rf"^x is being written by process {os.getpid()} on .*, since \d{{4}}-.*\. Wait\."
        with pytest.raises(LockedError, match=busy):
            FileLock(lock_file, "x is being written", fix="Wait.").acquire()
        assert lock.acquire() is lock
    assert owner_of(lock_file) is None
    assert list(lock_file.parent.iterdir()) == []
    lock.release()
    with FileLock(lock_file, "x is being written"):
        pass


def test_threads_exclude_each_other(lock_file: Path) -> None:
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(60):
            with contextlib.suppress(LockedError), FileLock(lock_file, "x is being written"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert not lock_file.exists()


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with holder(file) as process:
        with pytest.raises(LockedError, match=f"x.zarr is being built by process {process.pid} "):
            FileLock(file, "x.zarr is being built").acquire()
        process.kill()
        process.wait()
        owner = owner_of(file)
        assert owner is not None
        assert not owner.is_alive()
        with FileLock(file, "x.zarr is being built"):
            assert str(owner_of(file)).startswith(f"process {os.getpid()} ")


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ({}, True),
        ({"process": 2**22 + 1}, False),  # beyond the largest number of a process
        ({"started": 1}, False),  # another process has the number now
        ({"started": -1}, True),
        ({"machine": "elsewhere"}, True),
        ({"machine": "elsewhere", "process": 2**22 + 1}, True),
    ],
)
def test_names_of_the_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], alive: bool
) -> None:
    monkeypatch.setattr(_lock, "fcntl", None)
    file = tmp_path / "lock"
    owner = replace(Owner.me(), **change)  # type: ignore[arg-type]
    file.write_text(json.dumps(asdict(owner)))
    assert owner.is_alive() is alive
    if alive:
        with pytest.raises(LockedError, match=r"If it is dead, remove .*lock"):
            FileLock(file, "x is being written").acquire()
    else:
        with FileLock(file, "x is being written"):
            assert owner_of(file) == replace(Owner.me(), since=owner_of(file).since)  # type: ignore[union-attr]
    assert [p.name for p in tmp_path.iterdir()] == (["lock"] if alive else [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_neither_holds_nor_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    lock = FileLock(file, "x is being written").acquire()
    # the child outlives the lock, as a stuck worker does
    code = f"""
import os, sys, time
from seqdata.store import FileLock
lock = FileLock({str(file)!r}, "x is being written").acquire()
"""
    lock.release()
    code += "if not os.fork():\n    lock.release(); os.write(1, b'child\\n'); time.sleep(60)\n"
    code += "os.write(1, b'parent\\n'); sys.stdin.readline(); os._exit(0)\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"child\n", "parent\n"}
        with pytest.raises(LockedError):
            FileLock(file, "x is being written").acquire()
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait()
        try:
            with FileLock(file, "x is being written"):
                pass
        finally:
            os.killpg(process.pid, 9)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Cannot write beside .*file"):
        sd.FileLock(tmp_path / "file" / "lock", "x is being written").acquire()


def test_a_folder_that_its_owner_removes_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], Path.mkdir

    def mkdir(self: Path, *args: Any, **options: Any) -> None:
        made.append(self)
        if len(made) == 1:
            raise FileExistsError(self)  # it was there, and is gone
        real(self, *args, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with FileLock(tmp_path / "busy" / "lock", "x is being built"):
        assert (tmp_path / "busy" / "lock").exists()
    assert len(made) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write"):
        FileLock(tmp_path / "file" / "lock", "x is being built").acquire()
