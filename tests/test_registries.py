"""Registering is being tested: every name in every registry is built and used."""

from __future__ import annotations

import copy
import importlib
import inspect
import urllib.parse
from pathlib import Path

import numpy as np
import pytest
import torch
from zoo_table import ZOO, build_tiny, outputs

import seqexplainer as se
from eugene.config import (
    RunConfig,
    config_root,
    dump_yaml,
    first_values,
    is_selection,
    load_run_config,
    parse_file,
    registries,
)
from eugene.config.registries import REGISTRIES
from eugene.runs import RunFolder
from eugene.simulate import simulated
from seqdata.datasets import _registry

ENTRIES = [(kind, name) for kind, registry in REGISTRIES.items() for name in registry]
CONFIGS = [p for p in sorted(config_root().glob("*/*.yaml")) if not is_selection(p)]
LARGE = 20_000_000
# whose servers answer plain http alone
OLD_SERVERS = ("ray13", "kopp21")


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_the_map_and_the_source_agree_with_what_is_imported(kind, name):
    registry = REGISTRIES[kind]
    signature = registry.signature(name)
    thing = registry.get(name)
    module, _, attribute = signature.target.partition(":")
    assert getattr(importlib.import_module(module), attribute) is thing
    assert signature.summary.endswith((".", ":"))
    assert registry.supplied <= {*signature.names, "out", "overwrite"}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_aliases_lead_somewhere_and_unknown_names_are_guessed(kind):
    registry = REGISTRIES[kind]
    assert all(target in registry for target in registry.aliases.values())
    first = next(iter(registry))
    with pytest.raises(KeyError, match=f"no {registry.kind} is called '{first}x'; did you mean"):
        registry.get(f"{first}x")


def test_the_maps_are_complete():
    """What the rooms know by name is what can be named."""
    from seqdata.targets import TargetTransform
    from seqexplainer.references import NAMED

    assert list(registries.ATTRIBUTIONS) == list(se.methods.METHODS)
    assert registries.ATTRIBUTIONS.aliases == se.methods.ALIASES
    assert set(registries.REFERENCES) == set(NAMED)
    known = {name for one in TargetTransform.__subclasses__() for name in one.names()}
    assert {*registries.TARGET_TRANSFORMS, *registries.TARGET_TRANSFORMS.aliases} == known


