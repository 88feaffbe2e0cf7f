"""Imports of the package, optional packages, name clashes, error messages."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import eugene
from eugene import _guard, _optional
from eugene.errors import ConfigError, MissingExtraError, NameClashError, Problem, did_you_mean


def test_every_name_of_the_package_can_be_reached():
    for name in dir(eugene):
        getattr(eugene, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = eugene.nothing
    assert eugene.__eugene_dist__ == "eugene-genomics"


def test_a_clash_names_the_line_that_mends_it(monkeypatch):
    assert _guard.clashes() == {}
    real = importlib.metadata.version
    fakes = {"seqpro": "0.23.0", "eugene-tools": "0.1.2"}
    monkeypatch.setattr(importlib.metadata, "version", lambda n: fakes.get(n) or real(n))
    with pytest.raises(NameClashError, match="pip uninstall -y seqpro eugene-tools && pip install"):
        _guard.check()


def test_importing_with_a_foreign_seqpro_installed_raises(tmp_path):
    info = tmp_path / "seqpro-0.23.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqpro\nVersion: 0.23.0\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import eugene"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "seqpro 0.23.0 are installed over the import package(s) seqpro" in done.stderr
    assert "pip uninstall -y seqpro" in done.stderr


def test_optional_packages(tmp_path, monkeypatch):
    with pytest.raises(MissingExtraError, match=r"pip install 'eugene-genomics\[tune\]'"):
        _optional.require("no_such_package_here.deep", extra="tune")
    (tmp_path / "halfbroken.py").write_text("import another_missing_one")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="another_missing_one"):
        _optional.require("halfbroken", extra="tune")
    assert _optional.present("halfbroken")
    assert not _optional.present("no.such.thing")


@pytest.mark.parametrize(
    ("name", "choices", "expected"),
    [
        ("CNNN", ["cnn", "rnn"], "; did you mean 'cnn'?"),
        ("x", [], ""),
        ("x", list("abc"), "; one of a, b, c"),
        ("xxxx", map(str, range(20)), "... (20 in all)"),
    ],
)
def test_did_you_mean(name, choices, expected):
    assert expected in did_you_mean(name, choices)


def test_config_error_counts():
    one, two = Problem("$.a", "bad", "f:1"), Problem("$.b", "worse")
    assert str(ConfigError([one])).startswith("1 problem in")
    assert str(ConfigError([one, two])).splitlines()[1:] == ["  f:1: $.a: bad", "  $.b: worse"]
