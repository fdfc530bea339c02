"""What results look like at a prompt and in a notebook: one line, or a table; never pages of arrays."""

import dataclasses
import importlib
import inspect
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

import sgdsde as sg
from sgdsde import models, statistics, theory
from sgdsde.layout import one_line
from sgdsde.plotting import Shown

ROOMS = ("convergence", "data", "diagnosis", "escapes", "evidence", "ladders", "landscapes", "models", "plotting",
         "schedules", "statistics", "sweeps", "theory")  # fmt: skip
#: Classes of a few numbers and words, whose fields in a row are one line.
SMALL = {
    "BalanceLaw",
    "SGDConfig",
    "Row",
    "Cell",
    "MeasuredOrder",
    "CodeVersion",
    "Failure",
    "Rate",
    "Level",
    "Exponentiality",
    "Effect",
    "Declared",
    "Size",
}

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.standard_normal((40, 30)), np.arange(40) % 2
BOWL = sg.Landscape("x**2/2", "x")
CONFIG = sg.SGDConfig(0.1, 4, 64)
RUN = {"engine": "numpy", "paths": 50, "save_every": 1, "seed": 1}
WELL = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0)


def public_classes():
    for room in ROOMS:
        module = importlib.import_module(f"sgdsde.{room}")
        for name in module.__all__ if hasattr(module, "__all__") else ():
            found = getattr(module, name)
            if inspect.isclass(found) and not issubclass(found, (Warning, Exception)):
                yield found


@pytest.mark.networks
def test_no_public_class_prints_its_arrays():
    seen = {each for each in public_classes() if dataclasses.is_dataclass(each)}
    assert len(seen) > 40
    for each in sorted(seen, key=lambda found: found.__qualname__):
        generated = hasattr(each.__repr__, "__wrapped__")  # dataclasses' own, which shows every field whole
        assert not generated or each.__name__ in SMALL, each


@pytest.fixture(scope="module")
def results():
    run = sg.simulate_sgd(BOWL, CONFIG, 0.0, 60, **RUN)
    ended = sg.simulate_sgd(BOWL, sg.SGDConfig(0.1, 1, 64), 0.0, 60, stop="x > 0.2", **RUN)
    logistic = models.LogisticRegression(X, Y)
    fit = logistic.fit(1.0)
    data = sg.data.Dataset("toy", X, Y, X, Y, image_shape=(), provenance="made up, " * 40)
    times = GENERATOR.exponential(size=200) + 0.1
    study = sg.escape_study(WELL, sg.SGDConfig(0.05, 1, 64), -1.0, "x > 0", paths=20, updates=100, engine="numpy")
    return {
        "ensemble": run, "standard error": run.standard_error, "exits": ended.exits, "shown": Shown("SGD", run),
        "logistic": logistic, "fit": fit, "data": data,
        "evidence": theory.evidence_of_fit(logistic, fit), "estimate": statistics.mean(X),
        "covariance": statistics.covariance(X), "distances": statistics.distances(X[:, :2], X[:, :2] + 1),
        "survival": statistics.survival_curve(times, np.ones(200, dtype=bool)),
        "exit time": statistics.mean_exit_time(times, np.ones(200, dtype=bool)),
        "exponentiality": statistics.exponentiality(times, np.ones(200, dtype=bool)),
        "splitting": statistics.splitting_probabilities(np.arange(9) % 3, ("a", "b", "c")),
        "order": statistics.fit_order([1.0, 0.5, 0.25], [0.5, 0.26, 0.128], [0.01, 0.01, 0.005]),
        "equation": theory.FokkerPlanck(BOWL, 0.1, (-2.0, 2.0), 80),
        "density": theory.stationary_density(WELL, CONFIG, (-3.0, 3.0)),
        "path": sg.BrownianPath(2, 1.0, 1024, seed=3), "linear": models.LinearRegression.gaussian(30, n_examples=100),
        "escape": study.escapes[0], "predictions": study.predictions,
        "problem": next(iter(sg.convergence.PROBLEMS.values())),
    }  # fmt: skip


def test_results_are_one_line(results):
    for name, result in results.items():
        text = repr(result)
        assert "\n" not in text, (name, text)
        assert len(text) <= 450, (name, len(text), text)
        assert "array(" not in text, (name, text)


def test_studies_are_their_tables():
    study = sg.evidence_study(X, Y, [0.1, 1.0])
    assert repr(study) == str(study)
    assert len(repr(study)) < 1000
    escapes = sg.escape_study(WELL, sg.SGDConfig(0.05, 1, 64), -1.0, "x > 0", paths=20, updates=100, engine="numpy")
    assert repr(escapes) == str(escapes)
    assert "Mean exit times" in repr(escapes)


def test_one_line_shows_small_fields_and_tells_what_large_ones_are():
    @dataclasses.dataclass
    class Found:
        number: float
        few: np.ndarray
        many: np.ndarray
        words: tuple
        long: tuple
        table: dict
        function: object
        text: str
        __repr__ = one_line

    shown = repr(Found(1 / 3, np.array([1.0, 2.5]), np.zeros((9, 2)), ("a", 1), tuple(range(9)), {"k": np.zeros(7)},
                       np.sin, "word " * 40))  # fmt: skip
    assert "number=0.333333, few=[1, 2.5], many=float64 (9, 2), words=('a', 1), long=9 × int" in shown
    assert "table={'k': float64 (7,)}" in shown
    assert shown.endswith("…)")
    assert len(shown) < 300


