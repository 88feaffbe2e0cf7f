"""A run on augmented sequences with fine-tuning: its records and its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eugene as eu
from eugene.errors import ConfigError
from eugene.runs import run
from seqpro.transforms import plans


@pytest.fixture
def augmented(tiny: dict[str, Any]) -> dict[str, Any]:
    return {
        **tiny,
        "baselines": [],
        "augment": {
            "augmentations": [{"name": "deletion", "max_length": 9}, {"name": "insertion"}, "rc"],
            "max_augs": 2,
            "hard": False,
            "scope": "batch-choice",
        },
        "stages": [
            {"name": "augmented"},
            {"name": "original", "augment": {"active": False}, "trainer": {"max_epochs": 1}},
        ],
    }


def test_draws_are_those_of_the_training_and_stages_stand_side_by_side(
    tmp_path: Path, augmented: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, list[int]]] = []
    drawn = plans.Rules.draw

    def spy(self: plans.Rules, seed: int, rows: Any, lengths: Any) -> plans.Changes:
        found = drawn(self, seed, rows, lengths)
        if found.table.shape[1] == 3:  # not those that are drawn for the report
            seen.append((len(rows), (found.table[:, :, 0] != 0).sum(0).tolist()))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(plans.Rules, "draw", spy)
        folder = run(augmented, run_dir=tmp_path / "run")
    noted = folder.read_json("augmentation.json")
    first, second = noted["stages"]
    assert (first["stage"], first["counted"], second["stage"]) == ("augmented", [0, 1], "original")
    n_train = len(np.flatnonzero(eu.runs.load_data(folder_config(folder), folder).ds["split"] == 0))
    assert first["shown"] == [n_train, n_train]
    assert sum(n for n, _ in seen) == 2 * n_train
    each = np.array([counts for _, counts in seen])
    half = len(each) // 2
    assert first["drawn"] == [each[:half].sum(0).tolist(), each[half:].sum(0).tolist()]
    assert "drawn" not in second
    assert first["settings"]["added"] == 20
    assert noted["sequence"]["length"] == 140

    # what stage 1 kept, measured on the test rows, is what its own network gives there
    evaluation = folder.read_json("evaluation.json")
    assert list(evaluation["stages"]) == ["augmented"]
    module = eu.load(folder / "stages/1_augmented")
    data = eu.runs.load_data(folder_config(folder), folder)
    rows = np.flatnonzero(data.ds["split"] == 2)
    letters = data.ds["seq"].values[rows]
    logits = module.predict(letters).numpy()[:, 0]
    actual = data.targets[rows, 0]
    above = logits[actual == 1][:, None] - logits[actual == 0][None]
    auroc = (above > 0).mean() + (above == 0).mean() / 2
    found = evaluation["stages"]["augmented"]
    assert found["n"] == len(rows)
    assert found["metrics"]["auroc"]["value"] == pytest.approx(auroc, abs=1e-6)

    page = folder.report.read_text()
    assert 'id="augmentation"' in page
    assert "it got 1 to 2 of 3 augmentations" in page
    assert "160 bp" in page
    assert "After each stage" in page
    assert (folder.figures / "augmentations.png").is_file()


def folder_config(folder: Any) -> Any:
    return eu.runs.read_config(folder).last


def test_a_resumed_training_keeps_its_augmentation(
    tmp_path: Path, augmented: dict[str, Any]
) -> None:
    del augmented["stages"]
    augmented["trainer"]["max_epochs"] = 1
    run(augmented, run_dir=tmp_path / "run")
    before = json.loads((tmp_path / "run/augmentation.json").read_text())
    assert [entry["stage"] for entry in before["stages"]] == [""]
    augmented["augment"]["max_augs"] = 3
    with pytest.raises(ConfigError, match=r"\$\.augment\.max_augs.*was made with 2, now it is 3"):
        run(augmented, run_dir=tmp_path / "run", resume=True)
