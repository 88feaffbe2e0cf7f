"""How Sphinx builds the site: ``make docs``, or ``make docs-run`` to execute the tutorials."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
warnings.filterwarnings("ignore", category=DeprecationWarning)
os.environ.setdefault("MPLBACKEND", "Agg")

from eugene import __version__  # noqa: E402

project = "EUGENe genomics"
author = "The EUGENe genomics maintainers"
copyright = f"2026, {author}"
version = release = __version__

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "house_site"]
# what is made below explain/ is included by a page
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints", "explain/made"]
# single backticks in docstrings are code: a short name may stand for several things
default_role = "code"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_validation_checks: set[str] = set()

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
myst_all_links_external = False
# real data of some tutorials: these keep the pictures of their last run where it is absent
DATA = Path(os.environ.setdefault("EUGENE_TUTORIAL_DATA", str(HERE.parents[1] / "shared" / "data")))
nb_execution_excludepatterns = [
    f"tutorials/made/{path.name}"
    for path in sorted((HERE.parent / "tutorials").glob("*.ipynb"))
    if not DATA.is_dir() and "EUGENE_TUTORIAL_DATA" in path.read_text(encoding="utf8")
]
nb_execution_mode = "force" if os.environ.get("EUGENE_DOCS_RUN") else "off"
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "EUGENe genomics"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "search_bar_text": "Search these pages",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
