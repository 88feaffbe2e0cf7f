"""Layers along a sequence computed as two-dimensional ones with the channels last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]
Numbers = int | tuple[int, ...] | list[int]

# filters at most, and channels and places of a filter at least, of a narrow convolution
_FEW, _MANY = 4, 16


def _flat(x: torch.Tensor) -> torch.Tensor:
    """Return (batch, channels, 1, length), the channels of a position side by side in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _pair(value: Numbers, other: int) -> tuple[int, int]:
    """Return a number for two dimensions, of which the first has one place."""
    return (other, value if isinstance(value, int) else int(value[0]))


def _conv1d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> torch.Tensor:
    if not isinstance(padding, str) and _is_narrow(weight, stride, padding, dilation, groups):
        return _narrow(x, weight, bias, _pair(padding, 0)[1])
    sides = padding if isinstance(padding, str) else _pair(padding, 0)
    kernel = weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    steps, holes = _pair(stride, 1), _pair(dilation, 1)
    return F.conv2d(_flat(x), kernel, bias, steps, sides, holes, groups).squeeze(2)


def _is_narrow(
    weight: torch.Tensor, stride: Numbers, padding: Numbers, dilation: Numbers, groups: int
) -> bool:
    """Tell whether a convolution has few filters, which are wide, such as one draws a profile."""
    filters, channels, width = weight.shape
    plain = _pair(stride, 1) == _pair(dilation, 1) == (1, 1) and groups == 1
    sized = filters <= _FEW and channels >= _MANY and width >= _MANY
    return plain and sized and _pair(padding, 0)[1] < width


def _narrow(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: int
) -> torch.Tensor:
    """Convolve by one product of matrices and a sum along diagonals.

    Every position gives what it adds to each place of the filter, (filters * width, length);
    ``fold`` adds up what falls on the same position of the result. The convolutions of torch take
    an order of magnitude longer for the gradients of few wide filters.
    """
    filters, channels, width = weight.shape
    length = x.shape[2] + 2 * padding - width + 1
    turned = weight.flip(2).permute(0, 2, 1).reshape(filters * width, channels)
    parts = torch.matmul(turned, x)
    whole = F.fold(parts, (1, x.shape[2] + width - 1), (1, width)).squeeze(2)
    out = whole[..., width - 1 - padding : width - 1 - padding + length]
    return out if bias is None else out + bias[:, None]


def _batch_norm(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    return F.batch_norm(_flat(x), *args, **kwargs).squeeze(2)


def _max_pool1d(
    x: torch.Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> torch.Tensor:
    step = kernel_size if stride is None or stride == [] else stride
    out = F.max_pool2d(
        _flat(x),
        _pair(kernel_size, 1),
        _pair(step, 1),
        _pair(padding, 0),
        _pair(dilation, 1),
        ceil_mode=ceil_mode,
    )
    return out.squeeze(2)


def _dropout(
    x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> torch.Tensor:
    """Drop the values that would be dropped if the positions lay side by side."""
    if not training or p in (0, 1) or inplace or x.is_contiguous():
        return F.dropout(x, p, training, inplace)
    # torch draws in the order of memory, which is another one here
    kept = torch.empty(x.shape, dtype=x.dtype, device=x.device).bernoulli_(1 - p).div_(1 - p)
    return x * kept


_INSTEAD: Mapping[Function, Function] = {
    torch.conv1d: _conv1d,
    F.batch_norm: _batch_norm,
    F.max_pool1d: _max_pool1d,
    torch.max_pool1d: _max_pool1d,
    F.dropout: _dropout,
}


class ChannelsLast(TorchFunctionMode):
    """Compute convolutions, batch norms and poolings along sequences with the channels last.

    Inside the block ``torch.conv1d`` and its companions are computed by their two-dimensional
    kernels, which on a CPU are faster for most networks. Modules, parameters and their names stay
    as they are, and so do the draws of dropout; results differ by rounding.

    Examples
    --------
    >>> conv, x = torch.nn.Conv1d(4, 8, 5), torch.rand(2, 4, 30)
    >>> with ChannelsLast():
    ...     fast = conv(x)
    >>> torch.allclose(fast, conv(x), atol=1e-6)
    True
    """

    def __torch_function__(
        self,
        func: Function,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, or what stands for it on (batch, channels, length)."""
        kwargs = kwargs or {}
        instead = _INSTEAD.get(func)
        if instead is not None and args and args[0].ndim == 3 and not kwargs.get("return_indices"):
            return instead(*args, **kwargs)
        return func(*args, **kwargs)
