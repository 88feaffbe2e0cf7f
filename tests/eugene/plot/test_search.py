"""Pictures of a search: where lines go, which is the best, what is on top."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from eugene import plot
from eugene.errors import EugeneError

mpl.use("Agg")
TABLE = pd.DataFrame(
    {
        "lr": [1e-4, 1e-3, 1e-2, 1e-3],
        "width": [16, 64, 32, 64],
        "act": ["relu", "gelu", "relu", "silu"],
        "val_loss": [0.75, 0.25, 0.5, np.nan],
    }
)
COLUMNS = ["lr", "width", "act"]


def lines(**options: object) -> list[mpl.lines.Line2D]:
    ax = plot.parallel_coordinates(TABLE, COLUMNS, "val_loss", logarithmic=["lr"], **options)
    return [line for line in ax.get_lines() if len(line.get_xdata()) == len(COLUMNS) + 1]


def test_each_row_goes_through_its_values_and_the_best_is_last_and_thick() -> None:
    drawn = lines()
    # the row without a value is left out; the worst comes first
    heights = [line.get_ydata().tolist() for line in drawn]
    assert heights == [[0, 0, 1, 1], [1, 1 / 3, 1, 0.5], [0.5, 1, 0, 0]]
    widths = [line.get_linewidth() for line in drawn]
    assert widths[-1] > max(widths[:-1])
    assert lines(better="max")[-1].get_ydata().tolist() == heights[0]


def test_labels_and_constant_columns() -> None:
    same = TABLE.assign(width=8)
    labels = {"val_loss": "validation loss"}
    ax = plot.parallel_coordinates(same, COLUMNS, "val_loss", labels=labels)
    assert [t.get_text() for t in ax.get_xticklabels()][-1] == "validation loss"
    assert {line.get_ydata()[1] for line in ax.get_lines() if len(line.get_xdata()) == 4} == {0.5}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(EugeneError, match="no column 'widht'; did you mean 'width'"):
        plot.parallel_coordinates(TABLE, ["widht"], "val_loss")
    with pytest.raises(EugeneError, match="no row of the table has a finite 'val_loss'"):
        plot.parallel_coordinates(TABLE.assign(val_loss=np.nan), COLUMNS, "val_loss")


def test_the_most_important_is_on_top() -> None:
    ax = plot.importance_bars({"a": 0.2, "b": 0.7, "c": 0.1}, labels={"b": "beta"})
    assert [t.get_text() for t in ax.get_yticklabels()] == ["c", "a", "beta"]
    assert [patch.get_width() for patch in ax.patches] == [0.1, 0.2, 0.7]
