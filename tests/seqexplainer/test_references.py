"""References: shape, content, and independence of the batch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqexplainer import references
from seqexplainer.errors import InputError


def encode(*sequences: str) -> np.ndarray:
    table = {letter: np.eye(4, dtype=np.uint8)[i] for i, letter in enumerate("ACGT")}
    empty = np.zeros(4, dtype=np.uint8)
    return np.stack([np.stack([table.get(c, empty) for c in s], axis=1) for s in sequences])


def decode(onehot) -> list[str]:
    array = np.asarray(onehot).reshape(-1, *np.shape(onehot)[-2:])
    return [
        "".join("ACGT"[int(c.argmax())] if c.any() else "N" for c in matrix.T) for matrix in array
    ]


def pairs(sequence: str) -> Counter:
    return Counter(sequence[i : i + 2] for i in range(len(sequence) - 1))


X = encode("ACGTTGCAACGGT", "TTTTTGACNNACG", "GGGCGCGCGGATT")


@given(st.lists(st.text("ACGT", min_size=6, max_size=6), min_size=1, max_size=4), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_shuffles_keep_pairs_and_depend_on_their_sequence_only(sequences, seed):
    found = references.dinuc_shuffle(encode(*sequences), n=3, seed=seed)
    for i, sequence in enumerate(sequences):
        assert all(pairs(s) == pairs(sequence) for s in decode(found[i]))
        alone = references.dinuc_shuffle(encode(sequence), n=5, seed=seed)[0, :3]
        assert torch.equal(found[i], alone)


def test_seeds_and_draws_differ():
    long = encode("ACGTTGCAACGGTACGATCGATTACGGACT")
    a, b = (references.dinuc_shuffle(long, n=20, seed=seed) for seed in (0, 1))
    assert not torch.equal(a, b)
    assert len(set(decode(a))) > 10
    assert torch.equal(a, references.dinuc_shuffle(long, n=20))


def test_unknown_letters_stay():
    assert all(s[8:10] == "NN" for s in decode(references.dinuc_shuffle(X[1:2], n=4)))
    assert all(s[8:10] == "NN" for s in decode(references.shuffle(X[1:2], n=4)))


def test_every_shuffle_is_reached():
    found = references.dinuc_shuffle(encode("ACCCACGATGATA"), n=3000, seed=0)
    assert len(set(decode(found))) == 72


def test_gc_content():
    column = references.gc(X)[:, 0, :, 0]
    assert column[0].tolist() == pytest.approx([3 / 13, 3.5 / 13, 3.5 / 13, 3 / 13])
    assert column[1].tolist() == pytest.approx([7 / 22, 2 / 11, 2 / 11, 7 / 22])
    nothing = np.zeros((1, 4, 3), dtype=np.uint8)
    assert references.gc(nothing).flatten().tolist() == [0] * 12


@pytest.mark.parametrize("name", ["zero", "uniform", "gc"])
def test_named_references_have_one_each(name):
    found = references.make(X, name)
    assert found.shape == (3, 1, 4, 13)
    known = torch.from_numpy(X.any(axis=1))
    expected = torch.zeros(3, 13) if name == "zero" else known.float()
    assert not known.all()
    assert torch.allclose(found.sum(dim=2)[:, 0], expected)


def test_arrays_and_functions():
    given_ = torch.rand(3, 2, 4, 13)
    assert torch.equal(references.make(X, given_), given_)
    assert references.make(X, X).shape == (3, 1, 4, 13)
    assert references.make(X, lambda x: x * 0).shape == (3, 1, 4, 13)
    seen = {}

    def function(x, n, seed):
        seen.update(n=n, seed=seed)
        return torch.zeros(len(x), n, *x.shape[1:])

    assert references.make(X, function, n=4, seed=7).shape == (3, 4, 4, 13)
    assert seen == {"n": 4, "seed": 7}
    assert references.make(X, references.dinuc_shuffle, n=2).shape == (3, 2, 4, 13)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("dinucshuffle", "did you mean 'dinuc_shuffle'"),
        (np.zeros((2, 1, 4, 13)), "must have shape"),
        (np.zeros((3, 0, 4, 13)), "must have shape"),
        (np.zeros((3, 1, 4, 12)), "must have shape"),
    ],
)
def test_wrong_references(reference, message):
    with pytest.raises(InputError, match=message):
        references.make(X, reference)


def test_shuffles_keep_the_pairs_of_residues():
    protein = np.eye(20, dtype=np.uint8)[np.random.default_rng(0).integers(4, size=(2, 30))]
    shuffled = references.dinuc_shuffle(protein.swapaxes(1, 2), n=3, seed=1).numpy()
    assert shuffled.shape == (2, 3, 20, 30)
    for row, copies in zip(protein.argmax(axis=2), shuffled.argmax(axis=2), strict=True):
        pairs = sorted(zip(row[:-1].tolist(), row[1:].tolist(), strict=True))
        for copy in copies:
            assert sorted(zip(copy[:-1].tolist(), copy[1:].tolist(), strict=True)) == pairs
        assert (copies != row).any()


def test_shuffles_need_letters():
    with pytest.raises(InputError, match="7 letters a position: nothing says which"):
        references.dinuc_shuffle(np.zeros((1, 7, 5)))
    with pytest.raises(InputError, match="needs DNA"):
        references.gc(np.zeros((1, 20, 5)))
    with pytest.raises(InputError, match="at least 1"):
        references.dinuc_shuffle(X, n=0)
