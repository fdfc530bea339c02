import json
import os
import subprocess
import sys
import textwrap

import pytest

from validation.__main__ import main
from validation.claim import Plan, claim
from validation.context import Place
from validation.presets import PRESETS
from validation.protocol import Protocol
from validation.terms import Rule


def run(registry, out, *arguments):
    status = main(["--out", str(out), *arguments], registry)
    return status, json.loads((out / "results.json").read_text(encoding="utf-8"))


def usage_error(registry, capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments), registry)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_claims_are_told_where_their_sweeps_run(registry, tmp_path):
    seen = []

    def measure(context):
        seen.append(context.place)
        raise ValueError("enough")

    plans = {preset: Plan(1, 1.0) for preset in PRESETS}
    claim(planned=plans, registry=registry, protocol=Protocol())(measure)
    run(registry, tmp_path, "--executor", "processes")
    assert seen == [Place(tmp_path / "sweeps", "processes", "cpu")]


def test_true_claims_agree_and_exit_with_0(registry, make_claim, tmp_path):
    make_claim("one")
    make_claim("two")
    status, results = run(registry, tmp_path / "new" / "folder")
    assert status == 0
    assert [item["verdict"] for item in results["claims"]] == ["agrees", "agrees"]
    assert "2 claims: 2 agree. 2 checks: 2 agree" in results["summary"]
    assert "All is as the protocols expect." in results["summary"]


def test_a_false_claim_fails_and_the_others_still_run(registry, make_claim, tmp_path):
    make_claim("wrong", predicted=2.2, rival=2.0)
    make_claim("right")
    status, results = run(registry, tmp_path)
    assert status == 1
    assert [item["verdict"] for item in results["claims"]] == ["differs", "agrees"]
    assert "Not as the protocols expect: wrong (1 check)" in results["summary"]


def test_a_rival_that_is_not_told_apart_leaves_the_claim_undecided(registry, make_claim, tmp_path):
    make_claim("blind", rival=2.0001)
    status, results = run(registry, tmp_path)
    assert status == 1
    assert results["claims"][0]["verdict"] == "undecided"
    assert "not told apart from: 10 % larger" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_where_a_preset_does_not_decide_undecided_is_no_failure(registry, make_claim, tmp_path):
    make_claim("few", count=5, protocol=Protocol(rivals=("10 % larger",), decides=frozenset({"full"})))
    status, results = run(registry, tmp_path)
    assert (status, results["claims"][0]["verdict"]) == (0, "undecided")


def test_a_statement_that_is_expected_to_fail_is_an_expectation(registry, make_claim, tmp_path):
    rules = (Rule("mean", expects="differs"),)
    make_claim("wrong", predicted=2.2, rival=2.0, protocol=Protocol(rivals=("10 % larger",), rules=rules))
    status, results = run(registry, tmp_path)
    assert (status, results["claims"][0]["verdict"]) == (0, "differs")
    make_claim("right", protocol=Protocol(rivals=("10 % larger",), rules=rules))
    status, results = run(registry, tmp_path)
    assert (status, results["claims"][1]["unmet"]) == (1, ["mean (agrees)"])


def test_a_rival_must_stand_in_the_protocol(registry, make_claim, tmp_path):
    make_claim("sly", protocol=Protocol())
    status, results = run(registry, tmp_path)
    assert status == 1
    assert "rivals that the protocol does not name: 10 % larger" in results["claims"][0]["reason"]


def test_a_claim_that_raises_is_an_error_and_the_others_go_on(registry, make_claim, tmp_path):
    make_claim("broken", raises=RuntimeError("disk <full>\nsecond line"))
    make_claim("right")
    status, results = run(registry, tmp_path)
    assert status == 1
    assert results["claims"][0]["verdict"] == "error"
    assert results["claims"][0]["reason"] == "RuntimeError: disk <full>"
    assert results["claims"][1]["verdict"] == "agrees"
    assert "disk &lt;full&gt;" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_claim_must_make_the_number_of_checks_it_announced(registry, make_claim, tmp_path):
    make_claim("sly", tests=3)
    status, results = run(registry, tmp_path)
    assert status == 1
    assert "announced 3 checks, made 1" in results["claims"][0]["reason"]


