"""Every shipped recipe on a fresh machine: it has, fetches or explains its data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import eugene.config._paths
import seqdata as sd
from eugene._folder import RunFolder
from eugene.cli import main
from eugene.config import config_root, find_recipe, load_run_config
from eugene.errors import ConfigError, EugeneWarning
from eugene.runs._data import load_data
from eugene.runs._needs import require_files
from eugene.runs._public import with_public_data
from eugene.runs._sources import missing_files

RECIPES = sorted(path.stem for path in (config_root() / "recipes").glob("*.yaml"))
FETCHED = {"jores21_leaf", "jores21_proto", "evoaug_jores21_leaf", "evoaug_deepstarr"}


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an installation without data, whose network is a folder."""
    shutil.copytree(config_root(), tmp_path / "lib" / "configs")
    for module in (eugene.config._paths, eugene.runs._public):
        monkeypatch.setattr(module, "config_root", lambda: tmp_path / "lib" / "configs")
    (tmp_path / "net").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("EUGENE_MIRRORS", (tmp_path / "net").as_uri())
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("EUGENE_OFFLINE", raising=False)
    net, rng = tmp_path / "net", np.random.default_rng(0)

    def letters(length: int) -> str:
        return "".join(rng.choice(list("ACGT"), length))

    for assay in ("leaf", "proto"):
        for split, n in (("train", 30), ("test", 8)):
            rows = "".join(f"At\tg{i}\t{letters(170)}\t{i / 3}\n" for i in range(n))
            text = f"sp\tgene\tsequence\tenrichment\n{rows}"
            (net / f"CNN_{split}_{assay}.tsv").write_text(text)
    for split in ("Train", "Val", "Test"):
        (net / f"Sequences_{split}.fa").write_text(
            "".join(f">{split}{i}\n{letters(249)}\n" for i in range(5))
        )
        rows = "".join(f"{i}.5\t{i}.25\n" for i in range(5))
        head = "Dev_log2_enrichment\tHk_log2_enrichment\n"
        (net / f"Sequences_activity_{split}.txt").write_text(head + rows)
    return tmp_path


@pytest.mark.filterwarnings("ignore:.*the curated set 'jores21' is fetched")
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_fetches_or_explains_its_data(fresh: Path, name: str) -> None:
    config = with_public_data(load_run_config(find_recipe(name)))
    missing = list(missing_files(config))
    if missing:
        assert name not in FETCHED
        with pytest.raises(ConfigError) as caught:
            require_files(config)
        told = str(caught.value)
        for _, path in missing:
            assert f"{path} is not here. To get it: " in told
        return
    if config.section("data")["name"] == "dataset":
        assert name in FETCHED
        data = load_data(config, RunFolder(fresh / "run"))
        counts = np.bincount(sd.splits.codes_of(data.ds))
        assert counts.tolist() == ([5, 5, 5] if name == "evoaug_deepstarr" else [27, 3, 8])
        assert data.length == (249 if name == "evoaug_deepstarr" else 170)
        # what came is pinned, and is used without the network
        shutil.rmtree(fresh / "net")
        again = load_data(config, RunFolder(fresh / "again"))
        np.testing.assert_array_equal(again.ds["seq"].values, data.ds["seq"].values)
    else:
        assert config.section("data")["name"] == "simulated"


@pytest.mark.filterwarnings("always:.*the curated set 'jores21' is fetched")
def test_what_is_fetched_in_place_of_a_file_is_said(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "(?s)the curated set 'jores21' is fetched in its place.*without the motifs of CPEs.meme,"
    with pytest.warns(EugeneWarning, match=said):
        config = with_public_data(load_run_config(find_recipe("jores21_leaf")))
    assert config.tree["data"]["unverified"] is True
    assert config.tree["interpret"]["filters"]["motif_db"] == "jores21_tf_clusters"
    arm = config.tree["replicates"]["arms"]["motif_init"]
    assert arm["model.init"]["motif_files"] == ["jores21_tf_clusters"]
    assert main(["run", "jores21_leaf", "--print_config"]) == 0
    out, err = capsys.readouterr()
    assert "dataset: jores21" in out
    assert "is fetched in its place" in err
    # a file of one's own is never replaced
    own = load_run_config(find_recipe("jores21_leaf"), overrides=(("data.path", "mine.tsv"),))
    assert with_public_data(own) is own
    code = main(["run", "sacCer3_atac"])
    err = capsys.readouterr().err
    assert code == 2
    assert "eugene datasets get sacCer3" in err
    assert not Path("runs").exists()
