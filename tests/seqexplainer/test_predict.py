"""Batched prediction and what a plain import loads."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn

import seqexplainer as se

Heads = namedtuple("Heads", "profile counts")


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 2, 3)
        self.dropout = nn.Dropout(0.9)

    def forward(self, x, scale=None):
        h = self.dropout(self.conv(x))
        counts = h.sum(dim=(1, 2))[:, None]
        return Heads(h, counts if scale is None else counts * scale)


@pytest.fixture
def X():
    generator = np.random.default_rng(0)
    return np.eye(4, dtype=np.uint8)[generator.integers(0, 4, (7, 11))].swapaxes(1, 2)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_make_no_difference(X, batch_size):
    model = TwoHeads()
    found = se.predict(model, X, batch_size=batch_size)
    assert isinstance(found, Heads)
    model.eval()
    with torch.no_grad():
        expected = model(torch.from_numpy(X).float())
    assert torch.allclose(found.profile, expected.profile, atol=1e-6)
    assert torch.allclose(found.counts, expected.counts, atol=1e-6)
    assert not found.counts.requires_grad


def test_model_stays_as_it_was(X):
    model = TwoHeads().double()
    assert se.predict(model, X).counts.dtype == torch.float64
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


def test_extra_inputs_and_other_outputs(X):
    model = TwoHeads()
    scale = torch.arange(7.0)[:, None]
    plain, scaled = se.predict(model, X), se.predict(model, X, args=[scale], batch_size=2)
    assert torch.allclose(scaled.counts, plain.counts * scale, atol=1e-5)

    class Named(nn.Module):
        def forward(self, x):
            return {"sum": x.sum(dim=(1, 2))}

    assert se.predict(Named(), X, batch_size=3)["sum"].tolist() == [11.0] * 7


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 0}, "batch_size must be"), ({"args": [np.ones(3)]}, "one row per sequence")],
)
def test_wrong_options(X, options, message):
    with pytest.raises(se.SeqexplainerError, match=message):
        se.predict(TwoHeads(), X, **options)


def test_output_must_be_tensors(X):
    class Text(nn.Module):
        def forward(self, x):
            return "text"

    with pytest.raises(se.SeqexplainerError, match="returns str"):
        se.predict(Text(), X)


def test_functions_keep_their_names_beside_modules():
    import seqexplainer.attribute
    import seqexplainer.predict  # noqa: F401

    assert callable(se.predict)
    assert callable(se.attribute)
    assert {"predict", "attribute", "references", "metrics"} <= set(dir(se))
    with pytest.raises(AttributeError, match="no attribute 'atribute'"):
        _ = se.atribute


@pytest.mark.parametrize("name", se.__all__)
def test_every_name_is_there(name):
    assert getattr(se, name) is not None


def test_import_is_light():
    heavy = ["captum", "memelite", "matplotlib", "pandas", "sklearn", "scipy.stats"]
    code = f"import sys, seqexplainer; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
