"""Sphinx builds the pages of this folder with `make docs`."""

import sys
from pathlib import Path

from loupe.version import __version__

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from make_reference import write_reference

write_reference(Path(__file__).parent / "reference")

project = "Loupe"
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_title = f"Loupe {__version__}"
html_theme_options = {
    "light_css_variables": {"code-font-size": "0.75rem"}
}  # a hundred signs on a line of code
exclude_patterns = ["_build"]
myst_heading_anchors = 2  # links to headings, as on GitHub
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
default_role = "code"  # docstrings write code in single backticks
html_show_copyright = False
