"""The tables at the top of the report: one for each paper, with its statements and what was found of them."""

from __future__ import annotations

from collections.abc import Sequence

from validation.formatting import escape, plain, with_error
from validation.papers import PAPERS
from validation.runner import Outcome
from validation.statements import Row, rows
from validation.verdict import Ruling, Verdict, in_unit

MARKS = {
    Verdict.AGREES: "✓", Verdict.EXACT: "=", Verdict.DIFFERS: "≠", Verdict.UNDECIDED: "?", Verdict.INTERRUPTED: "…",
    Verdict.NOT_RUN: "…", Verdict.ERROR: "✗",
}  # fmt: skip
HEADS = ("Statement", "Verdict", "Says", "Found ± interval", "Margin", "Where it breaks")


def badge(verdict: Verdict) -> str:
    """The verdict with its mark and colour."""
    return f'<span class="badge {verdict.replace(" ", "-")}">{MARKS[verdict]} {escape(verdict)}</span>'


def paper_tables(outcomes: Sequence[Outcome]) -> str:
    """One table for each paper of which a claim was chosen, in the order of `PAPERS`; rows measured on data first."""
    first = sorted(outcomes, key=lambda outcome: not (outcome.finding and outcome.finding.data))
    found = [(outcome, row) for outcome in first for row in rows(outcome)]
    parts = []
    for key, (authors, title, source) in PAPERS.items():
        own = [(outcome, row) for outcome, row in found if row.statement.paper == key]
        if not own:
            continue
        head = "".join(f'<th scope="col">{text}</th>' for text in HEADS)
        body = "\n".join(_row(outcome, row) for outcome, row in own)
        parts.append(
            f'<section class="paper"><h2>{escape(authors)}<small>{escape(title)}, {escape(source)}</small></h2>'
            f'<div class="scroll"><table class="verdicts"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            "</div></section>"
        )
    return "\n".join(parts)


def margin(ruling: Ruling) -> str:
    """The margin in words."""
    return "rounding" if ruling.verdict is Verdict.EXACT else f"± {in_unit(ruling, ruling.margin)}"


def _row(outcome: Outcome, row: Row) -> str:
    said = row.statement
    where = f"{said.where}; {said.range}" if said.range else said.where
    cells = [
        f'<th scope="row"><a href="#{escape(outcome.claim.name)}">{escape(said.words)}</a>'
        f"<small>{escape(where)}</small></th>",
        f'<td class="short">{badge(row.verdict)}</td>',
    ]
    if row.ruling is None:
        reason = outcome.judgement.reason if outcome.finding is None else "no check of it in this preset"
        cells.append(f'<td colspan="4">{escape(reason)}</td>')
        return f"<tr>{''.join(cells)}</tr>"
    check = row.ruling.check
    more = f", one of {row.tested} checks" if row.tested > 1 else ""
    not_ = "not " if said.denies else ""
    texts = (
        f"{not_}{plain(check.predicted)}",
        f"{with_error(check.measured, row.ruling.half_width)}<small>{escape(check.label)}{more}</small>",
        margin(row.ruling),
        _broken(row.broken),
    )
    # The heads stand beside the numbers where the screen is too narrow for columns.
    cells += [
        f'<td class="number" data-label="{label}"><span>{text}</span></td>'
        for label, text in zip(HEADS[2:], texts, strict=True)
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _broken(ruling: Ruling | None) -> str:
    if ruling is None:
        return "–"
    check = ruling.check
    found = f"{with_error(check.measured, ruling.half_width)}, not {plain(check.predicted)}"
    return f"{found}<small>{escape(check.label)}</small>"
