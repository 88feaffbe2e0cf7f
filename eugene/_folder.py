"""The folder that one run leaves behind."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import functools
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from eugene._evaluation import OTHER
from eugene._files import put_back, read_csv, read_object, write_atomic
from eugene._holding import LOCK
from eugene._step import steps
from eugene.errors import MissingFileError, NotARunError, RunExistsError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

_MARK = "eugene-run"
OVER = ("seed", "fold")
"""What a run is repeated over; its folders are named after that and a number."""
_RECORDS = ("config.yaml", "versions.json", "data.json", "state.json")
_OF_SEARCH = ("tune.json", "trials.csv", "best.yaml", "trials", "ray")
_OURS = (*_RECORDS, "interpretation", OTHER, "summary.json", "summary.csv", *_OF_SEARCH)


@functools.lru_cache(maxsize=8)
def _configuration(path: Path, version: tuple[int, int, int]) -> dict[str, Any]:
    """Return what a file holds, parsed once for each ``version``: a page asks for it often."""
    from eugene.config import parse_file

    return parse_file(path).tree


def _in_order(replicate: Path) -> tuple[str, str, int]:
    """Return what replicates are sorted by: their arm, then their number."""
    kind, _, number = replicate.name.partition("_")
    return str(replicate.parent), kind, int(number) if number.isdigit() else -1


def _written() -> list[str]:
    """Return the names of what a run may leave in its folder: its records, and what steps write."""
    names = [name.partition("/")[0] for step in steps().values() for name in step.writes]
    return list(dict.fromkeys((*_OURS, *names)))


def _plain(value: object) -> object:
    """Turn numbers of NumPy into Python's, and what JSON cannot hold into null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class _At:
    """Place of a file or folder inside a run folder."""

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self.__doc__ = what

    @overload
    def __get__(self, folder: None, owner: type) -> _At: ...
    @overload
    def __get__(self, folder: RunFolder, owner: type) -> Path: ...
    def __get__(self, folder: RunFolder | None, owner: type) -> Path | _At:
        return self if folder is None else folder.path / self.name


def _others_beside(path: Path) -> str:
    """Return the end of a message about a folder that is not there: runs beside it."""
    beside = path.absolute().parent
    runs = sorted(p.parent.name for p in beside.glob("*/state.json")) if beside.is_dir() else []
    return did_you_mean(path.name, runs)


