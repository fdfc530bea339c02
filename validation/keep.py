"""Keeps claims of a report in validation/results/ and writes what shows them: pages of docs/, and README's table.

    python -m validation.keep report mnist_learning_rate mnist_momentum

Without a report it writes them again from what is kept. A result of another protocol stays beside the new one, as
NAME.NUMBER.json, without its pictures. Stores of long sweeps are kept with any claim of the report, or alone, while
they run too, with --sweeps in place of names.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from validation import stores
from validation.claim import ORDER
from validation.formatting import strict
from validation.rendering import by_paper, rendered

ROOT = Path(__file__).parent.parent
RESULTS, README = ROOT / "validation" / "results", ROOT / "README.md"
PAGES = (ROOT / "docs" / "mnist.md", ROOT / "docs" / "gallery.md")
#: Of a run, what a reader needs to repeat it.
RUN = ("preset", "provenance")
#: Tables inside texts: file → what it is called there, and so is its template.
TABLES = {ROOT / "docs" / "found.md": "found", README: "papers"}


def keep(report: Path, names: Iterable[str], results: Path = RESULTS) -> None:
    """Copy claims from a report's folder, their pictures in 64 colours and the numbers drawn; other protocols stay.

    Raises
    ------
    ValueError
        When the report has no such claim, or it did not end; nothing is written then.
    """
    wanted = list(names)
    if not wanted:
        return
    run = json.loads((report / "results.json").read_text(encoding="utf-8"))
    made = {claim["name"]: claim for claim in run["claims"]}
    for name in wanted:
        if name not in made or not made[name]["checks"]:
            ended = ", ".join(each for each, claim in made.items() if claim["checks"])
            raise ValueError(f"{str(report)!r} has no finished claim {name!r}; it has {ended or 'none'}")
    for name in wanted:
        content = {key: run[key] for key in RUN} | made[name]
        path = results / f"{name}.json"
        if path.exists():
            old = json.loads(path.read_text(encoding="utf-8"))
            if old["protocol"]["number"] != content["protocol"]["number"]:
                _write(results / f"{name}.{old['protocol']['number']}.json", old | {"figures": []})
            for figure in old["figures"]:
                for file in (figure["file"], _numbers(figure["file"])):
                    (results / file).unlink(missing_ok=True)
        _write(path, content)
        for figure in content["figures"]:
            (results / figure["file"]).write_bytes(_small(report / figure["file"]))
            (results / _numbers(figure["file"])).write_bytes((report / _numbers(figure["file"])).read_bytes())


def _numbers(picture: str) -> str:
    """The file with what is drawn in a picture."""
    return f"{picture.removesuffix('.png')}.csv"


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(strict(content), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _small(path: Path) -> bytes:
    """A PNG of 64 colours, a third as large."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as image:
        palette = image.convert("RGB").quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        palette.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def kept(results: Path = RESULTS) -> list[dict[str, Any]]:
    """The newest kept result of every claim that has one, in reading order."""
    paths = [results / f"{name}.json" for name in ORDER]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def with_table(text: str, name: str, claims: Sequence[dict[str, Any]]) -> str:
    """A text with its table, of statements or of papers, made anew."""
    start, end = f"<!-- {name}: python -m validation.keep -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(start)
    return f"{before}{start}\n{rendered(f'{name}.md', papers=by_paper(claims))}{end}{rest.partition(end)[2]}"


def made(claims: Sequence[dict[str, Any]]) -> dict[Path, str]:
    """What stands in docs/ and README, by file."""
    pages = {path: rendered(path.name, claims=claims) for path in PAGES}
    return pages | {path: with_table(path.read_text(encoding="utf-8"), name, claims) for path, name in TABLES.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    command = argparse.ArgumentParser(prog="python -m validation.keep", description=__doc__.splitlines()[0])
    command.add_argument("report", nargs="?", type=Path, help="folder of a report")
    command.add_argument("claims", nargs="*", metavar="NAME", help="claims to keep")
    command.add_argument("--sweeps", action="store_true", help="keep the stores of long sweeps, of claims that run")
    options = command.parse_args(arguments)
    if options.report is not None:
        if not options.claims and not options.sweeps:
            command.error("name the claims to keep, or say --sweeps")
        try:
            keep(options.report, options.claims)
            stores.keep(options.report / "sweeps")
        except (OSError, ValueError) as error:
            command.error(str(error))
    for path, text in made(kept()).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
