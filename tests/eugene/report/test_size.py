"""How large a page is: small enough to be sent by mail."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eugene.report._blocks import picture

MOST = 2_000_000


@pytest.mark.slow
def test_the_page_of_the_quickstart_can_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its rows, sections and pictures, after one epoch: what is drawn is of the same size."""
    from eugene.config import find_recipe, load_run_config
    from eugene.runs import run

    monkeypatch.chdir(tmp_path)
    config = load_run_config(
        find_recipe("quickstart"),
        overrides=(("trainer.max_epochs", "4"), ("interpret.control.max_epochs", "1")),
    )
    folder = run(config)
    page = folder.report.read_text()
    assert len(page.encode()) <= MOST
    drawn = re.findall(r'<img src="data:image/svg\+xml[^"]*"', page)
    assert len(drawn) >= 10
    assert len(list(folder.figures.glob("*.png"))) >= 10


def test_many_points_do_not_make_a_picture_large(tmp_path: Path) -> None:
    """A cloud of as many rows as a whole genome has is pixels inside the picture."""
    rng = np.random.default_rng(0)
    sizes = []
    for n in (3_000, 100_000):
        figure, ax = plt.subplots(figsize=(4.4, 4.0))
        ax.scatter(*rng.normal(size=(2, n)), s=5)
        drawn = picture(figure, f"cloud_{n}", folder=tmp_path, alt="cloud", caption="")
        sizes.append(len(drawn.uri))
    assert max(sizes) < 200_000
