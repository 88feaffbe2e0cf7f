"""Model definitions: read, written, refused, and turned into sections of a run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch

import eugene as eu
from eugene.errors import ConfigError, MissingFileError
from eugene.models import build
from eugene.models.definition import Architecture, External, LabelPattern, Operation
from eugene.runs import run
from eugene.simulate import grammar as g

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
DEFINITIONS = sorted((SHARED / "data/seqgra_definitions/model").glob("*.xml"))
needs_shared = pytest.mark.skipif(not DEFINITIONS, reason="needs ../shared")
# of 2 outputs at 1,000 bp, as the modules of seqgra were built and counted
COUNTS = {"deepsea": 51993977, "basset": 5568902, "chromdragonn": 8226098, "danq": 48542617}

KERAS = """<?xml version="1.0"?>
<seqgramodel>
  <general id="tf-small">
    <name>small</name>
    <description/>
    <task>multi-class classification</task>
    <sequencespace>DNA</sequencespace>
    <library>TensorFlow</library>
    <labels><pattern prefix="c" postfix="" min="1" max="3"/></labels>
    <seed>7</seed>
  </general>
  <architecture>
    <sequential>
      <operation input_shape="(30, 4)" kernel_size="5" filters="6"
                 activation="relu">Conv1D</operation>
      <operation>Flatten</operation>
      <operation units="3" activation="softmax">Dense</operation>
    </sequential>
  </architecture>
  <loss><hyperparameter name="loss">categorical_crossentropy</hyperparameter></loss>
  <optimizer>
    <hyperparameter name="optimizer">Adam</hyperparameter>
    <hyperparameter name="learning_rate">1e-4</hyperparameter>
    <hyperparameter name="clipnorm">0.5</hyperparameter>
  </optimizer>
  <trainingprocess>
    <hyperparameter name="batch_size">16</hyperparameter>
    <hyperparameter name="epochs">5</hyperparameter>
    <hyperparameter name="early_stopping">False</hyperparameter>
    <hyperparameter name="shuffle">True</hyperparameter>
  </trainingprocess>
