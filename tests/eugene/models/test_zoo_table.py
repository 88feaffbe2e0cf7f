"""The whole zoo through one machine: sizes, shapes, lengths, gradients, export, explanations."""

from __future__ import annotations

import re

import pytest
import torch
from zoo_table import ZOO, build_tiny, fingerprint, one_hot, outputs, tiny

import seqexplainer as se
from eugene.config import config_root, load_run_config
from eugene.models import build, list_models
from eugene.models._published import PUBLISHED, Published
from eugene.nn import ModelError

NAMES = list_models()
SHORTEST = r"(?:the shortest input_len that does: |at least )(\d+)"


def trainable(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_every_network_has_its_rows() -> None:
    assert set(ZOO) == set(NAMES) == {row.model for row in PUBLISHED}


@pytest.mark.parametrize("row", PUBLISHED, ids=[row.model for row in PUBLISHED])
def test_sizes_are_those_published(row: Published) -> None:
    with torch.device("meta"):
        model = build(row.model, **row.arguments)
    assert row.parameters in (None, trainable(model)), row.source


@pytest.mark.parametrize("name", NAMES)
def test_two_lengths_live_side_by_side(name: str) -> None:
    first = build_tiny(name).eval()
    longer = first.input_len * 2 + ZOO[name].step
    second = build_tiny(name, input_len=longer).eval()
    shapes = []
    for model, length in ((second, longer), (first, first.input_len)):
        found = outputs(model(one_hot(3, length)))
        assert all(len(t) == 3 and torch.isfinite(t).all() for t in found)
        shapes.append([t.shape[1:] for t in found])
    assert len(shapes[0]) > 1 or shapes == [[(2,)]] * 2


@pytest.mark.parametrize("name", NAMES)
def test_an_input_too_short_is_told_with_the_length_that_would_do(name: str) -> None:
    try:
        build_tiny(name, input_len=1)
    except ModelError as error:
        found = re.findall(SHORTEST, str(error))
        shortest = int(found[0])
        with pytest.raises(ModelError, match=f"(does: |at least ){shortest}\\b"):
            build_tiny(name, input_len=shortest - 1)
    else:
        shortest = 1
    model = build_tiny(name, input_len=shortest).eval()
    assert outputs(model(one_hot(2, shortest)))[0].shape[0] == 2


@pytest.mark.parametrize("name", NAMES)
def test_nothing_has_changed_since_the_fingerprint_was_taken(name: str) -> None:
    assert fingerprint(name) == pytest.approx(ZOO[name].fingerprint, rel=2e-4, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns_and_comes_back(name: str) -> None:
    model = build_tiny(name).eval()
    X = one_hot(8, model.input_len).requires_grad_()
    found = outputs(model(X))
    sum(t.square().sum() for t in found).backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    still = {n for n, g in gradients.items() if g is None or not g.abs().sum() > 0}
    assert still <= set(ZOO[name].silent)
    again = build(**model.config).eval()
    again.load_state_dict(model.state_dict())
    for one, two in zip(outputs(again(X)), found, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_is_seen_alone(name: str) -> None:
    model = build_tiny(name).eval()
    X = one_hot(3, model.input_len)
    with torch.no_grad():
        for one, two in zip(outputs(model(X[1:2])), outputs(model(X)), strict=True):
            torch.testing.assert_close(one[0], two[1], rtol=1e-4, atol=1e-5)


# torch's own list of the weights of a recurrent net
@pytest.mark.filterwarnings("ignore:.*_flat_weights.* assigned during export")
@pytest.mark.parametrize("name", [name for name in NAMES if not ZOO[name].export])
def test_export(name: str) -> None:
    model = build_tiny(name).eval()
    X = one_hot(2, model.input_len)
    exported = torch.export.export(model, (X,), strict=False).module()
    for one, two in zip(outputs(exported(X)), outputs(model(X)), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_deeplift_adds_up_and_windows_equal_whole_sequences(name: str) -> None:
    model, target = build_tiny(name).eval(), ZOO[name].target
    X = one_hot(2, model.input_len)
    with torch.no_grad():
        size = max(1.0, *(float(t.abs().max()) for t in outputs(model(X))))
    if ZOO[name].explained == "deep_lift_shap":
        found = se.attribute(
            model, X, "deep_lift", references=one_hot(2, model.input_len, 1)[:, None],
            target=target, return_delta=True,
        )  # fmt: skip
        assert float(found.delta.abs().max()) < 1e-4 * size
    middle = model.input_len // 2
    plain, window = (
        se.saturation_mutagenesis(
            model, X, target=target, start=middle - 3, end=middle, engine=engine
        )
        for engine in ("plain", "window")
    )
    torch.testing.assert_close(window, plain, rtol=1e-4, atol=2e-5 * size)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_told(name: str) -> None:
    with pytest.raises(ModelError, match="no argument 'outputdim'; did you mean 'output_dim'"):
        build_tiny(name, outputdim=1)
    for key in ("input_len", "output_dim"):
        with pytest.raises(ModelError, match=f"{key} must be a whole number of at least 1"):
            build(name, **tiny(name, **{key: 0}))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_file_builds_at_its_own_size(name: str) -> None:
    path = config_root() / "models" / f"{name}.yaml"
    tree = load_run_config(path).tree
    starts = ("init", "weights", "weights_part", "head")
    given = {key: value for key, value in tree["model"].items() if key not in starts}
    length = given.get("input_len") or tree["data"]["length"]
    with torch.device("meta"):
        model = build(**{"input_len": length, "output_dim": 1, **given})
    assert model.input_len == length
    assert f"eugene fit --config configs/models/{name}.yaml" in path.read_text()
