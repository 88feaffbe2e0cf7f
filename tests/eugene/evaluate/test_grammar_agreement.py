"""Networks against the grammar of their data: which rows, what is explained, what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import eugene as eu
import seqexplainer as se
import seqpro as sp
from eugene.errors import DataError, EugeneError

CLASSES = {"task": "multiclass_classification"}


class Counting(torch.nn.Module):
    """A network without parameters: logits are what single letters at single places weigh."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.from_numpy(weights).float())

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nal,kal->nk", X, self.weights)


def dataset(n: int = 40, length: int = 20, *, labels: int = 2) -> tuple[xr.Dataset, Counting]:
    """Return rows whose class is the place of a planted motif, and a network that knows it."""
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACT", "S1"), (n, length))
    y = np.arange(n) % labels
    placed = np.zeros((n, length), np.uint8)
    weights = np.zeros((labels, 4, length))
    for c in range(labels):
        span = slice(3 + 5 * c, 6 + 5 * c)
        letters[y == c, span] = b"G"
        placed[y == c, span] = 1
        weights[c, 2, span] = 1.0
    element = np.where(placed > 0, y[:, None] + 1, 0).astype(np.int16)
    codes = {"background": 0, **{f"e{c}": c + 1 for c in range(labels)}}
    at = ("_sequence", "_length")
    ds = xr.Dataset(
        {
            "seq": (at, letters),
            "annotation": (at, placed, {"codes": {"background": 0, "grammar": 1, "confounder": 2}}),
            "element": (at, element, {"codes": codes}),
            "label": ("_sequence", y, {"classes": [f"c{c + 1}" for c in range(labels)]}),
        }
    )
    return ds, Counting(weights)


def measured(net, ds, methods=("integrated_gradients",), **options):
    return eu.evaluate.grammar_agreement(net, ds, methods, rows=None, seed=0, **options)


def test_a_network_that_knows_the_places_finds_all_of_them() -> None:
    ds, net = dataset()
    found = measured(net, ds, ["integrated-gradients", "ism"], **CLASSES)
    assert found.chosen.labels == ("c1",) * 20 + ("c2",) * 20
    table = found.labels.set_index(["method", "kind", "label"])
    for kind in ("smooth", "thresholded"):
        for label in ("c1", "c2"):
            row = table.loc["integrated_gradients", kind, label]
            assert row[["precision", "recall", "specificity", "f1"]].tolist() == [1.0] * 4
            assert row["n"] == 20
    elements = found.elements.query("method == 'integrated_gradients'")
    assert elements["element"].tolist() == ["e0", "e1"]
    assert elements["n"].tolist() == [20, 20]
    assert elements["found"].tolist() == [1.0, 1.0]
    assert elements["importance"].tolist() == pytest.approx([1, 1])
    assert elements["background"].tolist() == pytest.approx([0, 0])
    figures = found.metrics(n_bootstrap=20)
    assert figures["integrated_gradients_smooth_precision"]["value"] == 1.0
    assert figures["grammar_fraction"]["value"] == pytest.approx(3 / 20)


def test_sufficient_subsets_are_spelt() -> None:
    ds, net = dataset(6, labels=3)
    found = measured(net, ds, ["sis"], sis_threshold=0.6, **CLASSES)
    row = found.chosen.rows[0]
    letters = ds["seq"].values[row]
    X = sp.ohe(letters[None], sp.DNA).swapaxes(1, 2)
    direct = se.sufficient_input_subsets(
        net, X, threshold=0.6, target=lambda out: out.softmax(1)[:, 0], mask=0.25
    ).subsets[0]
    spelt = [
        bytes(np.where(np.isin(np.arange(20), s.positions), letters, b"N")).decode() for s in direct
    ]
    example = found.examples.iloc[0]
    assert example["sis_separated"] == ";".join(spelt)
    assert {"G"} < set(example["sis_collapsed"]) <= {"A", "C", "G", "T", "N"}
    assert example["smooth_precision"] == example["thresholded_precision"]


def test_examples_are_sure_correct_and_drawn_by_number() -> None:
    ds, net = dataset(60, labels=3)
    ds["label"][:10] = (ds["label"][:10] + 1) % 3  # wrong now
    ds["label"][10:14] = -1
    whole = measured(net, ds, **CLASSES)
    assert set(whole.chosen.rows) == set(range(14, 60))
    assert (np.diff([int(label[1]) for label in whole.chosen.labels]) >= 0).all()
    # logits 3, 0, 0
    assert whole.chosen.probability == pytest.approx(np.e**3 / (np.e**3 + 2))
    assert len(measured(net, ds, predict_threshold=0.95, **CLASSES).chosen.rows) == 0
    some = measured(net, ds, n_per_label=4, n=2, **CLASSES)
    assert [some.chosen.labels.count(f"c{c}") for c in (1, 2, 3)] == [4, 4, 4]
    few = measured(net, ds, n=5, **CLASSES)
    fewer = ds.isel(_sequence=slice(0, 50))
    both = set(few.chosen.rows) & set(range(50))
    assert both <= set(measured(net, fewer, n=5, **CLASSES).chosen.rows)
    assert not np.array_equal(
        few.chosen.rows,
        eu.evaluate.grammar_agreement(net, ds, rows=None, seed=1, n=5, **CLASSES).chosen.rows,
    )
    every = measured(net, ds, predict_threshold=None, **CLASSES)
    assert len(every.chosen.rows) == 56
    aims = dict(zip(every.chosen.rows, every.chosen.aims, strict=True))
    assert aims[0].columns == (1,)
    guessed = measured(net, ds, predict_threshold=None, target="y-hat", **CLASSES)
    aims = dict(zip(guessed.chosen.rows, guessed.chosen.aims, strict=True))
    assert aims[0].columns == (0,)


