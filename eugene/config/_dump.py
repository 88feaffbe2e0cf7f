"""Writing YAML that reads back unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from eugene.config._loader import StrictLoader


class _Dumper(yaml.SafeDumper):
    """Mappings in blocks, lists of plain values in one line, no aliases.

    Text that YAML 1.1 or 1.2 would take for something else is quoted.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            *StrictLoader.yaml_implicit_resolvers.get(first, []),
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {
            *StrictLoader.yaml_implicit_resolvers,
            *yaml.SafeDumper.yaml_implicit_resolvers,
        }
    }

    def represent_mapping(
        self, tag: str, mapping: Any, flow_style: bool | None = None
    ) -> yaml.MappingNode:
        return super().represent_mapping(tag, mapping, flow_style=not mapping)

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        plain = not any(isinstance(item, dict | list) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump_yaml(tree: Mapping[str, object]) -> str:
    """Write a plain tree as YAML that `parse_text` reads back unchanged.

    Examples
    --------
    >>> print(dump_yaml({"a": 0.001, "b": [1, 2], "c": "on"}), end="")
    a: 0.001
    b: [1, 2]
    c: 'on'
    """
    return yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, width=96)
