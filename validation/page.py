"""The page of the report as HTML. Every text from outside is escaped; images and style are inside the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import escape as escape_html
from pathlib import Path
from string import Template

from validation.claim import Check, Finding
from validation.formatting import percent, plain, sigmas, with_error, within
from validation.presets import FAMILY_LEVEL
from validation.provenance import provenance
from validation.runner import Outcome, Run
from validation.strip import strip
from validation.summary import summary
from validation.verdict import Verdict

HERE = Path(__file__).parent
MARKS = {Verdict.CONFIRMED: "✓", Verdict.INCONCLUSIVE: "?", Verdict.INTERRUPTED: "…", Verdict.NOT_RUN: "…"}


def page(run: Run, images: Mapping[str, bytes]) -> str:
    """The whole page; ``images`` are the PNG files by name."""
    sections = [_section(outcome, images) for outcome in run.outcomes if outcome.verdict is not Verdict.NOT_RUN]
    return Template((HERE / "report.html").read_text(encoding="utf-8")).substitute(
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        verdict_line=escape(summary(run).partition(".")[0]),
        summary=escape(summary(run)),
        preset=escape(run.preset),
        seed=run.seed,
        rows="\n".join(_row(outcome) for outcome in run.outcomes),
        tests=run.tests,
        claims=run.claims,
        level=f"{FAMILY_LEVEL:g}",
        sections="\n".join(sections),
        provenance="\n".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in provenance().items()),
        command=escape(_command(run)),
    )


def escape(text: str) -> str:
    """Escaped for HTML, with no line break beside an operator: "1 − m" and "ε = 0.1" stay whole."""
    return re.sub(" ([−=≈·÷±]) ", "\u00a0\\1\u00a0", escape_html(text))


def _command(run: Run) -> str:
    only = "" if run.complete else " --only " + " ".join(outcome.claim.name for outcome in run.outcomes)
    return f"python -m validation --preset {run.preset} --seed {run.seed}{only}"


def _badge(verdict: Verdict) -> str:
    return f'<span class="badge {verdict.replace(" ", "-")}">{MARKS.get(verdict, "✗")} {escape(verdict)}</span>'


def _row(outcome: Outcome) -> str:
    claim, finding = outcome.claim, outcome.finding
    data = f"<small>on {escape(finding.data)}</small>" if finding and finding.data else ""
    cells = [f'<th scope="row"><a href="#{escape(claim.name)}">{escape(claim.title)}</a>{data}</th>']
    cells.append(f'<td class="short">{_badge(outcome.verdict)}</td>')
    if finding is None:
        cells.append(f'<td colspan="5">{escape(outcome.judgement.reason)}</td>')
    else:
        check = finding.headline_check
        equal = [item for item in finding.checks if item.expected == "equal"]
        weakest = max(item.detectable for item in equal)
        worst = max(abs(item.z) for item in equal)
        most = within(worst).replace(" ", "\u00a0")
        texts = {
            "Predicted": f"{plain(check.predicted)}<small>{escape(check.label)}</small>",
            "Measured": with_error(check.measured, check.standard_error),
            "Ratio": plain(check.ratio),
            "Checks": f"{len(finding.checks)}<small>worst\u00a0{most}</small>",
            "Would have seen": percent(weakest),
        }
        # The label stands beside the number where the screen is too narrow for columns.
        cells += [f'<td class="number" data-label="{label}">{text}</td>' for label, text in texts.items()]
    return f"<tr>{''.join(cells)}</tr>"


def _section(outcome: Outcome, images: Mapping[str, bytes]) -> str:
    claim, finding = outcome.claim, outcome.finding
    parts = [
        f'<section id="{escape(claim.name)}">',
        f"<h2>{escape(claim.title)}</h2>",
        f'<p class="reason">{_badge(outcome.verdict)} · {escape(outcome.judgement.reason)}</p>',
        f"<p>{escape(claim.statement)}</p>",
        f'<p class="formula">{escape(claim.formula)}</p>',
        f'<p class="source">Source: {escape(claim.source)}</p>',
    ]
    if finding is not None:
        parts += [f'<p class="note">{escape(note)}</p>' for note in finding.notes]
        parts += _pictures(outcome, finding, images)
        parts += ["<h3>How it was measured</h3>", f"<p>{escape(finding.method)}</p>"] if finding.method else []
        parts += _control(outcome, finding)
        parts.append(_table(finding))
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


def _control(outcome: Outcome, finding: Finding) -> list[str]:
    equal = [check for check in finding.checks if check.expected == "equal"]
    rejected = outcome.judgement.control_rejected
    told = f"{rejected} of {len(equal)} checks reject it" if rejected else "no check rejects it: the claim has no power"
    return [
        "<h3>Negative control</h3>",
        f"<p>A wrong prediction on purpose: {escape(outcome.claim.control)}. Result: {told}.</p>",
        strip(equal, outcome.limit),
    ]


def _table(finding: Finding) -> str:
    heads = (
        "Check",
        "Predicted",
        "Measured ± SE",
        "Ratio",
        "Deviation",
        "Would have seen",
        "Control predicts",
        "Control",
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "\n".join(_check_row(check) for check in finding.checks)
    return (
        f"<details><summary>All {len(finding.checks)} checks</summary>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>'
    )


def _check_row(check: Check) -> str:
    differs = "<small>expected to be rejected</small>" if check.expected == "different" else ""
    texts = (
        plain(check.predicted),
        with_error(check.measured, check.standard_error),
        plain(check.ratio),
        sigmas(check.z),
        percent(check.detectable),
        *(("–", "–") if differs else (plain(check.wrong), sigmas(check.control_z))),
    )
    cells = "".join(f'<td class="number">{text}</td>' for text in texts)
    return f'<tr><th scope="row">{escape(check.label)}{differs}</th>{cells}</tr>'
