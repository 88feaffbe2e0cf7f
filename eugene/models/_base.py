"""What every architecture has in common."""

from __future__ import annotations

import copy
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import nn

from eugene.errors import did_you_mean
from eugene.nn import (
    DenseBlock,
    MergeStrands,
    ModelError,
    ReverseComplement,
    TooShortError,
    UnknownArgumentError,
)

M = TypeVar("M", bound=nn.Module)


class Architecture(nn.Module):
    """A network from one-hot sequence, float (batch, letters, length), to (batch, output_dim).

    Parameters
    ----------
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs.
    input_channels : int
        Letters of the alphabet: 4 for DNA and RNA.
    **config
        The other arguments, kept so that a checkpoint can build the network again.

    Attributes
    ----------
    input_len, output_dim, input_channels : int
        As given.
    config : dict
        ``{"name": ..., "input_len": ..., ...}`` of plain values.
    length_free : bool
        Whether sequences of other lengths can be read as well.

    Raises
    ------
    ModelError
        If a length or width is not a positive whole number.
    """

    name: ClassVar[str] = ""
    length_free: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _telling(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self, input_len: int, output_dim: int, *, input_channels: int = 4, **config: Any
    ) -> None:
        super().__init__()
        for key, value in (
            ("input_len", input_len),
            ("output_dim", output_dim),
            ("input_channels", input_channels),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelError(f"{key} must be a whole number of at least 1, got {value!r}")
        self.input_len, self.output_dim = input_len, output_dim
        self.input_channels = input_channels
        self.config = {
            "name": self.name,
            "input_len": input_len,
            "output_dim": output_dim,
            "input_channels": input_channels,
            **copy.deepcopy(config),
        }

    def in_eugene(self) -> dict[str, Any]:
        """Return the arguments that differ where EUGENe 0.1.2 arranged this network otherwise.

        Its towers pooled with steps of 1 unless told: weights of the same shapes would predict
        otherwise.
        """
        conv = self.config.get("conv_kwargs") or {}
        if conv.get("pool_kernels") is None or conv.get("pool_strides") is not None:
            return {}
        return {"conv_kwargs": {**conv, "pool_strides": 1}}


def arguments(given: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments of an architecture from the ``locals()`` of its ``__init__``.

    Parameters
    ----------
    given : mapping
        ``locals()``, before anything else is named.

    Returns
    -------
    dict
        The arguments as plain values, tuples as lists: what :class:`Architecture` takes and keeps.
    """
    named = {k: v for k, v in given.items() if k not in ("self", "__class__")}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in named.items()}


def _telling(init: Callable[..., None]) -> Callable[..., None]:
    """Return an initialiser that says which argument was meant, and which length would do."""
    known = inspect.signature(init).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())

    @functools.wraps(init)
    def build(self: Architecture, *args: object, **kwargs: object) -> None:
        for key in () if takes_any else kwargs:
            if key not in known:
                own = [name for name in known if name != "self"]
                message = f"{type(self).__name__} has no argument {key!r}{did_you_mean(key, own)}"
                raise UnknownArgumentError(message)
        try:
            init(self, *args, **kwargs)
        except TooShortError as error:
            if type(self).__init__ is not build:  # a class derived from this one tells
                raise
            needed = _shortest(init, self, args, kwargs)
            if needed is None:
                raise
            message = f"{type(self).__name__}: {error}; the shortest input_len that does: {needed}"
            raise ModelError(message) from error

    return build


def _shortest(
    init: Callable[..., None], model: Architecture, args: Any, kwargs: Mapping[str, object]
) -> int | None:
    """Return the shortest input that a network can be built for, None if 2 ** 24 is too short."""
    signature = inspect.signature(init)
    bound = signature.bind(model, *args, **kwargs)

    def fits(length: int) -> bool:
        bound.arguments["input_len"] = length
        bound.arguments["self"] = type(model).__new__(type(model))
        try:
            with torch.device("meta"):
                init(*bound.args, **bound.kwargs)
        except TooShortError:
            return False
        return True

    low = bound.arguments.get("input_len", signature.parameters["input_len"].default)
    high = 2 * low
    while not fits(high):
        low, high = high, 2 * high
        if high > 2**24:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return int(high)


def make_part(
    block: Callable[..., M],
    argument: str,
    given: Mapping[str, object] | None,
    defaults: Mapping[str, object],
    **fixed: object,
) -> M:
    """Build a part of a network: what a caller gave, laid over the defaults.

    Parameters
    ----------
    block : callable
        What takes the arguments; its signature says which exist.
    argument : str
        Name of the dict, for errors.
    given : mapping or None
        Arguments from the caller.
    defaults : mapping
        Arguments used where the caller gave none.
    **fixed
        Arguments that the architecture sets itself; giving another value is an error.

    Returns
    -------
    torch.nn.Module
        The part.

    Raises
    ------
    ModelError
        If an argument does not exist or contradicts a fixed one.

    Examples
    --------
    >>> make_part(nn.Linear, "head", {"bias": False}, {}, in_features=4, out_features=1)
    Linear(in_features=4, out_features=1, bias=False)
    """
    known = inspect.signature(block).parameters
    for key, value in (given or {}).items():
        if key not in known:
            raise ModelError(f"{argument} has no argument {key!r}{did_you_mean(key, known)}")
        if key in fixed and value != fixed[key]:
            raise ModelError(
                f"{argument}[{key!r}] is {value!r}, but the network sets it to {fixed[key]!r}: "
                "leave it out"
            )
    return block(**copy.deepcopy({**defaults, **(given or {}), **fixed}))


def channels_of(input_channels: int | None, conv_kwargs: Mapping[str, Any] | None) -> int:
    """Return the letters that a network reads: as it is told, else as its tower is, else four."""
    if input_channels is None:
        return int((conv_kwargs or {}).get("input_channels", 4))
    return input_channels


def check_strands(name: str, input_channels: int) -> None:
    """Raise where a network that reads both strands is to read letters that have but one.

    Parameters
    ----------
    name : str
        The network, for the message.
    input_channels : int
        Letters of the alphabet.

    Raises
    ------
    ModelError
        Where these are not the four of DNA or RNA.
    """
    if input_channels != 4:
        raise ModelError(
            f"{name} reads the reverse complement too, which only DNA and RNA have; the alphabet "
            f"has {input_channels} letters: choose a network of one strand, such as cnn, hybrid, "
            "deepbind or deepstarr"
        )


class Stranded(Architecture, ABC):
    """A network of one strand or both, with dense layers behind what each strand shows.

    Parameters
    ----------
    input_len, output_dim, input_channels, **config
        As of `Architecture`.
    """

    dense_block: DenseBlock

    def _finish(
        self,
        features: int,
        dense_kwargs: Mapping[str, object] | None,
        given: object,
        *,
        merged: bool = False,
    ) -> None:
        """Make what brings strands together, and the dense layers.

        Parameters
        ----------
        features : int
            Features of a strand.
        dense_kwargs : mapping or None
            Arguments of the dense layers; where neither they nor other parts are ``given``, there
            is a hidden layer, otherwise a plain linear one, as in EUGENe.
        given : object
            True where the caller gave other parts.
        merged : bool
            True where the strands are brought together earlier, by what reads them.
        """
        strands, aggregate = self.config["strands"], self.config["aggregate"]
        self.reverse_complement = ReverseComplement()
        self.merge_strands = None
        if not merged:
            self.merge_strands = make_strands(strands, aggregate, self.input_channels)
        if self.merge_strands is not None:
            features *= self.merge_strands.multiplier
        self.dense_block = make_part(
            DenseBlock,
            "dense_kwargs",
            dense_kwargs,
            {} if given or dense_kwargs else self.dense_default,
            input_dim=features,
            output_dim=self.output_dim,
        )

    dense_default: ClassVar[Mapping[str, object]] = {}

    @abstractmethod
    def _read(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, features) from one strand, float (batch, letters, input_len)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float (batch, output_dim) from ``x``, float (batch, letters, input_len)."""
        features = self._read(x)
        if self.merge_strands is not None:
            features = self.merge_strands(features, self._read(self.reverse_complement(x)))
        result: torch.Tensor = self.dense_block(features)
        return result


def make_strands(strands: str, aggregate: str, input_channels: int = 4) -> MergeStrands | None:
    """Return what brings both strands together, or None where one strand is read.

    Parameters
    ----------
    strands : {"single", "both"}
        Whether the reverse complement is read as well, with the same weights.
    aggregate : {"max", "mean", "sum", "concat"}
        How features of the two strands are brought together.
    input_channels : int
        Letters of the alphabet.

    Returns
    -------
    MergeStrands or None
        None for a single strand.

    Raises
    ------
    ModelError
        If ``strands`` is neither, or the alphabet has no reverse complement.
    """
    if strands == "single":
        return None
    if strands != "both":
        raise ModelError(f"strands={strands!r} must be 'single' or 'both'")
    check_strands("strands='both'", input_channels)
    return MergeStrands(aggregate)
