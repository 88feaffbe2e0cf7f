"""Grammars: read, written, refused, and drawn as seqgra draws them and as we do."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import seqdata as sd
from eugene.cli import main
from eugene.errors import ConfigError, EugeneError
from eugene.runs import run
from eugene.simulate import grammar as g
from eugene.simulate.grammar import _generate
from eugene.simulate.grammar._checks import remarks
from eugene.simulate.grammar._letters import Shuffler

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
DEFINITIONS = sorted((SHARED / "data/seqgra_definitions/data").glob("*.xml.gz"))
GOLDEN = SHARED / "golden/seqgra/seqgra_simulator.json"
needs_shared = pytest.mark.skipif(not DEFINITIONS, reason="needs ../shared")

TEXT = """
id: pair
task: multi-class
space: DNA
seed: 3
background:
  length: 60
  letters:
    - letters: {A: 3, C: 1, G: 1, T: 3}
    - {condition: two, set: test, letters: {A: 0, C: 1, G: 1, T: 0}}
sets:
  training:
    - {samples: 300, conditions: [one]}
    - {samples: 200, conditions: [two]}
    - {samples: 50}
  validation: [{samples: 40, conditions: [one]}]
  test: [{samples: 60, conditions: [two]}]
conditions:
  one:
    label: both, close together
    rules:
      - elements: [gata, ebox]
        spacing: [{between: [gata, ebox], distance: [2, 9], order: random}]
  two:
    mode: mutually exclusive
    rules:
      - {elements: [gata], position: 11, probability: 0.25}
      - {elements: [ebox], position: center, probability: 0.5}
elements:
  gata:
    matrix:
      - {G: 1}
      - {A: 1}
      - {T: 0.9, C: 0.1}
      - {A: 1}
  ebox: {kmers: {CACGTG: 0.8, CATATG: 0.2}}
