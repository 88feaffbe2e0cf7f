"""Tracks along a genome and along constructs: what is drawn is what the files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import torch
import xarray as xr

import eugene as eu
from eugene.errors import EugeneError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    with pyBigWig.open(str(tmp_path / "m.bw"), "w") as out:
        out.addHeader([("c", 1000)])
        out.addEntries(["c", "c"], [100, 150], ends=[120, 180], values=[2.0, 5.0])
    (tmp_path / "p.bedgraph").write_text("c\t90\t110\t1.5\nc\t110\t160\t3.0\n")
    (tmp_path / "peaks.bed").write_text("c\t150\t170\n")
    return tmp_path


def test_a_region_is_drawn_as_the_files_have_it(files: Path) -> None:
    panels = {"one": [files / "m.bw", files / "p.bedgraph"], "two": files / "p.bedgraph"}
    figure = eu.plot.genome_tracks(panels, "c:100-200", bed=files / "peaks.bed")
    assert [ax.get_ylabel() for ax in figure.axes] == ["one", "two", "peaks"]
    line = figure.axes[0].lines[0].get_ydata()
    assert line[:10].tolist() == [1.5] * 10
    assert line[10:60].tolist() == [3.0] * 50
    assert np.isnan(line[60:]).all()
    (filled,) = figure.axes[0].collections
    tops = filled.get_paths()[0].vertices
    assert tops[:, 1].max() == 5.0
    assert figure.axes[0].get_legend() is not None
    with pytest.raises(EugeneError, match="no panel"):
        eu.plot.genome_tracks({}, "c:1-2")


class Ramp:
    """A track that grows along the window."""

    def predict(self, x: np.ndarray) -> torch.Tensor:
        bins = x.shape[1] // 4
        return torch.arange(bins, dtype=torch.float32).expand(len(x), 1, bins)


def test_a_construct_is_drawn_with_its_sites() -> None:
    ds = xr.Dataset(
        {"seq": (("_sequence", "_length"), np.full((1, 20), b"A", "S1")),
         "id": ("_sequence", np.array(["p"], object)), "activity": ("_sequence", [1.0]),
         "payload_start": ("_sequence", [4]), "payload_end": ("_sequence", [16]),
         "sites": ("_sequence", np.array(["u:5-9;v:7-12;w:12-14"], object))},
        attrs={"window_length": 16},
    )  # fmt: skip
    found = eu.evaluate.predict_constructs(
        None, ds, tracks=Ramp(), bin_size=4, n=None, reverse_complement=False
    )
    figure = eu.plot.construct_track(found, ds, "p")
    upper, lower = figure.axes
    np.testing.assert_allclose(upper.lines[0].get_ydata(), found.track[0])
    assert [text.get_text() for text in lower.texts] == ["u", "v", "w"]
    # v overlaps u and goes below it; w begins where v ends
    assert [line.get_ydata()[0] for line in lower.lines] == [0, -1, 0]
    assert "measured 1.00" in upper.get_title()
    with pytest.raises(EugeneError, match="construct: 'q'"):
        eu.plot.construct_track(found, ds, "q")
