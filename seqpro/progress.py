"""Progress of long work in one line: a bar that goes when it is done, or now and then a line.

On a terminal and in a notebook it is a bar, which appears after a second and leaves nothing. Where
the output goes to a file, as on a cluster, a line is written every half minute: a bar that is drawn
again and again would fill it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO, TypeVar

Step = TypeVar("Step")
EVERY = 30.0
"""Seconds between two lines where no one looks on."""


class Bar(Protocol):
    """What `bar` gives: it is moved on by ``update``."""

    n: float
    total: float | None

    def update(self, n: float = 1) -> bool | None:
        """Say that ``n`` more are done."""
        ...


def in_notebook() -> bool:
    """Tell whether this is a Jupyter kernel.

    Examples
    --------
    >>> in_notebook()
    False
    """
    shell = sys.modules.get("IPython")
    current = shell.get_ipython() if shell is not None else None
    return type(current).__name__ == "ZMQInteractiveShell"


def looked_at(file: TextIO | None = None) -> bool:
    """Tell whether a bar can be drawn over itself: on a terminal, or in a notebook.

    Parameters
    ----------
    file : text file, optional
        Where it goes; stderr by default.
    """
    return in_notebook() or (sys.stderr if file is None else file).isatty()


def _made(
    steps: Iterable[Step] | None,
    *,
    total: int | None,
    desc: str,
    unit: str,
    shown: bool,
    scale: int,
    file: TextIO | None,
    initial: int = 0,
    at_once: bool = False,
) -> object:
    from tqdm import tqdm

    given = {"total": total, "desc": desc or None, "unit": unit, "leave": False, "file": file}
    given["initial"] = initial
    if scale:
        given |= {"unit_scale": True, "unit_divisor": scale}
    if not shown or looked_at(file):
        return tqdm(steps, disable=not shown, delay=0 if at_once else 1, **given)

    class Lines(tqdm):  # type: ignore[misc]
        """Writes a line now and then, and nothing in the end."""

        disable: bool

        @staticmethod
        def status_printer(file: TextIO) -> Callable[[str], None]:
            def write(text: str) -> None:
                if text.strip():
                    file.write(f"{text.strip()}\n")
                    file.flush()

            return write

        def moveto(self, n: int) -> None:
            """Stay where the next line begins."""

        def close(self) -> None:
            """Leave what was written."""
            if not self.disable:
                self.disable = True
                self._decr_instances(self)

    return Lines(
        steps, delay=0 if at_once else EVERY, mininterval=EVERY, maxinterval=2 * EVERY,
        ascii=True, ncols=100, **given,
    )  # fmt: skip


def bar(
    steps: Iterable[Step],
    *,
    shown: bool,
    desc: str = "",
    unit: str = "it",
    total: int | None = None,
    file: TextIO | None = None,
) -> Iterator[Step]:
    """Yield steps, and show how far they are.

    Parameters
    ----------
    steps : iterable
        What is done one after the other.
    shown : bool
        Whether anything is shown.
    desc : str, optional
        What is done.
    unit : str, optional
        What is counted.
    total : int, optional
        How many there are, where they do not say.
    file : text file, optional
        Where it goes; stderr by default.

    Yields
    ------
    object
        The steps.

    Examples
    --------
    >>> list(bar([1, 2], shown=False))
    [1, 2]
    """
    made = _made(steps, total=total, desc=desc, unit=unit, shown=shown, scale=0, file=file)
    assert isinstance(made, Iterable)
    yield from made


@contextmanager
def counted(
    *,
    shown: bool,
    desc: str = "",
    unit: str = "it",
    total: int | None = None,
    initial: int = 0,
    scale: int = 0,
    at_once: bool = False,
    file: TextIO | None = None,
) -> Iterator[Bar]:
    """Show how far work is that is counted as it goes.

    Parameters
    ----------
    shown, desc, unit, total, file
        As of `bar`.
    initial : int, optional
        How many were done before.
    scale : int, optional
        1000 or 1024 writes large numbers with k, M and G.
    at_once : bool, optional
        Do not wait for the first bar or line.

    Yields
    ------
    Bar
        Moved on by ``update(n)``.

    Examples
    --------
    >>> with counted(shown=False, total=3) as made:
    ...     _ = made.update(3)
    """
    made = _made(
        None, total=total, desc=desc, unit=unit, shown=shown, scale=scale, file=file,
        initial=initial, at_once=at_once,
    )  # fmt: skip
    try:
        yield made  # type: ignore[misc]
    finally:
        made.close()  # type: ignore[attr-defined]
