"""K-mer divergence against the original's numbers (A1, A4) and plain loops."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import plain_acme

import seqexplainer as se
import seqpro as sp
from seqexplainer.errors import InputError
from seqexplainer.metrics import _kernels, _maps, kmer_kld

CASES = [("raw", 3, 0.9), ("raw", 6, 0.9), ("raw", 6, 0.8)]
CASES += [("corrected", k, threshold) for _, k, threshold in CASES]


def drawn(seed, n=12, length=50, levels=None):
    """Return maps (n, 4, length), with ties if they have few levels, and their one-hot letters."""
    rng = np.random.default_rng(seed)
    attr = rng.normal(size=(n, 4, length))
    if levels:
        attr = rng.integers(-levels, levels + 1, attr.shape).astype(float)
    return attr, sp.ohe(sp.random_seqs((n, length), sp.DNA, seed=seed), sp.DNA).swapaxes(1, 2)


@pytest.fixture(scope="module")
def golden(golden_files):
    return json.loads((golden_files / "acme.json").read_text())


@pytest.mark.parametrize("compat", [None, "acme"])
@pytest.mark.parametrize(("kind", "k", "threshold"), CASES)
def test_numbers_of_the_original(golden_files, golden, kind, k, threshold, compat):
    """A1; its maps are stored as multiples of 1/512, which leaves all blocks as they are."""
    stored = np.load(golden_files / "acme_kmers.npz")
    found = kmer_kld(
        stored["attr_512"],
        stored["letters"],
        k=k,
        threshold=threshold,
        gradient_correction=kind == "corrected",
        compat=compat,
    )
    expected = golden["noise"][f"kmer_{kind}_k{k}_t{threshold}"]
    assert found.kld == pytest.approx(expected["kld"], abs=1e-9)
    assert round(found.kld, 3) == expected["kld_rounded"]
    assert (found.n_blocks, found.n_letters) == (expected["n_blocks"], expected["n_nt"])


@pytest.mark.parametrize(("kind", "k", "threshold"), CASES)
def test_shares_and_cuts_of_the_original(shared_data, golden, kind, k, threshold):
    """A1 on the maps as they were."""
    stored = np.load(shared_data.parent / "golden" / "acme" / "acme_noise.npz")
    attr = stored["A" if kind == "raw" else "load_data_normalized"].swapaxes(1, 2)
    found = kmer_kld(attr, stored["X"].swapaxes(1, 2), k=k, threshold=threshold)
    name = f"kmer_{kind}_k{k}_t{threshold}"
    assert found.kld == pytest.approx(golden["noise"][name]["kld"], abs=1e-9)
    assert np.allclose(found.freq, stored[f"{name}_freq"], rtol=0, atol=1e-12)
    assert np.allclose(found.prior, stored[f"{name}_prior"], rtol=0, atol=1e-12)
    assert np.allclose(found.cuts, stored[f"{name}_cutoff"], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("compat", "blocks"), [("acme", "original_blocks"), (None, "blocks_if_zero_seq_removed")]
)
def test_a_map_of_zeros_moves_no_other(golden_files, golden, compat, blocks):
    """A4: with compat, later maps are read on the sequence before their own."""
    stored = np.load(golden_files / "acme_zero_map.npz")
    found = kmer_kld(stored["attr"], stored["letters"], k=3, compat=compat)
    expected = golden["zero_map"][blocks]
    assert np.array_equal(found.counts, plain_acme.count_kmers(expected, 3))
    assert found.n_blocks == len(expected)
    assert found.n_letters == sum(map(len, expected))
    assert found.n_empty == 1
    assert "1 of 6 maps have no position above the threshold" in found.warnings[0]


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 6),
    threshold=st.sampled_from([0.0, 0.5, 0.75, 0.9, 1.0]),
    levels=st.sampled_from([None, 1, 3]),
    length=st.sampled_from([6, 9, 41]),
)
@settings(max_examples=40, deadline=None)
def test_blocks_equal_plain_loops(seed, k, threshold, levels, length):
    """With ties at the cut, blocks that touch or run to the end, and maps that hold nothing."""
    attr, X = drawn(seed, 7, length, levels)
    attr[seed % 7] = 0
    attr[(seed + 3) % 7, 1, 2] = np.nan
    found = kmer_kld(attr, X, k=k, threshold=threshold)
    rows = X.swapaxes(1, 2)
    with np.errstate(invalid="ignore"):
        expected = plain_acme.kmers(
            attr.swapaxes(1, 2), rows, k, threshold, plain_acme.prior_of(rows, k)
        )
    assert found.n_blocks == len(expected.blocks)
    assert found.n_letters == sum(map(len, expected.blocks))
    assert np.array_equal(found.counts, plain_acme.count_kmers(expected.blocks, k))
    assert found.kld == pytest.approx(expected.kld, abs=1e-12, nan_ok=True)
    assert np.allclose(found.freq, expected.freq, equal_nan=True)
    assert np.allclose(found.prior, expected.prior)


def test_no_block_is_long_enough():
    attr, X = drawn(1)
    found = kmer_kld(attr, X, k=6, threshold=1.0)
    assert np.isnan(found.kld)
    assert np.isnan(found.freq).all()
    assert (found.n_kmers, found.n_empty, found.top()) == (0, 12, [])
    assert "no block is 6 letters long" in found.warnings[1]


def test_letters_in_any_form():
    attr, X = drawn(2)
    letters = sp.decode_ohe(X, ohe_axis=1)
    texts = [row.tobytes().decode() for row in letters]
    whole = kmer_kld(attr, X, k=3)
    forms = [letters, letters.view(np.uint8), texts, np.array(texts), [t.encode() for t in texts]]
    forms += [[text.lower() for text in texts], torch.from_numpy(X).float(), X.astype(bool)]
    for form in forms:
        assert np.array_equal(kmer_kld(torch.from_numpy(attr), form, k=3).counts, whole.counts)


def test_unknown_letters_do_not_count():
    attr = np.ones((1, 4, 9))
    attr[0, :, 1:] = 2
    found = kmer_kld(attr, ["ACGTNACGT"], k=3, threshold=0)
    assert found.n_letters == 8
    assert {word: n for word, n, _ in found.top()} == {"CGT": 2, "ACG": 1}
    assert found.prior.sum() == pytest.approx(1)


class Disk:
    """An array that is read some rows at a time."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.most = 0

    def __getitem__(self, rows):
        part = self.values[rows]
        self.most = max(self.most, len(part))
        return part