def test_several_labels_are_explained_together() -> None:
    ds, net = dataset(12, labels=2)
    both = np.frombuffer(b"ACTGGGTCGGGA" + b"A" * 8, "S1")  # both motifs
    ds["seq"][0] = both
    ds["a"] = ("_sequence", np.r_[1, np.arange(1, 12) % 2 == 0].astype(np.int8))
    ds["b"] = ("_sequence", np.r_[1, np.arange(1, 12) % 2 == 1].astype(np.int8))
    ds["a"][3], ds["b"][3] = 0, 0
    net.weights.data *= 4
    shifted = torch.nn.Sequential(net, Minus(6.0))
    found = eu.evaluate.grammar_agreement(
        shifted, ds, ["gradient-x-input"], target_vars=["a", "b"], rows=None,
        task="multilabel_classification", seed=0,
    )  # fmt: skip
    assert set(found.chosen.labels) == {"a", "b", "a|b"}
    assert 3 not in found.chosen.rows  # it has no label
    at = found.chosen.labels.index("a|b")
    assert found.chosen.aims[at].columns == (0, 1)
    expected = np.zeros(20)
    expected[[3, 4, 5, 8, 9, 10]] = 1
    assert found.vectors["input_x_gradient"][at].tolist() == expected.tolist()


class Minus(torch.nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - self.value


def test_one_output_has_two_classes_and_values_have_none() -> None:
    ds, net = dataset()
    one = torch.nn.Sequential(net, torch.nn.Linear(2, 1, bias=False))
    one[1].weight.data = torch.tensor([[-1.0, 1.0]])
    found = measured(one, ds, ["input_x_gradient", "sis"], task="binary_classification")
    assert found.chosen.labels == ("label",) * 20 + ("not label",) * 20
    assert [aim.against for aim in found.chosen.aims] == [False] * 20 + [True] * 20
    table = found.labels.query("kind == 'smooth' and method == 'input_x_gradient'")
    assert table["precision"].tolist() == [1.0, 1.0]
    value = measured(one, ds, task="regression")
    assert value.chosen.labels == ("label",) * 40
    assert np.isnan(value.chosen.probability).all()
    with pytest.raises(EugeneError, match="keep a probability above a threshold"):
        measured(one, ds, ["sis"], task="regression")


def test_seqgra_s_faults_are_reached_and_reproduce_its_maps(golden_files: Path) -> None:
    golden = np.load(golden_files / "fie_maps.npz")
    net = torch.nn.Sequential(
        torch.nn.Conv1d(4, 6, 5, padding=2), torch.nn.ReLU(), torch.nn.AdaptiveMaxPool1d(4),
        torch.nn.Flatten(), torch.nn.Linear(24, 3),
    )  # fmt: skip
    names = ("w_conv_weight", "w_conv_bias", "w_f_weight", "w_f_bias")
    for parameter, name in zip(net.parameters(), names, strict=True):
        parameter.data = torch.from_numpy(golden[name])
    at = ("_sequence", "_length")
    letters = golden["x"].astype("S30").view("S1").reshape(6, 30)
    y = np.array([int(label[1]) - 1 for label in golden["y"]])
    ds = xr.Dataset({"seq": (at, letters), "label": ("_sequence", y)})
    ds["annotation"] = (at, np.zeros((6, 30), np.uint8))
    keys = ("gradient", "saliency", "gradient_x_input", "integrated_gradients", "deep_lift")
    keys = (*keys, "guided_backprop", "deconv")
    methods = [key.replace("_", "-") for key in keys]
    options = {"rows": None, "predict_threshold": None, "seed": 0, **CLASSES}
    theirs = eu.evaluate.grammar_agreement(net, ds, methods, compat="seqgra", **options)
    ours = eu.evaluate.grammar_agreement(net, ds, methods, **options)
    order = theirs.chosen.rows
    X = sp.ohe(letters, sp.DNA).swapaxes(1, 2).astype(np.float32)
    own = np.stack([golden[f"grad_class{c}"][i] for i, c in enumerate(y)]).swapaxes(1, 2)
    for name, key in zip(theirs.vectors, keys, strict=True):
        whole = golden[f"fi_{key}"].swapaxes(1, 2)
        np.testing.assert_allclose(theirs.maps[name], whole[order], atol=1e-6)
        expected = se.metrics.position_vectors(whole)[order]
        np.testing.assert_allclose(theirs.vectors[name], expected, atol=1e-6)
        if key in ("gradient", "saliency", "gradient_x_input"):
            maps = {"gradient": own, "saliency": np.abs(own), "gradient_x_input": own * X}[key]
            np.testing.assert_allclose(ours.maps[name], maps[order], atol=1e-6)
        assert np.abs(ours.vectors[name] - theirs.vectors[name]).max() > 0.1, name
    with pytest.raises(EugeneError, match="not 'smoothgrad', which failed there"):
        eu.evaluate.grammar_agreement(net, ds, ["smooth-grad"], compat="seqgra", **options)


def test_an_output_that_is_always_high_has_an_empty_subset() -> None:
    ds, net = dataset(4)
    sure = torch.nn.Sequential(net, torch.nn.Linear(2, 2))
    sure[1].weight.data[:] = 0
    sure[1].bias.data = torch.tensor([5.0, 0.0])
    one = ds.isel(_sequence=[0])
    ours = measured(sure, one, ["sis"], **CLASSES).examples.iloc[0]
    theirs = measured(sure, one, ["sis"], compat="seqgra", **CLASSES).examples.iloc[0]
    assert ours["sis_collapsed"] == "N" * 20
    assert theirs["sis_collapsed"] == ds["seq"].values[0].tobytes().decode()
    assert ours["sis_separated"] == theirs["sis_separated"] == ""


def test_annotations_of_every_kind_and_length_say_the_same() -> None:
    ds, net = dataset(8)
    plain = measured(net, ds, **CLASSES)
    letters = np.where(ds["annotation"].values == 1, b"G", b"_").astype("S1")
    letters[:, 15:17] = b"C"
    for given in (letters, letters.astype("U1"), ds["annotation"].values == 1):
        other = ds.assign(annotation=(("_sequence", "_length"), given))
        found = measured(net, other, **CLASSES)
        columns = ["smooth_precision", "smooth_recall", "thresholded_f1"]
        assert found.examples[columns].equals(plain.examples[columns])
        confounder = found.positions.annotation == 2
        assert confounder.sum() == (16 if given.dtype.kind in "SU" else 0)
    # a confounder that is an element, too, is no element to be found
    own = ds["annotation"].values.copy()
    own[0, 3:6] = 2
    marked = ds.assign(annotation=(("_sequence", "_length"), own))
    assert measured(net, marked, **CLASSES).elements["n"].sum() == 7
    # short rows are padded, and what is behind their end is no background
    short = ds.assign(seq_length=("_sequence", np.full(8, 12)))
    letters = ds["seq"].values.copy()
    letters[:, 12:] = b""
    short["seq"] = (("_sequence", "_length"), letters)
    found = measured(net, short, **CLASSES)
    assert found.examples["grammar_fraction"].tolist() == pytest.approx([3 / 12] * 8)
    for bad, message in (
        (ds.drop_vars("annotation"), "no variable 'annotation'"),
        (ds.assign(annotation=("_sequence", np.zeros(8))), "expected"),
        (ds.assign(annotation=ds["annotation"] * 7), "the annotation holds"),
        (ds.assign(label=ds["label"] + 7), "a row is of class 8"),
    ):
        with pytest.raises(DataError, match=message):
            measured(net, bad, **CLASSES)


def test_no_example_is_said_and_is_no_error() -> None:
    ds, net = dataset(10)
    found = measured(net, ds, ["saliency", "sis"], predict_threshold=0.999, **CLASSES)
    assert found.why.startswith("of 10 rows none has a label")
    assert len(found.examples) == len(found.labels) == len(found.elements) == 0
    figures = found.metrics()
    assert figures["saliency_smooth_precision"] == {"value": None, "why": found.why}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["nothing"], **CLASSES}, "nothing"),
        ({"methods": "saliency", **CLASSES}, "must be a list"),
        ({"target": "x", **CLASSES}, "'y' or 'y-hat'"),
        ({"compat": "other", **CLASSES}, "compat"),
        ({}, "give task="),
        ({"target_vars": ["label", "label"], **CLASSES}, "one variable"),
        ({"target_vars": ["label"], "task": "multilabel_classification"}, "has 2 outputs"),
    ],
)
def test_what_cannot_be_is_refused(options, message) -> None:
    ds, net = dataset(4)
    with pytest.raises((EugeneError, KeyError), match=message):
        measured(net, ds, **options)


def test_methods_that_do_not_fit_the_network_can_be_left_out() -> None:
    ds, net = dataset(6)
    methods = ["grad-cam", "guided-backprop", "gradient"]
    with pytest.raises(se.errors.GraphError, match="no one-dimensional convolution"):
        measured(net, ds, methods, **CLASSES)
    found = measured(net, ds, methods, skip=True, **CLASSES)
    assert list(found.vectors) == ["gradient"]
    assert "convolution" in found.left_out["grad_cam"]
    assert "ReLU" in found.left_out["guided_backprop"]
    none = measured(net, ds, methods[:2], skip=True, **CLASSES)
    assert not none.vectors
    assert len(none.examples) == len(none.labels) == 0
