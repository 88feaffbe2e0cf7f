"""Outputs by number and name, and what is said where none of several is chosen."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from eugene.errors import EugeneError
from eugene.interpret import (
    attribute_sdata,
    attribute_sequences,
    evolve_seqs_sdata,
    evolve_sequences,
    feature_implant_seq_sdata,
    one_hot,
    positional_gia_sdata,
    slide_motifs,
)
from eugene.interpret._targets import chosen_targets, output_number
from eugene.nn import InputShapeError
from eugene.simulate import simulated
from seqexplainer.errors import TargetWarning


class _Module(torch.nn.Module):
    """A module as `SequenceModule` is one: a network in ``arch``, and names of its outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.arch = torch.nn.Sequential(
            torch.nn.Conv1d(4, 3, 5), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(2)
        )
        self.arch(torch.zeros(1, 4, 150))
        self.target_names = ["dev", "hk"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.arch(x)


DS = simulated(6, 150, seed=0)
X = one_hot(DS)
CALLS = {
    "attribute_sequences": lambda m, **o: attribute_sequences(
        m, X, methods=["saliency", "ism"], batch_size=2, **o
    )["saliency"],
    "slide_motifs": lambda m, **o: slide_motifs(
        m, X, ["TGACT", "CCGGA"], n_backgrounds=2, stride=48, **o
    )["mean"],
    "evolve_sequences": lambda m, **o: evolve_sequences(m, X[:2], rounds=2, **o)["score"],
    "attribute_sdata": lambda m, **o: attribute_sdata(
        m, DS, method="Saliency", chunk_size=2, copy=True, **o
    )["Saliency_attrs"],
    "evolve_seqs_sdata": lambda m, **o: evolve_seqs_sdata(m, DS, rounds=1, copy=True, **o)[
        "evolved_1_score"
    ],
    "positional_gia_sdata": lambda m, **o: positional_gia_sdata(m, DS, "TGACT", stride=48, **o),
    "feature_implant_seq_sdata": lambda m, **o: feature_implant_seq_sdata(
        m, DS, "TGACT", stride=48, **o
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_output_that_is_explained_is_named(name):
    module = _Module().eval()
    with pytest.warns(TargetWarning, match=r"output 0 \(dev\) is explained.*1 \(hk\)") as told:
        unsaid = CALLS[name](module)
    assert len([w for w in told if issubclass(w.category, TargetWarning)]) == 1
    np.testing.assert_allclose(unsaid, CALLS[name](module, target=0), rtol=1e-5, atol=1e-7)
    assert not np.allclose(unsaid, CALLS[name](module, target=1), rtol=1e-2)


def test_files_say_the_name():
    module = _Module().eval()
    found = attribute_sequences(module, X[:1], methods=["saliency"], target=1)
    assert found["saliency"].attrs["target_name"] == "hk"


def test_outputs_by_name(caplog):
    names = ["dev", "hk"]
    assert chosen_targets("hk", None, names) == {"": 1}
    assert chosen_targets(["hk", 0], None, names) == {"1": 1, "0": 0}
    with pytest.raises(EugeneError, match=r"no output 'hkk'; did you mean 'hk'.*0 \(dev\), 1"):
        output_number("hkk", names)
    with pytest.raises(EugeneError, match=r"no output 2; expected .* 0 \(dev\), 1 \(hk\)"):
        output_number(2, names)
    with pytest.raises(EugeneError, match="expected a number"):
        output_number("hk", [])
    assert not caplog.records
    with caplog.at_level(logging.WARNING, logger="eugene.interpret"):
        assert chosen_targets(None, None, names) == {"": 0}
    assert "output 0 (dev) is explained" in caplog.text


@pytest.mark.parametrize("name", CALLS)
def test_another_length_is_said_and_any_length_goes_on(name):
    module = _Module().eval()
    module.arch.input_len = 149
    with pytest.raises(InputShapeError, match="are 150 bp long, the network reads 149 bp"):
        CALLS[name](module, target=0)
    module.arch.length_free = True
    CALLS[name](module, target=0)
