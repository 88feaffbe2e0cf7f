"""Read the small files of a run folder; a step that did not run left none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._files import read_csv, read_object

if TYPE_CHECKING:
    import pandas as pd


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty where the file is absent."""
    if not path.is_file():
        return {}
    return read_object(path)


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in a CSV file, empty where the file is absent or has no row."""
    import pandas as pd

    if not path.is_file() or not path.stat().st_size:
        return pd.DataFrame()
    return read_csv(path)


def kept_epoch(run: Path) -> tuple[int, str] | None:
    """Return the epoch (from 0) whose weights were kept and the value that was watched.

    They are what training noted; a folder without its notes has them in its checkpoint. One
    without either was watched by what is watched by default, the validation loss.
    """
    noted = read_json(run / "state.json").get("training") or {}
    if noted.get("best_epoch") is not None:
        return int(noted["best_epoch"]), str(noted.get("monitor", "val_loss"))
    path = run / "checkpoints" / "best.ckpt"
    if not path.is_file():
        history = read_table(run / "metrics.csv")
        if "val_loss" not in history or not history["val_loss"].notna().any():
            return None
        return int(history["epoch"][history["val_loss"].idxmin()]), "val_loss"
    from eugene.errors import EugeneError
    from eugene.train import read_checkpoint

    try:
        record = (read_checkpoint(path).get("eugene") or {}).get("record") or {}
    except EugeneError:
        return None
    if record.get("best_epoch") is None:
        return None
    return int(record["best_epoch"]), str(record.get("monitor", "val_loss"))


def target_names(run: Path) -> list[str]:
    """Return the names of the outputs: targets, or classes where one target is their number."""
    described = read_json(run / "data.json")
    names = [str(name) for name in described.get("target_names") or described.get("targets") or ()]
    outputs = described.get("output_dim")
    if described.get("task") == "multiclass_classification" and isinstance(outputs, int):
        return [f"class {i}" for i in range(outputs)]
    return names


def transformed(run: Path) -> dict[str, str]:
    """Return how each transformed target was changed, in words; empty where none was."""
    said = {}
    for name, steps in (read_json(run / "data.json").get("transforms") or {}).items():
        parts = []
        for step in steps:
            given = {k: v for k, v in step.items() if k not in ("name", "points") and v is not None}
            told = ", ".join(f"{k} {_plain(v)}" for k, v in given.items())
            parts.append(str(step.get("name")) + (f" ({told})" if told else ""))
        if parts:
            said[str(name)] = ", then ".join(parts)
    return said


def _plain(value: Any) -> str:
    """Write a fitted number of a transform, alone where there is one."""
    listed = value if isinstance(value, list) else [value]
    return " / ".join(f"{v:,.6g}" if isinstance(v, int | float) else str(v) for v in listed)
