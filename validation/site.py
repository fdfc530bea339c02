"""Pages of the documentation site about claims: one for each that has a kept result, and an index of all statements."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from validation.claim import ORDER
from validation.keep import RESULTS
from validation.numbers import checks_csv
from validation.rendering import by_paper, rendered


def claim_pages(results: Path = RESULTS) -> dict[str, str]:
    """The pages as MyST Markdown, by the names of their files: ``index.md`` and a ``NAME.md`` for each claim."""
    claims = [_whole(claim) for claim in _kept(results)]
    pages = {f"{claim['name']}.md": _page(claim, results) for claim in claims}
    return {"index.md": rendered("claims_index.md", papers=by_paper(claims), claims=claims)} | pages


def claim_files(results: Path = RESULTS) -> dict[str, bytes]:
    """What can be downloaded beside the pages: each result, of earlier protocols too, as JSON, and its checks as CSV.

    A claim's own are ``NAME.json`` and ``NAME.csv``, those of an earlier protocol ``NAME.NUMBER.json`` and ``.csv``.
    """
    files = {}
    for claim in _kept(results):
        for path in [results / f"{claim['name']}.json", *_earlier(claim["name"], results)]:
            content = path.read_bytes()
            files[path.name] = content
            files[f"{path.stem}.csv"] = checks_csv(json.loads(content)["checks"]).encode()
        for path in results.glob(f"{claim['name']}_*.csv"):
            files[path.name] = path.read_bytes()
    return files


def _kept(results: Path) -> Iterator[dict[str, Any]]:
    for name in ORDER:
        path = results / f"{name}.json"
        if path.exists():
            yield json.loads(path.read_text(encoding="utf-8"))


def _earlier(name: str, results: Path) -> list[Path]:
    """Results of earlier protocols, the newest first."""
    return sorted(results.glob(f"{name}.*.json"), key=lambda path: -int(path.suffixes[0][1:]))


def _page(claim: Mapping[str, Any], results: Path) -> str:
    earlier = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in _earlier(claim["name"], results)]
    drawn = {each["file"]: f"{each['file'].removesuffix('.png')}.csv" for each in claim["figures"]}
    return rendered(
        "claim.md",
        claim=claim,
        papers=by_paper([claim]),
        earlier=earlier,
        numbers={picture: file for picture, file in drawn.items() if (results / file).exists()},
    )


def _whole(claim: dict[str, Any]) -> dict[str, Any]:
    """A kept result with the numbers that strict JSON cannot say (`formatting.strict`)."""
    for check in claim["checks"]:
        check["ratio"] = math.nan if check["ratio"] is None else check["ratio"]
        check["detectable"] = math.inf if check["detectable"] is None else check["detectable"]
        for said in (check, *check["rivals"].values()):
            if said["z"] is None:
                said["z"] = math.copysign(math.inf, check["measured"] - said["predicted"])
    return claim
