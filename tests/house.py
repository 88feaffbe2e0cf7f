"""Figures of the house: what the architecture test holds, and the table that an issue asks for.

Run it in the root of the source tree, or with the root of another one::

    python tests/house.py [ROOT]
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("seqpro", "seqdata", "seqexplainer", "eugene")
MOST_ARGUMENTS = 15
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Function = ast.FunctionDef | ast.AsyncFunctionDef
# annotations that say array, and words of a docstring that say its shape
_ARRAY = re.compile(r"\b(NDArray|ArrayLike|ndarray|Tensor|ArrayOrTensor|Sequences?Like)\b")
_SHAPE = re.compile(
    r"\bshape\b|``\(\.{0,3}[A-Za-z_0-9]*,|\((n|N|n_\w+|_sequence|batch|B|\.\.\.)(,| )|``\(\.\.\."
)


def modules(root: Path, package: str) -> Iterator[Path]:
    """Yield the files of a package in order."""
    yield from sorted((root / package).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf8"))


def module_name(root: Path, path: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def code_lines(path: Path) -> int:
    """Count the lines of a file that are neither empty nor comment nor docstring."""
    source = path.read_text(encoding="utf8")
    docs: set[int] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            docs |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docs)


def _imported(path: Path) -> Iterator[tuple[int, str, str | None]]:
    """Yield line, module and name of every import that runs, those inside functions too."""
    typing_only: set[ast.AST] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing_only |= {inner for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(parsed(path)):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, node.module, alias.name) for alias in node.names)


def import_graph(root: Path) -> dict[str, set[str]]:
    """Return which module of the packages imports which, also later, inside functions."""
    names = {module_name(root, p): p for package in PACKAGES for p in modules(root, package)}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        found = set()
        for _, module, member in _imported(path):
            whole = f"{module}.{member}"
            target = whole if whole in names else module
            if target in names and target != name:
                found.add(target)
        graph[name] = found
    return graph


def rooms(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph of rooms: what stands one below a package, as ``eugene.runs``.

    The facade of a package and what is above everything are left out: the facade names every
    room, and each room may ask it for the version.
    """

    def room(name: str) -> str:
        return ".".join(name.split(".")[:2])

    found: dict[str, set[str]] = {}
    for name, targets in graph.items():
        if "." not in name:
            continue
        own = room(name)
        found.setdefault(own, set()).update(room(t) for t in targets if "." in t and room(t) != own)
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of nodes of which each leads to every other (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(found)


def private_imports(root: Path) -> list[str]:
    """Return the imports of private modules or names of another package."""
    found = []
    for package in PACKAGES:
        for path in modules(root, package):
            for line, module, member in _imported(path):
                first, *rest = [*module.split("."), *([member] if member else [])]
                private = any(part.startswith("_") and not part.endswith("__") for part in rest)
                if first in PACKAGES and first != package and private:
                    found.append(f"{path.relative_to(root)}:{line} {'.'.join([first, *rest])}")
    return found


def top_floor(root: Path, package: str) -> list[str]:
    """Return what stands on the top floor of a package beside its facade and type marker."""
    skipped = {"__init__.py", "py.typed", "__pycache__"}
    return sorted(p.name for p in (root / package).iterdir() if p.name not in skipped)


def functions(path: Path) -> Iterator[tuple[str, Function, bool]]:
    """Yield qualified name, node and whether it is public, of functions and methods."""

    def inside(
        body: list[ast.stmt], prefix: str, public: bool
    ) -> Iterator[tuple[str, Function, bool]]:
        for node in body:
            if isinstance(node, Function):
                yield f"{prefix}{node.name}", node, public and not node.name.startswith("_")
            elif isinstance(node, ast.ClassDef):
                seen = public and not node.name.startswith("_")
                yield from inside(node.body, f"{prefix}{node.name}.", seen)

    yield from inside(parsed(path).body, "", True)


def _arguments(node: Function) -> list[ast.arg]:
    given = node.args
    return [
        a
        for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)
        if a.arg not in ("self", "cls")
    ]


def many_arguments(root: Path) -> list[str]:
    """Return the functions that take more than `MOST_ARGUMENTS`."""
    return [
        f"{path.relative_to(root)}:{node.lineno} {name} ({len(_arguments(node))})"
        for package in PACKAGES
        for path in modules(root, package)
        for name, node, _ in functions(path)
        if len(_arguments(node)) > MOST_ARGUMENTS
    ]


def undocumented(root: Path, package: str) -> tuple[list[str], int]:
    """Return the public functions, methods and classes without a docstring, and their number."""
    missing, count = [], 0
    for path in modules(root, package):
        nodes: list[tuple[str, Function | ast.ClassDef]] = [
            (name, node) for name, node, public in functions(path) if public
        ]
        nodes += [
            (n.name, n)
            for n in parsed(path).body
            if isinstance(n, ast.ClassDef) and not n.name.startswith("_")
        ]
        for name, node in nodes:
            if isinstance(node, Function) and "overload" in {
                ast.unparse(d).split(".")[-1] for d in node.decorator_list
            }:
                continue
            count += 1
            if ast.get_docstring(node) is None:
                missing.append(f"{path.relative_to(root)}:{node.lineno} {name}")
    return missing, count


