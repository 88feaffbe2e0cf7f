"""A selection compared: tables, curves, what was found, and a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._files import read_object, write_atomic
from eugene.errors import EugeneError, did_you_mean
from eugene.select import _tables
from eugene.select._names import FAILED, OUT, PAGE
from eugene.select._verdict import verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """The runs of a selection side by side; made by `compare`.

    Attributes
    ----------
    folder : Path
        Of the selection; ``comparison/`` in it has the tables and pictures.
    set_name : str
        Rows that everything is of: ``test``, ``val`` or ``train``.
    table : pandas.DataFrame
        One line a run: data, network, versions, sizes, loss, accuracy, areas under curves.
    curve_table : pandas.DataFrame
        One line a run and class, ``micro`` or ``macro``: areas under both curves.
    importance : pandas.DataFrame
        One line a run and method: agreement of importance with the grammar, as means over labels.
    importance_by_label : pandas.DataFrame
        The same for each label.
    learning : pandas.DataFrame
        Each figure against the amount of data, with intervals over seeds.
    roc, pr : pandas.DataFrame
        Points of the curves.
    verdict : tuple of str
        Which network is best with how much data, and which found the rules, in sentences.
    missing : dict of str to str
        Runs that are not there, and why.
    page : Path
        The page.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101
    """

    folder: Path
    set_name: str
    table: pd.DataFrame
    curve_table: pd.DataFrame
    importance: pd.DataFrame
    importance_by_label: pd.DataFrame
    learning: pd.DataFrame
    roc: pd.DataFrame
    pr: pd.DataFrame
    verdict: tuple[str, ...]
    missing: dict[str, str]
    page: Path

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files, after seqgra's."""
        return {
            "table": self.table,
            "curve-table": self.curve_table,
            "fie-table": self.importance,
            "fie-table-labels": self.importance_by_label,
            "learning": self.learning,
            "roc": self.roc,
            "pr": self.pr,
        }

    def __str__(self) -> str:
        return "\n".join(self.verdict)


def compare(
    folder: str | Path, *, set_name: str = "test", out: str | Path | None = None
) -> Comparison:
    """Compare the runs of a selection, and write tables and a page.

    Parameters
    ----------
    folder : str or Path
        Of the selection; runs that are not there are told of and left out.
    set_name : {"test", "val", "train"}
        Rows that figures and curves are of. Agreement with the grammar is that of the step.
    out : str or Path, optional
        The page; ``comparison.html`` in the folder by default.

    Returns
    -------
    Comparison
        Its tables are also TSV files in ``comparison/`` of the folder.

    Raises
    ------
    MissingFileError
        If it is no folder of a selection.
    EugeneError
        If no run was tested, or there is no such set.

    Examples
    --------
    >>> import eugene as eu
    >>> found = eu.select.compare("runs/sox2_pou5f1_select")  # doctest: +SKIP
    >>> print(found)  # doctest: +SKIP
    """
    folder = Path(folder)
    if set_name not in _tables.SETS:
        raise EugeneError(f"there is no set {set_name!r}{did_you_mean(set_name, _tables.SETS)}")
    runs, absent = _tables.done_runs(folder, set_name)
    if not runs:
        raise EugeneError(
            f"none of the {len(absent)} runs of {folder} was tested: do them first with "
            "'eugene select run'"
        )
    path = folder / FAILED
    failed = read_object(path) if path.is_file() else {}
    lines, importance = _tables.table(runs, set_name), _tables.importance_table(runs)
    learning = _tables.learning_table(lines, importance)
    found = Comparison(
        folder=folder,
        set_name=set_name,
        table=lines,
        curve_table=_tables.curve_table(runs, set_name),
        importance=importance,
        importance_by_label=_tables.importance_by_label(runs),
        learning=learning,
        roc=_tables.points(runs, "roc"),
        pr=_tables.points(runs, "pr"),
        verdict=tuple(verdict(learning, lines, importance)),
        missing={p: str(failed.get(p, "it is not done yet")) for p in absent},
        page=folder / PAGE if out is None else Path(out),
    )
    place = folder / OUT
    place.mkdir(exist_ok=True)
    for name, one in found.tables.items():
        write_atomic(place / f"{name}.tsv", one.to_csv(sep="\t", index=False))
    from eugene.select._page import write_comparison

    write_comparison(found, place)
    return found
