"""TomTom and FIMO."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from seqexplainer.errors import SeqexplainerError
from seqexplainer.filters import FilterMotifs
from seqexplainer.motifs import annotate_pfms, scan
from seqpro.motifs import Motif, MotifSet, read, write_meme


def random_set(n: int, seed: int = 0) -> MotifSet:
    rng = np.random.default_rng(seed)
    return MotifSet(
        [
            Motif(
                f"motif{i}",
                rng.dirichlet([0.2] * 4, int(rng.integers(6, 14))).T,
                kind="ppm",
                accession=f"M{i:03d}.1",
            )
            for i in range(n)
        ]
    )


@pytest.fixture(scope="module")
def known() -> MotifSet:
    return random_set(60)


def ranks(values: np.ndarray) -> np.ndarray:
    return pd.Series(values).rank().to_numpy()


def test_agrees_with_meme_suite_tomtom(shared_data):
    """The p-values, best matches and alignments of TomTom 5.4.1 on real filters."""
    folder = shared_data / "tomtom_golden"
    database = folder / "JASPAR2020_CORE_vertebrates_nonredundant.meme.gz"
    with gzip.open(folder / "explainn_tomtom.tsv.gz", "rt") as handle:
        golden = pd.read_csv(handle, sep="\t", comment="#").dropna(subset=["Target_ID"])
    ours = annotate_pfms(folder / "explainn_filters.meme", database, top=None)
    merged = golden.merge(ours, left_on=["Query_ID", "Target_ID"], right_on=["query", "accession"])
    assert len(merged) == len(golden)
    assert np.corrcoef(ranks(merged["p_value"]), ranks(merged["p-value"]))[0, 1] >= 0.999
    assert (merged["offset"] == merged["Optimal_offset"]).mean() > 0.99
    assert (merged["overlap"] == merged["Overlap"]).mean() > 0.99
    assert (merged["strand"] == merged["Orientation"]).mean() > 0.98
    assert np.log10(merged["p_value"] / merged["p-value"]).abs().median() < 0.018
    np.testing.assert_allclose(merged["e_value"], merged["p_value"] * 746)

    best = golden.loc[golden.groupby("Query_ID")["p-value"].idxmin()]
    first = ours[ours["rank"] == 1].set_index("query")["accession"]
    agree = (first[best["Query_ID"]].to_numpy() == best["Target_ID"].to_numpy()).sum()
    assert (agree, len(best)) >= (52, 56)
    assert len(best) == 56


def test_motifs_find_themselves_on_both_strands(known):
    turned = MotifSet([known[i].reverse_complement() for i in range(5)])
    for queries, strand in ((MotifSet([known[i] for i in range(5)]), "+"), (turned, "-")):
        table = annotate_pfms(queries, known, top=1)
        assert table["target"].tolist() == [f"motif{i}" for i in range(5)]
        assert set(table["strand"]) == {strand}
        assert (table["offset"] == 0).all()
        assert (table["p_value"] < 1e-4).all()


def test_columns_and_corrections(known):
    table = annotate_pfms(MotifSet([known[3], known[7]]), known, top=4)
    assert table["rank"].tolist() == [1, 2, 3, 4] * 2
    assert (table.groupby("query")["p_value"].apply(lambda p: p.is_monotonic_increasing)).all()
    np.testing.assert_allclose(table["e_value"], table["p_value"] * 60)
    np.testing.assert_allclose(table["p_bonferroni"], np.minimum(table["p_value"] * 120, 1))
    assert (table["q_value"] >= table["p_value"]).all()
    assert (table["q_value"] <= 1).all()


def test_offset_and_trim(known):
    """Uninformative flanks move the offset and can be trimmed away without changing it."""
    flank = np.full((4, 3), 0.25)
    padded = np.concatenate([flank, known[11].ppm(), flank], axis=1)
    for trim in (None, 0.1):
        row = annotate_pfms(padded[None], known, top=1, trim=trim).iloc[0]
        assert (row["target"], row["offset"], row["strand"]) == ("motif11", -3, "+")
        assert row["overlap"] == known[11].width
    assert annotate_pfms(np.full((1, 4, 8), 0.25), known, top=1, trim=1.0).shape[0] == 1


def test_inputs_are_alike(known, tmp_path):
    matrix = np.round(known[2].ppm() * 1000)
    write_meme(known, tmp_path / "db.meme")
    tables = [
        annotate_pfms(query, db, top=3).drop(columns=["query"])
        for query, db in [
            (matrix[None], known),
            ([matrix], known),
            ([Motif("x", matrix, kind="pfm")], known),
            (MotifSet([Motif("x", matrix, kind="pfm")]), known),
            (matrix[None], tmp_path / "db.meme"),
        ]
    ]
    for table in tables[1:]:
        assert table["target"].tolist() == tables[0]["target"].tolist()
        np.testing.assert_allclose(table["p_value"], tables[0]["p_value"], rtol=0.1)
    assert annotate_pfms(matrix[None], known, names=["mine"], top=1)["query"].tolist() == ["mine"]


def test_dead_filters_are_left_out(known):
    pfms = np.stack([np.zeros((4, 8)), np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]].T * 50])
    sites = np.empty(0, dtype=[("filter", int)])
    filters = FilterMotifs(pfms, np.array([0, 50]), np.ones(2), np.array([True, False]), sites, "0")
    assert set(annotate_pfms(filters, known)["query"]) == {"filter_1"}
    with pytest.raises(SeqexplainerError, match="dead filters"):
        annotate_pfms(pfms[:1], known)


def test_few_targets_warn():
    few = random_set(5)
    with pytest.warns(UserWarning, match="only 5 target motifs"):
        annotate_pfms(MotifSet([few[0]]), few)


@pytest.mark.parametrize(
    ("query", "arguments", "message"),
    [
        (np.ones((2, 4, 6)), {"names": ["a"]}, "1 names are given for 2 motifs"),
        (np.ones((4, 6)), {}, r"shape \(6,\); expected a matrix"),
        (-np.ones((1, 4, 6)), {}, "not negative"),
        (np.ones((1, 5, 6)), {}, "numbers of letters"),
    ],
)
def test_wrong_queries(known, query, arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        annotate_pfms(query, known, **arguments)


def test_wrong_database():
    with pytest.raises(SeqexplainerError, match=r"expected a seqpro\.motifs\.MotifSet"):
        annotate_pfms(np.ones((1, 4, 6)), 3)
    with pytest.raises(SeqexplainerError, match="holds no motif"):
        annotate_pfms(np.ones((1, 4, 6)), MotifSet([]))


def test_scan_finds_planted_sites():
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 4, (40, 120))
    site = np.array([2, 0, 3, 3, 0, 1, 0, 1, 1, 2])  # GATTACACCG
    codes[:20, 50:60] = site
    codes[20:, 30:40] = 3 - site[::-1]
    X = np.eye(4, dtype=np.uint8)[codes].swapaxes(1, 2)
    X[0, :, 50:60] = 0  # unknown bases match nothing
    motif = Motif("planted", np.eye(4)[site].T * 0.96 + 0.01, kind="ppm", accession="P1")
    hits = scan(X, motif, p_threshold=1e-5)
    assert list(hits.columns) == [
        *("motif", "accession", "sequence", "start", "end", "strand", "score", "p_value"),
        "q_value",
    ]
    plus, minus = hits[hits["strand"] == "+"], hits[hits["strand"] == "-"]
    assert plus["sequence"].tolist() == list(range(1, 20))
    assert set(plus["start"]) == {50}
    assert set(plus["end"]) == {60}
    assert minus["sequence"].tolist() == list(range(20, 40))
    assert set(minus["start"]) == {30}
    assert set(minus["end"]) == {40}
    assert (hits["q_value"] < 0.01).all()
    assert len(scan(X, motif, p_threshold=1e-5, both_strands=False)) == 19
    assert scan(X[:, :, :20], motif, p_threshold=1e-6).empty


def test_scan_scores_are_log_odds():
    motif = random_set(1, seed=4)[0]
    best = motif.ppm().argmax(axis=0)
    X = np.eye(4, dtype=np.uint8)[best][None].swapaxes(1, 2)
    hit = scan(X, MotifSet([motif]), p_threshold=0.01).iloc[0]
    expected = np.log2((motif.ppm().max(axis=0) + 1e-4) / 0.25).sum()
    assert hit["score"] == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_scan_threshold(threshold):
    with pytest.raises(SeqexplainerError, match="between 0 and 1"):
        scan(np.zeros((1, 4, 9)), random_set(1), p_threshold=threshold)


def test_a_motif_of_a_database_finds_itself(data_files):
    motifs = read(next(iter(sorted((data_files / "motifs").glob("*.meme.gz")))))
    table = annotate_pfms(MotifSet([motifs[0]]), motifs, top=1)
    assert table["accession"].iloc[0] == (motifs[0].accession or motifs[0].name)


def test_a_scan_needs_the_letters_of_the_motifs():
    proteins = np.eye(20, dtype=np.uint8)[np.arange(60).reshape(2, 30) % 20].swapaxes(1, 2)
    with pytest.raises(SeqexplainerError, match="has 4 letters, the sequences have 20"):
        scan(proteins, random_set(2))
