"""Steps that measure explanations: consistency and robustness, and where their figures go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_pictures import PNG

import eugene as eu
import seqexplainer as se
from eugene.cli import main
from eugene.errors import ConfigError
from eugene.runs import Run, RunFolder, run
from eugene.runs._active import active_rows

MEASURED: dict[str, Any] = {
    "robustness": {"n": 12, "n_shifts": 3, "max_shift": 5},
    "consistency": {"n": 20, "k": 2, "n_null": 3},
}


@pytest.fixture
def grid(tiny: dict[str, Any]) -> dict[str, Any]:
    tiny["trainer"]["max_epochs"] = 1
    tiny["data"] |= {"n": 200, "split": {**tiny["data"]["split"], "seed": 1}}
    arms = {"plain": {}, "slow": {"module.optimizer_lr": 1e-4}}
    replicates = {"seeds": [0, 1], "arms": arms, "interpret": "none"}
    return {**tiny, "baselines": [], "interpret": MEASURED, "replicates": replicates}


@pytest.fixture
def one(tiny: dict[str, Any], tmp_path: Path) -> RunFolder:
    attribute = {"methods": ["saliency"], "top": None, "hypothetical": True}
    tree = {**tiny, "baselines": [], "interpret": {"attribute": attribute, **MEASURED}}
    return run(tree, run_dir=tmp_path / "one")


def test_figures_are_those_of_seqexplainer_and_kept_maps_are_taken(one: RunFolder) -> None:
    found = one.read_json("interpretation/consistency.json")
    current = Run(eu.runs.read_config(one), one)
    rows = active_rows(current, "test", 20, by="measured", target=None, seed=0)
    assert current.data.targets[rows, 0].min() == 1  # enough of the test rows are positive
    X = np.asarray(current.one_hot(rows))
    maps = se.attribute(eu.load(one.path).explained, X, "saliency", hypothetical=True).numpy()
    k_attr_mean = se.metrics.k_attr_mean_kld(maps, X).kld
    metrics = found["metrics"]
    assert metrics["k_attr_mean_kld"]["value"] == pytest.approx(k_attr_mean, rel=1e-5)
    kmers = se.metrics.kmer_kld(maps, X, k=2)
    assert metrics["kmer_kld"]["value"] == pytest.approx(kmers.kld, rel=1e-5)
    assert found["kmer"]["n_kmers"] == kmers.n_kmers
    # AUPRC of planted positions by the plain route
    planted = current.data.ds["annotation"].to_numpy()[rows] != 0
    areas = [
        se.metrics.position_auprc(np.maximum((m * x).sum(0), -9)[None] + 9, p[None])[0]
        for m, x, p in zip(maps, X, planted, strict=True)
    ]
    auprc = metrics["attribution_auprc"]["value"]
    assert auprc == pytest.approx(float(np.nanmean(areas)), abs=0.02)
    assert found["kept"]
    # without the kept maps the figures are the same
    one.clear("attributions.zarr")
    eu.runs._pipeline.later_step(Run(eu.runs.read_config(one), one), "consistency", overwrite=True)
    again = one.read_json("interpretation/consistency.json")
    assert not again["kept"]
    for name, entry in again["metrics"].items():
        assert entry["value"] == pytest.approx(metrics[name]["value"], rel=1e-4)

    rows = active_rows(current, "test", 12, by="measured", target=None, seed=0)
    moved = se.metrics.translational_robustness(
        current.arch, current.one_hot(rows), n_shifts=3, max_shift=5, seed=0
    )
    robust = one.read_json("interpretation/robustness.json")
    assert robust["metrics"]["robustness_error"]["value"] == pytest.approx(moved.mean, rel=1e-5)
    assert one.table("interpretation/robustness.csv")["row"].tolist() == rows.tolist()

    page = one.report.read_text()
    for text in ("Translational robustness", "Consistency of attributions", "shuffled maps"):
        assert text in page
    assert (one.figures / "consistency.png").is_file()
    assert (one.figures / "robustness.png").is_file()


def test_every_replicate_is_measured_on_the_same_rows_and_one_is_chosen(
    tmp_path: Path, grid: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(grid, run_dir=tmp_path / "grid")
    each = {}
    for arm in ("plain", "slow"):
        for seed in (0, 1):
            own = RunFolder(folder / arm / f"seed_{seed}")
            each[f"{arm}/seed_{seed}"] = own.read_json("interpretation/consistency.json")
            with np.load(own / "interpretation/consistency.npz") as arrays:
                each[f"{arm}/seed_{seed}"]["row"] = arrays["row"].tolist()
            assert not own.attributions.exists()
    assert len({tuple(found["row"]) for found in each.values()}) == 1
    summary = folder.read_json("summary.json")
    values = {name: f["metrics"]["k_attr_mean_kld"]["value"] for name, f in each.items()}
    for arm in ("plain", "slow"):
        theirs = summary["arms"][arm]["metrics"]["k_attr_mean_kld"]["per_seed"]
        assert theirs == [values[f"{arm}/seed_0"], values[f"{arm}/seed_1"]]
    assert "robustness_error" in summary["paired"]["slow - plain"]["metrics"]
    assert "network,all,kmer_kld" in folder.path.joinpath("summary.csv").read_text()
    assert "Performance against consistency" in folder.report.read_text()
    assert (folder.figures / "performance_consistency.png").is_file()

    picture = tmp_path / "scatter.png"
    asked = ["--by", "k_attr_mean_kld", "--within", "1", "--scatter", str(picture)]
    assert main(["compare", str(folder.path), *asked]) == 0
    best = max(values, key=lambda name: values[name])
    said = capsys.readouterr().out
    assert f"Among them {folder / best} has the highest k_attr_mean_kld" in said
    assert "4 have auroc within 1 of the best" in said
    assert picture.read_bytes() == PNG


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"interpret.consistency.method": "occlusion"}, r"consistency\.method.*hypothetical form"),
        ({"interpret.robustness.max_shift": 70}, r"robustness\.max_shift.*nothing is left"),
        (
            {"trainer.monitor": "val_consistency", "trainer.callbacks": [
                {"name": "consistency", "every_n_epochs": 2}]},
            r"\$\.trainer\.callbacks.*every_n_epochs: 1",
        ),
        ({"trainer.monitor": "val_consistency"}, r"monitor.*nothing logs 'val_consistency'"),
        ({"trainer.callbacks": ["consistenci"]}, r"callbacks\[0\].*mean 'consistency'"),
        (
            {"trainer.callbacks": [{"name": "consistency", "n": 1}]},
            r"callbacks\[0\]\.n.*2",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_before_training(
    tmp_path: Path, tiny: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    tree = {**tiny, "baselines": [], "interpret": json.loads(json.dumps(MEASURED))}
    for dotted, value in changes.items():
        place = tree
        *path, last = dotted.split(".")
        for key in path:
            place = place[key]
        place[last] = value
    with pytest.raises(ConfigError, match=message):
        run(tree, run_dir=tmp_path / "refused")
    assert not (tmp_path / "refused/checkpoints").exists()
