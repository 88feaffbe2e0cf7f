"""Embeddings of a frozen trunk: computed once, found again, and never mistaken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import eugene as eu
from eugene.errors import EugeneError
from eugene.models import TrackModule
from eugene.train import KeptEmbeddings
from eugene.train._embeddings import EmbeddingStore, keep_embeddings, keys_of

TINY = {"channels": 24, "n_transformers": 1, "n_heads": 2, "key_size": 4}


def network(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return eu.models.zoo.Enformer(256, output_dim=2, **TINY).eval()


def one_hot(n: int, length: int = 256, seed: int = 0) -> torch.Tensor:
    codes = np.random.default_rng(seed).integers(0, 4, (n, length))
    return torch.as_tensor(np.eye(4, dtype=np.float32)[codes].swapaxes(1, 2).copy())


def test_found_again_without_the_trunk(tmp_path: Path) -> None:
    arch, seen = network(), []
    x = one_hot(5)
    want = arch(x).detach()
    undo = keep_embeddings(arch, tmp_path, told=lambda found, made: seen.append((found, made)))
    torch.testing.assert_close(arch(x[:3]), want[:3])
    torch.testing.assert_close(arch(x[[1, 4, 2]]), want[[1, 4, 2]])
    assert seen == [(0, 3), (2, 1)]
    undo()
    torch.testing.assert_close(arch(x), want)
    # another process, the same weights: nothing is computed, the trunk is not even asked
    again = network()
    keep_embeddings(again, tmp_path, told=lambda found, made: seen.append((found, made)))
    torch.testing.assert_close(again(x[:4]), want[:4])
    assert seen[-1] == (3, 1) or seen[-1] == (4, 0)


def test_other_weights_have_embeddings_of_their_own(tmp_path: Path) -> None:
    x = one_hot(2)
    for seed in (0, 1):
        arch = network(seed)
        want = arch(x).detach()
        keep_embeddings(arch, tmp_path)
        torch.testing.assert_close(arch(x), want)
    assert len([p for p in tmp_path.iterdir() if p.is_dir()]) == 2


def test_letters_make_the_key() -> None:
    x = one_hot(4)
    x[3] = x[0]
    x[2, :, 7] = 0.25
    keys = keys_of(x)
    assert keys is not None
    assert keys[0] == keys[3] and len(set(keys.tolist())) == 3
    x[1, :, 7] = 0
    assert keys_of(x)[1] not in keys
    x[1, :, 7] = 0.5
    assert keys_of(x) is None


def test_a_trunk_that_is_trained_is_refused(tmp_path: Path) -> None:
    module = TrackModule(network())
    with pytest.raises(EugeneError, match="of its tensors are trained"):
        KeptEmbeddings(tmp_path).on_fit_start(None, module)
    with pytest.raises(EugeneError, match="has no embed, from_embedding, trunk"):
        KeptEmbeddings(tmp_path).on_fit_start(None, TrackModule(torch.nn.Identity()))


def test_what_a_killed_process_left_is_not_read(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, "w", (2, 3))
    keys = np.array([5, 6], np.uint64)
    store.add(keys, np.ones((2, 2, 3)))
    with (store.folder / "values").open("ab") as file:
        file.write(b"half of one")
    other = EmbeddingStore(tmp_path, "w", (2, 3))
    other.add(np.array([7, 5, 7], np.uint64), np.full((3, 2, 3), 4.0))
    assert len(other) == 3
    assert EmbeddingStore(tmp_path, "w", (2, 3)).get(np.array([7, 6], np.uint64))[
        :, 0, 0
    ].tolist() == [4, 1]
    (store.folder / "values").write_bytes(b"")
    with pytest.raises(EugeneError, match="damaged"):
        EmbeddingStore(tmp_path, "w", (2, 3))
    half = EmbeddingStore(tmp_path, "h", (1, 1), "float16")
    with pytest.raises(EugeneError, match="beyond what float16 holds"):
        half.add(keys[:1], np.full((1, 1, 1), 1e6))


def test_a_head_learns_the_same_with_kept_embeddings(tmp_path: Path) -> None:
    rows = {"ohe_seq": one_hot(6), "target": torch.rand(6, 2, 2, generator=torch.manual_seed(3))}
    batches = [{k: v[i : i + 3] for k, v in rows.items()} for i in (0, 3)]

    class Data:
        def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
            return batches

        val_dataloader = train_dataloader

    found = []
    for name in ("plain", "kept"):
        module = TrackModule(network())
        before = {k: v.clone() for k, v in module.arch.trunk.state_dict().items()}
        kept = KeptEmbeddings(tmp_path / "kept")
        plan = [eu.train.Stage("head", train=["heads"])]
        eu.train.stages(
            module, Data(), plan, run_dir=tmp_path / name, seed=0, max_epochs=3, patience=None,
            accelerator="cpu", progress=False, callbacks=[kept] if name == "kept" else [],
        )  # fmt: skip
        after = module.arch.trunk.state_dict()
        assert all(torch.equal(before[k], after[k]) for k in before)
        found.append(torch.cat([p.detach().flatten() for p in module.arch.heads.parameters()]))
    assert kept.computed == 6 and kept.found > 12
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)
