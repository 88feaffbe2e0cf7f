"""What `enformer` times: Enformer's trunk and parts of it, ours and enformer-pytorch's.

The cases of enformer-pytorch run in an environment of their own and import nothing of ours. What
each gives is written down for `enformer` to compare.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = int(os.environ.get("BENCH_CHANNELS", 384))
BLOCKS = int(os.environ.get("BENCH_BLOCKS", 4))
LENGTH = int(os.environ.get("BENCH_LENGTH", 12_800))
BATCH, TRACKS = 1, 32
# attention over 200 kb, pooling behind the stem at 25.6 kb
ATTENTION, POOLED = (1, 1_536, CHANNELS), (1, CHANNELS // 2, 25_600)
Case = tuple[Callable[[], Any], Callable[[Any], bytes | None]]


def _one_hot(folder: Path) -> Any:
    import torch

    return torch.from_numpy(np.load(folder / "one_hot.npy"))


def _peer_net(folder: Path) -> Any:
    """Build the peer's network, with weights that are written down if they are not there yet."""
    import torch
    from enformer_pytorch import Enformer

    torch.manual_seed(0)
    net = Enformer.from_hparams(
        dim=CHANNELS, depth=BLOCKS, heads=8, output_heads={"tracks": TRACKS}, target_length=-1,
        dropout_rate=0.0, attn_dropout=0.0, pos_dropout=0.0,
    )  # fmt: skip
    path = folder / "weights.pt"
    if not path.exists():
        for name, value in net.named_parameters():
            if name.endswith("to_out.weight"):  # it begins as zero, which hides the attention
                value.data.normal_(std=0.02)
        torch.save(net.state_dict(), path)
    net.load_state_dict(torch.load(path, weights_only=True))
    return net


def _our_net(folder: Path) -> Any:
    from eugene.models import load_enformer_weights, zoo

    # the peer normalises the densities of distances otherwise than the original; so do we here
    still = {"dropout": 0.0, "attention_dropout": 0.0, "position_dropout": 0.0}
    net = zoo.Enformer(
        LENGTH, TRACKS, channels=CHANNELS, n_transformers=BLOCKS,
        trunk_kwargs={**still, "gamma": "enformer-pytorch"},
    )  # fmt: skip
    return load_enformer_weights(net, folder / "weights.pt", heads=True)


def weights(folder: Path) -> Case:
    """Write the weights that both begin with."""
    net = _peer_net(folder)
    return lambda: net, lambda _: b""


def _kept(folder: Path, name: str) -> Callable[[Any], None]:
    """Write down what a contender gave, for `enformer` to compare."""

    def keep(found: Any) -> None:
        np.save(folder / f"{name}.npy", found.detach().float().numpy())

    return keep


def _forward(net: Any, run: Callable[[], Any], folder: Path, name: str) -> Case:
    import torch

    net.eval()

    def predict() -> Any:
        with torch.no_grad():
            return run()

    return predict, _kept(folder, name)


def ours_predict(folder: Path) -> Case:
    """Embed a sequence with our trunk."""
    net, x = _our_net(folder), _one_hot(folder)
    return _forward(net, lambda: net.embed(x), folder, "ours_predict")


def peer_predict(folder: Path) -> Case:
    """Embed a sequence with the peer's trunk."""
    net, x = _peer_net(folder), _one_hot(folder).transpose(1, 2).contiguous()
    return _forward(net, lambda: net(x, return_only_embeddings=True), folder, "peer_predict")


def _step(net: Any, forward: Callable[[], Any], last: Any, folder: Path, name: str) -> Case:
    """Make a training step of a network: forward, Poisson loss, backward."""
    import torch

    target = torch.from_numpy(np.load(folder / "target.npy"))
    net.train()

    def run() -> Any:
        net.zero_grad(set_to_none=True)
        rate = forward()
        loss = (rate - target * torch.log(rate + 1e-6)).mean()
        loss.backward()
        return last.grad

    return run, _kept(folder, name)


def ours_step(folder: Path) -> Case:
    """Make a step of ours."""
    import torch

    net, x = _our_net(folder), _one_hot(folder)
    return _step(
        net,
        lambda: torch.nn.functional.softplus(net(x)).transpose(1, 2),
        net.trunk.stem.first.weight,
        folder,
        "ours_step",
    )


def peer_step(folder: Path) -> Case:
    """Make a step of the peer's."""
    net, x = _peer_net(folder), _one_hot(folder).transpose(1, 2).contiguous()
    return _step(net, lambda: net(x, head="tracks"), net.stem[0].weight, folder, "peer_step")


def _part(layer: Any, shape: tuple[int, ...], folder: Path, name: str) -> Case:
    """Make a forward and a backward pass of a layer."""
    import torch

    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator).requires_grad_()

    def run() -> Any:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        layer(x).square().mean().backward()
        return x.grad

    return run, _kept(folder, name)


def ours_attention(folder: Path) -> Case:
    """Attend over the bins of 200 kb."""
    return _part(
        _our_net(folder).trunk.transformer[0].attention, ATTENTION, folder, "ours_attention"
    )


def peer_attention(folder: Path) -> Case:
    """Attend as the peer does."""
    layer = _peer_net(folder).transformer[0][0].fn[1].eval()
    return _part(layer, ATTENTION, folder, "peer_attention")


def ours_pooling(folder: Path) -> Case:
    """Pool the positions of 25.6 kb by attention."""
    return _part(_our_net(folder).trunk.stem.pool, POOLED, folder, "ours_pooling")


def peer_pooling(folder: Path) -> Case:
    """Pool as the peer does."""
    return _part(_peer_net(folder).stem[2], POOLED, folder, "peer_pooling")
