"""Statements of papers in the report, and that those of claims name checks that exist."""

from __future__ import annotations

import re

import pytest
from listeners import Silent

from validation.check import Check
from validation.claim import discover
from validation.keep import kept
from validation.papers import PAPERS, Statement
from validation.protocol import Protocol
from validation.report import Report
from validation.runner import run_claims
from validation.statements import rows, together
from validation.terms import Rule
from validation.verdict import Verdict

pytestmark = pytest.mark.networks

RIVAL = "10 % larger"


CHECKS = (
    Check("same, B = 1", 1.0, 1.0, 0.001, {RIVAL: 1.1}),
    Check("same, B = 2", 1.0, 1.01, 0.002, {RIVAL: 1.1}),
    Check("slope", 0.0, -0.5, 0.01, scale=1.0),
    Check("slope at large ε", 0.0, -0.01, 0.1, scale=1.0),
    Check("same at large ε", 1.0, 2.0, 0.01),
)
RULES = (Rule("slope*", expects="differs"), Rule("same at *", expects="differs"))


@pytest.fixture
def outcome(make_claim, registry, tmp_path):
    """One claim, run and written with these statements."""

    def run(*statements):
        protocol = Protocol(rivals=(RIVAL,), rules=RULES, statements=statements)
        make_claim("one", tests=len(CHECKS), checks=CHECKS, protocol=protocol)
        report = Report(tmp_path)
        return run_claims(list(registry.values()), registry, "quick", 0, Silent(), report.write).outcomes[0]

    return run


def test_a_statement_has_the_verdict_of_its_checks(outcome):
    found = rows(
        outcome(
            Statement("smith-le", "1", "all are the same", "", "same, B = *", breaks="same at *"),
            Statement("smith-le", "2", "it falls", "", "slope", denies=True),
            Statement("smith-le", "3", "it does not", "", "slope"),
            Statement("smith-le", "4", "it falls at large ε too", "", "slope*", denies=True),
            Statement("smith-le", "5", "the headline", ""),
            Statement("smith-le", "6", "nothing tests it", "", "momentum *"),
        )
    )
    same, falls, constant, everywhere, headline, untested = found
    assert (same.verdict, same.tested, same.ruling.check.label) == (Verdict.AGREES, 2, "same, B = 1")
    assert same.broken.check.label == "same at large ε"
    assert falls.verdict is Verdict.AGREES
    assert constant.verdict is Verdict.DIFFERS
    assert (everywhere.verdict, everywhere.ruling.check.label) == (Verdict.UNDECIDED, "slope at large ε")
    assert (headline.verdict, headline.tested) == (Verdict.AGREES, 1)
    assert (untested.verdict, untested.ruling) == (Verdict.NOT_RUN, None)


def test_the_page_has_a_table_for_each_paper(outcome, tmp_path):
    outcome(
        Statement("three-factors", "§4", "sharpness <falls>", "everywhere", "slope", denies=True),
        Statement("smith-le", "figure 5", "they are the same", "B = 1", "same, B = 1", breaks="same at *"),
    )
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    papers = re.findall(r'<section class="paper"[^>]*>\s*<h2>([^<]*)<', page)
    assert papers == ["Smith &amp; Le", "Jastrzębski et al."]
    assert "sharpness &lt;falls&gt;" in page
    assert "not 0" in page
    assert "same at large ε" in page.partition('<section id="one">')[0]


def test_one_that_differs_or_is_undecided_outweighs_the_others():
    assert together([Verdict.AGREES, Verdict.UNDECIDED, Verdict.EXACT]) is Verdict.UNDECIDED
    assert together([Verdict.UNDECIDED, Verdict.DIFFERS]) is Verdict.DIFFERS
    assert together([Verdict.DIFFERS, Verdict.DIFFERS], denies=True) is Verdict.AGREES


def test_an_unknown_paper_is_refused():
    with pytest.raises(ValueError, match="paper must be one of smith-le"):
        Statement("nobody", "1", "x", "")


def test_every_claim_belongs_to_a_statement_and_every_paper_has_one():
    claims = discover().values()
    assert all(claim.protocol.statements for claim in claims)
    assert {statement.paper for claim in claims for statement in claim.protocol.statements} == set(PAPERS)


def test_statements_of_kept_claims_are_tested_by_checks_and_those_that_break_are_expected_to():
    claims = discover()
    for result in kept():
        labels = {check["label"]: check for check in result["checks"]}
        for said in result["statements"]:
            assert said["check"] in labels
            if said["breaks"]:
                assert labels[said["breaks"]]["expected"] in ("differs", "any")
        assert [said["words"] for said in result["statements"]] == [
            statement.words for statement in claims[result["name"]].protocol.statements
        ]