def test_ctrl_c_leaves_the_finished_claims(registry, make_claim, tmp_path):
    make_claim("before")
    make_claim("during", raises=KeyboardInterrupt())
    make_claim("after")
    status, results = run(registry, tmp_path)
    assert status == 130
    assert [item["verdict"] for item in results["claims"]] == ["agrees", "interrupted", "not run"]
    assert results["interrupted"]
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Interrupted: 2 claims of 3 not finished." in page
    assert "Title of before" in page


def test_a_real_sigint_ends_with_130_and_a_report(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        from validation.__main__ import main
        from validation.claim import Check, Plan, claim
        from validation.presets import PRESETS
        from validation.protocol import Protocol
        held = Protocol(rivals=("r",))
        plans, registry = {name: Plan(1, 1.0) for name in PRESETS}, {}
        @claim(planned=plans, protocol=held, registry=registry)
        def quick(context):
            yield Check("x", 1.0, 1.0, 0.01, {"r": 2.0})
        @claim(planned=plans, protocol=held, registry=registry)
        def endless(context):
            os.kill(os.getpid(), signal.SIGINT)
            while True:
                pass
        sys.exit(main(["--out", sys.argv[1]], registry))
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, timeout=60, text=True)
    assert done.returncode == 130, done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [item["verdict"] for item in results["claims"]] == ["agrees", "interrupted"]


def test_only_gives_the_same_numbers_and_the_same_threshold(registry, make_claim, tmp_path):
    make_claim("one")
    make_claim("two", predicted=2.2)
    _, whole = run(registry, tmp_path / "whole", "--seed", "7")
    _, alone = run(registry, tmp_path / "alone", "--seed", "7", "--only", "two")
    _, other = run(registry, tmp_path / "other", "--seed", "8", "--only", "two")
    assert [item["name"] for item in alone["claims"]] == ["two"]
    assert alone["claims"][0]["checks"] == whole["claims"][1]["checks"]
    assert alone["claims"][0]["threshold_sigma"] == whole["claims"][1]["threshold_sigma"]
    assert other["claims"][0]["checks"] != whole["claims"][1]["checks"]


def test_only_takes_names_with_spaces_or_repeated(registry, make_claim, tmp_path):
    for name in ("one", "two", "three"):
        make_claim(name)
    _, results = run(registry, tmp_path, "--only", "three", "one", "--only", "two", "--only", "one")
    assert [item["name"] for item in results["claims"]] == ["three", "one", "two"]


def test_an_unknown_claim_is_bad_usage_and_lists_those_there_are(registry, make_claim, tmp_path, capsys):
    make_claim("one")
    make_claim("two")
    message = usage_error(registry, capsys, "--out", str(tmp_path / "x"), "--only", "one", "three")
    assert "unknown claim 'three'; the claims are one, two" in message
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "huge"], "'huge'"),
        (["--seed", "-1"], "non-negative integer"),
        (["--seed", "one"], "non-negative integer"),
        (["--nonsense"], "--nonsense"),
        (["--only"], "--only"),
        pytest.param(
            ["--device", "abacus"],
            "argument --device: device must be one that torch can use here, such as 'cpu'",
            marks=pytest.mark.networks,
        ),
        (["--executor", "abacus"], "argument --executor: executor must be None, an Executor"),
    ],
)
def test_bad_usage_exits_with_2(registry, capsys, arguments, message):
    assert message in usage_error(registry, capsys, *arguments)


def test_an_output_folder_that_is_a_file_is_refused_before_any_work(registry, make_claim, tmp_path, capsys):
    make_claim("never", raises=AssertionError("must not run"))
    (tmp_path / "file").write_text("precious")
    message = usage_error(registry, capsys, "--out", str(tmp_path / "file"))
    assert "cannot write to the output folder" in message
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder_is_refused(registry, make_claim, tmp_path, capsys):
    make_claim("never", raises=AssertionError("must not run"))
    tmp_path.chmod(0o500)
    assert "Permission denied" in usage_error(registry, capsys, "--out", str(tmp_path / "sub"))


def test_list_names_the_claims(registry, make_claim, capsys):
    make_claim("one")
    assert main(["--list"], registry) == 0
    assert "one" in capsys.readouterr().out


def test_without_a_terminal_progress_is_plain_lines(registry, make_claim, tmp_path, capsys):
    make_claim("one")
    run(registry, tmp_path)
    out = capsys.readouterr().out
    assert "[1/1] one: Title of one (about 1 s left)" in out
    assert "one: agrees (" in out
    assert "\x1b" not in out
