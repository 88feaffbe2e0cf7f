"""What is told of a network layer by layer is so."""

from __future__ import annotations

import pytest
import torch
from zoo_table import build_tiny, outputs

from eugene.config import registries
from eugene.models import outline
from eugene.models._globs import parts_of


@pytest.mark.parametrize("name", registries.MODELS)
def test_layers_hold_all_parameters_and_shapes_are_those_of_a_run(name: str) -> None:
    model = build_tiny(name).eval()
    x = torch.zeros(2, model.input_channels, model.input_len)
    shapes = [tuple(t.shape[1:]) for t in outputs(model(x))]
    model = model.to("meta")
    rows = outline.outline(model)
    assert len({row.name for row in rows}) == len(rows)
    inside = {row.name for row in rows}
    outside = sum(
        p.numel()
        for key, p in model.named_parameters()
        if p.requires_grad and inside.isdisjoint(parts_of(key))
    )
    assert sum(row.parameters for row in rows) + outside == outline.trainable(model)
    assert outline.output_shapes(model) == shapes
    assert name in outline.PREDICTS
    general = outline.rows_of(name)[0].source == "a general network"
    assert bool(outline.paper_of(type(model))) is not general


def test_receptive_fields_are_what_gradients_reach() -> None:
    model = build_tiny("bpnet", input_len=220).eval()
    rows = {row.name: row for row in outline.outline(build_tiny("bpnet", input_len=220).to("meta"))}
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.01)  # nothing cancels, no unit is off
    found: dict[str, torch.Tensor] = {}
    for name in rows:
        layer = model.get_submodule(name)
        layer.register_forward_hook(lambda _m, _i, out, name=name: found.setdefault(name, out))
    x = torch.ones(1, 4, 220, requires_grad=True)
    model(x)
    for name, row in rows.items():
        if found[name].ndim == 3:
            (reached,) = torch.autograd.grad(found[name][..., 110].sum(), x, retain_graph=True)
            where = reached.abs().sum(1)[0].nonzero().flatten()
            assert int(where.max() - where.min()) + 1 == row.field, name
        else:
            assert row.field is None


def test_pools_and_steps_multiply() -> None:
    rows = outline.outline(outline.published(outline.rows_of("deepstarr")[0]))
    fields = [row.field for row in rows if row.kind in ("SameConv1d", "MaxPool1d")]
    assert fields == [7, 8, 12, 14, 30, 34, 50, 58]


def test_a_pooling_by_attention_is_one_layer() -> None:
    rows = outline.outline(build_tiny("enformer").to("meta"))
    pools = [row for row in rows if row.kind == "AttentionPool1d"]
    assert [row.field for row in pools] == [16, 26, 46, 86, 166, 326, 646]
    assert pools[0].parameters == 6 * 6
    attention = next(row for row in rows if row.name.endswith("attention.query"))
    assert attention.field is None
    # on the way up of Borzoi there are as many positions as before the attention
    up = [
        row for row in outline.outline(build_tiny("borzoi").to("meta")) if "separable" in row.name
    ]
    assert {row.field for row in up} == {None}
