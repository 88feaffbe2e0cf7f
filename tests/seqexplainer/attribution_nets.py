"""Small random nets of many forms, for tests of attributions."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

LENGTH, CHANNELS = 96, 16


def one_hot(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random one-hot sequences, the letters on the axis before the last."""
    codes = torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(seed))
    return F.one_hot(codes, 4).transpose(-1, -2).float()


class Net(nn.Module):
    """Two convolutions, a function of the caller's, and a linear head."""

    def __init__(self, body: Callable[[Net, torch.Tensor], torch.Tensor], extra=None) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, CHANNELS, 9, padding=4)
        self.second = nn.Conv1d(CHANNELS, CHANNELS, 5, padding=2)
        self.body = body
        self.extra = extra
        self.head = nn.LazyLinear(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self, x).flatten(1))


class Exp(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x)


class GELUSubclass(nn.GELU):
    pass


def _norm() -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(CHANNELS)
    layer.running_mean.normal_()
    layer.running_var.uniform_(0.5, 2)
    nn.init.uniform_(layer.weight, 0.5, 2)
    nn.init.normal_(layer.bias)
    return layer


def _conv(channels: int = 4) -> nn.Conv1d:
    return nn.Conv1d(channels, CHANNELS, 9 if channels == 4 else 5, padding="same")


def _stack(*layers: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        return nn.Sequential(*(layer() for layer in layers), nn.Flatten(), nn.LazyLinear(2))

    return make


def _net(body, extra: Callable[[], nn.Module] | None = None) -> Callable[[], nn.Module]:
    return lambda: Net(body, extra() if extra else None)


def _conv2() -> nn.Conv1d:
    return _conv(CHANNELS)


def _dilated(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x))
    for dilation in (2, 4):
        h = h + F.relu(F.conv1d(h, net.second.weight, padding=2 * dilation, dilation=dilation))
    return h


def _in_place_residual(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x))
    h += net.second(h)
    return h.relu_()


def _squeeze_excite(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x))
    return h * torch.sigmoid(net.extra(h.mean(-1)))[:, :, None]


def _attention_pool(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x))
    return (h * torch.softmax(net.extra(h), dim=-1)).sum(-1)


def _dot_attention(net: Net, x: torch.Tensor, *, causal: bool = False) -> torch.Tensor:
    h = F.relu(net.first(x)).transpose(1, 2)
    parts = [p.view(len(x), LENGTH, 4, 4).transpose(1, 2) for p in net.extra(h).chunk(3, dim=-1)]
    return F.scaled_dot_product_attention(*parts, is_causal=causal).transpose(1, 2)


def _hand_attention(net: Net, x: torch.Tensor) -> torch.Tensor:
    q, k, v = net.extra(F.relu(net.first(x)).transpose(1, 2)).chunk(3, dim=-1)
    return (q @ k.transpose(1, 2) / math.sqrt(CHANNELS)).softmax(dim=-1) @ v


def _multihead(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x)).transpose(1, 2)
    return net.extra(h, h, h)[0]


def _multihead_second(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x)).permute(2, 0, 1)
    return net.extra(h, h, h, need_weights=False)[0].transpose(0, 1)


def _profile(net: Net, x: torch.Tensor) -> torch.Tensor:
    logits = net.extra(F.relu(net.first(x)))
    return torch.softmax(logits, dim=-1) * logits


