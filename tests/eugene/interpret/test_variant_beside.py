"""Control substitutions and those around a variant, held against plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eugene.interpret._variant_beside import (
    control_substitutions,
    empirical_p,
    is_substitution,
    substitutions_around,
)
from seqdata.readers.fasta import GenomeFASTA


@pytest.fixture
def letters(tmp_path: Path) -> str:
    """Write a genome, some of it soft-masked, with a gap, and return its letters in capitals."""
    drawn = np.random.default_rng(0).choice(list("ACGT"), 400)
    drawn[200:210] = "N"
    text = "".join(drawn)
    (tmp_path / "g.fa").write_text(f">c\n{text[:100].lower()}{text[100:]}\n")
    return text


def variants(letters: str, places: list[int]) -> pd.DataFrame:
    pairs = [(letters[p - 1], "ACGT"[("ACGT".index(letters[p - 1]) + 1) % 4]) for p in places]
    return pd.DataFrame({"chrom": "c", "pos": places, "ref": [r for r, _ in pairs],
                         "alt": [a for _, a in pairs]})  # fmt: skip


def test_controls_are_the_same_letters_near_by(letters: str, tmp_path: Path) -> None:
    given = variants(letters, [60, 61, 150, 301])
    genome = GenomeFASTA("seq", tmp_path / "g.fa")
    found = control_substitutions(genome, given, 60, reach=40, seed=4)
    again = control_substitutions(genome, given, 60, reach=40, seed=4)
    other = control_substitutions(genome, given, 60, reach=40, seed=5)
    genome.close()
    pd.testing.assert_frame_equal(found, again)
    assert not found.equals(other)
    assert 30 < len(found) <= 60 and not found.duplicated().any()
    for row in found.itertuples():
        assert letters[row.pos - 1] == row.ref
        assert row.pos not in set(given["pos"])
        near = given[(given["pos"] - row.pos).abs() <= 40]
        assert (row.ref, row.alt) in set(zip(near["ref"], near["alt"], strict=True))


def test_many_variants_share_the_controls(letters: str, tmp_path: Path) -> None:
    given = variants(letters, list(range(20, 180)))
    genome = GenomeFASTA("seq", tmp_path / "g.fa")
    found = control_substitutions(genome, given, 10, reach=150, seed=0)
    none = control_substitutions(genome, given, 0, reach=150, seed=0)
    genome.close()
    assert 5 <= len(found) <= 10
    assert none.empty and list(none) == ["chrom", "pos", "ref", "alt"]


def test_every_substitution_around(letters: str, tmp_path: Path) -> None:
    genome = GenomeFASTA("seq", tmp_path / "g.fa")
    found = substitutions_around(genome, variants(letters, [198]), 15)
    genome.close()
    expected = [
        ("c", p, letters[p - 1], a)
        for p in range(183, 214)
        for a in "ACGT"
        if letters[p - 1] not in ("N", a)
    ]
    assert list(found.itertuples(index=False, name=None)) == expected


def test_p_counts_the_controls_that_go_as_far() -> None:
    rng = np.random.default_rng(1)
    effects, controls = rng.normal(size=30), rng.normal(size=80)
    effects[3] = controls[7] = np.nan
    effects[4] = -controls[8]
    there = [c for c in controls if c == c]
    expected = [
        (1 + sum(abs(c) >= abs(e) for c in there)) / (1 + len(there)) if e == e else np.nan
        for e in effects
    ]
    np.testing.assert_array_equal(empirical_p(effects, controls), expected)
    assert np.isnan(empirical_p(effects, np.array([np.nan]))).all()


def test_what_a_substitution_is() -> None:
    table = pd.DataFrame({"ref": ["A", "A", "AT", "N", "C"], "alt": ["C", "AT", "A", "A", "C"]})
    assert is_substitution(table).tolist() == [True, False, False, False, False]
