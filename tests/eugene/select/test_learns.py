"""What is published of the two-class grammar of HOMER: who learns it, and who finds its motifs."""

from __future__ import annotations

from pathlib import Path

import pytest

from eugene._evaluation import with_measures
from eugene.select import grid

DEFINITION = (
    Path(__file__).resolve().parents[3].parent
    / "shared/data/seqgra_definitions/data/mc2-dna1000-homer-100k-s1.xml.gz"
)
CONV = {
    "name": "cnn",
    "pool": "max",
    "conv_kwargs": {
        "conv_channels": [10],
        "conv_kernels": [21],
        "conv_padding": "valid",
        "batchnorm": False,
        "dropout_rates": 0.0,
    },
    "dense_kwargs": {"hidden_dims": [5]},
}
NAIVE = {"name": "fcn", "dense_kwargs": {"hidden_dims": [5]}}


@pytest.mark.slow
@pytest.mark.skipif(not DEFINITION.is_file(), reason="needs ../shared")
def test_the_informed_network_learns_the_labels_and_finds_the_motifs(tmp_path: Path) -> None:
    found = grid(
        DEFINITION,
        {
            "conv10-gmp-fc5": {"model": CONV},
            "fc5": {"model": NAIVE, "module": {"optimizer_lr": 0.001}},
        },
        folder=tmp_path / "grid",
        sizes=[10_000],
        data_seeds=[1],
        model_seeds=[1],
        sections={
            "data": {"batch_size": 100},
            "module": {"optimizer_lr": 0.005},
            "trainer": {"max_epochs": 8, "loggers": ["csv"], "accelerator": "cpu"},
            "evaluate": {"n_bootstrap": 0, "calibrate": False},
            "interpret": {"grammar": {"n_per_label": 100, "n_bootstrap": 0}},
        },
    )
    assert found.failed == {}
    informed, naive = (with_measures(found.path(run))["metrics"] for run in found.runs)
    assert informed["auroc"]["value"] >= 0.95
    share = informed["grammar_fraction"]["value"]
    # motifs of 20 and of 12 bp
    assert share == pytest.approx((20 + 12) / 2 / 1000)
    precision = informed["integrated_gradients_smooth_precision"]["value"]
    assert precision >= 5 * share
    assert naive["integrated_gradients_smooth_precision"]["value"] < precision
    words = "\n".join(found.compare().verdict)
    assert "conv10-gmp-fc5: found the rules" in words
    assert "fc5: found neither labels nor rules" in words
