"""Figures of each stratum of the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eugene.report._blocks import Section, interval, number
from eugene.report._words import METRIC_NAMES, metric_name

if TYPE_CHECKING:
    from eugene._evaluation import Measured


def show_strata(section: Section, strata: Mapping[str, Mapping[str, Measured]]) -> None:
    """Add a table a variable: a row a stratum, a column a metric of the model.

    Parameters
    ----------
    section : Section
        Where they go.
    strata : mapping
        Variable -> label -> what was measured on its rows.
    """
    for variable, parts in strata.items():
        section.heading(f"By {variable.replace('_', ' ')}")
        found = dict.fromkeys(m for part in parts.values() for m in part["metrics"])
        names = [m for m in found if any(k in m for k in METRIC_NAMES)] or list(found)
        section.table(
            (variable.replace("_", " "), "rows", *(metric_name(m) for m in names)),
            [
                (label, number(part["n"]), *(interval(part["metrics"].get(m)) for m in names))
                for label, part in parts.items()
            ],
            numbers=(1,),
        )
