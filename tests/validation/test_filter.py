"""The filter of the report, in a browser: what it shows, links that keep what is chosen, and no request."""

from __future__ import annotations

import pytest
from browser import Watched
from listeners import Silent

from validation.papers import Statement
from validation.protocol import Protocol
from validation.report import Report
from validation.runner import run_claims

RIVAL = "10 % larger"
SHOWN = """() => [
    [...document.querySelectorAll('[data-verdict]')].filter((row) => row.checkVisibility())
        .map((row) => row.dataset.claim),
    [...document.querySelectorAll('section.claim')].filter((each) => each.checkVisibility()).map((each) => each.id),
]"""


@pytest.fixture
def watched(browser, make_claim, registry, tmp_path):
    for name, paper, truth in (("narrow", "zhu", 2.0), ("wide", "xie", 2.0), ("wrong", "xie", 2.2)):
        said = Statement(paper, "figure 1", f"The {name} one holds", "everywhere")
        make_claim(name, truth=truth, protocol=Protocol(rivals=(RIVAL,), margin=0.05, statements=(said,)))
    run_claims(list(registry.values()), registry, "quick", 0, Silent(), Report(tmp_path).write)
    found = Watched(browser, tmp_path / "index.html")
    yield found
    found.close()


def shown(page):
    rows, claims = page.evaluate(SHOWN)
    assert rows == claims
    return rows


def test_words_papers_and_verdicts_choose_statements_and_claims(watched):
    page = watched.page
    assert shown(page) == ["narrow", "wide", "wrong"]
    page.fill("[name=q]", "WIDE holds")
    assert shown(page) == ["wide"]
    page.fill("[name=q]", "Sugiyama")  # an author
    assert shown(page) == ["wide", "wrong"]
    page.check("[name=verdict][value=differs]")
    assert shown(page) == ["wrong"]
    assert page.text_content("#filter output") == "1 of 3 statements"
    page.fill("[name=q]", "narrow")
    assert shown(page) == []
    assert page.is_visible(".nothing")
    page.click("#filter button[type=reset]")
    page.wait_for_function("document.querySelector('#filter output').textContent.startsWith('3 of')")
    page.select_option("[name=paper]", "zhu")
    assert shown(page) == ["narrow"]


def test_a_link_keeps_what_is_chosen(watched, browser):
    watched.page.click('[data-choose="paper=xie&verdict=differs"]')
    assert shown(watched.page) == ["wrong"]
    link = watched.page.url
    assert link.endswith("#paper=xie&verdict=differs")
    watched.page.goto("about:blank")
    watched.page.goto(link)
    assert shown(watched.page) == ["wrong"]
    watched.asked[:] = [url for url in watched.asked if url != "about:blank"]


def test_a_link_to_a_claim_that_is_not_shown_shows_it(watched):
    watched.page.fill("[name=q]", "narrow")
    watched.open("wrong")
    assert shown(watched.page) == ["narrow", "wide", "wrong"]


def test_colours_are_the_systems_until_the_visitor_chooses(watched):
    page = watched.page
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    assert light != dark
    page.click(".theme")
    assert page.evaluate(paper) == light
    page.click(".theme")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == dark
