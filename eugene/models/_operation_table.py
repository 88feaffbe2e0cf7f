"""The operations that a sequential network may be written down with; torch is not needed to check.

The one table that definitions of seqgra are read by and that `eugene.models.zoo.Operations` builds
from. Names and arguments are those of Keras, in which seqgra writes them; torch's are understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from eugene.errors import did_you_mean

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | None"
"""What stands in a definition: a word, a number, yes or no, or several of them."""
Fault: TypeAlias = tuple[str, str]
"""The argument, ``""`` for the operation itself, and what is wrong with it."""

_YES, _NO = ("y", "yes", "t", "true", "on", "1"), ("n", "no", "f", "false", "off", "0")


@dataclass(frozen=True)
class Argument:
    """An argument of an operation.

    Attributes
    ----------
    kind : {"whole", "number", "flag", "sizes", "word", "shape"}
        Sizes are whole numbers of 1 or more, one or as many as there are axes; a word may be a
        whole number where there are no ``words``.
    default : Value
        What it is where it is left out.
    needed : bool
        Whether it may not be left out.
    words : tuple of str
        The words that there are.
    """

    kind: Literal["whole", "number", "flag", "sizes", "word", "shape"]
    default: Value = None
    needed: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """An operation.

    Attributes
    ----------
    keras : str
        What Keras calls it; ours is the same in small letters.
    takes : mapping of str to Argument
    torch : mapping of str to str
        What torch calls arguments, and what they are called here.
    unread : tuple of str
        Arguments that are understood only where they ask for what is done anyway; see `SETTLED`.
    """

    keras: str
    takes: Mapping[str, Argument] = field(default_factory=dict)
    torch: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


ACTIVATIONS = (
    *("linear", "relu", "leaky_relu", "gelu", "elu", "silu", "softplus", "tanh", "sigmoid"),
    *("exponential", "softmax"),
)
_INPUT = {"input_shape": Argument("shape")}
_LEARNT = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
           "activity_regularizer", "trainable", "weights_file")  # fmt: skip
_ACTIVATION = Argument("word", "linear", words=ACTIVATIONS)
_BIAS = {"use_bias": Argument("flag", True)}
_CONV = {
    "filters": Argument("whole", needed=True),
    "kernel_size": Argument("sizes", needed=True),
    "strides": Argument("sizes", 1),
    "padding": Argument("word", "valid"),
    "dilation_rate": Argument("sizes", 1),
    "activation": _ACTIVATION,
    **_BIAS,
    **_INPUT,
}
_CONV_TORCH = {"out_channels": "filters", "stride": "strides", "dilation": "dilation_rate",
               "bias": "use_bias"}  # fmt: skip

OPERATIONS: dict[str, Kind] = {
    "conv1d": Kind("Conv1D", _CONV, _CONV_TORCH, (*_LEARNT, "data_format", "in_channels")),
    "conv2d": Kind("Conv2D", _CONV, _CONV_TORCH, (*_LEARNT, "data_format", "in_channels")),
    "dense": Kind(
        "Dense",
        {"units": Argument("whole", needed=True), "activation": _ACTIVATION, **_BIAS, **_INPUT},
        {"out_features": "units", "bias": "use_bias"},
        (*_LEARNT, "in_features"),
    ),
    "lstm": Kind(
        "LSTM",
        {
            "units": Argument("whole", needed=True),
            "return_sequences": Argument("flag", False),
            "bidirectional": Argument("flag", False),
            **_BIAS,
            **_INPUT,
        },
        {"hidden_size": "units", "bias": "use_bias"},
        (
            *(*_LEARNT, "input_size", "activation", "recurrent_activation", "merge_mode"),
            *("recurrent_initializer", "recurrent_regularizer", "unit_forget_bias", "dropout"),
            *("recurrent_dropout", "implementation", "return_state", "go_backwards", "stateful"),
            *("time_major", "unroll", "batch_first", "num_layers"),
        ),
    ),
    "maxpool1d": Kind(
        "MaxPool1D",
        {
            "pool_size": Argument("whole", 2),
            "strides": Argument("whole"),
            "padding": Argument("word", "valid", words=("valid", "same")),
            **_INPUT,
        },
        {"kernel_size": "pool_size", "stride": "strides"},
        ("data_format",),
    ),
    "globalmaxpool1d": Kind("GlobalMaxPool1D", _INPUT, {}, ("data_format", "output_size")),
    "flatten": Kind(
        "Flatten",
        {"order": Argument("word", words=("positions", "channels")), **_INPUT},
        {},
        ("data_format", "start_dim"),
    ),
    "reshape": Kind("Reshape", {"target_shape": Argument("shape", needed=True), **_INPUT}),
    "dropout": Kind("Dropout", {"rate": Argument("number", 0.5), **_INPUT}, {"p": "rate"}),
    "batchnorm": Kind("BatchNormalization", _INPUT, {}, ("num_features", "trainable")),
    "activation": Kind(
        "Activation", {"activation": Argument("word", needed=True, words=ACTIVATIONS), **_INPUT}
    ),
}
"""Operations by name."""
_OTHER_NAMES = {
    "linear": "dense",
    "adaptivemaxpool1d": "globalmaxpool1d",
    "globalmaxpooling1d": "globalmaxpool1d",
    "maxpooling1d": "maxpool1d",
    "batchnormalization": "batchnorm",
    "batchnorm1d": "batchnorm",
}
_OF_TORCH = {"relu": "relu", "gelu": "gelu", "elu": "elu", "silu": "silu", "softplus": "softplus",
             "tanh": "tanh", "sigmoid": "sigmoid", "softmax": "softmax",
             "leakyrelu": "leaky_relu"}  # fmt: skip

_STARTS = "draw other starting weights by 'model: {init: ...}'"
SETTLED: dict[str, tuple[tuple[Value, ...] | None, str]] = {
    "kernel_initializer": (
        ("glorot_uniform", "GlorotUniform"),
        "draw other starting weights by 'model: {init: ...}'",
    ),
    "bias_initializer": (("zeros", "Zeros"), _STARTS),
    "recurrent_initializer": (
        ("orthogonal", "Orthogonal"),
        "draw other starting weights by 'model: {init: ...}'",
    ),
    "kernel_regularizer": ((None,), "give the optimiser a weight_decay"),
    "bias_regularizer": ((None,), "give the optimiser a weight_decay"),
    "recurrent_regularizer": ((None,), "give the optimiser a weight_decay"),
    "activity_regularizer": ((None,), "take it out"),
    "trainable": ((True,), "freeze parts by 'stages' of a run"),
    "weights_file": ((), "start from weights by 'model: {weights: FILE}'"),
    "data_format": (("channels_last",), "take it out: channels are where they belong"),
    "activation": (("tanh",), "an LSTM has tanh here"),
    "recurrent_activation": (("sigmoid",), "an LSTM has sigmoid gates here"),
    "merge_mode": (("concat",), "states of both directions stand side by side here"),
    "unit_forget_bias": ((True,), "take it out"),
    "dropout": ((0, 0.0), "put a Dropout before the LSTM"),
    "recurrent_dropout": ((0, 0.0), "put a Dropout behind the LSTM"),
    "return_state": ((False,), "take it out"),
    "go_backwards": ((False,), "say bidirectional"),
    "stateful": ((False,), "take it out"),
    "time_major": ((False,), "take it out"),
    "num_layers": ((1,), "write each layer as an operation"),
    "output_size": ((1,), "pool to one position"),
    "start_dim": ((1,), "take it out"),
    **dict.fromkeys(
        (
            *("implementation", "unroll", "batch_first", "in_channels", "in_features"),
            *("input_size", "num_features"),
        ),
        (None, ""),
    ),
}
"""Values of arguments that ask for what is done anyway, None for all, and what to do instead."""


def operation_name(name: object) -> tuple[str, dict[str, Value]]:
    """Return our name of an operation, and arguments that its name says.

    Examples
    --------
    >>> operation_name("GlobalMaxPooling1D"), operation_name("ReLU")
    (('globalmaxpool1d', {}), ('activation', {'activation': 'relu'}))
    """
    word = str(name).strip().lower().replace("_", "")
    if word in _OF_TORCH:
        return "activation", {"activation": _OF_TORCH[word]}
    return _OTHER_NAMES.get(word, word), {}


def flag(value: Value) -> bool | None:
    """Return yes or no as it is written in definitions, None where it is neither."""
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def renamed(name: str, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return arguments of an operation by our names."""
    if name not in OPERATIONS:
        return dict(given)
    return {OPERATIONS[name].torch.get(key, key): value for key, value in given.items()}


