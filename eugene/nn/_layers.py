"""Layers that know about strands, and pooling over the whole sequence."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from eugene.nn._errors import ModelError

_FLIPS = {"reverse_complement": (1, 2), "reverse": (2,), "eugene": (0, 1)}


class ReverseComplement(nn.Module):
    """Reverse-complement one-hot sequences whose alphabet mirrors its complement (ACGT, ACGU).

    Examples
    --------
    >>> x = torch.eye(4)[None]
    >>> bool((ReverseComplement()(x) == x).all())  # ACGT is its own reverse complement
    True
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x``, float (batch, 4, length), with channels and positions reversed."""
        return torch.flip(x, dims=(1, 2))


class SameConv1d(nn.Conv1d):
    """``torch.nn.Conv1d`` with padding ``"same"``, even kernels included and without a warning.

    The odd base of padding that an even kernel needs goes to the right, as in torch.

    Examples
    --------
    >>> SameConv1d(4, 8, 6)(torch.rand(1, 4, 20)).shape
    torch.Size([1, 8, 20])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, dilation=dilation, padding="same", bias=bias
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, out_channels, length) from ``x``, (batch, in_channels, length)."""
        return self._convolve(x, self.weight, extra="right")

    def _convolve(self, x: torch.Tensor, weight: torch.Tensor, *, extra: str) -> torch.Tensor:
        """Convolve with padding as even as it can be, the odd base at the end named ``extra``."""
        total = self.dilation[0] * (self.kernel_size[0] - 1)
        out = F.conv1d(x, weight, self.bias, padding=(total + 1) // 2, dilation=self.dilation)
        if total % 2 == 0:
            return out
        return out[..., 1:] if extra == "right" else out[..., :-1]


def make_conv(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int | str = "valid",
    dilation: int = 1,
    bias: bool = True,
) -> nn.Conv1d:
    """Return a convolution; see ``torch.nn.Conv1d`` for the arguments."""
    if padding == "same":
        return SameConv1d(in_channels, out_channels, kernel, dilation=dilation, bias=bias)
    return nn.Conv1d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        bias=bias,
    )


class BiConv1d(SameConv1d):
    """A convolution whose filters are also applied as their reverse complement.

    Called, it is the forward-strand convolution; :meth:`reverse` is the same convolution with
    flipped filters, so ``reverse(x)`` equals ``forward(rc(x))`` read backwards. Both keep the
    length of the input (padding ``"same"``; for even kernels the odd base of padding changes
    sides with the strand, which keeps that equality exact).

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
        As in ``torch.nn.Conv1d``.
    flip : {"reverse_complement", "reverse", "eugene"}
        How filters become those of the other strand. ``"reverse_complement"`` reverses channels
        and positions and belongs on the one-hot input; ``"reverse"`` reverses positions and
        belongs on feature maps; ``"eugene"`` reverses filters and channels as EUGENe 0.1.2 did,
        which is no reverse complement and is here to load its weights.
    bias : bool
        Whether there is a bias, shared by both strands.

    Raises
    ------
    ModelError
        If ``flip`` is not one of the three.

    References
    ----------
    Jores et al. 2021, https://doi.org/10.1038/s41477-021-00932-y

    Examples
    --------
    >>> conv = BiConv1d(4, 8, 5)
    >>> x = torch.rand(2, 4, 20)
    >>> bool(torch.allclose(conv.reverse(x), conv(x.flip(1, 2)).flip(2), atol=1e-6))
    True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        flip: str = "reverse_complement",
        bias: bool = True,
    ) -> None:
        if flip not in _FLIPS:
            raise ModelError(f"flip={flip!r} must be one of {', '.join(_FLIPS)}")
        super().__init__(in_channels, out_channels, kernel_size, bias=bias)
        self.flip = flip
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def reverse(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve with the filters of the other strand.

        Parameters
        ----------
        x : torch.Tensor, shape (batch, in_channels, length)
            The input, on the forward strand.

        Returns
        -------
        torch.Tensor, shape (batch, out_channels, length)
            What the other strand gives, at forward-strand positions.
        """
        weight = torch.flip(self.weight, dims=_FLIPS[self.flip])
        return self._convolve(x, weight, extra="right" if self.flip == "eugene" else "left")


class MergeStrands(nn.Module):
    """Bring features of a sequence and of its reverse complement together.

    Parameters
    ----------
    aggregate : {"max", "mean", "sum", "concat"}
        Larger value, mean, sum, or both side by side. The first three make what follows blind to
        the strand. ``"avg"`` is EUGENe's word for ``"mean"``.

    Raises
    ------
    ModelError
        If ``aggregate`` is none of these.

    Examples
    --------
    >>> MergeStrands("mean")(torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    tensor([[2.]])
    """

    def __init__(self, aggregate: str = "max") -> None:
        super().__init__()
        aggregate = "mean" if aggregate == "avg" else aggregate
        if aggregate not in ("max", "mean", "sum", "concat"):
            raise ModelError(f"aggregate={aggregate!r} must be 'max', 'mean', 'sum' or 'concat'")
        self.aggregate = aggregate
        if aggregate == "max":
            self.pool = nn.MaxPool1d(2)

    @property
    def multiplier(self) -> int:
        """How many times wider the features get: 2 for ``"concat"``, else 1."""
        return 2 if self.aggregate == "concat" else 1

    def forward(self, ahead: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Return (batch, features * multiplier) from two times (batch, features)."""
        if self.aggregate == "concat":
            return torch.cat((ahead, back), dim=1)
        if self.aggregate in ("mean", "sum"):
            return (ahead + back) / (2 if self.aggregate == "mean" else 1)
        larger: torch.Tensor = self.pool(torch.stack((ahead, back), dim=-1))
        return larger.squeeze(-1)


class GlobalPool(nn.Module):
    """Pool every channel over all positions.

    Parameters
    ----------
    mode : {"max", "avg", "max_avg"}
        The largest value, the mean, or both side by side.

    Raises
    ------
    ModelError
        If ``mode`` is none of these.

    Examples
    --------
    >>> GlobalPool("max_avg")(torch.tensor([[[1.0, 3.0]]]))
    tensor([[3., 2.]])
    """

    def __init__(self, mode: str = "max") -> None:
        super().__init__()
        mode = {"mean": "avg", "max_mean": "max_avg"}.get(mode, mode)
        if mode not in ("max", "avg", "max_avg"):
            raise ModelError(f"mode={mode!r} must be 'max', 'avg' or 'max_avg'")
        self.mode = mode
        if "max" in mode:
            self.max_pool = nn.AdaptiveMaxPool1d(1)
        if "avg" in mode:
            self.avg_pool = nn.AdaptiveAvgPool1d(1)

    @property
    def multiplier(self) -> int:
        """How many features one channel gives."""
        return 2 if self.mode == "max_avg" else 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, channels * multiplier) from ``x``, (batch, channels, length)."""
        pooled = [pool(x) for pool in self.children()]
        return torch.cat(pooled, dim=1).flatten(1)


class Residual(nn.Module):
    """Add the input of a module to its output.

    Parameters
    ----------
    wrapped : torch.nn.Module
        A module whose output has the shape of its input.

    Examples
    --------
    >>> Residual(nn.Identity())(torch.ones(1))
    tensor([2.])
    """

    def __init__(self, wrapped: nn.Module) -> None:
        super().__init__()
        self.wrapped = wrapped

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x + wrapped(x)``, of the shape of ``x``."""
        result: torch.Tensor = x + self.wrapped(x)
        return result
