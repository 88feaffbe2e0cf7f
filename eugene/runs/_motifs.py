"""What the steps of a run found of motifs, brought together for one table."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from eugene._step import steps
from eugene.report._motifs import DRAWS, MOTIFS, PATTERNS, SEQUENCES, file_of
from eugene.runs.steps.filters import MATCHES as FILTER_MATCHES
from eugene.runs.steps.modisco import ATTRIBUTED, MATCHES, MEMBERS
from eugene.runs.steps.seqlets import FILE as SEQLETS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.interpret._targets import Target
    from eugene.runs._run import Run
    from seqexplainer.evidence import Evidence

logger = logging.getLogger("eugene.runs")
_CHUNK = 256


@dataclass
class _Output:
    """One output that is explained, and the attributions that there are of it.

    Attributes
    ----------
    target : int, str or tuple
        The output.
    label : str
        What it is called; empty where a network has one kind of output.
    stores : dict of str to (Dataset, str)
        By the step that made them: attributions, and the variable of this output.
    """

    target: Target
    label: str
    stores: dict[str, tuple[xr.Dataset, str]] = field(default_factory=dict)


def motif_table(run: Run) -> pd.DataFrame:
    """Join what seqlets, TF-MoDISco and filters of a run say of motifs.

    Parameters
    ----------
    run : Run
        A trained run.

    Returns
    -------
    pandas.DataFrame
        As `seqexplainer.motif_summary`; of several outputs with the column ``output``.

    Raises
    ------
    eugene.errors.EugeneError
        If the configuration asks for other outputs than attributions are of.
    """
    import pandas as pd

    outputs = _outputs(run)
    tables = []
    for output in outputs:
        table = _of_output(run, output)
        if len(outputs) > 1 or output.label:
            table.insert(0, "output", output.label or f"output {output.target}")
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    logger.info("motif table: %d motifs, %d with an effect", len(found), (found["n"] > 0).sum())
    return found


def _outputs(run: Run) -> list[_Output]:
    """Return the outputs of which there are attributions; else those that would be explained."""
    import seqdata as sd
    from eugene.errors import EugeneError
    from eugene.interpret._attribute import told
    from eugene.runs._active import asked_targets

    chosen = {step: asked_targets(run, step) for step in ("attribute", "modisco")}
    found: dict[str, _Output] = {}
    stores = {"attribute": run.folder.attributions, "modisco": run.folder / ATTRIBUTED}
    for step, store in stores.items():
        if run.folder.status(step) != "done" or not store.exists():
            continue
        ds = sd.open_zarr(store)
        for label, variable in _explained(run, step, ds):
            target, attrs = chosen[step].get(label), ds[variable].attrs
            if target is None or str(told(target)) != attrs.get("target"):
                raise EugeneError(
                    f"{variable} in {store} explains the output {attrs.get('target')}, and "
                    f"interpret.{step}.target is another by now; do the step {step} again"
                )
            output = found.setdefault(str(told(target)), _Output(target, label))
            output.stores[step] = (ds, variable)
    if not found:
        found = {label: _Output(target, label) for label, target in chosen["attribute"].items()}
    return list(found.values())


def _explained(run: Run, step: str, ds: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Yield label and variable of each output in a store of attributions."""
    if step == "attribute":
        from eugene.interpret._spans import attribution_variable
        from eugene.runs.steps.seqlets import chosen_variables

        method = steps()["seqlets"].settings(run.config)["method"]
        for label, variable in chosen_variables(ds, method).items():
            yield label, attribution_variable(ds, variable, "projected")
        return
    for name in map(str, ds.data_vars):
        if ds[name].attrs.get("form") == "hypothetical":
            yield str(ds[name].attrs.get("label", "")), name


