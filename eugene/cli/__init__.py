"""The command ``eugene``."""

from __future__ import annotations

from eugene.cli._main import main as main
