"""All mistakes at once, each with its place; and nothing a file names is imported."""

from __future__ import annotations

import copy
import subprocess
import sys
import textwrap

import pytest

from eugene.config import RunConfig, dump_yaml, find_problems, load_run_config, parse_text
from eugene.config._layout import blocks
from eugene.config.schema import interpret_steps
from eugene.errors import ConfigError

GOOD = {
    "name": "good",
    "seed": 1,
    "data": {
        "name": "simulated",
        "n": 100,
        "target_vars": ["label"],
        "split": {"name": "random", "fractions": [0.8, 0.1, 0.1]},
        "targets": [{"name": "zscore"}],
    },
    "model": {"name": "cnn", "conv_kwargs": {"conv_channels": [8], "conv_kernels": [11]}},
    "module": {"name": "sequence", "task": "binary_classification"},
    "trainer": {"max_epochs": 2},
    "baselines": [{"name": "kmer_logistic", "k": 3}],
    "interpret": {"attribute": {"methods": ["saliency"]}, "filters": {}},
}


def changed(**values):
    tree = copy.deepcopy(GOOD)
    for dotted, value in values.items():
        *keys, last = dotted.split("__")
        current = tree
        for key in keys:
            current = current[int(key)] if key.isdigit() else current.setdefault(key, {})
        current[last] = value
    return tree


def problems(tree, **options):
    return find_problems(parse_text(dump_yaml(tree), "run.yaml"), **options)


def test_a_good_file_has_no_problem_and_its_defaults_are_filled_in():
    assert problems(GOOD) == []
    tree = load_run_config(GOOD).tree
    assert tree["trainer"] == {
        **tree["trainer"],
        "max_epochs": 2,
        "patience": 5,
        "precision": "32-true",
    }
    assert tree["data"]["length"] == 200
    assert tree["interpret"]["attribute"]["n_references"] == 20
    assert tree["baselines"][0]["k"] == 3
    assert "input_len" not in tree["model"]
    assert "run_dir" not in tree


def test_what_is_resolved_resolves_to_itself():
    once = load_run_config(GOOD).tree
    assert load_run_config(once).tree == once


