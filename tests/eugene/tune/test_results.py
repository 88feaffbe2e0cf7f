"""What a search writes down: the table, the best as a file that runs, what mattered, the page."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import eugene as eu
from eugene.cli import main
from eugene.config import load_run_config
from eugene.errors import ConfigError, MissingFileError, NotARunError
from eugene.report._search import short_names
from eugene.tune._records import allot, best_so_far, note, records
from eugene.tune._results import result_lines, write_results
from eugene.tune._run import _settle, default_folder
from eugene.tune._space import Space

pytest.importorskip("optuna", reason="needs the extra 'tune'")


def test_the_table_is_sorted_and_the_best_runs(config, searched) -> None:
    write_results(config, searched, "min")
    table = eu.tune.trials(searched.path)
    assert table["trial"].tolist() == ["0003", "0001", "0005", "0002", "0004"]
    assert table["val_loss"].tolist()[:4] == [0.5, 1.0, 3.0, 4.0]
    assert table["best_epoch"].tolist()[:4] == [1, 1, 2, 0]
    assert np.isnan(table["val_loss"].iloc[4])
    best = load_run_config(searched / "best.yaml")
    wanted = config.candidate({"module.optimizer": "adam", "module.optimizer_lr": 0.02}).tree
    assert best.tree == {**wanted, "name": "small_best"}
    assert eu.tune.best_config(searched.path).tree == best.tree
    assert (searched / "best.yaml").read_text().startswith("# The best of 5 trials of small_tune")


def test_seeds_and_arms_of_the_file_are_those_of_the_best(config, searched) -> None:
    tree = {**config.document.tree, "replicates": {"seeds": [0, 1]}}
    write_results(load_run_config(tree, searched=True), searched, "min")
    assert eu.tune.best_config(searched.path).tree["replicates"]["seeds"] == [0, 1]


def test_the_page_shows_trials_pictures_and_the_limits_of_importance(config, searched) -> None:
    write_results(config, searched, "min")
    page = searched.report.read_text()
    for words in ("trial 0003", "drawn at random", "fANOVA", "With few trials", "best.yaml"):
        assert words in page
    assert (searched.figures / "search.png").is_file()
    found = searched.read_json("tune.json")["importance"]
    assert set(found) == {"module.optimizer", "module.optimizer_lr"}
    assert sum(found.values()) == pytest.approx(1)
    lines = "\n".join(result_lines(searched))
    assert lines.index("0003") < lines.index("0001")
    assert "importance: " in lines
    assert "eugene run" in lines


def test_importance_of_too_few_trials_is_not_made_up(config, searched) -> None:
    for trial in ("0003", "0005"):
        note(searched.path, trial, status="failed")
        (searched / "trials" / trial / "metrics.csv").unlink()
    write_results(config, searched, "min")
    said = searched.read_json("tune.json")
    assert said["importance"] == {}
    assert said["importance_note"].startswith("not computed: it needs 4 trials")


def test_a_higher_value_can_be_the_better_one(config, searched) -> None:
    write_results(config, searched, "max")
    assert eu.tune.trials(searched.path)["trial"].tolist() == [
        "0002",
        "0005",
        "0001",
        "0003",
        "0004",
    ]


def test_the_folder_of_a_search_has_no_network_but_names_the_best(config, searched) -> None:
    write_results(config, searched, "min")
    with pytest.raises(NotARunError, match=r"holds a search.*trials/0003"):
        eu.load(searched.path)


def test_a_search_that_is_not_over_has_no_table(searched) -> None:
    with pytest.raises(MissingFileError, match="'eugene tune --resume'"):
        eu.tune.trials(searched.path)


def test_trials_that_were_cut_off_count_as_stopped(searched) -> None:
    note(searched.path, "0005", status="running")
    note(searched.path, allot(searched.path))
    (searched / "ray" / "0001" / "checkpoint_000001").mkdir(parents=True)
    _settle(searched, ["no machine"])
    found = {record["trial"]: record["status"] for record in records(searched.path)}
    assert Counter(found.values()) == {"done": 2, "stopped": 2, "failed": 2}
    assert found["0006"] == "failed"
    assert not list((searched / "ray").glob("*/*"))


def test_the_best_until_each_epoch_is_what_the_trainer_keeps() -> None:
    rows = [{"v": v} for v in (float("nan"), 3.0, 2.95, 1.0, float("inf"), 4.0)]
    assert best_so_far(rows, "v", "min", 0.1) == [float("inf"), 3.0, 3.0, 1.0, 1.0, 1.0]
    assert best_so_far(rows, "v", "max")[1:] == [3.0, 3.0, 3.0, 3.0, 4.0]


def test_names_are_as_short_as_they_can_be() -> None:
    assert short_names(["a.b.0", "a.b.1", "x.lr"]) == {"a.b.0": "b.0", "a.b.1": "b.1", "x.lr": "lr"}
    assert short_names(["a.k.lr", "b.k.lr"]) == {"a.k.lr": "a.k.lr", "b.k.lr": "b.k.lr"}
    assert short_names([]) == {}


def test_draws_and_values_belong_together(config) -> None:
    space = Space(config)
    drawn = {"module.optimizer": 1, "module.optimizer_lr": 0.5}
    assert space.clipped(drawn) == {"module.optimizer": 1, "module.optimizer_lr": 0.1}
    values = space.values(space.clipped(drawn))
    assert values == {"module.optimizer": "sgd", "module.optimizer_lr": 0.1}
    assert {d: space.number(d, v) for d, v in values.items()} == space.clipped(drawn)
    assert default_folder(config).as_posix() == "runs/small_tune"


def test_without_the_extra_one_line_says_what_to_install(
    config, tmp_path, monkeypatch, capsys
) -> None:
    for name in ("ray", "ray.tune"):  # another test of this process may have imported them
        monkeypatch.setitem(__import__("sys").modules, name, None)
    (tmp_path / "search.yaml").write_text(config.to_yaml())
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "search.yaml"]) == 2
    said = capsys.readouterr()
    assert said.err == (
        "error: this needs the package 'ray', which is not installed; install it with: "
        "pip install 'eugene-genomics[tune]'\n"
    )
    assert not (tmp_path / "runs").exists()
    assert main(["tune", "search.yaml", "--print_config", "--tune.num_samples", "3"]) == 0
    assert "num_samples: 3" in capsys.readouterr().out
    assert main(["run", "search.yaml"]) == 2
    assert "'eugene tune' tries its values" in capsys.readouterr().err


def test_a_search_has_to_be_read_as_one(config) -> None:
    with pytest.raises(eu.errors.EugeneError, match="searched=True"):
        eu.tune.run(config.candidate({"module.optimizer": "sgd", "module.optimizer_lr": 0.01}))
    with pytest.raises(ConfigError, match="nothing is searched"):
        eu.tune.run("quickstart")
