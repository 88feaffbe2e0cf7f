"""Pictures of what attribution maps have in common."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError
from seqexplainer.plot import angular_density, kmer_spectrum


def test_letters_stand_where_maps_of_one_letter_lie() -> None:
    for letter, index in zip("ACGT", range(4), strict=True):
        maps = np.full((6, 4, 30), -0.25)
        maps[:, index] = 0.75
        maps *= 1 + np.arange(30) / 30  # windows differ in length, not in direction
        points = se.metrics.k_attr_mean_kld(maps, keep=0.2).points
        assert points is not None
        ax = angular_density(np.ones((31, 31)), points=(points.phi, points.theta))
        place = {text.get_text(): text.get_position() for text in ax.texts}
        assert place[letter] == pytest.approx((points.phi[0], points.theta[0]), abs=1e-6)
        plt.close(ax.figure)


def test_motifs_have_colours_and_arrays_must_fit() -> None:
    angles = (np.array([0.5, 1.0, 1.5]), np.array([1.0, 1.0, 2.0]))
    ax = angular_density(np.ones((31, 31)), points=angles, labels=["MAX", "", "MAX"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["MAX"]
    plt.close(ax.figure)
    with pytest.raises(SeqexplainerError, match="3 and 3 angles and 1 labels"):
        angular_density(np.ones((31, 31)), points=angles, labels=["MAX"])
    with pytest.raises(SeqexplainerError, match=r"expected \(n_bins, n_bins\)"):
        angular_density(np.ones(31))
    with pytest.raises(SeqexplainerError, match=r"expected \(4\*\*k,\) each"):
        kmer_spectrum(np.ones(15), np.ones(15))


def test_the_words_that_add_most_are_spelt() -> None:
    freq, prior = np.full(64, 1e-3), np.full(64, 1 / 64)
    freq[[6, 63]] = 0.4, 0.2  # ACG, TTT
    ax = kmer_spectrum(freq, prior, top=5)
    assert [text.get_text() for text in ax.texts] == ["ACG", "TTT"]
    assert ax.texts[0].xy == (6, pytest.approx(0.4 * 64))
    plt.close(ax.figure)
