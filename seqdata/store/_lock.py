"""One writer at a time: a file that a process holds, with its owner written in it."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import platform
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from seqdata.errors import LockedError, StoreError
from seqdata.store._leftovers import machine

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

_WAIT = "Wait until it is done, stop it, or pass another path."


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Parameters
    ----------
    host : str
        Name of its machine.
    process : int
        Number of its process.
    since : str
        When it took the lock.
    machine : str
        What tells its machine and container from others that see the same disk.
    started : int
        When the process started, in ticks of its machine's clock; -1 where that is not known.

    Examples
    --------
    >>> Owner.me().is_alive()
    True
    """

    host: str
    process: int
    since: str
    machine: str
    started: int

    @classmethod
    def me(cls) -> Owner:
        """Return this process."""
        now = datetime.datetime.now().isoformat(" ", "seconds")
        return cls(platform.node(), os.getpid(), now, machine(), _started(os.getpid()))

    @classmethod
    def of(cls, text: str) -> Owner | None:
        """Return the owner that a lock file names, None where it names none."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def is_alive(self) -> bool:
        """Say whether the process runs; one of another machine is taken to."""
        if self.machine != machine() or os.name != "posix":
            return True
        try:
            os.kill(self.process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
        started = _started(self.process)
        # numbers of processes are used again
        return -1 in (started, self.started) or started == self.started

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"


class FileLock:
    """Hold a file, so that nobody else does until it is let go or this process ends.

    The lock is the file system's own, which ends with its process however that dies. On file
    systems without locks the file itself is the lock: it is taken from an owner that is dead on
    this machine, and from nobody else. Threads of one process exclude each other as processes do;
    a process that is forked off holds nothing.

    Parameters
    ----------
    file : path
        The lock. Its folder is made; the file goes when the lock is let go.
    what : str
        What a refusal says is going on: ``"/data/x.zarr is being built"``.
    fix : str, optional
        What it says one can do.

    Raises
    ------
    LockedError
        On :meth:`acquire`, if somebody else holds it; the message says who, and since when.
    StoreError
        On :meth:`acquire`, if the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "lock"
    ...     with FileLock(file, "the run is being trained"):
    ...         try:
    ...             FileLock(file, "the run is being trained").acquire()
    ...         except LockedError as error:
    ...             print(str(error).split(" process ")[0])
    ...     file.exists()
    the run is being trained by
    False
    """

    def __init__(self, file: str | Path, what: str, *, fix: str = _WAIT) -> None:
        self.file = Path(file)
        self.what = what
        self.fix = fix
        self._handle: IO[str] | None = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> Self:
        """Take the lock, or raise at once if somebody else has it."""
        while self._handle is None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                if self.file.parent.exists() and not self.file.parent.is_dir():
                    raise self._cannot_write(error) from error
                # its owner removed the folder while this looked at it
                continue
            except OSError as error:
                raise self._cannot_write(error) from error
            try:
                handle = self.file.open("a+", encoding="utf-8")
            except FileNotFoundError:
                # its owner removed the folder between the two steps
                continue
            except OSError as error:
                raise self._cannot_write(error) from error
            try:
                taken = self._take(handle) and _is_there(handle, self.file)
            except BaseException:
                handle.close()
                raise
            if not taken:
                handle.close()
                continue
            self._handle = handle
            _HELD.add(self)
        return self

    def release(self) -> None:
        """Let the lock go and remove the file; nothing happens if it is not held."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        _HELD.discard(self)
        # somebody else's file may be there once this one was moved away
        ours = _is_there(handle, self.file)
        if fcntl is None:  # Windows removes no open file
            handle.close()
        if ours:
            self.file.unlink(missing_ok=True)
        handle.close()

    def _take(self, handle: IO[str]) -> bool:
        """Say whether an open file was locked; False to try again with a new one."""
        if fcntl is not None:
            try:
                fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._held_by(_owner_in(handle)) from None
            except OSError as error:
                logger.info("%s: the file system has no locks (%s)", self.file, error)
            else:
                self._sign(handle)
                return True
        return self._take_by_name(handle)

    def _sign(self, handle: IO[str]) -> None:
        try:
            handle.truncate(0)
            handle.write(json.dumps(asdict(Owner.me())))
            handle.flush()
        except OSError as error:
            raise self._cannot_write(error) from error

    def _take_by_name(self, handle: IO[str]) -> bool:
        """Take a file that nobody alive has written a name into."""
        claim = self.file.with_name(f"{self.file.name}.claim")
        try:
            # one at a time looks whether the owner is dead
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise self._held_by(None, f" If nobody is, remove {claim}.") from None
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            owner = _owner_in(handle)
            if owner is not None and owner.is_alive():
                raise self._held_by(owner, f" If it is dead, remove {self.file}.")
            self._sign(handle)
        finally:
            claim.unlink(missing_ok=True)
        return True

    def _held_by(self, owner: Owner | None, more: str = "") -> LockedError:
        return LockedError(f"{self.what} by {owner or 'another process'}. {self.fix}{more}")

    def _cannot_write(self, error: OSError) -> StoreError:
        return StoreError(
            f"Cannot write beside {self.file}: {error.strerror or error}. "
            "Pass a path in a folder that can be written."
        )


_HELD: weakref.WeakSet[FileLock] = weakref.WeakSet()


def owner_of(file: str | Path) -> Owner | None:
    """Return who is named in a lock file; None where there is no such file.

    Parameters
    ----------
    file : path
        The lock.

    Returns
    -------
    Owner or None
        ``is_alive()`` says whether the process still runs.
    """
    try:
        return Owner.of(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _owner_in(handle: IO[str]) -> Owner | None:
    handle.seek(0)
    return Owner.of(handle.read())


def _is_there(handle: IO[str], path: Path) -> bool:
    """Say whether a path still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except OSError:
        return False


def _started(process: int) -> int:
    """Return when a process of this machine started, in clock ticks; -1 if that is not told."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        # the name of the program, in brackets, may hold anything
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return -1


def _let_go_after_fork() -> None:
    """Close what a forked process inherited: the lock is its parent's, and ends with that."""
    for lock in list(_HELD):
        handle, lock._handle = lock._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                handle.close()
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_after_fork)