"""


def written(tmp_path: Path, text: str = TEXT, name: str = "g.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> g.Grammar:
    return g.from_definition(written(tmp_path))


# -- reading and writing


def test_forms_turn_into_each_other(pair: g.Grammar, tmp_path: Path) -> None:
    for form, text in (("again.xml", pair.to_xml()), ("again.yaml", pair.to_yaml())):
        assert g.from_definition(written(tmp_path, text, form)) == pair
    by_hand = g.Grammar(
        id="pair",
        seed=3,
        background=(
            g.Letters((("A", 3.0), ("C", 1.0), ("G", 1.0), ("T", 3.0))),
            g.Letters((("A", 0.0), ("C", 1.0), ("G", 1.0), ("T", 0.0)), "two", "test"),
        ),
        min_length=60,
        max_length=60,
        sets={
            "training": (g.Example(300, ("one",)), g.Example(200, ("two",)), g.Example(50)),
            "validation": (g.Example(40, ("one",)),),
            "test": (g.Example(60, ("two",)),),
        },
        conditions=(
            g.Condition(
                "one",
                (g.Rule(("gata", "ebox"), spacing=(g.Spacing("gata", "ebox", 2, 9),)),),
                "both, close together",
            ),
            g.Condition(
                "two",
                (g.Rule(("gata",), 11, 0.25), g.Rule(("ebox",), "center", 0.5)),
                mode="mutually exclusive",
            ),
        ),
        elements=(
            g.Element(
                "gata",
                matrix=((("G", 1.0),), (("A", 1.0),), (("T", 0.9), ("C", 0.1)), (("A", 1.0),)),
            ),
            g.Element("ebox", kmers=(("CACGTG", 0.8), ("CATATG", 0.2))),
        ),
    )
    assert by_hand == pair


@needs_shared
@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda p: p.name[:24])
def test_published_definitions_turn_into_yaml_and_back(path: Path, tmp_path: Path) -> None:
    grammar = g.from_definition(path)
    assert remarks(grammar) == []
    for form, text in (("a.yaml", grammar.to_yaml()), ("a.xml", grammar.to_xml())):
        assert g.from_definition(written(tmp_path, text, form)) == grammar


# -- as seqgra draws


NAMES = list(json.loads(GOLDEN.read_text())) if GOLDEN.is_file() else []
SLOW = [pytest.param(n, marks=pytest.mark.slow) if n[:3] in ("mc1", "mc8") else n for n in NAMES]


@needs_shared
@pytest.mark.parametrize("name", SLOW)
def test_files_are_those_of_seqgra(name: str, tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text())[name]
    grammar = g.from_definition(SHARED / f"data/seqgra_definitions/data/{name}.xml.gz")
    samples = {k: tuple(g.Example(n, tuple(c)) for n, c in v) for k, v in golden["samples"].items()}
    grammar = dataclasses.replace(grammar, sets=samples, seed=golden["seed"])
    files = grammar.write_text(tmp_path, compat="seqgra")
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    assert found == golden["sha256"]
    # ours: the same counts of classes, letters of the background, and sizes of what is planted
    ds = grammar.generate()
    planted = ds["annotation"].values.sum(1)
    labels = np.array(["|".join(c) for c in _labels(ds, grammar)])
    training = ds["split"].values == 0
    for label, count in golden["class_balance"].items():
        rows = training & (labels == label)
        assert rows.sum() == count, label
        if label in golden["grammar"] and "|" not in label:
            told = golden["grammar"][label]
            spread = planted[rows].std() / np.sqrt(count) + 1e-9
            assert abs(planted[rows].mean() - told["meanG"]) < 5 * spread + 0.2
            frequencies = golden["background_freq_by_label"].get(label, {})
            letters = ds["seq"].values[rows][ds["annotation"].values[rows] == 0]
            for letter, share in frequencies.items():
                assert abs((letters == letter.encode()).mean() - share) < 0.01


def _labels(ds, grammar: g.Grammar) -> list[list[str]]:
    ids = [c.id for c in grammar.conditions]
    table = np.stack([ds[c].values for c in ids], 1).astype(bool)
    return [[ids[i] for i in np.flatnonzero(row)] for row in table]


def test_a_replay_needs_what_seqgra_can_do(pair: g.Grammar) -> None:
    with pytest.raises(EugeneError, match=r"a seed of shuffles is below 2\*\*31"):
        many = dataclasses.replace(pair, shuffles=(g.Shuffle(),))
        many.generate(compat="seqgra", seed=2**31)
    with pytest.raises(EugeneError, match="in two distances, at which seqgra stops"):
        chained().generate(compat="seqgra")
    first, again = (pair.generate(compat="seqgra") for _ in range(2))
    assert first.identical(again)


SHUFFLED = {
    0: ["AGCGACACGGTTACCGTTTGTACATACAATGG", "ACGTAGACCATTGGGTTACATTACGTGCAACG"],
    1: ["AGCGACACGGTTACCGTTTGTACATACAATGG", "ACGTAGACCATTGGGTTACATTACGTGCAACG"],
    7: ["ATGGGACCGTACGCACACGTTAATTGTTACAG", "ACAACCATTGGGTGCATTAGACGTACGTTACG"],
    123456: ["ACGGACGTGTGGCACGTATTTTATACCACAAG", "ACGTACATTGGGTTAGACCATTACGTGCAACG"],
}
"""What uShuffle 1.1.2 makes of one sequence with the generator of glibc: words of 2, then of 3."""


@pytest.mark.parametrize("seed", SHUFFLED)
def test_letters_are_shuffled_as_by_ushuffle(seed: int) -> None:
    shuffler = Shuffler(random.Random(0), seed)
    text = "ACGTTGCAACGTGGGTACCATTAGACATTACG"
    assert [shuffler.shuffled(text, k) for k in (2, 3)] == SHUFFLED[seed]
    assert shuffler.shuffled(text, 40) == text
    # what the original's letters do: Python's own shuffle
    alone = random.Random(0)
    listed = list(text)
    alone.shuffle(listed)
    assert shuffler.shuffled(text, 1) == "".join(listed)


def test_a_replay_shuffles_what_is_shuffled(pair: g.Grammar, tmp_path: Path) -> None:
    both = dataclasses.replace(pair, shuffles=(g.Shuffle("", 1), g.Shuffle("two", 2)))
    plain, ds = pair.generate(compat="seqgra"), both.generate(compat="seqgra")
    for split, n in enumerate((550, 40, 60)):
        part = ds.isel(_sequence=ds["split"].values == split)
        rows = [r.tobytes() for r in part["seq"].values]
        own = plain.isel(_sequence=plain["split"].values == split)
        assert rows[:n] == [r.tobytes() for r in own["seq"].values]
        assert len(rows) == 4 * n
        assert part["shuffled"].values.tolist() == [False] * n + [True] * 3 * n
        for i in range(2 * n):
            twice = rows[2 * n + i]
            pairs = [sorted(r[j : j + 2] for j in range(59)) for r in (rows[i], twice)]
            assert pairs[0] == pairs[1]
        assert part["two"].values[2 * n :].all()
    files = both.write_text(tmp_path, compat="seqgra")
    last = files[0].read_text().splitlines()[-1].split("\t")
    assert last == [ds["seq"].values[ds["split"].values == 0][-1].tobytes().decode(), "two"]


# -- as we draw


def test_rows_are_what_the_grammar_says(pair: g.Grammar) -> None:
    ds = pair.generate()
    seq, element, rule = (ds[name].values for name in ("seq", "element", "rule"))
    text = [row.tobytes().decode() for row in seq]
    assert [(ds["split"].values == i).sum() for i in range(3)] == [550, 40, 60]
    one = np.flatnonzero(ds["one"].values)
    gaps, first = [], []
    for i in one:
        starts = {e: int(np.flatnonzero(element[i] == e)[0]) for e in (1, 2)}
        assert text[i][starts[1] : starts[1] + 4] in ("GATA", "GACA")
        assert text[i][starts[2] : starts[2] + 6] in ("CACGTG", "CATATG")
        front, back = sorted(((starts[1], 4), (starts[2], 6)))
        gaps.append(back[0] - front[0] - front[1])
        first.append(starts[1] < starts[2])
        assert set(rule[i]) == {0, 1}
        assert (element[i] > 0).sum() == 10
    assert {*gaps} == {*range(2, 10)}
    assert stats.chisquare(np.bincount(gaps)[2:]).pvalue > 1e-3
    assert stats.binomtest(sum(first), len(first)).pvalue > 1e-3
    two = np.flatnonzero(ds["two"].values)
    got = np.array([{*rule[i]} - {0} == {2} for i in two])
    other = np.array([{*rule[i]} - {0} == {3} for i in two])
    assert stats.binomtest(int(got.sum()), len(two), 0.25).pvalue > 1e-3
    assert stats.binomtest(int(other.sum()), len(two), 0.5).pvalue > 1e-3
    assert {int(np.flatnonzero(element[i])[0]) for i in two[got]} == {10}
    assert {int(np.flatnonzero(element[i])[0]) for i in two[other]} == {27}
    neither = ds["label"].values == -1
    assert neither.sum() == 50
    assert not element[neither].any()
    # letters of the background: of all, and of condition two in the test set
    test = ds["split"].values == 2
    assert set(seq[test][element[test] == 0]) == {b"C", b"G"}
    shares = [(seq[~test][element[~test] == 0] == a).mean() for a in (b"A", b"C", b"G", b"T")]
    np.testing.assert_allclose(shares, [0.375, 0.125, 0.125, 0.375], atol=0.01)


def test_a_row_depends_on_seed_set_and_number_alone(
    pair: g.Grammar, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = pair.generate()
    monkeypatch.setattr(_generate, "_BLOCK", 7)
    assert ds.identical(pair.generate())
    more = dataclasses.replace(pair, sets=pair.sets | {"training": (g.Example(9, ("one",)),)})
    test = more.generate().isel(_sequence=slice(-60, None))
    assert test.identical(ds.isel(_sequence=slice(-60, None)))
    assert not (pair.generate(seed=4)["seq"].values == ds["seq"].values).all()


def test_lengths_vary_and_protein_has_its_letters() -> None:
    grammar = g.Grammar(
        "p",
        (g.Letters(tuple((a, 1.0) for a in "ACDEFGHIKLMNPQRSTVWY")),),
        {"training": (g.Example(300, ("a",)),), "validation": (), "test": ()},
        (g.Condition("a", (g.Rule(("w",), "end"),)),),
        (g.Element("w", kmers=(("WWPWW", 1.0),)),),
        20,
        30,
        space="protein",
    )
    ds = grammar.generate()
    lengths = ds["seq_length"].values
    assert stats.chisquare(np.bincount(lengths)[20:]).pvalue > 1e-3
    for row, length in zip(ds["seq"].values, lengths, strict=True):
        assert row.tobytes().rstrip(b"\0").endswith(b"WWPWW")
        assert len(row.tobytes().rstrip(b"\0")) == length


def chained(position: str | int = "random") -> g.Grammar:
    letters = g.Letters((("T", 1.0),))
    words = {"a": "AAA", "c": "CCCC", "g": "GGGGG"}
    elements = tuple(g.Element(name, kmers=((word, 1.0),)) for name, word in words.items())
    spacing = (g.Spacing("a", "c", 1, 6, "in-order"), g.Spacing("c", "g", 2, 5, "in-order"))
    rules = (g.Rule(("a", "c", "g"), position, spacing=spacing),)
    sets = {"training": (g.Example(800, ("x",)),), "validation": (), "test": ()}
    return g.Grammar("c", (letters,), sets, (g.Condition("x", rules),), elements, 22, 22)


@pytest.mark.parametrize("position", ["random", "start", "end", "center", 4])
def test_chains_of_distances_are_kept(position: str | int) -> None:
    ds = chained(position).generate()
    starts = [[r.tobytes().index(w) for w in (b"AAA", b"CCCC", b"GGGGG")] for r in ds["seq"].values]
    a, c, e = np.array(starts).T
    assert {*(c - a - 3)} <= {*range(1, 7)}
    assert {*(e - c - 4)} <= {*range(2, 6)}
    assert len({*(e - c)}) > 1
    assert len({*(c - a)}) > 1
    if position == "start":
        assert not a.any()
    elif position == 4:
        assert {*a} == {3}
    elif position == "end":
        assert {*(e + 5)} == {22}
    elif position == "center":
        assert (np.abs(a - (22 - (e + 5))) <= 1).all()
    else:
        assert len({*a}) > 3


def test_copies_are_shuffled_and_labelled(pair: g.Grammar) -> None:
    both = dataclasses.replace(pair, shuffles=(g.Shuffle(), g.Shuffle("two", 2)))
    ds, plain = both.generate(), pair.generate()
    assert ds.sizes["_sequence"] == 3 * plain.sizes["_sequence"]
    for split, n in enumerate((550, 40, 60)):
        part = ds.isel(_sequence=ds["split"].values == split)
        rows = [r.tobytes() for r in part["seq"].values]
        for i in range(n):
            assert sorted(rows[n + i]) == sorted(rows[i])
            pairs = [sorted(r[j : j + 2] for j in range(59)) for r in (rows[i], rows[2 * n + i])]
            assert pairs[0] == pairs[1]
        assert not part["annotation"].values[n:].any()
        assert part["two"].values[n : 2 * n].sum() == 0
        assert part["two"].values[2 * n :].all()


@pytest.mark.parametrize("combine", ["additive", "multiplicative"])
def test_values_follow_from_rules(pair: g.Grammar, combine: str) -> None:
    condition = g.Condition(
        "one", (g.Rule(("gata",), 1, 0.5, effect=2.0), g.Rule(("ebox",), "end", 0.5, effect=3.0))
    )
    base = 0.5 if combine == "additive" else 2.0
    grammar = dataclasses.replace(
        pair,
        task="regression",
        conditions=(condition,),
        sets={"training": (g.Example(4000, ("one",)),), "validation": (), "test": ()},
        background=pair.background[:1],
        response=g.Response(combine, base, 0.0),
    )
    ds = grammar.generate()
    there = [(ds["rule"].values == r).any(1) for r in (1, 2)]
    exact = base + 2 * there[0] + 3 * there[1]
    if combine == "multiplicative":
        exact = base * np.where(there[0], 2, 1) * np.where(there[1], 3, 1)
    np.testing.assert_allclose(ds["value"], exact)
    noisy = dataclasses.replace(grammar, response=g.Response(combine, base, 0.3)).generate()
    noise = noisy["value"].values - exact
    assert stats.kstest(noise / 0.3, "norm").pvalue > 1e-3
    with pytest.raises(ConfigError, match="has no regression"):
        grammar.to_xml()


# -- what is refused


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("length: 60", "length: [60, 50]", 7, "the smallest and the largest"),
        ("A: 3, C: 1, G: 1, T: 3", "A: 3, U: 1", 9, "'U' is no letter of DNA"),
        ("A: 3, C: 1, G: 1, T: 3", "A: -3, C: 1", 9, "expected a probability of 0 or more"),
        ("conditions: [one]}", "conditions: [on]}", 13, "no condition 'on'; did you mean 'one'"),
        ("conditions: [one]}", "conditions: [one, two]}", 13, "the task is multi-class"),
        ("samples: 300", "samples: some", 13, "expected a whole number"),
        ("elements: [gata, ebox]", "elements: [gatta, ebox]", 22, "no element 'gatta'"),
        (
            "between: [gata, ebox]",
            "between: [gata, box]",
            23,
            "'box' is not an element of the rule",
        ),
        ("distance: [2, 9]", "distance: [9, 2]", 23, "the smallest and the largest"),
        ("distance: [2, 9]", "distance: [51, 90]", 23, "take 61 letters and do not fit"),
        ("order: random", "order: any", 23, "expected one of random, in-order"),
        ("probability: 0.25", "probability: 0.75", 26, "add up to 1.25"),
        ("probability: 0.25", "probability: 0", 27, "above 0 and at most 1"),
        ("position: 11", "position: 0", 27, "or a number from 1"),
        ("position: 11", "position: 61", 27, "expected a position within them"),
        ("position: 11", "position: 58", 27, "does not fit from position 58"),
        ("mode: mutually exclusive", "mode: one of", 25, "expected one of sequential"),
        ("CATATG: 0.2", "CAT: 0.2", 36, "must have the same length"),
        ("CATATG: 0.2", "CATXTG: 0.2", 36, "'X' is no letter"),
        ("task: multi-class", "task: multiclass", 3, "did you mean 'multi-class'"),
        ("seed: 3", "sede: 3", 5, "did you mean 'seed'"),
    ],
)
def test_mistakes_in_yaml_are_told_with_their_line(
    old: str, new: str, line: int, message: str, tmp_path: Path
) -> None:
    assert TEXT.count(old) >= 1
    path = written(tmp_path, TEXT.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        g.from_definition(path)
    told = str(caught.value)
    assert message in told
    assert f"g.yaml:{line}: " in told


def test_mistakes_in_xml_are_told_all_at_once(pair: g.Grammar, tmp_path: Path) -> None:
    text = pair.to_xml()
    for old, new in (
        ('<conditionref cid="one"/>', '<conditionref id="one"/>'),
        ("<position>11</position>", "<position>11</position><color>red</color>"),
        ("<minlength>60</minlength>", "<minlength>sixty</minlength>"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        g.from_definition(written(tmp_path, text, "g.xml"))
    told = str(caught.value)
    for message in ("no attribute 'id'; did you mean 'cid'", "is unknown within <rule>", "'sixty'"):
        assert message in told
    lines = {p.where.rpartition(":")[2] for p in caught.value.problems}
    wanted = [i + 1 for i, line in enumerate(text.splitlines()) if "color" in line]
    assert str(wanted[0]) in lines


BOMB = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<seqgradata><general id="&b;"/></seqgradata>
"""
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><seqgradata>&e;</seqgradata>'


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_document_types_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="take the line with <!DOCTYPE out"):
        g.from_definition(written(tmp_path, text, "b.xml"))


