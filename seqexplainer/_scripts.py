"""Compiled, exported and TorchScript parts of a model, made to run so that they are seen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch.overrides import handle_torch_function, has_torch_function

from seqexplainer._operations import tensors_in
from seqexplainer.errors import GraphError


def scripted(part: torch.nn.Module, *args: object, **kwargs: object) -> object:
    """Call a TorchScript module as one operation, which torch function modes see."""
    tensors = tuple(tensors_in((args, kwargs), []))
    if has_torch_function(tensors):
        return handle_torch_function(scripted, tensors, part, *args, **kwargs)
    return part(*args, **kwargs)


class _Scripted(torch.nn.Module):
    """Stands for a TorchScript module inside a model: it has hooks, and its calls are seen."""

    def __init__(self, part: torch.nn.Module) -> None:
        super().__init__()
        self.__dict__["part"] = part
        self.training = part.training

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["part"], name)

    def forward(self, *args: object, **kwargs: object) -> object:
        """Call the module."""
        return scripted(self.__dict__["part"], *args, **kwargs)


@contextmanager
def opened(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Let a model run operation by operation, in Python, as far as that can be.

    Compiled modules and functions run as they were before; TorchScript modules become one
    operation each. All is as before afterwards.

    Parameters
    ----------
    model : Module
        The model.

    Yields
    ------
    Module
        The model to call.

    Raises
    ------
    GraphError
        If a module is compiled and torch, below 2.6, cannot run it as it was before.
    """
    model = getattr(model, "_orig_mod", model)
    places = [
        (parent, name, part)
        for parent in model.modules()
        if not isinstance(parent, torch.jit.ScriptModule)
        for name, part in parent._modules.items()
        if isinstance(part, torch.jit.ScriptModule)
    ]
    try:
        for parent, name, part in places:
            parent._modules[name] = _Scripted(part)
        with _uncompiled(model):
            yield _Scripted(model) if isinstance(model, torch.jit.ScriptModule) else model
    finally:
        for parent, name, part in places:
            parent._modules[name] = part


def _uncompiled(model: torch.nn.Module) -> AbstractContextManager[object]:
    """Return what keeps compiled parts of a model from running."""
    # nothing is compiled where the compiler, which is slow to import, was never loaded
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    if hasattr(torch.compiler, "set_stance"):
        stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return stance
    for name, part in model.named_modules():
        if hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None:
            raise GraphError(
                f"the part {name!r} of the model is compiled, and torch {torch.__version__} cannot "
                "run it as it was before: give the model before torch.compile, or install torch 2.6"
            )
    return nullcontext()
