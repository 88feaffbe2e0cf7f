"""Modules that train on augmented batches."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from eugene.augment import Augmenter, Deletion, Insertion, ReverseComplement
from eugene.errors import EugeneError
from eugene.models import ProfileModule, SequenceModule

ARCH = {"name": "cnn", "input_len": 38, "output_dim": 1}


def batch(n: int = 6) -> dict[str, torch.Tensor]:
    stream = torch.Generator().manual_seed(0)
    codes = torch.randint(4, (n, 30), generator=stream)
    letters = torch.tensor(list(b"ACGT"), dtype=torch.uint8)[codes]
    return {"seq": letters, "target": torch.rand(n, 1), "index": torch.arange(n)}


def test_training_batches_are_augmented_and_others_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    augment = Augmenter([Deletion(0, 5), Insertion(0, 8)], max_augs=1, seed=3)
    module = SequenceModule(ARCH, augment=augment)
    given = batch()
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(
        module.arch, "forward", lambda x: (seen.append(x), x.sum((1, 2), keepdim=True)[:, 0])[1]
    )
    module.training_step(given, 0)
    module.eval()
    module.validation_step(given, 0)
    module.predict_step(given, 0)
    one_hot = module.encode(given)
    assert torch.equal(seen[0], augment(one_hot, torch.arange(6), epoch=0))
    for others in seen[1:]:
        assert torch.equal(others, augment.pad(one_hot))
    module.augmenter.active = False
    module.train()
    module.training_step(given, 0)
    assert torch.equal(seen[-1], augment.pad(one_hot))


def test_what_is_explained_reads_sequences_of_the_data() -> None:
    module = SequenceModule(ARCH, augment=Augmenter([Insertion(0, 8)])).eval()
    x = module.encode(batch()).requires_grad_()
    explained = module.explained.eval()
    torch.testing.assert_close(explained(x), module(x))
    assert (explained.input_len, module.arch.input_len) == (30, 38)
    assert list(explained.state_dict()) == list(module.arch.state_dict())
    explained(x).sum().backward()
    assert x.grad is not None
    assert SequenceModule(ARCH, augment=Augmenter([Deletion(0, 8)])).explained.input_len == 38


def test_checkpoints_bring_the_augmenter(tmp_path: Path) -> None:
    augment = {"augmentations": [{"name": "insertion", "max_length": 8}, "rc"], "hard": False}
    module = SequenceModule(ARCH, augment=augment)
    trainer = pl.Trainer(max_epochs=0, logger=False, enable_checkpointing=False, barebones=False,
                         enable_progress_bar=False, accelerator="cpu")  # fmt: skip
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "m.ckpt")
    again = SequenceModule.load_from_checkpoint(tmp_path / "m.ckpt", weights_only=True)
    assert again.augmenter is not None
    assert again.augmenter.settings == module.augmenter.settings
    x = module.encode(batch())
    torch.testing.assert_close(again.predict(x), module.predict(x))


def test_profiles_keep_their_positions() -> None:
    arch = {"name": "bpnet", "input_len": 100, "n_filters": 4, "n_layers": 2}
    with pytest.raises(EugeneError, match="8 bp longer"):
        ProfileModule(arch, augment=Augmenter([Insertion(0, 8)]))
    kept = Augmenter([Insertion(0, 8), ReverseComplement()], length="keep")
    assert ProfileModule(arch, augment=kept).augmenter is kept
    with pytest.raises(EugeneError, match="letters ACGU"):
        ProfileModule(arch, augment=Augmenter([Deletion()], alphabet="RNA"))
