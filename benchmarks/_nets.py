"""Nets of the sizes of DeepSTARR, Basset and BPNet with random weights, for the benchmarks."""

from __future__ import annotations

import torch
from torch import nn


def _normalised(channels: int) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(channels)
    nn.init.uniform_(layer.weight, 0.5, 1.5)
    nn.init.normal_(layer.bias, std=0.1)
    layer.running_mean.normal_(std=0.1)
    layer.running_var.uniform_(0.5, 1.5)
    return layer


def deepstarr() -> tuple[nn.Module, int]:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    before = 4
    for channels, width in ((256, 7), (60, 3), (60, 5), (120, 3)):
        layers += [nn.Conv1d(before, channels, width, padding="same"), _normalised(channels)]
        layers += [nn.ReLU(), nn.MaxPool1d(2)]
        before = channels
    layers += [nn.Flatten(), nn.Linear(120 * 15, 256), nn.BatchNorm1d(256), nn.ReLU()]
    layers += [nn.Dropout(0.4), nn.Linear(256, 256), nn.BatchNorm1d(256), nn.ReLU()]
    layers += [nn.Dropout(0.4), nn.Linear(256, 2)]
    return nn.Sequential(*layers).eval(), 249


def basset() -> tuple[nn.Module, int]:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    before = 4
    for channels, width, pool in ((300, 19, 3), (200, 11, 4), (200, 7, 4)):
        layers += [nn.Conv1d(before, channels, width, padding=width // 2), _normalised(channels)]
        layers += [nn.ReLU(), nn.MaxPool1d(pool)]
        before = channels
    layers += [nn.Flatten(), nn.Linear(200 * 12, 1000), nn.ReLU(), nn.Dropout(0.3)]
    layers += [nn.Linear(1000, 1000), nn.ReLU(), nn.Dropout(0.3), nn.Linear(1000, 164)]
    return nn.Sequential(*layers).eval(), 600


class BPNetCounts(nn.Module):
    """Dilated residual tower of 64 channels and 8 layers with a log-count head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 64, 21, padding=10)
        self.dilated = nn.ModuleList(
            nn.Conv1d(64, 64, 3, padding=2**i, dilation=2**i) for i in range(1, 9)
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(9))
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relus[0](self.first(x))
        for relu, layer in zip(self.relus[1:], self.dilated, strict=True):
            x = x + relu(layer(x))
        return self.head(x.mean(dim=-1))


def bpnet() -> tuple[nn.Module, int]:
    torch.manual_seed(0)
    return BPNetCounts().eval(), 1000


NETS = {"DeepSTARR": deepstarr, "Basset": basset, "BPNet": bpnet}


def random_one_hot(n: int, length: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 4, (n, length), generator=generator)
    return nn.functional.one_hot(codes, 4).transpose(1, 2).contiguous().float()
