"""What a result is of: other code, values and objects that a function reaches are never taken for the same."""

import dataclasses
import fractions
import functools
import importlib
import math
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sweep_cells

import sgdsde as sg
from sgdsde.sweeps import code_version, sweep
from sgdsde.sweeps.functions import stationary_variance
from sgdsde.sweeps.version import differences


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Make modules of texts, each a file of the user's, and return the first of them, imported anew."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget():
        for name in [name for name in sys.modules if name.split(".")[0] in ("study_a", "helper_b", "helper_c", "pack")]:
            del sys.modules[name]

    def call(**texts):
        forget()
        for name, text in texts.items():
            file = tmp_path.joinpath(*name.split("__", 1)).with_suffix(".py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(next(iter(texts)).replace("__", "."))

    yield call
    forget()


#: A text and what to replace in it: each gives the function f of another result.
OTHER = {
    "code": ("def f(x): return 1", "1", "2"),
    "sign of zero": ("def f(x): return 0.0", "0.0", "-0.0"),
    "type of a number": ("def f(x): return 1", "1", "True"),
    "global": ("A = 1\ndef f(x): return A", "1", "2"),
    "global in a comprehension": ("A = 1\ndef f(x): return [A for _ in x]", "1", "2"),
    "global in a class in a function": ("A = 1\ndef f(x):\n  class C:\n    a = A\n  return C.a", "1", "2"),
    "global list": ("A = [1]\ndef f(x): return A[0]", "1", "2"),
    "global array": ("import numpy as np\nA = np.full(3, 1)\ndef f(x): return A", ", 1", ", 2"),
    "dtype": ("import numpy as np\nA = np.ones(3, 'f4')\ndef f(x): return A", "f4", "f8"),
    "object array": ("import numpy as np\nA = np.array([1, 'a'], object)\ndef f(x): return A", "'a'", "'b'"),
    "set": ("A = {'a', 'b', 1}\ndef f(x): return A", "'b'", "'c'"),
    "list of itself": ("A = [1]\nA.append(A)\ndef f(x): return A[0]", "1", "2"),
    "generator of random numbers": ("import numpy as np\nA = np.random.default_rng(1)\ndef f(x): return A", "1", "2"),
    "its method": ("import numpy as np\nA = np.random.default_rng(1).normal\ndef f(x): return A()", "1", "2"),
    "method of a list": ("A = [1].__getitem__\ndef f(x): return A(0)", "[1]", "[2]"),
    "default": ("def f(x, a=1): return a", "1", "2"),
    "default of a keyword": ("def f(x, *, a=1): return a", "1", "2"),
    "mutable default": ("def f(x, a=[1]): return a[0]", "1", "2"),
    "attribute of the function": ("def f(x): return f.a\nf.a = 1", "1", "2"),
    "closure": ("def g(a):\n  return lambda x: a\nf = g(1)", "1", "2"),
    "closure of an array": ("import numpy as np\ndef g(a):\n  return lambda x: a\nf = g(np.arange(1))", "1", "2"),
    "helper": ("def g(x): return 1\ndef f(x): return g(x)", "1", "2"),
    "helper's global": ("A = 1\ndef g(x): return A\ndef f(x): return g(x)", "1", "2"),
    "helper in a table": ("T = {}\ndef g(x): return 1\nT['g'] = g\ndef f(x): return T['g'](x)", "return 1", "return 2"),
    "one of three lambdas": ("T = [lambda: 1, lambda: 2, lambda: 1]\ndef f(x): return T[2]()", "1]", "2]"),
    "one of three closures": (
        "def g(a): return lambda: a\nT = [g(1), g(2), g(1)]\ndef f(x): return T[2]()", "g(1)]", "g(2)]",
    ),
    "one of three modules of one name": (
        "import types\ndef m(a):\n  found = types.ModuleType('m')\n  found.a = a\n  return found\n"
        "A, B, C = m(1), m(2), m(1)\ndef f(x): return A.a, B.a, C.a", "m(1)\n", "m(2)\n",
    ),
    "one of three namespaces of one name": (
        "def g(a):\n  space = {'A': a}\n  exec('def h(): return A', space)\n  return space['h']\n"
        "T = [g(1), g(2), g(1)]\ndef f(x): return T[2]()", "g(1)]", "g(2)]",
    ),
    "wrapper": (
        "import functools\ndef d(g):\n  @functools.wraps(g)\n  def w(x): return 1 * g(x)\n  return w\n"
        "@d\ndef f(x): return x", "1", "2",
    ),
    "wrapped": (
        "import functools\ndef d(g):\n  @functools.wraps(g)\n  def w(x): return g(x)\n  return w\n"
        "@d\ndef f(x): return 1", "1", "2",
    ),
    "said to be NumPy's": ("def f(x): return 1\nf.__module__ = 'numpy'\nf.__qualname__ = 'sin'", "1", "2"),
    "made with NumPy's name": (
        "space = {'__name__': 'numpy', 'A': 1}\nexec('def f(x): return A', space)\nf = space['f']", "1", "2",
    ),
    "cached": ("import functools\n@functools.lru_cache\ndef g(x): return 1\ndef f(x): return g(x)", "1", "2"),
    "cached itself": ("import functools\n@functools.cache\ndef f(x): return 1", "1", "2"),
    "partial": ("import functools\nf = functools.partial(lambda x, a: a, a=1)", "a=1", "a=2"),
    "partial of a method": (
        "import functools\nclass C:\n  def g(self, x, a): return a\nf = functools.partial(C().g, a=1)", "1", "2",
    ),
    "partial of an array": (
        "import functools, numpy as np\nf = functools.partial(lambda x, a: a, a=np.full(2, 1))", ", 1", ", 2",
    ),
    "by type": (
        "import functools\n@functools.singledispatch\ndef f(x): return x\n@f.register(int)\ndef _(x): return 1",
        "1", "2",
    ),
    "context": (
        "import contextlib\n@contextlib.contextmanager\ndef c(): yield 1\ndef f(x):\n  with c() as a: return a",
        "1", "2",
    ),
    "vectorised": ("import numpy as np\nf = np.vectorize(lambda x: 1)", "1", "2"),
    "compiled": ("import numba\n@numba.njit\ndef g(x): return 1\ndef f(x): return g(x)", "1", "2"),
    "state of an object": (
        "class C:\n  def __init__(self, a): self.a = a\n  def g(self, x): return self.a\nf = C(1).g", "1", "2",
    ),
    "state in slots": (
        "class C:\n  __slots__ = ('a',)\n  def __call__(self, x): return self.a\nf = C()\nf.a = 1", "1", "2",
    ),
    "state that is not pickled": (
        "class C:\n  def __getstate__(self): return {}\n  def __call__(self, x): return self.a\nf = C()\nf.a = 1",
        "1", "2",
    ),
    "its class": ("class C:\n  a = 1\n  def __call__(self, x): return self.a\nf = C()", "1", "2"),
    "its method's helper": (
        "class C:\n  def g(self): return 1\n  def __call__(self, x): return self.g()\nf = C()", "1", "2",
    ),
    "its base class": ("class B:\n  a = 1\nclass C(B):\n  def __call__(self, x): return self.a\nf = C()", "1", "2"),
    "its metaclass": (
        "class M(type):\n  def __call__(self, x): return 1\nclass C(metaclass=M): pass\ndef f(x): return C(x)",
        "1", "2",
    ),
    "property": ("class C:\n  @property\n  def a(self): return 1\ndef f(x): return C().a", "1", "2"),
    "class method": ("class C:\n  @classmethod\n  def a(cls): return 1\ndef f(x): return C.a()", "1", "2"),
    "list of a class of one's own": ("class L(list): pass\nA = L([1])\ndef f(x): return A[0]", "1", "2"),
    "array of a class of one's own": (
        "import numpy as np\nclass L(np.ndarray): pass\nA = np.ones(2).view(L)\nA.a = 1\ndef f(x): return A.a",
        "a = 1", "a = 2",
    ),
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n  a: int = 1\ndef f(x): return C().a", "1", "2",
    ),
    "factory of a dataclass": (
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n"
        "  a: list = field(default_factory=lambda: [1])\ndef f(x): return C().a", "1", "2",
    ),
    "named tuple": (
        "from typing import NamedTuple\nclass C(NamedTuple):\n  a: int = 1\ndef f(x): return C().a", "1", "2",
    ),
    "enumeration": ("import enum\nclass C(enum.Enum):\n  A = 1\ndef f(x): return C.A.value", "1", "2"),
    "landscape": ("import sgdsde as sg\nA = sg.Landscape('x**2', 'x')\ndef f(x): return A.loss(x)", "x**2", "x**4"),
    "config": ("import sgdsde as sg\nA = sg.SGDConfig(0.1, 4, 64)\ndef f(x): return A", "0.1", "0.2"),
    "weights": ("import torch\nA = torch.full((2,), 1.0)\ndef f(x): return A.sum()", "1.0", "2.0"),
    "DataArray": ("import xarray\nA = xarray.DataArray([1.0])\ndef f(x): return A", "1.0", "2.0"),
    "regular expression": ("import re\nA = re.compile('1')\ndef f(x): return A", "'1'", "'2'"),
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.networks) if n == "weights" else n for n in OTHER])
def test_other_code_is_another_version_and_the_same_is_the_same(load, name):
    text, old, new = OTHER[name]
    before, after = head_and_last(text, old, new)
    one, two = (code_version(load(study_a=before).f) for _ in range(2))
    assert one == two
    other = code_version(load(study_a=after).f)
    assert other.code != one.code
    assert other.text != one.text
    assert differences(one, other)


