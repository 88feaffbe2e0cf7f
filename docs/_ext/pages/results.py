"""The page of benchmarks: tables of the files in ``benchmarks/results``, and their origin."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pages import REPO
from pages._markdown import page, plain, table

PAGE = "results/made/benchmarks.md"
FOLDER = REPO / "benchmarks" / "results"
NOT_KNOWN = "not recorded"
Row = Mapping[str, object]


def number(value: object) -> str:
    """Return a figure with three significant digits, whole numbers as they are.

    Examples
    --------
    >>> number(3.0926662), number(0.0000123), number(20000), number(True), number(None)
    ('3.09', '1.23e-05', '20,000', 'yes', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(number, value))
    return plain(value)


def date_of(path: Path, machine: Mapping[str, object]) -> str:
    """Return the day on which figures were taken: as written, else when they were committed."""
    if "date" in machine:
        return str(machine["date"])
    try:
        asked = ["git", "-C", str(REPO), "log", "-1", "--format=%cs", "--", str(path)]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return NOT_KNOWN
    return f"{said.strip()} (committed)" if said.strip() else NOT_KNOWN


def _machine(path: Path, machine: Mapping[str, object]) -> str:
    """Return a table of where, when and with what figures were taken."""
    versions = machine.get("versions")
    told = NOT_KNOWN
    if isinstance(versions, dict):
        told = ", ".join(f"{name} {version}" for name, version in versions.items())
    load = machine.get("load")
    rows = [
        ["unit", str(machine.get("unit", "seconds"))],
        ["taken", date_of(path, machine)],
        ["machine", f"{machine.get('processor', NOT_KNOWN)}, {machine.get('cores', '?')} cores"],
        ["load before", number(load) if load is not None else NOT_KNOWN],
        ["versions", f"Python {machine.get('python', NOT_KNOWN)}; others: {told}"],
    ]
    return table(["", ""], [[a, plain(b)] for a, b in rows])


def _flat(row: Row) -> dict[str, object]:
    """Return a row whose mappings of figures are columns of their own."""
    flat: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, dict) and not any(isinstance(v, dict) for v in value.values()):
            flat |= {f"{key}: {inner}": figure for inner, figure in value.items()}
        elif not isinstance(value, dict) and not _rows(value):
            flat[key] = value
    return flat


def _rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _listed(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {"value": value}


def _with_peers(rows: Sequence[Row]) -> str:
    """Return the table of cases that were timed beside others in one run."""
    lines = [
        [
            *(plain(row[key]) for key in ("case", "ours")),
            number(row["ours_ms"]),
            plain(peer["peer"]),
            *(number(peer.get(key)) for key in ("peer_ms", "ratio", "target", "equal")),
        ]
        for row in rows
        for peer in _listed(row["peers"])
    ]
    header = ["case", "ours", "ours, ms", "beside", "theirs, ms", "ratio", "aim", "equal results"]
    return table(header, lines)


def parts(results: Sequence[Row]) -> Iterator[str]:
    """Yield the tables of the rows of a file: one for each set of columns."""
    peers = [row for row in results if "peers" in row]
    if peers:
        yield _with_peers(peers)
    groups: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for row in results:
        if "peers" not in row:
            flat = _flat(row)
            groups.setdefault(tuple(flat), []).append(flat)
        for key, value in row.items():
            if key != "peers" and _rows(value):
                yield f"**{plain(key)}**"
                yield from parts(_listed(value))
            elif isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
                yield f"**{plain(key)}**"
                yield from parts([{"of": name, **_mapping(inner)} for name, inner in value.items()])
    for columns, lines in groups.items():
        if columns:
            yield table(
                [plain(c.replace("_", " ")) for c in columns],
                ([number(v) for v in line.values()] for line in lines),
            )


def _about(path: Path) -> str:
    """Return the first sentence of the program that wrote a file."""
    program = REPO / "benchmarks" / f"{path.stem}.py"
    if not program.exists():
        return ""
    text = ast.get_docstring(ast.parse(program.read_text(encoding="utf8"))) or ""
    first = plain(text.split("\n\n")[0])
    return f"{first}\n\nTaken by `python benchmarks/{program.name}`."


def part(path: Path) -> str:
    """Return the part of the page on one file of results."""
    found = json.loads(path.read_text(encoding="utf8"))
    machine = found.get("machine", {}) if "results" in found else {}
    results = (
        found["results"]
        if "results" in found
        else [{"what": k, "seconds": v} for k, v in found.items()]
    )
    title = f"## {path.stem.replace('_', ' ')}"
    shown = (title, _about(path), *parts(results), _machine(path, machine))
    return "\n\n".join(text.rstrip("\n") for text in shown if text)


def pages() -> dict[str, str]:
    """Return the page of benchmarks."""
    intro = (
        "Each table is a file of `benchmarks/results` as its program wrote it, with the machine, "
        "the day and the versions. A ratio above 1 says how many times as fast ours is. Figures of "
        "one table were taken in one run, contenders in turns; figures of different tables do not "
        "compare, as machines and loads differ."
    )
    files = sorted(FOLDER.glob("*.json"))
    return {PAGE: page("Benchmarks", intro, *map(part, files))}
