"""One table of motifs: its numbers against plain loops over planted sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import seqexplainer as se
from seqexplainer.errors import InputError
from seqexplainer.modisco import Pattern, Patterns
from seqpro.motifs import Motif, MotifSet

N, LENGTH = 40, 60
WORDS = {"A1": "GATTACAGT", "B1": "CCGGTTAAC", "C1": "TTTGCGCAT"}
RNG = np.random.default_rng(5)


def one_hot(words: str) -> np.ndarray:
    return np.eye(4)[["ACGT".index(letter) for letter in words]].T


def reverse(word: str) -> str:
    return word[::-1].translate(str.maketrans("ACGT", "TGCA"))


KNOWN = MotifSet(
    [Motif(f"box{key[0]}", one_hot(word), accession=key) for key, word in WORDS.items()]
    + [Motif(f"m{i}", RNG.dirichlet([0.05] * 4, 9).T) for i in range(30)]
)


def planted() -> tuple[np.ndarray, np.ndarray, list[tuple[str, int, int, str]]]:
    """Return letters, one-hot sequences, and what was planted: motif, row, start, strand."""
    letters = np.array([RNG.choice(list("ACGT"), LENGTH) for _ in range(N)])
    sites = []
    for row in range(N):
        for key, first in (("A1", 3), ("B1", 25), ("C1", 46)):
            if RNG.random() < 0.5:
                start, strand = first + int(RNG.integers(0, 5)), "+-"[int(RNG.integers(2))]
                word = WORDS[key] if strand == "+" else reverse(WORDS[key])
                letters[row, start : start + 9] = list(word)
                sites.append((key, row, start, strand))
    return letters, np.stack([one_hot("".join(row)) for row in letters]), sites


LETTERS, X, SITES = planted()


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(4, 6, 7), nn.ReLU(), nn.AdaptiveMaxPool1d(5), nn.Flatten(), nn.Linear(30, 2)
    ).eval()


def scores(model: nn.Module, X: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.array([float(model(torch.as_tensor(x[None]).float())[0, 1]) for x in X])


def table_of(key: str, **columns: object) -> pd.DataFrame:
    rows = [(row, start, start + 9) for k, row, start, _ in SITES if k == key]
    table = pd.DataFrame(rows, columns=["sequence", "start", "end"])
    return table.assign(motif=f"box{key[0]}", accession=key, p_value=1e-7, q_value=1e-5, **columns)


def lost(model: nn.Module, sites: list[tuple[int, int, int]]) -> np.ndarray:
    """Return what the second output loses in each sequence when its sites are emptied."""
    found = []
    for row in sorted({row for row, _, _ in sites}):
        edited = X[row].copy()
        for r, start, end in sites:
            if r == row:
                edited[:, start:end] = 0
        found.append(scores(model, np.stack([edited, X[row]])))
    pairs = np.array(found)
    return pairs[:, 0] - pairs[:, 1]


def test_numbers_are_those_of_plain_loops() -> None:
    model, values = net(), RNG.random(X.shape)
    given = pd.concat([table_of("A1"), table_of("B1")], ignore_index=True)
    found = se.motif_summary(
        X, {"seqlets": given}, model=model, attributions=values, target=1, method="zero", n_bins=6
    ).set_index("accession")
    assert set(found.index) == {"A1", "B1"}
    for key in ("A1", "B1"):
        sites = [(row, start, start + 9) for k, row, start, _ in SITES if k == key]
        own = found.loc[key]
        assert (own["places"], own["sequences"], own["searched"]) == (len(sites), len(sites), N)
        middle = [start + 4.5 - LENGTH / 2 for _, start, _ in sites]
        assert own["position"] == pytest.approx(np.median(middle))
        assert own["position_q25"] == pytest.approx(np.percentile(middle, 25))
        counted = [sum(10 * i <= m + 30 < 10 * (i + 1) for m in middle) for i in range(6)]
        assert own["per_bin"].split() == [str(c) for c in counted]
        parts = [values[row, :, start:end].sum() for row, start, end in sites]
        assert own["contribution"] == pytest.approx(np.mean(parts))
        change = lost(model, sites)
        assert own["n"] == len(change)
        assert own["change"] == pytest.approx(change.mean(), abs=1e-6)
        draws = RNG.choice(change, (4000, len(change))).mean(axis=1)
        width = np.ptp(np.percentile(draws, [2.5, 97.5]))
        np.testing.assert_allclose(
            [own["low"], own["high"]], np.percentile(draws, [2.5, 97.5]), atol=0.1 * width
        )


def test_one_row_joins_what_resembles_one_motif() -> None:
    """Seqlets and a pattern of A1, a filter of B1 and one of A1; a pattern that is like nothing."""
    seqlets = table_of("A1", attribution=1.0)
    sites = [s for s in SITES if s[0] == "A1"][:4]
    pattern = Pattern(
        "pos_0", *(np.ones((4, 9)) / 4 for _ in range(3)),
        sequence=np.array([row for _, row, _, _ in sites]),
        start=np.array([start for _, _, start, _ in sites]),
        reverse=np.array([strand == "-" for _, _, _, strand in sites]),
    )  # fmt: skip
    other = pattern._replace(
        name="neg_0", sequence=np.array([7, 9]), start=np.array([30, 20]), reverse=np.zeros(2, bool)
    )
    matches = pd.DataFrame(
        {"query": ["pos_0", "pos_0", "neg_0"], "target": ["boxA", "boxB", "boxC"],
         "accession": ["A1", "B1", "C1"], "rank": [1, 2, 1], "p_value": [1e-9, 1e-3, 0.2],
         "q_value": [1e-7, 0.01, 0.9], "database": "d2"}
    )  # fmt: skip
    filters = pd.DataFrame(
        {"query": ["f3", "f9", "f5"], "target": ["boxB", "boxA", "boxC"],
         "accession": ["B1", "A1", "C1"], "rank": 1, "p_value": [1e-5, 1e-4, 0.3],
         "q_value": [1e-3, 1e-2, 0.8]}
    )  # fmt: skip
    places = (Patterns((pattern, other), (0, LENGTH)).seqlets(), matches)
    found = se.motif_summary(
        X,
        {"seqlets": seqlets, "TF-MoDISco": places, "filters": filters},
        searched={"TF-MoDISco": np.arange(20)},
        attributions=np.where(np.arange(LENGTH) < 20, 1.0, -1.0)[None].repeat(N, axis=0),
        motif_db=KNOWN,
        p_threshold=4.0**-8,
    )
    by = found.set_index("motif")
    assert set(by.index) == {"boxA", "boxB", "neg_0"}
    assert by.loc["boxA", "found_by"] == "seqlets; TF-MoDISco: pos_0; filters: f9"
    assert by.loc["boxA", ["p_value", "database"]].tolist() == [1e-9, "d2"]
    assert by.loc["boxA", "places_by"] == "seqlets"
    assert by.loc["boxA", "places"] == len(seqlets)
    assert by.loc["neg_0", ["accession", "label", "sign"]].tolist() == ["", "neg_0", "-"]
    assert by.loc["neg_0", ["places", "contribution", "searched"]].tolist() == [2, -9.0, 20]
    assert np.isnan(by.loc["neg_0", "p_value"])
    assert found["motif"].iloc[-1] == "neg_0"
    # nothing places the motif of a filter: every exact copy of its word counts, on both strands
    text = ["".join(row) for row in LETTERS]
    copies = [
        (row, start)
        for row in range(N)
        for start in range(LENGTH - 8)
        if text[row][start : start + 9] in (WORDS["B1"], reverse(WORDS["B1"]))
    ]
    box = by.loc["boxB"]
    assert (box["places_by"], box["places"]) == ("scan", len(copies))
    assert box["sequences"] == len({row for row, _ in copies})
    assert box["position"] == pytest.approx(np.median([s + 4.5 - 30 for _, s in copies]))
    assert by["why"].eq("").all()


def test_places_of_two_signs_are_two_rows() -> None:
    signs = np.where(np.arange(len(table_of("A1"))) % 3 == 0, -2.0, 1.0)
    found = se.motif_summary(X, {"seqlets": table_of("A1", attribution=signs)})
    assert found.set_index("sign")["places"].to_dict() == {
        "+": int((signs > 0).sum()),
        "-": int((signs < 0).sum()),
    }
    assert found.set_index("sign")["contribution"].to_dict() == {"+": 1.0, "-": -2.0}


def test_what_has_no_effect_says_why() -> None:
    few = table_of("A1", attribution=1.0).head(3)
    filters = pd.DataFrame({"query": ["f1", "f2"], "target": ["boxB", "no"],
                            "accession": ["B1", "X9"], "q_value": 0.0})  # fmt: skip
    found = se.motif_summary(
        X,
        {"seqlets": few, "filters": filters},
        model=net(), motif_db=KNOWN, p_threshold=4.0**-10, method="zero",
    ).set_index("accession")  # fmt: skip
    assert found.loc["A1", "why"] == "3 sequences have it: an interval needs 5"
    assert found.loc["A1", ["change", "low"]].isna().tolist() == [False, True]
    assert found.loc["A1", "n"] == 3
    assert found.loc["B1", "why"] == "in none of 40 sequences at p < 9.53674e-07"
    assert "motif_db has no such motif" in found.loc["X9", "why"]
    assert found[["change", "position"]].isna().loc[["B1", "X9"]].all(axis=None)
    both = pd.concat([table_of("A1"), table_of("B1")], ignore_index=True)
    limited = se.motif_summary(X, {"seqlets": both}, model=net(), max_motifs=1, method="zero")
    assert limited["why"].tolist() == ["", "not among the first 1 motifs"]
    assert limited["change"].isna().tolist() == [False, True]


def test_nothing_found_is_a_table_without_a_row() -> None:
    none = table_of("A1").assign(q_value=0.2)
    found = se.motif_summary(X, {"seqlets": none}, model=net())
    assert len(found) == 0
    assert found["n"].dtype == np.int64
    assert "contribution" in found


@pytest.mark.parametrize(
    ("table", "more", "message"),
    [
        (pd.DataFrame({"sequence": [0]}), {}, "has no column 'motif', only \\['sequence'\\]"),
        (table_of("A1").assign(end=61), {}, r"place 0 of 'seqlets' is .*-61 of sequence"),
        (table_of("A1").drop(columns="end"), {}, "no column 'end'"),
        (table_of("A1"), {"attributions": np.ones((2, LENGTH))}, r"are of \(2, 60\)"),
        (table_of("A1"), {"searched": {"seqlets": [N]}}, "X has 40 sequences"),
        (table_of("A1"), {"min_sequences": 0}, "min_sequences must be at least 1"),
    ],
)
def test_what_does_not_fit_is_told(
    table: pd.DataFrame, more: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        se.motif_summary(X, {"seqlets": table}, **more)


def test_shuffles_do_not_depend_on_the_batch() -> None:
    given = {"seqlets": table_of("A1", attribution=1.0)}
    first, second = (
        se.motif_summary(X, given, model=net(), batch_size=size, seed=3) for size in (3, 64)
    )
    np.testing.assert_allclose(first["change"], second["change"], atol=1e-6)
