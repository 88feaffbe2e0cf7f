"""What a report says of explanations."""

from __future__ import annotations

import pandas as pd
import pytest

from eugene._folder import RunFolder
from eugene.report._blocks import Section
from eugene.runs.steps.evolve import evolve

pytest.importorskip("matplotlib")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{}", "the one substitution that raises the score most"),
        ("{maximize: false}", "the one substitution that lowers the score most"),
        ("{beam: 4}", "chosen by a beam search to raise the score"),
        ("{method: genetic}", "to raise the score, by the genetic search"),
    ],
)
def test_the_search_is_named(tmp_path, options, said):
    (tmp_path / "interpretation").mkdir()
    (tmp_path / "config.yaml").write_text(f"interpret:\n  evolve: {options}\n")
    table = pd.DataFrame({"sequence": [7, 7], "round": [0, 1], "score": [1.0, 2.0]})
    table.to_csv(tmp_path / "interpretation" / "evolution.csv", index=False)
    section = Section("evolution", "Evolution")
    evolve.report[0].fill(section, RunFolder(tmp_path))
    html = " ".join(str(part) for part in section.blocks)
    assert said in html
    assert "after 1 round(s)" in html
