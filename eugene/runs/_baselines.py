"""Baselines of a run: fitted on its training rows, asked about every row."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from eugene._evaluation import baseline_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")


def baseline_predictions(run: Run, actual: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Fit each baseline on the training rows and predict all rows.

    Runs that differ only in their network share what was fitted.

    Parameters
    ----------
    run : Run
        The run.
    actual : ndarray of float, shape (n, targets)
        Targets of every row of its data; NaN where missing.

    Returns
    -------
    dict of str to ndarray of float64, each of shape (n, targets)
        Predictions of each baseline of the configuration.
    """
    settings = [run.config.section("data"), run.config.tree.get("baselines"), run.config.seed]
    key = json.dumps(settings, sort_keys=True, default=str)
    if key not in run.baselines:
        run.baselines[key] = _fit_baselines(run, actual)
    return run.baselines[key]


def _fit_baselines(run: Run, actual: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    from eugene.config import build, registries

    ds, train = run.data.ds, run.rows("train")
    letters = np.ascontiguousarray(ds[run.data.seq_var].to_numpy()).view("S1")
    # flanks stored for shifts are not part of a row; the row itself is never cut for a baseline
    flank = int(ds.attrs.get("max_jitter", 0) or 0)
    letters = letters[:, flank : letters.shape[1] - flank]
    found: dict[str, NDArray[np.float64]] = {}
    sections = run.config.tree.get("baselines") or []
    labels = baseline_labels(sections)
    for position, section in enumerate(sections):
        logger.info("baseline: %s", labels[position])
        shown = {"verbose": run.progress} if section.get("name") in registries.BASELINES else {}
        columns = []
        for values in actual.T:
            rows = train[np.isfinite(values[train])]
            model = build(
                registries.BASELINES,
                section,
                config=run.config,
                path=f"$.baselines[{position}]",
                seed=run.config.seed,
            )
            model.fit(letters[rows], values[rows], **shown)
            columns.append(np.asarray(model.predict(letters), dtype=np.float64).reshape(-1))
        found[labels[position]] = np.stack(columns, axis=1)
    return found
