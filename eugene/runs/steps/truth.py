"""How well explanations point at what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eugene._step import step
from eugene.report._blocks import Section, number

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run

_FILE = "interpretation/truth.json"


def add_truth(folder: RunFolder, **values: object) -> None:
    """Add to what is known of a run's agreement with what was planted.

    Parameters
    ----------
    folder : RunFolder
        Its ``truth.json`` is written anew.
    **values : object
        ``mean_auprc``, ``planted_fraction``, ``n`` or ``planted_found``.
    """
    empty: dict[str, object] = {
        "mean_auprc": {},
        "planted_fraction": None,
        "n": 0,
        "planted_found": {},
    }
    folder.write_json(_FILE, {**empty, **folder.read(_FILE), **values})


def show_planted(section: Section, found: Mapping[str, Mapping[str, object]], *more: str) -> None:
    """Add a table of the planted motifs, and whether filters found them, to a report.

    Parameters
    ----------
    section : Section
        It is added to.
    found : mapping
        Motif -> whether, by which filter and how surely it was found.
    *more : str
        Further entries to show, such as ``filter``.
    """
    section.table(
        ("planted motif", "found", *more, "p", "p (Bonferroni)"),
        [
            (name, number(bool(hit.get("found"))),
             *(number(hit.get(key)) for key in (*more, "p_value", "p_bonferroni")))
            for name, hit in found.items()
        ],
        numbers=(2 + len(more), 3 + len(more)),
    )  # fmt: skip


@step(
    when="last",
    along=("attribute", "filters"),
    again=True,
    writes={_FILE: "agreement with what was planted"},
)
def truth(run: Run) -> None:
    """Score attributions against what was planted; what filters found of it, they add.

    Parameters
    ----------
    run : Run
        A run whose data say what was planted.
    """
    import seqdata as sd
    from eugene.interpret import attribution_truth

    if not run.folder.attributions.exists():
        return
    attributions = sd.open_zarr(run.folder.attributions)
    if "planted" in attributions.variables:
        add_truth(run.folder, **attribution_truth(attributions))
