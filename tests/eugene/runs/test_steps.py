"""A step is one file: what it says of itself is what the program knows of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest

import eugene as eu
import seqexplainer as se
from eugene._step import Part, Step, step, steps
from eugene.cli._verbs import verbs
from eugene.config import load_run_config, registries, schema
from eugene.config.marks import Least
from eugene.errors import ConfigError, EugeneError
from eugene.report._blocks import Section
from eugene.runs import Run, RunFolder, Verb
from eugene.runs._pipeline import later_step, wanted_steps


def test_what_is_said_of_steps_is_light() -> None:
    heavy = {"numpy", "pandas", "torch", "xarray", "numba", "matplotlib", "scipy", "seqdata"}
    code = (
        "import json, sys\nfrom eugene._step import steps\nsteps()\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(json.loads(done.stdout))


def test_every_step_says_what_it_writes_and_where_it_is_told() -> None:
    found = steps()
    words = [what for one in found.values() for what in one.writes.values()]
    assert all(words)
    parts = [part.id for one in found.values() for part in one.report]
    assert len(parts) == len(set(parts))
    for one in found.values():
        assert one.writes or one.name == "truth"
        assert set(one.needs) | set(one.along) <= set(found)
        assert all(key.partition(".")[0] in schema.SECTIONS for key in one.done_with)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Step:
    """Register a step as a plugin would, for one test."""
    for name in ("_entries", "_objects", "_origins"):
        monkeypatch.setattr(registries.STEPS, name, dict(getattr(registries.STEPS, name)))
    file = "composition.json"

    def show(section: Section, run: RunFolder) -> None:
        if (run / file).is_file():
            section.text(f"G or C: {run.read(file)['gc']:.3f}")

    @eu.register("steps", "composition")
    @step(
        split="test",
        writes={file: "letters of the test rows"},
        report=(Part("composition", "Composition", show),),
        verb=Verb("composition", "count letters", "eugene composition runs/first"),
    )
    def composition(run: Run, *, n: Annotated[int, Least(1)] = 5) -> None:
        """Count letters.

        Parameters
        ----------
        run : Run
            The run.
        n : int
            Test rows.
        """
        X = run.one_hot(run.rows("test")[:n])
        run.folder.write_json(file, {"n": len(X), "gc": float(X[:, 1:3].sum() / X.sum())})

    return composition


def test_a_step_of_ones_own(own: Step, finished: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    assert list(steps())[-3:] == ["composition", "truth", "report"]
    assert verbs()["composition"].summary == "count letters"
    with pytest.raises(ConfigError, match=r"\$\.interpret\.composition\.n"):
        load_run_config(folder.config, overrides={"interpret.composition.n": 0})
    config = load_run_config(folder.config, overrides={"interpret.composition": {}})
    assert config.section("interpret.composition") == {"n": 5}
    assert wanted_steps(config)[-2:] == ["composition", "report"]
    later_step(Run(config, folder), "composition")
    assert folder.read("composition.json")["n"] == 5
    state = folder.state()["steps"]["composition"]
    assert (state["status"], state["settings"]) == ("done", {"interpret.composition": {"n": 5}})
    page = eu.report.build(folder.path).read_text()
    assert f"G or C: {folder.read('composition.json')['gc']:.3f}" in page
    folder.clear()
    assert not (folder / "composition.json").exists()


def test_a_step_has_one_name(own: Step) -> None:
    eu.register("steps", "letters")(own)
    with pytest.raises(EugeneError, match="'letters' is a function called 'composition'"):
        steps()


def filled(name: str, folder: RunFolder) -> Section:
    (part,) = steps()[name].report
    section = Section(part.id, part.title)
    part.fill(section, folder)
    return section


def test_patterns_are_drawn_beside_their_matches(tmp_path: Path) -> None:
    from eugene.interpret._spans import write_patterns
    from eugene.simulate import embedded_motifs
    from seqexplainer.modisco import Pattern, Patterns

    folder, known = RunFolder(tmp_path), embedded_motifs()
    assert filled("modisco", folder).blocks == []
    patterns = []
    for i, accession in enumerate(["MA0466.3", "MA0062.3"]):
        ppm = known[accession].ppm()
        rows = np.arange(30 - 10 * i)
        letters = (ppm, ppm - 0.25, ppm - 0.25)
        patterns.append(Pattern(f"pos_{i}", *letters, rows, rows, rows > 9))
    write_patterns(Patterns(tuple(patterns), (0, 140)), folder.interpretation, motif_db=known)
    table = se.annotate_pfms(folder.interpretation / "modisco.meme", known, top=1)
    folder.write_table("interpretation/modisco_matches.csv", table)
    blocks = filled("modisco", folder).blocks
    kinds = {block.kind: block for block in blocks}
    said = " ".join(block.text for block in blocks if block.kind == "text")
    assert "2 patterns of 50 seqlets" in said
    assert "2 of 2 patterns resemble a known motif" in said
    assert [row[:4] for row in kinds["table"].rows] == [
        ("pos_0", "30", "CEBPB", "MA0466.3"),
        ("pos_1", "20", "GABPA", "MA0062.3"),
    ]
    assert (folder.figures / "modisco.png").is_file()
    assert len(kinds["links"].rows) == 4


def test_motifs_of_seqlets_are_drawn(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert filled("seqlets", folder).blocks == []
    table = pd.DataFrame(
        {
            "index": [1184, 3, 3],
            "sequence": [0, 1, 1],
            "start": [4, 9, 30],
            "end": [12, 16, 38],
            "motif": ["GABPA", "seqlet", "GABPA"],
            "accession": ["MA0062.3", None, "MA0062.3"],
            "attribution": [0.1, -0.9, 0.5],
        }
    )
    folder.write_table("interpretation/annotated_seqlets.csv", table)
    blocks = filled("seqlets", folder).blocks
    motifs, strongest = (block for block in blocks if block.kind == "table")
    assert motifs.rows == (("GABPA", "2", "2"),)
    assert [row[-1] for row in strongest.rows] == ["-0.900", "0.500", "0.100"]
    assert (folder.figures / "seqlets.png").is_file()
