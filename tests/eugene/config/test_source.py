"""Signatures from source text agree with those of the imported things."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap

import pytest

from eugene.config import read_signature
from eugene.config._source import find_definition, module_file


@pytest.mark.parametrize(
    "target",
    [
        "json:dumps",
        "collections:Counter",
        "argparse:ArgumentParser",
        "eugene.runs:RunFolder",
        "eugene.config:load_run_config",
        "torch.optim:Adam",
        "torch.optim:SGD",
        "torch.nn:BCEWithLogitsLoss",
        "torch.optim.lr_scheduler:ReduceLROnPlateau",
    ],
)
def test_agrees_with_inspect(target):
    import importlib

    module, _, name = target.partition(":")
    real = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    plain = [
        key
        for key, p in real.items()
        if p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL} and key != "self"
    ]
    assert list(read_signature(target).names) == plain


def test_nothing_is_imported():
    script = (
        "import sys\n"
        "from eugene.config import read_signature\n"
        "print(read_signature('torch.optim:Adam').names[:2])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "params" in done.stdout


def test_follows_reexports_inheritance_dataclasses_and_lazy_tables(tmp_path, monkeypatch):
    package = tmp_path / "madeup"
    package.mkdir()
    (package / "__init__.py").write_text(
        textwrap.dedent(
            """
            from ._a import Child as Renamed
            from ._a import *
            LAZY = {"Late": "._b:Point", "plain": "._b"}
            def __getattr__(name): raise AssertionError("imported")
            raise SystemExit("this module must not be imported")
            """
        )
    )
    (package / "_a.py").write_text(
        textwrap.dedent(
            '''
            class Base:
                """A base.

                Parameters
                ----------
                x, y : int
                    Two numbers.
                """
                def __init__(self, x: int, y: int = 2, *args, z: "str | None" = None, **kw): ...
            class Child(Base):
                """A child."""
            def starred(a, /, b=(1, 2)): ...
            Alias = Child
            '''
        )
    )
    (package / "_b.py").write_text(
        textwrap.dedent(
            '''
            from dataclasses import dataclass, field
            from typing import ClassVar
            def plain(q: float = 1.0): "Plain."
            @dataclass(frozen=True)
            class Origin:
                o: int
            @dataclass(frozen=True, kw_only=True)
            class Point(Origin):
                """A point.

                Attributes
                ----------
                u : list
                    Numbers.
                """
                kind: ClassVar[str] = "p"
                u: list[int] = field(default_factory=list)
                v: float = 1.5
                hidden: int = field(init=False, default=3)
            '''
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    child = read_signature("madeup:Renamed")
    assert child.names == ("x", "y", "z")
    assert child.accepts_any
    assert child.summary == "A child."
    assert child["y"].description == "Two numbers."
    assert child["y"].literal_default() == (True, 2)
    assert read_signature("madeup:Alias").names == ("x", "y", "z")
    assert read_signature("madeup:starred").names == ("a", "b")
    assert read_signature("madeup:plain").names == ("q",)
    point = read_signature("madeup:Late")
    assert point.names == ("o", "u", "v")
    assert point["o"].required
    assert point["u"].default == "[]"
    assert "madeup" not in sys.modules


def test_what_is_not_there():
    assert module_file("no_such_module_at_all") is None
    assert find_definition("eugene.errors", "Nothing") is None
    with pytest.raises(LookupError, match="no definition of 'Nothing'"):
        read_signature("eugene.errors:Nothing")
