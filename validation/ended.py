"""Claims that have ended stay: a run that was stopped goes on, and does not measure again what the same code measured.

A file in the folder of the report holds what a claim found. It is of the claim's protocol and code, of all other code
of this library and of validation but that of other claims, of the versions of packages, of sizes, seeds and device:
where one of these changes the claim is measured again, as it is where MNIST was missing and is there now.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import sgdsde
from validation.check import Check
from validation.claim import Claim, Finding, Picture
from validation.drawn import Drawn
from validation.job import Job, Measured
from validation.mnist.images import missing
from validation.protocol import FOLDER
from validation.provenance import provenance

_HERE, _LIBRARY = Path(__file__).parent, Path(sgdsde.__file__).parent
_FOUND = "found.json"


def read(claim: Claim, job: Job) -> Measured | None:
    """What was found before, with the date; None where nothing was, or the file is damaged."""
    path = _path(claim, job)
    if path is None or not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as file:
            held = json.loads(file.read(_FOUND))
            files = {name: file.read(name) for name in file.namelist() if name != _FOUND}
    except Exception:  # a file that is damaged somewhere raises one of many
        return None
    if held["lacking"] is not None and held["lacking"] != missing():
        return None
    said = held["finding"]
    pictures = tuple(_picture(each, files) for each in said["pictures"])
    checks = tuple(Check(**each) for each in said["checks"])
    finding = Finding(**{**said, "checks": checks, "pictures": pictures, "notes": tuple(said["notes"])})
    return Measured(held["seconds"], held["cpu_seconds"], finding, measured=held["measured"])


def write(claim: Claim, job: Job, measured: Measured) -> None:
    """Keep what was found, in place of what older code found."""
    path, finding = _path(claim, job), measured.finding
    if path is None or finding is None:
        return
    drawings = {each.name: each.drawn.files for each in finding.pictures}
    pictures = [{"name": p.name, "caption": p.caption, "alt": p.alt} for p in finding.pictures]
    held = {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "lacking": missing() if finding.data else None,
        "finding": {
            **{
                name: getattr(finding, name)
                for name in ("headline", "method", "notes", "data", "undecided", "statement")
            },
            "checks": [asdict(check) for check in finding.checks],
            "pictures": pictures,
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(_FOUND, json.dumps(held, ensure_ascii=False))
        for name, files in drawings.items():
            for ending, content in files.items():
                file.writestr(f"{name}.{ending}", content)
    for old in path.parent.glob(f"{claim.name}.{job.preset}.*.zip"):
        old.unlink()
    fresh.replace(path)


def _picture(said: dict[str, str], files: dict[str, bytes]) -> Picture:
    parts = {name.rpartition("."): content for name, content in files.items()}
    own = {ending: content for (name, _, ending), content in parts.items() if name == said["name"]}
    return Picture(**said, figure=Drawn(own))


def _path(claim: Claim, job: Job) -> Path | None:
    """Where what a claim of validation/claims found is kept; None where nothing is."""
    if job.place.folder is None or claim.measure.__module__ != f"validation.claims.{claim.name}":
        return None
    of = [_code(claim.name), job.seeds, job.place.device, repr(claim.plans[job.preset])]
    digest = hashlib.sha256(json.dumps(of).encode()).hexdigest()[:16]
    return job.place.folder / "claims" / f"{claim.name}.{job.preset}.{digest}.zip"


@cache
def _code(name: str) -> str:
    """A digest of a claim's code and protocol, and of the versions of packages."""
    digest = hashlib.sha256()
    for path in (*_sources(name), FOLDER / f"{name}.toml"):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    versions = {key: held for key, held in provenance().items() if key not in ("date", "commit", "CPUs", "sgdsde")}
    return hashlib.sha256(digest.digest() + json.dumps(versions).encode()).hexdigest()


def _sources(name: str) -> Iterator[Path]:
    for root in (_LIBRARY, _HERE):
        for path in sorted(root.rglob("*.py")):
            if path.parent != _HERE / "claims" or path.stem == name:
                yield path