</seqgramodel>
"""


def written(folder: Path, text: str, name: str = "m.xml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def problems(folder: Path, text: str, name: str = "m.xml", *, sections: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        found = eu.models.from_definition(written(folder, text, name))
        assert sections
        found.sections()
    return str(caught.value)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# -- reading and writing


def test_keras_becomes_sections_and_says_what_differs(tmp_path: Path) -> None:
    found = eu.models.from_definition(written(tmp_path, KERAS))
    assert found.labels == LabelPattern(3, 1, "c")
    assert found.architecture.operations[0] == Operation(
        "conv1d",
        (("input_shape", (30, 4)), ("kernel_size", 5), ("filters", 6), ("activation", "relu")),
    )
    assert found.sections() == {
        "seed": 7,
        "data": {"target_vars": ["label"], "batch_size": 16},
        "model": {
            "name": "operations",
            "operations": [
                {"name": "conv1d", "input_shape": [30, 4], "kernel_size": 5, "filters": 6,
                 "activation": "relu"},
                {"name": "flatten"},
                {"name": "dense", "units": 3},
            ],
            "library": "keras",
            "output_dim": 3,
        },
        "module": {
            "name": "sequence",
            "task": "multiclass_classification",
            "optimizer": "adam",
            "optimizer_lr": 0.0001,
            "optimizer_kwargs": {"eps": 1e-7, "betas": [0.9, 0.999]},
        },
        "trainer": {
            "max_epochs": 5, "patience": None, "monitor": "val_loss", "gradient_clip_val": 0.5,
        },
    }  # fmt: skip
    said = " ".join(found.remarks())
    assert "the softmax of the last layer is left out" in said
    assert "norm of all of them together" in said
    # probabilities once, not twice: the module has the softmax
    section = found.sections()["model"]
    module = eu.models.SequenceModule(
        build(**section, input_len=30, seed=0), task="multiclass_classification"
    )
    logits = module.eval()(torch.eye(4)[torch.arange(60).reshape(2, 30) % 4].transpose(1, 2))
    assert not torch.allclose(logits.sum(1), torch.ones(2))
    torch.testing.assert_close(module.task.predict(logits), logits.softmax(1))


def test_forms_turn_into_each_other(tmp_path: Path) -> None:
    found = eu.models.from_definition(written(tmp_path, KERAS))
    for name, text in (("again.xml", found.to_xml()), ("again.yaml", found.to_yaml())):
        assert eu.models.from_definition(written(tmp_path, text, name)) == found
    packed = tmp_path / "m.xml.gz"
    packed.write_bytes(gzip.compress(KERAS.encode()))
    assert eu.models.from_definition(packed) == found


@needs_shared
@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda p: p.stem)
def test_published_definitions_turn_into_networks_and_back(path: Path, tmp_path: Path) -> None:
    found = eu.models.from_definition(path)
    for name, text in (("a.yaml", found.to_yaml()), ("a.xml", found.to_xml())):
        assert eu.models.from_definition(written(tmp_path, text, name)) == found
    model = found.sections()["model"]
    if model["name"] == "bayes_optimal":
        assert model["labels"] == list(found.label_names)
        return
    length = {"dna1000": 1000, "dna150": 150, "protein100": 100}[found.id.split("-")[2]]
    letters = 20 if found.space == "protein" else 4
    with torch.device("meta"):
        network = build(**{**model, "input_len": length, "input_channels": letters})
        shape = network.eval()(torch.zeros(2, letters, length, device="meta")).shape
    assert shape == (2, len(found.label_names))


@pytest.mark.parametrize("net", COUNTS)
def test_published_nets_are_as_large_as_those_of_seqgra(net: str) -> None:
    external = External("pytorch-module", f"PyTorch/o2-dna1000-{net}.py", "TorchModel")
    definition = eu.models.ModelDefinition(net, ("c1", "c2"), Architecture(external=external))
    with torch.device("meta"):
        assert parameters(build(**definition.sections()["model"])) == COUNTS[net]
    golden = SHARED / "golden/seqgra/param_counts_o2_dna1000.json"
    if golden.is_file():
        assert json.loads(golden.read_text()) == COUNTS


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("conv10w-gmp-fc5", 10 * 85 + 55 + 12),
        ("conv1xxw-gmp", 81 * 4 + 1 + 4),
        ("conv10w-bn10-fc5-bn5", 850 + 20 + 10_000 * 5 + 5 + 10 + 12),
        ("conv10-do03-conv10-fc5-do03", 450 + 1110 + 10_000 * 5 + 5 + 12),
        ("fc10", 40_010 + 22),
        ("deepsea-legacy", 10_560 + 1_229_280 + 3_687_360 + 15 * 960 * 925 + 925 + 1852),
    ],
)
def test_names_of_modules_say_their_layers(words: str, count: int) -> None:
    external = External("pytorch-module", f"o2-dna1000-{words}.py", "TorchModel")
    definition = eu.models.ModelDefinition("m", ("c1", "c2"), Architecture(external=external))
    section = {"input_len": 1000, **definition.sections()["model"]}
    with torch.device("meta"):
        assert parameters(build(**section)) == count


def test_multi_label_in_yaml_with_names_of_torch(tmp_path: Path) -> None:
    text = """
id: mine
task: multi-label
space: protein
labels: [kinase, zinc]
seed: 2
architecture:
  operations:
    - {name: Conv1d, in_channels: 20, out_channels: 8, kernel_size: 7, padding: 3}
    - {name: ReLU}
    - {name: AdaptiveMaxPool1d, output_size: 1}
    - {name: Linear, out_features: 2}
    - {name: Sigmoid}
