"""Operations written as the simpler ones they consist of, which have rules.

Each function takes the arguments of the torch operation of its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch


def _standardise(x: torch.Tensor, dims: tuple[int, ...], eps: float) -> torch.Tensor:
    return _scale(x - x.mean(dim=dims, keepdim=True), dims, eps)


def _scale(x: torch.Tensor, dims: tuple[int, ...], eps: float) -> torch.Tensor:
    return x * torch.rsqrt(torch.square(x).mean(dim=dims, keepdim=True) + eps)


def _affine(
    x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, shape: Sequence[int]
) -> torch.Tensor:
    if weight is not None:
        x = x * weight.reshape(tuple(shape))
    return x if bias is None else x + bias.reshape(tuple(shape))


def layer_norm(
    input: torch.Tensor,
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
    *_: object,
    **__: object,
) -> torch.Tensor:
    """Centre and scale over the last axes."""
    dims = tuple(range(-len(normalized_shape), 0))
    return _affine(_standardise(input, dims, eps), weight, bias, normalized_shape)


def rms_norm(
    input: torch.Tensor,
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    eps: float | None = None,
) -> torch.Tensor:
    """Scale over the last axes."""
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    dims = tuple(range(-len(normalized_shape), 0))
    return _affine(_scale(input, dims, eps), weight, None, normalized_shape)


def group_norm(
    input: torch.Tensor,
    num_groups: int,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
    *_: object,
    **__: object,
) -> torch.Tensor:
    """Centre and scale over groups of channels."""
    shape = input.shape
    grouped = input.reshape(shape[0], num_groups, -1)
    scaled = _standardise(grouped, (2,), eps).reshape(shape)
    return _affine(scaled, weight, bias, (shape[1], *([1] * (len(shape) - 2))))


def instance_norm(
    input: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    *_: object,
    **__: object,
) -> torch.Tensor:
    """Centre and scale each channel of each sequence."""
    shape = (input.shape[1], *([1] * (input.ndim - 2)))
    if use_input_stats or running_mean is None or running_var is None:
        scaled = _standardise(input, tuple(range(2, input.ndim)), eps)
    else:
        factor = torch.rsqrt(running_var + eps).reshape(shape)
        scaled = (input - running_mean.reshape(shape)) * factor
    return _affine(scaled, weight, bias, shape)


def glu(input: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """One half times the sigmoid of the other."""
    value, gate = input.chunk(2, dim=dim)
    return value * torch.sigmoid(gate)


def std(*args: Any, **kwargs: Any) -> torch.Tensor:
    """Square root of the variance."""
    return torch.sqrt(torch.var(*args, **kwargs))


def maximum(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Larger of two tensors, element by element."""
    return other + torch.relu(input - other)


def minimum(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Smaller of two tensors, element by element."""
    return input - torch.relu(input - other)


def addcdiv(
    input: torch.Tensor, tensor1: torch.Tensor, tensor2: torch.Tensor, *, value: float = 1
) -> torch.Tensor:
    """Sum of a tensor and a quotient."""
    return input + value * (tensor1 / tensor2)


def lerp(input: torch.Tensor, end: torch.Tensor, weight: torch.Tensor | float) -> torch.Tensor:
    """Weighted mean of two tensors."""
    return input + (end - input) * weight


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Mean of values weighted by the softmax of products of queries and keys."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    logits = torch.matmul(query * scale, key.transpose(-2, -1))
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=query.device).tril()
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            logits = logits.masked_fill(~attn_mask, -math.inf)
        else:
            logits = logits + attn_mask
    return torch.matmul(torch.softmax(logits, dim=-1), value)


def euclidean(
    input: torch.Tensor, dim: Any = None, keepdim: bool = False, **_: object
) -> torch.Tensor:
    """Square root of the sum of squares."""
    return torch.sqrt(torch.square(input).sum(dim=dim, keepdim=keepdim))


def vector_norm(
    x: torch.Tensor,
    ord: float = 2,
    dim: Any = None,
    keepdim: bool = False,
    **_: object,
) -> torch.Tensor:
    """Euclidean or absolute norm; the caller sees to it that it is one of them."""
    if ord == 1:
        return torch.abs(x).sum(dim=dim, keepdim=keepdim)
    return euclidean(x, dim, keepdim)


def complex_abs(input: torch.Tensor) -> torch.Tensor:
    """Absolute value of complex numbers."""
    return euclidean(torch.view_as_real(input), -1)


DECOMPOSED: dict[str, Callable[..., object]] = {
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "glu": glu,
    "std": std,
    "maximum": maximum,
    "minimum": minimum,
    "addcdiv": addcdiv,
    "lerp": lerp,
    "scaled_dot_product_attention": scaled_dot_product_attention,
}