def _of_output(run: Run, output: _Output) -> pd.DataFrame:
    """Return the table of one output."""
    import numpy as np

    import seqexplainer as se
    from eugene import interpret
    from eugene.report._logos import SIGNIFICANT
    from seqexplainer.errors import TargetError

    # rows of attribute come first, which begin with the highest predictions
    index = [ds["index"].to_numpy() for ds, _ in output.stores.values()]
    if not index:
        index = [run.best_rows("test", SEQUENCES, target=output.target)]
    rows = np.array(list(dict.fromkeys(np.concatenate(index).tolist())), dtype=np.int64)
    place = {row: i for i, row in enumerate(rows.tolist())}
    at = {
        step: np.array([place[row] for row in ds["index"].to_numpy().tolist()], dtype=np.int64)
        for step, (ds, _) in output.stores.items()
    }
    evidence: dict[str, Evidence] = {}
    searched: dict[str, NDArray[np.int64]] = {}
    sums = None
    if "attribute" in output.stores:
        sums = np.full((len(rows), run.input_len), np.nan)
        sums[at["attribute"]] = _sums(*output.stores["attribute"])
        if run.folder.status("seqlets") == "done":
            evidence["seqlets"] = _seqlets(run, output.label, at["attribute"])
            searched["seqlets"] = at["attribute"]
    if "modisco" in output.stores and run.folder.status("modisco") == "done":
        evidence[PATTERNS] = _patterns(run, output, at["modisco"])
        searched[PATTERNS] = at["modisco"]
    if run.folder.status("filters") == "done":
        evidence["filters"] = _filters(run)
        searched["filters"] = at.get("attribute", np.arange(min(len(rows), SEQUENCES)))
    database = interpret.read_motifs(_database(run, "filters"))
    made = partial(
        se.motif_summary, run.one_hot(rows), evidence, attributions=sums, searched=searched,
        motif_db=database, max_q_value=SIGNIFICANT, max_motifs=MOTIFS, max_sequences=SEQUENCES,
        n=DRAWS,
    )  # fmt: skip
    try:
        return made(
            model=run.arch, target=output.target, seed=run.config.seed, device=run.device,
            batch_size=steps()["attribute"].settings(run.config)["batch_size"],
        )  # fmt: skip
    except TargetError as error:
        table = made()
        reason = f"the output is not one number a sequence: {error}"
        table["why"] = table["why"].where(table["why"] != "", reason)
        return table


def _database(run: Run, step: str) -> str:
    """Return the motifs that a step compares with."""
    return str(steps()[step].settings(run.config)["motif_db"])


def _sums(ds: xr.Dataset, variable: str) -> NDArray[np.float64]:
    """Return the projected attributions of positions, shape (n, length)."""
    import numpy as np

    from eugene.interpret import one_hot

    turned = ds[variable].transpose("_sequence", "_ohe", ...)
    parts = []
    for first in range(0, turned.shape[0], _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, turned.shape[0]))
        values = turned.isel(_sequence=rows).to_numpy().astype(np.float64)
        if ds[variable].attrs.get("form") == "hypothetical":
            values = values * (one_hot(ds, "seq", rows=rows) == 1)
        parts.append(values.sum(axis=1))
    return np.concatenate(parts)


def _seqlets(run: Run, label: str, at: NDArray[np.int64]) -> pd.DataFrame:
    """Return the named seqlets of an output, in rows of the table's sequences."""
    table = run.folder.table(SEQLETS)
    if label and "output" in table:
        table = table[table["output"].astype(str) == label]
    if table.empty:
        return _nowhere()
    table = table[table["motif"] != "seqlet"]
    found = table.assign(sequence=at[table["sequence"].to_numpy()])
    return found.assign(database=_database(run, "seqlets"))


def _patterns(
    run: Run, output: _Output, at: NDArray[np.int64]
) -> tuple[pd.DataFrame, pd.DataFrame] | pd.DataFrame:
    """Return the cores of the patterns' seqlets with the patterns' matches."""
    ds, variable = output.stores["modisco"]
    label = str(ds[variable].attrs.get("label", ""))
    table = run.folder.table(file_of(label, MEMBERS))
    if table.empty:
        return _nowhere()
    total = _sums(ds, variable)
    spans = table[["sequence", "core_start", "core_end"]].to_numpy()
    places = table[["pattern"]].assign(
        sequence=at[table["sequence"].to_numpy()],
        start=table["core_start"],
        end=table["core_end"],
        attribution=[total[row, start:end].sum() for row, start, end in spans],
    )
    matches = run.folder.table(file_of(label, MATCHES))
    if matches.empty:
        return places.rename(columns={"pattern": "label"})
    return places, matches.assign(database=_database(run, "modisco"))


def _filters(run: Run) -> pd.DataFrame:
    """Return the matches of filters."""
    table = run.folder.table(FILTER_MATCHES)
    if table.empty:
        return _nowhere()[["motif"]]
    names = {"filter": "query", "target_name": "target", "target_accession": "accession"}
    return table.rename(columns=names).assign(database=_database(run, "filters"))


def _nowhere() -> pd.DataFrame:
    """Return places of which there is none."""
    import pandas as pd

    return pd.DataFrame({name: [] for name in ("motif", "sequence", "start", "end")})