def head_and_last(text, old, new):
    assert old in text
    place = text.rindex(old)
    return text, text[:place] + new + text[place + len(old) :]


#: Texts of two files, the second a helper of the first.
ELSEWHERE = {
    "import": "import helper_b\ndef f(x): return helper_b.g(x)",
    "as": "import helper_b as h\ndef f(x): return h.g(x)",
    "from": "from helper_b import g\ndef f(x): return g(x)",
    "inside": "def f(x):\n  import helper_b\n  return helper_b.g(x)",
    "from inside": "def f(x):\n  from helper_b import g as h\n  return h(x)",
    "of a helper": "import helper_b\ndef call(m, x): return m.g(x)\ndef f(x): return call(helper_b, x)",
    "by getattr": "import helper_b\ndef f(x): return getattr(helper_b, 'g'[:1])(x)",
    "by its dict": "import helper_b\ndef f(x): return helper_b.__dict__['g'[:1]](x)",
    "by attrgetter": "import helper_b, operator\ndef f(x): return operator.attrgetter('g'[:1])(helper_b)(x)",
    "in a table": "import helper_b\nT = [helper_b]\ndef f(x): return T[0].g(x)",
    "when asked": (
        "import sys\nimport helper_c\ndef f(x): return helper_c.h(x)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_helpers_in_another_file(load, name):
    asked = "def __getattr__(name):\n  import helper_b\n  if name == 'h': return helper_b.g\n  raise AttributeError"
    codes = []
    for helper in (
        "A = 1\ndef g(x): return A", "A = 1\n\n# a remark\ndef g(x):\n    return A", "A = 2\ndef g(x): return A",
        "A = 1\ndef g(x): return -A",
    ):  # fmt: skip
        codes.append(code_version(load(study_a=ELSEWHERE[name], helper_b=helper, helper_c=asked).f).code)
    assert codes[0] == codes[1]  # remarks and layout do not matter
    assert len(set(codes)) == 3


def test_helpers_in_a_package(load):
    study = "from .part import g\ndef f(x):\n  from . import part\n  return part.h(g(x))"
    codes = {
        code_version(load(pack__study=study, pack____init__="", pack__part=part).f).code
        for part in ("def g(x): return 1\ndef h(x): return x", "def g(x): return 2\ndef h(x): return x",
                     "def g(x): return 1\ndef h(x): return 2")
    }  # fmt: skip
    assert len(codes) == 3


def test_what_it_does_not_name_does_not_matter(load):
    texts = (
        "A = 1\nB = 2\ndef f(x): return A\ndef g(x): return B",
        "A = 1\nB = 3\ndef g(x): return 2 * B\n\ndef f(x):\n  return A",
    )
    assert len({code_version(load(study_a=text).f).text for text in texts}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A = open(__file__)\ndef f(x): return A.read()", r"a value of type _io.TextIOWrapper .*, in study_a.A: "),
        ("A = (i for i in (1, 2))\ndef f(x): return next(A)", r"type builtins.generator .*, in study_a.A: "),
        ("def g(a):\n  return lambda x: next(a)\nf = g(i for i in (1, 2))", "generator .*, in a around study_a.g"),
        ("def f(x, a=(i for i in (1, 2))): return next(a)", "in defaults of study_a.f"),
        ("import weakref\nclass C: pass\nc = C()\nA = weakref.ref(c)\ndef f(x): return A().a", "ReferenceType"),
        ("import numpy as np\nf = np.frompyfunc(lambda x: 1, 1, 1)", "made by no installed package"),
        ("import threading\nA = threading.local()\ndef f(x): return A.a", "_thread._local .*, in study_a.A"),
        ("A = []\nfor _ in range(5000): A = [A]\ndef f(x): return A", "values that are nested too deep, in study_a.A"),
        ("def f(x): return eval('A')", "eval, which finds what it uses only when it runs, in study_a.eval"),
        ("def f(x): exec('y = A')", "exec, which finds"),
        ("def f(x): return globals()['A'[:1]]", "globals, which finds"),
        ("import importlib\ndef f(x): return importlib.import_module('helper_b').g(x)", "import_module, which finds"),
        ("def f(x):\n  from importlib import import_module as i\n  return i('helper_b')", "import_module, which finds"),
        ("import sys\ndef f(x): return sys.modules['helper_b'].g(x)", "sys.modules, which finds"),
        ("class B: pass\nclass C(B): a = 1\ndef f(x): return B.__subclasses__()[0].a", "__subclasses__, which leads"),
        ("def g(): pass\ndef f(x): return g.__globals__['A']", "__globals__, which leads"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_with_the_reason(load, tmp_path, text, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        module = load(study_a=text)
        with pytest.raises(ValueError, match=f"function depends on .*{message}") as refused:
            sweep(module.f, {"x": [1]}, tmp_path / "runs" / "s")
        assert str(refused.value).endswith("Hand it in as an argument, or name a version=")
        assert not (tmp_path / "runs").exists()
        if hasattr(getattr(module, "A", None), "close"):
            module.A.close()  # else it is closed at another test's time, which is then blamed


def test_a_changed_global_of_this_process(tmp_path, load):
    module = load(study_a="import helper_b\ndef f(x): return helper_b.A * x", helper_b="A = 2")
    store = tmp_path / "s"
    assert sweep(module.f, {"x": [1]}, store).result.item() == 2
    sys.modules["helper_b"].A = 3
    with pytest.raises(ValueError, match=r"holds results of other code, f .*; what differs: helper_b.A. Name another"):
        sweep(module.f, {"x": [1]}, store)
    assert sweep(module.f, {"x": [1]}, tmp_path / "t").result.item() == 3
    sys.modules["helper_b"].A = 2
    assert sweep(module.f, {"x": [1, 2]}, store).result.values.tolist() == [2, 4]


def test_lambdas_of_one_line_and_a_function_written_again(tmp_path):
    first, second = (lambda x: x), (lambda x: 2 * x)
    assert sweep(first, {"x": [1]}, tmp_path / "s").result.item() == 1
    with pytest.raises(ValueError, match=r"other code, .*<lambda> .*what differs: the code of .*<lambda>"):
        sweep(second, {"x": [1]}, tmp_path / "s")
    space = {"__name__": "__main__"}
    exec("def f(x): return x", space)  # as typed at a prompt: there is no file
    assert sweep(space["f"], {"x": [1]}, tmp_path / "t").result.item() == 1
    exec("def f(x): return 2 * x", space)
    with pytest.raises(ValueError, match=r"what differs: the code of __main__\.f\."):
        sweep(space["f"], {"x": [1]}, tmp_path / "t")


def test_closures_partial_functions_methods_and_instances_have_results_of_their_own(tmp_path):
    for k, make in enumerate((scaled, lambda a: functools.partial(times, a=a), lambda a: Scale(a).times, Scale)):
        for a in (2.0, 3.0):
            store = tmp_path / f"{k}-{a}"
            assert sweep(make(a), {"x": [5.0]}, store).result.item() == 5 * a
            assert sweep(make(a), {"x": [5.0, 6.0]}, store).result.values.tolist() == [5 * a, 6 * a]
        with pytest.raises(ValueError, match="holds results of other code"):
            sweep(make(np.full(2, 3.0)), {"x": [5.0]}, store)


def scaled(a):
    return lambda x: a * x


def times(x, a):
    return a * x


class Scale:
    def __init__(self, a):
        self.a = a

    def times(self, x):
        return self.a * x

    __call__ = times


def test_functions_put_in_place_of_others(monkeypatch):
    third = fractions.Fraction(1, 3)

    def uses_them(x):
        return third + np.linalg.norm(x) + math.tau + abs(x) + sg.theory.stationary_covariance(1.0, 1.0, None)

    versions = [code_version(uses_them)]
    import sgdsde.theory.stationary

    for where, name, value in (
        (np.linalg, "norm", times), (math, "tau", 6.0), (sys.modules["builtins"], "abs", times),
        (sg.theory, "stationary_covariance", times), (sgdsde.theory.stationary, "stationary_covariance", times),
        (sg.Landscape, "loss", times), (fractions.Fraction, "__add__", times),
    ):  # fmt: skip
        with monkeypatch.context() as patched:
            patched.setattr(where, name, value)
            versions.append(code_version(uses_them))
        assert code_version(uses_them) == versions[0]
    assert len({version.code for version in versions}) == len(versions)


def test_a_scheme_of_the_users_is_part_of_what_simulations_do(monkeypatch):
    from sgdsde.schemes import registry

    before = code_version(stationary_variance)
    own = next(iter(registry.declarations().values()))
    codes = set()
    for function in (times, scaled):
        with monkeypatch.context() as patched:
            patched.setitem(registry._REGISTRY, "own", dataclasses.replace(own, function=function))
            codes.add(code_version(stationary_variance).code)
    assert len(codes | {before.code}) == 3


def test_functions_of_the_library_are_cheap_and_the_same_whatever_was_used(monkeypatch):
    well = sg.Landscape("x**4/4 - x**2/2", "x")

    def uses_it(x):
        return well.loss([x])

    before = code_version(uses_it), code_version(stationary_variance)
    assert len(before[1].parts) == 1
    well.gradient([0.3])  # makes functions that it keeps
    assert (code_version(uses_it), code_version(stationary_variance)) == before
    assert len(before[0].parts) < 10


def test_a_global_that_the_function_fills_is_no_hindrance_within_a_sweep(tmp_path, load):
    module = load(study_a="A = {}\ndef f(x):\n  A[x] = x\n  return len(A)")
    with ThreadPoolExecutor(1) as pool:
        assert sweep(module.f, {"x": [1, 2, 3]}, tmp_path / "s", pool).result.values.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=r"what differs: study_a.A\."):
        sweep(module.f, {"x": [1, 2, 3]}, tmp_path / "s")
    module.A.clear()
    sweep(module.f, {"x": [1, 2, 3]}, tmp_path / "s")


def test_a_worker_that_imports_other_values_is_refused(tmp_path, monkeypatch):
    found = sweep(sweep_cells.with_factor, {"x": [1, 2]}, tmp_path / "s", "processes")
    assert found.result.values.tolist() == [1, 2]
    monkeypatch.setattr(sweep_cells, "FACTOR", 3)
    with pytest.raises(RuntimeError, match=r"a worker has other code than the sweep, .*differs: sweep_cells.FACTOR\."):
        sweep(sweep_cells.with_factor, {"x": [1, 2]}, tmp_path / "t", "processes")


SCRIPT = """
import functools, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import numpy as np
from sgdsde.sweeps import code_version, sweep

SCALE = 2.0
WORDS = {"one", "two", "three"}

class Model:
    def __init__(self, weights):
        self.weights = weights

    def run(self, x):
        return SCALE * self.weights.sum() * x + len(WORDS)

MODEL = Model(np.arange(3.0))

def f(x):
    return MODEL.run(x)

if __name__ == "__main__":
    if sys.argv[2:]:
        SCALE = float(sys.argv[2])
    functions = (f, MODEL.run, functools.partial(Model(np.ones(3)).run))
    print(" ".join(code_version(each).code for each in functions))
    with ProcessPoolExecutor(1, get_context("spawn")) as worker:
        for k, each in enumerate(functions):
            print(sweep(each, {"x": [1, 2]}, f"{sys.argv[1]}-{k}", worker).result.values.tolist())
"""


def test_a_script_its_workers_and_the_same_file_imported(tmp_path, start, load):
    """One version of all, whatever the seed of hashes; a global that only the script itself sets is refused."""
    module = load(study_a=SCRIPT)
    functions = (module.f, module.MODEL.run, functools.partial(module.Model(np.ones(3)).run))
    codes = " ".join(code_version(each).code for each in functions)
    process = start(tmp_path / "study_a.py", tmp_path / "s", stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=60)
    assert out.splitlines() == [codes, "[9.0, 15.0]", "[9.0, 15.0]", "[9.0, 15.0]"]
    process = start(tmp_path / "study_a.py", tmp_path / "t", "5", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker has other code than the sweep" in error
    assert "what differs: study_a.SCALE." in error
    assert out.count("\n") == 1


def test_a_function_that_travels_by_value_is_the_same_where_it_arrives(tmp_path):
    pytest.importorskip("cloudpickle")
    script = SCRIPT.partition("if __name__")[0] + (
        "if __name__ == '__main__':\n"
        "    import cloudpickle, pickle\n"
        "    functions = (f, MODEL.run, functools.partial(Model(np.ones(3)).run), Model(1).run, lambda x: SCALE * x)\n"
        "    found = [(cloudpickle.dumps(each), code_version(each)) for each in functions]\n"
        "    open(sys.argv[1], 'wb').write(pickle.dumps(found))\n"
    )
    (tmp_path / "study_a.py").write_text(script)
    subprocess.run([sys.executable, tmp_path / "study_a.py", tmp_path / "f"], check=True, env=os.environ)
    # Where it arrives is a process of its own: in this one other tests may have declared schemes.
    arrival = (
        "import pickle, sys\n"
        "from sgdsde.sweeps.version import code_version, differences\n"
        "for data, version in pickle.loads(open(sys.argv[1], 'rb').read()):\n"
        "    here = code_version(pickle.loads(data), users=version.users)\n"
        "    assert here.text == version.text, differences(version, here)\n"
    )
    subprocess.run([sys.executable, "-c", arrival, tmp_path / "f"], check=True, env=os.environ)
