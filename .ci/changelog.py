"""Changes since the last version are files in ``changes/``; put them into ``CHANGELOG.md``.

``make changelog`` writes them under the version of ``eugene/_version.py`` and removes the files;
``python .ci/changelog.py --show`` prints them as they would stand there.
"""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
FOLDER = "changes"
WIDTH = 120


def fragments(root: Path = REPO) -> list[Path]:
    """Return the files of ``changes/``, by name."""
    return sorted(p for p in (root / FOLDER).glob("[!.]*") if p.is_file())


def problems(root: Path = REPO) -> list[str]:
    """Return what is not a fragment as it should be, in sentences with file and line."""
    found = []
    for path in fragments(root):
        place = f"{FOLDER}/{path.name}"
        if not re.fullmatch(r"[a-z0-9_]+\.md", path.name):
            found.append(f"{place}: expected a name of small letters, digits and _, and .md")
        lines = path.read_text(encoding="utf8").splitlines()
        if not lines or not lines[0].startswith("- "):
            found.append(f"{place}:1: expected a point of a list ('- ' and a sentence)")
        for number, line in enumerate(lines, 1):
            if not line.startswith(("- ", "  ")) or not line.strip():
                found.append(f"{place}:{number}: expected '- ', or two blanks as it goes on")
            if len(line) > WIDTH:
                found.append(f"{place}:{number}: has {len(line)} letters, expected {WIDTH} at most")
    return found


def version_of(root: Path = REPO) -> str:
    """Return the version of the package."""
    text = (root / "eugene" / "_version.py").read_text(encoding="utf8")
    version = re.search(r'__version__ = "([^"]+)"', text)
    assert version, "eugene/_version.py names no version"
    return version[1]


def heads(root: Path = REPO) -> list[str]:
    """Return the versions that ``CHANGELOG.md`` has a part on, the newest first."""
    return re.findall(
        r"^## \[?([^\]\s]+)", (root / "CHANGELOG.md").read_text(encoding="utf8"), re.M
    )


def joined(root: Path = REPO) -> str:
    """Return all fragments as one list."""
    return "".join(path.read_text(encoding="utf8").rstrip("\n") + "\n" for path in fragments(root))


def assemble(root: Path = REPO, day: str | None = None) -> str:
    """Write the fragments under the version of the package and remove them.

    Raises
    ------
    ValueError
        If there is none, one is not as it should be, or the version has its part already.
    """
    version, told = version_of(root), problems(root)
    if version in heads(root):
        told.append(f"CHANGELOG.md has a part on {version}: set the next in eugene/_version.py")
    if not fragments(root):
        told.append(f"{FOLDER}/ holds no change")
    if told:
        raise ValueError("; ".join(told))
    log = root / "CHANGELOG.md"
    text = log.read_text(encoding="utf8")
    first = re.search(r"^## ", text, re.M)
    place = first.start() if first else len(text)
    day = day or datetime.date.today().isoformat()
    part = f"## {version} ({day})\n\n{joined(root)}\n"
    log.write_text(text[:place] + part + text[place:], encoding="utf8")
    for path in fragments(root):
        path.unlink()
    return version


if __name__ == "__main__":
    if "--show" in sys.argv[1:]:
        print(joined(), end="")
        sys.exit(0)
    try:
        print(f"CHANGELOG.md: {assemble()}")
    except ValueError as error:
        print(f"error: {error}")
        sys.exit(1)
