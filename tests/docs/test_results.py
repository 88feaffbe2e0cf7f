"""Tables of results that are written by hand hold what their files hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean

import pytest

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "results" / "acme.md").read_text(encoding="utf8")


def nets_of(name: str) -> list[dict[str, object]]:
    """Return the networks of a study."""
    file = REPO / "benchmarks" / "results" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf8"))["results"][0]["nets"]


def means(nets: list[dict[str, object]], *columns: str) -> list[object]:
    """Return the means of columns, to be compared with figures of three digits."""
    return [pytest.approx(mean(net[column] for net in nets), abs=6e-4) for column in columns]


def figures(cells: str) -> list[float]:
    return [float(cell.strip("* ")) for cell in cells.split("|")]


def test_simulated_networks_of_the_consistency_page_are_those_of_the_file():
    nets = nets_of("consistency_acme")
    ways = r"^\| (exponential|relu) \| (bn|none) \| (\w+) \| (\d+) \| (.+) \|$"
    rows = re.findall(ways, PAGE, re.M)
    assert sum(int(row[3]) for row in rows) == len(nets)
    for activation, norm, way, number, cells in rows:
        named = (activation, norm, way)
        mine = [n for n in nets if (n["activation"], n["norm"], n["way"]) == named]
        assert len(mine) == int(number), named
        wanted = means(mine, "test_auroc", "kam", "kam_acme", "kmer", "snr", "auprc")
        assert figures(cells) == wanted, named


def test_networks_on_rest_are_those_of_the_file():
    rows = re.findall(r"^\| (exponential|ReLU) \(4\) \| (.+) \|$", PAGE, re.M)
    assert len(rows) == 2
    for activation, cells in rows:
        mine = [n for n in nets_of("consistency_rest") if n["activation"] == activation.lower()]
        assert len(mine) == 4
        wanted = means(mine, "test_auroc", "kam", "kam_acme", "kmer", "auprc", "share")
        assert figures(cells) == wanted, activation
