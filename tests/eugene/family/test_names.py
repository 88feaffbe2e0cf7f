"""EUGENe's names: the table, what answers to it, the modules it makes, and the page."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import family_surface
import pytest

from eugene.errors import EugeneError, GoneError
from eugene.family import page
from eugene.family._page import accepted_by
from seqpro.errors import GoneImportError
from seqpro.family import Old, table

REPO = Path(__file__).resolve().parents[3]
FLOORS = {
    "seqpro": 0,
    "motifdata": 0,
    "seqdata": 1,
    "seqdatasets": 1,
    "seqexplainer": 1,
    "eugene": 2,
}
HERE = [old for old in table().values() if old.here != "-"]
GONE = [old for old in table().values() if old.here == "-"]


def test_every_public_name_is_there_or_told() -> None:
    found = [(old, family_surface.judged(old)[0]) for old in family_surface.names() if old.public]
    assert len(found) == 179
    assert [old.name for old, verdict in found if verdict == "missing"] == []
    present = [verdict for _, verdict in found if verdict in ("present", "compatible")]
    assert present.count("compatible") >= 0.95 * len(present)


@pytest.mark.skipif(not family_surface.SURFACE.exists(), reason="the list of names is not here")
def test_the_table_is_the_list_of_published_names() -> None:
    listed = {
        o.name: (o.kind, o.public, o.signature)
        for o in family_surface.names(family_surface.SURFACE)
    }
    ours = {o.name: (o.kind, o.public, o.signature) for o in table().values()}
    assert {name: ours.get(name) for name in listed} == listed


@pytest.mark.parametrize("old", GONE, ids=lambda old: old.name)
def test_a_name_that_is_gone_says_what_to_call(old: Old) -> None:
    assert len(old.say) > 10
    with pytest.raises(AttributeError, match=r"is not here: .*docs/switching/eugene\.md"):
        family_surface.fetch(old.name)


def test_importing_a_name_that_is_gone_says_the_same() -> None:
    with pytest.raises(GoneImportError, match=r"rmsle_loss is not here: it never worked"):
        from eugene.models.base._losses import rmsle_loss  # noqa: F401
    with pytest.raises(GoneImportError, match=r"seqexplainer.motif_table writes"):
        from seqexplainer.attributions import modisco_report  # noqa: F401
    with pytest.raises(GoneImportError, match=r"eugene.tune.run"):
        from eugene.train import hyperopt  # noqa: F401


def test_the_error_is_of_the_package_that_was_asked() -> None:
    import eugene as eu

    with pytest.raises(EugeneError) as caught:
        eu.train.hyperopt  # noqa: B018
    assert isinstance(caught.value, GoneError)


def test_no_row_leads_to_a_floor_above() -> None:
    def floor(module: str) -> int:
        return FLOORS.get(module.split(".")[0], 0)

    up = [o.name for o in HERE if ":" in o.here and floor(o.here) > floor(o.name)]
    assert [name for name in up if not name.startswith("motifdata.")] == []


def test_old_modules_can_be_imported() -> None:
    from eugene.models.base._blocks import DenseBlock
    from seqexplainer.attributions import zero_ref_inputs
    from seqexplainer.gia._null_models import generate_shuffled_set

    import eugene as eu
    import motifdata
    import seqdatasets

    assert DenseBlock is eu.nn.DenseBlock
    assert eu.datasets.random1000 is seqdatasets.random1000
    assert callable(zero_ref_inputs)
    assert callable(generate_shuffled_set)
    assert "read_meme" in dir(motifdata)
    assert motifdata.__version__ == eu.__version__
    with pytest.raises(AttributeError, match="has no attribute 'zzz'"):
        motifdata.zzz  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("eugene.models.base._zzz")


def test_the_packages_of_names_hold_nothing_else() -> None:
    for package in ("seqdatasets", "motifdata"):
        files = [p for p in (REPO / package).rglob("*") if "__pycache__" not in p.parts]
        assert sorted(p.name for p in files) == ["__init__.py", "py.typed"]
        assert "def " not in (REPO / package / "__init__.py").read_text(encoding="utf8")


@pytest.mark.parametrize("package", ["seqdatasets", "motifdata"])
def test_importing_names_is_light(package: str) -> None:
    code = (
        f"import {package}, sys; print(sorted({{'torch', 'xarray', 'numpy'}} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "old", [o for o in HERE if (found := accepted_by(o)) and found.of], ids=lambda old: old.name
)
def test_every_argument_of_eugene_s_has_an_answer(old: Old) -> None:
    accepted = accepted_by(old)
    assert accepted is not None
    ours = inspect.signature(family_surface.fetch(old.name)).parameters  # type: ignore[arg-type]
    for key, p in accepted.parameters().items():
        if p.kind not in family_surface.MANY:
            assert key in ours, f"{old.name}({key}=) is neither taken nor refused"


def test_the_page_is_that_of_the_table() -> None:
    written = (REPO / "docs" / "switching" / "eugene.md").read_text(encoding="utf8")
    assert written == page(), (
        "write it anew: python -c 'from eugene.family import page; print(page(), end=\"\")' "
        "> docs/switching/eugene.md"
    )