def misspelt(name: str, given: Mapping[str, Value]) -> Iterator[Fault]:
    """Yield what is no operation, no argument of one, or no value of it.

    Parameters
    ----------
    name : str
        From `operation_name`.
    given : mapping
        From `renamed`.

    Yields
    ------
    Fault

    Examples
    --------
    >>> list(misspelt("dropout", {"rat": 0.5}))
    [('rat', "dropout has no argument 'rat'; did you mean 'rate'?")]
    """
    if name not in OPERATIONS:
        yield "", f"there is no operation {name!r}{did_you_mean(name, OPERATIONS, listed=20)}"
        return
    kind = OPERATIONS[name]
    for key, value in given.items():
        if key in kind.takes:
            wrong = _misfit(kind.takes[key], value)
            if wrong:
                yield key, f"of {name} is {value!r}, expected {wrong}"
        elif key not in kind.unread:
            hint = did_you_mean(key, [*kind.takes, *kind.unread])
            yield key, f"{name} has no argument {key!r}{hint}"
    for key, argument in kind.takes.items():
        if argument.needed and given.get(key) is None:
            yield "", f"{name} needs {key!r}"


def refused(name: str, given: Mapping[str, Value]) -> Iterator[Fault]:
    """Yield what an operation asks for and cannot be had here, and what can."""
    for key, value in given.items():
        if key in OPERATIONS[name].takes:
            continue
        values, instead = SETTLED[key]
        plain = value.strip("'\"") if isinstance(value, str) else value
        if isinstance(values, tuple) and isinstance(next(iter(values), None), bool):
            plain = flag(plain)
        if values is not None and plain not in values:
            yield key, f"{key}={value!r} of {name} cannot be had here: {instead}"


