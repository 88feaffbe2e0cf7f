"""Version, changelog and citation agree; run by ``make release-check``."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[1]
sys.path.append(str(REPO / ".ci"))
import changelog  # noqa: E402 - a program beside this one


def problems(root: Path = REPO) -> list[str]:
    """Return what does not fit together, in sentences."""
    version, heads = changelog.version_of(root), changelog.heads(root)
    found = changelog.problems(root)
    left = len(changelog.fragments(root))
    if version not in heads:
        found.append(
            f"CHANGELOG.md has no part on {version}; its first is {heads[:1]}: make changelog"
        )
    elif left:
        found.append(
            f"{changelog.FOLDER}/ holds {left} files that {version} does not have: set the next "
            "version in eugene/_version.py, then make changelog"
        )
    if ".dev" in version:
        found.append(f"version {version} is one of development: set it in eugene/_version.py")
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf8"))
    needed = ("cff-version", "title", "message", "authors", "license")
    found += [f"CITATION.cff lacks {key}" for key in needed if not citation.get(key)]
    if citation.get("version", version) != version:
        found.append(f"CITATION.cff says version {citation['version']}, the package {version}")
    return found


if __name__ == "__main__":
    for problem in (told := problems()):
        print(f"error: {problem}")
    sys.exit(bool(told))
