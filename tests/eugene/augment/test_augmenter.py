"""The augmenter against EvoAug's own results, against plain Python, and between its two paths."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

import seqpro as sp
from eugene.augment import (
    Augmenter,
    Deletion,
    Homologs,
    Insertion,
    Inversion,
    Mutation,
    Noise,
    ReverseComplement,
    Translocation,
    _rows,
)
from eugene.augment._move import move_one_hot
from eugene.augment._plan import maps
from eugene.augment._replay import draw_one
from eugene.errors import EugeneError
from eugene.nn import ohe_bytes
from seqpro.transforms import plans
from seqpro.transforms.evolution import Augmentation, Length, Scope

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evoaug_replay.json").read_text())
ALL = [
    Deletion(0, 30),
    Insertion(0, 20),
    Translocation(0, 20),
    Inversion(0, 20),
    Mutation(0.05),
    ReverseComplement(0.5),
]
TURNED = [ALL[5], ALL[4], ALL[1], ALL[3], Insertion(2, 5), ALL[0], ALL[2]]


def sequences(n: int, length: int) -> torch.Tensor:
    stream = torch.Generator().manual_seed(11)
    return torch.nn.functional.one_hot(
        torch.randint(4, (n, length), generator=stream), 4
    ).mT.float()


def letters_of(x: torch.Tensor) -> torch.Tensor:
    return torch.tensor(list(b"ACGT"), dtype=torch.uint8)[x.argmax(1)]


def digest(x: torch.Tensor) -> str:
    return hashlib.sha256(x.argmax(1).to(torch.uint8).numpy().tobytes()).hexdigest()


ALONE = {
    "deletion": Deletion(0, 20),
    "insertion": Insertion(0, 20),
    "translocation": Translocation(0, 20),
    "inversion": Inversion(0, 20),
    "mutation": Mutation(0.05),
    "reverse_complement": ReverseComplement(0.5),
}


@pytest.mark.parametrize("name", ALONE)
def test_each_rule_equals_evoaug_on_4000_sequences(name: str) -> None:
    augmentation, n = ALONE[name], 4000
    amount, start, letters = draw_one(augmentation, n, 4, 100, torch.Generator().manual_seed(0))
    length, selected = torch.full((n,), 100), torch.ones(n, dtype=torch.bool)
    if name == "reverse_complement":
        selected = amount > 0
    drawn = plans.Drawn([selected], [amount], [start], [length], length * 0)
    plan = maps(
        [augmentation], drawn, length, length * 0, 100 + augmentation.added,
        alphabet=sp.DNA, length="pad_end", given=[letters, torch.zeros(n, 1, dtype=torch.int64)],
    )  # fmt: skip
    changed = move_one_hot(sequences(n, 100), plan, turned=True)
    assert digest(changed) == GOLDEN["alone (4000 x 100, torch seed 0)"][name]


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("program", ["evoaug", "evoaug2"])
def test_compat_gives_what_the_original_programs_give(program: str, hard: bool) -> None:
    key = next(k for k in GOLDEN if k.split(" ")[0] == program)
    x = sequences(64, 249)
    for name, listed in {"all": ALL, "moved": [Translocation(0, 20), Deletion(5, 30)]}.items():
        changed = Augmenter(listed, max_augs=2, hard=hard, seed=3, compat=program)(x)
        assert digest(changed) == GOLDEN[key][f"{name} {hard}"]
    noisy = Augmenter(
        [ALL[0], ALL[1], Noise(0, 0.2)], max_augs=2, hard=hard, seed=3, compat=program
    )
    changed = noisy(x)
    found = [float(v) for v in (changed.sum(), (changed**2).sum(), changed[5].sum())]
    np.testing.assert_allclose(found, GOLDEN[key][f"noise {hard}"], rtol=1e-6)


def off_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every batch take the way that batches on another device take."""
    made = _rows.Rows.__init__

    def init(self: _rows.Rows, ids: torch.Tensor, seed: int) -> None:
        made(self, ids, seed)
        self.on_cpu = False

    monkeypatch.setattr(_rows.Rows, "__init__", init)


