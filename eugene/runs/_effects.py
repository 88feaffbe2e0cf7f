"""What a network loses when the places of a motif are destroyed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eugene._step import steps
from eugene.report._effects import DRAWS, MOTIFS, SEQUENCES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_COLUMNS = [
    *("motif", "accession", "sites", "sequences", "position", "position_q25", "position_q75"),
    *("n", "change", "low", "high"),
]


def motif_effects(run: Run, ds: xr.Dataset, named: pd.DataFrame, variable: str) -> pd.DataFrame:
    """Measure what the output that is explained loses without the places of each motif.

    Parameters
    ----------
    run : Run
        A trained run.
    ds : xarray.Dataset
        Attributions; ``index`` are rows of the data.
    named : pandas.DataFrame
        Places of motifs: ``sequence`` (row of ``ds``), ``start``, ``end`` (bp, 0-based half-open),
        ``motif``, ``accession``.
    variable : str
        Attributions that they were found in.

    Returns
    -------
    pandas.DataFrame
        One row a motif, those in most sequences first. ``position``, ``position_q25`` and
        ``position_q75``: median and quartiles of the middle of its places, in bp from the middle
        of the sequence. ``change``, ``low``, ``high``: mean change of the output over ``n``
        sequences with its 95 % interval.

    Raises
    ------
    eugene.errors.EugeneError
        If the configuration asks for other outputs than the attributions are of.
    """
    import numpy as np
    import pandas as pd

    import seqexplainer as se
    from eugene.errors import EugeneError
    from eugene.interpret._attribute import told
    from eugene.interpret._targets import chosen_targets, tasks_of

    settings = steps()["attribute"].settings(run.config)
    attrs = ds[variable].attrs
    target = chosen_targets(settings["target"], tasks_of(run.module)).get(attrs.get("label", ""))
    if target is None or str(told(target)) != attrs.get("target"):
        raise EugeneError(
            f"{variable} in {run.folder.attributions} explains the output {attrs.get('target')}, "
            "and interpret.attribute.target is another by now; do the step attribute again"
        )
    index = ds["index"].to_numpy()
    groups = [(str(a), str(m), part) for (a, m), part in named.groupby(["accession", "motif"])]
    groups.sort(key=lambda group: -group[2]["sequence"].nunique())
    rows = []
    for accession, motif, places in groups[:MOTIFS]:
        # sequences with the highest predictions come first
        chosen = np.unique(places["sequence"].to_numpy())[:SEQUENCES]
        here = places[places["sequence"].isin(chosen)]
        X = run.one_hot(index[chosen])
        sites = here[["sequence", "start", "end"]].to_numpy().astype(np.int64)
        sites[:, 0] = np.searchsorted(chosen, sites[:, 0])
        found = se.perturb.ablate_sites(
            run.arch,
            X,
            sites,
            n=DRAWS,
            target=target,
            seed=run.config.seed,
            batch_size=settings["batch_size"],
            device=run.device,
        )
        middle = (places["start"] + places["end"]) / 2 - X.shape[2] / 2
        low, median, high = middle.quantile([0.25, 0.5, 0.75])
        holding = places["sequence"].nunique()
        rows.append(
            (motif, accession, len(places), holding, median, low, high, len(chosen),
             float(found.mean), float(found.low), float(found.high))
        )  # fmt: skip
    logger.info("effects of %d motifs, %d shuffles of each place", len(rows), DRAWS)
    return pd.DataFrame(rows, columns=_COLUMNS)