def test_three_mistakes_are_reported_at_once_with_file_line_and_path(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(
        textwrap.dedent(
            """\
            name: bad
            data:
              name: simulatd
              target_vars: [label]
            model:
              name: cnn
              conv_kwargs:
                conv_channels: [8]
                conv_kernels: [11, wide]
            trainer:
              max_epoch: 3
            """
        )
    )
    with pytest.raises(ConfigError, match="3 problems in the configuration") as caught:
        load_run_config(file)
    assert [(p.where, p.path) for p in caught.value.problems] == [
        (f"{file}:3", "$.data.name"),
        (f"{file}:9", "$.model.conv_kwargs.conv_kernels[1]"),
        (f"{file}:11", "$.trainer.max_epoch"),
    ]
    text = str(caught.value)
    assert "did you mean 'simulated'" in text
    assert "'wide'" in text
    assert "did you mean 'max_epochs'" in text


@pytest.mark.parametrize(
    ("values", "path", "match"),
    [
        ({"seed": "x"}, "$.seed", "expected int, got 'x'"),
        ({"sed": 1}, "$.sed", "did you mean 'seed'"),
        ({"data__n": "many"}, "$.data.n", "expected int, got 'many'"),
        ({"data__legnth": 100}, "$.data.legnth", "did you mean 'length'"),
        ({"data__split": {"name": "randm"}}, "$.data.split.name", "did you mean 'random'"),
        ({"data__split": {"fractions": [1]}}, "$.data.split", "needs a 'name'"),
        ({"data__targets": [{"name": "zscor"}]}, "$.data.targets[0].name", "'zscore'"),
        ({"data__out": "x.zarr"}, "$.data.out", "set by the program"),
        ({"model__name": "hybrd"}, "$.model.name", "'hybrd'; did you mean 'hybrid'"),
        ({"model__name": 3}, "$.model.name", "expected the name of a model, got 3"),
        ({"model__strands": 1}, "$.model.strands", "model 'cnn': expected str, got 1"),
        ({"model__init": {"name": "motifs"}}, "$.model.init", "needs 'motif_files'"),
        ({"model": None}, "$", "needs 'model'"),
        ({"model": 5}, "$.model", "expected a mapping, got 5"),
        ({"model": "cnnn"}, "$.model.name", "did you mean 'cnn'"),
        ({"data__split": "rndom"}, "$.data.split.name", "did you mean 'random'"),
        ({"data__targets": ["zscor"]}, "$.data.targets[0].name", "did you mean 'zscore'"),
        ({"module__task": "regression"}, "$.baselines[0]", "use kmer_ridge"),
        ({"module__task": "multiclass_classification"}, "$.baselines[0]", "leave it out"),
        ({"module__task": "regresion"}, "$.module.task", "did you mean 'regression'"),
        ({"module__optimizer": "adamm"}, "$.module.optimizer", "did you mean 'adam'"),
        ({"module__loss_fxn": "msee"}, "$.module.loss_fxn", "did you mean 'mse'"),
        ({"module__arch": "x"}, "$.module.arch", "set by the program"),
        ({"trainer__patience": 1.5}, "$.trainer.patience", "expected int or null, got 1.5"),
        ({"trainer__max_epochs": -5}, "$.trainer.max_epochs", "is -5, expected 1 or more"),
        ({"trainer__patience": -1}, "$.trainer.patience", "is -1, expected 0 or more"),
        ({"data__batch_size": 0}, "$.data.batch_size", "is 0, expected 1 or more"),
        ({"interpret__attribute__top": -3}, "$.interpret.attribute.top", "expected 1 or more"),
        ({"interpret__evolve": {"rounds": 0}}, "$.interpret.evolve.rounds", "expected 1 or more"),
        ({"interpret__evolve": {"constraints": {"protectd": []}}},
         "$.interpret.evolve.constraints.protectd", "did you mean 'protected'"),
        ({"interpret__evolve": {"constraints": {"forbidden": "GAATTC"}}},
         "$.interpret.evolve.constraints.forbidden", r"expected Sequence\[str\], got 'GAATTC'"),
        ({"interpret__evolve": {"constraints": {"gc": 0.5}}},
         "$.interpret.evolve.constraints.gc", "got 0.5"),
        ({"trainer__accelerator": "gpuu"}, "$.trainer.accelerator", "did you mean 'gpu'"),
        ({"trainer__precision": "bf16-mix"}, "$.trainer.precision", "did you mean 'bf16-mixed'"),
        ({"baselines__0__k": "six"}, "$.baselines[0].k", "got 'six'"),
        ({"baselines": 6}, "$.baselines", r"expected list\[dict"),
        ({"interpret__attribute__methods": ["saliency", "deeplft"]},
         "$.interpret.attribute.methods[1]", "no attribution method is called 'deeplft'"),
        ({"interpret__attribute__references": "zeros"},
         "$.interpret.attribute.references", "did you mean 'zero'"),
        ({"interpret__filters__method": "topn"}, "$.interpret.filters.method", "'top_n'"),
        ({"interpret__filter": {}}, "$.interpret.filter", "did you mean 'filters'"),
        ({"replicates": {"seeds": [0, "a"]}}, "$.replicates.seeds[1]", "expected int"),
        ({"replicates": {"arms": {"wide": {"trainer.max_epochs": "x"}}}},
         "$.replicates.arms.wide: $.trainer.max_epochs", "expected int"),
        ({"replicates": {"arms": {"wide": {"seed.deep": 1}}}},
         "$.replicates.arms.wide: $.seed", "inside the value 1"),
        ({"replicates": {"arms": {"wide": [1]}}}, "$.replicates.arms.wide", "dotted keys"),
    ],
)  # fmt: skip
def test_each_mistake_names_its_place_and_what_was_meant(values, path, match):
    found = problems(changed(**values))
    assert [p.path for p in found] == [path]
    with pytest.raises(ConfigError, match=match):
        load_run_config(changed(**values))


def test_keys_bounds_and_texts_are_those_of_the_signature():
    from eugene.config import schema
    from eugene.config.marks import Least

    data = {p.name: p for p in schema.parameters("data")}
    trainer = {p.name: p for p in schema.parameters("trainer")}
    assert data["length"].mark(Least) == trainer["max_epochs"].mark(Least) == Least(1)
    assert data["length"].annotation == "int | None"
    assert {"ds", "seed", "module", "datamodule"}.isdisjoint({*data, *trainer})
    dotted = (
        "data",
        "trainer",
        "evaluate",
        "replicates",
        *(f"interpret.{s}" for s in interpret_steps()),
    )
    for name in dotted:
        for key in schema.parameters(name):
            assert key.description, (name, key.name)
            assert key.annotation, (name, key.name)
            assert not key.required


def test_constraints_as_yaml_holds_them_are_right():
    limits = {"gc": [0.3, 0.6], "protected": [[0, 5], [9, 12]], "forbidden": ["GAATTC"]}
    assert not problems(changed(interpret__evolve={"constraints": {**limits, "max_edits": 3}}))


def test_a_word_may_stand_for_a_mapping_with_that_name():
    short = changed(
        data__split="random",
        data__targets=["zscore"],
        data__target_vars="label",
        model="cnn",
        module={"task": "binary_classification"},
        baselines=["kmer_logistic"],
    )
    tree = load_run_config(short).tree
    long = changed(
        data__split={"name": "random"},
        model={"name": "cnn"},
        baselines=[{"name": "kmer_logistic"}],
    )
    assert tree == load_run_config(long).tree
    overrides = (("data.split.fractions", "[0.5, 0.2, 0.3]"), ("data.targets", "zscore"))
    tree = load_run_config(short, overrides=overrides).tree
    assert tree["data"]["split"]["fractions"] == [0.5, 0.2, 0.3]
    assert tree["data"]["targets"][0]["name"] == "zscore"


def test_duplicate_keys_are_reported_with_the_rest():
    text = dump_yaml(changed(seed="x")) + "seed: 2\n"
    found = find_problems(parse_text(text, "run.yaml"))
    assert [p.message.split(";")[0] for p in found] == [
        "the key 'seed' is given twice",
        "expected int, got 'x'",
    ]


def test_overrides_know_where_they_come_from_and_keep_text_as_text():
    config = load_run_config(
        GOOD,
        overrides=[
            ("name", "2024"),
            ("trainer.max_epochs", "7"),
            ("data.target_vars+", "gap"),
            ("model.conv_kwargs.conv_channels", "[4]"),
        ],
    )
    assert config.name == "2024"
    assert config.tree["trainer"]["max_epochs"] == 7
    assert config.tree["data"]["target_vars"] == ["label", "gap"]
    assert config.tree["model"]["conv_kwargs"]["conv_channels"] == [4]
    with pytest.raises(ConfigError, match=r"command line: \$\.trainer\.max_epochs: expected int"):
        load_run_config(GOOD, overrides=[("trainer.max_epochs", "many")])
    with pytest.raises(ConfigError, match=r"command line: \$\.trainer\.max_epoch: "):
        load_run_config(GOOD, overrides=[("trainer.max_epoch", "5")])


@pytest.mark.parametrize(
    ("typed", "given"), [("[act]", ["act"]), ("act", "act"), ("7", "7"), ("[a, b]", ["a", "b"])]
)
def test_a_word_or_a_list_of_words_on_the_command_line(typed, given):
    table = {"name": "table", "path": "x.tsv", "seq_col": "seq", "target_vars": ["act"]}
    tree = {"data": table, "model": {"name": "cnn"}}
    config = load_run_config(tree, overrides=[("data.target_cols", typed)])
    assert config.tree["data"]["target_cols"] == given


def test_another_model_by_override_brings_its_own_arguments():
    config = load_run_config(changed(model={"name": "cnn"}), overrides=[("model.name", "deepbind")])
    assert config.tree["model"]["name"] == "deepbind"
    assert "conv_kwargs" not in config.tree["model"] or config.tree["model"]["conv_kwargs"] is None


def test_arms_and_seeds():
    tree = changed(replicates={"seeds": [4, 5], "arms": {"a": {}, "b": {"model.pool": "max"}}})
    config = load_run_config(tree)
    arm = config.arm("b", 5)
    assert arm.seed == 5
    assert arm.tree["model"]["pool"] == "max"
    assert "replicates" not in arm.tree
    assert config.arm("a", 4).tree["model"]["pool"] == "flatten"


def class_path_places():
    """Put a class path into every section and every nested place."""
    spec = {"class_path": "touches_a_file.Touch", "init_args": {"x": 1}}
    full = changed(
        evaluate={"n_bootstrap": 10},
        replicates={"seeds": [0], "arms": {"a": {}}},
        model__init={"name": "random"},
    )
    for block in blocks(full):
        replaced = copy.deepcopy(full)
        inside = copy.deepcopy(full)
        current, within = replaced, inside
        for key in block.keys[:-1]:
            current, within = current[key], within[key]
        if block.keys:
            current[block.keys[-1]] = spec
            yield ".".join(map(str, block.keys)), replaced
            if isinstance(within[block.keys[-1]], dict):
                within[block.keys[-1]]["extra"] = {"deep": [spec]}
                yield ".".join(map(str, block.keys)) + " deep", inside
    yield "arm", changed(replicates={"seeds": [0], "arms": {"a": {"model": spec}}})
    yield "string", changed(model__name="touches_a_file.Touch", module__name="touches_a_file.Touch")
    yield "conv", changed(model__conv_kwargs=spec)


@pytest.fixture
def trap(tmp_path, monkeypatch):
    marker = tmp_path / "imported"
    module = tmp_path / "touches_a_file.py"
    module.write_text(
        f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
        "class Touch:\n    def __init__(self, x=0): self.x = x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield marker
    sys.modules.pop("touches_a_file", None)


@pytest.mark.parametrize(("label", "tree"), list(class_path_places()))
def test_a_module_named_anywhere_is_never_imported(trap, label, tree):
    with pytest.raises(ConfigError) as caught:
        load_run_config(tree)
    if label != "string":
        assert any("class_path" in p.path for p in caught.value.problems)
    assert not trap.exists()
    assert "touches_a_file" not in sys.modules


def test_the_command_line_does_not_import_it_either(trap, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(dump_yaml(changed(model={"class_path": "touches_a_file.Touch"})))
    for words in (
        ["fit", "--config", str(file)],
        ["fit", "--config", str(file), "--help"],
        ["fit", "--config", str(file), "--print_config"],
        ["run", str(file)],
        ["data", "info", str(file)],
    ):
        script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        script += f"from eugene.cli import main; sys.exit(main({words!r}))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == (0 if "--help" in words else 2), done.stderr
        assert not trap.exists()


def test_class_paths_pass_where_they_are_allowed(trap):
    tree = changed(model={"class_path": "touches_a_file.Touch", "init_args": {"x": 1}})
    config = load_run_config(tree, allow_class_path=True)
    assert isinstance(config, RunConfig)
    assert config.tree["model"] == {"class_path": "touches_a_file.Touch", "init_args": {"x": 1}}


def test_checking_loads_nothing_heavy(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(dump_yaml(GOOD))
    script = (
        "import sys\n"
        "from eugene.config import load_run_config\n"
        f"load_run_config({str(file)!r})\n"
        "heavy = {'torch', 'xarray', 'numba', 'pytorch_lightning', 'matplotlib', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
