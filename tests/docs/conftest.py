"""The programs that make pages of the site are no package: put them in reach."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs" / "_ext"))
