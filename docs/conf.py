"""Settings of the documentation site, which `make docs` makes in docs/_build/html.

Pages of claims, of the API and of the examples are made when it is built, in docs/claims/, docs/api/ and
docs/examples/. With the tag "quick", `make docs ARGS="-t quick"`, neither examples nor notebooks run.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

import sgdsde  # noqa: E402

QUICK: bool = globals()["tags"].has("quick")  # Sphinx runs this file with its tags in it

project, author = "sgdsde", "the authors of sgdsde"
copyright = author
version = release = sgdsde.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "claim_pages",
    "api_pages",
    "example_pages",
    "plain_docstrings",
    "internal_links",
    "mathml",
    "repository_links",
]
exclude_patterns = ["_build", "_examples", "extensions", "**.ipynb_checkpoints", "examples/*.ipynb", "examples/*.py"]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb"}
nitpicky = True
default_role = "literal"  # docstrings are read as plain text first
suppress_warnings = ["toc.empty_glob"]

# docs/*.md are read on GitHub too.
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
nb_execution_mode = "off" if QUICK else "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_in_temp = True
nb_merge_streams = True

autosummary_generate = True
autodoc_typehints = "none"  # docstrings say what arguments are
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "_examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "plot_gallery": not QUICK,
    "image_scrapers": ("example_pages.picture",),
    "reset_modules": (),
    "reset_argv": "example_pages.arguments",
    "doc_module": ("sgdsde",),
    "reference_url": {"sgdsde": None},
    "backreferences_dir": "api/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "first_notebook_cell": None,
}

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "sgdsde"
html_static_path = [
    "_static",
    "../validation/templates/filter.js",
    "../validation/templates/claims.css",
]
html_css_files = ["claims.css", "site.css"]
html_context = {"default_mode": "auto"}
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "sgdsde"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navigation_depth": 2,
    "show_toc_level": 2,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "use_edit_page_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "claims/index": [], "claims/*": [], "api/generated/*": []}
