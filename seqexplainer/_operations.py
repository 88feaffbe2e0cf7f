"""Names of torch operations by how a difference passes through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch

Operation: TypeAlias = Callable[..., Any]
"""An operation of torch: it alone knows what it takes and gives."""
Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# One varying input, element by element: any function of one number.
ELEMENTWISE = _words(
    """relu relu6 elu selu celu gelu silu mish softplus hardtanh hardsigmoid hardswish hardshrink
    softshrink leaky_relu rrelu prelu threshold sigmoid log_sigmoid tanh exp exp2 expm1 log log2
    log10 log1p sqrt rsqrt square abs reciprocal sin cos tan sinh cosh asin acos atan asinh acosh
    atanh arcsin arccos arctan arcsinh arccosh arctanh erf erfc erfinv lgamma digamma clamp
    clamp_min clamp_max pow float_power sign sgn round floor ceil trunc fix frac sinc logit i0
    special_erf special_exp2 special_expm1 special_log1p nan_to_num deg2rad rad2deg"""
)

# Those with a continuous second derivative: close to each other, values have the mean slope.
SMOOTH = _words(
    """gelu silu mish softplus log_sigmoid logit erf erfc erfinv exp2 expm1 log log2 log10 log1p
    sin cos tan sinh cosh asin acos atan asinh acosh atanh arcsin arccos arctan arcsinh arccosh
    arctanh lgamma digamma sinc i0 special_erf special_exp2 special_expm1 special_log1p"""
)

# Other names of a function.
SYNONYMS = {
    "absolute": "abs",
    "__abs__": "abs",
    "arctan": "atan",
    "clip": "clamp",
    "expit": "sigmoid",
    "special_expit": "sigmoid",
    "special_logit": "logit",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax",
    "special_logsumexp": "logsumexp",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "subtract": "sub",
    "__truediv__": "div",
    "__div__": "div",
    "__itruediv__": "div_",
    "__idiv__": "div_",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul_",
    "__pow__": "pow",
    "__ipow__": "pow_",
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add_",
    "__sub__": "sub",
    "__isub__": "sub_",
    "__matmul__": "matmul",
}

# Linear in all varying inputs together.
ADDITIVE = _words(
    """add sub rsub __rsub__ __neg__ neg negative positive sum mean cat concat concatenate stack
    hstack vstack dstack row_stack column_stack cumsum trace dropout alpha_dropout feature_dropout
    feature_alpha_dropout native_dropout avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d upsample_nearest1d upsample_nearest2d
    upsample_nearest3d _upsample_nearest_exact1d upsample_linear1d upsample_bilinear2d
    upsample_trilinear3d upsample_bicubic2d fft_fft fft_ifft fft_rfft fft_irfft scatter_add
    index_add copy_ diff"""
)

# Only move, copy or convert numbers.
MOVING = _words(
    """view view_as reshape reshape_as flatten unflatten ravel permute transpose swapaxes swapdims
    movedim moveaxis t T mT H mH adjoint unsqueeze squeeze expand expand_as broadcast_to
    broadcast_tensors repeat repeat_interleave tile roll flip fliplr flipud rot90 narrow select
    index_select gather take take_along_dim __getitem__ slice split split_with_sizes tensor_split
    chunk unsafe_chunk unsafe_split unbind hsplit vsplit unfold im2col col2im pad constant_pad_nd
    reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d contiguous clone alias
    to float double half bfloat16 type type_as cpu cuda diag diagonal diag_embed tril triu
    pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle view_as_real
    view_as_complex real imag resolve_conj resolve_neg as_strided requires_grad_ __setitem__
    index_put index_copy scatter slice_scatter select_scatter masked_scatter zero_ fill_"""
)

# Of the shape of their input, each number in its place.
SAME = ELEMENTWISE | _words(
    """to float double half bfloat16 type type_as cpu cuda contiguous clone alias detach long int
    bool byte short logical_not bitwise_not isnan isinf isfinite"""
)

# These keep what their input says about the batch, too, so row numbers show where it goes.
PROBED = MOVING | _words("sum mean amax amin max min cat stack concat hstack vstack")

# Linear in each input: one varying input is linear, two take the mean of both orders.
MULTILINEAR = _words(
    """mul matmul __rmatmul__ mm bmm mv dot vdot inner outer ger einsum linear conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d conv_transpose3d bilinear baddbmm addmm addbmm addmv addr
    addcmul kron chain_matmul tensordot linalg_multi_dot linalg_matmul var"""
)

# The result has the shape or the type of a tensor, but not its numbers.
CREATED = _words(
    """zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones new_empty
    new_full new_tensor"""
)

# The result has no gradient: other numbers, only a shape or a type.
CONSTANT = CREATED | _words(
    """argmax argmin eq ne lt le gt ge __eq__ __ne__ __lt__ __le__ __gt__ __ge__
    isnan isinf isfinite bernoulli heaviside bucketize detach data"""
)


def name_of(function: Operation) -> str:
    """Return the plain name of a torch function, property getters included."""
    packet = getattr(function, "overloadpacket", function)  # of exported models
    name = getattr(packet, "__name__", type(packet).__name__)
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return SYNONYMS.get(name, name)


def tensors_in(value: object, found: list[torch.Tensor]) -> list[torch.Tensor]:
    """Append all tensors, of any shape, inside nested arguments to a list and return it."""
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            tensors_in(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            tensors_in(item, found)
    return found
