"""A network of several outputs, and no target: what is explained is said, once, everywhere."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
import torch

import seqexplainer as se
from seqexplainer.errors import TargetError, TargetWarning

SAID = "2 outputs and no target is given: output 0 is explained"


class _Two(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv1d(4, 6, 5, padding=2)
        self.head = torch.nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.conv(x)).mean(dim=2))


def _X(n: int = 5, length: int = 24) -> torch.Tensor:
    codes = np.random.default_rng(0).integers(0, 4, (n, length))
    return torch.eye(4)[codes].swapaxes(1, 2)


_PLACES = pd.DataFrame(
    [(row, 3 + 6 * i, 8 + 6 * i, f"box{i}", 1.0) for i in range(2) for row in range(5)],
    columns=["sequence", "start", "end", "motif", "attribution"],
)
CALLS = {
    "attribute": lambda net, **o: se.attribute(net, _X(), batch_size=2, n_references=2, **o),
    "layer_attribution": lambda net, **o: se.layer_attribution(
        net, _X(), "conv", method="LayerActivation", **o
    ),
    "sufficient_input_subsets": lambda net, **o: se.sufficient_input_subsets(
        net, _X(2), threshold=-0.1, batch_size=1, **o
    ).labels(),
    "translational_robustness": lambda net, **o: (
        se.metrics.translational_robustness(
            net, _X(), "saliency", n_shifts=2, max_shift=2, batch_size=2, **o
        ).mean
    ),
    "ablate": lambda net, **o: se.ablate(net, _X(), (3, 9), n=2, batch_size=2, **o).effect,
    "ablate_sites": lambda net, **o: (
        se.perturb.ablate_sites(
            net, _X(), [(i, 3, 9) for i in range(5)], n=2, batch_size=2, **o
        ).effect
    ),
    "occlude": lambda net, **o: se.occlude(net, _X(), width=8, batch_size=2, **o).effect,
    "marginalize": lambda net, **o: se.marginalize(net, _X(), "TGACT", batch_size=2, **o).effect,
    "positional_importance": lambda net, **o: (
        se.positional_importance(net, _X(), "TGACT", stride=6, batch_size=2, **o).effect
    ),
    "space": lambda net, **o: (
        se.space(
            net, _X(), "TGACT", "CCGG", distances=[6, 8], orders=["AB"], anchor=4, batch_size=2, **o
        ).effect
    ),
    "cooperativity": lambda net, **o: (
        se.cooperativity(
            net, _X(), "TGACT", "CCGG", distances=[6, 8], anchor=4, batch_size=2, **o
        ).excess
    ),
    "epistasis": lambda net, **o: (
        se.epistasis(net, _X(), [("A", 3), ("GATA", 9)], batch_size=2, **o).interaction
    ),
    "motif_summary": lambda net, **o: se.motif_summary(
        _X(), {"seqlets": _PLACES}, model=net, n=2, min_sequences=2, **o
    )["change"],
    "evolve": lambda net, **o: se.evolve(net, _X(2), rounds=2, batch_size=2, **o).scores,
    "design": lambda net, **o: (
        se.design(net, _X(2), method="greedy", rounds=2, batch_size=2, **o).scores
    ),
}
ALL_OUTPUTS = {"saturation_mutagenesis", "variant_effects"}
WHOLE_PROFILE = {"footprint"}  # refuses a target


def test_every_function_with_a_target_is_walked():
    places = (se, se.perturb, se.metrics)
    found = {
        name
        for place in places
        for name in dir(place)
        if name[0] != "_" and inspect.isfunction(function := getattr(place, name, None))
        if "target" in inspect.signature(function).parameters
        if function.__module__.startswith("seqexplainer")
    }
    assert found == set(CALLS) | ALL_OUTPUTS | WHOLE_PROFILE


@pytest.mark.parametrize("name", CALLS)
def test_the_first_of_several_outputs_is_said_once(name):
    net = _Two().eval()
    with pytest.warns(TargetWarning, match=SAID) as told:
        unsaid = CALLS[name](net)
    assert len([w for w in told if issubclass(w.category, TargetWarning)]) == 1
    said = CALLS[name](net, target=0)
    other = CALLS[name](net, target=1)
    np.testing.assert_allclose(np.asarray(unsaid), np.asarray(said), rtol=1e-5, atol=1e-7)
    if name not in ("layer_attribution", "sufficient_input_subsets"):  # of no output; of few bases
        assert not np.allclose(np.asarray(said), np.asarray(other), rtol=1e-2)


@pytest.mark.filterwarnings("ignore:2 of 2 sequences have no sufficient")
@pytest.mark.parametrize("method", ["deep_lift_shap", "saliency", "ism", "sis", "grad_cam"])
def test_no_method_is_silent(method):
    with pytest.warns(TargetWarning, match=SAID):
        se.attribute(_Two().eval(), _X(2), method, n_references=2)


def test_one_output_needs_no_word(recwarn):
    net = torch.nn.Sequential(_Two(), torch.nn.Linear(2, 1)).eval()
    for call in CALLS.values():
        if call is not CALLS["layer_attribution"]:
            call(net)
    assert not [w for w in recwarn if issubclass(w.category, TargetWarning)]


def test_mutagenesis_gives_every_output():
    net = _Two().eval()
    every = se.saturation_mutagenesis(net, _X(2))
    assert every.shape[-1] == 2
    torch.testing.assert_close(every[..., 1], se.saturation_mutagenesis(net, _X(2), target=1))


def test_names_and_outputs_that_are_no_numbers():
    said = se.OnlyOutput(["dev", "hk"]).message(2)
    assert "output 0 (dev)" in said and "1 (hk)" in said
    with pytest.raises(TargetError, match="no target is given"):
        se.OnlyOutput()(torch.zeros(2, 3, 4))
