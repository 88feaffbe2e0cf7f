"""Optimisers and schedules by name."""

from __future__ import annotations

import pytest
import torch

from eugene.config.registries import OPTIMIZERS, SCHEDULERS
from eugene.errors import EugeneError
from eugene.modules.optimizers import make_optimizer, make_scheduler


def optimizer(name: str = "sgd", lr: float = 0.1) -> torch.optim.Optimizer:
    return make_optimizer(name, [torch.nn.Parameter(torch.ones(3))], lr)


def rates(name: str, steps: int = 20, **kwargs: float) -> list[float]:
    opt = optimizer()
    schedule, interval = make_scheduler(name, opt, lambda: steps, **kwargs)
    assert interval == "step"
    found = []
    for _ in range(steps):
        found.append(opt.param_groups[0]["lr"])
        opt.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_goes_downhill(name: str) -> None:
    parameter = torch.nn.Parameter(torch.tensor([2.0]))
    opt = make_optimizer(name, [parameter], 0.05)
    for _ in range(20):
        opt.zero_grad()
        (parameter**2).sum().backward()
        opt.step()
    assert float(parameter.detach().abs()) < 2


def test_cosine_rises_and_falls() -> None:
    found = rates("cosine", warmup=0.25)
    assert found[:6] == sorted(found[:6])
    assert found[5:] == sorted(found[5:], reverse=True)
    assert max(found) == pytest.approx(0.1)
    assert found[-1] < 0.005


def test_one_cycle_peaks_at_the_learning_rate() -> None:
    found = rates("one_cycle")
    assert max(found) == pytest.approx(0.1, rel=0.05)
    assert found[0] == pytest.approx(0.004, rel=0.01)


def test_exponential_ends_at_its_share() -> None:
    assert rates("exponential", final=0.1)[-1] == pytest.approx(0.1 * 0.1 ** (19 / 20))


def test_plateau() -> None:
    opt = optimizer()
    schedule, interval = make_scheduler("reduce_lr_on_plateau", opt, lambda: 1, patience=0)
    assert interval == "epoch"
    schedule.step(1.0)
    schedule.step(1.0)
    assert opt.param_groups[0]["lr"] == pytest.approx(0.01)
    with pytest.raises(EugeneError, match="mode: expected 'min' or 'max', got 'low'"):
        make_scheduler("reduce_lr_on_plateau", opt, lambda: 1, mode="low")
    assert make_scheduler("reduce_lr_on_plateau", opt, lambda: 1)[0].patience == 2


def test_unknown_names() -> None:
    assert "cosine" in SCHEDULERS
    with pytest.raises(EugeneError, match="did you mean 'adam'"):
        optimizer("adm")
    with pytest.raises(EugeneError, match="did you mean 'cosine'"):
        make_scheduler("cosin", optimizer(), lambda: 1)
