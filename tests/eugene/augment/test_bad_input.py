"""What cannot be augmented is refused where it is written, before anything is made or trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from eugene.augment import Augmenter, Deletion, Insertion, Inversion, ReverseComplement
from eugene.cli import main
from eugene.data import SequenceDataModule
from eugene.errors import ConfigError, EugeneError
from eugene.models import SequenceModule
from eugene.models.zoo import CNN
from eugene.runs import run
from eugene.train import fit

TREE = {
    "data": {
        "name": "simulated",
        "n": 60,
        "length": 150,
        "target_vars": ["label"],
        "split": "random",
    },
    "model": {"name": "cnn"},
    "module": {"task": "binary_classification"},
    "trainer": {"max_epochs": 1},
}
INSERTIONS = [{"name": "insertion", "max_length": n} for n in (5, 8)]


@pytest.mark.parametrize(
    ("section", "place", "message"),
    [
        ({"augmentations": []}, "", "name at least one"),
        ({"augmentations": ["deltion"]}, ".augmentations[0].name", "did you mean 'deletion'"),
        (
            {"augmentations": [{"name": "rc", "chance": 1}]},
            ".augmentations[0].chance",
            "no 'chance'",
        ),
        ({"augmentations": [{"name": "rc", "probability": 2}]}, ".augmentations[0]", "from 0 to 1"),
        (
            {"augmentations": ["rc", {"name": "mutation", "fraction": -0.1}]},
            ".augmentations[1]",
            "from 0 to 0.75",
        ),
        ({"augmentations": [{"name": "noise", "std": -1}]}, ".augmentations[0]", "0 or more"),
        (
            {"augmentations": [{"name": "translocation", "min_shift": 9, "max_shift": 3}]},
            ".augmentations[0]",
            "smallest <= largest, got 9 and 3 bp",
        ),
        ({"augmentations": ["rc"], "max_augs": 0}, ".max_augs", "1 or more"),
        ({"augmentations": ["rc"], "scope": "row"}, ".scope", "'row'"),
        ({"augmentations": ["rc"], "homologs": "none.fa"}, "", "there is no file none.fa"),
        ({"augmentations": ["rc"], "homolog_rate": 1.5}, "", "from 0 to 1"),
        ({"augmentations": INSERTIONS, "compat": "evoaug"}, "", "different lengths"),
        ({"augmentations": ["rc"], "compat": "evoaug3"}, ".compat", "evoaug3"),
        ({"augmentations": [{"name": "deletion", "max_length": 151}]}, "", "at least 151 bp"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    section: dict, place: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        run(TREE | {"augment": section}, run_dir=tmp_path / "run")
    (problem,) = caught.value.problems
    assert problem.path == f"$.augment{place}"
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_shell_says_the_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "name: wrong\n"
        "data: {name: simulated, n: 60, target_vars: [label]}\n"
        "model: {name: cnn}\n"
        "module: {task: binary_classification}\n"
        "augment:\n"
        "  augmentations:\n"
        "    - rc\n"
        "    - {name: inversion, min_length: 30, max_length: 20}\n"
    )
    assert main(["run", str(path), "--run_dir", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "wrong.yaml:8: $.augment.augmentations[1]" in said
    assert not (tmp_path / "run").exists()


def test_rows_of_several_lengths_name_the_shortest_that_is_trained_on() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(25, 40, 20)
    lengths[3], lengths[11] = 12, 9
    letters = rng.choice(np.frombuffer(b"ACGT", np.uint8), (20, 40))
    letters[np.arange(40) >= lengths[:, None]] = 0
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters.view("S1")),
            "seq_length": ("_sequence", lengths),
            "y": ("_sequence", rng.normal(size=20)),
        }
    )
    splits = np.array(["train"] * 10 + ["val"] * 10)
    data = SequenceDataModule(ds, target_vars=["y"], split=splits, batch_size=4)
    module = SequenceModule(CNN(40, 1), task="regression", augment=Augmenter([Deletion(0, 15)]))
    with pytest.raises(EugeneError, match="at least 15 bp, row 3 has 12"):
        fit(module, data, max_epochs=1)


@pytest.mark.parametrize("listed", [[ReverseComplement()], [Inversion(0, 5)]])
def test_strands_without_pairs_are_refused(listed: list) -> None:
    batch = {"ohe_seq": torch.zeros(3, 4, 30), "target": torch.zeros(3, 2, 30)}
    with pytest.raises(EugeneError, match=r"2 tracks.*pairs are None"):
        Augmenter(listed).augment_batch(batch, 0)
    changed = Augmenter(listed).augment_batch(batch, 0, pairs=[1, 0])
    assert changed["target"].shape == (3, 2, 30)


def test_tracks_of_sequences_that_grow_are_refused() -> None:
    batch = {"ohe_seq": torch.zeros(3, 4, 30), "target": torch.zeros(3, 1, 20)}
    with pytest.raises(EugeneError, match="length='keep'"):
        Augmenter([Insertion(0, 5)]).augment_batch(batch, 0)
    changed = Augmenter([Insertion(0, 5)], length="keep").augment_batch(batch, 0)
    assert changed["target"].shape == (3, 1, 20)
