"""Pictures of one pixel: runs write pages by the dozen in tests that look at other things."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from matplotlib.figure import Figure

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
SVG = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'


def one_pixel(figure: Figure, fname: str | Path | IO, **options: object) -> None:
    """Stand in for ``savefig``: what draws the figure has run, what turns it into ink has not."""
    suffix = Path(fname).suffix[1:] if isinstance(fname, str | Path) else ""
    written = SVG if str(options.get("format", suffix)) == "svg" else PNG
    if isinstance(fname, str | Path):
        path = Path(fname)
        path.write_bytes(written) if isinstance(written, bytes) else path.write_text(written)
    else:
        fname.write(written)


@pytest.fixture(scope="module", autouse=True)
def pictures_of_one_pixel() -> Iterator[None]:
    """Save no figure in the tests of a folder; those of reports and plots do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", one_pixel)
        yield
