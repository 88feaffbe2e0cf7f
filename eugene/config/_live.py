"""Signatures of Python objects, in the form that `read_signature` gives those in source files."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, get_args, get_origin

from eugene.config._source import NO_DEFAULT, Parameter, Signature, descriptions, parameter_of
from eugene.config.marks import Mark

_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def signature_of(thing: Callable[..., object], target: str) -> Signature:
    """Return the arguments of a class or function that a user has registered.

    Parameters
    ----------
    thing : callable
        The class or function.
    target : str
        What messages call it: ``"module:name"``.

    Returns
    -------
    Signature
        Types, bounds and texts as they are read from the source of shipped ones; whatever can be
        given where Python itself knows no signature.

    Examples
    --------
    >>> def mine(x: int, k: int = 3): "Do it."
    >>> found = signature_of(mine, "here:mine")
    >>> found.names, found["k"].default, found["k"].annotation, found.summary
    (('x', 'k'), '3', 'int', 'Do it.')
    """
    docs = [inspect.getdoc(thing) or ""]
    if inspect.isclass(thing):
        docs.append(inspect.getdoc(thing.__init__) or "")
    summary = docs[0].strip().partition("\n")[0]
    try:
        found = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return Signature(target, (), True, summary)
    texts = {name: text for doc in docs for name, text in descriptions(doc).items()}
    parameters = tuple(_parameter(p, texts) for p in found if p.kind not in _MANY)
    accepts_any = any(p.kind is p.VAR_KEYWORD for p in found)
    return Signature(target, parameters, accepts_any, summary)


def _parameter(found: inspect.Parameter, texts: dict[str, str]) -> Parameter:
    default = repr(found.default)
    if found.default is found.empty:
        default = NO_DEFAULT
    alone = found.kind is found.KEYWORD_ONLY
    annotation, node = found.annotation, None
    marks: tuple[Mark, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *beside = get_args(annotation)
        marks = tuple(mark for mark in beside if isinstance(mark, Mark))
    if annotation is not found.empty:
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        with contextlib.suppress(SyntaxError):
            node = ast.parse(text, mode="eval").body
    parameter = parameter_of(found.name, node, default, texts, keyword_only=alone)
    return replace(parameter, marks=(*marks, *parameter.marks))