def without_shape(root: Path, package: str) -> tuple[list[str], int]:
    """Return the exported functions that take or give arrays and name no shape, and all of them."""
    exported = _exports(root, package)
    missing, count = [], 0
    for path in modules(root, package):
        for name, node, public in functions(path):
            if not public or name not in exported.get(module_name(root, path), ()):
                continue
            notes = [a.annotation for a in _arguments(node)] + [node.returns]
            if not _ARRAY.search(" ".join(ast.unparse(n) for n in notes if n is not None)):
                continue
            count += 1
            if not _SHAPE.search(ast.get_docstring(node) or ""):
                missing.append(f"{path.relative_to(root)}:{node.lineno} {name}")
    return missing, count


def _exports(root: Path, package: str) -> dict[str, set[str]]:
    """Return, by module, the names that a public module or a facade shows."""
    shown: dict[str, set[str]] = {}
    for path in modules(root, package):
        name = module_name(root, path)
        if any(part.startswith("_") for part in name.split(".")):
            continue
        if path.name != "__init__.py":
            own = {n.name for n in parsed(path).body if isinstance(n, Function)}
            shown.setdefault(name, set()).update(n for n in own if not n.startswith("_"))
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(package):
                shown.setdefault(node.module, set()).update(a.name for a in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # lazy facades name "module" and attribute in a table
                match = re.fullmatch(rf"({package}(?:\.\w+)+)(?::(\w+))?", node.value)
                if match and match[2]:
                    shown.setdefault(match[1], set()).add(match[2])
    lazy = _lazy_names(root, package)
    for module, names in lazy.items():
        shown.setdefault(module, set()).update(names)
    return shown


def _lazy_names(root: Path, package: str) -> dict[str, set[str]]:
    """Return names that a facade loads when asked: tables of name -> module in an ``__init__``."""
    found: dict[str, set[str]] = {}
    for path in modules(root, package):
        if path.name != "__init__.py":
            continue
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                texts = [ast.unparse(n).strip("'\"") if n is not None else "" for n in (key, value)]
                if texts[1].startswith(f"{package}."):
                    found.setdefault(texts[1], set()).add(texts[0])
                if texts[0].startswith(f"{package}.") and isinstance(value, ast.Tuple | ast.List):
                    names = {ast.unparse(n).strip("'\"") for n in value.elts}
                    found.setdefault(texts[0], set()).update(names)
    return found


def any_count(root: Path) -> int:
    """Count how often ``Any`` is written in annotations and types."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for package in PACKAGES
        for path in modules(root, package)
        for node in ast.walk(parsed(path))
    )


def figures(root: Path) -> dict[str, object]:
    """Return every figure of the house by its name."""
    graph = import_graph(root)
    by_package = {p: sum(code_lines(f) for f in modules(root, p)) for p in PACKAGES}
    told = {p: undocumented(root, p) for p in PACKAGES}
    shaped = {p: without_shape(root, p) for p in PACKAGES}

    def share(found: Mapping[str, tuple[list[str], int]]) -> str:
        missing = sum(len(m) for m, _ in found.values())
        total = sum(n for _, n in found.values())
        each = ", ".join(f"{p} {len(m)} of {n}" for p, (m, n) in found.items())
        return f"{100 * (1 - missing / max(total, 1)):.1f} % (missing: {each})"

    return {
        "circles of modules": len(circles(graph)),
        "circles of rooms": len(circles(rooms(graph))),
        "private imports across packages": len(private_imports(root)),
        "top floor of seqdata": len(top_floor(root, "seqdata")),
        "code-only lines": f"{sum(by_package.values())} {by_package}",
        f"functions over {MOST_ARGUMENTS} arguments": len(many_arguments(root)),
        "documented public functions, methods, classes": share(told),
        "array-taking exports that name a shape": share(shaped),
        "Any": any_count(root),
    }


def details(root: Path) -> dict[str, list[str]]:
    """Return what each figure counts, for whoever is to mend it."""
    graph = import_graph(root)
    return {
        "circles of modules": [" <-> ".join(c) for c in circles(graph)],
        "circles of rooms": [" <-> ".join(c) for c in circles(rooms(graph))],
        "private imports": private_imports(root),
        "many arguments": many_arguments(root),
        "undocumented": [m for p in PACKAGES for m in undocumented(root, p)[0]],
        "without shape": [m for p in PACKAGES for m in without_shape(root, p)[0]],
    }


def main(arguments: list[str]) -> None:
    """Print the table, and with ``--details`` what it counts."""
    words = [word for word in arguments if not word.startswith("-")]
    root = Path(words[0] if words else ".").resolve()
    for name, value in figures(root).items():
        print(f"{name:50} {value}")
    if "--details" in arguments:
        for name, found in details(root).items():
            print(f"\n{name} ({len(found)})", *found, sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
