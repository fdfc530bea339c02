import itertools
import math

import numpy as np
import pytest
from tables import every

from sgdsde.sweeps.grid import as_text, from_text, grid_of, key


def test_cells_are_the_product_in_c_order():
    axes = {"a": (1, 2), "b": ("x", "y", "z"), "c": (None, (1.0, True))}
    grid = grid_of(axes, {"seed": 4})
    expected = [dict(zip(axes, values, strict=True)) | {"seed": 4} for values in itertools.product(*axes.values())]
    assert [grid.cell(k) for k in range(grid.size)] == expected
    assert grid.shape == (2, 3, 2)


def test_texts_and_keys_tell_all_cells_apart_and_do_not_depend_on_the_order_of_axes():
    axes = {"a": (2, 0.1 + 0.2, "2", True, None, math.inf, (1,)), "b": (0.3, -0.0, 1e300)}
    grid, turned = grid_of(axes), grid_of(dict(reversed(axes.items())))
    texts = {grid.text(k) for k in range(grid.size)}
    assert len(texts) == grid.size
    assert texts == {turned.text(k) for k in range(grid.size)}
    assert len({key("v", text) for text in texts} | {key("w", text) for text in texts}) == 2 * grid.size


def test_types_matter_to_keys():
    texts = [grid_of({"a": [value]}).text(0) for value in (1, 1.0, True, "1", (1,))]
    assert len(set(texts)) == 5


@every("value", [0, -3, 0.1, 5e-324, -math.inf, True, None, "ω\n\"'", (), (1, (2.5, None), "a"), 2**80])
def test_text_comes_back_as_the_same_value(value):
    back = from_text(as_text(value))
    assert back == value
    assert type(back) is type(value)


def test_numpy_values_and_lists_become_plain():
    grid = grid_of({"a": np.linspace(0, 1, 3), "b": np.arange(2), "c": [[1, 2]]})
    assert grid.cell(5) == {"a": 1.0, "b": 1, "c": (1, 2)}
    assert [type(value) for value in grid.cell(5).values()] == [float, int, tuple]


def test_coordinates_have_the_types_of_their_values():
    kinds = {
        name: array.dtype.kind
        for name, array in grid_of(
            {"i": [1, 2], "f": [1, 2.5], "s": ["a", "bc"], "b": [True, False], "o": [None, 1.0], "t": [(1, 2), (3,)],
             "big": [2**60, 0.5]}
        ).coordinates().items()
    }  # fmt: skip
    assert kinds == {"i": "i", "f": "f", "s": "U", "b": "b", "o": "O", "t": "O", "big": "O"}


@every(
    ("grid", "fixed", "message"),
    [
        ({}, None, "grid must map one name or more to values, got {}"),
        ([1], None, "grid must map one name or more"),
        ({"a b": [1]}, None, "grid must name arguments of the function, got 'a b'"),
        ({"a": "text"}, None, r"grid\['a'\] must be a sequence of values, got 'text'"),
        ({"a": 3}, None, r"grid\['a'\] must be a sequence of values, got 3"),
        ({"a": np.eye(2)}, None, r"grid\['a'\] must be a sequence of values"),
        ({"a": np.array(1)}, None, r"grid\['a'\] must be a sequence of values"),
        ({"a": []}, None, r"grid\['a'\] must hold one value or more, got none"),
        ({"a": [1, 2, 1.0]}, None, r"grid\['a'\] must hold different values, got 1.0 twice"),
        ({"a": [math.nan]}, None, r"grid\['a'\] must not be NaN"),
        ({"a": [object]}, None, r"grid\['a'\] must be None, a bool, a number, text or a tuple of these"),
        ({"a": [1]}, {"a": 2}, r"fixed\['a'\] is an axis of the grid too"),
        ({"a": [1]}, {"b": {}}, r"fixed\['b'\] must be None, a bool"),
    ],
)
def test_bad_grids_are_refused(grid, fixed, message):
    with pytest.raises(ValueError, match=message):
        grid_of(grid, fixed)
