"""A run in two stages, the bias of the enzyme first, from files to its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest

import eugene as eu
import seqdata as sd
from eugene.errors import EugeneError
from eugene.evaluate import score_profiles, summarise_profiles
from eugene.runs import run

SIZES = {"c1": 16000, "c2": 4000, "c3": 4000}
WIDTH, TARGET = 80, 40


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("bias")
    rng = np.random.default_rng(0)
    with (path / "g.fa").open("w") as out:
        for contig, size in SIZES.items():
            out.write(f">{contig}\n{''.join(rng.choice(list('ACGT'), size))}\n")
    peaks = [(c, s, s + 40) for c, size in SIZES.items() for s in range(200, size - 300, 400)]
    pd.DataFrame(peaks).to_csv(path / "p.bed", sep="\t", header=False, index=False)
    with pyBigWig.open(str(path / "cuts.bw"), "w") as signal:
        signal.addHeader(list(SIZES.items()))
        for contig, size in SIZES.items():
            rate = np.full(size, 0.25)
            for _, start, end in (p for p in peaks if p[0] == contig):
                rate[start - 20 : end + 20] = 2
            signal.addEntries(contig, 0, values=rng.poisson(rate).astype(float), span=1, step=1)
    return {
        "name": "bias", "seed": 3,
        "data": {
            "name": "regions", "fasta": str(path / "g.fa"), "bed": str(path / "p.bed"),
            "bigwigs": {"atac": str(path / "cuts.bw")}, "width": WIDTH, "task": "profile",
            "negatives": {"ratio": 2, "gc_tolerance": 0.2},
            "bias_rows": {"factor": 0.5, "peak_quantile": 0.1}, "target_length": TARGET,
            "split": {"name": "chromosome", "test": ["c3"], "val": ["c2"]}, "batch_size": 16,
        },
        "model": {
            "name": "chrombpnet", "n_filters": 3, "n_layers": 1, "bias_filters": 3,
            "bias_layers": 1, "trimming": 20, "freeze_bias": False, "batchnorm": True,
        },
        "module": {"name": "profile", "count_weight": 2.0},
        "stages": [
            {
                "name": "bias", "train": ["bias"], "module": {"part": "bias"},
                "data": {"rows": "bias_rows"},
            },
            {
                "name": "main", "freeze": ["bias"],
                "before": [
                    {"name": "scale_counts", "part": "bias", "outside": "is_peak"},
                    {"name": "scale_counts", "part": "main"},
                ],
            },
        ],
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
        "evaluate": {"n_bootstrap": 20},
        "interpret": {
            "footprints": {
                "motifs": ["GATTACA"], "strongest": 2, "k": 2, "n_backgrounds": 5, "reach": 15,
                "n_bootstrap": 20, "background": "shuffled",
            }
        },
    }  # fmt: skip


def test_the_bias_goes_its_own_way(tree: dict[str, Any], tmp_path: Path) -> None:
    folder = run(tree, run_dir=tmp_path / "bias")
    noted = [
        json.loads((folder.path / "stages" / name / "stage.json").read_text())
        for name in ("1_bias", "2_main")
    ]
    assert set(noted[1]["hook"]) == {"scale_counts.bias", "scale_counts.main"}
    assert not set(noted[0]["trained"]) & set(noted[1]["trained"])
    chosen = json.loads((folder.path / "data.json").read_text())["chosen"]
    assert chosen["bias_rows"] > 0

    heights = folder.table("interpretation/footprint_heights.csv")
    words = folder.table("interpretation/cut_site_words.csv")["word"]
    assert heights.groupby("network", sort=False).size().to_dict() == {
        "with bias": 3, "without bias": 3, "bias alone": 3,
    }  # fmt: skip
    assert list(heights["motif"][:4]) == ["GATTACA"] * 3 + [f"data {words[0]}"]

    # figures of the parts are those of predictions by the parts
    module = eu.load(folder.path)
    parts = folder.table("interpretation/bias_parts.csv")
    assert set(parts["rows"]) == {"all test rows", "within peaks"}
    ds = sd.open_zarr(folder.path / "data.zarr")
    test = np.flatnonzero(ds["chrom"].to_numpy() == "c3")
    margin = (WIDTH - TARGET) // 2
    observed = ds["cov"].to_numpy()[test][..., margin:-margin]
    letters = ds["seq"].to_numpy()[test]
    for name, part in (("with bias", None), ("without bias", "main"), ("bias alone", "bias")):
        found = module.predict(letters, part=part)
        scored = score_profiles(observed, found.profile.numpy(), found.counts.numpy())
        expected = summarise_profiles(scored, n_bootstrap=0)
        own = parts[(parts["network"] == name) & (parts["rows"] == "all test rows")]
        for row in own.to_dict("records"):
            assert row["value"] == pytest.approx(expected[row["metric"]]["value"], rel=1e-5)
    page = (folder.path / "report.html").read_text()
    for words_of_it in (
        "Bias footprints",
        "Test rows with the bias",
        "Rows chosen by their counts",
    ):
        assert words_of_it in page


def test_footprints_need_profiles(tree: dict[str, Any], tmp_path: Path) -> None:
    wrong = {k: v for k, v in tree.items() if k not in ("stages", "evaluate")}
    wrong["data"] = {**tree["data"], "task": "counts", "target_vars": "log_counts"}
    wrong["data"].pop("target_length")
    wrong["model"], wrong["module"] = {"name": "fcn"}, {"name": "sequence", "task": "regression"}
    with pytest.raises(EugeneError, match="needs a network of profiles"):
        run(wrong, run_dir=tmp_path / "run")
