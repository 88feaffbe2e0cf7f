"""Runs: one configuration, one folder."""

from __future__ import annotations

from eugene.runs._folder import STEPS as STEPS
from eugene.runs._folder import RunFolder as RunFolder
from eugene.runs._versions import package_versions as package_versions
from eugene.runs._versions import versions as versions
