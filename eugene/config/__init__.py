"""From a YAML file to a checked tree, and from names to objects. Names are loaded when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.config._checks import find_problems as find_problems
    from eugene.config._checks import listed_plugins as listed_plugins
    from eugene.config._config import RunConfig as RunConfig
    from eugene.config._config import apply_overrides as apply_overrides
    from eugene.config._config import build as build
    from eugene.config._config import load_run_config as load_run_config
    from eugene.config._config import value_at as value_at
    from eugene.config._dump import dump_yaml as dump_yaml
    from eugene.config._loader import Document as Document
    from eugene.config._loader import parse_file as parse_file
    from eugene.config._loader import parse_text as parse_text
    from eugene.config._paths import config_root as config_root
    from eugene.config._paths import find_recipe as find_recipe
    from eugene.config._paths import list_configs as list_configs
    from eugene.config._plugins import load_plugin as load_plugin
    from eugene.config._registry import Registry as Registry
    from eugene.config._registry import UnknownNameError as UnknownNameError
    from eugene.config._search import first_values as first_values
    from eugene.config._search import search_entries as search_entries
    from eugene.config._search_checks import mutable as mutable
    from eugene.config._selection import Selection as Selection
    from eugene.config._selection import is_selection as is_selection
    from eugene.config._selection import load_selection as load_selection
    from eugene.config._source import Parameter as Parameter
    from eugene.config._source import Signature as Signature
    from eugene.config._source import read_signature as read_signature
    from eugene.config.registries import register as register

__getattr__, __dir__ = facade(__name__)
