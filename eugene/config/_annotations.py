"""Judging plain values against annotations that are only text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

from eugene.errors import did_you_mean

_SEQUENCES = {"list", "tuple", "Sequence", "Iterable", "Collection", "set", "frozenset"}
_MAPPINGS = {"dict", "Mapping", "MutableMapping", "OrderedDict"}
_PATHS = {"Path", "PathLike", "StrPath", "PurePath"}
_SCALARS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}


@cache
def parse(annotation: str) -> ast.expr | None:
    """Return the parsed annotation, or ``None`` for an empty or unreadable one."""
    if not annotation:
        return None
    try:
        node = ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return parse(node.value)
    return node


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _members(node: ast.expr) -> list[ast.expr]:
    """Return the members of a union, or the node alone."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    if isinstance(node, ast.Subscript) and _name(node.value) in {"Union", "Optional"}:
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        members = [member for item in inner for member in _members(item)]
        if _name(node.value) == "Optional":
            members.append(ast.Constant(None))
        return members
    return [node]


def _arguments(node: ast.expr) -> list[ast.expr]:
    if not isinstance(node, ast.Subscript):
        return []
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def _head(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else ""
    return _name(node.value) if isinstance(node, ast.Subscript) else _name(node)


def _literals(node: ast.expr) -> list[object]:
    return [item.value for item in _arguments(node) if isinstance(item, ast.Constant)]


def _known(node: ast.expr) -> bool:
    head = _head(node)
    return (
        head in _SCALARS
        or head in _SEQUENCES
        or head in _MAPPINGS
        or head in _PATHS
        or head in {"None", "Literal"}
    )


def _fits_scalar(value: object, head: str) -> bool:
    if head == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if head == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _SCALARS[head])


def _outer_fit(value: object, node: ast.expr) -> bool:
    head = _head(node)
    if head == "None":
        return value is None
    if head == "Literal":
        return any(value == item and type(value) is type(item) for item in _literals(node))
    if head in _SCALARS:
        return _fits_scalar(value, head)
    if head in _PATHS:
        return isinstance(value, str)
    if head in _SEQUENCES:
        return isinstance(value, list | tuple)
    return isinstance(value, dict)


def _inner(value: Any, node: ast.expr, path: str) -> Iterator[tuple[str, str]]:
    arguments = _arguments(node)
    head = _head(node)
    if head in _SEQUENCES and arguments:
        ellipsis = len(arguments) == 2 and _is_ellipsis(arguments[1])
        if head == "tuple" and not ellipsis:
            if len(value) != len(arguments):
                yield path, f"expected {len(arguments)} values, got {len(value)}"
                return
            items = arguments
        else:
            items = [arguments[0]] * len(value)
        for index, (item, kind) in enumerate(zip(value, items, strict=True)):
            yield from _check(item, kind, f"{path}[{index}]")
    elif head in _MAPPINGS and len(arguments) == 2:
        for key, item in value.items():
            yield from _check(item, arguments[1], f"{path}.{key}")


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _check(value: object, node: ast.expr, path: str) -> Iterator[tuple[str, str]]:
    members = _members(node)
    if not all(_known(member) for member in members):
        return
    fitting = [member for member in members if _outer_fit(value, member)]
    if not fitting:
        hint = ""
        choices = [item for member in members for item in _literals(member)]
        if choices and isinstance(value, str):
            hint = did_you_mean(value, choices)
        yield path, f"expected {describe(node)}, got {value!r}{hint}"
        return
    attempts = [list(_inner(value, member, path)) for member in fitting]
    if all(attempts):
        yield from min(attempts, key=len)


def check_value(value: object, annotation: str, path: str) -> list[tuple[str, str]]:
    """Judge a plain value against an annotation given as text.

    Names in the annotation that are not plain Python types fit everything.

    Parameters
    ----------
    value : object
        Numbers, strings, lists, dicts.
    annotation : str
        Such as ``"list[int] | None"``.
    path : str
        Where the value stands, for the messages.

    Returns
    -------
    list of (str, str)
        Path and message of every mistake, empty if it fits.

    Examples
    --------
    >>> check_value([1, "x"], "list[int]", "$.model.kernels")
    [('$.model.kernels[1]', "expected int, got 'x'")]
    >>> check_value(3, "int | None", "$")
    []
    """
    node = parse(annotation)
    return [] if node is None else list(_check(value, node, path))


def describe(node: ast.expr) -> str:
    """Return an annotation as a reader would say it.

    Examples
    --------
    >>> describe(parse("Literal['a', 'b'] | None"))
    "'a' or 'b' or null"
    """
    parts: list[str] = []
    for member in _members(node):
        if _head(member) == "Literal":
            parts += [repr(item) for item in _literals(member)]
        elif _head(member) == "None":
            parts.append("null")
        else:
            parts.append(ast.unparse(member))
    return " or ".join(dict.fromkeys(parts))


def describe_text(annotation: str) -> str:
    """Return `describe` of an annotation's text; ``"any value"`` where there is none.

    Examples
    --------
    >>> describe_text("int | None"), describe_text("")
    ('int or null', 'any value')
    """
    node = parse(annotation)
    return "any value" if node is None else describe(node)


def takes_text(annotation: str) -> bool:
    """Tell whether a string is what the annotation asks for and a number is not.

    Examples
    --------
    >>> takes_text("str | None"), takes_text("int | str")
    (True, False)
    """
    node = parse(annotation)
    if node is None:
        return False
    heads = {_head(member) for member in _members(node)}
    return bool(heads & ({"str"} | _PATHS)) and not heads & {"int", "float", "bool"}
