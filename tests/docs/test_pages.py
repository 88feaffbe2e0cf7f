"""What the site makes of the code: every public name, key, verb and figure stands on a page."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path

import pages
import pytest
from pages import _built, _markdown, api, keys, results, shell, speed, tables

from eugene.cli._verbs import VERBS
from eugene.config import registries, schema

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return api.pages()


def facades() -> list[str]:
    """Return the packages and the rooms on their top floors, as they lie on the disk."""
    found = []
    for package in ("seqpro", "seqdata", "seqexplainer", "eugene"):
        found.append(package)
        for path in sorted((REPO / package).iterdir()):
            is_module = path.suffix == ".py" or (path / "__init__.py").exists()
            if is_module and not path.name.startswith("_"):
                found.append(f"{package}.{path.stem}")
    return found


@pytest.mark.parametrize("name", facades())
def test_every_public_name_is_on_the_page_of_its_module(name, reference):
    """``__all__`` and what a package gives when it is asked, beside the text of the page."""
    module = importlib.import_module(name)
    text = reference[f"{api.FOLDER}/{name}.rst"]
    shown = set(re.findall(r"^   \* - :py:obj:`(\S+) <", text, re.M))
    public = {n for n in getattr(module, "__all__", ()) if not inspect.ismodule(getattr(module, n))}
    assert public <= shown
    # functions and classes that a module defines itself
    own = {
        n
        for n, value in vars(module).items()
        if not n.startswith("_") and api._described(value) and value.__module__ == name
    }
    assert own <= shown


def test_each_thing_is_described_once_and_links_lead_there(reference):
    described: list[str] = []
    linked: set[str] = set()
    for text in reference.values():
        described += re.findall(
            r"^\.\. (?:autoclass|autofunction|autodata|py:data):: (\S+)", text, re.M
        )
        linked |= set(re.findall(r"^   \* - :py:obj:`\S+ <(\S+)>`", text, re.M))
    assert len(described) == len(set(described)) > 500
    assert linked == set(described)
    assert {"seqexplainer.attribute", "eugene.load", "seqpro.ohe"} <= linked


def test_every_page_of_the_reference_is_below_another(reference):
    listed = {
        word for text in reference.values() for word in re.findall(r"^   (\w+\.\S+)$", text, re.M)
    }
    tops = {"seqpro", "seqdata", "seqexplainer", "eugene"}
    assert {Path(name).stem for name in reference} == listed | tops


@pytest.fixture(scope="module")
def yaml_pages() -> dict[str, str]:
    return {Path(name).stem: text for name, text in keys.pages().items()}


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of every row of tables of keys, by the key."""
    cells = [
        re.split(r" (?<!\\)\| ", line[2:-2]) for line in text.splitlines() if line[:3] == "| `"
    ]
    return {line[0].strip("`"): line[1:] for line in cells}


def test_everything_that_can_be_named_is_on_a_page_with_its_keys(yaml_pages):
    text = "\n".join(yaml_pages.values())
    for registry in registries.REGISTRIES.values():
        if registry is registries.STEPS:
            continue
        for name in registry.entered:
            heading = f"### `{name}`\n"
            assert heading in text, (registry.kind, name)
            parts = [p.split("\n##")[0] for p in text.split(heading)[1:]]
            for parameter in registry.parameters(name):
                words = f"`{parameter.name}`"
                assert (
                    any(words in part for part in parts)
                    or parameter.name in rows(yaml_pages["data"])
                    or parameter.name in rows(yaml_pages["model"])
                ), (registry.kind, name, words)


def test_sections_and_steps_are_there(yaml_pages):
    assert set(rows(yaml_pages["index"])) == {p.name for p in schema.TOP}
    for step in schema.interpret_steps():
        assert f"## `interpret.{step}`" in yaml_pages["interpret"]
    for section in ("trainer", "stages", "replicates", "tune", "augment", "evaluate"):
        shown = rows(yaml_pages[section])
        assert {p.name for p in schema.parameters(section)} <= set(shown), section


def test_defaults_are_those_of_the_functions_themselves(yaml_pages):
    """The pages read the source; here the functions are imported and asked."""
    from eugene.augment import Augmenter
    from eugene.data import SequenceDataModule
    from eugene.train import fit

    compared = 0
    for section, thing in {
        "trainer": fit,
        "data": SequenceDataModule,
        "augment": Augmenter,
    }.items():
        shown = rows(yaml_pages[section].split("\n## ")[1])
        for parameter in inspect.signature(thing).parameters.values():
            default = parameter.default
            if parameter.name not in shown or not isinstance(
                default, bool | int | float | str | None
            ):
                continue
            if parameter.name == "accelerator":  # the shell's own default
                continue
            said = shown[parameter.name][1].strip("`")
            wanted = default if isinstance(default, str) else json.dumps(default)
            assert said == wanted, (section, parameter.name)
            compared += 1
    assert compared > 25