HOSTILE = "<script>alert('1 & 2')</script>"


class Cells(HTMLParser):
    """Tags that a page opens, and its texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def shown():
    """Results whose names are markup, wherever a user may choose a name."""
    bowl = sg.Landscape("a*x**2/2", "x", {"a": 2.0}, name=HOSTILE)
    run = sg.simulate_sgd(bowl, CONFIG, 0.0, 60, **RUN, observe=sg.Observe(moments=4))
    run = dataclasses.replace(run, label=HOSTILE)
    ended = sg.simulate_sgd(bowl, sg.SGDConfig(0.1, 1, 64), 0.0, 60, stop={HOSTILE: "x > 0.2 and x < 9"}, **RUN)
    escapes = sg.escape_study(WELL, sg.SGDConfig(0.05, 1, 64), -1.0, "x > 0", paths=20, updates=100,
                              engine="numpy")  # fmt: skip
    escapes = dataclasses.replace(
        escapes, predictions=dataclasses.replace(escapes.predictions, absent={"kramers": HOSTILE})
    )
    ladder = sg.ladder(bowl, CONFIG, 1.0, 20, 200, svag=(2,), engine="numpy")
    rare = sg.RareExitTime(1e9, 1e7, (9e8, 1.1e9), 0.95, 10.0, 1e-8, np.array([0.1]), 0.0, (0.5,), {HOSTILE: 1.0},
                           np.ones((2, 2)), 1e6, 4)  # fmt: skip
    found = {HOSTILE: statistics.distances(X[:, :2], X[:, :2] + 1)}
    network = sg.NetworkLadder(
        HOSTILE, {HOSTILE: sizes(replica=8, step=1)}, found, (HOSTILE, "loss"), {"SVAG": HOSTILE}
    )
    return {
        "landscape": bowl, "ensemble": run, "exits": ended.exits, "ends": ended, "escapes": escapes, "rare": rare,
        "network ladder": network, "comparison": sg.compare(run, predicted_mean=[0.0], names=[HOSTILE]),
        "ladder": dataclasses.replace(ladder, absent={"SVAG": HOSTILE}),
        "config": sg.SGDConfig(0.1, 4, 64, hyperparameters={HOSTILE: 0.5}),
    }  # fmt: skip


def sizes(**lengths):
    return xr.Dataset(coords={name: np.arange(length) for name, length in lengths.items()})


def test_a_notebook_shows_tables_in_which_no_name_is_markup(shown):
    for name, result in shown.items():
        page = Cells(result._repr_html_())
        assert set(page.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}, name
        assert page.tags[0] == "table", name
        assert any(HOSTILE in text for text in page.texts), (name, page.texts)


def test_a_notebook_shows_the_numbers_that_matter(shown):
    page = Cells(shown["config"]._repr_html_()).texts
    assert page[page.index("noise scale g = εNc/(1 − m)") + 1] == "1.5"
    assert page[page.index("temperature T = g/N") + 1] == "0.0234375"
    page = Cells(WELL._repr_html_()).texts
    assert page[page.index("L(x)") + 1] == WELL.text
    assert page[page.index("F") + 1] == "8"
    assert page[page.index("minimum at -1") + 1] == "L = -0.25"
    assert "minimum at 1" in page
    assert "No minimum was found" in sg.Landscape("x**3 + x", "x")._repr_html_()
    assert "up to 2 dimensions" in sg.Landscape("x**2 + y**2 + z**2", "x y z")._repr_html_()
    assert "minimum at" not in sg.Landscape("x**2 + y**2 + z**2", "x y z")._repr_html_()
    run = shown["ensemble"]
    page = Cells(run._repr_html_()).texts
    assert f"{run.mean[0]:.5g} ± {run.standard_error.mean[0]:.2g}" in page
    assert f"{run.kurtosis.value[0]:.5g} ± {run.kurtosis.standard_error[0]:.2g}" in page
    exits = shown["exits"]
    assert str(exits.ended.sum()) in Cells(exits._repr_html_()).texts
    assert f"Mean exit time in updates: {exits.mean_time()}" in exits._repr_html_()


def test_a_study_shows_the_same_cells_as_text_and_in_a_notebook():
    study = sg.evidence_study(X, Y, [0.1, 1.0])
    page = Cells(study._repr_html_()).texts
    words = " ".join(page).split()
    assert words == " ".join(str(study).split()).split()


def test_results_draw_themselves(shown):
    for name in ("ensemble", "ends", "ladder", "escapes"):
        assert shown[name].plot().axes, name
    assert sg.evidence_study(X, Y, [0.1, 1.0]).plot(scale="log").axes[0].get_yscale() == "log"
    found = shown["ensemble"].plot(mean=[0.0], covariance=[[0.01]], label="SGD")
    assert any(axes.lines for axes in found.axes)
    with pytest.raises(TypeError, match="must be an Ensemble, a Ladder or a study to be drawn, got dict"):
        sg.plotting.picture({})
