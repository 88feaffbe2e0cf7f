"""Footprints of motifs, beside a plain loop over edited sequences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from seqexplainer import backgrounds, footprint
from seqexplainer.errors import SeqexplainerError


class Both(NamedTuple):
    profile: torch.Tensor
    counts: torch.Tensor


class Cutter(nn.Module):
    """Two strands that cut 3 bp behind a word, and counts of how often it occurs."""

    def __init__(self, margin: int = 5) -> None:
        super().__init__()
        self.margin = margin
        codes = torch.tensor(["ACGT".index(c) for c in "GATTACA"])
        self.register_buffer("word", torch.nn.functional.one_hot(codes, 4).T[None].float())

    def forward(self, x: torch.Tensor) -> Both:
        hit = torch.conv1d(x, self.word, padding=3) > 6.5
        track = 4 * torch.roll(hit.float(), 3, dims=-1) + 0.2 * x[:, :1]
        logits = torch.cat((track, 0.5 * x[:, 2:3]), dim=1)
        return Both(logits[..., self.margin : -self.margin], hit.sum(dim=(1, 2), dtype=x.dtype))


def by_hand(model: nn.Module, X: torch.Tensor, word: str, first: int, both: bool) -> np.ndarray:
    """Return the mean rise of the profile, sequence by sequence and without the library."""
    rises = []
    for row in X:
        edited = row.clone().float()
        for i, letter in enumerate(word):
            edited[:, first + i] = torch.eye(4)["ACGT".index(letter)]
        shares = []
        for one in (row.float(), edited):
            ways = [one, torch.flip(one, (0, 1))] if both else [one]
            seen = []
            for k, way in enumerate(ways):
                logits = model(way[None]).profile[0].double().numpy()
                weight = np.exp(logits) / np.exp(logits).sum()
                seen.append(weight.sum(axis=0)[:: -1 if k else 1])
            shares.append(np.mean(seen, axis=0))
        rises.append(shares[1] - shares[0])
    return np.mean(rises, axis=0)


@pytest.mark.parametrize("both", [False, True])
def test_it_is_the_mean_rise_over_edited_backgrounds(both):
    X, model = backgrounds(kind="random", n=12, length=60, seed=3), Cutter()
    found = footprint(model, X, "GATTACA", both_strands=both, batch_size=5)
    np.testing.assert_allclose(found.mean, by_hand(model, X, "GATTACA", 26, both), atol=1e-9)
    np.testing.assert_allclose(found.after - found.before, found.mean, atol=1e-12)
    assert found.before.sum() == pytest.approx(1) and found.after.sum() == pytest.approx(1)
    assert found.positions[[0, -1]].tolist() == [5 - 29, 54 - 29]
    assert found.positions[found.mean.argmax()] == 3
    assert (found.low <= found.mean).all() and (found.mean <= found.high).all()
    # the word is a palindrome of nothing: one more hit on its strand, none on the other
    assert found.counts == pytest.approx(0.5 if both else 1.0, abs=0.1)
    assert found.height(10) == found.mean.max() > 0.15 > found.height(2)


def test_the_motif_can_stand_elsewhere_and_profiles_may_come_alone():
    class Alone(Cutter):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).profile

    X = backgrounds(kind="random", n=6, length=60, seed=3)
    found = footprint(Alone(), X, "GATTACA", position=20, both_strands=False)
    np.testing.assert_allclose(found.mean, by_hand(Cutter(), X, "GATTACA", 20, False), atol=1e-9)
    assert found.positions[0] == 5 - 23 and found.positions[found.mean.argmax()] == 3
    assert np.isnan(found.counts)


def test_outputs_and_keywords_that_have_no_meaning_are_refused():
    X = backgrounds(kind="random", n=2, length=60)
    with pytest.raises(SeqexplainerError, match="logits of a profile"):
        footprint(nn.Sequential(nn.Flatten(0, 2)), X, "GATTACA")
    with pytest.raises(SeqexplainerError, match="one position a base"):
        footprint(nn.Conv1d(4, 1, 2), X, "GATTACA")
    with pytest.raises(SeqexplainerError, match="target has no meaning"):
        footprint(Cutter(), X, "GATTACA", target="counts")
    with pytest.raises(SeqexplainerError, match="within 1 bp"):
        footprint(Cutter(), X, "GATTACA", position=53).height(1)
