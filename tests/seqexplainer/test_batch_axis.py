"""Every verb gives the same whatever a model does with the axis of its batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError
from seqexplainer.methods import METHODS

LENGTH = 28


def one_hot(n: int, length: int = LENGTH, seed: int = 0) -> torch.Tensor:
    codes = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return F.one_hot(codes, 4).swapaxes(1, 2).float()


class Net(nn.Module):
    """A small net that can lose the axis of a single row in several places."""

    def __init__(self, n_outputs: int, squeezes: str = "") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(4, 6, 5)
        self.relu = nn.ReLU()
        self.last = nn.Linear(6, n_outputs)
        self.squeezes = squeezes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.adaptive_max_pool1d(self.relu(self.conv(x)), 1)
        h = h.squeeze() if self.squeezes == "inside" else h.flatten(1)
        if self.squeezes == "inside":
            h = torch.cat([h, h], dim=1)[:, :6]  # fails without the axis
        y = self.last(h)
        if self.squeezes == "end":
            return y.squeeze()
        if self.squeezes == "first":
            return y.squeeze(0)
        return torch.squeeze(y, dim=-1) if self.squeezes == "last" else y


def _attribute(method):
    def run(model, X, **options):
        return se.attribute(
            model, X, method, seed=1, n_references=3, n_samples=3, delta_tolerance=1.0, **options
        )

    return run


def _evolve(model, X, **options):
    return se.evolve(model, X, rounds=2, **options).scores


def _design(method):
    def run(model, X, **options):
        more = {"population": 4, "samples": 4, "constraints": {"max_edits": 1}}
        return se.design(model, X, method=method, rounds=2, **more, **options).scores

    return run


def _sis(model, X, **options):
    return se.sufficient_input_subsets(model, X, threshold=-9.0, max_subsets=1, **options).outputs


VERBS = {
    **{method: _attribute(method) for method in METHODS if method != "sis"},
    "predict": lambda model, X, **o: se.predict(model, X, **o).reshape(len(X), -1),
    "mutagenesis": lambda model, X, **o: se.saturation_mutagenesis(model, X, target=0, **o),
    "marginalize": lambda model, X, **o: se.marginalize(model, X, "GATA", **o).effect,
    "ablate": lambda model, X, **o: se.ablate(model, X, (5, 9), n=3, **o).effect,
    "occlude": lambda model, X, **o: se.occlude(model, X, width=7, **o).effect,
    "positional_importance": lambda model, X, **o: (
        se.positional_importance(model, X, "GATA", stride=9, **o).effect
    ),
    "space": lambda model, X, **o: se.space(model, X, "GATA", "CAT", distances=[6], **o).effect,
    "epistasis": lambda model, X, **o: (
        se.epistasis(model, X, [("GA", 6), ("TT", 17)], **o).interaction
    ),
    "cooperativity": lambda model, X, **o: (
        se.cooperativity(model, X, "GATA", "CAT", distances=[6], **o).both
    ),
    "evolve": _evolve,
    **{m: _design(m) for m in ("beam", "annealing", "genetic", "gradient")},
    "sis": _sis,
    "variant_effects": lambda model, X, **o: se.variant_effects(
        model, X, X.flip(1), target=0, **o
    ).to_numpy(),
    "generate_pfms": lambda model, X, **o: se.generate_pfms(model, X, "conv", n=3, **o).pfms,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("n_outputs", "squeezes"),
    [(1, "end"), (3, "end"), (1, "inside"), (3, "first"), (1, "last")],
)
def test_a_single_row_is_a_row(verb, n_outputs, squeezes):
    """One sequence, and a last batch of one, through models that drop such an axis."""
    for n, batch_size in ((1, 128), (5, 4)):
        X = one_hot(n)
        expected = VERBS[verb](Net(n_outputs).eval(), X, batch_size=batch_size)
        found = VERBS[verb](Net(n_outputs, squeezes).eval(), X, batch_size=batch_size)
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.shape == expected.shape
        np.testing.assert_allclose(
            found, expected, rtol=1e-4, atol=1e-5 * np.nanmax(np.abs(expected))
        )


def test_the_shape_of_predictions_does_not_hang_on_the_batches():
    for n_outputs, squeezes, shape in ((1, "end", (5,)), (3, "end", (5, 3)), (1, "last", (5,))):
        model = Net(n_outputs, squeezes)
        for batch_size in (1, 2, 4, 5, 9):
            assert se.predict(model, one_hot(5), batch_size=batch_size).shape == shape
        assert se.predict(model, one_hot(1)).shape == (1, *shape[1:])


class Parts(nn.Module):
    """A model whose output has parts, some of which are nothing, or no rows."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.net, self.form = Net(2, "end"), form

    def forward(self, x: torch.Tensor):
        y = self.net(x)
        if self.form == "dict":
            return {"loss": None, "logits": y}
        if self.form == "loss":
            return {"loss": y.mean(), "logits": y}
        return (None, y) if self.form == "tuple" else {"heads": [y, None], "logits": y}


