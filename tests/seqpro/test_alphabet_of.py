"""One judge of alphabets: names, attributes, models, and what letters show."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import seqpro as sp
from seqpro.errors import AlphabetError

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def letters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), "S1").reshape(1, -1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("DNA", "ACGT"),
        ("rna", "ACGU"),
        ("AA", RESIDUES + "*"),
        ("protein", RESIDUES + "*"),
        (RESIDUES, RESIDUES),
        ("TGCA", "TGCA"),
        (sp.RNA, "ACGU"),
        (SimpleNamespace(alphabet="ACGU"), "ACGU"),
        (SimpleNamespace(alphabet=sp.AA), RESIDUES + "*"),
        (xr.DataArray(letters("ACGT"), attrs={"alphabet": "ACGU"}), "ACGU"),
        (xr.DataArray(np.zeros((2, 4, 7), np.uint8), dims=("n", "_ohe", "l")), "ACGT"),
        (xr.DataArray(np.zeros((2, 7, 21), np.uint8), dims=("n", "l", "_ohe")), RESIDUES + "*"),
        (xr.DataArray(np.zeros((2, 7, 20), np.uint8), dims=("n", "l", "_ohe")), RESIDUES),
        (letters("ACGTNacgt"), "ACGT"),
        (letters("ACGUNacgu"), "ACGU"),
        (letters("acgu").view(np.uint8), "ACGU"),
        (letters("GGCC"), "ACGT"),
        (letters("ACGTRYKM" + "ACGT" * 20), "ACGT"),
        (letters("MKVLAAGEFIPQ\0\0"), RESIDUES + "*"),
        (letters("\0\0"), "ACGT"),
    ],
)
def test_the_alphabet_of(source: object, expected: str) -> None:
    assert sp.alphabet_of(source).alphabet == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (letters("ACGTU"), r"both T \(1\) and U \(1\)"),
        (letters("ACGTACGTEFIL"), "too few for DNA"),
        (SimpleNamespace(), "nothing says"),
    ],
)
def test_what_contradicts_itself_is_refused(source: object, message: str) -> None:
    with pytest.raises(AlphabetError, match=message):
        sp.alphabet_of(source)


@pytest.mark.parametrize("said", ["DNA", "RNA", "AA"])
@pytest.mark.parametrize("held", ["DNA", "RNA", "AA"])
@pytest.mark.parametrize("lower", [False, True])
def test_letters_that_contradict_what_is_said(said: str, held: str, lower: bool) -> None:
    alphabet = sp.alphabet_of(held)
    made = sp.random_seqs((3000, 50), alphabet, seed=1)
    made = np.char.lower(made) if lower else made
    # every base is a residue, too: letters alone do not show that these are no protein
    if said == held or said == "AA":
        sp.check_letters(made, said)
        return
    with pytest.raises(AlphabetError) as caught:
        sp.check_letters(made, said)
    assert f"alphabet={held!r}" in str(caught.value)
    foreign = set(alphabet.alphabet) - set(sp.alphabet_of(said).alphabet + "NRYSWKMBDHV*")
    upper = np.char.upper(made)
    count = sum(int((upper == letter.encode()).sum()) for letter in foreign)
    assert f"{count} of their 150000 letters" in str(caught.value)


@pytest.mark.parametrize("alphabet", [sp.DNA, sp.RNA, sp.AA, sp.alphabet_of(RESIDUES)])
def test_unknown_columns_become_the_letter_for_any(alphabet: object) -> None:
    encoded = np.zeros((2, len(alphabet)), np.uint8)
    encoded[0, 0] = 1
    wild = "X" if len(alphabet) > 4 else "N"
    assert sp.decode_ohe(encoded, -1, alphabet).tobytes().decode() == "A" + wild


def test_letters_in_an_array_of_objects_are_read_as_letters() -> None:
    letters = np.array([["A", "C"], ["G", "U"]], dtype=object)
    with pytest.raises(sp.errors.AlphabetError, match="1 of their 4 letters are 'U'"):
        sp.check_letters(letters, sp.DNA)
