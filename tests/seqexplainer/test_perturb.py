"""Edits, backgrounds, experiments and their statistics."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import seqpro as sp
from seqexplainer import statistics
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb import (
    ablate,
    ablate_sites,
    backgrounds,
    cooperativity,
    epistasis,
    find_pattern,
    insert,
    marginalize,
    occlude,
    positional_importance,
    randomise,
    space,
    substitute,
)
from seqexplainer.perturb._edit import pattern
from seqpro.motifs import Motif


def one_hot(*texts: str) -> torch.Tensor:
    codes = [["ACGTN".index(c) for c in text] for text in texts]
    table = np.concatenate([np.eye(4, dtype=np.uint8), np.zeros((1, 4), np.uint8)])
    return torch.as_tensor(np.ascontiguousarray(table[codes].swapaxes(1, 2)))


def letters(X: torch.Tensor) -> list[str]:
    known = X.sum(dim=1) > 0
    return [
        "".join("ACGT"[int(c)] if k else "N" for c, k in zip(row, there, strict=True))
        for row, there in zip(X.argmax(dim=1), known, strict=True)
    ]


class CountsOf(nn.Module):
    """A model whose output is computed from how often motifs occur: known truth."""

    def __init__(self, *motifs: str, formula=None) -> None:
        super().__init__()
        self.kernels = [pattern(m).float()[None] for m in motifs]
        self.formula = formula or (lambda *counts: sum(counts))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hits = [(torch.conv1d(x, k) > k.sum() - 0.5).sum(dim=(1, 2)).float() for k in self.kernels]
        return self.formula(*hits)[:, None]


@pytest.fixture(scope="module")
def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4 * 40, 2))


@pytest.fixture(scope="module")
def random_backgrounds() -> torch.Tensor:
    return backgrounds(kind="random", n=30, length=40, seed=1)


# ---------------------------------------------------------------- edits


def test_pattern_forms():
    motif = Motif("m", np.array([[0.1, 0.7], [0.6, 0.1], [0.2, 0.1], [0.1, 0.1]]), kind="ppm")
    assert letters(pattern(motif)[None]) == ["CA"]
    assert letters(pattern("gnu")[None]) == ["GNT"]
    assert letters(pattern("GGNA", "-")[None]) == ["TNCC"]
    np.testing.assert_array_equal(pattern(np.eye(4)[:, :2]), pattern("AC"))


@pytest.mark.parametrize(
    ("motif", "message"),
    [("GAY", "holds Y"), ("", "is empty"), (np.full((4, 3), 0.25), "not one-hot")],
)
def test_pattern_errors(motif, message):
    with pytest.raises(SeqexplainerError, match=message):
        pattern(motif)
    with pytest.raises(SeqexplainerError, match="choose '\\+' or '-'"):
        pattern("A", "forward")


def test_substitute():
    X = one_hot("AAAAAA", "CCCCCC")
    assert letters(substitute(X, "GNT", position=1)) == ["AGATAA", "CGCTCC"]
    assert letters(substitute(X, "GG")) == ["AAGGAA", "CCGGCC"]
    assert letters(substitute(X, "GGA", position=[0, 3], orientation="-")) == ["TCCAAA", "CCCTCC"]
    assert letters(X) == ["AAAAAA", "CCCCCC"]
    assert substitute(X, "G").dtype == torch.uint8
    assert substitute(X.numpy().astype(np.float32), "G").dtype == torch.float32


@pytest.mark.parametrize("position", [-1, 4, [0, 5]])
def test_substitute_must_fit(position):
    with pytest.raises(SeqexplainerError, match="does not fit into 6 bp"):
        substitute(one_hot("AAAAAA", "CCCCCC"), "GGG", position=position)
    with pytest.raises(SeqexplainerError, match=r"expected one number or \(2,\)"):
        substitute(one_hot("AAAAAA", "CCCCCC"), "GGG", position=[1, 2, 3])


@settings(max_examples=40, deadline=None)
@given(
    text=st.text("ACGT", min_size=3, max_size=12),
    motif=st.text("ACGT", min_size=1, max_size=4),
    data=st.data(),
)
def test_insert_is_string_slicing(text, motif, data):
    position = data.draw(st.integers(0, len(text)))
    X, longer = one_hot(text), text[:position] + motif + text[position:]
    w, n = len(motif), len(text)
    cut = {"right": longer[:n], "left": longer[w:], "none": longer}
    cut["both"] = longer[w // 2 : w // 2 + n]
    for trim, expected in cut.items():
        assert letters(insert(X, motif, position=position, trim=trim)) == [expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"motif": "G", "position": 5}, "before base 0 to 4"),
        ({"motif": "GN", "position": 1}, "no base to leave"),
        ({"motif": "G", "position": 1, "trim": "middle"}, "choose 'right'"),
    ],
)
def test_insert_errors(arguments, message):
    motif = arguments.pop("motif")
    with pytest.raises(SeqexplainerError, match=message):
        insert(one_hot("AAAA"), motif, **arguments)


@pytest.mark.parametrize("method", ["dinuc_shuffle", "shuffle", "random", "zero", "uniform"])
def test_randomise(method, random_backgrounds):
    X = random_backgrounds
    edited = randomise(X, 10, 30, method=method, n=3, seed=4)
    assert edited.shape == (30, 3, 4, 40)
    np.testing.assert_array_equal(edited[:, 1, :, :10], X[:, :, :10])
    np.testing.assert_array_equal(edited[:, 2, :, 30:], X[:, :, 30:])
    span = edited[:, :, :, 10:30]
    if method == "zero":
        assert not span.any()
    elif method == "uniform":
        assert (span == 0.25).all()
    else:
        assert (span.sum(dim=2) == 1).all()
        assert (span != X[:, None, :, 10:30]).any(dim=(2, 3)).all()
        assert len(np.unique(span.numpy().reshape(90, -1), axis=0)) == 90
    if "shuffle" in method:
        np.testing.assert_array_equal(
            span.sum(dim=3), X[:, None, :, 10:30].sum(dim=3).expand(-1, 3, -1)
        )
    again = randomise(X[:7], 10, 30, method=method, n=3, seed=4)
    np.testing.assert_array_equal(again, edited[:7])


def test_randomise_errors():
    with pytest.raises(SeqexplainerError, match="empty or outside"):
        randomise(one_hot("AAAA"), 2, 2)
    with pytest.raises(SeqexplainerError, match="choose 'shuffle'"):
        randomise(one_hot("AAAA"), 0, 2, method="mask")


def test_find_pattern():
    X = one_hot("GATAAGATGG", "CCTTATCNNN")
    found = find_pattern(X, "GATR")
    assert found[["sequence", "start", "end"]].to_numpy().tolist() == [[0, 0, 4], [0, 5, 9]]
    both = find_pattern(X, "GATAAG", both_strands=True)
    assert both[["sequence", "start"]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert both["strand"].tolist() == ["+", "-"]
    assert len(find_pattern(one_hot("ACGT"), "ACGT", both_strands=True)) == 1
    assert find_pattern(one_hot("ACG"), "ACGT").empty


# ---------------------------------------------------------------- backgrounds


@pytest.mark.parametrize("kind", ["random", "gc", "profile", "shuffle", "dinuc_shuffle", "subset"])
def test_backgrounds_are_one_hot_and_reproducible(kind, random_backgrounds):
    made = backgrounds(random_backgrounds, kind=kind, n=20, seed=9)
    assert made.shape == (20, 4, 40)
    assert (made.sum(dim=1) == 1).all()
    np.testing.assert_array_equal(made, backgrounds(random_backgrounds, kind=kind, n=20, seed=9))
    assert (made != backgrounds(random_backgrounds, kind=kind, n=20, seed=10)).any()
    if kind != "subset":
        fewer = backgrounds(random_backgrounds, kind=kind, n=5, seed=9)
        np.testing.assert_array_equal(fewer, made[:5])


def test_backgrounds_keep_what_they_promise():
    rng = np.random.default_rng(0)
    codes = rng.choice(4, p=[0.35, 0.25, 0.1, 0.3], size=(50, 60))
    codes[:, 20] = 2
    X = torch.as_tensor(np.eye(4, dtype=np.uint8)[codes].swapaxes(1, 2).copy())
    gc = backgrounds(X, kind="gc", n=2000).float().mean(dim=(0, 2))
    both = X.float().mean(dim=(0, 2))
    np.testing.assert_allclose(gc, (both + both.flip(0)) / 2, atol=0.01)
    profile = backgrounds(X, kind="profile", n=3000).float().mean(dim=0)
    np.testing.assert_allclose(profile, X.float().mean(dim=0), atol=0.05)
    assert profile[2, 20] == 1
    shuffled = backgrounds(X, kind="dinuc_shuffle", n=50)
    for before, after in zip(X, shuffled, strict=True):
        for step in range(16):
            a, b = divmod(step, 4)
            count = [(x[a, :-1] & x[b, 1:]).sum() for x in (before, after)]
            assert count[0] == count[1]
    chosen = {bytes(x.numpy()) for x in backgrounds(X, kind="subset", n=50)}
    assert chosen == {bytes(x.numpy()) for x in X}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "gc"}, "need sequences X"),
        ({"kind": "random"}, "need a length"),
        ({"kind": "noise"}, "choose one of"),
        ({"X": one_hot("ACGT"), "kind": "subset", "n": 2}, "only 1 sequences"),
        ({"X": one_hot("ACGT"), "n": 0}, "at least one"),
    ],
)
def test_backgrounds_errors(arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        backgrounds(**arguments)


# ---------------------------------------------------------------- statistics


def test_benjamini_hochberg_is_scipys():
    p = np.random.default_rng(0).uniform(size=(8, 5)) ** 3
    expected = scipy.stats.false_discovery_control(p.ravel()).reshape(8, 5)
    np.testing.assert_allclose(statistics.benjamini_hochberg(p), expected)
    smallest = np.sort(p.ravel())[:6]
    np.testing.assert_allclose(
        statistics.benjamini_hochberg(smallest, 40), np.sort(expected.ravel())[:6]
    )
    assert np.isnan(statistics.benjamini_hochberg([np.nan, 0.1])[0])


def test_sign_flips_are_exact_for_few_sequences():
    values = np.random.default_rng(1).normal(0.5, 1, 9)
    exact = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert statistics.summarise(values).p_value == pytest.approx(exact)


def test_interval_and_p_value_against_scipy():
    values = np.random.default_rng(2).normal(0.2, 1, (200, 3))
    found = statistics.summarise(values, n_resamples=4000)
    half = scipy.stats.t.ppf(0.975, 199) * values.std(axis=0, ddof=1) / np.sqrt(200)
    np.testing.assert_allclose(found.high - found.low, 2 * half, rtol=0.08)
    t_test = scipy.stats.ttest_1samp(values, 0).pvalue
    np.testing.assert_allclose(found.p_value, t_test, atol=0.03)
    assert (found.low < found.mean).all()
    assert (found.mean < found.high).all()


def test_null_p_values_are_uniform():
    values = np.random.default_rng(3).normal(0, 1, (40, 1500))
    p = statistics.summarise(values, n_resamples=500).p_value
    assert scipy.stats.kstest(p, "uniform").statistic < 0.05


# ---------------------------------------------------------------- experiments


def test_marginalize(linear, random_backgrounds):
    result = marginalize(linear, random_backgrounds, "GATTACA", position=11, target=1)
    edited = substitute(random_backgrounds, "GATTACA", position=11).float()
    with torch.no_grad():
        expected = (linear(edited) - linear(random_backgrounds.float()))[:, 1]
    np.testing.assert_allclose(result.effect, expected, atol=1e-6)
    np.testing.assert_allclose(result.mean, expected.mean(), atol=1e-6)
    assert result.low <= result.mean <= result.high
    assert 0 < result.p_value <= 1


def test_any_function_can_be_applied(linear, random_backgrounds):
    seen = []

    def positions(model, X, *, batch_size, device):
        seen.append((len(X), batch_size))
        return X.float().sum(dim=1)

    result = marginalize(linear, random_backgrounds, "G", func=positions, batch_size=8)
    assert result.effect.shape == (30, 40)
    assert result.mean.shape == result.q_value.shape == (40,)
    assert seen == [(30, 8), (30, 8)]
    with pytest.raises(SeqexplainerError, match=r"expected \(N, \.\.\.\)"):
        marginalize(linear, random_backgrounds, "G", func=lambda *_, **__: np.zeros(3))


def test_attributions_before_and_after(linear, random_backgrounds):
    from seqexplainer.attribute import attribute

    def saliency(model, X, *, batch_size, device):
        return attribute(
            model, X, method="input_x_gradient", target=0, batch_size=batch_size, device=device
        )

    result = marginalize(linear, random_backgrounds, "GATA", func=saliency)
    assert result.effect.shape == (30, 4, 40)
    assert not result.effect[:, :, :15].any()
    assert result.effect[:, :, 18:22].any()


def test_ablate_finds_the_motif():
    model = CountsOf("GATTACA")
    X = substitute(backgrounds(kind="random", n=12, length=60, seed=2), "GATTACA", position=20)
    result = ablate(model, X, [(20, 27), (40, 50)], n=5)
    assert result.effect.shape == (12, 2)
    assert result.mean[0] < -0.9
    assert abs(result.mean[1]) < 0.1
    assert result.p_value[0] < 0.01
    single = ablate(model, X, (20, 27), n=5)
    np.testing.assert_allclose(single.effect, result.effect[:, 0], atol=1e-6)
    assert ablate(model, X, (20, 27), method="zero").mean == -1
    with pytest.raises(SeqexplainerError, match="spans must be"):
        ablate(model, X, [])


def test_occlude_finds_the_motif():
    model = CountsOf("GATTACA")
    X = substitute(backgrounds(kind="random", n=6, length=60, seed=2), "GATTACA", position=20)
    result = occlude(model, X, width=5, stride=2)
    touching = (result.positions > 15) & (result.positions < 27)
    np.testing.assert_array_equal(result.mean, np.where(touching, -1.0, 0.0))
    assert list(result.to_frame().columns)[:2] == ["position", "mean"]
    with pytest.raises(SeqexplainerError, match="do not fit"):
        occlude(model, X, width=61)


@pytest.mark.parametrize("batch_size", [3, 1000])
def test_positional_importance_is_marginalize_everywhere(linear, random_backgrounds, batch_size):
    result = positional_importance(
        linear, random_backgrounds, "GATTACA", stride=3, orientation="-", batch_size=batch_size
    )
    assert result.positions.tolist() == list(range(0, 34, 3))
    assert result.effect.shape == (30, 12)
    for j, position in enumerate(result.positions):
        one = marginalize(
            linear, random_backgrounds, "GATTACA", position=int(position), orientation="-"
        )
        np.testing.assert_allclose(result.effect[:, j], one.effect, atol=1e-6)
    np.testing.assert_allclose(result.mean, result.effect.mean(axis=0), atol=1e-9)
    assert (result.q_value >= result.p_value - 1e-12).all()
    assert len(result.to_frame()) == 12


def test_positional_importance_errors(linear, random_backgrounds):
    with pytest.raises(SeqexplainerError, match="does not fit into 40 bp"):
        positional_importance(linear, random_backgrounds, "GATTACA", positions=[34])
    with pytest.raises(SeqexplainerError, match="positions is empty"):
        positional_importance(linear, random_backgrounds, "GATTACA", positions=[])
    with pytest.raises(SeqexplainerError, match="does not fit into 40 bp"):
        positional_importance(linear, random_backgrounds, "A" * 41)


def test_space_puts_motifs_where_it_says():
    def near(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + 10 * b

    X = one_hot("C" * 40)
    model = CountsOf("GATAAATCA", "TGATNNNTATC", formula=near)
    result = space(model, X, "GATA", "TGA", distances=[0, 1, 2, 3], orientations=["+-", "-+"])
    assert result.arrangements == ["A+ B-", "A- B+", "B- A+", "B+ A-"]
    frame = result.to_frame().set_index(["arrangement", "distance"])["mean"]
    # GATA then TCA (TGA reversed) with "AA" between is not made of backgrounds of C
    assert (frame == 0).all()
    with_gap = CountsOf("GATACCTCA", "TGACTATC", formula=near)
    frame = (
        space(with_gap, X, "GATA", "TGA", distances=[0, 1, 2], orientations=["+-", "-+"])
        .to_frame()
        .set_index(["arrangement", "distance"])["mean"]
    )
    assert frame["A+ B-", 2] == 1
    assert frame["B+ A-", 1] == 10
    assert frame.sum() == 11


def test_space_default_distances_fit():
    result = space(CountsOf("A"), one_hot("C" * 21), "GATA", "TGA", orders=["BA"], anchor=10)
    assert result.distances.tolist() == list(range(8))
    with pytest.raises(SeqexplainerError, match="choose 'AB' or 'BA'"):
        space(CountsOf("A"), one_hot("C" * 21), "GATA", "TGA", orders=["A"])
    with pytest.raises(SeqexplainerError, match="no arrangement"):
        space(CountsOf("A"), one_hot("C" * 21), "GATA", "TGA", distances=[-1])
    with pytest.raises(SeqexplainerError, match="give two of"):
        space(CountsOf("A"), one_hot("C" * 21), "GATA", "TGA", orientations=["+"])


def test_cooperativity_is_deepstarrs_formula():
    """A model on the log2 scale whose motifs multiply within 10 bp."""

    def activity(a: torch.Tensor, b: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        return 1 + 2 * a + 1.5 * b + 0.5 * near

    X = one_hot("C" * 50, "T" * 50)
    model = CountsOf("GATAA", "TGACG", "GATAANNNTGACG", formula=activity)
    found = cooperativity(model, X, "GATAA", "TGACG", distances=[-9, 8, 12], link="log2", anchor=20)
    assert found.statistic == "log2 fold"
    b, a, m = 1.0, 3.0, 2.5
    pair = np.array([4.5, 5.0, 4.5])
    expected = 2**pair / (2**a + 2**m - 2**b)
    np.testing.assert_allclose(found.fold, np.tile(expected, (2, 1)), rtol=1e-5)
    np.testing.assert_allclose(found.mean, np.log2(expected), rtol=1e-5)
    np.testing.assert_allclose(found.both, np.tile(pair, (2, 1)))
    assert found.to_frame()["distance"].tolist() == [-9, 8, 12]
    additive = cooperativity(model, X, "GATAA", "TGACG", anchor=20)
    assert additive.statistic == "excess"
    np.testing.assert_allclose(additive.mean[additive.distances == 8], 0.5, atol=1e-6)
    assert additive.mean[additive.distances != 8].max() < 1e-6
    assert additive.distances.tolist() == [*range(-20, -4), *range(5, 26)]
    same = cooperativity(model, X, "GATAA", "TGACG", distances=[8], link=np.exp2, anchor=20)
    np.testing.assert_allclose(same.fold, found.fold[:, 1:2], rtol=1e-5)


def test_cooperativity_errors():
    X = one_hot("C" * 30)
    with pytest.raises(SeqexplainerError, match=r"at distances \[2\] the motifs overlap"):
        cooperativity(CountsOf("A"), X, "GATA", "TGA", distances=[2, 8])
    with pytest.raises(SeqexplainerError, match="choose one of identity"):
        cooperativity(CountsOf("A"), X, "GATA", "TGA", link="cube")
    with pytest.raises(SeqexplainerError, match="second motif"):
        cooperativity(CountsOf("A"), X, "GATA", "TGA", distances=[80])


def test_epistasis():
    X = one_hot("C" * 30, "T" * 30)
    model = CountsOf("GATA", "GG", formula=lambda a, b: a + b + 3 * a * b)
    found = epistasis(model, X, [("GATA", 3), ("GG", 15), ("GATA", 20), ("A", 21)])
    np.testing.assert_array_equal(found.single, [[1, 1, 1, 0]] * 2)
    expected = np.array(
        [[np.nan, 3, 0, 0], [3, np.nan, 3, 0], [0, 3, np.nan, np.nan], [0, 0, np.nan, np.nan]]
    )
    np.testing.assert_allclose(found.interaction, np.tile(expected, (2, 1, 1)))
    np.testing.assert_allclose(found.mean, expected)
    with pytest.raises(SeqexplainerError, match="at least two"):
        epistasis(model, X, [("GATA", 3)])


def test_model_is_left_as_it_was(linear, random_backgrounds):
    linear.train()
    positional_importance(linear, random_backgrounds, "GATA", positions=[3])
    assert linear.training
    assert all(p.requires_grad for p in linear.parameters())
    linear.eval()


def test_seqpro_sees_the_same_shuffle(random_backgrounds):
    """The shuffles are seqpro's, row by row."""
    made = backgrounds(random_backgrounds, kind="dinuc_shuffle", n=30, seed=5)
    text = sp.decode_ohe(random_backgrounds.numpy().swapaxes(1, 2), ohe_axis=-1, alphabet=sp.DNA)
    shuffled = sp.k_shuffle(text, 2, length_axis=-1, seed=5, alphabet=sp.DNA)
    np.testing.assert_array_equal(made, sp.ohe(shuffled, sp.DNA).swapaxes(1, 2))


