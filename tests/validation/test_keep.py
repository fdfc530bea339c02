"""What is kept of runs, and the page that shows it."""

from __future__ import annotations

import json

import pytest

from validation.claim import discover
from validation.keep import RESULTS, keep, kept, made, main, with_table
from validation.papers import Statement
from validation.protocol import Protocol
from validation.rendering import rendered
from validation.report import Report
from validation.runner import run_claims

pytestmark = pytest.mark.networks


class Silent:
    def started(self, claim): ...

    def progressed(self, claim, fraction): ...

    def said(self, text): ...

    def finished(self, outcome): ...


@pytest.fixture
def report(make_claim, registry, tmp_path):
    said = Statement("smith-le", "figure 7", "B_opt grows", "everywhere")
    make_claim("mnist_momentum", protocol=Protocol(rivals=("10 % larger",), statements=(said,)))
    make_claim("mnist_learning_rate", raises=ValueError("it broke"))
    (tmp_path / "report").mkdir()
    run_claims(list(registry.values()), registry, "smoke", 3, Silent(), Report(tmp_path / "report").write)
    return tmp_path / "report"


def test_a_claim_is_kept_with_its_pictures_and_how_to_repeat_it(report, tmp_path):
    keep(report, ["mnist_momentum"], tmp_path)
    (claim,) = kept(tmp_path)
    assert (claim["name"], claim["preset"], claim["seeds"]) == ("mnist_momentum", "smoke", [3])
    assert claim["checks"][0]["measured"] == pytest.approx(2, abs=0.1)
    assert (tmp_path / claim["figures"][0]["file"]).read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "mnist_momentum_mean.csv").read_text(encoding="utf-8").startswith("panel,x_label,y_label,series")
    assert "mean.png" not in rendered("mnist.md", claims=[claim])
    assert "mnist_momentum_mean.png" in rendered("gallery.md", claims=[claim])
    text = rendered("mnist.md", claims=[claim | {"data": "MNIST"}])
    assert "--only mnist_momentum --preset smoke" in text
    assert "mnist_momentum_mean.png" in text


def test_a_result_of_another_protocol_stays(make_claim, report, tmp_path):
    keep(report, ["mnist_momentum"], tmp_path)
    old = json.loads((tmp_path / "mnist_momentum.json").read_text(encoding="utf-8"))
    old["protocol"]["number"] = 0
    (tmp_path / "mnist_momentum.json").write_text(json.dumps(old), encoding="utf-8")
    keep(report, ["mnist_momentum"], tmp_path)
    (new,) = kept(tmp_path)
    assert (new["protocol"]["number"], len(new["figures"])) == (1, 1)
    left = json.loads((tmp_path / "mnist_momentum.0.json").read_text(encoding="utf-8"))
    assert left == old | {"figures": []}
    keep(report, ["mnist_momentum"], tmp_path)
    assert not (tmp_path / "mnist_momentum.1.json").exists()


def test_the_table_has_what_was_found_of_each_statement(report, tmp_path):
    keep(report, ["mnist_momentum"], tmp_path)
    before = "before\n<!-- found: python -m validation.keep -->\nold\n<!-- /found -->\nafter"
    text = with_table(before, "found", kept(tmp_path))
    assert "| B_opt grows (figure 7; everywhere) | agrees | 2.000 | 1.999 ± 0.035<br><sub>mean</sub> | ± 0.1 |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")


def test_the_short_table_counts_the_verdicts_of_each_paper_and_of_those_that_hold_together():
    def paper(authors, *verdicts):
        return (authors, "Title", "arXiv 1"), [{"said": {"verdict": verdict}} for verdict in verdicts]

    papers = [paper("A", "agrees", "differs"), paper("B", "exact"), paper("C", "agrees"), paper("D", "undecided")]
    rows = [line.replace(" ", "") for line in rendered("papers.md", papers=papers).splitlines()]
    assert rows[2:] == ["|A,arXiv1|2|1||1||", "|D,arXiv1|1||||1|", "|B;C|2|1|1|||"]
    assert len(rendered("papers.md", papers=papers[::3]).splitlines()) == 4


@pytest.mark.parametrize("name", ["mnist_learning_rate", "mnist_sde"])
def test_what_did_not_end_is_not_kept(report, tmp_path, name):
    with pytest.raises(ValueError, match=f"no finished claim '{name}'; it has mnist_momentum"):
        keep(report, ["mnist_momentum", name], tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_bad_usage_is_told(tmp_path, capsys):
    for arguments, message in (([str(tmp_path)], "name the claims"), ([str(tmp_path), "x"], "results.json")):
        with pytest.raises(SystemExit):
            main(arguments)
        assert message in capsys.readouterr().err


def test_pages_and_tables_are_those_of_the_results():
    claims = kept()
    for path, text in made(claims).items():
        assert path.read_text(encoding="utf-8") == text
    for claim in claims:
        assert claim["name"] in discover()
        for figure in claim["figures"]:
            assert (RESULTS / figure["file"]).stat().st_size < 250_000
        assert json.dumps(claim, allow_nan=False)
