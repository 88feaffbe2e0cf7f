"""TomTom beside MEME suite 5.4.1 on real filters: agreement of p-values, matches, alignments.

Run with ``python benchmarks/tomtom.py [--data ../shared/data]``. The folder holds the table that
TomTom wrote and both of its inputs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd

import seqexplainer as se
import seqpro as sp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    folder = options.data / "tomtom_golden"
    golden = pd.read_csv(folder / "explainn_tomtom.tsv.gz", sep="\t", comment="#")
    golden = golden.dropna(subset=["Target_ID"])
    filters = sp.motifs.read(folder / "explainn_filters.meme")
    known = sp.motifs.read(folder / "JASPAR2020_CORE_vertebrates_nonredundant.meme.gz")
    times = []
    for _ in range(options.repeats + 1):
        begin = time.perf_counter()
        ours = se.annotate_pfms(filters, known, top=None)
        times.append(time.perf_counter() - begin)
    both = golden.merge(ours, left_on=["Query_ID", "Target_ID"], right_on=["query", "accession"])
    best = golden.loc[golden.groupby("Query_ID")["p-value"].idxmin()]
    first = ours[ours["rank"] == 1].set_index("query")["accession"]
    agree = (first[best["Query_ID"]].to_numpy() == best["Target_ID"].to_numpy()).sum()
    ratio = np.abs(np.log10(both["p_value"] / both["p-value"]))
    print(f"{len(filters)} filters x {len(known)} motifs")
    print(f"Spearman of p-values     {both['p_value'].rank().corr(both['p-value'].rank()):.5f}")
    print(f"|log10 ratio| median/max {ratio.median():.4f} / {ratio.max():.3f}")
    print(f"same best match          {agree} of {len(best)}")
    print(f"same offset              {(both['offset'] == both['Optimal_offset']).mean():.4f}")
    print(f"same overlap             {(both['overlap'] == both['Overlap']).mean():.4f}")
    print(f"seconds (median, after the first call) {statistics.median(times[1:]):.3f}")


if __name__ == "__main__":
    main()