class RunFolder:
    """Typed paths into a run folder, and the record of its steps.

    Parameters
    ----------
    path : path
        The folder; it need not exist yet.

    Examples
    --------
    >>> import tempfile
    >>> folder = RunFolder.create(Path(tempfile.mkdtemp()) / "demo")
    >>> with folder.step("fit"):
    ...     folder.write_json("data.json", {"n": 3})
    >>> folder.status("fit"), folder.read_json("data.json")
    ('done', {'n': 3})
    """

    config = _At("config.yaml", "The resolved configuration.")
    versions = _At("versions.json", "Versions of Python and of every package that matters.")
    data = _At("data.json", "Summary of the data: counts, lengths, targets.")
    data_store = _At("data.zarr", "The data set as a Zarr store.")
    checkpoints = _At("checkpoints", "Folder of ``best.ckpt`` and ``last.ckpt``.")
    best = _At("checkpoints/best.ckpt", "Checkpoint with the lowest validation loss.")
    last = _At("checkpoints/last.ckpt", "Checkpoint to go on from, of an epoch's end or a signal.")
    weights = _At("model.safetensors", "The best weights of the network alone.")
    metrics = _At("metrics.csv", "One row an epoch.")
    predictions = _At("predictions.zarr", "Predictions of every split.")
    attributions = _At("attributions.zarr", "Attributions, one variable a method.")
    evaluation = _At("evaluation.json", "Figures on the test rows, beside the baselines.")
    interpretation = _At(
        "interpretation",
        "Folder of what later steps found.",
    )
    figures = _At("figures", "Folder of pictures.")
    report = _At("report.html", "The self-contained page.")
    state_file = _At("state.json", "Record of the steps.")
    summary = _At("summary.json", "Summary over seeds and arms.")

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.follows = False
        self._before: dict[Path, bytes | None] = {}

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def replicates(self) -> list[Path]:
        """Folders of the runs over seeds or folds, and arms, where there are such."""
        found = [p.parent for kind in OVER for p in self.path.glob(f"*/{kind}_*/state.json")]
        return sorted(found, key=_in_order)

    @property
    def store(self) -> RunFolder:
        """The folder that has the data of the run: its own, or the one above replicates."""
        shared = self.state().get("store")
        return self if shared is None else RunFolder(os.path.normpath(self / str(shared)))

    def is_run(self) -> bool:
        """Tell whether the folder was written by eugene."""
        return self.state().get("kind") == _MARK

    @property
    def trained_in_python(self) -> bool:
        """Whether `eugene.train.fit` alone filled the folder: a network without its data."""
        return self.best.is_file() and not self.is_run()

    @classmethod
    def open(cls, path: str | Path, *, or_trained: bool = False) -> RunFolder:
        """Open an existing run folder.

        Parameters
        ----------
        path : path
            The folder.
        or_trained : bool, optional
            Whether one that `eugene.train.fit` filled will do.

        Raises
        ------
        MissingFileError
            If there is no such folder.
        NotARunError
            If it was not written by eugene.
        """
        folder = cls(path)
        if not folder.path.exists():
            message = f"the run folder {folder.path} does not exist; make it with 'eugene fit'"
            raise MissingFileError(message + _others_beside(folder.path))
        if not folder.path.is_dir():
            message = (
                f"{folder.path} is a file; expected the folder of a run. Weights alone go into a "
                "network of yours: network.load_state_dict(torch.load(path, weights_only=True))"
            )
            raise NotARunError(message)
        if folder.trained_in_python:
            if or_trained:
                return folder
            message = (
                f"{folder.path} was filled by eugene.train.fit, which keeps the network and not "
                "its data: predict, attribute and variants read them from a file, report and "
                "compare show the training; the other steps need a run of 'eugene fit'"
            )
            raise NotARunError(message)
        if not folder.is_run():
            message = (
                f"{folder.path} is not a run folder: it has no state.json written by eugene. "
                "Expected a folder made by 'eugene fit' or 'eugene run'"
            )
            raise NotARunError(message)
        return folder

    @classmethod
    def create(
        cls, path: str | Path, *, overwrite: bool = False, resume: bool = False
    ) -> RunFolder:
        """Make a run folder, or open one to continue it.

        Parameters
        ----------
        path : path
            The folder.
        overwrite : bool, optional
            Remove what an earlier run left there; files of others stay.
        resume : bool, optional
            Keep what is there.

        Returns
        -------
        RunFolder
            Ready for its first unfinished step.

        Raises
        ------
        RunExistsError
            If a run is there and neither is asked for.
        NotARunError
            If the folder holds files that are not ours.
        """
        folder = cls(path)
        if ".." in folder.path.parts[-1:] or folder.path.resolve() == Path.cwd():
            message = (
                f"{folder.path} leads to {folder.path.resolve()}, which is no folder of its own; "
                "choose another --name or --run_dir"
            )
            raise NotARunError(message)
        if folder.path.exists() and not folder.path.is_dir():
            message = f"{folder.path} is a file; a run needs a folder, choose another --run_dir"
            raise NotARunError(message)
        ours = folder.is_run()
        if folder.path.is_dir() and not ours and any(p.name != LOCK for p in folder.path.iterdir()):
            message = (
                f"{folder.path} holds files and is not a run folder; nothing was touched. "
                "Choose another --run_dir or --name"
            )
            raise NotARunError(message)
        if ours and not (overwrite or resume):
            done = "done" in (folder.status("fit"), folder.status("tune"))
            what = "a finished run" if done else "an unfinished run"
            message = (
                f"{folder.path} holds {what}; nothing was touched. Give --resume to continue it, "
                "--overwrite to replace it, or another --name or --run_dir"
            )
            raise RunExistsError(message)
        if ours and overwrite and not resume:
            folder.clear()
            ours = False
        folder.path.mkdir(parents=True, exist_ok=True)
        if not ours:
            folder._write_state({"kind": _MARK, "status": "new", "steps": {}})
        return folder

    @contextlib.contextmanager
    def begun(self, *, overwrite: bool = False, resume: bool = False) -> Iterator[None]:
        """Make the folder or open it again for what is done inside.

        Parameters
        ----------
        overwrite, resume : bool, optional
            As in `create`; what is replaced goes when all that is done inside went well.

        Yields
        ------
        None
            After an exception the disk is as it was before, apart from the records of a run that
            is resumed.

        Raises
        ------
        RunExistsError
            If a run is there and neither is asked for.
        """
        there = self.is_run()
        aside = self.set_aside() if there and overwrite and not resume else None
        try:
            self.create(self.path, resume=resume)
            yield
        except BaseException as error:
            made = not (there and resume) and not isinstance(error, RunExistsError)
            if made and self.is_run():
                self.clear()
                self.discard()
            if aside is not None:
                self.take_back(aside)
            raise
        if aside is not None:
            RunFolder(aside).clear()
            aside.rmdir()

    def follow(self, *, seconds: float = 120.0) -> None:
        """Wait for the first process of a distributed training to begin it, and write nothing.

        Parameters
        ----------
        seconds : float, optional
            How long to wait where nobody is at work in the folder.

        Raises
        ------
        MissingFileError
            If nobody came.
        """
        from seqdata.store import owner_of

        seen = time.monotonic()
        while True:
            owner = owner_of(self.path / LOCK)
            if owner is not None and owner.is_alive():
                seen = time.monotonic()
                step = self.state().get("steps", {}).get("fit", {})
                if step.get("status") == "running" and step.get("process") == str(owner):
                    break
            if time.monotonic() > seen + seconds:
                message = (
                    f"this process is one of several that train {self.path}, and the first of them "
                    "is not at work there; begin them all together"
                )
                raise MissingFileError(message)
            time.sleep(0.1)
        self.follows = True

    def clear(self, *names: str) -> None:
        """Remove what a run wrote: the named things, or everything that is ours."""
        for name in names or (*_written(), *self._arms()):
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def set_aside(self, *names: str) -> Path:
        """Move what a run wrote, or the named things, to a hidden folder beside; return that."""
        from seqdata.store import working_path

        aside = working_path(self.path, "replaced")
        aside.mkdir()
        self._move(self.path, aside, names)
        return aside

    @contextlib.contextmanager
    def unless_refused(self, *results: str, forget: tuple[str, ...] = ()) -> Iterator[None]:
        """Let a training be taken up; if that fails before an epoch is kept, put all back.

        Parameters
        ----------
        *results : str
            What more training makes out of date: removed, unless it is refused.
        forget : tuple of str
            Steps that count as never done from here on, unless it is refused.

        Yields
        ------
        None
            Files that describe the run are after an exception what they were when the run was
            first looked at, byte for byte, as long as the checkpoint to be taken up is; without
            one there is nothing to put back.
        """
        trained = self._checkpoints()
        if self.follows or not trained:
            yield
            return
        if not self._before:
            paths = [self.path / name for name in _RECORDS]
            self._before = {p: p.read_bytes() if p.is_file() else None for p in paths}
        aside = self.set_aside(*results) if results else None
        try:
            if forget:
                self.forget(*forget)
            yield
        except Exception:
            if self._checkpoints() == trained:
                if aside is not None:
                    self.take_back(aside)
                for path, content in self._before.items():
                    put_back(path, content)
            raise
        finally:
            if aside is not None:
                shutil.rmtree(aside, ignore_errors=True)

    def _checkpoints(self) -> dict[str, tuple[int, ...]]:
        """Return what tells whether the last epoch of the run, or of its replicates, is another."""
        every = (self, *map(RunFolder, self.replicates))
        lasts = [folder.last for folder in every]
        lasts += [p for folder in every for p in folder.path.glob("stages/*/checkpoints/last.ckpt")]
        found = {str(path): path.stat() for path in lasts if path.is_file()}
        return {path: (s.st_ino, s.st_size, s.st_mtime_ns) for path, s in found.items()}

    def remove_stale(self) -> None:
        """Remove what `set_aside` left behind in processes that were killed."""
        from seqdata.store import clear_leftovers

        clear_leftovers(self.path)

    def take_back(self, aside: Path) -> None:
        """Undo `set_aside`."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._move(aside, self.path)
        aside.rmdir()

    @staticmethod
    def _move(source: Path, goal: Path, names: tuple[str, ...] = ()) -> None:
        for name in names or (*_written(), *RunFolder(source)._arms()):
            if (source / name).exists():
                (source / name).rename(goal / name)

    def _arms(self) -> list[str]:
        """Return the folders of replicates: those that hold runs named after their seed or fold."""
        return sorted({path.parent.name for path in self.replicates})

    def record(self, step: str, **values: object) -> None:
        """Add to the record of a step, such as the settings that it was done with."""
        self._mark(step, **values)

    def forget(self, *steps: str) -> None:
        """Remove steps from the record, so that they count as never done."""
        state = self.state()
        known = state.get("steps", {})
        state["steps"] = {name: entry for name, entry in known.items() if name not in steps}
        self._write_state(state)

    def discard(self) -> None:
        """Remove the folder if nothing but the record of its steps is in it."""
        with contextlib.suppress(OSError):
            if {p.name for p in self.path.iterdir()} <= {"state.json", LOCK}:
                self.state_file.unlink(missing_ok=True)
                self.path.rmdir()

    def state(self) -> dict[str, Any]:
        """Return the record of the steps; empty where there is none.

        Raises
        ------
        NotARunError
            If it is damaged; that of another program in a folder without our other files is none.
        """
        try:
            return read_object(self.state_file)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except NotARunError:
            if self.config.is_file() or self.best.is_file():
                raise
            return {}

    def status(self, step: str) -> str | None:
        """Return ``running``, ``done``, ``stopped`` or ``failed``; ``None`` if never begun."""
        found = self.state().get("steps", {}).get(step, {}).get("status")
        return None if found is None else str(found)

    def _write_state(self, state: dict[str, object]) -> None:
        self.write_json(self.state_file.name, state)

    def note(self, **values: object) -> None:
        """Add values to the record of the steps."""
        self._write_state({**self.state(), **values})

    def _mark(self, step: str, **values: object) -> None:
        state = self.state() or {"kind": _MARK}
        steps = state.setdefault("steps", {})
        steps[step] = {**steps.get(step, {}), **values}
        statuses = {entry["status"] for entry in steps.values()}
        state["status"] = next(
            (s for s in ("running", "failed", "stopped") if s in statuses), "done"
        )
        self._write_state(state)

    def _said_before(self, name: str) -> dict[str, None]:
        """Return what is to be taken back where a step that did not apply is done again."""
        return dict.fromkeys({"skipped"} & set(self.state().get("steps", {}).get(name, {})))

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Record the beginning, the end and the duration of a step.

        Parameters
        ----------
        name : str
            Name of the step.

        Yields
        ------
        None
            An exception marks the step as failed, Ctrl-C and SIGTERM as stopped, and goes on.
        """
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        clock = time.monotonic()
        from seqdata.store import owner_of

        owner = owner_of(self.path / LOCK)
        process = None if owner is None else str(owner)
        begun = {"started": started, "process": process, "seconds": None, "error": None}
        self._mark(name, status="running", **begun, **self._said_before(name))
        try:
            yield
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | SystemExit)
            text = None if stopped else f"{type(error).__name__}: {error}"
            seconds = round(time.monotonic() - clock, 3)
            status = "stopped" if stopped else "failed"
            self._mark(name, status=status, seconds=seconds, error=text)
            raise
        self._mark(name, status="done", seconds=round(time.monotonic() - clock, 3))

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the folder.

        Raises
        ------
        MissingFileError
            If it is not there; names the step that writes it.
        NotARunError
            If it is damaged, or holds no object.
        """
        path = self.path / name
        try:
            return read_object(path)
        except FileNotFoundError as error:
            message = f"{path} does not exist; the step that writes it has not been run"
            raise MissingFileError(message) from error

    def read(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file of the folder, empty where the file is absent.

        Raises
        ------
        NotARunError
            If it is damaged, or holds no object.
        """
        return read_object(self / name) if (self / name).is_file() else {}

    def table(self, name: str) -> pd.DataFrame:
        """Return the table in a CSV file of the folder, empty where it is absent or has no row.

        Raises
        ------
        NotARunError
            If it is damaged.
        """
        import pandas as pd

        path = self / name
        return read_csv(path) if path.is_file() and path.stat().st_size else pd.DataFrame()

    def settings(self, dotted: str = "") -> dict[str, Any]:
        """Return a section of the run's configuration as it was written, empty where it has none.

        Parameters
        ----------
        dotted : str, optional
            Such as ``interpret.filters``; the whole by default.
        """
        from eugene.config import value_at

        if not self.config.is_file():
            return {}
        at = self.config.stat()
        tree = _configuration(self.config, (at.st_ino, at.st_mtime_ns, at.st_size))
        found = value_at(tree, dotted)
        return copy.deepcopy(found) if isinstance(found, dict) else {}

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON file of the folder at once; numbers that JSON lacks become null."""
        if self.follows:
            return
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
        write_atomic(path, f"{text}\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file of the folder at once."""
        if self.follows:
            return
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a CSV file of the folder at once."""
        self.write_text(name, table.to_csv(index=False))
