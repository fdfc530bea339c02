"""Makes the pages of claims in docs/claims/ from validation/results/, and puts data to download beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from validation.site import claim_files, claim_pages


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Make these files the only ones of their kind in the folder; those that are as they should be stay untouched."""
    folder.mkdir(exist_ok=True)
    for old in {path for suffix in {Path(name).suffix for name in texts} for path in folder.glob(f"*{suffix}")}:
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _pages(app: Sphinx, config: Config) -> None:
    write(Path(app.srcdir) / "claims", claim_pages())


def _files(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for name, content in claim_files().items():
            (Path(app.outdir) / "claims" / name).write_bytes(content)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx. The files are there before links are checked."""
    app.connect("config-inited", _pages)
    app.connect("build-finished", _files, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
