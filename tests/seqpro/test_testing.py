"""The strategies shipped to users."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import SeqproError


@given(spt.sequences(sp.RNA, min_length=2, max_length=4, unknown="", lower=False))
@settings(max_examples=20)
def test_sequences(seq):
    assert 2 <= len(seq) <= 4
    assert set(seq) <= set("ACGU")


@given(spt.one_hots(channels_first=True, max_length=9))
@settings(max_examples=20)
def test_one_hots(hot):
    assert hot.shape[1] == 4
    assert hot.dtype == np.uint8
    assert hot.sum(1).max() <= 1


@given(spt.tracks((2, 3), max_value=5))
@settings(max_examples=20)
def test_tracks(track):
    assert track.shape == (2, 3)
    assert 0 <= track.min() <= track.max() <= 5


@given(spt.motifs(sp.AA, min_width=2, max_width=3))
@settings(max_examples=20)
def test_motifs(motif):
    assert motif.width in (2, 3)
    np.testing.assert_allclose(motif.ppm().sum(0), 1)


def test_errors(monkeypatch):
    with pytest.raises(SeqproError, match="length: expected"):
        spt.sequences(min_length=3, max_length=2)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match="pip install hypothesis"):
        spt.sequences()
