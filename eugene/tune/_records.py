"""What a search notes of its trials: one small file each, beside the folder of the trial's run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypedDict

from eugene._files import read_object, write_atomic
from eugene._folder import RunFolder

TRIALS, RAY = "trials", "ray"
"""Folders inside that of a search: of the trials' runs, and of Ray's own state."""
Status = Literal["waiting", "running", "done", "stopped", "failed"]


class Lineage(TypedDict):
    """From where on a trial went on with which values."""

    epochs: int
    values: dict[str, object]


class Record(TypedDict, total=False):
    """What is known of a trial."""

    trial: str
    status: Status
    values: dict[str, object]
    error: str | None
    lineage: list[Lineage]


def record_path(folder: Path, trial: str) -> Path:
    """Return the file of a trial's record."""
    return folder / TRIALS / f"{trial}.json"


def allot(folder: Path) -> str:
    """Return the name of a new trial, its number among those that there are, and note it."""
    place = folder / TRIALS
    place.mkdir(parents=True, exist_ok=True)
    number = len(list(place.glob("[0-9]*.json")))
    while True:
        number += 1
        trial = f"{number:04d}"
        try:
            with record_path(folder, trial).open("x", encoding="utf-8") as file:
                file.write(json.dumps({"trial": trial, "status": "waiting"}))
        except FileExistsError:
            continue
        return trial


def note(folder: Path, trial: str, **values: object) -> None:
    """Add to the record of a trial."""
    path = record_path(folder, trial)
    before = read_object(path) if path.is_file() else {"trial": trial}
    write_atomic(path, json.dumps({**before, **values}, indent=2))


def records(folder: Path) -> Iterator[Record]:
    """Yield what is known of each trial, in their order."""
    for path in sorted((folder / TRIALS).glob("[0-9]*.json")):
        found: Record = read_object(path)  # type: ignore[assignment]
        yield found


def rows_of(folder: Path, trial: str) -> list[dict[str, float]]:
    """Return the epochs of a trial from its ``metrics.csv``; of several stages, of the last."""
    table = RunFolder(folder / TRIALS / trial).table("metrics.csv")
    if "stage" in table:
        table = table[table["stage"] == table["stage"].iloc[-1]].drop(columns="stage")
    return [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]


def best_so_far(
    rows: list[dict[str, float]], metric: str, mode: str, min_delta: float = 0.0
) -> list[float]:
    """Return for each epoch the best value until then, as the trainer keeps the best epoch.

    Parameters
    ----------
    rows : list of dict
        One an epoch.
    metric : str
        Which of their values.
    mode : str
        ``min`` or ``max``.
    min_delta : float, optional
        Smaller changes are no improvement.

    Examples
    --------
    >>> best_so_far([{"val_loss": 3.0}, {"val_loss": 1.0}, {"val_loss": 2.0}], "val_loss", "min")
    [3.0, 1.0, 1.0]
    """
    sign = 1 if mode == "max" else -1
    best, found = -math.inf, []
    for row in rows:
        value = sign * row.get(metric, math.nan)
        if math.isfinite(value) and (best == -math.inf or value > best + min_delta):
            best = value
        found.append(sign * best)
    return found
