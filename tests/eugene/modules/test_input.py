"""Sequences in every form that people hold them in give the same predictions, or a clear no."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import eugene as eu
import seqpro as sp
from eugene.errors import EugeneError

L = 30
WORDS = ["".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), (5, L))]
LETTERS = np.array([list(w) for w in WORDS], dtype="S1")
ONE_HOT = sp.ohe(LETTERS, sp.DNA)  # (N, L, 4)
VARIABLE = xr.DataArray(LETTERS, dims=("_sequence", "_length"), name="seq")
HOT = xr.DataArray(ONE_HOT, dims=("_sequence", "_length", "_ohe"), name="ohe_seq")


@pytest.fixture(scope="module")
def module() -> Any:
    return eu.models.SequenceModule(
        {"name": "deepbind", "input_len": L, "output_dim": 1, "seed": 1}
    ).eval()


FORMS: dict[str, Any] = {
    "strings": WORDS,
    "tuple": tuple(WORDS),
    "bytes": [w.encode() for w in WORDS],
    "lower case": [w.lower() for w in WORDS],
    "array of U": np.array(WORDS),
    "array of S": np.array(WORDS, dtype="S"),
    "array of objects": np.array(WORDS, dtype=object),
    "numpy strings": [np.str_(w) for w in WORDS],
    "series": pd.Series(WORDS),
    "string series": pd.Series(WORDS, dtype="string"),
    "index": pd.Index(WORDS),
    "lists of letters": [list(w) for w in WORDS],
    "letters U1": np.array([list(w) for w in WORDS]),
    "letters S1": LETTERS,
    "letters S1, turned": np.asfortranarray(LETTERS),
    "objects a letter": np.array([list(w) for w in WORDS], dtype=object),
    "bytes as uint8": LETTERS.view("u1"),
    "tensor of bytes": torch.from_numpy(LETTERS.view("u1").copy()),
    "variable": VARIABLE,
    "variable of U1": VARIABLE.astype("U1"),
    "one-hot variable": HOT,
    "one-hot variable, turned": HOT.transpose("_sequence", "_ohe", "_length"),
    "dataset": VARIABLE.to_dataset(),
    "one-hot": ONE_HOT.swapaxes(1, 2),
    "one-hot floats": ONE_HOT.swapaxes(1, 2).astype(float),
    "one-hot bools": ONE_HOT.swapaxes(1, 2).astype(bool),
    "one-hot lists": ONE_HOT.swapaxes(1, 2).tolist(),
    "one-hot, big-endian": ONE_HOT.swapaxes(1, 2).astype(">f8"),
    "one-hot tensor": torch.from_numpy(ONE_HOT.swapaxes(1, 2).copy()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form: str, module: Any) -> None:
    x = torch.from_numpy(ONE_HOT.swapaxes(1, 2).astype(np.float32).copy())
    with torch.no_grad():
        expected = module.eval()(x)
    np.testing.assert_allclose(module.predict(FORMS[form]), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(module.predict(FORMS[form], 2), expected, rtol=1e-5, atol=1e-6)


def test_one_sequence_alone(module: Any) -> None:
    torch.testing.assert_close(module.predict(WORDS[2]), module.predict(WORDS)[2:3])


WRONG: dict[str, tuple[Any, str]] = {
    "None": (None, "cannot be read from a NoneType"),
    "a number": (3, "cannot be read from a int"),
    "a dict": ({"seq": WORDS}, "cannot be read from a dict"),
    "a table": (pd.DataFrame({"seq": WORDS}), "a table has no one column"),
    "two lengths": ([WORDS[0], WORDS[1][:-3]], "sequence 1 is 27 bp long, sequence 0 30 bp"),
    "lists of two lengths": ([list(WORDS[0]), list(WORDS[1][:-3])], "sequence 1 is 27 bp long"),
    "a missing one": ([WORDS[0], None], "sequence 1 is None, no text"),
    "a missing one of a series": (pd.Series([WORDS[0], np.nan]), "sequence 1 is nan, no text"),
    "not ASCII": (["Ä" * L], "holds letters outside ASCII"),
    "nothing": ([], "there is no sequence"),
    "one one-hot sequence": (ONE_HOT[0].T.astype(float), r"x\[None\]"),
    "tokens": (np.zeros((2, L), dtype=int), "letters as numbers are uint8"),
    "four axes": (np.zeros((1, 2, 4, L)), r"shape \(1, 2, 4, 30\)"),
    "dates": (np.zeros((2, L), dtype="M8[s]"), "dtype datetime64"),
    "axes the other way": (ONE_HOT, "swapaxes"),
    "another length": ([w + "A" for w in WORDS], None),
    "a dataset without": (VARIABLE.rename("x").to_dataset(), "no variable 'seq'"),
}  # fmt: skip


@pytest.mark.parametrize("form", WRONG)
def test_what_cannot_be_read_is_told(form: str, module: Any) -> None:
    x, words = WRONG[form]
    if words is None:  # DeepBind reads any length
        assert module.predict(x).shape == (5, 1)
        return
    with pytest.raises(EugeneError, match=words):
        module.predict(x)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "device='gpu' cannot be used"),
        ({"device": "cuda:99"}, "device='cuda:99' cannot be used"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1"),
    ],
)
def test_wrong_options_are_told(options: dict[str, Any], words: str, module: Any) -> None:
    with pytest.raises(EugeneError, match=words):
        module.predict(WORDS, **options)
    with pytest.raises(EugeneError, match=words):
        eu.evaluate.predictions(module, VARIABLE.to_dataset(), **options)


@pytest.mark.parametrize(
    "dims",
    [
        ("_sequence", "_length", "_ohe"),
        ("_ohe", "_sequence", "_length"),
        ("_sequence", "_ohe", "_length"),
    ],
)
def test_predictions_read_one_hot_by_its_names(dims: tuple[str, ...], module: Any) -> None:
    ds = HOT.transpose(*dims).to_dataset()
    table = eu.evaluate.predictions(module, ds, seq_var="ohe_seq")
    np.testing.assert_allclose(table.to_numpy(), module.predict(WORDS), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["S1", "U1", "object", "u1"])
def test_letters_of_a_dataset_in_every_dtype(kind: str, module: Any) -> None:
    values = LETTERS.view("u1") if kind == "u1" else LETTERS.astype("U1").astype(kind)
    ds = xr.Dataset({"seq": (("_sequence", "_length"), values)})
    expected = module.predict(WORDS)
    table = eu.evaluate.predictions(module, ds)
    np.testing.assert_allclose(table.to_numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(eu.interpret.one_hot(ds), ONE_HOT.swapaxes(1, 2))


@pytest.mark.parametrize("data", [None, WORDS, ONE_HOT, pd.DataFrame({"seq": WORDS})])
def test_predictions_of_something_else(data: Any, module: Any) -> None:
    with pytest.raises(EugeneError, match="a dataset, a datamodule or a loader, got"):
        eu.evaluate.predictions(module, data)
