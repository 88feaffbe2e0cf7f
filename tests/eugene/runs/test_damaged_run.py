"""Every file of a run folder x every damage: a sound result, or an error of ours."""

from __future__ import annotations

import itertools
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import eugene as eu
from eugene.cli import main
from eugene.errors import EugeneError
from seqdata.errors import SeqdataError

FILES = (
    "config.yaml",
    "data.json",
    "evaluation.json",
    "state.json",
    "versions.json",
    "metrics.csv",
    "model.safetensors",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
    "interpretation/annotations.csv",
    "interpretation/evolution.csv",
    "interpretation/filters.csv",
    "interpretation/filters.meme",
    "interpretation/positional.csv",
    "interpretation/truth.json",
    "data.zarr/zarr.json",
    "data.zarr/seq/c/0/0",
    "data.zarr/label/zarr.json",
    "predictions.zarr/zarr.json",
    "predictions.zarr/prediction/c/0/0",
    "attributions.zarr/zarr.json",
    "attributions.zarr/deep_lift_shap/c/0/0/0",
)


def other_types(data: bytes) -> bytes:
    """Every value of the object is of another type."""
    found = json.loads(data)
    return json.dumps({k: 7 if not isinstance(v, int) else [v] for k, v in found.items()}).encode()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "random": lambda data: np.random.default_rng(len(data)).bytes(max(64, len(data))),
    "a list": lambda data: b"[1, 2]",
    "other types": other_types,
}
VERBS: dict[str, list[str]] = {
    "load": [],
    "compare": ["compare", "{run}", "{run}"],
    "predict": ["predict", "{run}", "--quiet"],
    "predict a file": ["predict", "{run}", "--input", "{input}", "--quiet"],
}
# of these, a walk of all takes minutes
EVERY = {"load": 6, "compare": 5, "predict a file": 17, "predict": 29}


def walk() -> list[object]:
    made = []
    for verb in VERBS:
        pairs = [
            (name, how)
            for name, how in itertools.product(FILES, DAMAGE)
            if name.endswith(".json") or how != "other types"
        ]
        for i, (name, how) in enumerate(pairs):
            quick = i % EVERY[verb] == 1
            marks = [] if quick else [pytest.mark.slow]
            made.append(pytest.param(name, how, verb, marks=marks))
    return made


@pytest.mark.parametrize(("name", "how", "verb"), walk())
def test_sound_or_told(
    tmp_path: Path,
    finished: Path,
    name: str,
    how: str,
    verb: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "damaged"
    shutil.copytree(Path(getattr(finished, "path", finished)), run)
    path = run / name
    data = path.read_bytes()
    path.write_bytes(DAMAGE[how](data))
    if verb == "load":
        told = ""
        try:
            eu.load(run)
        except (EugeneError, SeqdataError) as error:
            told = str(error)
        assert not told or path.name in told
        return
    table = tmp_path / "in.csv"
    table.write_text("seq\n" + "ACGT" * 35 + "\n")
    words = [word.format(run=run, input=table) for word in VERBS[verb]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = main(words)
    told = capsys.readouterr().err
    assert code in (0, 2), told
    assert "Traceback" not in told
    if code == 2:
        # the file, or the store or record that it is a part of
        assert any(part in told for part in (path.name, name.split("/")[0], "damaged")), told
