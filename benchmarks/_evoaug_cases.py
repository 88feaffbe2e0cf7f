"""Augmentation of a batch, ours and theirs: ``case(folder) -> (run, digest)``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

Run = tuple[Any, Any]
# the benchmark beside this file is called as the peer is
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]
MOST = int(os.environ.get("BENCH_MAX_AUGS", "3"))
WITHOUT_NOISE = os.environ.get("BENCH_NOISE") == "0"
# the other reading of "three augmentations": three in the list, and each sequence gets all
THREE = os.environ.get("BENCH_LIST") == "3"


def _one_hot(folder: Path) -> torch.Tensor:
    torch.set_num_threads(1)
    codes = torch.from_numpy(np.load(folder / "codes.npy")).long()
    return torch.nn.functional.one_hot(codes, 4).mT.float().contiguous()


def _nothing(_: object) -> None:
    return None


def _ours(length: str) -> Any:
    from eugene import augment as a

    listed = [
        a.Deletion(0, 30),
        a.Insertion(0, 20),
        a.Translocation(0, 20),
        a.Inversion(0, 20),
        a.Mutation(0.05),
        a.ReverseComplement(0.5),
    ]
    listed = listed[:3] if THREE else listed + ([] if WITHOUT_NOISE else [a.Noise(0, 0.3)])
    return a.Augmenter(listed, max_augs=MOST, length=length)


def ours(folder: Path, length: str = "pad_end") -> Run:
    x, augment = _one_hot(folder), _ours(length)
    rows, epoch = torch.arange(len(x)), iter(range(1 << 30))
    return (lambda: augment(x, rows, next(epoch))), _nothing


def ours_keep(folder: Path) -> Run:
    return ours(folder, "keep")


def ours_letters(folder: Path) -> Run:
    """Letters in, letters out, as they are stored; with noise they come out one-hot."""
    torch.set_num_threads(1)
    codes = np.load(folder / "codes.npy")
    letters = torch.from_numpy(np.frombuffer(b"ACGT", np.uint8)[codes])
    augment, rows, epoch = _ours("keep"), torch.arange(len(codes)), iter(range(1 << 30))
    return (lambda: augment(letters, rows, next(epoch))), _nothing


def deepstarr_step(folder: Path) -> Run:
    """A training step of DeepSTARR on one-hot sequences, without augmentation."""
    import eugene as eu

    x = _one_hot(folder)
    torch.manual_seed(0)
    net = eu.models.build("deepstarr", input_len=x.shape[2], output_dim=2).train()
    optimizer, y = torch.optim.Adam(net.parameters(), lr=1e-3), torch.randn(len(x), 2)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()

    return step, _nothing


def _theirs() -> Any:
    from evoaug import augment as a

    listed = [
        a.RandomDeletion(0, 30),
        a.RandomInsertion(0, 20),
        a.RandomTranslocation(0, 20),
        a.RandomInversion(0, 20),
        a.RandomMutation(0.05),
        a.RandomRC(0.5),
    ]
    return listed[:3] if THREE else listed + ([] if WITHOUT_NOISE else [a.RandomNoise(0, 0.3)])


def evoaug(folder: Path) -> Run:
    from evoaug import evoaug as program

    x = _one_hot(folder)
    model = program.RobustModel(torch.nn.Identity(), None, None, _theirs(), MOST, True)
    return (lambda: model._apply_augment(x)), _nothing


def evoaug2(folder: Path) -> Run:
    from evoaug import evoaug as program

    x = _one_hot(folder)
    pairs = [(row, torch.zeros(1)) for row in x]
    loader = program.RobustLoader(pairs, _theirs(), MOST, True, batch_size=len(x), num_workers=0)
    return (lambda: next(iter(loader))), _nothing
