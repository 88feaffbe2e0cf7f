"""Whether attributions meet the grammar of the data, on the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.report._blocks import Picture, Section, duration, interval, number, picture
from eugene.report._words import method_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from eugene._folder import RunFolder

FILE = "interpretation/grammar.json"
"""Figures of the step ``grammar``."""
LABELS = "interpretation/grammar_labels.csv"
ELEMENTS = "interpretation/grammar_elements.csv"
EXAMPLES = "interpretation/grammar_examples.csv"
PLACES = "interpretation/grammar_positions.csv"
ARRAYS = "interpretation/grammar.npz"
_MEASURES = ("precision", "recall", "specificity", "f1")
_DRAWN, _MOST_ROWS, _MOST_LINES = 2, 120, 60


def show_grammar(section: Section, run: RunFolder) -> None:
    """Say what the measures mean, give them by method, label and element, and draw the examples.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        A run with the step ``grammar``.
    """
    found = run.read(FILE)
    if not found:
        return
    metrics, methods = found["metrics"], [str(name) for name in found["methods"]]
    if found["why"]:
        section.text(f"Nothing was measured: {found['why']}.")
        return
    explained = "class" if found["target"] == "y" else "predicted class"
    section.text(
        "The data were made by a grammar, so it is known which positions matter. "
        f"{number(found['n'])} {found['split']} sequences"
        + (
            ""
            if found["predict_threshold"] is None
            else " that are predicted correctly, with a probability above "
            f"{found['predict_threshold']:g},"
        )
        + f" were explained, each as its own {explained}. The importance of a position is what "
        "speaks for the class there, as a share of the most important position. Smooth precision "
        "is the share of all importance that lies on the grammar, smooth recall the mean "
        "importance of its positions; with a threshold, positions with an attribution of "
        f"{found['threshold']:g} or more count as called. Attributions of noise would reach a "
        f"precision of {interval(metrics.get('grammar_fraction'))}, the share of positions that "
        "are grammar. Brackets hold 95 % bootstrap intervals over sequences."
    )
    if found["compat"]:
        section.text(
            "The faults of seqgra were asked for: whatever the class, its gradients are those of "
            "the sum of the first two outputs."
        )
    section.table(
        ("method", "measure", *_MEASURES),
        [
            (method_name(method), kind,
             *(interval(metrics.get(f"{method}_{kind}_{name}")) for name in _MEASURES))
            for method in methods for kind in ("smooth", "thresholded")
        ],
    )  # fmt: skip
    _show_table(section, run, LABELS, "Each label", ("method", "kind", "label"))
    _show_table(section, run, ELEMENTS, "Elements of the grammar", ("method", "label", "element"))
    for line in found["notes"]:
        section.text(f"{line[:1].upper()}{line[1:].rstrip('.')}.")
    section.text(f"It took {duration(float(found['seconds']))}.")
    section.figures(_pictures(run, methods))


def _show_table(
    section: Section, run: RunFolder, name: str, title: str, words: tuple[str, ...]
) -> None:
    """Add a table of the run's folder, as far as a page can show it."""
    table = run.table(name)
    if table.empty:
        return
    section.heading(title)
    if name == ELEMENTS:
        section.text(
            "Of each element: how many were placed in the sequences above, the mean importance of "
            "its positions, that of the background of the same sequences, and the share of the "
            "placed ones that are more important than it."
        )
    shown = table.head(_MOST_LINES).copy()
    shown["method"] = [method_name(str(value)) for value in shown["method"]]
    section.table(
        [str(column) for column in shown.columns],
        [[number(v) for v in row] for row in shown.astype(object).itertuples(index=False)],
        numbers=range(len(words), len(shown.columns)),
    )
    if len(table) > _MOST_LINES:
        section.text(f"{len(table) - _MOST_LINES} more lines are in {name}.")


def _pictures(run: RunFolder, methods: list[str]) -> list[Picture]:
    """Draw importance of the examples, called positions, and where there is grammar."""
    path = run / ARRAYS
    if not path.is_file():
        return []
    import matplotlib.pyplot as plt
    import numpy as np

    from eugene.plot import grammar_map, grammar_positions

    pictures = []
    with np.load(path) as arrays:
        rows = _shown_rows(arrays["label"])
        labels = [str(label) for label in arrays["label"][rows]]
        for method in methods[:_DRAWN]:
            for kind, word in (("vector", "importance"), ("called", "called positions")):
                figure, ax = plt.subplots(figsize=(7.2, _height(len(rows))), layout="constrained")
                grammar_map(
                    arrays[f"{kind}_{method}"][rows],
                    arrays["annotation"][rows],
                    labels=labels,
                    lengths=arrays["length"][rows],
                    ax=ax,
                )
                pictures.append(
                    picture(
                        figure, f"grammar_{kind}_{method}", folder=run.figures,
                        alt=f"{word} of each position of {len(rows)} sequences",
                        caption=f"{method_name(method)}: {word} of each position, a sequence a "
                        "row. Strong blue: grammar that the network looks at; pale blue: grammar "
                        "that it does not; red: other positions that it looks at.",
                    )
                )  # fmt: skip
    shares = run.table(PLACES)
    if not shares.empty:
        pictures.append(
            picture(
                grammar_positions(shares), "grammar_positions", folder=run.figures,
                alt="Share of the sequences of each label with grammar at each position",
                caption="Where sequences have grammar: all together, and those of each label.",
            )
        )  # fmt: skip
    return pictures


def _height(n: int) -> float:
    """Return the inches of a picture of so many sequences."""
    return 0.8 + min(5.0, max(1.2, 0.05 * n))


def _shown_rows(labels: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return rows that a picture has room for, the first of each label."""
    import numpy as np

    counts: Mapping[str, int] = {str(name): int((labels == name).sum()) for name in set(labels)}
    each = max(1, _MOST_ROWS // max(len(counts), 1))
    kept = [np.flatnonzero(labels == name)[:each] for name in dict.fromkeys(labels.tolist())]
    return np.concatenate(kept) if kept else np.empty(0, np.int64)