loss: BCELoss
optimizer: {optimizer: RMSprop}
training: {batch_size: 8, epochs: 3, early_stopping_patience: 4}
"""
    found = eu.models.from_definition(written(tmp_path, text, "m.yaml"))
    sections = found.sections()
    assert sections["module"] == {
        "name": "sequence", "task": "multilabel_classification", "optimizer": "rmsprop",
        "optimizer_lr": 0.01,
    }  # fmt: skip
    assert sections["data"] == {"target_vars": ["kinase", "zinc"], "batch_size": 8}
    assert sections["trainer"] == {"max_epochs": 3, "patience": 4, "monitor": "val_loss"}
    assert [one["name"] for one in sections["model"]["operations"]] == [
        "conv1d", "activation", "globalmaxpool1d", "dense",
    ]  # fmt: skip
    assert "the sigmoid is part of the loss" in " ".join(found.remarks())
    network = build(**sections["model"], input_len=40, input_channels=20)
    assert network(torch.rand(3, 20, 40)).shape == (3, 2)
    for name, again in (("again.xml", found.to_xml()), ("again.yaml", found.to_yaml())):
        assert eu.models.from_definition(written(tmp_path, again, name)) == found


def test_regression_is_ours_alone(tmp_path: Path) -> None:
    text = KERAS.replace(">multi-class classification<", ">regression<")
    text = text.replace("categorical_crossentropy", "huber").replace("softmax", "linear")
    found = eu.models.from_definition(written(tmp_path, text.replace('max="3"', 'max="1"')
                                              .replace('units="3"', 'units="1"')))  # fmt: skip
    assert found.sections()["module"]["loss_fxn"] == "huber"
    assert found.sections()["data"]["target_vars"] == ["value"]
    with pytest.raises(ConfigError, match="seqgra's XML has no regression"):
        found.to_xml()


# -- what is wrong


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        KERAS.replace('filters="6"', 'filter="6"')
        .replace('units="3" activation="softmax">Dense', 'units="three">Dense')
        .replace(">Flatten<", ">Flaten<")
        .replace("categorical_crossentropy", "cross")
        .replace(">Adam<", ">Adamm<")
        .replace('name="epochs"', 'name="epoch"')
        .replace("<description/>", "<description/><colour/>")
        .replace("<seed>", "stray <seed>")
    )
    said = problems(tmp_path, text)
    for line, what in (
        (3, "<general>: has words beside its elements: 'stray'"),
        (5, "<colour>: is unknown within <general>"),
        (14, "conv1d has no argument 'filter'; did you mean 'filters'?"),
        (14, "conv1d needs 'filters'"),
        (16, "there is no operation 'flaten'; did you mean 'flatten'?"),
        (17, "of dense is 'three', expected a whole number of 1 or more"),
        (20, "there is no loss 'cross'"),
        (22, "there is no optimizer 'Adamm'; did you mean 'adam'?"),
        (28, "$.training.epoch: is unknown; did you mean 'epochs'?"),
    ):
        assert any(f"m.xml:{line}:" in row and what in row for row in said.splitlines()), what


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("categorical_crossentropy", "hinge", "hinge is not here: say binary_crossentropy"),
        ("categorical_crossentropy", "mse", "mse is of regression, and the task is multi-class"),
        (">Adam<", ">Ftrl<", "Ftrl is Keras' alone: say Adam or SGD"),
        (">Adam<", ">LBFGS<", "LBFGS computes the loss several times a step"),
        ('"clipnorm"', '"clipvalue"', "clipvalue cuts each number"),
        ('kernel_size="5"', 'kernel_size="5" kernel_initializer="he_normal"', "model: {init: ...}"),
        ('kernel_size="5"', 'kernel_size="5" weights_file="w.npy"', "model: {weights: FILE}"),
        ('units="3"', 'units="4"', "gives 4 outputs, and there are 3 labels"),
        ("1e-4", "fast", "$.optimizer.learning_rate: is 'fast', expected a number"),
    ],
)
def test_what_cannot_be_had_is_told_with_what_can(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    said = problems(tmp_path, KERAS.replace(old, new), sections=True)
    assert expected in said
    assert "m.xml:" in said


def test_external_networks_are_never_run(tmp_path: Path) -> None:
    code = written(tmp_path, "raise SystemExit", "mine.py")
    text = KERAS.replace("TensorFlow", "PyTorch")
    start, end = text.index("<sequential>"), text.index("</sequential>") + len("</sequential>")

    def other(given: str, words: str) -> str:
        return f"{text[:start]}<external {given}>{words}</external>{text[end:]}"

    module = other('format="pytorch-module" classname="Net"', str(code))
    said = problems(tmp_path, module.replace("categorical_crossentropy", "CrossEntropyLoss"),
                    sections=True)  # fmt: skip
    assert "m.xml:13: $.architecture.external.path" in said
    assert "no file that a definition names is run here" in said
    keras = other('format="keras-h5-whole-model"', "net.h5").replace("PyTorch", "TensorFlow")
    assert "needs Keras, which is not here" in problems(tmp_path, keras, sections=True)
    wrong = other('format="data-definition"', "grammar.xml")
    assert "is of the library BayesOptimalClassifier" in problems(tmp_path, wrong)
    many = other('format="pytorch-module"', "o2-dna1000-basset.py")
    assert "gives 2 outputs, and there are 3 labels" in problems(
        tmp_path, many.replace("categorical_crossentropy", "CrossEntropyLoss"), sections=True
    )


def test_what_is_no_model_definition_is_told(tmp_path: Path) -> None:
    assert "expected <seqgramodel>" in problems(tmp_path, "<seqgradata/>")
    assert "has a document type (a)" in problems(
        tmp_path, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
    )
    assert "expected either 'operations' or 'external'" in problems(
        tmp_path, "id: a\nlabels: [x]\narchitecture: {}\n", "m.yaml"
    )
    with pytest.raises(MissingFileError, match=r"the model definition .*nowhere.xml does not"):
        eu.models.from_definition(tmp_path / "nowhere.xml")


def rows(space: str, letters: str, length: int) -> g.Grammar:
    """Return a grammar of three classes, each with a word of its own."""
    words = {name: letters[i] * 6 for i, name in enumerate(("c1", "c2", "c3"))}
    counts = {"training": 40, "validation": 10, "test": 20}
    return g.Grammar(
        "three",
        (g.Letters(tuple((a, 1.0) for a in letters)),),
        {k: tuple(g.Example(n, (c,)) for c in words) for k, n in counts.items()},
        tuple(g.Condition(c, (g.Rule((c,)),)) for c in words),
        tuple(g.Element(c, kmers=((word, 1.0),)) for c, word in words.items()),
        length,
        length,
        space=space,
    )


def test_protein_has_twenty_letters_in_data_and_network() -> None:
    found = rows("protein", "ACDEFGHIKLMNPQRSTVWY", 30)
    data = eu.data.SequenceDataModule(found.generate(), target_vars=["label"])
    assert data.alphabet == found.alphabet
    layers = (
        Operation("flatten", (("input_shape", (30, 20)),)),
        Operation("dense", (("units", 3),)),
    )
    definition = eu.models.ModelDefinition(
        "p", ("c1", "c2", "c3"), Architecture(layers), "TensorFlow", space="protein"
    )
    network = build(
        **definition.sections()["model"],
        input_len=data.input_len,
        input_channels=len(data.alphabet),
    )
    assert parameters(network) == 600 * 3 + 3


@pytest.mark.slow
def test_a_definition_is_trained(tmp_path: Path) -> None:
    path = written(tmp_path, rows("DNA", "ACGT", 30).to_yaml(), "three.yaml")
    text = KERAS.replace(">Flatten<", ">GlobalMaxPool1D<").replace("1e-4", "0.02")
    sections = eu.models.from_definition(written(tmp_path, text.replace(">5<", ">20<"))).sections()
    data = {"name": "grammar", "definition": str(path), "split": None, **sections["data"]}
    folder = run({**sections, "data": data, "evaluate": {"n_bootstrap": 0}}, run_dir=tmp_path / "r")
    assert folder.read_json("evaluation.json")["metrics"]["auroc"]["value"] > 0.9
    module = eu.load(folder.path)
    assert module.arch.config["operations"] == sections["model"]["operations"]
