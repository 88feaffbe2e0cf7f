"""How much of EUGENe's surface is here: the figures that the switching page rests on.

Run it in the root of the source tree, with the list of published names where there is one::

    python tests/family_surface.py [eugene_surface.json] [--details]

A name is *present* if it can be imported as EUGENe's users did, *told* if asking for it raises an
error of ours that says what to call instead, else *missing*. What is present is *compatible* if
every argument of EUGENe's is taken under its name and at its place, and nothing more is required.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from seqpro.errors import ToolkitError
from seqpro.family import Old, parameters_of, table

MANY = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
SURFACE = Path(__file__).resolve().parents[2] / "shared" / "eugene_surface.json"


def names(surface: Path | None = None) -> Iterator[Old]:
    """Yield the names of a list of published ones, or of our own table."""
    if surface is None:
        yield from table().values()
        return
    for row in json.loads(surface.read_text(encoding="utf8")):
        called = row["kind"] in ("function", "class")
        signature = " ".join((row["original_signature"] or "").split()) if called else ""
        name = row["original"].replace("(unexported)", "")
        yield Old(name, row["kind"], row["tier"] == "public", signature, "", "")


def fetch(name: str) -> object:
    """Return what a name stands for, fetched as a notebook would."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def differences(old: Old, found: object) -> list[str]:
    """Return in what a call as of EUGENe's time would fail."""
    ours = inspect.signature(found).parameters if old.signature else {}  # type: ignore[arg-type]
    if not old.signature:
        return []
    theirs = [p for p in parameters_of(old) if p.kind not in MANY]
    any_place = any(p.kind is p.VAR_POSITIONAL for p in ours.values())
    any_name = any(p.kind is p.VAR_KEYWORD for p in ours.values())
    places = [p.name for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    said = [f"no {p.name}" for p in theirs if p.name not in ours and not any_name]
    placed = [p for p in theirs if p.kind is p.POSITIONAL_OR_KEYWORD]
    for i, p in enumerate([] if any_place else placed):
        if places[i : i + 1] != [p.name]:
            said.append(f"place {i} is not {p.name}")
            break
    known = {p.name for p in theirs}
    said += [
        f"needs {p.name}"
        for p in ours.values()
        if p.kind not in MANY and p.default is p.empty and p.name not in known
    ]
    return said


def judged(old: Old) -> tuple[str, str]:
    """Return present, compatible, told or missing, and why."""
    try:
        found = fetch(old.name)
    except ToolkitError as error:
        return "told", str(error)
    except (AttributeError, ImportError) as error:
        return "missing", str(error)
    said = differences(old, found)
    return ("present", "; ".join(said)) if said else ("compatible", "")


def main(words: list[str]) -> None:
    """Print the figures, and with ``--details`` what is not compatible."""
    files = [Path(word) for word in words if not word.startswith("-")]
    surface = files[0] if files else SURFACE if SURFACE.exists() else None
    figures: Counter[tuple[bool, str]] = Counter()
    for old in names(surface):
        verdict, why = judged(old)
        figures[old.public, verdict] += 1
        if why and "--details" in words:
            print(f"{verdict:8} {old.name}: {why}")
    for public, title in ((True, "public"), (False, "in private modules")):
        count = {verdict: n for (there, verdict), n in figures.items() if there == public}
        here = count.get("present", 0) + count.get("compatible", 0)
        print(
            f"{title}: {sum(count.values())} names, {here} present, {count.get('told', 0)} told, "
            f"{count.get('missing', 0)} missing; {count.get('compatible', 0)} of {here} compatible"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
