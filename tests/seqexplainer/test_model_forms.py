"""The same network however it is written: functional, TorchScript, compiled, exported, half."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import seqexplainer as se
from seqexplainer.errors import SeqexplainerError
from seqexplainer.methods import METHODS

LENGTH = 24
OPTIONS = {"n_references": 2, "n_samples": 2, "n_steps": 20, "delta_tolerance": 1.0, "seed": 1}


def one_hot(n: int = 3) -> torch.Tensor:
    codes = torch.randint(0, 4, (n, LENGTH), generator=torch.Generator().manual_seed(0))
    return F.one_hot(codes, 4).swapaxes(1, 2).float()


def modules() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(4, 6, 5),
        nn.ReLU(),
        nn.Conv1d(6, 6, 3),
        nn.ReLU(inplace=True),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(54, 1),
    ).eval()


class Functional(nn.Module):
    """The layers of `modules`, with a rectifier and checks of values of one's own."""

    def __init__(self, relu=F.relu, check=None) -> None:
        super().__init__()
        self.net, self.relu, self.check = modules(), relu, check

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.net[2](self.relu(self.net[0](x)))
        if self.check is not None:
            self.check(x, h)
        return self.net[6](F.max_pool1d(torch.relu(h), 2).flatten(1))


class Outer(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x)


def part_scripted() -> nn.Module:
    net = modules()
    return nn.Sequential(net[0], torch.jit.script(net[1]), *net[2:])


def compiled_in_place() -> nn.Module:
    net = modules()
    net[2].compile()
    net.compile()
    return net


def exported() -> nn.Module:
    batch = torch.export.Dim("batch")
    return torch.export.export(modules(), (one_hot(),), dynamic_shapes=({0: batch},)).module()


FORMS = {
    "functional": Functional,
    "method": lambda: Functional(lambda h: h.relu()),
    "in place": lambda: Functional(lambda h: h.relu_()),
    "clamp": lambda: Functional(lambda h: torch.clamp(h, min=0)),
    "TorchScript part": part_scripted,
    "TorchScript": lambda: torch.jit.script(modules()),
    "TorchScript inside": lambda: Outer(torch.jit.script(modules())),
    "traced": lambda: Outer(torch.jit.trace(modules(), one_hot())),
    "compiled": lambda: torch.compile(modules()),
    "compiled inside": lambda: Outer(torch.compile(modules())),
    "compiled in place": compiled_in_place,
    "exported": exported,
    "exported inside": lambda: Outer(exported()),
}


