"""What answers to EUGENe's private modules, against plain loops and scipy."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from scipy.spatial import distance

import seqpro as sp
from eugene import family
from seqdata.convert import read_h5, write_h5
from seqexplainer import family as old
from seqexplainer.errors import InputError
from seqpro import _old
from seqpro.errors import SeqproError
from seqpro.motifs import MotifSet, OldMotif, OldMotifSet

matplotlib.use("Agg")

RNG = np.random.default_rng(0)


def one_hot(n: int, length: int) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[RNG.integers(0, 4, (n, length))].swapaxes(1, 2)


class Scores(torch.nn.Module):
    """A weight for each letter at each place, and a pair that goes together."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.weight = torch.as_tensor(RNG.normal(size=(4, length)), dtype=torch.float32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.weight).sum((1, 2), keepdim=True)[:, 0] + 3 * (x[:, 0, 0] * x[:, 1, 2])[
            :, None
        ]


def test_words_are_found_as_by_a_regular_expression() -> None:
    X = one_hot(3, 200)
    hits = old.find_patterns_seqs(X, {"gat": "GAT", "gc": "GC"})
    for seq, found in zip(X, hits, strict=True):
        text = sp.decode_ohe(seq.astype("u1"), 0, sp.DNA).tobytes().decode()
        for label, strand, word in (("gat", "F", "GAT"), ("gat", "R", "ATC"), ("gc", "F", "GC")):
            starts = [m.start() for m in re.finditer(f"(?={word})", text)]
            told = [at for at, said in found.items() if [label, strand, word] in _threes(said)]
            assert told == starts
    assert old.find_patterns_seq("GATC", "ATC", check_rev_comp=False) == {
        1: ["pattern0", "F", "ATC"]
    }


def _threes(said: list[str]) -> list[list[str]]:
    return [said[i : i + 3] for i in range(0, len(said), 3)]


def test_covered_words_are_gone() -> None:
    X = one_hot(4, 300)
    covered = old.occlude_patterns_seqs(X, ["GAT", "CGC"], seed=1)
    assert not any(old.find_patterns_seqs(covered, ["GAT", "CGC"]))
    assert np.array_equal(covered, old.occlude_patterns_seqs(X, ["GAT", "CGC"], seed=1))
    assert (covered.sum(1) == 1).all()
    assert 0 < (covered != X).any(1).sum() < X[:, 0].size / 2
    with pytest.raises(InputError, match="still there after 3 rounds"):
        old.occlude_patterns_seq(X[0], "GAT", "GAT", max_iters=3)
    once = old.occlude_patterns_seq(X[0], "GAT", "TTT", max_occluded=1)
    before, after = (len(old.find_patterns_seq(x, "GAT")) for x in (X[0], once))
    assert after == before - 1


def test_best_substitutions_are_those_of_a_loop() -> None:
    X, model = one_hot(2, 7), Scores(7)
    deltas = {}
    with torch.no_grad():
        start = model(torch.as_tensor(X[:1])).item()
        for place in range(7):
            for letter in range(4):
                other = X[0].copy()
                other[:, place] = np.eye(4)[letter]
                if not np.array_equal(other, X[0]):
                    deltas[place, letter] = model(torch.as_tensor(other[None])).item() - start
    best = sorted(deltas, key=deltas.__getitem__, reverse=True)[:5]
    made, rises, places = old.best_k_muts(model, X[0], 5)
    assert places.tolist() == [place for place, _ in best]
    np.testing.assert_allclose(rises, [deltas[k] for k in best], rtol=1e-5)
    assert [int(m[:, p].argmax()) for m, p in zip(made, places, strict=True)] == [
        letter for _, letter in best
    ]
    with pytest.raises(InputError, match="2 sequences, not one"):
        old.best_k_muts(model, X)
    with pytest.raises(InputError, match="k=22: 21 substitutions"):
        old.best_k_muts(model, X[0], 22)
    all_best = old.best_mut_seqs(model, X)
    assert all_best[0].shape == X.shape
    assert all_best[1][0] == rises[0]
    assert old.perturb_many(X).shape == (2, 21, 4, 7)
    with pytest.raises(InputError, match="vocab_len=5"):
        old.perturb_one(X[0], 5)


