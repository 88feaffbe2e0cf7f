"""The classifier that knows the grammar: seqgra's numbers, and all placements tried one by one."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import eugene as eu
from eugene.errors import EugeneError
from eugene.models.zoo import BayesOptimal
from eugene.nn import InputShapeError, ModelError
from eugene.runs import run
from eugene.simulate import grammar as g

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/seqgra_bayes.json").read_text())
SHARED = Path(__file__).resolve().parents[3].parent / "shared"
DEFINITIONS = SHARED / "data/seqgra_definitions/data"
SIMULATED = SHARED / "golden/seqgra/seqgra_simulator.json"
needs_shared = pytest.mark.skipif(not SIMULATED.is_file(), reason="needs ../shared")
EVEN = (g.Letters((("A", 1.0), ("C", 1.0), ("G", 1.0), ("T", 1.0))),)
MATRIX = (
    (("A", 0.7), ("C", 0.1), ("G", 0.2)),
    (("C", 0.5), ("T", 0.5)),
    (("A", 0.25), ("C", 0.25), ("G", 0.25), ("T", 0.25)),
    (("G", 1.0),),
)
ELEMENTS = (
    g.Element("m", matrix=MATRIX),
    g.Element("k", kmers=(("GAT", 3.0), ("CCT", 1.0))),
    g.Element("z", kmers=(("TT", 1.0),)),
)


def one_hot(seq: np.ndarray, letters: str = "ACGT") -> torch.Tensor:
    return torch.from_numpy((seq[:, None] == np.frombuffer(letters.encode(), "S1")[:, None]) * 1.0)


def drawn(n: int, length: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(np.frombuffer(b"ACGT", "S1"), (n, length))


def grammar(*rules: g.Rule, low: int = 16, high: int = 16, mode: str = "sequential") -> g.Grammar:
    conditions = (g.Condition("one", rules, mode=mode), g.Condition("none", ()))
    sets = {"test": (g.Example(1, ("one",)),)}
    return g.Grammar("g", EVEN, sets, conditions, ELEMENTS, low, high)


# -- an oracle that tries everything


def score_at(element: g.Element, letters: str) -> float:
    """Return the scaled log-odds of an element for letters of its width."""

    def odds(table: list[dict[str, float]], word: str) -> float:
        total = 0.0
        for column, letter in zip(table, word, strict=True):
            share = column.get(letter, 0.0) / sum(column.values())
            total += math.log2(4 * (share or 1e-4))
        return total

    if element.kmers:
        whole = sum(p for _, p in element.kmers)
        tables = [([{a: 1.0} for a in kmer], p / whole) for kmer, p in element.kmers]
    else:
        tables = [([dict(column) for column in element.matrix], 1.0)]

    def mixed(word: str) -> float:
        return math.log2(sum(p * 2 ** odds(table, word) for table, p in tables))

    words = ["".join(w) for w in itertools.product("ACGT", repeat=element.width)]
    high = max(map(mixed, words))
    # where each matrix is worst, though no one word need be so for all of them
    low = math.log2(
        sum(
            p
            * 2
            ** sum(
                min(math.log2(4 * (c.get(a, 0) / sum(c.values()) or 1e-4)) for a in "ACGT")
                for c in table
            )
            for table, p in tables
        )
    )
    value = mixed(letters)
    low, value = (-(abs(v) ** 0.25) if v < 0 else v for v in (low, value))
    return (value - low) / (high - low)


def best_by_hand(found: g.Grammar, rule: g.Rule, row: str) -> float:
    """Return the best score of a rule over all starts of all its elements."""
    elements = [found.by_id[name] for name in rule.elements]
    scores = [
        [score_at(e, row[s : s + e.width]) for s in range(len(row) - e.width + 1)] for e in elements
    ]
    linked = {name for s in rule.spacing for name in (s.first, s.second)}
    best = -math.inf
    for starts in itertools.product(*(range(len(one)) for one in scores)):
        at = dict(zip(rule.elements, starts, strict=True))
        ends = {name: at[name] + found.by_id[name].width for name in at}
        kept = True
        for s in rule.spacing:
            gaps = [at[s.second] - ends[s.first]]
            if s.order == "random":
                gaps.append(at[s.first] - ends[s.second])
            kept &= any(s.min_distance <= gap <= s.max_distance for gap in gaps)
        blocks = [[name] for name in at if name not in linked] + (
            [sorted(linked)] if linked else []
        )
        for block in blocks:
            begin = min(at[name] for name in block)
            wide = max(ends[name] for name in block) - begin
            place = {
                "random": begin, "start": 0, "end": len(row) - wide,
                "center": int(len(row) / 2 - wide / 2),
            }.get(rule.position, rule.position)  # fmt: skip
            kept &= begin == (place - 1 if isinstance(place, int) and place is rule.position
                              else place)  # fmt: skip
        if kept:
            best = max(best, sum(one[s] for one, s in zip(scores, starts, strict=True)))
    return best


SPACED = (g.Spacing("m", "k", 1, 4),)
CHAIN = (g.Spacing("m", "k", 0, 3, "in-order"), g.Spacing("z", "k", 1, 3))


@pytest.mark.parametrize("position", ["random", "start", "center", "end", 3])
@pytest.mark.parametrize(
    ("elements", "spacing"),
    [(("m",), ()), (("m", "k"), ()), (("m", "k"), SPACED), (("m", "k", "z"), CHAIN)],
)
def test_the_best_placement_is_found(
    position: str | int, elements: tuple[str, ...], spacing: tuple[g.Spacing, ...]
) -> None:
    rule = g.Rule(elements, position, spacing=spacing)
    found = grammar(rule)
    seq = drawn(2, 16, seed=len(elements))
    got = BayesOptimal(found).scores(one_hot(seq).float()).numpy()
    expected = [best_by_hand(found, rule, row.tobytes().decode()) for row in seq]
    np.testing.assert_allclose(got[:, 0], expected, atol=1e-9)
    assert not got[:, 1].any()


def test_a_gap_is_counted_from_the_end_of_the_first() -> None:
    """``AAGG`` then 4 letters then ``GAT``: seqgra counts 8 from start to start."""
    rule = g.Rule(("p", "k"), spacing=(g.Spacing("p", "k", 4, 4, "in-order"),))
    matrix = tuple(((letter, 1.0),) for letter in "AAGG")
    wide = dataclasses.replace(
        grammar(rule), elements=(g.Element("p", matrix=matrix),
                                 g.Element("k", matrix=tuple(((a, 1.0),) for a in "GAT")))
    )  # fmt: skip
    X = one_hot(np.frombuffer(b"CAAGGAAAAGATCCCC", "S1")[None]).float()
    assert float(BayesOptimal(wide).scores(X)[0, 0]) == pytest.approx(2.0)
    # from start to start, and a window that ends before the largest distance: empty for 4 to 4
    assert float(BayesOptimal(wide, compat="seqgra").scores(X)[0, 0]) == 0.0
    eight = dataclasses.replace(rule, spacing=(g.Spacing("p", "k", 8, 9, "in-order"),))
    moved = dataclasses.replace(wide, conditions=(g.Condition("one", (eight,)),))
    assert float(BayesOptimal(moved, compat="seqgra").scores(X)[0, 0]) == pytest.approx(2.0)
    assert float(BayesOptimal(moved).scores(X)[0, 0]) < 1.5


def test_modes_labels_and_probabilities() -> None:
    rules = (g.Rule(("m",), probability=0.5), g.Rule(("k",), probability=0.5))
    seq = one_hot(drawn(3, 16, seed=5)).float()
    one, two = (BayesOptimal(grammar(rule)).scores(seq)[:, 0] for rule in rules)
    both = BayesOptimal(grammar(*rules)).scores(seq)[:, 0]
    torch.testing.assert_close(both, one + two)
    either = BayesOptimal(grammar(*rules, mode="mutually exclusive")).scores(seq)[:, 0]
    torch.testing.assert_close(either, torch.maximum(one, two))
    turned = BayesOptimal(grammar(*rules), labels=["none", "one"])
    torch.testing.assert_close(turned.scores(seq)[:, 1], both)
    p = turned.probabilities(seq)
    torch.testing.assert_close(p.sum(1), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(turned(seq).softmax(1), p.float(), atol=1e-6, rtol=0)
    # what has no rules is what the other is not; seqgra never calls it
    torch.testing.assert_close(p[:, 0], (1 - both / 2) / (1 - both / 2 + both))
    several = dataclasses.replace(grammar(*rules), task="multi-label")
    network = BayesOptimal(several)
    torch.testing.assert_close(network(seq).sigmoid()[:, 0].double(), both / 2, atol=1e-6, rtol=0)


def test_ends_of_short_rows_are_no_letters() -> None:
    rule = g.Rule(("m",), "end")
    found = grammar(rule, g.Rule(("k",)), low=10, high=16)
    seq = drawn(4, 16, seed=7)
    alone = BayesOptimal(dataclasses.replace(found, max_length=10))
    padded = seq.copy()
    padded[:, 10:] = b""
    got = BayesOptimal(found).scores(one_hot(padded).float())
    torch.testing.assert_close(got, alone.scores(one_hot(seq[:, :10]).float()))


def test_protein_and_its_gradient() -> None:
    space = "ACDEFGHIKLMNPQRSTVWY"
    found = g.Grammar(
        "p", (g.Letters(tuple((a, 1.0) for a in space)),), {"test": (g.Example(1, ("c",)),)},
        (g.Condition("c", (g.Rule(("w",)),)), g.Condition("d", ())),
        (g.Element("w", kmers=(("WWC", 1.0),)),), 9, 9, space="protein",
    )  # fmt: skip
    seq = np.frombuffer(b"AAWWCAAAAWCAWWAAAA", "S1").reshape(2, 9)
    X = one_hot(seq, space).float().requires_grad_()
    network = BayesOptimal(found)
    scores = network.scores(X)
    assert float(scores.detach()[0, 0]) == pytest.approx(1.0)
    assert float(scores.detach()[1, 0]) < 0.8
    scores[0, 0].backward()
    touched = X.grad[0].abs().sum(0) > 0
    assert touched.tolist() == [False, False, True, True, True, False, False, False, False]


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "mc2-dna1000-homer-100k-s1",
        pytest.param("mc2-dna1000-homer-interaction-order-100k-s1", marks=pytest.mark.slow),
        pytest.param("mc10-dna1000-homer-10k-s3", marks=pytest.mark.slow),
    ],
)
def test_metrics_are_those_of_seqgra(name: str) -> None:
    golden, simulated = GOLDEN[name], json.loads(SIMULATED.read_text())[name]
    found = g.from_definition(DEFINITIONS / f"{name}.xml.gz")
    sets = {k: tuple(g.Example(n, tuple(c)) for n, c in v) for k, v in simulated["samples"].items()}
    found = dataclasses.replace(found, sets=sets)
    ds = found.generate(seed=simulated["seed"], compat="seqgra")
    rows = ds.isel(_sequence=np.flatnonzero(ds["split"] == 2)[: golden["n"]])
    network = BayesOptimal(found, compat="seqgra")
    with torch.no_grad():
        p = network.probabilities(one_hot(rows["seq"].values).float()).numpy()
    label = rows["label"].values
    truth = np.eye(p.shape[1])[label]
    got = {
        "n": len(label),
        "acc": (p.argmax(1) == label).mean(),
        "micro_roc": roc_auc_score(truth.ravel(), p.ravel()),
        "macro_roc": roc_auc_score(truth[:, : label.max() + 1], p[:, : label.max() + 1]),
        "micro_ap": average_precision_score(truth.ravel(), p.ravel()),
    }
    assert got == pytest.approx(golden, abs=1e-6)


def test_scores_are_those_of_seqgra() -> None:
    """One matrix along one sequence: smallest, largest, and the best of the sequence."""
    path = SHARED / "golden/seqgra/boc_pwm_score.npz"
    if not path.is_file():
        pytest.skip("needs ../shared")
    golden = np.load(path)
    matrix = 2.0 ** golden["pwm"] / 4
    element = g.Element("e", matrix=tuple(tuple(zip("ACGT", row, strict=True)) for row in matrix))
    row = np.frombuffer(str(golden["example"]).encode(), "S1")
    found = g.Grammar("g", EVEN, {"test": (g.Example(1, ("c",)),)},
                      (g.Condition("c", (g.Rule(("e",)),)),), (element,), 220, 220)  # fmt: skip
    network = BayesOptimal(found, compat="seqgra")
    inside = next(iter(network.elements.values()))
    X = one_hot(row[None]).double()
    # rows of its matrix add up to 1 but for the small number that stands for 0
    np.testing.assert_allclose(inside(X)[0].numpy(), golden["scores"], atol=2e-2)
    assert inside.lowest == pytest.approx(float(golden["mn"]), abs=2e-2)
    assert inside.highest == pytest.approx(float(golden["mx"]), abs=2e-2)
    assert float(network.scores(X)) == pytest.approx(float(golden["max_norm"]), abs=1e-3)


# -- in a run, and what is refused


def test_a_run_measures_it_without_training(tmp_path: Path) -> None:
    rule = g.Rule(("m", "k"), spacing=SPACED)
    sets = {"training": 4, "validation": 4, "test": 60}
    found = dataclasses.replace(
        grammar(rule, low=30, high=30),
        sets={k: (g.Example(n, ("one",)), g.Example(n, ("none",))) for k, n in sets.items()},
    )
    path = tmp_path / "g.yaml"
    path.write_text(found.to_yaml())
    tree = {
        "data": {"name": "grammar", "definition": str(path), "target_vars": ["label"],
                 "split": None},
        "model": {"name": "bayes_optimal", "definition": str(path)},
        "module": {"task": "multiclass_classification"},
        "evaluate": {"n_bootstrap": 0},
    }  # fmt: skip
    folder = run(tree, run_dir=tmp_path / "run")
    assert folder.read_json("evaluation.json")["metrics"]["auroc"]["value"] > 0.9
    assert folder.state()["training"]["parameters"] == 0
    module = eu.load(folder.path)
    ds = found.generate()
    expected = BayesOptimal(found).probabilities(one_hot(ds["seq"].values).float())
    np.testing.assert_allclose(
        module.predict(ds["seq"].values.view("u1")).numpy(), expected, atol=1e-6
    )
    assert run(tree, run_dir=folder.path, resume=True).state()["training"]["epochs"] == 0
    with pytest.raises(EugeneError, match="BayesOptimal has nothing to train"):
        eu.train.fit(eu.models.SequenceModule(BayesOptimal(found), "multiclass_classification"), [])


def test_what_it_cannot_do_is_told() -> None:
    rule = g.Rule(("m", "k"), spacing=SPACED)
    with pytest.raises(ModelError, match="no condition 'on'; did you mean 'one'"):
        BayesOptimal(grammar(rule), labels=["on"])
    with pytest.raises(ModelError, match="'k' is made of k-mers, and seqgra scores matrices alone"):
        BayesOptimal(grammar(rule), compat="seqgra")
    with pytest.raises(ModelError, match="3 outputs and 2 labels"):
        BayesOptimal(grammar(rule), output_dim=3)
    with pytest.raises(ModelError, match="have 20 letters, DNA has 4"):
        BayesOptimal(grammar(rule), input_channels=20)
    with pytest.raises(
        InputShapeError, match="12 letters long, those of the grammar are at least 16"
    ):
        BayesOptimal(grammar(rule))(torch.zeros(1, 4, 12))
    odd = dataclasses.replace(grammar(g.Rule(("nowhere",))))
    with pytest.raises(ModelError, match="there is no element 'nowhere'"):
        BayesOptimal(odd)
    values = dataclasses.replace(grammar(rule), task="regression", response=g.Response())
    with pytest.raises(ModelError, match="is of regression"):
        BayesOptimal(values)
