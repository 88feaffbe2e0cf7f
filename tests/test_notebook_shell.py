"""A notebook run in the process of the tests shows what a kernel shows and leaves no trace."""

from __future__ import annotations

import importlib
import os
import random
import sys
from pathlib import Path

import nbformat
import notebook_shell
import numpy as np
import pytest
import torch
from own_modules import forget_modules_of

import eugene as eu


def notebook(*sources: str) -> nbformat.NotebookNode:
    """Return a notebook of these cells, run nowhere yet."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


def kinds(cell: nbformat.NotebookNode) -> list[str]:
    """Return what a cell put out, by kind."""
    return [o.get("name") or ",".join(sorted(o["data"])) for o in cell.outputs]


def test_cells_show_what_a_kernel_shows(tmp_path: Path) -> None:
    book = notebook(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "fig, ax = plt.subplots()\nprint('said')\n1 + 1",
        "import sys\nsys.stderr.write('loud')\nplt.figure()\nplt.show()\n3;",
        "import warnings\nwarnings.warn('wary')\n__name__",
        "plt.get_fignums()",
    )
    notebook_shell.run(book, tmp_path)
    png = "image/png,text/plain"
    assert [kinds(cell) for cell in book.cells] == [
        [png],
        ["text/plain", png, "stdout"],
        [png, "stderr"],
        ["text/plain", "stderr"],
        ["text/plain"],
    ]
    assert "UserWarning: wary" in book.cells[3].outputs[1].text
    assert book.cells[3].outputs[0].data["text/plain"] == "'__main__'"
    assert book.cells[4].outputs[0].data["text/plain"] == "[]"


def test_nothing_stays_as_a_notebook_left_it(tmp_path: Path) -> None:
    import matplotlib as mpl

    def state() -> list[object]:
        return [
            Path.cwd(), dict(os.environ), [*sys.path], sys.modules["__main__"], sys.excepthook,
            sys.stdout, random.getstate(), np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(), eu.settings.seed, eu.settings.batch_size,
            mpl.rcParams.copy(), mpl.get_backend(),
        ]  # fmt: skip

    before = state()
    book = notebook(
        "import os, random, sys, numpy as np, torch, eugene as eu, matplotlib as mpl\n"
        "os.environ['NEW'] = '1'\nos.mkdir('sub')\n"
        "os.chdir('sub')\nsys.path.insert(0, os.getcwd())\n"
        "random.random(); np.random.rand(); torch.rand(1)\n"
        "torch.set_num_threads(3)\ntorch.set_default_dtype(torch.float64)\n"
        "torch.use_deterministic_algorithms(True)\n"
        "eu.settings.seed = 99\neu.settings.batch_size = 7\nmpl.rcParams['font.size'] = 33",
        "open('its_own_module.py', 'w').write('x = 1')\nimport its_own_module",
    )
    notebook_shell.run(book, tmp_path)
    assert state() == before
    assert "its_own_module" not in sys.modules
    assert (tmp_path / "sub" / "its_own_module.py").exists()


def test_an_error_tells_its_cell(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as failure:
        notebook_shell.run(notebook("x = 0", "1 / x"), tmp_path)
    assert failure.value.__notes__ == ["in cell 1:\n1 / x"]


def test_modules_of_a_folder_are_forgotten_also_those_without_init(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_alone.py").write_text("x = 1\n")
    (tmp_path / "mine_open" / "inner").mkdir(parents=True)
    before = set(sys.modules)
    for name in ("mine_alone", "mine_open", "mine_open.inner"):
        importlib.import_module(name)
    forget_modules_of(tmp_path, set(sys.modules) - before)
    assert set(sys.modules) - before == set()
