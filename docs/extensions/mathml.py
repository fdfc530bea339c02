"""Formulas in TeX as MathML, which browsers draw by themselves: no script, nothing from the network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging


def mathml(text: str, display: str) -> str:
    r"""A formula; ValueError where it has something that has not been turned into MathML.

    >>> mathml(r"\omega", "inline")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>&#x003C9;</mi></mrow></math>'
    >>> mathml(r"\nonsense", "inline")
    Traceback (most recent call last):
        ...
    ValueError: cannot be turned into MathML: \nonsense
    """
    made = convert(
        text.replace("{aligned}", "{align*}"), display=display
    )  # one is TeX's inside a display, one is known
    if "\\" in made or ">&<" in made:
        raise ValueError(f"cannot be turned into MathML: {text}")
    return made


def _write(writer: Any, node: nodes.Element, display: str) -> None:
    try:
        made = mathml(node.astext(), display)
    except ValueError as error:
        logging.getLogger(__name__).warning(str(error), location=node)
    else:
        writer.body.append(made if display == "inline" else f'<div class="equation">{made}</div>')
    raise nodes.SkipNode


def _inline(writer: Any, node: nodes.math) -> None:
    _write(writer, node, "inline")


def _block(writer: Any, node: nodes.math_block) -> None:
    _write(writer, node, "block")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx, as ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
