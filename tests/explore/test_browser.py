"""The page in a browser: its states, its controls, its links, and that it asks nobody for anything."""

import json

import numpy as np
import pytest
from browser import Watched
from explored import by_numpy, settings_of

from sgdsde import Landscape
from sgdsde.explore import explore_page
from sgdsde.explore.presets import PRESETS
from sgdsde.explore.scenes import named_scenes

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


#: What the rest of this file moves.
ELSEWHERE = {"scene", "driver", "hold"}
NAMES = "() => [...document.querySelectorAll('#settings [name]')].map((each) => each.name)"


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


@pytest.mark.parametrize("scene", named_scenes())
def test_every_parameter_of_a_landscape_changes_both(watched, scene: str) -> None:
    """And there is no control that no test moves."""
    watched.open(f"scene={scene}&paths=64&l=1&k=0&c=parameters")
    names = watched.page.evaluate(NAMES)
    parameters = [name for name in names if name.startswith("p.")]
    assert parameters == [f"p.{name}" for name in sorted(named_scenes()[scene].landscape.parameters)]
    starts = [f"w{i}" for i, _ in enumerate(named_scenes()[scene].w0)]
    assert set(names) == {*CONTROLS, *ELSEWHERE, *parameters, *starts} - {"p.a", "p.f"} | set(parameters)
    before = watched.states(5)
    for name in parameters:
        watched.page.evaluate(SET, [name, "range"])
        after = watched.states(5)
        assert all(json.dumps(one) != json.dumps(other) for one, other in zip(before, after, strict=True)), name
        before = after


@pytest.mark.parametrize(
    ("dynamics", "sde", "side"), [("adam", "sde", 1), ("sgd", "adam_sde", 0), ("sgd", "rmsprop_sde", 0)]
)
def test_numbers_of_a_rule_change_its_side(watched, dynamics: str, sde: str, side: int) -> None:
    watched.open(f"scene=double_well&dynamics={dynamics}&sde={sde}&paths=64&l=1&k=0")
    names = [name for name in watched.page.evaluate(NAMES) if name.startswith("h.")]
    assert names
    before = watched.states(5)
    for name in names:
        value = watched.page.evaluate("name => document.querySelector(`[name='${name}']`).value", name)
        watched.page.evaluate(SET, [name, "0.3"])
        after = watched.states(5)
        assert json.dumps(after[side]) != json.dumps(before[side]), name
        assert json.dumps(after[1 - side]) == json.dumps(before[1 - side]), name
        watched.page.evaluate(SET, [name, value])


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
    for where in ("#reset", "[name=lr]"):  # letters work wherever they mean nothing else
        page.focus(where)
        page.keyboard.press("S")
    assert page.evaluate("sgdsde.world.update") == before + 3
    assert page.inner_text("#play") == "Play"
    page.focus("#presets button")
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"
    assert "preset=scale" in page.evaluate("location.hash")
    page.click("#play")  # other tests count the processor's time


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


def test_all_can_be_reached_by_tab_in_the_order_of_sight(browser, page_file) -> None:
    keyed = Watched(browser, page_file, "scene=valley&paths=64&k=0")
    page = keyed.page
    stops = page.evaluate(
        "() => [...document.querySelectorAll('button, input, select, canvas')]"
        ".map((each) => each.name || each.id || each.value)"
    )
    found = []
    for _ in stops:
        page.keyboard.press("Tab")
        found.append(
            page.evaluate("(document.activeElement.name || document.activeElement.id || document.activeElement.value)")
        )
    assert found == stops
    keyed.close()


