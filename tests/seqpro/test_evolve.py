"""Letters changed by augmentations against a slow reading of the rules, letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

import seqpro as sp
from seqpro import kernels, random
from seqpro.transforms import plans
from seqpro.transforms.evolution import (
    Augmentation,
    Deletion,
    Insertion,
    Inversion,
    Length,
    Mutation,
    ReverseComplement,
    Scope,
    Translocation,
    WindowedTranslocation,
    grown,
)

MASK = (1 << 64) - 1
PAIRS = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
ALL = [Deletion(0, 12), Insertion(0, 9), Translocation(0, 11), Inversion(0, 15), Mutation(0.1),
       ReverseComplement(0.5)]  # fmt: skip
LISTS = {
    "in order": ALL,
    "backwards": ALL[::-1],
    "mutations first": [Mutation(0.3), *ALL[:4], Mutation(0.02), Insertion(3, 3), ALL[5]],
    "nearly all mutated": [Inversion(5, 20), Mutation(0.7), Deletion(1, 8), ReverseComplement(1.0)],
    "all mutated": [Mutation(0.75), WindowedTranslocation(0, 7), Insertion(0, 20)],
}


def mix(x: int) -> int:
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@dataclass
class Stream:
    """The numbers of one row, counter by counter."""

    state: int

    def at(self, counter: int) -> Stream:
        return Stream(mix(self.state ^ mix(counter + 0x9E3779B97F4A7C15)))

    def below(self, place: int, bound: int) -> int:
        return ((mix(self.state + place * 0x9E3779B97F4A7C15) >> 32) * bound) >> 32

    def uniform(self, counter: int) -> float:
        return (self.at(counter).state >> 11) / 2**53


def changed(
    seq: str, listed: Sequence[Augmentation], own: Stream, first: Stream, hard: bool, most: int,
    scope: Scope, length: Length,
) -> str:  # fmt: skip
    """Change one sequence as the documentation of each augmentation says."""
    choice = own if scope == "sequence" else first
    share = first if scope == "batch" else own
    whole = len(seq) + grown(listed, length)
    number = min(most, len(listed))
    number = number if hard else 1 + int(choice.uniform(0) * number)
    ranked = sorted(range(len(listed)), key=lambda k: choice.uniform(1 + 3 * k))
    for k, a in enumerate(listed):
        if k not in ranked[:number]:
            continue
        much, where, n = share.uniform(2 + 3 * k), share.uniform(3 + 3 * k), len(seq)
        drawn = own.at(kernels.LETTERS + k)
        letters = ["ACGT"[drawn.below(p, 4)] for p in range(n + a.added)]
        if isinstance(a, Deletion | Insertion | Inversion):
            size = a.min_length + int(much * (a.max_length - a.min_length + 1))
            at = int(where * (n if isinstance(a, Insertion) else n - a.max_length + 1))
        if isinstance(a, Deletion):
            front = size // 2
            rest = seq[:at] + seq[at + size :]
            seq = "".join(letters[:front]) + rest
            seq += "".join(letters[len(seq) : n])
        elif isinstance(a, Insertion):
            front = -(size // 2) if length == "keep" else (a.max_length - size) // 2
            longer: list[str | None] = [*seq[:at], *[None] * size, *seq[at:]]
            longer = [None] * front + longer if front > 0 else longer[-front:]
            after = n if length == "keep" else n + a.max_length
            longer = (longer + [None] * after)[:after]
            seq = "".join(letters[p] if c is None else c for p, c in enumerate(longer))
        elif isinstance(a, WindowedTranslocation):
            shift = int(much * 2 * a.max_shift) - a.max_shift
            seq = "".join(seq[(p - shift) % n] for p in range(n))
        elif isinstance(a, Translocation):
            shift = a.min_shift + int(much * (a.max_shift - a.min_shift + 1))
            shift *= -1 if where < 0.5 else 1
            seq = "".join(seq[(p - shift) % n] for p in range(n))
        elif isinstance(a, Inversion):
            turned = "".join(PAIRS[c] for c in seq[at : at + size][::-1])
            seq = seq[:at] + turned + seq[at + size :]
        elif isinstance(a, Mutation):
            count = round(a.fraction / 0.75 * n)
            stream, sites, place = own.at(kernels.SITES + k), set(), 0
            while len(sites) < min(count, n - count):
                sites.add(stream.below(place, n))
                place += 1
            if count > n - count:
                sites = set(range(n)) - sites
            seq = "".join(letters[p] if p in sites else c for p, c in enumerate(seq))
        elif much < a.probability:
            seq = "".join(PAIRS[c] for c in seq[::-1])
    missing, drawn = whole - len(seq), own.at(kernels.PADDING)
    front = missing // 2 if length == "pad_both" else 0
    pad = ["ACGT"[drawn.below(p, 4)] for p in range(whole)]
    return "".join(pad[:front]) + seq + "".join(pad[front + len(seq) :])


def sequences(lengths: Sequence[int], letters: str = "ACGTN") -> list[str]:
    stream = np.random.default_rng(3)
    return ["".join(stream.choice(list(letters), n)) for n in lengths]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("length", ["pad_end", "pad_both", "keep"])
@pytest.mark.parametrize("scope", ["sequence", "batch-choice", "batch"])
def test_letters_are_those_of_a_slow_reading(name: str, length: Length, scope: Scope) -> None:
    listed, widths = LISTS[name], [40, 20, 33, 40, 21, 27, 40, 38, 25, 40, 40, 31]
    seqs, rows = sequences(widths), np.arange(70, 82)
    for hard, most in ((True, 3), (False, 9)):
        evolve = sp.transforms.Evolve(
            listed, max_augs=most, hard=hard, scope=scope, length=length, seed=4
        )
        found = evolve(sp.cast_seqs(seqs), row_ids=rows, epoch=6)
        streams = [Stream(int(s)) for s in random.counter_seed(random.epoch_seed(4, 6), rows)]
        for row, seq in enumerate(seqs):
            expected = changed(
                seq, listed, streams[row], streams[0], hard, most, scope, length
            )  # fmt: skip
            assert found[row].tobytes().decode().rstrip("\0") == expected


@pytest.mark.parametrize("length", ["pad_end", "pad_both", "keep"])
def test_maps_say_where_letters_come_from(length: Length) -> None:
    listed, seqs = LISTS["mutations first"], sp.cast_seqs(sequences([40] * 60))
    rules = plans.Rules(listed, plans.Settings(5, False, "sequence", length, sp.DNA))
    changes = rules.draw(1, np.arange(60, dtype=np.uint64), np.array([40]))
    spelt = rules.spell(changes, seqs)
    plan = rules.maps(changes, 40)
    letters = np.frombuffer(b"?ACGT", np.uint8)
    source, drawn = (plan >> 8) - 1, letters[plan & 127]
    shown = np.where(
        plan & 127, drawn, np.take_along_axis(seqs.view(np.uint8), np.maximum(source, 0), 1)
    )
    shown = np.where(plan & 128, sp.DNA.complement_table[shown], shown)
    assert (shown == spelt.view(np.uint8)).all()
    assert (source >= 0).mean() > 0.5
    planes = np.stack([seqs.view(np.uint8) == c for c in b"ACGT"], axis=1).astype(np.float64)
    out = rules.move(changes, planes)
    expected = np.stack([spelt.view(np.uint8) == c for c in b"ACGT"], axis=1)
    assert (out == expected).all()


@pytest.mark.parametrize("scope", ["sequence", "batch-choice", "batch"])
@pytest.mark.parametrize("length", ["pad_both", "keep"])
def test_compiled_draws_are_those_of_the_rules(scope: Scope, length: Length) -> None:
    listed = [*ALL, WindowedTranslocation(2, 9), Insertion(5, 7)]
    rows, lengths = np.arange(500, dtype=np.uint64), 20 + np.arange(500) % 31
    for hard in (True, False):
        rules = plans.Rules(listed, plans.Settings(4, hard, scope, length, sp.DNA))
        found = rules.draw(9, rows, lengths)
        drawn = plans.draw(
            listed, plans.uniforms(9, rows, len(listed), scope), lengths * 1.0,
            max_augs=4, hard=hard, length=length,
        )  # fmt: skip
        columns = (drawn.selected, drawn.amount, drawn.start, drawn.before)
        for place, values in enumerate(columns):
            assert (found.table[:, :, place] == np.stack(values, axis=1)).all()
        assert (found.missing == drawn.missing).all()
        assert (found.states == random.counter_seed(9, rows)).all()


def test_a_class_of_ones_own_is_drawn_by_its_own_rule() -> None:
    @dataclass(frozen=True)
    class Short(Deletion):
        def amount(self, uniform, where, length):  # type: ignore[no-untyped-def]
            return uniform * 0 + 2

    seqs = sp.cast_seqs(["A" * 30] * 50)
    rules = plans.Rules([Short(0, 20)], plans.Settings(1, True, "sequence", "keep", sp.DNA))
    assert not rules.at_once
    found = rules.draw(0, np.arange(50, dtype=np.uint64), np.array([30]))
    assert (found.table[:, 0, 1] == 2).all()
    assert len(np.unique(found.table[:, 0, 2])) > 5
    assert ((rules.spell(found, seqs) == b"A").sum(axis=1) >= 28).all()


def test_what_does_not_fit_is_refused() -> None:
    @dataclass(frozen=True)
    class Long(Insertion):
        def amount(self, uniform, where, length):  # type: ignore[no-untyped-def]
            return uniform * 0 + 9

    settings = plans.Settings(1, True, "sequence", "pad_end", sp.DNA)
    rules, rows = plans.Rules([Insertion(0, 4)], settings), np.arange(3, dtype=np.uint64)
    changes = rules.draw(0, rows, np.array([5, 7, 6]))
    for shape in ((3, 6), (2, 7)):
        with pytest.raises(sp.errors.SeqproError, match="drawn for 3 rows of at most 7 bp"):
            rules.spell(changes, np.full(shape, b"A", "S1"))
        with pytest.raises(sp.errors.SeqproError, match="drawn for 3 rows of at most 7 bp"):
            rules.evolve(0, rows, np.array([5, 7, 6]), np.zeros((shape[0], 4, shape[1])))
    with pytest.raises(sp.errors.SeqproError, match="3 rows, and lengths of 2"):
        rules.draw(0, rows, np.array([5, 7]))
    with pytest.raises(sp.errors.SeqproError, match=r"drew 9 bp .* within its longest, 4 bp"):
        plans.Rules([Long(0, 4)], settings).draw(0, rows, np.array([20]))


def test_mutated_places_are_any() -> None:
    rules = plans.Rules([Mutation(0.3)], plans.Settings(1, True, "sequence", "keep", sp.DNA))
    n = 20_000
    seqs = np.full((n, 10), b"N", "S1")
    changes = rules.draw(3, np.arange(n, dtype=np.uint64), np.array([10]))
    mutated = rules.spell(changes, seqs) != b"N"
    assert (mutated.sum(axis=1) == 4).all()
    # each of the 210 choices of four places is as likely as any other
    kinds = np.bincount(mutated @ (1 << np.arange(10)), minlength=1024)
    kinds = kinds[kinds > 0]
    assert len(kinds) == 210
    assert stats.chisquare(kinds).pvalue > 1e-3
    letters = np.bincount(rules.spell(changes, seqs)[mutated].view(np.uint8))[list(b"ACGT")]
    assert stats.chisquare(letters).pvalue > 1e-3


def test_normal_numbers_are_normal() -> None:
    streams = random.counter_seed(5, np.arange(400))
    found = np.zeros((400, 5, 500), np.float32)
    kernels.add_normal(streams, found)
    values = found.astype(np.float64).ravel()
    assert stats.kstest(values, "norm").pvalue > 1e-3
    assert abs(values.mean()) < 4 / 1000
    assert abs(values.std() - 1) < 4 / 1414
    for bound in (2.0, 3.0, 4.0):
        expected = len(values) * stats.norm.sf(bound)
        for tail in ((values > bound).sum(), (values < -bound).sum()):
            assert abs(tail - expected) < 5 * np.sqrt(expected)
    # neighbours in position, plane and row know nothing of each other
    for one, other in (
        (found[:, :, 1:], found[:, :, :-1]),
        (found[:, 1:], found[:, :-1]),
        (found[1:], found[:-1]),
        (found[:, 1:] ** 2, found[:, :-1] ** 2),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / 900
    # what is drawn for a place does not depend on how wide rows are
    narrow = np.zeros((400, 5, 17), np.float32)
    kernels.add_normal(streams, narrow)
    assert (narrow == found[:, :, :17]).all()


def test_normal_numbers_are_those_of_box_and_muller() -> None:
    streams = random.counter_seed(2, np.arange(50))
    found = np.zeros((50, 2, 1000), np.float32)
    kernels.add_normal(streams, found)
    bits = np.array(
        [[mix(int(s) + p * 0x9E3779B97F4A7C15) for p in range(1000)] for s in streams], np.uint64
    )
    first = ((bits >> np.uint64(40)).astype(np.float32) + np.float32(0.5)).astype(float) * 2.0**-24
    radius = np.sqrt(-2 * np.log(first))
    angle = 2 * np.pi * (bits & np.uint64(0xFFFFFF)).astype(float) * 2.0**-24
    np.testing.assert_allclose(found[:, 0], radius * np.cos(angle), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], radius * np.sin(angle), atol=1e-6)


def test_seeds_of_epochs_are_counted() -> None:
    for seed, epoch in ((0, 1), (7, 3), (-1, 12), (1 << 63, 5), (np.int64(4), np.int64(2))):
        assert random.epoch_seed(seed, epoch) == int(random.counter_seed(seed, epoch))
    assert random.epoch_seed(11, 0) == 11


def test_sequences_beside_the_first_have_its_shape() -> None:
    evolve = sp.transforms.Evolve([Deletion(0, 3)], "dna", "dna", seed=0)
    both = evolve(sp.cast_seqs(["ACGTA"]), sp.cast_seqs(["TTTTT"]))
    assert [b.shape for b in both] == [(1, 5), (1, 5)]
    with pytest.raises(sp.errors.SeqproError, match=r"shape \(1, 5\), got one of shape \(1, 4\)"):
        evolve(sp.cast_seqs(["ACGTA"]), sp.cast_seqs(["TTTT"]))