@pytest.mark.parametrize("compat", [None, "acme"])
def test_rows_are_streamed(monkeypatch, compat):
    attr, X = drawn(3, 40)
    attr[[4, 17]] = 0
    whole = kmer_kld(attr, X, k=3, null="shuffled", n_null=3, compat=compat)
    monkeypatch.setattr(_maps, "_POSITIONS", 350)
    monkeypatch.setattr(_maps, "_FROM_DISK", 1)
    maps, sequences = Disk(attr), Disk(X)
    parts = kmer_kld(maps, sequences, k=3, null="shuffled", n_null=3, compat=compat)
    assert maps.most == sequences.most == 7
    assert np.array_equal(parts.counts, whole.counts)
    assert np.array_equal(parts.cuts, whole.cuts)
    assert np.array_equal(parts.null, whole.null) or compat


def planted(n):
    """Return maps that are high under the same eight letters of each sequence."""
    attr, X = drawn(4, n, 60)
    X[:, :, 30:38] = np.eye(4, dtype=np.uint8)[[0, 1, 2, 3, 3, 1, 1, 0]].T
    attr[:, :, 30:38] *= 3
    return attr, X


def test_planted_words_stand_out_of_moved_maps():
    motif = kmer_kld(*planted(100), k=4, null="shuffled")
    noise = kmer_kld(*drawn(5, 100, 60), k=4, null="shuffled")
    assert motif.z > 10
    assert abs(noise.z) < 4
    assert noise.kld > 0.2  # though there is nothing: few k-mers
    assert motif.z == (motif.kld - motif.null.mean()) / motif.null.std(ddof=1)
    assert len(motif.null) == 20
    assert {word for word, _, _ in motif.top(3)} <= {"ACGT", "CGTT", "GTTC", "TTCC", "TCCA"}
    again = kmer_kld(*drawn(5, 100, 60), k=4, null="shuffled", seed=1)
    assert not np.array_equal(again.null, noise.null)