def one_hot(n, length, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(4, dtype=np.uint8)[rng.integers(4, size=(n, length))].swapaxes(1, 2).copy()


@pytest.mark.parametrize("name", registries.MODELS)
def test_models_train_reload_and_explain(name):
    arch, target = build_tiny(name), ZOO[name].target
    length = arch.input_len
    X = torch.from_numpy(one_hot(3, length)).float()
    arch.train()
    # the gradient reaches the sequences even where nothing is trained
    found = outputs(arch(X.clone().requires_grad_()))
    sum(t.square().sum() for t in found).backward()
    missing = [n for n, p in arch.named_parameters() if p.requires_grad and p.grad is None]
    assert set(missing) <= set(ZOO[name].silent)

    again = build_tiny(name)
    again.load_state_dict(arch.state_dict())
    arch.eval()
    again.eval()
    with torch.no_grad():
        for one, two in zip(outputs(arch(X)), outputs(again(X)), strict=True):
            assert torch.equal(one, two)

    if ZOO[name].explained != "deep_lift_shap":
        explained = se.attribute(arch, X, ZOO[name].explained, target=target)
        assert explained.shape == (3, 4, length)
        assert explained.any()
        return
    explained = se.attribute(
        arch, X, "deep_lift_shap", target=target, n_references=2, return_delta=True,
        on_delta="raise",
    )  # fmt: skip
    assert explained.attributions.shape == (3, 4, length)
    size = max(1.0, *(float(t.detach().abs().max()) for t in found))
    assert float(explained.delta.abs().max()) < 1e-3 * size


@pytest.mark.parametrize("name", registries.MODELS)
def test_every_model_has_a_file_and_a_page_in_the_zoo(name):
    assert (config_root() / "models" / f"{name}.yaml").is_file()
    from eugene.models import list_models

    assert name in list_models()


@pytest.mark.parametrize("name", registries.LOSSES)
def test_losses(name):
    rng = torch.Generator().manual_seed(0)
    prediction = torch.randn(6, 3, generator=rng, requires_grad=True)
    columns = 1 if name == "cross_entropy" else 3
    target = torch.randint(2, (6, columns), generator=rng).float()
    value = registries.LOSSES.get(name)(prediction, target)
    assert value.shape[0] == 6
    assert torch.isfinite(value).all()
    value.mean().backward()
    assert torch.isfinite(prediction.grad).all()


@pytest.mark.parametrize("name", registries.METRICS)
def test_metrics(name):
    metric = registries.METRICS.build(name)
    rng = torch.Generator().manual_seed(0)
    target = torch.randint(2, (40, 2), generator=rng).float()
    prediction = (target * 0.6 + torch.rand(40, 2, generator=rng) * 0.4).clamp(0, 1)
    metric.update(prediction[:20], target[:20])
    metric.update(prediction[20:], target[20:])
    whole = registries.METRICS.build(name)
    whole.update(prediction, target)
    assert metric.compute().shape == (2,)
    torch.testing.assert_close(metric.compute(), whole.compute(), rtol=1e-5, atol=1e-6)
    worse = registries.METRICS.build(name)
    worse.update(1 - prediction, target)
    better = bool((metric.compute() > worse.compute()).all())
    assert better is bool(metric.higher_is_better)


@pytest.mark.parametrize("name", registries.OPTIMIZERS)
def test_optimizers_go_downhill(name):
    weight = torch.nn.Parameter(torch.full((3,), 2.0))
    optimizer = registries.OPTIMIZERS.build(name, [weight], 0.05)
    for _ in range(20):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert float(weight.detach().square().sum()) < 12


@pytest.mark.parametrize("name", registries.SCHEDULERS)
def test_schedulers_move_the_learning_rate(name):
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    known = registries.SCHEDULERS.signature(name)
    options = {"total_steps": 10} if "total_steps" in known else {}
    scheduler = registries.SCHEDULERS.build(name, optimizer, **options)
    rates = []
    for _ in range(10):
        optimizer.step()
        scheduler.step(1.0) if name == "reduce_lr_on_plateau" else scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert min(rates) < 0.5


@pytest.mark.parametrize("name", registries.SPLITS)
def test_splits_give_codes(name):
    ds = simulated(60, 150, seed=2)
    ds = ds.assign(
        part=("_sequence", np.resize(["train", "val", "test"], 60).astype(object)),
        chrom=("_sequence", np.resize(["chr1", "chr2"], 60).astype(object)),
    )
    options = {
        "chromosome": {"test": ["chr2"]},
        "column": {"column": "part"},
        "stratified": {"by": "label"},
        "group": {"by": "part"},
        "fewer": {"rate": 0.5, "like": {"name": "random"}},
    }.get(name, {})
    codes = np.asarray(registries.SPLITS.build(name, ds, **options))
    assert codes.shape == (60,)
    assert set(codes.tolist()) <= {-1, 0, 1, 2}
    assert (codes == 0).any()


@pytest.mark.parametrize("name", registries.SAMPLERS)
def test_samplers_choose_rows_of_an_epoch(name):
    ds = simulated(60, 150, seed=2)
    options = {"ratio": {"label": "label", "ratio": 0.5}, "weighted": {"weights": "label"}}[name]
    chosen = registries.SAMPLERS.build(name, **options).bind(ds, np.arange(60), seed=1)
    label = ds["label"].values
    rows = chosen(0)
    assert set(np.flatnonzero(label)) <= set(rows) if name == "ratio" else label[rows].all()
    assert len(rows) == len(chosen(1))
    assert rows.tolist() != chosen(1).tolist()


@pytest.mark.parametrize("name", registries.TARGET_TRANSFORMS)
def test_target_transforms(name):
    values = np.random.default_rng(0).random(50) * 3
    values[7] = np.nan
    unfitted = registries.TARGET_TRANSFORMS.build(name)
    fitted = unfitted.fit(values)
    moved = fitted.transform(values)
    assert np.isnan(moved[7])
    assert np.isfinite(np.delete(moved, 7)).all()
    again = type(fitted).from_dict(fitted.to_dict())
    np.testing.assert_array_equal(again.transform(values), moved)
    if name in {"zscore", "log"}:
        np.testing.assert_allclose(fitted.inverse(moved), values)


@pytest.mark.parametrize("name", registries.REFERENCES)
def test_references_have_the_shape_of_the_sequences(name):
    X = one_hot(3, 30)
    found = registries.REFERENCES.get(name)(X)
    assert found.shape[0] == 3
    assert found.shape[2:] == (4, 30)


@pytest.mark.parametrize("name", registries.ATTRIBUTIONS)
def test_attributions_sit_on_the_letters_that_are_there(name):
    arch = build_tiny("kopp21_cnn", input_len=170, maxpool_kernel_size=30)
    X = one_hot(2, arch.input_len)
    options = {"n_references": 2} if "lift" in name or "shap" in name else {}
    found = np.asarray(se.attribute(arch.eval(), X, name, **options))
    assert found.shape == X.shape
    assert (found[X == 0] == 0).all()
    assert np.isfinite(found).all()
    assert np.abs(found).sum() > 0


@pytest.mark.parametrize("name", registries.INITIALIZERS)
def test_initializers_change_weights(name):
    arch = build_tiny("cnn")
    before = copy.deepcopy(arch.state_dict())
    options = {"motif_files": ["embedded"], "names": ["CEBPB"]} if name == "motifs" else {}
    registries.INITIALIZERS.build(name, arch, **options)
    assert any(not torch.equal(before[k], v) for k, v in arch.state_dict().items())


@pytest.mark.parametrize("name", registries.BASELINES)
def test_baselines_learn_what_is_in_the_composition(name):
    rng = np.random.default_rng(0)
    share = rng.random(200)
    letters = np.where(
        rng.random((200, 60)) < share[:, None],
        rng.choice(np.frombuffer(b"GC", "S1"), (200, 60)),
        rng.choice(np.frombuffer(b"AT", "S1"), (200, 60)),
    )
    target = share if name == "kmer_ridge" else (share > 0.5).astype(float)
    model = registries.BASELINES.build(name, k=2)
    model.fit(letters[:150], target[:150])
    predicted = np.asarray(model.predict(letters[150:])).reshape(-1)
    assert np.corrcoef(predicted, target[150:])[0, 1] > 0.7


@pytest.mark.parametrize("name", registries.DATA_SOURCES)
def test_data_sources_are_described_where_files_can_name_them(name):
    parameters = registries.DATA_SOURCES.parameters(name)
    undescribed = [p.name for p in parameters if not p.description or not p.annotation]
    assert undescribed == []


@pytest.mark.parametrize("name", [*_registry.entries()])
def test_datasets_are_described_and_buildable(name):
    entry = _registry.find(name)
    assert entry.kind in _registry.KINDS
    assert _registry.DOI.fullmatch(entry.doi)
    assert all([entry.task, entry.description, entry.citation, entry.licence, entry.source])
    parameters = inspect.signature(entry.resolve()).parameters
    given = {"files", "work", *entry.options, *({"sizes"} if entry.kind == "genome" else ())}
    needed = {k for k, p in parameters.items() if p.default is inspect.Parameter.empty}
    assert needed <= given <= set(parameters)
    for option in entry.options.values():
        assert not option.choices or option.default in option.choices
    assert len({file.name for file in entry.files}) == len(entry.files)
    for file in entry.files:
        assert set(file.when) <= set(entry.options)
        for url in file.urls:
            parts = urllib.parse.urlsplit(url)
            assert parts.netloc
            # what comes over plain http is pinned on first use
            assert parts.scheme == "https" or (name in OLD_SERVERS and not file.verified)
        assert not file.verified or (file.sha256 and file.urls)


def shipped(path: Path) -> RunConfig:
    """Return a shipped configuration, of a search with its space."""
    return load_run_config(path, searched=path.parent.name == "searches")


def tiny(path: Path) -> RunConfig:
    """Return a shipped configuration on sixty simulated sequences of the right length."""
    config = shipped(path)
    tree = config.candidate(first_values(config.document)).tree if config.searched else config.tree
    data, model = tree["data"], tree["model"]
    if path.parent.name == "models":  # whose own sizes are measured with those of their papers
        model |= {k: v for k, v in ZOO[model["name"]].tiny.items() if k != "input_len"}
        # of the two labels of its grammar, as many as there are targets
        model |= {"labels": ["a"]} if model["name"] == "bayes_optimal" else {}
    length = model.get("input_len") or data.get("length") or data.get("width") or 170
    jitter = int(data.get("max_jitter") or 0)
    keep = ("batch_size", "reverse_complement", "max_jitter", "num_workers", "targets")
    tree["data"] = {
        "name": "simulated",
        "n": 60,
        "length": max(int(length) + 2 * jitter, 150),
        "target_vars": ["label"],
        "split": {"name": "random"},
        **{key: data[key] for key in keep if key in data},
    }
    classes = "classification" in str(tree["module"].get("task"))
    if classes:
        tree["data"]["targets"] = []
    tree["trainer"] |= {"max_epochs": 1, "accelerator": "cpu", "devices": 1}
    tree |= {"baselines": [], "interpret": None, "replicates": None, "evaluate": {"n_bootstrap": 0}}
    return load_run_config({k: v for k, v in tree.items() if v is not None})


def reads_tracks(path: Path) -> bool:
    """Tell files of profiles and tracks, which tests/eugene/runs trains on tracks of their own."""
    module = parse_file(path).tree.get("module") or {}
    return module.get("name") in ("profile", "tracks")


OF_VALUES = [path for path in CONFIGS if not reads_tracks(path)]


# the simulated label stands in for measured activities
@pytest.mark.filterwarnings("ignore:.*is trained as regression")
@pytest.mark.parametrize("path", OF_VALUES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_shipped_files_build_and_take_a_training_step(path, tmp_path):
    from eugene.runs import Run
    from eugene.runs.steps.fit import fit

    config = tiny(path)
    run = Run(config, RunFolder.create(tmp_path / "run"))
    module = run.new_module()
    assert sum(p.numel() for p in module.arch.parameters()) < LARGE
    before = [p.detach().clone() for p in module.arch.parameters()]
    fit(run)
    after = list(run.module.arch.parameters())
    trained = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert any(trained) or not trained


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_shipped_files_explain_themselves(path):
    text = path.read_text()
    assert text.startswith("# ")
    assert "eugene " in text.split("name:")[0]
    config = shipped(path)
    assert load_run_config(config.tree, searched=config.searched).tree == config.tree
    assert dump_yaml(config.tree)
