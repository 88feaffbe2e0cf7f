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
