"""Values against annotations that are only text."""

from __future__ import annotations

import pytest

from eugene.config._annotations import check_value, describe_text, takes_text


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, "int"),
        (1, "float"),
        (1.5, "float"),
        (True, "bool"),
        ("x", "str"),
        ("x", "Path"),
        ("x", "str | os.PathLike[str]"),
        (None, "int | None"),
        (None, "Optional[int]"),
        (3, "Union[int, str]"),
        ([1, 2], "list[int]"),
        ([1, 2], "Sequence[float]"),
        ([1, 2], "tuple[int, ...]"),
        ([1, "a"], "tuple[int, str]"),
        ({"a": [1]}, "dict[str, list[int]]"),
        ({"a": 1}, "Mapping[str, Any]"),
        ("b", "Literal['a', 'b']"),
        (0, "int | Sequence[int]"),
        ([1], "int | Sequence[int]"),
        (object(), "torch.Tensor"),
        ("anything", "int | Tensor"),
        ("anything", ""),
        (3, "not valid ("),
        (1, "'int | None'"),
    ],
)
def test_fits(value, annotation):
    assert check_value(value, annotation, "$") == []


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("x", "int", [("$", "expected int, got 'x'")]),
        (True, "int", [("$", "expected int, got True")]),
        (1.5, "int", [("$", "expected int, got 1.5")]),
        (1, "bool", [("$", "expected bool, got 1")]),
        (1, "str | None", [("$", "expected str or null, got 1")]),
        ([1, "x", "y"], "list[int]",
         [("$[1]", "expected int, got 'x'"), ("$[2]", "expected int, got 'y'")]),
        ([1, 2, 3], "tuple[float, float]", [("$", "expected 2 values, got 3")]),
        ({"a": {"b": "x"}}, "dict[str, dict[str, int]]", [("$.a.b", "expected int, got 'x'")]),
        (["x"], "int | list[int]", [("$[0]", "expected int, got 'x'")]),
        ("treshold", "Literal['threshold', 'top_n']",
         [("$", "expected 'threshold' or 'top_n', got 'treshold'; did you mean 'threshold'?")]),
    ],
)  # fmt: skip
def test_does_not_fit(value, annotation, expected):
    assert check_value(value, annotation, "$") == expected


def test_words():
    assert describe_text("Literal['a'] | int | None") == "'a' or int or null"
    assert takes_text("str")
    assert takes_text("Path | None")
    assert not takes_text("str | int")
    assert not takes_text("")
