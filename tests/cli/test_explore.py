"""`sgdsde explore` writes one file and opens it."""

import re
import webbrowser

import pytest
from click.testing import CliRunner

from sgdsde import Landscape, explore_page
from sgdsde.cli import app
from sgdsde.explore.scenes import named_scenes, scene_of


@pytest.fixture
def opened(monkeypatch):
    found = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    return found


def run(*arguments):
    return CliRunner().invoke(app, ["explore", *arguments])


def test_the_file_needs_nothing_else(tmp_path, opened):
    path = tmp_path / "page.html"
    result = run("x**4/4 - a*x**2/2", "--parameter", "a=1.5", "--set", "dynamics=adam", "--output", str(path))
    assert result.exit_code == 0, result.output
    assert opened == [path.resolve().as_uri()]
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) <= 1_000_000
    assert not re.search(r"https?:|//cdn|\bimport\b|\beval\(|new Function|innerHTML|\bfetch\(|XMLHttpRequest", text)
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*>", text) == ["<script>"]
    assert "default-src &#x27;none&#x27;" in text
    assert 'const FIRST = {"dynamics": "adam"}' in text


def test_not_opened(tmp_path, opened):
    assert run("quadratic", "--no-open", "--output", str(tmp_path / "page.html")).exit_code == 0
    assert opened == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x*y*z", "--variables", "x y z"], "one variable or two to be drawn"),
        (["x**2", "--w0", "9", "--box=-1,1"], "--w0 must be inside of the box"),
        (["x**2", "--box", "1,-1"], "--box must be two increasing numbers"),
        (["x**2", "--box", "0,1,2"], "--box must be two increasing numbers"),
        (["x**2", "--set", "lr"], "--set must be NAME=VALUE"),
        (["x**2", "--set", "rate=1"], "--set must be one of lr, B"),
        (["x**2", "--set", "lr=9"], "--set lr must be"),
        (["x**2", "--set", "dynamics=sdg"], "--set dynamics must be one of sgd, nesterov"),
        (["x**2", "--set", "p.a=1"], "--set must be one of"),
        (["<script>"], "LOSS"),
        (["--w0", "1"], "need a LANDSCAPE"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, arguments, message):
    result = CliRunner().invoke(app, ["explore", "--no-open", "--output", str(tmp_path / "page.html"), *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("output", "why"),
    [("no/such/page.html", "no folder"), (".", "which is a folder"), ("page.html/in.html", "no folder")],
)
def test_an_output_that_cannot_be_is_said_before_any_work(tmp_path, monkeypatch, output, why):
    monkeypatch.setattr("sgdsde.explore.explore_page", lambda *_, **__: pytest.fail("it has begun"))
    (tmp_path / "page.html").write_text("kept")
    result = run("quadratic", "--no-open", "--output", str(tmp_path / output))
    assert result.exit_code == 2
    assert "--output must be a file in a folder that exists" in result.output
    assert repr(str(tmp_path / output)) in result.output
    assert why in result.output
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "kept"


@pytest.mark.parametrize("there", [False, True])
def test_an_output_that_is_not_ours_to_write(tmp_path, monkeypatch, there):
    """The system's answer is set, since an administrator may write everywhere."""

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    monkeypatch.setattr("os.access", lambda *_: False)
    if there:
        (tmp_path / "page.html").write_text("kept")
    result = run("quadratic", "--no-open", "--output", str(tmp_path / "page.html"))
    assert result.exit_code == 2
    assert f"--output {str(tmp_path / 'page.html')!r} cannot be written" in result.output
    assert ("read-only" if there else "Permission denied") in result.output


def test_scenes_have_their_minima_and_starts_in_sight():
    for scene in named_scenes().values():
        assert all(low < x < high for x, (low, high) in zip(scene.w0, scene.box, strict=True))
        for name, value in scene.landscape.parameters.items():
            low, high = scene.range_of(name)
            assert low <= value <= high
            assert low < high


def test_a_frame_holds_the_minimum_and_the_noise_there():
    scene = scene_of(Landscape("50*(x - 20)**2 + y**2/2", "x y", noise_covariance=100.0), w0=[19.0, 0.0])
    assert scene.settings["lr"] == 0.002
    (low, high), (below, above) = scene.box
    assert low <= 18.0 < 22.0 <= high
    assert below <= -2.0 < 2.0 <= above


def test_own_noise_of_a_named_landscape_is_kept(tmp_path):
    from sgdsde.landscapes import named

    path = explore_page(named("double_well", noise_covariance="1 + x**2"), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert '"own": {' in text
    assert '"double_well": {' in text