def test_matrices_of_filters() -> None:
    counts = RNG.integers(0, 20, (3, 6, 4)).astype(float)
    kept = counts.copy()
    ppms = old.pfms_to_ppms(counts)
    assert np.array_equal(counts, kept)
    np.testing.assert_allclose(ppms, (counts + 1) / (counts + 1).sum(2, keepdims=True))
    bits = old.per_position_ic(ppms, bg=[0.3, 0.2, 0.2, 0.3])
    expected = [[stats.entropy(p, [0.3, 0.2, 0.2, 0.3], base=2) for p in ppm] for ppm in ppms]
    np.testing.assert_allclose(bits, expected)
    np.testing.assert_allclose(
        old.ppms_to_igms(ppms).sum(2), [[2 - stats.entropy(p, base=2) for p in m] for m in ppms]
    )
    assert [*old.pfms_to_df_dict(counts)] == ["filter0", "filter1", "filter2"]
    assert old.pfm_to_df(counts[0])["G"].tolist() == counts[0, :, 2].tolist()
    with pytest.raises(InputError, match=r"\(n, width, 4\) are needed"):
        old.pfms_to_ppms(counts.swapaxes(1, 2))


def test_logos_of_attributions() -> None:
    import matplotlib.pyplot as plt

    X = one_hot(3, 12)
    values = RNG.normal(size=X.shape)
    ax = old.plot_attribution_logo(values[0], X[0], highlights=[(2, 5)], title="t")
    assert (ax.get_title(), ax.get_ylabel()) == ("t", "Attribution")
    low, high = ax.get_ylim()
    assert low < (values[0] * X[0]).min()
    assert high > (values[0] * X[0]).max()
    axes = old.plot_attribution_logos(values, X, ncols=2, figsize=(4, 4))
    assert len(axes) == 3
    assert axes[0].figure is axes[2].figure
    heat = old.plot_attribution_logo_heatmap(values[0], flip_sign=True)
    np.testing.assert_allclose(heat.images[0].get_array(), -values[0])
    plt.close("all")


def test_measures_of_profiles() -> None:
    logps = torch.log_softmax(torch.as_tensor(RNG.normal(size=(5, 2, 120))), -1).float()
    counts = torch.as_tensor(RNG.poisson(1.5, (5, 2, 120))).float()
    logs = torch.as_tensor(RNG.normal(5, 1, (5, 2))).float()
    found = family.calculate_performance_measures(logps, counts, logs)
    p, y = logps.exp().numpy(), counts.numpy()
    for i, j in np.ndindex(5, 2):
        a, b = p[i, j], y[i, j]
        plain = -stats.multinomial.logpmf(b, int(b.sum()), a.astype(float) / a.sum(dtype=float))
        assert found["profile_mnll"][i, j].item() == pytest.approx(plain, rel=1e-4)
        shannon = distance.jensenshannon(a, b) ** 2
        assert found["profile_jsd"][i, j].item() == pytest.approx(shannon, rel=1e-4)
        assert found["profile_pearson"][i, j].item() == pytest.approx(
            stats.pearsonr(a, b)[0], abs=1e-5
        )
        assert found["profile_spearman"][i, j].item() == pytest.approx(
            stats.spearmanr(a, b)[0], abs=1e-5
        )
    seen = np.log1p(y.sum(-1))
    for j in range(2):
        r = stats.pearsonr(logs[:, j], seen[:, j])[0]
        assert found["count_pearson"][j].item() == pytest.approx(r, abs=1e-5)
        error = ((logs[:, j].numpy() - seen[:, j]) ** 2).mean()
        assert found["count_mse"][j].item() == pytest.approx(error, rel=1e-5)
    smooth = family.smooth_gaussian1d(counts, 7, 81).numpy()
    theirs = ndimage.gaussian_filter1d(y, 7, mode="constant", radius=40)
    np.testing.assert_allclose(smooth, theirs, atol=1e-5)
    flat = torch.ones(1, 2, 9)
    assert family.pearson_corr(flat, torch.rand(1, 2, 9)).tolist() == [[0.0, 0.0]]
    some = family.calculate_performance_measures(
        logps, counts, logs, smooth_true=True, smooth_predictions=True, measures=["profile_jsd"]
    )
    both = [ndimage.gaussian_filter1d(v, 7, mode="constant", radius=40) for v in (p, y)]
    expected = distance.jensenshannon(both[0][0, 0], both[1][0, 0]) ** 2
    assert some["profile_jsd"][0, 0].item() == pytest.approx(expected, rel=1e-3)