def test_what_is_no_definition_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no XML: mismatched tag"):
        g.from_definition(written(tmp_path, "<seqgradata><a></seqgradata>", "a.xml"))
    with pytest.raises(ConfigError, match="expected <seqgradata>"):
        g.from_definition(written(tmp_path, "<svg/>", "a.xml"))
    with pytest.raises(EugeneError, match="does not exist"):
        g.from_definition(tmp_path / "none.xml")
    packed = tmp_path / "half.yaml.gz"
    packed.write_bytes(gzip.compress(TEXT.encode())[:90])
    with pytest.raises(ConfigError, match="is damaged"):
        g.from_definition(packed)
    (tmp_path / "latin.yaml").write_bytes(b"id: pair\nname: \xe9\n")
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 15\)"):
        g.from_definition(tmp_path / "latin.yaml")


def test_what_may_be_meant_is_said(pair: g.Grammar) -> None:
    odd = dataclasses.replace(
        pair,
        conditions=(*pair.conditions, g.Condition("idle", (g.Rule(("gata", "ebox"), "start"),))),
        elements=(*pair.elements, g.Element("free", kmers=(("A", 1.0),))),
    )
    said = " ".join(remarks(odd))
    assert "no row has the conditions idle" in said
    assert "no rule has the elements free" in said
    assert "to the same place (start)" in said


