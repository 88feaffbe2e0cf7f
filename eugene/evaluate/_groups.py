"""Whether groups of scores differ: Mann-Whitney between each two, corrected for their number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from eugene.errors import EugeneError

if TYPE_CHECKING:
    import pandas as pd


def smallest_p(n_a: int, n_b: int) -> float:
    """Return the smallest two-sided p-value that the Mann-Whitney test can give.

    Parameters
    ----------
    n_a, n_b : int
        Scores of each group.

    Returns
    -------
    float
        That of two groups that do not overlap.

    Examples
    --------
    >>> round(smallest_p(5, 5), 4), round(smallest_p(3, 3), 4)
    (0.0079, 0.1)
    """
    return min(1.0, 2 / math.comb(n_a + n_b, n_a))


def compare_groups(
    scores: Mapping[str, Sequence[float]],
    *,
    alternative: Literal["two-sided", "less", "greater"] = "two-sided",
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Test each two groups of scores, such as architectures over seeds, for a difference.

    Parameters
    ----------
    scores : mapping
        Group -> its scores, two or more, from trainings that do not depend on each other.
    alternative : {"two-sided", "less", "greater"}
        Whether ``a`` differs from ``b``, or is less, or greater.
    alpha : float
        Corrected p-values below it are called significant.

    Returns
    -------
    pandas.DataFrame
        A row a pair: ``a``, ``b``, ``n_a``, ``n_b``, ``median_a``, ``median_b``, ``shift`` (the
        Hodges-Lehmann estimate of b - a), ``cliffs_delta`` (share of pairs in which b is above a
        less the share in which it is below: -1 to 1), ``u`` of ``a``, ``p``, exact for small
        groups without ties, ``p_adjusted`` (Benjamini-Hochberg over all pairs), ``smallest_p``
        that groups of these sizes can reach, and ``significant``.

    Raises
    ------
    EugeneError
        If there are less than two groups, or one has less than two scores or one not finite.

    References
    ----------
    Mann and Whitney 1947, https://doi.org/10.1214/aoms/1177730491;
    Benjamini and Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x;
    Cliff 1993, https://doi.org/10.1037/0033-2909.114.3.494

    Examples
    --------
    >>> found = compare_groups({"cnn": [.5, .6, .55, .52, .58], "rnn": [.7, .71, .8, .75, .72]})
    >>> found[["cliffs_delta", "p_adjusted"]].round(4).values.tolist()
    [[1.0, 0.0079]]
    """
    import pandas as pd
    from scipy.stats import false_discovery_control, mannwhitneyu

    values = {name: np.asarray(given, dtype=np.float64) for name, given in scores.items()}
    if len(values) < 2:
        raise EugeneError(f"there are {len(values)} groups: a comparison needs two or more")
    for name, given in values.items():
        if given.ndim != 1 or len(given) < 2 or not np.isfinite(given).all():
            raise EugeneError(
                f"the group {name!r} holds {given.tolist()}: expected two finite scores or more, "
                "such as those of five seeds"
            )
    rows: list[dict[str, object]] = []
    for (a, first), (b, second) in itertools.combinations(values.items(), 2):
        test = mannwhitneyu(first, second, alternative=alternative)
        sizes = (len(first), len(second))
        share = 2.0 if alternative == "two-sided" else 1.0
        rows.append(
            {
                "a": a,
                "b": b,
                "n_a": sizes[0],
                "n_b": sizes[1],
                "median_a": float(np.median(first)),
                "median_b": float(np.median(second)),
                "shift": float(np.median(second[:, None] - first)),
                "cliffs_delta": 1 - 2 * float(test.statistic) / (sizes[0] * sizes[1]),
                "u": float(test.statistic),
                "p": float(test.pvalue),
                "smallest_p": min(1.0, smallest_p(*sizes) * share / 2),
            }
        )
    found = pd.DataFrame(rows)
    adjusted = false_discovery_control(found["p"].to_numpy(), method="bh")
    found.insert(len(found.columns) - 1, "p_adjusted", adjusted)
    found["significant"] = found["p_adjusted"] < alpha
    return found


def too_few(found: pd.DataFrame, alpha: float = 0.05) -> list[str]:
    """Return a sentence for each pair whose groups are too small for any difference to show.

    Parameters
    ----------
    found : pandas.DataFrame
        What `compare_groups` returned.
    alpha : float
        The threshold.

    Returns
    -------
    list of str
        Which groups, the smallest p-value, and how many scores would do.
    """
    lines = []
    for row in found[found["smallest_p"] >= alpha].itertuples():
        need = next(n for n in range(2, 100) if smallest_p(n, n) < alpha)
        lines.append(
            f"{row.a} and {row.b}: with {row.n_a} and {row.n_b} scores the smallest possible "
            f"p-value is {row.smallest_p:.3g}, above {alpha:g}, so no difference can be "
            f"significant; {need} scores each would do"
        )
    return lines