def test_a_screen_reader_is_told_what_everything_is(browser, page_file) -> None:
    """By the browser's own tree: a role, a name, and of sliders the value in words."""
    told = Watched(browser, page_file, "scene=sharp_flat&paths=64&k=30")
    told.wait_for(30)
    nodes = told.page.context.new_cdp_session(told.page).send("Accessibility.getFullAXTree")["nodes"]
    kinds = (
        "button",
        "slider",
        "combobox",
        "spinbutton",
        "checkbox",
        "image",
        "table",
        "navigation",
        "form",
        "group",
        "status",
    )
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in kinds
    }
    assert all(name for role, name in named if role not in ("group", "status"))
    for expected in (
        ("slider", "sharp"), ("slider", "Learning rate ε"), ("combobox", "Loss"), ("combobox", "Batches"),
        ("button", "Leaving a sharp minimum"), ("spinbutton", "Start, x"), ("form", "Settings"),
        ("checkbox", "Hold g: ε follows B, N and m"), ("combobox", "Updates a second"),
    ):  # fmt: skip
        assert expected in named
    images = [name for role, name in named if role == "image"]
    assert len(images) == 2
    assert all("64 paths after 30 updates; variance of x" in name and "±" in name for name in images)
    values = told.page.eval_on_selector_all(
        "input[type=range]",
        "all => all.map((each) => [each.labels[0].textContent, each.getAttribute('aria-valuetext')])",
    )
    assert {"Learning rate ε": "0.1", "sharp": "8", "Momentum m": "0"}.items() <= dict(values).items()
    told.close()


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
    # Text is not run either way: neither as code, from the page's own task, nor as what an element says.
    watched.page.evaluate("setTimeout(() => { try { eval('1') } catch (error) { window.refused = error.name } })")
    watched.page.evaluate("document.body.insertAdjacentHTML('beforeend', `<i id=i onclick='window.ran = 1'></i>`)")
    watched.page.evaluate("i.click()")
    watched.page.wait_for_timeout(500)
    assert watched.page.evaluate("[window.refused, window.ran]") == ["EvalError", None]
    assert watched.said  # Chromium tells of its refusal
    assert all("Content Security Policy" in text for text in watched.said)
    watched.said.clear()
    watched.close()


#: Updates of both sides with all that is drawn of each, as the page does it in a frame; the table three times a second.
FRAMES = "updates => { for (let k = 0; k < updates; k++) { sgdsde.world.advance(); sgdsde.show(k % 20 === 0); } }"


def seconds_of(browser) -> float:
    """Processor time of all pages."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return sum(each["cpuTime"] for each in told["processInfo"] if each["type"] == "renderer")


OPENED = [f"scene={name}" for name in named_scenes()] + [f"preset={each.name}" for each in PRESETS]
PLANES = [f"scene={name}&paths=4096" for name in ("quadratic_2d", "valley", "balance")]


@pytest.mark.parametrize("link", [*PLANES, *OPENED])
def test_sixty_updates_a_second(browser, page_file, link: str) -> None:
    """4096 paths of a landscape of two dimensions, and whatever there is as it opens."""
    fast = Watched(browser, page_file, f"{link}&k=0")
    if link.startswith("preset"):
        fast.page.evaluate("name => document.querySelector(`#presets button[value=${name}]`).click()", link[7:])
        fast.page.evaluate("play.click()")
    fast.page.evaluate(FRAMES, 60)  # until it is compiled
    before = seconds_of(browser)
    fast.page.evaluate(FRAMES, 300)
    spent = seconds_of(browser) - before
    print(f"{link}: {300 / spent:.0f} updates a second of one core")
    assert 300 / spent >= 60, f"{300 / spent:.0f} updates a second of one core"
    fast.close()


@pytest.mark.parametrize("scene", ["double_well", "mueller_brown"])
def test_memory_is_flat(browser, page_file, scene: str) -> None:
    long = Watched(browser, page_file, f"scene={scene}&paths=64&l=1&k=0")
    long.wait_for(0)
    sizes = []
    for _ in range(4):
        long.page.evaluate(FRAMES, 1500)
        long.page.evaluate("gc()")
        sizes.append(long.page.evaluate("performance.memory.usedJSHeapSize"))
    assert sizes[-1] - sizes[1] < 3e5, sizes  # the first has what the page was made of
    long.close()


@pytest.mark.slow("five minutes of play, as a visitor has them")
def test_memory_is_flat_over_five_minutes(browser, page_file) -> None:
    long = Watched(browser, page_file, "scene=valley&paths=4096&l=1")
    sizes = []
    for wait in (30, 270):
        long.page.wait_for_timeout(1000 * wait)
        long.page.evaluate("gc()")
        sizes.append(long.page.evaluate("performance.memory.usedJSHeapSize"))
    assert long.page.inner_text("#play") == "Pause"
    assert long.page.evaluate("sgdsde.world.update") > 1000
    assert sizes[1] - sizes[0] < 2e5, sizes
    long.close()
