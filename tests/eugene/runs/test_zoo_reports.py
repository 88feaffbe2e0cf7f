"""Runs of networks for which a step does not apply, or that give more than a run trains."""

from __future__ import annotations

import pytest
import torch
from zoo_table import ZOO

import eugene
from eugene.config import load_run_config
from eugene.errors import ConfigError
from eugene.runs import Run, RunFolder, run
from eugene.runs._pipeline import later_step
from seqexplainer.filters import LayerError


def network(name: str) -> dict[str, object]:
    return {"name": name, **{k: v for k, v in ZOO[name].tiny.items() if k != "input_len"}}


def test_a_step_that_does_not_apply_says_so_and_the_run_goes_on(tiny, tmp_path):
    tiny |= {"model": network("fcn"), "baselines": [], "evaluate": {"n_bootstrap": 0}}
    tiny["data"]["n"], tiny["trainer"]["max_epochs"] = 60, 1
    tiny["interpret"] = {"filters": {"max_sequences": 10}}
    folder = run(tiny, run_dir=tmp_path / "run")
    state = folder.state()
    assert state["status"] == "done"
    assert "no one-dimensional convolution" in state["steps"]["filters"]["skipped"]
    assert state["steps"]["report"]["status"] == "done"
    page = folder.report.read_text()
    assert "Filters as motifs" in page
    assert "does not apply to the network: the model has no one-dimensional convolution" in page

    again = Run(load_run_config(folder.config), folder)
    with pytest.raises(ConfigError, match="no layer 'conv'"):
        tiny["interpret"]["filters"]["layer"] = "conv"
        run(tiny, run_dir=tmp_path / "other")
    assert not (tmp_path / "other").exists()
    # who asks for the step alone is told by an error
    with pytest.raises(eugene.errors.DoesNotApplyError) as raised:
        later_step(again, "filters", overwrite=True)
    assert isinstance(raised.value.__cause__, LayerError)
    assert folder.status("filters") == "failed"


@pytest.mark.parametrize("name", ["bpnet", "chrombpnet", "cherimoya", "aparent"])
def test_networks_of_profiles_are_trained_on_their_values(name, tiny, tmp_path):
    tiny["model"] = network(name)
    tiny["data"]["n"] = 60
    tiny["data"]["length"] = 150
    made = Run(load_run_config(tiny), RunFolder.create(tmp_path / "run")).new_module()
    output = made(torch.zeros(2, 4, 150))
    assert output.shape == (2, 1)
    tiny["model"]["profile"] = True
    asked = Run(load_run_config(tiny), RunFolder.create(tmp_path / "asked"))
    with pytest.raises(ConfigError, match="leave 'profile' out, or set it to false"):
        asked.new_module()
