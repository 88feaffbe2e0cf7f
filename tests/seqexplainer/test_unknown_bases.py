"""An unknown base, a column of zeros or of 1/4, stays what it is through every verb."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import false_discovery_control
from torch import nn

import seqexplainer as se
import seqpro as sp
from seqexplainer import references
from seqexplainer.methods import METHODS
from seqexplainer.perturb import find_pattern
from seqpro.motifs import Motif, MotifSet

N, LENGTH = 3, 40
UNKNOWN = {0: [7, 20, 21, 22, 23], 1: [0, 1, 39], 2: []}


def sequences(how: str) -> torch.Tensor:
    letters = sp.random_seqs((N, LENGTH), sp.DNA, seed=1)
    for row, places in UNKNOWN.items():
        letters[row, places] = b"N"
    encoded = sp.ohe(letters, sp.DNA, unknown=how).swapaxes(1, 2)
    return torch.from_numpy(np.ascontiguousarray(encoded, dtype=np.float32))


class Uniform(nn.Module):
    """A model that reads zeros as 1/4: what `model` sees of the other way to write N."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(torch.where((x == 0).all(dim=1, keepdim=True), x * 0 + 0.25, x))


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(4, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(6 * LENGTH // 2, 1),
    ).eval()


def _attribute(method: str, **options):
    def run(model, X):
        return se.attribute(
            model, X, method, seed=3, n_references=4, n_samples=3, n_steps=8, **options
        )

    return run


def _evolve(model, X, **options):
    found = se.evolve(model, X, rounds=3, **options)
    return found.scores, found.positions, found.alts


def _design(method: str, rounds: int, **options):
    def run(model, X):
        found = se.design(model, X, method=method, rounds=rounds, seed=5, population=6, **options)
        return found.scores, found.sequences == 1

    return run


VERBS = {
    **{
        method: _attribute(method)
        for method in (
            "deep_lift_shap",
            "saliency",
            "input_x_gradient",
            "guided_backprop",
            "deconvolution",
            "saturation_mutagenesis",
        )
    },
    # where nothing is unknown there is no way to write it that deletions could take over
    "deletion": lambda model, X: se.attribute(model, X[:2], "deletion"),
    "deep_lift, shuffle": _attribute("deep_lift", references="shuffle"),
    "deep_lift, gc": _attribute("deep_lift", references="gc"),
    "integrated_gradients": _attribute("integrated_gradients", references="dinuc_shuffle"),
    **{
        f"ism, {engine}": lambda model, X, engine=engine: se.saturation_mutagenesis(
            model, X, target=0, engine=engine
        )
        for engine in ("window", "plain", "auto")
    },
    "marginalize": lambda model, X: se.marginalize(model, X, "GNTA", n_resamples=9).effect,
    "ablate": lambda model, X: se.ablate(model, X, [(5, 12), (18, 30)], n=3).effect,
    "ablate, dinuc": lambda model, X: (
        se.ablate(model, X, (15, 38), method="dinuc_shuffle", n=2).effect
    ),
    "ablate, random": lambda model, X: se.ablate(model, X, (0, 25), method="random", n=2).effect,
    "occlude": lambda model, X: (
        se.occlude(model, X, width=5, method="random", n_resamples=9).effect
    ),
    "positional_importance": lambda model, X: (
        se.positional_importance(model, X, "GANA", n_resamples=9).effect
    ),
    "space": lambda model, X: (
        se.space(model, X, "GATA", "CAT", distances=[6, 9], n_resamples=9).effect
    ),
    "epistasis": lambda model, X: (
        se.epistasis(model, X, [("GA", 6), ("TT", 25)], n_resamples=9).interaction
    ),
    "cooperativity": lambda model, X: (
        se.cooperativity(model, X, "GATA", "CAT", distances=[6, 9], n_resamples=9).both
    ),
    "evolve": _evolve,
    "evolve, beam, whole": lambda model, X: _evolve(model, X, beam=3, engine="plain"),
    "evolve, indels": lambda model, X: _evolve(
        model, X, deletions=True, insertions=True, flank="ANC"
    ),
    "beam": _design("beam", 2, beam=2),
    "annealing": _design("annealing", 6),
    "genetic": _design("genetic", 3, insertions=True),
    "gradient": _design("gradient", 4, samples=4, constraints={"max_edits": 1}),
    "sis": lambda model, X: se.sufficient_input_subsets(
        model, X, threshold=list(se.predict(model, X)[:, 0].double().numpy() - 0.02), mask=0.1
    ).labels(),
    "variant_effects": lambda model, X: se.variant_effects(model, X, X.flip(0)).to_numpy(),
    "generate_pfms": lambda model, X: (
        se.generate_pfms(getattr(model, "model", model), X, n=5).pfms.sum(axis=1) <= 5
    ),
    "backgrounds": lambda model, X: se.predict(model, se.backgrounds(X, kind="dinuc_shuffle", n=5)),
    "backgrounds, subset": lambda model, X: se.predict(
        model, se.backgrounds(X, kind="subset", n=2)
    ),
    "backgrounds, gc": lambda model, X: se.backgrounds(X, kind="gc", n=4),
    "backgrounds, profile": lambda model, X: se.backgrounds(X, kind="profile", n=4),
}


@pytest.mark.filterwarnings("ignore::seqexplainer.CompletenessWarning")
@pytest.mark.parametrize("verb", VERBS)
def test_both_ways_to_write_an_unknown_base_mean_the_same(verb, net):
    """A verb on 1/4 is the same verb, on zeros, of a model that reads zeros as 1/4."""
    run = VERBS[verb]
    found, expected = run(net, sequences("uniform")), run(Uniform(net).eval(), sequences("zero"))
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("how", ["zero", "uniform"])
@pytest.mark.parametrize("kind", ["dinuc_shuffle", "shuffle", "zero", "uniform", "gc"])
def test_references_keep_unknown_bases(how, kind):
    X = sequences(how)
    found = references.make(X, kind, n=3)
    for row, places in UNKNOWN.items():
        for reference in found[row].float():
            assert torch.equal(reference[:, places], X[row][:, places])


@pytest.mark.parametrize("how", ["zero", "uniform"])
@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_base_has_no_attribution(how, method, net):
    options = {"n_references": 3, "n_samples": 3, "delta_tolerance": 1.0}
    found = se.attribute(net, sequences(how), method, target=lambda y: -y[:, 0], **options)
    for row, places in UNKNOWN.items():
        assert not found[row][:, places].any()
    assert found.any()


@pytest.mark.parametrize("how", ["zero", "uniform"])
@pytest.mark.parametrize("method", ["shuffle", "dinuc_shuffle", "random", "zero", "uniform"])
def test_destroying_unknown_bases_changes_nothing(how, method, net):
    X = sequences(how)[:1]
    found = se.ablate(net, X, [(20, 24), (7, 8)], method=method, n=3)
    assert abs(found.effect[0, 0]) < 1e-7
    covered = se.occlude(net, X, width=4, method=method).effect[0]
    assert abs(covered[20]) < 1e-7 < np.abs(covered).max()


@pytest.mark.parametrize("how", ["zero", "uniform"])
@pytest.mark.parametrize("method", ["greedy", "beam", "annealing", "genetic", "gradient"])
def test_design_hands_unknown_bases_back(how, method, net):
    X = sequences(how)
    options = {"population": 4, "samples": 4, "constraints": {"max_edits": 2}}
    found = se.design(net, X[:2], method=method, rounds=3, **options)
    assert torch.equal(found.originals.float(), X[:2])
    for row, places in list(UNKNOWN.items())[:2]:
        assert torch.equal(found.sequences[row][:, places].float(), X[row][:, places])
    assert torch.equal(found.at(0).float(), X[:2])
    # what is reported is what the model says of what is handed back
    score = se.predict(net, found.sequences)[:, 0].double().numpy()
    np.testing.assert_allclose(found.scores[:, -1], score, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", ["zero", "uniform"])
def test_evolution_goes_back_to_where_it_began(how, net):
    X = sequences(how)
    found = se.evolve(net, X, rounds=3, deletions=True, insertions=True)
    assert torch.equal(found.at(0).float(), X)


@pytest.mark.parametrize("how", ["zero", "uniform"])
def test_motifs_match_known_windows_only(how):
    """Hits are those of the same letters without N, less the windows that hold an N."""
    rng = np.random.default_rng(0)
    letters = sp.random_seqs((20, 200), sp.DNA, seed=1)
    holes = letters.copy()
    holes[:, 150:] = b"N"
    holes[3, 40] = b"N"
    motifs = MotifSet(
        [Motif(f"m{i}", rng.dirichlet([0.2] * 4, w).T) for i, w in enumerate((6, 9, 11))]
        + [Motif("site", np.eye(4)[rng.integers(0, 4, 12)].T)]
    )
    whole = sp.ohe(letters, sp.DNA).swapaxes(1, 2)
    X = sp.ohe(holes, sp.DNA, unknown=how).swapaxes(1, 2)
    known = holes != b"N"
    everything = se.scan(whole, motifs, p_threshold=1e-3)
    spans = zip(everything["sequence"], everything["start"], everything["end"], strict=True)
    expected = everything[[bool(known[s, a:b].all()) for s, a, b in spans]].reset_index(drop=True)
    found = se.scan(X, motifs, p_threshold=1e-3)
    assert 0 < len(expected) < len(everything)
    place = ["motif", "sequence", "start", "end", "strand", "score", "p_value"]
    pd.testing.assert_frame_equal(found[place], expected[place])
    for motif, width in (("m0", 6), ("m2", 11)):
        own = found[found["motif"] == motif]
        tried = sum(known[s, i : i + width].all() for s in range(20) for i in range(201 - width))
        p = np.concatenate([own["p_value"], np.ones(2 * tried - len(own))])
        np.testing.assert_allclose(own["q_value"], false_discovery_control(p)[: len(own)])


@pytest.mark.parametrize("how", ["zero", "uniform"])
def test_nothing_is_found_in_nothing(how):
    X = sp.ohe(np.full((2, 30), b"N"), sp.DNA, unknown=how).swapaxes(1, 2)
    found = se.scan(X, Motif("a", np.eye(4)[[0] * 8].T))
    assert not len(found)
    assert found["motif"].str.upper().tolist() == []
    assert found["start"].dtype == np.int64
    assert not len(find_pattern(X, "NNN", both_strands=True))


@pytest.mark.parametrize("how", ["zero", "uniform"])
def test_seqlets_are_named_by_their_known_letters(how):
    rng = np.random.default_rng(0)
    known = MotifSet([Motif(f"m{i}", rng.dirichlet([0.05] * 4, 8).T) for i in range(30)])
    letters = np.full((1, 40), b"N")
    site = np.frombuffer(b"ACGT", "S1")[known[4].matrix.argmax(axis=0)]
    letters[0, 6:14] = site
    X = sp.ohe(letters, sp.DNA, unknown=how).swapaxes(1, 2)
    seqlets = pd.DataFrame({"sequence": [0, 0, 0], "start": [6, 1, 20], "end": [14, 18, 30]})
    found = se.annotate_seqlets(X, seqlets, known)
    assert found["target"][:2].tolist() == ["m4", "m4"]
    # the motif begins where its letters begin: 0 into the first seqlet, 5 into the second
    assert found["offset"][:2].tolist() == [0, -5]
    assert found["p_value_motif"][0] == found["p_value_motif"][1]
    assert pd.isna(found["target"][2])
