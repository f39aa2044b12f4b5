"""Sphinx configuration: Markdown by MyST, the reference by autodoc, warnings are errors (`make docs`)."""

import re

import agnt5

project = "AGNT5"
author = "AGNT5 contributors"
release = version = agnt5.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"AGNT5 {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"


def plain_docstrings(app, what, name, obj, options, lines):
    """Docstrings are plain text with `code` in single backticks; a module's is shown as it stands in the source."""
    if what == "module":
        lines[:] = ["::", "", *(f"   {line}" for line in lines), ""]
    else:
        lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", plain_docstrings)
