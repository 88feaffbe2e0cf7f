"""``python -m eugene`` is the same as ``eugene``."""

from __future__ import annotations

import sys

from eugene.cli import main

if __name__ == "__main__":
    sys.exit(main())