# no module is called that convolves, where Grad-CAM could look
NO_MODULE = {
    *("functional", "method", "in place", "clamp"),
    *("TorchScript", "TorchScript inside", "traced", "exported", "exported inside"),
}


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def expected() -> dict[str, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {m: se.attribute(modules(), one_hot(), m, **OPTIONS) for m in METHODS}


def state(model: nn.Module) -> list[object]:
    """What a caller would notice: modes, flags, hooks, parts and devices."""
    found: list[object] = []
    for name, module in model.named_modules():
        hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
        hooks += len(module._backward_hooks)
        found.append((name, id(module), module.training, hooks))
    found += [(n, p.requires_grad, p.grad, p.device) for n, p in model.named_parameters()]
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_method_gives_what_modules_give(form, expected):
    model, X = FORMS[form](), one_hot()
    before = state(model)
    for method in METHODS:
        guided = method in ("guided_backprop", "deconvolution")
        if guided and ("TorchScript" in form or form == "traced"):
            with pytest.raises(SeqexplainerError, match="TorchScript part of the model"):
                se.attribute(model, X, method, **OPTIONS)
        elif method == "grad_cam" and form in NO_MODULE:
            with pytest.raises(SeqexplainerError, match="convolution"):
                se.attribute(model, X, method, **OPTIONS)
        else:
            found = se.attribute(model, X, method, **OPTIONS)
            scale = float(expected[method].abs().max()) + 1e-12
            # what is not seen is integrated over, which is exact but not DeepLIFT's rescale rule
            whole = method.startswith("deep_lift") and ("Script" in form or form == "traced")
            if not whole:
                torch.testing.assert_close(
                    found, expected[method], rtol=1e-4, atol=1e-4 * scale, msg=f"{form}, {method}"
                )
        assert state(model) == before, method


@pytest.mark.parametrize("form", [f for f in FORMS if "Script" in f or f == "traced"])
def test_deeplift_adds_up_over_what_it_cannot_see(form):
    """A TorchScript part is one operation, over which gradients are integrated."""
    X = one_hot()
    options = {"return_delta": True, "on_delta": "raise", "delta_tolerance": 0.02}
    found = se.attribute(FORMS[form](), X, "deep_lift", **options)
    blank = se.predict(modules(), torch.zeros_like(X))[:, 0]
    total = se.predict(modules(), X)[:, 0] - blank
    torch.testing.assert_close(found.attributions.sum(dim=(1, 2)), total, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_other_verbs_take_every_form(form):
    model, plain, X = FORMS[form](), modules(), one_hot()
    torch.testing.assert_close(se.predict(model, X), se.predict(plain, X))
    for engine in ("auto", "window", "plain"):
        found = se.saturation_mutagenesis(model, X, target=0, engine=engine)
        torch.testing.assert_close(
            found, se.saturation_mutagenesis(plain, X, target=0), rtol=1e-4, atol=1e-5
        )
    found = se.marginalize(model, X, "GATA", n_resamples=9).effect
    np.testing.assert_allclose(found, se.marginalize(plain, X, "GATA").effect, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_gives_float32(method, dtype, expected):
    found = se.attribute(modules().to(dtype), one_hot(), method, **OPTIONS)
    assert found.dtype == torch.float32
    assert bool(found.isfinite().all())
    if method not in ("gradient_shap", "smoothgrad", "sis"):
        scale = float(expected[method].abs().max())
        assert float((found - expected[method]).abs().mean()) < 0.2 * scale


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_by_everything(dtype):
    a = se.attribute(modules(), one_hot(), n_references=2).to(dtype)
    assert len(se.recursive_seqlets(a, threshold=0.5)) == len(
        se.recursive_seqlets(a.float(), threshold=0.5)
    )
    assert se.metrics.position_auprc(a, torch.ones(3, LENGTH)).tolist() == [1.0] * 3
    assert se.predict(modules().to(dtype), one_hot()).shape == (3, 1)
    assert se.saturation_mutagenesis(modules().to(dtype), one_hot()).dtype == torch.float32


class Failing(nn.Module):
    """Raises in the middle, from a call on."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.net, self.left = modules(), after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.net[1](self.net[0](x))
        self.left -= 1
        if self.left < 0:
            raise KeyError("the model's own")
        return self.net[2:](h)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("method", [*METHODS, "predict", "mutagenesis", "blame"])
def test_a_model_that_raises_is_left_as_it_was(method, after):
    model = Failing(after).train()
    next(model.parameters()).requires_grad_(False)
    before = state(model)
    run = {
        "predict": lambda: se.predict(model, one_hot(), batch_size=1),
        "mutagenesis": lambda: se.saturation_mutagenesis(model, one_hot()),
        # a delta beyond the tolerance makes it look for the operation, which sets hooks
        "blame": lambda: se.attribute(model, one_hot(), delta_tolerance=-1.0, n_references=2),
    }.get(method, lambda: se.attribute(model, one_hot(), method, batch_size=1, **OPTIONS))
    with pytest.raises(KeyError, match="the model's own"):
        run()
    assert state(model) == before


def _asserts_values(x, h):
    assert float(x.max()) <= 1
    assert x.min() >= 0
    assert ((x == 0) | (x == 1)).all()
    assert torch.isfinite(h).all()
    assert not torch.isnan(h).any()
    assert h.abs().max() < 1e4
    assert h.std() > 0


def _branches(x, h):
    if x.sum() < 0 or h.mean().item() > 1e6:
        raise ValueError("unlikely")
    assert len(x.shape) == 3
    assert x.detach().cpu().numpy().ndim == 3
    assert sum(h[0, 0].tolist()) < 1e6


@pytest.mark.parametrize("check", [_asserts_values, _branches])
@pytest.mark.parametrize("method", ["deep_lift", "deep_lift_shap", "saliency", "ism", "occlusion"])
def test_values_may_be_asked_for_in_forward(method, check):
    """Asserts and branches that look at a whole batch say nothing of a single output."""
    X = one_hot()
    for engine_like in (1, 64):
        found = se.attribute(
            Functional(check=check), X, method, n_references=2, batch_size=engine_like
        )
        expected = se.attribute(modules(), X, method, n_references=2)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_what_mixes_the_batch_is_refused_only_where_it_counts():
    class Normed(nn.Module):
        def forward(self, x):
            h = x.sum(dim=1) * torch.arange(LENGTH) + x[:, 0]
            return (h / h.max()).sum(dim=1)

    with pytest.raises(SeqexplainerError, match="mixes"):
        se.attribute(Normed(), one_hot(), n_references=2)


def test_an_operation_is_named_only_if_it_explains_the_delta():
    @torch.jit.script
    def unseen(h: torch.Tensor) -> torch.Tensor:
        return torch.relu(h - 0.1) * 3

    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = modules()

        def forward(self, x):
            return self.net[2:](unseen(self.net[0](x)))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        se.attribute(Hidden(), one_hot(), n_references=2)
    told = [str(w.message) for w in caught if w.category is se.CompletenessWarning]
    assert len(told) == 1
    assert "no single operation that is seen explains it" in told[0]


@pytest.mark.parametrize("how", ["zero", "dinuc_shuffle", "array"])
def test_references_that_equal_their_sequence_are_told(how):
    X = one_hot()
    X[1] = F.one_hot(torch.arange(LENGTH) % 4, 4).T.float()  # has no other dinucleotide shuffle
    references = X.unsqueeze(1).clone()
    if how == "zero":
        X[1] = 0
    references[[0, 2]] = 0
    chosen = references if how == "array" else how
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = se.attribute(modules(), X, references=chosen, n_references=3)
    told = [str(w.message) for w in caught if w.category is se.ReferenceWarning]
    assert len(told) == 1
    assert "1 of 3 sequences" in told[0]
    assert "sequence 1)" in told[0]
    assert not found[1].any()
    assert found[0].any()


def test_torch_without_stances_explains_what_is_not_compiled(monkeypatch, expected) -> None:
    """As torch 2.5, which cannot leave compiled parts aside."""
    compiled = compiled_in_place()
    monkeypatch.delattr(torch.compiler, "set_stance", raising=False)
    method = next(iter(METHODS))
    found = se.attribute(modules(), one_hot(), method, **OPTIONS)
    torch.testing.assert_close(found, expected[method])
    with pytest.raises(se.errors.GraphError, match="is compiled, and torch"):
        se.attribute(compiled, one_hot(), method, **OPTIONS)
