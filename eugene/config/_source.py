"""Signatures read from source text, without importing what they belong to.

A YAML file may name a network; its arguments have to be judged before torch, or anything
that a stranger's file names, is imported.  So the source is parsed and the definition is
followed through re-exports.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from eugene.config.marks import MARKS, Mark

NO_DEFAULT = "<required>"
_M = TypeVar("_M", bound=Mark)


@dataclass(frozen=True)
class Parameter:
    """One argument of a function or class.

    Attributes
    ----------
    name : str
        The keyword.
    annotation : str
        Source text of the type, ``""`` where there is none.
    default : str
        Source text of the default value; ``"<required>"`` where there is none.
    description : str
        What the numpydoc docstring says about it.
    marks : tuple
        What ``Annotated`` says beyond the type, of `eugene.config.marks`.
    keyword_only : bool
        Whether it cannot be given by position.
    """

    name: str
    annotation: str = ""
    default: str = NO_DEFAULT
    description: str = ""
    marks: tuple[Mark, ...] = ()
    keyword_only: bool = False

    @property
    def required(self) -> bool:
        """Whether the argument has no default."""
        return self.default == NO_DEFAULT

    def mark(self, kind: type[_M]) -> _M | None:
        """Return the mark of a kind, if the annotation has one.

        Examples
        --------
        >>> from eugene.config.marks import Least, Names
        >>> Parameter("n", "int", marks=(Least(1),)).mark(Least)
        Least(value=1)
        >>> Parameter("n", "int", marks=(Least(1),)).mark(Names) is None
        True
        """
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)

    def literal_default(self) -> tuple[bool, Any]:
        """Return whether the default is a plain literal, and its value.

        Examples
        --------
        >>> Parameter("k", "int", "6").literal_default()
        (True, 6)
        >>> Parameter("k", "int", "compute()").literal_default()
        (False, None)
        """
        # a mapping that cannot be changed is written as one that can
        text = self.default.removeprefix("MappingProxyType(")
        try:
            return True, ast.literal_eval(text if text == self.default else text[:-1])
        except (ValueError, SyntaxError):
            return False, None


@dataclass(frozen=True)
class Signature:
    """What can be given to a function or class.

    Attributes
    ----------
    target : str
        ``"module:name"`` of the definition itself.
    parameters : tuple of Parameter
        In order, without ``self``.
    accepts_any : bool
        Whether there is a ``**kwargs``.
    summary : str
        First line of the docstring.
    """

    target: str
    parameters: tuple[Parameter, ...] = ()
    accepts_any: bool = False
    summary: str = ""

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    @property
    def positional(self) -> int:
        """How many of the parameters, the first, can be given by position."""
        return sum(not parameter.keyword_only for parameter in self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        return tuple(parameter.name for parameter in self.parameters)


def module_file(module: str) -> Path | None:
    """Return the source file of a module without importing it or its parents.

    Parameters
    ----------
    module : str
        Dotted name.

    Returns
    -------
    Path or None
        ``None`` where there is no Python source for it.

    Examples
    --------
    >>> module_file("eugene.errors").name
    'errors.py'
    >>> module_file("eugene.no_such_module") is None
    True
    """
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder).joinpath(*rest)
        for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
            if candidate.is_file():
                return candidate
    return None


@cache
def _tree(path: Path, _stamp: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _parse(path: Path) -> ast.Module:
    return _tree(path, path.stat().st_mtime_ns)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)
        elif isinstance(statement, ast.Try):
            yield from _statements(statement.body)


def _absolute(module: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    keep = len(parts) - node.level + (1 if path.name == "__init__.py" else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _lazy_target(statement: ast.stmt, module: str, name: str) -> tuple[str, str] | None:
    """Look a name up in a module-level dict of lazily loaded names."""
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(value, ast.Dict):
        return None
    for key, item in zip(value.keys, value.values, strict=True):
        if not (isinstance(key, ast.Constant) and key.value == name):
            continue
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            where, _, attribute = item.value.partition(":")
            where = f"{module}{where}" if where.startswith(".") else where
            return where, attribute or name
    return None


def find_definition(module: str, name: str, *, depth: int = 12) -> tuple[str, Definition] | None:
    """Follow a name through re-exports to its definition.

    Parameters
    ----------
    module : str
        Dotted module name.
    name : str
        A function or class in it.
    depth : int, optional
        How many re-exports are followed.

    Returns
    -------
    tuple of (str, ast node) or None
        The module of the definition and the node.

    Examples
    --------
    >>> find_definition("eugene.config", "Registry")[0]
    'eugene.config._registry'
    """
    path = module_file(module)
    if path is None or depth == 0:
        return None
    stars: list[str] = []
    candidates: list[tuple[str, str]] = []
    for statement in _statements(_parse(path).body):
        if isinstance(statement, Definition) and statement.name == name:
            return module, statement
        if isinstance(statement, ast.ImportFrom):
            source = _absolute(module, path, statement)
            for alias in statement.names:
                if alias.name == "*":
                    stars.append(source)
                elif (alias.asname or alias.name) == name:
                    candidates.append((source, alias.name))
        elif (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Name)
            and any(isinstance(t, ast.Name) and t.id == name for t in statement.targets)
        ):
            candidates.append((module, statement.value.id))
        else:
            lazy = _lazy_target(statement, module, name)
            if lazy is not None:
                candidates.append(lazy)
    candidates += [(source, name) for source in stars]
    for source, original in candidates:
        found = find_definition(source, original, depth=depth - 1)
        if found is not None:
            return found
    return None


def descriptions(docstring: str) -> dict[str, str]:
    """Return the text of each argument in a numpydoc Parameters or Attributes section."""
    found: dict[str, str] = {}
    lines = docstring.expandtabs().splitlines()
    inside = False
    names: list[str] = []
    for index, line in enumerate(lines):
        underline = lines[index + 1].strip() if index + 1 < len(lines) else ""
        if line.strip() and set(underline) == {"-"}:
            inside = line.strip() in {"Parameters", "Other Parameters", "Attributes"}
            names = []
            continue
        if not inside or not line.strip() or set(line.strip()) == {"-"}:
            continue
        if line == line.lstrip():
            head = line.partition(" : ")[0]
            names = [part.strip().lstrip("*") for part in head.split(",")]
        else:
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def _docstring(node: Definition) -> str:
    return ast.get_docstring(node, clean=True) or ""


def _assigned_docstring(module: str, name: str) -> str:
    """Return the text that a module puts into ``name.__doc__``, as torch does."""
    path = module_file(module)
    for statement in _parse(path).body if path is not None else ():
        match statement:
            case ast.Assign([ast.Attribute(ast.Name(owner), "__doc__")], value) if owner == name:
                texts = (n.value for n in ast.walk(value) if isinstance(n, ast.Constant))
                return next((text for text in texts if isinstance(text, str)), "")
    return ""


def parameter_of(
    name: str,
    annotation: ast.expr | None,
    default: str,
    texts: dict[str, str],
    *,
    keyword_only: bool = False,
) -> Parameter:
    """Return a parameter; what stands beside the type in ``Annotated`` becomes its marks."""
    marks: list[Mark] = []
    match annotation:
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([kind, *beside])):
            annotation = kind
            for item in beside:
                match item:
                    case ast.Call(ast.Name(mark), values) if mark in MARKS:
                        marks.append(MARKS[mark](*map(ast.literal_eval, values)))
    text = "" if annotation is None else ast.unparse(annotation)
    return Parameter(name, text, default, texts.get(name, ""), tuple(marks), keyword_only)


def _from_arguments(
    arguments: ast.arguments, texts: dict[str, str], *, skip_first: bool
) -> tuple[list[Parameter], bool]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    pairs = list(zip(positional, defaults, strict=True))[1 if skip_first else 0 :]
    pairs += list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    parameters = [
        parameter_of(
            arg.arg,
            arg.annotation,
            NO_DEFAULT if default is None else ast.unparse(default),
            texts,
            keyword_only=arg in arguments.kwonlyargs,
        )
        for arg, default in pairs
    ]
    return parameters, arguments.kwarg is not None


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def _dataclass_default(value: ast.expr | None) -> str | None:
    """Return the default's source text; ``None`` for a field outside ``__init__``."""
    if value is None:
        return NO_DEFAULT
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
        keywords = {keyword.arg: keyword.value for keyword in value.keywords}
        if "init" in keywords and ast.unparse(keywords["init"]) == "False":
            return None
        if "default" in keywords:
            return ast.unparse(keywords["default"])
        if "default_factory" in keywords:
            made = keywords["default_factory"]
            if isinstance(made, ast.Lambda):
                return ast.unparse(made.body)
            factory = ast.unparse(made)
            return {"dict": "{}", "list": "[]", "tuple": "()"}.get(factory, f"{factory}()")
        return NO_DEFAULT
    return ast.unparse(value)