@pytest.mark.parametrize("length", ["pad_end", "pad_both", "keep"])
@pytest.mark.parametrize("scope", ["sequence", "batch-choice", "batch"])
@pytest.mark.parametrize("listed", [ALL, TURNED], ids=["all", "turned"])
def test_every_path_gives_the_same_letters(
    listed: list[Augmentation], scope: Scope, length: Length, monkeypatch: pytest.MonkeyPatch
) -> None:
    augment = Augmenter(listed, max_augs=5, hard=False, length=length, scope=scope, seed=5)
    x, rows = sequences(40, 60), torch.arange(100, 140)
    letters = letters_of(x)
    one_hot = augment(x, rows, epoch=2)
    assert torch.equal(one_hot, ohe_bytes(augment(letters, rows, epoch=2)))
    assert torch.equal(one_hot.sum(1), torch.ones(40, 60 + augment.added))
    if scope == "sequence":
        evolve = sp.transforms.Evolve(listed, max_augs=5, hard=False, length=length, seed=5)
        found = evolve(letters.numpy().view("S1"), row_ids=rows.numpy(), epoch=2)
        assert torch.equal(one_hot, ohe_bytes(torch.from_numpy(found.view(np.uint8))))
        # neither the batch around a row nor its place in it changes anything
        assert torch.equal(augment(x[[9, 4]], rows[[9, 4]], epoch=2), one_hot[[9, 4]])
    assert not torch.equal(augment(x, rows, epoch=3), one_hot)
    off_the_cpu(monkeypatch)
    assert torch.equal(augment(x, rows, epoch=2), one_hot)
    assert torch.equal(ohe_bytes(augment(letters, rows, epoch=2)), one_hot)


