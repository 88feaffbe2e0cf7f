"""What augmentations did, told afterwards and drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import eugene as eu
import seqpro as sp
from eugene.augment import (
    Augmenter,
    Deletion,
    Insertion,
    Inversion,
    Mutation,
    Noise,
    ReverseComplement,
    Translocation,
)
from eugene.augment._account import FATES, drawn_counts, each_alone
from eugene.errors import EugeneError

SEQUENCE = "".join(np.random.default_rng(3).choice(list("ACGT"), 60))


@pytest.mark.parametrize("scope", ["sequence", "batch-choice", "batch"])
def test_reverse_complements_are_counted_as_they_show(scope: str) -> None:
    # a palindrome-free row shows whether it was turned round, and noise where it is no one-hot
    augment = Augmenter([ReverseComplement(0.5), Noise(std=0.2)], max_augs=2, hard=False, seed=5,
                        scope=scope, length="keep")  # fmt: skip
    x = torch.from_numpy(sp.ohe("AAAAAAAAAC", sp.DNA).T.copy()).float()
    batches = [np.array([4, 9, 0, 7]), np.array([3, 30, 31, 32, 33]), np.array([2])]
    seen = np.zeros(2, int)
    for rows in batches:
        got = augment(x.expand(len(rows), 4, 10).contiguous(), rows=rows, epoch=3)
        # of A at the first place, T after a turn; the largest value is the letter still
        seen[0] += int((got[:, :, 0].argmax(1) == 2).sum())
        seen[1] += int(((got != 0) & (got != 1)).flatten(1).any(1).sum())
    assert drawn_counts(augment, batches, 3) == seen.tolist()
    assert seen.sum() > 0


def test_counts_of_streams_that_depend_on_all_before_are_refused() -> None:
    augment = Augmenter([Deletion(0, 5)], compat="evoaug")
    with pytest.raises(EugeneError, match="cannot be counted afterwards"):
        drawn_counts(augment, [np.arange(3)], 0)


def test_each_augmentation_alone_says_what_happened_to_each_position() -> None:
    listed = [
        Deletion(6, 6), Insertion(8, 8), Translocation(5, 5), Inversion(9, 9), Mutation(0.2),
        ReverseComplement(0.5), Noise(std=0.3),
    ]  # fmt: skip
    found = dict(zip("DITVMRN", each_alone(Augmenter(listed), SEQUENCE, row=2), strict=True))
    texts = {key: one.letters.tobytes().decode() for key, one in found.items()}
    fates = {key: [FATES[code] for code in one.fate] for key, one in found.items()}
    own = str.maketrans("ACGT", "TGCA")
    # a deletion leaves what is not put in: the sequence without 6 letters somewhere
    place = int(found["D"].detail.rpartition(" ")[2])
    assert found["D"].detail.startswith("6 bp from")
    left = "".join(t for t, f in zip(texts["D"], fates["D"], strict=True) if f != "put in")
    assert left == SEQUENCE[:place] + SEQUENCE[place + 6 :]
    assert fates["D"].count("put in") == 6
    assert len(texts["I"]) == 68
    assert fates["I"].count("put in") == 8
    shift = int(found["T"].detail.split()[1])
    assert texts["T"] == "".join(np.roll(list(SEQUENCE), shift))
    at = int(found["V"].detail.rpartition(" ")[2])
    turned = SEQUENCE[at : at + 9].translate(own)[::-1]
    assert texts["V"] == SEQUENCE[:at] + turned + SEQUENCE[at + 9 :]
    assert [i for i, f in enumerate(fates["V"]) if f == "other strand"] == [*range(at, at + 9)]
    differ = [i for i in range(60) if texts["M"][i] != SEQUENCE[i]]
    assert [i for i, f in enumerate(fates["M"]) if f == "mutated"] == differ
    assert texts["R"] == SEQUENCE.translate(own)[::-1]
    assert found["N"].values is not None
    assert found["N"].values.shape == (4, 60)


def test_strips_of_letters_bytes_and_one_hot_are_the_same_picture() -> None:
    import matplotlib.pyplot as plt

    augment = Augmenter([Deletion(2, 9), Noise()])
    one_hot = sp.ohe(SEQUENCE, sp.DNA).T
    pictures = [eu.plot.augmentation_strips(augment, s) for s in (SEQUENCE, one_hot)]
    images = [[i.get_array() for i in f.axes[0].images] for f in pictures]
    assert len(images[0]) == 6  # letters and fates of the original and of two
    assert all(np.array_equal(a, b) for a, b in zip(*images, strict=True))
    labels = [t.get_text().partition("\n")[0] for t in pictures[0].axes[0].get_yticklabels()]
    assert labels == ["original", "deletion", "noise"]
    for figure in pictures:
        plt.close(figure)
    with pytest.raises(EugeneError, match="at least 20 bp"):
        eu.plot.augmentation_strips(Augmenter([Deletion()]), "ACGT")
    with pytest.raises(EugeneError, match="expected letters"):
        eu.plot.augmentation_strips(augment, np.zeros(5))
