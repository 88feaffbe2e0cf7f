"""YAML without surprises, and with the line of every value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eugene.config import dump_yaml, parse_file, parse_text
from eugene.config._loader import json_path, override, parse_scalar
from eugene.errors import ConfigError, MissingFileError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("5.", 5.0),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("2024-01-31", "2024-01-31"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("'5'", "5"),
        ("chr1", "chr1"),
        ("-.inf", -math.inf),
        ("e5", "e5"),
        ("[1, 2e0]", [1, 2.0]),
        ("{k: on}", {"k": "on"}),
    ],
)
def test_scalars_follow_yaml_1_2(text, expected):
    value = parse_text(f"a: {text}").tree["a"]
    assert value == expected
    assert type(value) is type(expected)
    assert parse_scalar(text) == expected


def test_nan_is_a_number():
    assert math.isnan(parse_text("a: .nan").tree["a"])


def test_every_value_knows_its_line():
    document = parse_text("a: 1\nb:\n  c:\n    - 5\n    - {d: 6}\n", "x.yaml")
    assert document.where("$.b.c[1].d") == "x.yaml:5"
    assert document.where("$.b.c") == "x.yaml:3"
    assert document.where("$.b.c[0].nothing.here") == "x.yaml:4"


def test_duplicate_keys_are_collected_at_any_depth():
    document = parse_text("a: 1\nb: {c: 1, c: 2}\na: 3\n", "x.yaml")
    assert [str(p) for p in document.problems] == [
        "x.yaml:2: $.b.c: the key 'c' is given twice; the first is in line 2",
        "x.yaml:3: $.a: the key 'a' is given twice; the first is in line 1",
    ]
    assert document.tree == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!mine", "!!python/name:os"])
def test_tags_that_build_objects_are_refused(tag):
    document = parse_text(f"a: {tag} ['true']\nb: {tag} x\n", "x.yaml")
    assert any("not allowed" in p.message and p.path == "$.b" for p in document.problems)


def test_merge_keys_and_aliases():
    document = parse_text("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n")
    assert document.tree["use"] == {"x": 1, "y": 3}


def test_an_alias_bomb_is_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 9):
        refs = ", ".join([f"*a{i - 1}"] * 10)
        lines.append(f"a{i}: &a{i} [{refs}]")
    with pytest.raises(ConfigError, match="more than 100000 values"):
        parse_text("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: [1, 2\nb: 3", r"x\.yaml:2: \$: not readable as YAML, column 2"),
        ("", "the file is empty"),
        ("- 1\n- 2", "expected a mapping of sections, got list"),
        ("just words", "expected a mapping of sections, got str"),
        ("a: *nothing", "undefined alias"),
        ("a: &x [*x]", "alias contains itself|undefined alias"),
        ("a: 1\n--- \nb: 2", "not readable as YAML"),
    ],
)
def test_text_that_is_no_configuration(text, match):
    with pytest.raises(ConfigError, match=match):
        parse_text(text, "x.yaml")


def test_missing_file_names_a_similar_one(tmp_path):
    (tmp_path / "train.yaml").write_text("a: 1")
    with pytest.raises(MissingFileError, match=r"does not exist; did you mean 'train\.yaml'"):
        parse_file(tmp_path / "tran.yaml")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        parse_file(tmp_path)


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        parse_file(tmp_path / "x.yaml")


def test_override_into_lists_and_new_sections():
    document = parse_text("a: [{k: 1}, {k: 2}]\nb: 3\n", "x.yaml")
    override(document, "a.1.k", 9)
    override(document, "new.deep", True)
    assert document.tree == {"a": [{"k": 1}, {"k": 9}], "b": 3, "new": {"deep": True}}
    assert document.where("$.a[1].k") == "command line"
    with pytest.raises(ConfigError, match="the list here has 2 items, got index 5"):
        override(document, "a.5.k", 9)
    with pytest.raises(ConfigError, match=r"'b\.c' looks for 'c' inside the value 3"):
        override(document, "b.c", 1)


def test_json_path():
    assert json_path(()) == "$"
    assert json_path(("a", 0, "b")) == "$.a[0].b"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdefgh_", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), plain, min_size=1, max_size=4))
def test_what_is_written_is_read_back(tree):
    assert parse_text(dump_yaml(tree)).tree == tree


@pytest.mark.parametrize("text", ["on", "yes", "1e-3", "1e5", "5", "true", "null", "~", "1:30", ""])
def test_strings_that_look_like_something_else_stay_strings(text):
    assert parse_text(dump_yaml({"a": text})).tree == {"a": text}
