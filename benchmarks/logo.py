"""Sequence logos beside logomaker and tangermeme: processor time to make and to render.

Run with ``python benchmarks/logo.py [--lengths 50 500] [--repeats 5]``. Peers that are not
installed are left out. The difference is that of the letter heights drawn (ours against the
matrix), read back from the paths.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

import seqexplainer as se


def with_ours(matrix: np.ndarray, ax: plt.Axes) -> None:
    se.plot.logo(matrix, ax=ax)


def with_logomaker(matrix: np.ndarray, ax: plt.Axes) -> None:
    import logomaker

    logomaker.Logo(pd.DataFrame(matrix.T, columns=list("ACGT")), ax=ax)


def with_tangermeme(matrix: np.ndarray, ax: plt.Axes) -> None:
    from tangermeme.plot import plot_logo

    plot_logo(matrix, ax=ax)


def seconds(draw: Callable[[np.ndarray, plt.Axes], None], matrix: np.ndarray) -> float:
    figure, ax = plt.subplots(figsize=(16, 2))
    begin = time.process_time()
    draw(matrix, ax)
    figure.canvas.draw()
    spent = time.process_time() - begin
    plt.close(figure)
    return spent


def greatest_difference(matrix: np.ndarray) -> float:
    from seqexplainer.plot._logo import glyph

    ax = plt.subplots()[1]
    se.plot.logo(matrix, ax=ax)
    worst = 0.0
    for row, path in enumerate(ax.collections[0].get_paths()):
        drawn = glyph("ACGT"[row])[1] != path.CLOSEPOLY
        letters = path.vertices.reshape(-1, len(drawn), 2)[:, drawn, 1]
        heights = letters.max(axis=1) - letters.min(axis=1)
        worst = max(worst, float(np.abs(heights - np.abs(matrix[row])).max()))
    plt.close("all")
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="*", default=[50, 500, 2000])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    sides = {"ours": with_ours}
    for name, draw in (("logomaker", with_logomaker), ("tangermeme", with_tangermeme)):
        if find_spec(name) is not None:
            sides[name] = draw
            try:
                print(name, version(name))
            except PackageNotFoundError:
                print(name, "(version unknown)")
    print(f"matplotlib {mpl.__version__}; median of {options.repeats}, attributions of all letters")
    print(f"{'bp':>5s} " + " ".join(f"{name + ' s':>14s} {'ratio':>7s}" for name in sides))
    warnings.simplefilter("ignore")
    for length in options.lengths:
        matrix = np.random.default_rng(0).normal(size=(4, length))
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.repeats):
            for name, draw in sides.items():
                times[name].append(seconds(draw, matrix))
        middle = {name: statistics.median(values) for name, values in times.items()}
        cells = [f"{middle[n]:14.4f} {middle[n] / middle['ours']:7.1f}" for n in sides]
        print(f"{length:5d} " + " ".join(cells))
        print(f"      greatest difference of a letter's height: {greatest_difference(matrix):.1e}")


if __name__ == "__main__":
    main()
