"""Attributes that hold more than text and numbers, shown so that other programs take them."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from pathlib import Path
from typing import Any

import numpy as np


class JsonText(str):
    """JSON text that is read like the mapping it holds.

    NetCDF and most programs know attributes of text, numbers and lists of numbers only. Stores keep
    nested ones as JSON; in memory they are this text, whose items are reached like a mapping's.

    Parameters
    ----------
    value : mapping
        What JSON holds.

    Examples
    --------
    >>> options = JsonText({"width": 4, "files": ["a.fa"]})
    >>> options["width"], dict(options)["files"], str(options)
    (4, ['a.fa'], '{"width": 4, "files": ["a.fa"]}')
    """

    value: Mapping[str, object]

    def __new__(cls, value: Mapping[str, object]) -> JsonText:
        """Return the text of a value."""
        text = super().__new__(cls, json.dumps(value))
        text.value = value
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return JsonText, (self.value,)

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __contains__(self, key: object) -> bool:
        return key in self.value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JsonText):
            return bool(self.value == other.value)
        return bool(str.__eq__(self, other) if isinstance(other, str) else self.value == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __str__(self) -> str:
        return json.dumps(self.value)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return an item, or a default where there is none."""
        return self.value.get(key, default)

    def keys(self) -> KeysView[Any]:
        """Return the keys of the mapping."""
        return self.value.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values of the mapping."""
        return self.value.values()

    def items(self) -> ItemsView[Any, Any]:
        """Return the pairs of the mapping."""
        return self.value.items()


Mapping.register(JsonText)


def shown(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return attributes with nested ones as :class:`JsonText`.

    Parameters
    ----------
    attrs : mapping

    Returns
    -------
    dict

    Examples
    --------
    >>> shown({"a": 1, "b": {"c": 2}})
    {'a': 1, 'b': '{"c": 2}'}
    """
    return {key: _shown(key, value) for key, value in attrs.items()}


def _shown(key: object, value: object) -> object:
    if isinstance(value, str):
        # another program wrote the text of a store that it opened
        told = key == "provenance" and not isinstance(value, JsonText) and value.startswith("{")
        return JsonText(json.loads(value)) if told else value
    return JsonText(value) if isinstance(value, Mapping) else value


def plain(value: object) -> Any:
    """Turn attributes into what JSON holds.

    Examples
    --------
    >>> plain({"a": np.arange(2), "b": shown({"c": {"d": 1}})["c"]})
    {'a': [0, 1], 'b': {'d': 1}}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Path):
        return str(value)
    return value
