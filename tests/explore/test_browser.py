"""The page in a browser: its states, its controls, its links, and that it asks nobody for anything."""

import json

import numpy as np
import pytest
from browser import Watched
from explored import by_numpy, settings_of

from sgdsde import Landscape
from sgdsde.explore import explore_page

SCENES = ("quadratic", "multiplicative", "double_well", "sharp_flat", "quadratic_2d", "valley")
#: SDE and SGD; epoched SDE and SGD; SGD of the third sampling; Adam.
RUNS = (
    {"sampling": "without_replacement"},
    {"sampling": "reshuffle"},
    {"sampling": "with_replacement", "examples": "rademacher"},
    {"dynamics": "adam", "examples": "student_t:5"},
)
COMPARED, UPDATES = 16, 200


@pytest.fixture(scope="module")
def watched(browser, page_file):
    found = Watched(browser, page_file)
    yield found
    found.close()


def link_of(settings: dict) -> str:
    plain = {key: value for key, value in settings.items() if key not in ("parameters", "hyper", "w0")}
    starts = {f"w{i}": value for i, value in enumerate(settings["w0"])}
    parameters = {f"p.{name}": value for name, value in settings["parameters"].items()}
    return "&".join(f"{key}={value}" for key, value in {**plain, **starts, **parameters, "k": 0}.items())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run.values()))
@pytest.mark.parametrize("scene", SCENES)
def test_states_are_those_of_the_numpy_engine(watched, scene: str, run: dict) -> None:
    settings = settings_of(scene, l=2, paths=64, **run)
    watched.open(link_of(settings))
    found = watched.states(UPDATES)
    expected = by_numpy({**settings, "paths": COMPARED}, UPDATES)
    for one, other in zip(found, expected, strict=True):
        ours = np.array(one)[: len(other), :COMPARED]
        assert np.abs(ours - other).max() <= 1e-12 * np.abs(other).max()


#: What a control is moved to, and what must then be different: the link alone, or the run of a side too.
CONTROLS = {
    "p.a": ("range", "both"), "p.f": ("range", "both"), "lr": ("range", "both"), "B": ("range", "both"),
    "N": ("range", "both"), "m": ("range", "both"), "w0": ("-0.7", "both"), "sampling": ("with_replacement", "both"),
    "examples": ("rademacher", "sgd"), "dynamics": ("signsgd", "sgd"), "sde": ("momentum_sde", "sde"),
    "l": ("16", "sde"), "seed": ("5", "both"), "paths": ("256", "both"),
}  # fmt: skip
SET = """([name, value]) => {
    const input = document.querySelector(`[name="${name}"]`);
    if (value === "range") input.value = Number(input.value) + (Number(input.value) < Number(input.max) ? 1 : -1);
    else input.value = value;
    input.dispatchEvent(new Event(input.type === "range" ? "input" : "change", { bubbles: true }));
    return location.hash;
}"""


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_changes_what_it_should(watched, name: str) -> None:
    value, sides = CONTROLS[name]
    start = "scene=double_well&lr=0.1&B=4&N=64&paths=64&l=2&k=0"
    watched.open(f"{start}&c={name}")  # another address each time
    before = watched.states(5)
    link = watched.page.evaluate("location.hash")
    after_link = watched.page.evaluate(SET, [name, value])
    changed = {part.partition("=")[0] for part in set(link[1:].split("&")) ^ set(after_link[1:].split("&"))}
    assert name in changed
    assert changed - {name, "k", "since"} == set()
    after = watched.states(5)
    for side, one, other in zip(("sde", "sgd"), before, after, strict=True):
        same = json.dumps(one) == json.dumps(other)
        assert same == (sides not in ("both", side)), side


def test_the_driver_changes_the_sde_of_reshuffled_batches(watched) -> None:
    watched.open("scene=quadratic&sampling=reshuffle&paths=64&l=2&k=0")
    before = watched.states(5)
    watched.page.evaluate(SET, ["driver", "brownian"])
    after = watched.states(5)
    assert before[0][0] != after[0][0]
    assert before[1] == after[1]


def test_the_noise_scale_is_held(watched) -> None:
    watched.open("scene=quadratic&lr=0.1&B=8&N=64&hold=1&paths=64&k=0")
    scale = "(() => { const { s } = sgdsde.world; return s.lr * (s.N / s.B - 1) / (1 - s.m); })()"
    before = watched.page.evaluate(scale)
    for name in ("B", "m", "N"):
        rate = watched.page.evaluate("sgdsde.world.s.lr")
        watched.page.evaluate(SET, [name, "range"])
        assert watched.page.evaluate(scale) == pytest.approx(before, rel=1e-4)
        assert watched.page.evaluate("sgdsde.world.s.lr") != rate


PICTURE = """() => ({
    sde: document.getElementById("sde-picture").toDataURL(), sgd: document.getElementById("sgd-picture").toDataURL(),
    numbers: document.getElementById("numbers").innerText, notes: document.getElementById("notes").innerText,
})"""


@pytest.mark.parametrize("scene", ["double_well", "balance"])
def test_a_link_reproduces_the_picture(watched, browser, page_file, scene: str) -> None:
    watched.open(f"scene={scene}&lr=0.15&paths=64&seed=3&B=2&k=0")
    watched.states(40)
    watched.page.evaluate("forget.click()")
    watched.states(37)
    link = watched.page.evaluate("location.hash.slice(1)")
    other = Watched(browser, page_file, link)
    other.wait_for(77)
    first, second = watched.page.evaluate(PICTURE), other.page.evaluate(PICTURE)
    assert first == second
    other.close()


