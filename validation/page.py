"""The page of the report as HTML. Every text from outside is escaped; images and style are inside the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from string import Template

from validation.claim import Finding
from validation.formatting import escape, percent, plain, sigmas, with_error
from validation.paper_tables import badge, margin, paper_tables
from validation.presets import FAMILY_LEVEL
from validation.provenance import provenance
from validation.runner import Outcome, Run
from validation.strip import strip
from validation.summary import summary
from validation.verdict import Ruling, Verdict

HERE = Path(__file__).parent


def page(run: Run, images: Mapping[str, bytes]) -> str:
    """The whole page; ``images`` are the PNG files by name."""
    sections = [_section(outcome, images) for outcome in run.outcomes if outcome.verdict is not Verdict.NOT_RUN]
    return Template((HERE / "report.html").read_text(encoding="utf-8")).substitute(
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        verdict_line=escape(summary(run).partition(".")[0]),
        summary=escape(summary(run)),
        preset=escape(run.preset),
        seed="each protocol's" if run.seed is None else run.seed,
        papers=paper_tables(run.outcomes),
        tests=run.tests,
        claims=run.claims,
        level=f"{FAMILY_LEVEL:g}",
        sections="\n".join(sections),
        provenance="\n".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in provenance().items()),
        command=escape(_command(run)),
    )


def _command(run: Run) -> str:
    only = "" if run.complete else " --only " + " ".join(outcome.claim.name for outcome in run.outcomes)
    seed = "" if run.seed is None else f" --seed {run.seed}"
    return f"python -m validation --preset {run.preset}{seed}{only}"


def _section(outcome: Outcome, images: Mapping[str, bytes]) -> str:
    claim, finding = outcome.claim, outcome.finding
    parts = [
        f'<section id="{escape(claim.name)}">',
        f"<h2>{escape(claim.title)}</h2>",
        f'<p class="reason">{badge(outcome.verdict)} · {escape(outcome.judgement.reason)}</p>',
        f"<p>{escape(claim.statement)}</p>",
        f'<p class="formula">{escape(claim.formula)}</p>',
        f'<p class="source">Source: {escape(claim.source)}. Protocol {claim.protocol.number}'
        f"{escape(_digest(claim.protocol.digest))}, seeds {', '.join(map(str, outcome.seeds))}</p>",
    ]
    if outcome.judgement.unmet:
        parts.append(f'<p class="note">Not as the protocol expects: {escape("; ".join(outcome.judgement.unmet))}.</p>')
    if finding is not None:
        parts += [f'<p class="note">{escape(note)}</p>' for note in finding.notes]
        parts += _pictures(outcome, finding, images)
        parts += ["<h3>How it was measured</h3>", f"<p>{escape(finding.method)}</p>"] if finding.method else []
        parts += _rivals(outcome)
        parts.append(_table(outcome.judgement.rulings))
    parts.append(f'<p class="source">{outcome.seconds:.1f} s.{_on(finding)}</p>')
    parts.append("</section>")
    return "\n".join(parts)


def _on(finding: Finding | None) -> str:
    return f" Data: {escape(finding.data)}." if finding and finding.data else ""


def _pictures(outcome: Outcome, finding: Finding, images: Mapping[str, bytes]) -> list[str]:
    made = []
    for picture in finding.pictures:
        encoded = base64.b64encode(images[f"{outcome.claim.name}_{picture.name}.png"]).decode()
        made.append(
            f'<figure><img alt="{escape(picture.alt)}" src="data:image/png;base64,{encoded}">'
            f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        )
    return made


def _digest(digest: str) -> str:
    return f", digest {digest}" if digest else ""


def _rivals(outcome: Outcome) -> list[str]:
    """How many checks reject each rival, and the strip of deviations."""
    rulings = [ruling for ruling in outcome.judgement.rulings if ruling.expected != "differs"]
    named: dict[str, list[bool]] = {}
    for ruling in rulings:
        for name in ruling.rivals:
            named.setdefault(name, []).append(name in ruling.rejected)
    told = "; ".join(f"{name}: rejected by {sum(kept)} of {len(kept)} checks" for name, kept in named.items())
    checks = [ruling.check for ruling in rulings]
    return ["<h3>Rivals</h3>", f"<p>{escape(told)}.</p>", strip(checks, outcome.limit) if checks else ""]


def _table(rulings: tuple[Ruling, ...]) -> str:
    heads = (
        "Check", "Verdict", "Predicted", "Measured ± SE", "Ratio", "Deviation", "Interval", "Margin", "Would have seen",
        "Rivals predict",
    )  # fmt: skip
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "\n".join(_check_row(ruling) for ruling in rulings)
    return (
        f"<details><summary>All {len(rulings)} checks</summary>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>'
    )


def _check_row(ruling: Ruling) -> str:
    check = ruling.check
    expected = "" if ruling.expected == "agrees" else f"<small>expected: {ruling.expected}</small>"
    rivals = "<br>".join(
        f"{plain(value)} ({sigmas(check.z_from(value))})<small>{escape(name)}</small>"
        for name, value in ruling.rivals.items()
    )
    texts = (
        plain(check.predicted),
        with_error(check.measured, check.standard_error),
        plain(check.ratio),
        sigmas(check.z),
        f"± {plain(ruling.half_width)}",
        margin(ruling),
        percent(check.detectable),
        rivals or "–",
    )
    cells = "".join(f'<td class="number">{text}</td>' for text in texts)
    shown = f'<td class="short">{badge(ruling.verdict)}{expected}</td>'
    return f'<tr><th scope="row">{escape(check.label)}</th>{shown}{cells}</tr>'
