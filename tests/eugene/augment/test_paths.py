"""What compiled code makes on the CPU against what torch makes on any device."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from eugene.augment import (
    Augmenter,
    Deletion,
    Draws,
    Insertion,
    Inversion,
    Mutation,
    Noise,
    ReverseComplement,
    Translocation,
    ValueAugmentation,
    _compiled,
    _streams,
)
from eugene.errors import EugeneError
from seqpro.transforms.evolution import Augmentation, Length


@dataclass(frozen=True)
class Fade(ValueAugmentation):
    """A change of values of one's own."""

    strength: float = 0.5

    def change(self, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        return x * (1 - self.strength * draws.uniform(1, x.shape[2]).to(x.dtype))


@dataclass(frozen=True)
class Louder(Noise):
    """Noise whose rule is not that of noise."""

    def change(self, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        return x + 7


MOVES = [Deletion(0, 9), Insertion(0, 8), Translocation(0, 9), Inversion(0, 9), Mutation(0.1),
         ReverseComplement()]  # fmt: skip
LISTS: dict[str, list[Augmentation]] = {
    "noise last": [*MOVES, Noise(0.1, 0.3)],
    "noise alone": [Noise()],
    "noise twice at the end": [Insertion(2, 5), Noise(0, 0.1), Noise(1, 0.0)],
    "noise between": [MOVES[0], Noise(0, 0.2), Fade(), MOVES[1], MOVES[4], Noise(0, 0.1)],
    "noise first": [Noise(0, 0.2), *MOVES],
    "values of one's own": [MOVES[5], Fade(), MOVES[1], Louder(), MOVES[3], Fade(0.1)],
}


def both_ways(
    augment: Augmenter, batch: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, **given
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    here = augment.augment_batch(batch, 3, **given)
    with monkeypatch.context() as patch:
        patch.setattr(_compiled.Compiled, "takes", staticmethod(lambda x: False))
        return here, augment.augment_batch(batch, 3, **given)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("length", ["pad_end", "pad_both", "keep"])
def test_values_are_the_same_on_every_way(
    name: str, length: Length, monkeypatch: pytest.MonkeyPatch
) -> None:
    augment = Augmenter(LISTS[name], max_augs=4, hard=False, length=length, seed=8)
    letters = torch.tensor(list(b"ACGTN"), dtype=torch.uint8)[
        torch.randint(5, (30, 40), generator=torch.Generator().manual_seed(0))
    ]
    widths = torch.randint(20, 41, (30,), generator=torch.Generator().manual_seed(1))
    letters[torch.arange(40) >= widths[:, None]] = 0
    soft = torch.rand(30, 4, 40, generator=torch.Generator().manual_seed(2))
    soft = soft * (letters != 0)[:, None]
    rows = torch.arange(50, 80)
    given = ({"seq": letters}, {"ohe_seq": soft}, {"ohe_seq": soft.double().mT.contiguous().mT})
    for batch in given:
        here, there = both_ways(
            augment, {**batch, "index": rows, "seq_length": widths}, monkeypatch
        )
        assert here["ohe_seq"].dtype == there["ohe_seq"].dtype
        assert torch.equal(here["ohe_seq"], there["ohe_seq"])
        assert torch.equal(here["seq_length"], there["seq_length"])
        # a row alone is changed as it is among others
        few = {key: value[[4, 17]] for key, value in batch.items()}
        alone = augment.augment_batch(
            {**few, "index": rows[[4, 17]], "seq_length": widths[[4, 17]]}, 3
        )
        assert torch.equal(alone["ohe_seq"], here["ohe_seq"][[4, 17]])
        assert all((value == batch[key]).all() for key, value in batch.items())


def test_targets_follow_alike_and_gradients_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    augment = Augmenter([MOVES[0], Noise(0, 0.1), *MOVES[1:]], max_augs=3, length="keep", seed=2)
    x = torch.rand(20, 4, 40, generator=torch.Generator().manual_seed(0))
    batch = {"ohe_seq": x, "index": torch.arange(20), "target": torch.rand(20, 2, 30)}
    here, there = both_ways(augment, batch, monkeypatch, pairs=[1, 0])
    for key in ("ohe_seq", "target", "mask"):
        assert torch.equal(here[key], there[key])
    assert 0.3 < here["mask"].mean() < 1
    followed = x.clone().requires_grad_()
    changed = augment(followed, torch.arange(20), epoch=3)
    assert torch.equal(changed.detach(), here["ohe_seq"])
    changed.sum().backward()
    assert followed.grad is not None
    assert set(followed.grad.unique().tolist()) == {0.0, 1.0}


def test_normal_numbers_of_a_device_are_those_of_the_cpu() -> None:
    states = _streams.row_states(3, torch.arange(200))
    for planes, width in ((4, 300), (3, 7), (1, 1)):
        here = _streams.normal(states, (planes, width))
        there = _streams.normal_on_device(states, planes, width)
        torch.testing.assert_close(here, there, rtol=0, atol=5e-6)
    assert _streams.normal(states, (2, 2, 5)).shape == (200, 2, 2, 5)


def test_batches_that_do_not_fit_are_refused() -> None:
    augment = Augmenter([Deletion(0, 5), Noise()], max_augs=1)
    x = torch.rand(3, 4, 20)
    with pytest.raises(EugeneError, match="3 sequences and 2 rows: expected as many"):
        augment(x, torch.arange(2))
    with pytest.raises(EugeneError, match="3 sequences and 3 rows and 4 lengths"):
        augment(x, lengths=torch.tensor([20, 20, 20, 20]))
    with pytest.raises(EugeneError, match="row 1 of the batch is said to have 21 bp"):
        augment(x, lengths=torch.tensor([20, 21, 20]))
    for shape in ((3, 5, 20), (3, 20, 4), (20,)):
        with pytest.raises(EugeneError, match=r"expected letters \(n_rows, length\), or one-hot"):
            augment(torch.rand(*shape))
