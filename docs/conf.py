"""Sphinx builds the pages of this folder with `make docs`."""

from loupe.version import __version__

project = "Loupe"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"Loupe {__version__}"
exclude_patterns = ["_build"]
myst_heading_anchors = 2  # links to headings, as on GitHub