# -- from the shell and in a run

MIXED = "[{samples: 40, conditions: [two]}, {samples: 40}]"
MORE = "[{samples: 40}, {samples: 60"


def test_the_shell_draws_and_converts(
    tmp_path: Path, capsys: pytest.CaptureFixture, pair: g.Grammar
) -> None:
    path, out = str(written(tmp_path)), tmp_path / "data.zarr"
    assert main(["simulate", path, "--out", str(out), "--seed", "4"]) == 0
    assert "650 sequences of DNA (550 training, 40 validation, 60 test)" in capsys.readouterr().out
    assert sd.open_zarr(out)["seq"].equals(pair.generate(seed=4)["seq"])
    assert main(["simulate", path, "--out", str(out)]) == 2
    xml = tmp_path / "pair.xml"
    assert main(["simulate", path, "--convert", "--out", str(xml)]) == 0
    assert g.from_definition(xml) == pair
    assert main(["simulate", path, "--convert", "--out", str(xml)]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    folder = tmp_path / "text"
    assert main(["simulate", str(xml), "--text", "--out", str(folder), "--compat", "seqgra"]) == 0
    lines = (folder / "test.txt").read_text().splitlines()
    assert (lines[0], len(lines), lines[1][-4:]) == ("x\ty", 61, "\ttwo")
    assert main(["simulate", path]) == 2


def test_a_run_reads_a_definition(tmp_path: Path) -> None:
    text = TEXT.replace("[{samples: 40, conditions: [one]}]", MIXED).replace("[{samples: 60", MORE)
    tree = {
        "data": {
            "name": "grammar",
            "definition": str(written(tmp_path, text)),
            "target_vars": ["two"],
            "split": None,
        },
        "model": {"name": "cnn", "conv_kwargs": {"conv_channels": [4], "conv_kernels": [7]}},
        "module": {"task": "binary_classification"},
        "trainer": {"max_epochs": 1},
        "evaluate": {"n_bootstrap": 0},
    }
    folder = run(tree, run_dir=tmp_path / "run")
    assert sd.open_zarr(folder.predictions).sizes["_sequence"] == 730


def test_another_size_keeps_the_shares_of_conditions(pair: g.Grammar) -> None:
    found = pair.resized(2000)
    assert [
        [e.samples for e in found.sets[name]] for name in ("training", "validation", "test")
    ] == [
        [763, 509, 127],
        [200],
        [400],
    ]
    assert [found.sets[s][0].conditions for s in found.sets] == [("one",), ("one",), ("two",)]
    assert dataclasses.replace(found, sets=pair.sets) == pair
    with pytest.raises(EugeneError, match="expected 16 rows or more"):
        pair.resized(10)
    assert min(e.samples for examples in pair.resized(16).sets.values() for e in examples) == 1