def test_small_sample_corrections():
    attr, X = drawn(6, 60, 60)
    plain = kmer_kld(attr, X, k=3)
    less = kmer_kld(attr, X, k=3, correction="miller_madow")
    seen = np.count_nonzero(plain.counts)
    assert less.kld == pytest.approx(plain.kld - (seen - 1) / (2 * plain.n_kmers), abs=1e-12)
    assert abs(less.kld) < plain.kld / 3
    more = kmer_kld(attr, X, k=3, pseudocount=0.5)
    whole = sp.kmer_spectrum(sp.decode_ohe(X, ohe_axis=1), 3, normalize=False)
    f = (plain.counts + 0.5) / (plain.n_kmers + 32)
    q = (whole + 0.5) / (whole.sum() + 32)
    assert more.kld == pytest.approx(np.sum(f * np.log(f / q)), abs=1e-12)
    assert more.freq.sum() == pytest.approx(1)


def test_too_few_kmers_are_told(caplog):
    few = kmer_kld(*drawn(7), k=6)
    assert "40,960 are wanted for k=6" in few.warnings[-1]
    assert few.warnings[-1] in caplog.text
    enough = kmer_kld(*drawn(7, 60), k=1)
    assert enough.warnings == ()


def test_what_cannot_be_compared_is_told():
    attr, X = drawn(8, 60)
    first = kmer_kld(attr, X, k=2)
    assert se.metrics.incomparable({"a": first, "b": kmer_kld(-attr, X, k=2)}) == ()
    found = se.metrics.incomparable({"a": first, "b": kmer_kld(attr[:50], X[:50], k=3)})
    assert found[0].startswith("n_seqs differ (a 60, b 50)")
    assert found[1].startswith("k differs (a 2, b 3)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attr": np.zeros((12, 50, 4))}, "use attr.swapaxes"),
        ({"attr": np.zeros((4, 50))}, "add a first axis"),
        ({"attr": np.zeros((0, 4, 50))}, "attr is empty"),
        ({"attr": np.zeros((12, 4, 50), complex)}, "real numbers"),
        ({"X": np.zeros((12, 50, 4), np.uint8)}, "use X.swapaxes"),
        ({"X": np.zeros((12, 4, 49), np.uint8)}, r"X must have shape \(12, 4, 50\)"),
        ({"X": ["ACGT"] * 12}, r"got \(12, 4\)"),
        ({"X": ["ACGT", "ACG"]}, "3 to 4 letters long"),
        ({"X": "ACGT"}, "X is one text"),
        ({"X": np.zeros((12, 50))}, "letters in X must be S1"),
        ({"X": np.full((12, 4, 50), 0.3)}, "not one-hot"),
        ({"k": 51}, "k is 51, the maps are 50"),
        ({"k": 0}, "k must be at least 1"),
        ({"k": 14}, "268,435,456 k-mers are more"),
        ({"k": 12, "null": "shuffled"}, "of 21 draws are more"),
        ({"threshold": 1.1}, "threshold is 1.1; expected a number from 0 to 1"),
        ({"threshold": np.nan}, "threshold is nan"),
        ({"buffer": -1}, "buffer is -1"),
        ({"pseudocount": -1.0}, "pseudocount is -1"),
        ({"correction": "miller"}, "did you mean 'miller_madow'"),
        ({"null": "shuffle"}, "did you mean 'shuffled'"),
        ({"null": "shuffled", "n_null": 1}, "at least 2 draws"),
        ({"compat": "acne"}, "did you mean 'acme'"),
    ],
)
def test_wrong_arguments(change, message):
    attr, X = drawn(9)
    options = {"attr": attr, "X": X, **change}
    with pytest.raises(InputError, match=message):
        kmer_kld(options.pop("attr"), options.pop("X"), **options)


@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 2, 3, 10, 49]),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0]),
    st.sampled_from([None, 1, 4]),
)
@settings(max_examples=60, deadline=None)
def test_quantiles_are_those_of_numpy_to_the_last_bit(seed, length, share, levels):
    rng = np.random.default_rng(seed)
    shape = (3, length)
    values = rng.normal(size=shape) if levels is None else rng.integers(0, levels, shape) * 1.0
    out = np.empty(3)
    _kernels.row_quantiles(values, share, out)
    assert np.array_equal(out, np.quantile(values, share, axis=1))
