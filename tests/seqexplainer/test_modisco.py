"""TF-MoDISco: what goes in, what comes out, and the real program where it is installed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import seqexplainer as se
import seqpro as sp
from seqexplainer import modisco as modisco_function
from seqexplainer.errors import InputError, SeqexplainerError
from seqpro.motifs import Motif

# the function hides the module of its name in the package
module = __import__("sys").modules[modisco_function.__module__]


def sequences(n: int, length: int, seed: int = 0) -> np.ndarray:
    return sp.ohe(sp.random_seqs((n, length), sp.DNA, seed=seed), sp.DNA).swapaxes(1, 2)


def fake(patterns_of):
    """Return a stand-in for modisco-lite that notes what it was given."""
    given = {}

    def run(one_hot, hypothetical, **options):
        given.update(one_hot=one_hot, hypothetical=hypothetical, options=options)
        return patterns_of(one_hot, hypothetical)

    return run, given


def pattern(one_hot, hypothetical, seqlets):
    spans = [
        SimpleNamespace(example_idx=i, start=s, end=s + 6, is_revcomp=r) for i, s, r in seqlets
    ]
    rows = []
    for span in spans:
        cut = [a[span.example_idx, span.start : span.end] for a in (one_hot, hypothetical)]
        rows.append([c[::-1, ::-1] if span.is_revcomp else c for c in cut])
    letters, scores = (np.mean([row[i] for row in rows], axis=0) for i in (0, 1))
    return SimpleNamespace(
        seqlets=spans,
        sequence=letters,
        contrib_scores=letters * scores,
        hypothetical_contribs=scores,
    )


def test_coordinates_are_those_of_the_whole_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    X = sequences(4, 31)
    hypothetical = np.random.default_rng(0).normal(size=X.shape)
    where = [(0, 2, False), (3, 7, True), (1, 0, False)]
    run, given = fake(lambda x, h: ([pattern(x, h, where)], None))
    monkeypatch.setattr(module, "_tfmodisco", lambda: run)
    found = se.modisco(X, hypothetical, window=20, max_seqlets=77, flank_size=3)
    assert found.window == (5, 25)
    assert given["one_hot"].shape == (4, 20, 4)
    assert given["options"]["max_seqlets_per_metacluster"] == 77
    assert given["options"]["flank_size"] == 3
    (only,) = found
    assert (only.name, only.width, only.n_seqlets) == ("pos_0", 6, 3)
    letters, scores = np.zeros((2, 4, 6))
    for row, start, reverse in zip(only.sequence, only.start, only.reverse, strict=True):
        turn = (slice(None, None, -1 if reverse else None),) * 2
        letters += X[row][:, start : start + 6][turn]
        scores += hypothetical[row][:, start : start + 6][turn]
    np.testing.assert_allclose(only.ppm, letters / 3)
    np.testing.assert_allclose(only.hypothetical, scores / 3, rtol=1e-5, atol=1e-6)
    table = found.seqlets()
    assert table[["sequence", "start", "end", "strand"]].values.tolist() == [
        [0, 7, 13, "+"],
        [3, 12, 18, "-"],
        [1, 5, 11, "+"],
    ]


def test_signs_names_and_motifs(monkeypatch: pytest.MonkeyPatch) -> None:
    X = sequences(3, 20)
    h = np.zeros(X.shape)
    h[:, :, 4:8] = 1.0

    def both(x, hyp):
        up = pattern(x, hyp, [(0, 3, False), (1, 3, False)])
        return [up, up], [pattern(x, -hyp, [(2, 3, False)])]

    monkeypatch.setattr(module, "_tfmodisco", lambda: fake(both)[0])
    found = se.modisco(X, h, window=None)
    assert found.names == ["pos_0", "pos_1", "neg_0"]
    assert found["neg_0"] is found[2]
    with pytest.raises(KeyError, match="pos_1"):
        found["pos_9"]
    motifs = found.motifs()
    assert [(m.name, m.width, m.n_sites) for m in motifs] == [
        ("pos_0", 4, 2),
        ("pos_1", 4, 2),
        ("neg_0", 4, 1),
    ]
    assert found[0].core(flank=50) == slice(0, 55)
    empty = se.modisco.__globals__["Patterns"]((), (0, 20))
    assert list(empty.seqlets().columns) == ["pattern", "sequence", "start", "end", "strand"]


@pytest.mark.parametrize(
    ("X", "h", "options", "message"),
    [
        (sequences(2, 9), np.zeros((2, 4, 8)), {}, r"X is \(2, 4, 9\) but .* \(2, 4, 8\)"),
        (np.zeros((2, 20, 9)), np.zeros((2, 20, 9)), {}, "reads 4 letters, X has 20"),
        (sequences(2, 9), np.full((2, 4, 9), np.nan), {}, "not finite"),
        (sequences(2, 9), np.zeros((2, 4, 9)), {"window": 0}, "window must be at least 1"),
    ],
)
def test_what_does_not_fit_is_told(X, h, options, message) -> None:
    with pytest.raises(InputError, match=message):
        se.modisco(X, h, **options)


def test_nothing_found_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_, **__):
        raise IndexError("index -1")

    monkeypatch.setattr(module, "_tfmodisco", lambda: fails)
    with pytest.raises(SeqexplainerError, match=r"nothing to cluster in 2 sequences of 9 bp"):
        se.modisco(sequences(2, 9), np.zeros((2, 4, 9)))


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "modiscolite.tfmodisco", None)
    with pytest.raises(ImportError, match=r"pip install 'eugene-genomics\[modisco\]'"):
        se.modisco(sequences(2, 9), np.zeros((2, 4, 9)))


def test_planted_motifs_come_out() -> None:
    pytest.importorskip("modiscolite", reason="modisco-lite is not installed (extra modisco)")
    motif = Motif("m", np.eye(4)[[0, 1, 1, 3, 2, 0, 2, 3, 3, 1]].T * 0.88 + 0.03, kind="ppm")
    rng = np.random.default_rng(0)
    letters = sp.random_seqs((500, 100), sp.DNA, seed=1)
    starts = rng.integers(10, 80, 500)
    for row, start in enumerate(starts):
        drawn = [rng.choice(list(b"ACGT"), p=p) for p in motif.ppm().T]
        site = np.array(drawn, dtype=np.uint8).view("S1")
        # every third one stands on the other strand
        site = sp.reverse_complement(site, sp.DNA, length_axis=0) if row % 3 == 0 else site
        letters[row, start : start + 10] = site
    X = sp.ohe(letters, sp.DNA).swapaxes(1, 2)
    conv = torch.nn.Conv1d(4, 2, 10)
    with torch.no_grad():
        conv.weight[0] = torch.from_numpy(motif.pwm()).float()
        conv.weight[1] = conv.weight[0].flip((0, 1))
        conv.bias.fill_(-6.0)
    # the best site of either strand
    net = torch.nn.Sequential(
        conv, torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Unflatten(1, (1, 182)),
        torch.nn.AdaptiveMaxPool1d(1), torch.nn.Flatten(),
    )  # fmt: skip
    h = se.attribute(net, X, hypothetical=True, n_references=5, seed=0)
    found = se.modisco(X, h, n_leiden_runs=2, max_seqlets=2000)
    consensus = found.motifs()[0].consensus()
    assert "CCTGAGT" in consensus or "ACTCAGG" in consensus
    cores = found.seqlets(core=True)
    near = [
        abs(row.start - starts[row.sequence]) <= 3 and abs(row.end - starts[row.sequence] - 10) <= 3
        for row in cores.itertuples()
    ]
    assert np.mean(near) > 0.9
    # both strands are found, and letters at the places, turned where it says so, are the pattern
    assert 0.2 < np.mean([row.strand == "-" for row in cores.itertuples()]) < 0.8
    for pattern in found:
        letters_at, scores_at = np.zeros((2, 4, pattern.width))
        for row, start, reverse in zip(
            pattern.sequence, pattern.start, pattern.reverse, strict=True
        ):
            turn = (slice(None, None, -1 if reverse else None),) * 2
            letters_at += X[row][:, start : start + pattern.width][turn]
            scores_at += (X[row] * h[row].numpy())[:, start : start + pattern.width][turn]
        np.testing.assert_allclose(pattern.ppm, letters_at / pattern.n_seqlets, atol=1e-6)
        np.testing.assert_allclose(pattern.contributions, scores_at / pattern.n_seqlets, atol=1e-4)