def settled(name: str, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return all arguments of an operation that is spelt right."""
    found: dict[str, Value] = {}
    for key, argument in OPERATIONS[name].takes.items():
        value = given.get(key, argument.default)
        found[key] = flag(value) if argument.kind == "flag" else value
    return found


def _misfit(argument: Argument, value: Value) -> str:
    """Return what was expected instead of a value; nothing where it is right."""

    def whole(one: Value) -> bool:
        return isinstance(one, int) and not isinstance(one, bool) and one >= 1

    if argument.kind == "flag":
        return "true or false" if flag(value) is None else ""
    if argument.kind == "whole":
        return "" if whole(value) else "a whole number of 1 or more"
    if argument.kind == "number":
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
        return "" if right else "a number from 0 to less than 1"
    if argument.kind == "sizes":
        listed = value if isinstance(value, tuple) else (value,)
        right = bool(listed) and all(whole(one) for one in listed)
        return "" if right else "whole numbers of 1 or more"
    if argument.kind == "shape":
        listed = value if isinstance(value, tuple) else (value,)
        right = bool(listed) and all(whole(one) or one == -1 for one in listed)
        return "" if right else "a shape, such as (1000, 4)"
    if argument.words:
        known = isinstance(value, str) and value.lower() in argument.words
        return "" if known else f"one of {', '.join(argument.words)}"
    padded = value in ("valid", "same", "causal") or (
        isinstance(value, int) and not isinstance(value, bool) and value >= 0
    )
    return "" if padded else "valid, same, causal or a number of positions"
