"""One-hot and tokens, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
import seqpro.testing as spt
from seqpro.errors import SeqproError

ALPHABETS = [sp.DNA, sp.RNA, sp.AA]
AXES = [(0, 1), (0, 2), (1, 2)]


def slow_ohe(letters, alphabet):
    upper = np.char.upper(letters)
    return (upper[..., None] == alphabet.array).astype(np.uint8)


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda a: a.alphabet)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_ohe_equals_the_obvious_way(alphabet, data):
    letters = data.draw(spt.sequence_arrays(alphabet, unknown="N-?"))
    hot = sp.ohe(letters, alphabet)
    assert hot.dtype == np.uint8
    np.testing.assert_array_equal(hot, slow_ohe(letters, alphabet))


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda a: a.alphabet)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_ohe_round_trip_on_every_axis(alphabet, data):
    letters = data.draw(spt.sequence_arrays(alphabet, unknown="", lower=False))
    hot = sp.ohe(letters, alphabet)
    for axis in range(-3, 3):
        turned = np.moveaxis(hot, -1, axis)
        np.testing.assert_array_equal(sp.decode_ohe(turned, axis, alphabet), letters)
        solid = np.ascontiguousarray(turned)
        np.testing.assert_array_equal(sp.decode_ohe(solid, axis, alphabet), letters)


def test_lower_case_encodes_like_upper():
    np.testing.assert_array_equal(sp.ohe("acgtn"), sp.ohe("ACGTN"))


def test_padding_and_unknown_letters_are_zero():
    hot = sp.ohe(["ACGT", "A"])
    assert hot[1, 1:].sum() == 0
    assert sp.ohe("NRX-.*").sum() == 0


def test_uniform_unknowns():
    hot = sp.ohe("ANr-", sp.DNA, unknown="uniform")
    assert hot.dtype == np.float32
    assert hot.tolist() == [[1, 0, 0, 0], [0.25] * 4, [0.25] * 4, [0] * 4]
    protein = sp.ohe("X", sp.AA, unknown="uniform")
    np.testing.assert_allclose(protein, 1 / 21)
    with pytest.raises(SeqproError, match="'zero' or 'uniform'"):
        sp.ohe("A", sp.DNA, unknown="n")


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (2, 0, 4)])
def test_empty_arrays(shape):
    letters = np.empty(shape, "S1")
    hot = sp.ohe(letters)
    assert hot.shape == (*shape, 4)
    assert sp.decode_ohe(hot).shape == shape
    assert sp.tokenize(letters, {"A": 0}, -1).shape == shape


def test_non_contiguous_input():
    letters = sp.random_seqs((6, 20), sp.DNA, seed=0)
    np.testing.assert_array_equal(sp.ohe(letters[::2, ::-3]), sp.ohe(letters)[::2, ::-3])
    hot = sp.ohe(letters)
    np.testing.assert_array_equal(sp.decode_ohe(hot[::2, ::-3]), letters[::2, ::-3])


def test_decode_last_set_base_wins_whatever_the_value():
    hot = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 7, 0, 0], [255, 255, 255, 255]], np.uint8)
    assert sp.decode_ohe(hot).tobytes() == b"GNCT"
    assert sp.decode_ohe(hot.T, 0).tobytes() == b"GNCT"
    assert sp.decode_ohe(hot, -1, sp.DNA, ".").tobytes() == b"G.CT"
    assert sp.decode_ohe(hot.astype(np.float32)).tobytes() == b"GNCT"
    assert sp.decode_ohe(hot.astype(bool)).tobytes() == b"GNCT"


def test_decode_unaligned_memory():
    raw = np.zeros(1 + 4 * 5, np.uint8)
    raw[1:] = sp.ohe("ACGTN").ravel()
    assert sp.decode_ohe(raw[1:].reshape(5, 4)).tobytes() == b"ACGTN"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: sp.decode_ohe(np.zeros((3, 5), np.uint8)), "5 wide"),
        (lambda: sp.decode_ohe(np.zeros((3, 4), np.uint8), 2), "ohe_axis=2"),
        (lambda: sp.decode_ohe(np.zeros((3, 4), np.uint8), -1, sp.DNA, "NN"), "one ASCII letter"),
        (lambda: sp.decode_ohe(sp.cast_seqs(["ACGT"])), "one-hot array of numbers"),
    ],
)
def test_decode_errors(call, message):
    with pytest.raises(SeqproError, match=message):
        call()


@given(st.lists(spt.sequences(unknown="N#~", lower=True), min_size=1, max_size=8), st.data())
@settings(max_examples=50, deadline=None)
def test_tokens_round_trip(seqs, data):
    letters = sp.cast_seqs(seqs)
    chars = sorted(set("".join(seqs)))
    known = data.draw(st.lists(st.sampled_from(chars), unique=True))
    token_map = {c: 3 * i - 5 for i, c in enumerate(known)}
    tokens = sp.tokenize(letters, token_map, unknown_token=999)
    assert tokens.dtype == np.int32
    mask = np.isin(letters, [c.encode() for c in known])
    assert ((tokens == 999) == ~mask).all()
    expected = np.where(mask, letters, b"?")
    np.testing.assert_array_equal(sp.decode_tokens(tokens, token_map, "?"), expected)


def test_tokenize_into_out():
    letters = sp.cast_seqs(["ACGT", "TTNA"])
    expected = [[0, 1, 2, 3], [3, 3, 9, 0]]
    out = np.zeros((2, 4), np.int32)
    assert sp.tokenize(letters, sp.DNA.token_map, 9, out) is out
    assert out.tolist() == expected
    strided = np.zeros((4, 2), np.int32).T
    assert sp.tokenize(letters, sp.DNA.token_map, 9, strided) is strided
    assert strided.tolist() == expected
    assert sp.tokenize(letters, sp.DNA.token_map, 9, parallel=True).tolist() == expected
    with pytest.raises(SeqproError, match=r"int32 of shape \(2, 4\)"):
        sp.tokenize(letters, sp.DNA.token_map, 9, np.zeros((2, 4), np.int64))


def test_token_errors_and_edges():
    with pytest.raises(SeqproError, match="one ASCII letter, got 'AC'"):
        sp.tokenize("A", {"AC": 1}, 0)
    with pytest.raises(SeqproError, match="does not fit int32"):
        sp.tokenize("A", {"A": 2**31}, 0)
    with pytest.raises(SeqproError, match="takes integers"):
        sp.decode_tokens(np.zeros(2), {"A": 0})
    assert sp.decode_tokens(np.array([5]), {}).tobytes() == b"N"
    assert sp.decode_tokens(np.array([0]), {"A": 0, "a": 0}).tobytes() == b"A"


def test_list_of_strings_equals_array():
    letters = sp.random_seqs((50, 30), sp.DNA, seed=3)
    texts = [row.tobytes().decode() for row in letters]
    np.testing.assert_array_equal(sp.ohe(texts), sp.ohe(letters))
    np.testing.assert_array_equal(sp.ohe([t.encode() for t in texts]), sp.ohe(letters))
    texts[7] = texts[7][:-1]
    texts[8] = texts[8] + "A"
    ragged = sp.ohe(texts)
    assert ragged.shape == (50, 31, 4)
    np.testing.assert_array_equal(ragged[0, :30], sp.ohe(letters[0]))


def test_long_lists_are_encoded_in_pieces():
    letters = sp.random_seqs((300, 1001), sp.DNA, seed=4)
    texts = [row.tobytes().decode() for row in letters]
    np.testing.assert_array_equal(sp.ohe(texts), sp.ohe(letters))
    bad = [*texts[:200], "\u00e9" * 1001]
    with pytest.raises(SeqproError, match="ASCII, got '\u00e9'"):
        sp.ohe(bad)
    with pytest.raises(SeqproError, match="hold strings alike, got list"):
        sp.ohe([*texts, list(texts[0])])


@pytest.mark.parametrize(("token_map", "unknown"), [({"A": 2**40}, 0), ({"A": 0}, 2**40)])
def test_tokens_beyond_int32(token_map, unknown):
    with pytest.raises(SeqproError, match=r"1099511627776.* does not fit int32"):
        sp.tokenize("ACG", token_map, unknown)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_uniform_columns_decode_to_unknown(alphabet):
    letters = sp.cast_seqs(alphabet.alphabet[:3] + alphabet.ambiguous[0])
    hot = sp.ohe(letters, alphabet, unknown="uniform")
    assert sp.decode_ohe(hot, -1, alphabet, ".").tobytes() == letters[:3].tobytes() + b"."


@pytest.mark.parametrize("place", [0, 1023, 1024, 2999])
@pytest.mark.parametrize("column", [[1, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 255], [1, 0, 1, 0]])
def test_decode_odd_columns_among_many(place, column):
    letters = sp.random_seqs(3000, sp.DNA, seed=0)
    hot = sp.ohe(letters)
    hot[place] = column
    hot[place // 2 + 1] = 0
    expected = letters.copy()
    expected[place // 2 + 1] = b"N"
    expected[place] = b"ACGT"[np.flatnonzero(hot[place])[-1] :][:1] if hot[place].any() else b"N"
    np.testing.assert_array_equal(sp.decode_ohe(hot), expected)


# ------------------------------------------------------------------ other axes, out=


@pytest.mark.parametrize("unknown", ["zero", "uniform"])
@pytest.mark.parametrize("alphabet", [*ALPHABETS, sp.NucleotideAlphabet("A-NGCT", "TCGN-A")])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_ohe_on_every_axis(alphabet, unknown, data):
    letters = data.draw(spt.sequence_arrays(alphabet, unknown="N-?\n@"))
    last = sp.ohe(letters, alphabet, unknown=unknown)
    for axis in range(-3, 3):
        hot = sp.ohe(letters, alphabet, unknown=unknown, ohe_axis=axis)
        assert hot.flags.c_contiguous
        assert hot.dtype == last.dtype
        np.testing.assert_array_equal(hot, np.moveaxis(last, -1, axis))


def test_every_byte_on_both_axes():
    letters = np.arange(256, dtype=np.uint8).view("S1")
    both = sp.NucleotideAlphabet("Aa@`", "`@aA")
    for alphabet in (*ALPHABETS, both):
        expected = alphabet.lookup == np.arange(len(alphabet))[:, None]
        np.testing.assert_array_equal(sp.ohe(letters, alphabet, ohe_axis=0), expected)
        np.testing.assert_array_equal(sp.ohe(letters, alphabet), expected.T)


@pytest.mark.parametrize("unknown", ["zero", "uniform"])
@pytest.mark.parametrize("alphabet", [sp.DNA, sp.AA])
@pytest.mark.parametrize("axis", [-1, -2, 0])
def test_ohe_into_out(alphabet, unknown, axis):
    letters = sp.random_seqs((5, 40), alphabet, seed=1)
    letters[2, 3:9] = alphabet.ambiguous[0].encode()
    expected = sp.ohe(letters, alphabet, unknown=unknown, ohe_axis=axis)
    strided = np.full((*expected.shape[:-1], 2 * expected.shape[-1]), 7, expected.dtype)[..., ::2]
    raw = np.full(expected.nbytes + 1, 7, np.uint8)
    odd = raw[1:].view(expected.dtype).reshape(expected.shape)
    for out in (np.full_like(expected, 7), strided, odd):
        assert alphabet.ohe(letters, unknown=unknown, ohe_axis=axis, out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_ohe_into_out_of_strings_and_nothing():
    texts = ["ACGT", "GGTN"]
    out = np.full((2, 4, 4), 7, np.uint8)
    np.testing.assert_array_equal(sp.ohe(texts, out=out), sp.ohe(texts))
    np.testing.assert_array_equal(sp.ohe(texts, ohe_axis=2), sp.ohe(texts))
    np.testing.assert_array_equal(sp.ohe(texts, ohe_axis=1), sp.ohe(texts).swapaxes(1, 2))
    empty = np.empty((0, 4, 9), np.uint8)
    assert sp.ohe(np.empty((0, 9), "S1"), ohe_axis=-2, out=empty) is empty


@pytest.mark.parametrize("axis", [-1, -2])
def test_ohe_into_the_memory_of_its_letters(axis):
    memory = np.zeros((4, 4, 6), np.uint8)
    letters = memory[1].view("S1")
    letters[...] = sp.random_seqs((4, 6), sp.DNA, seed=2)
    expected = sp.ohe(letters.copy(), ohe_axis=axis)
    out = memory.reshape(expected.shape)
    np.testing.assert_array_equal(sp.ohe(letters, ohe_axis=axis, out=out), expected)


def test_ohe_refuses_a_wrong_out():
    letters = sp.cast_seqs("ACG")
    with pytest.raises(SeqproError, match=r"uint8 of shape \(3, 4\), got float32"):
        sp.ohe(letters, out=np.zeros((3, 4), np.float32))
    with pytest.raises(SeqproError, match=r"float32 of shape .* got uint8"):
        sp.ohe(letters, unknown="uniform", out=np.zeros((3, 4), np.uint8))
    with pytest.raises(SeqproError, match=r"of shape \(4, 3\), got uint8 of shape \(3, 4\)"):
        sp.ohe(letters, ohe_axis=0, out=np.zeros((3, 4), np.uint8))
    with pytest.raises(SeqproError, match=r"must be an ndarray of uint8 .* got list"):
        sp.ohe(letters, out=[[0] * 4] * 3)
    fixed = np.zeros((3, 4), np.uint8)
    fixed.flags.writeable = False
    with pytest.raises(SeqproError, match="read-only"):
        sp.ohe(letters, out=fixed)
    with pytest.raises(SeqproError, match="ohe_axis=2 does not exist"):
        sp.ohe(letters, ohe_axis=2)