def _class_parameters(
    module: str, node: ast.ClassDef, texts: dict[str, str], depth: int
) -> tuple[list[Parameter], bool] | None:
    """Return the parameters of a class, its own or the first inherited ones."""
    texts = {**descriptions(_docstring(node)), **texts}
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name in {"__init__", "__new__"}:
            texts = {**descriptions(_docstring(item)), **texts}
            return _from_arguments(item.args, texts, skip_first=True)
    inherited: tuple[list[Parameter], bool] | None = None
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        found = None if depth == 0 or "." in name else find_definition(module, name)
        if found is not None and isinstance(found[1], ast.ClassDef):
            inherited = _class_parameters(found[0], found[1], texts, depth - 1)
            if inherited is not None:
                break
    if not _is_dataclass(node):
        return inherited
    fields = {parameter.name: parameter for parameter in (inherited[0] if inherited else [])}
    for item in node.body:
        if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
            continue
        default = _dataclass_default(item.value)
        if default is None or "ClassVar" in ast.unparse(item.annotation):
            continue
        fields[item.target.id] = parameter_of(item.target.id, item.annotation, default, texts)
    return list(fields.values()), False


_INSTALLED = ("eugene", "seqdata", "seqexplainer", "seqpro", "torch")


def read_signature(target: str) -> Signature:
    """Read the signature of ``"module:name"`` from source, importing nothing.

    Parameters
    ----------
    target : str
        Where the function or class can be imported from.

    Returns
    -------
    Signature
        Its parameters with annotations, defaults and descriptions as text.

    Raises
    ------
    LookupError
        If there is no such definition in any source file.

    Examples
    --------
    >>> read_signature("eugene.errors:did_you_mean").names
    ('name', 'choices', 'listed', 'sentence')
    """
    # what is installed is read once; files of the user may change between two looks
    installed = target.partition(".")[0] in _INSTALLED
    return _read_once(target) if installed else _read(target)


@cache
def _read_once(target: str) -> Signature:
    return _read(target)


def _read(target: str) -> Signature:
    module, _, name = target.partition(":")
    found = find_definition(module, name)
    if found is None:
        raise LookupError(f"no definition of {name!r} in the source of {module!r}")
    where, node = found
    doc = _docstring(node) or _assigned_docstring(where, node.name)
    summary = doc.strip().splitlines()[0] if doc.strip() else ""
    if isinstance(node, ast.ClassDef):
        read = _class_parameters(where, node, {}, 8)
        parameters, accepts_any = read if read is not None else ([], False)
    else:
        parameters, accepts_any = _from_arguments(node.args, descriptions(doc), skip_first=False)
    return Signature(f"{where}:{node.name}", tuple(parameters), accepts_any, summary)
