"""Keep the house in order: import directions, light imports, file sizes, docstrings."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import house
import pytest
from house import PACKAGES

REPO = Path(__file__).resolve().parents[1]
# who may import whom
ALLOWED = {
    "seqpro": set(),
    "seqdata": {"seqpro"},
    "seqexplainer": {"seqpro"},
    "eugene": {"seqpro", "seqdata", "seqexplainer"},
}
# what a plain import may not load; seqexplainer works on torch models, so torch is its ground
HEAVY = {"matplotlib", "ray", "distributed", "captum", "memelite", "bioframe", "sklearn"}
FORBIDDEN = {
    "seqpro": HEAVY | {"torch", "pandas", "xarray", "zarr", "dask", "hypothesis"},
    "seqdata": HEAVY | {"torch", "pytorch_lightning"},
    "seqexplainer": HEAVY | {"pytorch_lightning", "xarray", "zarr"},
    "eugene": HEAVY | {"torch", "pytorch_lightning", "xarray", "pandas", "numba", "numpy"},
}
# the longest a module may be; a file that wants more holds two things
MAX_LINES = 600


# the most entries of a floor, beside the facade and the type marker
MOST_ENTRIES = {"seqdata": 20}
MOST_WITH_MANY_ARGUMENTS = 10
MOST_ANY = 800
# the one file that touches what zarr does not show
ZARR_INSIDE = "seqdata/store/_objects.py"


def modules(package: str) -> Iterator[Path]:
    return house.modules(REPO, package)


ALL_MODULES = [p for package in PACKAGES for p in modules(package)]


def imported_roots(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def loaded_by(statement: str) -> set[str]:
    """Return the root modules present after a statement in a fresh interpreter."""
    code = (
        f"{statement}\nimport sys, json\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    strangers = {
        f"{path.relative_to(REPO)} imports {root}"
        for path in modules(package)
        for root in imported_roots(ast.parse(path.read_text(encoding="utf8")))
        if root in PACKAGES and root != package and root not in ALLOWED[package]
    }
    assert not strangers


def test_torch_enters_seqdata_by_one_door() -> None:
    doors = {
        str(path.relative_to(REPO / "seqdata"))
        for path in modules("seqdata")
        if {"torch", "pytorch_lightning"}
        & set(imported_roots(ast.parse(path.read_text(encoding="utf8"))))
    }
    assert doors == {"torch.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_plain_import_is_light(package: str) -> None:
    assert not loaded_by(f"import {package}") & FORBIDDEN[package]


def test_help_loads_no_torch() -> None:
    code = (
        "import sys\nfrom eugene.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
    )
    assert not loaded_by(code) & {"torch", "pytorch_lightning", "numba", "xarray", "matplotlib"}


@pytest.mark.parametrize("package", PACKAGES)
def test_import_is_silent_and_leaves_the_environment_alone(package: str) -> None:
    code = (
        "import os, sys, logging\nbefore = dict(os.environ)\n"
        f"import {package}\n"
        "assert dict(os.environ) == before, 'environment changed'\n"
        "assert not logging.getLogger().handlers, 'a log handler was installed'\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize("package", PACKAGES)
def test_typed_and_ours(package: str) -> None:
    assert (REPO / package / "py.typed").is_file()
    code = f"import {package}; assert {package}.__eugene_dist__ == 'eugene-genomics'"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda p: str(p.relative_to(REPO)))
def test_a_module_can_be_read_in_a_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda p: str(p.relative_to(REPO)))
def test_public_names_are_documented_and_annotated(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf8"))
    assert ast.get_docstring(tree), "module docstring missing"
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        assert ast.get_docstring(node), f"{node.name} has no docstring"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, f"{node.name} does not say what it returns"


@pytest.mark.parametrize("path", ALL_MODULES, ids=lambda p: str(p.relative_to(REPO)))
def test_no_mutable_defaults_and_no_prints(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
            bad = [d for d in defaults if isinstance(d, ast.List | ast.Dict | ast.Set)]
            assert not bad, f"mutable default in line {bad[0].lineno}"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            # people read the output of the command line; a library stays quiet
            assert "cli" in path.parts or path.name == "_warm.py", f"print in line {node.lineno}"


def test_no_module_leads_back_to_itself() -> None:
    """Imports inside functions count: who reads one file of a circle must read them all."""
    assert house.circles(house.import_graph(REPO)) == []


def test_no_room_leads_back_to_itself() -> None:
    assert house.circles(house.rooms(house.import_graph(REPO))) == []


def test_circles_are_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f"}, "f": {"e"}}
    assert house.circles(graph) == [["a", "b", "c"], ["e", "f"]]
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_packages_meet_by_public_names_alone() -> None:
    assert house.private_imports(REPO) == []


@pytest.mark.parametrize("package", MOST_ENTRIES)
def test_a_floor_can_be_seen_at_a_glance(package: str) -> None:
    floor = house.top_floor(REPO, package)
    assert len(floor) <= MOST_ENTRIES[package], floor


def test_what_zarr_does_not_show_is_touched_in_one_file() -> None:
    touching = {
        str(path.relative_to(REPO))
        for package in PACKAGES
        for path in modules(package)
        if re.search(r"\bzarr\.core\b", path.read_text(encoding="utf8"))
    }
    assert touching == {ZARR_INSIDE}


def test_few_functions_take_many_arguments() -> None:
    many = house.many_arguments(REPO)
    assert len(many) <= MOST_WITH_MANY_ARGUMENTS, many


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package: str) -> None:
    assert house.undocumented(REPO, package)[0] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_whoever_takes_arrays_says_their_shape(package: str) -> None:
    assert house.without_shape(REPO, package)[0] == []


def test_types_say_more_than_any() -> None:
    assert house.any_count(REPO) <= MOST_ANY
