"""What a comparison says, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

HEADLINES = ("roc_macro_auc", "metrics_pearson", "metrics_r2", "metrics_accuracy")
"""What networks are compared by: the first of these that there is."""
FOUND, MISSED = 2.0, 0.6
"""Precision of importance, in times of chance, from which on a network is said to have found the
rules, if its interval over seeds lies above chance, too; and area under the ROC curve from which on
it is said to know the labels."""
NAMES = {
    "roc_macro_auc": "macro AUROC",
    "roc_micro_auc": "micro AUROC",
    "pr_macro_auc": "macro average precision",
    "pr_micro_auc": "micro average precision",
    "metrics_pearson": "Pearson r",
    "metrics_r2": "R²",
    "metrics_accuracy": "accuracy",
    "metrics_loss": "loss",
}


def headline(learning: pd.DataFrame) -> str:
    """Return the figure that networks are compared by."""
    there = set(learning["metric"])
    return next((m for m in HEADLINES if m in there), str(learning["metric"].iloc[0]))


def amount_name(amount: float, *, of_rate: bool) -> str:
    """Write an amount of data.

    Examples
    --------
    >>> amount_name(10000.0, of_rate=False), amount_name(0.05, of_rate=True)
    ('10,000 sequences', '5 % of the training rows')
    """
    return f"{amount * 100:g} % of the training rows" if of_rate else f"{int(amount):,} sequences"


def span(row: pd.Series) -> str:
    """Write a mean with Student's interval over seeds."""
    import pandas as pd

    text = f"{row['mean']:.3f}"
    if pd.isna(row["t_low"]):
        return f"{text} (one seed)"
    return f"{text} ({row['t_low']:.3f} to {row['t_high']:.3f})"


def verdict(learning: pd.DataFrame, lines: pd.DataFrame, importance: pd.DataFrame) -> Iterator[str]:
    """Yield sentences: which network is best with how much data, and which found the rules.

    Parameters
    ----------
    learning, lines, importance : pandas.DataFrame
        The tables of a comparison.

    Yields
    ------
    str
    """
    metric, of_rate = headline(learning), bool(lines["d_rate"].notna().any())
    name = NAMES.get(metric, metric)
    for grammar, own in learning.groupby("grammar_id", sort=False):
        chosen = own[own["metric"] == metric]
        for amount, rows in chosen.groupby("amount"):
            yield _best(str(grammar), float(amount), rows, lines, metric, name, of_rate=of_rate)
        yield from _rules(str(grammar), own, chosen, importance, name)


def _best(
    grammar: str,
    amount: float,
    rows: pd.DataFrame,
    lines: pd.DataFrame,
    metric: str,
    name: str,
    *,
    of_rate: bool,
) -> str:
    """Say which network is best with an amount of data, and whether seeds tell it apart."""
    ranked = rows.sort_values("mean", ascending=False)
    first = ranked.iloc[0]
    where = f"{grammar}, {amount_name(amount, of_rate=of_rate)}:"
    said = f"{where} {first['model_id']} has the best {name}, {span(first)}"
    if len(ranked) < 2:
        return f"{said}; it is the only network."
    second = ranked.iloc[1]
    gap = _gap(grammar, amount, str(first["model_id"]), str(second["model_id"]), lines, metric)
    said += f"; next is {second['model_id']} with {span(second)}"
    if gap is None:
        return f"{said}. One seed cannot tell how sure that is."
    low, high, n = gap
    if low > 0:
        return f"{said}. Over {n} seeds the difference is {low:.3f} to {high:.3f}."
    return f"{said}. {n} seeds do not tell them apart (difference {low:+.3f} to {high:+.3f})."


def _gap(
    grammar: str, amount: float, first: str, second: str, lines: pd.DataFrame, metric: str
) -> tuple[float, float, int] | None:
    """Return Student's interval of the difference of two networks over the seeds of both."""
    from eugene.runs._replicates import paired

    amounts = lines["d_size"].where(lines["d_size"].notna(), lines["d_rate"])
    own = lines[(lines["grammar_id"] == grammar) & (amounts == amount)]
    both = own.pivot_table(
        index=["d_seed", "m_seed"], columns="model_id", values=f"e_{metric}", aggfunc="first"
    )[[second, first]].dropna()
    found = paired(both[second].tolist(), both[first].tolist())
    if len(both) < 2 or found["t_low"] is None or found["t_high"] is None:
        return None
    return found["t_low"], found["t_high"], len(both)


def _rules(
    grammar: str,
    own: pd.DataFrame,
    chosen: pd.DataFrame,
    importance: pd.DataFrame,
    name: str,
) -> Iterator[str]:
    """Say of each network whether its importance is on what was planted, with the most data."""
    import pandas as pd

    if importance.empty:
        yield (
            f"{grammar}: nothing says which network found the rules, as the runs do not have the "
            "step 'grammar' (interpret: {grammar: {}})."
        )
        return
    mine = importance[importance["grammar_id"] == grammar]
    if mine.empty:
        return
    method = str(mine["method"].iloc[0])
    share = float(mine["grammar_fraction"].mean())
    largest = chosen["amount"].max()
    key = f"{method}_smooth_precision"
    for model in dict.fromkeys(chosen["model_id"]):
        rows = own[(own["model_id"] == model) & (own["amount"] == largest)]
        scores = rows.set_index("metric")
        if key not in scores.index:
            yield f"{grammar}, {model}: importance was not compared with the grammar."
            continue
        precision, score = (
            scores.loc[key],
            chosen[(chosen["model_id"] == model) & (chosen["amount"] == largest)].iloc[0],
        )
        times = float(precision["mean"]) / share if share else float("nan")
        known = float(score["mean"]) >= MISSED or not name.endswith("AUROC")
        low = precision["t_low"]
        above = pd.isna(low) or float(low) > share
        if times >= FOUND and above:
            said = "found the rules" if known else "looks at what was planted, without use of it"
        else:
            said = "knows the labels, not the rules" if known else "found neither labels nor rules"
        if times >= FOUND and not above:
            said += " as far as these seeds show"
        elif pd.isna(low):
            said += " (one seed: there is no interval)"
        yield (
            f"{grammar}, {model}: {said}. Of the importance of {method.replace('_', ' ')} "
            f"{span(precision)} lies on planted positions (precision), {times:.1f} times their "
            f"share of {share:.3f} of the sequence, which chance reaches."
            f"{_seen(mine[mine['model_id'] == model])}"
        )
    yield (
        f"{grammar}: a network is said to have found the rules if that precision is at least "
        f"{FOUND:g} times what chance reaches and its interval over seeds lies above chance."
    )


def _seen(rows: pd.DataFrame) -> str:
    """Say so where importance is that of some labels alone, as others are not predicted well."""
    if "labels" not in rows:
        return ""
    amounts = rows["d_size"].where(rows["d_size"].notna(), rows["d_rate"])
    rows = rows[amounts == amounts.max()]
    low, high, outputs = (int(v) for v in (
        rows["labels"].min(), rows["labels"].max(), rows["outputs"].max()
    ))  # fmt: skip
    if low >= outputs:
        return ""
    count = str(low) if low == high else f"{low} to {high}"
    return f" That is of examples of {count} of {outputs} labels: no others are predicted surely."
