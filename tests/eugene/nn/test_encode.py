"""One-hot on the device agrees with seqpro."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from eugene.nn import InputShapeError, ohe_bytes


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ACGTNacgtnRY", min_size=7, max_size=7), min_size=1, max_size=5))
def test_agrees_with_seqpro(texts: list[str]) -> None:
    letters = np.array([list(text) for text in texts], dtype="S1")
    expected = sp.ohe(letters, sp.DNA).swapaxes(1, 2)
    found = ohe_bytes(torch.from_numpy(letters.view("u1")))
    np.testing.assert_array_equal(found.numpy(), expected)
    assert found.dtype == torch.float32


def test_unknown_letters_can_be_uniform_but_padding_stays_zero() -> None:
    bytes_ = torch.tensor([[ord("A"), ord("N"), 0]], dtype=torch.uint8)
    found = ohe_bytes(bytes_, unknown="uniform")
    assert found[0, :, 0].tolist() == [1, 0, 0, 0]
    assert found[0, :, 1].tolist() == [0.25] * 4
    assert found[0, :, 2].tolist() == [0] * 4


def test_other_alphabets() -> None:
    found = ohe_bytes(torch.tensor([[ord("u"), ord("T")]], dtype=torch.uint8), "ACGU")
    assert found[0].T.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("bad", [torch.zeros(2, 3), torch.zeros(2, 4, 3, dtype=torch.uint8)])
def test_refuses_what_is_not_letters(bad: torch.Tensor) -> None:
    with pytest.raises(InputShapeError, match="uint8 tensor of shape"):
        ohe_bytes(bad)


def test_refuses_unknown_rules() -> None:
    with pytest.raises(InputShapeError, match="'zero' or 'uniform'"):
        ohe_bytes(torch.zeros(1, 1, dtype=torch.uint8), unknown="drop")
