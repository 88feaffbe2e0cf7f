"""What is seen of a training on a terminal, in a notebook and in a batch log."""

from __future__ import annotations

import logging
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import eugene as eu
from eugene.train._progress import what_is_shown

ROWS = {
    "seq": torch.from_numpy(
        np.random.default_rng(0).choice(np.frombuffer(b"ACGT", "u1"), (16, 30))
    ),
    "target": torch.arange(16.0)[:, None],
}
LINE = re.compile(
    r"epoch (\d) of 2: train_loss [\d.]+, val_loss [\d.]+, val_pearson -?[\d.]+, val_r2 -?[\d.]+"
)


class Data:
    """Training and validation rows held in memory."""

    def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
        return [ROWS]

    val_dataloader = train_dataloader


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take pytest's own handlers off the log, as in a plain process."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    return


def fit(**options: Any) -> Any:
    module = eu.models.SequenceModule({"name": "deepbind", "input_len": 30, "output_dim": 1})
    options = {"max_epochs": 2, "accelerator": "cpu", "tensorboard": False, **options}
    return eu.train.fit(module, Data(), **options)


def test_a_batch_log_has_a_line_an_epoch(capfd: Any) -> None:
    result = fit()
    out, err = capfd.readouterr()
    assert out == ""
    found = LINE.findall(err)
    assert found == ["1", "2"]
    assert f"val_loss {result.history[1]['val_loss']:.4f}" in err.splitlines()[-1]
    assert "%|" not in err  # no bar


def test_a_notebook_has_a_bar_as_well(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert what_is_shown(None) == (True, True)
    fit()
    out, err = capsys.readouterr()
    assert LINE.findall(out) == ["1", "2"]
    assert "Epoch" in out + err
    assert "it/s" in out + err


@pytest.mark.parametrize(
    ("progress", "setting", "expected"),
    [
        (None, None, (False, True)),
        (None, True, (True, True)),
        (None, False, (False, False)),
        (True, False, (True, True)),
        (False, True, (False, False)),
        ("lines", None, (False, True)),
        ("lines", False, (False, False)),
    ],
)
def test_who_decides(progress: Any, setting: Any, expected: tuple[bool, bool]) -> None:
    with eu.settings(progress_bar=setting):
        assert what_is_shown(progress) == expected


def test_silence_can_be_asked_for(capfd: Any) -> None:
    fit(progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_log_that_is_listened_to_gets_the_lines(capfd: Any, monkeypatch: Any) -> None:
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    logger = logging.getLogger("eugene")
    monkeypatch.setattr(logger, "handlers", [Ear()])
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    fit()
    assert [LINE.match(line).group(1) for line in heard] == ["1", "2"]
    monkeypatch.setattr(logger, "level", logging.WARNING)
    logger.manager._clear_cache()
    fit()
    assert len(heard) == 2
    assert capfd.readouterr() == ("", "")
    monkeypatch.undo()
    logger.manager._clear_cache()


@pytest.mark.parametrize(("words", "lines"), [([], ["1"]), (["--quiet"], [])])
def test_the_shell_shows_a_line_an_epoch(
    words: list[str], lines: list[str], capsys: Any, tmp_path: Any
) -> None:
    from eugene.cli import main

    asked = "--data.name simulated --data.n 40 --data.split random --data.target_vars label"
    net = "--model deepbind --module.task binary_classification --trainer.max_epochs 1"
    command = ["fit", *f"{asked} {net}".split(), "--out", str(tmp_path / "r"), *words]
    assert main(command) == 0
    assert re.findall(r"epoch (\d) of 1: train_loss", capsys.readouterr().err) == lines


def test_it_is_said_where_a_training_is_taken_up(capfd: Any, tmp_path: Any) -> None:
    fit(run_dir=tmp_path, max_epochs=1)
    assert "resumed" not in capfd.readouterr().err
    fit(run_dir=tmp_path, max_epochs=2, resume=True)
    lines = capfd.readouterr().err.splitlines()
    last = tmp_path / "checkpoints" / "last.ckpt"
    assert lines[0] == f"resumed from {last}, where 1 epoch is done"
    assert LINE.findall(lines[1]) == ["2"]


def test_a_warning_of_a_training_points_at_who_called_it() -> None:
    data = eu.data.SequenceDataModule(
        eu.simulate.simulated(40, 140, seed=0), target_vars="label", split="random"
    )
    arch = {"name": "deepbind", "input_len": 140, "output_dim": 1}
    with pytest.warns(eu.errors.EugeneWarning, match="is trained as regression") as told:
        eu.train.fit(eu.models.SequenceModule(arch), data, max_epochs=1, progress=False)
    assert [Path(one.filename) for one in told] == [Path(__file__)]