def changed_by_hand(
    seq: str, listed: list[Augmentation], drawn: plans.Drawn, row: int, length: Length
) -> str:
    """Apply what was drawn to a string; ``?`` is a letter that was put in."""
    pairs = str.maketrans("acgt?", "tgca?")
    for k, a in enumerate(listed):
        if not drawn.selected[k][row]:
            continue
        size, at, n = int(drawn.amount[k][row]), int(drawn.start[k][row]), len(seq)
        if isinstance(a, Deletion):
            rest = seq[:at] + seq[at + size :]
            seq = "?" * (size // 2) + rest + "?" * (size - size // 2)
        elif isinstance(a, Insertion):
            longer = seq[:at] + "?" * size + seq[at:]
            if length == "keep":
                seq = longer[size // 2 :][:n]
            else:
                free = a.max_length - size
                seq = "?" * (free // 2) + longer + "?" * (free - free // 2)
        elif isinstance(a, Translocation):
            seq = seq[-size % n :] + seq[: -size % n]
        elif isinstance(a, Inversion):
            seq = seq[:at] + seq[at : at + size].translate(pairs)[::-1] + seq[at + size :]
        elif isinstance(a, ReverseComplement):
            seq = seq.translate(pairs)[::-1]
    missing = int(drawn.missing[row])
    front = missing // 2 if length == "pad_both" else 0
    return "?" * front + seq + "?" * (missing - front)


@pytest.mark.parametrize("length", ["pad_end", "pad_both", "keep"])
def test_moves_are_those_of_strings(length: Length) -> None:
    listed = [Deletion(0, 9), Insertion(0, 8), ReverseComplement(), Inversion(0, 9),
              Translocation(3, 7), Insertion(1, 4)]  # fmt: skip
    n, rows = 200, np.arange(200, dtype=np.uint64)
    letters = np.random.default_rng(0).choice(np.frombuffer(b"acgt", "S1"), (n, 40))
    augment = Augmenter(listed, max_augs=6, hard=False, length=length, seed=9)
    found = augment(torch.from_numpy(letters.view(np.uint8)), torch.arange(n)).numpy()
    drawn = plans.draw(
        listed, plans.uniforms(9, rows, 6, "sequence"), np.full(n, 40.0),
        max_augs=6, hard=False, length=length,
    )  # fmt: skip
    for row in range(n):
        expected = changed_by_hand(letters[row].tobytes().decode(), listed, drawn, row, length)
        text = found[row].tobytes().decode()
        assert len(text) == len(expected)
        # the letters that were put in are capital
        assert "".join("?" if c.isupper() else c for c in text) == expected


@pytest.mark.parametrize("length", ["pad_end", "keep"])
def test_rows_of_several_lengths_are_changed_as_if_they_were_alone(length: Length) -> None:
    listed = [Deletion(0, 9), Insertion(0, 8), Mutation(0.2), ReverseComplement()]
    augment = Augmenter(listed, max_augs=3, length=length, seed=2)
    x, lengths = letters_of(sequences(12, 50)), torch.arange(20, 32)
    for row, n in enumerate(lengths.tolist()):
        x[row, n:] = 0
    found = augment(x, torch.arange(12), lengths=lengths)
    for row, n in enumerate(lengths.tolist()):
        alone = augment(x[row : row + 1, :n], torch.tensor([row]))[0]
        assert torch.equal(found[row, : n + augment.added], alone)
        assert not found[row, n + augment.added :].any()


def test_numbers_and_kinds_are_drawn_as_told() -> None:
    rows = np.arange(20000, dtype=np.uint64)
    options = {"max_augs": 3, "length": "keep"}
    uniforms, lengths = plans.uniforms(0, rows, 6, "sequence"), np.full(len(rows), 100.0)
    listed = [Deletion(), Insertion(), Translocation(), Inversion(), Mutation(), Noise()]
    hard = plans.draw(listed, uniforms, lengths, hard=True, **options)
    assert set(np.sum(hard.selected, axis=0)) == {3}
    np.testing.assert_allclose(np.mean(hard.selected, axis=1), 0.5, atol=0.02)
    soft = plans.draw(listed, uniforms, lengths, hard=False, **options)
    counts = np.bincount(np.sum(soft.selected, axis=0), minlength=4)
    np.testing.assert_allclose(counts / len(rows), [0, 1 / 3, 1 / 3, 1 / 3], atol=0.02)


def test_distributions_are_those_of_evoaug() -> None:
    x, rows = sequences(4000, 100), torch.arange(4000)
    changed = Augmenter([Mutation(0.05)], max_augs=1)(x, rows)
    counts = (changed != x).any(1).sum(1).double()
    # 7 sites, each changed with chance 3/4
    assert abs(counts.mean() - 5.25) < 0.05
    assert abs(counts.var() / 1.3125 - 1) < 0.1
    shifts = plans.draw(
        [Translocation(0, 20)], plans.uniforms(0, np.arange(20000, dtype=np.uint64), 1, "sequence"),
        np.full(20000, 100.0), max_augs=1, hard=True, length="keep",
    ).amount[0]  # fmt: skip
    expected = np.full(41, 1 / 42)
    expected[20] = 1 / 21
    seen = np.bincount(shifts.astype(int) + 20, minlength=41)
    assert chisquare(seen, expected * len(shifts)).pvalue > 1e-3
    turned = Augmenter([ReverseComplement(0.5)], max_augs=1)(x, rows)
    same, other = (turned == x).all((1, 2)), (turned == x.flip(1, 2)).all((1, 2))
    assert bool((same | other).all())
    assert abs(other.double().mean() - 0.5) < 0.03
    noise = Augmenter([Noise(0.1, 0.2)], max_augs=1)(x, rows) - x
    assert abs(noise.mean() - 0.1) < 0.001
    assert abs(noise.std() - 0.2) < 0.001
    assert abs(torch.corrcoef(torch.stack((noise[:, 0, 0], noise[:, 1, 50])))[0, 1]) < 0.06


def test_noise_changes_chosen_rows_where_there_are_letters() -> None:
    listed = [Translocation(1, 5), Noise(0, 0.5), Insertion(4, 6)]
    augment = Augmenter(listed, max_augs=1, seed=1)
    x = sequences(300, 30)
    changed = augment(x, torch.arange(300))
    noisy = (changed != changed.round()).any(1)
    assert 60 < noisy.any(1).sum() < 140
    # rows with noise had no insertion: they are padded afterwards, by letters
    assert not noisy[:, 30:].any()
    assert bool(noisy[noisy.any(1)][:, :30].all())


def test_padding_is_the_same_for_every_row_and_call() -> None:
    augment = Augmenter([Insertion(0, 20)], pad_seed=4)
    x = sequences(5, 30)
    padded = augment.pad(x)
    assert torch.equal(padded[:, :, :30], x)
    assert torch.equal(padded, augment.pad(x))
    assert torch.equal(padded[:1, :, 30:].expand(5, -1, -1), padded[:, :, 30:])
    assert not torch.equal(Augmenter([Insertion(0, 20)], pad_seed=5).pad(x), padded)
    assert torch.equal(ohe_bytes(augment.pad(letters_of(x))), padded)
    both = Augmenter([Insertion(0, 20)], length="pad_both")
    assert torch.equal(both.pad(x)[:, :, 10:40], x)


def test_unknown_letters_stay_unknown_and_soft_ones_are_moved() -> None:
    letters = torch.full((50, 30), ord("N"), dtype=torch.uint8)
    still = Augmenter([Translocation(), Inversion(), ReverseComplement()], max_augs=3)
    assert bool((still(letters) == ord("N")).all())
    soft = torch.rand(50, 4, 30)
    moved = still(soft, torch.arange(50))
    torch.testing.assert_close(moved.sum((1, 2)), soft.sum((1, 2)))
    # a mutation puts a letter where there was none, as in EvoAug
    assert not bool((Augmenter([Mutation(0.5)], max_augs=1)(letters) == ord("N")).all())


def test_tracks_move_with_their_letters() -> None:
    listed = [Deletion(0, 9), Insertion(0, 8), Inversion(0, 9), Translocation(0, 7),
              ReverseComplement()]  # fmt: skip
    augment = Augmenter(listed, max_augs=3, length="keep", seed=3)
    x, rows = letters_of(sequences(60, 40)), torch.arange(60)
    # each strand's track says its letter, so that what is moved must say the letters that moved
    partner = torch.zeros(256)
    partner[list(b"ACGT")] = torch.tensor(list(b"TGCA"), dtype=torch.float32)
    tracks = torch.stack((x.float(), partner[x.long()]), dim=1)[:, :, 5:35]
    changed, moved = augment(x, rows, targets=tracks, pairs=[1, 0])
    known = ~moved[:, 0].isnan()
    assert 0.5 < known.double().mean() < 1
    assert torch.equal(moved[:, 0][known], changed[:, 5:35].float()[known])
    assert torch.equal(moved[:, 1][known], partner[changed[:, 5:35].long()][known])
    batch = {"seq": x, "index": rows, "target": tracks, "control": tracks[:, :1]}
    with pytest.raises(EugeneError, match="'target' has 2 tracks"):
        augment.augment_batch(batch, 0)
    found = augment.augment_batch(batch, 0, pairs=[1, 0])
    assert torch.equal(found["mask"][:, 0] > 0, known)
    assert not found["control"].isnan().any()


def test_binned_tracks_turn_round_and_are_not_moved() -> None:
    x, bins = letters_of(sequences(20, 64)), torch.rand(20, 2, 4)
    batch = {"seq": x, "index": torch.arange(20), "target": bins}
    turned = Augmenter([ReverseComplement(0.5), Mutation(0.1)], max_augs=2)
    found = turned.augment_batch(batch, 0, pairs=[1, 0], bin_size=16)
    flipped = (found["target"] == bins.flip(2)[:, [1, 0]]).all((1, 2))
    assert bool((flipped | (found["target"] == bins).all((1, 2))).all())
    assert 3 < flipped.sum() < 17
    with pytest.raises(EugeneError, match="binned by 16 bp"):
        Augmenter([Deletion(0, 5)], length="keep").augment_batch(batch, 0, bin_size=16)


def test_homologues_stand_in_for_their_rows() -> None:
    x = letters_of(sequences(400, 20))
    other = {row: ["A" * 20, "C" * 20] for row in range(0, 400, 2)}
    augment = Augmenter([Mutation(0.0)], homologs=Homologs(other), homolog_rate=0.5, seed=1)
    found = augment(x, torch.arange(400))
    assert torch.equal(found[1::2], x[1::2])
    shown = [bytes(row).decode() for row in found[::2]]
    assert abs(shown.count("A" * 20) / 200 - 0.25) < 0.1
    assert abs(shown.count("C" * 20) / 200 - 0.25) < 0.1
    assert torch.equal(augment(x[7:9], torch.tensor([7, 8])), found[7:9])
    with pytest.raises(EugeneError, match="20 bp long, the sequences 30 bp"):
        augment(letters_of(sequences(2, 30)))


@pytest.mark.parametrize("ending", ["fa", "tsv"])
def test_homologues_are_read_by_row(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"homologs.{ending}"
    good = ">0|mm10\nACGT\n>7\nTTTT\n" if ending == "fa" else "row\tseq\n0\tACGT\n7\tTTTT\n"
    path.write_text(good)
    assert Homologs.read(path).counts([0, 7, 8]) == [1, 1, 0]
    path.write_text(good.replace("7", "seven"))
    with pytest.raises(EugeneError, match=r"record 2 .* called 'seven'"):
        Homologs.read(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "the list of augmentations is empty"),
        ((["deltion"],), "no augmentation 'deltion'; did you mean 'deletion'"),
        (([{"name": "mutation", "fraction": 0.9}],), "from 0 to 0.75"),
        (([{"name": "deletion", "max_len": 3}],), "max_len"),
        (([{"name": "reverse_complement", "probability": 1.5}],), "from 0 to 1"),
        (([{"name": "deletion", "min_length": 5, "max_length": 3}],), "0 <= smallest <= largest"),
        (([{"name": "noise", "std": -1}],), "0 or more"),
        (([Insertion(0, 3), Insertion(0, 4)], {"compat": "evoaug"}), "different lengths"),
        (([Inversion()], {"alphabet": "AA"}), "no complement"),
        (([Deletion()], {"max_augs": 0}), "at least 1"),
        (([Deletion()], {"compat": "evoaug2", "scope": "batch"}), "leave them out"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple, message: str) -> None:
    listed, options = (*arguments, {})[:2]
    with pytest.raises(Exception, match=message) as caught:
        Augmenter(listed, **options)
    assert isinstance(caught.value, sp.errors.ToolkitError)


def test_short_sequences_are_named() -> None:
    with pytest.raises(EugeneError, match="at least 30 bp, the shortest sequence has 20"):
        Augmenter([Deletion(0, 30)])(sequences(2, 20))
    x = letters_of(sequences(3, 40))
    with pytest.raises(EugeneError, match="at least 30 bp, row 1 of the batch has 9"):
        Augmenter([Inversion(0, 30)])(x, lengths=torch.tensor([40, 9, 35]))


def test_two_insertions_grow_by_both_and_settings_make_it_again() -> None:
    augment = Augmenter([Insertion(0, 20), Insertion(3, 10), Noise()], max_augs=2, hard=False)
    x = sequences(30, 50)
    assert augment(x).shape == (30, 4, 80)
    again = Augmenter(**augment.settings)
    assert torch.equal(again(x, epoch=4), augment(x, epoch=4))


def test_evoaug_tf_shifts_by_its_own_rule() -> None:
    augment = Augmenter([Translocation(15, 20)], max_augs=1, compat="evoaug-tf")
    x = torch.arange(100, dtype=torch.uint8).expand(2000, -1)
    seen = augment(x, torch.arange(2000))
    shifts = {(100 - int(s)) % 100 for s in (seen[:, 0])}
    assert shifts == {*range(20), *range(80, 100)}
