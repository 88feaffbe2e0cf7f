"""The distance assay on shuffled background; what a dinucleotide shuffle keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import seqexplainer as se
import seqpro as sp
from seqexplainer.errors import SeqexplainerError


class Near(torch.nn.Module):
    """A track of the share of As in each bin, plus that of the bin on its right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        share = torch.nn.functional.avg_pool1d(x[:, :1], 8)
        return share + torch.roll(share, -1, 2)


def background(length: int = 160) -> np.ndarray:
    # without As, so that only the elements show
    codes = np.random.default_rng(0).integers(1, 4, (1, length))
    return np.eye(4)[codes].swapaxes(1, 2)


def test_each_place_is_seen_at_both_elements() -> None:
    table = se.perturb.distance_assay(
        Near(), background(), "A" * 8, "A" * 8, anchor=72, step=8, bin_size=8, centre=8, n=3
    )
    assert np.isnan(table["distance"][0])
    assert table["fixed"][0] == 1.0
    places = table["position"].to_numpy()[1:]
    assert places.tolist() == [float(p) for p in range(0, 160 - 7, 8) if p != 72]
    assert table["distance"].tolist()[1:] == (places - 72).tolist()
    # the neighbour on the right is felt, no other
    assert table["fixed"].tolist()[1:] == [2.0 if p == 80 else 1.0 for p in places]
    assert table["mobile"].tolist()[1:] == [2.0 if p == 64 else 1.0 for p in places]
    assert (table["fixed_sd"] == 0).all()


def test_elements_of_two_lengths_lie_apart_by_their_middles() -> None:
    table = se.perturb.distance_assay(
        Near(), background(), "A" * 8, "A" * 24, anchor=72, positions=[100], bin_size=8, centre=8,
        n=2,
    )  # fmt: skip
    assert table["distance"][1] == 100 + 12 - 76
    with pytest.raises(SeqexplainerError, match="overlaps"):
        se.perturb.distance_assay(Near(), background(), "AA", "AAAA", anchor=72, positions=[70],
                                  bin_size=8, n=2)  # fmt: skip
    with pytest.raises(SeqexplainerError, match="smaller step"):
        se.perturb.distance_assay(Near(), background(), "AA", "AA", step=500, bin_size=8, n=2)
    with pytest.raises(SeqexplainerError, match="do not lie in the middle"):
        se.perturb.distance_assay(Near(), background(), "AA", "AA", step=16, bin_size=16, n=2)


def test_a_dinucleotide_shuffle_keeps_the_16_counts() -> None:
    letters = np.random.default_rng(3).choice(np.array(list("ACGT"), "S1"), (6, 300))
    shuffled = sp.k_shuffle(letters, 2, length_axis=-1, seed=1, alphabet=sp.DNA)

    def counts(row: np.ndarray) -> list[int]:
        text = row.tobytes().decode()
        return [sum(text[i : i + 2] == a + b for i in range(299)) for a in "ACGT" for b in "ACGT"]

    for before, after in zip(letters, shuffled, strict=True):
        assert counts(before) == counts(after)
        assert (before[0], before[-1]) == (after[0], after[-1])
        assert (before != after).any()
