"""Sphinx configuration."""

import qbdi_m21

project = 'qbdi_m21'
author = 'qbdi_m21 developers'
copyright = f'2026, {author}'
release = version = qbdi_m21.__version__

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.mathjax']
exclude_patterns = ['_build']

myst_enable_extensions = ['amsmath', 'dollarmath', 'deflist']
myst_heading_anchors = 3

napoleon_google_docstring = False
# several attributes in one entry keep their names together
napoleon_custom_sections = [('Attributes', 'params_style')]
autodoc_typehints = 'none'              # types stand in the docstrings
autodoc_member_order = 'bysource'

html_theme = 'furo'
html_title = f'qbdi_m21 {release}'
