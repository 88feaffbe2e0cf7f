"""What is seen of a training: a bar where somebody looks on, a line an epoch wherever it runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping

from tqdm import tqdm

from eugene.settings import settings
from seqpro.progress import in_notebook

logger = logging.getLogger("eugene.train")
_MOST_METRICS = 3


def what_is_shown(progress: bool | str | None) -> tuple[bool, bool]:
    """Return whether to draw a bar, and whether to write a line an epoch.

    Parameters
    ----------
    progress : bool, "lines" or None
        None decides by where the process runs, unless ``settings.progress_bar`` says.
    """
    if progress == "lines":  # a run asks for them, unless the session wants to see nothing
        return False, settings.progress_bar is not False
    if progress is None:
        progress = settings.progress_bar
    if progress is None:
        return sys.stdout.isatty() or in_notebook(), True
    return bool(progress), bool(progress)


def epoch_line(
    row: Mapping[str, float],
    metrics: Iterable[str],
    *,
    of: int,
    best: bool,
    beside: Iterable[str] = (),
) -> str:
    """Return what an epoch gave in one line.

    Parameters
    ----------
    row : mapping
        A row of ``metrics.csv``.
    metrics : iterable of str
        Names of the metrics, without their stage.
    of : int
        Most epochs; -1 for no end.
    best : bool
        Whether no epoch before was better.
    beside : iterable of str
        Values of callbacks; those that an epoch has are shown.

    Examples
    --------
    >>> epoch_line({"epoch": 0, "train_loss": 0.5, "val_loss": 0.25, "val_r2": 0.125}, ["r2"],
    ...            of=10, best=True)
    'epoch 1 of 10: train_loss 0.5000, val_loss 0.2500, val_r2 0.1250 (best)'
    """
    shown = ["train_loss", "val_loss", *[f"val_{name}" for name in metrics][:_MOST_METRICS]]
    shown += [name for name in beside if row.get(name) == row.get(name)]
    values = ", ".join(f"{name} {row[name]:.4f}" for name in shown if name in row)
    end = f" of {of}" if of > 0 else ""
    return f"epoch {int(row['epoch']) + 1}{end}: {values}{' (best)' if best else ''}"


def say(line: str) -> None:
    """Write a line beside a bar; through the log where somebody listens to it."""
    if logger.isEnabledFor(logging.INFO) and logger.hasHandlers():
        logger.info("%s", line)
    elif logging.getLogger("eugene").level == logging.NOTSET:
        tqdm.write(line, file=sys.stdout if in_notebook() else sys.stderr)
        (sys.stdout if in_notebook() else sys.stderr).flush()