def test_private_helpers_of_seqpro() -> None:
    arrays = [RNG.integers(0, 9, shape) for shape in ((3, 2, 7), (3, 2, 4, 7))]
    moved, places = _old.align_axes(*arrays, axes=(0, 1, -1))
    assert [a.shape for a in moved] == [(3, 2, 7), (4, 3, 2, 7)]
    assert places == (-3, -2, -1)
    starts = np.array([[0, 1], [2, 1], [1, 0]])
    cut = _old.slice_kmers(moved[1], starts, 5)
    for i, j in np.ndindex(3, 2):
        at = starts[i, j]
        assert np.array_equal(cut[:, i, j], moved[1][:, i, j, at : at + 5])
    with pytest.raises(SeqproError, match="do not all lie"):
        _old.slice_kmers(moved[1], starts + 2, 5)
    with pytest.raises(SeqproError, match="differ in size"):
        _old.align_axes(np.ones((3, 2)), np.ones((4, 2)), axes=(0, 1))
    keys, values = sp.AA.codon_array.view(np.uint8), sp.AA.aa_array.view(np.uint8)
    codons = sp.AA.codon_array[::3]
    made = _old.translate_kmers(codons.view(np.uint8), keys, values)
    assert made.tobytes() == sp.translate(codons).tobytes()
    with pytest.raises(SeqproError, match="a word is not in the table"):
        _old.translate_kmers(sp.cast_seqs(["ANC"]).view(np.uint8), keys, values)
    for wrong in ({}, {"length_axis": -1}, {"length_axis": 1, "ohe_axis": 1}):
        with pytest.raises(SeqproError, match="axis"):
            _old.check_axes(np.zeros((2, 3, 4), np.uint8), **wrong)
    with pytest.raises(SeqproError, match="no words of 3"):
        _old.count_kmers_seq("AC", 3)
    assert _old.sanitize(" acg ") == "ACG"
    method = _old.NormalizationMethod.CPM
    assert _old.normalize_coverage(np.ones((1, 2)), method, 10, -1).tolist() == [[1e5, 1e5]]


def test_motifs_in_motifdata_s_form(tmp_path: Path) -> None:
    counts = RNG.integers(1, 30, (4, 6))
    named = sp.motifs.Motif("GATA", counts, "pfm", accession="MA1", strands="+-")
    other = sp.motifs.Motif("TATA", RNG.integers(1, 30, (4, 9)), "pfm", accession="MA2")
    motifs = OldMotifSet.of([named, other])
    assert [m.identifier for m in motifs] == list(motifs.motifs) == ["MA1", "MA2"]
    motif = motifs["MA1"]
    np.testing.assert_allclose(motif.pfm, (counts / counts.sum(0)).T)
    assert (motif.name, motif.length, motif.alphabet_length) == ("GATA", 6, 4)
    assert motif.consensus == named.consensus()
    np.testing.assert_allclose(motifs.today["MA1"].ppm(), named.ppm())
    write_h5(motifs, tmp_path / "m.h5")
    back = read_h5(tmp_path / "m.h5")
    assert np.array_equal(back["MA2"].pfm, motifs["MA2"].pfm)
    kernel = family.to_kernel(motifs, torch.zeros(3, 4, 9))
    assert torch.equal(kernel, family.to_kernel(motifs.today, torch.zeros(3, 4, 9)))
    assert not kernel[2].any()
    with pytest.raises(KeyError, match="did you mean 'MA"):
        motifs["MA3"]
    with pytest.raises(SeqproError, match="two motifs have the identifier"):
        OldMotifSet.of([named, named])
    with pytest.raises(SeqproError, match="length=5, but pfm has shape"):
        OldMotif("x", motif.pfm, "A", 5)
    motifs.add_motif(OldMotif("mine", motif.pfm[:3]))
    assert len(motifs) == 3
    assert "mine" in motifs
    assert isinstance(motifs.today, MotifSet)
    background = {"A": 0.3, "C": 0.2, "G": 0.2, "T": 0.3}
    said = OldMotifSet(motifs.motifs, "ACGT", background=background, strands="+ -").today
    assert said[0].strands == "+-"
    assert said[0].background is not None
    assert said[0].background.tolist() == [0.3, 0.2, 0.2, 0.3]


def test_motifs_of_biopython() -> None:
    import motifdata

    motifs = OldMotifSet.of([sp.motifs.Motif("GATA", RNG.integers(1, 30, (4, 6)), "pfm")])
    made = motifdata.to_biopython(motifs)
    assert str(made[0].consensus) == motifs["GATA"].consensus
    again = motifdata.from_biopython([made, made])
    np.testing.assert_allclose(again["GATA"].pfm, motifs["GATA"].pfm)
    assert len(again) == 1


def test_layers_take_eugene_s_arguments() -> None:
    from eugene.models.base._layers import GELU, Residual, Softplus

    from eugene.models import zoo
    from eugene.nn import ModelError

    x = torch.randn(2, 3)
    assert torch.equal(GELU(inplace=False)(x), torch.nn.functional.gelu(x))
    assert torch.equal(Softplus(2, 10, False)(x), torch.nn.functional.softplus(x, 2, 10))
    linear = torch.nn.Linear(3, 3)
    assert torch.equal(Residual(module=linear)(x), x + linear(x))
    with pytest.raises(ModelError, match=r"write scBasset\(num_cells=10\)"):
        zoo.scBasset(10)
    assert zoo.scBasset(num_cells=3, input_len=200, filters=(4, 4)).output_dim == 3
