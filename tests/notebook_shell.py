"""Run a notebook in this process: its modules are imported already, and no kernel starts.

The cells see what a kernel shows them: a fresh ``__main__``, the folder they run in, Python's own
filters of warnings, figures that are shown at the end of their cell. Afterwards this process is as
it was before.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import io
import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from own_modules import forget_modules_of
from traitlets.config import Config

DPI = 40  # of the pictures: they are counted, not looked at


def _text(data: dict[str, object]) -> dict[str, object]:
    """Write bytes as notebooks do."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


class _Publisher(DisplayPublisher):
    """Keeps what cells display, in the order in which they do."""

    kept: list[nbformat.NotebookNode]

    def publish(self, data, metadata=None, **_):
        self.kept.append(nbformat.v4.new_output("display_data", data=_text(data)))


class _Hook(DisplayHook):
    """Keeps the value of a cell's last line."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        value = nbformat.v4.new_output("execute_result", data=_text(format_dict))
        self.shell.display_pub.kept.append(value)


def _png(figure) -> bytes:
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=DPI)
    return made.getvalue()


@contextlib.contextmanager
def _figures(shell: InteractiveShell) -> Iterator[None]:
    """Draw without a window; show figures as a notebook does; then as it was before."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    def show(*_: object, **__: object) -> None:
        for number in plt.get_fignums():
            data, metadata = shell.display_formatter.format(plt.figure(number))
            shell.display_pub.publish(data, metadata)
        plt.close("all")

    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(mpl.figure.Figure, _png)
    before, backend = plt.show, mpl.get_backend()
    with mpl.rc_context():
        plt.close("all")
        plt.switch_backend("agg")
        plt.show = show
        shell.events.register("post_execute", show)
        try:
            yield
        finally:
            plt.close("all")
            plt.show = before
            plt.switch_backend(backend)


@contextlib.contextmanager
def _randomness() -> Iterator[None]:
    """Start global generators alike, then put them and torch's switches back."""
    import numpy as np
    import torch

    plain, array, tensor = random.getstate(), np.random.get_state(), torch.get_rng_state()
    threads, kind = torch.get_num_threads(), torch.get_default_dtype()
    certain = torch.are_deterministic_algorithms_enabled()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(array)
        torch.set_rng_state(tensor)
        torch.set_num_threads(threads)
        torch.set_default_dtype(kind)
        torch.use_deterministic_algorithms(certain)


@contextlib.contextmanager
def _warnings() -> Iterator[None]:
    """Say warnings as a fresh Python does, not as pytest."""

    def say(message, category, filename, lineno, file=None, line=None) -> None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for quiet in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", quiet)
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
        warnings.showwarning = say
        yield


@contextlib.contextmanager
def _said(kept: list[nbformat.NotebookNode]) -> Iterator[None]:
    """Keep what a cell writes on its streams, also by logs that took the stream earlier."""
    out, err = io.StringIO(), io.StringIO()
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    moved = [
        (handler, handler.setStream(err))
        for handler in {h for logger in loggers for h in logger.handlers}
        if type(handler) is logging.StreamHandler
    ]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        for handler, stream in moved:
            if stream is not None:
                handler.setStream(stream)
        for name, written in (("stdout", out), ("stderr", err)):
            if written.getvalue():
                kept.append(nbformat.v4.new_output("stream", name=name, text=written.getvalue()))


@contextlib.contextmanager
def _shell(folder: Path) -> Iterator[InteractiveShell]:
    """Give the one shell of this process, with a ``__main__`` of its own."""
    config = Config()
    config.HistoryManager.enabled = False
    main, path, modules = sys.modules["__main__"], [*sys.path], set(sys.modules)
    shell = InteractiveShell.instance(
        config=config,
        ipython_dir=str(folder / ".ipython"),
        display_pub_class=_Publisher,
        displayhook_class=_Hook,
    )
    sys.path.insert(0, "")  # as a kernel has it: modules that cells write are found
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        atexit.unregister(shell.atexit_operations)
        InteractiveShell.clear_instance()
        shell.user_ns.clear()
        sys.modules["__main__"], sys.path[:] = main, path
        forget_modules_of(folder, set(sys.modules) - modules)


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run the cells of a notebook from the top and put into them what they show.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.
    folder : Path
        Where it runs.

    Raises
    ------
    Exception
        The first that a cell raises, with the cell's source as a note.
    """
    import eugene as eu

    with contextlib.ExitStack() as around:
        around.enter_context(mock.patch.dict(os.environ))
        around.enter_context(contextlib.chdir(folder))
        around.enter_context(eu.settings())
        around.enter_context(_randomness())
        around.enter_context(_warnings())
        shell = around.enter_context(_shell(folder))
        around.enter_context(_figures(shell))
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            shell.display_pub.kept = cell.outputs = []
            with _said(cell.outputs):
                result = shell.run_cell(cell.source, store_history=True)
            failure = result.error_before_exec or result.error_in_exec
            if failure is not None:
                failure.add_note(f"in cell {number}:\n{cell.source}")
                raise failure