def _branches(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = F.relu(net.first(x))
    return torch.cat([h, torch.sigmoid(net.second(h))], dim=1)


def _recurrent(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.extra(F.relu(net.first(x)).transpose(1, 2))[0]


def _recurrent_second(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.extra(F.relu(net.first(x)).permute(2, 0, 1))[0][-1]


def _both_strands(net: Net, x: torch.Tensor) -> torch.Tensor:
    return torch.max(net.first(x), net.first(x.flip(1, 2)).flip(-1))


def _outer(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = net.first(x)
    return torch.einsum("bcl,bdl->bcd", h, net.second(h))


def _write(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = net.first(x).clone()
    h[:, :, :10] = 0.0
    return F.relu(h)


def _lost_and_found(net: Net, x: torch.Tensor) -> torch.Tensor:
    h = net.first(x).permute(2, 0, 1).reshape(LENGTH * len(x), CHANNELS)
    return torch.tanh(h).view(LENGTH, len(x), CHANNELS).permute(1, 2, 0)


NETS: dict[str, Callable[[], nn.Module]] = {
    "conv-relu": _stack(_conv, nn.ReLU),
    "conv-bn-relu-maxpool4": _stack(_conv, _norm, nn.ReLU, lambda: nn.MaxPool1d(4)),
    "two conv-relu-maxpool2": _stack(
        _conv, nn.ReLU, lambda: nn.MaxPool1d(2), _conv2, nn.ReLU, lambda: nn.MaxPool1d(2)
    ),
    "maxpool4 stride2": _stack(_conv, nn.ReLU, lambda: nn.MaxPool1d(4, 2)),
    "maxpool5 remainder": _stack(_conv, nn.ReLU, lambda: nn.MaxPool1d(5)),
    "maxpool ceil padded": _stack(
        _conv, nn.ReLU, lambda: nn.MaxPool1d(5, padding=2, ceil_mode=True)
    ),
    "dilated residual": _net(_dilated),
    "one relu twice": _net(lambda n, x: n.extra(n.second(n.extra(n.first(x)))), nn.ReLU),
    "in-place relu": _stack(
        _conv, _norm, lambda: nn.ReLU(inplace=True), _conv2, lambda: nn.ReLU(inplace=True)
    ),
    "functional relu": _net(lambda n, x: F.relu(n.second(torch.relu(n.first(x))))),
    "relu_ method": _net(lambda n, x: n.second(n.first(x).relu_()).relu_()),
    "in-place residual": _net(_in_place_residual),
    "functional maxpool": _net(lambda n, x: F.max_pool1d(F.relu(n.first(x)), 4)),
    "amax": _net(lambda n, x: F.relu(n.first(x)).amax(-1)),
    "max of channels": _net(lambda n, x: F.relu(n.first(x)).max(dim=1).values),
    "amin of two axes": _net(lambda n, x: torch.amin(n.first(x), dim=(1, 2), keepdim=True)),
    "AdaptiveMaxPool": _stack(_conv, nn.ReLU, lambda: nn.AdaptiveMaxPool1d(7)),
    "AdaptiveAvgPool": _stack(_conv, nn.ReLU, lambda: nn.AdaptiveAvgPool1d(7)),
    "AvgPool": _stack(_conv, nn.ReLU, lambda: nn.AvgPool1d(3)),
    "2-D maxpool": _net(lambda n, x: F.max_pool2d(F.relu(n.first(x)).unsqueeze(1), (2, 3))),
    "functional exp": _net(lambda n, x: torch.exp(n.first(x))),
    "module Exp": _stack(_conv, Exp),
    "square": _net(lambda n, x: n.first(x) ** 2),
    "cube": _net(lambda n, x: n.first(x) ** 3),
    "power of two": _net(lambda n, x: 2 ** n.first(x)),
    "sigmoid by hand": _net(lambda n, x: 1 / (1 + torch.exp(-n.first(x)))),
    "GELU": _stack(_conv, nn.GELU, _conv2, nn.GELU),
    "GELU subclass": _stack(_conv, GELUSubclass),
    "SiLU": _stack(_conv, nn.SiLU),
    "SiLU in place": _stack(_conv, lambda: nn.SiLU(inplace=True)),
    "Mish": _stack(_conv, nn.Mish),
    "Softplus": _stack(_conv, nn.Softplus),
    "GLU": _stack(_conv, lambda: nn.GLU(dim=1)),
    "Hardtanh": _stack(_conv, lambda: nn.Hardtanh(-0.2, 0.2)),
    "ELU": _stack(_conv, nn.ELU),
    "SELU": _stack(_conv, nn.SELU),
    "LeakyReLU in place": _stack(_conv, lambda: nn.LeakyReLU(0.2, inplace=True)),
    "PReLU": _stack(_conv, lambda: nn.PReLU(CHANNELS)),
    "Tanh": _stack(_conv, nn.Tanh),
    "Sigmoid": _stack(_conv, nn.Sigmoid),
    "Hardswish": _stack(_conv, nn.Hardswish),
    "Softsign": _stack(_conv, nn.Softsign),
    "LogSigmoid": _stack(_conv, nn.LogSigmoid),
    "Dropout": _stack(_conv, nn.ReLU, nn.Dropout, nn.Dropout1d),
    "LayerNorm": _stack(_conv, lambda: nn.LayerNorm(LENGTH), nn.ReLU),
    "GroupNorm": _stack(_conv, lambda: nn.GroupNorm(4, CHANNELS), nn.ReLU),
    "InstanceNorm": _stack(_conv, lambda: nn.InstanceNorm1d(CHANNELS, affine=True), nn.ReLU),
    "RMSNorm": _stack(_conv, lambda: nn.RMSNorm(LENGTH), nn.ReLU),
    "squeeze-excite": _net(_squeeze_excite, lambda: nn.Linear(CHANNELS, CHANNELS)),
    "softmax attention pool": _net(_attention_pool, lambda: nn.Conv1d(CHANNELS, 1, 1)),
    "dot-product attention": _net(_dot_attention, lambda: nn.Linear(CHANNELS, 3 * CHANNELS)),
    "causal attention": _net(
        lambda n, x: _dot_attention(n, x, causal=True), lambda: nn.Linear(CHANNELS, 3 * CHANNELS)
    ),
    "attention by hand": _net(_hand_attention, lambda: nn.Linear(CHANNELS, 3 * CHANNELS)),
    "MultiheadAttention": _net(
        _multihead, lambda: nn.MultiheadAttention(CHANNELS, 4, batch_first=True)
    ),
    "MultiheadAttention batch second": _net(
        _multihead_second, lambda: nn.MultiheadAttention(CHANNELS, 4)
    ),
    "TransformerEncoderLayer": _net(
        lambda n, x: n.extra(F.relu(n.first(x)).transpose(1, 2)),
        lambda: nn.TransformerEncoderLayer(CHANNELS, 4, 32, batch_first=True),
    ),
    "weighted profile": _net(_profile, lambda: nn.Conv1d(CHANNELS, 1, 9)),
    "two branches": _net(_branches),
    "final sigmoid": _net(
        lambda n, x: torch.sigmoid(10 * F.relu(n.first(x)).mean(dim=(1, 2), keepdim=True))
    ),
    "relu by where": _net(lambda n, x: torch.where(n.first(x) > 0, n.first(x), 0.0)),
    "relu by mask": _net(lambda n, x: n.first(x) * (n.first(x) > 0)),
    "clamp": _net(lambda n, x: n.first(x).clamp(-0.1, 0.3)),
    "abs": _net(lambda n, x: n.first(x).abs()),
    "both strands": _net(_both_strands),
    "logsumexp": _net(lambda n, x: torch.logsumexp(n.first(x), dim=-1)),
    "log_softmax": _net(lambda n, x: F.log_softmax(n.first(x), dim=1)),
    "std": _net(lambda n, x: n.first(x).std(dim=-1)),
    "normalize": _net(lambda n, x: F.normalize(n.first(x), dim=1)),
    "LocalResponseNorm": _stack(_conv, nn.ReLU, lambda: nn.LocalResponseNorm(5)),
    "product": _net(lambda n, x: (1 + 0.1 * n.first(x)).prod(dim=1)),
    "outer product": _net(_outer),
    "written in place": _net(_write),
    "positions merged with batch": _net(_lost_and_found),
    "ratio": _net(lambda n, x: n.first(x).exp() / (1 + n.first(x).exp().sum(1, keepdim=True))),
    "spectrum": _net(lambda n, x: torch.fft.rfft(n.first(x)).abs()),
}

RECURRENT: dict[str, Callable[[], nn.Module]] = {
    "BiLSTM": _net(_recurrent, lambda: nn.LSTM(CHANNELS, 8, batch_first=True, bidirectional=True)),
    "GRU batch second": _net(_recurrent_second, lambda: nn.GRU(CHANNELS, 8)),
}

# Those on which tangermeme 1.6 is right.
PEER = (
    "conv-relu",
    "conv-bn-relu-maxpool4",
    "two conv-relu-maxpool2",
    "maxpool4 stride2",
    "maxpool5 remainder",
    "GELU",
    "SiLU",
    "GLU",
    "ELU",
    "Softplus",
    "LayerNorm",
    "RMSNorm",
    "Dropout",
)


def build(name: str, seed: int = 1) -> nn.Module:
    """Return a net in evaluation mode with weights of its own."""
    torch.manual_seed(seed)
    model = {**NETS, **RECURRENT}[name]()
    model.eval()(torch.zeros(2, 4, LENGTH))
    return model