@pytest.mark.parametrize("form", ["dict", "loss", "tuple", "nested"])
@pytest.mark.parametrize("verb", [v for v in VERBS if v not in ("predict", "generate_pfms")])
def test_the_rest_of_the_output_may_be_anything(form, verb):
    target = (1, 1) if form == "tuple" else ("logits", 1)

    def run(model, X, target):
        if verb == "mutagenesis":
            return se.saturation_mutagenesis(model, X, target=target)
        if verb == "variant_effects":
            return se.variant_effects(model, X, X.flip(1), target=target).to_numpy()
        return VERBS[verb](model, X, target=target)

    for n in (1, 3):
        expected = np.asarray(run(Net(2), one_hot(n), 1))
        found = np.asarray(run(Parts(form), one_hot(n), target))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_nothing_in_an_output_stays_nothing():
    X = one_hot(5)
    expected = se.predict(Net(2), X)
    nothing = {"tuple": [0], "dict": ["loss"], "nested": ["heads", 1]}
    for form, place in nothing.items():
        found = se.predict(Parts(form), X, batch_size=2)
        torch.testing.assert_close(found[1 if form == "tuple" else "logits"], expected)
        for key in place:
            found = found[key]
        assert found is None
    with pytest.raises(SeqexplainerError, match=r"a single number .* at \['loss'\]"):
        se.predict(Parts("loss"), X)


class Rows(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.net, self.how = Net(2), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.net(x)
        changed = {"more": y.repeat(2, 1), "fewer": y[1:], "flat": y.flatten(), "one": y.mean()}
        return changed[self.how]


@pytest.mark.parametrize("how", ["more", "fewer", "flat", "one"])
@pytest.mark.parametrize("verb", [v for v in VERBS if v != "generate_pfms"])
def test_another_number_of_rows_is_refused(how, verb):
    with pytest.raises(SeqexplainerError, match=r"rows?\b|sequence|shape"):
        VERBS[verb](Rows(how), one_hot(3))


class Moving(nn.Module):
    """The same numbers by operations that move the batch, or turn masks into numbers."""

    def __init__(self, way: str, length: int = 48) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.way = way
        self.conv = nn.Conv1d(4, 6, 5)
        self.w = nn.Parameter(torch.randn(8, 6))
        self.last = nn.Linear(8 * (length - 4), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv(x)
        if "mask" in self.way:
            kinds = {"float mask": h > 0, "int mask": h.gt(0).long(), "type mask": h.ge(0)}
            h = h * kinds[self.way].type_as(h)
        else:
            h = F.relu(h)
        if self.way == "einsum":
            return self.last(
                F.relu(torch.einsum("ncl,dc->dnl", h, self.w)).permute(1, 0, 2).flatten(1)
            )
        if self.way == "einsum last":
            moved = F.relu(torch.einsum("ncl,dc->dln", h, self.w))
            return self.last(moved.permute(2, 0, 1).flatten(1))
        if self.way == "tensordot":
            moved = F.relu(torch.tensordot(self.w, h, dims=([1], [1])))
            return self.last(moved.transpose(0, 1).flatten(1))
        if self.way == "matmul":
            moved = F.relu(torch.matmul(self.w, h.permute(2, 1, 0)))  # length, 8, rows
            return self.last(moved.permute(2, 1, 0).flatten(1))
        if self.way == "merged":
            rows = h.permute(2, 0, 1).reshape(-1, 6)  # length and batch in one axis
            moved = F.relu(F.linear(rows, self.w)).view(h.shape[2], h.shape[0], 8)
            return self.last(moved.permute(1, 2, 0).flatten(1))
        if self.way == "buffer":
            held = h.new_zeros(h.shape[0], 8, h.shape[2])
            held[:, :, :] = torch.einsum("ncl,dc->ndl", h, self.w)
            return self.last(F.relu(held).flatten(1))
        return self.last(F.relu(torch.einsum("ncl,dc->ndl", h, self.w)).flatten(1))


WAYS = ["einsum", "einsum last", "tensordot", "matmul", "merged", "buffer"]


@pytest.mark.parametrize("way", [*WAYS, "float mask", "int mask", "type mask"])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (1, 3), (1, 7), (3, 1), (4, 10), (5, 24)])
def test_deeplift_finds_the_batch_whatever_its_size(way, n, k):
    """Rows are 2, 4, 8, 44, 125: with 44 positions and 8 channels sizes tell nothing."""
    X = one_hot(n, 48)
    references = torch.stack([one_hot(k, 48, seed=7 + i) for i in range(n)])
    expected = se.attribute(Moving("plain").eval(), X, references=references, batch_size=500)
    found, delta = se.attribute(
        Moving(way).eval(), X, references=references, batch_size=500, return_delta=True
    )
    scale = float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * scale)
    assert float(delta.abs().max()) < 1e-4
