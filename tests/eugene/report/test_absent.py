"""A page says what it lacks, why, and which line of YAML would add it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from eugene._step import steps
from eugene.config import load_run_config
from eugene.report._absent import absent
from eugene.report._blocks import Section
from eugene.report._build import _ABOVE, _sections
from eugene.runs import RunFolder

CONFIG = """name: tiny
data: {name: simulated, n: 100}
model: {name: cnn}
module: {name: sequence, task: binary_classification}
interpret: {attribute: {}, evolve: {}, control: null}
"""


def folder(path: Path, config: str = CONFIG) -> RunFolder:
    run = RunFolder.create(path)
    run.write_text("config.yaml", config)
    return run


def listed(run: RunFolder) -> dict[str, tuple[str, ...]]:
    """Return the rows of the section, by the titles of what is not there."""
    section = next(one for one in _sections(run) if one.id == "absent")
    return {row[0]: row[1:] for block in section.blocks for row in block.rows}


def test_every_section_is_shown_or_listed(tmp_path: Path) -> None:
    run = folder(tmp_path / "tiny")
    shown = {section.title for section in _sections(run) if section.blocks}
    declared = {part.title for part in _ABOVE}
    declared |= {p.title for one in steps().values() if one.when != "last" for p in one.report}
    found = listed(run)
    assert declared - shown == set(found)
    what, _, _ = found["Translational robustness"]
    assert what == "Measure how much attributions change when sequences are moved by a few bases."


def test_each_line_makes_a_run_ask_for_it(tmp_path: Path) -> None:
    found = listed(folder(tmp_path / "tiny"))
    lines = {title: row[2] for title, row in found.items() if row[2] != "–"}
    assert {"Search", "Replicates", "Augmentation", "Seqlets", "Filters as motifs"} <= set(lines)
    titles = {part.title: one for one in steps().values() for part in one.report}
    for title, line in lines.items():
        added = yaml.safe_load(line)
        tree = yaml.safe_load(CONFIG)
        [(key, value)] = added.items()
        tree[key] = {**(tree.get(key) or {}), **value}
        if title == "Search":
            tree["module"] |= yaml.safe_load(line.partition("such as ")[2])
        config = load_run_config(tree, searched=title == "Search")
        assert config.tree[key]
        step = titles.get(title)
        if step is not None and key == "interpret":
            assert step.is_asked(config)
            assert not step.is_asked(load_run_config(yaml.safe_load(CONFIG)))


def test_needed_steps_come_with_a_line(tmp_path: Path) -> None:
    alone = folder(tmp_path / "alone", CONFIG.replace("attribute: {}, ", ""))
    assert listed(alone)["Seqlets"][2] == "interpret: {attribute: {}, seqlets: {}}"
    beside = listed(folder(tmp_path / "beside"))
    assert beside["Seqlets"][2] == "interpret: {seqlets: {}}"
    assert (
        beside["TF-MoDISco"][1] == "'interpret' does not ask for it; it needs the extra 'modisco'"
    )
    # a key without a value asks for nothing
    assert beside["Control: shuffled labels"][2] == "interpret: {control: {}}"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (None, "asked for, and not done yet"),
        ("done", "done, with nothing to show"),
        ("failed", "asked for; the step is recorded as failed"),
    ],
)
def test_what_was_asked_for_says_how_far_it_came(
    tmp_path: Path, status: str | None, why: str
) -> None:
    run = folder(tmp_path / "tiny")
    if status is not None:
        run.note(steps={"evolve": {"status": status}})
    assert listed(run)["In-silico evolution"][1:] == (why, "–")


def test_one_of_several_points_above(tmp_path: Path) -> None:
    above = folder(tmp_path / "several")
    run = folder(above / "default" / "seed_1")
    run.note(store="../..")
    why, line = listed(run)["Replicates"][1:]
    assert (why, line) == ("this run is one of several: see the folder above", "–")
    section = Section("absent", "What is not here")
    absent(section, above, [("", _ABOVE[1])])
    assert [block.kind for block in section.blocks] == ["text"]


def test_a_network_without_a_file_lists_nothing(tmp_path: Path) -> None:
    assert listed(RunFolder.create(tmp_path / "new")) == {}