def test_every_verb_and_option_is_on_the_page():
    text = shell.pages()[shell.PAGE]
    parts = {part.split("`", 1)[0]: part for part in text.split("\n## `eugene ")[1:]}
    assert set(parts) == set(VERBS)
    for name, verb in VERBS.items():
        assert f"`{verb.example}`" in parts[name]
        for option in verb.options:
            assert f"`{option.flag}" in parts[name], (name, option.flag)
    assert "Also `--bed`." in parts["predict"]


def test_every_curated_set_is_on_the_page():
    import seqdata as sd

    text = tables.datasets()
    for name in sd.datasets.list()["name"]:
        assert f"## `{name}`\n" in text
        assert _markdown.plain(sd.datasets.info(str(name))["citation"]) in text


@pytest.mark.slow
def test_every_network_is_on_the_page():
    text = tables.zoo()
    assert all(f"| `{name}` |" in text for name in registries.MODELS.entered)
    assert "| `deepstarr` | " in text
    assert "10.1038/s41588-022-01048-5" in text


def ratios(value: object) -> list[float]:
    """Return every figure called a ratio, wherever it stands."""
    found: list[float] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [inner] if key == "ratio" and isinstance(inner, float) else ratios(inner)
    elif isinstance(value, list):
        found += [figure for inner in value for figure in ratios(inner)]
    return found


@pytest.mark.parametrize("path", sorted(results.FOLDER.glob("*.json")), ids=lambda p: p.stem)
def test_the_figures_of_a_benchmark_are_on_the_page(path):
    found = json.loads(path.read_text(encoding="utf8"))
    part = results.part(path)
    cells = {cell.strip() for line in part.splitlines() for cell in line.split("|")}
    assert {results.number(figure) for figure in ratios(found)} <= cells
    for row in found.get("results", ()):
        if "case" in row:
            assert _markdown.plain(row["case"]) in part
    if "machine" in found:
        assert _markdown.plain(found["machine"]["processor"]) in part
        assert found["machine"]["python"] in part
    assert re.search(r"\| taken \| (\d{4}-\d\d-\d\d|not recorded)", part)


def test_the_page_on_speed_shows_figures_of_files_with_their_day():
    (text,) = speed.pages().values()
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    shown = [cells for cells in shown if not set(cells[0]) <= {"-"}]
    assert len(shown) == len(speed.SHOWN)
    for cells, (_, name, case, other) in zip(shown, speed.SHOWN, strict=True):
        rows = json.loads((results.FOLDER / f"{name}.json").read_text())["results"]
        (row,) = [row for row in rows if row.get("case") == case]
        (ratio,) = [peer["ratio"] for peer in row["peers"] if peer["peer"] == other]
        assert cells[1] == results.number(row["ours_ms"])
        assert cells[4] == results.number(ratio)
        assert re.match(r"\d{4}-\d\d-\d\d|not recorded", cells[5])
    assert f"{{include}} {Path(speed.PAGE).parent.name}/speed.md" in (
        REPO / "docs" / "explain" / "speed.md"
    ).read_text(encoding="utf8")


def test_what_is_measured_from_now_on_says_when_and_with_what(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPO / "benchmarks")
    import _harness

    monkeypatch.setattr(_harness, "REPO", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    path = _harness.save("some", [{"case": "a", "ratio": 2.5}])
    part = results.part(path)
    date = json.loads(path.read_text())["machine"]["date"]
    assert f"| taken | {date} |" in part
    assert "2.5" in part
    import numpy

    assert f"numpy {numpy.__version__}" in part


def test_pages_are_written_once_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "made", lambda: {"a/made/one.md": "text\n"})
    old = tmp_path / "a" / "made" / "old.md"
    old.parent.mkdir(parents=True)
    old.write_text("gone")
    (path,) = pages.write(tmp_path)
    assert path.read_text() == "text\n"
    assert not old.exists()
    before = path.stat().st_mtime_ns
    pages.write(tmp_path)
    assert path.stat().st_mtime_ns == before
    assert pages.DOCS == REPO / "docs"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("x_y and `z_w|v`", "x\\_y and `z_w\\|v`"),
        ("[a]<b>*", "\\[a\\]\\<b\\>\\*"),
    ],
)
def test_text_shows_as_it_is(text, shown):
    assert _markdown.plain(text) == shown


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top">A</h1> <a href="inner/b.html#here">1</a> <a href="inner/b.html#gone">2</a>'
        '<a href="#top">3</a> <a href="#none">4</a> <a href="https://example.org/#x">5</a>'
        '<img alt="" src="inner/c.png"> <a href="inner/b.html?q=1">6</a>',
        encoding="utf8",
    )
    (tmp_path / "inner" / "b.html").write_text(
        '<p id="here"><a href="../index.html#top">up</a> <a href="d%20e.html">7</a></p>',
        encoding="utf8",
    )
    assert _built.broken(tmp_path) == {
        "index.html": ["inner/b.html#gone", "#none", "inner/c.png"],
        "inner/b.html": ["d%20e.html"],
    }
    (tmp_path / "inner" / "d e.html").write_text("", encoding="utf8")
    assert list(_built.broken(tmp_path)) == ["index.html"]
