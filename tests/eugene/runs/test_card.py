"""What a notebook shows of a run that was loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

from eugene._folder import RunFolder
from eugene.models import SequenceModule
from eugene.runs._card import run_card
from eugene.runs._load import info_of


def test_a_run_shows_what_it_is_and_how_good(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "a<b>run")
    folder.config.write_text(
        "name: x\nmodel: {name: cnn}\nmodule: {task: binary_classification}\n"
        "data: {name: table, path: '<i>t</i>.tsv'}\n"
    )
    folder.write_json("data.json", {
        "n": 1200, "splits": {"train": 1000, "val": 100, "test": 100}, "alphabet": "ACGT",
        "input_len": 50, "target_names": ["<u>y"], "output_dim": 1,
    })  # fmt: skip

    def figure(value: float) -> dict[str, dict[str, float | None]]:
        return {"auroc": {"value": value, "low": value - 0.05, "high": value + 0.05}}

    folder.write_json("evaluation.json", {
        "n": 100, "metrics": figure(0.9), "baselines": {"kmer_logistic": figure(0.7)},
        "against": {"kmer_logistic": {"auroc": {"value": 0.2, "low": 0.1, "high": 0.3}}},
    })  # fmt: skip
    rows = dict(run_card(folder))
    assert rows["network"] == "cnn, binary classification"
    assert rows["data"] == "1,200 rows (train 1,000, val 100, test 100)"
    assert rows["reads"] == "50 bp of ACGT"
    assert "0.900" in rows["test"]
    assert "0.700" in rows["test"]
    info = info_of(folder)
    html = info._repr_html_()
    assert "&lt;i&gt;t&lt;/i&gt;.tsv" in html
    assert "&lt;u&gt;y" in html
    assert not {"<i>", "<u>", "<b>"} & set(html.split("</div>")[0].split())
    assert "<u>" not in html
    module = SequenceModule({"name": "cnn", "input_len": 50, "output_dim": 1})
    assert "not from a run folder" in module._repr_html_()
    module.run = info
    assert module._repr_html_() == html
    assert "network" in str(info)
    # a folder that is gone or damaged is no error in a notebook
    (folder / "evaluation.json").write_text("{")
    assert "test" not in dict(run_card(folder))
    shutil.rmtree(folder.path)
    assert dict(run_card(folder)) == {"folder": str(folder.path)}
