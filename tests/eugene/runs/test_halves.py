"""Reads dealt to halves: by fragments where they give the signal, count by count elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from eugene.evaluate import thin
from eugene.runs._halves import Halves


@pytest.fixture
def reads(tmp_path: Path) -> tuple[Path, xr.Dataset, np.ndarray]:
    """Return a file of fragments, windows of 20 bp, and the cut sites in their middle 12 bp."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 160, 500)
    ends = starts + rng.integers(10, 40, 500)
    lines = "".join(f"c\t{s}\t{e}\n" for s, e in zip(starts, ends, strict=True))
    (tmp_path / "x.bed").write_text(lines)
    cuts = np.bincount(np.concatenate([starts, ends - 1]), minlength=200)
    begin = np.array([40, 60, 100])
    places = xr.Dataset(
        {
            "chrom": ("_sequence", ["c"] * 3),
            "start": ("_sequence", begin),
            "end": ("_sequence", begin + 20),
            "strand": ("_sequence", ["+", "-", "."]),
        }
    )
    counts = np.stack([cuts[b + 4 : b + 16] for b in begin]).astype(float)
    counts[1] = counts[1, ::-1]
    return tmp_path / "x.bed", places, counts[:, None]


def test_fragments_are_dealt_where_they_give_the_signal(reads) -> None:
    file, places, counts = reads
    halves = Halves(places, file, seed=1)
    first, second = halves.deal(counts, np.arange(3))
    np.testing.assert_array_equal(first + second, counts)
    assert halves.how["method"] == "fragments" and halves.how["counted"] == "cutsite"
    assert (first != thin(counts, 1, np.arange(3))[0]).any()
    # rows are what they are in any company
    alone = Halves(places, file, seed=1).deal(counts[1:2], np.array([1]))
    np.testing.assert_array_equal(alone[0], first[1:2])
    counts[0, 0, 3] = np.nan
    kept = Halves(places, file, seed=1).deal(counts, np.arange(3))
    assert np.isnan(kept[0]).sum() == np.isnan(kept[1]).sum() == 1


def test_what_is_used_instead_is_said(reads, caplog: pytest.LogCaptureFixture) -> None:
    file, places, counts = reads
    other = counts + 1
    with caplog.at_level(logging.WARNING, "eugene.runs"):
        halves = Halves(places, file, seed=1)
        first, second = halves.deal(other, np.arange(3))
    np.testing.assert_array_equal(first + second, other)
    np.testing.assert_array_equal(first, thin(other, 1, np.arange(3))[0])
    assert halves.how["method"] == "thinning" and "do not give the counts" in halves.how["why"]
    assert "counts are dealt one by one" in caplog.text
    both = np.concatenate([counts, counts], axis=1)
    halves = Halves(places, file, seed=1)
    assert halves.deal(both, np.arange(3)) is not None
    assert "fragments have no strand" in halves.how["why"]
    halves = Halves(places, None, seed=1)
    assert halves.deal(counts / 3, np.arange(3)) is None
    assert halves.how["method"] == "none" and "no count of reads" in halves.how["why"]
