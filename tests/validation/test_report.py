import base64
import csv
import hashlib
import json
import re

import pytest
from listeners import Silent

from validation.claim import Check
from validation.papers import Statement
from validation.protocol import Protocol
from validation.report import Report
from validation.runner import run_claims

RIVAL = "10 % larger"


def report_of(registry, folder, publish=None):
    report = Report(folder)
    return run_claims(list(registry.values()), registry, "quick", 0, Silent(), publish or report.write)


def strict(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_all_text_is_escaped(registry, make_claim, tmp_path):
    evil = '<script>alert("x")</script> & co'
    make_claim("one", title=evil, formula=evil, label=evil)
    report_of(registry, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1  # the page's own
    assert page.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; co") >= 3


def test_no_number_of_a_table_is_infinite_or_relative_to_rounding(registry, make_claim, tmp_path):
    exact = Check("off", 1.0, 0.9, 0.0, {RIVAL: 0.5}), Check("on", 2.0, 2.0, 0.0, {RIVAL: 1.0})
    make_claim("exact", tests=2, checks=exact)
    zero = Check("tiny", 1e-16, -2e-6, 1e-6, {RIVAL: 1.0}), Check("nothing", 0.0, 0.1, 0.1, {RIVAL: 9.0})
    make_claim("zero", tests=2, checks=zero)
    report_of(registry, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "−∞ σ" in page
    assert not re.search(r"\binf\b|\bnan\b", re.sub(r"base64,[^\"]+", "", page))
    tiny = re.search(r">tiny</th>(.*?)</tr>", page, re.DOTALL)[1]
    assert re.findall(r">([^<]*)</td>", tiny)[-6:-4] == ["–", "−2.0 σ"]
    results = strict((tmp_path / "results.json").read_text(encoding="utf-8"))
    zero = next(claim for claim in results["claims"] if claim["name"] == "zero")
    assert [check["ratio"] for check in zero["checks"]] == [None, None]


def test_the_page_is_self_contained(registry, make_claim, tmp_path):
    make_claim("one")
    report_of(registry, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"src=\"(?!data:)", page)
    assert not re.search(r"@import|url\(|https?://", page)
    image = re.search(r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert image is not None
    assert image[1] == "One point on a line."
    assert base64.b64decode(image[2]) == (tmp_path / "one_mean.svg").read_bytes()
    assert "$" not in re.sub(r"base64,[^\"]+|<script>.*</script>", "", page, flags=re.DOTALL)


def test_what_links_lead_to_is_in_the_page_or_beside_it(registry, make_claim, tmp_path):
    make_claim("one")
    make_claim("two", protocol=Protocol(rivals=(RIVAL,), statements=(Statement("zhu", "figure 1", "It is", "all"),)))
    report_of(registry, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"]+)"', page))
    assert {"#one", "#two", "#zhu", "one.checks.csv", "one.checks.json", "one_mean.svg", "one_mean.png"} <= links
    for link in links:
        assert f'id="{link[1:]}"' in page if link.startswith("#") else (tmp_path / link).is_file(), link


def test_only_the_script_of_the_page_may_run(registry, make_claim, tmp_path):
    make_claim("one")
    report_of(registry, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_checks_are_files_for_spreadsheets_and_programs(registry, make_claim, tmp_path):
    make_claim("one")
    report_of(registry, tmp_path)
    (row,) = csv.DictReader((tmp_path / "one.checks.csv").read_text(encoding="utf-8").splitlines())
    claim = strict((tmp_path / "one.checks.json").read_text(encoding="utf-8"))
    (check,) = claim["checks"]
    assert (row["label"], row["verdict"], row[f"rival rejected: {RIVAL}"]) == ("mean", "agrees", "True")
    for column in ("predicted", "measured", "standard_error", "z", "margin"):
        assert float(row[column]) == check[column]
    assert float(row[f"rival: {RIVAL}"]) == check["rivals"][RIVAL]["predicted"] == 2.2


def test_json_is_strict_even_where_a_check_is_exact(registry, make_claim, tmp_path):
    claim = make_claim("exact", predicted=0.0, truth=0.0, rival=1.0, count=2)
    exact = Check("no noise", 0.0, 1e-9, 0.0, {RIVAL: 1.0}), Check("some", 1.0, 1.0, 0.01, {RIVAL: 2.0})
    object.__setattr__(claim, "measure", lambda context: iter(exact))
    object.__setattr__(claim, "plans", {"quick": type(claim.plans["quick"])(2, 1.0)})
    report_of(registry, tmp_path)
    results = strict((tmp_path / "results.json").read_text(encoding="utf-8"))
    check = results["claims"][0]["checks"][0]
    assert check["z"] is None  # infinite: nothing may differ where there is no noise
    assert check["ratio"] is None
    assert results["claims"][0]["verdict"] == "differs"


def test_the_report_is_written_after_each_claim(registry, make_claim, tmp_path):
    make_claim("one")
    make_claim("two")
    report, seen = Report(tmp_path), []

    def publish(run):
        report.write(run)
        results = strict((tmp_path / "results.json").read_text(encoding="utf-8"))
        seen.append([item["verdict"] for item in results["claims"]])

    report_of(registry, tmp_path, publish)
    assert seen == [["agrees", "not run"], ["agrees", "agrees"]]
    assert not list(tmp_path.glob(".*"))


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    from validation import report

    target = tmp_path / "results.json"
    report._replace(target, b"old")

    def disk_full(self, content):
        raise OSError("No space left on device")

    monkeypatch.setattr(report.Path, "write_bytes", disk_full)
    with pytest.raises(OSError, match="No space"):
        report._replace(target, b"new")
    assert target.read_bytes() == b"old"