def test_sites_of_each_sequence_are_those_of_a_linear_network():
    rng = np.random.default_rng(4)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30, 1)).double()
    weights = net[1].weight.detach().numpy().reshape(4, 30)
    X = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (3, 30))].swapaxes(1, 2)
    sites = [(2, 20, 28), (0, 3, 9), (1, 0, 5), (0, 7, 12), (1, 25, 30)]
    spans = {0: [(3, 12)], 1: [(0, 5), (25, 30)], 2: [(20, 28)]}
    gone, shuffled = [], []
    for row, own in spans.items():
        there = [(X[row, :, a:b], weights[:, a:b]) for a, b in own]
        gone.append(-sum((x * w).sum() for x, w in there))
        # a shuffled span has each of its letters at each place alike often
        mean = sum((x.mean(axis=1, keepdims=True) * w).sum() for x, w in there)
        shuffled.append(mean + gone[-1])
    zero = ablate_sites(net, X, sites, method="zero")
    np.testing.assert_allclose(zero.effect, gone, atol=1e-6)
    found = ablate_sites(net, X, sites, n=3000, n_resamples=20)
    np.testing.assert_allclose(found.effect, shuffled, atol=0.02)
    assert not np.allclose(found.effect, gone, atol=0.05)
    for wrong, match in (
        ([(0, 3, 9)], "row 1 of X has no site"),
        ([(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 1, 2)], "X has 3 rows"),
        ([(0, 1, 2), (1, 1, 2), (2, 28, 31)], "outside the 30-bp"),
    ):
        with pytest.raises(SeqexplainerError, match=match):
            ablate_sites(net, X, wrong)
