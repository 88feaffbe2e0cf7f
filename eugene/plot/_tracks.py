"""Pictures of binned tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eugene.plot._picture import picture
from eugene.plot._style import BLUE, GREY, coloured, tidy

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


@picture()
def track_scores(table: pd.DataFrame, *, score: str = "pearson", by: str = "assay") -> Figure:
    """Draw a point for each track, side by side by assay, and the mean of each assay.

    Parameters
    ----------
    table : pandas.DataFrame
        What `eugene.evaluate.track_table` returned.
    score : str
        Column that is drawn.
    by : str
        Column of the groups; without it all tracks are one.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import pandas as pd
    >>> figure = track_scores(pd.DataFrame({"assay": ["a", "b"], "pearson": [0.5, 0.25]}))
    >>> figure.axes[0].get_ylabel()
    'pearson'
    """
    import matplotlib.pyplot as plt

    labels = table[by].to_numpy() if by in table else np.full(len(table), "tracks")
    groups = list(dict.fromkeys(labels.tolist()))
    figure, ax = plt.subplots(figsize=(1.2 + 1.1 * len(groups), 3.2), layout="constrained")
    for i, (group, colour) in enumerate(coloured(groups)):
        values = table[score].to_numpy()[labels == group]
        values = values[np.isfinite(values)]
        # side by side by rank, so that a picture is the same every time
        spread = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(len(values))
        ax.plot(i + spread, np.sort(values), "o", ms=3.5, color=colour, alpha=0.8)
        if len(values):
            ax.hlines(values.mean(), i - 0.38, i + 0.38, color="black", lw=1.2)
    ax.set_xticks(range(len(groups)), [str(g) for g in groups])
    ax.axhline(0, color=GREY, lw=0.6)
    tidy(ax, y=score)
    return figure


@picture()
def track_windows(ds: xr.Dataset, tracks: Sequence[int], windows: int = 2) -> Figure:
    """Draw observed and predicted signal along windows, a row of axes for each track.

    Parameters
    ----------
    ds : xarray.Dataset
        ``observed`` and ``prediction``, float (_sequence, sample, bins).
    tracks : sequence of int
        Which samples.
    windows : int
        How many windows, from the first on.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import xarray as xr
    >>> values = (("_sequence", "s", "_length_cov"), np.ones((2, 1, 8)))
    >>> figure = track_windows(xr.Dataset({"observed": values, "prediction": values}), [0], 1)
    >>> len(figure.axes)
    1
    """
    import matplotlib.pyplot as plt

    windows = min(windows, ds["observed"].shape[0])
    shape = max(len(tracks), 1), max(windows, 1)
    figure, axes = plt.subplots(
        *shape, figsize=(4.4 * shape[1], 1.5 * shape[0]), squeeze=False, layout="constrained",
        sharex=True,
    )  # fmt: skip
    sample = str(ds["observed"].dims[1])
    names = ds[sample].to_numpy() if sample in ds.coords else np.arange(ds["observed"].shape[1])
    bin_size = int(ds["prediction"].attrs.get("bin_size", 1))
    for i, track in enumerate(tracks):
        for j in range(windows):
            observed = ds["observed"].to_numpy()[j, track]
            predicted = ds["prediction"].to_numpy()[j, track]
            place = np.arange(len(observed)) * bin_size / 1000
            ax = axes[i, j]
            ax.fill_between(place, np.nan_to_num(observed), color=GREY, lw=0, alpha=0.7)
            ax.plot(place, predicted, color=BLUE, lw=0.7)
            tidy(ax, title=str(names[track]) if j == 0 else "")
            if i == len(tracks) - 1:
                ax.set_xlabel("kb")
    return figure
