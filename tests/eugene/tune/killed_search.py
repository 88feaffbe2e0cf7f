"""Begins a search in a process that can be killed: folder, YAML file and the number of a trial.

Once that trial has finished an epoch, this process kills itself as ``kill -9`` would.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from eugene.cli import main


def die_when(path: Path) -> None:
    """Wait for a file and die."""
    while not path.is_file():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    folder, file, trial = sys.argv[1:]
    waited_for = Path(folder) / "trials" / trial / "checkpoints" / "last.ckpt"
    threading.Thread(target=die_when, args=(waited_for,), daemon=True).start()
    main(["tune", file, "--run_dir", folder])