def test_presets_play_and_keys_work(watched) -> None:
    page = watched.page
    for name in page.eval_on_selector_all("#presets button", "all => all.map((each) => each.value)"):
        page.evaluate("name => document.querySelector(`#presets button[value=${name}]`).click()", name)
        page.evaluate("sgdsde.advance(3)")
        assert page.evaluate("sgdsde.world.update") >= 3
        assert "NaN" not in page.inner_text("#stage")
        assert f"preset={name}" in page.evaluate("location.hash")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    assert page.evaluate("sgdsde.world.update") <= 2
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"
    page.keyboard.press("s")
    assert page.inner_text("#play") == "Play"
    before = page.evaluate("sgdsde.world.update")
    page.keyboard.press("s")
    assert page.evaluate("sgdsde.world.update") == before + 1
    page.focus("[name=seed]")
    page.keyboard.press("s")
    assert page.evaluate("sgdsde.world.update") == before + 1


NAMELESS = """() => [...document.querySelectorAll("button, input, select, canvas, table")].filter((each) => !(
    (each.labels && each.labels.length && each.labels[0].textContent.trim()) || each.getAttribute("aria-label")
    || (each.tagName === "BUTTON" && each.textContent.trim()) || each.caption)).map((each) => each.outerHTML)"""
CONTRAST = """() => {
    const light = (text) => {
        const linear = (x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = text.match(/[\\d.]+/g).map((x) => linear(x / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const texts = document.querySelectorAll("h1 span, p, small, td, th, label, figcaption, legend, caption");
    return Math.min(...[...texts].map((each) => {
        const ink = light(getComputedStyle(each).color);
        return Math.max(ink, paper) / Math.min(ink, paper);
    }));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_and_in_the_dark(browser, page_file, scheme: str) -> None:
    narrow = Watched(
        browser, page_file, "scene=valley&paths=64&k=5", viewport={"width": 400, "height": 800}, color_scheme=scheme
    )
    narrow.wait_for(5)
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert narrow.page.evaluate(CONTRAST) >= 4.5
    assert narrow.page.evaluate(NAMELESS) == []
    assert "Variance of x: SDE" in narrow.page.inner_text("#status")
    narrow.close()


def test_nobody_is_rushed(browser, page_file) -> None:
    calm = Watched(browser, page_file, "scene=quadratic&paths=64", reduced_motion="reduce")
    assert calm.page.inner_text("#play") == "Play"
    calm.close()


MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_text_is_never_markup_or_code(browser, tmp_path) -> None:
    for text in (
        MARKUP,
        "alert(1)",
        "x;alert(1)",
        "constructor.constructor('alert(1)')()",
        "`${alert(1)}`",
        "x<script>",
    ):
        with pytest.raises(ValueError, match="loss"):
            Landscape(text, "x")
    named = Landscape("a*x**2/2", "x", {"a": 1.0}, name=MARKUP)
    path = explore_page(named, tmp_path / "page.html")
    assert MARKUP not in path.read_text(encoding="utf-8")
    watched = Watched(browser, path, f"scene={MARKUP}&p.a={MARKUP}&preset={MARKUP}&k={MARKUP}")
    watched.page.evaluate("sgdsde.advance(2)")
    assert watched.page.evaluate("document.scripts.length") == 1
    assert watched.page.evaluate("document.images.length") == 0
    assert "onerror" not in watched.page.evaluate("location.hash")
    watched.page.evaluate("try { eval('1') } catch (error) { window.refused = error.name }")
    assert watched.page.evaluate("window.refused") == "EvalError"
    assert len(watched.said) == 1  # Chromium tells of the policy
    watched.said.clear()
    watched.close()


#: Updates of both sides with all that is drawn of each, as the page does it in a frame; the table three times a second.
FRAMES = "updates => { for (let k = 0; k < updates; k++) { sgdsde.world.advance(); sgdsde.show(k % 20 === 0); } }"


def seconds_of(browser) -> float:
    """Processor time of all pages."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return sum(each["cpuTime"] for each in told["processInfo"] if each["type"] == "renderer")


def test_sixty_updates_a_second_of_4096_paths_in_two_dimensions(browser, page_file) -> None:
    fast = Watched(browser, page_file, "scene=valley&paths=4096&k=0")
    fast.wait_for(0)
    fast.page.evaluate(FRAMES, 60)  # until it is compiled
    before = seconds_of(browser)
    fast.page.evaluate(FRAMES, 300)
    spent = seconds_of(browser) - before
    assert 300 / spent >= 60, f"{300 / spent:.0f} updates a second of one core"
    fast.close()


def test_memory_is_flat(browser, page_file) -> None:
    long = Watched(browser, page_file, "scene=double_well&paths=64&l=1&k=0")
    long.wait_for(0)
    sizes = []
    for _ in range(3):
        long.page.evaluate(FRAMES, 1500)
        long.page.evaluate("gc()")
        sizes.append(long.page.evaluate("performance.memory.usedJSHeapSize"))
    assert sizes[2] - sizes[0] < 1e6, sizes
    long.close()
