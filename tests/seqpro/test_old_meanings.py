"""Old meanings of names, on request: against SeqPro's definitions written out."""

from __future__ import annotations

import numpy as np
import pytest

import seqpro as sp
from seqpro import family
from seqpro import transforms as tf
from seqpro.errors import SeqproError


def test_lower_case_is_no_letter_of_the_alphabet() -> None:
    text = "ACgtNaT"
    expected = np.array([[c == letter for letter in "ACGT"] for c in text], np.uint8)
    ours = sp.DNA.ohe(text)
    with family.as_it_was("lower_case"):
        assert np.array_equal(sp.DNA.ohe(text), expected)
        assert np.array_equal(sp.ohe([text], sp.DNA, ohe_axis=-2)[0], expected.T)
        assert sp.DNA.decode_ohe(sp.DNA.ohe(text)).tobytes() == b"ACNNNNT"
        assert sp.DNA.tokenize(text).tolist() == [0, 1, -1, -1, -1, -1, 3]
        assert sp.gc_content(text, normalize=False, length_axis=-1) == 1
    assert np.array_equal(sp.DNA.ohe(text), ours) and ours.sum() == 6


def test_one_draw_stands_for_all_rows() -> None:
    seqs = sp.random_seqs((20, 6), sp.DNA, seed=1)
    flip = tf.Random(0.5, lambda x: x[:, ::-1], seed=3)
    draws = np.random.default_rng(3)
    with family.as_it_was("one_draw"):
        for _ in range(8):
            turned = draws.random() < 0.5
            assert np.array_equal(flip(seqs), seqs[:, ::-1] if turned else seqs)
    moved = (tf.Random(0.5, lambda x: x[:, ::-1], seed=3)(seqs) != seqs).any(1)
    assert 0 < moved.sum() < 20


def test_meanings_end_where_they_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EUGENE_AS_IT_WAS", raising=False)
    outer = family.as_it_was("one_draw")
    with family.as_it_was():
        assert all(family.meant(name) for name in family.MEANINGS)
    assert family.meant("one_draw") and not family.meant("lower_case")
    assert "one_draw: seqpro.transforms.Random" in repr(outer)
    outer.end()
    assert not any(family.meant(name) for name in family.MEANINGS)


def test_unknown_meanings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SeqproError, match=r"as_it_was: 'lowercase'.*lower_case.*eugene\.md"):
        family.as_it_was("lowercase")
    monkeypatch.setenv("EUGENE_AS_IT_WAS", "objects, nothing")
    with pytest.raises(SeqproError, match="EUGENE_AS_IT_WAS: 'nothing'"):
        sp.DNA.ohe("A")
    monkeypatch.setenv("EUGENE_AS_IT_WAS", "all")
    assert sp.DNA.ohe("a").sum() == 0


def test_what_is_on_is_kept_with_a_run() -> None:
    from eugene.runs import versions

    assert "as_it_was" not in versions()
    with family.as_it_was("one_draw", "lower_case"):
        assert versions()["as_it_was"] == "lower_case, one_draw"
    assert "as_it_was" not in versions()
