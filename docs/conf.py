"""Sphinx configuration: Markdown by MyST, the reference by autodoc, warnings are errors (`make docs`)."""

from importlib.metadata import version as installed

project = "AGNT5"
author = "AGNT5 contributors"
release = version = installed("agnt5")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"AGNT5 {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
