"""Version, changelog and citation agree; run by ``make release-check``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[1]


def problems(root: Path = REPO) -> list[str]:
    """Return what does not fit together, in sentences."""
    found = []
    text = (root / "eugene" / "_version.py").read_text(encoding="utf8")
    version = re.search(r'__version__ = "([^"]+)"', text)
    assert version, "eugene/_version.py names no version"
    log = (root / "CHANGELOG.md").read_text(encoding="utf8")
    heads = re.findall(r"^## \[?([^\]\s]+)", log, re.M)
    if version[1] not in heads:
        found.append(f"CHANGELOG.md has no part on {version[1]}; its first is {heads[:1]}")
    if ".dev" in version[1]:
        found.append(f"version {version[1]} is one of development: set it in eugene/_version.py")
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf8"))
    needed = ("cff-version", "title", "message", "authors", "license")
    found += [f"CITATION.cff lacks {key}" for key in needed if not citation.get(key)]
    if citation.get("version", version[1]) != version[1]:
        found.append(f"CITATION.cff says version {citation['version']}, the package {version[1]}")
    return found


if __name__ == "__main__":
    for problem in (told := problems()):
        print(f"error: {problem}")
    sys.exit(bool(told))
