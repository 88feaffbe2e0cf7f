"""Motifs of a grammar beside each other: seqgra's numbers, and plain loops."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import eugene as eu
import seqpro as sp
from eugene.cli import main
from eugene.errors import EugeneError
from eugene.simulate import grammar as g
from seqpro.errors import SeqproError

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/seqgra_motifs.json").read_text())
SHARED = Path(__file__).resolve().parents[3].parent / "shared"
HOMER = SHARED / "data/seqgra_definitions/data/mc10-dna1000-homer-10k-s3.xml.gz"
needs_shared = pytest.mark.skipif(not HOMER.is_file(), reason="needs ../shared")


def small() -> g.Grammar:
    letters = g.Letters((("A", 0.3), ("C", 0.2), ("G", 0.2), ("T", 0.3)))
    elements = (
        g.Element("m", matrix=((("A", 1.0),), (("C", 3.0), ("G", 1.0)), (("T", 1.0),))),
        g.Element("k", kmers=(("GATA", 1.0), ("GGTA", 1.0))),
    )
    return g.Grammar("g", (letters,), {}, (), elements, 20, 20)


@needs_shared
def test_information_and_divergence_are_those_of_seqgra() -> None:
    grammar = g.from_definition(HOMER)
    table = eu.simulate.motif_table(grammar).set_index("element")
    for name, known in GOLDEN["motif_info"].items():
        assert table.loc[name, "width"] == known["width"]
        assert table.loc[name, "information_content"] == pytest.approx(known["ic"], abs=1e-9)
        assert table.loc[name, "kl_divergence"] == pytest.approx(known["kld_bg"], abs=1e-9)
    matrix = eu.simulate.motif_kld_matrix(grammar)
    known = GOLDEN["min_kl_divergence_matrix_first5_mc10"]
    for one, two, value in zip(known["se1"], known["se2"], known["kl_divergence"], strict=True):
        assert float(matrix.sel(first=one, second=two)) == pytest.approx(value, abs=1e-9)


def test_information_by_hand() -> None:
    table = eu.simulate.motif_table(small())
    assert table["consensus"].tolist() == ["ACT", "GATA"]
    columns = [(1.0,), (0.75, 0.25), (1.0,)]
    by_hand = sum(2 + sum(p * math.log2(p) for p in column) for column in columns)
    assert table["information_content"].tolist() == pytest.approx([by_hand, 7.0])
    apart = math.log2(1 / 0.3) + 0.75 * math.log2(0.75 / 0.2) + 0.25 * math.log2(0.25 / 0.2)
    assert table["kl_divergence"][0] == pytest.approx(apart + math.log2(1 / 0.3))
    ppm = g.element_ppm(small(), "k")
    assert ppm[:, 1].tolist() == [0.5, 0, 0.5, 0]


@pytest.mark.parametrize("widths", [(3, 3), (2, 5), (6, 4)])
def test_the_smallest_divergence_tries_every_alignment(widths: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(widths))
    one, two = (rng.dirichlet([0.5] * 4, width).T for width in widths)

    def kl(p: np.ndarray, q: np.ndarray) -> float:
        return sum(
            p[a, i] * math.log2(max(p[a, i], 2.3e-308) / max(q[a, i], 2.3e-308))
            for a in range(4)
            for i in range(p.shape[1])
            if p[a, i]
        )

    def at(ppm: np.ndarray, before: int, whole: int) -> np.ndarray:
        found = np.full((4, whole), 0.25)
        found[:, before : before + ppm.shape[1]] = ppm
        return found

    if widths[0] == widths[1]:
        reach = int(0.7 * widths[0])
        whole = widths[0] + reach
        tried = [kl(at(one, i, whole), at(two, reach - i, whole)) for i in range(reach + 1)]
        tried.append(kl(one, two))
    else:
        whole, short = max(widths), min(widths)
        starts = range(whole - short + 1)
        tried = [
            kl(at(one, i, whole), two) if widths[0] == short else kl(one, at(two, i, whole))
            for i in starts
        ]
    assert sp.motifs.min_divergence(one, two) == pytest.approx(min(tried), abs=1e-12)


def test_similarity_is_the_mean_of_best_scores() -> None:
    grammar = small()
    matrix = eu.simulate.motif_ess_matrix(grammar, n=400, flank=20, seed=3)
    assert matrix.dims == ("first", "second")
    assert matrix.attrs["n"] == 400
    again = eu.simulate.motif_ess_matrix(grammar, n=400, flank=20, seed=3)
    assert matrix.equals(again)
    other = eu.simulate.motif_ess_matrix(grammar, n=400, flank=20, seed=4)
    assert not matrix.equals(other)
    # an independent simulation, by plain loops: within four standard errors of both
    rng = np.random.default_rng(0)
    ppms = [g.element_ppm(grammar, e.id) for e in grammar.elements]
    words = [
        lambda: [rng.choice(4, p=column) for column in ppms[0].T],
        lambda: ["ACGT".index(a) for a in ("GATA", "GGTA")[rng.integers(2)]],
    ]
    for i, ppm in enumerate(ppms):
        odds = np.log2(np.where(ppm == 0, 1e-4, ppm) * 4)
        for j, word in enumerate(words):
            best = []
            for _ in range(300):
                row = [*rng.integers(4, size=20), *word(), *rng.integers(4, size=20)]
                best.append(
                    max(
                        sum(odds[row[s + p], p] for p in range(odds.shape[1]))
                        for s in range(len(row) - odds.shape[1] + 1)
                    )
                )
            error = math.hypot(float(matrix.standard_error[i, j]), np.std(best) / math.sqrt(300))
            assert abs(float(matrix[i, j]) - np.mean(best)) < 4 * error + 1e-9


def test_instances_have_the_frequencies_of_the_motif() -> None:
    rng = np.random.default_rng(1)
    ppm = rng.dirichlet([0.4] * 4, 6).T
    drawn = sp.motifs.random_instances(ppm, 20_000, seed=5)
    share = np.stack([(drawn == a).mean(0) for a in range(4)])
    assert np.abs(share - ppm).max() < 0.012
    # a word depends on its number alone
    assert (sp.motifs.random_instances(ppm, 10, seed=5) == drawn[:10]).all()
    golden = SHARED / "golden/seqgra/pwm_sampling.npz"
    if golden.is_file():
        known = np.load(golden)
        drawn = sp.motifs.random_instances(known["ppm"].T, 20_000, seed=5)
        share = np.stack([(drawn == a).mean(0) for a in range(4)], 1)
        assert np.abs(share - known["ppm"]).max() < 0.012
        assert np.abs(share - known["empirical_20000_seed5"]).max() < 0.017


def test_what_makes_no_sense_is_told() -> None:
    with pytest.raises(SeqproError, match="4 and 2 letters"):
        sp.motifs.min_divergence(np.ones((4, 2)), np.ones((2, 2)))
    with pytest.raises(SeqproError, match="3 or more"):
        sp.motifs.best_scores(np.ones((4, 3)), np.zeros((1, 2), int))
    with pytest.raises(SeqproError, match="codes must be from 0 to 3"):
        sp.motifs.best_scores(np.ones((4, 1)), [[4]])
    with pytest.raises(EugeneError, match="n is 1, expected 2 or more"):
        eu.simulate.motif_ess_matrix(small(), n=1)


def test_the_matrix_is_drawn(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    ax = eu.plot.motif_matrix(eu.simulate.motif_kld_matrix(small()), save=tmp_path / "m.png")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["m", "k"]
    assert ax.texts[0].get_text() == "0.0"
    assert (tmp_path / "m.png").stat().st_size > 1000
    plt.close(ax.figure)


MODEL = """
id: mine
labels: [a, b]
architecture: {operations: [{name: flatten}, {name: dense, units: 2}]}
loss: CrossEntropyLoss
optimizer: Adam
training: {epochs: 2, batch_size: 8}
"""


def test_the_shell_converts_models_too(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path, out = tmp_path / "m.yaml", tmp_path / "m.xml"
    path.write_text(MODEL)
    assert main(["simulate", str(path), "--convert", "--out", str(out)]) == 0
    assert eu.models.from_definition(out) == eu.models.from_definition(path)
    assert main(["simulate", str(path), "--out", str(tmp_path / "d.zarr")]) == 2
    assert "is the definition of a model" in capsys.readouterr().err
    assert not (tmp_path / "d.zarr").exists()
