import numpy as np
import pytest
from tables import every

from sgdsde.landscapes import Landscape
from sgdsde.landscapes.catalog import catalog, minima, named
from sgdsde.landscapes.minimum import nearby_minimum


@every("name", [name for name in catalog() if name != "valley_of_minima"])
def test_the_catalogs_minima_are_found_from_beside_them(name):
    for minimum in minima(name):
        for direction in np.vstack([np.eye(len(minimum)), -np.eye(len(minimum))]):
            found = nearby_minimum(named(name), minimum + 0.02 * direction)
            np.testing.assert_allclose(found, minimum, atol=1e-7)


def test_the_basin_of_the_start_decides():
    well = Landscape("x**4/4 - x**2/2", "x")
    for start in (0.01, 0.3, 2.0, 50.0):
        assert nearby_minimum(well, start)[0] == pytest.approx(1.0, abs=1e-9)
        assert nearby_minimum(well, -start)[0] == pytest.approx(-1.0, abs=1e-9)


@every("beside", [1e-3, 0.0075, 0.1, 1.0, 1.5, 2.0, 3.0])
def test_no_well_is_jumped_over(beside):
    waves = Landscape("-cos(x)", "x")
    for sign in (-1, 1):
        assert nearby_minimum(waves, np.pi + sign * beside)[0] == pytest.approx(np.pi + sign * np.pi, abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "start"),
    [
        ("x**4/4 - x**2/2", 0.0),
        ("x**4", 1.0),
        ("x", 1.0),
        ("0*x", 1.0),
        ("-x**2", 1.0),
        ("log(x)", 1.0),
        ("atan(x)", 0.0),
    ],
)
def test_none_where_there_is_no_curved_minimum(loss, start):
    assert nearby_minimum(Landscape(loss, "x"), start) is None


def test_a_flat_direction_is_no_minimum():
    assert nearby_minimum(Landscape("x**2", "x y"), [1.0, 1.0]) is None


def test_start_must_be_one_point():
    with pytest.raises(ValueError, match="start must have shape"):
        nearby_minimum(Landscape("x**2", "x"), [[1.0], [2.0]])
