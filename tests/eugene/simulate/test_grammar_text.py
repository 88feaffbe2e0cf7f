"""Input folders of seqgra: what was written is read, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import eugene as eu
from eugene.errors import DataError, EugeneError
from eugene.simulate import from_definition, read_text

DEFINITION = """
id: pair
task: {task}
space: DNA
seed: 3
background:
  length: {length}
  letters: [{{letters: {{A: 1, C: 1, G: 1, T: 1}}}}]
sets:
  training: [{{samples: 12, conditions: [c2]}}, {{samples: 9, conditions: {both}}}, {{samples: 2}}]
  validation: [{{samples: 4, conditions: [c10]}}]
  test: [{{samples: 5, conditions: [c2]}}]
conditions:
  c2: {{rules: [{{elements: [gata]}}]}}
  c10: {{rules: [{{elements: [ebox]}}]}}
elements:
  gata: {{kmers: {{AGATAAGA: 1}}}}
  ebox: {{kmers: {{CCACGTGG: 1}}}}
"""


def written(tmp_path: Path, *, several: bool, ragged: bool) -> tuple[Path, object]:
    text = DEFINITION.format(
        task="multi-label" if several else "multi-class",
        both="[c2, c10]" if several else "[c10]",
        length="[30, 40]" if ragged else "40",
    )
    path = tmp_path / "pair.yaml"
    path.write_text(text)
    grammar = from_definition(path)
    grammar.write_text(tmp_path / "input")
    return tmp_path / "input", grammar.generate()


@pytest.mark.parametrize(("several", "ragged"), [(False, False), (True, True)])
def test_what_was_written_is_read(tmp_path: Path, several: bool, ragged: bool) -> None:
    folder, ds = written(tmp_path, several=several, ragged=ragged)
    found = read_text(folder)
    for name in ("seq", "split", "annotation", "c2", "c10"):
        np.testing.assert_array_equal(found[name].values, ds[name].values)
    assert ("label" in found) is not several
    assert ("seq_length" in found) is ragged
    if several:
        np.testing.assert_array_equal(found["seq_length"].values, ds["seq_length"].values)
        with pytest.raises(DataError, match="has the labels"):
            read_text(folder, task="multi-class")
        return
    assert found["label"].attrs["classes"] == ["c2", "c10"]
    np.testing.assert_array_equal(found["label"].values, ds["label"].values)
    assert (found["label"].values == -1).sum() == 2
    again = read_text(folder, out=tmp_path / "store.zarr")
    np.testing.assert_array_equal(again["annotation"].values, ds["annotation"].values)


def test_confounders_are_no_grammar(tmp_path: Path) -> None:
    folder, _ = written(tmp_path, several=False, ragged=False)
    path = folder / "test-annotation.txt"
    path.write_text(path.read_text().replace("_", "C"))
    ds = read_text(folder)
    rows = np.flatnonzero(ds["split"].values == 2)
    assert set(np.unique(ds["annotation"].values[rows])) == {1, 2}
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(160, 2))
    options = {"rows": rows, "predict_threshold": None, "task": "multiclass_classification"}
    found = eu.evaluate.grammar_agreement(net, ds, ["saliency"], seed=0, **options)
    assert found.examples["grammar_fraction"].tolist() == [8 / 40] * 5
    (folder / "validation.txt").unlink()
    (folder / "validation-annotation.txt").unlink()
    assert len(read_text(folder)["seq"]) == len(ds["seq"]) - 4
    for path in folder.glob("*-annotation.txt"):
        path.unlink()
    assert "annotation" not in read_text(folder)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("test.txt", lambda t: t.replace("x\ty", "seq\ty"), r"test.txt:1: the header is"),
        ("test.txt", lambda t: "x\ty\n", "there is no row"),
        ("test.txt", lambda t: t.replace("\tc2", "", 1), r"test.txt:2: expected x, a tab and y"),
        ("test.txt", lambda t: t.replace("A", "J", 1), r"test.txt:2: 'J' is none of the letters"),
        ("test-annotation.txt", lambda t: t + t.splitlines()[1] + "\n", "has 6 rows"),
        ("test-annotation.txt", lambda t: t.replace("G", "X", 1), "'X' is no annotation"),
        ("test-annotation.txt", lambda t: t.replace("_", "", 1), r"annotation.txt:2: 39 positions"),
        ("test-annotation.txt", lambda t: None, "is not there"),
    ],
)
def test_what_is_no_input_folder_is_refused(tmp_path: Path, name, change, message) -> None:
    folder, _ = written(tmp_path, several=False, ragged=False)
    changed = change((folder / name).read_text())
    (folder / name).unlink()
    if changed is not None:
        (folder / name).write_text(changed)
    with pytest.raises(EugeneError, match=message):
        read_text(folder, out=tmp_path / "store.zarr")
    assert not (tmp_path / "store.zarr").exists()
    with pytest.raises(EugeneError, match="expected seqgra's input folder"):
        read_text(tmp_path)
