"""Pages of claims for the documentation site."""

from __future__ import annotations

import csv
import json
import re

import pytest

from validation.keep import RESULTS, kept
from validation.site import claim_files, claim_pages

CLAIMS = {claim["name"]: claim for claim in kept()}


@pytest.fixture(scope="module")
def pages():
    return claim_pages()


@pytest.fixture(scope="module")
def files():
    return claim_files()


def test_every_kept_claim_has_a_page_and_the_index_every_statement(pages):
    assert set(pages) == {"index.md", *(f"{name}.md" for name in CLAIMS)}
    rows = re.findall(r'<tr data-verdict="(\w+)" data-paper="([\w-]+)" data-claim="(\w+)"', pages["index.md"])
    said = [(s["verdict"], s["paper"], claim["name"]) for claim in CLAIMS.values() for s in claim["statements"]]
    assert sorted(rows) == sorted(said)
    for name in CLAIMS:
        assert f'href="{name}.html"' in pages["index.md"]


def test_the_index_counts_the_verdicts_of_a_paper(pages):
    held = [s["verdict"] for claim in CLAIMS.values() for s in claim["statements"] if s["paper"] == "smith-le"]
    for kind in set(held):
        assert f'data-choose="paper=smith-le&amp;verdict={kind}">{held.count(kind)}</a>' in pages["index.md"]
    assert f'data-choose="paper=smith-le">{len(held)}</a>' in pages["index.md"]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_page_has_what_was_found_and_what_it_cost(pages, files, name):
    claim, page = CLAIMS[name], pages[f"{name}.md"]
    assert page.count('<tr><th scope="row">') >= len(claim["checks"])
    for figure in claim["figures"]:
        assert f"](../../validation/results/{figure['file']})" in page
    assert f"{claim['seconds']:.1f} s on {claim['provenance']['CPUs']} CPUs" in page
    assert f"--only {name} --preset {claim['preset']}" in page
    links = set(re.findall(r'href="([^"#]+)" download', page))
    assert {f"{name}.json", f"{name}.csv"} <= links <= set(files)
    earlier = {path.name for path in RESULTS.glob(f"{name}.*.json")}
    assert earlier <= links


def test_files_are_the_results_and_their_checks(files):
    for name, claim in CLAIMS.items():
        assert json.loads(files[f"{name}.json"]) == claim
        rows = list(csv.DictReader(files[f"{name}.csv"].decode().splitlines()))
        assert [row["label"] for row in rows] == [check["label"] for check in claim["checks"]]
        assert [float(row["measured"]) for row in rows] == [check["measured"] for check in claim["checks"]]


def test_words_are_no_markup(tmp_path):
    evil = "<script>alert(1)</script> *a* `b` [c](d) $e$ |f| {g}"
    claim = CLAIMS["stationary_variance"] | {"title": evil, "statement": evil, "formula": evil, "reason": evil}
    (tmp_path / "stationary_variance.json").write_text(json.dumps(claim), encoding="utf-8")
    page = claim_pages(tmp_path)["stationary_variance.md"]
    assert r"# \<script\>alert(1)\</script\> \*a\* \`b\` \[c\](d) \$e\$ \|f\| \{g\}" in page
    assert "<script>" not in page


def test_numbers_of_a_picture_are_offered_where_they_were_kept(tmp_path):
    claim = CLAIMS["stationary_variance"]
    (tmp_path / "stationary_variance.json").write_text(json.dumps(claim), encoding="utf-8")
    (figure,) = claim["figures"]
    numbers = figure["file"].replace(".png", ".csv")
    assert numbers not in claim_pages(tmp_path)["stationary_variance.md"]
    (tmp_path / numbers).write_text("panel,x\n1,2\n", encoding="utf-8")
    assert f'href="{numbers}" download' in claim_pages(tmp_path)["stationary_variance.md"]
    assert claim_files(tmp_path)[numbers] == b"panel,x\n1,2\n"
